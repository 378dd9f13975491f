/* See heap.h. */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#include "sipc/base.h"

enum { HEAP_ARITY = 4, HEAP_LINE = 64, HEAP_CAPACITY_MIN = 256 };

static void heap_resize(struct simnet_heap *heap, size_t capacity)
{
    /* The root stands last in its cache line, so that each four children fill one. */
    size_t lead = HEAP_ARITY - 1;
    size_t places = lead + capacity + HEAP_ARITY + 1;
    size_t bytes = (places * sizeof(struct simnet_heap_entry) + HEAP_LINE - 1) / HEAP_LINE;
    struct simnet_heap_entry *memory = aligned_alloc(HEAP_LINE, bytes * HEAP_LINE);

    if (memory == NULL)
        abort();
    if (heap->count > 0)
        memcpy(memory + lead, heap->entries, heap->count * sizeof *memory);
    for (size_t i = lead + heap->count; i < places; i++)
        memory[i] = (struct simnet_heap_entry){UINT64_MAX, UINT64_MAX};
    free(heap->memory);
    heap->memory = memory;
    heap->entries = memory + lead;
    heap->capacity = capacity;
}

void simnet_heap_init(struct simnet_heap *heap)
{
    *heap = (struct simnet_heap){0};
    heap_resize(heap, HEAP_CAPACITY_MIN);
}

void simnet_heap_fini(struct simnet_heap *heap)
{
    free(heap->memory);
    *heap = (struct simnet_heap){0};
}

void simnet_heap_clear(struct simnet_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->entries[i] = (struct simnet_heap_entry){UINT64_MAX, UINT64_MAX};
    heap->count = 0;
}

/* Puts `entry` at the free `place`, or further up. */
static void heap_rise(struct simnet_heap_entry *entries, size_t place,
                      struct simnet_heap_entry entry)
{
    while (place > 0) {
        size_t parent = (place - 1) / HEAP_ARITY;
        if (!simnet_heap_less(entry, entries[parent]))
            break;
        entries[place] = entries[parent];
        place = parent;
    }
    entries[place] = entry;
}

void simnet_heap_push(struct simnet_heap *heap, struct simnet_heap_entry entry)
{
    if (heap->count == heap->capacity)
        heap_resize(heap, heap->capacity * 2);

    heap_rise(heap->entries, heap->count++, entry);
}

/* The least of the four children that begin at `first`. */
static size_t heap_least_child(const struct simnet_heap_entry *entries, size_t first)
{
    size_t left = first + simnet_heap_less(entries[first + 1], entries[first]);
    size_t right = first + 2 + simnet_heap_less(entries[first + 3], entries[first + 2]);

    return simnet_heap_less(entries[right], entries[left]) ? right : left;
}

/* The free place goes all the way down before the last entry rises from there: it came from the
 * bottom and rarely rises far, and nothing on the way down depends on it. */
struct simnet_heap_entry simnet_heap_pop(struct simnet_heap *heap)
{
    SIPC_ASSERT(heap->count > 0);
    struct simnet_heap_entry *entries = heap->entries;
    struct simnet_heap_entry top = entries[0];
    size_t count = --heap->count;
    struct simnet_heap_entry last = entries[count];
    size_t place = 0;

    entries[count] = (struct simnet_heap_entry){UINT64_MAX, UINT64_MAX};
    for (size_t first = 1; first < count; first = place * HEAP_ARITY + 1) {
        size_t child = heap_least_child(entries, first);
        entries[place] = entries[child];
        place = child;
    }
    if (count > 0)
        heap_rise(entries, place, last);
    return top;
}
