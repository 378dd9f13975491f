/* Bytes that the judge keeps of PDUs: bounded, and in blocks that are used again, as nearly every
 * PDU takes one and gives it back soon. Sanitizers see of those what they see of blocks from
 * malloc: that nobody looks at one given back, at bytes never written, or behind those that were.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define BYTES_ASAN
#elif __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define BYTES_MSAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define BYTES_ASAN
#endif
#ifdef BYTES_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { BYTES_LEAST = 64 }; /* of a block of the first size; each is twice the one before */

/* The first `size` bytes may be looked at from now on. Not inlined, nor is the other: gcc takes
 * what malloc gave for something that is read here. */
__attribute__((noinline)) static void bytes_open(uint8_t *data, size_t size)
{
#ifdef BYTES_ASAN
    __asan_unpoison_memory_region(data, size);
#else
    (void)data, (void)size;
#endif
}

/* None may, till they are written anew. */
__attribute__((noinline)) static void bytes_shut(uint8_t *data, size_t capacity)
{
#if defined(BYTES_ASAN)
    __asan_poison_memory_region(data, capacity);
#elif defined(BYTES_MSAN)
    __msan_poison(data, capacity);
#else
    (void)data, (void)capacity;
#endif
}

static size_t bytes_capacity(unsigned which)
{
    return (size_t)BYTES_LEAST << which;
}

/* Which size of blocks holds so many bytes; JUDGE_BLOCK_SIZES: none does. */
static unsigned bytes_which(size_t size)
{
    unsigned which = 0;

    while (which < JUDGE_BLOCK_SIZES && bytes_capacity(which) < size) {
        which++;
    }
    return which;
}

static bool bytes_grow(struct judge *j, struct judge_bytes *bytes, size_t size)
{
    unsigned which = bytes_which(size);
    bool small = which < JUDGE_BLOCK_SIZES;
    struct judge_bytes grown = {.size = bytes->size,
                                .capacity = small ? bytes_capacity(which) : size * 3 / 2 + 16};

    if (j->memory + grown.capacity > JUDGE_MEMORY_MAX) {
        return false;
    }
    if (small && j->blocks[which].count > 0) {
        grown.data = j->blocks[which].data[--j->blocks[which].count];
    } else if ((grown.data = malloc(grown.capacity)) == NULL) {
        return false;
    }
    bytes_shut(grown.data, grown.capacity);
    bytes_open(grown.data, grown.size);
    if (grown.size > 0) {
        memcpy(grown.data, bytes->data, grown.size);
    }
    judge_bytes_clear(j, bytes);
    j->memory += grown.capacity;
    *bytes = grown;
    return true;
}

bool judge_bytes_add(struct judge *j, struct judge_bytes *bytes, struct sipc_span more)
{
    const size_t size = bytes->size + more.size;

    if (size > bytes->capacity && !bytes_grow(j, bytes, size)) {
        return false;
    }
    if (more.size > 0) {
        bytes_open(bytes->data, size);
        memcpy(bytes->data + bytes->size, more.data, more.size);
        bytes->size = size;
    }
    return true;
}

void judge_bytes_clear(struct judge *j, struct judge_bytes *bytes)
{
    if (bytes->data == NULL) {
        return;
    }
    unsigned which = bytes_which(bytes->capacity);
    j->memory -= bytes->capacity;
    if (which < JUDGE_BLOCK_SIZES && j->blocks[which].count < JUDGE_BLOCKS_KEPT) {
        bytes_shut(bytes->data, bytes->capacity);
        j->blocks[which].data[j->blocks[which].count++] = bytes->data;
    } else {
        free(bytes->data);
    }
    *bytes = (struct judge_bytes){0};
}

void judge_blocks_free(struct judge *j)
{
    for (unsigned which = 0; which < JUDGE_BLOCK_SIZES; which++) {
        while (j->blocks[which].count > 0) {
            free(j->blocks[which].data[--j->blocks[which].count]);
        }
    }
}
