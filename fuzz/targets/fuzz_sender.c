/* Fuzz target: an endpoint as sender: commands, acks, aftermaths and time. Oracles: the judge, the
 * engine's invariants, snapshots. SPDX-License-Identifier: MIT */
#include "targets/session.h"

const uint32_t target_ops = OPS(SFZ_OPEN) | OPS(SFZ_PRESET) | OPS(SFZ_SEND) | OPS(SFZ_CLOSE) |
                            OPS(SFZ_PDU) | OPS(SFZ_REPEAT) | OPS(SFZ_SENT) | OPS(SFZ_WAIT);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session_one_input(data, size, target_ops);
    return 0;
}
