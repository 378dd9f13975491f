/* The judge beside a case: what the SUT gets, puts out, is told to do and tells is fed to it as it
 * happens, and what it found at the end becomes part of the record. A MUST rule that it saw broken
 * fails a case whose own lines saw nothing.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "runner.h"

enum { WITNESS_TEXT_SIZE = 640 };

/* ---- begin ---- */

static void witness_settings(const struct runner *r, const struct run_settings *settings,
                             struct judge_config *config)
{
    int64_t value;

    judge_config_defaults(config);
    for (int i = 0; i < RUN_SETTING_COUNT; i++) {
        const char *name = run_settings_name(i);
        if (run_settings_number(&r->env, name, &value)) {
            judge_config_set(config, name, value);
        }
    }
    for (size_t i = 0; i < settings->count; i++) {
        const char *word = settings->items[i].word;
        if (word != NULL && strcmp(word, "manual") == 0) {
            config->knows |= JUDGE_NEEDS_AFTERMATHS;
        }
    }
}

void run_witness_refused(struct runner *r, const char *setting)
{
    judge_config_set(&r->judge_config, setting, -1);
}

void run_witness_configure(struct runner *r, const struct run_settings *settings)
{
    struct judge_config *config = &r->judge_config;
    uint64_t t_ns = (uint64_t)r->env.settings[RUN_SETTING_ACK_TIMEOUT] * SIPC_NS_PER_MS;

    judge_config_init(config);
    if (r->control) {
        witness_settings(r, settings, config);
        config->knows |= JUDGE_NEEDS_COMMANDS | JUDGE_NEEDS_EVENTS;
        config->knows |= conform_sut_has(r->sut, "state") ? JUDGE_NEEDS_STATES : 0;
    }
    config->stream = settings->stream;
    config->knows |= JUDGE_NEEDS_ARRIVALS;
    config->answer_ns = t_ns / 2;
    if (r->clock.is_virtual) {
        config->knows |= JUDGE_NEEDS_SYNC;
        config->early_ns = config->late_ns = r->clock.tick_ns - 1;
    } else {
        config->early_ns = t_ns / 2;
        config->late_ns = t_ns;
    }
}

void run_witness_begin(struct runner *r)
{
    judge_free(r->judge);
    r->judge = r->options->no_judge ? NULL : judge_new(&r->judge_config);
}

/* ---- events ---- */

static uint64_t witness_hash(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; text != NULL && *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
    }
    return hash;
}

static uint64_t witness_peer(const struct runner *r, const char *peer)
{
    for (size_t i = 0; peer != NULL && i < r->peer_count; i++) {
        if (strcmp(r->peers[i], peer) == 0) {
            return i;
        }
    }
    return JUDGE_PEER_UNKNOWN;
}

static void witness_feed(struct runner *r, struct judge_event *event)
{
    if (r->judge != NULL && r->prepared) {
        judge_feed(r->judge, event);
    }
}

void run_witness_rx(struct runner *r, const char *peer, struct sipc_span pdu)
{
    struct judge_event event = {.kind = JUDGE_RX,
                                .at_ns = conform_sut_now(r->sut),
                                .peer = witness_peer(r, peer),
                                .pdu = pdu};
    witness_feed(r, &event);
}

void run_witness_time(struct runner *r)
{
    struct judge_event event = {.kind = JUDGE_TIME, .at_ns = conform_sut_now(r->sut)};
    witness_feed(r, &event);
}

static bool witness_kind(enum conform_op op, enum judge_event_kind *kind)
{
    static const struct {
        enum conform_op op;
        enum judge_event_kind kind;
    } kinds[] = {{CONFORM_OPEN, JUDGE_OPEN},      {CONFORM_PRESET, JUDGE_PRESET},
                 {CONFORM_SEND, JUDGE_SEND},      {CONFORM_SEND_UNRELIABLE, JUDGE_SEND_UNRELIABLE},
                 {CONFORM_CLOSE, JUDGE_CLOSE},    {CONFORM_DISPOSE, JUDGE_DISPOSE},
                 {CONFORM_SENT, JUDGE_AFTERMATH}, {CONFORM_SHUTDOWN, JUDGE_SHUTDOWN}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].op == op) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static struct judge_attribute *witness_attributes(const struct conform_attribute *from,
                                                  size_t count)
{
    struct judge_attribute *attributes = calloc(count + 1, sizeof *attributes);

    SIPC_ASSERT(attributes != NULL);
    for (size_t i = 0; i < count; i++) {
        attributes[i] = (struct judge_attribute){from[i].name, from[i].value};
    }
    return attributes;
}

void run_witness_command(struct runner *r, const struct conform_request *request)
{
    struct judge_event event = {
        .at_ns = conform_sut_now(r->sut),
        .peer = request->remote != NULL ? witness_peer(r, request->remote) : JUDGE_PEER_UNKNOWN,
        .session = request->session,
        .token = request->token + 1, /* 0 would be none */
        .ok = request->success,
        .operation = witness_hash(request->label),
        .size = request->has_size ? request->size : request->data.size,
        .skip = request->skip,
        .code = request->code,
        .idle_timeout_ms = request->has_idle_timeout ? request->idle_timeout_ms : -1,
        .next_id = request->next_window_id,
        .acked_id = request->acked_window_id,
        .min_id = request->min_window_id,
        .grace_ms = request->grace_ms,
        .processed = request->processed,
    };
    struct judge_attribute *attributes =
        witness_attributes(request->attributes, request->attribute_count);

    event.attributes = attributes;
    event.attribute_count = request->attribute_count;
    if (witness_kind(request->op, &event.kind)) {
        witness_feed(r, &event);
    }
    free(attributes);
}

static bool witness_outcome(const char *word, enum judge_outcome *outcome)
{
    static const struct {
        const char *word;
        enum judge_outcome outcome;
    } outcomes[] = {{"ok", JUDGE_OUTCOME_OK},
                    {"timeout", JUDGE_OUTCOME_TIMEOUT},
                    {"peer_error", JUDGE_OUTCOME_PEER_ERROR},
                    {"network_error", JUDGE_OUTCOME_NETWORK_ERROR},
                    {"refused", JUDGE_OUTCOME_REFUSED},
                    {"not_sent", JUDGE_OUTCOME_NOT_SENT},
                    {"closed", JUDGE_OUTCOME_CLOSED}};

    for (size_t i = 0; word != NULL && i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (strcmp(outcomes[i].word, word) == 0) {
            *outcome = outcomes[i].outcome;
            return true;
        }
    }
    return false;
}

static bool witness_state(const char *word, enum judge_state *state)
{
    static const char *const words[] = {"opening", "opened", "closing", "awaiting_disposal",
                                        "disposed"};

    for (int i = 0; word != NULL && i < 5; i++) {
        if (strcmp(words[i], word) == 0) {
            *state = (enum judge_state)i;
            return true;
        }
    }
    return false;
}

static void witness_deliver(struct runner *r, const struct conform_out *out,
                            struct judge_event *event)
{
    struct judge_attribute *attributes = witness_attributes(out->attributes, out->attribute_count);

    event->kind = JUDGE_DELIVER;
    event->data = (struct sipc_span){out->bytes, out->size};
    event->attributes = attributes;
    event->attribute_count = out->attribute_count;
    witness_feed(r, event);
    free(attributes);
}

void run_witness_out(struct runner *r, const struct conform_out *out)
{
    struct judge_event event = {
        .at_ns = out->at_ns,
        .peer = witness_peer(r, out->remote),
        .session = out->has_session ? out->session : NULL,
        .operation = witness_hash(out->label),
        .has_code = out->has_code,
        .code = (int32_t)out->code,
    };

    switch (out->kind) {
    case CONFORM_OUT_TX:
        event.kind = JUDGE_TX;
        event.pdu = (struct sipc_span){out->bytes, out->size};
        event.token = out->token + 1;
        witness_feed(r, &event);
        break;
    case CONFORM_OUT_DELIVER:
        witness_deliver(r, out, &event);
        break;
    case CONFORM_OUT_RESULT:
        event.kind = JUDGE_RESULT;
        if (witness_outcome(out->word, &event.outcome)) {
            witness_feed(r, &event);
        }
        break;
    case CONFORM_OUT_STATE:
        event.kind = JUDGE_STATE;
        if (witness_state(out->word, &event.state)) {
            witness_feed(r, &event);
        }
        break;
    default:
        break;
    }
}

/* ---- the end ---- */

static void witness_record(struct runner *r)
{
    struct conform_record *record = r->record;
    size_t count = judge_finding_count(r->judge);

    count = count < JUDGE_FINDINGS_MAX ? count : JUDGE_FINDINGS_MAX;
    free(record->findings);
    free(record->exercised);
    record->findings = calloc(count + 1, sizeof *record->findings);
    record->exercised = calloc(SIPC_RULE_COUNT, sizeof *record->exercised);
    SIPC_ASSERT(record->findings != NULL && record->exercised != NULL);
    record->finding_count = count;
    for (size_t i = 0; i < count; i++) {
        record->findings[i] = *judge_finding(r->judge, i);
    }
    for (int rule = 0; rule < SIPC_RULE_COUNT; rule++) {
        record->exercised[rule] = judge_exercised(r->judge, (enum sipc_rule)rule);
    }
}

/* Whether the case showed a rule it is about. Where the judge watches none of them, or knows too
 * little (an order of events that is not the SUT's, settings nobody told it), it may not say. */
static bool witness_exercised(const struct runner *r)
{
    bool watched = false;

    for (size_t i = 0; i < r->script->rule_count; i++) {
        enum sipc_rule rule = r->script->rules[i];
        watched |= judge_watches(r->judge, rule);
        if (r->record->exercised[rule] > 0) {
            return true;
        }
    }
    return !watched || !r->clock.is_virtual || !r->control;
}

/* The same of a case whose lines a link kept from deciding: the rule it is about, or where the
 * judge does not watch that one, another that it names. */
static bool witness_exercised_alone(const struct runner *r)
{
    for (size_t i = 0; i < r->script->rule_count; i++) {
        enum sipc_rule rule = r->script->rules[i];
        if (r->record->exercised[rule] > 0) {
            return true;
        }
        if (i == 0 && judge_watches(r->judge, rule)) {
            return false;
        }
    }
    return false;
}

static void witness_stop(struct runner *r)
{
    const char *rule = sipc_rule_info(r->script->rules[0])->id;
    const struct conform_link_work *link = &r->record->link;

    r->step = NULL;
    if (!link->touched) {
        run_stop(r, CONFORM_INCONCLUSIVE,
                 "nothing happened by which %s could have been broken, as far as the judge sees",
                 rule);
        return;
    }
    run_stop(r, CONFORM_INCONCLUSIVE,
             "what the link did kept %s from being tried, as far as the judge sees", rule);
}

void run_witness_end(struct runner *r)
{
    char text[WITNESS_TEXT_SIZE];

    bool alone = r->record->link.excused > 0;
    if (r->judge == NULL) {
        if (alone) {
            witness_stop(r);
        }
        return;
    }
    run_witness_time(r);
    witness_record(r);
    bool exercised = alone ? witness_exercised_alone(r) : witness_exercised(r);
    judge_free(r->judge);
    r->judge = NULL;
    for (size_t i = 0; i < r->record->finding_count; i++) {
        const struct judge_finding *finding = &r->record->findings[i];
        judge_finding_print(finding, text, sizeof text);
        run_testify(r, finding->rule, text);
    }
    if (r->record->verdict == CONFORM_PASS && !exercised) {
        witness_stop(r);
    }
}
