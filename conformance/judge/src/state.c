/* States, as they are told and as they must be: STM-1 to STM-7, IDL-1.
 *
 *   opening -> opened -> closing -> awaiting_disposal -> disposed, never back
 * SPDX-License-Identifier: MIT */
#include "internal.h"

static const char *state_told(struct judge *j, const struct judge_event *event)
{
    return event->has_code ? judge_text(j, "state %s, cause %ld", judge_state_word(event->state),
                                        (long)event->code)
                           : judge_text(j, "state %s", judge_state_word(event->state));
}

bool judge_certain(const struct judge *j, const struct judge_session *s)
{
    return s->created_ns != SIPC_NEVER && !j->shutting_down && !j->flooded &&
           judge_knows(j, JUDGE_NEEDS_SYNC | JUDGE_NEEDS_COMMANDS | JUDGE_NEEDS_ARRIVALS);
}

/* ---- the idle timeout ---- */

/* Something of a send that has not ended is on the wire. */
static bool state_sends(struct judge_session *s)
{
    const struct judge_operation *sending = judge_sending(s);

    return sending != NULL && sending->started && s->out.known && !s->operations_lost;
}

/* The idle timeout in ms, as far as it is known: by IDL-2, which is advisory, where the peer had
 * its say. */
static int64_t state_idle_ms(const struct judge_session *s, bool *wished)
{
    *wished = s->idle_timeout_ms < 0;
    return *wished ? s->wish_ms : s->idle_timeout_ms;
}

static void state_idle_early(struct judge *j, struct judge_session *s,
                             const struct judge_event *event)
{
    bool wished;
    int64_t ms = state_idle_ms(s, &wished);
    enum judge_check check = wished ? JUDGE_WISH_EARLY : JUDGE_IDLE_EARLY;

    if (ms < 0 || !judge_certain(j, s)) {
        return;
    }
    judge_saw(j, check);
    if (s->linked_ns > s->quiet_ns) {
        judge_saw(j, JUDGE_IDLE_PUT_OFF);
    }
    if (judge_must(s, JUDGE_IN_OPENING) || state_sends(s)) {
        judge_blame(j, s, JUDGE_IDLE_EARLY,
                    "no idle timeout but in opened, and with no operation in progress",
                    state_told(j, event));
    } else if (ms == 0 || judge_after(j->now_ns, j->config.early_ns) <
                              judge_after(s->active_ns, judge_ms(ms))) {
        judge_blame(j, s, check,
                    ms == 0 ? "no idle timeout: it is off"
                            : judge_text(j, "none before %lld ms without activity", (long long)ms),
                    state_told(j, event));
    }
}

static void state_idle_blame(struct judge *j, const struct judge_session *s, enum judge_check check,
                             int64_t ms, const char *found)
{
    judge_blame(j, s, check, judge_text(j, "closing after %lld ms without activity", (long long)ms),
                found);
}

static void state_idle_expire(struct judge *j, struct judge_session *s)
{
    bool wished;
    int64_t ms = state_idle_ms(s, &wished);
    uint64_t span = judge_after(judge_ms(ms), j->config.late_ns);

    if (ms <= 0 || !judge_must(s, JUDGE_IN_OPENED) || s->operation_count > 0 ||
        s->operations_lost || s->out.window.open || !judge_certain(j, s)) {
        return;
    }
    if (judge_after(s->quiet_ns, span) < j->now_ns && s->linked_ns > s->quiet_ns) {
        state_idle_blame(j, s, JUDGE_IDLE_PUT_OFF, ms, "nothing, but there were enquire links");
        s->quiet_ns = s->linked_ns;
    }
    if (judge_after(s->quiet_ns, span) >= j->now_ns) {
        judge_wake(j, judge_after(s->quiet_ns, span));
        return;
    }
    state_idle_blame(j, s, wished ? JUDGE_WISH_MISSED : JUDGE_IDLE_MISSED, ms, "nothing");
    s->wish_ms = -1;
    if (!wished) {
        judge_forget(j, s);
    }
}

void judge_idle_wish(struct judge *j, struct judge_session *s, struct sipc_span options,
                     bool doubtful)
{
    int64_t least = j->config.min_remote_idle_timeout_ms;
    int64_t most = j->config.max_remote_idle_timeout_ms, wish = 0;
    struct sipc_option option;
    unsigned count = 0;
    int32_t value;

    while (sipc_option_next(&options, &option)) {
        if (option.id == SIPC_OPT_IDLE_TIMEOUT && sipc_option_parse_int(option.value, &value)) {
            wish = value;
            count++;
        }
    }
    if (count == 0 && !doubtful) {
        return;
    }
    judge_saw_rule(j, SIPC_RULE_IDL_2);
    if (doubtful || count > 1 || least < 0 || most < 0 || s->wish_ms < 0) {
        s->wish_ms = -1; /* which of several counts no rule says */
        return;
    }
    s->wish_ms = wish < least || wish > most ? s->local_idle_ms : wish < 0 ? 0 : wish;
    judge_wake(j, j->now_ns);
}

/* ---- the end of the linger ---- */

/* END-3: what awaits its disposal is disposed of one linger later. */
static void state_linger_expire(struct judge *j, struct judge_session *s)
{
    uint64_t at_ns = judge_after(judge_after(s->told_ns, judge_ms(j->config.linger_ms)),
                                 judge_after(j->config.answer_ns, j->config.late_ns));

    if (s->told != JUDGE_IN_AWAITING || j->config.linger_ms < 0 || s->told_ns == SIPC_NEVER ||
        judge_must(s, JUDGE_IN_DISPOSED) || !judge_certain(j, s)) {
        return;
    }
    if (at_ns >= j->now_ns) {
        judge_wake(j, at_ns);
        return;
    }
    judge_blame(j, s, JUDGE_DISPOSAL_MISSED,
                judge_text(j, "the session to be disposed of after %lld ms",
                           (long long)j->config.linger_ms),
                "nothing");
    s->told_ns = SIPC_NEVER;
}

static void state_disposed(struct judge *j, struct judge_session *s,
                           const struct judge_event *event)
{
    uint64_t at_ns = judge_after(s->told_ns, judge_ms(j->config.linger_ms));

    judge_shutdown_told(j, s, event);
    if (s->told != JUDGE_IN_AWAITING || j->config.linger_ms < 0 || s->told_ns == SIPC_NEVER ||
        judge_must(s, JUDGE_IN_DISPOSED) || !judge_certain(j, s)) {
        return;
    }
    judge_saw(j, JUDGE_DISPOSED_EARLY);
    if (judge_after(j->now_ns, j->config.early_ns) < at_ns) {
        judge_blame(j, s, JUDGE_DISPOSED_EARLY,
                    judge_text(j, "the session to be held for %lld ms from its end",
                               (long long)j->config.linger_ms),
                    state_told(j, event));
    }
}

/* ---- the open timeout ---- */

static void state_open_expire(struct judge *j, struct judge_session *s)
{
    uint64_t at_ns;

    if (j->config.open_timeout_ms <= 0 || !judge_must(s, JUDGE_IN_OPENING) ||
        !judge_certain(j, s)) {
        return;
    }
    at_ns = judge_after(judge_after(s->created_ns, judge_ms(j->config.open_timeout_ms)),
                        j->config.late_ns);
    if (at_ns >= j->now_ns) {
        judge_wake(j, at_ns);
        return;
    }
    judge_saw(j, JUDGE_OPEN_TIMEOUT_MISSED);
    judge_blame(j, s, JUDGE_OPEN_TIMEOUT_MISSED,
                judge_text(j, "the end of a session in opening after %lld ms",
                           (long long)j->config.open_timeout_ms),
                "nothing");
    judge_forget(j, s);
}

/* Time passed, and nothing happened by which a rule of time could have been kept otherwise. */
void judge_state_passes(struct judge *j, const struct judge_session *s)
{
    uint64_t open = judge_ms(j->config.open_timeout_ms);

    if (judge_must(s, JUDGE_IN_OPENING) && j->config.open_timeout_ms == 0) {
        judge_saw(j, JUDGE_OPEN_TIMEOUT_EARLY);
    }
    if (j->config.enquire_link_interval_ms > 0 &&
        judge_must(s, JUDGE_IN_OPENING | JUDGE_IN_CLOSING | JUDGE_IN_AWAITING)) {
        judge_saw(j, JUDGE_LINK_NOT_OPENED);
    }
    if (!judge_must(s, JUDGE_IN_OPENED)) {
        return;
    }
    if (j->config.open_timeout_ms > 0 && j->now_ns > judge_after(s->created_ns, open)) {
        judge_saw(j, JUDGE_OPEN_TIMEOUT_EARLY);
    }
    if (s->idle_timeout_ms == 0) {
        judge_saw(j, JUDGE_IDLE_EARLY);
    }
    if (j->config.enquire_link_interval_ms == 0) {
        judge_saw(j, JUDGE_LINK_TOO_OFTEN);
    }
}

void judge_state_expire(struct judge *j, struct judge_session *s)
{
    state_open_expire(j, s);
    state_idle_expire(j, s);
    state_linger_expire(j, s);
}

/* ---- states that are told ---- */

static void state_opened(struct judge *j, struct judge_session *s, const struct judge_event *event)
{
    judge_saw_rule(j, SIPC_RULE_STM_1);
    if (!judge_certain(j, s) || !judge_must(s, JUDGE_IN_OPENING) ||
        judge_blame_refusal(j, s, JUDGE_E253, state_told(j, event))) {
        return;
    }
    if (j->cause.acks_only || !judge_blame_cause(j, s, state_told(j, event))) {
        judge_blame(j, s, JUDGE_OPENED_EARLY,
                    "opening until a first window is taken, a first group complete, or skip",
                    state_told(j, event));
    }
}

static void state_open_timeout(struct judge *j, struct judge_session *s,
                               const struct judge_event *event)
{
    uint64_t span = judge_ms(j->config.open_timeout_ms);

    judge_saw_rule(j, SIPC_RULE_STM_2);
    if (j->config.open_timeout_ms >= 0 && judge_certain(j, s) &&
        (j->config.open_timeout_ms == 0 ||
         judge_after(j->now_ns, j->config.early_ns) < judge_after(s->created_ns, span))) {
        judge_blame(j, s, JUDGE_OPEN_TIMEOUT_EARLY,
                    judge_text(j, "no open timeout before %lld ms (0: off)",
                               (long long)j->config.open_timeout_ms),
                    state_told(j, event));
    }
}

/* The open timeout may have come. */
static bool state_open_may_end(const struct judge *j, const struct judge_session *s)
{
    const uint64_t span = judge_ms(j->config.open_timeout_ms);

    return j->config.open_timeout_ms < 0 || s->created_ns == SIPC_NEVER || j->flooded ||
           (j->config.open_timeout_ms > 0 &&
            judge_after(j->now_ns, j->config.early_ns) >= judge_after(s->created_ns, span));
}

/* Closing or awaiting_disposal: something must have brought it about. */
static void state_ended(struct judge *j, struct judge_session *s, const struct judge_event *event)
{
    bool living = judge_must(s, JUDGE_IN_LIVING);

    if (j->cause.check == JUDGE_NACK_BELIEVED && j->rx_ns == j->now_ns &&
        event->state == JUDGE_STATE_AWAITING_DISPOSAL && s->told == JUDGE_IN_OPENED &&
        judge_blame_cause(j, s, state_told(j, event))) {
        return;
    }
    judge_saw_rule(j, event->state == JUDGE_STATE_CLOSING ? SIPC_RULE_STM_3 : SIPC_RULE_STM_7);
    if (j->cause.check == JUDGE_REACTS_OPN_1 && judge_must(s, JUDGE_IN_OPENING) &&
        !s->close_asked && !j->shutting_down && !state_open_may_end(j, s)) {
        judge_blame_cause(j, s, state_told(j, event));
        return;
    }
    if (event->has_code && event->code == SIPC_LOCAL_OPEN_TIMEOUT &&
        judge_must(s, JUDGE_IN_OPENING)) {
        state_open_timeout(j, s, event);
        return;
    }
    if (event->has_code && event->code == SIPC_ABORT_IDLE_TIMEOUT && !s->closed_by_peer &&
        !s->close_asked && living) {
        state_idle_early(j, s, event);
        return;
    }
    if (!judge_certain(j, s) || !living || s->closed_by_peer || s->nacked || s->close_asked ||
        s->idle_timeout_ms != 0 ||
        (judge_may(s, JUDGE_IN_OPENING) && j->config.open_timeout_ms != 0)) {
        return;
    }
    if (j->cause.acks_only || !judge_blame_cause(j, s, state_told(j, event))) {
        judge_blame(j, s, JUDGE_ENDED_WITHOUT_CAUSE,
                    "the session to live on: nothing that ends one happened", state_told(j, event));
    }
}

static void state_pay(struct judge *j, struct judge_session *s, unsigned bit)
{
    for (size_t i = s->due_count; i > 0; i--) {
        if (s->dues[i - 1].kind == JUDGE_DUE_STATE && (s->dues[i - 1].states & bit)) {
            if (bit == JUDGE_IN_DISPOSED && s->dues[i - 1].missing == JUDGE_NACK_NOT_TAKEN &&
                j->config.linger_ms > 0 && judge_certain(j, s)) {
                judge_blame(j, s, JUDGE_NACK_NOT_TAKEN, "state awaiting_disposal",
                            "state disposed");
            }
            judge_due_drop(j, s, i - 1);
        }
    }
}

/* What was told is taken over; an earlier state than what is known was only passed. */
static void state_narrow(struct judge *j, struct judge_session *s, enum judge_state state)
{
    unsigned bit = 1u << state;
    unsigned above = ~(bit - 1) & JUDGE_IN_ANY;

    if ((s->states & ~(bit - 1)) == 0 || (s->states & bit)) {
        if (judge_knows(j, JUDGE_NEEDS_SYNC)) {
            judge_enter(j, s, state);
        } else {
            s->states = (s->states & above) | bit;
        }
    }
}

void judge_state(struct judge *j, const struct judge_event *event)
{
    struct judge_session *s = judge_session_find(j, event->session, event->peer);
    unsigned bit = 1u << event->state;

    if ((unsigned)event->state > JUDGE_STATE_DISPOSED) {
        return;
    }
    if (s == NULL) {
        if (!j->cause.acks_only) {
            judge_blame_cause(j, NULL, state_told(j, event));
        }
        return;
    }
    if (event->state == JUDGE_STATE_AWAITING_DISPOSAL) {
        judge_close_told(j, s);
    }
    state_pay(j, s, bit);
    if (bit < s->told && s->told != JUDGE_IN_DISPOSED && judge_certain(j, s)) {
        bool split = j->config.stream && s->last_peer != s->peer;
        judge_blame(j, s, split ? JUDGE_SESSION_PER_CONNECTION : JUDGE_STATE_BACKWARDS,
                    split ? "one session, whatever the connection"
                          : "a state that does not go back",
                    state_told(j, event));
        if (split) {
            judge_forget(j, s);
        }
    }
    if (event->state == JUDGE_STATE_OPENING && s->told == JUDGE_IN_DISPOSED) {
        if (j->cause.check == JUDGE_REACTS_END_3) {
            judge_blame_cause(j, s, state_told(j, event));
        }
        judge_forget(j, s); /* it was made anew, nobody can tell by what */
        s->closed_by_peer = false;
    }
    switch (event->state) {
    case JUDGE_STATE_OPENED:
        state_opened(j, s, event);
        break;
    case JUDGE_STATE_CLOSING:
    case JUDGE_STATE_AWAITING_DISPOSAL:
        state_ended(j, s, event);
        break;
    case JUDGE_STATE_DISPOSED:
        state_disposed(j, s, event);
        judge_saw_rule(j, SIPC_RULE_STM_6);
        break;
    default:
        judge_saw_rule(j, SIPC_RULE_STM_6);
        break;
    }
    bool evicted = event->state == JUDGE_STATE_DISPOSED && !event->has_code &&
                   s->told <= JUDGE_IN_OPENING && !judge_must(s, JUDGE_IN_DISPOSED);
    s->told = bit;
    s->told_ns = j->now_ns;
    judge_wake(j, j->now_ns);
    state_narrow(j, s, event->state);
    if (evicted) { /* which leaves no linger (END-5), nor is it sure */
        s->ended_ns = s->disposed_ns = SIPC_NEVER;
    }
    if (event->state >= JUDGE_STATE_AWAITING_DISPOSAL) {
        judge_window_end(s, &s->out.window, true);
        judge_window_end(s, &s->out.resync, true);
    }
}
