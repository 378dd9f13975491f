/* The parts of the explorer and what they say to each other. Nothing here is seen from outside.
 *
 *   explore   the search: level by level, until nothing is new
 *   step      one action upon a state, and everything that comes of it
 *   check     what the applications must and must not see
 *   heal      what becomes of a state when nothing goes wrong any more
 *   state     states: packed, hashed, unpacked
 *   visited   the states seen: their hashes, the way to them
 *   pdus      the different PDUs there were, by number
 *   trace     the way to a failure, told entry by entry
 */
#ifndef SIMNET_EXPLORE_INTERNAL_H
#define SIMNET_EXPLORE_INTERNAL_H

#include "simnet/explore.h"

/* What the engines take for now in every state. */
#define EXPLORE_NOW (SIPC_NS_PER_MS << 32)

enum {
    OPERATIONS = SIMNET_EXPLORE_OPERATIONS_MAX,
    PROBE = OPERATIONS, /* slot of the message that tries whether a session is usable (heal.c) */
    SLOTS = OPERATIONS + 1,
    WIRE_MAX = SIMNET_EXPLORE_IN_FLIGHT_MAX,
    OWED_MAX = 4,
    ACTIONS_MAX = 64,
    PATTERN_PERIOD = 251,
    PATTERN_FROM = 67,
    NODE_NONE = -1
};

/* ---- actions: kind, side, index (of what is under way, or owed) ---- */

enum action_kind {
    ACTION_SENT,
    ACTION_DELIVER,
    ACTION_OPERATION,
    ACTION_ADVANCE,
    ACTION_DROP,
    ACTION_DUPLICATE,
    ACTION_NOT_SENT,
    ACTION_CRASH,
    ACTION_INJECT,
    ACTION_PROBE, /* of heal.c */
};
static inline uint32_t action_of(enum action_kind kind, uint32_t side, uint32_t index)
{
    return (uint32_t)kind | side << 4 | index << 8;
}

/* ---- PDUs ---- */

struct pdu {
    size_t offset; /* in `bytes` */
    uint32_t size;
    uint32_t to;   /* side */
    uint32_t next; /* 1 + number, in the same bucket */
    uint8_t opcode;
};
struct pdus {
    struct pdu *items;
    size_t count, capacity;
    uint8_t *bytes;
    size_t bytes_size, bytes_capacity;
    uint32_t *buckets;
    size_t bucket_count; /* power of two */
};
uint32_t explore_pdus_number(struct pdus *pdus, uint32_t to, struct sipc_span bytes);
struct sipc_span explore_pdus_bytes(const struct pdus *pdus, uint32_t number);
void explore_pdus_fini(struct pdus *pdus);

/* ---- states ---- */

enum operation_state {
    OPERATION_TO_COME,
    OPERATION_PENDING,
    OPERATION_OK,
    OPERATION_FAILED,
    OPERATION_CRASHED
};
enum host_flag { HOST_CRASHED = 1, HOST_ENDED = 2 /* its session left opened */ };

struct wire_entry {
    uint32_t pdu;
    uint32_t left_ms; /* of its life */
};

/* All of a state that is not in the engines. No padding: it is hashed as bytes. */
struct outside {
    uint16_t delivered[2][SLOTS]; /* bytes of each message that the other side was given */
    uint8_t operations[2][SLOTS]; /* enum operation_state */
    uint8_t next[2];              /* of the plan */
    uint8_t stand[2];             /* of the session: 0 none, 1 + enum sipc_state */
    uint8_t flags[2];             /* enum host_flag */
    uint8_t faults;
    uint8_t rough;    /* something was lost or late, or a host crashed */
    uint8_t injected; /* bits */
    uint8_t wire_count;
    uint8_t owed_count[2];
    uint8_t pad[2];
    uint32_t owed[2][OWED_MAX];       /* tokens of aftermaths, ascending; zero behind the last */
    struct wire_entry wire[WIRE_MAX]; /* ascending; what is behind the last is no part of it */
};

struct engine_state {
    void *block; /* an endpoint */
    uint8_t *packed;
    size_t packed_size;
    uint64_t hash[2]; /* of `packed` */
};
struct state {
    struct engine_state engines[2];
    struct outside outside;
};

struct buffer { /* grows */
    uint8_t *bytes;
    size_t size, capacity;
};
void *explore_allocate(void *old, size_t size); /* never NULL */
uint8_t *explore_buffer_grow(struct buffer *buffer, size_t size);

/* ---- states seen ---- */

struct node {
    uint64_t hash[2];
    uint32_t parent, action;
    uint32_t heal; /* the state it comes to when nothing goes wrong; HEAL_* */
    uint32_t walk; /* of heal.c */
};
#define HEAL_TERMINAL (UINT32_MAX - 1)
#define HEAL_UNKNOWN  UINT32_MAX
struct visited {
    struct node *nodes;
    size_t count, capacity;
    uint64_t *index;   /* 1 + node, and 32 bits of its hash */
    size_t index_size; /* power of two */
};
void explore_visited_init(struct visited *visited);
void explore_visited_fini(struct visited *visited);
/* The node with this hash; a new one (*is_new) has the parent and the action. */
uint32_t explore_visited_add(struct visited *visited, const uint64_t hash[2], uint32_t parent,
                             uint32_t action, bool *is_new);
size_t explore_visited_memory(const struct visited *visited);

/* ---- the explorer ---- */

struct trace {
    struct simnet_explore_entry *entries;
    size_t count, capacity;
    sipc_time now;
    uint64_t transmissions;
    uint32_t tokens[2][64]; /* [n % 64]: token of transmission n of that side, as it is now */
    struct buffer bytes;    /* entries' spans are offsets until the end */
};

struct explorer {
    const struct simnet_explore_world *world;
    struct simnet_explore_options options;
    const struct simnet_explore_engine *engine;
    struct sipc_config config;
    size_t block_size, snapshot_size;
    size_t words, mask_words; /* of a snapshot; of the mask of its words */
    uint64_t *fresh;          /* snapshot of an endpoint to which nothing happened */
    uint64_t *usual;          /* of one that has opened the session */
    struct state base, work;  /* a state, and what an action makes of it */
    bool touched[2];          /* that engine of `work` is not the one of `base` */
    bool cut;                 /* the action led out of the bounds */
    uint32_t wire_limit;
    sipc_time deadlines[2];                             /* of the base */
    uint32_t injections[SIMNET_EXPLORE_INJECTIONS_MAX]; /* PDUs */
    struct pdus pdus;
    struct visited visited;
    struct buffer frontier[2]; /* packed states of this level, and of the next */
    uint8_t pattern[65536 + PATTERN_PERIOD];
    uint32_t tail[4096]; /* actions after the last node */
    size_t tail_count;
    struct simnet_explore_result *result;
    bool broken;
    struct trace *trace; /* NULL: nobody listens */
};

/* ---- state.c ---- */

void explore_state_init(struct explorer *x);
void explore_state_fini(struct explorer *x);
/* The hash of `work`. */
void explore_state_hash(struct explorer *x, uint64_t hash[2]);
/* After that: `work` as a record, all of it that differs from a fresh state. */
void explore_state_write(const struct explorer *x, struct buffer *buffer);
/* `base` from a record. */
void explore_state_unpack(struct explorer *x, const uint8_t *record);
/* What the action made becomes the state that it was made of. */
void explore_state_adopt(struct explorer *x);

/* ---- step.c ---- */

enum step { STEP_NONE, STEP_DONE, STEP_CUT };
/* What can be done in `base`, and in this order: first what happens when nothing goes wrong. */
size_t explore_step_actions(const struct explorer *x, uint32_t actions[ACTIONS_MAX]);
/* Does it to `base`; the outcome is `work`. NONE: the engine does not take it. */
enum step explore_step_do(struct explorer *x, uint32_t action);
/* The first state of the world, in `work`. */
void explore_step_begin(struct explorer *x);
uint32_t explore_step_number(uint32_t side, uint32_t slot);
struct sipc_span explore_step_message_bytes(const struct explorer *x, uint64_t number,
                                            uint64_t offset, size_t size);
/* What it is in the table of marks. */
unsigned explore_step_event(const struct explorer *x, uint32_t action);

/* ---- check.c ---- */

void explore_check_fail(struct explorer *x, const char *invariant, enum sipc_rule rule,
                        uint32_t side, const char *format, ...) SIPC_PRINTF(5, 6);
void explore_check_delivery(struct explorer *x, uint32_t side, struct sipc_span data);
void explore_check_result(struct explorer *x, uint32_t side, const struct sipc_action *action);
void explore_check_state(struct explorer *x, uint32_t side, enum sipc_state state, int32_t cause);
void explore_check_engines(struct explorer *x); /* those touched */

/* ---- heal.c ---- */

/* Whether all is over in `base` and only deadlines are left, if `first` is what comes first. */
bool explore_heal_is_terminal(const struct explorer *x, uint32_t first);
/* Lets nothing go wrong from `base` on; its actions go to the tail. */
void explore_heal_run(struct explorer *x);
/* `base` is terminal: what must hold then. */
void explore_heal_check_terminal(struct explorer *x);
/* The whole graph: whether some state comes round to itself. Its number, or UINT32_MAX. */
uint32_t explore_heal_find_circle(struct explorer *x);

/* ---- trace.c ---- */

/* Tells the way to `node` and the tail behind it, in the result. */
void explore_trace_tell(struct explorer *x, uint32_t node);
/* A new entry at the trace's time, to be filled in. */
struct simnet_explore_entry *explore_trace_add(struct explorer *x, enum simnet_explore_what what,
                                               uint32_t side);
void explore_trace_bytes(struct explorer *x, struct simnet_explore_entry *entry,
                         struct sipc_span bytes);

#endif
