/* See containers.h. The map: open addressing, linear probing, at most half full. */
#include "containers.h"

#include <stdlib.h>
#include <string.h>

#include "simnet/prng.h"
#include "sipc/base.h"

void *simnet_allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);

    if (memory == NULL)
        abort();
    return memory;
}

void *simnet_reallocate(void *memory, size_t count, size_t size)
{
    if (count > SIZE_MAX / size || (memory = realloc(memory, count * size)) == NULL)
        abort();
    return memory;
}

void *simnet_grow(void *memory, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return memory;
    *capacity = *capacity ? *capacity * 2 : 16;
    return simnet_reallocate(memory, *capacity, size);
}

static struct simnet_map_entry *map_place(const struct simnet_map *map, uint64_t key)
{
    size_t place = (size_t)simnet_mix(key) & (map->capacity - 1);

    while (map->entries[place].key != 0 && map->entries[place].key != key)
        place = (place + 1) & (map->capacity - 1);
    return &map->entries[place];
}

uint64_t *simnet_map_find(const struct simnet_map *map, uint64_t key)
{
    if (map->count == 0)
        return NULL;
    struct simnet_map_entry *entry = map_place(map, key);
    return entry->key ? &entry->value : NULL;
}

static void map_grow(struct simnet_map *map)
{
    struct simnet_map old = *map;

    map->capacity = old.capacity ? old.capacity * 2 : 16;
    map->entries = simnet_allocate(map->capacity, sizeof *map->entries);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].key != 0)
            *map_place(map, old.entries[i].key) = old.entries[i];
    free(old.entries);
}

uint64_t *simnet_map_insert(struct simnet_map *map, uint64_t key)
{
    SIPC_ASSERT(key != 0);
    if (map->count >= map->capacity / 2)
        map_grow(map);
    struct simnet_map_entry *entry = map_place(map, key);
    if (entry->key == 0) {
        *entry = (struct simnet_map_entry){key, 0};
        map->count++;
    }
    return &entry->value;
}

void simnet_map_clear(struct simnet_map *map)
{
    if (map->count > 0)
        memset(map->entries, 0, map->capacity * sizeof *map->entries);
    map->count = 0;
}

void simnet_map_fini(struct simnet_map *map)
{
    free(map->entries);
    *map = (struct simnet_map){0};
}

void simnet_ring_grow(struct simnet_ring *ring)
{
    size_t capacity = ring->capacity ? ring->capacity * 2 : 16;
    uint64_t *items = simnet_allocate(capacity, sizeof *items);

    for (size_t i = 0; i < ring->count; i++)
        items[i] = *simnet_ring_at(ring, i);
    free(ring->items);
    *ring = (struct simnet_ring){items, 0, ring->count, capacity};
}

void simnet_ring_fini(struct simnet_ring *ring)
{
    free(ring->items);
    *ring = (struct simnet_ring){0};
}
