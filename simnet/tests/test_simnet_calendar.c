/* The calendar gives the total order whatever comes: against what qsort and the heap say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "calendar.h"
#include "simnet/prng.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- how far ahead events are put ---- */

typedef uint64_t delay_function(uint64_t draw);

static uint64_t delay_even(uint64_t draw)
{
    return draw & 0xfffff;
}

static uint64_t delay_none(uint64_t draw)
{
    (void)draw;
    return 0;
}

static uint64_t delay_one(uint64_t draw)
{
    (void)draw;
    return 100000000;
}

static uint64_t delay_some_far(uint64_t draw) /* 1 of 16 a thousand times later */
{
    return draw >> 60 == 0 ? (draw & 0xfffff) * 1000 : draw & 0xfffff;
}

static uint64_t delay_most_far(uint64_t draw)
{
    return draw >> 60 == 0 ? draw & 0xff : (draw & 0xfffff) << 20;
}

static uint64_t delay_of_any_size(uint64_t draw)
{
    return (draw & 0xffffffffff) >> (draw >> 58) % 41;
}

static const struct {
    const char *name;
    delay_function *delay;
} delays[] = {
    {"even", delay_even},         {"none", delay_none},         {"one", delay_one},
    {"some far", delay_some_far}, {"most far", delay_most_far}, {"of any size", delay_of_any_size},
};

/* ---- tests ---- */

static int compare(const void *a, const void *b)
{
    return simnet_heap_less(*(const struct simnet_heap_entry *)a,
                            *(const struct simnet_heap_entry *)b)
               ? -1
               : 1;
}

static void assert_same(struct simnet_heap_entry a, struct simnet_heap_entry b)
{
    assert_int_equal(a.time, b.time);
    assert_int_equal(a.order, b.order);
}

/* Sizes about the limits of calendar.c: few, a full heap, all buckets in use, and beyond. */
static const size_t sizes[] = {1, 2, 63, 64, 65, 66, 255, 256, 257, 258, 512, 513, 5000, 40000};

static void test_filled_then_emptied(void **state)
{
    struct simnet_prng prng;
    (void)state;

    simnet_prng_seed(&prng, 1);
    for (size_t d = 0; d < COUNT(delays); d++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            struct simnet_calendar calendar;
            struct simnet_heap_entry *sorted = calloc(sizes[s], sizeof *sorted);
            simnet_calendar_init(&calendar);
            for (size_t i = 0; i < sizes[s]; i++) {
                uint64_t time = delays[d].delay(simnet_prng_next(&prng));
                sorted[i] = (struct simnet_heap_entry){time, i};
                simnet_calendar_push(&calendar, sorted[i]);
            }
            qsort(sorted, sizes[s], sizeof *sorted, compare);
            for (size_t i = 0; i < sizes[s]; i++) {
                assert_int_equal(calendar.count, sizes[s] - i);
                assert_same(simnet_calendar_first(&calendar), sorted[i]);
                assert_same(simnet_calendar_pop(&calendar), sorted[i]);
            }
            assert_int_equal(calendar.count, 0);
            simnet_calendar_fini(&calendar);
            free(sorted);
        }
}

struct both {
    struct simnet_calendar calendar;
    struct simnet_heap heap;
    struct simnet_prng prng;
    uint64_t now, sequence;
};

static void both_push(struct both *both, delay_function *delay)
{
    uint64_t draw = simnet_prng_next(&both->prng);
    /* The order of what is pushed says nothing of the order of what is equal in time. */
    uint64_t order = (draw >> 60) << 40 | both->sequence++;
    struct simnet_heap_entry entry = {both->now + delay(draw), order};

    simnet_calendar_push(&both->calendar, entry);
    simnet_heap_push(&both->heap, entry);
}

static void both_pop(struct both *both)
{
    struct simnet_heap_entry entry = simnet_heap_pop(&both->heap);

    assert_same(simnet_calendar_pop(&both->calendar), entry);
    assert_int_equal(both->calendar.count, both->heap.count);
    both->now = entry.time;
}

static void both_init(struct both *both, uint64_t seed)
{
    *both = (struct both){0};
    simnet_calendar_init(&both->calendar);
    simnet_heap_init(&both->heap);
    simnet_prng_seed(&both->prng, seed);
}

static void both_fini(struct both *both)
{
    while (both->heap.count > 0)
        both_pop(both);
    simnet_calendar_fini(&both->calendar);
    simnet_heap_fini(&both->heap);
}

static void test_as_many_put_in_as_taken_off(void **state)
{
    (void)state;
    for (size_t d = 0; d < COUNT(delays); d++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            struct both both;
            both_init(&both, 2 + s);
            for (size_t i = 0; i < sizes[s]; i++)
                both_push(&both, delays[d].delay);
            for (size_t i = 0; i < 3 * sizes[s] + 2000; i++) {
                both_pop(&both);
                both_push(&both, delays[d].delay);
            }
            both_fini(&both);
        }
}

/* Crowds come and go, and the way events are put ahead changes with each. */
static void test_growing_and_shrinking(void **state)
{
    struct both both;
    (void)state;

    both_init(&both, 3);
    for (int phase = 0; phase < 200; phase++) {
        size_t crowd = (size_t)1 << simnet_prng_next(&both.prng) % 14;
        delay_function *delay = delays[simnet_prng_next(&both.prng) % COUNT(delays)].delay;
        size_t left = both.heap.count + crowd;
        size_t keep = left >> simnet_prng_next(&both.prng) % 8;
        for (size_t i = 0; i < crowd; i++)
            both_push(&both, delay);
        while (both.heap.count > keep) {
            both_pop(&both);
            if (simnet_prng_next(&both.prng) % 4 == 0)
                both_push(&both, delay);
        }
    }
    both_fini(&both);
}

/* Looking at the first event may open a bucket; what is put before it afterwards still comes first.
 */
static void test_put_before_the_first_after_a_look(void **state)
{
    struct simnet_calendar calendar;
    (void)state;

    simnet_calendar_init(&calendar);
    for (uint64_t i = 0; i < 1000; i++)
        simnet_calendar_push(&calendar, (struct simnet_heap_entry){1000000 + i * 1000, i});
    for (uint64_t i = 0; i < 500; i++)
        assert_int_equal(simnet_calendar_pop(&calendar).order, i);
    assert_int_equal(simnet_calendar_first(&calendar).order, 500);
    for (uint64_t i = 0; i < 600; i++) /* more than the heap likes to hold */
        simnet_calendar_push(&calendar, (struct simnet_heap_entry){1499001 + i, 2000 + i});
    for (uint64_t i = 0; i < 600; i++)
        assert_int_equal(simnet_calendar_pop(&calendar).order, 2000 + i);
    for (uint64_t i = 500; i < 1000; i++)
        assert_int_equal(simnet_calendar_pop(&calendar).order, i);
    simnet_calendar_fini(&calendar);
}

static void test_the_ends_of_time(void **state)
{
    static const uint64_t times[] = {0,
                                     1,
                                     UINT64_C(1) << 32,
                                     UINT64_C(1) << 63,
                                     UINT64_MAX / 2,
                                     UINT64_MAX - 4097,
                                     UINT64_MAX - 2,
                                     UINT64_MAX - 1};
    (void)state;

    for (size_t from = 0; from < COUNT(times); from++) {
        struct simnet_calendar calendar;
        struct simnet_heap_entry last = {0, 0};
        simnet_calendar_init(&calendar);
        for (uint64_t i = 0; i < 3000; i++) {
            size_t place = from + (size_t)(i * 7) % (COUNT(times) - from);
            simnet_calendar_push(&calendar, (struct simnet_heap_entry){times[place], i + 1});
        }
        for (int i = 0; i < 3000; i++) {
            struct simnet_heap_entry entry = simnet_calendar_pop(&calendar);
            assert_true(simnet_heap_less(last, entry));
            last = entry;
        }
        assert_int_equal(calendar.count, 0);
        simnet_calendar_fini(&calendar);
    }
}

static void test_emptied_and_used_again(void **state)
{
    struct both both;
    (void)state;

    both_init(&both, 4);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3000; i++)
            both_push(&both, delay_some_far);
        while (both.heap.count > 0)
            both_pop(&both);
    }
    both_push(&both, delay_none);
    both_fini(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filled_then_emptied),
        cmocka_unit_test(test_as_many_put_in_as_taken_off),
        cmocka_unit_test(test_growing_and_shrinking),
        cmocka_unit_test(test_put_before_the_first_after_a_look),
        cmocka_unit_test(test_the_ends_of_time),
        cmocka_unit_test(test_emptied_and_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
