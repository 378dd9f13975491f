/* Acks that go out, held against what is owed: ACK-1 to ACK-3a, WID-7, OPN-2, OPN-3, GRP-1, GRP-3,
 * OPT-8, RCV-6, RCV-11; and reactions to what was to have none.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

static const char *ack_cause_text(struct judge *j)
{
    if (j->cause.detail == NULL) {
        return judge_text(j, "nothing to come of %s", j->cause.what);
    }
    return judge_text(j, "nothing to come of %s (%s)", j->cause.what, j->cause.detail);
}

bool judge_blame_cause(struct judge *j, const struct judge_session *s, const char *found)
{
    if (j->cause.check == JUDGE_CHECK_COUNT ||
        (j->cause.session != s && s != NULL && !j->cause.any)) {
        return false;
    }
    judge_blame(j, s, j->cause.check, ack_cause_text(j), found);
    return true;
}

static const char *ack_text(struct judge *j, const struct sipc_pdu *pdu)
{
    const char *name = sipc_opcode_name(pdu->opcode);

    if (pdu->error_code != 0) {
        return judge_text(j, "%s %lld:%ld with error %ld", name, (long long)pdu->window_id,
                          (long)pdu->seq_nr, (long)pdu->error_code);
    }
    return judge_text(j, "%s %lld:%ld%s", name, (long long)pdu->window_id, (long)pdu->seq_nr,
                      pdu->flags & SIPC_OPT_IS_WINDOW_FULL ? " with is_window_full" : "");
}

static unsigned ack_error(int32_t code)
{
    switch (code) {
    case SIPC_ERROR_GROUP_OVERFLOW:
        return JUDGE_E250;
    case SIPC_ERROR_OPTION_DECODING:
        return JUDGE_E251;
    case SIPC_ERROR_TWO_WAY_WHILE_OPENING:
        return JUDGE_E252;
    case SIPC_ERROR_SINGLE_WINDOW_GROUP:
        return JUDGE_E253;
    case SIPC_ERROR_NO_BEGINNING:
        return JUDGE_E254;
    default:
        return 0;
    }
}

static enum judge_check ack_error_check(const struct judge_session *s, int32_t code)
{
    switch (code) {
    case SIPC_ERROR_GROUP_OVERFLOW:
        return JUDGE_GROUP_REFUSED;
    case SIPC_ERROR_TWO_WAY_WHILE_OPENING:
        return s->sends_ended && judge_may(s, JUDGE_IN_OPENING) ? JUDGE_STILL_REFUSED
                                                                : JUDGE_REFUSED_UNASKED;
    case SIPC_ERROR_SINGLE_WINDOW_GROUP:
        return JUDGE_SINGLE_REFUSED;
    default:
        return JUDGE_ERROR_WITHOUT_CAUSE;
    }
}

/* ---- an ack with an error ---- */

/* The endpoint gave up the window and group with this error. */
static void ack_take_error(struct judge *j, struct judge_session *s, const struct judge_due *due,
                           unsigned error, struct sipc_span bytes)
{
    struct judge_inbound *in = &s->in;

    if (error == JUDGE_E252) {
        if (!(due->must_fail & JUDGE_E252)) {
            judge_forget_inbound(j, s); /* it was not applied after all, and opened nothing */
            s->states |= JUDGE_IN_OPENING;
        }
        return;
    }
    in->refused = in->receiving;
    in->receiving = false;
    judge_window_clear(j, s);
    if (error == JUDGE_E250 && in->group.windows > 0) {
        judge_group_overflow(j, in);
    } else if (error != JUDGE_E250 || !in->old_overflowed) {
        judge_group_clear(j, &in->group);
        judge_group_clear(j, &in->old_group);
    }
    if (due->must_fail == 0 && due->full) {
        for (size_t i = s->due_count; i > 0; i--) {
            if (s->dues[i - 1].kind == JUDGE_DUE_DELIVER && s->dues[i - 1].event == due->event) {
                judge_due_drop(j, s, i - 1);
                s->states |= JUDGE_IN_OPENING;
            }
        }
    }
    in->min_processed = true;
    in->last.id = due->window_id;
    in->last.opcode = SIPC_DATA;
    in->last.answered = true;
    judge_bytes_clear(j, &in->last.ack);
    in->last.answered = judge_bytes_add(j, &in->last.ack, bytes);
}

static void ack_judge_error(struct judge *j, struct judge_session *s, const struct judge_due *due,
                            const struct sipc_pdu *pdu, struct sipc_span bytes)
{
    unsigned error = ack_error(pdu->error_code);

    if (due->doubtful) {
        judge_forget_inbound(j, s);
        return;
    }
    if (error == 0 || !((due->must_fail | due->may_fail) & error)) {
        judge_blame(j, s, ack_error_check(s, pdu->error_code),
                    judge_text(j, "data_ack %lld:%ld without an error", (long long)due->window_id,
                               (long)due->run),
                    ack_text(j, pdu));
        judge_forget_inbound(j, s);
        return;
    }
    judge_saw_rule(j, SIPC_RULE_ACK_3);
    judge_saw_rule(j, SIPC_RULE_ERR_2);
    judge_saw_rule(j, SIPC_RULE_ACK_3a);
    if (error == JUDGE_E250) {
        judge_saw_rule(j, SIPC_RULE_GRP_1);
    } else if (error == JUDGE_E253) {
        judge_saw_rule(j, SIPC_RULE_OPN_3);
    } else if (error == JUDGE_E254) {
        judge_saw_rule(j, SIPC_RULE_RCV_11);
    } else if (error == JUDGE_E252) {
        judge_saw_rule(j, SIPC_RULE_OPN_2);
        judge_saw_rule(j, SIPC_RULE_OPN_2a);
    }
    if (pdu->seq_nr != due->run && pdu->seq_nr != due->seq_nr && !due->doubtful) {
        judge_blame(j, s, JUDGE_ERROR_SEQ_NR,
                    judge_text(j, "the error for seq_nr %ld", (long)due->seq_nr), ack_text(j, pdu));
    }
    if (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) {
        judge_blame(j, s, JUDGE_ERROR_AND_FULL, "no is_window_full beside an error",
                    ack_text(j, pdu));
    }
    ack_take_error(j, s, due, error, bytes);
}

/* ---- an ack without ---- */

bool judge_blame_taken(struct judge *j, struct judge_session *s, const struct judge_due *due,
                       const char *found)
{
    static const struct {
        unsigned error;
        int code;
        enum judge_check check;
    } errors[] = {{JUDGE_E252, 252, JUDGE_NOT_REFUSED},
                  {JUDGE_E250, 250, JUDGE_OVERFLOW_TAKEN},
                  {JUDGE_E251, 251, JUDGE_UNDECODABLE_TAKEN},
                  {JUDGE_E253, 253, JUDGE_SINGLE_TAKEN},
                  {JUDGE_E254, 254, JUDGE_TAIL_TAKEN}};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (due->must_fail & errors[i].error) {
            judge_blame(j, s, errors[i].check,
                        judge_text(j, "data_ack %lld:%ld with error %d", (long long)due->window_id,
                                   (long)due->run, errors[i].code),
                        found);
            judge_forget_inbound(j, s);
            return true;
        }
    }
    return false;
}

bool judge_blame_refusal(struct judge *j, struct judge_session *s, unsigned errors,
                         const char *found)
{
    for (size_t i = 0; i < s->due_count; i++) {
        const struct judge_due due = s->dues[i];
        if (due.kind == JUDGE_DUE_ACK && (due.must_fail & errors) && !due.doubtful) {
            return judge_blame_taken(j, s, &due, found);
        }
    }
    return false;
}

/* The number; true: it was wrong. */
static bool ack_judge_seq_nr(struct judge *j, struct judge_session *s, const struct judge_due *due,
                             const struct sipc_pdu *pdu)
{
    bool full = (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) != 0;
    bool kept = due->ghost_run > due->run && pdu->seq_nr == due->ghost_run;

    judge_saw_rule(j, SIPC_RULE_ACK_1);
    judge_saw_rule(j, SIPC_RULE_ACK_1a);
    if (pdu->seq_nr == due->run) {
        return false;
    }
    const char *expected = judge_text(j, "data_ack %lld:%ld, the end of what is held in a row",
                                      (long long)due->window_id, (long)due->run);
    if (pdu->seq_nr < due->run && !due->full && !full) {
        judge_blame(j, s, JUDGE_ACK_BELOW_RUN, expected, ack_text(j, pdu));
        return false;
    }
    judge_blame(j, s, kept ? due->ghost : JUDGE_ACK_SEQ_NR, expected, ack_text(j, pdu));
    return true;
}

static void ack_judge_size(struct judge *j, struct judge_session *s, const struct judge_due *due,
                           const struct sipc_pdu *pdu)
{
    bool there = (pdu->present & SIPC_OPT_MAX_WINDOW_SIZE) != 0;

    judge_saw_rule(j, SIPC_RULE_ACK_2);
    judge_saw_rule(j, SIPC_RULE_ACK_2a);
    if (!there) {
        judge_blame(j, s, due->sized ? JUDGE_ACK_NO_SIZE : JUDGE_ACK_NO_SIZE_EITHER,
                    "max_window_size beside is_window_full", "none");
    } else if (j->config.max_window_size >= 0 &&
               pdu->max_window_size != j->config.max_window_size) {
        judge_blame(j, s, JUDGE_ACK_WRONG_SIZE,
                    judge_text(j, "max_window_size %lld", (long long)j->config.max_window_size),
                    judge_text(j, "%ld", (long)pdu->max_window_size));
    }
}

static void ack_judge_plain(struct judge *j, struct judge_session *s, const struct judge_due *due,
                            const struct sipc_pdu *pdu, struct sipc_span bytes)
{
    bool full = (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) != 0;

    if (due->doubtful || (j->config.max_window_size < 0 && full != due->full)) {
        judge_forget_inbound(j, s);
        return;
    }
    if (due->must_fail != 0 && judge_blame_taken(j, s, due, ack_text(j, pdu))) {
        return;
    }
    if (due->run < 0 || ack_judge_seq_nr(j, s, due, pdu)) {
        judge_forget_inbound(j, s);
        return;
    }
    if (full != due->full) {
        judge_blame(j, s, full ? JUDGE_ACK_FULL_EARLY : JUDGE_ACK_NOT_FULL,
                    full ? "no is_window_full: the window is not" : "is_window_full",
                    ack_text(j, pdu));
        judge_forget_inbound(j, s);
        return;
    }
    if (full) {
        ack_judge_size(j, s, due, pdu);
        if (s->in.last.id == due->window_id && !s->in.last.answered) {
            judge_bytes_clear(j, &s->in.last.ack);
            s->in.last.answered = judge_bytes_add(j, &s->in.last.ack, bytes);
        }
    }
}

static void ack_judge_repeat(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                             struct sipc_span bytes)
{
    const struct judge_bytes *ack = &s->in.last.ack;

    if (!s->in.last.answered || s->in.last.id != pdu->window_id) {
        return;
    }
    judge_saw(j, JUDGE_REPEAT_DIFFERS);
    if (ack->size != bytes.size || memcmp(ack->data, bytes.data, bytes.size) != 0) {
        judge_blame(j, s, JUDGE_REPEAT_DIFFERS, "exactly the ack that the window got before",
                    judge_text(j, "%s, other bytes", ack_text(j, pdu)));
    }
}

/* ---- acks ---- */

/* Whether another ack is owed for the window, behind that one. */
static bool ack_later(const struct judge_session *s, size_t i, int64_t window_id)
{
    for (i++; i < s->due_count; i++) {
        if (s->dues[i].kind == JUDGE_DUE_ACK && s->dues[i].window_id == window_id) {
            return true;
        }
    }
    return false;
}

static bool ack_pay(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                    enum judge_due_kind kind, struct judge_due *due)
{
    for (size_t i = 0; i < s->due_count; i++) {
        if (s->dues[i].kind == kind && s->dues[i].window_id == pdu->window_id) {
            if (s->dues[i].optional && s->dues[i].run < 0 &&
                (!(s->dues[i].may_fail & ack_error(pdu->error_code)) ||
                 s->dues[i].seq_nr != pdu->seq_nr) &&
                ack_later(s, i, pdu->window_id)) {
                continue; /* only an error may come of that one: this is the next one's */
            }
            *due = s->dues[i];
            s->dues[i].data = s->dues[i].options = (struct judge_bytes){0};
            judge_due_drop(j, s, i);
            return true;
        }
    }
    return false;
}

/* Another session is owed an answer to what came in last, for that window. */
static bool ack_of_another(const struct judge *j, const struct judge_session *s, int64_t window_id)
{
    for (size_t i = 0; i < j->session_count; i++) {
        const struct judge_session *other = j->sessions[i];
        for (size_t k = other->due_count; other != s && k > 0; k--) {
            const struct judge_due *due = &other->dues[k - 1];
            if (due->kind == JUDGE_DUE_ACK && due->event == j->rx_event &&
                due->window_id == window_id) {
                return true;
            }
        }
    }
    return false;
}

static void ack_unasked(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    if (!s->in.known) {
        if (j->cause.check == JUDGE_REACTS_WID_2a) {
            judge_blame_cause(j, s, ack_text(j, pdu)); /* what came of it is not followed */
        }
        return;
    }
    if (pdu->error_code != 0 && j->cause.check != JUDGE_CHECK_COUNT && j->cause.session == s) {
        judge_blame(j, s, JUDGE_INVALID_ANSWERED, ack_cause_text(j), ack_text(j, pdu));
    } else if (ack_of_another(j, s, pdu->window_id)) {
        judge_blame(j, s, JUDGE_ANSWERED_FOR_ANOTHER,
                    "the answer in the session that the PDU is of, another one", ack_text(j, pdu));
    } else if (!judge_blame_cause(j, s, ack_text(j, pdu))) {
        judge_blame(j, s, JUDGE_ACK_UNASKED, "no ack: nothing was to be answered",
                    ack_text(j, pdu));
    }
    judge_forget_inbound(j, s);
}

void judge_tx_ack(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                  struct sipc_span bytes)
{
    struct judge_due due;

    if (!ack_pay(j, s, pdu, JUDGE_DUE_ACK, &due)) {
        ack_unasked(j, s, pdu);
    } else if (due.repeat) {
        ack_judge_repeat(j, s, pdu, bytes);
    } else if (pdu->error_code != 0) {
        ack_judge_error(j, s, &due, pdu, bytes);
    } else {
        ack_judge_plain(j, s, &due, pdu, bytes);
    }
}

void judge_tx_close_ack(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                        struct sipc_span bytes)
{
    struct judge_due due;

    if (!ack_pay(j, s, pdu, JUDGE_DUE_CLOSE_ACK, &due)) {
        ack_unasked(j, s, pdu);
        return;
    }
    if (due.repeat) {
        ack_judge_repeat(j, s, pdu, bytes);
        return;
    }
    judge_saw_rule(j, SIPC_RULE_CLS_1a);
    if (!(pdu->flags & SIPC_OPT_IS_WINDOW_FULL)) {
        judge_blame(j, s, JUDGE_CLOSE_ACK_NOT_FULL, "close_ack with is_window_full",
                    ack_text(j, pdu));
    }
    if (pdu->error_code != 0 || pdu->seq_nr != 0) {
        judge_blame(j, s, JUDGE_CLOSE_UNANSWERED,
                    judge_text(j, "close_ack %lld:0 without an error", (long long)due.window_id),
                    ack_text(j, pdu));
    }
    judge_bytes_clear(j, &s->in.last.ack);
    s->in.last.answered = judge_bytes_add(j, &s->in.last.ack, bytes);
}
