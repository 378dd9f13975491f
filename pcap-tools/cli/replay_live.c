/* The PDUs of a captured endpoint to a peer on a real network. See replay.h.
 *
 * The peer's sessions are new: session ids are other ones, window ids are counted anew in the order
 * of windows, and a session whose beginning was not captured is opened by an empty message with
 * skip. An ack in the capture is for the peer's window of the same number, and is sent where the
 * peer has sent that one.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "replay.h"

enum {
    LIVE_NEAR_NS = 2500000, /* the loop's timers are no finer than a few milliseconds */
    LIVE_SPIN_NS = 100000,  /* sleeping is no finer than that */
    LIVE_LOOK_BACK = 4096,
};

struct live_window {
    int64_t captured, live;
    uint32_t length; /* PDUs sent of it */
    bool acked, told;
};
struct live_session {
    uint8_t id[SIPC_SESSION_ID_SIZE];
    struct live_window *windows;
    size_t window_count, window_room;
    int64_t *got; /* ids of the peer's data windows, in order */
    size_t got_count, got_room;
    uint64_t links; /* enquire links of the peer that were not answered */
    bool begun;
    bool silent; /* a window of the peer was awaited in vain, and none came since */
};
struct live {
    struct replay_plan *plan;
    const struct replay_live_options *options;
    struct conform_sut *sut;
    struct live_session *sessions;
    struct replay_live_result *result;
    struct conform_error *error;
    uint64_t base_ns;
    char from[PCAPT_ADDRESS_TEXT];
};

/* ---- what comes back ---- */

static struct live_window *live_window(struct live_session *session, int64_t id, bool captured)
{
    for (size_t i = session->window_count, tries = 0; i-- > 0 && tries < LIVE_LOOK_BACK; tries++)
        if ((captured ? session->windows[i].captured : session->windows[i].live) == id)
            return &session->windows[i];
    return NULL;
}

static void live_acked(struct live *live, struct live_session *session, const struct sipc_pdu *pdu)
{
    struct live_window *window = live_window(session, pdu->window_id, false);

    if (window == NULL || window->acked)
        return;
    if (pdu->error_code == 0 && (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) == 0 &&
        pdu->opcode == SIPC_DATA_ACK)
        return;
    window->acked = true;
    live->result->acked += window->captured >= 0 && pdu->error_code == 0;
    live->result->refused += pdu->error_code != 0;
    live->result->in_part += pdu->error_code == 0 && (uint32_t)pdu->seq_nr + 1 < window->length;
}

static void live_data(struct live_session *session, const struct sipc_pdu *pdu)
{
    for (size_t i = session->got_count, tries = 0; i-- > 0 && tries < LIVE_LOOK_BACK; tries++)
        if (session->got[i] == pdu->window_id)
            return;
    session->got =
        replay_grow(session->got, session->got_count, &session->got_room, sizeof *session->got);
    session->got[session->got_count++] = pdu->window_id;
    session->silent = false;
}

static void live_take(struct live *live, struct conform_response *response)
{
    for (size_t i = 0; i < response->out_count; i++) {
        const struct conform_out *out = &response->outs[i];
        struct sipc_pdu pdu;
        struct live_session *session = NULL;
        if (out->kind != CONFORM_OUT_TX ||
            sipc_pdu_decode((struct sipc_span){out->bytes, out->size}, &pdu) != SIPC_DISCARD_NONE)
            continue;
        live->result->got++;
        for (size_t s = 0; s < live->plan->session_count && session == NULL; s++)
            if (memcmp(live->sessions[s].id, pdu.session_id, SIPC_SESSION_ID_SIZE) == 0)
                session = &live->sessions[s];
        if (session == NULL)
            continue;
        if (pdu.opcode == SIPC_DATA_ACK || pdu.opcode == SIPC_CLOSE_ACK)
            live_acked(live, session, &pdu);
        else if (pdu.opcode == SIPC_DATA || pdu.opcode == SIPC_CLOSE)
            live_data(session, &pdu);
        else
            session->links += pdu.opcode == SIPC_ENQUIRE_LINK;
    }
    conform_response_clear(response);
}

static enum conform_sut_status live_step(struct live *live, uint64_t until_ns)
{
    struct conform_response response;
    const enum conform_sut_status status =
        conform_sut_step(live->sut, until_ns, &response, live->error);

    if (status == CONFORM_SUT_OK)
        live_take(live, &response);
    return status;
}

/* ---- time ---- */

/* Looks at the network at least once, and returns when it is time. The moments are those of the
 * plan, whatever came before: a late one makes no other late. */
static enum conform_sut_status live_until(struct live *live, uint64_t due_ns)
{
    enum conform_sut_status status = live_step(live, 0);
    uint64_t now = conform_sut_now(live->sut);

    while (status == CONFORM_SUT_OK && now < due_ns) {
        const uint64_t left = due_ns - now;
        if (left > LIVE_NEAR_NS) {
            status = live_step(live, due_ns - LIVE_NEAR_NS);
        } else if (left > LIVE_SPIN_NS) {
            const struct timespec rest = {0, (long)(left - LIVE_SPIN_NS)};
            nanosleep(&rest, NULL);
        }
        now = conform_sut_now(live->sut);
    }
    return status;
}

/* ---- what is sent ---- */

static enum conform_sut_status live_send(struct live *live, struct sipc_span pdu)
{
    struct conform_response response;
    const struct conform_request request = {.op = CONFORM_RX, .from = live->from, .pdu = pdu};
    const enum conform_sut_status status =
        conform_sut_call(live->sut, &request, &response, live->error);

    if (status == CONFORM_SUT_OK) {
        live_take(live, &response);
        live->result->sent++;
        live->result->bytes += pdu.size;
    }
    return status;
}

static struct live_window *live_new_window(struct live *live, struct live_session *session,
                                           int64_t captured)
{
    session->windows = replay_grow(session->windows, session->window_count, &session->window_room,
                                   sizeof *session->windows);
    struct live_window *window = &session->windows[session->window_count];
    *window = (struct live_window){.captured = captured, .live = (int64_t)session->window_count};
    if (live->options->keep_ids)
        window->live = captured;
    session->window_count++;
    live->result->windows += captured >= 0;
    return window;
}

/* Opens a session that the capture has no beginning of. */
static enum conform_sut_status live_open(struct live *live, struct live_session *session)
{
    uint8_t pdu[2 * SIPC_PDU_SIZE_MIN];
    size_t size = 0;

    live_new_window(live, session, -1);
    size = replay_opener(session->id, 0, pdu, sizeof pdu);
    return live_send(live, (struct sipc_span){pdu, size});
}

/* Waits for the full ack of the window before, if that is wanted. */
static enum conform_sut_status live_await(struct live *live, struct live_session *session)
{
    enum conform_sut_status status = CONFORM_SUT_OK;
    const uint64_t until_ns = conform_sut_now(live->sut) + live->options->await_ns;

    if (!live->options->await_acks || session->window_count == 0)
        return status;
    const size_t last = session->window_count - 1;
    while (status == CONFORM_SUT_OK && !session->windows[last].acked &&
           conform_sut_now(live->sut) < until_ns)
        status = live_step(live, until_ns);
    if (!session->windows[last].acked && !session->windows[last].told) {
        session->windows[last].told = true;
        live->result->unanswered++;
    }
    return status;
}

/* The number of the captured window among the peer's. */
static size_t live_number(const struct replay_session *session, int64_t captured)
{
    size_t i = session->window_got_count;
    while (i-- > 0)
        if (session->windows_got[i] == captured)
            return i;
    return session->window_got_count;
}

/* The window id of an ack as the live peer knows it. false: it has sent no such window. */
static enum conform_sut_status live_answer(struct live *live, const struct replay_session *captured,
                                           struct live_session *session, const struct sipc_pdu *pdu,
                                           int64_t *id, bool *send)
{
    enum conform_sut_status status = CONFORM_SUT_OK;

    *id = pdu->window_id;
    if (pdu->opcode == SIPC_ENQUIRE_LINK_ACK) {
        *send = session->links > 0;
        session->links -= *send;
        return status;
    }
    const size_t number = live_number(captured, pdu->window_id);
    const uint64_t until_ns = conform_sut_now(live->sut) + live->options->await_ns;
    while (status == CONFORM_SUT_OK && live->options->await_acks && !session->silent &&
           number >= session->got_count && number < captured->window_got_count &&
           conform_sut_now(live->sut) < until_ns)
        status = live_step(live, until_ns);
    *send = number < session->got_count;
    session->silent |= !*send;
    if (*send)
        *id = session->got[number];
    return status;
}

/* What becomes of a PDU's window id. false in *send: it is not to be sent. */
static enum conform_sut_status live_name(struct live *live, const struct replay_session *captured,
                                         struct live_session *session, const struct sipc_pdu *pdu,
                                         int64_t *id, bool *send)
{
    enum conform_sut_status status = CONFORM_SUT_OK;

    *send = true;
    *id = pdu->window_id;
    if (pdu->opcode == SIPC_ENQUIRE_LINK)
        return status;
    if (pdu->opcode != SIPC_DATA && pdu->opcode != SIPC_CLOSE)
        return live->options->keep_ids ? status
                                       : live_answer(live, captured, session, pdu, id, send);
    struct live_window *window = live_window(session, pdu->window_id, true);
    if (window == NULL) {
        status = live_await(live, session);
        window = live_new_window(live, session, pdu->window_id);
    } else if (live->options->await_acks && window->acked) {
        *send = false; /* it was sent again for want of an ack */
    }
    *id = window->live;
    if (window->length <= (uint32_t)pdu->seq_nr)
        window->length = (uint32_t)pdu->seq_nr + 1;
    return status;
}

static enum conform_sut_status live_pdu(struct live *live, const struct replay_event *event)
{
    const struct replay_pdu *pdu = &live->plan->capture->pdus[event->pdu];
    struct live_session *session = &live->sessions[event->session->number];
    const struct sipc_pdu decoded = replay_decoded(pdu);
    uint8_t bytes[SIPC_PDU_SIZE_MAX];
    enum conform_sut_status status = CONFORM_SUT_OK;
    int64_t id = 0;
    bool send;

    if (!session->begun && !event->session->fresh && !live->options->keep_ids)
        status = live_open(live, session);
    session->begun = true;
    send = live->options->keep_ids || decoded.opcode != SIPC_DATA ||
           live->plan->marks[event->pdu] != REPLAY_IGNORED; /* of a group that has no beginning */
    if (status == CONFORM_SUT_OK && send)
        status = live_name(live, event->session, session, &decoded, &id, &send);
    if (status != CONFORM_SUT_OK || !send) {
        live->result->skipped += status == CONFORM_SUT_OK;
        return status;
    }
    memcpy(bytes, pdu->bytes, pdu->size);
    pcap_put_session(bytes, &decoded, pdu->size, session->id);
    pcap_put_window(bytes, id);
    return live_send(live, (struct sipc_span){bytes, pdu->size});
}

static enum conform_sut_status live_all(struct live *live)
{
    const struct replay_plan *plan = live->plan;
    enum conform_sut_status status = CONFORM_SUT_OK;
    uint64_t index = 0, first_ns = 0;

    for (size_t i = 0; i < plan->event_count && status == CONFORM_SUT_OK; i++) {
        const struct replay_event *event = &plan->events[i];
        if (!event->sent)
            continue;
        const uint64_t at_ns = plan->capture->pdus[event->pdu].at_ns;
        first_ns = index == 0 ? at_ns : first_ns;
        const uint64_t due_ns =
            live->base_ns + replay_due(&live->options->pace, index, at_ns - first_ns);
        status = live_until(live, due_ns);
        if (status != CONFORM_SUT_OK)
            break;
        const uint64_t late_ns = conform_sut_now(live->sut) - due_ns;
        struct replay_live_result *result = live->result;
        result->late_first_ns = index == 0 ? late_ns : result->late_first_ns;
        result->late_max_ns = late_ns > result->late_max_ns ? late_ns : result->late_max_ns;
        result->late_last_ns = late_ns;
        result->planned_ns = due_ns - live->base_ns;
        index++;
        status = live_pdu(live, event);
    }
    live->result->took_ns = conform_sut_now(live->sut) - live->base_ns;
    for (size_t i = 0; i < plan->session_count && status == CONFORM_SUT_OK; i++)
        status = live_await(live, &live->sessions[i]);
    return status == CONFORM_SUT_OK ? live_step(live, 0) : status;
}

enum conform_sut_status replay_live(struct replay_plan *plan, struct conform_sut *sut,
                                    const struct replay_live_options *options,
                                    struct replay_live_result *result, struct conform_error *error)
{
    struct live live = {
        .plan = plan,
        .options = options,
        .sut = sut,
        .sessions = calloc(plan->session_count + 1, sizeof *live.sessions),
        .result = result,
        .error = error,
    };
    struct conform_response response;

    SIPC_ASSERT(live.sessions != NULL);
    *result = (struct replay_live_result){0};
    pcapt_address_text(&plan->capture->endpoints[plan->endpoint].address, live.from);
    for (size_t i = 0; i < plan->session_count; i++) {
        memcpy(live.sessions[i].id, plan->sessions[i]->id, SIPC_SESSION_ID_SIZE);
        if (!options->keep_ids)
            pcap_other_session(options->seed, live.sessions[i].id, live.sessions[i].id);
    }
    enum conform_sut_status status =
        conform_sut_call(sut, &(struct conform_request){.op = CONFORM_RESET}, &response, error);
    if (status == CONFORM_SUT_OK) {
        conform_response_clear(&response);
        live.base_ns = conform_sut_now(sut);
        status = live_all(&live);
    }
    for (size_t i = 0; i < plan->session_count; i++) {
        free(live.sessions[i].windows);
        free(live.sessions[i].got);
    }
    free(live.sessions);
    return status;
}
