/* Hosts of a scenario as histories (case_sx.h), one for each life: each call into a host's driver
 * is a cause, what the world sees of the host until the next one is its effects. */
#include "shrink_sx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "case_sx.h"

enum { RECORDED_LIVES_MAX = 64, RECORDED_ATTRIBUTES_MAX = 2 * 65536, RECORDED_SIZE_MAX = 16 << 20 };

struct recorded {
    struct recorder *recorder;
    const struct simnet_scenario_host *host;
    const struct simnet_driver *inner;
    void *self;
    struct case_history *life; /* NULL: down, or what happens to it is nothing a case can tell */
    sipc_time started_ns;
    sipc_time now;    /* its clock at the last call */
    uint64_t *tokens; /* of its transmissions, in order; the place + 1 is their number */
    size_t token_count, token_capacity;
};

struct recorder {
    struct simnet_world *world;
    struct recorded *hosts; /* NULL driver: not recorded */
    size_t host_count;
    struct case_history lives[RECORDED_LIVES_MAX];
    size_t life_count;
    uint64_t order;
    const char *cut; /* why some history ends before the failure */
    size_t blamed;   /* life; SIZE_MAX: none */
    bool by_effect;
    uint8_t bytes[SIMNET_DATAGRAM_SIZE_MAX];
    uint8_t attributes[RECORDED_ATTRIBUTES_MAX];
};

/* ---- entries ---- */

/* NULL: it is not recorded any more. */
static struct case_entry *recorded_add(struct recorded *host, enum case_what what)
{
    if (host->life == NULL)
        return NULL;
    struct case_entry *entry = case_history_add(host->life, what, host->now - host->started_ns);
    entry->order = ++host->recorder->order;
    host->life->end_ns = entry->at_ns;
    return entry;
}

static struct case_entry *recorded_cause(struct recorded *host, enum case_what what, sipc_time now)
{
    host->now = now;
    return recorded_add(host, what);
}

static struct sipc_span recorded_bytes(struct recorded *host, struct sipc_span bytes)
{
    return (struct sipc_span){case_history_bytes(host->life, bytes.data, bytes.size), bytes.size};
}

static const uint8_t *recorded_session(struct recorded *host, simnet_session session)
{
    return case_history_bytes(host->life, simnet_session_id(host->recorder->world, session),
                              SIPC_SESSION_ID_SIZE);
}

/* What follows is nothing a case can tell. */
static void recorded_cut(struct recorded *host, const char *why)
{
    if (host->life != NULL)
        host->recorder->cut = why;
    host->life = NULL;
}

static uint64_t recorded_number(struct recorded *host, uint64_t token, bool add)
{
    for (size_t i = host->token_count; i > 0 && !add; i--)
        if (host->tokens[i - 1] == token)
            return i;
    if (!add)
        return 0;
    host->tokens = simnet_scenario_grow(host->tokens, host->token_count, &host->token_capacity,
                                        sizeof *host->tokens);
    host->tokens[host->token_count++] = token;
    return host->token_count;
}

/* ---- the driver in between ---- */

static enum sipc_status recorded_start(void *self, struct simnet_world *world, simnet_host index,
                                       sipc_time now)
{
    struct recorded *host = self;
    struct recorder *recorder = host->recorder;

    host->started_ns = host->now = now;
    host->token_count = 0;
    if (recorder->life_count < RECORDED_LIVES_MAX) {
        host->life = &recorder->lives[recorder->life_count++];
        *host->life = (struct case_history){
            .settings = host->host->settings,
            .manual = host->host->kind == SIMNET_HOST_ENGINE,
        };
    } else {
        recorder->cut = "hosts restart too often";
    }
    return host->inner->start(host->self, world, index, now);
}

static void recorded_stop(void *self)
{
    struct recorded *host = self;

    host->life = NULL;
    host->inner->stop(host->self);
}

static void recorded_drain(void *self)
{
    struct recorded *host = self;

    host->inner->drain(host->self);
}

static void recorded_receive(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    struct recorded *host = self;
    struct case_entry *entry = recorded_cause(host, CASE_RECEIVES, now);

    if (entry != NULL) {
        entry->peer = from;
        entry->bytes = recorded_bytes(host, bytes);
    }
    host->inner->receive(host->self, now, from, bytes);
}

static void recorded_sent(void *self, sipc_time now, uint64_t token, bool ok)
{
    struct recorded *host = self;
    uint64_t number = recorded_number(host, token, false);
    struct case_entry *entry =
        number > 0 ? recorded_cause(host, CASE_TOLD, now) : NULL; /* else none was awaited */

    if (entry != NULL) {
        entry->number = number;
        entry->ok = ok;
    }
    if (host->inner->sent != NULL)
        host->inner->sent(host->self, now, token, ok);
}

static void recorded_advance(void *self, sipc_time now)
{
    struct recorded *host = self;

    recorded_cause(host, CASE_ADVANCES, now);
    host->inner->advance(host->self, now);
}

static sipc_time recorded_deadline(const void *self)
{
    const struct recorded *host = self;

    return host->inner->deadline(host->self);
}

static struct case_entry *recorded_command(struct recorded *host, sipc_time now,
                                           enum simnet_command command, simnet_session session)
{
    struct case_entry *entry = recorded_cause(host, CASE_COMMANDS, now);

    if (entry == NULL)
        return NULL;
    entry->command = command;
    if (session != SIMNET_NONE) {
        const struct simnet_world *world = host->recorder->world;
        entry->session_id = recorded_session(host, session);
        entry->peer = simnet_host_address(
            world,
            simnet_session_other(world, session, (simnet_host)(host - host->recorder->hosts)));
    }
    return entry;
}

/* The command was the last entry made. */
static enum sipc_status recorded_began(struct recorded *host, enum sipc_status status)
{
    if (host->life != NULL)
        host->life->entries[host->life->count - 1].refused = status != SIPC_OK;
    return status;
}

static enum sipc_status recorded_open(void *self, sipc_time now, simnet_session session,
                                      sipc_peer remote, const uint8_t *session_id,
                                      int64_t idle_timeout_ns)
{
    struct recorded *host = self;
    struct case_entry *entry = recorded_command(host, now, SIMNET_COMMAND_OPEN, session);

    if (entry != NULL) {
        entry->peer = remote;
        entry->idle_timeout_ns = idle_timeout_ns;
    }
    return recorded_began(
        host, host->inner->open(host->self, now, session, remote, session_id, idle_timeout_ns));
}

/* Attributes in the form of deliveries. */
static struct sipc_span recorded_attributes(struct recorded *host,
                                            const struct simnet_driver_message *message)
{
    uint8_t *out = host->recorder->attributes;
    size_t used = 0;

    for (size_t i = 0; i < message->attribute_count; i++)
        if (sipc_attribute_add(message->attributes[i].name, message->attributes[i].value, out,
                               RECORDED_ATTRIBUTES_MAX, &used) != SIPC_OK)
            recorded_cut(host, "a message has more attributes than a line of a case");
    return (struct sipc_span){out, used};
}

static enum sipc_status recorded_send(void *self, sipc_time now, simnet_session session,
                                      bool unreliable, const struct simnet_driver_message *message)
{
    struct recorded *host = self;
    struct sipc_span attributes = recorded_attributes(host, message);

    if (message->size > RECORDED_SIZE_MAX)
        recorded_cut(host, "a message is longer than a case can say (16 MiB)");
    struct case_entry *entry = recorded_command(
        host, now, unreliable ? SIMNET_COMMAND_SEND_UNRELIABLE : SIMNET_COMMAND_SEND, session);
    if (entry != NULL) {
        uint8_t *bytes = case_history_bytes(host->life, NULL, message->size);
        for (uint64_t at = 0; at < message->size; at += SIPC_PDU_SIZE_MAX) {
            uint64_t left = message->size - at;
            struct sipc_span piece =
                simnet_message_bytes(host->recorder->world, message->handle, at,
                                     left < SIPC_PDU_SIZE_MAX ? (uint32_t)left : SIPC_PDU_SIZE_MAX);
            memcpy(bytes + at, piece.data, piece.size);
        }
        entry->bytes = (struct sipc_span){bytes, message->size};
        entry->attributes = recorded_bytes(host, attributes);
        entry->number = message->handle;
        entry->skip = message->skip;
    }
    return recorded_began(host, host->inner->send(host->self, now, session, unreliable, message));
}

static enum sipc_status recorded_close(void *self, sipc_time now, simnet_session session,
                                       int32_t code, uint64_t handle)
{
    struct recorded *host = self;
    struct case_entry *entry = recorded_command(host, now, SIMNET_COMMAND_CLOSE, session);

    if (entry != NULL) {
        entry->code = code;
        entry->number = handle;
    }
    return recorded_began(host, host->inner->close(host->self, now, session, code, handle));
}

static enum sipc_status recorded_dispose(void *self, sipc_time now, simnet_session session,
                                         int32_t code)
{
    struct recorded *host = self;
    struct case_entry *entry = recorded_command(host, now, SIMNET_COMMAND_DISPOSE, session);

    if (entry != NULL)
        entry->code = code;
    return recorded_began(host, host->inner->dispose(host->self, now, session, code));
}

static enum sipc_status recorded_shutdown(void *self, sipc_time now, sipc_time grace_ns)
{
    struct recorded *host = self;
    struct case_entry *entry = recorded_command(host, now, SIMNET_COMMAND_SHUTDOWN, SIMNET_NONE);

    if (entry != NULL)
        entry->grace_ns = grace_ns;
    return recorded_began(host, host->inner->shutdown(host->self, now, grace_ns));
}

static const char *recorded_check(const void *self)
{
    const struct recorded *host = self;

    return host->inner->check(host->self);
}

static void recorded_fini(void *self)
{
    struct recorded *host = self;

    host->inner->fini(host->self);
}

static const struct simnet_driver recorded_driver = {
    .start = recorded_start,
    .stop = recorded_stop,
    .drain = recorded_drain,
    .receive = recorded_receive,
    .sent = recorded_sent,
    .advance = recorded_advance,
    .deadline = recorded_deadline,
    .open = recorded_open,
    .send = recorded_send,
    .close = recorded_close,
    .dispose = recorded_dispose,
    .shutdown = recorded_shutdown,
    .check = recorded_check,
    .fini = recorded_fini,
};

/* ---- what the world sees ---- */

static void recorder_stage(struct recorder *recorder, const struct simnet_event *event)
{
    bool enters = event->stage == SIMNET_STAGE_ENTER ||
                  (event->link == SIMNET_NONE && event->verdict == SIMNET_DROP);
    struct recorded *host = &recorder->hosts[event->datagram->from];
    struct case_entry *entry =
        enters && event->datagram->copy == 0 ? recorded_add(host, CASE_TRANSMITS) : NULL;

    if (entry == NULL)
        return;
    size_t size = simnet_datagram_copy(event->datagram, recorder->bytes, sizeof recorder->bytes);
    entry->bytes = recorded_bytes(host, (struct sipc_span){recorder->bytes, size});
    entry->peer = event->datagram->to_address;
    if (event->token != 0)
        entry->number = recorded_number(host, event->token, true);
}

static void recorder_application(struct recorder *recorder, const struct simnet_event *event)
{
    struct recorded *host = &recorder->hosts[event->host];
    struct case_entry *entry =
        recorded_add(host, event->kind == SIMNET_EVENT_DELIVER ? CASE_DELIVERS : CASE_ENDS);

    if (entry == NULL)
        return;
    if (event->kind == SIMNET_EVENT_DELIVER) {
        entry->session_id = case_history_bytes(host->life, event->session_id, SIPC_SESSION_ID_SIZE);
        entry->peer = event->remote;
        entry->bytes = recorded_bytes(host, event->data);
        entry->attributes = recorded_bytes(host, event->attributes);
    } else {
        entry->number = event->operation;
        entry->outcome = event->outcome;
        entry->code = event->code;
    }
}

static void recorder_change(struct recorder *recorder, const struct simnet_event *event)
{
    if (event->change == SIMNET_HOST_PAUSE)
        recorded_cut(&recorder->hosts[event->host], "its host was paused before");
    else if (event->change == SIMNET_HOST_CLOCK_STEP)
        recorded_cut(&recorder->hosts[event->host], "the clock of its host jumped before");
    for (size_t i = 0; event->change == SIMNET_HOST_ADDRESS && i < recorder->host_count; i++)
        recorded_cut(&recorder->hosts[i], "a host got a new address before");
}

static void recorder_failure(struct recorder *recorder, const struct simnet_failure *failure)
{
    if (failure->host >= recorder->host_count || recorder->blamed != SIZE_MAX)
        return;
    const struct recorded *host = &recorder->hosts[failure->host];
    if (host->life == NULL)
        return;
    recorder->blamed = (size_t)(host->life - recorder->lives);
    recorder->by_effect = strncmp(failure->invariant, "delivered-", 10) == 0 ||
                          strcmp(failure->invariant, "ok-delivered") == 0 ||
                          strcmp(failure->invariant, "ends-once") == 0;
}

static void recorder_event(void *ctx, const struct simnet_event *event)
{
    struct recorder *recorder = ctx;

    switch (event->kind) {
    case SIMNET_EVENT_STAGE:
        recorder_stage(recorder, event);
        break;
    case SIMNET_EVENT_DELIVER:
    case SIMNET_EVENT_RESULT:
        recorder_application(recorder, event);
        break;
    case SIMNET_EVENT_CHANGE:
        if (event->host < recorder->host_count)
            recorder_change(recorder, event);
        break;
    case SIMNET_EVENT_FAILURE:
        recorder_failure(recorder, event->failure);
        break;
    default:
        break;
    }
}

/* ---- the run ---- */

/* false: it makes no sense any more. */
static bool recorder_run(struct recorder *recorder, const struct simnet_scenario *scenario,
                         char *story, size_t story_size)
{
    const struct simnet_observer observer = {
        .ctx = recorder,
        .wants = SIMNET_WANT_VERDICTS | SIMNET_WANT_APPLICATION | SIMNET_WANT_CHANGES |
                 SIMNET_WANT_FAILURES,
        .event = recorder_event,
    };
    const struct simnet_scenario_options options = {
        .hash_off = true, .observers = &observer, .observer_count = 1};
    struct simnet_scenario_run run;
    struct simnet_error error;

    recorder->hosts = calloc(scenario->hosts.count, sizeof *recorder->hosts);
    SIPC_ASSERT(recorder->hosts != NULL);
    recorder->host_count = scenario->hosts.count;
    if (!simnet_scenario_build(scenario, &options, &run, &error, NULL, NULL))
        return false;
    recorder->world = run.world;
    for (size_t i = 0; i < scenario->hosts.count; i++) {
        struct recorded *host = &recorder->hosts[i];
        host->recorder = recorder;
        host->host = &scenario->hosts.at[i];
        if (host->host->kind != SIMNET_HOST_SCRIPTED)
            simnet_host_wrap(run.world, (simnet_host)i, &recorded_driver, host, &host->inner,
                             &host->self);
    }
    enum simnet_end end = simnet_scenario_go(&run);
    const struct simnet_failure *failure = simnet_world_failure(run.world);
    for (size_t i = 0; i < scenario->hosts.count; i++) {
        struct recorded *host = &recorder->hosts[i];
        if (host->life == NULL)
            continue;
        host->life->stands_still = end == SIMNET_END_DRAINED ||
                                   (failure != NULL && strcmp(failure->invariant, "drains") == 0);
        host->life->end_ns = simnet_host_clock(run.world, (simnet_host)i) - host->started_ns;
    }
    if (failure != NULL)
        snprintf(story, story_size, "%s: %s.\n", failure->invariant, failure->text);
    simnet_scenario_run_fini(&run);
    return true;
}

const char *shrink_sx_print(const struct simnet_scenario *scenario,
                            const struct simnet_shrink_target *target, const char *id, FILE *out)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    char story[600];
    const char *why = "the scenario cannot be run";

    SIPC_ASSERT(recorder != NULL);
    recorder->blamed = SIZE_MAX;
    int used = snprintf(story, sizeof story, "Shrunk from the scenario %s, one host of it:\n",
                        scenario->name != NULL ? scenario->name : scenario->id);
    if (recorder_run(recorder, scenario, story + used, sizeof story - (size_t)used))
        why = case_sx_print(recorder->lives, recorder->life_count,
                            &(struct case_failure){
                                .story = story,
                                .rule = target->invariant != NULL ? target->rule : SIPC_RULE_NONE,
                                .blamed = recorder->blamed,
                                .by_effect = recorder->by_effect},
                            id, out);
    if (why != NULL && recorder->cut != NULL)
        why = recorder->cut;
    for (size_t i = 0; i < recorder->life_count; i++)
        case_history_clear(&recorder->lives[i]);
    for (size_t i = 0; i < recorder->host_count; i++)
        free(recorder->hosts[i].tokens);
    free(recorder->hosts);
    free(recorder);
    return why;
}
