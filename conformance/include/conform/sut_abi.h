/* SUT contract 1 as a C ABI: what a shared object exports to be attached with so:PATH.
 * This header stands alone; copy it.
 *
 * Virtual clock. The object is loaded into a process of its own, which calls `create` once and all
 * else from one thread; what it writes to stdout goes to stderr. Functions return 0 for ok,
 * SIPC_SUT_REFUSED for `ok: false` (nothing changed; last_error says why) or SIPC_SUT_UNSUPPORTED.
 * After each call the harness pulls outputs with next_out until it returns 0.
 *
 * A function pointer may be NULL: unsupported; without `configure` every setting is refused. Only
 * create, destroy, reset, rx, advance, deadline and next_out must be there. A crash, or a call
 * that does not return, is the verdict of the case; the process is then started anew. That process
 * is `sipc sut --so PATH`, to be debugged.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_ABI_H
#define CONFORM_SUT_ABI_H

#include <stddef.h>
#include <stdint.h>

#define SIPC_SUT_VERSION     1
#define SIPC_SUT_REFUSED     1
#define SIPC_SUT_UNSUPPORTED 2

struct sipc_sut_bytes {
    const uint8_t *data;
    size_t size;
};
struct sipc_sut_attribute {
    struct sipc_sut_bytes name, value;
};
struct sipc_sut_setting {
    const char *name;
    int64_t value;    /* integers and booleans */
    const char *word; /* aftermath, network; else NULL */
};
struct sipc_sut_message {
    const uint8_t *session; /* 32 bytes */
    const char *remote;     /* NULL unless the session id alone is ambiguous */
    const char *label;
    struct sipc_sut_bytes data; /* valid during the call */
    const struct sipc_sut_attribute *attributes;
    size_t attribute_count;
    int skip;
};

enum sipc_sut_out_kind {
    SIPC_SUT_TX = 1, SIPC_SUT_DELIVER, SIPC_SUT_RESULT, SIPC_SUT_STATE, SIPC_SUT_DISCARD
};
/* Fields by kind as in the JSON form; what a kind has not is zero. Lives until the next call. */
struct sipc_sut_out {
    int kind;
    const uint8_t *session;     /* NULL: none */
    const char *remote;         /* tx: to */
    struct sipc_sut_bytes bytes; /* tx: the PDU, deliver: the data */
    uint64_t token;             /* tx */
    const struct sipc_sut_attribute *attributes; /* deliver */
    size_t attribute_count;
    const char *label;          /* result */
    const char *operation;      /* result */
    const char *word;           /* result: outcome; state: state; discard: reason */
    const char *why;            /* result refused, optional */
    int has_code;               /* result; state: the cause is not null */
    int64_t code;
};

struct sipc_sut {
    size_t size;          /* sizeof(struct sipc_sut) */
    uint32_t version;     /* SIPC_SUT_VERSION */
    const char *name;
    const char *sut_version;
    const char *const *capabilities; /* ends with NULL */
    uint64_t tick_ns;     /* 1 */
    void *(*create)(void);
    void (*destroy)(void *sut);
    const char *(*last_error)(void *sut);
    /* *refused: an array of names ending with NULL, alive until the next call; may be set NULL. */
    int (*configure)(void *sut, const struct sipc_sut_setting *settings, size_t count,
                     const char *const **refused);
    int (*reset)(void *sut);
    int (*open)(void *sut, const uint8_t *session, const char *remote, int has_idle_timeout,
                int64_t idle_timeout_ms);
    int (*preset)(void *sut, const uint8_t *session, const char *remote, int64_t next_window_id,
                  int64_t acked_window_id, int64_t min_window_id, int processed);
    int (*send)(void *sut, const struct sipc_sut_message *message);
    int (*send_unreliable)(void *sut, const struct sipc_sut_message *message);
    int (*close)(void *sut, const uint8_t *session, const char *remote, const char *label,
                 int32_t code);
    int (*dispose)(void *sut, const uint8_t *session, const char *remote, int32_t code);
    int (*shutdown)(void *sut, int64_t grace_ms);
    int (*rx)(void *sut, const char *from, struct sipc_sut_bytes pdu);
    int (*sent)(void *sut, uint64_t token, int success);
    int (*advance)(void *sut, uint64_t to_ns);
    int (*state)(void *sut, const uint8_t *session, const char *remote, const char **state);
    uint64_t (*deadline)(const void *sut); /* UINT64_MAX: none */
    int (*next_out)(void *sut, struct sipc_sut_out *out); /* 1: *out filled, 0: no more */
};

/* The one symbol a shared object exports. */
const struct sipc_sut *sipc_sut_v1(void);

#endif
