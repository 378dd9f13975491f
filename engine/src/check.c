/* The invariants of an endpoint's state, in one place: for tests, fuzzers and explorers. */
#include "state.h"

static const char *check_window(const struct sipc_endpoint *ep, const struct session *s)
{
    const struct receiver *rx = &s->rx;
    const struct position *positions = positions_of(ep, s);
    uint64_t data = 0, options = 0;

    if (rx->end > ep->config.max_window_size || rx->run > rx->end)
        return "the run lies within the held positions, those within the window";
    for (uint32_t i = 0; i < ep->config.max_window_size; i++) {
        if (i < rx->run && positions[i].held == 0)
            return "every position of the run is held";
        if (i >= rx->end && positions[i].held != 0)
            return "no position is held behind the end";
        if (positions[i].held == 0 && (positions[i].data_size | positions[i].option_size) != 0)
            return "a position not held has no bytes";
        data += positions[i].data_size;
        options += positions[i].option_size;
    }
    if (data != rx->window_data || options != rx->window_options)
        return "the window's bytes are those of its positions";
    if (data + options + rx->group_data + rx->group_options > ep->config.group_bytes_max)
        return "group and window fit the arena (GRP-3)";
    if ((rx->window_id < 0) != (rx->end == 0))
        return "a window has an id exactly while it holds PDUs";
    if (rx->window_id >= 0 && rx->window_id != rx->min_window_id)
        return "the current window is the last one applied (WID-4)";
    if (rx->end > 0 && sipc__window_is_full(ep, s))
        return "a full window leaves the buffer (RCV-6)";
    if (s->state > SIPC_CLOSING && rx->end + rx->group_windows > 0)
        return "a session that ended holds no data (RCV-10)";
    return NULL;
}

static const char *check_sender(const struct sipc_endpoint *ep, const struct session *s)
{
    const struct sender *tx = &s->tx;
    const struct operation *op = &tx->op;

    if (tx->last_id > ep->config.window_id_max || tx->acked_id > ep->config.window_id_max)
        return "no own id passes the highest (WID-2)";
    if (tx->last_id > sipc__window_id_top(&ep->config, tx) &&
        tx->last_id != ep->config.window_id_max)
        return "no own id passes top (WID-10)";
    if (op->kind == OPERATION_NONE)
        return op->token != 0 || s->timers[TIMER_ACK] != SIPC_NEVER
                   ? "nothing is awaited without an operation"
                   : NULL;
    if (op->phase == PHASE_WINDOW && (op->sent < 1 || op->sent > op->window_length ||
                                      op->window_length > ep->config.max_window_size))
        return "what was sent lies within the window, and that within the own maximum (SND-8)";
    const int awaited = (op->token != 0) + (s->timers[TIMER_ACK] != SIPC_NEVER);
    if (op->phase == PHASE_BOUNDARY && awaited != 0)
        return "nothing is awaited in a gap (FAF-2)";
    if (op->phase != PHASE_BOUNDARY && awaited != 1)
        return "an operation awaits an aftermath or an ack, never both (SND-7)";
    if (op->retries > ep->config.max_retry_count)
        return "a window has at most max_retry_count retries (RTY-3)";
    return NULL;
}

static const char *check_unreliable(const struct sipc_endpoint *ep, const struct session *s)
{
    const struct unreliable_queue *queue = &s->faf;
    const struct unreliable *ring = unreliable_of(ep, s);
    uint64_t pool_used = queue->token_options;

    if (queue->count > ep->config.unreliable_queue)
        return "the fire-and-forget queue keeps its bounds";
    for (uint32_t i = 0; i < queue->count; i++)
        pool_used += ring[(queue->first + i) % ep->config.unreliable_queue].option_size;
    if (pool_used != queue->pool_used || pool_used > ep->config.attribute_limit)
        return "the pool holds the attributes of the messages that wait";
    if (queue->token == 0 && (queue->token_options != 0 || queue->token_handle != 0))
        return "no message on its way without a token";
    if (s->state > SIPC_OPENED && queue->count > 0)
        return "no fire-and-forget message waits from closing on (FAF-2)";
    return NULL;
}

static const char *check_session(const struct sipc_endpoint *ep, const struct session *s)
{
    const char *broken = check_window(ep, s);
    sipc_time first = SIPC_NEVER;

    if (broken == NULL)
        broken = check_sender(ep, s);
    if (broken == NULL)
        broken = check_unreliable(ep, s);
    if (broken != NULL)
        return broken;
    for (int timer = 0; timer < TIMER_COUNT; timer++)
        if (s->timers[timer] < first)
            first = s->timers[timer];
    if (first != s->deadline || (first == SIPC_NEVER) != (s->heap_index == SLOT_NONE))
        return "a session's deadline is its earliest timer";
    if (s->state == SIPC_CLOSING && s->tx.op.kind != OPERATION_CLOSE)
        return "closing has a close in progress (CLS-1)";
    if (s->state >= SIPC_AWAITING_DISPOSAL && s->tx.op.kind != OPERATION_NONE)
        return "no operation outlives closing (STM-5)";
    if (s->evictable != (s->state == SIPC_OPENING && !s->local && s->tx.op.kind == OPERATION_NONE))
        return "sessions that may be evicted stand on the list (END-5)";
    if (s->close_count > (s->state == SIPC_CLOSING ? CLOSE_REQUESTS_MAX : 0))
        return "requests to close wait in closing only, a bounded number (CLS-5)";
    if (sipc__table_find(ep, s->remote, s->id) != slot_of(ep, s))
        return "the table finds every session";
    return NULL;
}

/* The slots given back, and the sessions that may be evicted, stand on lists without loops. */
static const char *check_lists(const struct sipc_endpoint *ep, uint32_t used, uint32_t evictable)
{
    uint32_t count = 0;
    uint32_t before = SLOT_NONE;

    for (uint32_t slot = ep->free_first; slot != SLOT_NONE; slot = session_at(ep, slot)->next)
        if (slot >= ep->free_fresh || session_at(ep, slot)->used || ++count > ep->free_fresh)
            return "the slots given back stand on their list";
    if (used + count != ep->free_fresh)
        return "every slot that was ever used is used or was given back";
    count = 0;
    for (uint32_t slot = ep->evict_first; slot != SLOT_NONE; slot = session_at(ep, slot)->next) {
        if (slot >= ep->free_fresh || !session_at(ep, slot)->evictable ||
            session_at(ep, slot)->prev != before)
            return "the list of those that may be evicted is whole";
        before = slot;
        count++;
    }
    if (before != ep->evict_last || count != evictable)
        return "the list of those that may be evicted has all of them";
    return NULL;
}

static const char *check_heap(const struct sipc_endpoint *ep, uint32_t timed)
{
    const uint32_t *heap = block_at(ep, ep->heap_offset);

    if (ep->heap_count != timed)
        return "the heap has every session with a deadline";
    for (uint32_t i = 0; i < ep->heap_count; i++) {
        const struct session *s = session_at(ep, heap[i]);
        if (s->heap_index != i ||
            s->deadline < session_at(ep, heap[i == 0 ? 0 : (i - 1) / 4])->deadline)
            return "the heap is in order";
    }
    return NULL;
}

const char *sipc_endpoint_check(const struct sipc_endpoint *ep)
{
    uint32_t used = 0, held = 0, evictable = 0, timed = 0;
    const char *broken;

    for (uint32_t slot = 0; slot < ep->free_fresh; slot++) {
        const struct session *s = session_at(ep, slot);
        if (!s->used)
            continue;
        broken = check_session(ep, s);
        if (broken != NULL)
            return broken;
        used++;
        held += s->state != SIPC_DISPOSED;
        evictable += s->evictable;
        timed += s->heap_index != SLOT_NONE;
    }
    if (held != ep->session_count)
        return "sessions are counted";
    broken = check_lists(ep, used, evictable);
    return broken == NULL ? check_heap(ep, timed) : broken;
}
