/* Fire-and-forget messages (FAF-*): when they leave and when not, what is refused and what is told
 * not sent, and what becomes of those that wait.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/state.h"
#include "driver.h"

static void init_opened(struct driver *d, const struct sipc_config *config)
{
    driver_init(d, config);
    driver_rx(d, "data 0/0 first last end skip");
    driver_forget(d);
}

static struct sipc_config config_of(uint32_t mtu)
{
    struct sipc_config config = driver_config();

    config.mtu = mtu;
    return config;
}

/* Equal states are equal bytes: of messages that are gone nothing is left. */
static void expect_clean(const struct driver *d)
{
    const struct session *s = session_at(d->ep, 0);
    const struct sipc_config *config = sipc_endpoint_config(d->ep);
    static const struct operation none; /* OPERATION_NONE, and zeros */
    const uint8_t *ring = (const uint8_t *)unreliable_of(d->ep, s);

    assert_memory_equal(&s->tx.op, &none, sizeof none);
    for (uint32_t i = 0; i < config->attribute_limit; i++)
        assert_int_equal(pool_of(d->ep, s)[i], 0);
    for (size_t i = 0; i < config->unreliable_queue * sizeof(struct unreliable); i++)
        assert_int_equal(ring[i], 0);
}

/* ---- leaving ---- */

static void test_unreliable_in_opened_then_one_pdu_sent_once(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL); /* FAF-1 */
    driver_unreliable(&d, 1, 10, "a=b");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end a=b m1[0,10)");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 1 send_unreliable ok");
    assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER); /* no ack is awaited */
    driver_rx(&d, "data_ack 0/0 error=250");
    DRIVER_QUIET(&d);
    driver_unreliable(&d, 2, 0, "skip");
    driver_sent(&d, false);
    DRIVER_EXPECT(&d, "tx! data 1/0 first last end skip", "result 2 send_unreliable not_sent");
    driver_send(&d, 3, 1, "");
    DRIVER_EXPECT(&d, "tx! data 2/0 first last end m3[0,1)"); /* WID-9 */
    driver_fini(&d);
}

static void test_unreliable_several_then_each_at_the_aftermath_before(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL);
    driver_unreliable(&d, 1, 1, "a=1");
    driver_unreliable(&d, 2, 2, "b=22");
    driver_unreliable(&d, 3, 3, "");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end a=1 m1[0,1)");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 1 send_unreliable ok", "tx! data 1/0 first last end b=22 m2[0,2)");
    driver_unreliable(&d, 4, 4, "c=333");
    driver_sent(&d, false);
    DRIVER_EXPECT(&d, "result 2 send_unreliable not_sent", "tx! data 2/0 first last end m3[0,3)");
    driver_sent(&d, true);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 3 send_unreliable ok", "tx! data 3/0 first last end c=333 m4[0,4)",
                  "result 4 send_unreliable ok");
    expect_clean(&d);
    driver_fini(&d);
}

static void test_unreliable_during_a_window_then_waits_for_the_end_of_the_send(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL); /* FAF-2 */
    driver_send(&d, 1, 3000, "");
    driver_unreliable(&d, 2, 5, "");
    driver_sent(&d, true);
    driver_sent(&d, true);
    driver_sent(&d, true);
    driver_wait(&d, 1000 * DRIVER_MS); /* nor between retries */
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 0/0 full"); /* nor between windows of a group */
    driver_forget(&d);
    driver_rx(&d, "data_ack 1/0 full");
    driver_rx(&d, "data_ack 2/0 full");
    DRIVER_EXPECT(&d, "tx! data 2/0 last end m1[2647,3000)", "result 1 send ok",
                  "tx! data 3/0 first last end m2[0,5)");
    driver_fini(&d);
}

/* What ends a send lets the messages go that waited for it. */
static const struct {
    const char *name, *rx;
    const char *result;
} ends[] = {
    {"a full ack", "data_ack 0/0 full", "result 1 send ok"},
    {"an error ack", "data_ack 0/0 error=250", "result 1 send peer_error 250"},
    {"a send timeout", NULL, "result 1 send timeout -3"},
};

static void test_unreliable_when_a_send_ends_then_leaves(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct sipc_config config = driver_config();
        struct driver d;
        config.max_retry_count = 0;
        init_opened(&d, &config);
        driver_send(&d, 1, 3, "");
        driver_unreliable(&d, 2, 5, "");
        driver_sent(&d, true);
        driver_forget(&d);
        if (ends[i].rx != NULL)
            driver_rx(&d, "%s", ends[i].rx);
        else
            driver_wait(&d, config.ack_timeout_ns);
        d.note = ends[i].name;
        DRIVER_EXPECT(&d, ends[i].result, "tx! data 1/0 first last end m2[0,5)");
        driver_fini(&d);
    }
}

static void test_unreliable_between_groups_then_those_that_waited_leave_and_no_more(void **state)
{
    struct sipc_config config = config_of(65500);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* FAF-2: also during a send; and the send is not starved */
    driver_send(&d, 1, 100000, "");
    driver_unreliable(&d, 2, 2, "a=1");
    driver_unreliable(&d, 3, 3, "b=2");
    driver_forget(&d);
    driver_rx(&d, "data_ack 0/0 full");
    driver_unreliable(&d, 4, 4, "c=3"); /* after the gap began */
    driver_sent(&d, true);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "tx! data 1/0 first last end a=1 m2[0,2)", "result 2 send_unreliable ok",
                  "tx! data 2/0 first last end b=2 m3[0,3)", "result 3 send_unreliable ok",
                  "tx! data 3/0 first last end m1[65404,100000)");
    driver_rx(&d, "data_ack 3/0 full");
    DRIVER_EXPECT(&d, "result 1 send ok", "tx! data 4/0 first last end c=3 m4[0,4)");
    driver_fini(&d);
}

static void test_unreliable_on_its_way_when_a_group_ends_then_the_next_waits_for_it(void **state)
{
    struct sipc_config config = config_of(65500);
    struct driver d;

    (void)state;
    init_opened(&d, &config);
    driver_unreliable(&d, 2, 2, "");
    uint64_t token = d.token;
    driver_send(&d, 1, 100000, "");
    driver_rx(&d, "data_ack 1/0 full");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end m2[0,2)",
                  "tx! data 1/0 first last end m1[0,65404)");
    assert_int_equal(driver_sent_token(&d, token, true), SIPC_OK);
    DRIVER_EXPECT(&d, "result 2 send_unreliable ok",
                  "tx! data 2/0 first last end m1[65404,100000)");
    driver_fini(&d);
}

/* ---- refused ---- */

/* MTU 512, with 57 + 3 * 13 bytes of framing: 416 are left. */
static const struct {
    const char *name, *words;
    uint64_t size;
    enum sipc_status status;
} sizes[] = {
    {"just a PDU", "", 416, SIPC_OK},
    {"one byte more", "", 417, SIPC_E_SIZE},
    {"2^64-1 bytes", "", UINT64_MAX, SIPC_E_SIZE},
    {"just a PDU, with an attribute", "ab=cd", 407, SIPC_OK},
    {"one byte more, with an attribute", "ab=cd", 408, SIPC_E_SIZE},
    {"just a PDU, with skip", "skip", 403, SIPC_OK},
    {"one byte more, with skip", "skip", 404, SIPC_E_SIZE},
    {"skip as an attribute takes no more", "s_03=true", 403, SIPC_OK},
    {"a framing name", "s_00=true", 1, SIPC_E_ATTRIBUTES},
    {"a piece's name", "s_e_0=1:a", 1, SIPC_E_ATTRIBUTES},
};

static void test_unreliable_at_a_boundary_of_size_then_sent_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) { /* FAF-3, SND-4 */
        struct sipc_config config = config_of(512);
        struct driver d;
        init_opened(&d, &config);
        if (driver_try_unreliable(&d, 1, sizes[i].size, sizes[i].words) != sizes[i].status)
            fail_msg("row \"%s\"", sizes[i].name);
        if (sizes[i].status == SIPC_OK)
            assert_int_equal(d.pdu_size, 512);
        else
            DRIVER_QUIET(&d);
        driver_forget(&d);
        driver_fini(&d);
    }
}

static void test_unreliable_with_attributes_longer_than_a_pdu_then_refused_also_when_full(void **s)
{
    struct sipc_config config = config_of(512);
    struct driver d;
    char words[700];

    (void)s;
    memset(words, 'v', sizeof words);
    memcpy(words, "long=", 5);
    words[sizeof words - 1] = '\0';
    init_opened(&d, &config);
    driver_send(&d, 1, 1, "");
    driver_forget(&d);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(driver_try_unreliable(&d, 2, 1, words), SIPC_E_SIZE);
        assert_int_equal(driver_try_unreliable(&d, 2, 417, ""), SIPC_E_SIZE);
        assert_int_equal(driver_try_unreliable(&d, 2, 1, "s_01=true"), SIPC_E_ATTRIBUTES);
        DRIVER_QUIET(&d);
        driver_unreliable(&d, 3, 1, "");
        driver_forget(&d);
    }
    driver_fini(&d);
    config.attribute_limit = 100; /* SND-3a */
    init_opened(&d, &config);
    assert_int_equal(driver_try_unreliable(&d, 2, 1, words), SIPC_E_ATTRIBUTES);
    driver_fini(&d);
}

static void test_unreliable_before_opened_for_sure_then_only_with_skip(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* FAF-2a, OPN-6 */
    driver_open(&d);
    assert_int_equal(driver_try_unreliable(&d, 1, 1, ""), SIPC_E_OPENING);
    DRIVER_EXPECT(&d, "state opening");
    driver_send(&d, 2, 1, "");
    driver_rx(&d, "data_ack 0/0 full");
    driver_forget(&d);
    assert_int_equal(driver_try_unreliable(&d, 3, 1, ""), SIPC_E_OPENING); /* opened, OPN-6 binds */
    DRIVER_QUIET(&d);
    driver_unreliable(&d, 4, 1, "skip");
    driver_rx(&d, "data_ack 1/0 full");
    DRIVER_EXPECT(&d, "result 2 send ok", "tx! data 2/0 first last end skip m4[0,1)");
    driver_unreliable(&d, 5, 1, "");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 4 send_unreliable ok", "tx! data 3/0 first last end m5[0,1)");
    driver_fini(&d);
    driver_init(&d, NULL); /* STM-1 */
    driver_open(&d);
    driver_unreliable(&d, 1, 1, "skip");
    DRIVER_EXPECT(&d, "state opening", "state opened", "tx! data 0/0 first last end skip m1[0,1)");
    driver_rx(&d, "data_ack 0/0 full"); /* no group of a send: OPN-6 still binds */
    assert_int_equal(driver_try_unreliable(&d, 2, 1, ""), SIPC_E_OPENING);
    driver_fini(&d);
}

static void test_unreliable_from_closing_on_then_refused(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL);
    driver_close(&d, SIPC_ABORT_NORMAL, 1);
    assert_int_equal(driver_try_unreliable(&d, 2, 1, ""), SIPC_E_STATE);
    driver_rx(&d, "close_ack 0/0");
    assert_int_equal(driver_try_unreliable(&d, 2, 1, "skip"), SIPC_E_STATE);
    driver_forget(&d);
    driver_fini(&d);
}

/* ---- the queue ---- */

static void test_unreliable_when_the_queue_is_full_then_not_sent(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    for (config.unreliable_queue = 0; config.unreliable_queue < 4; config.unreliable_queue++) {
        init_opened(&d, &config);
        driver_send(&d, 1, 1, "");
        driver_forget(&d);
        for (uint32_t i = 0; i < config.unreliable_queue; i++)
            driver_unreliable(&d, 10 + i, 1, "a=b");
        DRIVER_QUIET(&d);
        driver_unreliable(&d, 99, 1, "a=b");
        DRIVER_EXPECT(&d, "result 99 send_unreliable not_sent");
        driver_rx(&d, "data_ack 0/0 full");
        driver_forget(&d);
        for (uint32_t i = 0; i < config.unreliable_queue; i++) { /* round and round the ring */
            driver_unreliable(&d, 20 + i, 1, "a=b");
            driver_sent(&d, true);
        }
        driver_forget(&d);
        driver_fini(&d);
    }
}

static void test_unreliable_when_the_pool_of_attributes_is_full_then_not_sent(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.attribute_limit = 20; /* "aa=bbb" takes ten bytes */
    init_opened(&d, &config);
    driver_send(&d, 1, 1, "");
    driver_unreliable(&d, 2, 1, "aa=bbb");
    driver_forget(&d);
    driver_unreliable(&d, 3, 1, "aa=bbbb"); /* one byte too many */
    DRIVER_EXPECT(&d, "result 3 send_unreliable not_sent");
    driver_unreliable(&d, 4, 1, "cc=ddd");
    driver_unreliable(&d, 5, 1, "");
    driver_unreliable(&d, 6, 1, "=");
    DRIVER_EXPECT(&d, "result 6 send_unreliable not_sent");
    driver_rx(&d, "data_ack 0/0 full");
    driver_sent(&d, true);
    driver_unreliable(&d, 7, 1, "ee=fff"); /* what left made room */
    driver_sent(&d, true);
    driver_sent(&d, true);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 1 send ok", "tx! data 1/0 first last end aa=bbb m2[0,1)",
                  "result 2 send_unreliable ok", "tx! data 2/0 first last end cc=ddd m4[0,1)",
                  "result 4 send_unreliable ok", "tx! data 3/0 first last end m5[0,1)",
                  "result 5 send_unreliable ok", "tx! data 4/0 first last end ee=fff m7[0,1)",
                  "result 7 send_unreliable ok");
    expect_clean(&d);
    driver_fini(&d);
}

/* What takes a session out of opened. */
static const struct {
    const char *name, *rx; /* NULL: a forced close of its own */
    const char *lines[4];
} exits[] = {
    {"closed by the peer",
     "close 1/0 abort=7",
     {"result 1 send closed 7", "result 3 send_unreliable not_sent",
      "result 4 send_unreliable not_sent", "state awaiting_disposal 7"}},
    {"a forced close",
     NULL,
     {"result 1 send closed 2", "state closing 2", "result 3 send_unreliable not_sent",
      "result 4 send_unreliable not_sent"}},
};

static void test_unreliable_when_the_session_leaves_opened_then_not_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++) { /* FAF-2a */
        struct driver d;
        uint64_t token;
        init_opened(&d, NULL);
        driver_unreliable(&d, 2, 1, "a=b");
        token = d.token;
        driver_send(&d, 1, 1, "");
        driver_unreliable(&d, 3, 1, "c=d");
        driver_unreliable(&d, 4, 1, "");
        driver_forget(&d);
        d.note = exits[i].name;
        if (exits[i].rx != NULL) {
            driver_rx(&d, "%s", exits[i].rx);
            DRIVER_EXPECT(&d, exits[i].lines[0], exits[i].lines[1], exits[i].lines[2],
                          exits[i].lines[3]);
        } else {
            driver_close(&d, SIPC_ABORT_FORCED, 9);
            DRIVER_EXPECT(&d, exits[i].lines[0], exits[i].lines[1], exits[i].lines[2],
                          exits[i].lines[3], "tx! close 2/0 abort=2");
        }
        /* The one on its way has left before: its aftermath still tells. */
        assert_int_equal(driver_sent_token(&d, token, true), SIPC_OK);
        DRIVER_EXPECT(&d, "result 2 send_unreliable ok");
        if (exits[i].rx != NULL)
            expect_clean(&d);
        driver_fini(&d);
    }
}

static void test_unreliable_when_the_session_is_disposed_then_closed_or_not_sent(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL);
    driver_unreliable(&d, 2, 1, "a=b");
    driver_unreliable(&d, 3, 1, "c=d");
    driver_forget(&d);
    assert_int_equal(sipc_session_dispose(d.ep, d.now, d.session, 5), SIPC_OK);
    driver_drain(&d);
    DRIVER_EXPECT(&d, "result 3 send_unreliable not_sent", "result 2 send_unreliable closed 5",
                  "state disposed 5");
    expect_clean(&d);
    assert_int_equal(driver_sent_token(&d, d.token, true), SIPC_E_UNKNOWN);
    driver_fini(&d);
}

/* ---- window ids ---- */

static void test_unreliable_without_an_id_below_top_then_not_sent_and_a_resync(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* WID-11 */
    driver_open(&d);
    driver_preset(&d, 99, -1, -1, false);
    driver_unreliable(&d, 1, 1, "skip a=b");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "state opening", "state opened",
                  "tx! data 99/0 first last end skip a=b m1[0,1)", "result 1 send_unreliable ok");
    driver_unreliable(&d, 2, 1, "skip a=b");
    DRIVER_EXPECT(&d, "result 2 send_unreliable not_sent", "tx data 100/0");
    driver_wait(&d, 1000 * DRIVER_MS - 1); /* unretried, at most one per ack_timeout */
    driver_unreliable(&d, 3, 1, "skip");
    DRIVER_EXPECT(&d, "result 3 send_unreliable not_sent");
    driver_wait(&d, 1);
    driver_unreliable(&d, 4, 1, "skip");
    DRIVER_EXPECT(&d, "result 4 send_unreliable not_sent", "tx data 100/0"); /* the same id */
    driver_rx(&d, "data_ack 100/0 error=254");
    driver_unreliable(&d, 5, 1, "skip");
    DRIVER_EXPECT(&d, "tx! data 101/0 first last end skip m5[0,1)");
    driver_fini(&d);
}

static void test_unreliable_acked_then_ids_go_on(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* FAF-1: its ack feeds WID-10 */
    driver_open(&d);
    driver_preset(&d, 99, -1, -1, false);
    driver_unreliable(&d, 1, 1, "skip");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 99/0");
    driver_forget(&d);
    driver_unreliable(&d, 2, 1, "skip");
    DRIVER_EXPECT(&d, "tx! data 100/0 first last end skip m2[0,1)");
    driver_fini(&d);
}

static void test_unreliable_several_without_an_id_in_the_gap_then_one_resync(void **state)
{
    struct sipc_config config = config_of(65500);
    struct driver d;

    (void)state;
    driver_init(&d, &config);
    driver_open(&d);
    driver_preset(&d, SIPC_WINDOW_ID_MAX - 1, SIPC_WINDOW_ID_MAX - 2, -1, false);
    driver_send(&d, 1, 100000, "skip");
    driver_unreliable(&d, 2, 1, "skip");
    driver_unreliable(&d, 3, 1, "skip");
    driver_forget(&d);
    driver_rx(&d, "data_ack %" PRId64 "/0 full", SIPC_WINDOW_ID_MAX - 1); /* next would be top */
    DRIVER_EXPECT(&d, "result 2 send_unreliable not_sent", "tx data 9000000000000000/0",
                  "result 3 send_unreliable not_sent");
    driver_rx(&d, "data_ack %" PRId64 "/0 error=254", SIPC_WINDOW_ID_MAX); /* the send waited */
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end skip m1[65391,100000)");
    driver_fini(&d);
}

/* ---- idle timeout ---- */

static void test_unreliable_then_idle_timeout_restarts(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.idle_timeout_ns = 100 * (int64_t)DRIVER_MS;
    init_opened(&d, &config); /* IDL-1 */
    driver_wait(&d, 50 * DRIVER_MS);
    driver_unreliable(&d, 1, 1, "");
    assert_int_equal(sipc_endpoint_deadline(d.ep), 150 * DRIVER_MS);
    driver_forget(&d);
    driver_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unreliable_in_opened_then_one_pdu_sent_once),
        cmocka_unit_test(test_unreliable_several_then_each_at_the_aftermath_before),
        cmocka_unit_test(test_unreliable_during_a_window_then_waits_for_the_end_of_the_send),
        cmocka_unit_test(test_unreliable_when_a_send_ends_then_leaves),
        cmocka_unit_test(test_unreliable_between_groups_then_those_that_waited_leave_and_no_more),
        cmocka_unit_test(test_unreliable_on_its_way_when_a_group_ends_then_the_next_waits_for_it),
        cmocka_unit_test(test_unreliable_at_a_boundary_of_size_then_sent_or_refused),
        cmocka_unit_test(
            test_unreliable_with_attributes_longer_than_a_pdu_then_refused_also_when_full),
        cmocka_unit_test(test_unreliable_before_opened_for_sure_then_only_with_skip),
        cmocka_unit_test(test_unreliable_from_closing_on_then_refused),
        cmocka_unit_test(test_unreliable_when_the_queue_is_full_then_not_sent),
        cmocka_unit_test(test_unreliable_when_the_pool_of_attributes_is_full_then_not_sent),
        cmocka_unit_test(test_unreliable_when_the_session_leaves_opened_then_not_sent),
        cmocka_unit_test(test_unreliable_when_the_session_is_disposed_then_closed_or_not_sent),
        cmocka_unit_test(test_unreliable_without_an_id_below_top_then_not_sent_and_a_resync),
        cmocka_unit_test(test_unreliable_acked_then_ids_go_on),
        cmocka_unit_test(test_unreliable_several_without_an_id_in_the_gap_then_one_resync),
        cmocka_unit_test(test_unreliable_then_idle_timeout_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
