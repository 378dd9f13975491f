/* The state of an endpoint: one block, no pointers inside. Every file of the state machine sees it;
 * nothing outside engine/src does.
 *
 * The block:
 *     struct sipc_endpoint
 *     struct session      [max_sessions]
 *     uint32_t table      [table_size]      open addressing, of slots (table.c)
 *     uint32_t heap       [max_sessions]    slots by deadline (timers.c)
 *   per session:
 *     struct position     [max_window_size] the current window (window.c)
 *     uint8_t  arena      [group bytes]     received data from the front, options from the back
 *     uint8_t  options    [attribute_limit] encoded attributes of the message being sent
 *     struct unreliable   [queue]           fire-and-forget messages waiting (unreliable.c)
 *     uint8_t  pool       [attribute_limit] their encoded attributes
 *   and of no meaning while no action waits, so no part of a snapshot:
 *     struct queued       [action_capacity] actions waiting (actions.c)
 *     uint8_t  head       [mtu]             the bytes of the transmit action handed out last
 *     uint8_t  attributes [group bytes]     of the delivery handed out last, or its data (group.c)
 *     uint32_t pieces     [group bytes / 9] offsets of long attribute pieces while decoding
 */
#ifndef SIPC_STATE_H
#define SIPC_STATE_H

#include <string.h>

#include "sipc/session.h"

#define SLOT_NONE UINT32_MAX

enum {
    FRAMING_OPTION_SIZE = 13, /* one boolean framing option, "True" */
    BOOLEAN_OPTIONS = 5,      /* those are the first bits of enum sipc_option_id */
    BOOLEAN_OPTION_SET = (1 << BOOLEAN_OPTIONS) - 1,
    PREPARED_OPTION_SIZE = 16, /* room for one of them, or for max_window_size */
    CLOSE_REQUESTS_MAX = 8,    /* close requests that wait for one close (CLS-5) */
    ACTIONS_PER_EVENT = 16,    /* at most, beside the results of the fire-and-forget queue */
    TABLE_KEYS = 5,
    SHUTDOWN_SLOTS = 64, /* looked at per call once the grace is over (END-4) */
    OPTION_SIZE_OVERHEAD = 5,
};

/* Every timer of a session; the session's deadline is the earliest.
 *   OPEN       runs from creation while opening; then the session is given up (STM-2)
 *   ACK        runs from an aftermath while an ack is awaited, or until a resync PDU may leave
 *   RECEIVING  runs from each data PDU applied while opening; then sending is allowed (OPN-5a)
 *   IDLE       runs in opened while no operation is in progress (IDL-1)
 *   ENQUIRE    runs in opened once the peer was heard (LNK-2, LNK-4)
 *   LINGER     runs from awaiting_disposal; then the session is disposed, or its id is free (END-3)
 */
enum timer {
    TIMER_OPEN,
    TIMER_ACK,
    TIMER_RECEIVING,
    TIMER_IDLE,
    TIMER_ENQUIRE,
    TIMER_LINGER,
    TIMER_COUNT
};

/* The ack of the last processed window, kept to be repeated (WID-7). */
struct last_ack {
    int64_t window_id; /* -1: none */
    int32_t seq_nr;
    int32_t error_code; /* 0: the window is full */
    uint8_t opcode;     /* of the PDU it answered: data or close */
};

/* A held PDU of the current window: how much of the arena is its. */
struct position {
    uint32_t data_size;
    uint32_t option_size;
    uint32_t flags; /* framing booleans */
    uint32_t held;
};

struct receiver {
    int64_t min_window_id; /* WID-3; -1: none yet */
    struct last_ack last;
    int64_t window_id;                    /* of the current window; -1: empty */
    uint32_t run;                         /* length of the contiguous run (RCV-5) */
    uint32_t end;                         /* one past the highest held position */
    int32_t last_position;                /* held last_in_window position; -1 */
    uint32_t window_data, window_options; /* bytes of the current window */
    uint32_t group_data, group_options;   /* bytes of the window group before it */
    uint32_t group_windows;
    bool min_processed;  /* WID-5: min itself is valid no more */
    bool receiving;      /* OPN-5a */
    bool group_received; /* OPN-6: it received one */
    uint8_t pad;
};

/* How one window group of a message is cut into PDUs (plan.c). PDUs up to `option_last` carry
 * attributes; data begins in the room they leave there. */
struct plan {
    uint64_t data_offset; /* of the group, in the message */
    uint32_t data_size;
    uint32_t pdu_count;
    uint32_t option_last; /* index of the last PDU with attributes; 0 without */
    uint32_t first_room;  /* data bytes that PDU `option_last` takes */
    uint32_t room;        /* data bytes that each later PDU takes */
    uint32_t tail_start;  /* where the data of the group's last PDU begins */
};

enum operation_kind { OPERATION_NONE, OPERATION_SEND, OPERATION_CLOSE };
enum operation_phase {
    PHASE_WINDOW,      /* a window is on its way */
    PHASE_RESYNC_WAIT, /* no id below top, and the last resync PDU is too young (WID-11) */
    PHASE_RESYNC,      /* the resync PDU is on its way */
    PHASE_BOUNDARY,    /* between window groups, fire-and-forget messages leave (FAF-2) */
};

struct operation {
    uint8_t kind, phase;
    bool one_at_a_time; /* RTY-1 */
    bool skip;
    int32_t code; /* of a close */
    uint64_t handle;
    uint64_t size;  /* of the message */
    uint64_t token; /* aftermath outstanding; 0 none */
    int64_t window_id;
    struct plan plan;
    uint32_t option_size;     /* encoded attributes */
    uint32_t window_start;    /* PDU index in the group */
    uint32_t window_length;   /* PDUs */
    uint32_t prospective_end; /* PDU index: where the prospective window ends (PRT-1) */
    uint32_t sent;            /* PDUs of the window sent so far in this try (SND-8) */
    uint32_t retries;
    uint32_t boundary_budget; /* fire-and-forget messages still let through before the next group */
    uint32_t pad;
};

struct sender {
    int64_t last_id;          /* newest own id used; -1 none */
    int64_t acked_id;         /* WID-10's a; -1 none */
    sipc_time resync_at;      /* when the newest resync PDU left; SIPC_NEVER: none did */
    uint32_t peer_window_max; /* SND-12; 0 unknown */
    bool group_acked;         /* OPN-6: one of its groups was acked in full */
    uint8_t pad[3];
    struct operation op;
};

/* A fire-and-forget message waiting to leave. */
struct unreliable {
    uint64_t handle;
    uint32_t size;
    uint32_t option_size;
    uint32_t skip;
    uint32_t pad;
};

struct unreliable_queue {
    uint32_t first, count; /* ring */
    uint32_t pool_used;    /* bytes of attributes, oldest first */
    uint32_t pad;
    uint64_t token; /* of the one whose aftermath is awaited; 0 none */
    uint64_t token_handle;
    uint32_t token_options; /* its attributes, in front of the pool */
    uint32_t pad2;
};

/* What most events of a session touch comes first and stands together: with many sessions, the
 * processor's cache holds few of them. */
struct session {
    uint8_t id[SIPC_SESSION_ID_SIZE];
    sipc_peer remote;
    uint32_t generation;
    uint8_t used;  /* the slot holds a session, or one disposed whose id lingers */
    uint8_t state; /* enum sipc_state */
    bool local;    /* opened by the local application: never evicted (END-5) */
    bool heard;    /* LNK-4 */
    sipc_time deadline;
    sipc_time timers[TIMER_COUNT];
    int64_t idle_timeout_ns; /* in force */
    uint32_t heap_index;     /* SLOT_NONE: not in the heap */
    bool evictable;
    uint8_t pad[3];
    struct receiver rx;
    struct sender tx;
    struct unreliable_queue faf;
    /* Seldom touched from here on. */
    uint32_t next, prev; /* free list, or list of those that may be evicted */
    sipc_time linger_until;
    int64_t local_idle_timeout_ns; /* what IDL-2 restores */
    uint64_t close_handles[CLOSE_REQUESTS_MAX];
    uint32_t close_count;
    uint32_t pad2;
};

/* An action waiting. Transmits are encoded only when they are taken out. */
struct queued {
    uint8_t kind;   /* enum sipc_action_kind */
    uint8_t detail; /* transmit: opcode; state; operation; discard reason */
    uint8_t outcome;
    uint8_t has_id;
    uint32_t slot; /* SLOT_NONE: no session held */
    sipc_session session;
    uint8_t id[SIPC_SESSION_ID_SIZE];
    sipc_peer remote;
    int64_t window_id;
    uint64_t handle; /* or token of a transmit */
    uint64_t payload_offset;
    uint64_t message;
    uint32_t payload_size;
    uint32_t flags;        /* booleans to send */
    uint32_t option_start; /* attributes to send: range of the session's buffer or pool */
    uint32_t option_size;
    int32_t seq_nr;
    int32_t code;    /* result, state; transmit: error or abort code, 0 none */
    uint32_t pooled; /* the range is of the fire-and-forget pool; deliver: the data is no arena's */
    uint32_t owed;
};

struct sipc_endpoint {
    struct sipc_config config;
    sipc_time now;
    uint64_t transmissions; /* the newest token, but its slot */
    uint64_t sessions_offset, table_offset, heap_offset, actions_offset, head_offset;
    uint64_t attributes_offset, pieces_offset, positions_offset, arenas_offset, options_offset;
    uint64_t unreliable_offset, pools_offset, snapshot_size, size;
    uint32_t table_size; /* power of two */
    uint32_t heap_count;
    uint32_t action_first; /* the next to be taken out */
    uint32_t action_count; /* those taken out before it included; 0: none waits */
    uint32_t action_capacity;
    uint32_t free_first;              /* slots never used come after those given back */
    uint32_t free_fresh;              /* slots from here on were never used */
    uint32_t evict_first, evict_last; /* opening sessions made by peers, oldest first */
    uint32_t session_count;           /* held, not disposed */
    uint32_t delivered_slot;          /* its group is cleared once it was taken out */
    uint32_t shutdown_cursor;
    bool delivered_taken;
    uint8_t pad[3];
    uint32_t slot_bits;    /* of a token: enough for every slot */
    sipc_time shutdown_at; /* SIPC_NEVER: not shutting down */
    uint64_t table_keys[TABLE_KEYS];
    /* Encoded when the endpoint is made, as most PDUs carry some: true, by bit; the own size. */
    uint8_t true_options[BOOLEAN_OPTIONS][PREPARED_OPTION_SIZE];
    uint8_t window_size_option[PREPARED_OPTION_SIZE];
    size_t window_size_used;
    uint64_t discards[SIPC_DISCARD_COUNT];
};

/* ---- places in the block ---- */

static inline void *block_at(const struct sipc_endpoint *ep, uint64_t offset)
{
    return (void *)((uintptr_t)ep + (uintptr_t)offset);
}

static inline struct session *session_at(const struct sipc_endpoint *ep, uint32_t slot)
{
    return (struct session *)block_at(ep, ep->sessions_offset) + slot;
}

static inline uint32_t slot_of(const struct sipc_endpoint *ep, const struct session *s)
{
    return (uint32_t)(s - (const struct session *)block_at(ep, ep->sessions_offset));
}

static inline struct position *positions_of(const struct sipc_endpoint *ep, const struct session *s)
{
    return (struct position *)block_at(ep, ep->positions_offset) +
           (size_t)slot_of(ep, s) * ep->config.max_window_size;
}

static inline uint8_t *arena_of(const struct sipc_endpoint *ep, const struct session *s)
{
    return (uint8_t *)block_at(ep, ep->arenas_offset) +
           (size_t)slot_of(ep, s) * ep->config.group_bytes_max;
}

static inline uint8_t *options_of(const struct sipc_endpoint *ep, const struct session *s)
{
    return (uint8_t *)block_at(ep, ep->options_offset) +
           (size_t)slot_of(ep, s) * ep->config.attribute_limit;
}

static inline struct unreliable *unreliable_of(const struct sipc_endpoint *ep,
                                               const struct session *s)
{
    return (struct unreliable *)block_at(ep, ep->unreliable_offset) +
           (size_t)slot_of(ep, s) * ep->config.unreliable_queue;
}

static inline uint8_t *pool_of(const struct sipc_endpoint *ep, const struct session *s)
{
    return (uint8_t *)block_at(ep, ep->pools_offset) +
           (size_t)slot_of(ep, s) * ep->config.attribute_limit;
}

static inline sipc_session handle_of(const struct sipc_endpoint *ep, const struct session *s)
{
    return ((uint64_t)s->generation << 32) | (slot_of(ep, s) + 1u);
}

static inline sipc_time time_after(sipc_time now, uint64_t delay)
{
    return delay >= SIPC_NEVER - now ? SIPC_NEVER - 1 : now + delay;
}

/* ---- config.c ---- */

/* Fills in the places of everything in the block, and its size. */
void sipc__config_layout(const struct sipc_config *config, struct sipc_endpoint *ep);

/* ---- window_id.c: WID-*, pure ---- */

enum window_id_verdict { WINDOW_ID_VALID, WINDOW_ID_REPEAT, WINDOW_ID_INVALID };
/* Whether the peer may use this id now; REPEAT: WID-7. */
enum window_id_verdict sipc__window_id_check(const struct sipc_config *config,
                                             const struct receiver *rx, int64_t window_id);
/* Whether the id is one a session may begin with (WID-1). */
bool sipc__window_id_is_first(const struct sipc_config *config, int64_t window_id);
/* WID-10's *top*, and the id after the newest used. */
int64_t sipc__window_id_top(const struct sipc_config *config, const struct sender *tx);
int64_t sipc__window_id_next(const struct sipc_config *config, const struct sender *tx);
/* Whether a window needs a resync PDU first (WID-11). */
bool sipc__window_id_exhausted(const struct sipc_config *config, const struct sender *tx);
int64_t sipc__window_id_take(const struct sipc_config *config, struct sender *tx);
/* An ack came for this id: moves `acked_id` where WID-10 lets it. Whether the id was used, this
 * side of the last wrap. */
bool sipc__window_id_acked(const struct sipc_config *config, struct sender *tx, int64_t window_id,
                           int32_t error_code);

/* ---- table.c ---- */

/* Makes the keys of its hash. */
void sipc__table_prepare(struct sipc_endpoint *ep);
uint32_t sipc__table_find(const struct sipc_endpoint *ep, sipc_peer remote, const uint8_t *id);
void sipc__table_add(struct sipc_endpoint *ep, uint32_t slot);
void sipc__table_remove(struct sipc_endpoint *ep, uint32_t slot);

/* ---- timers.c ---- */

void sipc__timer_set(struct session *s, enum timer timer, sipc_time at);
/* Brings the session's place in the heap up to date; after any change of its timers. */
void sipc__timers_update(struct sipc_endpoint *ep, struct session *s);
void sipc__timers_remove(struct sipc_endpoint *ep, struct session *s);
/* The session whose deadline is first; NULL if none has one. */
struct session *sipc__timers_first_session(const struct sipc_endpoint *ep);

/* ---- actions.c ---- */

/* Encodes the options that never change. */
void sipc__actions_prepare(struct sipc_endpoint *ep);
/* Ends the life of what the last action handed out. */
void sipc__actions_release(struct sipc_endpoint *ep);
/* Appends an action about `s` (NULL: none) and returns it to be filled in. */
struct queued *sipc__action_push(struct sipc_endpoint *ep, enum sipc_action_kind kind,
                                 const struct session *s);
/* The action pushed last, to be filled in further. */
struct queued *sipc__action_last(const struct sipc_endpoint *ep);
/* A PDU without payload and attributes; the token is returned. */
uint64_t sipc__transmit(struct sipc_endpoint *ep, const struct session *s, enum sipc_opcode opcode,
                        int64_t window_id, int32_t seq_nr, uint32_t flags, int32_t code);
void sipc__result(struct sipc_endpoint *ep, const struct session *s, enum sipc_operation operation,
                  uint64_t handle, enum sipc_outcome outcome, int32_t code);
void sipc__discard(struct sipc_endpoint *ep, const struct session *s, const uint8_t *id,
                   sipc_peer remote, enum sipc_discard reason);

/* ---- endpoint.c ---- */

/* Starts an event: SIPC_E_PENDING while actions wait. */
enum sipc_status sipc__event_begin(struct sipc_endpoint *ep, sipc_time now);
/* A new session in opening, or NULL where END-5 allows none. */
struct session *sipc__session_make(struct sipc_endpoint *ep, sipc_peer remote, const uint8_t *id,
                                   bool local);
/* Whether it stands on the list of those that may be evicted, brought up to date (END-5). */
void sipc__evictable_update(struct sipc_endpoint *ep, struct session *s);
void sipc__slot_free(struct sipc_endpoint *ep, struct session *s);

/* ---- session.c ---- */

struct session *sipc__session_of(const struct sipc_endpoint *ep, sipc_session handle);
void sipc__session_opened(struct sipc_endpoint *ep, struct session *s);
/* Leaves for awaiting_disposal; what is pending ends with `code`. */
void sipc__session_end(struct sipc_endpoint *ep, struct session *s, int32_t code);
void sipc__session_dispose(struct sipc_endpoint *ep, struct session *s, int32_t code, bool linger);
void sipc__session_heard(struct sipc_endpoint *ep, struct session *s);
void sipc__session_idle_restart(struct sipc_endpoint *ep, struct session *s);
void sipc__session_timer(struct sipc_endpoint *ep, struct session *s, enum timer timer);
void sipc__session_receive_close(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                                 const struct sipc_pdu *pdu);
void sipc__session_receive_link(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                                const struct sipc_pdu *pdu);
/* After any event of a session that may still be there: puts its timers in order. */
void sipc__session_settle(struct sipc_endpoint *ep, struct session *s);
/* A valid PDU came: on stream networks answers go where it came from (END-1a). */
void sipc__session_answer_to(struct sipc_endpoint *ep, struct session *s, sipc_peer from);

/* ---- receiver.c, window.c, group.c ---- */

void sipc__receiver_data(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                         const struct sipc_pdu *pdu);
/* A data or close PDU whose id is not valid: the ack its window got once more (WID-7), or nothing.
 */
void sipc__receiver_refuse(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                           const struct sipc_pdu *pdu, enum window_id_verdict verdict);
/* Ends a processed window with its ack, and keeps that to be repeated. */
void sipc__receiver_answer(struct sipc_endpoint *ep, struct session *s, const struct sipc_pdu *pdu,
                           int32_t seq_nr, int32_t error_code);
/* Forgets current window and window group. */
void sipc__receiver_clear(struct sipc_endpoint *ep, struct session *s);

void sipc__window_clear(struct sipc_endpoint *ep, struct session *s);
/* Holds a PDU: RCV-3, RCV-4, RCV-5. false: the group would pass its limit (GRP-1). */
bool sipc__window_hold(struct sipc_endpoint *ep, struct session *s, const struct sipc_pdu *pdu);
bool sipc__window_is_full(const struct sipc_endpoint *ep, const struct session *s);
/* Moves a full window to the group (RCV-6). */
void sipc__window_join_group(struct sipc_endpoint *ep, struct session *s);
void sipc__group_clear(struct sipc_endpoint *ep, struct session *s);
/* Hands over the data of a PDU that is a whole group, which never was in the arena. */
void sipc__group_deliver_pdu(struct sipc_endpoint *ep, struct session *s,
                             const struct sipc_pdu *pdu);
/* Hands a whole group to the application (RCV-8). false: OPT-8, nothing was handed over. */
bool sipc__group_deliver(struct sipc_endpoint *ep, struct session *s);

/* ---- plan.c ---- */

/* Largest option that fits any PDU of a group. */
uint32_t sipc__plan_option_size_max(const struct sipc_config *config);
/* Plans the group that starts at `offset` of the message. false: the attributes leave no room. */
bool sipc__plan_group(const struct sipc_config *config, struct sipc_span options, uint64_t offset,
                      uint64_t message_size, bool skip, bool two_windows, struct plan *plan);
/* What PDU `index` of the group carries: a range of the options and one of the group's data. */
struct plan_pdu {
    uint32_t option_start, option_size;
    uint32_t data_start, data_size;
};
struct plan_pdu sipc__plan_pdu(const struct sipc_config *config, struct sipc_span options,
                               const struct plan *plan, bool skip, uint32_t index);

/* ---- attributes.c, sender.c, unreliable.c ---- */

/* Whether a message is sent with skip: told so, or by an attribute s_03 (SND-4, OPN-4). */
bool sipc__attributes_skip(const struct sipc_message *message);
/* Encodes attributes for sending, but s_03 (SND-4, OPT-7). SIPC_E_ATTRIBUTES: one may not be sent;
 * SIPC_E_NO_SPACE: they do not fit `size`. */
enum sipc_status sipc__attributes_encode(const struct sipc_config *config,
                                         const struct sipc_message *message, uint8_t *out,
                                         size_t size, uint32_t *used);
/* Whether a group must keep to OPN-3 now (also OPN-6). */
bool sipc__sender_restricted(const struct session *s, bool skip);
/* Begins the send operation whose message is set already. SIPC_E_ATTRIBUTES: they leave no room for
 * data (SND-3); it was forgotten. */
enum sipc_status sipc__sender_start(struct sipc_endpoint *ep, struct session *s);
void sipc__sender_close(struct sipc_endpoint *ep, struct session *s, int32_t code);
void sipc__sender_ack(struct sipc_endpoint *ep, struct session *s, sipc_peer from,
                      const struct sipc_pdu *pdu);
void sipc__sender_sent(struct sipc_endpoint *ep, struct session *s, bool success);
void sipc__sender_timeout(struct sipc_endpoint *ep, struct session *s);
/* Forgets the operation in progress without a result. */
void sipc__sender_drop(struct sipc_endpoint *ep, struct session *s);
/* Lets a resync PDU out unless one left less than ack_timeout ago; its token, 0 if none left. */
uint64_t sipc__sender_resync(struct sipc_endpoint *ep, struct session *s);
void sipc__sender_boundary_passed(struct sipc_endpoint *ep, struct session *s);

/* Lets fire-and-forget messages out as far as FAF-2 allows now. */
void sipc__unreliable_flush(struct sipc_endpoint *ep, struct session *s);
void sipc__unreliable_sent(struct sipc_endpoint *ep, struct session *s, bool success);
/* Reports all that wait as not sent (FAF-2). */
void sipc__unreliable_drop(struct sipc_endpoint *ep, struct session *s);
/* The one whose aftermath is awaited ends with `code`: the session is disposed. */
void sipc__unreliable_abandon(struct sipc_endpoint *ep, struct session *s, int32_t code);
enum sipc_status sipc__unreliable_send(struct sipc_endpoint *ep, struct session *s,
                                       const struct sipc_message *message);

#endif
