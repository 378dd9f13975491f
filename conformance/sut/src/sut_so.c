/* Attached as "so:PATH": a shared object with the C ABI of conform/sut_abi.h, in this process. What
 * crashes or hangs in it takes the harness with it: for isolation attach a process.
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "conform/sut_abi.h"
#include "json_bytes.h"
#include "sut_internal.h"

enum {
    SO_OUTS_MAX = 1000000, /* of one request; more is an endless loop */
    SO_BAD_STATE = -1000,  /* `state` gave no word of the contract */
};

struct so {
    void *library;
    const struct sipc_sut *abi;
    void *sut;
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

static enum conform_sut_status so_load(struct so *so, const char *path, struct conform_error *error)
{
    /* dlopen searches a bare name in the system's folders only */
    char *file = NULL;
    if (!strchr(path, '/') && asprintf(&file, "./%s", path) < 0) {
        abort();
    }
    so->library = dlopen(file ? file : path, RTLD_NOW | RTLD_LOCAL);
    free(file);
    if (!so->library) {
        conform_error_set(error, "cannot be loaded: %s", dlerror());
        return CONFORM_SUT_NO_START;
    }
    const struct sipc_sut *(*get)(void);
    *(void **)&get = dlsym(so->library, "sipc_sut_v1");
    if (!get) {
        conform_error_set(error, "does not export `sipc_sut_v1` (see conform/sut_abi.h)");
        return CONFORM_SUT_BROKEN;
    }
    const struct sipc_sut *abi = get();
    if (!abi) {
        conform_error_set(error, "sipc_sut_v1 returned NULL");
        return CONFORM_SUT_BROKEN;
    }
    if (abi->size < sizeof *abi) {
        conform_error_set(error,
                          "its struct sipc_sut has %zu bytes, %zu were expected: built with "
                          "another sut_abi.h, or `size` not set",
                          abi->size, sizeof *abi);
        return CONFORM_SUT_BROKEN;
    }
    if (abi->version != SIPC_SUT_VERSION) {
        conform_error_set(error, "its contract version is %u, this harness has %d", abi->version,
                          SIPC_SUT_VERSION);
        return CONFORM_SUT_BROKEN;
    }
    const char *missing = so_missing(abi);
    if (missing) {
        conform_error_set(error, "the function `%s` is NULL, but nothing goes without it", missing);
        return CONFORM_SUT_BROKEN;
    }
    so->abi = abi;
    return CONFORM_SUT_OK;
}

static void so_stop(struct conform_sut *sut, bool polite)
{
    (void)polite;
    struct so *so = sut->impl;
    if (so && so->sut) {
        so->abi->destroy(so->sut);
    }
    if (so && so->library) {
        dlclose(so->library);
    }
    free(so);
    sut->impl = NULL;
}

static enum conform_sut_status so_start(struct conform_sut *sut, struct conform_error *error)
{
    struct so *so = conform__alloc(sizeof *so);
    sut->impl = so;
    enum conform_sut_status status = so_load(so, sut->target, error);
    if (status == CONFORM_SUT_OK) {
        so->sut = so->abi->create();
        if (!so->sut) {
            conform_error_set(error, "`create` returned NULL");
            status = CONFORM_SUT_NO_START;
        }
    }
    if (status != CONFORM_SUT_OK) {
        so_stop(sut, false);
        return status;
    }
    struct conform_response *hello = &sut->hello;
    hello->ok = true;
    hello->contract = (int)so->abi->version;
    hello->name = conform__strdup(so->abi->name ? so->abi->name : sut->spec);
    hello->version = conform__strdup(so->abi->sut_version ? so->abi->sut_version : "");
    hello->clock = conform__strdup("virtual");
    hello->tick_ns = so->abi->tick_ns ? so->abi->tick_ns : 1;
    size_t count = 0;
    while (so->abi->capabilities && so->abi->capabilities[count]) {
        count++;
    }
    hello->capabilities = conform__alloc(count * sizeof *hello->capabilities);
    for (; hello->capability_count < count; hello->capability_count++) {
        size_t i = hello->capability_count;
        hello->capabilities[i] = conform__strdup(so->abi->capabilities[i]);
    }
    return CONFORM_SUT_OK;
}

/* ---- requests ---- */

static int so_configure(struct so *so, const struct conform_request *request,
                        struct conform_response *response)
{
    struct sipc_sut_setting *list = conform__alloc(request->setting_count * sizeof *list);
    for (size_t i = 0; i < request->setting_count; i++) {
        const struct conform_setting *setting = &request->settings[i];
        list[i] = (struct sipc_sut_setting){setting->name, setting->value, setting->word};
    }
    const char *const *refused = NULL;
    int result = so->abi->configure(so->sut, list, request->setting_count, &refused);
    free(list);
    for (size_t i = 0; result == 0 && refused && refused[i]; i++) {
        response->refused =
            conform__realloc(response->refused, (i + 1) * sizeof *response->refused);
        response->refused[response->refused_count++] = conform__strdup(refused[i]);
    }
    return result;
}

static int so_message(struct so *so, const struct conform_request *request)
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

static int so_state(struct so *so, const struct conform_request *request,
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
    case CONFORM_CONFIGURE:
        return abi->configure;
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
    case CONFORM_RESET:
    case CONFORM_RX:
    case CONFORM_ADVANCE:
        return true;
    default:
        return false;
    }
}

static int so_dispatch(struct so *so, const struct conform_request *r,
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

static enum conform_sut_status so_call(struct conform_sut *sut,
                                       const struct conform_request *request,
                                       struct conform_response *response,
                                       struct conform_error *error)
{
    struct so *so = sut->impl;
    int result =
        so_can(so->abi, request->op) ? so_dispatch(so, request, response) : SIPC_SUT_UNSUPPORTED;
    response->ok = result == 0;
    response->unsupported = result == SIPC_SUT_UNSUPPORTED;
    if (result == SO_BAD_STATE) {
        conform_error_set(error, "`state` gave no state that the contract knows");
        return CONFORM_SUT_BROKEN;
    }
    if (result != 0 && result != SIPC_SUT_REFUSED && result != SIPC_SUT_UNSUPPORTED) {
        conform_error_set(error, "the function for `%s` returned %d, which is none of 0, %d, %d",
                          conform_op_name(request->op), result, SIPC_SUT_REFUSED,
                          SIPC_SUT_UNSUPPORTED);
        return CONFORM_SUT_BROKEN;
    }
    if (!response->ok) {
        const char *why = so->abi->last_error ? so->abi->last_error(so->sut) : NULL;
        response->error = conform__strdup(response->unsupported ? "unsupported"
                                          : why                 ? why
                                                                : "refused");
    }
    struct sipc_sut_out out;
    for (int count = 0; memset(&out, 0, sizeof out), so->abi->next_out(so->sut, &out); count++) {
        if (!so_out_complete(&out) || count == SO_OUTS_MAX) {
            conform_error_set(error,
                              count == SO_OUTS_MAX
                                  ? "`next_out` after `%s` has no end (kind %d, output %d)"
                                  : "`next_out` after `%s` gave an output of kind %d (number %d) "
                                    "that lacks a field of its kind, has a word the contract "
                                    "does not know, or is of no such kind",
                              conform_op_name(request->op), out.kind, count);
            return CONFORM_SUT_BROKEN;
        }
        so_copy_out(&out, conform_response_add(response));
    }
    response->deadline_ns = so->abi->deadline(so->sut);
    return CONFORM_SUT_OK;
}

const struct conform__way conform__way_so = {
    .prefix = "so",
    .virtual_clock = true,
    .start = so_start,
    .stop = so_stop,
    .call = so_call,
};
