/* Targets that play an input to one endpoint under the judge: they differ in which records happen.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_SESSION_H
#define FUZZ_SESSION_H

#include "play/play.h"
#include "targets/target.h"

#define OPS(op) (UINT32_C(1) << (op))
enum {
    SESSION_SHARE = 8, /* one of so many inputs is played again from snapshots */
};

/* The input, with the records of `ops` alone. Its storage is the caller's. */
void session_decode(const uint8_t *data, size_t size, uint32_t ops, struct sfz_input *input);

/* Plays it; an oracle that is broken ends the program. */
void session_play(const struct fuzz_driver *driver, void *self, const struct sfz_input *input,
                  struct fuzz_played *played);

/* Both, and for a share of the inputs again, with the engine moved to another block whenever it is
 * at rest: the same must come out. */
void session_one_input(const uint8_t *data, size_t size, uint32_t ops);

#endif
