/* Expectations: what they count while a world runs, and whether they hold when it is over.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/world.h"
#include "internal.h"

/* ---- the watch: one counter for each expectation that needs one ---- */

struct watch_block {
    struct watch_block *next;
    _Alignas(16) unsigned char bytes[];
};
struct watch_count {
    uint64_t count; /* operations, groups or bytes */
    sipc_time first_ns, last_ns;
    bool begun;
};
struct simnet_scenario_watch {
    const struct simnet_scenario_run *run;
    struct watch_block *blocks;
    struct watch_count *counts; /* by expectation */
};

void *scenario_watch_memory(struct simnet_scenario_watch *watch, size_t count, size_t size)
{
    struct watch_block *block = calloc(1, sizeof *block + (count > 0 ? count : 1) * size);

    if (block == NULL)
        abort();
    block->next = watch->blocks;
    watch->blocks = block;
    return block->bytes;
}

struct simnet_scenario_watch *scenario_watch_new(const struct simnet_scenario *scenario)
{
    struct simnet_scenario_watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL)
        abort();
    watch->counts =
        scenario_watch_memory(watch, scenario->expectations.count, sizeof *watch->counts);
    return watch;
}

void scenario_watch_free(struct simnet_scenario_watch *watch)
{
    if (watch == NULL)
        return;
    for (struct watch_block *block = watch->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(watch);
}

static bool watch_session_fits(const struct simnet_scenario_run *run,
                               const struct simnet_expectation *expectation, simnet_session session)
{
    if (expectation->session == SIMNET_NONE)
        return true;
    simnet_session first = run->sessions[expectation->session];
    if (expectation->place != SIMNET_NONE)
        return session == first + expectation->place;
    return session != SIMNET_NONE && session >= first &&
           session < run->sessions[expectation->session + 1];
}

/* By how much the event moves what the metric counts. */
static uint64_t watch_amount(const struct simnet_expectation *expectation,
                             const struct simnet_event *event)
{
    bool begun = event->kind == SIMNET_EVENT_OPERATION && event->status == SIPC_OK;

    switch (expectation->metric) {
    case SIMNET_METRIC_BEGUN:
        return begun;
    case SIMNET_METRIC_REFUSED:
        return event->kind == SIMNET_EVENT_OPERATION && !begun;
    case SIMNET_METRIC_ENDED:
        return event->kind == SIMNET_EVENT_RESULT && (int)event->outcome == expectation->what;
    case SIMNET_METRIC_GROUPS:
        return event->kind == SIMNET_EVENT_DELIVER;
    case SIMNET_METRIC_BYTES:
    case SIMNET_METRIC_GOODPUT:
        return event->kind == SIMNET_EVENT_DELIVER ? event->data.size : 0;
    default:
        return 0;
    }
}

static void watch_event(void *ctx, const struct simnet_event *event)
{
    struct simnet_scenario_watch *watch = ctx;
    const struct simnet_scenario *scenario = watch->run->scenario;

    for (size_t i = 0; i < scenario->expectations.count; i++) {
        const struct simnet_expectation *expectation = &scenario->expectations.at[i];
        struct watch_count *count = &watch->counts[i];
        bool goodput = expectation->metric == SIMNET_METRIC_GOODPUT;
        if (!watch_session_fits(watch->run, expectation, event->session))
            continue;
        if (goodput && event->kind == SIMNET_EVENT_OPERATION && event->status == SIPC_OK &&
            !count->begun) { /* of the sender, whoever it is */
            count->begun = true;
            count->first_ns = event->time_ns;
        }
        uint64_t amount = watch_amount(expectation, event);
        if (amount == 0 || (expectation->host != SIMNET_NONE && expectation->host != event->host) ||
            (expectation->command >= 0 && event->kind != SIMNET_EVENT_DELIVER &&
             expectation->command != (int)event->command))
            continue;
        count->count += amount;
        count->last_ns = event->time_ns;
    }
}

static bool watch_is_needed(enum simnet_metric metric)
{
    return metric == SIMNET_METRIC_BEGUN || metric == SIMNET_METRIC_REFUSED ||
           metric == SIMNET_METRIC_ENDED || metric == SIMNET_METRIC_GROUPS ||
           metric == SIMNET_METRIC_BYTES || metric == SIMNET_METRIC_GOODPUT;
}

void scenario_watch_start(struct simnet_scenario_run *run)
{
    const struct simnet_scenario *scenario = run->scenario;
    bool needed = false;

    for (size_t i = 0; i < scenario->expectations.count; i++)
        needed |= watch_is_needed(scenario->expectations.at[i].metric);
    run->watch->run = run;
    if (needed)
        simnet_observe(run->world, &(struct simnet_observer){.ctx = run->watch,
                                                             .wants = SIMNET_WANT_APPLICATION,
                                                             .event = watch_event});
}

/* ---- values ---- */

static uint64_t judge_muldiv(uint64_t a, uint64_t b, uint64_t divisor)
{
    uint64_t high = simnet_multiply_high(a, b), low = a * b, quotient = 0, rest = high % divisor;

    if (high / divisor > 0)
        return UINT64_MAX;
    for (int bit = 63; bit >= 0; bit--) {
        bool carry = rest >> 63;
        rest = rest << 1 | (low >> bit & 1);
        if (carry || rest >= divisor) {
            rest -= divisor;
            quotient |= UINT64_C(1) << bit;
        }
    }
    return quotient;
}

static uint64_t judge_counter(const struct simnet_scenario_run *run,
                              const struct simnet_expectation *expectation, simnet_link link)
{
    struct simnet_link_stats stats;
    sipc_time now = simnet_world_now(run->world);

    simnet_link_stats(run->world, link, &stats);
    switch ((enum simnet_link_counter)expectation->what) {
    case SIMNET_LINK_ENTERED:
        return stats.entered;
    case SIMNET_LINK_DUPLICATED:
        return stats.duplicated;
    case SIMNET_LINK_ARRIVED:
        return stats.arrived;
    case SIMNET_LINK_DROPPED:
        return expectation->stage < 0 ? stats.dropped_total : stats.dropped[expectation->stage];
    case SIMNET_LINK_QUEUE_PEAK:
        return stats.queue_bytes_peak;
    case SIMNET_LINK_SOJOURN:
        return stats.sojourn_max_ns;
    case SIMNET_LINK_BYTES:
        return stats.bytes_arrived;
    case SIMNET_LINK_BUSY:
        return now > 0 ? judge_muldiv(stats.busy_ns, SIMNET_PPM, now) : 0;
    case SIMNET_LINK_COUNTER_COUNT:
        break;
    }
    return 0;
}

static uint64_t judge_links(const struct simnet_scenario_run *run,
                            const struct simnet_expectation *expectation)
{
    int what = expectation->what;
    bool largest =
        what == SIMNET_LINK_QUEUE_PEAK || what == SIMNET_LINK_SOJOURN || what == SIMNET_LINK_BUSY;
    uint64_t sum = 0;

    if (expectation->link != SIMNET_NONE)
        return judge_counter(run, expectation, expectation->link);
    for (simnet_link i = 0; i < simnet_link_count(run->world); i++) {
        uint64_t value = judge_counter(run, expectation, i);
        if (!largest)
            sum += value;
        else if (value > sum)
            sum = value;
    }
    return sum;
}

uint64_t simnet_scenario_measure(const struct simnet_scenario_run *run, enum simnet_end end,
                                 size_t index)
{
    const struct simnet_expectation *expectation = &run->scenario->expectations.at[index];
    const struct watch_count *count = &run->watch->counts[index];
    struct simnet_operation_stats stats;
    sipc_time took = count->last_ns - count->first_ns;

    simnet_operation_stats(run->world, &stats);
    switch (expectation->metric) {
    case SIMNET_METRIC_END:
        return end;
    case SIMNET_METRIC_PENDING:
        return stats.pending;
    case SIMNET_METRIC_CRASHED:
        return stats.crashed;
    case SIMNET_METRIC_GOODPUT:
        return count->begun && count->count > 0 && took > 0
                   ? judge_muldiv(count->count, 8 * UINT64_C(1000000000), took)
                   : 0;
    case SIMNET_METRIC_LINK:
        return judge_links(run, expectation);
    case SIMNET_METRIC_TIME:
        return simnet_world_now(run->world);
    case SIMNET_METRIC_EVENTS:
        return simnet_world_events(run->world);
    case SIMNET_METRIC_UNUSED:
        return simnet_world_unused_faults(run->world);
    default:
        return count->count;
    }
}

/* ---- verdicts ---- */

static bool judge_compare(uint64_t found, enum simnet_compare compare, uint64_t expected)
{
    switch (compare) {
    case SIMNET_EQ:
        return found == expected;
    case SIMNET_NE:
        return found != expected;
    case SIMNET_LT:
        return found < expected;
    case SIMNET_LE:
        return found <= expected;
    case SIMNET_GT:
        return found > expected;
    case SIMNET_GE:
        return found >= expected;
    }
    return false;
}

/* Whether `failure` (may be NULL) is the one expected. */
static bool judge_failure_fits(const struct simnet_expectation *expectation,
                               const struct simnet_failure *failure)
{
    return failure != NULL && strcmp(failure->invariant, expectation->invariant) == 0 &&
           (expectation->rule == SIPC_RULE_NONE || expectation->rule == failure->rule);
}

static const char *judge_compare_word(enum simnet_compare compare)
{
    static const char *const words[] = {"",         "not ",       "less than ",
                                        "at most ", "more than ", "at least "};
    return words[compare];
}

/* The session of the group that is not in the state, if there is one. */
static bool judge_states(const struct simnet_scenario_run *run,
                         const struct simnet_expectation *expectation, char *text, size_t size)
{
    const struct simnet_scenario_session *group = &run->scenario->sessions.at[expectation->session];

    for (uint32_t place = 0; place < group->count; place++) {
        if (expectation->place != SIMNET_NONE && expectation->place != place)
            continue;
        for (int side = 0; side < 2; side++) {
            simnet_host host = side == 0 ? group->a : group->b;
            if (expectation->host != SIMNET_NONE && expectation->host != host)
                continue;
            enum sipc_state found =
                simnet_session_state(run->world, run->sessions[expectation->session] + place, host);
            if (judge_compare(found, expectation->compare, expectation->value))
                continue;
            snprintf(text, size, "expected %s%s, found session %s[%u] %s at %s",
                     judge_compare_word(expectation->compare),
                     sipc_state_name((enum sipc_state)expectation->value), group->name, place,
                     sipc_state_name(found), simnet_host_name(run->world, host));
            return false;
        }
    }
    return true;
}

/* In the unit of what it counts. */
static void judge_print(const struct simnet_expectation *expectation, uint64_t value, char *out,
                        size_t size)
{
    static const enum sx_value_kind counters[SIMNET_LINK_COUNTER_COUNT] = {
        [SIMNET_LINK_QUEUE_PEAK] = SX_V_BYTES,
        [SIMNET_LINK_SOJOURN] = SX_V_TIME,
        [SIMNET_LINK_BYTES] = SX_V_BYTES,
        [SIMNET_LINK_BUSY] = SX_V_SHARE};
    static const enum sx_value_kind metrics[SIMNET_METRIC_COUNT] = {
        [SIMNET_METRIC_BYTES] = SX_V_BYTES,
        [SIMNET_METRIC_GOODPUT] = SX_V_RATE,
        [SIMNET_METRIC_TIME] = SX_V_TIME};
    enum sx_value_kind kind = expectation->metric == SIMNET_METRIC_LINK
                                  ? counters[expectation->what]
                                  : metrics[expectation->metric];
    FILE *file = fmemopen(out, size, "w");

    if (file == NULL)
        abort();
    sx_print_quantity(kind == 0 ? SX_V_COUNT : kind, (int64_t)value, file);
    fclose(file);
}

static bool judge_one(const struct simnet_scenario_run *run, enum simnet_end end, size_t index,
                      char *text, size_t size)
{
    const struct simnet_expectation *expectation = &run->scenario->expectations.at[index];
    const struct simnet_failure *failure = simnet_world_failure(run->world);
    char wanted[64], got[64];

    if (expectation->metric == SIMNET_METRIC_FAILS) {
        if (judge_failure_fits(expectation, failure))
            return true;
        snprintf(text, size, "expected the failure %s, found %s", expectation->invariant,
                 failure == NULL ? "none" : failure->invariant);
        return false;
    }
    if (expectation->metric == SIMNET_METRIC_STATE)
        return judge_states(run, expectation, text, size);
    uint64_t found = simnet_scenario_measure(run, end, index);
    if (judge_compare(found, expectation->compare, expectation->value))
        return true;
    if (expectation->metric == SIMNET_METRIC_END)
        snprintf(text, size, "expected the end '%s%s', found '%s'",
                 judge_compare_word(expectation->compare),
                 simnet_end_name((enum simnet_end)expectation->value), simnet_end_name(end));
    judge_print(expectation, expectation->value, wanted, sizeof wanted);
    judge_print(expectation, found, got, sizeof got);
    if (expectation->metric != SIMNET_METRIC_END)
        snprintf(text, size, "expected %s%s, found %s", judge_compare_word(expectation->compare),
                 wanted, got);
    return false;
}

/* Whether the run may have ended so, where no expectation speaks of it. */
static bool judge_end(const struct simnet_scenario_run *run, enum simnet_end end, char *text,
                      size_t size)
{
    const struct simnet_scenario *scenario = run->scenario;

    for (size_t i = 0; i < scenario->expectations.count; i++)
        if (scenario->expectations.at[i].metric == SIMNET_METRIC_END ||
            scenario->expectations.at[i].metric == SIMNET_METRIC_FAILS)
            return true;
    if (end == SIMNET_END_DRAINED || (end == SIMNET_END_UNTIL && scenario->until_ns != SIPC_NEVER))
        return true;
    simnet_world_explain(run->world, end, text, size);
    return false;
}

void simnet_scenario_judge(const struct simnet_scenario_run *run, enum simnet_end end,
                           struct simnet_judgement *out)
{
    const struct simnet_scenario *scenario = run->scenario;
    const struct simnet_failure *failure = simnet_world_failure(run->world);

    *out = (struct simnet_judgement){.ok = true};
    for (size_t i = 0; i < scenario->expectations.count && failure != NULL; i++)
        if (scenario->expectations.at[i].metric == SIMNET_METRIC_FAILS &&
            judge_failure_fits(&scenario->expectations.at[i], failure))
            failure = NULL;
    if (failure != NULL) {
        out->ok = false;
        out->failure = failure;
        snprintf(out->text, sizeof out->text, "%s", failure->text);
        return;
    }
    if (!judge_end(run, end, out->text, sizeof out->text)) {
        out->ok = false;
        return;
    }
    for (size_t i = 0; i < scenario->expectations.count; i++) {
        if (judge_one(run, end, i, out->text, sizeof out->text))
            continue;
        out->ok = false;
        out->broken = &scenario->expectations.at[i];
        return;
    }
}
