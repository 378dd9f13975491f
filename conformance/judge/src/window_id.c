/* Window ids that come in: WID-1 to WID-8 and SEQ-1, as the receiver has to see them.
 * SPDX-License-Identifier: MIT */
#include "internal.h"

/* Whether the id is valid; what only WID-2a forbids is untested. */
static enum judge_validity window_id_valid(const struct judge *j, const struct judge_inbound *in,
                                           int64_t id)
{
    int64_t step = j->config.window_id_step, top = j->config.window_id_max;

    if (in->min < 0) {
        return id <= step ? JUDGE_VALID : JUDGE_INVALID;
    }
    if (in->min == top && id <= step) {
        return JUDGE_VALID;
    }
    if (id < in->min || (id == in->min && in->min_processed) || id - in->min > step) {
        return JUDGE_INVALID;
    }
    return id > top ? JUDGE_UNTESTED : JUDGE_VALID;
}

enum judge_validity judge_window_id_check(const struct judge *j, const struct judge_session *s,
                                          const struct sipc_pdu *pdu)
{
    const struct judge_inbound *in = &s->in;
    enum judge_validity validity = window_id_valid(j, in, pdu->window_id);

    if (validity == JUDGE_VALID && j->config.max_window_size >= 0 &&
        pdu->seq_nr >= j->config.max_window_size) {
        return pdu->opcode == SIPC_CLOSE ? JUDGE_UNTESTED : JUDGE_INVALID;
    }
    if (validity == JUDGE_INVALID && in->last.id == pdu->window_id) {
        return in->last.opcode == pdu->opcode ? JUDGE_REPEAT : JUDGE_UNTESTED;
    }
    return validity;
}

enum judge_check judge_window_id_rule(const struct judge *j, const struct judge_session *s,
                                      const struct sipc_pdu *pdu)
{
    const struct judge_inbound *in = &s->in;

    if (window_id_valid(j, in, pdu->window_id) == JUDGE_VALID) {
        return JUDGE_REACTS_SEQ_1;
    }
    if (pdu->opcode == SIPC_CLOSE) {
        return JUDGE_REACTS_WID_8;
    }
    if (in->min < 0) {
        return JUDGE_REACTS_WID_1;
    }
    if (pdu->window_id == in->min) {
        return JUDGE_REACTS_WID_5;
    }
    return pdu->window_id < in->min && !in->min_processed ? JUDGE_REACTS_WID_4 : JUDGE_REACTS_WID_3;
}

void judge_window_id_saw(struct judge *j, const struct judge_session *s, const struct sipc_pdu *pdu)
{
    const struct judge_inbound *in = &s->in;

    judge_saw_rule(j, in->min < 0 ? SIPC_RULE_WID_1 : SIPC_RULE_WID_3);
    judge_saw_rule(j, SIPC_RULE_SEQ_1);
    if (in->min >= 0 && !in->min_processed) {
        judge_saw_rule(j, SIPC_RULE_WID_4);
    }
    if (in->min == j->config.window_id_max) {
        judge_saw_rule(j, SIPC_RULE_WID_6);
    }
    if (pdu->window_id > j->config.window_id_max) {
        judge_saw_rule(j, SIPC_RULE_WID_2a);
    }
    if (in->min_processed && pdu->window_id == in->min) {
        judge_saw_rule(j, SIPC_RULE_WID_5);
    }
    if (pdu->opcode == SIPC_CLOSE || in->last.opcode == SIPC_CLOSE) {
        judge_saw_rule(j, SIPC_RULE_WID_8);
    }
}
