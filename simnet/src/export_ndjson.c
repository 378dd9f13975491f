/* One event a line, its fields by the names they have in struct simnet_event. */
#include <stdlib.h>

#include "export.h"

enum { NDJSON_FORMAT = 1 };

struct ndjson {
    struct json json;
};

static void ndjson_begin(struct simnet_export *export)
{
    struct json *json = &((struct ndjson *)export->self)->json;
    const struct simnet_world *world = export->world;

    json_open(json, NULL, '{');
    json_text(json, "type", "simnet");
    json_u64(json, "format", NDJSON_FORMAT);
    json_text(json, "scenario", export->options.scenario);
    json_text(json, "command", export->options.command);
    json_u64(json, "seed", simnet_world_seed(world));
    json_open(json, "hosts", '[');
    for (simnet_host i = 0; i < simnet_host_count(world); i++)
        json_text(json, NULL, simnet_host_name(world, i));
    json_close(json, ']');
    json_open(json, "links", '[');
    for (simnet_link i = 0; i < simnet_link_count(world); i++)
        json_text(json, NULL, simnet_link_name(world, i));
    json_close(json, ']');
    json_close(json, '}');
    export_line(export, json, "");
}

static void ndjson_datagram(struct simnet_export *export, struct json *json,
                            const struct simnet_datagram *datagram)
{
    json_open(json, "datagram", '{');
    json_u64(json, "number", datagram->number);
    json_u64(json, "size", datagram->size);
    json_text(json, "from", export_host_name(export, datagram->from));
    if (datagram->to != SIMNET_NONE)
        json_text(json, "to", export_host_name(export, datagram->to));
    json_u64(json, "from_address", datagram->from_address);
    json_u64(json, "to_address", datagram->to_address);
    json_u64(json, "entered_ns", datagram->entered_ns);
    json_u64(json, "copy", datagram->copy);
    if (datagram->corruption != SIMNET_PASS) {
        json_text(json, "corruption", simnet_verdict_name(datagram->corruption));
        json_u64(json, "corruption_value", datagram->corruption_value);
        json_u64(json, "corruption_extra", datagram->corruption_extra);
    }
    if (export->options.bytes) {
        json_hex(json, "head", datagram->head.data, datagram->head.size);
        json_hex(json, "payload", datagram->payload.data, datagram->payload.size);
    }
    json_close(json, '}');
}

static void ndjson_stage(struct simnet_export *export, struct json *json,
                         const struct simnet_event *event)
{
    const struct simnet_pdu_key *key = event->key;

    json_text(json, "stage", simnet_stage_name(event->stage));
    json_text(json, "verdict", simnet_verdict_name(event->verdict));
    json_text(json, "why", event->why);
    if (event->verdict > SIMNET_DROP) {
        json_u64(json, "value", event->value);
        json_u64(json, "extra", event->extra);
    }
    json_open(json, "key", '{');
    json_id(json, "session", key->session);
    json_u64(json, "opcode", key->opcode);
    json_i64(json, "window_id", key->window_id);
    json_i64(json, "seq_nr", key->seq_nr);
    json_u64(json, "xmit", key->xmit);
    json_u64(json, "copy", key->copy);
    json_close(json, '}');
    ndjson_datagram(export, json, event->datagram);
}

static void ndjson_deliver(struct simnet_export *export, struct json *json,
                           const struct simnet_event *event)
{
    struct sipc_span rest = event->attributes;
    struct sipc_span name, value;

    json_u64(json, "size", event->data.size);
    if (export->options.bytes)
        json_hex(json, "data", event->data.data, event->data.size);
    json_open(json, "attributes", '[');
    while (sipc_attribute_next(&rest, &name, &value)) {
        json_open(json, NULL, '[');
        json_text_of(json, NULL, name.data, name.size);
        json_text_of(json, NULL, value.data, value.size);
        json_close(json, ']');
    }
    json_close(json, ']');
}

static void ndjson_failure(struct simnet_export *export, struct json *json,
                           const struct simnet_failure *failure)
{
    json_open(json, "failure", '{');
    json_text(json, "invariant", failure->invariant);
    json_text(json, "rule", export_rule_name(failure->rule));
    json_u64(json, "event", failure->event);
    json_u64(json, "time_ns", failure->time_ns);
    if (failure->host != SIMNET_NONE)
        json_text(json, "host", export_host_name(export, failure->host));
    if (failure->link != SIMNET_NONE)
        json_text(json, "link", export_link_name(export, failure->link));
    if (failure->session != SIMNET_NONE)
        json_u64(json, "session", failure->session);
    json_text(json, "text", failure->text);
    json_close(json, '}');
}

static void ndjson_operation(struct json *json, const struct simnet_event *event)
{
    json_text(json, "command", simnet_command_name(event->command));
    json_u64(json, "operation", event->operation);
    if (event->kind == SIMNET_EVENT_OPERATION)
        json_text(json, "status", simnet_status_name(event->status));
    else
        json_text(json, "outcome", sipc_outcome_name(event->outcome));
    json_u64(json, "size", event->size);
    json_i64(json, "code", event->code);
}

/* The fields that only some kinds have. */
static void ndjson_fields(struct simnet_export *export, struct json *json,
                          const struct simnet_event *event)
{
    switch (event->kind) {
    case SIMNET_EVENT_STAGE:
        ndjson_stage(export, json, event);
        break;
    case SIMNET_EVENT_AFTERMATH:
        json_u64(json, "token", event->token);
        json_bool(json, "ok", event->ok);
        break;
    case SIMNET_EVENT_OPERATION:
    case SIMNET_EVENT_RESULT:
        ndjson_operation(json, event);
        break;
    case SIMNET_EVENT_DELIVER:
        ndjson_deliver(export, json, event);
        break;
    case SIMNET_EVENT_STATE:
        json_text(json, "state", sipc_state_name(event->state));
        json_i64(json, "code", event->code);
        break;
    case SIMNET_EVENT_DISCARD:
        json_text(json, "reason", sipc_discard_name(event->reason));
        json_text(json, "rule", export_rule_name(event->rule));
        break;
    case SIMNET_EVENT_CHANGE:
        json_text(json, "change", simnet_change_name((enum simnet_change_kind)event->change));
        json_i64(json, "value", (int64_t)event->value);
        break;
    default:
        ndjson_failure(export, json, event->failure);
        break;
    }
}

static void ndjson_event(struct simnet_export *export, const struct simnet_event *event)
{
    struct json *json = &((struct ndjson *)export->self)->json;

    json_open(json, NULL, '{');
    json_u64(json, "number", event->number);
    json_u64(json, "time_ns", event->time_ns);
    json_text(json, "kind", simnet_event_kind_name(event->kind));
    if (event->host != SIMNET_NONE)
        json_text(json, "host", export_host_name(export, event->host));
    if (event->link != SIMNET_NONE)
        json_text(json, "link", export_link_name(export, event->link));
    if (event->session != SIMNET_NONE)
        json_u64(json, "session", event->session);
    if (event->session_id != NULL)
        json_hex(json, "session_id", event->session_id, SIPC_SESSION_ID_SIZE);
    if (event->remote != 0)
        json_u64(json, "remote", event->remote);
    ndjson_fields(export, json, event);
    json_close(json, '}');
    export_line(export, json, "");
}

static void ndjson_end(struct simnet_export *export)
{
    (void)export;
}

static void ndjson_fini(struct simnet_export *export)
{
    json_fini(&((struct ndjson *)export->self)->json);
}

const struct export_format export_ndjson = {
    .wants = SIMNET_WANT_ALL & ~SIMNET_WANT_PASSES,
    .state_bytes = sizeof(struct ndjson),
    .begin = ndjson_begin,
    .event = ndjson_event,
    .end = ndjson_end,
    .fini = ndjson_fini,
};
