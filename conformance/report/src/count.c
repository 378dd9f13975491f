/* What the cases of a run add up to: verdicts, and what they decide about each rule. Everything
 * that prints a number takes it from here. */
#include "internal.h"

#include <string.h>

bool conform_report_case_is_red(const struct conform_report_case *entry)
{
    switch (entry->verdict) {
    case CONFORM_FAIL:
    case CONFORM_CRASH:
    case CONFORM_HANG:
        return entry->known == NULL;
    case CONFORM_ERROR:
        return true;
    case CONFORM_PASS:
    case CONFORM_ADVISORY:
        return entry->known != NULL;
    default:
        return false;
    }
}

bool report__has(const json_t *ids, const char *id)
{
    size_t index;
    json_t *value;
    json_array_foreach(ids, index, value)
    {
        if (strcmp(json_string_value(value), id) == 0)
            return true;
    }
    return false;
}

bool conform_report_case_is_about(const struct conform_report_case *entry, const char *rule_id)
{
    return report__has(entry->rules, rule_id) || report__has(entry->advisories, rule_id) ||
           (entry->rule != NULL && strcmp(entry->rule, rule_id) == 0);
}

const struct conform_report_rule *conform_report_find_rule(const struct conform_report *report,
                                                           const char *id)
{
    for (size_t i = 0; i < report->rule_count; i++)
        if (strcmp(report->rules[i].id, id) == 0)
            return &report->rules[i];
    return NULL;
}

/* What one case says of a rule it is about. */
static enum conform_rule_status count_case(const struct conform_report_case *entry, const char *id)
{
    const bool blamed = entry->rule != NULL && strcmp(entry->rule, id) == 0;
    switch (entry->verdict) {
    case CONFORM_FAIL:
    case CONFORM_CRASH:
    case CONFORM_HANG:
        if (blamed)
            return CONFORM_RULE_BROKEN;
        break;
    case CONFORM_PASS:
    case CONFORM_ADVISORY:
        return blamed ? CONFORM_RULE_BROKEN : CONFORM_RULE_KEPT;
    case CONFORM_UNSUPPORTED:
        return CONFORM_RULE_UNSUPPORTED;
    default:
        break;
    }
    return CONFORM_RULE_INCONCLUSIVE;
}

enum conform_rule_status conform_report_rule_status(const struct conform_report *report,
                                                    const struct conform_report_rule *rule)
{
    static const enum conform_rule_status order[] = {CONFORM_RULE_BROKEN, CONFORM_RULE_KEPT,
                                                     CONFORM_RULE_INCONCLUSIVE,
                                                     CONFORM_RULE_UNSUPPORTED};
    bool seen[CONFORM_RULE_STATUS_COUNT] = {false};
    for (size_t i = 0; i < report->case_count; i++) {
        const struct conform_report_case *entry = &report->cases[i];
        if (report__has(entry->advisories, rule->id))
            seen[CONFORM_RULE_BROKEN] = true;
        else if (conform_report_case_is_about(entry, rule->id))
            seen[count_case(entry, rule->id)] = true;
    }
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (seen[order[i]])
            return order[i];
    return rule->suite_cases > 0 ? CONFORM_RULE_NOT_RUN : CONFORM_RULE_NO_CASE;
}

const char *conform_rule_status_name(enum conform_rule_status status, enum sipc_rule_level level)
{
    static const char *const names[CONFORM_RULE_STATUS_COUNT] = {
        "kept", "broken", "unsupported", "inconclusive", "not run", "no case"};
    if (status == CONFORM_RULE_BROKEN && level == SIPC_ADVISORY)
        return "not followed";
    return names[status];
}

static void count_entry(struct conform_report_counts *counts,
                        const struct conform_report_case *entry)
{
    counts->cases++;
    counts->verdicts[entry->verdict]++;
    counts->small_worlds += entry->small_world != NULL;
    switch (entry->verdict) {
    case CONFORM_PASS:
    case CONFORM_ADVISORY:
        counts->decided++;
        counts->unexpected_passes += entry->known != NULL;
        break;
    case CONFORM_FAIL:
    case CONFORM_CRASH:
    case CONFORM_HANG:
        counts->decided++;
        counts->known_failures += entry->known != NULL;
        counts->failures += entry->known == NULL;
        break;
    default:
        break;
    }
}

struct conform_report_counts conform_report_count(const struct conform_report *report,
                                                  const char *area)
{
    struct conform_report_counts counts = {0};
    for (size_t i = 0; i < report->case_count; i++)
        if (area == NULL || strcmp(report->cases[i].area, area) == 0)
            count_entry(&counts, &report->cases[i]);
    for (size_t i = 0; area == NULL && i < report->rule_count; i++) {
        const struct conform_report_rule *rule = &report->rules[i];
        counts.rules[rule->level][conform_report_rule_status(report, rule)]++;
    }
    return counts;
}

struct conform_report_counts conform_report_count_link(const struct conform_report *report,
                                                       const char *link_text)
{
    struct conform_report_counts counts = {0};
    for (size_t i = 0; i < report->case_count; i++) {
        const char *text = report->cases[i].link_text;
        if (text != NULL && strcmp(text, link_text) == 0)
            count_entry(&counts, &report->cases[i]);
    }
    return counts;
}

void conform_report_links(const struct conform_report *report,
                          void (*visit)(void *ctx, const char *link_text), void *ctx)
{
    json_t *seen = json_object();
    for (size_t i = 0; i < report->case_count; i++) {
        const char *text = report->cases[i].link_text;
        if (text != NULL && json_object_get(seen, text) == NULL) {
            json_object_set_new(seen, text, json_true());
            visit(ctx, text);
        }
    }
    json_decref(seen);
}

void conform_report_areas(const struct conform_report *report,
                          void (*visit)(void *ctx, const char *area), void *ctx)
{
    json_t *seen = json_object();
    for (size_t i = 0; i < report->case_count; i++) {
        const char *area = report->cases[i].area;
        if (json_object_get(seen, area) == NULL) {
            json_object_set_new(seen, area, json_true());
            visit(ctx, area);
        }
    }
    json_decref(seen);
}

static json_t *count_rules_json(const size_t counts[CONFORM_RULE_STATUS_COUNT],
                                enum sipc_rule_level level)
{
    json_t *json = json_object();
    size_t total = 0;
    for (int status = 0; status < CONFORM_RULE_STATUS_COUNT; status++) {
        total += counts[status];
        json_object_set_new(json, conform_rule_status_name((enum conform_rule_status)status, level),
                            json_integer((json_int_t)counts[status]));
    }
    json_object_set_new(json, "total", json_integer((json_int_t)total));
    return json;
}

json_t *report__counts_json(const struct conform_report *report)
{
    const struct conform_report_counts counts = conform_report_count(report, NULL);
    json_t *verdicts = json_object();
    for (int v = 0; v < CONFORM_VERDICT_COUNT; v++)
        json_object_set_new(verdicts, conform_verdict_name((enum conform_verdict)v),
                            json_integer((json_int_t)counts.verdicts[v]));
    const json_int_t selected = report__number(json_object_get(report->about, "suite"), "selected");
    return json_pack(
        "{s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:{s:o, s:o}}", "type", "summary", "cases",
        (json_int_t)counts.cases, "not_run", selected - (json_int_t)counts.cases, "verdicts",
        verdicts, "failures", (json_int_t)counts.failures, "known_failures",
        (json_int_t)counts.known_failures, "unexpected_passes",
        (json_int_t)counts.unexpected_passes, "small_worlds", (json_int_t)counts.small_worlds,
        "rules", "MUST", count_rules_json(counts.rules[SIPC_MUST], SIPC_MUST), "advisory",
        count_rules_json(counts.rules[SIPC_ADVISORY], SIPC_ADVISORY));
}
