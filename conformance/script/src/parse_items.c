/* The parts of a line that may come in any order: keys, phrases, braces, data, a label. What a line
 * may have is a list of rows; this walks the line, tells what does not belong, comes twice or
 * lacks. SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

enum { ITEMS_MAX = 16 };

static bool items_fits(const struct sx__parser *parser, const struct sx__item *item)
{
    const struct sx__token *token = &parser->token;
    switch (item->class) {
    case SX__ITEM_WORD:
    case SX__ITEM_PHRASE:
        return sx__is_word(parser, item->word);
    case SX__ITEM_KEY:
        return sx__is_word(parser, item->word) && sx__behind(parser) == '=';
    case SX__ITEM_BRACES:
        return sx__is_symbol(parser, '{');
    case SX__ITEM_DATA:
        return sx__at_data(parser);
    case SX__ITEM_LABEL:
        return token->kind == SX__LABEL;
    case SX__ITEM_EXPR:
        return token->kind == SX__NUMBER || token->kind == SX__VARIABLE ||
               sx__is_symbol(parser, '(') || sx__is_symbol(parser, '-') ||
               sx__is_symbol(parser, '*') || (token->kind == SX__NAME && sx__behind(parser) == '(');
    }
    return false;
}

/* The item as a person would write it. */
static void items_describe(const struct sx__item *item, struct sx__text *text)
{
    bool literal = item->class <= SX__ITEM_PHRASE;
    sx__text_add(text, "'", literal);
    sx__text_add(text, item->word, strlen(item->word));
    sx__text_add(text, "='", item->class == SX__ITEM_KEY ? 2 : 0);
    sx__text_add(text, "'", literal && item->class != SX__ITEM_KEY);
}

/* "expected A, B or the end of the line, found ...", or the word that was meant. */
static bool items_unknown(struct sx__parser *parser, const struct sx__item *const *items)
{
    const char *words[ITEMS_MAX + 1] = {NULL};
    struct sx__text all = {0};

    for (size_t i = 0; items[i] != NULL && i < ITEMS_MAX; i++) {
        words[i] = items[i]->word;
        items_describe(items[i], &all);
        sx__text_add(&all, ", ", 2);
    }
    sx__text_add(&all, "[RULE] or the end of the line", 30); /* with its zero byte */
    if (parser->token.kind == SX__NAME) {
        const char *nearest = sx__nearest(parser->token.name, words);
        if (nearest != NULL && strcmp(nearest, parser->token.name) == 0) {
            sx__fail(parser, parser->token.start, "'%s' needs '=' right behind it", nearest);
        } else if (nearest != NULL) {
            sx__fail(parser, parser->token.start, "unknown '%.40s', did you mean '%s'?",
                     parser->token.name, nearest);
        }
    }
    sx__expected(parser, all.data);
    sx__text_clear(&all);
    return false;
}

static bool items_missing(struct sx__parser *parser, const struct sx__item *item)
{
    struct sx__text text = {0};
    items_describe(item, &text);
    sx__text_add(&text, "", 1);
    sx__expected(parser, text.data);
    sx__text_clear(&text);
    return false;
}

static bool items_take(struct sx__parser *parser, struct sx_step *step, const struct sx__item *item,
                       bool again)
{
    if (again && !item->many) {
        return sx__fail(parser, parser->token.start, "%s is given twice", item->word);
    }
    if (item->class <= SX__ITEM_BRACES) {
        sx__advance(parser);
    }
    if (item->class == SX__ITEM_KEY) {
        sx__advance(parser); /* = */
    }
    return item->parse(parser, step);
}

bool sx__parse_items(struct sx__parser *parser, struct sx_step *step,
                     const struct sx__item *const *items)
{
    bool seen[ITEMS_MAX] = {false};
    size_t i;

    while (parser->token.kind != SX__END && !sx__is_symbol(parser, '[')) {
        for (i = 0; items[i] != NULL && !items_fits(parser, items[i]); i++) {
        }
        if (items[i] == NULL) {
            return items_unknown(parser, items);
        }
        if (!items_take(parser, step, items[i], seen[i])) {
            return false;
        }
        seen[i] = true;
    }
    for (i = 0; items[i] != NULL; i++) {
        if (items[i]->required && !seen[i]) {
            return items_missing(parser, items[i]);
        }
    }
    return true;
}
