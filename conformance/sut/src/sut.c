/* A system under test, attached: picks the way by the spec, holds the clock of the virtual ones,
 * and keeps a SUT that failed from being asked again until it is restarted.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "json_bytes.h"
#include "sut_internal.h"

enum {
    SUT_RESPONSE_LIMIT_MS = 5000,
    SUT_IDLE_STEPS_MAX = 5000, /* deadlines in one step that put nothing out, */
    SUT_IDLE_STEP_NS = 10000,  /* unless they are as far apart as this on average */
    SUT_OUTS_MAX = 200000,     /* since reset; more is a flood */
    SUT_OUT_BYTES_MAX = 256 << 20,
};

static const struct conform__way *const sut_ways[] = {
    &conform__way_engine, &conform__way_so,  &conform__way_exec,
    &conform__way_udp,    &conform__way_tcp, &conform__way_unix,
};

/* "engine" stands alone; the others are PREFIX:TARGET, live ones also PREFIX,control=... */
static const char *sut_target(const char *spec, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(spec, prefix, length) != 0) {
        return NULL;
    }
    if (spec[length] == ':') {
        return spec + length + 1;
    }
    return spec[length] == 0 || spec[length] == ',' ? spec + length : NULL;
}

/* NULL: no spec. *target: what follows the prefix. */
static const struct conform__way *sut_find_way(const char *spec, const char **target)
{
    for (size_t i = 0; i < sizeof sut_ways / sizeof *sut_ways; i++) {
        *target = sut_target(spec, sut_ways[i]->prefix);
        if (*target) {
            return sut_ways[i];
        }
    }
    return NULL;
}

enum conform_sut_copies conform_sut_copies(const char *spec)
{
    const char *target;
    const struct conform__way *way = sut_find_way(spec, &target);
    if (!way) {
        return CONFORM_SUT_NO_SPEC;
    }
    if (way->is_one && way->is_one(target)) {
        return CONFORM_SUT_ONE;
    }
    return way->virtual_clock ? CONFORM_SUT_VIRTUALS : CONFORM_SUT_LIVES;
}

static enum conform_sut_status sut_start(struct conform_sut *sut, struct conform_error *error)
{
    sut->now_ns = 0;
    sut->deadline_ns = SIPC_NEVER;
    sut->status = sut->way->start(sut, error);
    if (sut->status != CONFORM_SUT_OK) {
        conform_error_set(error, "%s: %s", sut->spec, error->text);
        sut->error = *error;
    }
    return sut->status;
}

enum conform_sut_status conform_sut_attach(const char *spec,
                                           const struct conform_sut_options *options,
                                           struct conform_sut **out, struct conform_error *error)
{
    *out = NULL;
    struct conform_sut *sut = conform__alloc(sizeof *sut);
    sut->way = sut_find_way(spec, &sut->target);
    if (!sut->way) {
        free(sut);
        conform_error_set(error,
                          "\"%s\" is no way to attach: expected engine, so:PATH, exec:CMD, "
                          "udp:HOST:PORT, tcp:HOST:PORT or unix:PATH",
                          spec);
        return CONFORM_SUT_NO_START;
    }
    sut->spec = conform__strdup(spec);
    sut->target = sut->spec + (sut->target - spec);
    if (options) {
        sut->options = *options;
    }
    if (sut->options.in_process && sut->way == &conform__way_so) {
        sut->way = &conform__way_so_here;
    }
    if (!sut->options.response_limit_ms) {
        sut->options.response_limit_ms = SUT_RESPONSE_LIMIT_MS;
    }
    enum conform_sut_status status = sut_start(sut, error);
    if (status != CONFORM_SUT_OK) {
        conform_sut_detach(sut);
        return status;
    }
    *out = sut;
    return CONFORM_SUT_OK;
}

void conform_sut_detach(struct conform_sut *sut)
{
    if (!sut) {
        return;
    }
    sut->way->stop(sut, sut->status == CONFORM_SUT_OK);
    conform_response_clear(&sut->hello);
    free(sut->spec);
    free(sut);
}

enum conform_sut_status conform_sut_restart(struct conform_sut *sut, struct conform_error *error)
{
    sut->way->stop(sut, sut->status == CONFORM_SUT_OK);
    conform_response_clear(&sut->hello);
    return sut_start(sut, error);
}

const struct conform_response *conform_sut_hello(const struct conform_sut *sut)
{
    return &sut->hello;
}

bool conform_sut_has(const struct conform_sut *sut, const char *capability)
{
    for (size_t i = 0; i < sut->hello.capability_count; i++) {
        if (strcmp(sut->hello.capabilities[i], capability) == 0) {
            return true;
        }
    }
    return false;
}

bool conform_sut_is_virtual(const struct conform_sut *sut)
{
    return sut->way->virtual_clock;
}

bool conform_sut_has_control(const struct conform_sut *sut)
{
    return !sut->way->has_control || sut->way->has_control(sut);
}

bool conform_sut_is_stream(const struct conform_sut *sut)
{
    return sut->way->is_stream && sut->way->is_stream(sut);
}

uint64_t conform_sut_now(const struct conform_sut *sut)
{
    return sut->way->virtual_clock ? sut->now_ns : sut->way->now(sut);
}

uint64_t conform_sut_deadline(const struct conform_sut *sut)
{
    return sut->deadline_ns;
}

uint64_t conform_sut_lateness(const struct conform_sut *sut)
{
    return sut->way->lateness ? sut->way->lateness(sut) : 0;
}

char *conform_sut_take_stderr(struct conform_sut *sut)
{
    return sut->way->take_stderr ? sut->way->take_stderr(sut) : NULL;
}

size_t conform_sut_partial_bytes(const struct conform_sut *sut)
{
    return sut->way->partial_bytes ? sut->way->partial_bytes(sut) : 0;
}

/* ---- requests ---- */

/* What every response of the virtual clock must keep: the deadline is ahead, and a whole tick. */
static enum conform_sut_status sut_check_deadline(struct conform_sut *sut, const char *op,
                                                  const struct conform_response *response,
                                                  struct conform_error *error)
{
    uint64_t deadline = response->deadline_ns;
    uint64_t tick = sut->hello.tick_ns ? sut->hello.tick_ns : 1;
    sut->deadline_ns = deadline;
    if (deadline <= sut->now_ns) {
        conform_error_set(error,
                          "the deadline in the response to `%s` must be later than now "
                          "(%llu ns), is %llu",
                          op, (unsigned long long)sut->now_ns, (unsigned long long)deadline);
        return CONFORM_SUT_BROKEN;
    }
    if (deadline != SIPC_NEVER && deadline % tick) {
        conform_error_set(error,
                          "the deadline in the response to `%s`, %llu ns, is no whole number of "
                          "the SUT's own ticks (%llu ns)",
                          op, (unsigned long long)deadline, (unsigned long long)tick);
        return CONFORM_SUT_BROKEN;
    }
    return CONFORM_SUT_OK;
}

/* Counts what came since reset: a SUT that floods must not fill the harness. */
static enum conform_sut_status sut_count(struct conform_sut *sut,
                                         const struct conform_response *response,
                                         struct conform_error *error)
{
    for (size_t i = 0; i < response->out_count; i++) {
        sut->out_bytes += response->outs[i].size;
    }
    sut->out_count += response->out_count;
    if (sut->options.endless ||
        (sut->out_count <= SUT_OUTS_MAX && sut->out_bytes <= SUT_OUT_BYTES_MAX)) {
        return CONFORM_SUT_OK;
    }
    conform_error_set(error, "the SUT floods: %llu outputs with %llu bytes since reset",
                      (unsigned long long)sut->out_count, (unsigned long long)sut->out_bytes);
    return CONFORM_SUT_BROKEN;
}

/* What ended the SUT is kept, and its last response is not to be looked at. */
static enum conform_sut_status sut_end(struct conform_sut *sut, enum conform_sut_status status,
                                       struct conform_response *response,
                                       const struct conform_error *error)
{
    if (status != CONFORM_SUT_OK) {
        conform_response_clear(response);
        sut->status = status;
        sut->error = *error;
    }
    return status;
}

/* A request on a SUT that is alive. */
static enum conform_sut_status sut_request(struct conform_sut *sut,
                                           const struct conform_request *request,
                                           struct conform_response *response,
                                           struct conform_error *error)
{
    memset(response, 0, sizeof *response);
    if (sut->status != CONFORM_SUT_OK) {
        *error = sut->error;
        return sut->status;
    }
    if (sut->options.on_request) {
        sut->options.on_request(sut->options.ctx, sut->now_ns, request);
    }
    enum conform_sut_status status = sut->way->call(sut, request, response, error);
    if (status == CONFORM_SUT_OK && sut->way->virtual_clock) {
        if (response->ok && request->op == CONFORM_RESET) {
            sut->now_ns = 0;
        } else if (response->ok && request->op == CONFORM_ADVANCE) {
            sut->now_ns = request->to_ns;
        }
        for (size_t i = 0; i < response->out_count; i++) {
            response->outs[i].at_ns = sut->now_ns;
        }
        status = sut_check_deadline(sut, conform_op_name(request->op), response, error);
    }
    if (status == CONFORM_SUT_OK && response->ok && request->op == CONFORM_RESET) {
        sut->out_count = 0;
        sut->out_bytes = 0;
    }
    if (status == CONFORM_SUT_OK) {
        status = sut_count(sut, response, error);
    }
    return sut_end(sut, status, response, error);
}

enum conform_sut_status conform_sut_call(struct conform_sut *sut,
                                         const struct conform_request *request,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    SIPC_ASSERT(request->op != CONFORM_HELLO && request->op != CONFORM_ADVANCE &&
                request->op != CONFORM_BYE);
    return sut_request(sut, request, response, error);
}

/* `until` rounded up to a whole tick. */
static uint64_t sut_round_up(const struct conform_sut *sut, uint64_t until_ns)
{
    uint64_t tick = sut->hello.tick_ns ? sut->hello.tick_ns : 1;
    uint64_t over = until_ns % tick;
    return over ? until_ns + (tick - over) : until_ns;
}

enum conform_sut_status conform_sut_step(struct conform_sut *sut, uint64_t until_ns,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    memset(response, 0, sizeof *response);
    if (sut->status != CONFORM_SUT_OK) {
        *error = sut->error;
        return sut->status;
    }
    if (!sut->way->virtual_clock) {
        enum conform_sut_status status = sut->way->step(sut, until_ns, response, error);
        if (status == CONFORM_SUT_OK) {
            status = sut_count(sut, response, error);
        }
        return sut_end(sut, status, response, error);
    }
    until_ns = sut_round_up(sut, until_ns);
    const uint64_t begun_ns = sut->now_ns;
    response->ok = true;
    response->deadline_ns = sut->deadline_ns;
    for (int steps = 0; sut->now_ns < until_ns && response->out_count == 0; steps++) {
        bool due = sut->deadline_ns < until_ns;
        struct conform_request advance = {.op = CONFORM_ADVANCE,
                                          .to_ns = due ? sut->deadline_ns : until_ns};
        conform_response_clear(response);
        enum conform_sut_status status = sut_request(sut, &advance, response, error);
        if (status == CONFORM_SUT_OK && !response->ok) {
            status = CONFORM_SUT_BROKEN;
            conform_error_set(error, "`advance` to %llu ns was refused: %s",
                              (unsigned long long)advance.to_ns, response->error);
        } else if (status == CONFORM_SUT_OK && steps >= SUT_IDLE_STEPS_MAX &&
                   sut->now_ns - begun_ns < (uint64_t)steps * SUT_IDLE_STEP_NS) {
            status = CONFORM_SUT_BROKEN;
            conform_error_set(error, "%d deadlines in a row put nothing out (now %llu ns)", steps,
                              (unsigned long long)sut->now_ns);
        }
        if (sut_end(sut, status, response, error) != CONFORM_SUT_OK) {
            return status;
        }
    }
    return CONFORM_SUT_OK;
}

const char *conform__status_words(enum conform_sut_status status)
{
    switch (status) {
    case CONFORM_SUT_OK:
        return "ok";
    case CONFORM_SUT_NO_START:
        return "does not start";
    case CONFORM_SUT_BROKEN:
        return "adapter broken";
    case CONFORM_SUT_DEAD:
        return "died";
    case CONFORM_SUT_HANG:
        return "hangs";
    }
    return "unknown";
}
