/* The world of one point, and an observer that notes what is measured. No chance but the world's,
 * no clock but its own; knows nothing of plans, files or models. */
#include "study/lfn_point.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "stream.h"

#define POINT_S_NS UINT64_C(1000000000)

enum {
    POINT_OVERHEAD = 28, /* IPv4 and UDP, of each datagram */
    POINT_ID_AT = 2,     /* SIPC_RULE_WIRE_1: where a PDU has its session's id */
    POINT_PPM = 1000000,
    POINT_SLICES = 4, /* of a round trip: how often it is asked whether all is done */
    POINT_SLICE_MIN_NS = 100000,
    POINT_US_NS = 1000,
};

const struct study_parameter_info study_parameters[STUDY_PARAMETER_COUNT] = {
    [STUDY_RATE_BPS] = {"rate", 1000, UINT64_C(1000000000000), 100000000,
                        "rate of the link, bit/s"},
    [STUDY_RTT_US] = {"rtt", 0, 100000000, 100000, "round trip of the empty link, us"},
    [STUDY_LOSS_PPM] = {"loss", 0, 500000, 0, "loss of datagrams each way, ppm"},
    [STUDY_BURST] = {"burst", 1, 10000, 1, "mean length of a burst of losses, datagrams"},
    [STUDY_WINDOW] = {"window", 1, 65535, 47, "window size of both ends, PDUs"},
    [STUDY_MTU] = {"mtu", 512, 65500, 1400, "longest PDU, bytes"},
    [STUDY_ACK_TIMEOUT_US] = {"ack_timeout", 1000, UINT64_C(1000000000), 1000000,
                              "ack timeout, us"},
    [STUDY_RETRIES] = {"retries", 0, 1000, 3, "max_retry_count"},
    [STUDY_GROUP] =
        {"group", 65500, UINT32_MAX, 65500,
         "limit of a window group, bytes; more than 65,500 takes a variant of the engine"},
    [STUDY_SESSIONS] = {"sessions", 1, 100000, 1, "sessions side by side"},
    [STUDY_MESSAGE] = {"message", 1, 1 << 30, 62000, "bytes of a message"},
    [STUDY_WARM] = {"warm", 1, 1000000, 2, "messages a session before it is measured"},
    [STUDY_COUNT] = {"count", 1, 10000000, 10, "messages a session that are measured"},
    [STUDY_STREAM] = {"stream", 0, 1, 0,
                      "1: not the protocol's: the sessions carry one stream of messages, in order, "
                      "with so many of them in flight"},
    [STUDY_SEED] = {"seed", 0, UINT64_MAX, 1, "what chance is drawn from"},
};

/* The message that a session is sending, and how many it has sent. */
struct point_session {
    sipc_time begun_ns;
    uint64_t sent_bytes; /* of it, each counted once */
    uint64_t ended;
};

struct point_list {
    sipc_time *items;
    size_t count, capacity;
};

struct point_run {
    const uint64_t *value;
    struct simnet_world *world;
    simnet_host hosts[2];
    simnet_link links[2]; /* [0]: of the data */
    struct point_session *sessions;
    struct study_stream *stream; /* NULL: each session for itself */
    struct point_list first, steady;
    uint64_t ended, warm, all; /* messages */
    uint64_t begun_bytes;      /* sent of all messages that have not ended */
    bool measuring, done;
    sipc_time begin_ns;
    uint64_t busy_ns, dropped; /* at t0, then of the measurement */
    int64_t good_bytes;        /* of the measurement */
    struct study_result *out;
};

static void point_list_add(struct point_list *list, sipc_time item)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        list->items = realloc(list->items, list->capacity * sizeof *list->items);
        SIPC_ASSERT(list->items != NULL);
    }
    list->items[list->count++] = item;
}

static int point_compare(const void *a, const void *b)
{
    const sipc_time *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void point_sum_up(struct point_list *list, struct study_times *out)
{
    uint64_t sum = 0;

    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, point_compare);
        for (size_t i = 0; i < list->count; i++)
            sum += list->items[i];
        *out = (struct study_times){.count = list->count,
                                    .mean_ns = sum / list->count,
                                    .median_ns = list->items[list->count / 2],
                                    .p99_ns = list->items[list->count * 99 / 100],
                                    .max_ns = list->items[list->count - 1]};
    }
    free(list->items);
}

/* ---- what is seen ---- */

/* What the links have counted so far, less what was taken before: at t0 a beginning, at t1 a
 * difference. */
static void point_read_links(struct point_run *run)
{
    struct simnet_link_stats there, back;

    simnet_link_stats(run->world, run->links[0], &there);
    simnet_link_stats(run->world, run->links[1], &back);
    run->busy_ns = there.busy_ns - run->busy_ns;
    run->dropped = there.dropped_total + back.dropped_total - run->dropped;
    run->out->all_pdus = there.entered + back.entered;
}

static void point_on_result(struct point_run *run, const struct simnet_event *event)
{
    struct point_session *session = &run->sessions[event->session];
    sipc_time took_ns = event->time_ns - session->begun_ns;

    if (run->stream != NULL)
        study_stream_ended(run->stream, event->session);
    if (session->ended++ == 0)
        point_list_add(&run->first, took_ns);
    run->begun_bytes -= session->sent_bytes;
    session->sent_bytes = 0;
    if (run->measuring) {
        run->out->ended_ok += event->outcome == SIPC_OUTCOME_OK;
        run->out->ended_timeout += event->outcome == SIPC_OUTCOME_TIMEOUT;
        run->out->ended_other +=
            event->outcome != SIPC_OUTCOME_OK && event->outcome != SIPC_OUTCOME_TIMEOUT;
        if (event->outcome == SIPC_OUTCOME_OK) {
            point_list_add(&run->steady, took_ns);
            run->good_bytes += (int64_t)run->value[STUDY_MESSAGE];
        }
    }
    run->ended++;
    if (run->ended == run->warm) {
        run->measuring = true;
        run->begin_ns = event->time_ns;
        run->good_bytes = -(int64_t)run->begun_bytes;
        point_read_links(run);
    } else if (run->ended == run->all) {
        run->measuring = false;
        run->done = true;
        run->good_bytes += (int64_t)run->begun_bytes;
        run->out->elapsed_ns = event->time_ns - run->begin_ns;
        run->out->virtual_ns = event->time_ns;
        point_read_links(run);
    }
}

/* A PDU of a message leaves for the first time. */
static void point_note_sent(struct point_run *run, const struct simnet_datagram *datagram)
{
    simnet_session session = 0;

    if (run->value[STUDY_SESSIONS] > 1) {
        SIPC_ASSERT(datagram->head.size >= SIPC_PDU_SIZE_MIN);
        session = simnet_session_find(run->world, datagram->head.data + POINT_ID_AT);
        SIPC_ASSERT(session != SIMNET_NONE);
    }
    run->sessions[session].sent_bytes += datagram->payload.size;
    run->begun_bytes += datagram->payload.size;
    if (run->stream != NULL && run->sessions[session].sent_bytes == run->value[STUDY_MESSAGE])
        study_stream_left(run->stream);
}

static void point_on_stage(struct point_run *run, const struct simnet_event *event)
{
    struct study_result *out = run->out;

    if (event->stage != SIMNET_STAGE_ENTER)
        return;
    if (event->link == run->links[0] && event->key->xmit == 1)
        point_note_sent(run, event->datagram);
    if (!run->measuring)
        return;
    if (event->link != run->links[0]) {
        out->ack_pdus++;
        return;
    }
    bool again = event->key->xmit > 1;
    out->data_pdus++;
    out->repeated_pdus += again;
    out->ack_timeouts += again && event->key->seq_nr == 0; /* SIPC_RULE_RTY_1: each begins there */
}

static void point_on_deliver(struct point_run *run, const struct simnet_event *event)
{
    uint64_t bytes = event->data.size;

    if (run->stream != NULL)
        bytes = study_stream_delivered(run->stream, event->session, bytes);
    if (run->measuring)
        run->out->delivered_bytes += bytes;
}

static void point_see(void *ctx, const struct simnet_event *event)
{
    struct point_run *run = ctx;

    if (run->done)
        return;
    switch (event->kind) {
    case SIMNET_EVENT_STAGE:
        point_on_stage(run, event);
        break;
    case SIMNET_EVENT_OPERATION:
        if (event->command != SIMNET_COMMAND_SEND)
            break;
        if (event->status == SIPC_OK)
            run->sessions[event->session].begun_ns = event->time_ns;
        else if (run->stream != NULL)
            study_stream_ended(run->stream, event->session);
        break;
    case SIMNET_EVENT_RESULT:
        if (event->command == SIMNET_COMMAND_SEND)
            point_on_result(run, event);
        break;
    case SIMNET_EVENT_DELIVER:
        point_on_deliver(run, event);
        break;
    default:
        break;
    }
}

/* ---- the world ---- */

static bool point_fail(struct point_run *run, const char *text)
{
    snprintf(run->out->error, sizeof run->out->error, "%s", text);
    return false;
}

/* Gilbert and Elliott's chain in its plainest form: in the bad state all is lost. */
static struct simnet_loss point_loss(const uint64_t *value)
{
    uint64_t ppm = value[STUDY_LOSS_PPM];

    if (ppm == 0)
        return (struct simnet_loss){.kind = SIMNET_LOSS_NONE};
    if (value[STUDY_BURST] == 1)
        return (struct simnet_loss){.kind = SIMNET_LOSS_IID, .ppm = (uint32_t)ppm};
    uint32_t to_good_ppm = (uint32_t)(POINT_PPM / value[STUDY_BURST]);
    return (struct simnet_loss){.kind = SIMNET_LOSS_GILBERT_ELLIOTT,
                                .to_good_ppm = to_good_ppm,
                                .to_bad_ppm = (uint32_t)(ppm * to_good_ppm / (POINT_PPM - ppm)),
                                .loss_bad_ppm = POINT_PPM};
}

static bool point_add_hosts(struct point_run *run)
{
    const uint64_t *value = run->value;
    struct sipc_config settings;
    struct simnet_error error;

    sipc_config_default(&settings);
    settings.mtu = (uint32_t)value[STUDY_MTU];
    settings.max_window_size = (uint32_t)value[STUDY_WINDOW];
    settings.ack_timeout_ns = value[STUDY_ACK_TIMEOUT_US] * POINT_US_NS;
    settings.max_retry_count = (uint32_t)value[STUDY_RETRIES];
    settings.group_bytes_max = (uint32_t)value[STUDY_GROUP];
    settings.max_sessions = (uint32_t)value[STUDY_SESSIONS];
    settings.open_timeout_ns = 0; /* a first message may take as long as it takes */
    for (int i = 0; i < 2; i++)
        if (!simnet_host_add_engine(run->world, NULL, &settings, &run->hosts[i], &error))
            return point_fail(run, error.text);
    return true;
}

static bool point_add_links(struct point_run *run)
{
    const struct simnet_link_config config = {.rate_bps = run->value[STUDY_RATE_BPS],
                                              .overhead_bytes = POINT_OVERHEAD,
                                              .delay.base_ns =
                                                  run->value[STUDY_RTT_US] * POINT_US_NS / 2,
                                              .losses = {point_loss(run->value)}};
    const struct simnet_loss *loss = &config.losses[0];
    struct simnet_error error;

    if (loss->kind == SIMNET_LOSS_GILBERT_ELLIOTT && loss->to_bad_ppm == 0)
        return point_fail(run, "loss: so little, in bursts so long, is none: a burst would begin "
                               "less than once in a million datagrams");
    for (int i = 0; i < 2; i++) {
        if (!simnet_link_add(run->world, &config, &run->links[i], &error))
            return point_fail(run, error.text);
        simnet_route(run->world, run->hosts[i], run->hosts[1 - i], run->links[i]);
    }
    return true;
}

/* Sessions begin evenly spread over a round trip. If all began at once, their windows would end at
 * once too, and the link be idle until the acks come. */
static void point_add_traffic(struct point_run *run)
{
    const uint64_t *value = run->value;
    const uint64_t sessions = value[STUDY_SESSIONS];

    for (uint64_t i = 0; i < sessions; i++) {
        simnet_session session;
        simnet_session_add(run->world, run->hosts[0], run->hosts[1], NULL, &session);
        if (value[STUDY_STREAM])
            continue;
        simnet_traffic_add(
            run->world,
            &(struct simnet_traffic){.host = run->hosts[0],
                                     .session = session,
                                     .start_ns = value[STUDY_RTT_US] * POINT_US_NS * i / sessions,
                                     .open = true,
                                     .count = UINT64_MAX,
                                     .size_min = value[STUDY_MESSAGE],
                                     .size_max = value[STUDY_MESSAGE]});
    }
    if (value[STUDY_STREAM])
        run->stream =
            study_stream_new(run->world, run->hosts[0], (uint32_t)sessions, value[STUDY_MESSAGE]);
}

/* Until all messages have ended, or something is wrong. */
static bool point_go(struct point_run *run)
{
    sipc_time slice_ns = run->value[STUDY_RTT_US] * POINT_US_NS / POINT_SLICES;

    if (slice_ns < POINT_SLICE_MIN_NS)
        slice_ns = POINT_SLICE_MIN_NS;
    while (!run->done) {
        enum simnet_end end = simnet_world_run(run->world, simnet_world_now(run->world) + slice_ns);
        if (end != SIMNET_END_UNTIL) {
            simnet_world_explain(run->world, end, run->out->error, sizeof run->out->error);
            return false;
        }
    }
    return true;
}

static void point_figure(struct point_run *run)
{
    struct study_result *out = run->out;
    const uint64_t ns = out->elapsed_ns;

    out->lost = run->dropped;
    if (ns > 0) {
        uint64_t good_bytes = run->good_bytes > 0 ? (uint64_t)run->good_bytes : 0;
        out->goodput_bps = link_muldiv(good_bytes, 8 * POINT_S_NS, ns);
        out->busy_ppm = link_muldiv(run->busy_ns, POINT_PPM, ns);
    }
    if (run->stream != NULL)
        out->held_max = study_stream_held_max(run->stream);
    out->utilisation_ppm = link_muldiv(out->goodput_bps, POINT_PPM, run->value[STUDY_RATE_BPS]);
}

void study_point_run(const struct study_point *point, struct study_result *out)
{
    const uint64_t sessions = point->value[STUDY_SESSIONS];
    struct point_run run = {.value = point->value,
                            .warm = sessions * point->value[STUDY_WARM],
                            .all =
                                sessions * (point->value[STUDY_WARM] + point->value[STUDY_COUNT]),
                            .out = out};
    struct simnet_config config;

    memset(out, 0, sizeof *out);
    simnet_config_default(&config);
    config.seed = point->value[STUDY_SEED];
    config.event_max = UINT64_MAX;
    config.time_max_ns = SIPC_NEVER - 1;
    config.hash_off = true;
    config.deliveries_unchecked = point->value[STUDY_GROUP] > SIPC_GROUP_BYTES_MAX;
    run.world = simnet_world_new(&config);
    run.sessions = calloc(sessions, sizeof *run.sessions);
    SIPC_ASSERT(run.sessions != NULL);
    if (point_add_hosts(&run) && point_add_links(&run)) {
        point_add_traffic(&run);
        simnet_observe(run.world, &(struct simnet_observer){.ctx = &run,
                                                            .wants = SIMNET_WANT_VERDICTS |
                                                                     SIMNET_WANT_APPLICATION,
                                                            .event = point_see});
        out->ok = point_go(&run);
    }
    point_figure(&run);
    point_sum_up(&run.first, &out->first);
    point_sum_up(&run.steady, &out->steady);
    free(run.sessions);
    simnet_world_free(run.world);
    study_stream_free(run.stream);
}
