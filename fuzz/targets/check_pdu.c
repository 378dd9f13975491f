/* See check_pdu.h.
 * SPDX-License-Identifier: MIT */
#include "targets/check_pdu.h"

#include <string.h>

#include "targets/exact.h"
#include "targets/reference_pdu.h"
#include "targets/target.h"

enum { ATTRIBUTE_MAX = 4 * SIPC_PDU_SIZE_MAX }; /* in pieces of 64 bytes */

void *check_allocate(size_t size)
{
    void *memory = malloc(size + (size == 0));
    FUZZ_CHECK(memory != NULL, "out of memory");
    return memory;
}

static bool same_bytes(struct sipc_span a, const void *data, size_t size)
{
    return a.size == size && (size == 0 || memcmp(a.data, data, size) == 0);
}

static void check_fields(struct sipc_span bytes, const struct sipc_pdu *pdu,
                         const struct reference_pdu *expected)
{
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, pdu->session_id == bytes.data + 2, "session id");
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, pdu->window_id == expected->window_id, "window id");
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, pdu->seq_nr == expected->seq_nr, "seq_nr");
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, pdu->opcode == expected->opcode, "opcode");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_1, pdu->options.size == expected->options_end - 47,
                    "end of options");
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, pdu->data.size == bytes.size - expected->data_at, "data");
    uint32_t present = 0, flags = 0;
    for (int k = 0; k < REFERENCE_KNOWN; k++) {
        present |= expected->last[k] >= 0 ? 1u << k : 0;
        flags |= k < 5 && expected->value[k] == 1 ? 1u << k : 0;
    }
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_3,
                    (pdu->present & ~(uint32_t)(SIPC_OPT_LONG_ATTRIBUTE | SIPC_OPT_OTHER)) ==
                        present,
                    "options present");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_5, pdu->flags == flags, "booleans");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_5, pdu->max_window_size == expected->value[5], "max_window_size");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_5, pdu->error_code == expected->value[6], "error_code");
    FUZZ_CHECK_RULE(SIPC_RULE_ERR_1, pdu->abort_code == expected->value[7], "abort_code");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_5, pdu->idle_timeout_ms == expected->value[8], "idle_timeout");
    size_t trace_size = expected->last[9] < 0 ? 0 : expected->options[expected->last[9]].value_size;
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_3, pdu->trace_id.size == trace_size, "trace_id");
}

static void check_long_attribute(struct sipc_span name, struct sipc_span value, uint32_t n)
{
    size_t size = sipc_long_attribute_size(name, value, n, 64), used = 0, joined_size = 0;
    if (size == 0) {
        FUZZ_CHECK(memchr(name.data, 0, name.size) != NULL,
                   "only a NUL keeps a name from the wire");
        return;
    }
    static EXACT(options_block, ATTRIBUTE_MAX);
    static EXACT(joined_block, ATTRIBUTE_MAX);
    uint8_t *options = exact(options_block, sizeof options_block, size);
    uint8_t *joined = exact(joined_block, sizeof joined_block, size);
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7,
                    sipc_long_attribute_encode(name, value, n, 64, options, size, &used) == SIPC_OK,
                    "a long attribute that was decoded can be encoded");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7, used == size, "size of a long attribute");
    struct sipc_span rest = {options, used};
    struct sipc_option option;
    while (sipc_option_next(&rest, &option)) {
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_3, option.id == SIPC_OPT_LONG_ATTRIBUTE,
                        "a piece is one by its name");
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_7,
                        sipc_long_attribute_join(option.value, joined, size, &joined_size),
                        "a piece that was encoded can be joined");
    }
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_1, rest.size == 0, "pieces are whole options");
    struct sipc_span again_name, again_value;
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7,
                    sipc_long_attribute_split((struct sipc_span){joined, joined_size}, &again_name,
                                              &again_value),
                    "a long attribute that was encoded can be split");
    FUZZ_CHECK(same_bytes(again_name, name.data, name.size), "name of a long attribute");
    FUZZ_CHECK(same_bytes(again_value, value.data, value.size), "value of a long attribute");
}

/* Takes all pieces as of one attribute, whatever their keys: shorter, and as good a test. */
static void check_options(const struct sipc_pdu *pdu, const struct reference_pdu *expected)
{
    static EXACT(again_block, SIPC_PDU_SIZE_MAX);
    static EXACT(joined_block, SIPC_PDU_SIZE_MAX);
    uint8_t *again = exact(again_block, sizeof again_block, pdu->options.size);
    uint8_t *joined = exact(joined_block, sizeof joined_block, pdu->options.size);
    size_t used = 0, joined_size = 0, count = 0;
    bool any_long = false, long_good = true;
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    for (; sipc_option_next(&rest, &option); count++) {
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_1,
                        sipc_option_encode(option.name, option.value, again, pdu->options.size,
                                           &used) == SIPC_OK,
                        "an option that was decoded can be encoded");
        if (option.id != SIPC_OPT_LONG_ATTRIBUTE)
            continue;
        any_long = true;
        long_good = long_good &&
                    sipc_long_attribute_join(option.value, joined, pdu->options.size, &joined_size);
    }
    FUZZ_CHECK(rest.size == 0 && count == expected->option_count, "number of options");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_1, same_bytes(pdu->options, again, used),
                    "options encoded again");
    FUZZ_CHECK(any_long == ((pdu->present & SIPC_OPT_LONG_ATTRIBUTE) != 0), "pieces present");
    struct sipc_span name, value;
    if (any_long && long_good &&
        sipc_long_attribute_split((struct sipc_span){joined, joined_size}, &name, &value))
        check_long_attribute(name, value, (uint32_t)count);
}

static void check_encode(struct sipc_span bytes, const struct sipc_pdu *pdu)
{
    struct sipc_pdu_parts parts = {pdu->session_id, pdu->window_id, pdu->seq_nr,
                                   pdu->opcode,     pdu->options,   pdu->data};
    static EXACT(block, SIPC_PDU_SIZE_MAX);
    uint8_t *again = exact(block, sizeof block, bytes.size);
    size_t used = 0;
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, sipc_pdu_encode(&parts, again, bytes.size, &used) == SIPC_OK,
                    "a PDU that was decoded can be encoded");
    FUZZ_CHECK_RULE(SIPC_RULE_WIRE_1, same_bytes(bytes, again, used), "PDU encoded again");
    struct sipc_pdu second;
    FUZZ_CHECK(sipc_pdu_decode((struct sipc_span){again, used}, &second) == SIPC_DISCARD_NONE,
               "a PDU that was encoded can be decoded");
}

/* Of a reason that was not the same: a value of an option that repeats is OPT-5's matter. */
static enum sipc_rule discard_rule(struct sipc_span bytes, const struct reference_pdu *expected,
                                   enum sipc_discard want, enum sipc_discard got)
{
    enum sipc_discard reason = want != SIPC_DISCARD_NONE ? want : got;

    for (int k = 0; k < REFERENCE_KNOWN && reason == SIPC_DISCARD_OPTION_VALUE; k++)
        for (long i = 0; i < expected->last[k]; i++) {
            const struct reference_option *option = &expected->options[i];
            if (option->name_size == strlen(reference_names[k]) &&
                memcmp(bytes.data + option->name_at, reference_names[k], option->name_size) == 0)
                return SIPC_RULE_OPT_5;
        }
    return sipc_discard_rule(reason);
}

enum sipc_discard check_pdu(struct sipc_span bytes)
{
    struct sipc_pdu pdu;
    struct reference_pdu expected;
    enum sipc_discard want = reference_decode(bytes.data, bytes.size, &expected);
    enum sipc_discard got = sipc_pdu_decode(bytes, &pdu);
    if (got != want)
        fprintf(stderr, "expected %s, decoded to %s\n", sipc_discard_name(want),
                sipc_discard_name(got));
    FUZZ_CHECK_RULE(discard_rule(bytes, &expected, want, got), got == want, "reason to discard");
    if (got == SIPC_DISCARD_NONE) {
        check_fields(bytes, &pdu, &expected);
        check_options(&pdu, &expected);
        check_encode(bytes, &pdu);
    }
    return got;
}
