/* What others measured: delays and losses as lists of numbers, one probe a line; the JSON of irtt;
 * Mahimahi's opportunities. SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "simnet/link.h"

#define LISTS_EVERY_NS     UINT64_C(1000000) /* where nobody says how far probes are apart */
#define LISTS_DELAY_MAX_NS (INT64_MAX / 4)   /* clocks may be apart by as much as they can say */

static bool lists_load(const char *file, enum simnet_trace_kind kind, uint64_t unit_ns,
                       struct simnet_trace *out, char error[PATH_ERROR_BYTES])
{
    struct simnet_error why;

    *out = (struct simnet_trace){.values = NULL};
    if (file == NULL || simnet_trace_load(file, kind, unit_ns, out, &why))
        return true;
    snprintf(error, PATH_ERROR_BYTES, "%s", why.text);
    return false;
}

static void lists_finish(struct path_way *way)
{
    for (size_t i = 0; i < way->count; i++)
        way->counts.lost_behind += way->steps[i].lost;
    way->counts.packets = way->count;
}

static bool lists_way(struct path_way *way, const struct path_list_options *options, int number,
                      char error[PATH_ERROR_BYTES])
{
    struct simnet_trace delays, losses = {.values = NULL};
    const char *names[] = {options->delays[number], options->losses[number]};
    const uint64_t every = options->every_ns > 0 ? options->every_ns : LISTS_EVERY_NS;
    bool ok = lists_load(names[0], SIMNET_TRACE_DELAYS, options->unit_ns, &delays, error) &&
              lists_load(names[1], SIMNET_TRACE_LOSSES, 1, &losses, error);

    if (ok && names[0] != NULL && names[1] != NULL && delays.count != losses.count) {
        snprintf(error, PATH_ERROR_BYTES,
                 "%.150s: expected a line for each of the %zu delays of %.150s, found %zu",
                 names[1], delays.count, names[0], losses.count);
        ok = false;
    }
    const size_t count = delays.count > losses.count ? delays.count : losses.count;
    for (size_t i = 0; i < count && ok; i++) {
        way->steps = path_grow(way->steps, way->count, &way->capacity, sizeof *way->steps);
        way->steps[way->count++] =
            (struct path_step){.at_ns = i * every,
                               .delay_ns = names[0] != NULL ? delays.values[i] : 0,
                               .lost = names[1] != NULL && losses.values[i] != 0};
    }
    way->every_ns = options->every_ns;
    way->has_delays = names[0] != NULL;
    way->has_losses = names[1] != NULL;
    lists_finish(way);
    simnet_trace_free(&delays);
    simnet_trace_free(&losses);
    return ok;
}

static bool lists_opportunities(struct path_way *way, const char *file,
                                char error[PATH_ERROR_BYTES])
{
    struct simnet_trace trace;

    if (!lists_load(file, SIMNET_TRACE_OPPORTUNITIES, 1, &trace, error))
        return false;
    way->opportunities = trace.values;
    way->opportunity_count = trace.count;
    for (size_t i = 0; i < trace.count; i++)
        way->opportunities[i] /= SIPC_NS_PER_MS;
    return true;
}

bool path_of_lists(struct path *path, const struct path_list_options *options,
                   char error[PATH_ERROR_BYTES])
{
    *path = (struct path){.source = PATH_OF_LISTS};
    for (int way = 0; way < 2; way++) {
        if (options->opportunities[way] != NULL)
            path->source = PATH_OF_RATES;
        if (!lists_way(&path->ways[way], options, way, error) ||
            !lists_opportunities(&path->ways[way], options->opportunities[way], error))
            return false;
        if (path->ways[way].count > 0)
            path->last_ns = path->ways[way].steps[path->ways[way].count - 1].at_ns;
    }
    return true;
}

/* ---- irtt ---- */

struct lists_probe {
    int64_t delays[2];
    bool lost[2];
};

/* false: the entry is not as irtt writes them. */
static bool lists_probe(const json_t *trip, struct lists_probe *out)
{
    static const char *const names[] = {"send", "receive"}, *const ways[] = {"true_up",
                                                                             "true_down"};
    const char *lost = json_string_value(json_object_get(trip, "lost"));
    const json_t *delay = json_object_get(trip, "delay");

    if (lost == NULL)
        return false;
    for (int way = 0; way < 2; way++) {
        const json_t *value = json_object_get(delay, names[way]);
        out->lost[way] = strcmp(lost, ways[way]) == 0 || (way == 0 && strcmp(lost, "true") == 0);
        out->delays[way] = json_is_integer(value) ? json_integer_value(value) : INT64_MIN;
        const bool known = out->delays[way] != INT64_MIN;
        if ((strcmp(lost, "false") == 0 && !known) ||
            (known && llabs(out->delays[way]) > LISTS_DELAY_MAX_NS))
            return false;
    }
    return true;
}

/* Delays below zero: the clocks are apart; by half of how the least of both ways differ. Of one way
 * alone the least is taken for none at all. */
static int64_t lists_apart(const struct lists_probe *probes, size_t count)
{
    int64_t least[2] = {INT64_MAX, INT64_MAX};

    for (size_t i = 0; i < count; i++)
        for (int way = 0; way < 2; way++)
            if (probes[i].delays[way] != INT64_MIN && probes[i].delays[way] < least[way])
                least[way] = probes[i].delays[way];
    if (least[0] >= 0 && least[1] >= 0)
        return 0;
    if (least[0] == INT64_MAX || least[1] == INT64_MAX)
        return least[0] != INT64_MAX ? least[0] : -least[1];
    return (least[0] - least[1]) / 2;
}

static void lists_probes(struct path *path, const struct lists_probe *probes, size_t count,
                         uint64_t every_ns)
{
    const int64_t apart = lists_apart(probes, count);

    path->clock_known = apart != 0;
    path->clock_ns = apart;
    for (int number = 0; number < 2; number++) {
        struct path_way *way = &path->ways[number];
        uint64_t delay_ns = 0;
        for (size_t i = 0; i < count; i++) {
            const int64_t found = probes[i].delays[number] - (number == 0 ? apart : -apart);
            if (probes[i].delays[number] != INT64_MIN)
                delay_ns = found > 0 ? (uint64_t)found : 0;
            if (number == 1 && probes[i].lost[0])
                continue; /* it never set out */
            way->steps = path_grow(way->steps, way->count, &way->capacity, sizeof *way->steps);
            way->steps[way->count++] = (struct path_step){
                .at_ns = i * every_ns, .delay_ns = delay_ns, .lost = probes[i].lost[number]};
        }
        way->has_delays = way->has_losses = true;
        way->every_ns = number == 0 ? every_ns : 0;
        lists_finish(way);
    }
    path->last_ns = count * every_ns;
}

bool path_of_irtt(struct path *path, const char *file, char error[PATH_ERROR_BYTES])
{
    json_error_t why;
    json_t *root = json_load_file(file, 0, &why);
    const json_t *trips = json_object_get(root, "round_trips");
    const json_t *every = json_object_get(json_object_get(root, "config"), "interval");
    const size_t count = json_array_size(trips);

    *path = (struct path){.source = PATH_OF_LISTS};
    if (root == NULL)
        snprintf(error, PATH_ERROR_BYTES, "%.150s:%d: %.200s", file, why.line, why.text);
    else if (count == 0 || !json_is_integer(every) || json_integer_value(every) <= 0)
        snprintf(error, PATH_ERROR_BYTES,
                 "%.150s: expected what irtt writes: config.interval in ns and a list round_trips, "
                 "found %s",
                 file, count == 0 ? "no round trips" : "no interval");
    bool ok = root != NULL && count > 0 && json_integer_value(every) > 0;
    struct lists_probe *probes = ok ? calloc(count, sizeof *probes) : NULL;
    for (size_t i = 0; i < count && ok; i++)
        if (!lists_probe(json_array_get(trips, i), &probes[i])) {
            snprintf(error, PATH_ERROR_BYTES,
                     "%.150s: round_trips[%zu]: expected lost, and delay.send and delay.receive in "
                     "ns, found something else",
                     file, i);
            ok = false;
        }
    if (ok)
        lists_probes(path, probes, count, (uint64_t)json_integer_value(every));
    free(probes);
    json_decref(root);
    return ok;
}
