/* The reader and writer at every edge: what fits, what does not by one byte, and that a failed read
 * takes nothing.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/wire.h"

void sipc_panic(const char *file, int line, const char *expression)
{
    mock_assert(0, expression, file, line);
    abort();
}

/* The bytes 1..size in a block of exactly that size. */
static uint8_t *counted_bytes(size_t size)
{
    uint8_t *bytes = malloc(size + (size == 0));
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i + 1);
    return bytes;
}

static bool read_width(struct sipc__reader *reader, size_t width, uint64_t *out)
{
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    int32_t i32 = 0;
    int64_t i64 = 0;
    bool ok = false;
    switch (width) {
    case 1:
        ok = sipc__read_u8(reader, &u8);
        *out = u8;
        break;
    case 2:
        ok = sipc__read_u16(reader, &u16);
        *out = u16;
        break;
    case 4:
        ok = sipc__read_i32(reader, &i32);
        *out = (uint32_t)i32;
        break;
    default:
        ok = sipc__read_i64(reader, &i64);
        *out = (uint64_t)i64;
        break;
    }
    return ok;
}

static void test_read_when_bytes_suffice_then_big_endian_else_nothing_taken(void **state)
{
    (void)state;
    static const struct {
        size_t width;
        uint64_t value;
    } rows[] = {{1, 0x01}, {2, 0x0102}, {4, 0x01020304}, {8, UINT64_C(0x0102030405060708)}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t size = 0; size <= 9; size++) {
            uint8_t *bytes = counted_bytes(size);
            struct sipc__reader reader = sipc__reader_of((struct sipc_span){bytes, size});
            uint64_t value;
            bool fits = size >= rows[i].width;
            assert_int_equal(read_width(&reader, rows[i].width, &value), fits);
            assert_int_equal(reader.left, fits ? size - rows[i].width : size);
            assert_ptr_equal(reader.at, bytes + (fits ? rows[i].width : 0));
            if (fits)
                assert_int_equal(value, rows[i].value);
            free(bytes);
        }
    }
}

static void test_read_when_top_bit_set_then_negative(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0};
    struct sipc__reader reader = sipc__reader_of((struct sipc_span){bytes, sizeof bytes});
    int32_t i32;
    int64_t i64;
    assert_true(sipc__read_i32(&reader, &i32));
    assert_true(sipc__read_i64(&reader, &i64));
    assert_int_equal(i32, -2);
    assert_true(i64 == INT64_MIN);
}

static void test_read_span_when_cut_then_nothing_taken(void **state)
{
    (void)state;
    uint8_t *bytes = counted_bytes(5);
    struct sipc__reader reader = sipc__reader_of((struct sipc_span){bytes, 5});
    struct sipc_span span;
    assert_false(sipc__read_span(&reader, 6, &span));
    assert_false(sipc__read_span(&reader, SIZE_MAX, &span));
    assert_true(sipc__read_span(&reader, 5, &span));
    assert_ptr_equal(span.data, bytes);
    assert_int_equal(span.size, 5);
    assert_true(sipc__read_span(&reader, 0, &span));
    assert_false(sipc__read_span(&reader, 1, &span));
    free(bytes);
}

static void check_until_nul(size_t size, size_t first, size_t second, size_t limit, uint8_t fill)
{
    uint8_t *bytes = malloc(size + (size == 0));
    assert_non_null(bytes);
    memset(bytes, fill, size);
    if (first < size)
        bytes[first] = 0;
    if (second < size)
        bytes[second] = 0;
    size_t nul = first < second ? first : second;
    bool found = nul < size && nul < limit;
    struct sipc__reader reader = sipc__reader_of((struct sipc_span){bytes, size});
    struct sipc_span span;
    assert_int_equal(sipc__read_until_nul(&reader, limit, &span), found);
    assert_int_equal(reader.left, found ? size - nul - 1 : size);
    if (found) {
        assert_ptr_equal(span.data, bytes);
        assert_int_equal(span.size, nul);
    }
    free(bytes);
}

/* Every place of a NUL and of a second one, in and beyond the limit, around both steps of the scan;
 * the fills are those that fool a careless test of eight bytes at once. */
static void test_read_until_nul_when_anywhere_then_the_first_within_limit(void **state)
{
    (void)state;
    static const uint8_t fills[] = {0x01, 0x7f, 0x80, 0xff};
    for (size_t f = 0; f < sizeof fills; f++)
        for (size_t size = 0; size <= 19; size++)
            for (size_t first = 0; first <= size; first++)
                for (size_t second = first; second <= size; second++)
                    for (size_t limit = 0; limit <= size + 1; limit++)
                        check_until_nul(size, first, second, limit, fills[f]);
}

static size_t utf8_of(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (uint8_t)(lead[tail] | c >> (6 * tail));
    for (size_t i = 1; i <= tail; i++)
        out[i] = (uint8_t)(0x80 | (c >> (6 * (tail - i)) & 0x3f));
    return tail + 1;
}

static void test_read_utf8_when_any_code_point_then_itself_but_no_surrogate(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x1fffff; c += c < 0x11000 || c > 0x10f000 ? 1 : 97) {
        uint8_t text[4];
        size_t size = utf8_of(c, text);
        bool legal = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        struct sipc__reader reader = sipc__reader_of((struct sipc_span){text, size});
        uint32_t got = 0;
        assert_int_equal(sipc__read_utf8(&reader, &got), legal);
        if (!legal)
            continue;
        assert_int_equal(got, c);
        assert_int_equal(reader.left, 0);
        for (size_t cut = 0; cut < size; cut++) {
            reader = sipc__reader_of((struct sipc_span){text, cut});
            assert_false(sipc__read_utf8(&reader, &got));
        }
    }
}

static void test_read_utf8_when_malformed_then_false(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } rows[] = {
        {"lone tail", "\x80"},
        {"lone tail, last", "\xbf"},
        {"overlong slash", "\xc0\xaf"},
        {"overlong U+007F", "\xc1\xbf"},
        {"overlong U+07FF", "\xe0\x9f\xbf"},
        {"overlong U+FFFF", "\xf0\x8f\xbf\xbf"},
        {"lead after lead", "\xc3\xc3"},
        {"ASCII after lead", "\xe2\x82x"},
        {"five bytes", "\xf8\x88\x80\x80\x80"},
        {"fe", "\xfe"},
        {"ff", "\xff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc__reader reader = sipc__reader_of(
            (struct sipc_span){(const uint8_t *)rows[i].text, strlen(rows[i].text)});
        uint32_t got;
        if (sipc__read_utf8(&reader, &got))
            fail_msg("%s: taken as U+%04X", rows[i].name, (unsigned)got);
    }
}

static void test_write_when_room_then_big_endian(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                       0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 'x'};
    uint8_t out[16];
    struct sipc__writer writer = {out, sizeof out};
    sipc__write_u8(&writer, 0x01);
    sipc__write_u16(&writer, 0x0203);
    sipc__write_u32(&writer, 0x04050607);
    sipc__write_u64(&writer, UINT64_C(0x08090a0b0c0d0e0f));
    sipc__write_bytes(&writer, "x", 1);
    sipc__write_bytes(&writer, NULL, 0);
    assert_int_equal(writer.left, 0);
    assert_memory_equal(out, expected, sizeof out);
}

static void test_write_when_one_byte_short_then_assertion(void **state)
{
    (void)state;
    uint8_t out[8];
    struct sipc__writer full = {out, 0}, one = {out, 1}, three = {out, 3}, seven = {out, 7};
    expect_assert_failure(sipc__write_u8(&full, 1));
    expect_assert_failure(sipc__write_u16(&one, 1));
    expect_assert_failure(sipc__write_u32(&three, 1));
    expect_assert_failure(sipc__write_bytes(&seven, "12345678", 8));
}

static void test_decimal_when_any_int_then_as_printf(void **state)
{
    (void)state;
    static const int64_t rows[] = {0,  1,   9,   10,        99,        100,       -1,
                                   -9, -10, 253, INT32_MAX, INT32_MIN, UINT32_MAX};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t buffer[SIPC__DECIMAL_MAX];
        char expected[24];
        snprintf(expected, sizeof expected, "%lld", (long long)rows[i]);
        struct sipc_span text = sipc__decimal(rows[i], buffer);
        assert_int_equal(text.size, strlen(expected));
        assert_memory_equal(text.data, expected, text.size);
        assert_ptr_equal(text.data + text.size, buffer + sizeof buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_when_bytes_suffice_then_big_endian_else_nothing_taken),
        cmocka_unit_test(test_read_when_top_bit_set_then_negative),
        cmocka_unit_test(test_read_span_when_cut_then_nothing_taken),
        cmocka_unit_test(test_read_until_nul_when_anywhere_then_the_first_within_limit),
        cmocka_unit_test(test_read_utf8_when_any_code_point_then_itself_but_no_surrogate),
        cmocka_unit_test(test_read_utf8_when_malformed_then_false),
        cmocka_unit_test(test_write_when_room_then_big_endian),
        cmocka_unit_test(test_write_when_one_byte_short_then_assertion),
        cmocka_unit_test(test_decimal_when_any_int_then_as_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
