/* A world: hosts, links, timeline and checks under one virtual clock. One context, no statics, one
 * thread at a time; two worlds of the same making live the same history, byte for byte.
 *
 * Use: new, add hosts, links, routes, sessions, operations and changes, run, look at the failure,
 * the hash, the tape and the statistics, free. Adding is possible between runs too.
 *
 * Events are in a total order: (time, class, sequence). Classes of one moment: changes of the
 * timeline, ends of serialisation, arrivals, deadlines, applications. With SIMNET_TIES_SHUFFLED
 * the changes still come first and a keyed permutation orders the rest.
 *
 * Running out of memory aborts. A wrong argument (an index that does not exist, a time in the past)
 * is an assertion: arguments come from programs, settings of users go through the functions that
 * return an error.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_WORLD_H
#define SIMNET_WORLD_H

#include "simnet/carrier.h"
#include "simnet/host.h"
#include "simnet/link.h"
#include "simnet/observer.h"
#include "simnet/prng.h"
#include "simnet/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

enum simnet_ties { SIMNET_TIES_FIFO, SIMNET_TIES_SHUFFLED };

struct simnet_config {
    uint64_t seed; /* faults, ids of sessions, sizes of traffic, shuffled ties */
    enum simnet_ties ties;
    uint64_t event_max;    /* stop after so many events; 0: 1,000,000,000 */
    sipc_time time_max_ns; /* stop at this virtual time; 0: 1,000,000 s */
    uint32_t moment_max;   /* stop after so many events at one moment; 0: 1,000,000 */
    bool hash_off;         /* no trace hash (benchmarks) */
    bool record;           /* keep the tape */
    const struct simnet_tape
        *replay;               /* draw nothing, do what this says; copied, each fault must pass
                                  simnet_fault_check; NULL: draw. Faults
                                  of links that do not exist, or whose PDU does not come,
                                  have no effect (simnet_world_unused_faults) */
    bool keep_going;           /* do not stop at the first failure */
    bool deliveries_unchecked; /* no safety check of deliveries (hosts that are no endpoints) */
    sipc_time heal_ns;         /* phase two of liveness begins: see below; SIPC_NEVER: none */
    const struct simnet_carrier *carrier; /* carries the datagrams; borrowed, of this world alone.
                                             NULL: the world itself does */
    bool rounds_each; /* the time of each datagram on a wire is rounded by itself, to the nearest
                         ns, as other simulators do; else what is left over counts for the next */
};
void simnet_config_default(struct simnet_config *config); /* seed 1, heal SIPC_NEVER, rest 0 */

struct simnet_world *simnet_world_new(const struct simnet_config *config);
void simnet_world_free(struct simnet_world *world); /* NULL is allowed */

/* Datagrams of `from` to `to` go through `link`; replaces the route there was. Without a route a
 * datagram is lost at once, with a good aftermath, and observers see ARRIVE DROP "no route". */
void simnet_route(struct simnet_world *world, simnet_host from, simnet_host to, simnet_link link);

/* ---- the timeline ---- */

enum simnet_change_kind {
    SIMNET_LINK_DOWN, /* value: enum simnet_in_flight. What leaves while down is lost */
    SIMNET_LINK_UP,
    SIMNET_LINK_CLOG, /* the serialiser stops after the datagram on the wire; the queue fills */
    SIMNET_LINK_UNCLOG,
    SIMNET_LINK_RATE,  /* value: bits/s, not 0, on a link that has a rate; from the next datagram */
    SIMNET_LINK_DELAY, /* value: base delay in ns; for what leaves from now on */
    SIMNET_LINK_FAULTS,  /* value: 0 switches loss, RED drops, duplicates, corruption, jitter and
                            reordering off, 1 on again */
    SIMNET_HOST_CRASH,   /* all state is lost, pending operations end "crashed" */
    SIMNET_HOST_RESTART, /* a new life, same address */
    SIMNET_HOST_PAUSE,   /* nothing runs; what arrives waits for it */
    SIMNET_HOST_RESUME,
    SIMNET_HOST_CLOCK_STEP,  /* its clock jumps forward by value ns; negative (as int64_t): it
                                stands still until it would have been right */
    SIMNET_HOST_CLOCK_DRIFT, /* value: ppm (as int64_t), |ppm| <= 500,000 */
    SIMNET_HOST_ADDRESS,     /* it gets a new address; to the old one nothing arrives any more, and
                                deliveries of sessions it has had are checked no more */
    SIMNET_CHANGE_COUNT
};
const char *simnet_change_name(enum simnet_change_kind kind);

enum simnet_in_flight { SIMNET_IN_FLIGHT_LOST, SIMNET_IN_FLIGHT_KEPT, SIMNET_IN_FLIGHT_HELD };
/* HELD: nothing is lost, also not what leaves while down: all waits, in order, for the link to come
 * up. */

struct simnet_change {
    sipc_time at_ns;
    enum simnet_change_kind kind;
    uint32_t target; /* link or host */
    uint64_t value;
};
/* false: *error says why it makes no sense (unknown target, a time in the past, a value out of
 * range). A change that finds things as it would make them does nothing. */
bool simnet_change_at(struct simnet_world *world, const struct simnet_change *change,
                      struct simnet_error *error);

/* ---- running ---- */

enum simnet_end {
    SIMNET_END_DRAINED,      /* nothing will ever happen again */
    SIMNET_END_UNTIL,        /* the time given to run was reached */
    SIMNET_END_EVENT_BUDGET, /* event_max */
    SIMNET_END_TIME_BUDGET,  /* time_max_ns */
    SIMNET_END_MOMENT,       /* moment_max: time stands still */
    SIMNET_END_FAILED,       /* an invariant does not hold */
};
const char *simnet_end_name(enum simnet_end end);

/* Runs all events up to and including `until_ns` (SIPC_NEVER: to the end). After FAILED and the
 * budgets further runs return the same at once. On DRAINED all final checks were made. */
enum simnet_end simnet_world_run(struct simnet_world *world, sipc_time until_ns);
/* One sentence on how the run ended, for people: budgets with their number, the failure. */
int simnet_world_explain(const struct simnet_world *world, enum simnet_end end, char *out,
                         size_t size);

uint64_t simnet_world_seed(const struct simnet_world *world);
sipc_time simnet_world_now(const struct simnet_world *world);
/* When the next event is due; SIPC_NEVER: none is. For whoever lets time pass beside the world. */
sipc_time simnet_world_next(struct simnet_world *world);
uint64_t simnet_world_steps(const struct simnet_world *world);  /* events taken off the calendar */
uint64_t simnet_world_events(const struct simnet_world *world); /* that observers could see */
size_t simnet_world_pending(const struct simnet_world *world);  /* events to come */
/* The workload's own stream, for whoever builds scenarios. */
struct simnet_prng *simnet_world_prng(struct simnet_world *world);

/* ---- checks: always on ----
 * conservation      each link, at each of its events: entered + duplicated = arrived + dropped +
 *                   queued + in flight
 * engine            sipc_endpoint_check of each engine host, now and then and at the end
 * delivered-once, delivered-in-order, delivered-intact, delivered-boundaries
 *                   what a session's application gets is what the other side's sent, group by
 *                   group, within one life of the session at one endpoint (RCV-8, RCV-9)
 * ok-delivered      a send that ended ok was delivered whole before (SND-11)
 * ends-once         each accepted operation ends exactly once
 * ends-in-time      liveness, from max(acceptance, heal_ns) on: each accepted operation ends within
 *                   a bound made of its size, the settings of its host and what the links held
 * drains            liveness: when nothing will ever happen again, nothing is left over: no
 *                   operation pending, no session closing, no queue with datagrams
 * At heal_ns every link comes up, is unclogged and loses its faults, every paused host resumes and
 * every crashed one restarts, for good: later changes of the timeline to the contrary are ignored.
 */

/* The first failure; NULL if there is none. */
const struct simnet_failure *simnet_world_failure(const struct simnet_world *world);
uint64_t simnet_world_failure_count(const struct simnet_world *world);

/* ---- trace hash and tape ---- */

/* XXH3 of the canonical records of all events so far (ENTER, ARRIVE, all verdicts but PASS,
 * aftermaths, application events, discards, changes), little endian. Seed and tape that give the
 * same history give the same hash; so do all compilers and machines. */
uint64_t simnet_world_hash(const struct simnet_world *world);
/* The hash as it was after each SIMNET_CHECKPOINT_EVENTS events: where two runs part. */
enum { SIMNET_CHECKPOINT_EVENTS = 4096 };
const uint64_t *simnet_world_checkpoints(const struct simnet_world *world, size_t *count);

/* The tape recorded so far (config.record); lives as long as the world. */
const struct simnet_tape *simnet_world_tape(const struct simnet_world *world);
/* With config.replay: how many of its faults have not fallen on any PDU yet. */
size_t simnet_world_unused_faults(const struct simnet_world *world);

#ifdef __cplusplus
}
#endif
#endif
