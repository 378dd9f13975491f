/* Makes the JSON lines of a run: about, one a case, summary. Each is written and flushed at once:
 * a run that is killed leaves every case that ended. */
#include "internal.h"

#include <inttypes.h>
#include <string.h>

static void log_line(struct conform_report *report, const json_t *json)
{
    if (report->stream == NULL)
        return;
    json_dumpf(json, report->stream, JSON_COMPACT);
    fputc('\n', report->stream);
    fflush(report->stream);
}

/* Sets a member, unless there is nothing to set. */
static void log_set(json_t *object, const char *key, json_t *value)
{
    if (value != NULL)
        json_object_set_new(object, key, value);
}

static json_t *log_sut(const struct conform_report_about *about)
{
    json_t *json = json_pack("{s:o}", "spec", report__string(about->sut_spec));
    if (about->sut == NULL)
        return json;
    const struct conform_response *hello = conform_sut_hello(about->sut);
    json_t *capabilities = json_array();
    for (size_t i = 0; i < hello->capability_count; i++)
        json_array_append_new(capabilities, report__string(hello->capabilities[i]));
    log_set(json, "name", report__string(hello->name));
    log_set(json, "version", report__string(hello->version));
    log_set(json, "clock", json_string(conform_sut_is_virtual(about->sut) ? "virtual" : "wall"));
    log_set(json, "listen", report__string(hello->listen));
    log_set(json, "control", json_boolean(conform_sut_has_control(about->sut)));
    log_set(json, "tick_ns", json_integer((json_int_t)hello->tick_ns));
    log_set(json, "capabilities", capabilities);
    return json;
}

static json_t *log_suite(const struct conform_report_about *about)
{
    char digest[32];
    snprintf(digest, sizeof digest, "xxh3:%016" PRIx64, about->digest);
    return json_pack("{s:o, s:s, s:I, s:I, s:I}", "source", report__string(about->suite), "digest",
                     digest, "scripts", (json_int_t)about->script_count, "cases",
                     (json_int_t)about->case_count, "selected", (json_int_t)about->selected_count);
}

static json_t *log_registry(const size_t *cases_by_rule)
{
    json_t *rules = json_array();
    for (int rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        const struct sipc_rule_info *info = sipc_rule_info((enum sipc_rule)rule);
        json_array_append_new(rules,
                              json_pack("{s:s, s:s, s:s, s:I}", "id", info->id, "level",
                                        info->level == SIPC_MUST ? "MUST" : "advisory", "sentence",
                                        info->sentence, "cases", (json_int_t)cases_by_rule[rule]));
    }
    return rules;
}

void conform_report_begin(struct conform_report *report, const struct conform_report_about *about,
                          FILE *stream)
{
    *report = (struct conform_report){.stream = stream, .lines = json_array()};
    json_t *settings = json_pack("{s:I, s:i, s:i}", "seed", (json_int_t)about->options->seed,
                                 "ack_timeout_ms", (int)about->options->ack_timeout_ms,
                                 "time_scale_percent", (int)about->options->time_scale_percent);
    report->about =
        json_pack("{s:s, s:i, s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "type", "run", "format",
                  REPORT_FORMAT, "sipc", about->version, "command", report__string(about->command),
                  "started", about->started, "sut", log_sut(about), "suite", log_suite(about),
                  "settings", settings, "rules", log_registry(about->cases_by_rule));
    struct conform_error error;
    const bool viewed = report__view_rules(report, &error);
    SIPC_ASSERT(viewed);
    if (about->selection != NULL)
        json_object_set(report->about, "selection", about->selection);
    log_line(report, report->about);
}

static json_t *log_rules(const enum sipc_rule *rules, size_t count)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(ids, json_string(sipc_rule_info(rules[i])->id));
    return ids;
}

static json_t *log_diffs(const struct conform_record *record)
{
    json_t *diffs = json_array();
    for (size_t i = 0; i < record->diff_count; i++) {
        json_t *diff = json_object();
        log_set(diff, "field", report__string(record->diffs[i].field));
        log_set(diff, "expected", report__string(record->diffs[i].expected));
        log_set(diff, "actual", report__string(record->diffs[i].actual));
        json_array_append_new(diffs, diff);
    }
    return diffs;
}

static json_t *log_hex(const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = malloc(2 * size + 1);
    SIPC_ASSERT(hex != NULL);
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    json_t *string = json_stringn(hex, 2 * size);
    free(hex);
    return string;
}

static json_t *log_trace(const struct conform_record *record)
{
    json_t *trace = json_array();
    for (size_t i = 0; i < record->trace_count; i++) {
        const struct conform_trace *entry = &record->trace[i];
        json_t *json = json_pack("{s:I, s:s%, s:b}", "at_ns", (json_int_t)entry->at_ns, "direction",
                                 &entry->direction, (size_t)1, "matched", entry->matched);
        log_set(json, "peer", report__string(entry->peer));
        log_set(json, "text", report__string(entry->text == NULL ? "" : entry->text));
        if (entry->bytes != NULL)
            log_set(json, "pdu", log_hex(entry->bytes, entry->size));
        json_array_append_new(trace, json);
    }
    return trace;
}

/* What the judge saw. */
static json_t *log_judge(const struct conform_record *record)
{
    json_t *findings = json_array(), *exercised = json_array();
    for (size_t i = 0; i < record->finding_count; i++) {
        const struct judge_finding *finding = &record->findings[i];
        json_t *json =
            json_pack("{s:s, s:s, s:I, s:I}", "check", judge_check_info(finding->check)->id, "rule",
                      sipc_rule_info(finding->rule)->id, "event", (json_int_t)finding->event,
                      "at_ns", (json_int_t)finding->at_ns);
        log_set(json, "expected", report__string(finding->expected));
        log_set(json, "found", report__string(finding->found));
        json_array_append_new(findings, json);
    }
    for (int rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        if (record->exercised[rule] > 0)
            json_array_append_new(exercised, json_string(sipc_rule_info((enum sipc_rule)rule)->id));
    }
    return json_pack("{s:o, s:o}", "findings", findings, "exercised", exercised);
}

/* The values of the case's parameters by name, in their order; NULL if there are none. */
static json_t *log_params(const struct conform_record *record, const struct sx_script *script)
{
    if (script->param_count == 0)
        return NULL;
    json_t *params = json_object();
    for (size_t i = 0; i < script->param_count; i++) {
        const struct sx_param_value *value = sx_case_value(script, record->index, i);
        char number[32];
        snprintf(number, sizeof number, "%" PRId64, value->number);
        json_object_set_new(
            params, script->params[i].name,
            value->text ? report__string_of((const char *)value->bytes.data, value->bytes.size)
                        : json_string(number));
    }
    return params;
}

static json_t *log_link(const struct conform_link_work *link)
{
    json_t *json = json_pack("{s:o, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "text",
                             report__string(link->text), "seed", (json_int_t)link->seed, "touched",
                             link->touched, "entered", (json_int_t)link->entered, "lost",
                             (json_int_t)link->lost, "doubled", (json_int_t)link->doubled,
                             "damaged", (json_int_t)link->damaged, "moved", (json_int_t)link->moved,
                             "excused", (json_int_t)link->excused);
    if (link->excuse_line > 0)
        log_set(json, "excuse_line", json_integer(link->excuse_line));
    log_set(json, "excuse", report__string(link->excuse));
    return json;
}

static json_t *log_case(const struct conform_record *record, const struct sx_script *script,
                        const char *known, const char *replay)
{
    char *area = report__area(record->id);
    json_t *json = json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:o}", "type", "case", "name",
                             report__string(record->name), "id", report__string(record->id), "path",
                             report__string(record->path), "area", area, "verdict",
                             conform_verdict_name(record->verdict), "rules",
                             log_rules(script->rules, script->rule_count));
    free(area);
    const struct sipc_rule_info *rule = sipc_rule_info(record->rule);
    if (rule != NULL)
        log_set(json, "rule", json_string(rule->id));
    if (record->line > 0) {
        log_set(json, "line", json_integer(record->line));
        if ((size_t)record->line <= script->line_count)
            log_set(json, "line_text", report__string(script->lines[record->line - 1]));
    }
    log_set(json, "params", log_params(record, script));
    log_set(json, "reason", report__string(record->reason));
    log_set(json, "expected", report__string(record->expected));
    log_set(json, "actual", report__string(record->actual));
    log_set(json, "known", report__string(known));
    log_set(json, "diffs", log_diffs(record));
    log_set(json, "advisories", log_rules(record->advisories, record->advisory_count));
    log_set(json, "expectations", json_integer((json_int_t)record->expectations));
    log_set(json, "duration_ns", json_integer((json_int_t)record->duration_ns));
    log_set(json, "attempts", json_integer(record->attempts));
    log_set(json, "small_world", report__string(record->small_world));
    log_set(json, "sut_stderr", report__string(record->sut_stderr));
    log_set(json, "replay", report__string(replay));
    log_set(json, "story", report__string(script->story == NULL ? "" : script->story));
    if (record->exercised != NULL)
        log_set(json, "judge", log_judge(record));
    if (record->link.text != NULL)
        log_set(json, "link", log_link(&record->link));
    log_set(json, "trace", log_trace(record));
    if (record->trace_dropped > 0)
        log_set(json, "trace_dropped", json_integer((json_int_t)record->trace_dropped));
    return json;
}

const struct conform_report_case *conform_report_add(struct conform_report *report,
                                                     const struct conform_record *record,
                                                     const struct sx_script *script,
                                                     const char *known, const char *replay)
{
    json_t *json = log_case(record, script, known, replay);
    struct conform_report_case entry;
    struct conform_error error;
    const bool viewed = report__view(json, &entry, &error);
    SIPC_ASSERT(viewed);
    log_line(report, json);
    report__append(report, &entry, json);
    return &report->cases[report->case_count - 1];
}

void conform_report_end(struct conform_report *report, const struct conform_report_end *end)
{
    json_t *summary = report__counts_json(report);
    json_t *factors = report__factors(report);
    if (json_array_size(factors) > 0)
        json_object_set(summary, "factors", factors);
    json_decref(factors);
    json_object_set_new(summary, "elapsed_ns", json_integer((json_int_t)end->elapsed_ns));
    if (end->known_problems != NULL)
        json_object_set(summary, "known_problems", end->known_problems);
    log_set(summary, "error", report__string(end->error));
    json_object_set_new(summary, "exit", json_integer(end->exit_code));
    report->summary = summary;
    log_line(report, summary);
}

json_t *conform_report_summary(const struct conform_report *report)
{
    char *claim = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&claim, &size);
    SIPC_ASSERT(memory != NULL);
    conform_report_print_claim(report, memory);
    fclose(memory);
    json_t *summary =
        report->summary == NULL ? report__counts_json(report) : json_copy(report->summary);
    if (report->summary == NULL)
        log_set(summary, "error", json_string("the run was killed"));
    log_set(summary, "claim", report__string(claim));
    free(claim);
    return summary;
}
