/* Hosts: the engine on virtual time, crashes and new lives, pauses, clocks, addresses, scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "pair.h"

#define MS SIPC_NS_PER_MS
#define S  (1000 * MS)

/* ---- the engine ---- */

static void test_messages_go_through_and_the_world_drains(void **state)
{
    struct pair *pair =
        pair_new(NULL, NULL, &(struct simnet_link_config){.delay = {.base_ns = 5 * MS}});
    struct simnet_operation_stats stats;
    (void)state;

    pair_traffic(pair, 10, 100000, true);
    pair_run(pair);
    simnet_operation_stats(pair->world, &stats);
    assert_int_equal(stats.begun, 11); /* ten sends and the close */
    assert_int_equal(stats.ended[SIPC_OUTCOME_OK], 11);
    assert_int_equal(stats.pending, 0);
    assert_int_equal(stats.bytes_delivered, 10 * 100000);
    assert_int_equal(simnet_session_state(pair->world, pair->session, pair->a), SIPC_DISPOSED);
    assert_int_equal(simnet_session_state(pair->world, pair->session, pair->b), SIPC_DISPOSED);
    pair_free(pair);
}

/* A window of one PDU of the first group takes a round trip, and so does the rest: the aftermath
 * is the end of serialisation. 1,000 bytes at a microsecond a byte. */
static void test_aftermath_comes_at_the_end_of_serialisation(void **state)
{
    struct pair *pair =
        pair_new(NULL, NULL,
                 &(struct simnet_link_config){.rate_bps = 8000000, .delay = {.base_ns = 10 * MS}});
    const struct simnet_event *result = NULL, *delivered = NULL;
    struct simnet_link_stats stats;
    (void)state;

    pair_open(pair, 0, pair->a);
    pair_send(pair, 0, pair->a, 100, true);
    pair_run(pair);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_RESULT, pair->a, &result), 1);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_DELIVER, pair->b, &delivered), 1);
    simnet_link_stats(pair->world, pair->ab, &stats);
    assert_int_equal(stats.entered, 1);
    assert_int_equal(delivered->time_ns, stats.busy_ns + 10 * MS);
    assert_int_equal(stats.sojourn_max_ns, stats.busy_ns);
    simnet_link_stats(pair->world, pair->ba, &stats);
    assert_int_equal(result->time_ns, delivered->time_ns + stats.busy_ns + 10 * MS);
    pair_free(pair);
}

static void test_a_drop_the_sender_is_told_of_is_a_network_error(void **state)
{
    static const unsigned tells[] = {0, SIMNET_TELL_MTU};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct pair *pair =
            pair_new(NULL, NULL, &(struct simnet_link_config){.mtu = 200, .tells = tells[i]});
        const struct simnet_event *result = NULL;
        pair_open(pair, 0, pair->a);
        pair_send(pair, 0, pair->a, 1000, true);
        pair_run(pair);
        assert_int_equal(pair_count(pair, SIMNET_EVENT_RESULT, pair->a, &result), 1);
        assert_int_equal(result->outcome,
                         tells[i] ? SIPC_OUTCOME_NETWORK_ERROR : SIPC_OUTCOME_TIMEOUT);
        pair_free(pair);
    }
}

static void test_no_route_is_a_loss(void **state)
{
    struct pair *pair = pair_new(NULL, NULL, NULL);
    const struct simnet_event *result = NULL;
    simnet_session session;
    struct sipc_config settings;
    simnet_host c;
    struct simnet_error error;
    (void)state;

    sipc_config_default(&settings);
    assert_true(simnet_host_add_engine(pair->world, NULL, &settings, &c, &error));
    assert_true(simnet_session_add(pair->world, pair->a, c, NULL, &session));
    pair->session = session;
    pair_open(pair, 0, pair->a);
    pair_send(pair, 0, pair->a, 10, true);
    pair_run(pair);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_RESULT, pair->a, &result), 1);
    assert_int_equal(result->outcome, SIPC_OUTCOME_TIMEOUT);
    assert_string_equal(simnet_host_name(pair->world, c), "host2");
    pair_free(pair);
}

static void test_a_setting_that_makes_no_sense_is_named(void **state)
{
    struct simnet_config config;
    struct sipc_config settings;
    struct simnet_error error;
    simnet_host host;
    (void)state;

    simnet_config_default(&config);
    sipc_config_default(&settings);
    settings.ack_timeout_ns = 0;
    struct simnet_world *world = simnet_world_new(&config);
    assert_false(simnet_host_add_engine(world, NULL, &settings, &host, &error));
    assert_non_null(strstr(error.text, "ack_timeout"));
    assert_int_equal(simnet_host_count(world), 0);
    simnet_world_free(world);
}

/* ---- lives ---- */

static void test_a_crash_ends_what_runs_and_a_restart_begins_anew(void **state)
{
    struct pair *pair =
        pair_new(NULL, NULL, &(struct simnet_link_config){.delay = {.base_ns = 50 * MS}});
    struct simnet_operation_stats stats;
    const struct simnet_event *first = NULL;
    (void)state;

    pair_open(pair, 0, pair->a);
    pair_send(pair, 0, pair->a, 1000, true);
    pair_change(pair, 10 * MS, SIMNET_HOST_CRASH, pair->a, 0);
    pair_send(pair, 20 * MS, pair->a, 1000, true); /* refused: nobody is there */
    pair_change(pair, 1 * S, SIMNET_HOST_RESTART, pair->a, 0);
    pair_open(pair, 2 * S, pair->a);
    pair_run(pair);
    simnet_operation_stats(pair->world, &stats);
    assert_int_equal(stats.begun, 1);
    assert_int_equal(stats.crashed, 1);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_RESULT, pair->a, NULL), 0);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_DELIVER, pair->b, NULL), 1);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_CHANGE, pair->a, &first), 2);
    assert_true(simnet_host_is_up(pair->world, pair->a));
    pair_free(pair);
}

static void test_what_comes_to_a_host_that_is_down_is_dropped(void **state)
{
    struct pair *pair =
        pair_new(NULL, NULL, &(struct simnet_link_config){.delay = {.base_ns = 50 * MS}});
    struct simnet_link_stats stats;
    (void)state;

    pair_open(pair, 0, pair->a);
    pair_send(pair, 0, pair->a, 1000, true);
    pair_change(pair, 10 * MS, SIMNET_HOST_CRASH, pair->b, 0);
    pair_run(pair);
    simnet_link_stats(pair->world, pair->ab, &stats);
    assert_int_equal(stats.entered, 4); /* one and three retries */
    assert_int_equal(stats.dropped[SIMNET_STAGE_ARRIVE], 4);
    pair_free(pair);
}

/* The receiver loses its memory between the group and the sender's next: RCV-9 speaks of one life,
 * so that the group it may get once more is no failure. */
static void test_a_receiver_that_restarts_may_be_given_a_group_again(void **state)
{
    static const uint64_t first_ack[] = {0};
    struct pair *pair = pair_new(NULL, NULL, NULL);
    struct simnet_link_config config = {
        .losses = {{.kind = SIMNET_LOSS_LIST, .list = first_ack, .list_count = 1}}};
    struct simnet_error error;
    simnet_link lossy;
    (void)state;

    assert_true(simnet_link_add(pair->world, &config, &lossy, &error));
    simnet_route(pair->world, pair->b, pair->a, lossy);
    pair_open(pair, 0, pair->a);
    pair_send(pair, 0, pair->a, 1000, true);
    pair_change(pair, 100 * MS, SIMNET_HOST_CRASH, pair->b, 0);
    pair_change(pair, 200 * MS, SIMNET_HOST_RESTART, pair->b, 0);
    pair_run(pair);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_DELIVER, pair->b, NULL), 2);
    assert_null(simnet_world_failure(pair->world));
    pair_free(pair);
}

static void test_a_paused_host_does_everything_when_it_resumes(void **state)
{
    struct pair *pair =
        pair_new(NULL, NULL, &(struct simnet_link_config){.delay = {.base_ns = 10 * MS}});
    const struct simnet_event *delivered = NULL, *sent = NULL;
    (void)state;

    pair_open(pair, 0, pair->a);
    pair_send(pair, 0, pair->a, 1000, true);
    pair_change(pair, 5 * MS, SIMNET_HOST_PAUSE, pair->b, 0);
    pair_send(pair, 20 * MS, pair->b, 10, true); /* waits, too */
    pair_change(pair, 700 * MS, SIMNET_HOST_RESUME, pair->b, 0);
    pair_run(pair);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_DELIVER, pair->b, &delivered), 1);
    assert_int_equal(delivered->time_ns, 700 * MS);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_OPERATION, pair->b, &sent), 1);
    assert_int_equal(sent->time_ns, 700 * MS);
    assert_int_equal(sent->status, SIPC_OK);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_DELIVER, pair->a, NULL), 1);
    pair_free(pair);
}

static void test_a_crash_while_paused_forgets_what_waited(void **state)
{
    struct pair *pair =
        pair_new(NULL, NULL, &(struct simnet_link_config){.delay = {.base_ns = 10 * MS}});
    struct simnet_operation_stats stats;
    (void)state;

    pair_open(pair, 0, pair->a);
    pair_send(pair, 0, pair->a, 1000, true);
    pair_change(pair, 5 * MS, SIMNET_HOST_PAUSE, pair->b, 0);
    pair_send(pair, 20 * MS, pair->b, 10, true);
    pair_change(pair, 50 * MS, SIMNET_HOST_CRASH, pair->b, 0);
    pair_run(pair);
    simnet_operation_stats(pair->world, &stats);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(pair_count(pair, SIMNET_EVENT_DELIVER, pair->b, NULL), 0);
    pair_free(pair);
}

/* ---- clocks ---- */

/* A host that notes when its deadline, at 1 s of its clock, was called. */
struct alarm {
    sipc_time deadline, fired_at, shown;
    struct simnet_world *world;
};

static enum sipc_status alarm_start(void *self, struct simnet_world *world, simnet_host host,
                                    sipc_time now)
{
    struct alarm *alarm = self;
    (void)host;

    alarm->world = world;
    alarm->deadline = now + S;
    return SIPC_OK;
}

static sipc_time alarm_deadline(const void *self)
{
    return ((const struct alarm *)self)->deadline;
}

static void alarm_advance(void *self, sipc_time now)
{
    struct alarm *alarm = self;

    alarm->fired_at = simnet_world_now(alarm->world);
    alarm->shown = now;
    alarm->deadline = SIPC_NEVER;
}

static const struct simnet_driver alarm_driver = {
    .start = alarm_start, .deadline = alarm_deadline, .advance = alarm_advance};

static void test_clocks_drift_and_step(void **state)
{
    static const struct {
        const char *name;
        int32_t ppm;
        sipc_time clock_ns;
        struct simnet_change change; /* at 0: none */
        sipc_time fired_at;
    } rows[] = {
        {"right", 0, 0, {0}, 1 * S},
        {"begins at 5 s", 0, 5 * S, {0}, 1 * S},
        {"fast by half", 500000, 0, {0}, 666666667},
        {"slow by half", -500000, 0, {0}, 2 * S},
        {"fast by 100 ppm", 100, 0, {0}, 999900010},
        {"steps forward", 0, 0, {400 * MS, SIMNET_HOST_CLOCK_STEP, 0, 300 * MS}, 700 * MS},
        {"steps beyond", 0, 0, {400 * MS, SIMNET_HOST_CLOCK_STEP, 0, 900 * MS}, 400 * MS},
        {"steps back",
         0,
         0,
         {400 * MS, SIMNET_HOST_CLOCK_STEP, 0, (uint64_t) - (int64_t)(300 * MS)},
         1300 * MS},
        {"drifts from 500 ms on",
         0,
         0,
         {500 * MS, SIMNET_HOST_CLOCK_DRIFT, 0, (uint64_t)-INT64_C(500000)},
         1500 * MS},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct simnet_config config;
        struct simnet_error error;
        struct alarm alarm = {0};
        simnet_config_default(&config);
        struct simnet_world *world = simnet_world_new(&config);
        simnet_host_add(
            world,
            &(struct simnet_host_config){.clock_ppm = rows[i].ppm, .clock_ns = rows[i].clock_ns},
            &alarm_driver, &alarm);
        if (rows[i].change.at_ns)
            assert_true(simnet_change_at(world, &rows[i].change, &error));
        assert_int_equal(simnet_world_run(world, SIPC_NEVER), SIMNET_END_DRAINED);
        if (alarm.fired_at != rows[i].fired_at || alarm.shown < rows[i].clock_ns + S)
            fail_msg("%s: expected at %llu, fired at %llu, clock %llu", rows[i].name,
                     (unsigned long long)rows[i].fired_at, (unsigned long long)alarm.fired_at,
                     (unsigned long long)alarm.shown);
        simnet_world_free(world);
    }
}

static void test_a_clock_never_goes_back(void **state)
{
    struct simnet_config config;
    struct simnet_error error;
    struct alarm alarm = {0};
    sipc_time last = 0;
    (void)state;

    simnet_config_default(&config);
    struct simnet_world *world = simnet_world_new(&config);
    simnet_host host = simnet_host_add(world, NULL, &alarm_driver, &alarm);
    static const int64_t steps[] = {-50, 30, -400, 200, -1};
    for (size_t i = 0; i < 5; i++)
        assert_true(
            simnet_change_at(world,
                             &(struct simnet_change){(i + 1) * 100 * MS, SIMNET_HOST_CLOCK_STEP,
                                                     host, (uint64_t)(steps[i] * (int64_t)MS)},
                             &error));
    for (sipc_time at = 0; at <= 2 * S; at += 10 * MS) {
        simnet_world_run(world, at);
        assert_true(simnet_host_clock(world, host) >= last);
        last = simnet_host_clock(world, host);
    }
    assert_int_equal(last, 2 * S - 221 * MS);
    simnet_world_free(world);
}

/* ---- addresses ---- */

/* b's address changes while a's first message is under way: what goes to the old one is lost; what
 * b sends comes from the new one. */
static void test_to_an_old_address_nothing_arrives(void **state)
{
    struct pair *pair =
        pair_new(NULL, NULL, &(struct simnet_link_config){.delay = {.base_ns = 10 * MS}});
    struct simnet_link_stats stats;
    sipc_peer old = simnet_host_address(pair->world, pair->b);
    (void)state;

    pair_open(pair, 0, pair->a);
    pair_send(pair, 0, pair->a, 10, true);
    pair_change(pair, 5 * MS, SIMNET_HOST_ADDRESS, pair->b, 0);
    pair_run(pair);
    simnet_link_stats(pair->world, pair->ab, &stats);
    assert_int_equal(stats.dropped[SIMNET_STAGE_ARRIVE], 4);
    assert_int_not_equal(simnet_host_address(pair->world, pair->b), old);
    assert_int_equal(simnet_host_of_address(pair->world, old), pair->b);
    assert_int_equal(simnet_host_of_address(pair->world, 99), SIMNET_NONE);
    pair_free(pair);
}

/* ---- scripts ---- */

struct echo {
    size_t received;
    sipc_peer from;
    uint8_t bytes[8];
};

static void echo_receive(void *ctx, struct simnet_world *world, simnet_host host, sipc_time now,
                         sipc_peer from, struct sipc_span bytes)
{
    struct echo *echo = ctx;
    (void)now;

    echo->received++;
    echo->from = from;
    if (bytes.size <= sizeof echo->bytes)
        memcpy(echo->bytes, bytes.data, bytes.size);
    if (echo->received == 1)
        simnet_port_transmit(world, host, &(struct simnet_transmit){.to = from, .head = bytes});
}

static void test_scripts_send_at_their_times_and_answer(void **state)
{
    struct simnet_config config;
    struct simnet_error error;
    struct echo echo = {0}, back = {0};
    static const uint8_t hello[] = "hello";
    (void)state;

    simnet_config_default(&config);
    struct simnet_world *world = simnet_world_new(&config);
    simnet_host b = simnet_host_add_script(
        world, NULL, &(struct simnet_script){.ctx = &echo, .receive = echo_receive});
    back.received = 1; /* does not answer */
    struct simnet_script_step steps[] = {{5 * MS, b, {hello, 5}}, {7 * MS, b, {hello, 4}}};
    simnet_host a = simnet_host_add_script(
        world, NULL,
        &(struct simnet_script){
            .steps = steps, .step_count = 2, .ctx = &back, .receive = echo_receive});
    simnet_link link;
    assert_true(simnet_link_add(world, &(struct simnet_link_config){.delay = {.base_ns = MS}},
                                &link, &error));
    simnet_route(world, a, b, link); /* one link for both ways: a shared medium */
    simnet_route(world, b, a, link);
    simnet_world_run(world, 6 * MS);
    assert_int_equal(echo.received, 1);
    assert_memory_equal(echo.bytes, "hello", 5);
    simnet_world_run(world, SIPC_NEVER);
    assert_int_equal(echo.received, 2);
    assert_int_equal(back.received, 2);
    assert_int_equal(back.from, simnet_host_address(world, b));
    assert_string_equal(simnet_link_name(world, link), "link0");
    simnet_world_free(world);
}

/* ---- budgets ---- */

static void test_budgets_stop_a_run_and_say_so(void **state)
{
    static const struct {
        struct simnet_config config;
        enum simnet_end end;
        const char *text;
    } rows[] = {
        {{.event_max = 100, .heal_ns = SIPC_NEVER}, SIMNET_END_EVENT_BUDGET, "event budget"},
        {{.time_max_ns = 30 * MS, .heal_ns = SIPC_NEVER}, SIMNET_END_TIME_BUDGET, "time budget"},
        {{.moment_max = 5, .heal_ns = SIPC_NEVER}, SIMNET_END_MOMENT, "time stands still"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        struct pair *pair =
            pair_new(&rows[i].config, NULL,
                     &(struct simnet_link_config){.delay = {.base_ns = i == 2 ? 0 : 10 * MS}});
        pair_traffic(pair, 100, 10000, false);
        enum simnet_end end = simnet_world_run(pair->world, SIPC_NEVER);
        assert_int_equal(end, rows[i].end);
        simnet_world_explain(pair->world, end, text, sizeof text);
        assert_non_null(strstr(text, rows[i].text));
        assert_int_equal(simnet_world_run(pair->world, SIPC_NEVER), rows[i].end);
        pair_free(pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_go_through_and_the_world_drains),
        cmocka_unit_test(test_aftermath_comes_at_the_end_of_serialisation),
        cmocka_unit_test(test_a_drop_the_sender_is_told_of_is_a_network_error),
        cmocka_unit_test(test_no_route_is_a_loss),
        cmocka_unit_test(test_a_setting_that_makes_no_sense_is_named),
        cmocka_unit_test(test_a_crash_ends_what_runs_and_a_restart_begins_anew),
        cmocka_unit_test(test_what_comes_to_a_host_that_is_down_is_dropped),
        cmocka_unit_test(test_a_receiver_that_restarts_may_be_given_a_group_again),
        cmocka_unit_test(test_a_paused_host_does_everything_when_it_resumes),
        cmocka_unit_test(test_a_crash_while_paused_forgets_what_waited),
        cmocka_unit_test(test_clocks_drift_and_step),
        cmocka_unit_test(test_a_clock_never_goes_back),
        cmocka_unit_test(test_to_an_old_address_nothing_arrives),
        cmocka_unit_test(test_scripts_send_at_their_times_and_answer),
        cmocka_unit_test(test_budgets_stop_a_run_and_say_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
