/* Which field of the language is which member of the model, for plain numbers and flags: both
 * directions go by these rows. SPDX-License-Identifier: MIT */
#include <string.h>

#include "text.h"

#define HOST(key, type, member)                                                                    \
    {                                                                                              \
        key, 0, type, offsetof(struct simnet_scenario_host, member)                                \
    }
const struct scenario_field scenario_host_fields[] = {
    HOST(SX_K_CLOCK, SCENARIO_I32, clock_ppm),
    HOST(SX_K_CLOCK_AT, SCENARIO_U64, clock_ns),
    HOST(SX_K_HOST_MTU, SCENARIO_U32, settings.mtu),
    HOST(SX_K_MAX_WINDOW_SIZE, SCENARIO_U32, settings.max_window_size),
    HOST(SX_K_ACK_TIMEOUT, SCENARIO_U64, settings.ack_timeout_ns),
    HOST(SX_K_MAX_RETRY_COUNT, SCENARIO_U32, settings.max_retry_count),
    HOST(SX_K_OPEN_TIMEOUT, SCENARIO_U64, settings.open_timeout_ns),
    HOST(SX_K_IDLE_TIMEOUT, SCENARIO_U64, settings.idle_timeout_ns),
    HOST(SX_K_MIN_REMOTE_IDLE_TIMEOUT, SCENARIO_U64, settings.min_remote_idle_timeout_ns),
    HOST(SX_K_MAX_REMOTE_IDLE_TIMEOUT, SCENARIO_U64, settings.max_remote_idle_timeout_ns),
    HOST(SX_K_ENQUIRE_LINK_INTERVAL, SCENARIO_U64, settings.enquire_link_interval_ns),
    HOST(SX_K_LINGER, SCENARIO_U64, settings.linger_ns),
    HOST(SX_K_ATTRIBUTE_LIMIT, SCENARIO_U32, settings.attribute_limit),
    HOST(SX_K_MAX_SESSIONS, SCENARIO_U32, settings.max_sessions),
    HOST(SX_K_UNRELIABLE_QUEUE, SCENARIO_U32, settings.unreliable_queue),
    HOST(SX_K_ACCEPT, SCENARIO_BOOL, settings.accept),
    HOST(SX_K_REQUIRE_FIRST, SCENARIO_BOOL, settings.require_first_in_window_group),
    HOST(SX_K_WINDOW_ID_STEP, SCENARIO_U64, settings.window_id_step),
    HOST(SX_K_WINDOW_ID_MAX, SCENARIO_U64, settings.window_id_max),
    HOST(SX_K_GROUP_BYTES_MAX, SCENARIO_U32, settings.group_bytes_max),
    {0, 0, SCENARIO_U32, 0},
};

#define LINK(key, field, type, member)                                                             \
    {                                                                                              \
        key, field, type, offsetof(struct simnet_link_config, member)                              \
    }
const struct scenario_field scenario_link_fields[] = {
    LINK(SX_K_RATE, 0, SCENARIO_U64, rate_bps),
    LINK(SX_K_OVERHEAD, 0, SCENARIO_U32, overhead_bytes),
    LINK(SX_K_MTU, 0, SCENARIO_U32, mtu),
    LINK(SX_K_RED, 0, SCENARIO_U64, queue.red_min_bytes),
    LINK(SX_K_RED, 1, SCENARIO_U64, queue.red_max_bytes),
    LINK(SX_K_RED, 2, SCENARIO_U32, queue.red_max_ppm),
    LINK(SX_K_RED, 3, SCENARIO_U32, queue.red_weight_log2),
    LINK(SX_K_CODEL, 0, SCENARIO_U64, queue.codel_target_ns),
    LINK(SX_K_CODEL, 1, SCENARIO_U64, queue.codel_interval_ns),
    LINK(SX_K_LOST_AT_SENDER, -1, SCENARIO_BOOL, loss_at_sender),
    LINK(SX_K_DUPLICATE, 0, SCENARIO_U32, duplicate.ppm),
    LINK(SX_K_DUPLICATE, 1, SCENARIO_U32, duplicate.copies_max),
    LINK(SX_K_DUPLICATE, 2, SCENARIO_U64, duplicate.delay_ns),
    LINK(SX_K_FLIP, 0, SCENARIO_U32, corrupt.flip_ppm),
    LINK(SX_K_FLIP, 1, SCENARIO_U32, corrupt.flip_bits_max),
    LINK(SX_K_TRUNCATE, 0, SCENARIO_U32, corrupt.truncate_ppm),
    LINK(SX_K_EXTEND, 0, SCENARIO_U32, corrupt.extend_ppm),
    LINK(SX_K_EXTEND, 1, SCENARIO_U32, corrupt.extend_bytes_max),
    LINK(SX_K_CHECKSUM, -1, SCENARIO_BOOL, corrupt.checksum),
    LINK(SX_K_DELAY, 0, SCENARIO_U64, delay.base_ns),
    LINK(SX_K_JITTER, 1, SCENARIO_U64, delay.spread_ns),
    LINK(SX_K_REORDERS, -1, SCENARIO_BOOL, delay.reorders),
    LINK(SX_K_SWAP, 0, SCENARIO_U32, reorder.swap_ppm),
    LINK(SX_K_SWAP, 1, SCENARIO_U32, reorder.swap_count),
    LINK(SX_K_JUMP, 0, SCENARIO_U32, reorder.jump_ppm),
    LINK(SX_K_JUMP, 1, SCENARIO_U32, reorder.jump_count),
    {0, 0, SCENARIO_U32, 0},
};

#define TRAFFIC(key, field, type, member)                                                          \
    {                                                                                              \
        key, field, type, offsetof(struct simnet_scenario_traffic, member)                         \
    }
const struct scenario_field scenario_traffic_fields[] = {
    TRAFFIC(SX_K_COUNT, 0, SCENARIO_U64, what.count),
    TRAFFIC(SX_K_SIZE, 0, SCENARIO_U64, what.size_min),
    TRAFFIC(SX_K_SIZE, 1, SCENARIO_U64, what.size_max),
    TRAFFIC(SX_K_START, 0, SCENARIO_U64, what.start_ns),
    TRAFFIC(SX_K_STAGGER, 0, SCENARIO_U64, stagger_ns),
    TRAFFIC(SX_K_OPENS, -1, SCENARIO_BOOL, what.open),
    TRAFFIC(SX_K_UNRELIABLE, -1, SCENARIO_BOOL, what.unreliable),
    TRAFFIC(SX_K_SKIP, -1, SCENARIO_BOOL, what.skip),
    TRAFFIC(SX_K_GAP, 0, SCENARIO_U64, what.gap_ns),
    TRAFFIC(SX_K_AGAIN, 0, SCENARIO_U64, what.again_ns),
    TRAFFIC(SX_K_CLOSE, 0, SCENARIO_I32, what.close_code),
    {0, 0, SCENARIO_U32, 0},
};

const struct scenario_pair scenario_changes[] = {
    {SX_K_DOWN, SIMNET_LINK_DOWN},
    {SX_K_UP, SIMNET_LINK_UP},
    {SX_K_CLOG, SIMNET_LINK_CLOG},
    {SX_K_UNCLOG, SIMNET_LINK_UNCLOG},
    {SX_K_TO_RATE, SIMNET_LINK_RATE},
    {SX_K_TO_DELAY, SIMNET_LINK_DELAY},
    {SX_K_FAULTS, SIMNET_LINK_FAULTS},
    {SX_K_CRASH, SIMNET_HOST_CRASH},
    {SX_K_RESTART, SIMNET_HOST_RESTART},
    {SX_K_PAUSE, SIMNET_HOST_PAUSE},
    {SX_K_RESUME, SIMNET_HOST_RESUME},
    {SX_K_CLOCK_STEP, SIMNET_HOST_CLOCK_STEP},
    {SX_K_CLOCK_DRIFT, SIMNET_HOST_CLOCK_DRIFT},
    {SX_K_ADDRESS, SIMNET_HOST_ADDRESS},
    {0, 0},
};
const struct scenario_pair scenario_commands[] = {
    {SX_K_DO_OPEN, SIMNET_COMMAND_OPEN},
    {SX_K_DO_SEND, SIMNET_COMMAND_SEND},
    {SX_K_DO_SEND_UNRELIABLE, SIMNET_COMMAND_SEND_UNRELIABLE},
    {SX_K_DO_CLOSE, SIMNET_COMMAND_CLOSE},
    {SX_K_DO_DISPOSE, SIMNET_COMMAND_DISPOSE},
    {SX_K_DO_SHUTDOWN, SIMNET_COMMAND_SHUTDOWN},
    {0, 0},
};
const struct scenario_pair scenario_verdicts[] = {
    {SX_K_COPIES, SIMNET_COPIES},   {SX_K_FLIPPED, SIMNET_FLIP},  {SX_K_TRUNCATED, SIMNET_TRUNCATE},
    {SX_K_EXTENDED, SIMNET_EXTEND}, {SX_K_DELAYED, SIMNET_DELAY}, {SX_K_SWAPPED, SIMNET_SWAP},
    {SX_K_JUMPED, SIMNET_JUMP},     {SX_K_LOST, SIMNET_DROP},     {0, 0},
};
const struct scenario_pair scenario_metrics[] = {
    {SX_K_X_END, SIMNET_METRIC_END},
    {SX_K_X_FAILS, SIMNET_METRIC_FAILS},
    {SX_K_X_BEGUN, SIMNET_METRIC_BEGUN},
    {SX_K_X_REFUSED, SIMNET_METRIC_REFUSED},
    {SX_K_X_PENDING, SIMNET_METRIC_PENDING},
    {SX_K_X_CRASHED, SIMNET_METRIC_CRASHED},
    {SX_K_X_ENDED, SIMNET_METRIC_ENDED},
    {SX_K_X_GROUPS, SIMNET_METRIC_GROUPS},
    {SX_K_X_BYTES, SIMNET_METRIC_BYTES},
    {SX_K_X_GOODPUT, SIMNET_METRIC_GOODPUT},
    {SX_K_X_STATE, SIMNET_METRIC_STATE},
    {SX_K_X_TIME, SIMNET_METRIC_TIME},
    {SX_K_X_EVENTS, SIMNET_METRIC_EVENTS},
    {SX_K_X_UNUSED, SIMNET_METRIC_UNUSED},
    {0, 0},
};

int scenario_pair_value(const struct scenario_pair *pairs, int key)
{
    while (pairs->key != key)
        pairs++;
    return pairs->value;
}

int scenario_pair_key(const struct scenario_pair *pairs, int value)
{
    while (pairs->value != value)
        pairs++;
    return pairs->key;
}

int64_t scenario_field_get(const struct scenario_field *field, const void *base)
{
    const unsigned char *at = (const unsigned char *)base + field->offset;
    uint64_t u64;
    uint32_t u32;
    int32_t i32;
    bool flag;

    switch (field->type) {
    case SCENARIO_U64:
        memcpy(&u64, at, sizeof u64);
        return (int64_t)u64;
    case SCENARIO_U32:
        memcpy(&u32, at, sizeof u32);
        return u32;
    case SCENARIO_I32:
        memcpy(&i32, at, sizeof i32);
        return i32;
    case SCENARIO_BOOL:
        memcpy(&flag, at, sizeof flag);
        return flag;
    }
    return 0;
}

void scenario_field_set(const struct scenario_field *field, void *base, int64_t value)
{
    unsigned char *at = (unsigned char *)base + field->offset;
    uint32_t u32 = (uint32_t)value;
    int32_t i32 = (int32_t)value;
    bool flag = value != 0;

    switch (field->type) {
    case SCENARIO_U64:
        memcpy(at, &value, sizeof value);
        break;
    case SCENARIO_U32:
        memcpy(at, &u32, sizeof u32);
        break;
    case SCENARIO_I32:
        memcpy(at, &i32, sizeof i32);
        break;
    case SCENARIO_BOOL:
        memcpy(at, &flag, sizeof flag);
        break;
    }
}
