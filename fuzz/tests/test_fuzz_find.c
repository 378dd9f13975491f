/* What an oracle that is broken is told as: the rule it names, and that the first one counts.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "play/play.h"

static void test_an_invariant_then_names_the_rule_its_text_ends_in(void **state)
{
    static const struct {
        const char *name, *broken;
        enum sipc_rule expected;
    } rows[] = {
        {"a rule", "a window has at most max_retry_count retries (RTY-3)", SIPC_RULE_RTY_3},
        {"advisory", "as the text says (WID-2a)", SIPC_RULE_WID_2a},
        {"the engine's own", "the heap is in order", SIPC_RULE_NONE},
        {"no rule's id", "a slot is used (or given back)", SIPC_RULE_NONE},
        {"an id that no rule has", "as it was (RTY-99)", SIPC_RULE_NONE},
        {"in the middle", "as RTY says (RTY-3) of retries", SIPC_RULE_NONE},
        {"the last of two", "an id (WID-2) or a retry (RTY-3)", SIPC_RULE_RTY_3},
        {"not closed", "retries (RTY-3", SIPC_RULE_NONE},
        {"empty", "", SIPC_RULE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("%s\n", rows[i].name);
        assert_int_equal(fuzz_invariant_rule(rows[i].broken), rows[i].expected);
    }
}

static void test_the_first_finding_then_is_kept(void **state)
{
    struct fuzz_finding finding = {0};

    (void)state;
    fuzz_find(&finding, SIPC_RULE_ACK_1, "first");
    fuzz_find(&finding, SIPC_RULE_WID_3, "second");
    assert_true(finding.found);
    assert_int_equal(finding.rule, SIPC_RULE_ACK_1);
    assert_string_equal(finding.text, "first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_invariant_then_names_the_rule_its_text_ends_in),
        cmocka_unit_test(test_the_first_finding_then_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
