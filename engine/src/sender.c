/* The operation in progress: a message, or a close. It goes window by window:
 *
 *     first try      all PDUs, each at the aftermath of the one before; then wait for an ack
 *     one at a time  after a timeout: from the first PDU, one PDU, one ack, skipping ahead
 *
 *     begin group -> [resync] -> window -> full ack -> rest of the window | next window
 *                                                    | between groups -> next group | success
 *
 * Each window, and each resync PDU, has max_retry_count retries. The ack timer runs from the
 * aftermath of the last PDU sent. Carries SND-*, RTY-*, PRT-*, WID-9…11, CLS-1, CLS-2.
 * Knows nothing of receiving. */
#include "state.h"

void sipc__sender_drop(struct sipc_endpoint *ep, struct session *s)
{
    struct operation *op = &s->tx.op;

    if (op->option_size > 0)
        memset(options_of(ep, s), 0, op->option_size);
    /* Two halves: of one this long, compilers make a string instruction, which is slow. */
    memset(op, 0, offsetof(struct operation, option_size));
    memset(&op->option_size, 0, sizeof *op - offsetof(struct operation, option_size));
    sipc__timer_set(s, TIMER_ACK, SIPC_NEVER);
}

bool sipc__sender_restricted(const struct session *s, bool skip)
{
    return !skip && !s->tx.group_acked && !s->rx.group_received; /* SIPC_RULE_OPN_6 */
}

static struct sipc_span sender_options(const struct sipc_endpoint *ep, const struct session *s)
{
    return (struct sipc_span){options_of(ep, s), s->tx.op.option_size};
}

/* ---- ends ---- */

static void sender_finish(struct sipc_endpoint *ep, struct session *s, enum sipc_outcome outcome,
                          int32_t code)
{
    struct operation *op = &s->tx.op;

    if (op->kind == OPERATION_CLOSE) { /* SIPC_RULE_STM_5: whatever came of it */
        sipc__session_end(ep, s, op->code);
        return;
    }
    /* SIPC_RULE_SND_11, SIPC_RULE_STM_7: the session stays; SIPC_RULE_OPN_5: so may be sent anew */
    sipc__result(ep, s, SIPC_OP_SEND, op->handle, outcome, code);
    sipc__sender_drop(ep, s);
    sipc__session_idle_restart(ep, s); /* SIPC_RULE_IDL_1 */
    sipc__unreliable_flush(ep, s);
}

/* ---- transmitting ---- */

static void sender_transmit_data(struct sipc_endpoint *ep, struct session *s, uint32_t seq_nr)
{
    struct operation *op = &s->tx.op;
    uint32_t index = op->window_start + seq_nr;
    struct plan_pdu cut =
        sipc__plan_pdu(&ep->config, sender_options(ep, s), &op->plan, op->skip, index);
    uint32_t flags = op->skip ? SIPC_OPT_SKIP : 0u; /* SIPC_RULE_OPN_4a */
    struct queued *q;

    if (index == 0) /* SIPC_RULE_SND_5 */
        flags |= SIPC_OPT_FIRST_IN_WINDOW_GROUP;
    if (seq_nr + 1 == op->window_length)
        flags |= SIPC_OPT_LAST_IN_WINDOW; /* SIPC_RULE_SND_5, SIPC_RULE_SND_5a */
    if (index + 1 == op->plan.pdu_count)
        flags |= SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP;
    /* SIPC_RULE_SEQ_2: seq_nr counts from the window's start */
    op->token = sipc__transmit(ep, s, SIPC_DATA, op->window_id, (int32_t)seq_nr, flags, 0);
    q = sipc__action_last(ep);
    q->owed = true;
    q->message = op->handle;
    q->payload_offset = op->plan.data_offset + cut.data_start;
    q->payload_size = cut.data_size;
    q->option_start = cut.option_start;
    q->option_size = cut.option_size;
}

/* Sends PDU `seq_nr` of the window, which is then the last one sent of this try. */
static void sender_transmit(struct sipc_endpoint *ep, struct session *s, uint32_t seq_nr)
{
    struct operation *op = &s->tx.op;

    sipc__timer_set(s, TIMER_ACK, SIPC_NEVER);
    op->sent = seq_nr + 1;
    if (op->kind == OPERATION_SEND) {
        sender_transmit_data(ep, s, seq_nr);
    } else {
        op->token = sipc__transmit(ep, s, SIPC_CLOSE, op->window_id, 0, 0, op->code);
        sipc__action_last(ep)->owed = true;
    }
}

uint64_t sipc__sender_resync(struct sipc_endpoint *ep, struct session *s)
{
    struct sender *tx = &s->tx;

    if (tx->resync_at != SIPC_NEVER &&
        ep->now < time_after(tx->resync_at, ep->config.ack_timeout_ns))
        return 0; /* SIPC_RULE_WID_11: at most one per ack_timeout */
    /* A retry keeps its id, also where top went on meanwhile. */
    if (tx->op.phase != PHASE_RESYNC)
        tx->last_id = sipc__window_id_top(&ep->config, tx);
    tx->resync_at = ep->now;
    return sipc__transmit(ep, s, SIPC_DATA, tx->last_id, 0, 0, 0);
}

/* ---- windows ---- */

static void sender_resync_step(struct sipc_endpoint *ep, struct session *s)
{
    struct operation *op = &s->tx.op;
    uint64_t token = sipc__sender_resync(ep, s);

    if (token == 0) { /* the one that left last may still be acked */
        op->phase = PHASE_RESYNC_WAIT;
        sipc__timer_set(s, TIMER_ACK, time_after(s->tx.resync_at, ep->config.ack_timeout_ns));
        return;
    }
    op->phase = PHASE_RESYNC;
    op->token = token;
    sipc__action_last(ep)->owed = true;
    sipc__timer_set(s, TIMER_ACK, SIPC_NEVER);
}

/* Whether the operation's next window has an id. A close may carry *top* itself, unless a resync
 * PDU has used it (WID-11). */
static bool sender_has_id(const struct sipc_endpoint *ep, const struct session *s)
{
    if (s->tx.op.kind == OPERATION_CLOSE)
        return sipc__window_id_next(&ep->config, &s->tx) <=
               sipc__window_id_top(&ep->config, &s->tx);
    return !sipc__window_id_exhausted(&ep->config, &s->tx);
}

/* Sends the window that was set up, or first makes room for its id. */
static void sender_begin_window(struct sipc_endpoint *ep, struct session *s)
{
    struct operation *op = &s->tx.op;

    op->phase = PHASE_WINDOW;
    op->one_at_a_time = false;
    op->retries = 0; /* SIPC_RULE_RTY_3, SIPC_RULE_PRT_1: no retry history; nor for a resync PDU */
    if (sender_has_id(ep, s)) {
        op->window_id = sipc__window_id_take(&ep->config, &s->tx); /* SIPC_RULE_WID_9 */
    } else if (op->kind == OPERATION_CLOSE && op->code != SIPC_ABORT_NORMAL) {
        op->window_id = s->tx.last_id; /* SIPC_RULE_WID_11: a forced close goes all the same */
    } else {
        sender_resync_step(ep, s); /* SIPC_RULE_WID_11 */
        return;
    }
    sender_transmit(ep, s, 0);
}

static uint32_t sender_window_limit(const struct sipc_endpoint *ep, const struct session *s)
{
    uint32_t own = ep->config.max_window_size; /* SIPC_RULE_SND_2a */
    uint32_t peer = s->tx.peer_window_max;     /* SIPC_RULE_SND_12 */

    return peer > 0 && peer < own ? peer : own;
}

/* The window that starts at PDU `start` of the group: what is left of the prospective window, or a
 * new prospective window. */
static void sender_set_window(struct sipc_endpoint *ep, struct session *s, uint32_t start)
{
    struct operation *op = &s->tx.op;
    uint32_t limit = sender_window_limit(ep, s);

    op->window_start = start;
    if (start == op->prospective_end) { /* SIPC_RULE_PRT_2 */
        op->prospective_end = start + limit;
        if (start == 0 && sipc__sender_restricted(s, op->skip))
            op->prospective_end = 1; /* SIPC_RULE_OPN_3a */
        if (op->prospective_end > op->plan.pdu_count)
            op->prospective_end = op->plan.pdu_count;
    }
    op->window_length = op->prospective_end - start;
    if (op->window_length > limit)
        op->window_length = limit;
}

/* Plans the group that begins at `offset` of the message. false: no room for data. */
static bool sender_plan_group(struct sipc_endpoint *ep, struct session *s, uint64_t offset)
{
    struct operation *op = &s->tx.op;
    bool restricted = sipc__sender_restricted(s, op->skip);

    return sipc__plan_group(&ep->config, sender_options(ep, s), offset, op->size, op->skip,
                            restricted, &op->plan);
}

static void sender_begin_group(struct sipc_endpoint *ep, struct session *s)
{
    s->tx.op.prospective_end = 0;
    sender_set_window(ep, s, 0);
    sender_begin_window(ep, s);
}

void sipc__sender_boundary_passed(struct sipc_endpoint *ep, struct session *s)
{
    struct operation *op = &s->tx.op;
    uint64_t offset = op->plan.data_offset + op->plan.data_size;

    /* The attributes left room for data in the first group, and lifting OPN-3 only adds to it. */
    SIPC_ASSERT(sender_plan_group(ep, s, offset));
    sender_begin_group(ep, s);
}

static void sender_group_done(struct sipc_endpoint *ep, struct session *s)
{
    struct operation *op = &s->tx.op;

    s->tx.group_acked = true; /* SIPC_RULE_OPN_6 */
    if (op->plan.data_offset + op->plan.data_size >= op->size) {
        sender_finish(ep, s, SIPC_OUTCOME_OK, 0);
        return;
    }
    op->phase = PHASE_BOUNDARY; /* SIPC_RULE_FAF_2 */
    op->boundary_budget = s->faf.count;
    sipc__unreliable_flush(ep, s);
}

/* `count` PDUs of the window are a sent window (PRT-1). */
static void sender_window_full(struct sipc_endpoint *ep, struct session *s, uint32_t count)
{
    struct operation *op = &s->tx.op;
    uint32_t next = op->window_start + count;

    op->token = 0; /* SIPC_RULE_SND_9: also in the gap that may follow */
    sipc__timer_set(s, TIMER_ACK, SIPC_NEVER);
    sipc__session_opened(ep, s); /* SIPC_RULE_STM_1 */
    if (next == op->plan.pdu_count) {
        sender_group_done(ep, s);
        return;
    }
    sender_set_window(ep, s, next); /* SIPC_RULE_PRT_1 */
    sender_begin_window(ep, s);
}

/* ---- beginnings ---- */

enum sipc_status sipc__sender_start(struct sipc_endpoint *ep, struct session *s)
{
    struct operation *op = &s->tx.op;

    if (!sender_plan_group(ep, s, 0)) {
        sipc__sender_drop(ep, s);
        return SIPC_E_ATTRIBUTES; /* SIPC_RULE_SND_3 */
    }
    op->kind = OPERATION_SEND;
    if (op->skip)
        sipc__session_opened(ep, s); /* SIPC_RULE_STM_1, SIPC_RULE_OPN_4 */
    sipc__timer_set(s, TIMER_IDLE, SIPC_NEVER);
    sender_begin_group(ep, s);
    sipc__session_settle(ep, s);
    return SIPC_OK;
}

void sipc__sender_close(struct sipc_endpoint *ep, struct session *s, int32_t code)
{
    struct operation *op = &s->tx.op;

    op->kind = OPERATION_CLOSE;
    op->code = code;
    op->window_length = 1;
    sender_begin_window(ep, s);
}

/* ---- acks ---- */

/* SND-8: whether the ack may move the operation at all; *count is how much it covers. */
static bool sender_check_ack(const struct operation *op, const struct sipc_pdu *pdu,
                             uint32_t *count)
{
    uint8_t awaited = op->kind == OPERATION_CLOSE ? SIPC_CLOSE_ACK : SIPC_DATA_ACK;
    uint32_t low = op->one_at_a_time ? op->sent : 1;
    uint32_t high = op->one_at_a_time ? op->window_length : op->sent;

    if (op->kind == OPERATION_CLOSE && op->code != SIPC_ABORT_NORMAL)
        return false; /* SIPC_RULE_CLS_2: only the aftermath is awaited */
    if (op->kind == OPERATION_NONE || op->phase != PHASE_WINDOW || pdu->opcode != awaited ||
        pdu->window_id != op->window_id || pdu->seq_nr == INT32_MAX)
        return false;
    *count = (uint32_t)pdu->seq_nr + 1;
    return *count >= low && *count <= high;
}

static void sender_apply_ack(struct sipc_endpoint *ep, struct session *s,
                             const struct sipc_pdu *pdu, uint32_t count)
{
    struct operation *op = &s->tx.op;

    if (op->kind == OPERATION_CLOSE) { /* SIPC_RULE_CLS_1a */
        sender_finish(ep, s, SIPC_OUTCOME_OK, 0);
    } else if (pdu->error_code != 0) { /* SIPC_RULE_ERR_2, SIPC_RULE_SND_9 */
        sender_finish(ep, s, SIPC_OUTCOME_PEER_ERROR, pdu->error_code);
    } else if ((pdu->flags & SIPC_OPT_IS_WINDOW_FULL) != 0) {
        sender_window_full(ep, s, count);
    } else if (count >= op->sent && count < op->window_length) { /* SIPC_RULE_SND_9 */
        sender_transmit(ep, s, count);
    } /* else SIPC_RULE_SND_10: it changes nothing */
}

/* The ack of a resync PDU, or a late one of an older id, may have brought the next id (WID-11).
 * That of a resync PDU just below the largest id makes the next id top again: there it takes
 * another. */
static void sender_check_resynced(struct sipc_endpoint *ep, struct session *s)
{
    struct operation *op = &s->tx.op;

    if (op->phase != PHASE_RESYNC && op->phase != PHASE_RESYNC_WAIT)
        return;
    if (s->tx.acked_id != s->tx.last_id && !sender_has_id(ep, s))
        return;
    if (op->kind == OPERATION_SEND)
        sender_set_window(ep, s, op->window_start); /* SIPC_RULE_SND_12: by this ack's size */
    op->token = 0;
    sender_begin_window(ep, s);
}

void sipc__sender_ack(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                      const struct sipc_pdu *pdu)
{
    uint32_t count = 0;
    int64_t acked_id;
    bool awaited;

    if (s->state == SIPC_AWAITING_DISPOSAL ||
        (s->state == SIPC_OPENING && pdu->opcode != SIPC_DATA_ACK)) { /* SIPC_RULE_OPN_1 */
        sipc__discard(ep, s, s->id, from, SIPC_DISCARD_STATE);
        return;
    }
    acked_id = s->tx.acked_id;
    if (sipc__window_id_acked(&ep->config, &s->tx, pdu->window_id, pdu->error_code))
        sipc__session_heard(ep, s);
    awaited = sender_check_ack(&s->tx.op, pdu, &count);
    if (awaited || acked_id != s->tx.acked_id) {
        sipc__session_answer_to(ep, s, from);
        if (pdu->max_window_size > 0) /* SIPC_RULE_SND_12 */
            s->tx.peer_window_max = (uint32_t)pdu->max_window_size;
    }
    if (awaited)
        sender_apply_ack(ep, s, pdu, count);
    else if (acked_id != s->tx.acked_id) /* SIPC_RULE_FAF_1, SIPC_RULE_WID_11 */
        sender_check_resynced(ep, s);
    else
        sipc__discard(ep, s, s->id, from, SIPC_DISCARD_NOT_AWAITED); /* SIPC_RULE_SND_8 */
    if (pdu->opcode == SIPC_DATA_ACK)
        sipc__session_idle_restart(ep, s); /* SIPC_RULE_IDL_1 */
}

/* ---- aftermaths and timeouts ---- */

static void sender_wait(struct sipc_endpoint *ep, struct session *s)
{
    sipc__timer_set(s, TIMER_ACK, time_after(ep->now, ep->config.ack_timeout_ns));
}

void sipc__sender_sent(struct sipc_endpoint *ep, struct session *s, bool success)
{
    struct operation *op = &s->tx.op;

    op->token = 0;
    /* SIPC_RULE_CLS_2, SIPC_RULE_CLS_2a: only a gracious close waits for more than this */
    if (!success || (op->kind == OPERATION_CLOSE && op->code != SIPC_ABORT_NORMAL))
        sender_finish(ep, s, SIPC_OUTCOME_NETWORK_ERROR, SIPC_LOCAL_NETWORK_ERROR);
    else if (op->phase == PHASE_WINDOW && !op->one_at_a_time && op->sent < op->window_length)
        sender_transmit(ep, s, op->sent); /* SIPC_RULE_SND_6 */
    else
        sender_wait(ep, s); /* SIPC_RULE_SND_7 */
}

void sipc__sender_timeout(struct sipc_endpoint *ep, struct session *s)
{
    struct operation *op = &s->tx.op;

    if (op->phase == PHASE_RESYNC_WAIT) {
        sender_resync_step(ep, s);
        return;
    }
    if (op->retries == ep->config.max_retry_count) { /* SIPC_RULE_RTY_3 */
        sender_finish(ep, s, SIPC_OUTCOME_TIMEOUT, SIPC_LOCAL_SEND_TIMEOUT);
        return;
    }
    op->retries++;
    if (op->phase == PHASE_RESYNC) {
        sender_resync_step(ep, s);
        return;
    }
    op->one_at_a_time = true; /* SIPC_RULE_RTY_1, SIPC_RULE_RTY_2 */
    sender_transmit(ep, s, 0);
}
