/* Expansion: a script with parameters is as many cases as their values multiplied, but for those
 * that a `where` leaves out or `cover` does not need; the last parameter changes fastest. A case is
 * named after its values.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- a case ---- */

/* The value of `param` in combination `index` of all. */
static size_t cases_value_of(const struct sx_script *script, size_t index, size_t param)
{
    for (size_t i = script->param_count - 1; i > param; i--) {
        index /= script->params[i].count;
    }
    return index % script->params[param].count;
}

const struct sx_param_value *sx_case_value(const struct sx_script *script, size_t index,
                                           size_t param)
{
    size_t value = script->rows != NULL ? script->rows[index * script->param_count + param]
                                        : cases_value_of(script, index, param);
    return &script->params[param].values[value];
}

void sx_case_name(const struct sx_script *script, size_t index, char *out, size_t size)
{
    if (size == 0) {
        return;
    }
    FILE *name = fmemopen(out, size, "w");
    if (name == NULL) { /* no memory */
        return;
    }
    fputs(script->id, name);
    for (size_t i = 0; i < script->param_count; i++) {
        const struct sx_param_value *value = sx_case_value(script, index, i);
        fprintf(name, "%c%s=", i == 0 ? '[' : ',', script->params[i].name);
        if (value->text) {
            sx__print_text(value->bytes, name);
        } else {
            fprintf(name, "%" PRId64, value->number);
        }
    }
    fputs(script->param_count > 0 ? "]" : "", name);
    fclose(name);
    out[size - 1] = '\0';
}

/* ---- which there are ---- */

/* A combination of all, as an environment. */
struct cases_env {
    const struct sx_script *script;
    size_t index;
};

static const struct sx_param_value *cases_find(const struct cases_env *env, const char *name)
{
    for (size_t i = 0; i < env->script->param_count; i++) {
        const struct sx_param *param = &env->script->params[i];
        if (strcmp(param->name, name) == 0) {
            return &param->values[cases_value_of(env->script, env->index, i)];
        }
    }
    return NULL;
}

static bool cases_number(void *ctx, const char *name, int64_t *out)
{
    const struct sx_param_value *value = cases_find(ctx, name);
    *out = value != NULL ? value->number : 0;
    return value != NULL && !value->text;
}

static bool cases_text(void *ctx, const char *name, struct sipc_span *out)
{
    const struct sx_param_value *value = cases_find(ctx, name);
    *out = value != NULL ? value->bytes : (struct sipc_span){0};
    return value != NULL && value->text;
}

/* Whether every `where` holds in combination `index`. */
static bool cases_allowed(const struct sx_script *script, size_t index, bool *out, char *error,
                          size_t error_size)
{
    struct cases_env ctx = {script, index};
    struct sx_env env = {.ctx = &ctx, .number = cases_number, .text = cases_text};

    *out = true;
    for (size_t i = 0; i < script->where_count && *out; i++) {
        if (!sx_holds(&script->wheres[i], &env, out, error, error_size)) {
            return false;
        }
    }
    return true;
}

/* The combinations allowed, as rows of indices, and their number. */
static bool cases_rows(const struct sx_script *script, size_t combinations, uint16_t *rows,
                       size_t *count, char *error, size_t error_size)
{
    *count = 0;
    for (size_t index = 0; index < combinations; index++) {
        bool allowed;
        if (!cases_allowed(script, index, &allowed, error, error_size)) {
            return false;
        }
        for (size_t i = 0; i < script->param_count && allowed; i++) {
            rows[*count * script->param_count + i] = (uint16_t)cases_value_of(script, index, i);
        }
        *count += allowed;
    }
    if (*count == 0) {
        snprintf(error, error_size, "no combination of values is left: there is no case");
    }
    return *count > 0;
}

/* Of `rows` those that `cover` needs, moved to the front. */
static size_t cases_cover(const struct sx_script *script, uint16_t *rows, size_t count)
{
    bool *chosen = calloc(count, sizeof(bool));
    size_t width = script->param_count, kept = 0;

    SIPC_ASSERT(chosen != NULL);
    sx__cover(script, rows, count, chosen);
    for (size_t i = 0; i < count; i++) {
        if (chosen[i]) {
            memmove(&rows[kept++ * width], &rows[i * width], width * sizeof(*rows));
        }
    }
    free(chosen);
    return kept;
}

/* A value that no row has would look as if it were tested. */
static bool cases_check_values(const struct sx_script *script, char *error, size_t error_size)
{
    for (size_t p = 0; p < script->param_count; p++) {
        const struct sx_param *param = &script->params[p];
        for (size_t value = 0; value < param->count; value++) {
            size_t row = 0;
            while (row < script->case_count &&
                   script->rows[row * script->param_count + p] != value) {
                row++;
            }
            if (row == script->case_count) {
                snprintf(error, error_size, "no case is left with value %zu of parameter '%s'",
                         value + 1, param->name);
                return false;
            }
        }
    }
    return true;
}

bool sx__choose_cases(struct sx_script *script, struct sx__arena *arena, char *error,
                      size_t error_size)
{
    const bool all = script->cover == 0 && script->where_count == 0;
    const size_t combinations_max = all ? SX_CASES_MAX : SX_COMBINATIONS_MAX;
    size_t combinations = 1;

    for (size_t i = 0; i < script->param_count; i++) {
        combinations *= script->params[i].count;
        if (combinations > combinations_max) {
            snprintf(error, error_size, "%zu %s: a script has at most %zu", combinations,
                     all ? "cases" : "combinations", combinations_max);
            return false;
        }
    }
    script->case_count = combinations;
    if (all) {
        return true;
    }
    uint16_t *rows = sx__alloc(arena, combinations * script->param_count * sizeof(*rows));
    if (!cases_rows(script, combinations, rows, &script->case_count, error, error_size)) {
        return false;
    }
    if (script->cover > 0) {
        script->case_count = cases_cover(script, rows, script->case_count);
    }
    script->rows = rows;
    if (script->case_count > SX_CASES_MAX) {
        snprintf(error, error_size, "%zu cases: a script has at most %d", script->case_count,
                 SX_CASES_MAX);
        return false;
    }
    return cases_check_values(script, error, error_size);
}
