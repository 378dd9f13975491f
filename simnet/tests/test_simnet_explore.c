/* The explorer: how many states its worlds have, that it sees all of them, stops where it is told
 * to, and finds what is planted, on the shortest way.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simnet/explore.h"

static struct simnet_explore_result explore(const struct simnet_explore_world *world,
                                            const struct simnet_explore_options *options)
{
    struct simnet_explore_result result;

    assert_null(simnet_explore_world_check(world));
    simnet_explore(world, options, &result);
    return result;
}

static struct simnet_explore_world world_of(const char *name)
{
    const struct simnet_explore_world *world = simnet_explore_world_find(name);

    assert_non_null(world);
    return *world;
}

/* ---- the worlds that come with it ---- */

/* What is counted changes where the engine does another thing, or the explorer tells other states
 * apart; both are worth a look. */
static void test_explore_when_a_world_is_small_then_all_of_it_and_nothing_broken(void **state)
{
    static const struct {
        const char *world;
        uint64_t states, transitions, terminal;
        uint32_t depth;
    } rows[] = {
        {"one-message", 5256, 23132, 134, 17}, {"close-race", 8644, 40998, 388, 16},
        {"enquire-link", 2181, 10859, 27, 35}, {"two-way", 2193, 4063, 93, 21},
        {"faf-close", 94, 110, 43, 13},        {"large", 10119, 44083, 65, 21},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct simnet_explore_world world = world_of(rows[i].world);
        struct simnet_explore_options options = {0};
        struct simnet_explore_result r = explore(&world, &options);
        if (r.end != SIMNET_EXPLORE_EXHAUSTED || r.states != rows[i].states ||
            r.transitions != rows[i].transitions || r.terminal != rows[i].terminal ||
            r.depth != rows[i].depth)
            fail_msg("%s: %s, {%llu, %llu, %llu, %u}", rows[i].world,
                     simnet_explore_end_name(r.end), (unsigned long long)r.states,
                     (unsigned long long)r.transitions, (unsigned long long)r.terminal, r.depth);
        assert_int_equal(r.frontier, 0);
        simnet_explore_result_free(&r);
    }
}

static void test_worlds_when_checked_then_they_make_sense_and_have_names_of_their_own(void **state)
{
    size_t count;
    const struct simnet_explore_world *worlds = simnet_explore_worlds(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_null(simnet_explore_world_check(&worlds[i]));
        assert_ptr_equal(simnet_explore_world_find(worlds[i].name), &worlds[i]);
    }
    assert_null(simnet_explore_world_find("no-such-world"));
}

/* A message without faults: every state of it, counted by hand.
 *   1 opened -> 2 sent -> 3 arrived, acked -> 4 ended ok
 * and beside it, from 3 on, what B does while it lingers: nothing. */
static void test_explore_when_nothing_goes_wrong_then_as_counted_by_hand(void **state)
{
    struct simnet_explore_world world = world_of("late-copy");
    struct simnet_explore_options options = {.unhealed = true};

    (void)state;
    world.sides[0].operation_count = 1;
    world.faults = 0;
    world.life_ns = 0;
    struct simnet_explore_result r = explore(&world, &options);
    assert_int_equal(r.end, SIMNET_EXPLORE_EXHAUSTED);
    assert_int_equal(r.states, 4);
    assert_int_equal(r.transitions, 3);
    assert_int_equal(r.depth, 3);
    assert_int_equal(r.pdus, 2);
    simnet_explore_result_free(&r);
}

static void test_explore_when_run_twice_then_the_same(void **state)
{
    struct simnet_explore_world world = world_of("one-message");
    struct simnet_explore_options options = {0};
    struct simnet_explore_result a = explore(&world, &options), b = explore(&world, &options);

    (void)state;
    assert_int_equal(a.states, b.states);
    assert_memory_equal(a.marks, b.marks, sizeof a.marks);
    assert_true(a.marks[1 + SIPC_OPENED][SIPC_CLOSE - 1] > 0);
    assert_int_equal(a.marks[1 + SIPC_DISPOSED - 1][12], 0); /* nobody crashes in it */
    simnet_explore_result_free(&a);
    simnet_explore_result_free(&b);
}

/* ---- bounds ---- */

static void test_explore_when_a_bound_is_reached_then_it_says_so(void **state)
{
    static const struct {
        struct simnet_explore_options options;
        enum simnet_explore_end end;
    } rows[] = {
        {{.depth_max = 17}, SIMNET_EXPLORE_DEPTH},
        {{.depth_max = 1}, SIMNET_EXPLORE_DEPTH},
        {{.states_max = 4000}, SIMNET_EXPLORE_STATES},
        {{.memory_max = 1 << 18}, SIMNET_EXPLORE_MEMORY},
        {{.depth_max = 18}, SIMNET_EXPLORE_EXHAUSTED},
        {{.states_max = 5257}, SIMNET_EXPLORE_EXHAUSTED},
        {{.memory_max = 1 << 24}, SIMNET_EXPLORE_EXHAUSTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct simnet_explore_world world = world_of("one-message");
        struct simnet_explore_result r = explore(&world, &rows[i].options);
        assert_int_equal(r.end, rows[i].end);
        assert_int_equal(r.frontier > 0, rows[i].end != SIMNET_EXPLORE_EXHAUSTED);
        assert_int_equal(r.states == 5256, rows[i].end == SIMNET_EXPLORE_EXHAUSTED ||
                                               rows[i].options.depth_max == 17 || false);
        simnet_explore_result_free(&r);
    }
}

static void test_explore_when_the_worlds_bounds_are_wider_then_more_states(void **state)
{
    struct simnet_explore_options options = {0};
    uint64_t before = 0;

    (void)state;
    for (uint32_t faults = 0; faults <= 3; faults++) {
        struct simnet_explore_world world = world_of("one-message");
        world.faults = faults;
        struct simnet_explore_result r = explore(&world, &options);
        assert_int_equal(r.end, SIMNET_EXPLORE_EXHAUSTED);
        assert_true(r.states > before);
        before = r.states;
        simnet_explore_result_free(&r);
    }
    before = 0;
    for (uint32_t in_flight = 1; in_flight <= SIMNET_EXPLORE_IN_FLIGHT_MAX; in_flight *= 2) {
        struct simnet_explore_world world = world_of("one-message");
        world.in_flight = in_flight;
        struct simnet_explore_result r = explore(&world, &options);
        assert_true(r.states > before);
        assert_int_equal(r.cut > 0, in_flight < 8);
        before = r.states;
        simnet_explore_result_free(&r);
    }
}

static void test_names_when_asked_for_then_there(void **state)
{
    (void)state;
    assert_null(simnet_explore_event_name(15));
    assert_string_equal(simnet_explore_stand_name(0), "none");
    assert_string_equal(simnet_explore_what_name(SIMNET_EXPLORE_DROPS), "never gets");
}

/* ---- worlds that make no sense ---- */

static void no_name(struct simnet_explore_world *world)
{
    world->in_flight = 0;
}
static void too_many_in_flight(struct simnet_explore_world *world)
{
    world->in_flight = SIMNET_EXPLORE_IN_FLIGHT_MAX + 1;
}
static void too_many_faults(struct simnet_explore_world *world)
{
    world->faults = SIMNET_EXPLORE_FAULTS_MAX + 1;
}
static void parts_of_ms(struct simnet_explore_world *world)
{
    world->life_ns++;
}
static void bad_settings(struct simnet_explore_world *world)
{
    world->settings.window_id_step = 1;
}
static void empty_message(struct simnet_explore_world *world)
{
    world->sides[0].operations[0].size = 0;
}
static void bad_code(struct simnet_explore_world *world)
{
    world->sides[0].operations[1].code = 100;
}
static void preset_unopened(struct simnet_explore_world *world)
{
    world->sides[1].preset = true;
}
static void failing_aftermaths(struct simnet_explore_world *world)
{
    world->fault_kinds |= SIMNET_EXPLORE_NOT_SENT;
}
static void large_endpoints(struct simnet_explore_world *world)
{
    world->settings.max_sessions = 1000;
}

static void test_world_check_when_it_makes_no_sense_then_it_says_why(void **state)
{
    static const struct {
        void (*spoil)(struct simnet_explore_world *world);
        const char *why;
    } rows[] = {
        {no_name, "1 to 8 PDUs"},
        {too_many_in_flight, "1 to 8 PDUs"},
        {too_many_faults, "15 faults"},
        {parts_of_ms, "whole milliseconds"},
        {bad_settings, "window_id_step"},
        {empty_message, "no size"},
        {bad_code, "no code"},
        {preset_unopened, "preset"},
        {failing_aftermaths, "aftermath"},
        {large_endpoints, "too large"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct simnet_explore_world world = world_of("one-message");
        rows[i].spoil(&world);
        const char *why = simnet_explore_world_check(&world);
        if (why == NULL || strstr(why, rows[i].why) == NULL)
            fail_msg("row %zu: found '%s'", i, why ? why : "no objection");
    }
}

/* ---- what is planted (simnet/naive) ---- */

static void test_explore_when_something_is_planted_then_found_on_the_shortest_way(void **state)
{
    static const struct {
        const char *engine, *world, *invariant;
        uint32_t steps;
    } rows[] = {
        {"uses_an_id_again", "resync", "ok-delivered", 5},
        {"forgets_at_once", "late-copy", "delivered-once", 7},
        {"delivers_tails", "crash-in-group", "delivered-intact", 5},
        {"believes_every_nack", "enquire-link", "killed", 4},
        {"fires_into_groups", "faf-in-group", "unprovoked", 7},
        {"fires_after_closing", "faf-close", "half-open", 10},
        {"is_disarmed_by_an_ack", "stray-ack", "stuck", 3},
        {"counts_252_as_progress", "two-way", "heals", 21},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct simnet_explore_world world = world_of(rows[i].world);
        struct simnet_explore_options options = {.engine_unchecked = true};
        char path[400], error[400];

        snprintf(path, sizeof path, "%s/simnet/naive/%s.so", SIPC_BINARY_DIR, rows[i].engine);
        options.engine = simnet_explore_engine_load(path, error, sizeof error);
        if (options.engine == NULL)
            fail_msg("%s", error);
        struct simnet_explore_result r = explore(&world, &options);
        assert_int_equal(r.end, SIMNET_EXPLORE_BROKEN);
        if (strcmp(r.failure.invariant, rows[i].invariant) != 0 || r.steps != rows[i].steps)
            fail_msg("%s: %s after %u", rows[i].engine, r.failure.invariant, r.steps);
        assert_true(r.entry_count > r.steps);
        simnet_explore_result_free(&r);
    }
}

static void test_explore_when_the_engine_breaks_its_own_invariants_then_told(void **state)
{
    struct simnet_explore_world world = world_of("resync");
    struct simnet_explore_options options = {0};
    char path[400], error[400];

    (void)state;
    world.settings.window_id_step = 2;
    snprintf(path, sizeof path, "%s/simnet/naive/runs_ahead_of_acks.so", SIPC_BINARY_DIR);
    options.engine = simnet_explore_engine_load(path, error, sizeof error);
    assert_non_null(options.engine);
    struct simnet_explore_result r = explore(&world, &options);
    assert_string_equal(r.failure.invariant, "engine");
    assert_non_null(strstr(r.failure.text, "no own id passes top"));
    simnet_explore_result_free(&r);
}

/* The shipping engine, but for one call. */
static bool next_but_results_twice(struct sipc_endpoint *ep, struct sipc_action *action)
{
    static struct sipc_action last;
    static bool again;

    if (again) {
        again = false;
        *action = last;
        return true;
    }
    if (!sipc_endpoint_next_action(ep, action))
        return false;
    again = action->kind == SIPC_ACTION_RESULT;
    last = *action;
    return true;
}
static bool next_but_other_bytes(struct sipc_endpoint *ep, struct sipc_action *action)
{
    static const uint8_t other[64];

    if (!sipc_endpoint_next_action(ep, action))
        return false;
    if (action->kind == SIPC_ACTION_DELIVER)
        action->u.deliver.data.data = other;
    return true;
}
static bool next_but_no_delivery(struct sipc_endpoint *ep, struct sipc_action *action)
{
    bool more;

    do
        more = sipc_endpoint_next_action(ep, action);
    while (more && action->kind == SIPC_ACTION_DELIVER);
    return more;
}
static enum sipc_status advance_but_idle(struct sipc_endpoint *ep, sipc_time now)
{
    (void)ep;
    (void)now;
    return SIPC_OK;
}
static const char *check_but_unhappy(const struct sipc_endpoint *ep)
{
    (void)ep;
    return "nothing is as it should be";
}

static void test_explore_when_one_call_is_broken_then_each_check_tells(void **state)
{
    struct simnet_explore_engine engines[5];
    static const struct {
        const char *invariant;
        uint32_t steps;
    } rows[] = {{"ends-once", 2},
                {"delivered-intact", 4},
                {"ok-delivered", 5},
                {"livelock", 5},
                {"engine", 0}};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        engines[i] = simnet_explore_engine;
    engines[0].next_action = next_but_results_twice;
    engines[1].next_action = next_but_other_bytes;
    engines[2].next_action = next_but_no_delivery;
    engines[3].advance = advance_but_idle;
    engines[4].check = check_but_unhappy;
    for (size_t i = 0; i < 5; i++) {
        struct simnet_explore_world world = world_of("one-message");
        struct simnet_explore_options options = {.engine = &engines[i]};
        struct simnet_explore_result r = explore(&world, &options);
        assert_int_equal(r.end, SIMNET_EXPLORE_BROKEN);
        if (strcmp(r.failure.invariant, rows[i].invariant) != 0 || r.steps != rows[i].steps)
            fail_msg("row %zu: %s after %u", i, r.failure.invariant, r.steps);
        simnet_explore_result_free(&r);
    }
}

/* The linger protects from copies that are younger than it; in a world with older ones the shipping
 * engine delivers twice, too (END-3). */
static void test_explore_when_copies_outlive_the_linger_then_found(void **state)
{
    struct simnet_explore_world world = world_of("late-copy");
    struct simnet_explore_options options = {0};
    sipc_time linger = 2 * (world.settings.max_retry_count + 1) * world.settings.ack_timeout_ns;

    (void)state;
    world.life_ns = linger - SIPC_NS_PER_MS;
    struct simnet_explore_result r = explore(&world, &options);
    assert_int_equal(r.end, SIMNET_EXPLORE_EXHAUSTED);
    simnet_explore_result_free(&r);
    world.life_ns = linger;
    r = explore(&world, &options);
    assert_string_equal(r.failure.invariant, "delivered-once");
    assert_int_equal(r.steps, 8);
    simnet_explore_result_free(&r);
}

static void test_engine_load_when_it_is_none_then_an_error(void **state)
{
    char error[400] = "";

    (void)state;
    assert_null(simnet_explore_engine_load("/no/such/engine.so", error, sizeof error));
    assert_non_null(strstr(error, "/no/such/engine.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explore_when_a_world_is_small_then_all_of_it_and_nothing_broken),
        cmocka_unit_test(test_worlds_when_checked_then_they_make_sense_and_have_names_of_their_own),
        cmocka_unit_test(test_explore_when_nothing_goes_wrong_then_as_counted_by_hand),
        cmocka_unit_test(test_explore_when_run_twice_then_the_same),
        cmocka_unit_test(test_explore_when_a_bound_is_reached_then_it_says_so),
        cmocka_unit_test(test_explore_when_the_worlds_bounds_are_wider_then_more_states),
        cmocka_unit_test(test_names_when_asked_for_then_there),
        cmocka_unit_test(test_world_check_when_it_makes_no_sense_then_it_says_why),
        cmocka_unit_test(test_explore_when_something_is_planted_then_found_on_the_shortest_way),
        cmocka_unit_test(test_explore_when_the_engine_breaks_its_own_invariants_then_told),
        cmocka_unit_test(test_explore_when_one_call_is_broken_then_each_check_tells),
        cmocka_unit_test(test_explore_when_copies_outlive_the_linger_then_found),
        cmocka_unit_test(test_engine_load_when_it_is_none_then_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
