/* Close PDUs, both ways: CLS-1 to CLS-5, STM-2a, STM-4, STM-5.
 * SPDX-License-Identifier: MIT */
#include "internal.h"

static void close_owe_state(struct judge *j, struct judge_session *s, enum judge_check missing)
{
    struct judge_due *due;

    if (!judge_knows(j, JUDGE_NEEDS_STATES)) {
        return;
    }
    due = judge_owe(j, s, JUDGE_DUE_STATE, missing);
    if (due != NULL) {
        due->states = JUDGE_IN_AWAITING | JUDGE_IN_DISPOSED;
    }
    judge_saw(j, missing);
}

/* ---- the peer closes ---- */

static void close_take(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    bool closing = judge_must(s, JUDGE_IN_CLOSING);

    judge_saw_rule(j, SIPC_RULE_CLS_3);
    judge_saw_rule(j, SIPC_RULE_ERR_1);
    s->closed_by_peer = true;
    s->peer_close_code = pdu->abort_code;
    judge_dues_drop_kind(j, s, JUDGE_DUE_CLOSE);
    if (pdu->abort_code == SIPC_ABORT_NORMAL) {
        struct judge_due *due = judge_owe(j, s, JUDGE_DUE_CLOSE_ACK, JUDGE_CLOSE_UNANSWERED);
        if (due != NULL) {
            due->window_id = pdu->window_id;
        }
        s->in.last.id = pdu->window_id;
        s->in.last.opcode = SIPC_CLOSE;
        s->in.last.answered = false;
    } else {
        judge_cause_set(j, JUDGE_FORCED_CLOSE_ANSWERED, s, "a forced close", true);
        judge_saw(j, JUDGE_FORCED_CLOSE_ANSWERED);
    }
    s->in.min = pdu->window_id;
    s->in.min_processed = pdu->abort_code == SIPC_ABORT_NORMAL;
    judge_window_clear(j, s);
    judge_window_end(s, &s->out.window, true);
    judge_window_end(s, &s->out.resync, true);
    close_owe_state(j, s, closing ? JUDGE_CLOSING_NOT_ENDED : JUDGE_CLOSE_NOT_TAKEN);
    judge_enter(j, s, JUDGE_STATE_AWAITING_DISPOSAL);
}

static void close_repeat(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    struct judge_due *due = NULL;

    judge_saw(j, JUDGE_REPEAT_IGNORED);
    judge_saw_rule(j, SIPC_RULE_WID_8);
    if (!judge_may(s, JUDGE_IN_DISPOSED)) {
        due = judge_owe(j, s, JUDGE_DUE_CLOSE_ACK, JUDGE_REPEAT_IGNORED);
    } else {
        judge_forget_inbound(j, s);
    }
    if (due != NULL) {
        due->window_id = pdu->window_id;
        due->repeat = true;
    }
}

static void close_blind(struct judge *j, struct judge_session *s)
{
    judge_forget_inbound(j, s);
    judge_dues_drop_kind(j, s, JUDGE_DUE_CLOSE);
    s->states |= JUDGE_IN_AWAITING;
    s->closed_by_peer = true; /* it may be */
    s->close_asked = true;
}

void judge_rx_close(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    enum judge_validity validity;

    if (!s->in.known) {
        close_blind(j, s);
        return;
    }
    judge_window_id_saw(j, s, pdu);
    validity = judge_window_id_check(j, s, pdu);
    if (validity == JUDGE_REPEAT) {
        close_repeat(j, s, pdu);
    } else if (validity == JUDGE_UNTESTED) {
        if (pdu->seq_nr != 0) { /* CLS-3a */
            judge_cause_set(j, JUDGE_REACTS_CLS_3a, s, "a close PDU with a seq_nr", false);
        } else {
            close_blind(j, s);
        }
    } else if (validity == JUDGE_INVALID) {
        judge_cause_set(j,
                        pdu->abort_code == SIPC_ABORT_NORMAL ? judge_window_id_rule(j, s, pdu)
                                                             : JUDGE_REACTS_CLS_3a,
                        s, "a close PDU with an invalid window id", false);
        judge_saw_rule(j, SIPC_RULE_CLS_3a);
    } else if (pdu->seq_nr != 0) {
        judge_cause_set(j, JUDGE_REACTS_CLS_3a, s, "a close PDU with a seq_nr", false);
        judge_saw(j, JUDGE_REACTS_CLS_3a);
    } else if (judge_must(s, JUDGE_IN_OPENING)) {
        judge_cause_set(j, JUDGE_REACTS_OPN_1, s, "a close PDU in opening", false);
        judge_saw(j, JUDGE_REACTS_OPN_1);
    } else if (judge_must(s, JUDGE_IN_OPENED | JUDGE_IN_CLOSING)) {
        close_take(j, s, pdu);
    } else if (judge_must(s, JUDGE_IN_AWAITING)) {
        judge_cause_set(j, JUDGE_REACTS_CLS_4, s, "a close PDU after the end", false);
        judge_saw(j, JUDGE_REACTS_CLS_4);
    } else {
        close_blind(j, s);
    }
}

/* ---- the endpoint closes ---- */

static bool close_is_forced(const struct sipc_pdu *pdu)
{
    return pdu->abort_code != SIPC_ABORT_NORMAL;
}

static void close_check(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    const char *found = judge_text(j, "close %lld:%ld with code %ld", (long long)pdu->window_id,
                                   (long)pdu->seq_nr, (long)pdu->abort_code);
    bool certain = judge_knows(j, JUDGE_NEEDS_SYNC | JUDGE_NEEDS_COMMANDS | JUDGE_NEEDS_ARRIVALS);

    judge_saw_rule(j, close_is_forced(pdu) ? SIPC_RULE_CLS_2 : SIPC_RULE_CLS_1);
    if (pdu->seq_nr != 0) {
        judge_blame(j, s, JUDGE_CLOSE_SEQ_NR, "seq_nr 0 in a close PDU", found);
    }
    if (certain && s->created_ns != SIPC_NEVER &&
        (s->states_before_close & ~(unsigned)JUDGE_IN_OPENING) == 0 && s->close_asked &&
        s->states_before_close != 0) {
        judge_blame(j, s, JUDGE_CLOSE_SENT_IN_OPENING, "no close PDU of a session in opening",
                    found);
    }
    if (certain && s->created_ns != SIPC_NEVER && !s->close_asked && !j->shutting_down &&
        s->idle_timeout_ms == 0) {
        judge_blame(j, s, JUDGE_CLOSE_UNASKED, "no close: nobody asked for it", found);
    } else if (judge_certain(j, s) && judge_knows(j, JUDGE_NEEDS_STATES) && !s->close_asked &&
               !s->closed_by_peer && !s->nacked && pdu->abort_code != SIPC_ABORT_IDLE_TIMEOUT) {
        judge_blame(j, s, JUDGE_IDLE_CODE, "code 3: nobody asked for it", found);
    }
    if (judge_certain(j, s) && s->asked_code > SIPC_ABORT_FORCED) {
        judge_saw(j, JUDGE_CLOSE_CODE_SENT);
        if (pdu->abort_code != s->asked_code) {
            judge_blame(j, s, JUDGE_CLOSE_CODE_SENT,
                        judge_text(j, "code %ld, as it was asked for", (long)s->asked_code), found);
        }
    }
}

/* STM-3: closing is told, where it lasts. */
static void close_owe_closing(struct judge *j, struct judge_session *s)
{
    struct judge_due *due;

    if (!judge_certain(j, s) || s->told != JUDGE_IN_OPENED) {
        return;
    }
    due = judge_owe(j, s, JUDGE_DUE_STATE, JUDGE_CLOSING_NOT_TOLD);
    if (due != NULL) {
        due->states = JUDGE_IN_CLOSING | JUDGE_IN_AWAITING | JUDGE_IN_DISPOSED;
    }
    judge_saw(j, JUDGE_CLOSING_NOT_TOLD);
}

void judge_tx_close(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                    const struct judge_event *event)
{
    struct judge_own_window *window = &s->out.window;
    bool same = window->kind == JUDGE_OWN_CLOSE && window->id == pdu->window_id;

    s->quiet_ns = j->now_ns;
    judge_dues_drop_kind(j, s, JUDGE_DUE_CLOSE);
    if (s->out.close_sent && same && window->open && !close_is_forced(pdu)) {
        judge_tx_window(j, s, window, pdu, event);
        return;
    }
    if (s->out.close_sent) {
        const char *found =
            judge_text(j, "close %lld:%ld", (long long)pdu->window_id, (long)pdu->seq_nr);
        if (same && close_is_forced(pdu)) {
            judge_blame(j, s, JUDGE_FORCED_CLOSE_AGAIN, "a forced close to be sent once", found);
        } else if (!close_is_forced(pdu) && s->out.known) {
            judge_blame(j, s, JUDGE_SECOND_CLOSE, "no second close PDU", found);
        }
        return;
    }
    close_check(j, s, pdu);
    s->out.close_sent = true;
    struct sipc_pdu alone = *pdu;
    alone.seq_nr = 0;
    judge_window_begin(j, s, window, JUDGE_OWN_CLOSE, &alone, event);
    if (close_is_forced(pdu)) {
        window->timer_ns = SIPC_NEVER;
        window->forced = true;
        if (!window->aftermath_due) {
            judge_close_sent(j, s, window);
            return;
        }
    } else {
        close_owe_closing(j, s);
    }
    if (judge_knows(j, JUDGE_NEEDS_SYNC)) {
        judge_enter(j, s, JUDGE_STATE_CLOSING);
    } else {
        s->states |= JUDGE_IN_CLOSING | JUDGE_IN_AWAITING;
    }
}

/* ---- a close of its own ends ---- */

static void close_over(struct judge *j, struct judge_session *s)
{
    judge_saw_rule(j, SIPC_RULE_STM_5);
    if (judge_must(s, JUDGE_IN_CLOSING | JUDGE_IN_OPENED)) {
        close_owe_state(j, s, JUDGE_CLOSING_NOT_ENDED);
    }
    if (judge_knows(j, JUDGE_NEEDS_SYNC) && s->created_ns != SIPC_NEVER) {
        judge_enter(j, s, JUDGE_STATE_AWAITING_DISPOSAL);
    } else {
        s->states |= JUDGE_IN_AWAITING;
    }
}

void judge_close_acked(struct judge *j, struct judge_session *s,
                       const struct judge_own_window *window)
{
    if (window->kind == JUDGE_OWN_CLOSE && window->done) {
        judge_saw_rule(j, SIPC_RULE_CLS_1);
        if (window->forced) { /* of a forced one the aftermath alone is awaited (CLS-2) */
            s->states |= JUDGE_IN_AWAITING;
            return;
        }
        close_over(j, s);
    }
}

void judge_close_sent(struct judge *j, struct judge_session *s,
                      const struct judge_own_window *window)
{
    if (window->kind == JUDGE_OWN_CLOSE && (window->forced || window->network_failed)) {
        close_over(j, s);
    }
}

/* A gracious close may be over: it has spent its retries. */
static bool close_spent(const struct judge *j, const struct judge_own_window *window)
{
    uint64_t span = judge_ms(j->config.ack_timeout_ms);

    return j->config.max_retry_count < 0 || j->config.ack_timeout_ms <= 0 ||
           ((int64_t)window->retries >= j->config.max_retry_count &&
            window->timer_ns != SIPC_NEVER &&
            judge_after(j->now_ns, j->config.early_ns) >= judge_after(window->timer_ns, span));
}

void judge_close_told(struct judge *j, struct judge_session *s)
{
    struct judge_own_window *window = &s->out.window;
    const char *expected;

    if (window->kind != JUDGE_OWN_CLOSE || !window->open || window->done || window->failed ||
        !s->out.known || !judge_certain(j, s) || !judge_must(s, JUDGE_IN_CLOSING)) {
        return;
    }
    expected = judge_text(j, "the close to wait for a close_ack %lld:0", (long long)window->id);
    if (window->forced) {
        if (window->aftermath_due) {
            judge_blame(j, s, JUDGE_FORCED_CLOSE_CUT_SHORT,
                        "a forced close to wait for the aftermath of its PDU", "its end before");
        }
    } else if (close_spent(j, window)) {
        return;
    } else if (window->refused_count) {
        judge_blame(
            j, s, JUDGE_MOVED_BY_STRANGE_ACK, expected,
            judge_text(j, "its end by one with seq_nr %ld", (long)window->refused_next - 1));
    } else if (window->aftermath_due && window->retries == 0) {
        judge_blame(j, s, JUDGE_CLOSING_PASSED_BY, "closing until the close is done",
                    "the end before its PDU had left");
    } else {
        judge_blame(j, s, JUDGE_CLOSE_CUT_SHORT, expected,
                    judge_text(j, "its end after %u retries", window->retries));
    }
    judge_window_end(s, window, true);
}
