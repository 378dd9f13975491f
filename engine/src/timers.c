/* Deadlines of all sessions: a 4-ary heap of slots, ordered by (deadline, slot), so that the order
 * in which sessions fire does not depend on their history. */
#include "state.h"

void sipc__timer_set(struct session *s, enum timer timer, sipc_time at)
{
    s->timers[timer] = at;
}

static uint32_t *heap_of(const struct sipc_endpoint *ep)
{
    return block_at(ep, ep->heap_offset);
}

static bool heap_before(const struct sipc_endpoint *ep, uint32_t a, uint32_t b)
{
    sipc_time at_a = session_at(ep, a)->deadline;
    sipc_time at_b = session_at(ep, b)->deadline;
    return at_a != at_b ? at_a < at_b : a < b;
}

static void heap_place(struct sipc_endpoint *ep, uint32_t index, uint32_t slot)
{
    heap_of(ep)[index] = slot;
    session_at(ep, slot)->heap_index = index;
}

static void heap_up(struct sipc_endpoint *ep, uint32_t index, uint32_t slot)
{
    const uint32_t *heap = heap_of(ep);

    while (index > 0) {
        uint32_t parent = (index - 1) / 4;
        if (!heap_before(ep, slot, heap[parent]))
            break;
        heap_place(ep, index, heap[parent]);
        index = parent;
    }
    heap_place(ep, index, slot);
}

static void heap_down(struct sipc_endpoint *ep, uint32_t index, uint32_t slot)
{
    const uint32_t *heap = heap_of(ep);

    for (;;) {
        uint32_t first = index * 4 + 1;
        uint32_t best = first;
        if (first >= ep->heap_count)
            break;
        for (uint32_t child = first + 1; child < first + 4 && child < ep->heap_count; child++)
            if (heap_before(ep, heap[child], heap[best]))
                best = child;
        if (!heap_before(ep, heap[best], slot))
            break;
        heap_place(ep, index, heap[best]);
        index = best;
    }
    heap_place(ep, index, slot);
}

void sipc__timers_remove(struct sipc_endpoint *ep, struct session *s)
{
    uint32_t index = s->heap_index;
    uint32_t moved;

    if (index == SLOT_NONE)
        return;
    s->heap_index = SLOT_NONE;
    moved = heap_of(ep)[--ep->heap_count];
    heap_of(ep)[ep->heap_count] = 0;
    if (index == ep->heap_count)
        return;
    if (index > 0 && heap_before(ep, moved, heap_of(ep)[(index - 1) / 4]))
        heap_up(ep, index, moved);
    else
        heap_down(ep, index, moved);
}

void sipc__timers_update(struct sipc_endpoint *ep, struct session *s)
{
    sipc_time deadline = s->timers[0];
    sipc_time before = s->deadline;

    for (int timer = 1; timer < TIMER_COUNT; timer++)
        if (s->timers[timer] < deadline)
            deadline = s->timers[timer];
    if (deadline == before)
        return;
    if (deadline == SIPC_NEVER) {
        sipc__timers_remove(ep, s);
        s->deadline = deadline;
        return;
    }
    s->deadline = deadline;
    if (s->heap_index == SLOT_NONE)
        heap_up(ep, ep->heap_count++, slot_of(ep, s));
    else if (deadline < before)
        heap_up(ep, s->heap_index, slot_of(ep, s));
    else
        heap_down(ep, s->heap_index, slot_of(ep, s));
}

struct session *sipc__timers_first_session(const struct sipc_endpoint *ep)
{
    return ep->heap_count == 0 ? NULL : session_at(ep, heap_of(ep)[0]);
}
