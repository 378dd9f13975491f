/* Cases over a link: until it does something the lines bind, from then on the judge decides by what
 * the SUT really got. The SUT is a table: it answers what it gets, and what it gets is counted.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"
#include "simnet/link.h"
#include "simnet/prng.h"

/* WID-7: the window is sent again, and the same ack is owed. */
#define TWICE                                                                                      \
    "test\n-> data 0:0 {first_in_window_group last_in_window last_in_window_group skip} \"a\" "    \
    "#d\n"                                                                                         \
    "<- data_ack 0:0 {is_window_full *} #a\n== deliver \"a\"\n-> #d\n<- #a [WID-7]\nquiet 1T\n"
#define DELIVERS                                                                                   \
    {                                                                                              \
        FAKE_DELIVER, ON_RX(1), .data = "a"                                                        \
    }
#define ACKS(n)                                                                                    \
    {                                                                                              \
        FAKE_TX, ON_RX(n), .opcode = SIPC_DATA_ACK, .full = true                                   \
    }

static const uint64_t first[] = {0}, second[] = {1}, third[] = {2};

#define LOSES(which)                                                                               \
    {                                                                                              \
        .losses = { {.kind = SIMNET_LOSS_LIST, .list = (which), .list_count = 1} }                 \
    }

struct link_row {
    const char *name, *body;
    struct fake_act acts[ROW_ACTS_MAX];
    struct simnet_link_config to_sut, from_sut;
    enum conform_verdict verdict;
    enum sipc_rule rule;
    const char *reason; /* a part of it; NULL: none */
    size_t rx_count, excused;
    uint64_t lost, doubled, damaged, moved;
    struct fake_sut fake;
};

static void run_over(const struct link_row *row, uint64_t seed, struct fake_sut *fake,
                     struct conform_record *record)
{
    const struct conform_link link = {"a link", &row->to_sut, &row->from_sut};
    const struct conform_run_options options = {.seed = seed, .link = &link};

    *fake = row->fake;
    fake->acts = row->acts;
    assert_int_equal(fake_run(fake, row->body, 0, &options, record), CONFORM_SUT_OK);
}

static bool row_is_so(const struct link_row *row)
{
    struct fake_sut fake;
    struct conform_record record;

    run_over(row, 7, &fake, &record);
    const struct conform_link_work *link = &record.link;
    bool reason = row->reason == NULL
                      ? record.reason == NULL
                      : record.reason != NULL && strstr(record.reason, row->reason) != NULL;
    bool held = reason && record.verdict == row->verdict && record.rule == row->rule &&
                fake.rx_count == row->rx_count && link->excused == row->excused &&
                link->lost == row->lost && link->doubled == row->doubled &&
                link->damaged == row->damaged && link->moved == row->moved;
    if (!held) {
        print_error("%s: %s, rule %d, %zu datagrams at the SUT, %zu excused (line %d: %s), "
                    "lost %d doubled %d damaged %d moved %d, reason: %s\n",
                    row->name, conform_verdict_name(record.verdict), (int)record.rule,
                    fake.rx_count, link->excused, link->excuse_line,
                    link->excuse != NULL ? link->excuse : "none", (int)link->lost,
                    (int)link->doubled, (int)link->damaged, (int)link->moved,
                    record.reason != NULL ? record.reason : "none");
    }
    conform_record_clear(&record);
    fake_clear(&fake);
    return held;
}

static void test_run_link_when_it_does_something_then_the_judge_decides(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct link_row rows[] = {
        {.name = "it does nothing: all as without",
         .body = TWICE, .acts = {DELIVERS, ACKS(1), ACKS(2)},
         .verdict = CONFORM_PASS, .rx_count = 2},
        {.name = "it does nothing: a line that does not hold fails",
         .body = TWICE, .acts = {DELIVERS, ACKS(1)},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .reason = "nothing came", .rx_count = 2},
        {.name = "it has done nothing yet: the same",
         .body = TWICE, .acts = {ACKS(1), ACKS(2)}, .to_sut = LOSES(third),
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .reason = "expected a delivery",
         .rx_count = 1},
        {.name = "the answer is lost: the judge saw it, and the rule at stake",
         .body = TWICE, .acts = {DELIVERS, ACKS(1), ACKS(2)}, .from_sut = LOSES(second),
         .verdict = CONFORM_PASS, .rx_count = 2, .excused = 1, .lost = 1},
        {.name = "the answer would be lost, but none is given",
         .body = TWICE, .acts = {DELIVERS, ACKS(1)}, .from_sut = LOSES(first),
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .reason = "the judge saw WID-7",
         .rx_count = 2, .excused = 2, .lost = 1},
        {.name = "the question is lost: the rule was not at stake",
         .body = TWICE, .acts = {DELIVERS, ACKS(1), ACKS(2)}, .to_sut = LOSES(second),
         .verdict = CONFORM_INCONCLUSIVE, .reason = "kept WID-7 from being tried",
         .rx_count = 1, .excused = 1, .lost = 1},
        {.name = "all comes twice: so do answers, and lines take the first",
         .body = TWICE, .acts = {DELIVERS, ACKS(1), ACKS(2), ACKS(3), ACKS(4)},
         .to_sut = {.duplicate = {.ppm = SIMNET_PPM}},
         .verdict = CONFORM_PASS, .rx_count = 4, .excused = 1, .doubled = 2},
        {.name = "it is cut on the way: what comes is no PDU of the case",
         .body = "test\n-> data 0:0 {last_in_window} \"a\" tamper length=57\nquiet 1T\n",
         .to_sut = {.corrupt = {.truncate_ppm = SIMNET_PPM}},
         .verdict = CONFORM_INCONCLUSIVE, .reason = "kept WID-7", .rx_count = 1, .damaged = 1},
        {.name = "all is late: times bind no more",
         .body = "test\n" SEND "<- data_ack 0:0 {is_window_full *} within 0.001T\n"
                 "== deliver \"a\"\nquiet 1T\n",
         .acts = {DELIVERS, ACKS(1)}, .to_sut = {.delay = {.base_ns = 10 * FAKE_MS}},
         .verdict = CONFORM_PASS, .rx_count = 1},
        {.name = "what never came makes a line unplayable, and the next is played",
         .body = "test\ndo open\ndo send \"a\" as m skip\n<- data $w:0 {*} \"a\"\n"
                 "-> data_ack $w:0 {is_window_full}\ndo close 3 as c\n-> raw \"x\"\nquiet 1T\n",
         .acts = {{FAKE_TX, .on = CONFORM_SEND, .opcode = SIPC_DATA, .data = "a",
                   .options = "s_00=True;s_01=True;s_02=True;s_03=True"}},
         .from_sut = LOSES(first), .verdict = CONFORM_INCONCLUSIVE, .reason = "kept WID-7",
         .rx_count = 1, .excused = 2, .lost = 1},
        {.name = "a crash is a crash over any link",
         .body = TWICE, .acts = {{FAKE_STATUS, ON_RX(1), .status = CONFORM_SUT_DEAD}},
         .to_sut = {.duplicate = {.ppm = SIMNET_PPM}},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WID_7, .reason = "the SUT died",
         .rx_count = 1, .doubled = 1},
        {.name = "no network takes a datagram so long",
         .body = "test\n-> raw bytes(70000)\nquiet 1T\n",
         .verdict = CONFORM_INCONCLUSIVE, .reason = "kept WID-7", .lost = 1},
        {.name = "a byte stream loses nothing",
         .body = "set network = stream\ntest\n" SEND ACK "quiet 1T\n",
         .verdict = CONFORM_UNSUPPORTED, .reason = "a byte stream loses nothing"},
    };
    /* clang-format on */
    bool held = true;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        held = row_is_so(&rows[i]) && held;
    }
    fake_done();
    assert_true(held);
}

static void test_run_link_when_it_is_clean_then_the_record_says_so(void **ctx)
{
    static const struct conform_link clean = {.text = "clean"};
    static const struct conform_run_options options = {.seed = 7, .link = &clean};
    static const struct fake_act acts[] = {DELIVERS, ACKS(1), ACKS(2), {.kind = FAKE_NONE}};
    struct fake_sut fake = {.acts = acts};
    struct conform_record record;

    (void)ctx;
    fake_run(&fake, TWICE, 0, &options, &record);
    assert_int_equal(record.verdict, CONFORM_PASS);
    assert_string_equal(record.link.text, "clean");
    assert_int_equal(record.link.entered, 0);
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

/* What a link does is a function of the seed. */
static void test_run_link_when_the_seed_is_the_same_then_all_is(void **ctx)
{
    static const struct link_row row = {
        .body = TWICE,
        .acts = {DELIVERS, ACKS(0)},
        .to_sut = {.losses = {{.kind = SIMNET_LOSS_IID, .ppm = SIMNET_PPM / 2}}}};
    uint64_t lost[2][32];
    bool differs = false;

    (void)ctx;
    for (int round = 0; round < 2; round++) {
        for (uint64_t seed = 0; seed < 32; seed++) {
            struct fake_sut fake;
            struct conform_record record;
            run_over(&row, seed, &fake, &record);
            lost[round][seed] = record.link.lost;
            assert_int_equal(record.link.seed, seed);
            conform_record_clear(&record);
            fake_clear(&fake);
        }
    }
    fake_done();
    for (int seed = 0; seed < 32; seed++) {
        assert_int_equal(lost[0][seed], lost[1][seed]);
        differs |= lost[0][seed] != lost[0][0];
    }
    assert_true(differs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_link_when_it_does_something_then_the_judge_decides),
        cmocka_unit_test(test_run_link_when_it_is_clean_then_the_record_says_so),
        cmocka_unit_test(test_run_link_when_the_seed_is_the_same_then_all_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
