/* An endpoint taken to another moment after every event does what one left alone does.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../src/state.h"
#include "world.h"

enum { SEEDS = 3, STEPS = 700, TOKENS_MAX = SIPC_REBASE_TOKENS_MAX };
#define BASE (SIPC_NS_PER_MS << 20)

static struct sipc_endpoint *fresh_of(const struct world *world)
{
    size_t size = sipc_endpoint_size(world_config(world));
    void *block = calloc(1, size);
    struct sipc_endpoint *ep;

    assert_non_null(block);
    assert_int_equal(sipc_endpoint_init(block, size, world_config(world), 0, &ep), SIPC_OK);
    return ep;
}

/* Side 0 of a world as it is, and moved. */
struct twins {
    struct sipc_endpoint *still, *moved;
    uint64_t still_tokens[TOKENS_MAX], moved_tokens[TOKENS_MAX];
    size_t tokens;
    sipc_time moved_at; /* of the world's time: when the moved one was moved last */
};

/* The actions of both, alike but for numbers. */
static void drain_twins(struct twins *twins)
{
    struct sipc_action a, b;

    while (sipc_endpoint_next_action(twins->still, &a)) {
        assert_true(sipc_endpoint_next_action(twins->moved, &b));
        a.session = 0;
        b.session = 0;
        if (a.kind == SIPC_ACTION_TRANSMIT) {
            if (a.u.transmit.owed && twins->tokens < TOKENS_MAX) {
                twins->still_tokens[twins->tokens] = a.u.transmit.token;
                twins->moved_tokens[twins->tokens++] = b.u.transmit.token;
            }
            a.u.transmit.token = 0;
            b.u.transmit.token = 0;
        }
        assert_int_equal(world_hash_action(WORLD_HASH, &a), world_hash_action(WORLD_HASH, &b));
    }
    assert_false(sipc_endpoint_next_action(twins->moved, &b));
}

/* The event as the moved twin must see it. false: an aftermath whose token has no name. */
static bool move_event(const struct twins *twins, struct world_event *event)
{
    event->now = BASE + (event->now - twins->moved_at);
    if (event->kind != WORLD_SENT)
        return true;
    for (size_t i = 0; i < twins->tokens; i++)
        if (twins->still_tokens[i] == event->token && twins->moved_tokens[i] != 0) {
            event->token = twins->moved_tokens[i];
            return true;
        }
    return false;
}

static void forget_tokens(struct twins *twins)
{
    size_t kept = 0;

    for (size_t i = 0; i < twins->tokens; i++)
        if (twins->moved_tokens[i] != 0) {
            twins->still_tokens[kept] = twins->still_tokens[i];
            twins->moved_tokens[kept++] = twins->moved_tokens[i];
        }
    twins->tokens = kept;
}

static void step_twins(struct twins *twins, struct world *world)
{
    struct world_event event, moved;
    uint64_t actions;

    assert_null(world_step(world, &event, &actions));
    if (event.side != 0)
        return;
    moved = event;
    if (!move_event(twins, &moved)) { /* nobody awaits it: that changes nothing */
        assert_int_equal(world_apply(twins->still, &event), SIPC_E_UNKNOWN);
        return;
    }
    assert_int_equal(world_apply(twins->still, &event), world_apply(twins->moved, &moved));
    drain_twins(twins);
    twins->moved_at = event.now;
    sipc_endpoint_rebase(twins->moved, moved.now, BASE, twins->moved_tokens, twins->tokens);
    forget_tokens(twins);
    assert_null(sipc_endpoint_check(twins->moved));
    if (sipc_endpoint_deadline(twins->still) != SIPC_NEVER)
        assert_int_equal(sipc_endpoint_deadline(twins->moved) - BASE,
                         sipc_endpoint_deadline(twins->still) - event.now);
}

static void test_rebase_when_after_every_event_then_the_same_history(void **state)
{
    (void)state;
    for (int profile = 0; profile < world_profile_count; profile++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct world *world = world_new(&world_profiles[profile], seed);
            assert_non_null(world);
            struct twins twins = {.still = fresh_of(world), .moved = fresh_of(world)};
            sipc_endpoint_rebase(twins.moved, 0, BASE, NULL, 0);
            for (int i = 0; i < STEPS; i++)
                step_twins(&twins, world);
            free(twins.still);
            free(twins.moved);
            world_free(world);
        }
}

/* One session, opened and sending; the first aftermath at `wait` after that. */
static struct sipc_endpoint *sending(sipc_time start, unsigned before, uint64_t *token)
{
    static const uint8_t id[SIPC_SESSION_ID_SIZE] = {1};
    struct sipc_message message = {.handle = 1, .size = 5, .skip = true};
    struct sipc_config config;
    struct sipc_endpoint *ep;
    struct sipc_action action;
    sipc_session session = 0;

    sipc_config_default(&config);
    config.max_sessions = 1;
    config.linger_ns = 0;
    size_t size = sipc_endpoint_size(&config);
    void *block = calloc(1, size);
    assert_non_null(block);
    assert_int_equal(sipc_endpoint_init(block, size, &config, start, &ep), SIPC_OK);
    for (unsigned i = 0; i <= before; i++) {
        if (i > 0)
            assert_int_equal(sipc_session_dispose(ep, start, session, 0), SIPC_OK);
        while (sipc_endpoint_next_action(ep, &action))
            ;
        assert_int_equal(sipc_session_open(ep, start, 7, id, INT64_MIN, &session), SIPC_OK);
        while (sipc_endpoint_next_action(ep, &action))
            ;
    }
    assert_int_equal(sipc_session_send(ep, start, session, &message), SIPC_OK);
    while (sipc_endpoint_next_action(ep, &action))
        if (action.kind == SIPC_ACTION_TRANSMIT)
            *token = action.u.transmit.token;
    return ep;
}

static void test_rebase_when_the_situation_is_equal_then_the_same_bytes(void **state)
{
    uint64_t tokens[2][2] = {{0, 99 << 8}, {0, 98 << 8}};
    struct sipc_endpoint *a = sending(0, 1, &tokens[0][0]);
    struct sipc_endpoint *b = sending(12345, 2, &tokens[1][0]);
    size_t size = sipc_endpoint_snapshot_size(a);

    (void)state;
    assert_memory_not_equal(a, b, size);
    sipc_endpoint_rebase(a, 1000, BASE, tokens[0], 2);
    sipc_endpoint_rebase(b, 13345, BASE, tokens[1], 2);
    assert_memory_equal(a, b, size);
    assert_int_equal(tokens[0][0], tokens[1][0]);
    assert_int_not_equal(tokens[0][0], 0);
    assert_int_equal(tokens[0][1], 0); /* nobody awaits it */
    assert_int_equal(sipc_endpoint_sent(a, BASE, tokens[0][0], true), SIPC_OK);
    assert_int_equal(sipc_endpoint_deadline(a), BASE + 1000 * SIPC_NS_PER_MS);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebase_when_after_every_event_then_the_same_history),
        cmocka_unit_test(test_rebase_when_the_situation_is_equal_then_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
