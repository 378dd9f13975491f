/* Tapes: the statements of a tape's lines, one after the other; a tape may be long, so their memory
 * is given back now and then. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum { TAPE_LINES_KEPT = 1024 };

struct tape {
    struct sx__parser *parser;
    bool (*take)(void *ctx, const struct sx_statement *statement);
    void *ctx;
    size_t statements, faults;
    bool ended, stopped;
};

/* The line must be what may stand there: `tape` first, nothing behind `end`. */
static bool tape_check_place(struct tape *tape, const struct sx_statement *statement)
{
    struct sx__parser *parser = tape->parser;
    const struct sx_value *number = statement->head.values;

    if (tape->ended) {
        return sx__fail(parser, 0, "nothing may stand behind 'end'");
    }
    if ((tape->statements++ == 0) != (statement->row->kind == SX_S_TAPE)) {
        return sx__fail(parser, 0, "expected 'tape %d' as the first line, found '%s'",
                        SX_TAPE_VERSION, statement->row->word);
    }
    if (statement->row->kind == SX_S_TAPE && number->number != SX_TAPE_VERSION) {
        return sx__fail(parser, 0, "this tape is of version %lld, this program reads version %d",
                        (long long)number->number, SX_TAPE_VERSION);
    }
    tape->faults += statement->row->kind == SX_S_FAULT;
    if (statement->row->kind != SX_S_END) {
        return true;
    }
    tape->ended = true;
    return (uint64_t)number->number == tape->faults ||
           sx__fail(parser, 0, "the tape is cut: it ends with %lld faults, %zu were read",
                    (long long)number->number, tape->faults);
}

static bool tape_line(struct tape *tape, size_t line)
{
    struct sx__parser *parser = tape->parser;
    struct sx_statement statement;

    parser->line = line;
    parser->line_failed = false;
    parser->text = parser->script->lines[line];
    sx__lex_from(parser, 0);
    if (parser->token.kind == SX__END) {
        return true;
    }
    if (tape->statements == 0 && !sx__is_word(parser, "tape")) {
        return sx__fail(parser, 0, "this is no tape: expected 'tape %d' as the first line",
                        SX_TAPE_VERSION);
    }
    if (!sx__parse_statement(parser, &statement, SX_IN_TAPE) ||
        !tape_check_place(tape, &statement)) {
        return false;
    }
    tape->stopped = !tape->take(tape->ctx, &statement);
    return !tape->stopped;
}

static bool tape_lines(struct tape *tape)
{
    struct sx__parser *parser = tape->parser;
    const struct sx_script *script = parser->script;
    bool ok = true;

    parser->arena = sx__arena_new();
    for (size_t line = 0; line < script->line_count && ok; line++) {
        if (line % TAPE_LINES_KEPT == TAPE_LINES_KEPT - 1) {
            sx__arena_free(parser->arena);
            parser->arena = sx__arena_new();
        }
        ok = tape_line(tape, line);
    }
    sx__arena_free(parser->arena);
    if (ok && !tape->ended) {
        parser->line_failed = false;
        sx__fail_line(parser, script->line_count > 0 ? script->line_count - 1 : 0, 0,
                      "the tape is cut: its last line must be 'end N faults'");
    }
    return ok && tape->ended;
}

bool sx_parse_tape(const char *path, const char *text, size_t size, const struct sx_world *world,
                   bool (*take)(void *ctx, const struct sx_statement *statement), void *ctx,
                   FILE *errors)
{
    struct sx__arena *arena = sx__arena_new();
    struct sx_script *script = sx__alloc(arena, sizeof(*script));
    struct sx__parser *parser = sx__alloc(arena, sizeof(*parser));
    struct sx_world *names = sx__alloc(arena, sizeof(*names));
    struct tape tape = {.parser = parser, .take = take, .ctx = ctx};

    script->path = path;
    *names = *world;
    parser->arena = arena;
    parser->script = script;
    parser->errors = errors;
    parser->world = names;
    parser->text = "";
    sx__split_lines(parser, text, size);
    bool ok = parser->error_count == 0 && tape_lines(&tape);
    sx__arena_free(arena);
    return ok;
}
