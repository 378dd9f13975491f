/* See search.h.
 * SPDX-License-Identifier: MIT */
#include "targets/search.h"

#include <string.h>
#include <unistd.h>

#include "input/input.h"
#include "play/play.h"
#include "targets/target.h"
#include "targets/watch.h"

enum { POOL_MAX = 1024, SIZE_MAX_HERE = 1200, TURNS_MAX = 4, CROSS_SHARE = 8, KEEP_SHARE = 256 };

struct pool {
    uint8_t *data[POOL_MAX];
    size_t size[POOL_MAX], count;
    uint64_t random;
};

static unsigned pool_random(struct pool *pool)
{
    pool->random = pool->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(pool->random >> 33);
}

/* Where the pool is full, in place of another one. */
static void pool_keep(struct pool *pool, const uint8_t *data, size_t size)
{
    size_t at = pool->count < POOL_MAX ? pool->count++ : pool_random(pool) % POOL_MAX;

    free(pool->data[at]);
    pool->data[at] = malloc(size + 1);
    FUZZ_CHECK(pool->data[at] != NULL, "out of memory");
    memcpy(pool->data[at], data, size);
    pool->size[at] = size;
}

/* Half of the time of one of the newest, which were kept for something new. */
static size_t pool_choose(struct pool *pool)
{
    size_t newest = pool->count < 16 ? pool->count : 16;

    return pool_random(pool) % 2 == 0 ? pool_random(pool) % pool->count
                                      : pool->count - 1 - pool_random(pool) % newest;
}

static size_t pool_make(struct pool *pool, uint8_t *out)
{
    size_t a = pool_choose(pool), size = pool->size[a];

    memcpy(out, pool->data[a], size);
    if (pool_random(pool) % CROSS_SHARE == 0) {
        size_t b = pool_choose(pool);
        size = sfz_cross(pool->data[a], pool->size[a], pool->data[b], pool->size[b], out,
                         SIZE_MAX_HERE, pool_random(pool));
    }
    for (unsigned turns = 1 + pool_random(pool) % TURNS_MAX; turns > 0; turns--)
        size = sfz_mutate(out, size, SIZE_MAX_HERE, pool_random(pool), target_ops);
    return size;
}

/* For who watches: on a terminal alone, where what comes next stands over it. */
static void say_progress(unsigned long run, unsigned long runs)
{
    enum { EVERY = 512 };

    if (run % EVERY == 0 && isatty(STDERR_FILENO))
        fprintf(stderr, "%lu of %lu inputs, %zu marks\r", run, runs, fuzz_marks());
    if (run == runs && isatty(STDERR_FILENO))
        fputs("\033[K", stderr);
}

void search_run(unsigned long runs, unsigned seed)
{
    static struct pool pool;
    static uint8_t data[SIZE_MAX_HERE];
    static const uint8_t empty[] = SFZ_MARK "1";

    pool.random = seed;
    pool_keep(&pool, empty, SFZ_MARK_SIZE);
    for (unsigned long run = 0; run < runs; run++) {
        size_t before = fuzz_marks();
        say_progress(run, runs);
        size_t size = pool_make(&pool, data);
        uint8_t *copy = malloc(size + 1); /* a target may keep to what it is given, no more */
        FUZZ_CHECK(copy != NULL, "out of memory");
        memcpy(copy, data, size);
        watch_give_made(copy, size);
        if (fuzz_marks() > before || pool_random(&pool) % KEEP_SHARE == 0)
            pool_keep(&pool, data, size);
        free(copy);
    }
    say_progress(runs, runs);
    for (size_t i = 0; i < pool.count; i++)
        free(pool.data[i]);
    printf("%lu inputs made: %zu marks, no oracle is broken\n", runs, fuzz_marks());
}
