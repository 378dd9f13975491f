/* Reports of a run. JSON lines are the source: a line about the run, a line for each case as it
 * ends, a line that sums up. Everything else (text, JUnit, TAP, HTML) is derived from those lines,
 * so what was read back from a file and what has just happened give the same reports.
 *
 * The lines are described in report/FORMAT.md.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_REPORT_H
#define CONFORM_REPORT_H

#include <jansson.h>

#include "conform/run.h"

/* ---- what a report holds: views into its JSON, alive as long as the report ---- */

struct conform_report_case {
    const char *name, *id, *path, *area;
    const char *story; /* "" if none */
    enum conform_verdict verdict;
    const char *known;     /* why it is a known failure, NULL if it is none */
    const char *rule;      /* blamed, NULL */
    int line;              /* of the script, 0 */
    const char *line_text; /* NULL */
    const char *reason, *expected, *actual, *stderr_text; /* NULL where there is none */
    const char *small_world; /* its settings that are not the protocol's, NULL */
    const char *replay;    /* the command line that runs this case alone */
    json_t *params;        /* name to value, as texts; NULL where the script has none */
    json_t *rules;         /* ids the case is about */
    json_t *advisories;    /* ids of advisory rules broken on the way */
    json_t *diffs, *trace; /* see report/FORMAT.md */
    json_t *findings;      /* the judge's; NULL where it did not look on */
    json_t *link;          /* what a link did to it (report/FORMAT.md); NULL: there was none */
    const char *link_text; /* of that link; NULL */
    size_t trace_dropped;  /* older entries that the trace no longer holds */
    uint64_t duration_ns;
    size_t expectations;
    unsigned attempts;
};

struct conform_report_rule {
    const char *id, *sentence;
    enum sipc_rule_level level;
    size_t suite_cases; /* cases of the suite that are about it, run or not */
};

struct conform_report {
    json_t *about;                     /* the first line */
    struct conform_report_rule *rules; /* the registry the run was made with */
    size_t rule_count;
    struct conform_report_case *cases;
    size_t case_count, case_capacity;
    json_t *summary; /* the last line; NULL while running, or if the run was killed */
    json_t *lines;   /* private: owns the cases' JSON */
    FILE *stream;    /* private: where lines go as they are made, or NULL */
};

/* ---- making one ---- */

struct conform_report_about {
    const char *command; /* the command line */
    const char *started; /* ISO 8601 */
    const char *sut_spec;
    const struct conform_sut *sut; /* NULL: did not start */
    const struct conform_run_options *options;
    json_t *selection;   /* what narrowed the suite; borrowed; may be NULL */
    const char *suite;   /* where the scripts came from */
    const char *version; /* of the program */
    uint64_t digest;     /* XXH3 of the bytes of all scripts in order */
    size_t script_count, case_count, selected_count;
    const size_t *cases_by_rule; /* SIPC_RULE_COUNT: how many of the suite's cases are about it */
};
/* `stream`: gets each line, flushed, as it is made; may be NULL. */
void conform_report_begin(struct conform_report *report, const struct conform_report_about *about,
                          FILE *stream);
/* Adds a case that ended. `known`, `replay` as above; the pointer lives until the next call. */
const struct conform_report_case *conform_report_add(struct conform_report *report,
                                                     const struct conform_record *record,
                                                     const struct sx_script *script,
                                                     const char *known, const char *replay);
struct conform_report_end {
    const char *error; /* why the run stopped early; NULL if it did not */
    int exit_code;
    uint64_t elapsed_ns;    /* wall clock */
    json_t *known_problems; /* [{"entry", "problem"}]; borrowed; may be NULL */
};
void conform_report_end(struct conform_report *report, const struct conform_report_end *end);
/* The last line with the claim as `claim`, for programs; a new reference. Also of a run that was
 * killed: its `error` says so. */
json_t *conform_report_summary(const struct conform_report *report);
void conform_report_clear(struct conform_report *report);

/* Reads JSON lines back. false: *error names the line and what is wrong with it. A file without
 * summary is a run that was killed, and is taken; counts that do not equal the lines are not. */
bool conform_report_read(struct conform_report *report, const char *path,
                         struct conform_error *error);

/* ---- counting ---- */

enum conform_rule_status {
    CONFORM_RULE_KEPT,
    CONFORM_RULE_BROKEN,       /* advisory rules: not followed */
    CONFORM_RULE_UNSUPPORTED,  /* undecided: the SUT lacks what its cases need */
    CONFORM_RULE_INCONCLUSIVE, /* undecided: its cases broke, or failed over another rule */
    CONFORM_RULE_NOT_RUN,      /* undecided: the suite has cases, none of them was run */
    CONFORM_RULE_NO_CASE,      /* undecided: the suite has none */
    CONFORM_RULE_STATUS_COUNT
};
const char *conform_rule_status_name(enum conform_rule_status status, enum sipc_rule_level level);
/* A case keeps the rules it is about if it passes; one that fails decides the rule it blames. */
enum conform_rule_status conform_report_rule_status(const struct conform_report *report,
                                                    const struct conform_report_rule *rule);
/* Whether the case is about the rule, blames it, or saw it broken on the way. */
bool conform_report_case_is_about(const struct conform_report_case *entry, const char *rule_id);
/* NULL if there is none with this id. */
const struct conform_report_rule *conform_report_find_rule(const struct conform_report *report,
                                                           const char *id);

struct conform_report_counts {
    size_t verdicts[CONFORM_VERDICT_COUNT];
    size_t cases, decided; /* decided: pass, advisory, fail, crash, hang */
    size_t failures;       /* fail, crash, hang, that are not known */
    size_t known_failures, unexpected_passes;
    size_t small_worlds;   /* cases whose settings are not the protocol's */
    size_t rules[2][CONFORM_RULE_STATUS_COUNT]; /* by enum sipc_rule_level */
};
/* `area`: count the cases of that area only (rules are then not counted); NULL: all. */
struct conform_report_counts conform_report_count(const struct conform_report *report,
                                                  const char *area);
/* The same of the cases that were run over this link; rules are not counted. */
struct conform_report_counts conform_report_count_link(const struct conform_report *report,
                                                       const char *link_text);
/* Calls `visit` once for each link, as areas below. */
void conform_report_links(const struct conform_report *report,
                          void (*visit)(void *ctx, const char *link_text), void *ctx);
/* Calls `visit` once for each area, in the order of first appearance. */
void conform_report_areas(const struct conform_report *report,
                          void (*visit)(void *ctx, const char *area), void *ctx);
/* Whether the case turns a run red: fails and is not known to, or passes though it is. */
bool conform_report_case_is_red(const struct conform_report_case *entry);

/* ---- writing ---- */

/* For people, with colours or without: the table of verdicts by area and the claim; a failure with
 * all there is to know of it; the claim alone (one line: what was decided, with denominators). */
void conform_report_print_table(const struct conform_report *report, FILE *out, bool colour);
/* Where there were links: verdicts by link, and what the links did. */
void conform_report_print_links(const struct conform_report *report, FILE *out, bool colour);
void conform_report_print_case(const struct conform_report *report,
                               const struct conform_report_case *entry, FILE *out, bool colour);
/* Everything that wants a look: failures in full, the rest in a line each. */
void conform_report_print_notes(const struct conform_report *report, FILE *out, bool colour);
void conform_report_print_claim(const struct conform_report *report, FILE *out);
/* Text from outside, its control characters made visible. */
void conform_report_print_text(const char *text, FILE *out);
/* The same, broken between words at 98 columns: begins at `column`, goes on at `indent`, ends in a
 * newline. */
void conform_report_print_wrapped(const char *text, size_t column, size_t indent, FILE *out);

void conform_report_write_junit(const struct conform_report *report, FILE *out);
void conform_report_write_tap(const struct conform_report *report, FILE *out);
void conform_report_write_html(const struct conform_report *report, FILE *out);
/* A small SVG: MUST and advisory rules kept, of how many. */
void conform_report_write_badge(const struct conform_report *report, FILE *out);

/* ---- several runs side by side, one at least ---- */

/* For people: each run's claim, and the rules on which they differ. */
void conform_matrix_print(const struct conform_report *const *reports, size_t count, FILE *out);
/* One HTML file with every rule. */
void conform_matrix_write_html(const struct conform_report *const *reports, size_t count,
                               FILE *out);

#endif
