/* A snapshot is a memcpy: the same history gives the same bytes, at any address, and goes on from
 * any of them; and what is not held is zero, so that equal states are equal bytes.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../src/state.h"
#include "random.h"
#include "world.h"

enum { SEEDS = 3, STEPS = 700 };

/* A block of the world's settings, full of rubbish. */
static struct sipc_endpoint *rubbish_of(const struct world *world)
{
    size_t size = sipc_endpoint_size(world_config(world));
    void *block = malloc(size);

    assert_non_null(block);
    memset(block, 0xa5, size);
    return block;
}

static struct sipc_endpoint *fresh_of(const struct world *world)
{
    size_t size = sipc_endpoint_size(world_config(world));
    void *block = calloc(1, size);
    struct sipc_endpoint *ep;

    assert_non_null(block);
    assert_int_equal(sipc_endpoint_init(block, size, world_config(world), 0, &ep), SIPC_OK);
    return ep;
}

static void assert_same_bytes(const struct sipc_endpoint *a, const struct sipc_endpoint *b)
{
    size_t size = sipc_endpoint_snapshot_size(a);

    assert_int_equal(sipc_endpoint_snapshot_size(b), size);
    if (memcmp(a, b, size) != 0)
        assert_memory_equal(a, b, size);
}

typedef void (*history)(struct world *world, uint64_t seed);

static void for_each_history(history run)
{
    for (int profile = 0; profile < world_profile_count; profile++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct world *world = world_new(&world_profiles[profile], seed);
            assert_non_null(world);
            run(world, seed);
            world_free(world);
        }
}

static void step(struct world *world, struct world_event *event, uint64_t *actions)
{
    const char *broken = world_step(world, event, actions);

    if (broken != NULL)
        fail_msg("invariant broken: %s", broken);
}

static void run_twice(struct world *world, uint64_t seed)
{
    struct sipc_endpoint *copies[2] = {fresh_of(world), fresh_of(world)};

    (void)seed;
    for (int i = 0; i < STEPS; i++) {
        struct world_event event;
        uint64_t actions;
        step(world, &event, &actions);
        assert_int_equal(world_drain(copies[event.side], world_apply(copies[event.side], &event)),
                         actions);
        assert_same_bytes(world_endpoint(world, event.side), copies[event.side]);
    }
    free(copies[0]);
    free(copies[1]);
}

static void test_snapshot_when_a_history_runs_twice_then_the_same_bytes(void **state)
{
    (void)state;
    for_each_history(run_twice);
}

/* The copy lives in another block after every event. */
static void run_moving(struct world *world, uint64_t seed)
{
    struct sipc_endpoint *here = fresh_of(world);
    struct sipc_endpoint *there = rubbish_of(world);
    int side = (int)(seed % 2);

    for (int i = 0; i < STEPS; i++) {
        struct sipc_endpoint *left = here;
        struct world_event event;
        uint64_t actions;
        step(world, &event, &actions);
        if (event.side != side)
            continue;
        assert_int_equal(world_drain(here, world_apply(here, &event)), actions);
        assert_same_bytes(world_endpoint(world, side), here);
        memcpy(there, here, sipc_endpoint_snapshot_size(here));
        memset(left, 0x5a, sipc_endpoint_snapshot_size(here)); /* nobody may look back */
        here = there;
        there = left;
    }
    free(here);
    free(there);
}

static void test_snapshot_when_restored_elsewhere_at_every_step_then_it_goes_on(void **state)
{
    (void)state;
    for_each_history(run_moving);
}

/* Takes the copy back from a future that did not happen. */
static void run_back_in_time(struct world *world, uint64_t seed)
{
    struct sipc_endpoint *ep = fresh_of(world);
    struct sipc_endpoint *saved = rubbish_of(world);
    uint64_t random = seed;

    for (int i = 0; i < STEPS; i++) {
        struct world_event event;
        uint64_t actions;
        memcpy(saved, ep, sipc_endpoint_snapshot_size(ep));
        for (size_t n = random_below(&random, 4); n > 0; n--) {
            struct world_event other = {.kind = WORLD_ADVANCE, .now = SIPC_NEVER - 1};
            if (random_below(&random, 2) == 0)
                other = (struct world_event){.kind = WORLD_OPEN,
                                             .now = ep->now,
                                             .remote = 1 + n,
                                             .id = (unsigned)n,
                                             .preset = -1};
            (void)world_drain(ep, world_apply(ep, &other));
            if (other.kind == WORLD_ADVANCE)
                break; /* no time is left */
        }
        memcpy(ep, saved, sipc_endpoint_snapshot_size(saved));
        step(world, &event, &actions);
        if (event.side != 0)
            continue;
        assert_int_equal(world_drain(ep, world_apply(ep, &event)), actions);
        assert_same_bytes(world_endpoint(world, 0), ep);
    }
    free(ep);
    free(saved);
}

static void test_snapshot_when_taken_back_then_what_came_after_never_was(void **state)
{
    (void)state;
    for_each_history(run_back_in_time);
}

/* ---- what is not held ---- */

static void assert_zero(const void *bytes, size_t size, const char *what)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        if (at[i] != 0)
            fail_msg("byte %zu of %zu of %s is not zero", i, size, what);
}

static void check_session_rest(const struct sipc_endpoint *ep, const struct session *s)
{
    const struct sipc_config *c = &ep->config;
    const struct receiver *rx = &s->rx;
    uint32_t front = rx->group_data + rx->window_data;
    uint32_t back = rx->group_options + rx->window_options;

    assert_zero(arena_of(ep, s) + front, c->group_bytes_max - front - back, "the arena");
    assert_zero(positions_of(ep, s) + rx->end,
                (c->max_window_size - rx->end) * sizeof(struct position), "the positions");
    assert_zero(options_of(ep, s) + s->tx.op.option_size, c->attribute_limit - s->tx.op.option_size,
                "the options");
    assert_zero(pool_of(ep, s) + s->faf.pool_used, c->attribute_limit - s->faf.pool_used,
                "the pool");
    for (uint32_t i = s->faf.count; i < c->unreliable_queue; i++)
        assert_zero(&unreliable_of(ep, s)[(s->faf.first + i) % c->unreliable_queue],
                    sizeof(struct unreliable), "the queue");
    for (uint32_t i = s->close_count; i < CLOSE_REQUESTS_MAX; i++)
        assert_int_equal(s->close_handles[i], 0);
}

static void check_rest(const struct sipc_endpoint *ep)
{
    const uint32_t *heap = block_at(ep, ep->heap_offset);

    for (uint32_t slot = 0; slot < ep->config.max_sessions; slot++)
        check_session_rest(ep, session_at(ep, slot));
    assert_zero(heap + ep->heap_count, (ep->config.max_sessions - ep->heap_count) * sizeof *heap,
                "the heap");
}

static void run_clean(struct world *world, uint64_t seed)
{
    struct sipc_endpoint *ep = world_endpoint(world, 0);

    (void)seed;
    for (int i = 0; i < STEPS; i++) {
        struct world_event event;
        uint64_t actions;
        step(world, &event, &actions);
        check_rest(world_endpoint(world, event.side));
    }
    assert_int_equal(sipc_endpoint_shutdown(ep, ep->now, 0), SIPC_OK);
    while (sipc_endpoint_deadline(ep) != SIPC_NEVER) {
        sipc_time now = sipc_endpoint_deadline(ep);
        (void)world_drain(ep, sipc_endpoint_advance(ep, now > ep->now ? now : ep->now));
    }
    assert_int_equal(sipc_endpoint_session_count(ep), 0);
    assert_zero(block_at(ep, ep->table_offset), (size_t)(ep->snapshot_size - ep->table_offset),
                "all behind the sessions");
}

static void test_snapshot_when_bytes_are_not_held_then_zero(void **state)
{
    (void)state;
    for_each_history(run_clean);
}

/* ---- sizes ---- */

/* A world to be explored state by state: what a snapshot of it copies. */
static void test_snapshot_when_the_world_is_small_then_small(void **state)
{
    struct sipc_config config;
    struct sipc_endpoint *ep;
    void *block;
    size_t size;

    (void)state;
    sipc_config_default(&config);
    config.mtu = 512;
    config.max_window_size = 2;
    config.max_sessions = 1;
    config.attribute_limit = 0;
    config.unreliable_queue = 0;
    config.window_id_step = 2;
    config.window_id_max = 6;
    config.group_bytes_max = 300;
    size = sipc_endpoint_size(&config);
    block = calloc(1, size);
    assert_non_null(block);
    assert_int_equal(sipc_endpoint_init(block, size, &config, 0, &ep), SIPC_OK);
    assert_in_range(sipc_endpoint_snapshot_size(ep), 1, 2048);
    assert_in_range(sizeof(struct session), 1, 512);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_when_a_history_runs_twice_then_the_same_bytes),
        cmocka_unit_test(test_snapshot_when_restored_elsewhere_at_every_step_then_it_goes_on),
        cmocka_unit_test(test_snapshot_when_taken_back_then_what_came_after_never_was),
        cmocka_unit_test(test_snapshot_when_bytes_are_not_held_then_zero),
        cmocka_unit_test(test_snapshot_when_the_world_is_small_then_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
