/* Hosts: addresses and routes, clocks that drift and step, lives that end in a crash, pauses in
 * which everything waits. What runs on a host is its driver's business. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HOST_PPM_MAX = 500000,
    HOST_CHECK_CALLS = 4096,
    HOST_RAW_BYTES_MAX = SIPC_PDU_SIZE_MAX + 500
};

/* ---- addresses and routes ---- */

static sipc_peer host_new_address(struct simnet_world *world, simnet_host host)
{
    world->addresses = simnet_grow(world->addresses, world->address_count, &world->address_capacity,
                                   sizeof *world->addresses);
    world->addresses[world->address_count++] = host;
    return world->address_count;
}

simnet_host simnet_host_of_address(const struct simnet_world *world, sipc_peer address)
{
    return address >= 1 && address <= world->address_count ? world->addresses[address - 1]
                                                           : SIMNET_NONE;
}

static uint64_t host_route_key(simnet_host from, simnet_host to)
{
    return (uint64_t)(from + 1) << 32 | (to + 1);
}

void simnet_route(struct simnet_world *world, simnet_host from, simnet_host to, simnet_link link)
{
    SIPC_ASSERT(from < world->host_count && to < world->host_count && link < world->link_count);
    *simnet_map_insert(&world->routes, host_route_key(from, to)) = link + 1;
}

/* ---- clocks: raw = base + elapsed * (1 + ppm), never shown going back ---- */

static int64_t clock_raw(const struct host *host, sipc_time at)
{
    uint64_t rate = (uint64_t)(SIMNET_PPM + host->clock_ppm);
    sipc_time elapsed = at - host->clock_base_at;

    if (host->clock_ppm == 0)
        return host->clock_base + (int64_t)elapsed;
    return host->clock_base +
           (int64_t)(elapsed / SIMNET_PPM * rate + elapsed % SIMNET_PPM * rate / SIMNET_PPM);
}

sipc_time host_clock(struct simnet_world *world, struct host *host)
{
    int64_t raw = clock_raw(host, world->now);

    if (raw > 0 && (sipc_time)raw > host->clock_floor)
        host->clock_floor = (sipc_time)raw;
    return host->clock_floor;
}

/* The first moment at which the host's clock shows `shown` or more. */
static sipc_time clock_when(const struct host *host, sipc_time now, sipc_time shown)
{
    uint64_t rate = (uint64_t)(SIMNET_PPM + host->clock_ppm);
    int64_t missing = (int64_t)shown - host->clock_base;

    if (shown <= host->clock_floor || missing <= 0)
        return now;
    sipc_time elapsed = (uint64_t)missing;
    if (host->clock_ppm != 0)
        elapsed = (uint64_t)missing / rate * SIMNET_PPM +
                  ((uint64_t)missing % rate * SIMNET_PPM + rate - 1) / rate;
    sipc_time at = host->clock_base_at + elapsed;
    return at > now ? at : now;
}

static void clock_set(struct simnet_world *world, struct host *host, int64_t step, int32_t ppm)
{
    host_clock(world, host); /* moves the floor */
    host->clock_base = clock_raw(host, world->now) + step;
    host->clock_base_at = world->now;
    host->clock_ppm = ppm;
    host->deadline_event_ns = SIPC_NEVER;
    host->clock_still_until_ns = clock_when(host, world->now, host->clock_floor + 1);
}

/* ---- calls into the driver ---- */

static void host_schedule_deadline(struct simnet_world *world, struct host *host)
{
    if (!host->up || host->paused || host->driver->deadline == NULL)
        return;
    sipc_time deadline = host->driver->deadline(host->self);
    if (deadline >= INT64_MAX)
        return;
    sipc_time at = clock_when(host, world->now, deadline);
    if (at >= host->deadline_event_ns)
        return; /* an event that comes too early looks again */
    host->deadline_event_ns = at;
    world_schedule(world, at, CLASS_DEADLINE, KIND_DEADLINE, host->index);
}

void host_settle(struct simnet_world *world, struct host *host)
{
    if (host->driver->drain != NULL)
        host->driver->drain(host->self);
    if (++host->calls >= HOST_CHECK_CALLS && (host->calls & (host->calls - 1)) == 0)
        check_engine(world, host); /* ever more rarely: its cost grows with the sessions */
    host_schedule_deadline(world, host);
}

static void host_wait(struct host *host, enum inbox_kind kind, uint64_t value, bool ok)
{
    host->inbox =
        simnet_grow(host->inbox, host->inbox_count, &host->inbox_capacity, sizeof *host->inbox);
    host->inbox[host->inbox_count++] = (struct inbox_item){kind, ok, value};
}

/* Bits of a PDU of this session were flipped, and nothing in the protocol notices that. */
static void host_taint(struct simnet_world *world, const struct slot *slot)
{
    const uint64_t *place = NULL;

    if (slot->datagram.corruption == SIMNET_FLIP && slot->key.session)
        place = simnet_map_find(&world->session_places, slot->key.session);
    if (place != NULL)
        world->sessions[*place - 1].tainted = true;
}

void host_receive(struct simnet_world *world, struct host *host, struct slot *slot)
{
    if (host->paused) {
        host_wait(host, INBOX_DATAGRAM, slot->index, false);
        return;
    }
    host_taint(world, slot);
    if (host->driver->receive != NULL) {
        world->receiving = slot;
        host->driver->receive(host->self, host_clock(world, host), slot->datagram.from_address,
                              slot_bytes(world, slot));
        host_settle(world, host);
        world->receiving = NULL;
    }
    slot_release(world, slot);
}

void host_sent(struct simnet_world *world, struct host *host, uint32_t life, uint64_t token,
               bool ok)
{
    if (!host->up || host->life != life)
        return; /* who sent it is gone */
    if (host->paused) {
        host_wait(host, INBOX_SENT, token, ok);
        return;
    }
    struct simnet_event event = event_blank();
    event.host = host->index;
    event.token = token;
    event.ok = ok;
    emit(world, SIMNET_EVENT_AFTERMATH, &event);
    if (host->driver->sent != NULL) {
        host->driver->sent(host->self, host_clock(world, host), token, ok);
        host_settle(world, host);
    }
}

void host_deadline(struct simnet_world *world, struct host *host, sipc_time event_ns)
{
    if (event_ns != host->deadline_event_ns)
        return; /* another event was made for an earlier deadline */
    host->deadline_event_ns = SIPC_NEVER;
    if (!host->up || host->paused)
        return;
    sipc_time clock = host_clock(world, host);
    if (host->driver->deadline(host->self) > clock) {
        host_schedule_deadline(world, host);
        return;
    }
    host->driver->advance(host->self, clock);
    host_settle(world, host);
}

void simnet_port_transmit(struct simnet_world *world, simnet_host index,
                          const struct simnet_transmit *transmit)
{
    struct host *host = world->hosts[index];
    struct slot *slot = pool_take(&world->pool);
    struct simnet_datagram *datagram = &slot->datagram;

    SIPC_ASSERT(transmit->head.size + transmit->payload_size <= HOST_RAW_BYTES_MAX);
    datagram->number = ++world->datagrams;
    datagram->from = index;
    datagram->from_address = host->address;
    datagram->to = simnet_host_of_address(world, transmit->to);
    datagram->to_address = transmit->to;
    datagram->size = (uint32_t)(transmit->head.size + transmit->payload_size);
    datagram->entered_ns = world->now;
    slot->sender_life = host->life;
    slot->token = transmit->token;
    slot->owed = transmit->owed;
    slot_set_head(slot, transmit->head);
    if (transmit->payload_size > 0) {
        struct operation *operation = operation_at(world, transmit->message);
        SIPC_ASSERT(operation != NULL);
        operation_hold(operation);
        slot->message = transmit->message;
        slot->message_offset = transmit->payload_offset;
        datagram->payload =
            operation_bytes(world, operation, transmit->payload_offset, transmit->payload_size);
    }
    const uint64_t *route =
        datagram->to == SIMNET_NONE
            ? NULL
            : simnet_map_find(&world->routes, host_route_key(index, datagram->to));
    if (route == NULL)
        pipeline_no_route(world, slot);
    else
        pipeline_enter(world, world->links[*route - 1], slot);
}

/* ---- lives ---- */

void host_start(struct simnet_world *world, struct host *host)
{
    enum sipc_status status = SIPC_OK;

    host->up = true;
    host->life++;
    if (host->driver->start != NULL)
        status = host->driver->start(host->self, world, host->index, host_clock(world, host));
    if (status != SIPC_OK)
        check_fail(world,
                   &(struct simnet_failure){.invariant = "start",
                                            .host = host->index,
                                            .link = SIMNET_NONE,
                                            .session = SIMNET_NONE},
                   "%s does not start: status %d", host->name, (int)status);
    host_settle(world, host);
}

static void host_empty_inbox(struct simnet_world *world, struct host *host)
{
    for (size_t i = 0; i < host->inbox_count; i++) {
        const struct inbox_item *item = &host->inbox[i];
        if (item->kind == INBOX_DATAGRAM)
            slot_release(world, pool_slot(&world->pool, item->value));
        else if (item->kind == INBOX_OPERATION)
            operation_perform(world, operation_at(world, item->value)); /* refused: it is down */
    }
    host->inbox_count = 0;
}

static void host_crash(struct simnet_world *world, struct host *host)
{
    host->up = false;
    host->paused = false;
    host->deadline_event_ns = SIPC_NEVER;
    if (host->driver->stop != NULL)
        host->driver->stop(host->self);
    host_empty_inbox(world, host);
    operation_crash_all(world, host);
    for (size_t i = 0; i < world->session_count; i++) {
        int side = session_side(&world->sessions[i], host->index);
        if (side >= 0)
            world->sessions[i].states[side] = SIPC_DISPOSED;
    }
}

static void host_resume(struct simnet_world *world, struct host *host)
{
    struct inbox_item *items = host->inbox;
    size_t count = host->inbox_count;

    host->paused = false;
    host->inbox = NULL;
    host->inbox_count = host->inbox_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == INBOX_DATAGRAM)
            host_receive(world, host, pool_slot(&world->pool, items[i].value));
        else if (items[i].kind == INBOX_SENT)
            host_sent(world, host, host->life, items[i].value, items[i].ok);
        else
            operation_perform(world, operation_at(world, items[i].value));
    }
    free(items);
    host_schedule_deadline(world, host);
}

/* To others a session from the new address is another one, of the same id: what both are handed
 * cannot be told apart. */
static void host_move(struct simnet_world *world, struct host *host)
{
    host->address = host_new_address(world, host->index);
    for (size_t i = 0; i < world->session_count; i++) {
        struct session *session = &world->sessions[i];
        bool used = session->lives[0] > 0 || session->lives[1] > 0;
        if (used && session_side(session, host->index) >= 0)
            session->tainted = true;
    }
}

/* ---- the timeline ---- */

bool host_change_check(const struct host *host, const struct simnet_change *change,
                       struct simnet_error *error)
{
    int64_t value = (int64_t)change->value;

    if (change->kind == SIMNET_HOST_CLOCK_DRIFT &&
        (value < -HOST_PPM_MAX || value > HOST_PPM_MAX)) {
        snprintf(error->text, sizeof error->text,
                 "%s clock drift: expected -500000 to 500000 ppm, found %" PRId64, host->name,
                 value);
        return false;
    }
    if (change->kind == SIMNET_HOST_CLOCK_STEP &&
        (value < -(INT64_C(1) << 60) || value > INT64_C(1) << 60)) {
        snprintf(error->text, sizeof error->text,
                 "%s clock step: expected at most 2^60 ns either way, found %" PRId64, host->name,
                 value);
        return false;
    }
    return true;
}

/* Whether the change would make things as they are. */
static bool host_is_so(const struct host *host, enum simnet_change_kind kind)
{
    switch (kind) {
    case SIMNET_HOST_CRASH:
        return !host->up;
    case SIMNET_HOST_RESTART:
        return host->up;
    case SIMNET_HOST_PAUSE:
        return !host->up || host->paused;
    case SIMNET_HOST_RESUME:
        return !host->paused;
    default:
        return false;
    }
}

void host_change(struct simnet_world *world, struct host *host, const struct simnet_change *change)
{
    struct simnet_event event = event_blank();

    if (host_is_so(host, change->kind))
        return;
    event.host = host->index;
    event.change = change->kind;
    event.value = change->value;
    emit(world, SIMNET_EVENT_CHANGE, &event);
    switch (change->kind) {
    case SIMNET_HOST_CRASH:
        host_crash(world, host);
        break;
    case SIMNET_HOST_RESTART:
        host_start(world, host);
        break;
    case SIMNET_HOST_PAUSE:
        host->paused = true;
        break;
    case SIMNET_HOST_RESUME:
        host_resume(world, host);
        break;
    case SIMNET_HOST_CLOCK_STEP:
        clock_set(world, host, (int64_t)change->value, host->clock_ppm);
        host_schedule_deadline(world, host);
        break;
    case SIMNET_HOST_CLOCK_DRIFT:
        clock_set(world, host, 0, (int32_t)(int64_t)change->value);
        host_schedule_deadline(world, host);
        break;
    case SIMNET_HOST_ADDRESS:
        host_move(world, host);
        break;
    default:
        SIPC_ASSERT(false);
    }
}

/* ---- making and asking ---- */

struct host *host_new(struct simnet_world *world, const struct simnet_host_config *config)
{
    struct host *host = simnet_allocate(1, sizeof *host);

    host->index = (simnet_host)world->host_count;
    host->checked = true;
    host->deadline_event_ns = SIPC_NEVER;
    host->clock_base_at = world->now;
    snprintf(host->own_name, sizeof host->own_name, "host%" PRIu32, host->index);
    host->name = config && config->name ? config->name : host->own_name;
    if (config != NULL) {
        SIPC_ASSERT(config->clock_ppm >= -HOST_PPM_MAX && config->clock_ppm <= HOST_PPM_MAX);
        SIPC_ASSERT(config->clock_ns < UINT64_C(1) << 62);
        host->clock_ppm = config->clock_ppm;
        host->clock_base = (int64_t)config->clock_ns;
    }
    host->address = host_new_address(world, host->index);
    world->hosts =
        simnet_grow(world->hosts, world->host_count, &world->host_capacity, sizeof *world->hosts);
    world->hosts[world->host_count++] = host;
    return host;
}

void host_fini(struct host *host)
{
    if (host->up && host->driver->stop != NULL)
        host->driver->stop(host->self);
    if (host->driver->fini != NULL)
        host->driver->fini(host->self);
    free(host->inbox);
    free(host);
}

simnet_host simnet_host_add(struct simnet_world *world, const struct simnet_host_config *config,
                            const struct simnet_driver *driver, void *self)
{
    struct host *host = host_new(world, config);

    SIPC_ASSERT((driver->deadline == NULL) == (driver->advance == NULL));
    host->driver = driver;
    host->self = self;
    return host->index;
}

void simnet_host_wrap(struct simnet_world *world, simnet_host index,
                      const struct simnet_driver *wrap, void *self,
                      const struct simnet_driver **inner, void **inner_self)
{
    SIPC_ASSERT(index < world->host_count);
    struct host *host = world->hosts[index];

    SIPC_ASSERT(host->life == 0);
    SIPC_ASSERT((host->driver->deadline == NULL) == (wrap->deadline == NULL));
    *inner = host->driver;
    *inner_self = host->self;
    host->driver = wrap;
    host->self = self;
}

sipc_peer simnet_host_address(const struct simnet_world *world, simnet_host host)
{
    SIPC_ASSERT(host < world->host_count);
    return world->hosts[host]->address;
}

const char *simnet_host_name(const struct simnet_world *world, simnet_host host)
{
    return host < world->host_count ? world->hosts[host]->name : "no host";
}

size_t simnet_host_count(const struct simnet_world *world)
{
    return world->host_count;
}

bool simnet_host_is_up(const struct simnet_world *world, simnet_host host)
{
    SIPC_ASSERT(host < world->host_count);
    return world->hosts[host]->up;
}

sipc_time simnet_host_clock(const struct simnet_world *world, simnet_host index)
{
    SIPC_ASSERT(index < world->host_count);
    const struct host *host = world->hosts[index];
    int64_t raw = clock_raw(host, world->now);

    return raw > 0 && (sipc_time)raw > host->clock_floor ? (sipc_time)raw : host->clock_floor;
}
