/* A shared object that breaks the C ABI in the way that the environment variable BAD_SO names.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform/sut_abi.h"

static uint64_t now_ns;
static int pulled = 1; /* one output per rx */

static int bad(const char *how)
{
    const char *named = getenv("BAD_SO");
    return named && strcmp(named, how) == 0;
}

static void *bad_create(void)
{
    return bad("no_create") ? NULL : &now_ns;
}

static void bad_destroy(void *sut)
{
    (void)sut;
}

static int bad_reset(void *sut)
{
    (void)sut;
    now_ns = 0;
    return 0;
}

static int bad_rx(void *sut, const char *from, struct sipc_sut_bytes pdu)
{
    (void)sut;
    (void)from;
    (void)pdu;
    pulled = 0;
    if (bad("crashes")) {
        fprintf(stderr, "bad_so: cannot go on\n");
        abort();
    }
    while (bad("hangs")) {
    }
    if (bad("chatters")) {
        puts("{\"id\": 3, \"ok\": true}"); /* looks like a response, where there is one too many */
        fflush(stdout);
    }
    return bad("odd_result") ? 42 : bad("refuses") ? SIPC_SUT_REFUSED : 0;
}

static int bad_advance(void *sut, uint64_t to_ns)
{
    (void)sut;
    now_ns = to_ns;
    return 0;
}

static int bad_state(void *sut, const uint8_t *session, const char *remote, const char **state)
{
    (void)sut;
    (void)session;
    (void)remote;
    *state = "confused";
    return 0;
}

static uint64_t bad_deadline(const void *sut)
{
    (void)sut;
    if (bad("tick_deadline")) {
        return now_ns + 8000000;
    }
    if (bad("polls")) {
        return now_ns + 1000000;
    }
    return bad("never_rests") ? now_ns + 1 : bad("past_deadline") ? now_ns : UINT64_MAX;
}

static int bad_next_out(void *sut, struct sipc_sut_out *out)
{
    (void)sut;
    out->kind = bad("odd_kind") ? 77 : SIPC_SUT_TX;
    out->remote = bad("no_peer") ? NULL : "P";
    if (bad("odd_word")) {
        static const uint8_t session[32];
        out->kind = SIPC_SUT_STATE;
        out->session = session;
        out->word = "sleepy";
    }
    return bad("endless") ||
           (pulled++ == 0 && (bad("odd_kind") || bad("no_peer") || bad("odd_word")));
}

const struct sipc_sut *sipc_sut_v1(void)
{
    static struct sipc_sut table = {
        .size = sizeof table,
        .version = SIPC_SUT_VERSION,
        .create = bad_create,
        .destroy = bad_destroy,
        .reset = bad_reset,
        .rx = bad_rx,
        .advance = bad_advance,
        .state = bad_state,
        .deadline = bad_deadline,
        .next_out = bad_next_out,
    };
    table.size = bad("size") ? 8 : sizeof table;
    table.version = bad("version") ? 7 : SIPC_SUT_VERSION;
    table.tick_ns = bad("tick") || bad("tick_deadline") ? 7000000 : 0;
    table.rx = bad("no_rx") ? NULL : bad_rx;
    return bad("no_table") ? NULL : &table;
}
