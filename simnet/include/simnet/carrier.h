/* A carrier: another simulator that carries the datagrams of a world. It has the clock, and for
 * each link the queue, the wire and the channel; the world keeps hosts, timeline, checks, trace,
 * tape and what chance decides. `simnet/ns3` makes one of ns-3.
 *
 *   world                                    carrier
 *   enter, mtu      send(link, size)     ->  queue, or why it is dropped
 *                   left                 <-  end of serialisation
 *   loss, duplicate, corrupt, delay,
 *   reorder         fly(link, size, ...) ->  channel: not for what is lost, once more for a copy
 *   up/down, arrive arrived              <-  other end
 *
 * The world runs the carrier up to its own next event and does what the two have for one moment in
 * its own order of classes (world.h); only what a carrier does at the very moment of a change of
 * the timeline (a rate, a delay) happens before that change.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_CARRIER_H
#define SIMNET_CARRIER_H

#include "simnet/link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct simnet_change;

/* What of a link a carrier does. */
struct simnet_wire {
    uint64_t rate_bps; /* 0: infinite */
    sipc_time delay_ns;
    uint64_t queue_limit;              /* beside the datagram on the wire */
    enum simnet_queue_unit queue_unit; /* BYTES (with overhead), PACKETS or UNLIMITED */
};

/* The world, to its carrier; called from within `advance` alone. `now_ns` is the carrier's time,
 * and `number` what send or fly was given. */
struct simnet_carried {
    struct simnet_world *world;
    /* The first of those that wait in the queue has left the wire; the next is on it now. */
    void (*left)(struct simnet_world *world, sipc_time now_ns, simnet_link link);
    void (*arrived)(struct simnet_world *world, sipc_time now_ns, uint32_t number);
};

struct simnet_carrier {
    void *ctx;
    /* A world begins to use it; once. */
    void (*begin)(void *ctx, const struct simnet_carried *carried);
    /* Links in order. false: *error says what of it cannot be carried. */
    bool (*add)(void *ctx, simnet_link link, const struct simnet_link_config *config,
                const struct simnet_wire *wire, struct simnet_error *error);
    /* Whether it can make this change of a link; false: *error says why not. */
    bool (*check)(void *ctx, const struct simnet_change *change, struct simnet_error *error);
    /* From the next datagram on. */
    void (*set)(void *ctx, simnet_link link, const struct simnet_wire *wire);
    /* `size` with overhead. NULL: it was taken; else why it was dropped (static). */
    const char *(*send)(void *ctx, simnet_link link, uint32_t size, uint32_t number);
    /* SIPC_NEVER: with the delay of the link; else with this. */
    void (*fly)(void *ctx, simnet_link link, uint32_t size, uint32_t number, sipc_time delay_ns);
    /* Lets time pass up to and including `until_ns` (SIPC_NEVER: until nothing is left), or up to
     * the moment at which it tells the world something: true. false: it told nothing. */
    bool (*advance)(void *ctx, sipc_time until_ns);
};

#ifdef __cplusplus
}
#endif
#endif
