/* Every PDU there ever was on the wire, once: in states it is a number. In a small world they are
 * few. Numbers go by the order of discovery, which is always the same. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { OPCODE_OFFSET = 46 };

void *explore_allocate(void *old, size_t size)
{
    void *memory = realloc(old, size);

    if (memory == NULL)
        abort();
    return memory;
}

uint8_t *explore_buffer_grow(struct buffer *buffer, size_t size)
{
    if (buffer->capacity - buffer->size < size) {
        buffer->capacity = 2 * buffer->capacity + size + 4096;
        buffer->bytes = explore_allocate(buffer->bytes, buffer->capacity);
    }
    buffer->size += size;
    return buffer->bytes + buffer->size - size;
}

static uint64_t pdus_hash(uint32_t to, struct sipc_span bytes)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, to);
}

static void pdus_rehash(struct pdus *pdus)
{
    pdus->bucket_count = pdus->bucket_count ? 4 * pdus->bucket_count : 256;
    pdus->buckets = explore_allocate(pdus->buckets, pdus->bucket_count * sizeof *pdus->buckets);
    memset(pdus->buckets, 0, pdus->bucket_count * sizeof *pdus->buckets);
    for (uint32_t i = 0; i < pdus->count; i++) {
        struct pdu *pdu = &pdus->items[i];
        uint64_t hash = pdus_hash(pdu->to, explore_pdus_bytes(pdus, i));
        uint32_t *bucket = &pdus->buckets[hash & (pdus->bucket_count - 1)];
        pdu->next = *bucket;
        *bucket = i + 1;
    }
}

uint32_t explore_pdus_number(struct pdus *pdus, uint32_t to, struct sipc_span bytes)
{
    uint64_t hash = pdus_hash(to, bytes);

    if (pdus->count >= pdus->bucket_count)
        pdus_rehash(pdus);
    uint32_t *bucket = &pdus->buckets[hash & (pdus->bucket_count - 1)];
    for (uint32_t i = *bucket; i != 0; i = pdus->items[i - 1].next) {
        const struct pdu *pdu = &pdus->items[i - 1];
        if (pdu->to == to && pdu->size == bytes.size &&
            memcmp(pdus->bytes + pdu->offset, bytes.data, bytes.size) == 0)
            return i - 1;
    }
    if (pdus->count == pdus->capacity) {
        pdus->capacity = 2 * pdus->capacity + 64;
        pdus->items = explore_allocate(pdus->items, pdus->capacity * sizeof *pdus->items);
    }
    if (pdus->bytes_capacity - pdus->bytes_size < bytes.size) {
        pdus->bytes_capacity = 2 * pdus->bytes_capacity + bytes.size + 4096;
        pdus->bytes = explore_allocate(pdus->bytes, pdus->bytes_capacity);
    }
    memcpy(pdus->bytes + pdus->bytes_size, bytes.data, bytes.size);
    pdus->items[pdus->count] = (struct pdu){
        .offset = pdus->bytes_size,
        .size = (uint32_t)bytes.size,
        .to = to,
        .next = *bucket,
        .opcode = bytes.size > OPCODE_OFFSET ? bytes.data[OPCODE_OFFSET] : 0,
    };
    pdus->bytes_size += bytes.size;
    *bucket = (uint32_t)++pdus->count;
    return (uint32_t)pdus->count - 1;
}

struct sipc_span explore_pdus_bytes(const struct pdus *pdus, uint32_t number)
{
    const struct pdu *pdu = &pdus->items[number];

    return (struct sipc_span){pdus->bytes + pdu->offset, pdu->size};
}

void explore_pdus_fini(struct pdus *pdus)
{
    free(pdus->items);
    free(pdus->bytes);
    free(pdus->buckets);
}
