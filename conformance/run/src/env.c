/* What names stand for while a case runs: variables, parameters and settings, labelled PDUs,
 * sessions, operations. Names belong to the script and outlive this.
 *
 * Session ids are made of (seed, attempt, case, name) with XXH3: the same run has the same ids, and
 * no two cases share one.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "runner.h"

/* ---- numbers and texts ---- */

static const struct sx_param_value *env_param(const struct run_env *env, const char *name)
{
    for (size_t i = 0; i < env->script->param_count; i++) {
        if (strcmp(env->script->params[i].name, name) == 0) {
            return sx_case_value(env->script, env->index, i);
        }
    }
    return NULL;
}

bool run_env_number(struct run_env *env, const char *name, int64_t *out)
{
    for (size_t i = 0; i < env->variable_count; i++) {
        if (strcmp(env->variables[i].name, name) == 0) {
            *out = env->variables[i].value;
            return true;
        }
    }
    const struct sx_param_value *value = env_param(env, name);
    if (value != NULL) {
        *out = value->number;
        return !value->text;
    }
    if (strcmp(name, "seed") == 0) {
        *out = (int64_t)(XXH3_64bits_withSeed(env->case_name, strlen(env->case_name),
                                              env->options->seed) &
                         INT32_MAX);
        return true;
    }
    bool found = run_settings_number(env, name, out);
    env->unbound |= !found;
    return found;
}

bool run_env_text(struct run_env *env, const char *name, struct sipc_span *out)
{
    const struct sx_param_value *value = env_param(env, name);
    if (value == NULL || !value->text) {
        return false;
    }
    *out = value->bytes;
    return true;
}

void run_env_set(struct run_env *env, const char *name, int64_t value)
{
    for (size_t i = 0; i < env->variable_count; i++) {
        if (strcmp(env->variables[i].name, name) == 0) {
            env->variables[i].value = value;
            return;
        }
    }
    env->variables = run_grow(env->variables, env->variable_count, &env->variable_capacity,
                              sizeof *env->variables);
    env->variables[env->variable_count++] = (struct run_variable){name, value};
}

/* ---- labels ---- */

const struct run_label *run_env_label(struct run_env *env, const char *name)
{
    for (size_t i = 0; i < env->label_count; i++) {
        if (strcmp(env->labels[i].name, name) == 0) {
            return &env->labels[i];
        }
    }
    env->unbound = true;
    return NULL;
}

void run_env_set_label(struct run_env *env, const struct run_label *label)
{
    uint8_t *bytes = malloc(label->pdu.size + 1);
    SIPC_ASSERT(bytes != NULL);
    if (label->pdu.size > 0) {
        memcpy(bytes, label->pdu.data, label->pdu.size);
    }

    size_t at = 0;
    while (at < env->label_count && strcmp(env->labels[at].name, label->name) != 0) {
        at++;
    }
    if (at == env->label_count) {
        env->labels =
            run_grow(env->labels, env->label_count, &env->label_capacity, sizeof *env->labels);
        env->label_count++;
    } else {
        free(env->labels[at].bytes);
    }
    env->labels[at] = *label;
    env->labels[at].bytes = bytes;
    env->labels[at].pdu.data = bytes;
}

/* ---- sessions ---- */

static bool env_session_taken(const struct run_env *env, const uint8_t *id)
{
    for (size_t i = 0; i < env->session_count; i++) {
        if (memcmp(env->sessions[i].id, id, SIPC_SESSION_ID_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

static void env_make_session_id(const struct run_env *env, const char *name, unsigned salt,
                                uint8_t id[SIPC_SESSION_ID_SIZE])
{
    char *key = run_printf("%s/%s/%u/%u", env->case_name, name, env->attempt, salt);
    for (unsigned half = 0; half < 2; half++) {
        uint64_t seed = env->options->seed + (half == 0 ? 0 : UINT64_C(0x9e3779b97f4a7c15));
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(key, strlen(key), seed));
        memcpy(id + half * sizeof canonical.digest, canonical.digest, sizeof canonical.digest);
    }
    free(key);
}

const uint8_t *run_env_session(struct run_env *env, const char *name)
{
    struct run_session session = {.name = name != NULL ? name : "S"};

    for (size_t i = 0; i < env->session_count; i++) {
        if (strcmp(env->sessions[i].name, session.name) == 0) {
            return env->sessions[i].id;
        }
    }
    for (unsigned salt = 0; salt == 0 || env_session_taken(env, session.id); salt++) {
        env_make_session_id(env, session.name, salt, session.id);
    }
    env->sessions =
        run_grow(env->sessions, env->session_count, &env->session_capacity, sizeof *env->sessions);
    env->sessions[env->session_count] = session;
    if (env->options->on_session != NULL)
        env->options->on_session(env->options->ctx, session.name, session.id);
    return env->sessions[env->session_count++].id;
}

char *run_env_session_text(const struct run_env *env, const uint8_t *id)
{
    for (size_t i = 0; i < env->session_count; i++) {
        if (memcmp(env->sessions[i].id, id, SIPC_SESSION_ID_SIZE) == 0) {
            return run_strdup(env->sessions[i].name);
        }
    }
    return run_printf("%02x%02x%02x%02x...", id[0], id[1], id[2], id[3]);
}

/* ---- operations ---- */

static struct run_operation *env_find_operation(const struct run_env *env, const char *label)
{
    for (size_t i = 0; i < env->operation_count; i++) {
        if (strcmp(env->operations[i].label, label) == 0) {
            return &env->operations[i];
        }
    }
    return NULL;
}

const char *run_env_begin_operation(struct run_env *env, const char *label)
{
    struct run_operation *operation = env_find_operation(env, label);
    if (operation == NULL) {
        env->operations = run_grow(env->operations, env->operation_count, &env->operation_capacity,
                                   sizeof *env->operations);
        operation = &env->operations[env->operation_count++];
        *operation = (struct run_operation){.label = label};
    }
    free(operation->wire);
    operation->uses++;
    operation->wire =
        operation->uses == 1 ? run_strdup(label) : run_printf("%s.%u", label, operation->uses);
    return operation->wire;
}

const char *run_env_operation(const struct run_env *env, const char *label)
{
    const struct run_operation *operation = env_find_operation(env, label);
    return operation != NULL ? operation->wire : NULL;
}

/* ---- the whole ---- */

static bool env_sx_number(void *ctx, const char *name, int64_t *out)
{
    return run_env_number(ctx, name, out);
}

static bool env_sx_text(void *ctx, const char *name, struct sipc_span *out)
{
    return run_env_text(ctx, name, out);
}

static bool env_sx_pdu(void *ctx, const char *name, struct sipc_span *out)
{
    struct run_env *env = ctx;
    const struct run_label *label = run_env_label(env, name);
    if (label != NULL) {
        *out = label->pdu;
    }
    return label != NULL;
}

void run_env_init(struct run_env *env, const struct sx_script *script, size_t index,
                  const char *case_name, const struct conform_run_options *options,
                  unsigned attempt)
{
    *env = (struct run_env){.script = script,
                            .index = index,
                            .case_name = case_name,
                            .options = options,
                            .attempt = attempt};
    env->sx = (struct sx_env){env, env_sx_number, env_sx_text, env_sx_pdu};
}

void run_env_fini(struct run_env *env)
{
    for (size_t i = 0; i < env->label_count; i++) {
        free(env->labels[i].bytes);
    }
    for (size_t i = 0; i < env->operation_count; i++) {
        free(env->operations[i].wire);
    }
    free(env->variables);
    free(env->labels);
    free(env->sessions);
    free(env->operations);
}
