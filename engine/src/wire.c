/* The parts of the reader and writer (wire.h) that only attributes and numbers need: chars of
 * UTF-8, decimal text. Not on the way of an ordinary data PDU. SPDX-License-Identifier: MIT */
#include "wire.h"

/* What the lead byte promises: how many bytes follow, and the least code point that needs them (a
 * smaller one would be overlong). */
static bool wire_utf8_lead(uint8_t lead, uint32_t *code_point, unsigned *tail, uint32_t *least)
{
    if (lead >= 0xc2 && lead <= 0xdf) {
        *code_point = lead & 0x1fu;
        *tail = 1;
        *least = 0x80;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        *code_point = lead & 0x0fu;
        *tail = 2;
        *least = 0x800;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        *code_point = lead & 0x07u;
        *tail = 3;
        *least = 0x10000;
    } else {
        return false;
    }
    return true;
}

bool sipc__read_utf8(struct sipc__reader *reader, uint32_t *code_point)
{
    uint8_t byte;
    if (!sipc__read_u8(reader, &byte))
        return false;
    if (byte < 0x80) {
        *code_point = byte;
        return true;
    }
    uint32_t value, least;
    unsigned tail;
    if (!wire_utf8_lead(byte, &value, &tail, &least))
        return false;
    for (; tail != 0; tail--) {
        if (!sipc__read_u8(reader, &byte) || (byte & 0xc0u) != 0x80)
            return false;
        value = value << 6 | (byte & 0x3fu);
    }
    *code_point = value;
    return value >= least && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
}

struct sipc_span sipc__decimal(int64_t value, uint8_t buffer[SIPC__DECIMAL_MAX])
{
    SIPC_ASSERT(value >= INT32_MIN && value <= UINT32_MAX);
    size_t start = SIPC__DECIMAL_MAX;
    uint64_t rest = value < 0 ? (uint64_t)-value : (uint64_t)value;
    do {
        buffer[--start] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        buffer[--start] = '-';
    return (struct sipc_span){buffer + start, SIPC__DECIMAL_MAX - start};
}
