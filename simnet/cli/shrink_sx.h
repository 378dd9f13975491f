/* A scenario's failure as a conformance case. SPDX-License-Identifier: MIT */
#ifndef SIMNET_SHRINK_SX_H
#define SIMNET_SHRINK_SX_H

#include "simnet/shrink.h"

/* Runs the scenario, which fails by `target`, and prints a case called `id` (case_sx.h): one host
 * is the SUT, the others are the script. NULL, or a sentence (static) on why there is none. */
const char *shrink_sx_print(const struct simnet_scenario *scenario,
                            const struct simnet_shrink_target *target, const char *id, FILE *out);

#endif
