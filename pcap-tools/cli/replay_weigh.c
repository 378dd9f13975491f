/* What a replay sent otherwise than the capture. See replay.h.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "replay_engine.h"

void replay_differs(struct replay_result *result, enum sipc_rule rule, uint64_t at_ns,
                    uint64_t frame, const struct replay_session *session, const char *played,
                    const char *captured)
{
    result->differences = replay_grow(result->differences, result->difference_count,
                                      &result->difference_room, sizeof *result->differences);
    struct replay_difference *difference = &result->differences[result->difference_count++];
    *difference = (struct replay_difference){rule, at_ns, frame, session, NULL, NULL};
    difference->played = played != NULL ? strdup(played) : NULL;
    difference->captured = captured != NULL ? strdup(captured) : NULL;
}

static void weigh_words(const uint8_t *bytes, size_t size, int64_t id, char *out, size_t room)
{
    struct pcapt_item item = {.kind = PCAPT_ITEM_PDU, .bytes = {bytes, size}, .wire_size = size};

    item.discard = sipc_pdu_decode(item.bytes, &item.pdu);
    item.pdu.window_id = id;
    pcap_describe(&item, out, room);
}

/* Whether a like PDU was sent before, in the capture. */
static bool weigh_again(const struct engine *engine, const struct replay_session *session,
                        const struct sipc_pdu *pdu, int64_t id, uint64_t at_ns, size_t end)
{
    for (size_t i = 0; i < end; i++) {
        const struct replay_pdu *other = &engine->capture->pdus[session->sent[i]];
        if (other->at_ns > at_ns)
            break;
        const struct sipc_pdu decoded = replay_decoded(other);
        if (decoded.opcode == pdu->opcode && decoded.window_id == id &&
            decoded.seq_nr == pdu->seq_nr)
            return true;
    }
    return false;
}

static struct replay_op *weigh_op_of(const struct replay_session *session, int64_t id)
{
    for (size_t i = 0; i < session->op_count; i++)
        for (size_t w = 0; w < session->ops[i].window_count; w++)
            if (session->ops[i].windows[w].id == id)
                return &session->ops[i];
    return NULL;
}

/* The captured PDU that stands for one that was played; -1: none. */
static int64_t weigh_like(const struct engine *engine, const struct replay_session *session,
                          const struct engine_extra *extra, const struct sipc_pdu *pdu)
{
    const bool by_seq = pdu->opcode == SIPC_DATA || pdu->opcode == SIPC_CLOSE;

    for (size_t i = 0; i < session->sent_count; i++) {
        const uint32_t index = session->sent[i];
        const struct replay_pdu *captured = &engine->capture->pdus[index];
        if (captured->at_ns > extra->at_ns + engine->tolerance_ns)
            break;
        if (engine->plan->marks[index] != REPLAY_WANTED ||
            captured->at_ns + engine->tolerance_ns < extra->at_ns)
            continue;
        const struct sipc_pdu decoded = replay_decoded(captured);
        if (decoded.opcode == pdu->opcode && decoded.window_id == extra->id &&
            (!by_seq || decoded.seq_nr == pdu->seq_nr))
            return index;
    }
    return -1;
}

/* One that was played and not captured. */
static void weigh_extra(struct engine *engine, struct replay_session *session,
                        const struct engine_extra *extra)
{
    const struct sipc_span bytes = {extra->bytes, extra->size};
    char played[160], captured[160];
    struct sipc_pdu pdu;

    SIPC_ASSERT(sipc_pdu_decode(bytes, &pdu) == SIPC_DISCARD_NONE);
    if (extra->op != NULL && extra->op->cut)
        return;
    weigh_words(extra->bytes, extra->size, extra->id, played, sizeof played);
    const int64_t like = weigh_like(engine, session, extra, &pdu);
    if (like < 0) {
        const bool open_end = extra->op != NULL && !extra->op->whole;
        if (open_end || extra->at_ns + engine->tolerance_ns > engine->capture->last_ns) {
            engine->result->not_judged++;
            return;
        }
        const bool again =
            weigh_again(engine, session, &pdu, extra->id, extra->at_ns, session->sent_count);
        replay_differs(engine->result, replay_rule(&pdu, NULL, again), extra->at_ns, 0, session,
                       played, NULL);
        return;
    }
    const struct replay_pdu *other = &engine->capture->pdus[like];
    const struct sipc_pdu decoded = replay_decoded(other);
    const enum sipc_rule rule = replay_rule(&pdu, &decoded, false);
    engine->plan->marks[like] = REPLAY_IGNORED;
    weigh_words(other->bytes, other->size, decoded.window_id, captured, sizeof captured);
    if (rule == SIPC_RULE_SND_2 && extra->op != NULL)
        ((struct replay_op *)(uintptr_t)extra->op)->cut = true;
    replay_differs(engine->result, rule, extra->at_ns, other->frame, session, played, captured);
}

/* What was captured and not played. */
static void weigh_rest(struct engine *engine, const struct replay_session *session)
{
    char captured[160];

    for (size_t i = 0; i < session->sent_count; i++) {
        const uint32_t index = session->sent[i];
        const struct replay_pdu *pdu = &engine->capture->pdus[index];
        engine->result->compared += engine->plan->marks[index] != REPLAY_IGNORED;
        if (engine->plan->marks[index] != REPLAY_WANTED)
            continue;
        const struct sipc_pdu decoded = replay_decoded(pdu);
        const bool own = decoded.opcode == SIPC_DATA || decoded.opcode == SIPC_CLOSE;
        const struct replay_op *op = own ? weigh_op_of(session, decoded.window_id) : NULL;
        if (op != NULL && (op->cut || op->holed)) {
            engine->result->compared--;
            continue;
        }
        const bool again = weigh_again(engine, session, &decoded, decoded.window_id, pdu->at_ns, i);
        weigh_words(pdu->bytes, pdu->size, decoded.window_id, captured, sizeof captured);
        replay_differs(engine->result, replay_rule(NULL, &decoded, again), pdu->at_ns, pdu->frame,
                       session, NULL, captured);
    }
}

static int weigh_compare(const void *a, const void *b)
{
    const struct replay_difference *one = a, *other = b;
    if (one->at_ns != other->at_ns)
        return one->at_ns < other->at_ns ? -1 : 1;
    return one->frame < other->frame ? -1 : one->frame > other->frame;
}

void replay_weigh(struct engine *engine)
{
    struct replay_result *result = engine->result;

    for (size_t i = 0; i < engine->plan->session_count; i++) {
        struct replay_session *session = engine->plan->sessions[i];
        struct engine_session *state = &engine->sessions[i];
        for (size_t e = 0; e < state->extra_count; e++)
            weigh_extra(engine, session, &state->extras[e]);
        weigh_rest(engine, session);
    }
    if (result->difference_count > 0)
        qsort(result->differences, result->difference_count, sizeof *result->differences,
              weigh_compare);
}

void replay_result_clear(struct replay_result *result)
{
    for (size_t i = 0; i < result->difference_count; i++) {
        free(result->differences[i].played);
        free(result->differences[i].captured);
    }
    free(result->differences);
}
