/* What stats counts of each session: private to the command. A session has two directions, and each
 * is seen from up to three points: where it is sent (outbound), where it arrives (inbound), and
 * somewhere (the capture does not say). Round trips are from a PDU to its ack at one point. */
#ifndef PCAPT_STATS_H
#define PCAPT_STATS_H

#include "pcap_cli.h"

enum stats_point { STATS_SENT, STATS_ARRIVED, STATS_BETWEEN, STATS_POINTS };
enum { STATS_SESSIONS_MAX = 2048, STATS_WINDOWS = 16, STATS_REPEATS = 4 };

struct stats_seen { /* a data or close PDU; a newer one takes an older one's place */
    int64_t window_id;
    int32_t seq_nr;
    uint32_t times; /* 0: empty */
    uint64_t first_ns, last_ns;
};
struct stats_window { /* by window id, the newest of those with the same remainder */
    int64_t id;
    int32_t highest, acked; /* seq_nr; -1 none */
    bool used, repeated, full;
    bool acked_full;
};
/* One direction at one point. */
struct stats_view {
    uint64_t pdus[SIPC_ENQUIRE_LINK_ACK + 1], bytes;
    uint64_t data_bytes, new_bytes; /* all; without repeats */
    uint64_t first_ns, last_ns;
    uint64_t repeats, repeated[STATS_REPEATS]; /* PDUs sent again; PDUs that were once, twice, more
                                                  often ([0]: not used) */
    uint64_t spurious;                         /* repeats of what had arrived, as acks show */
    uint64_t late, late_max; /* PDUs first seen behind later ones of their window; how far */
    uint64_t missed; /* PDUs first seen behind later ones when their window was being sent again: an
                        earlier one was lost before this point, or late */
    uint64_t holes;  /* PDUs that must have passed, as acks show, and were not captured */
    uint64_t duplicates;                                 /* by a network */
    uint64_t acks, duplicate_acks, full_windows, errors; /* of acks in this direction */
    uint64_t round_trips, round_trip_min_ns, round_trip_max_ns, round_trip_sum_ns;
    struct stats_window windows[STATS_WINDOWS];
    struct stats_seen *seen;
    size_t seen_capacity;
};
struct stats_session {
    struct stats_session *chain, *older, *newer;
    uint64_t number; /* from 1, as they began */
    uint8_t id[SIPC_SESSION_ID_SIZE];
    enum pcapt_transport transport;
    struct pcapt_address ends[2];           /* [0] sent the first PDU seen */
    uint64_t first_ns, last_ns, silence_ns; /* the longest */
    uint64_t dropped[2]; /* on their way, as a simulator's capture says; by who sent them */
    struct stats_view *views[2][STATS_POINTS]; /* NULL: none. [0]: from ends[0] */
};

struct stats;
/* `told`: gets a session that is over, or must make room for another. */
struct stats *stats_new(void (*told)(void *ctx, const struct stats_session *session), void *ctx);
void stats_item(struct stats *stats, const struct pcapt_item *item);
/* Tells all that are left, in the order they began, and frees. */
void stats_end(struct stats *stats);
uint64_t stats_count(const struct stats *stats);

#endif
