/* Counters that libFuzzer takes for coverage: an input that brings about something in a state where
 * it had not come about is worth keeping. Without libFuzzer they only count.
 * SPDX-License-Identifier: MIT */
#include "play/play.h"

#if defined(__linux__) && defined(__clang__)
__attribute__((section("__libfuzzer_extra_counters")))
#endif
static uint8_t counters[FUZZ_MARK_STATES][FUZZ_MARK_EVENTS][FUZZ_MARK_VERDICTS];

void fuzz_mark(unsigned state, unsigned event, unsigned verdict)
{
    uint8_t *counter =
        &counters[state % FUZZ_MARK_STATES][event % FUZZ_MARK_EVENTS][verdict % FUZZ_MARK_VERDICTS];

    *counter = (uint8_t)(*counter + (*counter < UINT8_MAX));
}

size_t fuzz_marks(void)
{
    const uint8_t *all = &counters[0][0][0];
    size_t count = 0;

    for (size_t i = 0; i < sizeof counters; i++)
        count += all[i] != 0;
    return count;
}
