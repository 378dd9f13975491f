/* Asks the program built of simnet/ns3, which stands beside this one, to do a row's work. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim_rows.h"

enum { NS3_WORDS_MAX = 8, NS3_PATH_MAX = 4096 };

static bool ns3_program(char *out)
{
    static const char name[] = "sipc-ns3-baseline";
    ssize_t size = readlink("/proc/self/exe", out, NS3_PATH_MAX - sizeof name);

    out[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    strcpy(slash + 1, name);
    return access(out, X_OK) == 0;
}

bool sim_ns3_is_there(void)
{
    char program[NS3_PATH_MAX];

    return ns3_program(program);
}

/* In the child. */
static void ns3_exec(char *program, char *words, int out)
{
    char *arguments[NS3_WORDS_MAX] = {program};
    int count = 1;

    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        arguments[count++] = word;
    if (dup2(out, STDOUT_FILENO) >= 0)
        execv(program, arguments);
    _exit(126);
}

/* The line the program prints; empty if it did not end well. */
static void ns3_ask(char *words, char *line, size_t size)
{
    char program[NS3_PATH_MAX];
    int ends[2], status = 0;
    size_t used = 0;

    line[0] = '\0';
    if (!ns3_program(program) || pipe(ends) != 0)
        return;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        ns3_exec(program, words, ends[1]);
    close(ends[1]);
    for (ssize_t got; child > 0 && used < size - 1; used += (size_t)got) {
        got = read(ends[0], line + used, size - 1 - used);
        if (got <= 0 && errno != EINTR)
            break;
        got = got < 0 ? 0 : got;
    }
    close(ends[0]);
    line[used] = '\0';
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        line[0] = '\0';
}

bool sim_ns3_run(const struct sim_row *row, uint64_t size, enum sim_scheduler scheduler,
                 uint64_t units, double *per_s)
{
    char words[200], line[200];
    uint64_t done, ns;

    int used = row->kind->ns3(size, sim_scheduler_names[scheduler], words, sizeof words);
    snprintf(words + used, sizeof words - (size_t)used, " %" PRIu64, units);
    ns3_ask(words, line, sizeof line);
    if (sscanf(line, "%" SCNu64 " %" SCNu64, &done, &ns) != 2 || done == 0 || ns == 0) {
        fprintf(stderr, "sipc bench sim: ns-3 failed at row %s with scheduler %s\n", row->name,
                sim_scheduler_names[scheduler]);
        return false;
    }
    *per_s = (double)done * 1e9 / (double)ns;
    return true;
}
