/* Options: their form on the wire (OPT-1, OPT-2), the known ones and their values (OPT-3 to OPT-6),
 * and long attributes (OPT-7, OPT-8).
 *
 * Decoding looks at every byte once and keeps nothing but views. The first lines of the way are the
 * fast ones: all booleans and the window size have names of four bytes, compared as one integer.
 * SPDX-License-Identifier: MIT */
#include "options.h"

enum {
    OPTION_OVERHEAD = 5, /* L, NUL, L */
    OPTION_TEXT_MAX = UINT16_MAX - 1,
    OPTION_NAME_4 = 4, /* bytes of "s_00" */
    OPTION_BOOLEANS = SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW |
                      SIPC_OPT_LAST_IN_WINDOW_GROUP | SIPC_OPT_SKIP | SIPC_OPT_IS_WINDOW_FULL,
    OPTION_INTEGERS = SIPC_OPT_MAX_WINDOW_SIZE | SIPC_OPT_ERROR_CODE | SIPC_OPT_ABORT_CODE |
                      SIPC_OPT_IDLE_TIMEOUT,
};

/* Four chars as the integer that sipc__load_u32 makes of them. */
#define OPTION_CHARS(a, b, c, d)                                                                   \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* OPT-3, by bit number of enum sipc_option_id. */
static const struct option_row {
    const char *wire;
    const char *spec;
    uint8_t wire_size;
} option_rows[] = {
#define OPTION_ROW(wire, spec)                                                                     \
    {                                                                                              \
        wire, spec, sizeof wire - 1                                                                \
    }
    OPTION_ROW("s_00", "first_in_window_group"),  OPTION_ROW("s_01", "last_in_window"),
    OPTION_ROW("s_02", "last_in_window_group"),   OPTION_ROW("s_03", "skip"),
    OPTION_ROW("s_10", "is_window_full"),         OPTION_ROW("s_20", "max_window_size"),
    OPTION_ROW("s_error_code", "error_code"),     OPTION_ROW("s_abort_code", "abort_code"),
    OPTION_ROW("s_idle_timeout", "idle_timeout"), OPTION_ROW("s_traceId", "trace_id"),
#undef OPTION_ROW
};
enum { OPTION_ROWS = sizeof option_rows / sizeof option_rows[0] };

/* The row of one known option; NULL for sets, none, and long attributes. */
static const struct option_row *option_row(uint32_t id)
{
    if (id == 0 || (id & (id - 1)) != 0 || id >= 1u << OPTION_ROWS)
        return NULL;
    return &option_rows[__builtin_ctz(id)];
}

const char *sipc_option_wire_name(uint32_t id)
{
    const struct option_row *row = option_row(id);
    return row == NULL ? NULL : row->wire;
}

const char *sipc_option_spec_name(uint32_t id)
{
    const struct option_row *row = option_row(id);
    return row == NULL ? NULL : row->spec;
}

/* ---- names ---- */

static uint32_t option_find_long_name(struct sipc_span name)
{
    for (unsigned i = 0; i < OPTION_ROWS; i++)
        if (option_rows[i].wire_size == name.size &&
            memcmp(option_rows[i].wire, name.data, name.size) == 0)
            return 1u << i;
    return 0;
}

static inline uint32_t option_find_4(uint32_t name)
{
    switch (name) {
    case OPTION_CHARS('s', '_', '0', '0'):
        return SIPC_OPT_FIRST_IN_WINDOW_GROUP;
    case OPTION_CHARS('s', '_', '0', '1'):
        return SIPC_OPT_LAST_IN_WINDOW;
    case OPTION_CHARS('s', '_', '0', '2'):
        return SIPC_OPT_LAST_IN_WINDOW_GROUP;
    case OPTION_CHARS('s', '_', '0', '3'):
        return SIPC_OPT_SKIP;
    case OPTION_CHARS('s', '_', '1', '0'):
        return SIPC_OPT_IS_WINDOW_FULL;
    case OPTION_CHARS('s', '_', '2', '0'):
        return SIPC_OPT_MAX_WINDOW_SIZE;
    default:
        return 0;
    }
}

static inline uint32_t option_find(struct sipc_span name)
{
    if (name.size < OPTION_NAME_4)
        return 0;
    uint32_t start = sipc__load_u32(name.data);
    if (start == OPTION_CHARS('s', '_', 'e', '_'))
        return SIPC_OPT_LONG_ATTRIBUTE;
    if (name.size == OPTION_NAME_4)
        return option_find_4(start);
    return start >> 16 == ('s' << 8 | '_') ? option_find_long_name(name) : 0;
}

uint32_t sipc_option_find(struct sipc_span name)
{
    return option_find(name);
}

/* ---- values ---- */

/* Booleans come in any letter case (OPT-4): setting bit 5 makes a small letter of a capital, and
 * takes nothing but these two to a small letter. */
#define OPTION_SMALL_LETTERS OPTION_CHARS(' ', ' ', ' ', ' ')

static inline bool option_parse_bool(struct sipc_span value, bool *out)
{
    if (value.size != 4 && value.size != 5)
        return false;
    uint32_t start = sipc__load_u32(value.data) | OPTION_SMALL_LETTERS;
    *out = value.size == 4;
    if (value.size == 4)
        return start == OPTION_CHARS('t', 'r', 'u', 'e');
    return start == OPTION_CHARS('f', 'a', 'l', 's') &&
           (sipc__load_u32(value.data + 1) | OPTION_SMALL_LETTERS) ==
               OPTION_CHARS('a', 'l', 's', 'e');
}

bool sipc_option_parse_bool(struct sipc_span value, bool *out)
{
    bool parsed;
    if (!option_parse_bool(value, &parsed))
        return false;
    *out = parsed;
    return true;
}

bool sipc_option_parse_int(struct sipc_span value, int32_t *out)
{
    struct sipc__reader reader = sipc__reader_of(value);
    uint8_t byte;
    if (!sipc__read_u8(&reader, &byte))
        return false;
    bool negative = byte == '-';
    if ((byte == '-' || byte == '+') && !sipc__read_u8(&reader, &byte))
        return false;
    int64_t limit = negative ? -(int64_t)INT32_MIN : INT32_MAX;
    int64_t magnitude = 0;
    do {
        if (byte < '0' || byte > '9')
            return false;
        magnitude = magnitude * 10 + (byte - '0');
        if (magnitude > limit)
            return false;
    } while (sipc__read_u8(&reader, &byte));
    *out = (int32_t)(negative ? -magnitude : magnitude);
    return true;
}

/* ---- decode ---- */

/* The rest of an option whose first L is `length`, at least 1. */
static inline enum sipc_discard option_read(struct sipc__reader *reader, uint16_t length,
                                            struct sipc_option *option)
{
    if (!sipc__read_until_nul(reader, length, &option->name))
        return reader->left < length ? SIPC_DISCARD_OPTION_CUT : SIPC_DISCARD_OPTION_NAME;
    uint16_t again;
    if (!sipc__read_u16(reader, &again))
        return SIPC_DISCARD_OPTION_CUT;
    if (again != length)
        return SIPC_DISCARD_OPTION_LENGTHS;
    if (!sipc__read_span(reader, length - option->name.size - 1, &option->value))
        return SIPC_DISCARD_OPTION_CUT;
    option->id = option_find(option->name);
    return SIPC_DISCARD_NONE;
}

bool sipc_option_next(struct sipc_span *rest, struct sipc_option *option)
{
    struct sipc__reader reader = sipc__reader_of(*rest);
    uint16_t length;
    if (!sipc__read_u16(&reader, &length) || length == 0)
        return false;
    if (option_read(&reader, length, option) != SIPC_DISCARD_NONE)
        return false;
    *rest = (struct sipc_span){reader.at, reader.left};
    return true;
}

static int32_t *option_integer_field(struct sipc_pdu *pdu, uint32_t id)
{
    switch (id) {
    case SIPC_OPT_MAX_WINDOW_SIZE:
        return &pdu->max_window_size;
    case SIPC_OPT_ERROR_CODE:
        return &pdu->error_code;
    case SIPC_OPT_ABORT_CODE:
        return &pdu->abort_code;
    default:
        return &pdu->idle_timeout_ms;
    }
}

/* Takes a known option into *pdu, in place of an earlier one of its name. Whether its value is
 * good: a bad one may still be followed by the one that counts (OPT-5). */
static inline bool option_apply(const struct sipc_option *option, struct sipc_pdu *pdu)
{
    if ((option->id & OPTION_BOOLEANS) != 0) {
        bool value;
        if (!option_parse_bool(option->value, &value))
            return false;
        pdu->flags = (pdu->flags & ~option->id) | (value * option->id);
        return true;
    }
    if ((option->id & OPTION_INTEGERS) != 0)
        return sipc_option_parse_int(option->value, option_integer_field(pdu, option->id));
    if (option->id == SIPC_OPT_TRACE_ID)
        pdu->trace_id = option->value;
    return true;
}

/* A boolean that is true, the bulk of what PDUs carry, seen whole and taken in one step: L, four
 * chars, NUL, L, "True". Its id; 0, with nothing taken, if anything else comes. */
static inline uint32_t option_take_true(struct sipc__reader *reader)
{
    enum { LENGTH = OPTION_NAME_4 + 1 + 4, SIZE = LENGTH + 4 };
    const uint8_t *at = sipc__peek(reader, SIZE);
    if (at == NULL || sipc__load_u16(at) != LENGTH ||
        ((sipc__load_u64(at + 5) & UINT64_C(0xffffffffffffff)) | OPTION_SMALL_LETTERS) !=
            ((uint64_t)LENGTH << 32 | OPTION_CHARS('t', 'r', 'u', 'e'))) /* behind the name */
        return 0;
    uint32_t id = option_find_4(sipc__load_u32(at + 2)) & OPTION_BOOLEANS;
    if (id != 0)
        (void)sipc__take(reader, SIZE);
    return id;
}

/* The rest of a window size, which most acks carry, behind an L of `length`: four chars, NUL, L,
 * digits. false, with nothing taken, if anything else comes. */
static inline bool option_take_window_size(struct sipc__reader *reader, uint32_t length,
                                           int32_t *size)
{
    enum { HEAD = OPTION_NAME_4 + 3, DIGITS_MAX = 5 };
    const uint8_t *at = sipc__peek(reader, HEAD + DIGITS_MAX);
    uint32_t digits = length - (OPTION_NAME_4 + 1); /* huge if it is less */
    uint32_t value = 0;
    if (at == NULL || digits - 1 >= DIGITS_MAX ||
        sipc__load_u32(at) != OPTION_CHARS('s', '_', '2', '0') ||
        (sipc__load_u32(at + 3) & 0xffffff) != length) /* after the last char of the name */
        return false;
    for (uint32_t i = 0; i < digits; i++) {
        uint32_t digit = at[HEAD + i] - (uint32_t)'0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *size = (int32_t)value;
    (void)sipc__take(reader, HEAD + digits);
    return true;
}

enum sipc_discard sipc__options_decode(struct sipc__reader *reader, struct sipc_pdu *pdu,
                                       uint32_t *bad_values)
{
    struct sipc__reader rest = *reader;
    enum sipc_discard reason;
    size_t options_size;
    uint32_t bad = 0;
    for (;;) {
        uint16_t length;
        uint32_t id = option_take_true(&rest);
        if (id != 0) {
            pdu->present |= id;
            pdu->flags |= id;
            bad &= ~id;
            continue;
        }
        options_size = reader->left - rest.left;
        reason = SIPC_DISCARD_OPTION_CUT;
        if (!sipc__read_u16(&rest, &length))
            break;
        reason = SIPC_DISCARD_NONE;
        if (length == 0)
            break;
        if (option_take_window_size(&rest, length, &pdu->max_window_size)) {
            pdu->present |= SIPC_OPT_MAX_WINDOW_SIZE;
            bad &= ~(uint32_t)SIPC_OPT_MAX_WINDOW_SIZE;
            continue;
        }
        struct sipc_option option;
        struct sipc__reader own = rest; /* so that `rest`, never shared, stays in registers */
        reason = option_read(&own, length, &option);
        rest = own;
        if (reason != SIPC_DISCARD_NONE)
            break;
        pdu->present |= option.id != 0 ? option.id : (uint32_t)SIPC_OPT_OTHER;
        bad = option_apply(&option, pdu) ? bad & ~option.id : bad | option.id;
    }
    pdu->options = (struct sipc_span){reader->at, options_size};
    *reader = rest;
    *bad_values = bad;
    return reason;
}

/* ---- encode ---- */

size_t sipc_option_size(struct sipc_span name, struct sipc_span value)
{
    return name.size + value.size + OPTION_OVERHEAD;
}

/* Up to the value, which the caller writes. */
static inline void option_write_head(struct sipc__writer *writer, const void *name,
                                     size_t name_size, size_t value_size)
{
    uint16_t length = (uint16_t)(name_size + value_size + 1);
    sipc__write_u16(writer, length);
    sipc__write_bytes(writer, name, name_size);
    sipc__write_u8(writer, 0);
    sipc__write_u16(writer, length);
}

enum sipc_status sipc_option_encode(struct sipc_span name, struct sipc_span value, uint8_t *out,
                                    size_t size, size_t *used)
{
    struct sipc__reader reader = sipc__reader_of(name);
    struct sipc_span before_nul;
    if (name.size > OPTION_TEXT_MAX || value.size > OPTION_TEXT_MAX - name.size ||
        sipc__read_until_nul(&reader, name.size, &before_nul))
        return SIPC_E_INVALID;
    size_t option_size = sipc_option_size(name, value);
    if (option_size > size - *used)
        return SIPC_E_NO_SPACE;
    struct sipc__writer writer = {out + *used, size - *used};
    option_write_head(&writer, name.data, name.size, value.size);
    sipc__write_bytes(&writer, value.data, value.size);
    *used += option_size;
    return SIPC_OK;
}

/* Every data PDU of a sender passes here: sizes are constants, so that copies are moves. */
enum sipc_status sipc_option_encode_bool(uint32_t id, bool value, uint8_t *out, size_t size,
                                         size_t *used)
{
    const struct option_row *row = option_row(id);
    if (row == NULL || (id & OPTION_BOOLEANS) == 0)
        return SIPC_E_INVALID;
    size_t value_size = value ? 4 : 5;
    size_t option_size = OPTION_NAME_4 + value_size + OPTION_OVERHEAD;
    if (option_size > size - *used)
        return SIPC_E_NO_SPACE;
    struct sipc__writer writer = {out + *used, size - *used};
    option_write_head(&writer, row->wire, OPTION_NAME_4, value_size);
    if (value)
        sipc__write_bytes(&writer, "True", 4);
    else
        sipc__write_bytes(&writer, "False", 5);
    *used += option_size;
    return SIPC_OK;
}

enum sipc_status sipc_option_encode_int(uint32_t id, int32_t value, uint8_t *out, size_t size,
                                        size_t *used)
{
    const struct option_row *row = option_row(id);
    if (row == NULL || (id & OPTION_INTEGERS) == 0)
        return SIPC_E_INVALID;
    uint8_t digits[SIPC__DECIMAL_MAX];
    struct sipc_span text = sipc__decimal(value, digits);
    struct sipc_span name = {(const uint8_t *)row->wire, row->wire_size};
    return sipc_option_encode(name, text, out, size, used);
}

/* ---- long attributes ---- */

/* UTF-16 code units of a text; false if it is not UTF-8. */
static bool long_attribute_count_units(struct sipc_span text, size_t *units)
{
    struct sipc__reader reader = sipc__reader_of(text);
    *units = 0;
    while (reader.left != 0) {
        uint32_t code_point;
        if (!sipc__read_utf8(&reader, &code_point))
            return false;
        *units += code_point > 0xffff ? 2 : 1;
    }
    return true;
}

/* A long attribute to be cut into pieces. Its text is the three spans one after the other. */
struct long_attribute {
    struct sipc_span prefix; /* "<name length>:", in `digits` */
    struct sipc_span name;
    struct sipc_span value;
    struct sipc_span key; /* "s_e_<n>", in `key_text` */
    size_t piece_max;     /* bytes of value in one option */
    uint8_t digits[SIPC__DECIMAL_MAX + 1];
    uint8_t key_text[4 + SIPC__DECIMAL_MAX];
};

static void long_attribute_set_key(struct long_attribute *self, uint32_t n)
{
    uint8_t buffer[SIPC__DECIMAL_MAX];
    struct sipc_span number = sipc__decimal(n, buffer);
    struct sipc__writer writer = {self->key_text, sizeof self->key_text};
    sipc__write_bytes(&writer, "s_e_", 4);
    sipc__write_bytes(&writer, number.data, number.size);
    self->key = (struct sipc_span){self->key_text, sizeof self->key_text - writer.left};
}

/* false: what pdu.h calls SIPC_E_INVALID. *self points into itself: it is not to be copied. */
static bool long_attribute_init(struct long_attribute *self, struct sipc_span name,
                                struct sipc_span value, uint32_t n, size_t option_size_max)
{
    struct sipc__reader reader = sipc__reader_of(name);
    struct sipc_span before_nul;
    size_t units;
    if (name.size > INT32_MAX || sipc__read_until_nul(&reader, name.size, &before_nul) ||
        !long_attribute_count_units(name, &units))
        return false;
    struct sipc_span digits = sipc__decimal((int64_t)units, self->digits);
    self->digits[SIPC__DECIMAL_MAX] = ':';
    self->prefix = (struct sipc_span){digits.data, digits.size + 1};
    self->name = name;
    self->value = value;
    long_attribute_set_key(self, n);

    size_t taken = OPTION_OVERHEAD + self->key.size;
    if (option_size_max < taken + 2) /* one char may need two bytes */
        return false;
    self->piece_max = option_size_max - taken;
    if (self->piece_max > OPTION_TEXT_MAX - self->key.size)
        self->piece_max = OPTION_TEXT_MAX - self->key.size;
    return true;
}

static inline uint8_t long_attribute_byte(const struct long_attribute *self, size_t index)
{
    if (index < self->prefix.size)
        return self->prefix.data[index];
    index -= self->prefix.size;
    return index < self->name.size ? self->name.data[index]
                                   : self->value.data[index - self->name.size];
}

static inline void long_attribute_write_char(struct sipc__writer *writer, uint8_t byte)
{
    if (byte >= 0x80) {
        sipc__write_u8(writer, (uint8_t)(0xc0 | byte >> 6));
        byte = 0x80 | (byte & 0x3f);
    }
    sipc__write_u8(writer, byte);
}

/* Cuts the text into options, no char in two of them, and writes these if there is a writer. The
 * bytes they take. */
static size_t long_attribute_cut(const struct long_attribute *self, struct sipc__writer *writer)
{
    size_t text_size = self->prefix.size + self->name.size + self->value.size;
    size_t total = 0;
    for (size_t start = 0; start < text_size;) {
        size_t end = start, piece_size = 0;
        for (; end < text_size; end++) {
            size_t char_size = long_attribute_byte(self, end) < 0x80 ? 1 : 2;
            if (char_size > self->piece_max - piece_size)
                break;
            piece_size += char_size;
        }
        total += OPTION_OVERHEAD + self->key.size + piece_size;
        if (writer != NULL) {
            option_write_head(writer, self->key.data, self->key.size, piece_size);
            for (size_t i = start; i < end; i++)
                long_attribute_write_char(writer, long_attribute_byte(self, i));
        }
        start = end;
    }
    return total;
}

size_t sipc_long_attribute_size(struct sipc_span name, struct sipc_span value, uint32_t n,
                                size_t option_size_max)
{
    struct long_attribute attribute;
    if (!long_attribute_init(&attribute, name, value, n, option_size_max))
        return 0;
    return long_attribute_cut(&attribute, NULL);
}

enum sipc_status sipc_long_attribute_encode(struct sipc_span name, struct sipc_span value,
                                            uint32_t n, size_t option_size_max, uint8_t *out,
                                            size_t size, size_t *used)
{
    struct long_attribute attribute;
    if (!long_attribute_init(&attribute, name, value, n, option_size_max))
        return SIPC_E_INVALID;
    size_t total = long_attribute_cut(&attribute, NULL);
    if (total > size - *used)
        return SIPC_E_NO_SPACE;
    struct sipc__writer writer = {out + *used, total};
    long_attribute_cut(&attribute, &writer);
    *used += total;
    return SIPC_OK;
}

bool sipc_long_attribute_join(struct sipc_span piece, uint8_t *out, size_t size, size_t *used)
{
    struct sipc__reader reader = sipc__reader_of(piece);
    struct sipc__writer writer = {out + *used, size - *used};
    while (reader.left != 0) {
        uint32_t code_point;
        if (!sipc__read_utf8(&reader, &code_point) || code_point > 0xff || writer.left == 0)
            return false;
        sipc__write_u8(&writer, (uint8_t)code_point);
    }
    *used = size - writer.left;
    return true;
}

bool sipc_long_attribute_split(struct sipc_span text, struct sipc_span *name,
                               struct sipc_span *value)
{
    struct sipc__reader reader = sipc__reader_of(text);
    uint8_t byte;
    size_t units = 0;
    if (!sipc__read_u8(&reader, &byte))
        return false;
    do { /* at least one digit */
        if (byte < '0' || byte > '9')
            return false;
        units = units * 10 + (size_t)(byte - '0');
        if (units > reader.left || !sipc__read_u8(&reader, &byte))
            return false;
    } while (byte != ':');

    struct sipc__reader rest = reader;
    while (units != 0) {
        uint32_t code_point;
        if (!sipc__read_utf8(&reader, &code_point))
            return false;
        size_t width = code_point > 0xffff ? 2 : 1;
        if (width > units) /* the length ends between two surrogates */
            return false;
        units -= width;
    }
    size_t name_size = rest.left - reader.left;
    SIPC_ASSERT(sipc__read_span(&rest, name_size, name));
    SIPC_ASSERT(sipc__read_span(&rest, rest.left, value));
    return true;
}
