/* The figures as an aligned Markdown table, or as JSON. */
#include <stdio.h>
#include <string.h>

#include "suite_bench.h"

/* Of each repetition's own: the row's seconds over those of the first row. */
static struct bench_stat report_ratio(const struct suite_plan *plan, const struct suite_row *row)
{
    double ratios[BENCH_REPETITIONS_MAX];

    for (uint32_t i = 0; i < plan->repetitions; i++)
        ratios[i] = row->cpu_s[i] / plan->rows[0].cpu_s[i];
    return bench_stat_of(ratios, plan->repetitions);
}

static void report_cell(const struct bench_stat *stat, int columns)
{
    char text[64];

    snprintf(text, sizeof text, "%.2f [%.2f..%.2f]", stat->median, stat->min, stat->max);
    printf(" %-*s |", columns, text);
}

void suite_print(const struct suite_plan *plan)
{
    int width = 3;

    for (uint32_t i = 0; i < plan->row_count; i++)
        if ((int)strlen(plan->rows[i].name) > width)
            width = (int)strlen(plan->rows[i].name);
    bench_print_machine();
    printf(
        ".\nCPU time of harness and SUT together; median [min..max] of %u repetitions, the rows in"
        " turn;\na ratio is each repetition's own.\n",
        plan->repetitions);
    if (bench_build_is_slow())
        printf("This build is not optimised, or has sanitizers: its times mean nothing.\n");
    printf("\n| %-*s | cases | passed |  PDUs | CPU s [min..max]    | wall s [min..max]   |"
           " cases/s |  PDUs/s | ratio [min..max]       |\n|",
           width, "SUT");
    for (int i = 0; i < width + 2; i++)
        putchar('-');
    printf("|------:|-------:|------:|---------------------|---------------------|--------:|"
           "--------:|------------------------|\n");
    for (uint32_t i = 0; i < plan->row_count; i++) {
        const struct suite_row *row = &plan->rows[i];
        const struct bench_stat cpu = bench_stat_of(row->cpu_s, plan->repetitions);
        const struct bench_stat wall = bench_stat_of(row->wall_s, plan->repetitions);
        const struct bench_stat ratio = report_ratio(plan, row);
        printf("| %-*s | %5zu | %6zu | %5zu |", width, row->name, row->cases, row->passed,
               row->pdus);
        report_cell(&cpu, 19);
        report_cell(&wall, 19);
        printf(" %7.0f | %7.0f |", (double)row->cases / cpu.median, (double)row->pdus / cpu.median);
        report_cell(&ratio, 22);
        putchar('\n');
    }
}

void suite_print_json(const struct suite_plan *plan)
{
    char processor[128];
    json_t *rows = json_array();

    for (uint32_t i = 0; i < plan->row_count; i++) {
        const struct suite_row *row = &plan->rows[i];
        const struct bench_stat cpu = bench_stat_of(row->cpu_s, plan->repetitions);
        const struct bench_stat wall = bench_stat_of(row->wall_s, plan->repetitions);
        const struct bench_stat ratio = report_ratio(plan, row);
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:f, s:f, s:o}", "row", row->name,
                            "sut", row->spec, "cases", (json_int_t)row->cases, "passed",
                            (json_int_t)row->passed, "pdus", (json_int_t)row->pdus, "cpu_s",
                            bench_json_stat(&cpu), "wall_s", bench_json_stat(&wall), "cases_per_s",
                            (double)row->cases / cpu.median, "pdus_per_s",
                            (double)row->pdus / cpu.median, "ratio", bench_json_stat(&ratio)));
    }
    bench_processor(processor, sizeof processor);
    json_t *report = json_pack("{s:s, s:s, s:b, s:I, s:o}", "processor", processor, "build",
                               bench_build(), "times_mean_nothing", (int)bench_build_is_slow(),
                               "repetitions", (json_int_t)plan->repetitions, "rows", rows);
    json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(report);
}
