/* See pdu.h.
 * SPDX-License-Identifier: MIT */
#include "play/pdu.h"

#include <string.h>

static const uint8_t ids[SFZ_SESSIONS][SIPC_SESSION_ID_SIZE] = {
    "0-session-of-an-input-of-fuzz-01", "session-1-of-an-input-of-fuzz-01",
    "2-session-of-an-input-of-fuzz-01", "session-3-of-an-input-of-fuzz-01"};
enum { PREFIX = 8 };

const uint8_t *fuzz_session_id(unsigned session)
{
    return ids[session % SFZ_SESSIONS];
}

int fuzz_session_of(const uint8_t *id)
{
    for (int i = 0; id != NULL && i < SFZ_SESSIONS; i++)
        if (memcmp(id, ids[i], SIPC_SESSION_ID_SIZE) == 0)
            return i;
    return -1;
}

/* ---- options ---- */

struct options {
    uint8_t *out;
    size_t size, used;
};

static void add_text(struct options *options, const char *name, const char *value)
{
    struct sipc_span n = {(const uint8_t *)name, strlen(name)};
    struct sipc_span v = {(const uint8_t *)value, strlen(value)};

    SIPC_ASSERT(sipc_option_encode(n, v, options->out, options->size, &options->used) == SIPC_OK);
}

static void add_integer(struct options *options, uint32_t id, int32_t value)
{
    SIPC_ASSERT(sipc_option_encode_int(id, value, options->out, options->size, &options->used) ==
                SIPC_OK);
}

static void add_booleans(struct options *options, const struct sfz_record *record,
                         const char *value)
{
    for (unsigned bit = 0; bit < 5; bit++)
        if ((record->flags >> bit & 1) != 0)
            add_text(options, sipc_option_wire_name(1u << bit), value);
}

static uint32_t code_option(unsigned opcode)
{
    if (opcode == SIPC_CLOSE)
        return SIPC_OPT_ABORT_CODE;
    return opcode == SIPC_DATA ? SIPC_OPT_IDLE_TIMEOUT : SIPC_OPT_ERROR_CODE;
}

static void add_form(struct options *options, enum sfz_form form)
{
    switch (form) {
    case SFZ_WITH_OTHER:
        add_text(options, "colour", "blue");
        break;
    case SFZ_WITH_TRACE_ID:
        add_text(options, "s_traceId", "t-1");
        break;
    case SFZ_BAD_BOOLEAN:
        add_text(options, "s_01", "yes");
        break;
    case SFZ_BAD_INTEGER:
        add_text(options, "s_20", "4x");
        break;
    case SFZ_LONG_ATTRIBUTE:
        add_text(options, "s_e_0", "4:longvalue");
        break;
    case SFZ_BROKEN_ATTRIBUTE:
        add_text(options, "s_e_0", "nothing");
        break;
    default:
        break;
    }
}

size_t fuzz_pdu_options(const struct sfz_record *record, uint8_t *out, size_t size)
{
    struct options options = {out, size, 0};

    if (record->form == SFZ_TWICE)
        add_booleans(&options, record, "False");
    add_booleans(&options, record,
                 record->form == SFZ_LOWER_CASE ? "true"
                 : record->form == SFZ_FALSE    ? "False"
                                                : "True");
    if (record->limit != 0)
        add_integer(&options, SIPC_OPT_MAX_WINDOW_SIZE, record->limit);
    if (record->code != 0)
        add_integer(&options, code_option(record->opcode), record->code);
    add_form(&options, (enum sfz_form)record->form);
    return options.used;
}

/* ---- building ---- */

void fuzz_pattern(uint8_t *out, uint64_t from, size_t size)
{
    enum { ROUND = 251 };
    static uint8_t rounds[2 * ROUND];

    if (rounds[1] == 0)
        for (size_t i = 0; i < sizeof rounds; i++)
            rounds[i] = (uint8_t)(i % ROUND);
    for (size_t at = 0; at < size; at += ROUND)
        memcpy(out + at, rounds + from % ROUND, size - at < ROUND ? size - at : ROUND);
}

static void put_big(uint8_t *out, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        out[i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

size_t fuzz_pdu_build(const struct sfz_record *record, int64_t window_id, uint8_t *out)
{
    const uint8_t *id = fuzz_session_id(sfz_session(record->who));
    size_t at = SIPC_PDU_HEAD_SIZE, data = record->size;

    at += fuzz_pdu_options(record, out + at, 512);
    if (record->form == SFZ_OPTIONS_CUT && at > SIPC_PDU_HEAD_SIZE)
        at--;
    const size_t room = SIPC_PDU_SIZE_MAX - at - 2 - PREFIX;
    if (record->form == SFZ_LONGEST || record->form == SFZ_TOO_LONG)
        data = room + (record->form == SFZ_TOO_LONG);
    else if (data > room - 1)
        data = room - 1;
    memset(out + at, 0, 2);
    memcpy(out + at + 2, id, PREFIX);
    if (record->form == SFZ_WRONG_PREFIX)
        out[at + 2] ^= 0xff;
    at += 2 + PREFIX;
    fuzz_pattern(out + at, record->from, data);
    at += data;
    put_big(out, at + (record->form == SFZ_WRONG_LENGTH), 2);
    memcpy(out + 2, id, SIPC_SESSION_ID_SIZE);
    put_big(out + 34, (uint64_t)window_id, 8);
    put_big(out + 42, record->seq_nr, 4);
    out[46] = record->opcode;
    if (record->form == SFZ_CUT)
        at--;
    if (record->form == SFZ_EXTENDED)
        out[at++] = 0;
    return at;
}

/* ---- the other way ---- */

static void raw_record(struct sipc_span bytes, struct sfz_record *record)
{
    *record = (struct sfz_record){
        .op = SFZ_RAW, .who = record->who, .raw = bytes.data, .raw_size = (uint16_t)bytes.size};
}

static bool read_fields(struct sipc_span bytes, bool alike, struct sfz_record *record)
{
    struct sipc_pdu pdu;

    if (sipc_pdu_decode(bytes, &pdu) != SIPC_DISCARD_NONE)
        return false;
    int session = fuzz_session_of(pdu.session_id);
    int32_t code = pdu.opcode == SIPC_CLOSE
                       ? (pdu.present & SIPC_OPT_ABORT_CODE ? pdu.abort_code : 0)
                   : pdu.opcode == SIPC_DATA ? pdu.idle_timeout_ms
                                             : pdu.error_code;
    if (session < 0 || pdu.seq_nr > UINT16_MAX || pdu.max_window_size < 0 ||
        pdu.max_window_size > UINT16_MAX || code < INT16_MIN || code > INT16_MAX)
        return false;
    *record = (struct sfz_record){.op = SFZ_PDU,
                                  .who = (uint8_t)((record->who & ~3u) | (unsigned)session),
                                  .opcode = pdu.opcode,
                                  .flags = (uint8_t)pdu.flags,
                                  .id = pdu.window_id,
                                  .seq_nr = (uint16_t)pdu.seq_nr,
                                  .size = (uint16_t)pdu.data.size,
                                  .from = pdu.data.size > 0 ? pdu.data.data[0] % 251 : 0,
                                  .code = (int16_t)code,
                                  .limit = (uint16_t)pdu.max_window_size};
    static uint8_t again[FUZZ_PDU_MAX];
    for (unsigned form = 0; form < SFZ_FORM_COUNT; form++) {
        if (form >= SFZ_LONGEST && bytes.size < SIPC_PDU_SIZE_MAX)
            break;
        record->form = (uint8_t)form;
        if (form == SFZ_FALSE || form == SFZ_TWICE)
            record->flags = (uint8_t)(pdu.present & 31);
        else
            record->flags = (uint8_t)pdu.flags;
        size_t size = fuzz_pdu_build(record, record->id, again);
        size_t compared = alike ? size - pdu.data.size : size;
        if (size == bytes.size && memcmp(again, bytes.data, compared) == 0)
            return true;
    }
    return false;
}

/* Of a PDU that is one byte too long the fields are those of one without that byte. */
static bool read_too_long(struct sipc_span bytes, bool alike, struct sfz_record *record)
{
    static uint8_t shorter[SIPC_PDU_SIZE_MAX], again[FUZZ_PDU_MAX];
    const size_t compared = alike ? SIPC_PDU_SIZE_MIN : FUZZ_PDU_MAX;

    if (bytes.size != FUZZ_PDU_MAX)
        return false;
    memcpy(shorter, bytes.data, sizeof shorter);
    put_big(shorter, sizeof shorter, 2);
    if (!read_fields((struct sipc_span){shorter, sizeof shorter}, alike, record))
        return false;
    record->form = SFZ_TOO_LONG;
    return fuzz_pdu_build(record, record->id, again) == bytes.size &&
           memcmp(again, bytes.data, compared) == 0;
}

bool fuzz_pdu_record(struct sipc_span bytes, bool alike, struct sfz_record *record)
{
    if (read_fields(bytes, alike, record) || read_too_long(bytes, alike, record))
        return true;
    raw_record(bytes, record);
    return bytes.size <= SFZ_RAW_MAX;
}
