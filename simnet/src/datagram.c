/* Datagrams: a pool of slots that never move, and what corruption makes of their bytes. The payload
 * of a slot stays with the message it belongs to; only heads are copied. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct slot *pool_take(struct pool *pool)
{
    if (pool->free_count == 0) {
        size_t first = pool->chunk_count * POOL_CHUNK;
        pool->chunks = simnet_grow(pool->chunks, pool->chunk_count, &pool->chunk_capacity,
                                   sizeof *pool->chunks);
        pool->chunks[pool->chunk_count++] = simnet_allocate(POOL_CHUNK, sizeof(struct slot));
        pool->free_capacity = pool->chunk_count * POOL_CHUNK;
        pool->free_slots =
            simnet_reallocate(pool->free_slots, pool->free_capacity, sizeof *pool->free_slots);
        for (size_t i = 0; i < POOL_CHUNK; i++)
            pool->free_slots[pool->free_count++] = (uint32_t)(first + POOL_CHUNK - 1 - i);
    }
    uint32_t index = pool->free_slots[--pool->free_count];
    struct slot *slot = pool_slot(pool, index);
    memset(slot, 0, offsetof(struct slot, inline_bytes));
    slot->index = index;
    return slot;
}

void pool_fini(struct pool *pool)
{
    for (size_t i = 0; i < pool->chunk_count * POOL_CHUNK; i++) {
        struct slot *slot = pool_slot(pool, i);
        if (slot->bytes != slot->inline_bytes)
            free(slot->bytes);
    }
    for (size_t i = 0; i < pool->chunk_count; i++)
        free(pool->chunks[i]);
    free(pool->chunks);
    free(pool->free_slots);
    *pool = (struct pool){0};
}

void slot_set_head(struct slot *slot, struct sipc_span head)
{
    slot->bytes = slot->inline_bytes;
    if (head.size > SLOT_INLINE_BYTES)
        slot->bytes = simnet_allocate(head.size, 1);
    if (head.size > 0)
        memcpy(slot->bytes, head.data, head.size);
    slot->datagram.head = (struct sipc_span){slot->bytes, head.size};
}

void slot_release(struct simnet_world *world, struct slot *slot)
{
    struct pool *pool = &world->pool;

    if (slot->message)
        operation_release(world, operation_at(world, slot->message));
    if (slot->bytes != slot->inline_bytes)
        free(slot->bytes);
    slot->bytes = NULL;
    SIPC_ASSERT(pool->free_count < pool->free_capacity);
    pool->free_slots[pool->free_count++] = slot->index;
}

/* ---- bytes as they arrive ---- */

static void datagram_flip(uint8_t *bytes, size_t size, uint64_t first, uint32_t count)
{
    for (uint64_t bit = first; bit < first + count && bit / 8 < size; bit++)
        bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

static size_t datagram_size_now(const struct simnet_datagram *datagram)
{
    if (datagram->corruption == SIMNET_TRUNCATE)
        return datagram->corruption_value < datagram->size ? datagram->corruption_value
                                                           : datagram->size;
    if (datagram->corruption == SIMNET_EXTEND)
        return datagram->size + datagram->corruption_value;
    return datagram->size;
}

size_t simnet_datagram_copy(const struct simnet_datagram *datagram, uint8_t *out, size_t size)
{
    size_t now = datagram_size_now(datagram);
    size_t head = datagram->head.size < now ? datagram->head.size : now;
    size_t payload = datagram->payload.size < now - head ? datagram->payload.size : now - head;

    if (now > size)
        return now;
    if (head > 0)
        memcpy(out, datagram->head.data, head);
    if (payload > 0)
        memcpy(out + head, datagram->payload.data, payload);
    for (size_t i = head + payload; i < now; i++)
        out[i] = (uint8_t)((i - datagram->size) % PATTERN_PERIOD);
    if (datagram->corruption == SIMNET_FLIP)
        datagram_flip(out, now, datagram->corruption_value, datagram->corruption_extra);
    return now;
}

struct sipc_span slot_bytes(struct simnet_world *world, const struct slot *slot)
{
    if (slot->datagram.payload.size == 0 && slot->datagram.corruption == SIMNET_PASS)
        return slot->datagram.head;
    size_t size = simnet_datagram_copy(&slot->datagram, world->scratch, SIMNET_DATAGRAM_SIZE_MAX);
    SIPC_ASSERT(size <= SIMNET_DATAGRAM_SIZE_MAX);
    return (struct sipc_span){world->scratch, size};
}
