/* Fuzz target: any bytes as a scenario, and as a tape of a small world. Oracles: a script with a
 * world gives a scenario or tells an error; what is printed of the scenario is read back, and
 * prints the same. Of the files that a scenario names only those of the folder of traces are
 * opened. SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "targets/target.h"

#include <string.h>

#include "conform/world.h"
#include "simnet/scenario.h"

#define INPUT FUZZ_TRACES "/input"

enum { CASES_MAX = 4, SESSIONS_MAX = 10000 };

struct printed {
    char *text;
    size_t size;
};

/* What is in no folder is in that of the traces, where the input is said to be. */
static bool is_far(const struct sx_value *path)
{
    return path->bytes.size > 0 && memchr(path->bytes.data, '/', path->bytes.size) != NULL;
}

static bool names_far_files(const struct sx_script *script)
{
    for (size_t i = 0; i < script->world->count; i++) {
        const struct sx_statement *statement = &script->world->statements[i];
        for (size_t k = 0; k < statement->clause_count; k++) {
            int key = statement->clauses[k].row->key;
            if ((key == SX_K_OPPORTUNITIES || key == SX_K_LOSE_TRACE || key == SX_K_DELAY_TRACE ||
                 key == SX_K_COPIES_TRACE) &&
                is_far(&statement->clauses[k].values[0]))
                return true;
        }
    }
    return false;
}

static struct printed print(const struct simnet_scenario *scenario)
{
    struct printed printed;
    FILE *file = open_memstream(&printed.text, &printed.size);

    FUZZ_CHECK(file != NULL, "out of memory");
    simnet_scenario_print(scenario, file);
    fclose(file);
    return printed;
}

/* A refusal is told; every second one to nobody. */
static bool load(const struct sx_script *script, size_t index, struct simnet_scenario *out)
{
    struct printed told = {NULL, 0};
    FILE *errors = index % 2 == 0 ? open_memstream(&told.text, &told.size) : NULL;
    const bool ok = simnet_scenario_from_script(script, index, out, errors);

    if (errors != NULL) {
        fclose(errors);
        FUZZ_CHECK(ok == (told.size == 0), "a scenario or an error, never both");
    }
    free(told.text);
    return ok;
}

/* The session ids of many are slow to make, and none differs from another. */
static bool is_small(const struct simnet_scenario *scenario)
{
    uint64_t count = 0;

    for (size_t i = 0; i < scenario->sessions.count; i++)
        count += scenario->sessions.at[i].count;
    return count <= SESSIONS_MAX;
}

static void there_and_back(const struct simnet_scenario *scenario)
{
    struct printed first = print(scenario);
    struct sx_script *script = sx_parse(INPUT, first.text, first.size, NULL, NULL);
    struct simnet_scenario again;

    if (script == NULL && first.size > SX_LINE_BYTES_MAX) { /* a line grew too long */
        free(first.text);
        return;
    }
    FUZZ_CHECK(script != NULL, "what was printed parses");
    FUZZ_CHECK(simnet_scenario_from_script(script, 0, &again, stderr), "and makes sense");
    struct printed second = print(&again);
    FUZZ_CHECK(first.size == second.size && memcmp(first.text, second.text, first.size) == 0,
               "and prints the same");
    simnet_scenario_fini(&again);
    sx_script_free(script);
    free(first.text);
    free(second.text);
}

static bool take(void *ctx, const struct sx_statement *statement)
{
    struct printed line;
    FILE *file = open_memstream(&line.text, &line.size);

    (void)ctx;
    FUZZ_CHECK(file != NULL, "out of memory");
    sx_print_statement(statement, file);
    fclose(file);
    free(line.text);
    return true;
}

static void as_tape(const char *text, size_t size)
{
    static const char world[] =
        "sx 1\nid all\nworld\nhost a\nhost b\nlink a<>b\nsession S of a>b\n";
    struct sx_script *script = sx_parse("world", world, sizeof world - 1, stderr, NULL);

    FUZZ_CHECK(script != NULL, "the world parses");
    sx_parse_tape("input", text, size, script->world, take, NULL, NULL);
    sx_script_free(script);
}

const uint32_t target_ops = 0;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sx_script *script = sx_parse(INPUT, (const char *)data, size, NULL, NULL);

    as_tape((const char *)data, size);
    if (script == NULL)
        return 0;
    for (size_t i = 0; i < script->case_count && i < CASES_MAX; i++) {
        struct simnet_scenario scenario;
        if (script->world == NULL || names_far_files(script) || !load(script, i, &scenario))
            continue;
        if (is_small(&scenario))
            there_and_back(&scenario);
        simnet_scenario_fini(&scenario);
    }
    sx_script_free(script);
    return 0;
}
