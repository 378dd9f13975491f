/* See golden.h. A hash changes only when the engine or the simulator does something else than
 * before; a commit that changes one says why. */
#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MS SIPC_NS_PER_MS
#define S  (1000 * MS)

static const uint64_t golden_list[] = {1, 2, 3, 20, 21, 40};
static const struct simnet_predicate golden_predicates[] = {{SIPC_DATA, -1, 2, 1},
                                                            {SIPC_DATA_ACK, -1, -1, 1}};
static const uint64_t golden_opportunities[] = {1 * MS, 1 * MS, 3 * MS, 7 * MS, 8 * MS};
static const uint64_t golden_delays[] = {5 * MS, 9 * MS, 2 * MS, 30 * MS, 4 * MS};
static const uint64_t golden_losses[] = {0, 0, 1, 0, 0, 0, 0, 1, 1};
#define GOLDEN_TRACE(array, what)                                                                  \
    {                                                                                              \
        .kind = what, .values = (uint64_t *)(uintptr_t)(array),                                    \
        .count = sizeof(array) / sizeof(array)[0], .wrap = true                                    \
    }
static const struct simnet_trace golden_opportunity_trace =
    GOLDEN_TRACE(golden_opportunities, SIMNET_TRACE_OPPORTUNITIES);
static const struct simnet_trace golden_delay_trace =
    GOLDEN_TRACE(golden_delays, SIMNET_TRACE_DELAYS);
static const struct simnet_trace golden_loss_trace =
    GOLDEN_TRACE(golden_losses, SIMNET_TRACE_LOSSES);

const struct golden_world golden_worlds[] = {
    {.name = "clean",
     .hash = UINT64_C(0xa7b06696eab5c334),
     .events = 1032,
     .ab = {.rate_bps = 10000000, .delay = {.base_ns = 5 * MS}},
     .ba = {.rate_bps = 10000000, .delay = {.base_ns = 5 * MS}},
     .sessions = 2,
     .messages = 5,
     .size_max = 50000},
    {.name = "iid loss, both ways",
     .hash = UINT64_C(0xc0168d61b1d57e11),
     .events = 1714,
     .ab = {.rate_bps = 7000001,
            .overhead_bytes = 28,
            .delay = {.base_ns = 3 * MS},
            .losses = {{.kind = SIMNET_LOSS_IID, .ppm = 50000}}},
     .ba = {.delay = {.base_ns = 4 * MS}, .losses = {{.kind = SIMNET_LOSS_IID, .ppm = 50000}}},
     .sessions = 2,
     .messages = 6,
     .size_max = 40000,
     .two_ways = true},
    {.name = "bursts at the sender",
     .hash = UINT64_C(0x03b12b6f94a018aa),
     .events = 1238,
     .ab = {.loss_at_sender = true,
            .losses = {{.kind = SIMNET_LOSS_GILBERT_ELLIOTT,
                        .to_bad_ppm = 20000,
                        .to_good_ppm = 300000,
                        .loss_good_ppm = 100,
                        .loss_bad_ppm = 600000}},
            .delay = {.base_ns = 20 * MS}},
     .ba = {.delay = {.base_ns = 20 * MS}},
     .sessions = 3,
     .messages = 4,
     .size_max = 60000},
    {.name = "losses that count",
     .hash = UINT64_C(0x85dd6e0f80335ada),
     .events = 1626,
     .ab = {.losses = {{.kind = SIMNET_LOSS_PERIODIC, .lost = 2, .period = 37, .first = 5},
                       {.kind = SIMNET_LOSS_MASK, .mask = UINT64_C(0x8000000000010000)},
                       {.kind = SIMNET_LOSS_LIST, .list = golden_list, .list_count = 6}}},
     .ba = {.losses = {{.kind = SIMNET_LOSS_PREDICATE,
                        .predicates = golden_predicates,
                        .predicate_count = 2}}},
     .sessions = 1,
     .messages = 4,
     .size_max = 50000,
     .two_ways = true},
    {.name = "jitter that reorders",
     .hash = UINT64_C(0x8040e7542be997b1),
     .events = 1711,
     .ab = {.delay = {.kind = SIMNET_DELAY_EXPONENTIAL,
                      .base_ns = 2 * MS,
                      .spread_ns = 3 * MS,
                      .reorders = true}},
     .ba = {.delay = {.kind = SIMNET_DELAY_PARETO,
                      .base_ns = 2 * MS,
                      .spread_ns = 1 * MS,
                      .reorders = true}},
     .sessions = 2,
     .messages = 5,
     .size_max = 60000,
     .two_ways = true},
    {.name = "jitter in order, reordering by place",
     .hash = UINT64_C(0x8e7687df4760ccad),
     .events = 1707,
     .ab = {.rate_bps = 50000000,
            .delay = {.kind = SIMNET_DELAY_NORMAL, .base_ns = 9 * MS, .spread_ns = 2 * MS},
            .reorder = {.swap_ppm = 50000, .swap_count = 2, .jump_ppm = 20000, .jump_count = 5}},
     .ba = {.delay = {.kind = SIMNET_DELAY_UNIFORM, .base_ns = 1 * MS, .spread_ns = 5 * MS}},
     .sessions = 2,
     .messages = 5,
     .size_max = 60000},
    {.name = "duplicates and corruption",
     .hash = UINT64_C(0x8cf48198b09ab14f),
     .events = 852,
     .ab = {.duplicate = {.ppm = 100000, .copies_max = 3, .delay_ns = 7 * MS},
            .corrupt = {.flip_ppm = 10000,
                        .flip_bits_max = 8,
                        .truncate_ppm = 10000,
                        .extend_ppm = 10000,
                        .extend_bytes_max = 100},
            .delay = {.base_ns = 2 * MS}},
     .ba = {.duplicate = {.ppm = 100000}, .corrupt = {.flip_ppm = 10000, .checksum = true}},
     .sessions = 2,
     .messages = 6,
     .size_max = 30000},
    {.name = "short queues",
     .hash = UINT64_C(0x785392e6150d79a9),
     .events = 4386,
     .ab = {.rate_bps = 20000000,
            .delay = {.base_ns = 10 * MS},
            .tells = SIMNET_TELL_QUEUE,
            .queue = {.unit = SIMNET_QUEUE_BDP,
                      .limit = 500,
                      .discipline = SIMNET_RED,
                      .red_min_bytes = 2000,
                      .red_max_bytes = 20000,
                      .red_max_ppm = 300000,
                      .red_weight_log2 = 4}},
     .ba = {.rate_bps = 300000,
            .delay = {.base_ns = 10 * MS},
            .queue = {.unit = SIMNET_QUEUE_TIME,
                      .limit = 100 * MS,
                      .discipline = SIMNET_CODEL,
                      .codel_target_ns = 5 * MS,
                      .codel_interval_ns = 100 * MS}},
     .sessions = 8,
     .messages = 5,
     .size_max = 60000},
    {.name = "traces",
     .hash = UINT64_C(0x879e067cabdc7d17),
     .events = 445,
     .ab = {.opportunities = &golden_opportunity_trace,
            .losses = {{.kind = SIMNET_LOSS_TRACE, .trace = &golden_loss_trace}}},
     .ba = {.delay = {.kind = SIMNET_DELAY_TRACE, .trace = &golden_delay_trace, .base_ns = MS}},
     .sessions = 2,
     .messages = 3,
     .size_max = 30000},
    {.name = "outages and steps",
     .hash = UINT64_C(0x2cd65bb985986244),
     .events = 2620,
     .heal_ns = 8 * S,
     .ab = {.rate_bps = 5000000,
            .delay = {.base_ns = 15 * MS},
            .losses = {{.kind = SIMNET_LOSS_IID, .ppm = 10000}}},
     .ba = {.rate_bps = 5000000, .delay = {.base_ns = 15 * MS}},
     .changes = {{200 * MS, SIMNET_LINK_DOWN, 0, SIMNET_IN_FLIGHT_LOST},
                 {900 * MS, SIMNET_LINK_UP, 0, 0},
                 {1000 * MS, SIMNET_LINK_RATE, 0, 1000000},
                 {1500 * MS, SIMNET_LINK_DELAY, 1, 100 * MS},
                 {2000 * MS, SIMNET_LINK_DOWN, 1, SIMNET_IN_FLIGHT_HELD},
                 {2300 * MS, SIMNET_LINK_CLOG, 0, 0}},
     .sessions = 3,
     .messages = 8,
     .size_max = 60000},
    {.name = "hosts that fail",
     .hash = UINT64_C(0x027f5a9311293175),
     .events = 3986,
     .heal_ns = 20 * S,
     .ab = {.delay = {.base_ns = 30 * MS}, .losses = {{.kind = SIMNET_LOSS_IID, .ppm = 20000}}},
     .ba = {.delay = {.base_ns = 30 * MS}},
     .changes = {{300 * MS, SIMNET_HOST_PAUSE, 1, 0},
                 {900 * MS, SIMNET_HOST_RESUME, 1, 0},
                 {1000 * MS, SIMNET_HOST_CLOCK_DRIFT, 0, 20000},
                 {1200 * MS, SIMNET_HOST_CLOCK_STEP, 1, 300 * MS},
                 {2000 * MS, SIMNET_HOST_CRASH, 1, 0},
                 {2500 * MS, SIMNET_HOST_ADDRESS, 0, 0}},
     .sessions = 2,
     .messages = 20,
     .size_max = 60000},
    {.name = "ties shuffled, fire and forget",
     .hash = UINT64_C(0xf68e5183ccfc3586),
     .events = 2525,
     .ties = SIMNET_TIES_SHUFFLED,
     .ab = {.delay = {.base_ns = MS}, .losses = {{.kind = SIMNET_LOSS_IID, .ppm = 30000}}},
     .ba = {.delay = {.base_ns = MS}},
     .sessions = 5,
     .messages = 6,
     .size_max = 20000,
     .two_ways = true,
     .unreliable = true},
};
const size_t golden_world_count = sizeof golden_worlds / sizeof golden_worlds[0];

static void golden_add_traffic(struct simnet_world *world, const struct golden_world *golden,
                               simnet_session session)
{
    struct simnet_traffic traffic = {.host = 0,
                                     .session = session,
                                     .open = true,
                                     .count = golden->messages,
                                     .size_max = golden->size_max,
                                     .gap_ns = session * MS,
                                     .close_code = session % 2 ? 0 : 1};

    simnet_traffic_add(world, &traffic);
    traffic.open = false;
    traffic.close_code = 0;
    if (golden->two_ways) {
        traffic.host = 1;
        simnet_traffic_add(world, &traffic);
    }
    if (golden->unreliable) {
        traffic.host = 0;
        traffic.unreliable = true;
        traffic.skip = true;
        traffic.start_ns = 5 * MS;
        traffic.size_max = 500;
        simnet_traffic_add(world, &traffic);
    }
}

struct simnet_world *golden_build(const struct golden_world *golden,
                                  const struct simnet_config *config)
{
    struct simnet_config own = *config;
    struct sipc_config settings;
    struct simnet_error error;
    uint32_t index;

    own.ties = golden->ties;
    own.heal_ns = golden->heal_ns ? golden->heal_ns : SIPC_NEVER;
    struct simnet_world *world = simnet_world_new(&own);
    sipc_config_default(&settings);
    settings.max_sessions = 16;
    for (int i = 0; i < 2; i++)
        assert_true(simnet_host_add_engine(world, NULL, &settings, &index, &error));
    if (!simnet_link_add(world, &golden->ab, &index, &error) ||
        !simnet_link_add(world, &golden->ba, &index, &error))
        fail_msg("%s: %s", golden->name, error.text);
    simnet_route(world, 0, 1, 0);
    simnet_route(world, 1, 0, 1);
    for (int i = 0; i < 6 && golden->changes[i].at_ns; i++)
        if (!simnet_change_at(world, &golden->changes[i], &error))
            fail_msg("%s: %s", golden->name, error.text);
    for (uint64_t i = 0; i < golden->sessions; i++) {
        assert_true(simnet_session_add(world, 0, 1, NULL, &index));
        golden_add_traffic(world, golden, index);
    }
    return world;
}
