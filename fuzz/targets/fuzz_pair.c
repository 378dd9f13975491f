/* Fuzz target: two endpoints and a link between them; the oracles are those of play/pair.h.
 * SPDX-License-Identifier: MIT */
#include "play/pair.h"
#include "targets/session.h"

const uint32_t target_ops = OPS(SFZ_OPEN) | OPS(SFZ_SEND) | OPS(SFZ_CLOSE) | OPS(SFZ_WAIT) |
                            OPS(SFZ_FAULT) | OPS(SFZ_DISPOSE) | OPS(SFZ_PRESET);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfz_input input;
    struct fuzz_pair_options options = {.advisories = target_is_engine(), .off = target_off()};
    struct fuzz_pair_played played;

    for (int i = 0; i < 2; i++)
        options.driver = target_side(i, &options.selves[i]);
    session_decode(data, size, target_ops, &input);
    fuzz_pair_play(&input, &options, &played);
    target_begun(played.refused);
    if (played.finding.found)
        target_break(played.finding.rule, "%s", played.finding.text);
    if (played.refused)
        return 0;
    target_count(played.events);
    for (int i = 0; i < 2; i++)
        target_note(played.states[i]);
    return 0;
}
