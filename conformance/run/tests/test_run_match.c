/* A PDU of the SUT against the one a line names: fields, presence of options, values by meaning and
 * as text, order, binding, data. One row per rule of the language, with the difference told.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"

struct match_row {
    const char *name;
    const char *line; /* what is expected */
    struct fake_act act;
    const char *field; /* NULL: it fits */
    const char *expected, *actual;
};

static bool match_row_holds(const struct match_row *row, const struct conform_record *record)
{
    if (row->field == NULL) {
        return record->verdict == CONFORM_PASS;
    }
    return record->verdict == CONFORM_FAIL && record->diff_count == 1 &&
           strcmp(record->diffs[0].field, row->field) == 0 &&
           strcmp(record->diffs[0].expected, row->expected) == 0 &&
           strcmp(record->diffs[0].actual, row->actual) == 0;
}

static void run_match_rows(const struct match_row *rows, size_t count)
{
    bool held = true;

    for (size_t i = 0; i < count; i++) {
        struct fake_act acts[] = {rows[i].act, {.kind = FAKE_NONE}};
        struct fake_sut fake = {.acts = acts};
        struct conform_record record;
        char body[512];
        acts[0].kind = FAKE_TX;
        acts[0].on = CONFORM_RX;
        snprintf(body, sizeof body, "test\n-> data 0:0\n<- %s\nquiet 1T\n", rows[i].line);
        fake_run(&fake, body, 0, NULL, &record);
        if (!match_row_holds(&rows[i], &record)) {
            print_error("%s: got %s, %zu differences", rows[i].name,
                        conform_verdict_name(record.verdict), record.diff_count);
            for (size_t k = 0; k < record.diff_count; k++) {
                print_error(", %s: expected %s, actual %s", record.diffs[k].field,
                            record.diffs[k].expected, record.diffs[k].actual);
            }
            print_error(" (%s)\n", record.reason != NULL ? record.reason : "no reason");
            held = false;
        }
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
    assert_true(held);
}
#define RUN_MATCH_ROWS(rows) run_match_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#define OPTIONS(text)                                                                              \
    {                                                                                              \
        .options = (text)                                                                          \
    }
#define CLOSE(text)                                                                                \
    {                                                                                              \
        .opcode = SIPC_CLOSE, .options = (text)                                                    \
    }
#define FULL "option is_window_full"
#define SIZE "option max_window_size"

static void test_run_match_options_when_known_then_by_meaning(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct match_row rows[] = {
        {"true in any letter case", "data_ack 0:0 {is_window_full}", OPTIONS("s_10=tRUE"), 0, 0, 0},
        {"true, absent", "data_ack 0:0 {is_window_full}", OPTIONS(""), FULL, "true", "absent"},
        {"true, false came", "data_ack 0:0 {is_window_full}", OPTIONS("s_10=False"), FULL, "true",
         "false"},
        {"false, absent", "data_ack 0:0 {is_window_full=false}", OPTIONS(""), 0, 0, 0},
        {"false, false came", "data_ack 0:0 {is_window_full=false}", OPTIONS("s_10=False"), 0, 0,
         0},
        {"false, true came", "data_ack 0:0 {is_window_full=false}", OPTIONS("s_10=True"), FULL,
         "false", "true"},
        {"unnamed boolean, false came", "data_ack 0:0", OPTIONS("s_10=false"), 0, 0, 0},
        {"unnamed boolean, true came", "data_ack 0:0", OPTIONS("s_10=True"), FULL, "absent",
         "true"},
        {"unnamed integer, 0 came", "data_ack 0:0", OPTIONS("s_20=0"), 0, 0, 0},
        {"unnamed integer, 5 came", "data_ack 0:0", OPTIONS("s_20=5"), SIZE, "absent", "5"},
        {"integer with a sign", "data_ack 0:0 {max_window_size=5}", OPTIONS("s_20=+5"), 0, 0, 0},
        {"integer of another value", "data_ack 0:0 {max_window_size=5}", OPTIONS("s_20=6"), SIZE,
         "5",
         "6"},
        {"integer, absent", "data_ack 0:0 {max_window_size=5}", OPTIONS(""), SIZE, "5", "absent"},
        {"0 named must be there", "data_ack 0:0 {max_window_size=0}", OPTIONS(""), SIZE, "0",
         "absent"},
        {"setting as value", "data_ack 0:0 {max_window_size=$max_window_size}", OPTIONS("s_20=16"),
         0, 0, 0},
        {"text form, same text", "data_ack 0:0 {max_window_size=\"5\"}", OPTIONS("s_20=5"), 0, 0,
         0},
        {"text form, same meaning", "data_ack 0:0 {max_window_size=\"5\"}", OPTIONS("s_20=+5"),
         SIZE,
         "\"5\"", "5"},
        {"boolean text form", "data_ack 0:0 {is_window_full=\"True\"}", OPTIONS("s_10=true"), FULL,
         "\"True\"", "true"},
        {"the last of several counts", "data_ack 0:0 {is_window_full}",
         OPTIONS("s_10=False;s_10=True"), 0, 0, 0},
        {"the last of several counts, unnamed", "data_ack 0:0", OPTIONS("s_20=7;s_20=0"), 0, 0, 0},
        {"all are looked at where the line names all",
         "data_ack 0:0 {is_window_full=false is_window_full}", OPTIONS("s_10=False;s_10=True"), 0,
         0,
         0},
        {"all, in order", "data_ack 0:0 {is_window_full is_window_full=false}",
         OPTIONS("s_10=False;s_10=True"), FULL, "true, false", "false, true"},
        {"wire name in quotes", "data_ack 0:0 {\"s_10\"=\"True\"}", OPTIONS("s_10=True"), 0, 0, 0},
        {"wire name in quotes is text", "data_ack 0:0 {\"s_10\"=\"True\"}", OPTIONS("s_10=true"),
         FULL, "\"True\"", "true"},
        {"trace id", "data_ack 0:0 {trace_id=\"x\"}", OPTIONS("s_traceId=x"), 0, 0, 0},
        {"trace id nobody named", "data_ack 0:0", OPTIONS("s_traceId=x"), "option trace_id",
         "absent", "\"x\""},
        {"idle timeout off is not absent", "data_ack 0:0 {idle_timeout=0}", OPTIONS(""),
         "option idle_timeout", "0", "absent"},
        {"negative idle timeout", "data_ack 0:0 {idle_timeout=-5}", OPTIONS("s_idle_timeout=-5"), 0,
         0, 0},
        {"abort code 1 is the same as none", "close 0:0 {abort_code=1}", CLOSE(""), 0, 0, 0},
        {"none is the same as abort code 1", "close 0:0", CLOSE("s_abort_code=1"), 0, 0, 0},
        {"and as 0", "close 0:0 {abort_code=1}", CLOSE("s_abort_code=0"), 0, 0, 0},
        {"nor is 0 another than none", "close 0:0", CLOSE("s_abort_code=0"), 0, 0, 0},
        {"another abort code", "close 0:0", CLOSE("s_abort_code=2"), "option abort_code", "absent",
         "2"},
        {"abort code 2, absent", "close 0:0 {abort_code=2}", CLOSE(""), "option abort_code", "2",
         "absent"},
    };
    /* clang-format on */
    RUN_MATCH_ROWS(rows);
}

static void test_run_match_options_when_optional_then_presence_is_free(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct match_row rows[] = {
        {"any value", "data_ack 0:0 {max_window_size=*}", OPTIONS("s_20=9"), 0, 0, 0},
        {"any value, absent", "data_ack 0:0 {max_window_size=*}", OPTIONS(""), SIZE, "any value",
         "absent"},
        {"may be there, is", "data_ack 0:0 {max_window_size?}", OPTIONS("s_20=9"), 0, 0, 0},
        {"may be there, is not", "data_ack 0:0 {max_window_size?}", OPTIONS(""), 0, 0, 0},
        {"may be there and then is", "data_ack 0:0 {max_window_size?=9}", OPTIONS("s_20=9"), 0, 0,
         0},
        {"may be there and then is, absent", "data_ack 0:0 {max_window_size?=9}", OPTIONS(""), 0, 0,
         0},
        {"may be there and then is not", "data_ack 0:0 {max_window_size?=9}", OPTIONS("s_20=8"),
         SIZE,
         "9 or absent", "8"},
        {"may be true, false came", "data_ack 0:0 {is_window_full?=true}", OPTIONS("s_10=False"), 0,
         0, 0},
        {"a star allows others", "data_ack 0:0 {is_window_full *}",
         OPTIONS("k=v;s_20=3;s_10=True"), 0, 0, 0},
        {"a star does not replace what is named", "data_ack 0:0 {is_window_full *}", OPTIONS("k=v"),
         FULL, "true", "absent"},
        {"binds and compares", "data_ack 0:0 {max_window_size=$n error_code=$n}",
         OPTIONS("s_20=252;s_error_code=252"), 0, 0, 0},
        {"binds and differs", "data_ack 0:0 {max_window_size=$n error_code=$n}",
         OPTIONS("s_20=250;s_error_code=252"), "option error_code", "250", "252"},
        {"what is bound must be there", "data_ack 0:0 {max_window_size=$n}\ncheck $n == 1",
         OPTIONS(""), SIZE, "any value", "absent"},
    };
    /* clang-format on */
    RUN_MATCH_ROWS(rows);
}

static void test_run_match_options_when_unknown_then_values_in_order(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct match_row rows[] = {
        {"as named", "data_ack 0:0 {\"k\"=\"v\"}", OPTIONS("k=v"), 0, 0, 0},
        {"another value", "data_ack 0:0 {\"k\"=\"v\"}", OPTIONS("k=w"), "option \"k\"", "\"v\"",
         "\"w\""},
        {"absent", "data_ack 0:0 {\"k\"=\"v\"}", OPTIONS(""), "option \"k\"", "\"v\"", "absent"},
        {"nobody named it", "data_ack 0:0", OPTIONS("k=v"), "option \"k\"", "absent", "\"v\""},
        {"order across names is free", "data_ack 0:0 {\"k\"=\"v\" \"l\"=\"w\"}", OPTIONS("l=w;k=v"),
         0, 0, 0},
        {"values of one name in order", "data_ack 0:0 {\"k\"=\"v\" \"l\"=\"x\" \"k\"=\"w\"}",
         OPTIONS("k=v;k=w;l=x"), 0, 0, 0},
        {"values of one name out of order", "data_ack 0:0 {\"k\"=\"v\" \"k\"=\"w\"}",
         OPTIONS("k=w;k=v"), "option \"k\"", "\"v\", \"w\"", "\"w\", \"v\""},
        {"one value more, star or not", "data_ack 0:0 {\"k\"=\"v\" *}", OPTIONS("k=v;k=v"),
         "option \"k\"", "\"v\"", "\"v\", \"v\""},
        {"one value less", "data_ack 0:0 {\"k\"=\"v\" \"k\"=\"v\"}", OPTIONS("k=v"), "option \"k\"",
         "\"v\", \"v\"", "\"v\""},
        {"one in the middle may be missing", "data_ack 0:0 {\"k\"=\"1\" \"k\"?=\"2\" \"k\"=\"3\"}",
         OPTIONS("k=1;k=3"), 0, 0, 0},
        {"any value", "data_ack 0:0 {\"k\"=*}", OPTIONS("k=anything"), 0, 0, 0},
        {"an empty name and value", "data_ack 0:0 {\"\"=\"\"}", OPTIONS("="), 0, 0, 0},
        {"a name that begins alike is another", "data_ack 0:0 {\"k\"=\"v\"}", OPTIONS("k=v;kk=v"),
         "option \"kk\"", "absent", "\"v\""},
    };
    /* clang-format on */
    RUN_MATCH_ROWS(rows);
}

static void test_run_match_fields_when_they_differ_then_told_as_people_say(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct match_row rows[] = {
        {"opcode", "close_ack 0:0", {.opcode = SIPC_DATA_ACK}, "opcode", "close_ack", "data_ack"},
        {"opcode by number", "opcode(4) 0:0", {.opcode = SIPC_DATA_ACK}, "opcode", "close_ack",
         "data_ack"},
        {"window id", "data_ack 9E15:0", {.window_id = 1}, "window_id", "9000000000000000", "1"},
        {"seq_nr", "data_ack 0:(1+1)", {.seq_nr = 1}, "seq_nr", "2", "1"},
        {"any", "data_ack *:*", {.window_id = 5, .seq_nr = 6}, 0, 0, 0},
        {"one variable in both places", "data_ack $x:$x", {.window_id = 5, .seq_nr = 5}, 0, 0, 0},
        {"one variable, two values", "data_ack $x:$x", {.window_id = 5, .seq_nr = 6}, "seq_nr", "5",
         "6"},
        {"a session", "data_ack 0:0 session=T", {0}, "session", "T", "S"},
        {"no data", "data 0:0", {.opcode = SIPC_DATA, .data = "x"}, "data", "empty",
         "1 byte \"x\" (the first 0 bytes are the same)"},
        {"any data", "data 0:0 *", {.opcode = SIPC_DATA, .data = "x"}, 0, 0, 0},
        {"a text", "data 0:0 \"x\\x01\"", {.opcode = SIPC_DATA, .data = "x\x02"}, "data",
         "2 bytes \"x\\x01\"", "2 bytes \"x\\x02\" (byte 1 is 0x02 instead of 0x01)"},
        {"a pattern", "data 0:0 bytes(3, 65)", {.opcode = SIPC_DATA, .data = "ABC"}, 0, 0, 0},
        {"too short", "data 0:0 bytes(3, 65)", {.opcode = SIPC_DATA, .data = "AB"}, "data",
         "3 bytes \"ABC\"", "2 bytes \"AB\" (the first 2 bytes are the same)"},
    };
    /* clang-format on */
    RUN_MATCH_ROWS(rows);
}

static void test_run_match_when_a_line_does_not_fit_then_its_bindings_are_undone(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct row rows[] = {
        {.name = "a maybe that does not fit binds nothing",
         .body = "test\n-> data 0:0\nmaybe <- data_ack $w:5\n<- data_ack 7:0\n<- data_ack $w:0\n"
                 "check $w == 8\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 7}, {FAKE_TX, ON_RX(1), .window_id = 8}},
         .verdict = CONFORM_PASS, .expectations = 4},
        {.name = "a second use compares",
         .body = "test\n-> data 0:0\n<- data_ack $w:0\n<- data_ack $w:1\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 7},
                  {FAKE_TX, ON_RX(1), .window_id = 8, .seq_nr = 1}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 8, .expectations = 2,
         .reason = "expected data_ack 7:1, but window_id was 8 instead of 7"},
        {.name = "let changes it",
         .body = "test\n-> data 0:0\n<- data_ack $w:0\nlet w = $w + 1\n"
                 "<- data_ack $w:1\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 7},
                  {FAKE_TX, ON_RX(1), .window_id = 8, .seq_nr = 1}},
         .verdict = CONFORM_PASS, .expectations = 3},
    };
    /* clang-format on */
    RUN_ROWS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_match_options_when_known_then_by_meaning),
        cmocka_unit_test(test_run_match_options_when_optional_then_presence_is_free),
        cmocka_unit_test(test_run_match_options_when_unknown_then_values_in_order),
        cmocka_unit_test(test_run_match_fields_when_they_differ_then_told_as_people_say),
        cmocka_unit_test(test_run_match_when_a_line_does_not_fit_then_its_bindings_are_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
