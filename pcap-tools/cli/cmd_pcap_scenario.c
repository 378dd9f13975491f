/* sipc pcap scenario: what a path did to its traffic, and scenarios of the simulator that do so.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "path.h"
#include "pcap_cli.h"

enum {
    SCENARIO_OUT = 3900,
    SCENARIO_NAME,
    SCENARIO_FAR,
    SCENARIO_HOST,
    SCENARIO_PEER,
    SCENARIO_DELAYS,
    SCENARIO_BACK_DELAYS,
    SCENARIO_LOSSES,
    SCENARIO_BACK_LOSSES,
    SCENARIO_UNIT,
    SCENARIO_EVERY,
    SCENARIO_IRTT,
    SCENARIO_MAHIMAHI,
    SCENARIO_BACK_MAHIMAHI,
    SCENARIO_TO_MAHIMAHI,
    SCENARIO_JSON,
    SCENARIO_SOURCE,
    SCENARIO_NAME_BYTES = 128,
    SCENARIO_COLUMNS = 88,
};

static const struct cli_option scenario_options[] = {
    {'o', "out", "FOLDER", "write scenarios there (without: only tell)", SCENARIO_OUT},
    {0, "name", "NAME", "what they are called (the first file's name)", SCENARIO_NAME},
    {0, "far", "FILE", "the same traffic, captured where the peer is", SCENARIO_FAR},
    {0, "host", "ADDRESS", "one end of the path (the one with most packets)", SCENARIO_HOST},
    {0, "peer", "ADDRESS[:PORT]", "the other end (anybody)", SCENARIO_PEER},
    {0, "delays", "FILE", "no capture: a delay a line, from the host to the peer", SCENARIO_DELAYS},
    {0, "losses", "FILE", "the same for losses, 0 or 1 a line", SCENARIO_LOSSES},
    {0, "back-delays", "FILE", "from the peer to the host", SCENARIO_BACK_DELAYS},
    {0, "back-losses", "FILE", "from the peer to the host", SCENARIO_BACK_LOSSES},
    {0, "unit", "UNIT", "of delays: ns, us, ms (ns)", SCENARIO_UNIT},
    {0, "every", "MS", "lines are so far apart (without: one for each packet)", SCENARIO_EVERY},
    {0, "irtt", "FILE", "no capture: what irtt wrote, JSON", SCENARIO_IRTT},
    {0, "mahimahi", "FILE", "no capture: Mahimahi's opportunities, host to peer",
     SCENARIO_MAHIMAHI},
    {0, "back-mahimahi", "FILE", "from the peer to the host", SCENARIO_BACK_MAHIMAHI},
    {0, "to-mahimahi", NULL, "write what arrived as Mahimahi's opportunities, too",
     SCENARIO_TO_MAHIMAHI},
    {0, "source", "TEXT", "where the input is from, and its licence, for what is written",
     SCENARIO_SOURCE},
    {0, "json", NULL, "tell it as one JSON object", SCENARIO_JSON},
    PCAP_READ_OPTIONS,
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command scenario_command = {
    .name = "sipc pcap scenario",
    .usage = "[options] [CAPTURE]",
    .about =
        "Tells what a path did to the traffic of a capture: TCP or ScalableIPC with their acks, "
        "or\n"
        "RTP. Or to the traffic of two captures, made at both ends. Losses, duplicates, what was\n"
        "late, delays; what the capture itself copied or missed, and what was sent again for\n"
        "nothing, are told apart. With --out it writes scenarios for sipc sim run: NAME.sx, "
        "packet\n"
        "by packet, and NAME-fitted.sx, a model (bursts of losses, quantiles of the delay). They\n"
        "begin with what was inferred, what was assumed, and how sure that is.\n"
        "\n"
        "Exit status: 0 told, 2 bad options, 4 an input is broken or cannot be read, or not all\n"
        "could be written, 5 there is nothing to infer from.",
    .examples = "sipc pcap scenario slow.pcap\n"
                "sipc pcap scenario --out scenarios --name office --host 10.0.0.7 office.pcapng\n"
                "sipc pcap scenario --out . --far server.pcapng client.pcapng\n"
                "sipc pcap scenario --out . --delays up.txt --losses lost.txt --every 10\n"
                "sipc pcap scenario --out . --mahimahi lte.down --back-mahimahi lte.up",
    .options = scenario_options,
};

struct scenario_run {
    struct pcap_input input;
    struct path_list_options lists;
    const char *out, *name, *far, *irtt, *source;
    struct pcapt_address host, peer;
    bool json, to_mahimahi;
    char own_name[SCENARIO_NAME_BYTES];
};

/* ---- options ---- */

static bool scenario_address(const char *option, const char *value, struct pcapt_address *out)
{
    if (pcapt_address_parse(value, out))
        return true;
    fprintf(stderr, "sipc: %s %s: expected ADDRESS or ADDRESS:PORT, IPv6 as [ADDRESS]:PORT\n",
            option, value);
    return false;
}

static bool scenario_unit(struct scenario_run *run, const char *value)
{
    static const char *const names[] = {"ns", "us", "ms"};
    uint64_t unit = 1;

    for (size_t i = 0; i < 3; i++, unit *= 1000)
        if (strcmp(value, names[i]) == 0) {
            run->lists.unit_ns = unit;
            return true;
        }
    fprintf(stderr, "sipc: --unit %s: expected ns, us or ms\n", value);
    return false;
}

static bool scenario_name(struct scenario_run *run, const char *value)
{
    run->name = value;
    for (const char *at = value; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
            value = "";
    if (*value != '\0' && strlen(value) < SCENARIO_NAME_BYTES - 16)
        return true;
    fprintf(stderr, "sipc: --name %s: expected letters, digits, - and _, at most %d of them\n",
            run->name, SCENARIO_NAME_BYTES - 17);
    return false;
}

static bool scenario_every(struct scenario_run *run, const char *value)
{
    if (!cli_number("--every", value, 1, 3600000, &run->lists.every_ns))
        return false;
    run->lists.every_ns *= 1000000;
    return true;
}

static bool scenario_take(void *ctx, int id, const char *value)
{
    struct scenario_run *run = ctx;
    const char **texts[] = {
        [SCENARIO_OUT - SCENARIO_OUT] = &run->out,
        [SCENARIO_FAR - SCENARIO_OUT] = &run->far,
        [SCENARIO_DELAYS - SCENARIO_OUT] = &run->lists.delays[0],
        [SCENARIO_BACK_DELAYS - SCENARIO_OUT] = &run->lists.delays[1],
        [SCENARIO_LOSSES - SCENARIO_OUT] = &run->lists.losses[0],
        [SCENARIO_BACK_LOSSES - SCENARIO_OUT] = &run->lists.losses[1],
        [SCENARIO_IRTT - SCENARIO_OUT] = &run->irtt,
        [SCENARIO_MAHIMAHI - SCENARIO_OUT] = &run->lists.opportunities[0],
        [SCENARIO_BACK_MAHIMAHI - SCENARIO_OUT] = &run->lists.opportunities[1],
    };

    switch (id) {
    case SCENARIO_NAME:
        return scenario_name(run, value);
    case SCENARIO_HOST:
        return scenario_address("--host", value, &run->host);
    case SCENARIO_PEER:
        return scenario_address("--peer", value, &run->peer);
    case SCENARIO_UNIT:
        return scenario_unit(run, value);
    case SCENARIO_EVERY:
        return scenario_every(run, value);
    case SCENARIO_TO_MAHIMAHI:
        return run->to_mahimahi = true;
    case SCENARIO_JSON:
        return run->json = true;
    case SCENARIO_SOURCE:
        run->source = value;
        return true;
    default:
        if (id < SCENARIO_OUT || id > SCENARIO_BACK_MAHIMAHI)
            return pcap_input_take(&run->input, id, value);
        *texts[id - SCENARIO_OUT] = value;
        return true;
    }
}

static bool scenario_has_lists(const struct scenario_run *run)
{
    const struct path_list_options *lists = &run->lists;
    for (int way = 0; way < 2; way++)
        if (lists->delays[way] != NULL || lists->losses[way] != NULL ||
            lists->opportunities[way] != NULL)
            return true;
    return false;
}

/* ---- reading ---- */

static int scenario_read(struct scenario_run *run, const char *file, struct path_capture *capture)
{
    struct pcap_input input = run->input;
    const struct pcapt_item *item;
    char *paths[] = {(char *)(uintptr_t)file};

    input.any = true;
    input.options.packet = path_capture_packet;
    input.options.ctx = capture;
    int exit_code = pcap_input_open(&input, 1, paths);
    if (exit_code != -1)
        return exit_code;
    while ((item = pcap_input_next(&input)) != NULL)
        path_capture_pdu(capture, item);
    return pcap_input_close(&input);
}

/* What was read before a capture turned out to be broken is used, and the exit code says so. */
static int scenario_captures(struct scenario_run *run, const char *file, struct path *path)
{
    struct path_capture near = {.path = file}, far = {.path = run->far};
    bool found;

    int exit_code = scenario_read(run, file, &near);
    if (run->far != NULL) {
        const int other = scenario_read(run, run->far, &far);
        exit_code = exit_code != CLI_OK ? exit_code : other;
    }
    const struct pcapt_address host = path_host(&near, &run->host);
    if (run->far != NULL) {
        found = path_of_ends(path, &near, &far, &host, &run->peer);
        if (!found && exit_code == CLI_OK)
            fprintf(stderr,
                    "%s: nothing in it matches %s: expected the same packets in both, found %zu "
                    "and %zu others\n",
                    run->far, file, far.count, near.count);
    } else {
        found = path_of_ends(path, &near, NULL, &host, &run->peer);
        if (!found) {
            path_free(path);
            found = path_of_tap(path, &near, &host, &run->peer);
        }
        if (!found && exit_code == CLI_OK)
            fprintf(
                stderr,
                "%s: nothing to infer from: expected TCP, ScalableIPC or RTP of the host, found "
                "%zu packet%s of %zu flow%s\n",
                file, near.count, near.count == 1 ? "" : "s", near.flow_count,
                near.flow_count == 1 ? "" : "s");
    }
    path_capture_free(&near);
    path_capture_free(&far);
    return exit_code == CLI_OK && !found ? CLI_UNDECIDED : exit_code;
}

/* ---- telling ---- */

static void scenario_put(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void scenario_counts(json_t *object, const struct path_counts *counts)
{
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {
        {"packets", counts->packets},
        {"bytes", counts->bytes},
        {"data", counts->data},
        {"mirrored", counts->mirrored},
        {"duplicates", counts->duplicates},
        {"resent", counts->resent},
        {"resent_fast", counts->fast},
        {"spurious", path_spurious(counts)},
        {"spurious_acked_before", counts->spurious[PATH_BY_ACK]},
        {"spurious_acked_too_soon", counts->spurious[PATH_BY_TIME]},
        {"spurious_by_sack", counts->spurious[PATH_BY_SACK]},
        {"spurious_by_timestamp", counts->spurious[PATH_BY_STAMP]},
        {"lost_behind", counts->lost_behind},
        {"lost_before", counts->lost_before},
        {"lost_unsure", counts->unsure},
        {"late", counts->late},
        {"late_by_max", counts->late_by_max},
        {"duplicate_acks", counts->duplicate_acks},
        {"holes", counts->holes},
        {"hole_bytes", counts->hole_bytes},
        {"ambiguous_acks", counts->ambiguous},
        {"unmatched", counts->unmatched},
        {"beyond", counts->beyond},
        {"jitter_ns", counts->jitter_ns},
        {"clock_hz", counts->clock_hz},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        scenario_put(object, rows[i].key, rows[i].value);
}

static json_t *scenario_way(const struct path_way *way)
{
    json_t *object = json_object(), *trips = json_object(), *model = json_object();
    struct path_fit fit;

    path_fit(way, &fit);
    scenario_counts(object, &way->counts);
    scenario_put(trips, "count", way->trips.count);
    scenario_put(trips, "min_ns", path_sample_rank(&way->trips, 0));
    scenario_put(trips, "p50_ns", path_sample_rank(&way->trips, 500));
    scenario_put(trips, "p95_ns", path_sample_rank(&way->trips, 950));
    scenario_put(trips, "max_ns", path_sample_rank(&way->trips, 1000));
    json_object_set_new(object, "round_trips", trips);
    scenario_put(model, "sent", fit.sent);
    scenario_put(model, "lost", fit.lost);
    scenario_put(model, "runs", fit.runs);
    scenario_put(model, "loss_ppm", fit.loss_ppm);
    if (fit.bursts) {
        scenario_put(model, "in_ppm", fit.to_bad_ppm);
        scenario_put(model, "out_ppm", fit.to_good_ppm);
        scenario_put(model, "lose_ppm", fit.lose_bad_ppm);
    }
    scenario_put(model, "duplicate_ppm", fit.duplicate_ppm);
    scenario_put(model, "late_ppm", fit.late_ppm);
    scenario_put(model, "hold_ns", fit.hold_ns);
    scenario_put(model, "rate_bps", fit.rate_bps);
    json_t *quantiles = json_array();
    for (size_t i = 0; i < PATH_QUANTILES; i++)
        json_array_append_new(quantiles, json_integer((json_int_t)fit.quantiles[i]));
    json_object_set_new(model, "delay_ns", quantiles);
    json_object_set_new(object, "model", model);
    scenario_put(object, "opportunities", way->opportunity_count);
    return object;
}

static void scenario_json(const struct path *path)
{
    static const char *const sources[] = {"tap", "stream", "ends", "lists", "opportunities"};
    json_t *object = json_pack("{s:s}", "source", sources[path->source]);

    scenario_put(object, "flows", path->flows);
    scenario_put(object, "time_ns", path_span(path));
    json_object_set_new(object, "there", scenario_way(&path->ways[0]));
    json_object_set_new(object, "back", scenario_way(&path->ways[1]));
    if (path->clock_known)
        json_object_set_new(object, "clock",
                            json_pack("{s:I,s:I,s:I}", "ahead_ns", (json_int_t)path->clock_ns,
                                      "gains_ppb", (json_int_t)path->clock_ppb, "error_ns",
                                      (json_int_t)path->clock_error_ns));
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(object);
}

/* ---- the command ---- */

static const char *scenario_base(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash != NULL ? slash + 1 : file;
}

/* The file's name without what a scenario's must not have. */
static void scenario_own_name(struct scenario_run *run, const char *file)
{
    const char *base = scenario_base(file);
    size_t size = strcspn(base, "."), used = 0;

    for (size_t i = 0; i < size && used < SCENARIO_NAME_BYTES - 17; i++)
        run->own_name[used++] = isalnum((unsigned char)base[i]) || base[i] == '_' ? base[i] : '-';
    if (used == 0)
        memcpy(run->own_name, "path", 5);
    if (run->name == NULL)
        run->name = run->own_name;
}

/* How much of an argument is an option's name: all of "--json", "--out=" of "--out=a/b". */
static size_t scenario_option(const char *word)
{
    const char *equals = strchr(word, '=');

    if (word[0] != '-')
        return 0;
    if (word[1] != '-')
        return strnlen(word, 2);
    return equals != NULL ? (size_t)(equals - word) + 1 : strlen(word);
}

static bool scenario_write(struct scenario_run *run, const struct path *path, const char *file,
                           int argc, char **argv)
{
    char *command = NULL;
    size_t size = 0, begun = 0;
    FILE *text = open_memstream(&command, &size);

    SIPC_ASSERT(text != NULL);
    fputs("sipc pcap scenario", text);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--source", 8) == 0) { /* it stands by itself */
            i += argv[i][8] == '\0';
            continue;
        }
        const size_t option = scenario_option(argv[i]);
        const char *value = scenario_base(argv[i] + option);
        fflush(text);
        const bool full = size - begun + option + strlen(value) > SCENARIO_COLUMNS;
        begun = full ? size : begun;
        fprintf(text, "%s%.*s", full ? " \\\n    " : " ", (int)option, argv[i]);
        if (*value != '\0' || option == 0)
            cli_quote(value, text);
    }
    fclose(text);
    const bool ok = path_emit(path, &(struct path_emit){.folder = run->out,
                                                        .name = run->name,
                                                        .from = scenario_base(file),
                                                        .command = command,
                                                        .source = run->source,
                                                        .told = run->json ? NULL : stdout,
                                                        .mahimahi = run->to_mahimahi});
    free(command);
    return ok;
}

/* The one input there is, by its file; NULL: told what is wrong. */
static const char *scenario_file(const struct scenario_run *run, int count, char **files, int *code)
{
    const bool lists = scenario_has_lists(run);
    const int inputs = (count > 0) + lists + (run->irtt != NULL);

    if (count > 1) {
        *code = cli_usage(&scenario_command, "one capture at a time, and --far for the other end");
        return NULL;
    }
    if (inputs != 1 || (run->far != NULL && count == 0)) {
        *code =
            cli_usage(&scenario_command,
                      "expected one of a capture (with --far if there is one of the other end), "
                      "lists, --irtt and --mahimahi, found %d",
                      inputs);
        return NULL;
    }
    if (count > 0)
        return files[0];
    if (run->irtt != NULL)
        return run->irtt;
    for (int way = 0; way < 2; way++) {
        const char *const names[] = {run->lists.delays[way], run->lists.losses[way],
                                     run->lists.opportunities[way]};
        for (int i = 0; i < 3; i++)
            if (names[i] != NULL)
                return names[i];
    }
    return NULL;
}

int pcap_cmd_scenario(int argc, char **argv)
{
    struct scenario_run run = {.lists = {.unit_ns = 1}};
    struct path path = {0};
    char error[PATH_ERROR_BYTES] = "", *words[64];
    int first, exit_code;
    const int count = argc < 64 ? argc : 64; /* parsing moves them about */

    memcpy(words, argv, (size_t)count * sizeof *words);
    pcap_input_init(&run.input, &scenario_command);
    exit_code = cli_parse(&scenario_command, argc, argv, &first, scenario_take, &run);
    if (exit_code != -1)
        return exit_code;
    const char *file = scenario_file(&run, argc - first, argv + first, &exit_code);
    if (file == NULL)
        return exit_code;
    scenario_own_name(&run, file);
    if (argc > first) {
        exit_code = scenario_captures(&run, file, &path);
    } else {
        const bool ok = run.irtt != NULL ? path_of_irtt(&path, run.irtt, error)
                                         : path_of_lists(&path, &run.lists, error);
        exit_code = ok ? CLI_OK : CLI_HARNESS;
        if (!ok)
            fprintf(stderr, "sipc pcap scenario: %s\n", error);
    }
    const bool any = path.ways[0].count + path.ways[1].count + path.ways[0].opportunity_count +
                         path.ways[1].opportunity_count >
                     0;
    if (any && error[0] == '\0') {
        if (run.json)
            scenario_json(&path);
        else
            path_tell(&path, stdout);
        if (run.out != NULL && !scenario_write(&run, &path, file, count, words))
            exit_code = CLI_HARNESS;
    }
    path_free(&path);
    return exit_code;
}
