/* Fuzz target: any bytes as a script. Oracles: the parser ends, gives a script or tells at least
 * one error, never both; what it printed parses again, and prints the same; in a file it is the
 * same, and there the id is the file's name. SPDX-License-Identifier: MIT */
#include "targets/target.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conform/script.h"

enum { CASES_MAX = 4, STEPS_MAX = 4, FILED_MAX = 128 };

struct printed {
    char *text;
    size_t size;
};

static FILE *open_text(struct printed *printed)
{
    FILE *file = open_memstream(&printed->text, &printed->size);
    FUZZ_CHECK(file != NULL, "out of memory");
    return file;
}

static struct sx_script *parse(const char *text, size_t size, struct printed *errors)
{
    size_t error_count = 0;
    FILE *file = open_text(errors);
    /* not named as a script's file: the id is not held against the name then */
    struct sx_script *script = sx_parse("input", text, size, file, &error_count);
    fclose(file);
    FUZZ_CHECK((script == NULL) == (error_count != 0), "a script or errors, not both");
    FUZZ_CHECK((error_count != 0) == (errors->size != 0), "every error is told");
    return script;
}

static struct printed print(const struct sx_script *script)
{
    struct printed printed;
    FILE *file = open_text(&printed);
    sx_print(script, file);
    fclose(file);
    return printed;
}

/* What reports use of a script: names of cases cut to size, single steps. */
static void use(const struct sx_script *script)
{
    FUZZ_CHECK(script->case_count >= 1, "a script has a case");
    for (size_t i = 0; i < script->case_count && i < CASES_MAX; i++) {
        char name[64];
        memset(name, 'x', sizeof name);
        sx_case_name(script, i, name, sizeof name);
        FUZZ_CHECK(memchr(name, '\0', sizeof name) != NULL, "a case's name ends");
        name[sizeof name - 1] = 'x';
        sx_case_name(script, i, name + sizeof name, 0);
        FUZZ_CHECK(name[sizeof name - 1] == 'x', "where there is no room nothing is written");
    }
    for (size_t i = 0; i < script->test.count && i < STEPS_MAX; i++) {
        struct printed step;
        FILE *file = open_text(&step);
        sx_print_step(&script->test.steps[i], file);
        fclose(file);
        free(step.text);
    }
}

static bool is_taken_as(const char *path, const struct printed *text)
{
    struct sx_script *script = sx_parse(path, text->text, text->size, NULL, NULL);
    bool taken = script != NULL;
    sx_script_free(script);
    return taken;
}

/* The name of a script's file is its id. */
static void check_names(const char *id, const struct printed *text)
{
    char path[FILED_MAX + 16];

    snprintf(path, sizeof path, "suite/%s.sx", id);
    FUZZ_CHECK(is_taken_as(path, text), "a file has its script's id");
    char *last = strrchr(path, '.') - 1;
    *last = *last == 'x' ? 'y' : 'x';
    FUZZ_CHECK(!is_taken_as(path, text), "a file has no other id");
    snprintf(path, sizeof path, "%s-.sx", id);
    FUZZ_CHECK(!is_taken_as(path, text), "nor a longer one");
    FUZZ_CHECK(is_taken_as("sx", text), "what is named otherwise may have any id");
}

/* A file is what its text is; a folder is none, nor is what is not there. */
static void check_file(const struct printed *text)
{
    char path[64];
    size_t error_count = 0;
    int file = memfd_create("script", 0);

    FUZZ_CHECK(file >= 0 && write(file, text->text, text->size) == (ssize_t)text->size,
               "a file can be written");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    struct sx_script *script = sx_parse_file(path, NULL, &error_count);
    FUZZ_CHECK(script != NULL && error_count == 0, "it is the same from a file");
    sx_script_free(script);
    close(file);
    FUZZ_CHECK(sx_parse_file(path, NULL, NULL) == NULL, "a file that is not there is no script");
    struct printed errors;
    FILE *told = open_text(&errors);
    FUZZ_CHECK(sx_parse_file("/proc/self", told, &error_count) == NULL && error_count == 1,
               "a folder is no script");
    fclose(told);
    FUZZ_CHECK(errors.size > 0, "which is told");
    free(errors.text);
}

const uint32_t target_ops = 0;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct printed errors, again_errors;
    struct sx_script *script = parse((const char *)data, size, &errors);
    free(errors.text);
    if (script == NULL)
        return 0;
    use(script);
    struct printed first = print(script);
    struct sx_script *again = parse(first.text, first.size, &again_errors);
    if (again == NULL)
        fprintf(stderr, "%s%s", first.text, again_errors.text);
    FUZZ_CHECK(again != NULL, "what was printed parses");
    struct printed second = print(again);
    if (strcmp(first.text, second.text) != 0)
        fprintf(stderr, "first:\n%ssecond:\n%s", first.text, second.text);
    FUZZ_CHECK(first.size == second.size && memcmp(first.text, second.text, first.size) == 0,
               "what was printed and parsed prints the same");
    if (first.size <= FILED_MAX) {
        check_names(script->id, &first);
        check_file(&first);
    }
    sx_script_free(again);
    sx_script_free(script);
    free(first.text);
    free(second.text);
    free(again_errors.text);
    return 0;
}
