/* The same traffic captured where it is sent and where it arrives: by two machines, or by one file
 * whose flags say so, as the simulator's do. Packets are told by what they hold. Each has its own
 * delay then, and what never arrives is lost.
 *
 * Two clocks differ and drift: the least delays of both ways in each part of the time are taken for
 * equal, half of their difference for how far the clocks are apart, and a line is laid through
 * these. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "path.h"

enum {
    ENDS_PARTS = 32,
    ENDS_PART_MIN = 8,
    ENDS_PASSED_MAX = 1024,
    ENDS_ALIKE_MAX = 1024,
    ENDS_MATCHES_MIN = 4,
    ENDS_PPB_MAX = 100000000 /* a clock that gains more was set */
};

struct ends_event { /* of a packet, at one end */
    uint64_t content, at_ns, frame;
    uint64_t delay_ns; /* of one that was sent; UINT64_MAX: it did not arrive */
    uint32_t size;
    uint8_t copies;
};
struct ends_list {
    struct ends_event *at;
    size_t count, capacity;
};
struct ends {
    struct ends_list sent[2], arrived[2]; /* by way */
    uint64_t first_ns[2], last_ns[2];     /* of the capture where that way arrives */
    struct path *path;
};

/* ---- who saw what ---- */

static void ends_add(struct ends_list *list, const struct path_record *record)
{
    list->at = path_grow(list->at, list->count, &list->capacity, sizeof *list->at);
    list->at[list->count++] = (struct ends_event){record->content, record->at_ns, record->frame,
                                                  UINT64_MAX,      record->wire,  0};
}

/* Some are sent at the same moment: then as they were captured. */
static int ends_by_time(const void *a, const void *b)
{
    const struct ends_event *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static int ends_by_content(const void *a, const void *b)
{
    const struct ends_event *x = a, *y = b;
    if (x->content != y->content)
        return x->content < y->content ? -1 : 1;
    return ends_by_time(a, b);
}

static void ends_span(struct ends *ends, int way, const struct path_record *record)
{
    if (record->at_ns < ends->first_ns[way])
        ends->first_ns[way] = record->at_ns;
    ends->last_ns[way] = record->at_ns > ends->last_ns[way] ? record->at_ns : ends->last_ns[way];
}

/* `end` 0: made at the host; 1: at the peer; 2: at both, as flags say. */
static void ends_take(struct ends *ends, const struct path_capture *capture, int end,
                      const struct pcapt_address *host, const struct pcapt_address *peer)
{
    for (size_t i = 0; i < capture->count; i++) {
        const struct path_record *record = &capture->records[i];
        const int way = path_way_of(capture, record, host, peer);
        if (way < 0 || record->copy || record->dropped)
            continue;
        const bool arrives = end == 2 ? record->direction == PCAPT_INBOUND : way != end;
        ends_add(arrives ? &ends->arrived[way] : &ends->sent[way], record);
        if (end != 0) /* there arrives at the peer */
            ends_span(ends, 0, record);
        if (end != 1)
            ends_span(ends, 1, record);
    }
}

/* ---- the clocks ---- */

static size_t ends_group(const struct ends_list *list, size_t from)
{
    size_t to = from;
    while (to < list->count && list->at[to].content == list->at[from].content)
        to++;
    return to;
}

/* A list of nothing is at NULL, to which not even 0 may be added. */
static struct ends_event *ends_at(const struct ends_list *list, size_t place)
{
    return list->count > 0 ? list->at + place : NULL;
}

/* Calls back with each range of events of the same content. */
static void ends_groups(struct ends_list *sent, struct ends_list *arrived,
                        void (*each)(void *ctx, struct ends_event *sent, size_t sent_count,
                                     struct ends_event *arrived, size_t arrived_count),
                        void *ctx)
{
    size_t a = 0, b = 0;

    while (a < sent->count || b < arrived->count) {
        const bool has_a = a < sent->count, has_b = b < arrived->count;
        const uint64_t content = has_a && (!has_b || sent->at[a].content < arrived->at[b].content)
                                     ? sent->at[a].content
                                     : arrived->at[b].content;
        const size_t end_a = has_a && sent->at[a].content == content ? ends_group(sent, a) : a;
        const size_t end_b =
            has_b && arrived->at[b].content == content ? ends_group(arrived, b) : b;
        each(ctx, ends_at(sent, a), end_a - a, ends_at(arrived, b), end_b - b);
        a = end_a;
        b = end_b;
    }
}

struct ends_parts { /* the least apparent delay in each part of the time */
    uint64_t first_ns, last_ns, matches;
    int64_t least[ENDS_PARTS], all;
    uint64_t counts[ENDS_PARTS];
};

static void ends_single(void *ctx, struct ends_event *sent, size_t sent_count,
                        struct ends_event *arrived, size_t arrived_count)
{
    struct ends_parts *parts = ctx;

    if (sent_count != 1 || arrived_count != 1)
        return;
    const int64_t delay = (int64_t)(arrived->at_ns - sent->at_ns);
    const uint64_t span = parts->last_ns - parts->first_ns + 1;
    const uint64_t since = sent->at_ns > parts->first_ns ? sent->at_ns - parts->first_ns : 0;
    size_t part = (size_t)(since / (span / ENDS_PARTS + 1));
    part = part < ENDS_PARTS ? part : ENDS_PARTS - 1;
    if (parts->counts[part]++ == 0 || delay < parts->least[part])
        parts->least[part] = delay;
    if (parts->matches++ == 0 || delay < parts->all)
        parts->all = delay;
}

static int ends_by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* What a clock gains in that time. */
static int64_t ends_gain(int64_t ms, int64_t ppb)
{
    return ms / 1000 * ppb + ms % 1000 * ppb / 1000;
}

static int64_t ends_within(int64_t value, int64_t most)
{
    return value < -most ? -most : value > most ? most : value;
}

/* The line through what each part says: the median of all slopes, and of what is left. */
static void ends_line(struct path *path, const struct ends_parts parts[2])
{
    int64_t apart[ENDS_PARTS], at_ms[ENDS_PARTS], slopes[ENDS_PARTS * ENDS_PARTS / 2];
    const uint64_t part_ms = ((parts[0].last_ns - parts[0].first_ns) / ENDS_PARTS + 1) / 1000000;
    size_t count = 0, slope_count = 0;

    for (size_t i = 0; i < ENDS_PARTS; i++)
        if (parts[0].counts[i] >= ENDS_PART_MIN && parts[1].counts[i] >= ENDS_PART_MIN) {
            apart[count] = parts[0].least[i] / 2 - parts[1].least[i] / 2;
            at_ms[count++] = (int64_t)(part_ms * i + part_ms / 2);
        }
    if (count < 4 || part_ms == 0) {
        path->clock_ns = parts[0].all / 2 - parts[1].all / 2;
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++) /* ns in a ms is thousands of ppb */
            slopes[slope_count++] = ends_within(apart[k] / 2 - apart[i] / 2, INT64_MAX / 2000) *
                                    2000 / (at_ms[k] - at_ms[i]);
    qsort(slopes, slope_count, sizeof slopes[0], ends_by_number);
    path->clock_ppb = ends_within(slopes[slope_count / 2], ENDS_PPB_MAX);
    for (size_t i = 0; i < count; i++)
        apart[i] -= ends_gain(at_ms[i], path->clock_ppb);
    qsort(apart, count, sizeof apart[0], ends_by_number);
    path->clock_ns = apart[count / 2];
}

/* How far the far clock is ahead at that time of it, or nearly; what no clock says wraps. */
static int64_t ends_apart(const struct path *path, uint64_t first_ns, uint64_t at_ns)
{
    const int64_t ms = (int64_t)(at_ns - first_ns) / 1000000;
    return (int64_t)((uint64_t)path->clock_ns + (uint64_t)ends_gain(ms, path->clock_ppb));
}

/* What the far machine noted, by the near clock. */
static void ends_by_near(struct ends *ends, struct ends_list *list, uint64_t first_ns)
{
    for (size_t i = 0; i < list->count; i++)
        list->at[i].at_ns -= (uint64_t)ends_apart(ends->path, first_ns, list->at[i].at_ns);
    if (list->count > 1)
        qsort(list->at, list->count, sizeof *list->at, ends_by_content);
}

/* false: nothing matches. */
static bool ends_clocks(struct ends *ends)
{
    struct path *path = ends->path;
    struct ends_parts parts[2] = {{0}};

    for (int way = 0; way < 2; way++) {
        parts[way].first_ns = path->first_ns;
        parts[way].last_ns = path->last_ns;
        ends_groups(&ends->sent[way], &ends->arrived[way], ends_single, &parts[way]);
    }
    if (parts[0].matches + parts[1].matches < ENDS_MATCHES_MIN)
        return false;
    if (!path->two_files)
        return true;
    path->clock_known = parts[0].matches > 0 && parts[1].matches > 0;
    if (path->clock_known)
        ends_line(path, parts);
    else /* one way alone: its shortest delay is taken for none at all */
        path->clock_ns =
            parts[0].matches > 0 ? parts[0].all : (int64_t)(0 - (uint64_t)parts[1].all);
    ends_by_near(ends, &ends->arrived[0], path->first_ns);
    ends_by_near(ends, &ends->sent[1], path->first_ns);
    ends->first_ns[0] -= (uint64_t)ends_apart(path, path->first_ns, ends->first_ns[0]);
    ends->last_ns[0] -= (uint64_t)ends_apart(path, path->first_ns, ends->last_ns[0]);
    return true;
}

/* ---- matching ---- */

struct ends_match {
    uint64_t least_ns, most_ns; /* what packets take of which there is no doubt */
    uint64_t unmatched;
};

static void ends_bounds(void *ctx, struct ends_event *sent, size_t sent_count,
                        struct ends_event *arrived, size_t arrived_count)
{
    struct ends_match *match = ctx;

    if (sent_count != 1 || arrived_count != 1)
        return;
    const uint64_t ns = arrived->at_ns > sent->at_ns ? arrived->at_ns - sent->at_ns : 0;
    match->least_ns = ns < match->least_ns ? ns : match->least_ns;
    match->most_ns = ns > match->most_ns ? ns : match->most_ns;
}

/* Whether it may be: no sooner than any other, and not twice as late. */
static bool ends_may_be(const struct ends_match *match, const struct ends_event *sent,
                        uint64_t at_ns)
{
    return sent->at_ns + match->least_ns <= at_ns && at_ns - sent->at_ns <= 2 * match->most_ns;
}

/* The last that was sent early enough to arrive then; `taken`: whether or not it has arrived. */
static struct ends_event *ends_last(const struct ends_match *match, struct ends_event *sent,
                                    size_t count, uint64_t at_ns, bool taken)
{
    for (size_t i = count; i-- > 0;)
        if (taken ? sent[i].at_ns + match->least_ns <= at_ns
                  : sent[i].delay_ns == UINT64_MAX && ends_may_be(match, &sent[i], at_ns))
            return &sent[i];
    return NULL;
}

/* In their order, for as long as each is sent before it arrives. */
static void ends_alike(struct ends_match *match, struct ends_event *sent, size_t sent_count,
                       const struct ends_event *arrived, size_t arrived_count)
{
    size_t at = 0;

    for (size_t i = 0; i < sent_count; i++) {
        while (at < arrived_count && arrived[at].at_ns < sent[i].at_ns) {
            match->unmatched++;
            at++;
        }
        if (at < arrived_count)
            sent[i].delay_ns = arrived[at++].at_ns - sent[i].at_ns;
    }
    match->unmatched += arrived_count - at;
}

/* As many as were sent arrived: in their order, if that may be. Else from the last arrival back: it
 * is of the last that was sent early enough and has not arrived; where there is none it is a
 * duplicate. */
static void ends_pair(void *ctx, struct ends_event *sent, size_t sent_count,
                      struct ends_event *arrived, size_t arrived_count)
{
    struct ends_match *match = ctx;
    bool in_order = sent_count == arrived_count;

    if (sent_count > ENDS_ALIKE_MAX || arrived_count > ENDS_ALIKE_MAX) { /* nobody knows which */
        ends_alike(match, sent, sent_count, arrived, arrived_count);
        return;
    }

    for (size_t i = 0; i < sent_count && in_order; i++)
        in_order = sent_count == 1 || ends_may_be(match, &sent[i], arrived[i].at_ns);
    for (size_t i = arrived_count; i-- > 0;) {
        const uint64_t at = arrived[i].at_ns;
        struct ends_event *one =
            in_order ? &sent[i] : ends_last(match, sent, sent_count, at, false);
        if (one == NULL)
            one = ends_last(match, sent, sent_count, at, true);
        if (one == NULL) {
            match->unmatched++;
            continue;
        }
        one->copies += one->delay_ns != UINT64_MAX && one->copies < 16;
        one->delay_ns = at > one->at_ns ? at - one->at_ns : 0; /* the first of them is it */
    }
}

/* ---- the way ---- */

static void ends_late(struct path_way *way)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = way->count; i-- > 0;) {
        struct path_step *step = &way->steps[i];
        const uint64_t arrives = step->at_ns + step->delay_ns;
        if (step->lost)
            continue;
        if (arrives <= least) {
            least = arrives;
            continue;
        }
        uint64_t passed = 0;
        for (size_t k = i + 1; k < way->count && k <= i + ENDS_PASSED_MAX; k++)
            passed += !way->steps[k].lost && way->steps[k].at_ns + way->steps[k].delay_ns < arrives;
        step->late = true;
        way->counts.late++;
        way->counts.late_by_max =
            passed > way->counts.late_by_max ? passed : way->counts.late_by_max;
    }
}

static void ends_way(struct ends *ends, int number)
{
    struct path_way *way = &ends->path->ways[number];
    struct ends_list *sent = &ends->sent[number], *arrived = &ends->arrived[number];
    struct ends_match match = {.least_ns = UINT64_MAX};
    uint64_t delay_ns = 0;

    ends_groups(sent, arrived, ends_bounds, &match);
    match.least_ns = match.least_ns == UINT64_MAX ? 0 : match.least_ns;
    if (ends->path->clock_known) /* as if the shortest round trip were all of it one way */
        ends->path->clock_error_ns += match.least_ns / 2;
    ends_groups(sent, arrived, ends_pair, &match);
    way->counts.unmatched = match.unmatched;
    if (sent->count > 1)
        qsort(sent->at, sent->count, sizeof *sent->at, ends_by_time);
    for (size_t i = 0; i < sent->count; i++) {
        const struct ends_event *event = &sent->at[i];
        const bool lost = event->delay_ns == UINT64_MAX;
        if (lost && (event->at_ns < ends->first_ns[number] ||
                     event->at_ns + match.least_ns > ends->last_ns[number])) {
            way->counts.beyond++;
            continue;
        }
        delay_ns = lost ? delay_ns : event->delay_ns;
        way->steps = path_grow(way->steps, way->count, &way->capacity, sizeof *way->steps);
        way->steps[way->count++] = (struct path_step){.at_ns = event->at_ns,
                                                      .delay_ns = delay_ns,
                                                      .size = event->size,
                                                      .copies = event->copies,
                                                      .lost = lost};
        way->counts.packets++;
        way->counts.bytes += event->size;
        way->counts.duplicates += event->copies;
        way->counts.lost_behind += lost;
    }
    ends_late(way);
    way->has_delays = way->has_losses = way->count > 0;
}

/* Whether flags show packets both as they were sent and as they arrived. */
static bool ends_both(const struct ends *ends)
{
    for (int way = 0; way < 2; way++)
        if (ends->sent[way].count > 0 && ends->arrived[way].count * 4 > ends->sent[way].count)
            return true;
    return false;
}

bool path_of_ends(struct path *path, struct path_capture *near, struct path_capture *far,
                  const struct pcapt_address *host, const struct pcapt_address *peer)
{
    struct ends ends = {.first_ns = {UINT64_MAX, UINT64_MAX}, .path = path};
    bool matches = true;

    *path = (struct path){.source = PATH_OF_ENDS, .host = *host, .two_files = far != NULL};
    ends_take(&ends, near, far == NULL ? 2 : 0, host, peer);
    path->flows = near->flow_count;
    for (size_t i = 0; i < near->count; i++) {
        const uint64_t at = near->records[i].at_ns;
        path->first_ns = i == 0 || at < path->first_ns ? at : path->first_ns;
        path->last_ns = at > path->last_ns ? at : path->last_ns;
    }
    if (far != NULL)
        ends_take(&ends, far, 1, host, peer);
    else
        matches = ends_both(&ends);
    for (int way = 0; way < 2; way++) {
        struct ends_list *lists[] = {&ends.sent[way], &ends.arrived[way]};
        for (int i = 0; i < 2; i++)
            if (lists[i]->count > 1)
                qsort(lists[i]->at, lists[i]->count, sizeof *lists[i]->at, ends_by_content);
    }
    matches = matches && ends_clocks(&ends);
    for (int way = 0; way < 2; way++) {
        if (matches)
            ends_way(&ends, way);
        free(ends.sent[way].at);
        free(ends.arrived[way].at);
    }
    return matches;
}
