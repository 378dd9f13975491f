/* Attached as "udp:", "tcp:" or "unix:": a live peer on a real network with the clock on the wall,
 * with or without a control channel that tells it what to do.
 *
 * All that comes, PDUs and events, goes into one bounded queue in order of arrival; calls and steps
 * hand it out. How late the harness itself was is measured by a heartbeat while it waits, and by
 * the gaps in which it did not look.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "channel.h"
#include "json_bytes.h"
#include "live_net.h"
#include "sut_internal.h"

enum {
    LIVE_HEARTBEAT_MS = 5,
    LIVE_QUEUE_MAX = 100000,
    LIVE_QUEUE_BYTES_MAX = 64 << 20,
    LIVE_NOTES_MAX = 64 << 10,
};

static const char live_control[] = ",control=";

struct live {
    uv_loop_t loop;
    uv_timer_t heartbeat;
    struct conform__net *net;
    struct conform__channel *control; /* NULL: none */
    struct conform_response queue;    /* its outs */
    size_t queue_bytes;
    enum conform_sut_status fault; /* OK, or what was found while handling the network */
    struct conform_error fault_why;
    char *notes;        /* malloc'ed; NULL: none */
    uint64_t base_ns;   /* of uv_hrtime, at reset */
    uint64_t looked_ns; /* when the loop last ran */
    uint64_t lateness_ns;
};

static uint64_t live_now(const struct conform_sut *sut)
{
    const struct live *live = sut->impl;
    return uv_hrtime() - live->base_ns;
}

static uint64_t live_clock(void *ctx)
{
    const struct live *live = ctx;
    return uv_hrtime() - live->base_ns;
}

static void live_set_fault(struct live *live, enum conform_sut_status fault, const char *why)
{
    if (live->fault == CONFORM_SUT_OK) {
        live->fault = fault;
        conform_error_set(&live->fault_why, "%s", why);
    }
}

/* ---- what comes ---- */

static void live_on_out(void *ctx, struct conform_out *out)
{
    struct live *live = ctx;
    size_t bytes = sizeof *out + out->size;
    if (live->queue.out_count >= LIVE_QUEUE_MAX ||
        live->queue_bytes + bytes > LIVE_QUEUE_BYTES_MAX) {
        live_set_fault(live, CONFORM_SUT_BROKEN,
                       "the SUT floods: more than 100,000 outputs, or 64 MiB, came at once");
        conform_out_clear(out);
        return;
    }
    live->queue_bytes += bytes;
    out->at_ns = live_clock(live);
    *conform_response_add(&live->queue) = *out;
    memset(out, 0, sizeof *out);
}

static void live_on_event(void *ctx, struct conform_out *out)
{
    struct live *live = ctx;
    if (out->remote && live->net) {
        const char *name = conform__net_find(live->net, out->remote);
        free(out->remote);
        out->remote = conform__strdup(name); /* a name the harness never had says nothing */
    }
    live_on_out(ctx, out);
}

static void live_on_fault(void *ctx, const char *why)
{
    live_set_fault(ctx, CONFORM_SUT_DEAD, why);
}

static void live_on_note(void *ctx, const char *text)
{
    struct live *live = ctx;
    size_t used = live->notes ? strlen(live->notes) : 0;
    if (used + strlen(text) < LIVE_NOTES_MAX) {
        live->notes = conform__realloc(live->notes, used + strlen(text) + 1);
        memcpy(live->notes + used, text, strlen(text) + 1);
    }
}

static char *live_take_stderr(struct conform_sut *sut)
{
    struct live *live = sut->impl;
    if (!live) {
        return NULL;
    }
    char *said = live->control ? conform__channel_take_stderr(live->control) : NULL;
    char *notes = live->notes;
    live->notes = NULL;
    if (!said || !notes) {
        return said ? said : notes;
    }
    size_t length = strlen(said);
    said = conform__realloc(said, length + strlen(notes) + 1);
    memcpy(said + length, notes, strlen(notes) + 1);
    free(notes);
    return said;
}

static void live_clear_queue(struct live *live)
{
    conform_response_clear(&live->queue);
    live->queue_bytes = 0;
}

/* ---- time ---- */

static void live_late(struct live *live, uint64_t due_ns)
{
    uint64_t now = uv_hrtime();
    if (now > due_ns && now - due_ns > live->lateness_ns) {
        live->lateness_ns = now - due_ns;
    }
}

/* Runs the loop once, `wait_ms` at most; 0: takes what is there. */
static void live_run(struct live *live, uint64_t wait_ms)
{
    live_late(live, live->looked_ns); /* what came meanwhile gets too late a time */
    uint64_t due = uv_hrtime() + wait_ms * SIPC_NS_PER_MS;
    if (wait_ms) {
        conform__loop_wait(&live->loop, &live->heartbeat, wait_ms);
    } else {
        uv_run(&live->loop, UV_RUN_NOWAIT);
    }
    live_late(live, due);
    live->looked_ns = uv_hrtime();
}

static uint64_t live_lateness(const struct conform_sut *sut)
{
    const struct live *live = sut->impl;
    return live->lateness_ns;
}

/* What the loop brought: faults of the network, the end of a controlled process. */
static enum conform_sut_status live_check(struct live *live, struct conform_error *error)
{
    if (live->control) {
        enum conform_sut_status status = conform__channel_poll(live->control, error);
        if (status != CONFORM_SUT_OK) {
            return status;
        }
    }
    if (live->fault != CONFORM_SUT_OK) {
        *error = live->fault_why;
    }
    return live->fault;
}

/* Moves the queue behind what is in *response. */
static void live_take_queue(struct live *live, struct conform_response *response)
{
    for (size_t i = 0; i < live->queue.out_count; i++) {
        *conform_response_add(response) = live->queue.outs[i];
    }
    live->queue.out_count = 0; /* moved */
    live_clear_queue(live);
}

static enum conform_sut_status live_step(struct conform_sut *sut, uint64_t until_ns,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    struct live *live = sut->impl;
    enum conform_sut_status status;
    uint64_t wait_ms = 0;
    for (;;) {
        live_run(live, wait_ms);
        status = live_check(live, error);
        uint64_t now = live_now(sut);
        if (status != CONFORM_SUT_OK || live->queue.out_count || now >= until_ns) {
            break;
        }
        uint64_t left_ms = (until_ns - now) / SIPC_NS_PER_MS + 1;
        wait_ms = left_ms < LIVE_HEARTBEAT_MS ? left_ms : LIVE_HEARTBEAT_MS;
    }
    response->ok = true;
    response->deadline_ns = SIPC_NEVER;
    live_take_queue(live, response);
    return status;
}

/* ---- requests ---- */

static void live_refuse(struct conform_response *response, const char *why)
{
    response->ok = false;
    response->unsupported = true;
    response->error = conform__strdup(why);
}

/* Without control: what a bare peer is told to do. */
static void live_bare_call(const struct conform_sut *sut, const struct conform_request *request,
                           struct conform_response *response)
{
    response->ok = true;
    if (request->op == CONFORM_RESET) {
        return;
    }
    if (request->op != CONFORM_CONFIGURE) {
        live_refuse(response, "a bare peer cannot be told to do this: it needs a control channel");
        return;
    }
    const char *network = conform_sut_is_stream(sut) ? "stream" : "datagram";
    response->refused = conform__alloc(request->setting_count * sizeof *response->refused);
    for (size_t i = 0; i < request->setting_count; i++) {
        const struct conform_setting *setting = &request->settings[i];
        const char *is = strcmp(setting->name, "network") == 0     ? network
                         : strcmp(setting->name, "aftermath") == 0 ? "auto"
                                                                   : NULL;
        if (!is || !setting->word || strcmp(setting->word, is) != 0) {
            response->refused[response->refused_count++] = conform__strdup(setting->name);
        }
    }
}

/* With control: peers' names become addresses. */
static enum conform_sut_status live_control_call(struct conform_sut *sut,
                                                 const struct conform_request *request,
                                                 struct conform_response *response,
                                                 struct conform_error *error)
{
    struct live *live = sut->impl;
    struct conform_request translated = *request;
    if (conform_sut_is_stream(sut) && request->op != CONFORM_OPEN) {
        translated.remote = NULL; /* there the session id is enough (END-1a) */
    } else if (request->remote) {
        translated.remote = conform__net_address(live->net, request->remote, error);
        if (!translated.remote) {
            return CONFORM_SUT_BROKEN;
        }
    }
    return conform__channel_call(live->control, &translated, response, error);
}

static void live_restart_clock(struct live *live)
{
    live_clear_queue(live);
    live->base_ns = uv_hrtime();
    live->looked_ns = live->base_ns;
    live->lateness_ns = 0;
}

static enum conform_sut_status live_call(struct conform_sut *sut,
                                         const struct conform_request *request,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    struct live *live = sut->impl;
    enum conform_sut_status status = CONFORM_SUT_OK;
    live_run(live, 0);
    if (request->op == CONFORM_RESET) {
        conform__net_reset(live->net);
    }
    if (request->op == CONFORM_RX) {
        status = live_check(live, error);
        if (status == CONFORM_SUT_OK) {
            status = conform__net_send(live->net, request->from, request->pdu, error);
        }
        response->ok = true;
    } else if (request->op == CONFORM_SENT) {
        live_refuse(response, "a real network gives the aftermath by itself");
    } else if (live->control) {
        status = live_control_call(sut, request, response, error);
    } else {
        live_bare_call(sut, request, response);
    }
    live->looked_ns = uv_hrtime(); /* what waited for the SUT ran the loop meanwhile */
    if (status == CONFORM_SUT_OK && request->op == CONFORM_RESET && response->ok) {
        live_restart_clock(live);
    }
    if (status == CONFORM_SUT_OK) {
        live_run(live, 0);
        status = live_check(live, error);
    }
    response->deadline_ns = SIPC_NEVER;
    live_take_queue(live, response);
    return status;
}

/* ---- beginning and end ---- */

static enum conform__net_kind live_kind(const struct conform_sut *sut)
{
    return sut->way == &conform__way_udp   ? CONFORM__NET_UDP
           : sut->way == &conform__way_tcp ? CONFORM__NET_TCP
                                           : CONFORM__NET_UNIX;
}

static bool live_is_stream(const struct conform_sut *sut)
{
    return sut->way != &conform__way_udp;
}

static bool live_has_control(const struct conform_sut *sut)
{
    const struct live *live = sut->impl;
    return live && live->control;
}

static size_t live_partial_bytes(const struct conform_sut *sut)
{
    const struct live *live = sut->impl;
    return conform__net_partial_bytes(live->net);
}

static void live_stop(struct conform_sut *sut, bool polite)
{
    struct live *live = sut->impl;
    if (!live) {
        return;
    }
    if (live->control) {
        conform__channel_end(live->control, polite);
    }
    conform__loop_close(&live->loop);
    conform__channel_free(live->control);
    conform__net_free(live->net);
    live_clear_queue(live);
    free(live->notes);
    free(live);
    sut->impl = NULL;
}

static enum conform_sut_status live_start_control(struct conform_sut *sut, const char *spec,
                                                  struct conform_error *error)
{
    struct live *live = sut->impl;
    const struct conform__channel_options options = {
        .verbose = sut->options.verbose,
        .limit_ms = sut->options.response_limit_ms,
        .now = live_clock,
        .on_event = live_on_event,
        .ctx = live,
    };
    bool started = false;
    if (strncmp(spec, "exec:", 5) == 0) {
        started = conform__channel_exec(&live->loop, spec + 5, &options, &live->control, error);
    } else if (strncmp(spec, "tcp:", 4) == 0) {
        started = conform__channel_tcp(&live->loop, spec + 4, &options, &live->control, error);
    } else {
        conform_error_set(error, "control must be exec:CMD or tcp:HOST:PORT, is \"%s\"", spec);
    }
    return started ? conform__channel_hello(live->control, &sut->hello, error)
                   : CONFORM_SUT_NO_START;
}

/* Without control the SUT says nothing of itself. */
static void live_bare_hello(struct conform_sut *sut)
{
    struct conform_response *hello = &sut->hello;
    hello->ok = true;
    hello->contract = 1;
    hello->name = conform__strdup(sut->spec);
    hello->version = conform__strdup("");
    hello->clock = conform__strdup("wall");
    hello->tick_ns = 1;
    if (conform_sut_is_stream(sut)) {
        hello->capabilities = conform__alloc(sizeof *hello->capabilities);
        hello->capabilities[hello->capability_count++] = conform__strdup("stream");
    }
}

/* Where the SUT listens: the spec says it, or hello does. Malloc'ed; NULL and *error if none. */
static char *live_address(const struct conform_sut *sut, size_t length, struct conform_error *error)
{
    if (length) {
        return strndup(sut->target, length);
    }
    const char *listen = sut->hello.listen;
    const char *prefix = conform__net_prefix(live_kind(sut));
    size_t skip = strlen(prefix);
    if (!listen || strncmp(listen, prefix, skip) != 0 || listen[skip] != ':') {
        conform_error_set(error,
                          "neither the spec nor `listen` of hello (%s) says where it listens; "
                          "expected %s:...",
                          listen ? listen : "missing", prefix);
        return NULL;
    }
    return conform__strdup(listen + skip + 1);
}

/* What the spec says of the SUT's address; the rest says how it is controlled (NULL: not). */
static size_t live_split(const char *target, const char **control)
{
    const char *found = strstr(target, live_control);
    *control = found ? found + strlen(live_control) : NULL;
    return found ? (size_t)(found - target) : strlen(target);
}

static bool live_is_one(const char *target)
{
    const char *control;
    size_t address_length = live_split(target, &control);
    return address_length > 0 || !control || strncmp(control, "exec:", 5) != 0;
}

static enum conform_sut_status live_start(struct conform_sut *sut, struct conform_error *error)
{
    struct live *live = conform__alloc(sizeof *live);
    sut->impl = live;
    uv_loop_init(&live->loop);
    uv_timer_init(&live->loop, &live->heartbeat);
    live->base_ns = uv_hrtime();
    const char *control;
    size_t length = live_split(sut->target, &control);
    enum conform_sut_status status = CONFORM_SUT_OK;
    if (control) {
        status = live_start_control(sut, control, error);
    } else {
        live_bare_hello(sut);
    }
    if (status == CONFORM_SUT_OK) {
        const struct conform__net_options options = {
            .kind = live_kind(sut),
            .limit_ms = sut->options.response_limit_ms,
            .on_out = live_on_out,
            .on_fault = live_on_fault,
            .on_note = live_on_note,
            .ctx = live,
        };
        char *address = live_address(sut, length, error);
        live->net = address ? conform__net_new(&live->loop, address, &options, error) : NULL;
        status = live->net ? CONFORM_SUT_OK : CONFORM_SUT_NO_START;
        free(address);
    }
    if (status != CONFORM_SUT_OK) {
        live_stop(sut, false);
        return status;
    }
    live_restart_clock(live);
    return CONFORM_SUT_OK;
}

#define LIVE_WAY(PREFIX)                                                                           \
    {                                                                                              \
        .prefix = PREFIX, .is_one = live_is_one, .start = live_start, .stop = live_stop,           \
        .call = live_call, .step = live_step, .now = live_now, .lateness = live_lateness,          \
        .partial_bytes = live_partial_bytes, .has_control = live_has_control,                      \
        .is_stream = live_is_stream, .take_stderr = live_take_stderr,                              \
    }

const struct conform__way conform__way_udp = LIVE_WAY("udp");
const struct conform__way conform__way_tcp = LIVE_WAY("tcp");
const struct conform__way conform__way_unix = LIVE_WAY("unix");
