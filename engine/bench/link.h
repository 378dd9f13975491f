/* The link both contenders share: for each direction a ring in memory with a constant delay and a
 * seeded loss, in virtual time.
 *
 * A datagram is copied once, into the ring, as a network would; the receiver reads it where it
 * lies. The ring is small and goes round, so that it stays in the processor's cache: one of a
 * hundred megabytes would measure the memory, not the contenders. Loss takes place behind the copy,
 * so a lost datagram costs its sender as much as any. SPDX-License-Identifier: MIT */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINK_NS_PER_MS = 1000000, LINK_DELAY_NS = LINK_NS_PER_MS };

/* An entry of a ring is this head and the datagram, in one piece: behind the place where entries
 * may begin, there is room for the longest to end. */
struct link_entry {
    uint64_t arrival_ns;
    uint64_t size;
};

enum { LINK_ENTRY_MAX = 65536 + (int)sizeof(struct link_entry) };

struct link_ring {
    uint8_t *bytes;
    size_t capacity; /* an entry begins below it, and may end above */
    size_t head, tail;
    size_t count; /* datagrams on their way */
};

struct link {
    struct link_ring to[2]; /* by the side it leads to */
    uint64_t now_ns;
    uint64_t sent; /* datagrams, lost ones too */
    uint64_t random;
    uint64_t loss_threshold;
};

/* A datagram that has arrived; its bytes stay until link_pop. */
struct link_datagram {
    uint8_t *bytes;
    size_t size;
};

/* false: no memory. */
bool link_init(struct link *link, size_t ring_bytes, uint32_t loss_percent);
void bench_link_fini(struct link *link);

/* ---- inline, so that the link costs little beside what is measured ---- */

static inline size_t link_entry_bytes(size_t size)
{
    return (sizeof(struct link_entry) + size + 15) & ~(size_t)15;
}

static inline struct link_entry *link_entry(const struct link_ring *ring, size_t at)
{
    return (struct link_entry *)(void *)(ring->bytes + at);
}

static inline size_t link_next(const struct link_ring *ring, size_t at, size_t size)
{
    size_t next = at + link_entry_bytes(size);
    return next < ring->capacity ? next : 0;
}

/* xorshift64* */
static inline uint64_t link_random(struct link *link)
{
    link->random ^= link->random >> 12;
    link->random ^= link->random << 25;
    link->random ^= link->random >> 27;
    return link->random * UINT64_C(0x2545f4914f6cdd1d);
}

/* Room for `size` bytes toward a side; NULL: the ring is full. Then link_commit, once written. */
static inline uint8_t *link_reserve(struct link *link, int to, size_t size)
{
    const struct link_ring *ring = &link->to[to];

    if (ring->count > 0 && ring->tail <= ring->head &&
        ring->tail + link_entry_bytes(size) > ring->head)
        return NULL;
    return (uint8_t *)(link_entry(ring, ring->tail) + 1);
}

static inline void link_commit(struct link *link, int to, size_t size)
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

/* When the next datagram arrives at a side; UINT64_MAX if none is on its way. */
static inline uint64_t link_arrival(const struct link *link, int side)
{
    const struct link_ring *ring = &link->to[side];
    return ring->count == 0 ? UINT64_MAX : link_entry(ring, ring->head)->arrival_ns;
}

/* The next datagram, where it has arrived by now. */
static inline bool link_front(const struct link *link, int side, struct link_datagram *out)
{
    const struct link_ring *ring = &link->to[side];
    struct link_entry *entry = link_entry(ring, ring->head);

    if (ring->count == 0 || entry->arrival_ns > link->now_ns)
        return false;
    out->bytes = (uint8_t *)(entry + 1);
    out->size = (size_t)entry->size;
    return true;
}

static inline void link_pop(struct link *link, int side)
{
    struct link_ring *ring = &link->to[side];

    ring->head = link_next(ring, ring->head, (size_t)link_entry(ring, ring->head)->size);
    ring->count--;
}

#endif
