/* See udp_host.h. Everything that would be the same in any event loop. */
#include "udp_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

sipc_time udp_host_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (sipc_time)now.tv_sec * 1000 * SIPC_NS_PER_MS + (sipc_time)now.tv_nsec;
}

/* Peers are IPv4 addresses with their port in one number. */
static struct sockaddr_in address_of(sipc_peer peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl((uint32_t)(peer >> 16));
    address.sin_port = htons((uint16_t)peer);
    return address;
}

static sipc_peer peer_of(const struct sockaddr_in *address)
{
    return (sipc_peer)ntohl(address->sin_addr.s_addr) << 16 | ntohs(address->sin_port);
}

void udp_host_open(struct udp_host *host, const char *name)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    struct sipc_config config;

    sipc_config_default(&config);
    config.max_sessions = 16;
    host->name = name;
    host->block = calloc(1, sipc_endpoint_size(&config)); /* malloc aligns to 16 */
    must(host->block != NULL, "calloc");
    must(sipc_endpoint_init(host->block, sipc_endpoint_size(&config), &config, udp_host_clock(),
                            &host->endpoint) == SIPC_OK,
         "sipc_endpoint_init");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    host->fd = socket(AF_INET, SOCK_DGRAM, 0);
    must(host->fd >= 0, "socket");
    must(fcntl(host->fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    must(bind(host->fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(getsockname(host->fd, (struct sockaddr *)&address, &size) == 0, "getsockname");
    host->port = ntohs(address.sin_port);
}

void udp_host_close(struct udp_host *host)
{
    close(host->fd);
    free(host->block);
}

/* One PDU is one datagram: head and payload gathered. The aftermath is what sendto says. */
static bool host_transmit(struct udp_host *host, const struct sipc_action *action)
{
    static uint8_t pdu[SIPC_PDU_SIZE_MAX];
    struct sockaddr_in to = address_of(action->remote);
    size_t size = action->u.transmit.head.size;

    memcpy(pdu, action->u.transmit.head.data, size);
    if (action->u.transmit.payload_size > 0)
        memcpy(pdu + size, host->message + action->u.transmit.payload_offset,
               action->u.transmit.payload_size);
    size += action->u.transmit.payload_size;
    return sendto(host->fd, pdu, size, 0, (struct sockaddr *)&to, sizeof to) == (ssize_t)size;
}

/* Events that follow from the actions of one event are fed once all of them are taken out. */
struct follow_up {
    enum { NOTHING, SENT, DELIVERED, ENDED } kind;
    sipc_session session;
    uint64_t token;
    bool success;
    enum sipc_operation operation;
    enum sipc_outcome outcome;
    size_t size;
};
enum { FOLLOW_UPS_MAX = 128 };

static void host_act(struct udp_host *host, const struct sipc_action *action,
                     struct follow_up *next, uint8_t *delivered)
{
    next->session = action->session;
    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        next->success = host_transmit(host, action);
        next->token = action->u.transmit.token;
        next->kind = action->u.transmit.owed ? SENT : NOTHING;
        break;
    case SIPC_ACTION_DELIVER: /* its bytes live until the next action only */
        next->kind = DELIVERED;
        next->size = action->u.deliver.data.size;
        memcpy(delivered, action->u.deliver.data.data, next->size);
        break;
    case SIPC_ACTION_RESULT:
        next->kind = ENDED;
        next->operation = action->u.result.operation;
        next->outcome = action->u.result.outcome;
        break;
    case SIPC_ACTION_STATE:
        printf("%s: session is %s\n", host->name, sipc_state_name(action->u.state.state));
        break;
    case SIPC_ACTION_DISCARD: /* counted by the endpoint */
        break;
    }
}

static void host_drain(struct udp_host *host);

static void host_follow(struct udp_host *host, const struct follow_up *next, uint8_t *delivered)
{
    if (next->kind == SENT) {
        /* SIPC_E_UNKNOWN: an ack was faster, the aftermath means nothing any more (SND-9). */
        enum sipc_status status =
            sipc_endpoint_sent(host->endpoint, udp_host_clock(), next->token, next->success);
        if (status == SIPC_OK)
            host_drain(host);
    } else if (next->kind == DELIVERED) {
        host->on_deliver(host, next->session, (struct sipc_span){delivered, next->size});
    } else if (next->kind == ENDED && host->on_result != NULL) {
        host->on_result(host, next->session, next->operation, next->outcome);
    }
}

static void host_drain(struct udp_host *host)
{
    uint8_t *delivered = malloc(SIPC_GROUP_BYTES_MAX); /* at most one delivery per event */
    struct follow_up next[FOLLOW_UPS_MAX] = {{.kind = NOTHING}};
    struct sipc_action action;
    size_t count = 0;

    must(delivered != NULL, "malloc");
    while (sipc_endpoint_next_action(host->endpoint, &action))
        host_act(host, &action, &next[count++], delivered);
    for (size_t i = 0; i < count; i++)
        host_follow(host, &next[i], delivered);
    free(delivered);
}

void udp_host_readable(struct udp_host *host)
{
    static uint8_t datagram[SIPC_PDU_SIZE_MAX + 1]; /* one more, to see what is too long */
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t size;

    while ((size = recvfrom(host->fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from,
                            &from_size)) >= 0) {
        must(sipc_endpoint_receive(host->endpoint, udp_host_clock(), peer_of(&from),
                                   (struct sipc_span){datagram, (size_t)size}) == SIPC_OK,
             "sipc_endpoint_receive");
        host_drain(host);
    }
}

void udp_host_advance(struct udp_host *host)
{
    while (sipc_endpoint_deadline(host->endpoint) <= udp_host_clock()) {
        must(sipc_endpoint_advance(host->endpoint, udp_host_clock()) == SIPC_OK,
             "sipc_endpoint_advance");
        host_drain(host);
    }
}

int udp_host_timeout_ms(const struct udp_host *host)
{
    sipc_time deadline = sipc_endpoint_deadline(host->endpoint);
    sipc_time now = udp_host_clock();

    if (deadline == SIPC_NEVER)
        return -1;
    return deadline <= now ? 0 : (int)((deadline - now + SIPC_NS_PER_MS - 1) / SIPC_NS_PER_MS);
}

sipc_session udp_host_connect(struct udp_host *host, uint16_t port)
{
    uint8_t id[SIPC_SESSION_ID_SIZE] = "an id nobody else has: a UUID";
    sipc_session session = 0;

    must(sipc_session_open(host->endpoint, udp_host_clock(),
                           (sipc_peer)INADDR_LOOPBACK << 16 | port, id, INT64_MIN,
                           &session) == SIPC_OK,
         "sipc_session_open");
    host_drain(host);
    return session;
}

void udp_host_send(struct udp_host *host, sipc_session session, const void *data, size_t size)
{
    struct sipc_message message = {.handle = 1, .size = size};

    must(size <= sizeof host->message, "message too long for this example");
    memcpy(host->message, data, size);
    host->message_size = size;
    must(sipc_session_send(host->endpoint, udp_host_clock(), session, &message) == SIPC_OK,
         "sipc_session_send");
    host_drain(host);
}

void udp_host_finish(struct udp_host *host, sipc_session session)
{
    must(sipc_session_close(host->endpoint, udp_host_clock(), session, SIPC_ABORT_NORMAL, 2) ==
             SIPC_OK,
         "sipc_session_close");
    host_drain(host);
}
