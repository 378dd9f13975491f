/* Numbers that become small and round: each of the scenario's, one after the other, to its least
 * value (which is what text leaves out), else as far as the failure allows.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "shrink.h"

#define MS SIPC_NS_PER_MS

struct lessen_field {
    void *at;
    size_t size; /* 1, 4 or 8: an unsigned number of so many bytes */
    uint64_t least;
    void *twin;       /* NULL, or a number of the same size that is always the same */
    bool time, bytes; /* such are made round */
    bool late;        /* its least value makes runs slow: only in the end */
};

/* The numbers are counted off: number `wanted` of them is the field. */
struct lessen_walk {
    size_t wanted, count;
    struct lessen_field field;
};

static void lessen_number(struct lessen_walk *walk, void *at, size_t size, uint64_t least)
{
    if (walk->count++ == walk->wanted)
        walk->field = (struct lessen_field){.at = at, .size = size, .least = least};
}
#define LESSEN(walk, what, least) lessen_number(walk, &(what), sizeof(what), least)

static void lessen_time(struct lessen_walk *walk, sipc_time *at, sipc_time least)
{
    lessen_number(walk, at, sizeof *at, least);
    if (walk->count == walk->wanted + 1)
        walk->field.time = true;
}

/* A range of sizes is one size, where that is possible. */
static void lessen_sizes(struct lessen_walk *walk, struct simnet_traffic *what)
{
    LESSEN(walk, what->size_min, what->size_max);
    lessen_number(walk, &what->size_max, sizeof what->size_max, what->size_min);
    lessen_number(walk, &what->size_max, sizeof what->size_max, 0);
    if (walk->count == walk->wanted + 1 && what->size_min == what->size_max)
        walk->field.twin = &what->size_min;
    if (walk->count == walk->wanted + 1)
        walk->field.bytes = true;
}

static void lessen_settings(struct lessen_walk *walk, struct sipc_config *settings)
{
    struct sipc_config defaults;

    sipc_config_default(&defaults);
    LESSEN(walk, settings->mtu, defaults.mtu);
    LESSEN(walk, settings->max_window_size, defaults.max_window_size);
    lessen_time(walk, &settings->ack_timeout_ns, defaults.ack_timeout_ns);
    LESSEN(walk, settings->max_retry_count, defaults.max_retry_count);
    lessen_time(walk, &settings->open_timeout_ns, defaults.open_timeout_ns);
    LESSEN(walk, settings->idle_timeout_ns, (uint64_t)defaults.idle_timeout_ns);
    LESSEN(walk, settings->min_remote_idle_timeout_ns,
           (uint64_t)defaults.min_remote_idle_timeout_ns);
    lessen_time(walk, &settings->enquire_link_interval_ns, defaults.enquire_link_interval_ns);
    lessen_time(walk, &settings->linger_ns, defaults.linger_ns);
    LESSEN(walk, settings->attribute_limit, defaults.attribute_limit);
    LESSEN(walk, settings->max_sessions, defaults.max_sessions);
    if (walk->count == walk->wanted + 1)
        walk->field.late = true;
    LESSEN(walk, settings->unreliable_queue, defaults.unreliable_queue);
    LESSEN(walk, settings->accept, defaults.accept);
    LESSEN(walk, settings->require_first_in_window_group, defaults.require_first_in_window_group);
    LESSEN(walk, settings->window_id_step, (uint64_t)defaults.window_id_step);
    LESSEN(walk, settings->window_id_max, (uint64_t)defaults.window_id_max);
    LESSEN(walk, settings->group_bytes_max, defaults.group_bytes_max);
}

static void lessen_link(struct lessen_walk *walk, struct simnet_link_config *config)
{
    LESSEN(walk, config->rate_bps, 0);
    LESSEN(walk, config->overhead_bytes, 0);
    LESSEN(walk, config->mtu, 0);
    LESSEN(walk, config->tells, 0);
    LESSEN(walk, config->loss_at_sender, 0);
    lessen_time(walk, &config->duplicate.delay_ns, 0);
    LESSEN(walk, config->duplicate.ppm, 0);
    LESSEN(walk, config->corrupt.checksum, 0);
    LESSEN(walk, config->delay.reorders, 0);
    lessen_time(walk, &config->delay.base_ns, 0);
}

static void lessen_traffic(struct lessen_walk *walk, struct simnet_scenario_traffic *traffic)
{
    struct simnet_traffic *what = &traffic->what;

    LESSEN(walk, what->count, 0);
    lessen_sizes(walk, what);
    lessen_time(walk, &what->gap_ns, 0);
    lessen_time(walk, &what->again_ns, 0);
    LESSEN(walk, what->close_code, 0);
    lessen_time(walk, &what->start_ns, 0);
    LESSEN(walk, what->skip, 0);
    lessen_time(walk, &traffic->stagger_ns, 0);
}

static void lessen_timeline(struct lessen_walk *walk, struct simnet_scenario *scenario)
{
    for (size_t i = 0; i < scenario->operations.count; i++) {
        struct simnet_scenario_operation *operation = &scenario->operations.at[i];
        LESSEN(walk, operation->what.attribute_count, 0);
        LESSEN(walk, operation->what.size, 0);
        lessen_time(walk, &operation->what.grace_ns, 0);
        lessen_time(walk, &operation->at_ns, 0);
    }
    for (size_t i = 0; i < scenario->changes.count; i++)
        lessen_time(walk, &scenario->changes.at[i].what.at_ns, 0);
    for (size_t i = 0; i < scenario->pdus.count; i++)
        lessen_time(walk, &scenario->pdus.at[i].at_ns, 0);
    for (size_t i = 0; i < scenario->faults.count; i++)
        if (scenario->faults.faults[i].verdict == SIMNET_DELAY ||
            scenario->faults.faults[i].verdict == SIMNET_SWAP ||
            scenario->faults.faults[i].verdict == SIMNET_COPIES)
            LESSEN(walk, scenario->faults.faults[i].value, 1);
}

static struct lessen_field lessen_field(struct simnet_scenario *scenario, size_t wanted)
{
    struct lessen_walk walk = {.wanted = wanted};

    for (size_t i = 0; i < scenario->sessions.count; i++)
        LESSEN(&walk, scenario->sessions.at[i].count, 1);
    for (size_t i = 0; i < scenario->traffic.count; i++)
        lessen_traffic(&walk, &scenario->traffic.at[i]);
    lessen_timeline(&walk, scenario);
    for (size_t i = 0; i < scenario->links.count; i++)
        lessen_link(&walk, &scenario->links.at[i].config);
    for (size_t i = 0; i < scenario->hosts.count; i++) {
        lessen_settings(&walk, &scenario->hosts.at[i].settings);
        LESSEN(&walk, scenario->hosts.at[i].clock_ppm, 0);
        LESSEN(&walk, scenario->hosts.at[i].clock_ns, 0);
    }
    lessen_time(&walk, &scenario->heal_ns, SIPC_NEVER);
    lessen_time(&walk, &scenario->until_ns, SIPC_NEVER);
    LESSEN(&walk, scenario->ties, 0);
    LESSEN(&walk, scenario->seed, 1);
    return walk.field;
}

static uint64_t lessen_get(const struct lessen_field *field)
{
    uint64_t value = 0;
    uint32_t four;
    uint8_t one;

    if (field->size == sizeof value) {
        memcpy(&value, field->at, sizeof value);
    } else if (field->size == sizeof four) {
        memcpy(&four, field->at, sizeof four);
        value = four;
    } else {
        memcpy(&one, field->at, sizeof one);
        value = one;
    }
    return value;
}

static void lessen_set(const struct lessen_field *field, uint64_t value)
{
    uint32_t four = (uint32_t)value;
    uint8_t one = (uint8_t)value;

    if (field->size == sizeof value)
        memcpy(field->at, &value, sizeof value);
    else if (field->size == sizeof four)
        memcpy(field->at, &four, sizeof four);
    else
        memcpy(field->at, &one, sizeof one);
}

/* A size that has no twin and a range that is none are done with. */
static bool lessen_is_done(const struct lessen_field *field, uint64_t value)
{
    return value == (field->size == sizeof(uint32_t) ? (uint32_t)field->least : field->least);
}

static bool lessen_try(struct shrink *shrink, size_t number, uint64_t value)
{
    struct simnet_scenario candidate;

    simnet_scenario_copy(&shrink->best, &candidate);
    struct lessen_field field = lessen_field(&candidate, number);
    lessen_set(&field, value);
    if (field.twin != NULL)
        memcpy(field.twin, field.at, field.size);
    return shrink_try(shrink, &candidate);
}

/* Nearer to the least value, halving the rest. */
static bool lessen_by_halves(struct shrink *shrink, size_t number, uint64_t least, uint64_t value)
{
    uint64_t below = least, now = value;

    while (now - below > 1 && now - below >= now / 16 && !shrink_is_over(shrink)) {
        uint64_t middle = below + (now - below) / 2;
        if (lessen_try(shrink, number, middle))
            now = middle;
        else
            below = middle;
    }
    return now < value;
}

static bool lessen_one(struct shrink *shrink, size_t number)
{
    struct lessen_field field = lessen_field(&shrink->best, number);
    uint64_t value = lessen_get(&field);

    if (lessen_is_done(&field, value) || field.late)
        return false;
    if (lessen_try(shrink, number, field.least))
        return true;
    return value > field.least && field.size > 1 &&
           lessen_by_halves(shrink, number, field.least, value);
}

bool lessen_all(struct shrink *shrink)
{
    bool any = false;

    for (size_t number = 0; !shrink_is_over(shrink); number++) {
        if (lessen_field(&shrink->best, number).at == NULL)
            break;
        any |= lessen_one(shrink, number);
    }
    return any;
}

/* The roundest number there is that is not smaller, for people; once, in the end. */
static void lessen_round(struct shrink *shrink, size_t number)
{
    static const uint64_t times[] = {1000 * MS, 100 * MS, 10 * MS, MS, 100000, 10000, 1000, 100};
    static const uint64_t sizes[] = {10000, 1000, 100, 10};
    struct lessen_field field = lessen_field(&shrink->best, number);
    const uint64_t *rounds = field.time ? times : sizes;
    size_t count = field.time ? sizeof times / sizeof *times : sizeof sizes / sizeof *sizes;
    uint64_t value = lessen_get(&field);

    if (field.late && !lessen_is_done(&field, value))
        lessen_try(shrink, number, field.least);
    if ((!field.time && !field.bytes) || lessen_is_done(&field, value) || value > INT64_MAX)
        return;
    for (size_t i = 0; i < count && value % rounds[i] != 0; i++)
        if (lessen_try(shrink, number, (value / rounds[i] + 1) * rounds[i]))
            return;
}

void lessen_roundly(struct shrink *shrink)
{
    for (size_t number = 0; !shrink_is_over(shrink); number++) {
        if (lessen_field(&shrink->best, number).at == NULL)
            break;
        lessen_round(shrink, number);
    }
}
