/* Fuzz target that must fail: a session as in fuzz_session, of an endpoint whose acks of success
 * beyond the second window name one PDU too many. Where it does not fail, oracles are not looked
 * at, or inputs do not get anywhere.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "targets/session.h"

const uint32_t target_ops = OPS(SFZ_PDU) | OPS(SFZ_WAIT) | OPS(SFZ_OPEN) | OPS(SFZ_SEND);

static bool broken_next_out(void *self, struct fuzz_out *out)
{
    static uint8_t bytes[FUZZ_PDU_MAX];
    struct sipc_pdu pdu;

    if (!fuzz_engine_driver.next_out(self, out))
        return false;
    if (out->kind == JUDGE_TX && sipc_pdu_decode(out->bytes, &pdu) == SIPC_DISCARD_NONE &&
        pdu.opcode == SIPC_DATA_ACK && pdu.error_code == 0 && pdu.window_id >= 2) {
        memcpy(bytes, out->bytes.data, out->bytes.size);
        bytes[45]++;
        out->bytes.data = bytes;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfz_input input;
    static struct fuzz_engine *engine;
    struct fuzz_driver broken = fuzz_engine_driver;
    struct fuzz_played played;

    if (engine == NULL)
        engine = fuzz_engine_new(target_engine());
    broken.next_out = broken_next_out;
    session_decode(data, size, target_ops, &input);
    session_play(&broken, engine, &input, &played);
    return 0;
}
