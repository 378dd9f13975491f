/* Instructions by PDU. The processor's own counters are rarely open to a virtual machine, so
 * callgrind counts them: this program runs itself once more, under valgrind, for one cell. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { COUNT_MESSAGES_BYTES = 1000000, COUNT_MESSAGES_MIN = 100, COUNT_MESSAGES_MAX = 1000 };

struct count_paths {
    char folder[32];
    char counts[48]; /* callgrind's output */
    char rows[48];   /* the program's */
    char log[48];    /* what either said on stderr */
};

static bool count_make_paths(struct count_paths *paths)
{
    strcpy(paths->folder, "/tmp/sipc-bench-XXXXXX");
    if (mkdtemp(paths->folder) == NULL) {
        perror("sipc bench engine: /tmp");
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
static void count_exec(const struct bench_cell *cell, const struct count_paths *paths)
{
    char numbers[6][16], out[80], program[4096];
    ssize_t program_size = readlink("/proc/self/exe", program, sizeof program - 1);
    uint32_t messages = COUNT_MESSAGES_BYTES / cell->message_size;

    program[program_size > 0 ? program_size : 0] = '\0';
    messages = messages < COUNT_MESSAGES_MIN ? COUNT_MESSAGES_MIN : messages;
    messages = messages > COUNT_MESSAGES_MAX ? COUNT_MESSAGES_MAX : messages;
    const uint32_t values[6] = {cell->window,       cell->mtu,      cell->message_size,
                                cell->loss_percent, cell->sessions, messages};
    for (int i = 0; i < 6; i++)
        snprintf(numbers[i], sizeof numbers[i], "%" PRIu32, values[i]);
    snprintf(out, sizeof out, "--callgrind-out-file=%s", paths->counts);
    count_redirect(paths->rows, STDOUT_FILENO);
    count_redirect(paths->log, STDERR_FILENO);
    execlp("valgrind", "valgrind", "--tool=callgrind", "--toggle-collect=bench_timed_work", out,
           program, "bench", "engine", "--json", "--no-enet", "--repetitions", "1", "--window",
           numbers[0], "--mtu", numbers[1], "--message", numbers[2], "--loss", numbers[3],
           "--sessions", numbers[4], "--messages", numbers[5], (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

/* false: it did not end well; the reason is told on stderr. */
static bool count_run(const struct bench_cell *cell, const struct count_paths *paths)
{
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0)
        count_exec(cell, paths);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("sipc bench engine: a process for valgrind");
        return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        fprintf(stderr, "sipc bench engine: --instructions needs valgrind, which is not there; on "
                        "Debian: apt-get install valgrind\n");
    else if (BENCH_SANITIZE[0] != '\0')
        fprintf(stderr, "sipc bench engine: --instructions needs a build without sanitizers\n");
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

static uint64_t count_read_pdus(const char *path)
{
    json_t *report = json_load_file(path, 0, NULL);
    json_t *row = json_array_get(json_object_get(report, "rows"), 0);
    json_int_t pdus = json_integer_value(json_object_get(row, "pdus"));

    json_decref(report);
    return pdus > 0 ? (uint64_t)pdus : 0;
}

bool bench_count_instructions(const struct bench_cell *cell, double *instructions)
{
    struct count_paths paths;
    uint64_t total = 0, pdus = 0;

    if (!count_make_paths(&paths))
        return false;
    if (count_run(cell, &paths)) {
        total = count_read_total(paths.counts);
        pdus = count_read_pdus(paths.rows);
        if (total == 0 || pdus == 0)
            fprintf(stderr, "sipc bench engine: callgrind's output has no total\n");
    }
    count_remove_paths(&paths);
    if (total == 0 || pdus == 0)
        return false;
    *instructions = (double)total / (double)pdus;
    return true;
}
