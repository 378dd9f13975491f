/* The lexer: one line at a time, a token at a time, any bytes. Blanks are space and tab; a `#` with
 * blanks round it starts a comment. Names, labels and variables are [A-Za-z_][A-Za-z0-9_]*.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static bool lexer_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool lexer_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool lexer_is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool lexer_is_name(char c)
{
    return lexer_is_name_start(c) || lexer_is_digit(c);
}

static int lexer_hex_digit(char c)
{
    if (lexer_is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void lexer_bad(struct sx__parser *parser)
{
    parser->token.kind = SX__BAD;
    parser->token.end = parser->token.start + strlen(parser->text + parser->token.start);
}

/* ---- texts ---- */

/* The length of the UTF-8 character at `text`, 0 if it is none. */
static size_t lexer_utf8_size(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t size = c[0] < 0x80       ? 1
                  : c[0] >> 5 == 6  ? 2
                  : c[0] >> 4 == 14 ? 3
                  : c[0] >> 3 == 30 ? 4
                                    : 0;
    for (size_t i = 1; i < size; i++) {
        if (c[i] >> 6 != 2) {
            return 0;
        }
    }
    return size;
}

/* One escape behind its backslash; the number of characters it takes, 0 if it is none. */
static size_t lexer_escape(const char *text, uint8_t *out)
{
    static const char letters[] = "nrt0\\\"";
    static const char bytes[] = "\n\r\t\0\\\"";
    const char *letter = text[0] != '\0' ? strchr(letters, text[0]) : NULL;
    if (letter != NULL) {
        *out = (uint8_t)bytes[letter - letters];
        return 1;
    }
    if (text[0] != 'x' || lexer_hex_digit(text[1]) < 0 || lexer_hex_digit(text[2]) < 0) {
        return 0;
    }
    *out = (uint8_t)(lexer_hex_digit(text[1]) * 16 + lexer_hex_digit(text[2]));
    return 3;
}

static void lexer_string(struct sx__parser *parser, size_t at)
{
    const char *text = parser->text;
    uint8_t bytes[SX_LINE_BYTES_MAX]; /* longer lines never get here */
    size_t size = 0, taken;

    for (at++; text[at] != '"'; at += taken) {
        if (text[at] == '\0') {
            sx__fail(parser, parser->token.start, "this text has no closing quote");
            lexer_bad(parser);
            return;
        }
        if (text[at] == '\\') {
            taken = 1 + lexer_escape(text + at + 1, &bytes[size++]);
            if (taken == 1) {
                sx__fail(parser, at,
                         "unknown escape; there are \\n \\r \\t \\0 \\\\ \\\" and \\xHH");
                lexer_bad(parser);
                return;
            }
            continue;
        }
        taken = lexer_utf8_size(text + at);
        if (taken == 0 || (unsigned char)text[at] < ' ' || text[at] == 0x7f) {
            sx__fail(parser, at, "byte 0x%02x in a text must be written \\x%02x",
                     (unsigned char)text[at], (unsigned char)text[at]);
            lexer_bad(parser);
            return;
        }
        memcpy(bytes + size, text + at, taken);
        size += taken;
    }
    parser->token.kind = SX__STRING;
    parser->token.bytes = sx__bytes(parser->arena, bytes, size);
    parser->token.end = at + 1;
}

static void lexer_hex(struct sx__parser *parser, size_t at)
{
    const char *text = parser->text + at;
    size_t digits = 0;
    while (lexer_is_name(text[digits])) {
        digits++;
    }
    uint8_t *bytes = sx__alloc(parser->arena, digits / 2 + 1);
    for (size_t i = 0; i < digits; i++) {
        int digit = lexer_hex_digit(text[i]);
        if (digit < 0) {
            sx__fail(parser, at + i, "'%c' is no hex digit", text[i]);
            lexer_bad(parser);
            return;
        }
        bytes[i / 2] = (uint8_t)(bytes[i / 2] * 16 + digit);
    }
    if (digits % 2 != 0) {
        sx__fail(parser, parser->token.start, "hex: needs an even number of digits, found %zu",
                 digits);
        lexer_bad(parser);
        return;
    }
    parser->token.kind = SX__HEX;
    parser->token.bytes = (struct sipc_span){bytes, digits / 2};
    parser->token.end = at + digits;
}

/* ---- numbers, names, symbols ---- */

static void lexer_number(struct sx__parser *parser, size_t at)
{
    struct sx__token *token = &parser->token;
    const char *text = parser->text;
    bool hex = text[at] == '0' && text[at + 1] == 'x';
    unsigned base = hex ? 16 : 10;

    token->kind = SX__NUMBER;
    token->number_bad = hex && lexer_hex_digit(text[at + 2]) < 0;
    at += hex ? 2 : 0;
    while (hex ? lexer_hex_digit(text[at]) >= 0 : lexer_is_digit(text[at])) {
        unsigned digit = (unsigned)lexer_hex_digit(text[at++]);
        token->number_bad |= __builtin_mul_overflow(token->number, base, &token->number) ||
                             __builtin_add_overflow(token->number, digit, &token->number);
    }
    if (!hex && text[at] == 'E' && lexer_is_digit(text[at + 1])) { /* 9E15 */
        unsigned exponent = 0;
        for (at++; lexer_is_digit(text[at]); at++) {
            exponent = exponent < 100 ? exponent * 10 + (unsigned)(text[at] - '0') : exponent;
        }
        for (; exponent > 0 && token->number > 0 && !token->number_bad; exponent--) {
            token->number_bad = __builtin_mul_overflow(token->number, 10, &token->number);
        }
    }
    token->end = at;
}

static void lexer_name(struct sx__parser *parser, enum sx__token_kind kind, size_t at)
{
    size_t end = at;
    while (lexer_is_name(parser->text[end])) {
        end++;
    }
    parser->token.kind = kind;
    parser->token.name = sx__string(parser->arena, parser->text + at, end - at);
    parser->token.end = end;
}

static void lexer_symbol(struct sx__parser *parser, size_t at)
{
    static const struct {
        char text[3];
        int symbol;
    } pairs[] = {{"->", SX__OUT}, {"<-", SX__IN}, {"==", SX__EQ},
                 {"!=", SX__NE},  {"<=", SX__LE}, {">=", SX__GE}};
    const char *text = parser->text + at;

    parser->token.kind = SX__SYMBOL;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        bool arrow = pairs[i].symbol == SX__OUT || pairs[i].symbol == SX__IN;
        if (text[0] == pairs[i].text[0] && text[1] == pairs[i].text[1] &&
            (!arrow || text[2] == '\0' || lexer_is_blank(text[2]))) { /* 1<-1 is no arrow */
            parser->token.symbol = pairs[i].symbol;
            parser->token.end = at + 2;
            return;
        }
    }
    if (strchr("{}[]()*:=?,+-/%<>.", text[0]) == NULL) {
        unsigned char c = (unsigned char)text[0];
        if (c > ' ' && c < 0x7f) {
            sx__fail(parser, at, "stray character '%c'", c);
        } else {
            sx__fail(parser, at, "stray byte 0x%02x", c);
        }
        lexer_bad(parser);
        return;
    }
    parser->token.symbol = text[0];
    parser->token.end = at + 1;
}

void sx__lex_from(struct sx__parser *parser, size_t offset)
{
    const char *text = parser->text;
    size_t at = offset;
    while (lexer_is_blank(text[at])) {
        at++;
    }
    parser->token = (struct sx__token){.start = at, .end = at, .spaced = at > offset || at == 0};
    if (text[at] == '\0') {
        parser->token.kind = SX__END;
    } else if (text[at] == '#' && !lexer_is_name_start(text[at + 1])) {
        if (text[at + 1] == '\0' || lexer_is_blank(text[at + 1])) {
            parser->token.kind = SX__END;
        } else {
            sx__fail(parser, at, "expected a label (#name) or a comment (# and a blank)");
            lexer_bad(parser);
        }
    } else if (text[at] == '#') {
        lexer_name(parser, SX__LABEL, at + 1);
    } else if (text[at] == '$' && lexer_is_name_start(text[at + 1])) {
        lexer_name(parser, SX__VARIABLE, at + 1);
    } else if (text[at] == '"') {
        lexer_string(parser, at);
    } else if (strncmp(text + at, "hex:", 4) == 0) {
        lexer_hex(parser, at + 4);
    } else if (lexer_is_digit(text[at])) {
        lexer_number(parser, at);
    } else if (lexer_is_name_start(text[at])) {
        lexer_name(parser, SX__NAME, at);
    } else {
        lexer_symbol(parser, at);
    }
}

void sx__advance(struct sx__parser *parser)
{
    if (parser->token.kind != SX__BAD && parser->token.kind != SX__END) {
        sx__lex_from(parser, parser->token.end);
    }
}

const char *sx__raw_word(struct sx__parser *parser)
{
    size_t start = parser->token.start, end = start;
    while (lexer_is_name(parser->text[end]) || parser->text[end] == '-') {
        end++;
    }
    const char *word = sx__string(parser->arena, parser->text + start, end - start);
    if (parser->token.kind != SX__BAD) {
        sx__lex_from(parser, end);
    }
    return word;
}

bool sx__is_symbol(const struct sx__parser *parser, int symbol)
{
    return parser->token.kind == SX__SYMBOL && parser->token.symbol == symbol;
}

bool sx__is_word(const struct sx__parser *parser, const char *word)
{
    return parser->token.kind == SX__NAME && strcmp(parser->token.name, word) == 0;
}

char sx__behind(const struct sx__parser *parser)
{
    return parser->text[parser->token.end];
}

bool sx__take_symbol(struct sx__parser *parser, int symbol)
{
    if (!sx__is_symbol(parser, symbol)) {
        return false;
    }
    sx__advance(parser);
    return true;
}

bool sx__want_symbol(struct sx__parser *parser, int symbol, const char *what)
{
    if (!sx__take_symbol(parser, symbol)) {
        return sx__expected(parser, what);
    }
    return true;
}

bool sx__want_end(struct sx__parser *parser)
{
    if (parser->token.kind != SX__END) {
        return sx__expected(parser, "the end of the line");
    }
    return true;
}
