/* The worlds that come with the explorer, each small enough to be seen to its end and each about
 * something: where ids wrap, where closes meet, where copies come late. */
#include "simnet/explore.h"

#include <string.h>

#define WORLD_T (1000 * SIPC_NS_PER_MS)

/* Settings of a small world: `retries` of each window, ids that wrap at `highest`. */
#define WORLD_SETTINGS(retries, step, highest)                                                     \
    {                                                                                              \
        .mtu = 512, .max_window_size = 2, .ack_timeout_ns = WORLD_T, .max_retry_count = (retries), \
        .max_remote_idle_timeout_ns = INT64_MAX, .linger_ns = SIPC_NEVER, .max_sessions = 1,       \
        .unreliable_queue = 1, .accept = true, .require_first_in_window_group = true,              \
        .window_id_step = (step), .window_id_max = (highest), .group_bytes_max = 512               \
    }
#define WORLD_SEND(bytes)                                                                          \
    {                                                                                              \
        .kind = SIPC_OP_SEND, .size = (bytes)                                                      \
    }
#define WORLD_SEND_SKIP(bytes)                                                                     \
    {                                                                                              \
        .kind = SIPC_OP_SEND, .size = (bytes), .skip = true                                        \
    }
#define WORLD_UNRELIABLE(bytes)                                                                    \
    {                                                                                              \
        .kind = SIPC_OP_SEND_UNRELIABLE, .size = (bytes), .skip = true                             \
    }
#define WORLD_CLOSE(how)                                                                           \
    {                                                                                              \
        .kind = SIPC_OP_CLOSE, .code = (how)                                                       \
    }
#define WORLD_LOSSY (SIMNET_EXPLORE_DROP | SIMNET_EXPLORE_DUPLICATE)

static const struct simnet_explore_world worlds_table[] = {
    {
        .name = "one-message",
        .about = "a message opens a session, then it is closed",
        .settings = WORLD_SETTINGS(1, 4, 20),
        .sides = {{.open = true,
                   .operations = {WORLD_SEND(8), WORLD_CLOSE(1)},
                   .operation_count = 2}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 2,
        .in_flight = 4,
    },
};

const struct simnet_explore_world *simnet_explore_worlds(size_t *count)
{
    *count = sizeof worlds_table / sizeof worlds_table[0];
    return worlds_table;
}

const struct simnet_explore_world *simnet_explore_world_find(const char *name)
{
    for (size_t i = 0; i < sizeof worlds_table / sizeof worlds_table[0]; i++)
        if (strcmp(worlds_table[i].name, name) == 0)
            return &worlds_table[i];
    return NULL;
}
