/* See trace.h. The runner's own parts build PDUs, keep names and evaluate times; in place of a SUT
 * stands a clock.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* ---- no SUT: a clock ---- */

struct conform_sut {
    uint64_t now_ns;
};
static const struct conform_response trace_hello = {.tick_ns = 1};

uint64_t conform_sut_now(const struct conform_sut *sut)
{
    return sut->now_ns;
}

enum conform_sut_status conform_sut_call(struct conform_sut *sut,
                                         const struct conform_request *request,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    (void)sut, (void)request, (void)error;
    *response = (struct conform_response){.ok = true};
    return CONFORM_SUT_OK;
}

enum conform_sut_status conform_sut_step(struct conform_sut *sut, uint64_t until_ns,
                                         struct conform_response *response,
                                         struct conform_error *error)
{
    (void)error;
    *response = (struct conform_response){.ok = true};
    sut->now_ns = until_ns;
    return CONFORM_SUT_OK;
}

const struct conform_response *conform_sut_hello(const struct conform_sut *sut)
{
    (void)sut;
    return &trace_hello;
}

bool conform_sut_has(const struct conform_sut *sut, const char *capability)
{
    (void)sut, (void)capability;
    return true;
}

bool conform_sut_is_virtual(const struct conform_sut *sut)
{
    (void)sut;
    return true;
}

bool conform_sut_has_control(const struct conform_sut *sut)
{
    (void)sut;
    return true;
}

bool conform_sut_is_stream(const struct conform_sut *sut)
{
    (void)sut;
    return false;
}

uint64_t conform_sut_lateness(const struct conform_sut *sut)
{
    (void)sut;
    return 0;
}

size_t conform_sut_partial_bytes(const struct conform_sut *sut)
{
    (void)sut;
    return 0;
}

char *conform_sut_take_stderr(struct conform_sut *sut)
{
    (void)sut;
    return NULL;
}

enum conform_sut_status conform_sut_restart(struct conform_sut *sut, struct conform_error *error)
{
    (void)sut, (void)error;
    return CONFORM_SUT_OK;
}

/* ---- lines ---- */

static bool trace_wait(struct runner *r, const struct sx_time *time)
{
    uint64_t ns;

    if (time->count == 0) {
        return true;
    }
    if (!run_time(r, time, &ns)) {
        return false;
    }
    r->sut->now_ns += ns;
    run_witness_time(r);
    return true;
}

static bool trace_in(struct runner *r, const struct sx_step *step)
{
    const char *peer = run_pdu_peer(r, &step->pdu);
    struct sipc_span pdu;
    uint8_t *bytes;

    if (!run_build_pdu(r, &step->pdu, &bytes, &pdu.size)) {
        return false;
    }
    pdu.data = bytes;
    run_know_peer(r, peer);
    if (step->pdu.label != NULL) {
        const struct run_label label = {.name = step->pdu.label, .pdu = pdu, .peer = peer};
        run_env_set_label(&r->env, &label);
    }
    run_witness_rx(r, peer, pdu);
    free(bytes);
    return true;
}

static bool trace_out(struct runner *r, const struct sx_step *step)
{
    static uint64_t token;
    const char *peer = run_pdu_peer(r, &step->pdu);
    struct conform_out out = {.kind = CONFORM_OUT_TX, .token = ++token};

    if (!trace_wait(r, &step->after) || !run_build_pdu(r, &step->pdu, &out.bytes, &out.size)) {
        return false;
    }
    run_know_peer(r, peer);
    out.at_ns = r->sut->now_ns;
    out.remote = (char *)(uintptr_t)peer;
    if (step->pdu.label != NULL) {
        const struct run_label label = {.name = step->pdu.label,
                                        .pdu = {out.bytes, out.size},
                                        .peer = peer,
                                        .from_sut = true,
                                        .token = out.token};
        run_env_set_label(&r->env, &label);
    }
    run_witness_out(r, &out);
    free(out.bytes);
    return true;
}

static bool trace_code(struct runner *r, const struct sx_step *step, struct conform_out *out)
{
    out->has_code = step->code.kind == SX_FIELD_EXPR;
    return !out->has_code || sx_eval(step->code.expr, &r->env.sx, &out->code, NULL, 0);
}

static bool trace_deliver(struct runner *r, const struct sx_step *step, struct conform_out *out)
{
    struct conform_attribute attributes[16];
    char error[128];
    uint8_t *values[16];
    bool going = step->attribute_count <= 16;

    for (size_t i = 0; i < step->attribute_count && going; i++) {
        going = run_build_option(r, &step->attributes[i], &attributes[i].name, &values[i],
                                 &attributes[i].value.size);
        attributes[i].value.data = values[i];
        out->attribute_count += going;
    }
    out->attributes = attributes;
    going = going && sx_data_materialise(&step->data, &r->env.sx, &out->bytes, &out->size, error,
                                         sizeof error);
    if (going) {
        run_witness_out(r, out);
        free(out->bytes);
    }
    for (size_t i = 0; i < out->attribute_count; i++) {
        free(values[i]);
    }
    return going;
}

static bool trace_event(struct runner *r, const struct sx_step *step)
{
    struct conform_out out = {.has_session = true};

    if (!trace_wait(r, &step->after) || !trace_code(r, step, &out)) {
        return false;
    }
    out.at_ns = r->sut->now_ns;
    memcpy(out.session, run_env_session(&r->env, step->session), SIPC_SESSION_ID_SIZE);
    if (step->kind == SX_DELIVER) {
        out.kind = CONFORM_OUT_DELIVER;
        return trace_deliver(r, step, &out);
    }
    out.kind = step->kind == SX_RESULT ? CONFORM_OUT_RESULT : CONFORM_OUT_STATE;
    out.word = (char *)(uintptr_t)(step->kind == SX_RESULT ? step->outcome : step->state);
    if (step->kind == SX_RESULT) {
        out.label = (char *)(uintptr_t)run_env_operation(&r->env, step->label);
    }
    run_witness_out(r, &out);
    return true;
}

static bool trace_step(struct runner *r, const struct sx_step *step)
{
    switch (step->kind) {
    case SX_SEND:
        return trace_in(r, step);
    case SX_EXPECT:
        return trace_out(r, step);
    case SX_DELIVER:
    case SX_RESULT:
    case SX_STATE:
        return trace_event(r, step);
    case SX_WAIT:
    case SX_QUIET:
        return trace_wait(r, &step->time);
    default:
        return run_command(r, step);
    }
}

/* ---- a trace ---- */

static struct sx_script *trace_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(SX_SCRIPT_BYTES_MAX);
    struct sx_script *script = NULL;

    if (file != NULL && text != NULL) {
        size_t size = fread(text, 1, SX_SCRIPT_BYTES_MAX, file);
        script = sx_parse(path, text, size, stderr, NULL);
    }
    if (file != NULL) {
        fclose(file);
    }
    free(text);
    return script;
}

static bool trace_run(struct runner *r)
{
    struct run_settings settings = {0};
    bool going = run_settings_eval(r, &settings);

    if (going) {
        run_clock_init(r);
        settings.stream = false;
        for (size_t i = 0; i < r->script->setting_count; i++) {
            const char *word = r->script->settings[i].word;
            settings.stream |= word != NULL && strcmp(word, "stream") == 0;
        }
        run_witness_configure(r, &settings);
    }
    run_settings_clear(&settings);
    return going;
}

void trace_play(const char *path, const bool *off, unsigned knows, struct trace_result *result)
{
    static const struct conform_run_options options = {.seed = 1};
    struct conform_error error = {""};
    struct conform_sut sut = {0};
    struct runner r = {.sut = &sut,
                       .options = &options,
                       .record = &result->record,
                       .error = &error,
                       .control = true,
                       .prepared = true,
                       .clock = {.is_virtual = true, .tick_ns = 1, .scale_percent = 100}};
    bool going;

    *result = (struct trace_result){.script = trace_read(path)};
    if (result->script == NULL) {
        result->error = "it cannot be read";
        return;
    }
    r.script = result->script;
    run_env_init(&r.env, r.script, 0, path, &options, 1);
    going = trace_run(&r);
    r.judge_config.off = off;
    r.judge_config.knows &= knows;
    run_witness_begin(&r);
    for (size_t i = 0; i < r.script->test.count && going; i++) {
        r.step = &r.script->test.steps[i];
        going = trace_step(&r, r.step);
    }
    run_witness_end(&r);
    result->error = going ? NULL : "a line of it cannot be played";
    run_env_fini(&r.env);
    free(r.peers);
    free(r.queue.items);
    free(r.states.items);
}

void trace_clear(struct trace_result *result)
{
    conform_record_clear(&result->record);
    sx_script_free(result->script);
}

static int trace_is_script(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".sx") == 0;
}

char **trace_list(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, trace_is_script, alphasort);
    char **names = calloc((size_t)(count < 0 ? 0 : count) + 1, sizeof *names);

    for (int i = 0; i < count && names != NULL; i++) {
        names[i] = strdup(entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return names;
}
