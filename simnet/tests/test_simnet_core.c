/* Randomness, the event heap, containers and the tables of delays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "containers.h"
#include "delay.h"
#include "heap.h"
#include "internal.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- randomness ---- */

static void test_splitmix_gives_its_published_numbers(void **state)
{
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431), UINT64_C(16408922859458223821)};
    uint64_t seed = 1234567;
    (void)state;

    for (size_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(simnet_splitmix(&seed), expected[i]);
}

static void test_xoshiro_gives_its_published_numbers(void **state)
{
    static const uint64_t expected[] = {11520,
                                        0,
                                        1509978240,
                                        UINT64_C(1215971899390074240),
                                        UINT64_C(1216172134540287360),
                                        UINT64_C(607988272756665600),
                                        UINT64_C(16172922978634559625),
                                        UINT64_C(8476171486693032832),
                                        UINT64_C(10595114339597558777),
                                        UINT64_C(2904607092377533576)};
    struct simnet_prng prng = {{1, 2, 3, 4}};
    (void)state;

    for (size_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(simnet_prng_next(&prng), expected[i]);
}

static void test_multiply_high_at_its_boundaries(void **state)
{
    static const struct {
        uint64_t a, b, expected;
    } rows[] = {
        {0, UINT64_MAX, 0},
        {1, UINT64_MAX, 0},
        {2, UINT64_MAX, 1},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX - 1},
        {UINT64_C(1) << 32, UINT64_C(1) << 32, 1},
        {UINT64_C(0x123456789abcdef0), UINT64_C(0xfedcba9876543210), UINT64_C(0x121fa00ad77d7422)},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(simnet_multiply_high(rows[i].a, rows[i].b), rows[i].expected);
}

static void test_muldiv_is_exact_beyond_64_bits(void **state)
{
    (void)state;
    assert_int_equal(link_muldiv(UINT64_C(10000000000), UINT64_C(300000000), UINT64_C(8000000000)),
                     375000000);
    assert_int_equal(link_muldiv(UINT64_MAX, UINT64_MAX - 1, UINT64_MAX), UINT64_MAX - 1);
    assert_int_equal(link_muldiv(7, 3, 2), 10);
}

static void test_chance_never_and_always(void **state)
{
    (void)state;
    assert_false(simnet_chance(0, 0));
    assert_false(simnet_chance(UINT64_MAX, SIMNET_PPM - 1));
    assert_true(simnet_chance(UINT64_MAX, SIMNET_PPM));
    assert_true(simnet_chance(0, 1));
}

/* Draws about neighbouring PDUs, stages and seeds are as good as independent. */
static void test_draws_are_even_over_neighbouring_arguments(void **state)
{
    enum { DRAWS = 100000 };
    size_t hits = 0, pairs = 0;
    (void)state;

    for (uint64_t i = 0; i < DRAWS; i++) {
        bool first = simnet_chance(simnet_draw(1, i), 100000);
        hits += first;
        pairs += first && simnet_chance(simnet_draw(2, i), 100000);
    }
    assert_in_range(hits, 9620, 10380); /* 4 standard deviations */
    assert_in_range(pairs, 874, 1126);
}

/* ---- heap ---- */

static int compare_entries(const void *a, const void *b)
{
    return simnet_heap_less(*(const struct simnet_heap_entry *)a,
                            *(const struct simnet_heap_entry *)b)
               ? -1
               : 1;
}

static void test_heap_gives_the_total_order(void **state)
{
    static const size_t counts[] = {1, 2, 3, 4, 5, 6, 16, 17, 21, 255, 256, 257, 5000};
    struct simnet_prng prng;
    (void)state;

    simnet_prng_seed(&prng, 3);
    for (size_t c = 0; c < COUNT(counts); c++) {
        struct simnet_heap heap;
        struct simnet_heap_entry *sorted = calloc(counts[c], sizeof *sorted);
        simnet_heap_init(&heap);
        for (size_t i = 0; i < counts[c]; i++) {
            sorted[i] = (struct simnet_heap_entry){simnet_prng_next(&prng) % 7, i};
            simnet_heap_push(&heap, sorted[i]);
        }
        qsort(sorted, counts[c], sizeof *sorted, compare_entries);
        for (size_t i = 0; i < counts[c]; i++) {
            struct simnet_heap_entry entry = simnet_heap_pop(&heap);
            assert_int_equal(entry.time, sorted[i].time);
            assert_int_equal(entry.order, sorted[i].order);
        }
        assert_int_equal(heap.count, 0);
        simnet_heap_fini(&heap);
        free(sorted);
    }
}

static void test_heap_keeps_order_while_entries_come_and_go(void **state)
{
    struct simnet_heap heap;
    struct simnet_prng prng;
    struct simnet_heap_entry last = {0, 0};
    (void)state;

    simnet_prng_seed(&prng, 4);
    simnet_heap_init(&heap);
    for (uint64_t i = 1; i <= 300; i++)
        simnet_heap_push(&heap, (struct simnet_heap_entry){simnet_prng_next(&prng) % 100, i});
    for (uint64_t i = 301; i <= 20000; i++) {
        struct simnet_heap_entry top = simnet_heap_pop(&heap);
        assert_true(simnet_heap_less(last, top));
        last = top;
        uint64_t time = top.time + simnet_prng_next(&prng) % 50;
        simnet_heap_push(&heap, (struct simnet_heap_entry){time, i});
    }
    assert_int_equal(heap.count, 300);
    simnet_heap_fini(&heap);
}

/* A figure for people, not a test: it fails only if nothing was measured. */
static void test_heap_speed_is_printed(void **state)
{
    static const size_t pending[] = {100, 10000};
    enum { EVENTS = 1000000 };
    (void)state;

    for (size_t p = 0; p < COUNT(pending); p++) {
        struct simnet_heap heap;
        struct simnet_prng prng;
        simnet_prng_seed(&prng, 5);
        simnet_heap_init(&heap);
        for (uint64_t i = 0; i < pending[p]; i++)
            simnet_heap_push(&heap, (struct simnet_heap_entry){simnet_prng_next(&prng) % 1000, i});
        clock_t begin = clock();
        for (uint64_t i = 0; i < EVENTS; i++) {
            struct simnet_heap_entry top = simnet_heap_pop(&heap);
            top.time += simnet_prng_next(&prng) % 1000;
            top.order = pending[p] + i;
            simnet_heap_push(&heap, top);
        }
        double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        print_message("heap, %zu pending: %.1f million events/s\n", pending[p],
                      seconds > 0 ? EVENTS / seconds / 1e6 : 0);
        assert_int_equal(heap.count, pending[p]);
        simnet_heap_fini(&heap);
    }
}

/* ---- containers ---- */

static void test_map_finds_what_was_put_in(void **state)
{
    struct simnet_map map = {0};
    (void)state;

    assert_null(simnet_map_find(&map, 1));
    for (uint64_t key = 1; key <= 1000; key++)
        *simnet_map_insert(&map, key * 64) = key;
    for (uint64_t key = 1; key <= 1000; key++) {
        assert_int_equal(*simnet_map_find(&map, key * 64), key);
        assert_null(simnet_map_find(&map, key * 64 + 1));
    }
    assert_int_equal(map.count, 1000);
    simnet_map_clear(&map);
    assert_null(simnet_map_find(&map, 64));
    simnet_map_fini(&map);
}

static void test_ring_keeps_order_while_it_grows_and_wraps(void **state)
{
    struct simnet_ring ring = {0};
    uint64_t next_in = 0, next_out = 0;
    (void)state;

    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 7; i++)
            simnet_ring_push(&ring, next_in++);
        for (int i = 0; i < 5; i++)
            assert_int_equal(simnet_ring_pop(&ring), next_out++);
    }
    assert_int_equal(ring.count, 200);
    simnet_ring_fini(&ring);
}

/* ---- delays ---- */

static void test_delay_tables_have_the_exact_mean(void **state)
{
    static const struct {
        const char *name;
        const int32_t *table;
        int64_t mean; /* 2^20 is 1 */
    } rows[] = {
        {"exponential", delay_table_exponential, 1 << 20},
        {"normal", delay_table_normal, 0},
        {"pareto", delay_table_pareto, 1 << 20},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t sum = 0;
        for (size_t e = 0; e < DELAY_ENTRIES; e++) {
            sum += rows[i].table[e];
            if (e > 0 && rows[i].table[e] < rows[i].table[e - 1])
                fail_msg("%s falls at %zu", rows[i].name, e);
        }
        if (sum != rows[i].mean * DELAY_ENTRIES)
            fail_msg("%s: sum %lld", rows[i].name, (long long)sum);
    }
}

/* Samples at evenly spread draws, with a spread of 1 ms, against the distributions' quantiles. */
static void test_delay_samples_have_the_quantiles(void **state)
{
    static const struct {
        const char *name;
        enum simnet_delay_kind kind;
        uint64_t permille;   /* of the draws lie below */
        int64_t expected_ns; /* this */
    } rows[] = {
        {"uniform 1/4", SIMNET_DELAY_UNIFORM, 250, 250000},
        {"uniform 3/4", SIMNET_DELAY_UNIFORM, 750, 750000},
        {"exponential 1/10", SIMNET_DELAY_EXPONENTIAL, 100, 105361},
        {"exponential median", SIMNET_DELAY_EXPONENTIAL, 500, 693147},
        {"exponential 9/10", SIMNET_DELAY_EXPONENTIAL, 900, 2302585},
        {"exponential 99/100", SIMNET_DELAY_EXPONENTIAL, 990, 4605170},
        {"normal 1/100", SIMNET_DELAY_NORMAL, 10, -2326348},
        {"normal median", SIMNET_DELAY_NORMAL, 500, 0},
        {"normal 9/10", SIMNET_DELAY_NORMAL, 900, 1281552},
        {"normal 99/100", SIMNET_DELAY_NORMAL, 990, 2326348},
        {"pareto median", SIMNET_DELAY_PARETO, 500, 519842},
        {"pareto 9/10", SIMNET_DELAY_PARETO, 900, 2308869},
        {"pareto 99/100", SIMNET_DELAY_PARETO, 990, 7283178},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t draw = UINT64_MAX / 1000 * rows[i].permille;
        int64_t found = delay_sample(rows[i].kind, draw, SIPC_NS_PER_MS);
        int64_t off = llabs(found - rows[i].expected_ns);
        if (off > 200 + llabs(rows[i].expected_ns) / 1000)
            fail_msg("%s: expected %lld ns, found %lld ns", rows[i].name,
                     (long long)rows[i].expected_ns, (long long)found);
    }
}

static void test_delay_samples_have_the_mean_and_are_not_negative(void **state)
{
    static const enum simnet_delay_kind kinds[] = {SIMNET_DELAY_UNIFORM, SIMNET_DELAY_EXPONENTIAL,
                                                   SIMNET_DELAY_NORMAL, SIMNET_DELAY_PARETO};
    static const int64_t means[] = {500000, 1000000, 0, 1000000};
    enum { SAMPLES = 1 << 17 };
    (void)state;

    for (size_t k = 0; k < COUNT(kinds); k++) {
        int64_t sum = 0;
        for (uint64_t i = 0; i < SAMPLES; i++) { /* the middle of each of so many parts */
            int64_t sample = delay_sample(kinds[k], (2 * i + 1) << 46, SIPC_NS_PER_MS);
            assert_true(sample >= 0 || kinds[k] == SIMNET_DELAY_NORMAL);
            sum += sample;
        }
        assert_true(llabs(sum / SAMPLES - means[k]) <= 2);
    }
}

static void test_delay_samples_scale_with_the_spread(void **state)
{
    const sipc_time hour = UINT64_C(3600000) * SIPC_NS_PER_MS;
    (void)state;

    assert_int_equal(delay_sample(SIMNET_DELAY_PARETO, UINT64_MAX, 0), 0);
    int64_t longest = delay_sample(SIMNET_DELAY_PARETO, UINT64_MAX, hour);
    assert_true(longest > 36 * (int64_t)hour && longest < 50 * (int64_t)hour);
    assert_int_equal(delay_sample(SIMNET_DELAY_UNIFORM, UINT64_MAX, hour), hour);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splitmix_gives_its_published_numbers),
        cmocka_unit_test(test_xoshiro_gives_its_published_numbers),
        cmocka_unit_test(test_multiply_high_at_its_boundaries),
        cmocka_unit_test(test_muldiv_is_exact_beyond_64_bits),
        cmocka_unit_test(test_chance_never_and_always),
        cmocka_unit_test(test_draws_are_even_over_neighbouring_arguments),
        cmocka_unit_test(test_heap_gives_the_total_order),
        cmocka_unit_test(test_heap_keeps_order_while_entries_come_and_go),
        cmocka_unit_test(test_heap_speed_is_printed),
        cmocka_unit_test(test_map_finds_what_was_put_in),
        cmocka_unit_test(test_ring_keeps_order_while_it_grows_and_wraps),
        cmocka_unit_test(test_delay_tables_have_the_exact_mean),
        cmocka_unit_test(test_delay_samples_have_the_quantiles),
        cmocka_unit_test(test_delay_samples_have_the_mean_and_are_not_negative),
        cmocka_unit_test(test_delay_samples_scale_with_the_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
