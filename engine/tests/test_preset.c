/* Window ids put anywhere before a session begins: only where a life could have brought them, and
 * then they go on from there (WID-1, WID-6, WID-9, WID-10).
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "driver.h"

static void test_preset_when_ids_are_preset_then_only_possible_ones(void **state)
{
    const int64_t top = SIPC_WINDOW_ID_MAX;
    const struct {
        struct sipc_preset preset; /* next, acked, min, processed */
        enum sipc_status status;
        const char *first; /* data PDU of a message sent then */
    } rows[] = {
        {{0, -1, -1, false}, SIPC_OK, "tx! data 0/0 first last m1[0,3)"},
        {{99, -1, -1, false}, SIPC_OK, "tx! data 99/0 first last m1[0,3)"},
        {{100, -1, -1, false}, SIPC_OK, "tx! data 100/0"}, /* the resync PDU */
        {{101, -1, -1, false}, SIPC_E_INVALID, NULL},      /* WID-10 */
        {{-1, -1, -1, false}, SIPC_E_INVALID, NULL},
        {{50, 49, -1, false}, SIPC_OK, "tx! data 50/0 first last m1[0,3)"},
        {{50, 50, -1, false}, SIPC_E_INVALID, NULL}, /* WID-9 */
        {{149, 50, -1, false}, SIPC_OK, "tx! data 149/0 first last m1[0,3)"},
        {{151, 50, -1, false}, SIPC_E_INVALID, NULL},
        {{top, top - 1, -1, false}, SIPC_OK, "tx! data 9000000000000000/0"},
        {{top - 1, top - 100, -1, false},
         SIPC_OK,
         "tx! data 8999999999999999/0 first last m1[0,3)"},
        {{0, top, -1, false}, SIPC_OK, "tx! data 0/0 first last m1[0,3)"},
        {{99, top, -1, false}, SIPC_OK, "tx! data 99/0 first last m1[0,3)"},
        {{101, top, -1, false}, SIPC_E_INVALID, NULL},
        {{top, top, -1, false}, SIPC_E_INVALID, NULL},
        {{top + 1, top, -1, false}, SIPC_E_INVALID, NULL},
        {{-1, top, -1, false}, SIPC_E_INVALID, NULL},
        {{0, top + 1, -1, false}, SIPC_E_INVALID, NULL},
        {{0, -2, -1, false}, SIPC_E_INVALID, NULL},
        {{0, -1, -2, false}, SIPC_E_INVALID, NULL},
        {{0, -1, top, true}, SIPC_OK, "tx! data 0/0 first last m1[0,3)"},
        {{0, -1, top + 1, false}, SIPC_E_INVALID, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct driver d;
        driver_init(&d, NULL);
        driver_open(&d);
        driver_forget(&d);
        assert_int_equal(sipc_session_preset(d.ep, d.now, d.session, &rows[i].preset),
                         rows[i].status);
        if (rows[i].status == SIPC_OK) {
            driver_send(&d, 1, 3, "");
            DRIVER_EXPECT(&d, rows[i].first);
        }
        driver_fini(&d);
    }
}

static void test_preset_when_min_is_preset_then_the_peers_ids_follow(void **state)
{
    static const struct {
        int64_t min;
        bool processed;
        int64_t id;
        const char *line;
    } rows[] = {
        {0, false, 0, "tx data_ack 0/0"},
        {0, true, 0, "discard window_id"},
        {500, false, 500, "tx data_ack 500/0"},
        {500, true, 500, "discard window_id"}, /* no ack to repeat */
        {500, true, 501, "tx data_ack 501/0"},
        {500, true, 600, "tx data_ack 600/0"},
        {500, true, 601, "discard window_id"},
        {500, true, 0, "discard window_id"},
        {SIPC_WINDOW_ID_MAX, true, 0, "tx data_ack 0/0"}, /* WID-6 */
        {SIPC_WINDOW_ID_MAX, true, 101, "discard window_id"},
        {-1, true, 100, "tx data_ack 100/0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct driver d;
        driver_init(&d, NULL);
        driver_open(&d);
        driver_preset(&d, 0, -1, rows[i].min, rows[i].processed);
        driver_forget(&d);
        driver_rx(&d, "data %lld/0", (long long)rows[i].id);
        DRIVER_EXPECT(&d, rows[i].line);
        driver_fini(&d);
    }
}

/* Each number alone makes a session one that is not fresh any more; none at all does not. */
static void test_preset_when_preset_before_then_no_second_one(void **state)
{
    static const struct {
        struct sipc_preset first;
        enum sipc_status second;
    } rows[] = {
        {{0, -1, -1, false}, SIPC_OK},
        {{1, -1, -1, false}, SIPC_E_STATE},
        {{0, SIPC_WINDOW_ID_MAX, -1, false}, SIPC_E_STATE},
        {{0, -1, 0, false}, SIPC_E_STATE},
    };
    const struct sipc_preset second = {7, 6, 5, false};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct driver d;
        driver_init(&d, NULL);
        driver_open(&d);
        assert_int_equal(sipc_session_preset(d.ep, d.now, d.session, &rows[i].first), SIPC_OK);
        assert_int_equal(sipc_session_preset(d.ep, d.now, d.session, &second), rows[i].second);
        driver_forget(&d);
        driver_fini(&d);
    }
}

static void test_preset_when_not_fresh_then_no_preset(void **state)
{
    const struct sipc_preset preset = {0, -1, -1, false};
    struct driver d;

    (void)state;
    driver_init(&d, NULL);
    driver_open(&d);
    driver_send(&d, 1, 3, "");
    assert_int_equal(sipc_session_preset(d.ep, d.now, d.session, &preset), SIPC_E_STATE);
    driver_forget(&d);
    driver_fini(&d);
    driver_init(&d, NULL);
    driver_rx(&d, "data 0/0");
    assert_int_equal(sipc_session_preset(d.ep, d.now, d.session, &preset), SIPC_E_STATE);
    driver_forget(&d);
    driver_fini(&d);
    driver_init(&d, NULL);
    driver_open(&d);
    driver_close(&d, 1, 1);
    assert_int_equal(sipc_session_preset(d.ep, d.now, d.session, &preset), SIPC_E_STATE);
    driver_forget(&d);
    driver_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preset_when_ids_are_preset_then_only_possible_ones),
        cmocka_unit_test(test_preset_when_min_is_preset_then_the_peers_ids_follow),
        cmocka_unit_test(test_preset_when_preset_before_then_no_second_one),
        cmocka_unit_test(test_preset_when_not_fresh_then_no_preset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
