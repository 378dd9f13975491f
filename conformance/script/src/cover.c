/* A covering array: of many rows of values so few that any `cover` columns have all combinations of
 * values in them that any row has. Row by row the one is taken that has most of what no row taken
 * so far has, of several the first: the same on every machine, and after a look at all rows only
 * those whose last count could still be the greatest are counted again.
 *
 * Knows nothing of scripts but their parameters.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "internal.h"

/* A choice of columns; its combinations of values have bits of their own from `base`. */
struct cover_columns {
    size_t column[SX_COVER_MAX];
    size_t base;
};

struct cover {
    const struct sx_script *script;
    const uint16_t *rows;
    size_t width; /* columns in each choice */
    struct cover_columns *choices;
    size_t choice_count;
    bool *missing; /* by combination: some row has it, none that was taken */
};

static size_t cover_combination(const struct cover *cover, const struct cover_columns *choice,
                                size_t row)
{
    const uint16_t *values = &cover->rows[row * cover->script->param_count];
    size_t at = 0;
    for (size_t i = 0; i < cover->width; i++) {
        at = at * cover->script->params[choice->column[i]].count + values[choice->column[i]];
    }
    return choice->base + at;
}

static size_t cover_count(const struct cover *cover, size_t row)
{
    size_t count = 0;
    for (size_t i = 0; i < cover->choice_count; i++) {
        count += cover->missing[cover_combination(cover, &cover->choices[i], row)];
    }
    return count;
}

static void cover_mark(const struct cover *cover, size_t row, bool missing)
{
    for (size_t i = 0; i < cover->choice_count; i++) {
        cover->missing[cover_combination(cover, &cover->choices[i], row)] = missing;
    }
}

/* The next choice after `columns`, in lexical order; false: that was the last. */
static bool cover_next(size_t *columns, size_t width, size_t count)
{
    size_t at = width;
    while (at > 0 && columns[at - 1] == count - width + at - 1) {
        at--;
    }
    if (at == 0) {
        return false;
    }
    for (size_t next = ++columns[at - 1]; at < width; at++) {
        columns[at] = ++next;
    }
    return true;
}

static void cover_choose_columns(struct cover *cover)
{
    struct cover_columns now = {0};
    for (size_t i = 0; i < cover->width; i++) {
        now.column[i] = i;
    }
    do {
        struct cover_columns *grown =
            realloc(cover->choices, (cover->choice_count + 1) * sizeof(*grown));
        SIPC_ASSERT(grown != NULL);
        cover->choices = grown;
        grown[cover->choice_count++] = now;
        size_t combinations = 1;
        for (size_t i = 0; i < cover->width; i++) {
            combinations *= cover->script->params[now.column[i]].count;
        }
        now.base += combinations;
    } while (cover_next(now.column, cover->width, cover->script->param_count));
    cover->missing = calloc(now.base, sizeof(bool));
    SIPC_ASSERT(cover->missing != NULL);
}

void sx__cover(const struct sx_script *script, const uint16_t *rows, size_t row_count, bool *chosen)
{
    struct cover cover = {.script = script, .rows = rows, .width = (size_t)script->cover};
    size_t *counts = calloc(row_count, sizeof(size_t)); /* never less than it is now */

    SIPC_ASSERT(counts != NULL && cover.width <= script->param_count);
    cover_choose_columns(&cover);
    for (size_t row = 0; row < row_count; row++) {
        cover_mark(&cover, row, true);
        counts[row] = cover.choice_count;
    }
    for (;;) {
        size_t best = 0, best_count = 0;
        for (size_t row = 0; row < row_count; row++) {
            if (counts[row] > best_count) {
                counts[row] = cover_count(&cover, row);
            }
            if (counts[row] > best_count) {
                best = row;
                best_count = counts[row];
            }
        }
        if (best_count == 0) {
            break;
        }
        chosen[best] = true;
        cover_mark(&cover, best, false);
    }
    free(cover.choices);
    free(cover.missing);
    free(counts);
}
