/* States as bytes. An engine is written as the words in which it differs from one that has opened a
 * session and nothing else: most of an endpoint's block is settings, empty, or the same as long as
 * the session is there. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct record_head {
    uint32_t size; /* of the whole record */
    uint16_t outside_size, packed_size[2];
    uint16_t pad;
    uint64_t hashes[2][2]; /* of the engines */
};

static size_t state_outside_size(const struct outside *outside)
{
    return offsetof(struct outside, wire) + outside->wire_count * sizeof outside->wire[0];
}

static void *state_block(const struct explorer *x)
{
    void *block = calloc(1, x->block_size);
    struct sipc_endpoint *ep;

    if (block == NULL || x->engine->init(block, x->block_size, &x->config, EXPLORE_NOW, &ep) != 0)
        abort();
    return block;
}

static void state_make_usual(struct explorer *x, void *block)
{
    struct sipc_action action;
    sipc_session session;

    if (x->engine->open(block, EXPLORE_NOW, 2, simnet_explore_session_id(), INT64_MIN, &session) !=
        SIPC_OK)
        abort();
    while (x->engine->next_action(block, &action))
        ;
    x->engine->rebase(block, EXPLORE_NOW, EXPLORE_NOW, NULL, 0);
    memcpy(x->usual, block, x->snapshot_size);
}

void explore_state_init(struct explorer *x)
{
    struct engine_state *engines[4] = {&x->base.engines[0], &x->base.engines[1],
                                       &x->work.engines[0], &x->work.engines[1]};

    x->block_size = x->engine->size(&x->config);
    for (int i = 0; i < 4; i++)
        engines[i]->block = state_block(x);
    x->engine->rebase(engines[0]->block, EXPLORE_NOW, EXPLORE_NOW, NULL, 0);
    x->snapshot_size = x->engine->snapshot_size(engines[0]->block);
    x->words = x->snapshot_size / sizeof(uint64_t);
    x->mask_words = (x->words + 63) / 64;
    x->fresh = explore_allocate(NULL, x->snapshot_size);
    memcpy(x->fresh, engines[0]->block, x->snapshot_size);
    x->usual = explore_allocate(NULL, x->snapshot_size);
    state_make_usual(x, engines[0]->block);
    for (int i = 0; i < 4; i++) {
        memcpy(engines[i]->block, x->fresh, x->snapshot_size);
        engines[i]->packed = explore_allocate(NULL, (x->words + x->mask_words) * sizeof(uint64_t));
        engines[i]->packed_size = 0;
    }
}

void explore_state_fini(struct explorer *x)
{
    for (int side = 0; side < 2; side++) {
        free(x->base.engines[side].block);
        free(x->base.engines[side].packed);
        free(x->work.engines[side].block);
        free(x->work.engines[side].packed);
    }
    free(x->fresh);
    free(x->usual);
}

/* Eight words at a time: most are as they were. */
static bool state_is_usual(const uint64_t *words, const uint64_t *usual)
{
    return ((words[0] ^ usual[0]) | (words[1] ^ usual[1]) | (words[2] ^ usual[2]) |
            (words[3] ^ usual[3]) | (words[4] ^ usual[4]) | (words[5] ^ usual[5]) |
            (words[6] ^ usual[6]) | (words[7] ^ usual[7])) == 0;
}

static void state_pack_engine(const struct explorer *x, struct engine_state *engine)
{
    const uint64_t *words = engine->block;
    uint64_t *masks = (uint64_t *)(void *)engine->packed;
    uint64_t *out = masks + x->mask_words;

    memset(masks, 0, x->mask_words * sizeof *masks);
    for (size_t first = 0; first < x->words; first += 8) {
        size_t count = x->words - first < 8 ? x->words - first : 8;
        uint64_t mask = 0;
        if (count == 8 && state_is_usual(words + first, x->usual + first))
            continue;
        for (size_t i = 0; i < count; i++)
            mask |= (uint64_t)(words[first + i] != x->usual[first + i]) << i;
        masks[first / 64] |= mask << first % 64;
        for (; mask != 0; mask &= mask - 1)
            *out++ = words[first + (size_t)__builtin_ctzll(mask)];
    }
    engine->packed_size = (size_t)((uint8_t *)out - engine->packed);
}

static void state_unpack_engine(const struct explorer *x, struct engine_state *engine,
                                const uint8_t *packed, size_t size)
{
    uint64_t *words = engine->block;
    const uint8_t *in = packed + x->mask_words * sizeof(uint64_t);

    memcpy(engine->packed, packed, size);
    engine->packed_size = size;
    memcpy(words, x->usual, x->snapshot_size);
    for (size_t first = 0; first < x->words; first += 64) {
        uint64_t mask;
        memcpy(&mask, packed + first / 64 * sizeof mask, sizeof mask);
        for (; mask != 0; mask &= mask - 1) {
            memcpy(&words[first + (size_t)__builtin_ctzll(mask)], in, sizeof *words);
            in += sizeof *words;
        }
    }
}

void explore_state_hash(struct explorer *x, uint64_t hash[2])
{
    const struct outside *outside = &x->work.outside;
    struct {
        XXH128_hash_t engines[2];
        struct outside outside;
    } all;
    size_t size = state_outside_size(outside);

    for (int side = 0; side < 2; side++) {
        struct engine_state *engine = &x->base.engines[side];
        if (x->touched[side]) {
            engine = &x->work.engines[side];
            state_pack_engine(x, engine);
            XXH128_hash_t sum = XXH3_128bits(engine->packed, engine->packed_size);
            engine->hash[0] = sum.low64;
            engine->hash[1] = sum.high64;
        }
        all.engines[side] = (XXH128_hash_t){engine->hash[0], engine->hash[1]};
    }
    memcpy(&all.outside, outside, size);
    XXH128_hash_t sum = XXH3_128bits(&all, offsetof(__typeof__(all), outside) + size);
    hash[0] = sum.low64;
    hash[1] = sum.high64;
}

void explore_state_write(const struct explorer *x, struct buffer *buffer)
{
    const struct engine_state *engines[2];
    struct record_head head = {.outside_size = (uint16_t)state_outside_size(&x->work.outside)};

    head.size = (uint32_t)sizeof head + head.outside_size;
    for (int side = 0; side < 2; side++) {
        engines[side] = x->touched[side] ? &x->work.engines[side] : &x->base.engines[side];
        head.packed_size[side] = (uint16_t)engines[side]->packed_size;
        memcpy(head.hashes[side], engines[side]->hash, sizeof head.hashes[side]);
        head.size += head.packed_size[side];
    }
    uint8_t *out = explore_buffer_grow(buffer, head.size);
    memcpy(out, &head, sizeof head);
    out += sizeof head;
    memcpy(out, &x->work.outside, head.outside_size);
    out += head.outside_size;
    for (int side = 0; side < 2; side++) {
        memcpy(out, engines[side]->packed, engines[side]->packed_size);
        out += engines[side]->packed_size;
    }
}

static void state_look(struct explorer *x)
{
    for (int side = 0; side < 2; side++)
        x->deadlines[side] = x->engine->deadline(x->base.engines[side].block);
}

void explore_state_unpack(struct explorer *x, const uint8_t *record)
{
    struct record_head head;

    memcpy(&head, record, sizeof head);
    record += sizeof head;
    memcpy(&x->base.outside, record, head.outside_size);
    record += head.outside_size;
    for (int side = 0; side < 2; side++) {
        state_unpack_engine(x, &x->base.engines[side], record, head.packed_size[side]);
        memcpy(x->base.engines[side].hash, head.hashes[side], sizeof head.hashes[side]);
        record += head.packed_size[side];
    }
    state_look(x);
}

void explore_state_adopt(struct explorer *x)
{
    x->base.outside = x->work.outside;
    for (int side = 0; side < 2; side++) {
        struct engine_state kept = x->base.engines[side];
        if (!x->touched[side])
            continue;
        x->base.engines[side] = x->work.engines[side];
        x->work.engines[side] = kept;
        x->touched[side] = false;
    }
    state_look(x);
}
