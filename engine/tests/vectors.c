/* Reader of the PDU vectors; see vectors.h.
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "vectors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    struct vectors *vectors;
    const char *path;
    int line;
    struct vector_pdu *pdu; /* the block being read: one of these, or none */
    struct vector_group *group;
};

static void fail(const struct parser *parser, const char *format, ...) SIPC_PRINTF(2, 3);
static void fail(const struct parser *parser, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", parser->path, parser->line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void *grow(const struct parser *parser, void *memory, size_t size)
{
    void *grown = realloc(memory, size == 0 ? 1 : size);
    if (grown == NULL)
        fail(parser, "out of memory");
    return grown;
}

/* A block of exactly these bytes, which vectors_free gives back. */
static struct sipc_span keep(struct parser *parser, const void *data, size_t size)
{
    struct vectors *v = parser->vectors;
    v->blocks = grow(parser, v->blocks, (v->block_count + 1) * sizeof *v->blocks);
    void *block = grow(parser, NULL, size);
    v->blocks[v->block_count++] = block;
    if (size != 0)
        memcpy(block, data, size);
    return (struct sipc_span){block, size};
}

static const char *keep_text(struct parser *parser, const char *text)
{
    return (const char *)keep(parser, text, strlen(text) + 1).data;
}

/* ---- BYTES ---- */

struct buffer {
    uint8_t *data;
    size_t size;
};

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static void append(const struct parser *parser, struct buffer *buffer, const uint8_t *data,
                   size_t size, size_t count)
{
    buffer->data = grow(parser, buffer->data, buffer->size + size * count);
    for (; size != 0 && count != 0; count--) {
        memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
    }
}

/* One piece without its *COUNT. */
static const char *parse_piece(const struct parser *parser, const char *at, struct buffer *piece)
{
    if (*at == '"') {
        const char *end = strchr(at + 1, '"');
        if (end == NULL)
            fail(parser, "expected a closing quote, found the end of the line");
        append(parser, piece, (const uint8_t *)at + 1, (size_t)(end - at - 1), 1);
        return end + 1;
    }
    const char *start = at;
    for (; hex_digit(at[0]) >= 0 && hex_digit(at[1]) >= 0; at += 2) {
        uint8_t byte = (uint8_t)(hex_digit(at[0]) << 4 | hex_digit(at[1]));
        append(parser, piece, &byte, 1, 1);
    }
    if (at == start)
        fail(parser, "expected hex digits or a quote, found \"%s\"", at);
    return at;
}

/* Up to the end of the line, or a bare '='. */
static struct sipc_span parse_bytes(struct parser *parser, const char **text)
{
    struct buffer all = {NULL, 0};
    const char *at = *text;
    while (*at != '\0' && *at != '=') {
        struct buffer piece = {NULL, 0};
        unsigned long count = 1;
        at = parse_piece(parser, at, &piece);
        if (*at == '*') {
            char *end;
            count = strtoul(at + 1, &end, 10);
            if (end == at + 1 || count > 70000)
                fail(parser, "expected a count up to 70000, found \"%s\"", at + 1);
            at = end;
        }
        if (*at != '\0' && *at != ' ')
            fail(parser, "expected a blank after a piece, found \"%s\"", at);
        append(parser, &all, piece.data, piece.size, count);
        free(piece.data);
        at += strspn(at, " ");
    }
    struct sipc_span bytes = keep(parser, all.data, all.size);
    free(all.data);
    *text = at;
    return bytes;
}

static struct sipc_span parse_rest(struct parser *parser, const char *text)
{
    struct sipc_span bytes = parse_bytes(parser, &text);
    if (*text != '\0')
        fail(parser, "expected the end of the line, found \"%s\"", text);
    return bytes;
}

/* ---- lines ---- */

static size_t find_pdu(const struct parser *parser, const char *name)
{
    const struct vectors *v = parser->vectors;
    for (size_t i = 0; i < v->pdu_count; i++)
        if (strcmp(v->pdus[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static void begin_pdu(struct parser *parser, const char *name)
{
    struct vectors *v = parser->vectors;
    if (find_pdu(parser, name) != SIZE_MAX)
        fail(parser, "a second pdu named %s", name);
    v->pdus = grow(parser, v->pdus, (v->pdu_count + 1) * sizeof *v->pdus);
    parser->pdu = &v->pdus[v->pdu_count++];
    *parser->pdu = (struct vector_pdu){.name = keep_text(parser, name), .line = parser->line};
}

static void begin_group(struct parser *parser, const char *name)
{
    struct vectors *v = parser->vectors;
    v->groups = grow(parser, v->groups, (v->group_count + 1) * sizeof *v->groups);
    parser->group = &v->groups[v->group_count++];
    *parser->group = (struct vector_group){.name = keep_text(parser, name), .line = parser->line};
}

static enum sipc_discard find_reason(const struct parser *parser, const char *name)
{
    for (int reason = SIPC_DISCARD_NONE + 1; reason < SIPC_DISCARD_DECODE_COUNT; reason++)
        if (strcmp(sipc_discard_name((enum sipc_discard)reason), name) == 0)
            return (enum sipc_discard)reason;
    fail(parser, "unknown reason %s", name);
    return SIPC_DISCARD_NONE;
}

static void parse_option(struct parser *parser, const char *text)
{
    struct vector_pdu *pdu = parser->pdu;
    size_t i = pdu->option_count++;
    if (i == VECTOR_OPTIONS_MAX)
        fail(parser, "more than %d options", VECTOR_OPTIONS_MAX);
    pdu->option_names[i] = parse_bytes(parser, &text);
    if (*text != '=')
        fail(parser, "expected \" = \" and a value");
    text += 1 + strspn(text + 1, " ");
    pdu->option_values[i] = parse_rest(parser, text);
}

static void parse_pdu_line(struct parser *parser, const char *key, const char *text)
{
    struct vector_pdu *pdu = parser->pdu;
    if (strcmp(key, "bytes") == 0) {
        struct buffer all = {NULL, 0};
        struct sipc_span more = parse_rest(parser, text);
        append(parser, &all, pdu->bytes.data, pdu->bytes.size, 1);
        append(parser, &all, more.data, more.size, 1);
        pdu->bytes = keep(parser, all.data, all.size);
        free(all.data);
    } else if (strcmp(key, "discard") == 0) {
        pdu->reason = find_reason(parser, text);
    } else if (strcmp(key, "accept") == 0) {
        pdu->fields = keep_text(parser, text);
    } else if (strcmp(key, "session") == 0) {
        pdu->session = parse_rest(parser, text);
    } else if (strcmp(key, "option") == 0) {
        parse_option(parser, text);
    } else if (strcmp(key, "data") == 0) {
        pdu->data = parse_rest(parser, text);
    } else {
        fail(parser, "unknown key %s in a pdu", key);
    }
}

static void parse_group_line(struct parser *parser, const char *key, const char *text)
{
    struct vector_group *group = parser->group;
    if (strcmp(key, "of") == 0 || strcmp(key, "long") == 0) {
        if (group->of_count == VECTOR_LONGS_MAX || group->long_count == VECTOR_LONGS_MAX)
            fail(parser, "more than %d lines of one kind", VECTOR_LONGS_MAX);
        if (key[0] == 'l') {
            group->longs[group->long_count++].key = parse_rest(parser, text);
            return;
        }
        size_t index = find_pdu(parser, text);
        if (index == SIZE_MAX)
            fail(parser, "no pdu named %s", text);
        group->of[group->of_count++] = index;
        return;
    }
    if (group->long_count == 0)
        fail(parser, "expected long before %s", key);
    struct vector_long *last = &group->longs[group->long_count - 1];
    if (strcmp(key, "name") == 0)
        last->name = parse_rest(parser, text);
    else if (strcmp(key, "value") == 0)
        last->value = parse_rest(parser, text);
    else if (strcmp(key, "error") == 0 && strcmp(text, "251") == 0)
        last->error = true;
    else
        fail(parser, "unknown key %s in a group", key);
}

static void end_block(struct parser *parser)
{
    const struct vector_pdu *pdu = parser->pdu;
    if (pdu != NULL && (pdu->bytes.data == NULL || (pdu->reason == 0) != (pdu->fields != NULL)))
        fail(parser, "%s needs bytes, and either accept or discard", pdu->name);
    if (pdu != NULL && pdu->fields != NULL && pdu->session.size != SIPC_SESSION_ID_SIZE)
        fail(parser, "%s needs a session of 32 bytes", pdu->name);
    if (parser->group != NULL && (parser->group->of_count == 0 || parser->group->long_count == 0))
        fail(parser, "%s needs of and long", parser->group->name);
    parser->pdu = NULL;
    parser->group = NULL;
}

static void parse_line(struct parser *parser, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '#')
        return;
    if (line[0] == '\0') {
        end_block(parser);
        return;
    }
    size_t key_size = strcspn(line, " ");
    const char *text = line + key_size + strspn(line + key_size, " ");
    line[key_size] = '\0';
    if (parser->pdu != NULL)
        parse_pdu_line(parser, line, text);
    else if (parser->group != NULL)
        parse_group_line(parser, line, text);
    else if (strcmp(line, "pdu") == 0)
        begin_pdu(parser, text);
    else if (strcmp(line, "group") == 0)
        begin_group(parser, text);
    else
        fail(parser, "expected pdu or group, found %s", line);
}

void vectors_read(const char *path, struct vectors *vectors)
{
    struct parser parser = {.vectors = vectors, .path = path};
    *vectors = (struct vectors){0};
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail(&parser, "cannot be read");
    char *line = NULL;
    size_t line_size = 0;
    while (getline(&line, &line_size, file) >= 0) {
        parser.line++;
        parse_line(&parser, line);
    }
    end_block(&parser);
    free(line);
    fclose(file);
}

void vectors_free(struct vectors *vectors)
{
    for (size_t i = 0; i < vectors->block_count; i++)
        free(vectors->blocks[i]);
    free(vectors->blocks);
    free(vectors->pdus);
    free(vectors->groups);
    *vectors = (struct vectors){0};
}
