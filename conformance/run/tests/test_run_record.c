/* The record of a case: its trace line by line, what a failure shows, advisories, the capture hook,
 * and that the same seed gives the same record. And PDUs as people read them, for any bytes.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"

/* ---- the trace ---- */

/* Every line as "milliseconds direction matched peer text"; malloc'ed. */
static char *trace_text(const struct conform_record *record)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    for (size_t i = 0; i < record->trace_count; i++) {
        const struct conform_trace *entry = &record->trace[i];
        fprintf(out, "%u %c%c %s %s\n", (unsigned)(entry->at_ns / FAKE_MS), entry->direction,
                entry->matched ? '+' : ' ', entry->peer, entry->text);
    }
    fclose(out);
    return text;
}

static const char trace_body[] = "allow enquire_link\ntest\ndo open\n"
                                 "do send \"hi\" as m1 {\"k\"=\"v\"}\n"
                                 "-> data 0:0 {skip} \"a\" session=T\n"
                                 "<- data_ack 0:0 {*} session=T #a\n"
                                 "== deliver \"a\" session=T {*}\n"
                                 "-> raw hex:0003ff\n"
                                 "== result m1 timeout -3 within 2T\n"
                                 "quiet 0.5T [RCV-9]\n";
static const struct fake_act trace_acts[] = {
    {FAKE_STATE, ON_RX(1), .word = "opening", .stranger = true},
    {FAKE_TX, ON_RX(1), .full = true},
    {FAKE_DELIVER, ON_RX(1), .data = "a", .options = "n=1"},
    {FAKE_DISCARD, ON_RX(2), .word = "too_short"},
    {FAKE_RESULT, .on = CONFORM_SEND, .word = "timeout", .code = -3, .after_ns = 1500 * FAKE_MS},
    {FAKE_TX, ON_RX(1), .opcode = SIPC_ENQUIRE_LINK, .after_ns = 1600 * FAKE_MS},
    {FAKE_TX, ON_RX(1), .opcode = SIPC_CLOSE, .after_ns = 1700 * FAKE_MS,
     .options = "s_abort_code=3"},
    {.kind = FAKE_NONE},
};

static void test_run_record_when_a_case_ran_then_the_trace_tells_it(void **ctx)
{
    (void)ctx;
    static const char expected[] =
        "0 !+  configure ack_timeout_ms=1000\n"
        "0 !+ P open to P\n"
        "0 !+  send 2 bytes \"hi\" {\"k\"=\"v\"} as m1\n"
        "0 >+ P data 0:0 {skip} 1 byte \"a\" session=T\n"
        "0 =  P state opening session=eeeeeeee...\n"
        "0 <+ P data_ack 0:0 {is_window_full max_window_size=16} session=T\n"
        "0 =+ P deliver 1 byte \"a\" {\"n\"=\"1\"} session=T\n"
        "0 >+ P raw 3 bytes (too_short) hex:0003ff\n"
        "0 =  P discard too_short session=T\n"
        "1500 =+ P result m1 timeout -3\n"
        "1600 <  P enquire_link 0:0 session=T\n"
        "1700 <  P close 0:0 {abort_code=3} session=T\n";
    struct fake_sut fake = {.acts = trace_acts, .stderr_text = "warning: something\n"};
    struct conform_record record;

    fake_run(&fake, trace_body, 0, NULL, &record);
    char *text = trace_text(&record);
    assert_string_equal(text, expected);
    free(text);
    assert_string_equal(record.name, "a-case");
    assert_string_equal(record.id, "a-case");
    assert_string_equal(record.path, "a-case.sx");
    assert_int_equal(record.verdict, CONFORM_FAIL);
    assert_int_equal(record.rule, SIPC_RULE_RCV_9);
    assert_string_equal(record.reason,
                        "expected silence, but this came: close 0:0 {abort_code=3} session=T");
    assert_string_equal(record.expected, "quiet 0.5T [RCV-9]");
    assert_string_equal(record.actual, "close 0:0 {abort_code=3} session=T");
    assert_string_equal(record.sut_stderr, "warning: something\n");
    assert_int_equal(record.duration_ns, 1700 * FAKE_MS);
    assert_int_equal(record.attempts, 1);
    assert_int_equal(record.trace[3].size, fake.rx_size[0]);
    assert_memory_equal(record.trace[3].bytes, fake.rx[0], fake.rx_size[0]);
    assert_null(record.trace[6].bytes);
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

static void test_run_record_when_a_line_fails_then_both_sides_are_shown(void **ctx)
{
    (void)ctx;
    static const struct fake_act acts[] = {
        {FAKE_TX, ON_RX(1), .window_id = 2, .seq_nr = 1, .full = true}, {.kind = FAKE_NONE}};
    struct fake_sut fake = {.acts = acts};
    struct conform_record record;

    fake_run(&fake, "test\n" SEND "<- data_ack 0:0 {max_window_size?} [ACK-2]\nquiet 1T\n", 0, NULL,
             &record);
    assert_string_equal(record.reason, "expected data_ack 0:0, but window_id was 2 instead of 0 "
                                       "(and 2 more differences)");
    assert_string_equal(record.expected, "<- data_ack 0:0 {max_window_size?} [ACK-2]");
    assert_string_equal(record.actual, "data_ack 2:1 {is_window_full max_window_size=16}");
    assert_int_equal(record.diff_count, 3);
    assert_string_equal(record.diffs[1].field, "seq_nr");
    assert_string_equal(record.diffs[2].field, "option is_window_full");
    assert_string_equal(record.diffs[2].expected, "absent");
    assert_string_equal(record.diffs[2].actual, "true");
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

static void test_run_record_when_advisory_rules_break_then_each_is_listed_once(void **ctx)
{
    (void)ctx;
    static const struct fake_act acts[] = {{FAKE_TX, ON_RX(1), .window_id = 2},
                                           {.kind = FAKE_NONE}};
    struct fake_sut fake = {.acts = acts};
    struct conform_record record;

    fake_run(&fake,
             "test\n" SEND "<- data_ack $w:0\ncheck $w == 0 [LNK-1a]\ncheck $w == 1 [ACK-2a]\n"
             "check $w == 3 [LNK-1a]\nquiet 1T\n",
             0, NULL, &record);
    assert_int_equal(record.verdict, CONFORM_ADVISORY);
    assert_int_equal(record.line, 8); /* the first tells the story */
    assert_int_equal(record.diff_count, 1);
    assert_string_equal(record.diffs[0].expected, "== 0");
    assert_int_equal(record.advisory_count, 2);
    assert_int_equal(record.advisories[0], SIPC_RULE_LNK_1a);
    assert_int_equal(record.advisories[1], SIPC_RULE_ACK_2a);
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

static void test_run_record_when_the_trace_is_long_then_its_end_is_kept(void **ctx)
{
    (void)ctx;
    static const struct fake_act acts[] = {{FAKE_TX, ON_RX(0)}, {.kind = FAKE_NONE}};
    struct fake_sut fake = {.acts = acts};
    struct conform_record record;

    fake_run(&fake, "test\nrepeat 6000 {\n-> data $i:0\n<- data_ack 0:0\n}\nquiet 1T\n", 0, NULL,
             &record);
    assert_int_equal(record.verdict, CONFORM_PASS);
    assert_int_equal(record.expectations, 6001);
    assert_int_equal(record.trace_count + record.trace_dropped, 12001);
    assert_in_range(record.trace_count, 5000, 10000);
    assert_string_equal(record.trace[record.trace_count - 2].text, "data 5999:0");
    for (size_t i = 0; i < record.trace_count; i++) {
        assert_true(record.trace[i].matched);
    }
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

static void test_run_record_when_pdus_are_large_then_the_trace_stays_bounded(void **ctx)
{
    (void)ctx;
    struct fake_sut fake = {0};
    struct conform_record record;
    size_t bytes = 0;

    fake_run(&fake, "test\nrepeat 1500 {\n-> data $i:0 bytes(60000)\n}\nquiet 1T\n", 0, NULL,
             &record);
    for (size_t i = 0; i < record.trace_count; i++) {
        bytes += record.trace[i].size;
    }
    assert_in_range(bytes, 1 << 25, 1 << 26);
    assert_int_equal(record.trace_count + record.trace_dropped, 1501);
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

/* ---- the hook ---- */

struct seen {
    char text[512];
};

static void see_pdu(void *ctx, bool from_sut, const char *peer, uint64_t at_ns,
                    struct sipc_span pdu, const char *case_name)
{
    struct seen *seen = ctx;
    size_t used = strlen(seen->text);

    snprintf(seen->text + used, sizeof seen->text - used, "%c %s %u %zu %s\n", from_sut ? '<' : '>',
             peer, (unsigned)(at_ns / FAKE_MS), pdu.size, case_name);
}

static void test_run_record_when_pdus_pass_then_the_hook_sees_each(void **ctx)
{
    (void)ctx;
    struct seen seen = {""};
    const struct conform_run_options options = {.on_pdu = see_pdu, .ctx = &seen, .no_judge = true};
    struct fake_sut fake = {.acts = trace_acts};
    struct conform_record record;

    fake_run(&fake, trace_body, 0, &options, &record);
    assert_string_equal(seen.text, "> P 0 71 a-case\n"
                                   "< P 0 81 a-case\n"
                                   "> P 0 3 a-case\n"
                                   "< P 1600 57 a-case\n"
                                   "< P 1700 75 a-case\n");
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

/* ---- the same again ---- */

static char *record_text(const struct conform_record *record)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    char *trace = trace_text(record);

    assert_non_null(out);
    fprintf(out, "%s %d %d %d %s %s %s\n%s", record->name, (int)record->verdict, (int)record->rule,
            record->line, record->reason, record->expected, record->actual, trace);
    for (size_t i = 0; i < record->trace_count; i++) {
        fprintf(out, "%llu ", (unsigned long long)record->trace[i].at_ns);
        for (size_t k = 0; k < record->trace[i].size; k++) {
            fprintf(out, "%02x", record->trace[i].bytes[k]);
        }
    }
    free(trace);
    fclose(out);
    return text;
}

static void test_run_record_when_the_seed_is_the_same_then_so_is_the_record(void **ctx)
{
    (void)ctx;
    static const uint64_t seeds[] = {3, 3, 4};
    char *texts[3];

    for (size_t i = 0; i < 3; i++) {
        const struct conform_run_options options = {.seed = seeds[i], .no_judge = true};
        struct fake_sut fake = {.acts = trace_acts};
        struct conform_record record;
        fake_run(&fake, trace_body, 0, &options, &record);
        texts[i] = record_text(&record);
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    assert_string_equal(texts[0], texts[1]);
    assert_string_not_equal(texts[0], texts[2]);
    for (size_t i = 0; i < 3; i++) {
        free(texts[i]);
    }
    fake_done();
}

static void test_run_record_when_settings_are_not_the_protocols_then_it_says_so(void **ctx)
{
    (void)ctx;
    static const struct {
        const char *set, *said;
        bool refused;
    } rows[] = {
        {"set mtu = 600\n", NULL, false},
        {"set window_id_step = 100\nset window_id_max = 9E15\nset group_bytes_max = 65500\n", NULL,
         false},
        {"set window_id_step = 5\n", "window_id_step=5 (100)", false},
        {"set group_bytes_max = 99\nset window_id_max = 300\n",
         "window_id_max=300 (9000000000000000), group_bytes_max=99 (65500)", false},
        {"set window_id_step = 5\n", NULL, true}, /* unsupported: it was not run */
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const struct fake_act refuses[] = {
            {FAKE_REFUSED_SET, .on = CONFORM_CONFIGURE, .word = "window_id_step"},
            {.kind = FAKE_NONE}};
        struct fake_sut fake = {.acts = rows[i].refused ? refuses : NULL};
        struct conform_record record;
        char body[200];
        snprintf(body, sizeof body, "%stest\n-> data 0:0\nquiet 1T\n", rows[i].set);
        fake_run(&fake, body, 0, NULL, &record);
        if (rows[i].said == NULL) {
            assert_null(record.small_world);
        } else {
            assert_string_equal(record.small_world, rows[i].said);
        }
        assert_int_equal(record.verdict, rows[i].refused ? CONFORM_UNSUPPORTED : CONFORM_PASS);
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
}

/* ---- PDUs for people ---- */

static char *print_text(const uint8_t *bytes, size_t size)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    conform_print_pdu((struct sipc_span){bytes, size}, out);
    fclose(out);
    return text;
}

struct print_row {
    const char *send; /* a PDU as a script writes it */
    const char *text;
};

static void test_run_print_when_a_pdu_decodes_then_as_a_script_would_say(void **ctx)
{
    (void)ctx;
    static const struct print_row rows[] = {
        {"data 5:0", "data 5:0"},
        {"data 5:0 {last_in_window} \"hello there\"",
         "data 5:0 {last_in_window} 11 bytes \"hello there\""},
        {"data_ack 9E15:7 {is_window_full=false max_window_size=4 error_code=-1}",
         "raw 100 bytes (ack_error_code)"},
        {"data_ack 9E15:7 {is_window_full=false max_window_size=4 error_code=252}",
         "data_ack 9000000000000000:7 {is_window_full=false max_window_size=4 error_code=252}"},
        {"data 0:0 {trace_id=\"12\" \"k\\x00\"=\"\" idle_timeout=7}", NULL},
        {"data 0:0 {trace_id=\"12\" \"k\\\"\"=\"\\\\\\n\" idle_timeout=7}",
         "data 0:0 {trace_id=\"12\" \"k\\\"\"=\"\\\\\\n\" idle_timeout=7}"},
        {"data 0:0 hex:00ff7f09", "data 0:0 4 bytes \"\\0\\xff\\x7f\\t\""},
        {"data 0:0 bytes(49, 65)",
         "data 0:0 49 bytes \"ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\\\]^_`abcdefghijklmnop...\""},
        {"enquire_link 1:2 tamper truncate=4", "raw 4 bytes (too_short) hex:0039"},
        {"opcode(99) 1:2", "raw 57 bytes (opcode) hex:0039"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_sut fake = {0};
        struct conform_record record;
        char body[256];
        snprintf(body, sizeof body, "test\n-> %s\nquiet 1T\n", rows[i].send);
        fake_run(&fake, body, 0, NULL, &record);
        if (rows[i].text == NULL) {
            assert_int_equal(record.verdict, CONFORM_ERROR);
        } else {
            char *text = print_text(fake.rx[0], fake.rx_size[0]);
            bool raw = strncmp(rows[i].text, "raw", 3) == 0;
            assert_int_equal(strncmp(text, rows[i].text, strlen(rows[i].text)), 0);
            assert_true(raw || strlen(text) == strlen(rows[i].text));
            free(text);
        }
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
}

/* Every prefix and every single byte changed of a rich PDU: always one line, never a crash. */
static void test_run_print_when_bytes_are_anything_then_one_line(void **ctx)
{
    (void)ctx;
    struct fake_sut fake = {0};
    struct conform_record record;

    fake_run(&fake,
             "test\n-> data 5:0 {last_in_window max_window_size=3 trace_id=\"x\" \"k\"=\"v\"} "
             "\"data\"\nquiet 1T\n",
             0, NULL, &record);
    for (size_t size = 0; size <= fake.rx_size[0]; size++) {
        char *text = print_text(fake.rx[0], size);
        assert_true(strlen(text) > 0 && strchr(text, '\n') == NULL);
        free(text);
    }
    for (size_t at = 0; at < fake.rx_size[0]; at++) {
        for (unsigned flip = 1; flip < 256; flip++) {
            fake.rx[0][at] ^= (uint8_t)flip;
            char *text = print_text(fake.rx[0], fake.rx_size[0]);
            assert_true(strlen(text) > 0 && strchr(text, '\n') == NULL);
            free(text);
            fake.rx[0][at] ^= (uint8_t)flip;
        }
    }
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

static void test_run_verdict_names_when_asked_then_all_differ(void **ctx)
{
    (void)ctx;
    for (int i = 0; i < CONFORM_VERDICT_COUNT; i++) {
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(conform_verdict_name((enum conform_verdict)i),
                                    conform_verdict_name((enum conform_verdict)k));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_record_when_a_case_ran_then_the_trace_tells_it),
        cmocka_unit_test(test_run_record_when_a_line_fails_then_both_sides_are_shown),
        cmocka_unit_test(test_run_record_when_advisory_rules_break_then_each_is_listed_once),
        cmocka_unit_test(test_run_record_when_the_trace_is_long_then_its_end_is_kept),
        cmocka_unit_test(test_run_record_when_pdus_are_large_then_the_trace_stays_bounded),
        cmocka_unit_test(test_run_record_when_pdus_pass_then_the_hook_sees_each),
        cmocka_unit_test(test_run_record_when_the_seed_is_the_same_then_so_is_the_record),
        cmocka_unit_test(test_run_record_when_settings_are_not_the_protocols_then_it_says_so),
        cmocka_unit_test(test_run_print_when_a_pdu_decodes_then_as_a_script_would_say),
        cmocka_unit_test(test_run_print_when_bytes_are_anything_then_one_line),
        cmocka_unit_test(test_run_verdict_names_when_asked_then_all_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
