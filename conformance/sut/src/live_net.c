/* The harness's own addresses on a real network; see live_net.h.
 *
 * Handles belong to the loop until it has closed them; each frees what it is part of in its close
 * callback. UDP sockets let go are kept bound for a while, so that what the SUT still sends there
 * reaches no later case.
 * SPDX-License-Identifier: MIT */
#include "live_net.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "frames.h"
#include "json_bytes.h"

enum {
    NET_RETIRED_MAX = 64,
    NET_BACKLOG = 64,
    NET_RECEIVE_BUFFER = 4 << 20,
    NET_READ_SIZE = 64 << 10,
    NET_START_MS = 1000, /* how long a SUT may still be on its way when it is attached */
    NET_PROBE_MS = 20,
    NET_ADDRESS_TEXT = 128,
};

union net_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    uv_udp_t udp;
};

struct net_connection {
    union net_handle h; /* first: closing frees the whole */
    struct conform__net *net;
    struct net_peer *peer;
    struct net_connection *next;
    struct conform__frames frames;
    char local[NET_ADDRESS_TEXT]; /* as the SUT sees it */
};

struct net_socket {     /* UDP, or a listener */
    union net_handle h; /* first */
    struct net_peer *peer;
    char path[NET_ADDRESS_TEXT]; /* to unlink */
};

struct net_peer {
    struct net_peer *next;
    struct conform__net *net;
    char *name;
    struct net_socket *socket;
    struct net_connection *connections; /* latest first */
    char address[NET_ADDRESS_TEXT];     /* of the socket */
};

struct conform__net {
    uv_loop_t *loop;
    struct conform__net_options options;
    union {
        struct sockaddr any;
        struct sockaddr_storage ip;
        struct sockaddr_un path;
    } sut;
    char sut_text[NET_ADDRESS_TEXT];
    struct net_peer *peers;
    struct net_socket *retired[NET_RETIRED_MAX];
    size_t retired_next;
    char folder[32]; /* of Unix listeners; empty if there is none */
    unsigned listeners;
    uv_timer_t timer;
    uint8_t *datagram; /* receive buffer */
};

const char *conform__net_prefix(enum conform__net_kind kind)
{
    static const char *const prefixes[] = {"udp", "tcp", "unix"};
    return prefixes[kind];
}

static void net_on_socket_closed(uv_handle_t *handle)
{
    struct net_socket *socket = (struct net_socket *)handle;
    if (socket->path[0]) {
        unlink(socket->path);
    }
    free(socket);
}

static void net_on_connection_closed(uv_handle_t *handle)
{
    struct net_connection *connection = (struct net_connection *)handle;
    conform__frames_free(&connection->frames);
    free(connection);
}

static struct net_peer *net_find_peer(const struct conform__net *net, const char *name)
{
    struct net_peer *peer = net->peers;
    while (peer && strcmp(peer->name, name) != 0) {
        peer = peer->next;
    }
    return peer;
}

static struct net_peer *net_peer(struct conform__net *net, const char *name)
{
    struct net_peer *peer = net_find_peer(net, name);
    if (!peer) {
        peer = conform__alloc(sizeof *peer);
        peer->net = net;
        peer->name = conform__strdup(name);
        peer->next = net->peers;
        net->peers = peer;
    }
    return peer;
}

static void net_emit(struct net_peer *peer, enum conform_out_kind kind, struct sipc_span bytes)
{
    struct conform_out out = {
        .kind = kind,
        .remote = conform__strdup(peer->name),
        .bytes = conform__bytes_copy(bytes.data, bytes.size),
        .size = bytes.size,
    };
    peer->net->options.on_out(peer->net->options.ctx, &out);
}

static void net_fault(struct conform__net *net, const char *what, int error)
{
    struct conform_error text;
    conform_error_set(&text, "%s:%s: %s (%s)", conform__net_prefix(net->options.kind),
                      net->sut_text, what, uv_strerror(error));
    net->options.on_fault(net->options.ctx, text.text);
}

static void net_note(struct net_peer *peer, const char *format, ...) SIPC_PRINTF(2, 3);

static void net_note(struct net_peer *peer, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct conform_error line;
    conform_error_set(&line, "harness: connection of peer %s: %s\n", peer->name, text);
    peer->net->options.on_note(peer->net->options.ctx, line.text);
}

/* A UDP socket connected to an address: no packet leaves, but the way there is chosen. */
static int net_probe_socket(const struct sockaddr *address)
{
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size =
        address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (fd >= 0 && connect(fd, address, size)) {
        int failed = errno;
        close(fd);
        return -failed;
    }
    return fd < 0 ? -errno : fd;
}

/* ---- datagrams ---- */

static void net_on_datagram_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct conform__net *net = ((struct net_socket *)handle)->peer->net;
    *buf = uv_buf_init((char *)net->datagram, NET_READ_SIZE);
}

static void net_on_datagram(uv_udp_t *udp, ssize_t size, const uv_buf_t *buf,
                            const struct sockaddr *from, unsigned flags)
{
    (void)flags; /* the buffer holds any datagram whole */
    struct net_peer *peer = ((struct net_socket *)udp)->peer;
    if (size < 0) {
        net_fault(peer->net, "nobody listens any more", (int)size);
    } else if (from) {
        net_emit(peer, CONFORM_OUT_TX,
                 (struct sipc_span){(const uint8_t *)buf->base, (size_t)size});
    }
}

static bool net_make_udp(struct net_peer *peer, struct conform_error *error)
{
    if (peer->socket) {
        return true;
    }
    struct net_socket *socket = conform__alloc(sizeof *socket);
    socket->peer = peer;
    uv_udp_init(peer->net->loop, &socket->h.udp);
    struct sockaddr_storage local;
    int size = sizeof local;
    int result = uv_udp_connect(&socket->h.udp, &peer->net->sut.any);
    if (result == 0) {
        result = uv_udp_getsockname(&socket->h.udp, (struct sockaddr *)&local, &size);
    }
    if (result == 0) {
        result = uv_udp_recv_start(&socket->h.udp, net_on_datagram_alloc, net_on_datagram);
    }
    if (result != 0) {
        conform_error_set(error, "no UDP socket towards %s: %s", peer->net->sut_text,
                          uv_strerror(result));
        uv_close(&socket->h.handle, net_on_socket_closed);
        return false;
    }
    int wanted = NET_RECEIVE_BUFFER;
    uv_recv_buffer_size(&socket->h.handle, &wanted); /* as much as the system allows */
    char text[CONFORM__ADDRESS_TEXT];
    conform__address_format((struct sockaddr *)&local, text);
    snprintf(peer->address, sizeof peer->address, "udp:%s", text);
    peer->socket = socket;
    return true;
}

static enum conform_sut_status net_send_datagram(struct net_peer *peer, struct sipc_span pdu,
                                                 struct conform_error *error)
{
    struct conform__net *net = peer->net;
    if (!net_make_udp(peer, error)) {
        return CONFORM_SUT_BROKEN;
    }
    uint8_t none = 0;
    uv_buf_t buf =
        uv_buf_init((char *)(uintptr_t)(pdu.size ? pdu.data : &none), (unsigned)pdu.size);
    uint64_t until = uv_hrtime() + net->options.limit_ms * SIPC_NS_PER_MS;
    int result;
    while ((result = uv_udp_try_send(&peer->socket->h.udp, &buf, 1, NULL)) == UV_EAGAIN &&
           uv_hrtime() < until) {
        conform__loop_wait(net->loop, &net->timer, 1);
    }
    if (result < 0) {
        conform_error_set(error, "%s:%s: %s (%s)", "udp", net->sut_text,
                          result == UV_ECONNREFUSED ? "nobody listens any more"
                                                    : "a datagram cannot be sent",
                          uv_strerror(result));
        return result == UV_ECONNREFUSED ? CONFORM_SUT_DEAD : CONFORM_SUT_BROKEN;
    }
    return CONFORM_SUT_OK;
}

/* Keeps the socket bound, deaf, and lets the one go that has been kept longest. */
static void net_retire(struct conform__net *net, struct net_socket *socket)
{
    uv_udp_recv_stop(&socket->h.udp);
    struct net_socket **slot = &net->retired[net->retired_next++ % NET_RETIRED_MAX];
    if (*slot) {
        uv_close(&(*slot)->h.handle, net_on_socket_closed);
    }
    *slot = socket;
}

/* ---- streams ---- */

static void net_drop(struct net_connection *connection)
{
    struct net_connection **link = &connection->peer->connections;
    while (*link != connection) {
        link = &(*link)->next;
    }
    *link = connection->next;
    uv_close(&connection->h.handle, net_on_connection_closed);
}

static void net_on_stream_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct conform__net *net = ((struct net_connection *)handle)->net;
    *buf = uv_buf_init((char *)net->datagram, NET_READ_SIZE);
}

/* The SUT's end of the connection: what is unfinished comes out before it, to be seen. */
static void net_on_eof(struct net_connection *connection)
{
    struct net_peer *peer = connection->peer;
    struct sipc_span rest;
    if (conform__frames_next(&connection->frames, &rest) == CONFORM__FRAME_NONE && rest.size) {
        net_note(peer, "it ended in the middle of a frame, after %zu bytes", rest.size);
        net_emit(peer, CONFORM_OUT_TX, rest);
    }
    net_emit(peer, CONFORM_OUT_EOF, (struct sipc_span){NULL, 0});
    net_drop(connection);
}

static void net_on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct net_connection *connection = (struct net_connection *)stream;
    struct net_peer *peer = connection->peer;
    if (size < 0) {
        net_on_eof(connection);
        return;
    }
    conform__frames_push(&connection->frames, (const uint8_t *)buf->base, (size_t)size);
    struct sipc_span frame;
    enum conform__frame found;
    while ((found = conform__frames_next(&connection->frames, &frame)) == CONFORM__FRAME_WHOLE) {
        net_emit(peer, CONFORM_OUT_TX, frame);
    }
    if (found == CONFORM__FRAME_BAD) {
        net_note(peer, "a frame of length %u came, but only %d..%d can be; closed",
                 (unsigned)frame.data[0] << 8 | frame.data[1], SIPC_PDU_SIZE_MIN,
                 SIPC_PDU_SIZE_MAX);
        net_emit(peer, CONFORM_OUT_TX, frame);
        net_drop(connection);
    }
}

static void net_local_text(struct net_connection *connection)
{
    struct sockaddr_storage local;
    int size = sizeof local;
    if (connection->net->options.kind == CONFORM__NET_TCP &&
        uv_tcp_getsockname(&connection->h.tcp, (struct sockaddr *)&local, &size) == 0) {
        char text[CONFORM__ADDRESS_TEXT];
        conform__address_format((struct sockaddr *)&local, text);
        snprintf(connection->local, sizeof connection->local, "tcp:%s", text);
    }
}

static struct net_connection *net_connection_new(struct net_peer *peer)
{
    struct net_connection *connection = conform__alloc(sizeof *connection);
    connection->net = peer->net;
    connection->peer = peer;
    if (peer->net->options.kind == CONFORM__NET_TCP) {
        uv_tcp_init(peer->net->loop, &connection->h.tcp);
    } else {
        uv_pipe_init(peer->net->loop, &connection->h.pipe, 0);
    }
    connection->next = peer->connections;
    peer->connections = connection;
    return connection;
}

static void net_start_reading(struct net_connection *connection)
{
    if (connection->net->options.kind == CONFORM__NET_TCP) {
        uv_tcp_nodelay(&connection->h.tcp, 1);
    }
    net_local_text(connection);
    uv_read_start(&connection->h.stream, net_on_stream_alloc, net_on_read);
}

static bool net_dial(struct net_peer *peer, struct conform_error *error)
{
    int fd = conform__dial(&peer->net->sut.any, 0);
    if (fd < 0) {
        conform_error_set(error, "%s:%s: no connection (%s)",
                          conform__net_prefix(peer->net->options.kind), peer->net->sut_text,
                          strerror(-fd));
        return false;
    }
    struct net_connection *connection = net_connection_new(peer);
    if (peer->net->options.kind == CONFORM__NET_TCP) {
        uv_tcp_open(&connection->h.tcp, fd);
    } else {
        uv_pipe_open(&connection->h.pipe, fd);
    }
    net_start_reading(connection);
    return true;
}

static void net_on_connection(uv_stream_t *listener, int status)
{
    struct net_peer *peer = ((struct net_socket *)listener)->peer;
    if (status < 0) {
        return;
    }
    struct net_connection *connection = net_connection_new(peer);
    if (uv_accept(listener, &connection->h.stream) == 0) {
        net_start_reading(connection);
    } else {
        net_drop(connection);
    }
}

static int net_listen_tcp(struct net_peer *peer, struct net_socket *socket)
{
    /* the address of this host by which the SUT is reached, any port */
    struct sockaddr_storage local;
    int size = sizeof local;
    socklen_t length = sizeof local;
    uv_tcp_init(peer->net->loop, &socket->h.tcp);
    int probe = net_probe_socket(&peer->net->sut.any);
    int result = probe;
    if (probe >= 0) {
        result = getsockname(probe, (struct sockaddr *)&local, &length) ? -errno : 0;
        close(probe);
    }
    if (result == 0) {
        conform__address_set_port(&local, 0);
        result = uv_tcp_bind(&socket->h.tcp, (struct sockaddr *)&local, 0);
    }
    if (result == 0) {
        result = uv_listen(&socket->h.stream, NET_BACKLOG, net_on_connection);
    }
    if (result == 0) {
        result = uv_tcp_getsockname(&socket->h.tcp, (struct sockaddr *)&local, &size);
    }
    if (result == 0) {
        char text[CONFORM__ADDRESS_TEXT];
        conform__address_format((struct sockaddr *)&local, text);
        snprintf(peer->address, sizeof peer->address, "tcp:%s", text);
    }
    return result;
}

static int net_listen_unix(struct net_peer *peer, struct net_socket *socket)
{
    struct conform__net *net = peer->net;
    uv_pipe_init(net->loop, &socket->h.pipe, 0);
    if (!net->folder[0]) {
        char folder[] = "/tmp/sipc-XXXXXX";
        if (!mkdtemp(folder)) {
            return -errno;
        }
        memcpy(net->folder, folder, sizeof folder);
    }
    snprintf(socket->path, sizeof socket->path, "%s/%u.sock", net->folder, ++net->listeners);
    int result = uv_pipe_bind(&socket->h.pipe, socket->path);
    if (result == 0) {
        result = uv_listen(&socket->h.stream, NET_BACKLOG, net_on_connection);
    }
    snprintf(peer->address, sizeof peer->address, "unix:%.100s", socket->path);
    return result;
}

static bool net_make_listener(struct net_peer *peer, struct conform_error *error)
{
    if (peer->socket) {
        return true;
    }
    struct net_socket *socket = conform__alloc(sizeof *socket);
    socket->peer = peer;
    int result = peer->net->options.kind == CONFORM__NET_TCP ? net_listen_tcp(peer, socket)
                                                             : net_listen_unix(peer, socket);
    if (result != 0) {
        conform_error_set(error, "no socket for the SUT to dial: %s", uv_strerror(result));
        uv_close(&socket->h.handle, net_on_socket_closed);
        return false;
    }
    peer->socket = socket;
    return true;
}

struct net_write {
    uv_write_t request;
    bool *done; /* NULL once nobody waits */
    uint8_t bytes[];
};

static void net_on_write(uv_write_t *request, int status)
{
    (void)status; /* a connection that fails ends, which is told by itself */
    struct net_write *write = (struct net_write *)request;
    if (write->done) {
        *write->done = true;
    }
    free(write);
}

static enum conform_sut_status net_send_stream(struct net_peer *peer, struct sipc_span pdu,
                                               struct conform_error *error)
{
    struct conform__net *net = peer->net;
    if (!peer->connections && !net_dial(peer, error)) {
        return CONFORM_SUT_DEAD;
    }
    if (pdu.size == 0) {
        return CONFORM_SUT_OK;
    }
    bool done = false;
    struct net_write *write = conform__alloc(sizeof *write + pdu.size);
    write->done = &done;
    memcpy(write->bytes, pdu.data, pdu.size);
    uv_buf_t buf = uv_buf_init((char *)write->bytes, (unsigned)pdu.size);
    if (uv_write(&write->request, &peer->connections->h.stream, &buf, 1, net_on_write) != 0) {
        free(write);
        return CONFORM_SUT_OK; /* its end is told by the EOF */
    }
    uint64_t until = uv_hrtime() + net->options.limit_ms * SIPC_NS_PER_MS;
    while (!done && uv_hrtime() < until) {
        conform__loop_wait(net->loop, &net->timer, 10);
    }
    if (done) {
        return CONFORM_SUT_OK;
    }
    write->done = NULL;
    conform_error_set(error, "%s:%s: does not read what is sent to it (%u ms)",
                      conform__net_prefix(net->options.kind), net->sut_text, net->options.limit_ms);
    return CONFORM_SUT_HANG;
}

/* ---- the whole ---- */

/* An empty datagram, which no rule minds: if nobody listens on this host the next call says so. */
static int net_probe_udp(const struct sockaddr *address)
{
    uint64_t until = uv_hrtime() + NET_START_MS * SIPC_NS_PER_MS;
    for (;;) {
        int fd = net_probe_socket(address);
        int result = fd < 0 ? fd : 0;
        if (fd >= 0) {
            struct pollfd wait = {.fd = fd, .events = POLLIN};
            socklen_t size = sizeof result;
            if (send(fd, "", 0, 0) < 0) {
                result = -errno;
            } else if (poll(&wait, 1, NET_PROBE_MS) == 1) {
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size);
                result = -result;
            }
            close(fd);
        }
        if (result != -ECONNREFUSED || uv_hrtime() >= until) {
            return result;
        }
        poll(NULL, 0, NET_PROBE_MS); /* slowly: systems limit how often they say nobody listens */
    }
}

static bool net_reach(struct conform__net *net, const char *address, struct conform_error *error)
{
    int result;
    if (net->options.kind == CONFORM__NET_UNIX) {
        if (strlen(address) >= sizeof net->sut.path.sun_path) {
            conform_error_set(error, "the path of a Unix socket has at most %zu bytes",
                              sizeof net->sut.path.sun_path - 1);
            return false;
        }
        net->sut.path.sun_family = AF_UNIX;
        memcpy(net->sut.path.sun_path, address, strlen(address) + 1);
    } else if (!conform__address_parse(address, &net->sut.ip, error)) {
        return false;
    } else {
        conform__address_make_reachable(&net->sut.ip);
    }
    if (net->options.kind == CONFORM__NET_UDP) {
        result = net_probe_udp(&net->sut.any);
    } else {
        result = conform__dial(&net->sut.any, NET_START_MS);
        if (result >= 0) {
            close(result);
            result = 0;
        }
    }
    if (result < 0) {
        conform_error_set(error, "nobody listens at %s:%s (%s)",
                          conform__net_prefix(net->options.kind), address, strerror(-result));
    }
    return result >= 0;
}

struct conform__net *conform__net_new(uv_loop_t *loop, const char *address,
                                      const struct conform__net_options *options,
                                      struct conform_error *error)
{
    struct conform__net *net = conform__alloc(sizeof *net);
    net->loop = loop;
    net->options = *options;
    snprintf(net->sut_text, sizeof net->sut_text, "%s", address);
    if (!net_reach(net, address, error)) {
        free(net);
        return NULL;
    }
    net->datagram = conform__realloc(NULL, NET_READ_SIZE);
    uv_timer_init(loop, &net->timer);
    return net;
}

/* Handles closed by conform__loop_close have no close callback: what they are part of goes here. */
void conform__net_free(struct conform__net *net)
{
    if (!net) {
        return;
    }
    for (size_t i = 0; i < NET_RETIRED_MAX; i++) {
        free(net->retired[i]);
    }
    while (net->peers) {
        struct net_peer *peer = net->peers;
        net->peers = peer->next;
        while (peer->connections) {
            struct net_connection *connection = peer->connections;
            peer->connections = connection->next;
            net_on_connection_closed(&connection->h.handle);
        }
        if (peer->socket) {
            net_on_socket_closed(&peer->socket->h.handle);
        }
        free(peer->name);
        free(peer);
    }
    if (net->folder[0]) {
        rmdir(net->folder);
    }
    free(net->datagram);
    free(net);
}

void conform__net_reset(struct conform__net *net)
{
    for (struct net_peer *peer = net->peers; peer; peer = peer->next) {
        while (peer->connections) {
            net_drop(peer->connections);
        }
        if (peer->socket && net->options.kind == CONFORM__NET_UDP) {
            net_retire(net, peer->socket);
        } else if (peer->socket) {
            uv_close(&peer->socket->h.handle, net_on_socket_closed);
        }
        peer->socket = NULL;
        peer->address[0] = 0;
    }
}

enum conform_sut_status conform__net_send(struct conform__net *net, const char *peer,
                                          struct sipc_span pdu, struct conform_error *error)
{
    struct net_peer *from = net_peer(net, peer);
    return net->options.kind == CONFORM__NET_UDP ? net_send_datagram(from, pdu, error)
                                                 : net_send_stream(from, pdu, error);
}

const char *conform__net_address(struct conform__net *net, const char *peer,
                                 struct conform_error *error)
{
    struct net_peer *at = net_peer(net, peer);
    bool made = net->options.kind == CONFORM__NET_UDP ? net_make_udp(at, error)
                                                      : net_make_listener(at, error);
    return made ? at->address : NULL;
}

const char *conform__net_find(const struct conform__net *net, const char *address)
{
    for (const struct net_peer *peer = net->peers; peer; peer = peer->next) {
        bool found = peer->address[0] && strcmp(peer->address, address) == 0;
        for (const struct net_connection *c = peer->connections; c && !found; c = c->next) {
            found = c->local[0] && strcmp(c->local, address) == 0;
        }
        if (found) {
            return peer->name;
        }
    }
    return NULL;
}

size_t conform__net_partial_bytes(const struct conform__net *net)
{
    size_t bytes = 0;
    for (const struct net_peer *peer = net->peers; peer; peer = peer->next) {
        for (const struct net_connection *c = peer->connections; c; c = c->next) {
            bytes += c->frames.size;
        }
    }
    return bytes;
}
