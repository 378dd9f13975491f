/* The link between the script and the SUT: each peer of the script is a host of a simulated world,
 * the SUT is another, and between them lie the simulator's links. The world has no time of its own
 * here: it is run up to the SUT's. The judge sits at the SUT's end and sees what gets there.
 *
 * The SUT is told nothing of it, and aftermaths stay what they are: the link is behind its network.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "simnet/world.h"

enum { LINK_DATAGRAM_MAX = SIPC_PDU_SIZE_MAX + 500 }; /* what a world takes */

struct link_arrival {
    bool at_sut;
    size_t peer; /* index in runner.peers */
    uint8_t *bytes;
    size_t size;
};
/* What the SUT sent: a copy that arrives has these bytes, unless it was damaged. */
struct link_sent {
    uint8_t *bytes;
    size_t size;
    uint64_t token;
    size_t trace;
};
struct run_link {
    struct runner *r;
    struct simnet_world *world;
    simnet_link to_sut, from_sut;
    simnet_host sut;
    simnet_host *hosts; /* by index of runner.peers */
    size_t host_count, host_capacity;
    struct link_arrival *arrivals;
    size_t arrival_count, arrival_capacity, arrived; /* those before `arrived` are given */
    struct link_sent *sent;
    size_t sent_count, sent_capacity;
    bool settling;
};

/* ---- what happens in the world ---- */

static size_t link_peer(const struct run_link *link, simnet_host host)
{
    size_t at = 0;

    while (at < link->host_count && link->hosts[at] != host) {
        at++;
    }
    return at;
}

static void link_receive(struct run_link *link, bool at_sut, simnet_host peer,
                         struct sipc_span bytes)
{
    link->arrivals = run_grow(link->arrivals, link->arrival_count, &link->arrival_capacity,
                              sizeof *link->arrivals);
    struct link_arrival *arrival = &link->arrivals[link->arrival_count++];
    *arrival =
        (struct link_arrival){.at_sut = at_sut, .peer = link_peer(link, peer), .size = bytes.size};
    arrival->bytes = malloc(bytes.size + 1);
    SIPC_ASSERT(arrival->bytes != NULL);
    if (bytes.size > 0) {
        memcpy(arrival->bytes, bytes.data, bytes.size);
    }
}

static const char *link_did(const struct simnet_event *event, struct conform_link_work *work)
{
    switch (event->verdict) {
    case SIMNET_DROP:
        work->lost++;
        return "lost";
    case SIMNET_COPIES:
        work->doubled++;
        return "doubled";
    case SIMNET_FLIP:
    case SIMNET_TRUNCATE:
    case SIMNET_EXTEND:
        work->damaged++;
        return "damaged";
    case SIMNET_DELAY:
        work->moved++;
        return NULL; /* its arrival shows it */
    default:
        work->moved++;
        return "out of order";
    }
}

static void link_touch(struct runner *r)
{
    r->touched = r->record->link.touched = true;
}

static void link_tell(struct run_link *link, const char *what, const struct simnet_event *event)
{
    struct runner *r = link->r;
    const struct simnet_datagram *datagram = event->datagram;
    bool to_sut = datagram->from != link->sut;
    const struct sipc_span none = {NULL, 0};
    struct run_text text;
    FILE *out = run_text_begin(&text);

    fprintf(out, "%s on the way %s the SUT", what, to_sut ? "to" : "from");
    if (event->why != NULL && strcmp(event->why, "loss") != 0) {
        fprintf(out, " (%s)", event->why);
    }
    fputs(": ", out);
    conform_print_pdu(datagram->head, out);
    run_trace_add(r, event->time_ns, '~',
                  r->peers[link_peer(link, to_sut ? datagram->from : datagram->to)],
                  run_text_end(&text), none);
}

static void link_event(void *ctx, const struct simnet_event *event)
{
    struct run_link *link = ctx;
    struct conform_link_work *work = &link->r->record->link;

    if (event->stage == SIMNET_STAGE_ENTER) {
        work->entered++;
    }
    if (event->verdict == SIMNET_PASS) {
        return;
    }
    link_touch(link->r);
    const char *what = link_did(event, work);
    if (what != NULL) {
        link_tell(link, what, event);
    }
}

static void link_at_sut(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    struct run_link *link = self;

    (void)now;
    link_receive(link, true, simnet_host_of_address(link->world, from), bytes);
}

/* A peer's host: its own index is not told, so it has it. */
struct link_end {
    struct run_link *link;
    simnet_host host;
};

static void link_at_peer(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    const struct link_end *end = self;

    (void)now;
    (void)from;
    link_receive(end->link, false, end->host, bytes);
}

/* ---- entering ---- */

static simnet_host link_host(struct run_link *link, const char *peer)
{
    static const struct simnet_driver driver = {.receive = link_at_peer, .fini = free};
    size_t at = 0;

    while (strcmp(link->r->peers[at], peer) != 0) {
        at++;
    }
    while (link->host_count <= at) {
        struct link_end *end = malloc(sizeof *end);
        SIPC_ASSERT(end != NULL);
        *end = (struct link_end){link, simnet_host_add(link->world, NULL, &driver, end)};
        simnet_route(link->world, end->host, link->sut, link->to_sut);
        simnet_route(link->world, link->sut, end->host, link->from_sut);
        link->hosts =
            run_grow(link->hosts, link->host_count, &link->host_capacity, sizeof *link->hosts);
        link->hosts[link->host_count++] = end->host;
    }
    return link->hosts[at];
}

/* From one host to another, at the SUT's time. */
static void link_enter(struct run_link *link, simnet_host from, simnet_host to,
                       struct sipc_span pdu)
{
    const struct simnet_transmit transmit = {.to = simnet_host_address(link->world, to),
                                             .head = pdu};

    if (pdu.size > LINK_DATAGRAM_MAX) {
        link->r->record->link.lost++; /* longer than any datagram */
        link_touch(link->r);
        return;
    }
    simnet_world_run(link->world, conform_sut_now(link->r->sut));
    simnet_port_transmit(link->world, from, &transmit);
}

bool run_send(struct runner *r, const char *peer, struct sipc_span pdu)
{
    if (r->link == NULL) {
        return run_give(r, peer, pdu);
    }
    simnet_host host = link_host(r->link, peer);
    link_enter(r->link, host, r->link->sut, pdu);
    return run_link_settle(r);
}

bool run_link_take(struct runner *r, struct conform_out *out, size_t trace)
{
    struct run_link *link = r->link;
    const struct sipc_span pdu = {out->bytes, out->size};

    if (link == NULL) {
        return false;
    }
    link->sent = run_grow(link->sent, link->sent_count, &link->sent_capacity, sizeof *link->sent);
    link->sent[link->sent_count++] = (struct link_sent){out->bytes, out->size, out->token, trace};
    out->bytes = NULL;
    simnet_host host = link_host(link, out->remote);
    link_enter(link, link->sut, host, pdu);
    return true;
}

/* ---- arriving ---- */

static void link_to_peer(struct run_link *link, const struct link_arrival *arrival)
{
    struct runner *r = link->r;
    size_t trace = SIZE_MAX;
    struct conform_out out = {.kind = CONFORM_OUT_TX,
                              .at_ns = conform_sut_now(r->sut),
                              .remote = run_strdup(r->peers[arrival->peer]),
                              .bytes = arrival->bytes,
                              .size = arrival->size};

    for (size_t i = link->sent_count; i > 0 && trace == SIZE_MAX; i--) {
        const struct link_sent *sent = &link->sent[i - 1];
        if (sent->size == out.size && memcmp(sent->bytes, out.bytes, out.size) == 0) {
            out.token = sent->token;
            trace = sent->trace;
        }
    }
    run_arrive(r, &out, trace);
}

static bool link_give(struct run_link *link)
{
    const struct link_arrival arrival = link->arrivals[link->arrived++];
    bool going = true;

    if (link->arrived == link->arrival_count) {
        link->arrived = link->arrival_count = 0;
    }
    if (!arrival.at_sut) {
        link_to_peer(link, &arrival);
        return true;
    }
    going = run_give(link->r, link->r->peers[arrival.peer],
                     (struct sipc_span){arrival.bytes, arrival.size});
    free(arrival.bytes);
    return going;
}

bool run_link_settle(struct runner *r)
{
    struct run_link *link = r->link;
    bool going = true;

    if (link == NULL || link->settling) {
        return true;
    }
    link->settling = true;
    simnet_world_run(link->world, conform_sut_now(r->sut));
    while (going && link->arrived < link->arrival_count) {
        going = link_give(link);
        simnet_world_run(link->world, conform_sut_now(r->sut));
    }
    link->settling = false;
    if (simnet_world_next(link->world) != SIPC_NEVER) {
        link_touch(r);
    }
    return going;
}

uint64_t run_link_next(struct runner *r)
{
    return r->link != NULL ? simnet_world_next(r->link->world) : SIPC_NEVER;
}

/* ---- from begin to end ---- */

static uint64_t link_seed(const struct runner *r)
{
    uint64_t seed = r->options->seed;

    for (const char *c = r->env.case_name; *c != '\0'; c++) {
        seed = simnet_draw(seed, (uint8_t)*c);
    }
    return seed;
}

void run_link_name(struct runner *r)
{
    if (r->options->link != NULL) {
        free(r->record->link.text);
        r->record->link = (struct conform_link_work){.text = run_strdup(r->options->link->text),
                                                     .seed = r->options->seed};
    }
}

void run_link_begin(struct runner *r)
{
    static const struct simnet_driver driver = {.receive = link_at_sut};
    const struct conform_link *options = r->options->link;
    struct simnet_config config;
    struct simnet_error error;

    if (options == NULL || options->to_sut == NULL || !r->clock.is_virtual) {
        return;
    }
    struct run_link *link = calloc(1, sizeof *link);
    SIPC_ASSERT(link != NULL);
    simnet_config_default(&config);
    config.seed = link_seed(r);
    config.hash_off = config.keep_going = config.deliveries_unchecked = true;
    *link = (struct run_link){.r = r, .world = simnet_world_new(&config)};
    link->sut = simnet_host_add(link->world, NULL, &driver, link);
    bool fine = simnet_link_add(link->world, options->to_sut, &link->to_sut, &error) &&
                simnet_link_add(link->world, options->from_sut, &link->from_sut, &error);
    SIPC_ASSERT(fine);
    const struct simnet_observer observer = {link, SIMNET_WANT_VERDICTS, link_event};
    simnet_observe(link->world, &observer);
    r->link = link;
}

void run_link_end(struct runner *r)
{
    struct run_link *link = r->link;

    if (link == NULL) {
        return;
    }
    simnet_world_free(link->world);
    for (size_t i = link->arrived; i < link->arrival_count; i++) {
        free(link->arrivals[i].bytes);
    }
    for (size_t i = 0; i < link->sent_count; i++) {
        free(link->sent[i].bytes);
    }
    free(link->arrivals);
    free(link->sent);
    free(link->hosts);
    free(link);
    r->link = NULL;
}
