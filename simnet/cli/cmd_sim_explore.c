/* sipc sim explore: every course a small world can take. */
#include "cli.h"
#include "explore_sx.h"
#include "sim_cli.h"
#include "simnet/explore.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum explore_option {
    EXPLORE_LIST = 2000,
    EXPLORE_ENGINE,
    EXPLORE_FAULTS,
    EXPLORE_IN_FLIGHT,
    EXPLORE_DEPTH,
    EXPLORE_STATES,
    EXPLORE_MEMORY,
    EXPLORE_NO_HEAL,
    EXPLORE_NO_ENGINE_CHECK,
    EXPLORE_SX,
    EXPLORE_MARKS,
    EXPLORE_JSON,
};

static const struct cli_option explore_options[] = {
    {'l', "list", NULL, "the worlds there are", EXPLORE_LIST},
    {0, "faults", "N", "at most N faults (0..15), not as many as the world says", EXPLORE_FAULTS},
    {0, "in-flight", "N", "at most N PDUs under way (1..8), not as many as the world says",
     EXPLORE_IN_FLIGHT},
    {0, "depth", "N", "stop N actions away from the beginning", EXPLORE_DEPTH},
    {0, "states", "N", "stop at N states", EXPLORE_STATES},
    {0, "memory", "MIB", "stop when states take so much memory", EXPLORE_MEMORY},
    {0, "no-heal", NULL, "safety only: do not look whether each state heals", EXPLORE_NO_HEAL},
    {0, "engine", "FILE.so", "explore this build of the engine", EXPLORE_ENGINE},
    {0, "no-engine-check", NULL, "do not ask the engine for broken invariants of its own",
     EXPLORE_NO_ENGINE_CHECK},
    {0, "sx", "FILE.sx", "write a counter-example as a conformance case", EXPLORE_SX},
    {0, "marks", NULL, "show how often what happened in which state of the session", EXPLORE_MARKS},
    {0, "json", NULL, "JSON, not a table", EXPLORE_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command explore_command = {
    .name = "sipc sim explore",
    .usage = "[options] WORLD...",
    .about =
        "Explores small worlds to their end: two endpoints of the engine, the PDUs between them,\n"
        "and every order in which these arrive, get lost, come twice or late, hosts crash,\n"
        "deadlines pass and applications give their commands, within the bounds of each world.\n"
        "What must hold is checked in every state. A counter-example is the shortest there is.\n"
        "\n"
        "exit status: 0 nothing was found, 1 an invariant does not hold, 2 bad usage",
    .examples = "sipc sim explore --list\n"
                "sipc sim explore one-message close-race\n"
                "sipc sim explore faf --faults 3 --depth 30 --json\n"
                "sipc sim explore resync --engine broken.so --sx case.sx",
    .options = explore_options,
};

struct explore_args {
    struct simnet_explore_options options;
    uint64_t faults, in_flight; /* UINT64_MAX: as the world says */
    const char *engine, *sx;
    bool list, json, marks;
};

static bool explore_take(void *ctx, int id, const char *value)
{
    struct explore_args *args = ctx;
    uint64_t number;

    switch ((enum explore_option)id) {
    case EXPLORE_LIST:
        args->list = true;
        return true;
    case EXPLORE_ENGINE:
        args->engine = value;
        return true;
    case EXPLORE_FAULTS:
        return cli_number("--faults", value, 0, SIMNET_EXPLORE_FAULTS_MAX, &args->faults);
    case EXPLORE_IN_FLIGHT:
        return cli_number("--in-flight", value, 1, SIMNET_EXPLORE_IN_FLIGHT_MAX, &args->in_flight);
    case EXPLORE_DEPTH:
        if (!cli_number("--depth", value, 1, 1000000, &number))
            return false;
        args->options.depth_max = (uint32_t)number;
        return true;
    case EXPLORE_STATES:
        return cli_number("--states", value, 1, UINT32_MAX / 2, &args->options.states_max);
    case EXPLORE_MEMORY:
        if (!cli_number("--memory", value, 1, 1 << 20, &number))
            return false;
        args->options.memory_max = number << 20;
        return true;
    case EXPLORE_NO_HEAL:
        args->options.unhealed = true;
        return true;
    case EXPLORE_NO_ENGINE_CHECK:
        args->options.engine_unchecked = true;
        return true;
    case EXPLORE_SX:
        args->sx = value;
        return true;
    case EXPLORE_MARKS:
        args->marks = true;
        return true;
    case EXPLORE_JSON:
        args->json = true;
        return true;
    }
    return false;
}

static void explore_list(bool as_json)
{
    size_t count;
    const struct simnet_explore_world *worlds = simnet_explore_worlds(&count);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        if (!as_json)
            printf("%-16s %s\n", worlds[i].name, worlds[i].about);
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "world", worlds[i].name, "about", worlds[i].about));
    }
    if (as_json) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(list);
}

/* ---- results ---- */

/* Of one core, whoever else uses it. */
static uint64_t explore_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void explore_progress(void *ctx, const struct simnet_explore_progress *progress)
{
    const struct simnet_explore_world *world = ctx;

    fprintf(stderr,
            "\r%s: %" PRIu64 " states, depth %" PRIu32 ", %" PRIu64 " to go, %" PRIu64 " MiB\033[K",
            world->name, progress->states, progress->depth, progress->frontier,
            progress->memory >> 20);
}

static json_t *explore_marks_json(const struct simnet_explore_result *result)
{
    json_t *marks = json_object();

    for (unsigned stand = 0; stand < SIMNET_EXPLORE_STANDS; stand++) {
        json_t *row = json_object();
        for (unsigned event = 0; event < SIMNET_EXPLORE_EVENTS; event++)
            if (result->marks[stand][event] > 0)
                json_object_set_new(row, simnet_explore_event_name(event),
                                    json_integer((json_int_t)result->marks[stand][event]));
        json_object_set_new(marks, simnet_explore_stand_name(stand), row);
    }
    return marks;
}

static json_t *explore_entries_json(const struct simnet_explore_result *result)
{
    json_t *entries = json_array();

    for (size_t i = 0; i < result->entry_count; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        SIPC_ASSERT(out != NULL);
        simnet_explore_print(&result->entries[i], out);
        fclose(out);
        json_array_append_new(entries, json_string(text));
        free(text);
    }
    return entries;
}

static json_t *explore_json(const struct simnet_explore_world *world,
                            const struct simnet_explore_result *r, uint64_t spent_ns)
{
    json_t *json =
        json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "world",
                  world->name, "end", simnet_explore_end_name(r->end), "exhausted",
                  r->end == SIMNET_EXPLORE_EXHAUSTED, "states", (json_int_t)r->states,
                  "transitions", (json_int_t)r->transitions, "cut", (json_int_t)r->cut, "frontier",
                  (json_int_t)r->frontier, "terminal", (json_int_t)r->terminal, "depth",
                  (json_int_t)r->depth, "pdus", (json_int_t)r->pdus, "memory",
                  (json_int_t)r->memory, "collisions_log2", -(json_int_t)r->collisions_log2,
                  "cpu_ns", (json_int_t)spent_ns, "marks", explore_marks_json(r));

    if (r->end == SIMNET_EXPLORE_BROKEN)
        json_object_set_new(
            json, "failure",
            json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "invariant", r->failure.invariant, "rule",
                      r->failure.rule == SIPC_RULE_NONE ? "" : sipc_rule_info(r->failure.rule)->id,
                      "side", r->failure.side ? "B" : "A", "text", r->failure.text, "steps",
                      (int)r->steps, "trace", explore_entries_json(r)));
    return json;
}

static void explore_print_marks(const struct simnet_explore_result *result)
{
    for (unsigned stand = 0; stand < SIMNET_EXPLORE_STANDS; stand++)
        for (unsigned event = 0; event < SIMNET_EXPLORE_EVENTS; event++)
            if (result->marks[stand][event] > 0)
                printf("  %-18s %-20s %12" PRIu64 "\n", simnet_explore_stand_name(stand),
                       simnet_explore_event_name(event), result->marks[stand][event]);
}

static void explore_print(const struct simnet_explore_world *world,
                          const struct simnet_explore_result *r, uint64_t spent_ns, bool marks)
{
    const char *end = r->end == SIMNET_EXPLORE_EXHAUSTED ? "exhausted"
                      : r->end == SIMNET_EXPLORE_BROKEN  ? "BROKEN"
                                                         : "not exhausted: stopped by ";
    const uint64_t ms = spent_ns / 1000000;

    printf("%s: %s%s\n", world->name, end,
           r->end > SIMNET_EXPLORE_BROKEN ? simnet_explore_end_name(r->end) : "");
    printf("  %" PRIu64 " states, %" PRIu64 " transitions, depth %" PRIu32 "; %" PRIu64
           " left unexplored, %" PRIu64 " over; %" PRIu64 " different PDUs\n",
           r->states, r->transitions, r->depth, r->frontier, r->terminal, r->pdus);
    if (r->cut > 0)
        printf("  %" PRIu64 " transitions with more than %" PRIu32 " PDUs under way not taken\n",
               r->cut, world->in_flight);
    printf("  %" PRIu64 ".%03" PRIu64 " s of CPU, %" PRIu64 " states/s, %" PRIu64
           " KiB; hash collisions expected: 2^-%" PRIu64 "\n",
           ms / 1000, ms % 1000, r->states * 1000 / (ms > 0 ? ms : 1), r->memory >> 10,
           r->collisions_log2);
    if (marks)
        explore_print_marks(r);
    if (r->end != SIMNET_EXPLORE_BROKEN)
        return;
    printf("  %s", r->failure.invariant);
    if (r->failure.rule != SIPC_RULE_NONE)
        printf(" (%s)", sipc_rule_info(r->failure.rule)->id);
    printf(", side %c: %s\n  %" PRIu32 " actions from the beginning:\n",
           r->failure.side ? 'B' : 'A', r->failure.text, r->steps);
    for (size_t i = 0; i < r->entry_count; i++) {
        simnet_explore_print(&r->entries[i], stdout);
        putchar('\n');
    }
}

/* ---- worlds ---- */

/* The script's id is the file's name; false: told on stderr. */
static bool explore_write_sx(const char *path, const struct simnet_explore_world *world,
                             const struct simnet_explore_result *result)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    char id[100];

    snprintf(id, sizeof id, "%.*s", (int)(strlen(name) - strlen(".sx")), name);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        return false;
    }
    bool ok = explore_sx_print(world, result, id, out);
    if (fclose(out) != 0) {
        perror(path);
        ok = false;
    }
    return ok;
}

static int explore_one(const struct explore_args *args, struct simnet_explore_world *world,
                       json_t *all)
{
    struct simnet_explore_options options = args->options;
    struct simnet_explore_result result;
    bool watched = isatty(STDERR_FILENO);

    options.ctx = world;
    options.progress = watched ? explore_progress : NULL;
    uint64_t start = explore_cpu_ns();
    simnet_explore(world, &options, &result);
    uint64_t spent = explore_cpu_ns() - start;
    if (watched)
        fputs("\r\033[K", stderr);
    if (args->json)
        json_array_append_new(all, explore_json(world, &result, spent));
    else
        explore_print(world, &result, spent, args->marks);
    int exit_code = result.end == SIMNET_EXPLORE_BROKEN ? CLI_NONCONFORMANT : CLI_OK;
    if (exit_code != CLI_OK && args->sx != NULL && !explore_write_sx(args->sx, world, &result))
        exit_code = CLI_HARNESS;
    simnet_explore_result_free(&result);
    return exit_code;
}

/* The world as the arguments want it; false: told on stderr. */
static bool explore_find(const struct explore_args *args, const char *name,
                         struct simnet_explore_world *out)
{
    size_t count;
    const struct simnet_explore_world *worlds = simnet_explore_worlds(&count);
    const struct simnet_explore_world *world = simnet_explore_world_find(name);

    if (world == NULL) {
        struct cli_words names = {0};
        for (size_t i = 0; i < count; i++)
            cli_words_add(&names, worlds[i].name);
        char *near = cli_near(name, names.items, names.count);
        cli_usage(&explore_command, "no world '%s'%s", name, near);
        free(near);
        cli_words_clear(&names);
        return false;
    }
    *out = *world;
    if (args->faults != UINT64_MAX)
        out->faults = (uint32_t)args->faults;
    if (args->in_flight != UINT64_MAX)
        out->in_flight = (uint32_t)args->in_flight;
    return true;
}

static bool explore_ready(struct explore_args *args, int argc, char **argv, int first)
{
    struct simnet_explore_world world;
    char error[400];

    for (int i = first; i < argc; i++)
        if (!explore_find(args, argv[i], &world))
            return false;
    size_t size = args->sx != NULL ? strlen(args->sx) : 0;
    if (args->sx != NULL && (size < 4 || strcmp(args->sx + size - 3, ".sx") != 0)) {
        cli_usage(&explore_command, "--sx %s: the name of a script ends in .sx", args->sx);
        return false;
    }
    if (args->engine == NULL)
        return true;
    args->options.engine = simnet_explore_engine_load(args->engine, error, sizeof error);
    if (args->options.engine == NULL)
        cli_usage(&explore_command, "--engine: %s", error);
    return args->options.engine != NULL;
}

int sim_cmd_explore(int argc, char **argv)
{
    struct explore_args args = {.faults = UINT64_MAX, .in_flight = UINT64_MAX};
    int first, exit_code = cli_parse(&explore_command, argc, argv, &first, explore_take, &args);

    if (exit_code >= 0)
        return exit_code;
    if (args.list) {
        explore_list(args.json);
        return CLI_OK;
    }
    if (first == argc)
        return cli_usage(&explore_command, "expected the name of a world (--list has them)");
    if (!explore_ready(&args, argc, argv, first))
        return CLI_USAGE;
    json_t *all = json_array();
    exit_code = CLI_OK;
    for (int i = first; i < argc; i++) {
        struct simnet_explore_world world;
        explore_find(&args, argv[i], &world);
        int one = explore_one(&args, &world, all);
        exit_code = one > exit_code ? one : exit_code;
    }
    if (args.json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(all);
    return exit_code;
}
