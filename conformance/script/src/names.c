/* Names in scope: variables, labels of PDUs and operations, in the order of their lines. A line may
 * speak only of what a line before it has bound; what another line of the same `any`, or another
 * block of the same `one_of`, binds is out of sight until the block ends.
 *
 * Whatever is named on a line with an error is tainted: it counts as bound, so that one slip is
 * told once.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

static size_t names_bucket(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    }
    return hash % SX__NAME_BUCKETS;
}

/* A visible name, which is used thereby. */
static const struct sx__name *names_find(struct sx__parser *parser, enum sx__name_space space,
                                         const char *name)
{
    for (struct sx__name *n = parser->names.buckets[names_bucket(name)]; n != NULL; n = n->next) {
        if ((n->space == space || n->space == SX__TAINTED) && n->sight == SX__VISIBLE &&
            strcmp(n->name, name) == 0) {
            n->used = true;
            return n;
        }
    }
    return NULL;
}

/* The one of this name and space, in sight or not; marks nothing. */
static struct sx__name *names_known(const struct sx__parser *parser, enum sx__name_space space,
                                    const char *name)
{
    struct sx__name *known = parser->names.buckets[names_bucket(name)];
    while (known != NULL && (known->space != space || strcmp(known->name, name) != 0)) {
        known = known->next;
    }
    return known;
}

/* Adds a name, or binds one anew that is out of sight: there is one of each, however often it is
 * bound; `all` has a row for each binding. */
static struct sx__name *names_add(struct sx__parser *parser, enum sx__name_space space,
                                  const char *name, size_t column)
{
    struct sx__names *names = &parser->names;
    struct sx__name *added = names_known(parser, space, name);

    if (added == NULL) {
        struct sx__name **bucket = &names->buckets[names_bucket(name)];
        added = sx__alloc(parser->arena, sizeof(*added));
        *added = (struct sx__name){.space = space, .name = name, .next = *bucket};
        *bucket = added;
        names->variable_count += space == SX__VARIABLES;
    }
    added->sight = SX__VISIBLE;
    added->maybe = false;
    added->line = parser->line;
    added->column = column;
    names->all = sx__grow(parser->arena, names->all, names->count, sizeof(struct sx__name *));
    names->all[names->count++] = added;
    return added;
}

struct sx__name *sx__bind(struct sx__parser *parser, enum sx__name_space space, const char *name,
                          size_t column)
{
    const struct sx__name *known = names_known(parser, space, name);

    if (space == SX__VARIABLES) {
        if (known == NULL && parser->names.variable_count == SX_VARIABLES_MAX) {
            sx__fail(parser, column, "more than %d variables", SX_VARIABLES_MAX);
            return NULL;
        }
    } else if (known != NULL && known->sight != SX__ALTERNATIVE && !known->maybe) {
        sx__fail(parser, column, "%s%s is given twice, first in line %zu",
                 space == SX__LABELS ? "label #" : "operation ", name, known->line + 1);
        return NULL;
    }
    return names_add(parser, space, name, column);
}

/* ---- variables ---- */

static bool names_is_setting(const char *name)
{
    const struct sx__setting_word *setting = sx__setting_find(name);
    return setting != NULL && setting->type != SX__WORD;
}

bool sx__check_free_name(struct sx__parser *parser, const char *name, size_t column)
{
    if (sx__setting_find(name) != NULL) {
        return sx__fail(parser, column, "$%s is a setting: choose another name", name);
    }
    if (strcmp(name, "i") == 0 || strcmp(name, "length") == 0 || strcmp(name, "seed") == 0) {
        return sx__fail(parser, column, "$%s is the language's own: choose another name", name);
    }
    return true;
}

/* $i, $length, $seed and the settings; a world has hosts of its own, with settings of theirs. */
static bool names_is_given(const struct sx__parser *parser, const char *name)
{
    return (parser->repeat_depth > 0 && strcmp(name, "i") == 0) ||
           (parser->in_tamper && strcmp(name, "length") == 0) ||
           (parser->script->world == NULL && (strcmp(name, "seed") == 0 || names_is_setting(name)));
}

static bool names_unbound(struct sx__parser *parser, const char *name, size_t column)
{
    const char *near[SX_VARIABLES_MAX + 1] = {NULL};
    size_t count = 0;

    if (strcmp(name, "i") == 0) {
        return sx__fail(parser, column, "$i counts the turns of 'repeat': there is none here");
    }
    if (strcmp(name, "length") == 0) {
        return sx__fail(parser, column, "$length is only known in 'tamper'");
    }
    for (size_t i = 0; i < parser->names.count && count < SX_VARIABLES_MAX; i++) {
        const struct sx__name *known = parser->names.all[i];
        if (known->space == SX__VARIABLES && known->sight == SX__VISIBLE) {
            near[count++] = known->name;
        }
    }
    const char *nearest = sx__nearest(name, near);
    if (nearest != NULL) {
        return sx__fail(parser, column, "variable $%s is not bound here, did you mean $%s?", name,
                        nearest);
    }
    return sx__fail(parser, column, "variable $%s is not bound here", name);
}

bool sx__use_number(struct sx__parser *parser, const char *name, size_t column)
{
    if (names_is_given(parser, name)) {
        if (names_is_setting(name)) {
            parser->used_setting[sx__setting_find(name) - sx__setting_words] = true;
        }
        return true;
    }
    const struct sx__name *variable = names_find(parser, SX__VARIABLES, name);
    if (variable == NULL) {
        return names_unbound(parser, name, column);
    }
    if (variable->text) {
        return sx__fail(parser, column, "expected a number, $%s is a text", name);
    }
    return true;
}

bool sx__use_text(struct sx__parser *parser, const char *name, size_t column)
{
    const struct sx__name *variable = names_find(parser, SX__VARIABLES, name);
    if (names_is_given(parser, name) ||
        (variable != NULL && variable->space == SX__VARIABLES && !variable->text)) {
        return sx__fail(parser, column, "expected a text, $%s is a number", name);
    }
    return variable != NULL || names_unbound(parser, name, column);
}

bool sx__is_text_variable(struct sx__parser *parser, const char *name)
{
    const struct sx__name *variable = names_known(parser, SX__VARIABLES, name);
    return variable != NULL && variable->text;
}

bool sx__bind_or_use(struct sx__parser *parser, const char *name, size_t column)
{
    if (names_is_given(parser, name) || names_find(parser, SX__VARIABLES, name) != NULL) {
        return sx__use_number(parser, name, column);
    }
    return sx__check_free_name(parser, name, column) &&
           sx__bind(parser, SX__VARIABLES, name, column) != NULL;
}

bool sx__let(struct sx__parser *parser, const char *name, size_t column)
{
    const struct sx__name *variable = names_known(parser, SX__VARIABLES, name);
    if (variable != NULL && variable->param) {
        return sx__fail(parser, column, "$%s is a parameter: it cannot be changed", name);
    }
    return (variable != NULL && variable->sight == SX__VISIBLE) ||
           (sx__check_free_name(parser, name, column) &&
            sx__bind(parser, SX__VARIABLES, name, column) != NULL);
}

/* ---- labels and operations ---- */

bool sx__use_label(struct sx__parser *parser, const char *name, size_t column, bool from_sut)
{
    const struct sx__name *label = names_find(parser, SX__LABELS, name);
    if (label == NULL) {
        return sx__fail(parser, column, "no PDU before this line is labelled #%s", name);
    }
    if (from_sut && label->space == SX__LABELS && !label->from_sut) {
        return sx__fail(parser, column, "#%s was sent by the harness; a PDU of the SUT is needed",
                        name);
    }
    return true;
}

bool sx__use_operation(struct sx__parser *parser, const char *name, size_t column)
{
    return names_find(parser, SX__OPERATIONS, name) != NULL ||
           sx__fail(parser, column, "no 'do' before this line is labelled 'as %s'", name);
}

/* ---- sight, slips, leftovers ---- */

void sx__set_sight(struct sx__parser *parser, size_t from, enum sx__name_sight sight)
{
    for (size_t i = from; i < parser->names.count; i++) {
        parser->names.all[i]->sight = sight;
    }
}

void sx__set_maybe(struct sx__parser *parser, size_t from)
{
    for (size_t i = from; i < parser->names.count; i++) {
        parser->names.all[i]->maybe = true;
    }
}

void sx__taint_line(struct sx__parser *parser)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const char *at = parser->text;

    while (*at != '\0') {
        size_t size = strspn(at, letters);
        if (size > 0 && parser->error_count < SX_ERRORS_MAX) {
            names_add(parser, SX__TAINTED, sx__string(parser->arena, at, size), 0);
        }
        at += size > 0 ? size : 1;
    }
}

void sx__tell_unused(struct sx__parser *parser)
{
    for (size_t i = 0; i < parser->names.count; i++) {
        struct sx__name *name = parser->names.all[i];
        if (name->space != SX__VARIABLES || name->used) {
            continue;
        }
        name->used = true; /* told, for each time it is bound */
        if (name->param) {
            sx__fail_line(parser, name->line, name->column, "parameter '%s' is never used",
                          name->name);
        } else {
            sx__fail_line(parser, name->line, name->column,
                          "$%s is bound here but never used; write * if any value will do",
                          name->name);
        }
    }
}
