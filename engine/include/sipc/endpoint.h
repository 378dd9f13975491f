/* The endpoint: one network address with all its sessions, as a machine without I/O or clock.
 *
 * Bytes, commands and time go in; actions come out. Every driver is the same short loop:
 *
 *     feed one event (receive, sent, advance, or a command of session.h)
 *     drain sipc_endpoint_next_action until it says false
 *     ask sipc_endpoint_deadline when to call sipc_endpoint_advance next
 *
 * All state lives in one block of the caller's, without pointers inside it: a snapshot is a memcpy
 * of its first sipc_endpoint_snapshot_size bytes, taken when no action waits. No callbacks, so no
 * re-entrance; one thread at a time.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_ENDPOINT_H
#define SIPC_ENDPOINT_H

#include "sipc/base.h"
#include "sipc/pdu.h"
#include "sipc/rules.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Settings, RULES.md section 9. Start from sipc_config_default. */
struct sipc_config {
    uint32_t mtu;                       /* bytes; brought into 512..65,500 (SND-2a); 1,400 */
    uint32_t max_window_size;           /* PDUs, 1..65,535; 16 */
    sipc_time ack_timeout_ns;           /* >= 1 ms (SND-7); 1 s */
    uint32_t max_retry_count;           /* 3 */
    sipc_time open_timeout_ns;          /* 0 = off; 10 s */
    int64_t idle_timeout_ns;            /* <= 0 = off; 0 */
    int64_t min_remote_idle_timeout_ns; /* IDL-2; 0 */
    int64_t max_remote_idle_timeout_ns; /* IDL-2; 600 s */
    sipc_time enquire_link_interval_ns; /* 0 = off; 0 */
    sipc_time linger_ns;                /* END-3; SIPC_NEVER means
                                           2 * (max_retry_count + 1) * ack_timeout; that */
    uint32_t attribute_limit;           /* bytes of encoded attributes, 0..65,535; 30,000 */
    uint32_t max_sessions;              /* >= 1; 1,024 */
    uint32_t unreliable_queue;          /* fire-and-forget messages per session; 64 */
    bool accept;                        /* sessions opened by a peer (END-2); true */
    bool require_first_in_window_group; /* RCV-11; true */
    bool stream;                        /* peers are connections of a byte stream (END-1a); false */
    uint64_t table_key;                 /* mixed into the session table's hash; random when live */
    /* Small worlds only. Anything but the default is not the protocol: say so in every report. */
    int64_t window_id_step;             /* 2..; 100 */
    int64_t window_id_max;              /* >= 3 * step; 9E15 */
    uint32_t group_bytes_max;           /* mtu..65,500 or less; 65,500 */
};

void sipc_config_default(struct sipc_config *config);

/* Clamps what the protocol clamps (mtu), resolves SIPC_NEVER of linger_ns, and checks the rest.
 * SIPC_E_INVALID: *field names the setting that makes no sense (static lifetime; may be NULL). */
enum sipc_status sipc_config_check(struct sipc_config *config, const char **field) SIPC_MUST_USE;
/* Whether the settings are the protocol's own (no small world). */
bool sipc_config_conformant(const struct sipc_config *config);

struct sipc_endpoint;

/* A session of this endpoint; 0 is none. Never reused for another session. */
typedef uint64_t sipc_session;

enum sipc_state {
    SIPC_OPENING,
    SIPC_OPENED,
    SIPC_CLOSING,
    SIPC_AWAITING_DISPOSAL,
    SIPC_DISPOSED,
};
const char *sipc_state_name(enum sipc_state state);

/* Bytes of the block for these settings (checked ones); 0 if they make no sense. */
size_t sipc_endpoint_size(const struct sipc_config *config);

/* Builds an endpoint in `block`, which must be 16-byte aligned and zeroed by the caller (large
 * blocks from calloc or mmap then cost only the pages that are used). The endpoint is at the start
 * of the block. SIPC_E_INVALID: settings; SIPC_E_NO_SPACE: size < sipc_endpoint_size. */
enum sipc_status sipc_endpoint_init(void *block, size_t size, const struct sipc_config *config,
                                    sipc_time now, struct sipc_endpoint **out) SIPC_MUST_USE;

/* How much of the block, from its start, is state: what a snapshot copies and a state hash covers,
 * both after next_action said false. Copied back into a block of the same settings, at any address,
 * the endpoint goes on from there; two endpoints that lived the same history are equal in these
 * bytes. The bytes behind it only serve actions that wait. */
size_t sipc_endpoint_snapshot_size(const struct sipc_endpoint *ep);

/* For explorers, which compare states: takes the endpoint, all of it, to another moment, so that
 * `now` is `base`, and numbers anew what only has to differ. Endpoints that will do the same from
 * now on are then equal in their snapshots, but for slots used before and given back. Not while
 * actions wait. `now` is no less than in any call before; `base` leaves room for the linger behind
 * it. tokens[0..count-1], SIPC_REBASE_TOKENS_MAX at most, are renamed; those whose aftermath nobody
 * awaits become 0. Void are other tokens and all handles of sessions; discards count from 0. */
enum { SIPC_REBASE_TOKENS_MAX = 16 };
void sipc_endpoint_rebase(struct sipc_endpoint *ep, sipc_time now, sipc_time base, uint64_t *tokens,
                          size_t count);

/* The settings in force (checked and clamped). Lives as long as the endpoint. */
const struct sipc_config *sipc_endpoint_config(const struct sipc_endpoint *ep);

/* ---- events in. All: `now` must not be less than in any call before (assert). All return
 * SIPC_E_PENDING and do nothing while actions wait. ---- */

/* One datagram, or frame of a byte stream, arrived from `from`. Any bytes. `bytes` are not kept. */
enum sipc_status sipc_endpoint_receive(struct sipc_endpoint *ep, sipc_time now, sipc_peer from,
                                       struct sipc_span bytes) SIPC_MUST_USE;

/* The aftermath of a transmit action: the network took it, or failed. The driver owes one for each
 * action with `owed` set; for the others (acks, ACK-4) it may give one or not. SIPC_E_UNKNOWN: no
 * transmission with this token awaits one (late, double, or made up); nothing changed. */
enum sipc_status sipc_endpoint_sent(struct sipc_endpoint *ep, sipc_time now, uint64_t token,
                                    bool success) SIPC_MUST_USE;

/* Fires the first deadline, if it is <= now: one per call, so that a call gives few actions. Call
 * it again, after draining, until sipc_endpoint_deadline is later than now. */
enum sipc_status sipc_endpoint_advance(struct sipc_endpoint *ep, sipc_time now) SIPC_MUST_USE;

/* END-4: no session is accepted any more; those there may finish within `grace_ns`, the rest are
 * disposed with -2. */
enum sipc_status sipc_endpoint_shutdown(struct sipc_endpoint *ep, sipc_time now,
                                        sipc_time grace_ns) SIPC_MUST_USE;

/* The next moment the endpoint wants sipc_endpoint_advance; SIPC_NEVER if none. */
sipc_time sipc_endpoint_deadline(const struct sipc_endpoint *ep);

/* ---- actions out ---- */

enum sipc_operation { SIPC_OP_SEND, SIPC_OP_SEND_UNRELIABLE, SIPC_OP_CLOSE };

enum sipc_outcome { /* code beside it */
    SIPC_OUTCOME_OK,            /* 0 */
    SIPC_OUTCOME_TIMEOUT,       /* -3 */
    SIPC_OUTCOME_PEER_ERROR,    /* 200..299 */
    SIPC_OUTCOME_NETWORK_ERROR, /* -5 */
    SIPC_OUTCOME_NOT_SENT,      /* 0; fire-and-forget only */
    SIPC_OUTCOME_CLOSED,        /* the abort or local code that ended the session under it */
};
const char *sipc_outcome_name(enum sipc_outcome outcome);

enum sipc_action_kind {
    SIPC_ACTION_TRANSMIT,
    SIPC_ACTION_DELIVER,
    SIPC_ACTION_RESULT,
    SIPC_ACTION_STATE,
    SIPC_ACTION_DISCARD,
};

/* Spans live until the next call of sipc_endpoint_next_action or of any event. */
struct sipc_action {
    enum sipc_action_kind kind;
    sipc_session session;      /* 0: of no session held (some transmits and discards) */
    const uint8_t *session_id; /* 32 bytes; NULL where the PDU had none */
    sipc_peer remote;
    union {
        /* Send head, then payload_size bytes of the message from payload_offset, as one PDU. */
        struct {
            uint64_t token;
            struct sipc_span head;
            uint64_t message; /* handle given to send; meaningless if payload_size is 0 */
            uint64_t payload_offset;
            uint32_t payload_size;
            bool owed; /* its aftermath is awaited */
        } transmit;
        /* One whole window group. Attributes: walk with sipc_attribute_next. */
        struct {
            struct sipc_span data;
            struct sipc_span attributes;
        } deliver;
        /* The end of an operation: the message's bytes are the caller's again. */
        struct {
            uint64_t handle; /* given to send, send_unreliable or close */
            enum sipc_operation operation;
            enum sipc_outcome outcome;
            int32_t code;
        } result;
        struct {
            enum sipc_state state;
            int32_t cause; /* abort or local code, 0 if none */
        } state;
        struct {
            enum sipc_discard reason;
            enum sipc_rule rule;
        } discard;
    } u;
};

/* Takes the oldest waiting action; false if there is none. */
bool sipc_endpoint_next_action(struct sipc_endpoint *ep, struct sipc_action *action);

/* Walks the attributes of a delivery, long ones decoded, in order of arrival per name. */
bool sipc_attribute_next(struct sipc_span *rest, struct sipc_span *name, struct sipc_span *value);
/* Appends one for sipc_attribute_next to walk, to `out` of `size` bytes, *used of them taken; for
 * who hands over deliveries of other endpoints. SIPC_E_NO_SPACE, SIPC_E_SIZE (name or value over
 * 65,535 bytes): nothing written. */
enum sipc_status sipc_attribute_add(struct sipc_span name, struct sipc_span value, uint8_t *out,
                                    size_t size, size_t *used) SIPC_MUST_USE;

/* How many PDUs were discarded for `reason` since init (WIRE-7). */
uint64_t sipc_endpoint_discarded(const struct sipc_endpoint *ep, enum sipc_discard reason);

/* Sessions held, in whatever state but disposed. */
uint32_t sipc_endpoint_session_count(const struct sipc_endpoint *ep);

/* Checks every invariant of the block; NULL, or a sentence (static) that says which is broken, and
 * ends in the rule that demands it, if one does: "... (RTY-3)". */
const char *sipc_endpoint_check(const struct sipc_endpoint *ep);

#ifdef __cplusplus
}
#endif
#endif
