/* What the commands share: patterns and near misses, known failures, options, quoting, and the
 * capture of a run's traffic. */
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "pcapt/pcapng.h"

static void test_glob(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"*", "", true},
        {"*", "WID-3-accepts[d=100]", true},
        {"WID-*", "WID-3-accepts[d=100]", true},
        {"WID-*", "RCV-3", false},
        {"*d=100]", "WID-3-accepts[d=100]", true},
        {"WID-3-accepts[d=100]", "WID-3-accepts[d=100]", true}, /* no character classes */
        {"WID-3-accepts[d=1?0]", "WID-3-accepts[d=100]", true},
        {"WID-3-accepts[d=?]", "WID-3-accepts[d=100]", false},
        {"*a*b*c", "xaybzbc", true},
        {"*a*b*c", "xaybzbcx", false},
        {"**", "anything", true},
        {"?", "", false},
        {"wid-*", "WID-3", false},
        {"*-3-*", "WID-33-3-x", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (cli_glob(rows[i].pattern, rows[i].text) != rows[i].matches)
            fail_msg("glob '%s' on '%s'", rows[i].pattern, rows[i].text);
}

static void test_glob_when_hostile_then_quick(void **state)
{
    (void)state;
    char text[4097], pattern[257];
    memset(text, 'a', 4096);
    text[4096] = '\0';
    for (size_t i = 0; i < 256; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[255] = 'b';
    pattern[256] = '\0';
    assert_false(cli_glob(pattern, text)); /* linear in either, not exponential */
}

static void test_near_misses(void **state)
{
    (void)state;
    static const char *const names[] = {"WID-3-accepts", "WID-3-refuses", "RCV-1-clears",
                                        "ACK-2-full", "END-1"};
    static const struct {
        const char *word, *near;
    } rows[] = {
        {"WID-3-acepts", " (did you mean WID-3-accepts?)"},
        {"wid-3-accepts", " (did you mean WID-3-accepts?)"},
        {"WID-3", " (did you mean WID-3-accepts, WID-3-refuses?)"},
        {"*clear", " (did you mean RCV-1-clears?)"},
        {"nothing-like-it", ""},
        {"*", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *near = cli_near(rows[i].word, names, sizeof names / sizeof *names);
        if (strcmp(near, rows[i].near) != 0)
            fail_msg("'%s': got '%s'", rows[i].word, near);
        free(near);
    }
    char *long_word = calloc(1, 5000);
    assert_non_null(long_word);
    memset(long_word, 'x', 4999);
    char *near = cli_near(long_word, names, sizeof names / sizeof *names);
    assert_string_equal(near, "");
    free(near);
    free(long_word);
}

static void test_quote(void **state)
{
    (void)state;
    static const struct {
        const char *word, *quoted;
    } rows[] = {
        {"plain-word_1.sx", "plain-word_1.sx"},
        {"udp:127.0.0.1:9000,control=tcp:h:1", "udp:127.0.0.1:9000,control=tcp:h:1"},
        {"", "''"},
        {"two words", "'two words'"},
        {"WID-3[d=100]", "'WID-3[d=100]'"},
        {"it's", "'it'\\''s'"},
        {"$(rm)", "'$(rm)'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        cli_quote(rows[i].word, out);
        fclose(out);
        assert_string_equal(text, rows[i].quoted);
        free(text);
    }
}

static void test_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"1", true, 1},
        {"100", true, 100},
        {"0", false, 0},
        {"101", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"1x", false, 0},
        {" 1", false, 0},
        {"0x10", false, 0},
        {"1.5", false, 0},
        {"007", true, 7},
        {"99999999999999999999999", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 0;
        if (cli_number("--x", rows[i].text, 1, 100, &value) != rows[i].ok || value != rows[i].value)
            fail_msg("'%s'", rows[i].text);
    }
}

/* ---- known failures ---- */

static char *test_file(const char *text)
{
    char *path = strdup("/tmp/sipc-cli-XXXXXX");
    assert_non_null(path);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void test_known_lines(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        bool ok;
        size_t count;
        const char *pattern, *reason; /* of the first entry */
    } rows[] = {
        {"empty", "", true, 0, NULL, NULL},
        {"comments and blank lines", "# a\n\n   \n  # b\n", true, 0, NULL, NULL},
        {"an entry", "WID-3-*  # not done yet\n", true, 1, "WID-3-*", "not done yet"},
        {"no newline at the end", "WID-3 # why", true, 1, "WID-3", "why"},
        {"a tab before #", "WID-3\t# why # and more", true, 1, "WID-3", "why # and more"},
        {"blanks all round", "  WID-3-x[d=1]   #   why  \r\n", true, 1, "WID-3-x[d=1]", "why"},
        {"a # within the pattern", "WID-3[t=#a]  # why\n", true, 1, "WID-3[t=#a]", "why"},
        {"no reason", "WID-3\n", false, 0, NULL, NULL},
        {"an empty reason", "WID-3  #\n", false, 0, NULL, NULL},
        {"a blank reason", "WID-3  #  \n", false, 0, NULL, NULL},
        {"twice the same", "WID-3 # a\nWID-3 # b\n", false, 0, NULL, NULL},
        {"a rule there is not", "WID-3-*  WID-3a  # why\n", false, 0, NULL, NULL},
        {"a rule there is", "WID-3-* \t WID-3  # why\n", true, 1, "WID-3-*", "why"},
        {"a crash", "WID-3-* crash # why\n", true, 1, "WID-3-*", "why"},
        {"a hang", "WID-3-* hang # why\n", true, 1, "WID-3-*", "why"},
        {"a verdict that is no failure", "WID-3-* pass # why\n", false, 0, NULL, NULL},
        {"two things to be blamed", "WID-3-* WID-3 hang # why\n", false, 0, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cli_known known;
        char *path = test_file(rows[i].text);
        if (cli_known_read(&known, path, false) != rows[i].ok)
            fail_msg("%s", rows[i].name);
        assert_int_equal(known.count, rows[i].count);
        if (rows[i].count > 0) {
            assert_string_equal(known.entries[0].pattern, rows[i].pattern);
            assert_string_equal(known.entries[0].reason, rows[i].reason);
        }
        cli_known_clear(&known);
        unlink(path);
        free(path);
    }
    struct cli_known known;
    assert_false(cli_known_read(&known, "/nonexistent/known.txt", false));
}

static void test_known_reason_by_name_or_id(void **state)
{
    (void)state;
    struct cli_known known;
    char *path = test_file("WID-3-a[d=1]  # one value\nWID-4-*  # a family\nRCV-1-b  # all\n"
                           "SND-1-*  SND-1  # over its own rule\nSND-1-x crash # a crash\n");
    assert_true(cli_known_read(&known, path, false));
    assert_string_equal(cli_known_reason(&known, "WID-3-a[d=1]", "WID-3-a", NULL), "one value");
    assert_null(cli_known_reason(&known, "WID-3-a[d=2]", "WID-3-a", NULL));
    assert_string_equal(cli_known_reason(&known, "WID-4-x", "WID-4-x", NULL), "a family");
    assert_string_equal(cli_known_reason(&known, "RCV-1-b[n=5]", "RCV-1-b", NULL), "all");
    assert_null(cli_known_reason(&known, "ACK-1-c", "ACK-1-c", NULL));
    assert_string_equal(cli_known_reason(&known, "WID-4-x", "WID-4-x", "WID-3"), "a family");
    assert_string_equal(cli_known_reason(&known, "SND-1-x", "SND-1-x", "SND-1"),
                        "over its own rule");
    assert_string_equal(cli_known_reason(&known, "SND-1-x", "SND-1-x", "crash"), "a crash");
    assert_string_equal(cli_known_reason(&known, "SND-1-x", "SND-1-x", NULL), "over its own rule");
    assert_null(cli_known_reason(&known, "SND-1-x", "SND-1-x", "SND-2"));
    assert_null(cli_known_reason(&known, "SND-1-x", "SND-1-x", "hang"));
    cli_known_clear(&known);
    unlink(path);
    free(path);
}

/* Which entries are wrong after a run in which each case had the verdict of its row. */
static void test_known_problems(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum conform_verdict verdict;
        bool selected, run;
        const char *problem; /* NULL: none beside the case itself */
    } rows[] = {
        {"A-fails", CONFORM_FAIL, true, true, NULL},
        {"A-crashes", CONFORM_CRASH, true, true, NULL},
        {"A-hangs", CONFORM_HANG, true, true, NULL},
        {"A-otherwise", CONFORM_FAIL, true, true, "fails over something else than this line says"},
        {"A-passes", CONFORM_PASS, true, true, NULL}, /* told with the case */
        {"A-unsupported", CONFORM_UNSUPPORTED, true, true, "did not fail: unsupported"},
        {"A-inconclusive", CONFORM_INCONCLUSIVE, true, true, "did not fail: inconclusive"},
        {"A-error", CONFORM_ERROR, true, true, "did not fail: an error of the harness"},
        {"A-unselected", CONFORM_PASS, false, false, "did not fail: not selected"},
        {"A-late", CONFORM_PASS, true, false, "did not fail: not run, the run ended before it"},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    static struct sx_script scripts[ROWS];
    struct cli_case cases[ROWS];
    struct conform_report_case results[ROWS];
    struct conform_report report = {.cases = results};
    struct cli_suite suite = {.cases = cases, .case_count = ROWS};
    for (size_t i = 0; i < ROWS; i++) {
        scripts[i].id = rows[i].name;
        cases[i] = (struct cli_case){
            .script = &scripts[i], .name = strdup(rows[i].name), .selected = rows[i].selected};
        if (rows[i].run)
            results[report.case_count++] =
                (struct conform_report_case){.name = rows[i].name,
                                             .verdict = rows[i].verdict,
                                             .known = rows[i].problem == NULL ? "why" : NULL};
    }
    for (size_t i = 0; i < ROWS; i++) {
        struct cli_known_entry entry = {
            .pattern = cases[i].name, .reason = cases[i].name, .line = 7};
        char path[] = "known.txt";
        const struct cli_known known = {.path = path, .entries = &entry, .count = 1};
        json_t *problems = cli_known_problems(&known, &suite, &report);
        assert_int_equal(json_array_size(problems), rows[i].problem == NULL ? 0 : 1);
        if (rows[i].problem != NULL) {
            char want[256];
            snprintf(want, sizeof want, "known.txt:7: %s %s", rows[i].name, rows[i].problem);
            assert_string_equal(
                json_string_value(json_object_get(json_array_get(problems, 0), "problem")), want);
        }
        json_decref(problems);
    }
    char nothing[] = "B-*", path[] = "known.txt";
    struct cli_known_entry entry = {.pattern = nothing, .reason = nothing, .line = 1};
    const struct cli_known known = {.path = path, .entries = &entry, .count = 1};
    json_t *problems = cli_known_problems(&known, &suite, &report);
    assert_string_equal(json_string_value(json_object_get(json_array_get(problems, 0), "problem")),
                        "known.txt:1: no case has such a name");
    json_decref(problems);
    for (size_t i = 0; i < ROWS; i++)
        free(cases[i].name);
}

/* ---- the capture ---- */

/* Reads the packets of a capture made here: time and comment of each. */
static size_t test_read_packets(const uint8_t *bytes, size_t size, uint64_t *times, size_t max)
{
    size_t count = 0;
    for (size_t at = 0; at + 12 <= size;) {
        uint32_t head[2], body[5];
        memcpy(head, bytes + at, sizeof head);
        assert_true(head[1] >= 12 && at + head[1] <= size);
        if (head[0] == 6 && count < max) {
            memcpy(body, bytes + at + 8, sizeof body);
            times[count++] = (uint64_t)body[1] << 32 | body[2];
        }
        at += head[1];
    }
    return count;
}

static void test_capture_times_never_go_back(void **state)
{
    (void)state;
    static const struct {
        const char *case_name;
        uint64_t at_ns, wanted_ns;
    } rows[] = {
        {"a", 0, 0},
        {"a", 1500000000, 1500000000},
        {"a", 1500000000, 1500000000},
        {"b", 0, 2000000000}, /* the next case, on the next full second */
        {"b", 7, 2000000007},
        {"b", 3, 3000000003},          /* the same case run again */
        {"c", 5000000000, 9000000000}, /* first heard of after five seconds */
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);
    assert_non_null(file);
    struct cli_capture *capture = cli_capture_begin(file, "engine", true);
    static const uint8_t pdu[70000];
    for (size_t i = 0; i < ROWS; i++)
        cli_capture_pdu(capture,
                        &(struct cli_pdu){.from_sut = i % 2 == 0,
                                          .peer = i < 3 ? "P" : "Q",
                                          .at_ns = rows[i].at_ns,
                                          .bytes = {pdu, i == 0 ? sizeof pdu : 57}},
                        rows[i].case_name);
    assert_true(cli_capture_end(capture));
    fclose(file);
    uint64_t times[ROWS + 1];
    assert_int_equal(test_read_packets((const uint8_t *)bytes, size, times, ROWS + 1), ROWS);
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(times[i], rows[i].wanted_ns);
    assert_true(size < 70000 + 2000); /* the first PDU was cut to what UDP can hold */
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_glob_when_hostile_then_quick),
        cmocka_unit_test(test_near_misses),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_known_lines),
        cmocka_unit_test(test_known_reason_by_name_or_id),
        cmocka_unit_test(test_known_problems),
        cmocka_unit_test(test_capture_times_never_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
