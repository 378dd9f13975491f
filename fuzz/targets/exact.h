/* Blocks of exactly a size, kept from input to input: sanitizers see what goes past their end, or
 * reads what was never written, as of memory from malloc, and inputs are too many and too short for
 * that. They know nothing of what is in them.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_EXACT_H
#define FUZZ_EXACT_H

#include <stddef.h>
#include <stdint.h>

#include "targets/target.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define EXACT_ASAN
#elif __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define EXACT_MSAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define EXACT_ASAN
#endif
#ifdef EXACT_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { EXACT_BEHIND = 64 }; /* bytes behind the end that are watched */

/* Declares a block of up to `most` bytes. */
#define EXACT(block, most) uint8_t block[(most) + EXACT_BEHIND]

/* The block, as one of `size` bytes whose content is void. */
static inline uint8_t *exact(uint8_t *block, size_t capacity, size_t size)
{
    FUZZ_CHECK(size <= capacity - EXACT_BEHIND, "room for a block");
#if defined(EXACT_ASAN)
    __asan_unpoison_memory_region(block, size);
    __asan_poison_memory_region(block + size, EXACT_BEHIND);
#elif defined(EXACT_MSAN)
    __msan_poison(block, size);
#endif
    return block;
}

#endif
