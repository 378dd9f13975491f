/* PDU codec: WIRE-*, OPT-*, and the value ranges of ERR-1…3. Pure: no state, no allocation, no
 * copy.
 *
 * Decoding gives views into the caller's bytes; they live as long as those bytes do. Encoding
 * writes into the caller's buffer. All integers on the wire are big endian.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_PDU_H
#define SIPC_PDU_H

#include "sipc/base.h"
#include "sipc/rules.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sipc_opcode { /* WIRE-6 */
    SIPC_DATA = 1,
    SIPC_DATA_ACK = 2,
    SIPC_CLOSE = 3,
    SIPC_CLOSE_ACK = 4,
    SIPC_ENQUIRE_LINK = 5,
    SIPC_ENQUIRE_LINK_ACK = 6,
};

/* Known options (OPT-3). The value is the bit in sipc_pdu.present. */
enum sipc_option_id {
    SIPC_OPT_FIRST_IN_WINDOW_GROUP = 1u << 0, /* s_00, boolean */
    SIPC_OPT_LAST_IN_WINDOW = 1u << 1,        /* s_01, boolean */
    SIPC_OPT_LAST_IN_WINDOW_GROUP = 1u << 2,  /* s_02, boolean */
    SIPC_OPT_SKIP = 1u << 3,                  /* s_03, boolean */
    SIPC_OPT_IS_WINDOW_FULL = 1u << 4,        /* s_10, boolean */
    SIPC_OPT_MAX_WINDOW_SIZE = 1u << 5,       /* s_20, int32 */
    SIPC_OPT_ERROR_CODE = 1u << 6,            /* s_error_code, int32 */
    SIPC_OPT_ABORT_CODE = 1u << 7,            /* s_abort_code, int32 */
    SIPC_OPT_IDLE_TIMEOUT = 1u << 8,          /* s_idle_timeout, int32, ms */
    SIPC_OPT_TRACE_ID = 1u << 9,              /* s_traceId, text */
    SIPC_OPT_LONG_ATTRIBUTE = 1u << 10,       /* any s_e_<n> */
    SIPC_OPT_OTHER = 1u << 11,                /* only in sipc_pdu.present: any other name (OPT-6) */
};
/* The options that frame PDUs and are not handed to the application (RCV-8a). */
#define SIPC_OPT_FRAMING 0xffu

enum sipc_abort_code { /* ERR-1, in close PDUs, 1..99 */
    SIPC_ABORT_NORMAL = 1,
    SIPC_ABORT_FORCED = 2,
    SIPC_ABORT_IDLE_TIMEOUT = 3,
    SIPC_ABORT_INTERNAL_ERROR = 4,
};

enum sipc_error_code { /* ERR-2, ERR-3; 200..299 in data_ack, 150 in enquire_link_ack */
    SIPC_ERROR_SESSION_ENDED = 150,
    SIPC_ERROR_GROUP_OVERFLOW = 250,
    SIPC_ERROR_OPTION_DECODING = 251,
    SIPC_ERROR_TWO_WAY_WHILE_OPENING = 252,
    SIPC_ERROR_SINGLE_WINDOW_GROUP = 253,
    SIPC_ERROR_NO_BEGINNING = 254,
};

enum sipc_local_code { /* ERR-4, never on the wire */
    SIPC_LOCAL_RESTART = -1,
    SIPC_LOCAL_SHUTDOWN = -2,
    SIPC_LOCAL_SEND_TIMEOUT = -3,
    SIPC_LOCAL_OPEN_TIMEOUT = -4,
    SIPC_LOCAL_NETWORK_ERROR = -5,
};

/* Why a PDU was discarded. 1..SIPC_DISCARD_DECODE_COUNT-1 come from sipc_pdu_decode, the others
 * from the endpoint (endpoint.h). Each has one rule: sipc_discard_rule. */
enum sipc_discard {
    SIPC_DISCARD_NONE = 0,
    SIPC_DISCARD_TOO_SHORT,          /* WIRE-2 */
    SIPC_DISCARD_TOO_LONG,           /* WIRE-2 */
    SIPC_DISCARD_LENGTH_MISMATCH,    /* WIRE-3 */
    SIPC_DISCARD_NEGATIVE_WINDOW_ID, /* WIRE-4 */
    SIPC_DISCARD_NEGATIVE_SEQ_NR,    /* WIRE-4 */
    SIPC_DISCARD_SESSION_PREFIX,     /* WIRE-5 */
    SIPC_DISCARD_OPCODE,             /* WIRE-6 */
    SIPC_DISCARD_OPTION_CUT,         /* OPT-2: option, or the terminator, cut short */
    SIPC_DISCARD_OPTION_LENGTHS,     /* OPT-2: two different L */
    SIPC_DISCARD_OPTION_NAME,        /* OPT-2: no NUL within L bytes */
    SIPC_DISCARD_OPTION_VALUE,       /* OPT-4: a known option with another value */
    SIPC_DISCARD_ABORT_CODE,         /* ERR-1 */
    SIPC_DISCARD_ACK_ERROR_CODE,     /* ERR-2a */
    SIPC_DISCARD_LINK_ERROR_CODE,    /* ERR-3a */
    SIPC_DISCARD_DECODE_COUNT,
    SIPC_DISCARD_UNKNOWN_SESSION = SIPC_DISCARD_DECODE_COUNT, /* END-2 */
    SIPC_DISCARD_NOT_FIRST,          /* END-2a: no valid first PDU of a session */
    SIPC_DISCARD_NOT_ACCEPTING,      /* END-2, END-4 */
    SIPC_DISCARD_LINGERING,          /* END-3: the id is refused for now */
    SIPC_DISCARD_SESSIONS_FULL,      /* END-5 */
    SIPC_DISCARD_WINDOW_ID,          /* WID-3 */
    SIPC_DISCARD_SEQ_NR,             /* SEQ-1 */
    SIPC_DISCARD_STATE,              /* RCV-10, CLS-4, LNK-3, OPN-1 */
    SIPC_DISCARD_NOT_AWAITED,        /* SND-8: an ack that moves nothing */
    SIPC_DISCARD_CLOSE_SEQ_NR,       /* CLS-3a */
    SIPC_DISCARD_NACK_DISBELIEVED,   /* LNK-4 */
    SIPC_DISCARD_COUNT
};

/* A short name ("length_mismatch") and the rule a discard reason stands for. Static lifetime. */
const char *sipc_discard_name(enum sipc_discard reason);
enum sipc_rule sipc_discard_rule(enum sipc_discard reason);
/* "data", "data_ack", ... ; NULL for an opcode that is not on the wire (WIRE-6). */
const char *sipc_opcode_name(int opcode);

/* A decoded PDU. Absent integers are 0, absent booleans false; see `present`. */
struct sipc_pdu {
    const uint8_t *session_id; /* 32 bytes */
    int64_t window_id;         /* >= 0 */
    int32_t seq_nr;            /* >= 0 */
    uint8_t opcode;            /* enum sipc_opcode */
    uint32_t present;          /* set of enum sipc_option_id, present whatever the value */
    uint32_t flags;            /* the booleans among `present` whose value is true */
    int32_t max_window_size;
    int32_t error_code;
    int32_t abort_code;        /* close PDUs: 1..99, 1 where absent or 0 (ERR-1); others: as sent */
    int32_t idle_timeout_ms;
    struct sipc_span trace_id;
    struct sipc_span options;  /* the encoded options, without the terminator */
    struct sipc_span data;
};

/* One option of a PDU, in wire order. */
struct sipc_option {
    struct sipc_span name;
    struct sipc_span value;
    uint32_t id; /* enum sipc_option_id, 0 if unknown (OPT-6) */
};

/* Decodes one datagram, or one frame of a byte stream. SIPC_DISCARD_NONE: *pdu is filled and
 * views `bytes`. Otherwise the reason to discard; *pdu then holds what was read up to there
 * (session_id is NULL if fewer than 57 bytes came, else the fields before the options are filled).
 * Any bytes are legal input. Where several things are wrong, the reason is the first of: size
 * (short, long, mismatch), window id, seq_nr, opcode, options in order, terminator, session prefix,
 * values of known options, range of the code. A cut prefix is a wrong one. */
enum sipc_discard sipc_pdu_decode(struct sipc_span bytes, struct sipc_pdu *pdu);

/* Walks options in order: *rest is cut from the front. false at the end, or where the bytes are
 * no well-formed option (never the case for sipc_pdu.options of a PDU that decoded). */
bool sipc_option_next(struct sipc_span *rest, struct sipc_option *option);

/* The known option with this name (OPT-3), 0 if none. */
uint32_t sipc_option_find(struct sipc_span name);
/* The name on the wire ("s_00") and the spec's word ("first_in_window_group") of a known option;
 * NULL for SIPC_OPT_LONG_ATTRIBUTE and sets. */
const char *sipc_option_wire_name(uint32_t id);
const char *sipc_option_spec_name(uint32_t id);

/* Parses a boolean or an int32 as OPT-4 wants it; false, and *out as it was, if the value is
 * another. */
bool sipc_option_parse_bool(struct sipc_span value, bool *out);
bool sipc_option_parse_int(struct sipc_span value, int32_t *out);

/* Bytes that an option takes on the wire: name + value + 5. Adds one to `out` (of `size` bytes,
 * `*used` of them taken). SIPC_E_NO_SPACE: nothing written. SIPC_E_INVALID: a NUL in the name, or
 * name and value together over 65,534 bytes (OPT-1). */
size_t sipc_option_size(struct sipc_span name, struct sipc_span value);
enum sipc_status sipc_option_encode(struct sipc_span name, struct sipc_span value, uint8_t *out,
                                    size_t size, size_t *used) SIPC_MUST_USE;
/* The same for known options, as the original writes them: "True"/"False", decimal.
 * SIPC_E_INVALID: `id` is not one boolean, or integer, option. */
enum sipc_status sipc_option_encode_bool(uint32_t id, bool value, uint8_t *out, size_t size,
                                         size_t *used) SIPC_MUST_USE;
enum sipc_status sipc_option_encode_int(uint32_t id, int32_t value, uint8_t *out, size_t size,
                                        size_t *used) SIPC_MUST_USE;

/* Bytes before the options (WIRE-1). */
enum { SIPC_PDU_HEAD_SIZE = 47 };

/* What sipc_pdu_encode puts on the wire. `options` are encoded options, written as they are; they
 * may be in place already, at `out` + SIPC_PDU_HEAD_SIZE, but not overlap `out` otherwise. */
struct sipc_pdu_parts {
    const uint8_t *session_id; /* 32 bytes */
    int64_t window_id;         /* >= 0 */
    int32_t seq_nr;            /* >= 0 */
    uint8_t opcode;
    struct sipc_span options;
    struct sipc_span data;
};

/* Encodes a PDU (WIRE-1) into `out`; `*used` is its length. SIPC_E_NO_SPACE: it does not fit
 * `size` or 65,500 bytes. SIPC_E_INVALID: a negative id or seq_nr, an opcode not of WIRE-6. */
enum sipc_status sipc_pdu_encode(const struct sipc_pdu_parts *parts, uint8_t *out, size_t size,
                                 size_t *used) SIPC_MUST_USE;
/* The same without the data: writes everything before it, with a total length that counts
 * `data_size` bytes to follow. For senders that gather (parts->data is not looked at). */
enum sipc_status sipc_pdu_encode_head(const struct sipc_pdu_parts *parts, size_t data_size,
                                      uint8_t *out, size_t size, size_t *used) SIPC_MUST_USE;

/* Long attributes (OPT-7). An attribute as text is `<name length>:<name><value>`, the length in
 * UTF-16 code units; each byte of it becomes one char of a piece, in UTF-8 (Latin-1).
 *
 * sipc_long_attribute_encode writes the whole attribute as repeated options s_e_<n>, each option
 * at most `option_size_max` bytes long, no char in two of them. SIPC_E_NO_SPACE as above, nothing
 * written. SIPC_E_INVALID: the name is not UTF-8 (its length cannot be told) or has a NUL, or
 * `option_size_max` leaves no room for a char of two bytes (21 bytes are enough for every n).
 * sipc_long_attribute_size gives the bytes all the options take, 0 where that is SIPC_E_INVALID. */
size_t sipc_long_attribute_size(struct sipc_span name, struct sipc_span value, uint32_t n,
                                size_t option_size_max);
enum sipc_status sipc_long_attribute_encode(struct sipc_span name, struct sipc_span value,
                                            uint32_t n, size_t option_size_max, uint8_t *out,
                                            size_t size, size_t *used) SIPC_MUST_USE;
/* Decoding: appends the bytes one piece stands for to `out`. false, and *used as it was, if the
 * piece is not Latin-1 in UTF-8 (OPT-8: error 251) or does not fit. The result is never longer than
 * the piece. */
bool sipc_long_attribute_join(struct sipc_span piece, uint8_t *out, size_t size, size_t *used);
/* Splits the joined text into name and value (views into it). false (OPT-8): no decimal length and
 * colon at the start (a sign is none), or the name is cut, ends inside a char, or is not UTF-8. The
 * value may be any bytes (OPT-9). */
bool sipc_long_attribute_split(struct sipc_span text, struct sipc_span *name,
                               struct sipc_span *value);

#ifdef __cplusplus
}
#endif
#endif
