/* The language of inputs: any bytes are one, what is encoded is decoded to the same, what mutation
 * gives is an input again. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "input/chance.h"
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

/* Inputs are kept for years: bytes written once say the same for ever. A row that has to be changed
 * is another version of the language; a new operation, setting or form is a new row. */
#define BYTES(...)                                                                                 \
    (const uint8_t[3 * SFZ_SLOT])                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const struct {
    const uint8_t *bytes;
    size_t size;
    struct sfz_record record;
} said[] = {
    {BYTES(1, 0, 17, 0, 0, 0, 0, 0, 4), 16, {.op = SFZ_SET, .kind = SFZ_WINDOW_ID_STEP, .id = 4}},
    {BYTES(2, 6, 9, 9, 0xd0, 7), 8, {.op = SFZ_OPEN, .who = 6, .value = 2000}},
    {BYTES(3, 1, 100, 1, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 7),
     24,
     {.op = SFZ_PRESET,
      .who = 1,
      .kind = 100,
      .flags = SFZ_PROCESSED,
      .anchor = SFZ_FROM_HIGHEST,
      .id = -1,
      .id2 = 7}},
    {BYTES(4, 16, 9, 3, 0x84, 3, 20),
     8,
     {.op = SFZ_SEND,
      .who = 16,
      .kind = SFZ_BEYOND_ASCII,
      .flags = SFZ_SKIP | SFZ_UNRELIABLE,
      .size = 900,
      .from = 20}},
    {BYTES(5, 2, 0, 0, 2), 8, {.op = SFZ_CLOSE, .who = 2, .value = 2}},
    {BYTES(6, 3, 0, 0, 100), 8, {.op = SFZ_DISPOSE, .who = 3, .value = 1}},
    {BYTES(7, 3, 0, 0, 0xe8, 3), 8, {.op = SFZ_SHUTDOWN, .value = 1000}},
    {BYTES(8, 0, 2, 16, 2, 11, 3, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 5, 0, 250, 0,
           4, 0, 9),
     24,
     {.op = SFZ_PDU,
      .opcode = SIPC_DATA_ACK,
      .flags = SIPC_OPT_IS_WINDOW_FULL,
      .anchor = SFZ_FROM_SENT,
      .form = SFZ_WRONG_PREFIX,
      .seq_nr = 3,
      .id = -2,
      .size = 5,
      .code = 250,
      .limit = 4,
      .from = 9}},
    {BYTES(10, 16, 1, 1), 8, {.op = SFZ_SENT, .who = 16, .kind = 1, .flags = SFZ_FAILED}},
    {BYTES(11, 0, 4, 2, 0xe8, 3),
     8,
     {.op = SFZ_WAIT, .kind = SFZ_LINGER_UNIT, .flags = SFZ_BEHIND, .value = 1000}},
    {BYTES(12, 16, 3, 0, 7), 8, {.op = SFZ_FAULT, .who = 16, .kind = SFZ_NOT_SENT, .value = 7}},
    {BYTES(13, 4, 2), 8, {.op = SFZ_REPEAT, .who = 4, .kind = 2}},
};

static void assert_record(const struct sfz_record *record, const struct sfz_record *expected)
{
    assert_int_equal(record->op, expected->op);
    assert_int_equal(record->who, expected->who);
    assert_int_equal(record->kind, expected->kind);
    assert_int_equal(record->flags, expected->flags);
    assert_int_equal(record->value, expected->value);
    assert_int_equal(record->id, expected->id);
    assert_int_equal(record->id2, expected->id2);
    assert_int_equal(record->anchor, expected->anchor);
    assert_int_equal(record->form, expected->form);
    assert_int_equal(record->opcode, expected->opcode);
    assert_int_equal(record->seq_nr, expected->seq_nr);
    assert_int_equal(record->size, expected->size);
    assert_int_equal(record->from, expected->from);
    assert_int_equal(record->code, expected->code);
    assert_int_equal(record->limit, expected->limit);
}

static void test_bytes_of_each_operation_then_say_what_they_said_when_it_was_made(void **state)
{
    struct sfz_record record;
    size_t rows = sizeof said / sizeof said[0];

    (void)state;
    assert_int_equal(rows, SFZ_OP_COUNT - 2); /* but SFZ_NOP, and SFZ_RAW, which is told below */
    for (size_t i = 0; i < rows; i++) {
        size_t used = sfz_record_decode(said[i].bytes, 3 * SFZ_SLOT, &record);
        assert_int_equal(used, said[i].size);
        assert_record(&record, &said[i].record);
    }
    sfz_record_decode(BYTES(9, 8, 0, 0, 3, 0, 0, 0, 1, 2, 3), 3 * SFZ_SLOT, &record);
    assert_int_equal(record.op, SFZ_RAW);
    assert_int_equal(record.raw_size, 3);
    assert_memory_equal(record.raw, BYTES(1, 2, 3), 3);
}

/* What a setting is where an input says nothing is a part of what the input says. */
static void test_settings_that_are_usual_then_those_of_the_first_inputs(void **state)
{
    static const int64_t usual[] = {
        512, 4, 1000, 2, 10000, 0, 0,   600000,           0,   6000, 1024,
        3,   2, 1,    1, 0,     0, 100, 9000000000000000, 2048};
    static struct sfz_input input;

    (void)state;
    sfz_decode((const uint8_t *)"", 0, &input);
    assert_int_equal(sizeof usual / sizeof usual[0], SFZ_SETTING_COUNT);
    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        assert_int_equal(input.settings[i], usual[i]);
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

/* ---- what a mutation did ---- */

static bool same(const struct sfz_record *a, const struct sfz_record *b)
{
    uint8_t of_a[SFZ_RAW_MAX + SFZ_SLOT], of_b[SFZ_RAW_MAX + SFZ_SLOT];
    size_t size = sfz_record_encode(a, of_a, sizeof of_a);

    return size == sfz_record_encode(b, of_b, sizeof of_b) && memcmp(of_a, of_b, size) == 0;
}

static bool has(const struct sfz_input *input, const struct sfz_record *record)
{
    for (size_t i = 0; i < input->count; i++)
        if (same(&input->records[i], record))
            return true;
    return false;
}

enum { INSERTED, TOLD, CUT, DOUBLED, SWAPPED, CHANGED, SET, NUDGED, BOUNDARY, DID_COUNT };

/* What a single step made of three different records can be told by what is there now. */
static void note_step(const struct sfz_input *before, const struct sfz_input *after, unsigned *did)
{
    size_t kept = 0;

    for (size_t i = 0; i < before->count; i++)
        kept += has(after, &before->records[i]);
    if (memcmp(before->settings, after->settings, sizeof before->settings) != 0)
        did[SET] += after->count == before->count;
    if (after->count < before->count)
        did[CUT]++;
    else if (after->count == before->count)
        did[kept < before->count ? CHANGED : SWAPPED] +=
            kept < before->count || !same(&before->records[0], &after->records[0]) ||
            !same(&before->records[1], &after->records[1]);
    else if (after->count > before->count + 1)
        did[TOLD]++;
    for (size_t i = 0; i < after->count; i++) {
        const struct sfz_record *record = &after->records[i];
        if (has(before, record))
            continue;
        did[INSERTED] += after->count == before->count + 1;
        did[NUDGED] += record->op == SFZ_WAIT && record->flags != SFZ_EXACTLY;
        did[BOUNDARY] += record->op == SFZ_PDU && (record->id == 100 || record->id == 101);
    }
    for (size_t i = 0; i + 1 < after->count && after->count == before->count + 1; i++)
        for (size_t k = i + 1; k < after->count; k++)
            did[DOUBLED] += same(&after->records[i], &after->records[k]);
}

static void test_a_mutation_then_is_each_of_those_that_there_are(void **state)
{
    static const struct sfz_record records[] = {
        {.op = SFZ_OPEN}, {.op = SFZ_SEND, .size = 3}, {.op = SFZ_CLOSE, .value = 7}};
    static const char *const names[DID_COUNT] = {[INSERTED] = "insert",
                                                 [TOLD] = "tell a story",
                                                 [CUT] = "cut",
                                                 [DOUBLED] = "double",
                                                 [SWAPPED] = "swap",
                                                 [CHANGED] = "change",
                                                 [SET] = "set",
                                                 [NUDGED] = "a deadline missed by a little",
                                                 [BOUNDARY] = "an id on the edge"};
    static struct sfz_input before, after;
    static uint8_t bytes[SIZE], data[SIZE];
    unsigned did[DID_COUNT] = {0};

    (void)state;
    sfz_decode(bytes, 0, &before);
    before.count = sizeof records / sizeof records[0];
    memcpy(before.records, records, sizeof records);
    size_t size = sfz_encode(&before, bytes, sizeof bytes);
    for (unsigned seed = 0; seed < ROUNDS; seed++) {
        memcpy(data, bytes, size);
        sfz_decode(data, sfz_mutate(data, size, sizeof data, seed, UINT32_MAX), &after);
        note_step(&before, &after, did);
    }
    for (int i = 0; i < DID_COUNT; i++)
        if (did[i] == 0)
            fail_msg("no mutation of %d is: %s", ROUNDS, names[i]);
}

/* An end goes on where the beginning has come to: a session that was opened is not opened again. */
static void test_a_splice_then_goes_on_at_an_equal_state_most_often(void **state)
{
    static const struct sfz_record first[] = {
        {.op = SFZ_OPEN}, {.op = SFZ_WAIT, .value = 1}, {.op = SFZ_WAIT, .value = 2}};
    static const struct sfz_record second[] = {{.op = SFZ_WAIT, .value = 3},
                                               {.op = SFZ_WAIT, .value = 4},
                                               {.op = SFZ_WAIT, .value = 5},
                                               {.op = SFZ_OPEN},
                                               {.op = SFZ_SEND, .size = 3}};
    static struct sfz_input a, b, crossed;
    static uint8_t of_a[SIZE], of_b[SIZE], out[SIZE];
    unsigned spliced = 0, fitting = 0;

    (void)state;
    sfz_decode(out, 0, &a);
    b = a;
    a.count = sizeof first / sizeof first[0];
    b.count = sizeof second / sizeof second[0];
    memcpy(a.records, first, sizeof first);
    memcpy(b.records, second, sizeof second);
    size_t a_size = sfz_encode(&a, of_a, sizeof of_a), b_size = sfz_encode(&b, of_b, sizeof of_b);
    for (unsigned seed = 0; seed < ROUNDS; seed++) {
        size_t size = sfz_cross(of_a, a_size, of_b, b_size, out, sizeof out, seed);
        sfz_decode(out, size, &crossed);
        bool opened = crossed.count > 0 && same(&crossed.records[0], &first[0]);
        if (!opened || !has(&crossed, &second[4]))
            continue;
        spliced++;
        unsigned opens = 0;
        for (size_t i = 0; i < crossed.count; i++)
            opens += crossed.records[i].op == SFZ_OPEN;
        fitting += opens == 1;
    }
    assert_true(spliced > ROUNDS / 10);
    assert_true(fitting > spliced / 2);
}

static void test_raw_pdus_that_are_made_then_most_decode_and_say_what_fields_do_not(void **state)
{
    static const struct sipc_span plus = {(const uint8_t *)"+5", 2};
    unsigned decoded = 0, discarded = 0, pluses = 0, nameless = 0;
    uint8_t raw[SFZ_RAW_MAX];

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct chance chance = {round * UINT64_C(0x9e3779b97f4a7c15) + 1};
        size_t size = sfz_raw_make(&chance, round, raw);
        struct sipc_option option;
        struct sipc_pdu pdu;
        assert_in_range(size, SIPC_PDU_SIZE_MIN, SFZ_RAW_MAX);
        if (sipc_pdu_decode((struct sipc_span){raw, size}, &pdu) != SIPC_DISCARD_NONE) {
            discarded++;
            continue;
        }
        decoded++;
        assert_memory_equal(pdu.session_id, sfz_session_id(round), SIPC_SESSION_ID_SIZE);
        while (sipc_option_next(&pdu.options, &option)) {
            pluses += option.value.size == plus.size &&
                      memcmp(option.value.data, plus.data, plus.size) == 0;
            nameless += option.name.size == 0;
        }
    }
    assert_true(decoded > discarded);
    assert_true(discarded > ROUNDS / 10);
    assert_true(pluses > 0 && nameless > 0);
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
        cmocka_unit_test(test_bytes_of_each_operation_then_say_what_they_said_when_it_was_made),
        cmocka_unit_test(test_settings_that_are_usual_then_those_of_the_first_inputs),
        cmocka_unit_test(test_the_mark_tells_versions_apart),
        cmocka_unit_test(test_what_mutation_gives_then_fits_and_is_an_input),
        cmocka_unit_test(test_a_mutation_then_is_each_of_those_that_there_are),
        cmocka_unit_test(test_a_splice_then_goes_on_at_an_equal_state_most_often),
        cmocka_unit_test(test_raw_pdus_that_are_made_then_most_decode_and_say_what_fields_do_not),
        cmocka_unit_test(test_the_same_seed_then_mutates_alike),
        cmocka_unit_test(test_a_pdu_by_fields_when_read_from_its_bytes_then_builds_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
