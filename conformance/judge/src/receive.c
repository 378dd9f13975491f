/* Data PDUs that come in: what becomes of the buffers (RCV-1 to RCV-7, RCV-11), what the opening
 * restrictions say (OPN-2, OPN-3), and which answer is owed.
 *
 * PDUs that a rule clears stay as ghosts: an endpoint whose acks count them has not cleared them.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- the current window ---- */

static void receive_drop_ghosts(struct judge *j, struct judge_inbound *in)
{
    size_t kept = 0;

    for (size_t i = 0; i < in->held_count; i++) {
        if (in->held[i].ghost != JUDGE_CHECK_COUNT) {
            judge_bytes_clear(j, &in->held[i].bytes);
        } else {
            in->held[kept++] = in->held[i];
        }
    }
    in->held_count = kept;
}

/* RCV-1: another window; what is held becomes ghosts. */
static void receive_turn(struct judge *j, struct judge_inbound *in, int64_t id)
{
    receive_drop_ghosts(j, in);
    for (size_t i = 0; i < in->held_count; i++) {
        in->held[i].ghost = JUDGE_OLD_WINDOW_KEPT;
    }
    if (in->held_count > 0) {
        judge_saw(j, JUDGE_OLD_WINDOW_KEPT);
    }
    in->window_id = id;
    in->doubtful = false;
}

/* RCV-3: a new end of the window. */
static void receive_end_at(struct judge *j, struct judge_inbound *in, int32_t seq_nr)
{
    for (size_t i = 0; i < in->held_count; i++) {
        struct judge_held *held = &in->held[i];
        if (held->ghost != JUDGE_CHECK_COUNT || held->seq_nr == seq_nr) {
            continue;
        }
        if (held->seq_nr > seq_nr) {
            held->ghost = JUDGE_TAIL_KEPT;
            judge_saw(j, JUDGE_TAIL_KEPT);
        } else if (held->flags & SIPC_OPT_LAST_IN_WINDOW) {
            /* "Clears any other last_in_window position": the PDU there is gone with it. */
            held->ghost = JUDGE_TAIL_KEPT;
            judge_saw(j, JUDGE_TAIL_KEPT);
        }
    }
}

/* The place of seq_nr among the held, ghosts of that number included; where to insert else. */
static size_t receive_place(const struct judge_inbound *in, int32_t seq_nr, bool *found)
{
    size_t low = 0, high = in->held_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (in->held[middle].seq_nr < seq_nr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = low < in->held_count && in->held[low].seq_nr == seq_nr;
    return low;
}

static bool receive_room(struct judge_inbound *in)
{
    if (in->held_count == in->held_capacity) {
        size_t capacity = in->held_capacity * 2 + 4;
        struct judge_held *held = realloc(in->held, capacity * sizeof *held);
        if (held == NULL) {
            return false;
        }
        in->held = held;
        in->held_capacity = capacity;
    }
    return true;
}

static bool receive_same(const struct judge_held *held, const struct sipc_pdu *pdu)
{
    size_t data = held->bytes.size - held->options_size;

    return held->options_size == pdu->options.size && data == pdu->data.size &&
           (held->options_size == 0 ||
            memcmp(held->bytes.data, pdu->options.data, held->options_size) == 0) &&
           (data == 0 || memcmp(held->bytes.data + held->options_size, pdu->data.data, data) == 0);
}

/* RCV-4, RCV-5. false: out of memory. */
static bool receive_put(struct judge *j, struct judge_inbound *in, const struct sipc_pdu *pdu,
                        size_t wire_size)
{
    bool found;
    size_t at = receive_place(in, pdu->seq_nr, &found);

    for (size_t i = 0; i < in->held_count; i++) {
        const struct judge_held *held = &in->held[i];
        if (held->ghost == JUDGE_CHECK_COUNT && held->seq_nr < pdu->seq_nr &&
            (held->flags & SIPC_OPT_LAST_IN_WINDOW)) {
            in->doubtful = true; /* behind the end: RCV-5 */
            judge_saw_rule(j, SIPC_RULE_RCV_5);
        }
    }
    if (!found) {
        if (!receive_room(in)) {
            return false;
        }
        memmove(&in->held[at + 1], &in->held[at], (in->held_count - at) * sizeof *in->held);
        in->held_count++;
        in->held[at] = (struct judge_held){.seq_nr = pdu->seq_nr};
    } else if (in->held[at].ghost == JUDGE_CHECK_COUNT && !receive_same(&in->held[at], pdu)) {
        in->doubtful = true;
        judge_saw_rule(j, SIPC_RULE_RCV_4);
    }
    struct judge_held *held = &in->held[at];
    judge_bytes_clear(j, &held->bytes);
    held->ghost = JUDGE_CHECK_COUNT;
    held->flags = pdu->flags;
    held->options_size = pdu->options.size;
    held->wire_size = wire_size;
    held->plain = judge_is_plain(pdu);
    return judge_bytes_add(j, &held->bytes, pdu->options) &&
           judge_bytes_add(j, &held->bytes, pdu->data);
}

/* How many PDUs are held in a row, up to a last_in_window; ghosts of `with` count if it is a
 * check. */
static int32_t receive_run(const struct judge *j, const struct judge_inbound *in,
                           enum judge_check *with, bool *ended)
{
    int32_t run = 0;

    *ended = false;
    for (size_t i = 0; i < in->held_count && !*ended; i++) {
        const struct judge_held *held = &in->held[i];
        if (held->seq_nr != run || (held->ghost != JUDGE_CHECK_COUNT && with == NULL)) {
            break;
        }
        if (held->ghost != JUDGE_CHECK_COUNT) {
            *with = held->ghost;
        }
        *ended = (held->flags & SIPC_OPT_LAST_IN_WINDOW) != 0;
        run++;
    }
    if (j->config.max_window_size >= 0 && run >= j->config.max_window_size) {
        *ended = true;
    }
    return run;
}

/* ---- a window that is full ---- */

static const struct judge_held *receive_held(const struct judge_inbound *in, int32_t seq_nr)
{
    for (size_t i = 0; i < in->held_count; i++) {
        if (in->held[i].ghost == JUDGE_CHECK_COUNT && in->held[i].seq_nr == seq_nr) {
            return &in->held[i];
        }
    }
    return NULL;
}

static void receive_keep_old_group(struct judge *j, struct judge_inbound *in)
{
    judge_group_clear(j, &in->old_group);
    in->old_group = in->group;
    in->old_overflowed = false;
    in->group = (struct judge_group){0};
}

static void receive_clear_group(struct judge *j, struct judge_inbound *in)
{
    judge_group_clear(j, &in->group);
    judge_group_clear(j, &in->old_group);
}

static void receive_full(struct judge *j, struct judge_session *s, struct judge_due *ack)
{
    struct judge_inbound *in = &s->in;
    const struct judge_held *first = receive_held(in, 0);
    const struct judge_held *last = receive_held(in, ack->run);
    bool ends =
        (last->flags & SIPC_OPT_LAST_IN_WINDOW) && (last->flags & SIPC_OPT_LAST_IN_WINDOW_GROUP);
    int64_t limit = j->config.group_bytes_max;

    ack->sized = !(last->flags & SIPC_OPT_LAST_IN_WINDOW);
    judge_saw_rule(j, SIPC_RULE_RCV_6);
    judge_saw_rule(j, SIPC_RULE_RCV_7);
    if (in->group.windows == 0 && !(first->flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP)) {
        ack->may_fail |= j->config.require_first_in_window_group != 0 ? JUDGE_E254 : 0;
        ack->must_fail |= j->config.require_first_in_window_group == 1 ? JUDGE_E254 : 0;
    }
    size_t before = in->group.data.size;
    if (!judge_group_take(j, s, (size_t)ack->run + 1, ack)) {
        judge_forget_inbound(j, s);
        return;
    }
    if ((int64_t)in->group.counted > limit) {
        ack->must_fail |= JUDGE_E250;
    } else if ((int64_t)in->group.wire > limit) {
        ack->may_fail |= JUDGE_E250;
    } else {
        judge_saw_rule(j, SIPC_RULE_GRP_3);
    }
    judge_window_clear(j, s);
    if (ends) {
        judge_group_ended(j, s, ack);
    }
    in->min_processed = true;
    if (ack->must_fail & JUDGE_E250) {
        in->group.data.size = before;
        judge_group_overflow(j, in);
    } else if (ends || ack->must_fail != 0) {
        receive_clear_group(j, in);
    }
    in->last.id = ack->window_id;
    in->last.opcode = SIPC_DATA;
    in->last.answered = false;
}

/* ---- a PDU that is applied ---- */

/* Who is blamed if no answer at all comes. */
static enum judge_check receive_missing(const struct judge *j, const struct judge_inbound *in,
                                        const struct sipc_pdu *pdu)
{
    if (in->min < 0) {
        return pdu->window_id > 0 ? JUDGE_FIRST_ID_IGNORED : JUDGE_ACK_MISSING;
    }
    if (in->min == j->config.window_id_max && pdu->window_id <= j->config.window_id_step) {
        return JUDGE_WRAP_IGNORED;
    }
    if (in->last.id >= 0 && pdu->window_id - in->last.id > j->config.window_id_step) {
        return JUDGE_MIN_NOT_MOVED;
    }
    return pdu->window_id > in->min + 1 ? JUDGE_ID_IGNORED : JUDGE_ACK_MISSING;
}

static void receive_may_overflow(const struct judge *j, const struct judge_inbound *in,
                                 struct judge_due *ack)
{
    size_t wire = in->group.wire;

    for (size_t i = 0; i < in->held_count; i++) {
        wire += in->held[i].wire_size;
    }
    if ((int64_t)wire > j->config.group_bytes_max) {
        ack->may_fail |= JUDGE_E250;
    }
}

static void receive_owe_ack(struct judge *j, struct judge_session *s, const struct judge_due *ack)
{
    struct judge_due *due = judge_owe(j, s, JUDGE_DUE_ACK, ack->missing);

    if (due != NULL) {
        struct judge_due base = *due;
        *due = *ack;
        due->kind = JUDGE_DUE_ACK;
        due->at_ns = base.at_ns;
        due->event = base.event;
    }
    judge_saw(j, ack->missing);
}

static void receive_apply(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                          size_t wire_size, struct judge_due *ack)
{
    struct judge_inbound *in = &s->in;
    bool ended;

    in->min = pdu->window_id;
    in->min_processed = false;
    if (in->window_id != pdu->window_id) {
        receive_turn(j, in, pdu->window_id);
    }
    if (pdu->flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP) {
        judge_saw_rule(j, SIPC_RULE_RCV_2);
        receive_keep_old_group(j, in);
    }
    if (pdu->flags & SIPC_OPT_LAST_IN_WINDOW) {
        receive_end_at(j, in, pdu->seq_nr);
    }
    if (!receive_put(j, in, pdu, wire_size)) {
        judge_forget_inbound(j, s);
        return;
    }
    receive_may_overflow(j, in, ack);
    if (judge_may(s, JUDGE_IN_OPENING)) {
        in->receiving = true;
        in->refused = false;
        in->applied_ns = j->now_ns;
    }
    ack->ghost_run = receive_run(j, in, &ack->ghost, &ended) - 1;
    ack->run = receive_run(j, in, NULL, &ended) - 1;
    ack->doubtful = in->doubtful;
    if (ack->run < 0) {
        ack->optional = ack->may_fail != 0;
        ack->run = pdu->seq_nr;
        if (ack->may_fail != 0) {
            ack->must_fail = 0;
            ack->run = -1; /* only an error may come */
            receive_owe_ack(j, s, ack);
        }
        judge_saw_rule(j, SIPC_RULE_ACK_1);
        return;
    }
    ack->full = ended;
    if (ended) {
        receive_full(j, s, ack);
        if (!in->known) {
            return;
        }
    }
    receive_owe_ack(j, s, ack);
}

/* ---- a PDU ---- */

/* OPN-2: it is refused while the endpoint is about to send. 0 no, 1 yes, -1 nobody can tell. */
static int receive_refuses(struct judge *j, struct judge_session *s)
{
    if (!judge_may(s, JUDGE_IN_OPENING) || s->skip_seen) {
        return 0;
    }
    if (!judge_knows(j, JUDGE_NEEDS_COMMANDS | JUDGE_NEEDS_SYNC | JUDGE_NEEDS_EVENTS)) {
        return -1;
    }
    if (judge_sending(s) == NULL && !s->operations_lost) {
        if (s->sends_ended) {
            judge_saw(j, JUDGE_STILL_REFUSED);
        }
        return 0;
    }
    return judge_must(s, JUDGE_IN_OPENING) && !s->operations_lost ? 1 : -1;
}

static void receive_repeat(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    judge_saw(j, JUDGE_REPEAT_IGNORED);
    judge_cause_set(j, JUDGE_REACTS_WID_5, s, "a PDU of the window processed last", false);
    if (judge_may(s, JUDGE_IN_DISPOSED)) {
        judge_forget_inbound(j, s);
        return;
    }
    struct judge_due *due = judge_owe(j, s, JUDGE_DUE_ACK, JUDGE_REPEAT_IGNORED);
    if (due != NULL) {
        due->window_id = pdu->window_id;
        due->seq_nr = pdu->seq_nr;
        due->repeat = true;
    }
}

/* Skip opens the session before anything else is done with a valid PDU (STM-1). */
static void receive_skip(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    if (!(pdu->flags & SIPC_OPT_SKIP)) {
        return;
    }
    judge_saw_rule(j, SIPC_RULE_OPN_4);
    judge_saw_rule(j, SIPC_RULE_STM_1);
    if (judge_must(s, JUDGE_IN_OPENING)) {
        judge_enter(j, s, JUDGE_STATE_OPENED);
    } else if (judge_may(s, JUDGE_IN_OPENING)) {
        s->states = (s->states & ~(unsigned)JUDGE_IN_OPENING) | JUDGE_IN_OPENED;
    }
}

/* false: the states it may be in disagree about what is to be done with the PDU. */
static bool receive_state(struct judge *j, struct judge_session *s)
{
    if (judge_must(s, JUDGE_IN_LIVING)) {
        return true;
    }
    if (judge_may(s, JUDGE_IN_LIVING | JUDGE_IN_DISPOSED)) {
        judge_forget_inbound(j, s);
        return false;
    }
    judge_saw(j, JUDGE_REACTS_RCV_10);
    judge_cause_set(j, JUDGE_REACTS_RCV_10, s, "a data PDU from closing on", false);
    return false;
}

void judge_rx_data(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                   uint64_t peer, size_t wire_size)
{
    struct judge_due ack = {.window_id = pdu->window_id,
                            .seq_nr = pdu->seq_nr,
                            .ghost_run = -1,
                            .ghost = JUDGE_CHECK_COUNT};

    if ((pdu->present & SIPC_OPT_IDLE_TIMEOUT) && s->idle_timeout_ms >= 0) {
        s->wish_ms = s->idle_timeout_ms;
        s->idle_timeout_ms = -1; /* IDL-2 is advisory */
    }
    if (!s->in.known) { /* and whether it is valid, and its skip counts */
        judge_may_open(s);
        s->quiet_ns = j->now_ns;
        s->out.peer_spoke = true;
        return;
    }
    judge_window_id_saw(j, s, pdu);
    switch (judge_window_id_check(j, s, pdu)) {
    case JUDGE_REPEAT:
        s->last_peer = peer;
        receive_repeat(j, s, pdu);
        return;
    case JUDGE_INVALID:
        judge_saw_rule(j, SIPC_RULE_SEQ_3);
        judge_cause_set(j, judge_window_id_rule(j, s, pdu), s,
                        "a PDU with an invalid window id or seq_nr", false);
        return;
    case JUDGE_UNTESTED:
        judge_forget_inbound(j, s);
        s->out.peer_spoke = true;
        if (pdu->window_id > j->config.window_id_max) {
            judge_cause_set(j, JUDGE_REACTS_WID_2a, s, "a PDU with an id above the highest", true);
        }
        return;
    default:
        break;
    }
    s->out.peer_spoke = true;
    if (!receive_state(j, s)) {
        return;
    }
    s->quiet_ns = s->active_ns = j->now_ns;
    s->out.peer_heard = true;
    receive_skip(j, s, pdu);
    ack.missing = receive_missing(j, &s->in, pdu);
    int refuses = receive_refuses(j, s);
    if (refuses > 0) {
        ack.missing = JUDGE_NOT_REFUSED;
        ack.must_fail = ack.may_fail = JUDGE_E252;
        ack.run = pdu->seq_nr;
        judge_saw(j, JUDGE_NOT_REFUSED);
        receive_owe_ack(j, s, &ack);
        return;
    }
    ack.may_fail |= refuses < 0 ? JUDGE_E252 : 0;
    receive_apply(j, s, pdu, wire_size, &ack);
}
