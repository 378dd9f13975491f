/* See input.h: records to bytes and back. Every field of a record has its place whether the
 * operation uses it or not; what one does not use is 0 once encoded.
 * SPDX-License-Identifier: MIT */
#include "input/input.h"

#include <string.h>

#include "sipc/base.h"

enum { FORMS_FIRST = SFZ_OPTIONS_CUT + 1, ATTRIBUTES_FIRST = SFZ_FORBIDDEN + 1 };

/* clang-format off */
static const struct sfz_setting_info settings[SFZ_SETTING_COUNT] = {
    [SFZ_MTU]                     = {"mtu", 512, 65500, 512, 1400, {NULL}},
    [SFZ_MAX_WINDOW_SIZE]         = {"max_window_size", 1, 256, 4, 16, {NULL}},
    [SFZ_ACK_TIMEOUT]             = {"ack_timeout_ms", 1, 100000, 1000, 1000, {NULL}},
    [SFZ_MAX_RETRY_COUNT]         = {"max_retry_count", 0, 20, 2, 3, {NULL}},
    [SFZ_OPEN_TIMEOUT]            = {"open_timeout_ms", 0, 1000000, 10000, 10000, {NULL}},
    [SFZ_IDLE_TIMEOUT]            = {"idle_timeout_ms", 0, 1000000, 0, 0, {NULL}},
    [SFZ_MIN_REMOTE_IDLE_TIMEOUT] = {"min_remote_idle_timeout_ms", 0, 1000000, 0, 0, {NULL}},
    [SFZ_MAX_REMOTE_IDLE_TIMEOUT] = {"max_remote_idle_timeout_ms", 0, 1000000, 600000, 600000,
                                     {NULL}},
    [SFZ_ENQUIRE_LINK_INTERVAL]   = {"enquire_link_interval_ms", 0, 1000000, 0, 0, {NULL}},
    [SFZ_LINGER]                  = {"linger_ms", 0, 1000000, 6000, -1, {NULL}},
    [SFZ_ATTRIBUTE_LIMIT]         = {"attribute_limit", 0, 65535, 1024, 30000, {NULL}},
    [SFZ_MAX_SESSIONS]            = {"max_sessions", 1, 4, 3, 1024, {NULL}},
    [SFZ_UNRELIABLE_QUEUE]        = {"unreliable_queue", 0, 64, 2, 64, {NULL}},
    [SFZ_ACCEPT]                  = {"accept", 0, 1, 1, 1, {"false", "true"}},
    [SFZ_REQUIRE_FIRST]           = {"require_first_in_window_group", 0, 1, 1, 1,
                                     {"false", "true"}},
    [SFZ_MANUAL]                  = {"aftermath", 0, 1, 0, 0, {"auto", "manual"}},
    [SFZ_STREAM]                  = {"network", 0, 1, 0, 0, {"datagram", "stream"}},
    [SFZ_WINDOW_ID_STEP]          = {"window_id_step", 2, 100, 100, 100, {NULL}},
    [SFZ_WINDOW_ID_MAX]           = {"window_id_max", 12, SIPC_WINDOW_ID_MAX, SIPC_WINDOW_ID_MAX,
                                     SIPC_WINDOW_ID_MAX, {NULL}},
    [SFZ_GROUP_BYTES_MAX]         = {"group_bytes_max", 512, 65500, 2048, 65500, {NULL}},
};
/* clang-format on */

const struct sfz_setting_info *sfz_setting_info(enum sfz_setting setting)
{
    return &settings[setting];
}

uint64_t sfz_unit_ms(const int64_t values[SFZ_SETTING_COUNT], enum sfz_unit unit)
{
    static const enum sfz_setting units[SFZ_UNIT_COUNT] = {
        [SFZ_T] = SFZ_ACK_TIMEOUT,          [SFZ_OPEN_UNIT] = SFZ_OPEN_TIMEOUT,
        [SFZ_IDLE_UNIT] = SFZ_IDLE_TIMEOUT, [SFZ_ENQUIRE_UNIT] = SFZ_ENQUIRE_LINK_INTERVAL,
        [SFZ_LINGER_UNIT] = SFZ_LINGER,
    };
    return (uint64_t)values[units[unit]];
}

const uint8_t *sfz_session_id(unsigned session)
{
    /* two differ in their first byte alone, the other two in their last */
    static const char *const ids[SFZ_SESSIONS] = {
        "0-session-of-an-input-of-fuzz-01", "session-1-of-an-input-of-fuzz-01",
        "2-session-of-an-input-of-fuzz-01", "session-1-of-an-input-of-fuzz-03"};

    return (const uint8_t *)ids[session % SFZ_SESSIONS];
}

/* ---- bytes ---- */

static uint64_t get(const uint8_t *bytes, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static void put(uint8_t *bytes, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static size_t slots_of(uint8_t op, uint32_t value)
{
    if (op == SFZ_PDU || op == SFZ_PRESET)
        return 3;
    if (op == SFZ_RAW)
        return 1 + (value % (SFZ_RAW_MAX + 1) + SFZ_SLOT - 1) / SFZ_SLOT;
    return op == SFZ_SET ? 2 : 1;
}

/* Brings a value into a setting's range; one in it stays. */
static int64_t in_range(int64_t value, int64_t low, int64_t high)
{
    if (value >= low && value <= high)
        return value;
    return low + (int64_t)((uint64_t)value % (uint64_t)(high - low + 1));
}

/* ---- decode ---- */

/* A number of a list of `count`, of which `first` were there at the beginning: what was none then
 * stays what it was. */
static uint8_t one_of(uint8_t number, uint8_t first, uint8_t count)
{
    return number < count ? number : number % first;
}

static void decode_pdu(const uint8_t *at, struct sfz_record *record)
{
    record->opcode = record->kind;
    record->kind = 0;
    record->anchor = at[4] % SFZ_ANCHOR_COUNT;
    record->form = one_of(at[5], FORMS_FIRST, SFZ_FORM_COUNT);
    record->seq_nr = (uint16_t)get(at + 6, 2);
    record->id = (int64_t)get(at + 8, 8);
    record->size = (uint16_t)get(at + 16, 2);
    record->code = (int16_t)get(at + 18, 2);
    record->limit = (uint16_t)get(at + 20, 2);
    record->from = at[22] % 251;
    record->flags &= 31;
    record->value = 0;
}

static void decode_preset(const uint8_t *at, struct sfz_record *record)
{
    record->anchor = at[4] % 2;
    record->anchor2 = at[5] % 2;
    record->id = (int64_t)get(at + 8, 8);
    record->id2 = (int64_t)get(at + 16, 8);
    record->flags &= SFZ_PROCESSED | SFZ_NO_MIN;
    if ((record->flags & SFZ_NO_MIN) != 0) {
        record->flags = SFZ_NO_MIN;
        record->anchor2 = 0;
        record->id2 = 0;
    }
    record->value = 0;
}

static void decode_send(struct sfz_record *record)
{
    record->kind = one_of(record->kind, ATTRIBUTES_FIRST, SFZ_ATTRIBUTES_COUNT);
    record->flags &= SFZ_SKIP | SFZ_UNRELIABLE;
    record->size = (uint16_t)record->value;
    record->from = (uint8_t)((record->value >> 16 & 0xff) % 251);
    record->value = 0;
}

/* What an operation does not use is 0. */
static void decode_small(struct sfz_record *record)
{
    switch (record->op) {
    case SFZ_SHUTDOWN:
        record->who = 0;
        /* fall through */
    case SFZ_OPEN:
        record->kind = record->flags = 0;
        record->value %= 1000001;
        break;
    case SFZ_CLOSE:
    case SFZ_DISPOSE:
        record->kind = record->flags = 0;
        record->value = 1 + (record->value + 98) % 99;
        break;
    case SFZ_SENT:
        record->who &= 16;
        record->flags &= SFZ_FAILED;
        record->value = 0;
        break;
    case SFZ_WAIT:
        record->who = 0;
        record->kind %= SFZ_UNIT_COUNT;
        record->flags %= 3;
        record->value %= SFZ_WAIT_MAX + 1;
        break;
    case SFZ_FAULT:
        record->who &= 16;
        record->kind %= SFZ_FAULT_COUNT;
        record->flags = 0;
        record->value %= 100000;
        break;
    case SFZ_REPEAT:
        record->flags = 0;
        record->value = 0;
        break;
    default:
        break;
    }
}

size_t sfz_record_decode(const uint8_t *bytes, size_t size, struct sfz_record *record)
{
    uint8_t whole[3 * SFZ_SLOT] = {0};
    const uint8_t *at = bytes;

    if (size < sizeof whole) {
        memcpy(whole, bytes, size);
        at = whole;
    }
    *record = (struct sfz_record){.op = at[0],
                                  .who = at[1] & 31,
                                  .kind = at[2],
                                  .flags = at[3],
                                  .value = (uint32_t)get(at + 4, 4)};
    size_t used = slots_of(record->op, record->value) * SFZ_SLOT;
    if (record->op == SFZ_RAW) {
        record->kind = record->flags = 0;
        record->raw_size = (uint16_t)(record->value % (SFZ_RAW_MAX + 1));
        record->raw = bytes + SFZ_SLOT;
        size_t left = size > SFZ_SLOT ? size - SFZ_SLOT : 0;
        if (record->raw_size > left)
            record->raw_size = (uint16_t)left;
        record->value = 0;
    } else if (record->op == SFZ_PDU) {
        decode_pdu(at, record);
    } else if (record->op == SFZ_PRESET) {
        decode_preset(at, record);
    } else if (record->op == SFZ_SET) {
        record->who = record->flags = 0;
        record->id = (int64_t)get(at + 8, 8);
        record->value = 0;
    } else if (record->op == SFZ_SEND) {
        decode_send(record);
    } else {
        decode_small(record);
    }
    return used < size ? used : size;
}

/* Small worlds have to make sense: a ring of three steps at least, groups that hold a PDU. */
static void settle_settings(int64_t *values)
{
    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        values[i] = in_range(values[i], settings[i].low, settings[i].high);
    if (values[SFZ_WINDOW_ID_MAX] < 3 * values[SFZ_WINDOW_ID_STEP])
        values[SFZ_WINDOW_ID_MAX] = 3 * values[SFZ_WINDOW_ID_STEP];
    if (values[SFZ_GROUP_BYTES_MAX] < values[SFZ_MTU])
        values[SFZ_GROUP_BYTES_MAX] = values[SFZ_MTU];
}

enum sfz_mark sfz_mark(const uint8_t *bytes, size_t size, unsigned *version)
{
    if (size < SFZ_MARK_SIZE || memcmp(bytes, SFZ_MARK, SFZ_MARK_SIZE - 1) != 0)
        return SFZ_UNMARKED;
    *version = (unsigned)bytes[SFZ_MARK_SIZE - 1] - '0';
    return *version == SFZ_VERSION ? SFZ_MARKED : SFZ_OTHER_VERSION;
}

void sfz_decode(const uint8_t *bytes, size_t size, struct sfz_input *input)
{
    unsigned version;
    size_t at = sfz_mark(bytes, size, &version) == SFZ_MARKED ? SFZ_MARK_SIZE : 0;

    input->count = 0;
    for (int i = 0; i < SFZ_SETTING_COUNT; i++)
        input->settings[i] = settings[i].usual;
    for (size_t taken = 0; at < size && taken < SFZ_RECORDS_MAX; taken++) {
        struct sfz_record *record = &input->records[input->count];
        at += sfz_record_decode(bytes + at, size - at, record);
        if (record->op == SFZ_SET && record->kind < SFZ_SETTING_COUNT)
            input->settings[record->kind] = record->id;
        else if (record->op != SFZ_NOP && record->op != SFZ_SET && record->op < SFZ_OP_COUNT)
            input->count++;
    }
    settle_settings(input->settings);
}

/* ---- encode ---- */

static void encode_pdu(const struct sfz_record *record, uint8_t *out)
{
    out[2] = record->opcode;
    out[4] = record->anchor;
    out[5] = record->form;
    put(out + 6, record->seq_nr, 2);
    put(out + 8, (uint64_t)record->id, 8);
    put(out + 16, record->size, 2);
    put(out + 18, (uint16_t)record->code, 2);
    put(out + 20, record->limit, 2);
    out[22] = record->from;
}

size_t sfz_record_encode(const struct sfz_record *record, uint8_t *out, size_t size)
{
    size_t used = slots_of(record->op, record->raw_size) * SFZ_SLOT;

    if (used > size)
        return 0;
    memset(out, 0, used);
    out[0] = record->op;
    out[1] = record->who;
    out[2] = record->kind;
    out[3] = record->flags;
    put(out + 4, record->value, 4);
    switch (record->op) {
    case SFZ_PDU:
        encode_pdu(record, out);
        break;
    case SFZ_PRESET:
        out[4] = record->anchor;
        out[5] = record->anchor2;
        put(out + 8, (uint64_t)record->id, 8);
        put(out + 16, (uint64_t)record->id2, 8);
        break;
    case SFZ_SET:
        put(out + 8, (uint64_t)record->id, 8);
        break;
    case SFZ_RAW:
        put(out + 4, record->raw_size, 4);
        if (record->raw_size > 0)
            memcpy(out + SFZ_SLOT, record->raw, record->raw_size);
        break;
    case SFZ_SEND:
        put(out + 4, record->size | (uint32_t)record->from << 16, 4);
        break;
    default:
        break;
    }
    return used;
}

size_t sfz_encode(const struct sfz_input *input, uint8_t *out, size_t size)
{
    size_t used = SFZ_MARK_SIZE, more;

    if (size < SFZ_MARK_SIZE)
        return 0;
    memcpy(out, SFZ_MARK, SFZ_MARK_SIZE - 1);
    out[SFZ_MARK_SIZE - 1] = '0' + SFZ_VERSION;
    for (int i = 0; i < SFZ_SETTING_COUNT; i++) {
        struct sfz_record set = {.op = SFZ_SET, .kind = (uint8_t)i, .id = input->settings[i]};
        if (input->settings[i] == settings[i].usual)
            continue;
        more = sfz_record_encode(&set, out + used, size - used);
        if (more == 0)
            return 0;
        used += more;
    }
    for (size_t i = 0; i < input->count; i++) {
        more = sfz_record_encode(&input->records[i], out + used, size - used);
        if (more == 0)
            return 0;
        used += more;
    }
    return used;
}
