/* Brings a file of known failures up to date with a run, so that the same run is as expected.
 *
 * A line stays as it is, comments too, if all cases it names failed as it says, or were not run.
 * Else a line for each of those takes its place. What failed and is not known comes at the end. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct fix {
    const struct cli_known *known;
    const struct cli_suite *suite;
    const struct conform_report *report;
    FILE *out;
    size_t kept, gone, added;
};

/* Whether a line may go on naming this case: it failed so, or this run says nothing of it. */
static bool fix_stands(const struct fix *fix, const struct cli_case *named)
{
    const struct conform_report_case *result = cli_known_case(fix->report, named->name);
    return result == NULL || result->verdict == CONFORM_ERROR ||
           (cli_known_blame(result->verdict, result->rule) != NULL && result->known != NULL);
}

static void fix_line(const char *name, const char *blame, const char *reason, FILE *out)
{
    fprintf(out, "%s%s%s  # ", name, blame == NULL ? "" : "  ", blame == NULL ? "" : blame);
    for (const char *c = reason; *c != '\0'; c++)
        fputc(iscntrl((unsigned char)*c) ? ' ' : *c, out);
    fputc('\n', out);
}

/* An entry, whose line is `text`. */
static void fix_entry(struct fix *fix, const struct cli_known_entry *entry, const char *text)
{
    size_t named = 0, standing = 0;
    for (size_t i = 0; i < fix->suite->case_count; i++) {
        const struct cli_case *one = &fix->suite->cases[i];
        if (!cli_known_names(entry, one->name, one->script->id))
            continue;
        named++;
        standing += fix_stands(fix, one);
    }
    fix->kept += standing;
    fix->gone += named - standing;
    if (named == 0)
        fix->gone++;
    if (standing == named && named > 0) {
        fputs(text, fix->out);
        return;
    }
    for (size_t i = 0; standing > 0 && i < fix->suite->case_count; i++) {
        const struct cli_case *one = &fix->suite->cases[i];
        if (cli_known_names(entry, one->name, one->script->id) && fix_stands(fix, one))
            fix_line(one->name, entry->blame, entry->reason, fix->out);
    }
}

/* The lines of the old file, those of entries looked at. */
static bool fix_old(struct fix *fix)
{
    FILE *file = fopen(fix->known->path, "r");
    if (file == NULL)
        return errno == ENOENT;
    char *line = NULL;
    size_t capacity = 0, next = 0;
    for (int number = 1; getline(&line, &capacity, file) != -1; number++) {
        const size_t size = strlen(line);
        const bool whole = size > 0 && line[size - 1] == '\n';
        char *text = NULL;
        const int length = asprintf(&text, "%s%s", line, whole ? "" : "\n");
        SIPC_ASSERT(length >= 0);
        if (next < fix->known->count && fix->known->entries[next].line == number)
            fix_entry(fix, &fix->known->entries[next++], text);
        else
            fputs(text, fix->out);
        free(text);
    }
    free(line);
    const bool ok = !ferror(file);
    fclose(file);
    return ok;
}

static void fix_new(struct fix *fix)
{
    for (size_t i = 0; i < fix->report->case_count; i++) {
        const struct conform_report_case *result = &fix->report->cases[i];
        const char *blame = cli_known_blame(result->verdict, result->rule);
        if (blame == NULL || result->known != NULL)
            continue;
        char *reason = NULL;
        const int length = asprintf(&reason, "to be explained: %s",
                                    result->reason == NULL ? "it fails" : result->reason);
        SIPC_ASSERT(length >= 0);
        fix_line(result->name,
                 result->verdict == CONFORM_FAIL && result->rule == NULL ? NULL : blame, reason,
                 fix->out);
        free(reason);
        fix->added++;
    }
}

bool cli_known_fix(const struct cli_known *known, const struct cli_suite *suite,
                   const struct conform_report *report, FILE *people)
{
    char *text = NULL;
    size_t size = 0;
    struct fix fix = {.known = known, .suite = suite, .report = report};
    fix.out = open_memstream(&text, &size);
    SIPC_ASSERT(fix.out != NULL);
    bool ok = fix_old(&fix);
    fix_new(&fix);
    fclose(fix.out);
    if (!ok)
        fprintf(stderr, "sipc: %s: %s\n", known->path, strerror(errno));
    FILE *file = ok ? cli_outputs_open(known->path) : NULL;
    ok = file != NULL;
    if (ok) {
        fwrite(text, 1, size, file);
        ok = cli_outputs_close(file, known->path);
    }
    free(text);
    if (ok)
        fprintf(people, "known failures: %zu stay, %zu go, %zu come (%s)\n", fix.kept, fix.gone,
                fix.added, known->path);
    return ok;
}
