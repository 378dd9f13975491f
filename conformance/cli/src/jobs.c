/* Cases side by side: N SUTs attached by one spec, each with a thread of its own that takes the
 * next case when its last one has ended. A live case mostly waits, so N of them take an N-th of the
 * time.
 *
 * What is told of the cases does not depend on N: they are begun in order, and each is told only
 * when all before it were. Hence a stop leaves no gaps: what was begun is run to its end, and what
 * comes behind the case that stopped the run is dropped.
 *
 * The lock guards struct cli_jobs; a worker holds it between cases, never while one runs. */
#include "cli.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

/* A case that was begun. */
struct jobs_slot {
    const struct cli_case *entry;
    const struct conform_link *link; /* NULL: none */
    bool ended;
    struct cli_result result;
    struct cli_pdu *pdus; /* copies, until the case's turn has come */
    size_t pdu_count, pdu_capacity;
};

struct jobs_worker {
    struct cli_jobs *jobs;
    const char *spec;
    const struct conform_sut_options *attach;
    struct conform_sut *sut; /* NULL: not attached */
    enum conform_sut_status status;
    struct conform_error error;
    struct jobs_slot *slot; /* its case */
};

struct cli_jobs {
    unsigned count;
    struct jobs_worker *workers;
    pthread_mutex_t lock;
    const struct cli_jobs_plan *plan; /* of the run; what follows too */
    struct jobs_slot *slots;          /* of the selected cases, in order */
    size_t slot_count, begun, ended, told;
    bool stopped;
};

/* Calls `work` for every worker, each in a thread, the first one's in this. */
static void jobs_each(struct cli_jobs *jobs, void *(*work)(void *worker))
{
    pthread_t threads[CLI_JOBS_MAX];
    for (unsigned i = 1; i < jobs->count; i++) {
        const int failed = pthread_create(&threads[i], NULL, work, &jobs->workers[i]);
        SIPC_ASSERT(failed == 0);
    }
    work(&jobs->workers[0]);
    for (unsigned i = 1; i < jobs->count; i++)
        pthread_join(threads[i], NULL);
}

/* ---- attaching ---- */

static void *jobs_attach_one(void *ctx)
{
    struct jobs_worker *worker = ctx;
    worker->status = conform_sut_attach(worker->spec, worker->attach, &worker->sut, &worker->error);
    return NULL;
}

static void *jobs_detach_one(void *ctx)
{
    struct jobs_worker *worker = ctx;
    conform_sut_detach(worker->sut);
    return NULL;
}

/* Two SUTs that listen in one place would answer for each other. */
static bool jobs_same_address(const struct jobs_worker *a, const struct jobs_worker *b)
{
    const char *first = conform_sut_hello(a->sut)->listen;
    const char *second = conform_sut_hello(b->sut)->listen;
    return first != NULL && second != NULL && strcmp(first, second) == 0;
}

static enum conform_sut_status jobs_check_addresses(const struct cli_jobs *jobs,
                                                    struct conform_error *error)
{
    for (unsigned i = 1; i < jobs->count; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (!jobs_same_address(&jobs->workers[j], &jobs->workers[i]))
                continue;
            conform_error_set(error,
                              "SUT %u of %u listens on %s, as SUT %u does: each needs an address of"
                              " its own (port 0), or --jobs 1",
                              i + 1, jobs->count, conform_sut_hello(jobs->workers[i].sut)->listen,
                              j + 1);
            return CONFORM_SUT_NO_START;
        }
    }
    return CONFORM_SUT_OK;
}

/* If some started and some did not, that they are several is likely to be why. */
static enum conform_sut_status jobs_check(const struct cli_jobs *jobs, struct conform_error *error)
{
    const struct jobs_worker *failed = NULL;
    unsigned started = 0;
    for (unsigned i = 0; i < jobs->count; i++) {
        const bool ok = jobs->workers[i].status == CONFORM_SUT_OK;
        started += ok;
        if (!ok && failed == NULL)
            failed = &jobs->workers[i];
    }
    if (failed == NULL)
        return jobs_check_addresses(jobs, error);
    if (started == 0)
        *error = failed->error;
    else
        conform_error_set(error,
                          "SUT %u of %u does not start beside the others (--jobs 1 starts one"
                          " alone): %s",
                          (unsigned)(failed - jobs->workers) + 1, jobs->count, failed->error.text);
    return failed->status;
}

enum conform_sut_status cli_jobs_attach(const char *spec, const struct conform_sut_options *options,
                                        unsigned count, struct cli_jobs **out,
                                        struct conform_error *error)
{
    SIPC_ASSERT(count >= 1 && count <= CLI_JOBS_MAX);
    struct cli_jobs *jobs = calloc(1, sizeof *jobs);
    SIPC_ASSERT(jobs != NULL);
    jobs->count = count;
    jobs->workers = calloc(count, sizeof *jobs->workers);
    SIPC_ASSERT(jobs->workers != NULL);
    pthread_mutex_init(&jobs->lock, NULL);
    for (unsigned i = 0; i < count; i++)
        jobs->workers[i] = (struct jobs_worker){.jobs = jobs, .spec = spec, .attach = options};
    jobs_each(jobs, jobs_attach_one);
    const enum conform_sut_status status = jobs_check(jobs, error);
    if (status != CONFORM_SUT_OK) {
        cli_jobs_detach(jobs);
        jobs = NULL;
    }
    *out = jobs;
    return status;
}

struct conform_sut *cli_jobs_sut(const struct cli_jobs *jobs)
{
    return jobs->workers[0].sut;
}

void cli_jobs_detach(struct cli_jobs *jobs)
{
    if (jobs == NULL)
        return;
    jobs_each(jobs, jobs_detach_one);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs->workers);
    free(jobs);
}

/* ---- PDUs ---- */

static uint64_t jobs_wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void jobs_keep_pdu(struct jobs_slot *slot, const struct cli_pdu *pdu)
{
    if (slot->pdu_count == slot->pdu_capacity) {
        slot->pdu_capacity = 2 * slot->pdu_capacity + 16;
        slot->pdus = realloc(slot->pdus, slot->pdu_capacity * sizeof *slot->pdus);
        SIPC_ASSERT(slot->pdus != NULL);
    }
    char *peer = strdup(pdu->peer);
    uint8_t *bytes = malloc(pdu->bytes.size + 1);
    SIPC_ASSERT(peer != NULL && bytes != NULL);
    if (pdu->bytes.size > 0)
        memcpy(bytes, pdu->bytes.data, pdu->bytes.size);
    struct cli_pdu *copy = &slot->pdus[slot->pdu_count++];
    *copy = *pdu;
    copy->peer = peer;
    copy->bytes.data = bytes;
}

static void jobs_on_pdu(void *ctx, bool from_sut, const char *peer, uint64_t at_ns,
                        struct sipc_span bytes, const char *case_name)
{
    const struct jobs_worker *worker = ctx;
    const struct cli_jobs *jobs = worker->jobs;
    const struct cli_pdu pdu = {from_sut, peer, at_ns, jobs_wall_clock(), bytes};
    (void)case_name;
    if (jobs->count == 1) /* its turn is now */
        jobs->plan->on_pdu(jobs->plan->ctx, worker->slot->entry, &pdu);
    else
        jobs_keep_pdu(worker->slot, &pdu);
}

static void jobs_slot_clear(struct jobs_slot *slot)
{
    for (size_t i = 0; i < slot->pdu_count; i++) {
        free((void *)(uintptr_t)slot->pdus[i].peer);
        free((void *)(uintptr_t)slot->pdus[i].bytes.data);
    }
    free(slot->pdus);
    slot->pdus = NULL;
    slot->pdu_count = 0;
    conform_record_clear(&slot->result.record);
}

/* ---- cases ---- */

static struct jobs_slot *jobs_begin(struct cli_jobs *jobs)
{
    if (jobs->stopped || jobs->begun == jobs->slot_count)
        return NULL;
    struct jobs_slot *slot = &jobs->slots[jobs->begun];
    jobs->stopped = !jobs->plan->on_begin(jobs->plan->ctx, slot->entry, jobs->ended);
    if (jobs->stopped)
        return NULL;
    jobs->begun++;
    return slot;
}

/* Tells the cases whose turn has come. A case that ended is told even if no more is begun; one
 * behind the case whose end says so is not. */
static void jobs_tell(struct cli_jobs *jobs)
{
    const struct cli_jobs_plan *plan = jobs->plan;
    while (jobs->told < jobs->begun && jobs->slots[jobs->told].ended) {
        struct jobs_slot *slot = &jobs->slots[jobs->told];
        for (size_t i = 0; i < slot->pdu_count; i++)
            plan->on_pdu(plan->ctx, slot->entry, &slot->pdus[i]);
        const bool go_on = plan->on_end(plan->ctx, slot->entry, &slot->result);
        jobs_slot_clear(slot);
        jobs->told++;
        if (!go_on) {
            jobs->stopped = true;
            jobs->told = jobs->slot_count;
        }
    }
}

/* What repeats were good for is said where one did not pass. */
static void jobs_tell_repeat(struct conform_record *record, unsigned number, unsigned count)
{
    char *reason = NULL;
    const int size = asprintf(&reason, "%s (in repetition %u of %u; those before passed)",
                              record->reason == NULL ? "" : record->reason, number, count);
    SIPC_ASSERT(size >= 0);
    free(record->reason);
    record->reason = reason;
}

/* Of several links the name says which: it is unique in a report. */
static void jobs_name_link(const struct cli_jobs *jobs, struct conform_record *record)
{
    char *name = NULL;
    if (jobs->plan->links == NULL || jobs->plan->links->count < 2 || record->link.text == NULL)
        return;
    const int size = asprintf(&name, "%s over %s", record->name, record->link.text);
    SIPC_ASSERT(size >= 0);
    free(record->name);
    record->name = name;
}

static bool jobs_is_open(const struct cli_result *result)
{
    return result->status == CONFORM_SUT_OK && result->record.link.text != NULL &&
           result->record.verdict == CONFORM_INCONCLUSIVE;
}

/* A result to go on from: kept, unless an earlier one says more. */
static void jobs_keep(struct cli_result *kept, struct cli_result *result)
{
    if (kept->record.name != NULL && (!jobs_is_open(kept) || jobs_is_open(result))) {
        conform_record_clear(&result->record);
        return;
    }
    conform_record_clear(&kept->record);
    *kept = *result;
    result->record = (struct conform_record){0};
}

static void jobs_run_case(struct jobs_worker *worker, const struct jobs_slot *slot,
                          struct conform_run_options *options, struct cli_result *result)
{
    const unsigned repeat = worker->jobs->plan->repeat;
    const uint64_t first_seed = worker->jobs->plan->options->seed;
    struct cli_result kept = {0};
    options->link = slot->link;
    for (unsigned number = 1;; number++) {
        options->seed = result->seed = first_seed + number - 1;
        result->status = conform_run_case(worker->sut, slot->entry->script, slot->entry->index,
                                          options, &result->record, &result->error);
        const bool passed =
            result->status == CONFORM_SUT_OK && result->record.verdict == CONFORM_PASS;
        if (!passed && !jobs_is_open(result)) {
            if (number > 1)
                jobs_tell_repeat(&result->record, number, repeat);
            conform_record_clear(&kept.record);
            break;
        }
        jobs_keep(&kept, result);
        if (number >= repeat) {
            *result = kept;
            break;
        }
    }
    jobs_name_link(worker->jobs, &result->record);
    const enum conform_verdict verdict = result->record.verdict;
    if (worker->jobs->plan->sanity && result->status == CONFORM_SUT_OK &&
        (verdict == CONFORM_CRASH || verdict == CONFORM_HANG))
        result->status =
            cli_sanity(worker->sut, worker->jobs->plan->options,
                       "started again after a case it did not outlive", &result->error);
}

static void *jobs_run_cases(void *ctx)
{
    struct jobs_worker *worker = ctx;
    struct cli_jobs *jobs = worker->jobs;
    struct conform_run_options options = *jobs->plan->options;
    options.on_pdu = jobs->plan->on_pdu == NULL ? NULL : jobs_on_pdu;
    options.ctx = worker;
    pthread_mutex_lock(&jobs->lock);
    while ((worker->slot = jobs_begin(jobs)) != NULL) {
        struct cli_result *result = &worker->slot->result;
        pthread_mutex_unlock(&jobs->lock);
        jobs_run_case(worker, worker->slot, &options, result);
        pthread_mutex_lock(&jobs->lock);
        worker->slot->ended = true;
        jobs->ended++;
        if (result->status != CONFORM_SUT_OK)
            jobs->stopped = true; /* also if it is told later, nothing behind it is */
        jobs_tell(jobs);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

static void jobs_fill(struct cli_jobs *jobs, const struct cli_suite *suite,
                      const struct conform_link *link)
{
    for (size_t i = 0; i < suite->case_count; i++)
        if (suite->cases[i].selected)
            jobs->slots[jobs->slot_count++] =
                (struct jobs_slot){.entry = &suite->cases[i], .link = link};
}

void cli_jobs_run(struct cli_jobs *jobs, const struct cli_suite *suite,
                  const struct cli_jobs_plan *plan)
{
    jobs->plan = plan;
    const size_t link_count =
        plan->links != NULL && plan->links->count > 0 ? plan->links->count : 1;
    jobs->slots = calloc(link_count * suite->selected_count + 1, sizeof *jobs->slots);
    SIPC_ASSERT(jobs->slots != NULL);
    jobs->slot_count = jobs->begun = jobs->ended = jobs->told = 0;
    jobs->stopped = false;
    for (size_t link = 0; link < link_count; link++)
        jobs_fill(jobs, suite,
                  plan->links != NULL && plan->links->count > 0 ? &plan->links->items[link] : NULL);
    jobs_each(jobs, jobs_run_cases);
    for (size_t i = 0; i < jobs->slot_count; i++)
        jobs_slot_clear(&jobs->slots[i]); /* those that were run, but not told */
    free(jobs->slots);
    jobs->slots = NULL;
}
