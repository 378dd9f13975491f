/* The tape: every verdict that chance decided in a run, each on the PDU it fell on. A world that
 * replays a tape draws nothing: all it does otherwise follows from hosts, links and timeline.
 *
 * On the tape: losses (all models), drops of RED, duplicates, corruptions, delays other than the
 * link's base delay, reorderings. Not on it, because they follow from the rest again: MTU, full
 * queues, CoDel, links that are down, hosts that are down.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_TAPE_H
#define SIMNET_TAPE_H

#include "sipc/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIMNET_TAPE_VERSION 1

/* What a datagram is called on a link, whatever happened to others. A well-formed head (length,
 * opcode, window id and seq_nr in range): session, opcode, window id and seq_nr of it and how
 * often this link was given that before. Anything else is raw: opcode, window id, seq_nr and
 * session are 0, and xmit counts the raw datagrams of the link. */
struct simnet_pdu_key {
    uint64_t session; /* simnet_session_key */
    int64_t window_id;
    int32_t seq_nr;
    uint32_t xmit; /* transmission number on this link, from 1 */
    uint8_t opcode;
    uint8_t copy; /* 0: the datagram itself, n: its n-th duplicate */
};

/* The number a session goes by in keys: a hash of its 32-byte id. */
uint64_t simnet_session_key(const uint8_t session_id[SIPC_SESSION_ID_SIZE]);

/* The stages of a link, in order (loss may come first: simnet_link_config.loss_at_sender). */
enum simnet_stage {
    SIMNET_STAGE_ENTER, /* the sender hands it over */
    SIMNET_STAGE_MTU,
    SIMNET_STAGE_QUEUE,
    SIMNET_STAGE_SERIALISE, /* its end is the sender's aftermath */
    SIMNET_STAGE_LOSS,
    SIMNET_STAGE_DUPLICATE,
    SIMNET_STAGE_CORRUPT,
    SIMNET_STAGE_PROPAGATE,
    SIMNET_STAGE_REORDER,
    SIMNET_STAGE_UP_DOWN,
    SIMNET_STAGE_ARRIVE, /* the receiver gets it, if there is one */
    SIMNET_STAGE_COUNT
};
const char *simnet_stage_name(enum simnet_stage stage);

/* What a stage did. PASS is the default everywhere. */
enum simnet_verdict {
    SIMNET_PASS,
    SIMNET_DROP,     /* MTU, QUEUE, LOSS, UP_DOWN, ARRIVE */
    SIMNET_COPIES,   /* DUPLICATE: value = how many copies more */
    SIMNET_FLIP,     /* CORRUPT: value = first bit (bit 0: the highest of byte 0), extra = bits */
    SIMNET_TRUNCATE, /* CORRUPT: value = bytes kept */
    SIMNET_EXTEND,   /* CORRUPT: value = bytes appended (byte i of them is i mod 251) */
    SIMNET_DELAY,    /* PROPAGATE: value = delay in ns, all of it */
    SIMNET_SWAP,     /* REORDER: value = how many later datagrams pass it */
    SIMNET_JUMP,     /* REORDER: value = how many earlier ones it passes */
    SIMNET_VERDICT_COUNT
};
const char *simnet_verdict_name(enum simnet_verdict verdict);

/* One verdict. For each stage, link and key there is at most one. */
struct simnet_fault {
    struct simnet_pdu_key key;
    uint64_t value;
    uint32_t extra;
    uint32_t link; /* in order of simnet_link_add */
    uint8_t stage; /* enum simnet_stage */
    uint8_t verdict;
};

struct simnet_tape {
    struct simnet_fault *faults; /* in the order they fell */
    size_t count, capacity;
};

/* A tape starts as {0}. Adding copies the fault; no memory: abort, as everywhere in simnet. */
void simnet_tape_add(struct simnet_tape *tape, const struct simnet_fault *fault);
void simnet_tape_clear(struct simnet_tape *tape); /* frees; {0} again */

/* NULL, or a sentence (static) why no link could have given this verdict: stage and verdict that do
 * not go together, a value out of range. Links are not looked at. */
const char *simnet_fault_check(const struct simnet_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
