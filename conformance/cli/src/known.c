/* Known failures: cases that are expected to fail, each with the reason why. They are run all the
 * same; an entry that does not fail any more, fails over something else than it names, or is not
 * run, turns the run red, so that the list cannot rot. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static char *known_trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    return text;
}

static bool known_is_blame(const char *word)
{
    for (int rule = 1; rule < SIPC_RULE_COUNT; rule++)
        if (strcmp(sipc_rule_info((enum sipc_rule)rule)->id, word) == 0)
            return true;
    return strcmp(word, "crash") == 0 || strcmp(word, "hang") == 0;
}

/* Adds the entry of one line; NULL, or what is wrong with it. */
static const char *known_line(struct cli_known *known, char *line, int number)
{
    char *text = known_trim(line);
    if (*text == '\0' || *text == '#')
        return NULL;
    char *hash = strchr(text, '#'); /* one that stands within a pattern has no blank before it */
    while (hash != NULL && !isspace((unsigned char)hash[-1]))
        hash = strchr(hash + 1, '#');
    if (hash == NULL || *known_trim(hash + 1) == '\0')
        return "no reason: expected `case-glob [RULE|crash|hang]  # reason`";
    const char *reason = known_trim(hash + 1);
    *hash = '\0';
    char *pattern = known_trim(text);
    char *blame = pattern + strcspn(pattern, " \t");
    if (*blame != '\0') {
        *blame++ = '\0';
        blame = known_trim(blame);
        if (!known_is_blame(blame))
            return "what follows the pattern is neither a rule's id nor `crash` nor `hang`";
    }
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->entries[i].pattern, pattern) == 0)
            return "this pattern stands above already";
    known->entries = realloc(known->entries, (known->count + 1) * sizeof *known->entries);
    SIPC_ASSERT(known->entries != NULL);
    struct cli_known_entry *entry = &known->entries[known->count++];
    *entry = (struct cli_known_entry){.pattern = strdup(pattern),
                                      .blame = *blame == '\0' ? NULL : strdup(blame),
                                      .reason = strdup(reason),
                                      .line = number};
    SIPC_ASSERT(entry->pattern != NULL && entry->reason != NULL);
    return NULL;
}

bool cli_known_take(struct cli_known *known, FILE *file, FILE *errors)
{
    char *line = NULL;
    size_t capacity = 0;
    bool ok = true;
    errno = 0;
    for (int number = 1; getline(&line, &capacity, file) != -1; number++) {
        const char *wrong = known_line(known, line, number);
        if (wrong != NULL)
            fprintf(errors, "%s:%d: error: %s\n", known->path, number, wrong);
        ok = ok && wrong == NULL;
    }
    if (ferror(file)) {
        fprintf(errors, "%s: error: %s\n", known->path, strerror(errno));
        ok = false;
    }
    free(line);
    return ok;
}

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

void cli_known_clear(struct cli_known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        free(known->entries[i].pattern);
        free(known->entries[i].blame);
        free(known->entries[i].reason);
    }
    free(known->entries);
    free(known->path);
    *known = (struct cli_known){0};
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
