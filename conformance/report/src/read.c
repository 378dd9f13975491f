/* Holds and reads the JSON lines of a run: every member is checked once, here, so that the writers
 * need not. */
#include "internal.h"

#include <errno.h>
#include <string.h>

const char *report__text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

int64_t report__number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool report__odd(const json_t *trace_entry)
{
    const char *text = report__text(trace_entry, "text");
    if (json_is_true(json_object_get(trace_entry, "matched")))
        return false;
    return report__text(trace_entry, "direction")[0] == '<' || strncmp(text, "deliver", 7) == 0 ||
           strncmp(text, "result", 6) == 0;
}

char *report__area(const char *id)
{
    char *area = strndup(id, strcspn(id, "-"));
    SIPC_ASSERT(area != NULL);
    return area;
}

static bool read_verdict(const char *name, enum conform_verdict *verdict)
{
    for (int v = 0; v < CONFORM_VERDICT_COUNT; v++) {
        if (strcmp(conform_verdict_name((enum conform_verdict)v), name) == 0) {
            *verdict = (enum conform_verdict)v;
            return true;
        }
    }
    return false;
}

static bool read_strings(const json_t *array, const char *key, struct conform_error *error)
{
    size_t index;
    json_t *value;
    json_array_foreach(array, index, value)
    {
        if (!json_is_string(value)) {
            conform_error_set(error, "%s[%zu] is not a string", key, index);
            return false;
        }
    }
    return true;
}

static bool read_trace(json_t *trace, struct conform_error *error)
{
    size_t index;
    json_t *value;
    json_array_foreach(trace, index, value)
    {
        json_error_t json_error;
        json_int_t at_ns;
        int matched;
        const char *direction, *text;
        const char *peer = NULL, *pdu = NULL;
        if (json_unpack_ex(value, &json_error, 0, "{s:I, s:s, s:b, s:s, s?s, s?s}", "at_ns", &at_ns,
                           "direction", &direction, "matched", &matched, "text", &text, "peer",
                           &peer, "pdu", &pdu) != 0) {
            conform_error_set(error, "trace[%zu]: %s", index, json_error.text);
            return false;
        }
        if (strlen(direction) != 1 || strchr("<>=!~", direction[0]) == NULL) {
            conform_error_set(error, "trace[%zu]: direction '%s' is none of < > = ! ~", index,
                              direction);
            return false;
        }
    }
    return true;
}

static bool read_diffs(json_t *diffs, struct conform_error *error)
{
    size_t index;
    json_t *value;
    json_array_foreach(diffs, index, value)
    {
        json_error_t json_error;
        const char *field;
        const char *expected = NULL, *actual = NULL;
        if (json_unpack_ex(value, &json_error, 0, "{s:s, s?s, s?s}", "field", &field, "expected",
                           &expected, "actual", &actual) != 0) {
            conform_error_set(error, "diffs[%zu]: %s", index, json_error.text);
            return false;
        }
    }
    return true;
}

static bool read_findings(json_t *findings, struct conform_error *error)
{
    size_t index;
    json_t *value;
    json_array_foreach(findings, index, value)
    {
        json_error_t json_error;
        const char *rule, *expected, *found;
        if (json_unpack_ex(value, &json_error, 0, "{s:s, s:s, s:s}", "rule", &rule, "expected",
                           &expected, "found", &found) != 0) {
            conform_error_set(error, "judge.findings[%zu]: %s", index, json_error.text);
            return false;
        }
    }
    return true;
}

static bool read_member(const json_t *json, const char *key, json_type type, bool required,
                        struct conform_error *error)
{
    static const char *const names[] = {"an object", "an array", "a string", "an integer",
                                        "a real",    "true",     "false",    "null"};
    const json_t *value = json_object_get(json, key);
    if (value == NULL && required)
        conform_error_set(error, "no member '%s'", key);
    else if (value != NULL && json_typeof(value) != type)
        conform_error_set(error, "'%s' is %s, expected %s", key, names[json_typeof(value)],
                          names[type]);
    else
        return true;
    return false;
}

static bool read_texts(json_t *json, struct conform_report_case *entry, struct conform_error *error)
{
    const struct {
        const char *key;
        const char **text;
        bool required;
    } members[] = {
        {"name", &entry->name, true},
        {"id", &entry->id, true},
        {"path", &entry->path, true},
        {"area", &entry->area, true},
        {"story", &entry->story, true},
        {"replay", &entry->replay, true},
        {"known", &entry->known, false},
        {"rule", &entry->rule, false},
        {"line_text", &entry->line_text, false},
        {"reason", &entry->reason, false},
        {"expected", &entry->expected, false},
        {"actual", &entry->actual, false},
        {"sut_stderr", &entry->stderr_text, false},
        {"small_world", &entry->small_world, false},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!read_member(json, members[i].key, JSON_STRING, members[i].required, error))
            return false;
        *members[i].text = json_string_value(json_object_get(json, members[i].key));
    }
    return true;
}

static bool read_lists(json_t *json, struct conform_report_case *entry, struct conform_error *error)
{
    const struct {
        const char *key;
        json_t **list;
    } members[] = {{"rules", &entry->rules},
                   {"advisories", &entry->advisories},
                   {"diffs", &entry->diffs},
                   {"trace", &entry->trace}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!read_member(json, members[i].key, JSON_ARRAY, true, error))
            return false;
        *members[i].list = json_object_get(json, members[i].key);
    }
    return read_strings(entry->rules, "rules", error) &&
           read_strings(entry->advisories, "advisories", error) &&
           read_diffs(entry->diffs, error) && read_trace(entry->trace, error);
}

static bool read_params(json_t *json, struct conform_report_case *entry,
                        struct conform_error *error)
{
    const char *name;
    json_t *value;
    if (!read_member(json, "params", JSON_OBJECT, false, error))
        return false;
    entry->params = json_object_get(json, "params");
    json_object_foreach(entry->params, name, value)
    {
        if (!json_is_string(value)) {
            conform_error_set(error, "params.%s is not a string", name);
            return false;
        }
    }
    return true;
}

static bool read_judge(json_t *json, struct conform_report_case *entry, struct conform_error *error)
{
    const json_t *judge = json_object_get(json, "judge");
    if (judge == NULL)
        return read_member(json, "judge", JSON_OBJECT, false, error);
    if (!read_member(json, "judge", JSON_OBJECT, true, error) ||
        !read_member(judge, "findings", JSON_ARRAY, true, error) ||
        !read_member(judge, "exercised", JSON_ARRAY, true, error))
        return false;
    entry->findings = json_object_get(judge, "findings");
    return read_findings(entry->findings, error) &&
           read_strings(json_object_get(judge, "exercised"), "judge.exercised", error);
}

static bool read_link(json_t *json, struct conform_report_case *entry, struct conform_error *error)
{
    static const char *const numbers[] = {"seed",    "entered", "lost",   "doubled",
                                          "damaged", "moved",   "excused"};
    if (json_object_get(json, "link") == NULL)
        return true;
    if (!read_member(json, "link", JSON_OBJECT, true, error))
        return false;
    entry->link = json_object_get(json, "link");
    if (!read_member(entry->link, "text", JSON_STRING, true, error) ||
        !read_member(entry->link, "excuse", JSON_STRING, false, error))
        return false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!read_member(entry->link, numbers[i], JSON_INTEGER, true, error))
            return false;
    entry->link_text = report__text(entry->link, "text");
    return true;
}

bool report__view(json_t *json, struct conform_report_case *entry, struct conform_error *error)
{
    *entry = (struct conform_report_case){0};
    if (!read_texts(json, entry, error) || !read_lists(json, entry, error) ||
        !read_params(json, entry, error) || !read_judge(json, entry, error) ||
        !read_link(json, entry, error) ||
        !read_member(json, "verdict", JSON_STRING, true, error) ||
        !read_member(json, "duration_ns", JSON_INTEGER, true, error) ||
        !read_member(json, "expectations", JSON_INTEGER, true, error) ||
        !read_member(json, "attempts", JSON_INTEGER, true, error) ||
        !read_member(json, "line", JSON_INTEGER, false, error) ||
        !read_member(json, "trace_dropped", JSON_INTEGER, false, error))
        return false;
    entry->line = (int)report__number(json, "line");
    entry->duration_ns = (uint64_t)report__number(json, "duration_ns");
    entry->expectations = (size_t)report__number(json, "expectations");
    entry->attempts = (unsigned)report__number(json, "attempts");
    entry->trace_dropped = (size_t)report__number(json, "trace_dropped");
    if (read_verdict(report__text(json, "verdict"), &entry->verdict))
        return true;
    conform_error_set(error, "verdict '%s' is unknown", report__text(json, "verdict"));
    return false;
}

bool report__view_rules(struct conform_report *report, struct conform_error *error)
{
    json_t *rules = json_object_get(report->about, "rules");
    size_t index;
    json_t *value;
    report->rule_count = json_array_size(rules);
    report->rules = calloc(report->rule_count + 1, sizeof *report->rules);
    SIPC_ASSERT(report->rules != NULL);
    json_array_foreach(rules, index, value)
    {
        struct conform_report_rule *rule = &report->rules[index];
        json_error_t json_error;
        const char *level;
        json_int_t cases;
        if (json_unpack_ex(value, &json_error, 0, "{s:s, s:s, s:s, s:I}", "id", &rule->id, "level",
                           &level, "sentence", &rule->sentence, "cases", &cases) != 0) {
            conform_error_set(error, "rules[%zu]: %s", index, json_error.text);
            return false;
        }
        rule->level = strcmp(level, "MUST") == 0 ? SIPC_MUST : SIPC_ADVISORY;
        rule->suite_cases = (size_t)cases;
    }
    return true;
}

void report__append(struct conform_report *report, const struct conform_report_case *entry,
                    json_t *json)
{
    if (report->case_count == report->case_capacity) {
        report->case_capacity = report->case_capacity == 0 ? 64 : 2 * report->case_capacity;
        report->cases = realloc(report->cases, report->case_capacity * sizeof *report->cases);
        SIPC_ASSERT(report->cases != NULL);
    }
    report->cases[report->case_count++] = *entry;
    json_array_append_new(report->lines, json);
}

void conform_report_clear(struct conform_report *report)
{
    json_decref(report->about);
    json_decref(report->summary);
    json_decref(report->lines);
    free(report->cases);
    free(report->rules);
    *report = (struct conform_report){0};
}

static bool read_about(json_t *json, struct conform_error *error)
{
    json_error_t json_error;
    int format;
    const char *text[6];
    json_int_t numbers[4];
    if (json_unpack_ex(json, &json_error, 0, "{s:i}", "format", &format) != 0) {
        conform_error_set(error, "%s", json_error.text);
        return false;
    }
    if (format != REPORT_FORMAT) {
        conform_error_set(error, "format %d; this program reads format %d", format, REPORT_FORMAT);
        return false;
    }
    if (json_unpack_ex(
            json, &json_error, 0, "{s:s, s:s, s:s, s:{s:s}, s:{s:s, s:s, s:I, s:I, s:I}, s:{s:I}}",
            "sipc", &text[0], "command", &text[1], "started", &text[2], "sut", "spec", &text[3],
            "suite", "source", &text[4], "digest", &text[5], "scripts", &numbers[0], "cases",
            &numbers[1], "selected", &numbers[2], "settings", "seed", &numbers[3]) != 0) {
        conform_error_set(error, "%s", json_error.text);
        return false;
    }
    return true;
}

/* The counts a summary states must be those of the lines. */
static bool read_summary(struct conform_report *report, json_t *json, struct conform_error *error)
{
    json_t *counts = report__counts_json(report);
    const char *key;
    json_t *value;
    bool equal = true;
    json_object_foreach(counts, key, value)
    {
        json_t *stated = json_object_get(json, key);
        if (!equal || json_equal(stated, value))
            continue;
        char *want = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        char *have = stated == NULL ? NULL : json_dumps(stated, JSON_COMPACT | JSON_ENCODE_ANY);
        conform_error_set(error, "the summary says %s %s, the lines give %s", key,
                          have == NULL ? "nothing" : have, want);
        free(want);
        free(have);
        equal = false;
    }
    json_decref(counts);
    report->summary = json_incref(json);
    return equal;
}

static bool read_line(struct conform_report *report, json_t *json, struct conform_error *error)
{
    const char *type = report__text(json, "type");
    if (report->summary != NULL) {
        conform_error_set(error, "a line after the summary");
        return false;
    }
    if (report->about == NULL) {
        if (strcmp(type, "run") != 0) {
            conform_error_set(error, "expected the line about the run, found type '%s'", type);
            return false;
        }
        report->about = json_incref(json);
        return read_about(json, error) && report__view_rules(report, error);
    }
    if (strcmp(type, "summary") == 0)
        return read_summary(report, json, error);
    if (strcmp(type, "case") != 0) {
        conform_error_set(error, "expected a case or the summary, found type '%s'", type);
        return false;
    }
    struct conform_report_case entry;
    if (!report__view(json, &entry, error))
        return false;
    report__append(report, &entry, json_incref(json));
    return true;
}

static bool read_lines(struct conform_report *report, FILE *file, const char *path,
                       struct conform_error *error)
{
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t size;
    bool ok = true;
    while (ok && (size = getline(&line, &capacity, file)) != -1) {
        number++;
        json_error_t json_error;
        struct conform_error inner = {"not a JSON object"};
        json_t *json = json_loadb(line, (size_t)size, JSON_REJECT_DUPLICATES, &json_error);
        if (json == NULL)
            conform_error_set(&inner, "not JSON: %s", json_error.text);
        ok = json != NULL && json_is_object(json) && read_line(report, json, &inner);
        if (!ok)
            conform_error_set(error, "%s:%zu: %s", path, number, inner.text);
        json_decref(json);
    }
    free(line);
    if (ok && report->about == NULL) {
        conform_error_set(error, "%s: empty; expected the JSON lines of a run", path);
        return false;
    }
    return ok;
}

bool conform_report_read(struct conform_report *report, const char *path,
                         struct conform_error *error)
{
    *report = (struct conform_report){.lines = json_array()};
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        conform_error_set(error, "%s: %s", path, strerror(errno));
        conform_report_clear(report);
        return false;
    }
    const bool ok = read_lines(report, file, path, error);
    fclose(file);
    if (!ok)
        conform_report_clear(report);
    return ok;
}
