/* See simnet/judge.h. Translates events of a world into those of a judge; decides nothing.
 * SPDX-License-Identifier: MIT */
#include "simnet/judge.h"

#include <stdlib.h>
#include <string.h>

#include "conform/judge_engine.h"
#include "simnet/host.h"

enum {
    JUDGES_ATTRIBUTES_MAX = 256,
    JUDGES_CLOCK_NS = 1000,     /* what a host's clock may be off by rounding */
    JUDGES_ANSWER_NS = 1000000, /* within which a host answers */
};

struct watched {
    struct judge_config config;
    struct judge *judge; /* NULL: the host is down, or not watched */
    simnet_host host;
    bool wire_only;
    sipc_time from_ns;
};

struct simnet_judges {
    struct simnet_world *world;
    struct watched *hosts;
    size_t host_count;
    struct watched *ended; /* judges of lives that are over */
    size_t ended_count;
    uint8_t bytes[SIMNET_DATAGRAM_SIZE_MAX];
    struct judge_attribute attributes[JUDGES_ATTRIBUTES_MAX];
};

static struct watched *judges_of(struct simnet_judges *judges, simnet_host host)
{
    for (size_t i = 0; i < judges->host_count; i++) {
        if (judges->hosts[i].host == host) {
            return &judges->hosts[i];
        }
    }
    return NULL;
}

static struct watched *judges_grow(struct watched *list, size_t count)
{
    struct watched *grown = realloc(list, (count + 1) * sizeof *grown);

    SIPC_ASSERT(grown != NULL);
    return grown;
}

static void judges_feed(struct simnet_judges *judges, simnet_host host, struct judge_event *event)
{
    struct watched *watched = judges_of(judges, host);

    if (watched == NULL || watched->judge == NULL ||
        simnet_world_now(judges->world) < watched->from_ns ||
        (watched->wire_only && event->kind > JUDGE_TX && event->kind != JUDGE_TIME)) {
        return;
    }
    event->at_ns = simnet_host_clock(judges->world, host);
    judge_feed(watched->judge, event);
}

/* ---- lives ---- */

static void judges_life_ends(struct simnet_judges *judges, struct watched *watched)
{
    if (watched->judge == NULL) {
        return;
    }
    judges->ended = judges_grow(judges->ended, judges->ended_count);
    judges->ended[judges->ended_count++] = *watched;
    watched->judge = NULL;
}

static void judges_life_begins(struct watched *watched)
{
    watched->judge = judge_new(&watched->config);
    SIPC_ASSERT(watched->judge != NULL);
}

static void judges_change(struct simnet_judges *judges, const struct simnet_event *event)
{
    struct watched *watched = judges_of(judges, event->host);
    struct judge_event gap = {.kind = JUDGE_GAP};

    if (watched == NULL) {
        return;
    }
    switch (event->change) {
    case SIMNET_HOST_CRASH:
        judges_life_ends(judges, watched);
        break;
    case SIMNET_HOST_RESTART:
        judges_life_ends(judges, watched);
        judges_life_begins(watched);
        break;
    case SIMNET_HOST_PAUSE:
    case SIMNET_HOST_RESUME:
    case SIMNET_HOST_CLOCK_STEP:
        if (watched->judge != NULL) {
            judge_feed(watched->judge, &gap);
        }
        break;
    default:
        break;
    }
}

/* ---- datagrams ---- */

static void judges_stage(struct simnet_judges *judges, const struct simnet_event *event)
{
    bool enters = event->stage == SIMNET_STAGE_ENTER ||
                  (event->link == SIMNET_NONE && event->verdict == SIMNET_DROP);
    bool arrives = event->stage == SIMNET_STAGE_ARRIVE && event->verdict == SIMNET_PASS;
    struct judge_event out = {.pdu = {judges->bytes, 0}};

    if (!enters && !arrives) {
        return;
    }
    out.pdu.size = simnet_datagram_copy(event->datagram, judges->bytes, sizeof judges->bytes);
    if (enters) {
        out.kind = JUDGE_TX;
        out.peer = event->datagram->to_address;
        out.token = event->token;
        judges_feed(judges, event->datagram->from, &out);
    } else {
        out.kind = JUDGE_RX;
        out.peer = event->datagram->from_address;
        judges_feed(judges, event->datagram->to, &out);
    }
}

/* ---- applications ---- */

static void judges_operation(struct simnet_judges *judges, const struct simnet_event *event)
{
    static const enum judge_event_kind kinds[] = {
        [SIMNET_COMMAND_SEND] = JUDGE_SEND,
        [SIMNET_COMMAND_SEND_UNRELIABLE] = JUDGE_SEND_UNRELIABLE,
        [SIMNET_COMMAND_CLOSE] = JUDGE_CLOSE,
        [SIMNET_COMMAND_OPEN] = JUDGE_OPEN,
        [SIMNET_COMMAND_DISPOSE] = JUDGE_DISPOSE,
        [SIMNET_COMMAND_SHUTDOWN] = JUDGE_SHUTDOWN,
    };
    struct judge_event out = {
        .kind = kinds[event->command],
        .session = event->session_id,
        .peer = event->command == SIMNET_COMMAND_OPEN ? event->remote : JUDGE_PEER_UNKNOWN,
        .operation = event->operation,
        .size = event->size,
        .skip = event->skip,
        .code = event->code,
        .idle_timeout_ms = -1,
        .grace_ms = -1,
    };

    if (event->status != SIPC_OK) {
        return; /* refused: nothing happened */
    }
    if (event->command == SIMNET_COMMAND_OPEN && event->idle_timeout_ns != INT64_MIN) {
        out.idle_timeout_ms =
            event->idle_timeout_ns > 0 ? event->idle_timeout_ns / (int64_t)SIPC_NS_PER_MS : 0;
    }
    if (event->given_count <= JUDGES_ATTRIBUTES_MAX) {
        for (size_t i = 0; i < event->given_count; i++) {
            judges->attributes[i] =
                (struct judge_attribute){event->given[i].name, event->given[i].value};
        }
        out.attributes = judges->attributes;
        out.attribute_count = event->given_count;
    }
    judges_feed(judges, event->host, &out);
}

static void judges_deliver(struct simnet_judges *judges, const struct simnet_event *event)
{
    struct judge_event out = {.kind = JUDGE_DELIVER,
                              .session = event->session_id,
                              .peer = event->remote,
                              .data = event->data};
    struct sipc_span rest = event->attributes;

    out.attributes = judges->attributes;
    while (out.attribute_count < JUDGES_ATTRIBUTES_MAX &&
           sipc_attribute_next(&rest, &judges->attributes[out.attribute_count].name,
                               &judges->attributes[out.attribute_count].value)) {
        out.attribute_count++;
    }
    judges_feed(judges, event->host, &out);
}

static void judges_result(struct simnet_judges *judges, const struct simnet_event *event)
{
    struct judge_event out = {.kind = JUDGE_RESULT,
                              .session = event->session_id,
                              .peer = JUDGE_PEER_UNKNOWN,
                              .operation = event->operation,
                              .outcome = judge_outcome_of(event->outcome),
                              .code = event->code};

    judges_feed(judges, event->host, &out);
}

static void judges_state(struct simnet_judges *judges, const struct simnet_event *event)
{
    struct judge_event out = {.kind = JUDGE_STATE,
                              .session = event->session_id,
                              .peer = event->remote,
                              .state = (enum judge_state)event->state,
                              .has_code = event->code != 0,
                              .code = event->code};

    judges_feed(judges, event->host, &out);
}

static void judges_event(void *ctx, const struct simnet_event *event)
{
    struct simnet_judges *judges = ctx;
    struct judge_event out = {.kind = JUDGE_AFTERMATH};

    switch (event->kind) {
    case SIMNET_EVENT_STAGE:
        judges_stage(judges, event);
        break;
    case SIMNET_EVENT_AFTERMATH:
        out.token = event->token;
        out.ok = event->ok;
        judges_feed(judges, event->host, &out);
        break;
    case SIMNET_EVENT_OPERATION:
        judges_operation(judges, event);
        break;
    case SIMNET_EVENT_DELIVER:
        judges_deliver(judges, event);
        break;
    case SIMNET_EVENT_RESULT:
        judges_result(judges, event);
        break;
    case SIMNET_EVENT_STATE:
        judges_state(judges, event);
        break;
    case SIMNET_EVENT_CHANGE:
        judges_change(judges, event);
        break;
    default:
        break;
    }
}

/* ---- what is offered ---- */

struct simnet_judges *simnet_judges_new(struct simnet_world *world)
{
    struct simnet_judges *judges = calloc(1, sizeof *judges);
    struct simnet_observer observer = {
        .ctx = judges,
        .wants = SIMNET_WANT_VERDICTS | SIMNET_WANT_APPLICATION | SIMNET_WANT_AFTERMATHS |
                 SIMNET_WANT_CHANGES,
        .event = judges_event,
    };

    SIPC_ASSERT(judges != NULL);
    judges->world = world;
    simnet_observe(world, &observer);
    return judges;
}

void simnet_judges_free(struct simnet_judges *judges)
{
    for (size_t i = 0; i < judges->host_count; i++) {
        judge_free(judges->hosts[i].judge);
    }
    for (size_t i = 0; i < judges->ended_count; i++) {
        judge_free(judges->ended[i].judge);
    }
    free(judges->hosts);
    free(judges->ended);
    free(judges);
}

static int64_t judges_ms(int64_t ns)
{
    return ns > 0 ? ns / (int64_t)SIPC_NS_PER_MS : 0;
}

static void judges_settings(struct judge_config *config, const struct sipc_config *settings)
{
    config->mtu = settings->mtu;
    config->max_window_size = settings->max_window_size;
    config->ack_timeout_ms = judges_ms((int64_t)settings->ack_timeout_ns);
    config->max_retry_count = settings->max_retry_count;
    config->open_timeout_ms = judges_ms((int64_t)settings->open_timeout_ns);
    config->idle_timeout_ms = judges_ms(settings->idle_timeout_ns);
    config->enquire_link_interval_ms = judges_ms((int64_t)settings->enquire_link_interval_ns);
    config->linger_ms = settings->linger_ns == SIPC_NEVER
                            ? 2 * ((int64_t)settings->max_retry_count + 1) * config->ack_timeout_ms
                            : judges_ms((int64_t)settings->linger_ns);
    config->max_sessions = settings->max_sessions;
    config->accept = settings->accept;
    config->require_first_in_window_group = settings->require_first_in_window_group;
    judge_config_set(config, "window_id_step", settings->window_id_step);
    judge_config_set(config, "window_id_max", settings->window_id_max);
    judge_config_set(config, "group_bytes_max", settings->group_bytes_max);
    config->stream = settings->stream;
}

static struct watched *judges_add(struct simnet_judges *judges, simnet_host host, const bool *off)
{
    judges->hosts = judges_grow(judges->hosts, judges->host_count);
    struct watched *watched = &judges->hosts[judges->host_count++];

    *watched = (struct watched){.host = host};
    judge_config_init(&watched->config);
    watched->config.early_ns = watched->config.late_ns = JUDGES_CLOCK_NS;
    watched->config.answer_ns = JUDGES_ANSWER_NS;
    watched->config.off = off;
    return watched;
}

void simnet_judges_watch(struct simnet_judges *judges, simnet_host host,
                         const struct sipc_config *settings, const bool *off)
{
    struct watched *watched = judges_add(judges, host, off);

    if (settings != NULL) {
        judges_settings(&watched->config, settings);
    }
    watched->config.knows = JUDGE_NEEDS_SYNC | JUDGE_NEEDS_EVENTS | JUDGE_NEEDS_COMMANDS |
                            JUDGE_NEEDS_AFTERMATHS | JUDGE_NEEDS_ARRIVALS | JUDGE_NEEDS_STATES;
    judges_life_begins(watched);
}

void simnet_judges_watch_wire(struct simnet_judges *judges, simnet_host host, sipc_time from_ns,
                              const bool *off)
{
    struct watched *watched = judges_add(judges, host, off);

    watched->wire_only = true;
    watched->from_ns = from_ns;
    judges_life_begins(watched);
}

void simnet_judges_finish(struct simnet_judges *judges)
{
    struct judge_event event = {.kind = JUDGE_TIME};

    for (size_t i = 0; i < judges->host_count; i++) {
        if (simnet_host_is_up(judges->world, judges->hosts[i].host)) {
            judges_feed(judges, judges->hosts[i].host, &event);
        }
    }
}

const struct judge_finding *simnet_judges_finding(const struct simnet_judges *judges, size_t index,
                                                  simnet_host *host)
{
    size_t count = judges->ended_count + judges->host_count;

    for (size_t i = 0; i < count; i++) {
        const struct watched *watched =
            i < judges->ended_count ? &judges->ended[i] : &judges->hosts[i - judges->ended_count];
        size_t findings = watched->judge != NULL ? judge_finding_count(watched->judge) : 0;
        findings = findings < JUDGE_FINDINGS_MAX ? findings : JUDGE_FINDINGS_MAX;
        if (index < findings) {
            if (host != NULL) {
                *host = watched->host;
            }
            return judge_finding(watched->judge, index);
        }
        index -= findings;
    }
    return NULL;
}

uint64_t simnet_judges_exercised(const struct simnet_judges *judges, enum sipc_rule rule)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < judges->ended_count; i++) {
        sum += judge_exercised(judges->ended[i].judge, rule);
    }
    for (size_t i = 0; i < judges->host_count; i++) {
        sum += judges->hosts[i].judge != NULL ? judge_exercised(judges->hosts[i].judge, rule) : 0;
    }
    return sum;
}
