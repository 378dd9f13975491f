/* Receiving data: is the PDU one to apply (check), what it changes (apply), how it is answered.
 *
 *     data PDU -> window id valid? -> state -> opening restrictions -> held in the window
 *              -> full? -> joins the group -> ends it? -> delivered
 *              -> one ack, whatever came of it
 *
 * Carries WID-3…8, SEQ-1, SEQ-3, RCV-*, ACK-*, GRP-1, OPN-2, OPN-3. Knows nothing of sending. */
#include "state.h"

void sipc__receiver_clear(struct sipc_endpoint *ep, struct session *s)
{
    sipc__window_clear(ep, s);
    sipc__group_clear(ep, s);
}

static enum sipc_opcode receiver_ack_opcode(uint8_t opcode)
{
    return opcode == SIPC_CLOSE ? SIPC_CLOSE_ACK : SIPC_DATA_ACK;
}

/* ACK-2, ACK-3: what the ack of a window carries follows from how the window ended. */
static uint32_t receiver_ack_flags(const struct last_ack *last)
{
    if (last->error_code != 0)
        return 0; /* SIPC_RULE_ACK_3a */
    if (last->opcode == SIPC_CLOSE)
        return SIPC_OPT_IS_WINDOW_FULL; /* SIPC_RULE_CLS_1a */
    return SIPC_OPT_IS_WINDOW_FULL |
           SIPC_OPT_MAX_WINDOW_SIZE; /* SIPC_RULE_ACK_2, SIPC_RULE_ACK_2a */
}

static void receiver_transmit_last(struct sipc_endpoint *ep, const struct session *s)
{
    const struct last_ack *last = &s->rx.last;

    sipc__transmit(ep, s, receiver_ack_opcode(last->opcode), last->window_id, last->seq_nr,
                   receiver_ack_flags(last), last->error_code);
}

void sipc__receiver_answer(struct sipc_endpoint *ep, struct session *s, const struct sipc_pdu *pdu,
                           int32_t seq_nr, int32_t error_code)
{
    struct last_ack *last = &s->rx.last;

    last->window_id = pdu->window_id;
    last->seq_nr = seq_nr;
    last->error_code = error_code;
    last->opcode = pdu->opcode;
    s->rx.min_processed = true; /* SIPC_RULE_WID_5 */
    receiver_transmit_last(ep, s);
}

void sipc__receiver_refuse(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                           const struct sipc_pdu *pdu, enum window_id_verdict verdict)
{
    if (verdict == WINDOW_ID_REPEAT && s->rx.last.opcode == pdu->opcode) {
        sipc__session_answer_to(ep, s, from);
        receiver_transmit_last(ep, s); /* SIPC_RULE_WID_7 */
        return;
    }
    sipc__discard(ep, s, s->id, from,
                  SIPC_DISCARD_WINDOW_ID); /* SIPC_RULE_SEQ_3, SIPC_RULE_SEQ_3a */
}

/* ACK-3: the window is processed all the same. */
static void receiver_fail(struct sipc_endpoint *ep, struct session *s, const struct sipc_pdu *pdu,
                          int32_t seq_nr, int32_t error_code)
{
    sipc__receiver_clear(ep, s); /* SIPC_RULE_ACK_3a */
    s->rx.receiving = false;     /* SIPC_RULE_OPN_5a */
    sipc__timer_set(s, TIMER_RECEIVING, SIPC_NEVER);
    sipc__receiver_answer(ep, s, pdu, seq_nr, error_code);
}

/* The error with which a full window ends, 0 for none; decided before anything is moved. */
static int32_t receiver_check_full(const struct sipc_endpoint *ep, const struct session *s,
                                   uint32_t first_flags, bool ends_group)
{
    if (s->rx.group_windows == 0 && ep->config.require_first_in_window_group &&
        (first_flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP) == 0)
        return SIPC_ERROR_NO_BEGINNING; /* SIPC_RULE_RCV_11 */
    if (ends_group && s->state == SIPC_OPENING && s->rx.group_windows == 0)
        return SIPC_ERROR_SINGLE_WINDOW_GROUP; /* SIPC_RULE_OPN_3 */
    return 0;
}

static void receiver_full(struct sipc_endpoint *ep, struct session *s, const struct sipc_pdu *pdu)
{
    const struct position *positions = positions_of(ep, s);
    const uint32_t ends = SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP;
    int32_t seq_nr = (int32_t)s->rx.run - 1;
    bool ends_group = (positions[seq_nr].flags & ends) == ends; /* SIPC_RULE_RCV_7 */
    int32_t error_code = receiver_check_full(ep, s, positions[0].flags, ends_group);

    if (error_code != 0) {
        receiver_fail(ep, s, pdu, seq_nr, error_code);
        return;
    }
    sipc__window_join_group(ep, s);
    if (ends_group && !sipc__group_deliver(ep, s)) {
        receiver_fail(ep, s, pdu, seq_nr, SIPC_ERROR_OPTION_DECODING); /* SIPC_RULE_OPT_8 */
        return;
    }
    sipc__receiver_answer(ep, s, pdu, seq_nr, 0);
}

/* Whether a PDU is a window group by itself, as short messages are, and would pass through an empty
 * window and group: those are spared it. What would be answered with an error is none of them. */
static bool receiver_is_whole_group(const struct sipc_endpoint *ep, const struct session *s,
                                    const struct sipc_pdu *pdu)
{
    const uint32_t whole = SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW |
                           SIPC_OPT_LAST_IN_WINDOW_GROUP; /* SIPC_RULE_RCV_6, SIPC_RULE_RCV_7 */

    return (pdu->flags & whole) == whole && pdu->seq_nr == 0 && s->rx.window_id < 0 &&
           (pdu->present & ~SIPC_OPT_FRAMING) == 0 &&
           pdu->data.size <= ep->config.group_bytes_max && /* SIPC_RULE_GRP_1 */
           s->state != SIPC_OPENING;                       /* SIPC_RULE_OPN_3 */
}

static void receiver_apply(struct sipc_endpoint *ep, struct session *s, const struct sipc_pdu *pdu)
{
    struct receiver *rx = &s->rx;

    if (s->state == SIPC_OPENING) { /* SIPC_RULE_OPN_5a */
        rx->receiving = true;
        sipc__timer_set(s, TIMER_RECEIVING,
                        time_after(ep->now, (ep->config.max_retry_count + UINT64_C(1)) *
                                                ep->config.ack_timeout_ns));
    }
    if (pdu->window_id != rx->min_window_id) { /* SIPC_RULE_WID_4 */
        rx->min_window_id = pdu->window_id;
        rx->min_processed = false;
    }
    if (pdu->window_id != rx->window_id) /* SIPC_RULE_RCV_1 */
        sipc__window_clear(ep, s);
    if ((pdu->flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP) != 0) /* SIPC_RULE_RCV_2 */
        sipc__group_clear(ep, s);
    if (receiver_is_whole_group(ep, s, pdu)) {
        sipc__group_deliver_pdu(ep, s, pdu);
        sipc__receiver_answer(ep, s, pdu, 0, 0);
        return;
    }
    if (!sipc__window_hold(ep, s, pdu)) {
        receiver_fail(ep, s, pdu, pdu->seq_nr, SIPC_ERROR_GROUP_OVERFLOW);
        return;
    }
    if (sipc__window_is_full(ep, s))
        receiver_full(ep, s, pdu);
    else if (rx->run > 0) /* SIPC_RULE_ACK_1, SIPC_RULE_ACK_1a */
        sipc__transmit(ep, s, SIPC_DATA_ACK, pdu->window_id, (int32_t)rx->run - 1, 0, 0);
}

void sipc__receiver_data(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                         const struct sipc_pdu *pdu)
{
    enum window_id_verdict verdict = sipc__window_id_check(&ep->config, &s->rx, pdu->window_id);
    enum sipc_discard reason = SIPC_DISCARD_NONE;

    if (verdict != WINDOW_ID_VALID) {
        sipc__receiver_refuse(ep, s, from, pdu, verdict);
        return;
    }
    if ((uint32_t)pdu->seq_nr >= ep->config.max_window_size)
        reason = SIPC_DISCARD_SEQ_NR; /* SIPC_RULE_SEQ_1 */
    else if (s->state > SIPC_OPENED)
        reason = SIPC_DISCARD_STATE; /* SIPC_RULE_RCV_10 */
    if (reason != SIPC_DISCARD_NONE) {
        sipc__discard(ep, s, s->id, from, reason);
        return;
    }
    sipc__session_answer_to(ep, s, from);
    if ((pdu->flags & SIPC_OPT_SKIP) != 0)
        sipc__session_opened(ep, s); /* SIPC_RULE_STM_1, SIPC_RULE_OPN_4 */
    sipc__session_heard(ep, s);
    if (s->state == SIPC_OPENING &&
        s->tx.op.kind == OPERATION_SEND) { /* SIPC_RULE_OPN_2, SIPC_RULE_OPN_2a */
        sipc__transmit(ep, s, SIPC_DATA_ACK, pdu->window_id, pdu->seq_nr, 0,
                       SIPC_ERROR_TWO_WAY_WHILE_OPENING);
        return;
    }
    receiver_apply(ep, s, pdu);
    sipc__session_idle_restart(ep, s); /* SIPC_RULE_IDL_1 */
}
