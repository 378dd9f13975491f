/* ns-3 carries the datagrams of a world: each link is a frame link of ns3c.h, whose frames have the
 * sizes of the datagrams with their overhead, and the numbers that the world gives them. The bytes
 * stay with the world. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "ns3c.h"
#include "simnet/ns3.h"
#include "simnet/world.h"

#define CARRIER_S_NS UINT64_C(1000000000)

enum { DATAGRAM_BYTES = 1500 }; /* of a link without MTU */

struct carrier_link {
    ns3c_link number;
    struct simnet_wire wire;
    struct simnet_queue_config queue;
    uint64_t datagram;      /* the longest, with overhead */
    uint64_t rate_bps_min;  /* of the timeline so far */
    sipc_time delay_ns_min; /* so too */
    bool narrows;           /* more wait than the queue may hold since its limit changed */
};

struct simnet_ns3 {
    struct simnet_carrier carrier;
    struct simnet_carried carried;
    struct ns3c *ns;
    struct carrier_link *links;
    size_t count, capacity;
    bool told;    /* something, in this call of advance */
    bool pending; /* there may be more to do at this very moment */
};

/* What cannot fail, as the world has checked it before. */
static void carrier_must(enum ns3c_status status)
{
    if (status == NS3C_OK)
        return;
    fprintf(stderr, "ns-3: %s: %s\n", ns3c_status_name(status), ns3c_message());
    abort();
}

static bool carrier_refuse(struct simnet_error *error, const char *why)
{
    snprintf(error->text, sizeof error->text, "%s", why);
    return false;
}

/* ---- what ns-3 tells ---- */

static void carrier_left(void *ctx, ns3c_link link, uint64_t number)
{
    struct simnet_ns3 *ns3 = ctx;

    (void)number; /* they leave in the order in which they came */
    ns3->told = true;
    ns3->carried.left(ns3->carried.world, ns3c_now(ns3->ns), link);
    ns3c_stop(ns3->ns);
}

static void carrier_arrived(void *ctx, ns3c_link link, uint64_t number)
{
    struct simnet_ns3 *ns3 = ctx;

    (void)link;
    ns3->told = true;
    ns3->carried.arrived(ns3->carried.world, ns3c_now(ns3->ns), (uint32_t)number);
    ns3c_stop(ns3->ns);
}

/* ---- what the world wants ---- */

static void carrier_begin(void *ctx, const struct simnet_carried *carried)
{
    struct simnet_ns3 *ns3 = ctx;

    ns3->carried = *carried;
}

static const char no_room[] = "queue: with ns-3 each datagram passes through the queue, also when "
                              "the wire is free; it must have room for one";

static uint64_t carrier_datagram(const struct simnet_link_config *config)
{
    return config->overhead_bytes + (config->mtu ? config->mtu : DATAGRAM_BYTES);
}

static bool carrier_can(const struct simnet_link_config *config, const struct simnet_wire *wire,
                        struct simnet_error *error)
{
    if (config->opportunities != NULL)
        return carrier_refuse(error, "opportunities: a wire of ns-3 has a rate, no trace");
    if (config->queue.discipline == SIMNET_RED)
        return carrier_refuse(error, "red: ns-3 has another RED, which would drop others; on "
                                     "it a queue is drop-tail");
    if (config->queue.discipline == SIMNET_CODEL)
        return carrier_refuse(error, "codel: ns-3 has another CoDel, which would drop others; on "
                                     "it a queue is drop-tail");
    if (wire->queue_unit != SIMNET_QUEUE_UNLIMITED && wire->queue_limit > UINT32_MAX)
        return carrier_refuse(error, "queue: ns-3 has room for less than 4 GiB");
    if (wire->queue_unit == SIMNET_QUEUE_BYTES && wire->queue_limit < carrier_datagram(config))
        return carrier_refuse(error, no_room);
    return true;
}

static struct ns3c_link_config carrier_config(const struct simnet_wire *wire)
{
    bool limited = wire->queue_unit != SIMNET_QUEUE_UNLIMITED;

    return (struct ns3c_link_config){
        .rate_bps = wire->rate_bps,
        .delay_ns = wire->delay_ns,
        .queue_limit = !limited || wire->queue_limit > UINT32_MAX ? UINT32_MAX
                       : wire->queue_limit == 0                   ? 1
                                                                  : (uint32_t)wire->queue_limit,
        .queue_unit = wire->queue_unit == SIMNET_QUEUE_BYTES ? NS3C_BYTES : NS3C_PACKETS};
}

static bool carrier_add(void *ctx, simnet_link link, const struct simnet_link_config *config,
                        const struct simnet_wire *wire, struct simnet_error *error)
{
    struct simnet_ns3 *ns3 = ctx;
    const struct ns3c_frame_calls calls = {carrier_left, carrier_arrived, ns3};
    const struct ns3c_link_config frames = carrier_config(wire);

    if (!carrier_can(config, wire, error))
        return false;
    if (ns3->count == ns3->capacity) {
        ns3->capacity = ns3->capacity ? ns3->capacity * 2 : 16;
        ns3->links = realloc(ns3->links, ns3->capacity * sizeof *ns3->links);
        if (ns3->links == NULL)
            abort();
    }
    struct carrier_link *it = &ns3->links[ns3->count];
    *it = (struct carrier_link){.wire = *wire,
                                .queue = config->queue,
                                .datagram = carrier_datagram(config),
                                .rate_bps_min = wire->rate_bps,
                                .delay_ns_min = wire->delay_ns};
    if (ns3c_link_frames(ns3->ns, &frames, &calls, &it->number) != NS3C_OK)
        return carrier_refuse(error, ns3c_message());
    SIPC_ASSERT(it->number == link); /* there are no others */
    ns3->count++;
    return true;
}

/* Whether a queue that goes with rate and delay has room for a datagram at the least of them. */
static bool carrier_has_room(const struct carrier_link *link)
{
    uint64_t bytes = link->datagram; /* that the rate must carry in `time_ns` */
    sipc_time time_ns = link->queue.limit;

    if (link->queue.unit == SIMNET_QUEUE_BDP) {
        bytes = (1000 * bytes + link->queue.limit - 1) / link->queue.limit;
        time_ns = 2 * link->delay_ns_min;
    } else if (link->queue.unit != SIMNET_QUEUE_TIME) {
        return true;
    }
    return time_ns > 0 && link->rate_bps_min > (bytes * 8 * CARRIER_S_NS - 1) / time_ns;
}

static bool carrier_check(void *ctx, const struct simnet_change *change, struct simnet_error *error)
{
    struct simnet_ns3 *ns3 = ctx;
    struct carrier_link *link = &ns3->links[change->target];

    if (change->kind == SIMNET_LINK_CLOG || change->kind == SIMNET_LINK_UNCLOG)
        return carrier_refuse(error, "clog, unclog: ns-3 cannot stop a wire that sends");
    if (change->kind == SIMNET_LINK_RATE && change->value < link->rate_bps_min)
        link->rate_bps_min = change->value;
    if (change->kind == SIMNET_LINK_DELAY && change->value < link->delay_ns_min)
        link->delay_ns_min = change->value;
    return carrier_has_room(link) || carrier_refuse(error, no_room);
}

/* A queue that holds more than its new limit takes nothing until it is shorter; ns-3 is told its
 * limit only then. */
static void carrier_narrow(struct simnet_ns3 *ns3, struct carrier_link *link)
{
    const struct ns3c_link_config config = carrier_config(&link->wire);
    enum ns3c_status status =
        ns3c_link_set_queue(ns3->ns, link->number, config.queue_limit, config.queue_unit);

    link->narrows = status == NS3C_STATE;
    if (!link->narrows)
        carrier_must(status);
}

static void carrier_set(void *ctx, simnet_link number, const struct simnet_wire *wire)
{
    struct simnet_ns3 *ns3 = ctx;
    struct carrier_link *link = &ns3->links[number];

    link->wire = *wire;
    carrier_must(ns3c_link_set_rate(ns3->ns, number, wire->rate_bps));
    carrier_must(ns3c_link_set_delay(ns3->ns, number, wire->delay_ns));
    carrier_narrow(ns3, link);
}

static const char *carrier_send(void *ctx, simnet_link number, uint32_t size, uint32_t slot)
{
    struct simnet_ns3 *ns3 = ctx;
    struct carrier_link *link = &ns3->links[number];

    if (link->narrows)
        carrier_narrow(ns3, link);
    if (link->narrows)
        return "tail drop";
    enum ns3c_status status = ns3c_frame_send(ns3->ns, number, size, slot);
    if (status == NS3C_REFUSED)
        return "tail drop";
    if (status == NS3C_INVALID)
        return "longer than a frame of ns-3";
    carrier_must(status);
    ns3->pending = true;
    return NULL;
}

static void carrier_fly(void *ctx, simnet_link link, uint32_t size, uint32_t slot,
                        sipc_time delay_ns)
{
    struct simnet_ns3 *ns3 = ctx;

    carrier_must(
        ns3c_frame_fly(ns3->ns, link, size, slot, delay_ns == SIPC_NEVER ? NS3C_NEVER : delay_ns));
    ns3->pending = true;
}

static bool carrier_advance(void *ctx, sipc_time until_ns)
{
    struct simnet_ns3 *ns3 = ctx;

    if (!ns3->pending && until_ns == ns3c_now(ns3->ns))
        return false;
    ns3->told = false;
    carrier_must(ns3c_run(ns3->ns, until_ns == SIPC_NEVER ? NS3C_NEVER : until_ns, NULL));
    ns3->pending = ns3->told;
    return ns3->told;
}

/* ---- the library ---- */

static struct simnet_ns3 *carrier_make(struct simnet_error *error)
{
    struct simnet_ns3 *ns3 = calloc(1, sizeof *ns3);

    if (ns3 == NULL)
        abort();
    if (ns3c_create(&(struct ns3c_config){.scheduler = "PriorityQueueScheduler"}, &ns3->ns) !=
        NS3C_OK) {
        carrier_refuse(error, ns3c_message());
        free(ns3);
        return NULL;
    }
    ns3->carrier = (struct simnet_carrier){
        .ctx = ns3,
        .begin = carrier_begin,
        .add = carrier_add,
        .check = carrier_check,
        .set = carrier_set,
        .send = carrier_send,
        .fly = carrier_fly,
        .advance = carrier_advance,
    };
    return ns3;
}

static const struct simnet_carrier *carrier_of(const struct simnet_ns3 *ns3)
{
    return &ns3->carrier;
}

static void carrier_end(struct simnet_ns3 *ns3)
{
    if (ns3 == NULL)
        return;
    ns3c_free(ns3->ns);
    free(ns3->links);
    free(ns3);
}

const struct simnet_ns3_library simnet_ns3_library = {SIMNET_NS3_VERSION, carrier_make, carrier_of,
                                                      carrier_end};
