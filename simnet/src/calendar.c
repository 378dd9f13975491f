/* See calendar.h. */
#include "calendar.h"

#include <stdlib.h>

#include "containers.h"
#include "sipc/base.h"

enum {
    CALENDAR_BUCKETS = 4096,
    CALENDAR_BUCKET_EVENTS = 2, /* so many in a bucket, about, when they are dealt */
    CALENDAR_FEW = 64,          /* are not worth dealing */
    CALENDAR_NEAR = 256,        /* as many in the heap are fine */
    CALENDAR_SAMPLES = 64,
};

void simnet_calendar_init(struct simnet_calendar *calendar)
{
    *calendar = (struct simnet_calendar){
        .near_end = UINT64_MAX, .far_start = UINT64_MAX, .near_max = CALENDAR_NEAR};
    simnet_heap_init(&calendar->near);
}

void simnet_calendar_fini(struct simnet_calendar *calendar)
{
    simnet_heap_fini(&calendar->near);
    for (size_t i = 0; calendar->buckets != NULL && i < CALENDAR_BUCKETS; i++)
        free(calendar->buckets[i].entries);
    free(calendar->buckets);
    free(calendar->far.entries);
    *calendar = (struct simnet_calendar){0};
}

static void pile_push(struct simnet_pile *pile, struct simnet_heap_entry entry)
{
    if (pile->count == pile->capacity)
        pile->entries =
            simnet_grow(pile->entries, pile->count, &pile->capacity, sizeof *pile->entries);
    pile->entries[pile->count++] = entry;
}

void simnet_calendar_put_later(struct simnet_calendar *calendar, struct simnet_heap_entry entry)
{
    if (entry.time < calendar->far_start)
        pile_push(&calendar->buckets[(entry.time >> calendar->shift) - calendar->base], entry);
    else
        pile_push(&calendar->far, entry);
}

/* ---- dealing ---- */

/* When a bucket begins; where that is beyond all time, its end. */
static uint64_t calendar_begin(const struct simnet_calendar *calendar, uint32_t bucket)
{
    if (bucket > (UINT64_MAX >> calendar->shift) - calendar->base)
        return UINT64_MAX;
    return (calendar->base + bucket) << calendar->shift;
}

static int calendar_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* A time that about half of the pile is not after. */
static uint64_t calendar_median(const struct simnet_pile *pile)
{
    uint64_t samples[CALENDAR_SAMPLES];

    for (size_t i = 0; i < CALENDAR_SAMPLES; i++)
        samples[i] = pile->entries[i * pile->count / CALENDAR_SAMPLES].time;
    qsort(samples, CALENDAR_SAMPLES, sizeof samples[0], calendar_compare);
    return samples[CALENDAR_SAMPLES / 2];
}

/* Lays buckets out from the first event of the pile to its median. */
static void calendar_lay_out(struct simnet_calendar *calendar)
{
    const struct simnet_pile *far = &calendar->far;
    uint64_t first = UINT64_MAX;
    uint64_t wanted = far->count / 2 / CALENDAR_BUCKET_EVENTS;

    for (size_t i = 0; i < far->count; i++)
        if (far->entries[i].time < first)
            first = far->entries[i].time;
    uint64_t range = calendar_median(far) - first;
    if (wanted > CALENDAR_BUCKETS - 2)
        wanted = CALENDAR_BUCKETS - 2;
    calendar->shift = 0;
    while (range >> calendar->shift > wanted)
        calendar->shift++;
    calendar->base = first >> calendar->shift;
    calendar->bucket_count = (uint32_t)(range >> calendar->shift) + 2; /* first is in the midst */
    calendar->far_start = calendar_begin(calendar, calendar->bucket_count);
    if (calendar->buckets == NULL)
        calendar->buckets = simnet_allocate(CALENDAR_BUCKETS, sizeof *calendar->buckets);
}

/* The pile's nearer half into new buckets; a pile of a few into the heap. The heap and the buckets
 * before are empty. */
static void calendar_deal(struct simnet_calendar *calendar)
{
    struct simnet_pile *far = &calendar->far;
    size_t count = far->count;

    calendar->next = calendar->bucket_count = 0;
    if (count <= CALENDAR_FEW) {
        calendar->near_end = calendar->far_start = UINT64_MAX;
        for (size_t i = 0; i < count; i++)
            simnet_heap_push(&calendar->near, far->entries[i]);
        far->count = 0;
        return;
    }
    calendar_lay_out(calendar);
    far->count = 0;
    for (size_t i = 0; i < count; i++) /* what stays in the pile moves to the front */
        simnet_calendar_put_later(calendar, far->entries[i]);
}

void simnet_calendar_refill(struct simnet_calendar *calendar)
{
    SIPC_ASSERT(calendar->count > 0);
    while (calendar->near.count == 0) {
        if (calendar->next == calendar->bucket_count) {
            calendar_deal(calendar);
            continue;
        }
        struct simnet_pile *bucket = &calendar->buckets[calendar->next++];
        calendar->near_end = calendar_begin(calendar, calendar->next);
        for (size_t i = 0; i < bucket->count; i++)
            simnet_heap_push(&calendar->near, bucket->entries[i]);
        bucket->count = 0;
    }
    /* Dealing again pays only once there is far more than one bucket held. */
    calendar->near_max = 2 * calendar->near.count;
    if (calendar->near_max < CALENDAR_NEAR)
        calendar->near_max = CALENDAR_NEAR;
}

void simnet_calendar_deal_anew(struct simnet_calendar *calendar)
{
    for (size_t i = 0; i < calendar->near.count; i++)
        pile_push(&calendar->far, calendar->near.entries[i]);
    simnet_heap_clear(&calendar->near);
    for (; calendar->next < calendar->bucket_count; calendar->next++) {
        struct simnet_pile *bucket = &calendar->buckets[calendar->next];
        for (size_t i = 0; i < bucket->count; i++)
            pile_push(&calendar->far, bucket->entries[i]);
        bucket->count = 0;
    }
    simnet_calendar_refill(calendar);
}
