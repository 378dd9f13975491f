/* Own window ids as they run out (WID-9, WID-10, WID-11) and wrap (WID-6): the resync PDU in every
 * phase of sends and closes.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"

#define E15 SIPC_WINDOW_ID_MAX

static const sipc_time ack_timeout = 1000 * DRIVER_MS;

/* Opened by a group of the peer, its own ids next to `next`, the newest acked being `acked`. */
static void init_at_with(struct driver *d, const struct sipc_config *config, int64_t next,
                         int64_t acked)
{
    driver_init(d, config);
    driver_open(d);
    driver_preset(d, next, acked, -1, false);
    driver_rx(d, "data 0/0 first last end skip");
    driver_forget(d);
}

static void init_at(struct driver *d, int64_t next, int64_t acked)
{
    init_at_with(d, NULL, next, acked);
}

/* ---- when a send needs one ---- */

static const struct {
    const char *name;
    int64_t next, acked;
    const char *line; /* what a send begins with */
} begins[] = {
    {"fresh", 0, -1, "tx! data 0/0 first last end m1[0,1)"},
    {"one below top", 99, -1, "tx! data 99/0 first last end m1[0,1)"},
    {"top, none acked", 100, -1, "tx! data 100/0"},
    {"top, 0 acked", 100, 0, "tx! data 100/0"},
    {"one below top, 1 acked", 100, 1, "tx! data 100/0 first last end m1[0,1)"},
    {"top, 1 acked", 101, 1, "tx! data 101/0"},
    {"9E15-1 is below top", E15 - 1, E15 - 50,
     "tx! data 8999999999999999/0 first last end m1[0,1)"},
    {"9E15 is top", E15, E15 - 1, "tx! data 9000000000000000/0"},
    {"9E15 was acked", 0, E15, "tx! data 0/0 first last end m1[0,1)"},
    {"one below top after the wrap", 99, E15, "tx! data 99/0 first last end m1[0,1)"},
    {"top after the wrap", 100, E15, "tx! data 100/0"},
};

static void test_resync_at_a_boundary_of_ids_then_sent_first_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        struct driver d;
        init_at(&d, begins[i].next, begins[i].acked);
        driver_send(&d, 1, 1, "");
        d.note = begins[i].name;
        DRIVER_EXPECT(&d, begins[i].line);
        driver_fini(&d);
    }
}

/* ---- what ends it ---- */

static const struct {
    const char *name, *ack;
    bool success;
} answers[] = {
    {"an ack", "data_ack 100/0", true},
    {"a full ack", "data_ack 100/0 full size=1", true},
    {"error 254", "data_ack 100/0 error=254", true},
    {"error 253", "data_ack 100/0 error=253", true},
    {"error 250", "data_ack 100/0 error=250", true},
    {"any seq_nr", "data_ack 100/77", true},
    {"error 252", "data_ack 100/0 error=252", false},
    {"another id, never used", "data_ack 101/0", false},
    {"another id that makes no room", "data_ack 0/0 full", false},
    {"another id that makes just no room", "data_ack 1/0 full", false},
    {"another id that makes room", "data_ack 2/0 full", true},
};

static void test_resync_when_acked_then_the_send_goes_on_with_the_next_id(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++)
        for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
            struct driver d;
            uint64_t token;
            init_at(&d, 100, -1);
            driver_send(&d, 1, 1, "");
            token = d.token;
            if (!open)
                driver_sent(&d, true);
            driver_forget(&d);
            driver_rx(&d, "%s", answers[i].ack);
            d.note = answers[i].name;
            if (answers[i].success) {
                DRIVER_EXPECT(&d, "tx! data 101/0 first last end m1[0,1)");
                assert_int_equal(driver_sent_token(&d, token, false), SIPC_E_UNKNOWN);
                driver_rx(&d, "data_ack 101/0 full");
                DRIVER_EXPECT(&d, "result 1 send ok");
            } else {
                driver_forget(&d); /* perhaps a discard */
                if (open)
                    driver_sent(&d, true);
                driver_wait(&d, ack_timeout - 1);
                DRIVER_QUIET(&d);
            }
            driver_fini(&d);
        }
}

static void test_resync_after_252_then_retried_with_the_same_id(void **state)
{
    struct driver d;

    (void)state;
    init_at(&d, 100, -1);
    driver_send(&d, 1, 1, "");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 100/0 error=252");
    driver_wait(&d, ack_timeout);
    DRIVER_EXPECT(&d, "tx! data 100/0", "discard not_awaited", "tx! data 100/0");
    driver_fini(&d);
}

static void test_resync_when_retries_are_spent_then_timeout_and_usable(void **state)
{
    struct driver d;

    (void)state;
    init_at(&d, 100, -1);
    driver_send(&d, 1, 1, "");
    for (int i = 0; i <= 3; i++) {
        DRIVER_EXPECT(&d, "tx! data 100/0");
        driver_wait(&d, 10 * DRIVER_MS);
        driver_sent(&d, true);
        driver_wait(&d, ack_timeout);
    }
    DRIVER_EXPECT(&d, "result 1 send timeout -3");
    driver_send(&d, 2, 1, ""); /* the last left 1,010 ms ago */
    DRIVER_EXPECT(&d, "tx! data 100/0");
    driver_rx(&d, "data_ack 100/0 error=254");
    DRIVER_EXPECT(&d, "tx! data 101/0 first last end m2[0,1)");
    driver_fini(&d);
}

static void test_resync_when_its_transmission_fails_then_network_error(void **state)
{
    struct driver d;

    (void)state;
    init_at(&d, 100, -1);
    driver_send(&d, 1, 1, "");
    driver_sent(&d, false);
    DRIVER_EXPECT(&d, "tx! data 100/0", "result 1 send network_error -5");
    driver_fini(&d);
}

static void test_resync_is_no_window_then_opening_goes_on(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* STM-1, OPN-6 do not apply */
    driver_open(&d);
    driver_preset(&d, 100, -1, -1, false);
    driver_send(&d, 1, 1, "");
    driver_rx(&d, "data_ack 100/0 full");
    DRIVER_EXPECT(&d, "state opening", "tx! data 100/0", "tx! data 101/0 first last m1[0,1)");
    driver_fini(&d);
}

static void test_resync_with_skip_then_without_options(void **state)
{
    struct driver d;

    (void)state;
    init_at(&d, 100, -1);
    driver_send(&d, 1, 1, "skip a=b");
    driver_rx(&d, "data_ack 100/0 error=254");
    DRIVER_EXPECT(&d, "tx! data 100/0", "tx! data 101/0 first last end skip a=b m1[0,1)");
    driver_fini(&d);
}

/* ---- at most one per ack_timeout ---- */

static void fail_a_resync(struct driver *d, int64_t next, int64_t acked)
{
    init_at(d, next, acked);
    driver_send(d, 1, 1, "");
    driver_sent(d, false);
    driver_forget(d);
}

static void test_resync_needed_soon_again_then_waits_for_the_rest_of_the_time(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, 100, -1);
    driver_wait(&d, ack_timeout / 4);
    driver_send(&d, 2, 1, "");
    driver_wait(&d, 3 * (ack_timeout / 4) - 1);
    DRIVER_QUIET(&d);
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "tx! data 100/0");
    driver_fini(&d);
}

static void test_resync_needed_soon_again_then_waits_for_the_ack_of_the_last(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, 100, -1);
    driver_send(&d, 2, 1, "");
    DRIVER_QUIET(&d);
    driver_rx(&d, "data_ack 100/0 error=252");
    DRIVER_EXPECT(&d, "discard not_awaited");
    driver_rx(&d, "data_ack 100/0 error=254");
    DRIVER_EXPECT(&d, "tx! data 101/0 first last end m2[0,1)");
    assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
    driver_fini(&d);
}

static void test_resync_waited_for_then_its_retries_are_all_left(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, 100, -1);
    driver_send(&d, 2, 1, "");
    driver_wait(&d, ack_timeout);
    for (int i = 0; i <= 3; i++) {
        DRIVER_EXPECT(&d, "tx! data 100/0");
        driver_sent(&d, true);
        driver_wait(&d, ack_timeout);
    }
    DRIVER_EXPECT(&d, "result 2 send timeout -3");
    driver_fini(&d);
}

static void test_resync_with_another_top_then_not_too_soon(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, 100, -1);
    driver_rx(&d, "data_ack 1/0 full"); /* top is 101 now, and the next id as well */
    driver_forget(&d);
    driver_send(&d, 2, 1, "");
    driver_wait(&d, ack_timeout - 1);
    DRIVER_QUIET(&d);
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "tx! data 101/0");
    driver_fini(&d);
}

static void test_resync_retried_when_top_went_on_then_the_same_id(void **state)
{
    struct driver d;

    (void)state;
    init_at(&d, 100, -1);
    driver_send(&d, 1, 1, "");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 1/0 full"); /* top is 101 now, and so is the next id */
    driver_forget(&d);
    driver_wait(&d, ack_timeout);
    DRIVER_EXPECT(&d, "tx! data 100/0");
    driver_rx(&d, "data_ack 2/0 full"); /* late, but it brings an id */
    DRIVER_EXPECT(&d, "tx! data 101/0 first last end m1[0,1)");
    driver_fini(&d);
}

static void test_resync_whose_ack_tells_the_peers_size_then_windows_keep_to_it(void **state)
{
    struct driver d;

    (void)state;
    init_at(&d, 100, -1);
    driver_send(&d, 1, 2000, "");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 100/0 full size=1");
    DRIVER_EXPECT(&d, "tx! data 100/0", "tx! data 101/0 first last m1[0,1317)");
    driver_rx(&d, "data_ack 101/0 full size=1");
    DRIVER_EXPECT(&d, "tx! data 102/0 last end m1[1317,2000)");
    driver_fini(&d);
}

/* ---- one after the other: an ack of 9E15 - 1 makes the next id top once more ---- */

static const struct {
    const char *name;
    int64_t step, acked;
    int retries;       /* of the first resync PDU */
    sipc_time early;   /* how long before the end of its ack_timeout its ack comes, at most that */
    bool aftermath;    /* come before that ack */
    const char *older; /* an ack that comes before it */
} pairs[] = {
    {"at once", 100, E15 - 101, 0, 1000 * DRIVER_MS, true, NULL},
    {"before the aftermath", 100, E15 - 101, 0, 1000 * DRIVER_MS, false, NULL},
    {"at the last moment", 100, E15 - 101, 0, 1, true, NULL},
    {"when the time is over, the aftermath to come", 100, E15 - 101, 0, 0, false, NULL},
    {"after all retries", 100, E15 - 101, 3, 1, true, NULL},
    {"after another that made it top", 100, E15 - 101, 0, 1, true,
     "data_ack 8999999999999900/0 full"},
    {"the smallest step", 2, E15 - 3, 0, 1, true, NULL},
};

static void test_resync_when_acked_and_top_is_next_again_then_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct sipc_config config = driver_config();
        struct driver d;
        config.window_id_step = pairs[i].step;
        init_at_with(&d, &config, E15 - 1, pairs[i].acked);
        d.note = pairs[i].name;
        driver_send(&d, 1, 1, "");
        for (int n = 0; n < pairs[i].retries; n++) {
            driver_sent(&d, true);
            driver_wait(&d, ack_timeout);
        }
        if (pairs[i].aftermath)
            driver_sent(&d, true);
        driver_wait(&d, ack_timeout - pairs[i].early);
        if (pairs[i].older != NULL)
            driver_rx(&d, "%s", pairs[i].older);
        driver_forget(&d);
        driver_rx(&d, "data_ack %" PRId64 "/0 full", E15 - 1);
        if (pairs[i].early > 0) { /* one per ack_timeout */
            driver_wait(&d, pairs[i].early - 1);
            DRIVER_QUIET(&d);
            driver_wait(&d, 1);
        }
        for (int n = 0; n < 3; n++) { /* no retry history */
            DRIVER_EXPECT(&d, "tx! data 9000000000000000/0");
            driver_sent(&d, true);
            driver_wait(&d, ack_timeout);
        }
        driver_forget(&d);
        driver_rx(&d, "data_ack %" PRId64 "/0 error=254", E15);
        DRIVER_EXPECT(&d, "tx! data 0/0 first last end m1[0,1)");
        driver_rx(&d, "data_ack 0/0 full");
        DRIVER_EXPECT(&d, "result 1 send ok");
        driver_fini(&d);
    }
}

static void test_resync_of_an_ended_send_acked_and_top_is_next_again_then_another(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, E15 - 1, E15 - 101);
    driver_send(&d, 2, 1, "");
    driver_wait(&d, ack_timeout / 4);
    driver_rx(&d, "data_ack %" PRId64 "/0 full", E15 - 1);
    driver_wait(&d, 3 * (ack_timeout / 4) - 1);
    DRIVER_QUIET(&d);
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "tx! data 9000000000000000/0");
    driver_fini(&d);
}

/* ---- in the middle of a send ---- */

static void test_resync_after_retries_of_a_window_then_all_of_its_own(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.max_window_size = 1;
    init_at_with(&d, &config, E15 - 1, E15 - 2);
    driver_send(&d, 1, 2000, "");
    for (int i = 0; i < 3; i++) {
        driver_sent(&d, true);
        driver_wait(&d, ack_timeout);
    }
    driver_rx(&d, "data_ack %" PRId64 "/0 full", E15 - 1);
    for (int i = 0; i < 3; i++) {
        driver_sent(&d, true);
        driver_forget(&d);
        driver_wait(&d, ack_timeout);
        DRIVER_EXPECT(&d, "tx! data 9000000000000000/0");
    }
    driver_sent(&d, true);
    driver_wait(&d, ack_timeout);
    DRIVER_EXPECT(&d, "result 1 send timeout -3");
    driver_fini(&d);
}

static void test_resync_in_the_middle_of_a_send_then_the_wrap(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.max_window_size = 1;
    init_at_with(&d, &config, E15 - 1, E15 - 2);
    driver_send(&d, 1, 3000, "");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack %" PRId64 "/0 full", E15 - 1);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "tx! data 8999999999999999/0 first last m1[0,1317)",
                  "tx! data 9000000000000000/0");
    driver_wait(&d, ack_timeout);
    DRIVER_EXPECT(&d, "tx! data 9000000000000000/0");
    driver_rx(&d, "data_ack %" PRId64 "/0 full", E15);
    DRIVER_EXPECT(&d, "tx! data 0/0 last m1[1317,2647)");
    driver_rx(&d, "data_ack 0/0 full");
    driver_rx(&d, "data_ack 1/0 full");
    DRIVER_EXPECT(&d, "tx! data 1/0 last end m1[2647,3000)", "result 1 send ok");
    driver_fini(&d);
}

static void test_resync_after_an_overtaken_aftermath_then_that_is_disregarded(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;
    uint64_t token;

    (void)state;
    config.max_window_size = 1;
    init_at_with(&d, &config, E15 - 1, E15 - 2);
    driver_send(&d, 1, 3000, "");
    token = d.token;
    driver_rx(&d, "data_ack %" PRId64 "/0 full", E15 - 1);
    driver_forget(&d);
    assert_int_equal(driver_sent_token(&d, token, false), SIPC_E_UNKNOWN);
    driver_sent(&d, true);
    DRIVER_QUIET(&d);
    driver_fini(&d);
}

static void test_resync_needed_for_the_rest_of_a_window_then_first(void **state)
{
    struct driver d;

    (void)state;
    init_at(&d, E15 - 1, E15 - 2); /* PRT-1 */
    driver_send(&d, 1, 3000, "");
    driver_rx(&d, "data_ack %" PRId64 "/0 full", E15 - 1);
    driver_rx(&d, "data_ack %" PRId64 "/0", E15);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "tx! data 8999999999999999/0 first m1[0,1317)", "tx! data 9000000000000000/0",
                  "tx! data 0/0 m1[1317,2647)", "tx! data 0/1 last end m1[2647,3000)");
    driver_fini(&d);
}

/* A hundred windows lost in a row, then the peer hears again: with a peer that holds to WID-3. */
static void test_resync_after_a_hundred_windows_lost_then_the_peer_takes_the_next(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d, peer;
    int64_t id = 0;

    (void)state;
    config.max_retry_count = 0;
    driver_init(&peer, &config);
    driver_open(&peer);
    init_at_with(&d, &config, 0, -1);
    for (int i = 0; i < 100; i++) {
        driver_send(&d, 1, 1, "skip");
        driver_sent(&d, true);
        driver_wait(&d, ack_timeout);
    }
    driver_forget(&d);
    driver_send(&d, 2, 1, "skip");
    DRIVER_EXPECT(&d, "tx! data 100/0");
    driver_forget(&peer);
    driver_rx(&peer, "data 100/0");
    DRIVER_EXPECT(&peer, "tx data_ack 100/0");
    driver_rx(&d, "data_ack 100/0");
    DRIVER_EXPECT(&d, "tx! data 101/0 first last end skip m2[0,1)");
    driver_rx(&peer, "data 101/0 first last end skip: x");
    DRIVER_EXPECT(&peer, "state opened", "deliver \"x\"", "tx data_ack 101/0 full size=16");
    driver_rx(&d, "data_ack 101/0 full size=16");
    DRIVER_EXPECT(&d, "result 2 send ok");
    for (id = 102; id < 201; id++) { /* and so on: 99 more may be lost */
        driver_send(&d, 3, 1, "");
        driver_sent(&d, false);
    }
    driver_forget(&d);
    driver_wait(&d, ack_timeout);
    driver_send(&d, 4, 1, "");
    DRIVER_EXPECT(&d, "tx! data 201/0");
    driver_fini(&d);
    driver_fini(&peer);
}

/* ---- closes ---- */

static const struct {
    const char *name;
    bool resynced; /* a resync PDU has used top, more than ack_timeout ago */
    int32_t code;
    const char *line;
} closes[] = {
    {"gracious, top is free", false, SIPC_ABORT_NORMAL, "tx! close 100/0 abort=1"},
    {"forced, top is free", false, SIPC_ABORT_FORCED, "tx! close 100/0 abort=2"},
    {"gracious, top was used", true, SIPC_ABORT_NORMAL, "tx! data 100/0"},
    {"forced, top was used", true, SIPC_ABORT_FORCED, "tx! close 100/0 abort=2"},
};

static void test_resync_before_a_close_then_only_where_top_was_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof closes / sizeof closes[0]; i++) {
        struct driver d;
        if (closes[i].resynced)
            fail_a_resync(&d, 100, -1);
        else
            init_at(&d, 100, -1);
        driver_wait(&d, ack_timeout);
        driver_close(&d, closes[i].code, 9);
        d.note = closes[i].name;
        DRIVER_EXPECT(&d,
                      closes[i].code == SIPC_ABORT_NORMAL ? "state closing 1" : "state closing 2",
                      closes[i].line);
        driver_fini(&d);
    }
}

static void test_resync_before_a_close_when_acked_then_the_close(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, 100, -1);
    driver_close(&d, SIPC_ABORT_NORMAL, 9);
    DRIVER_EXPECT(&d, "state closing 1"); /* the last may still be acked */
    driver_rx(&d, "data_ack 100/0 error=254");
    DRIVER_EXPECT(&d, "tx! close 101/0 abort=1");
    driver_rx(&d, "close_ack 101/0 full");
    DRIVER_EXPECT(&d, "result 9 close ok", "state awaiting_disposal 1");
    driver_fini(&d);
}

static void
test_resync_before_a_close_when_a_late_ack_moves_top_then_the_close_takes_it(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, 100, -1);
    driver_close(&d, SIPC_ABORT_NORMAL, 9);
    driver_forget(&d);
    driver_rx(&d, "data_ack 1/0 full"); /* top is 101 now, and no resync PDU has used it */
    DRIVER_EXPECT(&d, "tx! close 101/0 abort=1");
    driver_fini(&d);
}

static void test_resync_before_a_close_when_it_times_out_then_as_a_close_that_does(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, 100, -1);
    driver_wait(&d, ack_timeout);
    driver_close(&d, SIPC_ABORT_NORMAL, 9);
    driver_forget(&d);
    for (int i = 0; i < 3; i++) {
        driver_sent(&d, true);
        driver_wait(&d, ack_timeout);
        DRIVER_EXPECT(&d, "tx! data 100/0");
    }
    driver_sent(&d, true);
    driver_wait(&d, ack_timeout);
    DRIVER_EXPECT(&d, "result 9 close ok", "state awaiting_disposal 1");
    driver_fini(&d);
}

static void test_resync_before_a_close_when_its_transmission_fails_then_done(void **state)
{
    struct driver d;

    (void)state;
    fail_a_resync(&d, 100, -1);
    driver_wait(&d, ack_timeout);
    driver_close(&d, SIPC_ABORT_NORMAL, 9);
    driver_sent(&d, false);
    DRIVER_EXPECT(&d, "state closing 1", "tx! data 100/0", "result 9 close ok",
                  "state awaiting_disposal 1");
    driver_fini(&d);
}

static void test_resync_when_the_session_is_closed_by_force_then_forgotten(void **state)
{
    struct driver d;

    (void)state;
    init_at(&d, 100, -1);
    driver_send(&d, 1, 1, "");
    driver_sent(&d, true);
    driver_close(&d, SIPC_ABORT_FORCED, 9);
    DRIVER_EXPECT(&d, "tx! data 100/0", "result 1 send closed 2", "state closing 2",
                  "tx! close 100/0 abort=2");
    driver_rx(&d, "data_ack 100/0 error=254"); /* of the resync PDU: ends nothing */
    DRIVER_QUIET(&d);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 9 close ok", "state awaiting_disposal 2");
    driver_fini(&d);
}

/* ---- small rings: every id and more, over the wrap, none used twice in a lap ---- */

static void test_resync_over_small_rings_then_ids_in_order_lap_after_lap(void **state)
{
    (void)state;
    for (int64_t step = 2; step <= 5; step++)
        for (int64_t max = 3 * step; max < 20; max++) {
            struct sipc_config config = driver_config();
            struct driver d;
            int64_t expected = 0;
            config.window_id_step = step;
            config.window_id_max = max;
            init_at_with(&d, &config, 0, -1);
            for (int i = 0; i < 60; i++) {
                char line[80];
                driver_send(&d, 1, 1, "");
                if (expected == max) { /* all acked: no other id is ever top */
                    snprintf(line, sizeof line, "tx! data %" PRId64 "/0", max);
                    DRIVER_EXPECT(&d, line);
                    driver_rx(&d, "data_ack %" PRId64 "/0 error=254", max);
                    expected = 0;
                }
                snprintf(line, sizeof line, "tx! data %" PRId64 "/0 first last end m1[0,1)",
                         expected);
                DRIVER_EXPECT(&d, line);
                driver_rx(&d, "data_ack %" PRId64 "/0 full", expected++);
                DRIVER_EXPECT(&d, "result 1 send ok");
                driver_wait(&d, ack_timeout);
            }
            driver_fini(&d);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resync_at_a_boundary_of_ids_then_sent_first_or_not),
        cmocka_unit_test(test_resync_when_acked_then_the_send_goes_on_with_the_next_id),
        cmocka_unit_test(test_resync_after_252_then_retried_with_the_same_id),
        cmocka_unit_test(test_resync_when_retries_are_spent_then_timeout_and_usable),
        cmocka_unit_test(test_resync_when_its_transmission_fails_then_network_error),
        cmocka_unit_test(test_resync_is_no_window_then_opening_goes_on),
        cmocka_unit_test(test_resync_with_skip_then_without_options),
        cmocka_unit_test(test_resync_needed_soon_again_then_waits_for_the_rest_of_the_time),
        cmocka_unit_test(test_resync_needed_soon_again_then_waits_for_the_ack_of_the_last),
        cmocka_unit_test(test_resync_waited_for_then_its_retries_are_all_left),
        cmocka_unit_test(test_resync_with_another_top_then_not_too_soon),
        cmocka_unit_test(test_resync_retried_when_top_went_on_then_the_same_id),
        cmocka_unit_test(test_resync_whose_ack_tells_the_peers_size_then_windows_keep_to_it),
        cmocka_unit_test(test_resync_when_acked_and_top_is_next_again_then_another),
        cmocka_unit_test(test_resync_of_an_ended_send_acked_and_top_is_next_again_then_another),
        cmocka_unit_test(test_resync_after_retries_of_a_window_then_all_of_its_own),
        cmocka_unit_test(test_resync_in_the_middle_of_a_send_then_the_wrap),
        cmocka_unit_test(test_resync_after_an_overtaken_aftermath_then_that_is_disregarded),
        cmocka_unit_test(test_resync_needed_for_the_rest_of_a_window_then_first),
        cmocka_unit_test(test_resync_after_a_hundred_windows_lost_then_the_peer_takes_the_next),
        cmocka_unit_test(test_resync_before_a_close_then_only_where_top_was_used),
        cmocka_unit_test(test_resync_before_a_close_when_acked_then_the_close),
        cmocka_unit_test(
            test_resync_before_a_close_when_a_late_ack_moves_top_then_the_close_takes_it),
        cmocka_unit_test(test_resync_before_a_close_when_it_times_out_then_as_a_close_that_does),
        cmocka_unit_test(test_resync_before_a_close_when_its_transmission_fails_then_done),
        cmocka_unit_test(test_resync_when_the_session_is_closed_by_force_then_forgotten),
        cmocka_unit_test(test_resync_over_small_rings_then_ids_in_order_lap_after_lap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
