/* Runs a fuzz target over files, without libFuzzer: its corpus with any compiler, in every test
 * run. In order, then backwards: what an input comes to must not depend on what came before it.
 * With --runs it also makes inputs (search.h), and keeps the one that broke an oracle in a file.
 * Arguments are files and folders, searched to the bottom; each must hold at least one file. What
 * runs is told on stderr only where it ends the program. --all goes on after a broken oracle;
 * --speed measures. SPDX-License-Identifier: MIT */
#include "targets/target.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "input/input.h"
#include "play/play.h"
#include "targets/search.h"
#include "targets/speed.h"
#include "targets/watch.h"

struct replayed {
    char *path;
    uint64_t noted;
};

static struct replayed *list;
static size_t count;

enum { REPLAY_BROKEN = 1, REPLAY_USAGE, REPLAY_NOTHING = 5 }; /* how it ends, but for signals */

static void refuse(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(REPLAY_USAGE);
}

/* Inputs of records say their version: those of another would be taken for something else. */
static void check_version(const char *path, const uint8_t *data, size_t size)
{
    char text[80];
    unsigned version;

    if (target_ops == 0 || sfz_mark(data, size, &version) != SFZ_OTHER_VERSION)
        return;
    snprintf(text, sizeof text, "expected an input of version %d, found version %c", SFZ_VERSION,
             data[SFZ_MARK_SIZE - 1]);
    refuse(path, text);
}

/* A block of exactly the file's size, so that a sanitizer sees a read past it. */
static uint8_t *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    struct stat info;

    if (file == NULL || fstat(fileno(file), &info) != 0)
        refuse(path, strerror(errno));
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size + (size == 0));
    if (data == NULL || fread(data, 1, size, file) != size)
        refuse(path, "cannot be read");
    fclose(file);
    check_version(path, data, size);
    watch_name(path);
    *length = size;
    return data;
}

static uint64_t replay_file(const char *path)
{
    size_t size;
    uint8_t *data = read_file(path, &size);

    watch_give(data, size);
    free(data);
    return target_noted();
}

/* ---- what there is ---- */

static void gather(const char *path);

static void gather_folder(const char *path)
{
    struct dirent **entries;
    int found = scandir(path, &entries, NULL, alphasort);

    if (found < 0)
        refuse(path, strerror(errno));
    for (int i = 0; i < found; i++) {
        char *inner;
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&inner, "%s/%s", path, entries[i]->d_name) < 0)
                refuse(path, strerror(errno));
            gather(inner);
            free(inner);
        }
        free(entries[i]);
    }
    free(entries);
}

static void gather(const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0)
        refuse(path, strerror(errno));
    if (S_ISDIR(info.st_mode)) {
        gather_folder(path);
        return;
    }
    list = realloc(list, (count + 1) * sizeof *list);
    char *copy = strdup(path);
    if (list == NULL || copy == NULL)
        refuse(path, "out of memory");
    list[count++] = (struct replayed){.path = copy};
}

/* Fewer marks than there were: the inputs have lost what they once reached. */
static void check_marks(size_t floor)
{
    if (fuzz_marks() >= floor)
        return;
    fprintf(stderr, "expected %zu marks (state, event, verdict) at least, found %zu\n", floor,
            fuzz_marks());
    exit(REPLAY_BROKEN);
}

/* Where whoever is tested takes the settings of no input, all of them may be green. */
static void check_begun(void)
{
    size_t begun, refused = target_refused(&begun);

    if (refused == 0 || refused < begun)
        return;
    fputs("expected an input that happens, found the settings of each refused\n", stderr);
    exit(REPLAY_NOTHING);
}

/* Every input once, whatever is broken: how many break something. */
static size_t replay_each(void)
{
    static size_t i, size, broken;
    static uint8_t *data;
    static jmp_buf next;

    target_go_on(&next);
    for (i = 0; i < count; i++) {
        data = read_file(list[i].path, &size);
        if (setjmp(next) == 0) {
            watch_give(data, size);
        } else {
            watch_over();
            fprintf(stderr, "by %s\n", list[i].path);
            broken++;
        }
        free(data);
    }
    return broken;
}

/* ---- speed ---- */

static void measure(void)
{
    for (size_t i = 0; i < count; i++) {
        size_t size;
        uint8_t *data = read_file(list[i].path, &size);
        speed_take(data, size);
        free(data);
    }
    speed_run();
}

struct options {
    unsigned long marks, runs, seed, seconds;
    bool speed, all;
};

static bool take_number(const char *word, const char *name, unsigned long *number)
{
    size_t length = strlen(name);
    char *end;

    if (strncmp(word, name, length) != 0)
        return false;
    errno = 0;
    *number = strtoul(word + length, &end, 10);
    if (!isdigit((unsigned char)word[length]) || *end != '\0' || errno != 0)
        refuse(word, "expected a number");
    return true;
}

/* Numbers by name; files and folders go to the list. */
static void take_arguments(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        size_t before = count;
        options->speed |= strcmp(argv[i], "--speed") == 0;
        options->all |= strcmp(argv[i], "--all") == 0;
        if (take_number(argv[i], "--marks=", &options->marks) ||
            take_number(argv[i], "--runs=", &options->runs) ||
            take_number(argv[i], "--seed=", &options->seed) ||
            take_number(argv[i], "--seconds=", &options->seconds) || strncmp(argv[i], "--", 2) == 0)
            continue;
        gather(argv[i]);
        if (count == before)
            refuse(argv[i], "expected files to replay, found none");
    }
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static void say_usage(const char *program, FILE *out)
{
    const char *name = strrchr(program, '/') != NULL ? strrchr(program, '/') + 1 : program;

    fprintf(out,
            "usage: %s [options] FILE-OR-FOLDER...\n"
            "       %s --runs=N [--seed=N] [options] [FILE-OR-FOLDER...]\n"
            "\n"
            "Replays inputs of a fuzz target, in two orders, and makes new ones of records.\n"
            "\n"
            "options:\n"
            "  --all          go on behind a broken oracle, and say which input it was\n"
            "  --runs=N       make so many inputs; one that breaks an oracle: found-SEED.sfz\n"
            "  --seed=N       the same inputs for the same seed (default: 0)\n"
            "  --seconds=N    an input that takes longer is a failure (default: 30; 0: none is)\n"
            "  --marks=N      fewer different (state, event, verdict) are a failure\n"
            "  --speed        measure: executions a second\n"
            "%s\n"
            "Ends with 0: nothing is broken; 1, or a signal: an oracle is; 2: usage; 3: the SUT\n"
            "cannot be attached; 5: it took the settings of no input.\n"
            "\n"
            "examples:\n"
            "  %s fuzz/corpus/%s\n"
            "  %s --sut=so:./mine.so --runs=200000 --seed=1\n",
            name, name, target_help, name, strncmp(name, "replay_", 7) == 0 ? name + 7 : name,
            name);
}

static void replay_all(size_t floor)
{
    for (size_t i = 0; i < count; i++)
        list[i].noted = replay_file(list[i].path);
    for (size_t i = count; i-- > 0;)
        if (replay_file(list[i].path) != list[i].noted) {
            fprintf(stderr, "%s: comes to something else when it is replayed in another order\n",
                    list[i].path);
            exit(REPLAY_BROKEN);
        }
    for (size_t i = 0; i < count; i++)
        free(list[i].path);
    free(list);
    size_t begun, refused = target_refused(&begun);
    printf("%zu %s replayed, in two orders: %zu %s\n", count, count == 1 ? "input" : "inputs",
           fuzz_marks(), fuzz_marks() == 1 ? "mark" : "marks");
    if (refused > 0)
        printf("%zu of them left out: their settings are refused\n", refused / (begun / count));
    check_begun();
    check_marks(floor);
}

static void make_inputs(const struct options *options)
{
    static char name[40];

    if (target_ops == 0)
        refuse("--runs", "expected a target of records, found one of bytes: libFuzzer makes those");
    snprintf(name, sizeof name, "found-%lu.sfz", options->seed);
    watch_name(name);
    search_run(options->runs, (unsigned)options->seed);
    check_begun();
}

int main(int argc, char **argv)
{
    struct options options = {.seconds = 30};

    if (asks_for_help(argc, argv)) {
        say_usage(argv[0], stdout);
        return 0;
    }
    LLVMFuzzerInitialize(&argc, &argv);
    take_arguments(argc, argv, &options);
    if (count == 0 && options.runs == 0) {
        say_usage(argv[0], stderr);
        return REPLAY_USAGE;
    }
    watch_begin(options.seconds);
    if (options.speed) {
        measure();
        return 0;
    }
    if (options.all && replay_each() > 0)
        return REPLAY_BROKEN;
    if (options.all)
        check_begun();
    else if (count > 0)
        replay_all(options.marks);
    if (options.runs > 0)
        make_inputs(&options);
    return 0;
}
