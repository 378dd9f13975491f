/* Fuzz target: an endpoint as receiver: PDUs and time, and sessions that it opened itself. Oracles:
 * the judge, the engine's invariants, snapshots. SPDX-License-Identifier: MIT */
#include "targets/session.h"

const uint32_t target_ops =
    OPS(SFZ_PDU) | OPS(SFZ_RAW) | OPS(SFZ_REPEAT) | OPS(SFZ_WAIT) | OPS(SFZ_OPEN) | OPS(SFZ_PRESET);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session_one_input(data, size, target_ops);
    return 0;
}
