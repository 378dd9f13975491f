/* `sipc bench engine`: options, and the loop over the cells. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/engine_bench.h"
#include "measure.h"

enum { BENCH_OK = 0, BENCH_USAGE = 2, BENCH_FAILED = 4 };

static const char bench_help[] =
    "usage: sipc bench engine [OPTION...]\n"
    "\n"
    "Measures the engine: two endpoints and a link in memory, in virtual time (1 ms one way), and\n"
    "ENet at the same work on the same link, in turn. All combinations of\n"
    "  window 1, 4, 16, 46 with MTU 1400 and window 128 with MTU 512; messages of 64, 1200 and\n"
    "  62000 bytes; loss 0 and 1 %; 1 and 1000 sessions\n"
    "One row each: CPU time by PDU (data and acks, both ends), messages and megabytes of payload\n"
    "by second, and the ratio of messages by second to ENet's. All that arrives is checked.\n"
    "\n"
    "Select rows by one value, or several with commas:\n"
    "  --window N,...    --mtu N,...    --message BYTES,...    --loss PERCENT,...\n"
    "  --sessions N,...\n"
    "How it is measured:\n"
    "  --repetitions N   1..99 (5)\n"
    "  --ms N            CPU time of a repetition, about, 1..60000 (60)\n"
    "  --messages N      messages by repetition, 1..10000000, in place of --ms\n"
    "  --quick           two repetitions of a few messages: shows that all works, no figures to\n"
    "                    keep\n"
    "  --instructions    count instructions by PDU too; needs valgrind, takes minutes\n"
    "  --no-enet         leave ENet out\n"
    "  --json            JSON in place of the table\n"
    "  -h, --help        this text\n"
    "\n"
    "examples:\n"
    "  sipc bench engine --message 1200 --loss 0\n"
    "  sipc bench engine --instructions --repetitions 9 >table.md\n"
    "\n"
    "exit status: 0, 2 for wrong usage, 4 if a measurement failed\n";

/* ---- cells ---- */

enum { BENCH_VALUES_MAX = 16 };

/* What --window and its like select; none: everything. */
struct bench_values {
    const char *option;
    uint64_t items[BENCH_VALUES_MAX];
    int count;
};

struct bench_selection {
    struct bench_values window, mtu, message, loss, sessions;
};

static bool bench_is_selected(const struct bench_values *values, uint64_t value)
{
    for (int i = 0; i < values->count; i++)
        if (values->items[i] == value)
            return true;
    return values->count == 0;
}

static void bench_add_cell(struct bench_plan *plan, const struct bench_selection *selection,
                           const struct bench_cell *cell)
{
    if (bench_is_selected(&selection->window, cell->window) &&
        bench_is_selected(&selection->mtu, cell->mtu) &&
        bench_is_selected(&selection->message, cell->message_size) &&
        bench_is_selected(&selection->loss, cell->loss_percent) &&
        bench_is_selected(&selection->sessions, cell->sessions))
        plan->cells[plan->cell_count++] = *cell;
}

static void bench_select(struct bench_plan *plan, const struct bench_selection *selection)
{
    static const uint32_t windows[][2] = {{1, 1400}, {4, 1400}, {16, 1400}, {46, 1400}, {128, 512}};
    static const uint32_t sessions[] = {1, 1000};
    static const uint32_t losses[] = {0, 1};
    static const uint32_t messages[] = {64, 1200, 62000};
    enum { WINDOWS = sizeof windows / sizeof windows[0] };
    _Static_assert(WINDOWS * 2 * 2 * 3 <= BENCH_CELLS_MAX, "all cells have room");

    for (int message = 0; message < 3; message++)
        for (int loss = 0; loss < 2; loss++)
            for (int session = 0; session < 2; session++)
                for (int window = 0; window < WINDOWS; window++)
                    bench_add_cell(plan, selection,
                                   &(struct bench_cell){.window = windows[window][0],
                                                        .mtu = windows[window][1],
                                                        .message_size = messages[message],
                                                        .loss_percent = losses[loss],
                                                        .sessions = sessions[session]});
}

/* ---- options ---- */

static bool bench_list(const char *option, const char *text, struct bench_values *out)
{
    *out = (struct bench_values){.option = option};
    for (;;) {
        if (out->count == BENCH_VALUES_MAX) {
            fprintf(stderr, "sipc bench engine: --%s takes at most %d values\n", option,
                    BENCH_VALUES_MAX);
            return false;
        }
        if (!bench_number("engine", option, &text, 0, UINT32_MAX, &out->items[out->count++]))
            return false;
        if (*text == '\0')
            return true;
        text++;
    }
}

struct bench_arguments {
    struct bench_plan plan;
    struct bench_selection selection;
};

enum {
    OPTION_WINDOW = 256,
    OPTION_MTU,
    OPTION_MESSAGE,
    OPTION_LOSS,
    OPTION_SESSIONS,
    OPTION_REPETITIONS,
    OPTION_MS,
    OPTION_MESSAGES,
    OPTION_QUICK,
    OPTION_INSTRUCTIONS,
    OPTION_NO_ENET,
    OPTION_JSON,
};

static const struct option bench_options[] = {
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"mtu", required_argument, NULL, OPTION_MTU},
    {"message", required_argument, NULL, OPTION_MESSAGE},
    {"loss", required_argument, NULL, OPTION_LOSS},
    {"sessions", required_argument, NULL, OPTION_SESSIONS},
    {"repetitions", required_argument, NULL, OPTION_REPETITIONS},
    {"ms", required_argument, NULL, OPTION_MS},
    {"messages", required_argument, NULL, OPTION_MESSAGES},
    {"quick", no_argument, NULL, OPTION_QUICK},
    {"instructions", no_argument, NULL, OPTION_INSTRUCTIONS},
    {"no-enet", no_argument, NULL, OPTION_NO_ENET},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* One option that selects rows or has no value. */
static bool bench_take_simple(struct bench_arguments *a, int option, const char *value)
{
    switch (option) {
    case OPTION_WINDOW:
        return bench_list("window", value, &a->selection.window);
    case OPTION_MTU:
        return bench_list("mtu", value, &a->selection.mtu);
    case OPTION_MESSAGE:
        return bench_list("message", value, &a->selection.message);
    case OPTION_LOSS:
        return bench_list("loss", value, &a->selection.loss);
    case OPTION_SESSIONS:
        return bench_list("sessions", value, &a->selection.sessions);
    case OPTION_QUICK:
        a->plan.repetitions = 2;
        a->plan.messages = 8;
        return true;
    case OPTION_INSTRUCTIONS:
        a->plan.instructions = true;
        return true;
    case OPTION_NO_ENET:
        a->plan.enet = false;
        return true;
    case OPTION_JSON:
        a->plan.json = true;
        return true;
    default: /* getopt has told */
        return false;
    }
}

static bool bench_take(struct bench_arguments *a, int option, const char *value)
{
    uint64_t number;

    switch (option) {
    case OPTION_REPETITIONS:
        if (!bench_one_number("engine", "repetitions", value, 1, BENCH_REPETITIONS_MAX, &number))
            return false;
        a->plan.repetitions = (uint32_t)number;
        return true;
    case OPTION_MS:
        if (!bench_one_number("engine", "ms", value, 1, 60000, &number))
            return false;
        a->plan.repetition_ns = number * LINK_NS_PER_MS;
        a->plan.messages = 0;
        return true;
    case OPTION_MESSAGES:
        return bench_one_number("engine", "messages", value, 1, 10000000, &a->plan.messages);
    default:
        return bench_take_simple(a, option, value);
    }
}

/* -1: go on; otherwise the exit code. */
static int bench_parse(struct bench_arguments *a, int argc, char **argv)
{
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "h", bench_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(bench_help, stdout);
            return BENCH_OK;
        }
        if (!bench_take(a, option, optarg)) {
            fputs("Try 'sipc bench engine --help'.\n", stderr);
            return BENCH_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "sipc bench engine: no argument is expected, found '%s'\n"
                "Try 'sipc bench engine --help'.\n",
                argv[optind]);
        return BENCH_USAGE;
    }
    bench_select(&a->plan, &a->selection);
    if (a->plan.cell_count == 0) {
        fputs("sipc bench engine: no row has these values; --help tells which there are\n", stderr);
        return BENCH_USAGE;
    }
    return -1;
}

/* ---- the command ---- */

static void bench_progress(const struct bench_plan *plan, uint32_t done)
{
    if (!isatty(STDERR_FILENO) || isatty(STDOUT_FILENO)) /* the rows themselves show it */
        return;
    fprintf(stderr, "\r%u of %u rows%s", done, plan->cell_count,
            done == plan->cell_count ? "\n" : "");
}

/* Prints what there is to print, row by row or at the end. */
static bool bench_run(const struct bench_plan *plan)
{
    json_t *rows = json_array();
    struct bench_memory memory;
    struct bench_row row;
    bool good = true;

    if (!plan->json)
        bench_print_head(plan);
    for (uint32_t i = 0; i < plan->cell_count && good; i++) {
        bench_progress(plan, i);
        good = bench_measure(plan, &plan->cells[i], &row);
        if (good && plan->json)
            json_array_append_new(rows, bench_json_row(&row));
        else if (good)
            bench_print_row(&row);
    }
    bench_progress(plan, plan->cell_count);
    good = good && bench_measure_memory(&memory);
    if (good && plan->json) {
        json_t *report = bench_json(plan, rows, &memory);
        json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        printf("\n");
        json_decref(report);
    } else if (good) {
        bench_print_memory(&memory);
    }
    json_decref(rows);
    return good;
}

int engine_cmd_bench(int argc, char **argv)
{
    struct bench_arguments arguments = {
        .plan = {.repetitions = 5, .repetition_ns = 60 * LINK_NS_PER_MS, .enet = true},
    };
    int status = bench_parse(&arguments, argc, argv);

    if (status >= 0)
        return status;
    return bench_run(&arguments.plan) ? BENCH_OK : BENCH_FAILED;
}
