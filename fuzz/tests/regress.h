/* Tests that play one input: it broke an oracle once, and must not again.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_REGRESS_H
#define FUZZ_REGRESS_H

#include <stdio.h>

#include "play/pair.h"

static inline int regress_ended(const struct fuzz_finding *finding, bool played)
{
    if (finding->found)
        fprintf(stderr, "oracle broken: %s\n", finding->text);
    return finding->found || !played;
}

static inline int regress_play(const uint8_t *bytes, size_t size)
{
    static struct sfz_input input;
    struct fuzz_engine *engine = fuzz_engine_new(&simnet_explore_engine);
    struct fuzz_play_options options = {.advisories = true};
    struct fuzz_played played;

    sfz_decode(bytes, size, &input);
    fuzz_play(&fuzz_engine_driver, engine, &input, &options, &played);
    fuzz_engine_free(engine);
    return regress_ended(&played.finding, !played.refused && played.happened > 0);
}

/* Of fuzz_pair. */
static inline int regress_play_pair(const uint8_t *bytes, size_t size)
{
    static struct sfz_input input;
    struct fuzz_pair_options options = {.driver = &fuzz_engine_driver, .advisories = true};
    struct fuzz_pair_played played;

    sfz_decode(bytes, size, &input);
    for (int i = 0; i < 2; i++)
        options.selves[i] = fuzz_engine_new(&simnet_explore_engine);
    fuzz_pair_play(&input, &options, &played);
    for (int i = 0; i < 2; i++)
        fuzz_engine_free(options.selves[i]);
    return regress_ended(&played.finding, !played.refused && played.events > 0);
}

#define REGRESS_MAIN(input)                                                                        \
    int main(void)                                                                                 \
    {                                                                                              \
        return regress_play(input, sizeof(input));                                                 \
    }
#define REGRESS_PAIR_MAIN(input)                                                                   \
    int main(void)                                                                                 \
    {                                                                                              \
        return regress_play_pair(input, sizeof(input));                                            \
    }

#endif
