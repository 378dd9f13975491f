/* Where mutation draws from: the same inputs from the same seeds everywhere.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_CHANCE_H
#define FUZZ_CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance { /* xorshift */
    uint64_t state;
};

static inline uint32_t draw(struct chance *chance, uint32_t below)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return (uint32_t)((chance->state >> 16) % below);
}

#define PICK(chance, table) ((table)[draw(chance, sizeof(table) / sizeof(table)[0])])

/* A raw PDU of that session into `out`, of SFZ_RAW_MAX bytes (raw.c); returns its size. */
size_t sfz_raw_make(struct chance *chance, unsigned session, uint8_t *out);

#endif
