/* Conditions of `where` and `when`: comparisons of numbers, or of a text parameter with a text,
 * joined by `or`.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

bool sx__parse_compare(struct sx__parser *parser, enum sx_compare *compare)
{
    static const int symbols[] = {SX__EQ, SX__NE, '<', SX__LE, '>', SX__GE};
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (sx__take_symbol(parser, symbols[i])) {
            *compare = (enum sx_compare)i;
            return true;
        }
    }
    return sx__expected(parser, "an operator or one of == != < <= > >=");
}

static bool condition_text(struct sx__parser *parser, struct sx_comparison *one)
{
    one->name = parser->token.name;
    if (!sx__use_text(parser, one->name, parser->token.start)) {
        return false;
    }
    sx__advance(parser);
    size_t start = parser->token.start;
    if (!sx__parse_compare(parser, &one->compare)) {
        return false;
    }
    if (one->compare != SX_EQ && one->compare != SX_NE) {
        return sx__fail(parser, start, "texts are compared with == or !=");
    }
    const struct sx__token *token = &parser->token;
    if (token->kind == SX__STRING || token->kind == SX__HEX) {
        one->text = token->bytes;
    } else if (token->kind == SX__NAME) {
        one->text = sx__bytes(parser->arena, (const uint8_t *)token->name, strlen(token->name));
    } else {
        return sx__expected(parser, "a word or text");
    }
    sx__advance(parser);
    return true;
}

static bool condition_one(struct sx__parser *parser, struct sx_comparison *one)
{
    size_t start = parser->token.start;
    int64_t value;

    *one = (struct sx_comparison){0};
    if (parser->token.kind == SX__VARIABLE && sx__is_text_variable(parser, parser->token.name)) {
        return condition_text(parser, one);
    }
    one->left = sx__parse_expr(parser, true);
    if (one->left == NULL || !sx__parse_compare(parser, &one->compare)) {
        return false;
    }
    one->right = sx__parse_expr(parser, true);
    if (one->right == NULL) {
        return false;
    }
    if (sx__constant(one->left, &value) && sx__constant(one->right, &value)) {
        return sx__fail(parser, start, "this compares constants: it always, or never, holds");
    }
    return true;
}

bool sx__parse_condition(struct sx__parser *parser, struct sx_condition *condition)
{
    for (bool more = true; more;) {
        struct sx_comparison *any =
            sx__grow(parser->arena, condition->any, condition->count, sizeof(*any));
        condition->any = any;
        if (!condition_one(parser, &any[condition->count])) {
            return false;
        }
        condition->count++;
        more = sx__is_word(parser, "or");
        if (more) {
            sx__advance(parser);
        }
    }
    return true;
}
