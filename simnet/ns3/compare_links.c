/* The links of a scenario without its endpoints. A first run notes what enters the links; then
 * hosts that only send that again, at the same times, are put in the place of the endpoints, and
 * nobody watches, checks or hashes. Heads are kept, as what befalls a datagram goes by its name;
 * payload is anything of that size. See compare.h. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "compare_clock.h"
#include "simnet/compare.h"

struct entry {
    sipc_time at_ns;
    sipc_peer to;
    size_t head_at; /* in `heads` */
    uint32_t head, payload;
};

struct player {
    struct simnet_compared_links *links;
    struct simnet_world *world;
    simnet_host host;
    struct entry *entries;
    size_t count, capacity, next;
    uint8_t *heads;
    size_t head_bytes, head_capacity;
    sipc_time now;
    uint64_t message; /* that payload is taken from */
    const struct simnet_driver *inner;
    void *inner_self;
};

static void *links_grow(void *at, size_t need, size_t *capacity, size_t size)
{
    if (need <= *capacity)
        return at;
    *capacity = need > 2 * *capacity ? need : 2 * *capacity;
    at = realloc(at, *capacity * size);
    SIPC_ASSERT(at != NULL);
    return at;
}

/* ---- what enters ---- */

struct noted {
    struct player *players; /* by host */
};

static void links_note(void *ctx, const struct simnet_event *event)
{
    const struct noted *noted = ctx;
    const struct simnet_datagram *datagram = event->datagram;
    sipc_time at_ns =
        event->time_ns > 0 ? event->time_ns : 1; /* the message for payload begins first */

    if (event->kind != SIMNET_EVENT_STAGE || event->stage != SIMNET_STAGE_ENTER)
        return;
    struct player *player = &noted->players[datagram->from];
    size_t size = datagram->head.size;
    player->entries =
        links_grow(player->entries, player->count + 1, &player->capacity, sizeof *player->entries);
    player->heads = links_grow(player->heads, player->head_bytes + size, &player->head_capacity, 1);
    if (size > 0)
        memcpy(player->heads + player->head_bytes, datagram->head.data, size);
    player->entries[player->count++] =
        (struct entry){at_ns, datagram->to_address, player->head_bytes, (uint32_t)size,
                       (uint32_t)datagram->payload.size};
    player->head_bytes += size;
}

static bool links_note_all(const struct simnet_scenario *scenario,
                           const struct simnet_scenario_options *options, struct player *players,
                           struct simnet_error *error, int *line, bool *foreign)
{
    struct noted noted = {players};
    const struct simnet_observer observer = {&noted, SIMNET_WANT_VERDICTS, links_note};
    struct simnet_scenario_options build = *options;
    struct simnet_scenario_run run;

    build.hash_off = true;
    build.rounds_each = true;
    build.observers = &observer;
    build.observer_count = 1;
    if (!simnet_scenario_build(scenario, &build, &run, error, line, foreign))
        return false;
    simnet_scenario_go(&run);
    simnet_scenario_run_fini(&run);
    return true;
}

/* ---- hosts that play it ---- */

static sipc_time player_deadline(const void *self)
{
    const struct player *player = self;

    return player->next < player->count ? player->entries[player->next].at_ns : SIPC_NEVER;
}

static void player_advance(void *self, sipc_time now)
{
    ((struct player *)self)->now = now;
}

static void player_drain(void *self)
{
    struct player *player = self;

    while (player_deadline(player) <= player->now) {
        const struct entry *entry = &player->entries[player->next++];
        SIPC_ASSERT(entry->payload == 0 || player->message != 0);
        simnet_port_transmit(player->world, player->host,
                             &(struct simnet_transmit){
                                 .to = entry->to,
                                 .head = {player->heads + entry->head_at, entry->head},
                                 .message = player->message,
                                 .payload_size = entry->payload,
                             });
    }
}

static enum sipc_status player_send(void *self, sipc_time now, simnet_session session,
                                    bool unreliable, const struct simnet_driver_message *message)
{
    struct player *player = self;
    (void)now, (void)session, (void)unreliable;

    player->message = message->handle;
    return SIPC_OK;
}

static void player_receive(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    struct player *player = self;
    (void)now, (void)from, (void)bytes;

    player->links->arrivals++;
}

static void player_fini(void *self)
{
    struct player *player = self;

    if (player->inner->fini != NULL)
        player->inner->fini(player->inner_self);
}

static const struct simnet_driver player_driver = {
    .drain = player_drain,
    .receive = player_receive,
    .advance = player_advance,
    .deadline = player_deadline,
    .send = player_send,
    .fini = player_fini,
};

/* ---- the world of links ---- */

/* What the links do, and nothing of the endpoints; a host is there throughout, by the world's
 * clock. */
static void links_only(struct simnet_scenario *scenario)
{
    for (size_t i = 0; i < scenario->hosts.count; i++) {
        scenario->hosts.at[i].kind = SIMNET_HOST_SCRIPTED;
        scenario->hosts.at[i].clock_ppm = 0;
        scenario->hosts.at[i].clock_ns = 0;
    }
    for (size_t i = scenario->changes.count; i-- > 0;) {
        enum simnet_change_kind kind = scenario->changes.at[i].what.kind;
        if (kind >= SIMNET_HOST_CRASH && kind != SIMNET_HOST_ADDRESS)
            simnet_scenario_remove(&scenario->changes, i);
    }
    scenario->traffic.count = scenario->operations.count = scenario->pdus.count = 0;
    scenario->reactions.count = scenario->expectations.count = 0;
}

/* A message for payload, begun before anything else. A host that sends payload has a session. */
static void links_begin_message(struct simnet_scenario_run *run, struct player *player)
{
    const struct simnet_scenario *scenario = run->scenario;

    for (size_t i = 0; i < scenario->sessions.count; i++)
        if (scenario->sessions.at[i].a == player->host ||
            scenario->sessions.at[i].b == player->host) {
            simnet_operation_at(run->world, 0,
                                &(struct simnet_operation){.command = SIMNET_COMMAND_SEND,
                                                           .host = player->host,
                                                           .session = run->sessions[i],
                                                           .size = SIPC_PDU_SIZE_MAX});
            return;
        }
}

static bool links_play(const struct simnet_scenario *scenario,
                       const struct simnet_scenario_options *options, struct player *players,
                       struct simnet_compared_links *out, struct simnet_error *error, int *line,
                       bool *foreign)
{
    struct simnet_scenario_options build = *options;
    struct simnet_scenario_run run;

    *out = (struct simnet_compared_links){0};
    build.hash_off = true;
    build.rounds_each = true;
    build.observer_count = 0;
    if (!simnet_scenario_build(scenario, &build, &run, error, line, foreign))
        return false;
    for (size_t i = 0; i < scenario->hosts.count; i++) {
        struct player *player = &players[i];
        player->links = out;
        player->world = run.world;
        player->host = (simnet_host)i;
        player->next = 0;
        player->now = 0;
        player->message = 0;
        simnet_host_wrap(run.world, player->host, &player_driver, player, &player->inner,
                         &player->inner_self);
        links_begin_message(&run, player);
    }
    uint64_t start = compare_cpu_ns();
    simnet_scenario_go(&run);
    out->cpu_ns = compare_cpu_ns() - start;
    simnet_scenario_run_fini(&run);
    return true;
}

bool simnet_compare_links(const struct simnet_scenario *scenario,
                          const struct simnet_carrier *other,
                          const struct simnet_scenario_options *options,
                          struct simnet_compared_links out[2], struct simnet_error *error,
                          int *line, bool *foreign)
{
    struct player *players = calloc(scenario->hosts.count + 1, sizeof *players);
    struct simnet_scenario_options with = *options;
    struct simnet_scenario bare;

    SIPC_ASSERT(players != NULL);
    simnet_scenario_copy(scenario, &bare);
    links_only(&bare);
    with.carrier = NULL;
    bool ran = links_note_all(scenario, &with, players, error, line, foreign) &&
               links_play(&bare, &with, players, &out[0], error, line, foreign);
    with.carrier = other;
    ran = ran && links_play(&bare, &with, players, &out[1], error, line, foreign);
    for (size_t i = 0; i < scenario->hosts.count; i++) {
        free(players[i].entries);
        free(players[i].heads);
    }
    free(players);
    simnet_scenario_fini(&bare);
    return ran;
}
