/* The steps of a script, one function each: sending, expecting, silence, and the way to the others.
 * A step returns false where the case is over; the verdict is in the record then.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

bool run_is_event(const struct sx_step *step)
{
    return step->kind == SX_DELIVER || step->kind == SX_RESULT || step->kind == SX_STATE;
}

/* ---- -> ---- */

static bool step_send(struct runner *r, const struct sx_step *step)
{
    const char *peer = run_pdu_peer(r, &step->pdu);
    struct sipc_span pdu;
    uint8_t *bytes;

    if (!run_build_pdu(r, &step->pdu, &bytes, &pdu.size)) {
        return false;
    }
    pdu.data = bytes;
    run_know_peer(r, peer);
    r->anchor_ns = conform_sut_now(r->sut);
    if (step->pdu.label != NULL) {
        const struct run_label label = {.name = step->pdu.label, .pdu = pdu, .peer = peer};
        run_env_set_label(&r->env, &label);
    }
    bool going = run_send(r, peer, pdu);
    free(bytes);
    return going;
}

/* ---- <- ---- */

bool run_accept_pdu(struct runner *r, const struct sx_step *step, struct run_item *item)
{
    if (step->pdu.label != NULL) {
        const struct run_label label = {
            .name = step->pdu.label,
            .pdu = {item->out.bytes, item->out.size},
            .peer = run_pdu_peer(r, &step->pdu),
            .from_sut = true,
            .token = item->out.token,
        };
        run_env_set_label(&r->env, &label);
    }
    r->anchor_ns = item->out.at_ns;
    run_take(r, item);
    return step->optional || run_decided(r);
}

/* The next PDU, or behind a link the first that fits: what it delayed, doubled or brought in
 * another order is left for other lines. */
static bool step_expect(struct runner *r, const struct sx_step *step)
{
    const char *peer = run_pdu_peer(r, &step->pdu);
    struct run_window window;
    struct run_match match;
    struct run_item *item;
    size_t left = 0;

    if (!run_window_init(r, step, &window)) {
        return false;
    }
    for (;;) {
        while ((item = run_nth_pdu(r, peer, left)) == NULL) {
            uint64_t until_ns = run_patience(r, window.wait_ns);
            if (conform_sut_now(r->sut) >= until_ns) {
                return step->optional || run_fail_nothing(r, step);
            }
            if (!run_pump(r, until_ns)) {
                return false;
            }
        }
        run_match_begin(&match, r);
        run_match_pdu(&match, &step->pdu, item);
        run_window_judge(r, &window, item->out.at_ns, &match.diffs);
        enum run_fit fit = run_match_end(&match);
        bool going = fit == RUN_FITS    ? run_accept_pdu(r, step, item)
                     : fit == RUN_ERROR ? run_stop(r, CONFORM_ERROR, "%s", match.error_text)
                     : step->optional   ? true
                     : r->touched       ? false
                                        : run_fail_differs(r, step, &match, &item->out);
        run_match_clear(&match);
        if (fit != RUN_DIFFERS || step->optional || !r->touched) {
            return going;
        }
        left++;
    }
}

/* ---- time ---- */

static bool step_wait(struct runner *r, const struct sx_step *step)
{
    uint64_t ns;

    if (!run_time(r, &step->time, &ns)) {
        return false;
    }
    uint64_t until = conform_sut_now(r->sut) + ns;
    while (conform_sut_now(r->sut) < until) {
        if (!run_pump(r, until)) {
            return false;
        }
    }
    return true;
}

static bool step_quiet(struct runner *r, const struct sx_step *step)
{
    uint64_t ns;
    struct run_item *item = run_next(r);

    if (!run_time(r, &step->time, &ns)) {
        return false;
    }
    if (item != NULL && !r->touched) {
        return run_fail_unexpected(r, step, item, "this was left over from before");
    }
    uint64_t until = conform_sut_now(r->sut) + ns;
    while (conform_sut_now(r->sut) < until) {
        if (!run_pump(r, until)) {
            return false;
        }
        item = run_next(r);
        if (item != NULL && !r->touched && item->out.at_ns <= until) {
            return run_fail_unexpected(r, step, item, "this came");
        }
    }
    item = run_next(r);
    if (item != NULL && r->touched) { /* a link excuses it, but the time has passed all the same */
        return run_fail_unexpected(r, step, item, "this came");
    }
    size_t partial = conform_sut_partial_bytes(r->sut);
    if (partial > 0) {
        struct run_mismatch mismatch = {
            .step = step,
            .reason =
                run_printf("expected silence, but %zu bytes of an unfinished PDU came", partial),
        };
        return run_mismatch(r, &mismatch);
    }
    return run_decided(r);
}

static bool step_eof(struct runner *r, const struct sx_step *step)
{
    const char *peer = step->peer != NULL ? step->peer : "P";
    struct run_window window;
    struct run_match match;
    struct run_item *item;

    if (!run_window_init(r, step, &window)) {
        return false;
    }
    while ((item = run_next_eof(r, peer)) == NULL) {
        if (conform_sut_now(r->sut) >= window.wait_ns) {
            return run_fail_nothing(r, step);
        }
        if (!run_pump(r, window.wait_ns)) {
            return false;
        }
    }
    run_match_begin(&match, r);
    run_window_judge(r, &window, item->out.at_ns, &match.diffs);
    bool fits = run_match_end(&match) == RUN_FITS;
    bool going = fits ? run_decided(r) : run_fail_differs(r, step, &match, &item->out);
    run_match_clear(&match);
    if (fits) {
        run_take(r, item);
    }
    return going;
}

static bool step_let(struct runner *r, const struct sx_step *step)
{
    char error[256];
    int64_t value;

    if (!sx_eval(step->right, &r->env.sx, &value, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "let %s: %s", step->name, error);
    }
    run_env_set(&r->env, step->name, value);
    return true;
}

/* ---- all ---- */

static bool step_dispatch(struct runner *r, const struct sx_step *step)
{
    switch (step->kind) {
    case SX_SEND:
        return step_send(r, step);
    case SX_EXPECT:
        return step_expect(r, step);
    case SX_ANY:
        return run_any(r, step);
    case SX_ONE_OF:
        return run_one_of(r, step);
    case SX_REPEAT:
        return run_repeat(r, step);
    case SX_WHEN:
        return run_when(r, step);
    case SX_DELIVER:
    case SX_RESULT:
    case SX_STATE:
        return run_event(r, step);
    case SX_WAIT:
        return step_wait(r, step);
    case SX_QUIET:
        return step_quiet(r, step);
    case SX_CHECK:
        return run_check(r, step);
    case SX_CHECK_DATA:
        return run_check_data(r, step);
    case SX_CHECK_SIZE:
        return run_check_size(r, step);
    case SX_LET:
        return step_let(r, step);
    case SX_EOF:
        return step_eof(r, step);
    default:
        return run_command(r, step);
    }
}

bool run_count_step(struct runner *r)
{
    if (++r->steps > RUN_STEPS_MAX) {
        return run_stop(r, CONFORM_ERROR, "the case has more than %d steps, repeats counted",
                        RUN_STEPS_MAX);
    }
    return true;
}

bool run_step(struct runner *r, const struct sx_step *step)
{
    r->step = step;
    r->flood = 0;
    r->env.unbound = r->unplayable = false;
    if (!run_count_step(r)) {
        return false;
    }
    if (run_is_event(step) && !r->control) {
        r->events_skipped++; /* nobody is there to tell */
        return true;
    }
    return step_dispatch(r, step) || r->unplayable;
}

bool run_block(struct runner *r, const struct sx_block *block)
{
    bool going = true;

    if (r->depth == RUN_DEPTH_MAX) {
        return run_stop(r, CONFORM_ERROR, "more than %d blocks in blocks", RUN_DEPTH_MAX);
    }
    r->depth++;
    for (size_t i = 0; i < block->count && going; i++) {
        going = run_step(r, &block->steps[i]);
    }
    r->depth--;
    return going;
}
