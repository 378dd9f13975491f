/* What an endpoint owes: acks, deliveries, results. A due is paid by what comes out, dropped where
 * nobody can tell any more, and blamed where its time has passed.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct judge_due *judge_owe(struct judge *j, struct judge_session *s, enum judge_due_kind kind,
                            enum judge_check missing)
{
    if (s->due_count == JUDGE_DUES_MAX) {
        judge_forget(j, s);
    }
    if (s->due_count == s->due_capacity) {
        size_t capacity = s->due_capacity * 2 + 4;
        struct judge_due *dues = realloc(s->dues, capacity * sizeof *dues);
        if (dues == NULL) {
            return NULL;
        }
        s->dues = dues;
        s->due_capacity = capacity;
    }
    struct judge_due *due = &s->dues[s->due_count++];
    *due = (struct judge_due){.kind = kind,
                              .missing = missing,
                              .at_ns = judge_after(j->now_ns, j->config.answer_ns),
                              .event = j->event,
                              .window_id = -1,
                              .ghost_run = -1,
                              .ghost = JUDGE_CHECK_COUNT};
    judge_wake(j, due->at_ns);
    return due;
}

void judge_due_drop(struct judge *j, struct judge_session *s, size_t at)
{
    judge_bytes_clear(j, &s->dues[at].data);
    judge_bytes_clear(j, &s->dues[at].options);
    judge_bytes_clear(j, &s->dues[at].old);
    s->due_count--;
    memmove(&s->dues[at], &s->dues[at + 1], (s->due_count - at) * sizeof *s->dues);
}

void judge_dues_drop_kind(struct judge *j, struct judge_session *s, enum judge_due_kind kind)
{
    for (size_t i = s->due_count; i > 0; i--) {
        if (s->dues[i - 1].kind == kind) {
            judge_due_drop(j, s, i - 1);
        }
    }
}

static const char *due_text(struct judge *j, const struct judge_due *due)
{
    switch (due->kind) {
    case JUDGE_DUE_ACK:
        if (due->must_fail == 0) {
            return judge_text(j, "%s %lld:%ld%s%s", due->repeat ? "the same data_ack" : "data_ack",
                              (long long)due->window_id, (long)due->run,
                              due->full ? " with is_window_full" : "", due->repeat ? " again" : "");
        }
        return judge_text(j, "data_ack %lld:%ld with error %s", (long long)due->window_id,
                          (long)due->run,
                          due->must_fail & JUDGE_E250   ? "250"
                          : due->must_fail & JUDGE_E251 ? "251"
                          : due->must_fail & JUDGE_E252 ? "252"
                          : due->must_fail & JUDGE_E253 ? "253"
                                                        : "254");
    case JUDGE_DUE_CLOSE_ACK:
        return judge_text(j, "close_ack %lld:0", (long long)due->window_id);
    case JUDGE_DUE_LINK_ACK:
        return "enquire_link_ack without an error";
    case JUDGE_DUE_CLOSE:
        return "a close PDU";
    case JUDGE_DUE_NACK:
        return "enquire_link_ack with error 150";
    case JUDGE_DUE_DELIVER:
        return "the group that is complete to be handed over";
    case JUDGE_DUE_RESULT:
        return "the end of the operation to be told";
    default:
        return judge_text(j, "state %s",
                          due->states & JUDGE_IN_OPENED    ? "opened"
                          : due->states & JUDGE_IN_CLOSING ? "closing"
                                                           : "awaiting_disposal");
    }
}

static void due_missed(struct judge *j, struct judge_session *s, const struct judge_due *due)
{
    bool inbound = due->kind == JUDGE_DUE_ACK || due->kind == JUDGE_DUE_CLOSE_ACK ||
                   due->kind == JUDGE_DUE_DELIVER;
    bool optional = due->optional;

    if (!optional) {
        judge_blame(j, s, due->missing, due_text(j, due),
                    judge_text(j, "nothing came of event %llu for %llu ms",
                               (unsigned long long)due->event,
                               (unsigned long long)((j->now_ns - due->at_ns + j->config.answer_ns) /
                                                    SIPC_NS_PER_MS)));
    }
    if (inbound && !optional) {
        judge_forget_inbound(j, s);
    }
}

/* The first due whose time has passed; of an ack and the delivery beside it, the ack. */
static struct judge_due *due_overdue(struct judge *j, struct judge_session *s)
{
    struct judge_due *found = NULL;

    for (size_t i = 0; i < s->due_count; i++) {
        struct judge_due *due = &s->dues[i];
        uint64_t at_ns = judge_after(due->at_ns, j->config.late_ns);
        if (at_ns >= j->now_ns) {
            judge_wake(j, at_ns);
        } else if (found == NULL ||
                   (found->kind == JUDGE_DUE_DELIVER && due->kind == JUDGE_DUE_ACK)) {
            found = due;
        }
    }
    return found;
}

uint64_t judge_owed_until(const struct judge *j)
{
    uint64_t until_ns = 0;

    for (size_t i = 0; i < j->session_count; i++) {
        for (size_t at = 0; at < j->sessions[i]->due_count; at++) {
            const struct judge_due *due = &j->sessions[i]->dues[at];
            uint64_t at_ns = judge_after(judge_after(due->at_ns, j->config.late_ns), 1);
            until_ns = !due->optional && at_ns > until_ns ? at_ns : until_ns;
        }
    }
    return until_ns;
}

void judge_dues_expire(struct judge *j, struct judge_session *s)
{
    struct judge_due *due;

    while ((due = due_overdue(j, s)) != NULL) {
        struct judge_due missed = *due;
        judge_due_drop(j, s, (size_t)(due - s->dues));
        due_missed(j, s, &missed);
    }
}
