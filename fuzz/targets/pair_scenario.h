/* What two endpoints lived, as a scenario of the simulator that makes the same happen: commands,
 * and what became of each PDU. Written to stdout as it happens, so that all of it is there when an
 * oracle breaks. SPDX-License-Identifier: MIT */
#ifndef FUZZ_PAIR_SCENARIO_H
#define FUZZ_PAIR_SCENARIO_H

#include "input/input.h"
#include "sipc/pdu.h"

/* Hosts a and b with these settings, of the implementation `sut` (NULL: the engine), and the link.
 */
void pair_scenario_begin(const int64_t settings[SFZ_SETTING_COUNT], uint64_t delay_ms,
                         const char *sut);
/* A command of side 0 or 1, as a statement has it. */
void pair_scenario_at(uint64_t now_ns, unsigned side, const char *format, ...) SIPC_PRINTF(3, 4);
/* A PDU leaves, and `kind` befalls it, or nothing (SFZ_FAULT_COUNT). */
void pair_scenario_sent(unsigned side, struct sipc_span pdu, unsigned kind, uint64_t value_ms);
/* What came of all of it, operations that ended well: the scenario expects the same, but where
 * something cannot be said, or the input was `cut` for its length. */
struct pair_scenario_ended {
    size_t sends, unreliable, closes;
};
void pair_scenario_end(uint64_t now_ns, bool cut, const struct pair_scenario_ended *ended);

#endif
