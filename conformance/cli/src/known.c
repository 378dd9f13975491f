/* Known failures: cases that are expected to fail, each with the reason why. They are run all the
 * same; an entry that does not fail any more, fails over something else than it names, or is not
 * run, turns the run red, so that the list cannot rot. */
#include "cli.h"

#include <errno.h>
#include <string.h>

bool cli_known_read(struct cli_known *known, const char *path, bool make)
{
    *known = (struct cli_known){.path = strdup(path)};
    SIPC_ASSERT(known->path != NULL);
    FILE *file = fopen(path, "r");
    if (file == NULL && make && errno == ENOENT)
        return true;
    if (file == NULL)
        fprintf(stderr, "%s: error: %s\n", path, strerror(errno));
    bool ok = file != NULL && cli_known_take(known, file, stderr);
    if (file != NULL)
        fclose(file);
    if (!ok)
        cli_known_clear(known);
    return ok;
}

bool cli_known_names(const struct cli_known_entry *entry, const char *name, const char *id)
{
    return cli_glob(entry->pattern, name) || cli_glob(entry->pattern, id);
}

const char *cli_known_blame(enum conform_verdict verdict, const char *rule)
{
    switch (verdict) {
    case CONFORM_FAIL:
        return rule == NULL ? "no rule" : rule;
    case CONFORM_CRASH:
        return "crash";
    case CONFORM_HANG:
        return "hang";
    default:
        return NULL;
    }
}

const char *cli_known_reason(const struct cli_known *known, const char *name, const char *id,
                             const char *blame)
{
    for (size_t i = 0; i < known->count; i++) {
        const struct cli_known_entry *entry = &known->entries[i];
        const bool fits = blame == NULL || entry->blame == NULL || strcmp(entry->blame, blame) == 0;
        if (fits && cli_known_names(entry, name, id))
            return entry->reason;
    }
    return NULL;
}

const struct conform_report_case *cli_known_case(const struct conform_report *report,
                                                 const char *name)
{
    for (size_t i = 0; i < report->case_count; i++)
        if (strcmp(report->cases[i].name, name) == 0)
            return &report->cases[i];
    return NULL;
}

/* Why a case that an entry names did not fail, or not so; NULL if it did, or passed (which is told
 * with the case itself). */
static const char *known_excuse(const struct cli_case *entry,
                                const struct conform_report_case *result)
{
    if (!entry->selected)
        return " did not fail: not selected";
    if (result == NULL)
        return " did not fail: not run, the run ended before it";
    switch (result->verdict) {
    case CONFORM_UNSUPPORTED:
        return " did not fail: unsupported";
    case CONFORM_INCONCLUSIVE:
        return " did not fail: inconclusive";
    case CONFORM_ERROR:
        return " did not fail: an error of the harness";
    case CONFORM_FAIL:
    case CONFORM_CRASH:
    case CONFORM_HANG:
        return result->known == NULL ? " fails over something else than this line says" : NULL;
    default:
        return NULL;
    }
}

static void known_problem(json_t *problems, const struct cli_known *known,
                          const struct cli_known_entry *entry, const char *name, const char *what)
{
    json_t *text = json_sprintf("%s:%d: %s%s", known->path, entry->line, name, what);
    json_array_append_new(problems,
                          json_pack("{s:s, s:o*}", "entry", entry->pattern, "problem", text));
}

/* The scripts' ids are what comes near a pattern. */
static void known_no_case(json_t *problems, const struct cli_known *known,
                          const struct cli_known_entry *entry, const struct cli_suite *suite)
{
    struct cli_words ids = {0};
    char *excuse = NULL;
    for (size_t i = 0; i < suite->script_count; i++)
        cli_words_add(&ids, suite->scripts[i]->id);
    char *near = cli_near(entry->pattern, ids.items, ids.count);
    const int size = asprintf(&excuse, "no case has such a name%s", near);
    SIPC_ASSERT(size >= 0);
    known_problem(problems, known, entry, "", excuse);
    free(excuse);
    free(near);
    cli_words_clear(&ids);
}

json_t *cli_known_problems(const struct cli_known *known, const struct cli_suite *suite,
                           const struct conform_report *report)
{
    json_t *problems = json_array();
    for (size_t e = 0; e < known->count; e++) {
        const struct cli_known_entry *entry = &known->entries[e];
        bool matched = false;
        for (size_t i = 0; i < suite->case_count; i++) {
            const struct cli_case *named = &suite->cases[i];
            if (!cli_known_names(entry, named->name, named->script->id))
                continue;
            matched = true;
            const char *excuse = known_excuse(named, cli_known_case(report, named->name));
            if (excuse != NULL)
                known_problem(problems, known, entry, named->name, excuse);
        }
        if (!matched)
            known_no_case(problems, known, entry, suite);
    }
    return problems;
}
