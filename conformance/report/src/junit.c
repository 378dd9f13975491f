/* JUnit XML, as CI systems read it: a suite an area, a testcase a case. fail, crash and hang are
 * failures; what is wrong on our side is an error; unsupported and inconclusive are skipped with
 * the reason. A run that stopped early, and a known-failures entry that is wrong, are testcases of
 * their own: nothing red may vanish. */
#include "internal.h"

#include <string.h>

struct junit_counts {
    size_t tests, failures, errors, skipped;
    uint64_t duration_ns;
};

enum junit_kind { JUNIT_PASSED, JUNIT_FAILURE, JUNIT_ERROR, JUNIT_SKIPPED };

static enum junit_kind junit_kind(const struct conform_report_case *entry)
{
    switch (entry->verdict) {
    case CONFORM_PASS:
    case CONFORM_ADVISORY:
        return entry->known == NULL ? JUNIT_PASSED : JUNIT_FAILURE;
    case CONFORM_FAIL:
    case CONFORM_CRASH:
    case CONFORM_HANG:
        return entry->known == NULL ? JUNIT_FAILURE : JUNIT_SKIPPED;
    case CONFORM_ERROR:
        return JUNIT_ERROR;
    default:
        return JUNIT_SKIPPED;
    }
}

static struct junit_counts junit_count(const struct conform_report *report, const char *area)
{
    struct junit_counts counts = {0};
    for (size_t i = 0; i < report->case_count; i++) {
        const struct conform_report_case *entry = &report->cases[i];
        if (area != NULL && strcmp(area, entry->area) != 0)
            continue;
        const enum junit_kind kind = junit_kind(entry);
        counts.tests++;
        counts.failures += kind == JUNIT_FAILURE;
        counts.errors += kind == JUNIT_ERROR;
        counts.skipped += kind == JUNIT_SKIPPED;
        counts.duration_ns += entry->duration_ns;
    }
    return counts;
}

static void junit_case_text(const struct conform_report *report,
                            const struct conform_report_case *entry, FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    SIPC_ASSERT(memory != NULL);
    conform_report_print_case(report, entry, memory, false);
    fclose(memory);
    report__escape(text, REPORT_XML, out);
    free(text);
}

static void junit_message(const struct conform_report_case *entry, enum junit_kind kind, FILE *out)
{
    const char *verdict = conform_verdict_name(entry->verdict);
    const char *reason = entry->reason == NULL ? "" : entry->reason;
    if (entry->known != NULL && kind == JUNIT_FAILURE)
        pcapt_xml(out, "passes, but is a known failure: %s", entry->known);
    else if (entry->known != NULL && kind == JUNIT_SKIPPED && entry->rule != NULL)
        pcapt_xml(out, "known failure (%s: %s): %s", verdict, entry->rule, entry->known);
    else if (kind == JUNIT_FAILURE && entry->rule != NULL)
        pcapt_xml(out, "%s: %s", entry->rule, reason);
    else
        pcapt_xml(out, "%s: %s", verdict, reason);
}

static void junit_case(const struct conform_report *report, const struct conform_report_case *entry,
                       FILE *out)
{
    static const char *const elements[] = {NULL, "failure", "error", "skipped"};
    const enum junit_kind kind = junit_kind(entry);
    pcapt_xml(out, "    <testcase name=\"%s\" classname=\"%s\" file=\"%s\" time=\"%F\"",
              entry->name, entry->area, entry->path, entry->duration_ns);
    if (entry->verdict == CONFORM_PASS && kind == JUNIT_PASSED && entry->small_world == NULL &&
        entry->link == NULL) {
        fputs("/>\n", out);
        return;
    }
    fputs(">\n", out);
    if (entry->link != NULL)
        pcapt_xml(out,
                  "      <properties>\n        <property name=\"link\" value=\"%s\"/>\n"
                  "        <property name=\"seed\" value=\"%zu\"/>\n      </properties>\n",
                  entry->link_text, (size_t)report__number(entry->link, "seed"));
    if (kind != JUNIT_PASSED) {
        fprintf(out, "      <%s message=\"", elements[kind]);
        junit_message(entry, kind, out);
        if (kind == JUNIT_SKIPPED) { /* many readers take no text in <skipped> */
            fputs("\"/>\n", out);
        } else {
            pcapt_xml(out, "\" type=\"%s\">", conform_verdict_name(entry->verdict));
            junit_case_text(report, entry, out);
            fprintf(out, "</%s>\n", elements[kind]);
        }
    }
    const bool plain = entry->verdict == CONFORM_PASS && entry->small_world == NULL;
    if ((kind == JUNIT_PASSED && !plain) || kind == JUNIT_SKIPPED) {
        fputs("      <system-out>", out);
        junit_case_text(report, entry, out);
        fputs("</system-out>\n", out);
    }
    fputs("    </testcase>\n", out);
}

struct junit_areas {
    const struct conform_report *report;
    FILE *out;
};

static void junit_area(void *ctx, const char *area)
{
    const struct junit_areas *areas = ctx;
    const struct junit_counts counts = junit_count(areas->report, area);
    pcapt_xml(areas->out,
              "  <testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\""
              " skipped=\"%zu\" time=\"%F\">\n",
              area, counts.tests, counts.failures, counts.errors, counts.skipped,
              counts.duration_ns);
    for (size_t i = 0; i < areas->report->case_count; i++)
        if (strcmp(areas->report->cases[i].area, area) == 0)
            junit_case(areas->report, &areas->report->cases[i], areas->out);
    fputs("  </testsuite>\n", areas->out);
}

/* What went wrong beside the cases: at most one error, any number of known-failures problems. */
static void junit_run(const char *error, const json_t *problems, FILE *out)
{
    const size_t count = json_array_size(problems);
    pcapt_xml(out,
              "  <testsuite name=\"run\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\""
              " skipped=\"0\" time=\"0.000\">\n",
              count + (error != NULL), count, (size_t)(error != NULL));
    if (error != NULL)
        pcapt_xml(out,
                  "    <testcase name=\"the run ends\" classname=\"run\" time=\"0.000\">\n"
                  "      <error message=\"%s\" type=\"error\"/>\n    </testcase>\n",
                  error);
    size_t index;
    json_t *problem;
    json_array_foreach(problems, index, problem)
    {
        pcapt_xml(out,
                  "    <testcase name=\"known failure %s\" classname=\"run\" time=\"0.000\">\n"
                  "      <failure message=\"%s\" type=\"known\"/>\n    </testcase>\n",
                  report__text(problem, "entry"), report__text(problem, "problem"));
    }
    fputs("  </testsuite>\n", out);
}

void conform_report_write_junit(const struct conform_report *report, FILE *out)
{
    const json_t *problems = json_object_get(report->summary, "known_problems");
    const char *error = json_string_value(json_object_get(report->summary, "error"));
    if (report->summary == NULL)
        error = "the run was killed: its lines have no summary";
    const struct junit_counts counts = junit_count(report, NULL);
    const size_t problem_count = json_array_size(problems);

    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    pcapt_xml(out,
              "<testsuites name=\"ScalableIPC conformance: %s\" tests=\"%zu\" failures=\"%zu\""
              " errors=\"%zu\" skipped=\"%zu\" time=\"%F\">\n",
              report__text(json_object_get(report->about, "sut"), "spec"),
              counts.tests + problem_count + (error != NULL), counts.failures + problem_count,
              counts.errors + (error != NULL), counts.skipped, counts.duration_ns);
    struct junit_areas areas = {report, out};
    conform_report_areas(report, junit_area, &areas);
    if (error != NULL || problem_count > 0)
        junit_run(error, problems, out);
    fputs("</testsuites>\n", out);
}
