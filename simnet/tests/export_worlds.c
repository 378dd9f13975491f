/* See export_worlds.h. */
#include "export_worlds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS SIPC_NS_PER_MS

const char *const export_world_names[] = {"busy", "outage", "three", "broken",
                                          "long", "crowd",  "empty"};
const size_t export_world_count = sizeof export_world_names / sizeof export_world_names[0];

static void world_must(bool done, const struct simnet_error *error)
{
    if (done)
        return;
    fprintf(stderr, "export_worlds: %s\n", error->text);
    abort();
}

static simnet_host world_host(struct simnet_world *world, const char *name)
{
    struct sipc_config settings;
    struct simnet_error error;
    simnet_host host;

    sipc_config_default(&settings);
    settings.max_sessions = 4;
    world_must(simnet_host_add_engine(world, &(struct simnet_host_config){.name = name}, &settings,
                                      &host, &error),
               &error);
    return host;
}

static simnet_link world_link(struct simnet_world *world, simnet_host from, simnet_host to,
                              const struct simnet_link_config *config)
{
    struct simnet_error error;
    simnet_link link;

    world_must(simnet_link_add(world, config, &link, &error), &error);
    simnet_route(world, from, to, link);
    return link;
}

static void world_change(struct simnet_world *world, sipc_time at_ns, enum simnet_change_kind kind,
                         uint32_t target, uint64_t value)
{
    struct simnet_error error;

    world_must(simnet_change_at(world, &(struct simnet_change){at_ns, kind, target, value}, &error),
               &error);
}

static void world_traffic(struct simnet_world *world, simnet_host from, simnet_host to,
                          uint64_t count, uint64_t size)
{
    struct simnet_traffic traffic = {.host = from,
                                     .open = true,
                                     .count = count,
                                     .size_min = size,
                                     .size_max = size,
                                     .gap_ns = 2 * MS,
                                     .close_code = 1};

    if (!simnet_session_add(world, from, to, NULL, &traffic.session))
        abort();
    simnet_traffic_add(world, &traffic);
}

/* A bad link one way: losses, copies, damage, datagrams that jump the queue. */
static void world_busy(struct simnet_world *world)
{
    simnet_host a = world_host(world, "a"), b = world_host(world, "b<&>");

    world_link(
        world, a, b,
        &(struct simnet_link_config){
            .name = "a>b",
            .rate_bps = 10000000,
            .losses = {{.kind = SIMNET_LOSS_IID, .ppm = 80000}},
            .duplicate = {.ppm = 100000, .delay_ns = MS},
            .corrupt = {.flip_ppm = 40000,
                        .flip_bits_max = 3,
                        .truncate_ppm = 30000,
                        .extend_ppm = 30000,
                        .extend_bytes_max = 9},
            .delay = {.kind = SIMNET_DELAY_CONSTANT, .base_ns = 10 * MS},
            .reorder = {.jump_ppm = 100000, .jump_count = 2, .swap_ppm = 50000, .swap_count = 2}});
    world_link(world, b, a,
               &(struct simnet_link_config){
                   .name = "b>a",
                   .rate_bps = 10000000,
                   .losses = {{.kind = SIMNET_LOSS_IID, .ppm = 50000}},
                   .delay = {.kind = SIMNET_DELAY_UNIFORM, .base_ns = 9 * MS, .spread_ns = MS}});
    world_traffic(world, a, b, 4, 20000);
}

/* A link that goes away and a host that loses its memory; what has no way to go. */
static void world_outage(struct simnet_world *world)
{
    simnet_host a = world_host(world, "a"), b = world_host(world, "b");
    simnet_host lost = world_host(world, "lost");
    struct simnet_link_config config = {
        .name = "a>b",
        .rate_bps = 1000000,
        .queue = {.unit = SIMNET_QUEUE_PACKETS, .limit = 6},
        .delay = {.kind = SIMNET_DELAY_CONSTANT, .base_ns = 20 * MS}};

    simnet_link ab = world_link(world, a, b, &config);
    config.name = "b>a";
    world_link(world, b, a, &config);
    world_traffic(world, a, b, 3, 4000);
    world_traffic(world, a, lost, 1, 100);
    world_change(world, 90 * MS, SIMNET_LINK_DOWN, ab, SIMNET_IN_FLIGHT_LOST);
    world_change(world, 1500 * MS, SIMNET_LINK_UP, ab, 0);
    world_change(world, 1600 * MS, SIMNET_LINK_DELAY, ab, 30 * MS);
    world_change(world, 2120 * MS, SIMNET_HOST_CRASH, b, 0);
    simnet_operation_at(
        world, 3000 * MS,
        &(struct simnet_operation){.command = SIMNET_COMMAND_SEND, .host = b, .size = 10});
    world_change(world, 4000 * MS, SIMNET_HOST_RESTART, b, 0);
}

static void world_three(struct simnet_world *world)
{
    static const char *const names[] = {"client", "server", "other"};
    static const char *const links[] = {"c>s", "s>c", "o>s", "s>o"};
    struct simnet_link_config config = {.delay = {.kind = SIMNET_DELAY_EXPONENTIAL,
                                                  .base_ns = 5 * MS,
                                                  .spread_ns = 3 * MS,
                                                  .reorders = true}};
    simnet_host hosts[3];

    for (size_t i = 0; i < 3; i++)
        hosts[i] = world_host(world, names[i]);
    for (size_t i = 0; i < 4; i++) {
        simnet_host end = hosts[i < 2 ? 0 : 2];
        config.name = links[i];
        world_link(world, i % 2 ? hosts[1] : end, i % 2 ? end : hosts[1], &config);
    }
    world_traffic(world, hosts[0], hosts[1], 2, 3000);
    world_traffic(world, hosts[2], hosts[1], 2, 1000);
}

/* ---- a host that makes up what it delivers ---- */

struct liar {
    struct simnet_world *world;
    simnet_host host;
    bool heard;
};

static enum sipc_status liar_start(void *self, struct simnet_world *world, simnet_host host,
                                   sipc_time now)
{
    (void)now;
    *(struct liar *)self = (struct liar){world, host, false};
    return SIPC_OK;
}

static void liar_receive(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    (void)now, (void)from, (void)bytes;
    ((struct liar *)self)->heard = true;
}

static void liar_drain(void *self)
{
    struct liar *liar = self;

    if (!liar->heard)
        return;
    liar->heard = false;
    simnet_port_deliver(liar->world, liar->host, 1, simnet_session_id(liar->world, 0),
                        (struct sipc_span){(const uint8_t *)"lie", 3}, (struct sipc_span){NULL, 0});
}

static void world_broken(struct simnet_world *world)
{
    static const struct simnet_driver driver = {
        .start = liar_start, .receive = liar_receive, .drain = liar_drain, .fini = free};
    struct simnet_link_config config = {
        .name = "honest>liar", .delay = {.kind = SIMNET_DELAY_CONSTANT, .base_ns = 5 * MS}};
    simnet_host a = world_host(world, "honest");
    simnet_host b = simnet_host_add(world, &(struct simnet_host_config){.name = "liar"}, &driver,
                                    calloc(1, sizeof(struct liar)));

    world_link(world, a, b, &config);
    world_traffic(world, a, b, 1, 2000);
}

static void world_long(struct simnet_world *world)
{
    simnet_host a = world_host(world, "a"), b = world_host(world, "b");
    struct simnet_link_config config = {.rate_bps = 100000000,
                                        .losses = {{.kind = SIMNET_LOSS_IID, .ppm = 10000}},
                                        .delay = {.kind = SIMNET_DELAY_CONSTANT, .base_ns = MS}};

    world_link(world, a, b, &config);
    world_link(world, b, a, &config);
    world_traffic(world, a, b, 60, 20000);
}

/* More hosts than have room in a ladder, and one that talks to itself and to nobody. */
static void world_crowd(struct simnet_world *world)
{
    static const struct simnet_script_step steps[] = {{MS, 0, {(const uint8_t *)"me", 2}},
                                                      {2 * MS, 1, {(const uint8_t *)"you", 3}}};
    static const struct simnet_script script = {.steps = steps, .step_count = 2};
    const struct simnet_link_config config = {
        .rate_bps = 1000000, .delay = {.kind = SIMNET_DELAY_CONSTANT, .base_ns = 10 * MS}};
    simnet_host talker = simnet_host_add_script(world, NULL, &script);

    world_link(world, talker, talker, &config);
    simnet_host server = world_host(world, "server");
    for (int i = 0; i < 18; i++) {
        simnet_host client = world_host(world, NULL);
        world_link(world, client, server, &config);
        world_link(world, server, client, &config);
        if (i % 6 == 0)
            world_traffic(world, client, server, 1, 100);
        else
            world_change(world, 40 * MS, SIMNET_HOST_PAUSE, client, 0);
    }
}

static void world_empty(struct simnet_world *world)
{
    world_host(world, "a");
}

struct simnet_world *export_world(const char *name)
{
    static void (*const makers[])(struct simnet_world * world) = {
        world_busy, world_outage, world_three, world_broken, world_long, world_crowd, world_empty};
    struct simnet_config config;

    simnet_config_default(&config);
    config.seed = 11;
    for (size_t i = 0; i < export_world_count; i++) {
        if (strcmp(name, export_world_names[i]) != 0)
            continue;
        struct simnet_world *world = simnet_world_new(&config);
        makers[i](world);
        return world;
    }
    return NULL;
}
