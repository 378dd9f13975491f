/* The worlds that come with the explorer, each small enough to be seen to its end and each about
 * something: where ids wrap, where closes meet, where copies come late. */
#include "simnet/explore.h"

#include <string.h>

#define WORLD_T (1000 * SIPC_NS_PER_MS)

/* Settings of a small world: `retries` of each window, ids that wrap at `highest`, windows of at
 * most `window` PDUs and groups of at most `group` bytes. */
#define WORLD_SETTINGS(retries, step, highest, window, group)                                      \
    .settings = {.mtu = 512,                                                                       \
                 .max_window_size = (window),                                                      \
                 .ack_timeout_ns = WORLD_T,                                                        \
                 .max_retry_count = (retries),                                                     \
                 .max_remote_idle_timeout_ns = 600 * WORLD_T,                                      \
                 .linger_ns = SIPC_NEVER,                                                          \
                 .max_sessions = 1,                                                                \
                 .unreliable_queue = 1,                                                            \
                 .accept = true,                                                                   \
                 .require_first_in_window_group = true,                                            \
                 .window_id_step = (step),                                                         \
                 .window_id_max = (highest),                                                       \
                 .group_bytes_max = (group)}
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
        .about = "a message opens a session, which is closed again",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .sides = {{.open = true, .operations = {WORLD_SEND(8), WORLD_CLOSE(1)}, 2}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 2,
        .in_flight = 4,
    },
    {
        .name = "two-messages",
        .about = "one after the other, the second also after the first has failed",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .sides = {{.open = true, .operations = {WORLD_SEND(8), WORLD_SEND(8)}, 2}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 4,
        .in_flight = 4,
    },
    {
        .name = "window-of-two",
        .about = "a window of two PDUs, retried one at a time",
        WORLD_SETTINGS(2, 4, 20, 2, 1024),
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(600), WORLD_SEND(8)}, 2}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 3,
        .in_flight = 4,
    },
    {
        .name = "aftermaths",
        .about = "the network takes its time to say that it sent, or failed to",
        WORLD_SETTINGS(1, 4, 20, 2, 1024),
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(600), WORLD_SEND(8)}, 2}},
        .life_ns = WORLD_T,
        .aftermaths = true,
        .fault_kinds = WORLD_LOSSY | SIMNET_EXPLORE_NOT_SENT,
        .faults = 2,
        .in_flight = 3,
    },
    {
        .name = "both-send",
        .about = "both have opened the session and send at once",
        WORLD_SETTINGS(1, 3, 12, 2, 256),
        .sides = {{.open = true, .operations = {WORLD_SEND(8), WORLD_SEND(8)}, 2},
                  {.open = true, .operations = {WORLD_SEND(8)}, 1}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 2,
        .in_flight = 4,
    },
    {
        .name = "close-race",
        .about = "both close, one of them by force",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(8), WORLD_CLOSE(1)}, 2},
                  {.operations = {WORLD_CLOSE(2)}, 1}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 3,
        .in_flight = 4,
    },
    {
        .name = "wrap",
        .about = "the highest window id is next, then 0",
        WORLD_SETTINGS(1, 2, 6, 2, 256),
        .sides = {{.open = true,
                   .preset = true,
                   .window_ids = {6, 5, -1, false},
                   .operations = {WORLD_SEND_SKIP(8), WORLD_SEND_SKIP(8), WORLD_SEND_SKIP(8)},
                   3},
                  {.open = true, .preset = true, .window_ids = {0, -1, 5, true}}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 4,
        .in_flight = 4,
    },
    {
        .name = "resync",
        .about = "so much is lost that the window ids run out",
        WORLD_SETTINGS(0, 3, 9, 2, 256),
        .sides = {{.open = true,
                   .operations = {WORLD_SEND_SKIP(8), WORLD_SEND_SKIP(8), WORLD_SEND_SKIP(8),
                                  WORLD_SEND_SKIP(8)},
                   4}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 4,
        .in_flight = 4,
    },
    {
        .name = "faf",
        .about = "fire and forget beside messages and a close",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .sides = {{.open = true,
                   .operations = {WORLD_SEND_SKIP(8), WORLD_UNRELIABLE(8), WORLD_SEND(8),
                                  WORLD_CLOSE(1)},
                   4}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 2,
        .in_flight = 4,
    },
    {
        .name = "late-copy",
        .about = "copies arrive when the session they are of has been closed",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(8), WORLD_CLOSE(1)}, 2}},
        .life_ns = 2 * WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 3,
        .in_flight = 5,
    },
    {
        .name = "crash",
        .about = "a host crashes and is there again, knowing nothing",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .sides = {{.open = true, .operations = {WORLD_SEND(8), WORLD_SEND_SKIP(8)}, 2}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY | SIMNET_EXPLORE_CRASH,
        .faults = 2,
        .in_flight = 4,
    },
    {
        .name = "enquire-link",
        .about = "enquire links on a session that its peer may not know yet",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .settings.enquire_link_interval_ns = WORLD_T / 2,
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(8)}, 1}},
        .life_ns = WORLD_T / 2,
        .fault_kinds = WORLD_LOSSY,
        .faults = 2,
        .in_flight = 3,
    },
    {
        .name = "two-way",
        .about = "one side's messages meet the other's while both are opening",
        WORLD_SETTINGS(0, 2, 6, 2, 256),
        .sides = {{.open = true, .operations = {WORLD_SEND(8), WORLD_SEND(8), WORLD_SEND(8)}, 3},
                  {.open = true, .operations = {WORLD_SEND(8)}, 1}},
        .life_ns = WORLD_T / 2,
        .fault_kinds = WORLD_LOSSY,
        .faults = 1,
        .in_flight = 3,
    },
    {
        .name = "crash-in-group",
        .about = "a host crashes while it has a part of a window group",
        WORLD_SETTINGS(1, 4, 20, 1, 1024),
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(600), WORLD_SEND_SKIP(8)}, 2}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY | SIMNET_EXPLORE_CRASH,
        .faults = 2,
        .in_flight = 3,
    },
    {
        .name = "large",
        .about = "a message that takes two window groups, and one that nearly fills one",
        WORLD_SETTINGS(1, 6, 30, 1, 1024),
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(1000), WORLD_SEND_SKIP(700)}, 2}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 2,
        .in_flight = 3,
    },
    {
        .name = "faf-in-group",
        .about = "fire and forget while a window group is under way",
        WORLD_SETTINGS(1, 6, 30, 1, 1024),
        .sides = {{.open = true,
                   .operations = {WORLD_SEND_SKIP(600), WORLD_UNRELIABLE(8), WORLD_UNRELIABLE(9)},
                   3}},
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 2,
        .in_flight = 4,
    },
    {
        .name = "faf-close",
        .about = "fire and forget when the session is being closed",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .sides = {{.open = true,
                   .operations = {WORLD_SEND_SKIP(8), WORLD_CLOSE(1), WORLD_UNRELIABLE(8)},
                   3}},
        .life_ns = WORLD_T / 2,
        .fault_kinds = SIMNET_EXPLORE_DROP,
        .faults = 3,
        .in_flight = 4,
    },
    {
        .name = "stray",
        .about = "a PDU that nobody sent stands behind the last one of a window",
        WORLD_SETTINGS(1, 4, 20, 3, 1024),
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(600), WORLD_SEND_SKIP(8)}, 2}},
        .injections = {{.to = 1, .opcode = SIPC_DATA, .window_id = 0, .seq_nr = 2, .size = 4}},
        .injection_count = 1,
        .life_ns = WORLD_T,
        .fault_kinds = WORLD_LOSSY,
        .faults = 2,
        .in_flight = 4,
    },
    {
        .name = "stray-ack",
        .about = "an ack that nobody sent, while aftermaths are awaited",
        WORLD_SETTINGS(1, 4, 20, 2, 256),
        .sides = {{.open = true, .operations = {WORLD_SEND_SKIP(8), WORLD_SEND_SKIP(8)}, 2}},
        .injections = {{.to = 0, .opcode = SIPC_DATA_ACK, .window_id = 0, .seq_nr = 0}},
        .injection_count = 1,
        .life_ns = WORLD_T,
        .aftermaths = true,
        .fault_kinds = WORLD_LOSSY | SIMNET_EXPLORE_NOT_SENT,
        .faults = 3,
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

static bool worlds_is_whole_ms(sipc_time at)
{
    return at == SIPC_NEVER || at % SIPC_NS_PER_MS == 0;
}

static const char *worlds_check_side(const struct simnet_explore_side *side)
{
    if (side->operation_count > SIMNET_EXPLORE_OPERATIONS_MAX)
        return "too many operations of one side";
    for (size_t i = 0; i < side->operation_count; i++)
        if (side->operations[i].kind == SIPC_OP_CLOSE
                ? side->operations[i].code < 1 || side->operations[i].code > 99
                : side->operations[i].size < 1 || side->operations[i].size > UINT16_MAX)
            return "an operation has no size, or no code, that makes sense";
    if (side->preset && !side->open)
        return "window ids are preset where a session is open";
    return NULL;
}

const char *simnet_explore_world_check(const struct simnet_explore_world *world)
{
    const struct sipc_config *c = &world->settings;
    struct sipc_config checked = *c;
    const char *field;

    if (sipc_config_check(&checked, &field) != SIPC_OK)
        return field;
    if (!worlds_is_whole_ms(c->ack_timeout_ns) || !worlds_is_whole_ms(c->open_timeout_ns) ||
        !worlds_is_whole_ms(c->linger_ns) || !worlds_is_whole_ms(c->enquire_link_interval_ns) ||
        c->idle_timeout_ns % (int64_t)SIPC_NS_PER_MS != 0 || !worlds_is_whole_ms(world->life_ns))
        return "times are whole milliseconds";
    if (world->life_ns > 1000000 * SIPC_NS_PER_MS)
        return "a PDU lives 1,000 s at most";
    if (world->in_flight < 1 || world->in_flight > SIMNET_EXPLORE_IN_FLIGHT_MAX)
        return "1 to 8 PDUs are under way at most";
    if (world->faults > SIMNET_EXPLORE_FAULTS_MAX)
        return "there are 15 faults at most";
    if (world->injection_count > SIMNET_EXPLORE_INJECTIONS_MAX)
        return "too many injections";
    if (sipc_endpoint_size(&checked) > 60000)
        return "the endpoints are too large: fewer sessions, smaller groups and windows";
    if ((world->fault_kinds & SIMNET_EXPLORE_NOT_SENT) != 0 && !world->aftermaths)
        return "an aftermath fails only where aftermaths are explored";
    for (int side = 0; side < 2; side++)
        if ((field = worlds_check_side(&world->sides[side])) != NULL)
            return field;
    return NULL;
}
