/* Bad scripts: each with the exact message. Lines are numbered as in the frame of script_test.h.
 * SPDX-License-Identifier: MIT */
#include "script_test.h"

struct error_row {
    const char *line;
    const char *error; /* "line:column: error: text"; of the first error */
};

/* ---- one line of steps ---- */

static const struct error_row step_rows[] = {
    /* words */
    {"quite 1T", "15:1: error: unknown step 'quite', did you mean 'quiet'?"},
    {"-> dat 0:0", "15:4: error: unknown opcode 'dat', did you mean 'data'?"},
    {"-> foobar 0:0",
     "15:4: error: unknown opcode 'foobar'; there are: data data_ack close close_ack "
     "enquire_link enquire_link_ack opcode raw"},
    {"do sent_unreliable \"\" as x",
     "15:4: error: unknown command 'sent_unreliable', did you mean 'send_unreliable'?"},
    {"== deliverd \"\"", "15:4: error: unknown event 'deliverd', did you mean 'deliver'?"},
    {"== state opned", "15:10: error: unknown state 'opned', did you mean 'opened'?"},
    {"== result m timeuot", "15:13: error: unknown outcome 'timeuot', did you mean 'timeout'?"},
    {"-> data 0:0 {last_in_windw}",
     "15:14: error: unknown option 'last_in_windw', did you mean 'last_in_window'?"},
    {"-> data 0:0 {s_00=\"True\"}",
     "15:14: error: names as on the wire are written in quotes: \"s_00\""},
    {"-> data 0:0 tamper lenght=5",
     "15:20: error: unknown tampering 'lenght', did you mean 'length'?"},
    {"-> data 0:0 sesion=S2", "15:13: error: unknown 'sesion', did you mean 'session'?"},
    {"-> data 0:0 session S2", "15:13: error: 'session' needs '=' right behind it"},
    {"quiet 1T [WID-33]", "15:11: error: unknown rule 'WID-33', did you mean 'WID-3'?"},
    {"quiet 1T [XYZ-1]",
     "15:11: error: unknown rule 'XYZ-1'; the rules are in conformance/RULES.md"},
    {"quiet 1T [wid-3]", "15:11: error: unknown rule 'wid-3', did you mean 'WID-3'?"},
    /* what was expected, what was found */
    {"5", "15:1: error: expected a step (->, <-, ==, do, ...), found '5'"},
    {"->", "15:3: error: expected an opcode or #label, found the end of the line"},
    {"-> data", "15:8: error: expected WINDOW_ID:SEQ_NR, found the end of the line"},
    {"-> data 5", "15:10: error: expected ':' and a seq_nr, found the end of the line"},
    {"-> data 5:", "15:11: error: expected seq_nr, found the end of the line"},
    {"-> data 5:x", "15:11: error: expected seq_nr, found 'x'"},
    {"-> opcode 7 0:0", "15:11: error: expected '(', found '7'"},
    {"-> data 0:0 ]",
     "15:13: error: expected 'session=', 'peer=', 'session_id=', {...}, 'options', "
     "data, 'tamper', #label, [RULE] or the end of the line, found ']'"},
    {"-> data 0:0 {\"a\"}", "15:14: error: this option needs a value: =VALUE"},
    {"<- data 0:0 {error_code}",
     "15:14: error: this option needs a value: =VALUE, =* for any, or ? if it may be missing"},
    {"<- data 0:0 {error_code=}",
     "15:25: error: expected a number, $name, size(...), opcode(#label) or '(', found '}'"},
    {"-> data 0:0 {skip",
     "15:18: error: expected an option, \"name\"= or '}', found the end of the line"},
    {"<- data 0:0 {skip,", "15:18: error: expected an option, \"name\"=, * or '}', found ','"},
    {"-> data 0:0 {skip=2}", "15:19: error: expected true, false or a text"},
    {"-> data 0:0 {trace_id=5}",
     "15:23: error: expected data (\"text\", hex:..., bytes(N) or $name), found '5'"},
    {"-> data 0:0 session_id=00ff", "15:24: error: expected 64 hex digits, found '00ff'"},
    {"-> data 0:0 options \"a\"", "15:21: error: expected hex:..., found '\"a\"'"},
    {"-> data 0:0 tamper length", "15:26: error: expected '=', found the end of the line"},
    {"-> data 0:0 tamper byte=5", "15:24: error: expected '[', found '='"},
    {"-> raw",
     "15:7: error: expected data (\"text\", hex:..., bytes(N) or $name), found the end of "
     "the line"},
    {"maybe -> data 0:0", "15:7: error: expected '<-', found '->'"},
    {"any", "15:4: error: expected '{', found the end of the line"},
    {"do", "15:3: error: expected a command (open, send, ...), found the end of the line"},
    {"do send \"a\"", "15:12: error: expected 'as', found the end of the line"},
    {"do send as k", "15:13: error: expected data, found the end of the line"},
    {"do close as k", "15:14: error: expected a code, found the end of the line"},
    {"do preset min=5", "15:16: error: expected 'next=', found the end of the line"},
    {"do sent #in", "15:12: error: expected 'ok' or 'failed', found the end of the line"},
    {"do sent m ok", "15:9: error: expected the #label of a PDU of the SUT, found 'm'"},
    {"== result m", "15:12: error: expected an outcome or *, found the end of the line"},
    {"check $w",
     "15:9: error: expected an operator or one of == != < <= > >=, found the end of the "
     "line"},
    {"check $w = 1", "15:10: error: expected an operator or one of == != < <= > >=, found '='"},
    {"check data == \"\"", "15:12: error: expected a #label, found '=='"},
    {"check data #in = \"\"", "15:16: error: expected a #label or '==', found '='"},
    {"check size in == 1", "15:12: error: expected a #label, found 'in'"},
    {"let $x = 5", "15:5: error: expected a variable's name (without $), found '$x'"},
    {"let x 5", "15:7: error: expected '=', found '5'"},
    {"check 2+ == $w",
     "15:10: error: expected a number, $name, size(...), opcode(#label) or '(', found '=='"},
    {"check (1 2) == $w", "15:10: error: expected an operator or ')', found '2'"},
    {"-> data 0:0 bytes(5", "15:20: error: expected ')', found the end of the line"},
    {"wait 1T 2T", "15:9: error: expected [RULE] or the end of the line, found '2'"},
    {"quiet 1T []", "15:11: error: expected a rule such as WID-3, found ']'"},
    {"quiet 1T [WID-3", "15:16: error: expected a rule or ']', found the end of the line"},
    {"quiet 1T [WID-3] x", "15:18: error: expected the end of the line, found 'x'"},
    {"quiet 1T abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
     "15:10: error: expected [RULE] or the end of the line, found "
     "'abcdefghijklmnopqrstuvwxyzabcdef...'"},
    /* given twice, excluding each other, out of range */
    {"-> data 0:0 peer=A peer=B", "15:20: error: peer is given twice"},
    {"-> data 0:0 \"a\" \"b\"", "15:17: error: data is given twice"},
    {"<- data 0:0 {* *}", "15:16: error: '*' is given twice"},
    {"-> data 0:0 session=A session_id="
     "0000000000000000000000000000000000000000000000000000000000000000",
     "15:1: error: session= and session_id= exclude each other"},
    {"-> data 0:0 {skip} options hex:00", "15:1: error: {...} and options hex: exclude each other"},
    {"-> opcode(256) 0:0", "15:4: error: an opcode is 0..255"},
    {"do close 0 as k", "15:10: error: a close code is 1..99"},
    {"do close 100 as k", "15:10: error: a close code is 1..99"},
    {"repeat 0 {\n-> data 0:0\n}", "15:8: error: repeat 1..100000 times"},
    {"repeat 100001 {\n-> data 0:0\n}", "15:8: error: repeat 1..100000 times"},
    /* * and ? only where something is expected */
    {"-> data *:0",
     "15:9: error: * stands for any WINDOW_ID:SEQ_NR: only what is expected (<-, ==) "
     "may have it"},
    {"-> data 0:0 *",
     "15:13: error: * stands for any data: only what is expected (<-, ==) may have it"},
    {"-> data 0:0 {skip?}",
     "15:18: error: ? means may be there: only what is expected (<-, ==) may have it"},
    {"-> data 0:0 {*}", "15:14: error: expected an option, \"name\"= or '}', found '*'"},
    {"<- raw hex:00", "15:4: error: 'raw' is for ->; expect a PDU by its fields or by #label"},
    {"<- data *:* {*} *",
     "15:1: error: this takes any PDU of that opcode: name a field, or give it "
     "a #label to check later"},
    {"check 1+1 == 2", "15:7: error: this compares constants: it says nothing about the SUT"},
    /* numbers, texts */
    {"-> data 9223372036854775808:0",
     "15:9: error: expected a number within 64 bits, found '9223372036854775808'"},
    {"-> data 0x:0", "15:9: error: expected a number within 64 bits, found '0x'"},
    {"-> data 9E19:0", "15:9: error: expected a number within 64 bits, found '9E19'"},
    {"-> data 1/0:0", "15:9: error: division by zero"},
    {"-> data 9E18+9E18:0",
     "15:9: error: 9000000000000000000 + 9000000000000000000 does not fit 64 bits"},
    {"-> data 0:0 \"abc", "15:13: error: this text has no closing quote"},
    {"-> data 0:0 \"a\\q\"",
     "15:15: error: unknown escape; there are \\n \\r \\t \\0 \\\\ \\\" and "
     "\\xHH"},
    {"-> data 0:0 \"a\\x4\"",
     "15:15: error: unknown escape; there are \\n \\r \\t \\0 \\\\ \\\" and "
     "\\xHH"},
    {"-> data 0:0 \"\xff\"", "15:14: error: byte 0xff in a text must be written \\xff"},
    {"-> data 0:0 \"\t\"", "15:14: error: byte 0x09 in a text must be written \\x09"},
    {"-> data 0:0 hex:0", "15:13: error: hex: needs an even number of digits, found 1"},
    {"-> data 0:0 hex:0g", "15:18: error: 'g' is no hex digit"},
    {"-> data 0:0 @", "15:13: error: stray character '@'"},
    {"-> data 0:0 \xc3\xbc", "15:13: error: stray byte 0xc3"},
    {"-> data 0:0 #5", "15:13: error: expected a label (#name) or a comment (# and a blank)"},
    /* times */
    {"quiet",
     "15:6: error: expected a time such as 1T, 1.5T or 2*linger, found the end of the line"},
    {"quiet 100ms",
     "15:7: error: expected a time such as 1T, 1.5T or 2*linger, found '100ms'; there "
     "are no bare milliseconds"},
    {"quiet 1",
     "15:7: error: expected a time such as 1T, 1.5T or 2*linger, found '1'; there are no "
     "bare milliseconds"},
    {"quiet 1.2345T", "15:7: error: expected a time such as 1T, 1.5T or 2*linger, found '1.2345T'; "
                      "there are no bare milliseconds"},
    {"quiet 1*linge", "15:9: error: unknown timeout 'linge', did you mean 'linger'?"},
    {"quiet 0T", "15:7: error: this time must be over 0"},
    {"quiet 1T - 1T", "15:7: error: this time must be over 0"},
    {"do shutdown grace=1T-2T", "15:19: error: this time must be at least 0"},
    {"quiet 1000001T", "15:7: error: a time has at most 1000000 units"},
    {"quiet 2*enquire_link_interval", "15:7: error: enquire_link_interval is off unless the header "
                                      "has 'set enquire_link_interval_ms = ...'"},
    /* names */
    {"-> data $x:0", "15:9: error: variable $x is not bound here"},
    {"let total = $n\ncheck $totla == 3",
     "16:7: error: variable $totla is not bound here, did you mean $total?"},
    {"-> data $t:0", "15:9: error: expected a number, $t is a text"},
    {"-> data 0:0 $n", "15:13: error: expected a text, $n is a number"},
    {"-> data 0:0 $mtu", "15:13: error: expected a text, $mtu is a number"},
    {"-> data $i:0", "15:9: error: $i counts the turns of 'repeat': there is none here"},
    {"-> data $length:0", "15:9: error: $length is only known in 'tamper'"},
    {"-> data $aftermath:0", "15:9: error: variable $aftermath is not bound here"},
    {"<- data $x:0", "15:9: error: $x is bound here but never used; write * if any value will do"},
    {"<- data $t:0", "15:9: error: expected a number, $t is a text"},
    {"let x = 5", "15:5: error: $x is bound here but never used; write * if any value will do"},
    {"let n = 5", "15:5: error: $n is a parameter: it cannot be changed"},
    {"let mtu = 5", "15:5: error: $mtu is a setting: choose another name"},
    {"let i = 5", "15:5: error: $i is the language's own: choose another name"},
    {"let seed = 5", "15:5: error: $seed is the language's own: choose another name"},
    {"-> #nope", "15:4: error: no PDU before this line is labelled #nope"},
    {"-> data 0:0 #in", "15:13: error: label #in is given twice, first in line 12"},
    {"-> data 0:0 bytes(size(#x)) #x", "15:24: error: no PDU before this line is labelled #x"},
    {"do sent #out ok", "15:9: error: #out was sent by the harness; a PDU of the SUT is needed"},
    {"do send \"\" as m", "15:15: error: operation m is given twice, first in line 10"},
    {"== result k ok", "15:11: error: no 'do' before this line is labelled 'as k'"},
    /* blocks */
    {"}", "15:1: error: '}' closes nothing"},
    {"one_of {\n<- data 1:0", "15:1: error: this block is never closed with '}'"},
    {"any {\n}", "16:1: error: this block is empty"},
    {"any {\n  -> data 1:0\n}",
     "16:3: error: 'any' holds only '<-' and 'maybe <-'; is its '}' missing?"},
    {"any {\n<- data 1:0\nor\n<- data 2:0\n}", "17:1: error: 'or' belongs into 'one_of'"},
    {"one_of {\nmaybe <- data 1:0\n}",
     "16:1: error: a block of 'one_of' begins with '<-' or '==', by which it is chosen"},
    {"one_of {\n<- dat 1:0\n-> data 0:0\n}",
     "16:4: error: unknown opcode 'dat', did you mean 'data'?"},
    {"one_of {\nwait 1T\n}",
     "16:1: error: a block of 'one_of' begins with '<-' or '==', by which it is chosen"},
    {"or",
     "15:1: error: unknown step 'or'; there are: -> <- maybe any one_of repeat when == do wait "
     "quiet check let eof"},
    {"when {\nwait 1T\n}",
     "15:6: error: expected a number, $name, size(...), opcode(#label) or '(', found '{'"},
    {"when $n {\nwait 1T\n}",
     "15:9: error: expected an operator or one of == != < <= > >=, found '{'"},
    {"when $n == 1", "15:13: error: expected '{', found the end of the line"},
    {"when 1 == 1 {\nwait 1T\n}",
     "15:6: error: this compares constants: it always, or never, holds"},
    {"when $t < x {\nwait 1T\n}", "15:9: error: texts are compared with == or !="},
    {"when $t == 1 {\nwait 1T\n}", "15:12: error: expected a word or text, found '1'"},
    {"when $n == x {\nwait 1T\n}",
     "15:12: error: expected a number, $name, size(...), opcode(#label) or '(', found 'x'"},
    {"when $n == 1 or {\nwait 1T\n}",
     "15:17: error: expected a number, $name, size(...), opcode(#label) or '(', found '{'"},
    {"when $n == 1 {\n}", "16:1: error: this block is empty"},
    {"when $n == 1 {\n<- data 1:0 #a\n<- data 1:1 #a\n}",
     "17:13: error: label #a is given twice, first in line 16"},
    {"<- data 1:0 #a\nwhen $n == 1 {\n<- data 1:1 #a\n}",
     "17:13: error: label #a is given twice, first in line 15"},
    {"when $k == 1 {\nwait 1T\n}", "15:6: error: variable $k is not bound here"},
    {"any {\n<- data 1:0 #a\n<- #a\n}", "17:4: error: no PDU before this line is labelled #a"},
    {"any {\n<- data 1:0 #a\n<- data 2:0 #a\n}", "17:13: error: label #a is given twice, first in "
                                                 "line 16"},
    {"one_of {\n<- data 1:0 #a\nor\n<- #a\n}",
     "18:4: error: no PDU before this line is labelled #a"},
    {"one_of {\n<- data 1:0\nlet k = 1\nor\n<- data 2:0\ncheck $k == 1\n}",
     "20:7: error: variable $k is not bound here"},
    {"repeat 2 {\n<- data 1:0 #a\n}\n-> data 0:0 #a",
     "18:13: error: label #a is given twice, first in line 16"},
};

/* The first line of `errors`, behind the path. */
static void assert_first_error(const struct parsed *parsed, const char *of, const char *expected)
{
    if (parsed->script != NULL) {
        fail_msg("'%s' parses, expected: %s", of, expected);
    }
    size_t size = strcspn(parsed->errors, "\n");
    const char *behind = parsed->errors + strlen("frame.sx:");
    assert_memory_equal(parsed->errors, "frame.sx:", strlen("frame.sx:"));
    size -= strlen("frame.sx:");
    if (strlen(expected) != size || strncmp(behind, expected, size) != 0) {
        fail_msg("'%s':\nexpected %s\n   found %.*s", of, expected, (int)size, behind);
    }
}

static void test_script_step_when_it_is_bad_then_this_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(step_rows) / sizeof(step_rows[0]); i++) {
        struct parsed parsed = parse_line(step_rows[i].line);
        assert_first_error(&parsed, step_rows[i].line, step_rows[i].error);
        if (parsed.error_count != 1) {
            fail_msg("more than one error:\n%s", parsed.errors); /* an echo in other lines */
        }
        parsed_free(&parsed);
    }
}

/* ---- whole scripts ---- */

#define PARAMS "param a in 1, 2\nparam b in 1, 2\nparam t in x, y\n" /* lines 5..7 */
#define HEAD   "sx 1\nid frame\nrules WID-3\nrole sender\n"          /* lines 1..4 */
#define TAIL   "test\nquiet 1T\n"

static const struct error_row header_rows[] = {
    {"id frame\nsx 1\nrules WID-3\nrole sender\n" TAIL,
     "1:1: error: expected 'sx 1' as the first item, found 'id'"},
    {"sx 2\nid frame\nrules WID-3\nrole sender\n" TAIL,
     "1:4: error: expected language version 1, found '2'"},
    {"sx 1\nid farme\nrules WID-3\nrole sender\n" TAIL,
     "2:4: error: the id must be the file's name, 'frame', found 'farme'"},
    {"sx 1\nid \"x\"\nrules WID-3\nrole sender\n" TAIL,
     "2:4: error: expected a name of letters, digits, - and _, found '\"x\"'"},
    {"sx 1\nid frame\nrules WID-3\nrole sander\n" TAIL,
     "4:6: error: unknown role 'sander', did you mean 'sender'?"},
    {"sx 1\nid frame\nrules\nrole sender\n" TAIL,
     "3:6: error: expected a rule such as WID-3, found the end of the line"},
    {"sx 1\nid frame\nrules WID-3 ACK-3 WID-3\nrole sender\n" TAIL,
     "3:19: error: rule WID-3 is given twice"},
    {"sx 1\nid frame\nrules WID_3\nrole sender\n" TAIL,
     "3:7: error: unknown rule 'WID_3', did you mean 'WID-3'?"},
    {"sx 1\nid frame\nrules WID-3\n" TAIL, "4:1: error: the header has no 'role'"},
    {"sx 1\nid frame\nrole sender\n" TAIL, "4:1: error: the header has no 'rules'"},
    {HEAD "id frame\n" TAIL, "5:1: error: 'id' is given twice"},
    {HEAD "neds send\n" TAIL, "5:1: error: unknown header item 'neds', did you mean 'needs'?"},
    {HEAD "quiet 1T\n" TAIL,
     "5:1: error: 'quiet' is a step: 'setup' or 'test' must come before it"},
    {HEAD "-> data 0:0\n" TAIL,
     "5:1: error: expected a header item, 'setup', 'test' or 'world', found '->'"},
    {HEAD "needs sned\n" TAIL, "5:7: error: unknown capability 'sned', did you mean 'send'?"},
    {HEAD "needs stream datagram\n" TAIL,
     "1:1: error: this needs 'stream' and 'datagram': no network is both"},
    {HEAD "tags\n" TAIL, "5:5: error: expected a word, found the end of the line"},
    {HEAD "tags live 5\n" TAIL, "5:11: error: expected a word, found '5'"},
    {HEAD "tags live slow live\n" TAIL, "5:16: error: tag 'live' is given twice"},
    {HEAD "allow dat\n" TAIL, "5:7: error: unknown opcode 'dat', did you mean 'data'?"},
    {HEAD PARAMS "where $a > 9\n" TAIL,
     "8:7: error: no combination of values is left: there is no case"},
    {HEAD PARAMS "where $t == x or $a > 2\nwhere $a < 2 or $b == 1\n" TAIL,
     "9:7: error: no case is left with value 2 of parameter 't'"},
    {HEAD "param a in 1, 2\nwhere $b == 1\n" TAIL, "6:7: error: variable $b is not bound here"},
    {HEAD "param a in 1, 2\nwhere $a < $mtu\n" TAIL, "6:7: error: variable $mtu is not bound"},
    {HEAD "param a in 1, 2\nwhere $a/0 == 1\n" TAIL, "6:7: error: division by zero"},
    {HEAD PARAMS "cover 1\n" TAIL,
     "8:7: error: expected how many parameters meet in all their values, 2 to 4, found '1'"},
    {HEAD PARAMS "cover 5\n" TAIL,
     "8:7: error: expected how many parameters meet in all their values, 2 to 4, found '5'"},
    {HEAD PARAMS "cover pairs\n" TAIL,
     "8:7: error: expected how many parameters meet in all their values, 2 to 4, found 'pairs'"},
    {HEAD PARAMS "cover 2\ncover 2\n" TAIL, "9:1: error: 'cover' is given twice"},
    {HEAD PARAMS "cover 3\n" TAIL,
     "8:7: error: 3 parameters: 'cover 3' leaves nothing out of fewer than 4"},
    {HEAD "cover 2\n" TAIL,
     "5:7: error: 0 parameters: 'cover 2' leaves nothing out of fewer than 3"},
    {HEAD "set mtuu = 5\n" TAIL, "5:5: error: unknown setting 'mtuu', did you mean 'mtu'?"},
    {HEAD "set mtu 5\n" TAIL, "5:9: error: expected '=', found '5'"},
    {HEAD "set mtu = big\n" TAIL,
     "5:11: error: expected a number, $name, size(...), opcode(#label) or '(', found 'big'"},
    {HEAD "set mtu = 5\nset mtu = 6\n" TAIL, "6:5: error: setting 'mtu' is given twice"},
    {HEAD "set linger_ms = $mtu\nset mtu = 6\n" TAIL,
     "6:5: error: 'set mtu' must come before the line that uses $mtu"},
    {HEAD "set accept = 1\n" TAIL, "5:14: error: expected true or false, found '1'"},
    {HEAD "set accept = yes\n" TAIL, "5:14: error: unknown value 'yes'; there are: false true"},
    {HEAD "set network = steam\n" TAIL,
     "5:15: error: unknown value 'steam', did you mean 'stream'?"},
    {HEAD "param w in false, yes\nset accept = $w\n" TAIL,
     "6:14: error: unknown value 'yes'; there are: false true"},
    {HEAD "param w in 0, 1\nset accept = $w\n" TAIL,
     "6:14: error: expected a text, $w is a number"},
    {HEAD "param w in datagram, stream\nset network = $w\n" TAIL,
     "1:1: error: this needs 'stream' and 'datagram': no network is both"},
    {HEAD "param n in\n" TAIL, "5:11: error: expected a value, found the end of the line"},
    {HEAD "param n 1, 2\n" TAIL, "5:9: error: expected 'in', found '1'"},
    {HEAD "param n in 1 2\n" TAIL, "5:14: error: expected the end of the line, found '2'"},
    {HEAD "param n in 1, \"a\"\n" TAIL,
     "5:15: error: values of a parameter are all numbers or all texts"},
    {HEAD "param n in 1, 0x1\n" TAIL, "5:15: error: this value is given twice"},
    {HEAD "param n in a, \"a\"\n" TAIL, "5:15: error: this value is given twice"},
    {HEAD "param n in $mtu\n" TAIL,
     "5:12: error: a parameter's values are constants: variable $mtu is not bound"},
    {HEAD "param n in 1\nparam n in 2\n" TAIL, "6:7: error: parameter 'n' is given twice"},
    {HEAD "param mtu in 1\n" TAIL, "5:7: error: $mtu is a setting: choose another name"},
    {HEAD "param length in 1\n" TAIL,
     "5:7: error: $length is the language's own: choose another name"},
    {HEAD "param n in 1, 2\n" TAIL, "5:7: error: parameter 'n' is never used"},
    {HEAD, "4:1: error: the script has no 'test'"},
    {HEAD "setup\nquiet 1T\n", "6:1: error: the script has no 'test'"},
    {HEAD "test\nwait 1T\n", "6:1: error: the last step must be 'quiet': nothing more may come"},
    {HEAD "test\n", "5:1: error: the last step must be 'quiet': nothing more may come"},
    {HEAD TAIL "test\nquiet 1T\n", "7:1: error: 'test' is given twice"},
    {HEAD TAIL "setup\nwait 1T\n", "7:1: error: 'setup' must come before 'test'"},
    {HEAD "setup\nsetup\n" TAIL, "6:1: error: 'setup' is given twice"},
    {HEAD "setup now\n" TAIL, "5:7: error: expected the end of the line, found 'now'"},
    {HEAD "setup\nany {\n<- data 0:0\n" TAIL, "6:1: error: this block is never closed with '}'"},
    {HEAD "test\ndo sent #a ok\nquiet 1T\n",
     "6:9: error: 'do sent' needs 'set aftermath = manual' in the header"},
    {"", "1:1: error: the header has no 'sx'"},
};

static void test_script_header_when_it_is_bad_then_this_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(header_rows) / sizeof(header_rows[0]); i++) {
        struct parsed parsed = parse_text(header_rows[i].line);
        assert_first_error(&parsed, header_rows[i].line, header_rows[i].error);
        parsed_free(&parsed);
    }
}

/* ---- form, recovery ---- */

static void test_script_error_when_told_then_the_line_and_a_caret_follow(void **state)
{
    struct parsed parsed = parse_line("\t-> data 0:0 {\"\xc3\xbc\"=\"x\" skpi}");
    (void)state;
    assert_string_equal(parsed.errors,
                        "frame.sx:15:24: error: unknown option 'skpi', did you mean 'skip'?\n"
                        "   -> data 0:0 {\"\xc3\xbc\"=\"x\" skpi}\n"
                        "                        ^\n");
    parsed_free(&parsed);
}

static void test_script_error_when_the_line_is_long_then_the_place_is_shown(void **state)
{
    char line[600], text[400];
    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    snprintf(line, sizeof(line), "-> data 0:0 \"%s\" @ and more", text);
    struct parsed parsed = parse_line(line);
    const char *excerpt = strchr(parsed.errors, '\n') + 1;
    const char *caret = strchr(excerpt, '\n') + 1;
    assert_true(caret - excerpt < 130);
    assert_int_equal(excerpt[strchr(caret, '^') - caret], '@');
    parsed_free(&parsed);
}

static void test_script_errors_when_there_are_several_then_each_line_is_told_once(void **state)
{
    static const char text[] = HEAD "param q in 1 2\nset mtuu = 3\ntest\n"
                                    "-> data $q:0 {skpi} #first\n"
                                    "<- #first\n" /* the label of a bad line counts as given */
                                    "do sned \"\" as m\n"
                                    "== result m ok\n"
                                    "anny {\n<- data 5:0\n}\n"
                                    "== result k ok\n";
    struct parsed parsed = parse_text(text);
    (void)state;
    assert_int_equal(parsed.error_count, 6);
    static const char *const places[] = {
        ":5:14:", ":6:5:", ":8:15:", ":10:4:", ":12:1:", ":15:11:"};
    const char *at = parsed.errors;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        at = strstr(at, places[i]);
        assert_non_null(at);
    }
    parsed_free(&parsed);
}

static void test_script_errors_when_nobody_listens_then_they_are_counted(void **state)
{
    size_t count = 0;
    (void)state;
    assert_null(sx_parse("frame.sx", HEAD, strlen(HEAD), NULL, &count));
    assert_int_equal(count, 1);
    assert_null(sx_parse("frame.sx", HEAD, strlen(HEAD), NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_step_when_it_is_bad_then_this_is_said),
        cmocka_unit_test(test_script_header_when_it_is_bad_then_this_is_said),
        cmocka_unit_test(test_script_error_when_told_then_the_line_and_a_caret_follow),
        cmocka_unit_test(test_script_error_when_the_line_is_long_then_the_place_is_shown),
        cmocka_unit_test(test_script_errors_when_there_are_several_then_each_line_is_told_once),
        cmocka_unit_test(test_script_errors_when_nobody_listens_then_they_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
