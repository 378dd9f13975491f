/* What the parts of the judge know of one endpoint and its sessions, and what they offer each
 * other.
 *
 * One direction of knowledge: text, bytes, session < due < {window_id, group} < {receive, ack} and
 * {own_id, send, retry} < {refuse, operation, state, close, link, endpoint} < judge. A part that
 * finds a rule broken says so (judge_blame) and then either takes over what the endpoint showed, or
 * forgets that half of the session: what follows from one mistake is not a second one.
 * SPDX-License-Identifier: MIT */
#ifndef JUDGE_INTERNAL_H
#define JUDGE_INTERNAL_H

#include "conform/judge.h"

enum judge_limit {
    JUDGE_DUES_MAX = 256, /* answers owed by a session; more: it is forgotten */
    JUDGE_OPERATIONS_MAX = 96,
    JUDGE_SESSIONS_MAX = 4096, /* more are not looked at */
    JUDGE_OWN_IDS_MAX = 256,   /* own window ids remembered: more than a window of ids */
    JUDGE_CUT_MAX = 4096,      /* PDUs of an own window that are remembered */
    JUDGE_PASSES_MAX = 16,     /* sessions looked at when time passes and nothing else */
    JUDGE_BLOCK_SIZES = 7,     /* of blocks for bytes */
    JUDGE_BLOCKS_KEPT = 8,     /* of each size, to be used again */
    JUDGE_TEXTS = 6,
    JUDGE_TEXT_SIZE = 240,
};
/* Of all sessions together; beyond it what arrives is no longer followed. */
#define JUDGE_MEMORY_MAX ((size_t)256 << 20)

/* States a session may be in, as far as the judge can tell; a set. */
enum judge_states {
    JUDGE_IN_OPENING = 1 << JUDGE_STATE_OPENING,
    JUDGE_IN_OPENED = 1 << JUDGE_STATE_OPENED,
    JUDGE_IN_CLOSING = 1 << JUDGE_STATE_CLOSING,
    JUDGE_IN_AWAITING = 1 << JUDGE_STATE_AWAITING_DISPOSAL,
    JUDGE_IN_DISPOSED = 1 << JUDGE_STATE_DISPOSED,
    JUDGE_IN_ANY = 31,
    JUDGE_IN_LIVING = JUDGE_IN_OPENING | JUDGE_IN_OPENED,
};

struct judge_bytes {
    uint8_t *data;
    size_t size, capacity;
};

/* ---- the receiver's half ---- */

/* A PDU held for the current window, or one that a rule says is gone (ghost): an endpoint that
 * still has it breaks that rule. */
struct judge_held {
    int32_t seq_nr;
    uint32_t flags;
    struct judge_bytes bytes; /* options, then data */
    size_t options_size;
    size_t wire_size;
    bool plain;             /* as judge_is_plain */
    enum judge_check ghost; /* JUDGE_CHECK_COUNT: held */
};

struct judge_group {
    size_t windows;
    size_t counted, wire; /* GRP-1's sum, and GRP-2a's */
    struct judge_bytes data, options;
    bool doubtful; /* an advisory rule not followed would have made another content */
};

enum judge_validity { JUDGE_VALID, JUDGE_INVALID, JUDGE_REPEAT, JUDGE_UNTESTED };

struct judge_inbound {
    bool known;
    int64_t min; /* -1: none applied yet */
    bool min_processed;
    struct {        /* the last processed window (WID-7) */
        int64_t id; /* -1 none */
        uint8_t opcode;
        bool answered; /* its ack was seen: */
        struct judge_bytes ack;
    } last;
    int64_t window_id;       /* of the current window, -1 none */
    struct judge_held *held; /* by seq_nr; ghosts among them */
    size_t held_count, held_capacity;
    bool doubtful;
    struct judge_group group;
    struct judge_group old_group; /* what was cleared last */
    bool old_overflowed;          /* by GRP-1; else by RCV-2 */
    uint64_t applied_ns;          /* of the last data PDU applied in opening; 0 none */
    bool receiving;               /* in the sense of OPN-2 */
    bool refused;                 /* an error ended that (OPN-5), and nothing was applied since */
};

/* ---- the sender's half ---- */

struct judge_cut { /* a PDU of the own current window */
    uint64_t hash;
    uint32_t size, wire;
    uint32_t counted;    /* names and values of non-framing options */
    uint64_t attributes; /* sum of their hashes, long ones left out */
    size_t pieces_end;   /* of the window's pieces, up to this PDU */
    uint32_t flags;
};

enum judge_own { JUDGE_OWN_WINDOW, JUDGE_OWN_RESYNC, JUDGE_OWN_UNRELIABLE, JUDGE_OWN_CLOSE };

struct judge_own_window {
    bool open; /* there is one */
    enum judge_own kind;
    bool maybe_unreliable;
    bool done, failed; /* taken in full; or ended by an error */
    int64_t id;
    int64_t sent;   /* first try: PDUs sent */
    int64_t length; /* -1: not known yet */
    bool retrying;
    int64_t tried; /* one at a time: count up to the PDU sent last */
    unsigned retries;
    int64_t next;       /* seq_nr that an ack lets be sent next, -1 none */
    int64_t next_early; /* the same by an ack before the timeout (RTY-2), -1 */
    int64_t taken;      /* full for this many, 0 none */
    int64_t last_seq;   /* sent last */
    bool covered;       /* an ack of everything without is_window_full came (SND-10) */
    bool refused_count; /* an ack with a count out of range came (SND-8) */
    int64_t refused_next;
    bool aftermath_due;
    uint64_t token, sent_ns;
    uint64_t timer_ns;  /* when the wait for an ack began; SIPC_NEVER: none runs */
    uint64_t moved_ns;  /* when an ack said what is to come next; SIPC_NEVER: none did */
    int32_t error_code; /* that it failed with */
    bool network_failed;
    bool unsure;    /* it may have begun unseen */
    bool forced;    /* a close that awaits no ack */
    bool forgiven;  /* its retries too many were blamed */
    uint64_t asker; /* the event of the operation that it is, or may need it; 0 none */
    bool shared;    /* it may also be a fire-and-forget's: no try of that operation */
    bool ends_group;
    int64_t window_bound; /* announced when it began */
    bool window_bound_known;
    struct judge_cut *cuts;
    size_t cut_count, cut_capacity;
    struct judge_bytes pieces; /* options of long attributes in these PDUs */
};

struct judge_outbound {
    bool known;          /* from the first own id on */
    int64_t highest;     /* newest id used, -1 none */
    size_t id_count;     /* ever */
    size_t acked_at;     /* number, from 1, of the newest acked; 0 none */
    int64_t acked;       /* its id, -1 none */
    int64_t used_before; /* any id below may have been used unseen */
    int64_t resync_id;   /* last used by a resync PDU, -1 */
    uint64_t resync_ns;  /* when the last one left */
    int64_t peer_window; /* announced, 0 none */
    bool peer_spoke;     /* LNK-4; maybe */
    bool peer_heard;     /* certainly */
    bool close_sent;
    bool group_open; /* a group was begun and not ended; only while `group_known` */
    bool group_known;
    size_t group_counted, group_wire;
    size_t group_windows; /* of it, taken */
    uint64_t group_attributes;
    struct judge_bytes group_pieces;
    uint64_t message_bytes; /* taken by the peer, of the send in progress */
    uint64_t boundary;      /* the event that took a group, till something leaves behind it */
    bool ended_group;       /* the window last taken ended its group */
    /* from here on not cleared as a whole */
    struct judge_own_window window, unreliable, resync;
    int64_t ids[JUDGE_OWN_IDS_MAX]; /* in order of use; ring */
};

/* ---- operations ---- */

struct judge_operation {
    enum judge_event_kind kind; /* JUDGE_SEND ... JUDGE_CLOSE */
    uint64_t number;
    uint64_t size;
    uint64_t begun_ns, event;
    uint64_t attributes; /* sum of the hashes of those that are no framing */
    bool attributes_known;
    bool plain;         /* without attributes */
    bool skip, started; /* started: something of it was seen on the wire */
    int32_t code;
    /* Blamed if it is taken, if it is refused; JUDGE_CHECK_COUNT: it may be. */
    enum judge_check taken, refused;
};

/* ---- answers owed ---- */

enum judge_due_kind {
    JUDGE_DUE_ACK,
    JUDGE_DUE_CLOSE_ACK,
    JUDGE_DUE_LINK_ACK,
    JUDGE_DUE_NACK,
    JUDGE_DUE_CLOSE, /* a close PDU of its own */
    JUDGE_DUE_DELIVER,
    JUDGE_DUE_RESULT,
    JUDGE_DUE_STATE
};
enum judge_error_set { /* errors of an ack, a set */
                       JUDGE_E250 = 1,
                       JUDGE_E251 = 2,
                       JUDGE_E252 = 4,
                       JUDGE_E253 = 8,
                       JUDGE_E254 = 16,
                       JUDGE_E_ANY = 31
};
struct judge_due {
    enum judge_due_kind kind;
    enum judge_check missing; /* blamed where it does not come */
    uint64_t at_ns, event;
    bool timed; /* at_ns is when it must come, else when it was asked for */
    /* acks */
    int64_t window_id;
    int32_t seq_nr;    /* of the PDU */
    int32_t run;       /* the end of the contiguous run */
    int32_t ghost_run; /* the same if `ghost` were not kept; -1 */
    enum judge_check ghost;
    bool full, sized; /* sized: filled without last_in_window */
    bool repeat;      /* WID-7 */
    bool optional;    /* may come, need not */
    bool doubtful;
    unsigned must_fail, may_fail; /* sets of enum judge_error_set */
    /* deliveries */
    struct judge_bytes data, options, old; /* old: what was cleared before */
    bool old_overflowed;                   /* by GRP-1; else by RCV-2 */
    /* results, states */
    uint64_t operation;
    unsigned outcomes; /* set of 1 << enum judge_outcome */
    int32_t code;
    unsigned states;
};

struct judge_session {
    uint8_t id[SIPC_SESSION_ID_SIZE];
    uint64_t peer;
    uint64_t last_peer; /* streams: brought the last valid PDU */
    bool local;         /* opened by the application */
    unsigned states;
    unsigned told; /* the state reported last, as a bit; 0 none */
    uint64_t told_ns;
    uint64_t created_ns, opened_ns, ended_ns, disposed_ns;
    uint64_t activity_ns; /* any PDU of it, or command */
    uint64_t quiet_ns;    /* the same without enquire links (IDL-1a) */
    uint64_t link_sent_ns;
    uint64_t linked_ns;             /* of the last enquire link or ack of one, either way; 0 none */
    int64_t idle_timeout_ms;        /* -1 unknown */
    int64_t local_idle_ms, wish_ms; /* what it is by IDL-2, where the peer wished; -1 unknown */
    uint64_t stray_peer; /* streams: brought an invalid PDU since; JUDGE_PEER_UNKNOWN: none did */
    bool peer_unsure;    /* whether last_peer is where answers go */
    bool held;           /* certainly, when a shutdown began */
    bool skip_seen, nacked, closed_by_peer;
    bool sends_ended;   /* a send in opening ended (OPN-5) */
    uint64_t unbound;   /* the event that lifted OPN-6, 0 none */
    bool close_asked;   /* the application asked for it, or may have */
    bool lingering;     /* private to endpoint.c and wire.c: the PDU at hand is a late copy */
    int32_t asked_code; /* of the close that was asked for in opened; 0: none, or nobody knows */
    uint64_t asked_event;
    unsigned states_before_close; /* this and the next: should it be refused */
    bool asked_before_close;
    uint64_t active_ns; /* the latest of what certainly is activity (IDL-1) */
    int32_t peer_close_code;
    struct judge_inbound in;
    size_t operation_count;
    bool operations_lost; /* more than are remembered */
    struct judge_due *dues;
    size_t due_count, due_capacity;
    struct judge_session *next_spare;
    struct judge_outbound out;
    struct judge_operation
        operations[JUDGE_OPERATIONS_MAX]; /* none is looked at behind its count */
};

/* Why the last thing that came in must have no effect; what comes of it nevertheless is blamed
 * on `check`. */
struct judge_cause {
    enum judge_check check;              /* JUDGE_CHECK_COUNT: it may have one */
    const struct judge_session *session; /* NULL: none there was */
    const char *what, *detail;           /* texts that stay; no detail: NULL */
    bool any;                            /* its session cannot be told */
    bool acks_only;                      /* other effects it has */
};

struct judge {
    struct judge_config config;
    uint64_t event, now_ns;
    struct judge_session **sessions;
    size_t session_count, session_capacity;
    struct judge_session *spare; /* a list */
    size_t memory;
    bool flooded; /* sessions may be refused or evicted (END-5) */
    bool shutting_down;
    uint64_t shutdown_ns;            /* the end of the grace; SIPC_NEVER: nobody knows */
    uint64_t rx_event, rx_ns;        /* of the PDU that came in last */
    uint64_t next_ns;                /* nothing is due before */
    struct judge_session *unsettled; /* a command with skip that may still be refused */
    uint64_t unsettled_operation;
    struct judge_session *commanded; /* the command of before, which may still be refused */
    uint64_t commanded_operation;
    unsigned states_before_skip; /* of that session, to be what they were */
    struct judge_cause cause;
    struct judge_finding findings[JUDGE_FINDINGS_MAX];
    size_t finding_count;
    uint64_t exercised[SIPC_RULE_COUNT];
    struct {
        uint8_t *data[JUDGE_BLOCKS_KEPT];
        unsigned count;
    } blocks[JUDGE_BLOCK_SIZES]; /* see bytes.c */
    char texts[JUDGE_TEXTS][JUDGE_TEXT_SIZE];
    unsigned text;
};

/* ---- judge.c ---- */

/* A short text that lives until JUDGE_TEXTS more were made. */
const char *judge_text(struct judge *j, const char *format, ...) SIPC_PRINTF(2, 3);
/* Says that a check found its rule broken, unless it is off or lacks what it needs. `s` may be
 * NULL. */
void judge_blame(struct judge *j, const struct judge_session *s, enum judge_check check,
                 const char *expected, const char *found);
void judge_cause_clear(struct judge *j);
void judge_cause_set(struct judge *j, enum judge_check check, const struct judge_session *s,
                     const char *what, bool acks_only);
bool judge_knows(const struct judge *j, unsigned needs);
/* A chance to break the check's rule was seen. */
void judge_saw(struct judge *j, enum judge_check check);
static inline void judge_saw_rule(struct judge *j, enum sipc_rule rule)
{
    j->exercised[rule]++;
}
/* Wakes the judge at that time. */
void judge_wake(struct judge *j, uint64_t at_ns);
uint64_t judge_ms(int64_t ms);
uint64_t judge_after(uint64_t at_ns, uint64_t span_ns); /* saturates */

/* ---- bytes.c ---- */

/* false: out of memory, or beyond JUDGE_MEMORY_MAX. */
bool judge_bytes_add(struct judge *j, struct judge_bytes *bytes, struct sipc_span more);
void judge_bytes_clear(struct judge *j, struct judge_bytes *bytes);
void judge_blocks_free(struct judge *j);

/* ---- session.c ---- */

struct judge_session *judge_session_find(struct judge *j, const uint8_t *id, uint64_t peer);
struct judge_session *judge_session_add(struct judge *j, const uint8_t *id, uint64_t peer);
void judge_session_fini(struct judge *j, struct judge_session *s); /* all but its own memory */
/* The session begins: all of it is seen. */
void judge_session_begin(struct judge *j, struct judge_session *s, bool local);
/* What it holds of arrivals, or of its own sends, is not known any more. */
void judge_forget_inbound(struct judge *j, struct judge_session *s);
void judge_forget_outbound(struct judge *j, struct judge_session *s);
void judge_forget(struct judge *j, struct judge_session *s);
void judge_may_open(struct judge_session *s);
void judge_group_clear(struct judge *j, struct judge_group *group);
void judge_window_clear(struct judge *j, struct judge_session *s);
/* How many PDUs there are up to this one. Its seq_nr may be the largest there is (WIRE-1). */
static inline int64_t judge_count(const struct sipc_pdu *pdu)
{
    return (int64_t)pdu->seq_nr + 1;
}

/* What is possible narrows to `states`; nothing left of it: those are taken. */
static inline bool judge_must(const struct judge_session *s, unsigned states)
{
    return (s->states & ~states) == 0;
}
static inline bool judge_may(const struct judge_session *s, unsigned states)
{
    return (s->states & states) != 0;
}
void judge_enter(struct judge *j, struct judge_session *s, enum judge_state state);
const char *judge_state_word(enum judge_state state);

/* ---- due.c ---- */

struct judge_due *judge_owe(struct judge *j, struct judge_session *s, enum judge_due_kind kind,
                            enum judge_check missing);
void judge_due_drop(struct judge *j, struct judge_session *s, size_t at);
void judge_dues_drop_kind(struct judge *j, struct judge_session *s, enum judge_due_kind kind);
void judge_dues_expire(struct judge *j, struct judge_session *s);

/* ---- window_id.c: ids that come in ---- */

enum judge_validity judge_window_id_check(const struct judge *j, const struct judge_session *s,
                                          const struct sipc_pdu *pdu);
/* The check of the rule an id is invalid by. */
enum judge_check judge_window_id_rule(const struct judge *j, const struct judge_session *s,
                                      const struct sipc_pdu *pdu);
void judge_window_id_saw(struct judge *j, const struct judge_session *s,
                         const struct sipc_pdu *pdu);

/* ---- own_id.c: ids that go out ---- */

int64_t judge_own_top(const struct judge *j, const struct judge_outbound *out);
/* The first low id after the highest of all: another one than it was before. */
bool judge_own_id_wraps(const struct judge *j, const struct judge_outbound *out, int64_t id);
/* A window id goes out for the first time. */
void judge_own_id(struct judge *j, struct judge_session *s, int64_t id, enum judge_own kind);
void judge_own_id_acked(struct judge *j, struct judge_session *s, int64_t id, int32_t error_code);

/* ---- receive.c, group.c, ack.c ---- */

void judge_rx_data(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                   uint64_t peer, size_t wire_size);
bool judge_group_take(struct judge *j, struct judge_session *s, size_t count,
                      struct judge_due *ack);
/* The group is cleared because it is over the limit; what was in it is remembered. */
void judge_group_overflow(struct judge *j, struct judge_inbound *in);
void judge_group_ended(struct judge *j, struct judge_session *s, struct judge_due *ack);
size_t judge_counted(struct sipc_span options, size_t data_size);
/* Its options only frame it: there is no need to look at each. */
static inline bool judge_is_plain(const struct sipc_pdu *pdu)
{
    return (pdu->present & ~(uint32_t)SIPC_OPT_FRAMING) == 0;
}
void judge_deliver(struct judge *j, struct judge_session *s, const struct judge_event *event);
void judge_tx_ack(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                  struct sipc_span bytes);
/* The last input was to have no effect, but had one. false: there is nothing to blame. */
bool judge_blame_cause(struct judge *j, const struct judge_session *s, const char *found);
/* What `due` had to refuse was taken, as `found` shows. false: it had nothing to refuse. */
bool judge_blame_taken(struct judge *j, struct judge_session *s, const struct judge_due *due,
                       const char *found);
/* The same of an ack still owed with one of `errors` (JUDGE_E...): an endpoint may hand over, or
 * open, before it answers. */
bool judge_blame_refusal(struct judge *j, struct judge_session *s, unsigned errors,
                         const char *found);

/* ---- send.c, retry.c ---- */

void judge_tx_data(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                   const struct judge_event *event);
void judge_tx_window(struct judge *j, struct judge_session *s, struct judge_own_window *window,
                     const struct sipc_pdu *pdu, const struct judge_event *event);
void judge_window_begin(struct judge *j, struct judge_session *s, struct judge_own_window *window,
                        enum judge_own kind, const struct sipc_pdu *pdu,
                        const struct judge_event *event);
void judge_rx_ack(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu);
void judge_timer_start(struct judge *j, struct judge_own_window *window);
void judge_retry_begin(struct judge *j, struct judge_session *s, struct judge_own_window *window);
void judge_aftermath(struct judge *j, const struct judge_event *event);
void judge_retry_expire(struct judge *j, struct judge_session *s);
void judge_window_end(struct judge_session *s, struct judge_own_window *window, bool failed);

/* ---- operation.c ---- */

void judge_command(struct judge *j, const struct judge_event *event);
void judge_result(struct judge *j, const struct judge_event *event);
uint64_t judge_hash(struct sipc_span bytes);
uint64_t judge_hash_attribute(struct sipc_span name, struct sipc_span value);
/* Adds the hashes of the long attributes that these options are pieces of to *sum; false: some are
 * none. */
bool judge_hash_pieces(struct sipc_span pieces, uint64_t *sum);
struct judge_operation *judge_sending(struct judge_session *s); /* the send in progress, or NULL */
/* The one that may need a resync PDU: that send, or a close; NULL: none is known. */
const struct judge_operation *judge_resync_asker(struct judge_session *s);
void judge_settle(struct judge *j);
bool judge_operation_find(struct judge_session *s, uint64_t number, size_t *at);
void judge_operation_remove(struct judge_session *s, size_t at);

/* ---- refuse.c ---- */

/* What has the operation refused, or makes that wrong. It is not yet among the session's. */
void judge_refuse_begin(struct judge *j, struct judge_session *s, const struct judge_event *event,
                        struct judge_operation *operation);
/* What was commanded last was not refused. */
void judge_refuse_settle(struct judge *j);
/* How an operation ended that is no longer among the session's. */
void judge_refuse_result(struct judge *j, struct judge_session *s,
                         const struct judge_operation *operation, const struct judge_event *event);

/* ---- state.c, close.c, link.c, endpoint.c, wire.c ---- */

/* All that can change the session's state is seen, from its beginning on. */
bool judge_certain(const struct judge *j, const struct judge_session *s);

void judge_state(struct judge *j, const struct judge_event *event);
void judge_state_passes(struct judge *j, const struct judge_session *s);
void judge_state_expire(struct judge *j, struct judge_session *s);
/* A group with these options was handed over: what it makes of the idle timeout (IDL-2). */
void judge_idle_wish(struct judge *j, struct judge_session *s, struct sipc_span options,
                     bool doubtful);
void judge_rx_close(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu);
void judge_tx_close(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                    const struct judge_event *event);
void judge_tx_close_ack(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                        struct sipc_span bytes);
void judge_close_acked(struct judge *j, struct judge_session *s,
                       const struct judge_own_window *window);
void judge_close_sent(struct judge *j, struct judge_session *s,
                      const struct judge_own_window *window);
/* That a close of its own ended is told, by a state or a result. */
void judge_close_told(struct judge *j, struct judge_session *s);
void judge_rx_link(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu);
void judge_tx_link(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu);
void judge_link_expire(struct judge *j, struct judge_session *s);
void judge_rx_unknown(struct judge *j, const struct sipc_pdu *pdu, const struct judge_event *event);
void judge_tx_unknown(struct judge *j, const struct sipc_pdu *pdu, const struct judge_event *event);
/* A session is disposed of while the endpoint shuts down, as it says (END-4). */
void judge_shutdown_told(struct judge *j, struct judge_session *s, const struct judge_event *event);
void judge_shutdown_expire(struct judge *j, struct judge_session *s);
bool judge_endpoint_gone(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu);
void judge_rx(struct judge *j, const struct judge_event *event);
void judge_tx(struct judge *j, const struct judge_event *event);

#endif
