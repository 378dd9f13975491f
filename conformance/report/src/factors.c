/* What the cases of a script that fail have in common: the value of a parameter, or the values of
 * two or three together, that a failing case has and no passing one. The fewest values that explain
 * every failing case are named; where others explain the same cases, those too, since the cases
 * that were run do not tell them apart.
 *
 * Rests on the lines alone: what was read back names the same.
 * SPDX-License-Identifier: MIT */
#include "internal.h"

#include <string.h>

enum { FACTORS_TOGETHER_MAX = 3 };

/* The cases of one script that were decided, as numbers. */
struct factors {
    const char *id;
    const char **names; /* of parameters */
    size_t width;
    json_t **values; /* by parameter: list of texts */
    int **cases;     /* by case: index into values, by parameter; failing ones first */
    size_t failing, count;
};

/* Values together, and the failing cases they are in. */
struct factor {
    size_t width;
    size_t params[FACTORS_TOGETHER_MAX];
    int values[FACTORS_TOGETHER_MAX];
    bool *in;
};

struct factor_list {
    struct factor *items;
    size_t count;
};

/* ---- the cases ---- */

static bool factors_fails(const struct conform_report_case *entry)
{
    return entry->verdict == CONFORM_FAIL || entry->verdict == CONFORM_CRASH ||
           entry->verdict == CONFORM_HANG;
}

static bool factors_passes(const struct conform_report_case *entry)
{
    return entry->verdict == CONFORM_PASS || entry->verdict == CONFORM_ADVISORY;
}

static int factors_value(json_t *values, const char *text)
{
    size_t index;
    json_t *value;
    json_array_foreach(values, index, value)
    {
        if (strcmp(json_string_value(value), text) == 0)
            return (int)index;
    }
    json_array_append_new(values, json_string(text));
    return (int)index;
}

static void factors_begin(struct factors *f, const struct conform_report_case *first)
{
    const char *name;
    json_t *value;
    *f = (struct factors){.id = first->id};
    f->names = calloc(json_object_size(first->params) + 1, sizeof *f->names);
    f->values = calloc(json_object_size(first->params) + 1, sizeof(json_t *));
    SIPC_ASSERT(f->names != NULL && f->values != NULL);
    json_object_foreach(first->params, name, value)
    {
        f->names[f->width] = name;
        f->values[f->width++] = json_array();
    }
}

static void factors_add(struct factors *f, const struct conform_report_case *entry)
{
    int *values = calloc(f->width + 1, sizeof *values);
    int **cases = realloc(f->cases, (f->count + 1) * sizeof *cases);
    SIPC_ASSERT(values != NULL && cases != NULL);
    for (size_t p = 0; p < f->width; p++)
        values[p] = factors_value(f->values[p], report__text(entry->params, f->names[p]));
    f->cases = cases;
    cases[f->count++] = values;
}

static void factors_clear(struct factors *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->cases[i]);
    for (size_t p = 0; p < f->width; p++)
        json_decref(f->values[p]);
    free(f->cases);
    free(f->values);
    free(f->names);
}

/* The cases of the script that `first` is of, if it is the first of them. */
static bool factors_gather(const struct conform_report *report, size_t first, struct factors *f)
{
    const struct conform_report_case *of = &report->cases[first];
    if (of->params == NULL)
        return false;
    for (size_t i = 0; i < first; i++)
        if (strcmp(report->cases[i].id, of->id) == 0)
            return false;
    factors_begin(f, of);
    for (int failing = 1; failing >= 0; failing--) {
        for (size_t i = first; i < report->case_count; i++) {
            const struct conform_report_case *entry = &report->cases[i];
            if (strcmp(entry->id, of->id) == 0 &&
                (failing ? factors_fails(entry) : factors_passes(entry)))
                factors_add(f, entry);
        }
        if (failing)
            f->failing = f->count;
    }
    return true;
}

/* ---- what they have in common ---- */

static bool factor_is_in(const struct factor *factor, const int *values)
{
    for (size_t i = 0; i < factor->width; i++)
        if (values[factor->params[i]] != factor->values[i])
            return false;
    return true;
}

/* Whether what `part` says is said by `whole` as well. */
static bool factor_holds(const struct factor *whole, const struct factor *part)
{
    size_t found = 0;
    for (size_t i = 0; i < part->width; i++)
        for (size_t k = 0; k < whole->width; k++)
            found += part->params[i] == whole->params[k] && part->values[i] == whole->values[k];
    return found == part->width;
}

/* Takes `factor` into the list if no passing case has it, and nothing in the list says as much. */
static void factor_try(const struct factors *f, struct factor_list *list, struct factor factor)
{
    for (size_t i = 0; i < list->count; i++)
        if (factor_holds(&factor, &list->items[i]))
            return;
    for (size_t i = f->failing; i < f->count; i++)
        if (factor_is_in(&factor, f->cases[i]))
            return;
    factor.in = calloc(f->failing + 1, sizeof *factor.in);
    list->items = realloc(list->items, (list->count + 1) * sizeof *list->items);
    SIPC_ASSERT(factor.in != NULL && list->items != NULL);
    for (size_t i = 0; i < f->failing; i++)
        factor.in[i] = factor_is_in(&factor, f->cases[i]);
    list->items[list->count++] = factor;
}

/* All choices of `width` values of the case, from `first` on. */
static void factor_choose(const struct factors *f, struct factor_list *list, struct factor *chosen,
                          size_t width, size_t first, const int *values)
{
    if (chosen->width == width) {
        factor_try(f, list, *chosen);
        return;
    }
    for (size_t p = first; p < f->width; p++) {
        if (json_array_size(f->values[p]) < 2)
            continue; /* the same in all cases */
        chosen->params[chosen->width] = p;
        chosen->values[chosen->width++] = values[p];
        factor_choose(f, list, chosen, width, p + 1, values);
        chosen->width--;
    }
}

static size_t factor_explains(const struct factor *factor, const bool *explained, size_t failing)
{
    size_t count = 0;
    for (size_t i = 0; i < failing; i++)
        count += factor->in[i] && !explained[i];
    return count;
}

/* Fills the list with single values, then pairs, then triples, until each failing case has one. */
static bool factors_explain(const struct factors *f, struct factor_list *list)
{
    for (size_t width = 1; width <= FACTORS_TOGETHER_MAX && width <= f->width; width++) {
        size_t explained = 0;
        for (size_t i = 0; i < f->failing; i++) {
            struct factor chosen = {0};
            factor_choose(f, list, &chosen, width, 0, f->cases[i]);
        }
        for (size_t i = 0; i < f->failing; i++)
            for (size_t k = 0; k < list->count; k++)
                if (list->items[k].in[i]) {
                    explained++;
                    break;
                }
        if (explained == f->failing)
            return true;
    }
    return false;
}

/* ---- telling it ---- */

static json_t *factor_values(const struct factors *f, const struct factor *factor)
{
    json_t *values = json_object();
    for (size_t i = 0; i < factor->width; i++)
        json_object_set(values, f->names[factor->params[i]],
                        json_array_get(f->values[factor->params[i]], (size_t)factor->values[i]));
    return values;
}

/* One reason: the values, how many failing cases have them, and what else is in just these. */
static json_t *factor_reason(const struct factors *f, const struct factor_list *list,
                             const struct factor *best)
{
    json_t * or = json_array();
    size_t count = 0;
    for (size_t i = 0; i < f->failing; i++)
        count += best->in[i];
    for (size_t k = 0; k < list->count; k++)
        if (&list->items[k] != best &&
            memcmp(list->items[k].in, best->in, f->failing * sizeof *best->in) == 0)
            json_array_append_new(or, factor_values(f, &list->items[k]));
    return json_pack("{s:o, s:I, s:o}", "values", factor_values(f, best), "cases",
                     (json_int_t)count, "or", or);
}

/* The fewest reasons that explain all: the one that explains most, then of the rest again. */
static json_t *factors_reasons(const struct factors *f, const struct factor_list *list)
{
    json_t *reasons = json_array();
    bool *explained = calloc(f->failing + 1, sizeof *explained);
    SIPC_ASSERT(explained != NULL);
    for (;;) {
        const struct factor *best = NULL;
        size_t most = 0;
        for (size_t k = 0; k < list->count; k++) {
            const size_t count = factor_explains(&list->items[k], explained, f->failing);
            if (count > most) {
                most = count;
                best = &list->items[k];
            }
        }
        if (best == NULL)
            break;
        json_array_append_new(reasons, factor_reason(f, list, best));
        for (size_t i = 0; i < f->failing; i++)
            explained[i] = explained[i] || best->in[i];
    }
    free(explained);
    return reasons;
}

static json_t *factors_of(const struct factors *f)
{
    struct factor_list list = {0};
    json_t *reasons = f->count > f->failing && factors_explain(f, &list) ? factors_reasons(f, &list)
                                                                         : json_array();
    for (size_t i = 0; i < list.count; i++)
        free(list.items[i].in);
    free(list.items);
    return json_pack("{s:s, s:I, s:I, s:o}", "id", f->id, "failing", (json_int_t)f->failing,
                     "passing", (json_int_t)(f->count - f->failing), "reasons", reasons);
}

json_t *report__factors(const struct conform_report *report)
{
    json_t *all = json_array();
    for (size_t i = 0; i < report->case_count; i++) {
        struct factors f;
        if (!factors_fails(&report->cases[i]) && !factors_passes(&report->cases[i]))
            continue;
        if (!factors_gather(report, i, &f))
            continue;
        if (f.failing > 0 && f.count > 1)
            json_array_append_new(all, factors_of(&f));
        factors_clear(&f);
    }
    return all;
}

static void factors_print_values(json_t *values, FILE *out)
{
    const char *name;
    json_t *value;
    const char *between = "";
    json_object_foreach(values, name, value)
    {
        fprintf(out, "%s%s=%s", between, name, json_string_value(value));
        between = " and ";
    }
}

/* What else is in just the same cases: the first, and how many more. */
static void factors_print_others(const json_t *others, FILE *out)
{
    const size_t count = json_array_size(others);
    if (count == 0)
        return;
    fputs(" (or, in just the same cases, ", out);
    factors_print_values(json_array_get(others, 0), out);
    if (count > 1)
        fprintf(out, ", or %zu more such", count - 1);
    fputc(')', out);
}

/* "of 9 that fail 6 have size=0, ...": the part that names the values. */
static void factors_print_reasons(const json_t *factor, FILE *out)
{
    const json_t *reasons = json_object_get(factor, "reasons");
    const long long failing = (long long)report__number(factor, "failing");
    const size_t count = json_array_size(reasons);
    size_t index;
    json_t *reason;
    if (count > 1)
        fprintf(out, "of %lld that fail, ", failing);
    json_array_foreach(reasons, index, reason)
    {
        const long long cases = (long long)report__number(reason, "cases");
        if (count > 1)
            fprintf(out, "%s%lld %s ",
                    index == 0           ? ""
                    : index + 1 == count ? ", and "
                                         : ", ",
                    cases, cases == 1 ? "has" : "have");
        else
            fprintf(out, failing == 1 ? "the one that fails has " : "all %lld that fail have ",
                    failing);
        factors_print_values(json_object_get(reason, "values"), out);
        factors_print_others(json_object_get(reason, "or"), out);
    }
}

char *report__factor_text(const json_t *factor)
{
    const long long failing = (long long)report__number(factor, "failing");
    const long long passing = (long long)report__number(factor, "passing");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    SIPC_ASSERT(out != NULL);
    if (passing == 0) {
        fprintf(out, "all %lld fail, whatever the parameters", failing);
    } else if (json_array_size(json_object_get(factor, "reasons")) == 0) {
        fprintf(out, "%lld fail, %lld pass: no values of up to %d parameters set them apart",
                failing, passing, FACTORS_TOGETHER_MAX);
    } else {
        factors_print_reasons(factor, out);
        fprintf(out, "; of the %lld that pass, none", passing);
    }
    fclose(out);
    return text;
}
