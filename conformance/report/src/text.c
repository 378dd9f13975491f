/* Reports for people on a terminal: the table of verdicts by area, the claim, and a failure with
 * all there is to know of it. Colours only where the caller says that somebody sees them. */
#include "internal.h"

#include <string.h>

enum { TEXT_WIDTH = 98, TEXT_LAST_PDUS = 10 };

#define TEXT_BOLD   "\033[1m"
#define TEXT_DIM    "\033[2m"
#define TEXT_RED    "\033[31m"
#define TEXT_GREEN  "\033[32m"
#define TEXT_YELLOW "\033[33m"
#define TEXT_RESET  "\033[0m"

struct text_out {
    FILE *file;
    bool colour;
};

static void text_colour(const struct text_out *out, const char *code)
{
    if (out->colour)
        fputs(code, out->file);
}

static const char *text_verdict_colour(enum conform_verdict verdict)
{
    static const char *const colours[CONFORM_VERDICT_COUNT] = {
        [CONFORM_PASS] = TEXT_GREEN,          [CONFORM_ADVISORY] = TEXT_YELLOW,
        [CONFORM_UNSUPPORTED] = TEXT_DIM,     [CONFORM_INCONCLUSIVE] = TEXT_YELLOW,
        [CONFORM_FAIL] = TEXT_BOLD TEXT_RED,  [CONFORM_HANG] = TEXT_BOLD TEXT_RED,
        [CONFORM_CRASH] = TEXT_BOLD TEXT_RED, [CONFORM_ERROR] = TEXT_BOLD TEXT_RED};
    return colours[verdict];
}

void conform_report_print_wrapped(const char *text, size_t column, size_t indent, FILE *out)
{
    while (*text != '\0') {
        const size_t word_size = strcspn(text, " \n");
        char *word = strndup(text, word_size);
        SIPC_ASSERT(word != NULL);
        const size_t width = pcapt_text_width(word);
        if (column > indent && column + 1 + width > TEXT_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        report__escape(word, REPORT_LINE, out);
        free(word);
        column += width;
        text += word_size;
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

/* ---- the table ---- */

/* Columns that have anything in them, in this order. */
static const enum conform_verdict text_columns[] = {
    CONFORM_PASS, CONFORM_ADVISORY,    CONFORM_FAIL,         CONFORM_CRASH,
    CONFORM_HANG, CONFORM_UNSUPPORTED, CONFORM_INCONCLUSIVE, CONFORM_ERROR};
enum { TEXT_COLUMN_COUNT = sizeof text_columns / sizeof *text_columns };

struct text_table {
    const struct conform_report *report;
    struct text_out out;
    struct conform_report_counts all;
    int area_width;
};

static bool text_column_shown(const struct text_table *table, enum conform_verdict verdict)
{
    return verdict == CONFORM_PASS || table->all.verdicts[verdict] > 0;
}

static int text_column_width(enum conform_verdict verdict)
{
    const int width = (int)strlen(conform_verdict_name(verdict));
    return width < 5 ? 5 : width;
}

static void text_row(const struct text_table *table, const char *name,
                     const struct conform_report_counts *counts)
{
    FILE *out = table->out.file;
    fputs("  ", out);
    report__escape(name, REPORT_LINE, out);
    fprintf(out, "%*s  %5zu", table->area_width - (int)pcapt_text_width(name), "", counts->cases);
    for (size_t i = 0; i < TEXT_COLUMN_COUNT; i++) {
        const enum conform_verdict verdict = text_columns[i];
        if (!text_column_shown(table, verdict))
            continue;
        const size_t count = counts->verdicts[verdict];
        if (count == 0) {
            fprintf(out, "  %*s", text_column_width(verdict), "-");
            continue;
        }
        text_colour(&table->out, text_verdict_colour(verdict));
        fprintf(out, "  %*zu", text_column_width(verdict), count);
        text_colour(&table->out, TEXT_RESET);
    }
}

/* The names of the columns. Returns how wide the table is. */
static int text_head(const struct text_table *table, const char *name)
{
    text_colour(&table->out, TEXT_BOLD);
    fprintf(table->out.file, "  %-*s  cases", table->area_width, name);
    int width = table->area_width + 7;
    for (size_t i = 0; i < TEXT_COLUMN_COUNT; i++) {
        if (!text_column_shown(table, text_columns[i]))
            continue;
        const int column = text_column_width(text_columns[i]);
        fprintf(table->out.file, "  %*s", column, conform_verdict_name(text_columns[i]));
        width += 2 + column;
    }
    text_colour(&table->out, TEXT_RESET);
    return width;
}

static void text_area_row(void *ctx, const char *area)
{
    struct text_table *table = ctx;
    const struct conform_report_counts counts = conform_report_count(table->report, area);
    text_row(table, area, &counts);
    fputc('\n', table->out.file);
}

static void text_area_width(void *ctx, const char *area)
{
    struct text_table *table = ctx;
    const int width = (int)strlen(area);
    table->area_width = width > table->area_width ? width : table->area_width;
}

static void text_rules_line(const struct text_out *out, const char *label,
                            const size_t counts[CONFORM_RULE_STATUS_COUNT],
                            enum sipc_rule_level level)
{
    size_t total = 0;
    for (int s = 0; s < CONFORM_RULE_STATUS_COUNT; s++)
        total += counts[s];
    const size_t decided = counts[CONFORM_RULE_KEPT] + counts[CONFORM_RULE_BROKEN];
    fprintf(out->file, "%s: %zu of %zu decided, %zu kept, %zu %s", label, decided, total,
            counts[CONFORM_RULE_KEPT], counts[CONFORM_RULE_BROKEN],
            conform_rule_status_name(CONFORM_RULE_BROKEN, level));
    const char *separator = "; undecided: ";
    for (int s = CONFORM_RULE_UNSUPPORTED; s < CONFORM_RULE_STATUS_COUNT; s++) {
        if (counts[s] == 0)
            continue;
        fprintf(out->file, "%s%zu %s", separator, counts[s],
                conform_rule_status_name((enum conform_rule_status)s, level));
        separator = ", ";
    }
}

/* What unsupported cases want of the SUT: " (for want of preset 145, state 3)". Without preset no
 * case comes near the last window ids: that is said, too. */
static void text_wants(const struct conform_report *report, FILE *out)
{
    static const char needs[] = "needs the capability ";
    json_t *wants = json_object();
    for (size_t i = 0; i < report->case_count; i++) {
        const struct conform_report_case *entry = &report->cases[i];
        if (entry->verdict != CONFORM_UNSUPPORTED || entry->reason == NULL ||
            strncmp(entry->reason, needs, sizeof needs - 1) != 0)
            continue;
        const char *want = entry->reason + sizeof needs - 1;
        json_object_set_new(wants, want, json_integer(report__number(wants, want) + 1));
    }
    const char *want, *separator = " (for want of ";
    json_t *count;
    json_object_foreach(wants, want, count)
    {
        fputs(separator, out);
        report__escape(want, REPORT_LINE, out);
        fprintf(out, " %lld", (long long)json_integer_value(count));
        separator = ", ";
    }
    if (json_object_get(wants, "preset") != NULL)
        fputs("; window ids near 9E15 were not reached", out);
    fputs(json_object_size(wants) > 0 ? ")" : "", out);
    json_decref(wants);
}

static void text_cases_line(const struct conform_report *report,
                            const struct conform_report_counts *counts, FILE *out)
{
    const json_t *suite = json_object_get(report->about, "suite");
    fprintf(out, "Cases: %zu of %lld run", counts->cases,
            (long long)report__number(suite, "cases"));
    const char *separator = ": ";
    for (size_t i = 0; i < TEXT_COLUMN_COUNT; i++) {
        const size_t count = counts->verdicts[text_columns[i]];
        if (count > 0) {
            fprintf(out, "%s%zu %s", separator, count, conform_verdict_name(text_columns[i]));
            separator = ", ";
            if (text_columns[i] == CONFORM_UNSUPPORTED)
                text_wants(report, out);
        }
    }
    if (counts->known_failures > 0)
        fprintf(out, " (%zu of them known failures)", counts->known_failures);
    if (counts->small_worlds > 0)
        fprintf(out, "; %zu of them with settings that are NOT THE PROTOCOL'S",
                counts->small_worlds);
}

void report__claim(const struct conform_report *report, const char *separator, FILE *out)
{
    const struct conform_report_counts counts = conform_report_count(report, NULL);
    const struct text_out plain = {.file = out};
    text_rules_line(&plain, "MUST rules", counts.rules[SIPC_MUST], SIPC_MUST);
    fprintf(out, ".%s", separator);
    text_rules_line(&plain, "Advisory rules", counts.rules[SIPC_ADVISORY], SIPC_ADVISORY);
    fprintf(out, ".%s", separator);
    text_cases_line(report, &counts, out);
    fprintf(out, ".%sSuite %s.", separator,
            report__text(json_object_get(report->about, "suite"), "digest"));
}

void conform_report_print_claim(const struct conform_report *report, FILE *out)
{
    report__claim(report, " ", out);
}

void conform_report_print_table(const struct conform_report *report, FILE *file, bool colour)
{
    struct text_table table = {.report = report,
                               .out = {file, colour},
                               .all = conform_report_count(report, NULL),
                               .area_width = 4};
    conform_report_areas(report, text_area_width, &table);

    const int width = text_head(&table, "area");
    fputc('\n', file);
    conform_report_areas(report, text_area_row, &table);
    fputs("  ", file);
    for (int i = 0; i < width; i++)
        fputs("\xe2\x94\x80", file); /* a horizontal line */
    fputc('\n', file);
    text_row(&table, "all", &table.all);
    fputs("\n\n  ", file);
    text_rules_line(&table.out, "MUST rules    ", table.all.rules[SIPC_MUST], SIPC_MUST);
    fputs("\n  ", file);
    text_rules_line(&table.out, "advisory rules", table.all.rules[SIPC_ADVISORY], SIPC_ADVISORY);
    fputc('\n', file);
}

/* ---- the table of links ---- */

static const char *const text_link_columns[] = {"entered", "lost", "doubled", "damaged", "moved"};
enum { TEXT_LINK_COLUMN_COUNT = sizeof text_link_columns / sizeof *text_link_columns };

static void text_link_row(void *ctx, const char *link_text)
{
    const struct text_table *table = ctx;
    const struct conform_report_counts counts = conform_report_count_link(table->report, link_text);
    text_row(table, link_text, &counts);
    for (size_t column = 0; column < TEXT_LINK_COLUMN_COUNT; column++) {
        int64_t sum = 0;
        for (size_t i = 0; i < table->report->case_count; i++) {
            const struct conform_report_case *entry = &table->report->cases[i];
            if (entry->link_text != NULL && strcmp(entry->link_text, link_text) == 0)
                sum += report__number(entry->link, text_link_columns[column]);
        }
        if (sum == 0)
            fprintf(table->out.file, "  %7s", "-");
        else
            fprintf(table->out.file, "  %7lld", (long long)sum);
    }
    fputc('\n', table->out.file);
}

void conform_report_print_links(const struct conform_report *report, FILE *file, bool colour)
{
    struct text_table table = {.report = report,
                               .out = {file, colour},
                               .all = conform_report_count(report, NULL),
                               .area_width = 4};
    bool any = false;
    for (size_t i = 0; i < report->case_count; i++)
        any |= report->cases[i].link != NULL;
    if (!any)
        return;
    conform_report_links(report, text_area_width, &table);
    text_head(&table, "link");
    for (size_t i = 0; i < TEXT_LINK_COLUMN_COUNT; i++)
        fprintf(file, "  %7s", i == 0 ? "PDUs" : text_link_columns[i]);
    fputc('\n', file);
    conform_report_links(report, text_link_row, &table);
}

/* ---- one case ---- */

static void text_field(const struct text_out *out, const char *label, const char *text)
{
    if (text == NULL)
        return;
    text_colour(out, TEXT_DIM);
    fprintf(out->file, "  %-9s ", label);
    text_colour(out, TEXT_RESET);
    report__escape(text, REPORT_LINE, out->file);
    fputc('\n', out->file);
}

static void text_findings(const struct text_out *out, const json_t *findings)
{
    size_t index;
    json_t *finding;
    json_array_foreach(findings, index, finding)
    {
        text_colour(out, TEXT_DIM);
        fprintf(out->file, "  %-9s ", index == 0 ? "judge" : "");
        text_colour(out, TEXT_RESET);
        fprintf(out->file, "%s: expected ", report__text(finding, "rule"));
        report__escape(report__text(finding, "expected"), REPORT_LINE, out->file);
        fputs("; found ", out->file);
        report__escape(report__text(finding, "found"), REPORT_LINE, out->file);
        fputc('\n', out->file);
    }
}

/* A side that has no value is one where the field is not there at all. */
static const char *text_value(const json_t *diff, const char *key)
{
    const json_t *value = json_object_get(diff, key);
    return value == NULL ? "-" : json_string_value(value);
}

static size_t text_cell_width(const json_t *diffs, const char *key, size_t at_least)
{
    size_t index, width = at_least;
    json_t *diff;
    json_array_foreach(diffs, index, diff)
    {
        const size_t cell = pcapt_text_width(report__text(diff, key));
        width = cell > width ? cell : width;
    }
    return width > 40 ? 40 : width;
}

static void text_cell(const char *text, size_t width, FILE *out)
{
    const size_t used = pcapt_text_width(text);
    report__escape(text, REPORT_LINE, out);
    fprintf(out, "%*s", used < width ? (int)(width - used) : 0, "");
}

static void text_diffs(const struct text_out *out, const json_t *diffs)
{
    if (json_array_size(diffs) == 0)
        return;
    const size_t field = text_cell_width(diffs, "field", 5);
    const size_t expected = text_cell_width(diffs, "expected", 8);
    text_colour(out, TEXT_DIM);
    fprintf(out->file, "\n    %-*s  %-*s  actual\n", (int)field, "field", (int)expected,
            "expected");
    text_colour(out, TEXT_RESET);
    size_t index;
    json_t *diff;
    json_array_foreach(diffs, index, diff)
    {
        fputs("    ", out->file);
        text_cell(report__text(diff, "field"), field, out->file);
        fputs("  ", out->file);
        text_colour(out, TEXT_GREEN);
        text_cell(text_value(diff, "expected"), expected, out->file);
        fputs("  ", out->file);
        text_colour(out, TEXT_RED);
        report__escape(text_value(diff, "actual"), REPORT_LINE, out->file);
        text_colour(out, TEXT_RESET);
        fputc('\n', out->file);
    }
}

static void text_trace_entry(const struct text_out *out, const json_t *entry)
{
    static const struct {
        char direction;
        const char *arrow;
    } arrows[] = {{'>', "->"}, {'<', "<-"}, {'=', "=="}, {'!', "do"}, {'~', "~~"}};
    const char direction = report__text(entry, "direction")[0];
    const char *arrow = "";
    for (size_t i = 0; i < sizeof arrows / sizeof *arrows; i++)
        if (arrows[i].direction == direction)
            arrow = arrows[i].arrow;
    const bool odd = report__odd(entry);
    fputs("    ", out->file);
    char seconds[32];
    const uint64_t ns = (uint64_t)report__number(entry, "at_ns");
    snprintf(seconds, sizeof seconds, "%.6f", (double)ns / 1e9);
    fprintf(out->file, "%12s s  ", seconds);
    if (odd)
        text_colour(out, TEXT_RED);
    fprintf(out->file, "%s ", arrow);
    const char *peer = report__text(entry, "peer");
    if (*peer != '\0') {
        text_cell(peer, 2, out->file);
        fputc(' ', out->file);
    }
    report__escape(report__text(entry, "text"), REPORT_LINE, out->file);
    if (odd) {
        fputs("   (no line took it)", out->file);
        text_colour(out, TEXT_RESET);
    }
    fputc('\n', out->file);
}

static void text_trace(const struct text_out *out, const json_t *trace, size_t dropped)
{
    const size_t count = json_array_size(trace);
    const size_t first = count > TEXT_LAST_PDUS ? count - TEXT_LAST_PDUS : 0;
    if (count == 0)
        return;
    text_colour(out, TEXT_DIM);
    if (first + dropped > 0)
        fprintf(out->file, "\n  the last %zu of %zu PDUs and events\n", count - first,
                count + dropped);
    else
        fputs("\n  the exchange\n", out->file);
    text_colour(out, TEXT_RESET);
    for (size_t i = first; i < count; i++)
        text_trace_entry(out, json_array_get(trace, i));
}

static void text_stderr(const struct text_out *out, const char *text)
{
    if (text == NULL)
        return;
    text_colour(out, TEXT_DIM);
    fputs("\n  the SUT's stderr\n", out->file);
    text_colour(out, TEXT_RESET);
    while (*text != '\0') {
        char *line = strndup(text, strcspn(text, "\n"));
        SIPC_ASSERT(line != NULL);
        fputs("    ", out->file);
        report__escape(line, REPORT_LINE, out->file);
        fputc('\n', out->file);
        text += strlen(line);
        text += *text == '\n';
        free(line);
    }
}

static void text_rule(const struct text_out *out, const struct conform_report *report,
                      const char *id)
{
    const struct conform_report_rule *rule = conform_report_find_rule(report, id);
    if (rule == NULL)
        return;
    char label[64];
    snprintf(label, sizeof label, "  %s %s:", id, rule->level == SIPC_MUST ? "MUST" : "advisory");
    text_colour(out, TEXT_BOLD);
    fputs(label, out->file);
    text_colour(out, TEXT_RESET);
    conform_report_print_wrapped(rule->sentence, strlen(label), 4, out->file);
}

void conform_report_print_case(const struct conform_report *report,
                               const struct conform_report_case *entry, FILE *file, bool colour)
{
    const struct text_out out = {file, colour};
    text_colour(&out, text_verdict_colour(entry->verdict));
    for (const char *c = conform_verdict_name(entry->verdict); *c != '\0'; c++)
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, file);
    text_colour(&out, TEXT_RESET TEXT_BOLD);
    fputs("  ", file);
    report__escape(entry->name, REPORT_LINE, file);
    text_colour(&out, TEXT_RESET);
    if (entry->attempts > 1)
        fprintf(file, "  (run %u times, as the machine may be busy)", entry->attempts);
    fputc('\n', file);
    if (entry->rule != NULL)
        text_rule(&out, report, entry->rule);
    size_t index;
    json_t *id;
    json_array_foreach(entry->advisories, index, id)
    {
        if (entry->rule == NULL || strcmp(entry->rule, json_string_value(id)) != 0)
            text_rule(&out, report, json_string_value(id));
    }
    if (entry->line > 0) {
        fputs("  ", file);
        report__escape(entry->path, REPORT_LINE, file);
        fprintf(file, ":%d:  ", entry->line);
        report__escape(entry->line_text == NULL ? "" : entry->line_text, REPORT_LINE, file);
        fputc('\n', file);
    }
    if (entry->reason != NULL) {
        fputs("  ", file);
        conform_report_print_wrapped(entry->reason, 2, 2, file);
    }
    if (entry->small_world != NULL) {
        text_colour(&out, TEXT_YELLOW);
        fputs("  NOT THE PROTOCOL'S SETTINGS: ", file);
        text_colour(&out, TEXT_RESET);
        report__escape(entry->small_world, REPORT_LINE, file);
        fputc('\n', file);
    }
    if (entry->link != NULL) {
        text_field(&out, "link", entry->link_text);
        text_field(&out, "excused", json_string_value(json_object_get(entry->link, "excuse")));
    }
    text_field(&out, "expected", entry->expected);
    text_field(&out, "actual", entry->actual);
    if (entry->known != NULL)
        text_field(&out, "known", entry->known);
    text_diffs(&out, entry->diffs);
    text_findings(&out, entry->findings);
    text_trace(&out, entry->trace, entry->trace_dropped);
    text_stderr(&out, entry->stderr_text);
    fputs("\n  replay: ", file);
    report__escape(entry->replay, REPORT_LINE, file);
    fputc('\n', file);
}
