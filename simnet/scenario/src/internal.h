/* What the files of the scenario library say to each other.
 *
 *   model     scenarios as data
 *   build     data to a world
 *   react     what scripted hosts answer
 *   judge     what expectations count, and whether they hold
 *   foreign   hosts that run any implementation, by the adapters of conformance/sut
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_SCENARIO_INTERNAL_H
#define SIMNET_SCENARIO_INTERNAL_H

#include "simnet/scenario.h"

/* model.c */
void *scenario_allocate(struct simnet_scenario *scenario, size_t size); /* zeroed; its memory */
bool scenario_change_is_of_link(const struct simnet_change *change);
/* Whether one of the group's sessions goes by `key`; *place (may be NULL) is which. */
bool scenario_session_has_key(const struct simnet_scenario_session *group, uint64_t key,
                              uint32_t *place);

/* judge.c */
struct simnet_scenario_watch *scenario_watch_new(const struct simnet_scenario *scenario);
/* Observes what expectations need, nothing if they need nothing. */
void scenario_watch_start(struct simnet_scenario_run *run);
/* Zeroed, and freed with the watch: what a world borrows. */
void *scenario_watch_memory(struct simnet_scenario_watch *watch, size_t count, size_t size);
void scenario_watch_free(struct simnet_scenario_watch *watch);

/* react.c */
/* Why the reaction makes no sense, for whatever host; NULL: it does. */
const char *scenario_reaction_check(const struct simnet_scenario_reaction *reaction);
/* Receives for a scripted host (struct simnet_script); ctx: the scenario. */
void scenario_react(void *ctx, struct simnet_world *world, simnet_host host, sipc_time now,
                    sipc_peer from, struct sipc_span bytes);

/* foreign.c */
/* Starts `host->sut`, as seen from the scenario's folder, and adds it to the world. false: *error
 * says why. */
bool scenario_add_foreign(struct simnet_scenario_run *run, const struct simnet_scenario_host *host,
                          struct simnet_foreigns *foreigns,
                          const struct simnet_host_config *config, simnet_host *out,
                          struct simnet_error *error);

#endif
