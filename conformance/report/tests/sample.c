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

struct sample_case {
    const char *name, *id, *story, *known;
    enum conform_verdict verdict;
    enum sipc_rule rules[3];
    size_t rule_count;
    enum sipc_rule blamed, advisory;
    int line;
    const char *reason, *expected, *actual, *stderr_text, *small_world;
    bool odd; /* the last PDU is one that no line took */
};

static const struct sample_case sample_cases[SAMPLE_CASES] = {
    {.name = "WID-1-accepts[d=0]",
     .id = "WID-1-accepts",
     .story = "The first data PDU of a session may have any window id from 0 to 100.",
     .verdict = CONFORM_PASS,
     .rules = {SIPC_RULE_WID_1, SIPC_RULE_ACK_1},
     .rule_count = 2,
     .small_world = SAMPLE_SMALL_WORLD},
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

static char *sample_copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

static void sample_diffs(struct conform_record *record)
{
    static const char *const rows[][3] = {
        {"window_id", "100", "99"},
        {"option is_window_full", "true", NULL},
        {"data", "empty", SAMPLE_HOSTILE},
    };
    record->diff_count = sizeof rows / sizeof *rows;
    record->diffs = calloc(record->diff_count, sizeof *record->diffs);
    for (size_t i = 0; i < record->diff_count; i++)
        record->diffs[i] = (struct conform_diff){sample_copy(rows[i][0]), sample_copy(rows[i][1]),
                                                 sample_copy(rows[i][2])};
}

static void sample_trace(struct conform_record *record, bool odd)
{
    static const struct {
        uint64_t at_ns;
        char direction;
        const char *peer, *text;
    } rows[] = {
        {0, '!', NULL, "open S from P"},
        {0, '>', "P", "data 100:0 {first_in_window_group last_in_window skip} \"a\""},
        {1500000, '=', NULL, "deliver \"a\" {\"content-type\"=\"" SAMPLE_HOSTILE "\"}"},
        {2000000, '<', "P", "data_ack 99:0 {max_window_size=16}"},
        {2000000, '<', "Q", "data_ack 99:0 " SAMPLE_HOSTILE},
    };
    static const uint8_t pdu[] = {0x00, 0x39, 0xff, 0x00};
    record->trace_count = sizeof rows / sizeof *rows - !odd;
    record->trace = calloc(record->trace_count, sizeof *record->trace);
    for (size_t i = 0; i < record->trace_count; i++) {
        struct conform_trace *entry = &record->trace[i];
        *entry = (struct conform_trace){.at_ns = rows[i].at_ns,
                                        .direction = rows[i].direction,
                                        .matched = i < 4,
                                        .peer = sample_copy(rows[i].peer),
                                        .text = sample_copy(rows[i].text)};
        if (rows[i].peer == NULL)
            continue;
        entry->size = sizeof pdu;
        entry->bytes = malloc(sizeof pdu);
        memcpy(entry->bytes, pdu, sizeof pdu);
    }
}

static void sample_add(struct conform_report *report, const struct sample_case *sample)
{
    const bool decided = sample->verdict != CONFORM_UNSUPPORTED;
    struct conform_record record = {
        .name = sample_copy(sample->name),
        .id = sample->id,
        .path = "suite/sample.sx",
        .verdict = sample->verdict,
        .rule = sample->blamed,
        .line = sample->line,
        .reason = sample_copy(sample->reason),
        .expected = sample_copy(sample->expected),
        .actual = sample_copy(sample->actual),
        .expectations = decided ? 2 : 0,
        .sut_stderr = sample_copy(sample->stderr_text),
        .small_world = sample_copy(sample->small_world),
        .duration_ns = decided ? 1502000000 : 0,
        .attempts = 1,
    };
    if (sample->expected != NULL)
        sample_diffs(&record);
    if (decided)
        sample_trace(&record, sample->odd);
    if (sample->advisory != SIPC_RULE_NONE) {
        record.advisories = calloc(1, sizeof *record.advisories);
        record.advisories[0] = sample->advisory;
        record.advisory_count = 1;
    }
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
    conform_record_clear(&record);
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
