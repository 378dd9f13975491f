/* Operations of applications: their messages, their way from scheduled to ended, and traffic, which
 * makes the next when the last has ended. An operation is kept while it runs, while datagrams carry
 * its bytes and while deliveries of it may still come. */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sipc/pdu.h"

#define MESSAGE_PATTERN_MAX (UINT64_C(1) << 30)
#define MESSAGE_DATA_MAX    (UINT64_C(1) << 24)
#define TRAFFIC_AGAIN_NS    (10 * SIPC_NS_PER_MS)

enum { TRAFFIC_SEED = 0x74726166, TRAFFIC_FROM_STEP = 16 };

/* ---- keeping ---- */

struct operation *operation_at(const struct simnet_world *world, uint64_t number)
{
    uint64_t place = number - 1;

    if (number == 0 || number > world->operation_count)
        return NULL;
    struct operation *operations = world->operation_chunks[place / OPERATION_CHUNK].operations;
    return operations ? &operations[place % OPERATION_CHUNK] : NULL;
}

void operation_hold(struct operation *operation)
{
    operation->references++;
}

static void operation_free(struct operation *operation)
{
    free((void *)(uintptr_t)operation->what.data);
    free((void *)(uintptr_t)operation->what.attributes);
    operation->what.data = NULL;
    operation->what.attributes = NULL;
}

void operation_release(struct simnet_world *world, struct operation *operation)
{
    size_t chunk = (operation->number - 1) / OPERATION_CHUNK;

    SIPC_ASSERT(operation->references > 0);
    if (--operation->references > 0)
        return;
    operation_free(operation);
    if (--world->operation_chunks[chunk].live == 0 &&
        world->operation_count >= (chunk + 1) * OPERATION_CHUNK) {
        free(world->operation_chunks[chunk].operations);
        world->operation_chunks[chunk].operations = NULL;
    }
}

void operations_fini(struct simnet_world *world)
{
    for (uint64_t number = 1; number <= world->operation_count; number++) {
        struct operation *operation = operation_at(world, number);
        if (operation != NULL && operation->references > 0)
            operation_free(operation);
    }
    for (size_t i = 0; i < world->operation_chunk_count; i++)
        free(world->operation_chunks[i].operations);
    free(world->operation_chunks);
    free(world->scheduled);
    free(world->scheduled_free);
    free(world->pending);
    free(world->sessions);
    simnet_map_fini(&world->session_places);
    free(world->traffics);
}

/* One block: the attributes, then their bytes. */
static struct sipc_attribute *operation_copy_attributes(const struct sipc_attribute *from,
                                                        size_t count)
{
    size_t size = count * sizeof *from;

    if (count == 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        size += from[i].name.size + from[i].value.size;
    struct sipc_attribute *copy = simnet_allocate(size, 1);
    uint8_t *bytes = (uint8_t *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        copy[i].name = (struct sipc_span){bytes, from[i].name.size};
        if (from[i].name.size > 0)
            memcpy(bytes, from[i].name.data, from[i].name.size);
        bytes += from[i].name.size;
        copy[i].value = (struct sipc_span){bytes, from[i].value.size};
        if (from[i].value.size > 0)
            memcpy(bytes, from[i].value.data, from[i].value.size);
        bytes += from[i].value.size;
    }
    return copy;
}

/* A new one with one reference. */
static struct operation *operation_new(struct simnet_world *world,
                                       const struct simnet_operation *what)
{
    size_t chunk = world->operation_count / OPERATION_CHUNK;

    if (world->operation_count % OPERATION_CHUNK == 0) {
        world->operation_chunks =
            simnet_grow(world->operation_chunks, chunk, &world->operation_chunk_capacity,
                        sizeof *world->operation_chunks);
        world->operation_chunks[chunk] =
            (struct operation_chunk){simnet_allocate(OPERATION_CHUNK, sizeof(struct operation)), 0};
        world->operation_chunk_count = chunk + 1;
    }
    uint64_t number = ++world->operation_count;
    struct operation *operation = operation_at(world, number);
    world->operation_chunks[chunk].live++;
    *operation = (struct operation){.what = *what, .number = number, .references = 1};
    operation->what.attributes = operation_copy_attributes(what->attributes, what->attribute_count);
    if (what->data != NULL) {
        uint8_t *data = simnet_allocate(what->size, 1);
        if (what->size > 0)
            memcpy(data, what->data, what->size);
        operation->what.data = data;
    }
    return operation;
}

struct sipc_span operation_bytes(const struct simnet_world *world,
                                 const struct operation *operation, uint64_t offset, size_t size)
{
    const struct simnet_operation *what = &operation->what;

    SIPC_ASSERT(offset <= what->size && size <= what->size - offset && size <= 65536);
    if (what->data != NULL)
        return (struct sipc_span){what->data + offset, size};
    return (struct sipc_span){world->pattern + (what->from + offset) % PATTERN_PERIOD, size};
}

struct sipc_span simnet_message_bytes(const struct simnet_world *world, uint64_t handle,
                                      uint64_t offset, uint32_t size)
{
    const struct operation *operation = operation_at(world, handle);

    SIPC_ASSERT(operation != NULL && operation->references > 0);
    return operation_bytes(world, operation, offset, size);
}

uint64_t simnet_operation_at(struct simnet_world *world, sipc_time at_ns,
                             const struct simnet_operation *what)
{
    bool sends =
        what->command == SIMNET_COMMAND_SEND || what->command == SIMNET_COMMAND_SEND_UNRELIABLE;
    uint32_t ref;

    SIPC_ASSERT(what->host < world->host_count);
    SIPC_ASSERT(what->command == SIMNET_COMMAND_SHUTDOWN ||
                (what->session < world->session_count &&
                 session_side(&world->sessions[what->session], what->host) >= 0));
    SIPC_ASSERT(!sends || what->size <= (what->data ? MESSAGE_DATA_MAX : MESSAGE_PATTERN_MAX));
    struct operation *operation = operation_new(world, what);
    if (world->scheduled_free_count > 0) {
        ref = world->scheduled_free[--world->scheduled_free_count];
    } else {
        world->scheduled = simnet_grow(world->scheduled, world->scheduled_count,
                                       &world->scheduled_capacity, sizeof *world->scheduled);
        ref = (uint32_t)world->scheduled_count++;
    }
    world->scheduled[ref] = operation->number;
    world_schedule(world, at_ns, CLASS_APPLICATION, KIND_OPERATION, ref);
    return operation->number;
}

/* ---- doing ---- */

static enum sipc_status operation_send(struct simnet_world *world, struct host *host,
                                       const struct operation *operation)
{
    const struct simnet_operation *what = &operation->what;
    struct simnet_driver_message message = {.handle = operation->number,
                                            .size = what->size,
                                            .attributes = what->attributes,
                                            .attribute_count = what->attribute_count,
                                            .skip = what->skip};

    if (host->driver->send == NULL)
        return SIPC_E_INVALID;
    return host->driver->send(host->self, host_clock(world, host), what->session,
                              what->command == SIMNET_COMMAND_SEND_UNRELIABLE, &message);
}

/* Where the other host of the session is now. */
static sipc_peer operation_remote(const struct simnet_world *world,
                                  const struct simnet_operation *what)
{
    const struct session *session = &world->sessions[what->session];

    return world->hosts[session->hosts[1 - session_side(session, what->host)]]->address;
}

static enum sipc_status operation_open(struct simnet_world *world, struct host *host,
                                       const struct simnet_operation *what)
{
    const struct session *session = &world->sessions[what->session];

    if (host->driver->open == NULL)
        return SIPC_E_INVALID;
    return host->driver->open(host->self, host_clock(world, host), what->session,
                              operation_remote(world, what), session->id, what->idle_timeout_ns);
}

static enum sipc_status operation_command(struct simnet_world *world, struct host *host,
                                          const struct operation *operation)
{
    const struct simnet_operation *what = &operation->what;
    const struct simnet_driver *driver = host->driver;
    sipc_time clock = host_clock(world, host);

    switch (what->command) {
    case SIMNET_COMMAND_SEND:
    case SIMNET_COMMAND_SEND_UNRELIABLE:
        return operation_send(world, host, operation);
    case SIMNET_COMMAND_OPEN:
        return operation_open(world, host, what);
    case SIMNET_COMMAND_CLOSE:
        return driver->close
                   ? driver->close(host->self, clock, what->session, what->code, operation->number)
                   : SIPC_E_INVALID;
    case SIMNET_COMMAND_DISPOSE:
        return driver->dispose ? driver->dispose(host->self, clock, what->session, what->code)
                               : SIPC_E_INVALID;
    case SIMNET_COMMAND_SHUTDOWN:
        return driver->shutdown ? driver->shutdown(host->self, clock, what->grace_ns)
                                : SIPC_E_INVALID;
    }
    return SIPC_E_INVALID;
}

static bool operation_has_result(const struct operation *operation)
{
    return operation->what.command <= SIMNET_COMMAND_CLOSE;
}

static void operation_emit(struct simnet_world *world, const struct operation *operation)
{
    struct simnet_event event = event_blank();

    event.host = operation->what.host;
    event.session = operation->what.session;
    if (operation->what.command == SIMNET_COMMAND_SHUTDOWN)
        event.session = SIMNET_NONE;
    else
        event.session_id = world->sessions[event.session].id;
    event.command = operation->what.command;
    event.operation = operation->number;
    event.status = operation->status;
    event.size = operation->what.size;
    event.code = operation->what.code;
    event.skip = operation->what.skip;
    event.given = operation->what.attributes;
    event.given_count = operation->what.attribute_count;
    event.idle_timeout_ns = operation->what.idle_timeout_ns;
    if (event.command == SIMNET_COMMAND_OPEN)
        event.remote = operation_remote(world, &operation->what);
    emit(world, SIMNET_EVENT_OPERATION, &event);
}

static void operation_accept(struct simnet_world *world, struct operation *operation)
{
    operation->accepted_ns = world->now;
    if (operation->what.command == SIMNET_COMMAND_OPEN)
        check_session_state(world, world->hosts[operation->what.host], operation->what.session,
                            SIPC_OPENING);
    if (!operation_has_result(operation)) {
        operation->state = OPERATION_ENDED;
        return;
    }
    operation->state = OPERATION_PENDING;
    operation_hold(operation);
    world->pending = simnet_grow(world->pending, world->pending_count, &world->pending_capacity,
                                 sizeof *world->pending);
    operation->pending_place = (uint32_t)world->pending_count;
    world->pending[world->pending_count++] = operation->number;
    world->operation_stats.begun++;
    check_accepted(world, operation);
    liveness_accepted(world, operation);
}

void operation_perform(struct simnet_world *world, struct operation *operation)
{
    struct host *host = world->hosts[operation->what.host];

    if (host->up && host->paused) {
        host->inbox =
            simnet_grow(host->inbox, host->inbox_count, &host->inbox_capacity, sizeof *host->inbox);
        host->inbox[host->inbox_count++] =
            (struct inbox_item){INBOX_OPERATION, false, operation->number};
        return;
    }
    operation->status = host->up ? operation_command(world, host, operation) : SIPC_E_STATE;
    if (operation->status == SIPC_OK) {
        operation_accept(world, operation);
    } else {
        operation->state = OPERATION_REFUSED;
        world->operation_stats.refused++;
    }
    operation_emit(world, operation);
    if (host->up)
        host_settle(world, host);
    operation_release(world, operation);
}

void operation_end(struct simnet_world *world, struct operation *operation,
                   enum operation_state state, enum sipc_outcome outcome)
{
    uint32_t place = operation->pending_place;
    uint64_t moved = world->pending[--world->pending_count];

    SIPC_ASSERT(operation->state == OPERATION_PENDING);
    world->pending[place] = moved;
    operation_at(world, moved)->pending_place = place;
    operation->state = state;
    operation->outcome = outcome;
    if (state == OPERATION_CRASHED)
        world->operation_stats.crashed++;
    else
        world->operation_stats.ended[outcome]++;
    traffic_ended(world, operation);
    operation_release(world, operation);
}

void operation_crash_all(struct simnet_world *world, const struct host *host)
{
    for (size_t i = world->pending_count; i > 0; i--) {
        struct operation *operation = operation_at(world, world->pending[i - 1]);
        if (operation->what.host == host->index)
            operation_end(world, operation, OPERATION_CRASHED, SIPC_OUTCOME_CLOSED);
    }
}

void simnet_port_result(struct simnet_world *world, simnet_host host, uint64_t handle,
                        enum sipc_outcome outcome, int32_t code)
{
    struct operation *operation = operation_at(world, handle);
    struct simnet_event event = event_blank();

    SIPC_ASSERT((unsigned)outcome <= SIPC_OUTCOME_CLOSED);
    event.host = host;
    event.operation = handle;
    event.outcome = outcome;
    event.code = code;
    bool known = operation != NULL && operation->references > 0 && operation->what.host == host;
    if (known) {
        event.command = operation->what.command;
        event.session = operation->what.session;
        event.session_id = world->sessions[event.session].id;
        event.size = operation->what.size;
    }
    emit(world, SIMNET_EVENT_RESULT, &event);
    if (!known || operation->state != OPERATION_PENDING) {
        check_fail(world,
                   &(struct simnet_failure){.invariant = "ends-once",
                                            .rule = SIPC_RULE_SND_11,
                                            .host = host,
                                            .link = SIMNET_NONE,
                                            .session = event.session},
                   "%s reports the end (%s) of operation %" PRIu64 ", which does not run",
                   simnet_host_name(world, host), sipc_outcome_name(outcome), handle);
        return;
    }
    operation->outcome = outcome;
    check_result(world, operation);
    operation_end(world, operation, OPERATION_ENDED, outcome);
}

void simnet_operation_stats(const struct simnet_world *world, struct simnet_operation_stats *out)
{
    *out = world->operation_stats;
    out->pending = world->pending_count;
}

/* ---- sessions ---- */

int session_side(const struct session *session, simnet_host host)
{
    return host == session->hosts[0] ? 0 : host == session->hosts[1] ? 1 : -1;
}

bool simnet_session_add(struct simnet_world *world, simnet_host a, simnet_host b, const uint8_t *id,
                        simnet_session *out)
{
    struct session session = {.hosts = {a, b}, .states = {SIPC_DISPOSED, SIPC_DISPOSED}};

    SIPC_ASSERT(a < world->host_count && b < world->host_count && a != b);
    for (size_t i = 0; i < SIPC_SESSION_ID_SIZE; i++)
        session.id[i] = id ? id[i]
                           : (uint8_t)(simnet_draw(simnet_draw(world->config.seed, i / 8),
                                                   world->session_count) >>
                                       i % 8 * 8);
    session.key = simnet_session_key(session.id);
    uint64_t *place = simnet_map_insert(&world->session_places, session.key);
    if (*place != 0)
        return false;
    *place = world->session_count + 1;
    world->sessions = simnet_grow(world->sessions, world->session_count, &world->session_capacity,
                                  sizeof *world->sessions);
    world->sessions[world->session_count] = session;
    *out = (simnet_session)world->session_count++;
    return true;
}

simnet_session simnet_session_find(const struct simnet_world *world,
                                   const uint8_t session_id[SIPC_SESSION_ID_SIZE])
{
    const uint64_t *place = simnet_map_find(&world->session_places, simnet_session_key(session_id));

    return place ? (simnet_session)(*place - 1) : SIMNET_NONE;
}

/* A session is its id and who takes part: a third host may use the id for one of its own. */
simnet_session session_between(const struct simnet_world *world, simnet_host host, sipc_peer remote,
                               const uint8_t session_id[SIPC_SESSION_ID_SIZE])
{
    simnet_session index = simnet_session_find(world, session_id);

    if (index == SIMNET_NONE)
        return SIMNET_NONE;
    const struct session *session = &world->sessions[index];
    int side = session_side(session, host);
    simnet_host other = simnet_host_of_address(world, remote);
    bool third = side < 0 || (other != SIMNET_NONE && other != session->hosts[1 - side]);
    return third ? SIMNET_NONE : index;
}

simnet_host simnet_session_other(const struct simnet_world *world, simnet_session session,
                                 simnet_host host)
{
    SIPC_ASSERT(session < world->session_count);
    int side = session_side(&world->sessions[session], host);

    SIPC_ASSERT(side >= 0);
    return world->sessions[session].hosts[1 - side];
}

const uint8_t *simnet_session_id(const struct simnet_world *world, simnet_session session)
{
    SIPC_ASSERT(session < world->session_count);
    return world->sessions[session].id;
}

enum sipc_state simnet_session_state(const struct simnet_world *world, simnet_session session,
                                     simnet_host host)
{
    SIPC_ASSERT(session < world->session_count);
    int side = session_side(&world->sessions[session], host);
    SIPC_ASSERT(side >= 0);
    return world->sessions[session].states[side];
}

size_t simnet_session_count(const struct simnet_world *world)
{
    return world->session_count;
}

/* What a driver tells of a session of ours, or of one nobody added. */
static struct simnet_event session_event(struct simnet_world *world, simnet_host host,
                                         sipc_peer remote, const uint8_t *session_id)
{
    struct simnet_event event = event_blank();

    event.host = host;
    event.remote = remote;
    event.session_id = session_id;
    if (session_id != NULL)
        event.session = session_between(world, host, remote, session_id);
    return event;
}

void simnet_port_deliver(struct simnet_world *world, simnet_host host, sipc_peer remote,
                         const uint8_t *session_id, struct sipc_span data,
                         struct sipc_span attributes)
{
    struct simnet_event event = session_event(world, host, remote, session_id);

    event.data = data;
    event.attributes = attributes;
    world->operation_stats.groups_delivered++;
    world->operation_stats.bytes_delivered += data.size;
    emit(world, SIMNET_EVENT_DELIVER, &event);
    if (event.session != SIMNET_NONE)
        check_delivery(world, world->hosts[host], event.session, data, attributes);
}

void simnet_port_state(struct simnet_world *world, simnet_host host, sipc_peer remote,
                       const uint8_t *session_id, enum sipc_state state, int32_t cause)
{
    struct simnet_event event = session_event(world, host, remote, session_id);

    event.state = state;
    event.code = cause;
    emit(world, SIMNET_EVENT_STATE, &event);
    if (event.session != SIMNET_NONE)
        check_session_state(world, world->hosts[host], event.session, state);
}

void simnet_port_discard(struct simnet_world *world, simnet_host host, sipc_peer remote,
                         const uint8_t *session_id, enum sipc_discard reason, enum sipc_rule rule)
{
    struct simnet_event event = session_event(world, host, remote, session_id);

    event.reason = reason;
    event.rule = rule;
    emit(world, SIMNET_EVENT_DISCARD, &event);
}

/* ---- traffic ---- */

static void traffic_wake(struct simnet_world *world, uint32_t index, sipc_time after_ns)
{
    world_schedule(world, world->now + after_ns, CLASS_APPLICATION, KIND_TRAFFIC, index);
}

void simnet_traffic_add(struct simnet_world *world, const struct simnet_traffic *what)
{
    SIPC_ASSERT(what->session < world->session_count);
    SIPC_ASSERT(session_side(&world->sessions[what->session], what->host) >= 0);
    SIPC_ASSERT(what->size_min <= what->size_max && what->size_max <= MESSAGE_PATTERN_MAX);
    world->traffics = simnet_grow(world->traffics, world->traffic_count, &world->traffic_capacity,
                                  sizeof *world->traffics);
    struct traffic *traffic = &world->traffics[world->traffic_count];
    *traffic = (struct traffic){.what = *what};
    if (traffic->what.again_ns == 0)
        traffic->what.again_ns = TRAFFIC_AGAIN_NS;
    world_schedule(world, what->start_ns, CLASS_APPLICATION, KIND_TRAFFIC,
                   (uint32_t)world->traffic_count++);
}

static enum sipc_status traffic_do(struct simnet_world *world, uint32_t index,
                                   struct simnet_operation *what)
{
    const struct simnet_traffic *config = &world->traffics[index].what;

    what->host = config->host;
    what->session = config->session;
    what->idle_timeout_ns = INT64_MIN;
    struct operation *operation = operation_new(world, what);
    operation->traffic = index + 1;
    operation_hold(operation); /* to read its status afterwards */
    operation_perform(world, operation);
    enum sipc_status status = operation->status;
    operation_release(world, operation);
    return status;
}

/* After a refusal: again soon, when the session is there, or never. */
static void traffic_refused(struct simnet_world *world, uint32_t index, enum sipc_status status)
{
    struct traffic *traffic = &world->traffics[index];
    struct session *session = &world->sessions[traffic->what.session];
    int side = session_side(session, traffic->what.host);

    if (status == SIPC_E_BUSY || status == SIPC_E_OPENING) {
        traffic_wake(world, index, traffic->what.again_ns);
    } else if (status == SIPC_E_UNKNOWN && !traffic->started) {
        traffic->next_waiting = session->waiting[side];
        session->waiting[side] = index + 1;
    } else {
        traffic->done = true;
    }
}

static enum sipc_status traffic_send(struct simnet_world *world, uint32_t index)
{
    const struct traffic *traffic = &world->traffics[index];
    const struct simnet_traffic *config = &traffic->what;
    uint64_t draw =
        simnet_draw(simnet_draw(world->config.seed ^ TRAFFIC_SEED, index), traffic->sent);
    struct simnet_operation what = {
        .command = config->unreliable ? SIMNET_COMMAND_SEND_UNRELIABLE : SIMNET_COMMAND_SEND,
        .size = simnet_scale_range(draw, config->size_min, config->size_max),
        .from = (uint32_t)(traffic->sent * TRAFFIC_FROM_STEP % PATTERN_PERIOD),
        .skip = config->skip,
    };

    return traffic_do(world, index, &what);
}

void traffic_step(struct simnet_world *world, uint32_t index)
{
    const struct simnet_traffic config = world->traffics[index].what;
    enum sipc_status status = SIPC_OK;

    if (world->traffics[index].done)
        return;
    if (config.open && !world->traffics[index].opened) {
        world->traffics[index].opened = true;
        status =
            traffic_do(world, index, &(struct simnet_operation){.command = SIMNET_COMMAND_OPEN});
        if (status != SIPC_OK) {
            world->traffics[index].done = true;
            return;
        }
    }
    if (world->traffics[index].sent < config.count) {
        status = traffic_send(world, index);
        if (status == SIPC_OK) {
            world->traffics[index].started = true;
            world->traffics[index].sent++;
        }
    } else if (config.close_code && !world->traffics[index].closing) {
        status = traffic_do(
            world, index,
            &(struct simnet_operation){.command = SIMNET_COMMAND_CLOSE, .code = config.close_code});
        world->traffics[index].closing = status == SIPC_OK;
    } else {
        world->traffics[index].done = true;
    }
    if (status != SIPC_OK)
        traffic_refused(world, index, status);
}

void traffic_ended(struct simnet_world *world, const struct operation *operation)
{
    if (operation->traffic == 0)
        return;
    struct traffic *traffic = &world->traffics[operation->traffic - 1];
    if (operation->state == OPERATION_CRASHED || operation->outcome == SIPC_OUTCOME_CLOSED ||
        traffic->closing)
        traffic->done = true;
    else
        traffic_wake(world, operation->traffic - 1, traffic->what.gap_ns);
}

void traffic_session_is_there(struct simnet_world *world, simnet_session index, simnet_host host)
{
    struct session *session = &world->sessions[index];
    int side = session_side(session, host);
    uint32_t next = session->waiting[side];

    session->waiting[side] = 0;
    while (next != 0) {
        uint32_t traffic = next - 1;
        next = world->traffics[traffic].next_waiting;
        traffic_wake(world, traffic, 0);
    }
}
