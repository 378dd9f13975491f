/* The counting of `sipc pcap stats`. See stats.h. */
#include "stats.h"

#include <string.h>

enum { STATS_BUCKETS = 4096, STATS_SEEN_MIN = 256, STATS_SEEN_MAX = 65536 };

struct stats {
    void (*told)(void *ctx, const struct stats_session *session);
    void *ctx;
    struct stats_session *buckets[STATS_BUCKETS];
    struct stats_session *oldest, *newest;
    size_t held;
    uint64_t count;
};

struct stats *stats_new(void (*told)(void *ctx, const struct stats_session *session), void *ctx)
{
    struct stats *stats = calloc(1, sizeof *stats);
    SIPC_ASSERT(stats != NULL);
    stats->told = told;
    stats->ctx = ctx;
    return stats;
}

uint64_t stats_count(const struct stats *stats)
{
    return stats->count;
}

/* ---- sessions ---- */

static bool stats_same(const struct pcapt_address *a, const struct pcapt_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* On streams a session outlives its connection (END-1a): its id alone counts. -1: not this one;
 * else which end sent it. */
static int stats_end_of(const struct stats_session *session, const struct pcapt_item *item)
{
    const struct pcapt_flow *flow = &item->flow;
    if (session->transport != flow->transport ||
        memcmp(session->id, item->pdu.session_id, SIPC_SESSION_ID_SIZE) != 0)
        return -1;
    for (int end = 0; end < 2; end++)
        if (stats_same(&session->ends[end], &flow->source) &&
            stats_same(&session->ends[!end], &flow->destination))
            return end;
    if (flow->transport != PCAPT_OVER_TCP)
        return -1;
    return memcmp(session->ends[0].bytes, flow->source.bytes, sizeof flow->source.bytes) == 0 ? 0
                                                                                              : 1;
}

static struct stats_session **stats_bucket(struct stats *stats, const uint8_t *id)
{
    uint32_t hash = 2166136261u;
    for (int i = 0; i < SIPC_SESSION_ID_SIZE; i++)
        hash = (hash ^ id[i]) * 16777619u;
    return &stats->buckets[hash % STATS_BUCKETS];
}

static void stats_unlink(struct stats *stats, struct stats_session *session)
{
    *(session->older != NULL ? &session->older->newer : &stats->oldest) = session->newer;
    *(session->newer != NULL ? &session->newer->older : &stats->newest) = session->older;
}

static void stats_link(struct stats *stats, struct stats_session *session)
{
    session->newer = NULL;
    session->older = stats->newest;
    *(stats->newest != NULL ? &stats->newest->newer : &stats->oldest) = session;
    stats->newest = session;
}

static void stats_free_session(struct stats_session *session)
{
    for (int end = 0; end < 2; end++)
        for (int point = 0; point < STATS_POINTS; point++)
            if (session->views[end][point] != NULL) {
                free(session->views[end][point]->seen);
                free(session->views[end][point]);
            }
    free(session);
}

static void stats_tell(struct stats *stats, struct stats_session *session)
{
    struct stats_session **at = stats_bucket(stats, session->id);
    while (*at != session)
        at = &(*at)->chain;
    *at = session->chain;
    stats_unlink(stats, session);
    stats->held--;
    stats->told(stats->ctx, session);
    stats_free_session(session);
}

static struct stats_session *stats_session(struct stats *stats, const struct pcapt_item *item,
                                           int *end)
{
    struct stats_session **bucket = stats_bucket(stats, item->pdu.session_id);

    for (struct stats_session *session = *bucket; session != NULL; session = session->chain) {
        *end = stats_end_of(session, item);
        if (*end < 0)
            continue;
        stats_unlink(stats, session);
        stats_link(stats, session);
        return session;
    }
    if (item->dropped)
        return NULL; /* what never arrived begins none: its ids may be spoiled */
    if (stats->held == STATS_SESSIONS_MAX)
        stats_tell(stats, stats->oldest);
    struct stats_session *session = calloc(1, sizeof *session);
    SIPC_ASSERT(session != NULL);
    session->number = ++stats->count;
    memcpy(session->id, item->pdu.session_id, SIPC_SESSION_ID_SIZE);
    session->transport = item->flow.transport;
    session->ends[0] = item->flow.source;
    session->ends[1] = item->flow.destination;
    session->first_ns = session->last_ns = item->at_ns;
    bucket = stats_bucket(stats, session->id);
    session->chain = *bucket;
    *bucket = session;
    stats_link(stats, session);
    stats->held++;
    *end = 0;
    return session;
}

void stats_end(struct stats *stats)
{
    struct stats_session *first;

    while (stats->oldest != NULL) {
        first = stats->oldest;
        for (struct stats_session *at = first->newer; at != NULL; at = at->newer)
            first = at->number < first->number ? at : first;
        stats_tell(stats, first);
    }
    free(stats);
}

/* ---- a view ---- */

static enum stats_point stats_point(const struct pcapt_item *item)
{
    return item->direction == PCAPT_OUTBOUND  ? STATS_SENT
           : item->direction == PCAPT_INBOUND ? STATS_ARRIVED
                                              : STATS_BETWEEN;
}

/* Where the ack of a PDU seen there passes by. */
static enum stats_point stats_opposite(enum stats_point point)
{
    return point == STATS_SENT ? STATS_ARRIVED : point == STATS_ARRIVED ? STATS_SENT : point;
}

static struct stats_view *stats_view(struct stats_session *session, int end, enum stats_point point)
{
    struct stats_view **view = &session->views[end][point];
    if (*view == NULL) {
        *view = calloc(1, sizeof **view);
        SIPC_ASSERT(*view != NULL);
        (*view)->round_trip_min_ns = UINT64_MAX;
    }
    return *view;
}

static struct stats_seen *stats_seen(struct stats_view *view, int64_t window_id, int32_t seq_nr)
{
    uint64_t hash = (uint64_t)window_id * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)seq_nr;
    return &view->seen[hash & (view->seen_capacity - 1)];
}

static bool stats_is(const struct stats_seen *seen, int64_t window_id, int32_t seq_nr)
{
    return seen->times > 0 && seen->window_id == window_id && seen->seq_nr == seq_nr;
}

/* Large windows get a larger table; what was in the smaller one is forgotten. */
static void stats_grow(struct stats_view *view, int32_t seq_nr)
{
    size_t capacity = view->seen_capacity == 0 ? STATS_SEEN_MIN : view->seen_capacity;
    while (capacity < STATS_SEEN_MAX && (size_t)seq_nr >= capacity / 2)
        capacity *= 4;
    if (capacity == view->seen_capacity)
        return;
    free(view->seen);
    view->seen = calloc(capacity, sizeof *view->seen);
    SIPC_ASSERT(view->seen != NULL);
    view->seen_capacity = capacity;
}

static struct stats_window *stats_window(struct stats_view *view, int64_t id)
{
    struct stats_window *window = &view->windows[id % STATS_WINDOWS];
    if (!window->used || window->id != id)
        *window = (struct stats_window){.id = id, .used = true, .highest = -1, .acked = -1};
    return window;
}

/* A repeat is spurious if an ack that covers the PDU came before it. */
static void stats_repeat(struct stats_view *view, struct stats_window *window,
                         struct stats_seen *seen, int32_t seq_nr)
{
    view->repeats++;
    view->spurious += window->acked >= seq_nr;
    window->repeated = true;
    if (seen->times > 1)
        view->repeated[seen->times < STATS_REPEATS ? seen->times - 1 : STATS_REPEATS - 1]--;
    view->repeated[seen->times < STATS_REPEATS ? seen->times : STATS_REPEATS - 1]++;
    seen->times++;
}

static void stats_own(struct stats_view *view, const struct pcapt_item *item)
{
    const struct sipc_pdu *pdu = &item->pdu;

    stats_grow(view, pdu->seq_nr);
    struct stats_window *window = stats_window(view, pdu->window_id);
    struct stats_seen *seen = stats_seen(view, pdu->window_id, pdu->seq_nr);
    view->data_bytes += pdu->data.size;
    if (stats_is(seen, pdu->window_id, pdu->seq_nr)) {
        if (item->duplicate)
            view->duplicates++;
        else
            stats_repeat(view, window, seen, pdu->seq_nr);
    } else {
        *seen = (struct stats_seen){pdu->window_id, pdu->seq_nr, 1, item->at_ns, item->at_ns};
        view->new_bytes += pdu->data.size;
        view->missed += window->repeated && pdu->seq_nr < window->highest;
        if (pdu->seq_nr < window->highest && !window->repeated) {
            const uint64_t by = (uint64_t)(window->highest - pdu->seq_nr);
            view->late++;
            view->late_max = by > view->late_max ? by : view->late_max;
        }
    }
    seen->last_ns = item->at_ns;
    window->highest = pdu->seq_nr > window->highest ? pdu->seq_nr : window->highest;
}

/* What a full ack says arrived and never passed by here: the capture lost it. */
static uint64_t stats_holes(struct stats_view *view, int64_t window_id, int32_t acked)
{
    uint64_t holes = 0;
    if ((size_t)acked >= view->seen_capacity / 2)
        return 0; /* more than is remembered */
    for (int32_t seq_nr = 0; seq_nr <= acked; seq_nr++)
        holes += !stats_is(stats_seen(view, window_id, seq_nr), window_id, seq_nr);
    return holes;
}

static void stats_round_trip(struct stats_view *view, uint64_t ns)
{
    view->round_trips++;
    view->round_trip_sum_ns += ns;
    view->round_trip_min_ns = ns < view->round_trip_min_ns ? ns : view->round_trip_min_ns;
    view->round_trip_max_ns = ns > view->round_trip_max_ns ? ns : view->round_trip_max_ns;
}

/* An ack of what `view` saw; round trips only of windows of which nothing was sent again, since
 * else nobody knows which of the PDUs it is for. */
static void stats_acked(struct stats_view *view, struct stats_view *acks,
                        const struct pcapt_item *item)
{
    const struct sipc_pdu *pdu = &item->pdu;
    if (view->seen_capacity == 0)
        return;
    struct stats_window *window = &view->windows[pdu->window_id % STATS_WINDOWS];
    if (!window->used || window->id != pdu->window_id)
        return;
    const bool full = (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) || pdu->opcode == SIPC_CLOSE_ACK;
    struct stats_seen *seen = stats_seen(view, pdu->window_id, pdu->seq_nr);
    const bool known = stats_is(seen, pdu->window_id, pdu->seq_nr);
    if (pdu->seq_nr <= window->acked && full == window->acked_full)
        acks->duplicate_acks++;
    else if (known && !window->repeated)
        stats_round_trip(view, item->at_ns - seen->first_ns);
    else if (known && seen->times > 1 && view->round_trips > 0 &&
             item->at_ns - seen->last_ns < view->round_trip_min_ns / 2)
        view->spurious++; /* it is of the first one: no answer comes back so soon */
    if (full && !window->full) {
        window->full = true;
        acks->full_windows++;
        view->holes += stats_holes(view, pdu->window_id, pdu->seq_nr);
    }
    if (pdu->seq_nr >= window->acked)
        window->acked_full = full;
    window->acked = pdu->seq_nr > window->acked ? pdu->seq_nr : window->acked;
}

void stats_item(struct stats *stats, const struct pcapt_item *item)
{
    int end;

    if (!pcapt_item_is_pdu(item) || item->copy_of != 0)
        return;
    struct stats_session *session = stats_session(stats, item, &end);
    if (item->dropped) {
        if (session != NULL)
            session->dropped[end]++;
        return;
    }
    const enum stats_point point = stats_point(item);
    struct stats_view *view = stats_view(session, end, point);
    const struct sipc_pdu *pdu = &item->pdu;
    if (view->bytes == 0)
        view->first_ns = item->at_ns;
    view->last_ns = item->at_ns;
    view->pdus[pdu->opcode]++;
    view->bytes += item->wire_size;
    if (item->at_ns > session->last_ns) {
        const uint64_t silence = item->at_ns - session->last_ns;
        session->silence_ns = silence > session->silence_ns ? silence : session->silence_ns;
        session->last_ns = item->at_ns;
    }
    if (pdu->opcode == SIPC_DATA || pdu->opcode == SIPC_CLOSE)
        stats_own(view, item);
    if (pdu->opcode != SIPC_DATA_ACK && pdu->opcode != SIPC_CLOSE_ACK)
        return;
    view->acks++;
    view->errors += pdu->error_code != 0;
    struct stats_view *acked = session->views[!end][stats_opposite(point)];
    if (acked != NULL)
        stats_acked(acked, view, item);
}
