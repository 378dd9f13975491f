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

static void step_report_sent(struct runner *r, const char *peer, struct sipc_span pdu)
{
    uint64_t now = conform_sut_now(r->sut);
    const struct conform_out out = {
        .kind = CONFORM_OUT_TX, .bytes = (uint8_t *)(uintptr_t)pdu.data, .size = pdu.size};

    run_trace_add(r, now, '>', peer, run_out_text(&r->env, &out), pdu);
    if (r->options->on_pdu != NULL) {
        r->options->on_pdu(r->options->ctx, false, peer, now, pdu, r->env.case_name);
    }
    r->anchor_ns = now;
}

static bool step_send(struct runner *r, const struct sx_step *step)
{
    const char *peer = run_pdu_peer(r, &step->pdu);
    struct conform_request request = {.op = CONFORM_RX, .from = peer};
    struct conform_response response;
    uint8_t *bytes;

    if (!run_build_pdu(r, &step->pdu, &bytes, &request.pdu.size)) {
        return false;
    }
    request.pdu.data = bytes;
    run_know_peer(r, peer);
    step_report_sent(r, peer, request.pdu);
    run_witness_rx(r, peer, request.pdu);
    if (step->pdu.label != NULL) {
        const struct run_label label = {.name = step->pdu.label, .pdu = request.pdu, .peer = peer};
        run_env_set_label(&r->env, &label);
    }
    bool going = run_call(r, &request, &response);
    if (going && !response.ok) {
        going = run_stop(r, CONFORM_ERROR, "the adapter refused a datagram: %s",
                         response.error != NULL ? response.error : "no reason given");
    }
    conform_response_clear(&response);
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

static bool step_expect(struct runner *r, const struct sx_step *step)
{
    const char *peer = run_pdu_peer(r, &step->pdu);
    struct run_window window;
    struct run_match match;
    struct run_item *item;
    bool going;

    if (!run_window_init(r, step, &window)) {
        return false;
    }
    while ((item = run_next_pdu(r, peer)) == NULL) {
        if (conform_sut_now(r->sut) >= window.wait_ns) {
            return step->optional || run_fail_nothing(r, step);
        }
        if (!run_pump(r, window.wait_ns)) {
            return false;
        }
    }
    run_match_begin(&match, r);
    run_match_pdu(&match, &step->pdu, item);
    run_window_judge(r, &window, item->out.at_ns, &match.diffs);
    switch (run_match_end(&match)) {
    case RUN_FITS:
        going = run_accept_pdu(r, step, item);
        break;
    case RUN_DIFFERS:
        going = step->optional || run_fail_differs(r, step, &match, &item->out);
        break;
    default:
        going = run_stop(r, CONFORM_ERROR, "%s", match.error_text);
        break;
    }
    run_match_clear(&match);
    return going;
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
    if (item != NULL) {
        return run_fail_unexpected(r, step, item, "this was left over from before");
    }
    uint64_t until = conform_sut_now(r->sut) + ns;
    while (conform_sut_now(r->sut) < until) {
        if (!run_pump(r, until)) {
            return false;
        }
        item = run_next(r);
        if (item != NULL && item->out.at_ns <= until) {
            return run_fail_unexpected(r, step, item, "this came");
        }
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
    if (!run_count_step(r)) {
        return false;
    }
    if (run_is_event(step) && !r->control) {
        r->events_skipped++; /* nobody is there to tell */
        return true;
    }
    return step_dispatch(r, step);
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
