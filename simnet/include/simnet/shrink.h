/* Shrinking: from a scenario that fails to the smallest that fails in the same way. Chance is
 * turned into a list of faults first; then whatever the failure does not need is taken away: hosts,
 * links, sessions, traffic, commands, changes, faults, PDUs, settings, and numbers become small and
 * round. Nothing is drawn from outside the scenario: the same one shrinks to the same one.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_SHRINK_H
#define SIMNET_SHRINK_H

#include "simnet/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What stays the same. */
struct simnet_shrink_target {
    const char *invariant;                   /* of the world's failure; NULL: it is none of these */
    enum sipc_rule rule;                     /* the same */
    enum simnet_end end;                     /* else: a budget that ran out ... */
    const struct simnet_expectation *broken; /* ... or, if not NULL, an expectation that broke */
};

struct simnet_shrink_stats {
    uint64_t runs, accepted;
    uint64_t pdus_before, pdus_after; /* that entered links */
    uint64_t faults_before, faults_after;
    uint64_t events_before, events_after;
    bool bounded; /* runs_max was reached: more might have been taken away */
};

struct simnet_shrink_options {
    uint64_t runs_max;                                                    /* 0: 20,000 */
    void (*progress)(void *ctx, const struct simnet_shrink_stats *stats); /* NULL: nobody */
    void *ctx;
};

/* Shrinks `from` into *out (to be given to simnet_scenario_fini), which expects its failure where
 * the world's checks gave it (METRIC_FAILS). `target` (NULL allowed) is set to what was kept; it
 * borrows from *out. false: *error says why; nothing is to be freed. That is where it makes no
 * sense, or does not fail. */
bool simnet_shrink(const struct simnet_scenario *from, const struct simnet_shrink_options *options,
                   struct simnet_scenario *out, struct simnet_shrink_target *target,
                   struct simnet_shrink_stats *stats, struct simnet_error *error);

#ifdef __cplusplus
}
#endif
#endif
