/* Reports: what was read back from JSON lines gives the same bytes as what has just been run; the
 * counts in every report are those of the lines; nothing hostile gets through as markup. */
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../src/internal.h"
#include "sample.h"

typedef void test_writer(const struct conform_report *report, FILE *out);

static void test_write_text(const struct conform_report *report, FILE *out)
{
    conform_report_print_table(report, out, false);
    conform_report_print_notes(report, out, false);
}

static void test_write_colour(const struct conform_report *report, FILE *out)
{
    conform_report_print_table(report, out, true);
    conform_report_print_notes(report, out, true);
}

static const struct {
    const char *name;
    test_writer *write;
} test_writers[] = {{"JUnit", conform_report_write_junit},
                    {"TAP", conform_report_write_tap},
                    {"HTML", conform_report_write_html},
                    {"claim", conform_report_print_claim},
                    {"text", test_write_text},
                    {"colour", test_write_colour}};

static char *test_output(const struct conform_report *report, test_writer *write)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(report, out);
    fclose(out);
    assert_int_equal(strlen(text), size); /* no NUL byte in any report */
    return text;
}

static size_t test_count(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* A file with this text; unlink and free it. */
static char *test_file(const char *text, size_t size)
{
    char *path = strdup("/tmp/sipc-report-XXXXXX");
    assert_non_null(path);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    close(fd);
    return path;
}

/* The sample's JSON lines; free them. */
static char *test_lines(struct conform_report *report, const char *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    sample_report(report, stream, error);
    fclose(stream);
    return text;
}

static void test_reports_when_read_back_then_the_same_bytes(void **state)
{
    (void)state;
    struct conform_report live, read;
    struct conform_error error;
    char *lines = test_lines(&live, "stopped");
    char *path = test_file(lines, strlen(lines));
    if (!conform_report_read(&read, path, &error))
        fail_msg("%s", error.text);
    assert_int_equal(read.case_count, SAMPLE_CASES);
    for (size_t i = 0; i < sizeof test_writers / sizeof *test_writers; i++) {
        char *a = test_output(&live, test_writers[i].write);
        char *b = test_output(&read, test_writers[i].write);
        if (strcmp(a, b) != 0)
            fail_msg("%s differs", test_writers[i].name);
        free(a);
        free(b);
    }
    conform_report_clear(&live);
    conform_report_clear(&read);
    unlink(path);
    free(path);
    free(lines);
}

static void test_counts_are_those_of_the_cases(void **state)
{
    (void)state;
    struct conform_report report;
    sample_report(&report, NULL, NULL);
    const struct conform_report_counts counts = conform_report_count(&report, NULL);
    assert_int_equal(counts.cases, SAMPLE_CASES);
    assert_int_equal(counts.decided, 7);
    assert_int_equal(counts.failures, 3); /* fail, crash, hang; the known one is none */
    assert_int_equal(counts.known_failures, 1);
    assert_int_equal(counts.unexpected_passes, 1);
    size_t sum = 0;
    for (int v = 0; v < CONFORM_VERDICT_COUNT; v++)
        sum += counts.verdicts[v];
    assert_int_equal(sum, SAMPLE_CASES);
    const size_t wid = conform_report_count(&report, "WID").cases;
    const size_t ack = conform_report_count(&report, "ACK").cases;
    assert_int_equal(wid, 3);
    assert_int_equal(ack, 3);
    assert_int_equal(report__number(report.summary, "not_run"), SAMPLE_SELECTED - SAMPLE_CASES);
    conform_report_clear(&report);
}

static void test_rule_status_follows_from_its_cases(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        enum conform_rule_status status;
    } rows[] = {
        {"WID-1", CONFORM_RULE_BROKEN},  /* one case passes, one fails over it */
        {"ACK-1", CONFORM_RULE_KEPT},    /* the failing case blames another rule */
        {"ACK-1a", CONFORM_RULE_BROKEN}, /* advisory: not followed */
        {"ACK-2", CONFORM_RULE_BROKEN},  /* a known failure breaks it all the same */
        {"SND-5", CONFORM_RULE_UNSUPPORTED},  {"RCV-1", CONFORM_RULE_INCONCLUSIVE},
        {"RCV-2", CONFORM_RULE_BROKEN},       /* hang */
        {"RCV-3", CONFORM_RULE_INCONCLUSIVE}, /* an error of ours decides nothing */
        {"WID-3", CONFORM_RULE_NOT_RUN},      {"WID-4", CONFORM_RULE_NO_CASE},
    };
    struct conform_report report;
    sample_report(&report, NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct conform_report_rule *rule = conform_report_find_rule(&report, rows[i].id);
        assert_non_null(rule);
        if (conform_report_rule_status(&report, rule) != rows[i].status)
            fail_msg(
                "%s is %s", rows[i].id,
                conform_rule_status_name(conform_report_rule_status(&report, rule), rule->level));
    }
    assert_null(conform_report_find_rule(&report, "WID-99"));
    conform_report_clear(&report);
}

static void test_claim_names_all_denominators(void **state)
{
    (void)state;
    struct conform_report report;
    sample_report(&report, NULL, NULL);
    char *claim = test_output(&report, conform_report_print_claim);
    size_t must = 0, advisory = 0;
    for (size_t i = 0; i < report.rule_count; i++)
        *(report.rules[i].level == SIPC_MUST ? &must : &advisory) += 1;
    char want[256];
    snprintf(want, sizeof want,
             "MUST rules: 5 of %zu decided, 1 kept, 4 broken; undecided: "
             "1 unsupported, 2 inconclusive, 1 not run, %zu no case. ",
             must, must - 9);
    assert_ptr_equal(strstr(claim, want), claim);
    snprintf(want, sizeof want, "Advisory rules: 1 of %zu decided, 0 kept, 1 not followed",
             advisory);
    assert_non_null(strstr(claim, want));
    assert_non_null(strstr(claim, "Cases: 10 of 12 run: 2 pass, 1 advisory, 2 fail, "));
    assert_non_null(strstr(claim, "Suite xxh3:0123456789abcdef."));
    assert_null(strchr(claim, '\n'));
    free(claim);
    conform_report_clear(&report);
}

static void test_small_worlds_are_told_in_every_report(void **state)
{
    (void)state;
    struct conform_report report;
    sample_report(&report, NULL, NULL);
    assert_int_equal(conform_report_count(&report, NULL).small_worlds, 1);
    for (size_t i = 0; i < sizeof test_writers / sizeof *test_writers; i++) {
        const bool claims = test_writers[i].write == conform_report_print_claim;
        char *text = test_output(&report, test_writers[i].write);
        if (strstr(text, claims ? "; 1 of them with settings that are NOT THE PROTOCOL'S"
                                : SAMPLE_SMALL_WORLD) == NULL)
            fail_msg("%s is silent", test_writers[i].name);
        free(text);
    }
    json_t *summary = conform_report_summary(&report);
    assert_int_equal(report__number(summary, "small_worlds"), 1);
    json_decref(summary);
    conform_report_clear(&report);
}

static void test_junit_counts_are_its_elements(void **state)
{
    (void)state;
    static const char *const errors[] = {NULL, "the run stopped early"};
    for (size_t i = 0; i < 2; i++) {
        struct conform_report report;
        sample_report(&report, NULL, errors[i]);
        char *xml = test_output(&report, conform_report_write_junit);
        /* Four red cases of ours and the entry of the known-failures file that names none. */
        assert_int_equal(test_count(xml, "<testcase "), SAMPLE_CASES + 1 + i);
        assert_int_equal(test_count(xml, "<failure "), 5);
        assert_int_equal(test_count(xml, "<error "), 1 + i);
        assert_int_equal(test_count(xml, "<skipped "), 3);
        char head[128];
        snprintf(head, sizeof head, "tests=\"%zu\" failures=\"5\" errors=\"%zu\" skipped=\"3\"",
                 SAMPLE_CASES + 1 + i, 1 + i);
        assert_non_null(strstr(xml, head));
        assert_non_null(strstr(xml, "name=\"WID-1-accepts[d=0]\" classname=\"WID\""));
        free(xml);
        conform_report_clear(&report);
    }
}

static void test_hostile_text_never_is_markup_or_a_terminal_command(void **state)
{
    (void)state;
    struct conform_report report;
    sample_report(&report, NULL, SAMPLE_HOSTILE);
    for (size_t i = 0; i < sizeof test_writers / sizeof *test_writers; i++) {
        char *text = test_output(&report, test_writers[i].write);
        for (const char *c = text; *c != '\0'; c++) {
            const bool ours = test_writers[i].write == test_write_colour && *c == '\033' &&
                              strspn(c + 1, "[") == 1;
            if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t' && !ours)
                fail_msg("%s holds control character %d", test_writers[i].name, *c);
        }
        assert_null(strstr(text, "\xc2\x9b"));
        assert_null(strstr(text, "\xff"));
        if (test_writers[i].write == conform_report_write_html ||
            test_writers[i].write == conform_report_write_junit)
            assert_null(strstr(text, "<script>alert"));
        if (test_writers[i].write == test_write_colour)
            assert_null(strstr(text, "\033[31m \\x01"));
        free(text);
    }
    conform_report_clear(&report);
}

static void test_escape_by_kind(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        enum report_escape how;
        const char *escaped;
    } rows[] = {
        {"markup", "<a b=\"c\" d='e'>&", REPORT_XML,
         "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;"},
        {"tab and newline in XML", "a\tb\nc", REPORT_XML, "a\tb\nc"},
        {"carriage return in XML", "a\rb", REPORT_XML,
         "a\xef\xbf\xbd"
         "b"},
        {"U+FFFF in XML", "\xef\xbf\xbf", REPORT_XML, "\xef\xbf\xbd"},
        {"surrogate", "\xed\xa0\x80", REPORT_XML, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"overlong", "\xc0\xaf", REPORT_XML, "\xef\xbf\xbd\xef\xbf\xbd"},
        {"overlong of three", "\xe0\x80\xaf", REPORT_XML, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"beyond U+10FFFF", "\xf4\x90\x80\x80", REPORT_XML,
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"cut short", "a\xe2\x82", REPORT_XML, "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"all lengths", "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", REPORT_XML,
         "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"terminal command", "\x1b[2J\x7f", REPORT_TEXT, "\\x1b[2J\\x7f"},
        {"terminal command in C1",
         "\xc2\x9b"
         "2J",
         REPORT_TEXT,
         "\xef\xbf\xbd"
         "2J"},
        {"newline in text", "a\nb", REPORT_TEXT, "a\nb"},
        {"newline on a line", "a\nb\tc", REPORT_LINE, "a\\nb c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *out = NULL;
        size_t size = 0;
        FILE *memory = open_memstream(&out, &size);
        assert_non_null(memory);
        report__escape(rows[i].text, rows[i].how, memory);
        fclose(memory);
        if (strcmp(out, rows[i].escaped) != 0)
            fail_msg("%s: got %s", rows[i].name, out);
        free(out);
    }
}

static void test_string_when_not_utf8_then_replaced(void **state)
{
    (void)state;
    json_t *string = report__string_of("a\0b\xff\xc3\xbc", 6);
    assert_string_equal(json_string_value(string), "a\xef\xbf\xbd"
                                                   "b\xef\xbf\xbd\xc3\xbc");
    json_decref(string);
    assert_null(report__string(NULL));
}

static void test_read_when_lines_are_wrong_then_told(void **state)
{
    (void)state;
    struct conform_report report;
    char *lines = test_lines(&report, NULL);
    conform_report_clear(&report);
    static const struct {
        const char *name, *find, *replace, *error;
    } rows[] = {
        {"other format", "\"format\":1", "\"format\":2", ":1: format 2; this program reads"},
        {"a count that does not add up", "\"failures\":3", "\"failures\":2",
         ":12: the summary says failures 2, the lines give 3"},
        {"unknown verdict", "\"verdict\":\"hang\"", "\"verdict\":\"hung\"",
         ":10: verdict 'hung' is unknown"},
        {"missing member", "\"replay\":", "\"reply\":", ":2: no member 'replay'"},
        {"wrong type", "\"attempts\":1", "\"attempts\":\"1\"",
         ":2: 'attempts' is a string, expected an integer"},
        {"wrong direction", "\"direction\":\"!\"", "\"direction\":\"?\"",
         ":2: trace[0]: direction '?'"},
        {"not JSON", "{\"type\":\"case\"", "{type", ":2: not JSON: "},
        {"not an object", "{\"type\":\"run\"", "1 {\"type\":\"run\"", ":1: not JSON: "},
        {"no first line", "{\"type\":\"run\"", "{\"type\":\"case\"",
         ":1: expected the line about the run, found type 'case'"},
        {"unknown type", "{\"type\":\"case\"", "{\"type\":\"cast\"",
         ":2: expected a case or the summary, found type 'cast'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(lines, rows[i].find);
        if (at == NULL)
            fail_msg("%s: the sample has no %s", rows[i].name, rows[i].find);
        char *broken;
        assert_true(asprintf(&broken, "%.*s%s%s", (int)(at - lines), lines, rows[i].replace,
                             at + strlen(rows[i].find)) > 0);
        char *path = test_file(broken, strlen(broken));
        struct conform_error error = {""};
        if (conform_report_read(&report, path, &error))
            fail_msg("%s: was taken", rows[i].name);
        if (strncmp(error.text, path, strlen(path)) != 0 ||
            strncmp(error.text + strlen(path), rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("%s: %s", rows[i].name, error.text);
        unlink(path);
        free(path);
        free(broken);
    }
    free(lines);
}

static void test_read_when_cut_at_any_byte_then_told_or_a_shorter_run(void **state)
{
    (void)state;
    struct conform_report report;
    char *lines = test_lines(&report, NULL);
    conform_report_clear(&report);
    const size_t size = strlen(lines);
    size_t taken = 0;
    for (size_t cut = 0; cut < size; cut += 97) {
        char *path = test_file(lines, cut);
        struct conform_error error;
        if (conform_report_read(&report, path, &error)) {
            assert_null(report.summary);
            assert_true(report.case_count <= SAMPLE_CASES);
            char *xml = test_output(&report, conform_report_write_junit);
            assert_non_null(strstr(xml, "the run was killed"));
            free(xml);
            taken++;
            conform_report_clear(&report);
        } else {
            assert_ptr_equal(strstr(error.text, path), error.text);
        }
        unlink(path);
        free(path);
    }
    assert_true(taken < 12); /* only cuts at the end of a line */
    /* A run killed between two cases: everything up to there counts. */
    char *path = test_file(lines, (size_t)(strstr(lines, "\n{\"type\":\"summary\"") + 1 - lines));
    struct conform_error error;
    assert_true(conform_report_read(&report, path, &error));
    assert_int_equal(report.case_count, SAMPLE_CASES);
    json_t *summary = conform_report_summary(&report);
    assert_string_equal(report__text(summary, "error"), "the run was killed");
    assert_int_equal(report__number(summary, "failures"), 3);
    assert_ptr_equal(strstr(report__text(summary, "claim"), "MUST rules: 5 of "),
                     report__text(summary, "claim"));
    json_decref(summary);
    conform_report_clear(&report);
    unlink(path);
    free(path);
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports_when_read_back_then_the_same_bytes),
        cmocka_unit_test(test_counts_are_those_of_the_cases),
        cmocka_unit_test(test_rule_status_follows_from_its_cases),
        cmocka_unit_test(test_claim_names_all_denominators),
        cmocka_unit_test(test_small_worlds_are_told_in_every_report),
        cmocka_unit_test(test_junit_counts_are_its_elements),
        cmocka_unit_test(test_hostile_text_never_is_markup_or_a_terminal_command),
        cmocka_unit_test(test_escape_by_kind),
        cmocka_unit_test(test_string_when_not_utf8_then_replaced),
        cmocka_unit_test(test_read_when_lines_are_wrong_then_told),
        cmocka_unit_test(test_read_when_cut_at_any_byte_then_told_or_a_shorter_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
