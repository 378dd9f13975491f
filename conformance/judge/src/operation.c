/* What the application commands and how it ends: SND-1a, SND-11, RTY-3, PRT-2, CLS-2, CLS-3.
 * A refusal comes before anything else goes in; a command not refused by then was taken.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

struct judge_operation *judge_sending(struct judge_session *s)
{
    for (size_t i = 0; i < s->operation_count; i++) {
        if (s->operations[i].kind == JUDGE_SEND) {
            return &s->operations[i];
        }
    }
    return NULL;
}

const struct judge_operation *judge_resync_asker(struct judge_session *s)
{
    const struct judge_operation *asker = judge_sending(s);

    for (size_t i = 0; asker == NULL && i < s->operation_count; i++) {
        if (s->operations[i].kind == JUDGE_CLOSE) {
            asker = &s->operations[i];
        }
    }
    return asker;
}

bool judge_operation_find(struct judge_session *s, uint64_t number, size_t *at)
{
    for (size_t i = 0; i < s->operation_count; i++) {
        if (s->operations[i].number == number) {
            *at = i;
            return true;
        }
    }
    return false;
}

void judge_operation_remove(struct judge_session *s, size_t at)
{
    s->operation_count--;
    memmove(&s->operations[at], &s->operations[at + 1],
            (s->operation_count - at) * sizeof s->operations[0]);
}

/* ---- commands ---- */

static void operation_preset(struct judge *j, struct judge_session *s,
                             const struct judge_event *event)
{
    s->in.min = event->min_id;
    s->in.min_processed = event->processed;
    s->out.highest = event->next_id - 1;
    s->out.acked = event->acked_id;
    if (event->next_id == 0 && event->acked_id == j->config.window_id_max) {
        s->out.highest = event->acked_id;
    }
    if (event->acked_id >= 0) {
        s->out.ids[0] = event->acked_id;
        s->out.id_count = s->out.acked_at = 1;
    }
    s->out.used_before = event->next_id;
}

static void operation_dispose(struct judge *j, struct judge_session *s)
{
    while (s->due_count > 0) {
        judge_due_drop(j, s, s->due_count - 1);
    }
    judge_window_end(s, &s->out.window, true);
    judge_window_end(s, &s->out.resync, true);
    s->out.unreliable.open = false;
    judge_forget_inbound(j, s);
    s->held = false;
    judge_enter(j, s, JUDGE_STATE_DISPOSED);
}

static void operation_close(struct judge *j, struct judge_session *s,
                            const struct judge_event *event)
{
    s->states_before_close = s->states;
    s->asked_before_close = s->close_asked;
    if (judge_must(s, JUDGE_IN_OPENED) && !s->close_asked && judge_certain(j, s)) {
        s->asked_code = event->code;
        s->asked_event = j->event;
        if (event->code == SIPC_ABORT_FORCED) {
            judge_owe(j, s, JUDGE_DUE_CLOSE, JUDGE_FORCED_CLOSE_UNSENT);
        }
    }
    s->close_asked = true;
    if (judge_must(s, JUDGE_IN_OPENING)) {
        struct judge_due *due = judge_owe(j, s, JUDGE_DUE_STATE, JUDGE_CLOSE_IN_OPENING_IGNORED);
        if (due != NULL) {
            due->states = JUDGE_IN_AWAITING | JUDGE_IN_DISPOSED;
        }
        judge_saw(j, JUDGE_CLOSE_IN_OPENING_IGNORED);
        judge_saw(j, JUDGE_CLOSE_SENT_IN_OPENING);
    }
    if (judge_may(s, JUDGE_IN_OPENING)) {
        s->states |= JUDGE_IN_AWAITING;
    }
    if (judge_may(s, JUDGE_IN_OPENED)) {
        s->states |= JUDGE_IN_CLOSING | (event->code != 1 ? JUDGE_IN_AWAITING : 0);
        judge_saw_rule(j, SIPC_RULE_STM_3);
    }
    if (judge_must(s, JUDGE_IN_CLOSING | JUDGE_IN_AWAITING)) {
        judge_saw_rule(j, SIPC_RULE_CLS_5);
    }
}

/* An application may set the option itself. */
static bool operation_skips(const struct judge_event *event)
{
    bool skip = event->skip;

    for (size_t i = 0; i < event->attribute_count; i++) {
        const struct judge_attribute *attribute = &event->attributes[i];
        if (sipc_option_find(attribute->name) == SIPC_OPT_SKIP) {
            sipc_option_parse_bool(attribute->value, &skip);
        }
    }
    return skip;
}

/* Names that SND-4 has refused: an endpoint may also drop them, as the original does. */
static bool operation_names_allowed(const struct judge_event *event)
{
    for (size_t i = 0; i < event->attribute_count; i++) {
        const struct sipc_span name = event->attributes[i].name;
        if (sipc_option_find(name) == SIPC_OPT_LONG_ATTRIBUTE ||
            (name.size > 0 && memchr(name.data, 0, name.size) != NULL)) {
            return false;
        }
    }
    return true;
}

static uint64_t operation_attributes(const struct judge_event *event)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < event->attribute_count; i++) {
        const struct judge_attribute *attribute = &event->attributes[i];
        if (!(sipc_option_find(attribute->name) & SIPC_OPT_FRAMING)) {
            sum += judge_hash_attribute(attribute->name, attribute->value);
        }
    }
    return sum;
}

static void operation_begin(struct judge *j, struct judge_session *s,
                            const struct judge_event *event)
{
    bool second = event->kind == JUDGE_SEND && judge_sending(s) != NULL;

    if (s->operation_count == JUDGE_OPERATIONS_MAX) {
        judge_forget(j, s);
        return;
    }
    struct judge_operation operation = {.kind = event->kind,
                                        .number = event->operation,
                                        .size = event->size,
                                        .begun_ns = j->now_ns,
                                        .event = j->event,
                                        .skip = operation_skips(event),
                                        .attributes = operation_attributes(event),
                                        .attributes_known = event->attributes != NULL &&
                                                            operation_names_allowed(event),
                                        .plain = event->attribute_count == 0,
                                        .code = event->code};
    judge_refuse_begin(j, s, event, &operation);
    s->operations[s->operation_count++] = operation;
    s->quiet_ns = j->now_ns;
    if (event->kind == JUDGE_SEND && judge_must(s, JUDGE_IN_OPENING) && s->in.receiving) {
        judge_saw(j, JUDGE_SENT_WHILE_RECEIVING);
        judge_saw(j, JUDGE_RECEIVING_CUT_SHORT);
    }
    if (second && event->operation != 0 && judge_must(s, JUDGE_IN_OPENED)) {
        struct judge_due *due = judge_owe(j, s, JUDGE_DUE_RESULT, JUDGE_SECOND_TAKEN);
        if (due != NULL) {
            due->operation = event->operation;
            due->outcomes = 1u << JUDGE_OUTCOME_REFUSED;
        }
        judge_saw_rule(j, SIPC_RULE_SND_1);
        judge_saw(j, JUDGE_SECOND_TAKEN);
    }
    if (event->kind == JUDGE_CLOSE) {
        operation_close(j, s, event);
    } else if (operation_skips(event) && judge_may(s, JUDGE_IN_OPENING)) {
        j->states_before_skip = s->states;
        s->states |= JUDGE_IN_OPENED; /* unless it is refused */
        j->unsettled = s;
        j->unsettled_operation = event->operation;
    }
}

/* What was commanded last was not refused (STM-1). */
void judge_settle(struct judge *j)
{
    struct judge_session *s = j->unsettled;
    size_t at;

    j->unsettled = NULL;
    if (s != NULL && judge_knows(j, JUDGE_NEEDS_SYNC | JUDGE_NEEDS_EVENTS) &&
        judge_operation_find(s, j->unsettled_operation, &at) && judge_must(s, JUDGE_IN_LIVING)) {
        judge_saw_rule(j, SIPC_RULE_STM_1);
        judge_enter(j, s, JUDGE_STATE_OPENED);
        s->skip_seen = true;
    }
}

static void operation_shutdown(struct judge *j, const struct judge_event *event)
{
    bool first = !j->shutting_down && event->grace_ms >= 0;

    for (size_t i = 0; i < j->session_count; i++) {
        struct judge_session *s = j->sessions[i];
        s->held = first && judge_certain(j, s) && !judge_may(s, JUDGE_IN_DISPOSED);
        judge_forget(j, s);
    }
    j->shutting_down = true;
    j->shutdown_ns = first ? judge_after(j->now_ns, judge_ms(event->grace_ms)) : SIPC_NEVER;
    judge_wake(j, j->shutdown_ns);
    judge_saw_rule(j, SIPC_RULE_END_4);
}

static struct judge_session *operation_open(struct judge *j, const struct judge_event *event)
{
    struct judge_session *s = judge_session_find(j, event->session, event->peer);

    if (s == NULL) {
        s = judge_session_add(j, event->session, event->peer);
    }
    if (s == NULL) {
        return NULL;
    }
    judge_session_begin(j, s, true);
    s->peer = s->last_peer = event->peer;
    if (event->idle_timeout_ms >= 0) {
        s->idle_timeout_ms = s->local_idle_ms = event->idle_timeout_ms;
    }
    return s;
}

/* Two sessions of that id, and the event does not say which: neither is known any more. */
static void operation_ambiguous(struct judge *j, const struct judge_event *event)
{
    for (size_t i = 0; i < j->session_count; i++) {
        if (memcmp(j->sessions[i]->id, event->session, SIPC_SESSION_ID_SIZE) == 0) {
            judge_forget(j, j->sessions[i]);
        }
    }
}

void judge_command(struct judge *j, const struct judge_event *event)
{
    struct judge_session *s;

    judge_cause_clear(j);
    if (event->kind == JUDGE_SHUTDOWN) {
        operation_shutdown(j, event);
        return;
    }
    if (event->kind == JUDGE_OPEN) {
        operation_open(j, event);
        return;
    }
    s = judge_session_find(j, event->session, event->peer);
    if (s == NULL) {
        operation_ambiguous(j, event);
        return;
    }
    switch (event->kind) {
    case JUDGE_PRESET:
        operation_preset(j, s, event);
        break;
    case JUDGE_DISPOSE:
        operation_dispose(j, s);
        break;
    default:
        operation_begin(j, s, event);
        break;
    }
}

/* ---- results ---- */

static bool operation_certain(const struct judge *j, const struct judge_session *s,
                              const struct judge_operation *operation)
{
    return s->out.known && !s->operations_lost && operation->number != 0 &&
           judge_knows(j, JUDGE_NEEDS_SYNC | JUDGE_NEEDS_COMMANDS);
}

static void operation_ended_ok(struct judge *j, struct judge_session *s,
                               const struct judge_operation *operation)
{
    const struct judge_own_window *window = &s->out.window;
    bool taken = operation->started && window->done && s->out.ended_group;

    judge_saw_rule(j, SIPC_RULE_PRT_2);
    judge_saw_rule(j, SIPC_RULE_SND_6);
    if (taken && s->out.message_bytes == operation->size) {
        return;
    }
    judge_blame(j, s,
                window->covered && !window->done ? JUDGE_COVERED_IS_FULL
                : taken                          ? JUDGE_OK_TOO_SHORT
                                                 : JUDGE_OK_TOO_EARLY,
                judge_text(j, "success when all of %llu bytes was taken in full",
                           (unsigned long long)operation->size),
                judge_text(j, "%llu bytes taken", (unsigned long long)s->out.message_bytes));
}

/* The next id would be the one that is kept for the resync PDU, and that did not leave of late. */
static bool operation_lacks_id(const struct judge *j, const struct judge_session *s)
{
    const struct judge_outbound *out = &s->out;

    return out->resync_id < 0 && out->highest + 1 == judge_own_top(j, out) &&
           !out->unreliable.aftermath_due;
}

static void operation_timed_out(struct judge *j, struct judge_session *s,
                                const struct judge_operation *operation)
{
    const struct judge_own_window *resync = &s->out.resync;
    bool resyncing = resync->open && !resync->done && resync->asker == operation->event;
    const struct judge_own_window *window = resyncing ? resync : &s->out.window;
    uint64_t span = judge_ms(j->config.ack_timeout_ms);

    if (j->config.max_retry_count < 0 || j->config.ack_timeout_ms <= 0) {
        return;
    }
    if (!resyncing && (!operation->started || window->done) && operation_lacks_id(j, s)) {
        judge_blame(j, s, JUDGE_RESYNC_MISSING,
                    judge_text(j, "a resync PDU, as the next id would be %lld",
                               (long long)judge_own_top(j, &s->out)),
                    "a send timeout");
        return;
    }
    if (!operation->started && !resyncing) {
        return;
    }
    judge_saw_rule(j, SIPC_RULE_RTY_3);
    bool spent = (int64_t)window->retries >= j->config.max_retry_count;
    bool waited = window->timer_ns != SIPC_NEVER &&
                  judge_after(j->now_ns, j->config.early_ns) >= judge_after(window->timer_ns, span);
    if (spent && waited) {
        return;
    }
    judge_blame(
        j, s, spent ? JUDGE_TIMEOUT_EARLY : JUDGE_RETRIES_TOO_FEW,
        judge_text(j, "a send timeout after %lld retries and the ack timeout of the last",
                   (long long)j->config.max_retry_count),
        judge_text(j, "one after %u retries%s", window->retries, waited ? "" : ", too early"));
}

static void operation_ended(struct judge *j, struct judge_session *s,
                            const struct judge_operation *operation,
                            const struct judge_event *event)
{
    const struct judge_own_window *window = &s->out.window;
    bool failed = operation->started && window->failed && !window->network_failed;

    judge_saw_rule(j, SIPC_RULE_SND_11);
    switch (event->outcome) {
    case JUDGE_OUTCOME_OK:
        operation_ended_ok(j, s, operation);
        break;
    case JUDGE_OUTCOME_TIMEOUT:
        operation_timed_out(j, s, operation);
        break;
    case JUDGE_OUTCOME_PEER_ERROR:
        if (!failed || window->error_code != event->code) {
            judge_blame(j, s, JUDGE_ERROR_NOT_THE_PEERS,
                        failed ? judge_text(j, "error %ld", (long)window->error_code)
                               : "no error: no ack with one came",
                        judge_text(j, "error %ld", (long)event->code));
        }
        break;
    case JUDGE_OUTCOME_NETWORK_ERROR:
        if (operation->started && window->open && !window->network_failed &&
            (window->done || window->next >= 0) && !s->out.resync.open) {
            judge_blame(j, s, JUDGE_AFTERMATH_USED,
                        "no failure of the network: what was sent had been acked", "network_error");
        }
        break;
    default:
        break;
    }
}

/* A forced close of its own ends what is in progress, and with its code (CLS-2). */
static void operation_forced(struct judge *j, struct judge_session *s,
                             const struct judge_operation *operation,
                             const struct judge_event *event)
{
    if (event->outcome != JUDGE_OUTCOME_CLOSED || s->asked_code <= SIPC_ABORT_NORMAL ||
        operation->event > s->asked_event || s->closed_by_peer || s->nacked ||
        !judge_certain(j, s)) {
        return;
    }
    judge_saw(j, JUDGE_FORCED_CLOSE_CODE);
    if (event->code != s->asked_code) {
        judge_blame(j, s, JUDGE_FORCED_CLOSE_CODE,
                    judge_text(j, "the code of the close, %ld", (long)s->asked_code),
                    judge_text(j, "%ld", (long)event->code));
    }
}

static void operation_closed(struct judge *j, struct judge_session *s,
                             const struct judge_event *event)
{
    if (event->outcome != JUDGE_OUTCOME_CLOSED || !s->closed_by_peer || s->close_asked ||
        j->shutting_down || !judge_must(s, JUDGE_IN_AWAITING)) {
        return;
    }
    judge_saw(j, JUDGE_CLOSE_CODE_LOST);
    if (event->code != s->peer_close_code) {
        judge_blame(j, s, JUDGE_CLOSE_CODE_LOST,
                    judge_text(j, "the close PDU's code, %ld", (long)s->peer_close_code),
                    judge_text(j, "%ld", (long)event->code));
    }
}

static void operation_unreliable_ended(struct judge *j, struct judge_session *s,
                                       const struct judge_operation *operation,
                                       const struct judge_event *event)
{
    const struct judge_own_window *window = &s->out.unreliable;

    if (!operation->started || window->asker != operation->event || !window->network_failed) {
        return;
    }
    judge_saw(j, JUDGE_FAILURE_IS_OK);
    if (event->outcome == JUDGE_OUTCOME_OK) {
        judge_blame(j, s, JUDGE_FAILURE_IS_OK, "a fire-and-forget that was not sent",
                    "success, though the network refused it");
    }
}

static void operation_pay(struct judge *j, struct judge_session *s, const struct judge_event *event)
{
    for (size_t i = s->due_count; i > 0; i--) {
        const struct judge_due *due = &s->dues[i - 1];
        if (due->kind == JUDGE_DUE_RESULT && due->operation == event->operation) {
            judge_due_drop(j, s, i - 1);
        }
    }
}

/* END-1: a send is refused, and nothing in its session says why, but another one is sending. */
static void operation_send_refused(struct judge *j, struct judge_session *s,
                                   const struct judge_operation *operation)
{
    if (operation->kind != JUDGE_SEND || !operation->plain || s->operation_count > 0 ||
        s->operations_lost || !judge_must(s, operation->skip ? JUDGE_IN_LIVING : JUDGE_IN_OPENED) ||
        !judge_certain(j, s)) {
        return;
    }
    for (size_t i = 0; i < j->session_count; i++) {
        const struct judge_operation *sending = judge_sending(j->sessions[i]);
        if (j->sessions[i] != s && sending != NULL && sending->started) {
            judge_blame(j, s, JUDGE_REFUSED_FOR_ANOTHER,
                        "a send to be taken: its session does nothing else",
                        "refused, while another session sends");
            return;
        }
    }
}

static size_t operation_closes(const struct judge_session *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->operation_count; i++) {
        count += s->operations[i].kind == JUDGE_CLOSE;
    }
    return count;
}

/* A close is refused. One forced never has to wait, and one asked for behind another ends with that
 * one; how many there may be of those no rule says. */
static void operation_close_refused(struct judge *j, struct judge_session *s,
                                    const struct judge_operation *operation)
{
    unsigned before = s->states_before_close;
    bool first = operation_closes(s) == 0;

    if (before != 0 && judge_certain(j, s) && operation->code >= 1 && operation->code <= 99) {
        if (before == JUDGE_IN_OPENED && first && operation->code == SIPC_ABORT_FORCED) {
            judge_blame(j, s, JUDGE_FORCED_CLOSE_REFUSED, "a forced close to be done", "refused");
        } else if ((before & ~(unsigned)(JUDGE_IN_CLOSING | JUDGE_IN_AWAITING)) == 0 &&
                   operation_closes(s) <= 1) {
            judge_blame(j, s, JUDGE_LATER_CLOSE_REFUSED, "a close to end when the first does",
                        "refused");
        }
    }
    s->states = s->states_before_close;
    s->close_asked = s->asked_before_close;
    if (s->asked_event == operation->event) {
        s->asked_code = 0;
    }
    judge_dues_drop_kind(j, s, JUDGE_DUE_STATE);
    judge_dues_drop_kind(j, s, JUDGE_DUE_CLOSE);
}

/* A close ends well, however the end came, but for a dispose or a shutdown. */
static void operation_close_ended(struct judge *j, struct judge_session *s,
                                  const struct judge_operation *operation,
                                  const struct judge_event *event)
{
    enum judge_check check = s->closed_by_peer ? JUDGE_CLOSE_FAILED_BOTH : JUDGE_CLOSE_FAILED;

    if (event->outcome == JUDGE_OUTCOME_OK) {
        judge_close_told(j, s);
    } else if (operation->code == SIPC_ABORT_NORMAL && s->asked_code == SIPC_ABORT_NORMAL &&
               judge_certain(j, s) && !s->nacked && !judge_may(s, JUDGE_IN_DISPOSED)) {
        judge_blame(j, s, check, "the close to end well", judge_text(j, "%ld", (long)event->code));
    }
}

void judge_result(struct judge *j, const struct judge_event *event)
{
    struct judge_session *s = judge_session_find(j, event->session, event->peer);
    size_t at;

    if (s == NULL) {
        operation_ambiguous(j, event);
        return;
    }
    operation_pay(j, s, event);
    if (!judge_operation_find(s, event->operation, &at)) {
        return;
    }
    struct judge_operation operation = s->operations[at];
    judge_operation_remove(s, at);
    judge_refuse_result(j, s, &operation, event);
    if (event->outcome == JUDGE_OUTCOME_REFUSED) {
        if (operation.kind == JUDGE_CLOSE) {
            operation_close_refused(j, s, &operation);
        } else {
            operation_send_refused(j, s, &operation);
        }
        if (j->unsettled == s && j->unsettled_operation == event->operation) {
            s->states = j->states_before_skip;
            j->unsettled = NULL;
        }
        return;
    }
    if (event->outcome == JUDGE_OUTCOME_NOT_SENT && j->unsettled == s &&
        j->unsettled_operation == event->operation) {
        j->unsettled = NULL; /* no room for it (FAF-2a): whether it was taken first, nobody knows */
    }
    s->quiet_ns = j->now_ns;
    judge_wake(j, j->now_ns);
    if (operation.kind != JUDGE_SEND_UNRELIABLE) { /* that one's end need be no activity (IDL-1) */
        s->active_ns = j->now_ns;
    }
    if (operation.kind == JUDGE_CLOSE) {
        operation_close_ended(j, s, &operation, event);
    }
    if (operation.kind == JUDGE_SEND_UNRELIABLE) {
        operation_unreliable_ended(j, s, &operation, event);
    }
    if (operation.kind != JUDGE_SEND) {
        return;
    }
    operation_closed(j, s, event);
    operation_forced(j, s, &operation, event);
    s->sends_ended = true;
    if (operation_certain(j, s, &operation)) {
        operation_ended(j, s, &operation, event);
    }
    if (operation.started || event->outcome != JUDGE_OUTCOME_OK) {
        judge_window_end(s, &s->out.window, event->outcome != JUDGE_OUTCOME_OK);
        s->out.group_open = false;
        if (event->outcome == JUDGE_OUTCOME_OK && judge_may(s, JUDGE_IN_OPENING)) {
            s->states = (s->states & ~(unsigned)JUDGE_IN_OPENING) | JUDGE_IN_OPENED;
        }
    }
    judge_window_end(s, &s->out.resync, false);
}
