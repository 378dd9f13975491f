/* Numbers with units: 10Gbit/s, 1.5s, 0.01%, ($n)ms. The unit stands right behind the number, and
 * what they come to must be whole in the base unit.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* "B, KB or MB", of these kinds. */
static void quantity_unit_words(unsigned kinds, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (const struct sx_unit *unit = sx_units; unit->word != NULL && used < size; unit++) {
        if ((unit->kind & kinds) != 0) {
            used +=
                (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", unit->word);
        }
    }
}

/* The unit at offset `at`, up to *end. */
static const struct sx_unit *quantity_unit(struct sx__parser *parser, unsigned kinds, size_t at,
                                           size_t *end)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/%";
    const char *text = parser->text + at;
    size_t size = strspn(text, letters);
    char words[128];

    for (const struct sx_unit *unit = sx_units; unit->word != NULL; unit++) {
        if ((unit->kind & kinds) != 0 && strlen(unit->word) == size &&
            strncmp(unit->word, text, size) == 0) {
            *end = at + size;
            return unit;
        }
    }
    quantity_unit_words(kinds, words, sizeof(words));
    if (size == 0) {
        sx__fail(parser, at, "a unit is missing right behind the number, one of: %s", words);
    } else {
        sx__fail(parser, at, "unknown unit '%.*s', expected one of: %s",
                 (int)(size < 20 ? size : 20), text, words);
    }
    return NULL;
}

/* digits[.digits] at the current token; the offset behind it, 0: told. */
static size_t quantity_digits(struct sx__parser *parser, uint64_t *digits, unsigned *decimals)
{
    size_t start = parser->token.start, at = start;
    const char *text = parser->text;
    bool fits = true, point = false;

    *digits = *decimals = 0;
    for (;; at++) {
        if (text[at] == '.' && !point && text[at + 1] >= '0' && text[at + 1] <= '9') {
            point = true;
            continue;
        }
        if (text[at] < '0' || text[at] > '9') {
            break;
        }
        fits = fits && !__builtin_mul_overflow(*digits, 10, digits) &&
               !__builtin_add_overflow(*digits, (uint64_t)(text[at] - '0'), digits);
        *decimals += point;
    }
    if (!fits || *digits > INT64_MAX || *decimals > 9) {
        sx__fail(parser, start, "this number is too long");
        return 0;
    }
    return at;
}

static bool quantity_scale(struct sx__parser *parser, size_t start, uint64_t digits,
                           unsigned decimals, const struct sx_unit *unit, int64_t *out)
{
    int64_t divisor = 1, product;

    for (; decimals > 0 && digits % 10 == 0; decimals--) {
        digits /= 10;
    }
    for (; decimals > 0; decimals--) {
        divisor *= 10;
    }
    int64_t scale = unit->scale;
    while (divisor > 1 && scale % 10 == 0) {
        divisor /= 10;
        scale /= 10;
    }
    if (__builtin_mul_overflow((int64_t)digits, scale, &product)) {
        return sx__fail(parser, start, "this does not fit 64 bits");
    }
    if (product % divisor != 0) {
        return sx__fail(parser, start, "this is no whole number of %s",
                        unit->kind == SX_V_TIME    ? "nanoseconds"
                        : unit->kind == SX_V_RATE  ? "bit/s"
                        : unit->kind == SX_V_BYTES ? "bytes"
                        : unit->kind == SX_V_SHARE ? "ppm"
                        : unit->kind == SX_V_BDP   ? "thousandths"
                                                   : "packets");
    }
    *out = product / divisor;
    return true;
}

bool sx__parse_quantity(struct sx__parser *parser, const struct sx_field_row *row,
                        struct sx_value *value)
{
    size_t start = parser->token.start, end;
    bool negative = sx__is_symbol(parser, '-');
    uint64_t digits;
    unsigned decimals;
    char what[200], words[128];

    if (negative || sx__is_symbol(parser, '+')) {
        sx__advance(parser);
    }
    if (sx__is_symbol(parser, '(')) {
        sx__advance(parser);
        value->expr = sx__parse_expr(parser, true);
        if (value->expr == NULL) {
            return false;
        }
        if (!sx__is_symbol(parser, ')')) {
            return sx__expected(parser, "')'");
        }
        value->unit = quantity_unit(parser, row->kinds, parser->token.end, &end);
    } else if (parser->token.kind == SX__NUMBER) {
        size_t behind = quantity_digits(parser, &digits, &decimals);
        const struct sx_unit *unit =
            behind > 0 ? quantity_unit(parser, row->kinds, behind, &end) : NULL;
        if (unit == NULL ||
            !quantity_scale(parser, start, digits, decimals, unit, &value->number)) {
            return false;
        }
        value->unit = unit;
        value->number = negative ? -value->number : value->number;
    } else {
        quantity_unit_words(row->kinds, words, sizeof(words));
        snprintf(what, sizeof(what), "a number with a unit (%s)", words);
        return sx__expected(parser, what);
    }
    if (value->unit == NULL) {
        return false;
    }
    value->kind = value->unit->kind;
    if (negative && value->expr != NULL) {
        return sx__fail(parser, start, "put the sign into the parentheses");
    }
    sx__lex_from(parser, end);
    return true;
}
