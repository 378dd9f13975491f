/* Each kind of step on what a SUT may do: the verdict, the rule blamed, the line, the sentence, and
 * how much was decided. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"

/* clang-format off */
static const struct row pdu_rows[] = {
    {.name = "the right ack passes",
     .body = "test\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .full = true}},
     .verdict = CONFORM_PASS, .expectations = 2},
    {.name = "another seq_nr fails, the script's first rule blamed",
     .body = "test\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .seq_nr = 1, .full = true}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "expected data_ack 0:0, but seq_nr was 1 instead of 0"},
    {.name = "the line's rule is blamed",
     .body = "test\n" SEND "<- data_ack 0:0 {*} [ACK-1]\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .window_id = 3}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_ACK_1, .line = 7, .expectations = 1,
     .reason = "window_id was 3 instead of 0"},
    {.name = "nothing came",
     .body = "test\n" SEND ACK "quiet 1T\n",
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "expected data_ack 0:0 within 0.5T, nothing came"},
    {.name = "half a frame is told",
     .body = "test\n" SEND ACK "quiet 1T\n",
     .fake = {.partial_bytes = 13},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "only 13 bytes of an unfinished PDU came"},
    {.name = "a PDU that does not decode blames the decode rule",
     .body = "test\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .full = true, .cut = true}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WIRE_1, .line = 7, .expectations = 1,
     .reason = "encoding was length_mismatch (WIRE-1) instead of a PDU that decodes"},
    {.name = "an error code no ack may have blames the sender's MUST",
     .body = "test\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .options = "s_error_code=42"}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_ERR_2, .line = 7, .expectations = 1,
     .reason = "encoding was"},
    {.name = "an unknown peer is told",
     .body = "test\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .peer = "Z", .full = true}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_END_1, .line = 6, .expectations = 1,
     .reason = "the SUT sent a PDU to \"Z\", a peer it was never told of"},
    {.name = "a peer of the script that the SUT was not told of is a stranger too",
     .body = "test\n" SEND "<- data_ack 0:0 {*} peer=Q\n-> data 1:0 peer=Q\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .peer = "Q"}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_END_1, .line = 6, .expectations = 1,
     .reason = "never told of"},
    {.name = "PDUs to two peers are two queues",
     .body = "test\n-> data 0:0 peer=Q\n-> data 0:0\n<- data_ack 2:0\n"
             "<- data_ack 1:0 peer=Q\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .peer = "Q", .window_id = 1},
              {FAKE_TX, ON_RX(2), .window_id = 2}},
     .verdict = CONFORM_PASS, .expectations = 3},
    {.name = "another session's PDU differs",
     .body = "test\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .full = true, .stranger = true}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "session was eeeeeeee... instead of S"},
    {.name = "allowed opcodes are passed over, also in quiet",
     .body = "allow enquire_link\ntest\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .opcode = SIPC_ENQUIRE_LINK},
              {FAKE_TX, ON_RX(1), .full = true},
              {FAKE_TX, ON_RX(1), .opcode = SIPC_ENQUIRE_LINK, .after_ns = 9 * FAKE_MS}},
     .verdict = CONFORM_PASS, .expectations = 2},
    {.name = "a malformed PDU of an allowed opcode is not passed over",
     .body = "allow enquire_link\ntest\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .full = true},
              {FAKE_TX, ON_RX(1), .opcode = SIPC_ENQUIRE_LINK, .cut = true}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WIRE_2, .line = 9, .expectations = 2,
     .reason = "left over from before: raw 56 bytes (too_short) hex:"},
    {.name = "nor one whose opcode can be read",
     .body = "allow enquire_link\ntest\n" SEND ACK "quiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .full = true},
              {FAKE_TX, ON_RX(1), .opcode = SIPC_ENQUIRE_LINK, .options = "s_10=maybe"}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_OPT_4, .line = 9, .expectations = 2,
     .reason = "left over from before: raw"},
    {.name = "the same bytes again",
     .body = "test\n" SEND "<- data_ack 0:0 {*} #ack\n" SEND "<- #ack\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(0), .full = true}},
     .verdict = CONFORM_PASS, .expectations = 3},
    {.name = "other bytes than before",
     .body = "test\n" SEND "<- data_ack 0:0 {*} #ack\n" SEND "<- #ack [WID-7]\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .full = true}, {FAKE_TX, ON_RX(2)}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 9, .expectations = 2,
     .reason = "expected #ack again, but options was {} instead of {is_window_full max_win"},
    {.name = "same meaning, other bytes",
     .body = "test\n" SEND "<- data_ack 0:0 {*} #ack\n" SEND "<- #ack\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .options = "s_10=True"},
              {FAKE_TX, ON_RX(2), .options = "s_10=true"}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 9, .expectations = 2,
     .reason = "expected #ack again, but byte 56 was 0x74 instead of 0x54"},
    {.name = "maybe takes what fits",
     .body = "test\n" SEND "maybe <- data_ack 0:0 {*}\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1)}},
     .verdict = CONFORM_PASS, .expectations = 1},
    {.name = "maybe waits for nothing",
     .body = "test\n" SEND "maybe <- data_ack 0:0 {*}\nquiet 1T\n",
     .verdict = CONFORM_PASS, .expectations = 1},
    {.name = "maybe leaves what does not fit",
     .body = "test\n" SEND "maybe <- data_ack 1:0 {*}\n<- data_ack 0:0 {*}\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1)}},
     .verdict = CONFORM_PASS, .expectations = 2},
};
/* clang-format on */

static void test_run_pdus_when_judged_then_by_the_line(void **ctx)
{
    (void)ctx;
    RUN_ROWS(pdu_rows);
}

static void test_run_quiet_when_something_comes_then_it_fails(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct row rows[] = {
        {.name = "a PDU left over",
         .body = "test\n" SEND ACK "quiet 1T [RCV-9]\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true}, {FAKE_TX, ON_RX(1), .window_id = 9}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_RCV_9, .line = 8, .expectations = 2,
         .reason = "expected silence, but this was left over from before: data_ack 9:0"},
        {.name = "a delivery left over",
         .body = "test\n" SEND "quiet 1T\n",
         .acts = {{FAKE_DELIVER, ON_RX(1), .data = "abc"}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
         .reason = "left over from before: deliver 3 bytes \"abc\""},
        {.name = "a result left over",
         .body = "test\n" SEND "quiet 1T\n",
         .acts = {{FAKE_RESULT, ON_RX(1), .label = "m1", .word = "ok"}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
         .reason = "left over from before: result m1 ok"},
        {.name = "states and discards may be left over",
         .body = "test\n" SEND "quiet 1T\n",
         .acts = {{FAKE_STATE, ON_RX(1), .word = "opened"},
                  {FAKE_DISCARD, ON_RX(1), .word = "seq_nr"}},
         .verdict = CONFORM_PASS, .expectations = 1},
        {.name = "a PDU in the last moment",
         .body = "test\n" SEND "quiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .after_ns = 1000 * FAKE_MS}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
         .reason = "but this came: data_ack 0:0"},
        {.name = "a PDU just after",
         .body = "test\n" SEND "quiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .after_ns = 1000 * FAKE_MS + 1}},
         .verdict = CONFORM_PASS, .expectations = 1},
        {.name = "half a frame breaks silence",
         .body = "test\n" SEND "quiet 1T\n",
         .fake = {.partial_bytes = 1},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
         .reason = "but 1 bytes of an unfinished PDU came"},
        {.name = "what comes during wait is kept for later lines",
         .body = "test\n" SEND "wait 1T\n" ACK "quiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true, .after_ns = 700 * FAKE_MS}},
         .verdict = CONFORM_PASS, .expectations = 2},
        {.name = "a flood ends",
         .body = "test\n" SEND "quiet 1T\n",
         .acts = {{FAKE_FLOOD, ON_RX(1)}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
         .reason = "but this came"},
        {.name = "a flood nobody judges ends too",
         .body = "allow data_ack\ntest\n" SEND "quiet 1T\n",
         .acts = {{FAKE_FLOOD, ON_RX(1)}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 8, .expectations = 1,
         .reason = "the SUT floods: more than 20000 PDUs and events during one line"},
        {.name = "an adapter that lets no time pass",
         .body = "test\n" SEND "quiet 1T\n",
         .fake = {.stuck = true},
         .verdict = CONFORM_ERROR, .line = 7, .reason = "lets no time pass"},
    };
    /* clang-format on */
    RUN_ROWS(rows);
}

/* clang-format off */
static const struct row event_rows[] = {
    {.name = "deliveries in order",
     .body = "test\n" SEND "== deliver \"a\"\n== deliver \"b\"\nquiet 1T\n",
     .acts = {{FAKE_DELIVER, ON_RX(1), .data = "a"}, {FAKE_DELIVER, ON_RX(1), .data = "b"}},
     .verdict = CONFORM_PASS, .expectations = 3},
    {.name = "other data",
     .body = "test\n" SEND "== deliver \"ab\" [RCV-8]\nquiet 1T\n",
     .acts = {{FAKE_DELIVER, ON_RX(1), .data = "ac"}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_RCV_8, .line = 7, .expectations = 1,
     .reason = "data was 2 bytes \"ac\" (byte 1 is 0x63 instead of 0x62) instead of 2 bytes"},
    {.name = "attributes, none named and one came",
     .body = "test\n" SEND "== deliver \"a\"\nquiet 1T\n",
     .acts = {{FAKE_DELIVER, ON_RX(1), .data = "a", .options = "k=v"}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "attribute \"k\" was \"v\" instead of absent"},
    {.name = "attributes as named",
     .body = "test\n" SEND "== deliver \"a\" {\"k\"=\"v\" idle_timeout=5 *}\nquiet 1T\n",
     .acts = {{FAKE_DELIVER, ON_RX(1), .data = "a", .options = "x=y;s_idle_timeout=5;k=v"}},
     .verdict = CONFORM_PASS, .expectations = 2},
    {.name = "framing handed over is only advisory, and the case goes on",
     .body = "test\n" SEND "== deliver \"a\"\n" ACK "quiet 1T\n",
     .acts = {{FAKE_DELIVER, ON_RX(1), .data = "a", .options = "s_00=True"},
              {FAKE_TX, ON_RX(1), .full = true}},
     .verdict = CONFORM_ADVISORY, .rule = SIPC_RULE_RCV_8a, .line = 7, .expectations = 3,
     .reason = "framing options were handed over"},
    {.name = "a delivery of another session does not count",
     .body = "test\n" SEND "== deliver \"a\"\nquiet 1T\n",
     .acts = {{FAKE_DELIVER, ON_RX(1), .data = "a", .stranger = true}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "expected a delivery of session S within 0.5T, nothing came"},
    {.name = "results by label, whatever their order",
     .body = "test\ndo send \"a\" as m1\ndo send \"b\" as m2\n== result m2 refused\n"
             "== result m1 ok 0\nquiet 1T\n",
     .acts = {{FAKE_RESULT, .on = CONFORM_SEND, .nth = 1, .word = "ok"},
              {FAKE_RESULT, .on = CONFORM_SEND, .nth = 2, .word = "refused"}},
     .verdict = CONFORM_PASS, .expectations = 3},
    {.name = "another outcome and code",
     .body = "test\ndo send \"a\" as m1\n== result m1 peer_error 253 [OPN-3]\nquiet 1T\n",
     .acts = {{FAKE_RESULT, .on = CONFORM_SEND, .word = "timeout", .code = -3}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_OPN_3, .line = 7, .expectations = 1,
     .reason = "outcome was timeout instead of peer_error (and 1 more difference)"},
    {.name = "a result that comes twice",
     .body = "test\ndo send \"a\" as m1\n== result m1 *\nquiet 1T\n",
     .acts = {{FAKE_RESULT, .on = CONFORM_SEND, .word = "ok"},
              {FAKE_RESULT, .on = CONFORM_SEND, .word = "ok"}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 8, .expectations = 2,
     .reason = "left over from before: result m1 ok"},
    {.name = "a state that others came before",
     .body = "test\n" SEND "== state closing\n== state closing\nquiet 1T\n",
     .acts = {{FAKE_STATE, ON_RX(1), .word = "opening"},
              {FAKE_STATE, ON_RX(1), .word = "opened"},
              {FAKE_STATE, ON_RX(1), .word = "closing", .after_ns = FAKE_MS}},
     .verdict = CONFORM_PASS, .expectations = 3},
    {.name = "a state beyond the one wanted",
     .body = "test\n" SEND "== state opened [STM-1]\nquiet 1T\n",
     .acts = {{FAKE_STATE, ON_RX(1), .word = "awaiting_disposal", .code = 3}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_STM_1, .line = 7, .expectations = 1,
     .reason = "expected state opened of session S, but state was awaiting_disposal"},
    {.name = "a state with another cause",
     .body = "test\n" SEND "== state closing cause=3\nquiet 1T\n",
     .acts = {{FAKE_STATE, ON_RX(1), .word = "closing", .code = 1}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "cause was 1 instead of 3"},
    {.name = "a state never reached",
     .body = "test\n" SEND "== state opened\nquiet 1T\n",
     .acts = {{FAKE_STATE, ON_RX(1), .word = "opening"}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 7, .expectations = 1,
     .reason = "expected state opened of session S within 0.5T, nothing came"},
};

static const struct row when_rows[] = {
    {.name = "when runs its block where the condition holds",
     .body = "test\nlet n = 2\nwhen $n == 1 {\ncheck $n == 7\n}\n"
             "when $n == 1 or $n == 2 {\n-> data 0:0\n<- data_ack 0:0\n}\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .window_id = 0}},
     .verdict = CONFORM_PASS, .expectations = 2},
    {.name = "what is in a when is judged as anywhere",
     .body = "test\nlet n = 2\nwhen $n > 1 {\n-> data 0:0\n<- data_ack 0:0\n}\nquiet 1T\n",
     .acts = {{FAKE_TX, ON_RX(1), .window_id = 1}},
     .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 9, .expectations = 1,
     .reason = "expected data_ack 0:0, but window_id was 1 instead of 0"},
    {.name = "a condition that cannot be computed",
     .body = "test\nlet n = 2\nwhen 1/($n-2) == 0 {\n-> data 0:0\n}\nquiet 1T\n",
     .verdict = CONFORM_ERROR, .line = 7, .reason = "when: division by zero"},
};
/* clang-format on */

static void test_run_when_when_it_holds_then_its_block_is_run(void **ctx)
{
    (void)ctx;
    RUN_ROWS(when_rows);
}

static void test_run_events_when_judged_then_by_the_line(void **ctx)
{
    (void)ctx;
    RUN_ROWS(event_rows);
}

static void test_run_blocks_when_run_then_as_written(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct row rows[] = {
        {.name = "any takes in any order",
         .body = "test\n" SEND "any {\n<- data_ack 1:0\n<- data_ack 2:0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 2},
                  {FAKE_TX, ON_RX(1), .window_id = 1, .after_ns = FAKE_MS}},
         .verdict = CONFORM_PASS, .expectations = 3},
        {.name = "any tells the nearest line",
         .body = "test\n" SEND
                 "any {\n<- close 1:0\n<- data_ack 2:0 [ACK-1]\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 3}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_ACK_1, .line = 9, .expectations = 1,
         .reason = "expected data_ack 2:0, but window_id was 3 instead of 2"},
        {.name = "any with one missing",
         .body = "test\n" SEND "any {\n<- data_ack 1:0\n<- data_ack 2:0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 2}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 8, .expectations = 2,
         .reason = "expected data_ack 1:0 within 0.5T, nothing came"},
        {.name = "any does not take one PDU twice",
         .body = "test\n" SEND "any {\n<- data_ack *:0\n<- data_ack 2:0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 2}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 9, .expectations = 2,
         .reason = "expected data_ack 2:0 within 0.5T, nothing came"},
        {.name = "one_of takes the first block that fits, and its labels and bindings",
         .body = "test\n" SEND "one_of {\n<- data_ack 1:0\n== deliver \"a\"\nor\n"
                 "<- data_ack $w:0\ncheck $w == 2\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 2}},
         .verdict = CONFORM_PASS, .expectations = 3},
        {.name = "one_of by an event",
         .body = "test\n" SEND "one_of {\n<- data_ack 1:0\nor\n== deliver \"a\"\n}\nquiet 1T\n",
         .acts = {{FAKE_DELIVER, ON_RX(1), .data = "a"}},
         .verdict = CONFORM_PASS, .expectations = 2},
        {.name = "one_of none",
         .body = "test\n" SEND "one_of {\n<- data_ack 1:0 [ACK-1]\nor\n<- close 2:0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 2}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_ACK_1, .line = 8, .expectations = 1,
         .reason = "expected data_ack 1:0, but window_id was 2 instead of 1"},
        {.name = "one_of with nothing",
         .body = "test\n" SEND "one_of {\n<- data_ack 1:0\nor\n<- close 2:0\n}\nquiet 1T\n",
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 8, .expectations = 1,
         .reason = "expected data_ack 1:0 within 0.5T, nothing came"},
        {.name = "repeat counts from 0",
         .body = "test\nrepeat 3 {\n-> data $i:0\n<- data_ack $i:0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 0}, {FAKE_TX, ON_RX(2), .window_id = 1},
                  {FAKE_TX, ON_RX(3), .window_id = 2}},
         .verdict = CONFORM_PASS, .expectations = 4},
        {.name = "repeat stops at the first failure",
         .body = "test\nrepeat 3 {\n-> data $i:0\n<- data_ack $i:0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(0), .window_id = 0}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 8, .expectations = 2,
         .reason = "expected data_ack 1:0, but window_id was 0 instead of 1"},
        {.name = "a label used again in a repeat is a new operation",
         .body = "test\nrepeat 2 {\ndo send \"a\" as m\n== result m ok\n}\nquiet 1T\n",
         .acts = {{FAKE_RESULT, .on = CONFORM_SEND, .word = "ok"}},
         .verdict = CONFORM_PASS, .expectations = 3},
        {.name = "too many steps",
         .body = "test\nlet n = 60000\nrepeat 2 {\nrepeat $n {\ncheck $i >= 0\n}\n}\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 9, .expectations = 49998,
         .reason = "more than 100000 steps, repeats counted"},
    };
    /* clang-format on */
    RUN_ROWS(rows);
}

static void test_run_checks_when_they_fail_then_only_advisory_ones_go_on(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct row rows[] = {
        {.name = "checks that hold",
         .body = "test\n" SEND "<- data_ack $w:$n #a\ncheck $w == 4\ncheck $n != $w\ncheck $n < 4\n"
                 "check $n <= 0\ncheck $w > 3\ncheck $w >= 4\ncheck size #a == 57\n"
                 "check opcode(#a) == 2\ncheck data #a == \"\"\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 4}},
         .verdict = CONFORM_PASS, .expectations = 11},
        {.name = "a check that fails ends the case",
         .body = "test\n" SEND "<- data_ack $w:0\ncheck $w <= 3 [WID-1]\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 4}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_1, .line = 8, .expectations = 2,
         .reason = "expected value <= 3, but it was 4"},
        {.name = "a size",
         .body = "test\n" SEND "<- data_ack 0:0 #a\ncheck size #a > 57\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1)}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WID_7, .line = 8, .expectations = 2,
         .reason = "expected size of #a > 57, but it was 57"},
        {.name = "joined data",
         .body = "test\n" SEND "<- data 0:0 \"he\" #a\n<- data 0:1 * #b\n"
                 "check data #a #b == \"hello\" [SND-5]\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .opcode = SIPC_DATA, .data = "he"},
                  {FAKE_TX, ON_RX(1), .opcode = SIPC_DATA, .seq_nr = 1, .data = "lp"}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_SND_5, .line = 9, .expectations = 3,
         .reason = "expected joined data of 5 bytes \"hello\", but it was 4 bytes \"help\""},
        {.name = "an advisory check goes on",
         .body = "test\n" SEND "<- data_ack $w:0\ncheck $w == 3 [LNK-1a]\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 4}},
         .verdict = CONFORM_ADVISORY, .rule = SIPC_RULE_LNK_1a, .line = 8, .expectations = 3,
         .reason = "expected value == 3, but it was 4"},
        {.name = "and a later failure wins",
         .body = "test\n" SEND "<- data_ack $w:0\ncheck $w == 3 [LNK-1a]\nquiet 1T [RCV-9]\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 4}, {FAKE_DELIVER, ON_RX(1)}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_RCV_9, .line = 9, .expectations = 3,
         .reason = "left over from before: deliver"},
        {.name = "an advisory <- ends the case",
         .body = "test\n" SEND "<- data_ack 0:0 [ACK-2a]\nquiet 1T [RCV-9]\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 4}, {FAKE_DELIVER, ON_RX(1)}},
         .verdict = CONFORM_ADVISORY, .rule = SIPC_RULE_ACK_2a, .line = 7, .expectations = 1,
         .reason = "window_id was 4 instead of 0"},
        {.name = "an advisory quiet ends the case",
         .body = "test\n" SEND "quiet 1T [WIRE-7]\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1)}},
         .verdict = CONFORM_ADVISORY, .rule = SIPC_RULE_WIRE_7, .line = 7, .expectations = 1,
         .reason = "expected silence"},
        {.name = "a MUST beside an advisory rule makes it a failure",
         .body = "test\n" SEND "<- data_ack 0:0 [ACK-2a ACK-2]\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .window_id = 4}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_ACK_2, .line = 7, .expectations = 1,
         .reason = "window_id was 4 instead of 0"},
    };
    /* clang-format on */
    RUN_ROWS(rows);
}

static void test_run_one_of_when_nothing_can_fit_any_more_then_at_once(void **ctx)
{
    (void)ctx;
    static const struct fake_act acts[] = {{FAKE_TX, ON_RX(1), .window_id = 2},
                                           {.kind = FAKE_NONE}};
    struct fake_sut fake = {.acts = acts};
    struct conform_record record;

    fake_run(&fake, "test\n" SEND "one_of {\n<- data_ack 1:0\nor\n<- close 2:0\n}\nquiet 1T\n", 0,
             NULL, &record);
    assert_int_equal(record.verdict, CONFORM_FAIL);
    assert_int_equal(record.duration_ns, 0);
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_pdus_when_judged_then_by_the_line),
        cmocka_unit_test(test_run_quiet_when_something_comes_then_it_fails),
        cmocka_unit_test(test_run_when_when_it_holds_then_its_block_is_run),
        cmocka_unit_test(test_run_events_when_judged_then_by_the_line),
        cmocka_unit_test(test_run_blocks_when_run_then_as_written),
        cmocka_unit_test(test_run_one_of_when_nothing_can_fit_any_more_then_at_once),
        cmocka_unit_test(test_run_checks_when_they_fail_then_only_advisory_ones_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
