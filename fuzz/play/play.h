/* Makes an input happen to an endpoint, under oracles: the judge on all that goes in and out, and
 * after every record what the driver finds wrong inside.
 *
 * What happens is a matter of the input and the endpoint alone. A tap sees each record as what it
 * came to: window ids from 0, no record that did nothing. Those records are an input in which the
 * same happens.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_PLAY_H
#define FUZZ_PLAY_H

#include "play/driver.h"
#include "play/pdu.h"

/* What was found: `rule` NONE where it is no rule's matter. */
struct fuzz_finding {
    bool found;
    enum sipc_rule rule;
    char text[640]; /* one sentence, with the rule's id in front */
};

struct fuzz_tap {
    /* A record, before it happens, as what it comes to; operation: of a send or close, 1..; bytes:
     * of a PDU. */
    void (*record)(void *ctx, uint64_t now_ns, const struct sfz_record *record, uint64_t operation,
                   struct sipc_span bytes);
    void (*out)(void *ctx, uint64_t now_ns, const struct fuzz_out *out); /* GAP is a discard */
    void *ctx;
};

struct fuzz_play_options {
    bool no_judge;
    bool advisories;            /* are findings, too; our own engine keeps all of them */
    const bool *off;            /* as judge_config.off */
    const struct fuzz_tap *tap; /* or NULL */
};

struct fuzz_played {
    struct fuzz_finding finding;
    uint64_t trace; /* hash of all that was put out */
    uint64_t state; /* of what the endpoint was in at the end, or 0 */
    uint64_t outs;
    enum sipc_rule exercised; /* with a tap: a MUST rule that was at stake for the judge; or NONE */
    size_t happened;          /* records that did something */
    bool refused;             /* the settings; nothing happened */
};

/* `input` as decoded. The driver is reset first. */
void fuzz_play(const struct fuzz_driver *driver, void *self, const struct sfz_input *input,
               const struct fuzz_play_options *options, struct fuzz_played *played);

/* A judge of an endpoint with these settings, in the memory of one that is done with, or NULL. */
struct judge *fuzz_judge(struct judge *used, const int64_t settings[SFZ_SETTING_COUNT],
                         const bool *off);

/* What was found first is kept. The others: what the driver finds wrong; the judge's, advisories
 * among them where they count. */
void fuzz_find(struct fuzz_finding *finding, enum sipc_rule rule, const char *text);
void fuzz_find_inside(struct fuzz_finding *finding, const struct fuzz_driver *driver, void *self);
void fuzz_find_judged(struct fuzz_finding *finding, const struct judge *judge, bool advisories);

/* The rule that demands a broken invariant of an endpoint: its text ends in "(RTY-3)"; or NONE. */
enum sipc_rule fuzz_invariant_rule(const char *broken);

/* How often what came about in which state, for libFuzzer to see (counters.c). */
enum { FUZZ_MARK_STATES = 6, FUZZ_MARK_EVENTS = 16, FUZZ_MARK_VERDICTS = 64 };
void fuzz_mark(unsigned state, unsigned event, unsigned verdict);
size_t fuzz_marks(void); /* how many different ones there were; libFuzzer begins anew each time */

/* Attributes of a message of this kind, and of these bytes of room for large ones. */
size_t fuzz_attributes(enum sfz_attributes kind, struct judge_attribute out[4]);

#endif
