/* Traces of links: what is refused, by line, and links that follow them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lane.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MS           SIPC_NS_PER_MS

static void test_parse_tells_line_and_reason(void **state)
{
    static const struct {
        enum simnet_trace_kind kind;
        const char *text, *expected;
    } rows[] = {
        {SIMNET_TRACE_OPPORTUNITIES, "", "t:1: empty"},
        {SIMNET_TRACE_OPPORTUNITIES, "\n\n", "t:2: empty"},
        {SIMNET_TRACE_OPPORTUNITIES, "1\n3\n2\n", "t:3: not sorted: 2 comes after 3"},
        {SIMNET_TRACE_OPPORTUNITIES, "1\nx\n", "t:2: expected a number, found 'x'"},
        {SIMNET_TRACE_OPPORTUNITIES, "1\n-2\n", "t:2: expected a number, found '-2'"},
        {SIMNET_TRACE_OPPORTUNITIES, "1\n2 3\n", "t:2: expected a number, found '2 3'"},
        {SIMNET_TRACE_OPPORTUNITIES, "1\n20", "t:2: cut"},
        {SIMNET_TRACE_OPPORTUNITIES, "0\n0\n", "t:2: cut"},
        {SIMNET_TRACE_OPPORTUNITIES, "99999999999999999999\n", "t:1: expected at most"},
        {SIMNET_TRACE_DELAYS, "5\n3600000000001\n", "t:2: expected at most 3600000000000"},
        {SIMNET_TRACE_LOSSES, "0\n1\n2\n", "t:3: expected at most 1"},
        {SIMNET_TRACE_COPIES, "0\n16\n17\n", "t:3: expected at most 16"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct simnet_trace trace;
        struct simnet_error error = {""};
        bool ok = simnet_trace_parse("t", rows[i].text, strlen(rows[i].text), rows[i].kind, 1,
                                     &trace, &error);
        if (ok || strncmp(error.text, rows[i].expected, strlen(rows[i].expected)) != 0)
            fail_msg("row %zu: expected '%s...', found '%s'", i, rows[i].expected, error.text);
        assert_null(trace.values);
    }
}

static void test_parse_takes_blank_lines_and_carriage_returns(void **state)
{
    static const char text[] = "\r\n 7\t\r\n\n8\r\n";
    struct simnet_trace trace;
    struct simnet_error error;
    (void)state;

    assert_true(
        simnet_trace_parse("t", text, strlen(text), SIMNET_TRACE_DELAYS, MS, &trace, &error));
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.values[0], 7 * MS);
    assert_int_equal(trace.values[1], 8 * MS);
    assert_true(trace.wrap);
    simnet_trace_free(&trace);
}

static void test_load_says_why_a_file_cannot_be_read(void **state)
{
    struct simnet_trace trace;
    struct simnet_error error = {""};
    (void)state;

    assert_false(simnet_trace_load("/does/not/exist", SIMNET_TRACE_DELAYS, 1, &trace, &error));
    assert_string_equal(error.text, "/does/not/exist: No such file or directory");
    assert_false(simnet_trace_load("/", SIMNET_TRACE_DELAYS, 1, &trace, &error));
    assert_non_null(strstr(error.text, "/: "));
}

static void test_load_reads_a_file(void **state)
{
    char path[] = "/tmp/simnet-trace-XXXXXX";
    struct simnet_trace trace;
    struct simnet_error error = {""};
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    (void)state;

    assert_non_null(file);
    for (int i = 0; i < 20000; i++)
        fprintf(file, "%d\n", i);
    fclose(file);
    bool ok = simnet_trace_load(path, SIMNET_TRACE_OPPORTUNITIES, 1, &trace, &error);
    unlink(path);
    assert_true(ok);
    assert_int_equal(trace.count, 20000);
    assert_int_equal(trace.values[19999], 19999 * MS);
    simnet_trace_free(&trace);
}

static struct simnet_trace parse_opportunities(const char *text, bool wrap)
{
    struct simnet_trace trace;
    struct simnet_error error;

    assert_true(
        simnet_trace_parse("t", text, strlen(text), SIMNET_TRACE_OPPORTUNITIES, 1, &trace, &error));
    trace.wrap = wrap;
    return trace;
}

/* Opportunities at 1, 1, 4 and 10 ms, then again from 10 ms on: 11, 11, 14, 20 … */
static void test_opportunities_carry_1500_bytes_each_and_wrap(void **state)
{
    static const struct lane_expected expected[] = {
        {1, 1 * MS},  /* 1,000 of the first at 1 ms */
        {2, 1 * MS},  /* its other 500 and 500 of the second */
        {3, 4 * MS},  /* 1,000 left of the second, then the one at 4 ms: 2,000 bytes */
        {4, 10 * MS}, /* 500 left at 4 ms are gone by 9 ms, when it comes */
        {5, 11 * MS}, /* wrapped */
        {6, 31 * MS}, /* came at 25 ms; after 20 ms the next round is 21, 21, 24, 30 */
    };
    struct simnet_trace trace = parse_opportunities("1\n1\n4\n10\n", true);
    struct lane *lane = lane_new(NULL, &(struct simnet_link_config){.opportunities = &trace});
    (void)state;

    for (int i = 0; i < 2; i++)
        lane_send(lane, 0, 1000);
    lane_send(lane, 0, 2000);
    lane_send(lane, 9 * MS, 1500);
    lane_send(lane, 9 * MS, 1500);
    lane_send(lane, 25 * MS, 1501);
    lane_run(lane);
    lane_assert_arrivals(lane, expected, COUNT(expected));
    lane_free(lane);
    simnet_trace_free(&trace);
}

static void test_opportunities_stop_for_good_where_told(void **state)
{
    struct simnet_trace trace = parse_opportunities("1\n2\n", false);
    struct lane *lane = lane_new(NULL, &(struct simnet_link_config){.opportunities = &trace});
    struct simnet_link_stats stats;
    (void)state;

    for (int i = 0; i < 3; i++)
        lane_send(lane, 0, 1500);
    lane_run(lane);
    lane_assert_arrivals(lane, (struct lane_expected[]){{1, MS}, {2, 2 * MS}}, 2);
    simnet_link_stats(lane->world, lane->link, &stats);
    assert_int_equal(stats.queued, 1);
    lane_free(lane);
    simnet_trace_free(&trace);
}

static void test_opportunities_after_long_idle_times(void **state)
{
    static const sipc_time starts[] = {10 * MS, 20 * MS, 100 * MS, 100 * MS + 1,
                                       UINT64_C(1000000007) * MS};
    static const sipc_time expected[] = {10 * MS, 20 * MS, 100 * MS, 103 * MS,
                                         UINT64_C(1000000010) * MS};
    struct simnet_trace trace = parse_opportunities("3\n10\n", true);
    (void)state;

    for (size_t i = 0; i < COUNT(starts); i++) {
        struct lane *lane =
            lane_new(&(struct simnet_config){.heal_ns = SIPC_NEVER, .time_max_ns = UINT64_MAX / 4},
                     &(struct simnet_link_config){.opportunities = &trace});
        lane_send(lane, starts[i], 1500);
        lane_run(lane);
        lane_assert_arrivals(lane, (struct lane_expected[]){{1, expected[i]}}, 1);
        lane_free(lane);
    }
    simnet_trace_free(&trace);
}

static void test_delays_that_stop_leave_the_base(void **state)
{
    static const uint64_t values[] = {5 * MS};
    static const struct simnet_trace trace = {
        .kind = SIMNET_TRACE_DELAYS, .values = (uint64_t *)(uintptr_t)values, .count = 1};
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){
                           .delay = {.kind = SIMNET_DELAY_TRACE, .trace = &trace, .base_ns = MS}});
    (void)state;

    lane_send(lane, 0, 1);
    lane_send(lane, 10 * MS, 1);
    lane_run(lane);
    lane_assert_arrivals(lane, (struct lane_expected[]){{1, 6 * MS}, {2, 11 * MS}}, 2);
    lane_free(lane);
}

/* ---- traces of real links, where they are ---- */

static bool load_shared(const char *name, enum simnet_trace_kind kind, struct simnet_trace *trace)
{
    char path[512];
    struct simnet_error error = {""};
    const char *folder = getenv("SIPC_TRACES_DIR"); /* other people's, no part of the project */

    snprintf(path, sizeof path, "%.250s/%.250s", folder != NULL ? folder : "SIPC_TRACES_DIR", name);
    if (folder == NULL || access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", name);
        return false;
    }
    if (!simnet_trace_load(path, kind, 1, trace, &error))
        fail_msg("%s", error.text);
    return true;
}

static void test_recorded_opportunities_give_the_rate_they_had(void **state)
{
    static const struct {
        const char *name;
        size_t count;
        uint64_t bps_min, bps_max;
    } rows[] = {
        {"mahimahi/ATT-LTE-driving-2016.down", 45604, 4500000, 4650000},
        {"mahimahi/Verizon-EVDO-driving.down", 46065, 515000, 525000},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct simnet_trace trace;
        if (!load_shared(rows[i].name, SIMNET_TRACE_OPPORTUNITIES, &trace))
            continue;
        assert_int_equal(trace.count, rows[i].count);
        uint64_t bits = (uint64_t)trace.count * SIMNET_OPPORTUNITY_BYTES * 8;
        assert_in_range(bits * 1000 / (trace.values[trace.count - 1] / MS), rows[i].bps_min,
                        rows[i].bps_max);
        struct lane *lane = lane_new(NULL, &(struct simnet_link_config){.opportunities = &trace});
        for (size_t k = 0; k < 4000; k++) /* never idle: the k-th leaves at the k-th */
            lane_send(lane, 0, SIMNET_OPPORTUNITY_BYTES);
        lane_run(lane);
        assert_int_equal(lane->arrival_count, 4000);
        for (size_t k = 0; k < 4000; k++)
            assert_int_equal(lane->arrivals[k].time_ns, trace.values[k]);
        lane_free(lane);
        simnet_trace_free(&trace);
    }
}

static void test_recorded_delays_and_losses_are_followed(void **state)
{
    struct simnet_trace delays, losses;
    (void)state;

    if (!load_shared("starlink-irtt/LEO_uplink_delay-000001-12h.txt", SIMNET_TRACE_DELAYS, &delays))
        return;
    if (!load_shared("starlink-irtt/LEO_uplink_loss-000001-12h.txt", SIMNET_TRACE_LOSSES,
                     &losses)) {
        simnet_trace_free(&delays);
        return;
    }
    struct simnet_link_config config = {
        .delay = {.kind = SIMNET_DELAY_TRACE, .trace = &delays, .reorders = true},
        .losses = {{.kind = SIMNET_LOSS_TRACE, .trace = &losses}}};
    struct lane *lane = lane_new(NULL, &config);
    uint64_t lost = 0;
    for (size_t i = 0; i < 4000; i++) { /* a probe each 10 ms, as it was recorded */
        lane_send(lane, i * 10 * MS, 100);
        lost += losses.values[i];
    }
    lane_run(lane);
    assert_int_equal(lane->arrival_count, 4000 - lost);
    for (size_t i = 0; i < lane->arrival_count; i++) {
        const struct lane_arrival *arrival = &lane->arrivals[i];
        size_t probe = arrival->datagram - 1;
        assert_int_equal(losses.values[probe], 0);
        assert_int_equal(arrival->time_ns, probe * 10 * MS + delays.values[probe]);
    }
    lane_free(lane);
    simnet_trace_free(&delays);
    simnet_trace_free(&losses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_tells_line_and_reason),
        cmocka_unit_test(test_parse_takes_blank_lines_and_carriage_returns),
        cmocka_unit_test(test_load_says_why_a_file_cannot_be_read),
        cmocka_unit_test(test_load_reads_a_file),
        cmocka_unit_test(test_opportunities_carry_1500_bytes_each_and_wrap),
        cmocka_unit_test(test_opportunities_stop_for_good_where_told),
        cmocka_unit_test(test_opportunities_after_long_idle_times),
        cmocka_unit_test(test_delays_that_stop_leave_the_base),
        cmocka_unit_test(test_recorded_opportunities_give_the_rate_they_had),
        cmocka_unit_test(test_recorded_delays_and_losses_are_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
