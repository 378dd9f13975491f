/* What happens in a world, as it happens: every datagram at every stage, every event of an
 * application, every change of the timeline, every failure. The trace hash, the tape, traces on
 * disk and judges are all fed by this.
 *
 * An observer must not call into the world, but for the functions that only read.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_OBSERVER_H
#define SIMNET_OBSERVER_H

#include "sipc/session.h"
#include "simnet/link.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t simnet_host;    /* index, from 0 in order of adding */
typedef uint32_t simnet_session; /* index, from 0 in order of adding (host.h) */

enum simnet_event_kind {
    SIMNET_EVENT_STAGE,     /* a stage of a link gave a verdict */
    SIMNET_EVENT_AFTERMATH, /* a host was told of its transmission: ok, token */
    SIMNET_EVENT_OPERATION, /* an application's command: operation or open, status */
    SIMNET_EVENT_RESULT,    /* an operation ended */
    SIMNET_EVENT_DELIVER,   /* a window group was handed over */
    SIMNET_EVENT_STATE,     /* a session changed its state */
    SIMNET_EVENT_DISCARD,   /* an endpoint discarded a PDU */
    SIMNET_EVENT_CHANGE,    /* the timeline changed a link or a host */
    SIMNET_EVENT_FAILURE,   /* an invariant does not hold */
    SIMNET_EVENT_KIND_COUNT
};
const char *simnet_event_kind_name(enum simnet_event_kind kind);

/* An application's commands. The first three are enum sipc_operation. */
enum simnet_command {
    SIMNET_COMMAND_SEND = SIPC_OP_SEND,
    SIMNET_COMMAND_SEND_UNRELIABLE = SIPC_OP_SEND_UNRELIABLE,
    SIMNET_COMMAND_CLOSE = SIPC_OP_CLOSE,
    SIMNET_COMMAND_OPEN,
    SIMNET_COMMAND_DISPOSE,
    SIMNET_COMMAND_SHUTDOWN,
};
const char *simnet_command_name(enum simnet_command command);
/* "ok", "busy", ... */
const char *simnet_status_name(enum sipc_status status);

/* A datagram on its way: `size` bytes as sent, in two pieces. Corruption is not applied to them but
 * told beside; simnet_datagram_copy gives the bytes as they will arrive. */
struct simnet_datagram {
    uint64_t number; /* of all datagrams of the world, copies too, from 1 */
    struct sipc_span head, payload;
    uint32_t size;        /* of both, as sent */
    simnet_host from, to; /* to: SIMNET_NONE if the address has no host */
    sipc_peer from_address, to_address;
    sipc_time entered_ns;
    uint8_t copy;       /* 0: the datagram itself, n: its n-th duplicate */
    uint8_t corruption; /* PASS, FLIP, TRUNCATE or EXTEND */
    uint64_t corruption_value;
    uint32_t corruption_extra;
};
/* Writes the datagram as it is now into `out`; returns its length, up to SIPC_PDU_SIZE_MAX + 1,524.
 * `size` less than that length: nothing is written. */
size_t simnet_datagram_copy(const struct simnet_datagram *datagram, uint8_t *out, size_t size);
enum { SIMNET_DATAGRAM_SIZE_MAX = SIPC_PDU_SIZE_MAX + 1524 };

/* Why a run failed. The first failure is kept (world.h). */
struct simnet_failure {
    const char *invariant; /* static; "conservation", "delivered-once" ... */
    enum sipc_rule rule;   /* SIPC_RULE_NONE where it is none of the protocol's */
    uint64_t event;        /* number of the event it was seen at */
    sipc_time time_ns;
    simnet_host host;
    simnet_link link;
    simnet_session session;
    char text[320]; /* what was expected and what was found */
};

/* Fields by kind; what a kind has not is 0, SIMNET_NONE or NULL. Pointers live during the call. */
struct simnet_event {
    uint64_t number; /* from 1 */
    sipc_time time_ns;
    enum simnet_event_kind kind;
    simnet_host host;
    simnet_link link;
    simnet_session session;    /* SIMNET_NONE: not one of simnet_session_add */
    const uint8_t *session_id; /* 32 bytes or NULL */
    sipc_peer remote;          /* application events, OPERATION open: the peer's address */
    /* STAGE */
    enum simnet_stage stage;
    enum simnet_verdict verdict;
    const char *why; /* drops: static; "tail drop", "codel", "link down", ... */
    uint64_t value;  /* of the verdict (tape.h); CHANGE: of the change */
    uint32_t extra;
    const struct simnet_datagram *datagram;
    const struct simnet_pdu_key *key;
    /* application */
    enum simnet_command command; /* OPERATION, RESULT */
    enum sipc_status status;     /* OPERATION */
    uint64_t operation;          /* OPERATION, RESULT: number of the operation, from 1; 0 none */
    enum sipc_outcome outcome;   /* RESULT */
    int32_t code;                /* RESULT: its code; STATE: the cause; OPERATION close, dispose */
    enum sipc_state state;       /* STATE */
    struct sipc_span data;       /* DELIVER */
    struct sipc_span attributes; /* DELIVER: walk with sipc_attribute_next */
    uint64_t size;               /* OPERATION send: bytes of the message */
    bool skip;                   /* OPERATION send */
    int64_t idle_timeout_ns;     /* OPERATION open; INT64_MIN: the host's */
    const struct sipc_attribute *given; /* OPERATION send: the message's attributes */
    size_t given_count;
    enum sipc_discard reason;    /* DISCARD */
    enum sipc_rule rule;         /* DISCARD */
    uint64_t token; /* AFTERMATH; STAGE: of a datagram whose aftermath is owed, else 0 */
    bool ok;                     /* AFTERMATH */
    int change;                  /* CHANGE: enum simnet_change_kind */
    const struct simnet_failure *failure; /* FAILURE */
};

/* Which events an observer wants: stage verdicts other than PASS, ENTER and ARRIVE are always
 * among SIMNET_WANT_VERDICTS; PASS of the stages between only with SIMNET_WANT_PASSES. */
enum simnet_want {
    SIMNET_WANT_VERDICTS = 1,
    SIMNET_WANT_PASSES = 2,
    SIMNET_WANT_APPLICATION = 4, /* OPERATION RESULT DELIVER STATE */
    SIMNET_WANT_DISCARDS = 8,
    SIMNET_WANT_AFTERMATHS = 16,
    SIMNET_WANT_CHANGES = 32,
    SIMNET_WANT_FAILURES = 64,
    SIMNET_WANT_ALL = 127
};

struct simnet_observer {
    void *ctx;
    unsigned wants; /* set of enum simnet_want */
    void (*event)(void *ctx, const struct simnet_event *event);
};

/* Adds an observer (copied); events go to observers in the order they were added. */
void simnet_observe(struct simnet_world *world, const struct simnet_observer *observer);
/* Takes the observers with this ctx away. Not from within an event. */
void simnet_unobserve(struct simnet_world *world, const void *ctx);

/* Prints an event as one line without a newline, with the names of links and hosts. Returns the
 * length it has, as snprintf. */
int simnet_event_print(const struct simnet_world *world, const struct simnet_event *event,
                       char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
