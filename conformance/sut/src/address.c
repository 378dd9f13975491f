/* Network addresses as the contract writes them; see address.h.
 * SPDX-License-Identifier: MIT */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { ADDRESS_CONNECT_MS = 1000, ADDRESS_RETRY_MS = 20 };

bool conform__address_parse(const char *text, struct sockaddr_storage *out,
                            struct conform_error *error)
{
    char host[256];
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || length == 0 || length >= sizeof host || end == colon + 1 || *end || port < 0 ||
        port > 65535) {
        conform_error_set(error, "\"%s\" is no address: expected HOST:PORT", text);
        return false;
    }
    bool brackets = text[0] == '[' && text[length - 1] == ']';
    memcpy(host, text + brackets, length - 2 * brackets);
    host[length - 2 * brackets] = 0;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    int result = getaddrinfo(host, NULL, &hints, &list);
    if (result != 0) {
        conform_error_set(error, "\"%s\": %s", host, gai_strerror(result));
        return false;
    }
    memset(out, 0, sizeof *out);
    memcpy(out, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    conform__address_set_port(out, (uint16_t)port);
    return true;
}

void conform__address_set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    }
}

void conform__address_format(const struct sockaddr *address, char out[CONFORM__ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, CONFORM__ADDRESS_TEXT, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, CONFORM__ADDRESS_TEXT, "%s:%u", host, ntohs(in->sin_port));
    }
}

void conform__address_make_reachable(struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
        if (IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr)) {
            in6->sin6_addr = in6addr_loopback;
        }
    } else {
        struct sockaddr_in *in = (struct sockaddr_in *)address;
        if (in->sin_addr.s_addr == htonl(INADDR_ANY)) {
            in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        }
    }
}

static int address_connect(const struct sockaddr *address)
{
    socklen_t size = address->sa_family == AF_INET6  ? sizeof(struct sockaddr_in6)
                     : address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                     : sizeof(struct sockaddr_un);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    int failed = connect(fd, address, size) ? errno : 0;
    if (failed == EINPROGRESS) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        socklen_t length = sizeof failed;
        failed = ETIMEDOUT;
        if (poll(&wait, 1, ADDRESS_CONNECT_MS) == 1) {
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &length);
        }
    }
    if (failed) {
        close(fd);
        return -failed;
    }
    return fd;
}

int conform__dial(const struct sockaddr *address, unsigned retry_ms)
{
    uint64_t until = uv_hrtime() + retry_ms * SIPC_NS_PER_MS;
    for (;;) {
        int fd = address_connect(address);
        bool nobody = fd == -ECONNREFUSED || fd == -ENOENT;
        if (!nobody || uv_hrtime() >= until) {
            return fd;
        }
        poll(NULL, 0, ADDRESS_RETRY_MS);
    }
}

static void loop_on_timer(uv_timer_t *timer)
{
    (void)timer; /* only there to wake the loop */
}

void conform__loop_wait(uv_loop_t *loop, uv_timer_t *timer, uint64_t ms)
{
    uv_update_time(loop);
    /* It repeats: where this thread is held up it fires before the loop waits, and one that fired
     * once would leave the loop to wait for ever. */
    uv_timer_start(timer, loop_on_timer, ms, 1);
    uv_run(loop, UV_RUN_ONCE);
    uv_timer_stop(timer);
}

static void loop_close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void conform__loop_close(uv_loop_t *loop)
{
    uv_walk(loop, loop_close_handle, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    int result = uv_loop_close(loop);
    SIPC_ASSERT(result == 0);
}
