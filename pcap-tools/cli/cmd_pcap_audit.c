/* sipc pcap audit: the judge over a capture. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "annotate.h"
#include "audit.h"
#include "pcapt/text.h"

enum {
    AUDIT_JSON = 3300,
    AUDIT_ENDPOINT,
    AUDIT_AT,
    AUDIT_SET,
    AUDIT_COMPLETE,
    AUDIT_DEFAULTS,
    AUDIT_ANNOTATED,
    AUDIT_JUNIT,
    AUDIT_ALL,
};

static const struct cli_option audit_options[] = {
    {'e', "endpoint", "ADDRESS", "judge this endpoint, ADDRESS[:PORT], only (repeatable)",
     AUDIT_ENDPOINT},
    {0, "at", "ADDRESS", "the capture was made there (direction flags say so without)", AUDIT_AT},
    {0, "set", "NAME=VALUE", "a setting the endpoints have, as ack_timeout_ms=1000 (repeatable)",
     AUDIT_SET},
    {0, "defaults", NULL, "they have the protocol's defaults", AUDIT_DEFAULTS},
    {0, "complete", NULL, "it was made at all endpoints, and what is not there did not happen",
     AUDIT_COMPLETE},
    {0, "annotated", "FILE", "the capture as pcapng, with findings as comments", AUDIT_ANNOTATED},
    {0, "junit", "FILE", "a report as JUnit XML, a test a rule", AUDIT_JUNIT},
    {0, "json", NULL, "JSON lines: the findings, then the rules", AUDIT_JSON},
    {0, "all", NULL, "list the rules that were kept, too", AUDIT_ALL},
    PCAP_READ_OPTIONS,
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command audit_command = {
    .name = "sipc pcap audit",
    .usage = "[options] FILE",
    .about =
        "Judges every endpoint in a capture by what it sent: which rules it broke, with the\n"
        "frame; which were exercised, which were not. The capture may begin in the midst of\n"
        "sessions, and have one side only. What it cannot tell is held against nobody: an\n"
        "endpoint is judged in full only where the capture was made, which direction flags tell,\n"
        "or --at; elsewhere what it sent may be lost or late before it is captured, and only what\n"
        "a single PDU shows counts. --complete and --set say more.\n"
        "\n"
        "Exit status: 0 no MUST rule broken, 1 one was, 2 bad options, 4 the capture is broken\n"
        "(what was before is judged) or an output cannot be written, 5 no PDU to judge.",
    .examples = "sipc pcap audit traffic.pcapng\n"
                "sipc pcap audit --set max_window_size=16 --annotated judged.pcapng traffic.pcap\n"
                "sipc pcap audit --endpoint 10.0.0.2:40001 --junit audit.xml traffic.pcapng",
    .options = audit_options,
};

struct audit_run {
    struct pcap_input input;
    struct judge_config config;
    struct pcapt_address only[PCAP_TEXTS_MAX], at[PCAP_TEXTS_MAX];
    size_t only_count, at_count;
    bool json, all;
    const char *annotated, *junit;
    struct annotate *annotate;
    uint64_t broken[SIPC_RULE_COUNT];
    char *first[SIPC_RULE_COUNT]; /* finding of the rule, for JUnit */
};

/* ---- options ---- */

static bool audit_set(struct audit_run *run, const char *value)
{
    char name[64];
    const char *equals = strchr(value, '=');
    const size_t size = equals != NULL ? (size_t)(equals - value) : 0;
    uint64_t number;

    if (size == 0 || size >= sizeof name) {
        fprintf(stderr, "sipc: --set %s: expected NAME=VALUE\n", value);
        return false;
    }
    memcpy(name, value, size);
    name[size] = '\0';
    if (!cli_number("--set", equals + 1, 0, INT64_MAX, &number))
        return false;
    if (judge_config_set(&run->config, name, (int64_t)number))
        return true;
    fprintf(stderr, "sipc: --set %s: no setting '%s' that the judge looks at\n", value, name);
    return false;
}

static bool audit_address(const char *option, const char *value, struct pcapt_address *list,
                          size_t *count)
{
    if (*count < PCAP_TEXTS_MAX && pcapt_address_parse(value, &list[*count])) {
        ++*count;
        return true;
    }
    fprintf(stderr, "sipc: %s %s: expected up to %d of ADDRESS[:PORT]\n", option, value,
            (int)PCAP_TEXTS_MAX);
    return false;
}

static bool audit_take(void *ctx, int id, const char *value)
{
    struct audit_run *run = ctx;

    switch (id) {
    case AUDIT_JSON:
        return run->json = true;
    case AUDIT_ALL:
        return run->all = true;
    case AUDIT_SET:
        return audit_set(run, value);
    case AUDIT_DEFAULTS:
        judge_config_defaults(&run->config);
        return true;
    case AUDIT_COMPLETE:
        run->config.knows |= JUDGE_NEEDS_SYNC | JUDGE_NEEDS_ARRIVALS;
        return true;
    case AUDIT_ANNOTATED:
        run->annotated = value;
        return true;
    case AUDIT_JUNIT:
        run->junit = value;
        return true;
    case AUDIT_ENDPOINT:
        return audit_address("--endpoint", value, run->only, &run->only_count);
    case AUDIT_AT:
        return audit_address("--at", value, run->at, &run->at_count);
    default:
        return pcap_input_take(&run->input, id, value);
    }
}

/* ---- findings ---- */

static const char *audit_level(enum sipc_rule rule)
{
    return sipc_rule_info(rule)->level == SIPC_MUST ? "must" : "advisory";
}

static uint64_t audit_since(const struct audit_run *run, uint64_t at_ns)
{
    const uint64_t first = pcapt_reader_counts(run->input.reader)->first_ns;
    return at_ns > first ? at_ns - first : 0;
}

static void audit_json_finding(const struct audit_run *run, const struct audit_finding *found,
                               const char *address, const char *session)
{
    const struct judge_finding *finding = found->finding;
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s}", "type", "finding", "rule",
                  sipc_rule_info(finding->rule)->id, "level", audit_level(finding->rule), "check",
                  judge_check_info(finding->check)->id, "frame", (json_int_t)found->frame,
                  "time_ns", (json_int_t)audit_since(run, found->at_ns), "endpoint", address,
                  "session", session, "expected", finding->expected, "found", finding->found);
    SIPC_ASSERT(object != NULL);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void audit_found(void *ctx, const struct audit_finding *found)
{
    struct audit_run *run = ctx;
    char address[PCAPT_ADDRESS_TEXT], session[PCAP_ID_TEXT], time[PCAP_TIME_TEXT];
    char text[640], line[800];
    const enum sipc_rule rule = found->finding->rule;

    pcapt_address_text(found->endpoint, address);
    pcap_id_text(found->finding->session, SIPC_SESSION_ID_SIZE, session);
    judge_finding_print(found->finding, text, sizeof text);
    snprintf(line, sizeof line, "%s, session %.8s: %s", address, session, text);
    if (run->json)
        audit_json_finding(run, found, address, session);
    else
        printf("frame %" PRIu64 ", %s s, %s\n", found->frame,
               pcap_time_text(audit_since(run, found->at_ns), time), line);
    if (run->annotate != NULL)
        annotate_comment(run->annotate, line);
    if (run->broken[rule]++ == 0) {
        char first[900];
        snprintf(first, sizeof first, "frame %" PRIu64 ", %s", found->frame, line);
        run->first[rule] = strdup(first);
        SIPC_ASSERT(run->first[rule] != NULL);
    }
}

/* ---- the rules ---- */

static void audit_list(const char *title, const struct audit_run *run, const struct audit *audit,
                       bool broken, bool exercised, bool watched)
{
    size_t count = 0, used = 0;

    for (enum sipc_rule rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        const bool is_broken = run->broken[rule] > 0;
        const bool is_exercised = audit_exercised(audit, rule) > 0;
        if (is_broken != broken || (!broken && is_exercised != exercised) ||
            (!broken && !exercised && audit_watches(audit, rule) != watched))
            continue;
        const char *id = sipc_rule_info(rule)->id;
        if (count++ == 0)
            used = (size_t)printf("%s", title);
        if (used + strlen(id) + 1 > 98)
            used = (size_t)printf("\n   ") - 1;
        used += (size_t)printf(" %s", id);
    }
    if (count > 0)
        printf(" (%zu)\n", count);
}

static void audit_text(const struct audit_run *run, const struct audit *audit)
{
    uint64_t must = 0, advisory = 0;

    for (enum sipc_rule rule = 1; rule < SIPC_RULE_COUNT; rule++)
        *(sipc_rule_info(rule)->level == SIPC_MUST ? &must : &advisory) += run->broken[rule];
    audit_list("broken:", run, audit, true, false, false);
    if (run->all) {
        audit_list("kept where exercised:", run, audit, false, true, false);
        audit_list("not exercised:", run, audit, false, false, true);
        audit_list("not told by this capture:", run, audit, false, false, false);
    }
    printf("%zu endpoint%s judged by %" PRIu64 " PDUs: %" PRIu64 " findings of MUST rules, %" PRIu64
           " of advisory ones\n",
           audit_endpoints(audit), audit_endpoints(audit) == 1 ? "" : "s",
           pcapt_reader_counts(run->input.reader)->pdus, must, advisory);
    if (audit_places(audit) < audit_endpoints(audit))
        printf("%zu of them only by what single PDUs show: the capture was not made there, or does "
               "not say so (--at)\n",
               audit_endpoints(audit) - audit_places(audit));
    if (audit_untold(audit) > 0)
        printf("%" PRIu64 " more findings are not listed: %d of an endpoint are\n",
               audit_untold(audit), (int)JUDGE_FINDINGS_MAX);
    if (audit_unjudged(audit) > 0)
        printf("%" PRIu64 " PDUs are of more than %d endpoints, and were not judged\n",
               audit_unjudged(audit), (int)AUDIT_ENDPOINTS_MAX);
}

static const char *audit_status(const struct audit_run *run, const struct audit *audit,
                                enum sipc_rule rule)
{
    return run->broken[rule] > 0              ? "broken"
           : audit_exercised(audit, rule) > 0 ? "exercised"
           : audit_watches(audit, rule)       ? "not_exercised"
                                              : "not_told";
}

static void audit_json(const struct audit_run *run, const struct audit *audit)
{
    json_t *object = json_object(), *rules = json_object();

    for (enum sipc_rule rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        json_t *entry = json_pack("{s:s, s:s, s:I, s:I}", "level", audit_level(rule), "status",
                                  audit_status(run, audit, rule), "exercised",
                                  (json_int_t)audit_exercised(audit, rule), "findings",
                                  (json_int_t)run->broken[rule]);
        json_object_set_new(rules, sipc_rule_info(rule)->id, entry);
    }
    json_object_set_new(object, "type", json_string("audit"));
    json_object_set_new(object, "endpoints", json_integer((json_int_t)audit_endpoints(audit)));
    json_object_set_new(object, "pdus",
                        json_integer((json_int_t)pcapt_reader_counts(run->input.reader)->pdus));
    json_object_set_new(object, "not_listed", json_integer((json_int_t)audit_untold(audit)));
    json_object_set_new(object, "not_judged", json_integer((json_int_t)audit_unjudged(audit)));
    json_object_set_new(object, "rules", rules);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static bool audit_junit(const struct audit_run *run, const struct audit *audit)
{
    FILE *file = cli_outputs_open(run->junit);
    size_t failures = 0, skipped = 0, tests = 0;

    if (file == NULL)
        return false;
    for (enum sipc_rule rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        const bool must = sipc_rule_info(rule)->level == SIPC_MUST;
        tests++;
        failures += must && run->broken[rule] > 0;
        skipped += run->broken[rule] == 0 && audit_exercised(audit, rule) == 0;
    }
    pcapt_xml(file,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"sipc pcap audit %s\" "
              "tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n",
              run->input.path, tests, failures, skipped);
    for (enum sipc_rule rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        const struct sipc_rule_info *info = sipc_rule_info(rule);
        pcapt_xml(file, "  <testcase classname=\"%s\" name=\"%s\">", audit_level(rule), info->id);
        if (run->broken[rule] > 0 && info->level == SIPC_MUST)
            pcapt_xml(file, "<failure message=\"%s\">%s</failure>", info->sentence,
                      run->first[rule]);
        else if (run->broken[rule] > 0)
            pcapt_xml(file, "<system-out>%s</system-out>", run->first[rule]);
        else if (audit_exercised(audit, rule) == 0)
            pcapt_xml(file, "<skipped message=\"%s\"/>",
                      audit_watches(audit, rule) ? "not exercised" : "not told by a capture");
        pcapt_xml(file, "</testcase>\n");
    }
    fputs("</testsuite>\n", file);
    return cli_outputs_close(file, run->junit);
}

/* ---- the command ---- */

static void audit_frame_done(void *ctx, const struct pcapt_frame *frame)
{
    struct audit_run *run = ctx;
    if (run->annotate != NULL)
        annotate_frame(run->annotate, frame);
}

static int audit_report(struct audit_run *run, const struct audit *audit)
{
    int exit_code = CLI_OK;

    if (run->json)
        audit_json(run, audit);
    else
        audit_text(run, audit);
    for (enum sipc_rule rule = 1; rule < SIPC_RULE_COUNT; rule++)
        if (run->broken[rule] > 0 && sipc_rule_info(rule)->level == SIPC_MUST)
            exit_code = CLI_NONCONFORMANT;
    if (run->junit != NULL && !audit_junit(run, audit))
        exit_code = CLI_HARNESS;
    return exit_code;
}

static int audit_over(struct audit_run *run)
{
    struct audit *audit = audit_new(&run->config, audit_found, run);
    const struct pcapt_item *item;

    for (size_t i = 0; i < run->only_count; i++)
        audit_only(audit, &run->only[i]);
    for (size_t i = 0; i < run->at_count; i++)
        audit_at(audit, &run->at[i]);
    while ((item = pcap_input_next(&run->input)) != NULL)
        audit_item(audit, item);
    const struct pcapt_counts *counts = pcapt_reader_counts(run->input.reader);
    audit_finish(audit, counts->last_ns, counts->frames);
    int exit_code = audit_report(run, audit);
    if (run->annotate != NULL && !annotate_end(run->annotate))
        exit_code = CLI_HARNESS;
    audit_free(audit);
    const int read = pcap_input_close(&run->input);
    return read != CLI_OK ? read : exit_code;
}

int pcap_cmd_audit(int argc, char **argv)
{
    struct audit_run run = {0};
    int first;

    pcap_input_init(&run.input, &audit_command);
    run.input.options.frame_done = audit_frame_done;
    run.input.options.ctx = &run;
    judge_config_init(&run.config);
    run.config.early_ns = SIPC_NS_PER_MS;
    run.config.late_ns = run.config.answer_ns = 1000 * SIPC_NS_PER_MS;
    int exit_code = cli_parse(&audit_command, argc, argv, &first, audit_take, &run);
    if (exit_code < 0)
        exit_code = pcap_input_open(&run.input, argc - first, argv + first);
    if (exit_code >= 0)
        return exit_code;
    if (run.annotated != NULL) {
        run.annotate = annotate_begin(run.annotated, run.input.source);
        if (run.annotate == NULL)
            exit_code = CLI_HARNESS;
    }
    if (exit_code < 0)
        exit_code = audit_over(&run);
    else
        pcap_input_close(&run.input);
    for (enum sipc_rule rule = 1; rule < SIPC_RULE_COUNT; rule++)
        free(run.first[rule]);
    return exit_code;
}
