/* From a PDU of a script to the bytes that leave: encoding, options in every written form, and
 * tampering. What the codec refuses to encode (a negative id, a made-up opcode, more than 65,500
 * bytes) is what scripts are made for, so those fields are patched into an encoded PDU.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/script.h"

/* WIRE-1: where the fields of a PDU are. */
enum build_offset {
    BUILD_LENGTH_AT = 0,
    BUILD_WINDOW_ID_AT = 34,
    BUILD_SEQ_NR_AT = 42,
    BUILD_OPCODE_AT = 46,
    BUILD_OPTIONS_AT = 47,
    BUILD_PREFIX_SIZE = 8,
    BUILD_LENGTH_MAX = 65535,
};

struct build {
    const struct sx_env *outer;
    struct sx_env env; /* the outer one, and $length in tampering */
    bool has_length;
    int64_t length;
    const uint8_t *session_id;
    char *error;
    size_t error_size;
    uint8_t *bytes;
    size_t size;
    size_t options_size;
    struct sipc_span options; /* owned by `encoded` or the script */
    uint8_t *encoded;
};

static bool build_fail(struct build *build, const char *format, ...) SIPC_PRINTF(2, 3);

static bool build_fail(struct build *build, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(build->error, build->error_size, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- names: $length, then what the outer environment knows ---- */

static bool build_ask_number(void *ctx, const char *name, int64_t *out)
{
    const struct build *build = ctx;
    if (build->has_length && strcmp(name, "length") == 0) {
        *out = build->length;
        return true;
    }
    return build->outer->number != NULL && build->outer->number(build->outer->ctx, name, out);
}

static bool build_ask_text(void *ctx, const char *name, struct sipc_span *out)
{
    const struct build *build = ctx;
    return build->outer->text != NULL && build->outer->text(build->outer->ctx, name, out);
}

static bool build_ask_pdu(void *ctx, const char *label, struct sipc_span *out)
{
    const struct build *build = ctx;
    return build->outer->pdu != NULL && build->outer->pdu(build->outer->ctx, label, out);
}

static struct build build_new(const struct sx_env *env, char *error, size_t error_size)
{
    return (struct build){
        .outer = env,
        .env = {NULL, build_ask_number, build_ask_text, build_ask_pdu},
        .error = error,
        .error_size = error_size,
    };
}

/* ---- fields ---- */

static void build_put(uint8_t *at, size_t width, uint64_t value)
{
    for (size_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
}

/* An expression whose value must be low..high. */
static bool build_eval(struct build *build, const struct sx_expr *expr, const char *what,
                       int64_t low, int64_t high, int64_t *out)
{
    char error[256];

    if (!sx_eval(expr, &build->env, out, error, sizeof error)) {
        return build_fail(build, "%s: %s", what, error);
    }
    if (*out < low || *out > high) {
        return build_fail(build, "%s is %" PRId64 ", must be %" PRId64 "..%" PRId64, what, *out,
                          low, high);
    }
    return true;
}

/* A number of a PDU to send; a field written as a lone $name may come as one that binds. */
static bool build_field(struct build *build, const struct sx_field *field, const char *what,
                        int64_t low, int64_t high, int64_t *out)
{
    struct sx_expr variable = {.op = SX_VAR, .name = field->name};

    if (field->kind == SX_FIELD_EXPR) {
        return build_eval(build, field->expr, what, low, high, out);
    }
    if (field->kind == SX_FIELD_BIND) {
        return build_eval(build, &variable, what, low, high, out);
    }
    return build_fail(build, "%s of a PDU to send must have a value", what);
}

/* ---- options ---- */

static bool build_option(struct build *build, const struct sx_option *option,
                         struct sipc_span *name, uint8_t **value, size_t *size)
{
    char error[256];
    int64_t number;
    const char *wire = sipc_option_wire_name(option->id);

    *name = wire == NULL ? option->name : (struct sipc_span){(const uint8_t *)wire, strlen(wire)};
    if (option->text) {
        return sx_data_materialise(&option->data, &build->env, value, size, error, sizeof error) ||
               build_fail(build, "an option's value: %s", error);
    }
    if (!build_field(build, &option->value, "an option's value", INT64_MIN, INT64_MAX, &number)) {
        return false;
    }
    bool boolean = option->id != 0 && option->id <= SIPC_OPT_IS_WINDOW_FULL;
    char *text = malloc(32);
    SIPC_ASSERT(text != NULL);
    *size = boolean ? (size_t)snprintf(text, 32, "%s", number != 0 ? "True" : "False")
                    : (size_t)snprintf(text, 32, "%" PRId64, number);
    *value = (uint8_t *)text;
    return true;
}

static bool build_options(struct build *build, const struct sx_pdu *pdu)
{
    size_t used = 0, value_size;
    struct sipc_span name;
    uint8_t *value;

    if (pdu->options_raw) {
        build->options = pdu->raw_options;
        return true;
    }
    build->encoded = malloc(SIPC_PDU_SIZE_MAX);
    SIPC_ASSERT(build->encoded != NULL);
    for (size_t i = 0; i < pdu->option_count; i++) {
        if (!build_option(build, &pdu->options[i], &name, &value, &value_size)) {
            return false;
        }
        enum sipc_status status = sipc_option_encode(name, (struct sipc_span){value, value_size},
                                                     build->encoded, SIPC_PDU_SIZE_MAX, &used);
        free(value);
        if (status != SIPC_OK) {
            return build_fail(build, "option %zu of the PDU cannot be written: %s", i + 1,
                              status == SIPC_E_INVALID ? "a NUL in its name" : "too long");
        }
    }
    build->options = (struct sipc_span){build->encoded, used};
    return true;
}

/* ---- tampering ---- */

static bool build_tamper(struct build *build, const struct sx_tamper *tamper)
{
    int64_t value, index;
    size_t prefix_at = BUILD_OPTIONS_AT + build->options_size + 2;

    switch (tamper->kind) {
    case SX_TAMPER_LENGTH:
        if (build->size < 2) {
            return build_fail(build, "tamper length: the PDU has %zu bytes", build->size);
        }
        if (!build_eval(build, tamper->value, "tamper length", 0, BUILD_LENGTH_MAX, &value)) {
            return false;
        }
        build_put(build->bytes + BUILD_LENGTH_AT, 2, (uint64_t)value);
        return true;
    case SX_TAMPER_PREFIX:
        if (build->size < prefix_at + BUILD_PREFIX_SIZE) {
            return build_fail(build, "tamper prefix: it is cut off already");
        }
        build->bytes[prefix_at + BUILD_PREFIX_SIZE - 1] ^= 1;
        return true;
    case SX_TAMPER_TRUNCATE:
        if (!build_eval(build, tamper->value, "tamper truncate", 0, (int64_t)build->size, &value)) {
            return false;
        }
        build->size = (size_t)value;
        return true;
    case SX_TAMPER_APPEND:
        build->bytes = realloc(build->bytes, build->size + tamper->bytes.size + 1);
        SIPC_ASSERT(build->bytes != NULL);
        if (tamper->bytes.size > 0) {
            memcpy(build->bytes + build->size, tamper->bytes.data, tamper->bytes.size);
        }
        build->size += tamper->bytes.size;
        return true;
    default:
        if (!build_eval(build, tamper->index, "tamper byte's place", 0, (int64_t)build->size - 1,
                        &index) ||
            !build_eval(build, tamper->value, "tamper byte", 0, 255, &value)) {
            return false;
        }
        build->bytes[index] = (uint8_t)value;
        return true;
    }
}

static bool build_tampers(struct build *build, const struct sx_pdu *pdu)
{
    bool going = true;

    build->has_length = true;
    for (size_t i = 0; i < pdu->tamper_count && going; i++) {
        build->length = (int64_t)build->size;
        going = build_tamper(build, &pdu->tampers[i]);
    }
    build->has_length = false;
    return going;
}

/* ---- the PDU ---- */

static bool build_encode(struct build *build, const uint8_t *session_id, struct sipc_span data)
{
    const struct sipc_pdu_parts parts = {
        .session_id = session_id, .opcode = SIPC_DATA, .options = build->options};
    size_t used;

    build->bytes = malloc(SIPC_PDU_SIZE_MAX + data.size + 1);
    SIPC_ASSERT(build->bytes != NULL);
    if (sipc_pdu_encode(&parts, build->bytes, SIPC_PDU_SIZE_MAX, &used) != SIPC_OK) {
        return build_fail(build, "the options do not fit a PDU");
    }
    if (used + data.size > BUILD_LENGTH_MAX) {
        return build_fail(build, "the PDU has %zu bytes; its length field ends at %d",
                          used + data.size, BUILD_LENGTH_MAX);
    }
    if (data.size > 0) {
        memcpy(build->bytes + used, data.data, data.size);
    }
    build->size = used + data.size;
    build->options_size = build->options.size;
    build_put(build->bytes + BUILD_LENGTH_AT, 2, build->size);
    return true;
}

static bool build_fields(struct build *build, const struct sx_pdu *pdu)
{
    int64_t opcode, window_id, seq_nr;
    char error[256];
    uint8_t *data;
    size_t data_size;

    if (!build_eval(build, pdu->opcode, "opcode", 0, 255, &opcode) ||
        !build_field(build, &pdu->window_id, "window id", INT64_MIN, INT64_MAX, &window_id) ||
        !build_field(build, &pdu->seq_nr, "seq_nr", INT32_MIN, INT32_MAX, &seq_nr) ||
        !build_options(build, pdu)) {
        return false;
    }
    if (!sx_data_materialise(&pdu->data, &build->env, &data, &data_size, error, sizeof error)) {
        return build_fail(build, "data: %s", error);
    }
    bool going = build_encode(build, build->session_id, (struct sipc_span){data, data_size});
    free(data);
    if (!going) {
        return false;
    }
    build_put(build->bytes + BUILD_WINDOW_ID_AT, 8, (uint64_t)window_id);
    build_put(build->bytes + BUILD_SEQ_NR_AT, 4, (uint64_t)seq_nr);
    build->bytes[BUILD_OPCODE_AT] = (uint8_t)opcode;
    return build_tampers(build, pdu);
}

bool sx_build_option(const struct sx_option *option, const struct sx_env *env,
                     struct sipc_span *name, uint8_t **value, size_t *size, char *error,
                     size_t error_size)
{
    struct build build = build_new(env, error, error_size);
    build.env.ctx = &build;
    return build_option(&build, option, name, value, size);
}

bool sx_build_pdu(const struct sx_pdu *pdu, const struct sx_env *env, const uint8_t *session_id,
                  uint8_t **out, size_t *size, char *error, size_t error_size)
{
    struct build build = build_new(env, error, error_size);
    char why[256];
    bool built;

    build.env.ctx = &build;
    build.session_id = pdu->session_id != NULL ? pdu->session_id : session_id;
    SIPC_ASSERT(pdu->kind != SX_PDU_LABEL);
    if (pdu->kind == SX_PDU_RAW) {
        built = sx_data_materialise(&pdu->data, &build.env, &build.bytes, &build.size, why,
                                    sizeof why) ||
                build_fail(&build, "raw: %s", why);
    } else {
        built = build_fields(&build, pdu);
    }
    free(build.encoded);
    if (!built) {
        free(build.bytes);
        return false;
    }
    *out = build.bytes;
    *size = build.size;
    return true;
}
