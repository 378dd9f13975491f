/* Makes an input happen to two endpoints and a link between them that loses, doubles, delays and
 * refuses PDUs. Oracles: a judge beside each; the engines' invariants; what one sends reaches the
 * other once, in order and whole; an operation that ended ok did. Then the link heals, and within a
 * bound every operation has ended and nothing is under way any more.
 *
 * A record's side says whose command it is. Time passes in waits alone. What happened can be told
 * as a scenario, which the simulator lives through again. SPDX-License-Identifier: MIT */
#ifndef FUZZ_PAIR_H
#define FUZZ_PAIR_H

#include <stdio.h>

#include "play/play.h"

struct fuzz_pair_options {
    const struct fuzz_driver *driver; /* of both */
    void *selves[2];
    bool advisories; /* are findings, too; our own engine keeps all of them */
    const bool *off; /* as judge_config.off */
    /* The scenario is written here as it happens; NULL: nowhere. Its id, and what else than the
     * engine both hosts are (NULL: the engine). */
    FILE *scenario;
    const char *id, *sut;
};

struct fuzz_pair_played {
    struct fuzz_finding finding; /* nothing happened after it */
    size_t events;      /* what either put out, and moments at which PDUs came or time ran */
    uint64_t states[2]; /* hashes of the endpoints' at the end, or 0 */
    bool refused;       /* the settings; nothing happened */
};

/* `input` as decoded; records that a pair has no use for do nothing. */
void fuzz_pair_play(const struct sfz_input *input, const struct fuzz_pair_options *options,
                    struct fuzz_pair_played *played);

#endif
