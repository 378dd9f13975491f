/* The queue of a link: what it takes (tail drop, RED) and what it gives (CoDel, RFC 8289). Integer
 * arithmetic throughout. The datagram on the wire is not in the queue. */
#include "internal.h"

uint64_t queue_cost(const struct link *link, const struct slot *slot)
{
    return (uint64_t)slot->datagram.size + link->config.overhead_bytes;
}

/* ---- RED (Floyd and Jacobson 1993, in bytes) ---- */

enum { RED_FRACTION_BITS = 16 };

/* Moves the average to the queue as this datagram finds it. While the queue was empty and the wire
 * idle, the average decays as if so many datagrams of this size had found it empty. */
static void red_move_average(struct link *link, sipc_time now, uint64_t cost)
{
    struct red_state *red = &link->red;
    unsigned weight = link->config.queue.red_weight_log2;

    if (red->idle) {
        uint64_t each_ns = cost * 8 * 1000 * SIPC_NS_PER_MS / link->rate_bps;
        uint64_t missed = (now - red->idle_since_ns) / (each_ns ? each_ns : 1);
        for (; missed > 0 && red->average >> weight > 0; missed--)
            red->average -= red->average >> weight;
        if (missed > 0)
            red->average = 0;
        red->idle = false;
    }
    uint64_t current = link->stats.queue_bytes << RED_FRACTION_BITS;
    if (current >= red->average)
        red->average += (current - red->average) >> weight;
    else
        red->average -= (red->average - current) >> weight;
}

bool queue_red_drops(struct link *link, uint64_t draw)
{
    const struct simnet_queue_config *queue = &link->config.queue;
    struct red_state *red = &link->red;
    uint64_t average = red->average >> RED_FRACTION_BITS;

    if (average < queue->red_min_bytes) {
        red->since_drop = 0;
        return false;
    }
    uint64_t ppm = SIMNET_PPM;
    if (average < queue->red_max_bytes) {
        /* The probability grows with each datagram let through, so that drops lie evenly. */
        uint64_t basic = queue->red_max_ppm * (average - queue->red_min_bytes) /
                         (queue->red_max_bytes - queue->red_min_bytes);
        uint64_t passed = red->since_drop * basic;
        ppm = passed < SIMNET_PPM ? basic * SIMNET_PPM / (SIMNET_PPM - passed) : SIMNET_PPM;
    }
    bool drops = simnet_chance(draw, ppm < SIMNET_PPM ? (uint32_t)ppm : SIMNET_PPM);
    red->since_drop = drops ? 0 : red->since_drop + 1;
    return drops;
}

const char *queue_admit(struct simnet_world *world, struct link *link, struct slot *slot)
{
    const struct simnet_queue_config *queue = &link->config.queue;
    uint64_t cost = queue_cost(link, slot);

    if (queue->discipline == SIMNET_RED)
        red_move_average(link, world->now, cost);
    const struct simnet_carrier *carrier = world->config.carrier;
    if (carrier != NULL)
        return carrier->send(carrier->ctx, link->index, (uint32_t)cost, slot->index);
    if (link->wire == NULL && link->queue.count == 0 && !link->clogged)
        return NULL; /* straight to the wire */
    if (queue->unit == SIMNET_QUEUE_PACKETS && link->queue.count >= link->queue_limit)
        return "tail drop";
    if (queue->unit != SIMNET_QUEUE_PACKETS && queue->unit != SIMNET_QUEUE_UNLIMITED &&
        link->stats.queue_bytes + cost > link->queue_limit)
        return "tail drop";
    if (queue->discipline == SIMNET_RED &&
        fault_rule(world, link, slot, SIMNET_STAGE_QUEUE).verdict == SIMNET_DROP)
        return "red";
    return NULL;
}

/* ---- CoDel ---- */

enum { CODEL_PACKET_MAX = 1500 }; /* so much in the queue is no standing queue */

static uint64_t queue_square_root(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= x)
            root += bit;
    return root;
}

/* interval / sqrt(count) after `from`. The interval is at most 4 s, so that its square fits. */
static sipc_time codel_next(const struct simnet_queue_config *queue, sipc_time from, uint32_t count)
{
    uint64_t interval = queue->codel_interval_ns;

    return from + queue_square_root(interval * interval / count);
}

static struct slot *queue_pop(struct simnet_world *world, struct link *link)
{
    if (link->queue.count == 0)
        return NULL;
    struct slot *slot = pool_slot(&world->pool, simnet_ring_pop(&link->queue));
    link->stats.queue_bytes -= queue_cost(link, slot);
    return slot;
}

/* The next datagram, and whether it may be dropped: delays were above the target for an interval.
 */
static struct slot *codel_pop(struct simnet_world *world, struct link *link, bool *may_drop)
{
    const struct simnet_queue_config *queue = &link->config.queue;
    struct slot *slot = queue_pop(world, link);

    *may_drop = false;
    if (slot == NULL || world->now - slot->datagram.entered_ns < queue->codel_target_ns ||
        link->stats.queue_bytes <= CODEL_PACKET_MAX)
        link->codel.first_above_ns = 0;
    else if (link->codel.first_above_ns == 0)
        link->codel.first_above_ns = world->now + queue->codel_interval_ns;
    else
        *may_drop = world->now >= link->codel.first_above_ns;
    return slot;
}

static struct slot *codel_next_slot(struct simnet_world *world, struct link *link)
{
    const struct simnet_queue_config *queue = &link->config.queue;
    struct codel_state *codel = &link->codel;
    bool may_drop;
    struct slot *slot = codel_pop(world, link, &may_drop);

    if (codel->dropping) {
        codel->dropping = may_drop;
        while (codel->dropping && world->now >= codel->drop_next_ns) {
            pipeline_drop(world, link, slot, SIMNET_STAGE_QUEUE, "codel");
            codel->count++;
            slot = codel_pop(world, link, &may_drop);
            codel->dropping = may_drop;
            if (may_drop)
                codel->drop_next_ns = codel_next(queue, codel->drop_next_ns, codel->count);
        }
    } else if (may_drop) {
        pipeline_drop(world, link, slot, SIMNET_STAGE_QUEUE, "codel");
        slot = codel_pop(world, link, &may_drop);
        codel->dropping = true;
        /* Where the last time of dropping was not long ago, go on at its rate. */
        uint32_t delta = codel->count - codel->last_count;
        bool recent = world->now < codel->drop_next_ns + 16 * queue->codel_interval_ns;
        codel->count = delta > 1 && recent ? delta : 1;
        codel->last_count = codel->count;
        codel->drop_next_ns = codel_next(queue, world->now, codel->count);
    }
    return slot;
}

struct slot *queue_next(struct simnet_world *world, struct link *link)
{
    struct slot *slot = link->config.queue.discipline == SIMNET_CODEL ? codel_next_slot(world, link)
                                                                      : queue_pop(world, link);

    if (slot == NULL && !link->red.idle) {
        link->red.idle = true;
        link->red.idle_since_ns = world->now;
    }
    return slot;
}
