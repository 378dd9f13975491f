/* The same history, fed by a driver of other habits, gives the same actions and the same state: one
 * that wakes up between deadlines, asks things, tries to feed events while actions wait, gives
 * aftermaths that nobody awaits, and does not wait for the last "no more".
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../src/state.h"
#include "random.h"
#include "world.h"

enum { SEEDS = 4, STEPS = 1000 };

static struct sipc_endpoint *fresh_of(const struct world *world)
{
    size_t size = sipc_endpoint_size(world_config(world));
    void *block = calloc(1, size);
    struct sipc_endpoint *ep;

    assert_non_null(block);
    assert_int_equal(sipc_endpoint_init(block, size, world_config(world), 0, &ep), SIPC_OK);
    return ep;
}

/* Calls before an event that must come to nothing. */
static void wake_up(struct sipc_endpoint *ep, sipc_time until, uint64_t *random)
{
    struct sipc_action action;

    for (size_t n = random_below(random, 4); n > 0; n--) {
        sipc_time now = ep->now + random_next(random) % (until - ep->now + 1);
        if (sipc_endpoint_deadline(ep) <= now)
            break; /* the history fires it in time */
        switch (random_below(random, 3)) {
        case 0:
            assert_int_equal(sipc_endpoint_advance(ep, now), SIPC_OK);
            break;
        case 1:
            assert_int_equal(sipc_endpoint_sent(ep, now, UINT64_MAX - n, n == 1), SIPC_E_UNKNOWN);
            break;
        default:
            assert_int_equal(sipc_session_dispose(ep, now, 0, 4), SIPC_E_UNKNOWN);
            break;
        }
        assert_false(sipc_endpoint_next_action(ep, &action));
    }
}

/* Takes the actions out with pauses; leaves it at the last action, or asks once too often. */
static uint64_t drain_with_pauses(struct sipc_endpoint *ep, enum sipc_status status,
                                  uint64_t *random)
{
    uint64_t hash = world_hash_number(WORLD_HASH, (uint64_t)status);
    bool to_the_end = random_below(random, 2) == 0;
    struct sipc_action action;

    while (ep->action_count > 0) {
        if (random_below(random, 2) == 0)
            assert_int_equal(sipc_endpoint_advance(ep, ep->now + 1), SIPC_E_PENDING);
        assert_true(sipc_endpoint_next_action(ep, &action));
        hash = world_hash_action(hash, &action);
    }
    while (to_the_end && random_below(random, 2) == 0)
        assert_false(sipc_endpoint_next_action(ep, &action));
    return hash;
}

static void run(struct world *world, uint64_t seed)
{
    struct sipc_endpoint *copies[2] = {fresh_of(world), fresh_of(world)};
    struct sipc_action action;
    uint64_t random = seed;

    for (int i = 0; i < STEPS; i++) {
        struct world_event event;
        uint64_t actions;
        const char *broken = world_step(world, &event, &actions);
        struct sipc_endpoint *copy = copies[event.side];
        if (broken != NULL)
            fail_msg("invariant broken: %s", broken);
        wake_up(copy, event.now, &random);
        assert_int_equal(drain_with_pauses(copy, world_apply(copy, &event), &random), actions);
        assert_int_equal(sipc_endpoint_deadline(copy),
                         sipc_endpoint_deadline(world_endpoint(world, event.side)));
    }
    for (int side = 0; side < 2; side++) {
        const struct sipc_endpoint *original = world_endpoint(world, side);
        assert_false(sipc_endpoint_next_action(copies[side], &action));
        copies[side]->now = original->now;
        assert_memory_equal(copies[side], original, sipc_endpoint_snapshot_size(original));
        free(copies[side]);
    }
}

static void test_granularity_when_fed_otherwise_then_the_same_actions(void **state)
{
    (void)state;
    for (int profile = 0; profile < world_profile_count; profile++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct world *world = world_new(&world_profiles[profile], seed);
            assert_non_null(world);
            run(world, seed);
            world_free(world);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_granularity_when_fed_otherwise_then_the_same_actions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
