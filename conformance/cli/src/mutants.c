/* The heads of mutants. A patch of the engine, or a program in Python, says at its beginning
 *
 *     What it does, in a line or more.
 *
 *     Breaks: WID-3
 *     Killed by: WID-3-discards-more-than-min-plus-100
 *     Verdict: crash             where it is not `fail`, or `advisory` for an advisory rule
 *
 * or, in place of Killed by, `Equivalent: REASON`; a program that is no SUT says `Exit: 3` alone.
 * Knows nothing of running them. */
#include "mutants.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { MUTANT_HEAD_MAX = 4096 }; /* bytes of a file in which the head must end */

const char *mutant_outcome_name(enum mutant_outcome outcome)
{
    static const char *const names[] = {
        [MUTANT_OWN] = "own",
        [MUTANT_EQUIVALENT] = "equivalent",
        [MUTANT_BLAME] = "misblamed",
        [MUTANT_OTHER] = "other",
        [MUTANT_NOTHING] = "nothing",
        [MUTANT_NOTICED] = "noticed",
        [MUTANT_NOT_BUILT] = "not attached",
    };
    return names[outcome];
}

bool mutant_is_green(const struct mutant *mutant)
{
    return mutant->outcome <= MUTANT_EQUIVALENT;
}

bool mutant_is_own_case(const struct mutant *mutant, const struct cli_case *entry)
{
    return mutant->killer != NULL && (strcmp(mutant->killer, entry->script->id) == 0 ||
                                      strcmp(mutant->killer, entry->name) == 0);
}

struct mutants_reader {
    struct mutants *mutants;
    const char *built;
    const struct cli_suite *suite;
    size_t errors;
};

static void mutants_error(struct mutants_reader *reader, const char *path, int line,
                          const char *format, ...) SIPC_PRINTF(4, 5);
static void mutants_error(struct mutants_reader *reader, const char *path, int line,
                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: error: ", path, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    reader->errors++;
}

/* ---- one head ---- */

static char *mutant_text(const char *text, size_t size)
{
    char *copy = strndup(text, size);
    SIPC_ASSERT(copy != NULL);
    return copy;
}

/* Adds a line to *text, a blank between them. */
static void mutant_append(char **text, const char *line, size_t size)
{
    char *longer = NULL;
    const int used = *text == NULL ? asprintf(&longer, "%.*s", (int)size, line)
                                   : asprintf(&longer, "%s %.*s", *text, (int)size, line);
    SIPC_ASSERT(used >= 0);
    free(*text);
    *text = longer;
}

static bool mutant_verdict(const char *word, enum conform_verdict *verdict)
{
    for (int v = 0; v < CONFORM_VERDICT_COUNT; v++) {
        if (strcmp(word, conform_verdict_name((enum conform_verdict)v)) == 0) {
            *verdict = (enum conform_verdict)v;
            return true;
        }
    }
    return false;
}

struct head {
    struct mutants_reader *reader;
    struct mutant *mutant;
    int line, breaks_line, killer_line;
    bool exit_3, has_verdict;
};

/* "Key: value"; false: the line is none of those. */
static bool head_take(struct head *head, const char *key, const char *value)
{
    struct mutant *m = head->mutant;
    if (strcmp(key, "Breaks") == 0) {
        m->rule = sipc_rule_find(value);
        head->breaks_line = head->line;
        if (m->rule == SIPC_RULE_NONE)
            mutants_error(head->reader, m->path, head->line, "expected one rule, found '%s'",
                          value);
    } else if (strcmp(key, "Killed by") == 0) {
        free(m->killer);
        m->killer = mutant_text(value, strlen(value));
        head->killer_line = head->line;
    } else if (strcmp(key, "Equivalent") == 0) {
        mutant_append(&m->equivalent, value, strlen(value));
    } else if (strcmp(key, "Verdict") == 0) {
        head->has_verdict = true;
        if (!mutant_verdict(value, &m->verdict))
            mutants_error(head->reader, m->path, head->line, "'%s' is no verdict", value);
    } else if (strcmp(key, "Exit") == 0) {
        head->exit_3 = strcmp(value, "3") == 0;
        if (!head->exit_3)
            mutants_error(head->reader, m->path, head->line, "expected Exit: 3, found '%s'", value);
    } else {
        return false;
    }
    return true;
}

static void head_line(struct head *head, char *line, bool *in_reason)
{
    struct mutant *m = head->mutant;
    char *colon = strstr(line, ": ");
    if (*in_reason && line[0] == ' ' && m->equivalent != NULL) {
        line += strspn(line, " ");
        mutant_append(&m->equivalent, line, strlen(line));
        return;
    }
    *in_reason = false;
    if (colon != NULL) {
        *colon = '\0';
        *in_reason = strcmp(line, "Equivalent") == 0;
        if (head_take(head, line, colon + 2))
            return;
        *colon = ':';
    }
    line += strncmp(line, "\"\"\"", 3) == 0 ? 3 : 0;
    if (head->breaks_line == 0 && line[0] != '\0' && line[0] != '#')
        mutant_append(&m->what, line, strlen(line));
}

/* Whether a case is the mutant's own, and is about its rule. */
static bool head_has_case(const struct head *head, bool *about)
{
    const struct cli_suite *suite = head->reader->suite;
    bool found = false;
    *about = false;
    for (size_t i = 0; i < suite->case_count; i++) {
        if (!mutant_is_own_case(head->mutant, &suite->cases[i]))
            continue;
        found = true;
        *about = *about || cli_case_is_about(&suite->cases[i], head->mutant->rule);
    }
    return found;
}

static void head_check_killer(const struct head *head)
{
    const struct mutant *m = head->mutant;
    const struct cli_suite *suite = head->reader->suite;
    bool about;
    if (head_has_case(head, &about)) {
        if (!about)
            mutants_error(head->reader, m->path, head->killer_line, "%s is not about %s", m->killer,
                          sipc_rule_info(m->rule)->id);
        return;
    }
    struct cli_words names = {0};
    for (size_t i = 0; i < suite->script_count; i++)
        cli_words_add(&names, suite->scripts[i]->id);
    char *near = cli_near(m->killer, names.items, names.count);
    mutants_error(head->reader, m->path, head->killer_line, "there is no case %s%s", m->killer,
                  near);
    free(near);
    cli_words_clear(&names);
}

static void head_check(const struct head *head)
{
    struct mutant *m = head->mutant;
    if (m->what == NULL)
        mutants_error(head->reader, m->path, 1, "expected a line that says what it does");
    if (head->exit_3 && head->breaks_line == 0 && m->killer == NULL && m->equivalent == NULL)
        return;
    if (head->breaks_line == 0)
        mutants_error(head->reader, m->path, 1, "expected 'Breaks: RULE', found none");
    else if ((m->killer == NULL) == (m->equivalent == NULL))
        mutants_error(head->reader, m->path, head->breaks_line,
                      "expected either 'Killed by: CASE' or 'Equivalent: REASON', found %s",
                      m->killer == NULL ? "neither" : "both");
    if (m->rule == SIPC_RULE_NONE)
        return;
    if (!head->has_verdict)
        m->verdict = sipc_rule_info(m->rule)->level == SIPC_MUST ? CONFORM_FAIL : CONFORM_ADVISORY;
    if (m->killer != NULL)
        head_check_killer(head);
}

static char *mutant_spec(const struct mutant *m, const char *built)
{
    char *spec = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&spec, &size);
    SIPC_ASSERT(out != NULL);
    if (m->patch) {
        fprintf(out, "so:%s/%s.so", built, m->name);
    } else {
        const char *python = getenv("PYTHON");
        fputs("exec:", out);
        cli_quote(python == NULL ? "python3" : python, out);
        fputc(' ', out);
        cli_quote(m->path, out);
    }
    fclose(out);
    return spec;
}

static void mutants_read_head(struct mutants_reader *reader, const char *path, FILE *file)
{
    struct mutants *all = reader->mutants;
    all->items = realloc(all->items, (all->count + 1) * sizeof *all->items);
    SIPC_ASSERT(all->items != NULL);
    struct mutant *m = &all->items[all->count++];
    *m = (struct mutant){.path = mutant_text(path, strlen(path))};
    const char *base = strrchr(m->path, '/') + 1;
    m->name = mutant_text(base, strcspn(base, "."));
    m->patch = strcmp(strrchr(m->path, '.'), ".patch") == 0;
    m->spec = mutant_spec(m, reader->built);

    struct head head = {.reader = reader, .mutant = m};
    char line[MUTANT_HEAD_MAX];
    bool in_reason = false;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        head.line++;
        if (strncmp(line, "--- ", 4) == 0 || strcmp(line, "\"\"\"") == 0)
            break;
        head_line(&head, line, &in_reason);
    }
    head_check(&head);
}

/* ---- all of them ---- */

static bool mutants_is_head(const char *path)
{
    const char *end = strrchr(path, '.');
    return end != NULL && (strcmp(end, ".patch") == 0 || strcmp(end, ".py") == 0);
}

static int mutants_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "tests") != 0 &&
           strcmp(entry->d_name, "contract.py") != 0 && strncmp(entry->d_name, "__", 2) != 0;
}

static void mutants_read_folder(struct mutants_reader *reader, const char *folder)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, mutants_wanted, alphasort);
    if (count < 0) {
        fprintf(stderr, "%s: error: %s\n", folder, strerror(errno));
        reader->errors++;
        return;
    }
    for (int i = 0; i < count; i++) {
        char *path;
        struct stat status;
        const int size = asprintf(&path, "%s/%s", folder, entries[i]->d_name);
        SIPC_ASSERT(size >= 0);
        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            mutants_read_folder(reader, path);
        } else if (mutants_is_head(path)) {
            FILE *file = fopen(path, "rb");
            if (file == NULL) {
                fprintf(stderr, "%s: error: %s\n", path, strerror(errno));
                reader->errors++;
            } else {
                mutants_read_head(reader, path, file);
                fclose(file);
            }
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
}

static int mutants_compare(const void *left, const void *right)
{
    const struct mutant *a = left, *b = right;
    if (a->patch != b->patch)
        return a->patch ? -1 : 1;
    if (a->patch && a->rule != b->rule)
        return a->rule < b->rule ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void mutants_check_names(struct mutants_reader *reader)
{
    const struct mutants *all = reader->mutants;
    for (size_t i = 0; i < all->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(all->items[i].name, all->items[j].name) == 0)
                mutants_error(reader, all->items[i].path, 1, "the name %s is taken by %s",
                              all->items[i].name, all->items[j].path);
}

bool mutants_read(struct mutants *mutants, const char *folder, const char *built,
                  const struct cli_suite *suite)
{
    struct mutants_reader reader = {.mutants = mutants, .built = built, .suite = suite};
    *mutants = (struct mutants){0};
    mutants_read_folder(&reader, folder);
    if (reader.errors == 0 && mutants->count == 0) {
        fprintf(stderr, "%s: error: no mutant in this folder\n", folder);
        reader.errors++;
    }
    if (mutants->count > 0)
        qsort(mutants->items, mutants->count, sizeof *mutants->items, mutants_compare);
    mutants_check_names(&reader);
    if (reader.errors > 0)
        mutants_clear(mutants);
    return reader.errors == 0;
}

void mutants_clear(struct mutants *mutants)
{
    for (size_t i = 0; i < mutants->count; i++) {
        struct mutant *m = &mutants->items[i];
        free(m->name);
        free(m->path);
        free(m->spec);
        free(m->what);
        free(m->killer);
        free(m->equivalent);
        free(m->reason);
    }
    free(mutants->items);
    *mutants = (struct mutants){0};
}
