/* The endpoint: telling sessions apart (END-1), strangers (END-2), linger (END-3), shutdown
 * (END-4), floods (END-5), and the order in which deadlines fire.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"

#define LINGER (8000 * DRIVER_MS) /* of the defaults: 2 * (3 + 1) * 1 s */

void sipc_panic(const char *file, int line, const char *expression)
{
    mock_assert(0, expression, file, line);
    abort();
}

static void driver_dispose(struct driver *d, sipc_session session, int32_t code)
{
    assert_int_equal(sipc_session_dispose(d->ep, d->now, session, code), SIPC_OK);
    driver_drain(d);
}

static void driver_shutdown(struct driver *d, sipc_time grace)
{
    assert_int_equal(sipc_endpoint_shutdown(d->ep, d->now, grace), SIPC_OK);
    driver_drain(d);
}

static enum sipc_status try_open(struct driver *d, unsigned n, sipc_peer remote)
{
    sipc_session session;
    enum sipc_status status =
        sipc_session_open(d->ep, d->now, remote, driver_id(n), INT64_MIN, &session);

    driver_drain(d);
    return status;
}

/* ---- END-1: telling sessions apart ---- */

static void test_endpoint_when_addresses_or_ids_differ_then_separate_sessions(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "#1 @1 data 0/0 first last: a");
    DRIVER_EXPECT(&d, "state opening", "tx data_ack 0/0 full size=16");
    driver_rx(&d, "#1 @2 data 0/0 first last: b");
    DRIVER_EXPECT(&d, "@2 state opening", "@2 tx data_ack 0/0 full size=16");
    driver_rx(&d, "#2 @1 data 0/0 first last: c");
    DRIVER_EXPECT(&d, "#2 state opening", "#2 tx data_ack 0/0 full size=16");
    assert_int_equal(sipc_endpoint_session_count(d.ep), 3);
    driver_rx(&d, "#1 @2 data 1/0 last end: B");
    DRIVER_EXPECT(&d, "@2 state opened", "@2 deliver \"bB\"", "@2 tx data_ack 1/0 full size=16");
    driver_rx(&d, "#2 @1 data 1/0 last end: C");
    DRIVER_EXPECT(&d, "#2 state opened", "#2 deliver \"cC\"", "#2 tx data_ack 1/0 full size=16");
    driver_rx(&d, "#1 @2 close 2/0 abort=2");
    DRIVER_EXPECT(&d, "@2 state awaiting_disposal 2");
    driver_rx(&d, "#1 @1 data 1/0 last end: A");
    DRIVER_EXPECT(&d, "state opened", "deliver \"aA\"", "tx data_ack 1/0 full size=16");
    assert_int_equal(sipc_session_find(d.ep, 1, driver_id(1)), d.session);
    assert_int_not_equal(sipc_session_find(d.ep, 2, driver_id(1)), d.session);
    assert_int_equal(sipc_session_find(d.ep, 2, driver_id(2)), 0);
    driver_fini(&d);
}

/* END-1a */
static void test_endpoint_when_stream_then_answers_follow_the_last_valid_pdu(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.stream = true;
    driver_init(&d, &config);
    driver_rx(&d, "@1 data 0/0 first last end skip: a");
    DRIVER_EXPECT(&d, "state opening", "state opened", "deliver \"a\"",
                  "tx data_ack 0/0 full size=16");
    driver_rx(&d, "@2 data 101/0"); /* not valid: it moves nothing */
    DRIVER_EXPECT(&d, "@2 discard window_id");
    driver_rx(&d, "@2 data 1/16");
    DRIVER_EXPECT(&d, "@2 discard seq_nr");
    driver_rx(&d, "@2 close 1/1");
    DRIVER_EXPECT(&d, "@2 discard close_seq_nr");
    driver_rx(&d, "@2 data_ack 7/0 full");
    DRIVER_EXPECT(&d, "@2 discard not_awaited");
    driver_send(&d, 1, 3, "");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end m1[0,3)");
    driver_rx(&d, "@3 enquire_link 0/0"); /* valid: answers go there, also to what is sent again */
    DRIVER_EXPECT(&d, "@3 tx enquire_link_ack 0/0");
    driver_sent(&d, true);
    driver_wait(&d, 1000 * DRIVER_MS);
    DRIVER_EXPECT(&d, "@3 tx! data 0/0 first last end m1[0,3)");
    driver_rx(&d, "@4 data_ack 0/0 full");
    DRIVER_EXPECT(&d, "@4 result 1 send ok");
    driver_rx(&d, "@5 data 0/0 first last end skip: a"); /* WID-7 */
    DRIVER_EXPECT(&d, "@5 tx data_ack 0/0 full size=16");
    driver_rx(&d, "@6 data 1/0 first last");
    DRIVER_EXPECT(&d, "@6 tx data_ack 1/0 full size=16");
    assert_int_equal(sipc_session_find(d.ep, 1, driver_id(1)), d.session);
    assert_int_equal(try_open(&d, 1, 9), SIPC_E_EXISTS);
    driver_close(&d, 1, 2);
    driver_rx(&d, "@7 close 2/0 abort=1");
    DRIVER_EXPECT(&d, "@6 state closing 1", "@6 tx! close 1/0 abort=1", "@7 tx close_ack 2/0 full",
                  "@7 result 2 close ok", "@7 state awaiting_disposal 1");
    driver_fini(&d);
}

/* ---- END-2: strangers ---- */

static void test_endpoint_when_the_session_is_unknown_then_only_a_first_pdu_opens(void **state)
{
    static const struct {
        const char *pdu, *line;
        bool accept;
    } rows[] = {
        {"data 0/0", "tx data_ack 0/0", true},
        {"data 100/15", "", true},
        {"data 101/0", "discard not_first", true},
        {"data 0/16", "discard not_first", true},
        {"data 9000000000000000/0", "discard not_first", true},
        {"data 0/0 skip", "discard not_accepting", false},
        {"data 101/0", "discard not_accepting", false},
        {"data_ack 0/0 full", "discard unknown_session", true},
        {"close 0/0", "discard unknown_session", true},
        {"close_ack 0/0", "discard unknown_session", true},
        {"enquire_link_ack 0/0 error=150", "discard unknown_session", true},
        {"enquire_link 7/7", "tx enquire_link_ack 0/0 error=150", true},
        {"enquire_link 7/7", "tx enquire_link_ack 0/0 error=150", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_config config = driver_config();
        struct driver d;
        bool opens = strncmp(rows[i].line, "tx data", 7) == 0 || rows[i].line[0] == '\0';
        config.accept = rows[i].accept;
        driver_init(&d, &config);
        driver_rx(&d, "%s", rows[i].pdu);
        if (rows[i].line[0] == '\0')
            DRIVER_EXPECT(&d, "state opening");
        else if (opens)
            DRIVER_EXPECT(&d, "state opening", rows[i].line);
        else
            DRIVER_EXPECT(&d, rows[i].line);
        assert_int_equal(sipc_endpoint_session_count(d.ep), opens);
        assert_int_equal(sipc_endpoint_discarded(d.ep, SIPC_DISCARD_NOT_FIRST),
                         strcmp(rows[i].line, "discard not_first") == 0);
        driver_fini(&d);
    }
}

static void test_endpoint_when_not_accepting_then_own_sessions_still_open(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.accept = false;
    driver_init(&d, &config);
    driver_open(&d);
    driver_rx(&d, "data 0/0");
    DRIVER_EXPECT(&d, "state opening", "tx data_ack 0/0");
    driver_fini(&d);
}

/* WIRE-7 */
static void test_endpoint_when_bytes_do_not_decode_then_discarded_and_counted(void **state)
{
    static const uint8_t zeros[SIPC_PDU_SIZE_MIN];
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx_bytes(&d, 1, (struct sipc_span){NULL, 0});
    DRIVER_EXPECT(&d, "discard too_short");
    driver_rx_bytes(&d, 1, (struct sipc_span){zeros, sizeof zeros - 1});
    DRIVER_EXPECT(&d, "discard too_short");
    driver_rx_bytes(&d, 1, (struct sipc_span){zeros, sizeof zeros});
    DRIVER_EXPECT(&d, "#0 discard length_mismatch");
    assert_int_equal(sipc_endpoint_discarded(d.ep, SIPC_DISCARD_TOO_SHORT), 2);
    assert_int_equal(sipc_endpoint_discarded(d.ep, SIPC_DISCARD_LENGTH_MISMATCH), 1);
    assert_int_equal(sipc_endpoint_discarded(d.ep, SIPC_DISCARD_OPCODE), 0);
    expect_assert_failure((void)sipc_endpoint_discarded(d.ep, SIPC_DISCARD_COUNT));
    driver_fini(&d);
}

/* ---- END-3: linger ---- */

/* How the session ends, and when (in lingers from the end of its opened life) its id is free. */
static void test_endpoint_when_a_session_ends_then_its_id_lingers(void **state)
{
    static const struct {
        const char *name;
        bool forced;         /* into awaiting_disposal */
        unsigned dispose_at; /* eighths of a linger after that; 8: left to the endpoint */
        unsigned free_at;    /* eighths */
    } rows[] = {
        {"disposed by the endpoint", true, 8, 8},
        {"disposed at once in awaiting_disposal", true, 0, 8},
        {"disposed half way: counted from the entry", true, 4, 8},
        {"disposed when opened", false, 0, 8},
        {"disposed when opened, later: counted from the dispose", false, 4, 12},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct driver d;
        sipc_time free_at = rows[i].free_at * (LINGER / 8);
        driver_init(&d, NULL);
        driver_rx(&d, "data 0/0 first last end skip: a");
        if (rows[i].forced)
            driver_rx(&d, "close 1/0 abort=2");
        driver_forget(&d);
        driver_wait(&d, rows[i].dispose_at * (LINGER / 8));
        if (rows[i].dispose_at < 8) {
            driver_dispose(&d, d.session, 0);
            driver_wait(&d, free_at - d.now - 1);
        }
        DRIVER_EXPECT(&d, "state disposed");
        assert_int_equal(sipc_endpoint_session_count(d.ep), 0);
        assert_int_equal(sipc_session_find(d.ep, 1, driver_id(1)), 0);
        if (rows[i].dispose_at < 8) {
            assert_int_equal(sipc_endpoint_deadline(d.ep), free_at);
            driver_rx(&d, "data 0/0 first last end skip: a"); /* a late copy */
            driver_rx(&d, "close 1/0");
            driver_rx(&d, "enquire_link 0/0");
            DRIVER_EXPECT(&d, "discard lingering", "discard unknown_session",
                          "tx enquire_link_ack 0/0 error=150");
            assert_int_equal(try_open(&d, 1, 1), SIPC_E_EXISTS);
            driver_wait(&d, 1);
        }
        assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
        driver_rx(&d, "data 0/0 first last end skip: a");
        DRIVER_EXPECT(&d, "state opening", "state opened", "deliver \"a\"",
                      "tx data_ack 0/0 full size=16");
        driver_fini(&d);
    }
}

/* The answer to who asks for a session that is not held is of no session here, but says of which it
 * speaks, and goes where the question came from. */
static void test_endpoint_when_a_link_is_refused_then_of_no_session(void **state)
{
    static const unsigned ids[] = {1, 2}; /* one that lingers, one never seen */

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct sipc_pdu_parts parts = {.session_id = driver_id(ids[i]),
                                       .opcode = SIPC_ENQUIRE_LINK};
        uint8_t pdu[SIPC_PDU_SIZE_MIN];
        struct sipc_action action;
        struct driver d;
        size_t used = 0;
        assert_int_equal(sipc_pdu_encode(&parts, pdu, sizeof pdu, &used), SIPC_OK);
        driver_init(&d, NULL);
        d.session = driver_open_id(&d, 1, 5);
        driver_dispose(&d, d.session, 0);
        driver_forget(&d);
        assert_int_equal(sipc_endpoint_receive(d.ep, d.now, 5, (struct sipc_span){pdu, used}),
                         SIPC_OK);
        assert_true(sipc_endpoint_next_action(d.ep, &action));
        assert_int_equal(action.kind, SIPC_ACTION_TRANSMIT);
        assert_int_equal(action.session, 0);
        assert_int_equal(action.remote, 5);
        assert_non_null(action.session_id);
        assert_memory_equal(action.session_id, driver_id(ids[i]), SIPC_SESSION_ID_SIZE);
        assert_false(action.u.transmit.owed);
        assert_false(sipc_endpoint_next_action(d.ep, &action));
        driver_fini(&d);
    }
}

static void test_endpoint_when_the_last_window_comes_again_then_acked_till_disposed(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/0 first last end skip: a");
    driver_rx(&d, "close 1/0 abort=1");
    driver_forget(&d);
    driver_wait(&d, LINGER - 1);
    driver_rx(&d, "close 1/0 abort=1"); /* WID-7 */
    driver_rx(&d, "enquire_link 0/0");  /* held: silence */
    DRIVER_EXPECT(&d, "tx close_ack 1/0 full", "discard state");
    driver_wait(&d, 1);
    driver_rx(&d, "close 1/0 abort=1");
    DRIVER_EXPECT(&d, "state disposed", "discard unknown_session");
    driver_fini(&d);
}

static void test_endpoint_when_linger_is_zero_then_the_id_is_free_at_once(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.linger_ns = 0;
    driver_init(&d, &config);
    driver_open(&d);
    driver_dispose(&d, d.session, 0);
    driver_open(&d);
    DRIVER_EXPECT(&d, "state opening", "state disposed", "state opening");
    driver_close(&d, 1, 1);
    DRIVER_EXPECT(&d, "result 1 close ok", "state awaiting_disposal 1");
    assert_int_equal(sipc_endpoint_deadline(d.ep), d.now);
    driver_wait(&d, 0);
    DRIVER_EXPECT(&d, "state disposed");
    driver_fini(&d);
}

static void test_endpoint_when_a_slot_is_used_again_then_old_handles_are_dead(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;
    sipc_session old;

    (void)state;
    config.max_sessions = 1;
    config.linger_ns = 0;
    driver_init(&d, &config);
    old = driver_open_id(&d, 1, 1);
    driver_dispose(&d, old, 0);
    d.session = driver_open_id(&d, 1, 1);
    driver_forget(&d);
    assert_int_not_equal(old, d.session);
    assert_int_equal(sipc_session_state(d.ep, old), SIPC_DISPOSED);
    assert_int_equal(sipc_session_state(d.ep, d.session), SIPC_OPENING);
    assert_int_equal(sipc_session_state(d.ep, 0), SIPC_DISPOSED);
    assert_int_equal(sipc_session_state(d.ep, d.session + 1), SIPC_DISPOSED);
    assert_int_equal(sipc_session_dispose(d.ep, d.now, old, 0), SIPC_E_UNKNOWN);
    driver_fini(&d);
}

/* ---- END-4: shutdown ---- */

static void test_endpoint_when_shut_down_then_no_new_sessions_and_an_end_with_minus_2(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/0 first last end skip: a");
    driver_send(&d, 1, 3, "");
    driver_sent(&d, true);
    driver_forget(&d);
    driver_shutdown(&d, 500 * DRIVER_MS);
    assert_int_equal(try_open(&d, 2, 1), SIPC_E_STATE);
    driver_rx(&d, "#2 data 0/0");
    driver_rx(&d, "data_ack 0/0 full"); /* those that are there may finish */
    DRIVER_EXPECT(&d, "#2 discard not_accepting", "result 1 send ok");
    driver_send(&d, 2, 3, "");
    driver_wait(&d, 500 * DRIVER_MS - 1);
    DRIVER_EXPECT(&d, "tx! data 1/0 first last end m2[0,3)");
    assert_int_equal(sipc_endpoint_deadline(d.ep), 500 * DRIVER_MS);
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "result 2 send closed -2", "state disposed -2");
    driver_wait(&d, LINGER - 1);
    driver_rx(&d, "data 0/0 first last end skip: a");
    DRIVER_EXPECT(&d, "discard lingering");
    driver_wait(&d, 1);
    assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
    driver_fini(&d);
}

static void test_endpoint_when_shut_down_again_then_the_shorter_grace_counts(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_shutdown(&d, 0);
    assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER); /* nobody is there */
    driver_fini(&d);
    driver_init(&d, NULL);
    driver_open(&d);
    driver_shutdown(&d, 300 * DRIVER_MS);
    driver_shutdown(&d, 400 * DRIVER_MS);
    assert_int_equal(sipc_endpoint_deadline(d.ep), 300 * DRIVER_MS);
    driver_shutdown(&d, 200 * DRIVER_MS);
    assert_int_equal(sipc_endpoint_deadline(d.ep), 200 * DRIVER_MS);
    driver_wait(&d, 200 * DRIVER_MS);
    DRIVER_EXPECT(&d, "state opening", "state disposed -2");
    driver_fini(&d);
}

/* A grace beyond the end of time is for ever. */
static void test_endpoint_when_the_grace_has_no_end_then_sessions_stay(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/0 first last end skip: a");
    driver_forget(&d);
    driver_shutdown(&d, SIPC_NEVER);
    assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER - 1);
    assert_int_equal(try_open(&d, 2, 1), SIPC_E_STATE);
    driver_fini(&d);
}

/* Sessions that went before leave holes; each call ends a few, and the deadline says that more are
 * left. */
static void test_endpoint_when_many_sessions_are_shut_down_then_all_end(void **state)
{
    enum { COUNT = 300 };
    struct sipc_config config = driver_config();
    struct driver d;
    unsigned calls = 0;

    (void)state;
    config.max_sessions = 4 * COUNT;
    config.attribute_limit = 0;
    driver_init(&d, &config);
    for (unsigned i = 0; i < 2 * COUNT; i++)
        driver_open_id(&d, i, 1);
    for (unsigned i = 0; i < 2 * COUNT; i++)
        if (i % 2 == 0 || i < COUNT)
            driver_dispose(&d, sipc_session_find(d.ep, 1, driver_id(i)), 0);
    driver_shutdown(&d, 0);
    driver_forget(&d);
    while (sipc_endpoint_deadline(d.ep) <= d.now) {
        uint32_t before = sipc_endpoint_session_count(d.ep);
        assert_int_equal(sipc_endpoint_advance(d.ep, d.now), SIPC_OK);
        driver_drain(&d);
        assert_in_range(before - sipc_endpoint_session_count(d.ep), 0, 16);
        assert_true(++calls <= 2 * COUNT);
    }
    assert_int_equal(sipc_endpoint_session_count(d.ep), 0);
    driver_forget(&d);
    driver_fini(&d);
}

/* What left in the same moment still leaves whole. */
static void test_endpoint_when_the_end_falls_on_a_timeout_then_each_in_turn(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.max_retry_count = 0;
    driver_init(&d, &config);
    driver_rx(&d, "data 0/0 first last end skip: a");
    driver_send(&d, 1, 3, "");
    driver_sent(&d, true);
    driver_unreliable(&d, 2, 5, "a=1");
    driver_shutdown(&d, 1000 * DRIVER_MS);
    driver_forget(&d);
    driver_wait(&d, 1000 * DRIVER_MS);
    DRIVER_EXPECT(&d, "result 1 send timeout -3", "tx! data 1/0 first last end a=1 m2[0,5)",
                  "result 2 send_unreliable closed -2", "state disposed -2");
    driver_fini(&d);
}

/* ---- END-5: floods ---- */

static void test_endpoint_when_full_then_the_oldest_opening_one_makes_room(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.max_sessions = 3;
    driver_init(&d, &config);
    for (unsigned i = 1; i <= 3; i++)
        driver_rx(&d, "#%u data 0/0", i);
    driver_forget(&d);
    driver_rx(&d, "#4 data 0/0");
    DRIVER_EXPECT(&d, "state disposed", "#4 state opening", "#4 tx data_ack 0/0");
    driver_rx(&d, "#2 data 1/0 skip"); /* opened: it stays */
    driver_rx(&d, "#5 data 0/0");
    DRIVER_EXPECT(&d, "#2 state opened", "#2 tx data_ack 1/0", "#3 state disposed",
                  "#5 state opening", "#5 tx data_ack 0/0");
    driver_rx(&d, "#1 data 0/0"); /* eviction leaves no linger */
    DRIVER_EXPECT(&d, "#4 state disposed", "state opening", "tx data_ack 0/0");
    assert_int_equal(try_open(&d, 6, 1), SIPC_OK); /* the local application may evict too */
    DRIVER_EXPECT(&d, "#5 state disposed", "#6 state opening");
    driver_rx(&d, "#1 data 0/1 skip");
    driver_forget(&d);
    driver_rx(&d, "#7 data 0/0"); /* opened, opened, local: nobody makes room */
    DRIVER_EXPECT(&d, "#7 discard sessions_full");
    assert_int_equal(try_open(&d, 7, 1), SIPC_E_NO_SPACE);
    assert_int_equal(sipc_endpoint_discarded(d.ep, SIPC_DISCARD_SESSIONS_FULL), 1);
    assert_int_equal(sipc_endpoint_session_count(d.ep), 3);
    driver_fini(&d);
}

/* Any of three that may be evicted leaves the list: its front, its middle, its end. */
static void test_endpoint_when_one_may_no_longer_be_evicted_then_the_others_in_turn(void **state)
{
    static const struct {
        unsigned opened;
        const char *first, *second;
    } rows[] = {
        {1, "#2 state disposed", "#3 state disposed"},
        {2, "state disposed", "#3 state disposed"},
        {3, "state disposed", "#2 state disposed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_config config = driver_config();
        struct driver d;
        config.max_sessions = 3;
        driver_init(&d, &config);
        for (unsigned n = 1; n <= 3; n++)
            driver_rx(&d, "#%u data 0/0", n);
        driver_rx(&d, "#%u data 0/0 skip", rows[i].opened);
        driver_forget(&d);
        driver_rx(&d, "#4 data 0/1");
        driver_rx(&d, "#5 data 0/1");
        driver_rx(&d, "#6 data 0/1");
        DRIVER_EXPECT(&d, rows[i].first, "#4 state opening", rows[i].second, "#5 state opening",
                      "#4 state disposed", "#6 state opening");
        driver_fini(&d);
    }
}

/* A session that a peer opened, and in which the local application sends: not evicted meanwhile,
 * and the youngest afterwards. */
static void test_endpoint_when_an_operation_is_in_progress_then_not_evicted(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.max_sessions = 2;
    config.max_retry_count = 0;
    driver_init(&d, &config);
    driver_rx(&d, "#1 data 0/0");
    driver_rx(&d, "#2 data 0/0");
    driver_wait(&d, 1000 * DRIVER_MS); /* receiving is over (OPN-5a) */
    driver_send(&d, 1, 3, "");
    driver_forget(&d);
    driver_rx(&d, "#3 data 0/1");
    driver_rx(&d, "#4 data 0/1");
    DRIVER_EXPECT(&d, "#2 state disposed", "#3 state opening", "#3 state disposed",
                  "#4 state opening");
    driver_sent(&d, false);
    driver_rx(&d, "#5 data 0/1");
    driver_rx(&d, "#6 data 0/1");
    DRIVER_EXPECT(&d, "result 1 send network_error -5", "#4 state disposed", "#5 state opening",
                  "state disposed", "#6 state opening");
    driver_fini(&d);
}

/* Ids that linger take a slot as sessions do. */
static void test_endpoint_when_ids_linger_then_they_take_room(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.max_sessions = 1;
    driver_init(&d, &config);
    driver_open(&d);
    driver_dispose(&d, d.session, 0);
    driver_forget(&d);
    driver_rx(&d, "#2 data 0/0");
    DRIVER_EXPECT(&d, "#2 discard sessions_full");
    driver_wait(&d, LINGER);
    driver_rx(&d, "#2 data 0/0");
    DRIVER_EXPECT(&d, "#2 state opening", "#2 tx data_ack 0/0");
    driver_fini(&d);
}

/* ---- deadlines ---- */

static void test_endpoint_when_deadlines_are_met_late_then_in_their_order(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    for (unsigned i = 1; i <= 4; i++) {
        driver_rx(&d, "#%u data 0/0", 5 - i); /* open timeouts 1 ms apart */
        d.now += DRIVER_MS;
    }
    driver_forget(&d);
    d.now = 20000 * DRIVER_MS;
    while (sipc_endpoint_deadline(d.ep) <= d.now) {
        assert_int_equal(sipc_endpoint_advance(d.ep, d.now), SIPC_OK);
        driver_drain(&d);
    }
    DRIVER_EXPECT(&d, "#4 state awaiting_disposal -4", "#3 state awaiting_disposal -4",
                  "#2 state awaiting_disposal -4", "state awaiting_disposal -4");
    assert_int_equal(sipc_endpoint_deadline(d.ep), d.now + LINGER);
    driver_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint_when_addresses_or_ids_differ_then_separate_sessions),
        cmocka_unit_test(test_endpoint_when_stream_then_answers_follow_the_last_valid_pdu),
        cmocka_unit_test(test_endpoint_when_the_session_is_unknown_then_only_a_first_pdu_opens),
        cmocka_unit_test(test_endpoint_when_not_accepting_then_own_sessions_still_open),
        cmocka_unit_test(test_endpoint_when_bytes_do_not_decode_then_discarded_and_counted),
        cmocka_unit_test(test_endpoint_when_a_session_ends_then_its_id_lingers),
        cmocka_unit_test(test_endpoint_when_a_link_is_refused_then_of_no_session),
        cmocka_unit_test(test_endpoint_when_the_last_window_comes_again_then_acked_till_disposed),
        cmocka_unit_test(test_endpoint_when_linger_is_zero_then_the_id_is_free_at_once),
        cmocka_unit_test(test_endpoint_when_a_slot_is_used_again_then_old_handles_are_dead),
        cmocka_unit_test(test_endpoint_when_shut_down_then_no_new_sessions_and_an_end_with_minus_2),
        cmocka_unit_test(test_endpoint_when_shut_down_again_then_the_shorter_grace_counts),
        cmocka_unit_test(test_endpoint_when_the_grace_has_no_end_then_sessions_stay),
        cmocka_unit_test(test_endpoint_when_many_sessions_are_shut_down_then_all_end),
        cmocka_unit_test(test_endpoint_when_the_end_falls_on_a_timeout_then_each_in_turn),
        cmocka_unit_test(test_endpoint_when_full_then_the_oldest_opening_one_makes_room),
        cmocka_unit_test(test_endpoint_when_one_may_no_longer_be_evicted_then_the_others_in_turn),
        cmocka_unit_test(test_endpoint_when_an_operation_is_in_progress_then_not_evicted),
        cmocka_unit_test(test_endpoint_when_ids_linger_then_they_take_room),
        cmocka_unit_test(test_endpoint_when_deadlines_are_met_late_then_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
