/* Runs a fuzz target over files, without libFuzzer: its corpus with any compiler, in every test
 * run. In order, then backwards: what an input comes to must not depend on what came before it.
 * With --runs it also makes inputs (search.h), and keeps the one that broke an oracle in a file.
 * Arguments are files and folders, searched to the bottom; each must hold at least one file. What
 * runs is told on stderr only where it ends the program. --all goes on after a broken oracle;
 * --speed measures. SPDX-License-Identifier: MIT */
#include "targets/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "input/input.h"
#include "play/play.h"
#include "targets/search.h"

struct replayed {
    char *path;
    uint64_t noted;
};

static struct replayed *list;
static size_t count;
static const char *running = "";

static void fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

static void say_running(int signal_number)
{
    static const char words[] = "while replaying ";
    ssize_t written = write(2, words, sizeof words - 1);

    if (search_now.data != NULL) {
        int file = open(running, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        written += write(file, search_now.data, search_now.size);
        close(file);
    }
    written += write(2, running, strlen(running));
    written += write(2, "\n", 1);
    (void)written;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
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
    fail(path, text);
}

/* A block of exactly the file's size, so that a sanitizer sees a read past it. */
static uint8_t *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    struct stat info;

    if (file == NULL || fstat(fileno(file), &info) != 0)
        fail(path, strerror(errno));
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size + (size == 0));
    if (data == NULL || fread(data, 1, size, file) != size)
        fail(path, "cannot be read");
    fclose(file);
    check_version(path, data, size);
    running = path;
    *length = size;
    return data;
}

static uint64_t replay_file(const char *path)
{
    static uint8_t *data; /* an oracle that is broken does not come back here */
    size_t size;

    free(data);
    data = read_file(path, &size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    data = NULL;
    return target_noted();
}

/* ---- what there is ---- */

static void gather(const char *path);

static void gather_folder(const char *path)
{
    struct dirent **entries;
    int found = scandir(path, &entries, NULL, alphasort);

    if (found < 0)
        fail(path, strerror(errno));
    for (int i = 0; i < found; i++) {
        char *inner;
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&inner, "%s/%s", path, entries[i]->d_name) < 0)
                fail(path, strerror(errno));
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
        fail(path, strerror(errno));
    if (S_ISDIR(info.st_mode)) {
        gather_folder(path);
        return;
    }
    list = realloc(list, (count + 1) * sizeof *list);
    char *copy = strdup(path);
    if (list == NULL || copy == NULL)
        fail(path, "out of memory");
    list[count++] = (struct replayed){.path = copy};
}

/* Fewer marks than there were: the inputs have lost what they once reached. */
static void check_marks(size_t floor)
{
    if (fuzz_marks() >= floor)
        return;
    fprintf(stderr, "expected %zu marks (state, event, verdict) at least, found %zu\n", floor,
            fuzz_marks());
    exit(1);
}

/* Every input once, whatever is broken: how many break something. */
static size_t replay_each(void)
{
    static size_t i, broken;
    static jmp_buf next;

    target_go_on(&next);
    for (i = 0; i < count; i++)
        if (setjmp(next) == 0) {
            replay_file(list[i].path);
        } else {
            fprintf(stderr, "by %s\n", list[i].path);
            broken++;
        }
    return broken;
}

/* ---- speed ---- */

enum { SPEED_OPERATIONS = 32, SPEED_BYTES = 256, SPEED_EVENTS = 256, SPEED_SECONDS = 2 };

/* Operations of an input of records, or events where the target counts those; bytes of another; 0:
 * it is too long to be measured. */
static size_t length_of(const uint8_t *data, size_t size)
{
    static struct sfz_input input;

    if (target_ops == 0)
        return size <= SPEED_BYTES ? size : 0;
    LLVMFuzzerTestOneInput(data, size);
    if (target_counted() > 0)
        return target_counted() <= SPEED_EVENTS ? target_counted() : 0;
    sfz_decode(data, size, &input);
    return input.count <= SPEED_OPERATIONS ? input.count : 0;
}

/* Short inputs, over and over. By CPU time: what other programs do meanwhile does not count. */
static void measure(void)
{
    uint8_t **data = calloc(count, sizeof *data);
    size_t *sizes = calloc(count, sizeof *sizes);
    size_t used = 0, length = 0, runs = 0;

    if (data == NULL || sizes == NULL)
        fail("speed", "out of memory");
    for (size_t i = 0; i < count; i++) {
        data[used] = read_file(list[i].path, &sizes[used]);
        size_t more = length_of(data[used], sizes[used]);
        length += more;
        if (more > 0)
            used++;
        else
            free(data[used]);
    }
    clock_t begin = clock(), spent = 0;
    for (; used > 0 && spent < SPEED_SECONDS * CLOCKS_PER_SEC; spent = clock() - begin) {
        for (size_t i = 0; i < used; i++)
            LLVMFuzzerTestOneInput(data[i], sizes[i]);
        runs += used;
    }
    printf("%.0f executions a second of %zu inputs of %.1f %s\n",
           spent > 0 ? (double)runs * CLOCKS_PER_SEC / (double)spent : 0, used,
           used > 0 ? (double)length / (double)used : 0,
           target_ops == 0        ? "bytes"
           : target_counted() > 0 ? "events"
                                  : "operations");
    for (size_t i = 0; i < used; i++)
        free(data[i]);
    free(data);
    free(sizes);
}

struct options {
    unsigned long marks, runs, seed;
    bool speed, all;
};

static bool take_number(const char *word, const char *name, unsigned long *number)
{
    size_t length = strlen(name);

    if (strncmp(word, name, length) != 0)
        return false;
    *number = strtoul(word + length, NULL, 10);
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
            take_number(argv[i], "--seed=", &options->seed) || strncmp(argv[i], "--", 2) == 0)
            continue;
        gather(argv[i]);
        if (count == before)
            fail(argv[i], "expected files to replay, found none");
    }
}

static void replay_all(size_t floor)
{
    for (size_t i = 0; i < count; i++)
        list[i].noted = replay_file(list[i].path);
    for (size_t i = count; i-- > 0;)
        if (replay_file(list[i].path) != list[i].noted)
            fail(list[i].path, "comes to something else when it is replayed in another order");
    for (size_t i = 0; i < count; i++)
        free(list[i].path);
    free(list);
    printf("%zu inputs replayed, in two orders: %zu marks\n", count, fuzz_marks());
    check_marks(floor);
}

static void make_inputs(const struct options *options)
{
    static char name[40];

    if (target_ops == 0)
        fail("--runs", "expected a target of records, found one of bytes: libFuzzer makes those");
    snprintf(name, sizeof name, "found-%lu.sfz", options->seed);
    running = name;
    search_run(options->runs, (unsigned)options->seed);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    int signals[] = {SIGABRT, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGALRM};

    LLVMFuzzerInitialize(&argc, &argv);
    take_arguments(argc, argv, &options);
    if (count == 0 && options.runs == 0) {
        fprintf(stderr,
                "usage: %s [--engine=PATH | --sut=SPEC] [--speed | --all | --runs=N [--seed=N]] "
                "FILE-OR-FOLDER...\n",
                argv[0]);
        return 2;
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], say_running);
    if (options.speed) {
        measure();
        return 0;
    }
    if (options.all)
        return replay_each() > 0;
    if (count > 0)
        replay_all(options.marks);
    if (options.runs > 0)
        make_inputs(&options);
    return 0;
}
