/* The fewest records with which the same rule is found broken, and the usual settings where they
 * do: by leaving out ever smaller runs, until none can be spared.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "tool/story.h"

struct shrink {
    fuzz_story_play *play;
    void *ctx;
    struct fuzz_finding finding;
};

static bool same(const struct shrink *s, const struct sfz_input *input)
{
    struct fuzz_finding finding;

    s->play(s->ctx, input, &finding);
    return finding.found && finding.rule == s->finding.rule &&
           (finding.rule != SIPC_RULE_NONE || strcmp(finding.text, s->finding.text) == 0);
}

static bool without(const struct shrink *s, struct sfz_input *input, size_t at, size_t length)
{
    static struct sfz_input less;

    less = *input;
    memmove(&less.records[at], &less.records[at + length],
            (less.count - at - length) * sizeof less.records[0]);
    less.count -= length;
    if (!same(s, &less))
        return false;
    *input = less;
    return true;
}

static bool shrink_records(const struct shrink *s, struct sfz_input *input)
{
    bool any = false;

    for (size_t length = input->count; length > 0; length /= 2)
        for (size_t at = 0; at + length <= input->count;)
            if (without(s, input, at, length))
                any = true;
            else
                at += length;
    return any;
}

static void shrink_settings(const struct shrink *s, struct sfz_input *input)
{
    for (int i = 0; i < SFZ_SETTING_COUNT; i++) {
        int64_t value = input->settings[i];
        input->settings[i] = sfz_setting_info((enum sfz_setting)i)->usual;
        if (!same(s, input))
            input->settings[i] = value;
    }
}

bool fuzz_story_shrink(fuzz_story_play *play, void *ctx, struct sfz_input *input)
{
    struct shrink s = {.play = play, .ctx = ctx};

    play(ctx, input, &s.finding);
    if (!s.finding.found)
        return false;
    while (shrink_records(&s, input))
        ;
    shrink_settings(&s, input);
    return true;
}
