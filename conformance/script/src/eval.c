/* Values of a script while it runs: expressions, data, times (script.h). All arithmetic is checked;
 * what cannot be computed is told in words, for the runner to put into its verdict.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/script.h"

enum { EVAL_OPCODE_OFFSET = 46, EVAL_PATTERN_MODULUS = 251 };

struct eval {
    const struct sx_env *env;
    char *error;
    size_t error_size;
};

static bool eval_fail(const struct eval *eval, const char *format, ...) SIPC_PRINTF(2, 3);
static bool eval_expr(const struct eval *eval, const struct sx_expr *expr, int64_t *out);

static bool eval_fail(const struct eval *eval, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(eval->error, eval->error_size, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- data ---- */

static bool eval_text(const struct eval *eval, const char *name, struct sipc_span *out)
{
    if (eval->env->text != NULL && eval->env->text(eval->env->ctx, name, out)) {
        return true;
    }
    return eval_fail(eval, "text $%s is not bound", name);
}

static bool eval_data_size(const struct eval *eval, const struct sx_data *data, size_t *size)
{
    int64_t wanted;
    struct sipc_span text;

    switch (data->kind) {
    case SX_DATA_NONE:
        *size = 0;
        return true;
    case SX_DATA_ANY:
        return eval_fail(eval, "* stands for any data: it has no bytes");
    case SX_DATA_LITERAL:
        *size = data->literal.size;
        return true;
    case SX_DATA_VAR:
        if (!eval_text(eval, data->name, &text)) {
            return false;
        }
        *size = text.size;
        return true;
    case SX_DATA_PATTERN:
        break;
    }
    if (!eval_expr(eval, data->size, &wanted)) {
        return false;
    }
    if (wanted < 0 || wanted > SX_DATA_BYTES_MAX) {
        return eval_fail(eval, "bytes(%" PRId64 "): the size must be 0..%d", wanted,
                         SX_DATA_BYTES_MAX);
    }
    *size = (size_t)wanted;
    return true;
}

static bool eval_data_fill(const struct eval *eval, const struct sx_data *data, uint8_t *out,
                           size_t size)
{
    struct sipc_span bytes = {NULL, 0};
    int64_t from = 0;

    if (data->kind == SX_DATA_PATTERN) {
        if (data->from != NULL && !eval_expr(eval, data->from, &from)) {
            return false;
        }
        if (from < 0) {
            return eval_fail(eval, "bytes(%zu, %" PRId64 "): the start must not be negative", size,
                             from);
        }
        size_t start = (size_t)(from % EVAL_PATTERN_MODULUS);
        for (size_t i = 0; i < size; i++) {
            out[i] = (uint8_t)((start + i) % EVAL_PATTERN_MODULUS);
        }
        return true;
    }
    if (data->kind == SX_DATA_LITERAL) {
        bytes = data->literal;
    } else if (data->kind == SX_DATA_VAR && !eval_text(eval, data->name, &bytes)) {
        return false;
    }
    if (bytes.size > 0) {
        memcpy(out, bytes.data, bytes.size);
    }
    return true;
}

/* ---- expressions ---- */

static bool eval_label(const struct eval *eval, const char *label, struct sipc_span *out)
{
    if (eval->env->pdu != NULL && eval->env->pdu(eval->env->ctx, label, out)) {
        return true;
    }
    return eval_fail(eval, "no PDU was seen or sent as #%s", label);
}

static bool eval_binary(const struct eval *eval, const struct sx_expr *expr, int64_t *out)
{
    int64_t a, b;
    bool overflow;
    char sign;

    if (!eval_expr(eval, expr->a, &a) || !eval_expr(eval, expr->b, &b)) {
        return false;
    }
    if ((expr->op == SX_DIV || expr->op == SX_MOD) && b == 0) {
        return eval_fail(eval, "division by zero");
    }
    switch (expr->op) {
    case SX_ADD:
        sign = '+';
        overflow = __builtin_add_overflow(a, b, out);
        break;
    case SX_SUB:
        sign = '-';
        overflow = __builtin_sub_overflow(a, b, out);
        break;
    case SX_MUL:
        sign = '*';
        overflow = __builtin_mul_overflow(a, b, out);
        break;
    default:
        sign = expr->op == SX_DIV ? '/' : '%';
        overflow = a == INT64_MIN && b == -1;
        if (!overflow) {
            *out = expr->op == SX_DIV ? a / b : a % b;
        }
        break;
    }
    if (overflow) {
        return eval_fail(eval, "%" PRId64 " %c %" PRId64 " does not fit 64 bits", a, sign, b);
    }
    return true;
}

static bool eval_expr(const struct eval *eval, const struct sx_expr *expr, int64_t *out)
{
    struct sipc_span pdu;
    size_t size;

    switch (expr->op) {
    case SX_CONST:
        *out = expr->value;
        return true;
    case SX_VAR:
        if (eval->env->number != NULL && eval->env->number(eval->env->ctx, expr->name, out)) {
            return true;
        }
        return eval_fail(eval, "variable $%s is not bound", expr->name);
    case SX_NEG:
        if (!eval_expr(eval, expr->a, out)) {
            return false;
        }
        if (*out == INT64_MIN) {
            return eval_fail(eval, "-(%" PRId64 ") does not fit 64 bits", *out);
        }
        *out = -*out;
        return true;
    case SX_SIZE_OF_DATA:
        if (!eval_data_size(eval, expr->data, &size)) {
            return false;
        }
        *out = (int64_t)size;
        return true;
    case SX_SIZE_OF_LABEL:
    case SX_OPCODE_OF_LABEL:
        if (!eval_label(eval, expr->name, &pdu)) {
            return false;
        }
        if (expr->op == SX_SIZE_OF_LABEL) {
            *out = (int64_t)pdu.size;
            return true;
        }
        if (pdu.size <= EVAL_OPCODE_OFFSET) {
            return eval_fail(eval, "#%s has %zu bytes, too few for an opcode", expr->name,
                             pdu.size);
        }
        *out = pdu.data[EVAL_OPCODE_OFFSET];
        return true;
    default:
        return eval_binary(eval, expr, out);
    }
}

/* ---- for the runner ---- */

bool sx_eval(const struct sx_expr *expr, const struct sx_env *env, int64_t *out, char *error,
             size_t error_size)
{
    struct eval eval = {env, error, error_size};
    return eval_expr(&eval, expr, out);
}

bool sx_compares(enum sx_compare compare, int64_t left, int64_t right)
{
    switch (compare) {
    case SX_EQ:
        return left == right;
    case SX_NE:
        return left != right;
    case SX_LT:
        return left < right;
    case SX_LE:
        return left <= right;
    case SX_GT:
        return left > right;
    default:
        return left >= right;
    }
}

static bool eval_comparison(const struct eval *eval, const struct sx_comparison *one, bool *out)
{
    int64_t left, right;
    struct sipc_span text;

    if (one->name != NULL) {
        if (!eval_text(eval, one->name, &text)) {
            return false;
        }
        bool same = text.size == one->text.size &&
                    (text.size == 0 || memcmp(text.data, one->text.data, text.size) == 0);
        *out = same == (one->compare == SX_EQ);
        return true;
    }
    if (!eval_expr(eval, one->left, &left) || !eval_expr(eval, one->right, &right)) {
        return false;
    }
    *out = sx_compares(one->compare, left, right);
    return true;
}

bool sx_holds(const struct sx_condition *condition, const struct sx_env *env, bool *out,
              char *error, size_t error_size)
{
    struct eval eval = {env, error, error_size};

    *out = false;
    for (size_t i = 0; i < condition->count && !*out; i++) {
        if (!eval_comparison(&eval, &condition->any[i], out)) {
            return false;
        }
    }
    return true;
}

bool sx_data_size(const struct sx_data *data, const struct sx_env *env, size_t *size, char *error,
                  size_t error_size)
{
    struct eval eval = {env, error, error_size};
    return eval_data_size(&eval, data, size);
}

bool sx_data_materialise(const struct sx_data *data, const struct sx_env *env, uint8_t **out,
                         size_t *size, char *error, size_t error_size)
{
    struct eval eval = {env, error, error_size};
    if (!eval_data_size(&eval, data, size)) {
        return false;
    }
    uint8_t *bytes = malloc(*size > 0 ? *size : 1);
    if (bytes == NULL) {
        return eval_fail(&eval, "no memory for %zu bytes of data", *size);
    }
    if (!eval_data_fill(&eval, data, bytes, *size)) {
        free(bytes);
        return false;
    }
    *out = bytes;
    return true;
}

bool sx_time_eval(const struct sx_time *time, const uint64_t unit_ns[SX_TIME_UNIT_COUNT],
                  uint64_t *out_ns, char *error, size_t error_size)
{
    struct eval eval = {NULL, error, error_size};
    int64_t sum = 0; /* ns; thousandths below a nanosecond are cut off term by term */

    for (size_t i = 0; i < time->count; i++) {
        const struct sx_time_term *term = &time->terms[i];
        int64_t product;
        if (unit_ns[term->unit] > INT64_MAX ||
            __builtin_mul_overflow((int64_t)unit_ns[term->unit], term->thousandths, &product) ||
            __builtin_add_overflow(sum, product / 1000, &sum)) {
            return eval_fail(&eval, "the time is too long");
        }
    }
    if (sum < 0) {
        return eval_fail(&eval, "the time is negative (%" PRId64 " ns)", sum);
    }
    *out_ns = (uint64_t)sum;
    return true;
}
