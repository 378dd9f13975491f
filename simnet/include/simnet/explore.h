/* Exhaustive exploration of small worlds: two endpoints of the engine and a lossy wire between
 * them, breadth first, through every order in which PDUs, faults, deadlines and commands of the
 * applications can come about within bounds. What is found is found on its shortest path.
 *
 * The engines are the shipping library, or any other build of it (simnet_explore_engine). A state
 * is what both endpoints are in, what is under way, and what the applications were told; of states
 * seen only a hash of 128 bits and the way to them are kept.
 *
 * What is explored, and what is not, is said at the head of explore/explore.c. Use: take a world of
 * the table or make one, run, look at the result, free.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_EXPLORE_H
#define SIMNET_EXPLORE_H

#include <stdio.h>

#include "sipc/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- worlds ---- */

enum simnet_explore_limit {
    SIMNET_EXPLORE_OPERATIONS_MAX = 4, /* of each side */
    SIMNET_EXPLORE_INJECTIONS_MAX = 2,
    SIMNET_EXPLORE_IN_FLIGHT_MAX = 8,
    SIMNET_EXPLORE_FAULTS_MAX = 15,
};

/* A command of an application. It is given at any moment at which the engine takes it, in the order
 * of the plan. Byte i of operation n (side 0 has 1..4, side 1 has 5..8) is (67 n + i) mod 251. */
struct simnet_explore_operation {
    enum sipc_operation kind;
    uint32_t size; /* of a message: 1 or more */
    bool skip;     /* of a message */
    int32_t code;  /* of a close */
};

struct simnet_explore_side {
    bool open;   /* has opened the session when all begins */
    bool preset; /* then, with these window ids */
    struct sipc_preset window_ids;
    struct simnet_explore_operation operations[SIMNET_EXPLORE_OPERATIONS_MAX];
    size_t operation_count;
};

/* A PDU that no engine sent: it may arrive once, at any time, as a fault. */
struct simnet_explore_injection {
    uint32_t to; /* side */
    uint8_t opcode;
    int64_t window_id;
    int32_t seq_nr;
    uint32_t flags; /* framing booleans of sipc_option_id */
    uint32_t size;  /* bytes of data */
    bool stranger;  /* of another session */
};

enum simnet_explore_fault {
    SIMNET_EXPLORE_DROP = 1 << 0,      /* a PDU under way is lost */
    SIMNET_EXPLORE_DUPLICATE = 1 << 1, /* it arrives and stays under way */
    SIMNET_EXPLORE_CRASH = 1 << 2,     /* a host forgets everything and is there again */
    SIMNET_EXPLORE_NOT_SENT = 1 << 3,  /* an aftermath says "failed"; needs `aftermaths` */
};

struct simnet_explore_world {
    const char *name, *about;
    struct sipc_config settings; /* of both; times in whole ms */
    struct simnet_explore_side sides[2];
    struct simnet_explore_injection injections[SIMNET_EXPLORE_INJECTIONS_MAX];
    size_t injection_count;
    sipc_time life_ns;    /* a PDU arrives within this time, or is lost by a fault; whole ms */
    bool aftermaths;      /* each aftermath comes when it comes; else at once, always good */
    unsigned fault_kinds; /* enum simnet_explore_fault, or-ed */
    uint32_t faults;      /* at most so many, injections counted */
    uint32_t in_flight;   /* at most so many PDUs under way: beyond it nothing is explored */
};

/* The table; *count of them. */
const struct simnet_explore_world *simnet_explore_worlds(size_t *count);
/* NULL: none has this name. */
const struct simnet_explore_world *simnet_explore_world_find(const char *name);
/* NULL, or a sentence (static) that says what makes no sense. */
const char *simnet_explore_world_check(const struct simnet_explore_world *world);

/* ---- engines ---- */

/* A build of the engine. A shared object that exports one as `simnet_explore_engine` is loaded by
 * simnet_explore_engine_load. */
enum { SIMNET_EXPLORE_ENGINE_VERSION = 2 };
struct simnet_explore_engine {
    uint32_t version;
    enum sipc_status (*config_check)(struct sipc_config *, const char **);
    size_t (*size)(const struct sipc_config *);
    enum sipc_status (*init)(void *, size_t, const struct sipc_config *, sipc_time,
                             struct sipc_endpoint **);
    size_t (*snapshot_size)(const struct sipc_endpoint *);
    enum sipc_status (*receive)(struct sipc_endpoint *, sipc_time, sipc_peer, struct sipc_span);
    enum sipc_status (*sent)(struct sipc_endpoint *, sipc_time, uint64_t, bool);
    enum sipc_status (*advance)(struct sipc_endpoint *, sipc_time);
    sipc_time (*deadline)(const struct sipc_endpoint *);
    bool (*next_action)(struct sipc_endpoint *, struct sipc_action *);
    const char *(*check)(const struct sipc_endpoint *);
    void (*rebase)(struct sipc_endpoint *, sipc_time, sipc_time, uint64_t *, size_t);
    enum sipc_status (*open)(struct sipc_endpoint *, sipc_time, sipc_peer, const uint8_t *, int64_t,
                             sipc_session *);
    sipc_session (*find)(const struct sipc_endpoint *, sipc_peer, const uint8_t *);
    enum sipc_status (*preset)(struct sipc_endpoint *, sipc_time, sipc_session,
                               const struct sipc_preset *);
    enum sipc_status (*send)(struct sipc_endpoint *, sipc_time, sipc_session,
                             const struct sipc_message *);
    enum sipc_status (*send_unreliable)(struct sipc_endpoint *, sipc_time, sipc_session,
                                        const struct sipc_message *);
    enum sipc_status (*close)(struct sipc_endpoint *, sipc_time, sipc_session, int32_t, uint64_t);
    enum sipc_status (*dispose)(struct sipc_endpoint *, sipc_time, sipc_session, int32_t);
    enum sipc_status (*shutdown)(struct sipc_endpoint *, sipc_time, sipc_time);
    bool (*attribute_next)(struct sipc_span *, struct sipc_span *, struct sipc_span *);
};
/* The engine this library is linked with. */
extern const struct simnet_explore_engine simnet_explore_engine;
/* NULL: told in `error`, one line. A loaded engine stays until the program ends. */
const struct simnet_explore_engine *simnet_explore_engine_load(const char *path, char *error,
                                                               size_t error_size);

/* ---- what came about ---- */

enum simnet_explore_what {
    /* causes */
    SIMNET_EXPLORE_DELIVERS,   /* `pdu` arrives at `side` */
    SIMNET_EXPLORE_DUPLICATES, /* the same, and it stays under way */
    SIMNET_EXPLORE_INJECTS,    /* the same; no engine sent it */
    SIMNET_EXPLORE_DROPS,      /* `pdu` on its way to `side` is lost */
    SIMNET_EXPLORE_ADVANCES,   /* time passes up to `at_ns`; a deadline of `side` is due */
    SIMNET_EXPLORE_OPENS,      /* when all begins */
    SIMNET_EXPLORE_COMMANDS,   /* an operation of `side` begins */
    SIMNET_EXPLORE_TELLS_SENT, /* an aftermath */
    SIMNET_EXPLORE_TELLS_NOT_SENT,
    SIMNET_EXPLORE_CRASHES,
    /* effects, of the cause before */
    SIMNET_EXPLORE_TRANSMITS,  /* `side` sends `pdu` */
    SIMNET_EXPLORE_HANDS_OVER, /* the application of `side` gets `pdu` (a group's data) */
    SIMNET_EXPLORE_ENDS,       /* an operation of `side` */
    SIMNET_EXPLORE_ENTERS,     /* its session enters a state */
    SIMNET_EXPLORE_DISCARDS,
    SIMNET_EXPLORE_WHAT_COUNT
};
const char *simnet_explore_what_name(enum simnet_explore_what what);

struct simnet_explore_entry {
    enum simnet_explore_what what;
    uint32_t side;
    sipc_time at_ns;      /* since the beginning */
    struct sipc_span pdu; /* the result's */
    uint64_t number;      /* of the message or close: 1.. over both sides; TRANSMITS: of the
                             transmission, 0: no aftermath is owed; TELLS_*: the same */
    enum sipc_operation operation;
    enum sipc_outcome outcome;
    enum sipc_state state;
    enum sipc_discard discard;
    int32_t code;  /* of a result, a close, a cause */
    uint32_t size; /* of a message */
    bool skip;
};
/* The id of the session that is explored: 32 bytes. */
const uint8_t *simnet_explore_session_id(void);
/* One entry as a line without a newline. */
void simnet_explore_print(const struct simnet_explore_entry *entry, FILE *out);

/* ---- exploring ---- */

struct simnet_explore_progress {
    uint64_t states, transitions, frontier, memory;
    uint32_t depth;
};

struct simnet_explore_options {
    const struct simnet_explore_engine *engine; /* NULL: the own */
    uint32_t depth_max;                         /* actions from the beginning; 0: no bound */
    uint64_t states_max;                        /* 0: no bound but 2^32 - 16 */
    uint64_t memory_max;                        /* bytes; 0: no bound */
    bool unhealed;                              /* leave liveness out */
    bool engine_unchecked; /* leave sipc_endpoint_check out: other engines may break it by design,
                              long before anybody is harmed */
    void (*progress)(void *ctx, const struct simnet_explore_progress *progress); /* may be NULL */
    void *ctx;
};

enum simnet_explore_end {
    SIMNET_EXPLORE_EXHAUSTED, /* every state within the world's bounds was seen */
    SIMNET_EXPLORE_BROKEN,    /* an invariant does not hold */
    SIMNET_EXPLORE_DEPTH,     /* the bounds of the options */
    SIMNET_EXPLORE_STATES,
    SIMNET_EXPLORE_MEMORY,
};
const char *simnet_explore_end_name(enum simnet_explore_end end);

/* How often what came about where a session stood: [0] none, [1 + enum sipc_state]. */
enum { SIMNET_EXPLORE_STANDS = 5, SIMNET_EXPLORE_EVENTS = 16 };
const char *simnet_explore_stand_name(unsigned stand);
const char *simnet_explore_event_name(unsigned event); /* NULL: there is none of this number */

/* The invariants, in order of simnet's checks (world.h); those of the explorer alone:
 *   unprovoked   while nothing was lost, late or crashed, no send fails (but by 252, or a close)
 *   killed       no session ends by a nack while the peer holds it, or never did
 *   half-open    nothing lost or late: no session stays behind when the peer's has ended
 *   stuck        an operation runs, and nothing can ever happen again
 *   livelock     without further faults the world goes round in circles
 *   heals        when all is quiet and both hold the session, one of three messages gets through
 */
struct simnet_explore_failure {
    const char *invariant;
    enum sipc_rule rule;
    uint32_t side;
    char text[200];
};

struct simnet_explore_result {
    enum simnet_explore_end end;
    uint64_t states, transitions;
    uint64_t cut;             /* transitions not taken: too many PDUs under way */
    uint64_t frontier;        /* states seen whose successors were not */
    uint64_t terminal;        /* states in which all is over */
    uint64_t pdus;            /* different ones */
    uint64_t memory;          /* bytes at most: of nodes, their index and the frontier */
    uint32_t depth;           /* of the state furthest away */
    uint64_t collisions_log2; /* about -log2 of the expected number of hash collisions */
    uint64_t marks[SIMNET_EXPLORE_STANDS][SIMNET_EXPLORE_EVENTS];
    struct simnet_explore_failure failure;      /* BROKEN */
    const struct simnet_explore_entry *entries; /* BROKEN: the shortest way there */
    size_t entry_count;
    uint32_t steps;          /* BROKEN: actions of that way */
    void *memory_of_entries; /* private */
};

/* Explores `world`, which simnet_explore_world_check takes. Running out of memory aborts. */
void simnet_explore(const struct simnet_explore_world *world,
                    const struct simnet_explore_options *options,
                    struct simnet_explore_result *result);
void simnet_explore_result_free(struct simnet_explore_result *result);

#ifdef __cplusplus
}
#endif
#endif
