/* Before the first line of a case: does the SUT have what the script needs, can it be set so, and a
 * fresh endpoint. What is missing makes the case unsupported, and the reason names it.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* ---- what the script does ---- */

static const struct sx_step *prepare_find_in(const struct sx_block *block, unsigned depth,
                                             bool (*is)(const struct sx_step *))
{
    for (size_t i = 0; depth < RUN_DEPTH_MAX && i < block->count; i++) {
        const struct sx_step *step = &block->steps[i];
        if (is(step)) {
            return step;
        }
        for (size_t at = 0; at < step->block_count; at++) {
            const struct sx_step *found = prepare_find_in(&step->blocks[at], depth + 1, is);
            if (found != NULL) {
                return found;
            }
        }
    }
    return NULL;
}

static const struct sx_step *prepare_find(const struct sx_script *script,
                                          bool (*is)(const struct sx_step *))
{
    const struct sx_step *found = prepare_find_in(&script->setup, 0, is);
    return found != NULL ? found : prepare_find_in(&script->test, 0, is);
}

static bool prepare_is_command(const struct sx_step *step)
{
    return step->kind >= SX_DO_OPEN && step->kind <= SX_DO_SENT;
}

static bool prepare_is_eof(const struct sx_step *step)
{
    return step->kind == SX_EOF;
}

/* ---- needs ---- */

/* "needs WHAT NAME"; `line` of the script, 0 where none. */
static bool prepare_unsupported(struct runner *r, int line, const char *what, const char *name)
{
    run_stop(r, CONFORM_UNSUPPORTED, "needs %s%s", what, name);
    r->record->line = line;
    return false;
}

static bool prepare_control(struct runner *r)
{
    const struct sx_step *command = prepare_find(r->script, prepare_is_command);

    if (r->control) {
        return true;
    }
    if (r->script->setting_count > 0) {
        return prepare_unsupported(r, r->script->settings[0].line, "a control channel",
                                   " to set up the SUT");
    }
    if (command != NULL) {
        return prepare_unsupported(r, command->line, "a control channel", " to make the SUT act");
    }
    return true;
}

static bool prepare_needs_word(const struct sx_script *script, const char *word)
{
    for (size_t i = 0; i < script->need_count; i++) {
        if (strcmp(script->needs[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static bool prepare_capabilities(struct runner *r)
{
    for (size_t i = 0; i < r->script->need_count; i++) {
        const char *need = r->script->needs[i];
        bool network =
            strcmp(need, "datagram") == 0 || (strcmp(need, "stream") == 0 && !r->clock.is_virtual);
        /* Of == lines only, where nobody may say do or set; they are passed over then. */
        bool unseen =
            !r->control && (strcmp(need, "state") == 0 || strcmp(need, "attributes") == 0);
        if (!network && !unseen && !conform_sut_has(r->sut, need)) {
            return prepare_unsupported(r, 0, "the capability ", need);
        }
    }
    return true;
}

/* Which network: a setting where the clock is virtual, the transport where the SUT is live. */
static bool prepare_network(struct runner *r, struct run_settings *settings)
{
    bool set = run_settings_has(r->script, "network");
    bool stream = prepare_needs_word(r->script, "stream");
    bool datagram = prepare_needs_word(r->script, "datagram");
    const struct sx_step *eof = prepare_find(r->script, prepare_is_eof);

    if (r->clock.is_virtual) {
        settings->stream = settings->stream || (stream && !set);
        if (eof != NULL) {
            return prepare_unsupported(r, eof->line, "a live connection to see its end", "");
        }
        if (settings->stream && !conform_sut_has(r->sut, "stream")) {
            return prepare_unsupported(r, 0, "the capability ", "stream");
        }
        if (set || settings->stream) {
            run_settings_add_network(settings);
        }
    } else {
        stream = stream || eof != NULL || (set && settings->stream);
        datagram = datagram || (set && !settings->stream);
        settings->stream = conform_sut_is_stream(r->sut);
    }
    if (r->options->link != NULL && r->options->link->to_sut != NULL && settings->stream) {
        return prepare_unsupported(r, 0, "a datagram network", ": a byte stream loses nothing");
    }
    if (stream && !settings->stream) {
        return prepare_unsupported(r, 0, "a stream network", ", the SUT is on a datagram network");
    }
    if (datagram && settings->stream) {
        return prepare_unsupported(r, 0, "a datagram network", ", the SUT is on a stream network");
    }
    return true;
}

/* ---- configure and reset ---- */

static bool prepare_refused(struct runner *r, const struct conform_response *response)
{
    for (size_t i = 0; i < response->refused_count; i++) {
        const char *name = response->refused[i];
        run_witness_refused(r, name);
        if (run_settings_has(r->script, name)) {
            return prepare_unsupported(r, 0, "a setting the SUT refuses: ", name);
        }
        if (strcmp(name, "ack_timeout_ms") == 0) {
            run_settings_set_ack_timeout(r, RUN_ACK_TIMEOUT_MS); /* ours alone: it has its own */
        }
    }
    return true;
}

static char *prepare_text(const struct run_settings *settings)
{
    struct run_text text;
    FILE *out = run_text_begin(&text);

    fputs("configure", out);
    for (size_t i = 0; i < settings->count; i++) {
        const struct conform_setting *item = &settings->items[i];
        if (item->word != NULL) {
            fprintf(out, " %s=%s", item->name, item->word);
        } else if (item->boolean) {
            fprintf(out, " %s=%s", item->name, item->value != 0 ? "true" : "false");
        } else {
            fprintf(out, " %s=%" PRId64, item->name, item->value);
        }
    }
    return run_text_end(&text);
}

static bool prepare_configure(struct runner *r, const struct run_settings *settings)
{
    const struct conform_request request = {
        .op = CONFORM_CONFIGURE, .settings = settings->items, .setting_count = settings->count};
    const struct sipc_span none = {NULL, 0};
    struct conform_response response;

    run_trace_add(r, 0, '!', NULL, prepare_text(settings), none);
    bool going = run_call(r, &request, &response);
    if (going && !response.ok) {
        going = run_stop(r, CONFORM_UNSUPPORTED, "the SUT refused to be configured: %s",
                         response.error != NULL ? response.error : "no reason given");
    }
    going = going && prepare_refused(r, &response);
    conform_response_clear(&response);
    if (going) {
        r->record->small_world = run_settings_small_world(&r->env);
    }
    return going;
}

static bool prepare_reset(struct runner *r)
{
    const struct conform_request request = {.op = CONFORM_RESET};
    struct conform_response response;
    bool going = run_call(r, &request, &response);

    if (going && !response.ok && r->control) {
        going = run_stop(r, CONFORM_ERROR, "the SUT refused to reset: %s",
                         response.error != NULL ? response.error : "no reason given");
    }
    conform_response_clear(&response);
    return going;
}

bool run_prepare(struct runner *r)
{
    struct run_settings settings = {0};
    bool going = prepare_control(r) && prepare_capabilities(r) && run_settings_eval(r, &settings) &&
                 prepare_network(r, &settings) && (run_witness_configure(r, &settings), true) &&
                 (!r->control || prepare_configure(r, &settings)) && prepare_reset(r);

    run_clock_init(r);
    run_settings_clear(&settings);
    return going;
}
