/* From a PDU of a script to the bytes that leave: encoding, options in every written form, and
 * tampering. What the codec refuses to encode (a negative id, a made-up opcode, more than 65,500
 * bytes) is what scripts are made for, so those fields are patched into an encoded PDU.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

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
    struct runner *r;
    uint8_t *bytes;
    size_t size;
    size_t options_size;
    struct sipc_span options; /* owned by `encoded` or the script */
    uint8_t *encoded;
};

static void build_put(uint8_t *at, size_t width, uint64_t value)
{
    for (size_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
}

/* An expression whose value must be low..high. */
static bool build_eval(struct runner *r, const struct sx_expr *expr, const char *what, int64_t low,
                       int64_t high, int64_t *out)
{
    char error[256];

    if (!sx_eval(expr, &r->env.sx, out, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "%s: %s", what, error);
    }
    if (*out < low || *out > high) {
        return run_stop(r, CONFORM_ERROR, "%s is %" PRId64 ", must be %" PRId64 "..%" PRId64, what,
                        *out, low, high);
    }
    return true;
}

/* A number of a PDU to send; a field written as a lone $name may come as one that binds. */
static bool build_field(struct runner *r, const struct sx_field *field, const char *what,
                        int64_t low, int64_t high, int64_t *out)
{
    struct sx_expr variable = {.op = SX_VAR, .name = field->name};

    if (field->kind == SX_FIELD_EXPR) {
        return build_eval(r, field->expr, what, low, high, out);
    }
    if (field->kind == SX_FIELD_BIND) {
        return build_eval(r, &variable, what, low, high, out);
    }
    return run_stop(r, CONFORM_ERROR, "%s of a PDU to send must have a value", what);
}

/* ---- options ---- */

bool run_build_option(struct runner *r, const struct sx_option *option, struct sipc_span *name,
                      uint8_t **value, size_t *size)
{
    char error[256];
    int64_t number;
    const char *wire = sipc_option_wire_name(option->id);

    *name = wire == NULL ? option->name : (struct sipc_span){(const uint8_t *)wire, strlen(wire)};
    if (option->text) {
        return sx_data_materialise(&option->data, &r->env.sx, value, size, error, sizeof error) ||
               run_stop(r, CONFORM_ERROR, "an option's value: %s", error);
    }
    if (!build_field(r, &option->value, "an option's value", INT64_MIN, INT64_MAX, &number)) {
        return false;
    }
    bool boolean = option->id != 0 && option->id <= SIPC_OPT_IS_WINDOW_FULL;
    *value = (uint8_t *)(boolean ? run_strdup(number != 0 ? "True" : "False")
                                 : run_printf("%" PRId64, number));
    *size = strlen((const char *)*value);
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
        if (!run_build_option(build->r, &pdu->options[i], &name, &value, &value_size)) {
            return false;
        }
        enum sipc_status status = sipc_option_encode(name, (struct sipc_span){value, value_size},
                                                     build->encoded, SIPC_PDU_SIZE_MAX, &used);
        free(value);
        if (status != SIPC_OK) {
            return run_stop(build->r, CONFORM_ERROR, "option %zu of the PDU cannot be written: %s",
                            i + 1, status == SIPC_E_INVALID ? "a NUL in its name" : "too long");
        }
    }
    build->options = (struct sipc_span){build->encoded, used};
    return true;
}

/* ---- tampering ---- */

static bool build_tamper(struct build *build, const struct sx_tamper *tamper)
{
    struct runner *r = build->r;
    int64_t value, index;
    size_t prefix_at = BUILD_OPTIONS_AT + build->options_size + 2;

    switch (tamper->kind) {
    case SX_TAMPER_LENGTH:
        if (build->size < 2) {
            return run_stop(r, CONFORM_ERROR, "tamper length: the PDU has %zu bytes", build->size);
        }
        if (!build_eval(r, tamper->value, "tamper length", 0, BUILD_LENGTH_MAX, &value)) {
            return false;
        }
        build_put(build->bytes + BUILD_LENGTH_AT, 2, (uint64_t)value);
        return true;
    case SX_TAMPER_PREFIX:
        if (build->size < prefix_at + BUILD_PREFIX_SIZE) {
            return run_stop(r, CONFORM_ERROR, "tamper prefix: it is cut off already");
        }
        build->bytes[prefix_at + BUILD_PREFIX_SIZE - 1] ^= 1;
        return true;
    case SX_TAMPER_TRUNCATE:
        if (!build_eval(r, tamper->value, "tamper truncate", 0, (int64_t)build->size, &value)) {
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
        if (!build_eval(r, tamper->index, "tamper byte's place", 0, (int64_t)build->size - 1,
                        &index) ||
            !build_eval(r, tamper->value, "tamper byte", 0, 255, &value)) {
            return false;
        }
        build->bytes[index] = (uint8_t)value;
        return true;
    }
}

static bool build_tampers(struct build *build, const struct sx_pdu *pdu)
{
    struct run_env *env = &build->r->env;
    bool going = true;

    env->has_length = true;
    for (size_t i = 0; i < pdu->tamper_count && going; i++) {
        env->length = (int64_t)build->size;
        going = build_tamper(build, &pdu->tampers[i]);
    }
    env->has_length = false;
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
        return run_stop(build->r, CONFORM_ERROR, "the options do not fit a PDU");
    }
    if (used + data.size > BUILD_LENGTH_MAX) {
        return run_stop(build->r, CONFORM_ERROR,
                        "the PDU has %zu bytes; its length field ends at %d", used + data.size,
                        BUILD_LENGTH_MAX);
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
    struct runner *r = build->r;
    int64_t opcode, window_id, seq_nr;
    char error[256];
    uint8_t *data;
    size_t data_size;

    if (!build_eval(r, pdu->opcode, "opcode", 0, 255, &opcode) ||
        !build_field(r, &pdu->window_id, "window id", INT64_MIN, INT64_MAX, &window_id) ||
        !build_field(r, &pdu->seq_nr, "seq_nr", INT32_MIN, INT32_MAX, &seq_nr) ||
        !build_options(build, pdu)) {
        return false;
    }
    if (!sx_data_materialise(&pdu->data, &r->env.sx, &data, &data_size, error, sizeof error)) {
        return run_stop(r, CONFORM_ERROR, "data: %s", error);
    }
    const uint8_t *session_id =
        pdu->session_id != NULL ? pdu->session_id : run_env_session(&r->env, pdu->session);
    bool going = build_encode(build, session_id, (struct sipc_span){data, data_size});
    free(data);
    if (!going) {
        return false;
    }
    build_put(build->bytes + BUILD_WINDOW_ID_AT, 8, (uint64_t)window_id);
    build_put(build->bytes + BUILD_SEQ_NR_AT, 4, (uint64_t)seq_nr);
    build->bytes[BUILD_OPCODE_AT] = (uint8_t)opcode;
    return build_tampers(build, pdu);
}

static bool build_label(struct build *build, const char *name)
{
    const struct run_label *label = run_env_label(&build->r->env, name);
    if (label == NULL) {
        return run_stop(build->r, CONFORM_ERROR, "no PDU was seen or sent as #%s", name);
    }
    build->bytes = malloc(label->pdu.size + 1);
    SIPC_ASSERT(build->bytes != NULL);
    memcpy(build->bytes, label->bytes, label->pdu.size);
    build->size = label->pdu.size;
    return true;
}

bool run_build_pdu(struct runner *r, const struct sx_pdu *pdu, uint8_t **out, size_t *size)
{
    struct build build = {.r = r};
    char error[256];
    bool built;

    switch (pdu->kind) {
    case SX_PDU_LABEL:
        built = build_label(&build, pdu->ref);
        break;
    case SX_PDU_RAW:
        built = sx_data_materialise(&pdu->data, &r->env.sx, &build.bytes, &build.size, error,
                                    sizeof error) ||
                run_stop(r, CONFORM_ERROR, "raw: %s", error);
        break;
    default:
        built = build_fields(&build, pdu);
        break;
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

const char *run_pdu_peer(const struct runner *r, const struct sx_pdu *pdu)
{
    if (pdu->peer != NULL) {
        return pdu->peer;
    }
    const struct run_label *label =
        pdu->kind == SX_PDU_LABEL ? run_env_label(&r->env, pdu->ref) : NULL;
    return label != NULL ? label->peer : "P";
}
