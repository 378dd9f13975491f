/* The rule registry as the code sees it: every row is reachable by enum and by id, and looks like a
 * rule. What it says is held against conformance/RULES.md by scripts/tests/test_rules.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sipc/rules.h"

static void test_rule_find_given_an_id_of_the_table_then_its_enum(void **state)
{
    (void)state;
    for (int rule = SIPC_RULE_NONE + 1; rule < SIPC_RULE_COUNT; rule++) {
        const struct sipc_rule_info *info = sipc_rule_info((enum sipc_rule)rule);
        assert_non_null(info);
        assert_int_equal(sipc_rule_find(info->id), rule);
    }
}

static void test_rule_info_given_a_rule_then_its_row(void **state)
{
    (void)state;
    static const struct {
        enum sipc_rule rule;
        const char *id;
        enum sipc_rule_level level;
        unsigned roles;
    } rows[] = {
        {SIPC_RULE_WIRE_1, "WIRE-1", SIPC_MUST, SIPC_RECEIVER | SIPC_SENDER},
        {SIPC_RULE_WID_3, "WID-3", SIPC_MUST, SIPC_RECEIVER},
        {SIPC_RULE_ACK_1a, "ACK-1a", SIPC_ADVISORY, SIPC_RECEIVER},
        {SIPC_RULE_SND_10, "SND-10", SIPC_MUST, SIPC_SENDER},
        {SIPC_RULE_END_5, "END-5", SIPC_ADVISORY, SIPC_ENDPOINT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct sipc_rule_info *info = sipc_rule_info(rows[i].rule);
        assert_string_equal(info->id, rows[i].id);
        assert_int_equal(info->level, rows[i].level);
        assert_int_equal(info->roles, rows[i].roles);
    }
}

static void test_rule_info_given_no_rule_then_null(void **state)
{
    (void)state;
    assert_null(sipc_rule_info(SIPC_RULE_NONE));
    assert_null(sipc_rule_info(SIPC_RULE_COUNT));
    assert_null(sipc_rule_info((enum sipc_rule)(SIPC_RULE_COUNT + 1000)));
}

static void test_rule_find_given_another_text_then_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",        "WID",    "WID-",           "WID-99",
                                        "wid-3",   "WID-3 ", "WID-9999999999", "ACK-1A",
                                        "SND-91b", "NONE"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(sipc_rule_find(texts[i]), SIPC_RULE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_find_given_an_id_of_the_table_then_its_enum),
        cmocka_unit_test(test_rule_info_given_a_rule_then_its_row),
        cmocka_unit_test(test_rule_info_given_no_rule_then_null),
        cmocka_unit_test(test_rule_find_given_another_text_then_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
