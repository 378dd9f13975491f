/* Shrinking (simnet/shrink.h): runs, and the order of the passes. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "shrink.h"

enum { SHRINK_RUNS_MAX = 20000, SHRINK_SEEDS = 12 };

bool shrink_is_over(const struct shrink *shrink)
{
    return shrink->stats.runs >= shrink->runs_max;
}

/* ---- one run ---- */

struct shrink_run {
    struct simnet_shrink_target target; /* what it fails by */
    bool fails;
    uint64_t pdus, events;
};

static uint64_t shrink_pdus(const struct simnet_world *world)
{
    uint64_t pdus = 0;

    for (simnet_link i = 0; i < simnet_link_count(world); i++) {
        struct simnet_link_stats stats;
        simnet_link_stats(world, i, &stats);
        pdus += stats.entered;
    }
    return pdus;
}

/* `tape` NULL: none is wanted. false: it makes no sense. */
static bool shrink_run(const struct simnet_scenario *scenario, struct shrink_run *out,
                       struct simnet_tape *tape, struct simnet_error *error)
{
    struct simnet_scenario_options options = {.record = tape != NULL, .hash_off = true};
    struct simnet_judgement judgement;
    struct simnet_scenario_run run;

    *out = (struct shrink_run){.target.rule = SIPC_RULE_NONE};
    if (!simnet_scenario_build(scenario, &options, &run, error, NULL, NULL))
        return false;
    enum simnet_end end = simnet_scenario_go(&run);
    simnet_scenario_judge(&run, end, &judgement);
    const struct simnet_failure *failure = simnet_world_failure(run.world);
    out->fails = failure != NULL || !judgement.ok;
    if (failure != NULL) {
        out->target.invariant = failure->invariant;
        out->target.rule = failure->rule;
    }
    out->target.broken = judgement.broken;
    out->target.end = end;
    out->events = simnet_world_events(run.world);
    out->pdus = shrink_pdus(run.world);
    const struct simnet_tape *recorded = simnet_world_tape(run.world);
    for (size_t i = 0; tape != NULL && i < recorded->count; i++)
        simnet_tape_add(tape, &recorded->faults[i]);
    simnet_scenario_run_fini(&run);
    return true;
}

static bool shrink_is_the_same(const struct shrink *shrink, const struct shrink_run *run)
{
    const struct simnet_shrink_target *want = &shrink->target, *got = &run->target;

    if (!run->fails)
        return false;
    if (want->invariant != NULL)
        return got->invariant != NULL && strcmp(got->invariant, want->invariant) == 0 &&
               got->rule == want->rule;
    if (got->invariant != NULL)
        return false;
    if (want->broken != NULL)
        return got->broken != NULL && got->broken->metric == want->broken->metric &&
               got->broken->compare == want->broken->compare &&
               got->broken->value == want->broken->value && got->broken->what == want->broken->what;
    return got->broken == NULL && got->end == want->end;
}

bool shrink_try(struct shrink *shrink, struct simnet_scenario *candidate)
{
    struct simnet_error error;
    struct shrink_run run;
    bool ok = false;

    if (!shrink_is_over(shrink)) {
        shrink->stats.runs++;
        ok = shrink_run(candidate, &run, NULL, &error) && shrink_is_the_same(shrink, &run);
    }
    if (!ok) {
        simnet_scenario_fini(candidate);
        return false;
    }
    shrink->stats.accepted++;
    shrink->stats.pdus_after = run.pdus;
    shrink->stats.events_after = run.events;
    shrink->stats.faults_after = candidate->faults.count;
    simnet_scenario_fini(&shrink->best);
    shrink->best = *candidate;
    if (shrink->target.invariant != NULL) /* one that runs on for ever is no better */
        shrink->best.event_max = 2 * run.events + 100;
    if (shrink->options->progress != NULL)
        shrink->options->progress(shrink->options->ctx, &shrink->stats);
    return true;
}

/* ---- while there is chance: a smaller world may fail by other chances ---- */

/* Less of everything; false: there is no less. */
static bool shrink_halve(struct simnet_scenario *scenario, unsigned way)
{
    bool less = false;

    for (size_t i = 0; i < scenario->traffic.count; i++) {
        struct simnet_traffic *what = &scenario->traffic.at[i].what;
        if (way == 0 && what->count > 1) {
            what->count = (what->count + 1) / 2;
            less = true;
        } else if (way == 1 && what->size_max > 1) {
            what->size_max = (what->size_max + 1) / 2;
            if (what->size_min > what->size_max)
                what->size_min = what->size_max;
            less = true;
        }
    }
    for (size_t i = 0; way == 2 && i < scenario->sessions.count; i++)
        if (scenario->sessions.at[i].count > 1) {
            scenario->sessions.at[i].count = (scenario->sessions.at[i].count + 1) / 2;
            less = true;
        }
    return less;
}

static bool shrink_halve_by_seeds(struct shrink *shrink, unsigned way)
{
    for (uint64_t n = 0; n < SHRINK_SEEDS && !shrink_is_over(shrink); n++) {
        struct simnet_scenario candidate;
        simnet_scenario_copy(&shrink->best, &candidate);
        if (n > 0)
            candidate.seed = simnet_draw(candidate.seed, n);
        if (!shrink_halve(&candidate, way)) {
            simnet_scenario_fini(&candidate);
            return false;
        }
        if (shrink_try(shrink, &candidate))
            return true;
    }
    return false;
}

static void shrink_by_chance(struct shrink *shrink)
{
    enum { WAYS = 3 };

    for (unsigned way = 0; way < WAYS; way++)
        while (shrink_halve_by_seeds(shrink, way))
            ;
}

/* ---- from chance to faults ---- */

static void shrink_silence(struct simnet_link_config *config)
{
    memset(config->losses, 0, sizeof config->losses);
    config->duplicate = (struct simnet_duplicate_config){.delay_ns = config->duplicate.delay_ns};
    config->corrupt = (struct simnet_corrupt_config){.checksum = config->corrupt.checksum};
    config->reorder = (struct simnet_reorder_config){0};
    config->delay.kind = SIMNET_DELAY_CONSTANT;
    config->delay.spread_ns = 0;
    config->delay.trace = NULL;
}

static void shrink_to_faults(struct shrink *shrink)
{
    struct simnet_tape tape = {0};
    struct simnet_scenario candidate;
    struct simnet_error error;
    struct shrink_run run;

    if (shrink->best.chance_off || shrink->best.faults.count > 0)
        return;
    bool ok = shrink_run(&shrink->best, &run, &tape, &error);
    SIPC_ASSERT(ok);
    simnet_scenario_copy(&shrink->best, &candidate);
    candidate.faults = tape;
    candidate.chance_off = true;
    for (size_t i = 0; i < candidate.links.count; i++)
        shrink_silence(&candidate.links.at[i].config);
    shrink_try(shrink, &candidate);
}

/* ---- all of it ---- */

static bool shrink_begin(struct shrink *shrink, const struct simnet_scenario *from,
                         struct simnet_error *error)
{
    struct simnet_tape tape = {0};
    struct shrink_run run;

    if (!shrink_run(from, &run, &tape, error))
        return false;
    shrink->stats.faults_before = shrink->stats.faults_after = tape.count;
    simnet_tape_clear(&tape);
    if (!run.fails) {
        snprintf(error->text, sizeof error->text, "%s does not fail: there is nothing to shrink",
                 from->name != NULL ? from->name : from->id);
        return false;
    }
    shrink->target = run.target;
    if (run.target.broken != NULL) {
        shrink->broken = *run.target.broken;
        shrink->target.broken = &shrink->broken;
    }
    shrink->stats.runs = 1;
    shrink->stats.pdus_before = shrink->stats.pdus_after = run.pdus;
    shrink->stats.events_before = shrink->stats.events_after = run.events;
    simnet_scenario_copy(from, &shrink->best);
    shrink->event_max = from->event_max;
    return true;
}

/* What the scenario expects of itself: its failure, or what broke. */
static void shrink_expect(struct simnet_scenario *scenario,
                          const struct simnet_shrink_target *target)
{
    if (target->invariant != NULL) {
        struct simnet_expectation fails = SIMNET_EXPECTATION_ANY;
        fails.metric = SIMNET_METRIC_FAILS;
        fails.invariant = target->invariant;
        fails.rule = target->rule;
        scenario->expectations.count = 0;
        simnet_scenario_add(&scenario->expectations, &fails);
    } else if (target->broken == NULL) {
        scenario->expectations.count = 0;
    }
}

bool simnet_shrink(const struct simnet_scenario *from, const struct simnet_shrink_options *options,
                   struct simnet_scenario *out, struct simnet_shrink_target *target,
                   struct simnet_shrink_stats *stats, struct simnet_error *error)
{
    static const struct simnet_shrink_options defaults;
    struct shrink shrink = {.options = options != NULL ? options : &defaults};

    shrink.runs_max = shrink.options->runs_max > 0 ? shrink.options->runs_max : SHRINK_RUNS_MAX;
    if (!shrink_begin(&shrink, from, error))
        return false;
    if (!shrink.best.chance_off && shrink.best.faults.count == 0)
        shrink_by_chance(&shrink);
    cut_things(&shrink);
    shrink_to_faults(&shrink);
    bool more = true;
    while (more && !shrink_is_over(&shrink)) {
        more = cut_things(&shrink);
        more |= cut_lists(&shrink);
        more |= lessen_all(&shrink);
    }
    lessen_roundly(&shrink);
    shrink.stats.bounded = shrink_is_over(&shrink);
    *out = shrink.best;
    out->event_max = shrink.event_max;
    shrink_expect(out, &shrink.target);
    *stats = shrink.stats;
    if (target != NULL) {
        *target = shrink.target;
        for (size_t i = 0; i < out->expectations.count && target->broken != NULL; i++)
            if (out->expectations.at[i].metric == shrink.broken.metric)
                target->broken = &out->expectations.at[i];
    }
    return true;
}
