/* See pair_scenario.h.
 * SPDX-License-Identifier: MIT */
#include "targets/pair_scenario.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENT_MAX = 8192 };

/* The transmissions so far, as a fault names them. */
static struct sent {
    int64_t window_id;
    int32_t seq_nr;
    uint8_t opcode, side;
} sent[SENT_MAX];
static size_t sent_count;
static bool differs; /* from what a link of the simulator can do */

static void say_host(const char *name, const int64_t settings[SFZ_SETTING_COUNT], const char *sut)
{
    printf("host %s", name);
    for (int k = 0; k < SFZ_SETTING_COUNT; k++) {
        const char *word = sfz_setting_info((enum sfz_setting)k)->name;
        int size = (int)strlen(word);
        const char *unit = "";
        if (k == SFZ_MANUAL || k == SFZ_STREAM || k == SFZ_ACCEPT || k == SFZ_REQUIRE_FIRST)
            continue;
        if (size > 3 && strcmp(word + size - 3, "_ms") == 0) {
            unit = "ms";
            size -= 3;
        } else if (k == SFZ_MTU || k == SFZ_ATTRIBUTE_LIMIT || k == SFZ_GROUP_BYTES_MAX) {
            unit = "B";
        }
        printf(" %.*s %" PRId64 "%s", size, word, settings[k], unit);
    }
    if (sut != NULL)
        printf(" sut \"%s\"", sut);
    putchar('\n');
}

void pair_scenario_begin(const int64_t settings[SFZ_SETTING_COUNT], uint64_t delay_ms,
                         const char *sut)
{
    sent_count = 0;
    differs = false;
    printf("# An input of fuzz_pair.\nsx 1\nid pair\n\nworld\n");
    say_host("a", settings, sut);
    say_host("b", settings, sut);
    printf("link a<>b delay %" PRIu64 "ms reorders\nsession S of a>b\nchance off\n", delay_ms);
    fflush(stdout);
}

void pair_scenario_at(uint64_t now_ns, unsigned side, const char *format, ...)
{
    va_list args;

    printf("at %" PRIu64 "ns %c ", now_ns, "ab"[side]);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* The how manieth transmission of this PDU it is, from 1. */
static unsigned count_transmission(unsigned side, const struct sipc_pdu *pdu)
{
    const struct sent now = {pdu->window_id, pdu->seq_nr, pdu->opcode, (uint8_t)side};
    unsigned count = 1;

    for (size_t i = 0; i < sent_count; i++)
        count += sent[i].window_id == now.window_id && sent[i].seq_nr == now.seq_nr &&
                 sent[i].opcode == now.opcode && sent[i].side == now.side;
    if (sent_count < SENT_MAX)
        sent[sent_count++] = now;
    return count;
}

void pair_scenario_sent(unsigned side, struct sipc_span bytes, unsigned kind, uint64_t value_ms)
{
    struct sipc_pdu pdu;
    char which[160];

    if (sipc_pdu_decode(bytes, &pdu) != SIPC_DISCARD_NONE)
        return;
    snprintf(which, sizeof which, "fault %s %s %" PRId64 ":%" PRId32 " in S xmit %u",
             side == 0 ? "a>b" : "b>a", sipc_opcode_name(pdu.opcode), pdu.window_id, pdu.seq_nr,
             count_transmission(side, &pdu));
    if (kind == SFZ_LOSE)
        printf("%s lost\n", which);
    else if (kind == SFZ_NOT_SENT)
        printf(
            "# did not leave, and that was told, which a link cannot: here it is lost\n%s lost\n",
            which);
    else if (kind == SFZ_DELAY)
        printf("%s delay %" PRIu64 "ms\n", which, value_ms);
    else if (kind == SFZ_DOUBLE)
        printf("%s copies 1\n%s copy 1 delay %" PRIu64 "ms\n", which, which, value_ms);
    differs = differs || kind == SFZ_NOT_SENT;
    fflush(stdout);
}

void pair_scenario_end(uint64_t now_ns, bool cut, const struct pair_scenario_ended *ended)
{
    printf("until %" PRIu64 "ns\n", now_ns);
    if (differs || cut)
        printf("# %s: nothing is expected\n", cut ? "too long, and cut" : "something else happens");
    if (differs || cut)
        return;
    printf("expect ended ok == %zu of send\n", ended->sends);
    printf("expect ended ok == %zu of send_unreliable\n", ended->unreliable);
    printf("expect ended ok == %zu of close\n", ended->closes);
    printf("expect entered == %zu\nexpect unused_faults == 0\n", sent_count);
    fflush(stdout);
}
