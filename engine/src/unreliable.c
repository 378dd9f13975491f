/* Fire-and-forget messages: one PDU, one window, one group, sent once, its ack not awaited (FAF-1).
 *
 * They wait in a ring of the session and leave one after the other, each at the aftermath of the
 * one before, while no operation is inside a window group: in between they would wipe the peer's
 * window or group (FAF-2). */
#include "state.h"

static bool unreliable_may_leave(const struct session *s)
{
    const struct operation *op = &s->tx.op;

    SIPC_ASSERT(s->state == SIPC_OPENED); /* SIPC_RULE_FAF_2a: none waits in another state */
    if (s->faf.token != 0)
        return false;
    return op->kind == OPERATION_NONE ||
           (op->phase == PHASE_BOUNDARY && op->boundary_budget > 0); /* SIPC_RULE_FAF_2 */
}

/* Takes the oldest message out of the ring; its attributes stay in front of the pool until
 * unreliable_give_back. */
static struct unreliable unreliable_pop(struct sipc_endpoint *ep, struct session *s)
{
    struct unreliable_queue *queue = &s->faf;
    struct unreliable *slot = &unreliable_of(ep, s)[queue->first];
    struct unreliable message = *slot;

    memset(slot, 0, sizeof *slot);
    queue->count--;
    queue->first = queue->count == 0 ? 0 : (queue->first + 1) % ep->config.unreliable_queue;
    if (s->tx.op.boundary_budget > 0)
        s->tx.op.boundary_budget--;
    return message;
}

static void unreliable_give_back(struct sipc_endpoint *ep, struct session *s, uint32_t size)
{
    struct unreliable_queue *queue = &s->faf;
    uint8_t *pool = pool_of(ep, s);

    queue->pool_used -= size;
    memmove(pool, pool + size, queue->pool_used);
    memset(pool + queue->pool_used, 0, size);
}

static void unreliable_not_sent(struct sipc_endpoint *ep, struct session *s, uint64_t handle)
{
    sipc__result(ep, s, SIPC_OP_SEND_UNRELIABLE, handle, SIPC_OUTCOME_NOT_SENT, 0);
}

static void unreliable_transmit(struct sipc_endpoint *ep, struct session *s,
                                const struct unreliable *message)
{
    uint32_t flags = SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW |
                     SIPC_OPT_LAST_IN_WINDOW_GROUP | (message->skip != 0 ? SIPC_OPT_SKIP : 0u);
    int64_t window_id = sipc__window_id_take(&ep->config, &s->tx); /* SIPC_RULE_FAF_1 */
    struct queued *q;

    s->faf.token = sipc__transmit(ep, s, SIPC_DATA, window_id, 0, flags, 0);
    s->faf.token_handle = message->handle;
    s->faf.token_options = message->option_size;
    q = sipc__action_last(ep);
    q->owed = true;
    q->message = message->handle;
    q->payload_size = message->size;
    q->option_size = message->option_size;
    q->pooled = true;
    sipc__session_idle_restart(ep, s); /* SIPC_RULE_IDL_1 */
}

void sipc__unreliable_flush(struct sipc_endpoint *ep, struct session *s)
{
    while (s->faf.count > 0 && unreliable_may_leave(s)) {
        struct unreliable message = unreliable_pop(ep, s);
        if (!sipc__window_id_exhausted(&ep->config, &s->tx)) {
            unreliable_transmit(ep, s, &message);
        } else { /* SIPC_RULE_WID_11 */
            unreliable_give_back(ep, s, message.option_size);
            unreliable_not_sent(ep, s, message.handle);
            sipc__sender_resync(ep, s);
        }
    }
    if (s->tx.op.phase == PHASE_BOUNDARY && s->faf.token == 0)
        sipc__sender_boundary_passed(ep, s);
}

void sipc__unreliable_sent(struct sipc_endpoint *ep, struct session *s, bool success)
{
    uint64_t handle = s->faf.token_handle;

    unreliable_give_back(ep, s, s->faf.token_options);
    s->faf.token = 0;
    s->faf.token_handle = 0;
    s->faf.token_options = 0;
    if (success)
        sipc__result(ep, s, SIPC_OP_SEND_UNRELIABLE, handle, SIPC_OUTCOME_OK, 0);
    else
        unreliable_not_sent(ep, s, handle);
    sipc__unreliable_flush(ep, s);
}

void sipc__unreliable_drop(struct sipc_endpoint *ep, struct session *s)
{
    while (s->faf.count > 0) {
        struct unreliable message = unreliable_pop(ep, s);
        unreliable_not_sent(ep, s, message.handle);
    }
    memset(pool_of(ep, s) + s->faf.token_options, 0, s->faf.pool_used - s->faf.token_options);
    s->faf.pool_used = s->faf.token_options;
}

void sipc__unreliable_abandon(struct sipc_endpoint *ep, struct session *s, int32_t code)
{
    if (s->faf.token != 0)
        sipc__result(ep, s, SIPC_OP_SEND_UNRELIABLE, s->faf.token_handle, SIPC_OUTCOME_CLOSED,
                     code);
    memset(pool_of(ep, s), 0, s->faf.pool_used);
    memset(&s->faf, 0, sizeof s->faf);
}

/* FAF-1, FAF-3: whether it fits one PDU with every framing option it has. */
static bool unreliable_fits(const struct sipc_config *config, const struct sipc_message *message,
                            uint32_t option_size, bool skip)
{
    uint32_t framing = FRAMING_OPTION_SIZE * (skip ? 4u : 3u);
    uint32_t limit = config->mtu < config->group_bytes_max ? config->mtu : config->group_bytes_max;

    return message->size <= limit &&
           SIPC_PDU_SIZE_MIN + framing + option_size + message->size <= limit;
}

enum sipc_status sipc__unreliable_send(struct sipc_endpoint *ep, struct session *s,
                                       const struct sipc_message *message)
{
    const struct sipc_config *config = &ep->config;
    struct unreliable_queue *queue = &s->faf;
    uint8_t *scratch = block_at(ep, ep->head_offset); /* no action waits */
    uint32_t room = config->attribute_limit < config->mtu ? config->attribute_limit : config->mtu;
    bool skip = sipc__attributes_skip(message);
    uint32_t option_size;
    enum sipc_status status = sipc__attributes_encode(config, message, scratch, room, &option_size);

    if (status == SIPC_E_NO_SPACE && room == config->mtu)
        return SIPC_E_SIZE; /* SIPC_RULE_FAF_3 */
    if (status != SIPC_OK)
        return SIPC_E_ATTRIBUTES; /* SIPC_RULE_SND_3a, SIPC_RULE_SND_4 */
    if (!unreliable_fits(config, message, option_size, skip))
        return SIPC_E_SIZE; /* SIPC_RULE_FAF_3 */
    if (sipc__sender_restricted(s, skip))
        return SIPC_E_OPENING; /* SIPC_RULE_FAF_2a */
    if (queue->count == config->unreliable_queue ||
        option_size > config->attribute_limit - queue->pool_used) {
        unreliable_not_sent(ep, s, message->handle); /* SIPC_RULE_FAF_2a: told as its result */
        return SIPC_OK;
    }
    if (skip)
        sipc__session_opened(ep, s); /* SIPC_RULE_STM_1 */
    memcpy(pool_of(ep, s) + queue->pool_used, scratch, option_size);
    queue->pool_used += option_size;
    unreliable_of(ep, s)[(queue->first + queue->count++) % config->unreliable_queue] =
        (struct unreliable){message->handle, (uint32_t)message->size, option_size, skip, 0};
    sipc__session_idle_restart(ep, s); /* SIPC_RULE_IDL_1 */
    sipc__unreliable_flush(ep, s);
    sipc__session_settle(ep, s);
    return SIPC_OK;
}
