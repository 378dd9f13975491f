/* The language of inputs: any bytes are one, what is encoded is decoded to the same, what mutation
 * gives is an input again. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "input/input.h"
#include "play/pdu.h"

enum { SIZE = 4096, ROUNDS = 3000 };

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void assert_fixed_point(const uint8_t *bytes, size_t size)
{
    static struct sfz_input input;
    static uint8_t once[1 << 20], twice[1 << 20];

    sfz_decode(bytes, size, &input);
    size_t first = sfz_encode(&input, once, sizeof once);
    assert_true(first >= SFZ_MARK_SIZE);
    sfz_decode(once, first, &input);
    size_t second = sfz_encode(&input, twice, sizeof twice);
    assert_int_equal(first, second);
    assert_memory_equal(once, twice, first);
}

static void test_any_bytes_when_decoded_then_encode_to_a_fixed_point(void **state)
{
    uint8_t bytes[SIZE];
    uint32_t chance = 7;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = next(&chance) % 200;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(i % 8 == 0 ? next(&chance) % 16 : next(&chance));
        assert_fixed_point(bytes, size);
    }
}

static void test_a_record_cut_short_then_goes_on_with_zeros(void **state)
{
    const uint8_t cut[] = {SFZ_PDU, 0, 1};
    struct sfz_record record;

    (void)state;
    assert_int_equal(sfz_record_decode(cut, sizeof cut, &record), sizeof cut);
    assert_int_equal(record.opcode, 1);
    assert_int_equal(record.id, 0);
}

static void test_an_unknown_operation_then_does_nothing(void **state)
{
    const uint8_t unknown[] = {SFZ_OP_COUNT, 1, 2, 3, 4, 5, 6, 7, SFZ_OPEN, 0, 0, 0, 0, 0, 0, 0};
    static struct sfz_input input;

    (void)state;
    sfz_decode(unknown, sizeof unknown, &input);
    assert_int_equal(input.count, 1);
    assert_int_equal(input.records[0].op, SFZ_OPEN);
}

static void test_a_setting_out_of_range_then_is_brought_into_it(void **state)
{
    struct sfz_record set = {.op = SFZ_SET, .kind = SFZ_MTU, .id = -1};
    static struct sfz_input input;
    uint8_t bytes[2 * SFZ_SLOT];

    (void)state;
    size_t size = sfz_record_encode(&set, bytes, sizeof bytes);
    sfz_decode(bytes, size, &input);
    assert_in_range(input.settings[SFZ_MTU], 512, 65500);
}

/* Numbers are added: what was none before they were has stayed what it was. */
static void test_a_number_that_is_none_then_stands_for_one_of_the_first(void **state)
{
    struct sfz_record record;
    const struct {
        uint8_t kind, form, kind_read, form_read;
    } rows[] = {
        {SFZ_FORBIDDEN, SFZ_OPTIONS_CUT, SFZ_FORBIDDEN, SFZ_OPTIONS_CUT},
        {SFZ_ATTRIBUTES_COUNT - 1, SFZ_FORM_COUNT - 1, SFZ_BEYOND_ASCII, SFZ_TOO_LONG},
        {60, 150, SFZ_NO_ATTRIBUTES, SFZ_PLAIN}, /* of 6 and 15, which there were at first */
        {61, 151, SFZ_ONE_ATTRIBUTE, SFZ_WITH_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint8_t send[SFZ_SLOT] = {SFZ_SEND, 0, rows[i].kind};
        const uint8_t pdu[3 * SFZ_SLOT] = {SFZ_PDU, 0, 1, 0, 0, rows[i].form};
        sfz_record_decode(send, sizeof send, &record);
        assert_int_equal(record.kind, rows[i].kind_read);
        sfz_record_decode(pdu, sizeof pdu, &record);
        assert_int_equal(record.form, rows[i].form_read);
    }
}

static void test_the_mark_tells_versions_apart(void **state)
{
    unsigned version = 0;

    (void)state;
    assert_int_equal(sfz_mark((const uint8_t *)"SFZ1", 4, &version), SFZ_MARKED);
    assert_int_equal(sfz_mark((const uint8_t *)"SFZ2", 4, &version), SFZ_OTHER_VERSION);
    assert_int_equal(version, 2);
    assert_int_equal(sfz_mark((const uint8_t *)"SFZ", 3, &version), SFZ_UNMARKED);
}

static void test_what_mutation_gives_then_fits_and_is_an_input(void **state)
{
    static uint8_t data[SIZE], other[SIZE], out[SIZE];
    size_t size = 0, other_size = 0;

    (void)state;
    for (unsigned seed = 1; seed < ROUNDS; seed++) {
        size_t room = 64 + seed % 900;
        size = sfz_mutate(data, size < room ? size : room, room, seed, UINT32_MAX);
        assert_true(size <= room);
        assert_fixed_point(data, size);
        if (seed % 10 == 0) {
            size_t crossed = sfz_cross(data, size, other, other_size, out, room, seed);
            assert_true(crossed <= room);
            assert_fixed_point(out, crossed);
            memcpy(other, data, size);
            other_size = size;
        }
    }
}

static void test_the_same_seed_then_mutates_alike(void **state)
{
    uint8_t a[SIZE] = {0}, b[SIZE] = {0};

    (void)state;
    size_t size = sfz_mutate(a, 0, sizeof a, 42, UINT32_MAX);
    assert_int_equal(sfz_mutate(b, 0, sizeof b, 42, UINT32_MAX), size);
    assert_memory_equal(a, b, size);
}

/* Every form of a PDU is told from its bytes again. */
static void test_a_pdu_by_fields_when_read_from_its_bytes_then_builds_the_same(void **state)
{
    static uint8_t bytes[FUZZ_PDU_MAX], again[FUZZ_PDU_MAX];

    (void)state;
    for (unsigned form = 0; form < SFZ_FORM_COUNT; form++) {
        struct sfz_record record = {.op = SFZ_PDU,
                                    .opcode = 1,
                                    .flags = 11,
                                    .seq_nr = 3,
                                    .size = 20,
                                    .from = 9,
                                    .form = (uint8_t)form};
        struct sfz_record read = {0};
        size_t size = fuzz_pdu_build(&record, 77, bytes);
        assert_true(fuzz_pdu_record((struct sipc_span){bytes, size}, false, &read));
        if (read.op == SFZ_RAW) {
            assert_int_equal(read.raw_size, size);
            continue;
        }
        assert_int_equal(fuzz_pdu_build(&read, read.id, again), size);
        assert_memory_equal(bytes, again, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_bytes_when_decoded_then_encode_to_a_fixed_point),
        cmocka_unit_test(test_a_record_cut_short_then_goes_on_with_zeros),
        cmocka_unit_test(test_an_unknown_operation_then_does_nothing),
        cmocka_unit_test(test_a_setting_out_of_range_then_is_brought_into_it),
        cmocka_unit_test(test_a_number_that_is_none_then_stands_for_one_of_the_first),
        cmocka_unit_test(test_the_mark_tells_versions_apart),
        cmocka_unit_test(test_what_mutation_gives_then_fits_and_is_an_input),
        cmocka_unit_test(test_the_same_seed_then_mutates_alike),
        cmocka_unit_test(test_a_pdu_by_fields_when_read_from_its_bytes_then_builds_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
