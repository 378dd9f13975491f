/* Options by themselves: names, values, their form on the wire, and long attributes.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "sipc/pdu.h"
#include "vectors.h"

static struct sipc_span text(const char *string)
{
    return (struct sipc_span){(const uint8_t *)string, strlen(string)};
}

static bool span_equal(struct sipc_span a, struct sipc_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ---- names ---- */

static const struct {
    const char *wire;
    uint32_t id;
    const char *spec;
} known[] = {
    {"s_00", SIPC_OPT_FIRST_IN_WINDOW_GROUP, "first_in_window_group"},
    {"s_01", SIPC_OPT_LAST_IN_WINDOW, "last_in_window"},
    {"s_02", SIPC_OPT_LAST_IN_WINDOW_GROUP, "last_in_window_group"},
    {"s_03", SIPC_OPT_SKIP, "skip"},
    {"s_10", SIPC_OPT_IS_WINDOW_FULL, "is_window_full"},
    {"s_20", SIPC_OPT_MAX_WINDOW_SIZE, "max_window_size"},
    {"s_error_code", SIPC_OPT_ERROR_CODE, "error_code"},
    {"s_abort_code", SIPC_OPT_ABORT_CODE, "abort_code"},
    {"s_idle_timeout", SIPC_OPT_IDLE_TIMEOUT, "idle_timeout"},
    {"s_traceId", SIPC_OPT_TRACE_ID, "trace_id"},
};
enum { KNOWN_COUNT = sizeof known / sizeof known[0] };

/* OPT-3 */
static void test_find_when_known_name_then_its_id_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        assert_int_equal(sipc_option_find(text(known[i].wire)), known[i].id);
        assert_string_equal(sipc_option_wire_name(known[i].id), known[i].wire);
        assert_string_equal(sipc_option_spec_name(known[i].id), known[i].spec);
    }
    static const uint32_t others[] = {
        0, SIPC_OPT_LONG_ATTRIBUTE, SIPC_OPT_FRAMING, 3, 1u << 11, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_null(sipc_option_wire_name(others[i]));
        assert_null(sipc_option_spec_name(others[i]));
    }
}

/* Every known name with one byte cut, added or changed is another name. */
static void test_find_when_name_is_off_by_a_byte_then_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        char name[32];
        size_t size = strlen(known[i].wire);
        memcpy(name, known[i].wire, size);
        assert_int_equal(sipc_option_find((struct sipc_span){(uint8_t *)name, size - 1}), 0);
        name[size] = 'x';
        assert_int_equal(sipc_option_find((struct sipc_span){(uint8_t *)name, size + 1}), 0);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            name[bit / 8] ^= (char)(1u << bit % 8);
            struct sipc_span changed = {(uint8_t *)name, size};
            uint32_t id = sipc_option_find(changed);
            if (id != 0) /* "s_00" and "s_01" differ by a bit */
                assert_true(span_equal(text(sipc_option_wire_name(id)), changed));
            name[bit / 8] ^= (char)(1u << bit % 8);
        }
    }
}

static void test_find_when_s_e_then_long_attribute_whatever_follows(void **state)
{
    (void)state;
    static const char *const rows[] = {"s_e_", "s_e_0", "s_e_4294967296", "s_e_x", "s_e_\xff"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(sipc_option_find(text(rows[i])), SIPC_OPT_LONG_ATTRIBUTE);
    static const char *const others[] = {"", "s", "s_", "s_e", "S_e_0", "s_E_0", "s-e_0", "_e_0"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(sipc_option_find(text(others[i])), 0);
    assert_int_equal(sipc_option_find((struct sipc_span){NULL, 0}), 0);
}

/* ---- values ---- */

static void test_parse_bool_when_any_letter_case_then_taken(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 32; mask++) {
        char word[] = "false", other[] = "true";
        for (unsigned i = 0; i < 5; i++)
            word[i] = (char)(word[i] - (mask >> i & 1 ? 'a' - 'A' : 0));
        for (unsigned i = 0; i < 4; i++)
            other[i] = (char)(other[i] - (mask >> i & 1 ? 'a' - 'A' : 0));
        bool value = true;
        assert_true(sipc_option_parse_bool(text(word), &value));
        assert_false(value);
        assert_true(sipc_option_parse_bool(text(other), &value));
        assert_true(value);
    }
}

/* Any single byte of a good value replaced by any other: good only in the other letter case. */
static void test_parse_bool_when_a_byte_differs_then_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"true", "false"};
    for (size_t w = 0; w < 2; w++) {
        char value[8];
        size_t size = strlen(words[w]);
        memcpy(value, words[w], size + 1);
        for (size_t i = 0; i < size; i++) {
            for (int byte = 0; byte < 256; byte++) {
                value[i] = (char)byte;
                bool out = w != 0;
                bool good = byte == words[w][i] || byte == words[w][i] - ('a' - 'A');
                struct sipc_span span = {(uint8_t *)value, size};
                assert_int_equal(sipc_option_parse_bool(span, &out), good);
                assert_int_equal(out, good ? w == 0 : w != 0);
            }
            value[i] = words[w][i];
        }
    }
}

static void test_parse_int_when_boundary_then_taken_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool good;
        int32_t number;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+0", true, 0},
        {"9", true, 9},
        {"-1", true, -1},
        {"00000000000000000000012", true, 12},
        {"-00000000000000000000012", true, -12},
        {"2147483647", true, INT32_MAX},
        {"+2147483647", true, INT32_MAX},
        {"2147483648", false, 0},
        {"+2147483648", false, 0},
        {"-2147483648", true, INT32_MIN},
        {"-2147483649", false, 0},
        {"21474836470", false, 0},
        {"9223372036854775808", false, 0},
        {"18446744073709551616", false, 0},
        {"18446744073709551617", false, 0},
        {"", false, 0},
        {"+", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"1-", false, 0},
        {"1a", false, 0},
        {"a1", false, 0},
        {"/", false, 0},
        {":", false, 0},
        {"0x1", false, 0},
        {"1.0", false, 0},
        {"\xb1", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int32_t number = 4711;
        bool good = sipc_option_parse_int(text(rows[i].value), &number);
        if (good != rows[i].good || number != (good ? rows[i].number : 4711))
            fail_msg("\"%s\": %s, %d", rows[i].value, good ? "taken" : "refused", (int)number);
    }
}

/* ---- form ---- */

/* OPT-1 */
static void test_encode_known_when_each_then_as_the_original(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t size;
        uint32_t id;
        int32_t value;
        bool boolean;
    } rows[] = {
        {"\0\x09s_00\0\0\x09True", 13, SIPC_OPT_FIRST_IN_WINDOW_GROUP, true, true},
        {"\0\x0as_01\0\0\x0a"
         "False",
         14, SIPC_OPT_LAST_IN_WINDOW, false, true},
        {"\0\x09s_02\0\0\x09True", 13, SIPC_OPT_LAST_IN_WINDOW_GROUP, true, true},
        {"\0\x0as_03\0\0\x0a"
         "False",
         14, SIPC_OPT_SKIP, false, true},
        {"\0\x09s_10\0\0\x09True", 13, SIPC_OPT_IS_WINDOW_FULL, true, true},
        {"\0\x06s_20\0\0\x06"
         "0",
         10, SIPC_OPT_MAX_WINDOW_SIZE, 0, false},
        {"\0\x10s_error_code\0\0\x10"
         "253",
         20, SIPC_OPT_ERROR_CODE, 253, false},
        {"\0\x0es_abort_code\0\0\x0e"
         "1",
         18, SIPC_OPT_ABORT_CODE, 1, false},
        {"\0\x1as_idle_timeout\0\0\x1a-2147483648", 30, SIPC_OPT_IDLE_TIMEOUT, INT32_MIN, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t size = 0; size <= rows[i].size; size++) {
            uint8_t *out = malloc(size + 3);
            size_t used = 3;
            assert_non_null(out);
            enum sipc_status status =
                rows[i].boolean
                    ? sipc_option_encode_bool(rows[i].id, rows[i].value != 0, out, size + 3, &used)
                    : sipc_option_encode_int(rows[i].id, rows[i].value, out, size + 3, &used);
            assert_int_equal(status, size < rows[i].size ? SIPC_E_NO_SPACE : SIPC_OK);
            assert_int_equal(used, status == SIPC_OK ? 3 + size : 3);
            if (status == SIPC_OK)
                assert_memory_equal(out + 3, rows[i].wire, size);
            free(out);
        }
    }
}

static void test_encode_known_when_of_another_kind_then_invalid(void **state)
{
    (void)state;
    uint8_t out[64];
    size_t used = 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        bool boolean = bit <= 4, integer = bit >= 5 && bit <= 8;
        assert_int_equal(sipc_option_encode_bool(1u << bit, true, out, sizeof out, &used),
                         boolean ? SIPC_OK : SIPC_E_INVALID);
        used = 0;
        assert_int_equal(sipc_option_encode_int(1u << bit, 1, out, sizeof out, &used),
                         integer ? SIPC_OK : SIPC_E_INVALID);
        used = 0;
    }
    assert_int_equal(sipc_option_encode_bool(0, true, out, sizeof out, &used), SIPC_E_INVALID);
    assert_int_equal(sipc_option_encode_bool(3, true, out, sizeof out, &used), SIPC_E_INVALID);
    assert_int_equal(sipc_option_encode_int(0x60, 1, out, sizeof out, &used), SIPC_E_INVALID);
}

static void test_encode_when_limits_of_L_then_65534_bytes_of_text(void **state)
{
    (void)state;
    static uint8_t name[70000], value[70000], out[70000];
    memset(name, 'n', sizeof name);
    static const struct {
        size_t name, value;
        enum sipc_status status;
    } rows[] = {
        {0, 0, SIPC_OK},
        {0, 65534, SIPC_OK},
        {65534, 0, SIPC_OK},
        {1, 65533, SIPC_OK},
        {1, 65534, SIPC_E_INVALID},
        {65535, 0, SIPC_E_INVALID},
        {0, 65535, SIPC_E_INVALID},
        {2, SIZE_MAX, SIPC_E_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_span n = {name, rows[i].name}, v = {value, rows[i].value};
        size_t used = 0;
        assert_int_equal(sipc_option_encode(n, v, out, sizeof out, &used), rows[i].status);
        if (rows[i].status != SIPC_OK)
            continue;
        assert_int_equal(used, sipc_option_size(n, v));
        struct sipc_span rest = {out, used};
        struct sipc_option option;
        assert_true(sipc_option_next(&rest, &option));
        assert_true(span_equal(option.name, n) && span_equal(option.value, v));
        assert_int_equal(rest.size, 0);
    }
}

static void test_encode_when_nul_in_name_then_invalid(void **state)
{
    (void)state;
    uint8_t out[64], name[] = "abcdefghijkl";
    for (size_t i = 0; i < sizeof name - 1; i++) {
        uint8_t kept = name[i];
        size_t used = 0;
        name[i] = 0;
        assert_int_equal(sipc_option_encode((struct sipc_span){name, sizeof name - 1}, text("v"),
                                            out, sizeof out, &used),
                         SIPC_E_INVALID);
        assert_int_equal(used, 0);
        name[i] = kept;
    }
}

/* Cut anywhere, a list of options is walked up to the cut and no further. */
static void test_next_when_cut_then_false_and_rest_stays(void **state)
{
    (void)state;
    uint8_t options[64];
    size_t used = 0, first;
    assert_int_equal(sipc_option_encode(text("name"), text("value"), options, 64, &used), SIPC_OK);
    first = used;
    assert_int_equal(sipc_option_encode_int(SIPC_OPT_ERROR_CODE, 250, options, 64, &used), SIPC_OK);
    for (size_t size = 0; size < used; size++) {
        uint8_t *cut = malloc(size + (size == 0));
        assert_non_null(cut);
        memcpy(cut, options, size);
        struct sipc_span rest = {cut, size};
        struct sipc_option option;
        size_t count = 0;
        while (sipc_option_next(&rest, &option))
            count++;
        assert_int_equal(count, size >= first);
        assert_int_equal(rest.size, size >= first ? size - first : size);
        free(cut);
    }
    struct sipc_span none = {NULL, 0};
    struct sipc_option option;
    assert_false(sipc_option_next(&none, &option));
    struct sipc_span terminator = {(const uint8_t[]){0, 0, 0, 0, 0, 0}, 6};
    assert_false(sipc_option_next(&terminator, &option));
}

/* ---- long attributes ---- */

/* Joins the pieces of all options (of one key) and splits the text. */
static bool decode_long(struct sipc_span options, struct sipc_span key, uint8_t *out, size_t size,
                        size_t *used)
{
    struct sipc_option option;
    while (sipc_option_next(&options, &option))
        if (option.id == SIPC_OPT_LONG_ATTRIBUTE && span_equal(option.name, key) &&
            !sipc_long_attribute_join(option.value, out, size, used))
            return false;
    return true;
}

static void check_group(const struct vectors *vectors, const struct vector_group *group)
{
    for (size_t i = 0; i < group->long_count; i++) {
        const struct vector_long *expected = &group->longs[i];
        uint8_t joined[4096];
        size_t used = 0;
        bool good = true;
        for (size_t p = 0; p < group->of_count && good; p++) {
            struct sipc_pdu pdu;
            assert_int_equal(sipc_pdu_decode(vectors->pdus[group->of[p]].bytes, &pdu),
                             SIPC_DISCARD_NONE);
            assert_true((pdu.present & SIPC_OPT_LONG_ATTRIBUTE) != 0);
            good = decode_long(pdu.options, expected->key, joined, sizeof joined, &used);
        }
        struct sipc_span name = {NULL, 0}, value = {NULL, 0};
        good = good && sipc_long_attribute_split((struct sipc_span){joined, used}, &name, &value);
        if (good == expected->error || !span_equal(name, expected->name) ||
            !span_equal(value, expected->value))
            fail_msg("pdu.txt:%d: %s, long attribute %zu: %s", group->line, group->name, i + 1,
                     good ? "decoded to something else" : "not decoded");
    }
}

static void test_long_attribute_when_vector_then_as_written(void **state)
{
    (void)state;
    struct vectors vectors;
    vectors_read(SIPC_SOURCE_DIR "/engine/tests/vectors/pdu.txt", &vectors);
    assert_true(vectors.group_count >= 30);
    for (size_t i = 0; i < vectors.group_count; i++)
        check_group(&vectors, &vectors.groups[i]);
    vectors_free(&vectors);
}

static void check_long_round_trip(struct sipc_span name, struct sipc_span value, uint32_t n,
                                  size_t option_size_max)
{
    size_t size = sipc_long_attribute_size(name, value, n, option_size_max);
    uint8_t *options = malloc(size), *joined = malloc(size);
    assert_non_null(options);
    assert_non_null(joined);
    size_t used = 0;
    assert_int_equal(
        sipc_long_attribute_encode(name, value, n, option_size_max, options, size - 1, &used),
        SIPC_E_NO_SPACE);
    assert_int_equal(used, 0);
    assert_int_equal(
        sipc_long_attribute_encode(name, value, n, option_size_max, options, size, &used), SIPC_OK);
    assert_int_equal(used, size);

    char key[16];
    snprintf(key, sizeof key, "s_e_%u", (unsigned)n);
    struct sipc_span rest = {options, size};
    struct sipc_option option;
    size_t joined_size = 0;
    while (sipc_option_next(&rest, &option)) {
        size_t room = rest.size != 0 ? option_size_max : 0;
        size_t option_size = sipc_option_size(option.name, option.value);
        assert_true(option_size <= option_size_max);
        if (room != 0) /* but the last, every piece is as long as a char of two bytes allows */
            assert_true(option_size + 1 >= option_size_max);
        assert_true(span_equal(option.name, text(key)));
        assert_true(sipc_long_attribute_join(option.value, joined, size, &joined_size));
    }
    assert_int_equal(rest.size, 0);
    struct sipc_span got_name, got_value;
    assert_true(
        sipc_long_attribute_split((struct sipc_span){joined, joined_size}, &got_name, &got_value));
    assert_true(span_equal(got_name, name) && span_equal(got_value, value));
    free(options);
    free(joined);
}

static void test_long_attribute_when_any_piece_size_then_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", "n", "color", "n\xc3\xa4me", "\xe2\x82\xac", "smile\xf0\x9f\x98\x80"};
    uint64_t random = 7;
    uint8_t value[300];
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)random_next(&random);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t max = 21; max < 60; max++)
            for (size_t size = 0; size <= sizeof value; size += 1 + size / 3)
                check_long_round_trip(text(names[i]), (struct sipc_span){value, size},
                                      max % 2 != 0 ? UINT32_MAX : (uint32_t)max, max);
}

static void test_long_attribute_when_65k_then_pieces_keep_L(void **state)
{
    (void)state;
    static uint8_t value[140000];
    memset(value, 0x80, sizeof value);
    struct sipc_span all = {value, sizeof value};
    size_t size = sipc_long_attribute_size(text("n"), all, 0, SIZE_MAX);
    uint8_t *options = malloc(size);
    size_t used = 0, count = 0;
    assert_non_null(options);
    assert_int_equal(sipc_long_attribute_encode(text("n"), all, 0, SIZE_MAX, options, size, &used),
                     SIPC_OK);
    struct sipc_span rest = {options, used};
    struct sipc_option option;
    for (; sipc_option_next(&rest, &option); count++)
        assert_true(option.name.size + option.value.size <= 65534);
    assert_int_equal(rest.size, 0);
    assert_int_equal(count, 5); /* 280,003 bytes in pieces of at most 65,529 */
    free(options);
}

static void test_long_attribute_when_arguments_make_no_sense_then_invalid(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *name;
        size_t name_size;
        uint32_t n;
        size_t option_size_max;
        bool good;
    } rows[] = {
        {"room for a char of two bytes", "n", 1, 0, 12, true},
        {"room for one byte only", "n", 1, 0, 11, false},
        {"no room", "n", 1, 0, 0, false},
        {"room, long n", "n", 1, UINT32_MAX, 21, true},
        {"room for one byte only, long n", "n", 1, UINT32_MAX, 20, false},
        {"name not UTF-8", "\xff", 1, 0, 100, false},
        {"name cut in a char", "\xe2\x82", 2, 0, 100, false},
        {"NUL in the name", "a\0b", 3, 0, 100, false},
        {"name of 2 GiB", "n", (size_t)INT32_MAX + 1, 0, 100, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_span name = {(const uint8_t *)rows[i].name, rows[i].name_size};
        uint8_t out[256];
        size_t used = 0;
        enum sipc_status status = sipc_long_attribute_encode(
            name, text("value"), rows[i].n, rows[i].option_size_max, out, sizeof out, &used);
        size_t size =
            sipc_long_attribute_size(name, text("value"), rows[i].n, rows[i].option_size_max);
        if (status != (rows[i].good ? SIPC_OK : SIPC_E_INVALID) || size != used ||
            (used != 0) != rows[i].good)
            fail_msg("%s: status %d, size %zu, used %zu", rows[i].what, status, size, used);
    }
}

static void test_join_when_it_does_not_fit_then_nothing_taken(void **state)
{
    (void)state;
    for (size_t room = 0; room <= 4; room++) {
        uint8_t *out = malloc(1 + room);
        assert_non_null(out);
        size_t used = 1;
        assert_int_equal(sipc_long_attribute_join(text("a\xc3\xbf"
                                                       "b\xc2\x80"),
                                                  out, 1 + room, &used),
                         room == 4);
        assert_int_equal(used, room == 4 ? 5 : 1);
        if (room == 4)
            assert_memory_equal(out + 1,
                                "a\xff"
                                "b\x80",
                                4);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_when_known_name_then_its_id_and_back),
        cmocka_unit_test(test_find_when_name_is_off_by_a_byte_then_unknown),
        cmocka_unit_test(test_find_when_s_e_then_long_attribute_whatever_follows),
        cmocka_unit_test(test_parse_bool_when_any_letter_case_then_taken),
        cmocka_unit_test(test_parse_bool_when_a_byte_differs_then_refused),
        cmocka_unit_test(test_parse_int_when_boundary_then_taken_or_refused),
        cmocka_unit_test(test_encode_known_when_each_then_as_the_original),
        cmocka_unit_test(test_encode_known_when_of_another_kind_then_invalid),
        cmocka_unit_test(test_encode_when_limits_of_L_then_65534_bytes_of_text),
        cmocka_unit_test(test_encode_when_nul_in_name_then_invalid),
        cmocka_unit_test(test_next_when_cut_then_false_and_rest_stays),
        cmocka_unit_test(test_long_attribute_when_vector_then_as_written),
        cmocka_unit_test(test_long_attribute_when_any_piece_size_then_round_trip),
        cmocka_unit_test(test_long_attribute_when_65k_then_pieces_keep_L),
        cmocka_unit_test(test_long_attribute_when_arguments_make_no_sense_then_invalid),
        cmocka_unit_test(test_join_when_it_does_not_fit_then_nothing_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
