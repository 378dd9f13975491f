/* Looking for failures: seeds of a swarm, states of the explorer, runs of a shrink. Each does all
 * that its command does. A swarm runs in one process of its own, whose CPU time counts. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "sim_rows.h"
#include "simnet/explore.h"
#include "simnet/shrink.h"
#include "simnet/swarm.h"

#define SEARCH_MS SIPC_NS_PER_MS

enum {
    SEARCH_MMAP_BYTES = 128 << 10,
    SHRINK_RATE_BPS = 50000000,
    SHRINK_MESSAGE = 20000,
    SHRINK_MESSAGES = 20,
    SHRINK_SHARE = 180
};

/* ---- swarm ---- */

struct search_swarm {
    uint64_t next; /* seed */
};

static void *swarm_open(uint64_t size)
{
    struct search_swarm *swarm = calloc(1, sizeof *swarm);

    (void)size;
    SIPC_ASSERT(swarm != NULL);
    return swarm;
}

static uint64_t swarm_children_ns(void)
{
    struct rusage used;

    getrusage(RUSAGE_CHILDREN, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * UINT64_C(1000000000) +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

static bool swarm_work(void *self, uint64_t units, struct sim_done *done)
{
    struct search_swarm *swarm = self;
    const struct simnet_swarm_options options = {
        .first = swarm->next, .last = swarm->next + units - 1, .jobs = 1};
    struct simnet_swarm_totals *totals = calloc(1, sizeof *totals);
    struct simnet_error error;
    uint64_t start = swarm_children_ns(), own_start = bench_cpu_ns();

    SIPC_ASSERT(totals != NULL);
    bool good = simnet_swarm(&options, totals, &error);
    if (!good)
        fprintf(stderr, "sipc bench sim: %s\n", error.text);
    if (good && totals->failed > 0) {
        fprintf(stderr, "sipc bench sim: a seed of the swarm failed\n");
        good = false;
    }
    swarm->next += units;
    uint64_t workers_ns = swarm_children_ns() - start;
    uint64_t ns = workers_ns + bench_cpu_ns() - own_start + 1; /* of the small seeds, too */
    *done = (struct sim_done){
        .units = units,
        .workers_ns = workers_ns,
        .beside = {{"PDUs", (double)totals->pdus / (double)units},
                   {"faults", (double)totals->faults / (double)units},
                   {"full by second", (double)totals->full * 1e9 / (double)ns}},
    };
    free(totals);
    return good;
}

const struct sim_kind sim_swarm = {swarm_open, swarm_work, free, NULL};

/* ---- explore ---- */

struct search_explore {
    struct simnet_explore_world world;
    uint64_t states_max; /* 0: all */
};

static void *explore_open(const char *name, uint64_t states_max)
{
    struct search_explore *explore = malloc(sizeof *explore);

    SIPC_ASSERT(explore != NULL);
    explore->world = *simnet_explore_world_find(name);
    explore->states_max = states_max;
    return explore;
}

static void *explore_open_faf(uint64_t size)
{
    return explore_open("faf", size);
}

static void *explore_open_close_race(uint64_t size)
{
    return explore_open("close-race", size);
}

static void *explore_open_two_messages(uint64_t size)
{
    return explore_open("two-messages", size);
}

/* The whole world, as often as it takes. */
static bool explore_work(void *self, uint64_t units, struct sim_done *done)
{
    const struct search_explore *explore = self;
    const struct simnet_explore_options options = {.states_max = explore->states_max};
    struct simnet_explore_result result;
    uint64_t transitions = 0;
    bool good = true;

    *done = (struct sim_done){.units = 0};
    while (done->units < units && good) {
        simnet_explore(&explore->world, &options, &result);
        good = result.end == SIMNET_EXPLORE_EXHAUSTED ||
               (result.end == SIMNET_EXPLORE_STATES && explore->states_max > 0);
        done->units += result.states;
        transitions += result.transitions;
        done->beside[0] = (struct sim_beside){"in the world", (double)result.states};
        done->beside[1] =
            (struct sim_beside){"bytes", (double)result.memory / (double)result.states};
        simnet_explore_result_free(&result);
    }
    done->beside[2] = (struct sim_beside){"transitions", (double)transitions / (double)done->units};
    if (!good)
        fprintf(stderr, "sipc bench sim: a world was not explored to its end\n");
    return good;
}

const struct sim_kind sim_explore_faf = {explore_open_faf, explore_work, free, NULL};
const struct sim_kind sim_explore_close_race = {explore_open_close_race, explore_work, free, NULL};
const struct sim_kind sim_explore_two_messages = {explore_open_two_messages, explore_work, free,
                                                  NULL};

/* ---- shrink ---- */

static void shrink_add_pair(struct simnet_scenario *scenario, simnet_host from, const char *session,
                            uint32_t sessions)
{
    for (int i = 0; i < 2; i++) {
        struct simnet_scenario_link link = {.from = i == 0 ? from : 1, .to = i == 0 ? 1 : from};
        link.config.rate_bps = SHRINK_RATE_BPS;
        link.config.delay.base_ns = 10 * SEARCH_MS;
        link.config.losses[0] = (struct simnet_loss){.kind = SIMNET_LOSS_IID, .ppm = 10000};
        simnet_scenario_add(&scenario->links, &link);
    }
    struct simnet_scenario_session group = {.name = session, .a = from, .b = 1, .count = sessions};
    simnet_scenario_add(&scenario->sessions, &group);
    struct simnet_scenario_traffic traffic = {.what = {
                                                  .host = from,
                                                  .session = (uint32_t)scenario->sessions.count - 1,
                                                  .open = true,
                                                  .count = SHRINK_MESSAGES,
                                                  .size_min = SHRINK_MESSAGE,
                                                  .size_max = SHRINK_MESSAGE,
                                              }};
    simnet_scenario_add(&scenario->traffic, &traffic);
}

/* Traffic in many sessions of two hosts to a third, which in the end crashes, several times, and
 * takes any window for the beginning of a message: handed over is what was never sent. About `size`
 * PDUs come before that.
 */
static void *shrink_open(uint64_t size)
{
    static const char *const names[] = {"a", "b", "c"};
    struct simnet_scenario *scenario = calloc(1, sizeof *scenario);
    const sipc_time quiet_ns = 1000 * SEARCH_MS;
    const uint32_t sessions = (uint32_t)(size / SHRINK_SHARE);

    SIPC_ASSERT(scenario != NULL);
    mallopt(M_MMAP_THRESHOLD, SEARCH_MMAP_BYTES); /* as the command does */
    simnet_scenario_init(scenario, "planted");
    for (simnet_host i = 0; i < 3; i++) {
        struct simnet_scenario_host host = {.name = names[i]};
        sipc_config_default(&host.settings);
        host.settings.max_sessions = 2 * sessions;
        host.settings.max_retry_count = 8;
        host.settings.max_window_size = i == 1 ? 2 : host.settings.max_window_size;
        host.settings.require_first_in_window_group = i != 1;
        simnet_scenario_add(&scenario->hosts, &host);
    }
    shrink_add_pair(scenario, 0, "S", sessions);
    shrink_add_pair(scenario, 2, "T", sessions);
    for (sipc_time at = quiet_ns; at < quiet_ns + 2000 * SEARCH_MS; at += 350 * SEARCH_MS) {
        struct simnet_scenario_change crash = {.what = {at, SIMNET_HOST_CRASH, 1, 0}};
        struct simnet_scenario_change restart = {
            .what = {at + 100 * SEARCH_MS, SIMNET_HOST_RESTART, 1, 0}};
        simnet_scenario_add(&scenario->changes, &crash);
        simnet_scenario_add(&scenario->changes, &restart);
    }
    scenario->heal_ns = quiet_ns + 3000 * SEARCH_MS;
    return scenario;
}

static void shrink_close(void *self)
{
    if (self != NULL)
        simnet_scenario_fini(self);
    free(self);
}

static unsigned shrink_lines(const struct simnet_scenario *scenario)
{
    char *text = NULL;
    size_t size = 0;
    unsigned lines = 0;
    FILE *out = open_memstream(&text, &size);

    SIPC_ASSERT(out != NULL);
    simnet_scenario_print(scenario, out);
    fclose(out);
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

/* All of a shrink, as often as it takes. */
static bool shrink_work(void *self, uint64_t units, struct sim_done *done)
{
    struct simnet_shrink_stats stats;
    struct simnet_scenario out;
    struct simnet_error error;

    *done = (struct sim_done){.units = 0};
    while (done->units < units) {
        uint64_t start = bench_cpu_ns();
        if (!simnet_shrink(self, NULL, &out, NULL, &stats, &error)) {
            fprintf(stderr, "sipc bench sim: %s\n", error.text);
            return false;
        }
        done->units += stats.runs;
        done->beside[0] = (struct sim_beside){"PDUs before", (double)stats.pdus_before};
        done->beside[1] = (struct sim_beside){"lines after", shrink_lines(&out)};
        done->beside[2] =
            (struct sim_beside){"CPU seconds", (double)(bench_cpu_ns() - start) / 1e9};
        simnet_scenario_fini(&out);
    }
    return true;
}

const struct sim_kind sim_shrink = {shrink_open, shrink_work, shrink_close, NULL};
