/* Messages and PDUs of a scenario as the language has them: by their fields, as a pattern, else
 * raw. SPDX-License-Identifier: MIT */
#include "write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sipc/pdu.h"

const struct sx_expr *scenario_write_const(struct sx_script *script, int64_t value)
{
    struct sx_expr *expr = sx_world_allocate(script, sizeof *expr);

    *expr = (struct sx_expr){.op = SX_CONST, .value = value};
    return expr;
}

/* `bytes(size, from)`. */
const struct sx_data *scenario_write_pattern(struct sx_script *script, uint64_t size, uint32_t from)
{
    struct sx_data *data = sx_world_allocate(script, sizeof *data);

    *data = (struct sx_data){.kind = SX_DATA_PATTERN,
                             .size = scenario_write_const(script, (int64_t)size),
                             .from = scenario_write_const(script, from)};
    return data;
}

static bool write_is_pattern(struct sipc_span bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != (uint8_t)((bytes.data[0] + i) % 251))
            return false;
    return bytes.size > 64;
}

struct sx_data scenario_write_data(struct sx_script *script, struct sipc_span bytes)
{
    struct sx_data data = {.kind = SX_DATA_LITERAL, .literal = bytes};

    if (bytes.size == 0)
        return (struct sx_data){.kind = SX_DATA_NONE};
    if (write_is_pattern(bytes))
        return *scenario_write_pattern(script, bytes.size, bytes.data[0]);
    for (size_t i = 0; i < bytes.size; i++)
        data.hex |= bytes.data[i] < ' ' || bytes.data[i] >= 0x7f;
    return data;
}

/* The value of a known option as its number, if that says it all. */
static bool write_option_number(const struct sipc_option *option, int64_t *out)
{
    char text[24], again[24];

    if (option->id == 0 || option->id >= SIPC_OPT_TRACE_ID || option->value.size >= sizeof text)
        return false;
    memcpy(text, option->value.data, option->value.size);
    text[option->value.size] = '\0';
    if (option->id <= SIPC_OPT_IS_WINDOW_FULL) {
        *out = strcmp(text, "True") == 0;
        return *out || strcmp(text, "False") == 0;
    }
    *out = strtoll(text, NULL, 10);
    snprintf(again, sizeof again, "%lld", (long long)*out);
    return strcmp(text, again) == 0;
}

static void write_pdu_options(struct sx_script *script, struct sipc_span rest, struct sx_pdu *out)
{
    struct sx_option *options = sx_world_allocate(script, rest.size / 4 * sizeof *options);
    struct sipc_option option;

    for (; sipc_option_next(&rest, &option); out->option_count++) {
        struct sx_option *to = &options[out->option_count];
        int64_t number;
        *to = (struct sx_option){.text = true,
                                 .data = {.kind = SX_DATA_LITERAL, .literal = option.value}};
        if (option.id != 0 && option.id <= SIPC_OPT_TRACE_ID)
            to->id = option.id;
        else
            to->name = option.name;
        if (!write_option_number(&option, &number))
            continue;
        to->text = false;
        to->value = (struct sx_field){SX_FIELD_EXPR, scenario_write_const(script, number), NULL};
    }
    out->options = options;
}

static struct sx_field write_field(struct sx_script *script, int64_t value)
{
    return (struct sx_field){SX_FIELD_EXPR, scenario_write_const(script, value), NULL};
}

/* The PDU by its fields; false: they do not say all of it. */
static bool write_pdu_fields(const struct simnet_scenario *scenario, struct sx_script *script,
                             struct sipc_span bytes, struct sx_pdu *out)
{
    struct sipc_pdu decoded;
    uint8_t id[SIPC_SESSION_ID_SIZE], *again;
    size_t size;
    char error[256];

    if (sipc_pdu_decode(bytes, &decoded) != SIPC_DISCARD_NONE)
        return false;
    *out = (struct sx_pdu){.kind = SX_PDU_FIELDS,
                           .opcode = scenario_write_const(script, decoded.opcode),
                           .window_id = write_field(script, decoded.window_id),
                           .seq_nr = write_field(script, decoded.seq_nr),
                           .session_id = decoded.session_id,
                           .data = scenario_write_data(script, decoded.data)};
    write_pdu_options(script, decoded.options, out);
    if (!sx_build_pdu(out, &(struct sx_env){0}, NULL, &again, &size, error, sizeof error))
        return false;
    bool same = size == bytes.size && memcmp(again, bytes.data, size) == 0;
    free(again);
    for (size_t i = 0; i < scenario->sessions.count; i++) {
        simnet_scenario_session_id(scenario->sessions.at[i].name, 0, id);
        if (memcmp(id, decoded.session_id, sizeof id) == 0) {
            out->session = scenario->sessions.at[i].name;
            out->session_id = NULL;
        }
    }
    return same;
}

/* By its fields, or raw. */
struct sx_pdu *scenario_write_pdu(const struct simnet_scenario *scenario, struct sx_script *script,
                                  struct sipc_span bytes)
{
    struct sx_pdu *out = sx_world_allocate(script, sizeof *out);

    if (write_pdu_fields(scenario, script, bytes, out))
        return out;
    *out = (struct sx_pdu){.kind = SX_PDU_RAW, .data = scenario_write_data(script, bytes)};
    out->data.hex = out->data.hex || out->data.kind == SX_DATA_LITERAL;
    if (out->data.kind == SX_DATA_NONE)
        out->data.kind = SX_DATA_LITERAL;
    return out;
}
