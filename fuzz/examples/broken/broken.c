/* A broken implementation, to try the fuzz targets on: the adapter template, and the endpoint
 * behind it, but an ack that says three PDUs or more are held in a row says one more than there are
 * (ACK-1). SPDX-License-Identifier: MIT */
#include <string.h>

#define sipc_sut_v1 template_sut_v1
#include "../../../conformance/sut/templates/adapter.c"
#undef sipc_sut_v1
const struct sipc_sut *sipc_sut_v1(void);

enum { SEQ_NR_AT = 42, OPCODE_AT = 46, DATA_ACK = 2 }; /* WIRE-1 */

static int broken_next_out(void *sut, struct sipc_sut_out *out)
{
    static uint8_t pdu[65536];

    if (!next_out(sut, out))
        return 0;
    if (out->kind == SIPC_SUT_TX && out->bytes.data[OPCODE_AT] == DATA_ACK &&
        out->bytes.data[SEQ_NR_AT + 3] >= 2) {
        memcpy(pdu, out->bytes.data, out->bytes.size);
        pdu[SEQ_NR_AT + 3]++;
        out->bytes.data = pdu;
    }
    return 1;
}

const struct sipc_sut *sipc_sut_v1(void)
{
    static struct sipc_sut table;

    table = *template_sut_v1();
    table.name = "broken";
    table.next_out = broken_next_out;
    return &table;
}
