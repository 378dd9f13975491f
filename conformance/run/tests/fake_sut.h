/* A SUT for the runner's tests: it does what a table says, at the virtual moment it says, and keeps
 * what it was told. It takes the place of the adapters at link time, so every answer a real SUT may
 * give, and every way it may fail, can be had at will.
 * SPDX-License-Identifier: MIT */
#ifndef FAKE_SUT_H
#define FAKE_SUT_H

#include "conform/run.h"

#define FAKE_MS SIPC_NS_PER_MS

enum fake_kind {
    FAKE_NONE, /* ends a table */
    FAKE_TX,
    FAKE_DELIVER,
    FAKE_RESULT,
    FAKE_STATE,
    FAKE_DISCARD,
    FAKE_EOF,
    FAKE_STATUS,      /* the call, or the wait at that moment, ends in `status` */
    FAKE_REFUSE,      /* the call's response is not ok; `word`: the error, `full`: unsupported */
    FAKE_REFUSED_SET, /* configure lists `word` as refused */
    FAKE_FLOOD,       /* a PDU after the other, without end, no time between */
};

struct fake_act {
    enum fake_kind kind;
    enum conform_op on; /* the request it answers */
    unsigned nth;       /* of its kind since reset, from 1; 0: each */
    unsigned attempt;   /* of the case, from 1; 0: each */
    uint64_t after_ns;
    const char *peer; /* NULL: P */
    int opcode;
    int64_t window_id;
    int32_t seq_nr;
    const char *options; /* "s_10=True;s_20=4"; of a delivery: its attributes */
    const char *data;
    const char *word;  /* outcome, state, error, setting */
    const char *label; /* NULL: the last operation's */
    int64_t code;
    bool has_code;
    bool full;     /* is_window_full and max_window_size as an engine's ack has them */
    bool cut;      /* the last byte is missing: it does not decode */
    bool stranger; /* of a session nobody opened */
    enum conform_sut_status status;
};

struct fake_sut {
    const struct fake_act *acts;
    bool wall, bare, stream, stuck;
    const char *const *capabilities; /* NULL-ended; NULL: all */
    uint64_t tick_ns;                /* 0: 1 */
    uint64_t lateness_ns;            /* in the first `late_attempts` cases */
    uint64_t call_ns;                /* what an answer takes there */
    unsigned late_attempts;
    size_t partial_bytes;
    const char *stderr_text;
    enum conform_sut_status restart_status;
    /* what happened */
    unsigned resets, restarts;
    char told[32][256]; /* "configure ...", "open ...", in order */
    size_t told_count;
    uint8_t *rx[32];
    size_t rx_size[32];
    size_t rx_count;
};

/* Parses header + body, runs case `index` and returns the record, which the caller clears; it fails
 * the test if the script has errors. `fake` is reset but for its settings. */
enum conform_sut_status fake_run(struct fake_sut *fake, const char *body, size_t index,
                                 const struct conform_run_options *options,
                                 struct conform_record *record);
void fake_clear(struct fake_sut *fake);
/* The script of the last fake_run dies at the next one, or here. */
void fake_done(void);

/* The four lines before the body: it begins at line 5 and blames WID-7 by default. */
#define FAKE_HEADER "sx 1\nid a-case\nrules WID-7 RCV-9\nrole receiver\n"

#endif
