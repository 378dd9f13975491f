/* Scenarios made by a program: built, run, judged, copied, cut down.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simnet/scenario.h"

#define MS SIPC_NS_PER_MS

static simnet_host model_host(struct simnet_scenario *s, const char *name)
{
    struct simnet_scenario_host host = {.name = simnet_scenario_string(s, name)};

    sipc_config_default(&host.settings);
    simnet_scenario_add(&s->hosts, &host);
    return (simnet_host)(s->hosts.count - 1);
}

static void model_link(struct simnet_scenario *s, simnet_host from, simnet_host to)
{
    struct simnet_scenario_link link = {.from = from, .to = to};

    link.config.rate_bps = 10000000;
    link.config.delay.base_ns = 5 * MS;
    simnet_scenario_add(&s->links, &link);
}

static void model_expect(struct simnet_scenario *s, enum simnet_metric metric,
                         enum simnet_compare compare, uint64_t value)
{
    struct simnet_expectation expectation = SIMNET_EXPECTATION_ANY;

    expectation.metric = metric;
    expectation.compare = compare;
    expectation.value = value;
    simnet_scenario_add(&s->expectations, &expectation);
}

/* Three hosts in a row of pairs; ten messages from a to b in two sessions, one from c to b. */
static void model_make(struct simnet_scenario *s)
{
    struct simnet_scenario_session group = {.a = 0, .b = 1, .count = 2};
    struct simnet_scenario_traffic traffic = {
        .what = {.host = 0, .open = true, .count = 5, .size_min = 1000, .size_max = 1000}};

    simnet_scenario_init(s, "model");
    model_host(s, "a");
    model_host(s, "b");
    model_host(s, "c");
    for (simnet_host from = 0; from < 3; from += 2) {
        model_link(s, from, 1);
        model_link(s, 1, from);
    }
    group.name = simnet_scenario_string(s, "S");
    simnet_scenario_add(&s->sessions, &group);
    simnet_scenario_add(&s->traffic, &traffic);
    group = (struct simnet_scenario_session){.name = "T", .a = 2, .b = 1, .count = 1};
    simnet_scenario_add(&s->sessions, &group);
    traffic.what.host = 2;
    traffic.what.session = 1;
    traffic.what.count = 1;
    simnet_scenario_add(&s->traffic, &traffic);
}

static uint64_t model_run(const struct simnet_scenario *s, bool ok, const char *text)
{
    struct simnet_scenario_run run;
    struct simnet_judgement judgement;
    struct simnet_error error;

    if (!simnet_scenario_build(s, NULL, &run, &error, NULL, NULL))
        fail_msg("%s", error.text);
    simnet_scenario_judge(&run, simnet_scenario_go(&run), &judgement);
    if (text != NULL)
        assert_string_equal(judgement.text, text);
    assert_int_equal(judgement.ok, ok);
    uint64_t hash = simnet_world_hash(run.world);
    simnet_scenario_run_fini(&run);
    return hash;
}

static void test_model_when_run_then_judged(void **state)
{
    (void)state;
    struct simnet_scenario s;

    model_make(&s);
    model_expect(&s, SIMNET_METRIC_BYTES, SIMNET_EQ, 11000);
    model_expect(&s, SIMNET_METRIC_BEGUN, SIMNET_EQ, 14); /* three opened */
    model_expect(&s, SIMNET_METRIC_GOODPUT, SIMNET_GT, 100000);
    model_run(&s, true, "");
    s.expectations.at[0].value++;
    model_run(&s, false, "expected 11001B, found 11KB");
    s.expectations.at[0].host = 0; /* delivered at a: nothing */
    s.expectations.at[0].value = 0;
    model_run(&s, true, "");
    s.expectations.at[1].command = SIMNET_COMMAND_SEND;
    s.expectations.at[1].session = 0;
    s.expectations.at[1].place = 1;
    s.expectations.at[1].value = 5;
    model_run(&s, true, "");
    simnet_scenario_fini(&s);
}

static void test_model_when_copied_then_the_same_and_apart(void **state)
{
    (void)state;
    struct simnet_scenario s, copy;

    model_make(&s);
    simnet_scenario_copy(&s, &copy);
    uint64_t hash = model_run(&s, true, "");
    simnet_scenario_fini(&s);
    assert_int_equal(model_run(&copy, true, ""), hash);
    copy.traffic.at[0].what.count = 4;
    assert_int_not_equal(model_run(&copy, true, ""), hash);
    simnet_scenario_fini(&copy);
}

static void test_model_when_a_host_goes_then_the_rest_stays(void **state)
{
    (void)state;
    struct simnet_scenario s;

    model_make(&s);
    struct simnet_fault fault = {.link = 3, .stage = SIMNET_STAGE_LOSS, .verdict = SIMNET_DROP};
    fault.key.xmit = 1;
    simnet_tape_add(&s.faults, &fault);
    fault.link = 0;
    simnet_tape_add(&s.faults, &fault);
    model_expect(&s, SIMNET_METRIC_BYTES, SIMNET_EQ, 1000);
    simnet_scenario_remove_host(&s, 0);
    assert_int_equal(s.hosts.count, 2);
    assert_int_equal(s.links.count, 2);
    assert_int_equal(s.sessions.count, 1);
    assert_int_equal(s.traffic.count, 1);
    assert_int_equal(s.faults.count, 1);
    assert_int_equal(s.faults.faults[0].link, 1);
    assert_true(s.chance_off);
    model_run(&s, true, "");
    simnet_scenario_fini(&s);
}

/* Each breaks one thing of a scenario that makes sense; the message says which. */
static const struct model_bad {
    const char *text;
    size_t array;
} model_bad[] = {
    {"traffic is of a session and one of its two hosts", 0},
    {"an operation is of a session and one of its two hosts", 1},
    {"session S has the places 0..1, not 2", 2},
    {"a session is closed with a code of 1..99, not 100", 3},
    {"session S is there twice", 4},
    {"only scripted hosts send PDUs as written, to hosts", 5},
    {"a route goes by a link", 6},
    {"a route goes from one host to another", 7},
    {"fault 1: transmissions are counted from 1", 8},
    {"only scripted hosts answer as written", 9},
};

static void model_break(struct simnet_scenario *s, size_t how)
{
    struct simnet_scenario_operation operation = {
        .place = SIMNET_NONE, .what = {.command = SIMNET_COMMAND_CLOSE, .code = 1}};
    struct simnet_fault fault = {.stage = SIMNET_STAGE_LOSS, .verdict = SIMNET_DROP};

    s->traffic.at[0].what.session = how == 0 ? 7 : 0;
    operation.what.host = how == 1 ? 2 : 0;
    operation.place = how == 2 ? 2 : 1;
    operation.what.code = how == 3 ? 100 : 1;
    simnet_scenario_add(&s->operations, &operation);
    if (how == 4)
        s->sessions.at[1].name = "S";
    if (how == 5)
        simnet_scenario_add(&s->pdus, (&(struct simnet_scenario_pdu){.from = 0, .to = 1}));
    if (how == 6)
        simnet_scenario_add(&s->routes, (&(struct simnet_scenario_route){.to = 2, .link = 4}));
    if (how == 7)
        simnet_scenario_add(&s->routes, (&(struct simnet_scenario_route){.from = 1, .to = 1}));
    if (how == 9)
        simnet_scenario_add(&s->reactions, (&(struct simnet_scenario_reaction){.host = 1}));
    if (how == 8)
        simnet_tape_add(&s->faults, &fault);
}

static void test_model_when_it_makes_no_sense_then_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof model_bad / sizeof model_bad[0]; i++) {
        struct simnet_scenario_run run;
        struct simnet_scenario s;
        struct simnet_error error = {""};
        model_make(&s);
        model_break(&s, model_bad[i].array);
        assert_false(simnet_scenario_build(&s, NULL, &run, &error, NULL, NULL));
        assert_string_equal(error.text, model_bad[i].text);
        simnet_scenario_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_when_run_then_judged),
        cmocka_unit_test(test_model_when_copied_then_the_same_and_apart),
        cmocka_unit_test(test_model_when_a_host_goes_then_the_rest_stays),
        cmocka_unit_test(test_model_when_it_makes_no_sense_then_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
