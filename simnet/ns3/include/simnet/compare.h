/* A scenario run twice, by the simulator itself and on another carrier, and what of it is not the
 * same: which datagrams arrived, when each did, and what was delivered.
 *
 * A datagram is known by its name in tapes (struct simnet_pdu_key) and its link, so that the two
 * runs are compared packet by packet also where they have gone apart. The simulator rounds the time
 * on a wire as ns-3 does meanwhile (simnet_config.rounds_each).
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_COMPARE_H
#define SIMNET_COMPARE_H

#include "simnet/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

struct simnet_compared_run {
    uint64_t arrivals, hash, events, bytes, goodput_bps; /* bytes: delivered */
    enum simnet_end end;
    bool ok;         /* as the scenario expects */
    uint64_t cpu_ns; /* of this process, for the run alone */
};

struct simnet_compared {
    struct simnet_compared_run own, other;
    uint64_t same;  /* arrived in both, at the same ns */
    uint64_t apart; /* arrived in both, at another time */
    uint64_t alone; /* arrived in one of them only */
    sipc_time apart_max_ns;
    char first[200]; /* the earliest that is not the same; "" if there is none */
};

/* `other` carries the second run and is used up by it. The options of both, but for the carrier and
 * the observers. false: *error, *line and *foreign as of simnet_scenario_build. */
bool simnet_compare(const struct simnet_scenario *scenario, const struct simnet_carrier *other,
                    const struct simnet_scenario_options *options, struct simnet_compared *out,
                    struct simnet_error *error, int *line, bool *foreign);

/* The same datagrams over the same links with nobody at their ends: what entered the links in a run
 * on the simulator enters them again at the same times, sent by hosts that do nothing else. No
 * engines, checks, observers and hash: what is left is the network, and what leads to and from it.
 * Two runs, [0] on the simulator, [1] on `other`; else as simnet_compare. */
struct simnet_compared_links {
    uint64_t arrivals; /* at hosts, which are up throughout */
    uint64_t cpu_ns;
};
bool simnet_compare_links(const struct simnet_scenario *scenario,
                          const struct simnet_carrier *other,
                          const struct simnet_scenario_options *options,
                          struct simnet_compared_links out[2], struct simnet_error *error,
                          int *line, bool *foreign);

/* All arrivals the same, and goodput within 0.5 %. */
bool simnet_compared_agree(const struct simnet_compared *compared);

#ifdef __cplusplus
}
#endif
#endif
