/* Links: whether a configuration makes sense, making them, how long the wire takes, changes of the
 * timeline, statistics. */
#include "internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LINK_NS_PER_S  UINT64_C(1000000000)
#define LINK_RATE_MAX  UINT64_C(1000000000000)
#define LINK_DELAY_MAX (UINT64_C(3600) * LINK_NS_PER_S)

/* ---- whether it makes sense ---- */

static bool link_error(struct simnet_error *error, const char *format, ...) SIPC_PRINTF(2, 3);
static bool link_error(struct simnet_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

static bool link_check_ppm(const char *field, uint64_t ppm, struct simnet_error *error)
{
    return ppm <= SIMNET_PPM ||
           link_error(error, "%s: at most 1000000 parts in a million, found %" PRIu64, field, ppm);
}

static bool link_check_range(const char *field, uint64_t value, uint64_t min, uint64_t max,
                             struct simnet_error *error)
{
    return (value >= min && value <= max) ||
           link_error(error, "%s: expected %" PRIu64 " to %" PRIu64 ", found %" PRIu64, field, min,
                      max, value);
}

static bool link_check_trace(const char *field, const struct simnet_trace *trace,
                             enum simnet_trace_kind kind, struct simnet_error *error)
{
    if (trace == NULL || trace->count == 0)
        return link_error(error, "%s: a trace with at least one entry is missing", field);
    if (trace->drawn && !trace->wrap)
        return link_error(error, "%s: what is drawn from has no end where it could stop", field);
    return trace->kind == kind || link_error(error, "%s: a trace of another kind", field);
}

static bool link_check_queue(const struct simnet_link_config *config, struct simnet_error *error)
{
    const struct simnet_queue_config *queue = &config->queue;
    bool limited = queue->unit != SIMNET_QUEUE_UNLIMITED;

    if ((unsigned)queue->unit > SIMNET_QUEUE_BDP)
        return link_error(error, "queue.unit: %d is none", (int)queue->unit);
    if ((unsigned)queue->discipline > SIMNET_CODEL)
        return link_error(error, "queue.discipline: %d is none", (int)queue->discipline);
    if (limited && config->rate_bps == 0 && config->opportunities == NULL)
        return link_error(error, "queue: a limit needs a rate, for without one nothing ever waits");
    if (limited && !link_check_range("queue.limit", queue->limit, 1, UINT64_MAX / 2, error))
        return false;
    if ((queue->unit == SIMNET_QUEUE_TIME || queue->unit == SIMNET_QUEUE_BDP) &&
        config->rate_bps == 0)
        return link_error(error, "queue.unit: time and BDP need a rate");
    if (queue->unit == SIMNET_QUEUE_TIME &&
        !link_check_range("queue.limit", queue->limit, 1, LINK_DELAY_MAX, error))
        return false;
    if (queue->unit == SIMNET_QUEUE_BDP &&
        !link_check_range("queue.limit", queue->limit, 1, 1000000, error))
        return false;
    if (queue->discipline == SIMNET_RED) {
        if (config->rate_bps == 0)
            return link_error(error, "queue.discipline: RED needs a rate");
        if (queue->red_min_bytes >= queue->red_max_bytes)
            return link_error(error, "queue.red_min_bytes: must be less than red_max_bytes");
        return link_check_range("queue.red_max_bytes", queue->red_max_bytes, 1, UINT32_MAX,
                                error) &&
               link_check_range("queue.red_max_ppm", queue->red_max_ppm, 1, SIMNET_PPM, error) &&
               link_check_range("queue.red_weight_log2", queue->red_weight_log2, 1, 16, error);
    }
    if (queue->discipline == SIMNET_CODEL)
        return link_check_range("queue.codel_interval_ns", queue->codel_interval_ns, 1,
                                4 * LINK_NS_PER_S, error) &&
               link_check_range("queue.codel_target_ns", queue->codel_target_ns, 1,
                                queue->codel_interval_ns, error);
    return true;
}

static bool link_check_loss(const struct simnet_loss *loss, struct simnet_error *error)
{
    switch (loss->kind) {
    case SIMNET_LOSS_NONE:
    case SIMNET_LOSS_MASK:
        return true;
    case SIMNET_LOSS_IID:
        return link_check_ppm("loss.ppm", loss->ppm, error);
    case SIMNET_LOSS_GILBERT_ELLIOTT:
        return link_check_ppm("loss.to_bad_ppm", loss->to_bad_ppm, error) &&
               link_check_ppm("loss.to_good_ppm", loss->to_good_ppm, error) &&
               link_check_ppm("loss.loss_good_ppm", loss->loss_good_ppm, error) &&
               link_check_ppm("loss.loss_bad_ppm", loss->loss_bad_ppm, error);
    case SIMNET_LOSS_PERIODIC:
        return link_check_range("loss.period", loss->period, 1, UINT32_MAX, error) &&
               link_check_range("loss.lost", loss->lost, 0, loss->period, error) &&
               link_check_range("loss.first", loss->first, 0, loss->period - 1, error);
    case SIMNET_LOSS_LIST:
        for (size_t i = 1; i < loss->list_count; i++)
            if (loss->list[i] <= loss->list[i - 1])
                return link_error(error,
                                  "loss.list: not sorted, entry %zu is %" PRIu64 " after %" PRIu64,
                                  i, loss->list[i], loss->list[i - 1]);
        return true;
    case SIMNET_LOSS_PREDICATE:
        return loss->predicate_count > 0 || link_error(error, "loss.predicates: none given");
    case SIMNET_LOSS_TRACE:
        return link_check_trace("loss.trace", loss->trace, SIMNET_TRACE_LOSSES, error);
    }
    return link_error(error, "loss.kind: %d is none", (int)loss->kind);
}

static bool link_check_delay(const struct simnet_link_config *config, struct simnet_error *error)
{
    const struct simnet_delay_config *delay = &config->delay;
    const struct simnet_reorder_config *reorder = &config->reorder;

    if ((unsigned)delay->kind > SIMNET_DELAY_TRACE)
        return link_error(error, "delay.kind: %d is none", (int)delay->kind);
    if (!link_check_range("delay.base_ns", delay->base_ns, 0, LINK_DELAY_MAX, error) ||
        !link_check_range("delay.spread_ns", delay->spread_ns, 0, LINK_DELAY_MAX, error))
        return false;
    if (delay->kind == SIMNET_DELAY_TRACE &&
        !link_check_trace("delay.trace", delay->trace, SIMNET_TRACE_DELAYS, error))
        return false;
    if (!link_check_ppm("reorder.swap_ppm", reorder->swap_ppm, error) ||
        !link_check_ppm("reorder.jump_ppm", reorder->jump_ppm, error))
        return false;
    if (delay->reorders && (reorder->swap_ppm || reorder->jump_ppm))
        return link_error(error, "reorder: the jitter of this link reorders already");
    if (reorder->swap_ppm &&
        !link_check_range("reorder.swap_count", reorder->swap_count, 0, 1024, error))
        return false;
    return !reorder->jump_ppm ||
           link_check_range("reorder.jump_count", reorder->jump_count, 0, 1024, error);
}

static bool link_check_corrupt(const struct simnet_corrupt_config *corrupt,
                               struct simnet_error *error)
{
    uint64_t sum = (uint64_t)corrupt->flip_ppm + corrupt->truncate_ppm + corrupt->extend_ppm;

    return link_check_ppm("corrupt: the sum of flip, truncate and extend", sum, error) &&
           link_check_range("corrupt.flip_bits_max", corrupt->flip_bits_max, 0, 32, error) &&
           link_check_range("corrupt.extend_bytes_max", corrupt->extend_bytes_max, 0, 1024, error);
}

bool simnet_link_check(const struct simnet_link_config *config, struct simnet_error *error)
{
    if (!link_check_range("rate_bps", config->rate_bps, 0, LINK_RATE_MAX, error) ||
        !link_check_range("overhead_bytes", config->overhead_bytes, 0, 1024, error))
        return false;
    if (config->opportunities != NULL) {
        if (config->rate_bps != 0)
            return link_error(error, "opportunities: a link has a rate or a trace, not both");
        if (!link_check_trace("opportunities", config->opportunities, SIMNET_TRACE_OPPORTUNITIES,
                              error))
            return false;
    }
    for (size_t i = 0; i < SIMNET_LOSSES_MAX; i++)
        if (!link_check_loss(&config->losses[i], error))
            return false;
    return link_check_queue(config, error) && link_check_delay(config, error) &&
           link_check_ppm("duplicate.ppm", config->duplicate.ppm, error) &&
           link_check_range("duplicate.copies_max", config->duplicate.copies_max, 0,
                            SIMNET_COPIES_MAX, error) &&
           (config->duplicate.trace == NULL ||
            link_check_trace("duplicate.trace", config->duplicate.trace, SIMNET_TRACE_COPIES,
                             error)) &&
           link_check_range("duplicate.delay_ns", config->duplicate.delay_ns, 0, LINK_DELAY_MAX,
                            error) &&
           link_check_corrupt(&config->corrupt, error);
}

/* ---- making ---- */

static bool link_has_chance(const struct simnet_link_config *config)
{
    for (size_t i = 0; i < SIMNET_LOSSES_MAX; i++)
        if (config->losses[i].kind != SIMNET_LOSS_NONE)
            return true;
    return config->queue.discipline == SIMNET_RED || config->duplicate.ppm ||
           config->duplicate.trace != NULL || config->corrupt.flip_ppm ||
           config->corrupt.truncate_ppm || config->corrupt.extend_ppm ||
           config->delay.kind != SIMNET_DELAY_CONSTANT || config->reorder.swap_ppm ||
           config->reorder.jump_ppm;
}

bool simnet_link_add(struct simnet_world *world, const struct simnet_link_config *config,
                     simnet_link *out, struct simnet_error *error)
{
    if (!simnet_link_check(config, error))
        return false;
    struct link *link = simnet_allocate(1, sizeof *link);
    link->config = *config;
    link->index = (simnet_link)world->link_count;
    link->rate_bps = config->rate_bps;
    link->base_ns = config->delay.base_ns;
    link->flight_event_ns = SIPC_NEVER;
    link->red.idle = true;
    link->red.idle_since_ns = world->now;
    link->chance = link_has_chance(config);
    link->faults_off = world->healed;
    for (unsigned stage = 0; stage < SIMNET_STAGE_COUNT; stage++)
        link->stage_seeds[stage] =
            simnet_draw(simnet_draw(world->config.seed, link->index + UINT64_C(1)), stage);
    link_limit_queue(link);
    if (world->config.carrier != NULL) {
        const struct simnet_carrier *carrier = world->config.carrier;
        struct simnet_wire wire = link_wire(link);
        if (!carrier->add(carrier->ctx, link->index, config, &wire, error)) {
            link_fini(link);
            return false;
        }
    }
    if (config->name == NULL) {
        snprintf(link->own_name, sizeof link->own_name, "link%" PRIu32, link->index);
        link->config.name = link->own_name;
    }
    world->links =
        simnet_grow(world->links, world->link_count, &world->link_capacity, sizeof *world->links);
    world->links[world->link_count++] = link;
    *out = link->index;
    return true;
}

void link_fini(struct link *link)
{
    simnet_ring_fini(&link->queue);
    simnet_ring_fini(&link->flight);
    simnet_ring_fini(&link->held);
    simnet_map_fini(&link->xmits.young);
    simnet_map_fini(&link->xmits.old);
    free(link);
}

/* ---- the wire ---- */

uint64_t link_muldiv(uint64_t a, uint64_t b, uint64_t divisor)
{
    uint64_t high = simnet_multiply_high(a, b), low = a * b, result = 0;

    SIPC_ASSERT(high < divisor);
    for (int bit = 63; bit >= 0; bit--) { /* long division; the rest stays below the divisor */
        bool carry = high >> 63;
        high = high << 1 | (low >> bit & 1);
        if (carry || high >= divisor) {
            high -= divisor;
            result |= UINT64_C(1) << bit;
        }
    }
    return result;
}

void link_limit_queue(struct link *link)
{
    const struct simnet_queue_config *queue = &link->config.queue;
    sipc_time round_trip = 2 * link->base_ns;

    link->queue_limit = queue->limit;
    if (queue->unit == SIMNET_QUEUE_TIME)
        link->queue_limit = link_muldiv(link->rate_bps, queue->limit, 8 * LINK_NS_PER_S);
    if (queue->unit == SIMNET_QUEUE_BDP)
        link->queue_limit = link_muldiv(link_muldiv(link->rate_bps, round_trip, 8 * LINK_NS_PER_S),
                                        queue->limit, 1000);
}

struct simnet_wire link_wire(const struct link *link)
{
    enum simnet_queue_unit unit = link->config.queue.unit;

    if (unit == SIMNET_QUEUE_TIME || unit == SIMNET_QUEUE_BDP)
        unit = SIMNET_QUEUE_BYTES;
    return (struct simnet_wire){link->rate_bps, link->base_ns, link->queue_limit, unit};
}

/* The moment of the opportunity that carries the last of `bytes`, which begin to wait now. */
static sipc_time link_opportunity(struct link *link, sipc_time now, uint64_t bytes)
{
    const struct simnet_trace *trace = link->config.opportunities;
    sipc_time period = trace->values[trace->count - 1];

    if (link->opportunity_ns != now)
        link->opportunity_credit = 0; /* what was not used is gone */
    while (bytes > link->opportunity_credit) {
        bytes -= link->opportunity_credit;
        link->opportunity_credit = 0;
        if (trace->wrap && now > link->opportunity_base_ns + period) {
            link->opportunity_base_ns += (now - link->opportunity_base_ns - 1) / period * period;
            link->opportunity = 0;
        }
        do {
            if (link->opportunity == trace->count) {
                if (!trace->wrap)
                    return SIPC_NEVER;
                link->opportunity = 0;
                link->opportunity_base_ns += period;
            }
            link->opportunity_ns = link->opportunity_base_ns + trace->values[link->opportunity++];
        } while (link->opportunity_ns < now);
        link->opportunity_credit = SIMNET_OPPORTUNITY_BYTES;
    }
    link->opportunity_credit -= (uint32_t)bytes;
    return link->opportunity_ns;
}

sipc_time link_transmitted_at(const struct simnet_world *world, struct link *link, uint64_t bytes)
{
    sipc_time now = world->now;

    if (link->config.opportunities != NULL)
        return link_opportunity(link, now, bytes);
    if (link->rate_bps == 0)
        return now;
    uint64_t work = bytes * 8 * LINK_NS_PER_S; /* below 2^50 */
    if (world->config.rounds_each)
        return now + (2 * work + link->rate_bps) / (2 * link->rate_bps);
    work += link->carry;
    link->carry = work % link->rate_bps;
    return now + work / link->rate_bps;
}

/* ---- the timeline ---- */

bool link_change_check(const struct link *link, const struct simnet_change *change,
                       struct simnet_error *error)
{
    switch (change->kind) {
    case SIMNET_LINK_DOWN:
        return change->value <= SIMNET_IN_FLIGHT_HELD ||
               link_error(error, "%s down: in flight is lost, kept or held", link->config.name);
    case SIMNET_LINK_RATE:
        if (link->config.rate_bps == 0)
            return link_error(error, "%s rate: the link has none that could change",
                              link->config.name);
        return link_check_range("rate", change->value, 1, LINK_RATE_MAX, error);
    case SIMNET_LINK_DELAY:
        return link_check_range("delay", change->value, 0, LINK_DELAY_MAX, error);
    case SIMNET_LINK_FAULTS:
        return link_check_range("faults", change->value, 0, 1, error);
    default:
        return true;
    }
}

static void link_go_down(struct simnet_world *world, struct link *link, enum simnet_in_flight mode)
{
    link->down = true;
    link->hold = mode == SIMNET_IN_FLIGHT_HELD;
    if (mode == SIMNET_IN_FLIGHT_LOST) {
        link->lost_any = true;
        link->lost_until_ns = world->now;
    }
}

static void link_come_up(struct simnet_world *world, struct link *link)
{
    link->down = link->hold = false;
    pipeline_release(world, link);
}

static void link_unclog(struct simnet_world *world, struct link *link)
{
    link->clogged = false;
    pipeline_start(world, link);
}

static void link_tell_carrier(const struct simnet_world *world, const struct link *link)
{
    const struct simnet_carrier *carrier = world->config.carrier;
    struct simnet_wire wire = link_wire(link);

    if (carrier != NULL)
        carrier->set(carrier->ctx, link->index, &wire);
}

static void link_apply(struct simnet_world *world, struct link *link,
                       const struct simnet_change *change)
{
    switch (change->kind) {
    case SIMNET_LINK_DOWN:
        link_go_down(world, link, (enum simnet_in_flight)change->value);
        break;
    case SIMNET_LINK_UP:
        link_come_up(world, link);
        break;
    case SIMNET_LINK_CLOG:
        link->clogged = true;
        break;
    case SIMNET_LINK_UNCLOG:
        link_unclog(world, link);
        break;
    case SIMNET_LINK_RATE:
        link->rate_bps = change->value;
        link->carry = 0;
        link_limit_queue(link);
        link_tell_carrier(world, link);
        break;
    case SIMNET_LINK_DELAY:
        link->base_ns = change->value;
        link_limit_queue(link);
        link_tell_carrier(world, link);
        break;
    case SIMNET_LINK_FAULTS:
        link->faults_off = change->value == 0;
        break;
    default:
        SIPC_ASSERT(false);
    }
}

void link_change(struct simnet_world *world, struct link *link, const struct simnet_change *change)
{
    struct simnet_event event = event_blank();

    event.link = link->index;
    event.change = change->kind;
    event.value = change->value;
    emit(world, SIMNET_EVENT_CHANGE, &event);
    link_apply(world, link, change);
    check_link(world, link);
}

void link_heal(struct simnet_world *world, struct link *link)
{
    if (link->down)
        link_change(world, link, &(struct simnet_change){.kind = SIMNET_LINK_UP});
    if (link->clogged)
        link_change(world, link, &(struct simnet_change){.kind = SIMNET_LINK_UNCLOG});
    if (!link->faults_off)
        link_change(world, link, &(struct simnet_change){.kind = SIMNET_LINK_FAULTS});
}

/* ---- statistics ---- */

void simnet_link_stats(const struct simnet_world *world, simnet_link index,
                       struct simnet_link_stats *out)
{
    SIPC_ASSERT(index < world->link_count);
    const struct link *link = world->links[index];

    *out = link->stats;
    out->queued = link->queue.count + (link->wire != NULL);
    out->in_flight = link->flight.count + link->held.count + link->loose;
}

const char *simnet_link_name(const struct simnet_world *world, simnet_link index)
{
    return index < world->link_count ? world->links[index]->config.name : "no link";
}

size_t simnet_link_count(const struct simnet_world *world)
{
    return world->link_count;
}
