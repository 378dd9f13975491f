/* Swarm testing: each seed is a small random scenario, a random subset of all there is switched on,
 * run to its end under all checks of the world. What came about is counted in marks, so that a
 * swarm can say what it did not see; what broke is kept once for each (invariant, rule), by its
 * shortest run.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_SWARM_H
#define SIMNET_SWARM_H

#include "simnet/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- scenarios of seeds ---- */

/* The scenario of a seed: 2..8 hosts of the engine, maybe a stranger that sends PDUs as written,
 * sessions, traffic, links and a timeline of faults; healed at heal_ns. Every parameter is a draw
 * of its own: a new one leaves the others as they are. Give it to simnet_scenario_fini. */
void simnet_swarm_make(uint64_t seed, struct simnet_scenario *out);

/* What a seed has switched on: words, in an order that stays; false behind the last. */
bool simnet_swarm_feature(uint64_t seed, unsigned index, const char **name, bool *on);

/* ---- marks ---- */

/* Where a session stood at a host (enum sipc_state; DISPOSED also before it was there), what
 * happened to it there, and what came of that. */
enum simnet_mark_event {
    SIMNET_MARK_RAW,  /* bytes came that are no PDU (of the session: never) */
    SIMNET_MARK_DATA, /* a PDU of the session came: enum sipc_opcode */
    SIMNET_MARK_DATA_ACK,
    SIMNET_MARK_CLOSE,
    SIMNET_MARK_CLOSE_ACK,
    SIMNET_MARK_ENQUIRE_LINK,
    SIMNET_MARK_ENQUIRE_LINK_ACK,
    SIMNET_MARK_DO_SEND, /* a command: enum simnet_command */
    SIMNET_MARK_DO_SEND_UNRELIABLE,
    SIMNET_MARK_DO_CLOSE,
    SIMNET_MARK_DO_OPEN,
    SIMNET_MARK_DO_DISPOSE,
    SIMNET_MARK_DO_SHUTDOWN,
    SIMNET_MARK_SENT, /* an aftermath; counted where something came of it */
    SIMNET_MARK_NOT_SENT,
    SIMNET_MARK_DEADLINE, /* counted where something came of it */
    SIMNET_MARK_EVENT_COUNT
};
enum {
    SIMNET_MARK_STATES = SIPC_DISPOSED + 1,
    SIMNET_MARK_TAKEN = 0, /* verdicts: nothing that an application sees */
    SIMNET_MARK_DELIVERED, /* a group was handed over */
    SIMNET_MARK_ENTERS,    /* + enum sipc_state */
    SIMNET_MARK_ENDS = SIMNET_MARK_ENTERS + SIMNET_MARK_STATES,       /* + enum sipc_outcome */
    SIMNET_MARK_REFUSED = SIMNET_MARK_ENDS + SIPC_OUTCOME_CLOSED + 1, /* + enum sipc_status */
    SIMNET_MARK_DISCARDED = SIMNET_MARK_REFUSED + SIPC_E_PENDING + 1, /* + enum sipc_discard */
    SIMNET_MARK_VERDICT_COUNT = SIMNET_MARK_DISCARDED + SIPC_DISCARD_COUNT,
};

/* Faults: what happened to a datagram, counted where its session stood at the sender; and changes
 * of the timeline, counted for each session that has to do with the host or link. */
enum simnet_mark_fault {
    SIMNET_MARK_LOST,
    SIMNET_MARK_QUEUE_DROP,
    SIMNET_MARK_MTU_DROP,
    SIMNET_MARK_DOWN_DROP,
    SIMNET_MARK_ARRIVE_DROP,
    SIMNET_MARK_COPIES,
    SIMNET_MARK_FLIP,
    SIMNET_MARK_TRUNCATE,
    SIMNET_MARK_EXTEND,
    SIMNET_MARK_DELAY,
    SIMNET_MARK_SWAP,
    SIMNET_MARK_JUMP,
    SIMNET_MARK_CHANGE, /* + enum simnet_change_kind */
    SIMNET_MARK_FAULT_COUNT = SIMNET_MARK_CHANGE + SIMNET_CHANGE_COUNT
};

/* No pointers: it may live in shared memory, and sums field by field. */
struct simnet_marks {
    uint64_t sessions[SIMNET_MARK_STATES][SIMNET_MARK_EVENT_COUNT][SIMNET_MARK_VERDICT_COUNT];
    uint64_t faults[SIMNET_MARK_FAULT_COUNT][SIMNET_MARK_STATES];
};
void simnet_marks_add(struct simnet_marks *to, const struct simnet_marks *from);
/* "opened/data/delivered", "swap/opened". Writes into `out`; returns it. */
const char *simnet_mark_session_name(unsigned state, unsigned event, unsigned verdict, char *out,
                                     size_t size);
const char *simnet_mark_fault_name(unsigned fault, unsigned state, char *out, size_t size);

/* A mark that a swarm must see at least once in so many seeds. By name; NULL ends the table. */
struct simnet_mark_due {
    const char *name;
    uint64_t seeds;
};
extern const struct simnet_mark_due simnet_marks_due[];
/* How often the mark of that name was seen; UINT64_MAX: there is no such mark. */
uint64_t simnet_mark_seen(const struct simnet_marks *marks, const char *name);

/* ---- running ---- */

/* What broke, first of its kind (invariant, rule); `seed` and `event` are of its shortest run. */
struct simnet_finding {
    char invariant[48]; /* of the world's; "crash": the process died; "event budget" ...: it did not
                           come to an end */
    enum sipc_rule rule;
    uint64_t seed, event, count;
    char text[320];
};
enum { SIMNET_FINDINGS_MAX = 64 };
/* So much at least makes a seed a full one; others are small, as chance has it. */
enum { SIMNET_FULL_HOSTS = 2, SIMNET_FULL_PDUS = 100, SIMNET_FULL_FAULTS = 1 };

struct simnet_swarm_totals {
    uint64_t seeds, failed, pdus, events, faults;
    uint64_t left_out; /* of the seeds, those that the carrier cannot carry */
    uint64_t full;     /* seeds with SIMNET_FULL_HOSTS, SIMNET_FULL_PDUS and SIMNET_FULL_FAULTS */
    struct simnet_marks marks;
    size_t finding_count; /* kinds beyond SIMNET_FINDINGS_MAX are in `failed` alone */
    struct simnet_finding findings[SIMNET_FINDINGS_MAX]; /* by name, then rule */
};

struct simnet_swarm_progress {
    uint64_t done, failed;
    size_t findings, marks; /* kinds */
};
struct simnet_swarm_options {
    uint64_t first, last; /* seeds, both included */
    unsigned jobs;        /* processes, 1..64 */
    FILE *log;            /* gets each event of each seed; NULL: none. Then jobs is 1 */
    /* Makes another scenario of each, in the process that runs it; NULL: as they are. */
    void (*edit)(void *ctx, struct simnet_scenario *scenario);
    /* Another simulator that carries the datagrams: made anew for each seed, in the process that
     * runs it, and ended with it. NULL: none. */
    const struct simnet_carrier *(*carrier_begin)(void *ctx, struct simnet_error *error);
    void (*carrier_end)(void *ctx);
    void *carrier_ctx;
    void (*progress)(void *ctx, const struct simnet_swarm_progress *progress); /* NULL: nobody */
    void *ctx; /* progress is told a few times a second */
};
/* Runs all seeds in processes of their own: one that dies is a finding. The totals are the same for
 * any number of jobs. false: no process could be had, *error says why. */
bool simnet_swarm(const struct simnet_swarm_options *options, struct simnet_swarm_totals *totals,
                  struct simnet_error *error);

#ifdef __cplusplus
}
#endif
#endif
