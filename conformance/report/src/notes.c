/* After the table: what wants a look. Failures in full, then what was not decided and why, many
 * cases with the same reason in one line. */
#include "internal.h"

#include <string.h>

static void notes_head(FILE *out, bool colour, const char *text)
{
    fprintf(out, "\n%s%s%s\n", colour ? "\033[1m" : "", text, colour ? "\033[0m" : "");
}

static void notes_failures(const struct conform_report *report, FILE *out, bool colour)
{
    for (size_t i = 0; i < report->case_count; i++) {
        const struct conform_report_case *entry = &report->cases[i];
        if (!conform_report_case_is_red(entry))
            continue;
        fputc('\n', out);
        if (entry->verdict == CONFORM_PASS || entry->verdict == CONFORM_ADVISORY) {
            notes_head(out, colour, "passes, but is a known failure");
            fputs("  ", out);
            report__escape(entry->name, REPORT_LINE, out);
            fputs(": ", out);
            report__escape(entry->known, REPORT_LINE, out);
            fputc('\n', out);
        } else {
            conform_report_print_case(report, entry, out, colour);
        }
    }
}

/* Such are many, and each is the link's doing. */
static const char *notes_link(const struct conform_report_case *entry)
{
    const bool touched = json_is_true(json_object_get(entry->link, "touched"));
    return touched && entry->verdict == CONFORM_INCONCLUSIVE
               ? "what the link did kept their rule from being tried"
               : NULL;
}

/* One line a case: "  NAME: why". */
static void notes_lines(const struct conform_report *report, FILE *out, bool colour,
                        const char *title, enum conform_verdict verdict, bool known)
{
    bool first = true;
    for (size_t i = 0; i < report->case_count; i++) {
        const struct conform_report_case *entry = &report->cases[i];
        const bool failed = entry->verdict == CONFORM_FAIL || entry->verdict == CONFORM_CRASH ||
                            entry->verdict == CONFORM_HANG;
        if (known ? !failed || entry->known == NULL
                  : entry->verdict != verdict || entry->known != NULL || notes_link(entry) != NULL)
            continue;
        if (first)
            notes_head(out, colour, title);
        first = false;
        fputs("  ", out);
        report__escape(entry->name, REPORT_LINE, out);
        fputs(": ", out);
        size_t index;
        json_t *id;
        json_array_foreach(entry->advisories, index, id)
        {
            if (!known)
                fprintf(out, "%s ", json_string_value(id));
        }
        const char *why = known ? entry->known : entry->reason;
        report__escape(why == NULL ? "" : why, REPORT_LINE, out);
        fputc('\n', out);
    }
}

static const char *notes_unsupported(const struct conform_report_case *entry)
{
    if (entry->verdict != CONFORM_UNSUPPORTED)
        return NULL;
    return entry->reason == NULL ? "no reason given" : entry->reason;
}

static const char *notes_small_world(const struct conform_report_case *entry)
{
    return entry->small_world;
}

/* One line for each thing that `say` has to say of cases: "  12 cases: reason". */
static void notes_counted(const struct conform_report *report, FILE *out, bool colour,
                          const char *title,
                          const char *(*say)(const struct conform_report_case *entry))
{
    json_t *said = json_object();
    for (size_t i = 0; i < report->case_count; i++) {
        const char *text = say(&report->cases[i]);
        if (text != NULL)
            json_object_set_new(said, text, json_integer(report__number(said, text) + 1));
    }
    if (json_object_size(said) > 0)
        notes_head(out, colour, title);
    const char *text;
    json_t *count;
    json_object_foreach(said, text, count)
    {
        const long long n = (long long)json_integer_value(count);
        fprintf(out, "  %lld %s: ", n, n == 1 ? "case" : "cases");
        report__escape(text, REPORT_LINE, out);
        fputc('\n', out);
    }
    json_decref(said);
}

static void notes_factors(const struct conform_report *report, FILE *out, bool colour)
{
    json_t *factors = report__factors(report);
    size_t index;
    json_t *factor;
    json_array_foreach(factors, index, factor)
    {
        char *text = report__factor_text(factor), *line = NULL;
        if (index == 0)
            notes_head(out, colour, "what failing cases of a script have in common");
        SIPC_ASSERT(asprintf(&line, "%s: %s", report__text(factor, "id"), text) >= 0);
        fputs("  ", out);
        conform_report_print_wrapped(line, 2, 4, out);
        free(line);
        free(text);
    }
    json_decref(factors);
}

void conform_report_print_notes(const struct conform_report *report, FILE *out, bool colour)
{
    notes_failures(report, out, colour);
    notes_factors(report, out, colour);
    notes_lines(report, out, colour, "known failures", CONFORM_FAIL, true);
    notes_lines(report, out, colour, "advisory rules not followed", CONFORM_ADVISORY, false);
    notes_lines(report, out, colour, "inconclusive", CONFORM_INCONCLUSIVE, false);
    notes_counted(report, out, colour, "inconclusive over the link", notes_link);
    notes_counted(report, out, colour, "unsupported", notes_unsupported);
    notes_counted(report, out, colour,
                  "run with settings that are NOT THE PROTOCOL'S (its own in brackets)",
                  notes_small_world);
    const json_t *problems = json_object_get(report->summary, "known_problems");
    size_t index;
    json_t *problem;
    json_array_foreach(problems, index, problem)
    {
        if (index == 0)
            notes_head(out, colour, "known failures that do not fail");
        fputs("  ", out);
        report__escape(report__text(problem, "problem"), REPORT_LINE, out);
        fputc('\n', out);
    }
    const char *error = json_string_value(json_object_get(report->summary, "error"));
    if (error != NULL) {
        notes_head(out, colour, "the run stopped");
        fputs("  ", out);
        report__escape(error, REPORT_TEXT, out);
        fputc('\n', out);
    }
}
