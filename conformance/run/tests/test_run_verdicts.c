/* Every way a case can end that is not a line's own matter: a broken set-up, a SUT that dies, hangs
 * or lacks something, a peer that cannot tell, a script that asks for the impossible. And what the
 * SUT is told, by commands and settings. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"

static void test_run_setup_when_it_breaks_then_inconclusive(void **ctx)
{
    (void)ctx;
    /* clang-format off */
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
    /* clang-format on */
    RUN_ROWS(rows);
}

static void test_run_sut_when_it_fails_us_then_nothing_is_satisfied(void **ctx)
{
    (void)ctx;
    /* clang-format off */
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
    /* clang-format on */
    RUN_ROWS(rows);
}

static const char *const no_capabilities[] = {NULL};
static const char *const only_stream[] = {"stream", NULL};

static void test_run_needs_when_missing_then_unsupported(void **ctx)
{
    (void)ctx;
    /* clang-format off */
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
         .reason = "expected the SUT to close connection P within 0.5T, nothing came",
         .attempts = 3},
        {.name = "eof too early",
         .body = "test\n" SEND "eof after 1T [WIRE-3]\nquiet 1T\n",
         .acts = {{FAKE_EOF, ON_RX(1), .after_ns = FAKE_MS}},
         .fake = {.wall = true, .stream = true},
         .verdict = CONFORM_FAIL, .rule = SIPC_RULE_WIRE_3, .line = 7, .expectations = 1,
         .reason = "but time was 1 ms instead of 200 ms to 300 ms", .attempts = 3},
        {.name = "eof by dying",
         .body = "test\n" SEND "eof [WIRE-3]\nquiet 1T\n",
         .acts = {{FAKE_EOF, ON_RX(1), .after_ns = FAKE_MS},
                  {FAKE_STATUS, ON_RX(1), .after_ns = FAKE_MS, .status = CONFORM_SUT_DEAD}},
         .fake = {.wall = true, .stream = true},
         .verdict = CONFORM_CRASH, .rule = SIPC_RULE_WIRE_3, .line = 7, .reason = "the SUT died"},
    };
    /* clang-format on */
    RUN_ROWS(rows);
}

static void test_run_bare_peer_when_it_cannot_tell_then_that_is_said(void **ctx)
{
    (void)ctx;
    /* clang-format off */
    static const struct row rows[] = {
        {.name = "do needs control",
         .body = "test\n" SEND "do close 1 as c1\nquiet 1T\n",
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_UNSUPPORTED, .line = 7,
         .reason = "needs a control channel to make the SUT act"},
        {.name = "set needs control",
         .body = "set mtu = 600\ntest\n" SEND ACK "quiet 1T\n",
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_UNSUPPORTED, .line = 5,
         .reason = "needs a control channel to set up the SUT"},
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
        {.name = "an alternative seen by the PDU behind its event",
         .body = "test\n" SEND "one_of {\n<- close 1:0\nor\n== deliver \"a\"\n<- data_ack $w:0\n"
                 "check $w == 0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1)}},
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_PASS, .expectations = 3},
        {.name = "an alternative nobody can see",
         .body = "test\n" SEND ACK "one_of {\n== state closing\nor\n<- close 1:0\n}\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1), .full = true}},
         .fake = {.wall = true, .bare = true},
         .verdict = CONFORM_PASS, .expectations = 2},
    };
    /* clang-format on */
    RUN_ROWS(rows);
}

static void test_run_expressions_when_used_then_right_or_our_error_with_the_line(void **ctx)
{
    (void)ctx;
    /* clang-format off */
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
        {.name = "settings in force are variables, the clamped as clamped",
         .body = "set mtu = 100\nset window_id_step = 7\ntest\n" SEND "<- data_ack 0:0\n"
                 "check $mtu == 512\ncheck $max_retry_count == 3\ncheck $window_id_step == 7\n"
                 "check $window_id_max == 9E15\ncheck $linger_ms == 8000\nquiet 1T\n",
         .acts = {{FAKE_TX, ON_RX(1)}},
         .verdict = CONFORM_PASS, .expectations = 7},
        {.name = "clamped from above, and linger follows",
         .body = "set mtu = 70000\nset max_retry_count = 0\ntest\n" SEND
                 "check $mtu == 65500\ncheck $linger_ms == 2*$ack_timeout_ms\nquiet 1T\n",
         .verdict = CONFORM_PASS, .expectations = 3},
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
    /* clang-format on */
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
    static const struct fake_act acts[] = {{FAKE_TX, ON_RX(1)}, {.kind = FAKE_NONE}};
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
    bool wall, stream, bare;
    const char *told;
    unsigned t_ms; /* how long quiet 1T takes */
};

static void test_run_network_when_needed_then_virtual_suts_are_told(void **ctx)
{
    (void)ctx;
    static const struct fake_act ack[] = {{FAKE_TX, ON_RX(1)}, {.kind = FAKE_NONE}};
    static const struct network_row rows[] = {
        {"test\n-> data 0:0\nquiet 1T\n", false, false, false, "configure ack_timeout_ms=1000",
         1000},
        {"needs stream\ntest\n-> data 0:0\nquiet 1T\n", false, false, false,
         "configure ack_timeout_ms=1000 network=stream", 1000},
        {"set network = datagram\ntest\n-> data 0:0\nquiet 1T\n", false, false, false,
         "configure ack_timeout_ms=1000 network=datagram", 1000},
        {"needs stream\ntest\n-> data 0:0\nquiet 1T\n", true, true, false,
         "configure ack_timeout_ms=200", 200},
        {"set ack_timeout_ms = 300\ntest\n-> data 0:0\nquiet 1T\n", true, false, false,
         "configure ack_timeout_ms=300", 300},
        {"test\n-> data 0:0\n<- data_ack 0:0\nquiet 1T\n", true, false, true, "reset", 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_sut fake = {.acts = rows[i].bare ? ack : NULL,
                                .wall = rows[i].wall,
                                .stream = rows[i].stream,
                                .bare = rows[i].bare};
        struct conform_record record;
        fake_run(&fake, rows[i].body, 0, NULL, &record);
        assert_int_equal(record.verdict, CONFORM_PASS);
        assert_string_equal(fake.told[0], rows[i].told);
        assert_int_equal(record.duration_ns, rows[i].t_ms * FAKE_MS);
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_setup_when_it_breaks_then_inconclusive),
        cmocka_unit_test(test_run_sut_when_it_fails_us_then_nothing_is_satisfied),
        cmocka_unit_test(test_run_needs_when_missing_then_unsupported),
        cmocka_unit_test(test_run_bare_peer_when_it_cannot_tell_then_that_is_said),
        cmocka_unit_test(test_run_expressions_when_used_then_right_or_our_error_with_the_line),
        cmocka_unit_test(test_run_commands_when_given_then_as_the_contract_says),
        cmocka_unit_test(test_run_network_when_needed_then_virtual_suts_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
