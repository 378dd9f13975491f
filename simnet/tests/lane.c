/* See lane.h. */
#include "lane.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t lane_bytes[SIPC_PDU_SIZE_MAX];

static void lane_event(void *ctx, const struct simnet_event *event)
{
    struct lane *lane = ctx;

    if (event->kind != SIMNET_EVENT_STAGE)
        return;
    if (event->stage == SIMNET_STAGE_ARRIVE && event->verdict == SIMNET_PASS) {
        uint8_t bytes[SIMNET_DATAGRAM_SIZE_MAX];
        struct lane_arrival *arrival = &lane->arrivals[lane->arrival_count++];
        assert_true(lane->arrival_count <= LANE_DATAGRAMS_MAX);
        arrival->datagram = event->datagram->number;
        arrival->time_ns = event->time_ns;
        arrival->size = (uint32_t)simnet_datagram_copy(event->datagram, bytes, sizeof bytes);
        memcpy(arrival->bytes, bytes, sizeof arrival->bytes);
        return;
    }
    if (event->verdict == SIMNET_PASS)
        return;
    assert_true(lane->verdict_count < LANE_VERDICTS_MAX);
    lane->verdicts[lane->verdict_count++] = (struct lane_verdict){event->datagram->number,
                                                                  event->time_ns,
                                                                  event->stage,
                                                                  event->verdict,
                                                                  event->value,
                                                                  event->extra,
                                                                  event->why};
}

struct lane *lane_new(const struct simnet_config *config, const struct simnet_link_config *link)
{
    struct lane *lane = calloc(1, sizeof *lane);
    struct simnet_config defaults;
    struct simnet_error error;

    assert_non_null(lane);
    simnet_config_default(&defaults);
    lane->world = simnet_world_new(config ? config : &defaults);
    lane->b = simnet_host_add_script(lane->world, NULL, &(struct simnet_script){0});
    if (!simnet_link_add(lane->world, link, &lane->link, &error))
        fail_msg("%s", error.text);
    simnet_observe(lane->world, &(struct simnet_observer){lane, SIMNET_WANT_VERDICTS, lane_event});
    return lane;
}

void lane_send(struct lane *lane, sipc_time at_ns, uint32_t size)
{
    assert_true(lane->count < LANE_DATAGRAMS_MAX);
    lane->steps[lane->count++] = (struct simnet_script_step){at_ns, lane->b, {lane_bytes, size}};
}

void lane_change(struct lane *lane, sipc_time at_ns, enum simnet_change_kind kind, uint64_t value)
{
    struct simnet_change change = {at_ns, kind, lane->link, value};
    struct simnet_error error;

    if (!simnet_change_at(lane->world, &change, &error))
        fail_msg("%s", error.text);
}

void lane_run(struct lane *lane)
{
    /* The sender is made last, for its steps are known only now. */
    simnet_host sender = simnet_host_add_script(
        lane->world, NULL,
        &(struct simnet_script){.steps = lane->steps, .step_count = lane->count});
    char text[512];

    simnet_route(lane->world, sender, lane->b, lane->link);
    enum simnet_end end = simnet_world_run(lane->world, SIPC_NEVER);
    simnet_world_explain(lane->world, end, text, sizeof text);
    if (end != SIMNET_END_DRAINED)
        fail_msg("%s", text);
}

void lane_free(struct lane *lane)
{
    simnet_world_free(lane->world);
    free(lane);
}

void lane_assert_arrivals(const struct lane *lane, const struct lane_expected *expected,
                          size_t count)
{
    for (size_t i = 0; i < lane->arrival_count && i < count; i++)
        if (lane->arrivals[i].datagram != expected[i].datagram ||
            lane->arrivals[i].time_ns != expected[i].time_ns)
            fail_msg("arrival %zu: expected #%" PRIu64 " at %" PRIu64 " ns, found #%" PRIu64
                     " at %" PRIu64 " ns",
                     i, expected[i].datagram, expected[i].time_ns, lane->arrivals[i].datagram,
                     lane->arrivals[i].time_ns);
    assert_int_equal(lane->arrival_count, count);
}

size_t lane_count(const struct lane *lane, enum simnet_stage stage, enum simnet_verdict verdict)
{
    size_t count = 0;

    for (size_t i = 0; i < lane->verdict_count; i++)
        count += lane->verdicts[i].stage == stage && lane->verdicts[i].verdict == verdict;
    return count;
}
