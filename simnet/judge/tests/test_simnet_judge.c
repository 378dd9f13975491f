/* Judges beside the engine in worlds of all kinds: they accuse nobody, whether they see everything
 * or come late and see PDUs alone; and they do notice, where the engine is not what they were told.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "golden.h"
#include "simnet/host.h"
#include "simnet/judge.h"
#include "simnet/prng.h"

#define MS SIPC_NS_PER_MS

static uint64_t exercised[SIPC_RULE_COUNT];

static size_t tell(const struct simnet_judges *judges, const char *name, uint64_t seed)
{
    const struct judge_finding *finding;
    simnet_host host;
    char text[600];
    size_t count = 0;

    for (; (finding = simnet_judges_finding(judges, count, &host)) != NULL; count++) {
        judge_finding_print(finding, text, sizeof text);
        if (count < 4) {
            print_error("%s, seed %" PRIu64 ", host %u, %" PRIu64 " ns, event %" PRIu64
                        ": [%s] %s\n",
                        name, seed, host, finding->at_ns, finding->event,
                        judge_check_info(finding->check)->id, text);
        }
    }
    return count;
}

static void settings_of_golden(struct sipc_config *settings)
{
    const char *field;

    sipc_config_default(settings);
    settings->max_sessions = 16;
    assert_int_equal(sipc_config_check(settings, &field), SIPC_OK);
}

static size_t judged(const struct golden_world *golden, uint64_t seed, sipc_time wire_from_ns,
                     uint32_t max_retry_count)
{
    struct simnet_config config;
    struct sipc_config settings;

    simnet_config_default(&config);
    config.seed = seed;
    settings_of_golden(&settings);
    settings.max_retry_count = max_retry_count;
    struct simnet_world *world = golden_build(golden, &config);
    struct simnet_judges *judges = simnet_judges_new(world);
    for (simnet_host host = 0; host < 2; host++) {
        if (wire_from_ns == SIPC_NEVER) {
            simnet_judges_watch(judges, host, &settings, NULL);
        } else {
            simnet_judges_watch_wire(judges, host, wire_from_ns, NULL);
        }
    }
    simnet_world_run(world, SIPC_NEVER);
    simnet_judges_finish(judges);
    size_t count = tell(judges, golden->name, seed);
    for (int rule = 0; rule < SIPC_RULE_COUNT; rule++) {
        exercised[rule] += simnet_judges_exercised(judges, (enum sipc_rule)rule);
    }
    simnet_judges_free(judges);
    simnet_world_free(world);
    return count;
}

/* ---- nobody is accused ---- */

static void test_the_engine_is_not_blamed_in_golden_worlds(void **state)
{
    size_t findings = 0;

    (void)state;
    for (size_t i = 0; i < golden_world_count; i++) {
        for (uint64_t seed = 20; seed < 23; seed++) {
            findings += judged(&golden_worlds[i], seed, SIPC_NEVER, 3);
        }
    }
    assert_int_equal(findings, 0);
}

static void test_who_comes_late_and_sees_pdus_alone_blames_nobody(void **state)
{
    static const sipc_time from[] = {0, 30 * MS, 150 * MS, 1100 * MS};
    size_t findings = 0;

    (void)state;
    for (size_t i = 0; i < golden_world_count; i++) {
        for (size_t n = 0; n < sizeof from / sizeof from[0]; n++) {
            findings += judged(&golden_worlds[i], 20, from[n], 3);
        }
    }
    assert_int_equal(findings, 0);
}

static uint64_t draw(struct simnet_prng *prng, uint64_t bound)
{
    return simnet_scale(simnet_prng_next(prng), bound);
}

/* A world drawn from a seed: losses, copies, delays that reorder, sizes, directions. */
static struct golden_world random_world(uint64_t seed)
{
    static const uint32_t ppm[] = {0, 1000, 20000, 100000, 300000};
    struct golden_world golden = {.name = "random"};
    struct simnet_link_config *links[] = {&golden.ab, &golden.ba};
    struct simnet_prng prng;

    simnet_prng_seed(&prng, seed);
    for (int i = 0; i < 2; i++) {
        links[i]->losses[0].kind = SIMNET_LOSS_IID;
        links[i]->losses[0].ppm = ppm[draw(&prng, 5)];
        links[i]->duplicate.ppm = ppm[draw(&prng, 4)];
        links[i]->duplicate.delay_ns = draw(&prng, 40) * MS;
        links[i]->delay.base_ns = (1 + draw(&prng, 700)) * MS;
        links[i]->corrupt.flip_ppm = ppm[draw(&prng, 3)];
        links[i]->corrupt.truncate_ppm = ppm[draw(&prng, 3)];
        links[i]->rate_bps = draw(&prng, 2) ? 2000000 : 0;
    }
    golden.sessions = 1 + draw(&prng, 3);
    golden.messages = 1 + draw(&prng, 6);
    golden.size_max = 1 + draw(&prng, 90000);
    golden.two_ways = draw(&prng, 2);
    golden.unreliable = draw(&prng, 2);
    return golden;
}

static void test_the_engine_is_not_blamed_in_random_worlds(void **state)
{
    const char *seeds = getenv("SIMNET_JUDGE_SEEDS"); /* more of them, by hand */
    uint64_t count = seeds != NULL ? strtoull(seeds, NULL, 10) : 40;
    size_t findings = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= count; seed++) {
        struct golden_world golden = random_world(seed);
        findings += judged(&golden, seed, SIPC_NEVER, 3);
        findings += judged(&golden, seed, seed % 7 * 300 * MS, 3);
    }
    assert_int_equal(findings, 0);
}

/* ---- and yet they look ---- */

static void test_an_engine_that_retries_more_than_it_may_is_noticed(void **state)
{
    size_t findings = 0;

    (void)state;
    for (size_t i = 0; i < golden_world_count; i++) {
        findings += judged(&golden_worlds[i], 20, SIPC_NEVER, 0);
    }
    assert_true(findings > 0);
}

static void test_most_rules_are_at_stake_in_these_worlds(void **state)
{
    size_t count = 0;

    (void)state;
    for (int rule = 1; rule < SIPC_RULE_COUNT; rule++) {
        count += exercised[rule] > 0 && sipc_rule_info((enum sipc_rule)rule)->level == SIPC_MUST;
    }
    print_message("%zu MUST rules at stake\n", count);
    assert_true(count >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_engine_is_not_blamed_in_golden_worlds),
        cmocka_unit_test(test_who_comes_late_and_sees_pdus_alone_blames_nobody),
        cmocka_unit_test(test_the_engine_is_not_blamed_in_random_worlds),
        cmocka_unit_test(test_an_engine_that_retries_more_than_it_may_is_noticed),
        cmocka_unit_test(test_most_rules_are_at_stake_in_these_worlds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
