/* Which session a PDU is for, and whether there is one: END-1 to END-3, END-5.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

static size_t endpoint_sessions(const struct judge *j)
{
    size_t count = 0;

    for (size_t i = 0; i < j->session_count; i++) {
        const struct judge_session *s = j->sessions[i];
        bool never = s->ended_ns == SIPC_NEVER && s->disposed_ns == SIPC_NEVER;
        count += s->states != JUDGE_IN_DISPOSED || !never;
    }
    return count;
}

/* As many as may be held, lingering ones counted: from now on nobody knows who is (END-5). */
static void endpoint_flooded(struct judge *j)
{
    j->flooded = true;
    for (size_t i = 0; i < j->session_count; i++) {
        if (judge_may(j->sessions[i], JUDGE_IN_OPENING)) {
            judge_forget(j, j->sessions[i]);
        }
    }
    judge_saw_rule(j, SIPC_RULE_END_5);
}

/* END-5: where there is no room for `s`, one of the others may be forgotten. */
static bool endpoint_finds_room(const struct judge *j, const struct judge_session *s)
{
    bool found = false;

    for (size_t i = 0; i < j->session_count && !j->flooded; i++) {
        const struct judge_session *other = j->sessions[i];
        found |= other != s && judge_must(other, JUDGE_IN_OPENING) && !other->local &&
                 other->operation_count == 0 && !other->operations_lost;
    }
    return found && !j->shutting_down && j->config.accept == 1 && judge_certain(j, s);
}

/* A data PDU for a session that is not held. */
static void endpoint_make(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                          const struct judge_event *event)
{
    bool seq = j->config.max_window_size >= 0 && pdu->seq_nr >= j->config.max_window_size;
    bool id = pdu->window_id > j->config.window_id_step;

    judge_saw_rule(j, SIPC_RULE_END_2);
    if (j->shutting_down && s == NULL && !j->flooded) {
        judge_saw(j, JUDGE_REACTS_END_4);
        judge_cause_set(j, JUDGE_REACTS_END_4, NULL, "a data PDU for a new session", false);
        return;
    }
    if (j->config.accept == 0) {
        judge_cause_set(j, JUDGE_REACTS_END_2, s, "a data PDU while none is accepted", false);
        return;
    }
    if (id || seq) {
        judge_saw_rule(j, SIPC_RULE_END_2a);
        judge_saw(j, id ? JUDGE_REACTS_WID_1 : JUDGE_REACTS_SEQ_1);
        judge_cause_set(j, id ? JUDGE_REACTS_WID_1 : JUDGE_REACTS_SEQ_1, s,
                        "a data PDU that is no first one", true);
        return;
    }
    if (s == NULL) {
        s = judge_session_add(j, pdu->session_id, event->peer);
    }
    if (s == NULL) {
        return;
    }
    judge_session_begin(j, s, false);
    bool finds_room = endpoint_finds_room(j, s);
    if (j->config.max_sessions < 0 || (int64_t)endpoint_sessions(j) > j->config.max_sessions) {
        endpoint_flooded(j);
    }
    if (j->flooded || j->shutting_down || j->config.accept < 0 ||
        !judge_knows(j, JUDGE_NEEDS_ARRIVALS)) {
        judge_forget(j, s);
    }
    judge_rx_data(j, s, pdu, event->peer, event->pdu.size);
    if (j->flooded && finds_room) {
        struct judge_due *due = judge_owe(j, s, JUDGE_DUE_STATE, JUDGE_NOT_EVICTED);
        if (due != NULL) {
            due->states = JUDGE_IN_ANY;
        }
        judge_saw(j, JUDGE_NOT_EVICTED);
    }
}

void judge_rx_unknown(struct judge *j, const struct sipc_pdu *pdu, const struct judge_event *event)
{
    struct judge_session *s = judge_session_find(j, pdu->session_id, event->peer);

    if (pdu->opcode == SIPC_DATA) {
        if (s != NULL) {
            s->last_peer = event->peer; /* END-1a: of the new one, if it makes one */
        }
        endpoint_make(j, s, pdu, event);
        return;
    }
    if (pdu->opcode != SIPC_ENQUIRE_LINK) {
        judge_saw(j, JUDGE_REACTS_END_2);
        judge_cause_set(j, JUDGE_REACTS_END_2, s, "no data PDU, for no session", false);
        return;
    }
    if (s == NULL) {
        s = judge_session_add(j, pdu->session_id, event->peer);
        if (s != NULL && !j->flooded && judge_knows(j, JUDGE_NEEDS_ARRIVALS)) {
            s->states = JUDGE_IN_DISPOSED;
        }
    }
    if (s != NULL) {
        judge_rx_link(j, s, pdu);
    }
}

void judge_tx_unknown(struct judge *j, const struct sipc_pdu *pdu, const struct judge_event *event)
{
    const char *found = judge_text(j, "%s to another", sipc_opcode_name(pdu->opcode));

    (void)event;
    for (size_t i = 0; i < j->session_count; i++) {
        const struct judge_session *s = j->sessions[i];
        if (memcmp(s->id, pdu->session_id, SIPC_SESSION_ID_SIZE) == 0) {
            judge_blame(j, s, JUDGE_WRONG_PEER, "a session's PDUs to its peer", found);
            return;
        }
    }
    if (j->flooded || judge_blame_cause(j, NULL, found) || j->shutting_down) {
        return;
    }
    if (judge_knows(j, JUDGE_NEEDS_COMMANDS | JUDGE_NEEDS_ARRIVALS)) {
        judge_blame(j, NULL, JUDGE_NO_SESSION, "no PDUs of a session that was never made",
                    judge_text(j, "%s %lld:%ld", sipc_opcode_name(pdu->opcode),
                               (long long)pdu->window_id, (long)pdu->seq_nr));
    }
}

/* What time did to a session that had ended: it may be gone (END-3). true: a PDU for it is one for
 * no session. */
bool judge_endpoint_gone(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    uint64_t ended = s->ended_ns < s->disposed_ns ? s->ended_ns : s->disposed_ns;
    uint64_t over = judge_after(ended, judge_ms(j->config.linger_ms));

    if (s->ended_ns != SIPC_NEVER && s->disposed_ns == SIPC_NEVER &&
        (j->config.linger_ms < 0 || judge_after(j->now_ns, j->config.late_ns) >= over)) {
        s->states |= JUDGE_IN_DISPOSED;
    }
    if (!judge_must(s, JUDGE_IN_DISPOSED)) {
        return false;
    }
    if (ended == SIPC_NEVER || pdu->opcode != SIPC_DATA) {
        return true;
    }
    if (j->flooded) { /* what is evicted leaves no linger (END-5) */
        judge_forget(j, s);
        return false;
    }
    judge_saw(j, JUDGE_REACTS_END_3);
    if (j->config.linger_ms >= 0 && j->now_ns < over) {
        judge_cause_set(j, JUDGE_REACTS_END_3, s, "a late copy for a session gone", false);
        s->lingering = true;
        return false;
    }
    return true;
}

void judge_shutdown_told(struct judge *j, struct judge_session *s, const struct judge_event *event)
{
    bool living = s->told < JUDGE_IN_AWAITING;

    if (!s->held) {
        return;
    }
    s->held = false;
    if (!living || j->shutdown_ns == SIPC_NEVER) {
        return;
    }
    judge_saw(j, JUDGE_SHUTDOWN_EARLY);
    if (judge_after(j->now_ns, j->config.early_ns) < j->shutdown_ns) {
        judge_blame(j, s, JUDGE_SHUTDOWN_EARLY,
                    "the session to go on within the grace of the shutdown", "state disposed");
    } else if (event->has_code && event->code != SIPC_LOCAL_SHUTDOWN) {
        judge_blame(j, s, JUDGE_SHUTDOWN_CODE, "what a shutdown ends to end with -2",
                    judge_text(j, "%ld", (long)event->code));
    }
}

void judge_shutdown_expire(struct judge *j, struct judge_session *s)
{
    uint64_t at_ns =
        judge_after(j->shutdown_ns, judge_after(j->config.answer_ns, j->config.late_ns));

    if (!s->held || j->shutdown_ns == SIPC_NEVER) {
        return;
    }
    if (at_ns >= j->now_ns) {
        judge_wake(j, at_ns);
        return;
    }
    s->held = false;
    judge_blame(j, s, JUDGE_SHUTDOWN_MISSED,
                "all sessions to be ended with the grace of the shutdown", "nothing");
}
