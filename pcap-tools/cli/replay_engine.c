/* A SUT with a virtual clock in the place of a captured endpoint. See replay.h.
 *
 * What the endpoint got, it gets when the endpoint did. A message is begun when its first PDU was
 * sent. The report that a PDU has left (its aftermath) is given when its like in the capture has,
 * at once if there is none: so windows leave at the pace they left then. Window ids are free to
 * choose (WID-9): those of the capture stand for those the SUT took, in the order of windows, and
 * acks that it gets are written anew for them.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "replay_engine.h"

enum {
    ENGINE_PADDING = SIPC_GROUP_BYTES_MAX,
    ENGINE_LOOK_BACK = 256,
    ENGINE_TRIES = 3,
    ENGINE_FLOOD = 20000, /* outputs at one moment: more, and more than the capture has, is one */
};

/* ---- settings ---- */

static void engine_setting(struct conform_setting *out, size_t *count, size_t asked,
                           const char *name, int64_t value, const char *word)
{
    for (size_t i = 0; i < asked; i++)
        if (strcmp(out[i].name, name) == 0)
            return;
    if (value < 0)
        return;
    out[(*count)++] = (struct conform_setting){.name = name, .value = value, .word = word};
}

size_t replay_settings(const struct replay_plan *plan, const struct replay_engine_options *options,
                       struct conform_setting out[REPLAY_SETTINGS_MAX + REPLAY_SETTINGS_MORE])
{
    const size_t asked = options->setting_count;
    const int64_t sessions = (int64_t)plan->session_count + 16;
    const int64_t tries = plan->max_retry_count > ENGINE_TRIES ? plan->max_retry_count : -1;
    const bool stream = plan->capture->endpoints[plan->endpoint].transport == PCAPT_OVER_TCP;
    size_t count = asked;

    memcpy(out, options->settings, asked * sizeof *out);
    engine_setting(out, &count, asked, "mtu", plan->mtu, NULL);
    engine_setting(out, &count, asked, "max_window_size", plan->max_window_size, NULL);
    engine_setting(out, &count, asked, "ack_timeout_ms", plan->ack_timeout_ms, NULL);
    engine_setting(out, &count, asked, "max_retry_count",
                   plan->gave_up_after >= 0 ? plan->gave_up_after : tries, NULL);
    engine_setting(out, &count, asked, "attribute_limit", UINT16_MAX, NULL);
    engine_setting(out, &count, asked, "max_sessions", sessions > 1024 ? sessions : -1, NULL);
    if (plan->midst) {
        engine_setting(out, &count, asked, "require_first_in_window_group", 0, NULL);
        out[count - 1].boolean = true;
    }
    engine_setting(out, &count, 0, "aftermath", 0, "manual");
    engine_setting(out, &count, 0, "network", 0, stream ? "stream" : "datagram");
    return count;
}

/* ---- names of windows ---- */

/* The operation that a new window is of: one to fire and forget has left out of turn. */
static struct replay_op *engine_op(const struct replay_session *session,
                                   const struct engine_session *state, const struct sipc_pdu *pdu)
{
    const enum replay_kind kind = pdu->opcode == SIPC_CLOSE ? REPLAY_CLOSE : REPLAY_SEND_UNRELIABLE;

    for (size_t i = state->op_next, tries = 0; i-- > 0 && tries < ENGINE_LOOK_BACK; tries++)
        if (session->ops[i].kind == kind && session->ops[i].used == 0 && !session->ops[i].holed &&
            (kind == REPLAY_CLOSE || state->current == NULL ||
             (pdu->flags & SIPC_OPT_LAST_IN_WINDOW_GROUP)))
            return &session->ops[i];
    return state->current;
}

static const struct engine_name *engine_name(const struct replay_session *session,
                                             struct engine_session *state,
                                             const struct sipc_pdu *pdu)
{
    for (size_t i = state->name_count, tries = 0; i-- > 0 && tries < ENGINE_LOOK_BACK; tries++)
        if (state->names[i].played == pdu->window_id)
            return &state->names[i];
    struct engine_name name = {pdu->window_id, pdu->window_id, NULL};
    if (replay_is_resync(pdu)) {
        if (state->resync_used < session->resync_count)
            name.captured = session->resyncs[state->resync_used++];
    } else {
        name.op = engine_op(session, state, pdu);
        if (name.op != NULL && name.op->used < name.op->window_count)
            name.captured = name.op->windows[name.op->used].id;
        if (name.op != NULL)
            name.op->used++;
    }
    state->shifted |= name.captured != name.played;
    state->names =
        replay_grow(state->names, state->name_count, &state->name_room, sizeof *state->names);
    state->names[state->name_count] = name;
    return &state->names[state->name_count++];
}

/* What the SUT called the window that an ack is for. false: it knows none such. */
static bool engine_played_id(const struct engine_session *state, int64_t captured, int64_t *played)
{
    for (size_t i = state->name_count, tries = 0; i-- > 0 && tries < ENGINE_LOOK_BACK; tries++)
        if (state->names[i].captured == captured) {
            *played = state->names[i].played;
            return true;
        }
    *played = captured;
    return !state->shifted;
}

/* ---- what it puts out ---- */

static void engine_at_once(struct engine *engine, uint64_t token, bool success)
{
    engine->due =
        replay_grow(engine->due, engine->due_count, &engine->due_room, sizeof *engine->due);
    engine->due[engine->due_count++] = (struct engine_aftermath){token, 0, success};
}

/* The aftermath of a PDU whose like in the capture is the session's `at`th. It comes before the
 * window's next PDU leaves (SND-6), or an ack_timeout before it is tried again (SND-7); of the last
 * PDU of an operation that ended with it, it says that the network failed. */
static void engine_aftermath(struct engine *engine, const struct replay_session *session, size_t at,
                             const struct replay_op *op, uint64_t token)
{
    const struct replay_capture *capture = engine->capture;
    const uint32_t index = session->sent[at];
    const struct sipc_pdu pdu = replay_decoded(&capture->pdus[index]);
    const bool own = pdu.opcode == SIPC_DATA || pdu.opcode == SIPC_CLOSE;
    const bool fails = op != NULL && op->failed && op->last == index;
    uint32_t waits_for = index;
    uint64_t at_ns = 0;

    while (own && !fails && ++at < session->sent_count) {
        const struct replay_pdu *next = &capture->pdus[session->sent[at]];
        const struct sipc_pdu other = replay_decoded(next);
        if (other.opcode != SIPC_DATA && other.opcode != SIPC_CLOSE)
            continue;
        if (other.window_id == pdu.window_id && other.seq_nr == pdu.seq_nr + 1)
            waits_for = session->sent[at];
        else if (other.window_id == pdu.window_id && other.seq_nr == 0 &&
                 next->at_ns > engine->ack_timeout_ns)
            at_ns = next->at_ns - engine->ack_timeout_ns;
        break;
    }
    if (at_ns > capture->pdus[index].at_ns) {
        engine->held =
            replay_grow(engine->held, engine->held_count, &engine->held_room, sizeof *engine->held);
        engine->held[engine->held_count++] = (struct engine_aftermath){token, at_ns, true};
    } else if (waits_for >= engine->position && !fails) {
        engine->tokens[waits_for] = token + 1;
    } else {
        engine_at_once(engine, token, !fails);
    }
}

/* The first of its kind among what was sent that is not too far; -1: none. */
static int64_t engine_find(struct engine *engine, const struct replay_session *session,
                           struct engine_session *state, const struct sipc_pdu *pdu, int64_t id,
                           uint64_t at_ns)
{
    for (size_t i = state->low; i < session->sent_count; i++) {
        const uint32_t index = session->sent[i];
        const struct replay_pdu *captured = &engine->capture->pdus[index];
        if (engine->plan->marks[index] != REPLAY_WANTED ||
            captured->at_ns + engine->tolerance_ns < at_ns) {
            state->low += i == state->low;
            continue;
        }
        if (captured->at_ns > at_ns + engine->tolerance_ns)
            break;
        const struct sipc_pdu decoded = replay_decoded(captured);
        if (replay_same(pdu, id, &decoded))
            return (int64_t)i;
    }
    return -1;
}

static void engine_found(struct engine *engine, uint32_t index, uint64_t at_ns)
{
    const uint64_t captured_ns = engine->capture->pdus[index].at_ns;
    const uint64_t apart = captured_ns > at_ns ? captured_ns - at_ns : at_ns - captured_ns;
    struct replay_result *result = engine->result;

    engine->plan->marks[index] = REPLAY_FOUND;
    result->same++;
    result->apart_sum_ns += apart;
    result->apart_max_ns = apart > result->apart_max_ns ? apart : result->apart_max_ns;
}

static void engine_transmit(struct engine *engine, const struct conform_out *out)
{
    struct sipc_pdu pdu;
    const bool stream =
        engine->capture->endpoints[engine->plan->endpoint].transport == PCAPT_OVER_TCP;
    const uint16_t peer = out->remote != NULL ? (uint16_t)strtoul(out->remote, NULL, 10) : 0;
    struct replay_session *session = NULL;

    if (sipc_pdu_decode((struct sipc_span){out->bytes, out->size}, &pdu) == SIPC_DISCARD_NONE)
        session = replay_session(engine->plan, pdu.session_id, peer, stream);
    if (session == NULL || engine->mute) {
        engine_at_once(engine, out->token, true);
        return;
    }
    struct engine_session *state = &engine->sessions[session->number];
    struct engine_name name = {pdu.window_id, pdu.window_id, NULL};
    if (pdu.opcode == SIPC_DATA || pdu.opcode == SIPC_CLOSE)
        name = *engine_name(session, state, &pdu);
    else if (pdu.opcode == SIPC_DATA_ACK && pdu.window_id == session->blind_id) {
        engine_at_once(engine, out->token, true);
        return;
    }
    engine->result->played++;
    const int64_t found = engine_find(engine, session, state, &pdu, name.captured, out->at_ns);
    if (found >= 0) {
        engine_found(engine, session->sent[found], out->at_ns);
        engine_aftermath(engine, session, (size_t)found, name.op, out->token);
        return;
    }
    engine_at_once(engine, out->token, true);
    state->extras =
        replay_grow(state->extras, state->extra_count, &state->extra_room, sizeof *state->extras);
    struct engine_extra *extra = &state->extras[state->extra_count++];
    *extra =
        (struct engine_extra){out->at_ns, name.captured, malloc(out->size), out->size, name.op};
    SIPC_ASSERT(extra->bytes != NULL);
    memcpy(extra->bytes, out->bytes, out->size);
}

static enum sipc_rule engine_refusal(const char *why)
{
    static const struct {
        const char *why;
        enum sipc_rule rule;
    } rows[] = {
        {"opening", SIPC_RULE_OPN_2},    {"busy", SIPC_RULE_SND_1a}, {"state", SIPC_RULE_STM_4},
        {"attributes", SIPC_RULE_SND_3}, {"size", SIPC_RULE_FAF_3},  {"no_id", SIPC_RULE_WID_11},
    };
    for (size_t i = 0; why != NULL && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].why, why) == 0)
            return rows[i].rule;
    return SIPC_RULE_SND_1;
}

static void engine_ends(struct engine *engine, const struct conform_out *out)
{
    const size_t label = out->label != NULL ? strtoul(out->label, NULL, 10) : 0;

    if (label >= engine->asked_count)
        return;
    const size_t number = engine->asked[label];
    struct engine_session *state = &engine->sessions[number];
    const struct replay_session *session = engine->plan->sessions[number];
    if (out->operation == NULL || strcmp(out->operation, "send_unreliable") != 0) {
        state->busy = false;
        state->ready = state->op_next < state->op_due;
        engine->ready_count += state->ready;
    }
    if (out->word != NULL && strcmp(out->word, "refused") == 0) {
        char text[96];
        snprintf(text, sizeof text, "refuses what was asked for: %s",
                 out->why != NULL ? out->why : "no reason given");
        replay_differs(engine->result, engine_refusal(out->why), out->at_ns,
                       engine->capture->pdus[session->ops[state->op_next - 1].begin].frame, session,
                       text, "was sent");
    }
}

static enum conform_sut_status engine_take(struct engine *engine, struct conform_response *response)
{
    engine->flood += response->out_count;
    for (size_t i = 0; i < response->out_count; i++) {
        const struct conform_out *out = &response->outs[i];
        if (out->kind == CONFORM_OUT_TX)
            engine_transmit(engine, out);
        else if (out->kind == CONFORM_OUT_RESULT)
            engine_ends(engine, out);
        else if (out->kind == CONFORM_OUT_DELIVER && !engine->mute)
            engine->result->delivered++;
    }
    conform_response_clear(response);
    if (engine->flood <= ENGINE_FLOOD + 4 * engine->capture->count)
        return CONFORM_SUT_OK;
    conform_error_set(engine->error, "the SUT floods: %zu PDUs and events at %.6f s", engine->flood,
                      (double)conform_sut_now(engine->sut) / 1e9);
    return CONFORM_SUT_BROKEN;
}

/* ---- what it is told ---- */

static enum conform_sut_status engine_call(struct engine *engine,
                                           const struct conform_request *request)
{
    struct conform_response response;
    const enum conform_sut_status status =
        conform_sut_call(engine->sut, request, &response, engine->error);

    return status == CONFORM_SUT_OK ? engine_take(engine, &response) : status;
}

struct engine_message { /* put together */
    uint8_t *data;
    size_t size, attribute_count, attribute_room;
    struct conform_attribute *attributes;
};

static struct sipc_span engine_copy(struct sipc_span span)
{
    uint8_t *copy = malloc(span.size + 1);
    SIPC_ASSERT(copy != NULL);
    if (span.size > 0)
        memcpy(copy, span.data, span.size);
    return (struct sipc_span){copy, span.size};
}

static void engine_attribute(void *ctx, struct sipc_span name, struct sipc_span value)
{
    struct engine_message *message = ctx;

    message->attributes = replay_grow(message->attributes, message->attribute_count,
                                      &message->attribute_room, sizeof *message->attributes);
    message->attributes[message->attribute_count++] =
        (struct conform_attribute){engine_copy(name), engine_copy(value)};
}

/* Data and attributes of an operation; of one that ended before its last PDU, what was to follow is
 * not known: bytes of zero stand for it, so that what was sent looks the same. */
static void engine_put_together(const struct engine *engine, const struct replay_op *op,
                                struct engine_message *message)
{
    uint8_t *options = NULL;
    size_t option_size = 0;

    *message = (struct engine_message){0};
    for (size_t w = 0; w < op->window_count; w++) {
        const struct replay_window *window = &op->windows[w];
        const bool is_last = w + 1 == op->window_count;
        const size_t count = window->taken > 0 && window->taken < window->count && !is_last
                                 ? window->taken
                                 : window->count;
        for (size_t i = 0; i < count; i++) {
            const struct sipc_pdu pdu = replay_decoded(&engine->capture->pdus[window->pdus[i] - 1]);
            message->data = realloc(message->data, message->size + pdu.data.size + 1);
            options = realloc(options, option_size + pdu.options.size + 1);
            SIPC_ASSERT(message->data != NULL && options != NULL);
            if (pdu.data.size > 0)
                memcpy(message->data + message->size, pdu.data.data, pdu.data.size);
            if (pdu.options.size > 0)
                memcpy(options + option_size, pdu.options.data, pdu.options.size);
            message->size += pdu.data.size;
            option_size += pdu.options.size;
        }
    }
    if (!op->whole) {
        message->data = realloc(message->data, message->size + ENGINE_PADDING);
        SIPC_ASSERT(message->data != NULL);
        memset(message->data + message->size, 0, ENGINE_PADDING);
        message->size += ENGINE_PADDING;
    }
    pcap_attributes((struct sipc_span){options, option_size}, engine_attribute, message);
    free(options);
}

static void engine_message_clear(struct engine_message *message)
{
    for (size_t i = 0; i < message->attribute_count; i++) {
        free((uint8_t *)(uintptr_t)message->attributes[i].name.data);
        free((uint8_t *)(uintptr_t)message->attributes[i].value.data);
    }
    free(message->attributes);
    free(message->data);
}

static enum conform_sut_status engine_begin(struct engine *engine, struct replay_session *session,
                                            struct replay_op *op)
{
    static const enum conform_op ops[] = {
        [REPLAY_SEND] = CONFORM_SEND,
        [REPLAY_SEND_UNRELIABLE] = CONFORM_SEND_UNRELIABLE,
        [REPLAY_CLOSE] = CONFORM_CLOSE,
    };
    struct engine_session *state = &engine->sessions[session->number];
    struct engine_message message = {0};
    char label[24], remote[12];

    snprintf(label, sizeof label, "%zu", engine->asked_count);
    snprintf(remote, sizeof remote, "%u", session->peer);
    engine->asked =
        replay_grow(engine->asked, engine->asked_count, &engine->asked_room, sizeof *engine->asked);
    engine->asked[engine->asked_count++] = session->number;
    if (op->kind != REPLAY_CLOSE)
        engine_put_together(engine, op, &message);
    if (op->kind == REPLAY_SEND)
        state->current = op;
    state->busy |= op->kind != REPLAY_SEND_UNRELIABLE;
    *(op->kind == REPLAY_CLOSE ? &engine->result->closes : &engine->result->messages) += 1;
    const struct conform_request request = {
        .op = ops[op->kind],
        .session = session->id,
        .remote = remote,
        .label = label,
        .code = op->code,
        .data = {message.data, message.size},
        .attributes = message.attributes,
        .attribute_count = message.attribute_count,
        .skip = op->skip,
    };
    const enum conform_sut_status status = engine_call(engine, &request);
    engine_message_clear(&message);
    return status;
}

/* Begins what is due of a session and need not wait for what is in progress (SND-1). */
static enum conform_sut_status engine_begin_due(struct engine *engine,
                                                struct replay_session *session)
{
    struct engine_session *state = &engine->sessions[session->number];
    enum conform_sut_status status = CONFORM_SUT_OK;

    while (status == CONFORM_SUT_OK && state->op_next < state->op_due) {
        struct replay_op *op = &session->ops[state->op_next];
        const bool waits = op->kind == REPLAY_SEND || (op->kind == REPLAY_CLOSE && op->code == 1);
        if (waits && state->busy && !op->holed)
            break;
        state->op_next++;
        if (!op->holed)
            status = engine_begin(engine, session, op);
    }
    return status;
}

/* Until nothing is left to do at this moment. */
static enum conform_sut_status engine_settle(struct engine *engine)
{
    enum conform_sut_status status = CONFORM_SUT_OK;

    while (status == CONFORM_SUT_OK && (engine->due_count > 0 || engine->ready_count > 0)) {
        for (size_t i = 0; i < engine->due_count && status == CONFORM_SUT_OK; i++)
            status =
                engine_call(engine, &(struct conform_request){.op = CONFORM_SENT,
                                                              .token = engine->due[i].token,
                                                              .success = engine->due[i].success});
        engine->due_count = 0;
        if (engine->ready_count == 0)
            continue;
        engine->ready_count = 0;
        for (size_t i = 0; i < engine->plan->session_count && status == CONFORM_SUT_OK; i++)
            if (engine->sessions[i].ready) {
                engine->sessions[i].ready = false;
                engine->result->waited++;
                status = engine_begin_due(engine, engine->plan->sessions[i]);
            }
    }
    return status;
}

/* The aftermath that comes next, not after `until_ns`; NULL: none. */
static struct engine_aftermath *engine_next_held(struct engine *engine, uint64_t until_ns)
{
    struct engine_aftermath *next = NULL;

    for (size_t i = 0; i < engine->held_count; i++)
        if (engine->held[i].at_ns <= until_ns &&
            (next == NULL || engine->held[i].at_ns < next->at_ns))
            next = &engine->held[i];
    return next;
}

static enum conform_sut_status engine_until(struct engine *engine, uint64_t until_ns)
{
    enum conform_sut_status status = engine_settle(engine);

    while (status == CONFORM_SUT_OK) {
        struct engine_aftermath *held = engine_next_held(engine, until_ns);
        const uint64_t now = conform_sut_now(engine->sut);
        struct conform_response response;
        if (held != NULL && held->at_ns <= now) {
            engine_at_once(engine, held->token, held->success);
            *held = engine->held[--engine->held_count];
        } else if (now < until_ns) {
            status = conform_sut_step(engine->sut, held != NULL ? held->at_ns : until_ns, &response,
                                      engine->error);
            engine->flood = 0;
            if (status == CONFORM_SUT_OK)
                status = engine_take(engine, &response);
        } else {
            break;
        }
        if (status == CONFORM_SUT_OK)
            status = engine_settle(engine);
    }
    return status;
}

/* ---- sessions that began before the capture ---- */

static int64_t engine_first_id(const struct replay_session *session)
{
    int64_t id = session->op_count > 0 ? session->ops[0].windows[0].id : 0;
    if (session->resync_count > 0 && (session->op_count == 0 || session->resyncs[0] < id))
        id = session->resyncs[0];
    return id;
}

/* Ids as they are in the capture; then one empty group with skip, made up, opens the session. */
static enum conform_sut_status
engine_midst(struct engine *engine, const struct replay_session *session, const char *remote)
{
    const int64_t first = session->window_got_count > 0 ? session->windows_got[0] : 1;
    const int64_t before = first > 0 ? first - 1 : SIPC_WINDOW_ID_MAX,
                  own = engine_first_id(session);
    uint8_t pdu[2 * SIPC_PDU_SIZE_MIN];
    const size_t size = replay_opener(session->id, before, pdu, sizeof pdu);

    enum conform_sut_status status =
        engine_call(engine, &(struct conform_request){.op = CONFORM_PRESET,
                                                      .session = session->id,
                                                      .remote = remote,
                                                      .next_window_id = own,
                                                      .acked_window_id = own - 1,
                                                      .min_window_id = before});
    engine->mute = true;
    if (status == CONFORM_SUT_OK)
        status = engine_call(engine, &(struct conform_request){
                                         .op = CONFORM_RX, .from = remote, .pdu = {pdu, size}});
    engine->mute = false;
    return status;
}

static enum conform_sut_status engine_open(struct engine *engine,
                                           const struct replay_session *session)
{
    char remote[12];

    snprintf(remote, sizeof remote, "%u", session->peer);
    if ((session->fresh && !session->opens) || session->sent_count == 0)
        return CONFORM_SUT_OK; /* it makes one of its own accord, or shows no sign of having one */
    enum conform_sut_status status = engine_call(
        engine,
        &(struct conform_request){.op = CONFORM_OPEN, .session = session->id, .remote = remote});
    if (status == CONFORM_SUT_OK && !session->fresh)
        status = engine_midst(engine, session, remote);
    return status;
}

/* ---- the capture ---- */

static enum conform_sut_status engine_get(struct engine *engine, const struct replay_event *event)
{
    const struct replay_pdu *pdu = &engine->capture->pdus[event->pdu];
    uint8_t bytes[SIPC_PDU_SIZE_MAX];
    char from[12];
    struct conform_request request = {
        .op = CONFORM_RX, .from = from, .pdu = {pdu->bytes, pdu->size}};

    snprintf(from, sizeof from, "%u", pdu->source);
    if (pdu->decoded && pdu->size <= sizeof bytes) {
        const struct sipc_pdu decoded = replay_decoded(pdu);
        int64_t id;
        if (decoded.opcode == SIPC_DATA_ACK || decoded.opcode == SIPC_CLOSE_ACK) {
            if (!engine_played_id(&engine->sessions[event->session->number], decoded.window_id,
                                  &id))
                return CONFORM_SUT_OK;
            memcpy(bytes, pdu->bytes, pdu->size);
            pcap_put_window(bytes, id);
            request.pdu.data = bytes;
        }
    }
    return engine_call(engine, &request);
}

/* Aftermaths that waited for this PDU to leave. */
static void engine_release(struct engine *engine, uint32_t index)
{
    if (engine->tokens[index] > 0)
        engine_at_once(engine, engine->tokens[index] - 1, true);
    engine->tokens[index] = 0;
}

/* What was sent there was asked for by then; and the network has taken it. */
static enum conform_sut_status engine_sent(struct engine *engine, const struct replay_event *event)
{
    struct replay_session *session = event->session;
    struct engine_session *state = &engine->sessions[session->number];

    engine_release(engine, event->pdu);
    enum conform_sut_status status = engine_settle(engine);
    while (state->op_due < session->op_count && session->ops[state->op_due].begin <= event->pdu)
        state->op_due++;
    if (status == CONFORM_SUT_OK)
        status = engine_begin_due(engine, session);
    engine->position = event->pdu + 1;
    if (status == CONFORM_SUT_OK)
        status = engine_settle(engine);
    engine_release(engine, event->pdu);
    return status;
}

static enum conform_sut_status engine_play(struct engine *engine)
{
    enum conform_sut_status status = CONFORM_SUT_OK;

    for (size_t i = 0; i < engine->plan->event_count && status == CONFORM_SUT_OK; i++) {
        const struct replay_event *event = &engine->plan->events[i];
        engine->position = event->pdu;
        status = engine_until(engine, engine->capture->pdus[event->pdu].at_ns);
        if (status == CONFORM_SUT_OK && event->session != NULL &&
            event->session->begin == event->pdu)
            status = engine_open(engine, event->session);
        if (status == CONFORM_SUT_OK)
            status = event->sent ? engine_sent(engine, event) : engine_get(engine, event);
        if (status == CONFORM_SUT_OK)
            status = engine_settle(engine);
    }
    engine->position = UINT32_MAX;
    if (status == CONFORM_SUT_OK)
        status = engine_until(engine, engine->capture->last_ns);
    return status;
}

/* ---- the whole ---- */

/* One of those asked for must be taken; without another the SUT plays with what it has. */
static enum conform_sut_status engine_refused(struct engine *engine,
                                              const struct conform_setting *settings, size_t count,
                                              const struct conform_response *response, size_t asked)
{
    enum conform_sut_status status = CONFORM_SUT_OK;

    for (size_t r = 0; r < response->refused_count; r++)
        for (size_t i = 0; i < count; i++) {
            if (strcmp(settings[i].name, response->refused[r]) != 0)
                continue;
            engine->result->refused |= UINT64_C(1) << i;
            if (i < asked && status == CONFORM_SUT_OK) {
                conform_error_set(engine->error, "it refuses the setting %s=%" PRId64,
                                  settings[i].name, settings[i].value);
                status = CONFORM_SUT_NO_START;
            }
        }
    return status;
}

static enum conform_sut_status engine_start(struct engine *engine,
                                            const struct replay_engine_options *options)
{
    struct conform_setting settings[REPLAY_SETTINGS_MAX + REPLAY_SETTINGS_MORE];
    const size_t count = replay_settings(engine->plan, options, settings);
    struct conform_response response;

    engine->ack_timeout_ns = 1000 * SIPC_NS_PER_MS;
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].name, "ack_timeout_ms") == 0)
            engine->ack_timeout_ns = (uint64_t)settings[i].value * SIPC_NS_PER_MS;
    enum conform_sut_status status =
        conform_sut_call(engine->sut,
                         &(struct conform_request){
                             .op = CONFORM_CONFIGURE, .settings = settings, .setting_count = count},
                         &response, engine->error);
    if (status != CONFORM_SUT_OK)
        return status;
    status = engine_refused(engine, settings, count, &response, options->setting_count);
    conform_response_clear(&response);
    if (status != CONFORM_SUT_OK)
        return status;
    return engine_call(engine, &(struct conform_request){.op = CONFORM_RESET});
}

/* Enquire links are a matter of a timer of which the capture does not tell: they are compared where
 * it was set. */
static void engine_want_links(struct engine *engine, const struct replay_engine_options *options)
{
    bool set = false;

    for (size_t i = 0; i < options->setting_count; i++)
        set |= strcmp(options->settings[i].name, "enquire_link_interval_ms") == 0;
    for (size_t i = 0; set && i < engine->plan->event_count; i++) {
        const struct replay_event *event = &engine->plan->events[i];
        if (event->sent &&
            replay_decoded(&engine->capture->pdus[event->pdu]).opcode == SIPC_ENQUIRE_LINK)
            engine->plan->marks[event->pdu] = REPLAY_WANTED;
    }
}

enum conform_sut_status replay_engine(struct replay_plan *plan, struct conform_sut *sut,
                                      const struct replay_engine_options *options,
                                      struct replay_result *result, struct conform_error *error)
{
    struct engine engine = {
        .plan = plan,
        .capture = plan->capture,
        .sut = sut,
        .error = error,
        .tolerance_ns = options->tolerance_ns,
        .result = result,
        .sessions = calloc(plan->session_count + 1, sizeof *engine.sessions),
        .tokens = calloc(plan->capture->count + 1, sizeof *engine.tokens),
    };

    SIPC_ASSERT(engine.sessions != NULL && engine.tokens != NULL);
    *result = (struct replay_result){0};
    engine_want_links(&engine, options);
    enum conform_sut_status status = engine_start(&engine, options);
    if (status == CONFORM_SUT_OK)
        status = engine_play(&engine);
    if (status == CONFORM_SUT_OK)
        replay_weigh(&engine);
    for (size_t i = 0; i < plan->session_count; i++) {
        for (size_t e = 0; e < engine.sessions[i].extra_count; e++)
            free(engine.sessions[i].extras[e].bytes);
        free(engine.sessions[i].extras);
        free(engine.sessions[i].names);
    }
    free(engine.sessions);
    free(engine.tokens);
    free(engine.due);
    free(engine.held);
    free(engine.asked);
    return status;
}
