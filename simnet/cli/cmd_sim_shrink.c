/* sipc sim shrink: the smallest scenario that fails as a large one did. */
#include "scenarios.h"
#include "shrink_sx.h"
#include "sim_cli.h"
#include "simnet/shrink.h"
#include "simnet/swarm.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#define SHRINK_ID "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

enum { SHRINK_SEED = 2000, SHRINK_OUT, SHRINK_CASE, SHRINK_RUNS };

static const struct cli_option shrink_options[] = {
    {'t', "only", "GLOB", "which case of the file, if it has several", CLI_ONLY},
    {'s', "seed", "N", "the scenario of this seed of the swarm, instead of a file", SHRINK_SEED},
    {'o', "out", "FILE", "write the scenario there; else it is printed", SHRINK_OUT},
    {'c', "case", "FILE", "write what the host did that broke it there, as a conformance case",
     SHRINK_CASE},
    {0, "runs", "N", "run at most so many scenarios (20000)", SHRINK_RUNS},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command shrink_command = {
    .name = "sipc sim shrink",
    .usage = "FILE.sx | --seed N [-o OUT.sx] [--case CASE.sx]",
    .about =
        "Takes away from a scenario that fails whatever its failure does not need: chance "
        "becomes a\n"
        "list of faults; hosts, links, sessions, traffic, commands, changes and faults go; "
        "numbers\n"
        "become small and round. What is left fails by the same invariant and rule, and "
        "expects to.\n"
        "\n"
        "With --case, one host of it also becomes a case of the conformance suite: it is the SUT, "
        "what\n"
        "the network brought it are the lines, what the reference engine does with them is "
        "expected.\n"
        "\n"
        "Exit status: 0 shrunk, 1 it does not fail, or no case can be made of it, 2 bad options "
        "or\n"
        "scenario.",
    .examples = "sipc sim shrink --seed 4711 -o found.sx\n"
                "sipc sim run found.sx\n"
                "sipc sim shrink mine.sx -o small.sx --case case.sx\n"
                "sipc conform run so:mine.so --suite case.sx",
    .options = shrink_options,
};

struct shrink_args {
    struct cli_selection selection;
    struct cli_words paths;
    const char *out, *case_path;
    uint64_t seed;
    bool has_seed;
    struct simnet_shrink_options options;
};

static bool shrink_take(void *ctx, int id, const char *value)
{
    struct shrink_args *args = ctx;

    switch (id) {
    case SHRINK_SEED:
        args->has_seed = true;
        return cli_number("--seed", value, 0, UINT64_MAX, &args->seed);
    case SHRINK_OUT:
        args->out = value;
        return true;
    case SHRINK_CASE:
        args->case_path = value;
        return true;
    case SHRINK_RUNS:
        return cli_number("--runs", value, 1, UINT32_MAX, &args->options.runs_max);
    default:
        return cli_select_take(&args->selection, &args->paths, id, value);
    }
}

static void shrink_progress(void *ctx, const struct simnet_shrink_stats *stats)
{
    (void)ctx;
    fprintf(stderr, "\r%" PRIu64 " runs: %" PRIu64 " PDUs, %" PRIu64 " faults\033[K", stats->runs,
            stats->pdus_after, stats->faults_after);
}

static void shrink_tell(const struct simnet_shrink_target *target,
                        const struct simnet_shrink_stats *stats)
{
    if (target->invariant != NULL)
        fprintf(stderr, "%s%s%s", target->invariant, target->rule != SIPC_RULE_NONE ? " " : "",
                target->rule != SIPC_RULE_NONE ? sipc_rule_info(target->rule)->id : "");
    else
        fprintf(stderr, "%s",
                target->broken != NULL ? "an expectation" : simnet_end_name(target->end));
    fprintf(stderr,
            ": %" PRIu64 " PDUs became %" PRIu64 ", %" PRIu64 " faults %" PRIu64 ", %" PRIu64
            " events %" PRIu64 ", in %" PRIu64 " runs%s\n",
            stats->pdus_before, stats->pdus_after, stats->faults_before, stats->faults_after,
            stats->events_before, stats->events_after, stats->runs,
            stats->bounded ? " (all there were to be)" : "");
}

/* What goes by the name of its file; false: the name is none for a script. */
static bool shrink_id(const char *path, char *id, size_t size)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    size_t length = strcspn(name, ".");

    if (length == 0 || length >= size || strspn(name, SHRINK_ID) < length)
        return false;
    memcpy(id, name, length);
    id[length] = '\0';
    return true;
}

static int shrink_write(const struct shrink_args *args, struct simnet_scenario *scenario)
{
    char id[256];

    if (args->out == NULL) {
        simnet_scenario_print(scenario, stdout);
        return CLI_OK;
    }
    if (shrink_id(args->out, id, sizeof id))
        scenario->id = scenario->name = simnet_scenario_string(scenario, id);
    FILE *file = cli_outputs_open(args->out);
    if (file == NULL)
        return CLI_USAGE;
    simnet_scenario_print(scenario, file);
    return cli_outputs_close(file, args->out) ? CLI_OK : CLI_USAGE;
}

static int shrink_write_case(const struct shrink_args *args, const struct simnet_scenario *scenario,
                             const struct simnet_shrink_target *target)
{
    char id[256], *text = NULL;
    size_t size;
    int exit_code = CLI_NONCONFORMANT;

    if (!shrink_id(args->case_path, id, sizeof id))
        return CLI_USAGE; /* never: looked at before */
    FILE *lines = open_memstream(&text, &size);
    SIPC_ASSERT(lines != NULL);
    const char *why = shrink_sx_print(scenario, target, id, lines);
    fclose(lines);
    if (why != NULL) {
        fprintf(stderr, "%s: no case can be made of it: %s\n", args->case_path, why);
    } else {
        FILE *file = cli_outputs_open(args->case_path);
        exit_code = CLI_USAGE;
        if (file != NULL && fwrite(text, 1, size, file) == size)
            exit_code = CLI_OK;
        if (file != NULL && !cli_outputs_close(file, args->case_path))
            exit_code = CLI_USAGE;
    }
    free(text);
    return exit_code;
}

static int shrink_scenario(struct shrink_args *args, const struct simnet_scenario *from)
{
    struct simnet_shrink_target target;
    struct simnet_shrink_stats stats;
    struct simnet_scenario out;
    struct simnet_error error;
    bool watched = isatty(STDERR_FILENO);

    if (watched)
        args->options.progress = shrink_progress;
    bool ok = simnet_shrink(from, &args->options, &out, &target, &stats, &error);
    if (watched)
        fputs("\r\033[K", stderr);
    if (!ok) {
        fprintf(stderr, "%s: %s\n", shrink_command.name, error.text);
        return CLI_NONCONFORMANT;
    }
    shrink_tell(&target, &stats);
    int exit_code = shrink_write(args, &out);
    if (exit_code == CLI_OK && args->case_path != NULL)
        exit_code = shrink_write_case(args, &out, &target);
    simnet_scenario_fini(&out);
    return exit_code;
}

/* The one case that is selected of the files. */
static int shrink_files(struct shrink_args *args)
{
    struct simnet_scenario scenario;
    struct cli_suite suite;
    int exit_code = CLI_USAGE;

    if (!cli_scenarios_load(&suite, args->paths.items, args->paths.count))
        return CLI_USAGE;
    if (cli_select(&args->selection, &suite)) {
        if (suite.selected_count != 1)
            fprintf(stderr, "%s: one case is shrunk, %zu are selected: see --only\n",
                    shrink_command.name, suite.selected_count);
        for (size_t i = 0; i < suite.case_count && suite.selected_count == 1; i++) {
            const struct cli_case *entry = &suite.cases[i];
            if (!entry->selected ||
                !simnet_scenario_from_script(entry->script, entry->index, &scenario, stderr))
                continue;
            exit_code = shrink_scenario(args, &scenario);
            simnet_scenario_fini(&scenario);
        }
    }
    cli_suite_clear(&suite);
    return exit_code;
}

static int shrink_seed(struct shrink_args *args)
{
    struct simnet_scenario scenario;

    simnet_swarm_make(args->seed, &scenario);
    int exit_code = shrink_scenario(args, &scenario);
    simnet_scenario_fini(&scenario);
    return exit_code;
}

int sim_cmd_shrink(int argc, char **argv)
{
    struct shrink_args args = {0};
    int first;

    mallopt(M_MMAP_THRESHOLD, 128 << 10); /* of an engine's block, little is used */
    int exit_code = cli_parse(&shrink_command, argc, argv, &first, shrink_take, &args);

    for (int i = first; exit_code < 0 && i < argc; i++)
        cli_words_add(&args.paths, argv[i]);
    char id[256];
    if (exit_code < 0 && args.case_path != NULL && !shrink_id(args.case_path, id, sizeof id))
        exit_code = cli_usage(&shrink_command, "--case: expected a file name of letters, digits, - "
                                               "and _ with .sx behind it");
    if (exit_code < 0 && args.has_seed == (args.paths.count > 0))
        exit_code = cli_usage(&shrink_command, "say either a file or --seed N");
    if (exit_code < 0)
        exit_code = args.has_seed ? shrink_seed(&args) : shrink_files(&args);
    cli_words_clear(&args.paths);
    cli_select_clear(&args.selection);
    return exit_code;
}
