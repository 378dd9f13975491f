/* Raw PDUs as a peer may write them that has its own way with options: other spellings, repeated
 * names, pieces of long attributes, text beyond ASCII, a length or a terminator that is wrong. What
 * fields can say (input.h) is left to them.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "input/chance.h"
#include "input/input.h"
#include "sipc/pdu.h"

static const char *const booleans[] = {"True", "True", "True",  "true",  "TRUE", "tRUE",
                                       "True", "True", "False", "false", "FALSE"};
static const char *const integers[] = {
    "+5", "0",  "-0", "-2147483648", "2147483647", "2147483648", "-2147483649", "05",
    " 5", "5x", ""};
/* A name of 3 bytes is one of 2 characters: lengths of pieces count either. */
static const char *const attributes[][2] = {
    {"", "x"},
    {"x", ""},
    {"a", "1"},
    {"a", "2"},
    {"k\xc3\xbc", "\xe2\x82\xac"},
    {"v", "\xff"},
    {"w", "\xf0\x9f\x98\x80"},
    {"s_e_0", "1:long"},
    {"s_e_0", "er"},
    {"s_e_1", "3:k\xc3\xbcz"},
    {"s_e_1", "2:k\xc3\xbcz"},
    {"s_e_x", "1:qr"},
    {"s_e_0", "4:s_204"},
};
static const uint32_t bits[] = {SIPC_OPT_FIRST_IN_WINDOW_GROUP, SIPC_OPT_LAST_IN_WINDOW,
                                SIPC_OPT_LAST_IN_WINDOW_GROUP, SIPC_OPT_SKIP,
                                SIPC_OPT_IS_WINDOW_FULL};
static const uint32_t numbers[] = {SIPC_OPT_MAX_WINDOW_SIZE, SIPC_OPT_ERROR_CODE,
                                   SIPC_OPT_IDLE_TIMEOUT, SIPC_OPT_ABORT_CODE};

enum { OPTIONS_SIZE = 512, MORE_MAX = 4 };

static void add(uint8_t *out, size_t *used, const char *name, const char *value)
{
    struct sipc_span n = {(const uint8_t *)name, strlen(name)};
    struct sipc_span v = {(const uint8_t *)value, strlen(value)};

    SIPC_ASSERT(sipc_option_encode(n, v, out, OPTIONS_SIZE, used) == SIPC_OK);
}

/* What makes the PDU one: a message of one PDU, or an ack of one. */
static void add_framing(struct chance *chance, uint8_t opcode, uint8_t *out, size_t *used)
{
    if (opcode != SIPC_DATA) {
        add(out, used, sipc_option_wire_name(SIPC_OPT_IS_WINDOW_FULL), PICK(chance, booleans));
        return;
    }
    for (unsigned i = 0; i < 4; i++)
        if (i != 3 || draw(chance, 2))
            add(out, used, sipc_option_wire_name(bits[i]), PICK(chance, booleans));
}

static void add_more(struct chance *chance, uint8_t *out, size_t *used)
{
    switch (draw(chance, 4)) {
    case 0:
        add(out, used, sipc_option_wire_name(PICK(chance, bits)), PICK(chance, booleans));
        break;
    case 1:
        add(out, used, sipc_option_wire_name(PICK(chance, numbers)), PICK(chance, integers));
        break;
    default: {
        const char *const *attribute = PICK(chance, attributes);
        add(out, used, attribute[0], attribute[1]);
        break;
    }
    }
}

size_t sfz_raw_make(struct chance *chance, unsigned session, uint8_t *out)
{
    static const uint8_t edits[] = {0, 1, 0xff, 0x80};
    static const uint8_t data[] = {1, 2, 3};
    uint8_t options[OPTIONS_SIZE], opcode = draw(chance, 4) ? SIPC_DATA : SIPC_DATA_ACK;
    size_t used = 0, size = 0;

    add_framing(chance, opcode, options, &used);
    for (uint32_t more = draw(chance, MORE_MAX + 1); more > 0; more--)
        add_more(chance, options, &used);
    struct sipc_pdu_parts parts = {.session_id = sfz_session_id(session),
                                   .window_id = draw(chance, 3),
                                   .seq_nr = draw(chance, 8) == 0,
                                   .opcode = opcode,
                                   .options = {options, used},
                                   .data = {data, opcode == SIPC_DATA ? sizeof data : 0}};
    SIPC_ASSERT(sipc_pdu_encode(&parts, out, SFZ_RAW_MAX, &size) == SIPC_OK);
    if (draw(chance, 3) == 0) /* of the options, their terminator or the repeated session id */
        out[SIPC_PDU_HEAD_SIZE + draw(chance, (uint32_t)used + 6)] ^= PICK(chance, edits);
    return size;
}
