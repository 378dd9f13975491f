/* Tapes as files: a head that says of which case and run it is, a line for each fault, and an end
 * by which a cut one is known. SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { TAPEFILE_FAULTS_KEPT = 1024 };

/* A line whose head has one value, or two. */
static void tapefile_line(FILE *out, enum sx_statement_kind kind, const struct sx_value *first,
                          const struct sx_value *second)
{
    struct sx_script *script = sx_world_new("tape", "", NULL, 0);
    struct sx_statement *statement = sx_world_add(script, kind);

    statement->head.values[0] = *first;
    if (second != NULL)
        statement->head.values[1] = *second;
    sx_print_statement(statement, out);
    fputc('\n', out);
    sx_script_free(script);
}

static struct sx_value tapefile_value(enum sx_value_kind kind, uint64_t number)
{
    return (struct sx_value){.given = true, .kind = kind, .number = (int64_t)number};
}

void simnet_tape_write(const struct simnet_scenario *scenario, const struct simnet_tape_head *head,
                       const struct simnet_tape *tape, FILE *out)
{
    struct scenario_keys *keys = scenario_keys_new(scenario);
    struct sx_script *script = NULL;
    struct sx_value first = tapefile_value(SX_V_COUNT, SX_TAPE_VERSION), second;

    tapefile_line(out, SX_S_TAPE, &first, NULL);
    first = tapefile_value(SX_V_TEXT, 0);
    first.bytes = (struct sipc_span){(const uint8_t *)head->name, strlen(head->name)};
    tapefile_line(out, SX_S_CASE, &first, NULL);
    first = tapefile_value(SX_V_WHOLE, head->seed);
    tapefile_line(out, SX_S_SEED, &first, NULL);
    first = tapefile_value(SX_V_HEX, head->hash);
    second = tapefile_value(SX_V_COUNT, head->events);
    tapefile_line(out, SX_S_HASH, &first, &second);
    for (size_t i = 0; i < tape->count; i++) {
        if (i % TAPEFILE_FAULTS_KEPT == 0) {
            sx_script_free(script);
            script = sx_world_new("tape", "", NULL, 0);
        }
        scenario_write_fault(scenario, keys, script, &tape->faults[i]);
        sx_print_statement(&script->world->statements[script->world->count - 1], out);
        fputc('\n', out);
    }
    sx_script_free(script);
    scenario_keys_free(keys);
    first = tapefile_value(SX_V_COUNT, tape->count);
    second = tapefile_value(SX_V_FLAG, 0);
    tapefile_line(out, SX_S_END, &first, &second);
}

struct tapefile {
    const struct simnet_scenario *scenario;
    const char *path;
    struct simnet_tape_head *head;
    struct simnet_tape *tape;
    FILE *errors;
    bool ok;
};

static bool tapefile_fail(struct tapefile *file, const struct sx_statement *statement,
                          const char *why)
{
    if (file->errors != NULL) {
        fprintf(file->errors, "%s:%d: error: %s\n  ", file->path, statement->line, why);
        sx_print_statement(statement, file->errors);
        fputc('\n', file->errors);
    }
    return file->ok = false;
}

static bool tapefile_take(void *ctx, const struct sx_statement *statement)
{
    struct tapefile *file = ctx;
    const struct sx_value *value = &statement->head.values[0];
    struct simnet_fault fault;
    char error[700];

    switch (statement->row->kind) {
    case SX_S_CASE:
        snprintf(file->head->name, sizeof file->head->name, "%.*s", (int)value->bytes.size,
                 (const char *)value->bytes.data);
        if (strcmp(file->head->name, file->scenario->name) == 0)
            return true;
        snprintf(error, sizeof error, "this tape is of the case %.200s, not of %.200s",
                 file->head->name, file->scenario->name);
        return tapefile_fail(file, statement, error);
    case SX_S_SEED:
        file->head->seed = (uint64_t)value->number;
        return true;
    case SX_S_HASH:
        file->head->hash = (uint64_t)value->number;
        file->head->events = (uint64_t)statement->head.values[1].number;
        return true;
    case SX_S_FAULT:
        if (!scenario_load_fault(file->scenario, statement, &fault, error, sizeof error))
            return tapefile_fail(file, statement, error);
        simnet_tape_add(file->tape, &fault);
        return true;
    default:
        return true;
    }
}

/* The whole file; NULL: told. */
static char *tapefile_slurp(const char *path, size_t *size, FILE *errors)
{
    FILE *in = fopen(path, "rb");
    size_t capacity = 1 << 16;
    char *text = malloc(capacity);

    *size = 0;
    errno = in == NULL ? errno : 0;
    while (in != NULL && text != NULL) {
        size_t got = fread(text + *size, 1, capacity - *size, in);
        *size += got;
        if (got == 0)
            break;
        if (*size == capacity)
            text = realloc(text, capacity *= 2);
    }
    if (text == NULL)
        abort();
    bool ok = in != NULL && !ferror(in);
    if (!ok && errors != NULL)
        fprintf(errors, "%s: error: cannot read it: %s\n", path, strerror(errno));
    if (in != NULL)
        fclose(in);
    if (ok)
        return text;
    free(text);
    return NULL;
}

bool simnet_tape_read(const struct simnet_scenario *scenario, const char *path,
                      struct simnet_tape_head *head, struct simnet_tape *out, FILE *errors)
{
    struct sx_script *names = simnet_scenario_to_script(scenario);
    struct tapefile file = {scenario, path, head, out, errors, true};
    size_t size;
    char *text = tapefile_slurp(path, &size, errors);

    *head = (struct simnet_tape_head){0};
    *out = (struct simnet_tape){0};
    bool ok = text != NULL &&
              sx_parse_tape(path, text, size, names->world, tapefile_take, &file, errors) &&
              file.ok;
    free(text);
    sx_script_free(names);
    if (!ok)
        simnet_tape_clear(out);
    return ok;
}
