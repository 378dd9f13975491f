/* A session's life, edge by edge: opening and its restrictions (OPN), closing in all its variants
 * (CLS), idle timeout and its override (IDL), enquire links (LNK). What comes of an event in each
 * state is the subject of test_states.c; here it is what leads from one to the next, and when.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"

#define T (1000 * DRIVER_MS) /* ack_timeout */

/* Opened by the peer's group 0, which nobody restricts any more. */
static void opened(struct driver *d, const struct sipc_config *config)
{
    driver_init(d, config);
    driver_rx(d, "data 0/0 first last end skip: a");
    DRIVER_EXPECT(d, "state opening", "state opened", "deliver \"a\"",
                  "tx data_ack 0/0 full size=16");
}

static enum sipc_state state_of(const struct driver *d)
{
    return sipc_session_state(d->ep, d->session);
}

static sipc_session open_idle(struct driver *d, int64_t idle_timeout_ns)
{
    sipc_session session = 0;

    assert_int_equal(sipc_session_open(d->ep, d->now, 1, driver_id(1), idle_timeout_ns, &session),
                     SIPC_OK);
    driver_drain(d);
    return session;
}

/* ---- opening ---- */

static void test_session_when_open_times_out_then_given_up(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_wait(&d, 10 * T - 1);
    DRIVER_EXPECT(&d, "state opening");
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "state awaiting_disposal -4"); /* no close PDU (STM-2a) */
    driver_fini(&d);
}

static void test_session_when_open_timeout_is_off_then_it_waits(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.open_timeout_ns = 0;
    driver_init(&d, &config);
    driver_open(&d);
    assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
    driver_wait(&d, 1000000 * T);
    DRIVER_EXPECT(&d, "state opening");
    driver_fini(&d);
}

/* The open timeout runs from the creation, whatever is sent or received meanwhile. */
static void test_session_when_sending_at_open_timeout_then_the_send_fails_with_minus_4(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_wait(&d, 9 * T);
    driver_send(&d, 1, 3, "");
    driver_sent(&d, true);
    driver_forget(&d);
    driver_wait(&d, T);
    DRIVER_EXPECT(&d, "result 1 send closed -4", "state awaiting_disposal -4");
    driver_fini(&d);
}

/* STM-1: each way into opened. The peer's second window, with 2 windows a group, is a way too:
 * test_states. */
static void test_session_when_the_first_window_is_acked_then_opened(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_send(&d, 1, 3, "");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "state opening", "tx! data 0/0 first last m1[0,3)");
    driver_rx(&d, "data_ack 0/0"); /* without is_window_full: no window sent */
    DRIVER_QUIET(&d);
    driver_rx(&d, "data_ack 0/0 full");
    DRIVER_EXPECT(&d, "state opened", "tx! data 1/0 last end");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 1/0 full");
    DRIVER_EXPECT(&d, "result 1 send ok");
    driver_wait(&d, 20 * T); /* no open timeout any more */
    assert_int_equal(state_of(&d), SIPC_OPENED);
    driver_fini(&d);
}

/* OPN-5a: receiving lasts till (3 + 1) * ack_timeout without a data PDU applied, or an error. */
static void test_session_when_receiving_ends_then_sending_is_allowed(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/0 first last");
    driver_wait(&d, 3 * T);
    driver_rx(&d, "data 1/0"); /* applied: it starts anew */
    driver_wait(&d, T);
    driver_rx(&d, "data 101/1"); /* 1/0 is min: in reach, applied */
    driver_wait(&d, T);
    driver_rx(&d, "data 5/0 skip"); /* not valid: it does not */
    driver_wait(&d, 3 * T - 1);
    DRIVER_EXPECT(&d, "state opening", "tx data_ack 0/0 full size=16", "tx data_ack 1/0",
                  "discard window_id");
    assert_int_equal(driver_try_send(&d, 1, 3, ""), SIPC_E_OPENING);
    driver_wait(&d, 1);
    driver_send(&d, 1, 3, "");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last m1[0,3)");
    driver_rx(&d, "data 102/0 first"); /* and now receiving is not (OPN-2) */
    DRIVER_EXPECT(&d, "tx data_ack 102/0 error=252");
    driver_fini(&d);
}

static void test_session_when_a_group_is_refused_then_sending_is_allowed(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/0 first");
    DRIVER_EXPECT(&d, "state opening", "tx data_ack 0/0");
    assert_int_equal(driver_try_send(&d, 1, 3, ""), SIPC_E_OPENING);
    driver_rx(&d, "data 0/1 last end");
    DRIVER_EXPECT(&d, "tx data_ack 0/1 error=253");
    driver_send(&d, 1, 3, "");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last m1[0,3)");
    driver_fini(&d);
}

/* OPN-5: a send that failed lets the session receive again; OPN-2a: min is where it was. */
static void test_session_when_a_send_fails_in_opening_then_receiving_is_allowed(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_send(&d, 1, 3, "");
    driver_rx(&d, "data 60/3 first last");
    DRIVER_EXPECT(&d, "state opening", "tx! data 0/0 first last m1[0,3)",
                  "tx data_ack 60/3 error=252");
    driver_rx(&d, "data_ack 0/0 error=252");
    DRIVER_EXPECT(&d, "result 1 send peer_error 252");
    driver_rx(&d, "data 50/0 first last");
    driver_rx(&d, "data 60/0 last end");
    DRIVER_EXPECT(&d, "tx data_ack 50/0 full size=16", "state opened", "deliver \"\"",
                  "tx data_ack 60/0 full size=16");
    driver_fini(&d);
}

/* OPN-6: opened by skip or by its first window, a sender keeps to two windows until one of its
 * groups was acked in full or it received one. */
static void test_session_when_opened_without_a_group_then_still_two_windows(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_unreliable(&d, 1, 3, "skip"); /* opened; nobody says it arrived */
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "state opening", "state opened", "tx! data 0/0 first last end skip m1[0,3)",
                  "result 1 send_unreliable ok");
    driver_rx(&d, "data_ack 0/0 full"); /* of a fire-and-forget message: no group of OPN-6 */
    assert_int_equal(driver_try_unreliable(&d, 2, 3, ""), SIPC_E_OPENING);
    driver_send(&d, 3, 3, "");
    DRIVER_EXPECT(&d, "tx! data 1/0 first last m3[0,3)");
    driver_rx(&d, "data_ack 1/0 full");
    DRIVER_EXPECT(&d, "tx! data 2/0 last end");
    driver_rx(&d, "data_ack 2/0 full");
    DRIVER_EXPECT(&d, "result 3 send ok");
    driver_send(&d, 4, 3, "");
    driver_rx(&d, "data_ack 3/0 full");
    DRIVER_EXPECT(&d, "tx! data 3/0 first last end m4[0,3)", "result 4 send ok");
    driver_unreliable(&d, 5, 3, "");
    DRIVER_EXPECT(&d, "tx! data 4/0 first last end m5[0,3)");
    driver_fini(&d);
}

static void test_session_when_opened_by_skip_then_a_group_received_lifts_the_rest(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/0 first skip");
    DRIVER_EXPECT(&d, "state opening", "state opened", "tx data_ack 0/0");
    assert_int_equal(driver_try_unreliable(&d, 1, 3, ""), SIPC_E_OPENING);
    driver_rx(&d, "data 0/1 last end skip");
    DRIVER_EXPECT(&d, "deliver \"\"", "tx data_ack 0/1 full size=16");
    driver_unreliable(&d, 2, 3, "");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end m2[0,3)");
    driver_fini(&d);
}

/* ---- closing ---- */

/* How a gracious close may go, step by step; each ends in awaiting_disposal (CLS-1). */
static void test_session_when_closed_graciously_then_retried_until_an_outcome(void **state)
{
    static const struct {
        const char *name;
        unsigned timeouts;
        const char *last; /* a PDU, or what comes of the last aftermath */
    } rows[] = {
        {"acked at once", 0, "close_ack 0/0 full"},
        {"acked without is_window_full", 0, "close_ack 0/0"},
        {"acked with an error", 0, "close_ack 0/0 error=250"},
        {"acked at the last retry", 3, "close_ack 0/0 full"},
        {"never acked", 4, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct driver d;
        opened(&d, NULL);
        driver_close(&d, SIPC_ABORT_NORMAL, 5);
        DRIVER_EXPECT(&d, "state closing 1", "tx! close 0/0 abort=1");
        for (unsigned timeout = 1; timeout <= rows[i].timeouts; timeout++) {
            driver_sent(&d, true);
            driver_wait(&d, T - 1);
            DRIVER_QUIET(&d);
            driver_wait(&d, 1);
            if (timeout <= 3)
                DRIVER_EXPECT(&d, "tx! close 0/0 abort=1"); /* the same id (RTY) */
        }
        if (rows[i].last != NULL)
            driver_rx(&d, "%s", rows[i].last);
        DRIVER_EXPECT(&d, "result 5 close ok", "state awaiting_disposal 1");
        driver_fini(&d);
    }
}

static void test_session_when_the_close_pdu_cannot_leave_then_ended_too(void **state)
{
    static const int32_t codes[] = {1, 2, 4, 99};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct driver d;
        opened(&d, NULL);
        driver_close(&d, codes[i], 5);
        driver_forget(&d);
        driver_sent(&d, false);
        assert_int_equal(state_of(&d), SIPC_AWAITING_DISPOSAL);
        driver_forget(&d);
        driver_fini(&d);
    }
}

/* CLS-2, CLS-2a: sent once, only its aftermath is awaited, whatever acks or time say. */
static void test_session_when_closed_with_force_then_only_the_aftermath_counts(void **state)
{
    static const int32_t codes[] = {2, 3, 4, 5, 99};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct driver d;
        opened(&d, NULL);
        driver_close(&d, codes[i], 5);
        driver_forget(&d);
        driver_rx(&d, "close_ack 0/0 full");
        driver_wait(&d, 100 * T);
        DRIVER_QUIET(&d);
        driver_sent(&d, true);
        assert_int_equal(state_of(&d), SIPC_AWAITING_DISPOSAL);
        driver_forget(&d);
        driver_fini(&d);
    }
}

/* Both close at once: each acks the other's close PDU and is done (CLS-3). */
static void test_session_when_both_close_at_once_then_both_done(void **state)
{
    struct driver d;

    (void)state;
    opened(&d, NULL);
    driver_close(&d, SIPC_ABORT_NORMAL, 5);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "state closing 1", "tx! close 0/0 abort=1");
    driver_rx(&d, "close 1/0 abort=1");
    DRIVER_EXPECT(&d, "tx close_ack 1/0 full", "result 5 close ok", "state awaiting_disposal 1");
    driver_rx(&d, "close_ack 0/0 full"); /* the answer to the own close: too late to matter */
    driver_rx(&d, "close 1/0 abort=1");  /* again: its ack got lost (WID-7) */
    DRIVER_EXPECT(&d, "discard state", "tx close_ack 1/0 full");
    driver_fini(&d);
}

/* CLS-5 */
static void test_session_when_close_is_requested_again_then_both_end_with_the_first(void **state)
{
    struct driver d;

    (void)state;
    opened(&d, NULL);
    for (uint64_t handle = 1; handle <= 8; handle++)
        driver_close(&d, handle == 2 ? SIPC_ABORT_FORCED : SIPC_ABORT_NORMAL, handle);
    assert_int_equal(driver_try_close(&d, 1, 9), SIPC_E_NO_SPACE); /* as many as are kept */
    DRIVER_EXPECT(&d, "state closing 1", "tx! close 0/0 abort=1");
    driver_rx(&d, "close_ack 0/0 full");
    DRIVER_EXPECT(&d, "result 1 close ok", "result 2 close ok", "result 3 close ok",
                  "result 4 close ok", "result 5 close ok", "result 6 close ok",
                  "result 7 close ok", "result 8 close ok", "state awaiting_disposal 1");
    driver_close(&d, 1, 10); /* ended already */
    DRIVER_EXPECT(&d, "result 10 close ok");
    driver_fini(&d);
}

static void test_session_when_force_meets_a_send_then_the_send_fails_with_its_code(void **state)
{
    struct driver d;

    (void)state;
    opened(&d, NULL);
    driver_send(&d, 1, 3, "");
    driver_unreliable(&d, 2, 3, "");
    driver_forget(&d);
    assert_int_equal(driver_try_close(&d, 1, 5), SIPC_E_BUSY); /* SND-1a */
    driver_close(&d, 4, 6);
    DRIVER_EXPECT(&d, "result 1 send closed 4", "state closing 4",
                  "result 2 send_unreliable not_sent", "tx! close 1/0 abort=4");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 6 close ok", "state awaiting_disposal 4");
    driver_fini(&d);
}

static void test_session_when_the_peer_closes_then_a_send_fails_with_its_code(void **state)
{
    struct driver d;

    (void)state;
    opened(&d, NULL);
    driver_send(&d, 1, 3, "");
    driver_unreliable(&d, 2, 3, "");
    driver_rx(&d, "close 1/0 abort=77");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end m1[0,3)", "result 1 send closed 77",
                  "result 2 send_unreliable not_sent", "state awaiting_disposal 77");
    driver_fini(&d);
}

/* A forced close is no processed window: min moves, but there is no ack to repeat. */
static void test_session_when_forced_close_comes_twice_then_silence(void **state)
{
    struct driver d;

    (void)state;
    opened(&d, NULL);
    driver_rx(&d, "close 5/0 abort=2");
    driver_rx(&d, "close 5/0 abort=2");
    driver_rx(&d, "close 4/0 abort=2");
    driver_rx(&d, "data 0/0 first last end skip: a"); /* the last window processed (WID-7) */
    DRIVER_EXPECT(&d, "state awaiting_disposal 2", "discard state", "discard window_id",
                  "tx data_ack 0/0 full size=16");
    driver_fini(&d);
}

/* ---- idle timeout ---- */

static struct sipc_config idle_config(void)
{
    struct sipc_config config = driver_config();

    config.idle_timeout_ns = (int64_t)(5 * T);
    config.min_remote_idle_timeout_ns = (int64_t)T;
    config.max_remote_idle_timeout_ns = (int64_t)(20 * T);
    return config;
}

/* IDL-1, IDL-1a: what restarts the timer, and what does not. Each event comes 4 T after opened. */
static void test_session_when_idle_then_closed_with_3(void **state)
{
    static const struct {
        const char *pdu;
        bool restarts;
    } rows[] = {
        {"data 1/0", true},          {"data 1/0 first last end", true},
        {"data_ack 7/0 full", true}, /* any data_ack */
        {"data 0/0", false},         /* a repeat is acked, but no valid PDU */
        {"data 101/0", false},       {"data 1/16", false},
        {"close 1/1", false},        {"close_ack 7/0", false},
        {"enquire_link 0/0", false}, {"enquire_link_ack 0/0", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_config config = idle_config();
        struct driver d;
        opened(&d, &config);
        driver_wait(&d, 4 * T);
        driver_rx(&d, "%s", rows[i].pdu);
        driver_forget(&d);
        driver_wait(&d, (rows[i].restarts ? 5 : 1) * T - 1);
        DRIVER_QUIET(&d);
        driver_wait(&d, 1);
        DRIVER_EXPECT(&d, "state closing 3", "tx! close 0/0 abort=3");
        driver_sent(&d, true);
        DRIVER_EXPECT(&d, "state awaiting_disposal 3");
        driver_fini(&d);
    }
}

static void test_session_when_an_operation_runs_then_not_idle(void **state)
{
    struct sipc_config config = idle_config();
    struct driver d;

    (void)state;
    config.ack_timeout_ns = 100 * T;
    opened(&d, &config);
    driver_wait(&d, 4 * T);
    driver_send(&d, 1, 3, "");
    driver_wait(&d, 50 * T);
    driver_sent(&d, true);
    driver_wait(&d, 50 * T);
    driver_rx(&d, "data_ack 0/0 full"); /* the end of the operation restarts it */
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end m1[0,3)", "result 1 send ok");
    driver_wait(&d, 4 * T);
    driver_unreliable(&d, 2, 3, ""); /* so does a fire-and-forget message */
    driver_sent(&d, true);
    driver_wait(&d, 5 * T - 1);
    DRIVER_EXPECT(&d, "tx! data 1/0 first last end m2[0,3)", "result 2 send_unreliable ok");
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "state closing 3", "tx! close 2/0 abort=3");
    driver_fini(&d);
}

/* FAF-2: what waits when the idle timeout closes is reported not sent. */
static void test_session_when_idle_with_messages_waiting_then_not_sent(void **state)
{
    struct sipc_config config = idle_config();
    struct driver d;

    (void)state;
    opened(&d, &config);
    driver_unreliable(&d, 1, 3, "");
    driver_unreliable(&d, 2, 3, ""); /* waits for the aftermath of the one before */
    driver_wait(&d, 5 * T);
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end m1[0,3)", "state closing 3",
                  "result 2 send_unreliable not_sent", "tx! close 1/0 abort=3");
    driver_fini(&d);
}

/* A session's own idle timeout, given when it is opened. */
static void test_session_when_opened_with_an_idle_timeout_then_that_counts(void **state)
{
    static const struct {
        int64_t timeout_ns;
        sipc_time closes_after; /* 0: never */
    } rows[] = {{INT64_MIN, 5 * T}, {(int64_t)(2 * T), 2 * T}, {0, 0}, {-1, 0}, {INT64_MAX, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_config config = idle_config();
        struct driver d;
        driver_init(&d, &config);
        d.session = open_idle(&d, rows[i].timeout_ns);
        driver_rx(&d, "data 0/0 first last end skip: a");
        driver_forget(&d);
        if (rows[i].closes_after > 0) {
            driver_wait(&d, rows[i].closes_after - 1);
            DRIVER_QUIET(&d);
            driver_wait(&d, 1);
            DRIVER_EXPECT(&d, "state closing 3", "tx! close 0/0 abort=3");
        } else {
            driver_wait(&d, 1000 * T);
            DRIVER_QUIET(&d);
        }
        driver_fini(&d);
    }
}

/* IDL-2: after a group with the option, when it closes (in T); the local timeout is 5 T, values
 * within 1 T .. 20 T are taken. */
static void test_session_when_the_peer_sets_the_idle_timeout_then_within_bounds(void **state)
{
    static const struct {
        const char *options;
        unsigned closes_after;
    } rows[] = {
        {"", 5},
        {"s_idle_timeout=999", 5},
        {"s_idle_timeout=1000", 1},
        {"s_idle_timeout=20000", 20},
        {"s_idle_timeout=20001", 5},
        {"s_idle_timeout=-1", 5},
        {"s_idle_timeout=2000 s_idle_timeout=3000", 3}, /* the last one counts */
        {"s_idle_timeout=no s_idle_timeout=3000", 3},   /* OPT-5: only the last is checked */
        {"s_idle_timeout=3000 s_idle_timeout=999", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_config config = idle_config();
        struct driver d;
        opened(&d, &config);
        driver_rx(&d, "data 1/0 first last end %s", rows[i].options);
        driver_forget(&d);
        driver_wait(&d, rows[i].closes_after * T - 1);
        DRIVER_QUIET(&d);
        driver_wait(&d, 1);
        DRIVER_EXPECT(&d, "state closing 3", "tx! close 0/0 abort=3");
        driver_fini(&d);
    }
}

/* It stays in force over groups without the option; one out of bounds restores the local one. */
static void test_session_when_the_idle_timeout_was_set_then_it_stays_till_another(void **state)
{
    struct sipc_config config = idle_config();
    struct driver d;

    (void)state;
    opened(&d, &config);
    driver_rx(&d, "data 1/0 first last end s_idle_timeout=2000");
    driver_rx(&d, "data 2/0 first last end a=1");
    driver_rx(&d, "data 3/0 first s_idle_timeout=9000"); /* not handed over: it changes nothing */
    driver_rx(&d, "data 4/0 first last end");
    driver_forget(&d);
    driver_wait(&d, 2 * T - 1);
    driver_rx(&d, "data 5/0 first last end s_idle_timeout=0");
    driver_forget(&d);
    driver_wait(&d, 5 * T - 1);
    DRIVER_QUIET(&d);
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "state closing 3", "tx! close 0/0 abort=3");
    driver_fini(&d);
}

static void test_session_when_a_value_is_out_of_bounds_then_the_sessions_own_again(void **state)
{
    struct sipc_config config = idle_config();
    struct driver d;

    (void)state;
    driver_init(&d, &config);
    d.session = open_idle(&d, (int64_t)(3 * T));
    driver_rx(&d, "data 0/0 first last end skip s_idle_timeout=9000");
    driver_rx(&d, "data 1/0 first last end s_idle_timeout=0");
    driver_forget(&d);
    driver_wait(&d, 3 * T - 1);
    DRIVER_QUIET(&d);
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "state closing 3", "tx! close 0/0 abort=3");
    driver_fini(&d);
}

/* Where the bounds let it, a value <= 0 turns the idle timeout off. */
static void test_session_when_the_peer_sets_no_idle_timeout_then_off(void **state)
{
    static const char *const values[] = {"0", "-5"};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct sipc_config config = idle_config();
        struct driver d;
        config.min_remote_idle_timeout_ns = -10 * (int64_t)DRIVER_MS;
        opened(&d, &config);
        driver_rx(&d, "data 1/0 first last end s_idle_timeout=%s", values[i]);
        driver_forget(&d);
        driver_wait(&d, 1000 * T);
        DRIVER_QUIET(&d);
        driver_fini(&d);
    }
}

/* ---- enquire links ---- */

static struct sipc_config link_config(void)
{
    struct sipc_config config = driver_config();

    config.enquire_link_interval_ns = 5 * T;
    return config;
}

/* LNK-2: one an interval, whatever comes of it; a closing session sends none. */
static void test_session_when_links_are_enquired_then_one_each_interval(void **state)
{
    struct sipc_config config = link_config();
    struct driver d;

    (void)state;
    opened(&d, &config);
    for (int i = 0; i < 3; i++) {
        driver_wait(&d, 5 * T - 1);
        DRIVER_QUIET(&d);
        driver_wait(&d, 1);
        DRIVER_EXPECT(&d, "tx enquire_link 0/0");
        if (i == 1)
            driver_rx(&d, "enquire_link_ack 0/0");
        driver_rx(&d, "data_ack 9/0 full");
        DRIVER_EXPECT(&d, "discard not_awaited");
    }
    driver_close(&d, 1, 1);
    driver_forget(&d);
    driver_wait(&d, 20 * T);
    DRIVER_QUIET(&d);
    driver_fini(&d);
}

/* A peer that was heard while opening: the first interval runs from opened. */
static void test_session_when_heard_in_opening_then_links_from_opened_on(void **state)
{
    struct sipc_config config = link_config();
    struct driver d;

    (void)state;
    config.open_timeout_ns = 0;
    driver_init(&d, &config);
    driver_open(&d);
    driver_send(&d, 1, 3, "");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 0/0"); /* heard, but no window sent yet */
    driver_wait(&d, T / 2);
    driver_rx(&d, "data_ack 0/0 full");
    DRIVER_EXPECT(&d, "state opening", "tx! data 0/0 first last m1[0,3)", "state opened",
                  "tx! data 1/0 last end");
    driver_wait(&d, 5 * T - 1);
    DRIVER_QUIET(&d);
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "tx enquire_link 0/0");
    driver_fini(&d);
    driver_init(&d, &config);
    driver_rx(&d, "data 0/0 first last");
    driver_wait(&d, T);
    driver_rx(&d, "data 1/0 last end");
    driver_forget(&d);
    assert_int_equal(sipc_endpoint_deadline(d.ep), 6 * T); /* and no timer of opening is left */
    driver_fini(&d);
}

/* LNK-4: before the peer was heard none goes out and a nack is not believed. Heard is who acks an
 * id that was used, or sends valid data. */
static void test_session_when_the_peer_was_not_heard_then_nothing_is_asked_or_believed(void **state)
{
    static const struct {
        const char *pdu;
        bool heard;
    } rows[] = {
        {"data_ack 0/0 full", true}, /* of the fire-and-forget message that opened the session */
        {"data_ack 0/0 error=252", true},
        {"data 3/0", true},
        {"data_ack 1/0 full", false}, /* not used */
        {"data 101/0", false},
        {"data 3/16", false},
        {"enquire_link_ack 0/0", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_config config = link_config();
        struct driver d;
        driver_init(&d, &config);
        driver_open(&d);
        driver_unreliable(&d, 1, 3, "skip");
        driver_sent(&d, true);
        driver_wait(&d, 20 * T);
        driver_forget(&d);
        driver_rx(&d, "enquire_link_ack 0/0 error=150");
        DRIVER_EXPECT(&d, "discard nack_disbelieved");
        driver_rx(&d, "%s", rows[i].pdu);
        driver_forget(&d);
        driver_wait(&d, 5 * T);
        if (rows[i].heard)
            DRIVER_EXPECT(&d, "tx enquire_link 0/0");
        else
            DRIVER_QUIET(&d);
        driver_rx(&d, "enquire_link_ack 0/0 error=150");
        if (rows[i].heard)
            DRIVER_EXPECT(&d, "state awaiting_disposal -1");
        else
            DRIVER_EXPECT(&d, "discard nack_disbelieved");
        driver_fini(&d);
    }
}

static void test_session_when_a_nack_meets_a_young_close_then_not_believed(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_unreliable(&d, 1, 3, "skip");
    driver_sent(&d, true);
    driver_close(&d, 1, 2);
    driver_forget(&d);
    driver_rx(&d, "enquire_link_ack 0/0 error=150");
    DRIVER_EXPECT(&d, "discard nack_disbelieved");
    driver_rx(&d, "data_ack 0/0 full");
    driver_rx(&d, "enquire_link_ack 0/0 error=150");
    DRIVER_EXPECT(&d, "result 2 close ok", "state awaiting_disposal -1");
    driver_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_when_open_times_out_then_given_up),
        cmocka_unit_test(test_session_when_open_timeout_is_off_then_it_waits),
        cmocka_unit_test(
            test_session_when_sending_at_open_timeout_then_the_send_fails_with_minus_4),
        cmocka_unit_test(test_session_when_the_first_window_is_acked_then_opened),
        cmocka_unit_test(test_session_when_receiving_ends_then_sending_is_allowed),
        cmocka_unit_test(test_session_when_a_group_is_refused_then_sending_is_allowed),
        cmocka_unit_test(test_session_when_a_send_fails_in_opening_then_receiving_is_allowed),
        cmocka_unit_test(test_session_when_opened_without_a_group_then_still_two_windows),
        cmocka_unit_test(test_session_when_opened_by_skip_then_a_group_received_lifts_the_rest),
        cmocka_unit_test(test_session_when_closed_graciously_then_retried_until_an_outcome),
        cmocka_unit_test(test_session_when_the_close_pdu_cannot_leave_then_ended_too),
        cmocka_unit_test(test_session_when_closed_with_force_then_only_the_aftermath_counts),
        cmocka_unit_test(test_session_when_both_close_at_once_then_both_done),
        cmocka_unit_test(test_session_when_close_is_requested_again_then_both_end_with_the_first),
        cmocka_unit_test(test_session_when_force_meets_a_send_then_the_send_fails_with_its_code),
        cmocka_unit_test(test_session_when_the_peer_closes_then_a_send_fails_with_its_code),
        cmocka_unit_test(test_session_when_forced_close_comes_twice_then_silence),
        cmocka_unit_test(test_session_when_idle_then_closed_with_3),
        cmocka_unit_test(test_session_when_an_operation_runs_then_not_idle),
        cmocka_unit_test(test_session_when_idle_with_messages_waiting_then_not_sent),
        cmocka_unit_test(test_session_when_opened_with_an_idle_timeout_then_that_counts),
        cmocka_unit_test(test_session_when_the_peer_sets_the_idle_timeout_then_within_bounds),
        cmocka_unit_test(test_session_when_the_idle_timeout_was_set_then_it_stays_till_another),
        cmocka_unit_test(test_session_when_a_value_is_out_of_bounds_then_the_sessions_own_again),
        cmocka_unit_test(test_session_when_the_peer_sets_no_idle_timeout_then_off),
        cmocka_unit_test(test_session_when_links_are_enquired_then_one_each_interval),
        cmocka_unit_test(test_session_when_heard_in_opening_then_links_from_opened_on),
        cmocka_unit_test(
            test_session_when_the_peer_was_not_heard_then_nothing_is_asked_or_believed),
        cmocka_unit_test(test_session_when_a_nack_meets_a_young_close_then_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
