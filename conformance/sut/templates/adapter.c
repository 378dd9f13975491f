/* SPDX-License-Identifier: MIT */
/* Template of an adapter in C: a shared object, attached with so:PATH (contract: conform/sut_abi.h,
 * the only header of the project that your own needs). As shipped it asks the project's engine.
 * Replace every ASK by calls of your endpoint; what you do not have stays out of the table at the
 * end (as here preset, shutdown and more) and out of `capabilities`. Try it: `sipc conform
 * check-adapter so:PATH`. */
#include <stdlib.h>

#include "conform/sut.h" /* the engine */
#include "conform/sut_abi.h"

enum { LIST_MAX = 4096 };

struct adapter {
    struct conform_engine_sut *engine; /* your endpoint */
    struct conform_response response;  /* what it put out */
    size_t pulled;                     /* how much of that the harness has taken */
    struct conform_setting settings[LIST_MAX];
    const char *refused[LIST_MAX + 1];
    struct conform_attribute attributes_in[LIST_MAX];
    struct sipc_sut_attribute attributes_out[LIST_MAX];
};

static int ask(struct adapter *a, const struct conform_request *request)
{
    conform_response_clear(&a->response);
    conform_engine_sut_call(a->engine, request, &a->response);
    a->pulled = 0;
    return a->response.ok ? 0 : SIPC_SUT_REFUSED;
}
#define ASK(sut, ...) ask(sut, &(struct conform_request){__VA_ARGS__})

static void *create(void)
{
    struct adapter *a = calloc(1, sizeof *a);
    a->engine = conform_engine_sut_new(false);
    return a;
}

static void destroy(void *sut)
{
    struct adapter *a = sut;
    conform_response_clear(&a->response);
    conform_engine_sut_free(a->engine);
    free(a);
}

/* Holds from the next reset on. What is not named has its default, what cannot be set is refused:
 * cases that need it are unsupported then instead of failed. */
static int configure(void *sut, const struct sipc_sut_setting *s, size_t count,
                     const char *const **refused)
{
    struct adapter *a = sut;
    if (count > LIST_MAX)
        return SIPC_SUT_REFUSED;
    for (size_t i = 0; i < count; i++)
        a->settings[i] = (struct conform_setting){s[i].name, s[i].value, s[i].word, false};
    int result = ASK(a, .op = CONFORM_CONFIGURE, .settings = a->settings, .setting_count = count);
    for (size_t i = 0; i < a->response.refused_count; i++)
        a->refused[i] = a->response.refused[i];
    a->refused[a->response.refused_count] = NULL;
    *refused = a->refused;
    return result;
}

/* A new endpoint at time 0; nothing of the old one comes out any more. */
static int reset(void *sut)
{
    return ASK(sut, .op = CONFORM_RESET);
}

static int open(void *sut, const uint8_t *session, const char *remote, int has_idle, int64_t ms)
{
    return ASK(sut, .op = CONFORM_OPEN, .session = session, .remote = remote,
               .has_idle_timeout = has_idle, .idle_timeout_ms = ms);
}

/* Its end comes out as a result with this label, a refusal too. */
static int send(void *sut, const struct sipc_sut_message *m)
{
    struct adapter *a = sut;
    if (m->attribute_count > LIST_MAX)
        return SIPC_SUT_REFUSED;
    for (size_t i = 0; i < m->attribute_count; i++) {
        const struct sipc_sut_bytes name = m->attributes[i].name, value = m->attributes[i].value;
        a->attributes_in[i] =
            (struct conform_attribute){{name.data, name.size}, {value.data, value.size}};
    }
    return ASK(a, .op = CONFORM_SEND, .session = m->session, .remote = m->remote, .label = m->label,
               .data = {m->data.data, m->data.size}, .attributes = a->attributes_in,
               .attribute_count = m->attribute_count, .skip = m->skip);
}

static int close(void *sut, const uint8_t *session, const char *remote, const char *label, int code)
{
    return ASK(sut, .op = CONFORM_CLOSE, .session = session, .remote = remote, .label = label,
               .code = code);
}

/* A datagram arrived: any bytes, also none. Copy what you keep. */
static int rx(void *sut, const char *from, struct sipc_sut_bytes pdu)
{
    return ASK(sut, .op = CONFORM_RX, .from = from, .pdu = {pdu.data, pdu.size});
}

/* Fires every timer up to then; never later than the deadline below. */
static int advance(void *sut, uint64_t to_ns)
{
    return ASK(sut, .op = CONFORM_ADVANCE, .to_ns = to_ns);
}

/* When your next timer fires: later than now; UINT64_MAX if none runs. */
static uint64_t deadline(const void *sut)
{
    return ((const struct adapter *)sut)->response.deadline_ns;
}

/* Called after each of the above until it gives 0. What *out points to lives until the next call.
 */
static int next_out(void *sut, struct sipc_sut_out *out)
{
    struct adapter *a = sut;
    if (a->pulled == a->response.out_count)
        return 0;
    const struct conform_out *o = &a->response.outs[a->pulled++];
    for (size_t i = 0; i < o->attribute_count && i < LIST_MAX; i++) {
        const struct sipc_span name = o->attributes[i].name, value = o->attributes[i].value;
        a->attributes_out[i] =
            (struct sipc_sut_attribute){{name.data, name.size}, {value.data, value.size}};
    }
    /* clang-format off */
    *out = (struct sipc_sut_out){ /* kinds are in the same order there and here */
        (int)o->kind + SIPC_SUT_TX, o->has_session ? o->session : NULL, o->remote,
        {o->bytes, o->size}, o->token, a->attributes_out, o->attribute_count, o->label,
        o->operation, o->word, o->why, o->has_code, o->code};
    return 1;
}

const struct sipc_sut *sipc_sut_v1(void)
{
    static const char *const capabilities[] = {"send", "close", "force_close", "attributes", "skip",
        "enquire_link", "idle_timeout", "linger", "endpoint", "stream", NULL};
    static const struct sipc_sut table = {
        .size = sizeof table, .version = SIPC_SUT_VERSION, .name = "template", .sut_version = "1",
        .capabilities = capabilities, .tick_ns = 1, .create = create, .destroy = destroy,
        .configure = configure, .reset = reset, .open = open, .send = send, .close = close,
        .rx = rx, .advance = advance, .deadline = deadline, .next_out = next_out};
    return &table;
}
