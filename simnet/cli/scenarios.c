/* See scenarios.h. */
#include "scenarios.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "conform/world.h"
#include "simnet/export.h"

enum { LAST_LINES = 12, LINE_BYTES = 300 };

/* ---- what is watched ---- */

struct watch {
    struct simnet_scenario_run *run;
    bool print; /* every event as a line */
    bool keep;  /* the last lines */
    char lines[LAST_LINES][LINE_BYTES];
    uint64_t line_count;
    uint64_t bytes;
    bool begun;
    sipc_time first_ns, last_ns;
};

static void watch_measure(struct watch *watch, const struct simnet_event *event)
{
    if (event->kind == SIMNET_EVENT_DELIVER) {
        watch->bytes += event->data.size;
        watch->last_ns = event->time_ns;
    } else if (event->kind == SIMNET_EVENT_OPERATION && event->status == SIPC_OK && !watch->begun) {
        watch->begun = true;
        watch->first_ns = event->time_ns;
    }
}

static void watch_event(void *ctx, const struct simnet_event *event)
{
    struct watch *watch = ctx;
    char line[LINE_BYTES];

    watch_measure(watch, event);
    if (!watch->print && !watch->keep)
        return;
    simnet_event_print(watch->run->world, event, line, sizeof line);
    if (watch->print)
        puts(line);
    if (watch->keep && event->kind != SIMNET_EVENT_FAILURE)
        memcpy(watch->lines[watch->line_count++ % LAST_LINES], line, sizeof line);
}

/* ---- a run ---- */

bool sim_take_backend(const char *command, const char *value, const struct simnet_ns3_library **out)
{
    struct simnet_error error;

    *out = NULL;
    if (strcmp(value, "own") == 0)
        return true;
    if (strcmp(value, "ns3") != 0) {
        fprintf(stderr, "%s: --backend: expected own or ns3, found %s\n", command, value);
        return false;
    }
    *out = simnet_ns3_load(&error);
    if (*out == NULL)
        fprintf(stderr, "%s: --backend ns3: %s\n", command, error.text);
    return *out != NULL;
}

static uint64_t run_wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void run_collect_faults(const struct simnet_world *world,
                               const struct sim_run_options *options, struct sim_result *result)
{
    const struct simnet_tape *tape = simnet_world_tape(world);

    memcpy(result->faults, result->dropped, sizeof result->faults);
    for (size_t i = 0; i < tape->count; i++) {
        result->faults[tape->faults[i].stage] += tape->faults[i].verdict != SIMNET_DROP;
        if (options->record)
            simnet_tape_add(&result->tape, &tape->faults[i]);
    }
}

static void run_collect(const struct simnet_scenario_run *run, const struct watch *watch,
                        const struct sim_run_options *options, struct sim_result *result)
{
    const struct simnet_world *world = run->world;
    struct simnet_link_stats stats;
    const uint64_t *checkpoints = simnet_world_checkpoints(world, &result->checkpoint_count);
    sipc_time took = watch->last_ns - watch->first_ns;

    for (simnet_link i = 0; i < simnet_link_count(world); i++) {
        simnet_link_stats(world, i, &stats);
        result->pdus += stats.entered;
        result->duplicated += stats.duplicated;
        for (int stage = 0; stage < SIMNET_STAGE_COUNT; stage++)
            result->dropped[stage] += stats.dropped[stage];
    }
    simnet_operation_stats(world, &result->operations);
    result->hash = simnet_world_hash(world);
    result->events = simnet_world_events(world);
    result->virtual_ns = simnet_world_now(world);
    result->bytes = watch->bytes;
    result->goodput_bps =
        took > 0 ? (uint64_t)((double)watch->bytes * 8e9 / (double)took) : 0; /* to be shown */
    result->checkpoints = malloc((result->checkpoint_count + 1) * sizeof *checkpoints);
    SIPC_ASSERT(result->checkpoints != NULL);
    if (result->checkpoint_count > 0)
        memcpy(result->checkpoints, checkpoints, result->checkpoint_count * sizeof *checkpoints);
    run_collect_faults(world, options, result);
}

/* A SUT that died, hung or broke its contract is no finding about the protocol. */
static bool run_host_is_foreign(const struct simnet_scenario *scenario,
                                const struct simnet_failure *failure)
{
    return strcmp(failure->invariant, "engine") == 0 && failure->host < scenario->hosts.count &&
           scenario->hosts.at[failure->host].kind == SIMNET_HOST_FOREIGN;
}

static void run_judge(const struct simnet_scenario_run *run, struct sim_result *result)
{
    const struct simnet_failure *failure;

    simnet_scenario_judge(run, result->end, &result->judgement);
    failure = result->judgement.failure;
    result->exit_code = result->judgement.ok ? CLI_OK : CLI_NONCONFORMANT;
    if (failure == NULL)
        return;
    if (run_host_is_foreign(run->scenario, failure))
        result->exit_code = CLI_NO_SUT;
    result->failure = *failure;
    result->judgement.failure = &result->failure;
}

static bool run_open_trace(const struct simnet_scenario *scenario,
                           const struct sim_run_options *options, struct simnet_scenario_run *run,
                           struct simnet_export **out, struct sim_result *result)
{
    struct simnet_export_options export = {.scenario = scenario->name};
    struct simnet_error error;

    if (options->trace == NULL || strcmp(options->trace, "-") == 0)
        return true;
    *out = simnet_export_open(run->world, options->trace, &export, &error);
    if (*out != NULL)
        return true;
    fprintf(stderr, "sipc sim: %s\n", error.text);
    result->exit_code = CLI_USAGE;
    return false;
}

/* A world of its own for the scenario, on `carrier` or, where that is NULL, by itself. */
static void run_watched_on(const struct simnet_scenario *scenario,
                           const struct simnet_carrier *carrier,
                           const struct sim_run_options *options, struct watch *watch,
                           struct sim_result *result)
{
    struct simnet_scenario_run run;
    struct simnet_observer observer = {.ctx = watch,
                                       .wants = watch->keep ? SIMNET_WANT_ALL & ~SIMNET_WANT_PASSES
                                                : watch->print ? SIMNET_WANT_ALL
                                                               : SIMNET_WANT_APPLICATION,
                                       .event = watch_event};
    struct simnet_scenario_options build = {.seed = options->seed,
                                            .replay = options->replay,
                                            .record = true,
                                            .foreigns = options->foreigns,
                                            .carrier = carrier,
                                            .rounds_each = options->rounds_each,
                                            .observers = &observer,
                                            .observer_count = 1};
    struct simnet_error error;
    bool foreign;
    int line;

    watch->run = &run;
    if (!simnet_scenario_build(scenario, &build, &run, &error, &line, &foreign)) {
        fprintf(stderr, "%s:%d: error: %s\n", scenario->path, line, error.text);
        result->exit_code = foreign ? CLI_NO_SUT : CLI_USAGE;
        return;
    }
    struct simnet_export *export = NULL;
    result->ran = run_open_trace(scenario, options, &run, &export, result);
    if (result->ran) {
        uint64_t start = run_wall_ns();
        result->end = simnet_scenario_go(&run);
        result->wall_ns = run_wall_ns() - start;
        run_judge(&run, result);
        run_collect(&run, watch, options, result);
    }
    if (!simnet_export_close(export, &error)) {
        fprintf(stderr, "sipc sim: %s\n", error.text);
        result->exit_code = CLI_HARNESS;
    }
    simnet_scenario_run_fini(&run);
}

static void run_watched(const struct simnet_scenario *scenario,
                        const struct sim_run_options *options, struct watch *watch,
                        struct sim_result *result)
{
    struct simnet_ns3 *ns3 = NULL;
    struct simnet_error error;

    *result = (struct sim_result){.seed = options->seed ? *options->seed : scenario->seed};
    if (options->ns3 != NULL && (ns3 = options->ns3->make(&error)) == NULL) {
        fprintf(stderr, "sipc sim: %s\n", error.text);
        result->exit_code = CLI_HARNESS;
        return;
    }
    run_watched_on(scenario, ns3 != NULL ? options->ns3->carrier(ns3) : NULL, options, watch,
                   result);
    if (ns3 != NULL)
        options->ns3->end(ns3);
}

void sim_run(const struct simnet_scenario *scenario, const struct sim_run_options *options,
             struct sim_result *result)
{
    struct watch watch = {.print = options->trace != NULL && strcmp(options->trace, "-") == 0};

    run_watched(scenario, options, &watch, result);
}

void sim_result_clear(struct sim_result *result)
{
    free(result->checkpoints);
    simnet_tape_clear(&result->tape);
    *result = (struct sim_result){0};
}

/* ---- failures ---- */

static void tell_expectation(const struct simnet_scenario *scenario,
                             const struct simnet_expectation *expectation, FILE *out)
{
    struct simnet_scenario alone;
    struct sx_script *script;

    simnet_scenario_copy(scenario, &alone);
    alone.expectations.count = 0;
    simnet_scenario_add(&alone.expectations, expectation);
    script = simnet_scenario_to_script(&alone);
    fprintf(out, "  %s:%d: ", scenario->path, expectation->line);
    sx_print_statement(&script->world->statements[script->world->count - 1], out);
    fputc('\n', out);
    sx_script_free(script);
    simnet_scenario_fini(&alone);
}

static void tell_invariant(const struct simnet_scenario *scenario,
                           const struct simnet_failure *failure, FILE *out)
{
    fprintf(out, "  invariant %s does not hold, at event %" PRIu64 ", ", failure->invariant,
            failure->event);
    sx_print_quantity(SX_V_TIME, (int64_t)failure->time_ns, out);
    if (failure->host < scenario->hosts.count)
        fprintf(out, ", host %s", scenario->hosts.at[failure->host].name);
    if (failure->link < scenario->links.count) {
        char name[200];
        simnet_scenario_link_name(scenario, failure->link, name, sizeof name);
        fprintf(out, ", link %s", name);
    }
    fputc('\n', out);
    if (failure->rule != SIPC_RULE_NONE)
        fprintf(out, "  %s: %s\n", sipc_rule_info(failure->rule)->id,
                sipc_rule_info(failure->rule)->sentence);
}

static void tell_command(const struct simnet_scenario *scenario,
                         const struct sim_run_options *options, const struct sim_result *result,
                         FILE *out)
{
    fprintf(out, "  again: ");
    cli_quote(cli_program, out);
    fputs(" sim run ", out);
    cli_quote(scenario->path, out);
    fputs(" --only ", out);
    cli_quote(scenario->name, out);
    fprintf(out, " --seed %" PRIu64 "%s --trace -\n", result->seed,
            options->ns3 != NULL ? " --backend ns3" : "");
}

void sim_tell_failure(const struct simnet_scenario *scenario, const struct sim_result *result,
                      const struct sim_run_options *options, FILE *out)
{
    struct watch *watch = calloc(1, sizeof *watch);
    struct sim_run_options again = *options;
    struct sim_result ignored;

    SIPC_ASSERT(watch != NULL);
    again.trace = NULL;
    watch->keep = true;
    fprintf(out, "%s: %s\n", scenario->name, result->judgement.text);
    if (result->judgement.broken != NULL)
        tell_expectation(scenario, result->judgement.broken, out);
    if (result->judgement.failure != NULL)
        tell_invariant(scenario, result->judgement.failure, out);
    run_watched(scenario, &again, watch, &ignored);
    sim_result_clear(&ignored);
    uint64_t count = watch->line_count < LAST_LINES ? watch->line_count : LAST_LINES;
    fprintf(out, "  the last %" PRIu64 " events:\n", count);
    for (uint64_t i = watch->line_count - count; i < watch->line_count; i++)
        fprintf(out, "    %s\n", watch->lines[i % LAST_LINES]);
    tell_command(scenario, options, result, out);
    free(watch);
}
