/* Sessions as the judge holds them, and what it does when it no longer knows: forgetting.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void judge_group_clear(struct judge *j, struct judge_group *group)
{
    judge_bytes_clear(j, &group->data);
    judge_bytes_clear(j, &group->options);
    *group = (struct judge_group){0};
}

void judge_window_clear(struct judge *j, struct judge_session *s)
{
    for (size_t i = 0; i < s->in.held_count; i++) {
        judge_bytes_clear(j, &s->in.held[i].bytes);
    }
    s->in.held_count = 0;
    s->in.window_id = -1;
    s->in.doubtful = false;
}

/* ---- finding and making ---- */

struct judge_session *judge_session_find(struct judge *j, const uint8_t *id, uint64_t peer)
{
    struct judge_session *found = NULL;
    unsigned held = 0;

    for (size_t i = 0; i < j->session_count; i++) {
        struct judge_session *s = j->sessions[i];
        if (memcmp(s->id, id, SIPC_SESSION_ID_SIZE) != 0) {
            continue;
        }
        if (s->peer == peer || j->config.stream) {
            return s;
        }
        if (peer == JUDGE_PEER_UNKNOWN) {
            bool gone = judge_must(s, JUDGE_IN_DISPOSED);
            held += !gone;
            found = !gone || held == 0 ? s : found;
        }
    }
    return held > 1 ? NULL : found; /* two of that id are held: nobody can tell */
}

/* All but the tables it has, which stay to be filled again, and what judge_forget begins anew. */
static void session_clear(struct judge_session *s)
{
    struct judge_held *held = s->in.held;
    struct judge_due *dues = s->dues;
    size_t held_capacity = s->in.held_capacity, due_capacity = s->due_capacity;

    memset(s, 0, offsetof(struct judge_session, out));
    s->in.held = held;
    s->in.held_capacity = held_capacity;
    s->dues = dues;
    s->due_capacity = due_capacity;
}

struct judge_session *judge_session_add(struct judge *j, const uint8_t *id, uint64_t peer)
{
    if (j->session_count == JUDGE_SESSIONS_MAX) {
        return NULL;
    }
    if (j->session_count == j->session_capacity) {
        size_t capacity = j->session_capacity * 2 + 4;
        struct judge_session **sessions = realloc(j->sessions, capacity * sizeof *sessions);
        if (sessions == NULL) {
            return NULL;
        }
        j->sessions = sessions;
        j->session_capacity = capacity;
    }
    struct judge_session *s = j->spare;
    if (s != NULL) {
        j->spare = s->next_spare;
    } else if ((s = calloc(1, sizeof *s)) == NULL) {
        return NULL;
    }
    session_clear(s);
    memcpy(s->id, id, SIPC_SESSION_ID_SIZE);
    s->peer = s->last_peer = peer;
    j->sessions[j->session_count++] = s;
    judge_forget(j, s);
    return s;
}

void judge_session_fini(struct judge *j, struct judge_session *s)
{
    judge_forget(j, s);
    free(s->in.held);
    free(s->dues);
    judge_bytes_clear(j, &s->out.group_pieces);
    judge_bytes_clear(j, &s->out.window.pieces);
    judge_bytes_clear(j, &s->out.unreliable.pieces);
    judge_bytes_clear(j, &s->out.resync.pieces);
    free(s->out.window.cuts);
    free(s->out.unreliable.cuts);
    free(s->out.resync.cuts);
}

static void session_reset_window(struct judge *j, struct judge_own_window *window)
{
    struct judge_cut *cuts = window->cuts;
    size_t capacity = window->cut_capacity;

    judge_bytes_clear(j, &window->pieces);
    *window = (struct judge_own_window){.cuts = cuts, .cut_capacity = capacity};
    window->timer_ns = SIPC_NEVER;
}

void judge_session_begin(struct judge *j, struct judge_session *s, bool local)
{
    judge_forget(j, s);
    s->local = local;
    s->states = JUDGE_IN_OPENING;
    s->told = 0;
    s->created_ns = s->activity_ns = s->quiet_ns = j->now_ns;
    s->opened_ns = s->ended_ns = s->disposed_ns = SIPC_NEVER;
    s->link_sent_ns = SIPC_NEVER;
    s->idle_timeout_ms = s->local_idle_ms = j->config.idle_timeout_ms;
    s->wish_ms = -1;
    s->stray_peer = JUDGE_PEER_UNKNOWN;
    s->peer_unsure = s->held = false;
    s->active_ns = j->now_ns;
    s->states_before_close = 0;
    s->asked_code = 0;
    s->unbound = 0;
    s->sends_ended = s->close_asked = s->lingering = false;
    s->skip_seen = s->nacked = s->closed_by_peer = false;
    s->operation_count = 0;
    s->operations_lost = false;
    s->in.known = judge_knows(j, JUDGE_NEEDS_ARRIVALS);
    s->in.min = s->in.last.id = s->in.window_id = -1;
    s->out.known = true;
    s->out.group_known = true;
    s->out.highest = s->out.acked = s->out.resync_id = -1;
    if (j->config.open_timeout_ms > 0) {
        judge_wake(j, judge_after(j->now_ns, judge_ms(j->config.open_timeout_ms)));
    }
}

/* ---- forgetting ---- */

/* What opens a session may have happened, or may happen, unseen. */
void judge_may_open(struct judge_session *s)
{
    if (judge_may(s, JUDGE_IN_OPENING)) {
        s->states |= JUDGE_IN_OPENED;
    }
}

void judge_forget_inbound(struct judge *j, struct judge_session *s)
{
    judge_window_clear(j, s);
    judge_group_clear(j, &s->in.group);
    judge_group_clear(j, &s->in.old_group);
    judge_bytes_clear(j, &s->in.last.ack);
    s->in.known = false;
    judge_may_open(s);
    s->in.min = s->in.last.id = s->in.window_id = -1;
    s->in.last.answered = s->in.min_processed = s->in.receiving = s->in.refused = false;
    s->in.applied_ns = 0;
    judge_dues_drop_kind(j, s, JUDGE_DUE_ACK);
    judge_dues_drop_kind(j, s, JUDGE_DUE_CLOSE_ACK);
    judge_dues_drop_kind(j, s, JUDGE_DUE_DELIVER);
}

void judge_forget_outbound(struct judge *j, struct judge_session *s)
{
    struct judge_outbound *out = &s->out;
    bool spoke = out->peer_spoke, heard = out->peer_heard, closed = out->close_sent;

    judge_may_open(s);
    judge_bytes_clear(j, &out->group_pieces);
    session_reset_window(j, &out->window);
    session_reset_window(j, &out->unreliable);
    session_reset_window(j, &out->resync);
    memset(out, 0, offsetof(struct judge_outbound, window));
    out->highest = out->acked = out->resync_id = -1;
    out->peer_spoke = spoke;
    out->peer_heard = heard;
    out->close_sent = closed;
}

void judge_forget(struct judge *j, struct judge_session *s)
{
    judge_forget_inbound(j, s);
    judge_forget_outbound(j, s);
    s->out.peer_spoke = s->out.peer_heard = s->out.close_sent = false;
    s->states = JUDGE_IN_ANY;
    s->operations_lost = true;
    s->opened_ns = s->created_ns = s->ended_ns = s->disposed_ns = SIPC_NEVER;
    s->idle_timeout_ms = s->local_idle_ms = s->wish_ms = -1;
    s->stray_peer = JUDGE_PEER_UNKNOWN;
    s->asked_code = 0;
    while (s->due_count > 0) {
        judge_due_drop(j, s, s->due_count - 1);
    }
}

const char *judge_state_word(enum judge_state state)
{
    static const char *const words[] = {"opening", "opened", "closing", "awaiting_disposal",
                                        "disposed"};
    return (unsigned)state < 5 ? words[state] : "?";
}

void judge_enter(struct judge *j, struct judge_session *s, enum judge_state state)
{
    s->states = 1u << state;
    if (state == JUDGE_STATE_OPENED && s->opened_ns == SIPC_NEVER) {
        s->opened_ns = s->active_ns = s->quiet_ns = j->now_ns;
        s->in.receiving = false;
        judge_wake(j, j->now_ns);
    }
    if (state == JUDGE_STATE_AWAITING_DISPOSAL && s->ended_ns == SIPC_NEVER) {
        s->ended_ns = j->now_ns;
    }
    if (state == JUDGE_STATE_DISPOSED) {
        s->disposed_ns = j->now_ns;
    }
}
