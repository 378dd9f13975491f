/* How messages are cut into groups and PDUs (SND-2, SND-3, SND-5, GRP-2, OPN-3): named boundaries,
 * and properties over random MTUs, sizes, attributes and limits. What a plan may cost is counted
 * here from the wire format, PDU by PDU.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/state.h"
#include "random.h"

enum {
    FRAMING = 5 + 4 + 4, /* two lengths, NUL, "s_00", "True" */
    OPTIONS_MAX = 65535,
};

static struct sipc_config config_of(uint32_t mtu, uint32_t group_bytes_max)
{
    struct sipc_config config;

    sipc_config_default(&config);
    config.mtu = mtu;
    config.group_bytes_max = group_bytes_max;
    config.attribute_limit = OPTIONS_MAX;
    return config;
}

/* The longest that PDU `index` of `count` can be on the wire, beside what it carries: the peer's
 * window may end at any PDU. */
static uint32_t pdu_overhead(bool skip, uint32_t index, uint32_t count)
{
    return SIPC_PDU_SIZE_MIN + (skip ? FRAMING : 0) + (index == 0 ? FRAMING : 0) + FRAMING +
           (index + 1 == count ? FRAMING : 0);
}

/* ---- named boundaries ---- */

/* clang-format off */
#define FULL {1317, 1330, 1330, 1330}
#define THREE {1317, 1317, 1}
/* clang-format on */

static const struct {
    const char *name;
    uint32_t mtu, group_bytes_max;
    uint64_t left;
    bool skip, two_windows;
    uint32_t data_size; /* of the group; 0 with no sizes: refused */
    uint32_t count;
    uint32_t sizes[4]; /* data of the first PDUs */
} rows[] = {
    /* clang-format off */
    {"empty message",            1400,  65500, 0,          false, false, 0,     1,  {0}},
    {"empty, in two windows",    1400,  65500, 0,          false, true,  0,     2,  {0, 0}},
    {"one byte",                 1400,  65500, 1,          false, false, 1,     1,  {1}},
    {"one byte in two windows",  1400,  65500, 1,          false, true,  1,     2,  {1, 0}},
    {"just one PDU",             1400,  65500, 1304,       false, false, 1304,  1,  {1304}},
    {"one PDU, one empty",       1400,  65500, 1304,       false, true,  1304,  2,  {1304, 0}},
    {"one byte more than a PDU", 1400,  65500, 1305,       false, false, 1305,  2,  {1304, 1}},
    {"is two windows already",   1400,  65500, 1305,       false, true,  1305,  2,  {1304, 1}},
    {"the first of two is full", 1400,  65500, 1317,       false, false, 1317,  2,  {1316, 1}},
    {"one more than that first", 1400,  65500, 1318,       false, false, 1318,  2,  {1317, 1}},
    {"just two PDUs",            1400,  65500, 2634,       false, false, 2634,  2,  {1317, 1317}},
    {"one byte more than two",   1400,  65500, 2635,       false, false, 2635,  3,  THREE},
    {"just one PDU with skip",   1400,  65500, 1291,       true,  false, 1291,  1,  {1291}},
    {"one byte more with skip",  1400,  65500, 1292,       true,  false, 1292,  2,  {1291, 1}},
    {"the longest group",        1400,  65500, 62184,      false, false, 62184, 47, FULL},
    {"one for the next group",   1400,  65500, 62185,      false, false, 62184, 47, FULL},
    {"one PDU is the group",     65500, 65500, 65404,      false, false, 65404, 1,  {65404}},
    {"two PDUs pass the limit",  65500, 65500, 65405,      false, false, 65404, 1,  {65404}},
    {"two windows, one empty",   65500, 65500, 65405,      false, true,  65334, 2,  {65334, 0}},
    {"smallest MTU",             512,   65500, 416,        false, false, 416,   1,  {416}},
    {"limit below the MTU",      512,   128,   100,        false, false, 32,    1,  {32}},
    {"limit leaves one byte",    512,   97,    100,        false, false, 1,     1,  {1}},
    {"limit leaves none",        512,   96,    100,        false, false, 0,     0,  {0}},
    {"none left, none needed",   512,   96,    0,          false, false, 0,     1,  {0}},
    {"2^64-1 bytes",             1400,  65500, UINT64_MAX, false, false, 62184, 47, FULL},
    /* clang-format on */
};

static void test_plan_group_at_a_named_boundary_then_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_config config = config_of(rows[i].mtu, rows[i].group_bytes_max);
        struct sipc_span options = {NULL, 0};
        struct plan plan;
        bool fits = sipc__plan_group(&config, options, 0, rows[i].left, rows[i].skip,
                                     rows[i].two_windows, &plan);
        if (fits != (rows[i].count > 0))
            fail_msg("row \"%s\": fits %d", rows[i].name, fits);
        if (!fits)
            continue;
        if (plan.pdu_count != rows[i].count || plan.data_size != rows[i].data_size)
            fail_msg("row \"%s\": %u PDUs, %u bytes", rows[i].name, plan.pdu_count, plan.data_size);
        for (uint32_t k = 0; k < plan.pdu_count && k < 4; k++) {
            struct plan_pdu pdu = sipc__plan_pdu(&config, options, &plan, rows[i].skip, k);
            if (pdu.data_size != rows[i].sizes[k])
                fail_msg("row \"%s\": PDU %u has %u bytes", rows[i].name, k, pdu.data_size);
        }
    }
}

/* ---- properties ---- */

struct sample {
    struct sipc_config config;
    uint8_t bytes[OPTIONS_MAX];
    struct sipc_span options;
    uint64_t message_size;
    bool skip, two_windows;
};

/* What the smallest possible next group costs: the options, whole, greedily, and one byte of data
 * where any is left. */
static uint32_t least_cost(const struct sample *s, uint64_t left)
{
    const uint32_t data_size = left > 0 ? 1 : 0;
    struct sipc_span rest = s->options;
    struct sipc_option option;
    uint32_t index = 0, filled = 0;

    while (rest.size > 0) {
        size_t before = rest.size;
        uint32_t size;
        assert_true(sipc_option_next(&rest, &option));
        size = (uint32_t)(before - rest.size);
        if (filled + size + pdu_overhead(s->skip, index, UINT32_MAX) > s->config.mtu) {
            index++;
            filled = 0;
        }
        filled += size;
    }
    if (filled + data_size + pdu_overhead(s->skip, index, index + 1) > s->config.mtu)
        index++; /* data, or the end of the group, in a PDU of its own */
    if (index == 0 && s->two_windows)
        index++;
    return (index + 1) * pdu_overhead(s->skip, 1, UINT32_MAX) + 2 * FRAMING +
           (uint32_t)s->options.size + data_size;
}

/* Whether `size` bytes of the options from `start` are whole ones. */
static bool options_whole(struct sipc_span options, uint32_t start, uint32_t size)
{
    struct sipc_span rest = {options.data + start, size};
    struct sipc_option option;

    while (sipc_option_next(&rest, &option))
        ;
    return rest.size == 0;
}

static void check_group(const struct sample *s, const struct plan *plan, uint64_t offset)
{
    uint32_t data = 0, option_bytes = 0, cost = 0, empty = 0;
    bool last_group = offset + plan->data_size == s->message_size;

    assert_int_equal(plan->data_offset, offset);
    assert_true(offset + plan->data_size <= s->message_size);
    assert_true(!s->two_windows || plan->pdu_count >= 2);
    for (uint32_t i = 0; i < plan->pdu_count; i++) {
        struct plan_pdu pdu = sipc__plan_pdu(&s->config, s->options, plan, s->skip, i);
        uint32_t length =
            pdu_overhead(s->skip, i, plan->pdu_count) + pdu.option_size + pdu.data_size;
        assert_true(length <= s->config.mtu); /* SND-2 */
        assert_true(pdu.data_size == 0 || pdu.data_start == data);
        assert_true(pdu.option_size == 0 || pdu.option_start == option_bytes);
        assert_true(options_whole(s->options, option_bytes, pdu.option_size));
        data += pdu.data_size;
        option_bytes += pdu.option_size;
        cost += length;
        empty += pdu.data_size + pdu.option_size == 0;
    }
    assert_int_equal(data, plan->data_size);
    assert_int_equal(option_bytes, s->options.size); /* SND-3 */
    assert_true(cost <= s->config.group_bytes_max);  /* GRP-2a */
    assert_true(empty <= 1 || (plan->pdu_count == 2 && s->two_windows && s->message_size == 0));
    /* No group is cut short while a byte more would fit, with a PDU of its own if need be. */
    assert_true(last_group ||
                cost + pdu_overhead(s->skip, 1, UINT32_MAX) + 1 > s->config.group_bytes_max);
}

static void check_message(const struct sample *s)
{
    uint64_t offset = 0;
    struct plan plan;

    for (int groups = 0; groups < 4; groups++) {
        uint64_t left = s->message_size - offset;
        bool fits = sipc__plan_group(&s->config, s->options, offset, s->message_size, s->skip,
                                     s->two_windows, &plan);
        assert_int_equal(fits, least_cost(s, left) <= s->config.group_bytes_max);
        if (!fits) {
            assert_int_equal(offset, 0); /* refused before anything was sent, or never */
            return;
        }
        check_group(s, &plan, offset);
        offset += plan.data_size;
        if (offset == s->message_size)
            return;
        assert_true(plan.data_size > 0);
    }
}

/* Random options, encoded; a piece of a long attribute is one of the longest that fit. */
static void draw_options(struct sample *s, uint64_t *random)
{
    size_t option_size_max = sipc__plan_option_size_max(&s->config);
    size_t total = random_below(random, 4) == 0 ? random_below(random, OPTIONS_MAX)
                                                : random_below(random, 3000);
    size_t longest = random_below(random, 2) == 0 ? option_size_max : 5 + random_below(random, 60);
    size_t used = 0;

    while (used + 5 < total) {
        static const uint8_t text[OPTIONS_MAX] = {'a'};
        size_t size =
            random_below(random, 3) == 0 ? longest : 5 + random_below(random, longest - 4);
        size_t name_size = size == 5 ? 0 : 1;
        if (size < 5 || size > option_size_max || used + size > total)
            break;
        assert_int_equal(sipc_option_encode((struct sipc_span){text, name_size},
                                            (struct sipc_span){text, size - 5 - name_size},
                                            s->bytes, sizeof s->bytes, &used),
                         SIPC_OK);
    }
    s->options = (struct sipc_span){s->bytes, random_below(random, 3) == 0 ? 0 : used};
}

static void draw_sample(struct sample *s, uint64_t *random)
{
    static const uint32_t mtus[] = {512, 576, 1280, 1400, 1500, 9000, 65499, 65500};
    uint32_t mtu = random_below(random, 2) == 0 ? mtus[random_below(random, 8)]
                                                : 512 + (uint32_t)random_below(random, 64989);
    uint32_t limit = random_below(random, 3) != 0 ? SIPC_GROUP_BYTES_MAX
                                                  : 128 + (uint32_t)random_below(random, 65373);

    s->config = config_of(mtu, limit);
    s->skip = random_below(random, 2) == 0;
    s->two_windows = random_below(random, 2) == 0;
    draw_options(s, random);
    switch (random_below(random, 4)) {
    case 0:
        s->message_size = random_below(random, 200);
        break;
    case 1: /* round a whole number of PDUs */
        s->message_size = random_below(random, 8) * (mtu - 70) + random_below(random, 200);
        break;
    case 2:
        s->message_size = random_below(random, 3) * limit + random_below(random, 2000);
        break;
    default:
        s->message_size = random_below(random, 200000);
    }
}

static void test_plan_of_random_messages_then_all_properties_hold(void **state)
{
    static struct sample sample;
    uint64_t random = 20;

    (void)state;
    for (int i = 0; i < 4000; i++) {
        draw_sample(&sample, &random);
        check_message(&sample);
    }
}

/* Sizes one by one round the ends of PDUs, where a byte decides. */
static void test_plan_of_every_size_then_all_properties_hold(void **state)
{
    static struct sample sample;

    (void)state;
    for (int variant = 0; variant < 16; variant++) {
        uint64_t random = 7;
        sample.config = config_of(512, (variant & 1) != 0 ? 1500 : SIPC_GROUP_BYTES_MAX);
        sample.skip = (variant & 2) != 0;
        sample.two_windows = (variant & 4) != 0;
        draw_options(&sample, &random);
        sample.options.size = (variant & 8) != 0 ? 0 : sample.options.size;
        for (sample.message_size = 0; sample.message_size < 1400; sample.message_size++)
            check_message(&sample);
    }
}

/* Options of every total size round the end of a PDU, with and without data behind them. */
static void test_plan_of_options_that_fill_pdus_then_all_properties_hold(void **state)
{
    static struct sample sample;
    static const uint8_t value[512];

    (void)state;
    for (uint32_t variant = 0; variant < 12; variant++)
        for (size_t first = 0; first <= 460; first++) {
            size_t used = 0;
            sample.config = config_of(512, SIPC_GROUP_BYTES_MAX);
            sample.skip = (variant & 1) != 0;
            sample.two_windows = (variant & 2) != 0;
            sample.message_size = (variant >> 2) * 200;
            if (5 + first > sipc__plan_option_size_max(&sample.config))
                break;
            for (int i = 0; i < 2; i++)
                assert_int_equal(sipc_option_encode((struct sipc_span){value, 0},
                                                    (struct sipc_span){value, first}, sample.bytes,
                                                    sizeof sample.bytes, &used),
                                 SIPC_OK);
            sample.options = (struct sipc_span){sample.bytes, used / 2};
            check_message(&sample);
            sample.options.size = used;
            check_message(&sample);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_group_at_a_named_boundary_then_sizes),
        cmocka_unit_test(test_plan_of_every_size_then_all_properties_hold),
        cmocka_unit_test(test_plan_of_options_that_fill_pdus_then_all_properties_hold),
        cmocka_unit_test(test_plan_of_random_messages_then_all_properties_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
