/* The engine as a contender: two endpoints, driven as any program would drive them. One event goes
 * in, all actions come out, the aftermath of a PDU follows its transmission at once, and when
 * nothing is left to do, time jumps to the next arrival or deadline. */
#include <stdlib.h>
#include <string.h>

#include "sipc/session.h"
#include "world.h"

/* Neither bad luck nor a long wait for the first message may end a send or a session. */
enum { ENGINE_RETRIES = 30 };

struct engine_world {
    struct bench_world world;
    struct sipc_endpoint *endpoints[2];
    void *blocks[2];
    sipc_session *sessions; /* the sender's */
    uint32_t *idle;         /* ring of sessions without a message under way, longest idle first */
    uint32_t idle_first, idle_count;
};

static sipc_peer engine_address(int side)
{
    return (sipc_peer)side + 1;
}

static void engine_must(struct engine_world *w, enum sipc_status status, const char *what)
{
    if (status != SIPC_OK)
        world_fail(&w->world, "%s: status %d", what, (int)status);
}

/* ---- actions ---- */

static void engine_transmit(struct engine_world *w, int side, const struct sipc_action *action)
{
    const struct sipc_span head = action->u.transmit.head;
    const size_t payload_size = action->u.transmit.payload_size;
    const size_t size = head.size + payload_size;
    uint8_t *out = link_reserve(&w->world.link, 1 - side, size);

    if (out == NULL) {
        world_fail(&w->world, "the link's ring is full");
        return;
    }
    memcpy(out, head.data, head.size);
    if (payload_size > 0) {
        uint32_t session = (uint32_t)action->u.transmit.message;
        const uint8_t *message = world_message(&w->world, session, w->world.sent[session]);
        memcpy(out + head.size, message + action->u.transmit.payload_offset, payload_size);
    }
    link_commit(&w->world.link, 1 - side, size);
}

static void engine_result(struct engine_world *w, const struct sipc_action *action)
{
    uint32_t session = (uint32_t)action->u.result.handle;

    if (action->u.result.outcome != SIPC_OUTCOME_OK)
        world_fail(&w->world, "a send ended with %s (%d)",
                   sipc_outcome_name(action->u.result.outcome), (int)action->u.result.code);
    w->world.sent[session]++;
    w->world.finished++;
    w->idle[(w->idle_first + w->idle_count++) % w->world.cell.sessions] = session;
}

static void engine_deliver(struct engine_world *w, const struct sipc_action *action)
{
    uint32_t session;

    memcpy(&session, action->session_id, sizeof session);
    world_delivered(&w->world, session, action->u.deliver.data);
}

/* Takes all actions out. The token of the PDU whose aftermath is owed, 0 if none is. */
static uint64_t engine_drain(struct engine_world *w, int side)
{
    struct sipc_action action;
    uint64_t token = 0;

    while (sipc_endpoint_next_action(w->endpoints[side], &action)) {
        switch (action.kind) {
        case SIPC_ACTION_TRANSMIT:
            engine_transmit(w, side, &action);
            if (action.u.transmit.owed)
                token = action.u.transmit.token;
            break;
        case SIPC_ACTION_DELIVER:
            engine_deliver(w, &action);
            break;
        case SIPC_ACTION_RESULT:
            engine_result(w, &action);
            break;
        case SIPC_ACTION_STATE:
            if (action.u.state.state > SIPC_OPENED)
                world_fail(&w->world, "a session ended with %d", (int)action.u.state.cause);
            break;
        case SIPC_ACTION_DISCARD: /* late acks after a loss */
            break;
        }
    }
    return token;
}

/* After an event: its actions, the aftermaths of what they sent, and so on. */
static void engine_settle(struct engine_world *w, int side)
{
    uint64_t token;

    while ((token = engine_drain(w, side)) != 0)
        engine_must(w, sipc_endpoint_sent(w->endpoints[side], w->world.link.now_ns, token, true),
                    "the aftermath of a PDU");
}

/* ---- events ---- */

static void engine_start_one(struct engine_world *w)
{
    struct sipc_message message = {.size = w->world.cell.message_size};
    uint32_t session = w->idle[w->idle_first];

    message.handle = session;
    w->idle_first = (w->idle_first + 1) % w->world.cell.sessions;
    w->idle_count--;
    w->world.started++;
    engine_must(w,
                sipc_session_send(w->endpoints[WORLD_SENDER], w->world.link.now_ns,
                                  w->sessions[session], &message),
                "send");
    engine_settle(w, WORLD_SENDER);
}

static void engine_start(struct engine_world *w)
{
    while (w->idle_count > 0 && w->world.started < w->world.goal &&
           w->world.started - w->world.finished < w->world.in_flight_max &&
           !world_failed(&w->world))
        engine_start_one(w);
}

static void engine_receive(struct engine_world *w, int side)
{
    struct link *link = &w->world.link;
    struct link_datagram datagram;

    while (link_front(link, side, &datagram)) {
        engine_must(w,
                    sipc_endpoint_receive(w->endpoints[side], link->now_ns,
                                          engine_address(1 - side),
                                          (struct sipc_span){datagram.bytes, datagram.size}),
                    "receive");
        engine_settle(w, side);
        link_pop(link, side);
    }
}

/* Time jumps to the next thing to happen, which happens. */
static void engine_step(struct engine_world *w)
{
    struct link *link = &w->world.link;
    uint64_t deadlines[2];
    uint64_t next = UINT64_MAX;

    for (int side = 0; side < 2; side++) {
        uint64_t arrival = link_arrival(link, side);
        deadlines[side] = sipc_endpoint_deadline(w->endpoints[side]);
        next = arrival < next ? arrival : next;
        next = deadlines[side] < next ? deadlines[side] : next;
    }
    if (next == UINT64_MAX) {
        world_fail(&w->world, "nothing is under way, %llu messages are missing",
                   (unsigned long long)(w->world.goal - w->world.finished));
        return;
    }
    link->now_ns = next > link->now_ns ? next : link->now_ns;
    for (int side = 0; side < 2; side++) {
        engine_receive(w, side);
        if (deadlines[side] <= link->now_ns) {
            engine_must(w, sipc_endpoint_advance(w->endpoints[side], link->now_ns), "advance");
            engine_settle(w, side);
        }
    }
}

static void engine_work(struct bench_world *world)
{
    struct engine_world *w = (struct engine_world *)world;

    while (world->finished < world->goal && !world_failed(world)) {
        engine_start(w);
        engine_step(w);
    }
    if (world->delivered != world->finished)
        world_fail(world, "%llu messages were sent, %llu arrived",
                   (unsigned long long)world->finished, (unsigned long long)world->delivered);
}

/* ---- life ---- */

static void engine_close(struct bench_world *world)
{
    struct engine_world *w = (struct engine_world *)world;

    free(w->blocks[0]);
    free(w->blocks[1]);
    free(w->sessions);
    free(w->idle);
    world_fini(world);
    free(w);
}

static bool engine_open_endpoint(struct engine_world *w, int side)
{
    struct sipc_config config;
    size_t size;

    sipc_config_default(&config);
    config.mtu = w->world.cell.mtu;
    config.max_window_size = w->world.cell.window;
    config.max_sessions = w->world.cell.sessions;
    config.max_retry_count = ENGINE_RETRIES;
    config.open_timeout_ns = 0;
    config.table_key = UINT64_C(0x2545f4914f6cdd1d);
    size = sipc_endpoint_size(&config);
    w->blocks[side] = calloc(1, size);
    if (w->blocks[side] == NULL)
        return false;
    engine_must(w, sipc_endpoint_init(w->blocks[side], size, &config, 0, &w->endpoints[side]),
                "init");
    return true;
}

/* The first message of each session opens it. */
static void engine_open_sessions(struct engine_world *w)
{
    for (uint32_t i = 0; i < w->world.cell.sessions && !world_failed(&w->world); i++) {
        uint8_t id[SIPC_SESSION_ID_SIZE] = {0};
        memcpy(id, &i, sizeof i);
        engine_must(w,
                    sipc_session_open(w->endpoints[WORLD_SENDER], w->world.link.now_ns,
                                      engine_address(WORLD_RECEIVER), id, INT64_MIN,
                                      &w->sessions[i]),
                    "open");
        engine_settle(w, WORLD_SENDER);
        w->idle[w->idle_count++] = i;
    }
    w->world.goal = w->world.cell.sessions;
    engine_work(&w->world);
}

static struct bench_world *engine_open(const struct bench_cell *cell)
{
    struct engine_world *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->sessions = calloc(cell->sessions, sizeof *w->sessions);
    w->idle = calloc(cell->sessions, sizeof *w->idle);
    if (!world_init(&w->world, cell) || w->sessions == NULL || w->idle == NULL ||
        !engine_open_endpoint(w, WORLD_SENDER) || !engine_open_endpoint(w, WORLD_RECEIVER)) {
        engine_close(&w->world);
        return NULL;
    }
    engine_open_sessions(w);
    return &w->world;
}

const struct bench_contender bench_engine = {
    .name = "engine",
    .open = engine_open,
    .work = engine_work,
    .close = engine_close,
};
