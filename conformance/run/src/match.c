/* A PDU of the SUT against the one a line expects, field by field. Every difference is kept, so
 * that a failure tells all that is wrong at once; variables bound on the way are undone if anything
 * is. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

void run_match_begin(struct run_match *match, struct runner *r)
{
    *match = (struct run_match){.r = r, .variable_mark = r->env.variable_count};
}

enum run_fit run_match_end(struct run_match *match)
{
    bool fits = !match->error && match->diffs.count == 0;

    if (!fits) {
        match->r->env.variable_count = match->variable_mark;
    }
    match->timing = match->diffs.count == 1 && strcmp(match->diffs.items[0].field, "time") == 0;
    return match->error ? RUN_ERROR : fits ? RUN_FITS : RUN_DIFFERS;
}

void run_match_clear(struct run_match *match)
{
    run_diffs_clear(&match->diffs);
}

/* ---- values ---- */

bool run_match_eval(struct run_match *match, const struct sx_expr *expr, int64_t *out)
{
    if (match->error) {
        return false; /* the first error is the one to tell */
    }
    match->error =
        !sx_eval(expr, &match->r->env.sx, out, match->error_text, sizeof match->error_text);
    return !match->error;
}

bool run_match_value(struct run_match *match, const struct sx_field *pattern, int64_t actual)
{
    int64_t expected;

    switch (pattern->kind) {
    case SX_FIELD_EXPR:
        return run_match_eval(match, pattern->expr, &expected) && expected == actual;
    case SX_FIELD_BIND:
        if (run_env_number(&match->r->env, pattern->name, &expected)) {
            return expected == actual;
        }
        run_env_set(&match->r->env, pattern->name, actual);
        return true;
    default:
        return true;
    }
}

static char *match_wanted(struct run_match *match, const struct sx_field *pattern)
{
    int64_t expected;

    if (pattern->kind == SX_FIELD_EXPR
            ? run_match_eval(match, pattern->expr, &expected)
            : pattern->name != NULL && run_env_number(&match->r->env, pattern->name, &expected)) {
        return run_printf("%" PRId64, expected);
    }
    return run_strdup("any");
}

void run_match_number(struct run_match *match, const char *field, const struct sx_field *pattern,
                      int64_t actual)
{
    if (!run_match_value(match, pattern, actual)) {
        run_diff_add(&match->diffs, run_strdup(field), match_wanted(match, pattern),
                     run_printf("%" PRId64, actual));
    }
}

/* ---- data ---- */

/* The pattern's bytes; `.data` is malloc'ed. */
static bool match_materialise(struct run_match *match, const struct sx_data *pattern,
                              uint8_t **bytes, size_t *size)
{
    if (match->error) {
        return false;
    }
    match->error = !sx_data_materialise(pattern, &match->r->env.sx, bytes, size, match->error_text,
                                        sizeof match->error_text);
    return !match->error;
}

static bool match_same(struct sipc_span a, struct sipc_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool run_match_bytes(struct run_match *match, const struct sx_data *pattern,
                     struct sipc_span actual)
{
    uint8_t *bytes;
    size_t size;

    if (pattern->kind == SX_DATA_ANY) {
        return true;
    }
    if (!match_materialise(match, pattern, &bytes, &size)) {
        return false;
    }
    bool same = match_same((struct sipc_span){bytes, size}, actual);
    free(bytes);
    return same;
}

void run_match_print_data(struct run_match *match, const struct sx_data *pattern, FILE *out)
{
    uint8_t *bytes;
    size_t size;

    if (pattern->kind == SX_DATA_ANY || !match_materialise(match, pattern, &bytes, &size)) {
        fputs("any value", out);
        return;
    }
    run_print_quoted((struct sipc_span){bytes, size}, out);
    free(bytes);
}

void run_diff_bytes(struct run_diffs *diffs, const char *field, struct sipc_span expected,
                    struct sipc_span actual)
{
    size_t shorter = expected.size < actual.size ? expected.size : actual.size;
    size_t at = 0;

    if (match_same(expected, actual)) {
        return;
    }
    while (at < shorter && expected.data[at] == actual.data[at]) {
        at++;
    }
    char *text = run_data_text(actual);
    char *where = at < shorter ? run_printf("byte %zu is 0x%02x instead of 0x%02x", at,
                                            actual.data[at], expected.data[at])
                               : run_printf("the first %zu bytes are the same", at);
    run_diff_add(diffs, run_strdup(field), run_data_text(expected),
                 run_printf("%s (%s)", text, where));
    free(text);
    free(where);
}

void run_match_data(struct run_match *match, const struct sx_data *pattern, struct sipc_span actual)
{
    uint8_t *bytes;
    size_t size;

    if (pattern->kind == SX_DATA_ANY || !match_materialise(match, pattern, &bytes, &size)) {
        return;
    }
    run_diff_bytes(&match->diffs, "data", (struct sipc_span){bytes, size}, actual);
    free(bytes);
}

/* ---- PDUs ---- */

/* The rule a sender of it breaks. Reasons name the rule by which a receiver discards: a sender has
 * to keep the layout itself (WIRE-1, OPT-1), and a MUST also where reading is advisory. */
static enum sipc_rule match_decode_rule(enum sipc_discard reason)
{
    switch (sipc_discard_rule(reason)) {
    case SIPC_RULE_WIRE_3:
    case SIPC_RULE_WIRE_4:
    case SIPC_RULE_WIRE_5:
    case SIPC_RULE_WIRE_6:
        return SIPC_RULE_WIRE_1;
    case SIPC_RULE_OPT_2:
        return SIPC_RULE_OPT_1;
    case SIPC_RULE_ERR_2a:
        return SIPC_RULE_ERR_2;
    case SIPC_RULE_ERR_3a:
        return SIPC_RULE_ERR_3;
    default:
        return sipc_discard_rule(reason);
    }
}

enum sipc_rule run_malformed_rule(const struct run_item *item)
{
    bool malformed = item->out.kind == CONFORM_OUT_TX && item->decode != SIPC_DISCARD_NONE;
    return malformed ? match_decode_rule(item->decode) : SIPC_RULE_NONE;
}

static void match_malformed(struct run_match *match, const struct run_item *item)
{
    match->rule = run_malformed_rule(item);
    run_diff_add(
        &match->diffs, run_strdup("encoding"), run_strdup("a PDU that decodes"),
        run_printf("%s (%s)", sipc_discard_name(item->decode), sipc_rule_info(match->rule)->id));
}

static void match_opcode(struct run_match *match, const struct sx_expr *pattern, uint8_t actual)
{
    int64_t expected;
    char names[2][32];

    if (run_match_eval(match, pattern, &expected) && expected != actual) {
        int opcode = expected >= 0 && expected <= 255 ? (int)expected : -1;
        run_diff_add(&match->diffs, run_strdup("opcode"),
                     run_strdup(run_opcode_text(opcode, names[0], sizeof names[0])),
                     run_strdup(run_opcode_text(actual, names[1], sizeof names[1])));
    }
}

static void match_session(struct run_match *match, const struct sx_pdu *pattern,
                          const uint8_t *actual)
{
    struct run_env *env = &match->r->env;
    const uint8_t *expected =
        pattern->session_id != NULL ? pattern->session_id : run_env_session(env, pattern->session);

    if (memcmp(expected, actual, SIPC_SESSION_ID_SIZE) != 0) {
        run_diff_add(&match->diffs, run_strdup("session"), run_env_session_text(env, expected),
                     run_env_session_text(env, actual));
    }
}

static void match_fields(struct run_match *match, const struct sx_pdu *pattern,
                         const struct sipc_pdu *pdu)
{
    struct run_values values = {.close = pdu->opcode == SIPC_CLOSE};
    struct sipc_option option;

    match_opcode(match, pattern->opcode, pdu->opcode);
    run_match_number(match, "window_id", &pattern->window_id, pdu->window_id);
    run_match_number(match, "seq_nr", &pattern->seq_nr, pdu->seq_nr);
    match_session(match, pattern, pdu->session_id);
    for (struct sipc_span rest = pdu->options; sipc_option_next(&rest, &option);) {
        run_values_add(&values, option.name, option.value);
    }
    run_match_options(match, pattern->options, pattern->option_count, pattern->options_open,
                      &values);
    run_match_data(match, &pattern->data, pdu->data);
    free(values.items);
}

static char *match_options_text(struct sipc_span options)
{
    struct run_text text;
    run_print_options(options, run_text_begin(&text));
    return run_text_end(&text);
}

/* Two PDUs that both decode, field by field; says nothing of what decodes to the same. */
static void match_decoded(struct run_match *match, const struct sipc_pdu *expected,
                          const struct sipc_pdu *actual)
{
    const struct sx_expr numbers[] = {{.op = SX_CONST, .value = expected->opcode},
                                      {.op = SX_CONST, .value = expected->window_id},
                                      {.op = SX_CONST, .value = expected->seq_nr}};
    const struct sx_field window_id = {.kind = SX_FIELD_EXPR, .expr = &numbers[1]};
    const struct sx_field seq_nr = {.kind = SX_FIELD_EXPR, .expr = &numbers[2]};
    const struct sx_pdu session = {.session_id = expected->session_id};

    match_opcode(match, &numbers[0], actual->opcode);
    run_match_number(match, "window_id", &window_id, actual->window_id);
    run_match_number(match, "seq_nr", &seq_nr, actual->seq_nr);
    match_session(match, &session, actual->session_id);
    char *expected_text = match_options_text(expected->options);
    char *actual_text = match_options_text(actual->options);
    if (strcmp(expected_text, actual_text) != 0) {
        run_diff_add(&match->diffs, run_strdup("options"), expected_text, actual_text);
    } else {
        free(expected_text);
        free(actual_text);
    }
    run_diff_bytes(&match->diffs, "data", expected->data, actual->data);
}

static void match_first_byte(struct run_match *match, struct sipc_span expected,
                             struct sipc_span actual)
{
    size_t at = 0;

    while (at < expected.size && at < actual.size && expected.data[at] == actual.data[at]) {
        at++;
    }
    if (at < expected.size && at < actual.size) {
        run_diff_add(&match->diffs, run_printf("byte %zu", at),
                     run_printf("0x%02x", expected.data[at]),
                     run_printf("0x%02x", actual.data[at]));
    } else {
        run_diff_add(&match->diffs, run_strdup("size"), run_printf("%zu bytes", expected.size),
                     run_printf("%zu bytes", actual.size));
    }
}

/* The same bytes; where they differ, the fields say more than an offset. */
static void match_label(struct run_match *match, const char *name, const struct run_item *item)
{
    const struct sipc_span actual = {item->out.bytes, item->out.size};
    struct sipc_pdu expected;
    const struct run_label *label = run_env_label(&match->r->env, name);

    if (label == NULL) {
        match->error = true;
        snprintf(match->error_text, sizeof match->error_text, "no PDU was seen or sent as #%s",
                 name);
        return;
    }
    if (match_same(label->pdu, actual)) {
        return;
    }
    if (item->decode == SIPC_DISCARD_NONE &&
        sipc_pdu_decode(label->pdu, &expected) == SIPC_DISCARD_NONE) {
        match_decoded(match, &expected, &item->pdu);
    }
    if (match->diffs.count == 0) {
        match_first_byte(match, label->pdu, actual);
    }
    match->rule = run_malformed_rule(item);
}

void run_match_pdu(struct run_match *match, const struct sx_pdu *pattern,
                   const struct run_item *item)
{
    if (pattern->kind == SX_PDU_LABEL) {
        match_label(match, pattern->ref, item);
    } else if (item->decode != SIPC_DISCARD_NONE) {
        match_malformed(match, item);
    } else {
        match_fields(match, pattern, &item->pdu);
    }
}
