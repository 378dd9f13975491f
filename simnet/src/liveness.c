/* Liveness, phase two: from the moment the world is healed each accepted operation of an engine
 * host must end within a bound. The bound is made of what the rules allow it to take, not of what
 * it usually takes:
 *
 *   wait      one wait of the sender: ack_timeout, and before it the aftermath, which comes no
 *             later than the links' longest time from entering to the end of serialisation: so
 *             far, or of what waits there now
 *   try       a window, PDU by PDU: as many waits as a window has PDUs
 *   quick     a round trip is shorter than an ack_timeout: each window gets its ack at its first
 *             try, but the one under way at the healing, which may need all its tries
 *   slow      else: every window may need all its tries
 *
 * and of the resync PDU (WID-11), which every operation may need first. */
#include "internal.h"

#include <inttypes.h>

enum { PAYLOAD_OVERHEAD = 192 }; /* bytes of a data PDU that may not be payload: head, options */

/* a * b, or a century where that is less. */
static sipc_time liveness_times(uint64_t a, sipc_time b)
{
    const sipc_time century = UINT64_C(100) * 365 * 24 * 3600 * 1000 * SIPC_NS_PER_MS;

    return simnet_multiply_high(a, b) == 0 && a * b < century ? a * b : century;
}

/* How long the datagram on the wire, and those that wait behind it, take from entering to the end
 * of their serialisation: what it has been and what is to come. */
static sipc_time liveness_sojourn(const struct simnet_world *world, const struct link *link)
{
    sipc_time sojourn = 0;

    if (link->wire == NULL)
        return 0;
    sojourn = world->now - link->wire->datagram.entered_ns;
    if (link->rate_bps > 0) {
        uint64_t bytes =
            link->wire->datagram.size + link->config.overhead_bytes + link->stats.queue_bytes + 1;
        sojourn += liveness_times(bytes, UINT64_C(8) * 1000000000 / link->rate_bps + 1);
    }
    return sojourn;
}

/* The longest sojourn on any link, and the sum of base delays of the two slowest ones. */
static void liveness_links(const struct simnet_world *world, sipc_time *sojourn, sipc_time *delays)
{
    sipc_time first = 0, second = 0;

    *sojourn = 0;
    for (size_t i = 0; i < world->link_count; i++) {
        const struct link *link = world->links[i];
        sipc_time delay = link->base_ns;
        sipc_time now = liveness_sojourn(world, link);
        if (link->stats.sojourn_max_ns > *sojourn)
            *sojourn = link->stats.sojourn_max_ns;
        if (now > *sojourn)
            *sojourn = now;
        if (delay > first) {
            second = first;
            first = delay;
        } else if (delay > second) {
            second = delay;
        }
    }
    *delays = world->link_count > 1 ? first + second : 2 * first;
}

/* How many PDUs the operation has at most. A group may count headers (GRP-2a), and every group
 * carries all attributes (SND-3): half of what they leave is a group's payload at least. */
static uint64_t liveness_pdus(const struct operation *operation, const struct sipc_config *settings)
{
    const struct simnet_operation *what = &operation->what;
    uint64_t payload = settings->mtu - PAYLOAD_OVERHEAD, attributes = 0;

    if (what->command == SIMNET_COMMAND_CLOSE)
        return 1;
    for (size_t i = 0; i < what->attribute_count; i++)
        attributes += 2 * (what->attributes[i].name.size + what->attributes[i].value.size + 32);
    uint64_t room = settings->group_bytes_max > attributes + 2
                        ? (settings->group_bytes_max - attributes) / 2
                        : 1;
    uint64_t groups = 1 + what->size / room;
    return 4 + what->size / payload + groups * (2 + attributes / payload);
}

/* A fire-and-forget message may have to wait for the end of a group under way, and leaves then. */
static uint64_t liveness_bound_pdus(const struct operation *operation,
                                    const struct sipc_config *settings)
{
    uint64_t pdus = liveness_pdus(operation, settings);

    if (operation->what.command == SIMNET_COMMAND_SEND_UNRELIABLE)
        pdus += 4 + settings->group_bytes_max / (settings->mtu - PAYLOAD_OVERHEAD);
    return pdus;
}

static sipc_time liveness_bound(const struct simnet_world *world, const struct operation *operation)
{
    const struct host *host = world->hosts[operation->what.host];
    const struct sipc_config *settings = &host->settings;
    uint64_t tries = settings->max_retry_count + UINT64_C(1);
    uint64_t window = settings->max_window_size;
    uint64_t pdus = liveness_bound_pdus(operation, settings);
    sipc_time sojourn, delays;

    liveness_links(world, &sojourn, &delays);
    sipc_time wait = settings->ack_timeout_ns + sojourn;
    uint64_t longest = window < pdus ? window : pdus;
    uint64_t waits = tries + 1 + tries * longest; /* the resync PDU, and a window under way */
    waits += delays + 2 * sojourn < settings->ack_timeout_ns ? pdus : pdus * tries * longest;
    return liveness_times(2, liveness_times(waits, wait)); /* its clock may run slow by half */
}

static sipc_time liveness_due(const struct simnet_world *world, const struct operation *operation)
{
    sipc_time from = world->healed_ns;
    sipc_time still = world->hosts[operation->what.host]->clock_still_until_ns;

    if (operation->accepted_ns > from)
        from = operation->accepted_ns;
    if (still > from)
        from = still;
    return from + liveness_bound(world, operation);
}

static bool liveness_is_watched(const struct simnet_world *world, const struct operation *operation)
{
    return world_is_live(world) && world->hosts[operation->what.host]->has_settings;
}

void liveness_accepted(struct simnet_world *world, const struct operation *operation)
{
    if (!liveness_is_watched(world, operation))
        return;
    sipc_time due = liveness_due(world, operation);
    if (due < world->liveness_ns)
        world->liveness_ns = due;
}

void liveness_heal(struct simnet_world *world)
{
    world->healed_ns = world->now;
    for (size_t i = 0; i < world->pending_count; i++)
        liveness_accepted(world, operation_at(world, world->pending[i]));
}

void liveness_check(struct simnet_world *world)
{
    sipc_time at = world->liveness_ns;

    if (at > world->now)
        world->now = at;
    world->liveness_ns = SIPC_NEVER;
    for (size_t i = 0; i < world->pending_count; i++) {
        const struct operation *operation = operation_at(world, world->pending[i]);
        if (!liveness_is_watched(world, operation))
            continue;
        sipc_time due = liveness_due(world, operation);
        if (due <= world->now)
            check_fail(world,
                       &(struct simnet_failure){.invariant = "ends-in-time",
                                                .host = operation->what.host,
                                                .link = SIMNET_NONE,
                                                .session = operation->what.session},
                       "operation %" PRIu64 " of %s (%" PRIu64 " bytes), accepted at %" PRIu64
                       " ns, still runs %" PRIu64 " ns after the bound",
                       operation->number, simnet_host_name(world, operation->what.host),
                       operation->what.size, operation->accepted_ns, world->now - due);
        else if (due < world->liveness_ns)
            world->liveness_ns = due;
    }
}
