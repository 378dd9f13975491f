/* See session.h.
 * SPDX-License-Identifier: MIT */
#include "targets/session.h"

#include <xxhash.h>

void session_decode(const uint8_t *data, size_t size, uint32_t ops, struct sfz_input *input)
{
    size_t kept = 0;

    sfz_decode(data, size, input);
    for (size_t i = 0; i < input->count; i++)
        if ((ops >> input->records[i].op & 1) != 0)
            input->records[kept++] = input->records[i];
    input->count = kept;
}

void session_play(const struct fuzz_driver *driver, void *self, const struct sfz_input *input,
                  struct fuzz_played *played)
{
    struct fuzz_play_options options = {.advisories = target_is_engine(), .off = target_off()};

    fuzz_play(driver, self, input, &options, played);
    target_begun(played->refused);
    if (played->finding.found)
        target_break(played->finding.rule, "%s", played->finding.text);
    target_note(played->trace);
    target_note(played->state);
}

/* From snapshots of itself the endpoint does the same, and ends in the same state. */
static void session_again(const struct sfz_input *input, const struct fuzz_played *first)
{
    static struct fuzz_engine *moving;
    struct fuzz_play_options options = {.no_judge = true};
    struct fuzz_played played;

    if (moving == NULL) {
        moving = fuzz_engine_new(target_engine());
        fuzz_engine_moves(moving, true);
    }
    fuzz_play(&fuzz_engine_driver, moving, input, &options, &played);
    FUZZ_CHECK(played.trace == first->trace && played.outs == first->outs,
               "from snapshots the same comes out");
    FUZZ_CHECK(played.state == first->state, "from snapshots the same state is reached");
}

void session_one_input(const uint8_t *data, size_t size, uint32_t ops)
{
    static struct sfz_input input;
    struct fuzz_played played;
    void *self;
    const struct fuzz_driver *driver = target_driver(&self);

    session_decode(data, size, ops, &input);
    session_play(driver, self, &input, &played);
    if (target_is_engine() && !played.refused && XXH3_64bits(data, size) % SESSION_SHARE == 0)
        session_again(&input, &played);
}
