/* sipc sim replay: a history once more from its faults alone. */
#include "scenarios.h"
#include "sim_cli.h"

#include <inttypes.h>
#include <string.h>

enum { REPLAY_TAPE = 2000, REPLAY_SEED, REPLAY_BACKEND };

static const struct cli_option replay_options[] = {
    {'t', "only", "GLOB", "only cases with this name or id (repeatable)", CLI_ONLY},
    {0, "tape", "FILE", "the tape of an earlier run (sipc sim run --tape)", REPLAY_TAPE},
    {'s', "seed", "N", "without a tape: record one with this seed", REPLAY_SEED},
    {0, "backend", "NAME", "own (default) or ns3: what carries the datagrams when it is replayed",
     REPLAY_BACKEND},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command replay_command = {
    .name = "sipc sim replay",
    .usage = "[options] FILE|FOLDER...",
    .about =
        "Runs a scenario with nothing left to chance: its faults are those of the tape, and the\n"
        "trace hash must be the one that was recorded. Without a tape each case is run to\n"
        "record one, and that is replayed. On ns-3 it is the same history too, but where a rate\n"
        "does not make whole ns of a datagram: ns-3 rounds each, and a tape's run did not, unless\n"
        "it was recorded there, or here without --tape.\n"
        "\n"
        "Exit status: 0 the same history, 1 another one, 2 bad options, scenario or tape, 3 a\n"
        "host's SUT does not start or is broken.",
    .examples = "sipc sim run simnet/scenarios/bad-wifi.sx --tape bad-wifi.tape\n"
                "sipc sim replay simnet/scenarios/bad-wifi.sx --tape bad-wifi.tape\n"
                "sipc sim replay simnet/scenarios\n"
                "sipc sim replay simnet/scenarios/bad-wifi.sx --backend ns3",
    .options = replay_options,
};

struct replay_args {
    struct cli_selection selection;
    struct cli_words paths;
    const char *tape;
    uint64_t seed;
    bool has_seed;
    const struct simnet_ns3_library *ns3;
};

static bool replay_take(void *ctx, int id, const char *value)
{
    struct replay_args *args = ctx;

    if (id == REPLAY_SEED) {
        args->has_seed = true;
        return cli_number("--seed", value, 0, UINT64_MAX, &args->seed);
    }
    if (id == REPLAY_BACKEND)
        return sim_take_backend("sipc sim replay", value, &args->ns3);
    if (id != REPLAY_TAPE)
        return cli_select_take(&args->selection, &args->paths, id, value);
    args->tape = value;
    return true;
}

/* Where two histories part, by their checkpoints. */
static void replay_tell_parting(const struct sim_result *first, const struct sim_result *again)
{
    size_t same = 0, count = first->checkpoint_count < again->checkpoint_count
                                 ? first->checkpoint_count
                                 : again->checkpoint_count;

    while (same < count && first->checkpoints[same] == again->checkpoints[same])
        same++;
    printf("  they part behind event %zu\n", same * SIMNET_CHECKPOINT_EVENTS);
}

/* `recorded`: the run the tape is of; NULL: only its head is known. */
static int replay_tape(const struct replay_args *args, const struct simnet_scenario *scenario,
                       const struct simnet_tape_head *head, const struct simnet_tape *tape,
                       const struct sim_result *recorded)
{
    struct sim_run_options options = {.seed = &head->seed, .replay = tape, .ns3 = args->ns3};
    struct sim_result result;

    sim_run(scenario, &options, &result);
    int exit_code = result.exit_code;
    if (result.ran) {
        bool same = result.hash == head->hash && result.events == head->events;
        printf("%s %s: %zu faults, %" PRIu64 " events, hash %016" PRIx64, same ? " " : "!",
               scenario->name, tape->count, result.events, result.hash);
        if (!same)
            printf("; recorded were %" PRIu64 " events, hash %016" PRIx64, head->events,
                   head->hash);
        putchar('\n');
        if (!same && recorded != NULL)
            replay_tell_parting(recorded, &result);
        exit_code = same ? CLI_OK : CLI_NONCONFORMANT;
    }
    sim_result_clear(&result);
    return exit_code;
}

static int replay_recorded(const struct replay_args *args, const struct simnet_scenario *scenario)
{
    struct sim_run_options options = {.seed = args->has_seed ? &args->seed : NULL,
                                      .record = true,
                                      .rounds_each = args->ns3 != NULL};
    struct simnet_tape_head head = {.seed = args->has_seed ? args->seed : scenario->seed};
    struct sim_result result;

    sim_run(scenario, &options, &result);
    int exit_code = result.exit_code;
    if (result.ran) {
        head.hash = result.hash;
        head.events = result.events;
        exit_code = replay_tape(args, scenario, &head, &result.tape, &result);
    }
    sim_result_clear(&result);
    return exit_code;
}

/* The tape says which case it is of: the one whose name fits. */
static int replay_from_file(const struct replay_args *args, const struct cli_suite *suite)
{
    struct simnet_scenario scenario;
    struct simnet_tape_head head;
    struct simnet_tape tape;
    int exit_code = -1;

    for (size_t i = 0; i < suite->case_count && exit_code < 0; i++) {
        const struct cli_case *entry = &suite->cases[i];
        bool last = i + 1 == suite->case_count;
        if (!entry->selected && !last)
            continue;
        if (!simnet_scenario_from_script(entry->script, entry->index, &scenario, stderr))
            return CLI_USAGE;
        if (simnet_tape_read(&scenario, args->tape, &head, &tape, NULL)) {
            exit_code = replay_tape(args, &scenario, &head, &tape, NULL);
            simnet_tape_clear(&tape);
        } else if (last || strcmp(head.name, scenario.name) == 0) {
            simnet_tape_read(&scenario, args->tape, &head, &tape, stderr);
            exit_code = CLI_USAGE;
        }
        simnet_scenario_fini(&scenario);
    }
    return exit_code;
}

static int replay_all(const struct replay_args *args, const struct cli_suite *suite)
{
    struct simnet_scenario scenario;
    int exit_code = CLI_OK;

    for (size_t i = 0; i < suite->case_count; i++) {
        const struct cli_case *entry = &suite->cases[i];
        if (!entry->selected)
            continue;
        if (!simnet_scenario_from_script(entry->script, entry->index, &scenario, stderr))
            return CLI_USAGE;
        int code = replay_recorded(args, &scenario);
        exit_code = code > exit_code ? code : exit_code;
        simnet_scenario_fini(&scenario);
    }
    return exit_code;
}

int sim_cmd_replay(int argc, char **argv)
{
    struct replay_args args = {0};
    struct cli_suite suite;
    int first, exit_code = cli_parse(&replay_command, argc, argv, &first, replay_take, &args);

    for (int i = first; exit_code < 0 && i < argc; i++)
        cli_words_add(&args.paths, argv[i]);
    if (exit_code < 0 && args.paths.count == 0)
        exit_code = cli_usage(&replay_command, "no scenario: name a file or a folder");
    if (exit_code < 0 && args.tape != NULL && args.has_seed)
        exit_code = cli_usage(&replay_command, "a tape has its seed: no --seed beside --tape");
    if (exit_code < 0 && !cli_scenarios_load(&suite, args.paths.items, args.paths.count))
        exit_code = CLI_USAGE;
    else if (exit_code < 0) {
        if (!cli_select(&args.selection, &suite))
            exit_code = CLI_USAGE;
        else
            exit_code =
                args.tape != NULL ? replay_from_file(&args, &suite) : replay_all(&args, &suite);
        cli_suite_clear(&suite);
    }
    cli_words_clear(&args.paths);
    cli_select_clear(&args.selection);
    return exit_code;
}
