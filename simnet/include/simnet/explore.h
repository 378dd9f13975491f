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
 * of the plan. Byte i of message m (counted over both sides, from 1) is (16 m + i) mod 251. */
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

#ifdef __cplusplus
}
#endif
#endif
