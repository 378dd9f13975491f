/* Events to observers, and the trace hash: XXH3 over one record an event, fields in little endian
 * whatever the machine. What passes a stage between ENTER and ARRIVE is not hashed and not counted,
 * so that nothing depends on who looks. */
#include "internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- the trace hash ---- */

enum { RECORD_BYTES_MAX = 128 }; /* and what trace_put writes behind */

void trace_init(struct trace_hash *trace)
{
    trace->state = XXH3_createState();
    if (trace->state == NULL || XXH3_64bits_reset(trace->state) != XXH_OK)
        abort();
}

void trace_fini(struct trace_hash *trace)
{
    XXH3_freeState(trace->state);
    free(trace->checkpoints);
}

static void trace_flush(struct trace_hash *trace)
{
    XXH3_64bits_update(trace->state, trace->buffer, trace->used);
    trace->used = 0;
}

static void trace_checkpoint(struct trace_hash *trace)
{
    trace_flush(trace);
    trace->checkpoints = simnet_grow(trace->checkpoints, trace->checkpoint_count,
                                     &trace->checkpoint_capacity, sizeof *trace->checkpoints);
    trace->checkpoints[trace->checkpoint_count++] = XXH3_64bits_digest(trace->state);
}

/* Always writes eight bytes, one store to most machines, and keeps as many as wanted. */
static inline uint8_t *trace_put(uint8_t *out, uint64_t value, unsigned bytes)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
    out[2] = (uint8_t)(value >> 16);
    out[3] = (uint8_t)(value >> 24);
    out[4] = (uint8_t)(value >> 32);
    out[5] = (uint8_t)(value >> 40);
    out[6] = (uint8_t)(value >> 48);
    out[7] = (uint8_t)(value >> 56);
    return out + bytes;
}

static inline uint8_t *trace_put_bytes(uint8_t *out, struct sipc_span bytes)
{
    out = trace_put(out, bytes.size, 4);
    return trace_put(out, bytes.size ? XXH3_64bits(bytes.data, bytes.size) : 0, 8);
}

/* What all records begin with; where the record goes on. */
static uint8_t *trace_begin(struct simnet_world *world, enum simnet_event_kind kind)
{
    struct trace_hash *trace = &world->trace;

    if (trace->used + RECORD_BYTES_MAX > TRACE_BUFFER_BYTES)
        trace_flush(trace);
    uint8_t *out = trace_put(trace->buffer + trace->used, kind, 1);
    return trace_put(out, world->now, 8);
}

static void trace_end(struct simnet_world *world, const uint8_t *out)
{
    world->trace.used = (size_t)(out - world->trace.buffer);
}

static void trace_stage(struct simnet_world *world, const struct link *link,
                        const struct slot *slot, enum simnet_stage stage,
                        const struct ruling *ruling)
{
    uint8_t *out = trace_begin(world, SIMNET_EVENT_STAGE);
    const struct simnet_datagram *datagram = &slot->datagram;

    out = trace_put(out, link ? link->index : SIMNET_NONE, 4);
    out = trace_put(out, (uint64_t)stage << 4 | ruling->verdict, 1);
    out = trace_put(out, datagram->number, 8);
    if (ruling->verdict != SIMNET_PASS) {
        out = trace_put(out, ruling->value, 8);
        out = trace_put(out, ruling->extra, 4);
    }
    if (stage == SIMNET_STAGE_ENTER) {
        out = trace_put(out, datagram->from_address, 4);
        out = trace_put(out, datagram->to_address, 4);
        out = trace_put_bytes(out, datagram->head);
        out = trace_put(out, datagram->payload.size, 4);
        out = trace_put(out, slot->message, 8);
        out = trace_put(out, slot->message_offset, 8);
    }
    trace_end(world, out);
}

static void trace_event(struct simnet_world *world, const struct simnet_event *event)
{
    uint8_t *out = trace_begin(world, event->kind);

    out = trace_put(out, event->host, 4);
    out = trace_put(out, event->session, 4);
    switch (event->kind) {
    case SIMNET_EVENT_AFTERMATH:
        out = trace_put(out, event->token, 8);
        out = trace_put(out, event->ok, 1);
        break;
    case SIMNET_EVENT_OPERATION:
        out = trace_put(out, event->command, 1);
        out = trace_put(out, event->operation, 8);
        out = trace_put(out, event->status, 1);
        out = trace_put(out, event->size, 8);
        out = trace_put(out, (uint32_t)event->code, 4);
        break;
    case SIMNET_EVENT_RESULT:
        out = trace_put(out, event->operation, 8);
        out = trace_put(out, event->outcome, 1);
        out = trace_put(out, (uint32_t)event->code, 4);
        break;
    case SIMNET_EVENT_DELIVER:
        out = trace_put(out, event->remote, 8);
        out = trace_put_bytes(out, event->data);
        out = trace_put_bytes(out, event->attributes);
        break;
    case SIMNET_EVENT_STATE:
        out = trace_put(out, event->remote, 8);
        out = trace_put(out, event->state, 1);
        out = trace_put(out, (uint32_t)event->code, 4);
        break;
    case SIMNET_EVENT_DISCARD:
        out = trace_put(out, event->remote, 8);
        out = trace_put(out, event->reason, 1);
        break;
    case SIMNET_EVENT_CHANGE:
        out = trace_put(out, event->link, 4);
        out = trace_put(out, (uint64_t)event->change, 1);
        out = trace_put(out, event->value, 8);
        break;
    default:
        break;
    }
    trace_end(world, out);
}

uint64_t simnet_world_hash(const struct simnet_world *world)
{
    const struct trace_hash *trace = &world->trace;

    if (trace->state == NULL)
        return 0;
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL)
        abort();
    XXH3_copyState(state, trace->state);
    XXH3_64bits_update(state, trace->buffer, trace->used);
    uint64_t hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

const uint64_t *simnet_world_checkpoints(const struct simnet_world *world, size_t *count)
{
    *count = world->trace.checkpoint_count;
    return world->trace.checkpoints;
}

/* ---- observers ---- */

struct simnet_event event_blank(void)
{
    return (struct simnet_event){
        .host = SIMNET_NONE, .link = SIMNET_NONE, .session = SIMNET_NONE, .command = 0};
}

static unsigned event_want(const struct simnet_event *event)
{
    switch (event->kind) {
    case SIMNET_EVENT_STAGE:
        return event->verdict == SIMNET_PASS && event->stage != SIMNET_STAGE_ENTER &&
                       event->stage != SIMNET_STAGE_ARRIVE
                   ? SIMNET_WANT_PASSES
                   : SIMNET_WANT_VERDICTS;
    case SIMNET_EVENT_AFTERMATH:
        return SIMNET_WANT_AFTERMATHS;
    case SIMNET_EVENT_DISCARD:
        return SIMNET_WANT_DISCARDS;
    case SIMNET_EVENT_CHANGE:
        return SIMNET_WANT_CHANGES;
    case SIMNET_EVENT_FAILURE:
        return SIMNET_WANT_FAILURES;
    default:
        return SIMNET_WANT_APPLICATION;
    }
}

static void event_give(struct simnet_world *world, struct simnet_event *event)
{
    unsigned want = event_want(event);

    event->number = world->events;
    event->time_ns = world->now;
    if (!(world->wants & want))
        return;
    for (size_t i = 0; i < world->observer_count; i++)
        if (world->observers[i].wants & want)
            world->observers[i].event(world->observers[i].ctx, event);
}

static void event_count(struct simnet_world *world)
{
    world->events++;
    if (world->trace.state != NULL && world->events % SIMNET_CHECKPOINT_EVENTS == 0)
        trace_checkpoint(&world->trace);
}

void emit(struct simnet_world *world, enum simnet_event_kind kind, struct simnet_event *event)
{
    event->kind = kind;
    if (kind != SIMNET_EVENT_FAILURE) {
        if (world->trace.state != NULL)
            trace_event(world, event);
        event_count(world);
    }
    event_give(world, event);
}

void emit_stage(struct simnet_world *world, const struct link *link, const struct slot *slot,
                enum simnet_stage stage, const struct ruling *ruling, const char *why)
{
    bool ends = stage == SIMNET_STAGE_ENTER || stage == SIMNET_STAGE_ARRIVE;

    if (ends || ruling->verdict != SIMNET_PASS) {
        if (world->trace.state != NULL)
            trace_stage(world, link, slot, stage, ruling);
        event_count(world);
    }
    unsigned want =
        ends || ruling->verdict != SIMNET_PASS ? SIMNET_WANT_VERDICTS : SIMNET_WANT_PASSES;
    if (!(world->wants & want))
        return;
    struct simnet_event event = event_blank();
    event.kind = SIMNET_EVENT_STAGE;
    event.link = link ? link->index : SIMNET_NONE;
    event.host = stage == SIMNET_STAGE_ARRIVE ? slot->datagram.to : slot->datagram.from;
    event.stage = stage;
    event.verdict = ruling->verdict;
    event.why = why;
    event.value = ruling->value;
    event.extra = ruling->extra;
    event.datagram = &slot->datagram;
    event.key = &slot->key;
    event.token = slot->owed ? slot->token : 0;
    event_give(world, &event);
}

/* ---- printing ---- */

const char *simnet_event_kind_name(enum simnet_event_kind kind)
{
    static const char *const names[SIMNET_EVENT_KIND_COUNT] = {"stage",   "aftermath", "operation",
                                                               "result",  "deliver",   "state",
                                                               "discard", "change",    "failure"};

    return (unsigned)kind < SIMNET_EVENT_KIND_COUNT ? names[kind] : "?";
}

const char *simnet_change_name(enum simnet_change_kind kind)
{
    static const char *const names[SIMNET_CHANGE_COUNT] = {
        "down",  "up",      "clog",  "unclog", "rate",       "delay",       "faults",
        "crash", "restart", "pause", "resume", "clock step", "clock drift", "address"};

    return (unsigned)kind < SIMNET_CHANGE_COUNT ? names[kind] : "?";
}

const char *simnet_command_name(enum simnet_command command)
{
    static const char *const names[] = {"send", "send_unreliable", "close",
                                        "open", "dispose",         "shutdown"};

    return (unsigned)command < sizeof names / sizeof names[0] ? names[command] : "?";
}

const char *simnet_status_name(enum sipc_status status)
{
    static const char *const names[] = {"ok",         "invalid", "no_space", "unknown",
                                        "exists",     "busy",    "state",    "opening",
                                        "attributes", "size",    "no_id",    "pending"};

    return (unsigned)status < sizeof names / sizeof names[0] ? names[status] : "?";
}

struct text {
    char *out;
    size_t size;
    int used; /* as if there were room */
};

static void text_add(struct text *text, const char *format, ...) SIPC_PRINTF(2, 3);
static void text_add(struct text *text, const char *format, ...)
{
    size_t at = (size_t)text->used < text->size ? (size_t)text->used : text->size;
    va_list arguments;

    va_start(arguments, format);
    text->used +=
        vsnprintf(at < text->size ? text->out + at : NULL, text->size - at, format, arguments);
    va_end(arguments);
}

static void text_add_pdu(struct text *text, const struct simnet_event *event)
{
    const struct simnet_pdu_key *key = event->key;
    const char *opcode = key->opcode ? sipc_opcode_name(key->opcode) : NULL;

    text_add(text, " #%" PRIu64, event->datagram->number);
    if (opcode != NULL)
        text_add(text, " %s %" PRId64 ":%" PRId32 " xmit=%" PRIu32, opcode, key->window_id,
                 key->seq_nr, key->xmit);
    text_add(text, " %" PRIu32 " B", event->datagram->size);
}

static void text_add_stage(struct text *text, const struct simnet_world *world,
                           const struct simnet_event *event)
{
    text_add(text, "%s %s %s", simnet_link_name(world, event->link),
             simnet_stage_name(event->stage), simnet_verdict_name(event->verdict));
    if (event->verdict > SIMNET_DROP)
        text_add(text, " %" PRIu64, event->value);
    if (event->verdict == SIMNET_FLIP)
        text_add(text, " bits=%" PRIu32, event->extra);
    if (event->why != NULL)
        text_add(text, " (%s)", event->why);
    text_add_pdu(text, event);
}

static void text_add_operation(struct text *text, const struct simnet_event *event)
{
    text_add(text, "%s #%" PRIu64, simnet_command_name(event->command), event->operation);
    if (event->session != SIMNET_NONE)
        text_add(text, " session %" PRIu32, event->session);
    if (event->kind == SIMNET_EVENT_RESULT)
        text_add(text, " ended %s %" PRId32, sipc_outcome_name(event->outcome), event->code);
    else if (event->status == SIPC_OK)
        text_add(text, " of %" PRIu64 " bytes begins", event->size);
    else
        text_add(text, " refused: %s", simnet_status_name(event->status));
}

int simnet_event_print(const struct simnet_world *world, const struct simnet_event *event,
                       char *out, size_t size)
{
    struct text text = {out, size, 0};

    text_add(&text, "%" PRIu64 " %" PRIu64 ".%09" PRIu64 " ", event->number,
             event->time_ns / 1000000000, event->time_ns % 1000000000);
    if (event->kind == SIMNET_EVENT_STAGE) {
        text_add_stage(&text, world, event);
        return text.used;
    }
    if (event->host != SIMNET_NONE)
        text_add(&text, "%s ", simnet_host_name(world, event->host));
    else if (event->link != SIMNET_NONE)
        text_add(&text, "%s ", simnet_link_name(world, event->link));
    switch (event->kind) {
    case SIMNET_EVENT_OPERATION:
    case SIMNET_EVENT_RESULT:
        text_add_operation(&text, event);
        break;
    case SIMNET_EVENT_AFTERMATH:
        text_add(&text, "aftermath %s of token %" PRIu64, event->ok ? "ok" : "failed",
                 event->token);
        break;
    case SIMNET_EVENT_DELIVER:
        text_add(&text, "deliver %zu B in session %" PRIu32, event->data.size, event->session);
        break;
    case SIMNET_EVENT_STATE:
        text_add(&text, "session %" PRIu32 " is %s, cause %" PRId32, event->session,
                 sipc_state_name(event->state), event->code);
        break;
    case SIMNET_EVENT_DISCARD:
        text_add(&text, "discard %s", sipc_discard_name(event->reason));
        break;
    case SIMNET_EVENT_CHANGE:
        text_add(&text, "%s %" PRId64, simnet_change_name((enum simnet_change_kind)event->change),
                 (int64_t)event->value);
        break;
    default:
        text_add(&text, "FAILURE %s: %s", event->failure ? event->failure->invariant : "?",
                 event->failure ? event->failure->text : "?");
        break;
    }
    return text.used;
}
