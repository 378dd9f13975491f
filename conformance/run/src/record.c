/* The record of a case: its trace, its differences, and how a mismatch becomes a verdict. Verdicts
 * only get worse; the worst keeps its own reason, line and differences.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

const char *conform_verdict_name(enum conform_verdict verdict)
{
    static const char *const names[CONFORM_VERDICT_COUNT] = {
        [CONFORM_PASS] = "pass",
        [CONFORM_ADVISORY] = "advisory",
        [CONFORM_UNSUPPORTED] = "unsupported",
        [CONFORM_INCONCLUSIVE] = "inconclusive",
        [CONFORM_FAIL] = "fail",
        [CONFORM_HANG] = "hang",
        [CONFORM_CRASH] = "crash",
        [CONFORM_ERROR] = "error",
    };
    SIPC_ASSERT(verdict < CONFORM_VERDICT_COUNT);
    return names[verdict];
}

/* ---- differences and trace ---- */

void run_diff_add(struct run_diffs *diffs, char *field, char *expected, char *actual)
{
    diffs->items = run_grow(diffs->items, diffs->count, &diffs->capacity, sizeof *diffs->items);
    diffs->items[diffs->count++] = (struct conform_diff){field, expected, actual};
}

void run_diffs_clear(struct run_diffs *diffs)
{
    for (size_t i = 0; i < diffs->count; i++) {
        free(diffs->items[i].field);
        free(diffs->items[i].expected);
        free(diffs->items[i].actual);
    }
    free(diffs->items);
    *diffs = (struct run_diffs){0};
}

static void trace_clear(struct conform_trace *trace, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(trace[i].peer);
        free(trace[i].text);
        free(trace[i].bytes);
    }
}

static void trace_drop_half(struct runner *r)
{
    struct conform_record *record = r->record;
    size_t dropped = (record->trace_count + 1) / 2;

    for (size_t i = 0; i < dropped; i++) {
        r->trace_bytes -= record->trace[i].size;
    }
    trace_clear(record->trace, dropped);
    record->trace_count -= dropped;
    record->trace_dropped += dropped;
    memmove(record->trace, record->trace + dropped, record->trace_count * sizeof *record->trace);
}

size_t run_trace_add(struct runner *r, uint64_t at_ns, char direction, const char *peer, char *text,
                     struct sipc_span bytes)
{
    struct conform_record *record = r->record;

    while (record->trace_count == RUN_TRACE_MAX ||
           (record->trace_count > 0 && r->trace_bytes + bytes.size > RUN_TRACE_BYTES_MAX)) {
        trace_drop_half(r);
    }
    record->trace =
        run_grow(record->trace, record->trace_count, &r->trace_capacity, sizeof *record->trace);
    struct conform_trace *entry = &record->trace[record->trace_count++];
    *entry = (struct conform_trace){
        .at_ns = at_ns,
        .direction = direction,
        .matched = direction == '>' || direction == '!',
        .peer = run_strdup(peer != NULL ? peer : ""),
        .text = text,
    };
    if (bytes.data != NULL) {
        entry->bytes = malloc(bytes.size + 1);
        SIPC_ASSERT(entry->bytes != NULL);
        memcpy(entry->bytes, bytes.data, bytes.size);
        entry->size = bytes.size;
        r->trace_bytes += bytes.size;
    }
    return record->trace_dropped + record->trace_count - 1;
}

void run_trace_match(struct runner *r, size_t number)
{
    if (number >= r->record->trace_dropped && number != SIZE_MAX) {
        r->record->trace[number - r->record->trace_dropped].matched = true;
    }
}

/* ---- verdicts ---- */

static void record_clear_reason(struct conform_record *record)
{
    struct run_diffs diffs = {record->diffs, record->diff_count, 0};

    run_diffs_clear(&diffs);
    free(record->reason);
    free(record->expected);
    free(record->actual);
    record->diffs = NULL;
    record->diff_count = 0;
    record->reason = record->expected = record->actual = NULL;
    record->rule = SIPC_RULE_NONE;
    record->line = 0;
}

void conform_record_clear(struct conform_record *record)
{
    record_clear_reason(record);
    trace_clear(record->trace, record->trace_count);
    free(record->trace);
    free(record->name);
    free(record->advisories);
    free(record->findings);
    free(record->exercised);
    free(record->sut_stderr);
    free(record->small_world);
    free(record->link.text);
    free(record->link.excuse);
    *record = (struct conform_record){0};
}

/* Whether `verdict` is worse than what the record has; then its old reason is gone. */
static bool record_worsen(struct runner *r, enum conform_verdict verdict,
                          const struct sx_step *step)
{
    if (verdict <= r->record->verdict) {
        return false;
    }
    record_clear_reason(r->record);
    r->record->verdict = verdict;
    r->record->line = step != NULL ? step->line : 0;
    return true;
}

/* A link that did something to the exchange excuses whatever a line misses. */
static bool record_excuse(struct runner *r, const struct sx_step *step, const char *reason)
{
    struct conform_link_work *link = &r->record->link;

    if (!r->touched) {
        return false;
    }
    if (link->excused++ == 0) {
        link->excuse = run_strdup(reason);
        link->excuse_line = step != NULL ? step->line : 0;
    }
    return true;
}

bool run_stop(struct runner *r, enum conform_verdict verdict, const char *format, ...)
{
    va_list arguments;

    if (verdict == CONFORM_ERROR && r->env.unbound &&
        record_excuse(r, r->step, "this line needs something that never came")) {
        r->unplayable = true;
        return false;
    }
    if (!record_worsen(r, verdict, r->step)) {
        return false;
    }
    va_start(arguments, format);
    int length = vasprintf(&r->record->reason, format, arguments);
    va_end(arguments);
    SIPC_ASSERT(length >= 0);
    return false;
}

static bool record_is_advisory(enum sipc_rule rule)
{
    const struct sipc_rule_info *info = sipc_rule_info(rule);
    return info != NULL && info->level == SIPC_ADVISORY;
}

/* The rule a line blames: its first MUST rule; an advisory one only if there is no other. */
static enum sipc_rule record_blame(const struct runner *r, const struct sx_step *step)
{
    if (step == NULL || step->rule_count == 0) {
        return r->script->rule_count > 0 ? r->script->rules[0] : SIPC_RULE_NONE;
    }
    for (size_t i = 0; i < step->rule_count; i++) {
        if (!record_is_advisory(step->rules[i])) {
            return step->rules[i];
        }
    }
    return step->rules[0];
}

bool run_stop_status(struct runner *r, enum conform_sut_status status)
{
    r->status = status;
    switch (status) {
    case CONFORM_SUT_DEAD:
        run_stop(r, CONFORM_CRASH, "the SUT died: %s", r->error->text);
        break;
    case CONFORM_SUT_HANG:
        run_stop(r, CONFORM_HANG, "the SUT does not answer: %s", r->error->text);
        break;
    case CONFORM_SUT_NO_START:
        run_stop(r, CONFORM_ERROR, "the SUT cannot be reached: %s", r->error->text);
        break;
    default:
        run_stop(r, CONFORM_ERROR, "the adapter breaks the contract: %s", r->error->text);
        break;
    }
    if (r->record->verdict == CONFORM_CRASH || r->record->verdict == CONFORM_HANG) {
        r->record->rule = record_blame(r, r->step);
    }
    return false;
}

static void record_add_advisory(struct conform_record *record, enum sipc_rule rule)
{
    for (size_t i = 0; i < record->advisory_count; i++) {
        if (record->advisories[i] == rule) {
            return;
        }
    }
    record->advisories =
        reallocarray(record->advisories, record->advisory_count + 1, sizeof *record->advisories);
    SIPC_ASSERT(record->advisories != NULL);
    record->advisories[record->advisory_count++] = rule;
}

/* The steps after whose advisory mismatch a case goes on: nothing waits for what they looked at. */
static bool record_is_check(const struct sx_step *step)
{
    return step != NULL &&
           (step->kind == SX_CHECK || step->kind == SX_CHECK_DATA || step->kind == SX_CHECK_SIZE);
}

static void record_mismatch(struct runner *r, struct run_mismatch *mismatch, enum sipc_rule rule)
{
    struct conform_record *record = r->record;

    record->rule = r->in_setup ? SIPC_RULE_NONE : rule;
    record->reason =
        r->in_setup ? run_printf("set-up: %s", mismatch->reason) : run_strdup(mismatch->reason);
    record->expected = mismatch->step != NULL ? run_step_text(mismatch->step) : NULL;
    record->actual = mismatch->actual;
    record->diffs = mismatch->diffs.items;
    record->diff_count = mismatch->diffs.count;
    mismatch->actual = NULL;
    mismatch->diffs = (struct run_diffs){0};
    r->timing = mismatch->timing;
}

bool run_mismatch(struct runner *r, struct run_mismatch *mismatch)
{
    enum sipc_rule rule = mismatch->rule;
    if (rule == SIPC_RULE_NONE) {
        rule = record_blame(r, mismatch->step);
    }
    bool advisory = record_is_advisory(rule);
    bool excused = !mismatch->sure && record_excuse(r, mismatch->step, mismatch->reason);
    enum conform_verdict verdict = r->in_setup ? CONFORM_INCONCLUSIVE
                                   : advisory  ? CONFORM_ADVISORY
                                               : CONFORM_FAIL;

    if (!r->in_setup && !excused) {
        r->record->expectations++;
        if (advisory) {
            record_add_advisory(r->record, rule);
        }
    }
    if (!excused && record_worsen(r, verdict, mismatch->step)) {
        record_mismatch(r, mismatch, rule);
    }
    free(mismatch->reason);
    free(mismatch->actual);
    run_diffs_clear(&mismatch->diffs);
    return excused || (verdict == CONFORM_ADVISORY && record_is_check(mismatch->step));
}

void run_advise(struct runner *r, const struct sx_step *step, enum sipc_rule rule,
                const char *reason)
{
    if (r->in_setup || r->touched) {
        return; /* what a set-up, or a link, shows in passing decides nothing */
    }
    record_add_advisory(r->record, rule);
    if (record_worsen(r, CONFORM_ADVISORY, step)) {
        r->record->rule = rule;
        r->record->reason = run_strdup(reason);
    }
}

void run_testify(struct runner *r, enum sipc_rule rule, const char *reason)
{
    bool advisory = record_is_advisory(rule);

    if (advisory) {
        record_add_advisory(r->record, rule);
    }
    if (record_worsen(r, advisory ? CONFORM_ADVISORY : CONFORM_FAIL, NULL)) {
        r->record->rule = rule;
        r->record->reason = run_printf("the judge saw %s", reason);
        r->timing = true;
    }
}

bool run_decided(struct runner *r)
{
    if (!r->in_setup) {
        r->record->expectations++;
    }
    return true;
}
