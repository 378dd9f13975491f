/* A hostile peer: floods of sessions, windows, options, pieces and tiny PDUs, then rubbish of every
 * kind. Memory is the block and nothing else; sessions, timers and the actions of a call keep their
 * bounds; and who is no part of the flood is served all the while.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/state.h"
#include "driver.h"
#include "random.h"

enum {
    FLOOD = 20000,
    ACTIONS_OF_A_PDU = 5, /* an eviction, opening, opened, a delivery, an ack */
};

/* ---- counting ---- */

/* Takes the actions out without looking at them; how many they were. */
static uint32_t count_actions(struct sipc_endpoint *ep)
{
    struct sipc_action action;
    uint32_t count = 0;

    while (sipc_endpoint_next_action(ep, &action))
        count++;
    return count;
}

static void assert_whole(const struct sipc_endpoint *ep)
{
    const char *broken = sipc_endpoint_check(ep);

    if (broken != NULL)
        fail_msg("invariant broken: %s", broken);
    assert_in_range(ep->session_count, 0, ep->config.max_sessions);
    assert_in_range(ep->heap_count, 0, ep->config.max_sessions);
}

/* One PDU of the flood. */
static uint32_t flood(struct driver *d, sipc_peer from, const struct sipc_pdu_parts *parts)
{
    static uint8_t bytes[SIPC_PDU_SIZE_MAX];
    size_t used = 0;
    uint32_t actions;

    assert_int_equal(sipc_pdu_encode(parts, bytes, sizeof bytes, &used), SIPC_OK);
    assert_int_equal(sipc_endpoint_receive(d->ep, d->now, from, (struct sipc_span){bytes, used}),
                     SIPC_OK);
    actions = count_actions(d->ep);
    assert_in_range(actions, 0, ACTIONS_OF_A_PDU);
    return actions;
}

/* "skip", "first" … as options. */
static struct sipc_span framing(uint32_t flags)
{
    static uint8_t options[128];
    size_t used = 0;

    for (uint32_t id = SIPC_OPT_FIRST_IN_WINDOW_GROUP; id <= SIPC_OPT_SKIP; id <<= 1)
        if ((flags & id) != 0)
            assert_int_equal(sipc_option_encode_bool(id, true, options, sizeof options, &used),
                             SIPC_OK);
    return (struct sipc_span){options, used};
}

#define WHOLE                                                                                      \
    (SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP)

/* ---- sessions ---- */

/* END-5: endless new sessions beside one of the own application and one that is opened. */
static void test_flood_when_of_sessions_then_others_are_served(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;
    struct sipc_pdu_parts parts = {.opcode = SIPC_DATA};

    (void)state;
    config.max_sessions = 16;
    driver_init(&d, &config);
    driver_open_id(&d, 7, 9);
    driver_rx(&d, "data 0/0 first last end skip: a");
    driver_forget(&d);
    for (unsigned i = 0; i < FLOOD; i++) {
        parts.session_id = driver_id(1000 + i);
        flood(&d, 2 + i % 100, &parts);
        assert_int_equal(sipc_endpoint_session_count(d.ep), i < 14 ? 3 + i : 16);
        if (i % 1000 == 0) {
            assert_whole(d.ep);
            driver_rx(&d, "data %u/0 first last end: a", 1 + i / 1000);
            assert_int_equal(d.delivered_count, 2 + i / 1000);
            driver_forget(&d);
        }
    }
    assert_int_equal(sipc_session_state(d.ep, sipc_session_find(d.ep, 9, driver_id(7))),
                     SIPC_OPENING);
    driver_fini(&d);
}

/* Sessions that end at once: their ids linger, a slot each, and no more are taken till then. */
static void test_flood_when_sessions_end_at_once_then_a_linger_later_all_is_well(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;
    struct sipc_pdu_parts parts = {.opcode = SIPC_DATA};

    (void)state;
    config.max_sessions = 16;
    driver_init(&d, &config);
    for (unsigned i = 0; i < FLOOD; i++) {
        parts.session_id = driver_id(i);
        parts.opcode = SIPC_DATA;
        parts.window_id = 0;
        parts.options = framing(WHOLE | SIPC_OPT_SKIP);
        flood(&d, 1, &parts);
        parts.opcode = SIPC_CLOSE;
        parts.window_id = 1;
        parts.options.size = 0;
        flood(&d, 1, &parts);
    }
    assert_whole(d.ep);
    assert_int_equal(sipc_endpoint_discarded(d.ep, SIPC_DISCARD_SESSIONS_FULL), FLOOD - 16);
    driver_wait(&d, config.linger_ns == SIPC_NEVER ? 8000 * DRIVER_MS : config.linger_ns);
    driver_forget(&d);
    assert_int_equal(sipc_endpoint_session_count(d.ep), 0);
    driver_rx(&d, "data 0/0");
    DRIVER_EXPECT(&d, "state opening", "tx data_ack 0/0");
    driver_fini(&d);
}

/* Every session has all its timers due in the same moment. */
static void test_flood_when_all_timers_fall_due_at_once_then_few_actions_a_call(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;
    struct sipc_pdu_parts parts = {.opcode = SIPC_DATA};
    unsigned calls = 0;

    (void)state;
    config.max_sessions = 500;
    config.attribute_limit = 0;
    config.idle_timeout_ns = 1000;
    config.enquire_link_interval_ns = 1000;
    driver_init(&d, &config);
    for (unsigned i = 0; i < 500; i++) {
        parts.session_id = driver_id(i);
        parts.options = framing(WHOLE | SIPC_OPT_SKIP);
        flood(&d, 1, &parts);
    }
    d.now = 1000;
    while (sipc_endpoint_deadline(d.ep) <= d.now) {
        assert_int_equal(sipc_endpoint_advance(d.ep, d.now), SIPC_OK);
        assert_in_range(count_actions(d.ep), 0, 2);
        assert_true(++calls <= 1000);
    }
    assert_whole(d.ep);
    driver_fini(&d);
}

/* ---- windows ---- */

/* Each window id clears the PDUs of the one before: the arena is as full as before, or less. */
static void test_flood_when_of_windows_then_one_is_held(void **state)
{
    static uint8_t data[60000];
    struct sipc_config config = driver_config();
    struct driver d;
    struct sipc_pdu_parts parts = {
        .session_id = driver_id(1), .opcode = SIPC_DATA, .data = {data, sizeof data}};
    const struct session *s;

    (void)state;
    driver_init(&d, &config);
    for (unsigned i = 0; i < FLOOD / 4; i++) {
        parts.window_id = i * INT64_C(100);
        parts.seq_nr = (int32_t)(i % 16);
        assert_in_range(flood(&d, 1, &parts), 0, 2);
    }
    s = session_at(d.ep, 0);
    assert_int_equal(s->rx.window_data, sizeof data);
    assert_int_equal(s->rx.end, (FLOOD / 4 - 1) % 16 + 1);
    assert_whole(d.ep);
    driver_fini(&d);
}

/* A window of as many PDUs as a window can have, each empty, from the last to the first. */
static void test_flood_when_of_tiny_pdus_then_a_window_takes_them(void **state)
{
    enum { WINDOW = 4096 };
    struct sipc_config config = driver_config();
    struct driver d;
    struct sipc_pdu_parts parts = {.session_id = driver_id(1), .opcode = SIPC_DATA};

    (void)state;
    config.max_window_size = WINDOW;
    driver_init(&d, &config);
    driver_open(&d);
    for (int32_t seq_nr = WINDOW - 1; seq_nr > 0; seq_nr--) {
        parts.seq_nr = seq_nr;
        assert_int_equal(flood(&d, 1, &parts), 0);
    }
    assert_whole(d.ep);
    driver_forget(&d);
    driver_rx(&d, "data 0/0 first");
    DRIVER_EXPECT(&d, "tx data_ack 0/4095 full size=4096");
    driver_fini(&d);
}

/* RCV-3 again and again: last_in_window moves to and fro, each time clearing what is behind. */
static void test_flood_when_the_end_moves_then_what_is_behind_goes(void **state)
{
    struct driver d;
    struct sipc_pdu_parts parts = {.session_id = driver_id(1),
                                   .opcode = SIPC_DATA,
                                   .data = {(const uint8_t *)"0123456789", 10}};
    uint64_t random = 1;

    (void)state;
    driver_init(&d, NULL);
    for (unsigned i = 0; i < FLOOD; i++) {
        parts.seq_nr = (int32_t)(1 + random_below(&random, 15)); /* never the first */
        parts.options = framing(random_below(&random, 2) == 0 ? SIPC_OPT_LAST_IN_WINDOW : 0);
        assert_in_range(flood(&d, 1, &parts), 0, 1);
    }
    assert_whole(d.ep);
    driver_fini(&d);
}

/* ---- options ---- */

/* Options that fill a whole PDU: the same one again and again or, where the name ends in '#', each
 * with a number of its own. */
static size_t fill_options(uint8_t *out, size_t size, const char *name, const char *value)
{
    size_t prefix = strcspn(name, "#");
    size_t used = 0;

    for (unsigned i = 0;; i++) {
        char text[32];
        int text_size = snprintf(text, sizeof text, "%.*s%u", (int)prefix, name, i);
        struct sipc_span own = {(const uint8_t *)text,
                                name[prefix] == '#' ? (size_t)text_size : prefix};
        assert_in_range(text_size, 1, sizeof text - 1);
        if (sipc_option_encode(own, (struct sipc_span){(const uint8_t *)value, strlen(value)}, out,
                               size, &used) != SIPC_OK)
            return used;
    }
}

static void test_flood_when_of_options_then_delivered_or_refused_whole(void **state)
{
    enum { SIZE = 65000 };
    static const struct {
        const char *name, *value;
        const char *ack;
        size_t count; /* attributes delivered; 0: an error */
    } rows[] = {
        {"", "", "tx data_ack 0/0 full size=16", SIZE / 5},
        {"a", "", "tx data_ack 0/0 full size=16", SIZE / 6},
        {"#", "x", "tx data_ack 0/0 full size=16", 0},
        {"s_traceId", "t", "tx data_ack 0/0 full size=16", SIZE / 15},
        {"s_00", "true", "tx data_ack 0/0 full size=16", 0},
        {"s_e_0", "", "tx data_ack 0/0 error=251", 0}, /* no text at all */
        {"s_e_0", "1", "tx data_ack 0/0 error=251", 0},
        {"s_e_#", "", "tx data_ack 0/0 error=251", 0},
        {"s_e_#", "0:", "tx data_ack 0/0 full size=16", 0},
        {"s_e_#", "1:ab", "tx data_ack 0/0 full size=16", 0},
    };
    static uint8_t options[SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_span whole = framing(WHOLE | SIPC_OPT_SKIP);
        struct sipc_pdu_parts parts = {.session_id = driver_id(1), .opcode = SIPC_DATA};
        struct sipc_action action;
        struct driver d;
        static uint8_t bytes[SIPC_PDU_SIZE_MAX];
        size_t used = 0, count = 0, size = 0;
        bool error = strstr(rows[i].ack, "error") != NULL;

        driver_init(&d, NULL);
        memcpy(options, whole.data, whole.size);
        parts.options.data = options;
        parts.options.size = whole.size + fill_options(options + whole.size, SIZE - whole.size,
                                                       rows[i].name, rows[i].value);
        assert_int_equal(sipc_pdu_encode(&parts, bytes, sizeof bytes, &used), SIPC_OK);
        assert_int_equal(sipc_endpoint_receive(d.ep, 0, 1, (struct sipc_span){bytes, used}),
                         SIPC_OK);
        assert_true(sipc_endpoint_next_action(d.ep, &action)); /* opening */
        assert_true(sipc_endpoint_next_action(d.ep, &action)); /* opened */
        if (!error) {
            struct sipc_span rest, name, value;
            assert_true(sipc_endpoint_next_action(d.ep, &action));
            assert_int_equal(action.kind, SIPC_ACTION_DELIVER);
            rest = action.u.deliver.attributes;
            assert_in_range(rest.size, 0, SIPC_GROUP_BYTES_MAX);
            for (; sipc_attribute_next(&rest, &name, &value); count++)
                size += name.size + value.size;
            assert_in_range(size, 0, SIZE);
            if (rows[i].count > 0)
                assert_in_range(count, rows[i].count - 20, rows[i].count);
        }
        driver_drain(&d);
        DRIVER_EXPECT(&d, rows[i].ack);
        driver_fini(&d);
    }
}

/* GRP-1: a group grows window by window until it is over the limit; the next begins from nothing.
 */
static void test_flood_when_a_group_never_ends_then_250_at_its_limit(void **state)
{
    static uint8_t data[1000];
    struct driver d;
    struct sipc_pdu_parts parts = {
        .session_id = driver_id(1), .opcode = SIPC_DATA, .data = {data, sizeof data}};
    struct sipc_span windows;
    unsigned errors = 0;

    (void)state;
    driver_init(&d, NULL);
    for (unsigned i = 0; i < FLOOD / 4; i++) {
        const struct session *s = session_at(d.ep, 0);
        parts.window_id = i;
        windows = framing(s->rx.group_windows == 0
                              ? SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW
                              : SIPC_OPT_LAST_IN_WINDOW);
        parts.options = windows;
        flood(&d, 1, &parts);
        errors += s->rx.last.error_code == SIPC_ERROR_GROUP_OVERFLOW;
        assert_in_range(s->rx.group_data, 0, SIPC_GROUP_BYTES_MAX);
    }
    assert_int_equal(errors, FLOOD / 4 / 66); /* 65 windows fit, the 66th does not */
    assert_whole(d.ep);
    driver_fini(&d);
}

/* ---- rubbish ---- */

/* What a random PDU is made of: values at the edges of what means something. */
static struct sipc_pdu_parts random_pdu(const struct sipc_endpoint *ep, uint64_t *random)
{
    static const uint8_t letters[] = "abcdefgh";
    static const uint32_t booleans[] = {
        SIPC_OPT_FIRST_IN_WINDOW_GROUP, SIPC_OPT_LAST_IN_WINDOW,
        SIPC_OPT_LAST_IN_WINDOW_GROUP,  SIPC_OPT_SKIP,
        SIPC_OPT_IS_WINDOW_FULL,
    };
    static const char *const words[][2] = {
        {"a", "1"},
        {"s_20", "3"},
        {"s_20", "-1"},
        {"s_error_code", "150"},
        {"s_abort_code", "2"},
        {"s_error_code", "252"},
        {"s_idle_timeout", "7"},
        {"s_e_1", "1:xy"},
        {"s_e_1", "z"},
        {"s_e_2", "9:"},
        {"s_abort_code", "0"},
        {"s_20", "99999"},
    };
    static uint8_t options[1024], data[2000];
    const struct session *s = session_at(ep, (uint32_t)random_below(random, 3));
    int64_t near = random_below(random, 2) == 0 ? s->rx.min_window_id : s->tx.last_id;
    struct sipc_pdu_parts parts = {
        .session_id = driver_id((unsigned)random_below(random, 6)),
        .window_id = near + (int64_t)random_below(random, 5) - 2,
        .seq_nr = (int32_t)random_below(random, 5),
        .opcode = (uint8_t)(1 + random_below(random, 6)),
        .options = {options, 0},
        .data = {data, random_below(random, 4) == 0 ? random_below(random, sizeof data)
                                                    : random_below(random, 12)},
    };

    if (random_below(random, 8) == 0)
        parts.window_id = (int64_t)random_below(random, 2) * SIPC_WINDOW_ID_MAX;
    if (parts.window_id < 0)
        parts.window_id = 0;
    for (size_t i = 0; i < parts.data.size; i++)
        data[i] = letters[i % (sizeof letters - 1)];
    for (size_t i = 0; i < 5; i++)
        if (random_below(random, 2) == 0)
            assert_int_equal(sipc_option_encode_bool(booleans[i], random_below(random, 8) != 0,
                                                     options, sizeof options, &parts.options.size),
                             SIPC_OK);
    while (random_below(random, 2) == 0 && parts.options.size < 900) {
        const char *const *word = words[random_below(random, sizeof words / sizeof words[0])];
        assert_int_equal(
            sipc_option_encode((struct sipc_span){(const uint8_t *)word[0], strlen(word[0])},
                               (struct sipc_span){(const uint8_t *)word[1], strlen(word[1])},
                               options, sizeof options, &parts.options.size),
            SIPC_OK);
    }
    return parts;
}

static void receive_random(struct sipc_endpoint *ep, uint64_t *random)
{
    static uint8_t bytes[4096];
    struct sipc_pdu_parts parts = random_pdu(ep, random);
    size_t used = 0;
    uint8_t *exact;

    assert_int_equal(sipc_pdu_encode(&parts, bytes, sizeof bytes, &used), SIPC_OK);
    for (size_t n = random_below(random, 8) == 0 ? 1 + random_below(random, 3) : 0; n > 0; n--)
        bytes[random_below(random, used)] = (uint8_t)random_next(random);
    if (random_below(random, 16) == 0)
        used = random_below(random, used);
    if (random_below(random, 32) == 0)
        for (used = 0; used < 200; used++)
            bytes[used] = (uint8_t)random_next(random);
    exact = malloc(used + (used == 0)); /* so that reading behind it is seen */
    assert_non_null(exact);
    memcpy(exact, bytes, used);
    assert_int_equal(sipc_endpoint_receive(ep, ep->now, 1 + random_below(random, 2),
                                           (struct sipc_span){exact, used}),
                     SIPC_OK);
    free(exact);
}

/* Any command, whether it makes sense or not. */
static enum sipc_status command_random(struct sipc_endpoint *ep, uint64_t *random)
{
    static const struct sipc_attribute attributes[] = {
        {{(const uint8_t *)"name", 4}, {(const uint8_t *)"value", 5}},
        {{(const uint8_t *)"s_00", 4}, {(const uint8_t *)"true", 4}},
    };
    const uint8_t *id = driver_id((unsigned)random_below(random, 6));
    sipc_peer remote = 1 + random_below(random, 2);
    sipc_session session = sipc_session_find(ep, remote, id);
    const struct sipc_message message = {
        .handle = random_next(random),
        .size = random_below(random, 3) == 0 ? random_below(random, 9000) : 3,
        .attributes = attributes,
        .attribute_count = random_below(random, 8) == 0 ? 2 : random_below(random, 2),
        .skip = random_below(random, 2) == 0,
    };
    const struct sipc_preset preset = {(int64_t)random_below(random, 300),
                                       (int64_t)random_below(random, 300) - 1,
                                       SIPC_WINDOW_ID_MAX - 3, random_below(random, 2) == 0};

    switch (random_below(random, 8)) {
    case 0:
        return sipc_session_open(ep, ep->now, remote, id, (int64_t)random_below(random, 1000000),
                                 &session);
    case 1:
        return sipc_session_send_unreliable(ep, ep->now, session, &message);
    case 2:
        return sipc_session_close(ep, ep->now, session, (int32_t)random_below(random, 102), 5);
    case 3:
        return random_below(random, 8) == 0 ? sipc_session_dispose(ep, ep->now, session, 4)
                                            : SIPC_OK;
    case 4:
        return sipc_session_preset(ep, ep->now, session, &preset);
    default:
        return sipc_session_send(ep, ep->now, session, &message);
    }
}

/* Takes the actions out; keeps tokens, and asserts what holds for every action. */
static void drain_random(struct sipc_endpoint *ep, uint64_t *tokens, uint64_t *random)
{
    struct sipc_action action;
    uint32_t count = 0;

    while (sipc_endpoint_next_action(ep, &action)) {
        assert_true(++count <= ep->config.unreliable_queue + ACTIONS_PER_EVENT);
        if (action.kind == SIPC_ACTION_TRANSMIT) {
            tokens[random_below(random, 4)] = action.u.transmit.token;
            assert_in_range(action.u.transmit.head.size + action.u.transmit.payload_size,
                            SIPC_PDU_SIZE_MIN, ep->config.mtu);
        }
        if (action.kind == SIPC_ACTION_DELIVER)
            assert_in_range(action.u.deliver.data.size, 0, ep->config.group_bytes_max);
    }
}

static void event_random(struct sipc_endpoint *ep, const uint64_t *tokens, uint64_t *random)
{
    sipc_time deadline = sipc_endpoint_deadline(ep);
    sipc_time now = ep->now;
    enum sipc_status status = SIPC_OK;

    switch (random_below(random, 16)) {
    case 0:
    case 1:
        if (deadline != SIPC_NEVER && random_below(random, 2) == 0)
            now = deadline > now ? deadline : now;
        else
            now += random_below(random, DRIVER_MS);
        status = sipc_endpoint_advance(ep, now);
        assert_int_equal(status, SIPC_OK);
        break;
    case 2:
    case 3:
    case 4:
        status = sipc_endpoint_sent(ep, now, tokens[random_below(random, 4)],
                                    random_below(random, 8) != 0);
        break;
    case 5:
    case 6:
        status = command_random(ep, random);
        break;
    default:
        receive_random(ep, random);
        break;
    }
    assert_int_not_equal(status, SIPC_E_PENDING);
}

static void test_flood_when_of_rubbish_then_whole_after_every_event(void **state)
{
    enum { EVENTS = 200000, LIFE = 10000 };
    uint64_t random = 5;

    (void)state;
    for (int life = 0; life < EVENTS / LIFE; life++) {
        struct sipc_config config = driver_config();
        uint64_t tokens[4] = {0};
        struct driver d;
        config.max_sessions = 3;
        config.max_window_size = 4;
        config.stream = life % 4 == 3;
        config.idle_timeout_ns = life % 2 == 0 ? (int64_t)(50 * DRIVER_MS) : 0;
        config.enquire_link_interval_ns = life % 3 == 0 ? 20 * DRIVER_MS : 0;
        config.linger_ns = life % 5 * DRIVER_MS;
        config.ack_timeout_ns = DRIVER_MS;
        config.attribute_limit = 600;
        config.group_bytes_max = 4000;
        if (life % 5 == 4)
            config.window_id_step = 2;
        driver_init(&d, &config);
        for (int i = 0; i < LIFE; i++) {
            event_random(d.ep, tokens, &random);
            drain_random(d.ep, tokens, &random);
            assert_whole(d.ep);
        }
        driver_fini(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flood_when_of_sessions_then_others_are_served),
        cmocka_unit_test(test_flood_when_sessions_end_at_once_then_a_linger_later_all_is_well),
        cmocka_unit_test(test_flood_when_all_timers_fall_due_at_once_then_few_actions_a_call),
        cmocka_unit_test(test_flood_when_of_windows_then_one_is_held),
        cmocka_unit_test(test_flood_when_of_tiny_pdus_then_a_window_takes_them),
        cmocka_unit_test(test_flood_when_the_end_moves_then_what_is_behind_goes),
        cmocka_unit_test(test_flood_when_of_options_then_delivered_or_refused_whole),
        cmocka_unit_test(test_flood_when_a_group_never_ends_then_250_at_its_limit),
        cmocka_unit_test(test_flood_when_of_rubbish_then_whole_after_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
