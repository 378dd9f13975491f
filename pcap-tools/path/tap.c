/* One capture, made anywhere on the path: the flows of one host put together. A packet's delay is
 * half of what the round trips from the capture to both ends take at that time; it was lost if its
 * flow shows that. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "path.h"

enum { TAP_COPIES_MAX = 16 }; /* as many as a link of the simulator makes */

/* ---- samples ---- */

void path_sample_add(struct path_samples *samples, uint64_t at_ns, uint64_t ns)
{
    samples->at = path_grow(samples->at, samples->count, &samples->capacity, sizeof *samples->at);
    samples->at[samples->count++] = (struct path_sample){at_ns, ns};
}

static int tap_by_time(const void *a, const void *b)
{
    const struct path_sample *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static int tap_by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

uint64_t path_sample_rank(const struct path_samples *samples, unsigned share)
{
    if (samples->count == 0)
        return 0;
    uint64_t *values = malloc(samples->count * sizeof *values);
    if (values == NULL) /* no memory */
        abort();
    for (size_t i = 0; i < samples->count; i++)
        values[i] = samples->at[i].ns;
    qsort(values, samples->count, sizeof *values, tap_by_value);
    size_t rank = samples->count * share / 1000;
    const uint64_t value = values[rank < samples->count ? rank : samples->count - 1];
    free(values);
    return value;
}

/* What was last known at that time; *at moves on. */
static uint64_t tap_known(const struct path_samples *samples, size_t *at, uint64_t now)
{
    if (samples->count == 0)
        return 0;
    while (*at + 1 < samples->count && samples->at[*at + 1].at_ns <= now)
        (*at)++;
    return samples->at[*at].ns;
}

/* ---- whose path ---- */

static bool tap_fits(const struct pcapt_address *wanted, const struct pcapt_address *found)
{
    return wanted->family == found->family &&
           memcmp(wanted->bytes, found->bytes, sizeof wanted->bytes) == 0 &&
           (wanted->port == 0 || wanted->port == found->port);
}

static bool tap_may_be(const struct pcapt_address *wanted, const struct pcapt_address *found)
{
    return wanted->family == 0 || tap_fits(wanted, found);
}

struct tap_host {
    struct pcapt_address address; /* without a port */
    uint64_t packets;
    size_t place; /* of its first flow */
};

static int tap_by_address(const void *a, const void *b)
{
    const struct tap_host *x = a, *y = b;
    const int order = memcmp(&x->address, &y->address, sizeof x->address);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

struct pcapt_address path_host(const struct path_capture *capture, const struct pcapt_address *host)
{
    const size_t count = capture->flow_count * 2;
    struct tap_host *hosts = calloc(count + 1, sizeof *hosts), best = {.packets = 0};

    if (hosts == NULL) /* no memory */
        abort();
    for (size_t i = 0; i < count; i++) {
        hosts[i] =
            (struct tap_host){capture->flows[i / 2].ends[i % 2], capture->flows[i / 2].packets, i};
        hosts[i].address.port = 0;
    }
    qsort(hosts, count, sizeof *hosts, tap_by_address);
    for (size_t i = 0, next; i < count; i = next) {
        struct tap_host sum = hosts[i];
        for (next = i + 1; next < count && tap_fits(&sum.address, &hosts[next].address); next++)
            sum.packets += hosts[next].packets;
        if (sum.packets > best.packets || (sum.packets == best.packets && sum.place < best.place))
            best = sum;
    }
    free(hosts);
    return host->family != 0 || best.packets == 0 ? *host : best.address;
}

/* Which end of the flow is the host; -1: neither, or the other is not the peer. */
static int tap_end_of(const struct path_flow *flow, const struct pcapt_address *host,
                      const struct pcapt_address *peer)
{
    for (int end = 0; end < 2; end++)
        if (tap_fits(host, &flow->ends[end]) && tap_may_be(peer, &flow->ends[!end]))
            return end;
    return -1;
}

int path_way_of(const struct path_capture *capture, const struct path_record *record,
                const struct pcapt_address *host, const struct pcapt_address *peer)
{
    const int end = tap_end_of(&capture->flows[record->flow], host, peer);
    return end < 0 ? -1 : record->back != end;
}

/* ---- flows ---- */

struct tap {
    struct path *path;
    struct path_capture *capture;
    struct pcapt_address host, peer;
    size_t *places, *starts; /* records by flow; starts[flow]..starts[flow + 1] */
    bool *used;              /* by flow */
};

/* Records by flow, without those that the capture or a network made of others. */
static void tap_sort(struct tap *tap)
{
    struct path_capture *capture = tap->capture;
    tap->places = malloc((capture->count + 1) * sizeof *tap->places);
    tap->starts = calloc(capture->flow_count + 2, sizeof *tap->starts);
    tap->used = calloc(capture->flow_count + 1, sizeof *tap->used);
    if (tap->places == NULL || tap->starts == NULL || tap->used == NULL) /* no memory */
        abort();
    size_t *next = tap->starts + 1;
    for (size_t i = 0; i < capture->count; i++) {
        const struct path_record *record = &capture->records[i];
        next[record->flow + 1] += !record->copy && !record->duplicate && !record->dropped;
    }
    for (size_t i = 1; i <= capture->flow_count; i++)
        next[i] += next[i - 1];
    for (size_t i = 0; i < capture->count; i++) {
        const struct path_record *record = &capture->records[i];
        if (!record->copy && !record->duplicate && !record->dropped)
            tap->places[next[record->flow]++] = i;
    }
}

static void tap_flow(struct tap *tap, uint32_t flow)
{
    const int end = tap_end_of(&tap->capture->flows[flow], &tap->host, &tap->peer);
    const size_t *places = tap->places + tap->starts[flow];
    const size_t count = tap->starts[flow + 1] - tap->starts[flow];
    bool pdus = false;

    if (end < 0 || count == 0)
        return;
    if (tap->capture->flows[flow].transport == PCAPT_OVER_TCP) {
        path_tcp(tap->path, tap->capture, places, count, end);
        tap->used[flow] = true;
        return;
    }
    for (size_t i = 0; i < count && !pdus; i++)
        pdus = tap->capture->records[places[i]].kind == PATH_PDU;
    if (pdus)
        path_pdus(tap->path, tap->capture, places, count, end);
    tap->used[flow] = pdus;
}

/* ---- the packets of the flows, in their order ---- */

static struct path_step *tap_step(struct path_way *way)
{
    way->steps = path_grow(way->steps, way->count, &way->capacity, sizeof *way->steps);
    way->steps[way->count] = (struct path_step){0};
    return &way->steps[way->count++];
}

static void tap_packet(struct tap *tap, const struct path_record *record, int way, uint64_t ns)
{
    struct path_way *into = &tap->path->ways[way];

    for (uint32_t i = 0; i < record->before; i++)
        *tap_step(into) = (struct path_step){
            .at_ns = record->at_ns, .delay_ns = ns, .size = record->wire, .lost = true};
    *tap_step(into) = (struct path_step){.at_ns = record->at_ns,
                                         .delay_ns = ns,
                                         .size = record->wire,
                                         .lost = record->lost,
                                         .late = record->late};
    into->counts.packets++;
    into->counts.bytes += record->wire;
}

/* Copies and duplicates are no packets of their own. true: it was one. */
static bool tap_is_copy(struct path_way *way, const struct path_record *record)
{
    way->counts.mirrored += record->copy;
    if (record->duplicate && way->count > 0) { /* and no copy */
        way->counts.duplicates++;
        way->steps[way->count - 1].copies += /* it comes right behind */
            way->steps[way->count - 1].copies < TAP_COPIES_MAX;
    }
    return record->copy || record->duplicate || record->dropped;
}

static void tap_steps(struct tap *tap)
{
    struct path *path = tap->path;
    const struct path_samples *trips[2] = {&path->ways[0].trips, &path->ways[1].trips};
    size_t at[2] = {0, 0};

    for (int way = 0; way < 2; way++)
        if (path->ways[way].trips.count > 0)
            qsort(path->ways[way].trips.at, path->ways[way].trips.count,
                  sizeof *path->ways[way].trips.at, tap_by_time);
    for (size_t i = 0; i < tap->capture->count; i++) {
        const struct path_record *record = &tap->capture->records[i];
        const int way = path_way_of(tap->capture, record, &tap->host, &tap->peer);
        if (way < 0 || !tap->used[record->flow] || tap_is_copy(&path->ways[way], record))
            continue;
        const uint64_t there = tap_known(trips[0], &at[0], record->at_ns);
        const uint64_t back = tap_known(trips[1], &at[1], record->at_ns);
        const bool first = path->ways[0].count + path->ways[1].count == 0;
        if (first || record->at_ns < path->first_ns)
            path->first_ns = record->at_ns;
        path->last_ns = record->at_ns > path->last_ns ? record->at_ns : path->last_ns;
        tap_packet(tap, record, way, (there + back) / 2);
    }
    for (int way = 0; way < 2; way++) {
        path->ways[way].has_losses = path->ways[way].counts.data > 0;
        path->ways[way].has_delays = trips[0]->count + trips[1]->count > 0;
    }
}

static void tap_free(struct path_way *way)
{
    free(way->steps);
    free(way->trips.at);
    free(way->opportunities);
}

/* The longest stream of RTP of each way. */
static bool tap_streams(struct tap *tap)
{
    size_t best[2] = {0, 0}, *mine = malloc((tap->capture->count + 1) * sizeof *mine);
    bool found = false;

    if (mine == NULL) /* no memory */
        abort();
    for (int way = 0; way < 2; way++) {
        for (uint32_t flow = 0; flow < tap->capture->flow_count; flow++) {
            const int end = tap_end_of(&tap->capture->flows[flow], &tap->host, &tap->peer);
            size_t count = 0;
            for (size_t i = tap->starts[flow]; end >= 0 && i < tap->starts[flow + 1]; i++) {
                const struct path_record *record = &tap->capture->records[tap->places[i]];
                if (record->kind == PATH_RTP && (record->back != end) == way)
                    mine[count++] = tap->places[i];
            }
            struct path trial = {0};
            if (count <= best[way] || !path_rtp(&trial, tap->capture, mine, count, way))
                continue;
            tap_free(&tap->path->ways[way]);
            best[way] = count;
            tap->path->ways[way] = trial.ways[way];
            found = true;
        }
    }
    free(mine);
    return found;
}

bool path_of_tap(struct path *path, struct path_capture *capture, const struct pcapt_address *host,
                 const struct pcapt_address *peer)
{
    struct tap tap = {.path = path, .capture = capture, .host = *host, .peer = *peer};
    size_t acked = 0, streamed = 0;

    *path = (struct path){.source = PATH_OF_TAP, .host = *host};
    if (capture->flow_count == 0)
        return false;
    tap_sort(&tap);
    for (uint32_t flow = 0; flow < capture->flow_count; flow++)
        tap_flow(&tap, flow);
    for (uint32_t flow = 0; flow < capture->flow_count; flow++) {
        path->flows += tap.used[flow];
        acked += tap.used[flow] ? tap.starts[flow + 1] - tap.starts[flow] : 0;
    }
    tap_steps(&tap);
    struct path stream = {.source = PATH_OF_STREAM, .host = *host};
    tap.path = &stream;
    if (tap_streams(&tap))
        streamed = stream.ways[0].counts.packets + stream.ways[1].counts.packets;
    if (streamed > acked) {
        path_free(path);
        *path = stream;
        for (int way = 0; way < 2; way++)
            if (stream.ways[way].count > 0) {
                const struct path_step *steps = stream.ways[way].steps;
                path->first_ns = path->flows++ == 0 || steps[0].at_ns < path->first_ns
                                     ? steps[0].at_ns
                                     : path->first_ns;
                path->last_ns = steps[stream.ways[way].count - 1].at_ns;
            }
    } else {
        path_free(&stream);
    }
    free(tap.places);
    free(tap.starts);
    free(tap.used);
    return path->ways[0].count + path->ways[1].count > 0;
}

void path_free(struct path *path)
{
    for (int way = 0; way < 2; way++)
        tap_free(&path->ways[way]);
}
