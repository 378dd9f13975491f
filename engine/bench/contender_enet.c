/* ENet as a contender, at its best: packets refer to the caller's bytes (NO_ALLOCATE), as many are
 * queued as fill its window, and a host is serviced only when there is something for it. Reliable
 * packets on one channel, one peer per session, no checksum and no compression (the defaults). */
#include <stdlib.h>

#include "enet_link.h"

enum { ENET_STEPS_MAX = 1000000 }; /* of virtual time in which no message gets through */

struct enet_world {
    struct bench_world world;
    ENetHost *hosts[2];
    ENetPeer **peers; /* the sender's, by session */
    uint32_t next;    /* session whose turn it is */
    uint32_t connected[2];
};

/* ENet has no use for the bytes any more: the packet was acked. */
static void enet_packet_done(ENetPacket *packet)
{
    struct bench_world *world = packet->userData;
    world->finished++;
}

static void enet_start_one(struct enet_world *w)
{
    struct bench_world *world = &w->world;
    uint32_t session = w->next;
    const uint8_t *message = world_message(world, session, world->sent[session]++);
    /* NO_ALLOCATE: ENet reads the bytes and never writes, though its type says otherwise. */
    ENetPacket *packet =
        enet_packet_create((void *)(uintptr_t)message, world->cell.message_size,
                           ENET_PACKET_FLAG_RELIABLE | ENET_PACKET_FLAG_NO_ALLOCATE);

    w->next = session + 1 == world->cell.sessions ? 0 : session + 1;
    world->started++;
    if (packet == NULL) {
        world_fail(world, "no memory");
        return;
    }
    packet->freeCallback = enet_packet_done;
    packet->userData = world;
    if (enet_peer_send(w->peers[session], 0, packet) != 0)
        world_fail(world, "ENet takes no packet for session %u", session);
}

static void enet_start(struct enet_world *w)
{
    const struct bench_world *world = &w->world;
    bool started = false;

    while (world->started < world->goal &&
           world->started - world->finished < world->in_flight_max && !world_failed(world)) {
        enet_start_one(w);
        started = true;
    }
    if (started)
        enet_host_flush(w->hosts[WORLD_SENDER]);
}

static void enet_take_event(struct enet_world *w, int side, ENetEvent *event)
{
    switch (event->type) {
    case ENET_EVENT_TYPE_CONNECT:
        if (side == WORLD_RECEIVER) /* the sender tells its session's number on connecting */
            event->peer->data = (void *)(uintptr_t)event->data;
        w->connected[side]++;
        break;
    case ENET_EVENT_TYPE_RECEIVE:
        world_delivered(&w->world, (uint32_t)(uintptr_t)event->peer->data,
                        (struct sipc_span){event->packet->data, event->packet->dataLength});
        enet_packet_destroy(event->packet);
        break;
    case ENET_EVENT_TYPE_DISCONNECT:
        world_fail(&w->world, "ENet gave a peer up");
        break;
    case ENET_EVENT_TYPE_NONE:
        break;
    }
}

/* Lets a host do all it has to do now: it takes 256 datagrams at most at a time. */
static void enet_service(struct enet_world *w, int side)
{
    const struct link *link = &w->world.link;
    int result;

    do {
        ENetEvent event;
        result = enet_host_service(w->hosts[side], &event, 0);
        while (result > 0) {
            enet_take_event(w, side, &event);
            result = enet_host_check_events(w->hosts[side], &event);
        }
        enet_link_release();
    } while (result == 0 && link_arrival(link, side) <= link->now_ns && !world_failed(&w->world));
    if (result < 0)
        world_fail(&w->world, "ENet's service failed");
}

/* The next time at which ENet may want to send something again; nothing is on its way. */
static uint64_t enet_next_timeout_ns(const struct enet_world *w)
{
    const enet_uint32 now_ms = enet_time_get();
    int32_t wait_ms = ENET_PEER_PING_INTERVAL;

    for (uint32_t i = 0; i < w->world.cell.sessions; i++) {
        const ENetPeer *peer = w->peers[i];
        int32_t left_ms = (int32_t)(peer->nextTimeout - now_ms);
        if (!enet_list_empty(&peer->sentReliableCommands) && left_ms < wait_ms)
            wait_ms = left_ms > 0 ? left_ms : 1;
    }
    return w->world.link.now_ns + (uint64_t)wait_ms * LINK_NS_PER_MS;
}

static void enet_step(struct enet_world *w)
{
    struct link *link = &w->world.link;
    uint64_t arrivals[2] = {link_arrival(link, 0), link_arrival(link, 1)};
    uint64_t next = arrivals[0] < arrivals[1] ? arrivals[0] : arrivals[1];

    if (next == UINT64_MAX) {
        link->now_ns = enet_next_timeout_ns(w);
        enet_service(w, WORLD_SENDER);
        return;
    }
    link->now_ns = next > link->now_ns ? next : link->now_ns;
    for (int side = 0; side < 2; side++)
        if (arrivals[side] <= link->now_ns)
            enet_service(w, side);
}

static void enet_work(struct bench_world *world)
{
    struct enet_world *w = (struct enet_world *)world;
    uint64_t seen = world->finished;

    enet_link_use(world);
    for (int steps = 0; world->finished < world->goal && !world_failed(world); steps++) {
        enet_start(w);
        enet_step(w);
        if (world->finished != seen)
            steps = 0;
        seen = world->finished;
        if (steps == ENET_STEPS_MAX)
            world_fail(world, "ENet stands still, %llu messages are missing",
                       (unsigned long long)(world->goal - world->finished));
    }
    if (world->delivered != world->finished)
        world_fail(world, "%llu messages were sent, %llu arrived",
                   (unsigned long long)world->finished, (unsigned long long)world->delivered);
}

/* ---- life ---- */

static void enet_close(struct bench_world *world)
{
    struct enet_world *w = (struct enet_world *)world;

    enet_link_use(world);
    for (int side = 0; side < 2; side++)
        if (w->hosts[side] != NULL)
            enet_host_destroy(w->hosts[side]);
    enet_link_use(NULL);
    free(w->peers);
    world_fini(world);
    free(w);
}

/* For the host and its peers, which were made before it could be set. */
static void enet_set_mtu(ENetHost *host, uint32_t mtu)
{
    host->mtu = mtu < ENET_PROTOCOL_MINIMUM_MTU ? ENET_PROTOCOL_MINIMUM_MTU : mtu;
    for (size_t i = 0; i < host->peerCount; i++)
        host->peers[i].mtu = host->mtu;
}

static bool enet_open_hosts(struct enet_world *w)
{
    for (int side = 0; side < 2; side++) {
        ENetAddress address;
        enet_socket_get_address(side, &address);
        w->hosts[side] = enet_host_create(&address, w->world.cell.sessions, 1, 0, 0);
        if (w->hosts[side] == NULL)
            return false;
        enet_set_mtu(w->hosts[side], w->world.cell.mtu);
        w->hosts[side]->intercept = enet_link_intercept;
    }
    return true;
}

static void enet_connect(struct enet_world *w)
{
    const uint32_t sessions = w->world.cell.sessions;
    ENetAddress address;

    enet_socket_get_address(WORLD_RECEIVER, &address);
    for (uint32_t i = 0; i < sessions; i++) {
        w->peers[i] = enet_host_connect(w->hosts[WORLD_SENDER], &address, 1, i);
        if (w->peers[i] == NULL)
            world_fail(&w->world, "ENet has no peer for session %u", i);
        enet_host_flush(w->hosts[WORLD_SENDER]);
    }
    while ((w->connected[0] < sessions || w->connected[1] < sessions) && !world_failed(&w->world))
        enet_step(w);
}

static struct bench_world *enet_open(const struct bench_cell *cell)
{
    struct enet_world *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->peers = calloc(cell->sessions, sizeof *w->peers);
    if (!world_init(&w->world, cell) || w->peers == NULL) {
        world_fini(&w->world);
        free(w->peers);
        free(w);
        return NULL;
    }
    enet_link_use(&w->world);
    if (!enet_open_hosts(w)) {
        enet_close(&w->world);
        return NULL;
    }
    if (!enet_link_used())
        world_fail(&w->world, "this libenet binds its own sockets: they cannot be replaced");
    else
        enet_connect(w);
    return &w->world;
}

static const struct bench_contender contender_enet = {
    .name = "ENet",
    .open = enet_open,
    .work = enet_work,
    .close = enet_close,
};
const struct bench_contender *const bench_enet = &contender_enet;
