/* Worlds on ns-3: packet by packet as on the simulator itself, in the scenarios that are shipped
 * and in random ones; the same each time; and a word about what ns-3 cannot do. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conform/script.h"
#include "simnet/compare.h"
#include "simnet/ns3.h"
#include "simnet/swarm.h"

#define SCENARIOS SIPC_SOURCE_DIR "/simnet/scenarios/"
#define MS        UINT64_C(1000000)

static const struct simnet_scenario_options none;

static struct simnet_ns3 *new_ns3(void)
{
    struct simnet_error error;
    struct simnet_ns3 *ns3 = simnet_ns3_library.make(&error);

    if (ns3 == NULL)
        fail_msg("%s", error.text);
    return ns3;
}

/* Most of the time of a short run goes into room for sessions that never come. */
static void save_room(struct simnet_scenario *scenario)
{
    for (size_t i = 0; i < scenario->hosts.count; i++) {
        struct sipc_config *settings = &scenario->hosts.at[i].settings;
        settings->max_sessions = settings->max_sessions < 16 ? settings->max_sessions : 16;
    }
}

static void load_text(const char *text, struct simnet_scenario *out)
{
    struct sx_script *script = sx_parse("t.sx", text, strlen(text), stderr, NULL);

    assert_non_null(script);
    assert_true(simnet_scenario_from_script(script, 0, out, stderr));
    save_room(out);
    sx_script_free(script);
}

/* Compares on ns-3, or on what `wrap` makes of it. */
static void compare(const struct simnet_scenario *scenario,
                    struct simnet_carrier (*wrap)(const struct simnet_carrier *),
                    struct simnet_compared *out)
{
    struct simnet_ns3 *ns3 = new_ns3();
    struct simnet_carrier carrier = *simnet_ns3_library.carrier(ns3);
    struct simnet_error error;
    int line;
    bool foreign;

    if (wrap != NULL)
        carrier = wrap(simnet_ns3_library.carrier(ns3));
    if (!simnet_compare(scenario, &carrier, &none, out, &error, &line, &foreign))
        fail_msg("%s: line %d: %s", scenario->name, line, error.text);
    simnet_ns3_library.end(ns3);
}

/* ---- the shipped scenarios ---- */

static void compare_file(const char *name, size_t *cases)
{
    char path[400];
    struct simnet_scenario scenario;
    struct simnet_compared compared;

    snprintf(path, sizeof path, SCENARIOS "%s.sx", name);
    struct sx_script *script = sx_parse_file(path, stderr, NULL);
    assert_non_null(script);
    for (size_t i = 0; i < script->case_count; i++, ++*cases) {
        assert_true(simnet_scenario_from_script(script, i, &scenario, stderr));
        if (scenario.sessions.count < 4 && scenario.sessions.at[0].count == 1)
            save_room(&scenario);
        compare(&scenario, NULL, &compared);
        if (!simnet_compared_agree(&compared))
            fail_msg("%s: %" PRIu64 " same, %" PRIu64 " apart, %" PRIu64 " alone; first: %s",
                     scenario.name, compared.same, compared.apart, compared.alone, compared.first);
        assert_true(compared.same > 0 && compared.own.ok && compared.other.ok);
        assert_int_equal(compared.own.events, compared.other.events);
        simnet_scenario_fini(&scenario);
    }
    sx_script_free(script);
}

static void test_packets_of_scenarios_arrive_at_the_same_ns(void **state)
{
    (void)state;
    static const char *const names[] = {"asymmetric",         "bad-wifi",      "bufferbloat",
                                        "corrupting-link",    "flaky-path",    "mtu-drop",
                                        "partition-and-heal", "reordering",    "satellite-geo",
                                        "shared-bottleneck",  "slow-receiver", "stray-pdus"};
    size_t cases = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        compare_file(names[i], &cases);
    assert_int_equal(cases, 17);
}

static void test_packets_of_all_the_others_do_too(void **state)
{
    (void)state;
    static const char *const names[] = {"address-change",
                                        "clean-lan",
                                        "clock-drift",
                                        "crash-and-restart",
                                        "duplicate-storm",
                                        "long-fat-10g",
                                        "measured-leo-fitted",
                                        "measured-server",
                                        "measured-server-fitted",
                                        "measured-short-timer",
                                        "measured-short-timer-fitted",
                                        "measured-wifi-fitted",
                                        "pause",
                                        "one-way-partition",
                                        "satellite-leo",
                                        "scripted-receiver",
                                        "thousand-sessions"};
    size_t cases = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        compare_file(names[i], &cases);
    assert_int_equal(cases, 18);
}

/* ---- without endpoints ---- */

/* Also the faults are the same: they go by the names of datagrams. */
static void test_links_alone_carry_what_they_carried_with_endpoints(void **state)
{
    (void)state;
    static const char *const names[] = {"address-change", "bad-wifi", "corrupting-link",
                                        "reordering", "stray-pdus"};
    struct simnet_scenario scenario;
    struct simnet_compared compared;
    struct simnet_compared_links links[2];
    struct simnet_error error;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[400];
        snprintf(path, sizeof path, SCENARIOS "%s.sx", names[i]);
        struct sx_script *script = sx_parse_file(path, stderr, NULL);
        assert_non_null(script);
        assert_true(simnet_scenario_from_script(script, 0, &scenario, stderr));
        save_room(&scenario);
        compare(&scenario, NULL, &compared);
        struct simnet_ns3 *ns3 = new_ns3();
        if (!simnet_compare_links(&scenario, simnet_ns3_library.carrier(ns3), &none, links, &error,
                                  NULL, NULL))
            fail_msg("%s: %s", scenario.name, error.text);
        simnet_ns3_library.end(ns3);
        assert_int_equal(links[0].arrivals, compared.own.arrivals);
        assert_int_equal(links[1].arrivals, compared.own.arrivals);
        simnet_scenario_fini(&scenario);
        sx_script_free(script);
    }
}

/* ---- random ones ---- */

/* Without what ns-3 has not: other queues, wires that stop; and without what comes at the very same
 * moment by design, the order of which is drawn, or anybody's. */
static void tame(struct simnet_scenario *scenario)
{
    scenario->ties = SIMNET_TIES_FIFO;
    for (size_t i = 0; i < scenario->links.count; i++) {
        struct simnet_link_config *config = &scenario->links.at[i].config;
        config->queue.discipline = SIMNET_TAIL_DROP;
        if (config->queue.unit != SIMNET_QUEUE_PACKETS)
            config->queue = (struct simnet_queue_config){0};
        if (config->rate_bps == 0)
            config->rate_bps = 100000000;
        if (config->duplicate.delay_ns == 0)
            config->duplicate.delay_ns = 1001;
    }
    for (size_t i = scenario->changes.count; i-- > 0;) {
        enum simnet_change_kind kind = scenario->changes.at[i].what.kind;
        if (kind == SIMNET_LINK_CLOG || kind == SIMNET_LINK_UNCLOG)
            simnet_scenario_remove(&scenario->changes, i);
    }
}

static void test_random_worlds_live_the_same_on_ns3(void **state)
{
    (void)state;
    struct simnet_scenario scenario;
    struct simnet_compared compared;
    uint64_t same = 0;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        simnet_swarm_make(seed, &scenario);
        tame(&scenario);
        save_room(&scenario);
        compare(&scenario, NULL, &compared);
        if (!simnet_compared_agree(&compared) || compared.own.end != compared.other.end)
            fail_msg("seed %" PRIu64 ": %" PRIu64 " same, %" PRIu64 " apart, %" PRIu64
                     " alone; first: %s",
                     seed, compared.same, compared.apart, compared.alone, compared.first);
        same += compared.same;
        simnet_scenario_fini(&scenario);
    }
    assert_true(same > 3000);
}

/* ---- the comparison can fail ---- */

static struct {
    struct simnet_carrier carrier;
    uint64_t sends;
} wrapped;

static bool add_shifted(void *ctx, simnet_link link, const struct simnet_link_config *config,
                        const struct simnet_wire *wire, struct simnet_error *error)
{
    struct simnet_wire shifted = *wire;

    shifted.delay_ns += link == 0;
    return wrapped.carrier.add(ctx, link, config, &shifted, error);
}

static struct simnet_carrier shift_delay(const struct simnet_carrier *carrier)
{
    struct simnet_carrier other = wrapped.carrier = *carrier;

    other.add = add_shifted;
    return other;
}

static const char *send_all_but_one(void *ctx, simnet_link link, uint32_t size, uint32_t number)
{
    return ++wrapped.sends == 100 ? "planted" : wrapped.carrier.send(ctx, link, size, number);
}

static struct simnet_carrier lose_one(const struct simnet_carrier *carrier)
{
    struct simnet_carrier other = wrapped.carrier = *carrier;

    wrapped.sends = 0;
    other.send = send_all_but_one;
    return other;
}

static const char *send_longer(void *ctx, simnet_link link, uint32_t size, uint32_t number)
{
    return wrapped.carrier.send(ctx, link, size + (++wrapped.sends == 100), number);
}

static struct simnet_carrier lengthen_one(const struct simnet_carrier *carrier)
{
    struct simnet_carrier other = wrapped.carrier = *carrier;

    wrapped.sends = 0;
    other.send = send_longer;
    return other;
}

static void test_a_planted_difference_is_seen(void **state)
{
    (void)state;
    static const char text[] = "# .\nsx 1\nid t\n\nworld\nhost a\nhost b\n"
                               "link a<>b rate 10Mbit/s delay 5ms\nsession S of a>b\n"
                               "traffic a in S count 20 size 10KB opens\n";
    struct simnet_scenario scenario;
    struct simnet_compared compared;

    load_text(text, &scenario);
    compare(&scenario, NULL, &compared);
    assert_true(simnet_compared_agree(&compared));
    assert_int_equal(compared.own.hash, compared.other.hash);
    assert_string_equal(compared.first, "");

    compare(&scenario, shift_delay, &compared);
    assert_false(simnet_compared_agree(&compared));
    assert_true(compared.apart > 100 && compared.apart_max_ns >= 1);
    assert_string_equal(compared.first,
                        "a>b opcode 1 0:0 xmit 1: own 6120000 ns, other 6120001 ns");
    assert_int_not_equal(compared.own.hash, compared.other.hash);

    compare(&scenario, lose_one, &compared);
    assert_true(compared.alone > 0 && !simnet_compared_agree(&compared));

    compare(&scenario, lengthen_one, &compared); /* by 8 bits at 10 Mbit/s */
    assert_true(compared.apart > 0 && compared.apart_max_ns >= 800);
    assert_false(simnet_compared_agree(&compared));
    simnet_scenario_fini(&scenario);
}

/* ---- a run on ns-3 ---- */

static uint64_t run_on_ns3(const struct simnet_scenario *scenario,
                           struct simnet_scenario_options options, struct simnet_tape *tape)
{
    struct simnet_ns3 *ns3 = options.carrier == NULL ? NULL : new_ns3();
    struct simnet_scenario_run run;
    struct simnet_error error;

    if (ns3 != NULL)
        options.carrier = simnet_ns3_library.carrier(ns3);
    options.record = tape != NULL;
    options.rounds_each = true;
    assert_true(simnet_scenario_build(scenario, &options, &run, &error, NULL, NULL));
    simnet_scenario_go(&run);
    uint64_t hash = simnet_world_hash(run.world);
    const struct simnet_tape *recorded = simnet_world_tape(run.world);
    for (size_t i = 0; tape != NULL && i < recorded->count; i++)
        simnet_tape_add(tape, &recorded->faults[i]);
    assert_int_equal(simnet_world_unused_faults(run.world), 0);
    simnet_scenario_run_fini(&run);
    simnet_ns3_library.end(ns3);
    return hash;
}

static const struct simnet_carrier any; /* stands for ns-3 */

/* Every kind of fault on one link. */
static const char faulty[] =
    "# .\nsx 1\nid t\n\nworld\nseed 5\nhost a max_retry_count 15\nhost b\n"
    "link a>b rate 10Mbit/s delay 5ms queue 30packets loss 3% duplicate 3% copies 3 after 1ms "
    "flip 2% truncate 1% extend 1% checksum swap 4% by 3 jump 4% by 8 jitter exponential 100us\n"
    "link b>a rate 10Mbit/s delay 5ms bursts in 5% out 30% lose 80% jitter normal 1ms reorders\n"
    "session S of a>b\ntraffic a in S count 20 size 1KB to 20KB opens\n";

static void test_the_tape_does_on_ns3_what_it_does_here(void **state)
{
    (void)state;
    struct simnet_scenario scenario;
    struct simnet_tape own = {0}, other = {0};
    bool seen[SIMNET_STAGE_COUNT] = {false};

    load_text(faulty, &scenario);
    uint64_t hash = run_on_ns3(&scenario, none, &own);
    assert_int_equal(
        run_on_ns3(&scenario, (struct simnet_scenario_options){.carrier = &any}, &other), hash);
    assert_int_equal(own.count, other.count);
    assert_int_equal(run_on_ns3(&scenario,
                                (struct simnet_scenario_options){.carrier = &any, .replay = &own},
                                NULL),
                     hash);
    assert_int_equal(
        run_on_ns3(&scenario, (struct simnet_scenario_options){.replay = &other}, NULL), hash);
    for (size_t i = 0; i < own.count; i++)
        seen[own.faults[i].stage] = true;
    assert_true(seen[SIMNET_STAGE_LOSS] && seen[SIMNET_STAGE_DUPLICATE] &&
                seen[SIMNET_STAGE_CORRUPT] && seen[SIMNET_STAGE_PROPAGATE] &&
                seen[SIMNET_STAGE_REORDER]);
    simnet_tape_clear(&own);
    simnet_tape_clear(&other);
    simnet_scenario_fini(&scenario);
}

static void test_a_seed_is_one_history(void **state)
{
    (void)state;
    struct simnet_scenario scenario;
    uint64_t hashes[3];
    const uint64_t seeds[3] = {9, 9, 10};

    load_text(faulty, &scenario);
    for (int i = 0; i < 3; i++)
        hashes[i] = run_on_ns3(
            &scenario, (struct simnet_scenario_options){.carrier = &any, .seed = &seeds[i]}, NULL);
    assert_true(hashes[0] == hashes[1]);
    assert_true(hashes[0] != hashes[2]);
    simnet_scenario_fini(&scenario);
}

/* ---- changes ---- */

static void test_changes_of_links_are_felt_on_ns3(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "at 100ms a>b rate 2Mbit/s\n",
        "at 100ms a>b delay 1ms\n",
        "at 100ms a>b delay 50ms\n",
        "at 100ms a>b down lost\nat 300ms a>b up\n",
        "at 100ms a>b down kept\nat 300ms a>b up\n",
        "at 100ms a>b down held\nat 300ms a>b up\n",
        "at 100ms a>b faults off\nat 300ms a>b faults on\n",
        "at 101ms a>b rate 1500kbit/s\nat 200ms a>b rate 10Mbit/s\n",
        "ties shuffled\n",
        "heal 200ms\n",
    };
    char text[600];
    struct simnet_scenario scenario;
    struct simnet_compared compared;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        snprintf(text, sizeof text,
                 "# .\nsx 1\nid t\n\nworld\nhost a max_retry_count 9\nhost b\n"
                 "link a>b rate 10Mbit/s delay 5ms queue 10ms loss 1%% swap 5%%\n"
                 "link b>a rate 10Mbit/s delay 5ms\nsession S of a>b\n"
                 "traffic a in S count 10 size 30KB opens\n%s",
                 lines[i]);
        load_text(text, &scenario);
        compare(&scenario, NULL, &compared);
        if (!simnet_compared_agree(&compared))
            fail_msg("%s: %s", lines[i], compared.first);
        simnet_scenario_fini(&scenario);
    }
}

/* ---- what it cannot do ---- */

static void test_what_ns3_cannot_do_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *link, *more;
        int line;
        const char *part;
    } rows[] = {
        {"queue 100KB red 10KB to 60KB drop 10% weight 6", "", 8, "red: ns-3 has another RED"},
        {"queue 1s codel 5ms interval 100ms", "", 8, "codel: ns-3 has another CoDel"},
        {"queue 1499B", "", 8, "queue: with ns-3 each datagram passes"},
        {"queue 5GB", "", 8, "queue: ns-3 has room for less than 4 GiB"},
        {"", "at 1s a>b clog\n", 10, "clog, unclog: ns-3 cannot stop"},
        {"queue 10ms", "at 1s a>b rate 1199kbit/s\n", 10, "queue: with ns-3 each datagram passes"},
        {"queue 10ms", "at 1s a>b rate 1200kbit/s\nat 2s a>b rate 1kbit/s\n", 11, "queue: with"},
        {"delay 10ms queue 1.5bdp", "at 1s a>b delay 300us\n", 10, "queue: with ns-3"},
    };
    char text[600];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct simnet_scenario scenario;
        struct simnet_scenario_options options = {0};
        struct simnet_scenario_run run;
        struct simnet_error error;
        int line;
        bool foreign;

        snprintf(text, sizeof text,
                 "# .\nsx 1\nid t\n\nworld\nhost a\nhost b\nlink a<>b rate 10Mbit/s %s\n"
                 "session S of a>b\n%s",
                 rows[i].link, rows[i].more);
        load_text(text, &scenario);
        struct simnet_ns3 *ns3 = new_ns3();
        options.carrier = simnet_ns3_library.carrier(ns3);
        assert_false(simnet_scenario_build(&scenario, &options, &run, &error, &line, &foreign));
        assert_int_equal(line, rows[i].line);
        assert_non_null(strstr(error.text, rows[i].part));
        simnet_ns3_library.end(ns3);
        simnet_scenario_fini(&scenario);
    }
}

static void test_there_is_one_ns3(void **state)
{
    (void)state;
    struct simnet_ns3 *ns3 = new_ns3();
    struct simnet_error error;

    assert_null(simnet_ns3_library.make(&error));
    assert_non_null(strstr(error.text, "already"));
    simnet_ns3_library.end(ns3);
    simnet_ns3_library.end(NULL);
}

/* With an argument: what takes longer. */
int main(int argc, char **argv)
{
    const struct CMUnitTest slow[] = {
        cmocka_unit_test(test_packets_of_all_the_others_do_too),
        cmocka_unit_test(test_links_alone_carry_what_they_carried_with_endpoints),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_of_scenarios_arrive_at_the_same_ns),
        cmocka_unit_test(test_random_worlds_live_the_same_on_ns3),
        cmocka_unit_test(test_a_planted_difference_is_seen),
        cmocka_unit_test(test_the_tape_does_on_ns3_what_it_does_here),
        cmocka_unit_test(test_a_seed_is_one_history),
        cmocka_unit_test(test_changes_of_links_are_felt_on_ns3),
        cmocka_unit_test(test_what_ns3_cannot_do_is_said_with_its_line),
        cmocka_unit_test(test_there_is_one_ns3),
    };
    (void)argv;
    if (argc > 1)
        return cmocka_run_group_tests(slow, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
