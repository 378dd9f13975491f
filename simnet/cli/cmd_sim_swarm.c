/* sipc sim swarm: a random scenario for each seed. */
#include "cli.h"
#include "scenarios.h"
#include "sim_cli.h"
#include "simnet/swarm.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SWARM_SEEDS = 2000,
    SWARM_JOBS,
    SWARM_JSON,
    SWARM_MARKS,
    SWARM_LOG,
    SWARM_BACKEND,
    SWARM_JOBS_LIMIT = 64
};

static const struct cli_option swarm_options[] = {
    {'s', "seeds", "A..B", "these seeds, both included; A alone is one", SWARM_SEEDS},
    {'j', "jobs", "N", "in so many processes (1..64; 1)", SWARM_JOBS},
    {'m', "marks", NULL, "print every mark, with how often it was seen", SWARM_MARKS},
    {'l', "log", NULL, "of one seed: what it has switched on, and each event", SWARM_LOG},
    {0, "backend", "NAME",
     "own (default) or ns3, without seeds that it cannot carry; no marks are due", SWARM_BACKEND},
    {0, "json", NULL, "results as JSON", SWARM_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command swarm_command = {
    .name = "sipc sim swarm",
    .usage = "--seeds A..B [options]",
    .about =
        "Runs the random scenario of each seed under all checks. What broke is told once for each\n"
        "invariant and rule, by its shortest run. A swarm that is large enough must also have "
        "seen\n"
        "certain things happen (marks): one that did not is a finding too.",
    .examples = "sipc sim swarm --seeds 1..10000 --jobs 2\n"
                "sipc sim swarm --seeds 4711    # one of them again\n"
                "sipc sim swarm --seeds 1..100 --backend ns3",
    .options = swarm_options,
};

struct swarm_args {
    struct simnet_swarm_options run;
    bool seeds, json, marks, log;
    const struct simnet_ns3_library *library; /* NULL: the simulator itself */
    struct simnet_ns3 *ns3;                   /* of the seed that runs */
};

static const struct simnet_carrier *swarm_carrier_begin(void *ctx, struct simnet_error *error)
{
    struct swarm_args *args = ctx;

    args->ns3 = args->library->make(error);
    return args->ns3 != NULL ? args->library->carrier(args->ns3) : NULL;
}

static void swarm_carrier_end(void *ctx)
{
    struct swarm_args *args = ctx;

    args->library->end(args->ns3);
}

static bool swarm_take(void *ctx, int id, const char *value)
{
    struct swarm_args *args = ctx;
    uint64_t number = 0;

    switch (id) {
    case SWARM_SEEDS:
        args->seeds = cli_numbers("--seeds", value, &args->run.first, &args->run.last);
        return args->seeds;
    case SWARM_JOBS:
        if (!cli_number("--jobs", value, 1, SWARM_JOBS_LIMIT, &number))
            return false;
        args->run.jobs = (unsigned)number;
        return true;
    case SWARM_MARKS:
        return args->marks = true;
    case SWARM_LOG:
        return args->log = true;
    case SWARM_BACKEND:
        return sim_take_backend("sipc sim swarm", value, &args->library);
    default:
        return args->json = true;
    }
}

/* ---- progress ---- */

struct swarm_clock {
    struct timespec begun;
    uint64_t count;
};

static double swarm_seconds(const struct swarm_clock *swarm)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - swarm->begun.tv_sec) +
           (double)(now.tv_nsec - swarm->begun.tv_nsec) / 1e9;
}

static void swarm_progress(void *ctx, const struct simnet_swarm_progress *progress)
{
    double seconds = swarm_seconds(ctx);

    fprintf(stderr,
            "\r%" PRIu64 " of %" PRIu64 " seeds, %.0f seeds/s, %zu marks, %" PRIu64 " failed\033[K",
            progress->done, ((struct swarm_clock *)ctx)->count,
            seconds > 0 ? (double)progress->done / seconds : 0, progress->marks, progress->failed);
}

/* ---- marks ---- */

struct swarm_missed {
    const char *names[200];
    size_t count;
};

/* Calls `tell` for each mark that was seen. */
static size_t swarm_each_mark(const struct simnet_marks *marks,
                              void (*tell)(void *ctx, const char *name, uint64_t count), void *ctx)
{
    char name[120];
    size_t seen = 0;

    for (unsigned s = 0; s < SIMNET_MARK_STATES; s++)
        for (unsigned e = 0; e < SIMNET_MARK_EVENT_COUNT; e++)
            for (unsigned v = 0; v < SIMNET_MARK_VERDICT_COUNT; v++) {
                if (marks->sessions[s][e][v] == 0)
                    continue;
                seen++;
                if (tell != NULL)
                    tell(ctx, simnet_mark_session_name(s, e, v, name, sizeof name),
                         marks->sessions[s][e][v]);
            }
    for (unsigned f = 0; f < SIMNET_MARK_FAULT_COUNT; f++)
        for (unsigned s = 0; s < SIMNET_MARK_STATES; s++) {
            if (marks->faults[f][s] == 0)
                continue;
            seen++;
            if (tell != NULL)
                tell(ctx, simnet_mark_fault_name(f, s, name, sizeof name), marks->faults[f][s]);
        }
    return seen;
}

static void swarm_print_mark(void *ctx, const char *name, uint64_t count)
{
    (void)ctx;
    printf("%12" PRIu64 "  %s\n", count, name);
}

static void swarm_json_mark(void *ctx, const char *name, uint64_t count)
{
    json_object_set_new(ctx, name, json_integer((json_int_t)count));
}

static void swarm_find_missed(const struct simnet_swarm_totals *totals, struct swarm_missed *missed)
{
    for (const struct simnet_mark_due *due = simnet_marks_due; due->name != NULL; due++)
        if (totals->seeds >= due->seeds && simnet_mark_seen(&totals->marks, due->name) == 0 &&
            missed->count < sizeof missed->names / sizeof missed->names[0])
            missed->names[missed->count++] = due->name;
}

/* ---- results ---- */

static const char *swarm_rule(enum sipc_rule rule)
{
    return rule == SIPC_RULE_NONE ? "" : sipc_rule_info(rule)->id;
}

static void swarm_print(const struct swarm_args *args, const struct simnet_swarm_totals *totals,
                        const struct swarm_missed *missed)
{
    if (args->marks)
        swarm_each_mark(&totals->marks, swarm_print_mark, NULL);
    for (size_t i = 0; i < totals->finding_count; i++) {
        const struct simnet_finding *finding = &totals->findings[i];
        const char *rule = swarm_rule(finding->rule);
        printf("%s%s%s: %" PRIu64 " seed%s, shortest %" PRIu64 " (event %" PRIu64 ")\n  %s\n",
               finding->invariant, rule[0] ? " " : "", rule, finding->count,
               finding->count == 1 ? "" : "s", finding->seed, finding->event, finding->text);
        printf("  again: %s sim swarm --seeds %" PRIu64 "%s\n", cli_program, finding->seed,
               args->library != NULL ? " --backend ns3" : "");
    }
    for (size_t i = 0; i < missed->count; i++)
        printf("never seen: %s\n", missed->names[i]);
    printf("%" PRIu64 " seed%s, %" PRIu64 " failed; %" PRIu64 " PDUs, %" PRIu64 " faults, %" PRIu64
           " events, %zu marks\n",
           totals->seeds, totals->seeds == 1 ? "" : "s", totals->failed, totals->pdus,
           totals->faults, totals->events, swarm_each_mark(&totals->marks, NULL, NULL));
    if (args->library != NULL)
        printf("%" PRIu64 " of them left out, as ns-3 cannot carry them\n", totals->left_out);
}

static json_t *swarm_json_finding(const struct simnet_finding *finding)
{
    json_t *rule = finding->rule == SIPC_RULE_NONE ? json_null()
                                                   : json_string(sipc_rule_info(finding->rule)->id);

    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:s}", "invariant", finding->invariant, "rule",
                     rule, "seeds", (json_int_t)finding->count, "shortest_seed",
                     (json_int_t)finding->seed, "event", (json_int_t)finding->event, "text",
                     finding->text);
}

static void swarm_print_json(const struct swarm_args *args,
                             const struct simnet_swarm_totals *totals,
                             const struct swarm_missed *missed)
{
    json_t *findings = json_array(), *never = json_array(), *marks = json_object();

    for (size_t i = 0; i < totals->finding_count; i++)
        json_array_append_new(findings, swarm_json_finding(&totals->findings[i]));
    for (size_t i = 0; i < missed->count; i++)
        json_array_append_new(never, json_string(missed->names[i]));
    swarm_each_mark(&totals->marks, swarm_json_mark, marks);
    json_t *all = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "first",
                            (json_int_t)args->run.first, "last", (json_int_t)args->run.last,
                            "seeds", (json_int_t)totals->seeds, "failed",
                            (json_int_t)totals->failed, "pdus", (json_int_t)totals->pdus, "faults",
                            (json_int_t)totals->faults, "events", (json_int_t)totals->events,
                            "findings", findings, "never_seen", never, "marks", marks);
    SIPC_ASSERT(all != NULL);
    if (args->library != NULL)
        json_object_set_new(all, "left_out", json_integer((json_int_t)totals->left_out));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static void swarm_print_features(uint64_t seed)
{
    const char *name;
    bool on;

    for (unsigned i = 0; simnet_swarm_feature(seed, i, &name, &on); i++)
        if (on)
            printf("# %s\n", name);
}

static int swarm_go(struct swarm_args *args)
{
    struct simnet_swarm_totals *totals = calloc(1, sizeof *totals);
    struct swarm_clock clock = {.count = args->run.last - args->run.first + 1};
    struct swarm_missed missed = {.count = 0};
    struct simnet_error error;
    bool watched = isatty(STDERR_FILENO) && clock.count > 1;

    SIPC_ASSERT(totals != NULL);
    if (args->log) {
        swarm_print_features(args->run.first);
        args->run.log = stdout;
    }
    clock_gettime(CLOCK_MONOTONIC, &clock.begun);
    if (watched) {
        args->run.progress = swarm_progress;
        args->run.ctx = &clock;
    }
    if (args->library != NULL) {
        args->run.carrier_begin = swarm_carrier_begin;
        args->run.carrier_end = swarm_carrier_end;
        args->run.carrier_ctx = args;
    }
    bool ok = simnet_swarm(&args->run, totals, &error);
    if (watched)
        fprintf(stderr, "\r\033[K%.0f seeds/s\n", (double)totals->seeds / swarm_seconds(&clock));
    if (!ok) {
        fprintf(stderr, "%s: %s\n", swarm_command.name, error.text);
        free(totals);
        return CLI_HARNESS;
    }
    if (args->library == NULL)
        swarm_find_missed(totals, &missed);
    if (args->json)
        swarm_print_json(args, totals, &missed);
    else
        swarm_print(args, totals, &missed);
    bool clean = totals->failed == 0 && missed.count == 0;
    free(totals);
    return clean ? CLI_OK : CLI_NONCONFORMANT;
}

int sim_cmd_swarm(int argc, char **argv)
{
    struct swarm_args args = {.run = {.jobs = 1}};
    int first;
    int exit_code = cli_parse(&swarm_command, argc, argv, &first, swarm_take, &args);

    if (exit_code >= 0)
        return exit_code;
    if (first < argc)
        return cli_usage(&swarm_command, "unexpected argument '%s'", argv[first]);
    if (!args.seeds)
        return cli_usage(&swarm_command, "say which seeds: --seeds A..B");
    if (args.log && (args.json || args.run.first != args.run.last))
        return cli_usage(&swarm_command, "--log is of one seed, and not with --json");
    return swarm_go(&args);
}
