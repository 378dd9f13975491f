/* The scenario of a seed: what is switched on, hosts, sessions, what applications do. Small: some
 * hundred PDUs. Only what can be written as text is made. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "sipc/pdu.h"

#define MS SIPC_NS_PER_MS

enum { MAKE_LATEST_MS = 8000 }; /* no fault of the timeline keeps a datagram for so long */

static const struct {
    const char *name;
    uint32_t percent; /* of seeds that have it */
} make_features[MAKE_FEATURE_COUNT] = {
    [MAKE_MANY_HOSTS] = {"many hosts", 30},
    [MAKE_LOSS] = {"loss", 50},
    [MAKE_BURSTS] = {"loss in bursts", 20},
    [MAKE_PERIODIC_LOSS] = {"periodic loss", 15},
    [MAKE_CHOSEN_LOSS] = {"loss of chosen PDUs", 25},
    [MAKE_DUPLICATES] = {"duplicates", 40},
    [MAKE_FLIPS] = {"flipped bits", 15},
    [MAKE_CUTS] = {"cut and grown datagrams", 20},
    [MAKE_JITTER] = {"jitter", 40},
    [MAKE_OVERTAKING] = {"overtaking", 50},
    [MAKE_REORDER] = {"reordering", 35},
    [MAKE_RATE] = {"rate", 50},
    [MAKE_QUEUE] = {"short queues", 50},
    [MAKE_LINK_MTU] = {"links with an MTU", 10},
    [MAKE_TELLS] = {"senders told of drops", 30},
    [MAKE_CRASH] = {"crashes", 30},
    [MAKE_PARTITION] = {"partitions", 30},
    [MAKE_CLOG] = {"clogs", 20},
    [MAKE_PAUSE] = {"pauses", 20},
    [MAKE_CLOCK] = {"clocks", 20},
    [MAKE_ADDRESS] = {"new addresses", 15},
    [MAKE_STEPS] = {"steps of rate and delay", 20},
    [MAKE_UNRELIABLE] = {"fire and forget", 40},
    [MAKE_SKIP] = {"skip", 30},
    [MAKE_ATTRIBUTES] = {"attributes", 30},
    [MAKE_CLOSE] = {"closes", 60},
    [MAKE_DISPOSE] = {"disposals", 20},
    [MAKE_SHUTDOWN] = {"shutdowns", 15},
    [MAKE_BOTH_OPEN] = {"sessions opened by both", 25},
    [MAKE_IDLE] = {"idle timeouts", 35},
    [MAKE_ENQUIRE] = {"enquire_link", 35},
    [MAKE_SMALL_WINDOWS] = {"small windows", 50},
    [MAKE_UNEQUAL] = {"unequal hosts", 50},
    [MAKE_BIG] = {"messages of several groups", 20},
    [MAKE_SMALL_WORLD] = {"small ids", 15},
    [MAKE_FEW_SESSIONS] = {"full session tables", 10},
    [MAKE_NOT_ACCEPTING] = {"hosts that do not accept", 10},
    [MAKE_STRANGER] = {"a stranger", 15},
    [MAKE_SHUFFLE] = {"shuffled ties", 50},
    [MAKE_IMPATIENT] = {"impatience", 15},
    [MAKE_REOPEN] = {"sessions opened again", 20},
    [MAKE_STREAMS_OF_SESSIONS] = {"groups of sessions", 20},
};

/* ---- draws ---- */

static uint64_t make_draw(uint64_t seed, enum make_parameter parameter, uint64_t index)
{
    return simnet_draw(simnet_draw(seed, parameter), index);
}

bool make_has(const struct make *make, enum make_feature feature)
{
    return make->features >> feature & 1;
}

uint64_t make_range(const struct make *make, enum make_parameter parameter, uint64_t index,
                    uint64_t min, uint64_t max)
{
    return simnet_scale_range(make_draw(make->seed, parameter, index), min, max);
}

uint64_t make_spread(const struct make *make, enum make_parameter parameter, uint64_t index,
                     unsigned from, unsigned to)
{
    uint64_t draw = make_draw(make->seed, parameter, index);
    uint64_t power = UINT64_C(1) << simnet_scale_range(draw, from, to);

    return power + simnet_scale(simnet_mix(draw), power);
}

bool make_chance(const struct make *make, enum make_parameter parameter, uint64_t index,
                 uint32_t percent)
{
    return simnet_scale(make_draw(make->seed, parameter, index), 100) < percent;
}

static bool make_feature(uint64_t seed, unsigned index)
{
    return simnet_scale(make_draw(seed, DRAW_FEATURE, index), 100) < make_features[index].percent;
}

bool simnet_swarm_feature(uint64_t seed, unsigned index, const char **name, bool *on)
{
    if (index >= MAKE_FEATURE_COUNT)
        return false;
    *name = make_features[index].name;
    *on = make_feature(seed, index);
    return true;
}

/* ---- hosts ---- */

static void make_times(const struct make *make, uint64_t index, struct sipc_config *settings)
{
    unsigned from = make_has(make, MAKE_IMPATIENT) ? 1 : 6;

    settings->ack_timeout_ns = make_spread(make, DRAW_ACK_TIMEOUT, index, from, from + 3) * MS;
    settings->max_retry_count = (uint32_t)make_range(make, DRAW_RETRIES, index, 0, 4);
    settings->open_timeout_ns = make_chance(make, DRAW_OPEN_TIMEOUT, index, 30)
                                    ? 0
                                    : make_spread(make, DRAW_OPEN_TIMEOUT, ~index, 7, 13) * MS;
    if (make_has(make, MAKE_IDLE)) {
        settings->idle_timeout_ns = (int64_t)(make_spread(make, DRAW_IDLE, index, 6, 13) * MS);
        if (make_chance(make, DRAW_IDLE_OF, index, 30))
            settings->min_remote_idle_timeout_ns = (int64_t)(500 * MS);
    }
    if (make_has(make, MAKE_ENQUIRE))
        settings->enquire_link_interval_ns = make_spread(make, DRAW_ENQUIRE, index, 6, 12) * MS;
}

static void make_sizes(const struct make *make, uint64_t index, struct sipc_config *settings)
{
    settings->mtu = (uint32_t)(512 + make_spread(make, DRAW_MTU, index, 0, 10));
    if (make_has(make, MAKE_BIG))
        settings->mtu = (uint32_t)(10000 + make_spread(make, DRAW_MTU, index, 0, 14));
    if (make_has(make, MAKE_SMALL_WINDOWS))
        settings->max_window_size = (uint32_t)make_range(make, DRAW_WINDOW, index, 1, 4);
    else
        settings->max_window_size = (uint32_t)make_spread(make, DRAW_WINDOW, index, 2, 6);
    settings->max_sessions = 12;
    if (make_has(make, MAKE_FEW_SESSIONS))
        settings->max_sessions = (uint32_t)make_range(make, DRAW_MAX_SESSIONS, index, 1, 3);
    settings->unreliable_queue = (uint32_t)make_range(make, DRAW_QUEUE_OF_UNRELIABLE, index, 1, 4);
    settings->attribute_limit = 2000;
    if (make_has(make, MAKE_NOT_ACCEPTING))
        settings->accept = make_chance(make, DRAW_ACCEPT, index, 60);
    if (!make_has(make, MAKE_SMALL_WORLD))
        return;
    settings->window_id_step = (int64_t)make_range(make, DRAW_STEP, 0, 2, 6);
    settings->window_id_max =
        settings->window_id_step * (int64_t)make_range(make, DRAW_IDS, 0, 4, 20);
    uint64_t group = settings->mtu + make_range(make, DRAW_GROUP, 0, 0, 3000);
    settings->group_bytes_max = group < 65500 ? (uint32_t)group : 65500;
}

/* An id lingers (END-3) for as long as anything of the session may still come, so that a new
 * session of that id is none of the old one's: from whatever host, after whatever fault of the
 * timeline. */
static void make_lingers(struct make *make)
{
    sipc_time longest = 0;

    for (simnet_host i = 0; i < make->hosts; i++) {
        const struct sipc_config *settings = &make->out->hosts.at[i].settings;
        sipc_time own = 2 * (settings->max_retry_count + 1) * settings->ack_timeout_ns;
        if (own > longest)
            longest = own;
    }
    for (simnet_host i = 0; i < make->hosts; i++)
        make->out->hosts.at[i].settings.linger_ns = longest + MAKE_LATEST_MS * MS;
}

static void make_hosts(struct make *make)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

    make->hosts =
        make_has(make, MAKE_MANY_HOSTS) ? (simnet_host)make_range(make, DRAW_HOSTS, 0, 3, 8) : 2;
    for (simnet_host i = 0; i < make->hosts; i++) {
        struct simnet_scenario_host host = {.name = names[i]};
        uint64_t own = make_has(make, MAKE_UNEQUAL) ? i : 0;
        sipc_config_default(&host.settings);
        make_times(make, own, &host.settings);
        make_sizes(make, own, &host.settings);
        if (make_has(make, MAKE_CLOCK)) {
            host.clock_ppm = (int32_t)make_range(make, DRAW_CLOCK, i, 0, 20000) - 10000;
            host.clock_ns = make_spread(make, DRAW_CLOCK, ~(uint64_t)i, 0, 40);
        }
        simnet_scenario_add(&make->out->hosts, &host);
    }
    make_lingers(make);
}

/* ---- sessions and traffic ---- */

/* What the messages of traffic `index` are. */
static void make_messages(const struct make *make, uint64_t index, struct simnet_traffic *what)
{
    const struct sipc_config *settings = &make->out->hosts.at[what->host].settings;
    uint64_t size_max = settings->mtu * UINT64_C(4);

    if (make_has(make, MAKE_BIG))
        size_max = 150000;
    what->count = make_range(make, DRAW_COUNT, index, 1, make_has(make, MAKE_BIG) ? 5 : 13);
    what->unreliable =
        make_has(make, MAKE_UNRELIABLE) && make_chance(make, DRAW_KIND, 2 * index, 40);
    what->skip = make_has(make, MAKE_SKIP) && make_chance(make, DRAW_KIND, 2 * index + 1, 40);
    if (what->unreliable)
        size_max = settings->mtu / 2;
    what->size_max = make_range(make, DRAW_SIZE_MAX, index, 1, size_max); /* 0: all alike */
    what->size_min = make_range(make, DRAW_SIZE_MIN, index, 1, what->size_max);
    what->again_ns = 100 * MS;
    what->gap_ns =
        make_chance(make, DRAW_GAP, index, 50) ? 0 : make_spread(make, DRAW_GAP, ~index, 0, 9) * MS;
    if (make_has(make, MAKE_CLOSE) && make_chance(make, DRAW_CLOSES, index, 60))
        what->close_code = (int32_t)make_range(make, DRAW_CODE, index, 1, 99);
}

static void make_traffic(struct make *make, uint32_t session)
{
    const struct simnet_scenario_session *group = &make->out->sessions.at[session];
    bool both = make_has(make, MAKE_BOTH_OPEN) && make_chance(make, DRAW_WHO_OPENS, session, 60);
    bool two_ways = both || make_chance(make, DRAW_TWO_WAYS, session, 50);

    for (uint64_t side = 0; side < (two_ways ? 2 : 1); side++) {
        struct simnet_scenario_traffic traffic = {0};
        uint64_t index = 2 * session + side;
        traffic.what.host = side ? group->b : group->a;
        traffic.what.session = session;
        traffic.what.open = side == 0 || both;
        traffic.what.start_ns = make_chance(make, DRAW_START, index, 40)
                                    ? 0
                                    : make_range(make, DRAW_START, ~index, 0, make->heal_ns);
        traffic.stagger_ns = make_range(make, DRAW_START, index + 1000, 0, 50 * MS);
        make_messages(make, index, &traffic.what);
        simnet_scenario_add(&make->out->traffic, &traffic);
    }
}

static void make_sessions(struct make *make)
{
    static const char *const names[] = {"s1", "s2", "s3", "s4"};
    uint64_t count = make_range(make, DRAW_SESSIONS, 0, 1, make->hosts > 2 ? 4 : 2);

    for (uint32_t i = 0; i < count; i++) {
        struct simnet_scenario_session group = {.name = names[i], .count = 1};
        group.a = (simnet_host)make_range(make, DRAW_SESSION_A, i, 0, make->hosts - 1);
        group.b = (simnet_host)make_range(make, DRAW_SESSION_B, i, 0, make->hosts - 2);
        group.b += group.b >= group.a;
        if (make_has(make, MAKE_STREAMS_OF_SESSIONS))
            group.count = (uint32_t)make_range(make, DRAW_SESSION_COUNT, i, 1, 4);
        simnet_scenario_add(&make->out->sessions, &group);
        make_traffic(make, i);
    }
}

/* ---- operations ---- */

static const struct sipc_attribute make_attributes[] = {
    {{(const uint8_t *)"a", 1}, {(const uint8_t *)"1", 1}},
    {{(const uint8_t *)"a", 1}, {(const uint8_t *)"", 0}},
    {{(const uint8_t *)"name", 4}, {(const uint8_t *)"value of some length", 20}},
};
enum { MAKE_ATTRIBUTES_MAX = 3 };

/* `from` is no other message's, nor of traffic (multiples of 16). */
static void make_operation(struct make *make, uint64_t index, enum simnet_command command,
                           uint32_t from)
{
    uint64_t sessions = make->out->sessions.count;
    struct simnet_scenario_operation operation = {.place = SIMNET_NONE};
    struct simnet_operation *what = &operation.what;

    what->command = command;
    what->session = (uint32_t)make_range(make, DRAW_OPERATION_WHERE, 2 * index, 0, sessions - 1);
    const struct simnet_scenario_session *group = &make->out->sessions.at[what->session];
    what->host = make_chance(make, DRAW_OPERATION_WHERE, 2 * index + 1, 50) ? group->a : group->b;
    operation.at_ns = make_range(make, DRAW_OPERATION_AT, index, 0, 2 * make->heal_ns);
    if (command == SIMNET_COMMAND_OPEN && make_chance(make, DRAW_KIND, index + 2000, 50))
        operation.at_ns += make->out->hosts.at[what->host].settings.linger_ns;
    what->idle_timeout_ns = INT64_MIN;
    what->code = (int32_t)make_range(make, DRAW_CODE, index + 1000, 1, 99);
    what->grace_ns = make_range(make, DRAW_OPERATION_SIZE, index, 0, 1000 * MS);
    if (command == SIMNET_COMMAND_SEND || command == SIMNET_COMMAND_SEND_UNRELIABLE) {
        what->size = make_range(make, DRAW_OPERATION_SIZE, index, 1, 2000);
        what->from = from;
        if (make_has(make, MAKE_ATTRIBUTES)) {
            what->attributes = make_attributes;
            what->attribute_count =
                make_range(make, DRAW_KIND, index + 1000, 0, MAKE_ATTRIBUTES_MAX);
        }
    }
    simnet_scenario_add(&make->out->operations, &operation);
}

static void make_operations(struct make *make)
{
    static const struct {
        enum make_feature feature;
        enum simnet_command command;
        unsigned max;
    } rows[] = {
        {MAKE_ATTRIBUTES, SIMNET_COMMAND_SEND, 4},
        {MAKE_UNRELIABLE, SIMNET_COMMAND_SEND_UNRELIABLE, 4},
        {MAKE_CLOSE, SIMNET_COMMAND_CLOSE, 2},
        {MAKE_DISPOSE, SIMNET_COMMAND_DISPOSE, 2},
        {MAKE_SHUTDOWN, SIMNET_COMMAND_SHUTDOWN, 1},
        {MAKE_REOPEN, SIMNET_COMMAND_OPEN, 3},
    };
    enum { INDEX_STEP = 100 };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!make_has(make, rows[i].feature))
            continue;
        uint64_t count = make_range(make, DRAW_OPERATIONS, i, 1, rows[i].max);
        for (uint64_t k = 0; k < count; k++)
            make_operation(make, i * INDEX_STEP + k, rows[i].command, (uint32_t)(16 * k + i + 1));
    }
}

/* Hosts that enquire, may wait for ever for an opening, or whose fire-and-forget messages are
 * refused by it again and again (FAF-2a), never come to rest: all shut down in the end. */
static void make_end(struct make *make)
{
    enum { ENQUIRIES = 12 };
    sipc_time longest = 0;

    for (simnet_host i = 0; i < make->hosts; i++) {
        const struct sipc_config *settings = &make->out->hosts.at[i].settings;
        sipc_time own = ENQUIRIES * settings->enquire_link_interval_ns;
        bool waits = settings->open_timeout_ns == 0 || make_has(make, MAKE_UNRELIABLE);
        if (waits && own < 4000 * MS)
            own = 4000 * MS;
        if (own > longest)
            longest = own;
    }
    for (simnet_host i = 0; i < make->hosts && longest > 0; i++) {
        struct simnet_scenario_operation operation = {.place = SIMNET_NONE,
                                                      .at_ns = make->heal_ns + longest + i * MS};
        operation.what.command = SIMNET_COMMAND_SHUTDOWN;
        operation.what.host = i;
        operation.what.grace_ns = make_range(make, DRAW_END_GRACE, i, 0, 500 * MS);
        simnet_scenario_add(&make->out->operations, &operation);
    }
}

/* ---- the stranger ---- */

/* A PDU of a session of its own, or of none there is (of another peer's: their ids). */
static void make_stranger_pdu(struct make *make, simnet_host stranger, uint64_t index)
{
    uint8_t id[SIPC_SESSION_ID_SIZE], options[64], bytes[256];
    size_t options_size = 0, size = 0;
    bool known = make_chance(make, DRAW_STRANGER_PDU, 8 * index, 50);
    enum sipc_status status = SIPC_OK;

    simnet_scenario_session_id(known ? "s1" : "x", 0, id);
    if (make_chance(make, DRAW_STRANGER_PDU, 8 * index + 1, 70))
        status = sipc_option_encode_bool(SIPC_OPT_FIRST_IN_WINDOW_GROUP, true, options,
                                         sizeof options, &options_size);
    if (status == SIPC_OK && make_chance(make, DRAW_STRANGER_PDU, 8 * index + 2, 70))
        status = sipc_option_encode_bool(SIPC_OPT_LAST_IN_WINDOW, true, options, sizeof options,
                                         &options_size);
    SIPC_ASSERT(status == SIPC_OK);
    struct sipc_pdu_parts parts = {
        .session_id = id,
        .window_id = (int64_t)make_range(make, DRAW_STRANGER_PDU, 8 * index + 3, 0, 3),
        .seq_nr = (int32_t)make_range(make, DRAW_STRANGER_PDU, 8 * index + 4, 0, 2),
        .opcode = (uint8_t)make_range(make, DRAW_STRANGER_PDU, 8 * index + 5, SIPC_DATA,
                                      SIPC_ENQUIRE_LINK_ACK),
        .options = {options, options_size},
        .data = {(const uint8_t *)"stranger", 8}};
    status = sipc_pdu_encode(&parts, bytes, sizeof bytes, &size);
    SIPC_ASSERT(status == SIPC_OK);
    struct simnet_scenario_pdu pdu = {
        .at_ns = make_range(make, DRAW_STRANGER_AT, index, 0, make->heal_ns),
        .from = stranger,
        .to = (simnet_host)make_range(make, DRAW_STRANGER_PDU, 8 * index + 6, 0, make->hosts - 1),
        .bytes = simnet_scenario_bytes(make->out, bytes, size)};
    simnet_scenario_add(&make->out->pdus, &pdu);
}

static void make_stranger(struct make *make)
{
    struct simnet_scenario_host host = {.name = "x", .kind = SIMNET_HOST_SCRIPTED};

    if (!make_has(make, MAKE_STRANGER))
        return;
    sipc_config_default(&host.settings);
    simnet_scenario_add(&make->out->hosts, &host);
    uint64_t count = make_range(make, DRAW_STRANGER, 0, 1, 12);
    for (uint64_t i = 0; i < count; i++)
        make_stranger_pdu(make, make->hosts, i);
}

/* ---- all of it ---- */

void simnet_swarm_make(uint64_t seed, struct simnet_scenario *out)
{
    struct make make = {.seed = seed, .out = out};
    char id[32];

    snprintf(id, sizeof id, "seed-%llu", (unsigned long long)seed);
    simnet_scenario_init(out, id);
    for (unsigned i = 0; i < MAKE_FEATURE_COUNT; i++)
        make.features |= (uint64_t)make_feature(seed, i) << i;
    if (make_has(&make, MAKE_SMALL_WORLD)) /* ids come round again: what is late would be taken */
        make.features &= ~(UINT64_C(1) << MAKE_IMPATIENT | UINT64_C(1) << MAKE_CLOG);
    make.heal_ns = make_range(&make, DRAW_HEAL, 0, 200, 3000) * MS;
    out->seed = make_draw(seed, DRAW_WORLD_SEED, 0);
    out->ties = make_has(&make, MAKE_SHUFFLE) ? SIMNET_TIES_SHUFFLED : SIMNET_TIES_FIFO;
    out->heal_ns = make.heal_ns;
    out->event_max = 100000;
    make_hosts(&make);
    make_stranger(&make);
    make_sessions(&make);
    make_operations(&make);
    make_end(&make);
    make_links(&make);
    make_changes(&make);
}
