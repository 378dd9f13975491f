/* Deadlines of many sessions: the heap against a plain search, its order when deadlines tie, and
 * what an update may cost.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../src/state.h"
#include "random.h"

enum { SESSIONS_MAX = 300 };

/* An endpoint whose first `count` slots are sessions without deadlines. */
static struct sipc_endpoint *endpoint_of(uint32_t count)
{
    struct sipc_config config;
    struct sipc_endpoint *ep;
    void *block;
    size_t size;

    sipc_config_default(&config);
    config.max_sessions = count;
    config.max_window_size = 1;
    config.unreliable_queue = 0;
    config.attribute_limit = 0;
    size = sipc_endpoint_size(&config);
    block = calloc(1, size);
    assert_non_null(block);
    assert_int_equal(sipc_endpoint_init(block, size, &config, 0, &ep), SIPC_OK);
    for (uint32_t slot = 0; slot < count; slot++) {
        struct session *s = session_at(ep, slot);
        s->used = true;
        s->heap_index = SLOT_NONE;
        s->deadline = SIPC_NEVER;
        for (int timer = 0; timer < TIMER_COUNT; timer++)
            s->timers[timer] = SIPC_NEVER;
    }
    return ep;
}

/* What the heap is a faster form of. */
static struct session *first_by_search(const struct sipc_endpoint *ep)
{
    struct session *first = NULL;

    for (uint32_t slot = 0; slot < ep->config.max_sessions; slot++) {
        struct session *s = session_at(ep, slot);
        sipc_time earliest = SIPC_NEVER;
        for (int timer = 0; timer < TIMER_COUNT; timer++)
            if (s->timers[timer] < earliest)
                earliest = s->timers[timer];
        assert_true((s->heap_index == SLOT_NONE) == (s->deadline == SIPC_NEVER));
        assert_true(s->heap_index == SLOT_NONE || s->deadline == earliest);
        if (s->heap_index != SLOT_NONE && (first == NULL || earliest < first->deadline))
            first = s;
    }
    return first;
}

/* Every session stands behind its parent in the heap, by (deadline, slot). */
static void assert_heap_order(const struct sipc_endpoint *ep)
{
    const uint32_t *heap = block_at(ep, ep->heap_offset);

    for (uint32_t i = 1; i < ep->heap_count; i++) {
        uint32_t parent = heap[(i - 1) / 4];
        sipc_time parent_at = session_at(ep, parent)->deadline;
        sipc_time at = session_at(ep, heap[i])->deadline;
        assert_true(parent_at < at || (parent_at == at && parent < heap[i]));
        assert_int_equal(session_at(ep, heap[i])->heap_index, i);
    }
}

static void set_deadline(struct sipc_endpoint *ep, struct session *s, enum timer timer,
                         sipc_time at)
{
    sipc__timer_set(s, timer, at);
    sipc__timers_update(ep, s);
}

/* Takes every session out in the order in which it is due. */
static void drain_in_order(struct sipc_endpoint *ep)
{
    const struct session *before = NULL;
    sipc_time before_at = 0;

    for (uint32_t left = ep->heap_count; left > 0; left--) {
        struct session *s = sipc__timers_first_session(ep);
        assert_ptr_equal(s, first_by_search(ep));
        assert_true(before == NULL || before_at < s->deadline ||
                    (before_at == s->deadline && before < s));
        before = s;
        before_at = s->deadline;
        for (int timer = 0; timer < TIMER_COUNT; timer++)
            sipc__timer_set(s, (enum timer)timer, SIPC_NEVER);
        sipc__timers_update(ep, s);
        assert_int_equal(ep->heap_count, left - 1);
    }
    assert_null(sipc__timers_first_session(ep));
}

static void test_timers_when_none_runs_then_no_session(void **state)
{
    struct sipc_endpoint *ep = endpoint_of(4);

    (void)state;
    assert_null(sipc__timers_first_session(ep));
    sipc__timers_remove(ep, session_at(ep, 2)); /* of one without a deadline: nothing */
    assert_int_equal(ep->heap_count, 0);
    free(ep);
}

static void test_timers_when_several_run_then_the_earliest_counts(void **state)
{
    struct sipc_endpoint *ep = endpoint_of(1);
    struct session *s = session_at(ep, 0);

    (void)state;
    set_deadline(ep, s, TIMER_LINGER, 30);
    assert_int_equal(s->deadline, 30);
    set_deadline(ep, s, TIMER_OPEN, 20);
    assert_int_equal(s->deadline, 20);
    set_deadline(ep, s, TIMER_ACK, 25); /* not the earliest: nothing moves */
    assert_int_equal(s->deadline, 20);
    set_deadline(ep, s, TIMER_OPEN, SIPC_NEVER);
    assert_int_equal(s->deadline, 25);
    sipc__timers_remove(ep, s);
    assert_null(sipc__timers_first_session(ep));
    free(ep);
}

/* Every order in which up to six sessions can come in, with two equal deadlines among them. */
static void test_timers_when_added_in_any_order_then_due_in_order(void **state)
{
    enum { COUNT = 6, ORDERS = 720 };
    struct sipc_endpoint *ep = endpoint_of(COUNT);

    (void)state;
    for (unsigned order = 0; order < ORDERS; order++) {
        uint32_t left[COUNT] = {0, 1, 2, 3, 4, 5};
        unsigned code = order;
        for (uint32_t count = COUNT; count > 0; count--) {
            uint32_t pick = code % count;
            uint32_t slot = left[pick];
            code /= count;
            left[pick] = left[count - 1];
            set_deadline(ep, session_at(ep, slot), TIMER_IDLE, slot < 2 ? 7 : 10 - slot);
        }
        drain_in_order(ep);
    }
    free(ep);
}

static void test_timers_when_changed_at_random_then_as_a_search_finds(void **state)
{
    static const uint32_t counts[] = {1, 2, 5, 6, 21, 22, 85, SESSIONS_MAX};
    uint64_t random = 1;

    (void)state;
    for (size_t row = 0; row < sizeof counts / sizeof counts[0]; row++) {
        struct sipc_endpoint *ep = endpoint_of(counts[row]);
        for (int step = 0; step < 4000; step++) {
            struct session *s = session_at(ep, (uint32_t)random_below(&random, counts[row]));
            enum timer timer = (enum timer)random_below(&random, TIMER_COUNT);
            size_t kind = random_below(&random, 8);
            if (kind == 0) {
                sipc__timers_remove(ep, s);
                s->deadline = SIPC_NEVER;
                for (int t = 0; t < TIMER_COUNT; t++)
                    sipc__timer_set(s, (enum timer)t, SIPC_NEVER);
            } else { /* few values, so that many deadlines tie */
                set_deadline(ep, s, timer, kind < 3 ? SIPC_NEVER : random_below(&random, 50));
            }
            assert_ptr_equal(sipc__timers_first_session(ep), first_by_search(ep));
            assert_heap_order(ep);
        }
        drain_in_order(ep);
        free(ep);
    }
}

/* The most cells of the heap that a change moves: one on each of its levels. */
static void test_timers_when_one_of_many_changes_then_few_cells_move(void **state)
{
    enum { LEVELS = 6 }; /* 1 + 4 + 16 + 64 + 256 >= 300, and the cell that is given up */
    struct sipc_endpoint *ep = endpoint_of(SESSIONS_MAX);
    const uint32_t *heap = block_at(ep, ep->heap_offset);
    static uint32_t before[SESSIONS_MAX];
    uint64_t random = 2;

    (void)state;
    for (uint32_t slot = 0; slot < SESSIONS_MAX; slot++)
        set_deadline(ep, session_at(ep, slot), TIMER_ACK, random_below(&random, 1000));
    for (int step = 0; step < 3000; step++) {
        struct session *s = session_at(ep, (uint32_t)random_below(&random, SESSIONS_MAX));
        bool stop = random_below(&random, 3) == 0;
        unsigned moved = 0;
        memcpy(before, heap, sizeof before);
        set_deadline(ep, s, TIMER_ACK, stop ? SIPC_NEVER : random_below(&random, 1000));
        for (uint32_t i = 0; i < SESSIONS_MAX; i++)
            moved += heap[i] != before[i];
        assert_in_range(moved, 0, LEVELS);
    }
    free(ep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_when_none_runs_then_no_session),
        cmocka_unit_test(test_timers_when_several_run_then_the_earliest_counts),
        cmocka_unit_test(test_timers_when_added_in_any_order_then_due_in_order),
        cmocka_unit_test(test_timers_when_changed_at_random_then_as_a_search_finds),
        cmocka_unit_test(test_timers_when_one_of_many_changes_then_few_cells_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
