/* What an endpoint of a capture got and sent, and what its application and settings must have been.
 * See replay.h. It carries what sending looks like from outside: WID-9, SND-5, PRT-1, RTY-1, FAF-1,
 * CLS; it knows nothing of who plays the endpoint.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "replay.h"

enum {
    PLAN_LAST_OPTION =
        13,           /* bytes of last_in_window, for which the engine keeps room in each PDU */
    PLAN_WINDOW = 16, /* the default of max_window_size */
    PLAN_WINDOW_MAX = UINT16_MAX, /* of PDUs: no setting asks for more */
    PLAN_WHOLE = SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP,
    PLAN_ALONE = SIPC_OPT_FIRST_IN_WINDOW_GROUP | PLAN_WHOLE,
};

/* ---- sessions ---- */

static struct replay_session **plan_bucket(struct replay_plan *plan, const uint8_t *id)
{
    uint32_t hash = 2166136261u;
    for (int i = 0; i < SIPC_SESSION_ID_SIZE; i++)
        hash = (hash ^ id[i]) * 16777619u;
    return &plan->buckets[hash % REPLAY_BUCKETS];
}

struct replay_session *replay_session(struct replay_plan *plan, const uint8_t *id, uint16_t peer,
                                      bool any_peer)
{
    struct replay_session *session = *plan_bucket(plan, id);

    while (session != NULL && (memcmp(session->id, id, SIPC_SESSION_ID_SIZE) != 0 ||
                               (session->peer != peer && !any_peer)))
        session = session->chain;
    return session;
}

static struct replay_session *plan_session(struct replay_plan *plan, const uint8_t *id,
                                           uint16_t peer, uint32_t pdu, bool sent)
{
    const bool stream = plan->capture->endpoints[plan->endpoint].transport == PCAPT_OVER_TCP;

    struct replay_session *session = replay_session(plan, id, peer, stream);
    if (session != NULL)
        return session;
    session = calloc(1, sizeof *session);
    SIPC_ASSERT(session != NULL);
    memcpy(session->id, id, SIPC_SESSION_ID_SIZE);
    session->peer = peer;
    session->number = plan->session_count;
    session->begin = pdu;
    session->opens = sent;
    session->newest_id = session->first_id = session->blind_id = -1;
    session->chain = *plan_bucket(plan, id);
    *plan_bucket(plan, id) = session;
    plan->sessions = replay_grow(plan->sessions, plan->session_count, &plan->session_room,
                                 sizeof *plan->sessions);
    return plan->sessions[plan->session_count++] = session;
}

/* Whether an id is behind another; ids wrap at 9E15. */
static bool plan_is_past(int64_t newest, int64_t id)
{
    return newest >= 0 && id <= newest && newest - id < SIPC_WINDOW_ID_MAX / 2;
}

/* ---- what it sent ---- */

bool replay_is_resync(const struct sipc_pdu *pdu)
{
    return pdu->opcode == SIPC_DATA && pdu->seq_nr == 0 && pdu->options.size == 0 &&
           pdu->data.size == 0;
}

static void plan_window(struct replay_op *op, int64_t id)
{
    op->windows = replay_grow(op->windows, op->window_count, &op->window_room, sizeof *op->windows);
    op->windows[op->window_count++] = (struct replay_window){.id = id, .tries = 1};
}

static struct replay_op *plan_op(struct replay_session *session, enum replay_kind kind,
                                 uint32_t pdu, const struct sipc_pdu *decoded)
{
    session->ops =
        replay_grow(session->ops, session->op_count, &session->op_room, sizeof *session->ops);
    struct replay_op *op = &session->ops[session->op_count++];
    *op = (struct replay_op){.kind = kind, .begin = pdu, .code = decoded->abort_code};
    op->skip = (decoded->flags & SIPC_OPT_SKIP) != 0;
    return op;
}

static struct replay_window *plan_last_window(struct replay_session *session)
{
    struct replay_op *op = session->op_count > 0 ? &session->ops[session->op_count - 1] : NULL;
    return op != NULL && op->window_count > 0 ? &op->windows[op->window_count - 1] : NULL;
}

/* A PDU of its newest window. */
static void plan_own(struct replay_plan *plan, struct replay_op *op, uint32_t index,
                     const struct sipc_pdu *pdu)
{
    const size_t at = (size_t)pdu->seq_nr;
    struct replay_window *window = &op->windows[op->window_count - 1];

    op->last = index;
    if (at >= PLAN_WINDOW_MAX) { /* no sender's, and a table of all before it has no end */
        op->holed = true;
        plan->marks[index] = REPLAY_IGNORED;
        return;
    }
    if (at < window->count && window->pdus[at] != 0) {
        if (at == 0 && window->tries++ == 1) {
            const uint64_t ns = plan->capture->pdus[index].at_ns - window->first_try_ns;
            const int64_t ms = (int64_t)((ns + SIPC_NS_PER_MS / 2) / SIPC_NS_PER_MS);
            if (ms > 0 && (plan->ack_timeout_ms < 0 || ms < plan->ack_timeout_ms))
                plan->ack_timeout_ms = ms;
        }
        return;
    }
    while (window->count <= at) {
        window->pdus =
            replay_grow(window->pdus, window->count, &window->room, sizeof *window->pdus);
        window->pdus[window->count++] = 0;
    }
    window->pdus[at] = index + 1;
    if (window->tries == 1)
        window->first_try_ns = plan->capture->pdus[index].at_ns;
}

/* A data or close PDU that leaves. */
static void plan_sent(struct replay_plan *plan, struct replay_session *session, uint32_t index,
                      const struct sipc_pdu *pdu)
{
    struct replay_window *window = plan_last_window(session);
    const bool first = (pdu->flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP) != 0;

    if (plan_is_past(session->newest_id, pdu->window_id)) {
        if (window != NULL && window->id == pdu->window_id)
            plan_own(plan, &session->ops[session->op_count - 1], index, pdu);
        else if (session->op_count == 0)
            plan->marks[index] = REPLAY_IGNORED;
        return;
    }
    session->newest_id = pdu->window_id;
    if (replay_is_resync(pdu)) {
        session->resyncs = replay_grow(session->resyncs, session->resync_count,
                                       &session->resync_room, sizeof *session->resyncs);
        session->resyncs[session->resync_count++] = pdu->window_id;
        return;
    }
    if (pdu->opcode == SIPC_CLOSE)
        plan_op(session, REPLAY_CLOSE, index, pdu);
    else if (first)
        plan_op(session, REPLAY_SEND, index, pdu);
    if (session->op_count == 0) { /* it began before the capture */
        plan->marks[index] = REPLAY_IGNORED;
        return;
    }
    struct replay_op *op = &session->ops[session->op_count - 1];
    plan_window(op, pdu->window_id);
    plan_own(plan, op, index, pdu);
}

/* An ack of what it sent. */
static void plan_acked(struct replay_session *session, const struct sipc_pdu *pdu)
{
    struct replay_window *window = plan_last_window(session);

    if (window == NULL || window->id != pdu->window_id)
        return;
    window->acked = true;
    window->refused |= pdu->error_code != 0;
    if (pdu->error_code == 0 && (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) && window->taken == 0)
        window->taken = (size_t)pdu->seq_nr + 1;
}

/* ---- what shows that a session is new ---- */

/* A group of one window without skip is refused by an endpoint that is opening (OPN-3, OPN-2):
 * where it was not, the session is older than the capture. */
static void plan_begin(struct replay_session *session, const struct sipc_pdu *pdu, bool sent)
{
    const bool skip = (pdu->flags & SIPC_OPT_SKIP) != 0;
    const bool first = (pdu->flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP) != 0;

    session->fresh = pdu->opcode == SIPC_DATA && pdu->window_id <= SIPC_WINDOW_ID_STEP &&
                     (skip || (pdu->seq_nr == 0 && first));
    session->first_alone = session->fresh && !skip && (pdu->flags & PLAN_ALONE) == PLAN_ALONE;
    session->first_id = pdu->window_id;
    session->first_sent = sent;
}

static void plan_first_answer(struct replay_session *session, const struct sipc_pdu *pdu, bool sent)
{
    if (session->first_judged || session->first_sent == sent || pdu->opcode != SIPC_DATA_ACK ||
        pdu->window_id != session->first_id ||
        (pdu->error_code == 0 && (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) == 0))
        return;
    session->first_judged = true;
    if (pdu->error_code == SIPC_ERROR_SINGLE_WINDOW_GROUP ||
        pdu->error_code == SIPC_ERROR_TWO_WAY_WHILE_OPENING)
        session->fresh = session->first_id <= SIPC_WINDOW_ID_STEP;
    else if (session->first_alone)
        session->fresh = false;
}

/* ---- events ---- */

static void plan_got(struct replay_session *session, const struct sipc_pdu *pdu)
{
    session->got_count++;
    if (pdu->opcode == SIPC_DATA_ACK || pdu->opcode == SIPC_CLOSE_ACK)
        plan_acked(session, pdu);
    if (pdu->opcode != SIPC_DATA && pdu->opcode != SIPC_CLOSE)
        return;
    const size_t count = session->window_got_count;
    if (count > 0 && plan_is_past(session->windows_got[count - 1], pdu->window_id))
        return;
    if (count == 0 && !session->fresh && pdu->seq_nr > 0)
        session->blind_id = pdu->window_id;
    session->windows_got = replay_grow(session->windows_got, count, &session->window_got_room,
                                       sizeof *session->windows_got);
    session->windows_got[session->window_got_count++] = pdu->window_id;
}

/* Acks of what came before the capture are of no use to compare. */
static bool plan_is_blind(const struct replay_session *session, const struct sipc_pdu *pdu)
{
    return pdu->opcode == SIPC_DATA_ACK && !session->fresh &&
           (session->window_got_count == 0 ||
            (session->window_got_count == 1 && pdu->window_id == session->blind_id));
}

static void plan_left(struct replay_plan *plan, struct replay_session *session, uint32_t index,
                      const struct sipc_pdu *pdu)
{
    session->sent =
        replay_grow(session->sent, session->sent_count, &session->sent_room, sizeof *session->sent);
    session->sent[session->sent_count++] = index;
    if (pdu->opcode == SIPC_DATA || pdu->opcode == SIPC_CLOSE)
        plan_sent(plan, session, index, pdu);
    if (pdu->opcode == SIPC_ENQUIRE_LINK || plan_is_blind(session, pdu)) {
        plan->marks[index] = REPLAY_IGNORED;
        plan->link_pdus += pdu->opcode == SIPC_ENQUIRE_LINK;
    }
    if ((pdu->present & SIPC_OPT_MAX_WINDOW_SIZE) && pdu->opcode == SIPC_DATA_ACK &&
        pdu->max_window_size > plan->max_window_size)
        plan->max_window_size = pdu->max_window_size;
}

static void plan_event(struct replay_plan *plan, uint32_t index, bool sent)
{
    const struct replay_pdu *pdu = &plan->capture->pdus[index];
    struct replay_session *session = NULL;

    if (pdu->decoded) {
        const struct sipc_pdu decoded = replay_decoded(pdu);
        const size_t before = plan->session_count;
        session = plan_session(plan, decoded.session_id, sent ? pdu->destination : pdu->source,
                               index, sent);
        if (plan->session_count > before)
            plan_begin(session, &decoded, sent);
        plan_first_answer(session, &decoded, sent);
        if (sent)
            plan_left(plan, session, index, &decoded);
        else
            plan_got(session, &decoded);
    } else if (sent) {
        plan->no_pdus++;
        return;
    }
    plan->events =
        replay_grow(plan->events, plan->event_count, &plan->event_room, sizeof *plan->events);
    plan->events[plan->event_count++] = (struct replay_event){index, session, sent};
}

/* ---- at the end ---- */

/* Full PDUs show how long they may be; the engine keeps room for last_in_window in each. No window
 * is longer than the own max_window_size (SND-2a), which acks tell besides. */
static void plan_sizes(struct replay_plan *plan, const struct replay_op *op)
{
    for (size_t w = 0; w < op->window_count; w++) {
        if ((int64_t)op->windows[w].count > plan->max_window_size &&
            op->windows[w].count > PLAN_WINDOW)
            plan->max_window_size = (int64_t)op->windows[w].count;
        for (size_t i = 0; i < op->windows[w].count; i++) {
            const bool last = w + 1 == op->window_count && i + 1 == op->windows[w].count;
            if (last || op->windows[w].pdus[i] == 0)
                continue;
            const struct replay_pdu *pdu = &plan->capture->pdus[op->windows[w].pdus[i] - 1];
            const struct sipc_pdu decoded = replay_decoded(pdu);
            const int64_t size =
                pdu->size + (decoded.flags & SIPC_OPT_LAST_IN_WINDOW ? 0 : PLAN_LAST_OPTION);
            if (decoded.data.size > 0 && size > plan->mtu)
                plan->mtu = size;
        }
    }
}

/* Whether another operation follows sooner than a timeout, and no answer came: the network has
 * refused its last PDU. A forced close may come at any time. */
static bool plan_failed(const struct replay_plan *plan, const struct replay_op *op,
                        const struct replay_op *next)
{
    const struct replay_window *window = &op->windows[op->window_count - 1];
    const uint64_t timeout_ms = plan->ack_timeout_ms > 0 ? (uint64_t)plan->ack_timeout_ms : 1000;

    if (op->kind != REPLAY_SEND || window->taken > 0 || window->refused || next == NULL ||
        (next->kind == REPLAY_CLOSE && next->code != 1))
        return false;
    return plan->capture->pdus[next->begin].at_ns - plan->capture->pdus[op->last].at_ns <
           timeout_ms * SIPC_NS_PER_MS;
}

/* Whether it is whole, and what it was: a message that nobody waited for the ack of was one to fire
 * and forget; so looks also one that was sent as the session or the capture ended. */
static void plan_judge(struct replay_plan *plan, struct replay_op *op, const struct replay_op *next)
{
    const struct replay_window *window = &op->windows[op->window_count - 1];

    for (size_t w = 0; w < op->window_count; w++)
        for (size_t i = 0; i < op->windows[w].count; i++)
            op->holed |= op->windows[w].pdus[i] == 0;
    if (window->tries > 1 && window->tries - 1 > plan->max_retry_count)
        plan->max_retry_count = window->tries - 1;
    if (op->kind == REPLAY_CLOSE || op->holed)
        return;
    const struct sipc_pdu last =
        replay_decoded(&plan->capture->pdus[window->pdus[window->count - 1] - 1]);
    op->whole = (last.flags & PLAN_WHOLE) == PLAN_WHOLE &&
                (window->taken == 0 || window->taken >= window->count);
    if (op->window_count == 1 && window->count == 1 && window->tries == 1 && !window->acked &&
        (last.flags & PLAN_ALONE) == PLAN_ALONE && next != NULL)
        op->kind = REPLAY_SEND_UNRELIABLE;
    else if (window->tries > 1 && !window->acked && next != NULL && next->kind == REPLAY_SEND)
        plan->gave_up_after = window->tries - 1;
    op->failed = plan_failed(plan, op, next);
}

static void plan_ends(struct replay_plan *plan, struct replay_session *session)
{
    for (size_t i = 0; i < session->op_count; i++) {
        plan_judge(plan, &session->ops[i], i + 1 < session->op_count ? &session->ops[i + 1] : NULL);
        if (session->ops[i].kind != REPLAY_CLOSE)
            plan_sizes(plan, &session->ops[i]);
        for (size_t w = 0; w < session->ops[i].window_count && session->ops[i].holed; w++)
            for (size_t p = 0; p < session->ops[i].windows[w].count; p++)
                if (session->ops[i].windows[w].pdus[p] != 0)
                    plan->marks[session->ops[i].windows[w].pdus[p] - 1] = REPLAY_IGNORED;
    }
    if (session->first_alone && !session->first_judged)
        session->fresh = false;
    if (session->opens && session->op_count > 0) /* OPN-3 binds no session that is open */
        session->fresh &=
            session->ops[0].skip || session->ops[0].window_count > 1 || !session->ops[0].whole;
    if (session->fresh)
        session->blind_id = -1;
    plan->midst |= !session->fresh;
}

struct replay_plan *replay_plan_new(const struct replay_capture *capture, uint16_t endpoint)
{
    struct replay_plan *plan = calloc(1, sizeof *plan);
    const bool local = capture->endpoints[endpoint].local;
    size_t sent = 0;

    SIPC_ASSERT(plan != NULL);
    plan->capture = capture;
    plan->endpoint = endpoint;
    plan->mtu = plan->max_window_size = plan->ack_timeout_ms = -1;
    plan->max_retry_count = plan->gave_up_after = -1;
    plan->marks = calloc(capture->count + 1, 1);
    SIPC_ASSERT(plan->marks != NULL);
    for (uint32_t i = 0; i < capture->count; i++) {
        const struct replay_pdu *pdu = &capture->pdus[i];
        if (pdu->source == endpoint && (!local || pdu->direction != PCAPT_INBOUND)) {
            sent++;
            plan_event(plan, i, true);
        }
        if (pdu->destination == endpoint && (!local || pdu->direction != PCAPT_OUTBOUND))
            plan_event(plan, i, false);
    }
    plan->one_sided = sent == 0 || sent == plan->event_count;
    for (size_t i = 0; i < plan->session_count; i++)
        plan_ends(plan, plan->sessions[i]);
    if (plan->mtu >= 0 && plan->mtu < SIPC_MTU_MIN)
        plan->mtu = SIPC_MTU_MIN;
    return plan;
}

void replay_plan_free(struct replay_plan *plan)
{
    for (size_t i = 0; i < plan->session_count; i++) {
        struct replay_session *session = plan->sessions[i];
        for (size_t op = 0; op < session->op_count; op++) {
            for (size_t w = 0; w < session->ops[op].window_count; w++)
                free(session->ops[op].windows[w].pdus);
            free(session->ops[op].windows);
        }
        free(session->ops);
        free(session->sent);
        free(session->resyncs);
        free(session->windows_got);
        free(session);
    }
    free(plan->sessions);
    free(plan->events);
    free(plan->marks);
    free(plan);
}

size_t replay_opener(const uint8_t *session, int64_t window_id, uint8_t *out, size_t size)
{
    static const uint32_t flags[] = {SIPC_OPT_FIRST_IN_WINDOW_GROUP, SIPC_OPT_LAST_IN_WINDOW,
                                     SIPC_OPT_LAST_IN_WINDOW_GROUP, SIPC_OPT_SKIP};
    uint8_t options[64];
    size_t option_size = 0, used = 0;
    enum sipc_status status = SIPC_OK;

    for (int i = 0; i < 4 && status == SIPC_OK; i++)
        status = sipc_option_encode_bool(flags[i], true, options, sizeof options, &option_size);
    SIPC_ASSERT(status == SIPC_OK);
    const struct sipc_pdu_parts parts = {
        .session_id = session,
        .window_id = window_id,
        .opcode = SIPC_DATA,
        .options = {options, option_size},
    };
    status = sipc_pdu_encode(&parts, out, size, &used);
    SIPC_ASSERT(status == SIPC_OK);
    return used;
}
