/* Tests that play one input: it broke an oracle once, and must not again.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_REGRESS_H
#define FUZZ_REGRESS_H

#include <stdio.h>

#include "play/play.h"

static int regress_play(const uint8_t *bytes, size_t size)
{
    static struct sfz_input input;
    struct fuzz_engine *engine = fuzz_engine_new(&simnet_explore_engine);
    struct fuzz_play_options options = {.advisories = true};
    struct fuzz_played played;

    sfz_decode(bytes, size, &input);
    fuzz_play(&fuzz_engine_driver, engine, &input, &options, &played);
    fuzz_engine_free(engine);
    if (played.finding.found)
        fprintf(stderr, "oracle broken: %s\n", played.finding.text);
    return played.finding.found || played.refused || played.happened == 0;
}

#define REGRESS_MAIN(input)                                                                        \
    int main(void)                                                                                 \
    {                                                                                              \
        return regress_play(input, sizeof(input));                                                 \
    }

#endif
