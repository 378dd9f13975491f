/* RTP seen at one place (RFC 3550): what its numbers skip was lost before it, what comes behind a
 * higher number is late, and what a packet is later than its timestamp says, beside the most
 * punctual one, is delay. How long the shortest delay is cannot be told. SPDX-License-Identifier:
 * MIT */
#include <stdlib.h>

#include "path.h"

enum { RTP_PACKETS_MIN = 10, RTP_SKIP_MAX = 1000, RTP_SPAN_MAX = 4 };

struct rtp_place { /* of one number */
    uint64_t at_ns;
    int64_t transit_ns;
    int64_t media_ns; /* of its timestamp, since the first */
    uint32_t size;
    uint8_t copies;
    bool came, late;
};
struct rtp {
    const struct path_record *records;
    const size_t *places;
    size_t count;
    uint32_t source, clock_hz;
    int64_t first, last; /* numbers, without wrapping */
};

/* The next number without wrapping, near to `before`. */
static int64_t rtp_number(int64_t before, uint32_t seq)
{
    return before + (int16_t)(uint16_t)(seq - (uint32_t)before);
}

/* The source that most packets have, and whether its numbers go on as RTP's do. */
static bool rtp_is(struct rtp *rtp)
{
    size_t mine = 0, steady = 0;
    int64_t number = 0;

    rtp->source = rtp->records[rtp->places[rtp->count / 2]].rtp_source;
    for (size_t i = 0; i < rtp->count; i++) {
        const struct path_record *record = &rtp->records[rtp->places[i]];
        if (record->rtp_source != rtp->source)
            continue;
        const int64_t next = mine == 0 ? record->seq : rtp_number(number, record->seq);
        if (mine == 0)
            rtp->first = rtp->last = next;
        else if (next - number > -RTP_SKIP_MAX && next - number < RTP_SKIP_MAX)
            steady++;
        rtp->first = next < rtp->first ? next : rtp->first;
        rtp->last = next > rtp->last ? next : rtp->last;
        number = next;
        mine++;
    }
    return mine >= RTP_PACKETS_MIN && mine * 10 >= rtp->count * 9 && steady + 1 == mine &&
           (uint64_t)(rtp->last - rtp->first) < mine * RTP_SPAN_MAX;
}

/* Of static types by RFC 3551; of others what their timestamps come nearest to. */
static uint32_t rtp_clock(const struct rtp *rtp)
{
    static const uint32_t rates[] = {8000, 16000, 24000, 32000, 44100, 48000, 90000};
    const struct path_record *first = &rtp->records[rtp->places[0]];
    const struct path_record *last = &rtp->records[rtp->places[rtp->count - 1]];
    const uint64_t ms = (last->at_ns - first->at_ns) / 1000000;
    const uint64_t ticks = last->rtp_stamp - first->rtp_stamp;
    uint32_t best = rates[0];

    if (first->rtp_type <= 34)
        return first->rtp_type == 10 || first->rtp_type == 11   ? 44100
               : first->rtp_type == 14 || first->rtp_type >= 25 ? 90000
                                                                : 8000;
    const uint64_t rate = ms > 0 ? ticks * 1000 / ms : 0;
    for (size_t i = 1; i < sizeof rates / sizeof rates[0]; i++)
        if (llabs((long long)rate - rates[i]) < llabs((long long)rate - best))
            best = rates[i];
    return best;
}

/* Fills the places, in the order in which packets came. */
static void rtp_fill(struct rtp *rtp, struct rtp_place *out, struct path_counts *counts)
{
    const int64_t hz = rtp->clock_hz;
    int64_t number = rtp->first, highest = rtp->first - 1, ticks = 0, before_ns = 0;
    uint64_t jitter = 0; /* sixteenths of a ns */
    uint32_t stamp = 0;
    bool any = false;

    for (size_t i = 0; i < rtp->count; i++) {
        const struct path_record *record = &rtp->records[rtp->places[i]];
        if (record->rtp_source != rtp->source)
            continue;
        number = any ? rtp_number(number, record->seq) : record->seq; /* as rtp_is counts */
        ticks += any ? (int32_t)(record->rtp_stamp - stamp) : 0;
        stamp = record->rtp_stamp;
        const int64_t media_ns = ticks / hz * 1000000000 + ticks % hz * 1000000000 / hz;
        const int64_t transit = (int64_t)record->at_ns - media_ns;
        if (any) {
            const uint64_t change = (uint64_t)llabs(transit - before_ns);
            jitter += change - jitter / 16;
        }
        before_ns = transit;
        any = true;
        struct rtp_place *place = &out[number - rtp->first];
        if (place->came) {
            place->copies += place->copies < 16;
            counts->duplicates++;
            continue;
        }
        *place = (struct rtp_place){record->at_ns, transit,         media_ns, record->wire, 0,
                                    true,          number < highest};
        if (number < highest) {
            const uint64_t by = (uint64_t)(highest - number);
            counts->late++;
            counts->late_by_max = by > counts->late_by_max ? by : counts->late_by_max;
        }
        highest = number > highest ? number : highest;
    }
    counts->jitter_ns = jitter / 16;
}

bool path_rtp(struct path *path, struct path_capture *capture, const size_t *places, size_t count,
              int way)
{
    struct rtp rtp = {.records = capture->records, .places = places, .count = count};
    struct path_way *into = &path->ways[way];

    if (count < RTP_PACKETS_MIN || !rtp_is(&rtp))
        return false;
    rtp.clock_hz = into->counts.clock_hz = rtp_clock(&rtp);
    const size_t span = (size_t)(rtp.last - rtp.first) + 1;
    struct rtp_place *numbers = calloc(span, sizeof *numbers);
    if (numbers == NULL)
        abort();
    rtp_fill(&rtp, numbers, &into->counts);
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < span; i++)
        if (numbers[i].came && numbers[i].transit_ns < least)
            least = numbers[i].transit_ns;
    struct path_step step = {0};
    for (size_t i = 0; i < span; i++) {
        const struct rtp_place *place = &numbers[i];
        if (place->came)
            step = (struct path_step){.at_ns = (uint64_t)(least + place->media_ns),
                                      .delay_ns = (uint64_t)(place->transit_ns - least),
                                      .size = place->size,
                                      .copies = place->copies,
                                      .late = place->late};
        step.lost = !place->came;
        if (step.lost)
            step.copies = 0, step.late = false;
        into->counts.lost_before += step.lost;
        into->counts.packets += place->came;
        into->counts.bytes += place->size;
        into->steps = path_grow(into->steps, into->count, &into->capacity, sizeof *into->steps);
        into->steps[into->count++] = step;
    }
    free(numbers);
    into->has_delays = into->has_losses = true;
    return true;
}
