/* Time and acks of own windows: SND-7 to SND-10, RTY-1 to RTY-3, PRT-1, PRT-2, CLS-1.
 *
 *   first try: PDUs 0..n-1, each after the aftermath of the one before; then the timer runs
 *   timer at its end: a retry: PDU 0, timer, ack, the PDU the ack names, timer ...
 * SPDX-License-Identifier: MIT */
#include "internal.h"

void judge_timer_start(struct judge *j, struct judge_own_window *window)
{
    bool waits = window->retrying || (window->length >= 0 && window->sent >= window->length);

    if (waits && !window->done && !window->failed && window->kind != JUDGE_OWN_UNRELIABLE) {
        window->timer_ns = j->now_ns;
        if (j->config.ack_timeout_ms > 0) {
            judge_wake(j, judge_after(j->now_ns, judge_ms(j->config.ack_timeout_ms)));
        }
    }
}

/* ---- retries ---- */

static void retry_check_time(struct judge *j, struct judge_session *s,
                             const struct judge_own_window *window)
{
    uint64_t span = judge_ms(j->config.ack_timeout_ms);

    if (j->config.ack_timeout_ms <= 0 || !s->out.known) {
        return;
    }
    judge_saw(j, JUDGE_RETRY_EARLY);
    if (window->timer_ns == SIPC_NEVER) {
        if (window->aftermath_due) {
            judge_blame(j, s, JUDGE_RETRY_EARLY,
                        "the wait for an ack to begin at the aftermath of the last PDU sent",
                        "a retry before that aftermath");
        }
        return;
    }
    if (judge_after(j->now_ns, j->config.early_ns) < judge_after(window->timer_ns, span)) {
        judge_blame(
            j, s, JUDGE_RETRY_EARLY,
            judge_text(j, "no retry within %lld ms of the last PDU's aftermath",
                       (long long)j->config.ack_timeout_ms),
            judge_text(j, "one after %llu ms",
                       (unsigned long long)((j->now_ns - window->timer_ns) / SIPC_NS_PER_MS)));
    }
}

void judge_retry_begin(struct judge *j, struct judge_session *s, struct judge_own_window *window)
{
    if (window->done || window->failed) {
        judge_blame(
            j, s, window->failed ? JUDGE_SENT_AFTER_ERROR : JUDGE_SENT_AFTER_FULL,
            judge_text(j, "window %lld to be over with the ack that came", (long long)window->id),
            "it was sent again");
        return;
    }
    if (window->length < 0 && s->out.known) {
        judge_blame(j, s, JUDGE_NO_END,
                    judge_text(j, "window %lld to end with last_in_window", (long long)window->id),
                    judge_text(j, "a retry after %ld PDUs without", (long)window->sent));
        window->length = window->sent;
    }
    if (!window->shared) {
        retry_check_time(j, s, window);
    }
    window->retries++;
    judge_saw(j, JUDGE_RETRIES_TOO_MANY);
    judge_saw_rule(j, SIPC_RULE_RTY_1);
    if (window->kind == JUDGE_OWN_RESYNC) {
        judge_saw_rule(j, SIPC_RULE_WID_11);
    }
    if (j->config.max_retry_count >= 0 && (int64_t)window->retries > j->config.max_retry_count &&
        !window->forgiven && !window->shared) {
        judge_blame(j, s, JUDGE_RETRIES_TOO_MANY,
                    judge_text(j, "%lld retries of a window", (long long)j->config.max_retry_count),
                    judge_text(j, "the %uth", window->retries));
        window->forgiven = true;
    }
    if (window->retrying && window->next >= 0) {
        window->next_early = window->next;
    }
    window->retrying = true;
    window->tried = 1;
    window->covered = false;
}

/* ---- what acks do ---- */

/* The long attributes of the first `count` PDUs are the group's. */
static void retry_take_pieces(struct judge *j, struct judge_session *s,
                              const struct judge_own_window *window, size_t count)
{
    const size_t taken = count < window->cut_count ? count : window->cut_count;
    const size_t size = taken == 0 ? 0 : window->cuts[taken - 1].pieces_end;

    if (!judge_bytes_add(j, &s->out.group_pieces, (struct sipc_span){window->pieces.data, size})) {
        s->out.group_known = false;
    }
}

static void retry_taken(struct judge *j, struct judge_session *s, struct judge_own_window *window,
                        int64_t count)
{
    struct judge_outbound *out = &s->out;

    window->done = true;
    window->taken = count;
    window->timer_ns = SIPC_NEVER;
    window->aftermath_due = false;
    window->next = -1;
    if (window->kind != JUDGE_OWN_WINDOW) {
        return;
    }
    for (size_t i = 0; i < window->cut_count && i < (size_t)count; i++) {
        out->message_bytes += window->cuts[i].size;
        out->group_counted += window->cuts[i].size + window->cuts[i].counted;
        out->group_wire += window->cuts[i].wire;
        out->group_attributes += window->cuts[i].attributes;
    }
    retry_take_pieces(j, s, window, (size_t)count);
    if (judge_may(s, JUDGE_IN_OPENING)) { /* STM-1 */
        judge_saw_rule(j, SIPC_RULE_STM_1);
        if (judge_must(s, JUDGE_IN_OPENING) && judge_knows(j, JUDGE_NEEDS_SYNC)) {
            judge_enter(j, s, JUDGE_STATE_OPENED);
        } else {
            s->states |= JUDGE_IN_OPENED;
        }
    }
    out->group_windows++;
    out->ended_group = window->ends_group && count == window->length;
    if (out->ended_group) {
        out->group_open = false;
        out->boundary = j->event;
        s->unbound = s->unbound != 0 ? s->unbound : j->event; /* OPN-6 */
    }
}

static bool retry_admits(const struct judge_own_window *window, int64_t count)
{
    if (window->retrying) {
        return count >= window->tried && count <= window->length;
    }
    return count >= 1 && count <= window->sent;
}

/* A close is a window of one; a resync PDU takes any ack as one (WID-11). */
static bool retry_takes(const struct judge_own_window *window, const struct sipc_pdu *pdu)
{
    switch (window->kind) {
    case JUDGE_OWN_WINDOW:
        return retry_admits(window, judge_count(pdu));
    case JUDGE_OWN_CLOSE:
        return pdu->seq_nr == 0;
    default:
        return true;
    }
}

static void retry_use(struct judge *j, struct judge_session *s, struct judge_own_window *window,
                      const struct sipc_pdu *pdu)
{
    int64_t count = judge_count(pdu);
    bool whole = window->length >= 0 && count == window->length;

    if (pdu->error_code != 0 && window->kind != JUDGE_OWN_RESYNC) {
        window->failed = true;
        window->error_code = pdu->error_code;
        window->timer_ns = SIPC_NEVER;
        window->aftermath_due = false;
        window->moved_ns = j->now_ns;
        judge_saw_rule(j, SIPC_RULE_SND_9);
        judge_wake(j, judge_after(j->now_ns, j->config.answer_ns));
        return;
    }
    if ((pdu->flags & SIPC_OPT_IS_WINDOW_FULL) || window->kind == JUDGE_OWN_CLOSE ||
        window->kind == JUDGE_OWN_RESYNC) {
        retry_taken(j, s, window, count);
        window->moved_ns = j->now_ns;
        judge_saw_rule(j, SIPC_RULE_SND_9);
        judge_saw_rule(j, whole ? SIPC_RULE_PRT_2 : SIPC_RULE_PRT_1);
        judge_wake(j, judge_after(j->now_ns, j->config.answer_ns));
        return;
    }
    if (whole) {
        window->covered = true;
        judge_saw_rule(j, SIPC_RULE_SND_10);
        return;
    }
    if (window->retrying || count == window->sent) {
        window->next = count;
        window->aftermath_due = false;
        window->timer_ns = SIPC_NEVER;
        window->moved_ns = j->now_ns;
        judge_saw_rule(j, window->retrying ? SIPC_RULE_RTY_2 : SIPC_RULE_SND_9);
        judge_wake(j, judge_after(j->now_ns, j->config.answer_ns));
    }
    if (!window->retrying) {
        window->next_early = count;
    }
}

static struct judge_own_window *retry_window(struct judge_session *s, const struct sipc_pdu *pdu)
{
    struct judge_own_window *windows[] = {&s->out.window, &s->out.resync};
    bool closing = pdu->opcode == SIPC_CLOSE_ACK;

    for (int i = 0; i < 2; i++) {
        if (windows[i]->open && windows[i]->id == pdu->window_id &&
            (windows[i]->kind == JUDGE_OWN_CLOSE) == closing) {
            return windows[i];
        }
    }
    return NULL;
}

/* An ack that moves the operation bounds the windows to come (SND-12). An endpoint may also take
 * the bound of one that moves none, a late one say, or not: the wider of both stands. */
static void retry_bound(struct judge_session *s, const struct judge_own_window *window,
                        const struct sipc_pdu *pdu)
{
    int64_t told = pdu->present & SIPC_OPT_MAX_WINDOW_SIZE ? pdu->max_window_size : 0;
    bool moves = window != NULL && !window->done && !window->failed &&
                 window->kind == JUDGE_OWN_WINDOW && retry_admits(window, judge_count(pdu));

    if (told > 0 && (moves || (s->out.peer_window > 0 && told > s->out.peer_window))) {
        s->out.peer_window = told;
    }
}

void judge_rx_ack(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    struct judge_own_window *window = retry_window(s, pdu);

    /* An ack of what was never sent is no word of the peer (LNK-4). */
    s->out.peer_spoke |= !s->out.known || pdu->window_id <= s->out.highest;
    s->out.peer_heard |= window != NULL;
    s->quiet_ns = j->now_ns;
    judge_own_id_acked(j, s, pdu->window_id, pdu->error_code);
    judge_saw_rule(j, SIPC_RULE_SND_8);
    if (pdu->present & SIPC_OPT_ERROR_CODE) {
        judge_saw_rule(j, SIPC_RULE_ERR_2);
    }
    if (!s->out.known) {
        judge_may_open(s);
    }
    retry_bound(s, window, pdu);
    if (window == NULL || window->done || window->failed) {
        return;
    }
    if (window->kind == JUDGE_OWN_RESYNC && pdu->error_code == SIPC_ERROR_TWO_WAY_WHILE_OPENING) {
        return;
    }
    if (window->kind == JUDGE_OWN_WINDOW && window->length < 0 && window->retrying) {
        return;
    }
    if (retry_takes(window, pdu)) {
        retry_use(j, s, window, pdu);
    } else {
        window->refused_count = true;
        window->refused_next = judge_count(pdu);
    }
    judge_close_acked(j, s, window);
}

/* ---- aftermaths ---- */

void judge_aftermath(struct judge *j, const struct judge_event *event)
{
    for (size_t i = 0; i < j->session_count; i++) {
        struct judge_session *s = j->sessions[i];
        struct judge_own_window *windows[] = {&s->out.window, &s->out.resync, &s->out.unreliable};
        for (int n = 0; n < 3; n++) {
            struct judge_own_window *window = windows[n];
            if (!window->open || !window->aftermath_due || window->token != event->token) {
                continue;
            }
            window->aftermath_due = false;
            if (!event->ok) {
                window->failed = window->network_failed = true;
            } else {
                judge_timer_start(j, window);
            }
            judge_close_sent(j, s, window);
            return;
        }
    }
}

/* ---- time ---- */

static bool retry_certain(const struct judge *j, const struct judge_session *s)
{
    return s->out.known && !s->operations_lost && j->config.max_retry_count >= 0 &&
           j->config.ack_timeout_ms > 0 &&
           judge_knows(j, JUDGE_NEEDS_SYNC | JUDGE_NEEDS_EVENTS | JUDGE_NEEDS_COMMANDS);
}

/* An ack said what to do next, and it was not done. */
/* From when on the operation's next window or resync PDU may leave: where the next id is kept for a
 * resync PDU, one ack_timeout after the last of those (WID-11). */
static uint64_t retry_goes_on(const struct judge *j, const struct judge_session *s,
                              const struct judge_own_window *window)
{
    const struct judge_outbound *out = &s->out;
    uint64_t free_ns = judge_after(out->resync_ns, judge_ms(j->config.ack_timeout_ms));
    bool waits = window->done && !window->failed && out->resync_id >= 0 &&
                 j->config.ack_timeout_ms > 0 && out->highest + 1 >= judge_own_top(j, out);

    return waits && free_ns > window->moved_ns ? free_ns : window->moved_ns;
}

static void retry_stalled(struct judge *j, struct judge_session *s, struct judge_own_window *window)
{
    uint64_t at_ns = judge_after(retry_goes_on(j, s, window),
                                 judge_after(j->config.answer_ns, j->config.late_ns));

    if (at_ns >= j->now_ns) {
        judge_wake(j, at_ns);
        return;
    }
    if (s->out.unreliable.open && s->out.unreliable.aftermath_due) {
        window->moved_ns = j->now_ns; /* a fire-and-forget is leaving between the groups */
        judge_wake(j, j->now_ns);
        return;
    }
    window->moved_ns = SIPC_NEVER;
    if (!retry_certain(j, s) || window->kind != JUDGE_OWN_WINDOW || s->out.resync.open ||
        judge_sending(s) == NULL) {
        return;
    }
    judge_blame(j, s, window->done ? JUDGE_STALLED : JUDGE_ACK_NOT_USED,
                window->failed ? "the operation to end with the error of the ack"
                : window->done ? "the next window, or the end of the operation"
                               : judge_text(j, "seq_nr %ld, as the ack says", (long)window->next),
                "nothing");
    judge_forget_outbound(j, s);
}

static void retry_timeout(struct judge *j, struct judge_session *s, struct judge_own_window *window)
{
    uint64_t at_ns = judge_after(judge_after(window->timer_ns, judge_ms(j->config.ack_timeout_ms)),
                                 j->config.late_ns);
    bool spent = (int64_t)window->retries >= j->config.max_retry_count;

    if (at_ns >= j->now_ns) {
        judge_wake(j, at_ns);
        return;
    }
    window->timer_ns = SIPC_NEVER;
    if (!retry_certain(j, s) || window->done || window->failed ||
        judge_may(s, JUDGE_IN_AWAITING | JUDGE_IN_DISPOSED)) {
        return;
    }
    if (window->kind == JUDGE_OWN_CLOSE || window->kind == JUDGE_OWN_RESYNC) {
        if (spent || window->kind == JUDGE_OWN_RESYNC) {
            window->open = false; /* what comes then: state.c; of a resync that is advisory */
            return;
        }
    } else if (judge_sending(s) == NULL) {
        return;
    }
    judge_blame(
        j, s, spent ? JUDGE_TIMEOUT_NOT_TOLD : JUDGE_RETRY_MISSING,
        spent ? "the operation to end with a send timeout"
              : judge_text(j, "a retry of window %lld from its first PDU", (long long)window->id),
        "nothing by the end of ack_timeout");
    judge_forget_outbound(j, s);
}

void judge_retry_expire(struct judge *j, struct judge_session *s)
{
    struct judge_own_window *windows[] = {&s->out.window, &s->out.resync};

    for (int i = 0; i < 2; i++) {
        struct judge_own_window *window = windows[i];
        if (window->open && window->moved_ns != SIPC_NEVER) {
            retry_stalled(j, s, window);
        }
        if (window->open && window->timer_ns != SIPC_NEVER && j->config.ack_timeout_ms > 0) {
            retry_timeout(j, s, window);
        }
    }
}
