/* The settings of `configure` as the engine's configuration.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_ENGINE_SETTINGS_H
#define CONFORM_SUT_ENGINE_SETTINGS_H

#include "conform/message.h"

struct conform__engine_settings {
    struct sipc_config config;
    bool manual; /* the harness gives the aftermath of each PDU */
};

/* Settings with every default of the protocol, on a datagram network or a byte stream. */
void conform__engine_settings_default(struct conform__engine_settings *settings, bool stream);

/* Applies the settings of a `configure` request to defaults; what cannot be set so is listed in
 * response->refused. `wall_clock`: the network is what it is, and aftermaths are its own. */
void conform__engine_settings_apply(struct conform__engine_settings *settings,
                                    const struct conform_request *request, bool wall_clock,
                                    struct conform_response *response);

/* Milliseconds as nanoseconds, brought within what a contract integer can say (2^53). */
int64_t conform__ms_to_ns(int64_t ms);

#endif
