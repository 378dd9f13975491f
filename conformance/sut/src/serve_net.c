/* The reference SUT's side of the network; see serve_net.h.
 * SPDX-License-Identifier: MIT */
#include "serve_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "frames.h"
#include "json_bytes.h"

enum {
    SERVE_BACKLOG = 1024,
    SERVE_READ_SIZE = 64 << 10,
    SERVE_WRITE_QUEUE_MAX = 64 << 20, /* bytes a peer may leave unread */
    SERVE_NAME = 128,
};

union serve_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_udp_t udp;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct serve_connection {
    union serve_handle h; /* first: closing frees the whole */
    uv_connect_t connect;
    struct conform__serve_net *net;
    struct serve_connection *next;
    struct conform__frames frames;
    char name[SERVE_NAME];
};

struct conform__serve_net {
    uv_loop_t *loop;
    struct conform__serve_net_options options;
    union serve_handle listener;
    char address[SERVE_NAME];
    struct serve_connection *connections;
    unsigned connection_last;
    unsigned life; /* counts resets */
    char buffer[SERVE_READ_SIZE];
};

/* ---- datagrams ---- */

static void serve_on_datagram_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct conform__serve_net *net = handle->data;
    *buf = uv_buf_init(net->buffer, sizeof net->buffer);
}

static void serve_on_datagram(uv_udp_t *udp, ssize_t size, const uv_buf_t *buf,
                              const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    struct conform__serve_net *net = udp->data;
    if (size < 0 || !from) {
        return;
    }
    char text[CONFORM__ADDRESS_TEXT];
    char name[SERVE_NAME];
    conform__address_format(from, text);
    snprintf(name, sizeof name, "udp:%s", text);
    net->options.on_pdu(net->options.ctx, name,
                        (struct sipc_span){(const uint8_t *)buf->base, (size_t)size});
}

static void serve_send_datagram(struct conform__serve_net *net, const char *to,
                                struct sipc_span pdu, uint64_t token)
{
    struct sockaddr_storage address;
    struct conform_error error;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)pdu.data, (unsigned)pdu.size);
    bool sent = strncmp(to, "udp:", 4) == 0 && conform__address_parse(to + 4, &address, &error) &&
                uv_udp_try_send(&net->listener.udp, &buf, 1, (struct sockaddr *)&address) >= 0;
    net->options.on_sent(net->options.ctx, token, sent);
}

/* ---- streams ---- */

static void serve_on_closed(uv_handle_t *handle)
{
    struct serve_connection *connection = (struct serve_connection *)handle;
    conform__frames_free(&connection->frames);
    free(connection);
}

static void serve_drop(struct serve_connection *connection)
{
    struct serve_connection **link = &connection->net->connections;
    while (*link != connection) {
        link = &(*link)->next;
    }
    *link = connection->next;
    uv_close(&connection->h.handle, serve_on_closed);
}

static void serve_on_stream_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct conform__serve_net *net = ((struct serve_connection *)handle)->net;
    *buf = uv_buf_init(net->buffer, sizeof net->buffer);
}

static void serve_on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct serve_connection *connection = (struct serve_connection *)stream;
    struct conform__serve_net *net = connection->net;
    if (size < 0) {
        serve_drop(connection);
        return;
    }
    conform__frames_push(&connection->frames, (const uint8_t *)buf->base, (size_t)size);
    struct sipc_span frame;
    enum conform__frame found;
    unsigned life = net->life;
    while ((found = conform__frames_next(&connection->frames, &frame)) == CONFORM__FRAME_WHOLE) {
        net->options.on_pdu(net->options.ctx, connection->name, frame);
        if (net->life != life || uv_is_closing(&connection->h.handle)) {
            return;
        }
    }
    if (found == CONFORM__FRAME_BAD) {
        serve_drop(connection); /* nothing after it can be understood (WIRE-3) */
    }
}

static struct serve_connection *serve_connection_new(struct conform__serve_net *net)
{
    struct serve_connection *connection = conform__alloc(sizeof *connection);
    connection->net = net;
    if (net->options.kind == CONFORM__NET_TCP) {
        uv_tcp_init(net->loop, &connection->h.tcp);
    } else {
        uv_pipe_init(net->loop, &connection->h.pipe, 0);
    }
    connection->next = net->connections;
    net->connections = connection;
    return connection;
}

static void serve_on_connection(uv_stream_t *listener, int status)
{
    struct conform__serve_net *net = listener->data;
    if (status < 0) {
        return;
    }
    struct serve_connection *connection = serve_connection_new(net);
    if (uv_accept(listener, &connection->h.stream) != 0) {
        serve_drop(connection);
        return;
    }
    struct sockaddr_storage peer;
    int size = sizeof peer;
    if (net->options.kind == CONFORM__NET_TCP &&
        uv_tcp_getpeername(&connection->h.tcp, (struct sockaddr *)&peer, &size) == 0) {
        char text[CONFORM__ADDRESS_TEXT];
        conform__address_format((struct sockaddr *)&peer, text);
        snprintf(connection->name, sizeof connection->name, "tcp:%s", text);
        uv_tcp_nodelay(&connection->h.tcp, 1);
    } else {
        snprintf(connection->name, sizeof connection->name, "unix:#%u", ++net->connection_last);
    }
    uv_read_start(&connection->h.stream, serve_on_stream_alloc, serve_on_read);
}

static void serve_on_connected(uv_connect_t *request, int status)
{
    struct serve_connection *connection = request->data;
    if (status == 0) {
        uv_read_start(&connection->h.stream, serve_on_stream_alloc, serve_on_read);
    } else if (!uv_is_closing(&connection->h.handle)) {
        serve_drop(connection); /* what was written is cancelled: its aftermath is failure */
    }
}

/* Dials a peer that has no connection; NULL where its name is no address. */
static struct serve_connection *serve_dial(struct conform__serve_net *net, const char *to)
{
    bool tcp = net->options.kind == CONFORM__NET_TCP;
    const char *prefix = tcp ? "tcp:" : "unix:";
    const char *where = to + strlen(prefix);
    struct sockaddr_storage address;
    struct conform_error error;
    if (strncmp(to, prefix, strlen(prefix)) != 0 || *where == '#' ||
        (tcp && !conform__address_parse(where, &address, &error))) {
        return NULL;
    }
    struct serve_connection *connection = serve_connection_new(net);
    snprintf(connection->name, sizeof connection->name, "%s", to);
    connection->connect.data = connection;
    int result = 0;
    if (tcp) {
        uv_tcp_nodelay(&connection->h.tcp, 1);
        result = uv_tcp_connect(&connection->connect, &connection->h.tcp,
                                (struct sockaddr *)&address, serve_on_connected);
    } else {
        uv_pipe_connect(&connection->connect, &connection->h.pipe, where, serve_on_connected);
    }
    if (result != 0) {
        serve_drop(connection);
        return NULL;
    }
    return connection;
}

struct serve_write {
    uv_write_t request;
    struct conform__serve_net *net;
    unsigned life;
    uint64_t token;
    uint8_t bytes[];
};

static void serve_on_write(uv_write_t *request, int status)
{
    struct serve_write *write = (struct serve_write *)request;
    struct conform__serve_net *net = write->net;
    if (write->life == net->life) {
        net->options.on_sent(net->options.ctx, write->token, status == 0);
    }
    free(write);
}

static void serve_send_stream(struct conform__serve_net *net, const char *to, struct sipc_span pdu,
                              uint64_t token)
{
    struct serve_connection *connection = net->connections;
    while (connection && strcmp(connection->name, to) != 0) {
        connection = connection->next;
    }
    if (!connection) {
        connection = serve_dial(net, to);
    }
    struct serve_write *write = NULL;
    int result = UV_ENOBUFS;
    if (connection && connection->h.stream.write_queue_size < SERVE_WRITE_QUEUE_MAX) {
        write = conform__alloc(sizeof *write + pdu.size);
        write->net = net;
        write->life = net->life;
        write->token = token;
        memcpy(write->bytes, pdu.data, pdu.size);
        uv_buf_t buf = uv_buf_init((char *)write->bytes, (unsigned)pdu.size);
        result = uv_write(&write->request, &connection->h.stream, &buf, 1, serve_on_write);
    }
    if (result != 0) {
        free(write);
        net->options.on_sent(net->options.ctx, token, false);
    }
}

/* ---- the whole ---- */

static int serve_bind_ip(struct conform__serve_net *net, const struct sockaddr_storage *address)
{
    const struct sockaddr *any = (const struct sockaddr *)address;
    struct sockaddr_storage local;
    int size = sizeof local;
    int result;
    bool tcp = net->options.kind == CONFORM__NET_TCP;
    if (tcp) {
        uv_tcp_init(net->loop, &net->listener.tcp);
        net->listener.handle.data = net;
        result = uv_tcp_bind(&net->listener.tcp, any, 0);
        result =
            result ? result : uv_listen(&net->listener.stream, SERVE_BACKLOG, serve_on_connection);
        result = result ? result
                        : uv_tcp_getsockname(&net->listener.tcp, (struct sockaddr *)&local, &size);
    } else {
        uv_udp_init(net->loop, &net->listener.udp);
        net->listener.handle.data = net;
        result = uv_udp_bind(&net->listener.udp, any, 0);
        result = result ? result
                        : uv_udp_recv_start(&net->listener.udp, serve_on_datagram_alloc,
                                            serve_on_datagram);
        result = result ? result
                        : uv_udp_getsockname(&net->listener.udp, (struct sockaddr *)&local, &size);
    }
    if (result == 0) {
        char text[CONFORM__ADDRESS_TEXT];
        conform__address_format((struct sockaddr *)&local, text);
        snprintf(net->address, sizeof net->address, "%s:%s", tcp ? "tcp" : "udp", text);
    }
    return result;
}

/* A socket left behind by a process that was killed is in the way; one that is in use is not
 * touched. */
static void serve_remove_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = conform__dial((struct sockaddr *)&address, 0);
    if (fd == -ECONNREFUSED) {
        unlink(path);
    } else if (fd >= 0) {
        close(fd);
    }
}

static int serve_bind_unix(struct conform__serve_net *net, const char *path)
{
    uv_pipe_init(net->loop, &net->listener.pipe, 0);
    net->listener.handle.data = net;
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path || !*path) {
        return UV_ENAMETOOLONG;
    }
    serve_remove_stale(path);
    int result = uv_pipe_bind(&net->listener.pipe, path);
    if (result == 0) {
        result = uv_listen(&net->listener.stream, SERVE_BACKLOG, serve_on_connection);
    }
    snprintf(net->address, sizeof net->address, "unix:%s", path);
    return result;
}

bool conform__serve_net_new(uv_loop_t *loop, const struct conform__serve_net_options *options,
                            struct conform__serve_net **out, struct conform_error *error)
{
    struct conform__serve_net *net = conform__alloc(sizeof *net);
    *out = net;
    net->loop = loop;
    net->options = *options;
    int result;
    struct sockaddr_storage address;
    if (options->kind == CONFORM__NET_UNIX) {
        result = serve_bind_unix(net, options->address);
    } else if (conform__address_parse(options->address, &address, error)) {
        result = serve_bind_ip(net, &address);
    } else {
        return false;
    }
    if (result != 0) {
        conform_error_set(error, "cannot listen on %s:%s: %s", conform__net_prefix(options->kind),
                          options->address, uv_strerror(result));
    }
    return result == 0;
}

const char *conform__serve_net_address(const struct conform__serve_net *net)
{
    return net->address;
}

void conform__serve_net_send(struct conform__serve_net *net, const char *to, struct sipc_span pdu,
                             uint64_t token)
{
    if (net->options.kind == CONFORM__NET_UDP) {
        serve_send_datagram(net, to, pdu, token);
    } else {
        serve_send_stream(net, to, pdu, token);
    }
}

void conform__serve_net_reset(struct conform__serve_net *net)
{
    net->life++;
    while (net->connections) {
        serve_drop(net->connections);
    }
}

void conform__serve_net_free(struct conform__serve_net *net)
{
    if (!net) {
        return;
    }
    while (net->connections) {
        struct serve_connection *connection = net->connections;
        net->connections = connection->next;
        serve_on_closed(&connection->h.handle);
    }
    free(net);
}
