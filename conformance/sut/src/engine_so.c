/* The engine as a shared object: the whole C ABI of conform/sut_abi.h on top of the engine as a
 * SUT. What "so:" is tested with, and a complete example of the ABI (the template shows the least).
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "conform/sut.h"
#include "conform/sut_abi.h"
#include "json_bytes.h"

struct engine_so {
    struct conform_engine_sut *engine;
    struct conform_response response; /* of the last request: outputs, error, deadline */
    size_t pulled;
    const char **refused;
    struct sipc_sut_attribute *attributes; /* of the delivery pulled last */
};

static int so_ask(struct engine_so *so, const struct conform_request *request)
{
    conform_response_clear(&so->response);
    conform_engine_sut_call(so->engine, request, &so->response);
    so->pulled = 0;
    return so->response.ok ? 0 : so->response.unsupported ? SIPC_SUT_UNSUPPORTED : SIPC_SUT_REFUSED;
}

static void *so_create(void)
{
    struct engine_so *so = conform__alloc(sizeof *so);
    so->engine = conform_engine_sut_new(false);
    so->response.deadline_ns = SIPC_NEVER;
    return so;
}

static void so_destroy(void *sut)
{
    struct engine_so *so = sut;
    conform_response_clear(&so->response);
    conform_engine_sut_free(so->engine);
    free(so->refused);
    free(so->attributes);
    free(so);
}

static const char *so_last_error(void *sut)
{
    return ((struct engine_so *)sut)->response.error;
}

static int so_configure(void *sut, const struct sipc_sut_setting *settings, size_t count,
                        const char *const **refused)
{
    struct engine_so *so = sut;
    struct conform_setting *list = conform__alloc(count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct conform_setting){
            .name = settings[i].name, .value = settings[i].value, .word = settings[i].word};
    }
    int result = so_ask(so, &(struct conform_request){
                                .op = CONFORM_CONFIGURE, .settings = list, .setting_count = count});
    free(list);
    size_t size = (so->response.refused_count + 1) * sizeof *so->refused;
    so->refused = conform__realloc(so->refused, size);
    for (size_t i = 0; i < so->response.refused_count; i++) {
        so->refused[i] = so->response.refused[i];
    }
    so->refused[so->response.refused_count] = NULL;
    *refused = so->refused;
    return result;
}

static int so_reset(void *sut)
{
    return so_ask(sut, &(struct conform_request){.op = CONFORM_RESET});
}

static int so_open(void *sut, const uint8_t *session, const char *remote, int has_idle_timeout,
                   int64_t idle_timeout_ms)
{
    return so_ask(sut, &(struct conform_request){.op = CONFORM_OPEN,
                                                 .session = session,
                                                 .remote = remote,
                                                 .has_idle_timeout = has_idle_timeout,
                                                 .idle_timeout_ms = idle_timeout_ms});
}

static int so_preset(void *sut, const uint8_t *session, const char *remote, int64_t next_window_id,
                     int64_t acked_window_id, int64_t min_window_id, int processed)
{
    return so_ask(sut, &(struct conform_request){.op = CONFORM_PRESET,
                                                 .session = session,
                                                 .remote = remote,
                                                 .next_window_id = next_window_id,
                                                 .acked_window_id = acked_window_id,
                                                 .min_window_id = min_window_id,
                                                 .processed = processed});
}

static int so_message(void *sut, enum conform_op op, const struct sipc_sut_message *message)
{
    size_t count = message->attribute_count;
    struct conform_attribute *list = conform__alloc(count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const struct sipc_sut_attribute *a = &message->attributes[i];
        list[i] = (struct conform_attribute){{a->name.data, a->name.size},
                                             {a->value.data, a->value.size}};
    }
    int result = so_ask(sut, &(struct conform_request){
                                 .op = op,
                                 .session = message->session,
                                 .remote = message->remote,
                                 .label = message->label,
                                 .data = {message->data.data, message->data.size},
                                 .attributes = list,
                                 .attribute_count = count,
                                 .skip = message->skip,
                             });
    free(list);
    return result;
}

static int so_send(void *sut, const struct sipc_sut_message *message)
{
    return so_message(sut, CONFORM_SEND, message);
}

static int so_send_unreliable(void *sut, const struct sipc_sut_message *message)
{
    return so_message(sut, CONFORM_SEND_UNRELIABLE, message);
}

static int so_close(void *sut, const uint8_t *session, const char *remote, const char *label,
                    int32_t code)
{
    return so_ask(sut, &(struct conform_request){.op = CONFORM_CLOSE,
                                                 .session = session,
                                                 .remote = remote,
                                                 .label = label,
                                                 .code = code});
}

static int so_dispose(void *sut, const uint8_t *session, const char *remote, int32_t code)
{
    return so_ask(sut,
                  &(struct conform_request){
                      .op = CONFORM_DISPOSE, .session = session, .remote = remote, .code = code});
}

static int so_shutdown(void *sut, int64_t grace_ms)
{
    return so_ask(sut, &(struct conform_request){.op = CONFORM_SHUTDOWN, .grace_ms = grace_ms});
}

static int so_rx(void *sut, const char *from, struct sipc_sut_bytes pdu)
{
    return so_ask(sut, &(struct conform_request){
                           .op = CONFORM_RX, .from = from, .pdu = {pdu.data, pdu.size}});
}

static int so_sent(void *sut, uint64_t token, int success)
{
    return so_ask(
        sut, &(struct conform_request){.op = CONFORM_SENT, .token = token, .success = success});
}

static int so_advance(void *sut, uint64_t to_ns)
{
    return so_ask(sut, &(struct conform_request){.op = CONFORM_ADVANCE, .to_ns = to_ns});
}

static int so_state(void *sut, const uint8_t *session, const char *remote, const char **state)
{
    struct engine_so *so = sut;
    int result = so_ask(
        so, &(struct conform_request){.op = CONFORM_STATE, .session = session, .remote = remote});
    *state = so->response.state;
    return result;
}

static uint64_t so_deadline(const void *sut)
{
    return ((const struct engine_so *)sut)->response.deadline_ns;
}

static int so_next_out(void *sut, struct sipc_sut_out *to)
{
    static const int kinds[] = {
        [CONFORM_OUT_TX] = SIPC_SUT_TX,           [CONFORM_OUT_DELIVER] = SIPC_SUT_DELIVER,
        [CONFORM_OUT_RESULT] = SIPC_SUT_RESULT,   [CONFORM_OUT_STATE] = SIPC_SUT_STATE,
        [CONFORM_OUT_DISCARD] = SIPC_SUT_DISCARD,
    };
    struct engine_so *so = sut;
    if (so->pulled == so->response.out_count) {
        return 0;
    }
    const struct conform_out *from = &so->response.outs[so->pulled++];
    size_t size = from->attribute_count * sizeof *so->attributes;
    so->attributes = conform__realloc(so->attributes, size);
    for (size_t i = 0; i < from->attribute_count; i++) {
        const struct conform_attribute *a = &from->attributes[i];
        so->attributes[i] = (struct sipc_sut_attribute){{a->name.data, a->name.size},
                                                        {a->value.data, a->value.size}};
    }
    *to = (struct sipc_sut_out){
        .kind = kinds[from->kind],
        .session = from->has_session ? from->session : NULL,
        .remote = from->remote,
        .bytes = {from->bytes, from->size},
        .token = from->token,
        .attributes = so->attributes,
        .attribute_count = from->attribute_count,
        .label = from->label,
        .operation = from->operation,
        .word = from->word,
        .why = from->why,
        .has_code = from->has_code,
        .code = from->code,
    };
    return 1;
}

const struct sipc_sut *sipc_sut_v1(void)
{
    static const char *const capabilities[] = {
        "send",   "send_unreliable", "close",     "force_close", "dispose", "shutdown",
        "skip",   "attributes",      "aftermath", "state",       "preset",  "enquire_link",
        "stream", "idle_timeout",    "linger",    "endpoint",    NULL,
    };
    static const struct sipc_sut table = {
        .size = sizeof table,
        .version = SIPC_SUT_VERSION,
        .name = "sipc-engine",
        .sut_version = SIPC_VERSION,
        .capabilities = capabilities,
        .tick_ns = 1,
        .create = so_create,
        .destroy = so_destroy,
        .last_error = so_last_error,
        .configure = so_configure,
        .reset = so_reset,
        .open = so_open,
        .preset = so_preset,
        .send = so_send,
        .send_unreliable = so_send_unreliable,
        .close = so_close,
        .dispose = so_dispose,
        .shutdown = so_shutdown,
        .rx = so_rx,
        .sent = so_sent,
        .advance = so_advance,
        .state = so_state,
        .deadline = so_deadline,
        .next_out = so_next_out,
    };
    return &table;
}
