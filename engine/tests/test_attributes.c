/* Attributes of messages: which are refused (SND-3, SND-4), and that all others arrive with every
 * group, long ones too (OPT-7, OPT-9), whatever the MTU.
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

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

static void init_opened(struct driver *d, const struct sipc_config *config)
{
    driver_init(d, config);
    driver_rx(d, "data 0/0 first last end skip");
    driver_forget(d);
}

/* ---- refused ---- */

static const struct {
    const char *note;
    struct sipc_attribute attribute;
    enum sipc_status status;
} names[] = {
    /* clang-format off */
    {"first_in_window_group",   {TEXT("s_00"), TEXT("True")},            SIPC_E_ATTRIBUTES},
    {"last_in_window",          {TEXT("s_01"), TEXT("True")},            SIPC_E_ATTRIBUTES},
    {"last_in_window_group",    {TEXT("s_02"), TEXT("True")},            SIPC_E_ATTRIBUTES},
    {"is_window_full",          {TEXT("s_10"), TEXT("True")},            SIPC_E_ATTRIBUTES},
    {"max_window_size",         {TEXT("s_20"), TEXT("1")},               SIPC_E_ATTRIBUTES},
    {"error_code",              {TEXT("s_error_code"), TEXT("250")},     SIPC_E_ATTRIBUTES},
    {"abort_code",              {TEXT("s_abort_code"), TEXT("1")},       SIPC_E_ATTRIBUTES},
    {"a piece",                 {TEXT("s_e_0"), TEXT("1:a")},            SIPC_E_ATTRIBUTES},
    {"begins as a piece",       {TEXT("s_e_"), TEXT("")},                SIPC_E_ATTRIBUTES},
    {"a NUL in the name",       {TEXT("a\0b"), TEXT("")},                SIPC_E_ATTRIBUTES},
    {"a NUL in the value",      {TEXT("a"), TEXT("\0")},                 SIPC_OK},
    {"no UTF-8 in the name",    {TEXT("\xff"), TEXT("")},                SIPC_OK},
    {"no name, no value",       {TEXT(""), TEXT("")},                    SIPC_OK},
    {"trace id",                {TEXT("s_traceId"), TEXT("any")},        SIPC_OK},
    {"idle timeout",            {TEXT("s_idle_timeout"), TEXT("-5")},    SIPC_OK},
    {"idle timeout, no number", {TEXT("s_idle_timeout"), TEXT("soon")},  SIPC_E_ATTRIBUTES},
    {"skip",                    {TEXT("s_03"), TEXT("false")},           SIPC_OK},
    {"skip, no boolean",        {TEXT("s_03"), TEXT("yes")},             SIPC_E_ATTRIBUTES},
    {"of the protocol's kind",  {TEXT("s_04"), TEXT("x")},               SIPC_OK},
    {"nearly a piece",          {TEXT("s_e"), TEXT("x")},                SIPC_OK},
    {"nearly framing",          {TEXT("S_00"), TEXT("True")},            SIPC_OK},
    /* clang-format on */
};

static void test_attributes_with_a_name_of_the_protocol_then_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) { /* SND-4 */
        const struct sipc_attribute all[] = {
            {TEXT("before"), TEXT("1")}, names[i].attribute, {TEXT("after"), TEXT("2")}};
        struct sipc_message message = {
            .handle = 1, .size = 1, .attributes = all, .attribute_count = 3};
        struct driver d;
        init_opened(&d, NULL);
        for (int unreliable = 0; unreliable < 2; unreliable++) {
            enum sipc_status status =
                unreliable ? sipc_session_send_unreliable(d.ep, d.now, d.session, &message)
                           : sipc_session_send(d.ep, d.now, d.session, &message);
            if (status != names[i].status)
                fail_msg("row \"%s\": status %d", names[i].note, status);
            driver_drain(&d);
            if (status != SIPC_OK)
                DRIVER_QUIET(&d);
        }
        driver_forget(&d);
        driver_fini(&d);
    }
}

/* A message with one attribute `name` of `size` bytes. */
static enum sipc_status send_sized(struct driver *d, uint64_t message_size, size_t size)
{
    static uint8_t value[SIPC_PDU_SIZE_MAX + 10000];
    const struct sipc_attribute attribute = {TEXT("name"), {value, size}};
    struct sipc_message message = {
        .handle = 1, .size = message_size, .attributes = &attribute, .attribute_count = 1};
    enum sipc_status status;

    memset(value, 'v', size);
    status = sipc_session_send(d->ep, d->now, d->session, &message);
    driver_drain(d);
    if (status == SIPC_OK)
        driver_forget(d);
    DRIVER_QUIET(d);
    return status;
}

static void test_attributes_at_the_limit_then_sent_or_refused(void **state)
{
    static const struct {
        const char *note;
        uint32_t mtu, limit;
        size_t value;
        enum sipc_status status;
    } rows[] = {
        {"just the limit", 1400, 509, 500, SIPC_OK}, /* name + value + 5 */
        {"one byte more", 1400, 509, 501, SIPC_E_ATTRIBUTES},
        {"no attributes at all", 1400, 0, 0, SIPC_E_ATTRIBUTES},
        /* Long: "4:name" goes before, and each piece has a name and lengths of its own. */
        {"a long one, just the limit", 1400, 29000, 28764, SIPC_OK},
        {"a long one, one byte more", 1400, 29000, 28765, SIPC_E_ATTRIBUTES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) { /* SND-3a */
        struct sipc_config config = driver_config();
        struct driver d;
        config.mtu = rows[i].mtu;
        config.attribute_limit = rows[i].limit;
        init_opened(&d, &config);
        if (send_sized(&d, 1, rows[i].value) != rows[i].status)
            fail_msg("row \"%s\"", rows[i].note);
        driver_fini(&d);
    }
}

static void test_attributes_that_leave_no_room_for_data_then_refused(void **state)
{
    size_t fits = 0;

    (void)state;
    for (size_t value = 60000; value < 65500; value += 7) { /* SND-3 */
        struct sipc_config config = driver_config();
        struct driver d;
        enum sipc_status empty, one;
        config.attribute_limit = 65535;
        init_opened(&d, &config);
        empty = send_sized(&d, 0, value);
        if (empty == SIPC_OK)
            driver_sent(&d, false);
        driver_forget(&d);
        one = send_sized(&d, 1, value);
        assert_true(empty == SIPC_OK || one == SIPC_E_ATTRIBUTES);
        if (one == SIPC_OK) {
            assert_int_equal(fits == 0 || value > fits, true); /* up to one size, and no larger */
            fits = value;
        }
        assert_true(one == SIPC_OK || value > fits);
        driver_fini(&d);
    }
    assert_in_range(fits, 60000, 65500 - 1);
}

static void test_attributes_refused_then_the_session_is_as_before(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;
    size_t size;
    void *before;

    (void)state;
    config.attribute_limit = 65535;
    init_opened(&d, &config);
    size = sipc_endpoint_snapshot_size(d.ep);
    before = malloc(size);
    assert_non_null(before);
    memcpy(before, d.block, size);
    assert_int_equal(driver_try_send(&d, 1, 1, "a=b s_00=True"), SIPC_E_ATTRIBUTES);
    assert_int_equal(driver_try_unreliable(&d, 1, 1, "a=b s_00=True"), SIPC_E_ATTRIBUTES);
    assert_int_equal(send_sized(&d, 1, 65000), SIPC_E_ATTRIBUTES); /* no room beside them */
    assert_int_equal(send_sized(&d, 1, 66000), SIPC_E_ATTRIBUTES); /* over the limit */
    assert_memory_equal(d.block, before, size);
    free(before);
    driver_fini(&d);
}

/* ---- from one endpoint to another ---- */

enum { ATTRIBUTES_MAX = 20, VALUE_MAX = 6000 };

struct sample {
    struct sipc_message message;
    struct sipc_attribute attributes[ATTRIBUTES_MAX];
    uint8_t bytes[ATTRIBUTES_MAX][VALUE_MAX];
};

static void draw_sample(struct sample *s, uint64_t *random)
{
    static const char *const texts[] = {"a",         "b", "name", "\xc3\xa4\xf0\x9f\x98\x80",
                                        "s_traceId", ""};

    s->message = (struct sipc_message){.handle = 7,
                                       .size = random_below(random, 90000),
                                       .attributes = s->attributes,
                                       .attribute_count = random_below(random, ATTRIBUTES_MAX)};
    s->message.skip = random_below(random, 2) == 0;
    for (size_t i = 0; i < s->message.attribute_count; i++) {
        const char *name = texts[random_below(random, 6)];
        size_t size = random_below(random, random_below(random, 4) == 0 ? VALUE_MAX : 40);
        bool text = random_below(random, 2) == 0;
        for (size_t k = 0; k < size; k++)
            s->bytes[i][k] = text ? 'x' : (uint8_t)random_next(random);
        s->attributes[i] =
            (struct sipc_attribute){{(const uint8_t *)name, strlen(name)}, {s->bytes[i], size}};
    }
}

/* Values of one name keep their order; order across names is free (OPT-9). */
static void expect_attributes(const struct driver *d, const struct sample *s)
{
    bool seen[ATTRIBUTES_MAX] = {false};
    struct sipc_span rest = d->attributes;
    struct sipc_span name, value;
    size_t count = 0;

    for (; sipc_attribute_next(&rest, &name, &value); count++) {
        size_t i = 0;
        while (i < s->message.attribute_count &&
               (seen[i] || s->attributes[i].name.size != name.size ||
                memcmp(s->attributes[i].name.data, name.data, name.size) != 0))
            i++;
        assert_true(i < s->message.attribute_count);
        assert_int_equal(value.size, s->attributes[i].value.size);
        assert_memory_equal(value.data, s->attributes[i].value.data, value.size);
        seen[i] = true;
    }
    assert_int_equal(count, s->message.attribute_count);
}

/* Carries every PDU over, and its ack back, until the send has its result; looks at each group. */
static void carry(struct driver *from, struct driver *to, const struct sample *s)
{
    uint8_t bytes[SIPC_PDU_SIZE_MAX];
    uint64_t received = 0;

    while (strstr(from->lines, "result") == NULL) {
        uint32_t groups = to->delivered_count;
        size_t size = from->pdu_size;
        size_t head = size - from->payload_size;
        memcpy(bytes, from->pdu, size);
        for (size_t i = head; i < size; i++)
            bytes[i] = driver_byte(from->payload_offset + i - head);
        driver_forget(from);
        driver_forget(to);
        driver_rx_bytes(to, 1, (struct sipc_span){bytes, size});
        if (to->delivered_count > groups) {
            for (size_t i = 0; i < to->delivered_size; i++)
                assert_int_equal(to->delivered[i], driver_byte(received++));
            expect_attributes(to, s);
        }
        driver_sent(from, true);
        size = to->pdu_size;
        memcpy(bytes, to->pdu, size);
        driver_rx_bytes(from, 1, (struct sipc_span){bytes, size});
    }
    assert_non_null(strstr(from->lines, "result 7 send ok"));
    for (uint32_t i = 0; i < sipc_endpoint_config(from->ep)->attribute_limit; i++)
        assert_int_equal(options_of(from->ep, session_at(from->ep, 0))[i], 0);
    assert_int_equal(received, s->message.size);
}

static void test_attributes_of_random_messages_then_arrive_with_every_group(void **state)
{
    static const uint32_t mtus[] = {512, 576, 1400, 9000, 65500};
    static struct sample sample;
    uint64_t random = 3;
    int arrived = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct sipc_config config = driver_config();
        struct driver d, peer;
        enum sipc_status status;
        config.mtu = mtus[random_below(&random, 5)];
        config.max_window_size = 1 + (uint32_t)random_below(&random, 40);
        driver_init(&peer, &config);
        driver_init(&d, &config);
        driver_open(&d);
        draw_sample(&sample, &random);
        status = sipc_session_send(d.ep, d.now, d.session, &sample.message);
        driver_drain(&d);
        if (status == SIPC_OK) {
            carry(&d, &peer, &sample);
            arrived++;
        } else {
            assert_int_equal(status, SIPC_E_ATTRIBUTES);
        }
        driver_forget(&d);
        driver_forget(&peer);
        driver_fini(&d);
        driver_fini(&peer);
    }
    assert_in_range(arrived, 100, 299); /* some have too many attributes, most do not */
}

/* ---- told on ---- */

static void test_attributes_added_then_walked_and_never_over_the_end(void **state)
{
    const struct sipc_span empty = {NULL, 0}, name = {(const uint8_t *)"name", 4};
    struct sipc_span got[2], rest;
    uint8_t out[4 + 4 + 4];
    size_t used = 0;

    (void)state;
    assert_int_equal(sipc_attribute_add(name, name, out, 11, &used), SIPC_E_NO_SPACE);
    assert_int_equal(used, 0);
    assert_int_equal(sipc_attribute_add(name, name, out, 12, &used), SIPC_OK);
    assert_int_equal(used, 12);
    assert_int_equal(sipc_attribute_add(empty, empty, out, sizeof out, &used), SIPC_E_NO_SPACE);
    assert_int_equal(
        sipc_attribute_add(name, (struct sipc_span){out, 65536}, out, sizeof out, &used),
        SIPC_E_SIZE);
    assert_int_equal(
        sipc_attribute_add((struct sipc_span){out, 65536}, name, out, sizeof out, &used),
        SIPC_E_SIZE);
    assert_int_equal(used, 12);
    rest = (struct sipc_span){out, used};
    assert_true(sipc_attribute_next(&rest, &got[0], &got[1]));
    assert_memory_equal(got[0].data, "name", 4);
    assert_memory_equal(got[1].data, "name", 4);
    assert_false(sipc_attribute_next(&rest, &got[0], &got[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes_with_a_name_of_the_protocol_then_refused),
        cmocka_unit_test(test_attributes_at_the_limit_then_sent_or_refused),
        cmocka_unit_test(test_attributes_that_leave_no_room_for_data_then_refused),
        cmocka_unit_test(test_attributes_refused_then_the_session_is_as_before),
        cmocka_unit_test(test_attributes_of_random_messages_then_arrive_with_every_group),
        cmocka_unit_test(test_attributes_added_then_walked_and_never_over_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
