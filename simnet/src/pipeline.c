/* A datagram's way through a link: link.h draws the stages. One event per link for the end of
 * serialisation, one for the first in flight; where jitter reorders, and for copies, one for each
 * datagram in flight. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static const struct ruling ruling_pass;

static void pipeline_pass(struct simnet_world *world, struct link *link, const struct slot *slot,
                          enum simnet_stage stage)
{
    if (world->wants & SIMNET_WANT_PASSES)
        emit_stage(world, link, slot, stage, &ruling_pass, NULL);
}

/* Its aftermath comes without the datagram ever having left: at once, after what happens now. */
static void pipeline_tell(struct simnet_world *world, struct slot *slot, bool ok)
{
    if (!slot->owed)
        return;
    if (world->told_count == world->told_capacity) {
        size_t capacity = world->told_capacity ? world->told_capacity * 2 : 16;
        struct told *told = simnet_allocate(capacity, sizeof *told);
        for (size_t i = 0; i < world->told_count; i++)
            told[i] = world->told[(world->told_head + i) & (world->told_capacity - 1)];
        free(world->told);
        world->told = told;
        world->told_head = 0;
        world->told_capacity = capacity;
    }
    size_t place = (world->told_head + world->told_count++) & (world->told_capacity - 1);
    world->told[place] = (struct told){slot->datagram.from, slot->sender_life, slot->token, ok};
    slot->owed = false;
    world_schedule(world, world->now, CLASS_SERIALISED, KIND_TOLD, 0);
}

/* What the sender is told of a drop before the wire. */
static bool pipeline_tells_good(const struct link *link, enum simnet_stage stage)
{
    switch (stage) {
    case SIMNET_STAGE_MTU:
        return !(link->config.tells & SIMNET_TELL_MTU);
    case SIMNET_STAGE_QUEUE:
        return !(link->config.tells & SIMNET_TELL_QUEUE);
    case SIMNET_STAGE_UP_DOWN:
        return !(link->config.tells & SIMNET_TELL_DOWN);
    default:
        return true;
    }
}

void pipeline_drop(struct simnet_world *world, struct link *link, struct slot *slot,
                   enum simnet_stage stage, const char *why)
{
    link->stats.dropped[stage]++;
    link->stats.dropped_total++;
    emit_stage(world, link, slot, stage, &(struct ruling){.verdict = SIMNET_DROP}, why);
    pipeline_tell(world, slot, pipeline_tells_good(link, stage));
    slot_release(world, slot);
}

void pipeline_no_route(struct simnet_world *world, struct slot *slot)
{
    emit_stage(world, NULL, slot, SIMNET_STAGE_ARRIVE, &(struct ruling){.verdict = SIMNET_DROP},
               "no route");
    pipeline_tell(world, slot, true);
    slot_release(world, slot);
}

/* ---- up to the wire ---- */

static bool pipeline_is_lost(struct simnet_world *world, struct link *link, struct slot *slot)
{
    slot->ordinal = link->ordinals++;
    if (fault_rule(world, link, slot, SIMNET_STAGE_LOSS).verdict == SIMNET_DROP) {
        pipeline_drop(world, link, slot, SIMNET_STAGE_LOSS, "loss");
        return true;
    }
    pipeline_pass(world, link, slot, SIMNET_STAGE_LOSS);
    return false;
}

/* True: it waits for the wire, else it was dropped. */
static bool pipeline_admit(struct simnet_world *world, struct link *link, struct slot *slot)
{
    uint32_t mtu = link->config.mtu;

    if (link->config.loss_at_sender && pipeline_is_lost(world, link, slot))
        return false;
    if (mtu && slot->datagram.size > mtu) {
        pipeline_drop(world, link, slot, SIMNET_STAGE_MTU, "longer than the MTU");
        return false;
    }
    pipeline_pass(world, link, slot, SIMNET_STAGE_MTU);
    if (link->down && !link->hold && link->config.tells & SIMNET_TELL_DOWN) {
        pipeline_drop(world, link, slot, SIMNET_STAGE_UP_DOWN, "link down");
        return false;
    }
    const char *why = queue_admit(world, link, slot);
    if (why != NULL) {
        pipeline_drop(world, link, slot, SIMNET_STAGE_QUEUE, why);
        return false;
    }
    pipeline_pass(world, link, slot, SIMNET_STAGE_QUEUE);
    return true;
}

void pipeline_enter(struct simnet_world *world, struct link *link, struct slot *slot)
{
    slot->link = link->index;
    slot->datagram.entered_ns = world->now;
    fault_name(world, link, slot);
    link->stats.entered++;
    link->stats.bytes_entered += slot->datagram.size;
    emit_stage(world, link, slot, SIMNET_STAGE_ENTER, &ruling_pass, NULL);
    if (pipeline_admit(world, link, slot)) {
        link->stats.queue_bytes += queue_cost(link, slot);
        simnet_ring_push(&link->queue, slot->index);
        pipeline_start(world, link);
        if (link->stats.queue_bytes > link->stats.queue_bytes_peak)
            link->stats.queue_bytes_peak = link->stats.queue_bytes;
    }
    check_link(world, link);
}

void pipeline_start(struct simnet_world *world, struct link *link)
{
    if (link->wire != NULL || link->clogged)
        return;
    struct slot *slot = queue_next(world, link);
    if (slot == NULL)
        return;
    link->red.idle = false;
    link->wire = slot;
    link->wire_since_ns = world->now;
    if (world->config.carrier != NULL)
        return; /* it says when */
    sipc_time end = link_transmitted_at(world, link, queue_cost(link, slot));
    if (end == SIPC_NEVER) {
        link->exhausted = true;
        return;
    }
    link->stats.busy_ns += end - world->now;
    world_schedule(world, end, CLASS_SERIALISED, KIND_SERIALISED, link->index);
}

/* ---- in flight ---- */

/* One event for the first of the ring, unless it is held. */
static void flight_schedule(struct simnet_world *world, struct link *link)
{
    if (link->hold || link->flight.count == 0 || world->config.carrier != NULL)
        return;
    sipc_time at = pool_slot(&world->pool, *simnet_ring_at(&link->flight, 0))->arrives_ns;
    if (at < world->now)
        at = world->now;
    if (at >= link->flight_event_ns)
        return; /* an event that comes too early looks again */
    link->flight_event_ns = at;
    world_schedule(world, at, CLASS_ARRIVAL, KIND_FLIGHT, link->index);
}

static void flight_insert(struct link *link, size_t place, uint32_t slot)
{
    simnet_ring_push(&link->flight, slot);
    for (size_t i = link->flight.count - 1; i > place; i--)
        *simnet_ring_at(&link->flight, i) = *simnet_ring_at(&link->flight, i - 1);
    *simnet_ring_at(&link->flight, place) = slot;
}

/* What a carrier's channel has numbers for: the slot of one that may overtake, which is there until
 * it arrives; else the link, for the next of its ring. */
#define NUMBER_OF_RING (UINT32_C(1) << 31)

/* Gives it to the carrier's channel. What chance or reordering made of its delay is the world's to
 * say, the delay of the link the carrier's own. */
static void flight_carry(struct simnet_world *world, struct link *link, const struct slot *slot)
{
    const struct simnet_carrier *carrier = world->config.carrier;
    sipc_time delay = slot->arrives_ns - world->now;

    if (carrier != NULL)
        carrier->fly(carrier->ctx, link->index, (uint32_t)queue_cost(link, slot),
                     slot->loose ? slot->index : NUMBER_OF_RING | link->index,
                     delay == link->base_ns ? SIPC_NEVER : delay);
}

/* Puts the slot into the ring where reordering wants it; arrival times in the ring never go back.
 */
static void flight_push(struct simnet_world *world, struct link *link, struct slot *slot)
{
    struct ruling ruling = fault_rule(world, link, slot, SIMNET_STAGE_REORDER);
    size_t count = link->flight.count;
    size_t place = count;

    if (ruling.verdict == SIMNET_PASS)
        pipeline_pass(world, link, slot, SIMNET_STAGE_REORDER);
    else
        emit_stage(world, link, slot, SIMNET_STAGE_REORDER, &ruling, NULL);
    if (ruling.verdict == SIMNET_SWAP)
        slot->swaps_left = (uint32_t)ruling.value;
    if (ruling.verdict == SIMNET_JUMP)
        place = ruling.value < count ? count - (size_t)ruling.value : 0;
    if (place < count) {
        slot->arrives_ns =
            pool_slot(&world->pool, *simnet_ring_at(&link->flight, place))->arrives_ns;
    } else if (count > 0) {
        struct slot *last = pool_slot(&world->pool, *simnet_ring_at(&link->flight, count - 1));
        if (last->swaps_left > 0) { /* the new one passes it, and it follows right behind */
            last->swaps_left--;
            last->arrives_ns = slot->arrives_ns;
            link->late += !last->late;
            last->late = true;
            place = count - 1;
        }
    }
    flight_insert(link, place, slot->index);
    flight_schedule(world, link);
    flight_carry(world, link, slot);
}

static void pipeline_corrupt(struct simnet_world *world, struct link *link, struct slot *slot)
{
    struct ruling ruling = fault_rule(world, link, slot, SIMNET_STAGE_CORRUPT);

    if (ruling.verdict == SIMNET_PASS) {
        pipeline_pass(world, link, slot, SIMNET_STAGE_CORRUPT);
        return;
    }
    slot->datagram.corruption = (uint8_t)ruling.verdict;
    slot->datagram.corruption_value = ruling.value;
    slot->datagram.corruption_extra = ruling.extra;
    emit_stage(world, link, slot, SIMNET_STAGE_CORRUPT, &ruling, NULL);
}

/* Corruption, delay and reordering of the datagram or one of its copies. */
static void pipeline_fly(struct simnet_world *world, struct link *link, struct slot *slot)
{
    sipc_time delay = link->base_ns;

    slot->doomed = link->down && !link->hold;
    pipeline_corrupt(world, link, slot);
    struct ruling ruling = fault_rule(world, link, slot, SIMNET_STAGE_PROPAGATE);
    if (ruling.verdict == SIMNET_DELAY) {
        delay = ruling.value;
        emit_stage(world, link, slot, SIMNET_STAGE_PROPAGATE, &ruling, NULL);
    } else {
        pipeline_pass(world, link, slot, SIMNET_STAGE_PROPAGATE);
    }
    slot->arrives_ns = slot->left_ns + delay;
    if (link->config.delay.reorders || slot->datagram.copy > 0) {
        link->loose++;
        slot->loose = true;
        if (world->config.carrier != NULL)
            flight_carry(world, link, slot);
        else
            world_schedule(world, slot->arrives_ns, CLASS_ARRIVAL, KIND_ARRIVAL, slot->index);
        return;
    }
    if (slot->arrives_ns < link->last_arrival_ns)
        slot->arrives_ns = link->last_arrival_ns;
    link->last_arrival_ns = slot->arrives_ns;
    flight_push(world, link, slot);
}

static struct slot *pipeline_copy(struct simnet_world *world, struct link *link,
                                  const struct slot *original, uint8_t number)
{
    struct slot *copy = pool_take(&world->pool);
    uint32_t index = copy->index;

    memcpy(copy, original, offsetof(struct slot, inline_bytes));
    copy->index = index;
    slot_set_head(copy, original->datagram.head);
    copy->datagram.number = ++world->datagrams;
    copy->datagram.copy = number;
    copy->key.copy = number;
    copy->left_ns += link->config.duplicate.delay_ns * number;
    if (copy->message)
        operation_hold(operation_at(world, copy->message));
    link->stats.duplicated++;
    return copy;
}

static void pipeline_leave(struct simnet_world *world, struct link *link, struct slot *slot)
{
    if (!link->config.loss_at_sender && pipeline_is_lost(world, link, slot))
        return;
    struct ruling ruling = fault_rule(world, link, slot, SIMNET_STAGE_DUPLICATE);
    if (ruling.verdict == SIMNET_PASS) {
        pipeline_pass(world, link, slot, SIMNET_STAGE_DUPLICATE);
        pipeline_fly(world, link, slot);
        return;
    }
    emit_stage(world, link, slot, SIMNET_STAGE_DUPLICATE, &ruling, NULL);
    struct slot *copies[UINT8_MAX];
    SIPC_ASSERT(ruling.value <= UINT8_MAX);
    for (uint64_t i = 0; i < ruling.value; i++)
        copies[i] = pipeline_copy(world, link, slot, (uint8_t)(i + 1));
    pipeline_fly(world, link, slot);
    for (uint64_t i = 0; i < ruling.value; i++)
        pipeline_fly(world, link, copies[i]);
}

void pipeline_serialised(struct simnet_world *world, struct link *link)
{
    struct slot *slot = link->wire;
    struct host *sender = world->hosts[slot->datagram.from];
    uint32_t life = slot->sender_life;
    uint64_t token = slot->token;
    bool owed = slot->owed;
    sipc_time sojourn = world->now - slot->datagram.entered_ns;

    link->wire = NULL;
    slot->owed = false;
    slot->left_ns = world->now;
    if (world->config.carrier != NULL)
        link->stats.busy_ns += world->now - link->wire_since_ns;
    if (sojourn > link->stats.sojourn_max_ns)
        link->stats.sojourn_max_ns = sojourn;
    pipeline_pass(world, link, slot, SIMNET_STAGE_SERIALISE);
    pipeline_leave(world, link, slot);
    pipeline_start(world, link);
    check_link(world, link);
    if (owed)
        host_sent(world, sender, life, token, true);
}

/* ---- the other end ---- */

static void pipeline_arrive(struct simnet_world *world, struct link *link, struct slot *slot)
{
    sipc_peer address = slot->datagram.to_address;
    struct host *host = slot->datagram.to == SIMNET_NONE ? NULL : world->hosts[slot->datagram.to];
    const char *why = NULL;

    if (slot->doomed || (link->lost_any && slot->left_ns <= link->lost_until_ns)) {
        pipeline_drop(world, link, slot, SIMNET_STAGE_UP_DOWN, "link down");
        check_link(world, link);
        return;
    }
    pipeline_pass(world, link, slot, SIMNET_STAGE_UP_DOWN);
    if (host == NULL || host->address != address)
        why = "nobody has this address";
    else if (!host->up)
        why = "host down";
    else if (slot->datagram.corruption != SIMNET_PASS && link->config.corrupt.checksum)
        why = "checksum";
    if (why != NULL) {
        pipeline_drop(world, link, slot, SIMNET_STAGE_ARRIVE, why);
        check_link(world, link);
        return;
    }
    link->stats.arrived++;
    link->stats.bytes_arrived += slot->datagram.size;
    emit_stage(world, link, slot, SIMNET_STAGE_ARRIVE, &ruling_pass, NULL);
    check_link(world, link);
    host_receive(world, host, slot);
}

/* What is in flight on a long link does not stay in the processor's cache: the one that arrives a
 * little later is fetched now. */
static void flight_prefetch(const struct simnet_world *world, const struct link *link)
{
    enum { AHEAD = 4, LINE = 64 };

    if (link->flight.count <= AHEAD)
        return;
    const char *slot = (const char *)pool_slot(&world->pool, *simnet_ring_at(&link->flight, AHEAD));
    for (size_t i = 0; i < sizeof(struct slot); i += LINE)
        __builtin_prefetch(slot + i, 1);
}

/* Something of the ring has come out of the carrier's channel. They come in the order of the ring,
 * but for those that were moved back when they were on their way already: what comes at their old
 * time waits for the first of the ring. */
static void flight_carried(struct simnet_world *world, struct link *link)
{
    struct slot *first = pool_slot(&world->pool, *simnet_ring_at(&link->flight, 0));

    if (link->late > 0 && first->arrives_ns > world->now) {
        world_schedule(world, first->arrives_ns, CLASS_ARRIVAL, KIND_FLIGHT, link->index);
        return;
    }
    simnet_ring_pop(&link->flight);
    link->late -= first->late;
    if (link->hold)
        simnet_ring_push(&link->held, first->index);
    else
        pipeline_arrive(world, link, first);
}

void pipeline_flight(struct simnet_world *world, struct link *link, sipc_time event_ns)
{
    if (world->config.carrier != NULL) {
        flight_carried(world, link);
        return;
    }
    if (event_ns != link->flight_event_ns)
        return; /* another event was made for an earlier one */
    link->flight_event_ns = SIPC_NEVER;
    if (link->hold || link->flight.count == 0)
        return;
    struct slot *slot = pool_slot(&world->pool, *simnet_ring_at(&link->flight, 0));
    if (slot->arrives_ns > world->now) {
        flight_schedule(world, link);
        return;
    }
    simnet_ring_pop(&link->flight);
    flight_prefetch(world, link);
    flight_schedule(world, link);
    pipeline_arrive(world, link, slot);
}

void pipeline_arrival(struct simnet_world *world, struct slot *slot)
{
    struct link *link = world->links[slot->link];

    SIPC_ASSERT(link->loose > 0);
    link->loose--;
    if (link->hold)
        simnet_ring_push(&link->held, slot->index);
    else
        pipeline_arrive(world, link, slot);
}

void pipeline_release(struct simnet_world *world, struct link *link)
{
    while (link->held.count > 0) {
        uint32_t index = (uint32_t)simnet_ring_pop(&link->held);
        link->loose++;
        pool_slot(&world->pool, index)->loose = true;
        world_schedule(world, world->now, CLASS_ARRIVAL, KIND_ARRIVAL, index);
    }
    flight_schedule(world, link);
}

/* ---- what a carrier tells ---- */

void pipeline_left(struct simnet_world *world, sipc_time now_ns, simnet_link link)
{
    world_schedule(world, now_ns, CLASS_SERIALISED, KIND_SERIALISED, link);
}

void pipeline_arrived(struct simnet_world *world, sipc_time now_ns, uint32_t number)
{
    if (number & NUMBER_OF_RING)
        world_schedule(world, now_ns, CLASS_ARRIVAL, KIND_FLIGHT, number & ~NUMBER_OF_RING);
    else
        world_schedule(world, now_ns, CLASS_ARRIVAL, KIND_ARRIVAL, number);
}
