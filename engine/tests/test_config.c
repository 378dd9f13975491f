/* Settings: what each may be, at its edges; what is clamped or derived; and the size of the block.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/state.h"

#define MS      SIPC_NS_PER_MS
#define DAY     (UINT64_C(86400000) * MS)
#define LONGEST (SIPC_NEVER / 1024) /* of times: 208 days */

void sipc_panic(const char *file, int line, const char *expression)
{
    mock_assert(0, expression, file, line);
    abort();
}

/* A setting by its place in the struct. */
struct place {
    const char *text;
    size_t offset, size;
};
#define PLACE(field)                                                                               \
    {                                                                                              \
#field, offsetof(struct sipc_config, field), sizeof((struct sipc_config *)0)->field        \
    }

static void set(struct sipc_config *config, const struct place *place, uint64_t value)
{
    uint8_t *at = (uint8_t *)config + place->offset;
    uint32_t word = (uint32_t)value;

    assert_true(place->size == sizeof value || (place->size == sizeof word && word == value));
    memcpy(at, place->size == sizeof word ? (const void *)&word : (const void *)&value,
           place->size);
}

/* Defaults but for one setting; the name under which it is refused, NULL: it is taken. */
static const struct {
    struct place place;
    uint64_t value;
    const char *refused;
} rows[] = {
    {PLACE(mtu), 0, NULL},
    {PLACE(mtu), UINT32_MAX, NULL},
    {PLACE(max_window_size), 0, "max_window_size"},
    {PLACE(max_window_size), 1, NULL},
    {PLACE(max_window_size), 65535, NULL},
    {PLACE(max_window_size), 65536, "max_window_size"},
    {PLACE(ack_timeout_ns), MS - 1, "ack_timeout"},
    {PLACE(ack_timeout_ns), MS, NULL},
    {PLACE(ack_timeout_ns), 26 * DAY, NULL},
    {PLACE(ack_timeout_ns), 27 * DAY, "max_retry_count"}, /* 8 of them */
    {PLACE(ack_timeout_ns), LONGEST, "max_retry_count"},
    {PLACE(ack_timeout_ns), LONGEST + 1, "ack_timeout"},
    {PLACE(max_retry_count), 0, NULL},
    {PLACE(max_retry_count), 1000000, NULL},
    {PLACE(max_retry_count), 1000001, "max_retry_count"},
    {PLACE(open_timeout_ns), 0, NULL},
    {PLACE(open_timeout_ns), LONGEST, NULL},
    {PLACE(open_timeout_ns), LONGEST + 1, "open_timeout"},
    {PLACE(idle_timeout_ns), UINT64_MAX, NULL}, /* -1: off */
    {PLACE(idle_timeout_ns), INT64_MAX, NULL},
    {PLACE(min_remote_idle_timeout_ns), 600000 * MS, NULL},
    {PLACE(min_remote_idle_timeout_ns), 600000 * MS + 1, "min_remote_idle_timeout"},
    {PLACE(max_remote_idle_timeout_ns), 0, NULL},
    {PLACE(max_remote_idle_timeout_ns), UINT64_MAX, "min_remote_idle_timeout"},
    {PLACE(enquire_link_interval_ns), 1, NULL},
    {PLACE(enquire_link_interval_ns), LONGEST, NULL},
    {PLACE(enquire_link_interval_ns), LONGEST + 1, "enquire_link_interval"},
    {PLACE(linger_ns), 0, NULL},
    {PLACE(linger_ns), LONGEST, NULL},
    {PLACE(linger_ns), LONGEST + 1, "linger"},
    {PLACE(linger_ns), SIPC_NEVER - 1, "linger"},
    {PLACE(linger_ns), SIPC_NEVER, NULL},
    {PLACE(attribute_limit), 0, NULL},
    {PLACE(attribute_limit), 65535, NULL},
    {PLACE(attribute_limit), 65536, "attribute_limit"},
    {PLACE(max_sessions), 0, "max_sessions"},
    {PLACE(max_sessions), 1, NULL},
    {PLACE(max_sessions), 1u << 24, NULL},
    {PLACE(max_sessions), (1u << 24) + 1, "max_sessions"},
    {PLACE(unreliable_queue), 0, NULL},
    {PLACE(unreliable_queue), 65535, NULL},
    {PLACE(unreliable_queue), 65536, "unreliable_queue"},
    {PLACE(table_key), UINT64_MAX, NULL},
    {PLACE(window_id_step), 1, "window_id_step"},
    {PLACE(window_id_step), 2, NULL},
    {PLACE(window_id_step), SIPC_WINDOW_ID_MAX / 4, NULL},
    {PLACE(window_id_step), SIPC_WINDOW_ID_MAX / 4 + 1, "window_id_step"},
    {PLACE(window_id_step), UINT64_MAX, "window_id_step"},
    {PLACE(window_id_max), 299, "window_id_max"},
    {PLACE(window_id_max), 300, NULL},
    {PLACE(window_id_max), SIPC_WINDOW_ID_MAX + 1, "window_id_max"},
    {PLACE(group_bytes_max), 127, "group_bytes_max"},
    {PLACE(group_bytes_max), 128, NULL},
    {PLACE(group_bytes_max), 65501, "group_bytes_max"},
};

static void test_config_when_a_setting_is_at_its_edge_then_as_the_row_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *field = "not set";
        struct sipc_config config;
        enum sipc_status status;
        sipc_config_default(&config);
        set(&config, &rows[i].place, rows[i].value);
        status = sipc_config_check(&config, &field);
        if (rows[i].refused == NULL && (status != SIPC_OK || field != NULL))
            fail_msg("%s = %llu was refused", rows[i].place.text,
                     (unsigned long long)rows[i].value);
        if (rows[i].refused != NULL &&
            (status != SIPC_E_INVALID || field == NULL || strcmp(field, rows[i].refused) != 0))
            fail_msg("%s = %llu was not refused as %s", rows[i].place.text,
                     (unsigned long long)rows[i].value, rows[i].refused);
        assert_int_equal(sipc_config_check(&config, NULL), status);
        assert_true((sipc_endpoint_size(&config) == 0) == (rows[i].refused != NULL));
    }
}

/* SPEC section 9 */
static void test_config_when_default_then_the_protocols(void **state)
{
    struct sipc_config config;

    (void)state;
    memset(&config, 0xff, sizeof config);
    sipc_config_default(&config);
    assert_int_equal(config.mtu, 1400);
    assert_int_equal(config.max_window_size, 16);
    assert_int_equal(config.ack_timeout_ns, 1000 * MS);
    assert_int_equal(config.max_retry_count, 3);
    assert_int_equal(config.open_timeout_ns, 10000 * MS);
    assert_int_equal(config.idle_timeout_ns, 0);
    assert_int_equal(config.min_remote_idle_timeout_ns, 0);
    assert_int_equal(config.max_remote_idle_timeout_ns, 600000 * MS);
    assert_int_equal(config.enquire_link_interval_ns, 0);
    assert_int_equal(config.attribute_limit, 30000);
    assert_int_equal(config.max_sessions, 1024);
    assert_int_equal(config.unreliable_queue, 64);
    assert_true(config.accept && config.require_first_in_window_group && !config.stream);
    assert_int_equal(sipc_config_check(&config, NULL), SIPC_OK);
    assert_int_equal(config.linger_ns, 8000 * MS); /* END-3 */
    assert_true(sipc_config_conformant(&config));
}

/* SND-2a */
static void test_config_when_the_mtu_is_out_of_range_then_the_nearer_end(void **state)
{
    static const uint32_t mtus[][2] = {{0, 512},       {511, 512},         {512, 512},
                                       {513, 513},     {65499, 65499},     {65500, 65500},
                                       {65501, 65500}, {UINT32_MAX, 65500}};

    (void)state;
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct sipc_config config;
        sipc_config_default(&config);
        config.mtu = mtus[i][0];
        assert_int_equal(sipc_config_check(&config, NULL), SIPC_OK);
        assert_int_equal(config.mtu, mtus[i][1]);
    }
}

static void test_config_when_linger_is_not_given_then_it_follows_from_the_retries(void **state)
{
    struct sipc_config config;

    (void)state;
    sipc_config_default(&config);
    config.max_retry_count = 1000000;
    config.ack_timeout_ns = 9007 * MS; /* the longest that goes with so many */
    assert_int_equal(sipc_config_check(&config, NULL), SIPC_OK);
    assert_int_equal(config.linger_ns, UINT64_C(2) * 1000001 * 9007 * MS);
    sipc_config_default(&config);
    config.max_retry_count = 1000000;
    config.ack_timeout_ns = 9008 * MS;
    assert_int_equal(sipc_config_check(&config, NULL), SIPC_E_INVALID);
    sipc_config_default(&config);
    config.linger_ns = 5;
    assert_int_equal(sipc_config_check(&config, NULL), SIPC_OK);
    assert_int_equal(config.linger_ns, 5);
}

static void test_config_when_a_small_world_then_not_conformant(void **state)
{
    static const struct {
        struct place place;
        uint64_t value;
        bool conformant;
    } worlds[] = {
        {PLACE(window_id_step), 99, false},   {PLACE(window_id_max), 300, false},
        {PLACE(group_bytes_max), 512, false}, {PLACE(mtu), 512, true},
        {PLACE(max_window_size), 1, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
        struct sipc_config config;
        sipc_config_default(&config);
        set(&config, &worlds[i].place, worlds[i].value);
        assert_true(sipc_config_conformant(&config) == worlds[i].conformant);
    }
}

static void test_config_when_the_block_is_small_or_the_settings_bad_then_no_endpoint(void **state)
{
    struct sipc_config config;
    struct sipc_endpoint *ep = NULL;
    uint8_t *block;
    size_t size;

    (void)state;
    sipc_config_default(&config);
    config.max_sessions = 2;
    size = sipc_endpoint_size(&config);
    block = calloc(1, size + 8);
    assert_non_null(block);
    assert_int_equal(sipc_endpoint_init(block, size - 1, &config, 7, &ep), SIPC_E_NO_SPACE);
    assert_null(ep);
    expect_assert_failure(
        assert_int_equal(sipc_endpoint_init(block + 8, size, &config, 7, &ep), SIPC_OK));
    config.max_sessions = 0;
    assert_int_equal(sipc_endpoint_init(block, size, &config, 7, &ep), SIPC_E_INVALID);
    assert_null(ep);
    config.max_sessions = 2;
    config.mtu = 0;
    assert_int_equal(sipc_endpoint_init(block, size, &config, 7, &ep), SIPC_OK);
    assert_ptr_equal(ep, block);
    assert_int_equal(sipc_endpoint_config(ep)->mtu, 512);
    assert_int_equal(sipc_endpoint_config(ep)->linger_ns, 8000 * MS);
    assert_int_equal(sipc_endpoint_deadline(ep), SIPC_NEVER);
    assert_int_equal(sipc_endpoint_session_count(ep), 0);
    expect_assert_failure(
        assert_int_equal(sipc_endpoint_advance(ep, 6), SIPC_OK)); /* before init */
    assert_null(sipc_endpoint_check(ep));
    free(block);
}

/* The parts of the block lie one behind the other, aligned, without overlap; those that only serve
 * actions that wait come behind the snapshot. */
static void test_config_when_laid_out_then_the_parts_follow_and_fit(void **state)
{
    struct sipc_config c;
    struct sipc_endpoint ep;
    uint64_t at = 0;

    (void)state;
    sipc_config_default(&c);
    c.max_sessions = 3;
    c.attribute_limit = 13;
    assert_int_equal(sipc_config_check(&c, NULL), SIPC_OK);
    sipc__config_layout(&c, &ep);
    {
        const uint64_t parts[][2] = {
            {0, sizeof ep},
            {ep.sessions_offset, 3 * sizeof(struct session)},
            {ep.table_offset, 8 * sizeof(uint32_t)},
            {ep.heap_offset, 3 * sizeof(uint32_t)},
            {ep.positions_offset, UINT64_C(3) * c.max_window_size * sizeof(struct position)},
            {ep.arenas_offset, UINT64_C(3) * c.group_bytes_max},
            {ep.options_offset, 3 * 13},
            {ep.unreliable_offset, UINT64_C(3) * c.unreliable_queue * sizeof(struct unreliable)},
            {ep.pools_offset, 3 * 13},
            {ep.actions_offset, ep.action_capacity * sizeof(struct queued)},
            {ep.head_offset, c.mtu},
            {ep.attributes_offset, c.group_bytes_max},
            {ep.pieces_offset, (c.group_bytes_max / 9 + 1) * sizeof(uint32_t)},
            {ep.size, 0},
        };
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            assert_in_range(parts[i][0], at, at + 15);
            assert_int_equal(parts[i][0] % 16, 0);
            at = parts[i][0] + parts[i][1];
        }
    }
    assert_int_equal(ep.snapshot_size, ep.actions_offset);
    assert_int_equal(sipc_endpoint_size(&c), ep.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_when_a_setting_is_at_its_edge_then_as_the_row_says),
        cmocka_unit_test(test_config_when_default_then_the_protocols),
        cmocka_unit_test(test_config_when_the_mtu_is_out_of_range_then_the_nearer_end),
        cmocka_unit_test(test_config_when_linger_is_not_given_then_it_follows_from_the_retries),
        cmocka_unit_test(test_config_when_a_small_world_then_not_conformant),
        cmocka_unit_test(test_config_when_the_block_is_small_or_the_settings_bad_then_no_endpoint),
        cmocka_unit_test(test_config_when_laid_out_then_the_parts_follow_and_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
