/* What follows -> and <-: a PDU with its fields, #label again, or raw bytes.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

/* ---- items ---- */

static bool pdu_name(struct sx__parser *parser, const char **name, const char *what)
{
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, what);
    }
    *name = parser->token.name;
    sx__advance(parser);
    return true;
}

static bool pdu_session(struct sx__parser *parser, struct sx_step *step)
{
    return pdu_name(parser, &step->pdu.session, "a session's name");
}

static bool pdu_peer(struct sx__parser *parser, struct sx_step *step)
{
    return pdu_name(parser, &step->pdu.peer, "a peer's name");
}

static bool pdu_session_id(struct sx__parser *parser, struct sx_step *step)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    size_t start = parser->token.start;
    const char *word = sx__raw_word(parser);
    uint8_t id[SIPC_SESSION_ID_SIZE] = {0};

    if (strlen(word) != 2 * sizeof(id) || strspn(word, digits) != 2 * sizeof(id)) {
        return sx__fail(parser, start, "expected 64 hex digits, found '%.70s'", word);
    }
    for (size_t i = 0; i < 2 * sizeof(id); i++) {
        size_t digit = (size_t)(strchr(digits, word[i]) - digits);
        digit = digit < 16 ? digit : digit - 16;
        id[i / 2] = (uint8_t)(id[i / 2] * 16 + digit);
    }
    step->pdu.session_id = sx__bytes(parser->arena, id, sizeof(id)).data;
    return true;
}

static bool pdu_options(struct sx__parser *parser, struct sx_step *step)
{
    struct sx__option_list list;
    if (!sx__parse_options(parser, &list, step->kind == SX_EXPECT)) {
        return false;
    }
    step->pdu.options = list.options;
    step->pdu.option_count = list.count;
    step->pdu.options_open = list.open;
    return true;
}

static bool pdu_raw_options(struct sx__parser *parser, struct sx_step *step)
{
    if (parser->token.kind != SX__HEX) {
        return sx__expected(parser, "hex:...");
    }
    step->pdu.options_raw = true;
    step->pdu.raw_options = parser->token.bytes;
    sx__advance(parser);
    return true;
}

static bool pdu_data(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_data(parser, &step->pdu.data, step->kind == SX_EXPECT);
}

static bool pdu_label(struct sx__parser *parser, struct sx_step *step)
{
    step->pdu.label = parser->token.name;
    parser->label_column = parser->token.start;
    sx__advance(parser);
    return true;
}

static bool pdu_within(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_time(parser, &step->within, false);
}

static bool pdu_after(struct sx__parser *parser, struct sx_step *step)
{
    return sx__parse_time(parser, &step->after, false);
}

static bool pdu_tamper_value(struct sx__parser *parser, struct sx_tamper *tamper)
{
    if (!sx__take_symbol(parser, '=')) {
        return sx__expected(parser, "'='");
    }
    if (tamper->kind != SX_TAMPER_APPEND) {
        tamper->value = sx__parse_expr(parser, false);
        return tamper->value != NULL;
    }
    if (parser->token.kind != SX__HEX && parser->token.kind != SX__STRING) {
        return sx__expected(parser, "hex:... or \"text\"");
    }
    tamper->bytes = parser->token.bytes;
    sx__advance(parser);
    return true;
}

static bool pdu_tamper_index(struct sx__parser *parser, struct sx_tamper *tamper)
{
    if (!sx__take_symbol(parser, '[')) {
        return sx__expected(parser, "'['");
    }
    tamper->index = sx__parse_expr(parser, true);
    return tamper->index != NULL && sx__want_symbol(parser, ']', "']'");
}

static bool pdu_tamper(struct sx__parser *parser, struct sx_step *step)
{
    struct sx_pdu *pdu = &step->pdu;
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "length=, prefix, truncate=, append= or byte[N]=");
    }
    int kind = sx__word_index(sx__tamper_words, parser->token.name);
    if (kind < 0) {
        return sx__unknown(parser, parser->token.start, "tampering", parser->token.name,
                           sx__tamper_words);
    }
    struct sx_tamper tamper = {.kind = (enum sx_tamper_kind)kind};
    sx__advance(parser);
    parser->in_tamper = true;
    bool ok = (kind != SX_TAMPER_BYTE || pdu_tamper_index(parser, &tamper)) &&
              (kind == SX_TAMPER_PREFIX || pdu_tamper_value(parser, &tamper));
    parser->in_tamper = false;
    if (!ok) {
        return false;
    }
    struct sx_tamper *tampers =
        sx__grow(parser->arena, pdu->tampers, pdu->tamper_count, sizeof(tamper));
    tampers[pdu->tamper_count++] = tamper;
    pdu->tampers = tampers;
    return true;
}

static const struct sx__item pdu_item_session = {SX__ITEM_KEY, "session", pdu_session, 0, 0};
static const struct sx__item pdu_item_peer = {SX__ITEM_KEY, "peer", pdu_peer, 0, 0};
static const struct sx__item pdu_item_id = {SX__ITEM_KEY, "session_id", pdu_session_id, 0, 0};
static const struct sx__item pdu_item_braces = {SX__ITEM_BRACES, "{...}", pdu_options, 0, 0};
static const struct sx__item pdu_item_raw = {SX__ITEM_PHRASE, "options", pdu_raw_options, 0, 0};
static const struct sx__item pdu_item_data = {SX__ITEM_DATA, "data", pdu_data, 0, 0};
static const struct sx__item pdu_item_label = {SX__ITEM_LABEL, "#label", pdu_label, 0, 0};
static const struct sx__item pdu_item_within = {SX__ITEM_PHRASE, "within", pdu_within, 0, 0};
static const struct sx__item pdu_item_after = {SX__ITEM_PHRASE, "after", pdu_after, 0, 0};
static const struct sx__item pdu_item_tamper = {SX__ITEM_PHRASE, "tamper", pdu_tamper, 1, 0};

static const struct sx__item *const pdu_out_items[] = {
    &pdu_item_session, &pdu_item_peer,  &pdu_item_id,
    &pdu_item_braces,  &pdu_item_raw,   &pdu_item_data,
    &pdu_item_tamper,  &pdu_item_label, NULL};
static const struct sx__item *const pdu_in_items[] = {
    &pdu_item_session, &pdu_item_peer,  &pdu_item_id,
    &pdu_item_braces,  &pdu_item_data,  &pdu_item_label,
    &pdu_item_within,  &pdu_item_after, NULL};
static const struct sx__item *const pdu_again_items[] = {&pdu_item_peer, NULL};
static const struct sx__item *const pdu_raw_items[] = {&pdu_item_peer, &pdu_item_label, NULL};
static const struct sx__item *const pdu_same_items[] = {&pdu_item_peer, &pdu_item_label,
                                                        &pdu_item_within, &pdu_item_after, NULL};

/* ---- the head: OPCODE WINDOW_ID:SEQ_NR ---- */

static bool pdu_unknown_opcode(struct sx__parser *parser)
{
    const char *words[16] = {NULL};
    size_t count = 0;
    for (; sx__opcode_words[count] != NULL; count++) {
        words[count] = sx__opcode_words[count];
    }
    words[count++] = "opcode";
    words[count] = "raw";
    return sx__unknown(parser, parser->token.start, "opcode", parser->token.name, words);
}

static bool pdu_opcode(struct sx__parser *parser, struct sx_pdu *pdu)
{
    int64_t value;
    size_t start = parser->token.start;

    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "an opcode or #label");
    }
    int index = sx__word_index(sx__opcode_words, parser->token.name);
    if (index >= 0) {
        struct sx_expr *opcode = sx__alloc(parser->arena, sizeof(*opcode));
        *opcode = (struct sx_expr){.op = SX_CONST, .value = index + 1};
        pdu->opcode = opcode;
        sx__advance(parser);
        return true;
    }
    if (!sx__is_word(parser, "opcode")) {
        return pdu_unknown_opcode(parser);
    }
    sx__advance(parser);
    if (!sx__take_symbol(parser, '(')) {
        return sx__expected(parser, "'('");
    }
    pdu->opcode = sx__parse_expr(parser, true);
    if (pdu->opcode == NULL) {
        return false;
    }
    if (sx__constant(pdu->opcode, &value) && (value < 0 || value > 255)) {
        return sx__fail(parser, start, "an opcode is 0..255");
    }
    return sx__want_symbol(parser, ')', "')'");
}

static bool pdu_number(struct sx__parser *parser, struct sx_field *field, bool pattern,
                       const char *what)
{
    if (parser->in_answer && sx__take_symbol(parser, '*')) {
        field->kind = SX_FIELD_ANY;
        return true;
    }
    return sx__parse_field(parser, field, pattern, what);
}

static bool pdu_head(struct sx__parser *parser, struct sx_step *step)
{
    struct sx_pdu *pdu = &step->pdu;
    bool pattern = step->kind == SX_EXPECT;

    if (!pdu_opcode(parser, pdu) ||
        !pdu_number(parser, &pdu->window_id, pattern, "WINDOW_ID:SEQ_NR")) {
        return false;
    }
    return sx__want_symbol(parser, ':', "':' and a seq_nr") &&
           pdu_number(parser, &pdu->seq_nr, pattern, "seq_nr");
}

/* ---- the whole ---- */

static bool pdu_check_fields(struct sx__parser *parser, const struct sx_step *step)
{
    const struct sx_pdu *pdu = &step->pdu;
    if (pdu->session != NULL && pdu->session_id != NULL) {
        return sx__fail(parser, 0, "session= and session_id= exclude each other");
    }
    if (pdu->options_raw && pdu->options != NULL) {
        return sx__fail(parser, 0, "{...} and options hex: exclude each other");
    }
    bool takes_all = pdu->window_id.kind == SX_FIELD_ANY && pdu->seq_nr.kind == SX_FIELD_ANY &&
                     pdu->options_open && pdu->option_count == 0 && pdu->data.kind == SX_DATA_ANY;
    if (takes_all && !step->optional && pdu->label == NULL && step->after.count == 0) {
        return sx__fail(parser, 0,
                        "this takes any PDU of that opcode: name a field, or give it a "
                        "#label to check later");
    }
    return true;
}

static bool pdu_bind_label(struct sx__parser *parser, const struct sx_step *step)
{
    if (step->pdu.label == NULL) {
        return true;
    }
    struct sx__name *label = sx__bind(parser, SX__LABELS, step->pdu.label, parser->label_column);
    if (label != NULL) {
        label->from_sut = step->kind == SX_EXPECT;
    }
    return label != NULL;
}

/* #label: the same bytes again. */
static bool pdu_again(struct sx__parser *parser, struct sx_step *step,
                      const struct sx__item *const *items)
{
    step->pdu.kind = SX_PDU_LABEL;
    step->pdu.ref = parser->token.name;
    if (!sx__use_label(parser, step->pdu.ref, parser->token.start, false)) {
        return false;
    }
    sx__advance(parser);
    return sx__parse_items(parser, step, items) && pdu_bind_label(parser, step);
}

bool sx__parse_pdu_out(struct sx__parser *parser, struct sx_step *step)
{
    if (parser->token.kind == SX__LABEL) {
        return pdu_again(parser, step, pdu_again_items);
    }
    if (sx__is_word(parser, "raw")) {
        step->pdu.kind = SX_PDU_RAW;
        sx__advance(parser);
        return pdu_data(parser, step) && sx__parse_items(parser, step, pdu_raw_items) &&
               pdu_bind_label(parser, step);
    }
    return pdu_head(parser, step) && sx__parse_items(parser, step, pdu_out_items) &&
           pdu_check_fields(parser, step) && pdu_bind_label(parser, step);
}

bool sx__parse_pdu_in(struct sx__parser *parser, struct sx_step *step)
{
    if (parser->token.kind == SX__LABEL) {
        return pdu_again(parser, step, pdu_same_items);
    }
    if (sx__is_word(parser, "raw")) {
        return sx__fail(parser, parser->token.start,
                        "'raw' is for ->; expect a PDU by its fields "
                        "or by #label");
    }
    return pdu_head(parser, step) && sx__parse_items(parser, step, pdu_in_items) &&
           pdu_check_fields(parser, step) && pdu_bind_label(parser, step);
}
