/* Time: windows at their exact boundaries with a virtual clock, what is granted with a wall clock,
 * and when a case is tried again because the harness itself was late.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"

/* One PDU that comes `at_ns` after the datagram, and the line that expects it. */
struct time_row {
    const char *name;
    const char *line;
    uint64_t at_ns;
    const char *reason; /* NULL: it is in time */
    bool wall;
    uint64_t tick_ns, lateness_ns;
    unsigned scale_percent, ack_timeout_ms;
};

static void run_time_rows(const struct time_row *rows, size_t count)
{
    bool held = true;

    for (size_t i = 0; i < count; i++) {
        const struct fake_act acts[] = {{FAKE_TX, ON_RX(1), .after_ns = rows[i].at_ns},
                                        {.kind = FAKE_NONE}};
        const struct conform_run_options options = {.time_scale_percent = rows[i].scale_percent,
                                                    .ack_timeout_ms = rows[i].ack_timeout_ms,
                                                    .no_judge = true};
        struct fake_sut fake = {.acts = acts,
                                .wall = rows[i].wall,
                                .tick_ns = rows[i].tick_ns,
                                .lateness_ns = rows[i].lateness_ns,
                                .late_attempts = 3};
        struct conform_record record;
        char body[256];
        snprintf(body, sizeof body,
                 "set idle_timeout_ms = 30000\ntest\n-> data 0:0\n%s\nquiet 0.001T\n",
                 rows[i].line);
        fake_run(&fake, body, 0, &options, &record);
        bool fits = rows[i].reason == NULL ? record.verdict == CONFORM_PASS
                                           : record.verdict == CONFORM_FAIL &&
                                                 strstr(record.reason, rows[i].reason) != NULL;
        unsigned attempts = rows[i].wall && rows[i].reason != NULL ? 3 : 1;
        if (!fits || record.attempts != attempts) {
            print_error("%s: got %s in %u attempts: %s\n", rows[i].name,
                        conform_verdict_name(record.verdict), record.attempts,
                        record.reason != NULL ? record.reason : "no reason");
            held = false;
        }
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
    assert_true(held);
}
#define RUN_TIME_ROWS(rows) run_time_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#define MS(n) ((n)*FAKE_MS)
#define A     "<- data_ack 0:0"

static void test_run_time_when_virtual_then_exact(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct time_row rows[] = {
        {"at once", A, .at_ns = 0, NULL},
        {"0.5T where the line says nothing", A, .at_ns = MS(500), NULL},
        {"a nanosecond more", A, .at_ns = MS(500) + 1,
         "expected data_ack 0:0 within 0.5T, nothing came"},
        {"within", A " within 1.5T", .at_ns = MS(1500), NULL},
        {"a nanosecond after within", A " within 1.5T", .at_ns = MS(1500) + 1,
         "within 1.5T, nothing came"},
        {"within next to nothing", A " within 0.001T", .at_ns = MS(1), NULL},
        {"and no later", A " within 0.001T", .at_ns = MS(1) + 1, "nothing came"},
        {"a nanosecond before after", A " after 1T", .at_ns = MS(1000) - 1,
         "time was 999.999999 ms instead of 1000 ms to 1500 ms after the PDU before it"},
        {"after", A " after 1T", .at_ns = MS(1000), NULL},
        {"0.5T after after", A " after 1T", .at_ns = MS(1500), NULL},
        {"a nanosecond too late", A " after 1T", .at_ns = MS(1500) + 1, "after 1T, nothing came"},
        {"after and within", A " after 1T within 3T", .at_ns = MS(3000), NULL},
        {"too late for both", A " after 1T within 3T", .at_ns = MS(3000) + 1,
         "expected data_ack 0:0 after 1T within 3T, nothing came"},
        {"sums of units", A " after 2*open_timeout-0.25T+0.001*idle_timeout", .at_ns = MS(19780),
         NULL},
        {"sums of units, early", A " after 2*open_timeout-0.25T+0.001*idle_timeout",
         .at_ns = MS(19780) - 1,
         "after the PDU before it"},
        {"waiting does not move the PDU before", "wait 1T\n" A " after 1T", .at_ns = MS(1000),
         NULL},
        {"it came while waiting, in time", "wait 3T\n" A " after 1T", .at_ns = MS(1500), NULL},
        {"it came while waiting, too late", "wait 3T\n" A " after 1T", .at_ns = MS(1501),
         "time was 1501 ms instead of 1000 ms to 1500 ms after the PDU before it"},
        {"within counts from the line", "wait 3T\n" A " within 1T", .at_ns = MS(4000), NULL},
        {"what came before the line is in time", "wait 3T\n" A, .at_ns = MS(10), NULL},
        {"a command moves the PDU before", "wait 1T\ndo open\n" A " after 1T", .at_ns = MS(1999),
         "time was 999 ms instead of"},
        {"maybe, in time", "maybe " A " within 1T\nquiet 3T", .at_ns = MS(1000), NULL},
        {"maybe, too late", "maybe " A " within 1T\nquiet 3T", .at_ns = MS(1000) + 1,
         "expected silence"},
        {"any, too late", "any {\n" A " within 1T\n}", .at_ns = MS(1000) + 1,
         "within 1T, nothing came"},
        {"any, too early", "any {\n" A " after 1T\n}", .at_ns = MS(999), "time was 999 ms"},
        {"one_of, too early", "one_of {\n" A " after 1T\nor\n<- close 0:0\n}", .at_ns = MS(999),
         "time was 999 ms"},
    };
    /* clang-format on */
    RUN_TIME_ROWS(rows);
}

static void test_run_time_when_after_then_from_the_last_pdu_or_command(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct row rows[] = {
        {.name = "from the PDU matched, when it came and not when it was looked at",
         .body = "test\n-> data 0:0\nwait 0.5T\n<- data_ack 0:0\n<- data_ack 0:1 after 1T\n"
                 "quiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .after_ns = MS(300)},
                  {FAKE_TX, ON_RX(1), .seq_nr = 1, .after_ns = MS(1300)}},
         .verdict = CONFORM_PASS, .expectations = 3},
        {.name = "a nanosecond too early for that",
         .body = "test\n-> data 0:0\nwait 0.5T\n<- data_ack 0:0\n<- data_ack 0:1 after 1T\n"
                 "quiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .after_ns = MS(300)},
                  {FAKE_TX, ON_RX(1), .seq_nr = 1, .after_ns = MS(1300) - 1}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 9, .expectations = 2,
         .reason = "time was 999.999999 ms instead of 1000 ms to 1500 ms"},
        {.name = "from the PDU sent",
         .body = "test\nwait 3T\n-> data 0:0\n<- data_ack 0:0 after 1T\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .after_ns = MS(1000) - 1}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 8, .expectations = 1,
         .reason = "time was 999.999999 ms instead of 1000 ms to 1500 ms"},
        {.name = "events do not count",
         .body = "test\n-> data 0:0\n== deliver \"\"\n<- data_ack 0:0 after 1T\nquiet 1T\n",
         .acts = {{FAKE_DELIVER, ON_RX(1), .after_ns = MS(400)},
                  {FAKE_TX, ON_RX(1), .after_ns = MS(1000)}},
         .verdict = CONFORM_PASS, .expectations = 3},
        {.name = "events are judged by time too",
         .body = "test\ndo open\n== state opened after 1T\nquiet 1T\n",
         .acts = {{FAKE_STATE, .on = CONFORM_OPEN, .word = "opened", .after_ns = MS(999)}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
         .reason = "time was 999 ms instead of 1000 ms to 1500 ms"},
    };
    /* clang-format on */
    RUN_ROWS(rows);
}

static void test_run_time_when_the_suts_clock_is_coarse_then_to_its_tick(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct time_row rows[] = {
        {"fired in the tick after", A " after 1T", .at_ns = MS(1000), NULL, .tick_ns = MS(15)},
        {"fired in the tick before", A " after 1T", .at_ns = MS(990), NULL, .tick_ns = MS(15)},
        {"two ticks before", A " after 1T", .at_ns = MS(975), "time was 975 ms", .tick_ns = MS(15)},
        {"the last tick", A, .at_ns = MS(501), NULL, .tick_ns = MS(15)},
        {"the tick after the last", A, .at_ns = MS(511), "nothing came", .tick_ns = MS(15)},
    };
    /* clang-format on */
    RUN_TIME_ROWS(rows);
}

/* T is 200 ms. */
static void test_run_time_when_wall_then_upper_bounds_give_way(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct time_row rows[] = {
        {"that it comes is what matters", A, .at_ns = MS(1000), NULL, .wall = true},
        {"after a second it does not come", A, .at_ns = MS(1001), "within 0.5T, nothing came",
         .wall = true},
        {"within, extended by 250 ms", A " within 1T", .at_ns = MS(450), NULL, .wall = true},
        {"beyond that, late", A " within 1T", .at_ns = MS(451), "time was 451 ms instead of 200 ms",
         .wall = true},
        {"a late harness extends more", A " within 1T", .at_ns = MS(500), NULL, .wall = true,
         .lateness_ns = MS(150)},
        {"by twice its lateness", A " within 1T", .at_ns = MS(1600), NULL, .wall = true,
         .lateness_ns = MS(300), .ack_timeout_ms = 1000},
        {"and no more", A " within 1T", .at_ns = MS(1601), "nothing came", .wall = true,
         .lateness_ns = MS(300), .ack_timeout_ms = 1000},
        {"the grain of clocks", A " after 1T", .at_ns = MS(190), NULL, .wall = true},
        {"earlier than that", A " after 1T", .at_ns = MS(189),
         "time was 189 ms instead of 200 ms to 300 ms after the PDU before it", .wall = true},
        {"what a late harness read late", A " after 1T", .at_ns = MS(150), NULL, .wall = true,
         .lateness_ns = MS(40)},
        {"and no earlier", A " after 1T", .at_ns = MS(149), "time was 149 ms", .wall = true,
         .lateness_ns = MS(40)},
        {"after, with its slack", A " after 1T", .at_ns = MS(550), NULL, .wall = true},
        {"after, too late", A " after 1T", .at_ns = MS(551), "time was 551 ms", .wall = true},
        {"for a slow SUT all is longer", A " within 1T", .at_ns = MS(900), NULL, .wall = true,
         .scale_percent = 200},
        {"T too", A " after 1T", .at_ns = MS(389), "time was 389 ms instead of 400 ms to 600 ms",
         .wall = true,
         .scale_percent = 200},
        {"quiet is its time", "quiet 1T", .at_ns = MS(201), NULL, .wall = true},
        {"maybe does not keep the next line waiting", "maybe " A "\nquiet 0.5T\n" A " within 1T",
         MS(201), NULL, .wall = true},
    };
    /* clang-format on */
    RUN_TIME_ROWS(rows);
}

/* 0.5T for the maybe that is left, then 1T of quiet; not the second that the ack might have had. */
static void test_run_time_when_any_waits_for_what_may_come_then_no_longer_than_that(void **ctx)
{
    (void)ctx;
    static const struct fake_act acts[] = {{FAKE_TX, ON_RX(1)}, {.kind = FAKE_NONE}};
    struct fake_sut fake = {.acts = acts, .wall = true};
    struct conform_record record;

    fake_run(&fake, "test\n-> data 0:0\nany {\n<- data_ack 0:0\nmaybe <- close 0:0\n}\nquiet 1T\n",
             0, NULL, &record);
    assert_int_equal(record.verdict, CONFORM_PASS);
    assert_int_equal(record.expectations, 2);
    assert_int_equal(record.duration_ns, MS(300));
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

/* clang-format off */
static const struct row attempt_rows[] = {
    {.name = "a late answer, once",
     .body = "test\n-> data 0:0\n<- data_ack 0:0 within 1T\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .after_ns = MS(900)},
              {FAKE_TX, ON_RX(1), .attempt = 2}},
     .fake = {.wall = true},
     .verdict = CONFORM_PASS, .expectations = 2, .attempts = 2},
    {.name = "a wrong answer is wrong",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .seq_nr = 1},
              {FAKE_TX, ON_RX(1), .attempt = 2}},
     .fake = {.wall = true},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "seq_nr was 1 instead of 0", .attempts = 1},
    {.name = "a wrong answer that came late may be right",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .seq_nr = 1, .after_ns = MS(50) + 1},
              {FAKE_TX, ON_RX(1), .attempt = 2}},
     .fake = {.wall = true},
     .verdict = CONFORM_PASS, .expectations = 2, .attempts = 2},
    {.name = "a quarter of T is not late for an answer",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .seq_nr = 1, .after_ns = MS(50)},
              {FAKE_TX, ON_RX(1), .attempt = 2}},
     .fake = {.wall = true},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "seq_nr was 1 instead of 0"},
    {.name = "a retry into silence may come of an ack seen late",
     .body = "test\n-> data 0:0\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .after_ns = MS(199)}},
     .fake = {.wall = true},
     .verdict = CONFORM_PASS, .expectations = 1, .attempts = 2},
    {.name = "an event too",
     .body = "test\ndo send \"\" as m\n== result m ok\nquiet 1T\n",
     .acts = {{FAKE_RESULT, .on = CONFORM_SEND, .attempt = 1, .word = "timeout",
               .after_ns = MS(60)},
              {FAKE_RESULT, .on = CONFORM_SEND, .attempt = 2, .word = "ok"}},
     .fake = {.wall = true},
     .verdict = CONFORM_PASS, .expectations = 2, .attempts = 2},
    {.name = "a wrong answer on a late harness may be right",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .seq_nr = 1},
              {FAKE_TX, ON_RX(1), .attempt = 2}},
     .fake = {.wall = true, .lateness_ns = MS(51), .late_attempts = 1},
     .verdict = CONFORM_PASS, .expectations = 2, .attempts = 2},
    {.name = "a quarter of T is not late for a harness",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .seq_nr = 1},
              {FAKE_TX, ON_RX(1), .attempt = 2}},
     .fake = {.wall = true, .lateness_ns = MS(50), .late_attempts = 1},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "seq_nr was 1 instead of 0", .attempts = 1},
    {.name = "a wrong answer of a SUT that had to wait may be right",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .seq_nr = 1},
              {FAKE_TX, ON_RX(1), .attempt = 2}},
     .fake = {.wall = true, .call_ns = MS(51), .late_attempts = 1},
     .verdict = CONFORM_PASS, .expectations = 2, .attempts = 2},
    {.name = "a quarter of T is not late for an answer",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 1, .seq_nr = 1},
              {FAKE_TX, ON_RX(1), .attempt = 2}},
     .fake = {.wall = true, .call_ns = MS(50), .late_attempts = 1},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "seq_nr was 1 instead of 0", .attempts = 1},
    {.name = "after a busy attempt T is twice as long",
     .body = "test\n-> data 0:0\n<- data_ack 0:0 after 1T\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .after_ns = MS(700)}},
     .fake = {.wall = true, .lateness_ns = MS(51), .late_attempts = 1},
     .verdict = CONFORM_PASS, .expectations = 2, .attempts = 2},
    {.name = "on a quiet machine T stays what it is",
     .body = "test\n-> data 0:0\n<- data_ack 0:0 after 1T\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .after_ns = MS(700)}},
     .fake = {.wall = true, .lateness_ns = MS(50), .late_attempts = 3},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "", .attempts = 3},
    {.name = "three times is enough",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .fake = {.wall = true},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "nothing came", .attempts = 3},
    {.name = "a set-up too",
     .body = "setup\n-> data 0:0\n<- data_ack 0:0 within 1T\ntest\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .attempt = 3}},
     .fake = {.wall = true},
     .verdict = CONFORM_PASS, .expectations = 1, .attempts = 3},
    {.name = "a crash is a crash",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .acts = {{FAKE_STATUS, ON_RX(1), .status = CONFORM_SUT_DEAD}},
     .fake = {.wall = true, .lateness_ns = MS(500), .late_attempts = 3},
     .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WID_7, .line = 6, .reason = "the SUT died"},
    {.name = "virtual time is never late",
     .body = "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n",
     .fake = {.lateness_ns = MS(500), .late_attempts = 3},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "nothing came"},
};
/* clang-format on */

static void test_run_time_when_the_harness_was_late_then_tried_again(void **ctx)
{
    (void)ctx;
    RUN_ROWS(attempt_rows);
}

static void test_run_time_when_tried_again_then_with_fresh_session_ids(void **ctx)
{
    (void)ctx;
    struct fake_sut fake = {.wall = true};
    struct conform_record record;

    fake_run(&fake, "test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n", 0, NULL, &record);
    assert_int_equal(record.attempts, 3);
    assert_int_equal(fake.rx_count, 3);
    assert_memory_not_equal(fake.rx[0] + 2, fake.rx[1] + 2, 8);
    assert_memory_not_equal(fake.rx[1] + 2, fake.rx[2] + 2, 8);
    assert_int_equal(record.trace_count, 2); /* of the last attempt: configure, a datagram */
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_time_when_virtual_then_exact),
        cmocka_unit_test(test_run_time_when_after_then_from_the_last_pdu_or_command),
        cmocka_unit_test(test_run_time_when_the_suts_clock_is_coarse_then_to_its_tick),
        cmocka_unit_test(test_run_time_when_wall_then_upper_bounds_give_way),
        cmocka_unit_test(test_run_time_when_any_waits_for_what_may_come_then_no_longer_than_that),
        cmocka_unit_test(test_run_time_when_the_harness_was_late_then_tried_again),
        cmocka_unit_test(test_run_time_when_tried_again_then_with_fresh_session_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
