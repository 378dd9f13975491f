/* Finds sessions by (remote, session id): END-1. Open addressing with linear probing; removal
 * shifts back, so there are no tombstones and a lookup never gets slower with age. The hash is
 * keyed by a setting: with a random key a peer cannot choose ids that collide.
 *
 *     entry: | hash, but its lowest bits | slot + 1 |      0: none
 *
 * The lowest bits of the hash are the place where a session belongs. The others stand in the entry,
 * so that sessions which happen to stand on the way are passed without being looked at. */
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
static uint32_t table_hash(const struct sipc_endpoint *ep, sipc_peer remote, const uint8_t *id)
{
    const uint64_t *keys = ep->table_keys;
    uint64_t h = (sipc__load_u64(id) + keys[0]) * (sipc__load_u64(id + 8) + keys[1]);

    h += (sipc__load_u64(id + 16) + keys[2]) * (sipc__load_u64(id + 24) + keys[3]);
    h ^= ((ep->config.stream ? 0 : remote) + keys[4]) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 32)) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(h >> 32);
}

static uint32_t *table_of(const struct sipc_endpoint *ep)
{
    return block_at(ep, ep->table_offset);
}

static bool table_is(const struct sipc_endpoint *ep, const struct session *s, sipc_peer remote,
                     const uint8_t *id)
{
    return memcmp(s->id, id, SIPC_SESSION_ID_SIZE) == 0 &&
           (s->remote == remote || ep->config.stream);
}

uint32_t sipc__table_find(const struct sipc_endpoint *ep, sipc_peer remote, const uint8_t *id)
{
    const uint32_t *table = table_of(ep);
    uint32_t mask = ep->table_size - 1;
    uint32_t hash = table_hash(ep, remote, id);
    uint32_t entry;

    for (uint32_t i = hash & mask; (entry = table[i]) != 0; i = (i + 1) & mask) {
        uint32_t slot = (entry & mask) - 1;
        if (((entry ^ hash) & ~mask) == 0 && table_is(ep, session_at(ep, slot), remote, id))
            return slot;
    }
    return SLOT_NONE;
}

/* The entry of a session, and in *home the place where it belongs. */
static uint32_t table_entry(const struct sipc_endpoint *ep, uint32_t slot, uint32_t *home)
{
    const struct session *s = session_at(ep, slot);
    uint32_t mask = ep->table_size - 1;
    uint32_t hash = table_hash(ep, s->remote, s->id);

    *home = hash & mask;
    return (hash & ~mask) | (slot + 1);
}

void sipc__table_add(struct sipc_endpoint *ep, uint32_t slot)
{
    uint32_t *table = table_of(ep);
    uint32_t i;
    uint32_t entry = table_entry(ep, slot, &i);

    while (table[i] != 0)
        i = (i + 1) & (ep->table_size - 1);
    table[i] = entry;
}

static uint32_t table_index(const struct sipc_endpoint *ep, uint32_t slot)
{
    const uint32_t *table = table_of(ep);
    uint32_t i;
    uint32_t entry = table_entry(ep, slot, &i);

    while (table[i] != entry) {
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
        uint32_t home;
        (void)table_entry(ep, (table[i] & mask) - 1, &home);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table[hole] = table[i];
            hole = i;
        }
    }
    table[hole] = 0;
}
