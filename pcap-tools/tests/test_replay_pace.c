/* When PDUs of a replay are due: the plan of a hundred thousand does not drift.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "replay.h"

enum { PACE_PDUS = 100000 };

static const struct {
    const char *name;
    struct replay_pace pace;
    uint64_t index, since_ns, due_ns;
} rows[] = {
    {"as captured", {.kind = REPLAY_SCALED, .speed_milli = 1000}, 7, 1234567891, 1234567891},
    {"the first", {.kind = REPLAY_SCALED, .speed_milli = 3000}, 0, 0, 0},
    {"twice as fast", {.kind = REPLAY_SCALED, .speed_milli = 2000}, 7, 1000000001, 500000000},
    {"a quarter", {.kind = REPLAY_SCALED, .speed_milli = 250}, 7, 1000000001, 4000000004},
    {"a third faster, rounded down", {.kind = REPLAY_SCALED, .speed_milli = 1333}, 1, 4, 3},
    {"a year at the slowest",
     {.kind = REPLAY_SCALED, .speed_milli = 1},
     1,
     UINT64_C(315360000000000),
     UINT64_C(315360000000000000)},
    {"a rate", {.kind = REPLAY_RATED, .rate = 3}, 4, 99, 1333333333},
    {"the highest rate", {.kind = REPLAY_RATED, .rate = 1000000000}, 123456789, 0, 123456789},
    {"a rate, late",
     {.kind = REPLAY_RATED, .rate = 7},
     UINT64_C(7000000001),
     0,
     UINT64_C(1000000000142857142)},
    {"fastest", {.kind = REPLAY_FASTEST}, 1000, 99, 0},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (replay_due(&rows[i].pace, rows[i].index, rows[i].since_ns) != rows[i].due_ns)
            fail_msg(
                "%s: %llu", rows[i].name,
                (unsigned long long)replay_due(&rows[i].pace, rows[i].index, rows[i].since_ns));
}

/* Gaps that no clock and no ratio divides: each due time is its own exact one, rounded down. */
static void test_no_drift(void **state)
{
    (void)state;
    static const uint64_t speeds[] = {1000, 2000, 250, 1333, 7, 999999999};
    for (size_t s = 0; s < sizeof speeds / sizeof *speeds; s++) {
        const struct replay_pace pace = {.kind = REPLAY_SCALED, .speed_milli = speeds[s]};
        uint64_t since = 0, before = 0;
        for (uint64_t i = 0; i < PACE_PDUS; i++, since += 10007 + i % 13) {
            const uint64_t due = replay_due(&pace, i, since);
            assert_true(due >= before);
            assert_true(due * pace.speed_milli <= since * 1000);
            assert_true(since * 1000 - due * pace.speed_milli < pace.speed_milli);
            before = due;
        }
    }
}

static void test_no_drift_at_a_rate(void **state)
{
    (void)state;
    for (uint64_t rate = 1; rate < 2000000; rate = rate * 3 + 1) {
        const struct replay_pace pace = {.kind = REPLAY_RATED, .rate = rate};
        uint64_t before = 0;
        for (uint64_t i = 0; i < PACE_PDUS; i++) {
            const uint64_t due = replay_due(&pace, i, 0);
            assert_true(due >= before);
            assert_true(i * UINT64_C(1000000000) - due * rate < rate);
            before = due;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_drift),
        cmocka_unit_test(test_no_drift_at_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
