/* The PDU codec against the vectors, and properties that hold for all of them and for random PDUs:
 * encode undoes decode, no cut, no changed length and no flipped bit makes it read outside.
 * Every decode here is of a heap block of exactly the PDU's size.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "sipc/pdu.h"
#include "vectors.h"

static struct vectors vectors;

static int read_vectors(void **state)
{
    (void)state;
    vectors_read(SIPC_SOURCE_DIR "/engine/tests/vectors/pdu.txt", &vectors);
    return 0;
}

static int free_vectors(void **state)
{
    (void)state;
    vectors_free(&vectors);
    return 0;
}

static uint8_t *exact_copy(const void *data, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    if (size != 0)
        memcpy(copy, data, size);
    return copy;
}

static bool span_equal(struct sipc_span a, struct sipc_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool span_inside(struct sipc_span part, struct sipc_span whole)
{
    return part.size == 0 || (part.data >= whole.data && part.size <= whole.size &&
                              (size_t)(part.data - whole.data) <= whole.size - part.size);
}

/* Decodes; where that succeeds, every view must lie inside and encoding must give the bytes again.
 */
static enum sipc_discard decode_checked(struct sipc_span bytes)
{
    struct sipc_pdu pdu;
    memset(&pdu, 0xa5, sizeof pdu); /* nothing of what was there may stay */
    enum sipc_discard reason = sipc_pdu_decode(bytes, &pdu);
    assert_in_range(reason, SIPC_DISCARD_NONE, SIPC_DISCARD_DECODE_COUNT - 1);
    assert_ptr_equal(pdu.session_id, bytes.size < SIPC_PDU_SIZE_MIN ? NULL : bytes.data + 2);
    assert_true(span_inside(pdu.options, bytes));
    assert_true(span_inside(pdu.data, bytes));
    assert_true(span_inside(pdu.trace_id, bytes));
    assert_int_equal(pdu.flags & ~pdu.present, 0);
    assert_true(pdu.max_window_size == 0 || (pdu.present & SIPC_OPT_MAX_WINDOW_SIZE) != 0);
    assert_true(pdu.idle_timeout_ms == 0 || (pdu.present & SIPC_OPT_IDLE_TIMEOUT) != 0);
    if (reason != SIPC_DISCARD_NONE)
        return reason;

    struct sipc_pdu_parts parts = {pdu.session_id, pdu.window_id, pdu.seq_nr,
                                   pdu.opcode,     pdu.options,   pdu.data};
    uint8_t *again = malloc(bytes.size);
    size_t used = 0;
    assert_non_null(again);
    assert_int_equal(sipc_pdu_encode(&parts, again, bytes.size, &used), SIPC_OK);
    assert_int_equal(used, bytes.size);
    assert_memory_equal(again, bytes.data, used);
    free(again);
    return SIPC_DISCARD_NONE;
}

/* ---- vectors ---- */

static void append_known(char *out, size_t size, const struct sipc_pdu *pdu, uint32_t id, int32_t n)
{
    bool boolean = id <= SIPC_OPT_IS_WINDOW_FULL;
    bool close = id == SIPC_OPT_ABORT_CODE && pdu->opcode == SIPC_CLOSE;
    if ((pdu->present & id) == 0 && !close)
        return;
    size_t used = strlen(out);
    if (boolean)
        snprintf(out + used, size - used, " %s=%s", sipc_option_spec_name(id),
                 (pdu->flags & id) != 0 ? "true" : "false");
    else
        snprintf(out + used, size - used, " %s=%" PRId32, sipc_option_spec_name(id), n);
}

/* The PDU as an accept line of the vectors. */
static void describe(const struct sipc_pdu *pdu, char *out, size_t size)
{
    snprintf(out, size, "%s %" PRId64 ":%" PRId32, sipc_opcode_name(pdu->opcode), pdu->window_id,
             pdu->seq_nr);
    for (uint32_t id = SIPC_OPT_FIRST_IN_WINDOW_GROUP; id <= SIPC_OPT_IS_WINDOW_FULL; id <<= 1)
        append_known(out, size, pdu, id, 0);
    append_known(out, size, pdu, SIPC_OPT_MAX_WINDOW_SIZE, pdu->max_window_size);
    append_known(out, size, pdu, SIPC_OPT_ERROR_CODE, pdu->error_code);
    append_known(out, size, pdu, SIPC_OPT_ABORT_CODE, pdu->abort_code);
    append_known(out, size, pdu, SIPC_OPT_IDLE_TIMEOUT, pdu->idle_timeout_ms);
}

static void check_options(const struct vector_pdu *vector, const struct sipc_pdu *pdu)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    size_t count = 0;
    uint32_t present = 0;
    for (; sipc_option_next(&rest, &option); count++) {
        if (count >= vector->option_count ||
            !span_equal(option.name, vector->option_names[count]) ||
            !span_equal(option.value, vector->option_values[count]))
            fail_msg("%s: option %zu differs", vector->name, count + 1);
        assert_int_equal(option.id, sipc_option_find(option.name));
        present |= option.id != 0 ? option.id : (uint32_t)SIPC_OPT_OTHER;
    }
    assert_int_equal(rest.size, 0);
    assert_int_equal(count, vector->option_count);
    assert_int_equal(present, pdu->present);
}

/* What the file's PDUs show, right and wrong: WIRE-1, WIRE-2, WIRE-3, WIRE-4, WIRE-5, WIRE-6,
 * OPT-1, OPT-2, OPT-4, OPT-5, OPT-6, ERR-1, ERR-2a, ERR-3a. */
static void test_decode_when_vector_then_as_written(void **state)
{
    (void)state;
    assert_true(vectors.pdu_count >= 80);
    for (size_t i = 0; i < vectors.pdu_count; i++) {
        const struct vector_pdu *vector = &vectors.pdus[i];
        struct sipc_pdu pdu;
        enum sipc_discard reason = sipc_pdu_decode(vector->bytes, &pdu);
        if (reason != vector->reason)
            fail_msg("pdu.txt:%d: %s: expected %s, decoded to %s", vector->line, vector->name,
                     sipc_discard_name(vector->reason), sipc_discard_name(reason));
        if (reason != SIPC_DISCARD_NONE)
            continue;
        char fields[400];
        describe(&pdu, fields, sizeof fields);
        if (strcmp(fields, vector->fields) != 0)
            fail_msg("pdu.txt:%d: %s: expected %s, decoded %s", vector->line, vector->name,
                     vector->fields, fields);
        assert_memory_equal(pdu.session_id, vector->session.data, SIPC_SESSION_ID_SIZE);
        assert_true(span_equal(pdu.data, vector->data));
        check_options(vector, &pdu);
    }
}

static void test_encode_when_fields_of_vector_then_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.pdu_count; i++) {
        const struct vector_pdu *vector = &vectors.pdus[i];
        if (vector->reason != SIPC_DISCARD_NONE)
            continue;
        struct sipc_pdu pdu;
        assert_int_equal(sipc_pdu_decode(vector->bytes, &pdu), SIPC_DISCARD_NONE);
        size_t size = vector->bytes.size, used = 0;
        uint8_t *options = malloc(size), *out = malloc(size);
        assert_non_null(options);
        assert_non_null(out);
        for (size_t o = 0; o < vector->option_count; o++)
            assert_int_equal(sipc_option_encode(vector->option_names[o], vector->option_values[o],
                                                options, size, &used),
                             SIPC_OK);
        struct sipc_pdu_parts parts = {vector->session.data, pdu.window_id,   pdu.seq_nr,
                                       pdu.opcode,           {options, used}, vector->data};
        assert_int_equal(sipc_pdu_encode(&parts, out, size, &used), SIPC_OK);
        assert_int_equal(used, size);
        assert_memory_equal(out, vector->bytes.data, size);
        free(options);
        free(out);
    }
}

static void test_vectors_when_counted_then_every_reason_and_opcode_is_there(void **state)
{
    (void)state;
    for (int reason = 0; reason < SIPC_DISCARD_DECODE_COUNT; reason++) {
        size_t count = 0;
        for (size_t i = 0; i < vectors.pdu_count; i++)
            count += (int)vectors.pdus[i].reason == reason;
        if (count == 0)
            fail_msg("no vector for %s", sipc_discard_name((enum sipc_discard)reason));
    }
}

static void test_decode_when_discarded_then_fields_before_are_filled(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.pdu_count; i++) {
        const struct vector_pdu *vector = &vectors.pdus[i];
        struct sipc_pdu pdu;
        enum sipc_discard reason = sipc_pdu_decode(vector->bytes, &pdu);
        if (reason == SIPC_DISCARD_TOO_SHORT) {
            assert_null(pdu.session_id);
            continue;
        }
        assert_ptr_equal(pdu.session_id, vector->bytes.data + 2);
        assert_int_equal(pdu.opcode, vector->bytes.data[46]);
    }
}

static void test_decode_when_trace_id_repeats_then_last(void **state)
{
    (void)state;
    uint8_t options[64], out[200], id[SIPC_SESSION_ID_SIZE] = {0};
    size_t used = 0, size = 0;
    const struct sipc_span name = {(const uint8_t *)"s_traceId", 9};
    assert_int_equal(sipc_option_encode(name, (struct sipc_span){(const uint8_t *)"first", 5},
                                        options, sizeof options, &used),
                     SIPC_OK);
    assert_int_equal(sipc_option_encode(name, (struct sipc_span){(const uint8_t *)"last", 4},
                                        options, sizeof options, &used),
                     SIPC_OK);
    struct sipc_pdu_parts parts = {id, 1, 0, SIPC_DATA, {options, used}, {NULL, 0}};
    assert_int_equal(sipc_pdu_encode(&parts, out, sizeof out, &size), SIPC_OK);
    struct sipc_pdu pdu;
    assert_int_equal(sipc_pdu_decode((struct sipc_span){out, size}, &pdu), SIPC_DISCARD_NONE);
    assert_int_equal(pdu.trace_id.size, 4);
    assert_memory_equal(pdu.trace_id.data, "last", 4);
}

/* ---- properties ---- */

static void put_length(uint8_t *bytes, size_t size)
{
    bytes[0] = (uint8_t)(size >> 8);
    bytes[1] = (uint8_t)size;
}

/* As it is, the total length gives every cut away; with that corrected the rest has to. Only data
 * can be cut unseen. */
static void test_decode_when_cut_anywhere_then_discarded_unless_only_data_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.pdu_count; i++) {
        const struct vector_pdu *vector = &vectors.pdus[i];
        if (vector->reason != SIPC_DISCARD_NONE || vector->bytes.size > 2000)
            continue;
        for (size_t size = 0; size < vector->bytes.size; size++) {
            uint8_t *cut = exact_copy(vector->bytes.data, size);
            struct sipc_span bytes = {cut, size};
            assert_int_equal(decode_checked(bytes), size < SIPC_PDU_SIZE_MIN
                                                        ? SIPC_DISCARD_TOO_SHORT
                                                        : SIPC_DISCARD_LENGTH_MISMATCH);
            if (size >= 2) {
                put_length(cut, size);
                bool only_data = vector->bytes.size - size <= vector->data.size;
                assert_int_equal(decode_checked(bytes) == SIPC_DISCARD_NONE, only_data);
            }
            free(cut);
        }
    }
}

static void check_length_field(const struct vector_pdu *vector, size_t offset, int change)
{
    uint8_t *copy = exact_copy(vector->bytes.data, vector->bytes.size);
    unsigned length = (unsigned)(copy[offset] << 8 | copy[offset + 1]);
    put_length(copy + offset, length + (unsigned)change);
    struct sipc_span bytes = {copy, vector->bytes.size};
    if (decode_checked(bytes) == SIPC_DISCARD_NONE)
        fail_msg("%s: accepted with the length at %zu changed by %d", vector->name, offset, change);
    free(copy);
}

static void test_decode_when_a_length_is_off_by_one_then_discarded(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.pdu_count; i++) {
        const struct vector_pdu *vector = &vectors.pdus[i];
        struct sipc_pdu pdu;
        if (sipc_pdu_decode(vector->bytes, &pdu) != SIPC_DISCARD_NONE)
            continue;
        for (int change = -1; change <= 1; change += 2) {
            check_length_field(vector, 0, change);
            struct sipc_span rest = pdu.options;
            struct sipc_option option;
            size_t first = (size_t)(rest.data - vector->bytes.data);
            while (sipc_option_next(&rest, &option)) {
                check_length_field(vector, first, change);
                check_length_field(vector, first + 2 + option.name.size + 1, change);
                first = (size_t)(rest.data - vector->bytes.data);
            }
        }
    }
}

static void test_decode_when_one_bit_flips_then_no_read_outside(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors.pdu_count; i++) {
        const struct vector_pdu *vector = &vectors.pdus[i];
        if (vector->bytes.size > 2000)
            continue;
        uint8_t *copy = exact_copy(vector->bytes.data, vector->bytes.size);
        struct sipc_span bytes = {copy, vector->bytes.size};
        for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            enum sipc_discard reason = decode_checked(bytes);
            if (bit < 16 && bytes.size >= SIPC_PDU_SIZE_MIN && vector->reason == SIPC_DISCARD_NONE)
                assert_int_equal(reason, SIPC_DISCARD_LENGTH_MISMATCH);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(decode_checked(bytes), vector->reason);
        free(copy);
    }
}

static struct sipc_span random_bytes(uint64_t *random, uint8_t *out, size_t max, bool nul)
{
    size_t size = random_below(random, max + 1);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(random_below(random, 256 - !nul) + !nul);
    return (struct sipc_span){out, size};
}

/* Options of which none is known, so that any value is good. */
static size_t random_options(uint64_t *random, uint8_t *out, size_t size)
{
    size_t used = 0;
    uint8_t name_bytes[24], value_bytes[40];
    for (size_t count = random_below(random, 6); count != 0; count--) {
        struct sipc_span name = random_bytes(random, name_bytes, sizeof name_bytes, false);
        struct sipc_span value = random_bytes(random, value_bytes, sizeof value_bytes, true);
        if (sipc_option_find(name) == 0)
            assert_int_equal(sipc_option_encode(name, value, out, size, &used), SIPC_OK);
    }
    return used;
}

static void test_decode_when_encoded_at_random_then_the_same(void **state)
{
    (void)state;
    uint64_t random = 20240601;
    for (int run = 0; run < 20000; run++) {
        uint8_t id[SIPC_SESSION_ID_SIZE], options[512], data[64], out[1024];
        for (size_t i = 0; i < sizeof id; i++)
            id[i] = (uint8_t)random_next(&random);
        size_t options_size = random_options(&random, options, sizeof options);
        struct sipc_pdu_parts parts = {
            .session_id = id,
            .window_id = (int64_t)(random_next(&random) >> (1 + random_below(&random, 63))),
            .seq_nr = (int32_t)(random_next(&random) >> (33 + random_below(&random, 31))),
            .opcode = (uint8_t)(SIPC_DATA + random_below(&random, 6)),
            .options = {options, options_size},
            .data = random_bytes(&random, data, sizeof data, true),
        };
        size_t used = 0;
        assert_int_equal(sipc_pdu_encode(&parts, out, sizeof out, &used), SIPC_OK);
        uint8_t *exact = exact_copy(out, used);
        struct sipc_pdu pdu;
        assert_int_equal(sipc_pdu_decode((struct sipc_span){exact, used}, &pdu), SIPC_DISCARD_NONE);
        assert_memory_equal(pdu.session_id, id, sizeof id);
        assert_true(pdu.window_id == parts.window_id && pdu.seq_nr == parts.seq_nr);
        assert_int_equal(pdu.opcode, parts.opcode);
        assert_true(span_equal(pdu.options, parts.options));
        assert_true(span_equal(pdu.data, parts.data));
        assert_int_equal(pdu.present, options_size == 0 ? 0 : (uint32_t)SIPC_OPT_OTHER);
        free(exact);
    }
}

/* ---- encode ---- */

static void test_encode_when_out_of_range_then_invalid(void **state)
{
    (void)state;
    uint8_t id[SIPC_SESSION_ID_SIZE] = {0}, out[100];
    static const struct {
        const char *name;
        int64_t window_id;
        int32_t seq_nr;
        uint8_t opcode;
        enum sipc_status status;
    } rows[] = {
        {"least", 0, 0, 1, SIPC_OK},
        {"greatest", INT64_MAX, INT32_MAX, 6, SIPC_OK},
        {"window id -1", -1, 0, 1, SIPC_E_INVALID},
        {"window id least", INT64_MIN, 0, 1, SIPC_E_INVALID},
        {"seq_nr -1", 0, -1, 1, SIPC_E_INVALID},
        {"seq_nr least", 0, INT32_MIN, 1, SIPC_E_INVALID},
        {"opcode 0", 0, 0, 0, SIPC_E_INVALID},
        {"opcode 7", 0, 0, 7, SIPC_E_INVALID},
        {"opcode 0x7e", 0, 0, 0x7e, SIPC_E_INVALID},
        {"opcode 255", 0, 0, 255, SIPC_E_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_pdu_parts parts = {.session_id = id,
                                       .window_id = rows[i].window_id,
                                       .seq_nr = rows[i].seq_nr,
                                       .opcode = rows[i].opcode};
        size_t used = 12345;
        enum sipc_status status = sipc_pdu_encode(&parts, out, sizeof out, &used);
        if (status != rows[i].status || used != (status == SIPC_OK ? 57 : 12345))
            fail_msg("%s: status %d, used %zu", rows[i].name, status, used);
    }
}

static void test_encode_when_room_is_one_byte_short_then_no_space(void **state)
{
    (void)state;
    uint8_t id[SIPC_SESSION_ID_SIZE] = {0}, options[13], data[3] = {1, 2, 3};
    size_t options_size = 0, used = 0;
    assert_int_equal(
        sipc_option_encode_bool(SIPC_OPT_SKIP, true, options, sizeof options, &options_size),
        SIPC_OK);
    struct sipc_pdu_parts parts = {id, 1, 2, SIPC_DATA, {options, options_size}, {data, 3}};
    for (size_t size = 0; size <= 73; size++) {
        uint8_t *out = malloc(size + (size == 0));
        assert_non_null(out);
        assert_int_equal(sipc_pdu_encode(&parts, out, size, &used),
                         size < 73 ? SIPC_E_NO_SPACE : SIPC_OK);
        assert_int_equal(sipc_pdu_encode_head(&parts, 3, out, size, &used),
                         size < 70 ? SIPC_E_NO_SPACE : SIPC_OK);
        free(out);
    }
    assert_int_equal(used, 70);
}

static void test_encode_when_65500_bytes_then_no_more(void **state)
{
    (void)state;
    static const struct {
        size_t options, data;
        enum sipc_status status;
    } rows[] = {
        {0, 65443, SIPC_OK},
        {0, 65444, SIPC_E_NO_SPACE},
        {65443, 0, SIPC_OK},
        {65444, 0, SIPC_E_NO_SPACE},
        {100, 65343, SIPC_OK},
        {100, 65344, SIPC_E_NO_SPACE},
        {1, SIZE_MAX, SIPC_E_NO_SPACE},
    };
    static uint8_t zeros[70000], out[70000];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sipc_pdu_parts parts = {
            zeros, 0, 0, SIPC_DATA, {zeros, rows[i].options}, {zeros, rows[i].data}};
        size_t used = 0;
        assert_int_equal(sipc_pdu_encode_head(&parts, rows[i].data, out, sizeof out, &used),
                         rows[i].status);
        assert_int_equal(sipc_pdu_encode(&parts, out, sizeof out, &used), rows[i].status);
        if (rows[i].status == SIPC_OK)
            assert_int_equal(used, SIPC_PDU_SIZE_MAX);
    }
}

static void test_encode_head_when_data_follows_then_as_encode(void **state)
{
    (void)state;
    uint8_t id[SIPC_SESSION_ID_SIZE], data[] = "payload", whole[100], gathered[100];
    memset(id, 0x5a, sizeof id);
    struct sipc_pdu_parts parts = {id, 7, 8, SIPC_DATA, {NULL, 0}, {data, sizeof data}};
    size_t whole_size = 0, head_size = 0;
    assert_int_equal(sipc_pdu_encode(&parts, whole, sizeof whole, &whole_size), SIPC_OK);
    parts.data = (struct sipc_span){NULL, 0};
    assert_int_equal(
        sipc_pdu_encode_head(&parts, sizeof data, gathered, sizeof gathered, &head_size), SIPC_OK);
    memcpy(gathered + head_size, data, sizeof data);
    assert_int_equal(head_size + sizeof data, whole_size);
    assert_memory_equal(gathered, whole, whole_size);
}

static void test_encode_when_options_are_in_place_then_as_from_elsewhere(void **state)
{
    (void)state;
    uint8_t id[SIPC_SESSION_ID_SIZE] = {7}, options[40], apart[120], in_place[120];
    size_t options_size = 0, apart_size = 0, in_place_size = 0;
    assert_int_equal(sipc_option_encode_int(SIPC_OPT_MAX_WINDOW_SIZE, 16, options, sizeof options,
                                            &options_size),
                     SIPC_OK);
    struct sipc_pdu_parts parts = {id, 1, 2, SIPC_DATA_ACK, {options, options_size}, {NULL, 0}};
    assert_int_equal(sipc_pdu_encode(&parts, apart, sizeof apart, &apart_size), SIPC_OK);
    memcpy(in_place + SIPC_PDU_HEAD_SIZE, options, options_size);
    parts.options.data = in_place + SIPC_PDU_HEAD_SIZE;
    assert_int_equal(sipc_pdu_encode(&parts, in_place, sizeof in_place, &in_place_size), SIPC_OK);
    assert_int_equal(in_place_size, apart_size);
    assert_memory_equal(in_place, apart, apart_size);
}

/* ---- names ---- */

static void test_discard_name_when_any_reason_then_one_of_its_own_and_a_rule(void **state)
{
    (void)state;
    for (int a = 0; a < SIPC_DISCARD_COUNT; a++) {
        const char *name = sipc_discard_name((enum sipc_discard)a);
        assert_non_null(name);
        assert_int_equal(sipc_rule_info(sipc_discard_rule((enum sipc_discard)a)) == NULL, a == 0);
        for (int b = 0; b < a; b++)
            assert_string_not_equal(name, sipc_discard_name((enum sipc_discard)b));
    }
    assert_null(sipc_discard_name(SIPC_DISCARD_COUNT));
    assert_int_equal(sipc_discard_rule(SIPC_DISCARD_COUNT), SIPC_RULE_NONE);
}

static void test_opcode_name_when_not_on_the_wire_then_null(void **state)
{
    (void)state;
    assert_string_equal(sipc_opcode_name(SIPC_DATA), "data");
    assert_string_equal(sipc_opcode_name(SIPC_DATA_ACK), "data_ack");
    assert_string_equal(sipc_opcode_name(SIPC_CLOSE), "close");
    assert_string_equal(sipc_opcode_name(SIPC_CLOSE_ACK), "close_ack");
    assert_string_equal(sipc_opcode_name(SIPC_ENQUIRE_LINK), "enquire_link");
    assert_string_equal(sipc_opcode_name(SIPC_ENQUIRE_LINK_ACK), "enquire_link_ack");
    static const int others[] = {-1, 0, 7, 0x7e, 0x7f, 255, 257};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_null(sipc_opcode_name(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_when_vector_then_as_written),
        cmocka_unit_test(test_encode_when_fields_of_vector_then_its_bytes),
        cmocka_unit_test(test_vectors_when_counted_then_every_reason_and_opcode_is_there),
        cmocka_unit_test(test_decode_when_discarded_then_fields_before_are_filled),
        cmocka_unit_test(test_decode_when_trace_id_repeats_then_last),
        cmocka_unit_test(test_decode_when_cut_anywhere_then_discarded_unless_only_data_is_cut),
        cmocka_unit_test(test_decode_when_a_length_is_off_by_one_then_discarded),
        cmocka_unit_test(test_decode_when_one_bit_flips_then_no_read_outside),
        cmocka_unit_test(test_decode_when_encoded_at_random_then_the_same),
        cmocka_unit_test(test_encode_when_out_of_range_then_invalid),
        cmocka_unit_test(test_encode_when_room_is_one_byte_short_then_no_space),
        cmocka_unit_test(test_encode_when_65500_bytes_then_no_more),
        cmocka_unit_test(test_encode_head_when_data_follows_then_as_encode),
        cmocka_unit_test(test_encode_when_options_are_in_place_then_as_from_elsewhere),
        cmocka_unit_test(test_discard_name_when_any_reason_then_one_of_its_own_and_a_rule),
        cmocka_unit_test(test_opcode_name_when_not_on_the_wire_then_null),
    };
    return cmocka_run_group_tests(tests, read_vectors, free_vectors);
}
