/* The one bounds-checked reader and writer: nothing else in the engine touches the bytes of PDUs.
 *
 * A read that does not fit takes nothing and says false: bytes of a peer are never trusted. A write
 * that does not fit is an assertion: encoders compare sizes before they write. Integers are big
 * endian (RULES.md, section 1). Small and inline, as every PDU passes here; the rest is in wire.c.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_SRC_WIRE_H
#define SIPC_SRC_WIRE_H

#include <string.h>

#include "sipc/pdu.h"

/* Composed of single bytes: no alignment is assumed, and compilers make one load of it. */
static inline uint16_t sipc__load_u16(const uint8_t *at)
{
    return (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

static inline uint32_t sipc__load_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t sipc__load_u64(const uint8_t *at)
{
    return (uint64_t)sipc__load_u32(at) << 32 | sipc__load_u32(at + 4);
}

/* ---- reader ---- */

struct sipc__reader {
    const uint8_t *at;
    size_t left;
};

static inline struct sipc__reader sipc__reader_of(struct sipc_span bytes)
{
    return (struct sipc__reader){bytes.data, bytes.size};
}

/* The next `size` bytes, or NULL if there are fewer. Everything below reads through this. */
static inline const uint8_t *sipc__peek(const struct sipc__reader *reader, size_t size)
{
    return size <= reader->left ? reader->at : NULL;
}

/* The same, and they are taken. NULL: nothing was. */
static inline const uint8_t *sipc__take(struct sipc__reader *reader, size_t size)
{
    const uint8_t *at = sipc__peek(reader, size);
    if (at == NULL)
        return NULL;
    reader->at += size;
    reader->left -= size;
    return at;
}

static inline bool sipc__read_u8(struct sipc__reader *reader, uint8_t *out)
{
    const uint8_t *at = sipc__take(reader, 1);
    if (at == NULL)
        return false;
    *out = *at;
    return true;
}

static inline bool sipc__read_u16(struct sipc__reader *reader, uint16_t *out)
{
    const uint8_t *at = sipc__take(reader, 2);
    if (at == NULL)
        return false;
    *out = sipc__load_u16(at);
    return true;
}

static inline bool sipc__read_i32(struct sipc__reader *reader, int32_t *out)
{
    const uint8_t *at = sipc__take(reader, 4);
    if (at == NULL)
        return false;
    *out = (int32_t)sipc__load_u32(at);
    return true;
}

static inline bool sipc__read_i64(struct sipc__reader *reader, int64_t *out)
{
    const uint8_t *at = sipc__take(reader, 8);
    if (at == NULL)
        return false;
    *out = (int64_t)sipc__load_u64(at);
    return true;
}

static inline bool sipc__read_span(struct sipc__reader *reader, size_t size, struct sipc_span *out)
{
    const uint8_t *at = sipc__take(reader, size);
    if (at == NULL)
        return false;
    *out = (struct sipc_span){at, size};
    return true;
}

/* The bytes before the first NUL, which is taken too. false, with nothing taken, if there is none
 * among the next `limit` bytes. Eight bytes at a time while they last: names are short, so the
 * first load mostly finds the NUL. */
static inline bool sipc__read_until_nul(struct sipc__reader *reader, size_t limit,
                                        struct sipc_span *out)
{
    size_t bound = limit < reader->left ? limit : reader->left;
    size_t size = 0;
    while (size < bound) {
        if (reader->left - size < 8) {
            if (reader->at[size] == 0)
                break;
            size++;
            continue;
        }
        /* Leaves a top bit in every byte that is zero, and nothing else; the first byte is the
         * most significant. */
        uint64_t word = sipc__load_u64(reader->at + size);
        uint64_t low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
        uint64_t zeros = ~(((word & low7) + low7) | word | low7);
        if (zeros != 0) {
            size += (size_t)__builtin_clzll(zeros) / 8;
            break;
        }
        size += 8;
    }
    if (size >= bound)
        return false;
    *out = (struct sipc_span){reader->at, size};
    return sipc__take(reader, size + 1) != NULL;
}

/* One char of UTF-8, strictly: no overlong form, no surrogate, none above U+10FFFF. After false the
 * reader stands anywhere. */
bool sipc__read_utf8(struct sipc__reader *reader, uint32_t *code_point);

/* ---- writer ---- */

struct sipc__writer {
    uint8_t *at;
    size_t left;
};

static inline uint8_t *sipc__reserve(struct sipc__writer *writer, size_t size)
{
    SIPC_ASSERT(size <= writer->left);
    uint8_t *at = writer->at;
    writer->at += size;
    writer->left -= size;
    return at;
}

static inline void sipc__write_u8(struct sipc__writer *writer, uint8_t value)
{
    *sipc__reserve(writer, 1) = value;
}

static inline void sipc__write_u16(struct sipc__writer *writer, uint16_t value)
{
    uint8_t *at = sipc__reserve(writer, 2);
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void sipc__write_u32(struct sipc__writer *writer, uint32_t value)
{
    uint8_t *at = sipc__reserve(writer, 4);
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static inline void sipc__write_u64(struct sipc__writer *writer, uint64_t value)
{
    sipc__write_u32(writer, (uint32_t)(value >> 32));
    sipc__write_u32(writer, (uint32_t)value);
}

/* `data` may be NULL if `size` is 0, which memcpy does not allow. */
static inline void sipc__write_bytes(struct sipc__writer *writer, const void *data, size_t size)
{
    uint8_t *at = sipc__reserve(writer, size);
    if (size != 0)
        memcpy(at, data, size);
}

enum { SIPC__PDU_PREFIX_SIZE = 8 }; /* the session id's first bytes, again */

/* Everything of a PDU before its data (WIRE-1), written round `options_size` bytes of options that
 * stand in their place already. Returns its size. `out` has room for it; the fields are good. The
 * two parts have constant sizes, so that compilers prove most of the writer's assertions. */
static inline size_t sipc__write_head(uint8_t *out, const uint8_t *session_id, int64_t window_id,
                                      int32_t seq_nr, uint8_t opcode, size_t options_size,
                                      size_t data_size)
{
    size_t size = SIPC_PDU_SIZE_MIN + options_size;
    struct sipc__writer front = {out, SIPC_PDU_HEAD_SIZE};
    struct sipc__writer back = {out + SIPC_PDU_HEAD_SIZE + options_size,
                                SIPC_PDU_SIZE_MIN - SIPC_PDU_HEAD_SIZE};
    sipc__write_u16(&front, (uint16_t)(size + data_size));
    sipc__write_bytes(&front, session_id, SIPC_SESSION_ID_SIZE);
    sipc__write_u64(&front, (uint64_t)window_id);
    sipc__write_u32(&front, (uint32_t)seq_nr);
    sipc__write_u8(&front, opcode);
    sipc__write_u16(&back, 0);
    sipc__write_bytes(&back, session_id, SIPC__PDU_PREFIX_SIZE);
    SIPC_ASSERT(front.left == 0 && back.left == 0);
    return size;
}

/* Room for any decimal below. */
enum { SIPC__DECIMAL_MAX = 11 };

/* Writes `value` as decimal text to the end of `buffer` and gives the part that is text. */
struct sipc_span sipc__decimal(int64_t value, uint8_t buffer[SIPC__DECIMAL_MAX]);

#endif
