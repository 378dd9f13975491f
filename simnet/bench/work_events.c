/* Bare events, by the hold model: the least is taken off and another put in, 0 to 2^20-1 ns later,
 * so that as many are always pending. `queue` is the order of events alone; `timers` is the whole
 * loop of a world: hosts that want nothing but to be woken. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "calendar.h"
#include "sim_rows.h"
#include "simnet/world.h"

enum { DELAY_MASK = (1 << 20) - 1, EVENTS_WARM_UP = 4 };

/* As in a world an event goes to its handler by what it says of itself. */
struct queue {
    struct simnet_calendar calendar;
    struct simnet_prng prng;
    uint64_t sequence, now;
    void (*handlers[2])(struct queue *queue);
};

static void queue_put(struct queue *queue)
{
    uint64_t draw = simnet_prng_next(&queue->prng);
    uint64_t order = queue->sequence++ << 1 | draw >> 63;

    simnet_calendar_push(&queue->calendar,
                         (struct simnet_heap_entry){queue->now + (draw & DELAY_MASK), order});
}

static bool queue_work(void *self, uint64_t units, struct sim_done *done)
{
    struct queue *queue = self;
    uint64_t begin = queue->now;

    for (uint64_t i = 0; i < units; i++) {
        struct simnet_heap_entry entry = simnet_calendar_pop(&queue->calendar);
        queue->now = entry.time;
        queue->handlers[entry.order & 1](queue);
    }
    *done = (struct sim_done){.units = units, .simulated_ns = queue->now - begin};
    return true;
}

static void queue_close(void *self)
{
    struct queue *queue = self;

    if (queue != NULL)
        simnet_calendar_fini(&queue->calendar);
    free(queue);
}

static void *queue_open(uint64_t size)
{
    struct queue *queue = calloc(1, sizeof *queue);
    struct sim_done done;

    if (queue == NULL)
        return NULL;
    simnet_calendar_init(&queue->calendar);
    simnet_prng_seed(&queue->prng, 1);
    queue->handlers[0] = queue->handlers[1] = queue_put;
    for (uint64_t i = 0; i < size; i++)
        queue_put(queue);
    queue_work(queue, EVENTS_WARM_UP * size, &done);
    return queue;
}

static int queue_ns3(uint64_t size, const char *scheduler, char *out, size_t out_size)
{
    return snprintf(out, out_size, "scheduler ns3::%sScheduler %" PRIu64, scheduler, size);
}

const struct sim_kind sim_queue = {queue_open, queue_work, queue_close, queue_ns3};

/* ---- through a world ---- */

struct timers;
struct timer {
    struct timers *all;
    sipc_time deadline;
};
struct timers {
    struct simnet_world *world;
    struct simnet_prng prng;
    struct timer *timers;
    uint64_t fired;
};

static void timer_set(struct timer *timer, sipc_time now)
{
    timer->deadline = now + (simnet_prng_next(&timer->all->prng) & DELAY_MASK);
}

static void timer_advance(void *self, sipc_time now)
{
    struct timer *timer = self;

    timer->all->fired++;
    timer_set(timer, now);
}

static sipc_time timer_deadline(const void *self)
{
    const struct timer *timer = self;

    return timer->deadline;
}

static bool timers_work(void *self, uint64_t units, struct sim_done *done)
{
    enum { SLICE_NS = 10000 };
    struct timers *timers = self;
    uint64_t before = timers->fired;
    sipc_time begin = simnet_world_now(timers->world);

    while (timers->fired - before < units)
        simnet_world_run(timers->world, simnet_world_now(timers->world) + SLICE_NS);
    *done = (struct sim_done){.units = timers->fired - before,
                              .simulated_ns = simnet_world_now(timers->world) - begin};
    return true;
}

static void timers_close(void *self)
{
    struct timers *timers = self;

    if (timers != NULL) {
        simnet_world_free(timers->world);
        free(timers->timers);
    }
    free(timers);
}

static void *timers_open(uint64_t size)
{
    static const struct simnet_driver driver = {.advance = timer_advance,
                                                .deadline = timer_deadline};
    struct timers *timers = calloc(1, sizeof *timers);
    struct simnet_config config;
    struct sim_done done;

    if (timers == NULL || (timers->timers = calloc(size, sizeof *timers->timers)) == NULL) {
        free(timers);
        return NULL;
    }
    simnet_config_default(&config);
    config.event_max = UINT64_MAX;
    timers->world = simnet_world_new(&config);
    simnet_prng_seed(&timers->prng, 1);
    for (uint64_t i = 0; i < size; i++) {
        timers->timers[i].all = timers;
        timer_set(&timers->timers[i], 0);
        simnet_host_add(timers->world, NULL, &driver, &timers->timers[i]);
    }
    timers_work(timers, EVENTS_WARM_UP * size, &done);
    return timers;
}

static int timers_ns3(uint64_t size, const char *scheduler, char *out, size_t out_size)
{
    return snprintf(out, out_size, "events ns3::%sScheduler %" PRIu64, scheduler, size);
}

const struct sim_kind sim_timers = {timers_open, timers_work, timers_close, timers_ns3};
