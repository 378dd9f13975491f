/* See compare.h. SPDX-License-Identifier: MIT */
#include "simnet/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compare_clock.h"

struct arrival {
    struct simnet_pdu_key key;
    simnet_link link;
    sipc_time time_ns;
};

/* What is watched of one run. */
struct watched {
    struct arrival *arrivals;
    size_t count, capacity;
    uint64_t bytes;
    bool begun;
    sipc_time first_ns, last_ns;
};

static void watched_arrival(struct watched *watched, const struct simnet_event *event)
{
    if (watched->count == watched->capacity) {
        watched->capacity = watched->capacity ? watched->capacity * 2 : 1024;
        watched->arrivals =
            realloc(watched->arrivals, watched->capacity * sizeof *watched->arrivals);
        SIPC_ASSERT(watched->arrivals != NULL);
    }
    watched->arrivals[watched->count++] =
        (struct arrival){*event->key, event->link, event->time_ns};
}

static void watched_event(void *ctx, const struct simnet_event *event)
{
    struct watched *watched = ctx;

    if (event->kind == SIMNET_EVENT_STAGE && event->stage == SIMNET_STAGE_ARRIVE &&
        event->verdict == SIMNET_PASS && event->key != NULL) {
        watched_arrival(watched, event);
    } else if (event->kind == SIMNET_EVENT_DELIVER) {
        watched->bytes += event->data.size;
        watched->last_ns = event->time_ns;
    } else if (event->kind == SIMNET_EVENT_OPERATION && event->status == SIPC_OK &&
               !watched->begun) {
        watched->begun = true;
        watched->first_ns = event->time_ns;
    }
}

/* ---- a run ---- */

static uint64_t compare_goodput(const struct watched *watched)
{
    sipc_time took = watched->last_ns - watched->first_ns;

    if (watched->bytes == 0 || took == 0)
        return 0;
    return (uint64_t)((double)watched->bytes * 8e9 / (double)took); /* to be shown and compared */
}

static bool compare_run(const struct simnet_scenario *scenario,
                        const struct simnet_carrier *carrier,
                        const struct simnet_scenario_options *options, struct watched *watched,
                        struct simnet_compared_run *out, struct simnet_error *error, int *line,
                        bool *foreign)
{
    const struct simnet_observer observer = {
        watched, SIMNET_WANT_VERDICTS | SIMNET_WANT_APPLICATION, watched_event};
    struct simnet_scenario_options build = *options;
    struct simnet_scenario_run run;
    struct simnet_judgement judgement;

    build.carrier = carrier;
    build.rounds_each = true;
    build.observers = &observer;
    build.observer_count = 1;
    if (!simnet_scenario_build(scenario, &build, &run, error, line, foreign))
        return false;
    uint64_t start = compare_cpu_ns();
    out->end = simnet_scenario_go(&run);
    out->cpu_ns = compare_cpu_ns() - start;
    simnet_scenario_judge(&run, out->end, &judgement);
    out->ok = judgement.ok;
    out->hash = simnet_world_hash(run.world);
    out->events = simnet_world_events(run.world);
    out->arrivals = watched->count;
    out->bytes = watched->bytes;
    out->goodput_bps = compare_goodput(watched);
    simnet_scenario_run_fini(&run);
    return true;
}

/* ---- what is not the same ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* By name: link, then key. */
static int arrival_order(const void *left, const void *right)
{
    const struct arrival *a = left, *b = right;
    int order = compare_numbers(a->link, b->link);

    if (order == 0)
        order = compare_numbers(a->key.session, b->key.session);
    if (order == 0)
        order = compare_numbers((uint64_t)a->key.window_id, (uint64_t)b->key.window_id);
    if (order == 0)
        order = compare_numbers((uint64_t)a->key.seq_nr, (uint64_t)b->key.seq_nr);
    if (order == 0)
        order = compare_numbers(a->key.opcode, b->key.opcode);
    if (order == 0)
        order = compare_numbers(a->key.xmit, b->key.xmit);
    return order != 0 ? order : compare_numbers(a->key.copy, b->key.copy);
}

struct differences {
    struct simnet_compared *out;
    const struct simnet_scenario *scenario;
    sipc_time first_ns;
};

static void differ(struct differences *differences, const struct arrival *own,
                   const struct arrival *other)
{
    const struct arrival *any = own != NULL ? own : other;
    sipc_time at = any->time_ns;
    char link[80], when[2][32] = {"never", "never"};

    if (own != NULL && other != NULL && other->time_ns < at)
        at = other->time_ns;
    if (at >= differences->first_ns)
        return;
    differences->first_ns = at;
    simnet_scenario_link_name(differences->scenario, any->link, link, sizeof link);
    if (own != NULL)
        snprintf(when[0], sizeof when[0], "%" PRIu64 " ns", own->time_ns);
    if (other != NULL)
        snprintf(when[1], sizeof when[1], "%" PRIu64 " ns", other->time_ns);
    snprintf(differences->out->first, sizeof differences->out->first,
             "%.60s opcode %d %" PRId64 ":%" PRId32 " xmit %" PRIu32 ": own %s, other %s", link,
             any->key.opcode, any->key.window_id, any->key.seq_nr, any->key.xmit, when[0], when[1]);
}

static void compare_arrivals(const struct simnet_scenario *scenario, struct watched *own,
                             struct watched *other, struct simnet_compared *out)
{
    struct differences differences = {out, scenario, SIPC_NEVER};
    size_t i = 0, k = 0;

    if (own->count > 0)
        qsort(own->arrivals, own->count, sizeof *own->arrivals, arrival_order);
    if (other->count > 0)
        qsort(other->arrivals, other->count, sizeof *other->arrivals, arrival_order);
    while (i < own->count || k < other->count) {
        const struct arrival *a = i < own->count ? &own->arrivals[i] : NULL;
        const struct arrival *b = k < other->count ? &other->arrivals[k] : NULL;
        int order = a == NULL ? 1 : b == NULL ? -1 : arrival_order(a, b);
        i += order <= 0;
        k += order >= 0;
        if (order != 0) {
            out->alone++;
            differ(&differences, order < 0 ? a : NULL, order > 0 ? b : NULL);
        } else if (a->time_ns == b->time_ns) {
            out->same++;
        } else {
            sipc_time apart =
                a->time_ns > b->time_ns ? a->time_ns - b->time_ns : b->time_ns - a->time_ns;
            out->apart++;
            out->apart_max_ns = apart > out->apart_max_ns ? apart : out->apart_max_ns;
            differ(&differences, a, b);
        }
    }
}

bool simnet_compare(const struct simnet_scenario *scenario, const struct simnet_carrier *other,
                    const struct simnet_scenario_options *options, struct simnet_compared *out,
                    struct simnet_error *error, int *line, bool *foreign)
{
    struct watched watched[2] = {{0}, {0}};

    *out = (struct simnet_compared){0};
    /* The other first: what it cannot do is told at once. */
    bool ran =
        compare_run(scenario, other, options, &watched[1], &out->other, error, line, foreign) &&
        compare_run(scenario, NULL, options, &watched[0], &out->own, error, line, foreign);
    if (ran)
        compare_arrivals(scenario, &watched[0], &watched[1], out);
    free(watched[0].arrivals);
    free(watched[1].arrivals);
    return ran;
}

bool simnet_compared_agree(const struct simnet_compared *compared)
{
    uint64_t a = compared->own.goodput_bps, b = compared->other.goodput_bps;
    uint64_t apart = a > b ? a - b : b - a;

    return compared->apart == 0 && compared->alone == 0 && apart <= a / 200;
}
