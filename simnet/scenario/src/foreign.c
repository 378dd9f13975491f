/* Hosts that run any implementation. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "internal.h"

bool scenario_add_foreign(struct simnet_world *world, const struct simnet_scenario_host *host,
                          const struct simnet_host_config *config, simnet_host *out,
                          struct simnet_error *error)
{
    (void)world, (void)config, (void)out;
    snprintf(error->text, sizeof error->text, "host %s: no SUT can be attached yet", host->name);
    return false;
}
