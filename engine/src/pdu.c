/* A whole PDU: layout (WIRE-1 to WIRE-6), ranges of codes (ERR-1 to ERR-3), names of reasons.
 *
 * Where several things are wrong the first one found is the reason: sizes, then the fields in wire
 * order, then the values of known options, then the code's range. Every codec of the project keeps
 * this order, and engine/tests/vectors/pdu.txt holds them to it.
 * SPDX-License-Identifier: MIT */
#include "options.h"

enum {
    PDU_ABORT_CODE_MAX = 99,
    PDU_LINK_ERROR_MIN = 100,
    PDU_LINK_ERROR_MAX = 199,
    PDU_ACK_ERROR_MIN = 200,
    PDU_ACK_ERROR_MAX = 299,
};

/* ---- names ---- */

static const struct pdu_discard_row {
    const char *name;
    enum sipc_rule rule;
} pdu_discard_rows[SIPC_DISCARD_COUNT] = {
    [SIPC_DISCARD_NONE] = {"none", SIPC_RULE_NONE},
    [SIPC_DISCARD_TOO_SHORT] = {"too_short", SIPC_RULE_WIRE_2},
    [SIPC_DISCARD_TOO_LONG] = {"too_long", SIPC_RULE_WIRE_2},
    [SIPC_DISCARD_LENGTH_MISMATCH] = {"length_mismatch", SIPC_RULE_WIRE_3},
    [SIPC_DISCARD_NEGATIVE_WINDOW_ID] = {"negative_window_id", SIPC_RULE_WIRE_4},
    [SIPC_DISCARD_NEGATIVE_SEQ_NR] = {"negative_seq_nr", SIPC_RULE_WIRE_4},
    [SIPC_DISCARD_SESSION_PREFIX] = {"session_prefix", SIPC_RULE_WIRE_5},
    [SIPC_DISCARD_OPCODE] = {"opcode", SIPC_RULE_WIRE_6},
    [SIPC_DISCARD_OPTION_CUT] = {"option_cut", SIPC_RULE_OPT_2},
    [SIPC_DISCARD_OPTION_LENGTHS] = {"option_lengths", SIPC_RULE_OPT_2},
    [SIPC_DISCARD_OPTION_NAME] = {"option_name", SIPC_RULE_OPT_2},
    [SIPC_DISCARD_OPTION_VALUE] = {"option_value", SIPC_RULE_OPT_4},
    [SIPC_DISCARD_ABORT_CODE] = {"abort_code", SIPC_RULE_ERR_1},
    [SIPC_DISCARD_ACK_ERROR_CODE] = {"ack_error_code", SIPC_RULE_ERR_2a},
    [SIPC_DISCARD_LINK_ERROR_CODE] = {"link_error_code", SIPC_RULE_ERR_3a},
    [SIPC_DISCARD_UNKNOWN_SESSION] = {"unknown_session", SIPC_RULE_END_2},
    [SIPC_DISCARD_NOT_FIRST] = {"not_first", SIPC_RULE_END_2a},
    [SIPC_DISCARD_NOT_ACCEPTING] = {"not_accepting", SIPC_RULE_END_2},
    [SIPC_DISCARD_LINGERING] = {"lingering", SIPC_RULE_END_3},
    [SIPC_DISCARD_SESSIONS_FULL] = {"sessions_full", SIPC_RULE_END_5},
    [SIPC_DISCARD_WINDOW_ID] = {"window_id", SIPC_RULE_WID_3},
    [SIPC_DISCARD_SEQ_NR] = {"seq_nr", SIPC_RULE_SEQ_1},
    [SIPC_DISCARD_STATE] = {"state", SIPC_RULE_RCV_10},
    [SIPC_DISCARD_NOT_AWAITED] = {"not_awaited", SIPC_RULE_SND_8},
    [SIPC_DISCARD_CLOSE_SEQ_NR] = {"close_seq_nr", SIPC_RULE_CLS_3a},
    [SIPC_DISCARD_NACK_DISBELIEVED] = {"nack_disbelieved", SIPC_RULE_LNK_4},
};

const char *sipc_discard_name(enum sipc_discard reason)
{
    return (unsigned)reason < SIPC_DISCARD_COUNT ? pdu_discard_rows[reason].name : NULL;
}

enum sipc_rule sipc_discard_rule(enum sipc_discard reason)
{
    return (unsigned)reason < SIPC_DISCARD_COUNT ? pdu_discard_rows[reason].rule : SIPC_RULE_NONE;
}

static bool pdu_is_opcode(int opcode)
{
    return opcode >= SIPC_DATA && opcode <= SIPC_ENQUIRE_LINK_ACK;
}

const char *sipc_opcode_name(int opcode)
{
    static const char *const names[] = {"data",      "data_ack",     "close",
                                        "close_ack", "enquire_link", "enquire_link_ack"};
    return pdu_is_opcode(opcode) ? names[opcode - SIPC_DATA] : NULL;
}

/* ---- decode ---- */

/* Field by field: compilers clear a structure of this size with a string instruction, which takes
 * longer than all the rest of an ordinary decode. */
static inline void pdu_clear(struct sipc_pdu *pdu)
{
    const struct sipc_span none = {NULL, 0};
    pdu->session_id = NULL;
    pdu->window_id = 0;
    pdu->seq_nr = 0;
    pdu->opcode = 0;
    pdu->present = 0;
    pdu->flags = 0;
    pdu->max_window_size = 0;
    pdu->error_code = 0;
    pdu->abort_code = 0;
    pdu->idle_timeout_ms = 0;
    pdu->trace_id = none;
    pdu->options = none;
    pdu->data = none;
}

/* All of these fit, as the PDU has 57 bytes or more. */
static void pdu_read_header(struct sipc__reader *reader, uint16_t *total, struct sipc_pdu *pdu)
{
    SIPC_ASSERT(reader->left >= SIPC_PDU_HEAD_SIZE);
    (void)sipc__read_u16(reader, total);
    pdu->session_id = sipc__take(reader, SIPC_SESSION_ID_SIZE);
    (void)sipc__read_i64(reader, &pdu->window_id);
    (void)sipc__read_i32(reader, &pdu->seq_nr);
    (void)sipc__read_u8(reader, &pdu->opcode);
}

static enum sipc_discard pdu_check_code(struct sipc_pdu *pdu)
{
    int32_t error = pdu->error_code;
    switch (pdu->opcode) {
    case SIPC_CLOSE:
        if (pdu->abort_code == 0)
            pdu->abort_code = SIPC_ABORT_NORMAL;
        if (pdu->abort_code < SIPC_ABORT_NORMAL || pdu->abort_code > PDU_ABORT_CODE_MAX)
            return SIPC_DISCARD_ABORT_CODE;
        break;
    case SIPC_DATA_ACK:
        if (error != 0 && (error < PDU_ACK_ERROR_MIN || error > PDU_ACK_ERROR_MAX))
            return SIPC_DISCARD_ACK_ERROR_CODE;
        break;
    case SIPC_ENQUIRE_LINK_ACK:
        if (error != 0 && (error < PDU_LINK_ERROR_MIN || error > PDU_LINK_ERROR_MAX))
            return SIPC_DISCARD_LINK_ERROR_CODE;
        break;
    default:
        break;
    }
    return SIPC_DISCARD_NONE;
}

/* Options to the end, for a PDU whose fixed fields are good. */
static enum sipc_discard pdu_read_rest(struct sipc__reader *reader, struct sipc_pdu *pdu)
{
    uint32_t bad_values;
    enum sipc_discard reason = sipc__options_decode(reader, pdu, &bad_values);
    if (reason != SIPC_DISCARD_NONE)
        return reason;
    const uint8_t *prefix = sipc__take(reader, SIPC__PDU_PREFIX_SIZE);
    if (prefix == NULL || memcmp(prefix, pdu->session_id, SIPC__PDU_PREFIX_SIZE) != 0)
        return SIPC_DISCARD_SESSION_PREFIX;
    pdu->data = (struct sipc_span){reader->at, reader->left};
    if (bad_values != 0)
        return SIPC_DISCARD_OPTION_VALUE;
    return pdu_check_code(pdu);
}

enum sipc_discard sipc_pdu_decode(struct sipc_span bytes, struct sipc_pdu *pdu)
{
    struct sipc__reader reader = sipc__reader_of(bytes);
    uint16_t total = 0;
    pdu_clear(pdu);
    if (bytes.size < SIPC_PDU_SIZE_MIN)
        return SIPC_DISCARD_TOO_SHORT;
    pdu_read_header(&reader, &total, pdu);
    if (bytes.size > SIPC_PDU_SIZE_MAX)
        return SIPC_DISCARD_TOO_LONG;
    if (total != bytes.size)
        return SIPC_DISCARD_LENGTH_MISMATCH;
    if (pdu->window_id < 0)
        return SIPC_DISCARD_NEGATIVE_WINDOW_ID;
    if (pdu->seq_nr < 0)
        return SIPC_DISCARD_NEGATIVE_SEQ_NR;
    if (!pdu_is_opcode(pdu->opcode))
        return SIPC_DISCARD_OPCODE;
    return pdu_read_rest(&reader, pdu);
}

/* ---- encode ---- */

enum sipc_status sipc_pdu_encode_head(const struct sipc_pdu_parts *parts, size_t data_size,
                                      uint8_t *out, size_t size, size_t *used)
{
    if (parts->window_id < 0 || parts->seq_nr < 0 || !pdu_is_opcode(parts->opcode))
        return SIPC_E_INVALID;
    size_t room = SIPC_PDU_SIZE_MAX - SIPC_PDU_SIZE_MIN;
    if (parts->options.size > room || data_size > room - parts->options.size)
        return SIPC_E_NO_SPACE;
    size_t head_size = SIPC_PDU_SIZE_MIN + parts->options.size;
    if (head_size > size)
        return SIPC_E_NO_SPACE;
    if (parts->options.size > 0 && parts->options.data != out + SIPC_PDU_HEAD_SIZE)
        memcpy(out + SIPC_PDU_HEAD_SIZE, parts->options.data, parts->options.size);
    *used = sipc__write_head(out, parts->session_id, parts->window_id, parts->seq_nr, parts->opcode,
                             parts->options.size, data_size);
    return SIPC_OK;
}

enum sipc_status sipc_pdu_encode(const struct sipc_pdu_parts *parts, uint8_t *out, size_t size,
                                 size_t *used)
{
    size_t data_size = parts->data.size;
    if (data_size > size)
        return SIPC_E_NO_SPACE;
    size_t head_size;
    enum sipc_status status =
        sipc_pdu_encode_head(parts, data_size, out, size - data_size, &head_size);
    if (status != SIPC_OK)
        return status;
    struct sipc__writer writer = {out + head_size, data_size};
    sipc__write_bytes(&writer, parts->data.data, data_size);
    *used = head_size + data_size;
    return SIPC_OK;
}
