/* The receiver's buffers (RCV-1…7, RCV-11, ACK-1…3, GRP-1, WID-3…7, SEQ-1) against a plain model:
 * arrays of PDUs, no arena, no counters. Both live the same histories: all orders in which the PDUs
 * of a window may come, all histories of three PDUs, and long random ones; their actions are
 * compared line by line.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/state.h"
#include "driver.h"
#include "random.h"

/* ---- the model ---- */

enum { POSITIONS_MAX = 6, TEXT_SIZE = 512, STEP = 100 };

struct model_pdu {
    bool held, first, last, end;
    char data[64];
    char attributes[64]; /* as the log shows them: " a=bc" */
    int stored_size;
};

struct model {
    int window_max;
    int group_bytes_max;
    bool require_first;
    int64_t min;
    bool processed;
    char last_ack[80];
    int64_t last_ack_id;
    int64_t window_id;
    struct model_pdu window[POSITIONS_MAX];
    char group_data[TEXT_SIZE], group_attributes[TEXT_SIZE];
    int group_size, group_windows;
    char out[TEXT_SIZE * 3];
};

static void model_say(struct model *m, const char *format, ...) SIPC_PRINTF(2, 3);
static void model_say(struct model *m, const char *format, ...)
{
    size_t used = strlen(m->out);
    va_list args;

    va_start(args, format);
    vsnprintf(m->out + used, sizeof m->out - used, format, args);
    va_end(args);
}

static void model_clear_window(struct model *m)
{
    memset(m->window, 0, sizeof m->window);
}

static void model_clear_group(struct model *m)
{
    m->group_data[0] = '\0';
    m->group_attributes[0] = '\0';
    m->group_size = 0;
    m->group_windows = 0;
}

static void model_processed(struct model *m, int64_t id, int seq_nr, int error_code)
{
    char how[32];

    if (error_code != 0) {
        model_clear_window(m);
        model_clear_group(m);
        snprintf(how, sizeof how, "error=%d", error_code);
    } else {
        snprintf(how, sizeof how, "full size=%d", m->window_max);
    }
    m->processed = true;
    m->last_ack_id = id;
    snprintf(m->last_ack, sizeof m->last_ack, "tx data_ack %" PRId64 "/%d %s\n", id, seq_nr, how);
    model_say(m, "%s", m->last_ack);
}

static bool model_id_valid(const struct model *m, int64_t id)
{
    if (id == m->min)
        return !m->processed;
    return id > m->min && id <= m->min + STEP;
}

/* Length of the contiguous run; *full where it ends the window. */
static int model_run(const struct model *m, bool *full)
{
    int run = 0;

    *full = false;
    while (run < m->window_max && m->window[run].held) {
        run++;
        if (m->window[run - 1].last) {
            *full = true;
            return run;
        }
    }
    *full = run == m->window_max;
    return run;
}

static void model_window_full(struct model *m, int64_t id, int run)
{
    bool ends = m->window[run - 1].last && m->window[run - 1].end;

    if (m->group_windows == 0 && m->require_first && !m->window[0].first) {
        model_processed(m, id, run - 1, SIPC_ERROR_NO_BEGINNING);
        return;
    }
    for (int i = 0; i < run; i++) {
        strcat(m->group_data, m->window[i].data);
        strcat(m->group_attributes, m->window[i].attributes);
        m->group_size += m->window[i].stored_size;
    }
    m->group_windows++;
    model_clear_window(m);
    if (ends) {
        model_say(m, "deliver \"%s\"%s\n", m->group_data, m->group_attributes);
        model_clear_group(m);
    }
    model_processed(m, id, run - 1, 0);
}

static void model_receive(struct model *m, int64_t id, int seq_nr, const struct model_pdu *pdu)
{
    int sum, run;
    bool full;

    if (!model_id_valid(m, id)) {
        model_say(m, "%s", id == m->last_ack_id ? m->last_ack : "discard window_id\n");
        return;
    }
    if (seq_nr >= m->window_max) {
        model_say(m, "discard seq_nr\n");
        return;
    }
    if (id != m->min)
        m->processed = false;
    m->min = id;
    if (id != m->window_id)
        model_clear_window(m);
    m->window_id = id;
    if (pdu->first)
        model_clear_group(m);
    if (pdu->last)
        for (int i = 0; i < m->window_max; i++)
            if (i > seq_nr || m->window[i].last)
                memset(&m->window[i], 0, sizeof m->window[i]);
    m->window[seq_nr] = *pdu;
    sum = m->group_size;
    for (int i = 0; i < m->window_max; i++)
        sum += m->window[i].stored_size;
    if (sum > m->group_bytes_max) {
        model_processed(m, id, seq_nr, SIPC_ERROR_GROUP_OVERFLOW);
        return;
    }
    run = model_run(m, &full);
    if (full)
        model_window_full(m, id, run);
    else if (run > 0)
        model_say(m, "tx data_ack %" PRId64 "/%d\n", id, run - 1);
}

/* ---- engine and model side by side ---- */

struct pair {
    struct driver d;
    struct model m;
};

static struct sipc_config pair_config(int window_max, int group_bytes_max, bool require_first)
{
    struct sipc_config config = driver_config();

    config.max_sessions = 1;
    config.max_window_size = (uint32_t)window_max;
    config.group_bytes_max = (uint32_t)group_bytes_max;
    config.require_first_in_window_group = require_first;
    config.attribute_limit = 256;
    config.open_timeout_ns = 0;
    return config;
}

static void pair_init(struct pair *p, const struct sipc_config *config)
{
    p->m = (struct model){.window_max = (int)config->max_window_size,
                          .group_bytes_max = (int)config->group_bytes_max,
                          .require_first = config->require_first_in_window_group,
                          .last_ack_id = -1,
                          .window_id = -1};
    driver_init(&p->d, config);
    driver_rx(&p->d, "data 0/0 first last end skip");
    driver_forget(&p->d);
    model_receive(&p->m, 0, 0,
                  &(struct model_pdu){.held = true, .first = true, .last = true, .end = true});
    p->m.out[0] = '\0';
}

/* Equal states are equal bytes: of PDUs that were given back nothing is left. */
static void pair_check_free_bytes(const struct pair *p)
{
    const struct session *s = session_at(p->d.ep, 0);
    const uint8_t *arena = arena_of(p->d.ep, s);
    const uint8_t *positions = (const uint8_t *)&positions_of(p->d.ep, s)[s->rx.end];
    uint32_t from = s->rx.group_data + s->rx.window_data;
    uint32_t to = (uint32_t)p->m.group_bytes_max - s->rx.group_options - s->rx.window_options;

    if (p->m.group_bytes_max <= 1024)
        for (uint32_t i = from; i < to; i++)
            assert_int_equal(arena[i], 0);
    for (size_t i = 0; i < ((size_t)p->m.window_max - s->rx.end) * sizeof(struct position); i++)
        assert_int_equal(positions[i], 0);
    for (uint32_t i = 0; i < sipc_endpoint_config(p->d.ep)->attribute_limit; i++)
        assert_int_equal(options_of(p->d.ep, s)[i], 0); /* what lies behind the arena */
}

static void pair_receive(struct pair *p, int64_t id, int seq_nr, const struct model_pdu *pdu)
{
    p->m.out[0] = '\0';
    model_receive(&p->m, id, seq_nr, pdu);
    driver_rx(&p->d, "data %" PRId64 "/%d%s%s%s%s: %s", id, seq_nr, pdu->first ? " first" : "",
              pdu->last ? " last" : "", pdu->end ? " end" : "", pdu->attributes, pdu->data);
    if (strcmp(p->d.lines, p->m.out) != 0)
        fail_msg("data %" PRId64 "/%d first %d last %d end %d:\nexpected\n%sfound\n%s", id, seq_nr,
                 pdu->first, pdu->last, pdu->end, p->m.out, p->d.lines);
    driver_forget(&p->d);
    pair_check_free_bytes(p);
}

/* A PDU whose bytes tell where it was meant to be, and which of its kind it is. */
static struct model_pdu pdu_of(const char *flags, int seq_nr, int version, int data_size,
                               bool attribute)
{
    struct model_pdu pdu = {.held = true};

    pdu.first = strchr(flags, 'f') != NULL;
    pdu.last = strchr(flags, 'l') != NULL;
    pdu.end = strchr(flags, 'e') != NULL;
    for (int i = 0; i < data_size; i++)
        pdu.data[i] = (char)('a' + (seq_nr * 5 + version * 3 + i) % 26);
    pdu.stored_size = data_size;
    if (attribute) {
        snprintf(pdu.attributes, sizeof pdu.attributes, " n%d=%d", seq_nr, version);
        pdu.stored_size += (int)strlen(pdu.attributes) - 2 + 5;
    }
    return pdu;
}

/* ---- all orders ---- */

static void swap(int *a, int *b)
{
    int kept = *a;
    *a = *b;
    *b = kept;
}

typedef void (*order_test)(const int *order, int count);

static void for_each_order(int *order, int at, int count, order_test test)
{
    if (at == count) {
        test(order, count);
        return;
    }
    for (int i = at; i < count; i++) {
        swap(&order[at], &order[i]);
        for_each_order(order, at + 1, count, test);
        swap(&order[at], &order[i]);
    }
}

/* A window of four PDUs: whatever the order, delivered once, in order, at the last of them. */
static void order_of_one_window(const int *order, int count)
{
    static const char *const flags[] = {"f", "", "", "le"};
    struct sipc_config config = pair_config(POSITIONS_MAX, SIPC_GROUP_BYTES_MAX, true);
    struct pair p;

    pair_init(&p, &config);
    for (int i = 0; i < count; i++) {
        struct model_pdu pdu = pdu_of(flags[order[i]], order[i], 0, order[i] + 1, order[i] != 2);
        assert_int_equal(p.d.delivered_count, 1);
        pair_receive(&p, 1, order[i], &pdu);
    }
    assert_int_equal(p.d.delivered_count, 2);
    assert_int_equal(p.d.delivered_size, 1 + 2 + 3 + 4);
    driver_fini(&p.d);
}

static void test_window_in_all_orders_then_delivered_once_in_order(void **state)
{
    int order[] = {0, 1, 2, 3};

    (void)state;
    for_each_order(order, 0, 4, order_of_one_window);
}

/* Each PDU twice, with other bytes the second time. */
static void order_with_replacements(const int *order, int count)
{
    static const char *const flags[] = {"f", "", "le"};
    struct sipc_config config = pair_config(POSITIONS_MAX, SIPC_GROUP_BYTES_MAX, true);
    struct pair p;

    pair_init(&p, &config);
    for (int i = 0; i < count; i++) {
        int seq_nr = order[i] / 2;
        struct model_pdu pdu = pdu_of(flags[seq_nr], seq_nr, order[i] % 2, 1 + order[i], true);
        pair_receive(&p, 1, seq_nr, &pdu);
    }
    assert_int_equal(p.d.delivered_count, 2);
    driver_fini(&p.d);
}

static void test_window_with_replacements_in_all_orders_then_as_the_model(void **state)
{
    int order[] = {0, 1, 2, 3, 4, 5};

    (void)state;
    for_each_order(order, 0, 6, order_with_replacements);
}

/* Two windows' ends, a stray behind them, and the rest, in all orders: RCV-3, RCV-5. */
static void order_with_moving_end(const int *order, int count)
{
    static const struct {
        int seq_nr;
        const char *flags;
    } pdus[] = {{0, "f"}, {1, ""}, {1, "le"}, {2, "l"}, {3, ""}, {2, ""}};
    struct sipc_config config = pair_config(POSITIONS_MAX, SIPC_GROUP_BYTES_MAX, true);
    struct pair p;

    pair_init(&p, &config);
    for (int i = 0; i < count; i++) {
        struct model_pdu pdu =
            pdu_of(pdus[order[i]].flags, pdus[order[i]].seq_nr, order[i], 2, order[i] % 2 == 0);
        pair_receive(&p, 1, pdus[order[i]].seq_nr, &pdu);
    }
    driver_fini(&p.d);
}

static void test_window_with_moving_last_in_window_in_all_orders_then_as_the_model(void **state)
{
    int order[] = {0, 1, 2, 3, 4, 5};

    (void)state;
    for_each_order(order, 0, 6, order_with_moving_end);
}

/* ---- all short histories ---- */

static void test_window_in_all_histories_of_three_pdus_then_as_the_model(void **state)
{
    static const char *const flags[] = {"", "f", "l", "le", "fle"};
    enum { KINDS = 5 * 3 * 2, EVENTS = 3 };
    struct sipc_config config = pair_config(3, 1024, true);

    (void)state;
    for (int history = 0; history < KINDS * KINDS * KINDS; history++) {
        struct pair p;
        int left = history;
        pair_init(&p, &config);
        for (int i = 0; i < EVENTS; i++, left /= KINDS) {
            int kind = left % KINDS;
            int seq_nr = kind / 5 % 3;
            struct model_pdu pdu = pdu_of(flags[kind % 5], seq_nr, i, 2, i == 1);
            pair_receive(&p, 1 + kind / 15, seq_nr, &pdu);
        }
        driver_fini(&p.d);
    }
}

/* ---- random histories ---- */

static const struct {
    const char *name;
    int window_max, group_bytes_max;
    bool require_first;
    int data_max;
} worlds[] = {
    {"window of one PDU", 1, SIPC_GROUP_BYTES_MAX, true, 8},
    {"window of two PDUs", 2, SIPC_GROUP_BYTES_MAX, true, 8},
    {"window of six", 6, 1024, true, 8},
    {"first_in_window_group not required", 4, SIPC_GROUP_BYTES_MAX, false, 8},
    {"groups near their limit", 4, 128, true, 40},
    {"groups near their limit, single PDUs", 1, 128, true, 40},
};

static void random_history(size_t world, uint64_t seed)
{
    static const char *const flags[] = {"", "", "f", "f", "l", "le", "fl", "fle", "e"};
    struct sipc_config config = pair_config(worlds[world].window_max, worlds[world].group_bytes_max,
                                            worlds[world].require_first);
    struct pair p;

    pair_init(&p, &config);
    for (int i = 0; i < 300; i++) {
        int seq_nr = (int)random_below(&seed, (size_t)config.max_window_size + 1);
        struct model_pdu pdu = pdu_of(flags[random_below(&seed, 9)], seq_nr, i % 7,
                                      (int)random_below(&seed, (size_t)worlds[world].data_max),
                                      random_below(&seed, 2) == 0);
        int64_t id = p.m.min + 1;
        if (seq_nr == 0 && random_below(&seed, 2) == 0)
            pdu.first = true;
        switch (random_below(&seed, 12)) {
        case 0:
            id = p.m.min - 1 - (int64_t)random_below(&seed, 2);
            break;
        case 1:
            id = p.m.min + (int64_t)random_below(&seed, STEP + 3);
            break;
        case 2:
        case 3:
            break;
        default:
            id = p.m.processed ? p.m.min + 1 : p.m.min;
        }
        if (p.m.group_size > 100 && config.group_bytes_max == SIPC_GROUP_BYTES_MAX)
            pdu.first = true; /* else the model's text grows too long */
        if (id >= 0)
            pair_receive(&p, id, seq_nr, &pdu);
    }
    driver_fini(&p.d);
}

static void test_window_in_random_histories_then_as_the_model(void **state)
{
    (void)state;
    for (size_t world = 0; world < sizeof worlds / sizeof worlds[0]; world++)
        for (uint64_t seed = 0; seed < 60; seed++)
            random_history(world, seed * 100 + world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_in_all_orders_then_delivered_once_in_order),
        cmocka_unit_test(test_window_with_replacements_in_all_orders_then_as_the_model),
        cmocka_unit_test(test_window_with_moving_last_in_window_in_all_orders_then_as_the_model),
        cmocka_unit_test(test_window_in_all_histories_of_three_pdus_then_as_the_model),
        cmocka_unit_test(test_window_in_random_histories_then_as_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
