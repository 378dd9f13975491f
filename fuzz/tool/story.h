/* An input told as a conformance case: what went in, and what came of it.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_STORY_H
#define FUZZ_STORY_H

#include <stdio.h>

#include "play/play.h"

/* Called for each PDU, in or out, with the time. */
typedef void fuzz_story_pdu(void *ctx, bool out, uint64_t peer, uint64_t at_ns,
                            struct sipc_span pdu);

/* Plays the input on the driver and writes it as a script with this id, printed by the project's
 * own printer. What the input comes to is left in `canonical`, which encodes to the same bytes
 * whenever this is done again with it. False: it cannot be said as a script; `errors` says why. */
bool fuzz_story_print(const struct fuzz_driver *driver, void *self, const struct sfz_input *input,
                      const char *id, FILE *out, FILE *errors, struct sfz_input *canonical,
                      struct fuzz_played *played, fuzz_story_pdu *pdu, void *ctx);

/* Plays the input on whatever it is meant for. */
typedef void fuzz_story_play(void *ctx, const struct sfz_input *input,
                             struct fuzz_finding *finding);
/* Leaves out of the input what is not needed for the same rule to be found broken. False: no oracle
 * is broken, and nothing was changed. */
bool fuzz_story_shrink(fuzz_story_play *play, void *ctx, struct sfz_input *input);

/* The input that a case of a script gives rise to when it is run on the engine. `memory` holds raw
 * PDUs and must live as long as the input. False: told. */
struct fuzz_seed {
    struct sfz_input input;
    uint8_t raw[SFZ_RECORDS_MAX][SFZ_RAW_MAX];
};
bool fuzz_story_seed(const char *path, size_t index, struct fuzz_seed *seed, FILE *errors);
/* How many cases the script has; 0: told. */
size_t fuzz_story_cases(const char *path, FILE *errors);

#endif
