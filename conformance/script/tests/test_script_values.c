/* What values of a script come to: expressions, data, times; and the cases of parameters.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "script_test.h"

/* ---- the environment the rows are evaluated in ---- */

static bool env_number(void *ctx, const char *name, int64_t *out)
{
    *out = strcmp(name, "n") == 0 ? 7 : strcmp(name, "mtu") == 0 ? 1400 : -1;
    return ctx == NULL && *out >= 0;
}

static bool env_text(void *ctx, const char *name, struct sipc_span *out)
{
    *out = (struct sipc_span){(const uint8_t *)"text", 4};
    return ctx == NULL && strcmp(name, "t") == 0;
}

static bool env_pdu(void *ctx, const char *label, struct sipc_span *out)
{
    static uint8_t pdu[57];
    pdu[46] = 2;
    *out = (struct sipc_span){pdu, strcmp(label, "in") == 0 ? sizeof(pdu) : 46};
    return ctx == NULL && (strcmp(label, "in") == 0 || strcmp(label, "out") == 0);
}

static const struct sx_env env = {NULL, env_number, env_text, env_pdu};

/* The last step but `quiet`. */
static const struct sx_step *step_under_test(const struct parsed *parsed)
{
    if (parsed->script == NULL) {
        fail_msg("%s", parsed->errors);
    }
    return &parsed->script->test.steps[parsed->script->test.count - 2];
}

/* ---- expressions ---- */

static const struct {
    const char *expr;
    int64_t value;
    const char *error; /* NULL: value */
} expr_rows[] = {
    {"$n", 7, NULL},
    {"$n+2*3-10/3", 10, NULL},
    {"($n+2)*3%10", 7, NULL},
    {"$n-1-1", 5, NULL},
    {"$n-(1-1)", 7, NULL},
    {"-$n*2", -14, NULL},
    {"-($n-14)/2", 3, NULL},
    {"0-$n/2", -3, NULL},
    {"(0-$n)/2", -3, NULL},
    {"(0-$n)%2", -1, NULL},
    {"--$n", 7, NULL},
    {"0x7fffffffffffffff+0*$n", INT64_MAX, NULL},
    {"-9223372036854775808+0*$n", INT64_MIN, NULL},
    {"9E15+$n", INT64_C(9000000000000007), NULL},
    {"0E99+$n", 7, NULL},
    {"size(\"a\\x00b\")+$n", 10, NULL},
    {"size(bytes($n*10, 3))", 70, NULL},
    {"size($t)", 4, NULL},
    {"size(#in)", 57, NULL},
    {"opcode(#in)", 2, NULL},
    {"$mtu", 1400, NULL},
    {"$max_window_size", 0, "variable $max_window_size is not bound"},
    {"opcode(#out)", 0, "#out has 46 bytes, too few for an opcode"},
    {"1/($n-7)", 0, "division by zero"},
    {"1%($n-7)", 0, "division by zero"},
    {"9223372036854775807+$n", 0, "9223372036854775807 + 7 does not fit 64 bits"},
    {"-9223372036854775807-$n", 0, "-9223372036854775807 - 7 does not fit 64 bits"},
    {"9223372036854775807*$n", 0, "9223372036854775807 * 7 does not fit 64 bits"},
    {"(-9223372036854775807-1)/($n-8)", 0, "-9223372036854775808 / -1 does not fit 64 bits"},
    {"(-9223372036854775807-1)%($n-8)", 0, "-9223372036854775808 % -1 does not fit 64 bits"},
    {"-(-9223372036854775807-$n/7)", 0, "-(-9223372036854775808) does not fit 64 bits"},
    {"size(bytes(0-$n))", 0, "bytes(-7): the size must be 0..16777216"},
    {"size(bytes(16777210+$n))", 0, "bytes(16777217): the size must be 0..16777216"},
};

static void test_script_eval_when_given_names_then_value_or_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expr_rows) / sizeof(expr_rows[0]); i++) {
        char line[256], error[128] = "";
        int64_t value = 0;
        snprintf(line, sizeof(line), "check %s == $n", expr_rows[i].expr);
        struct parsed parsed = parse_line(line);
        bool ok = sx_eval(step_under_test(&parsed)->left, &env, &value, error, sizeof(error));
        assert_int_equal(ok, expr_rows[i].error == NULL);
        if (ok && value != expr_rows[i].value) {
            fail_msg("%s is %" PRId64, expr_rows[i].expr, value);
        }
        assert_string_equal(error, ok ? "" : expr_rows[i].error);
        parsed_free(&parsed);
    }
}

static void test_script_eval_when_nothing_is_known_then_it_says_what_lacks(void **state)
{
    static const struct {
        const char *expr, *error;
    } rows[] = {{"$n", "variable $n is not bound"},
                {"size($t)", "text $t is not bound"},
                {"size(#in)", "no PDU was seen or sent as #in"}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[64], error[64], cut[9];
        int64_t value;
        snprintf(line, sizeof(line), "check %s == $n", rows[i].expr);
        struct parsed parsed = parse_line(line);
        const struct sx_expr *expr = step_under_test(&parsed)->left;
        assert_false(sx_eval(expr, &(struct sx_env){0}, &value, error, sizeof(error)));
        assert_string_equal(error, rows[i].error);
        assert_false(sx_eval(expr, &(struct sx_env){0}, &value, cut, sizeof(cut)));
        assert_int_equal(strlen(cut), sizeof(cut) - 1);
        parsed_free(&parsed);
    }
}

/* ---- data ---- */

static const struct {
    const char *data;
    const char *bytes; /* NULL: `error` */
    size_t size;
    const char *error;
} data_rows[] = {
    {"", "", 0, NULL},
    {"\"\"", "", 0, NULL},
    {"\"a\\0b\\xff\\n\"", "a\0b\xff\n", 5, NULL},
    {"hex:00ff7E", "\0\xff~", 3, NULL},
    {"hex:", "", 0, NULL},
    {"$t", "text", 4, NULL},
    {"bytes(0)", "", 0, NULL},
    {"bytes(4)", "\0\1\2\3", 4, NULL},
    {"bytes(3, 249)", "\xf9\xfa\0", 3, NULL},
    {"bytes(2, 251*1000+1)", "\1\2", 2, NULL},
    {"bytes($n-5, 9223372036854775807)", "\x9f\xa0", 2, NULL},
    {"bytes($n-8)", NULL, 0, "bytes(-1): the size must be 0..16777216"},
    {"bytes($n, 6-$n)", NULL, 0, "bytes(7, -1): the start must not be negative"},
    {"bytes($max_window_size)", NULL, 0, "variable $max_window_size is not bound"},
    {"bytes(1, $max_window_size)", NULL, 0, "variable $max_window_size is not bound"},
};

static void test_script_data_when_written_out_then_these_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(data_rows) / sizeof(data_rows[0]); i++) {
        char line[128], error[128] = "";
        uint8_t *bytes = NULL;
        size_t size = 0, same = 0;
        snprintf(line, sizeof(line), "-> data 0:0 %s", data_rows[i].data);
        struct parsed parsed = parse_line(line);
        const struct sx_data *data = &step_under_test(&parsed)->pdu.data;
        bool ok = sx_data_materialise(data, &env, &bytes, &size, error, sizeof(error));
        assert_string_equal(error, ok ? "" : data_rows[i].error);
        assert_int_equal(ok, data_rows[i].bytes != NULL);
        if (ok) {
            assert_int_equal(size, data_rows[i].size);
            assert_memory_equal(bytes, data_rows[i].bytes, size);
            assert_true(sx_data_size(data, &env, &same, error, sizeof(error)));
            assert_int_equal(same, size);
        }
        free(bytes);
        parsed_free(&parsed);
    }
}

static void test_script_data_when_any_then_it_has_no_bytes(void **state)
{
    char error[128];
    uint8_t *bytes;
    size_t size;
    struct parsed parsed = parse_line("<- data 0:0 *");
    (void)state;
    assert_false(sx_data_materialise(&step_under_test(&parsed)->pdu.data, &env, &bytes, &size,
                                     error, sizeof(error)));
    assert_string_equal(error, "* stands for any data: it has no bytes");
    parsed_free(&parsed);
}

/* ---- times ---- */

static const struct {
    const char *time;
    uint64_t ns;
    const char *error;
} time_rows[] = {
    {"1T", 1000, NULL},
    {"1.5T", 1500, NULL},
    {"0.001T", 1, NULL},
    {"2*linger - 0.25T", 19750, NULL},
    {"1*open_timeout+1*linger", 10007, NULL},
    {"1*linger - 11T", 0, "the time is negative (-1000 ns)"},
    {"1000000*idle_timeout", 0, "the time is too long"},
};

static void test_script_time_when_units_have_lengths_then_nanoseconds(void **state)
{
    uint64_t units[SX_TIME_UNIT_COUNT] = {0};
    (void)state;
    units[SX_ACK_TIMEOUT] = 1000;
    units[SX_OPEN_TIMEOUT] = 7;
    units[SX_IDLE_TIMEOUT] = UINT64_C(1) << 60;
    units[SX_LINGER] = 10000;
    for (size_t i = 0; i < sizeof(time_rows) / sizeof(time_rows[0]); i++) {
        char line[128], error[128] = "";
        uint64_t ns = 0;
        snprintf(line, sizeof(line), "wait %s", time_rows[i].time);
        struct parsed parsed = parse_line(line);
        bool ok = sx_time_eval(&step_under_test(&parsed)->time, units, &ns, error, sizeof(error));
        assert_int_equal(ok, time_rows[i].error == NULL);
        assert_string_equal(error, ok ? "" : time_rows[i].error);
        assert_int_equal(ns, time_rows[i].ns);
        parsed_free(&parsed);
    }
}

/* ---- cases ---- */

#define CASES_HEAD "sx 1\nid frame\nrules WID-3\nrole sender\n"

static void test_script_cases_when_parameters_multiply_then_the_last_changes_fastest(void **state)
{
    static const char *const names[] = {"frame[a=1,b=x y,c=-1]",       "frame[a=1,b=x y,c=0]",
                                        "frame[a=1,b=\\x01\\\",c=-1]", "frame[a=1,b=\\x01\\\",c=0]",
                                        "frame[a=1,b=,c=-1]",          "frame[a=1,b=,c=0]",
                                        "frame[a=1000000,b=x y,c=-1]"};
    struct parsed parsed =
        parse_text(CASES_HEAD "param a in 1, 1E6\nparam b in \"x y\", hex:0122, \"\"\n"
                              "param c in -1, 0\ntest\n-> data $a:$c $b\n"
                              "quiet 1T\n");
    char name[64], cut[10];
    (void)state;
    assert_non_null(parsed.script);
    assert_int_equal(parsed.script->case_count, 12);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sx_case_name(parsed.script, i, name, sizeof(name));
        assert_string_equal(name, names[i]);
    }
    assert_int_equal(sx_case_value(parsed.script, 11, 0)->number, 1000000);
    assert_int_equal(sx_case_value(parsed.script, 11, 1)->bytes.size, 0);
    assert_int_equal(sx_case_value(parsed.script, 11, 2)->number, 0);
    assert_int_equal(sx_case_value(parsed.script, 6, 0)->number, 1000000);
    sx_case_name(parsed.script, 0, cut, sizeof(cut));
    assert_string_equal(cut, "frame[a=1");
    parsed_free(&parsed);
}

static void test_script_cases_when_no_parameters_then_one_case_named_as_the_script(void **state)
{
    char name[64];
    struct parsed parsed = parse_text(CASES_HEAD "test\nquiet 1T\n");
    (void)state;
    assert_int_equal(parsed.script->case_count, 1);
    sx_case_name(parsed.script, 0, name, sizeof(name));
    assert_string_equal(name, "frame");
    parsed_free(&parsed);
}

/* ---- the tree ---- */

static void test_script_tree_when_parsed_then_fields_hold_what_the_line_says(void **state)
{
    struct parsed parsed = parse_line(
        "<- data $w:0 {skip? error_code=$n max_window_size=\"x\" last_in_window=false} * "
        "#d after 1.5T [WID-7 RCV-9]");
    const struct sx_step *step = step_under_test(&parsed);
    const struct sx_option *options = step->pdu.options;
    (void)state;
    assert_int_equal(step->kind, SX_EXPECT);
    assert_int_equal(step->line, TEST_LINE);
    assert_int_equal(step->pdu.opcode->value, SIPC_DATA);
    assert_int_equal(step->pdu.window_id.kind, SX_FIELD_BIND);
    assert_string_equal(step->pdu.window_id.name, "w");
    assert_int_equal(step->pdu.seq_nr.kind, SX_FIELD_EXPR);
    assert_int_equal(step->pdu.option_count, 4);
    assert_true(options[0].optional && options[0].id == SIPC_OPT_SKIP);
    assert_int_equal(options[0].value.kind, SX_FIELD_ABSENT);
    assert_int_equal(options[1].value.kind, SX_FIELD_BIND);
    assert_true(options[2].text && options[2].data.literal.size == 1);
    assert_int_equal(options[3].value.expr->value, 0);
    assert_false(step->pdu.options_open);
    assert_int_equal(step->pdu.data.kind, SX_DATA_ANY);
    assert_string_equal(step->pdu.label, "d");
    assert_int_equal(step->after.terms[0].thousandths, 1500);
    assert_int_equal(step->rule_count, 2);
    assert_int_equal(step->rules[0], SIPC_RULE_WID_7);
    parsed_free(&parsed);
}

static void test_script_words_when_the_codec_names_them_then_they_are_the_same(void **state)
{
    char line[128];
    (void)state;
    for (uint32_t id = 1; id < SIPC_OPT_LONG_ATTRIBUTE; id <<= 1) {
        snprintf(line, sizeof(line), "<- data 0:0 {%s?}", sipc_option_spec_name(id));
        struct parsed parsed = parse_line(line);
        assert_int_equal(step_under_test(&parsed)->pdu.options[0].id, id);
        parsed_free(&parsed);
    }
    for (int opcode = SIPC_DATA; opcode <= SIPC_ENQUIRE_LINK_ACK; opcode++) {
        snprintf(line, sizeof(line), "-> %s 0:0", sipc_opcode_name(opcode));
        struct parsed parsed = parse_line(line);
        assert_int_equal(step_under_test(&parsed)->pdu.opcode->value, opcode);
        parsed_free(&parsed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_eval_when_given_names_then_value_or_reason),
        cmocka_unit_test(test_script_eval_when_nothing_is_known_then_it_says_what_lacks),
        cmocka_unit_test(test_script_data_when_written_out_then_these_bytes),
        cmocka_unit_test(test_script_data_when_any_then_it_has_no_bytes),
        cmocka_unit_test(test_script_time_when_units_have_lengths_then_nanoseconds),
        cmocka_unit_test(test_script_cases_when_parameters_multiply_then_the_last_changes_fastest),
        cmocka_unit_test(test_script_cases_when_no_parameters_then_one_case_named_as_the_script),
        cmocka_unit_test(test_script_tree_when_parsed_then_fields_hold_what_the_line_says),
        cmocka_unit_test(test_script_words_when_the_codec_names_them_then_they_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
