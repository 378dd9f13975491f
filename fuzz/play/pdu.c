/* See pdu.h.
 * SPDX-License-Identifier: MIT */
#include "play/pdu.h"

#include <string.h>

enum { PREFIX = 8, FLAGS = 2 * SIPC_OPT_IS_WINDOW_FULL - 1 /* the booleans, as their bits */ };

int fuzz_session_of(const uint8_t *id)
{
    for (int i = 0; id != NULL && i < SFZ_SESSIONS; i++)
        if (memcmp(id, sfz_session_id((unsigned)i), SIPC_SESSION_ID_SIZE) == 0)
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

size_t fuzz_pdu_data_size(const struct sfz_record *record, size_t options)
{
    const size_t room = SIPC_PDU_SIZE_MAX - SIPC_PDU_SIZE_MIN - options;

    if (record->form == SFZ_LONGEST || record->form == SFZ_TOO_LONG)
        return room + (record->form == SFZ_TOO_LONG);
    return record->size < room ? record->size : room - 1;
}

static uint64_t get_big(const uint8_t *bytes, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

size_t fuzz_pdu_build(const struct sfz_record *record, int64_t window_id, uint8_t *out)
{
    const uint8_t *id = sfz_session_id(sfz_session(record->who));
    size_t at = SIPC_PDU_HEAD_SIZE;

    at += fuzz_pdu_options(record, out + at, 512);
    if (record->form == SFZ_OPTIONS_CUT && at > SIPC_PDU_HEAD_SIZE)
        at--;
    const size_t data = fuzz_pdu_data_size(record, at - SIPC_PDU_HEAD_SIZE);
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

/* What options say, as far as they can be read; *present: the booleans among them. What is left. */
static struct sipc_span read_options(struct sipc_span options, struct sfz_record *record,
                                     uint32_t *present)
{
    struct sipc_option option;
    int32_t number;
    bool flag;

    *present = 0;
    while (sipc_option_next(&options, &option)) {
        if ((option.id & FLAGS) != 0 && sipc_option_parse_bool(option.value, &flag)) {
            *present |= option.id;
            record->flags =
                (uint8_t)(flag ? record->flags | option.id : record->flags & ~option.id);
        } else if (option.id == SIPC_OPT_MAX_WINDOW_SIZE &&
                   sipc_option_parse_int(option.value, &number) && number <= UINT16_MAX) {
            record->limit = (uint16_t)number;
        } else if (option.id == code_option(record->opcode) &&
                   sipc_option_parse_int(option.value, &number)) {
            record->code = (int16_t)number;
        }
    }
    return options;
}

/* Whether the record, with data from `data` on, gives these bytes. */
static bool gives(const struct sfz_record *record, struct sipc_span bytes, bool alike, size_t data)
{
    static uint8_t again[FUZZ_PDU_MAX];
    size_t size = fuzz_pdu_build(record, record->id, again);

    return size == bytes.size && memcmp(again, bytes.data, alike && data < size ? data : size) == 0;
}

static void read_data(struct sipc_span bytes, size_t data, struct sfz_record *record)
{
    size_t end = bytes.size + (record->form == SFZ_CUT) - (record->form == SFZ_EXTENDED);

    record->from = data < bytes.size ? bytes.data[data] % 251 : 0;
    record->size = (uint16_t)(end > data ? end - data : 0);
}

/* The last byte of the options is missing: it is e of a boolean, or 1 is as good as any. */
static bool read_cut_options(struct sipc_span bytes, bool alike, struct sfz_record *record)
{
    const struct sfz_record head = *record;
    uint8_t options[512];
    size_t end = SIPC_PDU_HEAD_SIZE;
    uint32_t present;

    while (end + 2 + PREFIX <= bytes.size &&
           (get_big(bytes.data + end, 2) != 0 ||
            memcmp(bytes.data + end + 2, bytes.data + 2, PREFIX) != 0))
        end++;
    const size_t size = end - SIPC_PDU_HEAD_SIZE, data = end + 2 + PREFIX;
    if (data > bytes.size || size >= sizeof options)
        return false;
    memcpy(options, bytes.data + SIPC_PDU_HEAD_SIZE, size);
    for (int i = 0; i < 2; i++) {
        *record = head;
        record->form = SFZ_OPTIONS_CUT;
        options[size] = (uint8_t) "e1"[i];
        (void)read_options((struct sipc_span){options, size + 1}, record, &present);
        read_data(bytes, data, record);
        if (gives(record, bytes, alike, data))
            return true;
    }
    return false;
}

/* Whether an SFZ_PDU has these bytes. What the decoder refuses is read all the same: that the
 * record gives the same bytes is what decides. */
static bool read_fields(struct sipc_span bytes, bool alike, struct sfz_record *record)
{
    const unsigned who = record->who & ~3u;
    struct sfz_record head;
    uint32_t present;

    if (bytes.size < SIPC_PDU_HEAD_SIZE)
        return false;
    int session = fuzz_session_of(bytes.data + 2);
    uint64_t seq_nr = get_big(bytes.data + 42, 4);
    if (session < 0 || seq_nr > UINT16_MAX)
        return false;
    head = (struct sfz_record){.op = SFZ_PDU,
                               .who = (uint8_t)(who | (unsigned)session),
                               .opcode = bytes.data[46],
                               .id = (int64_t)get_big(bytes.data + 34, 8),
                               .seq_nr = (uint16_t)seq_nr};
    *record = head;
    struct sipc_span rest = {bytes.data + SIPC_PDU_HEAD_SIZE, bytes.size - SIPC_PDU_HEAD_SIZE};
    rest = read_options(rest, record, &present);
    const size_t data = (size_t)(rest.data - bytes.data) + 2 + PREFIX;
    const uint8_t flags = record->flags;
    for (unsigned form = 0; form < SFZ_FORM_COUNT; form++) {
        if (form >= SFZ_LONGEST && bytes.size < SIPC_PDU_SIZE_MAX)
            break;
        record->form = (uint8_t)form;
        record->flags = form == SFZ_FALSE || form == SFZ_TWICE ? (uint8_t)present : flags;
        read_data(bytes, data, record);
        if (gives(record, bytes, alike, data))
            return true;
    }
    *record = head;
    return read_cut_options(bytes, alike, record);
}

bool fuzz_pdu_record(struct sipc_span bytes, bool alike, struct sfz_record *record)
{
    const uint8_t who = record->who;

    if (read_fields(bytes, alike, record))
        return true;
    record->who = who;
    raw_record(bytes, record);
    return bytes.size <= SFZ_RAW_MAX;
}
