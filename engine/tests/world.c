/* See world.h.
 * SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

enum {
    IDS = 4,
    PENDING_MAX = 4096,
    ATTRIBUTES_MAX = 4,
    MESSAGE_BYTES_MAX = 9000,
    STREAM_CONNECTIONS = 3,
};
#define MS SIPC_NS_PER_MS

/* Something under way: a datagram, or the aftermath of one. */
struct pending {
    sipc_time at;
    uint64_t order;
    int side;
    uint64_t token; /* 0: a datagram */
    bool success;
    sipc_peer from;
    uint8_t *bytes;
    size_t size;
};

struct world {
    struct sipc_config config;
    struct sipc_endpoint *endpoints[2];
    uint64_t random;
    uint64_t order, handles, trace;
    sipc_time now, command_at;
    int64_t preset;
    unsigned greetings; /* opens of session 0 left, where its ids are preset */
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    uint8_t *received; /* bytes of the event of this step */
};

/* ---- hashing ---- */

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t world_hash_number(uint64_t hash, uint64_t number)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    return hash_bytes(hash, bytes, sizeof bytes);
}

static uint64_t hash_span(uint64_t hash, struct sipc_span span)
{
    return hash_bytes(world_hash_number(hash, span.size), span.data, span.size);
}

/* A message's byte: any function of its handle and place. */
static uint8_t message_byte(uint64_t handle, uint64_t offset)
{
    return (uint8_t)(handle * 31 + offset * 7 + (offset >> 8));
}

static uint64_t hash_delivery(uint64_t hash, const struct sipc_action *action)
{
    struct sipc_span rest = action->u.deliver.attributes;
    struct sipc_span name, value;

    hash = hash_span(hash, action->u.deliver.data);
    while (sipc_attribute_next(&rest, &name, &value))
        hash = hash_span(hash_span(hash, name), value);
    return hash;
}

static uint64_t hash_transmit(uint64_t hash, const struct sipc_action *action)
{
    const uint64_t first = action->u.transmit.payload_offset;

    hash = world_hash_number(hash, action->u.transmit.token * 2 + action->u.transmit.owed);
    hash = hash_span(hash, action->u.transmit.head);
    for (uint64_t i = first; i < first + action->u.transmit.payload_size; i++) {
        uint8_t byte = message_byte(action->u.transmit.message, i);
        hash = hash_bytes(hash, &byte, 1);
    }
    return hash;
}

uint64_t world_hash_action(uint64_t hash, const struct sipc_action *action)
{
    hash = world_hash_number(hash, (uint64_t)action->kind);
    hash = world_hash_number(hash, action->session);
    hash = world_hash_number(hash, action->remote);
    if (action->session_id != NULL)
        hash = hash_bytes(hash, action->session_id, SIPC_SESSION_ID_SIZE);
    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        return hash_transmit(hash, action);
    case SIPC_ACTION_DELIVER:
        return hash_delivery(hash, action);
    case SIPC_ACTION_RESULT:
        hash = world_hash_number(hash, action->u.result.handle);
        hash = world_hash_number(hash, (uint64_t)action->u.result.operation);
        hash = world_hash_number(hash, (uint64_t)action->u.result.outcome);
        return world_hash_number(hash, (uint64_t)(int64_t)action->u.result.code);
    case SIPC_ACTION_STATE:
        hash = world_hash_number(hash, (uint64_t)action->u.state.state);
        return world_hash_number(hash, (uint64_t)(int64_t)action->u.state.cause);
    case SIPC_ACTION_DISCARD:
        hash = world_hash_number(hash, (uint64_t)action->u.discard.reason);
        return world_hash_number(hash, (uint64_t)action->u.discard.rule);
    }
    return hash;
}

uint64_t world_drain(struct sipc_endpoint *ep, enum sipc_status status)
{
    uint64_t hash = world_hash_number(WORLD_HASH, (uint64_t)status);
    struct sipc_action action;

    while (sipc_endpoint_next_action(ep, &action))
        hash = world_hash_action(hash, &action);
    return hash;
}

/* ---- profiles ---- */

static void set_nothing(struct sipc_config *config)
{
    (void)config;
}

static void set_small_ids(struct sipc_config *config)
{
    config->window_id_step = 3;
    config->window_id_max = 12;
    config->group_bytes_max = 700;
    config->mtu = 512;
}

static void set_window_of_one(struct sipc_config *config)
{
    config->max_window_size = 1;
    config->mtu = 700;
}

static void set_timers(struct sipc_config *config)
{
    config->idle_timeout_ns = (int64_t)(400 * MS);
    config->min_remote_idle_timeout_ns = (int64_t)(100 * MS);
    config->max_remote_idle_timeout_ns = (int64_t)(700 * MS);
    config->enquire_link_interval_ns = 90 * MS;
    config->open_timeout_ns = 300 * MS;
    config->max_retry_count = 1;
}

static void set_stream(struct sipc_config *config)
{
    config->stream = true;
    config->linger_ns = 30 * MS;
}

static void set_crowded(struct sipc_config *config)
{
    config->max_sessions = 2;
    config->unreliable_queue = 1;
    config->attribute_limit = 700;
    config->linger_ns = 0;
    config->require_first_in_window_group = false;
}

const struct world_profile world_profiles[] = {
    {"plain", set_nothing, -1},
    {"small_ids", set_small_ids, -1},
    {"window_of_one", set_window_of_one, -1},
    {"timers", set_timers, -1},
    {"stream", set_stream, -1},
    {"crowded", set_crowded, -1},
    {"highest_ids", set_nothing, SIPC_WINDOW_ID_MAX - 30},
};
const int world_profile_count = (int)(sizeof world_profiles / sizeof world_profiles[0]);

/* Small buffers and short times: much happens in few events. */
static struct sipc_config world_base_config(void)
{
    struct sipc_config config;

    sipc_config_default(&config);
    config.mtu = 600;
    config.max_window_size = 5;
    config.ack_timeout_ns = 40 * MS;
    config.open_timeout_ns = 2000 * MS;
    config.max_sessions = 4;
    config.unreliable_queue = 3;
    config.attribute_limit = 2500;
    config.group_bytes_max = 6000;
    return config;
}

/* ---- life ---- */

static size_t below(struct world *world, size_t bound)
{
    return random_below(&world->random, bound);
}

static bool chance(struct world *world, unsigned percent)
{
    return below(world, 100) < percent;
}

struct world *world_new(const struct world_profile *profile, uint64_t seed)
{
    struct world *world = calloc(1, sizeof *world);

    if (world == NULL)
        return NULL;
    world->random = seed;
    world->trace = WORLD_HASH;
    world->preset = profile->preset;
    world->greetings = profile->preset >= 0 ? 2 : 0;
    world->config = world_base_config();
    profile->set(&world->config);
    for (int side = 0; side < 2; side++) {
        size_t size = sipc_endpoint_size(&world->config);
        void *block = calloc(1, size + (size == 0));
        if (block == NULL || sipc_endpoint_init(block, size, &world->config, 0,
                                                &world->endpoints[side]) != SIPC_OK) {
            free(block);
            world_free(world);
            return NULL;
        }
    }
    return world;
}

void world_free(struct world *world)
{
    for (size_t i = 0; i < world->pending_count; i++)
        free(world->pending[i].bytes);
    free(world->received);
    free(world->endpoints[0]);
    free(world->endpoints[1]);
    free(world);
}

const struct sipc_config *world_config(const struct world *world)
{
    return &world->config;
}

struct sipc_endpoint *world_endpoint(const struct world *world, int side)
{
    return world->endpoints[side];
}

uint64_t world_trace(const struct world *world)
{
    return world->trace;
}

static const uint8_t *world_id(unsigned n)
{
    static uint8_t id[SIPC_SESSION_ID_SIZE];

    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (uint8_t)(n * 29 + i * i);
    return id;
}

/* How the peer is called: its address, or the connection of a stream. */
static sipc_peer world_peer(struct world *world, int side)
{
    return world->config.stream ? 10 + below(world, STREAM_CONNECTIONS) : (sipc_peer)(2 - side);
}

uint64_t world_state(const struct world *world)
{
    uint64_t hash = WORLD_HASH;

    for (int side = 0; side < 2; side++) {
        const struct sipc_endpoint *ep = world->endpoints[side];
        hash = world_hash_number(hash, sipc_endpoint_deadline(ep));
        hash = world_hash_number(hash, sipc_endpoint_session_count(ep));
        for (int reason = 0; reason < SIPC_DISCARD_COUNT; reason++)
            hash = world_hash_number(hash, sipc_endpoint_discarded(ep, (enum sipc_discard)reason));
        for (unsigned id = 0; id < IDS; id++) {
            sipc_session session = sipc_session_find(ep, (sipc_peer)(2 - side), world_id(id));
            hash = world_hash_number(hash, session);
            hash = world_hash_number(hash, (uint64_t)sipc_session_state(ep, session));
        }
    }
    return hash;
}

/* ---- events ---- */

/* Attributes made of a number: none, some, some long. The text lives until the next call. */
static size_t make_attributes(uint64_t made_of, struct sipc_attribute *out)
{
    static const char *const names[] = {"a", "s_traceId", "s_idle_timeout", "lang", "a"};
    static const char *const timeouts[] = {"150", "0", "600", "5000"};
    static uint8_t text[1200];
    uint64_t random = made_of;
    size_t count = random_below(&random, 3) == 0 ? 1 + random_below(&random, ATTRIBUTES_MAX) : 0;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)('a' + (i + made_of) % 26);
    for (size_t i = 0; i < count; i++) {
        const char *name = names[random_below(&random, sizeof names / sizeof names[0])];
        size_t size = random_below(&random, random_below(&random, 5) == 0 ? sizeof text : 40);
        out[i].name = (struct sipc_span){(const uint8_t *)name, strlen(name)};
        out[i].value = (struct sipc_span){text, size};
        if (strcmp(name, "s_idle_timeout") == 0) {
            const char *value = timeouts[random_below(&random, 4)];
            out[i].value = (struct sipc_span){(const uint8_t *)value, strlen(value)};
        }
    }
    return count;
}

static enum sipc_status apply_open(struct sipc_endpoint *ep, const struct world_event *event)
{
    struct sipc_preset preset = {event->preset, event->preset - 1, event->preset - 1, true};
    sipc_session session;
    enum sipc_status status =
        sipc_session_open(ep, event->now, event->remote, world_id(event->id), INT64_MIN, &session);
    struct sipc_action action;

    if (status != SIPC_OK || event->preset < 0)
        return status;
    while (sipc_endpoint_next_action(ep, &action))
        ;
    return sipc_session_preset(ep, event->now, session, &preset);
}

enum sipc_status world_apply(struct sipc_endpoint *ep, const struct world_event *event)
{
    sipc_session session = sipc_session_find(ep, event->remote, world_id(event->id));
    struct sipc_attribute attributes[ATTRIBUTES_MAX];
    struct sipc_message message = {
        .handle = event->handle,
        .size = event->size,
        .attributes = attributes,
        .attribute_count = make_attributes(event->attributes, attributes),
        .skip = event->success,
    };

    switch (event->kind) {
    case WORLD_RECEIVE:
        return sipc_endpoint_receive(ep, event->now, event->remote,
                                     (struct sipc_span){event->bytes, event->size});
    case WORLD_SENT:
        return sipc_endpoint_sent(ep, event->now, event->token, event->success);
    case WORLD_ADVANCE:
        return sipc_endpoint_advance(ep, event->now);
    case WORLD_SHUTDOWN:
        return sipc_endpoint_shutdown(ep, event->now, 100 * MS);
    case WORLD_OPEN:
        return apply_open(ep, event);
    case WORLD_SEND:
        return sipc_session_send(ep, event->now, session, &message);
    case WORLD_SEND_UNRELIABLE:
        return sipc_session_send_unreliable(ep, event->now, session, &message);
    case WORLD_CLOSE:
        return sipc_session_close(ep, event->now, session, event->code, event->handle);
    case WORLD_DISPOSE:
        return sipc_session_dispose(ep, event->now, session, event->code);
    }
    return SIPC_E_INVALID;
}

/* ---- the link ---- */

static struct pending *world_put(struct world *world, int side, sipc_time delay)
{
    struct pending *p;

    if (world->pending_count == PENDING_MAX)
        return NULL;
    p = &world->pending[world->pending_count++];
    memset(p, 0, sizeof *p);
    p->at = world->now + delay;
    p->order = world->order++;
    p->side = side;
    return p;
}

static void world_put_datagram(struct world *world, int to, const uint8_t *bytes, size_t size)
{
    sipc_time delay = (1 + below(world, 12)) * MS;
    struct pending *p;

    if (chance(world, 10))
        delay += 60 * MS; /* after the retry */
    p = world_put(world, to, delay);
    if (p == NULL)
        return;
    p->from = world_peer(world, to);
    p->size = size;
    p->bytes = malloc(size);
    if (p->bytes == NULL)
        abort();
    memcpy(p->bytes, bytes, size);
    if (chance(world, 2))
        p->bytes[below(world, size)] ^= (uint8_t)(1u << below(world, 8));
}

static void world_transmit(struct world *world, int side, const struct sipc_action *action)
{
    uint8_t bytes[SIPC_MTU_MIN * 2];
    size_t size = action->u.transmit.head.size;

    memcpy(bytes, action->u.transmit.head.data, size);
    for (uint32_t i = 0; i < action->u.transmit.payload_size; i++)
        bytes[size++] =
            message_byte(action->u.transmit.message, action->u.transmit.payload_offset + i);
    if (!chance(world, 12))
        world_put_datagram(world, 1 - side, bytes, size);
    if (chance(world, 5))
        world_put_datagram(world, 1 - side, bytes, size);
    if (action->u.transmit.owed || chance(world, 20)) {
        struct pending *p = world_put(world, side, below(world, 10) == 0 ? 30 * MS : 100000);
        if (p != NULL) {
            p->token = action->u.transmit.token;
            p->success = !chance(world, 4);
        }
    }
}

/* The index of what comes first; pending_count if nothing is under way. */
static size_t world_first(const struct world *world)
{
    size_t first = world->pending_count;

    for (size_t i = 0; i < world->pending_count; i++) {
        const struct pending *p = &world->pending[i];
        const struct pending *q = &world->pending[first];
        if (first == world->pending_count || p->at < q->at ||
            (p->at == q->at && p->order < q->order))
            first = i;
    }
    return first;
}

/* ---- steps ---- */

static void choose_pending(struct world *world, size_t index, struct world_event *event)
{
    struct pending p = world->pending[index];

    world->pending[index] = world->pending[--world->pending_count];
    event->side = p.side;
    event->remote = p.from;
    event->token = p.token;
    event->success = p.success;
    event->bytes = p.bytes;
    event->size = p.size;
    event->kind = p.token == 0 ? WORLD_RECEIVE : WORLD_SENT;
    free(world->received);
    world->received = p.bytes;
}

static void choose_command(struct world *world, struct world_event *event)
{
    size_t kind = below(world, 100);

    world->command_at = world->now + below(world, 60 * MS);
    event->side = (int)below(world, 2);
    event->id = (unsigned)below(world, IDS);
    event->handle = ++world->handles;
    if (world->greetings > 0) {
        event->side = (int)--world->greetings;
        event->id = 0;
        event->preset = world->preset;
        kind = 99;
    }
    event->remote = world_peer(world, event->side);
    event->size = below(world, chance(world, 30) ? MESSAGE_BYTES_MAX : 700);
    event->attributes = random_next(&world->random);
    event->success = chance(world, 25);
    event->code = chance(world, 60) ? SIPC_ABORT_NORMAL : (int32_t)below(world, 101);
    if (kind < 55) {
        event->kind = WORLD_SEND;
    } else if (kind < 75) {
        event->kind = WORLD_SEND_UNRELIABLE;
        event->size %= 500;
    } else if (kind < 80) {
        event->kind = WORLD_CLOSE;
    } else if (kind < 82) {
        event->kind = WORLD_DISPOSE;
    } else {
        event->kind = below(world, 400) == 0 ? WORLD_SHUTDOWN : WORLD_OPEN;
    }
}

static void choose_event(struct world *world, struct world_event *event)
{
    size_t first = world_first(world);
    sipc_time at = world->command_at;
    int due = -1;

    memset(event, 0, sizeof *event);
    event->preset = -1;
    if (first < world->pending_count && world->pending[first].at < at)
        at = world->pending[first].at;
    for (int side = 0; side < 2; side++)
        if (sipc_endpoint_deadline(world->endpoints[side]) < at) {
            at = sipc_endpoint_deadline(world->endpoints[side]);
            due = side;
        }
    world->now = at > world->now ? at : world->now;
    if (due >= 0) {
        event->kind = WORLD_ADVANCE;
        event->side = due;
    } else if (first < world->pending_count && world->pending[first].at == at) {
        choose_pending(world, first, event);
    } else {
        choose_command(world, event);
    }
    event->now = world->now;
}

const char *world_step(struct world *world, struct world_event *event, uint64_t *actions)
{
    struct sipc_endpoint *ep;
    enum sipc_status status;
    struct sipc_action action;

    choose_event(world, event);
    ep = world->endpoints[event->side];
    status = world_apply(ep, event);
    *actions = world_hash_number(WORLD_HASH, (uint64_t)status);
    while (sipc_endpoint_next_action(ep, &action)) {
        *actions = world_hash_action(*actions, &action);
        if (action.kind == SIPC_ACTION_TRANSMIT)
            world_transmit(world, event->side, &action);
    }
    world->trace = world_hash_number(world->trace, event->now);
    world->trace = world_hash_number(world->trace, (uint64_t)event->side);
    world->trace = world_hash_number(world->trace, *actions);
    return sipc_endpoint_check(ep);
}
