/* Embedding the engine: two endpoints in one process, and a message from one to the other.
 *
 * The engine does no I/O and has no clock, so the program brings both: here the network is a queue
 * in memory that loses nothing, and time jumps from deadline to deadline. A program with real
 * sockets has the same loop: feed one event, drain the actions, ask for the deadline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sipc/session.h"

/* What is still to be fed to an endpoint: a datagram that arrives, or the aftermath of one. */
struct event {
    struct host *host;
    bool arrival;
    sipc_peer from;
    uint64_t token; /* aftermath */
    size_t size;    /* arrival */
    uint8_t bytes[SIPC_PDU_SIZE_MAX];
};

struct host {
    const char *name;
    sipc_peer address;
    struct host *peer;
    struct sipc_endpoint *endpoint;
};

/* A PDU causes at most an arrival and an aftermath, and a window has at most 16 of them. */
enum { QUEUE_MAX = 64 };
static struct event *queue[QUEUE_MAX];
static size_t queue_head, queue_count;
static bool finished;

static const char hello[] = "hello, bob";
enum { HELLO_HANDLE = 1, CLOSE_HANDLE = 2 };

static void must(enum sipc_status status, const char *what)
{
    if (status != SIPC_OK) {
        fprintf(stderr, "embed: %s: status %d\n", what, (int)status);
        exit(1);
    }
}

static struct event *push(struct host *host)
{
    struct event *event = calloc(1, sizeof(*event));
    if (event == NULL || queue_count == QUEUE_MAX) {
        fputs("embed: out of memory\n", stderr);
        exit(1);
    }
    event->host = host;
    queue[(queue_head + queue_count++) % QUEUE_MAX] = event;
    return event;
}

/* TRANSMIT: the head, then a piece of the message, which never left the program's own memory. */
static void transmit(struct host *host, const struct sipc_action *action)
{
    struct event *event = push(host->peer);
    event->arrival = true;
    event->from = host->address;
    memcpy(event->bytes, action->u.transmit.head.data, action->u.transmit.head.size);
    event->size = action->u.transmit.head.size;
    if (action->u.transmit.payload_size > 0) {
        memcpy(event->bytes + event->size, hello + action->u.transmit.payload_offset,
               action->u.transmit.payload_size);
        event->size += action->u.transmit.payload_size;
    }
    if (action->u.transmit.owed)
        push(host)->token = action->u.transmit.token;
}

static void act(struct host *host, sipc_time now, const struct sipc_action *action)
{
    unsigned long long ms = now / SIPC_NS_PER_MS;
    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        transmit(host, action);
        break;
    case SIPC_ACTION_DELIVER:
        printf("%4llu ms  %-5s  received \"%.*s\"\n", ms, host->name,
               (int)action->u.deliver.data.size, (const char *)action->u.deliver.data.data);
        break;
    case SIPC_ACTION_RESULT:
        printf("%4llu ms  %-5s  %s: %s\n", ms, host->name,
               action->u.result.handle == HELLO_HANDLE ? "send" : "close",
               sipc_outcome_name(action->u.result.outcome));
        finished = action->u.result.handle == CLOSE_HANDLE;
        break;
    case SIPC_ACTION_STATE:
        printf("%4llu ms  %-5s  session is %s\n", ms, host->name,
               sipc_state_name(action->u.state.state));
        break;
    case SIPC_ACTION_DISCARD:
        printf("%4llu ms  %-5s  discarded a PDU: %s\n", ms, host->name,
               sipc_discard_name(action->u.discard.reason));
        break;
    }
}

static void drain(struct host *host, sipc_time now)
{
    struct sipc_action action;
    while (sipc_endpoint_next_action(host->endpoint, &action))
        act(host, now, &action);
}

/* Feeds what is queued, one event at a time. */
static void settle(sipc_time now)
{
    while (queue_count > 0) {
        struct event *event = queue[queue_head];
        queue_head = (queue_head + 1) % QUEUE_MAX;
        queue_count--;
        struct sipc_endpoint *endpoint = event->host->endpoint;
        enum sipc_status status;
        if (event->arrival)
            status = sipc_endpoint_receive(endpoint, now, event->from,
                                           (struct sipc_span){event->bytes, event->size});
        else
            status = sipc_endpoint_sent(endpoint, now, event->token, true);
        /* SIPC_E_UNKNOWN: an ack was faster and has made the aftermath meaningless (SND-9). */
        if (status != SIPC_E_UNKNOWN)
            must(status, event->arrival ? "receive" : "sent");
        drain(event->host, now);
        free(event);
    }
}

/* The engine wants one zeroed block, 16-byte aligned, and keeps all its state there. */
static void *start(struct host *host)
{
    struct sipc_config config;
    sipc_config_default(&config);
    config.max_sessions = 4;
    size_t size = sipc_endpoint_size(&config);
    void *block = calloc(1, size);
    if (block == NULL) {
        fputs("embed: out of memory\n", stderr);
        exit(1);
    }
    must(sipc_endpoint_init(block, size, &config, 0, &host->endpoint), "init");
    return block;
}

int main(void)
{
    struct host alice = {.name = "alice", .address = 1};
    struct host bob = {.name = "bob", .address = 2, .peer = &alice};
    alice.peer = &bob;
    void *alice_block = start(&alice);
    void *bob_block = start(&bob);

    const uint8_t session_id[SIPC_SESSION_ID_SIZE] = "any 32 bytes, best random ones";
    const struct sipc_message message = {.handle = HELLO_HANDLE, .size = strlen(hello)};
    sipc_time now = 0;
    sipc_session session;
    must(sipc_session_open(alice.endpoint, now, bob.address, session_id, INT64_MIN, &session),
         "open");
    drain(&alice, now);
    must(sipc_session_send(alice.endpoint, now, session, &message), "send");
    drain(&alice, now);
    settle(now);

    must(sipc_session_close(alice.endpoint, now, session, SIPC_ABORT_NORMAL, CLOSE_HANDLE),
         "close");
    drain(&alice, now);
    settle(now);

    /* What is left happens by time alone: bob's side of the session is disposed after a linger. */
    while (sipc_session_find(bob.endpoint, alice.address, session_id) != 0) {
        now = sipc_endpoint_deadline(bob.endpoint);
        must(sipc_endpoint_advance(bob.endpoint, now), "advance");
        drain(&bob, now);
    }
    free(alice_block);
    free(bob_block);
    return finished ? 0 : 1;
}
