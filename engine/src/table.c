/* Finds sessions by (remote, session id): END-1. Open addressing with linear probing; removal
 * shifts back, so there are no tombstones and a lookup never gets slower with age. The hash is
 * keyed by a setting: with a random key a peer cannot choose ids that collide. */
#include "state.h"
#include "wire.h"

void sipc__table_prepare(struct sipc_endpoint *ep)
{
    uint64_t key = ep->config.table_key;

    for (int i = 0; i < TABLE_KEYS; i++) {
        uint64_t word = key += UINT64_C(0x9e3779b97f4a7c15);
        word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
        ep->table_keys[i] = word ^ (word >> 31);
    }
}

/* Products of keyed words: which ids collide depends on the keys, and the words are taken side by
 * side. On stream networks the connection is no part of the key (END-1a). */
static uint32_t table_home(const struct sipc_endpoint *ep, sipc_peer remote, const uint8_t *id)
{
    const uint64_t *keys = ep->table_keys;
    uint64_t h = (sipc__load_u64(id) + keys[0]) * (sipc__load_u64(id + 8) + keys[1]);

    h += (sipc__load_u64(id + 16) + keys[2]) * (sipc__load_u64(id + 24) + keys[3]);
    h ^= ((ep->config.stream ? 0 : remote) + keys[4]) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 32)) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(h >> 32) & (ep->table_size - 1);
}

static uint32_t *table_of(const struct sipc_endpoint *ep)
{
    return block_at(ep, ep->table_offset);
}

static bool table_is(const struct sipc_endpoint *ep, uint32_t entry, sipc_peer remote,
                     const uint8_t *id)
{
    const struct session *s = session_at(ep, entry - 1);
    return memcmp(s->id, id, SIPC_SESSION_ID_SIZE) == 0 &&
           (s->remote == remote || ep->config.stream);
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
