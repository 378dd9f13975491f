/* Receiving data, rule by rule, as conversations: WID-3…8, SEQ-1, SEQ-3, RCV-*, ACK-*, OPN-2,
 * OPN-3. Named rows where a rule has boundaries. Every order and history of PDUs: test_window.c.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"

#define E15 SIPC_WINDOW_ID_MAX

static struct sipc_config config_of(uint32_t max_window_size)
{
    struct sipc_config config = driver_config();

    config.max_window_size = max_window_size;
    return config;
}

/* Opened by the peer's first group, in window 0. */
static void init_opened(struct driver *d, const struct sipc_config *config)
{
    driver_init(d, config);
    driver_rx(d, "data 0/0 first last end skip");
    driver_forget(d);
}

/* ---- window ids ---- */

static const struct {
    const char *name;
    int64_t min;
    bool processed;
    int64_t id;
    bool valid;
} id_rows[] = {
    /* clang-format off */
    {"first: 0",                   -1,       false, 0,        true},
    {"first: 100",                 -1,       false, 100,      true},
    {"first: 101",                 -1,       false, 101,      false},
    {"min-1",                      50,       true,  49,       false},
    {"min, not processed",         50,       false, 50,       true},
    {"min, processed",             50,       true,  50,       false},
    {"min+1",                      50,       true,  51,       true},
    {"min+100",                    50,       true,  150,      true},
    {"min+101",                    50,       true,  151,      false},
    {"0, min 0",                   0,        false, 0,        true},
    {"100, min 0",                 0,        true,  100,      true},
    {"101, min 0",                 0,        true,  101,      false},
    {"101, min 1",                 1,        true,  101,      true},
    {"9E15 from 9E15-101",         E15-101,  true,  E15,      false},
    {"9E15 from 9E15-100",         E15-100,  true,  E15,      true},
    {"9E15+1 from 9E15-99",        E15-99,   true,  E15+1,    false},
    {"0 from 9E15-1",              E15-1,    true,  0,        false},
    {"9E15, not processed",        E15,      false, E15,      true},
    {"9E15, processed",            E15,      true,  E15,      false},
    {"9E15+1 at 9E15",             E15,      true,  E15+1,    false},
    {"wrapped: 0",                 E15,      true,  0,        true},
    {"wrapped: 100",               E15,      true,  100,      true},
    {"wrapped: 101",               E15,      true,  101,      false},
    {"wrapped, 9E15 incomplete",   E15,      false, 0,        true},
    /* clang-format on */
};

static void test_receiver_at_a_named_window_id_then_ack_or_discard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof id_rows / sizeof id_rows[0]; i++) {
        char ack[80];
        struct driver d;
        sipc_time deadline;
        driver_init(&d, NULL);
        driver_open(&d);
        driver_forget(&d);
        driver_preset(&d, 0, -1, id_rows[i].min, id_rows[i].processed);
        deadline = sipc_endpoint_deadline(d.ep);
        driver_wait(&d, 1);
        driver_rx(&d, "data %" PRId64 "/0 first last", id_rows[i].id);
        snprintf(ack, sizeof ack, "tx data_ack %" PRId64 "/0 full size=16", id_rows[i].id);
        d.note = id_rows[i].name;
        DRIVER_EXPECT(&d, id_rows[i].valid ? ack : "discard window_id");
        if (!id_rows[i].valid) /* SEQ-3a */
            assert_int_equal(sipc_endpoint_deadline(d.ep), deadline);
        driver_fini(&d);
    }
}

static void test_receiver_when_a_pdu_is_applied_then_its_id_is_min(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL);
    driver_rx(&d, "data 5/1"); /* neither seq_nr 0 nor complete: WID-4, ACK-1 */
    DRIVER_QUIET(&d);
    driver_rx(&d, "data 4/0 first last");
    DRIVER_EXPECT(&d, "discard window_id");
    driver_rx(&d, "data 105/1");
    DRIVER_QUIET(&d);
    driver_rx(&d, "data 206/0");
    DRIVER_EXPECT(&d, "discard window_id");
    driver_rx(&d, "data 205/0");
    DRIVER_EXPECT(&d, "tx data_ack 205/0");
    driver_fini(&d);
}

static void test_receiver_when_a_pdu_is_discarded_then_min_and_buffers_stay(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL);
    driver_rx(&d, "data 5/0 first: ab");
    DRIVER_EXPECT(&d, "tx data_ack 5/0");
    driver_rx(&d, "data 106/0 first last end: no");
    driver_rx(&d, "data 6/16 first last end: no");
    driver_rx(&d, "data 5/2147483647 last: no");
    DRIVER_EXPECT(&d, "discard window_id", "discard seq_nr", "discard seq_nr");
    driver_rx(&d, "data 5/1 last end: c");
    DRIVER_EXPECT(&d, "deliver \"abc\"", "tx data_ack 5/1 full size=16");
    driver_fini(&d);
}

static void test_receiver_at_wrap_with_9e15_incomplete_then_it_is_replaced(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_preset(&d, 0, -1, E15 - 1, true);
    driver_forget(&d);
    driver_rx(&d, "data %" PRId64 "/0 first skip: lost", E15);
    DRIVER_EXPECT(&d, "state opened", "tx data_ack 9000000000000000/0");
    driver_rx(&d, "data 3/0 first last end: kept");
    DRIVER_EXPECT(&d, "deliver \"kept\"", "tx data_ack 3/0 full size=16");
    driver_rx(&d, "data %" PRId64 "/1 last end: lost", E15);
    driver_rx(&d, "data 2/0 first last end: lost");
    DRIVER_EXPECT(&d, "discard window_id", "discard window_id");
    driver_fini(&d);
}

/* ---- repeated acks (WID-7) ---- */

static const struct {
    const char *name;
    const char *window[3]; /* PDUs after the opening one */
    const char *ack;
    int64_t id;
} repeats[] = {
    {"a full window", {"data 1/0 first", "data 1/1 last"}, "tx data_ack 1/1 full size=16", 1},
    {"a group", {"data 7/0 first last end"}, "tx data_ack 7/0 full size=16", 7},
    {"error 254", {"data 1/0 last"}, "tx data_ack 1/0 error=254", 1},
    {"error 251", {"data 1/0 first last end s_e_0=bad"}, "tx data_ack 1/0 error=251", 1},
    {"error 250",
     {"data 1/0 first bytes=65300", "data 1/1 bytes=201"},
     "tx data_ack 1/1 error=250",
     1},
};

static void test_receiver_when_the_last_processed_window_comes_again_then_the_same_ack(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof repeats / sizeof repeats[0]; i++) {
        struct driver d;
        init_opened(&d, NULL);
        d.note = repeats[i].name;
        for (int k = 0; k < 3 && repeats[i].window[k] != NULL; k++) {
            driver_forget(&d);
            driver_rx(&d, "%s", repeats[i].window[k]);
        }
        driver_forget(&d);
        driver_rx(&d, "data %" PRId64 "/0 first last end: other", repeats[i].id);
        DRIVER_EXPECT(&d, repeats[i].ack);
        driver_rx(&d, "data %" PRId64 "/15", repeats[i].id); /* any seq_nr */
        DRIVER_EXPECT(&d, repeats[i].ack);
        driver_rx(&d, "data %" PRId64 "/2000000000", repeats[i].id);
        DRIVER_EXPECT(&d, repeats[i].ack);
        driver_rx(&d, "close %" PRId64 "/0", repeats[i].id); /* another opcode */
        DRIVER_EXPECT(&d, "discard window_id");
        /* Incomplete windows and discarded PDUs since then do not matter. */
        driver_rx(&d, "data %" PRId64 "/1", repeats[i].id + 1);
        driver_rx(&d, "data %" PRId64 "/0", repeats[i].id);
        DRIVER_EXPECT(&d, repeats[i].ack);
        driver_fini(&d);
    }
}

static void test_receiver_when_an_ack_is_repeated_then_nothing_else_happens(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.idle_timeout_ns = 1000 * (int64_t)DRIVER_MS;
    init_opened(&d, &config);
    driver_rx(&d, "data 1/0 first last: a");
    driver_rx(&d, "data 2/0: b");
    DRIVER_EXPECT(&d, "tx data_ack 1/0 full size=16", "tx data_ack 2/0");
    driver_wait(&d, 600 * DRIVER_MS);
    driver_rx(&d, "data 1/0 first: x"); /* would clear the group, were it applied */
    DRIVER_EXPECT(&d, "tx data_ack 1/0 full size=16");
    assert_int_equal(sipc_endpoint_deadline(d.ep), 1000 * DRIVER_MS);
    driver_rx(&d, "data 2/1 last end: c");
    DRIVER_EXPECT(&d, "deliver \"abc\"", "tx data_ack 2/1 full size=16");
    driver_fini(&d);
}

static void test_receiver_when_a_window_comes_again_then_the_ack_in_every_state(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL);
    driver_close(&d, SIPC_ABORT_NORMAL, 9);
    DRIVER_EXPECT(&d, "state closing 1", "tx! close 0/0 abort=1");
    driver_rx(&d, "data 0/0 first last end skip");
    driver_rx(&d, "data 1/0 first last end"); /* RCV-10 */
    DRIVER_EXPECT(&d, "tx data_ack 0/0 full size=16", "discard state");
    driver_rx(&d, "close_ack 0/0 full");
    DRIVER_EXPECT(&d, "result 9 close ok", "state awaiting_disposal 1");
    driver_rx(&d, "data 0/0 first last end skip");
    driver_rx(&d, "data 1/0 first last end");
    DRIVER_EXPECT(&d, "tx data_ack 0/0 full size=16", "discard state");
    driver_wait(&d, 8000 * DRIVER_MS); /* linger: 2 * (3 + 1) s */
    driver_rx(&d, "data 0/0 first last end skip");
    DRIVER_EXPECT(&d, "state disposed", "state opening", "state opened", "deliver \"\"",
                  "tx data_ack 0/0 full size=16");
    driver_fini(&d);
}

static void test_receiver_in_opening_when_a_window_comes_again_then_the_ack(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/0 first last");
    driver_rx(&d, "data 0/0 first last");
    DRIVER_EXPECT(&d, "state opening", "tx data_ack 0/0 full size=16",
                  "tx data_ack 0/0 full size=16");
    driver_fini(&d);
}

/* ---- seq_nr (SEQ-1) ---- */

static const struct {
    uint32_t max_window_size;
    int32_t seq_nr;
    bool valid;
} seq_rows[] = {
    {1, 0, true},
    {1, 1, false},
    {2, 1, true},
    {2, 2, false},
    {16, 15, true},
    {16, 16, false},
    {16, 17, false},
    {65535, 65534, true},
    {65535, 65535, false},
    {16, INT32_MAX, false},
    {65535, INT32_MAX, false},
};

static void test_receiver_at_a_boundary_of_seq_nr_then_held_or_discarded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof seq_rows / sizeof seq_rows[0]; i++) {
        struct sipc_config config = config_of(seq_rows[i].max_window_size);
        struct driver d;
        config.max_sessions = 1;
        init_opened(&d, &config);
        driver_rx(&d, "data 1/%d", seq_rows[i].seq_nr);
        if (!seq_rows[i].valid)
            DRIVER_EXPECT(&d, "discard seq_nr");
        else if (seq_rows[i].seq_nr == 0)
            DRIVER_EXPECT(&d, "tx data_ack 1/0 error=254"); /* full, and without beginning */
        else
            DRIVER_QUIET(&d);
        driver_fini(&d);
    }
}

static void test_receiver_with_max_window_size_1_then_every_pdu_is_a_window(void **state)
{
    struct sipc_config config = config_of(1);
    struct driver d;

    (void)state;
    init_opened(&d, &config);
    driver_rx(&d, "data 1/0 first: a");
    driver_rx(&d, "data 2/0: b");
    driver_rx(&d, "data 3/1 last end: x");
    driver_rx(&d, "data 3/0 end: c"); /* RCV-7: not without last_in_window */
    driver_rx(&d, "data 4/0 last end: d");
    DRIVER_EXPECT(&d, "tx data_ack 1/0 full size=1", "tx data_ack 2/0 full size=1",
                  "discard seq_nr", "tx data_ack 3/0 full size=1", "deliver \"abcd\"",
                  "tx data_ack 4/0 full size=1");
    driver_rx(&d, "data 5/0"); /* what a resync PDU comes to there (WID-11) */
    DRIVER_EXPECT(&d, "tx data_ack 5/0 error=254");
    driver_fini(&d);
}

/* ---- conversations: each line given, each answer (NULL: none) ---- */

struct turn {
    const char *rx;
    const char *lines[3];
};

static void talk(struct driver *d, const struct turn *turns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        d->note = turns[i].rx;
        driver_rx(d, "%s", turns[i].rx);
        driver_expect(
            d, (const char *const[]){turns[i].lines[0], turns[i].lines[1], turns[i].lines[2], NULL},
            __FILE__, __LINE__);
    }
}

#define TALK(d, ...)                                                                               \
    do {                                                                                           \
        static const struct turn turns[] = {__VA_ARGS__};                                          \
        talk((d), turns, sizeof turns / sizeof turns[0]);                                          \
    } while (0)

static void test_receiver_when_another_window_begins_then_the_current_is_cleared(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* RCV-1 */
    TALK(&d, {"data 1/0 first: gone", {"tx data_ack 1/0"}}, {"data 1/2: gone", {"tx data_ack 1/0"}},
         {"data 2/1 last end: b", {NULL}}, {"data 1/1 last: late", {"discard window_id"}},
         {"data 2/0 first: a", {"deliver \"ab\"", "tx data_ack 2/1 full size=4"}});
    driver_fini(&d);
}

static void test_receiver_when_first_in_window_group_then_the_group_is_cleared(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* RCV-2 */
    TALK(&d, {"data 1/0 first last a=1: gone", {"tx data_ack 1/0 full size=4"}},
         {"data 2/0 first last end b=2: kept",
          {"deliver \"kept\" b=2", "tx data_ack 2/0 full size=4"}});
    /* On a PDU inside of a window it clears what stood before that window. */
    TALK(&d, {"data 3/0 first last a=1: gone", {"tx data_ack 3/0 full size=4"}},
         {"data 4/1 first last end: b", {NULL}},
         {"data 4/0 first: a", {"deliver \"ab\"", "tx data_ack 4/1 full size=4"}});
    TALK(&d, {"data 5/0 first last a=1: gone", {"tx data_ack 5/0 full size=4"}},
         {"data 6/1 first last end: b", {NULL}}, {"data 6/0: a", {"tx data_ack 6/1 error=254"}});
    driver_fini(&d);
}

static void test_receiver_when_last_in_window_moves_then_what_was_behind_must_come_again(void **s)
{
    struct sipc_config config = config_of(8);
    struct driver d;

    (void)s;
    init_opened(&d, &config); /* RCV-3 */
    /* To the front: everything behind the new end is gone. */
    TALK(&d, {"data 1/3 last end: D", {NULL}}, {"data 1/2: C", {NULL}},
         {"data 1/1 last: b", {NULL}}, {"data 1/0 first: a", {"tx data_ack 1/1 full size=8"}});
    /* Back: the old end is gone itself, and must come again. */
    TALK(&d, {"data 2/0: a", {"tx data_ack 2/0"}}, {"data 2/2 last: X", {"tx data_ack 2/0"}},
         {"data 2/3 last end: d", {"tx data_ack 2/0"}}, {"data 2/1: b", {"tx data_ack 2/1"}},
         {"data 2/2: c", {"deliver \"ababcd\"", "tx data_ack 2/3 full size=8"}});
    /* Into a run already told: the ack goes back to where it stands now. */
    TALK(&d, {"data 3/0 first: a", {"tx data_ack 3/0"}}, {"data 3/1: b", {"tx data_ack 3/1"}},
         {"data 3/2: c", {"tx data_ack 3/2"}}, {"data 3/4 last: e", {"tx data_ack 3/2"}},
         {"data 3/1 last end: B", {"deliver \"aB\"", "tx data_ack 3/1 full size=8"}});
    /* The end itself sent again without the flag is none any more. */
    TALK(&d, {"data 4/1 last: b", {NULL}}, {"data 4/1: b", {NULL}},
         {"data 4/0 first: a", {"tx data_ack 4/1"}},
         {"data 4/2 last end: c", {"deliver \"abc\"", "tx data_ack 4/2 full size=8"}});
    driver_fini(&d);
}

static void test_receiver_when_a_position_is_held_then_the_newer_pdu_replaces_it(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* RCV-4 */
    TALK(&d, {"data 1/1 x=old: longer than the new", {NULL}}, {"data 1/2 last end z=3: c", {NULL}},
         {"data 1/1 x=new: b", {NULL}}, {"data 1/1 x=newest: BB", {NULL}},
         {"data 1/0 first y=1: a",
          {"deliver \"aBBc\" y=1 x=newest z=3", "tx data_ack 1/2 full size=4"}});
    driver_fini(&d);
}

static void test_receiver_with_strays_behind_the_end_then_complete_without_them(void **state)
{
    struct sipc_config config = config_of(6);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* RCV-5 */
    TALK(&d, {"data 1/2 last end: c", {NULL}}, {"data 1/3 s=1: stray", {NULL}},
         {"data 1/5: stray", {NULL}}, {"data 1/1: b", {NULL}},
         {"data 1/0 first: a", {"deliver \"abc\"", "tx data_ack 1/2 full size=6"}});
    /* The positions are free again. */
    TALK(&d, {"data 2/0 first: a", {"tx data_ack 2/0"}}, {"data 2/1: b", {"tx data_ack 2/1"}},
         {"data 2/2: c", {"tx data_ack 2/2"}}, {"data 2/3: d", {"tx data_ack 2/3"}},
         {"data 2/4: e", {"tx data_ack 2/4"}},
         {"data 2/5 last end: f", {"deliver \"abcdef\"", "tx data_ack 2/5 full size=6"}});
    driver_fini(&d);
}

static void test_receiver_when_the_buffer_fills_then_the_window_joins_the_group(void **state)
{
    struct sipc_config config = config_of(3);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* RCV-6, ACK-2 */
    TALK(&d, {"data 1/2: c", {NULL}}, {"data 1/1: b", {NULL}},
         {"data 1/0 first: a", {"tx data_ack 1/2 full size=3"}},
         {"data 2/0 last end: d", {"deliver \"abcd\"", "tx data_ack 2/0 full size=3"}});
    driver_fini(&d);
}

/* A PDU that is a whole group is spared window and group, where they are empty and nothing but data
 * is in it: one step away from that, it must end the same. */
static const struct {
    const char *name;
    const char *before; /* a PDU that is held; NULL none */
    const char *pdu;
    const char *after; /* how the PDU ends: a delivery, or none */
    const char *ack;
} whole_rows[] = {
    /* clang-format off */
    {"alone",                      NULL,             "data 5/0 first last end: a",
     "deliver \"a\"",             "tx data_ack 5/0 full size=16"},
    {"empty",                      NULL,             "data 5/0 first last end",
     "deliver \"\"",              "tx data_ack 5/0 full size=16"},
    {"with skip",                  NULL,             "data 5/0 first last end skip: a",
     "deliver \"a\"",             "tx data_ack 5/0 full size=16"},
    {"with an attribute",          NULL,             "data 5/0 first last end x=1: a",
     "deliver \"a\" x=1",         "tx data_ack 5/0 full size=16"},
    {"of the greatest size",       NULL,             "data 5/0 first last end bytes=200",
     "deliver (200 bytes)",       "tx data_ack 5/0 full size=16"},
    {"a byte larger",              NULL,             "data 5/0 first last end bytes=201",
     NULL,                        "tx data_ack 5/0 error=250"},
    {"a stray of its window held", "data 5/3: lost", "data 5/0 first last end: a",
     "deliver \"a\"",             "tx data_ack 5/0 full size=16"},
    {"another window held",        "data 4/3: lost", "data 5/0 first last end: a",
     "deliver \"a\"",             "tx data_ack 5/0 full size=16"},
    {"last in its window",         "data 5/0: lost", "data 5/1 first last end: a",
     NULL,                        "tx data_ack 5/1 error=254"},
    /* clang-format on */
};

static void test_receiver_at_a_pdu_that_is_a_whole_group_then_as_any_group(void **state)
{
    struct sipc_config config = driver_config();

    (void)state;
    config.group_bytes_max = 200;
    for (size_t i = 0; i < sizeof whole_rows / sizeof whole_rows[0]; i++) {
        struct driver d;
        init_opened(&d, &config);
        if (whole_rows[i].before != NULL)
            driver_rx(&d, "%s", whole_rows[i].before);
        driver_forget(&d);
        driver_rx(&d, "%s", whole_rows[i].pdu);
        d.note = whole_rows[i].name;
        if (whole_rows[i].after != NULL)
            DRIVER_EXPECT(&d, whole_rows[i].after, whole_rows[i].ack);
        else
            DRIVER_EXPECT(&d, whole_rows[i].ack);
        driver_rx(&d, "data 6/0 first: b"); /* what came before has left nothing behind */
        driver_rx(&d, "data 6/1 last end: c");
        DRIVER_EXPECT(&d, "tx data_ack 6/0", "deliver \"bc\"", "tx data_ack 6/1 full size=16");
        driver_fini(&d);
    }
}

static void test_receiver_with_last_in_window_group_alone_then_the_group_goes_on(void **state)
{
    struct sipc_config config = config_of(2);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* RCV-7 */
    TALK(&d, {"data 1/0 first end: a", {"tx data_ack 1/0"}},
         {"data 1/1 last: b", {"tx data_ack 1/1 full size=2"}},
         {"data 2/0: c", {"tx data_ack 2/0"}}, {"data 2/1 end: d", {"tx data_ack 2/1 full size=2"}},
         {"data 3/0 last end: e", {"deliver \"abcde\"", "tx data_ack 3/0 full size=2"}});
    driver_fini(&d);
}

static void test_receiver_when_a_group_is_delivered_then_the_next_begins_empty(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL); /* RCV-8, RCV-9 */
    TALK(&d, {"data 1/0 first last: a", {"tx data_ack 1/0 full size=16"}},
         {"data 2/0 last end: b", {"deliver \"ab\"", "tx data_ack 2/0 full size=16"}},
         {"data 2/0 last end: b", {"tx data_ack 2/0 full size=16"}},
         {"data 3/0 last end: tail", {"tx data_ack 3/0 error=254"}},
         {"data 4/0 first last end: c", {"deliver \"c\"", "tx data_ack 4/0 full size=16"}});
    driver_fini(&d);
}

static void test_receiver_with_a_group_without_beginning_then_254_or_by_the_setting_taken(void **s)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)s;
    init_opened(&d, &config); /* RCV-11 */
    TALK(&d, {"data 1/1 last end: b", {NULL}}, {"data 1/0: a", {"tx data_ack 1/1 error=254"}},
         {"data 2/0 last: a", {"tx data_ack 2/0 error=254"}},
         {"data 3/0 first last: a", {"tx data_ack 3/0 full size=16"}},
         {"data 4/0 last end: b", {"deliver \"ab\"", "tx data_ack 4/0 full size=16"}});
    driver_fini(&d);
    config.require_first_in_window_group = false;
    init_opened(&d, &config);
    TALK(&d, {"data 1/1 last end: b", {NULL}},
         {"data 1/0: a", {"deliver \"ab\"", "tx data_ack 1/1 full size=16"}},
         {"data 2/0 last: c", {"tx data_ack 2/0 full size=16"}},
         {"data 3/0 last end: d", {"deliver \"cd\"", "tx data_ack 3/0 full size=16"}});
    driver_fini(&d);
}

static void test_receiver_after_an_error_then_window_and_group_are_empty(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL); /* ACK-3 */
    TALK(&d, {"data 1/0 first last: gone", {"tx data_ack 1/0 full size=16"}},
         {"data 2/0 last end s_e_0=bad: gone", {"tx data_ack 2/0 error=251"}},
         {"data 2/1 last end: gone", {"tx data_ack 2/0 error=251"}},
         {"data 3/0 last end: tail", {"tx data_ack 3/0 error=254"}},
         {"data 4/0 first last end: b", {"deliver \"b\"", "tx data_ack 4/0 full size=16"}});
    driver_fini(&d);
}

static void test_receiver_when_an_ack_fails_then_nobody_cares(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL); /* ACK-4 */
    TALK(&d, {"data 1/0 first last end: a", {"deliver \"a\"", "tx data_ack 1/0 full size=16"}});
    assert_int_equal(driver_sent_token(&d, d.ack_token, false), SIPC_E_UNKNOWN);
    assert_int_equal(driver_sent_token(&d, d.ack_token, true), SIPC_E_UNKNOWN);
    DRIVER_QUIET(&d);
    TALK(&d, {"data 1/0 first last end: a", {"tx data_ack 1/0 full size=16"}});
    driver_fini(&d);
}

/* ---- opening ---- */

static void test_receiver_in_opening_with_a_group_of_one_window_then_253(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* OPN-3 */
    driver_open(&d);
    driver_forget(&d);
    TALK(&d, {"data 0/0 first last end: a", {"tx data_ack 0/0 error=253"}},
         {"data 1/0 first last: b", {"tx data_ack 1/0 full size=16"}},
         {"data 2/0 first last end: c", {"tx data_ack 2/0 error=253"}},
         {"data 3/0 first last: d", {"tx data_ack 3/0 full size=16"}},
         {"data 4/0 last end", {"state opened", "deliver \"d\"", "tx data_ack 4/0 full size=16"}},
         {"data 5/0 first last end: e", {"deliver \"e\"", "tx data_ack 5/0 full size=16"}});
    driver_fini(&d);
}

static void test_receiver_in_opening_with_skip_then_opened_before_anything_else(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* STM-1, OPN-4; also on a PDU that completes nothing */
    driver_open(&d);
    driver_forget(&d);
    TALK(&d, {"data 3/4 skip: x", {"state opened"}},
         {"data 4/0 first last end: a", {"deliver \"a\"", "tx data_ack 4/0 full size=16"}});
    driver_fini(&d);
    driver_init(&d, NULL);
    driver_open(&d);
    driver_forget(&d);
    TALK(&d, {"data 101/0 first last end skip: x", {"discard window_id"}},
         {"data 100/16 first last end skip: x", {"discard seq_nr"}});
    assert_int_equal(sipc_session_state(d.ep, d.session), SIPC_OPENING);
    driver_fini(&d);
}

static void test_receiver_in_opening_and_sending_then_252_and_nothing_changes(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* OPN-2 */
    driver_open(&d);
    driver_send(&d, 1, 10, "");
    driver_forget(&d);
    TALK(&d, {"data 7/3: x", {"tx data_ack 7/3 error=252"}},
         {"data 5/0 first last: x", {"tx data_ack 5/0 error=252"}}, /* 7 is no min */
         {"data 101/0: x", {"discard window_id"}}, {"data 5/16: x", {"discard seq_nr"}});
    driver_sent(&d, false);
    DRIVER_EXPECT(&d, "result 1 send network_error -5");
    TALK(&d, {"data 5/0 first last: a", {"tx data_ack 5/0 full size=16"}}); /* still usable */
    driver_fini(&d);
}

static void test_receiver_in_opening_and_sending_with_skip_then_taken(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_send(&d, 1, 10, "");
    driver_forget(&d);
    TALK(&d, {"data 5/0 first last end skip: a",
              {"state opened", "deliver \"a\"", "tx data_ack 5/0 full size=16"}});
    driver_fini(&d);
}

/* OPN-5a: what ends receiving, and lets a send through. */
static const struct {
    const char *name;
    const char *rx;
    sipc_time wait;
    bool allowed;
} receiving_rows[] = {
    {"one PDU ago", NULL, 0, false},
    {"just before four ack timeouts", NULL, 4000 * DRIVER_MS - 1, false},
    {"at four ack timeouts", NULL, 4000 * DRIVER_MS, true},
    {"an error ack", "data 0/0 first last end", 0, true},
    {"a discarded PDU", "data 101/0", 0, false},
    {"a full window", "data 0/0 first last", 0, false},
};

static void test_receiver_in_opening_then_sending_waits_for_the_end_of_receiving(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof receiving_rows / sizeof receiving_rows[0]; i++) {
        struct driver d;
        driver_init(&d, NULL);
        driver_open(&d);
        assert_int_equal(driver_try_send(&d, 1, 1, "a="), SIPC_OK); /* not receiving yet */
        driver_sent(&d, false);
        driver_rx(&d, "data 0/1: x");
        if (receiving_rows[i].rx != NULL)
            driver_rx(&d, "%s", receiving_rows[i].rx);
        driver_wait(&d, receiving_rows[i].wait);
        if (driver_try_send(&d, 2, 1, "") != (receiving_rows[i].allowed ? SIPC_OK : SIPC_E_OPENING))
            fail_msg("row \"%s\"", receiving_rows[i].name);
        driver_forget(&d);
        driver_fini(&d);
    }
}

static void test_receiver_in_opening_after_an_error_then_no_timer_of_receiving_runs(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/1: x");
    assert_int_equal(sipc_endpoint_deadline(d.ep), 4000 * DRIVER_MS);
    driver_rx(&d, "data 0/0 last: x");
    assert_int_equal(sipc_endpoint_deadline(d.ep), 10000 * DRIVER_MS); /* the open timeout */
    driver_forget(&d);
    driver_fini(&d);
}

static void test_receiver_in_opening_when_pdus_go_on_then_receiving_goes_on(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_rx(&d, "data 0/1: x");
    driver_wait(&d, 3000 * DRIVER_MS);
    driver_rx(&d, "data 0/1: x");
    driver_wait(&d, 3999 * DRIVER_MS);
    assert_int_equal(driver_try_send(&d, 1, 1, ""), SIPC_E_OPENING);
    driver_wait(&d, 1 * DRIVER_MS);
    driver_forget(&d);
    driver_send(&d, 1, 1, "");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last m1[0,1)");
    driver_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receiver_at_a_named_window_id_then_ack_or_discard),
        cmocka_unit_test(test_receiver_when_a_pdu_is_applied_then_its_id_is_min),
        cmocka_unit_test(test_receiver_when_a_pdu_is_discarded_then_min_and_buffers_stay),
        cmocka_unit_test(test_receiver_at_wrap_with_9e15_incomplete_then_it_is_replaced),
        cmocka_unit_test(
            test_receiver_when_the_last_processed_window_comes_again_then_the_same_ack),
        cmocka_unit_test(test_receiver_when_an_ack_is_repeated_then_nothing_else_happens),
        cmocka_unit_test(test_receiver_when_a_window_comes_again_then_the_ack_in_every_state),
        cmocka_unit_test(test_receiver_in_opening_when_a_window_comes_again_then_the_ack),
        cmocka_unit_test(test_receiver_at_a_boundary_of_seq_nr_then_held_or_discarded),
        cmocka_unit_test(test_receiver_with_max_window_size_1_then_every_pdu_is_a_window),
        cmocka_unit_test(test_receiver_when_another_window_begins_then_the_current_is_cleared),
        cmocka_unit_test(test_receiver_when_first_in_window_group_then_the_group_is_cleared),
        cmocka_unit_test(
            test_receiver_when_last_in_window_moves_then_what_was_behind_must_come_again),
        cmocka_unit_test(test_receiver_when_a_position_is_held_then_the_newer_pdu_replaces_it),
        cmocka_unit_test(test_receiver_with_strays_behind_the_end_then_complete_without_them),
        cmocka_unit_test(test_receiver_when_the_buffer_fills_then_the_window_joins_the_group),
        cmocka_unit_test(test_receiver_at_a_pdu_that_is_a_whole_group_then_as_any_group),
        cmocka_unit_test(test_receiver_with_last_in_window_group_alone_then_the_group_goes_on),
        cmocka_unit_test(test_receiver_when_a_group_is_delivered_then_the_next_begins_empty),
        cmocka_unit_test(
            test_receiver_with_a_group_without_beginning_then_254_or_by_the_setting_taken),
        cmocka_unit_test(test_receiver_after_an_error_then_window_and_group_are_empty),
        cmocka_unit_test(test_receiver_when_an_ack_fails_then_nobody_cares),
        cmocka_unit_test(test_receiver_in_opening_with_a_group_of_one_window_then_253),
        cmocka_unit_test(test_receiver_in_opening_with_skip_then_opened_before_anything_else),
        cmocka_unit_test(test_receiver_in_opening_and_sending_then_252_and_nothing_changes),
        cmocka_unit_test(test_receiver_in_opening_and_sending_with_skip_then_taken),
        cmocka_unit_test(test_receiver_in_opening_then_sending_waits_for_the_end_of_receiving),
        cmocka_unit_test(test_receiver_in_opening_after_an_error_then_no_timer_of_receiving_runs),
        cmocka_unit_test(test_receiver_in_opening_when_pdus_go_on_then_receiving_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
