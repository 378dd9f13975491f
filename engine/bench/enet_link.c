/* The socket, time and randomness functions that libenet calls, defined in the program: the dynamic
 * linker takes these in place of the library's own. A datagram sent is gathered into the link's
 * ring; one received is not copied again, but read there, by way of ENet's intercept callback. */
#include "enet_link.h"

#include <string.h>

static struct {
    struct bench_world *world;
    int sockets;
    struct link_datagram datagram; /* received last, not yet taken off the ring */
    int side;
} enet_link;

void enet_link_use(struct bench_world *world)
{
    memset(&enet_link, 0, sizeof enet_link);
    enet_link.world = world;
}

bool enet_link_used(void)
{
    return enet_link.sockets > 0;
}

void enet_link_release(void)
{
    if (enet_link.datagram.bytes != NULL)
        link_pop(&enet_link.world->link, enet_link.side);
    enet_link.datagram.bytes = NULL;
}

int enet_link_intercept(ENetHost *host, ENetEvent *event)
{
    (void)event;
    host->receivedData = enet_link.datagram.bytes;
    return 0;
}

/* ---- in place of the library's own ---- */

ENetSocket enet_socket_create(ENetSocketType type)
{
    (void)type;
    return enet_link.sockets++;
}

int enet_socket_bind(ENetSocket socket, const ENetAddress *address)
{
    (void)socket;
    (void)address;
    return 0;
}

int enet_socket_get_address(ENetSocket socket, ENetAddress *address)
{
    address->host = (enet_uint32)socket + 1;
    address->port = 1;
    return 0;
}

int enet_socket_set_option(ENetSocket socket, ENetSocketOption option, int value)
{
    (void)socket;
    (void)option;
    (void)value;
    return 0;
}

void enet_socket_destroy(ENetSocket socket)
{
    (void)socket;
}

int enet_socket_wait(ENetSocket socket, enet_uint32 *condition, enet_uint32 timeout)
{
    (void)socket;
    (void)timeout;
    *condition = ENET_SOCKET_WAIT_NONE;
    return 0;
}

int enet_socket_send(ENetSocket socket, const ENetAddress *address, const ENetBuffer *buffers,
                     size_t count)
{
    struct link *link = &enet_link.world->link;
    size_t size = 0;
    uint8_t *out;

    (void)address;
    for (size_t i = 0; i < count; i++)
        size += buffers[i].dataLength;
    out = link_reserve(link, 1 - socket, size);
    if (out == NULL) {
        world_fail(enet_link.world, "the link's ring is full");
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(out, buffers[i].data, buffers[i].dataLength);
        out += buffers[i].dataLength;
    }
    link_commit(link, 1 - socket, size);
    return (int)size;
}

int enet_socket_receive(ENetSocket socket, ENetAddress *address, ENetBuffer *buffers, size_t count)
{
    (void)buffers;
    (void)count;
    enet_link_release();
    if (!link_front(&enet_link.world->link, socket, &enet_link.datagram)) {
        enet_link.datagram.bytes = NULL;
        return 0;
    }
    enet_link.side = socket;
    enet_socket_get_address(1 - socket, address);
    return (int)enet_link.datagram.size;
}

enet_uint32 enet_time_get(void)
{
    return (enet_uint32)(enet_link.world->link.now_ns / LINK_NS_PER_MS);
}

enet_uint32 enet_host_random_seed(void)
{
    return 1;
}
