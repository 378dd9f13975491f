/* The language of stateful inputs: what happens to one endpoint, or two, as records on a grid of 8
 * bytes. Total: any bytes are an input. Append-only: numbers of operations, settings and kinds are
 * never given anew, unknown ones do nothing, so inputs stay what they are. An input as it is
 * encoded here begins with a mark and a version; bytes without them are records from the start.
 *
 * It knows nothing of the engine or of scripts: play/ makes inputs happen, tool/ prints and reads
 * them as `.sx`.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SFZ_MARK "SFZ" /* and the version's digit behind it */
enum sfz_limit {
    SFZ_VERSION = 1,
    SFZ_MARK_SIZE = 4,
    SFZ_SLOT = 8,          /* bytes; every record begins on this grid */
    SFZ_RECORDS_MAX = 256, /* those behind are not looked at */
    SFZ_RAW_MAX = 1024,    /* bytes of a raw PDU */
    SFZ_SESSIONS = 4,      /* S, S1, S2, S3 */
    SFZ_PEERS = 3,         /* P, P1, P2 */
    SFZ_SIZE_MAX = 65535,  /* bytes of a message */
    SFZ_WAIT_MAX = 100000, /* thousandths of a wait */
};

enum sfz_op {
    SFZ_NOP,
    SFZ_SET,      /* kind: enum sfz_setting; value. Counts from the start, wherever it stands */
    SFZ_OPEN,     /* who; value: the session's own idle timeout in ms, 0: the endpoint's */
    SFZ_PRESET,   /* who; next window id; min; kind: how far acked is behind; flags: processed */
    SFZ_SEND,     /* who; kind: enum sfz_attributes; flags; size, from */
    SFZ_CLOSE,    /* who; value: code */
    SFZ_DISPOSE,  /* who; value: how negative the code is */
    SFZ_SHUTDOWN, /* value: grace in ms */
    SFZ_PDU,      /* who; a PDU by its fields */
    SFZ_RAW,      /* who; any bytes as one */
    SFZ_SENT,     /* kind: which of the transmissions that wait for it; flags: it failed */
    SFZ_WAIT,     /* kind: enum sfz_unit; value: thousandths; flags: enum sfz_nudge */
    SFZ_FAULT,    /* pair: who: of which side; kind: enum sfz_fault, of its next PDU; value */
    SFZ_REPEAT,   /* who; kind: which of the PDUs sent before, counted back */
    SFZ_OP_COUNT
};

/* ---- what the fields stand for ---- */

/* Settings of the endpoint, RULES.md section 9, in the words of scripts. */
enum sfz_setting {
    SFZ_MTU,
    SFZ_MAX_WINDOW_SIZE,
    SFZ_ACK_TIMEOUT,
    SFZ_MAX_RETRY_COUNT,
    SFZ_OPEN_TIMEOUT,
    SFZ_IDLE_TIMEOUT,
    SFZ_MIN_REMOTE_IDLE_TIMEOUT,
    SFZ_MAX_REMOTE_IDLE_TIMEOUT,
    SFZ_ENQUIRE_LINK_INTERVAL,
    SFZ_LINGER,
    SFZ_ATTRIBUTE_LIMIT,
    SFZ_MAX_SESSIONS,
    SFZ_UNRELIABLE_QUEUE,
    SFZ_ACCEPT,
    SFZ_REQUIRE_FIRST,
    SFZ_MANUAL,
    SFZ_STREAM,
    SFZ_WINDOW_ID_STEP,
    SFZ_WINDOW_ID_MAX,
    SFZ_GROUP_BYTES_MAX,
    SFZ_SETTING_COUNT
};
struct sfz_setting_info {
    const char *name; /* as in scripts */
    int64_t low, high;
    int64_t usual;        /* where an input says nothing: a small endpoint is a fast one */
    int64_t protocol;     /* the protocol's own default; -1: made of others */
    const char *words[2]; /* for 0 and 1, or NULL: a number */
};
const struct sfz_setting_info *sfz_setting_info(enum sfz_setting setting);

/* Who: session, peer, and of a pair the side. */
static inline unsigned sfz_session(unsigned who)
{
    return who & 3;
}
static inline unsigned sfz_peer(unsigned who)
{
    return (who >> 2 & 3) % SFZ_PEERS;
}
static inline unsigned sfz_side(unsigned who)
{
    return who >> 4 & 1;
}

/* The id of a session of inputs, 32 bytes. */
const uint8_t *sfz_session_id(unsigned session);

/* From where a window id counts. The last three are what the moment makes of them, and an input
 * that was played can be said without them (play.h). */
enum sfz_anchor {
    SFZ_FROM_0,
    SFZ_FROM_HIGHEST, /* 9E15, or what window_id_max is */
    SFZ_FROM_SENT,    /* the newest window id that the endpoint used in the session */
    SFZ_FROM_TAKEN,   /* the newest window id of ours that it answered */
    SFZ_FROM_OURS,    /* the newest window id that was sent to it */
    SFZ_ANCHOR_COUNT
};

enum sfz_flag { /* of SFZ_PDU: the booleans, as their bits in sipc_option_id; of others: */
                SFZ_SKIP = 1,
                SFZ_UNRELIABLE = 2,
                SFZ_PROCESSED = 1,
                SFZ_NO_MIN = 2,
                SFZ_FAILED = 1,
};

/* What else a PDU has, or what is wrong with it; one at a time. */
enum sfz_form {
    SFZ_PLAIN,
    SFZ_WITH_OTHER, /* an option nobody knows */
    SFZ_WITH_TRACE_ID,
    SFZ_TWICE,            /* each boolean said before to be false */
    SFZ_LOWER_CASE,       /* booleans in lower case */
    SFZ_FALSE,            /* booleans that are there and false */
    SFZ_BAD_BOOLEAN,      /* last_in_window with a value that is none */
    SFZ_BAD_INTEGER,      /* max_window_size with a value that is none */
    SFZ_LONG_ATTRIBUTE,   /* a piece that can be decoded */
    SFZ_BROKEN_ATTRIBUTE, /* a piece that cannot */
    SFZ_WRONG_LENGTH,
    SFZ_WRONG_PREFIX,
    SFZ_CUT,
    SFZ_EXTENDED,
    SFZ_OPTIONS_CUT,
    SFZ_LONGEST,  /* as much data as makes it 65,500 bytes */
    SFZ_TOO_LONG, /* 65,501 */
    SFZ_FORM_COUNT
};

/* Attributes of a message. */
enum sfz_attributes {
    SFZ_NO_ATTRIBUTES,
    SFZ_ONE_ATTRIBUTE,
    SFZ_TWO_OF_A_NAME,
    SFZ_LARGE_ATTRIBUTE,
    SFZ_WITH_IDLE,
    SFZ_FORBIDDEN,
    SFZ_PIECE_NAME, /* s_e_0 */
    SFZ_NUL_IN_NAME,
    SFZ_TWO_LONG,     /* two that fit no PDU of 512 bytes */
    SFZ_BEYOND_ASCII, /* one such, name and value in umlauts and more */
    SFZ_ATTRIBUTES_COUNT
};
enum { SFZ_LARGE_ATTRIBUTE_SIZE = 600, SFZ_WITH_IDLE_MS = 2000 };

enum sfz_unit {
    SFZ_T,
    SFZ_OPEN_UNIT,
    SFZ_IDLE_UNIT,
    SFZ_ENQUIRE_UNIT,
    SFZ_LINGER_UNIT,
    SFZ_UNIT_COUNT
};
/* In milliseconds, by the settings of an input. */
uint64_t sfz_unit_ms(const int64_t settings[SFZ_SETTING_COUNT], enum sfz_unit unit);

enum sfz_nudge { SFZ_EXACTLY, SFZ_BEFORE, SFZ_BEHIND }; /* by a thousandth of T */

enum sfz_fault { SFZ_LOSE, SFZ_DOUBLE, SFZ_DELAY, SFZ_NOT_SENT, SFZ_FAULT_COUNT };

/* ---- records ---- */

struct sfz_record {
    uint8_t op, who, kind, flags;
    uint32_t value;
    int64_t id, id2; /* offsets from the anchors: window id, or next; min */
    uint8_t anchor, anchor2;
    uint8_t form;
    uint8_t opcode;
    uint16_t seq_nr;
    uint16_t size;      /* bytes of data */
    uint8_t from;       /* byte i of the data is (from + i) mod 251 */
    int16_t code;       /* error_code, abort_code, or of data idle_timeout; 0: none */
    uint16_t limit;     /* max_window_size; 0: none */
    const uint8_t *raw; /* of the bytes that were decoded */
    uint16_t raw_size;
};

struct sfz_input {
    struct sfz_record records[SFZ_RECORDS_MAX];
    size_t count;
    int64_t settings[SFZ_SETTING_COUNT]; /* in range */
};

/* Takes the record at the start of `bytes`, which must not be empty; returns the bytes it took. A
 * record that is cut short goes on with zeros. */
size_t sfz_record_decode(const uint8_t *bytes, size_t size, struct sfz_record *record);
/* Bytes of the record; 0 if they do not fit. */
size_t sfz_record_encode(const struct sfz_record *record, uint8_t *out, size_t size);

/* Any bytes. `input` views them. Records that do nothing are left out. */
void sfz_decode(const uint8_t *bytes, size_t size, struct sfz_input *input);
/* With the mark, settings first, those that are usual left out; 0: it does not fit. Decoding that
 * and encoding it again gives the same bytes. */
size_t sfz_encode(const struct sfz_input *input, uint8_t *out, size_t size);

enum sfz_mark { SFZ_MARKED, SFZ_UNMARKED, SFZ_OTHER_VERSION };
/* What the bytes say they are: an input of this version, of another (*version), or none. */
enum sfz_mark sfz_mark(const uint8_t *bytes, size_t size, unsigned *version);

/* ---- mutation (mutate.c): at the level of records ---- */

/* As LLVMFuzzerCustomMutator and LLVMFuzzerCustomCrossOver; the new size. `ops`: the set of enum
 * sfz_op that may be inserted. */
size_t sfz_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed, uint32_t ops);
size_t sfz_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                 size_t max_size, unsigned seed);

#endif
