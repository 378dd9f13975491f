/* Sending messages: what each ack does in each phase, as one drawn table; windows, retries,
 * partition and groups as conversations (SND-*, RTY-*, PRT-*, OPN-2…6, WID-9). Ids that run out:
 * test_resync.c. Aftermaths: test_aftermath.c.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"

/* MTU 512: the first PDU of a group takes 429 bytes, others 442, the last 13 less. */
enum { PDU_0 = 429, PDU_N = 442, FOUR_PDUS = PDU_0 + 3 * PDU_N - 13 };

static struct sipc_config config_of(uint32_t max_window_size)
{
    struct sipc_config config = driver_config();

    config.mtu = 512;
    config.max_window_size = max_window_size;
    return config;
}

/* Opened, and free of OPN-6: it received a group. */
static void init_opened(struct driver *d, const struct sipc_config *config)
{
    driver_init(d, config);
    driver_rx(d, "data 0/0 first last end skip");
    driver_forget(d);
}

static void expect_line(struct driver *d, const char *format, ...) SIPC_PRINTF(2, 3);
static void expect_line(struct driver *d, const char *format, ...)
{
    char line[200];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    DRIVER_EXPECT(d, line);
}

/* ---- the table of acks ----
 *
 * A window of four PDUs, `sent` of them in this try, the aftermath of the last open or there. The
 * ack covers 1..5 PDUs. Cells:
 *     tN  PDU N of the same window is sent       wN  a new window begins with PDU N (PRT-1)
 *     ok  the message was sent                   e   it failed with the ack's error
 *     .   nothing: an open aftermath still counts, a running timer runs on (SND-8, SND-10)
 */
static const struct {
    bool one_at_a_time;
    uint32_t sent;
    bool open;
    const char *plain, *full, *error; /* by the count covered: 1 2 3 4 5 */
} acks[] = {
    /* clang-format off */
    /* first try: acks of 1..sent */
    {false, 1, true,  "t1 .  .  .  . ", "w1 .  .  .  . ", "e  .  .  .  . "},
    {false, 2, true,  ".  t2 .  .  . ", "w1 w2 .  .  . ", "e  e  .  .  . "},
    {false, 3, true,  ".  .  t3 .  . ", "w1 w2 w3 .  . ", "e  e  e  .  . "},
    {false, 4, true,  ".  .  .  .  . ", "w1 w2 w3 ok . ", "e  e  e  e  . "},
    {false, 4, false, ".  .  .  .  . ", "w1 w2 w3 ok . ", "e  e  e  e  . "},
    /* one at a time: acks of sent..4, also of PDUs not sent again (RTY-2) */
    {true,  1, true,  "t1 t2 t3 .  . ", "w1 w2 w3 ok . ", "e  e  e  e  . "},
    {true,  1, false, "t1 t2 t3 .  . ", "w1 w2 w3 ok . ", "e  e  e  e  . "},
    {true,  2, true,  ".  t2 t3 .  . ", ".  w2 w3 ok . ", ".  e  e  e  . "},
    {true,  2, false, ".  t2 t3 .  . ", ".  w2 w3 ok . ", ".  e  e  e  . "},
    {true,  3, true,  ".  .  t3 .  . ", ".  .  w3 ok . ", ".  .  e  e  . "},
    {true,  3, false, ".  .  t3 .  . ", ".  .  w3 ok . ", ".  .  e  e  . "},
    {true,  4, true,  ".  .  .  .  . ", ".  .  .  ok . ", ".  .  .  e  . "},
    {true,  4, false, ".  .  .  .  . ", ".  .  .  ok . ", ".  .  .  e  . "},
    /* clang-format on */
};

static uint64_t pdu_start(uint32_t index)
{
    if (index == 4)
        return FOUR_PDUS;
    return index == 0 ? 0 : PDU_0 + (index - 1) * PDU_N;
}

/* Brings message 1, window 0, to where row `row` of the table begins. */
static void reach_row(struct driver *d, size_t row)
{
    struct sipc_config config = config_of(4);

    init_opened(d, &config);
    driver_send(d, 1, FOUR_PDUS, "");
    for (uint32_t sent = 1; sent < (acks[row].one_at_a_time ? 4 : acks[row].sent); sent++)
        driver_sent(d, true);
    if (acks[row].one_at_a_time) {
        driver_sent(d, true);
        driver_wait(d, config.ack_timeout_ns);
        for (uint32_t sent = 1; sent < acks[row].sent; sent++) {
            driver_sent(d, true);
            driver_rx(d, "data_ack 0/%d", (int)sent - 1);
        }
    }
    if (!acks[row].open)
        driver_sent(d, true);
    driver_forget(d);
}

static void expect_pdu(struct driver *d, int64_t window_id, uint32_t seq_nr, uint32_t index)
{
    expect_line(d, "tx! data %" PRId64 "/%" PRIu32 "%s m1[%" PRIu64 ",%" PRIu64 ")", window_id,
                seq_nr, index == 3 ? " last end" : "", pdu_start(index), pdu_start(index + 1));
}

static void expect_nothing(struct driver *d)
{
    if (strcmp(d->lines, "discard not_awaited\n") == 0)
        driver_forget(d);
    DRIVER_QUIET(d);
}

/* What an open aftermath comes to after an ack that changed nothing: what it would have without. */
static void check_aftermath_counts(struct driver *d, size_t row, bool success)
{
    driver_sent(d, success);
    if (!success)
        DRIVER_EXPECT(d, "result 1 send network_error -5");
    else if (!acks[row].one_at_a_time && acks[row].sent < 4)
        expect_pdu(d, 0, acks[row].sent, acks[row].sent);
    else
        assert_int_equal(sipc_endpoint_deadline(d->ep), d->now + 1000 * DRIVER_MS);
    DRIVER_QUIET(d);
}

static void check_ack(size_t row, uint32_t count, const char *cell, const char *words,
                      bool aftermath)
{
    struct driver d;
    char note[100];
    uint64_t token;
    sipc_time deadline;
    bool used = cell[0] != '.';

    reach_row(&d, row);
    snprintf(note, sizeof note, "row %zu, ack of %" PRIu32 " %s", row, count, words);
    d.note = note;
    token = d.token;
    deadline = sipc_endpoint_deadline(d.ep);
    driver_wait(&d, 1 * DRIVER_MS);
    driver_rx(&d, "data_ack 0/%" PRIu32 " %s", count - 1, words);
    if (cell[0] == 't')
        expect_pdu(&d, 0, (uint32_t)cell[1] - '0', (uint32_t)cell[1] - '0');
    else if (cell[0] == 'w')
        expect_pdu(&d, 1, 0, (uint32_t)cell[1] - '0');
    else if (cell[0] == 'o')
        DRIVER_EXPECT(&d, "result 1 send ok");
    else if (cell[0] == 'e')
        expect_line(&d, "result 1 send peer_error %.3s", strstr(words, "error=") + 6);
    else
        expect_nothing(&d);
    if (!used && acks[row].open)
        check_aftermath_counts(&d, row, aftermath);
    else if (!used)
        assert_int_equal(sipc_endpoint_deadline(d.ep), deadline);
    else /* SND-9: disregarded, also a failure */
        assert_int_equal(driver_sent_token(&d, token, aftermath), SIPC_E_UNKNOWN);
    DRIVER_QUIET(&d);
    driver_fini(&d);
}

static void test_sender_for_every_ack_in_every_phase_then_as_the_table(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof acks / sizeof acks[0]; row++)
        for (uint32_t count = 1; count <= 5; count++)
            for (int aftermath = 0; aftermath < 2; aftermath++) {
                size_t cell = 3 * (count - 1);
                check_ack(row, count, acks[row].plain + cell, "", aftermath != 0);
                check_ack(row, count, acks[row].full + cell, "full", aftermath != 0);
                check_ack(row, count, acks[row].full + cell, "full size=16", aftermath != 0);
                check_ack(row, count, acks[row].error + cell, "error=250", aftermath != 0);
                check_ack(row, count, acks[row].error + cell, "error=252", aftermath != 0);
                check_ack(row, count, acks[row].error + cell, "full error=299", aftermath != 0);
            }
}

/* Acks that SND-8 does not admit whatever they say. */
static const struct {
    const char *name, *rx;
} strange[] = {
    {"another window id", "data_ack 1/0 full"},
    {"the highest window id", "data_ack 9000000000000000/0 full"},
    {"the opcode of another operation", "close_ack 0/0 full"},
    {"the highest seq_nr", "data_ack 0/2147483647 full"},
    {"an error for another window", "data_ack 7/0 error=250"},
};

static void test_sender_for_a_strange_ack_then_nothing_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        struct sipc_config config = config_of(4);
        struct driver d;
        sipc_time deadline;
        init_opened(&d, &config);
        driver_send(&d, 1, 1, "");
        driver_sent(&d, true);
        driver_forget(&d);
        deadline = sipc_endpoint_deadline(d.ep);
        driver_wait(&d, 1 * DRIVER_MS);
        driver_rx(&d, "%s", strange[i].rx);
        d.note = strange[i].name;
        expect_nothing(&d);
        assert_int_equal(sipc_endpoint_deadline(d.ep), deadline);
        driver_rx(&d, "data_ack 0/0 full");
        DRIVER_EXPECT(&d, "result 1 send ok");
        driver_fini(&d);
    }
}

/* ---- windows ---- */

static void test_sender_in_first_try_then_each_pdu_at_the_aftermath_before(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* SND-5, SND-6, SND-7, SEQ-2 */
    driver_send(&d, 1, FOUR_PDUS, "");
    DRIVER_EXPECT(&d, "tx! data 0/0 first m1[0,429)");
    for (uint32_t i = 1; i < 4; i++) {
        driver_wait(&d, 5000 * DRIVER_MS); /* no timer runs before the last aftermath */
        assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
        driver_sent(&d, true);
        expect_pdu(&d, 0, i, i);
    }
    driver_sent(&d, true);
    assert_int_equal(sipc_endpoint_deadline(d.ep), d.now + config.ack_timeout_ns);
    driver_rx(&d, "data_ack 0/3 full size=16");
    DRIVER_EXPECT(&d, "result 1 send ok");
    assert_int_equal(sipc_endpoint_deadline(d.ep), SIPC_NEVER);
    driver_fini(&d);
}

static void test_sender_of_a_longer_message_then_window_after_window(void **state)
{
    struct sipc_config config = config_of(2);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* PRT-2 */
    driver_send(&d, 1, FOUR_PDUS - 100, "");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 0/1 full size=16");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "tx! data 0/0 first m1[0,429)", "tx! data 0/1 last m1[429,871)",
                  "tx! data 1/0 m1[871,1313)", "tx! data 1/1 last end m1[1313,1642)");
    driver_rx(&d, "data_ack 1/1 full size=16");
    DRIVER_EXPECT(&d, "result 1 send ok");
    driver_fini(&d);
}

static void test_sender_of_an_empty_message_then_one_empty_pdu(void **state)
{
    struct driver d;

    (void)state;
    init_opened(&d, NULL); /* SND-5a */
    driver_send(&d, 1, 0, "");
    driver_rx(&d, "data_ack 0/0 full");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end", "result 1 send ok");
    driver_fini(&d);
}

static void test_sender_of_a_message_over_the_group_limit_then_group_after_group(void **state)
{
    struct sipc_config config = driver_config();
    struct driver d;

    (void)state;
    config.mtu = 65500;
    init_opened(&d, &config); /* SND-3, GRP-2: every group has the attributes */
    driver_send(&d, 1, 100000, "a=b");
    driver_rx(&d, "data_ack 0/0 full size=16");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last end a=b m1[0,65397)",
                  "tx! data 1/0 first last end a=b m1[65397,100000)");
    driver_rx(&d, "data_ack 1/0 full size=16");
    DRIVER_EXPECT(&d, "result 1 send ok");
    driver_fini(&d);
}

/* SND-12: the peer's size of windows, told by the ack of message 1. */
static const struct {
    const char *name, *words;
    const char *second; /* PDU 1 of the next message's first window */
} sizes[] = {
    {"absent", "", "tx! data 1/1 m2[429,871)"},
    {"2", "size=2", "tx! data 1/1 last m2[429,871)"},
    {"3", "size=3", "tx! data 1/1 m2[429,871)"},
    {"more than the own", "size=5", "tx! data 1/1 m2[429,871)"},
    {"0", "size=0", "tx! data 1/1 m2[429,871)"},
    {"negative", "size=-1", "tx! data 1/1 m2[429,871)"},
    {"the highest", "size=2147483647", "tx! data 1/1 m2[429,871)"},
};

static void test_sender_told_max_window_size_then_windows_within_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct sipc_config config = config_of(4);
        struct driver d;
        init_opened(&d, &config);
        driver_send(&d, 1, 1, "");
        driver_rx(&d, "data_ack 0/0 full %s", sizes[i].words);
        driver_send(&d, 2, FOUR_PDUS, "");
        driver_forget(&d);
        driver_sent(&d, true);
        d.note = sizes[i].name;
        DRIVER_EXPECT(&d, sizes[i].second);
        driver_fini(&d);
    }
}

static void test_sender_told_another_max_window_size_then_the_newest_counts(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    init_opened(&d, &config);
    driver_send(&d, 1, FOUR_PDUS, "");
    driver_rx(&d, "data_ack 0/0 full size=1"); /* the rest in windows of one */
    driver_rx(&d, "data_ack 1/0 full");        /* without: nothing changes */
    driver_rx(&d, "data_ack 2/0 full size=2");
    DRIVER_EXPECT(&d, "tx! data 0/0 first m1[0,429)", "tx! data 1/0 last m1[429,871)",
                  "tx! data 2/0 last m1[871,1313)", "tx! data 3/0 last end m1[1313,1742)");
    driver_rx(&d, "data_ack 3/0 full");
    driver_send(&d, 2, FOUR_PDUS, "");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "result 1 send ok", "tx! data 4/0 first m2[0,429)",
                  "tx! data 4/1 last m2[429,871)");
    driver_fini(&d);
}

/* ---- retries ---- */

static void test_sender_after_a_timeout_then_one_at_a_time_from_the_first(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* RTY-1, RTY-2 */
    driver_send(&d, 1, FOUR_PDUS, "");
    for (int i = 0; i < 3; i++)
        driver_sent(&d, true);
    driver_rx(&d, "data_ack 0/2"); /* not used for the retry */
    driver_sent(&d, true);
    driver_forget(&d);
    driver_wait(&d, config.ack_timeout_ns - 1);
    DRIVER_QUIET(&d);
    driver_wait(&d, 1);
    DRIVER_EXPECT(&d, "tx! data 0/0 first m1[0,429)");
    driver_sent(&d, true);
    DRIVER_QUIET(&d);              /* waits for its ack */
    driver_rx(&d, "data_ack 0/1"); /* skips PDU 1 */
    DRIVER_EXPECT(&d, "tx! data 0/2 m1[871,1313)");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 0/2");
    DRIVER_EXPECT(&d, "tx! data 0/3 last end m1[1313,1742)");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 0/3"); /* SND-10 */
    DRIVER_QUIET(&d);
    driver_wait(&d, config.ack_timeout_ns); /* the second retry, again from the first */
    DRIVER_EXPECT(&d, "tx! data 0/0 first m1[0,429)");
    driver_rx(&d, "data_ack 0/3 full size=16");
    DRIVER_EXPECT(&d, "result 1 send ok");
    driver_fini(&d);
}

static void test_sender_when_retries_are_spent_then_send_timeout_and_usable(void **state)
{
    (void)state;
    for (uint32_t retries = 0; retries <= 3; retries++) { /* RTY-3, SND-11, WID-9 */
        struct sipc_config config = driver_config();
        struct driver d;
        config.max_retry_count = retries;
        config.ack_timeout_ns = 1 * DRIVER_MS;
        init_opened(&d, &config);
        driver_send(&d, 1, 9, "");
        for (uint32_t try = 0; try <= retries; try++) {
            DRIVER_EXPECT(&d, "tx! data 0/0 first last end m1[0,9)");
            driver_wait(&d, 100);
            driver_sent(&d, true);
            driver_wait(&d, 1 * DRIVER_MS - 1);
            DRIVER_QUIET(&d);
            driver_wait(&d, 1);
        }
        DRIVER_EXPECT(&d, "result 1 send timeout -3");
        driver_rx(&d, "data_ack 0/0 full"); /* late: no result, and no ack of the next message */
        driver_send(&d, 2, 9, "");
        driver_rx(&d, "data_ack 0/0 full");
        DRIVER_EXPECT(&d, "tx! data 1/0 first last end m2[0,9)", "discard not_awaited");
        driver_rx(&d, "data_ack 1/0 full");
        DRIVER_EXPECT(&d, "result 2 send ok");
        driver_fini(&d);
    }
}

static void test_sender_in_the_next_window_then_retries_count_anew(void **state)
{
    struct sipc_config config = config_of(2);
    struct driver d;

    (void)state;
    config.max_retry_count = 1;
    init_opened(&d, &config); /* PRT-1: no retry history */
    driver_send(&d, 1, FOUR_PDUS, "");
    for (int window = 0; window < 2; window++) {
        driver_sent(&d, true);
        driver_sent(&d, true);
        driver_wait(&d, config.ack_timeout_ns);
        driver_sent(&d, true);
        driver_rx(&d, "data_ack %d/0", window);
        driver_forget(&d);
        driver_sent(&d, true);
        driver_rx(&d, "data_ack %d/1 full", window);
    }
    DRIVER_EXPECT(&d, "result 1 send ok");
    driver_send(&d, 2, 1, "");
    driver_sent(&d, true);
    driver_wait(&d, config.ack_timeout_ns);
    driver_sent(&d, true);
    driver_forget(&d);
    driver_wait(&d, config.ack_timeout_ns);
    DRIVER_EXPECT(&d, "result 2 send timeout -3");
    driver_fini(&d);
}

static void test_sender_after_partition_then_the_rest_is_a_first_try_of_its_own(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* PRT-1, in one-at-a-time mode */
    driver_send(&d, 1, FOUR_PDUS, "");
    for (int i = 0; i < 4; i++)
        driver_sent(&d, true);
    driver_wait(&d, config.ack_timeout_ns);
    driver_forget(&d);
    driver_rx(&d, "data_ack 0/1 full");
    driver_sent(&d, true); /* in succession again */
    DRIVER_EXPECT(&d, "tx! data 1/0 m1[871,1313)", "tx! data 1/1 last end m1[1313,1742)");
    driver_rx(&d, "data_ack 1/0 full");
    driver_rx(&d, "data_ack 2/0 full");
    DRIVER_EXPECT(&d, "tx! data 2/0 last end m1[1313,1742)", "result 1 send ok");
    driver_fini(&d);
}

static void test_sender_after_partition_then_the_rest_takes_no_more_pdus_with_it(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    init_opened(&d, &config); /* PRT-1: what was to be one window stays the border */
    driver_send(&d, 1, FOUR_PDUS + 2 * PDU_N, "");
    for (int i = 0; i < 3; i++)
        driver_sent(&d, true);
    driver_forget(&d);
    driver_rx(&d, "data_ack 0/1 full");
    driver_sent(&d, true);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "tx! data 1/0 m1[871,1313)", "tx! data 1/1 last m1[1313,1755)");
    driver_rx(&d, "data_ack 1/1 full");
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "tx! data 2/0 m1[1755,2197)", "tx! data 2/1 last end m1[2197,2626)");
    driver_fini(&d);
}

static void test_sender_on_a_stream_then_pdus_go_where_the_last_ack_came_from(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    config.stream = true;
    init_opened(&d, &config); /* END-1a */
    driver_unreliable(&d, 7, 1, "");
    driver_sent(&d, true);
    driver_forget(&d);
    driver_rx(&d, "@2 data_ack 0/0 full"); /* awaited by nobody, but it feeds WID-10 */
    driver_send(&d, 1, FOUR_PDUS, "");
    for (int i = 0; i < 3; i++)
        driver_sent(&d, true);
    driver_sent(&d, true);
    driver_wait(&d, config.ack_timeout_ns);
    driver_rx(&d, "@2 data_ack 1/0");
    driver_forget(&d);
    driver_rx(&d, "@3 data_ack 1/1"); /* moves the operation, though the id was acked before */
    DRIVER_EXPECT(&d, "@3 tx! data 1/2 m1[871,1313)");
    driver_rx(&d, "@4 data_ack 1/0"); /* moves nothing */
    driver_rx(&d, "@3 data_ack 1/2");
    DRIVER_EXPECT(&d, "@4 discard not_awaited", "@3 tx! data 1/3 last end m1[1313,1742)");
    driver_fini(&d);
}

/* ---- opening ---- */

static void test_sender_in_opening_then_two_windows_until_a_group_was_acked(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* OPN-3, OPN-3a, OPN-6 */
    driver_open(&d);
    driver_forget(&d);
    driver_send(&d, 1, 5, "a=b");
    DRIVER_EXPECT(&d, "tx! data 0/0 first last a=b m1[0,5)");
    driver_rx(&d, "data_ack 0/0 full"); /* STM-1: on the window */
    DRIVER_EXPECT(&d, "state opened", "tx! data 1/0 last end");
    driver_sent(&d, false);
    driver_send(&d, 2, 5, ""); /* opened, but the receiver may be opening still */
    driver_rx(&d, "data_ack 2/0 full");
    DRIVER_EXPECT(&d, "result 1 send network_error -5", "tx! data 2/0 first last m2[0,5)",
                  "tx! data 3/0 last end");
    driver_rx(&d, "data_ack 3/0 full");
    driver_send(&d, 3, 5, "");
    DRIVER_EXPECT(&d, "result 2 send ok", "tx! data 4/0 first last end m3[0,5)");
    driver_fini(&d);
}

static void test_sender_in_opening_of_a_longer_message_then_first_window_of_one_pdu(void **state)
{
    struct sipc_config config = config_of(4);
    struct driver d;

    (void)state;
    driver_init(&d, &config); /* OPN-3a */
    driver_open(&d);
    driver_send(&d, 1, FOUR_PDUS, "");
    driver_sent(&d, true);
    driver_rx(&d, "data_ack 0/0 full size=16");
    driver_sent(&d, true);
    driver_sent(&d, true);
    DRIVER_EXPECT(&d, "state opening", "tx! data 0/0 first last m1[0,429)", "state opened",
                  "tx! data 1/0 m1[429,871)", "tx! data 1/1 m1[871,1313)",
                  "tx! data 1/2 last end m1[1313,1742)");
    driver_fini(&d);
}

static void test_sender_in_opening_of_an_empty_message_then_two_windows(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* SND-5a */
    driver_open(&d);
    driver_send(&d, 1, 0, "");
    driver_rx(&d, "data_ack 0/0 full");
    DRIVER_EXPECT(&d, "state opening", "tx! data 0/0 first last", "state opened",
                  "tx! data 1/0 last end");
    driver_fini(&d);
}

/* OPN-4, OPN-4a */
static void test_sender_with_skip_then_opened_at_once_and_skip_on_every_pdu(void **state)
{
    static const char *const words[] = {"skip", "s_03=True", "s_03=true", "s_03=false skip"};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) { /* STM-1, OPN-4 */
        struct sipc_config config = config_of(2);
        struct driver d;
        driver_init(&d, &config);
        driver_open(&d);
        driver_send(&d, 1, 1200, words[i]);
        driver_sent(&d, true);
        driver_rx(&d, "data_ack 0/1 full");
        d.note = words[i];
        DRIVER_EXPECT(&d, "state opening", "state opened", "tx! data 0/0 first skip m1[0,416)",
                      "tx! data 0/1 last skip m1[416,845)",
                      "tx! data 1/0 last end skip m1[845,1200)");
        driver_fini(&d);
    }
}

static void test_sender_in_opening_when_refused_then_the_restriction_is_lifted(void **state)
{
    struct driver d;

    (void)state;
    driver_init(&d, NULL); /* OPN-2, OPN-5: both began at once */
    driver_open(&d);
    driver_send(&d, 1, 1, "");
    driver_rx(&d, "data_ack 0/0 error=252");
    driver_forget(&d);
    driver_rx(&d, "data 0/0 first last: a"); /* now it receives */
    DRIVER_EXPECT(&d, "tx data_ack 0/0 full size=16");
    assert_int_equal(driver_try_send(&d, 2, 1, ""), SIPC_E_OPENING);
    driver_rx(&d, "data 1/0 last end: b");
    driver_send(&d, 2, 1, "");
    DRIVER_EXPECT(&d, "state opened", "deliver \"ab\"", "tx data_ack 1/0 full size=16",
                  "tx! data 1/0 first last end m2[0,1)");
    driver_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sender_for_every_ack_in_every_phase_then_as_the_table),
        cmocka_unit_test(test_sender_for_a_strange_ack_then_nothing_changes),
        cmocka_unit_test(test_sender_in_first_try_then_each_pdu_at_the_aftermath_before),
        cmocka_unit_test(test_sender_of_a_longer_message_then_window_after_window),
        cmocka_unit_test(test_sender_of_an_empty_message_then_one_empty_pdu),
        cmocka_unit_test(test_sender_of_a_message_over_the_group_limit_then_group_after_group),
        cmocka_unit_test(test_sender_told_max_window_size_then_windows_within_it),
        cmocka_unit_test(test_sender_told_another_max_window_size_then_the_newest_counts),
        cmocka_unit_test(test_sender_after_a_timeout_then_one_at_a_time_from_the_first),
        cmocka_unit_test(test_sender_when_retries_are_spent_then_send_timeout_and_usable),
        cmocka_unit_test(test_sender_in_the_next_window_then_retries_count_anew),
        cmocka_unit_test(test_sender_after_partition_then_the_rest_is_a_first_try_of_its_own),
        cmocka_unit_test(test_sender_after_partition_then_the_rest_takes_no_more_pdus_with_it),
        cmocka_unit_test(test_sender_on_a_stream_then_pdus_go_where_the_last_ack_came_from),
        cmocka_unit_test(test_sender_in_opening_then_two_windows_until_a_group_was_acked),
        cmocka_unit_test(test_sender_in_opening_of_a_longer_message_then_first_window_of_one_pdu),
        cmocka_unit_test(test_sender_in_opening_of_an_empty_message_then_two_windows),
        cmocka_unit_test(test_sender_with_skip_then_opened_at_once_and_skip_on_every_pdu),
        cmocka_unit_test(test_sender_in_opening_when_refused_then_the_restriction_is_lifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
