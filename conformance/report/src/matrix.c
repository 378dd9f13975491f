/* Several runs side by side: who keeps which rule. For a terminal the rules on which they differ,
 * as HTML all of them, in the style of the report's template. */
#include "internal.h"

#include <string.h>

#include "pcapt/ladder.h"

extern const char report__template[];

struct matrix {
    const struct conform_report *const *reports;
    size_t count;
    FILE *out;
};

struct matrix_mark {
    const char *sign, *class;
};

static struct matrix_mark matrix_mark(enum conform_rule_status status, enum sipc_rule_level level)
{
    static const struct matrix_mark marks[CONFORM_RULE_STATUS_COUNT] = {
        [CONFORM_RULE_KEPT] = {"\xe2\x9c\x93", "kept"},
        [CONFORM_RULE_BROKEN] = {"\xe2\x9c\x97", "broken"},
        [CONFORM_RULE_UNSUPPORTED] = {"\xe2\x80\x93", "unsupported"},
        [CONFORM_RULE_INCONCLUSIVE] = {"?", "inconclusive"},
        [CONFORM_RULE_NOT_RUN] = {"\xc2\xb7", "not-run"},
        [CONFORM_RULE_NO_CASE] = {"\xc2\xb7", "no-case"},
    };
    if (status == CONFORM_RULE_BROKEN && level == SIPC_ADVISORY)
        return (struct matrix_mark){"~", "advisory"};
    return marks[status];
}

/* What a run says of a rule; a registry that did not have it has no case for it. */
static enum conform_rule_status matrix_status(const struct conform_report *report, const char *id)
{
    const struct conform_report_rule *rule = conform_report_find_rule(report, id);
    return rule == NULL ? CONFORM_RULE_NO_CASE : conform_report_rule_status(report, rule);
}

static bool matrix_differs(const struct matrix *matrix, const char *id)
{
    const enum conform_rule_status first = matrix_status(matrix->reports[0], id);
    for (size_t i = 1; i < matrix->count; i++)
        if (matrix_status(matrix->reports[i], id) != first)
            return true;
    return false;
}

/* Calls `visit` for each rule of this level that any of the registries has. */
static void matrix_rules(const struct matrix *matrix, enum sipc_rule_level level,
                         void (*visit)(const struct matrix *, const struct conform_report_rule *))
{
    for (size_t i = 0; i < matrix->count; i++) {
        const struct conform_report *report = matrix->reports[i];
        for (size_t r = 0; r < report->rule_count; r++) {
            bool seen = report->rules[r].level != level;
            for (size_t earlier = 0; earlier < i && !seen; earlier++)
                seen = conform_report_find_rule(matrix->reports[earlier], report->rules[r].id);
            if (!seen)
                visit(matrix, &report->rules[r]);
        }
    }
}

static const char *matrix_name(const struct conform_report *report)
{
    const json_t *sut = json_object_get(report->about, "sut");
    const char *name = report__text(sut, "name");
    return *name == '\0' ? report__text(sut, "spec") : name;
}

static const char *matrix_digest(const struct conform_report *report)
{
    return report__text(json_object_get(report->about, "suite"), "digest");
}

static bool matrix_same_suite(const struct matrix *matrix)
{
    for (size_t i = 1; i < matrix->count; i++)
        if (strcmp(matrix_digest(matrix->reports[i]), matrix_digest(matrix->reports[0])) != 0)
            return false;
    return true;
}

/* ---- for a terminal ---- */

static void matrix_text_rule(const struct matrix *matrix, const struct conform_report_rule *rule)
{
    if (!matrix_differs(matrix, rule->id))
        return;
    fprintf(matrix->out, "  %-9s", rule->id);
    for (size_t i = 0; i < matrix->count; i++) {
        const enum conform_rule_status status = matrix_status(matrix->reports[i], rule->id);
        fprintf(matrix->out, "   %s", matrix_mark(status, rule->level).sign);
    }
    fprintf(matrix->out, "   %s\n", rule->level == SIPC_MUST ? "MUST" : "advisory");
}

void conform_matrix_print(const struct conform_report *const *reports, size_t count, FILE *out)
{
    const struct matrix matrix = {reports, count, out};
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %2zu  ", i + 1);
        conform_report_print_text(matrix_name(reports[i]), out);
        fprintf(out, " %s (", report__text(json_object_get(reports[i]->about, "sut"), "version"));
        conform_report_print_text(report__text(json_object_get(reports[i]->about, "sut"), "spec"),
                                  out);
        fputs(")\n      ", out);
        conform_report_print_claim(reports[i], out);
        fputc('\n', out);
    }
    if (!matrix_same_suite(&matrix))
        fputs("\nthe suites differ: not every run had the same cases\n", out);
    fputs("\n  rule     ", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%4zu", i + 1);
    fputc('\n', out);
    matrix_rules(&matrix, SIPC_MUST, matrix_text_rule);
    matrix_rules(&matrix, SIPC_ADVISORY, matrix_text_rule);
    fputs("  of the other rules all say the same\n"
          "  \xe2\x9c\x93 kept  \xe2\x9c\x97 broken  ~ not followed  ? inconclusive  \xe2\x80\x93 "
          "unsupported  \xc2\xb7 not run\n",
          out);
}

/* ---- as HTML ---- */

static const char matrix_style[] =
    ".matrix { border-collapse: separate; border-spacing: 2px; }\n"
    ".matrix th, .matrix td { border: 0; padding: .12rem .5rem; white-space: nowrap; }\n"
    ".matrix thead th { vertical-align: bottom; color: var(--ink); font-weight: 600; }\n"
    ".matrix td { text-align: center; border-radius: .25rem; min-width: 4.5em; }\n"
    ".matrix tbody th { position: sticky; left: 0; background: var(--paper); color: var(--ink); }\n"
    ".runs { width: 100%; min-width: 54rem; } .runs code { overflow-wrap: anywhere; }\n"
    ".matrix td.sentence { width: 100%; text-align: left; white-space: normal; color: var(--soft); "
    "padding-left: .8rem; }\n"
    "@media (max-width: 640px) { .matrix .sentence { display: none; } .matrix td { min-width: 3em; "
    "}\n"
    "  .matrix thead th { white-space: normal; max-width: 7em; overflow-wrap: anywhere; }\n"
    "  .runs { min-width: 0; } .runs th:nth-child(3), .runs td:nth-child(3) { display: none; }\n"
    "  .runs td, .runs th { padding-right: .8rem; } }\n"
    ".runs td:last-child, .runs td:nth-last-child(n+2):nth-last-child(-n+4) { white-space: nowrap; "
    "}\n";

static const char matrix_script[] = "<script>\n\"use strict\";\n"
                                    "const box = document.querySelector(\".filters input\");\n"
                                    "box.addEventListener(\"input\", () => {\n"
                                    "  for (const row of document.querySelectorAll(\".matrix "
                                    "tr.same\")) row.hidden = box.checked;\n"
                                    "});\n</script>\n";

/* The style of the report's own page, which begins with the palette. */
static void matrix_html_style(FILE *out)
{
    static const char mark[] = "<!--@ladder-->";
    const char *begin = strstr(report__template, mark);
    const char *end = strstr(report__template, "</style>");
    SIPC_ASSERT(begin != NULL && end != NULL);
    fputs("<style>\n", out);
    pcapt_ladder_style(out);
    begin += strlen(mark);
    fwrite(begin, (size_t)(end - begin), 1, out);
    fprintf(out, "%s</style>\n", matrix_style);
}

static void matrix_html_run(const struct conform_report *report, size_t number, FILE *out)
{
    const json_t *sut = json_object_get(report->about, "sut");
    const struct conform_report_counts counts = conform_report_count(report, NULL);
    const size_t *must = counts.rules[SIPC_MUST], *advisory = counts.rules[SIPC_ADVISORY];
    const size_t failures = counts.failures + counts.known_failures;
    const bool ended = report->summary != NULL && counts.verdicts[CONFORM_ERROR] == 0 &&
                       json_object_get(report->summary, "error") == NULL;
    const char *word = failures > 0 ? "fail" : !ended ? "error" : counts.decided ? "pass" : "";
    pcapt_xml(out,
              "<tr><td>%zu<td><b>%s</b> %s<td><code>%s</code><td><span class=\"tag %s\">%s</span>"
              "<td>%zu kept, %zu broken<td>%zu kept, %zu not followed<td>%zu of %zu pass</tr>\n",
              number, matrix_name(report), report__text(sut, "version"), report__text(sut, "spec"),
              *word == '\0' ? "unsupported" : word, *word == '\0' ? "nothing decided" : word,
              must[CONFORM_RULE_KEPT], must[CONFORM_RULE_BROKEN], advisory[CONFORM_RULE_KEPT],
              advisory[CONFORM_RULE_BROKEN], counts.verdicts[CONFORM_PASS], counts.cases);
}

static void matrix_html_rule(const struct matrix *matrix, const struct conform_report_rule *rule)
{
    fputs(matrix_differs(matrix, rule->id) ? "<tr>" : "<tr class=\"same\">", matrix->out);
    pcapt_xml(matrix->out, "<th title=\"%s\">%s", rule->sentence, rule->id);
    for (size_t i = 0; i < matrix->count; i++) {
        const enum conform_rule_status status = matrix_status(matrix->reports[i], rule->id);
        const struct matrix_mark mark = matrix_mark(status, rule->level);
        pcapt_xml(matrix->out, "<td class=\"%s\" title=\"%s: %s\">%s", mark.class, rule->id,
                  conform_rule_status_name(status, rule->level), mark.sign);
    }
    pcapt_xml(matrix->out, "<td class=\"sentence\">%s</tr>\n", rule->sentence);
}

static void matrix_html_table(const struct matrix *matrix, enum sipc_rule_level level)
{
    pcapt_xml(matrix->out,
              "<h3>%s</h3>\n<div class=\"scroll\"><table class=\"matrix\"><thead><tr><th>",
              level == SIPC_MUST ? "MUST" : "Advisory");
    for (size_t i = 0; i < matrix->count; i++)
        pcapt_xml(matrix->out, "<th>%zu %s", i + 1, matrix_name(matrix->reports[i]));
    fputs("<th class=\"sentence\"></tr></thead><tbody>\n", matrix->out);
    matrix_rules(matrix, level, matrix_html_rule);
    fputs("</tbody></table></div>\n", matrix->out);
}

static void matrix_html_legend(FILE *out)
{
    fputs("<div class=\"legend\">", out);
    for (int s = 0; s < CONFORM_RULE_NO_CASE; s++) {
        const struct matrix_mark mark = matrix_mark((enum conform_rule_status)s, SIPC_MUST);
        pcapt_xml(out, "<span><i class=\"%s\"></i>%s %s</span>", mark.class, mark.sign,
                  conform_rule_status_name((enum conform_rule_status)s, SIPC_MUST));
    }
    fputs("<span><i class=\"advisory\"></i>~ not followed</span></div>\n", out);
}

void conform_matrix_write_html(const struct conform_report *const *reports, size_t count, FILE *out)
{
    const struct matrix matrix = {reports, count, out};
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<title>ScalableIPC conformance, side by side</title>\n",
          out);
    matrix_html_style(out);
    pcapt_xml(out,
              "</head>\n<body>\n<main>\n<div class=\"eyebrow\">ScalableIPC conformance</div>\n"
              "<h1>%zu %s side by side</h1>\n",
              count, count == 1 ? "run" : "runs");
    if (!matrix_same_suite(&matrix))
        fputs("<p class=\"alert\">The suites differ: not every run had the same cases.</p>\n", out);
    fputs("<div class=\"scroll\"><table class=\"runs\"><tr><th>#<th>SUT<th>attached as<th>verdict"
          "<th>MUST<th>advisory<th>cases</tr>\n",
          out);
    for (size_t i = 0; i < count; i++)
        matrix_html_run(reports[i], i + 1, out);
    fputs("</table></div>\n<h2>Rules</h2>\n<div class=\"filters\"><label><input type=\"checkbox\">"
          "only where they differ</label></div>\n",
          out);
    matrix_html_legend(out);
    matrix_html_table(&matrix, SIPC_MUST);
    matrix_html_table(&matrix, SIPC_ADVISORY);
    fprintf(out, "</main>\n%s</body>\n</html>\n", matrix_script);
}
