/* The two containers the simulator needs: a map from 64-bit keys to 64-bit values that is only ever
 * asked by key (its order decides nothing), and a queue of 64-bit values. */
#ifndef SIMNET_SRC_CONTAINERS_H
#define SIMNET_SRC_CONTAINERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Aborts where there is no memory. */
void *simnet_allocate(size_t count, size_t size); /* zeroed */
void *simnet_reallocate(void *memory, size_t count, size_t size);
/* Room for one more in an array of `count`: grows by doubling. */
void *simnet_grow(void *memory, size_t count, size_t *capacity, size_t size);

struct simnet_map_entry {
    uint64_t key, value; /* key 0: free */
};
struct simnet_map {
    struct simnet_map_entry *entries;
    size_t count, capacity; /* capacity: 0 or a power of two */
};
/* The value of `key` (any but 0), to be read or changed until the next insertion; NULL if it has
 * none. */
uint64_t *simnet_map_find(const struct simnet_map *map, uint64_t key);
/* The same; a key that has no value gets 0. */
uint64_t *simnet_map_insert(struct simnet_map *map, uint64_t key);
void simnet_map_clear(struct simnet_map *map); /* keeps its memory */
void simnet_map_fini(struct simnet_map *map);

struct simnet_ring {
    uint64_t *items;
    size_t head, count, capacity; /* capacity: 0 or a power of two */
};
void simnet_ring_grow(struct simnet_ring *ring);
void simnet_ring_fini(struct simnet_ring *ring);

static inline uint64_t *simnet_ring_at(const struct simnet_ring *ring, size_t index)
{
    return &ring->items[(ring->head + index) & (ring->capacity - 1)];
}

static inline void simnet_ring_push(struct simnet_ring *ring, uint64_t item)
{
    if (ring->count == ring->capacity)
        simnet_ring_grow(ring);
    ring->count++;
    *simnet_ring_at(ring, ring->count - 1) = item;
}

/* The ring must not be empty. */
static inline uint64_t simnet_ring_pop(struct simnet_ring *ring)
{
    uint64_t item = *simnet_ring_at(ring, 0);

    ring->head++;
    ring->count--;
    return item;
}

#endif
