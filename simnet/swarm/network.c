/* The scenario of a seed: links, and the timeline of faults. SPDX-License-Identifier: MIT */
#include "internal.h"
#include "sipc/pdu.h"

#define MS SIPC_NS_PER_MS

/* ---- links ---- */

/* A host that crashed takes anything that comes late for new, as long as it looks like a beginning:
 * whole groups again, even pieces of two messages for one; RCV-11 is all there is against it. And
 * where window ids come round again, what is late is taken for what it was before. There is nothing
 * to be found in that: nothing comes so late then. */
static bool link_is_prompt(const struct make *make)
{
    return make_has(make, MAKE_CRASH) || make_has(make, MAKE_SMALL_WORLD);
}

/* Of what a seed has switched on, each link has most. */
static bool link_has(const struct make *make, uint64_t link, enum make_feature feature)
{
    return make_has(make, feature) &&
           make_chance(make, DRAW_LINK_ON, link * MAKE_FEATURE_COUNT + feature, 70);
}

static void link_queue(const struct make *make, uint64_t link, struct simnet_link_config *config)
{
    struct simnet_queue_config *queue = &config->queue;

    if (link_has(make, link, MAKE_RATE)) {
        config->rate_bps = make_spread(make, DRAW_RATE, link, 17, 27);
        config->overhead_bytes = make_chance(make, DRAW_OVERHEAD, link, 50) ? 28 : 0;
    }
    if (link_has(make, link, MAKE_LINK_MTU))
        config->mtu = (uint32_t)make_range(make, DRAW_LINK_MTU, link, 400, 1500);
    if (link_has(make, link, MAKE_TELLS))
        config->tells = (unsigned)make_range(make, DRAW_TELLS, link, 1, 7);
    if (config->rate_bps == 0 || !link_has(make, link, MAKE_QUEUE))
        return;
    queue->unit = SIMNET_QUEUE_PACKETS;
    queue->limit = make_spread(make, DRAW_LIMIT, link, 0, 4);
    uint64_t discipline = make_range(make, DRAW_DISCIPLINE, link, 0, 5);
    if (discipline == 0) {
        queue->discipline = SIMNET_RED;
        queue->red_min_bytes = 1000;
        queue->red_max_bytes = 5000;
        queue->red_max_ppm = 100000;
        queue->red_weight_log2 = 2;
    } else if (discipline == 1) {
        queue->discipline = SIMNET_CODEL;
        queue->codel_target_ns = 5 * MS;
        queue->codel_interval_ns = 100 * MS;
    } else if (discipline == 2) {
        queue->unit = SIMNET_QUEUE_BYTES;
        queue->limit = make_range(make, DRAW_LIMIT, ~link, 600, 20000);
    }
}

static const struct simnet_predicate *link_predicate(struct make *make, uint64_t link)
{
    struct simnet_predicate predicate = SIMNET_PREDICATE_ANY;

    predicate.opcode =
        (int)make_range(make, DRAW_PREDICATE, 4 * link, SIPC_DATA, SIPC_ENQUIRE_LINK_ACK);
    if (make_chance(make, DRAW_PREDICATE, 4 * link + 1, 40))
        predicate.seq_nr = (int64_t)make_range(make, DRAW_PREDICATE, 4 * link + 2, 0, 3);
    if (make_chance(make, DRAW_PREDICATE, ~link, 70))
        predicate.xmit = (int64_t)make_range(make, DRAW_PREDICATE, 4 * link + 3, 1, 3);
    struct sipc_span kept = simnet_scenario_bytes(make->out, &predicate, sizeof predicate);
    return (const struct simnet_predicate *)(const void *)kept.data;
}

static void link_losses(struct make *make, uint64_t link, struct simnet_link_config *config)
{
    struct simnet_loss *loss = config->losses;

    config->loss_at_sender = make_chance(make, DRAW_AT_SENDER, link, 25);
    if (link_has(make, link, MAKE_LOSS))
        *loss++ = (struct simnet_loss){.kind = SIMNET_LOSS_IID,
                                       .ppm = (uint32_t)make_spread(make, DRAW_LOSS, link, 12, 17)};
    if (link_has(make, link, MAKE_BURSTS))
        *loss++ = (struct simnet_loss){
            .kind = SIMNET_LOSS_GILBERT_ELLIOTT,
            .to_bad_ppm = (uint32_t)make_range(make, DRAW_BURST, 2 * link, 10000, 100000),
            .to_good_ppm = (uint32_t)make_range(make, DRAW_BURST, 2 * link + 1, 100000, 500000),
            .loss_bad_ppm = 800000};
    if (link_has(make, link, MAKE_PERIODIC_LOSS)) {
        uint64_t period = make_range(make, DRAW_PERIOD, 2 * link, 2, 40);
        *loss++ = (struct simnet_loss){
            .kind = SIMNET_LOSS_PERIODIC,
            .lost = 1,
            .period = period,
            .first = make_range(make, DRAW_PERIOD, 2 * link + 1, 0, period - 1)};
    }
    if (link_has(make, link, MAKE_CHOSEN_LOSS))
        *loss = (struct simnet_loss){.kind = SIMNET_LOSS_PREDICATE,
                                     .predicates = link_predicate(make, link),
                                     .predicate_count = 1};
}

static void link_corruption(const struct make *make, uint64_t link,
                            struct simnet_link_config *config)
{
    struct simnet_corrupt_config *corrupt = &config->corrupt;

    if (link_has(make, link, MAKE_FLIPS)) {
        corrupt->flip_ppm = (uint32_t)make_spread(make, DRAW_CORRUPT, 4 * link, 12, 16);
        corrupt->flip_bits_max = (uint32_t)make_range(make, DRAW_CORRUPT, 4 * link + 1, 1, 9);
    }
    if (link_has(make, link, MAKE_CUTS)) {
        corrupt->truncate_ppm = (uint32_t)make_spread(make, DRAW_CORRUPT, 4 * link + 2, 12, 16);
        corrupt->extend_ppm = (uint32_t)make_spread(make, DRAW_CORRUPT, 4 * link + 3, 12, 16);
        corrupt->extend_bytes_max = 64;
    }
    if (corrupt->flip_ppm + corrupt->truncate_ppm > 0)
        corrupt->checksum = make_chance(make, DRAW_CHECKSUM, link, 30);
}

static void link_delay(const struct make *make, uint64_t link, struct simnet_link_config *config)
{
    struct simnet_delay_config *delay = &config->delay;

    delay->base_ns =
        make_chance(make, DRAW_DELAY, ~link, 15) ? 0 : make_spread(make, DRAW_DELAY, link, 16, 24);
    if (link_has(make, link, MAKE_JITTER)) {
        delay->kind = (enum simnet_delay_kind)make_range(make, DRAW_JITTER, link,
                                                         SIMNET_DELAY_UNIFORM, SIMNET_DELAY_PARETO);
        delay->spread_ns = make_spread(make, DRAW_SPREAD, link, 16, 25);
        delay->reorders = link_has(make, link, MAKE_OVERTAKING);
    }
    if (link_has(make, link, MAKE_REORDER) && !delay->reorders) {
        config->reorder.swap_ppm = (uint32_t)make_spread(make, DRAW_REORDER, 4 * link, 14, 17);
        config->reorder.swap_count = (uint32_t)make_range(make, DRAW_REORDER, 4 * link + 1, 1, 5);
        config->reorder.jump_ppm = (uint32_t)make_spread(make, DRAW_REORDER, 4 * link + 2, 14, 17);
        config->reorder.jump_count = (uint32_t)make_range(make, DRAW_REORDER, 4 * link + 3, 1, 5);
    }
    if (link_has(make, link, MAKE_DUPLICATES)) {
        config->duplicate.ppm = (uint32_t)make_spread(make, DRAW_DUPLICATE, 3 * link, 14, 17);
        config->duplicate.copies_max =
            (uint32_t)make_range(make, DRAW_DUPLICATE, 3 * link + 1, 1, 3);
        config->duplicate.delay_ns =
            link_is_prompt(make) || make_chance(make, DRAW_DUPLICATE, ~link, 50)
                ? 0
                : make_spread(make, DRAW_DUPLICATE, 3 * link + 2, 16, 30);
    }
}

static bool link_is_there(const struct make *make, simnet_host from, simnet_host to)
{
    for (size_t i = 0; i < make->out->links.count; i++)
        if (make->out->links.at[i].from == from && make->out->links.at[i].to == to)
            return true;
    return false;
}

static void link_make(struct make *make, simnet_host from, simnet_host to)
{
    struct simnet_scenario_link link = {.from = from, .to = to};
    uint64_t index = from * UINT64_C(16) + to;

    if (link_is_there(make, from, to))
        return;
    link_queue(make, index, &link.config);
    link_losses(make, index, &link.config);
    link_corruption(make, index, &link.config);
    link_delay(make, index, &link.config);
    simnet_scenario_add(&make->out->links, &link);
}

void make_links(struct make *make)
{
    for (size_t i = 0; i < make->out->sessions.count; i++) {
        const struct simnet_scenario_session *group = &make->out->sessions.at[i];
        link_make(make, group->a, group->b);
        link_make(make, group->b, group->a);
    }
    for (size_t i = 0; i < make->out->pdus.count; i++) {
        link_make(make, make->out->pdus.at[i].from, make->out->pdus.at[i].to);
        link_make(make, make->out->pdus.at[i].to, make->out->pdus.at[i].from);
    }
}

/* ---- the timeline ---- */

static void change_add(struct make *make, sipc_time at_ns, enum simnet_change_kind kind,
                       uint64_t target, uint64_t value)
{
    struct simnet_scenario_change change = {.what = {at_ns, kind, (uint32_t)target, value}};

    simnet_scenario_add(&make->out->changes, &change);
}

static uint64_t change_value(const struct make *make, enum simnet_change_kind kind, uint64_t index)
{
    switch (kind) {
    case SIMNET_LINK_DOWN:
        return make_range(make, DRAW_CHANGE_VALUE, index, SIMNET_IN_FLIGHT_LOST,
                          link_is_prompt(make) ? SIMNET_IN_FLIGHT_KEPT : SIMNET_IN_FLIGHT_HELD);
    case SIMNET_LINK_RATE:
        return make_spread(make, DRAW_CHANGE_VALUE, index, 17, 27);
    case SIMNET_LINK_DELAY:
        return make_spread(make, DRAW_CHANGE_VALUE, index, 16, 26);
    case SIMNET_HOST_CLOCK_STEP:
        return make_range(make, DRAW_CHANGE_VALUE, index, 0, 4000 * MS) - 2000 * MS;
    case SIMNET_HOST_CLOCK_DRIFT:
        return make_range(make, DRAW_CHANGE_VALUE, index, 0, 100000) - 50000;
    default:
        return 0;
    }
}

/* A fault of the timeline and, where there is one, its end some time later. */
static void change_make(struct make *make, uint64_t index, enum simnet_change_kind begin,
                        enum simnet_change_kind end)
{
    bool of_link = begin < SIMNET_HOST_CRASH;
    uint64_t targets = of_link ? make->out->links.count : make->hosts;
    uint64_t target = make_range(make, DRAW_CHANGE_TARGET, index, 0, targets - 1);
    sipc_time at = make_range(make, DRAW_CHANGE_AT, index, 0, make->heal_ns);

    if (begin == SIMNET_LINK_RATE && make->out->links.at[target].config.rate_bps == 0)
        return;
    change_add(make, at, begin, target, change_value(make, begin, index));
    unsigned from = begin == SIMNET_HOST_CRASH ? 8 : 0;
    if (end != SIMNET_CHANGE_COUNT)
        change_add(make, at + make_spread(make, DRAW_CHANGE_FOR, index, from, 10) * MS, end, target,
                   0);
}

void make_changes(struct make *make)
{
    static const struct {
        enum make_feature feature;
        enum simnet_change_kind begin, end;
    } rows[] = {
        {MAKE_CRASH, SIMNET_HOST_CRASH, SIMNET_HOST_RESTART},
        {MAKE_PARTITION, SIMNET_LINK_DOWN, SIMNET_LINK_UP},
        {MAKE_CLOG, SIMNET_LINK_CLOG, SIMNET_LINK_UNCLOG},
        {MAKE_PAUSE, SIMNET_HOST_PAUSE, SIMNET_HOST_RESUME},
        {MAKE_CLOCK, SIMNET_HOST_CLOCK_STEP, SIMNET_CHANGE_COUNT},
        {MAKE_CLOCK, SIMNET_HOST_CLOCK_DRIFT, SIMNET_CHANGE_COUNT},
        {MAKE_ADDRESS, SIMNET_HOST_ADDRESS, SIMNET_CHANGE_COUNT},
        {MAKE_STEPS, SIMNET_LINK_RATE, SIMNET_CHANGE_COUNT},
        {MAKE_STEPS, SIMNET_LINK_DELAY, SIMNET_CHANGE_COUNT},
        {MAKE_STEPS, SIMNET_LINK_FAULTS, SIMNET_CHANGE_COUNT},
    };
    enum { INDEX_STEP = 100, EACH_MAX = 3 };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!make_has(make, rows[i].feature))
            continue;
        uint64_t count = make_range(make, DRAW_CHANGES, i, 1, EACH_MAX);
        for (uint64_t k = 0; k < count; k++)
            change_make(make, i * INDEX_STEP + k, rows[i].begin, rows[i].end);
    }
}
