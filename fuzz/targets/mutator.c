/* What libFuzzer asks to change inputs: records by the mutator of input/, bytes by its own. Linked
 * into libFuzzer programs alone.
 * SPDX-License-Identifier: MIT */
#include "input/input.h"
#include "targets/target.h"

enum { BYTES_SHARE = 64 }; /* of inputs of records, one of so many is changed as bytes are */

/* Freed memory is kept for a while, but little of it: inputs allocate the same over and over. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1:malloc_context_size=8";
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_size, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    if (target_ops == 0 || seed % BYTES_SHARE == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    return sfz_mutate(data, size, max_size, seed, target_ops);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_size, unsigned seed)
{
    if (target_ops != 0)
        return sfz_cross(a, a_size, b, b_size, out, max_size, seed);
    size_t size = 0; /* bytes of both, by turns */
    for (size_t i = 0; size < max_size && (i < a_size || i < b_size); i++) {
        bool second = (seed >> i % 32 & 1) != 0;
        if (i < (second ? b_size : a_size))
            out[size++] = (second ? b : a)[i];
    }
    return size;
}
