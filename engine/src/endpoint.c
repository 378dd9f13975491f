/* The endpoint: where events come in (END-*). It finds the session a PDU, aftermath or deadline is
 * about and hands it on; it makes and frees sessions, and bounds their number.
 * Knows nothing of windows and operations. */
#include "state.h"

/* ---- life of the block ---- */

enum sipc_status sipc_endpoint_init(void *block, size_t size, const struct sipc_config *config,
                                    sipc_time now, struct sipc_endpoint **out)
{
    struct sipc_config checked = *config;
    struct sipc_endpoint layout;
    struct sipc_endpoint *ep = block;

    if (sipc_config_check(&checked, NULL) != SIPC_OK)
        return SIPC_E_INVALID;
    sipc__config_layout(&checked, &layout);
    if (size < layout.size)
        return SIPC_E_NO_SPACE;
    SIPC_ASSERT(((uintptr_t)block & 15) == 0);
    memset(ep, 0, sizeof *ep);
    sipc__config_layout(&checked, ep);
    ep->config = checked;
    ep->now = now;
    ep->free_first = SLOT_NONE;
    ep->evict_first = SLOT_NONE;
    ep->evict_last = SLOT_NONE;
    ep->delivered_slot = SLOT_NONE;
    ep->shutdown_at = SIPC_NEVER;
    sipc__table_prepare(ep);
    sipc__actions_prepare(ep);
    *out = ep;
    return SIPC_OK;
}

size_t sipc_endpoint_snapshot_size(const struct sipc_endpoint *ep)
{
    return (size_t)ep->snapshot_size;
}

const struct sipc_config *sipc_endpoint_config(const struct sipc_endpoint *ep)
{
    return &ep->config;
}

uint64_t sipc_endpoint_discarded(const struct sipc_endpoint *ep, enum sipc_discard reason)
{
    SIPC_ASSERT(reason < SIPC_DISCARD_COUNT);
    return ep->discards[reason];
}

uint32_t sipc_endpoint_session_count(const struct sipc_endpoint *ep)
{
    return ep->session_count;
}

enum sipc_status sipc__event_begin(struct sipc_endpoint *ep, sipc_time now)
{
    if (ep->action_count > 0)
        return SIPC_E_PENDING;
    SIPC_ASSERT(now >= ep->now && now < SIPC_NEVER);
    ep->now = now;
    sipc__actions_release(ep);
    return SIPC_OK;
}

/* ---- sessions come and go ---- */

void sipc__evictable_update(struct sipc_endpoint *ep, struct session *s)
{
    uint32_t slot = slot_of(ep, s);
    bool wanted = s->state == SIPC_OPENING && !s->local && s->tx.op.kind == OPERATION_NONE;

    if (wanted == s->evictable)
        return;
    s->evictable = wanted;
    if (wanted) {
        s->next = SLOT_NONE;
        s->prev = ep->evict_last;
        if (ep->evict_last != SLOT_NONE)
            session_at(ep, ep->evict_last)->next = slot;
        else
            ep->evict_first = slot;
        ep->evict_last = slot;
        return;
    }
    if (s->prev != SLOT_NONE)
        session_at(ep, s->prev)->next = s->next;
    else
        ep->evict_first = s->next;
    if (s->next != SLOT_NONE)
        session_at(ep, s->next)->prev = s->prev;
    else
        ep->evict_last = s->prev;
}

void sipc__slot_free(struct sipc_endpoint *ep, struct session *s)
{
    uint32_t generation = s->generation;

    sipc__table_remove(ep, slot_of(ep, s));
    sipc__timers_remove(ep, s);
    memset(s, 0, sizeof *s);
    s->generation = generation;
    s->next = ep->free_first;
    ep->free_first = slot_of(ep, s);
}

/* A slot for a new session; where all are taken, that of the oldest session which may be forgotten
 * without side effects (END-5, OPN-3). */
static uint32_t endpoint_take_slot(struct sipc_endpoint *ep)
{
    uint32_t slot;

    if (ep->free_first == SLOT_NONE && ep->free_fresh < ep->config.max_sessions)
        return ep->free_fresh++;
    if (ep->free_first == SLOT_NONE && ep->evict_first != SLOT_NONE) /* SIPC_RULE_END_5 */
        sipc__session_dispose(ep, session_at(ep, ep->evict_first), 0, false);
    slot = ep->free_first;
    if (slot != SLOT_NONE)
        ep->free_first = session_at(ep, slot)->next;
    return slot;
}

struct session *sipc__session_make(struct sipc_endpoint *ep, sipc_peer remote, const uint8_t *id,
                                   bool local)
{
    uint32_t slot = endpoint_take_slot(ep);
    struct session *s;
    uint32_t generation;

    if (slot == SLOT_NONE)
        return NULL;
    s = session_at(ep, slot);
    generation = s->generation + 1;
    memset(s, 0, sizeof *s);
    memcpy(s->id, id, sizeof s->id);
    s->remote = remote;
    s->generation = generation;
    s->used = true;
    s->state = SIPC_OPENING;
    s->local = local;
    s->heap_index = SLOT_NONE;
    s->deadline = SIPC_NEVER;
    for (int timer = 0; timer < TIMER_COUNT; timer++)
        s->timers[timer] = SIPC_NEVER;
    s->local_idle_timeout_ns = ep->config.idle_timeout_ns;
    s->idle_timeout_ns = s->local_idle_timeout_ns;
    s->rx.min_window_id = -1;
    s->rx.last.window_id = -1;
    s->rx.window_id = -1;
    s->rx.last_position = -1;
    s->tx.last_id = -1;
    s->tx.acked_id = -1;
    s->tx.resync_at = SIPC_NEVER;
    if (ep->config.open_timeout_ns > 0) /* SIPC_RULE_STM_2 */
        sipc__timer_set(s, TIMER_OPEN, time_after(ep->now, ep->config.open_timeout_ns));
    sipc__table_add(ep, slot);
    ep->session_count++;
    sipc__timers_update(ep, s);
    sipc__action_push(ep, SIPC_ACTION_STATE, s)->detail = SIPC_OPENING;
    return s;
}

/* ---- PDUs ---- */

static bool endpoint_takes_new(const struct sipc_endpoint *ep)
{
    return ep->config.accept && ep->shutdown_at == SIPC_NEVER; /* SIPC_RULE_END_4 */
}

/* A PDU of a session that is not held (END-2, END-3). `s` is the one whose id still lingers. The
 * session it makes, or NULL where it is done with. */
static struct session *endpoint_receive_stranger(struct sipc_endpoint *ep, struct session *s,
                                                 sipc_peer from, const struct sipc_pdu *pdu)
{
    enum sipc_discard reason = SIPC_DISCARD_NONE;

    if (pdu->opcode == SIPC_ENQUIRE_LINK) { /* SIPC_RULE_END_2a */
        struct queued *q;
        sipc__transmit(ep, s, SIPC_ENQUIRE_LINK_ACK, 0, 0, 0, SIPC_ERROR_SESSION_ENDED);
        q = sipc__action_last(ep);
        q->session = 0;
        q->remote = from;
        q->has_id = true;
        memcpy(q->id, pdu->session_id, sizeof q->id);
        return NULL;
    }
    if (pdu->opcode != SIPC_DATA) /* SIPC_RULE_END_2 */
        reason = SIPC_DISCARD_UNKNOWN_SESSION;
    else if (s != NULL) /* SIPC_RULE_END_3 */
        reason = SIPC_DISCARD_LINGERING;
    else if (!endpoint_takes_new(ep))
        reason = SIPC_DISCARD_NOT_ACCEPTING;
    else if (!sipc__window_id_is_first(&ep->config, pdu->window_id) ||
             (uint32_t)pdu->seq_nr >= ep->config.max_window_size)
        reason = SIPC_DISCARD_NOT_FIRST;
    else if ((s = sipc__session_make(ep, from, pdu->session_id, false)) == NULL)
        reason = SIPC_DISCARD_SESSIONS_FULL;
    if (reason == SIPC_DISCARD_NONE)
        return s;
    sipc__discard(ep, NULL, pdu->session_id, from, reason);
    return NULL;
}

static void endpoint_dispatch(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                              const struct sipc_pdu *pdu)
{
    switch ((enum sipc_opcode)pdu->opcode) {
    case SIPC_DATA:
        sipc__receiver_data(ep, s, from, pdu);
        break;
    case SIPC_CLOSE:
        sipc__session_receive_close(ep, s, from, pdu);
        break;
    case SIPC_DATA_ACK:
    case SIPC_CLOSE_ACK:
        sipc__sender_ack(ep, s, from, pdu);
        break;
    default: /* SIPC_ENQUIRE_LINK, SIPC_ENQUIRE_LINK_ACK */
        sipc__session_receive_link(ep, s, from, pdu);
        break;
    }
}

enum sipc_status sipc_endpoint_receive(struct sipc_endpoint *ep, sipc_time now, sipc_peer from,
                                       struct sipc_span bytes)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    enum sipc_discard reason;
    struct session *s = NULL;
    struct sipc_pdu pdu;
    uint32_t slot;

    if (status != SIPC_OK)
        return status;
    reason = sipc_pdu_decode(bytes, &pdu);
    if (reason != SIPC_DISCARD_NONE) {
        sipc__discard(ep, NULL, pdu.session_id, from, reason);
        return SIPC_OK;
    }
    slot = sipc__table_find(ep, from, pdu.session_id); /* SIPC_RULE_END_1 */
    if (slot != SLOT_NONE)
        s = session_at(ep, slot);
    if (s == NULL || s->state == SIPC_DISPOSED)
        s = endpoint_receive_stranger(ep, s, from, &pdu);
    if (s != NULL) {
        endpoint_dispatch(ep, s, from, &pdu);
        sipc__session_settle(ep, s);
    }
    return SIPC_OK;
}

/* ---- aftermaths and deadlines ---- */

enum sipc_status sipc_endpoint_sent(struct sipc_endpoint *ep, sipc_time now, uint64_t token,
                                    bool success)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    struct session *s;
    uint32_t slot;

    if (status != SIPC_OK)
        return status;
    slot = (uint32_t)token & ((1u << ep->slot_bits) - 1);
    if (token == 0 || slot >= ep->config.max_sessions)
        return SIPC_E_UNKNOWN;
    s = session_at(ep, slot);
    if (!s->used || (s->tx.op.token != token && s->faf.token != token))
        return SIPC_E_UNKNOWN;
    if (s->faf.token == token)
        sipc__unreliable_sent(ep, s, success);
    else
        sipc__sender_sent(ep, s, success);
    sipc__session_settle(ep, s);
    return SIPC_OK;
}

/* The timer of the session that is due first; ties in the order of the enum. */
static enum timer endpoint_due_timer(const struct session *s)
{
    int due = 0;

    for (int timer = 1; timer < TIMER_COUNT; timer++)
        if (s->timers[timer] < s->timers[due])
            due = timer;
    return (enum timer)due;
}

/* END-4: the grace period is over; disposes the next session. None is made any more, so that one
 * pass over the slots finds them all, a few slots at a time. */
static void endpoint_finish_shutdown(struct sipc_endpoint *ep)
{
    for (int i = 0; i < SHUTDOWN_SLOTS; i++) {
        struct session *s = session_at(ep, ep->shutdown_cursor++);
        SIPC_ASSERT(ep->shutdown_cursor <= ep->free_fresh);
        if (s->used && s->state != SIPC_DISPOSED) {
            sipc__session_dispose(ep, s, SIPC_LOCAL_SHUTDOWN, true);
            break;
        }
    }
}

/* One deadline per call: whatever a transmit action refers to is still there when it is taken out.
 */
enum sipc_status sipc_endpoint_advance(struct sipc_endpoint *ep, sipc_time now)
{
    enum sipc_status status = sipc__event_begin(ep, now);
    struct session *s = sipc__timers_first_session(ep);
    sipc_time deadline = sipc_endpoint_deadline(ep);
    enum timer timer;

    if (status != SIPC_OK)
        return status;
    if (deadline > now)
        return SIPC_OK;
    if (s == NULL || s->deadline > deadline) {
        endpoint_finish_shutdown(ep);
        return SIPC_OK;
    }
    timer = endpoint_due_timer(s);
    sipc__timer_set(s, timer, SIPC_NEVER);
    sipc__session_timer(ep, s, timer);
    sipc__session_settle(ep, s);
    return SIPC_OK;
}

sipc_time sipc_endpoint_deadline(const struct sipc_endpoint *ep)
{
    const struct session *s = sipc__timers_first_session(ep);
    sipc_time deadline = s == NULL ? SIPC_NEVER : s->deadline;

    if (ep->shutdown_at < deadline && ep->session_count > 0)
        deadline = ep->shutdown_at;
    return deadline;
}

enum sipc_status sipc_endpoint_shutdown(struct sipc_endpoint *ep, sipc_time now, sipc_time grace_ns)
{
    enum sipc_status status = sipc__event_begin(ep, now);

    if (status != SIPC_OK)
        return status;
    if (time_after(now, grace_ns) < ep->shutdown_at)
        ep->shutdown_at = time_after(now, grace_ns); /* SIPC_RULE_END_4 */
    return SIPC_OK;
}
