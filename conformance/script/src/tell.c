/* Errors of a script: where, what, the line and a caret; and what a misspelt word may have meant.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum { TELL_EXCERPT_MAX = 120, TELL_FOUND_MAX = 32, TELL_WORD_MAX = 40 };

/* ---- the error itself ---- */

/* The part of the line round `column`, tabs and strange bytes made one column wide, and the caret.
 */
static void tell_excerpt(FILE *out, const char *line, size_t column)
{
    size_t size = strlen(line);
    size_t from = column > TELL_EXCERPT_MAX * 2 / 3 ? column - TELL_EXCERPT_MAX * 2 / 3 : 0;
    size_t indent = 0;

    if (size <= TELL_EXCERPT_MAX) {
        from = 0;
    }
    fputs("  ", out);
    for (size_t i = from; i < size && i < from + TELL_EXCERPT_MAX; i++) {
        unsigned char c = (unsigned char)line[i];
        bool control = c < ' ' || c == 0x7f;
        fputc(c == '\t' ? ' ' : control ? '?' : c, out);
        indent += i < column && c >> 6 != 2; /* not the rest of a UTF-8 character */
    }
    fprintf(out, "\n  %*s^\n", (int)indent, "");
}

static void tell(struct sx__parser *parser, size_t line, size_t column, const char *format,
                 va_list arguments) SIPC_PRINTF(4, 0);
static void tell(struct sx__parser *parser, size_t line, size_t column, const char *format,
                 va_list arguments)
{
    bool there = line < parser->script->line_count;
    parser->error_count++;
    if (parser->errors == NULL) {
        return;
    }
    if (column == 0 && there) { /* the line as a whole */
        column = strspn(parser->script->lines[line], " \t");
    }
    fprintf(parser->errors, "%s:%zu:%zu: error: ", parser->script->path, line + 1, column + 1);
    vfprintf(parser->errors, format, arguments);
    fputc('\n', parser->errors);
    if (there) {
        tell_excerpt(parser->errors, parser->script->lines[line], column);
    }
    if (parser->error_count == SX_ERRORS_MAX) {
        fprintf(parser->errors, "%s: %d errors, the rest is not looked at\n", parser->script->path,
                SX_ERRORS_MAX);
    }
}

bool sx__fail(struct sx__parser *parser, size_t column, const char *format, ...)
{
    if (!parser->line_failed && parser->error_count < SX_ERRORS_MAX) {
        va_list arguments;
        va_start(arguments, format);
        tell(parser, parser->line, column, format, arguments);
        va_end(arguments);
    }
    parser->line_failed = true;
    return false;
}

bool sx__fail_line(struct sx__parser *parser, size_t line, size_t column, const char *format, ...)
{
    if (parser->error_count < SX_ERRORS_MAX) {
        va_list arguments;
        va_start(arguments, format);
        tell(parser, line, column, format, arguments);
        va_end(arguments);
    }
    return false;
}

bool sx__expected(struct sx__parser *parser, const char *what)
{
    const struct sx__token *token = &parser->token;
    int size = (int)(token->end - token->start);

    if (token->kind == SX__END) {
        return sx__fail(parser, token->start, "expected %s, found the end of the line", what);
    }
    if (size > TELL_FOUND_MAX) {
        return sx__fail(parser, token->start, "expected %s, found '%.*s...'", what, TELL_FOUND_MAX,
                        parser->text + token->start);
    }
    return sx__fail(parser, token->start, "expected %s, found '%.*s'", what, size,
                    parser->text + token->start);
}

/* ---- near misses ---- */

static char tell_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t tell_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be added, dropped, changed or swapped with their neighbour, case aside. */
static size_t tell_distance(const char *a, const char *b)
{
    size_t rows[3][TELL_WORD_MAX + 1];
    size_t a_size = strlen(a), b_size = strlen(b);

    if (a_size > TELL_WORD_MAX || b_size > TELL_WORD_MAX) {
        return TELL_WORD_MAX;
    }
    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            char x = tell_lower(a[i - 1]), y = tell_lower(b[j - 1]);
            row[j] = tell_min(tell_min(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tell_lower(b[j - 2]) && y == tell_lower(a[i - 2])) {
                row[j] = tell_min(row[j], above2[j - 2] + 1);
            }
        }
    }
    return rows[a_size % 3][b_size];
}

const char *sx__nearest(const char *word, const char *const *list)
{
    size_t best = tell_min(1 + strlen(word) / 4, 3) + 1;
    const char *nearest = NULL;

    for (size_t i = 0; list[i] != NULL; i++) {
        size_t distance = tell_distance(word, list[i]);
        if (distance < best && distance < strlen(list[i])) {
            best = distance;
            nearest = list[i];
        }
    }
    return nearest;
}

bool sx__unknown(struct sx__parser *parser, size_t column, const char *kind, const char *word,
                 const char *const *list)
{
    struct sx__text all = {0};
    const char *nearest = sx__nearest(word, list);

    if (nearest != NULL) {
        return sx__fail(parser, column, "unknown %s '%.*s', did you mean '%s'?", kind,
                        TELL_WORD_MAX, word, nearest);
    }
    for (size_t i = 0; list[i] != NULL; i++) {
        sx__text_add(&all, " ", 1);
        sx__text_add(&all, list[i], strlen(list[i]));
    }
    sx__fail(parser, column, "unknown %s '%.*s'; there are:%.*s", kind, TELL_WORD_MAX, word,
             (int)all.size, all.data);
    sx__text_clear(&all);
    return false;
}
