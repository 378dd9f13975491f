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
void link_fini(struct link *link);

/* Room for `size` bytes toward a side; NULL: the ring is full. Then link_commit, once written. */
uint8_t *link_reserve(struct link *link, int to, size_t size);
void link_commit(struct link *link, int to, size_t size);

/* When the next datagram arrives at a side; UINT64_MAX if none is on its way. */
uint64_t link_arrival(const struct link *link, int side);
/* The next datagram, where it has arrived by now. */
bool link_front(const struct link *link, int side, struct link_datagram *out);
void link_pop(struct link *link, int side);

#endif
