/* Time of a case: what T and the other units are, when an expectation must be met, how long to
 * wait.
 *
 * With a virtual clock all is exact to the SUT's tick. With a wall clock an upper bound is
 * extended, as a late harness or machine is no nonconformance; a lower bound gives way only to the
 * grain of clocks and to the harness's own lateness, for a PDU read late makes the next one look
 * early. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "runner.h"

#define CLOCK_CASE_NS_MAX      (UINT64_C(24) * 3600 * 1000 * SIPC_NS_PER_MS)
#define CLOCK_WALL_CASE_NS_MAX (UINT64_C(600) * 1000 * SIPC_NS_PER_MS)
#define CLOCK_WALL_GRAIN_NS    (10 * SIPC_NS_PER_MS)
#define CLOCK_WALL_SLACK_NS    (250 * SIPC_NS_PER_MS)
#define CLOCK_WALL_PATIENCE_NS (1000 * SIPC_NS_PER_MS)

static const struct sx_time_term clock_half_t = {SX_ACK_TIMEOUT, 500};
static const struct sx_time clock_default = {&clock_half_t, 1};

void run_clock_init(struct runner *r)
{
    static const enum run_setting settings[SX_TIME_UNIT_COUNT] = {
        [SX_ACK_TIMEOUT] = RUN_SETTING_ACK_TIMEOUT,
        [SX_OPEN_TIMEOUT] = RUN_SETTING_OPEN_TIMEOUT,
        [SX_IDLE_TIMEOUT] = RUN_SETTING_IDLE_TIMEOUT,
        [SX_ENQUIRE_LINK_INTERVAL] = RUN_SETTING_ENQUIRE_LINK_INTERVAL,
        [SX_LINGER] = RUN_SETTING_LINGER,
    };
    for (int unit = 0; unit < SX_TIME_UNIT_COUNT; unit++) {
        int64_t ms = r->env.settings[settings[unit]];
        uint64_t ns = ms > 0 ? (uint64_t)ms : 0;
        r->clock.unit_ns[unit] =
            ns > UINT64_MAX / SIPC_NS_PER_MS ? UINT64_MAX : ns * SIPC_NS_PER_MS;
    }
}

static uint64_t clock_case_ns_max(const struct runner *r)
{
    return r->clock.is_virtual ? CLOCK_CASE_NS_MAX : CLOCK_WALL_CASE_NS_MAX;
}

bool run_time(struct runner *r, const struct sx_time *time, uint64_t *ns)
{
    char error[256];

    for (size_t i = 0; i < time->count; i++) {
        if (r->clock.unit_ns[time->terms[i].unit] == 0 && time->terms[i].thousandths != 0 &&
            time->terms[i].unit != SX_LINGER) {
            char *text = run_time_text(time);
            run_stop(r, CONFORM_ERROR, "the time %s is a multiple of a timeout that is off", text);
            free(text);
            return false;
        }
    }
    if (!sx_time_eval(time, r->clock.unit_ns, ns, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "%s", error);
    }
    uint64_t now = conform_sut_now(r->sut);
    if (*ns > clock_case_ns_max(r) || now > clock_case_ns_max(r) - *ns) {
        return run_stop(r, CONFORM_ERROR, "the case takes longer than %" PRIu64 " s",
                        clock_case_ns_max(r) / (1000 * SIPC_NS_PER_MS));
    }
    return true;
}

/* ---- tolerances ---- */

static uint64_t clock_early_ns(const struct runner *r)
{
    if (r->clock.is_virtual) {
        return r->clock.tick_ns - 1;
    }
    return CLOCK_WALL_GRAIN_NS + conform_sut_lateness(r->sut);
}

static uint64_t clock_late_ns(const struct runner *r)
{
    if (r->clock.is_virtual) {
        return r->clock.tick_ns - 1;
    }
    uint64_t slack = CLOCK_WALL_SLACK_NS * r->clock.scale_percent / 100;
    uint64_t lateness = 2 * conform_sut_lateness(r->sut);
    return slack > lateness ? slack : lateness;
}

/* ---- windows ---- */

static uint64_t clock_wait_ns(const struct runner *r, const struct sx_step *step,
                              const struct run_window *window)
{
    if (r->clock.is_virtual || step->optional) {
        return window->to_ns; /* what may come must not keep what follows waiting */
    }
    uint64_t until = window->to_ns + clock_late_ns(r);
    uint64_t patience =
        conform_sut_now(r->sut) + CLOCK_WALL_PATIENCE_NS * r->clock.scale_percent / 100;
    return until > patience ? until : patience;
}

uint64_t run_patience(struct runner *r, uint64_t wait_ns)
{
    return run_link_next(r) == SIPC_NEVER ? wait_ns : wait_ns + r->clock.unit_ns[SX_ACK_TIMEOUT];
}

bool run_window_init(struct runner *r, const struct sx_step *step, struct run_window *window)
{
    uint64_t after = 0, within;
    bool has_after = step->after.count > 0;
    bool has_within = step->within.count > 0;

    if (!run_time(r, has_within ? &step->within : &clock_default, &within) ||
        (has_after && !run_time(r, &step->after, &after))) {
        return false;
    }
    window->has_from = has_after;
    window->lenient = !has_after && !has_within;
    window->base_ns = has_after ? r->anchor_ns : conform_sut_now(r->sut);
    window->from_ns = has_after ? window->base_ns + after : 0;
    window->to_ns = window->base_ns + within + (has_after && !has_within ? after : 0);
    window->wait_ns = clock_wait_ns(r, step, window);
    return true;
}

void run_window_judge(const struct runner *r, const struct run_window *window, uint64_t at_ns,
                      struct run_diffs *diffs)
{
    if (r->touched) {
        return; /* what a link does takes its time */
    }
    bool early = window->has_from && at_ns + clock_early_ns(r) < window->from_ns;
    bool late = at_ns > window->to_ns + clock_late_ns(r);

    if (!early && (!late || (window->lenient && !r->clock.is_virtual))) {
        return;
    }
    char *to = run_ms_text(window->to_ns - window->base_ns);
    char *expected = run_strdup(to);
    if (window->has_from) {
        char *from = run_ms_text(window->from_ns - window->base_ns);
        free(expected);
        expected = run_printf("%s to %s after the PDU before it", from, to);
        free(from);
    }
    free(to);
    run_diff_add(diffs, run_strdup("time"), expected,
                 run_ms_text(at_ns > window->base_ns ? at_ns - window->base_ns : 0));
}

bool run_came_late(const struct runner *r, uint64_t at_ns)
{
    uint64_t quarter = r->clock.unit_ns[SX_ACK_TIMEOUT] / 4;
    return !r->clock.is_virtual && at_ns > r->anchor_ns + quarter;
}
