/* sipc conform report: reports from the JSON lines of a run, whenever they were made. */
#include "cli.h"

enum { REPORT_JSON = 2000 };

static const struct cli_option report_options[] = {
    {0, "junit", "FILE", "write JUnit XML", CLI_JUNIT},
    {0, "tap", "FILE", "write TAP", CLI_TAP},
    {0, "html", "FILE", "write one HTML file", CLI_HTML},
    {0, "badge", "FILE", "write a badge, SVG: rules kept of how many", CLI_BADGE},
    {0, "json", NULL, "the summary on stdout as JSON, instead of text", REPORT_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command report_command = {
    .name = "sipc conform report",
    .usage = "[options] RESULTS.jsonl",
    .about = "Makes reports from the JSON lines that `sipc conform run --jsonl` wrote; without\n"
             "options, the text that run printed at its end. Lines whose counts do not add up are\n"
             "refused.",
    .examples = "sipc conform report results.jsonl\n"
                "sipc conform report results.jsonl --html report.html --junit junit.xml",
    .options = report_options,
};

struct report_args {
    struct cli_outputs outputs;
    bool json;
};

static bool report_take(void *ctx, int id, const char *value)
{
    struct report_args *args = ctx;
    if (id == REPORT_JSON) {
        args->json = true;
        return true;
    }
    return cli_outputs_take(&args->outputs, id, value);
}

static void report_print(const struct conform_report *report, const struct report_args *args)
{
    const struct cli_outputs *outputs = &args->outputs;
    const bool colour = cli_colour(stdout);
    if (args->json) {
        json_t *summary = conform_report_summary(report);
        json_dumpf(summary, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(summary);
    } else if (outputs->junit == NULL && outputs->tap == NULL && outputs->html == NULL &&
               outputs->badge == NULL) {
        conform_report_print_table(report, stdout, colour);
        conform_report_print_notes(report, stdout, colour);
    }
}

int cli_cmd_report(int argc, char **argv)
{
    struct report_args args = {0};
    struct conform_report report;
    struct conform_error error;
    int first;
    int exit_code = cli_parse(&report_command, argc, argv, &first, report_take, &args);
    if (exit_code == -1 && argc - first != 1)
        exit_code = cli_usage(&report_command,
                              "expected one file of JSON lines, found %d arguments", argc - first);
    if (exit_code == -1 && !conform_report_read(&report, argv[first], &error)) {
        fprintf(stderr, "sipc: %s\n", error.text);
        exit_code = CLI_USAGE;
    }
    if (exit_code == -1) {
        report_print(&report, &args);
        cli_outputs_write(&args.outputs, &report);
        exit_code = args.outputs.broken ? CLI_HARNESS : CLI_OK;
        conform_report_clear(&report);
    }
    cli_outputs_clear(&args.outputs);
    return exit_code;
}
