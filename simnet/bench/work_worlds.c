/* PDUs over a link of 10 Gbit/s that is never idle. `link` has nothing but a source and a sink at
 * its ends; `engines` two engines and as many sessions as it takes to fill it, messages of one
 * window group each, all checks and the trace hash on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_rows.h"
#include "simnet/world.h"

#define WORLD_RATE_BPS UINT64_C(10000000000)
#define WORLD_SHORT_NS (500 * SIPC_NS_PER_MS / 1000)
#define WORLD_MESSAGES (UINT64_C(1) << 40)

enum {
    SLICE_NS = 100000,
    LINK_HEAD = 52,
    LINK_PAYLOAD = 1448,
    LINK_MESSAGE = 1 << 20,
    LINK_BACKLOG = 2,
    ENGINE_MTU = 1400,
    ENGINE_WINDOW = 47, /* all of a message */
    ENGINE_MESSAGE = 62000,
    ENGINE_OVERHEAD = 28,   /* IPv4, UDP */
    ENGINE_LONG_NS = 26300, /* of the delay one way, by session: so long takes half a message */
    ENGINE_ACK = 32,
};

struct bench_pair {
    struct simnet_world *world;
    simnet_host hosts[2];
    simnet_link links[2]; /* [i]: from hosts[i] */
    /* the source */
    uint64_t message, offset, credit;
    uint64_t received;
};

static uint64_t pair_arrived(const struct bench_pair *pair, struct simnet_link_stats *there)
{
    struct simnet_link_stats back;

    simnet_link_stats(pair->world, pair->links[0], there);
    simnet_link_stats(pair->world, pair->links[1], &back);
    return there->arrived + back.arrived;
}

static bool pair_run(struct bench_pair *pair, sipc_time for_ns)
{
    char text[300];
    enum simnet_end end = simnet_world_run(pair->world, simnet_world_now(pair->world) + for_ns);

    if (end == SIMNET_END_UNTIL)
        return true;
    simnet_world_explain(pair->world, end, text, sizeof text);
    fprintf(stderr, "sipc bench sim: %s\n", text);
    return false;
}

static bool pair_work(void *self, uint64_t units, struct sim_done *done)
{
    struct bench_pair *pair = self;
    struct simnet_link_stats before, after;
    uint64_t arrived = pair_arrived(pair, &before);
    uint64_t now_arrived = arrived;
    sipc_time begin = simnet_world_now(pair->world);

    while (now_arrived - arrived < units) {
        if (!pair_run(pair, SLICE_NS))
            return false;
        now_arrived = pair_arrived(pair, &after);
    }
    *done = (struct sim_done){.units = now_arrived - arrived,
                              .simulated_ns = simnet_world_now(pair->world) - begin,
                              .busy_ns = after.busy_ns - before.busy_ns};
    return true;
}

static void pair_close(void *self)
{
    struct bench_pair *pair = self;

    if (pair != NULL)
        simnet_world_free(pair->world);
    free(pair);
}

static struct bench_pair *pair_new(bool deliveries_unchecked)
{
    struct bench_pair *pair = calloc(1, sizeof *pair);
    struct simnet_config config;

    if (pair == NULL)
        return NULL;
    simnet_config_default(&config);
    config.event_max = UINT64_MAX;
    config.deliveries_unchecked = deliveries_unchecked;
    pair->world = simnet_world_new(&config);
    return pair;
}

/* Two links, once both hosts are there. */
static bool pair_connect(struct bench_pair *pair, sipc_time delay_ns)
{
    const struct simnet_link_config config = {
        .rate_bps = WORLD_RATE_BPS, .overhead_bytes = ENGINE_OVERHEAD, .delay.base_ns = delay_ns};
    struct simnet_error error;

    for (int i = 0; i < 2; i++) {
        if (!simnet_link_add(pair->world, &config, &pair->links[i], &error)) {
            fprintf(stderr, "sipc bench sim: %s\n", error.text);
            return false;
        }
        simnet_route(pair->world, pair->hosts[i], pair->hosts[1 - i], pair->links[i]);
    }
    return true;
}

/* ---- a link alone ---- */

static enum sipc_status source_send(void *self, sipc_time now, simnet_session session,
                                    bool unreliable, const struct simnet_driver_message *message)
{
    struct bench_pair *pair = self;
    (void)now, (void)session, (void)unreliable;

    pair->message = message->handle;
    pair->credit = LINK_BACKLOG;
    return SIPC_OK;
}

static void source_drain(void *self)
{
    static const uint8_t head[LINK_HEAD];
    struct bench_pair *pair = self;

    for (; pair->credit > 0; pair->credit--) {
        simnet_port_transmit(
            pair->world, pair->hosts[0],
            &(struct simnet_transmit){.to = simnet_host_address(pair->world, pair->hosts[1]),
                                      .head = {head, sizeof head},
                                      .message = pair->message,
                                      .payload_offset = pair->offset,
                                      .payload_size = LINK_PAYLOAD,
                                      .token = 1,
                                      .owed = true});
        pair->offset += LINK_PAYLOAD;
        if (pair->offset + LINK_PAYLOAD > LINK_MESSAGE)
            pair->offset = 0;
    }
}

static void source_sent(void *self, sipc_time now, uint64_t token, bool ok)
{
    struct bench_pair *pair = self;
    (void)now, (void)token, (void)ok;

    pair->credit++;
}

static void sink_receive(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    struct bench_pair *pair = self;
    (void)now, (void)from;

    pair->received += bytes.size;
}

static void *link_open(uint64_t size)
{
    static const struct simnet_driver source = {
        .drain = source_drain, .sent = source_sent, .send = source_send};
    static const struct simnet_driver sink = {.receive = sink_receive};
    struct bench_pair *pair = pair_new(true);
    simnet_session session;

    if (pair == NULL)
        return NULL;
    pair->hosts[0] = simnet_host_add(pair->world, NULL, &source, pair);
    pair->hosts[1] = simnet_host_add(pair->world, NULL, &sink, pair);
    sipc_time delay_ns = size * SIPC_NS_PER_MS / 1000;
    if (pair_connect(pair, delay_ns)) {
        simnet_session_add(pair->world, pair->hosts[0], pair->hosts[1], NULL, &session);
        simnet_operation_at(pair->world, 0,
                            &(struct simnet_operation){.command = SIMNET_COMMAND_SEND,
                                                       .host = pair->hosts[0],
                                                       .session = session,
                                                       .size = LINK_MESSAGE});
        if (pair_run(pair, 2 * delay_ns))
            return pair;
    }
    pair_close(pair);
    return NULL;
}

static int pair_ns3(sipc_time delay_ns, int reply_bytes, const char *scheduler, char *out,
                    size_t size)
{
    return snprintf(out, size, "udp ns3::%sScheduler %" PRIu64 " %d", scheduler, delay_ns,
                    reply_bytes);
}

static int link_ns3(uint64_t size, const char *scheduler, char *out, size_t out_size)
{
    return pair_ns3(size * SIPC_NS_PER_MS / 1000, 0, scheduler, out, out_size);
}

const struct sim_kind sim_link = {link_open, pair_work, pair_close, link_ns3};

/* ---- two engines ---- */

static bool engines_add(struct bench_pair *pair, uint64_t sessions)
{
    struct simnet_error error;
    struct sipc_config settings;

    sipc_config_default(&settings);
    settings.mtu = ENGINE_MTU;
    settings.max_window_size = ENGINE_WINDOW;
    settings.max_sessions = (uint32_t)sessions;
    settings.ack_timeout_ns = 10000 * SIPC_NS_PER_MS; /* above any queue here */
    for (int i = 0; i < 2; i++)
        if (!simnet_host_add_engine(pair->world, NULL, &settings, &pair->hosts[i], &error)) {
            fprintf(stderr, "sipc bench sim: %s\n", error.text);
            return false;
        }
    return true;
}

/* Sessions begin one after the other over a round trip. If all began at once, their windows would
 * end at once too, and the link be idle until the acks come. */
static void engines_begin(struct bench_pair *pair, uint64_t sessions, sipc_time delay_ns)
{
    for (uint64_t i = 0; i < sessions; i++) {
        simnet_session session;
        simnet_session_add(pair->world, pair->hosts[0], pair->hosts[1], NULL, &session);
        simnet_traffic_add(pair->world,
                           &(struct simnet_traffic){.host = pair->hosts[0],
                                                    .session = session,
                                                    .start_ns = 2 * delay_ns * i / sessions,
                                                    .open = true,
                                                    .count = WORLD_MESSAGES,
                                                    .size_min = ENGINE_MESSAGE,
                                                    .size_max = ENGINE_MESSAGE});
    }
}

static void *engines_open(uint64_t sessions, sipc_time delay_ns)
{
    struct bench_pair *pair = pair_new(false);

    if (pair == NULL)
        return NULL;
    if (engines_add(pair, sessions) && pair_connect(pair, delay_ns)) {
        engines_begin(pair, sessions, delay_ns);
        /* Each first finds out how the other end is. After four round trips all is steady. */
        if (pair_run(pair, 8 * delay_ns + SIPC_NS_PER_MS))
            return pair;
    }
    pair_close(pair);
    return NULL;
}

static void *engines_open_short(uint64_t size)
{
    return engines_open(size, WORLD_SHORT_NS);
}

static int engines_ns3_short(uint64_t size, const char *scheduler, char *out, size_t out_size)
{
    (void)size;
    return pair_ns3(WORLD_SHORT_NS, ENGINE_ACK, scheduler, out, out_size);
}

static void *engines_open_long(uint64_t size)
{
    return engines_open(size, size * ENGINE_LONG_NS);
}

static int engines_ns3_long(uint64_t size, const char *scheduler, char *out, size_t out_size)
{
    return pair_ns3(size * ENGINE_LONG_NS, ENGINE_ACK, scheduler, out, out_size);
}

const struct sim_kind sim_engines_short = {engines_open_short, pair_work, pair_close,
                                           engines_ns3_short};
const struct sim_kind sim_engines_long = {engines_open_long, pair_work, pair_close,
                                          engines_ns3_long};
