/* The same seed gives the same bytes of trace: twice in a process, from the tape alone, with
 * whatever compiler (the committed hashes). And one fault taken away leaves the others in place. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "golden.h"
#include "internal.h"

enum { SEED = 20 };

static struct simnet_world *run(const struct golden_world *golden, uint64_t seed, bool record,
                                const struct simnet_tape *tape)
{
    struct simnet_config config;
    char text[512];

    simnet_config_default(&config);
    config.seed = seed;
    config.record = record;
    config.replay = tape;
    struct simnet_world *world = golden_build(golden, &config);
    enum simnet_end end = simnet_world_run(world, SIPC_NEVER);
    simnet_world_explain(world, end, text, sizeof text);
    if (end != SIMNET_END_DRAINED)
        fail_msg("%s, seed %" PRIu64 ": %s", golden->name, seed, text);
    return world;
}

static void test_golden_hashes(void **state)
{
    size_t wrong = 0;
    (void)state;

    for (size_t i = 0; i < golden_world_count; i++) {
        const struct golden_world *golden = &golden_worlds[i];
        struct simnet_world *world = run(golden, SEED, false, NULL);
        if (simnet_world_hash(world) != golden->hash ||
            simnet_world_events(world) != golden->events) {
            print_error("%s: expected hash 0x%016" PRIx64 " of %" PRIu64
                        " events, found 0x%016" PRIx64 " of %" PRIu64 "\n",
                        golden->name, golden->hash, golden->events, simnet_world_hash(world),
                        simnet_world_events(world));
            wrong++;
        }
        simnet_world_free(world);
    }
    assert_int_equal(wrong, 0);
}

static void test_twice_in_a_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_world_count; i++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct simnet_world *first = run(&golden_worlds[i], seed, true, NULL);
            struct simnet_world *second = run(&golden_worlds[i], seed, false, NULL);
            size_t count, count_again;
            const uint64_t *marks = simnet_world_checkpoints(first, &count);
            const uint64_t *again = simnet_world_checkpoints(second, &count_again);
            assert_int_equal(simnet_world_hash(first), simnet_world_hash(second));
            assert_int_equal(count, simnet_world_events(first) / SIMNET_CHECKPOINT_EVENTS);
            assert_int_equal(count, count_again);
            if (count > 0)
                assert_memory_equal(marks, again, count * sizeof *marks);
            simnet_world_free(first);
            simnet_world_free(second);
        }
}

static void test_the_tape_alone_gives_the_same_history(void **state)
{
    size_t faults = 0;
    (void)state;

    for (size_t i = 0; i < golden_world_count; i++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct simnet_world *first = run(&golden_worlds[i], seed, true, NULL);
            const struct simnet_tape *tape = simnet_world_tape(first);
            struct simnet_world *second = run(&golden_worlds[i], seed, true, tape);
            const struct simnet_tape *again = simnet_world_tape(second);
            if (simnet_world_hash(first) != simnet_world_hash(second))
                fail_msg("%s: another history", golden_worlds[i].name);
            assert_int_equal(simnet_world_unused_faults(second), 0);
            assert_int_equal(tape->count, again->count);
            for (size_t f = 0; f < tape->count; f++) {
                assert_null(simnet_fault_check(&tape->faults[f]));
                assert_int_equal(tape->faults[f].value, again->faults[f].value);
            }
            faults += tape->count;
            simnet_world_free(first);
            simnet_world_free(second);
        }
    assert_true(faults > 1000);
}

static void test_seeds_and_ties_make_other_histories(void **state)
{
    struct golden_world golden = golden_worlds[1];
    struct simnet_world *first = run(&golden, 1, false, NULL);
    struct simnet_world *second = run(&golden, 2, false, NULL);
    (void)state;

    golden.ties = SIMNET_TIES_SHUFFLED;
    struct simnet_world *third = run(&golden, 1, false, NULL);
    assert_int_not_equal(simnet_world_hash(first), simnet_world_hash(second));
    assert_int_not_equal(simnet_world_hash(first), simnet_world_hash(third));
    simnet_world_free(first);
    simnet_world_free(second);
    simnet_world_free(third);
}

/* Who looks changes nothing: neither numbers of events nor the hash. */
static void count_event(void *ctx, const struct simnet_event *event)
{
    size_t *count = ctx;

    assert_true(event->kind < SIMNET_EVENT_KIND_COUNT);
    ++*count;
}

static void test_observers_change_nothing(void **state)
{
    struct simnet_config config;
    (void)state;

    simnet_config_default(&config);
    for (size_t i = 0; i < golden_world_count; i++) {
        size_t seen = 0;
        config.seed = SEED;
        struct simnet_world *world = golden_build(&golden_worlds[i], &config);
        simnet_observe(world, &(struct simnet_observer){&seen, SIMNET_WANT_ALL, count_event});
        simnet_world_run(world, SIPC_NEVER);
        assert_int_equal(simnet_world_hash(world), golden_worlds[i].hash);
        assert_true(seen > simnet_world_events(world));
        simnet_world_free(world);
    }
}

/* Running in slices of a millisecond is the same run. */
static void test_slices_change_nothing(void **state)
{
    struct simnet_config config;
    (void)state;

    simnet_config_default(&config);
    config.seed = SEED;
    struct simnet_world *world = golden_build(&golden_worlds[0], &config);
    for (sipc_time at = 0; simnet_world_run(world, at) != SIMNET_END_DRAINED;)
        at += SIPC_NS_PER_MS;
    assert_int_equal(simnet_world_hash(world), golden_worlds[0].hash);
    simnet_world_free(world);
}

/* ---- faults stay where they are ---- */

static bool same_key(const struct simnet_pdu_key *a, const struct simnet_pdu_key *b)
{
    return a->session == b->session && a->window_id == b->window_id && a->seq_nr == b->seq_nr &&
           a->xmit == b->xmit && a->opcode == b->opcode && a->copy == b->copy;
}

static const struct simnet_fault *find_fault(const struct simnet_tape *tape,
                                             const struct simnet_fault *wanted)
{
    for (size_t i = 0; i < tape->count; i++) {
        const struct simnet_fault *fault = &tape->faults[i];
        if (fault->link == wanted->link && fault->stage == wanted->stage &&
            same_key(&fault->key, &wanted->key))
            return fault;
    }
    return NULL;
}

/* Without losses, duplicates and corruption, every PDU that is still sent has the delay it had. */
static void test_switching_stages_off_leaves_the_draws_of_others(void **state)
{
    struct golden_world full = golden_worlds[4], bare = full;
    size_t same = 0;
    (void)state;

    full.ab.losses[0] = (struct simnet_loss){.kind = SIMNET_LOSS_IID, .ppm = 30000};
    full.ab.duplicate.ppm = 50000;
    full.ab.corrupt.truncate_ppm = 50000;
    struct simnet_world *first = run(&full, 5, true, NULL);
    struct simnet_world *second = run(&bare, 5, true, NULL);
    const struct simnet_tape *tape = simnet_world_tape(second);
    for (size_t i = 0; i < tape->count; i++) {
        const struct simnet_fault *other = find_fault(simnet_world_tape(first), &tape->faults[i]);
        assert_int_equal(tape->faults[i].stage, SIMNET_STAGE_PROPAGATE);
        if (other == NULL)
            continue; /* a PDU the other history does not have */
        assert_int_equal(other->value, tape->faults[i].value);
        same++;
    }
    assert_true(same > 300);
    simnet_world_free(first);
    simnet_world_free(second);
}

/* Each fault in turn off the tape: the others fall on the PDUs they fell on, as far as those are
 * still sent. The first faults are those of the first message. */
static void test_a_tape_with_a_fault_less_replays_the_others(void **state)
{
    const struct golden_world *golden = &golden_worlds[3];
    struct simnet_world *full = run(golden, 1, true, NULL);
    const struct simnet_tape *tape = simnet_world_tape(full);
    (void)state;

    assert_true(tape->count > 4);
    for (size_t left_out = 0; left_out < 4; left_out++) {
        struct simnet_tape less = {0};
        for (size_t i = 0; i < tape->count; i++)
            if (i != left_out)
                simnet_tape_add(&less, &tape->faults[i]);
        struct simnet_world *world = run(golden, 1, true, &less);
        assert_int_not_equal(simnet_world_hash(world), simnet_world_hash(full));
        assert_int_equal(simnet_world_unused_faults(world) + simnet_world_tape(world)->count,
                         less.count);
        if (left_out > 0)
            assert_int_equal(simnet_world_tape(world)->faults[0].value, tape->faults[0].value);
        simnet_world_free(world);
        simnet_tape_clear(&less);
    }
    simnet_world_free(full);
}

static void test_fault_check_refuses_what_no_link_does(void **state)
{
    static const struct {
        struct simnet_fault fault;
        const char *text;
    } rows[] = {
        {{.stage = SIMNET_STAGE_LOSS, .verdict = SIMNET_DELAY, .key.xmit = 1}, "stage"},
        {{.stage = SIMNET_STAGE_LOSS, .verdict = SIMNET_PASS, .key.xmit = 1}, "stage"},
        {{.stage = SIMNET_STAGE_MTU, .verdict = SIMNET_DROP, .key.xmit = 1}, "stage"},
        {{.stage = SIMNET_STAGE_LOSS, .verdict = SIMNET_DROP}, "from 1"},
        {{.stage = SIMNET_STAGE_DUPLICATE, .verdict = SIMNET_COPIES, .key.xmit = 1}, "copies"},
        {{.stage = SIMNET_STAGE_CORRUPT, .verdict = SIMNET_FLIP, .key.xmit = 1}, "bits"},
        {{.stage = SIMNET_STAGE_CORRUPT, .verdict = SIMNET_EXTEND, .key.xmit = 1}, "extend"},
        {{.stage = SIMNET_STAGE_CORRUPT, .verdict = SIMNET_TRUNCATE, .value = 65501, .key.xmit = 1},
         "longer"},
        {{.stage = SIMNET_STAGE_PROPAGATE,
          .verdict = SIMNET_DELAY,
          .value = UINT64_MAX,
          .key.xmit = 1},
         "a day"},
        {{.stage = SIMNET_STAGE_REORDER, .verdict = SIMNET_SWAP, .key.xmit = 1}, "places"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = simnet_fault_check(&rows[i].fault);
        if (why == NULL || strstr(why, rows[i].text) == NULL)
            fail_msg("row %zu: expected '%s', found '%s'", i, rows[i].text, why ? why : "nothing");
    }
}

/* A figure for people, not a test: it fails only if nothing went through. */
static void test_speed_is_printed(void **state)
{
    struct golden_world golden = golden_worlds[0];
    struct simnet_link_stats stats;
    (void)state;

    golden.sessions = 4;
    golden.messages = 50;
    golden.size_max = 60000;
    clock_t begin = clock();
    struct simnet_world *world = run(&golden, 1, false, NULL);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    simnet_link_stats(world, 0, &stats);
    uint64_t pdus = stats.entered;
    simnet_link_stats(world, 1, &stats);
    pdus += stats.entered;
    print_message("two engines: %.2f million PDUs/s, %.2f million events/s\n",
                  seconds > 0 ? (double)pdus / seconds / 1e6 : 0,
                  seconds > 0 ? (double)simnet_world_steps(world) / seconds / 1e6 : 0);
    assert_true(pdus > 4000);
    simnet_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_hashes),
        cmocka_unit_test(test_twice_in_a_process),
        cmocka_unit_test(test_the_tape_alone_gives_the_same_history),
        cmocka_unit_test(test_seeds_and_ties_make_other_histories),
        cmocka_unit_test(test_observers_change_nothing),
        cmocka_unit_test(test_slices_change_nothing),
        cmocka_unit_test(test_switching_stages_off_leaves_the_draws_of_others),
        cmocka_unit_test(test_a_tape_with_a_fault_less_replays_the_others),
        cmocka_unit_test(test_fault_check_refuses_what_no_link_does),
        cmocka_unit_test(test_speed_is_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
