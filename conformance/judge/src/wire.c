/* Bytes: what must not have been taken (WIRE-2 to WIRE-6, OPT-2, OPT-4, ERR-1), what must not have
 * been sent (WIRE-1, WIRE-2, OPT-1, OPT-4, ERR-1 to ERR-3, SND-2); and which part of the judge
 * looks at a PDU. SPDX-License-Identifier: MIT */
#include "internal.h"

/* ---- what comes in ---- */

static enum judge_check wire_reacts(enum sipc_discard reason)
{
    static const struct {
        enum sipc_rule rule;
        enum judge_check check;
    } checks[] = {
        {SIPC_RULE_WIRE_2, JUDGE_REACTS_WIRE_2}, {SIPC_RULE_WIRE_3, JUDGE_REACTS_WIRE_3},
        {SIPC_RULE_WIRE_4, JUDGE_REACTS_WIRE_4}, {SIPC_RULE_WIRE_5, JUDGE_REACTS_WIRE_5},
        {SIPC_RULE_WIRE_6, JUDGE_REACTS_WIRE_6}, {SIPC_RULE_OPT_2, JUDGE_REACTS_OPT_2},
        {SIPC_RULE_OPT_4, JUDGE_REACTS_OPT_4},   {SIPC_RULE_ERR_1, JUDGE_REACTS_ERR_1},
        {SIPC_RULE_ERR_2a, JUDGE_REACTS_ERR_2a}, {SIPC_RULE_ERR_3a, JUDGE_REACTS_ERR_3a},
    };
    enum sipc_rule rule = sipc_discard_rule(reason);

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].rule == rule) {
            return checks[i].check;
        }
    }
    return JUDGE_CHECK_COUNT;
}

/* OPT-4 leaves open what blanks or a NUL round a number do. */
static bool wire_untested(struct sipc_span options)
{
    struct sipc_option option;

    while (sipc_option_next(&options, &option)) {
        const uint8_t *value = option.value.data;
        size_t size = option.value.size;
        bool number = option.id >= SIPC_OPT_MAX_WINDOW_SIZE && option.id <= SIPC_OPT_IDLE_TIMEOUT;
        if ((number || (option.id & SIPC_OPT_FRAMING) != 0) && size > 0 &&
            (value[0] <= ' ' || value[size - 1] <= ' ')) {
            return true;
        }
    }
    return false;
}

static void wire_discarded(struct judge *j, enum sipc_discard reason, const struct sipc_pdu *pdu,
                           const struct judge_event *event)
{
    struct judge_session *s =
        pdu->session_id != NULL ? judge_session_find(j, pdu->session_id, event->peer) : NULL;

    judge_saw_rule(j, sipc_discard_rule(reason));
    judge_saw_rule(j, SIPC_RULE_WIRE_7);
    if (reason == SIPC_DISCARD_OPTION_VALUE && wire_untested(pdu->options)) {
        if (s != NULL) {
            judge_forget(j, s);
        }
        j->flooded = true;
        return;
    }
    if (s != NULL) {
        s->activity_ns = j->now_ns;
    }
    judge_cause_set(j, wire_reacts(reason), s, "a PDU to discard", false);
    j->cause.detail = sipc_discard_name(reason);
    j->cause.any = pdu->session_id == NULL;
}

/* Whether the options of a plain PDU, all of them good, leave no room for one that is there twice:
 * lengths, name and value of each take what is counted here, or more. */
static bool wire_all_once(const struct sipc_pdu *pdu)
{
    enum { EACH = 5 + 4, VALUE = 4 }; /* names of four chars or more, booleans of four or five */
    size_t least = EACH;

    for (uint32_t left = pdu->present; left != 0; left &= left - 1) {
        least += EACH + ((left & -left) <= SIPC_OPT_IS_WINDOW_FULL ? VALUE : 0);
    }
    return judge_is_plain(pdu) && pdu->options.size < least;
}

static void wire_options_seen(struct judge *j, const struct sipc_pdu *pdu)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    uint32_t seen = 0;
    bool once = wire_all_once(pdu);

    while (!once && sipc_option_next(&rest, &option)) {
        if (option.id != 0 && option.id != SIPC_OPT_LONG_ATTRIBUTE && (seen & option.id)) {
            judge_saw_rule(j, SIPC_RULE_OPT_5);
        }
        seen |= option.id;
    }
    if (pdu->present & SIPC_OPT_OTHER) {
        judge_saw_rule(j, SIPC_RULE_OPT_6);
    }
    if (pdu->options.size > 0) {
        judge_saw_rule(j, SIPC_RULE_OPT_1);
        judge_saw_rule(j, SIPC_RULE_OPT_3);
        judge_saw_rule(j, SIPC_RULE_OPT_4);
    }
    judge_saw_rule(j, SIPC_RULE_WIRE_1);
}

static void wire_dispatch(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                          const struct judge_event *event)
{
    switch (pdu->opcode) {
    case SIPC_DATA:
        judge_rx_data(j, s, pdu, event->peer, event->pdu.size);
        break;
    case SIPC_DATA_ACK:
        s->active_ns = j->now_ns; /* IDL-1 */
        judge_rx_ack(j, s, pdu);
        break;
    case SIPC_CLOSE_ACK:
        judge_rx_ack(j, s, pdu);
        break;
    case SIPC_CLOSE:
        judge_rx_close(j, s, pdu);
        break;
    default:
        judge_rx_link(j, s, pdu);
        break;
    }
}

/* END-1a: the connection of what is valid. Of data PDUs alone the judge knows surely that they
 * are. */
static void wire_came_from(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                           uint64_t peer)
{
    bool data = pdu->opcode == SIPC_DATA && s->in.known;

    if (j->cause.check == JUDGE_CHECK_COUNT) {
        s->peer_unsure = !data && (s->peer_unsure || s->last_peer != peer);
        s->last_peer = peer;
        s->stray_peer = JUDGE_PEER_UNKNOWN;
    } else if (s->last_peer == peer) {
        s->stray_peer = JUDGE_PEER_UNKNOWN;
    } else if (!data) {
        s->peer_unsure = true; /* it may have been valid all the same */
        s->stray_peer = JUDGE_PEER_UNKNOWN;
    } else if (!s->peer_unsure && judge_certain(j, s)) {
        s->stray_peer = peer;
    }
}

void judge_rx(struct judge *j, const struct judge_event *event)
{
    struct sipc_pdu pdu = {0};
    enum sipc_discard reason = sipc_pdu_decode(event->pdu, &pdu);

    judge_cause_clear(j);
    j->rx_event = j->event;
    j->rx_ns = j->now_ns;
    if (reason != SIPC_DISCARD_NONE) {
        wire_discarded(j, reason, &pdu, event);
        return;
    }
    wire_options_seen(j, &pdu);
    struct judge_session *s = judge_session_find(j, pdu.session_id, event->peer);
    if (s == NULL || judge_endpoint_gone(j, s, &pdu)) {
        judge_rx_unknown(j, &pdu, event);
        return;
    }
    s->activity_ns = j->now_ns;
    if (s->lingering) {
        s->lingering = false;
        return;
    }
    judge_saw_rule(j, SIPC_RULE_END_1);
    wire_dispatch(j, s, &pdu, event);
    wire_came_from(j, s, &pdu, event->peer);
}

/* ---- what goes out ---- */

static enum judge_check wire_malformed(enum sipc_discard reason)
{
    switch (reason) {
    case SIPC_DISCARD_TOO_SHORT:
    case SIPC_DISCARD_TOO_LONG:
        return JUDGE_SENT_WRONG_SIZE;
    case SIPC_DISCARD_OPTION_CUT:
    case SIPC_DISCARD_OPTION_LENGTHS:
    case SIPC_DISCARD_OPTION_NAME:
        return JUDGE_SENT_BAD_OPTION;
    case SIPC_DISCARD_OPTION_VALUE:
        return JUDGE_SENT_BAD_VALUE;
    case SIPC_DISCARD_ABORT_CODE:
        return JUDGE_SENT_ABORT_CODE;
    case SIPC_DISCARD_ACK_ERROR_CODE:
        return JUDGE_SENT_ACK_CODE;
    case SIPC_DISCARD_LINK_ERROR_CODE:
        return JUDGE_SENT_LINK_CODE;
    default:
        return JUDGE_SENT_MALFORMED;
    }
}

/* OPT-3: names of the protocol in PDUs that no application has a say in. */
static void wire_check_names(struct judge *j, const struct sipc_pdu *pdu,
                             const struct judge_session *s)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;

    while (pdu->opcode != SIPC_DATA && !judge_is_plain(pdu) && sipc_option_next(&rest, &option)) {
        if (option.id == 0 && option.name.size >= 2 && option.name.data[0] == 's' &&
            option.name.data[1] == '_') {
            judge_blame(j, s, JUDGE_SENT_INVENTED_NAME, "no option s_... that the protocol lacks",
                        judge_text(j, "\"%.*s\"",
                                   (int)(option.name.size < 40 ? option.name.size : 40),
                                   (const char *)option.name.data));
            return;
        }
    }
}

static void wire_check_sent(struct judge *j, const struct sipc_pdu *pdu,
                            const struct judge_session *s, size_t size)
{
    judge_saw_rule(j, SIPC_RULE_WIRE_2);
    wire_options_seen(j, pdu);
    wire_check_names(j, pdu, s);
    if (j->config.mtu >= 0) {
        judge_saw(j, JUDGE_SENT_OVER_MTU);
        judge_saw_rule(j, SIPC_RULE_SND_2a);
        if ((int64_t)size > j->config.mtu) {
            judge_blame(j, s, JUDGE_SENT_OVER_MTU,
                        judge_text(j, "at most %lld bytes, the mtu", (long long)j->config.mtu),
                        judge_text(j, "%zu bytes", size));
        }
    }
}

static void wire_check_connection(struct judge *j, const struct judge_session *s,
                                  const struct judge_event *event)
{
    if (j->config.stream) {
        judge_saw(j, JUDGE_WRONG_CONNECTION);
        if (event->peer != s->last_peer) {
            judge_blame(j, s, JUDGE_WRONG_CONNECTION,
                        "answers on the connection that last brought a valid PDU",
                        "one on another");
        }
    }
}

static void wire_check_stray(struct judge *j, struct judge_session *s,
                             const struct judge_event *event)
{
    if (j->config.stream && s->stray_peer == event->peer && s->stray_peer != JUDGE_PEER_UNKNOWN) {
        judge_blame(j, s, JUDGE_WRONG_CONNECTION,
                    "PDUs on the connection that last brought a valid one",
                    "one on that of an invalid one");
        s->stray_peer = JUDGE_PEER_UNKNOWN;
    }
}

void judge_tx(struct judge *j, const struct judge_event *event)
{
    struct sipc_pdu pdu = {0};
    enum sipc_discard reason = sipc_pdu_decode(event->pdu, &pdu);

    if (reason != SIPC_DISCARD_NONE) {
        judge_blame(j, NULL, wire_malformed(reason), "a PDU that can be decoded",
                    judge_text(j, "%zu bytes that cannot (%s)", event->pdu.size,
                               sipc_discard_name(reason)));
        return;
    }
    struct judge_session *s = judge_session_find(j, pdu.session_id, event->peer);
    wire_check_sent(j, &pdu, s, event->pdu.size);
    if (s == NULL && !judge_knows(j, JUDGE_NEEDS_COMMANDS | JUDGE_NEEDS_ARRIVALS)) {
        s = judge_session_add(j, pdu.session_id, event->peer); /* it may have begun unseen */
    }
    if (s == NULL) {
        judge_tx_unknown(j, &pdu, event);
        return;
    }
    switch (pdu.opcode) {
    case SIPC_DATA:
        wire_check_stray(j, s, event);
        judge_tx_data(j, s, &pdu, event);
        break;
    case SIPC_DATA_ACK:
        wire_check_connection(j, s, event);
        judge_tx_ack(j, s, &pdu, event->pdu);
        break;
    case SIPC_CLOSE:
        judge_tx_close(j, s, &pdu, event);
        break;
    case SIPC_CLOSE_ACK:
        wire_check_connection(j, s, event);
        judge_tx_close_ack(j, s, &pdu, event->pdu);
        break;
    default:
        judge_tx_link(j, s, &pdu);
        break;
    }
    s->activity_ns = j->now_ns;
}
