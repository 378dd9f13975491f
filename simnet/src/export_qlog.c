/* qlog as JSON text sequences (RFC 7464), header and events as in qlog's main schema
 * (draft-ietf-quic-qlog-main-schema), events of our own: scalableipc-qlog.schema.json has them all.
 * Times are milliseconds from virtual time 0. */
#include <inttypes.h>

#include "export.h"

#define QLOG_RECORD "\x1e" /* before each record, a newline behind it */
#define QLOG_SCHEMA "urn:scalableipc:qlog:events:scalableipc"

struct qlog {
    struct json json;
};

static void qlog_begin(struct simnet_export *export)
{
    struct json *json = &((struct qlog *)export->self)->json;
    char seed[24]; /* as text: it may be over what others read as a number */

    snprintf(seed, sizeof seed, "%" PRIu64, simnet_world_seed(export->world));
    json_open(json, NULL, '{');
    json_text(json, "file_schema", "urn:ietf:params:qlog:file:sequential");
    json_text(json, "serialization_format", "application/qlog+json-seq");
    json_text(json, "title", export->options.scenario);
    json_text(json, "description", export->options.command);
    json_open(json, "trace", '{');
    json_open(json, "common_fields", '{');
    json_text(json, "time_format", "relative_to_epoch");
    json_open(json, "reference_time", '{');
    json_text(json, "clock_type", "monotonic");
    json_text(json, "epoch", "unknown");
    json_close(json, '}');
    json_text(json, "seed", seed);
    json_close(json, '}');
    json_open(json, "vantage_point", '{');
    json_text(json, "name", "simnet");
    json_text(json, "type", "network");
    json_close(json, '}');
    json_open(json, "event_schemas", '[');
    json_text(json, NULL, QLOG_SCHEMA);
    json_close(json, ']');
    json_close(json, '}');
    json_close(json, '}');
    export_line(export, json, QLOG_RECORD);
}

/* ---- PDUs ---- */

static void qlog_flags(struct json *json, uint32_t flags)
{
    json_open(json, "flags", '[');
    for (uint32_t id = SIPC_OPT_FIRST_IN_WINDOW_GROUP; id <= SIPC_OPT_IS_WINDOW_FULL; id <<= 1)
        if (flags & id)
            json_text(json, NULL, sipc_option_spec_name(id));
    json_close(json, ']');
}

static void qlog_pdu(struct json *json, struct sipc_span bytes)
{
    struct sipc_pdu pdu;
    enum sipc_discard reason = sipc_pdu_decode(bytes, &pdu);

    if (reason != SIPC_DISCARD_NONE) {
        json_text(json, "malformed", sipc_discard_name(reason));
        return;
    }
    json_open(json, "pdu", '{');
    json_text(json, "opcode", sipc_opcode_name(pdu.opcode));
    json_i64(json, "window_id", pdu.window_id);
    json_i64(json, "seq_nr", pdu.seq_nr);
    qlog_flags(json, pdu.flags);
    if (pdu.present & SIPC_OPT_MAX_WINDOW_SIZE)
        json_i64(json, "max_window_size", pdu.max_window_size);
    if (pdu.present & SIPC_OPT_ERROR_CODE)
        json_i64(json, "error_code", pdu.error_code);
    if (pdu.present & SIPC_OPT_ABORT_CODE)
        json_i64(json, "abort_code", pdu.abort_code);
    if (pdu.present & SIPC_OPT_IDLE_TIMEOUT)
        json_i64(json, "idle_timeout_ms", pdu.idle_timeout_ms);
    json_u64(json, "data_length", pdu.data.size);
    json_close(json, '}');
}

static void qlog_raw(struct simnet_export *export, struct json *json, struct sipc_span bytes)
{
    json_open(json, "raw", '{');
    json_u64(json, "length", bytes.size);
    if (export->options.bytes)
        json_hex(json, "data", bytes.data, bytes.size);
    json_close(json, '}');
}

static const char *qlog_stage_name(const struct simnet_event *event)
{
    if (event->verdict == SIMNET_DROP)
        return "scalableipc:pdu_dropped";
    if (event->verdict != SIMNET_PASS)
        return "scalableipc:pdu_impaired";
    return event->stage == SIMNET_STAGE_ENTER ? "scalableipc:pdu_sent" : "scalableipc:pdu_received";
}

static void qlog_stage(struct simnet_export *export, struct json *json,
                       const struct simnet_event *event)
{
    const struct simnet_datagram *datagram = event->datagram;

    json_u64(json, "datagram", datagram->number);
    json_text(json, "link", export_link_name(export, event->link));
    json_text(json, "from", export_host_name(export, datagram->from));
    json_text(json, "to", export_host_name(export, datagram->to));
    if (event->verdict != SIMNET_PASS) {
        json_text(json, "stage", simnet_stage_name(event->stage));
        if (event->verdict == SIMNET_DROP) {
            json_text(json, "trigger", event->why);
        } else {
            json_text(json, "verdict", simnet_verdict_name(event->verdict));
            json_u64(json, "value", event->value);
            if (event->verdict == SIMNET_FLIP)
                json_u64(json, "bits", event->extra);
            return;
        }
    }
    json_u64(json, "transmission", event->key->xmit);
    if (datagram->copy > 0)
        json_u64(json, "copy", datagram->copy);
    if (datagram->corruption != SIMNET_PASS)
        json_text(json, "corruption", simnet_verdict_name(datagram->corruption));
    struct sipc_span bytes = export_bytes(export, datagram, false);
    qlog_pdu(json, bytes);
    qlog_raw(export, json, bytes);
}

/* ---- applications, the network, failures ---- */

static const char *qlog_name(const struct simnet_event *event)
{
    static const char *const names[SIMNET_EVENT_KIND_COUNT] = {
        [SIMNET_EVENT_AFTERMATH] = "scalableipc:transmission_ended",
        [SIMNET_EVENT_OPERATION] = "scalableipc:operation_started",
        [SIMNET_EVENT_RESULT] = "scalableipc:operation_ended",
        [SIMNET_EVENT_DELIVER] = "scalableipc:delivered",
        [SIMNET_EVENT_STATE] = "scalableipc:state_updated",
        [SIMNET_EVENT_DISCARD] = "scalableipc:pdu_discarded",
        [SIMNET_EVENT_CHANGE] = "scalableipc:network_changed",
        [SIMNET_EVENT_FAILURE] = "scalableipc:invariant_failed",
    };

    if (event->kind == SIMNET_EVENT_STAGE)
        return qlog_stage_name(event);
    if (event->kind == SIMNET_EVENT_OPERATION && event->status != SIPC_OK)
        return "scalableipc:operation_refused";
    return names[event->kind];
}

static void qlog_operation(struct json *json, const struct simnet_event *event)
{
    json_u64(json, "operation", event->operation);
    json_text(json, "command", simnet_command_name(event->command));
    if (event->kind == SIMNET_EVENT_RESULT) {
        json_text(json, "outcome", sipc_outcome_name(event->outcome));
        json_i64(json, "code", event->code);
        return;
    }
    json_u64(json, "length", event->size);
    if (event->status != SIPC_OK)
        json_text(json, "trigger", simnet_status_name(event->status));
}

static void qlog_failure(struct json *json, const struct simnet_failure *failure)
{
    json_text(json, "invariant", failure->invariant);
    json_text(json, "rule", export_rule_name(failure->rule));
    json_text(json, "text", failure->text);
}

static void qlog_data(struct simnet_export *export, struct json *json,
                      const struct simnet_event *event)
{
    if (event->kind == SIMNET_EVENT_STAGE) {
        qlog_stage(export, json, event);
        return;
    }
    if (event->host != SIMNET_NONE)
        json_text(json, "host", export_host_name(export, event->host));
    else if (event->link != SIMNET_NONE)
        json_text(json, "link", export_link_name(export, event->link));
    switch (event->kind) {
    case SIMNET_EVENT_AFTERMATH:
        json_u64(json, "token", event->token);
        json_bool(json, "ok", event->ok);
        break;
    case SIMNET_EVENT_OPERATION:
    case SIMNET_EVENT_RESULT:
        qlog_operation(json, event);
        break;
    case SIMNET_EVENT_DELIVER:
        qlog_raw(export, json, event->data);
        break;
    case SIMNET_EVENT_STATE:
        json_text(json, "new", sipc_state_name(event->state));
        json_i64(json, "cause", event->code);
        break;
    case SIMNET_EVENT_DISCARD:
        json_text(json, "trigger", sipc_discard_name(event->reason));
        json_text(json, "rule", export_rule_name(event->rule));
        break;
    case SIMNET_EVENT_CHANGE:
        json_text(json, "change", simnet_change_name((enum simnet_change_kind)event->change));
        json_i64(json, "value", (int64_t)event->value);
        break;
    default:
        qlog_failure(json, event->failure);
        break;
    }
}

/* Events of one session are a group. */
static void qlog_group(struct json *json, const struct simnet_event *event)
{
    if (event->kind == SIMNET_EVENT_STAGE && event->key->opcode != 0)
        json_id(json, "group_id", event->key->session);
    else if (event->session_id != NULL)
        json_id(json, "group_id", simnet_session_key(event->session_id));
}

static void qlog_event(struct simnet_export *export, const struct simnet_event *event)
{
    struct json *json = &((struct qlog *)export->self)->json;

    json_open(json, NULL, '{');
    json_decimal(json, "time", event->time_ns, 6);
    json_text(json, "name", qlog_name(event));
    qlog_group(json, event);
    json_open(json, "data", '{');
    qlog_data(export, json, event);
    json_close(json, '}');
    json_close(json, '}');
    export_line(export, json, QLOG_RECORD);
}

static void qlog_end(struct simnet_export *export)
{
    (void)export;
}

static void qlog_fini(struct simnet_export *export)
{
    json_fini(&((struct qlog *)export->self)->json);
}

const struct export_format export_qlog = {
    .wants = SIMNET_WANT_ALL & ~SIMNET_WANT_PASSES,
    .state_bytes = sizeof(struct qlog),
    .begin = qlog_begin,
    .event = qlog_event,
    .end = qlog_end,
    .fini = qlog_fini,
};
