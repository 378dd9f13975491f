/* What the engine says, in the judge's words: for whoever shows a judge what an engine of this
 * project does. The judge itself does not know the engine.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_JUDGE_ENGINE_H
#define CONFORM_JUDGE_ENGINE_H

#include "conform/judge.h"
#include "sipc/endpoint.h"

static inline enum judge_outcome judge_outcome_of(enum sipc_outcome outcome)
{
    static const enum judge_outcome outcomes[] = {
        [SIPC_OUTCOME_OK] = JUDGE_OUTCOME_OK,
        [SIPC_OUTCOME_TIMEOUT] = JUDGE_OUTCOME_TIMEOUT,
        [SIPC_OUTCOME_PEER_ERROR] = JUDGE_OUTCOME_PEER_ERROR,
        [SIPC_OUTCOME_NETWORK_ERROR] = JUDGE_OUTCOME_NETWORK_ERROR,
        [SIPC_OUTCOME_NOT_SENT] = JUDGE_OUTCOME_NOT_SENT,
        [SIPC_OUTCOME_CLOSED] = JUDGE_OUTCOME_CLOSED,
    };
    return outcomes[outcome];
}

#endif
