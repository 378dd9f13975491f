/* The event heap: a 4-ary heap of 16-byte entries in the total order (time, order). No two entries
 * may be equal in both; who makes them puts a sequence number into `order`, and the world asserts
 * it. The four children of a node share a cache line, and places behind the last entry hold an
 * entry greater than any, so that the least child is picked without branches. */
#ifndef SIMNET_SRC_HEAP_H
#define SIMNET_SRC_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simnet_heap_entry {
    uint64_t time, order;
};

struct simnet_heap {
    struct simnet_heap_entry *entries; /* [0] is the least */
    void *memory;
    size_t count, capacity;
};

static inline bool simnet_heap_less(struct simnet_heap_entry a, struct simnet_heap_entry b)
{
#ifdef __SIZEOF_INT128__ /* one subtraction with borrow, where the plain form is six instructions  \
                          */
    __extension__ typedef unsigned __int128 wide;
    return ((wide)a.time << 64 | a.order) < ((wide)b.time << 64 | b.order);
#else
    return (a.time < b.time) | ((a.time == b.time) & (a.order < b.order));
#endif
}

void simnet_heap_init(struct simnet_heap *heap);
void simnet_heap_fini(struct simnet_heap *heap);
void simnet_heap_clear(struct simnet_heap *heap); /* keeps its memory */
/* `entry` must be less than {UINT64_MAX, UINT64_MAX}. */
void simnet_heap_push(struct simnet_heap *heap, struct simnet_heap_entry entry);
/* Takes the least entry off; the heap must not be empty. */
struct simnet_heap_entry simnet_heap_pop(struct simnet_heap *heap);

#endif
