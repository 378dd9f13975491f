/* A shared object with the C ABI of conform/sut_abi.h, loaded into this process: what `sipc sut
 * --so` answers requests with. Where the object breaks the ABI, the response says so.
 * SPDX-License-Identifier: MIT */
#include "so_host.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/sut_abi.h"
#include "json_bytes.h"

enum {
    SO_OUTS_MAX = 200000, /* of one request; more is a flood anyway, or an endless loop */
    SO_BAD_STATE = -1000, /* `state` gave no word of the contract */
};

struct conform__so {
    char *path;
    void *library;
    const struct sipc_sut *abi;
    void *sut; /* NULL: not made yet, or it could not be */
};

/* The functions without which there is nothing to drive. */
static const char *so_missing(const struct sipc_sut *abi)
{
    const struct {
        const char *name;
        bool there;
    } needed[] = {
        {"create", abi->create},     {"destroy", abi->destroy},
        {"reset", abi->reset},       {"rx", abi->rx},
        {"advance", abi->advance},   {"deadline", abi->deadline},
        {"next_out", abi->next_out},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!needed[i].there) {
            return needed[i].name;
        }
    }
    return NULL;
}

/* What the object breaks of the ABI, told as the response to `hello`, or to what it did. */
static void so_broken(struct conform_response *response, const char *format, ...) SIPC_PRINTF(2, 3);
static void so_broken(struct conform_response *response, const char *format, ...)
{
    struct conform_error text;
    va_list args;
    va_start(args, format);
    vsnprintf(text.text, sizeof text.text, format, args);
    va_end(args);
    conform_response_clear(response);
    response->broken = true;
    response->error = conform__strdup(text.text);
}

/* Loads the object and finds its table. False: the response says why not. */
static bool so_load(struct conform__so *so, struct conform_response *response)
{
    /* dlopen searches a bare name in the system's folders only */
    char *file = NULL;
    if (!strchr(so->path, '/') && asprintf(&file, "./%s", so->path) < 0) {
        abort();
    }
    so->library = dlopen(file ? file : so->path, RTLD_NOW | RTLD_LOCAL);
    free(file);
    if (!so->library) {
        struct conform_error error;
        conform_error_set(&error, "it cannot be loaded: %s", dlerror());
        response->error = conform__strdup(error.text);
        return false;
    }
    const struct sipc_sut *(*get)(void);
    *(void **)&get = dlsym(so->library, "sipc_sut_v1");
    if (!get) {
        so_broken(response, "does not export `sipc_sut_v1` (see conform/sut_abi.h)");
        return false;
    }
    const struct sipc_sut *abi = get();
    if (!abi) {
        so_broken(response, "sipc_sut_v1 returned NULL");
        return false;
    }
    if (abi->size < sizeof *abi) {
        so_broken(response,
                  "its struct sipc_sut has %zu bytes, %zu were expected: built with another "
                  "sut_abi.h, or `size` not set",
                  abi->size, sizeof *abi);
        return false;
    }
    if (abi->version != SIPC_SUT_VERSION) {
        so_broken(response, "its contract version is %u, this harness has %d", abi->version,
                  SIPC_SUT_VERSION);
        return false;
    }
    const char *missing = so_missing(abi);
    if (missing) {
        so_broken(response, "the function `%s` is NULL, but nothing goes without it", missing);
        return false;
    }
    so->abi = abi;
    return true;
}

/* The object is loaded and asked for a SUT when it is greeted, so that what goes wrong has a
 * response to be told in. */
static void so_hello(struct conform__so *so, const struct conform_request *request,
                     struct conform_response *response)
{
    if (!request->clock || strcmp(request->clock, "virtual") != 0) {
        response->error = conform__strdup("a shared object has the virtual clock only");
        return;
    }
    if (!so->sut && (so->library || !so_load(so, response))) {
        return;
    }
    so->sut = so->sut ? so->sut : so->abi->create();
    if (!so->sut) {
        response->error = conform__strdup("`create` returned NULL");
        return;
    }
    response->ok = true;
    response->contract = (int)so->abi->version;
    response->name = conform__strdup(so->abi->name ? so->abi->name : so->path);
    response->version = conform__strdup(so->abi->sut_version ? so->abi->sut_version : "");
    response->clock = conform__strdup("virtual");
    response->tick_ns = so->abi->tick_ns ? so->abi->tick_ns : 1;
    size_t count = 0;
    while (so->abi->capabilities && so->abi->capabilities[count]) {
        count++;
    }
    response->capabilities = conform__alloc(count * sizeof *response->capabilities);
    for (; response->capability_count < count; response->capability_count++) {
        size_t i = response->capability_count;
        response->capabilities[i] = conform__strdup(so->abi->capabilities[i]);
    }
}

/* ---- requests ---- */

static void so_refuse(struct conform_response *response, const char *name)
{
    size_t count = ++response->refused_count;
    response->refused = conform__realloc(response->refused, count * sizeof *response->refused);
    response->refused[count - 1] = conform__strdup(name);
}

static int so_configure(struct conform__so *so, const struct conform_request *request,
                        struct conform_response *response)
{
    if (!so->abi->configure) { /* what it has is what it has */
        for (size_t i = 0; i < request->setting_count; i++) {
            so_refuse(response, request->settings[i].name);
        }
        return 0;
    }
    struct sipc_sut_setting *list = conform__alloc(request->setting_count * sizeof *list);
    for (size_t i = 0; i < request->setting_count; i++) {
        const struct conform_setting *setting = &request->settings[i];
        list[i] = (struct sipc_sut_setting){setting->name, setting->value, setting->word};
    }
    const char *const *refused = NULL;
    int result = so->abi->configure(so->sut, list, request->setting_count, &refused);
    free(list);
    for (size_t i = 0; result == 0 && refused && refused[i]; i++) {
        so_refuse(response, refused[i]);
    }
    return result;
}

static int so_message(struct conform__so *so, const struct conform_request *request)
{
    size_t size = request->data.data ? request->data.size : request->size;
    uint8_t *pattern = NULL;
    if (!request->data.data && size) {
        pattern = malloc(size);
        if (!pattern) {
            return SIPC_SUT_REFUSED;
        }
        for (size_t i = 0; i < size; i++) {
            pattern[i] = (uint8_t)(i % 251);
        }
    }
    size_t count = request->attribute_count;
    struct sipc_sut_attribute *list = conform__alloc(count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const struct conform_attribute *attribute = &request->attributes[i];
        list[i] = (struct sipc_sut_attribute){{attribute->name.data, attribute->name.size},
                                              {attribute->value.data, attribute->value.size}};
    }
    const struct sipc_sut_message message = {
        .session = request->session,
        .remote = request->remote,
        .label = request->label,
        .data = {pattern ? pattern : request->data.data, size},
        .attributes = list,
        .attribute_count = count,
        .skip = request->skip,
    };
    int result = request->op == CONFORM_SEND ? so->abi->send(so->sut, &message)
                                             : so->abi->send_unreliable(so->sut, &message);
    free(list);
    free(pattern);
    return result;
}

static int so_state(struct conform__so *so, const struct conform_request *request,
                    struct conform_response *response)
{
    const char *state = NULL;
    int result = so->abi->state(so->sut, request->session, request->remote, &state);
    if (result == 0 && (!state || !conform__is_state(state))) {
        return SO_BAD_STATE;
    }
    response->state = result == 0 ? conform__strdup(state) : NULL;
    return result;
}

/* Whether the shared object has the function for this request. */
static bool so_can(const struct sipc_sut *abi, enum conform_op op)
{
    switch (op) {
    case CONFORM_OPEN:
        return abi->open;
    case CONFORM_PRESET:
        return abi->preset;
    case CONFORM_SEND:
        return abi->send;
    case CONFORM_SEND_UNRELIABLE:
        return abi->send_unreliable;
    case CONFORM_CLOSE:
        return abi->close;
    case CONFORM_DISPOSE:
        return abi->dispose;
    case CONFORM_SHUTDOWN:
        return abi->shutdown;
    case CONFORM_SENT:
        return abi->sent;
    case CONFORM_STATE:
        return abi->state;
    case CONFORM_CONFIGURE:
    case CONFORM_RESET:
    case CONFORM_RX:
    case CONFORM_ADVANCE:
        return true;
    default:
        return false;
    }
}

static int so_dispatch(struct conform__so *so, const struct conform_request *r,
                       struct conform_response *response)
{
    const struct sipc_sut *abi = so->abi;
    switch (r->op) {
    case CONFORM_CONFIGURE:
        return so_configure(so, r, response);
    case CONFORM_RESET:
        return abi->reset(so->sut);
    case CONFORM_OPEN:
        return abi->open(so->sut, r->session, r->remote, r->has_idle_timeout, r->idle_timeout_ms);
    case CONFORM_PRESET:
        return abi->preset(so->sut, r->session, r->remote, r->next_window_id, r->acked_window_id,
                           r->min_window_id, r->processed);
    case CONFORM_SEND:
    case CONFORM_SEND_UNRELIABLE:
        return so_message(so, r);
    case CONFORM_CLOSE:
        return abi->close(so->sut, r->session, r->remote, r->label, r->code);
    case CONFORM_DISPOSE:
        return abi->dispose(so->sut, r->session, r->remote, r->code);
    case CONFORM_SHUTDOWN:
        return abi->shutdown(so->sut, r->grace_ms);
    case CONFORM_RX:
        return abi->rx(so->sut, r->from, (struct sipc_sut_bytes){r->pdu.data, r->pdu.size});
    case CONFORM_SENT:
        return abi->sent(so->sut, r->token, r->success);
    case CONFORM_ADVANCE:
        return abi->advance(so->sut, r->to_ns);
    case CONFORM_STATE:
        return so_state(so, r, response);
    default:
        return SIPC_SUT_UNSUPPORTED;
    }
}

/* ---- outputs ---- */

static bool so_out_complete(const struct sipc_sut_out *out)
{
    switch (out->kind) {
    case SIPC_SUT_TX:
        return out->remote && (out->bytes.data || !out->bytes.size);
    case SIPC_SUT_DELIVER:
        return out->session && (out->bytes.data || !out->bytes.size) &&
               (out->attributes || !out->attribute_count);
    case SIPC_SUT_RESULT:
        return out->session && out->label && out->word && conform__is_outcome(out->word);
    case SIPC_SUT_STATE:
        return out->session && out->word && conform__is_state(out->word);
    case SIPC_SUT_DISCARD:
        return true;
    default:
        return false;
    }
}

static void so_copy_out(const struct sipc_sut_out *from, struct conform_out *to)
{
    static const enum conform_out_kind kinds[] = {
        [SIPC_SUT_TX] = CONFORM_OUT_TX,           [SIPC_SUT_DELIVER] = CONFORM_OUT_DELIVER,
        [SIPC_SUT_RESULT] = CONFORM_OUT_RESULT,   [SIPC_SUT_STATE] = CONFORM_OUT_STATE,
        [SIPC_SUT_DISCARD] = CONFORM_OUT_DISCARD,
    };
    to->kind = kinds[from->kind];
    to->has_session = from->session != NULL;
    if (from->session) {
        memcpy(to->session, from->session, sizeof to->session);
    }
    to->remote = conform__strdup(from->remote);
    to->size = from->bytes.size;
    to->bytes = conform__bytes_copy(from->bytes.data, from->bytes.size);
    to->token = from->token;
    to->attributes = conform__alloc(from->attribute_count * sizeof *to->attributes);
    for (size_t i = 0; i < from->attribute_count; i++) {
        const struct sipc_sut_attribute *a = &from->attributes[i];
        struct conform_attribute *copy = &to->attributes[to->attribute_count++];
        copy->name =
            (struct sipc_span){conform__bytes_copy(a->name.data, a->name.size), a->name.size};
        copy->value =
            (struct sipc_span){conform__bytes_copy(a->value.data, a->value.size), a->value.size};
    }
    to->label = conform__strdup(from->label);
    to->operation = conform__strdup(from->operation);
    to->word = conform__strdup(from->word);
    to->why = conform__strdup(from->why);
    to->has_code = from->has_code;
    to->code = from->code;
}

/* Pulls what the object has put out. False: the response says what is wrong with it. */
static bool so_pull(struct conform__so *so, const char *op, struct conform_response *response)
{
    struct sipc_sut_out out;
    for (int count = 0; memset(&out, 0, sizeof out), so->abi->next_out(so->sut, &out); count++) {
        if (count == SO_OUTS_MAX) {
            so_broken(response, "`next_out` after `%s` has no end (output %d)", op, count);
            return false;
        }
        if (!so_out_complete(&out)) {
            so_broken(response,
                      "`next_out` after `%s` gave an output of kind %d (number %d) that lacks a "
                      "field of its kind, has a word the contract does not know, or is of no such "
                      "kind",
                      op, out.kind, count);
            return false;
        }
        so_copy_out(&out, conform_response_add(response));
    }
    return true;
}

static void so_work(struct conform__so *so, const struct conform_request *request,
                    struct conform_response *response)
{
    const char *op = conform_op_name(request->op);
    const bool can = so_can(so->abi, request->op);
    int result = can ? so_dispatch(so, request, response) : SIPC_SUT_UNSUPPORTED;
    if (result == SO_BAD_STATE) {
        so_broken(response, "`state` gave no state that the contract knows");
        return;
    }
    if (result != 0 && result != SIPC_SUT_REFUSED && result != SIPC_SUT_UNSUPPORTED) {
        so_broken(response, "the function for `%s` returned %d, which is none of 0, %d, %d", op,
                  result, SIPC_SUT_REFUSED, SIPC_SUT_UNSUPPORTED);
        return;
    }
    response->ok = result == 0;
    response->unsupported = result == SIPC_SUT_UNSUPPORTED;
    if (!response->ok) {
        const char *why = so->abi->last_error ? so->abi->last_error(so->sut) : NULL;
        response->error = conform__strdup(response->unsupported ? "unsupported"
                                          : why                 ? why
                                                                : "refused");
    }
    if (!can || so_pull(so, op, response)) { /* nothing was called: there is nothing new */
        response->deadline_ns = so->abi->deadline(so->sut);
    }
}

void conform__so_call(void *ctx, const struct conform_request *request,
                      struct conform_response *response)
{
    struct conform__so *so = ctx;
    memset(response, 0, sizeof *response);
    response->deadline_ns = SIPC_NEVER;
    if (request->op == CONFORM_HELLO) {
        so_hello(so, request, response);
    } else if (request->op == CONFORM_BYE) {
        response->ok = true;
    } else if (so->sut) {
        so_work(so, request, response);
    } else {
        response->error = conform__strdup("there is no SUT yet: `hello` comes first");
    }
}

struct conform__so *conform__so_new(const char *path)
{
    struct conform__so *so = conform__alloc(sizeof *so);
    so->path = conform__strdup(path);
    return so;
}

void conform__so_free(struct conform__so *so)
{
    if (so->sut) {
        so->abi->destroy(so->sut);
    }
    if (so->library) {
        dlclose(so->library);
    }
    free(so->path);
    free(so);
}
