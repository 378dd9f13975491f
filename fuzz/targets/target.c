/* See target.h: the arguments that all targets take, and how an oracle tells what it saw.
 * SPDX-License-Identifier: MIT */
#include "targets/target.h"

#include <stdarg.h>
#include <string.h>

#include "play/driver.h"

static const struct simnet_explore_engine *engine = &simnet_explore_engine;
static const char *sut_spec;
static bool off[JUDGE_CHECK_COUNT];
static bool any_off;

static jmp_buf *go_on;
static uint64_t noted;
static size_t counted;
static size_t begun, refused;

void target_note(uint64_t hash)
{
    noted = (noted << 7 | noted >> 57) ^ hash;
}

uint64_t target_noted(void)
{
    uint64_t hash = noted;

    noted = 0;
    return hash;
}

void target_begun(bool is_refused)
{
    begun++;
    refused += is_refused;
}

size_t target_refused(size_t *of)
{
    *of = begun;
    return refused;
}

void target_count(size_t events)
{
    counted = events;
}

size_t target_counted(void)
{
    return counted;
}

void target_break(enum sipc_rule rule, const char *format, ...)
{
    const struct sipc_rule_info *info = sipc_rule_info(rule);
    va_list args;

    fflush(stdout);
    fprintf(stderr, "oracle broken: [%s] ", info != NULL ? info->id : "no rule");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(stderr);
    if (go_on != NULL)
        longjmp(*go_on, 1);
    abort();
}

void target_go_on(jmp_buf *at)
{
    go_on = at;
}

/* An assertion of the engine is an oracle like any other. */
void sipc_panic(const char *file, int line, const char *expression)
{
    target_break(SIPC_RULE_NONE, "%s:%d: assertion failed: %s", file, line, expression);
}

const char target_help[] =
    "  --engine=PATH  another build of the engine\n"
    "  --sut=SPEC     any implementation: so:PATH (in this process) or exec:CMD\n"
    "  --off=CHECK    switch a check of the judge off\n";

static void usage(const char *what, const char *word)
{
    fprintf(stderr, "%s: %s\n", what, word);
    fprintf(stderr, "of a target:\n%s", target_help);
    exit(2);
}

static void take_engine(const char *path)
{
    char error[512];

    engine = simnet_explore_engine_load(path, error, sizeof error);
    if (engine == NULL) {
        fprintf(stderr, "--engine: %s\n", error);
        exit(3);
    }
}

static void take_off(const char *id)
{
    for (int check = 0; check < JUDGE_CHECK_COUNT; check++) {
        if (strcmp(judge_check_info((enum judge_check)check)->id, id) == 0) {
            off[check] = any_off = true;
            return;
        }
    }
    usage("--off: expected a check of the judge, found", id);
}

static bool is_of_replayer(const char *word)
{
    return strncmp(word, "--marks=", 8) == 0 || strncmp(word, "--runs=", 7) == 0 ||
           strncmp(word, "--seed=", 7) == 0 || strncmp(word, "--seconds=", 10) == 0 ||
           strcmp(word, "--speed") == 0 || strcmp(word, "--all") == 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    for (int i = 1; i < *argc; i++) {
        const char *word = (*argv)[i];
        if (strncmp(word, "--engine=", 9) == 0)
            take_engine(word + 9);
        else if (strncmp(word, "--sut=", 6) == 0)
            sut_spec = word + 6;
        else if (strncmp(word, "--off=", 6) == 0)
            take_off(word + 6);
        else if (strncmp(word, "--", 2) == 0 && !is_of_replayer(word))
            usage("unknown argument", word);
    }
    return 0;
}

const struct simnet_explore_engine *target_engine(void)
{
    return engine;
}

const bool *target_off(void)
{
    return any_off ? off : NULL;
}

bool target_is_engine(void)
{
    return sut_spec == NULL;
}

const struct fuzz_driver *target_side(int side, void **self)
{
    static struct fuzz_engine *own[2];
    static struct fuzz_sut *sut[2];
    struct conform_error error;

    if (sut_spec != NULL) {
        if (sut[side] == NULL && (sut[side] = fuzz_sut_new(sut_spec, &error)) == NULL) {
            fprintf(stderr, "--sut: %s\n", error.text);
            _Exit(3); /* with an input at hand: nothing of it is to be told */
        }
        *self = sut[side];
        return &fuzz_sut_driver;
    }
    if (own[side] == NULL)
        own[side] = fuzz_engine_new(engine);
    *self = own[side];
    return &fuzz_engine_driver;
}

const struct fuzz_driver *target_driver(void **self)
{
    return target_side(0, self);
}
