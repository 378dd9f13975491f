/* The clock of a world: takes the next event off the calendar and gives it to whom it is for; stops
 * at budgets. The order of events is asserted here: no two are equal, and time never goes back. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void simnet_config_default(struct simnet_config *config)
{
    *config = (struct simnet_config){.seed = 1, .heal_ns = SIPC_NEVER};
}

struct simnet_world *simnet_world_new(const struct simnet_config *config)
{
    struct simnet_world *world = simnet_allocate(1, sizeof *world);

    world->config = *config;
    if (world->config.event_max == 0)
        world->config.event_max = UINT64_C(1000000000);
    if (world->config.time_max_ns == 0)
        world->config.time_max_ns = UINT64_C(1000000) * 1000 * SIPC_NS_PER_MS;
    if (world->config.moment_max == 0)
        world->config.moment_max = 1000000;
    world->config.replay = NULL;
    world->liveness_ns = SIPC_NEVER;
    world->replays = config->replay != NULL;
    if (world->replays)
        tape_index_init(&world->replay, config->replay);
    simnet_calendar_init(&world->calendar);
    simnet_prng_seed(&world->prng, config->seed);
    world->scratch = simnet_allocate(SIMNET_DATAGRAM_SIZE_MAX, 1);
    world->pattern = simnet_allocate(PATTERN_BYTES, 1);
    for (size_t i = 0; i < PATTERN_PERIOD; i++)
        world->pattern[i] = (uint8_t)i;
    for (size_t i = PATTERN_PERIOD, size; i < PATTERN_BYTES; i += size) {
        size = i < PATTERN_BYTES - i ? i : PATTERN_BYTES - i; /* what is there once more */
        memcpy(world->pattern + i, world->pattern, size);
    }
    if (!config->hash_off)
        trace_init(&world->trace);
    if (config->carrier != NULL)
        config->carrier->begin(config->carrier->ctx,
                               &(struct simnet_carried){world, pipeline_left, pipeline_arrived});
    return world;
}

void simnet_world_free(struct simnet_world *world)
{
    if (world == NULL)
        return;
    for (size_t i = 0; i < world->host_count; i++)
        host_fini(world->hosts[i]);
    for (size_t i = 0; i < world->link_count; i++)
        link_fini(world->links[i]);
    pool_fini(&world->pool);
    operations_fini(world);
    simnet_calendar_fini(&world->calendar);
    simnet_map_fini(&world->routes);
    trace_fini(&world->trace);
    simnet_tape_clear(&world->tape);
    tape_index_fini(&world->replay);
    free(world->links);
    free(world->hosts);
    free(world->addresses);
    free(world->scratch);
    free(world->pattern);
    free(world->told);
    free(world->changes);
    free(world);
}

void simnet_observe(struct simnet_world *world, const struct simnet_observer *observer)
{
    SIPC_ASSERT(world->observer_count < OBSERVERS_MAX && observer->event != NULL);
    world->observers[world->observer_count++] = *observer;
    world->wants |= observer->wants;
}

void simnet_unobserve(struct simnet_world *world, const void *ctx)
{
    size_t kept = 0;

    world->wants = 0;
    for (size_t i = 0; i < world->observer_count; i++) {
        if (world->observers[i].ctx == ctx)
            continue;
        world->wants |= world->observers[i].wants;
        world->observers[kept++] = world->observers[i];
    }
    world->observer_count = kept;
}

/* ---- the order of events ---- */

/* A bijection of the sequence numbers that depends on the seed: what is unique stays so. */
static uint64_t world_shuffle(const struct simnet_world *world, uint64_t sequence)
{
    const uint64_t half_mask = (UINT64_C(1) << ORDER_SEQUENCE_BITS / 2) - 1;
    uint64_t left = sequence >> ORDER_SEQUENCE_BITS / 2, right = sequence & half_mask;

    for (uint64_t round = 0; round < 4; round++) { /* a Feistel network */
        uint64_t next = left ^ (simnet_draw(world->config.seed + round, right) & half_mask);
        left = right;
        right = next;
    }
    return left << ORDER_SEQUENCE_BITS / 2 | right;
}

void world_schedule(struct simnet_world *world, sipc_time time, enum world_class class,
                    enum world_kind kind, uint32_t ref)
{
    _Static_assert(3 + ORDER_SEQUENCE_BITS + ORDER_KIND_BITS + ORDER_REF_BITS == 64, "all bits");
    uint64_t sequence = world->sequence++;
    uint64_t rank = class;

    SIPC_ASSERT(time >= world->now && time < SIPC_NEVER);
    SIPC_ASSERT(ref < UINT32_C(1) << ORDER_REF_BITS);
    SIPC_ASSERT(sequence < UINT64_C(1) << ORDER_SEQUENCE_BITS);
    if (world->config.ties == SIMNET_TIES_SHUFFLED && class != CLASS_CHANGE) {
        rank = CLASS_SERIALISED;
        sequence = world_shuffle(world, sequence);
    }
    uint64_t order = rank << ORDER_SEQUENCE_BITS | sequence;
    order = (order << ORDER_KIND_BITS | kind) << ORDER_REF_BITS | ref;
    simnet_calendar_push(&world->calendar, (struct simnet_heap_entry){time, order});
}

/* ---- changes of the timeline ---- */

static void world_heal(struct simnet_world *world)
{
    world->healed = true;
    for (size_t i = 0; i < world->link_count; i++)
        link_heal(world, world->links[i]);
    for (size_t i = 0; i < world->host_count; i++) {
        struct host *host = world->hosts[i];
        if (host->paused)
            host_change(world, host, &(struct simnet_change){.kind = SIMNET_HOST_RESUME});
        if (!host->up)
            host_change(world, host, &(struct simnet_change){.kind = SIMNET_HOST_RESTART});
    }
    liveness_heal(world);
}

static bool change_is_of_host(enum simnet_change_kind kind)
{
    return kind >= SIMNET_HOST_CRASH;
}

/* What would undo the healing. */
static bool change_hurts(const struct simnet_change *change)
{
    switch (change->kind) {
    case SIMNET_LINK_DOWN:
    case SIMNET_LINK_CLOG:
    case SIMNET_HOST_CRASH:
    case SIMNET_HOST_PAUSE:
        return true;
    case SIMNET_LINK_FAULTS:
        return change->value != 0;
    default:
        return false;
    }
}

enum { CHANGE_HEAL = SIMNET_CHANGE_COUNT }; /* the event of heal_ns */

static void world_change(struct simnet_world *world, const struct simnet_change *change)
{
    if ((int)change->kind == CHANGE_HEAL) {
        world_heal(world);
        return;
    }
    if (world->healed && change_hurts(change))
        return;
    if (change_is_of_host(change->kind))
        host_change(world, world->hosts[change->target], change);
    else
        link_change(world, world->links[change->target], change);
}

static void world_add_change(struct simnet_world *world, const struct simnet_change *change)
{
    world->changes = simnet_grow(world->changes, world->change_count, &world->change_capacity,
                                 sizeof *world->changes);
    world->changes[world->change_count] = *change;
    world_schedule(world, change->at_ns, CLASS_CHANGE, KIND_CHANGE,
                   (uint32_t)world->change_count++);
}

bool simnet_change_at(struct simnet_world *world, const struct simnet_change *change,
                      struct simnet_error *error)
{
    bool of_host = change_is_of_host(change->kind);
    size_t count = of_host ? world->host_count : world->link_count;

    if ((unsigned)change->kind >= SIMNET_CHANGE_COUNT) {
        snprintf(error->text, sizeof error->text, "change %d does not exist", (int)change->kind);
        return false;
    }
    if (change->target >= count) {
        snprintf(error->text, sizeof error->text, "%s: there is no %s %" PRIu32 ", only %zu",
                 simnet_change_name(change->kind), of_host ? "host" : "link", change->target,
                 count);
        return false;
    }
    if (change->at_ns < world->now || change->at_ns == SIPC_NEVER) {
        snprintf(error->text, sizeof error->text,
                 "%s: the time %" PRIu64 " ns is before now, %" PRIu64 " ns, or never",
                 simnet_change_name(change->kind), change->at_ns, world->now);
        return false;
    }
    const struct simnet_carrier *carrier = world->config.carrier;
    if (of_host ? !host_change_check(world->hosts[change->target], change, error)
                : !link_change_check(world->links[change->target], change, error))
        return false;
    if (!of_host && carrier != NULL && !carrier->check(carrier->ctx, change, error))
        return false;
    world_add_change(world, change);
    return true;
}

/* ---- running ---- */

static void world_tell(struct simnet_world *world)
{
    SIPC_ASSERT(world->told_count > 0);
    struct told told = world->told[world->told_head & (world->told_capacity - 1)];

    world->told_head++;
    world->told_count--;
    host_sent(world, world->hosts[told.host], told.life, told.token, told.ok);
}

static void world_perform_scheduled(struct simnet_world *world, uint32_t ref)
{
    struct operation *operation = operation_at(world, world->scheduled[ref]);

    world->scheduled_free =
        simnet_grow(world->scheduled_free, world->scheduled_free_count,
                    &world->scheduled_free_capacity, sizeof *world->scheduled_free);
    world->scheduled_free[world->scheduled_free_count++] = ref;
    operation_perform(world, operation);
}

static void world_dispatch(struct simnet_world *world, struct simnet_heap_entry entry)
{
    uint32_t ref = entry.order & ((UINT32_C(1) << ORDER_REF_BITS) - 1);

    switch ((enum world_kind)(entry.order >> ORDER_REF_BITS & ((1 << ORDER_KIND_BITS) - 1))) {
    case KIND_CHANGE: {
        struct simnet_change change = world->changes[ref]; /* the array may grow meanwhile */
        world_change(world, &change);
        break;
    }
    case KIND_SERIALISED:
        pipeline_serialised(world, world->links[ref]);
        break;
    case KIND_TOLD:
        world_tell(world);
        break;
    case KIND_FLIGHT:
        pipeline_flight(world, world->links[ref], entry.time);
        break;
    case KIND_ARRIVAL:
        pipeline_arrival(world, pool_slot(&world->pool, ref));
        break;
    case KIND_DEADLINE:
        host_deadline(world, world->hosts[ref], entry.time);
        break;
    case KIND_OPERATION:
        world_perform_scheduled(world, ref);
        break;
    case KIND_TRAFFIC:
        traffic_step(world, ref);
        break;
    }
}

/* Takes one event off the calendar and does it. */
static void world_step(struct simnet_world *world)
{
    struct simnet_heap_entry entry = simnet_calendar_pop(&world->calendar);
    struct simnet_heap_entry last = world->last_popped;

    SIPC_ASSERT(entry.time >= world->now);
    SIPC_ASSERT(world->steps == 0 || entry.time != last.time || entry.order != last.order);
    world->moment_count = entry.time == world->now ? world->moment_count + 1 : 1;
    world->now = entry.time;
    world->last_popped = entry;
    world->steps++;
    world_dispatch(world, entry);
}

/* Hosts begin to live when the world first runs, in order of adding. */
static void world_begin(struct simnet_world *world)
{
    if (world->config.heal_ns != SIPC_NEVER && !world->healed && !world->heal_scheduled) {
        world->heal_scheduled = true;
        sipc_time at = world->config.heal_ns > world->now ? world->config.heal_ns : world->now;
        world_add_change(world, &(struct simnet_change){
                                    .at_ns = at, .kind = (enum simnet_change_kind)CHANGE_HEAL});
    }
    while (world->hosts_begun < world->host_count) {
        struct host *host = world->hosts[world->hosts_begun++];
        host_start(world, host);
    }
}

/* Lets the carrier catch up with what the world has next; true: there is something new. */
static bool world_carry(struct simnet_world *world, sipc_time until_ns)
{
    const struct simnet_carrier *carrier = world->config.carrier;

    if (carrier == NULL)
        return false;
    if (world->calendar.count > 0) {
        sipc_time next = simnet_calendar_first(&world->calendar).time;
        until_ns = next < until_ns ? next : until_ns;
    }
    return carrier->advance(carrier->ctx, until_ns);
}

enum simnet_end simnet_world_run(struct simnet_world *world, sipc_time until_ns)
{
    world_begin(world);
    while (!world->stopped) {
        if (world_carry(world, until_ns))
            continue;
        if (world->calendar.count == 0) {
            check_drained(world);
            if (until_ns != SIPC_NEVER && until_ns > world->now)
                world->now = until_ns;
            return world->stopped ? world->final : SIMNET_END_DRAINED;
        }
        sipc_time next = simnet_calendar_first(&world->calendar).time;
        if (next > world->liveness_ns && world->liveness_ns <= until_ns) {
            liveness_check(world);
            continue;
        }
        if (next > until_ns) {
            world->now = until_ns > world->now ? until_ns : world->now;
            return SIMNET_END_UNTIL;
        }
        if (next > world->config.time_max_ns)
            world->final = SIMNET_END_TIME_BUDGET;
        else if (world->steps >= world->config.event_max)
            world->final = SIMNET_END_EVENT_BUDGET;
        else if (next == world->now && world->moment_count >= world->config.moment_max)
            world->final = SIMNET_END_MOMENT;
        if (world->final != SIMNET_END_DRAINED) {
            world->stopped = true;
            break;
        }
        world_step(world);
    }
    return world->final;
}

const char *simnet_end_name(enum simnet_end end)
{
    static const char *const names[] = {"drained",     "until",  "event budget",
                                        "time budget", "moment", "failed"};

    return (unsigned)end < sizeof names / sizeof names[0] ? names[end] : "?";
}

int simnet_world_explain(const struct simnet_world *world, enum simnet_end end, char *out,
                         size_t size)
{
    const struct simnet_config *config = &world->config;

    switch (end) {
    case SIMNET_END_DRAINED:
        return snprintf(out, size, "nothing is left to happen after %" PRIu64 " ns", world->now);
    case SIMNET_END_UNTIL:
        return snprintf(out, size, "ran to %" PRIu64 " ns", world->now);
    case SIMNET_END_EVENT_BUDGET:
        return snprintf(out, size,
                        "stopped after %" PRIu64 " events at %" PRIu64
                        " ns: the event budget is spent",
                        config->event_max, world->now);
    case SIMNET_END_TIME_BUDGET:
        return snprintf(out, size,
                        "stopped at %" PRIu64 " ns: the next event is behind the time "
                        "budget of %" PRIu64 " ns",
                        world->now, config->time_max_ns);
    case SIMNET_END_MOMENT:
        return snprintf(out, size,
                        "stopped at %" PRIu64 " ns: %" PRIu32
                        " events at one moment, time stands still",
                        world->now, config->moment_max);
    case SIMNET_END_FAILED:
        return snprintf(out, size, "%s: %s (event %" PRIu64 ", %" PRIu64 " ns)",
                        world->failure.invariant, world->failure.text, world->failure.event,
                        world->failure.time_ns);
    }
    return snprintf(out, size, "?");
}

uint64_t simnet_world_seed(const struct simnet_world *world)
{
    return world->config.seed;
}

sipc_time simnet_world_now(const struct simnet_world *world)
{
    return world->now;
}

sipc_time simnet_world_next(struct simnet_world *world)
{
    return world->calendar.count == 0 || world->stopped
               ? SIPC_NEVER
               : simnet_calendar_first(&world->calendar).time;
}

uint64_t simnet_world_steps(const struct simnet_world *world)
{
    return world->steps;
}

uint64_t simnet_world_events(const struct simnet_world *world)
{
    return world->events;
}

size_t simnet_world_pending(const struct simnet_world *world)
{
    return world->calendar.count;
}

struct simnet_prng *simnet_world_prng(struct simnet_world *world)
{
    return &world->prng;
}

const struct simnet_failure *simnet_world_failure(const struct simnet_world *world)
{
    return world->failure_count ? &world->failure : NULL;
}

uint64_t simnet_world_failure_count(const struct simnet_world *world)
{
    return world->failure_count;
}

const struct simnet_tape *simnet_world_tape(const struct simnet_world *world)
{
    return &world->tape;
}

size_t simnet_world_unused_faults(const struct simnet_world *world)
{
    return world->replays ? world->replay.faults.count - world->replay.used_count : 0;
}
