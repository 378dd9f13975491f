/* An endpoint on a UDP socket, for any event loop: the loop says when the socket is readable and
 * when the deadline has come, and asks which deadline is next. No threads, no callbacks from the
 * engine: the application's answers to deliveries are plain calls in the same loop. */
#ifndef UDP_HOST_H
#define UDP_HOST_H

#include "sipc/session.h"

struct udp_host {
    const char *name;
    int fd;
    uint16_t port; /* on 127.0.0.1 */
    void *block;
    struct sipc_endpoint *endpoint;
    /* One message at a time is enough here: its bytes stay until its result. */
    uint8_t message[SIPC_PDU_SIZE_MAX];
    size_t message_size;
    /* What the application does; called between two events, so it may send, close and so on. */
    void (*on_deliver)(struct udp_host *host, sipc_session session, struct sipc_span data);
    void (*on_result)(struct udp_host *host, sipc_session session, enum sipc_operation operation,
                      enum sipc_outcome outcome);
    void *context;
};

/* Monotonic time in ns. */
sipc_time udp_host_clock(void);
/* A non-blocking socket on a free port of 127.0.0.1 and an endpoint behind it. Exits on failure. */
void udp_host_open(struct udp_host *host, const char *name);
void udp_host_close(struct udp_host *host);
/* Reads all datagrams that wait and acts on them. */
void udp_host_readable(struct udp_host *host);
/* Fires what is due. */
void udp_host_advance(struct udp_host *host);
/* ms until the endpoint wants udp_host_advance, rounded up; -1 if it does not. */
int udp_host_timeout_ms(const struct udp_host *host);
/* Commands of the application; the data is copied. */
sipc_session udp_host_connect(struct udp_host *host, uint16_t port);
void udp_host_send(struct udp_host *host, sipc_session session, const void *data, size_t size);
void udp_host_finish(struct udp_host *host, sipc_session session);

/* The conversation of both examples: the client sends a few lines, one after the other's echo, and
 * closes; the server echoes. Sets the hosts up; *done becomes true at the end. */
void echo_start(struct udp_host *client, struct udp_host *server, bool *done);

#endif
