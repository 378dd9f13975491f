/* What scripted hosts answer: each reaction that fits what came, in the order of the scenario. An
 * answer may take the session and the ids of what came; all else is as it was written.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

static bool react_takes(const struct simnet_scenario_reaction *reaction)
{
    return reaction->takes_session || reaction->takes_window_id || reaction->takes_seq_nr;
}

const char *scenario_reaction_check(const struct simnet_scenario_reaction *reaction)
{
    struct sipc_pdu pdu;

    if (reaction->bytes.size > SIPC_PDU_SIZE_MAX)
        return "the answer is longer than a datagram, which has at most 65500 bytes";
    if (react_takes(reaction) && reaction->to.opcode == 0)
        return "'raw' is what is no PDU: it has no ids that * could take";
    if (react_takes(reaction) && sipc_pdu_decode(reaction->bytes, &pdu) != SIPC_DISCARD_NONE)
        return "an answer that takes the session or an id of what came must be a valid PDU; any "
               "other says session= and numbers";
    return NULL;
}

/* `came`: NULL where it was no PDU. */
static bool react_fits(const struct simnet_predicate *to, const struct sipc_pdu *came)
{
    if (came == NULL)
        return to->opcode == 0;
    return (to->opcode == -1 || to->opcode == came->opcode) &&
           (to->window_id == -1 || to->window_id == came->window_id) &&
           (to->seq_nr == -1 || to->seq_nr == came->seq_nr);
}

/* The answer's bytes: its own, or those in `out`, of SIPC_PDU_SIZE_MAX. */
static struct sipc_span react_answer(const struct simnet_scenario_reaction *reaction,
                                     const struct sipc_pdu *came, uint8_t *out)
{
    struct sipc_pdu own;
    size_t size;

    if (!react_takes(reaction))
        return reaction->bytes;
    enum sipc_discard discard = sipc_pdu_decode(reaction->bytes, &own);
    SIPC_ASSERT(discard == SIPC_DISCARD_NONE);
    const struct sipc_pdu_parts parts = {
        .session_id = reaction->takes_session ? came->session_id : own.session_id,
        .window_id = reaction->takes_window_id ? came->window_id : own.window_id,
        .seq_nr = reaction->takes_seq_nr ? came->seq_nr : own.seq_nr,
        .opcode = own.opcode,
        .options = own.options,
        .data = own.data};
    enum sipc_status status = sipc_pdu_encode(&parts, out, SIPC_PDU_SIZE_MAX, &size);
    SIPC_ASSERT(status == SIPC_OK);
    return (struct sipc_span){out, size};
}

void scenario_react(void *ctx, struct simnet_world *world, simnet_host host, sipc_time now,
                    sipc_peer from, struct sipc_span bytes)
{
    const struct simnet_scenario *scenario = ctx;
    uint8_t session_id[SIPC_SESSION_ID_SIZE], answer[SIPC_PDU_SIZE_MAX];
    struct sipc_pdu pdu;
    bool is_pdu = sipc_pdu_decode(bytes, &pdu) == SIPC_DISCARD_NONE;

    (void)now;
    if (is_pdu) /* `bytes` live until the first answer is sent */
        pdu.session_id = memcpy(session_id, pdu.session_id, sizeof session_id);
    for (size_t i = 0; i < scenario->reactions.count; i++) {
        const struct simnet_scenario_reaction *reaction = &scenario->reactions.at[i];
        if (reaction->host != host || !react_fits(&reaction->to, is_pdu ? &pdu : NULL))
            continue;
        struct simnet_transmit transmit = {.to = from,
                                           .head = react_answer(reaction, &pdu, answer)};
        simnet_port_transmit(world, host, &transmit);
    }
}
