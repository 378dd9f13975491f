/* See speed.h.
 * SPDX-License-Identifier: MIT */
#include "targets/speed.h"

#include <string.h>
#include <time.h>

#include "input/input.h"
#include "targets/target.h"

enum {
    SPEED_OPERATIONS = 32,
    SPEED_BYTES = 256,
    SPEED_EVENTS = 256,
    SPEED_EVENTS_MIN = 250,
    SPEED_MUTATIONS = 200, /* of an input */
    SPEED_SIZE_MAX = 1200, /* of a mutated input, as in runs */
    SPEED_INPUTS = 4096,
    SPEED_SECONDS = 2,
};

static struct {
    uint8_t *data; /* a block of exactly its size, so that a sanitizer sees a read past it */
    size_t size;
} inputs[SPEED_INPUTS];
static size_t count, length;

static uint8_t *speed_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0));

    FUZZ_CHECK(copy != NULL, "out of memory");
    memcpy(copy, data, size);
    return copy;
}

static void speed_keep(const uint8_t *data, size_t size, size_t long_as)
{
    if (long_as == 0 || count == SPEED_INPUTS)
        return;
    inputs[count].data = speed_copy(data, size);
    inputs[count++].size = size;
    length += long_as;
}

/* Of a target that does not count them: 0. */
static size_t speed_events(const uint8_t *data, size_t size)
{
    uint8_t *copy = speed_copy(data, size);

    target_count(0);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return target_counted();
}

/* Of each mutation what makes it longer is kept. */
static void speed_grow(const uint8_t *data, size_t size, size_t events)
{
    static uint8_t grown[SPEED_SIZE_MAX], tried[SPEED_SIZE_MAX];

    memcpy(grown, data, size);
    for (unsigned seed = 0; seed < SPEED_MUTATIONS && events < SPEED_EVENTS_MIN; seed++) {
        memcpy(tried, grown, size);
        size_t used = sfz_mutate(tried, size, sizeof tried, seed, target_ops);
        size_t found = speed_events(tried, used);
        if (found > events && found <= SPEED_EVENTS) {
            memcpy(grown, tried, used);
            size = used;
            events = found;
        }
    }
    speed_keep(grown, size, events >= SPEED_EVENTS_MIN ? events : 0);
}

void speed_take(const uint8_t *data, size_t size)
{
    static struct sfz_input input;

    if (target_ops == 0) {
        speed_keep(data, size, size <= SPEED_BYTES ? size : 0);
        return;
    }
    size_t events = speed_events(data, size);
    if (events > 0) {
        if (events <= SPEED_EVENTS && size <= SPEED_SIZE_MAX)
            speed_grow(data, size, events);
        return;
    }
    sfz_decode(data, size, &input);
    speed_keep(data, size, input.count <= SPEED_OPERATIONS ? input.count : 0);
}

void speed_run(void)
{
    clock_t begin = clock(), spent = 0;
    size_t runs = 0;

    FUZZ_CHECK(count > 0, "expected inputs that are short, found none");
    for (; spent < SPEED_SECONDS * CLOCKS_PER_SEC; spent = clock() - begin) {
        for (size_t i = 0; i < count; i++)
            LLVMFuzzerTestOneInput(inputs[i].data, inputs[i].size);
        runs += count;
    }
    printf("%.0f executions a second of %zu inputs of %.1f %s\n",
           spent > 0 ? (double)runs * CLOCKS_PER_SEC / (double)spent : 0, count,
           (double)length / (double)count,
           target_ops == 0        ? "bytes"
           : target_counted() > 0 ? "events"
                                  : "operations");
    for (size_t i = 0; i < count; i++)
        free(inputs[i].data);
}
