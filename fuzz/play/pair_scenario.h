/* What two endpoints lived, as a scenario of the simulator that makes the same happen: commands,
 * and what became of each PDU. Written as it happens, so that all of it is there when an endpoint
 * crashes. SPDX-License-Identifier: MIT */
#ifndef FUZZ_PAIR_SCENARIO_H
#define FUZZ_PAIR_SCENARIO_H

#include <stdio.h>

#include "input/input.h"
#include "sipc/pdu.h"

enum { PAIR_SENT_MAX = 8192 };

struct pair_scenario {
    FILE *out;    /* the caller's; NULL: nothing is written */
    bool differs; /* from what a link of the simulator can do */
    size_t sent_count;
    struct pair_sent {
        int64_t window_id;
        int32_t seq_nr;
        uint8_t opcode, side;
    } sent[PAIR_SENT_MAX]; /* the transmissions so far, as a fault names them */
};

/* Hosts a and b with these settings, of the implementation `sut` (NULL: the engine), and the link.
 */
void pair_scenario_begin(struct pair_scenario *scenario, const char *id,
                         const int64_t settings[SFZ_SETTING_COUNT], uint64_t delay_ms,
                         const char *sut);
/* A command of side 0 or 1, as a statement has it. */
void pair_scenario_at(struct pair_scenario *scenario, uint64_t now_ns, unsigned side,
                      const char *format, ...) SIPC_PRINTF(4, 5);
/* A PDU leaves, and `kind` befalls it, or nothing (SFZ_FAULT_COUNT). */
void pair_scenario_sent(struct pair_scenario *scenario, unsigned side, struct sipc_span pdu,
                        unsigned kind, uint64_t value_ms);
/* What came of all of it, operations that ended well: the scenario expects the same, but where
 * something cannot be said, or the input was `cut` for its length. */
struct pair_scenario_ended {
    size_t sends, unreliable, closes;
};
void pair_scenario_end(struct pair_scenario *scenario, uint64_t now_ns, bool cut,
                       const struct pair_scenario_ended *ended);
/* Or an oracle was broken: nothing is expected. */
void pair_scenario_broken(struct pair_scenario *scenario, const char *text);

#endif
