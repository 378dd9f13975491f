/* do lines: what the application tells the SUT. A command the SUT does not know makes the case
 * unsupported; one it refuses breaks the line. How an operation ends comes as a result.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* A request with what it owns. */
struct command {
    struct runner *r;
    const struct sx_step *step;
    struct conform_request request;
    struct conform_attribute *attributes;
    uint8_t *data;
};

static bool command_eval(struct command *command, const struct sx_expr *expr, const char *what,
                         int64_t *out)
{
    char error[256];
    if (!sx_eval(expr, &command->r->env.sx, out, error, sizeof error)) {
        return run_stop(command->r, CONFORM_ERROR, "%s: %s", what, error);
    }
    return true;
}

/* An abort or local code: int32. */
static bool command_code(struct command *command, int64_t fallback)
{
    const struct sx_field *field = &command->step->code;
    const struct sx_expr variable = {.op = SX_VAR, .name = field->name};
    int64_t code = fallback;

    if (field->kind == SX_FIELD_EXPR || field->kind == SX_FIELD_BIND) {
        if (!command_eval(command, field->kind == SX_FIELD_EXPR ? field->expr : &variable, "code",
                          &code)) {
            return false;
        }
    }
    if (code < INT32_MIN || code > INT32_MAX) {
        return run_stop(command->r, CONFORM_ERROR, "the code %" PRId64 " does not fit 32 bits",
                        code);
    }
    command->request.code = (int32_t)code;
    return true;
}

/* ---- what each needs ---- */

static bool command_open(struct command *command)
{
    struct conform_request *request = &command->request;

    request->op = CONFORM_OPEN;
    request->remote = command->step->peer != NULL ? command->step->peer : "P";
    run_know_peer(command->r, request->remote);
    request->has_idle_timeout = command->step->idle_timeout_ms != NULL;
    return !request->has_idle_timeout || command_eval(command, command->step->idle_timeout_ms,
                                                      "idle_timeout", &request->idle_timeout_ms);
}

static bool command_preset(struct command *command)
{
    const struct sx_step *step = command->step;
    struct conform_request *request = &command->request;

    request->op = CONFORM_PRESET;
    request->processed = step->processed;
    request->min_window_id = -1;
    if (!command_eval(command, step->next, "next", &request->next_window_id)) {
        return false;
    }
    request->acked_window_id = request->next_window_id > 0 ? request->next_window_id - 1 : -1;
    return (step->acked == NULL ||
            command_eval(command, step->acked, "acked", &request->acked_window_id)) &&
           (step->min == NULL || command_eval(command, step->min, "min", &request->min_window_id));
}

static bool command_attributes(struct command *command)
{
    const struct sx_step *step = command->step;

    command->attributes = calloc(step->attribute_count + 1, sizeof *command->attributes);
    SIPC_ASSERT(command->attributes != NULL);
    command->request.attributes = command->attributes;
    for (size_t i = 0; i < step->attribute_count; i++) {
        struct conform_attribute *attribute = &command->attributes[i];
        uint8_t *value;
        if (!run_build_option(command->r, &step->attributes[i], &attribute->name, &value,
                              &attribute->value.size)) {
            return false;
        }
        attribute->value.data = value;
        command->request.attribute_count++;
    }
    return true;
}

static bool command_send(struct command *command)
{
    const struct sx_step *step = command->step;
    struct conform_request *request = &command->request;
    struct runner *r = command->r;
    char error[256];
    size_t size;

    request->op = step->kind == SX_DO_SEND ? CONFORM_SEND : CONFORM_SEND_UNRELIABLE;
    request->skip = step->skip;
    if (!command_attributes(command)) {
        return false;
    }
    if (step->data.kind == SX_DATA_PATTERN && step->data.from == NULL) {
        request->has_size = true;
        if (!sx_data_size(&step->data, &r->env.sx, &size, error, sizeof error)) {
            return run_stop(r, CONFORM_ERROR, "data: %s", error);
        }
        request->size = size;
    } else if (!sx_data_materialise(&step->data, &r->env.sx, &command->data, &request->data.size,
                                    error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "data: %s", error);
    }
    request->data.data = command->data;
    request->label = run_env_begin_operation(&r->env, step->label);
    return true;
}

static bool command_close(struct command *command)
{
    command->request.op = CONFORM_CLOSE;
    if (!command_code(command, SIPC_ABORT_NORMAL)) {
        return false;
    }
    command->request.label = run_env_begin_operation(&command->r->env, command->step->label);
    return true;
}

static bool command_shutdown(struct command *command)
{
    uint64_t grace_ns;

    command->request.op = CONFORM_SHUTDOWN;
    if (!run_time(command->r, &command->step->time, &grace_ns)) {
        return false;
    }
    command->request.grace_ms = (int64_t)(grace_ns / SIPC_NS_PER_MS);
    return true;
}

static bool command_sent(struct command *command)
{
    const char *name = command->step->label;
    const struct run_label *label = run_env_label(&command->r->env, name);

    command->request.op = CONFORM_SENT;
    command->request.success = command->step->ok;
    if (label == NULL || !label->from_sut) {
        return run_stop(command->r, CONFORM_ERROR, "#%s is no PDU the SUT sent", name);
    }
    command->request.token = label->token;
    return true;
}

static bool command_fill(struct command *command)
{
    switch (command->step->kind) {
    case SX_DO_OPEN:
        return command_open(command);
    case SX_DO_PRESET:
        return command_preset(command);
    case SX_DO_SEND:
    case SX_DO_SEND_UNRELIABLE:
        return command_send(command);
    case SX_DO_CLOSE:
        return command_close(command);
    case SX_DO_DISPOSE:
        command->request.op = CONFORM_DISPOSE;
        return command_code(command, SIPC_LOCAL_SHUTDOWN);
    case SX_DO_SHUTDOWN:
        return command_shutdown(command);
    default:
        return command_sent(command);
    }
}

/* ---- text ---- */

static void command_print_values(const struct conform_request *request, FILE *out)
{
    switch (request->op) {
    case CONFORM_OPEN:
        fprintf(out, " to %s", request->remote);
        if (request->has_idle_timeout) {
            fprintf(out, " idle_timeout=%" PRId64 " ms", request->idle_timeout_ms);
        }
        break;
    case CONFORM_PRESET:
        fprintf(out, " next=%" PRId64 " acked=%" PRId64 " min=%" PRId64 "%s",
                request->next_window_id, request->acked_window_id, request->min_window_id,
                request->processed ? " processed" : "");
        break;
    case CONFORM_CLOSE:
    case CONFORM_DISPOSE:
        fprintf(out, " code %" PRId32, request->code);
        break;
    case CONFORM_SHUTDOWN:
        fprintf(out, " grace %" PRId64 " ms", request->grace_ms);
        break;
    case CONFORM_SENT:
        fprintf(out, " token %" PRIu64 " %s", request->token, request->success ? "ok" : "failed");
        break;
    default:
        if (request->has_size) {
            fprintf(out, " bytes(%" PRIu64 ")", request->size);
        } else {
            char *data = run_data_text(request->data);
            fprintf(out, " %s", data);
            free(data);
        }
        fputs(request->skip ? " skip" : "", out);
        break;
    }
}

static char *command_text(const struct command *command)
{
    struct run_text text;
    const struct conform_request *request = &command->request;
    FILE *out = run_text_begin(&text);

    fputs(conform_op_name(request->op), out);
    command_print_values(request, out);
    for (size_t i = 0; i < request->attribute_count; i++) {
        fputs(i == 0 ? " {" : " ", out);
        run_print_quoted(request->attributes[i].name, out);
        fputc('=', out);
        run_print_quoted(request->attributes[i].value, out);
    }
    fputs(request->attribute_count > 0 ? "}" : "", out);
    if (request->label != NULL) {
        fprintf(out, " as %s", request->label);
    }
    if (command->step->session != NULL) {
        fprintf(out, " session=%s", command->step->session);
    }
    return run_text_end(&text);
}

/* ---- doing it ---- */

static bool command_refused(struct command *command, const struct conform_response *response)
{
    const char *name = conform_op_name(command->request.op);
    const char *error = response->error != NULL ? response->error : "no reason given";

    if (response->unsupported) {
        return run_stop(command->r, CONFORM_UNSUPPORTED, "the SUT does not know %s: %s", name,
                        error);
    }
    struct run_mismatch mismatch = {
        .step = command->step,
        .reason = run_printf("the SUT refused %s: %s", name, error),
    };
    return run_mismatch(command->r, &mismatch);
}

static bool command_call(struct command *command)
{
    struct runner *r = command->r;
    struct conform_response response;
    uint64_t now = conform_sut_now(r->sut);
    const struct sipc_span none = {NULL, 0};

    run_trace_add(r, now, '!', command->request.remote, command_text(command), none);
    r->anchor_ns = now;
    run_witness_command(r, &command->request);
    bool going = run_call(r, &command->request, &response);
    if (going && !response.ok) {
        going = command_refused(command, &response);
    }
    conform_response_clear(&response);
    return going;
}

bool run_command(struct runner *r, const struct sx_step *step)
{
    struct command command = {.r = r, .step = step};
    bool session = step->kind != SX_DO_SHUTDOWN && step->kind != SX_DO_SENT;

    if (session) {
        command.request.session = run_env_session(&r->env, step->session);
        command.request.remote = step->peer;
    }
    bool going = command_fill(&command) && command_call(&command);
    for (size_t i = 0; i < command.request.attribute_count; i++) {
        free((void *)(uintptr_t)command.attributes[i].value.data);
    }
    free(command.attributes);
    free(command.data);
    return going;
}
