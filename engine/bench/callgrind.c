/* Instructions, counted by callgrind in a process of its own: bench/common.h. */
#include "bench/common.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT_ARGUMENTS_MAX = 32 };

struct count_paths {
    char folder[32];
    char counts[48]; /* callgrind's output */
    char rows[48];   /* the program's */
    char log[48];    /* what either said on stderr */
};

static bool count_make_paths(const char *command, struct count_paths *paths)
{
    strcpy(paths->folder, "/tmp/sipc-bench-XXXXXX");
    if (mkdtemp(paths->folder) == NULL) {
        fprintf(stderr, "sipc bench %s: /tmp: %s\n", command, strerror(errno));
        return false;
    }
    snprintf(paths->counts, sizeof paths->counts, "%s/counts", paths->folder);
    snprintf(paths->rows, sizeof paths->rows, "%s/rows", paths->folder);
    snprintf(paths->log, sizeof paths->log, "%s/log", paths->folder);
    return true;
}

static void count_remove_paths(const struct count_paths *paths)
{
    unlink(paths->counts);
    unlink(paths->rows);
    unlink(paths->log);
    rmdir(paths->folder);
}

/* Shows what the child said last. */
static void count_tell_log(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[512], last[512] = "";

    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL)
        if (line[0] != '\n')
            memcpy(last, line, sizeof last);
    fclose(file);
    fprintf(stderr, "%s", last);
}

static void count_redirect(const char *path, int to)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
}

/* In the child: becomes valgrind with this program. */
static void count_exec(const char *command, const char *function, const char *const *arguments,
                       const struct count_paths *paths)
{
    char counts[80], toggle[80], program[4096];
    ssize_t program_size = readlink("/proc/self/exe", program, sizeof program - 1);
    const char *words[COUNT_ARGUMENTS_MAX] = {
        "valgrind", "--tool=callgrind", toggle, counts, program, "bench", command};
    size_t count = 7;

    program[program_size > 0 ? program_size : 0] = '\0';
    snprintf(toggle, sizeof toggle, "--toggle-collect=%s", function);
    snprintf(counts, sizeof counts, "--callgrind-out-file=%s", paths->counts);
    for (; *arguments != NULL && count < COUNT_ARGUMENTS_MAX - 1; arguments++)
        words[count++] = *arguments;
    count_redirect(paths->rows, STDOUT_FILENO);
    count_redirect(paths->log, STDERR_FILENO);
    execvp("valgrind", (char *const *)(uintptr_t)words);
    _exit(errno == ENOENT ? 127 : 126);
}

/* false: it did not end well; the reason is told on stderr. */
static bool count_run(const char *command, const char *function, const char *const *arguments,
                      const struct count_paths *paths)
{
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0)
        count_exec(command, function, arguments, paths);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        fprintf(stderr, "sipc bench %s: a process for valgrind: %s\n", command, strerror(errno));
        return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        fprintf(stderr,
                "sipc bench %s: --instructions needs valgrind, which is not there; on Debian: "
                "apt-get install valgrind\n",
                command);
    else if (bench_sanitizers()[0] != '\0')
        fprintf(stderr, "sipc bench %s: --instructions needs a build without sanitizers\n",
                command);
    else
        count_tell_log(paths->log);
    return false;
}

/* The line "totals: N" of callgrind's output; 0 if there is none. */
static uint64_t count_read_total(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[4096];
    uint64_t total = 0;

    if (file == NULL)
        return 0;
    while (total == 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "totals: %" SCNu64, &total) != 1)
            total = 0;
    fclose(file);
    return total;
}

bool bench_callgrind(const char *command, const char *function, const char *const *arguments,
                     struct bench_count *out)
{
    struct count_paths paths;

    *out = (struct bench_count){0};
    if (!count_make_paths(command, &paths))
        return false;
    bool good = count_run(command, function, arguments, &paths);
    if (good) {
        out->instructions = count_read_total(paths.counts);
        out->report = json_load_file(paths.rows, 0, NULL);
        good = out->instructions > 0 && out->report != NULL;
        if (!good)
            fprintf(stderr, "sipc bench %s: callgrind's output has no total\n", command);
    }
    count_remove_paths(&paths);
    return good;
}
