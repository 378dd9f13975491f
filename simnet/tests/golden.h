/* A dozen small worlds that between them use every stage, model and change. */
#ifndef SIMNET_TESTS_GOLDEN_H
#define SIMNET_TESTS_GOLDEN_H

#include "simnet/world.h"

struct golden_world {
    const char *name;
    uint64_t hash, events; /* as committed */
    enum simnet_ties ties;
    sipc_time heal_ns; /* 0: never */
    struct simnet_link_config ab, ba;
    struct simnet_change changes[6]; /* up to the first at 0 ns */
    uint64_t sessions, messages, size_max;
    bool two_ways, unreliable;
};

extern const struct golden_world golden_worlds[];
extern const size_t golden_world_count;

/* The world, ready to run; `config` (seed, record, replay) has its own ties and heal put in. */
struct simnet_world *golden_build(const struct golden_world *golden,
                                  const struct simnet_config *config);

#endif
