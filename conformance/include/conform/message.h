/* The messages of SUT contract 1 (sut/SUT-CONTRACT.md) as C: requests to a SUT, its responses, and
 * what it puts out. One set for every way to attach; here also their form as JSON lines.
 *
 * A request borrows what it points to. A response owns its outputs (conform_response_clear).
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_MESSAGE_H
#define CONFORM_MESSAGE_H

#include "sipc/endpoint.h"

enum conform_op {
    CONFORM_HELLO, CONFORM_CONFIGURE, CONFORM_RESET, CONFORM_OPEN, CONFORM_PRESET, CONFORM_SEND,
    CONFORM_SEND_UNRELIABLE, CONFORM_CLOSE, CONFORM_DISPOSE, CONFORM_SHUTDOWN, CONFORM_RX,
    CONFORM_SENT, CONFORM_ADVANCE, CONFORM_STATE, CONFORM_BYE,
    CONFORM_UNKNOWN, /* an op the contract does not have: `op_name` */
    CONFORM_OP_COUNT
};
const char *conform_op_name(enum conform_op op);

/* A setting of `configure`: an integer, a boolean (as integer) or a word (aftermath, network). */
struct conform_setting {
    const char *name;
    int64_t value;
    const char *word; /* NULL: value */
    bool boolean;     /* value is true/false in JSON */
};

struct conform_attribute {
    struct sipc_span name, value;
};

struct conform_request {
    enum conform_op op;
    const char *op_name; /* CONFORM_UNKNOWN */
    const char *clock;   /* hello: "virtual" or "wall" */
    int contract;        /* hello: 1 */
    const struct conform_setting *settings; /* configure */
    size_t setting_count;
    const uint8_t *session; /* 32 bytes */
    const char *remote;     /* open; elsewhere where the id alone is ambiguous, or NULL */
    bool has_idle_timeout;  /* open */
    int64_t idle_timeout_ms;
    int64_t next_window_id, acked_window_id, min_window_id; /* preset; -1 none */
    bool processed;
    const char *label;      /* send, send_unreliable, close */
    struct sipc_span data;  /* send: bytes; data.data NULL and has_size: byte i = i mod 251 */
    bool has_size;
    uint64_t size;
    const struct conform_attribute *attributes;
    size_t attribute_count;
    bool skip;
    int32_t code;           /* close, dispose */
    int64_t grace_ms;       /* shutdown */
    const char *from;       /* rx */
    struct sipc_span pdu;   /* rx */
    uint64_t token;         /* sent */
    bool success;           /* sent */
    uint64_t to_ns;         /* advance */
};

enum conform_out_kind {
    CONFORM_OUT_TX, CONFORM_OUT_DELIVER, CONFORM_OUT_RESULT, CONFORM_OUT_STATE, CONFORM_OUT_DISCARD,
    CONFORM_OUT_EOF, /* live streams: the SUT closed the connection `remote` */
};

/* One thing a SUT put out. Strings and bytes belong to the response, or queue, that holds it. */
struct conform_out {
    enum conform_out_kind kind;
    uint64_t at_ns;         /* virtual time of the harness when it came */
    bool has_session;
    uint8_t session[SIPC_SESSION_ID_SIZE];
    char *remote;           /* peer's name; tx: to */
    uint8_t *bytes;         /* tx: the PDU; deliver: the data */
    size_t size;
    uint64_t token;         /* tx */
    struct conform_attribute *attributes; /* deliver */
    size_t attribute_count;
    char *label;            /* result */
    char *operation;        /* result: send, send_unreliable, close; NULL if not said */
    char *word;             /* result: outcome; state: state; discard: reason */
    char *why;              /* result refused; NULL if not said */
    bool has_code;          /* result; state: cause not null */
    int64_t code;
};

struct conform_response {
    bool ok;
    bool unsupported;
    bool broken;            /* the adapter found itself out: what it drives breaks its interface */
    char *error;            /* NULL if ok */
    struct conform_out *outs;
    size_t out_count;
    uint64_t deadline_ns;   /* virtual clock; SIPC_NEVER for null */
    /* hello */
    char *name, *version, *clock, *listen;
    int contract;
    char **capabilities;
    size_t capability_count;
    uint64_t tick_ns;
    /* configure */
    char **refused;
    size_t refused_count;
    /* state */
    char *state;
};

void conform_out_clear(struct conform_out *out);
void conform_response_clear(struct conform_response *response);
/* Appends a zeroed output and returns it (valid until the next append); aborts when out of
 * memory. */
struct conform_out *conform_response_add(struct conform_response *response);

/* A text buffer for messages to people. */
struct conform_error {
    char text[1024];
};
void conform_error_set(struct conform_error *error, const char *format, ...) SIPC_PRINTF(2, 3);

/* JSON lines. Encoded lines end in a newline and are malloc'ed (caller frees); `id` is echoed by
 * the SUT. Decoding copies everything; false: *error says what is wrong, in plain words. Outputs
 * decoded get at_ns = now_ns. */
char *conform_request_encode(const struct conform_request *request, uint64_t id);
char *conform_response_encode(const struct conform_response *response, enum conform_op op,
                              const char *id_json, bool virtual_clock);
/* {"event": ...} for one output (control channel). */
char *conform_event_encode(const struct conform_out *out);

/* Storage for a decoded request. */
struct conform_request_memory {
    void *json; /* private */
    void *blocks;
};
/* *id_json: malloc'ed JSON text of the id ("null" if the line could not be read). */
bool conform_request_decode(const char *line, size_t size, struct conform_request *request,
                            struct conform_request_memory *memory, char **id_json,
                            struct conform_error *error);
void conform_request_memory_clear(struct conform_request_memory *memory);

enum conform_line { CONFORM_LINE_RESPONSE, CONFORM_LINE_EVENT, CONFORM_LINE_BAD };
/* A line from a SUT: the response to request `id` (op `op`), or an event, which is appended to
 * *response's outputs. With the virtual clock `out` and `deadline_ns` must be there and events must
 * not; with the wall clock no `tx` comes this way. */
enum conform_line conform_response_decode(const char *line, size_t size, enum conform_op op,
                                          uint64_t id, bool virtual_clock, uint64_t now_ns,
                                          struct conform_response *response,
                                          struct conform_error *error);

#endif
