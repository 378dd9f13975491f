/* An implementation that does one thing against the contract, or says what is not so, by the
 * environment's MISBEHAVES: the adapter template, and the endpoint behind it, until the PDU of the
 * number RX_GOOD.
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

static bool end_twice(void *sut, struct sipc_sut_out *out)
{
    static struct sipc_sut_out last;

    if (last.kind == SIPC_SUT_RESULT) {
        *out = last;
        last.kind = 0;
        return true;
    }
    if (!template_sut_v1()->next_out(sut, out))
        return false;
    last = *out;
    return true;
}

static int misbehaving_next_out(void *sut, struct sipc_sut_out *out)
{
    if (does("end twice"))
        return end_twice(sut, out);
    if (received > RX_GOOD && (does("endless") || does("kind"))) {
        *out = (struct sipc_sut_out){.kind = does("kind") ? 99 : SIPC_SUT_DISCARD, .word = "other"};
        return 1;
    }
    int there = template_sut_v1()->next_out(sut, out);
    if (there && out->kind == SIPC_SUT_RESULT && does("all is well")) {
        out->word = "ok";
        out->code = 0;
    }
    return there;
}

static int misbehaving_configure(void *sut, const struct sipc_sut_setting *settings, size_t count,
                                 const char *const **refused)
{
    static const char *lacking[] = {"max_sessions", "group_bytes_max", "window_id_max", NULL};
    size_t known = 0;
    bool lacks = false;

    if (does("refuse"))
        return SIPC_SUT_REFUSED;
    if (!does("lack"))
        return template_sut_v1()->configure(sut, settings, count, refused);
    struct sipc_sut_setting list[64];
    for (size_t i = 0; i < count && known < 64; i++) {
        bool mine = true;
        for (const char **name = lacking; *name != NULL; name++)
            mine = mine && strcmp(*name, settings[i].name) != 0;
        lacks = lacks || !mine;
        if (mine)
            list[known++] = settings[i];
    }
    int result = template_sut_v1()->configure(sut, list, known, refused);
    if (lacks)
        *refused = lacking;
    return result;
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
