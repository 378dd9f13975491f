/* Fuzz target: any bytes as a PDU. Oracles: the engine's decoder agrees with the plain one of
 * reference_pdu.c on accept or discard, the reason and every field; encoding what was decoded gives
 * the bytes again; options walked and encoded one by one give the options again; a long attribute
 * that decodes survives encoding.
 *
 * An input is tried as it is, and where its lengths or prefix are wrong again with those mended, as
 * hardly any mutation gets past them.
 * SPDX-License-Identifier: MIT */
#include "targets/exact.h"

#include <string.h>

#include "targets/check_pdu.h"

/* Writes the true total length, and the session's prefix where the first terminator seems to be. */
static void mend(uint8_t *bytes, size_t size)
{
    bytes[0] = (uint8_t)(size >> 8);
    bytes[1] = (uint8_t)size;
    size_t at = 47;
    while (at + 10 <= size) {
        size_t length = (size_t)(bytes[at] << 8 | bytes[at + 1]);
        if (length == 0) {
            memcpy(bytes + at + 2, bytes + 2, 8);
            return;
        }
        const uint8_t *nul = memchr(bytes + at + 2, 0, size - at - 2);
        size_t again = nul == NULL ? size : (size_t)(nul - bytes) + 1;
        if (again + 2 <= size) {
            bytes[again] = bytes[at];
            bytes[again + 1] = bytes[at + 1];
        }
        at += 4 + length;
    }
}

const uint32_t target_ops = 0;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_pdu((struct sipc_span){data, size});
    if (size < SIPC_PDU_SIZE_MIN || size > SIPC_PDU_SIZE_MAX)
        return 0;
    static EXACT(block, SIPC_PDU_SIZE_MAX);
    uint8_t *mended = exact(block, sizeof block, size);
    memcpy(mended, data, size);
    mend(mended, size);
    if (memcmp(mended, data, size) != 0)
        check_pdu((struct sipc_span){mended, size});
    return 0;
}
