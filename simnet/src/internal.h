/* The parts of a world and what its files say to each other. Nothing here is seen from outside.
 *
 *   world      the clock: takes the next event and hands it to its link, host or application
 *   link       links: making, checking, changing, counting
 *   pipeline   a datagram's way through the stages of a link
 *   queue      what a link's queue takes and gives: tail drop, RED, CoDel
 *   fault      the verdicts of chance, drawn or taken from the tape
 *   host       hosts: addresses, clocks, lives; host_engine, host_script: what runs on them
 *   operation  messages, operations of applications, traffic
 *   check      deliveries, conservation, failures; liveness: phase two
 *   observe    events to observers and into the trace hash
 */
#ifndef SIMNET_SRC_INTERNAL_H
#define SIMNET_SRC_INTERNAL_H

#include "calendar.h"
#include "containers.h"
#include "simnet/world.h"

/* ---- the order of events ---- */

/* What happens first of what happens at one moment. */
enum world_class {
    CLASS_CHANGE,
    CLASS_SERIALISED,
    CLASS_ARRIVAL,
    CLASS_DEADLINE,
    CLASS_APPLICATION
};

enum world_kind {
    KIND_CHANGE,     /* ref: change */
    KIND_SERIALISED, /* ref: link */
    KIND_TOLD,       /* a datagram that never left: its aftermath; ref: none */
    KIND_FLIGHT,     /* the first of those in flight, in order, arrives; ref: link */
    KIND_ARRIVAL,    /* one that may overtake arrives; ref: slot */
    KIND_DEADLINE,   /* ref: host */
    KIND_OPERATION,  /* ref: scheduled operation, in order of the ring */
    KIND_TRAFFIC,    /* ref: traffic */
};

/* heap entry's order: class, sequence, kind, ref; the first two alone decide. */
enum { ORDER_REF_BITS = 24, ORDER_KIND_BITS = 3, ORDER_SEQUENCE_BITS = 34 };

void world_schedule(struct simnet_world *world, sipc_time time, enum world_class class,
                    enum world_kind kind, uint32_t ref);

/* ---- datagrams ---- */

enum { SLOT_INLINE_BYTES = 104, POOL_CHUNK = 128 };

/* A datagram in a link or waiting at a host. */
struct slot {
    struct simnet_datagram datagram;
    struct simnet_pdu_key key;
    uint64_t key_hash; /* of the key without copy; 0: the link needs no keys */
    uint64_t message;  /* operation whose bytes the payload is; 0: none */
    uint64_t message_offset;
    uint64_t token;
    uint64_t ordinal; /* of those that came to the stage LOSS, from 0 */
    sipc_time arrives_ns;
    uint32_t index;
    simnet_link link;
    uint32_t sender_life; /* 0: nobody awaits anything */
    uint32_t swaps_left;  /* reorder: so many may still pass it */
    bool owed;            /* the sender still awaits its aftermath */
    bool doomed;          /* it left while the link was down */
    bool loose;           /* in flight with an event of its own */
    bool late;            /* carried: reordering moved it behind what the carrier was told */
    sipc_time left_ns;    /* end of its serialisation */
    uint8_t *bytes;       /* the head: `inline_bytes` or malloc'ed */
    uint8_t inline_bytes[SLOT_INLINE_BYTES];
};

struct pool {
    struct slot **chunks;
    size_t chunk_count, chunk_capacity;
    uint32_t *free_slots;
    size_t free_count, free_capacity;
};

static inline struct slot *pool_slot(const struct pool *pool, uint64_t index)
{
    return &pool->chunks[index / POOL_CHUNK][index % POOL_CHUNK];
}
struct slot *pool_take(struct pool *pool); /* datagram, key and all numbers zero */
void pool_fini(struct pool *pool);
/* Gives the slot and its share of a message back. */
void slot_release(struct simnet_world *world, struct slot *slot);
void slot_set_head(struct slot *slot, struct sipc_span head);
/* The bytes as they arrive: the slot's own, or made in the world's scratch. */
struct sipc_span slot_bytes(struct simnet_world *world, const struct slot *slot);

/* ---- links ---- */

struct xmit_counts { /* how often each PDU was sent: of this generation and the one before */
    struct simnet_map young, old;
};

struct red_state {
    uint64_t average; /* bytes << 16 */
    uint64_t since_drop;
    sipc_time idle_since_ns;
    bool idle;
};
struct codel_state {
    sipc_time first_above_ns, drop_next_ns;
    uint32_t count, last_count;
    bool dropping;
};

struct link {
    struct simnet_link_config config;
    char own_name[16];
    simnet_link index;
    struct simnet_link_stats stats;
    struct simnet_ring queue;  /* slots that wait */
    struct simnet_ring flight; /* slots in flight, in order of arrival */
    struct simnet_ring held;   /* overtaking links: arrived while held */
    uint64_t loose;            /* in flight, each with an event of its own */
    struct slot *wire;         /* being serialised */
    sipc_time wire_since_ns;   /* carried */
    size_t late;               /* carried: of those in flight */
    sipc_time flight_event_ns; /* the ring's event; SIPC_NEVER: none */
    sipc_time last_arrival_ns;
    uint64_t carry;                 /* of bits * 10^9 / rate */
    uint64_t rate_bps, queue_limit; /* in force; the limit in bytes or packets */
    sipc_time base_ns;
    size_t opportunity;            /* next of the trace */
    sipc_time opportunity_base_ns; /* end of the wraps before */
    uint32_t opportunity_credit;   /* bytes left of the one at opportunity_ns */
    sipc_time opportunity_ns;
    uint64_t ordinals;                /* how many datagrams came to the stage LOSS */
    bool loss_bad[SIMNET_LOSSES_MAX]; /* Gilbert-Elliott */
    uint64_t stage_seeds[SIMNET_STAGE_COUNT];
    struct red_state red;
    struct codel_state codel;
    struct xmit_counts xmits;
    uint64_t raw_count;
    bool chance; /* some stage may draw */
    bool down, hold, clogged, faults_off;
    bool exhausted; /* its opportunities came to an end: the wire is stuck */
    bool lost_any;  /* some in flight were lost, up to: */
    sipc_time lost_until_ns;
};

/* What came of a stage; value and extra as in tape.h. */
struct ruling {
    enum simnet_verdict verdict;
    uint64_t value;
    uint32_t extra;
};

void link_limit_queue(struct link *link);
struct simnet_wire link_wire(const struct link *link);
void link_fini(struct link *link);
void link_change(struct simnet_world *world, struct link *link, const struct simnet_change *change);
bool link_change_check(const struct link *link, const struct simnet_change *change,
                       struct simnet_error *error);
void link_heal(struct simnet_world *world, struct link *link);

void pipeline_enter(struct simnet_world *world, struct link *link, struct slot *slot);
void pipeline_serialised(struct simnet_world *world, struct link *link);
void pipeline_flight(struct simnet_world *world, struct link *link, sipc_time event_ns);
void pipeline_arrival(struct simnet_world *world, struct slot *slot);
/* What a carrier calls: struct simnet_carried. */
void pipeline_left(struct simnet_world *world, sipc_time now_ns, simnet_link link);
void pipeline_arrived(struct simnet_world *world, sipc_time now_ns, uint32_t number);
void pipeline_start(struct simnet_world *world, struct link *link);   /* if idle: the next */
void pipeline_release(struct simnet_world *world, struct link *link); /* it is up again */

/* The stage QUEUE. NULL: it was taken; else why it was dropped. */
const char *queue_admit(struct simnet_world *world, struct link *link, struct slot *slot);
/* The next to serialise, NULL if none. What CoDel drops on the way goes to pipeline_drop. */
struct slot *queue_next(struct simnet_world *world, struct link *link);
uint64_t queue_cost(const struct link *link, const struct slot *slot); /* bytes with overhead */
void pipeline_drop(struct simnet_world *world, struct link *link, struct slot *slot,
                   enum simnet_stage stage, const char *why);
void pipeline_no_route(struct simnet_world *world, struct slot *slot);

uint64_t link_muldiv(uint64_t a, uint64_t b, uint64_t divisor); /* a * b / divisor; must fit */
/* The moment at which the wire is done with `bytes` that start now; SIPC_NEVER: never. */
sipc_time link_transmitted_at(const struct simnet_world *world, struct link *link, uint64_t bytes);

/* Sets the slot's key, if somebody asks for keys. */
void fault_name(struct simnet_world *world, struct link *link, struct slot *slot);
/* What chance, or the tape, says of this slot at this stage; recorded. */
struct ruling fault_rule_now(struct simnet_world *world, struct link *link, struct slot *slot,
                             enum simnet_stage stage);
static inline struct ruling fault_rule(struct simnet_world *world, struct link *link,
                                       struct slot *slot, enum simnet_stage stage);
/* The draw of a stage about a slot: of this stage, this PDU, this copy. */
uint64_t fault_draw(const struct link *link, const struct slot *slot, enum simnet_stage stage);
bool queue_red_drops(struct link *link, uint64_t draw); /* moves RED's count */

struct tape_index {
    struct simnet_map places; /* of (link, stage, key): 1 + place in `faults` */
    struct simnet_tape faults;
    uint8_t *used;
    size_t used_count;
};
void tape_index_init(struct tape_index *index, const struct simnet_tape *tape);
void tape_index_fini(struct tape_index *index);
const struct simnet_fault *tape_index_find(struct tape_index *index, simnet_link link,
                                           enum simnet_stage stage,
                                           const struct simnet_pdu_key *key);

/* A delay above the base, from the integer tables; `draw` is used up. In ns, may be negative for
 * the normal distribution. */
int64_t delay_sample(enum simnet_delay_kind kind, uint64_t draw, sipc_time spread_ns);

/* ---- hosts ---- */

enum inbox_kind { INBOX_DATAGRAM, INBOX_SENT, INBOX_OPERATION };
struct inbox_item { /* what came while the host was paused */
    enum inbox_kind kind;
    bool ok;
    uint64_t value; /* slot, token, operation */
};

struct host {                    /* what each event needs comes first: 64 bytes */
    sipc_time deadline_event_ns; /* SIPC_NEVER: none */
    int64_t clock_base;          /* raw clock at clock_base_at */
    sipc_time clock_base_at, clock_floor;
    void *self;
    const struct simnet_driver *driver;
    int32_t clock_ppm;
    simnet_host index;
    uint32_t calls; /* into the driver */
    bool up, paused;
    bool checked;                   /* deliveries to and from it are */
    bool has_settings;              /* the engine's: liveness knows its bounds */
    uint32_t life;                  /* from 1, one more at each start */
    sipc_time clock_still_until_ns; /* virtual; after a step back it stands still until then */
    sipc_peer address;
    const char *name;
    char own_name[16];
    struct sipc_config settings;
    struct inbox_item *inbox;
    size_t inbox_count, inbox_capacity;
};

void host_start(struct simnet_world *world, struct host *host);
void host_fini(struct host *host);
void host_receive(struct simnet_world *world, struct host *host, struct slot *slot);
/* The aftermath of a transmission of the life that made it; nothing if that ended. */
void host_sent(struct simnet_world *world, struct host *host, uint32_t life, uint64_t token,
               bool ok);
void host_deadline(struct simnet_world *world, struct host *host, sipc_time event_ns);
void host_change(struct simnet_world *world, struct host *host, const struct simnet_change *change);
bool host_change_check(const struct host *host, const struct simnet_change *change,
                       struct simnet_error *error);
sipc_time host_clock(struct simnet_world *world, struct host *host);
/* After each call into the driver: reports, then the next deadline. */
void host_settle(struct simnet_world *world, struct host *host);
/* A host with an index of its own; `self` and driver to be set. */
struct host *host_new(struct simnet_world *world, const struct simnet_host_config *config);

/* ---- operations ---- */

enum operation_state {
    OPERATION_SCHEDULED,
    OPERATION_PENDING,
    OPERATION_ENDED,
    OPERATION_REFUSED,
    OPERATION_CRASHED
};

struct operation {
    struct simnet_operation what; /* data: own copy; attributes: own copy */
    uint64_t number;
    uint64_t next; /* of the messages of this direction, in order of acceptance */
    uint64_t delivered_bytes;
    sipc_time accepted_ns;
    uint32_t traffic;    /* 1 + index, 0 none */
    uint32_t references; /* while > 0 it is kept */
    enum operation_state state;
    enum sipc_outcome outcome;
    enum sipc_status status;
    uint32_t pending_place; /* in world.pending */
    bool delivered;         /* whole */
};

enum { OPERATION_CHUNK = 256 };
struct operation_chunk {
    struct operation *operations; /* NULL: all are done with */
    uint32_t live;
};

/* One way of a session: what was sent, and how much of it came. Numbers of operations, 0: none. */
struct direction {
    uint64_t first, last;                               /* reliable ones, not yet done with */
    uint64_t unreliable_first, unreliable_last;         /* fire and forget */
    uint64_t piece_operation, piece_offset, piece_size; /* the last group that came */
    uint32_t receiver_life;                             /* of the host, when it came */
    bool ever;                                          /* something was sent this way */
};

struct session {
    uint8_t id[SIPC_SESSION_ID_SIZE];
    uint64_t key;
    simnet_host hosts[2];
    enum sipc_state states[2];
    uint32_t lives[2];              /* how often it came to be at that host */
    struct direction directions[2]; /* [i]: from hosts[i] */
    uint32_t host_lives[2];         /* of the host, when it last came to be there */
    uint32_t waiting[2];            /* traffic that waits for it: 1 + index, 0 none */
    bool tainted;                   /* deliveries cannot be judged: flipped bits, a reused id,
                                       a new address */
};

struct traffic {
    struct simnet_traffic what;
    uint64_t sent;
    uint32_t next_waiting; /* 1 + index, 0 none */
    bool opened, started, closing, done;
};

struct operation *operation_at(const struct simnet_world *world, uint64_t number);
void operation_perform(struct simnet_world *world, struct operation *operation);
void operation_hold(struct operation *operation);
void operation_release(struct simnet_world *world, struct operation *operation);
/* PENDING or SCHEDULED ends here; wakes its traffic. */
void operation_end(struct simnet_world *world, struct operation *operation,
                   enum operation_state state, enum sipc_outcome outcome);
void operation_crash_all(struct simnet_world *world, const struct host *host);
void operations_fini(struct simnet_world *world);
struct sipc_span operation_bytes(const struct simnet_world *world,
                                 const struct operation *operation, uint64_t offset, size_t size);
void traffic_step(struct simnet_world *world, uint32_t index);
void traffic_ended(struct simnet_world *world, const struct operation *operation);
void traffic_session_is_there(struct simnet_world *world, simnet_session session, simnet_host host);
int session_side(const struct session *session, simnet_host host); /* 0, 1; -1 neither */
simnet_session session_between(const struct simnet_world *world, simnet_host host, sipc_peer remote,
                               const uint8_t session_id[SIPC_SESSION_ID_SIZE]);

/* ---- checks ---- */

void check_fail(struct simnet_world *world, const struct simnet_failure *where, const char *format,
                ...) SIPC_PRINTF(3, 4);
void check_link(struct simnet_world *world, const struct link *link);
void check_accepted(struct simnet_world *world, struct operation *operation);
void check_delivery(struct simnet_world *world, struct host *host, simnet_session session,
                    struct sipc_span data, struct sipc_span attributes);
void check_result(struct simnet_world *world, struct operation *operation);
void check_session_state(struct simnet_world *world, struct host *host, simnet_session session,
                         enum sipc_state state);
void check_engine(struct simnet_world *world, const struct host *host);
void check_drained(struct simnet_world *world);
void liveness_heal(struct simnet_world *world);
void liveness_accepted(struct simnet_world *world, const struct operation *operation);
void liveness_check(struct simnet_world *world); /* at world.liveness_ns */

/* ---- events out ---- */

void emit_stage(struct simnet_world *world, const struct link *link, const struct slot *slot,
                enum simnet_stage stage, const struct ruling *ruling, const char *why);
/* Fills number, time and kind, hashes the event, gives it to observers. */
void emit(struct simnet_world *world, enum simnet_event_kind kind, struct simnet_event *event);
struct simnet_event event_blank(void); /* all indices SIMNET_NONE */

enum { TRACE_BUFFER_BYTES = 4096 };
struct trace_hash {
    void *state; /* XXH3_state_t */
    size_t used;
    uint64_t *checkpoints;
    size_t checkpoint_count, checkpoint_capacity;
    uint8_t buffer[TRACE_BUFFER_BYTES];
};
void trace_init(struct trace_hash *trace);
void trace_fini(struct trace_hash *trace);

/* ---- the world ---- */

struct told { /* the aftermath of a datagram that never left */
    simnet_host host;
    uint32_t life;
    uint64_t token;
    bool ok;
};

enum { OBSERVERS_MAX = 16, PATTERN_PERIOD = 251, PATTERN_BYTES = 65536 + PATTERN_PERIOD };

struct simnet_world {
    struct simnet_config config;
    sipc_time now;
    uint64_t sequence, steps, events;
    uint64_t moment_count;
    struct simnet_calendar calendar;
    struct simnet_heap_entry last_popped;
    struct simnet_prng prng;
    enum simnet_end final; /* a budget or a failure; SIMNET_END_DRAINED: none yet */
    bool healed, heal_scheduled, stopped;
    size_t hosts_begun;

    struct link **links;
    size_t link_count, link_capacity;
    struct host **hosts;
    size_t host_count, host_capacity;
    struct simnet_map routes; /* from, to: 1 + link */
    simnet_host *addresses;   /* [address - 1] */
    size_t address_count, address_capacity;

    struct pool pool;
    uint64_t datagrams;
    struct slot *receiving; /* the datagram the driver is given right now */
    uint8_t *scratch;       /* SIMNET_DATAGRAM_SIZE_MAX */
    uint8_t *pattern;       /* byte i is i mod 251 */
    struct told *told;
    size_t told_head, told_count, told_capacity;

    struct simnet_change *changes;
    size_t change_count, change_capacity;

    struct operation_chunk *operation_chunks; /* by number - 1 */
    size_t operation_chunk_count, operation_chunk_capacity;
    uint64_t operation_count;
    uint64_t *scheduled; /* numbers of operations, by ref of their event */
    uint32_t *scheduled_free;
    size_t scheduled_count, scheduled_capacity, scheduled_free_count, scheduled_free_capacity;
    uint64_t *pending; /* numbers of operations */
    size_t pending_count, pending_capacity;
    struct session *sessions;
    size_t session_count, session_capacity;
    struct simnet_map session_places; /* by key: 1 + index */
    struct traffic *traffics;
    size_t traffic_count, traffic_capacity;
    struct simnet_operation_stats operation_stats;

    struct simnet_observer observers[OBSERVERS_MAX];
    size_t observer_count;
    unsigned wants; /* of all observers */
    struct trace_hash trace;
    struct simnet_tape tape; /* recorded */
    struct tape_index replay;
    bool replays;

    struct simnet_failure failure;
    uint64_t failure_count;
    sipc_time healed_ns;   /* when that was */
    sipc_time liveness_ns; /* next look at pending operations */
};

static inline struct ruling fault_rule(struct simnet_world *world, struct link *link,
                                       struct slot *slot, enum simnet_stage stage)
{
    if (link->faults_off || (!world->replays && !link->chance))
        return (struct ruling){SIMNET_PASS, 0, 0};
    return fault_rule_now(world, link, slot, stage);
}

static inline bool world_is_live(const struct simnet_world *world)
{
    return world->config.heal_ns != SIPC_NEVER && world->healed;
}

#endif
