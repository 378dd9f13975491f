/* One point of the study of long fat networks: two endpoints, a link each way, sessions that send
 * one message after the other, and what came of it. A pure function of its parameters: the same
 * point gives the same results on any machine.
 *
 *     parameters -> world -> warm-up: `warm` messages a session -> `count` messages a session ->
 * result t0                          t1
 *
 * What is measured lies between two ends of messages. Goodput is of the messages that ended ok
 * between them; messages that had begun by t0 or t1 count as far as they had been sent, so that a
 * steady state is measured closely however short the run. `first` is of the messages that begin
 * each session. SPDX-License-Identifier: MIT */
#ifndef STUDY_LFN_POINT_H
#define STUDY_LFN_POINT_H

#include "simnet/world.h"

enum study_parameter {
    STUDY_RATE_BPS, /* of the link, each way */
    STUDY_RTT_US,   /* twice the delay of the link */
    STUDY_LOSS_PPM, /* of datagrams, each way */
    STUDY_BURST,    /* mean length of a burst of losses, in datagrams; 1: each by itself */
    STUDY_WINDOW,   /* max_window_size of both ends, PDUs */
    STUDY_MTU,
    STUDY_ACK_TIMEOUT_US,
    STUDY_RETRIES,  /* max_retry_count */
    STUDY_GROUP,    /* group_bytes_max; anything but 65,500 is not the protocol's */
    STUDY_SESSIONS, /* side by side on the link */
    STUDY_MESSAGE,  /* bytes of each message */
    STUDY_WARM,     /* messages a session before it is measured */
    STUDY_COUNT,    /* messages a session while it is measured */
    STUDY_STREAM,   /* 1: the sessions carry one stream of messages in order; not the protocol's */
    STUDY_SEED,
    STUDY_PARAMETER_COUNT
};

/* What a parameter is called, what it may be and what it is if nothing is said. */
struct study_parameter_info {
    const char *name;
    uint64_t min, max, standard;
    const char *help;
};
extern const struct study_parameter_info study_parameters[STUDY_PARAMETER_COUNT];

struct study_point {
    uint64_t value[STUDY_PARAMETER_COUNT]; /* each within its range */
};

/* Of a set of messages, from the call to its result. */
struct study_times {
    uint64_t count;
    sipc_time mean_ns, median_ns, p99_ns, max_ns;
};

struct study_result {
    bool ok; /* else `error` alone counts */
    char error[400];
    sipc_time elapsed_ns; /* t0 to t1 */
    sipc_time virtual_ns; /* 0 to t1 */
    uint64_t
        delivered_bytes;  /* to the application, in elapsed_ns; also of messages that end badly */
    uint64_t goodput_bps; /* see above */
    uint64_t utilisation_ppm; /* goodput by rate */
    uint64_t busy_ppm;        /* share of elapsed in which the wire of the data was busy */
    uint64_t ended_ok, ended_timeout, ended_other; /* messages measured, by outcome */
    struct study_times first, steady;              /* steady: the messages measured that ended ok */
    uint64_t data_pdus, ack_pdus;                  /* sent in elapsed_ns, repeated ones too */
    uint64_t repeated_pdus;                        /* of the data PDUs, those sent before */
    uint64_t ack_timeouts;                         /* tries of a window after its first (RTY-1) */
    uint64_t lost;                                 /* datagrams, both ways */
    uint64_t held_max; /* of a stream: the most messages that waited for one before them */
    uint64_t all_pdus; /* of the whole run, both ways */
};

/* Runs the point; takes memory and time by its sessions. Never fails but by `ok`: bad settings, or
 * an invariant of the world that does not hold. */
void study_point_run(const struct study_point *point, struct study_result *out);

#endif
