/* sipc sim compare: scenarios on the simulator and on ns-3, and what is not the same. */
#include "scenarios.h"
#include "sim_cli.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "conform/world.h"
#include "simnet/compare.h"

enum { COMPARE_SEED = 2000, COMPARE_JSON };

static const struct cli_option compare_options[] = {
    {'t', "only", "GLOB", "only cases with this name or id (repeatable)", CLI_ONLY},
    {'x', "exclude", "GLOB", "not the cases with this name or id (repeatable)", CLI_EXCLUDE},
    {'s', "seed", "N", "this seed instead of the scenario's", COMPARE_SEED},
    {0, "json", NULL, "print a JSON object for each case, no table", COMPARE_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command compare_command = {
    .name = "sipc sim compare",
    .usage = "[options] FILE|FOLDER...",
    .about =
        "Runs each scenario twice, on the simulator and on ns-3, with the same faults, and\n"
        "compares the two packet by packet: `same` datagrams arrived at the same ns in both,\n"
        "`apart` at other times (by so much at most), `alone` in one of them only. The simulator\n"
        "rounds the time on a wire as ns-3 does meanwhile. `ns-3 takes` is the CPU time of the "
        "run\n"
        "on ns-3 by that of the one on the simulator; `links` the same of the same datagrams over\n"
        "the same links with nobody at their ends. The last lines have both of all that agree.\n"
        "\n"
        "Exit status: 0 all arrivals the same and goodput within 0.5 %, 1 not, 2 bad options or\n"
        "scenarios, something ns-3 cannot do, or no ns-3, 3 a host's SUT does not start.",
    .examples = "sipc sim compare simnet/scenarios/bad-wifi.sx\n"
                "sipc sim compare simnet/scenarios --only 'sat*' --json",
    .options = compare_options,
};

struct compare_args {
    struct cli_selection selection;
    struct cli_words paths;
    uint64_t seed;
    bool has_seed, json;
};

static bool compare_take(void *ctx, int id, const char *value)
{
    struct compare_args *args = ctx;

    if (id == COMPARE_SEED) {
        args->has_seed = true;
        return cli_number("--seed", value, 0, UINT64_MAX, &args->seed);
    }
    if (id != COMPARE_JSON)
        return cli_select_take(&args->selection, &args->paths, id, value);
    args->json = true;
    return true;
}

/* Of the cases that agree: only they are the same work. */
struct compare_sum {
    size_t cases;
    uint64_t own_ns, ns3_ns;
    struct simnet_compared_links links[2];
};

/* ---- output ---- */

static double compare_ratio(uint64_t own_ns, uint64_t ns3_ns)
{
    return own_ns > 0 ? (double)ns3_ns / (double)own_ns : 0;
}

static void compare_row(const struct simnet_scenario *scenario,
                        const struct simnet_compared *compared,
                        const struct simnet_compared_links links[2], bool agree)
{
    printf("%s %-26s %8" PRIu64 " %7" PRIu64 " %7" PRIu64 " %12" PRIu64
           " ns %11.3f %11.3f %10.1f %6.1f\n",
           agree ? " " : "!", scenario->name, compared->same, compared->apart, compared->alone,
           compared->apart_max_ns, (double)compared->own.goodput_bps / 1e6,
           (double)compared->other.goodput_bps / 1e6,
           compare_ratio(compared->own.cpu_ns, compared->other.cpu_ns),
           compare_ratio(links[0].cpu_ns, links[1].cpu_ns));
    if (!agree)
        printf("    first: %s\n", compared->first);
}

static json_t *compare_run_json(const struct simnet_compared_run *run)
{
    char hash[32];

    snprintf(hash, sizeof hash, "%016" PRIx64, run->hash);
    return json_pack("{s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I}", "end", simnet_end_name(run->end),
                     "ok", run->ok, "hash", hash, "events", (json_int_t)run->events, "arrivals",
                     (json_int_t)run->arrivals, "bytes_delivered", (json_int_t)run->bytes,
                     "goodput_bps", (json_int_t)run->goodput_bps, "cpu_ns",
                     (json_int_t)run->cpu_ns);
}

static json_t *compare_links_json(const struct simnet_compared_links links[2])
{
    return json_pack("{s:I, s:I, s:I}", "arrivals", (json_int_t)links[0].arrivals, "own_cpu_ns",
                     (json_int_t)links[0].cpu_ns, "ns3_cpu_ns", (json_int_t)links[1].cpu_ns);
}

static void compare_json(const struct simnet_scenario *scenario,
                         const struct simnet_compared *compared,
                         const struct simnet_compared_links links[2], bool agree)
{
    json_t *object =
        json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o}", "name", scenario->name,
                  "path", scenario->path, "agree", agree, "same", (json_int_t)compared->same,
                  "apart", (json_int_t)compared->apart, "alone", (json_int_t)compared->alone,
                  "apart_max_ns", (json_int_t)compared->apart_max_ns, "first", compared->first,
                  "own", compare_run_json(&compared->own), "ns3",
                  compare_run_json(&compared->other), "links", compare_links_json(links));

    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void compare_total(const struct compare_sum *sum)
{
    uint64_t own_ns = sum->links[0].cpu_ns, ns3_ns = sum->links[1].cpu_ns;

    if (sum->cases == 0)
        return;
    printf("ns-3 takes %.1f times the CPU time of the simulator: %.3f s by %.3f s, %zu case%s that "
           "agree%s\n",
           compare_ratio(sum->own_ns, sum->ns3_ns), (double)sum->ns3_ns / 1e9,
           (double)sum->own_ns / 1e9, sum->cases, sum->cases == 1 ? "" : "s",
           sum->cases == 1 ? "s" : "");
    printf("on the links alone %.1f times: %.3f s by %.3f s, %" PRIu64 " datagrams arrived\n",
           compare_ratio(own_ns, ns3_ns), (double)ns3_ns / 1e9, (double)own_ns / 1e9,
           sum->links[0].arrivals);
}

/* ---- a case ---- */

struct compare_case {
    const struct simnet_scenario *scenario;
    struct simnet_compared compared;
    struct simnet_compared_links links[2];
    struct simnet_error error;
    bool foreign;
    int line;
};

/* With an ns-3 of its own: there is one in a process at a time. */
static bool compare_on(const struct compare_args *args, struct compare_case *it,
                       const struct simnet_carrier *carrier, bool links)
{
    const struct simnet_scenario_options options = {.seed = args->has_seed ? &args->seed : NULL};

    return links ? simnet_compare_links(it->scenario, carrier, &options, it->links, &it->error,
                                        &it->line, &it->foreign)
                 : simnet_compare(it->scenario, carrier, &options, &it->compared, &it->error,
                                  &it->line, &it->foreign);
}

static int compare_run_case(const struct compare_args *args,
                            const struct simnet_ns3_library *library, struct compare_case *it)
{
    for (int links = 0; links < 2; links++) {
        struct simnet_ns3 *ns3 = library->make(&it->error);
        if (ns3 == NULL) {
            fprintf(stderr, "sipc sim: %s\n", it->error.text);
            return CLI_HARNESS;
        }
        bool ran = compare_on(args, it, library->carrier(ns3), links > 0);
        library->end(ns3);
        if (!ran) {
            fprintf(stderr, "%s:%d: error: %s\n", it->scenario->path, it->line, it->error.text);
            return it->foreign ? CLI_NO_SUT : CLI_USAGE;
        }
    }
    return CLI_OK;
}

static int compare_scenario(const struct compare_args *args,
                            const struct simnet_ns3_library *library,
                            const struct simnet_scenario *scenario, struct compare_sum *sum)
{
    struct compare_case it = {.scenario = scenario};
    int code = compare_run_case(args, library, &it);

    if (code != CLI_OK)
        return code;
    bool agree = simnet_compared_agree(&it.compared);
    if (agree) {
        sum->cases++;
        sum->own_ns += it.compared.own.cpu_ns;
        sum->ns3_ns += it.compared.other.cpu_ns;
        for (int i = 0; i < 2; i++) {
            sum->links[i].arrivals += it.links[i].arrivals;
            sum->links[i].cpu_ns += it.links[i].cpu_ns;
        }
    }
    if (args->json)
        compare_json(scenario, &it.compared, it.links, agree);
    else
        compare_row(scenario, &it.compared, it.links, agree);
    fflush(stdout);
    return agree ? CLI_OK : CLI_NONCONFORMANT;
}

static int compare_cases(const struct compare_args *args, const struct cli_suite *suite)
{
    struct simnet_error error;
    const struct simnet_ns3_library *library = simnet_ns3_load(&error);
    const bool progress = isatty(STDERR_FILENO);
    struct compare_sum sum = {0};
    int worst = CLI_OK;

    if (library == NULL) {
        fprintf(stderr, "sipc sim compare: %s\n", error.text);
        return CLI_USAGE;
    }
    if (!args->json)
        printf("  %-26s %8s %7s %7s %15s %11s %11s %10s %6s\n", "scenario", "same", "apart",
               "alone", "by at most", "own Mbit/s", "ns-3 Mbit/s", "ns-3 takes", "links");
    for (size_t i = 0; i < suite->case_count; i++) {
        const struct cli_case *entry = &suite->cases[i];
        struct simnet_scenario scenario;
        if (!entry->selected)
            continue;
        int code = CLI_USAGE;
        if (simnet_scenario_from_script(entry->script, entry->index, &scenario, stderr)) {
            if (progress)
                fprintf(stderr, "\r%s\r\033[K", scenario.name);
            code = compare_scenario(args, library, &scenario, &sum);
            simnet_scenario_fini(&scenario);
        }
        worst = code > worst ? code : worst;
    }
    if (!args->json)
        compare_total(&sum);
    return worst;
}

int sim_cmd_compare(int argc, char **argv)
{
    struct compare_args args = {0};
    struct cli_suite suite;
    int first, exit_code = cli_parse(&compare_command, argc, argv, &first, compare_take, &args);

    for (int i = first; exit_code < 0 && i < argc; i++)
        cli_words_add(&args.paths, argv[i]);
    if (exit_code < 0 && args.paths.count == 0)
        exit_code = cli_usage(&compare_command, "no scenario: name a file or a folder");
    if (exit_code < 0 && !cli_scenarios_load(&suite, args.paths.items, args.paths.count))
        exit_code = CLI_USAGE;
    else if (exit_code < 0) {
        exit_code = CLI_USAGE;
        if (cli_select(&args.selection, &suite))
            exit_code = compare_cases(&args, &suite);
        cli_suite_clear(&suite);
    }
    cli_words_clear(&args.paths);
    cli_select_clear(&args.selection);
    return exit_code;
}
