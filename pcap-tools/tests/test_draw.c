/* Text for XML, and the parts of ladder diagrams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcapt/ladder.h"
#include "pcapt/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static FILE *draw_out;
static char *draw_text;
static size_t draw_size;

static FILE *draw_open(void)
{
    draw_out = open_memstream(&draw_text, &draw_size);
    assert_non_null(draw_out);
    return draw_out;
}

/* What was written since draw_open; lives until the next test frees it. */
static void draw_expect(const char *expected)
{
    assert_int_equal(fclose(draw_out), 0);
    assert_string_equal(draw_text, expected);
    free(draw_text);
}

static void test_utf8_size_of_characters_and_of_none(void **state)
{
    static const struct {
        const char *name, *text;
        size_t size, expected;
    } rows[] = {
        {"ASCII", "a", 1, 1},
        {"NUL", "\0", 1, 1},
        {"two bytes", "\xc3\xbc", 2, 2},
        {"three bytes", "\xe2\x82\xac", 3, 3},
        {"four bytes", "\xf0\x9f\x98\x80", 4, 4},
        {"last of all", "\xf4\x8f\xbf\xbf", 4, 4},
        {"beyond the last", "\xf4\x90\x80\x80", 4, 0},
        {"cut", "\xe2\x82\xac", 2, 0},
        {"surrogate", "\xed\xa0\x80", 3, 0},
        {"overlong of two", "\xc1\xbf", 2, 0},
        {"overlong of three", "\xe0\x9f\xbf", 3, 0},
        {"continuation alone", "\xbf", 1, 0},
        {"ASCII behind a lead",
         "\xc3"
         "a",
         2, 0},
        {"five bytes", "\xf8\x88\x80\x80\x80", 5, 0},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (pcapt_utf8_size((const unsigned char *)rows[i].text, rows[i].size) != rows[i].expected)
            fail_msg("%s", rows[i].name);
}

static void test_xml_format_escapes_strings_alone(void **state)
{
    FILE *out = draw_open();
    (void)state;

    pcapt_xml(out, "<a b=\"%s\">%d %u %zu %F %%</a>", "<\"&'\x01\xff\n", -1, 2u, (size_t)3,
              UINT64_C(1234999999));
    draw_expect("<a b=\"&lt;&quot;&amp;&#39;\xef\xbf\xbd\xef\xbf\xbd\n\">-1 2 3 1.234 %</a>");
}

static void test_text_that_does_not_fit_is_cut_with_a_tooltip(void **state)
{
    static const struct {
        const char *text, *expected;
        int pixels; /* a character takes 7.4 */
    } rows[] = {
        {"abcd", "<text x=\"1\" y=\"2\" text-anchor=\"end\">abcd</text>", 0},
        {"abcd", "<text x=\"1\" y=\"2\" text-anchor=\"end\">abcd</text>", 30},
        {"abcd",
         "<text x=\"1\" y=\"2\" text-anchor=\"end\">ab\xe2\x80\xa6<title>abcd</title></text>", 29},
        {"\xc3\xbc\xc3\xbc\xc3\xbc",
         "<text x=\"1\" y=\"2\" text-anchor=\"end\">\xc3\xbc\xe2\x80\xa6"
         "<title>\xc3\xbc\xc3\xbc\xc3\xbc</title></text>",
         15},
        {"abcd", "<text x=\"1\" y=\"2\" text-anchor=\"end\">\xe2\x80\xa6<title>abcd</title></text>",
         1},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        FILE *out = draw_open();
        pcapt_ladder_text(
            out, &(struct pcapt_ladder_text){1, 2, rows[i].pixels, "end", NULL, rows[i].text});
        draw_expect(rows[i].expected);
    }
}

/* The head is turned the way the line goes: the matrix has its direction, of length 1. */
static void test_arrow_heads_follow_their_lines(void **state)
{
    static const struct {
        int x1, y1, x2, y2;
        const char *expected;
    } rows[] = {
        {0, 5, 10, 5, "(1.000 0.000 0.000 1.000 10 5)"},
        {10, 5, 0, 5, "(-1.000 0.000 0.000 -1.000 0 5)"},
        {0, 0, 300, 400, "(0.600 0.800 -0.800 0.600 300 400)"},
        {300, 0, 0, 400, "(-0.600 0.800 -0.800 -0.600 0 400)"},
        {7, 7, 7, 7, NULL},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char expected[256], head[128] = "";
        FILE *out = draw_open();
        pcapt_ladder_arrow(out, rows[i].x1, rows[i].y1, rows[i].x2, rows[i].y2, "copy", true);
        if (rows[i].expected != NULL)
            snprintf(head, sizeof head,
                     "<path transform=\"matrix%s\" class=\"head copy\" d=\"M0 0l-9 -4v8z\"/>",
                     rows[i].expected);
        snprintf(expected, sizeof expected, "<path class=\"line copy\" d=\"M%d %dL%d %d\"/>%s",
                 rows[i].x1, rows[i].y1, rows[i].x2, rows[i].y2, head);
        draw_expect(expected);
    }
}

static void test_diagram_alone_brings_its_style(void **state)
{
    (void)state;

    for (int alone = 0; alone < 2; alone++) {
        FILE *out = draw_open();
        pcapt_ladder_begin(out, 10, 20, "a<b", alone);
        pcapt_ladder_end(out);
        fclose(out);
        assert_int_equal(strstr(draw_text, "<style>") != NULL, alone);
        assert_int_equal(strstr(draw_text, "xmlns=") != NULL, alone);
        assert_non_null(strstr(draw_text, "<title>a&lt;b</title>"));
        free(draw_text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_size_of_characters_and_of_none),
        cmocka_unit_test(test_xml_format_escapes_strings_alone),
        cmocka_unit_test(test_text_that_does_not_fit_is_cut_with_a_tooltip),
        cmocka_unit_test(test_arrow_heads_follow_their_lines),
        cmocka_unit_test(test_diagram_alone_brings_its_style),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
