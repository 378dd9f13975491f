/* The messages of a benchmark world and the check of what arrives: see world.h. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORLD_SLICE_STEP = 64,
    WORLD_EDGE = 8, /* bytes compared at either end of a delivery */
    /* Payload under way at a time: ENet's largest window for one session, some such windows where
     * there are many sessions. The rings have four times as much. */
    WORLD_IN_FLIGHT_ONE = 65536,
    WORLD_IN_FLIGHT_MANY = 4 * 65536,
    WORLD_RING_FACTOR = 4,
};

static uint32_t world_slice(uint32_t session, uint32_t k)
{
    return (session + k) % WORLD_SLICES;
}

static bool world_fill_source(struct bench_world *world)
{
    size_t size = world->cell.message_size + (size_t)WORLD_SLICES * WORLD_SLICE_STEP;
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);

    world->source = malloc(size);
    if (world->source == NULL)
        return false;
    for (size_t i = 0; i < size; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        world->source[i] = (uint8_t)(random >> 56);
    }
    return true;
}

bool world_init(struct bench_world *world, const struct bench_cell *cell)
{
    uint64_t in_flight_bytes = cell->sessions == 1 ? WORLD_IN_FLIGHT_ONE : WORLD_IN_FLIGHT_MANY;

    *world = (struct bench_world){.cell = *cell};
    world->in_flight_max = in_flight_bytes / cell->message_size + 1;
    world->sent = calloc(cell->sessions, sizeof *world->sent);
    world->received = calloc(cell->sessions, sizeof *world->received);
    return link_init(&world->link, in_flight_bytes * WORLD_RING_FACTOR, cell->loss_percent) &&
           world->sent != NULL && world->received != NULL && world_fill_source(world);
}

void world_fini(struct bench_world *world)
{
    bench_link_fini(&world->link);
    free(world->source);
    free(world->sent);
    free(world->received);
}

const uint8_t *world_message(const struct bench_world *world, uint32_t session, uint32_t k)
{
    return world->source + (size_t)world_slice(session, k) * WORLD_SLICE_STEP;
}

/* Whether a piece of a message is the one that was sent: all its bytes, or those at its ends. */
static bool world_is_same(const struct bench_world *world, struct sipc_span data,
                          const uint8_t *expected)
{
    size_t last = data.size - WORLD_EDGE;

    if (world->every_byte || data.size < WORLD_EDGE)
        return memcmp(data.data, expected, data.size) == 0;
    return memcmp(data.data, expected, WORLD_EDGE) == 0 &&
           memcmp(data.data + last, expected + last, WORLD_EDGE) == 0;
}

void world_delivered(struct bench_world *world, uint32_t session, struct sipc_span data)
{
    struct bench_arrival *arrival = &world->received[session];
    const uint8_t *message = world_message(world, session, arrival->messages);
    uint32_t left = world->cell.message_size - arrival->bytes;

    if (data.size > left)
        world_fail(world, "message %u of session %u: %zu bytes came where %u were missing",
                   arrival->messages, session, data.size, left);
    else if (!world_is_same(world, data, message + arrival->bytes))
        world_fail(world, "message %u of session %u: other bytes came than were sent",
                   arrival->messages, session);
    arrival->bytes += (uint32_t)data.size;
    if (arrival->bytes < world->cell.message_size)
        return;
    arrival->bytes = 0;
    arrival->messages++;
    world->delivered++;
}

void world_fail(struct bench_world *world, const char *format, ...)
{
    va_list args;

    if (world_failed(world))
        return;
    va_start(args, format);
    vsnprintf(world->error, sizeof world->error, format, args);
    va_end(args);
}
