/* Running scripts against a SUT: verdicts, and the record of each case.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_RUN_H
#define CONFORM_RUN_H

#include "conform/judge.h"
#include "conform/script.h"
#include "conform/sut.h"

/* Ordered: where several apply, the largest is the case's. */
enum conform_verdict {
    CONFORM_PASS,
    CONFORM_ADVISORY,     /* only advisory rules were broken */
    CONFORM_UNSUPPORTED,  /* the SUT lacks something the case needs */
    CONFORM_INCONCLUSIVE, /* the set-up broke, or nothing was exercised */
    CONFORM_FAIL,
    CONFORM_HANG,
    CONFORM_CRASH,
    CONFORM_ERROR,        /* ours: the adapter or the harness */
    CONFORM_VERDICT_COUNT
};
const char *conform_verdict_name(enum conform_verdict verdict);

/* One difference of a PDU or event from what a line expected. */
struct conform_diff {
    char *field;    /* "window_id", "option is_window_full", "data" */
    char *expected;
    char *actual;
};
/* One PDU or event of the exchange, in order. */
struct conform_trace {
    uint64_t at_ns;
    char direction;    /* '>' harness to SUT, '<' SUT to harness, '=' event, '!' command, '~' what a
                          link did */
    bool matched;      /* a line of the script took it (always true for '>' and '!') */
    char *peer;
    char *text;        /* one line for people */
    uint8_t *bytes;    /* the PDU, NULL for events */
    size_t size;
};

/* A network between the script and the SUT, with a virtual clock: what the script sends, and what
 * the SUT does, may come late, twice, damaged or not at all. See conform_run_options. */
struct simnet_link_config;
struct conform_link {
    const char *text;                                   /* how it was asked for */
    const struct simnet_link_config *to_sut, *from_sut; /* borrowed; simnet_link_check holds. NULL:
                                                           it does nothing */
};
/* What the link did to a case. */
struct conform_link_work {
    char *text;       /* of the link; NULL: there was none */
    uint64_t seed;    /* the run's, of which and the case's name chance is made */
    uint64_t entered; /* datagrams, both ways; of them: */
    uint64_t lost, doubled, damaged;
    uint64_t moved;   /* overtook, was overtaken, or its delay varied */
    bool touched;     /* it did something, if only that one was on its way for some time */
    size_t excused;   /* lines that did not hold after that */
    char *excuse;     /* the first of them: what it missed; NULL: none */
    int excuse_line;
};

struct conform_record {
    char *name;             /* "WID-3-accepts[d=100]" */
    const char *id, *path;  /* the script's */
    size_t index;           /* among its cases */
    enum conform_verdict verdict;
    enum sipc_rule rule;    /* blamed; SIPC_RULE_NONE where nothing is */
    int line;               /* of the script, 0 where none */
    char *reason;           /* one sentence; NULL for a pass */
    char *expected, *actual; /* whole lines; NULL where they make no sense */
    struct conform_diff *diffs;
    size_t diff_count;
    struct conform_trace *trace;
    size_t trace_count;
    size_t trace_dropped;   /* older entries left out: the trace keeps the last ones */
    size_t expectations;    /* lines that decided something */
    enum sipc_rule *advisories; /* advisory rules broken on the way */
    size_t advisory_count;
    struct judge_finding *findings; /* the judge's, in order; NULL where it was not there */
    size_t finding_count;
    uint64_t *exercised;    /* by enum sipc_rule: how often the judge saw one at stake; or NULL */
    char *sut_stderr;       /* NULL if nothing */
    char *small_world;      /* settings that are not the protocol's, NULL if none: "NAME=VALUE (the
                               protocol's), ..."; so set, the SUT is no conformant endpoint */
    struct conform_link_work link;
    uint64_t duration_ns;   /* on the SUT's clock */
    unsigned attempts;      /* 1; more with a wall clock, where a busy machine may have failed */
};
void conform_record_clear(struct conform_record *record);

struct conform_run_options {
    uint64_t seed;              /* session ids are made of it and the case's name */
    unsigned ack_timeout_ms;    /* T; 0: 200 with a wall clock and control, else 1,000 */
    unsigned time_scale_percent; /* 0: 100; wall clock only: T, and what is granted beyond it */
    bool no_judge; /* the script's lines alone decide */
    /* NULL: none. With one, a line binds the SUT only until the link first does something to a
     * datagram: from then on the script goes on whatever comes, and the judge, who sees what the
     * SUT really got, decides. A case whose lines did not all hold passes if the judge saw its rule
     * at stake, else it is inconclusive. What the link does depends on it, the seed and the case's
     * name alone. Cases on byte streams, which lose nothing, are unsupported. */
    const struct conform_link *link;
    /* Called for each PDU in or out as it happens; may be NULL. */
    void (*on_pdu)(void *ctx, bool from_sut, const char *peer, uint64_t at_ns,
                   struct sipc_span pdu, const char *case_name);
    /* Called when a session's name gets its id, which is 32 bytes; may be NULL. */
    void (*on_session)(void *ctx, const char *name, const uint8_t *id);
    void *ctx;
};

/* Runs one expanded case. The record is filled in every case. Restarts the SUT first if it is not
 * alive. Status other than CONFORM_SUT_OK, NO_START or BROKEN says the run cannot go on. */
enum conform_sut_status conform_run_case(struct conform_sut *sut, const struct sx_script *script,
                                         size_t index, const struct conform_run_options *options,
                                         struct conform_record *record,
                                         struct conform_error *error);

/* A PDU as people read it: "data 5:0 {last_in_window} 12 bytes \"hello\"", or "raw 60 bytes
 * (...)". */
void conform_print_pdu(struct sipc_span pdu, FILE *out);

#endif
