/* The reference SUT on a real network: the engine behind sockets.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_SERVE_H
#define CONFORM_SUT_SERVE_H

#include <stdbool.h>

#include "live_net.h"

struct conform__serve_options {
    enum conform__net_kind kind;
    const char *address; /* HOST:PORT (port 0: any), or a path */
    const char *control; /* "stdio", "tcp:HOST:PORT", or NULL */
    bool echo;
};

/* Serves until SIGTERM, SIGINT, `bye` or the end of the control channel's stdin; the exit code. */
int conform__serve(const struct conform__serve_options *options);

#endif
