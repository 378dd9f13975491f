/* Shrinking: planted failures become small, stay what they are, and are the same each time. */
#include "simnet/shrink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simnet/swarm.h"

#define MS SIPC_NS_PER_MS

/* Four hosts, three sessions, loss and jitter. What breaks it: b takes any window for the beginning
 * of a group and crashes while it is sent one. */
static void plant(struct simnet_scenario *scenario)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    simnet_scenario_init(scenario, "planted");
    for (simnet_host i = 0; i < 4; i++) {
        struct simnet_scenario_host host = {.name = names[i]};
        sipc_config_default(&host.settings);
        host.settings.max_sessions = 2;
        host.settings.max_window_size = 2;
        host.settings.max_retry_count = 8;
        host.settings.require_first_in_window_group = i != 1;
        simnet_scenario_add(&scenario->hosts, &host);
        struct simnet_scenario_link link = {.from = i, .to = i ^ 1};
        link.config.rate_bps = 50000000;
        link.config.delay = (struct simnet_delay_config){
            .kind = SIMNET_DELAY_EXPONENTIAL, .base_ns = 10 * MS, .spread_ns = MS};
        link.config.losses[0] = (struct simnet_loss){.kind = SIMNET_LOSS_IID, .ppm = 10000};
        simnet_scenario_add(&scenario->links, &link);
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct simnet_scenario_session group = {
            .name = i == 0 ? "S" : "T", .a = 2 * i, .b = 2 * i + 1, .count = 2};
        simnet_scenario_add(&scenario->sessions, &group);
        struct simnet_scenario_traffic traffic = {.what = {.host = 2 * i,
                                                           .session = i,
                                                           .open = true,
                                                           .count = 12,
                                                           .size_min = 15000,
                                                           .size_max = 25000}};
        simnet_scenario_add(&scenario->traffic, &traffic);
    }
    for (sipc_time at = 200 * MS; at < 2000 * MS; at += 350 * MS) {
        struct simnet_scenario_change crash = {.what = {at, SIMNET_HOST_CRASH, 1, 0}};
        struct simnet_scenario_change restart = {
            .what = {at + 100 * MS, SIMNET_HOST_RESTART, 1, 0}};
        simnet_scenario_add(&scenario->changes, &crash);
        simnet_scenario_add(&scenario->changes, &restart);
    }
    scenario->heal_ns = 20000 * MS;
}

static char *shrink_text(const struct simnet_scenario *scenario)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    assert_non_null(file);
    simnet_scenario_print(scenario, file);
    fclose(file);
    return text;
}

static size_t shrink_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* Runs it: it must fail as `invariant`, and expect to. */
static void assert_fails(const struct simnet_scenario *scenario, const char *invariant,
                         enum sipc_rule rule)
{
    struct simnet_judgement judgement;
    struct simnet_scenario_run run;
    struct simnet_error error;

    if (!simnet_scenario_build(scenario, NULL, &run, &error, NULL, NULL))
        fail_msg("%s", error.text);
    enum simnet_end end = simnet_scenario_go(&run);
    assert_non_null(simnet_world_failure(run.world));
    assert_string_equal(simnet_world_failure(run.world)->invariant, invariant);
    assert_int_equal(simnet_world_failure(run.world)->rule, rule);
    simnet_scenario_judge(&run, end, &judgement);
    assert_true(judgement.ok);
    simnet_scenario_run_fini(&run);
}

static void test_shrink_when_a_failure_is_planted_then_a_few_lines_fail_by_it(void **state)
{
    struct simnet_scenario from, out[2];
    struct simnet_shrink_target target;
    struct simnet_shrink_stats stats;
    struct simnet_error error;
    char *text[2];

    (void)state;
    plant(&from);
    for (int i = 0; i < 2; i++) {
        if (!simnet_shrink(&from, NULL, &out[i], &target, &stats, &error))
            fail_msg("%s", error.text);
        assert_string_equal(target.invariant, "delivered-intact");
        assert_int_equal(target.rule, SIPC_RULE_RCV_8);
        assert_false(stats.bounded);
        assert_true(stats.pdus_after < stats.pdus_before);
        assert_int_equal(out[i].hosts.count, 2);
        assert_fails(&out[i], "delivered-intact", SIPC_RULE_RCV_8);
        text[i] = shrink_text(&out[i]);
    }
    assert_string_equal(text[0], text[1]);
    assert_true(shrink_lines(text[0]) <= 20);
    for (int i = 0; i < 2; i++) {
        simnet_scenario_fini(&out[i]);
        free(text[i]);
    }
    simnet_scenario_fini(&from);
}

static void test_shrink_when_runs_are_few_then_it_says_so_and_still_fails(void **state)
{
    struct simnet_shrink_options options = {.runs_max = 12};
    struct simnet_scenario from, out;
    struct simnet_shrink_stats stats;
    struct simnet_error error;

    (void)state;
    plant(&from);
    assert_true(simnet_shrink(&from, &options, &out, NULL, &stats, &error));
    assert_true(stats.bounded);
    assert_true(stats.runs <= 12);
    assert_fails(&out, "delivered-intact", SIPC_RULE_RCV_8);
    simnet_scenario_fini(&out);
    simnet_scenario_fini(&from);
}

static void test_shrink_when_an_expectation_breaks_then_it_still_does(void **state)
{
    struct simnet_expectation none = SIMNET_EXPECTATION_ANY;
    struct simnet_scenario from, out;
    struct simnet_shrink_target target;
    struct simnet_shrink_stats stats;
    struct simnet_error error;

    (void)state;
    simnet_swarm_make(1, &from);
    none.metric = SIMNET_METRIC_GROUPS;
    none.compare = SIMNET_LT;
    none.value = 2;
    simnet_scenario_add(&from.expectations, &none);
    assert_true(simnet_shrink(&from, NULL, &out, &target, &stats, &error));
    assert_null(target.invariant);
    assert_non_null(target.broken);
    assert_int_equal(out.expectations.count, 1);
    assert_int_equal(out.hosts.count, 2);
    assert_int_equal(out.faults.count, 0);
    assert_true(stats.pdus_after < 10);
    simnet_scenario_fini(&out);
    simnet_scenario_fini(&from);
}

/* A scripted host acks data and closes; of that only the ack makes what is not to be. */
static void test_shrink_when_answers_are_not_needed_then_they_go(void **state)
{
    struct simnet_scenario from, out;
    struct simnet_expectation none = SIMNET_EXPECTATION_ANY;
    struct simnet_shrink_stats stats;
    struct simnet_error error;
    const uint8_t id[SIPC_SESSION_ID_SIZE] = {0};
    uint8_t bytes[2][256];

    (void)state;
    plant(&from);
    from.hosts.at[1].kind = SIMNET_HOST_SCRIPTED;
    from.changes.count = 0;
    for (int opcode = SIPC_DATA; opcode <= SIPC_CLOSE; opcode += SIPC_CLOSE - SIPC_DATA) {
        const struct sipc_pdu_parts parts = {.session_id = id, .opcode = (uint8_t)(opcode + 1)};
        struct simnet_scenario_reaction reaction = {.host = 1,
                                                    .to = {opcode, -1, -1, -1},
                                                    .takes_session = true,
                                                    .takes_window_id = true,
                                                    .takes_seq_nr = true};
        uint8_t *at = bytes[from.reactions.count];
        reaction.bytes.data = at;
        assert_int_equal(sipc_pdu_encode(&parts, at, sizeof bytes[0], &reaction.bytes.size),
                         SIPC_OK);
        simnet_scenario_add(&from.reactions, &reaction);
    }
    none.metric = SIMNET_METRIC_LINK;
    none.what = SIMNET_LINK_ENTERED;
    none.link = 1; /* b>a */
    none.compare = SIMNET_EQ;
    simnet_scenario_add(&from.expectations, &none);
    assert_true(simnet_shrink(&from, NULL, &out, NULL, &stats, &error));
    assert_int_equal(out.reactions.count, 1);
    assert_int_equal(out.reactions.at[0].to.opcode, SIPC_DATA);
    simnet_scenario_fini(&out);
    simnet_scenario_fini(&from);
}

static void test_shrink_when_nothing_fails_then_told(void **state)
{
    struct simnet_shrink_stats stats;
    struct simnet_scenario from, out;
    struct simnet_error error;

    (void)state;
    simnet_swarm_make(1, &from);
    assert_false(simnet_shrink(&from, NULL, &out, NULL, &stats, &error));
    assert_non_null(strstr(error.text, "does not fail"));
    from.hosts.at[0].settings.max_window_size = 0;
    assert_false(simnet_shrink(&from, NULL, &out, NULL, &stats, &error));
    assert_non_null(strstr(error.text, "max_window_size"));
    simnet_scenario_fini(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shrink_when_a_failure_is_planted_then_a_few_lines_fail_by_it),
        cmocka_unit_test(test_shrink_when_runs_are_few_then_it_says_so_and_still_fails),
        cmocka_unit_test(test_shrink_when_an_expectation_breaks_then_it_still_does),
        cmocka_unit_test(test_shrink_when_answers_are_not_needed_then_they_go),
        cmocka_unit_test(test_shrink_when_nothing_fails_then_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
