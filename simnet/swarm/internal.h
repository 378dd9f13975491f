/* The parts of the swarm and what they say to each other. Nothing here is seen from outside.
 *
 *   make      the scenario of a seed: what is switched on, hosts, sessions, what applications do
 *   network   the same: links, and the timeline of faults
 *   marks     what came about, counted
 *   due       which marks a swarm must see
 *   swarm     one seed; many seeds in many processes
 */
#ifndef SIMNET_SWARM_INTERNAL_H
#define SIMNET_SWARM_INTERNAL_H

#include "simnet/swarm.h"

/* ---- what a seed has switched on ---- */

/* A bit each, and a draw of its own by its place: new ones go to the end. */
enum make_feature {
    MAKE_MANY_HOSTS,
    MAKE_LOSS,
    MAKE_BURSTS,
    MAKE_PERIODIC_LOSS,
    MAKE_CHOSEN_LOSS,
    MAKE_DUPLICATES,
    MAKE_FLIPS,
    MAKE_CUTS, /* truncated and extended */
    MAKE_JITTER,
    MAKE_OVERTAKING,
    MAKE_REORDER,
    MAKE_RATE,
    MAKE_QUEUE,
    MAKE_LINK_MTU,
    MAKE_TELLS,
    MAKE_CRASH,
    MAKE_PARTITION,
    MAKE_CLOG,
    MAKE_PAUSE,
    MAKE_CLOCK,
    MAKE_ADDRESS,
    MAKE_STEPS, /* of rate and delay */
    MAKE_UNRELIABLE,
    MAKE_SKIP,
    MAKE_ATTRIBUTES,
    MAKE_CLOSE,
    MAKE_DISPOSE,
    MAKE_SHUTDOWN,
    MAKE_BOTH_OPEN,
    MAKE_IDLE,
    MAKE_ENQUIRE,
    MAKE_SMALL_WINDOWS,
    MAKE_UNEQUAL, /* hosts with settings of their own */
    MAKE_BIG,     /* messages of several groups */
    MAKE_SMALL_WORLD,
    MAKE_FEW_SESSIONS,
    MAKE_NOT_ACCEPTING,
    MAKE_STRANGER,
    MAKE_SHUFFLE,
    MAKE_IMPATIENT, /* an ack_timeout shorter than a round trip */
    MAKE_REOPEN,
    MAKE_STREAMS_OF_SESSIONS, /* several in a group */
    MAKE_FEATURE_COUNT
};

/* What is drawn; each value is a function of seed, parameter and index alone. By the place in this
 * list: new ones go to the end. */
enum make_parameter {
    DRAW_FEATURE,
    DRAW_HOSTS,
    DRAW_MTU,
    DRAW_WINDOW,
    DRAW_ACK_TIMEOUT,
    DRAW_RETRIES,
    DRAW_IDLE,
    DRAW_IDLE_OF,
    DRAW_ENQUIRE,
    DRAW_OPEN_TIMEOUT,
    DRAW_STEP,
    DRAW_IDS,
    DRAW_GROUP,
    DRAW_MAX_SESSIONS,
    DRAW_ACCEPT,
    DRAW_QUEUE_OF_UNRELIABLE,
    DRAW_CLOCK,
    DRAW_SESSIONS,
    DRAW_SESSION_A,
    DRAW_SESSION_B,
    DRAW_SESSION_COUNT,
    DRAW_WHO_OPENS,
    DRAW_TWO_WAYS,
    DRAW_START,
    DRAW_COUNT,
    DRAW_SIZE_MIN,
    DRAW_SIZE_MAX,
    DRAW_GAP,
    DRAW_CLOSES,
    DRAW_KIND,
    DRAW_OPERATIONS,
    DRAW_OPERATION_AT,
    DRAW_OPERATION_WHERE,
    DRAW_OPERATION_SIZE,
    DRAW_CODE,
    DRAW_LINK_ON,
    DRAW_RATE,
    DRAW_OVERHEAD,
    DRAW_DELAY,
    DRAW_SPREAD,
    DRAW_JITTER,
    DRAW_LIMIT,
    DRAW_DISCIPLINE,
    DRAW_LINK_MTU,
    DRAW_TELLS,
    DRAW_AT_SENDER,
    DRAW_LOSS,
    DRAW_BURST,
    DRAW_PERIOD,
    DRAW_PREDICATE,
    DRAW_DUPLICATE,
    DRAW_CORRUPT,
    DRAW_CHECKSUM,
    DRAW_REORDER,
    DRAW_CHANGES,
    DRAW_CHANGE_AT,
    DRAW_CHANGE_FOR,
    DRAW_CHANGE_TARGET,
    DRAW_CHANGE_VALUE,
    DRAW_STRANGER,
    DRAW_STRANGER_AT,
    DRAW_STRANGER_PDU,
    DRAW_WORLD_SEED,
    DRAW_HEAL,
    DRAW_END_GRACE,
};

struct make {
    uint64_t seed, features;
    simnet_host hosts; /* those that run the engine */
    sipc_time heal_ns;
    struct simnet_scenario *out;
};

bool make_has(const struct make *make, enum make_feature feature);
uint64_t make_range(const struct make *make, enum make_parameter parameter, uint64_t index,
                    uint64_t min, uint64_t max);
/* One of 2^from .. 2^to, and a bit: small and large are as likely. */
uint64_t make_spread(const struct make *make, enum make_parameter parameter, uint64_t index,
                     unsigned from, unsigned to);
bool make_chance(const struct make *make, enum make_parameter parameter, uint64_t index,
                 uint32_t percent);

void make_links(struct make *make);
void make_changes(struct make *make);

/* ---- marks.c ---- */

/* Watches one world; begun before it runs. */
enum { MARKER_SESSIONS_MAX = 32 };
struct marker {
    struct simnet_marks *marks;
    const struct simnet_scenario *scenario;
    const struct simnet_world *world;
    struct {
        uint64_t key;
        simnet_host hosts[2];
    } sessions[MARKER_SESSIONS_MAX];
    size_t session_count;
    uint64_t pdus, faults;
    uint32_t paused; /* set of hosts */
    /* What happened last, until something else does. Effects of the same moment at that host, and
     * of that session (SIMNET_NONE: any), are its. */
    bool open, told; /* there is such a cause; something was counted for it */
    simnet_host host;
    simnet_session session;
    sipc_time at_ns;
    unsigned state, event;
};
void marker_begin(struct marker *marker, struct simnet_marks *marks,
                  const struct simnet_scenario *scenario, const struct simnet_world *world);
void marker_event(void *ctx, const struct simnet_event *event);
void marker_end(struct marker *marker);

#endif
