/* The one binary of the project: a table of commands. */
#include "bench/engine_bench.h"
#include "bench/sim_bench.h"
#include "bench/suite_bench.h"
#include "cli.h"
#include "pcap_cli.h"
#include "sim_cli.h"
#include "study/lfn_cli.h"
#include "tool/fuzz_cli.h"

#include <signal.h>
#include <string.h>

struct main_entry {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's own name */
    const char *help;
};

static const struct main_entry main_conform[] = {
    {"run", cli_cmd_run, "run cases against a system under test and report"},
    {"list", cli_cmd_list, "list the cases there are"},
    {"explain", cli_cmd_explain, "explain a rule or a case"},
    {"report", cli_cmd_report, "make reports from the JSON lines of a run"},
    {"diff", cli_cmd_diff, "tell what changed between two runs"},
    {"matrix", cli_cmd_matrix, "put the results of runs side by side"},
    {"mutants", cli_cmd_mutants, "say which broken implementations the suite finds out"},
    {"check-adapter", conform_cmd_check_adapter, "say in plain words what an adapter does wrong"},
    {NULL, NULL, NULL},
};

static const struct main_entry main_bench[] = {
    {"engine", engine_cmd_bench, "the engine beside ENet on a link in memory"},
    {"sim", simnet_cmd_bench, "the simulator beside ns-3"},
    {"suite", conform_cmd_bench, "the conformance suite, on several SUTs"},
    {"pcap", pcap_cmd_bench, "the reading of captures beside libpcap and tshark"},
    {NULL, NULL, NULL},
};

static const struct main_entry main_sim[] = {
    {"run", sim_cmd_run, "run scenarios: hosts, links, faults, and what is expected of them"},
    {"replay", sim_cmd_replay, "a history once more, from its faults alone"},
    {"compare", sim_cmd_compare, "scenarios on ns-3, packet by packet as here"},
    {"explore", sim_cmd_explore, "every course a small world can take"},
    {"swarm", sim_cmd_swarm, "random scenarios by the thousand"},
    {"shrink", sim_cmd_shrink, "the smallest scenario that fails as a large one did"},
    {"lfn", sim_cmd_lfn, "one point of the study of long fat networks"},
    {NULL, NULL, NULL},
};

static const struct main_entry main_pcap[] = {
    {"show", pcap_cmd_show, "the PDUs in a capture: a line each, trees, JSON, CSV"},
    {"stats", pcap_cmd_stats, "sessions in numbers: goodput, round trips, repeats, holes"},
    {"audit", pcap_cmd_audit, "judge the endpoints in a capture, rule by rule"},
    {"capture", pcap_cmd_capture, "capture on an interface, into a file or a ring of them"},
    {"extract", pcap_cmd_extract, "window groups to files, sessions to captures"},
    {"replay", pcap_cmd_replay, "an endpoint once more: by the engine, or to a live peer"},
    {"rewrite", pcap_cmd_rewrite, "a capture with other addresses, ports, ids"},
    {"anonymize", pcap_cmd_anonymize, "a capture without what tells whose it is"},
    {"scenario", pcap_cmd_scenario, "a path as its traffic shows it, for the simulator"},
    {NULL, NULL, NULL},
};

static const struct main_entry main_fuzz[] = {
    {"show", fuzz_cmd_show, "an input of a fuzz target as a conformance case"},
    {"seed", fuzz_cmd_seed, "conformance cases as inputs"},
    {"case", fuzz_cmd_case, "script, capture and unit test of an input that broke an oracle"},
    {NULL, NULL, NULL},
};

static int main_cmd_conform(int argc, char **argv);
static int main_cmd_fuzz(int argc, char **argv);
static int main_cmd_sim(int argc, char **argv);
static int main_cmd_pcap(int argc, char **argv);
static int main_cmd_bench(int argc, char **argv);

static const struct main_entry main_commands[] = {
    {"conform", main_cmd_conform, "judge an implementation of ScalableIPC rule by rule"},
    {"sut", conform_cmd_sut,
     "the engine as a system under test: over UDP, TCP, Unix sockets, stdio"},
    {"sim", main_cmd_sim, "endpoints on a simulated network"},
    {"pcap", main_cmd_pcap, "read captures of ScalableIPC"},
    {"fuzz", main_cmd_fuzz, "inputs of the fuzz targets as scripts, and back"},
    {"bench", main_cmd_bench, "measure how fast it is"},
    {NULL, NULL, NULL},
};

static void main_help(const char *name, const struct main_entry *table, const char *example,
                      FILE *out)
{
    fprintf(out, "usage: %s COMMAND [arguments]\n\n", name);
    for (const struct main_entry *entry = table; entry->name != NULL; entry++)
        fprintf(out, "  %-14s %s\n", entry->name, entry->help);
    fprintf(out, "\nEach command has --help. For example:\n  %s\n", example);
}

static bool main_is(const char *word, const char *name, const char *letter)
{
    return strcmp(word, name) == 0 || strcmp(word, letter) == 0;
}

static int main_dispatch(const char *name, const struct main_entry *table, const char *example,
                         int argc, char **argv)
{
    if (argc < 2) {
        main_help(name, table, example, stderr);
        return CLI_USAGE;
    }
    if (main_is(argv[1], "--help", "-h")) {
        main_help(name, table, example, stdout);
        return CLI_OK;
    }
    struct cli_words names = {0};
    for (const struct main_entry *entry = table; entry->name != NULL; entry++) {
        if (strcmp(entry->name, argv[1]) == 0) {
            cli_words_clear(&names);
            return entry->run(argc - 1, argv + 1);
        }
        cli_words_add(&names, entry->name);
    }
    char *near = cli_near(argv[1], names.items, names.count);
    fprintf(stderr, "%s: no command '%s'%s\nTry '%s --help'.\n", name, argv[1], near, name);
    free(near);
    cli_words_clear(&names);
    return CLI_USAGE;
}

static int main_cmd_conform(int argc, char **argv)
{
    return main_dispatch("sipc conform", main_conform, "sipc conform run engine --html report.html",
                         argc, argv);
}

static int main_cmd_sim(int argc, char **argv)
{
    return main_dispatch("sipc sim", main_sim, "sipc sim run simnet/scenarios", argc, argv);
}

static int main_cmd_pcap(int argc, char **argv)
{
    return main_dispatch("sipc pcap", main_pcap, "sipc pcap show traffic.pcapng", argc, argv);
}

static int main_cmd_fuzz(int argc, char **argv)
{
    return main_dispatch("sipc fuzz", main_fuzz, "sipc fuzz show crash-1f2e", argc, argv);
}

static int main_cmd_bench(int argc, char **argv)
{
    return main_dispatch("sipc bench", main_bench, "sipc bench engine --message 1200", argc, argv);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a SUT that dies is a verdict, not our end */
    if (argc > 0)
        cli_program = argv[0];
    if (argc == 2 && main_is(argv[1], "--version", "-V")) {
        printf("sipc %s\n", SIPC_VERSION);
        return CLI_OK;
    }
    const int exit_code =
        main_dispatch("sipc", main_commands, "sipc conform run engine", argc, argv);
    if (fflush(stdout) != 0 && exit_code == CLI_OK) {
        perror("sipc: stdout");
        return CLI_HARNESS;
    }
    return exit_code;
}
