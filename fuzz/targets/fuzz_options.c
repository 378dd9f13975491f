/* Fuzz target: options by themselves. The first byte says what the others are:
 *   a list of options, put into a PDU that is good otherwise: oracles of check_pdu.h;
 *   a value, as a boolean and as an integer, or integers round a boundary: a plain parser agrees;
 *   a name, as one of a known option: a list of names agrees;
 *   a long attribute, its name and value of sizes given: its pieces are options of the size
 *   allowed, cut between chars, as few as they can be, and say the attribute;
 *   pieces, or their joined text: plain decoders of UTF-8 and of the text agree.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "targets/check_pdu.h"
#include "targets/reference_pdu.h"
#include "targets/take.h"
#include "targets/target.h"

const uint32_t target_ops = 0;

enum { PIECE_HEAD = 5, KEY_MAX = 14 };

/* ---- lists ---- */

static void check_list(struct sipc_span options, unsigned opcode)
{
    size_t size = SIPC_PDU_HEAD_SIZE + options.size + 10;
    if (size > SIPC_PDU_SIZE_MAX)
        return;
    uint8_t *bytes = check_allocate(size);
    memset(bytes, 0, size);
    bytes[0] = (uint8_t)(size >> 8);
    bytes[1] = (uint8_t)size;
    bytes[SIPC_PDU_HEAD_SIZE - 1] = (uint8_t)(1 + opcode % 6);
    memcpy(bytes + SIPC_PDU_HEAD_SIZE, options.data, options.size);
    target_note((uint64_t)check_pdu((struct sipc_span){bytes, size}));
    free(bytes);
}

/* ---- values and names ---- */

static void check_value(struct sipc_span text)
{
    long long expected = 0;
    bool truth = true;
    int32_t number = 77;
    bool is_bool = reference_boolean(text.data, text.size, &expected);

    FUZZ_CHECK_RULE(SIPC_RULE_OPT_4, sipc_option_parse_bool(text, &truth) == is_bool,
                    "what is a boolean");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_4, truth == (is_bool ? expected == 1 : true), "which boolean");
    bool is_int = reference_integer(text.data, text.size, &expected);
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_4, sipc_option_parse_int(text, &number) == is_int,
                    "what is an integer");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_4, number == (is_int ? expected : 77), "which integer");
}

/* Integers round one of the places where something changes, written in several ways. */
static void check_integers(struct take *take)
{
    static const long long places[] = {INT32_MAX, INT32_MIN, 0, 65535, 10 * (long long)INT32_MAX};
    static const struct {
        const char *before, *after;
    } forms[] = {{"", ""}, {"+", ""}, {"0000", ""}, {"", " "}, {" ", ""}, {"-", ""}};
    long long place = places[take_byte(take) % 5];
    unsigned form = take_byte(take) % 6;
    char text[32];

    for (int by = -2; by <= 2; by++) {
        int size = snprintf(text, sizeof text, "%s%lld%s", forms[form].before, place + by,
                            forms[form].after);
        check_value((struct sipc_span){(const uint8_t *)text, (size_t)size});
    }
}

static void check_name(struct sipc_span name)
{
    uint32_t expected = 0;

    for (unsigned k = 0; k < REFERENCE_KNOWN; k++) {
        const char *known = reference_names[k];
        if (strlen(known) == name.size && memcmp(known, name.data, name.size) == 0)
            expected = 1u << k;
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_3, strcmp(sipc_option_wire_name(1u << k), known) == 0,
                        "a known option has its name");
    }
    if (name.size >= 4 && memcmp(name.data, "s_e_", 4) == 0)
        expected = SIPC_OPT_LONG_ATTRIBUTE;
    FUZZ_CHECK_RULE(expected == SIPC_OPT_LONG_ATTRIBUTE ? SIPC_RULE_OPT_7a : SIPC_RULE_OPT_3,
                    sipc_option_find(name) == expected, "which option has the name");
}

/* ---- text ---- */

/* The code point at *at, which moves on; -1: no UTF-8. */
static long next_char(struct sipc_span text, size_t *at)
{
    static const struct {
        uint8_t mask, head;
        long least;
    } kinds[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    uint8_t first = text.data[*at];

    for (size_t more = 0; more < 4; more++) {
        if ((first & kinds[more].mask) != kinds[more].head)
            continue;
        long point = first & ~kinds[more].mask & 0xff;
        if (*at + more >= text.size)
            return -1;
        for (size_t i = 1; i <= more; i++) {
            uint8_t byte = text.data[*at + i];
            if ((byte & 0xc0) != 0x80)
                return -1;
            point = point << 6 | (byte & 0x3f);
        }
        *at += more + 1;
        bool good = point >= kinds[more].least && point <= 0x10ffff &&
                    !(point >= 0xd800 && point <= 0xdfff);
        return good ? point : -1;
    }
    return -1;
}

/* Where `units` of UTF-16 end; SIZE_MAX: nowhere, or it is no text up to there. */
static size_t end_of_units(struct sipc_span text, size_t at, size_t units)
{
    size_t count = 0;

    while (count < units) {
        long point = at < text.size ? next_char(text, &at) : -1;
        if (point < 0)
            return SIZE_MAX;
        count += point > 0xffff ? 2 : 1;
    }
    return count == units ? at : SIZE_MAX;
}

static void check_split(struct sipc_span text)
{
    size_t at = 0, units = 0, end = SIZE_MAX;
    struct sipc_span name = {NULL, 0}, value = {NULL, 0};

    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9' && units <= text.size)
        units = units * 10 + (size_t)(text.data[at++] - '0');
    if (at > 0 && at < text.size && text.data[at] == ':' && units <= text.size)
        end = end_of_units(text, at + 1, units);
    bool found = sipc_long_attribute_split(text, &name, &value);
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_8, found == (end != SIZE_MAX), "what is a long attribute");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7,
                    !found || (name.size == end - at - 1 && value.size == text.size - end &&
                               name.data == text.data + at + 1 && value.data == text.data + end),
                    "where a name ends");
}

static void check_join(struct sipc_span piece, size_t room)
{
    uint8_t *out = check_allocate(room), *expected = check_allocate(piece.size);
    size_t used = 0, at = 0, count = 0;
    bool good = true;

    while (good && at < piece.size) {
        long point = next_char(piece, &at);
        good = point >= 0 && point <= 0xff;
        if (good)
            expected[count++] = (uint8_t)point;
    }
    bool joined = sipc_long_attribute_join(piece, out, room, &used);
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_8, joined == (good && count <= room), "what is a piece");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7,
                    used == (joined ? count : 0) && memcmp(out, expected, used) == 0,
                    "bytes of a piece");
    free(out);
    free(expected);
}

/* ---- long attributes ---- */

/* The text of it, as OPT-7 says; 0: its name is no text without NUL. */
static size_t attribute_text(struct sipc_span name, struct sipc_span value, uint8_t *out,
                             size_t size)
{
    size_t units = 0;

    for (size_t at = 0; at < name.size;) {
        long point = next_char(name, &at);
        if (point <= 0)
            return 0;
        units += point > 0xffff ? 2 : 1;
    }
    size_t used = (size_t)snprintf((char *)out, size, "%zu:", units);
    memcpy(out + used, name.data, name.size);
    memcpy(out + used + name.size, value.data, value.size);
    return used + name.size + value.size;
}

/* Piece after piece against the text: as much of it as fits, char for char. */
static void check_pieces(struct sipc_span rest, struct sipc_span text, const char *key, size_t most)
{
    struct sipc_option option;
    size_t at = 0;

    while (sipc_option_next(&rest, &option)) {
        size_t k = 0;
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_7,
                        option.name.size == strlen(key) &&
                            memcmp(option.name.data, key, strlen(key)) == 0,
                        "a piece has its key");
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_7, PIECE_HEAD + option.name.size + option.value.size <= most,
                        "a piece is no longer than it may be");
        while (k < option.value.size) {
            long point = next_char(option.value, &k);
            FUZZ_CHECK_RULE(SIPC_RULE_OPT_7, at < text.size && point == text.data[at],
                            "a piece says what is next, each byte as a char");
            at++;
        }
        size_t next = at < text.size && text.data[at] >= 0x80 ? 2 : 1;
        FUZZ_CHECK_RULE(SIPC_RULE_OPT_7,
                        at == text.size || PIECE_HEAD + option.name.size + k + next > most ||
                            option.name.size + k + next > 65534,
                        "a piece holds as much as it can");
    }
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7, rest.size == 0 && at == text.size, "all was said");
}

static void check_attribute(struct take *take)
{
    static const uint32_t keys[] = {0, 9, 10, 99, 65535, UINT32_MAX};
    size_t name_size = take_byte(take) % 80, used = 0;
    uint32_t n = keys[take_byte(take) % 6];
    size_t most = 9 + take_byte(take) % 60;
    name_size = name_size < take->left ? name_size : take->left;
    struct sipc_span name = {take->at, name_size};
    struct sipc_span value = {take->at + name_size, take->left - name_size};
    uint8_t *text = check_allocate(take->left + 24);
    size_t text_size = attribute_text(name, value, text, take->left + 24);
    char key[KEY_MAX + 1];

    snprintf(key, sizeof key, "s_e_%lu", (unsigned long)n);
    size_t size = sipc_long_attribute_size(name, value, n, most);
    bool possible = text_size > 0 && most >= PIECE_HEAD + strlen(key) + 2;
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7, (size != 0) == possible, "what can be said");
    uint8_t *out = check_allocate(size);
    enum sipc_status status = sipc_long_attribute_encode(name, value, n, most, out, size, &used);
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7, status == (possible ? SIPC_OK : SIPC_E_INVALID),
                    "what is refused");
    FUZZ_CHECK_RULE(SIPC_RULE_OPT_7, used == size, "bytes that were told are bytes that it takes");
    if (possible) {
        check_pieces((struct sipc_span){out, used}, (struct sipc_span){text, text_size}, key, most);
        check_split((struct sipc_span){text, text_size});
        used = 0;
        FUZZ_CHECK(sipc_long_attribute_encode(name, value, n, most, out, size - 1, &used) ==
                           SIPC_E_NO_SPACE &&
                       used == 0,
                   "without its room nothing is written");
    }
    free(out);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct take take = {data, size};
    unsigned kind = take_byte(&take);
    if (take.left == 0)
        return 0;
    uint8_t *copy = check_allocate(take.left); /* of exactly its size, for sanitizers */
    struct sipc_span rest = {copy, take.left};

    memcpy(copy, take.at, take.left);
    take.at = copy;
    switch (kind % 7) {
    case 0:
    case 1:
        check_list(rest, kind / 7);
        break;
    case 2:
        check_value(rest);
        break;
    case 3:
        check_name(rest);
        break;
    case 4:
        check_attribute(&take);
        break;
    case 5:
        check_integers(&take);
        break;
    default:
        check_split(rest);
        check_join(rest, kind / 7 > 18 ? rest.size / 2 : rest.size);
        break;
    }
    free(copy);
    return 0;
}
