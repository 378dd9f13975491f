/* See sample.h. */
#include "sample.h"

#include <string.h>

static const char *const sample_lines[] = {
    "# The first data PDU of a session may have any window id from 0 to 100.",
    "sx      1",
    "id      WID-1-accepts",
    "test",
    "-> data $d:0 {first_in_window_group last_in_window skip} \"a\"",
    "<- data_ack $d:0 {is_window_full *}   [WID-1]",
    "quiet 1T",
};
static uint8_t sample_pdu[] = {0x00, 0x39, 0xff, 0x00};

struct sample_case {
    const char *name, *id, *story, *known;
    enum conform_verdict verdict;
    enum sipc_rule rules[3];
    size_t rule_count;
    enum sipc_rule blamed, advisory;
    int line;
    const char *reason, *expected, *actual, *stderr_text;
    bool odd; /* the last PDU is one that no line took */
};

static const struct sample_case sample_cases[SAMPLE_CASES] = {
    {.name = "WID-1-accepts[d=0]",
     .id = "WID-1-accepts",
     .story = "The first data PDU of a session may have any window id from 0 to 100.",
     .verdict = CONFORM_PASS,
     .rules = {SIPC_RULE_WID_1, SIPC_RULE_ACK_1},
     .rule_count = 2},
    {.name = "WID-1-accepts[d=100]",
     .id = "WID-1-accepts",
     .story = "The first data PDU of a session may have any window id from 0 to 100.",
     .verdict = CONFORM_FAIL,
     .rules = {SIPC_RULE_WID_1, SIPC_RULE_ACK_1},
     .rule_count = 2,
     .blamed = SIPC_RULE_WID_1,
     .line = 6,
     .reason = "the PDU that came is not the one expected: its window id and its options differ",
     .expected = "data_ack 100:0 {is_window_full *}",
     .actual = "data_ack 99:0 {max_window_size=16}",
     .odd = true},
    {.name = "WID-2-hostile[t=" SAMPLE_HOSTILE "]",
     .id = "WID-2-hostile",
     .story = SAMPLE_HOSTILE,
     .verdict = CONFORM_CRASH,
     .rules = {SIPC_RULE_WID_2},
     .rule_count = 1,
     .blamed = SIPC_RULE_WID_2,
     .line = 7,
     .reason = "the SUT died: " SAMPLE_HOSTILE,
     .expected = SAMPLE_HOSTILE,
     .actual = SAMPLE_HOSTILE,
     .stderr_text = "line one\n" SAMPLE_HOSTILE "\nSegmentation fault\n"},
    {.name = "ACK-2-known",
     .id = "ACK-2-known",
     .story = "",
     .known = "acks are rewritten in the next release",
     .verdict = CONFORM_FAIL,
     .rules = {SIPC_RULE_ACK_2},
     .rule_count = 1,
     .blamed = SIPC_RULE_ACK_2,
     .line = 6,
     .reason = "nothing came within 500 ms"},
    {.name = "ACK-2-known-passes",
     .id = "ACK-2-known-passes",
     .story = "",
     .known = "was broken once",
     .verdict = CONFORM_PASS,
     .rules = {SIPC_RULE_ACK_2},
     .rule_count = 1},
    {.name = "ACK-1-advisory",
     .id = "ACK-1-advisory",
     .story = "",
     .verdict = CONFORM_ADVISORY,
     .rules = {SIPC_RULE_ACK_1, SIPC_RULE_ACK_1a},
     .rule_count = 2,
     .advisory = SIPC_RULE_ACK_1a,
     .line = 6,
     .reason = "the ack is short of the contiguous run's end"},
    {.name = "SND-5-unsupported",
     .id = "SND-5-unsupported",
     .story = "",
     .verdict = CONFORM_UNSUPPORTED,
     .rules = {SIPC_RULE_SND_5},
     .rule_count = 1,
     .reason = "the SUT has no `send`"},
    {.name = "RCV-1-inconclusive",
     .id = "RCV-1-inconclusive",
     .story = "",
     .verdict = CONFORM_INCONCLUSIVE,
     .rules = {SIPC_RULE_RCV_1},
     .rule_count = 1,
     .line = 5,
     .reason = "the set-up broke"},
    {.name = "RCV-2-hang",
     .id = "RCV-2-hang",
     .story = "",
     .verdict = CONFORM_HANG,
     .rules = {SIPC_RULE_RCV_2},
     .rule_count = 1,
     .blamed = SIPC_RULE_RCV_2,
     .reason = "no answer within 5,000 ms"},
    {.name = "RCV-3-error",
     .id = "RCV-3-error",
     .story = "",
     .verdict = CONFORM_ERROR,
     .rules = {SIPC_RULE_RCV_3},
     .rule_count = 1,
     .reason = "the harness's own error"},
};

/* Trace and differences are borrowed literals: the record is not to be cleared. */
static void sample_add(struct conform_report *report, const struct sample_case *sample)
{
    static struct conform_diff diffs[] = {
        {"window_id", "100", "99"},
        {"option is_window_full", "true", NULL},
        {"data", "empty", SAMPLE_HOSTILE},
    };
    static struct conform_trace trace[] = {
        {0, '!', true, NULL, "open S from P", NULL, 0},
        {0, '>', true, "P", "data 100:0 {first_in_window_group last_in_window skip} \"a\"",
         sample_pdu, sizeof sample_pdu},
        {1500000, '=', true, NULL, "deliver \"a\" {\"content-type\"=\"" SAMPLE_HOSTILE "\"}", NULL,
         0},
        {2000000, '<', true, "P", "data_ack 99:0 {max_window_size=16}", sample_pdu,
         sizeof sample_pdu},
        {2000000, '<', false, "Q", "data_ack 99:0 " SAMPLE_HOSTILE, sample_pdu, sizeof sample_pdu},
    };
    enum sipc_rule advisory = sample->advisory;
    const bool decided = sample->verdict != CONFORM_UNSUPPORTED;
    const struct conform_record record = {
        .name = strdup(sample->name),
        .id = sample->id,
        .path = "suite/sample.sx",
        .verdict = sample->verdict,
        .rule = sample->blamed,
        .line = sample->line,
        .reason = sample->reason == NULL ? NULL : strdup(sample->reason),
        .expected = sample->expected == NULL ? NULL : strdup(sample->expected),
        .actual = sample->actual == NULL ? NULL : strdup(sample->actual),
        .diffs = diffs,
        .diff_count = sample->expected == NULL ? 0 : 3,
        .trace = trace,
        .trace_count = decided ? sample->odd ? 5 : 4 : 0,
        .expectations = decided ? 2 : 0,
        .advisories = &advisory,
        .advisory_count = advisory != SIPC_RULE_NONE,
        .sut_stderr = sample->stderr_text == NULL ? NULL : strdup(sample->stderr_text),
        .duration_ns = decided ? 1502000000 : 0,
        .attempts = 1,
    };
    const struct sx_script script = {
        .path = "suite/sample.sx",
        .id = sample->id,
        .story = sample->story,
        .rules = sample->rules,
        .rule_count = sample->rule_count,
        .lines = sample_lines,
        .line_count = sizeof sample_lines / sizeof *sample_lines,
    };
    conform_report_add(report, &record, &script, sample->known,
                       "sipc conform run engine suite/sample.sx -t 'NAME' --seed 1");
    free(record.name);
    free(record.reason);
    free(record.expected);
    free(record.actual);
    free(record.sut_stderr);
}

void sample_report(struct conform_report *report, FILE *stream, const char *error)
{
    static const struct conform_run_options options = {.seed = 1, .time_scale_percent = 100};
    size_t cases_by_rule[SIPC_RULE_COUNT] = {[SIPC_RULE_WID_3] = 1};
    for (size_t i = 0; i < SAMPLE_CASES; i++)
        for (size_t r = 0; r < sample_cases[i].rule_count; r++)
            cases_by_rule[sample_cases[i].rules[r]]++;
    const struct conform_report_about about = {
        .command = "sipc conform run 'exec:./a b' --out results",
        .started = "2001-02-03T04:05:06Z",
        .sut_spec = "exec:./a b",
        .options = &options,
        .suite = "suite",
        .version = "0.1.0",
        .digest = UINT64_C(0x0123456789abcdef),
        .script_count = 9,
        .case_count = SAMPLE_IN_SUITE,
        .selected_count = SAMPLE_SELECTED,
        .cases_by_rule = cases_by_rule,
    };
    conform_report_begin(report, &about, stream);
    for (size_t i = 0; i < SAMPLE_CASES; i++)
        sample_add(report, &sample_cases[i]);
    json_t *problems = json_pack("[{s:s, s:s}]", "entry", "XYZ-*", "problem",
                                 "known.txt:3: no case has such a name");
    conform_report_end(report, &(struct conform_report_end){.error = error,
                                                            .exit_code = 4,
                                                            .elapsed_ns = 2500000000,
                                                            .known_problems = problems});
    json_decref(problems);
}
