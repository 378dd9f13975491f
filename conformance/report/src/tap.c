/* TAP version 14. Unsupported and inconclusive cases are SKIP, known failures TODO, a run that
 * stopped early bails out. Diagnostics are the text a person gets. */
#include "internal.h"

#include <string.h>

/* On one line, # and \ escaped: a # begins a directive. */
static void tap_description(const char *text, FILE *out)
{
    char *line = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&line, &size);
    SIPC_ASSERT(memory != NULL);
    report__escape(text, REPORT_LINE, memory);
    fclose(memory);
    for (const char *c = line; *c != '\0'; c++) {
        if (*c == '#' || *c == '\\')
            fputc('\\', out);
        fputc(*c, out);
    }
    free(line);
}

static void tap_diagnostics(const struct conform_report *report,
                            const struct conform_report_case *entry, FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    SIPC_ASSERT(memory != NULL);
    conform_report_print_case(report, entry, memory, false);
    fclose(memory);
    for (const char *line = text; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        fprintf(out, "# %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    free(text);
}

static void tap_case(const struct conform_report *report, size_t index, FILE *out)
{
    const struct conform_report_case *entry = &report->cases[index];
    const bool red = conform_report_case_is_red(entry);
    const bool failed = entry->verdict == CONFORM_FAIL || entry->verdict == CONFORM_CRASH ||
                        entry->verdict == CONFORM_HANG;
    const bool skipped =
        entry->verdict == CONFORM_UNSUPPORTED || entry->verdict == CONFORM_INCONCLUSIVE;

    fprintf(out, "%s %zu - ", red || failed ? "not ok" : "ok", index + 1);
    tap_description(entry->name, out);
    if (skipped) {
        fprintf(out, " # SKIP %s: ", conform_verdict_name(entry->verdict));
        tap_description(entry->reason == NULL ? "" : entry->reason, out);
    } else if (failed && !red) {
        fputs(" # TODO known failure: ", out);
        tap_description(entry->known, out);
    }
    fputc('\n', out);
    if (red && !failed && entry->known != NULL)
        fputs("# passes, but is a known failure\n", out);
    if (red || failed || entry->verdict == CONFORM_ADVISORY || entry->small_world != NULL)
        tap_diagnostics(report, entry, out);
}

void conform_report_write_tap(const struct conform_report *report, FILE *out)
{
    const json_t *problems = json_object_get(report->summary, "known_problems");
    const size_t problem_count = json_array_size(problems);
    fprintf(out, "TAP version 14\n1..%zu\n", report->case_count + problem_count);
    for (size_t i = 0; i < report->case_count; i++)
        tap_case(report, i, out);
    size_t index;
    json_t *problem;
    json_array_foreach(problems, index, problem)
    {
        fprintf(out, "not ok %zu - known failure ", report->case_count + index + 1);
        tap_description(report__text(problem, "entry"), out);
        fputs("\n# ", out);
        tap_description(report__text(problem, "problem"), out);
        fputc('\n', out);
    }
    const char *error = report->summary == NULL
                            ? "the run was killed"
                            : json_string_value(json_object_get(report->summary, "error"));
    if (error != NULL) {
        fputs("Bail out! ", out);
        tap_description(error, out);
        fputc('\n', out);
    }
}
