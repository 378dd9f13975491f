/* Two endpoints and a bad link between them, in virtual time, driven by one seed: the histories
 * that the tests of snapshots, granularity and portability replay. Everything that happens is one
 * event into one endpoint; the actions that come of it are hashed in an order of bytes that every
 * machine shares. No libc beyond memory, so that it runs wherever the engine does.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_TESTS_WORLD_H
#define SIPC_TESTS_WORLD_H

#include "sipc/session.h"

/* Settings under which a history runs: each brings other corners of the engine into reach. */
struct world_profile {
    const char *name;
    void (*set)(struct sipc_config *config); /* on top of world_config */
    int64_t preset;                          /* first ids of session 0; -1: as the protocol says */
};
extern const struct world_profile world_profiles[];
extern const int world_profile_count;

enum world_event_kind {
    WORLD_RECEIVE,
    WORLD_SENT,
    WORLD_ADVANCE,
    WORLD_SHUTDOWN,
    WORLD_OPEN,
    WORLD_SEND,
    WORLD_SEND_UNRELIABLE,
    WORLD_CLOSE,
    WORLD_DISPOSE,
};

/* One call. Sessions are named by (remote, id), so that an event means the same to every copy of an
 * endpoint. */
struct world_event {
    enum world_event_kind kind;
    int side; /* of the world: 0 or 1 */
    sipc_time now;
    sipc_peer remote;
    const uint8_t *bytes; /* receive; the world's until its next step */
    size_t size;          /* receive, send */
    uint64_t token;       /* sent */
    bool success;         /* sent; send: skip */
    unsigned id;          /* commands */
    uint64_t handle;
    uint64_t attributes; /* send: what they are made of */
    int32_t code;        /* close, dispose */
    int64_t preset;      /* open: -1 none */
};

struct world;

/* NULL: out of memory. */
struct world *world_new(const struct world_profile *profile, uint64_t seed);
void world_free(struct world *world);
/* The settings of the endpoint of a side. */
const struct sipc_config *world_config(const struct world *world);
struct sipc_endpoint *world_endpoint(const struct world *world, int side);

/* What happens next: gives the event to its endpoint and takes the actions out. *actions is their
 * hash, with the status of the call. Returns a sentence if an invariant broke. */
const char *world_step(struct world *world, struct world_event *event, uint64_t *actions);
/* The hash of all actions so far, and of what can be asked of both endpoints now. */
uint64_t world_trace(const struct world *world);
uint64_t world_state(const struct world *world);

/* The same event for another copy of the endpoint; its actions stay in it. */
enum sipc_status world_apply(struct sipc_endpoint *ep, const struct world_event *event);
/* One action added to a hash. Begin with WORLD_HASH. */
#define WORLD_HASH UINT64_C(0xcbf29ce484222325) /* FNV-1a, 64 bits */
uint64_t world_hash_number(uint64_t hash, uint64_t number);
uint64_t world_hash_action(uint64_t hash, const struct sipc_action *action);
/* Takes all actions out: their hash, as world_step gives it. */
uint64_t world_drain(struct sipc_endpoint *ep, enum sipc_status status);

#endif
