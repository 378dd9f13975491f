/* The parser: a file as lines, lines as header and steps, steps as blocks. After an error it goes
 * on with the next line. Nothing here is recursive but blocks, and their depth is bounded.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum parse_end { PARSE_END_FILE, PARSE_END_BRACE, PARSE_END_OR, PARSE_END_SECTION };

static bool parse_block(struct sx__parser *parser, struct sx_step *step, size_t depth);

/* ---- lines ---- */

/* Cuts a copy of the text into lines; tells zero bytes and lines that are too long. */
void sx__split_lines(struct sx__parser *parser, const char *text, size_t size)
{
    struct sx_script *script = parser->script;
    char *copy = sx__alloc(parser->arena, size + 1);
    memcpy(copy, text, size);
    const char **lines = NULL;

    for (size_t start = 0; start < size;) {
        char *newline = memchr(copy + start, '\n', size - start);
        size_t end = newline != NULL ? (size_t)(newline - copy) : size;
        lines = sx__grow(parser->arena, lines, script->line_count, sizeof(*lines));
        lines[script->line_count++] = copy + start;
        script->lines = lines;
        copy[end] = '\0';
        if (memchr(copy + start, '\0', end - start) != NULL) {
            sx__fail_line(parser, script->line_count - 1, strlen(copy + start),
                          "a zero byte: this is no text");
        } else if (end - start > SX_LINE_BYTES_MAX) {
            copy[start + SX_LINE_BYTES_MAX] = '\0';
            sx__fail_line(parser, script->line_count - 1, SX_LINE_BYTES_MAX - 1,
                          "a line has at most %d bytes, this has %zu", SX_LINE_BYTES_MAX,
                          end - start);
        } else if (end > start && copy[end - 1] == '\r') {
            copy[end - 1] = '\0';
        }
        start = end + 1;
    }
}

/* The text of a comment, from behind its #, as a line of its own. */
static void parse_comment(struct sx__parser *parser, const char *text)
{
    size_t size;
    text += *text == ' ';
    size = strlen(text);
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) {
        size--;
    }
    sx__text_add(&parser->comments, text, size);
    sx__text_add(&parser->comments, "\n", 1);
}

/* The comments since the last call, NULL if there are none. */
static const char *parse_take_comments(struct sx__parser *parser)
{
    if (parser->comments.size == 0) {
        return NULL;
    }
    const char *taken = sx__string(parser->arena, parser->comments.data, parser->comments.size);
    parser->comments.size = 0;
    return taken;
}

/* Goes to the next line that says something; false at the end of the file. */
static bool parse_next_line(struct sx__parser *parser)
{
    while (parser->next_line < parser->script->line_count && parser->error_count < SX_ERRORS_MAX) {
        parser->line = parser->next_line++;
        parser->line_failed = false;
        parser->text = parser->script->lines[parser->line];
        const char *start = parser->text + strspn(parser->text, " \t");
        if (*start == '#') {
            parse_comment(parser, start + 1);
        } else if (*start != '\0') {
            sx__lex_from(parser, 0);
            return true;
        }
    }
    return false;
}

/* What ends every line: a comment, or nothing. */
static void parse_finish_line(struct sx__parser *parser)
{
    if (parser->line_failed) {
        sx__taint_line(parser);
    } else if (parser->text[parser->token.start] == '#') {
        parse_comment(parser, parser->text + parser->token.start + 1);
    }
}

static bool parse_at_section(const struct sx__parser *parser)
{
    return sx__is_word(parser, "setup") || sx__is_word(parser, "test");
}

/* ---- steps ---- */

static const struct sx__step_word *parse_step_word(struct sx__parser *parser)
{
    const struct sx__token *token = &parser->token;
    const char *words[24] = {NULL};
    size_t size = token->end - token->start, i;

    for (i = 0; sx__step_words[i].word != NULL; i++) {
        words[i] = sx__step_words[i].word;
        if (strlen(words[i]) == size && strncmp(parser->text + token->start, words[i], size) == 0) {
            return &sx__step_words[i];
        }
    }
    if (token->kind == SX__NAME) {
        sx__unknown(parser, token->start, "step", token->name, words);
    } else {
        sx__expected(parser, "a step (->, <-, ==, do, ...)");
    }
    return NULL;
}

/* Passes over a block of unknown kind, or one too deep: its lines would only repeat the error. */
static void parse_skip_block(struct sx__parser *parser)
{
    for (size_t depth = 1; depth > 0 && parse_next_line(parser);) {
        if (parse_at_section(parser)) {
            parser->next_line = parser->line;
            return;
        }
        if (sx__is_symbol(parser, '}')) {
            depth--;
        } else {
            depth += sx__is_word(parser, "any") || sx__is_word(parser, "one_of") ||
                     sx__is_word(parser, "repeat") || sx__is_word(parser, "when");
        }
    }
}

static bool parse_ends_in_brace(const char *text)
{
    size_t size = strlen(text);
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) {
        size--;
    }
    return size > 1 && text[size - 1] == '{';
}

/* One step, with its blocks. */
static bool parse_step(struct sx__parser *parser, struct sx_step *step, size_t depth)
{
    *step = (struct sx_step){.line = (int)parser->line + 1};
    const struct sx__step_word *row = parse_step_word(parser);
    if (row == NULL) {
        parse_finish_line(parser);
        if (parse_ends_in_brace(parser->text)) {
            parse_skip_block(parser);
        }
        return false;
    }
    if (++parser->step_count > SX_STEPS_MAX) {
        sx__fail(parser, 0, "a script has at most %d steps", SX_STEPS_MAX);
        parser->next_line = parser->script->line_count;
        return false;
    }
    step->kind = row->kind;
    sx__advance(parser);
    bool ok = row->parse(parser, step) && sx__parse_rules(parser, step) && sx__want_end(parser);
    bool failed = parser->line_failed;
    parse_finish_line(parser);
    step->comment = parse_take_comments(parser);
    if (!row->block || (failed && !parse_ends_in_brace(parser->text))) {
        return ok && !failed;
    }
    if (depth == SX_BLOCK_DEPTH_MAX) {
        sx__fail(parser, 0, "blocks are at most %d deep", SX_BLOCK_DEPTH_MAX);
        parse_skip_block(parser);
        return false;
    }
    return parse_block(parser, step, depth + 1) && !failed;
}

/* What the steps of some block must be. */
static bool parse_fits_block(struct sx__parser *parser, const struct sx_step *block,
                             const struct sx_step *step, size_t index)
{
    bool pattern = step->kind == SX_EXPECT;
    bool event = step->kind == SX_DELIVER || step->kind == SX_RESULT || step->kind == SX_STATE;
    size_t line = (size_t)step->line - 1;

    if (block->kind == SX_ANY && !pattern) {
        return sx__fail_line(parser, line, 0,
                             "'any' holds only '<-' and 'maybe <-'; is its '}' missing?");
    }
    if (block->kind == SX_ONE_OF && index == 0 && (!pattern || step->optional) && !event) {
        return sx__fail_line(parser, line, 0,
                             "a block of 'one_of' begins with '<-' or '==', by which it is chosen");
    }
    return true;
}

/* Steps up to what ends them. `block`: the step whose block this is, NULL for setup and test. */
static enum parse_end parse_steps(struct sx__parser *parser, const struct sx_step *block,
                                  struct sx_block *out, size_t depth)
{
    struct sx_step *steps = NULL;
    bool fits = block != NULL; /* told once: a missing brace would make an error of every line */

    while (parse_next_line(parser)) {
        size_t mark = parser->names.count;
        if (parse_at_section(parser)) {
            parser->next_line = parser->line;
            return PARSE_END_SECTION;
        }
        bool brace = sx__is_symbol(parser, '}');
        if (block != NULL && (brace || sx__is_word(parser, "or"))) {
            sx__advance(parser);
            sx__want_end(parser);
            parse_finish_line(parser);
            return brace ? PARSE_END_BRACE : PARSE_END_OR;
        }
        if (brace) {
            sx__fail(parser, parser->token.start, "'}' closes nothing");
            continue;
        }
        steps = sx__grow(parser->arena, steps, out->count, sizeof(*steps));
        struct sx_step *step = &steps[out->count];
        bool ok = parse_step(parser, step, depth);
        fits = fits && ok && parse_fits_block(parser, block, step, out->count);
        if (block != NULL && block->kind == SX_ANY) {
            sx__set_sight(parser, mark, SX__SIBLING);
        }
        out->count += ok;
        out->steps = steps;
    }
    return PARSE_END_FILE;
}

/* The blocks of `step` up to its brace. */
static bool parse_block(struct sx__parser *parser, struct sx_step *step, size_t depth)
{
    size_t line = parser->line, mark = parser->names.count, errors = parser->error_count;
    struct sx_block *blocks = NULL;
    enum parse_end end;

    parser->repeat_depth += step->kind == SX_REPEAT;
    do {
        size_t alternative = parser->names.count;
        blocks = sx__grow(parser->arena, blocks, step->block_count, sizeof(*blocks));
        struct sx_block *block = &blocks[step->block_count++];
        *block = (struct sx_block){0};
        step->blocks = blocks;
        end = parse_steps(parser, step, block, depth);
        if (end == PARSE_END_OR && step->kind != SX_ONE_OF) {
            sx__fail_line(parser, parser->line, 0, "'or' belongs into 'one_of'");
        }
        if (block->count == 0 && errors == parser->error_count && end != PARSE_END_FILE) {
            sx__fail_line(parser, parser->line, 0, "this block is empty");
        }
        if (step->kind == SX_ONE_OF) {
            sx__set_sight(parser, alternative, SX__ALTERNATIVE);
        }
    } while (end == PARSE_END_OR);
    parser->repeat_depth -= step->kind == SX_REPEAT;
    sx__set_sight(parser, mark, SX__VISIBLE);
    if (step->kind == SX_WHEN) {
        sx__set_maybe(parser, mark);
    }
    if (end != PARSE_END_BRACE) {
        sx__fail_line(parser, line, 0, "this block is never closed with '}'");
    }
    return errors == parser->error_count;
}

/* ---- the whole ---- */

static void parse_header(struct sx__parser *parser)
{
    while (parse_next_line(parser)) {
        bool world = sx__is_word(parser, "world");
        if (world) {
            parser->world = parser->script->world =
                sx__alloc(parser->arena, sizeof(*parser->world));
        }
        if (world || parse_at_section(parser)) {
            parser->next_line = parser->line;
            break;
        }
        sx__parse_header_line(parser);
        parse_finish_line(parser);
    }
    const char *story = parse_take_comments(parser);
    parser->script->story = story != NULL ? story : "";
    sx__check_header(parser);
}

static void parse_sections(struct sx__parser *parser)
{
    struct sx_script *script = parser->script;
    bool setup = false, test = false;

    while (parse_next_line(parser)) { /* stands at setup or test */
        bool is_test = sx__is_word(parser, "test");
        if (is_test ? test : setup || test) {
            sx__fail(parser, 0,
                     is_test || setup ? "'%s' is given twice" : "'%s' must come before 'test'",
                     parser->token.name);
        }
        setup |= !is_test;
        test |= is_test;
        sx__advance(parser);
        sx__want_end(parser);
        parse_finish_line(parser);
        struct sx_block section = {0};
        parse_steps(parser, NULL, &section, 0);
        *(is_test ? &script->test : &script->setup) = section;
    }
    if (!test && parser->error_count < SX_ERRORS_MAX) {
        sx__fail_line(parser, parser->line, 0, "the script has no 'test'");
    }
}

/* The statements of a scenario. */
static void parse_world(struct sx__parser *parser)
{
    struct sx_world *world = parser->world;
    struct sx_statement *statements = NULL;

    parse_next_line(parser); /* stands at world */
    sx__advance(parser);
    sx__want_end(parser);
    parse_finish_line(parser);
    while (parse_next_line(parser)) {
        if (++parser->step_count > SX_STEPS_MAX) {
            sx__fail(parser, 0, "a script has at most %d steps", SX_STEPS_MAX);
            return;
        }
        statements = sx__grow(parser->arena, statements, world->count, sizeof(*statements));
        struct sx_statement *statement = &statements[world->count];
        bool ok = sx__parse_statement(parser, statement, SX_IN_WORLD) && !parser->line_failed;
        parse_finish_line(parser);
        statement->comment = parse_take_comments(parser);
        world->count += ok;
        world->statements = statements;
    }
}

/* What can only be said of a script without other errors. */
static void parse_check_whole(struct sx__parser *parser)
{
    const struct sx_script *script = parser->script;
    const struct sx_block *test = &script->test;

    if (parser->error_count > 0) {
        return;
    }
    if (script->world == NULL &&
        (test->count == 0 || test->steps[test->count - 1].kind != SX_QUIET)) {
        sx__fail_line(parser, parser->line, 0,
                      "the last step must be 'quiet': nothing more may come");
    }
    if (sx__has_need(script, "stream") && sx__has_need(script, "datagram")) {
        sx__fail_line(parser, 0, 0, "this needs 'stream' and 'datagram': no network is both");
    }
    sx__tell_unused(parser);
}

static void parse_whole(struct sx__parser *parser, const char *text, size_t size)
{
    if (size > SX_SCRIPT_BYTES_MAX) {
        sx__fail_line(parser, 0, 0, "a script has at most %d bytes", SX_SCRIPT_BYTES_MAX);
        return;
    }
    sx__split_lines(parser, text, size);
    if (parser->error_count > 0) {
        return; /* no text: nothing to be said about its words */
    }
    parser->text = "";
    parse_header(parser);
    if (parser->world != NULL) {
        parse_world(parser);
    } else {
        parse_sections(parser);
    }
    parse_check_whole(parser);
}

struct sx_script *sx_parse(const char *path, const char *text, size_t size, FILE *errors,
                           size_t *error_count)
{
    struct sx__arena *arena = sx__arena_new();
    struct sx_script *script = sx__alloc(arena, sizeof(*script));
    struct sx__parser *parser = sx__alloc(arena, sizeof(*parser));

    script->memory = arena;
    script->path = sx__string(arena, path, strlen(path));
    script->id = script->story = "";
    script->case_count = 1;
    parser->arena = arena;
    parser->script = script;
    parser->errors = errors;
    parse_whole(parser, text, size);
    sx__text_clear(&parser->comments);
    if (error_count != NULL) {
        *error_count = parser->error_count;
    }
    if (parser->error_count > 0) {
        sx__arena_free(arena);
        return NULL;
    }
    return script;
}

static struct sx_script *parse_unreadable(const char *path, FILE *errors, size_t *error_count)
{
    if (errors != NULL) {
        fprintf(errors, "%s: error: cannot read it: %s\n", path, strerror(errno));
    }
    if (error_count != NULL) {
        *error_count = 1;
    }
    return NULL;
}

struct sx_script *sx_parse_file(const char *path, FILE *errors, size_t *error_count)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(SX_SCRIPT_BYTES_MAX + 1);
    struct sx_script *script = NULL;

    if (file != NULL && text != NULL) {
        errno = 0;
        size_t size = fread(text, 1, SX_SCRIPT_BYTES_MAX + 1, file); /* one more: too long */
        script = ferror(file) ? parse_unreadable(path, errors, error_count)
                              : sx_parse(path, text, size, errors, error_count);
    } else {
        parse_unreadable(path, errors, error_count);
    }
    if (file != NULL) {
        fclose(file);
    }
    free(text);
    return script;
}

void sx_script_free(struct sx_script *script)
{
    if (script != NULL) {
        sx__arena_free(script->memory);
    }
}
