/* The caller's side of the contract: calls while actions wait, times that go back, sessions and
 * tokens that do not exist, how long a delivery lives, names.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/state.h"
#include "driver.h"

void sipc_panic(const char *file, int line, const char *expression)
{
    mock_assert(0, expression, file, line);
    abort();
}

typedef enum sipc_status (*call)(struct driver *d);

static enum sipc_status call_receive(struct driver *d)
{
    return sipc_endpoint_receive(d->ep, d->now, 1, (struct sipc_span){NULL, 0});
}

static enum sipc_status call_sent(struct driver *d)
{
    return sipc_endpoint_sent(d->ep, d->now, d->token, true);
}

static enum sipc_status call_advance(struct driver *d)
{
    return sipc_endpoint_advance(d->ep, d->now);
}

static enum sipc_status call_shutdown(struct driver *d)
{
    return sipc_endpoint_shutdown(d->ep, d->now, 0);
}

static enum sipc_status call_open(struct driver *d)
{
    sipc_session session;
    return sipc_session_open(d->ep, d->now, 3, driver_id(3), INT64_MIN, &session);
}

static enum sipc_status call_preset(struct driver *d)
{
    struct sipc_preset preset = {0, -1, -1, false};
    return sipc_session_preset(d->ep, d->now, d->session, &preset);
}

static enum sipc_status call_send(struct driver *d)
{
    struct sipc_message message = {.handle = 1};
    return sipc_session_send(d->ep, d->now, d->session, &message);
}

static enum sipc_status call_send_unreliable(struct driver *d)
{
    struct sipc_message message = {.handle = 1, .skip = true};
    return sipc_session_send_unreliable(d->ep, d->now, d->session, &message);
}

static enum sipc_status call_close(struct driver *d)
{
    return sipc_session_close(d->ep, d->now, d->session, 1, 1);
}

static enum sipc_status call_dispose(struct driver *d)
{
    return sipc_session_dispose(d->ep, d->now, d->session, 0);
}

static const call calls[] = {call_receive, call_sent,   call_advance, call_shutdown,
                             call_open,    call_preset, call_send,    call_send_unreliable,
                             call_close,   call_dispose};
enum { CALLS = sizeof calls / sizeof calls[0] };

static void test_calls_when_actions_wait_then_every_call_is_pending(void **state)
{
    (void)state;
    for (int i = 0; i < CALLS; i++) {
        struct driver d;
        uint8_t *before;
        driver_init(&d, NULL);
        driver_open(&d);
        assert_int_equal(call_send(&d), SIPC_OK); /* its transmit action waits */
        before = malloc(d.block_size);
        assert_non_null(before);
        memcpy(before, d.block, d.block_size);
        d.now += 1000000 * DRIVER_MS;
        assert_int_equal(calls[i](&d), SIPC_E_PENDING);
        assert_memory_equal(before, d.block, d.block_size);
        driver_drain(&d);
        DRIVER_EXPECT(&d, "state opening", "tx! data 0/0 first last");
        assert_int_not_equal(calls[i](&d), SIPC_E_PENDING);
        driver_drain(&d);
        driver_forget(&d);
        free(before);
        driver_fini(&d);
    }
}

static void test_calls_when_time_goes_back_then_assertion(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_wait(&d, 5);
    d.now = 4;
    for (int i = 0; i < CALLS; i++)
        expect_assert_failure((void)calls[i](&d));
    d.now = SIPC_NEVER;
    expect_assert_failure((void)call_advance(&d));
    d.now = 5;
    assert_int_equal(call_advance(&d), SIPC_OK);
    driver_fini(&d);
}

/* No timer may be due for ever: a driver would never be done with this moment. */
static void test_calls_when_time_ends_then_every_timer_comes_to_rest(void **state)
{
    static const sipc_time before_the_end[] = {0, 1, DRIVER_MS, 1000 * DRIVER_MS, 1001 * DRIVER_MS};

    (void)state;
    for (size_t i = 0; i < sizeof before_the_end / sizeof before_the_end[0]; i++) {
        struct sipc_config config = driver_config();
        struct driver d;
        config.enquire_link_interval_ns = 300 * DRIVER_MS;
        config.idle_timeout_ns = 2000 * (int64_t)DRIVER_MS;
        driver_init(&d, &config);
        d.now = SIPC_NEVER - 1 - before_the_end[i];
        driver_rx(&d, "data 0/0 first last end skip");
        driver_send(&d, 1, 1, "");
        driver_sent(&d, true);
        (void)driver_open_id(&d, 2, 1);
        assert_true(sipc_endpoint_deadline(d.ep) < SIPC_NEVER);
        d.now = SIPC_NEVER - 1;
        for (int calls_made = 0; sipc_endpoint_deadline(d.ep) <= d.now; calls_made++) {
            assert_in_range(calls_made, 0, 100);
            assert_int_equal(sipc_endpoint_advance(d.ep, d.now), SIPC_OK);
            driver_drain(&d);
            if (driver_sent_token(&d, d.token, true) != SIPC_OK)
                continue; /* that transmission is history */
        }
        assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
        assert_int_equal(sipc_endpoint_session_count(d.ep), 0);
        driver_forget(&d);
        driver_fini(&d);
    }
}

static void test_calls_when_tokens_begin_again_then_none_is_0(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    d.ep->transmissions = UINT64_MAX << d.ep->slot_bits; /* the last of them */
    driver_send(&d, 1, 1, "");
    assert_int_equal(d.token, UINT64_C(1) << d.ep->slot_bits); /* of slot 0 */
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 0/0 full");
    DRIVER_EXPECT(&d, "state opening", "tx! data 0/0 first last m1[0,1)", "state opened",
                  "tx! data 1/0 last end");
    driver_fini(&d);
}

static void test_calls_when_the_session_is_unknown_then_commands_say_so(void **state)
{
    static const call commands[] = {call_preset, call_send, call_send_unreliable, call_close,
                                    call_dispose};
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        d.session = 0;
        assert_int_equal(commands[i](&d), SIPC_E_UNKNOWN);
        d.session = 1;
        assert_int_equal(commands[i](&d), SIPC_E_UNKNOWN);
        d.session = UINT64_MAX;
        assert_int_equal(commands[i](&d), SIPC_E_UNKNOWN);
    }
    driver_fini(&d);
}

static void test_calls_when_a_token_awaits_nothing_then_unknown(void **state)
{
    struct driver d;
    uint64_t token;

    (void)state;
    driver_init(&d, NULL);
    assert_int_equal(driver_sent_token(&d, 0, true), SIPC_E_UNKNOWN);
    for (token = 1; token < 20; token++)
        assert_int_equal(driver_sent_token(&d, token, true), SIPC_E_UNKNOWN);
    assert_int_equal(driver_sent_token(&d, UINT64_MAX, true), SIPC_E_UNKNOWN);
    driver_open(&d);
    driver_send(&d, 1, 1, "");
    token = d.token;
    driver_rx(&d, "#2 data 0/0");
    driver_forget(&d);
    assert_int_equal(driver_sent_token(&d, d.ack_token, true), SIPC_E_UNKNOWN); /* ACK-4 */
    assert_int_equal(driver_sent_token(&d, token + 1, true), SIPC_E_UNKNOWN);
    assert_int_equal(driver_sent_token(&d, token, true), SIPC_OK);
    assert_int_equal(driver_sent_token(&d, token, true), SIPC_E_UNKNOWN);
    assert_int_equal(call_dispose(&d), SIPC_OK);
    driver_drain(&d);
    assert_int_equal(driver_sent_token(&d, token, false), SIPC_E_UNKNOWN);
    driver_forget(&d);
    driver_fini(&d);
}

/* A delivery lives until the next call, whether all actions are taken out or not. It has an
 * attribute: without, a PDU that is a whole group would not be held at all. */
static void test_calls_when_a_delivery_was_taken_then_the_next_call_ends_it(void **state)
{
    static const uint8_t zeros[5];
    struct driver d;
    struct sipc_action action;
    uint8_t pdu[128];
    size_t used = 0;
    struct sipc_pdu_parts parts = {.session_id = driver_id(1), .opcode = SIPC_DATA};
    uint8_t options[64];

    (void)state;
    driver_init(&d, NULL);
    parts.options.data = options;
    for (uint32_t id = SIPC_OPT_FIRST_IN_WINDOW_GROUP; id <= SIPC_OPT_SKIP; id <<= 1)
        assert_int_equal(
            sipc_option_encode_bool(id, true, options, sizeof options, &parts.options.size),
            SIPC_OK);
    assert_int_equal(sipc_option_encode((struct sipc_span){(const uint8_t *)"k", 1},
                                        (struct sipc_span){(const uint8_t *)"v", 1}, options,
                                        sizeof options, &parts.options.size),
                     SIPC_OK);
    parts.data = (struct sipc_span){(const uint8_t *)"hello", 5};
    assert_int_equal(sipc_pdu_encode(&parts, pdu, sizeof pdu, &used), SIPC_OK);
    assert_int_equal(sipc_endpoint_receive(d.ep, 0, 1, (struct sipc_span){pdu, used}), SIPC_OK);
    assert_true(sipc_endpoint_next_action(d.ep, &action)); /* opening */
    assert_true(sipc_endpoint_next_action(d.ep, &action)); /* opened */
    assert_true(sipc_endpoint_next_action(d.ep, &action));
    assert_int_equal(action.kind, SIPC_ACTION_DELIVER);
    assert_memory_equal(action.u.deliver.data.data, "hello", 5);
    assert_int_equal(action.u.deliver.data.size, 5);
    {
        const uint8_t *data = action.u.deliver.data.data;
        assert_true(sipc_endpoint_next_action(d.ep, &action)); /* the ack */
        assert_memory_equal(data, zeros, 5);
    }
    assert_int_equal(call_advance(&d), SIPC_OK); /* not drained to the end */
    driver_drain(&d);
    driver_fini(&d);
}

static void test_calls_when_names_are_asked_then_words(void **state)
{
    static const char *const states[] = {"opening", "opened", "closing", "awaiting_disposal",
                                         "disposed"};
    static const char *const outcomes[] = {"ok",       "timeout", "peer_error", "network_error",
                                           "not_sent", "closed"};

    (void)state;
    for (int i = SIPC_OPENING; i <= SIPC_DISPOSED; i++)
        assert_string_equal(sipc_state_name((enum sipc_state)i), states[i]);
    for (int i = SIPC_OUTCOME_OK; i <= SIPC_OUTCOME_CLOSED; i++)
        assert_string_equal(sipc_outcome_name((enum sipc_outcome)i), outcomes[i]);
    expect_assert_failure((void)sipc_state_name((enum sipc_state)(SIPC_DISPOSED + 1)));
    expect_assert_failure((void)sipc_outcome_name((enum sipc_outcome)(SIPC_OUTCOME_CLOSED + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_when_actions_wait_then_every_call_is_pending),
        cmocka_unit_test(test_calls_when_time_goes_back_then_assertion),
        cmocka_unit_test(test_calls_when_time_ends_then_every_timer_comes_to_rest),
        cmocka_unit_test(test_calls_when_tokens_begin_again_then_none_is_0),
        cmocka_unit_test(test_calls_when_the_session_is_unknown_then_commands_say_so),
        cmocka_unit_test(test_calls_when_a_token_awaits_nothing_then_unknown),
        cmocka_unit_test(test_calls_when_a_delivery_was_taken_then_the_next_call_ends_it),
        cmocka_unit_test(test_calls_when_names_are_asked_then_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
