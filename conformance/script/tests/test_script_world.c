/* Worlds and tapes: what is read, what is printed, what is refused. The frame has two hosts a and
 * b, a link both ways, one session S and a scripted host e. SPDX-License-Identifier: MIT */
#include "conform/world.h"
#include "script_test.h"

#define WORLD_FRAME                                                                                \
    "sx 1\nid frame\nparam n in 1, 2\nworld\nhost a mtu ($n*600)B\nhost b\nhost e scripted\n"      \
    "link a<>b delay 1ms\nsession S of a>b count 3\n"
enum { WORLD_LINE = 10 };

static struct parsed parse_world(const char *line)
{
    char *text;
    assert_true(asprintf(&text, "%s%s\n", WORLD_FRAME, line) > 0);
    struct parsed parsed = parse_text(text);
    free(text);
    return parsed;
}

/* ---- what is printed ---- */

static const struct print_row {
    const char *line, *printed;
} print_rows[] = {
    {"seed 18446744073709551615", "seed 18446744073709551615"},
    {"until 90s", "until 90s"},
    {"until 0.5s", "until 500ms"},
    {"until 1500ms", "until 1.5s"},
    {"until 1500us", "until 1.5ms"},
    {"until 7200s", "until 2h"},
    {"until 0ns", "until 0ns"},
    {"until 1234567891ns", "until 1234567891ns"},
    {"until ($n*3)ms", "until ($n*3)ms"},
    {"heal   1min  # why", "# why\nheal 60s"},
    {"budget time 1h events 10", "budget time 1h events 10"},
    {"host c clock +200ppm clock_at 1h", "host c clock 200ppm clock_at 1h"},
    {"host c clock -1.5%", "host c clock -1.5%"},
    {"host c sut \"exec:a b\" accept no", "host c sut \"exec:a b\" accept no"},
    {"link a>e queue 1.5bdp rate 10Gbit/s", "link a>e queue 1.5bdp rate 10Gbit/s"},
    {"link a>e queue 20packets", "link a>e queue 20packets"},
    {"link a>e queue 65536B", "link a>e queue 64KiB"},
    {"link a>e queue 1500B", "link a>e queue 1500B"},
    {"link x loss 0.5% loss ($n)ppm", "link x loss 0.5% loss ($n)ppm"},
    {"link x bursts in 1% out 2% lose 100% calm 1ppm",
     "link x bursts in 1% out 2% lose 100% calm 1ppm"},
    {"link x lose_nth 1 2 3 lose_mask 0xFF", "link x lose_nth 1 2 3 lose_mask 0x00000000000000ff"},
    {"link x lose_pdu * lose_pdu data *:2 xmit 1 lose_pdu raw lose_pdu * 1:2",
     "link x lose_pdu * lose_pdu data *:2 xmit 1 lose_pdu raw lose_pdu * 1:2"},
    {"link x duplicate 1% after 1ms copies 2", "link x duplicate 1% copies 2 after 1ms"},
    {"link x delay_trace \"t\" unit 1ms stop", "link x delay_trace \"t\" unit 1ms stop"},
    {"link x delay_trace \"t\" unit 1us every 1ms drawn",
     "link x delay_trace \"t\" unit 1us every 1ms drawn"},
    {"link x copies_trace \"t\" every 5ms stop", "link x copies_trace \"t\" every 5ms stop"},
    {"link e<>a", "link e<>a"},
    {"route a>e by a>b", "route a>e by a>b"},
    {"traffic a in S count 5 size 1KB to 2KB opens",
     "traffic a in S count 5 size 1KB to 2KB opens"},
    {"at 1s a>b down", "at 1s a>b down"},
    {"at 1s a>b down held", "at 1s a>b down held"},
    {"at 1s b>a rate 1kbit/s", "at 1s b>a rate 1kbit/s"},
    {"at 1s a send S[2] 1MB skip", "at 1s a send S[2] 1MB skip"},
    {"at 1s a send S \"x\" {\"k\"=\"v\"} skip", "at 1s a send S \"x\" skip {\"k\"=\"v\"}"},
    {"at 1s a send S[$n] bytes(3, 4)", "at 1s a send S[$n] bytes(3, 4)"},
    {"at 1s a shutdown", "at 1s a shutdown"},
    {"at 1s e -> b data 0:0 session=S {skip} \"x\" tamper prefix",
     "at 1s e -> b data 0:0 session=S {skip} \"x\" tamper prefix"},
    {"at 1s e -> b raw hex:00", "at 1s e -> b raw hex:00"},
    {"on e data *:2 -> data_ack *:* {is_window_full}",
     "on e data *:2 -> data_ack *:* {is_window_full}"},
    {"on e * -> close ($n):* session=S", "on e * -> close $n:* session=S"},
    {"on e raw -> raw hex:00", "on e raw -> raw hex:00"},
    {"at 1s a clock_step -2s", "at 1s a clock_step -2s"},
    {"fault a>b data 100:3 xmit 2 in S[1] lost", "fault a>b data 100:3 in S[1] xmit 2 lost"},
    {"fault a>b raw copy 1 flip 3 bits 2", "fault a>b raw copy 1 flip 3 bits 2"},
    {"fault a>b data 0:0 session_key 0x1 delay 5ms",
     "fault a>b data 0:0 session_key 0x0000000000000001 delay 5ms"},
    {"expect ended ok >= $n of send at a in S", "expect ended ok >= $n of send at a in S"},
    {"expect dropped != 0 on a>b by loss", "expect dropped != 0 by loss on a>b"},
    {"expect fails delivered-once RCV-8", "expect fails delivered-once RCV-8"},
    {"expect state == opened in S at b", "expect state == opened in S at b"},
};

static void test_world_line_when_printed_then_canonical(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(print_rows) / sizeof(print_rows[0]); i++) {
        struct parsed parsed = parse_world(print_rows[i].line);
        if (parsed.script == NULL) {
            fail_msg("%s", parsed.errors);
        }
        assert_prints_the_same(parsed.script);
        char *text = print_script(parsed.script), *last = strstr(text, "count 3\n");
        assert_non_null(last);
        last += strlen("count 3\n");
        last[strlen(last) - 1] = '\0';
        assert_string_equal(last, print_rows[i].printed);
        free(text);
        parsed_free(&parsed);
    }
}

/* ---- what is refused ---- */

static const struct error_row {
    const char *line, *error; /* "line:column: error: text" */
} error_rows[] = {
    /* units */
    {"until 5", "10:8: error: a unit is missing right behind the number, one of: ns us ms s min h"},
    {"until 5 s",
     "10:8: error: a unit is missing right behind the number, one of: ns us ms s min h"},
    {"until ($n)", "10:11: error: a unit is missing right behind the number, one of: ns us ms s "
                   "min h"},
    {"until 5S", "10:8: error: unknown unit 'S', expected one of: ns us ms s min h"},
    {"link x rate 5MB", "10:14: error: unknown unit 'MB', expected one of: bit/s kbit/s Mbit/s "
                        "Gbit/s"},
    {"link x loss 0.00001%", "10:13: error: this is no whole number of ppm"},
    {"until 0.5ns", "10:7: error: this is no whole number of nanoseconds"},
    {"until 99999999999999999999s", "10:7: error: this number is too long"},
    {"until 9999999999999h", "10:7: error: this does not fit 64 bits"},
    {"until x", "10:7: error: expected a number with a unit (ns us ms s min h), found 'x'"},
    {"until", "10:6: error: expected a number with a unit (ns us ms s min h), found the end of the "
              "line"},
    {"until -1s", "10:7: error: at least 0ns expected here, found -1s"},
    /* ranges */
    {"link x loss 101%", "10:13: error: 0ppm to 100% expected here, found 101%"},
    {"link x overhead 2KB", "10:17: error: 0B to 1KiB expected here, found 2KB"},
    {"host c clock 60%", "10:14: error: -50% to 50% expected here, found 60%"},
    {"at 1s a close S 100", "10:17: error: 1 to 99 expected here, found 100"},
    {"link x rate 10000Gbit/s", "10:13: error: 0bit/s to 1000Gbit/s expected here, found "
                                "10000Gbit/s"},
    /* names */
    {"link a>c", "10:8: error: unknown host 'c'; there are: a b e"},
    {"at 1s bb crash", "10:7: error: unknown host 'bb'; there are: a b e"},
    {"at 1s a>e up", "10:7: error: unknown link 'a>e', did you mean 'a>b'?"},
    {"traffic a in T count 1", "10:14: error: unknown session 'T'; there are: S"},
    {"until ($m)s", "10:8: error: variable $m is not bound here"},
    {"until ($mtu)s", "10:8: error: variable $mtu is not bound here"},
    {"at 1s a send S $mtu", "10:16: error: variable $mtu is not bound here"},
    {"host a", "10:6: error: host 'a' is declared twice"},
    {"link b>a", "10:6: error: link 'b>a' is declared twice"},
    {"session S of a>b", "10:9: error: session 'S' is declared twice"},
    {"link a>a", "10:6: error: two different hosts are needed here"},
    {"at 1s a down", "10:1: error: 'down' is done to links, 'a' is a host"},
    {"at 1s a>b crash", "10:1: error: 'crash' is done to hosts, 'a>b' is a link"},
    /* words */
    {"hots c", "10:1: error: unknown statement 'hots', did you mean 'host'?"},
    {"5", "10:1: error: expected a statement (host, link, at, ...), found '5'"},
    {"link x dely 5ms", "10:8: error: unknown word 'dely', did you mean 'delay'?"},
    {"link x delay 5ms delay 6ms", "10:18: error: 'delay' is given twice"},
    {"seed 1\nseed 2", "11:1: error: 'seed' is given twice"},
    {"expect end drained x", "10:20: error: expected the end of the line, found 'x'"},
    {"expect end drain", "10:12: error: unknown word 'drain', did you mean 'drained'?"},
    {"expect", "10:7: error: expected a word that 'expect' may have, or the end of the line, found "
               "the end of the line"},
    {"expect bytes 5B", "10:14: error: expected one of == != < <= > >=, found '5'"},
    {"link x jitter 5ms", "10:15: error: expected uniform, exponential, normal, pareto, found '5'"},
    {"link x red 1KB drop 1%", "10:16: error: expected 'to', found 'drop'"},
    {"link x lose_nth 3 3", "10:19: error: these numbers must grow"},
    {"fault a>b data 0:0 loss", "10:20: error: unknown word 'loss', did you mean 'lost'?"},
    {"fault a>b dta 0:0 lost", "10:11: error: unknown opcode 'dta', did you mean 'data'?"},
    {"at 1s e -> b #x", "10:14: error: no PDU before this line is labelled #x"},
    {"at 1s e -> b data 0:0 peer=Q", "10:14: error: a PDU of a scripted host has no #label and no "
                                     "peer="},
    {"at 1s e -> b data *:0",
     "10:19: error: * stands for any WINDOW_ID:SEQ_NR: only what is expected (<-, ==) may have it"},
    {"on c data *:* -> data_ack *:*", "10:4: error: unknown host 'c'; there are: a b e"},
    {"on e dta *:* -> data_ack *:*", "10:6: error: unknown opcode 'dta', did you mean 'data'?"},
    {"on e data -> data_ack *:*", "10:11: error: expected a number or *, found '->'"},
    {"on e data *:*", "10:14: error: expected a word that 'on' may have, or the end of the line, "
                      "found the end of the line"},
    {"on e data *:* -> data_ack *:* {error_code=*}",
     "10:43: error: * stands for any number or text: only what is expected (<-, ==) may have it"},
    {"on e data *:* -> data_ack *:* peer=Q",
     "10:18: error: a PDU of a scripted host has no #label and no peer="},
    {"host c sut \"a\\0b\"", "10:12: error: a zero byte has no place here"},
};

static void test_world_line_when_bad_then_this_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
        struct parsed parsed = parse_world(error_rows[i].line);
        if (parsed.script != NULL) {
            fail_msg("'%s' parses", error_rows[i].line);
        }
        parsed.errors[strcspn(parsed.errors, "\n")] = '\0';
        assert_string_equal(parsed.errors + strlen("frame.sx:"), error_rows[i].error);
        parsed_free(&parsed);
    }
}

static void test_fields_of_every_clause_then_end_with_one_of_no_kinds(void **state)
{
    (void)state;
    for (const struct sx_statement_row *row = sx_statement_rows; row->word != NULL; row++) {
        assert_int_equal(row->head.fields[SX_FIELDS_MAX - 1].kinds, 0);
        for (const struct sx_clause_row *clause = row->clauses;
             clause != NULL && clause->word != NULL; clause++) {
            assert_int_equal(clause->fields[SX_FIELDS_MAX - 1].kinds, 0);
        }
    }
}

static void test_world_header_when_of_a_case_then_refused(void **state)
{
    (void)state;
    struct parsed parsed = parse_text("sx 1\nid frame\nrole sender\nworld\n");
    assert_null(parsed.script);
    assert_string_equal(parsed.errors,
                        "frame.sx:4:1: error: a script with 'world' has no 'role'\n  world\n  ^\n");
    parsed_free(&parsed);
    parsed = parse_text("sx 1\nid frame\nparam n in 1, 2\nworld\nhost a\n");
    assert_null(parsed.script);
    assert_non_null(strstr(parsed.errors, "parameter 'n' is never used"));
    parsed_free(&parsed);
}

/* ---- tapes ---- */

static bool tape_count(void *ctx, const struct sx_statement *statement)
{
    *(size_t *)ctx += statement->row->kind == SX_S_FAULT;
    return true;
}

#define TAPE_HEAD "tape 1\ncase \"frame\"\nseed 1\nhash 0x1 events 5\n"
static const struct tape_row {
    const char *text, *error; /* NULL: it is read */
} tape_rows[] = {
    {TAPE_HEAD "fault a>b data 0:0 lost\nfault b>a raw copies 2\nend 2 faults\n", NULL},
    {TAPE_HEAD "\n# a comment\nend 0 faults\n", NULL},
    {"", "tape:1:1: error: the tape is cut: its last line must be 'end N faults'"},
    {"sx 1\n", "tape:1:1: error: this is no tape: expected 'tape 1' as the first line"},
    {"\x01\x02", "tape:1:1: error: stray byte 0x01"},
    {"tape 2\n", "tape:1:1: error: this tape is of version 2, this program reads version 1"},
    {TAPE_HEAD "fault a>b data 0:0 lost\n",
     "tape:5:1: error: the tape is cut: its last line must be 'end N faults'"},
    {TAPE_HEAD "fault a>b data 0:0 lo",
     "tape:5:20: error: unknown word 'lo'; there are: lost red_drop copies flip truncate extend "
     "delay swap jump"},
    {TAPE_HEAD "end 1 faults\n",
     "tape:5:1: error: the tape is cut: it ends with 1 faults, 0 were read"},
    {TAPE_HEAD "end 0 faults\nseed 2\n", "tape:6:1: error: 'seed' is given twice"},
    {TAPE_HEAD "end 0 faults\nfault a>b raw lost\n",
     "tape:6:1: error: nothing may stand behind 'end'"},
    {TAPE_HEAD "fault a>c data 0:0 lost\n",
     "tape:5:7: error: unknown link 'a>c', did you mean 'a>b'?"},
    {TAPE_HEAD "host c\n", "tape:5:1: error: unknown statement 'host', did you mean 'hash'?"},
};

static void test_tape_when_read_then_whole_or_told(void **state)
{
    (void)state;
    struct parsed world = parse_world("");
    for (size_t i = 0; i < sizeof(tape_rows) / sizeof(tape_rows[0]); i++) {
        const struct tape_row *row = &tape_rows[i];
        char *errors;
        size_t size, faults = 0;
        FILE *out = open_memstream(&errors, &size);
        bool ok = sx_parse_tape("tape", row->text, strlen(row->text), world.script->world,
                                tape_count, &faults, out);
        fclose(out);
        assert_int_equal(ok, row->error == NULL);
        assert_int_equal(ok && i == 0 ? 2 : 0, ok ? faults : 0);
        errors[strcspn(errors, "\n")] = '\0';
        assert_string_equal(errors, row->error == NULL ? "" : row->error);
        free(errors);
    }
    parsed_free(&world);
}

/* Long tapes give their memory back on the way; a fault behind a thousand lines is still read. */
static void test_tape_when_long_then_read(void **state)
{
    (void)state;
    enum { FAULTS = 5000 };
    struct parsed world = parse_world("");
    char *text, *errors;
    size_t size, error_size, faults = 0;
    FILE *tape = open_memstream(&text, &size), *out = open_memstream(&errors, &error_size);

    fputs(TAPE_HEAD, tape);
    for (int i = 0; i < FAULTS; i++) {
        fprintf(tape, "fault a>b data %d:0 in S[1] lost\n", i);
    }
    fprintf(tape, "end %d faults\n", FAULTS);
    fclose(tape);
    assert_true(sx_parse_tape("tape", text, size, world.script->world, tape_count, &faults, out));
    fclose(out);
    assert_int_equal(faults, FAULTS);
    free(errors);
    free(text);
    parsed_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_line_when_printed_then_canonical),
        cmocka_unit_test(test_world_line_when_bad_then_this_is_said),
        cmocka_unit_test(test_fields_of_every_clause_then_end_with_one_of_no_kinds),
        cmocka_unit_test(test_world_header_when_of_a_case_then_refused),
        cmocka_unit_test(test_tape_when_read_then_whole_or_told),
        cmocka_unit_test(test_tape_when_long_then_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
