/* A counter-example of the explorer as a conformance case.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_EXPLORE_SX_H
#define SIMNET_EXPLORE_SX_H

#include "simnet/explore.h"

/* Prints the result, which is BROKEN, as a script called `id`. The own engine passes it; where
 * another one was explored, that fails it. false: it cannot be told as a script (a host that
 * crashes is none); why is told on stderr. */
bool explore_sx_print(const struct simnet_explore_world *world,
                      const struct simnet_explore_result *result, const char *id, FILE *out);

#endif
