/* `{...}`: the options of a PDU or the attributes of a message, in the order written.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

static const struct sx_expr options_false = {.op = SX_CONST, .value = 0};
static const struct sx_expr options_true = {.op = SX_CONST, .value = 1};

static const struct sx__option_word *options_find(const char *word)
{
    const struct sx__option_word *row = sx__option_words;
    while (row->word != NULL && strcmp(row->word, word) != 0) {
        row++;
    }
    return row->word != NULL ? row : NULL;
}

static bool options_unknown(struct sx__parser *parser)
{
    const char *words[16] = {NULL};
    for (size_t i = 0; sx__option_words[i].word != NULL && i < 15; i++) {
        words[i] = sx__option_words[i].word;
    }
    const char *word = parser->token.name;
    if (strncmp(word, "s_", 2) == 0) {
        return sx__fail(parser, parser->token.start,
                        "names as on the wire are written in quotes: \"%.40s\"", word);
    }
    return sx__unknown(parser, parser->token.start, "option", word, words);
}

/* A number, true or false; *, or a variable to bind. */
static bool options_number(struct sx__parser *parser, struct sx_option *option,
                           enum sx__value_type type, bool pattern)
{
    size_t start = parser->token.start;
    int64_t value;

    if (type == SX__BOOLEAN && (sx__is_word(parser, "true") || sx__is_word(parser, "false"))) {
        option->value.kind = SX_FIELD_EXPR;
        option->value.expr = sx__is_word(parser, "true") ? &options_true : &options_false;
        sx__advance(parser);
        return true;
    }
    if (!sx__parse_field(parser, &option->value, pattern,
                         type == SX__BOOLEAN ? "true, false or a text" : "number or text")) {
        return false;
    }
    if (type == SX__BOOLEAN && option->value.kind == SX_FIELD_EXPR &&
        sx__constant(option->value.expr, &value) && value != 0 && value != 1) {
        return sx__fail(parser, start, "expected true, false or a text");
    }
    return true;
}

/* From behind the =. */
static bool options_value(struct sx__parser *parser, struct sx_option *option,
                          enum sx__value_type type, bool pattern)
{
    bool variable = parser->token.kind == SX__VARIABLE;
    bool text = sx__at_data(parser) && !sx__is_symbol(parser, '*') && !variable;

    if (variable) {
        text = type == SX__TEXT || sx__is_text_variable(parser, parser->token.name);
    }
    if (text || (type == SX__TEXT && !sx__is_symbol(parser, '*'))) {
        option->text = true;
        return sx__parse_data(parser, &option->data, false);
    }
    return options_number(parser, option, type, pattern);
}

static bool options_one(struct sx__parser *parser, struct sx_option *option, bool pattern)
{
    enum sx__value_type type = SX__TEXT;
    size_t start = parser->token.start;

    *option = (struct sx_option){0};
    if (parser->token.kind == SX__STRING) {
        option->name = parser->token.bytes;
    } else if (parser->token.kind == SX__NAME) {
        const struct sx__option_word *row = options_find(parser->token.name);
        if (row == NULL) {
            return options_unknown(parser);
        }
        option->id = row->id;
        type = row->type;
    } else {
        return sx__expected(parser, pattern ? "an option, \"name\"=, * or '}'"
                                            : "an option, \"name\"= or '}'");
    }
    sx__advance(parser);
    if (sx__is_symbol(parser, '?')) {
        if (!pattern) {
            return sx__fail(parser, parser->token.start,
                            "? means may be there: only what is expected (<-, ==) may have it");
        }
        option->optional = true;
        sx__advance(parser);
    }
    if (sx__take_symbol(parser, '=')) {
        return options_value(parser, option, type, pattern);
    }
    if (option->optional) {
        return true; /* NAME?: any value */
    }
    if (type != SX__BOOLEAN) {
        return sx__fail(parser, start, "this option needs a value: =VALUE%s",
                        pattern ? ", =* for any, or ? if it may be missing" : "");
    }
    option->value = (struct sx_field){.kind = SX_FIELD_EXPR, .expr = &options_true};
    return true;
}

/* From behind the {. */
bool sx__parse_options(struct sx__parser *parser, struct sx__option_list *list, bool pattern)
{
    struct sx_option *options = NULL;

    *list = (struct sx__option_list){0};
    while (!sx__take_symbol(parser, '}')) {
        if (pattern && sx__is_symbol(parser, '*')) {
            if (list->open) {
                return sx__fail(parser, parser->token.start, "'*' is given twice");
            }
            list->open = true;
            sx__advance(parser);
            continue;
        }
        options = sx__grow(parser->arena, options, list->count, sizeof(*options));
        if (!options_one(parser, &options[list->count], pattern)) {
            return false;
        }
        list->count++;
    }
    list->options = options;
    return true;
}
