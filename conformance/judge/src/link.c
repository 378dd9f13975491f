/* Enquire links, both ways: LNK-1 to LNK-4, ERR-3, OPN-1.
 * SPDX-License-Identifier: MIT */
#include "internal.h"

/* ---- what comes in ---- */

static void link_enquired(struct judge *j, struct judge_session *s)
{
    struct judge_due *due;

    if (judge_must(s, JUDGE_IN_OPENING)) {
        judge_cause_set(j, JUDGE_REACTS_OPN_1, s, "an enquire_link in opening", false);
        judge_saw(j, JUDGE_REACTS_OPN_1);
        return;
    }
    if (judge_must(s, JUDGE_IN_CLOSING | JUDGE_IN_AWAITING)) {
        judge_cause_set(j, JUDGE_REACTS_LNK_3, s, "an enquire_link from closing on", false);
        judge_saw(j, JUDGE_REACTS_LNK_3);
        return;
    }
    if (judge_must(s, JUDGE_IN_DISPOSED)) {
        judge_owe(j, s, JUDGE_DUE_NACK, JUDGE_NO_NACK);
        judge_saw(j, JUDGE_NO_NACK);
        return;
    }
    due = judge_owe(j, s, JUDGE_DUE_LINK_ACK, JUDGE_LINK_UNANSWERED);
    if (due != NULL) {
        due->optional = !judge_must(s, JUDGE_IN_OPENED);
    }
    judge_saw(j, JUDGE_LINK_UNANSWERED);
}

static void link_answered(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    bool nack = pdu->error_code == SIPC_ERROR_SESSION_ENDED;

    if (!nack) {
        judge_saw_rule(j, SIPC_RULE_ERR_3);
        if (pdu->error_code != 0) {
            judge_cause_set(j, JUDGE_REACTS_ERR_3, s,
                            "an enquire_link_ack with another code than 150", false);
        }
        if (!judge_must(s, JUDGE_IN_OPENING)) {
            s->out.peer_spoke = true;
        }
        return;
    }
    if (judge_must(s, JUDGE_IN_OPENING)) {
        judge_cause_set(j, JUDGE_REACTS_OPN_1, s, "a nack in opening", false);
        judge_saw(j, JUDGE_REACTS_OPN_1);
        return;
    }
    judge_saw_rule(j, SIPC_RULE_LNK_4);
    s->nacked = true;
    judge_dues_drop_kind(j, s, JUDGE_DUE_CLOSE);
    judge_forget_inbound(j, s);
    if (!s->out.peer_spoke && judge_must(s, JUDGE_IN_OPENED) && judge_certain(j, s)) {
        judge_cause_set(j, JUDGE_NACK_BELIEVED, s, "a nack before the peer said anything", false);
    }
    if (!s->out.peer_heard || !judge_must(s, JUDGE_IN_OPENED | JUDGE_IN_CLOSING)) {
        s->states |= JUDGE_IN_AWAITING;
        judge_forget_outbound(j, s);
        return;
    }
    judge_saw_rule(j, SIPC_RULE_ERR_3);
    if (judge_knows(j, JUDGE_NEEDS_STATES)) {
        bool closing = judge_must(s, JUDGE_IN_CLOSING);
        struct judge_due *due = judge_owe(j, s, JUDGE_DUE_STATE,
                                          closing ? JUDGE_CLOSING_NOT_ENDED : JUDGE_NACK_NOT_TAKEN);
        if (due != NULL) {
            due->states = JUDGE_IN_AWAITING | JUDGE_IN_DISPOSED;
        }
        judge_saw(j, closing ? JUDGE_CLOSING_NOT_ENDED : JUDGE_NACK_NOT_TAKEN);
    }
    judge_window_end(s, &s->out.window, true);
    judge_window_end(s, &s->out.resync, true);
    judge_enter(j, s, JUDGE_STATE_AWAITING_DISPOSAL);
}

void judge_rx_link(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    s->linked_ns = j->now_ns;
    if (pdu->opcode == SIPC_ENQUIRE_LINK) {
        link_enquired(j, s);
    } else {
        link_answered(j, s, pdu);
    }
}

/* ---- what goes out ---- */

static void link_check_enquire(struct judge *j, struct judge_session *s)
{
    int64_t interval = j->config.enquire_link_interval_ms;

    judge_saw(j, JUDGE_LINK_TOO_OFTEN);
    if (judge_must(s, JUDGE_IN_OPENING | JUDGE_IN_CLOSING | JUDGE_IN_AWAITING)) {
        judge_blame(j, s, JUDGE_LINK_NOT_OPENED, "enquire links in opened only",
                    judge_text(j, "one in %s",
                               judge_must(s, JUDGE_IN_OPENING) ? "opening" : "closing or later"));
    }
    if (interval == 0) {
        judge_blame(j, s, JUDGE_LINK_TOO_OFTEN, "no enquire links: the interval is 0", "one");
    } else if (interval > 0 && s->link_sent_ns != SIPC_NEVER &&
               judge_after(j->now_ns, j->config.early_ns) <
                   judge_after(s->link_sent_ns, judge_ms(interval))) {
        judge_blame(
            j, s, JUDGE_LINK_TOO_OFTEN,
            judge_text(j, "at most one enquire_link in %lld ms", (long long)interval),
            judge_text(j, "one after %llu ms",
                       (unsigned long long)((j->now_ns - s->link_sent_ns) / SIPC_NS_PER_MS)));
    }
    judge_saw_rule(j, SIPC_RULE_LNK_4);
    if (!s->out.peer_spoke && s->created_ns != SIPC_NEVER) {
        judge_blame(j, s, JUDGE_LINK_TOO_SOON,
                    "no enquire_link before the peer acked or sent something", "one");
    }
    s->link_sent_ns = j->now_ns;
}

static bool link_pay(struct judge *j, struct judge_session *s, enum judge_due_kind kind)
{
    size_t found = s->due_count;

    for (size_t i = 0; i < s->due_count; i++) { /* one that must be paid, if there is one */
        if (s->dues[i].kind == kind && (found == s->due_count || !s->dues[i].optional)) {
            found = i;
            if (!s->dues[i].optional) {
                break;
            }
        }
    }
    if (found == s->due_count) {
        return false;
    }
    judge_due_drop(j, s, found);
    return true;
}

static void link_check_ack(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    bool nack = pdu->error_code == SIPC_ERROR_SESSION_ENDED;

    judge_saw_rule(j, SIPC_RULE_LNK_1a);
    if (pdu->window_id != 0 || pdu->seq_nr != 0) {
        judge_blame(j, s, JUDGE_LINK_ACK_NUMBERS, "enquire_link_ack 0:0",
                    judge_text(j, "%lld:%ld", (long long)pdu->window_id, (long)pdu->seq_nr));
    }
    if (link_pay(j, s, JUDGE_DUE_NACK)) {
        if (!nack) {
            judge_blame(j, s, JUDGE_NOT_A_NACK, "an enquire_link_ack with error 150",
                        "one without: the session is not held");
        }
        return;
    }
    if (link_pay(j, s, JUDGE_DUE_LINK_ACK)) {
        if (nack && judge_must(s, JUDGE_IN_OPENED)) {
            judge_blame(j, s, JUDGE_LINK_NACKED, "an enquire_link_ack without error",
                        "one with error 150");
        }
        return;
    }
    if (!judge_must(s, JUDGE_IN_ANY & ~(unsigned)JUDGE_IN_DISPOSED)) {
        return;
    }
    if (!judge_blame_cause(j, s, "an enquire_link_ack")) {
        judge_blame(j, s, JUDGE_LINK_ACK_UNASKED, "no enquire_link_ack: none was asked for", "one");
    }
}

void judge_tx_link(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    s->linked_ns = j->now_ns;
    if (pdu->opcode == SIPC_ENQUIRE_LINK) {
        link_check_enquire(j, s);
    } else {
        link_check_ack(j, s, pdu);
    }
}

/* LNK-2: no silence longer than an interval. */
void judge_link_expire(struct judge *j, struct judge_session *s)
{
    uint64_t interval = judge_ms(j->config.enquire_link_interval_ms);
    uint64_t since =
        s->activity_ns > s->opened_ns || s->opened_ns == SIPC_NEVER ? s->activity_ns : s->opened_ns;
    uint64_t at_ns = judge_after(judge_after(since, interval), j->config.late_ns);

    if (j->config.enquire_link_interval_ms <= 0 || !judge_must(s, JUDGE_IN_OPENED) ||
        !s->out.peer_heard || j->shutting_down) {
        return;
    }
    judge_saw(j, JUDGE_LINK_MISSING);
    if (at_ns >= j->now_ns) {
        judge_wake(j, at_ns);
        return;
    }
    judge_blame(j, s, JUDGE_LINK_MISSING,
                judge_text(j, "an enquire_link within %lld ms of silence",
                           (long long)j->config.enquire_link_interval_ms),
                "nothing");
    s->activity_ns = j->now_ns;
}
