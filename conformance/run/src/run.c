/* A case from its start to its record: attempts, set-up and test, what the end of a case shows, and
 * the SUT's way back to life.
 *
 * A case ends with a reset, so that a SUT that died of it is its crash and not the next one's. With
 * a wall clock a failure that may come of a busy machine is tried again.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "runner.h"

enum { RUN_NAME_SIZE = 8192, RUN_SCALE_PERCENT_MAX = 100000 };

static void run_init(struct runner *r, struct conform_sut *sut, const struct sx_script *script,
                     size_t index, const struct conform_run_options *options, unsigned attempt,
                     struct conform_record *record, struct conform_error *error)
{
    const struct conform_response *hello = conform_sut_hello(sut);
    unsigned scale = options->time_scale_percent;

    *r = (struct runner){
        .sut = sut,
        .script = script,
        .options = options,
        .record = record,
        .error = error,
        .control = conform_sut_has_control(sut),
        .clock.is_virtual = conform_sut_is_virtual(sut),
        .clock.tick_ns = hello->tick_ns > 0 ? hello->tick_ns : 1,
    };
    scale = scale == 0 || r->clock.is_virtual ? 100 : scale;
    r->clock.scale_percent = scale < RUN_SCALE_PERCENT_MAX ? scale : RUN_SCALE_PERCENT_MAX;
    run_env_init(&r->env, script, index, record->name, options, attempt);
}

static void run_fini(struct runner *r)
{
    run_queue_clear(&r->queue);
    run_queue_clear(&r->states);
    run_env_fini(&r->env);
    free(r->peers);
    judge_free(r->judge);
    run_link_end(r);
}

/* ---- the end ---- */

/* A bare peer that is dead looks like one that obeys by silence: nothing is decided by it. */
static void run_conclude_bare(struct runner *r)
{
    if (r->pdus_seen == 0) {
        run_stop(r, CONFORM_INCONCLUSIVE,
                 "nothing at all came from the SUT: without control its silence proves nothing");
        return;
    }
    for (size_t i = r->queue.head; i < r->queue.count; i++) {
        if (!r->queue.items[i].taken && r->queue.items[i].out.kind == CONFORM_OUT_EOF) {
            run_stop(r, CONFORM_INCONCLUSIVE,
                     "the SUT closed connection %s: without control nobody can tell whether it "
                     "lives",
                     r->queue.items[i].out.remote);
            return;
        }
    }
}

static void run_conclude(struct runner *r)
{
    r->step = NULL;
    if (r->record->link.excused > 0) {
        return; /* the judge concludes */
    }
    if (r->record->expectations == 0 && r->events_skipped > 0) {
        run_stop(r, CONFORM_UNSUPPORTED,
                 "needs a control channel: only events the SUT reports decide this case");
    } else if (r->record->expectations == 0) {
        run_stop(r, CONFORM_INCONCLUSIVE, "no line of the test decided anything");
    } else if (!r->control) {
        run_conclude_bare(r);
    }
}

/* Whether the SUT outlived the case. */
static void run_check_alive(struct runner *r)
{
    const struct conform_request request = {.op = CONFORM_RESET};
    struct conform_response response = {0};
    enum conform_sut_status status = conform_sut_call(r->sut, &request, &response, r->error);

    conform_response_clear(&response);
    if (status != CONFORM_SUT_OK) {
        run_stop_status(r, status);
    }
}

/* ---- one attempt ---- */

static bool run_is_down(const struct runner *r)
{
    return r->status == CONFORM_SUT_DEAD || r->status == CONFORM_SUT_HANG;
}

static void record_restart(struct conform_record *record)
{
    const struct conform_record kept = *record;

    record->name = NULL;
    conform_record_clear(record);
    record->name = kept.name;
    record->id = kept.id;
    record->path = kept.path;
    record->index = kept.index;
}

/* A SUT found dead at the door died of nothing this case did: it is started again, once. */
static bool run_begin(struct runner *r)
{
    run_link_name(r);
    if (run_prepare(r)) {
        return true;
    }
    if (!run_is_down(r)) {
        return false;
    }
    r->status = conform_sut_restart(r->sut, r->error);
    if (r->status != CONFORM_SUT_OK) {
        return run_stop_status(r, r->status);
    }
    record_restart(r->record);
    run_link_name(r);
    r->trace_capacity = r->trace_bytes = 0;
    return run_prepare(r);
}

/* What is owed when the last line has been played gets the time it may take: else a SUT could leave
 * out whatever a case ends with. No line looks at what comes then, only the judge. */
static void run_settle(struct runner *r)
{
    uint64_t until_ns = conform_sut_now(r->sut) + 2 * r->clock.unit_ns[SX_ACK_TIMEOUT];

    r->step = NULL;
    r->flood = 0;
    while (run_link_next(r) < until_ns && r->status == CONFORM_SUT_OK) {
        if (!run_pump(r, until_ns)) { /* what is on its way arrives */
            return;
        }
    }
    until_ns = r->judge != NULL ? judge_owed_until(r->judge) : 0;
    while (r->clock.is_virtual && r->status == CONFORM_SUT_OK &&
           conform_sut_now(r->sut) < until_ns) {
        if (!run_pump(r, until_ns)) {
            return;
        }
    }
}

static void run_attempt(struct runner *r)
{
    if (!run_begin(r)) {
        return;
    }
    r->prepared = true;
    r->in_setup = true;
    run_witness_begin(r);
    run_link_begin(r);
    if (run_block(r, &r->script->setup)) {
        r->in_setup = false;
        if (run_block(r, &r->script->test)) {
            run_settle(r);
            run_conclude(r);
        }
    }
    r->record->duration_ns = conform_sut_now(r->sut);
    run_witness_end(r);
}

/* The harness was late, or the SUT had to wait for its turn, as an answer that took long tells. */
static bool run_was_busy(const struct runner *r)
{
    uint64_t quarter = r->clock.unit_ns[SX_ACK_TIMEOUT] / 4;
    return conform_sut_lateness(r->sut) > quarter || r->call_max_ns > quarter;
}

/* Whether a busy machine, and not the SUT, may be what failed. */
static bool run_doubtful(const struct runner *r)
{
    enum conform_verdict verdict = r->record->verdict;
    bool failed =
        verdict == CONFORM_FAIL || verdict == CONFORM_ADVISORY || verdict == CONFORM_INCONCLUSIVE;

    return failed && !r->clock.is_virtual && r->status == CONFORM_SUT_OK &&
           (r->timing || run_was_busy(r));
}

static void run_close(struct runner *r)
{
    if (r->prepared && r->status == CONFORM_SUT_OK) {
        run_check_alive(r);
    }
    free(r->record->sut_stderr);
    r->record->sut_stderr = conform_sut_take_stderr(r->sut);
    if (run_is_down(r)) {
        r->status = conform_sut_restart(r->sut, r->error);
    }
}

enum conform_sut_status conform_run_case(struct conform_sut *sut, const struct sx_script *script,
                                         size_t index, const struct conform_run_options *options,
                                         struct conform_record *record, struct conform_error *error)
{
    char *name = calloc(1, RUN_NAME_SIZE);
    enum conform_sut_status status;
    unsigned doublings = 0;

    SIPC_ASSERT(name != NULL);
    sx_case_name(script, index, name, RUN_NAME_SIZE);
    *record = (struct conform_record){
        .name = run_strdup(name), .id = script->id, .path = script->path, .index = index};
    free(name);
    for (unsigned attempt = 1;; attempt++) {
        struct runner r;
        run_init(&r, sut, script, index, options, attempt, record, error);
        r.clock.doublings = doublings;
        run_attempt(&r);
        bool again = attempt < RUN_ATTEMPTS_MAX && run_doubtful(&r);
        doublings += run_was_busy(&r);
        run_close(&r);
        status = r.status;
        record->attempts = attempt;
        run_fini(&r);
        if (!again || status != CONFORM_SUT_OK) {
            return status;
        }
        record_restart(record);
    }
}
