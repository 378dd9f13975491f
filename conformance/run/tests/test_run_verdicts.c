/* Every way a case can end: one row per kind of step and per verdict, with the rule blamed, the
 * line, the sentence, and how much was decided. And what the SUT is told, by commands and settings.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_sut.h"

#define SEND "-> data 0:0 {first_in_window_group last_in_window last_in_window_group skip} \"a\"\n"
#define ACK  "<- data_ack 0:0 {is_window_full *}\n"

/* On the n-th datagram. */
#define ON_RX(n) .on = CONFORM_RX, .nth = (n)
#define ACTS_MAX 8

struct row {
    const char *name;
    const char *body; /* from line 5 */
    struct fake_act acts[ACTS_MAX];
    enum conform_verdict verdict;
    enum sipc_rule rule;
    int line;
    const char *reason; /* a part of it; NULL: none */
    size_t expectations;
    struct fake_sut fake;
    enum conform_sut_status status; /* of the whole run */
};

static bool row_holds(const struct row *row, const struct conform_record *record,
                      enum conform_sut_status status)
{
    bool reason = row->reason == NULL
                      ? record->reason == NULL
                      : record->reason != NULL && strstr(record->reason, row->reason) != NULL;

    if (record->verdict != row->verdict || record->rule != row->rule ||
        record->line != row->line || !reason || record->expectations != row->expectations ||
        status != row->status) {
        const struct sipc_rule_info *rule = sipc_rule_info(record->rule);
        print_error("%s: got %s, rule %s, line %d, %zu expectations, status %d, reason: %s\n",
                    row->name, conform_verdict_name(record->verdict),
                    rule != NULL ? rule->id : "none", record->line, record->expectations,
                    (int)status, record->reason != NULL ? record->reason : "none");
        return false;
    }
    return true;
}

static void run_rows(const struct row *rows, size_t count)
{
    bool held = true;

    for (size_t i = 0; i < count; i++) {
        struct fake_sut fake = rows[i].fake;
        struct conform_record record;
        fake.acts = rows[i].acts;
        enum conform_sut_status status = fake_run(&fake, rows[i].body, 0, NULL, &record);
        held = row_holds(&rows[i], &record, status) && held;
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
    assert_true(held);
}
#define RUN_ROWS(rows) run_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_run_pdus_when_judged_then_by_the_line(void **ctx)
{
    (void)ctx;
    static const struct row rows[] = {
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
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WIRE_3, .line = 7, .expectations = 1,
         .reason = "encoding was length_mismatch (WIRE-3) instead of a PDU that decodes"},
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
    RUN_ROWS(rows);
}

static void test_run_quiet_when_something_comes_then_it_fails(void **ctx)
{
    (void)ctx;
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
    RUN_ROWS(rows);
}

static void test_run_events_when_judged_then_by_the_line(void **ctx)
{
    (void)ctx;
    static const struct row rows[] = {
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
    RUN_ROWS(rows);
}

static void test_run_blocks_when_run_then_as_written(void **ctx)
{
    (void)ctx;
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
    RUN_ROWS(rows);
}

static void test_run_checks_when_they_fail_then_only_advisory_ones_go_on(void **ctx)
{
    (void)ctx;
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
    RUN_ROWS(rows);
}

static void test_run_setup_when_it_breaks_then_inconclusive(void **ctx)
{
    (void)ctx;
    static const struct row rows[] = {
        {.name = "what fails in setup decides nothing",
         .body = "setup\n" SEND ACK "test\nquiet 1T\n",
         .verdict = CONFORM_INCONCLUSIVE, .line = 7,
         .reason = "set-up: expected data_ack 0:0 within 0.5T, nothing came"},
        {.name = "nor does what holds there",
         .body = "setup\n" SEND ACK "test\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true}},
         .verdict = CONFORM_PASS, .expectations = 1},
        {.name = "advisory in setup is as bad",
         .body = "setup\n" SEND "<- data_ack $w:0\ncheck $w == 3 [LNK-1a]\ntest\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1)}},
         .verdict = CONFORM_INCONCLUSIVE, .line = 8, .reason = "set-up: expected value == 3"},
        {.name = "a crash in setup is a crash",
         .body = "setup\n" SEND ACK "test\nquiet 1T\n",
         .acts = {{FAKE_STATUS, ON_RX(1), .status = CONFORM_SUT_DEAD}},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WID_7, .line = 6,
         .reason = "the SUT died: so the table says"},
        {.name = "a command refused in setup",
         .body = "setup\ndo open\ntest\nquiet 1T\n",
         .acts = {{FAKE_REFUSE, .on = CONFORM_OPEN, .word = "held already"}},
         .verdict = CONFORM_INCONCLUSIVE, .line = 6,
         .reason = "set-up: the SUT refused open: held already"},
    };
    RUN_ROWS(rows);
}

static void test_run_sut_when_it_fails_us_then_nothing_is_satisfied(void **ctx)
{
    (void)ctx;
    static const struct row rows[] = {
        {.name = "it dies of a datagram",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_STATUS, ON_RX(1), .status = CONFORM_SUT_DEAD}},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WID_7, .line = 6, .reason = "the SUT died"},
        {.name = "it dies while we wait, and quiet is not satisfied",
         .body = "test\n" SEND ACK "quiet 1T [RCV-9]\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true},
                  {FAKE_STATUS, ON_RX(1), .after_ns = FAKE_MS, .status = CONFORM_SUT_DEAD}},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_RCV_9, .line = 8, .expectations = 1,
         .reason = "the SUT died"},
        {.name = "it dies after the last line",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true},
                  {FAKE_STATUS, .on = CONFORM_RESET, .nth = 2, .status = CONFORM_SUT_DEAD}},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WID_7, .expectations = 2,
         .reason = "the SUT died"},
        {.name = "it hangs",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_STATUS, ON_RX(1), .status = CONFORM_SUT_HANG}},
         .verdict = CONFORM_HANG, .rule = SIPC_RULE_WID_7, .line = 6,
         .reason = "the SUT does not answer"},
        {.name = "its adapter is broken: the run ends",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_STATUS, ON_RX(1), .status = CONFORM_SUT_BROKEN}},
         .verdict = CONFORM_ERROR, .line = 6, .reason = "the adapter breaks the contract",
         .status = CONFORM_SUT_BROKEN},
        {.name = "it cannot be started again: the run ends",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_STATUS, ON_RX(1), .status = CONFORM_SUT_DEAD}},
         .fake = {.restart_status = CONFORM_SUT_NO_START},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WID_7, .line = 6, .reason = "the SUT died",
         .status = CONFORM_SUT_NO_START},
        {.name = "dead at the door: started again, and the case runs",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_STATUS, .on = CONFORM_CONFIGURE, .nth = 1, .status = CONFORM_SUT_DEAD},
                  {FAKE_TX, ON_RX(1), .full = true}},
         .verdict = CONFORM_PASS, .expectations = 2},
        {.name = "dying of its settings each time is a crash",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_STATUS, .on = CONFORM_CONFIGURE, .status = CONFORM_SUT_DEAD}},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WID_7, .reason = "the SUT died"},
        {.name = "a datagram refused",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_REFUSE, ON_RX(1), .word = "no room"}},
         .verdict = CONFORM_ERROR, .line = 6, .reason = "the adapter refused a datagram: no room"},
        {.name = "reset refused",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_REFUSE, .on = CONFORM_RESET, .word = "no"}},
         .verdict = CONFORM_ERROR, .reason = "the SUT refused to reset: no"},
        {.name = "a command refused",
         .body = "test\ndo open [STM-2]\nquiet 1T\n",
         .acts = {{FAKE_REFUSE, .on = CONFORM_OPEN, .word = "held already"}},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_STM_2, .line = 6, .expectations = 1,
         .reason = "the SUT refused open: held already"},
        {.name = "a command unknown",
         .body = "test\ndo shutdown grace=1T\nquiet 1T\n",
         .acts = {{FAKE_REFUSE, .on = CONFORM_SHUTDOWN, .word = "what?", .full = true}},
         .verdict = CONFORM_UNSUPPORTED, .line = 6, .reason = "the SUT does not know shutdown"},
        {.name = "nothing decided",
         .body = "test\n" SEND "maybe <- data_ack 0:0\nwait 1T\nquiet 1T [WID-3]\n",
         .verdict = CONFORM_PASS, .expectations = 1},
    };
    RUN_ROWS(rows);
}

static const char *const no_capabilities[] = {NULL};
static const char *const only_stream[] = {"stream", NULL};

static void test_run_needs_when_missing_then_unsupported(void **ctx)
{
    (void)ctx;
    static const struct row rows[] = {
        {.name = "a capability",
         .body = "test\ndo open\ndo send \"a\" as m skip\n== result m ok\nquiet 1T\n",
         .fake = {.capabilities = no_capabilities},
         .verdict = CONFORM_UNSUPPORTED, .reason = "needs the capability send"},
        {.name = "a setting the script asks for",
         .body = "set max_window_size = 4\ntest\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_REFUSED_SET, .on = CONFORM_CONFIGURE, .word = "max_window_size"}},
         .verdict = CONFORM_UNSUPPORTED,
         .reason = "needs a setting the SUT refuses: max_window_size"},
        {.name = "T refused, which only we asked for: its own T counts",
         .body = "test\n" SEND "<- data_ack 0:0 after 1T\nquiet 1T\n",
         .acts = {{FAKE_REFUSED_SET, .on = CONFORM_CONFIGURE, .word = "ack_timeout_ms"},
                  {FAKE_TX, ON_RX(1), .after_ns = 1000 * FAKE_MS}},
         .fake = {.wall = true, .stream = false},
         .verdict = CONFORM_PASS, .expectations = 2},
        {.name = "configure refused",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_REFUSE, .on = CONFORM_CONFIGURE, .word = "nothing to set"}},
         .verdict = CONFORM_UNSUPPORTED, .reason = "refused to be configured: nothing to set"},
        {.name = "a stream, the SUT being on datagrams",
         .body = "needs stream\ntest\n" SEND ACK "quiet 1T\n",
         .fake = {.wall = true},
         .verdict = CONFORM_UNSUPPORTED, .reason = "needs a stream network"},
        {.name = "datagrams, the SUT being on a stream",
         .body = "needs datagram\ntest\n" SEND ACK "quiet 1T\n",
         .fake = {.wall = true, .stream = true},
         .verdict = CONFORM_UNSUPPORTED, .reason = "needs a datagram network"},
        {.name = "a stream, in virtual time, without the capability",
         .body = "needs stream\ntest\n" SEND ACK "quiet 1T\n",
         .fake = {.capabilities = no_capabilities},
         .verdict = CONFORM_UNSUPPORTED, .reason = "needs the capability stream"},
        {.name = "eof where no connection lives",
         .body = "test\n" SEND "eof\nquiet 1T\n",
         .fake = {.capabilities = only_stream},
         .verdict = CONFORM_UNSUPPORTED, .line = 7, .reason = "needs a live connection"},
        {.name = "eof on a live stream",
         .body = "test\n" SEND "eof [WIRE-3]\nquiet 1T\n",
         .acts = {{FAKE_EOF, ON_RX(1), .after_ns = FAKE_MS}},
         .fake = {.wall = true, .stream = true},
         .verdict = CONFORM_PASS, .expectations = 2},
        {.name = "eof that does not come",
         .body = "test\n" SEND "eof [WIRE-3]\nquiet 1T\n",
         .fake = {.wall = true, .stream = true},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WIRE_3, .line = 7, .expectations = 1,
         .reason = "expected the SUT to close connection P within 0.5T, nothing came"},
        {.name = "eof by dying",
         .body = "test\n" SEND "eof [WIRE-3]\nquiet 1T\n",
         .acts = {{FAKE_EOF, ON_RX(1), .after_ns = FAKE_MS},
                  {FAKE_STATUS, ON_RX(1), .after_ns = FAKE_MS, .status = CONFORM_SUT_DEAD}},
         .fake = {.wall = true, .stream = true},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WIRE_3, .line = 7, .reason = "the SUT died"},
    };
    RUN_ROWS(rows);
}

static void test_run_bare_peer_when_it_cannot_tell_then_that_is_said(void **ctx)
{
    (void)ctx;
    static const struct row rows[] = {
        {.name = "do needs control",
         .body = "test\n" SEND "do close 1 as c1\nquiet 1T\n",
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_UNSUPPORTED, .line = 7,
         .reason = "needs a control channel to do close 1 as c1"},
        {.name = "set needs control",
         .body = "set mtu = 600\ntest\n" SEND ACK "quiet 1T\n",
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_UNSUPPORTED, .line = 5, .reason = "needs a control channel to set mtu"},
        {.name = "== lines are passed over, the rest decides",
         .body = "test\n" SEND ACK "== deliver \"a\" {\"k\"=\"v\"}\n== state opened\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true}},
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_PASS, .expectations = 2},
        {.name = "silence alone proves nothing",
         .body = "test\n" SEND "quiet 1T\n",
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_INCONCLUSIVE, .expectations = 1,
         .reason = "nothing at all came from the SUT"},
        {.name = "nor after it hung up",
         .body = "test\n" SEND ACK "quiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true}, {FAKE_EOF, ON_RX(1)}},
         .fake = {.wall = true, .bare = true, .stream = true},
         .verdict = CONFORM_INCONCLUSIVE, .expectations = 2,
         .reason = "the SUT closed connection P: without control nobody can tell"},
        {.name = "an alternative nobody can see",
         .body = "test\n" SEND ACK "one_of {\n== state closing\nor\n<- close 1:0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true}},
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_PASS, .expectations = 2},
    };
    RUN_ROWS(rows);
}

static void test_run_expressions_when_they_fail_then_our_error_with_the_line(void **ctx)
{
    (void)ctx;
    static const struct row rows[] = {
        {.name = "overflow",
         .body = "test\nlet n = 9E15\ncheck $n * $n == 1\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 7, .reason = "check: 9000000000000000 * 9000000000000"},
        {.name = "division by zero in a PDU to send",
         .body = "test\nlet n = 0\n-> data (1/$n):0\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 7, .reason = "window id: division by zero"},
        {.name = "in a PDU expected",
         .body = "test\nlet n = 0\n" SEND "<- data_ack (1/$n):0\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1)}},
         .verdict = CONFORM_ERROR, .line = 8, .reason = "division by zero"},
        {.name = "in a setting",
         .body = "param n in 0\nset mtu = 1/$n\ntest\n" SEND "quiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 6, .reason = "set mtu: division by zero"},
        {.name = "seq_nr out of range",
         .body = "test\nlet n = 9E15\n-> data 0:$n\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 7, .reason = "seq_nr is 9000000000000000, must be"},
        {.name = "a label that a maybe did not bind",
         .body = "test\n" SEND "maybe <- data_ack 0:0 #a\n-> #a\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 8, .reason = "no PDU was seen or sent as #a"},
        {.name = "a timeout that is off",
         .body = "param x in 0\nset enquire_link_interval_ms = $x\ntest\n" SEND
                 "wait 1*enquire_link_interval\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 9,
         .reason = "the time 1*enquire_link_interval is a multiple of a timeout that is off"},
        {.name = "a case without end",
         .body = "test\n" SEND "wait 90000T\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 7, .reason = "the case takes longer than 86400 s"},
        {.name = "a negative repeat",
         .body = "test\n" SEND "let n = 0-1\nrepeat $n {\ncheck $i >= 0\n}\nquiet 1T\n",
         .verdict = CONFORM_ERROR, .line = 8, .reason = "the count is negative (-1)"},
    };
    RUN_ROWS(rows);
}

/* ---- what the SUT is told ---- */

static void test_run_commands_when_given_then_as_the_contract_says(void **ctx)
{
    (void)ctx;
    static const char body[] =
        "set aftermath = manual\nset accept = false\nset max_retry_count = 1\n"
        "test\n"
        "do open idle_timeout=$max_retry_count*50\n"
        "do open session=T peer=Q\n"
        "do preset next=5 min=7 processed\n"
        "do preset session=T next=0\n"
        "do send bytes(70000) as m1 skip {\"k\"=\"v\" idle_timeout=3}\n"
        "do send_unreliable \"abc\" as m2\n"
        "do close 2 as c1\n"
        "-> data 0:0\n"
        "<- data_ack 0:0 #a\n"
        "do sent #a failed\n"
        "do dispose session=T\n"
        "do shutdown grace=1.5T\n"
        "quiet 1*linger\n";
    static const char *const told[] = {
        "configure aftermath=manual accept=0b max_retry_count=1 ack_timeout_ms=1000",
        "reset",
        "open P 50",
        "open Q -1",
        "preset 5 4 7 1",
        "preset 0 -1 -1 0",
        "send m1 0/70000 2 skip",
        "send_unreliable m2 3/0 0",
        "close 2",
        "sent 1 0",
        "dispose -2",
        "shutdown 1500",
        "reset",
    };
    static const struct fake_act acts[] = {{FAKE_TX, ON_RX(1)}, {FAKE_NONE}};
    struct fake_sut fake = {.acts = acts};
    struct conform_record record;

    fake_run(&fake, body, 0, NULL, &record);
    assert_int_equal(record.verdict, CONFORM_PASS);
    assert_int_equal(record.duration_ns, 4000 * FAKE_MS); /* linger: 2 * (1 + 1) * T */
    assert_int_equal(fake.told_count, sizeof told / sizeof told[0]);
    for (size_t i = 0; i < fake.told_count; i++) {
        assert_string_equal(fake.told[i], told[i]);
    }
    conform_record_clear(&record);
    fake_clear(&fake);
    fake_done();
}

struct network_row {
    const char *body;
    bool wall, stream;
    const char *told;
};

static void test_run_network_when_needed_then_virtual_suts_are_told(void **ctx)
{
    (void)ctx;
    static const struct network_row rows[] = {
        {"test\n-> data 0:0\nquiet 1T\n", false, false, "configure ack_timeout_ms=1000"},
        {"needs stream\ntest\n-> data 0:0\nquiet 1T\n", false, false,
         "configure ack_timeout_ms=1000 network=stream"},
        {"set network = datagram\ntest\n-> data 0:0\nquiet 1T\n", false, false,
         "configure ack_timeout_ms=1000 network=datagram"},
        {"needs stream\ntest\n-> data 0:0\nquiet 1T\n", true, true, "configure ack_timeout_ms=200"},
        {"set ack_timeout_ms = 300\ntest\n-> data 0:0\nquiet 1T\n", true, false,
         "configure ack_timeout_ms=300"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_sut fake = {.wall = rows[i].wall, .stream = rows[i].stream};
        struct conform_record record;
        fake_run(&fake, rows[i].body, 0, NULL, &record);
        assert_int_equal(record.verdict, CONFORM_PASS);
        assert_string_equal(fake.told[0], rows[i].told);
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_pdus_when_judged_then_by_the_line),
        cmocka_unit_test(test_run_quiet_when_something_comes_then_it_fails),
        cmocka_unit_test(test_run_events_when_judged_then_by_the_line),
        cmocka_unit_test(test_run_blocks_when_run_then_as_written),
        cmocka_unit_test(test_run_checks_when_they_fail_then_only_advisory_ones_go_on),
        cmocka_unit_test(test_run_setup_when_it_breaks_then_inconclusive),
        cmocka_unit_test(test_run_sut_when_it_fails_us_then_nothing_is_satisfied),
        cmocka_unit_test(test_run_needs_when_missing_then_unsupported),
        cmocka_unit_test(test_run_bare_peer_when_it_cannot_tell_then_that_is_said),
        cmocka_unit_test(test_run_expressions_when_they_fail_then_our_error_with_the_line),
        cmocka_unit_test(test_run_commands_when_given_then_as_the_contract_says),
        cmocka_unit_test(test_run_network_when_needed_then_virtual_suts_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
