/* Values: expressions, data, times and the numbers of PDU patterns.
 *
 * An expression ends at the first blank outside parentheses, so that `0:$n *` is a number and any
 * data; where a line has room for nothing else (`let`, `check`, `set`) blanks are free ("loose").
 * Its parts are counted, which bounds the parser's recursion and everybody's who walks the tree.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum { VALUE_TIME_UNITS_MAX = 1000000 };

static const struct sx_expr *value_sum(struct sx__parser *parser);

/* ---- expressions ---- */

static const struct sx_expr *value_new(struct sx__parser *parser, struct sx_expr expr)
{
    struct sx_expr *copy = sx__alloc(parser->arena, sizeof(*copy));
    *copy = expr;
    return copy;
}

static bool value_count_part(struct sx__parser *parser)
{
    if (++parser->expr_parts > SX_EXPR_PARTS_MAX) {
        return sx__fail(parser, parser->token.start, "an expression has at most %d parts",
                        SX_EXPR_PARTS_MAX);
    }
    return true;
}

static bool value_close(struct sx__parser *parser)
{
    return sx__want_symbol(parser, ')', "')'");
}

/* From behind the `(`. */
static const struct sx_expr *value_in_parentheses(struct sx__parser *parser)
{
    bool loose = parser->loose;
    parser->loose = true;
    const struct sx_expr *expr = value_sum(parser);
    if (expr != NULL && !sx__is_symbol(parser, ')')) {
        sx__expected(parser, "an operator or ')'");
        expr = NULL;
    }
    parser->loose = loose;
    return expr != NULL && value_close(parser) ? expr : NULL;
}

/* size(DATA), size(#label), opcode(#label), from the word on. */
static const struct sx_expr *value_function(struct sx__parser *parser)
{
    bool size = sx__is_word(parser, "size");
    sx__advance(parser);
    sx__advance(parser); /* the parenthesis that sx__behind saw */
    if (parser->token.kind == SX__LABEL) {
        const char *label = parser->token.name;
        if (!sx__use_label(parser, label, parser->token.start, false)) {
            return NULL;
        }
        sx__advance(parser);
        return value_close(parser)
                   ? value_new(parser,
                               (struct sx_expr){.op = size ? SX_SIZE_OF_LABEL : SX_OPCODE_OF_LABEL,
                                                .name = label})
                   : NULL;
    }
    if (!size) {
        sx__expected(parser, "a #label");
        return NULL;
    }
    struct sx_data *data = sx__alloc(parser->arena, sizeof(*data));
    if (!sx__at_data(parser)) {
        sx__expected(parser, "data or a #label");
        return NULL;
    }
    return sx__parse_data(parser, data, false) && value_close(parser)
               ? value_new(parser, (struct sx_expr){.op = SX_SIZE_OF_DATA, .data = data})
               : NULL;
}

static const struct sx_expr *value_number(struct sx__parser *parser, bool negative)
{
    uint64_t number = parser->token.number;
    uint64_t limit = (uint64_t)INT64_MAX + negative;
    if (parser->token.number_bad || number > limit) {
        sx__fail(parser, parser->token.start, "expected a number within 64 bits, found '%.*s'",
                 (int)(parser->token.end - parser->token.start),
                 parser->text + parser->token.start);
        return NULL;
    }
    sx__advance(parser);
    int64_t value = negative && number > 0 ? -(int64_t)(number - 1) - 1 : (int64_t)number;
    return value_new(parser, (struct sx_expr){.op = SX_CONST, .value = value});
}

static const struct sx_expr *value_primary(struct sx__parser *parser)
{
    const struct sx__token *token = &parser->token;
    if (!value_count_part(parser)) {
        return NULL;
    }
    if (token->kind == SX__NUMBER) {
        return value_number(parser, false);
    }
    if (token->kind == SX__VARIABLE) {
        const char *name = token->name;
        if (!sx__use_number(parser, name, token->start)) {
            return NULL;
        }
        sx__advance(parser);
        return value_new(parser, (struct sx_expr){.op = SX_VAR, .name = name});
    }
    if (sx__take_symbol(parser, '(')) {
        return value_in_parentheses(parser);
    }
    if (sx__take_symbol(parser, '-')) {
        if (token->kind == SX__NUMBER) {
            return value_number(parser, true);
        }
        const struct sx_expr *a = value_primary(parser);
        if (a != NULL && a->op == SX_CONST && a->value != INT64_MIN) {
            return value_new(parser, (struct sx_expr){.op = SX_CONST, .value = -a->value});
        }
        return a != NULL ? value_new(parser, (struct sx_expr){.op = SX_NEG, .a = a}) : NULL;
    }
    if (sx__behind(parser) == '(' &&
        (sx__is_word(parser, "size") || sx__is_word(parser, "opcode"))) {
        return value_function(parser);
    }
    sx__expected(parser, "a number, $name, size(...), opcode(#label) or '('");
    return NULL;
}

/* Whether the current token is one of the two or three operators and continues the expression. */
static bool value_at_operator(const struct sx__parser *parser, const char *operators)
{
    return parser->token.kind == SX__SYMBOL && parser->token.symbol < 128 &&
           strchr(operators, parser->token.symbol) != NULL &&
           (parser->loose || !parser->token.spaced);
}

static enum sx_expr_op value_operation(int symbol)
{
    switch (symbol) {
    case '+':
        return SX_ADD;
    case '-':
        return SX_SUB;
    case '*':
        return SX_MUL;
    case '/':
        return SX_DIV;
    default:
        return SX_MOD;
    }
}

static const struct sx_expr *value_operand(struct sx__parser *parser, bool product)
{
    const char *operators = product ? "*/%" : "+-";
    const struct sx_expr *a = product ? value_primary(parser) : value_operand(parser, true);

    while (a != NULL && value_at_operator(parser, operators)) {
        enum sx_expr_op op = value_operation(parser->token.symbol);
        if (!value_count_part(parser)) {
            return NULL;
        }
        sx__advance(parser);
        const struct sx_expr *b = product ? value_primary(parser) : value_operand(parser, true);
        a = b != NULL ? value_new(parser, (struct sx_expr){.op = op, .a = a, .b = b}) : NULL;
    }
    return a;
}

static const struct sx_expr *value_sum(struct sx__parser *parser)
{
    return value_operand(parser, false);
}

/* What sx_eval asks while a constant is looked for: notes that it asked. */
static bool value_ask_number(void *asked, const char *name, int64_t *out)
{
    (void)name;
    (void)out;
    *(bool *)asked = true;
    return false;
}

static bool value_ask_span(void *asked, const char *name, struct sipc_span *out)
{
    (void)name;
    (void)out;
    *(bool *)asked = true;
    return false;
}

bool sx__constant(const struct sx_expr *expr, int64_t *value)
{
    char error[128];
    return sx_eval(expr, &(struct sx_env){0}, value, error, sizeof(error));
}

const struct sx_expr *sx__parse_expr(struct sx__parser *parser, bool loose)
{
    size_t start = parser->token.start;
    bool outer_loose = parser->loose;

    parser->expr_parts = parser->expr_depth++ == 0 ? 0 : parser->expr_parts;
    parser->loose = loose;
    const struct sx_expr *expr = value_sum(parser);
    parser->loose = outer_loose;
    parser->expr_depth--;
    if (expr == NULL || parser->expr_depth > 0) {
        return expr;
    }
    bool asked = false;
    char error[128];
    int64_t value;
    struct sx_env env = {&asked, value_ask_number, value_ask_span, value_ask_span};
    if (!sx_eval(expr, &env, &value, error, sizeof(error)) && !asked) {
        sx__fail(parser, start, "%s", error);
        return NULL;
    }
    return expr;
}

/* ---- data ---- */

bool sx__at_data(const struct sx__parser *parser)
{
    enum sx__token_kind kind = parser->token.kind;
    return kind == SX__STRING || kind == SX__HEX || kind == SX__VARIABLE ||
           sx__is_symbol(parser, '*') ||
           (sx__is_word(parser, "bytes") && sx__behind(parser) == '(');
}

/* bytes(N[, FROM]), from the word on. */
static bool value_pattern(struct sx__parser *parser, struct sx_data *data)
{
    data->kind = SX_DATA_PATTERN;
    sx__advance(parser);
    sx__advance(parser);
    data->size = sx__parse_expr(parser, true);
    if (data->size != NULL && sx__take_symbol(parser, ',')) {
        data->from = sx__parse_expr(parser, true);
        if (data->from == NULL) {
            return false;
        }
    }
    return data->size != NULL && value_close(parser);
}

bool sx__parse_data(struct sx__parser *parser, struct sx_data *data, bool pattern)
{
    const struct sx__token *token = &parser->token;

    *data = (struct sx_data){.kind = SX_DATA_LITERAL};
    if (token->kind == SX__NAME && sx__at_data(parser)) {
        return value_pattern(parser, data);
    }
    if (token->kind == SX__STRING || token->kind == SX__HEX) {
        data->hex = token->kind == SX__HEX;
        data->literal = token->bytes;
    } else if (token->kind == SX__VARIABLE) {
        data->kind = SX_DATA_VAR;
        data->name = token->name;
        if (!sx__use_text(parser, data->name, token->start)) {
            return false;
        }
    } else if (sx__is_symbol(parser, '*')) {
        data->kind = SX_DATA_ANY;
        if (!pattern) {
            return sx__fail(parser, token->start,
                            "* stands for any data: only what is expected "
                            "(<-, ==) may have it");
        }
    } else {
        return sx__expected(parser, "data (\"text\", hex:..., bytes(N) or $name)");
    }
    sx__advance(parser);
    return true;
}

/* ---- times ---- */

/* Digits with at most three decimals, as thousandths; the number of characters, 0 if it is none. */
static size_t value_thousandths(const char *text, int64_t *out)
{
    size_t at = 0, scale = 1000;
    int64_t whole = 0;
    while (text[at] >= '0' && text[at] <= '9') {
        whole = whole <= VALUE_TIME_UNITS_MAX ? whole * 10 + (text[at] - '0') : whole;
        at++;
    }
    *out = whole * 1000;
    if (at == 0 || text[at] != '.') {
        return at;
    }
    size_t point = at++;
    for (; text[at] >= '0' && text[at] <= '9' && scale > 1; at++) {
        scale /= 10;
        *out += (text[at] - '0') * (int64_t)scale;
    }
    return at > point + 1 && !(text[at] >= '0' && text[at] <= '9') ? at : 0;
}

static bool value_bad_time(struct sx__parser *parser, size_t at)
{
    size_t size = strcspn(parser->text + at, " \t]");
    if (size == 0) {
        return sx__fail(parser, at,
                        "expected a time such as 1T, 1.5T or 2*linger, found the end "
                        "of the line");
    }
    return sx__fail(parser, at,
                    "expected a time such as 1T, 1.5T or 2*linger, found '%.*s'; there are no bare "
                    "milliseconds",
                    (int)(size < 32 ? size : 32), parser->text + at);
}

/* One term at `*at`. */
static bool value_term(struct sx__parser *parser, size_t *at, struct sx_time_term *term)
{
    size_t start = *at, digits = value_thousandths(parser->text + start, &term->thousandths);
    if (digits == 0) {
        return value_bad_time(parser, start);
    }
    sx__lex_from(parser, start + digits);
    bool ack = sx__is_word(parser, "T");
    if (parser->token.spaced || (!ack && !sx__take_symbol(parser, '*'))) {
        return value_bad_time(parser, start);
    }
    if (parser->token.kind != SX__NAME) {
        return sx__expected(parser, "a timeout");
    }
    int unit = ack ? SX_ACK_TIMEOUT : sx__word_index(sx__time_unit_words, parser->token.name);
    if (unit < 0) {
        return sx__unknown(parser, parser->token.start, "timeout", parser->token.name,
                           sx__time_unit_words);
    }
    if (term->thousandths > VALUE_TIME_UNITS_MAX * INT64_C(1000)) {
        return sx__fail(parser, start, "a time has at most %d units", VALUE_TIME_UNITS_MAX);
    }
    term->unit = (enum sx_time_unit)unit;
    *at = parser->token.end;
    sx__advance(parser);
    return sx__use_time_unit(parser, term->unit, start);
}

/* A time in one unit can be seen to be too short; others are the runner's to look at. */
static bool value_check_time(struct sx__parser *parser, const struct sx_time *time, size_t start,
                             bool zero_allowed)
{
    int64_t sum = 0;
    for (size_t i = 0; i < time->count; i++) {
        if (time->terms[i].unit != time->terms[0].unit) {
            return true;
        }
        sum += time->terms[i].thousandths;
    }
    if (sum < 0 || (sum == 0 && !zero_allowed)) {
        return sx__fail(parser, start, "this time must be %s 0",
                        zero_allowed ? "at least" : "over");
    }
    return true;
}

bool sx__parse_time(struct sx__parser *parser, struct sx_time *time, bool zero_allowed)
{
    size_t start = parser->token.start, at = start;
    struct sx_time_term *terms = NULL;
    int64_t sign = 1;

    *time = (struct sx_time){0};
    for (;;) {
        terms = sx__grow(parser->arena, terms, time->count, sizeof(*terms));
        struct sx_time_term *term = &terms[time->count++];
        if (!value_term(parser, &at, term)) {
            return false;
        }
        term->thousandths *= sign;
        if (!sx__is_symbol(parser, '+') && !sx__is_symbol(parser, '-')) {
            break;
        }
        sign = sx__is_symbol(parser, '+') ? 1 : -1;
        at = parser->token.end + strspn(parser->text + parser->token.end, " \t");
    }
    time->terms = terms;
    return value_check_time(parser, time, start, zero_allowed);
}

/* ---- numbers of a pattern ---- */

bool sx__parse_field(struct sx__parser *parser, struct sx_field *field, bool pattern,
                     const char *what)
{
    const struct sx__token *token = &parser->token;

    if (sx__is_symbol(parser, '*')) {
        if (!pattern) {
            return sx__fail(parser, token->start,
                            "* stands for any %s: only what is expected (<-, ==) may have it",
                            what);
        }
        field->kind = SX_FIELD_ANY;
        sx__advance(parser);
        return true;
    }
    if (pattern && token->kind == SX__VARIABLE &&
        (sx__behind(parser) == '\0' || strchr("+-*/%", sx__behind(parser)) == NULL)) {
        field->kind = SX_FIELD_BIND;
        field->name = token->name;
        if (!sx__bind_or_use(parser, field->name, token->start)) {
            return false;
        }
        sx__advance(parser);
        return true;
    }
    if (token->kind == SX__END || token->kind == SX__NAME) {
        if (!(sx__behind(parser) == '(')) {
            return sx__expected(parser, what);
        }
    }
    field->kind = SX_FIELD_EXPR;
    field->expr = sx__parse_expr(parser, false);
    if (pattern && field->expr != NULL && field->expr->op == SX_VAR) { /* ($name) */
        field->kind = SX_FIELD_BIND;
        field->name = field->expr->name;
    }
    return field->expr != NULL;
}
