/* `sipc bench sim`: options, and the loop over the rows. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/sim_bench.h"
#include "sim_rows.h"

enum { SIM_OK = 0, SIM_USAGE = 2, SIM_FAILED = 4 };

static const char sim_help[] =
    "usage: sipc bench sim [OPTION...]\n"
    "\n"
    "Measures the simulator, and beside it ns-3 at the same work, in turn, with its default\n"
    "scheduler (Map) and its fastest (PriorityQueue). Rows, by CPU time of one thread:\n"
    "  queue-100, queue-10k, queue-1M     the order of events alone, so many pending: the least\n"
    "                                     is taken off and another put in up to 1 ms later\n"
    "  timers-100, timers-10k, timers-1M  the same as deadlines of hosts in a world; in ns-3:\n"
    "                                     events that schedule themselves again\n"
    "  link-300ms      1,500 bytes each over 10 Gbit/s, 150 ms one way, never idle: 125,000 in\n"
    "                  flight; in ns-3: UDP over a point-to-point link\n"
    "  engines-1ms     two engines, 10 Gbit/s, 0.5 ms one way, messages of 62,000 bytes on enough\n"
    "                  sessions to fill the link; all checks and the trace hash are on. Data and\n"
    "                  acks count. In ns-3: UDP with short replies\n"
    "  engines-300ms   the same with 150 ms one way\n"
    "Searches, in a table of their own, without ns-3:\n"
    "  swarm           seeds of sipc sim swarm, in one worker, whose CPU time counts; beside: "
    "PDUs\n"
    "                  and faults by seed, and how many full seeds (2 hosts, 100 PDUs and a fault\n"
    "                  at least) a second of that CPU time has, which the small ones take part of\n"
    "  explore-faf, explore-close-race, explore-two-messages\n"
    "                  states of small worlds of sipc sim explore; beside: how many a world has,\n"
    "                  bytes and transitions by state\n"
    "  shrink-10k      sipc sim shrink of a failure after 10,000 PDUs: runs of scenarios; beside:\n"
    "                  PDUs before it, lines that are left, seconds of CPU time\n"
    "\n"
    "  --row NAME,...    these rows; a name may be cut: 'queue' is all that begin so\n"
    "How it is measured:\n"
    "  --repetitions N   1..99 (5)\n"
    "  --ms N            CPU time of a repetition, about, 1..60000 (300)\n"
    "  --units N         events or PDUs by repetition, 1..1000000000, in place of --ms\n"
    "  --small           small sizes: figures not to keep\n"
    "  --quick           small sizes and two repetitions of a few units: shows that all works\n"
    "  --instructions    count instructions by unit too; needs valgrind, takes minutes\n"
    "  --no-ns3          leave ns-3 out\n"
    "  --json            JSON in place of the table\n"
    "  -h, --help        this text\n"
    "\n"
    "examples:\n"
    "  sipc bench sim --row engines\n"
    "  sipc bench sim --instructions --repetitions 9 >table.md\n"
    "\n"
    "exit status: 0, 2 for wrong usage, 4 if a measurement failed\n";

/* ---- options ---- */

static void sim_add_row(struct sim_plan *plan, const struct sim_row *row)
{
    for (uint32_t i = 0; i < plan->row_count; i++)
        if (plan->rows[i] == row)
            return;
    plan->rows[plan->row_count++] = row;
}

/* Rows whose names begin with one of the words between commas. */
static bool sim_select(struct sim_plan *plan, const char *words)
{
    for (;; words++) {
        size_t size = strcspn(words, ",");
        bool found = false;
        for (size_t i = 0; i < sim_row_count && size > 0; i++)
            if (strncmp(sim_rows[i].name, words, size) == 0) {
                sim_add_row(plan, &sim_rows[i]);
                found = true;
            }
        if (!found) {
            fprintf(stderr, "sipc bench sim: --row: there is no row '%.*s', but:", (int)size,
                    words);
            for (size_t i = 0; i < sim_row_count; i++)
                fprintf(stderr, " %s", sim_rows[i].name);
            fputs("\n", stderr);
            return false;
        }
        words += size;
        if (*words == '\0')
            return true;
    }
}

enum {
    OPTION_ROW = 256,
    OPTION_REPETITIONS,
    OPTION_MS,
    OPTION_UNITS,
    OPTION_SMALL,
    OPTION_QUICK,
    OPTION_INSTRUCTIONS,
    OPTION_NO_NS3,
    OPTION_JSON,
};

static const struct option sim_options[] = {
    {"row", required_argument, NULL, OPTION_ROW},
    {"repetitions", required_argument, NULL, OPTION_REPETITIONS},
    {"ms", required_argument, NULL, OPTION_MS},
    {"units", required_argument, NULL, OPTION_UNITS},
    {"small", no_argument, NULL, OPTION_SMALL},
    {"quick", no_argument, NULL, OPTION_QUICK},
    {"instructions", no_argument, NULL, OPTION_INSTRUCTIONS},
    {"no-ns3", no_argument, NULL, OPTION_NO_NS3},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool sim_take(struct sim_plan *plan, int option, const char *value)
{
    uint64_t number;

    switch (option) {
    case OPTION_ROW:
        return sim_select(plan, value);
    case OPTION_REPETITIONS:
        if (!bench_one_number("sim", "repetitions", value, 1, BENCH_REPETITIONS_MAX, &number))
            return false;
        plan->repetitions = (uint32_t)number;
        return true;
    case OPTION_MS:
        if (!bench_one_number("sim", "ms", value, 1, 60000, &number))
            return false;
        plan->repetition_ns = number * 1000000;
        plan->units = 0;
        return true;
    case OPTION_UNITS:
        return bench_one_number("sim", "units", value, 1, 1000000000, &plan->units);
    case OPTION_SMALL:
        plan->small = true;
        return true;
    case OPTION_QUICK:
        plan->small = true;
        plan->repetitions = 2;
        plan->units = 1000;
        return true;
    case OPTION_INSTRUCTIONS:
        plan->instructions = true;
        return true;
    case OPTION_NO_NS3:
        plan->ns3 = false;
        return true;
    case OPTION_JSON:
        plan->json = true;
        return true;
    default: /* getopt has told */
        return false;
    }
}

/* -1: go on; otherwise the exit code. */
static int sim_parse(struct sim_plan *plan, int argc, char **argv)
{
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "h", sim_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(sim_help, stdout);
            return SIM_OK;
        }
        if (!sim_take(plan, option, optarg)) {
            fputs("Try 'sipc bench sim --help'.\n", stderr);
            return SIM_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "sipc bench sim: no argument is expected, found '%s'\n"
                "Try 'sipc bench sim --help'.\n",
                argv[optind]);
        return SIM_USAGE;
    }
    if (plan->row_count == 0)
        for (size_t i = 0; i < sim_row_count; i++)
            sim_add_row(plan, &sim_rows[i]);
    return -1;
}

/* ---- the command ---- */

static void sim_progress(const struct sim_plan *plan, uint32_t done)
{
    if (!isatty(STDERR_FILENO) || isatty(STDOUT_FILENO)) /* the rows themselves show it */
        return;
    fprintf(stderr, "\r%u of %u rows%s", done, plan->row_count,
            done == plan->row_count ? "\n" : "");
}

static bool sim_run(const struct sim_plan *plan)
{
    json_t *rows = json_array();
    struct sim_figures figures;
    bool good = true;

    if (!plan->json)
        sim_print_head(plan);
    for (uint32_t i = 0; i < plan->row_count && good; i++) {
        sim_progress(plan, i);
        good = sim_measure(plan, plan->rows[i], &figures);
        if (good && plan->json)
            json_array_append_new(rows, sim_json_row(&figures));
        else if (good)
            sim_print_row(&figures, i > 0 ? plan->rows[i - 1] : NULL);
    }
    sim_progress(plan, plan->row_count);
    if (good && plan->json) {
        json_t *report = sim_json(plan, rows);
        json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        printf("\n");
        json_decref(report);
    }
    json_decref(rows);
    return good;
}

int simnet_cmd_bench(int argc, char **argv)
{
    struct sim_plan plan = {.repetitions = 5, .repetition_ns = 300000000, .ns3 = true};
    int status = sim_parse(&plan, argc, argv);

    if (status >= 0)
        return status;
    return sim_run(&plan) ? SIM_OK : SIM_FAILED;
}
