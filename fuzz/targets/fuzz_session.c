/* Fuzz target: one endpoint, all that can happen to it: commands, PDUs of several peers and
 * sessions, aftermaths and time, in every state. Oracles: the judge, the engine's invariants,
 * snapshots. SPDX-License-Identifier: MIT */
#include "targets/session.h"

const uint32_t target_ops = ~(OPS(SFZ_FAULT) | OPS(SFZ_NOP) | OPS(SFZ_SET));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session_one_input(data, size, target_ops);
    return 0;
}
