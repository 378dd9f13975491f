/* A path as scenarios: NAME.sx with lists, what happened packet by packet, and NAME-fitted.sx with
 * models; lists and quantiles in the folder traces beside them. Whole numbers only.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "path.h"
#include "simnet/scenario.h"

enum {
    EMIT_PATH = 4096,
    EMIT_NAME = 256,
    EMIT_TRACES = 8,
    EMIT_MESSAGES_MIN = 20,
    EMIT_MESSAGES_MAX = 200
};
#define EMIT_US           UINT64_C(1000)
#define EMIT_MS           UINT64_C(1000000)
#define EMIT_TIMEOUT_NS   (100 * EMIT_MS)
#define EMIT_DELAY_US_MAX UINT64_C(3600000000)

struct emit {
    const struct path *path;
    const struct path_emit *options;
    struct path_fit fits[2];
    struct simnet_scenario scenario;
    struct simnet_trace traces[EMIT_TRACES]; /* without numbers: what the text says of them */
    size_t trace_count;
    bool ok;
};

static const char *const emit_ways[] = {"there", "back"};

/* ---- lists ---- */

static FILE *emit_open(struct emit *emit, const char *file)
{
    FILE *out = fopen(file, "w");
    if (out == NULL) {
        fprintf(stderr, "sipc pcap scenario: %s: %s\n", file, strerror(errno));
        emit->ok = false;
    }
    return out;
}

static void emit_close(struct emit *emit, FILE *out, const char *file)
{
    const bool bad = ferror(out) != 0;
    if (fclose(out) == 0 && !bad)
        return;
    fprintf(stderr, "sipc pcap scenario: %s: not all of it could be written\n", file);
    emit->ok = false;
}

/* The file of a list as the scenario names it; *out is open then, or NULL. */
static const char *emit_list(struct emit *emit, int way, const char *suffix, char *file, FILE **out)
{
    char name[EMIT_NAME];

    snprintf(name, sizeof name, "traces/%s-%s.%s", emit->options->name, emit_ways[way], suffix);
    snprintf(file, EMIT_PATH, "%.3800s/%s", emit->options->folder, name);
    *out = emit_open(emit, file);
    return simnet_scenario_string(&emit->scenario, name);
}

/* As lists have them; none is longer than the simulator takes. */
static uint64_t emit_us(uint64_t delay_ns)
{
    const uint64_t us = (delay_ns + EMIT_US / 2) / EMIT_US;
    return us < EMIT_DELAY_US_MAX ? us : EMIT_DELAY_US_MAX;
}

enum emit_what { EMIT_DELAYS, EMIT_LOSSES, EMIT_COPIES };

static const char *emit_steps(struct emit *emit, int way, enum emit_what what)
{
    static const char *const suffixes[] = {"delays", "losses", "copies"};
    const struct path_way *from = &emit->path->ways[way];
    char file[EMIT_PATH];
    FILE *out;
    const char *name = emit_list(emit, way, suffixes[what], file, &out);

    if (out == NULL)
        return name;
    for (size_t i = 0; i < from->count; i++) {
        const struct path_step *step = &from->steps[i];
        fprintf(out, "%" PRIu64 "\n",
                what == EMIT_DELAYS   ? emit_us(step->delay_ns)
                : what == EMIT_LOSSES ? (uint64_t)step->lost
                                      : step->copies);
    }
    emit_close(emit, out, file);
    return name;
}

static const char *emit_quantiles(struct emit *emit, int way)
{
    char file[EMIT_PATH];
    FILE *out;
    const char *name = emit_list(emit, way, "quantiles", file, &out);

    for (size_t i = 0; i < PATH_QUANTILES && out != NULL; i++)
        fprintf(out, "%" PRIu64 "\n", emit_us(emit->fits[way].quantiles[i]));
    if (out != NULL)
        emit_close(emit, out, file);
    return name;
}

static const char *emit_opportunities(struct emit *emit, int way)
{
    const struct path_way *from = &emit->path->ways[way];
    char file[EMIT_PATH];
    FILE *out;
    const char *name = emit_list(emit, way, "opportunities", file, &out);

    for (size_t i = 0; i < from->opportunity_count && out != NULL; i++)
        fprintf(out, "%" PRIu64 "\n", from->opportunities[i]);
    if (out != NULL)
        emit_close(emit, out, file);
    return name;
}

/* What arrived as Mahimahi has it: the ms at which each 1,500 bytes were complete. */
static void emit_mahimahi(struct emit *emit, int way)
{
    const struct path_way *from = &emit->path->ways[way];
    char file[EMIT_PATH];
    uint64_t bytes = 0, written = 0, newest = 0;
    FILE *out;

    for (size_t i = 0; i < from->count; i++)
        bytes += from->steps[i].lost ? 0 : from->steps[i].size;
    if (bytes < SIMNET_OPPORTUNITY_BYTES)
        return;
    emit_list(emit, way, "mahimahi", file, &out);
    bytes = 0;
    for (size_t i = 0; i < from->count && out != NULL; i++) {
        const struct path_step *step = &from->steps[i];
        const uint64_t arrives = step->at_ns + step->delay_ns, begin = from->steps[0].at_ns;
        const uint64_t at = arrives > begin ? (arrives - begin) / EMIT_MS : 0;
        newest = at > newest ? at : newest;
        bytes += step->lost ? 0 : step->size;
        for (; bytes >= (written + 1) * SIMNET_OPPORTUNITY_BYTES; written++)
            fprintf(out, "%" PRIu64 "\n", newest > 0 ? newest : 1);
    }
    if (out != NULL)
        emit_close(emit, out, file);
}

/* ---- links ---- */

static const struct simnet_trace *emit_trace(struct emit *emit, uint64_t interval_ns, bool drawn)
{
    struct simnet_trace *trace = &emit->traces[emit->trace_count++];
    *trace = (struct simnet_trace){.wrap = true, .drawn = drawn, .interval_ns = interval_ns};
    return trace;
}

static void emit_exact(struct emit *emit, int way, struct simnet_scenario_link *link)
{
    const struct path_way *from = &emit->path->ways[way];
    const struct path_fit *fit = &emit->fits[way];
    struct simnet_link_config *config = &link->config;

    if (from->has_delays) {
        link->delays = (struct simnet_scenario_trace){emit_steps(emit, way, EMIT_DELAYS), EMIT_US};
        config->delay.kind = SIMNET_DELAY_TRACE;
        config->delay.trace = emit_trace(emit, from->every_ns, false);
        config->delay.reorders = from->counts.late > 0 && emit->path->source != PATH_OF_TAP;
    }
    if (fit->lost > 0) {
        link->losses[0] = (struct simnet_scenario_trace){emit_steps(emit, way, EMIT_LOSSES), 0};
        config->losses[0] = (struct simnet_loss){.kind = SIMNET_LOSS_TRACE,
                                                 .trace = emit_trace(emit, from->every_ns, false)};
    }
    if (fit->duplicate_ppm > 0) {
        link->copies = (struct simnet_scenario_trace){emit_steps(emit, way, EMIT_COPIES), 0};
        config->duplicate.trace = emit_trace(emit, from->every_ns, false);
    }
    if (from->counts.late > 0 && emit->path->source == PATH_OF_TAP) {
        config->reorder.swap_ppm = fit->late_ppm;
        config->reorder.swap_count = fit->late_by;
    }
}

static void emit_fitted(struct emit *emit, int way, struct simnet_scenario_link *link)
{
    const struct path_fit *fit = &emit->fits[way];
    struct simnet_link_config *config = &link->config;

    if (emit->path->ways[way].has_delays) {
        link->delays = (struct simnet_scenario_trace){emit_quantiles(emit, way), EMIT_US};
        config->delay.kind = SIMNET_DELAY_TRACE;
        config->delay.trace =
            emit_trace(emit, (fit->hold_ns + EMIT_MS - 1) / EMIT_MS * EMIT_MS, true);
    }
    if (fit->bursts)
        config->losses[0] = (struct simnet_loss){.kind = SIMNET_LOSS_GILBERT_ELLIOTT,
                                                 .to_bad_ppm = fit->to_bad_ppm,
                                                 .to_good_ppm = fit->to_good_ppm,
                                                 .loss_bad_ppm = fit->lose_bad_ppm};
    else if (fit->loss_ppm > 0)
        config->losses[0] = (struct simnet_loss){.kind = SIMNET_LOSS_IID, .ppm = fit->loss_ppm};
    config->duplicate.ppm = fit->duplicate_ppm;
    config->duplicate.copies_max = fit->copies_max > 1 ? fit->copies_max : 0;
    config->reorder.swap_ppm = fit->late_ppm;
    config->reorder.swap_count = fit->late_ppm > 0 ? fit->late_by : 0;
}

static void emit_link(struct emit *emit, int way, bool fitted)
{
    struct simnet_scenario_link link = {.from = (simnet_host)way, .to = (simnet_host)!way};

    if (emit->path->source == PATH_OF_RATES) {
        const int from = emit->path->ways[way].opportunity_count > 0 ? way : !way;
        link.opportunities = (struct simnet_scenario_trace){emit_opportunities(emit, from), 0};
        link.config.opportunities = emit_trace(emit, 0, false);
        link.config.delay.base_ns = 20 * EMIT_MS;
        link.config.queue = (struct simnet_queue_config){SIMNET_QUEUE_BYTES, .limit = 100000};
    } else if (fitted) {
        emit_fitted(emit, emit->path->ways[way].count > 0 ? way : !way, &link);
    } else {
        emit_exact(emit, emit->path->ways[way].count > 0 ? way : !way, &link);
    }
    simnet_scenario_add(&emit->scenario.links, &link);
}

/* ---- the scenario ---- */

static void emit_story(struct emit *emit, bool fitted)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        abort();
    fprintf(out, "A path as it was found in %s,\n%s.\n", emit->options->from,
            emit->path->source == PATH_OF_RATES ? "by what it could carry, and when"
            : fitted                            ? "as a model with its figures"
                     : "packet by packet, from the first again when all are used");
    if (emit->options->source != NULL)
        fprintf(out, "Source: %s\n", emit->options->source);
    path_tell(emit->path, out);
    path_tell_assumed(emit->path, out);
    fprintf(out, "Made by:\n  %s\n", emit->options->command);
    fclose(out);
    while (size > 0 && text[size - 1] == '\n')
        text[--size] = '\0';
    emit->scenario.story = simnet_scenario_string(&emit->scenario, text);
    free(text);
}

/* Twice what nearly every round trip takes, so that acks come in time. */
static sipc_time emit_timeout(const struct emit *emit)
{
    sipc_time all = 0;

    if (emit->path->source == PATH_OF_RATES)
        return 2000 * EMIT_MS;
    for (int way = 0; way < 2; way++) {
        const bool known = emit->path->ways[way].has_delays;
        all += emit->fits[known ? way : !way].quantiles[PATH_QUANTILES - 1];
    }
    all = (2 * all / EMIT_TIMEOUT_NS + 2) * EMIT_TIMEOUT_NS;
    return all < 60000 * EMIT_MS ? all : 60000 * EMIT_MS;
}

static void emit_hosts(struct emit *emit)
{
    struct simnet_scenario_session session = {.name = "S", .a = 0, .b = 1, .count = 1};
    const uint64_t packets = emit->path->ways[0].count + emit->path->ways[1].count;
    const uint64_t count = packets / 20 < EMIT_MESSAGES_MIN   ? EMIT_MESSAGES_MIN
                           : packets / 20 > EMIT_MESSAGES_MAX ? EMIT_MESSAGES_MAX
                                                              : packets / 20;
    static const char *const names[] = {"near", "far"};

    for (int i = 0; i < 2; i++) {
        struct simnet_scenario_host host = {.name = names[i]};
        sipc_config_default(&host.settings);
        host.settings.ack_timeout_ns = emit_timeout(emit);
        host.settings.max_retry_count = 30;
        host.settings.open_timeout_ns = 40 * host.settings.ack_timeout_ns;
        simnet_scenario_add(&emit->scenario.hosts, &host);
    }
    simnet_scenario_add(&emit->scenario.sessions, &session);
    for (simnet_host i = 0; i < 2; i++) {
        struct simnet_scenario_traffic traffic = {
            .what = {
                .host = i, .open = i == 0, .count = count, .size_min = 1000, .size_max = 10000}};
        simnet_scenario_add(&emit->scenario.traffic, &traffic);
    }
    struct simnet_expectation all = SIMNET_EXPECTATION_ANY;
    all.metric = SIMNET_METRIC_ENDED;
    all.what = SIPC_OUTCOME_OK;
    all.value = 2 * count;
    simnet_scenario_add(&emit->scenario.expectations, &all);
}

static void emit_scenario(struct emit *emit, bool fitted)
{
    static const enum sipc_rule rules[] = {SIPC_RULE_SND_11, SIPC_RULE_RTY_1};
    char id[EMIT_NAME], file[EMIT_PATH];

    snprintf(id, sizeof id, "%s%s", emit->options->name, fitted ? "-fitted" : "");
    snprintf(file, sizeof file, "%.3800s/%s.sx", emit->options->folder, id);
    simnet_scenario_init(&emit->scenario, id);
    emit->trace_count = 0;
    emit->scenario.rules = rules;
    emit->scenario.rule_count = 2;
    emit_story(emit, fitted);
    emit_hosts(emit);
    emit_link(emit, 0, fitted);
    emit_link(emit, 1, fitted);
    for (int way = 0; way < 2 && emit->options->mahimahi && !fitted; way++)
        emit_mahimahi(emit, way);
    FILE *out = emit_open(emit, file);
    if (out != NULL) {
        simnet_scenario_print(&emit->scenario, out);
        emit_close(emit, out, file);
        if (emit->options->told != NULL)
            fprintf(emit->options->told, "%s\n", file);
    }
    simnet_scenario_fini(&emit->scenario);
}

static bool emit_folder(const char *folder)
{
    if (mkdir(folder, 0777) == 0 || errno == EEXIST)
        return true;
    fprintf(stderr, "sipc pcap scenario: %s: %s\n", folder, strerror(errno));
    return false;
}

bool path_emit(const struct path *path, const struct path_emit *options)
{
    struct emit emit = {.path = path, .options = options, .ok = true};
    char traces[EMIT_PATH];

    snprintf(traces, sizeof traces, "%.3800s/traces", options->folder);
    if (!emit_folder(options->folder) || !emit_folder(traces))
        return false;
    for (int way = 0; way < 2; way++)
        path_fit(&path->ways[way], &emit.fits[way]);
    emit_scenario(&emit, false);
    if (path->source != PATH_OF_RATES)
        emit_scenario(&emit, true);
    return emit.ok;
}
