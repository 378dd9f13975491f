/* The judge beside a case: what only it sees, and until when it looks on.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"

#define T_MS (1000 * FAKE_MS)

/* A case in which no line asks for the ack: it ends before T/2, which an ack may take, is over. */
#define NO_LINE_ASKS "test\n" SEND "== deliver \"a\"\nquiet 0.1T\n"
#define DELIVERS                                                                                   \
    {                                                                                              \
        FAKE_DELIVER, ON_RX(1), .data = "a"                                                        \
    }

static void judged(const char *name, const struct fake_act *acts, enum conform_verdict verdict,
                   enum sipc_rule rule)
{
    static const struct conform_run_options options = {.seed = 7};
    struct fake_sut fake = {.acts = acts};
    struct conform_record record;
    char *said = NULL;

    fake_run(&fake, NO_LINE_ASKS, 0, &options, &record);
    if (record.verdict != verdict || record.rule != rule) {
        print_error("%s: got %s, rule %d: %s\n", name, conform_verdict_name(record.verdict),
                    (int)record.rule, record.reason != NULL ? record.reason : "no reason");
        said = record.reason;
    }
    assert_int_equal(record.verdict, verdict);
    assert_int_equal(record.rule, rule);
    assert_null(said);
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

static void test_run_end_when_something_is_owed_then_it_gets_its_time(void **ctx)
{
    static const struct fake_act never[] = {DELIVERS, {.kind = FAKE_NONE}};
    static const struct fake_act at_once[] = {
        DELIVERS, {FAKE_TX, ON_RX(1), .opcode = SIPC_DATA_ACK, .full = true}, {.kind = FAKE_NONE}};

    (void)ctx;
    judged("an ack that never comes", never, CONFORM_FAIL, SIPC_RULE_ACK_1);
    judged("an ack at once, which no line took", at_once, CONFORM_FAIL, SIPC_RULE_WID_7);
}

static void test_run_end_when_the_ack_comes_late_then_it_is_no_fault(void **ctx)
{
    static const struct fake_act late[] = {
        DELIVERS,
        {FAKE_TX, ON_RX(1), .opcode = SIPC_DATA_ACK, .full = true, .after_ns = T_MS / 2},
        {.kind = FAKE_NONE}};

    (void)ctx;
    judged("the last moment it may come", late, CONFORM_PASS, SIPC_RULE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_end_when_something_is_owed_then_it_gets_its_time),
        cmocka_unit_test(test_run_end_when_the_ack_comes_late_then_it_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
