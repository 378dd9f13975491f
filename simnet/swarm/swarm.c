/* One seed; many seeds in many processes. Workers take blocks of seeds in turn and count into
 * memory that all share, each into its own totals; what is told in the end is sums and minima, so
 * it does not matter who ran what. SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* ---- findings ---- */

static int finding_order(const struct simnet_finding *a, const char *invariant, enum sipc_rule rule)
{
    int order = strcmp(a->invariant, invariant);

    return order != 0 ? order : (int)a->rule - (int)rule;
}

/* `finding` counts for its `count`; the shortest run stays. */
static void finding_add(struct simnet_swarm_totals *totals, const struct simnet_finding *finding)
{
    struct simnet_finding *at = totals->findings, *end = at + totals->finding_count;

    while (at < end && finding_order(at, finding->invariant, finding->rule) < 0)
        at++;
    if (at < end && finding_order(at, finding->invariant, finding->rule) == 0) {
        uint64_t count = at->count + finding->count;
        if (finding->event < at->event || (finding->event == at->event && finding->seed < at->seed))
            *at = *finding;
        at->count = count;
        return;
    }
    if (totals->finding_count == SIMNET_FINDINGS_MAX)
        return;
    memmove(at + 1, at, (size_t)(end - at) * sizeof *at);
    *at = *finding;
    totals->finding_count++;
}

static void totals_add(struct simnet_swarm_totals *to, const struct simnet_swarm_totals *from)
{
    to->seeds += from->seeds;
    to->failed += from->failed;
    to->pdus += from->pdus;
    to->events += from->events;
    to->faults += from->faults;
    to->left_out += from->left_out;
    to->full += from->full;
    simnet_marks_add(&to->marks, &from->marks);
    for (size_t i = 0; i < from->finding_count; i++)
        finding_add(to, &from->findings[i]);
}

/* ---- one seed ---- */

static void seed_failed(struct simnet_swarm_totals *totals, uint64_t seed, uint64_t event,
                        const char *invariant, enum sipc_rule rule, const char *text)
{
    struct simnet_finding finding = {.rule = rule, .seed = seed, .event = event, .count = 1};

    snprintf(finding.invariant, sizeof finding.invariant, "%s", invariant);
    snprintf(finding.text, sizeof finding.text, "%s", text);
    totals->failed++;
    finding_add(totals, &finding);
}

static void seed_judge(uint64_t seed, const struct simnet_world *world, enum simnet_end end,
                       struct simnet_swarm_totals *totals)
{
    const struct simnet_failure *failure = simnet_world_failure(world);
    char text[320];

    if (failure != NULL) {
        seed_failed(totals, seed, failure->event, failure->invariant, failure->rule, failure->text);
    } else if (end != SIMNET_END_DRAINED) {
        simnet_world_explain(world, end, text, sizeof text);
        seed_failed(totals, seed, simnet_world_events(world), simnet_end_name(end), SIPC_RULE_NONE,
                    text);
    }
}

/* What a seed tells while it runs. */
struct seed_watch {
    struct marker marker;
    const struct simnet_world *world;
    FILE *log; /* NULL: nobody reads it */
};

static void seed_event(void *ctx, const struct simnet_event *event)
{
    struct seed_watch *watch = ctx;
    char line[600];

    marker_event(&watch->marker, event);
    if (watch->log == NULL)
        return;
    simnet_event_print(watch->world, event, line, sizeof line);
    fprintf(watch->log, "%s\n", line);
}

/* It was not built: because of the carrier alone, or because it makes no sense. */
static void seed_unbuilt(const struct simnet_scenario *scenario,
                         const struct simnet_carrier *carrier, uint64_t seed, const char *why,
                         struct simnet_swarm_totals *totals)
{
    const struct simnet_scenario_options options = {.hash_off = true};
    struct simnet_scenario_run run;
    struct simnet_error error;

    if (carrier == NULL || !simnet_scenario_build(scenario, &options, &run, &error, NULL, NULL)) {
        seed_failed(totals, seed, 0, "makes no sense", SIPC_RULE_NONE, why);
        return;
    }
    simnet_scenario_run_fini(&run);
    totals->left_out++;
}

static void seed_run_on(const struct simnet_swarm_options *swarm,
                        const struct simnet_carrier *carrier, uint64_t seed,
                        struct simnet_swarm_totals *totals)
{
    struct seed_watch watch = {.log = swarm->log};
    struct simnet_observer observer = {&watch, SIMNET_WANT_ALL & ~SIMNET_WANT_PASSES, seed_event};
    struct simnet_scenario_options options = {
        .hash_off = true, .carrier = carrier, .observers = &observer, .observer_count = 1};
    struct simnet_scenario scenario;
    struct simnet_scenario_run run;
    struct simnet_error error;

    simnet_swarm_make(seed, &scenario);
    if (swarm->edit != NULL)
        swarm->edit(swarm->ctx, &scenario);
    if (!simnet_scenario_build(&scenario, &options, &run, &error, NULL, NULL)) {
        seed_unbuilt(&scenario, carrier, seed, error.text, totals);
    } else {
        watch.world = run.world;
        marker_begin(&watch.marker, &totals->marks, &scenario, run.world);
        enum simnet_end end = simnet_scenario_go(&run);
        marker_end(&watch.marker);
        seed_judge(seed, run.world, end, totals);
        totals->events += simnet_world_events(run.world);
        totals->pdus += watch.marker.pdus;
        totals->faults += watch.marker.faults;
        totals->full += scenario.hosts.count >= SIMNET_FULL_HOSTS &&
                        watch.marker.pdus >= SIMNET_FULL_PDUS &&
                        watch.marker.faults >= SIMNET_FULL_FAULTS;
        simnet_scenario_run_fini(&run);
    }
    simnet_scenario_fini(&scenario);
}

static void seed_run(const struct simnet_swarm_options *swarm, uint64_t seed,
                     struct simnet_swarm_totals *totals)
{
    const struct simnet_carrier *carrier = NULL;
    struct simnet_error error;

    if (swarm->carrier_begin != NULL)
        carrier = swarm->carrier_begin(swarm->carrier_ctx, &error);
    if (swarm->carrier_begin != NULL && carrier == NULL)
        seed_failed(totals, seed, 0, "carrier", SIPC_RULE_NONE, error.text);
    else
        seed_run_on(swarm, carrier, seed, totals);
    if (carrier != NULL)
        swarm->carrier_end(swarm->carrier_ctx);
    totals->seeds++; /* of one that dies whoever finds it counts */
}

/* ---- many seeds ---- */

enum { SWARM_BLOCK = 64, SWARM_JOBS_MAX = 64, SWARM_TICK_MS = 200 };

struct swarm_worker {
    pid_t pid;                  /* 0: none */
    _Atomic uint64_t next, end; /* the seed it runs, and where its block ends */
    _Atomic uint64_t done, failed;
    struct simnet_swarm_totals totals;
};

struct swarm_shared {
    _Atomic uint64_t taken; /* seeds given to workers */
    struct swarm_worker workers[];
};

struct swarm {
    const struct simnet_swarm_options *options;
    struct swarm_shared *shared;
    struct simnet_swarm_totals *totals;
    pid_t parent;
};

/* Goes on with the worker's block, if it has one, and takes more until there are none. */
static void swarm_work(const struct swarm *swarm, struct swarm_worker *worker)
{
    uint64_t count = swarm->options->last - swarm->options->first + 1; /* 0: 2^64 */

    for (;;) {
        while (worker->next != worker->end) {
            seed_run(swarm->options, swarm->options->first + worker->next, &worker->totals);
            worker->failed = worker->totals.failed;
            worker->done = worker->totals.seeds;
            worker->next++;
        }
        uint64_t from = atomic_fetch_add(&swarm->shared->taken, SWARM_BLOCK);
        if (from >= count || getppid() != swarm->parent)
            return;
        worker->next = from;
        worker->end = count - from < SWARM_BLOCK ? count : from + SWARM_BLOCK;
    }
}

/* The blocks of engines, of which little is used, come from the kernel and cost what is used; the
 * rest is kept from seed to seed. */
static void swarm_tune_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_TOP_PAD, 4 << 20);
}

static bool swarm_start(const struct swarm *swarm, struct swarm_worker *worker,
                        struct simnet_error *error)
{
    pid_t pid = fork();

    if (pid == 0) {
        swarm_tune_memory();
        swarm_work(swarm, worker);
        if (swarm->options->log != NULL)
            fflush(swarm->options->log);
        _exit(0);
    }
    worker->pid = pid > 0 ? pid : 0;
    if (pid < 0)
        snprintf(error->text, sizeof error->text, "no process for a worker: %s", strerror(errno));
    return pid > 0;
}

/* The seed a worker died of is a finding, and is done. */
static void swarm_died(const struct swarm *swarm, struct swarm_worker *worker, int status)
{
    uint64_t seed = swarm->options->first + worker->next;
    char text[100];

    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "the process died of signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, sizeof text, "the process ended with code %d", WEXITSTATUS(status));
    worker->totals.seeds++;
    seed_failed(&worker->totals, seed, 0, "crash", SIPC_RULE_NONE, text);
    worker->next++;
}

static void swarm_tell(const struct swarm *swarm)
{
    struct simnet_swarm_progress progress = {0};

    if (swarm->options->progress == NULL)
        return;
    for (unsigned i = 0; i < swarm->options->jobs; i++) {
        progress.done += swarm->shared->workers[i].done;
        progress.failed += swarm->shared->workers[i].failed;
    }
    swarm->options->progress(swarm->options->ctx, &progress);
}

/* Waits for whoever ends next; 0: a tick is over. */
static pid_t swarm_wait(const struct swarm *swarm, int *status)
{
    struct timespec tick = {0, SWARM_TICK_MS * 1000000L};

    if (swarm->options->progress == NULL)
        return waitpid(-1, status, 0);
    pid_t pid = waitpid(-1, status, WNOHANG);
    if (pid == 0)
        nanosleep(&tick, NULL);
    return pid;
}

static struct swarm_worker *swarm_worker_of(const struct swarm *swarm, pid_t pid)
{
    for (unsigned i = 0; i < swarm->options->jobs; i++)
        if (swarm->shared->workers[i].pid == pid)
            return &swarm->shared->workers[i];
    return NULL;
}

static bool swarm_run(const struct swarm *swarm, struct simnet_error *error)
{
    unsigned running = 0;
    bool ok = true;

    for (unsigned i = 0; i < swarm->options->jobs && ok; i++) {
        ok = swarm_start(swarm, &swarm->shared->workers[i], error);
        running += ok;
    }
    while (running > 0) {
        int status = 0;
        pid_t pid = swarm_wait(swarm, &status);
        struct swarm_worker *worker = pid > 0 ? swarm_worker_of(swarm, pid) : NULL;
        swarm_tell(swarm);
        if (pid < 0 && errno != EINTR)
            break;
        if (worker == NULL)
            continue;
        worker->pid = 0;
        running--;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        swarm_died(swarm, worker, status);
        if (ok && swarm_start(swarm, worker, error))
            running++;
        else
            ok = false;
    }
    return ok;
}

bool simnet_swarm(const struct simnet_swarm_options *options, struct simnet_swarm_totals *totals,
                  struct simnet_error *error)
{
    size_t size = sizeof(struct swarm_shared) + options->jobs * sizeof(struct swarm_worker);
    struct swarm swarm = {.options = options, .totals = totals, .parent = getpid()};

    SIPC_ASSERT(options->first <= options->last);
    SIPC_ASSERT(options->jobs >= 1 && options->jobs <= SWARM_JOBS_MAX);
    swarm.shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (swarm.shared == MAP_FAILED) {
        snprintf(error->text, sizeof error->text, "no memory to share: %s", strerror(errno));
        return false;
    }
    fflush(NULL);
    bool ok = swarm_run(&swarm, error);
    memset(totals, 0, sizeof *totals);
    for (unsigned i = 0; i < options->jobs; i++)
        totals_add(totals, &swarm.shared->workers[i].totals);
    munmap(swarm.shared, size);
    return ok;
}
