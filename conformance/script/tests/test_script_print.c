/* Good scripts: each kind of line with the canonical form it prints as, the header with what it
 * implies, whole files, and the examples of SX.md.
 * SPDX-License-Identifier: MIT */
#include "script_test.h"

#define DATA_DIR SIPC_SOURCE_DIR "/conformance/script/tests/data/"

struct line_row {
    const char *written;
    const char *printed; /* NULL: the same */
};

static const struct line_row line_rows[] = {
    /* PDUs out */
    {"-> data 0:0", NULL},
    {"->  data\t0 : 0   # a comment", "# a comment\n-> data 0:0"},
    {"-> data_ack 9E15:0 {is_window_full error_code=252}", NULL},
    {"-> close 1:0 {abort_code=1} session=S2 peer=Q",
     "-> close 1:0 session=S2 peer=Q {abort_code=1}"},
    {"-> opcode(3) 0:0", "-> close 0:0"},
    {"-> opcode(0x7e) 0:0", "-> opcode(126) 0:0"},
    {"-> opcode($n + 6) 0:0", "-> opcode($n+6) 0:0"},
    {"-> data -1:-5", NULL},
    {"-> data ($n+1)*2:$n%3", NULL},
    {"-> data 0:0 {first_in_window_group=true last_in_window=false skip=\"TRUE\"}",
     "-> data 0:0 {first_in_window_group last_in_window=false skip=\"TRUE\"}"},
    {"-> data 0:0 {max_window_size=\"+7\" max_window_size=7 trace_id=\"t\" idle_timeout=-1}", NULL},
    {"-> data 0:0 {\"x\"=\"y\" \"\"=hex:00ff \"x\"=$t \"big\"=bytes(300)}", NULL},
    {"-> data 0:0 {idle_timeout=$n error_code=$t skip=$n}", NULL},
    {"-> data 0:0 options hex:0001 \"abc\"", NULL},
    {"-> data 0:0 \"\"", NULL},
    {"-> data 0:0 \"\\n\\r\\t\\0\\\\\\\"\\x41\\xc3\\xbc\\xff\"",
     "-> data 0:0 \"\\n\\r\\t\\0\\\\\\\"A\xc3\xbc\\xff\""},
    {"-> data 0:0 hex:00FF", "-> data 0:0 hex:00ff"},
    {"-> data 0:0 bytes(100)", NULL},
    {"-> data 0:0 bytes( 65500 - 57 , $n )", "-> data 0:0 bytes(65500-57, $n)"},
    {"-> data 0:0 $t", NULL},
    {"-> data 0:0 session_id=000102030405060708090a0b0c0d0e0F000102030405060708090a0b0c0d0e0f",
     "-> data 0:0 session_id=000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"},
    {"-> data 0:0 \"a\" tamper length=$length+1 tamper prefix tamper truncate=10 "
     "tamper append=hex:00 tamper byte[$length-1]=255 #a",
     NULL},
    {"-> raw hex:00ff peer=Q #r", NULL},
    {"-> raw \"\"", NULL},
    {"-> #out", NULL},
    {"-> #out peer=Q", NULL},
    /* PDUs in */
    {"<- data *:*", NULL},
    {"<- data $w:$w+1 {*} *", NULL},
    {"<- data ($w):0 {} \"a\"", "<- data $w:0 \"a\""},
    {"<- data 0:0 {skip? skip?=true last_in_window?=false is_window_full=*}", NULL},
    {"<- data 0:0 {max_window_size?=16 error_code=$w abort_code? \"q\"? \"r\"?=\"s\" \"t\"=* *}",
     NULL},
    {"<- data 0:$n *", NULL},
    {"<- #out #again [WID-7]", NULL},
    {"<- data 1:0 #b after 1T [WID-7 RCV-9]", NULL},
    {"<- data 1:0 within 1.5T - 0.25T + 2*linger", NULL},
    {"maybe <- data *:* {*} *", NULL},
    {"any {\n<- data 1:0\n<- data 2:0 [WID-3]\n}",
     "any {\n    <- data 1:0\n    <- data 2:0 [WID-3]\n}"},
    {"one_of {\n<- data 1:0 #c\nwait 1T\nor\n== deliver *\n<- data 2:0 #c\n}\n<- #c",
     "one_of {\n    <- data 1:0 #c\n    wait 1T\nor\n    == deliver *\n    <- data 2:0 #c\n}\n<- "
     "#c"},
    {"one_of {\n    <- data $v:0\nor\n    == deliver *\n    let v = 1\n}\ncheck $v == 1", NULL},
    {"any {\n    maybe <- data 1:0\n    <- data 2:0\n}", NULL},
    {"any {\n    <- data $v:0\n    <- data $v:1\n}\ncheck $v == 1", NULL},
    {"when $n == 1 or $t != x { # why\n-> data 0:0\n}",
     "# why\nwhen $n == 1 or $t != x {\n    -> data 0:0\n}"},
    {"when $n*2 >= $mtu-5 or $t == \"a b\" {\n    -> data 0:0\n    when $n < 1 {\n        wait "
     "1T\n    "
     "}\n}",
     NULL},
    {"when $n == 1 {\n    do send \"\" as k skip\n    <- data $v:0 #a\n}\n"
     "when $n != 1 {\n    do send \"\" as k\n    <- data $v:1 #a\n}\n"
     "-> #a\n== result k ok\ncheck $v > 1",
     NULL},
    {"when $t == or or $t == hex:61 {\n    wait 1T\n}",
     "when $t == or or $t == a {\n    wait 1T\n}"},
    {"repeat $n + 2 { # why\n-> data $i:0\n}", "# why\nrepeat $n+2 {\n    -> data $i:0\n}"},
    /* events */
    {"== deliver \"a\"", NULL},
    {"== deliver * {\"a\"=\"b\" \"c\"? *} session=S2 within 2T",
     "== deliver * session=S2 {\"a\"=\"b\" \"c\"? *} within 2T"},
    {"== result m ok", NULL},
    {"== result m peer_error 250", NULL},
    {"== result m * *", NULL},
    {"== result m closed -2 after 1*open_timeout", NULL},
    {"== state opened", NULL},
    {"== state disposed cause=-2 session=S2", "== state disposed session=S2 cause=-2"},
    /* commands */
    {"do open", NULL},
    {"do open session=S2 peer=Q idle_timeout=500", NULL},
    {"do preset next=9E15 acked=9E15-1 min=-1 processed", NULL},
    {"do send bytes(10) as k skip session=S2 {\"x\"=\"y\" trace_id=\"z\"}", NULL},
    {"do send_unreliable \"\" as k", NULL},
    {"do close 1 as c", NULL},
    {"do close $n+1 as c session=S2", NULL},
    {"do dispose", NULL},
    {"do dispose -2 session=S2", NULL},
    {"do shutdown", NULL},
    {"do shutdown grace=0T", NULL},
    {"do shutdown grace=1T", NULL},
    {"do sent #in ok", NULL},
    {"do sent #in failed", NULL},
    /* time, checks, variables */
    {"wait 0.001T", NULL},
    {"wait 0.120*ack_timeout", "wait 0.12T"},
    {"quiet 1*idle_timeout+1*linger-0.5*open_timeout",
     "quiet 1*idle_timeout + 1*linger - 0.5*open_timeout"},
    {"check $w + 1 <= 9E15 - -1 [WID-10]", "check $w+1 <= 9E15--1 [WID-10]"},
    {"check $w - (1 - 2) > -(3 * 4) - -$n", "check $w-(1-2) > -(3*4)--$n"},
    {"check (($w))*(2+3)/4 != size(\"abc\")", "check $w*(2+3)/4 != size(\"abc\")"},
    {"check opcode(#in) == 1", NULL},
    {"check size(#in)+size(bytes(5)) < $mtu", NULL},
    {"check 5<-1-$w", "check 5 < -1-$w"},
    {"check data #in #out == bytes(10)", NULL},
    {"check size #in <= 1400", NULL},
    {"let k = $n * 1000000\ncheck $k > -9223372036854775808",
     "let k = $n*1E6\ncheck $k > -9223372036854775808"},
    {"-> data 1:0 \"\\xc3\\xa9\"", "-> data 1:0 \"\xc3\xa9\""},
    {"-> data 1:0 \"\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80\"",
     "-> data 1:0 \"\\xc0\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80\""},
    {"eof", NULL},
    {"eof peer=Q within 3T", NULL},
};

/* What stands between the frame and the final quiet. */
static char *printed_lines(const struct sx_script *script)
{
    char *text = print_script(script);
    const char *from = strstr(text, "\ntest\n");
    assert_non_null(from);
    from += strlen("\ntest\n");
    const char *to = strstr(from, "\nquiet 1T\n");
    assert_non_null(to);
    char *copy = strndup(from, (size_t)(to - from));
    free(text);
    return copy;
}

static void test_script_print_when_a_line_is_good_then_it_has_this_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(line_rows) / sizeof(line_rows[0]); i++) {
        const struct line_row *row = &line_rows[i];
        struct parsed parsed = parse_line(row->written);
        if (parsed.script == NULL) {
            fail_msg("%s", parsed.errors);
        }
        char *printed = printed_lines(parsed.script);
        assert_string_equal(printed, row->printed != NULL ? row->printed : row->written);
        assert_prints_the_same(parsed.script);
        free(printed);
        parsed_free(&parsed);
    }
}

/* ---- the header ---- */

struct header_row {
    const char *lines; /* of the header, or a step */
    const char *needs; /* those implied */
};

static const struct header_row header_rows[] = {
    {"role sender\ntest", ""},
    {"role sender\nneeds stream\nneeds state send\ntest", " send state stream"},
    {"role sender\nset mtu = 512\ntest", ""},
    {"role sender\nset idle_timeout_ms = 2*$ack_timeout_ms\ntest", " idle_timeout"},
    {"role sender\nset idle_timeout_ms = 0\ntest", ""},
    {"role sender\nset idle_timeout_ms = -1\ntest", ""},
    {"role sender\nset enquire_link_interval_ms = 1000\ntest", " enquire_link"},
    {"role sender\nset enquire_link_interval_ms = 0\ntest", ""},
    {"role sender\nset linger_ms = 0\ntest", " linger"},
    {"role sender\nset max_remote_idle_timeout_ms = 5\ntest", " idle_timeout"},
    {"role sender\nset attribute_limit = 5\ntest", " attributes"},
    {"role sender\nset accept = false\ntest", " endpoint"},
    {"role sender\nset max_sessions = 2\ntest", " endpoint"},
    {"role sender\nset unreliable_queue = 2\ntest", " send_unreliable"},
    {"role sender\nset aftermath = auto\ntest", ""},
    {"role sender\nset aftermath = manual\ntest", " aftermath"},
    {"role sender\nparam w in auto, manual\nset aftermath = $w\ntest", " aftermath"},
    {"role sender\nparam w in false, true\nset accept = $w\ntest", " endpoint"},
    {"role sender\nset network = stream\ntest", " stream"},
    {"role sender\nset network = datagram\ntest", " datagram"},
    {"role sender\ntest\ndo open", ""},
    {"role sender\ntest\ndo open idle_timeout=5", " idle_timeout"},
    {"role sender\ntest\ndo open idle_timeout=0", ""},
    {"role sender\ntest\ndo send \"\" as m", " send"},
    {"role sender\ntest\ndo send \"\" as m skip", " send skip"},
    {"role sender\ntest\ndo send \"\" as m {\"a\"=\"b\"}", " attributes send"},
    {"role sender\ntest\ndo send_unreliable \"\" as m", " send_unreliable"},
    {"role sender\ntest\ndo close 1 as m", " close"},
    {"role sender\ntest\ndo close 2 as m", " force_close"},
    {"role sender\nparam c in 2, 99\ntest\ndo close $c as m", " force_close"},
    {"role sender\nparam c in 1, 2\ntest\ndo close $c as m", " close force_close"},
    {"role sender\nparam c in 1, 2\ntest\ndo close $c+1 as m", " close force_close"},
    {"role sender\ntest\ndo dispose", " dispose"},
    {"role sender\ntest\ndo shutdown", " shutdown"},
    {"role sender\ntest\ndo preset next=5", " preset"},
    {"role sender\ntest\n== state opened", " state"},
    {"role sender\ntest\n== deliver \"\"", ""},
    {"role sender\ntest\n== deliver \"\" {\"a\"=\"b\"}", " attributes"},
    {"role sender\ntest\neof", " stream"},
};

static void test_script_header_when_lines_imply_needs_then_the_script_has_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(header_rows) / sizeof(header_rows[0]); i++) {
        char text[512], needs[256] = "";
        snprintf(text, sizeof(text), "sx 1\nid frame\nrules WID-3\n%s\nquiet 1T\n",
                 header_rows[i].lines);
        struct parsed parsed = parse_text(text);
        if (parsed.script == NULL) {
            fail_msg("%s", parsed.errors);
        }
        for (size_t k = 0; k < parsed.script->need_count; k++) {
            strcat(strcat(needs, " "), parsed.script->needs[k]);
        }
        if (strcmp(needs, header_rows[i].needs) != 0) {
            fail_msg("'%s' needs '%s', not '%s'", header_rows[i].lines, header_rows[i].needs,
                     needs);
        }
        bool control = strstr(text, "\nset ") || strstr(text, "\ndo ") || strstr(text, "\n== ");
        assert_int_equal(parsed.script->needs_control, control);
        assert_prints_the_same(parsed.script);
        parsed_free(&parsed);
    }
}

static void test_script_header_when_read_then_every_item_is_there(void **state)
{
    static const char text[] = "# A story,\n#   told.\nsx 1 # and more\nid frame\n"
                               "rules WID-3 RCV-8a\nrole receiver\ntags live x\n"
                               "param a in 1, 0x10, -2*3\n"
                               "param b in \"x y\", word, hex:6162\nset network = stream\n"
                               "set mtu = 500+$a\nallow close enquire_link\ntest\n"
                               "-> data $a:0 $b\nquiet 1T\n";
    struct parsed parsed = parse_text(text);
    (void)state;
    assert_non_null(parsed.script);
    const struct sx_script *script = parsed.script;
    assert_string_equal(script->story, "A story,\n  told.\nand more\n");
    assert_int_equal(script->role, SX_ROLE_RECEIVER);
    assert_int_equal(script->rule_count, 2);
    assert_int_equal(script->rules[1], SIPC_RULE_RCV_8a);
    assert_int_equal(script->tag_count, 2);
    assert_string_equal(script->tags[0], "live");
    assert_int_equal(script->setting_count, 2);
    assert_string_equal(script->settings[0].word, "stream");
    assert_int_equal(script->settings[1].line, 11);
    assert_int_equal(script->param_count, 2);
    assert_int_equal(script->params[0].values[2].number, -6);
    assert_memory_equal(script->params[1].values[2].bytes.data, "ab", 2);
    assert_int_equal(script->allow_count, 2);
    assert_int_equal(script->allow[1], SIPC_ENQUIRE_LINK);
    assert_int_equal(script->case_count, 9);
    assert_int_equal(script->line_count, 15);
    assert_string_equal(script->lines[13], "-> data $a:0 $b");
    assert_int_equal(script->test.count, 2);
    assert_int_equal(script->test.steps[1].line, 15);
    parsed_free(&parsed);
}

static void test_script_when_lines_end_in_cr_lf_then_it_reads_the_same(void **state)
{
    struct parsed parsed =
        parse_text("sx 1\r\nid frame\r\nrules WID-3\r\nrole sender\r\ntest\r\nquiet 1T\r\n");
    (void)state;
    assert_non_null(parsed.script);
    assert_string_equal(parsed.script->lines[5], "quiet 1T");
    parsed_free(&parsed);
}

/* ---- files ---- */

static void test_script_file_when_all_of_the_language_is_used_then_it_prints_as_kept(void **state)
{
    size_t size, errors;
    struct sx_script *script = sx_parse_file(DATA_DIR "tour.sx", stderr, &errors);
    char *kept = read_text(DATA_DIR "tour.printed", &size);
    (void)state;
    assert_non_null(script);
    char *printed = print_script(script);
    assert_string_equal(printed, kept);
    assert_prints_the_same(script);
    sx_script_free(script);
    free(printed);
    free(kept);
}

static void test_script_document_when_it_shows_scripts_then_they_parse(void **state)
{
    size_t size, count = 0;
    char *text = read_text(SIPC_SOURCE_DIR "/conformance/script/SX.md", &size);
    (void)state;
    for (char *at = text; (at = strstr(at, "```\n")) != NULL;) {
        char *start = at + 4, *end = strstr(start, "```\n");
        assert_non_null(end);
        *end = '\0';
        at = end + 4;
        if (strstr(start, "sx      1\n") == NULL) {
            continue;
        }
        char path[64];
        assert_int_equal(sscanf(strstr(start, "\nid ") + 1, "id %55s", path), 1);
        struct parsed parsed = parse_bytes(strcat(path, ".sx"), start, strlen(start));
        if (parsed.script == NULL) {
            fail_msg("SX.md: %s", parsed.errors);
        }
        assert_prints_the_same(parsed.script);
        parsed_free(&parsed);
        count++;
    }
    assert_true(count >= 2);
    free(text);
}

static void test_script_file_when_it_cannot_be_read_then_it_says_why(void **state)
{
    char *text;
    size_t size, count = 0;
    (void)state;
    FILE *errors = open_memstream(&text, &size);
    assert_null(sx_parse_file("/nowhere/x.sx", errors, &count));
    assert_null(sx_parse_file("/", errors, NULL));
    fclose(errors);
    assert_string_equal(text, "/nowhere/x.sx: error: cannot read it: No such file or directory\n"
                              "/: error: cannot read it: Is a directory\n");
    assert_int_equal(count, 1);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_print_when_a_line_is_good_then_it_has_this_form),
        cmocka_unit_test(test_script_header_when_lines_imply_needs_then_the_script_has_them),
        cmocka_unit_test(test_script_header_when_read_then_every_item_is_there),
        cmocka_unit_test(test_script_when_lines_end_in_cr_lf_then_it_reads_the_same),
        cmocka_unit_test(test_script_file_when_all_of_the_language_is_used_then_it_prints_as_kept),
        cmocka_unit_test(test_script_document_when_it_shows_scripts_then_they_parse),
        cmocka_unit_test(test_script_file_when_it_cannot_be_read_then_it_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
