/* Each stage of a link against schedules computed by hand: 8 Mbit/s is a microsecond a byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "lane.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define US           UINT64_C(1000)
#define MS           SIPC_NS_PER_MS
#define RATE         8000000 /* a microsecond a byte */

static void send_each(struct lane *lane, size_t count, sipc_time at_ns, sipc_time gap_ns,
                      uint32_t size)
{
    for (size_t i = 0; i < count; i++)
        lane_send(lane, at_ns + i * gap_ns, size);
}

/* ---- rate, overhead, MTU, delay ---- */

static void test_rate_overhead_and_delay_give_the_time_of_arrival(void **state)
{
    static const struct lane_expected expected[] = {
        {1, 1100 * US + 5 * MS}, {2, 2200 * US + 5 * MS}, {3, 10050 * US + 5 * MS + 100 * US}};
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){
                           .rate_bps = RATE, .overhead_bytes = 100, .delay = {.base_ns = 5 * MS}});
    (void)state;

    send_each(lane, 2, 0, 0, 1000);
    lane_send(lane, 10 * MS, 50);
    lane_run(lane);
    lane_assert_arrivals(lane, expected, COUNT(expected));
    lane_free(lane);
}

/* 3 bits/ns would be a third of a nanosecond a bit: nothing is lost to rounding in the long run. */
static void test_rate_is_exact_in_the_long_run(void **state)
{
    enum { DATAGRAMS = 3000, SIZE = 100 };
    struct lane *lane = lane_new(NULL, &(struct simnet_link_config){.rate_bps = 7000003});
    struct simnet_link_stats stats;
    (void)state;

    send_each(lane, DATAGRAMS, 0, 0, SIZE);
    lane_run(lane);
    assert_int_equal(lane->arrival_count, DATAGRAMS);
    assert_int_equal(lane->arrivals[DATAGRAMS - 1].time_ns,
                     (uint64_t)DATAGRAMS * SIZE * 8 * 1000000000 / 7000003);
    simnet_link_stats(lane->world, lane->link, &stats);
    assert_int_equal(stats.busy_ns, lane->arrivals[DATAGRAMS - 1].time_ns);
    lane_free(lane);
}

static void test_no_rate_no_delay_arrives_at_once(void **state)
{
    struct lane *lane = lane_new(NULL, &(struct simnet_link_config){0});
    (void)state;

    send_each(lane, 3, 7, 0, 0);
    lane_run(lane);
    lane_assert_arrivals(lane, (struct lane_expected[]){{1, 7}, {2, 7}, {3, 7}}, 3);
    lane_free(lane);
}

static void test_mtu_counts_without_overhead(void **state)
{
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){.mtu = 1000, .overhead_bytes = 28});
    (void)state;

    lane_send(lane, 0, 1000);
    lane_send(lane, 1, 1001);
    lane_run(lane);
    lane_assert_arrivals(lane, (struct lane_expected[]){{1, 0}}, 1);
    assert_int_equal(lane_count(lane, SIMNET_STAGE_MTU, SIMNET_DROP), 1);
    lane_free(lane);
}

/* ---- queues ---- */

/* Six of 1,000 bytes at once: one on the wire, so many wait, the others are dropped. */
static void test_tail_drop_by_each_unit(void **state)
{
    static const struct {
        const char *name;
        struct simnet_queue_config queue;
        size_t arrive;
    } rows[] = {
        {"unlimited", {.unit = SIMNET_QUEUE_UNLIMITED}, 6},
        {"2 packets", {.unit = SIMNET_QUEUE_PACKETS, .limit = 2}, 3},
        {"2,999 bytes", {.unit = SIMNET_QUEUE_BYTES, .limit = 2999}, 3},
        {"3,000 bytes", {.unit = SIMNET_QUEUE_BYTES, .limit = 3000}, 4},
        {"1 byte", {.unit = SIMNET_QUEUE_BYTES, .limit = 1}, 1},
        {"2 ms", {.unit = SIMNET_QUEUE_TIME, .limit = 2 * MS}, 3},
        {"2 ms less 1 us", {.unit = SIMNET_QUEUE_TIME, .limit = 2 * MS - US}, 2},
        {"1 bdp of 4,000 bytes", {.unit = SIMNET_QUEUE_BDP, .limit = 1000}, 5},
        {"0.5 bdp", {.unit = SIMNET_QUEUE_BDP, .limit = 500}, 3},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct lane *lane = lane_new(
            NULL, &(struct simnet_link_config){
                      .rate_bps = RATE, .queue = rows[i].queue, .delay = {.base_ns = 2 * MS}});
        send_each(lane, 6, 0, 0, 1000);
        lane_run(lane);
        if (lane->arrival_count != rows[i].arrive ||
            lane_count(lane, SIMNET_STAGE_QUEUE, SIMNET_DROP) != 6 - rows[i].arrive)
            fail_msg("%s: expected %zu to arrive, found %zu", rows[i].name, rows[i].arrive,
                     lane->arrival_count);
        for (size_t k = 0; k < lane->arrival_count; k++)
            assert_int_equal(lane->arrivals[k].time_ns, (k + 1) * MS + 2 * MS);
        lane_free(lane);
    }
}

/* The average is moved before each decision: weight 1/2 gives 0, 0, 500, 1250, 2125 bytes for
 * queues of 0, 0, 1, 2, 3 datagrams. min 1,000, max 2,000 and 1,000,000 ppm: certain from 2,000. */
static void test_red_drops_where_the_average_passes_its_maximum(void **state)
{
    struct simnet_queue_config queue = {.discipline = SIMNET_RED,
                                        .red_min_bytes = 1251,
                                        .red_max_bytes = 2000,
                                        .red_max_ppm = SIMNET_PPM,
                                        .red_weight_log2 = 1};
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){.rate_bps = RATE, .queue = queue});
    (void)state;

    send_each(lane, 6, 0, 0, 1000);
    lane_run(lane);
    /* The fifth finds 3,000 bytes and an average of 2,125, the sixth the same queue and 2,562. */
    assert_int_equal(lane->arrival_count, 4);
    assert_int_equal(lane_count(lane, SIMNET_STAGE_QUEUE, SIMNET_DROP), 2);
    assert_string_equal(lane->verdicts[0].why, "red");
    assert_int_equal(lane->verdicts[0].datagram, 5);
    lane_free(lane);
}

/* While nothing came for 10 ms (ten datagrams of 1,000 bytes) the average halves ten times. */
static void test_red_average_decays_while_idle(void **state)
{
    struct simnet_queue_config queue = {.discipline = SIMNET_RED,
                                        .red_min_bytes = 1251,
                                        .red_max_bytes = 2000,
                                        .red_max_ppm = SIMNET_PPM,
                                        .red_weight_log2 = 1};
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){.rate_bps = RATE, .queue = queue});
    (void)state;

    send_each(lane, 5, 0, 0, 1000);       /* the fifth is dropped; the average is 2,125 */
    send_each(lane, 4, 14 * MS, 0, 1000); /* idle from 4 ms on: again only the fifth would be */
    lane_run(lane);
    assert_int_equal(lane->arrival_count, 8);
    lane_free(lane);
}

/* With the average half way and a maximum of 20 % the basic probability is p = 10 %: gaps between
 * drops are even over 1..1/p, so that one in 5.5 is dropped and never ten in a row pass. */
static void test_red_spreads_its_drops_evenly(void **state)
{
    enum { DATAGRAMS = 100000 };
    struct link link = {.config = {.queue = {.red_min_bytes = 1000,
                                             .red_max_bytes = 9000,
                                             .red_max_ppm = 200000,
                                             .red_weight_log2 = 1}},
                        .red = {.average = UINT64_C(5000) << 16}};
    size_t drops = 0, gap = 0, gap_max = 0;
    (void)state;

    for (uint64_t i = 0; i < DATAGRAMS; i++) {
        gap++;
        if (!queue_red_drops(&link, simnet_draw(7, i)))
            continue;
        drops++;
        gap_max = gap > gap_max ? gap : gap_max;
        gap = 0;
    }
    assert_in_range(drops, DATAGRAMS / 5.5 * 0.98, DATAGRAMS / 5.5 * 1.02);
    assert_int_equal(gap_max, 10);
}

/* 1,000 bytes arrive every 0.5 ms and leave every 1 ms: the k-th begins at k ms and waited k/2 ms.
 * Target 5 ms, interval 20 ms. The first that waited 5 ms begins at 10 ms, so that dropping may
 * begin at 30 ms: #31 (from 1) is dropped; the next drops are due at 50, 64.14 and 75.69 ms, each
 * 20/sqrt(n) ms later, and happen at the next beginning. */
static void test_codel_drops_by_its_control_law(void **state)
{
    static const struct {
        uint64_t datagram;
        sipc_time time_ns;
    } expected[] = {{31, 30 * MS}, {52, 50 * MS}, {68, 65 * MS}, {80, 76 * MS}};
    struct simnet_queue_config queue = {
        .discipline = SIMNET_CODEL, .codel_target_ns = 5 * MS, .codel_interval_ns = 20 * MS};
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){.rate_bps = RATE, .queue = queue});
    (void)state;

    send_each(lane, 160, 0, 500 * US, 1000);
    lane_run(lane);
    assert_true(lane->verdict_count >= COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(lane->verdicts[i].why, "codel");
        assert_int_equal(lane->verdicts[i].datagram, expected[i].datagram);
        assert_int_equal(lane->verdicts[i].time_ns, expected[i].time_ns);
    }
    lane_free(lane);
}

static void test_codel_leaves_a_short_queue_alone(void **state)
{
    struct simnet_queue_config queue = {
        .discipline = SIMNET_CODEL, .codel_target_ns = 5 * MS, .codel_interval_ns = 20 * MS};
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){.rate_bps = RATE, .queue = queue});
    (void)state;

    send_each(lane, 4, 0, 0, 1000); /* they wait at most 3 ms, for ever */
    send_each(lane, 200, MS, MS, 1000);
    lane_run(lane);
    assert_int_equal(lane->arrival_count, 204);
    lane_free(lane);
}

/* ---- loss ---- */

static void test_losses_that_count_lose_what_they_say(void **state)
{
    static const uint64_t list[] = {0, 3, 4, 9};
    static const struct simnet_predicate raw = {0, -1, -1, 2}; /* the second raw datagram */
    static const uint64_t trace_values[] = {0, 1, 1};
    static const struct simnet_trace wrapping = {.kind = SIMNET_TRACE_LOSSES,
                                                 .values = (uint64_t *)(uintptr_t)trace_values,
                                                 .count = 3,
                                                 .wrap = true};
    static const struct simnet_trace stopping = {
        .kind = SIMNET_TRACE_LOSSES, .values = (uint64_t *)(uintptr_t)trace_values, .count = 3};
    static const struct simnet_trace timed = {.kind = SIMNET_TRACE_LOSSES,
                                              .values = (uint64_t *)(uintptr_t)trace_values,
                                              .count = 3,
                                              .wrap = true,
                                              .interval_ns = 4 * MS};
    static const struct {
        const char *name;
        struct simnet_loss loss;
        const char *pattern; /* of ten datagrams, one a ms: x is lost */
    } rows[] = {
        {"2 of 5", {.kind = SIMNET_LOSS_PERIODIC, .lost = 2, .period = 5}, "xx...xx..."},
        {"2 of 5 from 4",
         {.kind = SIMNET_LOSS_PERIODIC, .lost = 2, .period = 5, .first = 4},
         "x...xx...x"},
        {"mask", {.kind = SIMNET_LOSS_MASK, .mask = 0x105}, "x.x.....x."},
        {"list", {.kind = SIMNET_LOSS_LIST, .list = list, .list_count = 4}, "x..xx....x"},
        {"predicate",
         {.kind = SIMNET_LOSS_PREDICATE, .predicates = &raw, .predicate_count = 1},
         ".x........"},
        {"trace", {.kind = SIMNET_LOSS_TRACE, .trace = &wrapping}, ".xx.xx.xx."},
        {"trace that stops", {.kind = SIMNET_LOSS_TRACE, .trace = &stopping}, ".xx......."},
        {"trace by time", {.kind = SIMNET_LOSS_TRACE, .trace = &timed}, "....xxxxxx"},
        {"all", {.kind = SIMNET_LOSS_IID, .ppm = SIMNET_PPM}, "xxxxxxxxxx"},
        {"none", {.kind = SIMNET_LOSS_IID, .ppm = 0}, ".........."},
        {"bad state alternates",
         {.kind = SIMNET_LOSS_GILBERT_ELLIOTT,
          .to_bad_ppm = SIMNET_PPM,
          .to_good_ppm = SIMNET_PPM,
          .loss_bad_ppm = SIMNET_PPM},
         "x.x.x.x.x."},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        for (int at_sender = 0; at_sender < 2; at_sender++) {
            char found[11] = "xxxxxxxxxx";
            struct lane *lane =
                lane_new(NULL, &(struct simnet_link_config){.losses = {rows[i].loss},
                                                            .loss_at_sender = at_sender});
            send_each(lane, 10, 0, MS, 100);
            lane_run(lane);
            for (size_t k = 0; k < lane->arrival_count; k++)
                found[lane->arrivals[k].datagram - 1] = '.';
            if (strcmp(found, rows[i].pattern) != 0)
                fail_msg("%s: expected %s, found %s", rows[i].name, rows[i].pattern, found);
            lane_free(lane);
        }
}

static void test_loss_at_sender_uses_no_capacity(void **state)
{
    struct simnet_link_config config = {.rate_bps = RATE,
                                        .losses = {{.kind = SIMNET_LOSS_MASK, .mask = 1}}};
    (void)state;

    for (int at_sender = 0; at_sender < 2; at_sender++) {
        config.loss_at_sender = at_sender;
        struct lane *lane = lane_new(NULL, &config);
        send_each(lane, 2, 0, 0, 1000);
        lane_run(lane);
        lane_assert_arrivals(lane, (struct lane_expected[]){{2, at_sender ? MS : 2 * MS}}, 1);
        lane_free(lane);
    }
}

/* ---- duplicates, corruption ---- */

static void test_copies_leave_later_and_count(void **state)
{
    struct simnet_link_config config = {
        .delay = {.base_ns = MS},
        .duplicate = {.ppm = SIMNET_PPM, .copies_max = 1, .delay_ns = 3 * MS}};
    struct lane *lane = lane_new(NULL, &config);
    struct simnet_link_stats stats;
    (void)state;

    send_each(lane, 2, 0, MS, 10);
    lane_run(lane);
    static const struct lane_expected expected[] = {{1, MS}, {3, 2 * MS}, {2, 4 * MS}, {4, 5 * MS}};
    lane_assert_arrivals(lane, expected, COUNT(expected));
    simnet_link_stats(lane->world, lane->link, &stats);
    assert_int_equal(stats.duplicated, 2);
    lane_free(lane);
}

static void test_copies_by_a_trace(void **state)
{
    static const uint64_t values[] = {0, 2, 0, 1};
    static const struct simnet_trace trace = {
        .kind = SIMNET_TRACE_COPIES, .values = (uint64_t *)(uintptr_t)values, .count = 4};
    /* the first is lost: an entry is for the datagram, not for what is left of them */
    struct simnet_link_config config = {.losses = {{.kind = SIMNET_LOSS_MASK, .mask = 1}},
                                        .duplicate = {.trace = &trace}};
    struct lane *lane = lane_new(NULL, &config);
    (void)state;

    send_each(lane, 5, 0, MS, 10);
    lane_run(lane);
    assert_int_equal(lane->arrival_count, 7); /* 2 three times, 3, 4 twice, 5 */
    static const sipc_time at[] = {1, 1, 1, 2, 3, 3, 4};
    for (size_t i = 0; i < COUNT(at); i++)
        assert_int_equal(lane->arrivals[i].time_ns, at[i] * MS);
    lane_free(lane);
}

static void test_corruption_changes_what_arrives(void **state)
{
    static const struct {
        const char *name;
        struct simnet_corrupt_config corrupt;
        enum simnet_verdict verdict;
    } rows[] = {
        {"flip", {.flip_ppm = SIMNET_PPM, .flip_bits_max = 1}, SIMNET_FLIP},
        {"truncate", {.truncate_ppm = SIMNET_PPM}, SIMNET_TRUNCATE},
        {"extend", {.extend_ppm = SIMNET_PPM, .extend_bytes_max = 7}, SIMNET_EXTEND},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct lane *lane =
            lane_new(NULL, &(struct simnet_link_config){.corrupt = rows[i].corrupt});
        send_each(lane, 50, 0, MS, 40);
        lane_run(lane);
        assert_int_equal(lane->arrival_count, 50);
        assert_int_equal(lane_count(lane, SIMNET_STAGE_CORRUPT, rows[i].verdict), 50);
        for (size_t k = 0; k < 50; k++) {
            const struct lane_arrival *arrival = &lane->arrivals[k];
            const struct lane_verdict *verdict = &lane->verdicts[k];
            int bits = 0;
            for (size_t b = 0; b < 40; b++)
                bits += __builtin_popcount(arrival->bytes[b]);
            if (verdict->verdict == SIMNET_FLIP) {
                assert_int_equal(bits, 1);
                assert_true(arrival->bytes[verdict->value / 8] & 0x80 >> verdict->value % 8);
            } else if (verdict->verdict == SIMNET_TRUNCATE) {
                assert_int_equal(arrival->size, verdict->value);
                assert_true(arrival->size < 40);
            } else {
                assert_int_equal(arrival->size, 40 + verdict->value);
                assert_in_range(verdict->value, 1, 7);
            }
        }
        lane_free(lane);
    }
}

static void test_a_checksum_drops_what_was_corrupted(void **state)
{
    struct lane *lane = lane_new(
        NULL, &(struct simnet_link_config){.corrupt = {.flip_ppm = SIMNET_PPM, .checksum = true}});
    (void)state;

    lane_send(lane, 0, 100);
    lane_run(lane);
    assert_int_equal(lane->arrival_count, 0);
    assert_int_equal(lane_count(lane, SIMNET_STAGE_ARRIVE, SIMNET_DROP), 1);
    lane_free(lane);
}

/* ---- jitter and reordering ---- */

static void test_jitter_reorders_only_where_it_may(void **state)
{
    static const uint64_t values[] = {5 * MS, 0, 3 * MS};
    static const struct simnet_trace trace = {.kind = SIMNET_TRACE_DELAYS,
                                              .values = (uint64_t *)(uintptr_t)values,
                                              .count = 3,
                                              .wrap = true};
    static const struct lane_expected fifo[] = {{1, 6 * MS}, {2, 6 * MS}, {3, 6 * MS}};
    static const struct lane_expected free_order[] = {{2, 2 * MS}, {1, 6 * MS}, {3, 6 * MS}};
    (void)state;

    for (int reorders = 0; reorders < 2; reorders++) {
        struct lane *lane =
            lane_new(NULL, &(struct simnet_link_config){.delay = {.kind = SIMNET_DELAY_TRACE,
                                                                  .trace = &trace,
                                                                  .base_ns = MS,
                                                                  .reorders = reorders}});
        send_each(lane, 3, 0, MS, 10);
        lane_run(lane);
        lane_assert_arrivals(lane, reorders ? free_order : fifo, 3);
        lane_free(lane);
    }
}

/* Each of the distribution comes up about as often, for each datagram or for each interval. */
static void test_a_drawn_trace_is_a_distribution(void **state)
{
    static const uint64_t values[] = {MS, 2 * MS, 3 * MS, 4 * MS};
    enum { SENT = 4000 };
    (void)state;

    for (unsigned every = 0; every < 2; every++) {
        struct simnet_trace trace = {.kind = SIMNET_TRACE_DELAYS,
                                     .values = (uint64_t *)(uintptr_t)values,
                                     .count = 4,
                                     .wrap = true,
                                     .drawn = true,
                                     .interval_ns = every ? 20 * MS : 0};
        struct simnet_link_config config = {.delay = {.kind = SIMNET_DELAY_TRACE, .trace = &trace}};
        struct lane *lane = lane_new(NULL, &config);
        unsigned seen[5] = {0};
        send_each(lane, SENT, 0, 10 * MS, 10);
        lane_run(lane);
        assert_int_equal(lane->arrival_count, SENT);
        for (size_t i = 0; i < SENT; i++) {
            const sipc_time delay = lane->arrivals[i].time_ns - i * 10 * MS;
            seen[delay / MS]++;
            if (every && i % 2 == 1) /* two to an interval */
                assert_int_equal(delay, lane->arrivals[i - 1].time_ns - (i - 1) * 10 * MS);
        }
        for (unsigned ms = 1; ms <= 4; ms++)
            assert_in_range(seen[ms], SENT / 4 - SENT / 20, SENT / 4 + SENT / 20);
        lane_free(lane);
    }
}

/* A tape says which: the second of five is passed by two, or the fourth passes two. */
static void run_with_fault(struct lane **out, const struct simnet_link_config *link,
                           const struct simnet_fault *fault)
{
    struct simnet_config config;
    struct simnet_tape tape = {0};

    simnet_config_default(&config);
    simnet_tape_add(&tape, fault);
    config.replay = &tape;
    *out = lane_new(&config, link);
    simnet_tape_clear(&tape);
    send_each(*out, 5, 0, MS, 10);
    lane_run(*out);
    assert_int_equal(simnet_world_unused_faults((*out)->world), 0);
}

static void test_swap_lets_later_ones_pass(void **state)
{
    static const struct lane_expected expected[] = {
        {1, 10 * MS}, {3, 12 * MS}, {4, 13 * MS}, {2, 13 * MS}, {5, 14 * MS}};
    struct lane *lane;
    (void)state;

    run_with_fault(
        &lane, &(struct simnet_link_config){.delay = {.base_ns = 10 * MS}},
        &(struct simnet_fault){
            .key = {.xmit = 2}, .stage = SIMNET_STAGE_REORDER, .verdict = SIMNET_SWAP, .value = 2});
    lane_assert_arrivals(lane, expected, COUNT(expected));
    lane_free(lane);
}

static void test_swap_with_nobody_behind_it_arrives_in_time(void **state)
{
    struct lane *lane;
    (void)state;

    run_with_fault(
        &lane, &(struct simnet_link_config){.delay = {.base_ns = 10 * MS}},
        &(struct simnet_fault){
            .key = {.xmit = 5}, .stage = SIMNET_STAGE_REORDER, .verdict = SIMNET_SWAP, .value = 2});
    assert_int_equal(lane->arrivals[4].datagram, 5);
    assert_int_equal(lane->arrivals[4].time_ns, 14 * MS);
    lane_free(lane);
}

static void test_jump_passes_those_in_flight(void **state)
{
    static const struct lane_expected expected[] = {
        {1, 10 * MS}, {4, 11 * MS}, {2, 11 * MS}, {3, 12 * MS}, {5, 14 * MS}};
    struct lane *lane;
    (void)state;

    run_with_fault(
        &lane, &(struct simnet_link_config){.delay = {.base_ns = 10 * MS}},
        &(struct simnet_fault){
            .key = {.xmit = 4}, .stage = SIMNET_STAGE_REORDER, .verdict = SIMNET_JUMP, .value = 2});
    lane_assert_arrivals(lane, expected, COUNT(expected));
    lane_free(lane);
}

/* ---- the timeline ---- */

/* One a ms from 0 to 9 ms, 3 ms of way; down at 2.5 ms, up at 5.5 ms. */
static void test_down_loses_keeps_or_holds(void **state)
{
    static const struct lane_expected lost[] = {
        {7, 9 * MS}, {8, 10 * MS}, {9, 11 * MS}, {10, 12 * MS}};
    static const struct lane_expected kept[] = {{1, 3 * MS},  {2, 4 * MS},  {3, 5 * MS},
                                                {7, 9 * MS},  {8, 10 * MS}, {9, 11 * MS},
                                                {10, 12 * MS}};
    static const struct lane_expected held[] = {
        {1, 5500 * US}, {2, 5500 * US}, {3, 5500 * US}, {4, 6 * MS},  {5, 7 * MS},
        {6, 8 * MS},    {7, 9 * MS},    {8, 10 * MS},   {9, 11 * MS}, {10, 12 * MS}};
    static const struct {
        enum simnet_in_flight mode;
        const struct lane_expected *expected;
        size_t count;
    } rows[] = {{SIMNET_IN_FLIGHT_LOST, lost, COUNT(lost)},
                {SIMNET_IN_FLIGHT_KEPT, kept, COUNT(kept)},
                {SIMNET_IN_FLIGHT_HELD, held, COUNT(held)}};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        for (int reorders = 0; reorders < 2; reorders++) {
            struct lane *lane = lane_new(
                NULL,
                &(struct simnet_link_config){.delay = {.base_ns = 3 * MS, .reorders = reorders}});
            send_each(lane, 10, 0, MS, 10);
            lane_change(lane, 2500 * US, SIMNET_LINK_DOWN, rows[i].mode);
            lane_change(lane, 5500 * US, SIMNET_LINK_UP, 0);
            lane_run(lane);
            lane_assert_arrivals(lane, rows[i].expected, rows[i].count);
            assert_int_equal(lane_count(lane, SIMNET_STAGE_UP_DOWN, SIMNET_DROP),
                             10 - rows[i].count);
            lane_free(lane);
        }
}

static void test_clog_fills_the_queue(void **state)
{
    static const struct lane_expected expected[] = {{1, MS}, {2, 11 * MS}, {3, 12 * MS}};
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){
                           .rate_bps = RATE, .queue = {.unit = SIMNET_QUEUE_PACKETS, .limit = 2}});
    (void)state;

    send_each(lane, 4, 0, 100 * US, 1000);
    lane_change(lane, 50 * US, SIMNET_LINK_CLOG, 0); /* the first is on the wire */
    lane_change(lane, 10 * MS, SIMNET_LINK_UNCLOG, 0);
    lane_run(lane);
    lane_assert_arrivals(lane, expected, COUNT(expected));
    assert_int_equal(lane_count(lane, SIMNET_STAGE_QUEUE, SIMNET_DROP), 1);
    lane_free(lane);
}

static void test_steps_of_rate_and_delay_hold_from_the_next_datagram(void **state)
{
    static const struct lane_expected expected[] = {
        {1, 1 * MS + MS}, {2, 1500 * US + 4 * MS}, {3, 2 * MS + 4 * MS}};
    struct lane *lane =
        lane_new(NULL, &(struct simnet_link_config){.rate_bps = RATE, .delay = {.base_ns = MS}});
    (void)state;

    send_each(lane, 3, 0, 0, 1000);
    lane_change(lane, 500 * US, SIMNET_LINK_RATE, 2 * RATE);
    lane_change(lane, 1200 * US, SIMNET_LINK_DELAY, 4 * MS);
    lane_run(lane);
    lane_assert_arrivals(lane, expected, COUNT(expected));
    lane_free(lane);
}

static void test_faults_off_switches_chance_off(void **state)
{
    struct lane *lane = lane_new(
        NULL,
        &(struct simnet_link_config){.losses = {{.kind = SIMNET_LOSS_IID, .ppm = SIMNET_PPM}}});
    (void)state;

    send_each(lane, 6, 0, MS, 10);
    lane_change(lane, 1500 * US, SIMNET_LINK_FAULTS, 0);
    lane_change(lane, 3500 * US, SIMNET_LINK_FAULTS, 1);
    lane_run(lane);
    lane_assert_arrivals(lane, (struct lane_expected[]){{3, 2 * MS}, {4, 3 * MS}}, 2);
    lane_free(lane);
}

/* ---- what is refused ---- */

static void test_link_check_names_the_field(void **state)
{
    static const struct simnet_trace empty = {.kind = SIMNET_TRACE_OPPORTUNITIES};
    static const uint64_t unsorted[] = {3, 3};
    static const struct simnet_trace endless = {.kind = SIMNET_TRACE_DELAYS,
                                                .values = (uint64_t *)(uintptr_t)unsorted,
                                                .count = 2,
                                                .drawn = true};
    static const struct {
        struct simnet_link_config config;
        const char *text;
    } rows[] = {
        {{.rate_bps = UINT64_C(1000000000001)}, "rate_bps"},
        {{.overhead_bytes = 1025}, "overhead_bytes"},
        {{.queue = {.unit = SIMNET_QUEUE_BYTES, .limit = 1}}, "a limit needs a rate"},
        {{.rate_bps = 1, .queue = {.unit = SIMNET_QUEUE_BYTES}}, "queue.limit"},
        {{.queue = {.discipline = SIMNET_RED}}, "RED needs a rate"},
        {{.rate_bps = 1, .queue = {.discipline = SIMNET_RED}}, "red_min_bytes"},
        {{.rate_bps = 1, .queue = {.discipline = SIMNET_CODEL, .codel_interval_ns = 5000 * MS}},
         "codel_interval_ns"},
        {{.rate_bps = 1, .queue = {.discipline = SIMNET_CODEL, .codel_interval_ns = MS}},
         "codel_target_ns"},
        {{.losses = {{.kind = SIMNET_LOSS_IID, .ppm = 1000001}}}, "loss.ppm"},
        {{.losses = {{.kind = SIMNET_LOSS_PERIODIC}}}, "loss.period"},
        {{.losses = {{.kind = SIMNET_LOSS_PERIODIC, .period = 2, .lost = 3}}}, "loss.lost"},
        {{.losses = {{.kind = SIMNET_LOSS_LIST, .list = unsorted, .list_count = 2}}}, "not sorted"},
        {{.losses = {{.kind = SIMNET_LOSS_PREDICATE}}}, "loss.predicates"},
        {{.losses = {{.kind = SIMNET_LOSS_TRACE}}}, "loss.trace"},
        {{.opportunities = &empty}, "opportunities"},
        {{.delay = {.base_ns = UINT64_C(3600001) * MS}}, "delay.base_ns"},
        {{.delay = {.kind = SIMNET_DELAY_TRACE}}, "delay.trace"},
        {{.delay = {.kind = SIMNET_DELAY_TRACE, .trace = &endless}}, "no end"},
        {{.duplicate = {.trace = &empty}}, "duplicate.trace"},
        {{.delay = {.reorders = true}, .reorder = {.swap_ppm = 1, .swap_count = 1}}, "reorder"},
        {{.reorder = {.swap_ppm = 1, .swap_count = 1025}}, "reorder.swap_count"},
        {{.reorder = {.jump_ppm = 1, .jump_count = 1025}}, "reorder.jump_count"},
        {{.duplicate = {.ppm = 1, .copies_max = 17}}, "duplicate.copies_max"},
        {{.corrupt = {.flip_ppm = 600000, .extend_ppm = 400001}}, "corrupt"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct simnet_error error = {""};
        if (simnet_link_check(&rows[i].config, &error) || strstr(error.text, rows[i].text) == NULL)
            fail_msg("row %zu: expected an error with '%s', found '%s'", i, rows[i].text,
                     error.text);
    }
}

static void test_change_at_names_what_is_wrong(void **state)
{
    static const struct {
        struct simnet_change change;
        const char *text;
    } rows[] = {
        {{0, SIMNET_LINK_DOWN, 1, 0}, "there is no link 1"},
        {{0, SIMNET_HOST_CRASH, 9, 0}, "there is no host 9"},
        {{0, SIMNET_LINK_DOWN, 0, 3}, "lost, kept or held"},
        {{0, SIMNET_LINK_RATE, 0, 1}, "has none"},
        {{0, SIMNET_LINK_FAULTS, 0, 2}, "faults"},
        {{0, SIMNET_HOST_CLOCK_DRIFT, 0, 500001}, "500001"},
        {{SIPC_NEVER, SIMNET_LINK_UP, 0, 0}, "never"},
        {{0, SIMNET_CHANGE_COUNT, 0, 0}, "does not exist"},
    };
    struct lane *lane = lane_new(NULL, &(struct simnet_link_config){0});
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct simnet_error error = {""};
        if (simnet_change_at(lane->world, &rows[i].change, &error) ||
            strstr(error.text, rows[i].text) == NULL)
            fail_msg("row %zu: expected an error with '%s', found '%s'", i, rows[i].text,
                     error.text);
    }
    lane_free(lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_overhead_and_delay_give_the_time_of_arrival),
        cmocka_unit_test(test_rate_is_exact_in_the_long_run),
        cmocka_unit_test(test_no_rate_no_delay_arrives_at_once),
        cmocka_unit_test(test_mtu_counts_without_overhead),
        cmocka_unit_test(test_tail_drop_by_each_unit),
        cmocka_unit_test(test_red_drops_where_the_average_passes_its_maximum),
        cmocka_unit_test(test_red_average_decays_while_idle),
        cmocka_unit_test(test_red_spreads_its_drops_evenly),
        cmocka_unit_test(test_codel_drops_by_its_control_law),
        cmocka_unit_test(test_codel_leaves_a_short_queue_alone),
        cmocka_unit_test(test_losses_that_count_lose_what_they_say),
        cmocka_unit_test(test_loss_at_sender_uses_no_capacity),
        cmocka_unit_test(test_copies_leave_later_and_count),
        cmocka_unit_test(test_copies_by_a_trace),
        cmocka_unit_test(test_corruption_changes_what_arrives),
        cmocka_unit_test(test_a_checksum_drops_what_was_corrupted),
        cmocka_unit_test(test_jitter_reorders_only_where_it_may),
        cmocka_unit_test(test_a_drawn_trace_is_a_distribution),
        cmocka_unit_test(test_swap_lets_later_ones_pass),
        cmocka_unit_test(test_swap_with_nobody_behind_it_arrives_in_time),
        cmocka_unit_test(test_jump_passes_those_in_flight),
        cmocka_unit_test(test_down_loses_keeps_or_holds),
        cmocka_unit_test(test_clog_fills_the_queue),
        cmocka_unit_test(test_steps_of_rate_and_delay_hold_from_the_next_datagram),
        cmocka_unit_test(test_faults_off_switches_chance_off),
        cmocka_unit_test(test_link_check_names_the_field),
        cmocka_unit_test(test_change_at_names_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
