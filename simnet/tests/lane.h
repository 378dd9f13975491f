/* A lane for tests of links: one scripted host sends raw datagrams of given sizes at given times
 * through one link to another, and everything observers see of them is kept. */
#ifndef SIMNET_TESTS_LANE_H
#define SIMNET_TESTS_LANE_H

#include "simnet/world.h"

enum { LANE_DATAGRAMS_MAX = 4096, LANE_VERDICTS_MAX = 16384 };

struct lane_verdict {
    uint64_t datagram; /* from 1, in order of sending; copies come behind */
    sipc_time time_ns;
    enum simnet_stage stage;
    enum simnet_verdict verdict;
    uint64_t value;
    uint32_t extra;
    const char *why;
};
struct lane_arrival {
    uint64_t datagram;
    sipc_time time_ns;
    uint32_t size; /* as it arrived */
    uint8_t bytes[64];
};

struct lane {
    struct simnet_world *world;
    simnet_host b; /* the receiver */
    simnet_link link;
    struct simnet_script_step steps[LANE_DATAGRAMS_MAX];
    size_t count;
    struct lane_arrival arrivals[LANE_DATAGRAMS_MAX];
    size_t arrival_count;
    struct lane_verdict verdicts[LANE_VERDICTS_MAX]; /* all but PASS */
    size_t verdict_count;
};

/* Zeroed, freed by lane_free. Datagrams are added before lane_run. */
struct lane *lane_new(const struct simnet_config *config, const struct simnet_link_config *link);
void lane_send(struct lane *lane, sipc_time at_ns, uint32_t size);
void lane_change(struct lane *lane, sipc_time at_ns, enum simnet_change_kind kind, uint64_t value);
void lane_run(struct lane *lane); /* to the end, which must be that nothing is left */
void lane_free(struct lane *lane);

/* Fails the test unless exactly these datagrams arrived, in this order, at these times. */
struct lane_expected {
    uint64_t datagram;
    sipc_time time_ns;
};
void lane_assert_arrivals(const struct lane *lane, const struct lane_expected *expected,
                          size_t count);
/* How many verdicts of this kind there were at this stage. */
size_t lane_count(const struct lane *lane, enum simnet_stage stage, enum simnet_verdict verdict);

#endif
