/* An implementation that does one thing against the contract, by the environment's MISBEHAVES: the
 * adapter template, and the endpoint behind it, until the PDU of the number RX_GOOD.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#define sipc_sut_v1 template_sut_v1
#include "../../conformance/sut/templates/adapter.c"
#undef sipc_sut_v1
const struct sipc_sut *sipc_sut_v1(void);

enum { RX_GOOD = 10 };
static int received;

static bool does(const char *what)
{
    const char *misbehaves = getenv("MISBEHAVES");

    return misbehaves != NULL && strcmp(misbehaves, what) == 0;
}

static int misbehaving_rx(void *sut, const char *from, struct sipc_sut_bytes pdu)
{
    if (++received <= RX_GOOD)
        return template_sut_v1()->rx(sut, from, pdu);
    if (does("exit"))
        exit(0);
    if (does("abort"))
        abort();
    while (does("hang"))
        ;
    return does("status") ? 77 : template_sut_v1()->rx(sut, from, pdu);
}

static int misbehaving_next_out(void *sut, struct sipc_sut_out *out)
{
    if (received <= RX_GOOD || !(does("endless") || does("kind")))
        return template_sut_v1()->next_out(sut, out);
    *out = (struct sipc_sut_out){.kind = does("kind") ? 99 : SIPC_SUT_DISCARD, .word = "other"};
    return 1;
}

static int misbehaving_configure(void *sut, const struct sipc_sut_setting *settings, size_t count,
                                 const char *const **refused)
{
    return does("refuse") ? SIPC_SUT_REFUSED
                          : template_sut_v1()->configure(sut, settings, count, refused);
}

static uint64_t misbehaving_deadline(const void *sut)
{
    return does("past") ? 1 : template_sut_v1()->deadline(sut);
}

const struct sipc_sut *sipc_sut_v1(void)
{
    static struct sipc_sut table;

    table = *template_sut_v1();
    table.name = "misbehaving";
    table.version = does("version") ? 9 : SIPC_SUT_VERSION;
    table.rx = does("nothing") ? NULL : misbehaving_rx;
    table.next_out = misbehaving_next_out;
    table.configure = misbehaving_configure;
    table.deadline = misbehaving_deadline;
    return &table;
}
