/* See fake_sut.h.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_sut.h"

enum { FAKE_EVENTS_MAX = 64 };

struct fake_event {
    uint64_t at_ns;
    const struct fake_act *act;
    uint8_t session[SIPC_SESSION_ID_SIZE];
    char label[64];
};

static struct {
    struct fake_sut *fake;
    struct conform_response hello;
    struct sx_script *script;
    uint64_t now_ns;
    unsigned counts[CONFORM_OP_COUNT];
    struct fake_event events[FAKE_EVENTS_MAX];
    size_t event_count;
    uint8_t session[SIPC_SESSION_ID_SIZE];
    char label[64];
    bool down;
    uint64_t token;
} state;

/* ---- what it puts out ---- */

static char *fake_copy(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    return copy;
}

static struct sipc_span fake_span(const char *text, size_t size)
{
    return (struct sipc_span){(const uint8_t *)text, size};
}

/* Calls `each` for every name=value of "a=1;b=2". */
static void fake_each_option(const char *options, void *ctx,
                             void (*each)(void *, struct sipc_span, struct sipc_span))
{
    while (options != NULL && *options != '\0') {
        size_t size = strcspn(options, ";");
        size_t name = strcspn(options, "=");
        each(ctx, fake_span(options, name), fake_span(options + name + 1, size - name - 1));
        options += size + (options[size] == ';');
    }
}

struct fake_options {
    uint8_t bytes[2048];
    size_t used;
};

static void fake_add_option(void *ctx, struct sipc_span name, struct sipc_span value)
{
    struct fake_options *options = ctx;
    assert_int_equal(
        sipc_option_encode(name, value, options->bytes, sizeof options->bytes, &options->used),
        SIPC_OK);
}

static void fake_add_attribute(void *ctx, struct sipc_span name, struct sipc_span value)
{
    struct conform_out *out = ctx;
    out->attributes =
        reallocarray(out->attributes, out->attribute_count + 1, sizeof *out->attributes);
    assert_non_null(out->attributes);
    /* One block each, as a decoded response has them. */
    uint8_t *bytes[2] = {malloc(name.size + 1), malloc(value.size + 1)};
    memcpy(bytes[0], name.data, name.size);
    memcpy(bytes[1], value.data, value.size);
    out->attributes[out->attribute_count++] =
        (struct conform_attribute){{bytes[0], name.size}, {bytes[1], value.size}};
}

static void fake_fill_pdu(const struct fake_event *event, struct conform_out *out)
{
    const struct fake_act *act = event->act;
    const char *data = act->data != NULL ? act->data : "";
    struct fake_options options = {.used = 0};

    if (act->full) {
        fake_each_option("s_10=True;s_20=16", &options, fake_add_option);
    }
    fake_each_option(act->options, &options, fake_add_option);
    const struct sipc_pdu_parts parts = {
        .session_id = event->session,
        .window_id = act->window_id,
        .seq_nr = act->seq_nr,
        .opcode = (uint8_t)(act->opcode != 0 ? act->opcode : SIPC_DATA_ACK),
        .options = {options.bytes, options.used},
        .data = fake_span(data, strlen(data)),
    };
    out->bytes = malloc(4096);
    assert_non_null(out->bytes);
    assert_int_equal(sipc_pdu_encode(&parts, out->bytes, 4096, &out->size), SIPC_OK);
    out->size -= act->cut;
    out->token = ++state.token;
}

static void fake_emit(const struct fake_event *event, struct conform_response *response)
{
    static const enum conform_out_kind kinds[] = {
        [FAKE_TX] = CONFORM_OUT_TX,           [FAKE_DELIVER] = CONFORM_OUT_DELIVER,
        [FAKE_RESULT] = CONFORM_OUT_RESULT,   [FAKE_STATE] = CONFORM_OUT_STATE,
        [FAKE_DISCARD] = CONFORM_OUT_DISCARD, [FAKE_EOF] = CONFORM_OUT_EOF,
        [FAKE_FLOOD] = CONFORM_OUT_TX,
    };
    const struct fake_act *act = event->act;
    struct conform_out *out = conform_response_add(response);

    out->kind = kinds[act->kind];
    out->at_ns = state.now_ns;
    out->remote = fake_copy(act->peer != NULL ? act->peer : "P");
    if (out->kind == CONFORM_OUT_TX) {
        fake_fill_pdu(event, out);
        return;
    }
    out->has_session = true;
    memcpy(out->session, event->session, sizeof out->session);
    out->word = act->word != NULL ? fake_copy(act->word) : NULL;
    out->code = act->code;
    out->has_code = act->has_code || act->code != 0;
    if (act->kind == FAKE_RESULT) {
        out->label = fake_copy(act->label != NULL ? act->label : event->label);
    } else if (act->kind == FAKE_DELIVER) {
        const char *data = act->data != NULL ? act->data : "";
        out->bytes = (uint8_t *)fake_copy(data);
        out->size = strlen(data);
        fake_each_option(act->options, out, fake_add_attribute);
    }
}

/* ---- requests ---- */

static void fake_note(const struct conform_request *request)
{
    struct fake_sut *fake = state.fake;
    char *text = fake->told[fake->told_count];
    size_t size = sizeof fake->told[0];

    if (request->op == CONFORM_RX) {
        if (fake->rx_count == 32) {
            return;
        }
        uint8_t *copy = malloc(request->pdu.size + 1);
        memcpy(copy, request->pdu.data, request->pdu.size);
        fake->rx[fake->rx_count] = copy;
        fake->rx_size[fake->rx_count++] = request->pdu.size;
        return;
    }
    if (fake->told_count == 32) {
        return;
    }
    fake->told_count++;
    snprintf(text, size, "%s", conform_op_name(request->op));
    for (size_t i = 0; i < request->setting_count; i++) {
        const struct conform_setting *setting = &request->settings[i];
        size_t used = strlen(text);
        if (setting->word != NULL) {
            snprintf(text + used, size - used, " %s=%s", setting->name, setting->word);
        } else {
            snprintf(text + used, size - used, " %s=%" PRId64 "%s", setting->name, setting->value,
                     setting->boolean ? "b" : "");
        }
    }
    size_t used = strlen(text);
    if (request->op == CONFORM_OPEN) {
        snprintf(text + used, size - used, " %s %" PRId64, request->remote,
                 request->has_idle_timeout ? request->idle_timeout_ms : -1);
    } else if (request->op == CONFORM_PRESET) {
        snprintf(text + used, size - used, " %" PRId64 " %" PRId64 " %" PRId64 " %d",
                 request->next_window_id, request->acked_window_id, request->min_window_id,
                 request->processed);
    } else if (request->op == CONFORM_SEND || request->op == CONFORM_SEND_UNRELIABLE) {
        snprintf(text + used, size - used, " %s %zu/%" PRIu64 " %zu%s", request->label,
                 request->data.size, request->size, request->attribute_count,
                 request->skip ? " skip" : "");
    } else if (request->op == CONFORM_CLOSE || request->op == CONFORM_DISPOSE) {
        snprintf(text + used, size - used, " %d", request->code);
    } else if (request->op == CONFORM_SHUTDOWN) {
        snprintf(text + used, size - used, " %" PRId64, request->grace_ms);
    } else if (request->op == CONFORM_SENT) {
        snprintf(text + used, size - used, " %" PRIu64 " %d", request->token, request->success);
    }
}

static void fake_remember(const struct conform_request *request)
{
    if (request->session != NULL) {
        memcpy(state.session, request->session, sizeof state.session);
    } else if (request->op == CONFORM_RX && request->pdu.size >= 34) {
        memcpy(state.session, request->pdu.data + 2, sizeof state.session);
    }
    if (request->label != NULL) {
        snprintf(state.label, sizeof state.label, "%s", request->label);
    }
}

/* Each attempt resets twice: at its start, and at its end to see whether the SUT lives. */
static unsigned fake_attempt(void)
{
    return (state.fake->resets + 1) / 2;
}

static void fake_reset(void)
{
    state.fake->resets++;
    state.now_ns = 0;
    state.event_count = 0;
    state.token = 0;
    memset(state.counts, 0, sizeof state.counts);
}

static enum conform_sut_status fake_do(const struct fake_act *act,
                                       struct conform_response *response)
{
    struct fake_event event = {.at_ns = state.now_ns + act->after_ns, .act = act};

    memcpy(event.session, state.session, sizeof event.session);
    if (act->stranger) {
        memset(event.session, 0xee, sizeof event.session);
    }
    snprintf(event.label, sizeof event.label, "%s", state.label);
    if (act->kind == FAKE_REFUSE) {
        response->ok = false;
        response->unsupported = act->full;
        response->error = fake_copy(act->word);
    } else if (act->kind == FAKE_REFUSED_SET) {
        response->refused = calloc(1, sizeof *response->refused);
        response->refused[0] = fake_copy(act->word);
        response->refused_count = 1;
    } else if (act->after_ns > 0 || act->kind == FAKE_FLOOD) {
        assert_true(state.event_count < FAKE_EVENTS_MAX);
        state.events[state.event_count++] = event;
    } else if (act->kind == FAKE_STATUS) {
        return act->status;
    } else {
        fake_emit(&event, response);
    }
    return CONFORM_SUT_OK;
}

static enum conform_sut_status fake_end(enum conform_sut_status status, struct conform_error *error)
{
    if (status == CONFORM_SUT_DEAD || status == CONFORM_SUT_HANG) {
        state.down = true;
    }
    if (status != CONFORM_SUT_OK) {
        conform_error_set(error, "so the table says");
    }
    return status;
}

enum conform_sut_status conform_sut_call(struct conform_sut *sut,
                                         const struct conform_request *request,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    enum conform_sut_status status = CONFORM_SUT_OK;

    (void)sut;
    memset(response, 0, sizeof *response);
    if (state.down) {
        return fake_end(CONFORM_SUT_DEAD, error);
    }
    response->ok = true;
    response->deadline_ns = SIPC_NEVER;
    if (request->op == CONFORM_RESET) {
        fake_reset();
    } else if (fake_attempt() <= state.fake->late_attempts) {
        state.now_ns += state.fake->call_ns;
    }
    fake_note(request);
    fake_remember(request);
    unsigned nth = request->op == CONFORM_RESET ? state.fake->resets : ++state.counts[request->op];
    for (const struct fake_act *act = state.fake->acts; act != NULL && act->kind != FAKE_NONE;
         act++) {
        if (act->on == request->op && (act->nth == 0 || act->nth == nth) &&
            (act->attempt == 0 || act->attempt == fake_attempt()) && status == CONFORM_SUT_OK) {
            status = fake_do(act, response);
        }
    }
    return fake_end(status, error);
}

enum conform_sut_status conform_sut_step(struct conform_sut *sut, uint64_t until_ns,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    uint64_t tick = state.hello.tick_ns;
    uint64_t next_ns = SIPC_NEVER;
    size_t kept = 0;

    (void)sut;
    memset(response, 0, sizeof *response);
    if (state.fake->stuck) {
        return CONFORM_SUT_OK;
    }
    for (size_t i = 0; i < state.event_count; i++) {
        next_ns = state.events[i].at_ns < next_ns ? state.events[i].at_ns : next_ns;
    }
    state.now_ns = next_ns <= until_ns ? next_ns : until_ns;
    state.now_ns = (state.now_ns + tick - 1) / tick * tick;
    for (size_t i = 0; i < state.event_count; i++) {
        const struct fake_event event = state.events[i];
        bool due = event.at_ns <= state.now_ns;
        if (due && event.act->kind == FAKE_STATUS) {
            return fake_end(event.act->status, error);
        }
        if (due) {
            fake_emit(&event, response);
        }
        if (!due || event.act->kind == FAKE_FLOOD) {
            state.events[kept++] = event;
        }
    }
    state.event_count = kept;
    return CONFORM_SUT_OK;
}

/* ---- the rest of sut.h that a runner needs ---- */

enum conform_sut_status conform_sut_restart(struct conform_sut *sut, struct conform_error *error)
{
    (void)sut;
    state.fake->restarts++;
    state.down = false;
    return fake_end(state.fake->restart_status, error);
}

const struct conform_response *conform_sut_hello(const struct conform_sut *sut)
{
    (void)sut;
    return &state.hello;
}

bool conform_sut_has(const struct conform_sut *sut, const char *capability)
{
    (void)sut;
    if (state.fake->capabilities == NULL) {
        return !state.fake->bare;
    }
    for (size_t i = 0; state.fake->capabilities[i] != NULL; i++) {
        if (strcmp(state.fake->capabilities[i], capability) == 0) {
            return true;
        }
    }
    return false;
}

bool conform_sut_is_virtual(const struct conform_sut *sut)
{
    (void)sut;
    return !state.fake->wall;
}

bool conform_sut_has_control(const struct conform_sut *sut)
{
    (void)sut;
    return !state.fake->bare;
}

bool conform_sut_is_stream(const struct conform_sut *sut)
{
    (void)sut;
    return state.fake->stream;
}

uint64_t conform_sut_now(const struct conform_sut *sut)
{
    (void)sut;
    return state.now_ns;
}

uint64_t conform_sut_lateness(const struct conform_sut *sut)
{
    (void)sut;
    return fake_attempt() <= state.fake->late_attempts ? state.fake->lateness_ns : 0;
}

char *conform_sut_take_stderr(struct conform_sut *sut)
{
    (void)sut;
    return state.fake->stderr_text != NULL ? fake_copy(state.fake->stderr_text) : NULL;
}

size_t conform_sut_partial_bytes(const struct conform_sut *sut)
{
    (void)sut;
    return state.fake->partial_bytes;
}

/* ---- for the tests ---- */

void fake_done(void)
{
    sx_script_free(state.script);
    state.script = NULL;
}

void fake_clear(struct fake_sut *fake)
{
    for (size_t i = 0; i < fake->rx_count; i++) {
        free(fake->rx[i]);
    }
    fake->rx_count = fake->told_count = 0;
}

enum conform_sut_status fake_run(struct fake_sut *fake, const char *body, size_t index,
                                 const struct conform_run_options *options,
                                 struct conform_record *record)
{
    static const struct conform_run_options defaults = {.seed = 7, .no_judge = true};
    struct conform_error error = {""};
    char *text = malloc(strlen(FAKE_HEADER) + strlen(body) + 1);

    assert_non_null(text);
    strcpy(text, FAKE_HEADER);
    strcat(text, body);
    fake_done();
    fake_clear(fake);
    memset(&state, 0, sizeof state);
    state.script = sx_parse("a-case.sx", text, strlen(text), stderr, NULL);
    free(text);
    assert_non_null(state.script);
    state.fake = fake;
    state.hello.tick_ns = fake->tick_ns != 0 ? fake->tick_ns : 1;
    fake->resets = fake->restarts = 0;
    return conform_run_case((struct conform_sut *)fake, state.script, index,
                            options != NULL ? options : &defaults, record, &error);
}
