/* The host that runs the real engine: the driver loop of sipc/endpoint.h on virtual time. The whole
 * endpoint lives in one block; a crash frees it. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct engine_host {
    struct simnet_world *world;
    simnet_host host;
    struct sipc_config settings;
    void *block;
    size_t block_size;
    struct sipc_endpoint *endpoint; /* NULL: down */
    sipc_session *sessions;         /* by index of the world's; 0: not held */
    size_t session_count;
};

static enum sipc_status engine_start(void *self, struct simnet_world *world, simnet_host host,
                                     sipc_time now)
{
    struct engine_host *engine = self;

    engine->world = world;
    engine->host = host;
    engine->block = simnet_allocate(engine->block_size, 1);
    return sipc_endpoint_init(engine->block, engine->block_size, &engine->settings, now,
                              &engine->endpoint);
}

static void engine_stop(void *self)
{
    struct engine_host *engine = self;

    free(engine->block);
    free(engine->sessions);
    engine->block = NULL;
    engine->endpoint = NULL;
    engine->sessions = NULL;
    engine->session_count = 0;
}

static void engine_fini(void *self)
{
    free(self);
}

/* ---- actions out ---- */

static void engine_remember(struct engine_host *engine, simnet_session session, sipc_session handle)
{
    if (session == SIMNET_NONE)
        return;
    if (session >= engine->session_count) {
        size_t count = engine->world->session_count;
        engine->sessions = simnet_reallocate(engine->sessions, count, sizeof *engine->sessions);
        while (engine->session_count < count)
            engine->sessions[engine->session_count++] = 0;
    }
    engine->sessions[session] = handle;
}

static void engine_transmit(struct engine_host *engine, const struct sipc_action *action)
{
    struct simnet_transmit transmit = {
        .to = action->remote,
        .head = action->u.transmit.head,
        .message = action->u.transmit.message,
        .payload_offset = action->u.transmit.payload_offset,
        .payload_size = action->u.transmit.payload_size,
        .token = action->u.transmit.token,
        .owed = action->u.transmit.owed,
    };
    simnet_port_transmit(engine->world, engine->host, &transmit);
}

static void engine_act(struct engine_host *engine, const struct sipc_action *action)
{
    struct simnet_world *world = engine->world;

    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        engine_transmit(engine, action);
        break;
    case SIPC_ACTION_DELIVER:
        simnet_port_deliver(world, engine->host, action->remote, action->session_id,
                            action->u.deliver.data, action->u.deliver.attributes);
        break;
    case SIPC_ACTION_RESULT:
        simnet_port_result(world, engine->host, action->u.result.handle, action->u.result.outcome,
                           action->u.result.code);
        break;
    case SIPC_ACTION_STATE:
        engine_remember(engine,
                        session_between(world, engine->host, action->remote, action->session_id),
                        action->u.state.state == SIPC_DISPOSED ? 0 : action->session);
        simnet_port_state(world, engine->host, action->remote, action->session_id,
                          action->u.state.state, action->u.state.cause);
        break;
    case SIPC_ACTION_DISCARD:
        simnet_port_discard(world, engine->host, action->remote, action->session_id,
                            action->u.discard.reason, action->u.discard.rule);
        break;
    }
}

static void engine_drain(void *self)
{
    struct engine_host *engine = self;
    struct sipc_action action;

    while (engine->endpoint != NULL && sipc_endpoint_next_action(engine->endpoint, &action))
        engine_act(engine, &action);
}

/* ---- events in ---- */

static void engine_receive(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    struct engine_host *engine = self;
    enum sipc_status status = sipc_endpoint_receive(engine->endpoint, now, from, bytes);

    SIPC_ASSERT(status == SIPC_OK);
}

static void engine_sent(void *self, sipc_time now, uint64_t token, bool ok)
{
    struct engine_host *engine = self;
    enum sipc_status status = sipc_endpoint_sent(engine->endpoint, now, token, ok);

    SIPC_ASSERT(status == SIPC_OK || status == SIPC_E_UNKNOWN);
}

/* One deadline; if there are more at this moment the world calls again. */
static void engine_advance(void *self, sipc_time now)
{
    struct engine_host *engine = self;
    enum sipc_status status = sipc_endpoint_advance(engine->endpoint, now);

    SIPC_ASSERT(status == SIPC_OK);
}

static sipc_time engine_deadline(const void *self)
{
    const struct engine_host *engine = self;

    return sipc_endpoint_deadline(engine->endpoint);
}

static sipc_session engine_session(const struct engine_host *engine, simnet_session session)
{
    return session < engine->session_count ? engine->sessions[session] : 0;
}

static enum sipc_status engine_open(void *self, sipc_time now, simnet_session session,
                                    sipc_peer remote, const uint8_t id[SIPC_SESSION_ID_SIZE],
                                    int64_t idle_timeout_ns)
{
    struct engine_host *engine = self;
    sipc_session handle;
    enum sipc_status status =
        sipc_session_open(engine->endpoint, now, remote, id, idle_timeout_ns, &handle);

    if (status == SIPC_OK)
        engine_remember(engine, session, handle);
    return status;
}

static enum sipc_status engine_send(void *self, sipc_time now, simnet_session session,
                                    bool unreliable, const struct simnet_driver_message *message)
{
    struct engine_host *engine = self;
    sipc_session handle = engine_session(engine, session);
    struct sipc_message m = {.handle = message->handle,
                             .size = message->size,
                             .attributes = message->attributes,
                             .attribute_count = message->attribute_count,
                             .skip = message->skip};

    if (handle == 0)
        return SIPC_E_UNKNOWN;
    return unreliable ? sipc_session_send_unreliable(engine->endpoint, now, handle, &m)
                      : sipc_session_send(engine->endpoint, now, handle, &m);
}

static enum sipc_status engine_close(void *self, sipc_time now, simnet_session session,
                                     int32_t code, uint64_t handle)
{
    struct engine_host *engine = self;
    sipc_session held = engine_session(engine, session);

    return held ? sipc_session_close(engine->endpoint, now, held, code, handle) : SIPC_E_UNKNOWN;
}

static enum sipc_status engine_dispose(void *self, sipc_time now, simnet_session session,
                                       int32_t code)
{
    struct engine_host *engine = self;
    sipc_session held = engine_session(engine, session);

    return held ? sipc_session_dispose(engine->endpoint, now, held, code) : SIPC_E_UNKNOWN;
}

static enum sipc_status engine_shutdown(void *self, sipc_time now, sipc_time grace_ns)
{
    struct engine_host *engine = self;

    return sipc_endpoint_shutdown(engine->endpoint, now, grace_ns);
}

static const char *engine_check(const void *self)
{
    const struct engine_host *engine = self;

    return engine->endpoint ? sipc_endpoint_check(engine->endpoint) : NULL;
}

static const struct simnet_driver engine_driver = {
    .start = engine_start,
    .stop = engine_stop,
    .drain = engine_drain,
    .receive = engine_receive,
    .sent = engine_sent,
    .advance = engine_advance,
    .deadline = engine_deadline,
    .open = engine_open,
    .send = engine_send,
    .close = engine_close,
    .dispose = engine_dispose,
    .shutdown = engine_shutdown,
    .check = engine_check,
    .fini = engine_fini,
};

bool simnet_host_add_engine(struct simnet_world *world, const struct simnet_host_config *config,
                            const struct sipc_config *settings, simnet_host *out,
                            struct simnet_error *error)
{
    struct engine_host *engine = simnet_allocate(1, sizeof *engine);
    const char *field = "?";

    engine->settings = *settings;
    if (sipc_config_check(&engine->settings, &field) != SIPC_OK) {
        snprintf(error->text, sizeof error->text, "setting %s makes no sense", field);
        free(engine);
        return false;
    }
    engine->block_size = sipc_endpoint_size(&engine->settings);
    struct host *host = host_new(world, config);
    host->driver = &engine_driver;
    host->self = engine;
    host->has_settings = true;
    host->settings = engine->settings;
    *out = host->index;
    return true;
}

const struct sipc_endpoint *simnet_host_engine(const struct simnet_world *world, simnet_host index)
{
    SIPC_ASSERT(index < world->host_count);
    const struct host *host = world->hosts[index];

    return host->driver->start == engine_start ? ((struct engine_host *)host->self)->endpoint
                                               : NULL;
}
