/* The events to come, in the total order of heap.h, and quickly also where there are very many.
 * What comes next waits in a heap that is kept small. What comes later waits unordered: in buckets
 * of equal width, which become the heap one after the other, and behind the last of them in a pile,
 * of which the nearer half is dealt into new buckets when there is none left. Widths only decide
 * how much work it is, never the order. Few events are all in the heap. */
#ifndef SIMNET_SRC_CALENDAR_H
#define SIMNET_SRC_CALENDAR_H

#include "heap.h"

struct simnet_pile {
    struct simnet_heap_entry *entries;
    size_t count, capacity;
};

struct simnet_calendar {
    struct simnet_heap near;      /* all before near_end */
    uint64_t near_end, far_start; /* in between: buckets from `next` on; from far_start: far */
    uint64_t base;                /* bucket i begins at (base + i) << shift */
    unsigned shift;
    uint32_t next, bucket_count;
    size_t count;
    size_t near_max;             /* more than that in the heap: deal anew */
    struct simnet_pile *buckets; /* NULL until there are many events */
    struct simnet_pile far;
};

void simnet_calendar_init(struct simnet_calendar *calendar);
void simnet_calendar_fini(struct simnet_calendar *calendar);
void simnet_calendar_refill(struct simnet_calendar *calendar); /* the heap, if it is empty */
void simnet_calendar_put_later(struct simnet_calendar *calendar, struct simnet_heap_entry entry);
void simnet_calendar_deal_anew(struct simnet_calendar *calendar);

/* entry.time must be less than UINT64_MAX. */
static inline void simnet_calendar_push(struct simnet_calendar *calendar,
                                        struct simnet_heap_entry entry)
{
    calendar->count++;
    if (entry.time >= calendar->near_end) {
        simnet_calendar_put_later(calendar, entry);
        return;
    }
    simnet_heap_push(&calendar->near, entry);
    if (calendar->near.count > calendar->near_max)
        simnet_calendar_deal_anew(calendar);
}

/* The least entry; the calendar must not be empty. */
static inline struct simnet_heap_entry simnet_calendar_first(struct simnet_calendar *calendar)
{
    if (calendar->near.count == 0)
        simnet_calendar_refill(calendar);
    return calendar->near.entries[0];
}

/* Takes it off. */
static inline struct simnet_heap_entry simnet_calendar_pop(struct simnet_calendar *calendar)
{
    if (calendar->near.count == 0)
        simnet_calendar_refill(calendar);
    calendar->count--;
    return simnet_heap_pop(&calendar->near);
}

#endif
