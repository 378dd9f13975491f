/* The figures as an aligned Markdown table, or as JSON. */
#include <inttypes.h>
#include <stdio.h>

#include "sim_rows.h"

/* Why there is nothing beside the simulator; NULL if there is. */
static const char *report_without_ns3(const struct sim_plan *plan)
{
    if (!sim_ns3_is_there())
        return "built without it; on Debian: apt-get install libns3-dev libgsl-dev, then configure "
               "and build again";
    return plan->ns3 ? NULL : "left out (--no-ns3)";
}

static const char report_columns[] =
    "| row           | size    | of         | million/s [min..max]    | unit   | instr. |"
    " simulated s/s | link filled | ns-3 Map | ratio [min..max]      | ns-3 PQ  |"
    " ratio [min..max]      |\n"
    "|---------------|--------:|------------|-------------------------|--------|-------:|"
    "--------------:|------------:|---------:|-----------------------|---------:|"
    "-----------------------|\n";

void sim_print_head(const struct sim_plan *plan)
{
    const char *without_ns3 = report_without_ns3(plan);

    bench_print_machine();
    printf(".\nCPU time of one thread; median [min..max] of %u repetitions", plan->repetitions);
    if (without_ns3 != NULL)
        printf(".\nns-3: %s.\n", without_ns3);
    else
        printf(", simulator and ns-3 in turn; a ratio is each repetition's own.\n"
               "ns-3: its default scheduler, Map, and its fastest, PriorityQueue (PQ); million/s "
               "too.\n");
    if (bench_build_is_slow())
        printf("This build is not optimised, or has sanitizers: its times mean nothing.\n");
    printf("\n%s", report_columns);
}

/* A cell of so many columns; digits behind the point as the size asks for. */
static void report_stat(const struct bench_stat *stat, double scale, int columns)
{
    char text[64];

    snprintf(text, sizeof text, "%.2f [%.2f..%.2f]", stat->median / scale, stat->min / scale,
             stat->max / scale);
    printf(" %-*s |", columns, text);
}

void sim_print_row(const struct sim_figures *figures)
{
    const struct sim_row *row = figures->row;

    printf("| %-13s | %7" PRIu64 " | %-10s |", row->name, figures->size, row->of_size);
    report_stat(&figures->per_s, 1e6, 23);
    printf(" %-6s |", row->unit);
    if (figures->instructions > 0)
        printf(" %6.0f |", figures->instructions);
    else
        printf(" %6s |", "-");
    if (figures->filled > 0)
        printf(" %13.2f | %9.1f %% |", figures->pace.median, figures->filled * 100);
    else
        printf(" %13s | %11s |", "-", "-");
    for (int i = 0; i < SIM_SCHEDULERS; i++) {
        if (figures->has_ns3) {
            printf(" %8.3f |", figures->ns3_per_s[i].median / 1e6);
            report_stat(&figures->ratio[i], 1, 21);
        } else {
            printf(" %8s | %-21s |", "-", "-");
        }
    }
    printf("\n");
    fflush(stdout);
}

/* ---- JSON ---- */

static json_t *report_json_ns3(const struct sim_figures *figures)
{
    json_t *all = json_object();

    for (int i = 0; i < SIM_SCHEDULERS; i++)
        json_object_set_new(all, sim_scheduler_names[i],
                            json_pack("{s:o, s:o}", "per_s",
                                      bench_json_stat(&figures->ns3_per_s[i]), "ratio",
                                      bench_json_stat(&figures->ratio[i])));
    return all;
}

json_t *sim_json_row(const struct sim_figures *figures)
{
    bool has_link = figures->filled > 0;

    return json_pack(
        "{s:s, s:s, s:I, s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "row", figures->row->name, "unit",
        figures->row->unit, "size", (json_int_t)figures->size, "size_of", figures->row->of_size,
        "units", (json_int_t)figures->units, "per_s", bench_json_stat(&figures->per_s),
        "simulated_s_per_s", has_link ? bench_json_stat(&figures->pace) : json_null(),
        "link_filled", has_link ? json_real(figures->filled) : json_null(), "instructions_per_unit",
        figures->instructions > 0 ? json_real(figures->instructions) : json_null(), "ns3",
        figures->has_ns3 ? report_json_ns3(figures) : json_null());
}

json_t *sim_json(const struct sim_plan *plan, json_t *rows)
{
    const char *without_ns3 = report_without_ns3(plan);
    char processor[128];

    bench_processor(processor, sizeof processor);
    return json_pack("{s:s, s:s, s:b, s:I, s:o, s:O}", "processor", processor, "build",
                     bench_build(), "times_mean_nothing", (int)bench_build_is_slow(), "repetitions",
                     (json_int_t)plan->repetitions, "ns3_left_out",
                     without_ns3 != NULL ? json_string(without_ns3) : json_null(), "rows", rows);
}
