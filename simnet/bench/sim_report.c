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

static const char report_search_columns[] =
    "| search               | by second [min..max]    | unit   | beside                           "
    "                      |\n"
    "|----------------------|-------------------------|--------|----------------------------------"
    "----------------------|\n";

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
}

/* A cell of so many columns; digits behind the point as the size asks for. */
static void report_stat(const struct bench_stat *stat, double scale, int columns)
{
    char text[64];

    snprintf(text, sizeof text, "%.2f [%.2f..%.2f]", stat->median / scale, stat->min / scale,
             stat->max / scale);
    printf(" %-*s |", columns, text);
}

static void report_row(const struct sim_figures *figures)
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
}

static void report_search(const struct sim_figures *figures)
{
    char text[160];
    size_t used = 0;

    printf("| %-20s |", figures->row->name);
    snprintf(text, sizeof text, "%.0f [%.0f..%.0f]", figures->per_s.median, figures->per_s.min,
             figures->per_s.max);
    printf(" %-23s | %-6s |", text, figures->row->unit);
    text[0] = '\0';
    for (int i = 0; i < SIM_BESIDE_MAX && figures->beside[i].name != NULL; i++) {
        const struct sim_beside *beside = &figures->beside[i];
        int digits = beside->value < 100 ? 2 : 0;
        int more = snprintf(text + used, sizeof text - used, "%s%s %.*f", i > 0 ? ", " : "",
                            beside->name, digits, beside->value);
        used += more > 0 && (size_t)more < sizeof text - used ? (size_t)more : 0;
    }
    printf(" %-54s |\n", text);
}

void sim_print_row(const struct sim_figures *figures, const struct sim_row *before)
{
    bool search = figures->row->of_size == NULL;

    if (before == NULL || (before->of_size == NULL) != search)
        printf("\n%s", search ? report_search_columns : report_columns);
    if (search)
        report_search(figures);
    else
        report_row(figures);
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

static json_t *report_json_beside(const struct sim_figures *figures)
{
    json_t *all = json_object();

    for (int i = 0; i < SIM_BESIDE_MAX && figures->beside[i].name != NULL; i++)
        json_object_set_new(all, figures->beside[i].name, json_real(figures->beside[i].value));
    return all;
}

json_t *sim_json_row(const struct sim_figures *figures)
{
    bool has_link = figures->filled > 0;

    return json_pack("{s:s, s:s, s:I, s:s?, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "row",
                     figures->row->name, "unit", figures->row->unit, "size",
                     (json_int_t)figures->size, "size_of", figures->row->of_size, "units",
                     (json_int_t)figures->units, "per_s", bench_json_stat(&figures->per_s),
                     "simulated_s_per_s", has_link ? bench_json_stat(&figures->pace) : json_null(),
                     "link_filled", has_link ? json_real(figures->filled) : json_null(),
                     "instructions_per_unit",
                     figures->instructions > 0 ? json_real(figures->instructions) : json_null(),
                     "ns3", figures->has_ns3 ? report_json_ns3(figures) : json_null(), "beside",
                     report_json_beside(figures));
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
