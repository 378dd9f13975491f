/* Swarms: scenarios by seed, marks, findings, processes. */
#include "simnet/swarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct simnet_swarm_totals *swarm_run(uint64_t first, uint64_t last, unsigned jobs)
{
    struct simnet_swarm_options options = {.first = first, .last = last, .jobs = jobs};
    struct simnet_swarm_totals *totals = calloc(1, sizeof *totals);
    struct simnet_error error;

    assert_non_null(totals);
    if (!simnet_swarm(&options, totals, &error))
        fail_msg("%s", error.text);
    return totals;
}

static void test_swarm_when_the_engine_is_good_then_nothing_fails(void **state)
{
    enum { SEEDS = 500 };
    struct simnet_swarm_totals *totals = swarm_run(1, SEEDS, 2);

    (void)state;
    for (size_t i = 0; i < totals->finding_count; i++)
        print_error("%s by seed %llu: %s\n", totals->findings[i].invariant,
                    (unsigned long long)totals->findings[i].seed, totals->findings[i].text);
    assert_int_equal(totals->failed, 0);
    assert_int_equal(totals->seeds, SEEDS);
    assert_true(totals->pdus > 50 * SEEDS);
    assert_true(totals->faults > 5 * SEEDS);
    assert_true(totals->full > SEEDS / 10);
    assert_true(totals->full < SEEDS);
    for (const struct simnet_mark_due *due = simnet_marks_due; due->name != NULL; due++)
        if (due->seeds <= SEEDS && simnet_mark_seen(&totals->marks, due->name) == 0)
            fail_msg("never seen: %s", due->name);
    free(totals);
}

static void test_swarm_when_jobs_differ_then_totals_do_not(void **state)
{
    struct simnet_swarm_totals *one = swarm_run(1000, 1149, 1), *three = swarm_run(1000, 1149, 3);

    (void)state;
    assert_memory_equal(one, three, sizeof *one);
    free(one);
    free(three);
}

static void test_swarm_when_marks_are_due_then_they_exist(void **state)
{
    static const struct simnet_marks none;
    size_t count = 0;

    (void)state;
    for (const struct simnet_mark_due *due = simnet_marks_due; due->name != NULL; due++, count++) {
        if (simnet_mark_seen(&none, due->name) != 0)
            fail_msg("no such mark: %s", due->name);
        for (const struct simnet_mark_due *other = simnet_marks_due; other != due; other++)
            assert_string_not_equal(other->name, due->name);
    }
    assert_true(count > 100);
    assert_true(simnet_mark_seen(&none, "opened/tea/served") == UINT64_MAX);
}

/* Each scenario can be built, whatever it holds. */
static void test_make_when_any_seed_then_a_scenario_that_makes_sense(void **state)
{
    static const uint64_t seeds[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, 4711};

    (void)state;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct simnet_scenario scenario;
        struct simnet_scenario_run run;
        struct simnet_error error;
        simnet_swarm_make(seeds[i], &scenario);
        assert_true(scenario.hosts.count >= 2 && scenario.hosts.count <= 9);
        assert_true(scenario.heal_ns != SIPC_NEVER);
        if (!simnet_scenario_build(&scenario, NULL, &run, &error, NULL, NULL))
            fail_msg("%s", error.text);
        simnet_scenario_run_fini(&run);
        simnet_scenario_fini(&scenario);
    }
}

static void test_make_when_seeds_differ_then_features_do(void **state)
{
    const char *name;
    size_t both = 0;
    bool on;

    (void)state;
    for (unsigned index = 0; simnet_swarm_feature(0, index, &name, &on); index++) {
        unsigned count = 0;
        for (uint64_t seed = 0; seed < 200; seed++) {
            simnet_swarm_feature(seed, index, &name, &on);
            count += on;
        }
        assert_true(count > 5 && count < 195);
        both++;
    }
    assert_true(both > 30);
}

/* Stops every world after some events, which is one kind of finding, and dies of two seeds. */
static void findings_edit(void *ctx, struct simnet_scenario *scenario)
{
    (void)ctx;
    scenario->event_max = strcmp(scenario->id, "seed-12") == 0 ? 20 : 30;
    if (strcmp(scenario->id, "seed-7") == 0 || strcmp(scenario->id, "seed-70") == 0)
        _exit(3);
}

static void test_findings_when_seeds_fail_then_one_of_a_kind_by_its_shortest(void **state)
{
    struct simnet_swarm_options options = {.last = 99, .edit = findings_edit};
    struct simnet_swarm_totals totals[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct simnet_error error;
        options.jobs = 1 + i;
        assert_true(simnet_swarm(&options, &totals[i], &error));
        assert_int_equal(totals[i].seeds, 100);
        assert_int_equal(totals[i].finding_count, 2);
        assert_string_equal(totals[i].findings[0].invariant, "crash");
        assert_string_equal(totals[i].findings[0].text, "the process ended with code 3");
        assert_int_equal(totals[i].findings[0].seed, 7);
        assert_int_equal(totals[i].findings[0].count, 2);
        assert_string_equal(totals[i].findings[1].invariant, "event budget");
        assert_int_equal(totals[i].findings[1].seed, 12);
        assert_int_equal(totals[i].failed, 2 + totals[i].findings[1].count);
        assert_true(totals[i].findings[1].count > 80);
    }
    assert_memory_equal(&totals[0], &totals[1], sizeof totals[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swarm_when_the_engine_is_good_then_nothing_fails),
        cmocka_unit_test(test_swarm_when_jobs_differ_then_totals_do_not),
        cmocka_unit_test(test_swarm_when_marks_are_due_then_they_exist),
        cmocka_unit_test(test_make_when_any_seed_then_a_scenario_that_makes_sense),
        cmocka_unit_test(test_make_when_seeds_differ_then_features_do),
        cmocka_unit_test(test_findings_when_seeds_fail_then_one_of_a_kind_by_its_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
