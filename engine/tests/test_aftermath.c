/* Aftermaths of transmissions (SND-6, SND-9, SND-11, CLS-1, CLS-2): failing ones at every PDU of
 * every kind, ones that come late, twice or for transmissions never made, and acks that overtake
 * them.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"

enum { FOUR_PDUS = 429 + 3 * 442 - 13 }; /* at MTU 512, see test_plan.c */

static struct sipc_config config_of(void)
{
    struct sipc_config config = driver_config();

    config.mtu = 512;
    config.max_window_size = 4;
    return config;
}

static void init_opened(struct driver *d)
{
    struct sipc_config config = config_of();

    driver_init(d, &config);
    driver_rx(d, "data 0/0 first last end skip");
    driver_forget(d);
}

/* An aftermath nobody waits for: refused, and not a byte of the state changes. */
static void refused(struct driver *d, uint64_t token)
{
    size_t size = sipc_endpoint_snapshot_size(d->ep);
    void *before = malloc(size);

    assert_non_null(before);
    memcpy(before, d->block, size);
    for (int success = 0; success < 2; success++)
        assert_int_equal(driver_sent_token(d, token, success != 0), SIPC_E_UNKNOWN);
    assert_memory_equal(d->block, before, size);
    DRIVER_QUIET(d);
    free(before);
}

static void test_aftermath_made_up_then_refused_without_a_trace(void **state)
{
    struct driver d;
    uint64_t sessions = driver_config().max_sessions;

    (void)state;
    init_opened(&d);
    refused(&d, 0);
    driver_send(&d, 1, 10, "");
    driver_forget(&d);
    for (uint64_t token = 0; token < 4 * d.token; token++)
        if (token != d.token)
            refused(&d, token);
    refused(&d, d.token + sessions);
    refused(&d, d.token | UINT64_C(1) << 63);
    refused(&d, UINT64_MAX);
    driver_sent(&d, true); /* the one that is awaited */
    refused(&d, d.token);  /* and once only */
    driver_rx(&d, "data_ack 0/0 full");
    driver_forget(&d);
    refused(&d, d.token);
    driver_fini(&d);
}

static void test_aftermath_made_up_for_a_session_beyond_the_last_then_refused(void **state)
{
    (void)state;
    for (uint32_t sessions = 1; sessions <= 9; sessions++) {
        struct sipc_config config = config_of();
        struct driver d;
        config.max_sessions = sessions;
        driver_init(&d, &config);
        driver_open(&d);
        driver_forget(&d);
        for (uint64_t token = 0; token < 200; token++)
            refused(&d, token);
        driver_fini(&d);
    }
}

static void test_aftermath_of_an_ack_or_link_then_refused(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d);
    driver_rx(&d, "enquire_link 0/0");
    driver_rx(&d, "data 1/0 first last");
    DRIVER_EXPECT(&d, "tx enquire_link_ack 0/0", "tx data_ack 1/0 full size=4");
    refused(&d, d.ack_token);
    driver_fini(&d);
}

/* ---- failing ---- */

static void test_aftermath_failing_at_any_pdu_of_a_window_then_network_error(void **state)
{
    (void)state;
    for (int failing = 0; failing < 4; failing++) {
        struct driver d;
        init_opened(&d);
        driver_send(&d, 1, FOUR_PDUS, "");
        for (int i = 0; i < failing; i++)
            driver_sent(&d, true);
        driver_forget(&d);
        driver_sent(&d, false);
        DRIVER_EXPECT(&d, "result 1 send network_error -5");
        assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
        refused(&d, d.token);
        driver_send(&d, 2, 1, ""); /* SND-11: usable, WID-9: a new id */
        DRIVER_EXPECT(&d, "tx! data 1/0 first last end m2[0,1)");
        driver_fini(&d);
    }
}

static void test_aftermath_failing_in_a_retry_then_network_error(void **state)
{
    (void)state;
    for (int failing = 0; failing < 4; failing++) {
        struct driver d;
        init_opened(&d);
        driver_send(&d, 1, FOUR_PDUS, "");
        for (int i = 0; i < 4; i++)
            driver_sent(&d, true);
        driver_wait(&d, 1000 * DRIVER_MS);
        for (int i = 0; i < failing; i++) {
            driver_sent(&d, true);
            driver_rx(&d, "data_ack 0/%d", i);
        }
        driver_forget(&d);
        driver_sent(&d, false);
        DRIVER_EXPECT(&d, "result 1 send network_error -5");
        driver_fini(&d);
    }
}

static void test_aftermath_failing_in_opening_then_still_opening(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* STM-7, OPN-5 */
    driver_open(&d);
    driver_send(&d, 1, 1, "");
    driver_sent(&d, false);
    DRIVER_EXPECT(&d, "state opening", "tx! data 0/0 first last m1[0,1)",
                  "result 1 send network_error -5");
    driver_rx(&d, "data 0/0 first last"); /* no 252 any more */
    DRIVER_EXPECT(&d, "tx data_ack 0/0 full size=16");
    driver_fini(&d);
}

static void test_aftermath_failing_of_a_close_then_awaiting_disposal(void **state)
{
    static const int32_t codes[] = {SIPC_ABORT_NORMAL, SIPC_ABORT_FORCED, 99};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) /* STM-5, CLS-1 */
        for (int retried = 0; retried < 2; retried++) {
            struct driver d;
            char line[64];
            init_opened(&d);
            driver_close(&d, codes[i], 1);
            if (retried != 0 && codes[i] == SIPC_ABORT_NORMAL) {
                driver_sent(&d, true);
                driver_wait(&d, 1000 * DRIVER_MS);
            }
            driver_forget(&d);
            driver_sent(&d, false);
            snprintf(line, sizeof line, "state awaiting_disposal %" PRId32, codes[i]);
            DRIVER_EXPECT(&d, "result 1 close ok", line);
            refused(&d, d.token);
            driver_fini(&d);
        }
}

static void test_aftermath_of_a_forced_close_then_done(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d); /* CLS-2 */
    driver_close(&d, SIPC_ABORT_FORCED, 1);
    driver_wait(&d, 60000 * DRIVER_MS); /* however long it takes */
    DRIVER_EXPECT(&d, "state closing 2", "tx! close 0/0 abort=2");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 1 close ok", "state awaiting_disposal 2");
    driver_fini(&d);
}

/* ---- overtaken by the end of the operation ---- */

static const struct {
    const char *name;
    const char *rx;
} endings[] = {
    {"full ack", "data_ack 0/0 full"},
    {"error ack", "data_ack 0/0 error=250"},
    {"close of the peer", "close 1/0"},
    {"forced close of the peer", "close 1/0 abort=2"},
};

static void test_aftermath_after_the_end_of_its_operation_then_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct driver d;
        init_opened(&d);
        driver_send(&d, 1, 1, "");
        driver_rx(&d, "%s", endings[i].rx);
        driver_forget(&d);
        d.note = endings[i].name;
        refused(&d, d.token);
        driver_fini(&d);
    }
}

static void test_aftermath_of_a_disposed_session_then_refused_by_the_next_in_its_place(void **state)
{
    struct sipc_config config = config_of();
    struct driver d;
    uint64_t token;

    (void)state;
    config.max_sessions = 1;
    config.linger_ns = 0;
    driver_init(&d, &config);
    driver_open(&d);
    driver_send(&d, 1, 1, "");
    token = d.token;
    assert_int_equal(sipc_session_dispose(d.ep, d.now, d.session, SIPC_ABORT_FORCED), SIPC_OK);
    driver_drain(&d);
    driver_forget(&d);
    refused(&d, token);
    d.session = driver_open_id(&d, 2, 1);
    driver_send(&d, 2, 1, "");
    DRIVER_EXPECT(&d, "#2 state opening", "#2 tx! data 0/0 first last m2[0,1)");
    refused(&d, token);
    driver_sent(&d, true);
    driver_fini(&d);
}

/* ---- between window groups ---- */

/* Two groups, and a fire-and-forget message for the gap between them (FAF-2). `open`: the full ack
 * overtakes the aftermath of the last PDU before it. */
static void reach_gap(struct driver *d, bool open, uint64_t *token)
{
    struct sipc_config config = driver_config();

    config.mtu = 65500;
    driver_init(d, &config);
    driver_rx(d, "data 0/0 first last end skip");
    driver_send(d, 1, 100000, "");
    *token = d->token;
    if (!open)
        driver_sent(d, true);
    driver_unreliable(d, 7, 3, "");
    driver_forget(d);
    driver_rx(d, "data_ack 0/0 full");
    DRIVER_EXPECT(d, "tx! data 1/0 first last end m7[0,3)");
}

static void expect_next_group(struct driver *d)
{
    driver_sent(d, true);
    DRIVER_EXPECT(d, "result 7 send_unreliable ok", "tx! data 2/0 first last end m1[65404,100000)");
    driver_rx(d, "data_ack 2/0 full");
    DRIVER_EXPECT(d, "result 1 send ok");
}

static void test_aftermath_open_at_the_end_of_a_group_then_disregarded(void **state)
{
    struct driver d;
    uint64_t token;

    (void)state;
    reach_gap(&d, true, &token); /* SND-9: also in the gap */
    refused(&d, token);
    expect_next_group(&d);
    driver_fini(&d);
}

static void test_aftermath_there_at_the_end_of_a_group_then_no_timer_runs_in_the_gap(void **state)
{
    struct driver d;
    uint64_t token;

    (void)state;
    reach_gap(&d, false, &token);
    assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
    driver_wait(&d, 60000 * DRIVER_MS);
    DRIVER_QUIET(&d);
    expect_next_group(&d);
    driver_fini(&d);
}

static void test_aftermath_failing_of_a_message_in_the_gap_then_the_group_goes_on(void **state)
{
    struct driver d;
    uint64_t token;

    (void)state;
    reach_gap(&d, false, &token);
    driver_sent(&d, false);
    DRIVER_EXPECT(&d, "result 7 send_unreliable not_sent",
                  "tx! data 2/0 first last end m1[65404,100000)");
    driver_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aftermath_made_up_then_refused_without_a_trace),
        cmocka_unit_test(test_aftermath_made_up_for_a_session_beyond_the_last_then_refused),
        cmocka_unit_test(test_aftermath_of_an_ack_or_link_then_refused),
        cmocka_unit_test(test_aftermath_failing_at_any_pdu_of_a_window_then_network_error),
        cmocka_unit_test(test_aftermath_failing_in_a_retry_then_network_error),
        cmocka_unit_test(test_aftermath_failing_in_opening_then_still_opening),
        cmocka_unit_test(test_aftermath_failing_of_a_close_then_awaiting_disposal),
        cmocka_unit_test(test_aftermath_of_a_forced_close_then_done),
        cmocka_unit_test(test_aftermath_after_the_end_of_its_operation_then_refused),
        cmocka_unit_test(
            test_aftermath_of_a_disposed_session_then_refused_by_the_next_in_its_place),
        cmocka_unit_test(test_aftermath_open_at_the_end_of_a_group_then_disregarded),
        cmocka_unit_test(test_aftermath_there_at_the_end_of_a_group_then_no_timer_runs_in_the_gap),
        cmocka_unit_test(test_aftermath_failing_of_a_message_in_the_gap_then_the_group_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
