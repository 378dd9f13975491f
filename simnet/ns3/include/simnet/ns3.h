/* ns-3 as the carrier of a world (simnet/carrier.h): each link of the world is a frame link of
 * ns3c.h. A program that must also run without ns-3 does not link this, but loads the shared object
 * that exports `simnet_ns3_library`; see simnet_ns3_load.
 *
 * There is one ns-3 in a process: one such carrier at a time.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_NS3_H
#define SIMNET_NS3_H

#include "simnet/carrier.h"

#ifdef __cplusplus
extern "C" {
#endif

struct simnet_ns3;

enum { SIMNET_NS3_VERSION = 1 };
struct simnet_ns3_library {
    unsigned version; /* SIMNET_NS3_VERSION */
    /* NULL: *error says why not: there is one already. */
    struct simnet_ns3 *(*make)(struct simnet_error *error);
    /* For one world; lives as long as it. */
    const struct simnet_carrier *(*carrier)(const struct simnet_ns3 *ns3);
    void (*end)(struct simnet_ns3 *ns3); /* NULL is allowed; the world must not run any more */
};
extern const struct simnet_ns3_library simnet_ns3_library;

/* Loads the object that was built, or installed, with this program; once. NULL: *error says what is
 * missing, and how to get it. */
const struct simnet_ns3_library *simnet_ns3_load(struct simnet_error *error);

#ifdef __cplusplus
}
#endif
#endif
