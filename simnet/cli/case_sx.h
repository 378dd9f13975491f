/* A failure as a conformance case: what one endpoint lived, told as lines of a script.
 *
 * The endpoint is the SUT; what came to it are the lines of the script, what it is to do is what
 * the reference engine does at the same. The case ends where that and what the endpoint did part,
 * so it is one that the reference passes and the endpoint fails. Where they never do, as the
 * endpoint is the reference, the lines tell what it did, up to the last event: what that brought
 * must not be. SPDX-License-Identifier: MIT */
#ifndef SIMNET_CASE_SX_H
#define SIMNET_CASE_SX_H

#include <stdio.h>

#include "simnet/host.h"

enum case_what {
    /* causes */
    CASE_RECEIVES, /* a PDU: peer, bytes */
    CASE_ADVANCES, /* a deadline is due */
    CASE_COMMANDS, /* of the application: command and what goes with it */
    CASE_TOLD,     /* the aftermath of transmission `number`: ok */
    /* effects, of the cause before */
    CASE_TRANSMITS, /* a PDU: peer, bytes; number: of the transmission, if an aftermath is owed */
    CASE_DELIVERS,  /* a group: session_id, bytes, attributes */
    CASE_ENDS,      /* operation `number`: outcome, code; or it was refused */
};

struct case_entry {
    enum case_what what;
    sipc_time at_ns;             /* by the endpoint's clock, since its life began */
    uint64_t order;              /* among the entries of all endpoints */
    sipc_peer peer;              /* also of an open; else of the session */
    const uint8_t *session_id;   /* 32 bytes, of the history; receive, transmit: NULL */
    struct sipc_span bytes;      /* of the history; COMMANDS: the whole message */
    struct sipc_span attributes; /* encoded, of the history: message or group */
    uint64_t number;
    enum simnet_command command;
    enum sipc_outcome outcome;
    int32_t code;
    int64_t idle_timeout_ns; /* open; INT64_MIN: no override */
    sipc_time grace_ns;      /* shutdown */
    bool skip, ok, refused;
};

/* One life of an endpoint. */
struct case_history {
    struct sipc_config settings;
    bool manual; /* aftermaths come when they come (TOLD); else at once, always good */
    const struct sipc_preset *preset; /* of the session opened first; NULL: none */
    sipc_time end_ns;                 /* up to where it was seen */
    bool stands_still;                /* then nothing would ever have happened again */
    struct case_entry *entries;
    size_t count, capacity;
    void **memory;
    size_t memory_count, memory_capacity;
};

/* Appends a blank entry. Pointers to entries are void after that. */
struct case_entry *case_history_add(struct case_history *history, enum case_what what,
                                    sipc_time at_ns);
/* Bytes that live with the history: `data`, or, if NULL, zeros. */
uint8_t *case_history_bytes(struct case_history *history, const void *data, size_t size);
void case_history_clear(struct case_history *history);

struct case_failure {
    const char *story;   /* comment: lines, each with its newline, without the # */
    enum sipc_rule rule; /* NONE: none of the protocol's */
    size_t blamed;       /* the history it was seen in; SIZE_MAX: in none */
    bool by_effect;      /* it was seen in what the last cause of that brought */
};

/* Prints the case, called `id`: of the endpoint that parts first from the reference, else of the
 * one that is blamed. NULL, or a sentence (static) on why it cannot be told as one. */
const char *case_sx_print(const struct case_history *histories, size_t count,
                          const struct case_failure *failure, const char *id, FILE *out);

#endif
