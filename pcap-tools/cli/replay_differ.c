/* Whether a PDU is the same as a captured one, and which rule is about the difference. See
 * replay.h. Pure functions over decoded PDUs. SPDX-License-Identifier: MIT */
#include <string.h>

#include "replay.h"

static bool differ_spans(struct sipc_span a, struct sipc_span b)
{
    return a.size != b.size || (a.size > 0 && memcmp(a.data, b.data, a.size) != 0);
}

/* The next option that frames nothing. */
static bool differ_next(struct sipc_span *rest, struct sipc_option *option)
{
    while (sipc_option_next(rest, option))
        if ((option->id & SIPC_OPT_FRAMING) == 0)
            return true;
    return false;
}

static bool differ_attributes(struct sipc_span a, struct sipc_span b)
{
    struct sipc_option one, other;

    for (;;) {
        const bool more = differ_next(&a, &one);
        if (more != differ_next(&b, &other))
            return true;
        if (!more)
            return false;
        if (differ_spans(one.name, other.name) || differ_spans(one.value, other.value))
            return true;
    }
}

static bool differ_is_ack(const struct sipc_pdu *pdu)
{
    return pdu->opcode == SIPC_DATA_ACK || pdu->opcode == SIPC_CLOSE_ACK;
}

bool replay_same(const struct sipc_pdu *played, int64_t id, const struct sipc_pdu *captured)
{
    if (played->opcode != captured->opcode || played->flags != captured->flags ||
        played->error_code != captured->error_code)
        return false;
    if (played->opcode == SIPC_ENQUIRE_LINK || played->opcode == SIPC_ENQUIRE_LINK_ACK)
        return true; /* LNK-1: their ids say nothing */
    if (id != captured->window_id || played->seq_nr != captured->seq_nr)
        return false;
    if (differ_is_ack(played))
        return played->max_window_size == captured->max_window_size;
    return played->abort_code == captured->abort_code &&
           !differ_spans(played->data, captured->data) &&
           !differ_attributes(played->options, captured->options);
}

static enum sipc_rule differ_code(int32_t code)
{
    switch (code) {
    case SIPC_ERROR_GROUP_OVERFLOW:
        return SIPC_RULE_GRP_1;
    case SIPC_ERROR_OPTION_DECODING:
        return SIPC_RULE_OPT_8;
    case SIPC_ERROR_TWO_WAY_WHILE_OPENING:
        return SIPC_RULE_OPN_2;
    case SIPC_ERROR_SINGLE_WINDOW_GROUP:
        return SIPC_RULE_OPN_3;
    case SIPC_ERROR_NO_BEGINNING:
        return SIPC_RULE_RCV_11;
    case SIPC_ERROR_SESSION_ENDED:
        return SIPC_RULE_END_2a;
    default:
        return SIPC_RULE_ERR_2;
    }
}

static enum sipc_rule differ_acks(const struct sipc_pdu *played, const struct sipc_pdu *captured)
{
    const bool close = played->opcode == SIPC_CLOSE_ACK;

    if (played->error_code != captured->error_code)
        return differ_code(played->error_code != 0 ? played->error_code : captured->error_code);
    if (captured->seq_nr > played->seq_nr)
        return SIPC_RULE_ACK_1;
    if (captured->seq_nr < played->seq_nr)
        return SIPC_RULE_ACK_1a;
    if (played->flags != captured->flags)
        return close ? SIPC_RULE_CLS_1a : SIPC_RULE_ACK_2;
    return SIPC_RULE_ACK_2a;
}

/* Both are there, with the same opcode and window, and seq_nr where they are data. */
static enum sipc_rule differ_both(const struct sipc_pdu *played, const struct sipc_pdu *captured)
{
    if (differ_is_ack(played))
        return differ_acks(played, captured);
    if (played->opcode == SIPC_ENQUIRE_LINK_ACK)
        return SIPC_RULE_LNK_1;
    if (played->opcode == SIPC_CLOSE)
        return SIPC_RULE_CLS_1;
    if (differ_spans(played->data, captured->data))
        return SIPC_RULE_SND_2;
    if ((played->flags ^ captured->flags) & SIPC_OPT_SKIP)
        return SIPC_RULE_OPN_4a;
    return played->flags != captured->flags ? SIPC_RULE_SND_5 : SIPC_RULE_SND_3;
}

enum sipc_rule replay_rule(const struct sipc_pdu *played, const struct sipc_pdu *captured,
                           bool again)
{
    const struct sipc_pdu *pdu = played != NULL ? played : captured;

    if (played != NULL && captured != NULL)
        return differ_both(played, captured);
    switch (pdu->opcode) {
    case SIPC_DATA:
        return again ? SIPC_RULE_RTY_1 : SIPC_RULE_SND_6;
    case SIPC_DATA_ACK:
        return pdu->error_code != 0 ? differ_code(pdu->error_code)
               : again              ? SIPC_RULE_WID_7
                                    : SIPC_RULE_ACK_1;
    case SIPC_CLOSE:
        return again ? SIPC_RULE_RTY_1 : SIPC_RULE_CLS_1;
    case SIPC_CLOSE_ACK:
        return again ? SIPC_RULE_WID_7 : SIPC_RULE_CLS_3;
    case SIPC_ENQUIRE_LINK:
        return SIPC_RULE_LNK_2;
    default:
        return pdu->error_code != 0 ? differ_code(pdu->error_code) : SIPC_RULE_LNK_1;
    }
}
