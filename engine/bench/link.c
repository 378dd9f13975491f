/* Two rings with delay and loss: see link.h. An entry is a head and the datagram, in one piece:
 * behind the place where entries may begin, there is room for the longest to end. */
#include "link.h"

#include <stdlib.h>

struct link_entry {
    uint64_t arrival_ns;
    uint64_t size;
};

enum { LINK_ENTRY_MAX = 65536 + (int)sizeof(struct link_entry) };

bool link_init(struct link *link, size_t ring_bytes, uint32_t loss_percent)
{
    *link = (struct link){.random = UINT64_C(0x5195ca1ab1e)};
    link->loss_threshold = UINT64_MAX / 100 * loss_percent;
    for (int side = 0; side < 2; side++) {
        link->to[side].capacity = ring_bytes;
        link->to[side].bytes = calloc(1, ring_bytes + LINK_ENTRY_MAX);
    }
    return link->to[0].bytes != NULL && link->to[1].bytes != NULL;
}

void link_fini(struct link *link)
{
    free(link->to[0].bytes);
    free(link->to[1].bytes);
}

static size_t link_entry_bytes(size_t size)
{
    return (sizeof(struct link_entry) + size + 15) & ~(size_t)15;
}

static struct link_entry *link_entry(const struct link_ring *ring, size_t at)
{
    return (struct link_entry *)(void *)(ring->bytes + at);
}

static size_t link_next(const struct link_ring *ring, size_t at, size_t size)
{
    size_t next = at + link_entry_bytes(size);
    return next < ring->capacity ? next : 0;
}

/* xorshift64* */
static uint64_t link_random(struct link *link)
{
    link->random ^= link->random >> 12;
    link->random ^= link->random << 25;
    link->random ^= link->random >> 27;
    return link->random * UINT64_C(0x2545f4914f6cdd1d);
}

uint8_t *link_reserve(struct link *link, int to, size_t size)
{
    const struct link_ring *ring = &link->to[to];

    if (ring->count > 0 && ring->tail <= ring->head &&
        ring->tail + link_entry_bytes(size) > ring->head)
        return NULL;
    return (uint8_t *)(link_entry(ring, ring->tail) + 1);
}

void link_commit(struct link *link, int to, size_t size)
{
    struct link_ring *ring = &link->to[to];
    struct link_entry *entry = link_entry(ring, ring->tail);

    link->sent++;
    if (link->loss_threshold > 0 && link_random(link) < link->loss_threshold)
        return;
    entry->arrival_ns = link->now_ns + LINK_DELAY_NS;
    entry->size = size;
    ring->tail = link_next(ring, ring->tail, size);
    ring->count++;
}

uint64_t link_arrival(const struct link *link, int side)
{
    const struct link_ring *ring = &link->to[side];
    return ring->count == 0 ? UINT64_MAX : link_entry(ring, ring->head)->arrival_ns;
}

bool link_front(const struct link *link, int side, struct link_datagram *out)
{
    const struct link_ring *ring = &link->to[side];
    struct link_entry *entry = link_entry(ring, ring->head);

    if (ring->count == 0 || entry->arrival_ns > link->now_ns)
        return false;
    out->bytes = (uint8_t *)(entry + 1);
    out->size = (size_t)entry->size;
    return true;
}

void link_pop(struct link *link, int side)
{
    struct link_ring *ring = &link->to[side];

    ring->head = link_next(ring, ring->head, (size_t)link_entry(ring, ring->head)->size);
    ring->count--;
}
