/* The checker of invariants, checked: an endpoint with sessions in all kinds of states is whole,
 * and each number that is put out of order brings the sentence that names the damage.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/state.h"
#include "driver.h"

/* Slots, in the order in which their sessions are made (ids one more). */
enum {
    RECEIVING, /* opened; positions 0 and 2 of window 1 are held, 3 bytes each */
    SENDING,   /* opened; a send's aftermath is outstanding, two fire-and-forget messages wait */
    WAITING,   /* opened; a fire-and-forget message's aftermath is outstanding */
    YOUNG_1,   /* may be evicted */
    YOUNG_2,
    YOUNG_3,
    CLOSING, /* graciously, the ack is awaited */
    ENDED,   /* awaits its disposal */
    GIVEN,   /* was disposed */
    SLOTS
};

static void make_sessions(struct driver *d)
{
    struct sipc_config config = driver_config();

    config.max_sessions = SLOTS + 1;
    config.linger_ns = 0;
    driver_init(d, &config);
    for (int slot = 0; slot < SLOTS; slot++) {
        bool young = slot >= YOUNG_1 && slot <= YOUNG_3;
        driver_rx(d, "#%d data 0/0 first last end %s: a", slot + 1, young ? "" : "skip");
    }
    driver_rx(d, "#1 data 1/0 first a=1: abc");
    driver_rx(d, "#1 data 1/2: def");
    d->session = sipc_session_find(d->ep, 1, driver_id(SENDING + 1));
    driver_send(d, 1, 5, "a=1");
    driver_unreliable(d, 2, 5, "b=22");
    driver_unreliable(d, 3, 5, "c=333");
    d->session = sipc_session_find(d->ep, 1, driver_id(WAITING + 1));
    driver_unreliable(d, 4, 5, "d=4");
    d->session = sipc_session_find(d->ep, 1, driver_id(CLOSING + 1));
    driver_close(d, SIPC_ABORT_NORMAL, 5);
    driver_sent(d, true);
    driver_rx(d, "#%d close 1/0 abort=2", ENDED + 1);
    d->session = sipc_session_find(d->ep, 1, driver_id(GIVEN + 1));
    assert_int_equal(sipc_session_dispose(d->ep, d->now, d->session, 0), SIPC_OK);
    driver_drain(d);
    driver_forget(d);
}

/* ---- the damage ---- */

enum part { ENDPOINT, SESSION, POSITION, RING, HEAP };

struct damage {
    const char *sentence;
    enum part part;
    uint32_t slot, index;
    const char *field;
    size_t offset, size;
    uint64_t value;
};

#define SIZE_OF(type, field) sizeof(((struct type *)0)->field)
#define FIELD(type, field)   #field, offsetof(struct type, field), SIZE_OF(type, field)

#define IN_ENDPOINT(field, value)          ENDPOINT, 0, 0, FIELD(sipc_endpoint, field), value
#define IN_SESSION(slot, field, value)     SESSION, slot, 0, FIELD(session, field), value
#define IN_POSITION(slot, i, field, value) POSITION, slot, i, FIELD(position, field), value
#define IN_RING(slot, i, field, value)     RING, slot, i, FIELD(unreliable, field), value
#define IN_HEAP(i, value)                  HEAP, 0, i, "heap", 0, sizeof(uint32_t), value

#define RUN         "the run lies within the held positions, those within the window"
#define RUN_HELD    "every position of the run is held"
#define BEHIND      "no position is held behind the end"
#define NOT_HELD    "a position not held has no bytes"
#define BYTES       "the window's bytes are those of its positions"
#define ARENA       "group and window fit the arena (GRP-3)"
#define WINDOW      "a window has an id exactly while it holds PDUs"
#define LAST        "the current window is the last one applied (WID-4)"
#define FULL        "a full window leaves the buffer (RCV-6)"
#define ENDED_HOLDS "a session that ended holds no data (RCV-10)"
#define HIGHEST     "no own id passes the highest (WID-2)"
#define TOP         "no own id passes top (WID-10)"
#define NOTHING     "nothing is awaited without an operation"
#define SENT        "what was sent lies within the window, and that within the own maximum (SND-8)"
#define ONE         "an operation awaits an aftermath or an ack, never both (SND-7)"
#define GAP         "nothing is awaited in a gap (FAF-2)"
#define RETRIES     "a window has at most max_retry_count retries (RTY-3)"
#define QUEUE       "the fire-and-forget queue keeps its bounds"
#define POOL        "the pool holds the attributes of the messages that wait"
#define TOKEN       "no message on its way without a token"
#define FAF_2       "no fire-and-forget message waits from closing on (FAF-2)"
#define DEADLINE    "a session's deadline is its earliest timer"
#define CLOSE       "closing has a close in progress (CLS-1)"
#define OUTLIVES    "no operation outlives closing (STM-5)"
#define EVICTABLE   "sessions that may be evicted stand on the list (END-5)"
#define REQUESTS    "requests to close wait in closing only, a bounded number (CLS-5)"
#define FINDS       "the table finds every session"
#define COUNTED     "sessions are counted"
#define FREE_LIST   "the slots given back stand on their list"
#define FREE_ALL    "every slot that was ever used is used or was given back"
#define LIST        "the list of those that may be evicted is whole"
#define LIST_ALL    "the list of those that may be evicted has all of them"
#define HEAP_ALL    "the heap has every session with a deadline"
#define HEAP_ROW    "the heap is in order"

static const struct damage damages[] = {
    {RUN, IN_SESSION(RECEIVING, rx.end, 17)},
    {RUN, IN_SESSION(RECEIVING, rx.run, 4)},
    {RUN_HELD, IN_SESSION(RECEIVING, rx.run, 2)},
    {BEHIND, IN_POSITION(RECEIVING, 15, held, 1)},
    {NOT_HELD, IN_POSITION(RECEIVING, 1, data_size, 1)},
    {NOT_HELD, IN_POSITION(RECEIVING, 15, option_size, 1)},
    {BYTES, IN_POSITION(RECEIVING, 2, data_size, 4)},
    {BYTES, IN_SESSION(RECEIVING, rx.window_data, 5)},
    {BYTES, IN_SESSION(RECEIVING, rx.window_options, 0)},
    {ARENA, IN_SESSION(RECEIVING, rx.group_data, 65500)},
    {ARENA, IN_SESSION(RECEIVING, rx.group_options, 65500)},
    {WINDOW, IN_SESSION(RECEIVING, rx.window_id, UINT64_MAX)},
    {WINDOW, IN_SESSION(SENDING, rx.window_id, 0)},
    {LAST, IN_SESSION(RECEIVING, rx.window_id, 2)},
    {FULL, IN_SESSION(RECEIVING, rx.last_position, 0)},
    {ENDED_HOLDS, IN_SESSION(RECEIVING, state, SIPC_AWAITING_DISPOSAL)},
    {ENDED_HOLDS, IN_SESSION(ENDED, rx.group_windows, 1)},
    {HIGHEST, IN_SESSION(SENDING, tx.last_id, SIPC_WINDOW_ID_MAX + 1)},
    {HIGHEST, IN_SESSION(SENDING, tx.acked_id, SIPC_WINDOW_ID_MAX + 1)},
    {TOP, IN_SESSION(SENDING, tx.last_id, 101)},
    {NOTHING, IN_SESSION(RECEIVING, tx.op.token, 1)},
    {NOTHING, IN_SESSION(RECEIVING, timers[TIMER_ACK], 1)},
    {SENT, IN_SESSION(SENDING, tx.op.sent, 0)},
    {SENT, IN_SESSION(SENDING, tx.op.sent, 2)},
    {SENT, IN_SESSION(SENDING, tx.op.window_length, 17)},
    {ONE, IN_SESSION(SENDING, tx.op.token, 0)},
    {ONE, IN_SESSION(SENDING, timers[TIMER_ACK], 1)},
    {GAP, IN_SESSION(SENDING, tx.op.phase, PHASE_BOUNDARY)},
    {RETRIES, IN_SESSION(SENDING, tx.op.retries, 4)},
    {QUEUE, IN_SESSION(SENDING, faf.count, 5)},
    {POOL, IN_SESSION(SENDING, faf.count, 1)},
    {POOL, IN_SESSION(SENDING, faf.pool_used, 0)},
    {POOL, IN_SESSION(WAITING, faf.token_options, 6)},
    {POOL, IN_RING(SENDING, 0, option_size, 40000)},
    {POOL, IN_ENDPOINT(config.attribute_limit, 9)},
    {TOKEN, IN_SESSION(WAITING, faf.token, 0)},
    {TOKEN, IN_SESSION(SENDING, faf.token_handle, 1)},
    {FAF_2, IN_SESSION(SENDING, state, SIPC_CLOSING)},
    {DEADLINE, IN_SESSION(YOUNG_1, deadline, 1)},
    {DEADLINE, IN_SESSION(YOUNG_1, timers[TIMER_OPEN], 1)},
    {DEADLINE, IN_SESSION(YOUNG_1, heap_index, SLOT_NONE)},
    {DEADLINE, IN_SESSION(RECEIVING, heap_index, 0)},
    {CLOSE, IN_SESSION(RECEIVING, state, SIPC_CLOSING)},
    {OUTLIVES, IN_SESSION(CLOSING, state, SIPC_AWAITING_DISPOSAL)},
    {EVICTABLE, IN_SESSION(YOUNG_2, evictable, false)},
    {EVICTABLE, IN_SESSION(YOUNG_2, local, true)},
    {EVICTABLE, IN_SESSION(RECEIVING, evictable, true)},
    {REQUESTS, IN_SESSION(CLOSING, close_count, CLOSE_REQUESTS_MAX + 1)},
    {REQUESTS, IN_SESSION(RECEIVING, close_count, 1)},
    {FINDS, IN_SESSION(RECEIVING, remote, 2)},
    {FINDS, IN_SESSION(RECEIVING, id[31], 99)},
    {COUNTED, IN_ENDPOINT(session_count, SLOTS)},
    {COUNTED, IN_SESSION(ENDED, state, SIPC_DISPOSED)},
    {FREE_LIST, IN_ENDPOINT(free_first, SLOTS)},
    {FREE_LIST, IN_ENDPOINT(free_first, RECEIVING)},
    {FREE_LIST, IN_SESSION(GIVEN, next, GIVEN)}, /* a loop */
    {FREE_ALL, IN_ENDPOINT(free_first, SLOT_NONE)},
    {LIST, IN_ENDPOINT(evict_first, SLOTS)},
    {LIST, IN_ENDPOINT(evict_first, RECEIVING)},
    {LIST, IN_ENDPOINT(evict_first, YOUNG_2)},
    {LIST, IN_SESSION(YOUNG_2, prev, YOUNG_3)},
    {LIST, IN_SESSION(YOUNG_3, next, YOUNG_1)}, /* a loop */
    {LIST_ALL, IN_SESSION(YOUNG_2, next, SLOT_NONE)},
    {LIST_ALL, IN_ENDPOINT(evict_last, YOUNG_2)},
    {LIST_ALL, IN_ENDPOINT(evict_first, SLOT_NONE)},
    {HEAP_ALL, IN_ENDPOINT(heap_count, 1)},
    {HEAP_ROW, IN_HEAP(0, YOUNG_2)},
    {HEAP_ROW, IN_SESSION(YOUNG_2, heap_index, 0)},
};

/* Two numbers out of order that agree with each other. */
static const struct damage pairs[][2] = {
    /* The one in the middle is off the list. */
    {{LIST_ALL, IN_SESSION(YOUNG_1, next, YOUNG_3)},
     {LIST_ALL, IN_SESSION(YOUNG_3, prev, YOUNG_1)}},
    /* The first deadline is later than the others. */
    {{HEAP_ROW, IN_SESSION(ENDED, deadline, UINT64_C(1) << 60)},
     {HEAP_ROW, IN_SESSION(ENDED, timers[TIMER_LINGER], UINT64_C(1) << 60)}},
};

static uint8_t *place_of(const struct sipc_endpoint *ep, const struct damage *damage)
{
    const struct session *s = session_at(ep, damage->slot);

    switch (damage->part) {
    case ENDPOINT:
        return (uint8_t *)block_at(ep, 0) + damage->offset;
    case SESSION:
        return (uint8_t *)session_at(ep, damage->slot) + damage->offset;
    case POSITION:
        return (uint8_t *)&positions_of(ep, s)[damage->index] + damage->offset;
    case RING:
        return (uint8_t *)&unreliable_of(ep, s)[damage->index] + damage->offset;
    case HEAP:
        return (uint8_t *)block_at(ep, ep->heap_offset) + damage->index * sizeof(uint32_t);
    }
    return NULL;
}

static void do_damage(const struct sipc_endpoint *ep, const struct damage *damage)
{
    uint8_t *place = place_of(ep, damage);
    uint8_t byte = (uint8_t)damage->value;
    uint32_t word = (uint32_t)damage->value;
    const void *value = damage->size == 1                  ? (const void *)&byte
                        : damage->size == sizeof(uint32_t) ? (const void *)&word
                                                           : (const void *)&damage->value;

    assert_in_range(damage->size, 1, sizeof damage->value);
    assert_memory_not_equal(place, value, damage->size); /* or it would be none */
    memcpy(place, value, damage->size);
}

static void check_damages(const struct damage *row, size_t count)
{
    struct driver d;
    const char *found;

    make_sessions(&d);
    assert_null(sipc_endpoint_check(d.ep));
    for (size_t i = 0; i < count; i++)
        do_damage(d.ep, &row[i]);
    found = sipc_endpoint_check(d.ep);
    if (found == NULL || strcmp(found, row->sentence) != 0)
        fail_msg("%s of %u\nexpected: %s\nfound:    %s", row->field, row->slot, row->sentence,
                 found == NULL ? "all well" : found);
    driver_fini(&d);
}

static void test_check_when_one_number_is_out_of_order_then_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        check_damages(&damages[i], 1);
}

static void test_check_when_two_numbers_are_out_of_order_and_agree_then_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        check_damages(pairs[i], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_when_one_number_is_out_of_order_then_told),
        cmocka_unit_test(test_check_when_two_numbers_are_out_of_order_and_agree_then_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
