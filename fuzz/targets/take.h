/* Bytes of an input, taken from the front; zeros behind the end. For targets whose inputs are
 * programs of bytes. SPDX-License-Identifier: MIT */
#ifndef FUZZ_TAKE_H
#define FUZZ_TAKE_H

#include <stddef.h>
#include <stdint.h>

struct take {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t take_byte(struct take *take)
{
    if (take->left == 0)
        return 0;
    take->left--;
    return *take->at++;
}

/* Of `width` bytes, big endian. */
static inline uint64_t take_number(struct take *take, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++)
        value = value << 8 | take_byte(take);
    return value;
}

#endif
