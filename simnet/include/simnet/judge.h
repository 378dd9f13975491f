/* Judges of a world: an observer that feeds a judge (conform/judge.h) for each host it watches with
 * what happens there, by the host's own clock.
 *
 * A host that pauses, or whose clock jumps, has its judge forget all sessions; a restart is a new
 * life with a new judge. SPDX-License-Identifier: MIT */
#ifndef SIMNET_JUDGE_H
#define SIMNET_JUDGE_H

#include "conform/judge.h"
#include "simnet/world.h"

#ifdef __cplusplus
extern "C" {
#endif

struct simnet_judges;

/* Observes the world, which must not have run yet and must outlive it. */
struct simnet_judges *simnet_judges_new(struct simnet_world *world);
void simnet_judges_free(struct simnet_judges *judges);

/* Has a host judged. `settings`: the engine's, or what the host's endpoint was set to, checked;
 * NULL: nothing is known of it. `off`: as judge_config.off. */
void simnet_judges_watch(struct simnet_judges *judges, simnet_host host,
                         const struct sipc_config *settings, const bool *off);
/* As a capture at the host would be, which begins at that moment and sees only PDUs: what is told
 * and commanded is not fed, nor anything before `from_ns`. */
void simnet_judges_watch_wire(struct simnet_judges *judges, simnet_host host, sipc_time from_ns,
                              const bool *off);

/* The world has run: what is owed by now is missing. */
void simnet_judges_finish(struct simnet_judges *judges);

/* Findings of all judges, those of ended lives first; NULL: no more. *host (may be NULL) is whose
 * it is. */
const struct judge_finding *simnet_judges_finding(const struct simnet_judges *judges, size_t index,
                                                  simnet_host *host);
uint64_t simnet_judges_exercised(const struct simnet_judges *judges, enum sipc_rule rule);

#ifdef __cplusplus
}
#endif
#endif
