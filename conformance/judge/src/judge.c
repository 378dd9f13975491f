/* The judge as a whole: configuration, the way of an event, findings, and what was exercised.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static const struct judge_check_info judge_checks[JUDGE_CHECK_COUNT] = {
#define JUDGE_CHECK(name, id, rule, needs, sees)                                                   \
    [JUDGE_##name] = {id, SIPC_RULE_##rule, needs, sees},
#include "conform/judge_checks.def"
#undef JUDGE_CHECK
};

const struct judge_check_info *judge_check_info(enum judge_check check)
{
    return (unsigned)check < JUDGE_CHECK_COUNT ? &judge_checks[check] : NULL;
}

bool judge_sees(enum sipc_rule rule)
{
    for (int i = 0; i < JUDGE_CHECK_COUNT; i++) {
        if (judge_checks[i].rule == rule) {
            return true;
        }
    }
    return false;
}

/* ---- configuration ---- */

static const struct {
    const char *name;
    size_t offset;
    bool word; /* an int, not an int64_t */
    int64_t standard;
} judge_settings[] = {
#define JUDGE_SETTING(name, field, word, standard)                                                 \
    {                                                                                              \
        name, offsetof(struct judge_config, field), word, standard                                 \
    }
    JUDGE_SETTING("mtu", mtu, false, 1400),
    JUDGE_SETTING("max_window_size", max_window_size, false, 16),
    JUDGE_SETTING("ack_timeout_ms", ack_timeout_ms, false, 1000),
    JUDGE_SETTING("max_retry_count", max_retry_count, false, 3),
    JUDGE_SETTING("open_timeout_ms", open_timeout_ms, false, 10000),
    JUDGE_SETTING("idle_timeout_ms", idle_timeout_ms, false, 0),
    JUDGE_SETTING("enquire_link_interval_ms", enquire_link_interval_ms, false, 0),
    JUDGE_SETTING("linger_ms", linger_ms, false, 8000),
    JUDGE_SETTING("max_sessions", max_sessions, false, 1024),
    JUDGE_SETTING("attribute_limit", attribute_limit, false, 30000),
    JUDGE_SETTING("unreliable_queue", unreliable_queue, false, 64),
    JUDGE_SETTING("min_remote_idle_timeout_ms", min_remote_idle_timeout_ms, false, 0),
    JUDGE_SETTING("max_remote_idle_timeout_ms", max_remote_idle_timeout_ms, false, 600000),
    JUDGE_SETTING("accept", accept, true, 1),
    JUDGE_SETTING("require_first_in_window_group", require_first_in_window_group, true, 1),
    JUDGE_SETTING("window_id_step", window_id_step, false, SIPC_WINDOW_ID_STEP),
    JUDGE_SETTING("window_id_max", window_id_max, false, SIPC_WINDOW_ID_MAX),
    JUDGE_SETTING("group_bytes_max", group_bytes_max, false, SIPC_GROUP_BYTES_MAX),
#undef JUDGE_SETTING
};
enum {
    JUDGE_SETTING_COUNT = sizeof judge_settings / sizeof judge_settings[0],
    JUDGE_SETTING_SMALL = 15
}; /* from here on: small worlds */

static void judge_config_put(struct judge_config *config, size_t at, int64_t value)
{
    char *field = (char *)config + judge_settings[at].offset;

    if (judge_settings[at].word) {
        int word = value < 0 ? -1 : value != 0;
        memcpy(field, &word, sizeof word);
    } else {
        memcpy(field, &value, sizeof value);
    }
}

void judge_config_init(struct judge_config *config)
{
    *config = (struct judge_config){0};
    for (size_t i = 0; i < JUDGE_SETTING_COUNT; i++) {
        judge_config_put(config, i, i < JUDGE_SETTING_SMALL ? -1 : judge_settings[i].standard);
    }
}

void judge_config_defaults(struct judge_config *config)
{
    for (size_t i = 0; i < JUDGE_SETTING_COUNT; i++) {
        judge_config_put(config, i, judge_settings[i].standard);
    }
}

bool judge_config_set(struct judge_config *config, const char *name, int64_t value)
{
    for (size_t i = 0; i < JUDGE_SETTING_COUNT; i++) {
        if (strcmp(judge_settings[i].name, name) == 0) {
            judge_config_put(config, i, value);
            config->small_world |= i >= JUDGE_SETTING_SMALL && value != judge_settings[i].standard;
            return true;
        }
    }
    return false;
}

/* Findings and texts are most of it, and rarely there: they are not worth being zeroed. Blocks
 * stay. */
static void judge_init(struct judge *j, const struct judge_config *config)
{
    memset(j, 0, offsetof(struct judge, findings));
    j->finding_count = 0;
    memset(j->exercised, 0, sizeof j->exercised);
    j->text = 0;
    j->config = *config;
    if (j->config.mtu >= 0) { /* SND-2a */
        j->config.mtu = j->config.mtu < SIPC_MTU_MIN   ? SIPC_MTU_MIN
                        : j->config.mtu > SIPC_MTU_MAX ? SIPC_MTU_MAX
                                                       : j->config.mtu;
    }
    j->next_ns = j->shutdown_ns = SIPC_NEVER;
    judge_cause_clear(j);
}

struct judge *judge_new(const struct judge_config *config)
{
    struct judge *j = malloc(sizeof *j);

    if (j != NULL) {
        memset(j->blocks, 0, sizeof j->blocks);
        judge_init(j, config);
    }
    return j;
}

void judge_renew(struct judge *j, const struct judge_config *config)
{
    struct judge_session *spare = j->spare, **sessions = j->sessions;
    size_t capacity = j->session_capacity;

    for (size_t i = 0; i < j->session_count; i++) {
        judge_forget(j, sessions[i]);
        sessions[i]->next_spare = spare;
        spare = sessions[i];
    }
    judge_init(j, config);
    j->sessions = sessions;
    j->session_capacity = capacity;
    j->spare = spare;
}

void judge_free(struct judge *j)
{
    if (j == NULL) {
        return;
    }
    for (size_t i = 0; i < j->session_count; i++) {
        judge_session_fini(j, j->sessions[i]);
        free(j->sessions[i]);
    }
    while (j->spare != NULL) {
        struct judge_session *spare = j->spare;
        j->spare = spare->next_spare;
        judge_session_fini(j, spare);
        free(spare);
    }
    judge_blocks_free(j);
    free(j->sessions);
    free(j);
}

/* ---- findings ---- */

const char *judge_text(struct judge *j, const char *format, ...)
{
    char *text = j->texts[j->text++ % JUDGE_TEXTS];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, JUDGE_TEXT_SIZE, format, arguments);
    va_end(arguments);
    return text;
}

void judge_cause_clear(struct judge *j)
{
    j->cause = (struct judge_cause){.check = JUDGE_CHECK_COUNT};
}

void judge_cause_set(struct judge *j, enum judge_check check, const struct judge_session *s,
                     const char *what, bool acks_only)
{
    j->cause =
        (struct judge_cause){.check = check, .session = s, .what = what, .acks_only = acks_only};
}

bool judge_knows(const struct judge *j, unsigned needs)
{
    return (needs & ~j->config.knows) == 0;
}

void judge_blame(struct judge *j, const struct judge_session *s, enum judge_check check,
                 const char *expected, const char *found)
{
    const struct judge_check_info *info = judge_check_info(check);

    if (info == NULL || !judge_knows(j, info->needs) ||
        (j->config.off != NULL && j->config.off[check])) {
        return;
    }
    judge_saw(j, check);
    if (j->finding_count++ >= JUDGE_FINDINGS_MAX) {
        return;
    }
    struct judge_finding *finding = &j->findings[j->finding_count - 1];
    *finding = (struct judge_finding){.check = check,
                                      .rule = info->rule,
                                      .event = j->event,
                                      .at_ns = j->now_ns,
                                      .peer = JUDGE_PEER_UNKNOWN};
    if (s != NULL) {
        finding->peer = s->peer;
        memcpy(finding->session, s->id, SIPC_SESSION_ID_SIZE);
    }
    snprintf(finding->expected, sizeof finding->expected, "%s", expected);
    snprintf(finding->found, sizeof finding->found, "%s", found);
}

void judge_saw(struct judge *j, enum judge_check check)
{
    if (judge_knows(j, judge_checks[check].needs)) {
        judge_saw_rule(j, judge_checks[check].rule);
    }
}

size_t judge_finding_count(const struct judge *j)
{
    return j->finding_count;
}

const struct judge_finding *judge_finding(const struct judge *j, size_t index)
{
    return index < j->finding_count && index < JUDGE_FINDINGS_MAX ? &j->findings[index] : NULL;
}

uint64_t judge_exercised(const struct judge *j, enum sipc_rule rule)
{
    return (unsigned)rule < SIPC_RULE_COUNT ? j->exercised[rule] : 0;
}

int judge_finding_print(const struct judge_finding *finding, char *out, size_t size)
{
    const struct sipc_rule_info *rule = sipc_rule_info(finding->rule);

    return snprintf(out, size, "%s (%s): expected %s; found %s", rule->id,
                    rule->level == SIPC_MUST ? "MUST" : "advisory", finding->expected,
                    finding->found);
}

bool judge_watches(const struct judge *j, enum sipc_rule rule)
{
    for (int i = 0; i < JUDGE_CHECK_COUNT; i++) {
        if (judge_checks[i].rule == rule && judge_knows(j, judge_checks[i].needs)) {
            return true;
        }
    }
    return false;
}

/* ---- time ---- */

uint64_t judge_ms(int64_t ms)
{
    return ms < 0                                           ? 0
           : (uint64_t)ms > SIPC_NEVER / SIPC_NS_PER_MS - 1 ? SIPC_NEVER
                                                            : (uint64_t)ms * SIPC_NS_PER_MS;
}

uint64_t judge_after(uint64_t at_ns, uint64_t span_ns)
{
    return at_ns > SIPC_NEVER - span_ns ? SIPC_NEVER : at_ns + span_ns;
}

void judge_wake(struct judge *j, uint64_t at_ns)
{
    if (at_ns < j->next_ns) {
        j->next_ns = at_ns;
    }
}

static void judge_expire(struct judge *j)
{
    if (j->now_ns <= j->next_ns) {
        return;
    }
    j->next_ns = SIPC_NEVER;
    for (size_t i = 0; i < j->session_count; i++) {
        judge_dues_expire(j, j->sessions[i]);
        judge_retry_expire(j, j->sessions[i]);
        judge_state_expire(j, j->sessions[i]);
        judge_link_expire(j, j->sessions[i]);
        judge_shutdown_expire(j, j->sessions[i]);
    }
}

/* ---- events ---- */

static void judge_gap(struct judge *j)
{
    for (size_t i = 0; i < j->session_count; i++) {
        judge_forget(j, j->sessions[i]);
    }
    j->flooded = true; /* sessions may be there that nobody knows of */
}

static bool judge_event_whole(const struct judge_event *event)
{
    switch (event->kind) {
    case JUDGE_RX:
    case JUDGE_TX:
    case JUDGE_AFTERMATH:
    case JUDGE_TIME:
    case JUDGE_GAP:
    case JUDGE_SHUTDOWN:
        return true;
    default:
        return (unsigned)event->kind < JUDGE_EVENT_KIND_COUNT && event->session != NULL;
    }
}

void judge_feed(struct judge *j, const struct judge_event *event)
{
    j->event++;
    if (event->at_ns > j->now_ns) {
        j->now_ns = event->at_ns;
    }
    if (!judge_event_whole(event)) {
        return;
    }
    if (event->kind != JUDGE_TX && (event->kind < JUDGE_DELIVER || event->kind == JUDGE_TIME)) {
        judge_refuse_settle(j);
        judge_settle(j);
    }
    judge_expire(j);
    switch (event->kind) {
    case JUDGE_RX:
        judge_rx(j, event);
        break;
    case JUDGE_TX:
        judge_tx(j, event);
        break;
    case JUDGE_AFTERMATH:
        judge_aftermath(j, event);
        break;
    case JUDGE_DELIVER:
        judge_deliver(j, judge_session_find(j, event->session, event->peer), event);
        break;
    case JUDGE_RESULT:
        judge_result(j, event);
        break;
    case JUDGE_STATE:
        judge_state(j, event);
        break;
    case JUDGE_TIME:
        for (size_t i = 0; i < j->session_count && i < JUDGE_PASSES_MAX; i++) {
            judge_state_passes(j, j->sessions[i]);
        }
        break;
    case JUDGE_GAP:
        judge_gap(j);
        break;
    default:
        judge_command(j, event);
        break;
    }
}
