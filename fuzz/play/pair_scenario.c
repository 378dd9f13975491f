/* See pair_scenario.h.
 * SPDX-License-Identifier: MIT */
#include "play/pair_scenario.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say_host(FILE *out, const char *name, const int64_t settings[SFZ_SETTING_COUNT],
                     const char *sut)
{
    fprintf(out, "host %s", name);
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
        fprintf(out, " %.*s %" PRId64 "%s", size, word, settings[k], unit);
    }
    if (sut != NULL)
        fprintf(out, " sut \"%s\"", sut);
    fputc('\n', out);
}

void pair_scenario_begin(struct pair_scenario *s, const char *id,
                         const int64_t settings[SFZ_SETTING_COUNT], uint64_t delay_ms,
                         const char *sut)
{
    s->sent_count = 0;
    s->differs = false;
    if (s->out == NULL)
        return;
    fprintf(s->out, "# An input of fuzz_pair.\nsx 1\nid %s\n\nworld\n", id);
    say_host(s->out, "a", settings, sut);
    say_host(s->out, "b", settings, sut);
    fprintf(s->out, "link a<>b delay %" PRIu64 "ms reorders\nsession S of a>b\nchance off\n",
            delay_ms);
    fflush(s->out);
}

void pair_scenario_at(struct pair_scenario *s, uint64_t now_ns, unsigned side, const char *format,
                      ...)
{
    va_list args;

    if (s->out == NULL)
        return;
    fprintf(s->out, "at %" PRIu64 "ns %c ", now_ns, "ab"[side]);
    va_start(args, format);
    vfprintf(s->out, format, args);
    va_end(args);
    fputc('\n', s->out);
    fflush(s->out);
}

/* The how manieth transmission of this PDU it is, from 1. */
static unsigned count_transmission(struct pair_scenario *s, unsigned side,
                                   const struct sipc_pdu *pdu)
{
    const struct pair_sent now = {pdu->window_id, pdu->seq_nr, pdu->opcode, (uint8_t)side};
    unsigned count = 1;

    for (size_t i = 0; i < s->sent_count; i++)
        count += s->sent[i].window_id == now.window_id && s->sent[i].seq_nr == now.seq_nr &&
                 s->sent[i].opcode == now.opcode && s->sent[i].side == now.side;
    if (s->sent_count < PAIR_SENT_MAX)
        s->sent[s->sent_count++] = now;
    return count;
}

void pair_scenario_sent(struct pair_scenario *s, unsigned side, struct sipc_span bytes,
                        unsigned kind, uint64_t value_ms)
{
    struct sipc_pdu pdu;
    char which[160];

    if (s->out == NULL || sipc_pdu_decode(bytes, &pdu) != SIPC_DISCARD_NONE)
        return;
    snprintf(which, sizeof which, "fault %s %s %" PRId64 ":%" PRId32 " in S xmit %u",
             side == 0 ? "a>b" : "b>a", sipc_opcode_name(pdu.opcode), pdu.window_id, pdu.seq_nr,
             count_transmission(s, side, &pdu));
    if (kind == SFZ_LOSE)
        fprintf(s->out, "%s lost\n", which);
    else if (kind == SFZ_NOT_SENT)
        fprintf(
            s->out,
            "# did not leave, and that was told, which a link cannot: here it is lost\n%s lost\n",
            which);
    else if (kind == SFZ_DELAY)
        fprintf(s->out, "%s delay %" PRIu64 "ms\n", which, value_ms);
    else if (kind == SFZ_DOUBLE)
        fprintf(s->out, "%s copies 1\n%s copy 1 delay %" PRIu64 "ms\n", which, which, value_ms);
    s->differs = s->differs || kind == SFZ_NOT_SENT;
    fflush(s->out);
}

void pair_scenario_end(struct pair_scenario *s, uint64_t now_ns, bool cut,
                       const struct pair_scenario_ended *ended)
{
    if (s->out == NULL)
        return;
    fprintf(s->out, "until %" PRIu64 "ns\n", now_ns);
    if (s->differs || cut)
        fprintf(s->out, "# %s: nothing is expected\n",
                cut ? "too long, and cut" : "something else happens");
    if (s->differs || cut)
        return;
    fprintf(s->out, "expect ended ok == %zu of send\n", ended->sends);
    fprintf(s->out, "expect ended ok == %zu of send_unreliable\n", ended->unreliable);
    fprintf(s->out, "expect ended ok == %zu of close\n", ended->closes);
    fprintf(s->out, "expect entered == %zu\nexpect unused_faults == 0\n", s->sent_count);
    fflush(s->out);
}

void pair_scenario_broken(struct pair_scenario *s, const char *text)
{
    if (s->out != NULL)
        fprintf(s->out, "# %s\n", text);
}
