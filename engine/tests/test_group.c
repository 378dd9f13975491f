/* Window groups on their way to the application: the limit (GRP-1, GRP-3) and attributes, long ones
 * joined (OPT-6…9, RCV-8).
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"
#include "random.h"

enum { LIMIT = SIPC_GROUP_BYTES_MAX };

static void init_opened(struct driver *d)
{
    driver_init(d, NULL);
    driver_rx(d, "data 0/0 first last end skip");
    driver_forget(d);
}

static void expect_usable(struct driver *d, int64_t window_id)
{
    char ack[80];

    driver_rx(d, "data %" PRId64 "/0 first last end: ok", window_id);
    snprintf(ack, sizeof ack, "tx data_ack %" PRId64 "/0 full size=16", window_id);
    DRIVER_EXPECT(d, "deliver \"ok\"", ack);
}

/* Any options, as a line cannot say them. */
enum { FLAG_SIZE = 13 };

struct pdu {
    uint8_t options[SIPC_PDU_SIZE_MAX];
    size_t used;
};

static void put_flag(struct pdu *pdu, uint32_t id)
{
    assert_int_equal(
        sipc_option_encode_bool(id, true, pdu->options, sizeof pdu->options, &pdu->used), SIPC_OK);
}

static void receive_pdu(struct driver *d, int64_t window_id, int32_t seq_nr, const struct pdu *pdu,
                        size_t data_size)
{
    static const uint8_t data[SIPC_PDU_SIZE_MAX];

    driver_rx_parts(d, 1,
                    &(struct sipc_pdu_parts){.window_id = window_id,
                                             .seq_nr = seq_nr,
                                             .opcode = SIPC_DATA,
                                             .options = {pdu->options, pdu->used},
                                             .data = {data, data_size}});
}

/* ---- the limit ---- */

static const struct {
    const char *name;
    int first, second; /* bytes of data in two PDUs */
    const char *options;
    bool taken;
} limits[] = {
    {"65,500 bytes of data", LIMIT - 1000, 1000, "", true},
    {"65,501 bytes of data", LIMIT - 1000, 1001, "", false},
    {"the second alone too much", 1000, LIMIT - 999, "", false},
    {"an option besides", LIMIT - 1000 - 9, 1000, "ab=cd", true},
    {"an option, one byte too much", LIMIT - 1000 - 4 + 1, 1000, "ab=cd", false},
    {"framing options do not count", LIMIT - 1000, 1000, "size=16 error=250 abort=2 full", true},
};

static void test_group_at_a_boundary_of_the_limit_then_delivered_or_250(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct driver d;
        init_opened(&d);
        driver_rx(&d, "data 1/0 first last bytes=%d %s", limits[i].first, limits[i].options);
        driver_forget(&d);
        driver_rx(&d, "data 2/0 last end bytes=%d", limits[i].second);
        d.note = limits[i].name;
        if (limits[i].taken) {
            assert_int_equal(d.delivered_count, 2);
            assert_int_equal(d.delivered_size, limits[i].first + limits[i].second);
            for (int k = 0; k < limits[i].first; k++)
                assert_int_equal(d.delivered[k], driver_byte((size_t)k));
            for (int k = 0; k < limits[i].second; k++)
                assert_int_equal(d.delivered[limits[i].first + k], driver_byte((size_t)k));
            driver_forget(&d);
        } else {
            DRIVER_EXPECT(&d, "tx data_ack 2/0 error=250");
        }
        expect_usable(&d, 3);
        driver_fini(&d);
    }
}

/* Five PDUs in two windows, of which the `over`-th to come passes the limit. */
static void test_group_over_the_limit_at_any_pdu_then_250_with_its_seq_nr(void **state)
{
    static const struct {
        int64_t window_id;
        int32_t seq_nr;
        const char *flags;
    } pdus[] = {{1, 0, "first"}, {1, 1, "last"}, {2, 2, "last end"}, {2, 1, ""}, {2, 0, ""}};

    (void)state;
    for (int over = 1; over < 5; over++) {
        struct driver d;
        char ack[80];
        init_opened(&d);
        for (int i = 0; i <= over; i++) {
            driver_forget(&d);
            driver_rx(&d, "data %" PRId64 "/%" PRId32 " %s bytes=%d", pdus[i].window_id,
                      pdus[i].seq_nr, pdus[i].flags, i == over ? LIMIT - over * 1000 + 1 : 1000);
        }
        snprintf(ack, sizeof ack, "tx data_ack %" PRId64 "/%" PRId32 " error=250",
                 pdus[over].window_id, pdus[over].seq_nr);
        DRIVER_EXPECT(&d, ack);
        driver_rx(&d, "data %" PRId64 "/0 first last end", pdus[over].window_id);
        DRIVER_EXPECT(&d, ack); /* processed: WID-5, WID-7 */
        assert_int_equal(d.delivered_count, 1);
        expect_usable(&d, 3);
        driver_fini(&d);
    }
}

static void test_group_when_a_pdu_is_replaced_then_it_counts_once(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d);
    driver_rx(&d, "data 1/1 last end bytes=60000");
    for (int i = 0; i < 3; i++)
        driver_rx(&d, "data 1/1 last end bytes=%d", 60000 + i);
    DRIVER_QUIET(&d);
    driver_rx(&d, "data 1/0 first bytes=5498");
    DRIVER_EXPECT(&d, "deliver (65500 bytes)", "tx data_ack 1/1 full size=16");
    driver_fini(&d);
}

static void test_group_when_cleared_then_its_bytes_count_no_more(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d);
    driver_rx(&d, "data 1/0 first last bytes=60000 a=b"); /* RCV-2 */
    driver_rx(&d, "data 2/0 first last bytes=60000 a=b");
    driver_rx(&d, "data 3/0 bytes=5000"); /* RCV-1 */
    driver_rx(&d, "data 4/0 bytes=5000");
    driver_rx(&d, "data 5/0 last end bytes=5493");
    DRIVER_EXPECT(&d, "tx data_ack 1/0 full size=16", "tx data_ack 2/0 full size=16",
                  "tx data_ack 3/0", "tx data_ack 4/0", "deliver (65493 bytes) a=b",
                  "tx data_ack 5/0 full size=16");
    driver_fini(&d);
}

/* Random attributes; the bytes of their names and values are returned (GRP-1). */
static size_t draw_options(uint64_t *random, struct pdu *pdu)
{
    static const uint8_t bytes[300] = {'n'};
    size_t counted = 0;

    while (random_below(random, 3) != 0 && pdu->used < 2000) {
        size_t value = random_below(random, sizeof bytes);
        assert_int_equal(sipc_option_encode((struct sipc_span){bytes, value == 0 ? 0 : 1},
                                            (struct sipc_span){bytes, value}, pdu->options,
                                            sizeof pdu->options, &pdu->used),
                         SIPC_OK);
        counted += value + (value == 0 ? 0 : 1);
    }
    return counted;
}

/* A group of windows of one PDU. It ends when its PDUs are 65,500 bytes long together (GRP-2a), or,
 * `over`, when its data, names and values are more than that (GRP-1): whatever its PDUs carry. */
static void random_group_at_limit(struct driver *d, uint64_t *random, bool over)
{
    size_t full = 0, counted = 0; /* GRP-2a, GRP-1 */
    int64_t window_id = 1;
    bool ends = false;

    for (; !ends; window_id++) {
        struct pdu pdu = {.used = 0};
        size_t room, data_size = random_below(random, 3000);
        counted += draw_options(random, &pdu) + data_size;
        if (window_id == 1)
            put_flag(&pdu, SIPC_OPT_FIRST_IN_WINDOW_GROUP);
        put_flag(&pdu, SIPC_OPT_LAST_IN_WINDOW);
        room = LIMIT - full - SIPC_PDU_SIZE_MIN - pdu.used - FLAG_SIZE;
        ends = over ? counted > LIMIT : room < 8000;
        if (ends) {
            put_flag(&pdu, SIPC_OPT_LAST_IN_WINDOW_GROUP);
            data_size = over ? data_size : room;
        }
        full += SIPC_PDU_SIZE_MIN + pdu.used + data_size;
        driver_forget(d);
        receive_pdu(d, window_id, 0, &pdu, data_size);
        ends = ends || strstr(d->lines, "error=250") != NULL;
    }
    assert_int_equal(strstr(d->lines, "error=250") != NULL, over);
    assert_int_equal(d->delivered_count, over ? 1 : 2);
    assert_true(over || full == LIMIT);
    driver_forget(d);
    expect_usable(d, window_id);
}

static void test_group_of_random_pdus_then_taken_up_to_grp_2a_and_refused_over_grp_1(void **state)
{
    uint64_t random = 5;

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct driver d;
        init_opened(&d);
        random_group_at_limit(&d, &random, i % 2 == 0);
        driver_fini(&d);
    }
}

/* ---- attributes ---- */

static void test_group_with_options_in_every_pdu_then_all_in_order_without_framing(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d);
    driver_rx(&d, "data 1/1 last b=2 size=9 a=3 s_traceId=t full");
    driver_rx(&d, "data 1/0 first a=1 error=250 a=2 =empty");
    driver_rx(&d, "data 2/0 s_04=unknown s_idle_timeout=77 abort=5");
    driver_rx(&d, "data 2/1 last end a=");
    DRIVER_EXPECT(&d, "tx data_ack 1/1 full size=16", "tx data_ack 2/0",
                  "deliver \"\" a=1 a=2 =empty b=2 a=3 s_traceId=t s_04=unknown s_idle_timeout=77 "
                  "a=",
                  "tx data_ack 2/1 full size=16");
    driver_fini(&d);
}

static const struct {
    const char *name;
    const char *options;
    const char *attributes; /* of the delivery; NULL: error 251 */
} longs[] = {
    {"one piece", "s_e_0=1:ab", " a=b"},
    {"two pieces", "s_e_0=2:abc s_e_0=de", " ab=cde"},
    {"the name cut in two", "s_e_0=3:a s_e_0=bc=x", " abc==x"},
    {"the length cut in two", "s_e_0=1 s_e_0=2:abcdefghijklmn", " abcdefghijkl=mn"},
    {"an empty value", "s_e_0=1:a", " a="},
    {"an empty name", "s_e_0=0:v", " =v"},
    {"an empty piece among others", "s_e_0=1:a s_e_0= s_e_0=b", " a=b"},
    {"interleaved", "s_e_0=1:a s_e_1=1:b s_e_0=A s_e_1=B s_e_0=C", " a=AC b=B"},
    {"keys are no numbers", "s_e_x=1:a s_e_=1:b s_e_x=A s_e_=B", " a=A b=B"},
    {"keys with the same number", "s_e_1=1:a s_e_01=1:b s_e_1=A s_e_01=B", " a=A b=B"},
    {"keys of which one begins the other", "s_e_1=1:a s_e_10=1:b s_e_1=A", " a=A b="},
    {"its place is that of its first piece", "x=1 s_e_0=1:a y=2 s_e_0=A z=3", " x=1 a=A y=2 z=3"},
    {"long and short of one name", "a=1 s_e_0=1:a a=3 s_e_0=2", " a=1 a=2 a=3"},
    {"twice the same long", "s_e_0=1:ax s_e_1=1:ay", " a=x a=y"},
    {"a framing name", "s_e_0=4:s_00True a=b", " a=b"},
    {"a length and no more", "s_e_0=0", NULL},
    {"no colon", "s_e_0=bad", NULL},
    {"nothing", "s_e_0=", NULL},
    {"no length", "s_e_0=:ab", NULL},
    {"a sign", "s_e_0=+1:ab", NULL},
    {"a name cut short", "s_e_0=9:ab", NULL},
    {"a length that overflows", "s_e_0=18446744073709551617:ab", NULL},
    {"one of two bad", "s_e_0=1:ab s_e_1=x", NULL},
    {"a piece that is not Latin-1", "s_e_0=1:a\xc4\x80", NULL},
    {"a piece that is not UTF-8", "s_e_0=1:a\xff", NULL},
    {"bad only in its second piece", "s_e_0=1:a s_e_0=\xff", NULL},
};

/* OPT-7, OPT-7a, OPT-8 */
static void test_group_with_long_attributes_then_joined_or_251(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof longs / sizeof longs[0]; i++) {
        struct driver d;
        char line[256];
        init_opened(&d);
        driver_rx(&d, "data 1/0 first last: x");
        driver_forget(&d);
        driver_rx(&d, "data 2/0 last end %s: y", longs[i].options);
        d.note = longs[i].name;
        if (longs[i].attributes != NULL) {
            snprintf(line, sizeof line, "deliver \"xy\"%s", longs[i].attributes);
            DRIVER_EXPECT(&d, line, "tx data_ack 2/0 full size=16");
        } else {
            DRIVER_EXPECT(&d, "tx data_ack 2/0 error=251");
        }
        expect_usable(&d, 3);
        driver_fini(&d);
    }
}

/* The longest group of pieces: each is 9 bytes, the shortest a piece can be. */
static void test_group_full_of_pieces_then_joined(void **state)
{
    enum { PER_PDU = 7000, COUNT = (LIMIT - 4) / 9 };
    const struct sipc_span key = {(const uint8_t *)"s_e_", 4};
    const struct sipc_span text = {(const uint8_t *)"0:ab", 4};
    static struct pdu pdu;
    struct driver d;

    (void)state;
    init_opened(&d);
    for (int i = 0; i < COUNT; i++) {
        bool last = i + 1 == COUNT;
        assert_int_equal(sipc_option_encode(key, last ? text : (struct sipc_span){NULL, 0},
                                            pdu.options, sizeof pdu.options, &pdu.used),
                         SIPC_OK);
        if (i == 0)
            put_flag(&pdu, SIPC_OPT_FIRST_IN_WINDOW_GROUP);
        if (!last && i % PER_PDU != PER_PDU - 1)
            continue;
        put_flag(&pdu, SIPC_OPT_LAST_IN_WINDOW);
        if (last)
            put_flag(&pdu, SIPC_OPT_LAST_IN_WINDOW_GROUP);
        receive_pdu(&d, 1 + i / PER_PDU, 0, &pdu, 0);
        pdu.used = 0;
    }
    DRIVER_EXPECT(&d, "tx data_ack 1/0 full size=16", "deliver \"\" =ab",
                  "tx data_ack 2/0 full size=16");
    driver_fini(&d);
}

/* ---- random attributes against a list ---- */

enum { ITEMS_MAX = 60, VALUE_MAX = 300 };

struct item {
    bool is_long;
    char key[16]; /* of its pieces */
    size_t sent;  /* bytes of its text that are in pieces already */
    uint8_t name[8], value[VALUE_MAX];
    size_t name_size, value_size;
};

static size_t item_text(const struct item *item, uint8_t *out)
{
    size_t size = (size_t)snprintf((char *)out, 16, "%zu:", item->name_size);

    memcpy(out + size, item->name, item->name_size);
    memcpy(out + size + item->name_size, item->value, item->value_size);
    return size + item->name_size + item->value_size;
}

static void draw_item(struct item *item, size_t index, uint64_t *random)
{
    memset(item, 0, sizeof *item);
    item->name_size = random_below(random, 3);
    for (size_t i = 0; i < item->name_size; i++)
        item->name[i] = (uint8_t)('a' + random_below(random, 3));
    item->value_size = random_below(random, random_below(random, 4) == 0 ? VALUE_MAX : 12);
    for (size_t i = 0; i < item->value_size; i++)
        item->value[i] = (uint8_t)random_below(random, 256); /* OPT-9 */
    item->is_long = random_below(random, 2) == 0;
    snprintf(item->key, sizeof item->key, "s_e_%zx", index * 7919 % 257);
}

/* The next option of an item: it whole, or the next piece, each byte as one char (OPT-7). */
static void put_item(struct item *item, uint64_t *random, struct pdu *pdu)
{
    uint8_t text[VALUE_MAX + 32], chars[2 * sizeof text];
    size_t left = item_text(item, text) - item->sent;
    size_t piece = 1 + random_below(random, left);
    size_t chars_size = 0;

    if (!item->is_long) {
        item->sent = SIZE_MAX;
        assert_int_equal(sipc_option_encode((struct sipc_span){item->name, item->name_size},
                                            (struct sipc_span){item->value, item->value_size},
                                            pdu->options, sizeof pdu->options, &pdu->used),
                         SIPC_OK);
        return;
    }
    for (size_t i = 0; i < piece; i++) {
        uint8_t byte = text[item->sent + i];
        if (byte >= 0x80)
            chars[chars_size++] = (uint8_t)(0xc0 | byte >> 6);
        chars[chars_size++] = byte < 0x80 ? byte : (uint8_t)(0x80 | (byte & 0x3f));
    }
    item->sent += piece;
    if (piece == left)
        item->sent = SIZE_MAX;
    assert_int_equal(
        sipc_option_encode((struct sipc_span){(const uint8_t *)item->key, strlen(item->key)},
                           (struct sipc_span){chars, chars_size}, pdu->options, sizeof pdu->options,
                           &pdu->used),
        SIPC_OK);
}

static void expect_items(const struct driver *d, const struct item *items, const size_t *order,
                         size_t count)
{
    struct sipc_span rest = d->attributes;
    struct sipc_span name, value;

    for (size_t i = 0; i < count; i++) {
        const struct item *item = &items[order[i]];
        assert_true(sipc_attribute_next(&rest, &name, &value));
        assert_int_equal(name.size, item->name_size);
        assert_memory_equal(name.data, item->name, name.size);
        assert_int_equal(value.size, item->value_size);
        assert_memory_equal(value.data, item->value, value.size);
    }
    assert_false(sipc_attribute_next(&rest, &name, &value));
}

static void random_group(struct driver *d, uint64_t *random, int64_t window_id)
{
    static struct item items[ITEMS_MAX];
    static struct pdu pdu;
    size_t order[ITEMS_MAX]; /* items by their first option */
    size_t count = 1 + random_below(random, ITEMS_MAX);
    size_t begun = 0, open = count;

    for (size_t i = 0; i < count; i++)
        draw_item(&items[i], i, random);
    for (int32_t seq_nr = 0; open > 0; seq_nr++) {
        pdu.used = 0;
        if (seq_nr == 0)
            put_flag(&pdu, SIPC_OPT_FIRST_IN_WINDOW_GROUP);
        for (size_t left = 1 + random_below(random, 50); left > 0 && open > 0; left--) {
            size_t index = random_below(random, count);
            while (items[index].sent == SIZE_MAX)
                index = (index + 1) % count;
            if (items[index].sent == 0)
                order[begun++] = index;
            put_item(&items[index], random, &pdu);
            open -= items[index].sent == SIZE_MAX;
        }
        if (open == 0) {
            put_flag(&pdu, SIPC_OPT_LAST_IN_WINDOW);
            put_flag(&pdu, SIPC_OPT_LAST_IN_WINDOW_GROUP);
        }
        receive_pdu(d, window_id, seq_nr, &pdu, 0);
    }
    expect_items(d, items, order, count);
    driver_forget(d);
}

static void test_group_with_random_attributes_long_and_short_then_as_the_list(void **state)
{
    uint64_t random = 99;
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.max_window_size = 200;
    driver_init(&d, &config);
    driver_rx(&d, "data 0/0 first last end skip");
    for (int i = 1; i <= 400; i++) {
        random_group(&d, &random, i);
        assert_int_equal(d.delivered_count, i + 1);
    }
    driver_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_group_at_a_boundary_of_the_limit_then_delivered_or_250),
        cmocka_unit_test(test_group_over_the_limit_at_any_pdu_then_250_with_its_seq_nr),
        cmocka_unit_test(test_group_when_a_pdu_is_replaced_then_it_counts_once),
        cmocka_unit_test(test_group_when_cleared_then_its_bytes_count_no_more),
        cmocka_unit_test(test_group_of_random_pdus_then_taken_up_to_grp_2a_and_refused_over_grp_1),
        cmocka_unit_test(test_group_with_options_in_every_pdu_then_all_in_order_without_framing),
        cmocka_unit_test(test_group_with_long_attributes_then_joined_or_251),
        cmocka_unit_test(test_group_full_of_pieces_then_joined),
        cmocka_unit_test(test_group_with_random_attributes_long_and_short_then_as_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
