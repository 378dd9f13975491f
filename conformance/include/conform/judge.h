/* The judge: an observer of one endpoint. It is fed, in order, what enters and leaves the endpoint,
 * what its application commands and is told, and time; it says which rules were broken, which were
 * exercised, and which were not. It is written from RULES.md alone and shares with the engine only
 * the codec and the registry.
 *
 * It never blames what the rules leave untested, nor what it cannot know: a setting it was not
 * told, a session it did not see begin, an answer that may have been lost. Where two readings are
 * open it waits, and where it waits in vain it forgets the session. Any bytes and any order of
 * events are legal input. Same input, same findings.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_JUDGE_H
#define CONFORM_JUDGE_H

#include "sipc/pdu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Checks: judge_checks.def has a row for each. */
enum judge_check {
#define JUDGE_CHECK(name, id, rule, needs, sees) JUDGE_##name,
#include "conform/judge_checks.def"
#undef JUDGE_CHECK
    JUDGE_CHECK_COUNT
};

/* What a check needs to be believed; a set. Missing: the check is silent. */
enum judge_need {
    JUDGE_NEEDS_NOTHING = 0,
    JUDGE_NEEDS_SYNC = 1,     /* what came in was seen by the endpoint before what goes out next */
    JUDGE_NEEDS_EVENTS = 2,   /* deliver, result, state are fed */
    JUDGE_NEEDS_COMMANDS = 4, /* open, send, close ... are fed */
    JUDGE_NEEDS_AFTERMATHS = 8,
    JUDGE_NEEDS_ARRIVALS = 16, /* a PDU fed as incoming did arrive, and none came unseen */
    JUDGE_NEEDS_STATES = 32,   /* the endpoint reports states */
};

struct judge_check_info {
    const char *id; /* "ack-beyond-run" */
    enum sipc_rule rule;
    unsigned needs;   /* set of enum judge_need */
    const char *sees; /* what it looks at, in one sentence */
};
/* Static lifetime; NULL out of range. */
const struct judge_check_info *judge_check_info(enum judge_check check);

/* What the judge is told of the endpoint. Settings: RULES.md section 9; -1 where unknown.
 * judge_config_init sets all settings to unknown, the small-world ones to the protocol's, and
 * `knows` to nothing; judge_config_defaults sets the defaults of the protocol. */
struct judge_config {
    int64_t mtu, max_window_size, ack_timeout_ms, max_retry_count, open_timeout_ms, idle_timeout_ms,
        enquire_link_interval_ms, linger_ms, max_sessions, attribute_limit, unreliable_queue,
        min_remote_idle_timeout_ms, max_remote_idle_timeout_ms;
    int accept, require_first_in_window_group; /* 1, 0, -1 */
    int64_t window_id_step, window_id_max, group_bytes_max;
    bool stream;                /* sessions are told apart by their id alone (END-1a) */
    bool small_world;           /* window_id_max and such were changed */
    unsigned knows;             /* set of enum judge_need: what it will be fed, and how */
    uint64_t early_ns, late_ns; /* how far the endpoint's clock may be off the events' */
    uint64_t answer_ns;         /* how long an answer may take; no rule bounds it */
    const bool *off; /* JUDGE_CHECK_COUNT entries, true: that check is silent; NULL: none */
};
void judge_config_init(struct judge_config *config);
void judge_config_defaults(struct judge_config *config);
/* Sets the setting called `name` (as in RULES.md, section 9); false if the judge does not look at
 * it. */
bool judge_config_set(struct judge_config *config, const char *name, int64_t value);

enum judge_event_kind {
    JUDGE_RX,        /* pdu from peer reached the endpoint: any bytes */
    JUDGE_TX,        /* pdu to peer left it: token */
    JUDGE_AFTERMATH, /* token, ok */
    JUDGE_OPEN,      /* session, peer, idle_timeout_ms (-1: the endpoint's) */
    JUDGE_PRESET,    /* session, next_id, acked_id, min_id (-1 none), processed */
    JUDGE_SEND,      /* session, operation, size, skip, attributes */
    JUDGE_SEND_UNRELIABLE,
    JUDGE_CLOSE,    /* session, operation, code */
    JUDGE_DISPOSE,  /* session */
    JUDGE_SHUTDOWN, /* grace_ms (-1: nobody knows) */
    JUDGE_DELIVER,  /* session, peer, data, attributes */
    JUDGE_RESULT,   /* session, operation, outcome, code */
    JUDGE_STATE,    /* session, peer, state, code, has_code */
    JUDGE_TIME,     /* nothing happened up to now */
    JUDGE_GAP,      /* something was missed: all sessions are forgotten */
    JUDGE_EVENT_KIND_COUNT
};
enum judge_outcome {
    JUDGE_OUTCOME_OK,
    JUDGE_OUTCOME_TIMEOUT,
    JUDGE_OUTCOME_PEER_ERROR,
    JUDGE_OUTCOME_NETWORK_ERROR,
    JUDGE_OUTCOME_REFUSED,
    JUDGE_OUTCOME_NOT_SENT,
    JUDGE_OUTCOME_CLOSED
};
enum judge_state {
    JUDGE_STATE_OPENING,
    JUDGE_STATE_OPENED,
    JUDGE_STATE_CLOSING,
    JUDGE_STATE_AWAITING_DISPOSAL,
    JUDGE_STATE_DISPOSED
};
struct judge_attribute {
    struct sipc_span name, value;
};

/* Fields by kind; pointers live during the call. `peer` is any number that stands for the peer's
 * address (on stream networks: the connection); PEER_UNKNOWN where an event names only the session.
 */
#define JUDGE_PEER_UNKNOWN UINT64_MAX
struct judge_event {
    enum judge_event_kind kind;
    uint64_t at_ns; /* never goes back; if it does, it is taken for the time before */
    uint64_t peer;
    const uint8_t *session; /* 32 bytes */
    struct sipc_span pdu;
    uint64_t token;     /* of a transmission; 0: none */
    uint64_t operation; /* a number for the operation, unique in its session; 0: not known */
    uint64_t size;
    bool ok, skip, processed, has_code;
    int32_t code;
    int64_t idle_timeout_ms, next_id, acked_id, min_id, grace_ms;
    enum judge_outcome outcome;
    enum judge_state state;
    struct sipc_span data;
    const struct judge_attribute *attributes;
    size_t attribute_count;
};

struct judge_finding {
    enum judge_check check;
    enum sipc_rule rule;
    uint64_t event; /* number of the event it was seen at, from 1 */
    uint64_t at_ns;
    uint64_t peer;
    uint8_t session[SIPC_SESSION_ID_SIZE];
    bool timing; /* a matter of time: not to be trusted on a busy machine */
    char expected[240], found[240];
};

struct judge;
/* NULL: out of memory. `config` is copied, but for `off`, which must live as long. */
struct judge *judge_new(const struct judge_config *config);
void judge_free(struct judge *judge);
/* As new, with another configuration; what was allocated is used again. */
void judge_renew(struct judge *judge, const struct judge_config *config);
void judge_feed(struct judge *judge, const struct judge_event *event);

/* Findings in order; the first JUDGE_FINDINGS_MAX are kept, all are counted. */
enum { JUDGE_FINDINGS_MAX = 64 };
size_t judge_finding_count(const struct judge *judge);
const struct judge_finding *judge_finding(const struct judge *judge, size_t index);
/* How often something was seen by which the rule could have been broken. */
uint64_t judge_exercised(const struct judge *judge, enum sipc_rule rule);
/* Whether any check is about the rule; whether one of them has what it needs. */
bool judge_sees(enum sipc_rule rule);
bool judge_watches(const struct judge *judge, enum sipc_rule rule);
/* The time by which all that is owed now will have come or be missed: nothing later than that can
 * still be blamed for it. 0: nothing is owed. */
uint64_t judge_owed_until(const struct judge *judge);
/* "ACK-1 (MUST): expected ..., found ...", without newline; as snprintf. */
int judge_finding_print(const struct judge_finding *finding, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
