/* The suite: finds scripts, reads them in a fixed order, expands their cases. Every error of every
 * script is told before giving up. */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

struct suite_reader {
    struct cli_suite *suite;
    XXH3_state_t *digest;
    size_t error_count;
    bool worlds; /* scenarios are read, else cases */
    char *text;  /* of one file after the other: SX_SCRIPT_BYTES_MAX and one more */
};

static void suite_error(struct suite_reader *reader, const char *path, const char *what)
{
    fprintf(stderr, "%s: error: %s\n", path, what);
    reader->error_count++;
}

static void suite_add_cases(struct cli_suite *suite, const struct sx_script *script)
{
    suite->cases =
        realloc(suite->cases, (suite->case_count + script->case_count) * sizeof *suite->cases);
    SIPC_ASSERT(suite->cases != NULL);
    for (size_t i = 0; i < script->case_count; i++) {
        char name[SX_LINE_BYTES_MAX];
        sx_case_name(script, i, name, sizeof name);
        struct cli_case *entry = &suite->cases[suite->case_count++];
        *entry =
            (struct cli_case){.script = script, .index = i, .name = strdup(name), .selected = true};
        SIPC_ASSERT(entry->name != NULL);
        for (size_t r = 0; r < script->rule_count; r++)
            suite->cases_by_rule[script->rules[r]]++;
    }
    suite->selected_count = suite->case_count;
}

static void suite_add_script(struct suite_reader *reader, struct sx_script *script)
{
    struct cli_suite *suite = reader->suite;
    for (size_t i = 0; i < suite->script_count; i++) {
        if (strcmp(suite->scripts[i]->id, script->id) == 0) {
            char what[512];
            snprintf(what, sizeof what, "id %s is taken by %s", script->id,
                     suite->scripts[i]->path);
            suite_error(reader, script->path, what);
            break;
        }
    }
    suite->scripts =
        realloc(suite->scripts, (suite->script_count + 1) * sizeof(struct sx_script *));
    SIPC_ASSERT(suite->scripts != NULL);
    suite->scripts[suite->script_count++] = script;
    suite_add_cases(suite, script);
}

static void suite_read_file(struct suite_reader *reader, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        suite_error(reader, path, strerror(errno));
        return;
    }
    /* One byte more than a script may have: the parser then says that it is too long. */
    const size_t size = fread(reader->text, 1, SX_SCRIPT_BYTES_MAX + 1, file);
    if (ferror(file)) {
        suite_error(reader, path, strerror(errno));
    } else {
        size_t errors = 0;
        XXH3_64bits_update(reader->digest, reader->text, size);
        struct sx_script *script = sx_parse(path, reader->text, size, stderr, &errors);
        reader->error_count += errors;
        if (script != NULL && (script->world != NULL) != reader->worlds)
            suite_error(reader, path,
                        reader->worlds ? "this is a conformance case: it has no 'world'"
                                       : "this is a scenario: run it with 'sipc sim run'");
        if (script != NULL)
            suite_add_script(reader, script);
    }
    fclose(file);
}

static int suite_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool suite_is_script(const char *path)
{
    const size_t size = strlen(path);
    return size > 3 && strcmp(path + size - 3, ".sx") == 0;
}

/* Returns how many scripts it found. Natural order: WID-3 before WID-10. */
static size_t suite_read(struct suite_reader *reader, const char *path, bool named)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        suite_error(reader, path, strerror(errno));
        return 1;
    }
    if (!S_ISDIR(status.st_mode)) {
        if (!named && !suite_is_script(path))
            return 0;
        suite_read_file(reader, path);
        return 1;
    }
    struct dirent **entries;
    const int count = scandir(path, &entries, suite_wanted, versionsort);
    if (count < 0) {
        suite_error(reader, path, strerror(errno));
        return 1;
    }
    size_t found = 0;
    const size_t length = strlen(path);
    for (int i = 0; i < count; i++) {
        char *inner;
        const bool slash = length > 0 && path[length - 1] == '/';
        const int size = asprintf(&inner, "%s%s%s", path, slash ? "" : "/", entries[i]->d_name);
        SIPC_ASSERT(size >= 0);
        found += suite_read(reader, inner, false);
        free(inner);
        free(entries[i]);
    }
    free(entries);
    return found;
}

static bool suite_load(struct cli_suite *suite, const char *const *from, size_t count, bool worlds)
{
    *suite = (struct cli_suite){0};
    size_t source_size = 0;
    FILE *source = open_memstream(&suite->source, &source_size);
    struct suite_reader reader = {.suite = suite,
                                  .digest = XXH3_createState(),
                                  .worlds = worlds,
                                  .text = malloc(SX_SCRIPT_BYTES_MAX + 1)};
    SIPC_ASSERT(source != NULL && reader.digest != NULL && reader.text != NULL);
    XXH3_64bits_reset(reader.digest);
    for (size_t i = 0; i < count; i++) {
        fprintf(source, "%s%s", i == 0 ? "" : " ", from[i]);
        if (suite_read(&reader, from[i], true) == 0)
            suite_error(&reader, from[i], "no .sx file in this folder");
    }
    fclose(source);
    suite->digest = XXH3_64bits_digest(reader.digest);
    XXH3_freeState(reader.digest);
    free(reader.text);
    if (reader.error_count > 0)
        cli_suite_clear(suite);
    return reader.error_count == 0;
}

bool cli_suite_load(struct cli_suite *suite, const char *const *paths, size_t count)
{
    if (count > 0)
        return suite_load(suite, paths, count, false);
    char *shipped = cli_data("suite");
    const char *from = shipped;
    *suite = (struct cli_suite){0};
    bool ok = shipped != NULL && suite_load(suite, &from, 1, false);
    free(shipped);
    return ok;
}

bool cli_scenarios_load(struct cli_suite *suite, const char *const *paths, size_t count)
{
    return suite_load(suite, paths, count, true);
}

void cli_suite_clear(struct cli_suite *suite)
{
    for (size_t i = 0; i < suite->case_count; i++)
        free(suite->cases[i].name);
    for (size_t i = 0; i < suite->script_count; i++)
        sx_script_free(suite->scripts[i]);
    free(suite->cases);
    free(suite->scripts);
    free(suite->source);
    *suite = (struct cli_suite){0};
}

bool cli_case_is_about(const struct cli_case *entry, enum sipc_rule rule)
{
    for (size_t i = 0; i < entry->script->rule_count; i++)
        if (entry->script->rules[i] == rule)
            return true;
    return false;
}
