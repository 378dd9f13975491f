/* Finds sessions by (remote, session id): END-1. Open addressing with linear probing; removal
 * shifts back, so there are no tombstones and a lookup never gets slower with age. The hash is
 * keyed by a setting: with a random key a peer cannot choose ids that collide. */
#include "state.h"

static uint64_t table_load(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = (word << 8) | bytes[i];
    return word;
}

static uint64_t table_mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 29;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ (h >> 32);
}

/* On stream networks the connection is no part of the key (END-1a). */
static uint32_t table_home(const struct sipc_endpoint *ep, sipc_peer remote, const uint8_t *id)
{
    uint64_t h = table_mix(ep->config.table_key, ep->config.stream ? 0 : remote);

    for (int i = 0; i < SIPC_SESSION_ID_SIZE; i += 8)
        h = table_mix(h, table_load(id + i));
    return (uint32_t)h & (ep->table_size - 1);
}

static uint32_t *table_of(const struct sipc_endpoint *ep)
{
    return block_at(ep, ep->table_offset);
}

static bool table_is(const struct sipc_endpoint *ep, uint32_t entry, sipc_peer remote,
                     const uint8_t *id)
{
    const struct session *s = session_at(ep, entry - 1);
    return (ep->config.stream || s->remote == remote) &&
           memcmp(s->id, id, SIPC_SESSION_ID_SIZE) == 0;
}

uint32_t sipc__table_find(const struct sipc_endpoint *ep, sipc_peer remote, const uint8_t *id)
{
    const uint32_t *table = table_of(ep);
    uint32_t mask = ep->table_size - 1;

    for (uint32_t i = table_home(ep, remote, id); table[i] != 0; i = (i + 1) & mask)
        if (table_is(ep, table[i], remote, id))
            return table[i] - 1;
    return SLOT_NONE;
}

void sipc__table_add(struct sipc_endpoint *ep, uint32_t slot)
{
    uint32_t *table = table_of(ep);
    uint32_t mask = ep->table_size - 1;
    const struct session *s = session_at(ep, slot);
    uint32_t i = table_home(ep, s->remote, s->id);

    while (table[i] != 0)
        i = (i + 1) & mask;
    table[i] = slot + 1;
}

static uint32_t table_index(const struct sipc_endpoint *ep, uint32_t slot)
{
    const uint32_t *table = table_of(ep);
    const struct session *s = session_at(ep, slot);
    uint32_t i = table_home(ep, s->remote, s->id);

    while (table[i] != slot + 1) {
        SIPC_ASSERT(table[i] != 0);
        i = (i + 1) & (ep->table_size - 1);
    }
    return i;
}

void sipc__table_remove(struct sipc_endpoint *ep, uint32_t slot)
{
    uint32_t *table = table_of(ep);
    uint32_t mask = ep->table_size - 1;
    uint32_t hole = table_index(ep, slot);

    for (uint32_t i = (hole + 1) & mask; table[i] != 0; i = (i + 1) & mask) {
        const struct session *s = session_at(ep, table[i] - 1);
        uint32_t home = table_home(ep, s->remote, s->id);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table[hole] = table[i];
            hole = i;
        }
    }
    table[hole] = 0;
}
