/* Limits: each at its last good value and one beyond; and the hostile texts that want the stack,
 * the memory or the time of the parser. SPDX-License-Identifier: MIT */
#include "script_test.h"

/* A text put together from pieces. */
struct builder {
    char *text;
    size_t size;
    FILE *out;
};

static FILE *build(struct builder *builder, const char *start)
{
    builder->out = open_memstream(&builder->text, &builder->size);
    assert_non_null(builder->out);
    fputs(start, builder->out);
    return builder->out;
}

static void repeat(FILE *out, const char *piece, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(piece, out);
    }
}

/* Parses what was built and expects it good, or bad with an error that contains `error`. */
static void expect(struct builder *builder, const char *error)
{
    fclose(builder->out);
    struct parsed parsed = parse_bytes("frame.sx", builder->text, builder->size);
    if (error == NULL && parsed.script == NULL) {
        fail_msg("%s", parsed.errors);
    }
    if (error != NULL && (parsed.script != NULL || strstr(parsed.errors, error) == NULL)) {
        fail_msg("expected '%s', found '%s'", error,
                 parsed.script != NULL ? "no error" : parsed.errors);
    }
    if (parsed.script != NULL) {
        assert_prints_the_same(parsed.script);
    }
    parsed_free(&parsed);
    free(builder->text);
}

#define HEAD "sx 1\nid frame\nrules WID-3\nrole sender\n"

static void limit_script_bytes(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "test\nquiet 1T\n");
    fflush(out);
    repeat(out, "\n", SX_SCRIPT_BYTES_MAX + beyond - b.size);
    expect(&b, error);
}

static void limit_line_bytes(size_t beyond, const char *error)
{
    static const char start[] = "-> data 0:0 \"", end[] = "\"\nquiet 1T\n";
    struct builder b;
    FILE *out = build(&b, HEAD "test\n");
    fputs(start, out);
    repeat(out, "x", SX_LINE_BYTES_MAX + beyond - strlen(start) - 1);
    fputs(end, out);
    expect(&b, error);
}

static void limit_steps(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "test\n");
    repeat(out, "wait 1T\n", SX_STEPS_MAX + beyond - 1);
    fputs("quiet 1T\n", out);
    expect(&b, error);
}

static void limit_cases(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "param a in 0");
    for (size_t i = 1; i < SX_CASES_MAX / 2; i++) {
        fprintf(out, ",%zu", i);
    }
    fputs("\nparam b in 0, 1", out);
    fprintf(out, "%s\ntest\n-> data $a:$b\nquiet 1T\n", beyond > 0 ? ", 2" : "");
    expect(&b, error);
}

static void limit_values(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "param a in x0");
    for (size_t i = 1; i < SX_CASES_MAX / 2 + beyond; i++) {
        fprintf(out, ",x%zx", i);
    }
    fputs("\nparam b in 0, 1\ntest\n-> data $b:0 $a\nquiet 1T\n", out);
    expect(&b, error);
}

static void limit_combinations(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "param a in 0");
    for (size_t i = 1; i < SX_COMBINATIONS_MAX / 100 + beyond; i++) {
        fprintf(out, ",%zu", i);
    }
    fputs("\nparam b in 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\nparam c in 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n"
          "cover 2\ntest\n-> data $a:$b\n-> data $c:0\nquiet 1T\n",
          out);
    expect(&b, error);
}

static void limit_chosen(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "param a in 0");
    for (size_t i = 1; i < 32 + beyond; i++) {
        fprintf(out, ",%zu", i);
    }
    fputs("\nparam b in 0", out);
    for (size_t i = 1; i < SX_CASES_MAX / 32; i++) {
        fprintf(out, ",%zu", i);
    }
    fputs("\nparam c in 0, 1\nwhere ($a+$b)%2 == $c\ntest\n-> data $a:$b\n-> data $c:0\nquiet 1T\n",
          out);
    expect(&b, error);
}

static void limit_variables(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "param p in 1\ntest\n");
    for (size_t i = 1; i < SX_VARIABLES_MAX + beyond; i++) {
        fprintf(out, "let v%zu = $p\ncheck $v%zu == 1\n", i, i);
    }
    fputs("quiet 1T\n", out);
    expect(&b, error);
}

static void limit_depth(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "test\n");
    repeat(out, "repeat 2 {\n", SX_BLOCK_DEPTH_MAX + beyond);
    fputs("-> data $i:0\n", out);
    repeat(out, "}\n", SX_BLOCK_DEPTH_MAX + beyond);
    fputs("quiet 1T\n", out);
    expect(&b, error);
}

static void limit_expression(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "test\n-> data 1");
    repeat(out, "-1", SX_EXPR_PARTS_MAX / 2 - 1); /* two parts each */
    fputs(beyond == 0 ? ":0" : "-1:0", out);
    fputs("\nquiet 1T\n", out);
    expect(&b, error);
}

static void limit_parentheses(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "test\n-> data ");
    repeat(out, "(", SX_EXPR_PARTS_MAX - 1 + beyond);
    fputs("1", out);
    repeat(out, ")", SX_EXPR_PARTS_MAX - 1 + beyond);
    fputs(":0\nquiet 1T\n", out);
    expect(&b, error);
}

static void limit_errors(size_t beyond, const char *error)
{
    struct builder b;
    FILE *out = build(&b, HEAD "test\n");
    repeat(out, "quite 1T\n", SX_ERRORS_MAX - 1 + beyond);
    fputs("-> dat 0:0\n", out);
    expect(&b, error != NULL ? error : "error: unknown opcode 'dat'");
}

static const struct {
    const char *name;
    void (*run)(size_t beyond, const char *error);
    const char *error;
} limits[] = {
    {"script", limit_script_bytes, "frame.sx:1:1: error: a script has at most 1048576 bytes"},
    {"line", limit_line_bytes, ":6:4096: error: a line has at most 4096 bytes, this has 4097"},
    {"steps", limit_steps, "a script has at most 20000 steps"},
    {"cases", limit_cases, ":6:7: error: 1536 cases: a script has at most 1024"},
    {"values", limit_values, ":6:7: error: 1026 cases: a script has at most 1024"},
    {"combinations", limit_combinations,
     ":8:7: error: 10100 combinations: a script has at most 10000"},
    {"chosen", limit_chosen, ":8:7: error: 1056 cases: a script has at most 1024"},
    {"variables", limit_variables, "more than 64 variables"},
    {"depth", limit_depth, ":14:1: error: blocks are at most 8 deep"},
    {"expression", limit_expression, "an expression has at most 64 parts"},
    {"parentheses", limit_parentheses, "an expression has at most 64 parts"},
    {"errors", limit_errors, "frame.sx: 20 errors, the rest is not looked at"},
};

static void test_script_limit_when_reached_then_good_and_when_passed_then_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        limits[i].run(0, NULL);
        limits[i].run(1, limits[i].error);
    }
}

static void test_script_limit_when_errors_are_too_many_then_they_are_not_counted_on(void **state)
{
    struct builder b;
    FILE *out = build(&b, HEAD "test\n");
    (void)state;
    repeat(out, "quite 1T\n", 10000);
    fclose(out);
    struct parsed parsed = parse_bytes("frame.sx", b.text, b.size);
    assert_int_equal(parsed.error_count, SX_ERRORS_MAX);
    assert_true(strlen(parsed.errors) < 4096);
    parsed_free(&parsed);
    free(b.text);
}

/* ---- hostile texts: any answer, but soon and within bounds ---- */

static const struct {
    const char *before, *piece, *error;
} floods[] = {
    {"", "\n", "the header has no 'sx'"},
    {"", "#\n", "the header has no 'sx'"},
    {HEAD "test\n", "any {\n", "blocks are at most 8 deep"},
    {HEAD "test\n", "one_of {\n<- data 0:0 #a\nor\n", "blocks are at most 8 deep"},
    {HEAD "test\n", "}\n", "20 errors"},
    {HEAD "test\n", "repeat 100000 {\nwait 1T\n}\n", "at most 20000 steps"},
    {HEAD "test\none_of {\n<- data 0:0 #a\n", "or\n<- data 0:0 #a\n", "at most 20000 steps"},
    {HEAD "test\nany {\n", "<- data $w:0\n", "at most 20000 steps"},
    {HEAD "test\n-> data 0:0 {\"\"=\"", "x", "a line has at most 4096 bytes"},
    {HEAD "test\n-> data ", "(", "a line has at most 4096 bytes"},
    {HEAD "needs ", "send ", "a line has at most 4096 bytes"},
    {HEAD, "needs send\n", "the script has no 'test'"},
    {HEAD, "set mtu = 1\n", "20 errors"},
    {HEAD "test\n", "-> data 0:0 {skip skip skip skip skip skip skip skip skip skip skip}\n",
     "the last step must be 'quiet'"},
    {HEAD "test\n<- data 0:0 #a\n", "-> #a\n", "at most 20000 steps"},
};

static void test_script_flood_when_it_fills_the_limit_then_it_is_told_soon(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        struct builder b;
        FILE *out = build(&b, floods[i].before);
        size_t count = (SX_SCRIPT_BYTES_MAX - 4096) / strlen(floods[i].piece);
        repeat(out, floods[i].piece, count);
        expect(&b, floods[i].error);
    }
}

static void test_script_flood_when_one_line_nests_then_the_parser_keeps_its_stack(void **state)
{
    static const char *const pieces[] = {"(", "-", "size(bytes(", "1+(", "--1*"};
    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct builder b;
        FILE *out = build(&b, HEAD "test\n-> data ");
        repeat(out, pieces[i], 4000 / strlen(pieces[i]));
        expect(&b, "an expression has at most 64 parts");
    }
}

static void test_script_when_it_is_no_text_then_the_place_is_told(void **state)
{
    static const char bytes[] = "sx 1\nid \0frame\n";
    struct parsed parsed = parse_bytes("frame.sx", bytes, sizeof(bytes) - 1);
    (void)state;
    assert_string_equal(parsed.errors,
                        "frame.sx:2:4: error: a zero byte: this is no text\n  id \n     ^\n");
    parsed_free(&parsed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_limit_when_reached_then_good_and_when_passed_then_told),
        cmocka_unit_test(test_script_limit_when_errors_are_too_many_then_they_are_not_counted_on),
        cmocka_unit_test(test_script_flood_when_it_fills_the_limit_then_it_is_told_soon),
        cmocka_unit_test(test_script_flood_when_one_line_nests_then_the_parser_keeps_its_stack),
        cmocka_unit_test(test_script_when_it_is_no_text_then_the_place_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
