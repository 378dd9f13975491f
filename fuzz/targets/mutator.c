/* What fuzzers ask to change inputs: records by the mutator of input/, bytes by their own. For
 * libFuzzer it is linked into the program; for AFL++ (FUZZ_AFL) it is a shared object that afl-fuzz
 * loads, made for targets of records alone.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "input/input.h"
#include "targets/target.h"

#ifdef FUZZ_AFL
enum { CROSS_SHARE = 8 }; /* one of so many is made of two */

struct afl_mutator {
    uint64_t random;
    uint8_t *out;
    size_t capacity;
};

#define EXPORT __attribute__((visibility("default")))
EXPORT void *afl_custom_init(void *afl, unsigned seed);
EXPORT void afl_custom_deinit(void *data);
EXPORT size_t afl_custom_fuzz(void *data, uint8_t *from, size_t size, uint8_t **out, uint8_t *other,
                              size_t other_size, size_t max_size);

void *afl_custom_init(void *afl, unsigned seed)
{
    struct afl_mutator *mutator = calloc(1, sizeof *mutator);

    (void)afl;
    if (mutator != NULL)
        mutator->random = seed;
    return mutator;
}

void afl_custom_deinit(void *data)
{
    struct afl_mutator *mutator = data;

    free(mutator->out);
    free(mutator);
}

size_t afl_custom_fuzz(void *data, uint8_t *from, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size)
{
    struct afl_mutator *mutator = data;

    if (mutator->capacity < max_size) {
        uint8_t *grown = realloc(mutator->out, max_size);
        if (grown == NULL)
            return 0;
        mutator->out = grown;
        mutator->capacity = max_size;
    }
    mutator->random = mutator->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    unsigned seed = (unsigned)(mutator->random >> 32);
    *out = mutator->out;
    if (other != NULL && other_size > 0 && seed % CROSS_SHARE == 0)
        return sfz_cross(from, size, other, other_size, mutator->out, max_size, seed);
    size = size < max_size ? size : max_size;
    memcpy(mutator->out, from, size);
    return sfz_mutate(mutator->out, size, max_size, seed, target_ops);
}
#else

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
#endif
