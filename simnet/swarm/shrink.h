/* What the files of the shrinker say to each other: shrink (runs, order of the passes), cut (what
 * is taken away), lessen (numbers that become small and round). */
#ifndef SIMNET_SWARM_SHRINK_H
#define SIMNET_SWARM_SHRINK_H

#include "simnet/shrink.h"

struct shrink {
    struct simnet_scenario best; /* the smallest that fails so far */
    struct simnet_shrink_target target;
    struct simnet_expectation broken; /* target.broken, if there is one */
    const struct simnet_shrink_options *options;
    uint64_t runs_max;
    uint64_t event_max; /* of the scenario, if that is what it fails by */
    struct simnet_shrink_stats stats;
};

/* Takes `candidate`: it is the best if it fails in the same way. */
bool shrink_try(struct shrink *shrink, struct simnet_scenario *candidate);
bool shrink_is_over(const struct shrink *shrink);

/* Each true if something could be taken away. */
bool cut_things(struct shrink *shrink);
bool cut_lists(struct shrink *shrink);
bool lessen_all(struct shrink *shrink);
/* Numbers as people write them, though they grow by it. */
void lessen_roundly(struct shrink *shrink);

#endif
