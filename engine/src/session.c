/* A session's life: its states and the edges between them (STM), opening (OPN), closing (CLS),
 * enquire links (LNK), idle timeout (IDL), and the commands of the application.
 *
 *               first window sent, first group received, skip
 *     opening ------------------------------------------------> opened
 *        |                                                        |  |  close requested, idle
 *        |  open timeout, close requested    close PDU, nack      |  +------------------> closing
 *        |                                         +--------------+                          |
 *        v                                         v                 close sent and done,    |
 *     awaiting_disposal <------------------------- + <-------------- close PDU, nack --------+
 *        |
 *        v  one linger later; final dispose from every state
 *     disposed
 *
 * The timers are listed in state.h. Windows are the receiver's and the sender's business. */
#include "state.h"

const char *sipc_state_name(enum sipc_state state)
{
    static const char *const names[] = {"opening", "opened", "closing", "awaiting_disposal",
                                        "disposed"};
    SIPC_ASSERT((unsigned)state < sizeof names / sizeof names[0]);
    return names[state];
}

struct session *sipc__session_of(const struct sipc_endpoint *ep, sipc_session handle)
{
    uint32_t slot = (uint32_t)handle - 1u;
    struct session *s;

    if ((uint32_t)handle == 0 || slot >= ep->config.max_sessions)
        return NULL;
    s = session_at(ep, slot);
    if (!s->used || s->state == SIPC_DISPOSED || s->generation != handle >> 32)
        return NULL;
    return s;
}

sipc_session sipc_session_find(const struct sipc_endpoint *ep, sipc_peer remote,
                               const uint8_t session_id[SIPC_SESSION_ID_SIZE])
{
    uint32_t slot = sipc__table_find(ep, remote, session_id);
    const struct session *s;

    if (slot == SLOT_NONE)
        return 0;
    s = session_at(ep, slot);
    return s->state == SIPC_DISPOSED ? 0 : handle_of(ep, s);
}

enum sipc_state sipc_session_state(const struct sipc_endpoint *ep, sipc_session session)
{
    const struct session *s = sipc__session_of(ep, session);
    return s == NULL ? SIPC_DISPOSED : (enum sipc_state)s->state;
}

/* ---- edges ---- */

static void session_enter(struct sipc_endpoint *ep, struct session *s, enum sipc_state state,
                          int32_t cause)
{
    struct queued *q;

    SIPC_ASSERT(state > (enum sipc_state)s->state); /* never backwards */
    s->state = (uint8_t)state;
    q = sipc__action_push(ep, SIPC_ACTION_STATE, s);
    q->detail = (uint8_t)state;
    q->code = cause;
    sipc__timer_set(s, TIMER_OPEN, SIPC_NEVER);
    sipc__timer_set(s, TIMER_RECEIVING, SIPC_NEVER);
    if (state != SIPC_OPENED) {
        sipc__timer_set(s, TIMER_IDLE, SIPC_NEVER);
        sipc__timer_set(s, TIMER_ENQUIRE, SIPC_NEVER);
    }
}

/* Not at the end of time, where there is no later: it would be due for ever. */
static void session_enquire_start(struct sipc_endpoint *ep, struct session *s)
{
    sipc_time interval = ep->config.enquire_link_interval_ns;

    if (s->state == SIPC_OPENED && s->heard &&
        interval > 0 && /* SIPC_RULE_LNK_2, SIPC_RULE_LNK_4 */
        s->timers[TIMER_ENQUIRE] == SIPC_NEVER && ep->now < SIPC_NEVER - 1)
        sipc__timer_set(s, TIMER_ENQUIRE, time_after(ep->now, interval));
}

void sipc__session_opened(struct sipc_endpoint *ep, struct session *s)
{
    if (s->state != SIPC_OPENING)
        return;
    session_enter(ep, s, SIPC_OPENED, 0); /* SIPC_RULE_STM_1 */
    s->rx.receiving = false;              /* SIPC_RULE_OPN_5a */
    sipc__session_idle_restart(ep, s);
    session_enquire_start(ep, s);
}

void sipc__session_heard(struct sipc_endpoint *ep, struct session *s)
{
    s->heard = true; /* SIPC_RULE_LNK_4 */
    session_enquire_start(ep, s);
}

void sipc__session_answer_to(struct sipc_endpoint *ep, struct session *s, sipc_peer from)
{
    if (ep->config.stream)
        s->remote = from; /* SIPC_RULE_END_1a */
}

void sipc__session_idle_restart(struct sipc_endpoint *ep, struct session *s)
{
    bool runs = s->state == SIPC_OPENED && s->idle_timeout_ns > 0 &&
                s->tx.op.kind == OPERATION_NONE; /* SIPC_RULE_IDL_1 */

    sipc__timer_set(s, TIMER_IDLE,
                    runs ? time_after(ep->now, (uint64_t)s->idle_timeout_ns) : SIPC_NEVER);
}

/* Ends what is in progress: a send with `code`, closes as `outcome` says. */
static void session_end_operations(struct sipc_endpoint *ep, struct session *s,
                                   enum sipc_outcome close_outcome, int32_t code)
{
    if (s->tx.op.kind == OPERATION_SEND) /* SIPC_RULE_SND_11 */
        sipc__result(ep, s, SIPC_OP_SEND, s->tx.op.handle, SIPC_OUTCOME_CLOSED, code);
    sipc__sender_drop(ep, s);
    for (uint32_t i = 0; i < s->close_count; i++) /* SIPC_RULE_CLS_5 */
        sipc__result(ep, s, SIPC_OP_CLOSE, s->close_handles[i], close_outcome,
                     close_outcome == SIPC_OUTCOME_OK ? 0 : code);
    memset(s->close_handles, 0, sizeof s->close_handles);
    s->close_count = 0;
}

void sipc__session_end(struct sipc_endpoint *ep, struct session *s, int32_t code)
{
    session_end_operations(ep, s, SIPC_OUTCOME_OK, code);
    sipc__unreliable_drop(ep, s); /* SIPC_RULE_FAF_2 */
    sipc__receiver_clear(ep, s);
    session_enter(ep, s, SIPC_AWAITING_DISPOSAL, code);
    s->linger_until = time_after(ep->now, ep->config.linger_ns); /* SIPC_RULE_END_3 */
    sipc__timer_set(s, TIMER_LINGER, s->linger_until);
}

void sipc__session_dispose(struct sipc_endpoint *ep, struct session *s, int32_t code, bool linger)
{
    session_end_operations(ep, s, SIPC_OUTCOME_CLOSED, code);
    sipc__unreliable_drop(ep, s);
    sipc__unreliable_abandon(ep, s, code);
    sipc__receiver_clear(ep, s);
    if (s->state != SIPC_AWAITING_DISPOSAL)
        s->linger_until = time_after(ep->now, ep->config.linger_ns); /* SIPC_RULE_END_3 */
    session_enter(ep, s, SIPC_DISPOSED, code);                       /* SIPC_RULE_STM_6 */
    sipc__evictable_update(ep, s);
    ep->session_count--;
    if (!linger || s->linger_until <= ep->now) {
        sipc__slot_free(ep, s);
        return;
    }
    sipc__timer_set(s, TIMER_LINGER, s->linger_until);
    sipc__timers_update(ep, s);
}

void sipc__session_settle(struct sipc_endpoint *ep, struct session *s)
{
    if (!s->used)
        return;
    sipc__evictable_update(ep, s);
    sipc__timers_update(ep, s);
}

/* ---- deadlines ---- */

void sipc__session_timer(struct sipc_endpoint *ep, struct session *s, enum timer timer)
{
    switch (timer) {
    case TIMER_OPEN: /* SIPC_RULE_STM_2 */
        sipc__session_end(ep, s, SIPC_LOCAL_OPEN_TIMEOUT);
        break;
    case TIMER_ACK:
        sipc__sender_timeout(ep, s);
        break;
    case TIMER_RECEIVING: /* SIPC_RULE_OPN_5a */
        s->rx.receiving = false;
        break;
    case TIMER_IDLE: /* SIPC_RULE_IDL_1, SIPC_RULE_STM_3 */
        session_enter(ep, s, SIPC_CLOSING, SIPC_ABORT_IDLE_TIMEOUT);
        sipc__unreliable_drop(ep, s);
        sipc__sender_close(ep, s, SIPC_ABORT_IDLE_TIMEOUT);
        break;
    case TIMER_ENQUIRE: /* SIPC_RULE_LNK_2 */
        sipc__transmit(ep, s, SIPC_ENQUIRE_LINK, 0, 0, 0, 0);
        session_enquire_start(ep, s);
        break;
    default: /* TIMER_LINGER; SIPC_RULE_END_3 */
        if (s->state == SIPC_DISPOSED)
            sipc__slot_free(ep, s);
        else
            sipc__session_dispose(ep, s, 0, false);
        break;
    }
}

/* ---- PDUs that are no data and no acks ---- */

/* Why a close PDU is not applied; SIPC_DISCARD_NONE where it is (CLS-3, CLS-4, OPN-1). */
static enum sipc_discard session_check_close(const struct sipc_endpoint *ep,
                                             const struct session *s, const struct sipc_pdu *pdu)
{
    if ((uint32_t)pdu->seq_nr >= ep->config.max_window_size)
        return SIPC_DISCARD_SEQ_NR;
    if (s->state == SIPC_OPENING || s->state == SIPC_AWAITING_DISPOSAL)
        return SIPC_DISCARD_STATE;
    if (pdu->seq_nr != 0)
        return SIPC_DISCARD_CLOSE_SEQ_NR;
    return SIPC_DISCARD_NONE;
}

void sipc__session_receive_close(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                                 const struct sipc_pdu *pdu)
{
    enum window_id_verdict verdict = sipc__window_id_check(&ep->config, &s->rx, pdu->window_id);
    enum sipc_discard reason;

    if (verdict != WINDOW_ID_VALID) {
        sipc__receiver_refuse(ep, s, from, pdu, verdict); /* SIPC_RULE_WID_8 */
        return;
    }
    reason = session_check_close(ep, s, pdu);
    if (reason != SIPC_DISCARD_NONE) {
        sipc__discard(ep, s, s->id, from, reason);
        return;
    }
    sipc__session_answer_to(ep, s, from);
    s->rx.min_window_id = pdu->window_id; /* SIPC_RULE_WID_4 */
    s->rx.min_processed = false;
    if (pdu->abort_code == SIPC_ABORT_NORMAL) /* SIPC_RULE_CLS_3 */
        sipc__receiver_answer(ep, s, pdu, 0, 0);
    sipc__session_end(ep, s, pdu->abort_code);
}

void sipc__session_receive_link(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                                const struct sipc_pdu *pdu)
{
    bool nack = pdu->opcode == SIPC_ENQUIRE_LINK_ACK &&
                pdu->error_code == SIPC_ERROR_SESSION_ENDED; /* SIPC_RULE_ERR_3 */

    if (s->state != SIPC_OPENED && !(nack && s->state == SIPC_CLOSING)) {
        /* SIPC_RULE_LNK_3, SIPC_RULE_OPN_1 */
        sipc__discard(ep, s, s->id, from, SIPC_DISCARD_STATE);
        return;
    }
    if (nack && !s->heard) { /* SIPC_RULE_LNK_4 */
        sipc__discard(ep, s, s->id, from, SIPC_DISCARD_NACK_DISBELIEVED);
        return;
    }
    sipc__session_answer_to(ep, s, from);
    if (nack) /* SIPC_RULE_STM_4, SIPC_RULE_STM_5 */
        sipc__session_end(ep, s, SIPC_LOCAL_RESTART);
    else if (pdu->opcode == SIPC_ENQUIRE_LINK) /* SIPC_RULE_LNK_1, SIPC_RULE_LNK_1a */
        sipc__transmit(ep, s, SIPC_ENQUIRE_LINK_ACK, 0, 0, 0, 0);
}

/* ---- commands ---- */

enum sipc_status sipc_session_open(struct sipc_endpoint *ep, sipc_time now, sipc_peer remote,
                                   const uint8_t session_id[SIPC_SESSION_ID_SIZE],
                                   int64_t idle_timeout_ns, sipc_session *out)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    struct session *s;

    if (status != SIPC_OK)
        return status;
    if (ep->shutdown_at != SIPC_NEVER)
        return SIPC_E_STATE;
    if (sipc__table_find(ep, remote, session_id) != SLOT_NONE)
        return SIPC_E_EXISTS;
    s = sipc__session_make(ep, remote, session_id, true);
    if (s == NULL)
        return SIPC_E_NO_SPACE;
    if (idle_timeout_ns != INT64_MIN) {
        s->local_idle_timeout_ns = idle_timeout_ns;
        s->idle_timeout_ns = idle_timeout_ns;
    }
    *out = handle_of(ep, s);
    return SIPC_OK;
}

static bool session_preset_valid(const struct sipc_config *config, const struct sipc_preset *p)
{
    struct sender tx = {.acked_id = p->acked_window_id};

    if (p->next_window_id < 0 || p->next_window_id > config->window_id_max ||
        p->acked_window_id < -1 || p->acked_window_id > config->window_id_max ||
        p->min_window_id < -1 || p->min_window_id > config->window_id_max)
        return false;
    if (p->next_window_id <= p->acked_window_id && p->acked_window_id < config->window_id_max)
        return false;                                             /* SIPC_RULE_WID_9 */
    return p->next_window_id <= sipc__window_id_top(config, &tx); /* SIPC_RULE_WID_10 */
}

enum sipc_status sipc_session_preset(struct sipc_endpoint *ep, sipc_time now, sipc_session session,
                                     const struct sipc_preset *preset)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    struct session *s = sipc__session_of(ep, session);

    if (status != SIPC_OK)
        return status;
    if (s == NULL)
        return SIPC_E_UNKNOWN;
    if (s->state != SIPC_OPENING || s->tx.last_id != -1 || s->tx.acked_id != -1 ||
        s->rx.min_window_id != -1)
        return SIPC_E_STATE;
    if (!session_preset_valid(&ep->config, preset))
        return SIPC_E_INVALID;
    s->tx.acked_id = preset->acked_window_id;
    s->tx.last_id = preset->next_window_id - 1;
    s->rx.min_window_id = preset->min_window_id;
    s->rx.min_processed = preset->min_window_id >= 0 && preset->processed;
    return SIPC_OK;
}

/* Common to both ways of sending: what the state of the session says. */
static enum sipc_status session_check_send(const struct session *s, bool skip)
{
    if (s->state > SIPC_OPENED)
        return SIPC_E_STATE;
    if (s->state == SIPC_OPENING && s->rx.receiving && !skip)
        return SIPC_E_OPENING; /* SIPC_RULE_OPN_2 */
    return SIPC_OK;
}

enum sipc_status sipc_session_send(struct sipc_endpoint *ep, sipc_time now, sipc_session session,
                                   const struct sipc_message *message)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    struct session *s = sipc__session_of(ep, session);
    bool skip = sipc__attributes_skip(message);
    struct operation *op;

    if (status != SIPC_OK)
        return status;
    if (s == NULL)
        return SIPC_E_UNKNOWN;
    if (s->tx.op.kind == OPERATION_SEND)
        return SIPC_E_BUSY; /* SIPC_RULE_SND_1, SIPC_RULE_SND_1a */
    status = session_check_send(s, skip);
    if (status != SIPC_OK)
        return status;
    op = &s->tx.op;
    status = sipc__attributes_encode(&ep->config, message, options_of(ep, s),
                                     ep->config.attribute_limit, &op->option_size);
    if (status != SIPC_OK)
        return SIPC_E_ATTRIBUTES; /* SIPC_RULE_SND_3a */
    op->handle = message->handle;
    op->size = message->size;
    op->skip = skip;
    return sipc__sender_start(ep, s);
}

enum sipc_status sipc_session_send_unreliable(struct sipc_endpoint *ep, sipc_time now,
                                              sipc_session session,
                                              const struct sipc_message *message)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    struct session *s = sipc__session_of(ep, session);

    if (status != SIPC_OK)
        return status;
    if (s == NULL)
        return SIPC_E_UNKNOWN;
    status = session_check_send(s, sipc__attributes_skip(message));
    if (status != SIPC_OK)
        return status;
    return sipc__unreliable_send(ep, s, message);
}

enum sipc_status sipc_session_close(struct sipc_endpoint *ep, sipc_time now, sipc_session session,
                                    int32_t code, uint64_t handle)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    struct session *s = sipc__session_of(ep, session);

    if (status != SIPC_OK)
        return status;
    if (s == NULL)
        return SIPC_E_UNKNOWN;
    if (code < 1 || code > 99)
        return SIPC_E_INVALID;
    if (s->state == SIPC_OPENED && code == SIPC_ABORT_NORMAL && s->tx.op.kind == OPERATION_SEND)
        return SIPC_E_BUSY; /* SIPC_RULE_SND_1, SIPC_RULE_SND_1a */
    if (s->close_count == CLOSE_REQUESTS_MAX)
        return SIPC_E_NO_SPACE;
    s->close_handles[s->close_count++] = handle;
    switch ((enum sipc_state)s->state) {
    case SIPC_OPENING: /* SIPC_RULE_STM_2a */
        sipc__session_end(ep, s, code);
        break;
    case SIPC_OPENED: /* SIPC_RULE_STM_3, SIPC_RULE_CLS_1, SIPC_RULE_CLS_2 */
        if (s->tx.op.kind == OPERATION_SEND)
            sipc__result(ep, s, SIPC_OP_SEND, s->tx.op.handle, SIPC_OUTCOME_CLOSED, code);
        sipc__sender_drop(ep, s);
        session_enter(ep, s, SIPC_CLOSING, code);
        sipc__unreliable_drop(ep, s);
        sipc__sender_close(ep, s, code);
        break;
    case SIPC_CLOSING: /* SIPC_RULE_CLS_5: ends when the first does */
        break;
    default:
        session_end_operations(ep, s, SIPC_OUTCOME_OK, 0);
        break;
    }
    sipc__session_settle(ep, s);
    return SIPC_OK;
}

enum sipc_status sipc_session_dispose(struct sipc_endpoint *ep, sipc_time now, sipc_session session,
                                      int32_t code)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    struct session *s = sipc__session_of(ep, session);

    if (status != SIPC_OK)
        return status;
    if (s == NULL)
        return SIPC_E_UNKNOWN;
    sipc__session_dispose(ep, s, code, true);
    return SIPC_OK;
}
