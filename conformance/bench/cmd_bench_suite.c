/* `sipc bench suite`: the suite in virtual time on several SUTs, in turn. What a SUT behind a pipe
 * takes of the processor is its own and the harness's; it counts from its start to its end. */
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/suite_bench.h"
#include "suite_bench.h"

enum { SUITE_SUT = 2000, SUITE_REPETITIONS, SUITE_QUICK, SUITE_JSON };

static const struct cli_option suite_options[] = {
    {0, "sut", "SPEC", "another row, for this SUT: exec:COMMAND or so:PATH (repeatable)",
     SUITE_SUT},
    CLI_SELECT_OPTIONS,
    {0, "repetitions", "N", "1..99 (5)", SUITE_REPETITIONS},
    {0, "quick", NULL, "a few cases, once: shows that all works, no figures to keep", SUITE_QUICK},
    {0, "json", NULL, "JSON in place of the table", SUITE_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command suite_command = {
    .name = "sipc bench suite",
    .usage = "[options]",
    .about =
        "Measures the conformance suite in virtual time, one case after the other:\n"
        "  engine           on the engine, in process\n"
        "  engine, no judge the same by the scripts' lines alone\n"
        "  exec engine      on the engine in a process of its own, by JSON lines over a pipe\n"
        "  exec Python      on the endpoint in Python, likewise\n"
        "A row each: CPU time of the harness and the SUT together, cases and PDUs (both ways) by\n"
        "second of it, and how many times that of the first row it takes.\n"
        "\n"
        "Exit code: 0, 2 wrong usage, 3 a SUT does not start, 4 a measurement failed.",
    .examples = "sipc bench suite\n"
                "sipc bench suite --sut 'exec:./my-sut' --repetitions 9 >table.md",
    .options = suite_options,
};

struct suite_args {
    struct suite_plan plan;
    struct cli_selection selection;
    struct cli_words suts, paths;
    bool quick;
};

static bool suite_take(void *ctx, int id, const char *value)
{
    struct suite_args *args = ctx;
    uint64_t number;

    switch (id) {
    case SUITE_SUT:
        if (strncmp(value, "exec:", 5) != 0 && strncmp(value, "so:", 3) != 0) {
            fprintf(stderr, "sipc: --sut %s: expected exec:COMMAND or so:PATH, in virtual time\n",
                    value);
            return false;
        }
        cli_words_add(&args->suts, value);
        return true;
    case SUITE_REPETITIONS:
        if (!cli_number("--repetitions", value, 1, BENCH_REPETITIONS_MAX, &number))
            return false;
        args->plan.repetitions = (uint32_t)number;
        return true;
    case SUITE_QUICK:
        args->quick = true;
        return true;
    case SUITE_JSON:
        args->plan.json = true;
        return true;
    default:
        return cli_select_take(&args->selection, &args->paths, id, value);
    }
}

/* ---- rows ---- */

/* `word` is quoted for a shell; NULL: none. */
static char *suite_text(const char *before, const char *word, const char *after)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    SIPC_ASSERT(out != NULL);
    fputs(before, out);
    if (word != NULL)
        cli_quote(word, out);
    fputs(after, out);
    fclose(out);
    return text;
}

static void suite_add(struct suite_plan *plan, const char *name, char *spec, bool no_judge,
                      bool sound)
{
    struct suite_row *row = &plan->rows[plan->row_count++];

    *row = (struct suite_row){
        .name = suite_text(name, NULL, ""), .spec = spec, .no_judge = no_judge, .sound = sound};
}

static bool suite_rows(struct suite_args *args)
{
    struct suite_plan *plan = &args->plan;
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    char *python = cli_data("pyendpoint/run.py");

    if (size <= 0 || python == NULL) {
        free(python);
        return false;
    }
    self[size] = '\0';
    suite_add(plan, "engine", suite_text("engine", NULL, ""), false, true);
    suite_add(plan, "engine, no judge", suite_text("engine", NULL, ""), true, true);
    suite_add(plan, "exec engine", suite_text("exec:", self, " sut --exec"), false, true);
    suite_add(plan, "exec Python", suite_text("exec:python3 ", python, ""), false, true);
    free(python);
    for (size_t i = 0; i < args->suts.count; i++) {
        if (plan->row_count == SUITE_ROWS_MAX) {
            fprintf(stderr, "sipc: --sut: at most %d of them\n", SUITE_ROWS_MAX - 4);
            return false;
        }
        const char *sut = args->suts.items[i];
        suite_add(plan, sut, suite_text(sut, NULL, ""), false, false);
    }
    return true;
}

/* ---- measuring ---- */

static double suite_wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double suite_seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* Of this thread, and of processes that have ended. */
static double suite_cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)bench_cpu_ns() / 1e9 + suite_seconds(&usage.ru_utime) +
           suite_seconds(&usage.ru_stime);
}

static void suite_count_pdu(void *ctx, bool from_sut, const char *peer, uint64_t at_ns,
                            struct sipc_span pdu, const char *case_name)
{
    struct suite_row *row = ctx;

    (void)from_sut, (void)peer, (void)at_ns, (void)pdu, (void)case_name;
    row->pdus++;
}

/* One case. false: told on stderr. */
static bool suite_case(struct suite_row *row, struct conform_sut *sut, const struct cli_case *entry)
{
    const struct conform_run_options options = {
        .seed = 1, .no_judge = row->no_judge, .on_pdu = suite_count_pdu, .ctx = row};
    struct conform_record record;
    struct conform_error error;
    const enum conform_sut_status status =
        conform_run_case(sut, entry->script, entry->index, &options, &record, &error);
    const enum conform_verdict verdict = record.verdict;

    conform_record_clear(&record);
    row->cases++;
    row->passed += verdict == CONFORM_PASS;
    if (status != CONFORM_SUT_OK) {
        fprintf(stderr, "sipc bench suite: %s: %s: %s\n", row->name, entry->name, error.text);
        return false;
    }
    if (row->sound && verdict != CONFORM_PASS && verdict != CONFORM_UNSUPPORTED) {
        fprintf(stderr, "sipc bench suite: %s: %s ends as '%s': no figures of what is broken\n",
                row->name, entry->name, conform_verdict_name(verdict));
        return false;
    }
    return true;
}

static int suite_pass(struct suite_plan *plan, struct suite_row *row, uint32_t repetition)
{
    const double cpu_s = suite_cpu_s(), wall_s = suite_wall_s();
    struct conform_sut *sut = NULL;
    struct conform_error error;
    bool ok = true;

    row->cases = row->passed = row->pdus = 0;
    if (conform_sut_attach(row->spec, NULL, &sut, &error) != CONFORM_SUT_OK) {
        fprintf(stderr, "sipc bench suite: %s: %s\n", row->name, error.text);
        return CLI_NO_SUT;
    }
    for (size_t i = 0; i < plan->suite.case_count && ok; i++)
        ok = !plan->suite.cases[i].selected || suite_case(row, sut, &plan->suite.cases[i]);
    conform_sut_detach(sut);
    row->cpu_s[repetition] = suite_cpu_s() - cpu_s;
    row->wall_s[repetition] = suite_wall_s() - wall_s;
    return ok ? CLI_OK : CLI_HARNESS;
}

static int suite_measure(struct suite_plan *plan)
{
    const bool progress = cli_colour(stderr);
    int code = CLI_OK;

    for (uint32_t i = 0; i < plan->repetitions && code == CLI_OK; i++) {
        for (uint32_t at = 0; at < plan->row_count && code == CLI_OK; at++) {
            if (progress)
                fprintf(stderr, "\r\033[K  %u of %u  %s", i + 1, plan->repetitions,
                        plan->rows[at].name);
            code = suite_pass(plan, &plan->rows[at], i);
        }
    }
    if (progress)
        fputs("\r\033[K", stderr);
    return code;
}

static int suite_bench(struct suite_args *args)
{
    struct suite_plan *plan = &args->plan;

    if (args->quick) {
        plan->repetitions = 1;
        if (args->selection.only.count == 0)
            cli_words_add(&args->selection.only, "ACK-*");
    }
    if (!cli_suite_load(&plan->suite, args->paths.items, args->paths.count))
        return CLI_USAGE;
    if (!cli_select(&args->selection, &plan->suite))
        return CLI_USAGE;
    if (!suite_rows(args))
        return CLI_USAGE;
    const int code = suite_measure(plan);
    if (code == CLI_OK && plan->json)
        suite_print_json(plan);
    else if (code == CLI_OK)
        suite_print(plan);
    return code;
}

int conform_cmd_bench(int argc, char **argv)
{
    struct suite_args args = {.plan = {.repetitions = 5}};
    int first;
    int code = cli_parse(&suite_command, argc, argv, &first, suite_take, &args);

    if (code == -1 && first < argc)
        code = cli_usage(&suite_command, "no argument is expected, found '%s'", argv[first]);
    if (code == -1)
        code = suite_bench(&args);
    for (uint32_t i = 0; i < args.plan.row_count; i++) {
        free(args.plan.rows[i].name);
        free(args.plan.rows[i].spec);
    }
    cli_suite_clear(&args.plan.suite);
    cli_select_clear(&args.selection);
    cli_words_clear(&args.suts);
    cli_words_clear(&args.paths);
    return code;
}
