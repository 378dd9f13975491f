/* Window ids (WID-1…11) against oracles written plainly from the rules: for a receiver the set of
 * valid ids, member by member; for a sender the list of all ids it used, in order of use.
 * Exhaustive in bands round the boundaries of the protocol's ids and over small rings.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/state.h"
#include "random.h"

#define E15 SIPC_WINDOW_ID_MAX

static struct sipc_config ring(int64_t step, int64_t max)
{
    struct sipc_config config;

    sipc_config_default(&config);
    config.window_id_step = step;
    config.window_id_max = max;
    return config;
}

/* ---- receiver: named boundaries ---- */

#define V WINDOW_ID_VALID
#define R WINDOW_ID_REPEAT
#define I WINDOW_ID_INVALID

static const struct {
    const char *name;
    int64_t min;
    bool processed;
    int64_t last; /* window whose ack is kept; -1 */
    int64_t id;
    enum window_id_verdict verdict;
} rows[] = {
    /* clang-format off */
    {"first: 0",                                 -1, false, -1, 0,         V},
    {"first: 100",                               -1, false, -1, 100,       V},
    {"first: 101",                               -1, false, -1, 101,       I},
    {"first: 9E15",                              -1, false, -1, E15,       I},
    {"first: INT64_MAX",                         -1, false, -1, INT64_MAX, I},
    {"min-1, never processed",                   50, false, -1, 49,        I},
    {"min-1, the last processed",                50, false, 49, 49,        R},
    {"min-2, before the last processed",         50, false, 49, 48,        I},
    {"min, not processed",                       50, false, 49, 50,        V},
    {"min, processed",                           50, true,  50, 50,        R},
    {"min, processed by preset, no ack kept",    50, true,  -1, 50,        I},
    {"min+1",                                    50, true,  50, 51,        V},
    {"min+100",                                  50, true,  50, 150,       V},
    {"min+101",                                  50, true,  50, 151,       I},
    {"0 after min 0, not processed",              0, false, -1, 0,         V},
    {"0 after min 0, processed",                  0, true,   0, 0,         R},
    {"100 after min 0",                           0, true,   0, 100,       V},
    {"101 after min 0",                           0, true,   0, 101,       I},
    {"9E15-1 from 9E15-101",              E15 - 101, true,  -1, E15 - 1,   V},
    {"9E15 from 9E15-101",                E15 - 101, true,  -1, E15,       I},
    {"9E15 from 9E15-100",                E15 - 100, true,  -1, E15,       V},
    {"9E15+1 from 9E15-99",                E15 - 99, true,  -1, E15 + 1,   I},
    {"9E15+99 from 9E15-1",                 E15 - 1, true,  -1, E15 + 99,  I},
    {"0 from 9E15-1: no wrap yet",          E15 - 1, true,  -1, 0,         I},
    {"9E15 at 9E15, not processed",             E15, false, -1, E15,       V},
    {"9E15 at 9E15, processed",                 E15, true, E15, E15,       R},
    {"9E15+1 at 9E15",                          E15, true, E15, E15 + 1,   I},
    {"9E15+100 at 9E15",                        E15, false, -1, E15 + 100, I},
    {"9E15-1 at 9E15",                          E15, false, -1, E15 - 1,   I},
    {"wrapped: 0, 9E15 processed",              E15, true, E15, 0,         V},
    {"wrapped: 0, 9E15 incomplete",             E15, false, -1, 0,         V},
    {"wrapped: 100",                            E15, true, E15, 100,       V},
    {"wrapped: 101",                            E15, true, E15, 101,       I},
    {"after the wrap: 9E15, processed last",      0, false, E15, E15,      R},
    {"after the wrap: 9E15, another since",       5, true,   5, E15,       I},
    {"INT64_MAX from the highest min",          E15, false, -1, INT64_MAX, I},
    /* clang-format on */
};

/* WID-1 to WID-7, WID-2a */
static void test_window_id_check_at_a_named_boundary_then_verdict(void **state)
{
    struct sipc_config config = ring(SIPC_WINDOW_ID_STEP, SIPC_WINDOW_ID_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct receiver rx = {.min_window_id = rows[i].min, .min_processed = rows[i].processed};
        rx.last.window_id = rows[i].last;
        if (sipc__window_id_check(&config, &rx, rows[i].id) != rows[i].verdict)
            fail_msg("row \"%s\"", rows[i].name);
    }
}

/* ---- receiver: every id against a set ---- */

enum { BAND_WIDTH = 450, BAND_COUNT = 2 };
static const int64_t bands[BAND_COUNT] = {0, E15 - 225}; /* the first ids of each */

struct id_set {
    bool has[BAND_COUNT][BAND_WIDTH];
};

static void set_put(struct id_set *set, int64_t id, bool member)
{
    for (int band = 0; band < BAND_COUNT; band++)
        if (id >= bands[band] && id < bands[band] + BAND_WIDTH)
            set->has[band][id - bands[band]] = member;
}

/* The valid ids, as WID-1, WID-2, WID-3, WID-5 and WID-6 name them, one after the other. */
static void set_fill(struct id_set *set, const struct sipc_config *config, int64_t min,
                     bool processed)
{
    memset(set, 0, sizeof *set);
    if (min < 0) {
        for (int64_t id = 0; id <= config->window_id_step; id++)
            set_put(set, id, true);
        return;
    }
    for (int64_t id = min; id <= min + config->window_id_step; id++)
        set_put(set, id, true);
    for (int64_t id = config->window_id_max + 1; id <= min + config->window_id_step; id++)
        set_put(set, id, false);
    if (processed)
        set_put(set, min, false);
    if (min == config->window_id_max)
        for (int64_t id = 0; id <= config->window_id_step; id++)
            set_put(set, id, true);
}

static void compare_with_set(const struct sipc_config *config, int64_t min, bool processed,
                             int64_t last, int64_t band_width)
{
    struct receiver rx = {.min_window_id = min, .min_processed = processed};
    struct id_set set;

    rx.last.window_id = last;
    set_fill(&set, config, min, processed);
    for (int band = 0; band < BAND_COUNT; band++)
        for (int64_t i = 0; i < band_width; i++) {
            int64_t id = bands[band] + i;
            enum window_id_verdict verdict = sipc__window_id_check(config, &rx, id);
            enum window_id_verdict expected = set.has[band][i] ? V : id == last ? R : I;
            if (verdict != expected)
                fail_msg("step %" PRId64 " max %" PRId64 " min %" PRId64
                         " processed %d last %" PRId64 " id %" PRId64 ": %d, expected %d",
                         config->window_id_step, config->window_id_max, min, processed, last, id,
                         verdict, expected);
        }
}

static void test_window_id_check_in_bands_round_0_100_9e15_then_as_the_set(void **state)
{
    struct sipc_config config = ring(SIPC_WINDOW_ID_STEP, SIPC_WINDOW_ID_MAX);

    (void)state;
    compare_with_set(&config, -1, false, -1, BAND_WIDTH);
    for (int band = 0; band < BAND_COUNT; band++)
        for (int64_t min = bands[band]; min < bands[band] + BAND_WIDTH && min <= E15; min++) {
            compare_with_set(&config, min, false, -1, BAND_WIDTH);
            compare_with_set(&config, min, false, min - 1, BAND_WIDTH);
            compare_with_set(&config, min, true, min, BAND_WIDTH);
        }
}

static void test_window_id_check_over_small_rings_then_as_the_set(void **state)
{
    (void)state;
    for (int64_t step = 1; step <= 5; step++)
        for (int64_t max = 3 * step; max <= 40; max++) {
            struct sipc_config config = ring(step, max);
            for (int64_t min = -1; min <= max; min++)
                for (int64_t last = -1; last <= max; last++)
                    for (int processed = 0; processed <= (min >= 0); processed++)
                        compare_with_set(&config, min, processed != 0, last, max + 2 * step + 2);
        }
}

static void test_window_id_is_first_at_boundaries_then_0_to_step(void **state)
{
    struct sipc_config config = ring(SIPC_WINDOW_ID_STEP, SIPC_WINDOW_ID_MAX);

    (void)state;
    assert_false(sipc__window_id_is_first(&config, -1));
    assert_true(sipc__window_id_is_first(&config, 0));
    assert_true(sipc__window_id_is_first(&config, 100));
    assert_false(sipc__window_id_is_first(&config, 101));
}

/* ---- sender: the ids used, in order of use ---- */

enum { USED_MAX = 4096 };

struct oracle {
    int64_t step, max;
    int64_t used[USED_MAX];
    int count;
    int acked; /* index of WID-10's *a* in `used`; -1 */
};

static int64_t oracle_top(const struct oracle *o)
{
    int64_t top;

    if (o->acked < 0 || o->used[o->acked] == o->max)
        return o->step;
    top = o->used[o->acked] + o->step;
    return top > o->max ? o->max : top;
}

/* The id after the newest used: 0 if that was the highest, but only once it was acked. */
static int64_t oracle_next(const struct oracle *o)
{
    int64_t newest;

    if (o->count == 0)
        return 0;
    newest = o->used[o->count - 1];
    if (newest == o->max)
        return o->acked == o->count - 1 ? 0 : INT64_MAX;
    return newest + 1;
}

static void oracle_use(struct oracle *o, int64_t id)
{
    assert_true(o->count < USED_MAX);
    o->used[o->count++] = id;
}

/* Index of the newest use of `id`; -1: never used. */
static int oracle_find(const struct oracle *o, int64_t id)
{
    for (int i = o->count - 1; i >= 0; i--)
        if (o->used[i] == id)
            return i;
    return -1;
}

static void oracle_ack(struct oracle *o, int64_t id, int32_t error_code)
{
    int index = oracle_find(o, id);

    if (error_code != SIPC_ERROR_TWO_WAY_WHILE_OPENING && index > o->acked)
        o->acked = index;
}

struct pair {
    struct sipc_config config;
    struct sender tx;
    struct oracle oracle;
};

static void pair_init(struct pair *p, int64_t step, int64_t max)
{
    p->config = ring(step, max);
    p->tx = (struct sender){.last_id = -1, .acked_id = -1};
    p->oracle = (struct oracle){.step = step, .max = max, .acked = -1};
}

static void pair_compare(const struct pair *p)
{
    const struct oracle *o = &p->oracle;
    int64_t next = oracle_next(o);
    int64_t top = oracle_top(o);
    bool same = sipc__window_id_top(&p->config, &p->tx) == top &&
                sipc__window_id_exhausted(&p->config, &p->tx) == (next >= top) &&
                p->tx.acked_id == (o->acked < 0 ? -1 : o->used[o->acked]) &&
                (next == INT64_MAX || sipc__window_id_next(&p->config, &p->tx) == next);

    if (!same)
        fail_msg("step %" PRId64 " max %" PRId64 ": used %d, newest %" PRId64 ", acked index %d: "
                 "top %" PRId64 " next %" PRId64 " acked %" PRId64,
                 o->step, o->max, o->count, o->count > 0 ? o->used[o->count - 1] : -1, o->acked,
                 sipc__window_id_top(&p->config, &p->tx), sipc__window_id_next(&p->config, &p->tx),
                 p->tx.acked_id);
}

/* A new window where an id below top is left, else the resync PDU (WID-11). */
static void pair_use(struct pair *p)
{
    struct oracle *o = &p->oracle;
    int64_t top = oracle_top(o);

    if (oracle_next(o) < top) {
        oracle_use(o, oracle_next(o));
        assert_int_equal(sipc__window_id_take(&p->config, &p->tx), o->used[o->count - 1]);
        return;
    }
    p->tx.last_id = sipc__window_id_top(&p->config, &p->tx);
    if (o->used[o->count - 1] != top)
        oracle_use(o, top);
}

static void pair_ack(struct pair *p, int64_t id, int32_t error_code)
{
    bool first_lap = p->tx.last_id >= p->oracle.count - 1;
    bool ever = sipc__window_id_acked(&p->config, &p->tx, id, error_code);

    if (first_lap)
        assert_int_equal(ever, oracle_find(&p->oracle, id) >= 0);
    oracle_ack(&p->oracle, id, error_code);
}

/* Every sequence of `depth` events: use an id, or get an ack for any id of the ring. */
static void explore(const struct pair *from, int depth)
{
    static const int32_t codes[] = {0, SIPC_ERROR_GROUP_OVERFLOW, SIPC_ERROR_TWO_WAY_WHILE_OPENING};
    struct pair p;

    pair_compare(from);
    if (depth == 0)
        return;
    p = *from;
    pair_use(&p);
    explore(&p, depth - 1);
    for (int64_t id = 0; id <= from->oracle.max; id++)
        for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
            p = *from;
            pair_ack(&p, id, codes[i]);
            /* what changed nothing leads nowhere new */
            if (p.oracle.acked != from->oracle.acked)
                explore(&p, depth - 1);
            else
                pair_compare(&p);
        }
}

static void test_window_id_of_sender_by_all_short_histories_then_as_the_list(void **state)
{
    (void)state;
    for (int64_t step = 1; step <= 3; step++)
        for (int64_t max = 3 * step; max <= 3 * step + 2; max++) {
            struct pair p;
            pair_init(&p, step, max);
            explore(&p, 8);
            for (int64_t used = 0; used <= max + step; used++) { /* from everywhere in the ring */
                pair_use(&p);
                pair_ack(&p, p.tx.last_id, 0);
                explore(&p, 6);
            }
        }
}

static void walk(int64_t step, int64_t max, uint64_t seed)
{
    struct pair p;
    int laps = 0;

    pair_init(&p, step, max);
    while (p.oracle.count < USED_MAX - 1 && laps < 8) {
        size_t dice = random_below(&seed, 8);
        int64_t acked = p.tx.acked_id;
        if (dice < 5)
            pair_use(&p);
        else if (dice == 5 && p.oracle.count > 0)
            pair_ack(&p, p.oracle.used[p.oracle.count - 1], 0);
        else
            pair_ack(&p, (int64_t)random_below(&seed, (size_t)max + 3),
                     random_below(&seed, 4) == 0 ? SIPC_ERROR_TWO_WAY_WHILE_OPENING : 0);
        pair_compare(&p);
        laps += acked >= 0 && p.tx.acked_id < acked;
    }
    assert_int_equal(laps, 8);
}

static void test_window_id_of_sender_over_small_rings_then_as_the_list(void **state)
{
    (void)state;
    for (int64_t step = 1; step <= 5; step++)
        for (int64_t max = 3 * step; max <= 40; max++)
            walk(step, max, (uint64_t)(step * 1000 + max));
}

/* ---- sender: named boundaries ---- */

static const struct {
    const char *name;
    int64_t last, acked;
    int64_t next, top; /* next -1: none before something is acked */
    bool exhausted;
} sender_rows[] = {
    /* clang-format off */
    {"fresh",                              -1,      -1,        0,       100,     false},
    {"98 used, none acked",                98,      -1,        99,      100,     false},
    {"99 used, none acked: next is top",   99,      -1,        100,     100,     true},
    {"top used, none acked",               100,     -1,        101,     100,     true},
    {"0 acked",                            99,      0,         100,     100,     true},
    {"1 acked",                            99,      1,         100,     101,     false},
    {"all acked",                          100,     100,       101,     200,     false},
    {"9E15-100 acked",                     E15-100, E15 - 100, E15-99,  E15,     false},
    {"9E15-101 acked",                     E15-101, E15 - 101, E15-100, E15 - 1, false},
    {"9E15-99 acked: top stays 9E15",      E15-99,  E15 - 99,  E15-98,  E15,     false},
    {"9E15-1 used: next is top",           E15-1,   E15 - 2,   E15,     E15,     true},
    {"9E15 used, not acked: no wrap",      E15,     E15 - 1,   -1,      E15,     true},
    {"9E15 used and acked: the wrap",      E15,     E15,       0,       100,     false},
    {"wrapped, 99 used",                   99,      E15,       100,     100,     true},
    /* clang-format on */
};

static void test_window_id_of_sender_at_a_named_boundary_then_next_and_top(void **state)
{
    struct sipc_config config = ring(SIPC_WINDOW_ID_STEP, SIPC_WINDOW_ID_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof sender_rows / sizeof sender_rows[0]; i++) {
        struct sender tx = {.last_id = sender_rows[i].last, .acked_id = sender_rows[i].acked};
        if ((sender_rows[i].next >= 0 &&
             sipc__window_id_next(&config, &tx) != sender_rows[i].next) ||
            sipc__window_id_top(&config, &tx) != sender_rows[i].top ||
            sipc__window_id_exhausted(&config, &tx) != sender_rows[i].exhausted)
            fail_msg("row \"%s\"", sender_rows[i].name);
    }
}

static const struct {
    const char *name;
    int64_t last, acked, id;
    int32_t error_code;
    int64_t acked_then;
    bool ever;
} ack_rows[] = {
    /* clang-format off */
    {"none used",                    -1,  -1,  0,       0,   -1,  false},
    {"the newest",                   10,  3,   10,      0,   10,  true},
    {"one later than used",          10,  3,   11,      0,   3,   false},
    {"newer than acked",             10,  3,   4,       0,   4,   true},
    {"the one acked, again",         10,  3,   3,       0,   3,   true},
    {"older",                        10,  3,   2,       0,   3,   true},
    {"252 moves nothing",            10,  3,   10,      252, 3,   true},
    {"another error moves",          10,  3,   10,      250, 10,  true},
    {"9E15",                         E15, 3,   E15,     0,   E15, true},
    {"9E15+1",                       E15, 3,   E15 + 1, 0,   3,   false},
    {"wrapped: of the new lap",      10,  E15, 7,       0,   7,   true},
    {"wrapped: of the lap before",   10,  E15, 11,      0,   E15, true},
    {"wrapped: 9E15 again",          10,  E15, E15,     0,   E15, true},
    {"at 9E15, acked: old ones",     E15, E15, 7,       0,   E15, true},
    {"new lap acked: 9E15 is older", 10,  2,   E15,     0,   2,   false},
    /* clang-format on */
};

static void test_window_id_acked_at_a_named_boundary_then_acked_id_moves_or_not(void **state)
{
    struct sipc_config config = ring(SIPC_WINDOW_ID_STEP, SIPC_WINDOW_ID_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof ack_rows / sizeof ack_rows[0]; i++) {
        struct sender tx = {.last_id = ack_rows[i].last, .acked_id = ack_rows[i].acked};
        bool ever = sipc__window_id_acked(&config, &tx, ack_rows[i].id, ack_rows[i].error_code);
        if (tx.acked_id != ack_rows[i].acked_then || ever != ack_rows[i].ever)
            fail_msg("row \"%s\": acked %" PRId64, ack_rows[i].name, tx.acked_id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_id_check_at_a_named_boundary_then_verdict),
        cmocka_unit_test(test_window_id_check_in_bands_round_0_100_9e15_then_as_the_set),
        cmocka_unit_test(test_window_id_check_over_small_rings_then_as_the_set),
        cmocka_unit_test(test_window_id_is_first_at_boundaries_then_0_to_step),
        cmocka_unit_test(test_window_id_of_sender_at_a_named_boundary_then_next_and_top),
        cmocka_unit_test(test_window_id_acked_at_a_named_boundary_then_acked_id_moves_or_not),
        cmocka_unit_test(test_window_id_of_sender_by_all_short_histories_then_as_the_list),
        cmocka_unit_test(test_window_id_of_sender_over_small_rings_then_as_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
