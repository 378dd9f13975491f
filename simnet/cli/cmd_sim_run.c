/* sipc sim run: scenarios, run and judged; a table of what each came to. */
#include "scenarios.h"
#include "sim_cli.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "conform/world.h"

enum { RUN_SEED = 2000, RUN_SEEDS, RUN_JSON, RUN_TAPE, RUN_TRACE, RUN_HASHES, RUN_BACKEND };

static const struct cli_option run_options[] = {
    {'t', "only", "GLOB", "only cases with this name or id (repeatable)", CLI_ONLY},
    {'x', "exclude", "GLOB", "not the cases with this name or id (repeatable)", CLI_EXCLUDE},
    {'s', "seed", "N", "this seed instead of the scenario's", RUN_SEED},
    {0, "seeds", "A..B",
     "with each of these seeds, both included; a row tells of all, others of those\n"
     "that are not as expected",
     RUN_SEEDS},
    {0, "tape", "FILE", "record the faults of the one case that is selected", RUN_TAPE},
    {0, "trace", "FILE",
     "that one case as .pcapng .qlog .ndjson .svg .html; -: its events as lines", RUN_TRACE},
    {0, "backend", "NAME",
     "own (default) or ns3: what carries the datagrams; hosts, faults and checks are\n"
     "the same",
     RUN_BACKEND},
    {0, "hashes", NULL, "print the trace hash, the events and the name of each case, no table",
     RUN_HASHES},
    {0, "json", NULL, "print a JSON object for each case, no table", RUN_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command run_command = {
    .name = "sipc sim run",
    .usage = "[options] FILE|FOLDER...",
    .about =
        "Runs scenarios (.sx files with `world`, see conformance/script/SX.md): endpoints on a\n"
        "simulated network under virtual time. Tells for each what it came to, and whether what\n"
        "the scenario expects holds. The same scenario and seed give the same history each time.\n"
        "\n"
        "Exit status: 0 all as expected, 1 not, 2 bad options or scenarios, 3 a host's SUT does\n"
        "not start or is broken, 4 something could not be written.",
    .examples = "sipc sim run simnet/scenarios\n"
                "sipc sim run simnet/scenarios/lte-outages.sx --seed 7\n"
                "sipc sim run simnet/scenarios/two-readings.sx --seeds 1..1000\n"
                "sipc sim run simnet/scenarios/bad-wifi.sx --tape bad-wifi.tape\n"
                "sipc sim run simnet/scenarios/stray-pdus.sx --trace stray-pdus.html\n"
                "sipc sim run simnet/scenarios --only 'sat*' --json\n"
                "sipc sim run simnet/scenarios/satellite-geo.sx --backend ns3",
    .options = run_options,
};

struct run_args {
    struct cli_selection selection;
    struct cli_words paths;
    uint64_t seed, last_seed;
    bool has_seed, json, hashes;
    const struct simnet_ns3_library *ns3;
    const char *tape, *trace;
};

static bool run_take(void *ctx, int id, const char *value)
{
    struct run_args *args = ctx;

    switch (id) {
    case RUN_SEED:
        args->has_seed = true;
        args->last_seed = 0; /* no range */
        return cli_number("--seed", value, 0, UINT64_MAX, &args->seed);
    case RUN_SEEDS:
        args->has_seed = true;
        return cli_numbers("--seeds", value, &args->seed, &args->last_seed);
    case RUN_JSON:
        args->json = true;
        return true;
    case RUN_BACKEND:
        return sim_take_backend("sipc sim run", value, &args->ns3);
    case RUN_HASHES:
        args->hashes = true;
        return true;
    case RUN_TAPE:
        args->tape = value;
        return true;
    case RUN_TRACE:
        args->trace = value;
        return true;
    default:
        return cli_select_take(&args->selection, &args->paths, id, value);
    }
}

/* ---- figures for people ---- */

static void run_print_rate(uint64_t bps, char *out, size_t size)
{
    static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s"};
    double value = (double)bps;
    int unit = 0;

    for (; value >= 1000 && unit < 3; unit++)
        value /= 1000;
    snprintf(out, size, bps == 0 ? "-" : "%.3g %s", value, units[unit]);
}

static void run_print_time(uint64_t ns, char *out, size_t size)
{
    static const struct {
        uint64_t least;
        double scale;
        const char *unit;
    } units[] = {{100 * UINT64_C(1000000000), 1e9, "s"},
                 {UINT64_C(1000000000), 1e9, "s"},
                 {1000000, 1e6, "ms"},
                 {0, 1e3, "us"}};
    int i = 0;

    while (ns < units[i].least)
        i++;
    snprintf(out, size, i == 0 ? "%.0f %s" : "%.3g %s", (double)ns / units[i].scale, units[i].unit);
}

/* "loss 12, queue 3". */
static void run_print_faults(const struct sim_result *result, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (int stage = 0; stage < SIMNET_STAGE_COUNT; stage++)
        if (result->faults[stage] > 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s %" PRIu64, used > 0 ? ", " : "",
                                     simnet_stage_name((enum simnet_stage)stage),
                                     result->faults[stage]);
    if (used == 0)
        snprintf(out, size, "-");
}

/* ---- output ---- */

struct run_output {
    const struct run_args *args;
    struct simnet_foreigns *foreigns;
    size_t width, done, failed, count;
    bool progress;
};

static void run_table_head(const struct run_output *output)
{
    printf("  %-*s hosts      PDUs   virtual      wall      goodput  %-16s faults by stage\n",
           (int)output->width, "scenario", "end");
}

/* `end`: how the run, or the runs, ended. */
static void run_table_row(const struct run_output *output, const struct simnet_scenario *scenario,
                          const struct sim_result *result, const char *end)
{
    char virtual[32], wall[32], goodput[32], faults[200];

    run_print_time(result->virtual_ns, virtual, sizeof virtual);
    run_print_time(result->wall_ns, wall, sizeof wall);
    run_print_rate(result->goodput_bps, goodput, sizeof goodput);
    run_print_faults(result, faults, sizeof faults);
    printf("%s %-*s %5zu %9" PRIu64 " %9s %9s %12s  %-16s %s\n",
           result->exit_code == CLI_OK ? " " : "!", (int)output->width, scenario->name,
           scenario->hosts.count, result->pdus, virtual, wall, goodput, end, faults);
}

static void run_json_stage(json_t *object, int stage, uint64_t count)
{
    if (count > 0)
        json_object_set_new(object, simnet_stage_name((enum simnet_stage)stage),
                            json_integer((json_int_t)count));
}

static void run_json(const struct simnet_scenario *scenario, const struct sim_result *result)
{
    char hash[32];
    json_t *dropped = json_object(), *faults = json_object(), *ended = json_object(), *object;
    const struct simnet_judgement *judgement = &result->judgement;

    snprintf(hash, sizeof hash, "%016" PRIx64, result->hash);
    for (int stage = 0; stage < SIMNET_STAGE_COUNT; stage++) {
        run_json_stage(dropped, stage, result->dropped[stage]);
        run_json_stage(faults, stage, result->faults[stage]);
    }
    object = json_pack(
        "{s:s, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "name",
        scenario->name, "path", scenario->path, "ok", judgement->ok, "end",
        simnet_end_name(result->end), "hash", hash, "hosts", (json_int_t)scenario->hosts.count,
        "pdus", (json_int_t)result->pdus, "events", (json_int_t)result->events, "virtual_ns",
        (json_int_t)result->virtual_ns, "wall_ns", (json_int_t)result->wall_ns, "goodput_bps",
        (json_int_t)result->goodput_bps, "bytes_delivered", (json_int_t)result->bytes, "duplicated",
        (json_int_t)result->duplicated, "dropped", dropped);
    for (int outcome = 0; outcome <= SIPC_OUTCOME_CLOSED; outcome++)
        json_object_set_new(ended, sipc_outcome_name((enum sipc_outcome)outcome),
                            json_integer((json_int_t)result->operations.ended[outcome]));
    json_object_set_new(ended, "crashed", json_integer((json_int_t)result->operations.crashed));
    json_object_set_new(ended, "refused", json_integer((json_int_t)result->operations.refused));
    json_object_set_new(object, "ended", ended);
    json_object_set_new(object, "faults", faults);
    json_object_set_new(object, "seed", json_sprintf("%" PRIu64, result->seed));
    if (!judgement->ok)
        json_object_set_new(object, "reason", json_string(judgement->text));
    if (judgement->broken != NULL)
        json_object_set_new(object, "line", json_integer(judgement->broken->line));
    if (judgement->failure != NULL) {
        json_object_set_new(object, "invariant", json_string(judgement->failure->invariant));
        json_object_set_new(object, "event", json_integer((json_int_t)judgement->failure->event));
        if (judgement->failure->rule != SIPC_RULE_NONE)
            json_object_set_new(object, "rule",
                                json_string(sipc_rule_info(judgement->failure->rule)->id));
    }
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void run_show(struct run_output *output, const struct simnet_scenario *scenario,
                     const struct sim_result *result)
{
    if (output->progress)
        fprintf(stderr, "\r\033[K");
    if (output->args->json)
        run_json(scenario, result);
    else if (output->args->hashes)
        printf("%016" PRIx64 " %9" PRIu64 " %s\n", result->hash, result->events, scenario->name);
    else
        run_table_row(output, scenario, result, simnet_end_name(result->end));
    fflush(stdout);
}

/* ---- one case ---- */

static int run_write_tape(const struct run_args *args, const struct simnet_scenario *scenario,
                          const struct sim_result *result)
{
    struct simnet_tape_head head = {
        .seed = result->seed, .hash = result->hash, .events = result->events};
    FILE *file = cli_outputs_open(args->tape);

    if (file == NULL)
        return CLI_HARNESS;
    snprintf(head.name, sizeof head.name, "%s", scenario->name);
    simnet_tape_write(scenario, &head, &result->tape, file);
    return cli_outputs_close(file, args->tape) ? CLI_OK : CLI_HARNESS;
}

/* One run. `quiet`: tells only of one that is not as expected. */
static int run_once(struct run_output *output, const struct simnet_scenario *scenario,
                    const struct sim_run_options *options, bool quiet, struct sim_result *result)
{
    const struct run_args *args = output->args;

    sim_run(scenario, options, result);
    int exit_code = result->exit_code;
    if (!result->ran)
        return exit_code;
    if (!quiet || exit_code != CLI_OK)
        run_show(output, scenario, result);
    if (!result->judgement.ok)
        sim_tell_failure(scenario, result, options, stderr);
    int written = args->tape != NULL ? run_write_tape(args, scenario, result) : CLI_OK;
    return written != CLI_OK ? written : exit_code;
}

static void run_add_up(struct sim_result *sum, const struct sim_result *result)
{
    sum->pdus += result->pdus;
    sum->virtual_ns += result->virtual_ns;
    sum->wall_ns += result->wall_ns;
    for (int stage = 0; stage < SIMNET_STAGE_COUNT; stage++)
        sum->faults[stage] += result->faults[stage];
}

/* With every seed; the code of what is worst. */
static int run_seeds(struct run_output *output, const struct simnet_scenario *scenario,
                     struct sim_run_options *options)
{
    const struct run_args *args = output->args;
    const bool table = !args->json && !args->hashes;
    struct sim_result sum = {0};
    char end[32];

    for (uint64_t seed = args->seed;; seed++) {
        struct sim_result result;
        options->seed = &seed;
        if (output->progress)
            fprintf(stderr, "\r\033[K%zu/%zu %s, seed %" PRIu64, output->done, output->count,
                    scenario->name, seed);
        int code = run_once(output, scenario, options, table, &result);
        run_add_up(&sum, &result);
        sim_result_clear(&result);
        if (code > sum.exit_code)
            sum.exit_code = code;
        if (seed == args->last_seed || code > CLI_NONCONFORMANT)
            break; /* what cannot run with this seed cannot with the next */
    }
    snprintf(end, sizeof end, "%" PRIu64 " seeds", args->last_seed - args->seed + 1);
    if (output->progress)
        fprintf(stderr, "\r\033[K");
    if (table)
        run_table_row(output, scenario, &sum, end);
    return sum.exit_code;
}

static int run_case(struct run_output *output, const struct cli_case *entry)
{
    const struct run_args *args = output->args;
    struct sim_run_options options = {.seed = args->has_seed ? &args->seed : NULL,
                                      .record = args->tape != NULL,
                                      .foreigns = output->foreigns,
                                      .ns3 = args->ns3,
                                      .trace = args->trace};
    struct simnet_scenario scenario;
    struct sim_result result = {0};
    int exit_code;

    output->done++;
    output->failed++; /* until it is known better */
    if (!simnet_scenario_from_script(entry->script, entry->index, &scenario, stderr))
        return CLI_USAGE;
    if (output->progress)
        fprintf(stderr, "\r\033[K%zu/%zu %s", output->done, output->count, scenario.name);
    exit_code = args->last_seed > args->seed
                    ? run_seeds(output, &scenario, &options)
                    : run_once(output, &scenario, &options, false, &result);
    output->failed -= exit_code == CLI_OK;
    sim_result_clear(&result);
    simnet_scenario_fini(&scenario);
    return exit_code;
}

/* ---- all ---- */

static int run_cases(const struct run_args *args, const struct cli_suite *suite)
{
    bool lines = args->trace != NULL && strcmp(args->trace, "-") == 0;
    struct run_output output = {.args = args, .width = 8, .count = suite->selected_count};
    bool table = !args->json && !args->hashes;
    int exit_code = CLI_OK;

    output.foreigns = simnet_foreigns_new();
    output.progress = isatty(STDERR_FILENO) && !lines;
    for (size_t i = 0; i < suite->case_count; i++)
        if (suite->cases[i].selected && strlen(suite->cases[i].name) > output.width)
            output.width = strlen(suite->cases[i].name);
    if (table && !lines)
        run_table_head(&output);
    for (size_t i = 0; i < suite->case_count; i++) {
        if (!suite->cases[i].selected)
            continue;
        int code = run_case(&output, &suite->cases[i]);
        if (code != CLI_OK && (exit_code == CLI_OK || code > exit_code))
            exit_code = code;
    }
    simnet_foreigns_free(output.foreigns);
    if (table && output.failed > 0)
        printf("%zu of %zu not as expected\n", output.failed, output.done);
    else if (table)
        printf("%zu as expected\n", output.done);
    return exit_code;
}

/* What is of one case. */
static int run_check(const struct run_args *args, const struct cli_suite *suite)
{
    bool one = args->tape != NULL || args->trace != NULL;

    if (one && args->last_seed > args->seed)
        return cli_usage(&run_command, "--tape and --trace are of one run: name it with --seed");
    if (!one || suite->selected_count == 1)
        return CLI_OK;
    return cli_usage(&run_command,
                     "--tape and --trace are of one case, %zu are selected: name one with --only",
                     suite->selected_count);
}

int sim_cmd_run(int argc, char **argv)
{
    struct run_args args = {0};
    struct cli_suite suite;
    int first, exit_code = cli_parse(&run_command, argc, argv, &first, run_take, &args);

    for (int i = first; exit_code < 0 && i < argc; i++)
        cli_words_add(&args.paths, argv[i]);
    if (exit_code < 0 && args.paths.count == 0)
        exit_code = cli_usage(&run_command, "no scenario: name a file or a folder");
    if (exit_code < 0 && !cli_scenarios_load(&suite, args.paths.items, args.paths.count))
        exit_code = CLI_USAGE;
    else if (exit_code < 0) {
        exit_code = cli_select(&args.selection, &suite) ? CLI_OK : CLI_USAGE;
        if (exit_code == CLI_OK)
            exit_code = run_check(&args, &suite);
        if (exit_code == CLI_OK)
            exit_code = run_cases(&args, &suite);
        cli_suite_clear(&suite);
    }
    cli_words_clear(&args.paths);
    cli_select_clear(&args.selection);
    return exit_code;
}
