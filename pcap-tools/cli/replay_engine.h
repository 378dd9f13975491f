/* A replay by a SUT as it goes on: shared by what plays and what weighs. See replay.h.
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_REPLAY_ENGINE_H
#define PCAPT_REPLAY_ENGINE_H

#include "replay.h"

struct engine_name { /* of a window: in the capture, and as played */
    int64_t played, captured;
    struct replay_op *op; /* NULL: a resync PDU */
};
struct engine_extra { /* played, and not found in the capture */
    uint64_t at_ns;
    int64_t id; /* in the capture */
    uint8_t *bytes;
    size_t size;
    const struct replay_op *op;
};
struct engine_session {
    struct engine_name *names;
    size_t name_count, name_room;
    struct engine_extra *extras;
    size_t extra_count, extra_room;
    size_t low; /* of what was sent: all before it is done with */
    size_t op_due, op_next, resync_used;
    struct replay_op *current;
    bool busy, shifted, ready;
};
struct engine_aftermath {
    uint64_t token, at_ns;
    bool success;
};
struct engine {
    struct replay_plan *plan;
    const struct replay_capture *capture;
    struct conform_sut *sut;
    struct conform_error *error;
    uint64_t tolerance_ns;
    struct replay_result *result;
    struct engine_session *sessions;
    uint64_t *tokens;                    /* 1 + what waits for PDU i of the capture */
    struct engine_aftermath *due, *held; /* at once; later */
    size_t due_count, due_room, held_count, held_room;
    uint64_t ack_timeout_ns;
    size_t *asked; /* session of each operation, by label */
    size_t asked_count, asked_room;
    size_t ready_count;
    size_t flood;      /* outputs at this moment */
    uint32_t position; /* PDUs of the capture from there on are yet to come */
    bool mute;         /* what comes out answers what was made up */
};

void replay_differs(struct replay_result *result, enum sipc_rule rule, uint64_t at_ns,
                    uint64_t frame, const struct replay_session *session, const char *played,
                    const char *captured);
/* All that is different, once the capture is over; in order of time. */
void replay_weigh(struct engine *engine);

#endif
