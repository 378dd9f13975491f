/* What the commands of sipc share: options and their help, the suite, selection, known failures,
 * where the data is, and exit codes.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_CLI_H
#define CONFORM_CLI_H

#include "conform/report.h"

/* Exit codes, the same for every command. Never a count. */
enum cli_exit {
    CLI_OK = 0,            /* as expected */
    CLI_NONCONFORMANT = 1, /* a rule broken, or a known failure that does not fail */
    CLI_USAGE = 2,         /* bad options or scripts, or nothing selected */
    CLI_NO_SUT = 3,        /* the SUT does not start, or its adapter is broken */
    CLI_HARNESS = 4,       /* the harness's own error */
    CLI_UNDECIDED = 5,     /* nothing was decided */
};

/* ---- commands, options and help (options.c) ---- */

struct cli_option {
    char letter;          /* 0: none */
    const char *name;     /* without -- */
    const char *argument; /* "FILE"; NULL: a flag */
    const char *help;
    int id; /* given to `take` */
};
struct cli_command {
    const char *name;                 /* "sipc conform run" */
    const char *usage;                /* what follows the name */
    const char *about;                /* lines of text */
    const char *examples;             /* lines, each a command or a comment */
    const struct cli_option *options; /* ends with a name of NULL; --help is added */
};
/* Gives each option to `take` (which returns false after telling what is wrong with it) and leaves
 * the other arguments in argv[*first..]. Returns -1 to go on, else the exit code to end with. */
int cli_parse(const struct cli_command *command, int argc, char **argv, int *first,
              bool (*take)(void *ctx, int id, const char *value), void *ctx);
/* "sipc conform run: TEXT" on stderr, and where the help is; returns CLI_USAGE. */
int cli_usage(const struct cli_command *command, const char *format, ...) SIPC_PRINTF(2, 3);
/* Decimal number in min..max; false: told on stderr. */
bool cli_number(const char *option, const char *value, uint64_t min, uint64_t max, uint64_t *out);
/* "A..B", A at most B, or "A" alone. */
bool cli_numbers(const char *option, const char *value, uint64_t *first, uint64_t *last);

/* How the program was called, for command lines to copy. */
extern const char *cli_program;
/* Appends `word` to `out`, quoted for a shell where it must be. */
void cli_quote(const char *word, FILE *out);
/* Whether people look at this stream and want colours. */
bool cli_colour(FILE *stream);

/* A growing list of borrowed words. */
struct cli_words {
    const char **items;
    size_t count;
};
void cli_words_add(struct cli_words *words, const char *word);
void cli_words_clear(struct cli_words *words);

/* ---- patterns and near misses (pattern.c) ---- */

/* * any characters, ? any one; all others stand for themselves, also [ and ]. */
bool cli_glob(const char *pattern, const char *text);
/* " (did you mean a, b?)" of up to three candidates like `word`, or "". malloc'ed. */
char *cli_near(const char *word, const char *const *candidates, size_t count);

/* ---- where the suite and the rules document are (data.c) ---- */

/* Path of `name` in the data folder: $SIPC_DATA_DIR, the installed one, or the source tree.
 * malloc'ed; NULL: not found, told on stderr. */
char *cli_data(const char *name);

/* ---- the suite (suite.c) ---- */

struct cli_case {
    const struct sx_script *script;
    size_t index; /* of the expanded case */
    char *name;
    bool selected;
};
struct cli_suite {
    char *source; /* the paths, for reports */
    struct sx_script **scripts;
    size_t script_count;
    struct cli_case *cases;
    size_t case_count, selected_count;
    uint64_t digest; /* XXH3 of the bytes of all scripts in order */
    size_t cases_by_rule[SIPC_RULE_COUNT];
};
/* Reads the scripts at `paths` (files, or folders searched for *.sx); none: the suite of the data
 * folder. All are selected. false: every error was told on stderr. */
bool cli_suite_load(struct cli_suite *suite, const char *const *paths, size_t count);
/* The same for scenarios, the scripts with `world`, of which none are shipped with the suite. */
bool cli_scenarios_load(struct cli_suite *suite, const char *const *paths, size_t count);
void cli_suite_clear(struct cli_suite *suite);
bool cli_case_is_about(const struct cli_case *entry, enum sipc_rule rule);

/* ---- selection (select.c) ---- */

struct cli_selection {
    struct cli_words only, exclude, rules, tags;
    const char *level; /* "must", "advisory", NULL */
};
/* The options of selection, for option tables, and what takes them (CLI_SELECT_FIRST..LAST). */
enum { CLI_ONLY = 1000, CLI_EXCLUDE, CLI_RULE, CLI_TAG, CLI_LEVEL, CLI_SUITE };
#define CLI_SELECT_OPTIONS                                                                         \
    {'t', "only", "GLOB", "only cases with this name or id (repeatable)", CLI_ONLY},               \
        {'x', "exclude", "GLOB", "not the cases with this name or id (repeatable)", CLI_EXCLUDE},  \
        {0, "rule", "GLOB", "only cases about such a rule (repeatable)", CLI_RULE},                \
        {0, "tag", "GLOB", "only cases with such a tag (repeatable)", CLI_TAG},                    \
        {0, "level", "LEVEL", "only cases about rules of this level: must, advisory", CLI_LEVEL},  \
    {                                                                                              \
        0, "suite", "PATH", "folder or file with scripts, instead of the shipped suite", CLI_SUITE \
    }
bool cli_select_take(struct cli_selection *selection, struct cli_words *paths, int id,
                     const char *value);
/* Marks the cases. false: a pattern matches nothing, or nothing is left; told on stderr. */
bool cli_select(const struct cli_selection *selection, struct cli_suite *suite);
json_t *cli_select_json(const struct cli_selection *selection);
void cli_select_clear(struct cli_selection *selection);

/* ---- known failures (known.c) ---- */

struct cli_known_entry {
    char *pattern;
    char *blame; /* a rule's id, "crash", "hang": it fails over nothing else; NULL: over anything */
    char *reason;
    int line;
};
struct cli_known {
    char *path;
    struct cli_known_entry *entries;
    size_t count;
};
/* Lines `case-glob [RULE|crash|hang]  # reason`. false: every error was told on stderr. `make`: a
 * file that is not there counts as empty. */
bool cli_known_read(struct cli_known *known, const char *path, bool make);
/* The same of an open file, to entries without any and a path to name; errors are told there. */
bool cli_known_take(struct cli_known *known, FILE *file, FILE *errors);
/* What a verdict is blamed on, as such a line has it; NULL: nothing failed. */
const char *cli_known_blame(enum conform_verdict verdict, const char *rule);
/* The reason of the first entry that names the case and, unless `blame` is NULL, what it is blamed
 * on; NULL if none does. */
const char *cli_known_reason(const struct cli_known *known, const char *name, const char *id,
                             const char *blame);
bool cli_known_names(const struct cli_known_entry *entry, const char *name, const char *id);
/* What the report has of the case, NULL if nothing. */
const struct conform_report_case *cli_known_case(const struct conform_report *report,
                                                 const char *name);
/* What is wrong with the entries after a run, beside cases that pass: a new list of
 * {"entry", "problem"}. */
json_t *cli_known_problems(const struct cli_known *known, const struct cli_suite *suite,
                           const struct conform_report *report);
void cli_known_clear(struct cli_known *known);
/* Rewrites the file so that the same run would be as expected (known_fix.c): what failed and was
 * not known is added, with its blame; what is named and did not fail so goes; comments and what was
 * not run stay. Tells `people`. false: told on stderr. */
bool cli_known_fix(const struct cli_known *known, const struct cli_suite *suite,
                   const struct conform_report *report, FILE *people);

/* ---- links between the scripts and the SUT (links.c) ---- */

struct simnet_scenario;

struct cli_links {
    struct conform_link *items;        /* in order; to_sut NULL: a clean one, which does nothing */
    struct simnet_scenario *scenarios; /* which own them */
    size_t count;
};
/* Adds what --link says: clauses of a `link` of a scenario (script/SX.md, = for a blank), "clean",
 * or "ladder" for several. false: told on stderr. */
bool cli_links_add(struct cli_links *links, const char *value);
void cli_links_clear(struct cli_links *links);

/* ---- whether the SUT works at all (sanity.c) ---- */

/* A minimal exchange. OK if anything came of it; else *error says so, beginning with `when`, and
 * the run cannot go on. */
enum conform_sut_status cli_sanity(struct conform_sut *sut,
                                   const struct conform_run_options *options, const char *when,
                                   struct conform_error *error);

/* ---- cases side by side (jobs.c) ---- */

enum { CLI_JOBS_MAX = 64 };

/* A PDU of a case. */
struct cli_pdu {
    bool from_sut;
    const char *peer;
    uint64_t at_ns;   /* since the case began */
    uint64_t wall_ns; /* since 1970, when it was seen */
    struct sipc_span bytes;
};
/* What conform_run_case gave. */
struct cli_result {
    enum conform_sut_status status;
    struct conform_error error; /* where the status is not OK */
    struct conform_record record;
    uint64_t seed; /* it was run with */
};
/* Who is told what. Never two at a time, but from any thread. */
struct cli_jobs_plan {
    const struct conform_run_options *options; /* but its on_pdu and link */
    /* All cases are run over the first link, then over the next; with several, the records' names
     * say which. NULL: once, over none. */
    const struct cli_links *links;
    /* Each case is run so often, with the seeds from that of the options on, until it does not
     * pass: that is its result then. 0 is 1. What a link leaves inconclusive is tried on; the
     * result is the first that passes then. */
    unsigned repeat;
    bool sanity; /* a SUT that was started again after a case must show that it works */
    /* The case is to begin, in order; `ended`: how many have ended. false: no more is begun. */
    bool (*on_begin)(void *ctx, const struct cli_case *entry, size_t ended);
    /* Of the cases in order: each PDU (at once with one job; NULL: nobody wants them), then the
     * end. false: no more is begun, nor told of those behind it. */
    void (*on_pdu)(void *ctx, const struct cli_case *entry, const struct cli_pdu *pdu);
    bool (*on_end)(void *ctx, const struct cli_case *entry, const struct cli_result *result);
    void *ctx;
};

struct cli_jobs;
/* Attaches `count` SUTs (1..CLI_JOBS_MAX) by the same spec; *out is NULL unless OK. The spec and
 * the options must outlive it. */
enum conform_sut_status cli_jobs_attach(const char *spec, const struct conform_sut_options *options,
                                        unsigned count, struct cli_jobs **out,
                                        struct conform_error *error);
/* The first of them, to ask what it is. */
struct conform_sut *cli_jobs_sut(const struct cli_jobs *jobs);
/* Runs the selected cases, `count` at a time, until all have ended or the plan says stop. */
void cli_jobs_run(struct cli_jobs *jobs, const struct cli_suite *suite,
                  const struct cli_jobs_plan *plan);
/* NULL is allowed. */
void cli_jobs_detach(struct cli_jobs *jobs);

/* ---- traffic as a capture (capture.c) ---- */

struct cli_capture;
/* NULL: told on stderr. Takes `file`. */
struct cli_capture *cli_capture_begin(FILE *file, const char *sut_spec, bool virtual_clock);
/* Case by case, in any order. */
void cli_capture_pdu(struct cli_capture *capture, const struct cli_pdu *pdu, const char *case_name);
/* false: it could not be written in full. */
bool cli_capture_end(struct cli_capture *capture);

/* ---- files to write (outputs.c) ---- */

struct cli_outputs {
    char *jsonl, *junit, *tap, *html, *badge, *pcap; /* paths, NULL: not wanted */
    char *folder; /* for those of them that are not named; NULL: none */
    bool broken;  /* something could not be written; told on stderr */
};
enum { CLI_JSONL = 1100, CLI_JUNIT, CLI_TAP, CLI_HTML, CLI_BADGE, CLI_PCAP, CLI_OUT };
bool cli_outputs_take(struct cli_outputs *outputs, int id, const char *value);
/* Opens a file for writing; NULL: told on stderr. */
FILE *cli_outputs_open(const char *path);
/* Closes it; false, told on stderr, if not all of it could be written. */
bool cli_outputs_close(FILE *file, const char *path);
/* Makes the folder, and empties the files that are written at the end: a path that cannot be
 * written is told before the first case, and no report of an older run stays behind if this one is
 * killed. */
bool cli_outputs_prepare(struct cli_outputs *outputs);
/* Writes what is derived from the JSON lines. */
void cli_outputs_write(struct cli_outputs *outputs, const struct conform_report *report);
void cli_outputs_clear(struct cli_outputs *outputs);

/* ---- the commands ---- */

int cli_cmd_run(int argc, char **argv);
int cli_cmd_list(int argc, char **argv);
int cli_cmd_explain(int argc, char **argv);
int cli_cmd_report(int argc, char **argv);
int cli_cmd_diff(int argc, char **argv);
int cli_cmd_matrix(int argc, char **argv);
int cli_cmd_mutants(int argc, char **argv);

#endif
