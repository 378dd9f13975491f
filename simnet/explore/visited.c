/* The states seen. Of each 32 bytes are kept (the hash, where it came from, by what, and the state
 * it heals to), and 8 bytes of an index that is between 0.3 and 0.6 full: 45 to 59 bytes a state.
 *
 * Two states with one hash would be taken for one, and what only the second leads to would be
 * missed. Among n states that is to be expected n^2 / 2^129 times: 10^9 states, 10^-21. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { INDEX_SIZE_MIN = 1 << 12 };

void explore_visited_init(struct visited *visited)
{
    *visited = (struct visited){.index_size = INDEX_SIZE_MIN};
    visited->index = calloc(visited->index_size, sizeof *visited->index);
    if (visited->index == NULL)
        abort();
}

void explore_visited_fini(struct visited *visited)
{
    free(visited->nodes);
    free(visited->index);
}

size_t explore_visited_memory(const struct visited *visited)
{
    return visited->capacity * sizeof *visited->nodes + visited->index_size * sizeof(uint64_t);
}

static uint64_t visited_entry(const uint64_t hash[2], uint32_t node)
{
    return (hash[1] & ~(uint64_t)UINT32_MAX) | (node + 1);
}

static void visited_rehash(struct visited *visited)
{
    free(visited->index);
    visited->index_size *= 2;
    visited->index = calloc(visited->index_size, sizeof *visited->index);
    if (visited->index == NULL)
        abort();
    for (uint32_t i = 0; i < visited->count; i++) {
        const uint64_t *hash = visited->nodes[i].hash;
        size_t place = hash[0] & (visited->index_size - 1);
        while (visited->index[place] != 0)
            place = (place + 1) & (visited->index_size - 1);
        visited->index[place] = visited_entry(hash, i);
    }
}

uint32_t explore_visited_add(struct visited *visited, const uint64_t hash[2], uint32_t parent,
                             uint32_t action, bool *is_new)
{
    const uint64_t tag = visited_entry(hash, 0) >> 32;
    size_t place = hash[0] & (visited->index_size - 1);

    *is_new = false;
    for (; visited->index[place] != 0; place = (place + 1) & (visited->index_size - 1)) {
        uint32_t node = (uint32_t)visited->index[place] - 1;
        if (visited->index[place] >> 32 == tag && visited->nodes[node].hash[0] == hash[0] &&
            visited->nodes[node].hash[1] == hash[1])
            return node;
    }
    if (visited->count == visited->capacity) {
        visited->capacity = visited->capacity + visited->capacity / 2 + 4096;
        visited->nodes =
            explore_allocate(visited->nodes, visited->capacity * sizeof *visited->nodes);
    }
    uint32_t node = (uint32_t)visited->count++;
    visited->nodes[node] = (struct node){{hash[0], hash[1]}, parent, action, HEAL_UNKNOWN, 0};
    visited->index[place] = visited_entry(hash, node);
    if (visited->count * 5 > visited->index_size * 3)
        visited_rehash(visited);
    *is_new = true;
    return node;
}
