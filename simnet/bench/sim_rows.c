/* See sim_rows.h. */
#include "sim_rows.h"

const char *const sim_scheduler_names[SIM_SCHEDULERS] = {"Map", "PriorityQueue"};

const struct sim_row sim_rows[] = {
    {"queue-100", "events", "pending", &sim_queue, 100, 100, 100, 4},
    {"queue-10k", "events", "pending", &sim_queue, 10000, 1000, 10000, 4},
    {"queue-1M", "events", "pending", &sim_queue, 1000000, 10000, 1000000, 8},
    {"timers-100", "events", "pending", &sim_timers, 100, 100, 100, 4},
    {"timers-10k", "events", "pending", &sim_timers, 10000, 1000, 10000, 4},
    {"timers-1M", "events", "pending", &sim_timers, 1000000, 10000, 1000000, 8},
    {"link-300ms", "PDUs", "us one way", &sim_link, 150000, 500, 125000, 16},
    {"engines-1ms", "PDUs", "sessions", &sim_engines_short, 32, 32, 3200, 16},
    {"engines-300ms", "PDUs", "sessions", &sim_engines_long, 5700, 57, 540000, 16},
    {"swarm", "seeds", NULL, &sim_swarm, 0, 0, 100, 0},
    {"explore-faf", "states", NULL, &sim_explore_faf, 0, 500, 1000, 0},
    {"explore-close-race", "states", NULL, &sim_explore_close_race, 0, 500, 1000, 0},
    {"explore-two-messages", "states", NULL, &sim_explore_two_messages, 0, 500, 1000, 0},
    {"shrink-10k", "runs", NULL, &sim_shrink, 10000, 200, 1, 0},
};
const size_t sim_row_count = sizeof sim_rows / sizeof sim_rows[0];
