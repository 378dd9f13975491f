/* The engine as a system under test: requests of the contract in, what the engine puts out as
 * outputs of the contract. Requests that fail change nothing.
 *
 * One request is one event for the engine, then it is brought to rest: its actions are drained,
 * with aftermath `auto` each PDU's success is fed back at once, deadlines that are due are fired,
 * and in echo mode what came is sent back; until none of these has anything left to do.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "conform/sut.h"
#include "engine_book.h"
#include "engine_settings.h"
#include "json_bytes.h"
#include "sipc/session.h"

#ifndef SIPC_VERSION
#define SIPC_VERSION "unknown"
#endif

enum {
    ENGINE_STEPS_MAX = 1000000,       /* within one request; more is a loop without end */
    ENGINE_ECHO_BYTES_MAX = 64 << 20, /* waiting to be sent back */
};

/* A group to be sent back. */
struct engine_echo {
    struct engine_echo *next;
    uint8_t session[SIPC_SESSION_ID_SIZE];
    sipc_peer remote;
    uint8_t *data;
    size_t size;
    struct conform_attribute *attributes;
    size_t attribute_count;
};

struct conform_engine_sut {
    bool wall_clock;
    bool stream; /* wall clock: what the network is */
    bool echo;
    bool stuck; /* did not come to rest: only reset helps */
    struct conform__engine_settings next, settings;
    void *block; /* mapped, so that a large block costs only what is touched */
    size_t block_size;
    struct sipc_endpoint *ep; /* NULL before the first reset */
    uint64_t now_ns;
    uint64_t fire_ns; /* what is due until then fires; virtual clock: now */
    struct conform__book book;
    struct engine_echo *echo_first, **echo_end;
    size_t echo_bytes;
};

static const char *const engine_capabilities[] = {
    "send",   "send_unreliable", "close",  "force_close",  "dispose",      "shutdown", "attributes",
    "skip",   "state",           "preset", "enquire_link", "idle_timeout", "linger",   "endpoint",
    "stream", "aftermath",
};

struct conform_engine_sut *conform_engine_sut_new(bool wall_clock)
{
    struct conform_engine_sut *sut = conform__alloc(sizeof *sut);
    sut->wall_clock = wall_clock;
    sut->echo_end = &sut->echo_first;
    conform__engine_settings_default(&sut->next, false);
    return sut;
}

void conform_engine_sut_set_echo(struct conform_engine_sut *sut, bool echo)
{
    sut->echo = echo;
}

void conform_engine_sut_set_now(struct conform_engine_sut *sut, uint64_t now_ns)
{
    SIPC_ASSERT(sut->wall_clock && now_ns >= sut->now_ns);
    sut->now_ns = now_ns;
}

void conform_engine_sut_set_stream(struct conform_engine_sut *sut, bool stream)
{
    sut->stream = stream;
    conform__engine_settings_default(&sut->next, stream);
}

static void engine_fail(struct conform_response *response, const char *format, ...)
    SIPC_PRINTF(2, 3);

static void engine_fail(struct conform_response *response, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    free(response->error);
    response->ok = false;
    response->error = conform__strdup(text);
}

/* ---- echo ---- */

static void engine_echo_pop(struct conform_engine_sut *sut, struct engine_echo **link)
{
    struct engine_echo *echo = *link;
    *link = echo->next;
    if (!*link) {
        sut->echo_end = link;
    }
    sut->echo_bytes -= echo->size;
    conform__attributes_free(echo->attributes, echo->attribute_count);
    free(echo->data);
    free(echo);
}

static void engine_echo_push(struct conform_engine_sut *sut, const struct sipc_action *action)
{
    struct sipc_span data = action->u.deliver.data;
    if (sut->echo_bytes + data.size > ENGINE_ECHO_BYTES_MAX) {
        return; /* a peer that floods faster than it acks gets less back */
    }
    struct engine_echo *echo = conform__alloc(sizeof *echo);
    memcpy(echo->session, action->session_id, sizeof echo->session);
    echo->remote = action->remote;
    echo->data = conform__bytes_copy(data.data, data.size);
    echo->size = data.size;
    struct sipc_span rest = action->u.deliver.attributes, name, value;
    while (sipc_attribute_next(&rest, &name, &value)) {
        echo->attributes = conform__realloc(echo->attributes,
                                            (echo->attribute_count + 1) * sizeof *echo->attributes);
        struct conform_attribute *copy = &echo->attributes[echo->attribute_count++];
        copy->name = (struct sipc_span){conform__bytes_copy(name.data, name.size), name.size};
        copy->value = (struct sipc_span){conform__bytes_copy(value.data, value.size), value.size};
    }
    *sut->echo_end = echo;
    sut->echo_end = &echo->next;
    sut->echo_bytes += data.size;
}

static enum sipc_status engine_send(struct conform_engine_sut *sut, sipc_session session,
                                    const struct conform__message *message,
                                    const struct conform_attribute *attributes, size_t count,
                                    bool skip, bool unreliable)
{
    struct sipc_attribute *list = conform__alloc(count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct sipc_attribute){attributes[i].name, attributes[i].value};
    }
    const struct sipc_message m = {message->handle, message->size, list, count, skip};
    enum sipc_status status = unreliable
                                  ? sipc_session_send_unreliable(sut->ep, sut->now_ns, session, &m)
                                  : sipc_session_send(sut->ep, sut->now_ns, session, &m);
    free(list);
    return status;
}

/* Sends back the first group whose session can send; false if none can. */
static bool engine_echo_pump(struct conform_engine_sut *sut)
{
    for (struct engine_echo **link = &sut->echo_first; *link; link = &(*link)->next) {
        struct engine_echo *echo = *link;
        struct conform__message *message = conform__book_message(&sut->book, echo->session, NULL);
        message->data = echo->data;
        message->size = echo->size;
        sipc_session session = sipc_session_find(sut->ep, echo->remote, echo->session);
        enum sipc_status status = session ? engine_send(sut, session, message, echo->attributes,
                                                        echo->attribute_count, false, false)
                                          : SIPC_E_UNKNOWN;
        bool wait = status == SIPC_E_BUSY || status == SIPC_E_OPENING;
        if (status == SIPC_OK) {
            echo->data = NULL; /* the message's now, until its result */
        } else {
            message->data = NULL;
            conform__book_drop_message(&sut->book, message);
        }
        if (!wait) {
            engine_echo_pop(sut, link);
            return true;
        }
    }
    return false;
}

/* ---- outputs ---- */

static struct conform_out *engine_add(struct conform_engine_sut *sut,
                                      struct conform_response *response, enum conform_out_kind kind,
                                      const uint8_t *session, sipc_peer remote)
{
    struct conform_out *out = conform_response_add(response);
    out->kind = kind;
    out->at_ns = sut->now_ns;
    out->remote = conform__strdup(conform__book_peer_name(&sut->book, remote));
    if (session) {
        out->has_session = true;
        memcpy(out->session, session, sizeof out->session);
    }
    return out;
}

static void engine_out_transmit(struct conform_engine_sut *sut, const struct sipc_action *action,
                                struct conform_response *response)
{
    struct conform_out *out = engine_add(sut, response, CONFORM_OUT_TX, NULL, action->remote);
    struct sipc_span head = action->u.transmit.head;
    size_t size = action->u.transmit.payload_size;
    uint64_t offset = action->u.transmit.payload_offset;
    out->size = head.size + size;
    out->bytes = conform__realloc(NULL, out->size);
    memcpy(out->bytes, head.data, head.size);
    if (size) {
        const struct conform__message *message =
            conform__book_find_message(&sut->book, action->u.transmit.message);
        SIPC_ASSERT(message && offset + size <= message->size);
        for (size_t i = 0; i < size; i++) {
            out->bytes[head.size + i] =
                message->data ? message->data[offset + i] : (uint8_t)((offset + i) % 251);
        }
    }
    out->token =
        conform__book_transmit(&sut->book, action->u.transmit.token, action->u.transmit.owed);
}

static void engine_out_deliver(struct conform_engine_sut *sut, const struct sipc_action *action,
                               struct conform_response *response)
{
    struct conform_out *out =
        engine_add(sut, response, CONFORM_OUT_DELIVER, action->session_id, action->remote);
    struct sipc_span data = action->u.deliver.data;
    out->bytes = conform__bytes_copy(data.data, data.size);
    out->size = data.size;
    struct sipc_span rest = action->u.deliver.attributes, name, value;
    while (sipc_attribute_next(&rest, &name, &value)) {
        out->attributes =
            conform__realloc(out->attributes, (out->attribute_count + 1) * sizeof *out->attributes);
        struct conform_attribute *copy = &out->attributes[out->attribute_count++];
        copy->name = (struct sipc_span){conform__bytes_copy(name.data, name.size), name.size};
        copy->value = (struct sipc_span){conform__bytes_copy(value.data, value.size), value.size};
    }
    if (sut->echo) {
        engine_echo_push(sut, action);
    }
}

static void engine_out_result(struct conform_engine_sut *sut, const struct sipc_action *action,
                              struct conform_response *response)
{
    static const char *const operations[] = {
        [SIPC_OP_SEND] = "send",
        [SIPC_OP_SEND_UNRELIABLE] = "send_unreliable",
        [SIPC_OP_CLOSE] = "close",
    };
    struct conform__message *message =
        conform__book_find_message(&sut->book, action->u.result.handle);
    SIPC_ASSERT(message);
    if (message->label) { /* an echo has none */
        struct conform_out *out =
            engine_add(sut, response, CONFORM_OUT_RESULT, message->session, action->remote);
        out->label = conform__strdup(message->label);
        out->operation = conform__strdup(operations[action->u.result.operation]);
        out->word = conform__strdup(sipc_outcome_name(action->u.result.outcome));
        out->has_code = true;
        out->code = action->u.result.code;
    }
    conform__book_drop_message(&sut->book, message);
}

static void engine_out(struct conform_engine_sut *sut, const struct sipc_action *action,
                       struct conform_response *response)
{
    struct conform_out *out;
    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        engine_out_transmit(sut, action, response);
        break;
    case SIPC_ACTION_DELIVER:
        engine_out_deliver(sut, action, response);
        break;
    case SIPC_ACTION_RESULT:
        engine_out_result(sut, action, response);
        break;
    case SIPC_ACTION_STATE:
        conform__book_note(&sut->book, action->session_id, action->remote,
                           sut->settings.config.stream, action->u.state.state);
        out = engine_add(sut, response, CONFORM_OUT_STATE, action->session_id, action->remote);
        out->word = conform__strdup(sipc_state_name(action->u.state.state));
        out->has_code = action->u.state.cause != 0;
        out->code = action->u.state.cause;
        break;
    case SIPC_ACTION_DISCARD:
        out = engine_add(sut, response, CONFORM_OUT_DISCARD, action->session_id, action->remote);
        out->word = conform__strdup(sipc_discard_name(action->u.discard.reason));
        break;
    }
}

/* Brings the engine to rest. */
static void engine_settle(struct conform_engine_sut *sut, struct conform_response *response)
{
    bool automatic = !sut->wall_clock && !sut->settings.manual;
    for (int steps = 0; steps < ENGINE_STEPS_MAX; steps++) {
        struct sipc_action action;
        struct conform__transmission transmission;
        if (sipc_endpoint_next_action(sut->ep, &action)) {
            engine_out(sut, &action, response);
        } else if (automatic && conform__book_next_owed(&sut->book, &transmission)) {
            /* unknown: an ack made the engine disregard this aftermath (SND-9) */
            enum sipc_status status =
                sipc_endpoint_sent(sut->ep, sut->now_ns, transmission.token, true);
            SIPC_ASSERT(status == SIPC_OK || status == SIPC_E_UNKNOWN);
        } else if (sipc_endpoint_deadline(sut->ep) <= sut->fire_ns) {
            enum sipc_status status = sipc_endpoint_advance(sut->ep, sut->now_ns);
            SIPC_ASSERT(status == SIPC_OK);
        } else if (!engine_echo_pump(sut)) {
            return;
        }
    }
    sut->stuck = true;
    engine_fail(response, "the engine does not come to rest: %d steps without time passing",
                ENGINE_STEPS_MAX);
}

/* ---- requests ---- */

static void engine_hello(struct conform_engine_sut *sut, const struct conform_request *request,
                         struct conform_response *response)
{
    const char *clock = sut->wall_clock ? "wall" : "virtual";
    if (request->contract != 1 || strcmp(request->clock, clock) != 0) {
        engine_fail(response, "this is contract 1 with the %s clock, not contract %d with \"%s\"",
                    clock, request->contract, request->clock);
        return;
    }
    response->name = conform__strdup("sipc-engine");
    response->version = conform__strdup(SIPC_VERSION);
    response->clock = conform__strdup(clock);
    response->contract = 1;
    response->tick_ns = 1;
    size_t count = sizeof engine_capabilities / sizeof *engine_capabilities;
    response->capabilities = conform__alloc(count * sizeof *response->capabilities);
    for (size_t i = 0; i < count; i++) {
        const char *name = engine_capabilities[i];
        bool has = !sut->wall_clock ||
                   (strcmp(name, "aftermath") != 0 && (sut->stream || strcmp(name, "stream") != 0));
        if (has) {
            response->capabilities[response->capability_count++] = conform__strdup(name);
        }
    }
}

static void engine_drop(struct conform_engine_sut *sut)
{
    if (sut->block) {
        munmap(sut->block, sut->block_size);
    }
    while (sut->echo_first) {
        engine_echo_pop(sut, &sut->echo_first);
    }
    conform__book_clear(&sut->book);
    sut->block = NULL;
    sut->ep = NULL;
    sut->now_ns = sut->fire_ns = 0;
    sut->stuck = false;
}

void conform_engine_sut_free(struct conform_engine_sut *sut)
{
    if (sut) {
        engine_drop(sut);
        free(sut);
    }
}

static void engine_reset(struct conform_engine_sut *sut, struct conform_response *response)
{
    struct sipc_config config = sut->next.config;
    if (sut->wall_clock) { /* strangers may choose session ids */
        ssize_t got = getrandom(&config.table_key, sizeof config.table_key, 0);
        SIPC_ASSERT(got == (ssize_t)sizeof config.table_key);
    }
    size_t size = sipc_endpoint_size(&config);
    void *block = size ? mmap(NULL, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                       : MAP_FAILED;
    if (block == MAP_FAILED) {
        engine_fail(response, "no memory for an endpoint with these settings (%zu bytes)", size);
        return;
    }
    engine_drop(sut);
    sut->block = block;
    sut->block_size = size;
    sut->settings = sut->next;
    enum sipc_status status = sipc_endpoint_init(block, size, &config, 0, &sut->ep);
    SIPC_ASSERT(status == SIPC_OK);
}

enum engine_found {
    ENGINE_UNHEARD,  /* no session of this name since reset */
    ENGINE_DISPOSED, /* it was */
    ENGINE_HELD,
    ENGINE_AMBIGUOUS, /* several peers have one of this id; *response says so */
};

/* The session a request names; where there is or was one, *known says where and how it is. */
static enum engine_found engine_find(struct conform_engine_sut *sut,
                                     const struct conform_request *request,
                                     struct conform_response *response,
                                     struct conform__known *found, sipc_session *session)
{
    bool stream = sut->settings.config.stream;
    sipc_peer remote =
        request->remote && !stream ? conform__book_find_peer(&sut->book, request->remote) : 0;
    const struct conform__known *best = NULL;
    size_t alive = 0;
    for (size_t i = 0; i < sut->book.known_count; i++) {
        const struct conform__known *known = &sut->book.known[i];
        if (memcmp(known->id, request->session, sizeof known->id) != 0 ||
            (request->remote && !stream && known->remote != remote)) {
            continue;
        }
        bool held = known->state != SIPC_DISPOSED;
        alive += held;
        best = held || alive == 0 ? known : best;
    }
    memset(found, 0, sizeof *found);
    *session = 0;
    if (!best) {
        return ENGINE_UNHEARD;
    }
    if (alive > 1) {
        engine_fail(response, "%zu peers have a session of this id: `remote` must say which",
                    alive);
        return ENGINE_AMBIGUOUS;
    }
    *found = *best;
    *session = sipc_session_find(sut->ep, best->remote, best->id);
    return *session ? ENGINE_HELD : ENGINE_DISPOSED;
}

/* The same for requests that make no sense without one: *response says what is missing. */
static bool engine_heard(struct conform_engine_sut *sut, const struct conform_request *request,
                         struct conform_response *response, struct conform__known *found,
                         sipc_session *session)
{
    enum engine_found how = engine_find(sut, request, response, found, session);
    if (how == ENGINE_UNHEARD) {
        engine_fail(response, "no such session");
    }
    return how == ENGINE_DISPOSED || how == ENGINE_HELD;
}

static void engine_open(struct conform_engine_sut *sut, const struct conform_request *request,
                        struct conform_response *response)
{
    sipc_peer remote = conform__book_peer(&sut->book, request->remote);
    if (!remote) {
        engine_fail(response, "more than %d peers since reset", CONFORM__PEERS_MAX);
        return;
    }
    int64_t idle =
        request->has_idle_timeout ? conform__ms_to_ns(request->idle_timeout_ms) : INT64_MIN;
    sipc_session session;
    switch (sipc_session_open(sut->ep, sut->now_ns, remote, request->session, idle, &session)) {
    case SIPC_OK:
        conform__book_note(&sut->book, request->session, remote, sut->settings.config.stream,
                           SIPC_OPENING);
        break;
    case SIPC_E_EXISTS:
        engine_fail(response, "a session of this id is held already, or lingers");
        break;
    case SIPC_E_STATE:
        engine_fail(response, "the endpoint is shutting down");
        break;
    default:
        engine_fail(response, "the endpoint is full");
        break;
    }
}

static void engine_preset(struct conform_engine_sut *sut, const struct conform_request *request,
                          struct conform_response *response)
{
    struct conform__known known;
    sipc_session session;
    if (!engine_heard(sut, request, response, &known, &session)) {
        return;
    }
    const struct sipc_preset preset = {request->next_window_id, request->acked_window_id,
                                       request->min_window_id, request->processed};
    switch (sipc_session_preset(sut->ep, sut->now_ns, session, &preset)) {
    case SIPC_OK:
        break;
    case SIPC_E_INVALID:
        engine_fail(response, "window ids out of range, or next beyond what acked allows");
        break;
    default:
        engine_fail(response, "only a fresh session can be preset");
        break;
    }
}

static const char *engine_why(enum sipc_status status)
{
    switch (status) {
    case SIPC_E_BUSY:
        return "busy";
    case SIPC_E_STATE:
        return "state";
    case SIPC_E_OPENING:
        return "opening";
    case SIPC_E_ATTRIBUTES:
        return "attributes";
    case SIPC_E_SIZE:
        return "size";
    case SIPC_E_NO_ID:
        return "no_id";
    default:
        return "other";
    }
}

/* The end of an operation that the engine did not take: an output like any other end. */
static void engine_end(struct conform_engine_sut *sut, const struct conform_request *request,
                       sipc_peer remote, const char *outcome, const char *why,
                       struct conform_response *response)
{
    struct conform_out *out =
        engine_add(sut, response, CONFORM_OUT_RESULT, request->session, remote);
    out->label = conform__strdup(request->label);
    out->operation = conform__strdup(conform_op_name(request->op));
    out->word = conform__strdup(outcome);
    out->why = conform__strdup(why);
    out->has_code = true;
}

/* Starts a send, send_unreliable or close on a session that is held. */
static enum sipc_status engine_start(struct conform_engine_sut *sut,
                                     const struct conform_request *request, sipc_session session,
                                     struct conform__message *message)
{
    if (request->op == CONFORM_CLOSE) {
        return sipc_session_close(sut->ep, sut->now_ns, session, request->code, message->handle);
    }
    if (request->data.data) {
        message->data = conform__bytes_copy(request->data.data, request->data.size);
        message->size = request->data.size;
    } else {
        message->size = request->has_size ? request->size : 0;
    }
    return engine_send(sut, session, message, request->attributes, request->attribute_count,
                       request->skip, request->op == CONFORM_SEND_UNRELIABLE);
}

/* send, send_unreliable and close. */
static void engine_operate(struct conform_engine_sut *sut, const struct conform_request *request,
                           struct conform_response *response)
{
    struct conform__known known;
    sipc_session session;
    if (request->op == CONFORM_CLOSE && (request->code < 1 || request->code > 99)) {
        engine_fail(response, "the code of a close must be 1..99, is %d", (int)request->code);
        return;
    }
    enum engine_found found = engine_find(sut, request, response, &known, &session);
    if (found == ENGINE_AMBIGUOUS) {
        return;
    }
    struct conform__message *message =
        conform__book_message(&sut->book, request->session, request->label);
    if (!message) {
        engine_fail(response, "the label \"%s\" was used before", request->label);
        return;
    }
    enum sipc_status status = SIPC_E_STATE;
    if (found == ENGINE_HELD) {
        status = engine_start(sut, request, session, message);
    }
    if (status == SIPC_OK) {
        return;
    }
    conform__book_drop_message(&sut->book, message);
    if (found == ENGINE_DISPOSED && request->op == CONFORM_CLOSE) {
        engine_end(sut, request, known.remote, "ok", NULL, response); /* it has ended (CLS-5) */
    } else {
        engine_end(sut, request, known.remote, "refused", engine_why(status), response);
    }
}

static void engine_dispose(struct conform_engine_sut *sut, const struct conform_request *request,
                           struct conform_response *response)
{
    struct conform__known known;
    sipc_session session;
    if (engine_heard(sut, request, response, &known, &session) && session) {
        enum sipc_status status =
            sipc_session_dispose(sut->ep, sut->now_ns, session, request->code);
        SIPC_ASSERT(status == SIPC_OK);
    }
}

static void engine_rx(struct conform_engine_sut *sut, const struct conform_request *request,
                      struct conform_response *response)
{
    sipc_peer from = conform__book_peer(&sut->book, request->from);
    if (!from) {
        engine_fail(response, "more than %d peers since reset", CONFORM__PEERS_MAX);
        return;
    }
    enum sipc_status status = sipc_endpoint_receive(sut->ep, sut->now_ns, from, request->pdu);
    SIPC_ASSERT(status == SIPC_OK);
}

static void engine_sent(struct conform_engine_sut *sut, const struct conform_request *request,
                        struct conform_response *response)
{
    struct conform__transmission transmission;
    if (!sut->wall_clock && !sut->settings.manual) {
        engine_fail(response, "`sent` needs the setting aftermath = manual");
    } else if (!conform__book_sent(&sut->book, request->token, &transmission)) {
        engine_fail(response, "token %llu was never given, or has had its aftermath",
                    (unsigned long long)request->token);
    } else {
        /* unknown: an ack (ACK-4), or an aftermath that an ack made moot (SND-9) */
        enum sipc_status status =
            sipc_endpoint_sent(sut->ep, sut->now_ns, transmission.token, request->success);
        SIPC_ASSERT(status == SIPC_OK || status == SIPC_E_UNKNOWN);
    }
}

static void engine_advance(struct conform_engine_sut *sut, const struct conform_request *request,
                           struct conform_response *response)
{
    uint64_t deadline = sipc_endpoint_deadline(sut->ep);
    if (request->to_ns < sut->fire_ns) {
        engine_fail(response, "time never goes back: it is %llu, not %llu",
                    (unsigned long long)sut->fire_ns, (unsigned long long)request->to_ns);
    } else if (!sut->wall_clock && request->to_ns > deadline) {
        engine_fail(response, "%llu is past the deadline %llu", (unsigned long long)request->to_ns,
                    (unsigned long long)deadline);
    } else {
        sut->fire_ns = request->to_ns; /* it fires on the way to rest */
        sut->now_ns = sut->fire_ns > sut->now_ns ? sut->fire_ns : sut->now_ns;
    }
}

static void engine_state(struct conform_engine_sut *sut, const struct conform_request *request,
                         struct conform_response *response)
{
    struct conform__known known;
    sipc_session session;
    if (engine_heard(sut, request, response, &known, &session)) {
        response->state = conform__strdup(sipc_state_name(known.state));
    }
}

/* Requests that need an endpoint. */
static void engine_work(struct conform_engine_sut *sut, const struct conform_request *request,
                        struct conform_response *response)
{
    switch (request->op) {
    case CONFORM_OPEN:
        engine_open(sut, request, response);
        break;
    case CONFORM_PRESET:
        engine_preset(sut, request, response);
        break;
    case CONFORM_SEND:
    case CONFORM_SEND_UNRELIABLE:
    case CONFORM_CLOSE:
        engine_operate(sut, request, response);
        break;
    case CONFORM_DISPOSE:
        engine_dispose(sut, request, response);
        break;
    case CONFORM_SHUTDOWN: {
        enum sipc_status status = sipc_endpoint_shutdown(
            sut->ep, sut->now_ns, (sipc_time)conform__ms_to_ns(request->grace_ms));
        SIPC_ASSERT(status == SIPC_OK);
        break;
    }
    case CONFORM_RX:
        engine_rx(sut, request, response);
        break;
    case CONFORM_SENT:
        engine_sent(sut, request, response);
        break;
    case CONFORM_ADVANCE:
        engine_advance(sut, request, response);
        break;
    case CONFORM_STATE:
        engine_state(sut, request, response);
        break;
    default:
        response->unsupported = true;
        engine_fail(response, "no such request: %s",
                    request->op_name ? request->op_name : conform_op_name(request->op));
        break;
    }
}

void conform_engine_sut_call(struct conform_engine_sut *sut, const struct conform_request *request,
                             struct conform_response *response)
{
    memset(response, 0, sizeof *response);
    response->ok = true;
    switch (request->op) {
    case CONFORM_HELLO:
        engine_hello(sut, request, response);
        break;
    case CONFORM_CONFIGURE:
        conform__engine_settings_default(&sut->next, sut->stream);
        conform__engine_settings_apply(&sut->next, request, sut->wall_clock, response);
        break;
    case CONFORM_RESET:
        engine_reset(sut, response);
        break;
    case CONFORM_BYE:
        break;
    default:
        if (request->op == CONFORM_UNKNOWN) {
            engine_work(sut, request, response);
        } else if (!sut->ep) {
            engine_fail(response, "`%s` before the first reset", conform_op_name(request->op));
        } else if (sut->stuck) {
            engine_fail(response, "the engine did not come to rest before: reset it");
        } else {
            engine_work(sut, request, response);
            engine_settle(sut, response);
        }
        break;
    }
    response->deadline_ns = sut->ep ? sipc_endpoint_deadline(sut->ep) : SIPC_NEVER;
}
