/* What `sipc sim run` and `sipc sim replay` share: reading scenarios, a run with its figures, and
 * telling how it failed. SPDX-License-Identifier: MIT */
#ifndef SIMNET_CLI_SCENARIOS_H
#define SIMNET_CLI_SCENARIOS_H

#include "cli.h"
#include "simnet/ns3.h"
#include "simnet/scenario.h"

/* What a run came to. */
struct sim_result {
    int exit_code; /* CLI_OK, CLI_NONCONFORMANT, CLI_USAGE, CLI_NO_SUT */
    bool ran;      /* else it could not be built, and nothing else here says anything */
    enum simnet_end end;
    struct simnet_judgement judgement; /* `failure` points to the copy below */
    struct simnet_failure failure;
    uint64_t seed, hash, events, pdus;
    uint64_t dropped[SIMNET_STAGE_COUNT], duplicated;
    uint64_t faults[SIMNET_STAGE_COUNT]; /* drops and whatever else chance did, by stage */
    sipc_time virtual_ns;
    uint64_t wall_ns;
    uint64_t goodput_bps, bytes; /* of all that was delivered */
    struct simnet_operation_stats operations;
    uint64_t *checkpoints;
    size_t checkpoint_count;
    struct simnet_tape tape; /* if it was asked for */
};
void sim_result_clear(struct sim_result *result);

struct sim_run_options {
    const uint64_t *seed;
    const struct simnet_tape *replay;
    bool record;
    bool rounds_each;                     /* the time of each datagram on a wire, as ns-3 does */
    struct simnet_foreigns *foreigns;     /* kept from run to run, or NULL */
    const struct simnet_ns3_library *ns3; /* carries the datagrams; NULL: the simulator itself */
    const char *trace; /* NULL: none; "-": every event as a line on stdout; else a file, what is in
                          it goes by its suffix (simnet/export.h) */
};
/* The value of --backend: NULL for own, else ns-3, loaded. false: told on stderr. */
bool sim_take_backend(const char *command, const char *value,
                      const struct simnet_ns3_library **out);

/* Runs and judges the scenario. Where it cannot be built that is told on stderr. */
void sim_run(const struct simnet_scenario *scenario, const struct sim_run_options *options,
             struct sim_result *result);

/* Runs it once more, to tell the last PDUs before the failure, and how to see it again. */
void sim_tell_failure(const struct simnet_scenario *scenario, const struct sim_result *result,
                      const struct sim_run_options *options, FILE *out);

#endif
