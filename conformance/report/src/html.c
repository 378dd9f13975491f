/* The report as one HTML file that needs nothing else: src/template.html with its <!--@marks-->
 * filled in. Everything is written here; the few lines of script in the template only filter. */
#include "internal.h"

#include <string.h>

#include "pcapt/ladder.h"

extern const char report__template[];
extern const size_t report__template_size;

/* Class names are names of verdicts and rule statuses, blanks as hyphens. */
static const char *html_status_class(enum conform_rule_status status)
{
    static const char *const classes[CONFORM_RULE_STATUS_COUNT] = {
        "kept", "broken", "unsupported", "inconclusive", "not-run", "no-case"};
    return classes[status];
}

/* A broken advisory rule is a remark, not a failure. */
static const char *html_rule_class(enum conform_rule_status status, enum sipc_rule_level level)
{
    if (status == CONFORM_RULE_BROKEN && level == SIPC_ADVISORY)
        return "advisory";
    return html_status_class(status);
}

static const json_t *html_member(const struct conform_report *report, const char *key)
{
    return json_object_get(report->about, key);
}

/* ---- head ---- */

static void html_sut(const struct conform_report *report, FILE *out)
{
    const json_t *sut = html_member(report, "sut");
    const char *name = report__text(sut, "name");
    pcapt_xml(out, "%s", *name == '\0' ? report__text(sut, "spec") : name);
    if (*report__text(sut, "version") != '\0')
        pcapt_xml(out, " %s", report__text(sut, "version"));
}

static void html_title(const struct conform_report *report, FILE *out)
{
    html_sut(report, out);
    fputs(" \xc2\xb7 ScalableIPC conformance", out);
}

static void html_verdict(const struct conform_report *report, FILE *out)
{
    const struct conform_report_counts counts = conform_report_count(report, NULL);
    const size_t broken = counts.rules[SIPC_MUST][CONFORM_RULE_BROKEN];
    const size_t errors = counts.verdicts[CONFORM_ERROR];
    if (broken > 0 || counts.failures > 0)
        pcapt_xml(out,
                  "<div class=\"verdict fail\">\xe2\x9c\x97 %zu failing, %zu MUST %s broken</div>",
                  counts.failures + counts.known_failures, broken, broken == 1 ? "rule" : "rules");
    else if (report->summary == NULL || errors > 0 ||
             json_object_get(report->summary, "error") != NULL)
        fputs("<div class=\"verdict error\">\xe2\x9c\x97 the run did not end as it should</div>",
              out);
    else if (counts.decided == 0)
        fputs("<div class=\"verdict unsupported\">nothing was decided</div>", out);
    else
        fputs("<div class=\"verdict pass\">\xe2\x9c\x93 every MUST rule that was decided was "
              "kept</div>",
              out);
}

static void html_claim(const struct conform_report *report, FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    SIPC_ASSERT(memory != NULL);
    report__claim(report, "\n", memory);
    fclose(memory);
    report__escape(text, REPORT_XML, out);
    free(text);
}

static void html_small_worlds(const struct conform_report *report, FILE *out)
{
    const size_t count = conform_report_count(report, NULL).small_worlds;
    if (count > 0)
        pcapt_xml(out,
                  "<p class=\"alert\">%zu %s with settings that are <b>not the protocol's</b>: so"
                  " set, the SUT is no conformant endpoint.</p>",
                  count, count == 1 ? "case was run" : "cases were run");
}

static void html_alerts(const struct conform_report *report, FILE *out)
{
    html_small_worlds(report, out);
    if (report->summary == NULL)
        fputs("<p class=\"alert\">The run was killed: what follows is what had ended by then.</p>",
              out);
    const json_t *error = json_object_get(report->summary, "error");
    if (error != NULL)
        pcapt_xml(out, "<p class=\"alert\">%s</p>", json_string_value(error));
    size_t index;
    json_t *problem;
    json_array_foreach(json_object_get(report->summary, "known_problems"), index, problem)
    {
        pcapt_xml(out, "<p class=\"alert\">Known failure <code>%s</code>: %s</p>",
                  report__text(problem, "entry"), report__text(problem, "problem"));
    }
}

/* ---- the way from the head of the report to what needs a look ---- */

static void html_red(const struct conform_report *report, size_t index, FILE *out)
{
    const struct conform_report_case *entry = &report->cases[index];
    const char *verdict = conform_verdict_name(entry->verdict);
    const bool passes = entry->known != NULL;
    pcapt_xml(out,
              "<li><span class=\"tag %s\">%s</span> <a class=\"mono\" href=\"#c%zu\">%s</a>"
              " <span class=\"soft\">%s%s</span></li>",
              passes ? "fail" : verdict, verdict, index, entry->name,
              passes ? "is a known failure: " : "",
              passes                  ? entry->known
              : entry->reason == NULL ? ""
                                      : entry->reason);
}

/* The next red case of the same script from `index` on; case_count: none. */
static size_t html_next_red(const struct conform_report *report, const char *id, size_t index)
{
    while (index < report->case_count && (!conform_report_case_is_red(&report->cases[index]) ||
                                          strcmp(report->cases[index].id, id) != 0))
        index++;
    return index;
}

static char *html_factor(const json_t *factors, const char *id)
{
    size_t index;
    json_t *factor;
    json_array_foreach(factors, index, factor)
    {
        if (strcmp(report__text(factor, "id"), id) == 0)
            return report__factor_text(factor);
    }
    return NULL;
}

/* Several of one script: what they have in common, and they themselves to be unfolded. */
static void html_red_script(const struct conform_report *report, const json_t *factors,
                            size_t first, FILE *out)
{
    const char *id = report->cases[first].id;
    char *factor = html_factor(factors, id);
    size_t count = 0;
    for (size_t i = first; i < report->case_count; i = html_next_red(report, id, i + 1))
        count++;
    pcapt_xml(out,
              "<li><details><summary><span class=\"tag fail\">%zu cases</span>"
              " <b class=\"mono\">%s</b> <span class=\"soft\">%s</span></summary><ul>",
              count, id, factor == NULL ? "" : factor);
    for (size_t i = first; i < report->case_count; i = html_next_red(report, id, i + 1))
        html_red(report, i, out);
    fputs("</ul></details></li>", out);
    free(factor);
}

static void html_reds(const struct conform_report *report, FILE *out)
{
    json_t *factors = report__factors(report);
    size_t shown = 0;
    for (size_t i = 0; i < report->case_count; i++) {
        const char *id = report->cases[i].id;
        if (!conform_report_case_is_red(&report->cases[i]) || html_next_red(report, id, 0) != i)
            continue;
        if (shown++ == 0)
            fputs("<ul class=\"reds\">", out);
        if (html_next_red(report, id, i + 1) == report->case_count)
            html_red(report, i, out);
        else
            html_red_script(report, factors, i, out);
    }
    if (shown > 0)
        fputs("</ul>", out);
    json_decref(factors);
}

static void html_rule_bar(const struct conform_report_counts *counts, enum sipc_rule_level level,
                          FILE *out)
{
    const size_t *rules = counts->rules[level];
    size_t total = 0;
    for (int s = 0; s < CONFORM_RULE_STATUS_COUNT; s++)
        total += rules[s];
    pcapt_xml(out, "<span>%s rules</span><div class=\"bar\">",
              level == SIPC_MUST ? "MUST" : "Advisory");
    for (int s = 0; s < CONFORM_RULE_STATUS_COUNT; s++)
        if (rules[s] > 0)
            pcapt_xml(out, "<i class=\"%s\" style=\"flex:%zu\" title=\"%zu %s\"></i>",
                      html_rule_class((enum conform_rule_status)s, level), rules[s], rules[s],
                      conform_rule_status_name((enum conform_rule_status)s, level));
    pcapt_xml(out, "</div><span class=\"n\">%zu of %zu kept</span>", rules[CONFORM_RULE_KEPT],
              total);
}

static void html_bars(const struct conform_report *report, FILE *out)
{
    const struct conform_report_counts counts = conform_report_count(report, NULL);
    html_rule_bar(&counts, SIPC_MUST, out);
    html_rule_bar(&counts, SIPC_ADVISORY, out);
    fputs("<span>Cases</span><div class=\"bar\">", out);
    for (int v = 0; v < CONFORM_VERDICT_COUNT; v++) {
        const char *name = conform_verdict_name((enum conform_verdict)v);
        if (counts.verdicts[v] > 0)
            pcapt_xml(out, "<i class=\"%s\" style=\"flex:%zu\" title=\"%zu %s\"></i>", name,
                      counts.verdicts[v], counts.verdicts[v], name);
    }
    pcapt_xml(out, "</div><span class=\"n\">%zu of %zu pass</span>", counts.verdicts[CONFORM_PASS],
              counts.cases);
}

static void html_about(const struct conform_report *report, FILE *out)
{
    const json_t *sut = html_member(report, "sut");
    const json_t *suite = html_member(report, "suite");
    const json_t *settings = html_member(report, "settings");
    pcapt_xml(out, "<dt>attached as</dt><dd><code>%s</code>", report__text(sut, "spec"));
    if (*report__text(sut, "clock") != '\0')
        pcapt_xml(out, ", %s clock%s", report__text(sut, "clock"),
                  json_is_true(json_object_get(sut, "control")) ? "" : ", without control");
    pcapt_xml(out, "</dd><dt>suite</dt><dd><code>%s</code>, %d scripts, %d cases, %d selected</dd>",
              report__text(suite, "source"), (int)report__number(suite, "scripts"),
              (int)report__number(suite, "cases"), (int)report__number(suite, "selected"));
    pcapt_xml(out, "<dt>digest</dt><dd><code>%s</code></dd>", report__text(suite, "digest"));
    char seed[32];
    snprintf(seed, sizeof seed, "%lld", (long long)report__number(settings, "seed"));
    pcapt_xml(out, "<dt>started</dt><dd>%s, seed %s", report__text(report->about, "started"), seed);
    if (report->summary != NULL)
        pcapt_xml(out, ", took %F s", (uint64_t)report__number(report->summary, "elapsed_ns"));
    pcapt_xml(out, "</dd><dt>command</dt><dd><code>%s</code></dd>",
              report__text(report->about, "command"));
}

/* ---- rules ---- */

static bool html_same_family(const char *a, const char *b)
{
    const size_t size = strcspn(a, "-");
    return size == strcspn(b, "-") && strncmp(a, b, size) == 0;
}

static void html_map(const struct conform_report *report, FILE *out)
{
    for (size_t i = 0; i < report->rule_count; i++) {
        const struct conform_report_rule *rule = &report->rules[i];
        char *family = report__area(rule->id);
        if (i == 0 || !html_same_family(rule->id, report->rules[i - 1].id))
            pcapt_xml(out, "<b>%s</b><div>", family);
        const enum conform_rule_status status = conform_report_rule_status(report, rule);
        const size_t prefix = strlen(family) + 1;
        const char *number = strlen(rule->id) > prefix ? rule->id + prefix : rule->id;
        pcapt_xml(out, "<a class=\"%s%s\" href=\"#r-%s\" title=\"%s: %s\">%s</a>",
                  html_rule_class(status, rule->level), rule->level == SIPC_ADVISORY ? " adv" : "",
                  rule->id, rule->id, conform_rule_status_name(status, rule->level), number);
        if (i + 1 == report->rule_count || !html_same_family(rule->id, report->rules[i + 1].id))
            fputs("</div>\n", out);
        free(family);
    }
}

static void html_legend(const struct conform_report *report, FILE *out)
{
    const struct conform_report_counts counts = conform_report_count(report, NULL);
    for (int level = SIPC_MUST; level <= SIPC_ADVISORY; level++)
        for (int s = 0; s < CONFORM_RULE_STATUS_COUNT; s++) {
            const enum conform_rule_status status = (enum conform_rule_status)s;
            /* Only "broken" has another name and colour for advisory rules. */
            const size_t count = counts.rules[level][s] +
                                 (status == CONFORM_RULE_BROKEN ? 0 : counts.rules[!level][s]);
            if (count > 0 && (level == SIPC_MUST || status == CONFORM_RULE_BROKEN))
                pcapt_xml(out, "<span><i class=\"%s\"></i>%zu %s</span>",
                          html_rule_class(status, (enum sipc_rule_level)level), count,
                          conform_rule_status_name(status, (enum sipc_rule_level)level));
        }
}

static void html_rule_cases(const struct conform_report *report, const char *id, FILE *out)
{
    fputs("<ul class=\"plain\">", out);
    for (size_t i = 0; i < report->case_count; i++) {
        const struct conform_report_case *entry = &report->cases[i];
        if (!conform_report_case_is_about(entry, id))
            continue;
        const char *verdict = conform_verdict_name(entry->verdict);
        pcapt_xml(out,
                  "<li><i class=\"dot %s\" title=\"%s\"></i><a class=\"mono\" href=\"#c%zu\">%s</a>"
                  " <span class=\"soft\">%s</span></li>",
                  verdict, verdict, i, entry->name, verdict);
    }
    fputs("</ul>", out);
}

static void html_rule(const struct conform_report *report, const struct conform_report_rule *rule,
                      FILE *out)
{
    const enum conform_rule_status status = conform_report_rule_status(report, rule);
    size_t run = 0, concerned = 0; /* cases about it; also those that blame it on the way */
    for (size_t i = 0; i < report->case_count; i++) {
        run += report__has(report->cases[i].rules, rule->id);
        concerned += conform_report_case_is_about(&report->cases[i], rule->id);
    }
    pcapt_xml(out,
              "<details class=\"row\" id=\"r-%s\"><summary><span class=\"tag %s\">%s</span>"
              "<span class=\"id mono\">%s</span><span class=\"say sentence\">%s</span>"
              "<span class=\"right\">%zu of %zu %s</span></summary><div class=\"body\">",
              rule->id, html_rule_class(status, rule->level),
              conform_rule_status_name(status, rule->level), rule->id, rule->sentence, run,
              rule->suite_cases, rule->suite_cases == 1 ? "case" : "cases");
    if (concerned > 0)
        html_rule_cases(report, rule->id, out);
    else if (rule->suite_cases > 0)
        fputs("<p class=\"soft\">Its cases were not selected, or the run ended before them.</p>",
              out);
    else
        fputs("<p class=\"soft\">No case of this suite is about it.</p>", out);
    fputs("</div></details>\n", out);
}

static void html_ledger(const struct conform_report *report, FILE *out)
{
    static const char *const heads[] = {[SIPC_MUST] = "MUST", [SIPC_ADVISORY] = "Advisory"};
    for (int level = SIPC_MUST; level <= SIPC_ADVISORY; level++) {
        pcapt_xml(out, "<div><h3>%s</h3>\n", heads[level]);
        for (size_t i = 0; i < report->rule_count; i++)
            if (report->rules[i].level == (enum sipc_rule_level)level)
                html_rule(report, &report->rules[i], out);
        fputs("</div>\n", out);
    }
}

/* ---- cases ---- */

static void html_filters(const struct conform_report *report, FILE *out)
{
    const struct conform_report_counts counts = conform_report_count(report, NULL);
    for (int v = 0; v < CONFORM_VERDICT_COUNT; v++) {
        const char *name = conform_verdict_name((enum conform_verdict)v);
        if (counts.verdicts[v] > 0)
            pcapt_xml(out, "<label><input type=\"checkbox\" value=\"%s\" checked>%s %zu</label>",
                      name, name, counts.verdicts[v]);
    }
    fputs("<input type=\"search\" placeholder=\"case or rule\" aria-label=\"filter cases\">", out);
}

static void html_quote(const struct conform_report *report, const char *id, FILE *out)
{
    const struct conform_report_rule *rule = conform_report_find_rule(report, id);
    if (rule != NULL)
        pcapt_xml(out, "<blockquote><a class=\"mono\" href=\"#r-%s\">%s</a> %s <br>%s</blockquote>",
                  id, id, rule->level == SIPC_MUST ? "MUST" : "advisory", rule->sentence);
}

static void html_code_line(const char *label, const char *class, const char *text, FILE *out)
{
    if (text != NULL)
        pcapt_xml(out, "<b>%s</b><span class=\"%s\">%s</span>\n", label, class, text);
}

static const char *html_value(const json_t *diff, const char *key)
{
    const json_t *value = json_object_get(diff, key);
    return value == NULL ? "\xe2\x80\x93" : json_string_value(value);
}

static void html_diffs(const struct conform_report_case *entry, FILE *out)
{
    if (json_array_size(entry->diffs) == 0)
        return;
    fputs("<div class=\"scroll\"><table><tr><th>field<th>expected<th>actual</tr>", out);
    size_t index;
    json_t *diff;
    json_array_foreach(entry->diffs, index, diff)
    {
        pcapt_xml(out,
                  "<tr><td class=\"mono\">%s</td><td class=\"mono yes\">%s</td>"
                  "<td class=\"mono no\">%s</td></tr>",
                  report__text(diff, "field"), html_value(diff, "expected"),
                  html_value(diff, "actual"));
    }
    fputs("</table></div>\n", out);
}

static void html_findings(const json_t *findings, FILE *out)
{
    size_t index;
    json_t *finding;
    json_array_foreach(findings, index, finding)
    {
        pcapt_xml(out, "<p><b>The judge, %s:</b> expected %s; found %s</p>",
                  report__text(finding, "rule"), report__text(finding, "expected"),
                  report__text(finding, "found"));
    }
}

static void html_case_body(const struct conform_report *report,
                           const struct conform_report_case *entry, FILE *out)
{
    if (*entry->story != '\0')
        pcapt_xml(out, "<p class=\"story\">%s</p>", entry->story);
    if (entry->rule != NULL)
        html_quote(report, entry->rule, out);
    size_t index;
    json_t *id;
    json_array_foreach(entry->advisories, index, id)
    {
        if (entry->rule == NULL || strcmp(entry->rule, json_string_value(id)) != 0)
            html_quote(report, json_string_value(id), out);
    }
    if (entry->small_world != NULL)
        pcapt_xml(out, "<p><b>Not the protocol's settings:</b> %s</p>", entry->small_world);
    if (entry->known != NULL)
        pcapt_xml(out, "<p><b>Known failure:</b> %s</p>", entry->known);
    if (entry->reason != NULL)
        pcapt_xml(out, "<p>%s</p>", entry->reason);
    if (entry->line > 0 || entry->expected != NULL || entry->actual != NULL) {
        fputs("<pre>", out);
        if (entry->line > 0)
            pcapt_xml(out, "<b>line %d</b>%s\n", entry->line,
                      entry->line_text == NULL ? "" : entry->line_text);
        html_code_line("expected", "yes", entry->expected, out);
        html_code_line("actual", "no", entry->actual, out);
        fputs("</pre>", out);
    }
    html_diffs(entry, out);
    html_findings(entry->findings, out);
    report__ladder(entry, out);
    if (entry->stderr_text != NULL)
        pcapt_xml(out, "<p class=\"soft\">The SUT's stderr</p><pre>%s</pre>", entry->stderr_text);
    pcapt_xml(out, "<p class=\"soft\">Replay this case alone</p><pre class=\"wrap\">%s</pre>",
              entry->replay);
}

static void html_case(const struct conform_report *report, const struct conform_report_case *entry,
                      FILE *out)
{
    const char *verdict = conform_verdict_name(entry->verdict);
    pcapt_xml(out, "<details class=\"row\" id=\"c%zu\" data-verdict=\"%s\" data-find=\"%s %s",
              (size_t)(entry - report->cases), verdict, entry->name,
              entry->rule == NULL ? "" : entry->rule);
    size_t index;
    json_t *id;
    json_array_foreach(entry->rules, index, id)
    {
        pcapt_xml(out, " %s", json_string_value(id));
    }
    pcapt_xml(out,
              "\"%s><summary><span class=\"tag %s\">%s</span><span class=\"name mono\">%s</span>",
              conform_report_case_is_red(entry) ? " open" : "", verdict, verdict, entry->name);
    pcapt_xml(out, "<span class=\"right\">%s%s%F s</span></summary><div class=\"body\">",
              entry->known != NULL ? "known \xc2\xb7 " : "",
              entry->small_world != NULL ? "not the protocol's settings \xc2\xb7 " : "",
              entry->duration_ns);
    html_case_body(report, entry, out);
    fputs("</div></details>\n", out);
}

struct html_areas {
    const struct conform_report *report;
    FILE *out;
};

static void html_area(void *ctx, const char *area)
{
    const struct html_areas *areas = ctx;
    const struct conform_report_counts counts = conform_report_count(areas->report, area);
    pcapt_xml(areas->out,
              "<div class=\"area\"><h3>%s <span class=\"soft\">%zu of %zu pass</span></h3>\n", area,
              counts.verdicts[CONFORM_PASS], counts.cases);
    for (int red = 1; red >= 0; red--) /* what needs a look comes first */
        for (size_t i = 0; i < areas->report->case_count; i++) {
            const struct conform_report_case *entry = &areas->report->cases[i];
            if (strcmp(entry->area, area) == 0 && conform_report_case_is_red(entry) == (red == 1))
                html_case(areas->report, entry, areas->out);
        }
    fputs("</div>\n", areas->out);
}

static void html_cases(const struct conform_report *report, FILE *out)
{
    struct html_areas areas = {report, out};
    if (report->case_count == 0)
        fputs("<p class=\"soft\">No case was run.</p>", out);
    conform_report_areas(report, html_area, &areas);
}

static void html_ladder(const struct conform_report *report, FILE *out)
{
    (void)report;
    pcapt_ladder_style(out);
}

static void html_footer(const struct conform_report *report, FILE *out)
{
    pcapt_xml(out, "Made by sipc %s from the JSON lines of the run.",
              report__text(report->about, "sipc"));
}

void conform_report_write_html(const struct conform_report *report, FILE *out)
{
    static const struct {
        const char *mark;
        void (*write)(const struct conform_report *report, FILE *out);
    } marks[] = {
        {"title", html_title},   {"sut", html_sut},       {"verdict", html_verdict},
        {"claim", html_claim},   {"alerts", html_alerts}, {"reds", html_reds},
        {"bars", html_bars},     {"about", html_about},   {"map", html_map},
        {"legend", html_legend}, {"ledger", html_ledger}, {"filters", html_filters},
        {"cases", html_cases},   {"footer", html_footer}, {"ladder", html_ladder},
    };
    const char *at = report__template;
    for (const char *mark; (mark = strstr(at, "<!--@")) != NULL;) {
        fwrite(at, (size_t)(mark - at), 1, out);
        const char *name = mark + strlen("<!--@");
        const char *end = strstr(name, "-->");
        SIPC_ASSERT(end != NULL);
        size_t i = 0;
        while (strlen(marks[i].mark) != (size_t)(end - name) ||
               strncmp(marks[i].mark, name, (size_t)(end - name)) != 0) {
            i++;
            SIPC_ASSERT(i < sizeof marks / sizeof *marks);
        }
        marks[i].write(report, out);
        at = end + strlen("-->");
    }
    fputs(at, out);
}
