/* Memory of a script: chunks that are freed together, and a text that grows. Running out of memory
 * aborts: a script is at most 1 MiB, so what it needs is bounded.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { ARENA_CHUNK_SIZE = 1 << 15, ARENA_ALIGNMENT = 16, ARENA_FIRST_CAPACITY = 4 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(ARENA_ALIGNMENT) unsigned char bytes[];
};
struct sx__arena {
    struct arena_chunk *chunks; /* the newest first */
};

static void *arena_checked(void *memory)
{
    if (memory == NULL) { /* no memory */
        fputs("sipc: out of memory\n", stderr);
        abort();
    }
    return memory;
}

struct sx__arena *sx__arena_new(void)
{
    return arena_checked(calloc(1, sizeof(struct sx__arena)));
}

void sx__arena_free(struct sx__arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    free(arena);
}

void *sx__alloc(struct sx__arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena->chunks;
    size = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t chunk_size = size > ARENA_CHUNK_SIZE ? size : ARENA_CHUNK_SIZE;
        chunk = arena_checked(calloc(1, sizeof(*chunk) + chunk_size));
        chunk->size = chunk_size;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

const char *sx__string(struct sx__arena *arena, const char *text, size_t size)
{
    char *copy = sx__alloc(arena, size + 1);
    memcpy(copy, text, size);
    return copy;
}

struct sipc_span sx__bytes(struct sx__arena *arena, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = sx__alloc(arena, size + 1);
    memcpy(copy, bytes, size);
    return (struct sipc_span){copy, size};
}

/* Arrays double at each power of two from ARENA_FIRST_CAPACITY on; the old copy stays behind. */
void *sx__grow(struct sx__arena *arena, const void *array, size_t count, size_t element_size)
{
    if (count == 0) {
        return sx__alloc(arena, ARENA_FIRST_CAPACITY * element_size);
    }
    if (count < ARENA_FIRST_CAPACITY || (count & (count - 1)) != 0) {
        union {
            const void *in;
            void *out;
        } same = {array};
        return same.out;
    }
    void *grown = sx__alloc(arena, 2 * count * element_size);
    memcpy(grown, array, count * element_size);
    return grown;
}

void sx__text_add(struct sx__text *text, const char *data, size_t size)
{
    if (text->capacity - text->size < size) {
        text->capacity = 2 * (text->size + size);
        text->data = arena_checked(realloc(text->data, text->capacity));
    }
    if (size > 0) {
        memcpy(text->data + text->size, data, size);
        text->size += size;
    }
}

void sx__text_clear(struct sx__text *text)
{
    free(text->data);
    *text = (struct sx__text){0};
}
