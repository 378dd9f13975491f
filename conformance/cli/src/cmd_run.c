/* sipc conform run: runs the selected cases against a SUT and reports. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
    RUN_SUT = 2000,
    RUN_KNOWN,
    RUN_FIX_KNOWN,
    RUN_SEED,
    RUN_FAIL_FAST,
    RUN_TIME_SCALE,
    RUN_ACK_TIMEOUT,
    RUN_JOBS,
    RUN_LIMIT,
    RUN_REPEAT,
    RUN_DRY,
    RUN_JSON,
    RUN_VERBOSE,
    RUN_NO_JUDGE,
    RUN_LINK,
    RUN_NO_SANITY,
};

enum { RUN_JOBS_LIVE = 8 }; /* at a time where nothing else is said: they mostly wait */

static const struct cli_option run_options[] = {
    {0, "sut", "SPEC", "the SUT, instead of the first argument", RUN_SUT},
    CLI_SELECT_OPTIONS,
    {0, "known", "FILE", "known failures, lines of `case-glob [RULE|crash|hang]  # reason`",
     RUN_KNOWN},
    {0, "fix-known", NULL, "bring that file up to date with what failed", RUN_FIX_KNOWN},
    {0, "seed", "N", "what session ids are made of (without control: drawn, else 1)", RUN_SEED},
    {0, "fail-fast", NULL, "stop after the first case that fails", RUN_FAIL_FAST},
    {0, "ack-timeout", "MS", "the SUT's ack_timeout, 1T of the scripts", RUN_ACK_TIMEOUT},
    {0, "time-scale", "X", "wall clock: X times as patient (1)", RUN_TIME_SCALE},
    {'j', "jobs", "N", "cases side by side, each with its own SUT (see above)", RUN_JOBS},
    {0, "repeat", "N", "each case N times, with seeds from --seed on, until it does not pass",
     RUN_REPEAT},
    {0, "limit", "MS", "how long the SUT may take for one response (5000)", RUN_LIMIT},
    {0, "link", "LINK", "run each case over such a network (see above; repeatable)", RUN_LINK},
    {0, "no-judge", NULL, "the lines of the scripts alone decide", RUN_NO_JUDGE},
    {0, "no-sanity", NULL, "do not look first whether the SUT works at all", RUN_NO_SANITY},
    {0, "dry-run", NULL, "print the expanded cases instead of running them", RUN_DRY},
    {0, "out", "DIR", "write all of the files below there, under standard names", CLI_OUT},
    {0, "jsonl", "FILE", "write JSON lines as cases end (conform report reads them)", CLI_JSONL},
    {0, "junit", "FILE", "write JUnit XML", CLI_JUNIT},
    {0, "tap", "FILE", "write TAP", CLI_TAP},
    {0, "html", "FILE", "write one HTML file", CLI_HTML},
    {0, "badge", "FILE", "write a badge, SVG: rules kept of how many", CLI_BADGE},
    {0, "pcap", "FILE", "write the traffic as pcapng", CLI_PCAP},
    {0, "json", NULL, "the summary on stdout as JSON, the rest on stderr", RUN_JSON},
    {'v', "verbose", NULL, "show each case and its PDUs as they happen, and the SUT's stderr",
     RUN_VERBOSE},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command run_command = {
    .name = "sipc conform run",
    .usage = "[options] SUT [PATH...]",
    .about =
        "Runs conformance cases against a system under test (SUT) and says which rules it keeps.\n"
        "PATHs are scripts or folders of scripts; without any, the shipped suite is run.\n"
        "\n"
        "SUT is one of\n"
        "  engine                 the engine of this project, in process\n"
        "  so:PATH                a shared object (conform/sut_abi.h)\n"
        "  exec:COMMAND           a program that speaks the SUT contract on stdin and stdout\n"
        "  udp:HOST:PORT          a live peer; also tcp:HOST:PORT and unix:PATH\n"
        "  ...,control=exec:CMD   a live peer that is told what to do; also control=tcp:HOST:PORT\n"
        "\n"
        "--jobs N starts N of them and runs N cases at a time: a live case mostly waits. They\n"
        "must not get in each other's way: a live one is started by control=exec and takes an\n"
        "address of its own (udp:,control=exec:...). The default is 8 for such live ones without\n"
        "--verbose, else 1. What is reported is the same for every N.\n"
        "\n"
        "--link puts a simulated network between the scripts and a SUT with a virtual clock: "
        "clauses\n"
        "of a scenario's link (script/SX.md), as 'loss 1% duplicate 0.5% swap 2% delay 10ms', "
        "both\n"
        "ways. Once it has done something, the judge decides: it sees what the SUT really got. A\n"
        "case whose rule was not at stake then is inconclusive. Given several times, or as\n"
        "'--link ladder', all cases are run over each. Chance is drawn from --seed.\n"
        "\n"
        "Before the first case of the shipped suite, after a crash and after the last case the "
        "SUT\n"
        "must show that it works at all: that anything comes of a data PDU, or of a send.\n"
        "\n"
        "Exit code: 0 as expected, 1 a rule is broken (or a known failure is not there),\n"
        "2 usage, 3 the SUT does not start, does nothing or its adapter is broken,\n"
        "4 the harness has failed, 5 nothing was decided. Files are written in every case but 2.",
    .examples = "sipc conform run engine\n"
                "sipc conform run exec:./my-sut -t 'WID-*' --html report.html\n"
                "sipc conform run exec:./my-sut --link ladder\n"
                "sipc conform run udp:127.0.0.1:9000,control=tcp:127.0.0.1:9001 --out results\n"
                "sipc conform run engine --dry-run --rule WID-7",
    .options = run_options,
};

struct run_args {
    const char *sut_spec, *known_path;
    struct cli_words paths;
    struct cli_selection selection;
    struct cli_outputs outputs;
    struct conform_run_options options;
    struct cli_links links;
    unsigned jobs;     /* 0: as fits the SUT */
    unsigned limit_ms; /* 0: what is usual */
    unsigned repeat;   /* 0: once */
    bool has_seed;     /* it was named */
    bool fix_known, fail_fast, dry_run, json, verbose, no_sanity;
};

struct run {
    struct run_args *args;
    struct cli_suite suite;
    struct cli_known known;
    unsigned job_count;
    struct cli_jobs *jobs; /* NULL: the SUT did not start */
    struct conform_report report;
    struct cli_capture *capture;
    FILE *people;  /* where text for people goes */
    bool progress; /* a line that is rewritten, on stderr */
    bool drawn;    /* the seed is this run's alone */
    size_t done, red;
    enum conform_sut_status status;
    struct conform_error error;
    const struct cli_case *shown; /* verbose: whose lines come now */
};

static atomic_bool run_interrupted;

static void run_on_interrupt(int signal_number)
{
    (void)signal_number;
    run_interrupted = true;
}

/* ---- arguments ---- */

static bool run_take_scale(struct run_args *args, const char *value)
{
    char *end;
    const double scale = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(scale >= 0.01 && scale <= 1000)) {
        fprintf(stderr, "sipc: --time-scale %s: expected a number from 0.01 to 1000\n", value);
        return false;
    }
    args->options.time_scale_percent = (unsigned)(scale * 100 + 0.5);
    return true;
}

static bool run_take_number(struct run_args *args, int id, const char *value)
{
    uint64_t number;
    if (id == RUN_SEED) {
        if (!cli_number("--seed", value, 0, INT64_MAX, &number))
            return false;
        args->options.seed = number;
        args->has_seed = true;
        return true;
    }
    if (id == RUN_JOBS) {
        if (!cli_number("--jobs", value, 1, CLI_JOBS_MAX, &number))
            return false;
        args->jobs = (unsigned)number;
        return true;
    }
    if (id == RUN_REPEAT) {
        if (!cli_number("--repeat", value, 1, 1000000, &number))
            return false;
        args->repeat = (unsigned)number;
        return true;
    }
    const bool limit = id == RUN_LIMIT;
    if (!cli_number(limit ? "--limit" : "--ack-timeout", value, 1, 3600000, &number))
        return false;
    *(limit ? &args->limit_ms : &args->options.ack_timeout_ms) = (unsigned)number;
    return true;
}

static bool run_take(void *ctx, int id, const char *value)
{
    struct run_args *args = ctx;
    switch (id) {
    case RUN_SUT:
        args->sut_spec = value;
        return true;
    case RUN_KNOWN:
        args->known_path = value;
        return true;
    case RUN_SEED:
    case RUN_JOBS:
    case RUN_LIMIT:
    case RUN_REPEAT:
    case RUN_ACK_TIMEOUT:
        return run_take_number(args, id, value);
    case RUN_TIME_SCALE:
        return run_take_scale(args, value);
    case RUN_FIX_KNOWN:
        args->fix_known = true;
        return true;
    case RUN_FAIL_FAST:
        args->fail_fast = true;
        return true;
    case RUN_LINK:
        return cli_links_add(&args->links, value);
    case RUN_NO_JUDGE:
        args->options.no_judge = true;
        return true;
    case RUN_NO_SANITY:
        args->no_sanity = true;
        return true;
    case RUN_DRY:
        args->dry_run = true;
        return true;
    case RUN_JSON:
        args->json = true;
        return true;
    case RUN_VERBOSE:
        args->verbose = true;
        return true;
    default:
        if (id >= CLI_JSONL)
            return cli_outputs_take(&args->outputs, id, value);
        return cli_select_take(&args->selection, &args->paths, id, value);
    }
}

static bool run_is_spec(const char *text)
{
    static const char *const kinds[] = {"so:", "exec:", "udp:", "tcp:", "unix:"};
    static const char *const live[] = {"udp,", "tcp,", "unix,"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(text, kinds[i], strlen(kinds[i])) == 0)
            return true;
    for (size_t i = 0; i < sizeof live / sizeof *live; i++)
        if (strncmp(text, live[i], strlen(live[i])) == 0)
            return true;
    return strcmp(text, "engine") == 0;
}

/* What a link goes with. */
static bool run_check_links(const struct run_args *args)
{
    const char *spec = args->sut_spec;
    if (args->links.count == 0)
        return true;
    if (spec != NULL && strcmp(spec, "engine") != 0 && strncmp(spec, "so:", 3) != 0 &&
        strncmp(spec, "exec:", 5) != 0) {
        cli_usage(
            &run_command,
            "--link: '%s' is live, on a network and a clock of its own; a link is simulated, in"
            " virtual time: attach the SUT as exec:COMMAND or so:PATH",
            spec);
        return false;
    }
    if (args->options.no_judge) {
        cli_usage(&run_command, "--link goes not with --no-judge: over a link the judge decides");
        return false;
    }
    if (args->links.count > 1 && args->known_path != NULL) {
        cli_usage(&run_command, "--known: a file is about runs of one kind: give one --link");
        return false;
    }
    return true;
}

/* The first argument is the SUT, unless --sut said so already or nothing is run. */
static bool run_positional(struct run_args *args, int count, char **words)
{
    int first = 0;
    if (args->sut_spec == NULL && count > 0 && (!args->dry_run || run_is_spec(words[0])))
        args->sut_spec = words[first++];
    if (args->sut_spec == NULL && !args->dry_run) {
        cli_usage(&run_command, "no SUT given");
        return false;
    }
    if (args->sut_spec != NULL && !run_is_spec(args->sut_spec)) {
        cli_usage(&run_command,
                  "'%s' is no SUT: expected engine, so:PATH, exec:COMMAND, udp:HOST:PORT,"
                  " tcp:HOST:PORT or unix:PATH",
                  args->sut_spec);
        return false;
    }
    if (args->jobs > 1 && args->sut_spec != NULL &&
        conform_sut_copies(args->sut_spec) == CONFORM_SUT_ONE) {
        cli_usage(&run_command,
                  "--jobs %u: '%s' names one SUT, by its address or its control connection; several"
                  " at a time need a command that starts them, each with an address of its own:"
                  " udp:,control=exec:COMMAND",
                  args->jobs, args->sut_spec);
        return false;
    }
    if (!run_check_links(args))
        return false;
    if (args->fix_known && args->known_path == NULL) {
        cli_usage(&run_command, "--fix-known: no file named: it goes with --known FILE");
        return false;
    }
    for (; first < count; first++)
        cli_words_add(&args->paths, words[first]);
    return true;
}

/* ---- the parts of a run ---- */

static void run_print_dry(const struct cli_suite *suite)
{
    for (size_t i = 0; i < suite->case_count; i++) {
        const struct cli_case *entry = &suite->cases[i];
        if (!entry->selected)
            continue;
        /* The script as if its parameters had this case's values alone. */
        struct sx_script one = *entry->script;
        struct sx_param *params = calloc(one.param_count + 1, sizeof *params);
        SIPC_ASSERT(params != NULL);
        for (size_t p = 0; p < one.param_count; p++)
            params[p] = (struct sx_param){.name = entry->script->params[p].name,
                                          .values = sx_case_value(entry->script, entry->index, p),
                                          .count = 1};
        one.params = params;
        one.case_count = 1;
        one.rows = NULL;
        one.where_count = 0;
        one.cover = 0;
        printf("### %s  (%s)\n\n", entry->name, entry->script->path);
        sx_print(&one, stdout);
        printf("\n");
        free(params);
    }
}

static char *run_replay(const struct run *run, const struct cli_case *entry, uint64_t seed,
                        const char *link)
{
    const struct run_args *args = run->args;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    SIPC_ASSERT(out != NULL);
    cli_quote(cli_program, out);
    fputs(" conform run ", out);
    cli_quote(args->sut_spec, out);
    fputc(' ', out);
    cli_quote(entry->script->path, out);
    fputs(" -t ", out);
    cli_quote(entry->name, out);
    if (!run->drawn)
        fprintf(out, " --seed %llu", (unsigned long long)seed);
    if (args->options.ack_timeout_ms != 0)
        fprintf(out, " --ack-timeout %u", args->options.ack_timeout_ms);
    if (args->limit_ms != 0)
        fprintf(out, " --limit %u", args->limit_ms);
    if (args->options.time_scale_percent != 100)
        fprintf(out, " --time-scale %g", args->options.time_scale_percent / 100.0);
    if (args->options.no_judge)
        fputs(" --no-judge", out);
    if (link != NULL) {
        fputs(" --link ", out);
        cli_quote(link, out);
    }
    fclose(out);
    return text;
}

/* How many are run, over each link. */
static size_t run_case_count(const struct run *run)
{
    const size_t links = run->args->links.count;
    return run->suite.selected_count * (links > 0 ? links : 1);
}

static void run_progress(const struct run *run, const char *name, size_t ended)
{
    if (!run->progress)
        return;
    fprintf(stderr, "\r\033[K  %zu of %zu", ended, run_case_count(run));
    if (run->red > 0)
        fprintf(stderr, ", \033[31m%zu failing\033[0m", run->red);
    fprintf(stderr, "  %.60s", name);
}

static void run_progress_end(const struct run *run)
{
    if (run->progress)
        fputs("\r\033[K", stderr);
}

/* The heading of a case's lines, once. */
static void run_show_case(struct run *run, const struct cli_case *entry)
{
    if (run->args->verbose && run->shown != entry)
        fprintf(run->people, "\n%s\n", entry->name);
    run->shown = entry;
}

static bool run_on_begin(void *ctx, const struct cli_case *entry, size_t ended)
{
    struct run *run = ctx;
    if (run_interrupted)
        return false;
    run_progress(run, entry->name, ended);
    if (run->job_count == 1)
        run_show_case(run, entry);
    return true;
}

static void run_on_pdu(void *ctx, const struct cli_case *entry, const struct cli_pdu *pdu)
{
    struct run *run = ctx;
    if (run->capture != NULL)
        cli_capture_pdu(run->capture, pdu, entry->name);
    if (!run->args->verbose)
        return;
    run_show_case(run, entry);
    fprintf(run->people, "  %12.6f s  %s %s  ", (double)pdu->at_ns / 1e9,
            pdu->from_sut ? "<-" : "->", pdu->peer);
    conform_print_pdu(pdu->bytes, run->people);
    fputc('\n', run->people);
}

static bool run_on_end(void *ctx, const struct cli_case *entry, const struct cli_result *done)
{
    struct run *run = ctx;
    char *replay = run_replay(run, entry, done->seed, done->record.link.text);
    const enum sipc_rule rule = done->record.rule;
    const char *blame = cli_known_blame(done->record.verdict,
                                        rule == SIPC_RULE_NONE ? NULL : sipc_rule_info(rule)->id);
    const char *known = cli_known_reason(&run->known, entry->name, entry->script->id, blame);
    const struct conform_report_case *result =
        conform_report_add(&run->report, &done->record, entry->script, known, replay);
    const bool red = conform_report_case_is_red(result);
    free(replay);
    run->done++;
    run->red += red;
    run->status = done->status;
    run->error = done->error;
    run_show_case(run, entry);
    if (run->args->verbose)
        fprintf(run->people, "  %s%s%s\n", conform_verdict_name(result->verdict),
                result->reason == NULL ? "" : ": ", result->reason == NULL ? "" : result->reason);
    return run->status == CONFORM_SUT_OK && !(red && run->args->fail_fast);
}

/* Scripts of the user's own may be about a SUT that answers nothing. */
static bool run_is_sane_run(const struct run *run)
{
    return !run->args->no_sanity && run->args->paths.count == 0;
}

static bool run_check_sanity(struct run *run, const char *when)
{
    if (run_is_sane_run(run))
        run->status = cli_sanity(cli_jobs_sut(run->jobs), &run->args->options, when, &run->error);
    return run->status == CONFORM_SUT_OK;
}

static void run_all(struct run *run)
{
    struct sigaction action = {.sa_handler = run_on_interrupt, .sa_flags = (int)SA_RESETHAND};
    const struct cli_jobs_plan plan = {
        .options = &run->args->options,
        .links = &run->args->links,
        .repeat = run->args->repeat,
        .sanity = run_is_sane_run(run),
        .on_begin = run_on_begin,
        .on_pdu = run->capture != NULL || run->args->verbose ? run_on_pdu : NULL,
        .on_end = run_on_end,
        .ctx = run,
    };
    sigaction(SIGINT, &action, NULL); /* the second one kills */
    sigaction(SIGTERM, &action, NULL);
    cli_jobs_run(run->jobs, &run->suite, &plan);
    run_progress_end(run);
    if (run_interrupted && run->status == CONFORM_SUT_OK)
        conform_error_set(&run->error, "interrupted after %zu of %zu cases", run->done,
                          run_case_count(run));
}

static int run_exit(const struct run *run, const json_t *known_problems)
{
    const struct conform_report_counts counts = conform_report_count(&run->report, NULL);
    if (run->status == CONFORM_SUT_NO_START || run->status == CONFORM_SUT_BROKEN)
        return CLI_NO_SUT;
    if (run->status != CONFORM_SUT_OK || run_interrupted || counts.verdicts[CONFORM_ERROR] > 0)
        return CLI_HARNESS;
    if (counts.failures > 0 || counts.unexpected_passes > 0 || json_array_size(known_problems) > 0)
        return CLI_NONCONFORMANT;
    return counts.decided == 0 ? CLI_UNDECIDED : CLI_OK;
}

static uint64_t run_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- what people see ---- */

static void run_print_sut(const struct run *run)
{
    const struct conform_sut *sut = cli_jobs_sut(run->jobs);
    const struct conform_response *hello = conform_sut_hello(sut);
    const bool live = !conform_sut_is_virtual(sut);
    fprintf(run->people, "SUT    ");
    conform_report_print_text(hello->name == NULL ? run->args->sut_spec : hello->name, run->people);
    if (hello->version != NULL && *hello->version != '\0') {
        fputc(' ', run->people);
        conform_report_print_text(hello->version, run->people);
    }
    fprintf(run->people, "  (%s, %s clock%s", run->args->sut_spec, live ? "wall" : "virtual",
            live && !conform_sut_has_control(sut) ? ", without control" : "");
    if (run->job_count > 1)
        fprintf(run->people, ", %u side by side", run->job_count);
    if (run->args->repeat > 1)
        fprintf(run->people, ", each case %u times", run->args->repeat);
    fputs(")\n", run->people);
    if (run->args->links.count > 0)
        fprintf(run->people, "link   %s%s, seed %llu\n",
                run->args->links.count == 1 ? run->args->links.items[0].text : "",
                run->args->links.count == 1 ? "" : "several, one after the other",
                (unsigned long long)run->args->options.seed);
    if (run->drawn)
        fprintf(run->people,
                "seed   %llu, drawn: the SUT may still hold the sessions of other runs\n",
                (unsigned long long)run->args->options.seed);
    fprintf(run->people, "suite  %s: %zu %s, %zu of %zu cases\n\n", run->suite.source,
            run->suite.script_count, run->suite.script_count == 1 ? "script" : "scripts",
            run->suite.selected_count, run->suite.case_count);
    fflush(run->people);
}

static void run_print_files(const struct run *run)
{
    const struct cli_outputs *outputs = &run->args->outputs;
    const struct {
        const char *what, *path;
    } files[] = {{"report", outputs->html}, {"JUnit", outputs->junit},
                 {"TAP", outputs->tap},     {"JSON lines", outputs->jsonl},
                 {"badge", outputs->badge}, {"traffic", outputs->pcap}};
    for (size_t i = 0, first = 1; i < sizeof files / sizeof *files; i++) {
        if (files[i].path == NULL)
            continue;
        fprintf(run->people, "%s  %-10s  %s\n", first ? "\n" : "", files[i].what, files[i].path);
        first = 0;
    }
}

static void run_print_end(const struct run *run, int exit_code)
{
    static const char *const ends[] = {[CLI_OK] = "as expected",
                                       [CLI_NONCONFORMANT] = "NOT CONFORMANT",
                                       [CLI_NO_SUT] = "THE SUT OR ITS ADAPTER DOES NOT WORK",
                                       [CLI_HARNESS] = "THE RUN DID NOT END AS IT SHOULD",
                                       [CLI_UNDECIDED] = "NOTHING WAS DECIDED"};
    const bool colour = cli_colour(run->people);
    if (run->report.case_count > 0)
        conform_report_print_table(&run->report, run->people, colour);
    conform_report_print_links(&run->report, run->people, colour);
    conform_report_print_notes(&run->report, run->people, colour);
    run_print_files(run);
    const struct conform_report_counts counts = conform_report_count(&run->report, NULL);
    fprintf(run->people, "\n%s%s%s",
            colour ? exit_code == CLI_OK ? "\033[1;32m" : "\033[1;31m" : "", ends[exit_code],
            colour ? "\033[0m" : "");
    fprintf(run->people, ": %zu of %zu cases pass", counts.verdicts[CONFORM_PASS],
            run_case_count(run));
    if (counts.failures > 0)
        fprintf(run->people, ", %zu %s", counts.failures, counts.failures == 1 ? "fails" : "fail");
    fputc('\n', run->people);
}

static void run_print_json(const struct conform_report *report)
{
    json_t *summary = conform_report_summary(report);
    json_dumpf(summary, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(summary);
}

/* ---- putting it together ---- */

static void run_begin_report(struct run *run, const char *command, FILE *stream)
{
    const time_t now = time(NULL);
    struct tm utc;
    char started[40];
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_t *selection = cli_select_json(&run->args->selection);
    const struct conform_report_about about = {
        .command = command,
        .started = started,
        .sut_spec = run->args->sut_spec,
        .sut = run->jobs == NULL ? NULL : cli_jobs_sut(run->jobs),
        .options = &run->args->options,
        .selection = selection,
        .suite = run->suite.source,
        .version = SIPC_VERSION,
        .digest = run->suite.digest,
        .script_count = run->suite.script_count,
        .case_count = run->suite.case_count,
        .selected_count = run->suite.selected_count,
        .cases_by_rule = run->suite.cases_by_rule,
    };
    conform_report_begin(&run->report, &about, stream);
    json_decref(selection);
}

/* Opens what is written as the run goes. */
static bool run_open(struct run *run, FILE **jsonl, FILE **pcap)
{
    struct cli_outputs *outputs = &run->args->outputs;
    bool ok = cli_outputs_prepare(outputs);
    if (outputs->jsonl != NULL && (*jsonl = cli_outputs_open(outputs->jsonl)) == NULL)
        ok = false;
    if (outputs->pcap != NULL && (*pcap = cli_outputs_open(outputs->pcap)) == NULL)
        ok = false;
    if (!ok && *jsonl != NULL)
        fclose(*jsonl);
    if (!ok && *pcap != NULL)
        fclose(*pcap);
    return ok;
}

/* As many as are asked for, or fit the SUT; never more than there are cases. */
static unsigned run_job_count(const struct run *run)
{
    const struct run_args *args = run->args;
    const bool many = conform_sut_copies(args->sut_spec) == CONFORM_SUT_LIVES && !args->verbose;
    const unsigned jobs = args->jobs != 0 ? args->jobs : many ? RUN_JOBS_LIVE : 1;
    return jobs < run->suite.selected_count ? jobs : (unsigned)run->suite.selected_count;
}

/* Nobody can make a peer without control forget its sessions, and by the same seed a second run
 * would meet those of the first. Hence a seed of its own, which a replay must not have either. */
static void run_draw_seed(struct run *run)
{
    uint32_t seed;
    run->drawn = !run->args->has_seed && !conform_sut_has_control(cli_jobs_sut(run->jobs));
    if (!run->drawn)
        return;
    const int failed = getentropy(&seed, sizeof seed);
    SIPC_ASSERT(failed == 0);
    run->args->options.seed = seed;
}

static int run_execute(struct run *run, const char *command)
{
    struct cli_outputs *outputs = &run->args->outputs;
    FILE *jsonl = NULL, *pcap = NULL;
    const uint64_t begun = run_clock();
    const struct conform_sut_options attach = {.response_limit_ms = run->args->limit_ms,
                                               .verbose = run->args->verbose};
    if (!run_open(run, &jsonl, &pcap))
        return CLI_USAGE;
    run->job_count = run_job_count(run);
    run->status =
        cli_jobs_attach(run->args->sut_spec, &attach, run->job_count, &run->jobs, &run->error);
    const bool attached = run->jobs != NULL;
    if (!attached && run->status != CONFORM_SUT_BROKEN)
        run->status = CONFORM_SUT_NO_START;
    if (attached)
        run_draw_seed(run);
    run_begin_report(run, command, jsonl);
    if (pcap != NULL)
        run->capture = cli_capture_begin(
            pcap, run->args->sut_spec, attached && conform_sut_is_virtual(cli_jobs_sut(run->jobs)));
    if (attached) {
        run_print_sut(run);
        if (run_check_sanity(run, "before the first case")) {
            run_all(run);
            if (run->status == CONFORM_SUT_OK && !run_interrupted)
                run_check_sanity(run, "before the first case it did, but after the last");
        }
    }
    json_t *problems = cli_known_problems(&run->known, &run->suite, &run->report);
    int exit_code = run_exit(run, problems);
    const bool stopped = run->status != CONFORM_SUT_OK || run_interrupted;
    conform_report_end(&run->report,
                       &(struct conform_report_end){.error = stopped ? run->error.text : NULL,
                                                    .exit_code = exit_code,
                                                    .elapsed_ns = run_clock() - begun,
                                                    .known_problems = problems});
    json_decref(problems);
    cli_jobs_detach(run->jobs);
    cli_outputs_write(outputs, &run->report);
    if (jsonl != NULL && !cli_outputs_close(jsonl, outputs->jsonl))
        outputs->broken = true;
    if (run->capture != NULL && !cli_capture_end(run->capture))
        outputs->broken = true;
    if (pcap != NULL && !cli_outputs_close(pcap, outputs->pcap))
        outputs->broken = true;
    run_print_end(run, exit_code);
    if (attached && run->args->fix_known &&
        !cli_known_fix(&run->known, &run->suite, &run->report, run->people))
        outputs->broken = true;
    if (run->args->json)
        run_print_json(&run->report);
    conform_report_clear(&run->report);
    return outputs->broken && exit_code == CLI_OK ? CLI_HARNESS : exit_code;
}

static int run_suite(struct run_args *args, const char *command)
{
    struct run run = {.args = args, .people = args->json ? stderr : stdout};
    int exit_code = CLI_USAGE;
    run.progress = cli_colour(stderr) && !args->verbose;
    if (!cli_suite_load(&run.suite, args->paths.items, args->paths.count))
        return CLI_USAGE;
    if (cli_select(&args->selection, &run.suite) &&
        (args->known_path == NULL ||
         cli_known_read(&run.known, args->known_path, args->fix_known))) {
        if (args->dry_run) {
            run_print_dry(&run.suite);
            exit_code = CLI_OK;
        } else {
            exit_code = run_execute(&run, command);
        }
    }
    cli_known_clear(&run.known);
    cli_suite_clear(&run.suite);
    return exit_code;
}

static char *run_command_line(int argc, char **argv)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    SIPC_ASSERT(out != NULL);
    cli_quote(cli_program, out);
    fputs(" conform run", out);
    for (int i = 1; i < argc; i++) {
        fputc(' ', out);
        cli_quote(argv[i], out);
    }
    fclose(out);
    return text;
}

int cli_cmd_run(int argc, char **argv)
{
    struct run_args args = {.options = {.seed = 1, .time_scale_percent = 100}};
    char *command = run_command_line(argc, argv); /* before getopt moves arguments about */
    int first;
    int exit_code = cli_parse(&run_command, argc, argv, &first, run_take, &args);
    if (exit_code == -1)
        exit_code = run_positional(&args, argc - first, argv + first) ? run_suite(&args, command)
                                                                      : CLI_USAGE;
    cli_outputs_clear(&args.outputs);
    cli_select_clear(&args.selection);
    cli_words_clear(&args.paths);
    cli_links_clear(&args.links);
    free(command);
    return exit_code;
}
