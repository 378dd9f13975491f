/* The small parts of the adapters: frames and lines out of streams, addresses, what is remembered,
 * waiting.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "address.h"
#include "engine_book.h"
#include "frames.h"
#include "lines.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Two frames of 57 and 300 bytes, cut at every place and put together again. */
static void test_frames_come_whole_however_they_are_cut(void **state)
{
    (void)state;
    uint8_t stream[357] = {0, 57};
    stream[57] = 300 >> 8;
    stream[58] = 300 & 255;
    for (size_t cut = 0; cut <= sizeof stream; cut++) {
        struct conform__frames frames = {0};
        struct sipc_span frame;
        size_t sizes[3] = {0}, count = 0;
        conform__frames_push(&frames, stream, cut);
        for (int part = 0; part < 2; part++) {
            while (conform__frames_next(&frames, &frame) == CONFORM__FRAME_WHOLE) {
                assert_true(count < 2);
                sizes[count++] = frame.size;
            }
            if (part == 0) {
                assert_int_equal(count, (size_t)(cut >= 57) + (cut >= 357));
                conform__frames_push(&frames, stream + cut, sizeof stream - cut);
            }
        }
        assert_int_equal(count, 2);
        assert_int_equal(sizes[0], 57);
        assert_int_equal(sizes[1], 300);
        assert_int_equal(frame.size, 0);
        conform__frames_free(&frames);
    }
}

static void test_frames_of_impossible_length_are_bad(void **state)
{
    (void)state;
    static const struct {
        unsigned length;
        enum conform__frame expected;
    } rows[] = {
        {0, CONFORM__FRAME_BAD},      {56, CONFORM__FRAME_BAD},    {57, CONFORM__FRAME_NONE},
        {65500, CONFORM__FRAME_NONE}, {65501, CONFORM__FRAME_BAD}, {65535, CONFORM__FRAME_BAD},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const uint8_t start[] = {(uint8_t)(rows[i].length >> 8), (uint8_t)rows[i].length};
        struct conform__frames frames = {0};
        struct sipc_span frame;
        conform__frames_push(&frames, start, 1);
        assert_int_equal(conform__frames_next(&frames, &frame), CONFORM__FRAME_NONE);
        conform__frames_push(&frames, start + 1, 1);
        assert_int_equal(conform__frames_next(&frames, &frame), rows[i].expected);
        assert_int_equal(frame.size, 2);
        conform__frames_free(&frames);
    }
}

static void test_lines_come_whole_however_they_are_cut(void **state)
{
    (void)state;
    static const char text[] = "one\n\ntwo and a half\nrest";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct conform__lines lines = {0};
        const char *line;
        size_t size, sizes[4] = {0}, count = 0;
        conform__lines_push(&lines, text, cut);
        while (conform__lines_next(&lines, &line, &size)) {
            sizes[count++] = size;
        }
        conform__lines_push(&lines, text + cut, sizeof text - 1 - cut);
        while (conform__lines_next(&lines, &line, &size)) {
            sizes[count++] = size;
        }
        assert_int_equal(count, 3);
        assert_int_equal(sizes[0], 4);
        assert_int_equal(sizes[1], 1);
        assert_int_equal(sizes[2], 15);
        assert_int_equal(conform__lines_rest(&lines, &line), 4);
        assert_memory_equal(line, "rest", 4);
        conform__lines_free(&lines);
    }
}

static void test_addresses_are_parsed_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed; /* NULL: no address */
    } rows[] = {
        {"127.0.0.1:9000", "127.0.0.1:9000"},
        {"127.0.0.1:0", "127.0.0.1:0"},
        {"127.0.0.1:65535", "127.0.0.1:65535"},
        {"[::1]:9000", "[::1]:9000"},
        {"127.0.0.1:65536", NULL},
        {"127.0.0.1:-1", NULL},
        {"127.0.0.1:", NULL},
        {"127.0.0.1:80x", NULL},
        {"127.0.0.1", NULL},
        {":9000", NULL},
        {"", NULL},
        {"[]:1", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sockaddr_storage address;
        struct conform_error error;
        char text[CONFORM__ADDRESS_TEXT];
        bool good = conform__address_parse(rows[i].text, &address, &error);
        if (good != (rows[i].printed != NULL)) {
            fail_msg("\"%s\" was %s", rows[i].text, good ? "taken" : "refused");
        }
        if (good) {
            conform__address_format((struct sockaddr *)&address, text);
            assert_string_equal(text, rows[i].printed);
        }
    }
}

static void test_unspecified_address_becomes_reachable(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"0.0.0.0:7", "127.0.0.1:7"}, {"[::]:7", "[::1]:7"}, {"127.0.0.2:7", "127.0.0.2:7"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sockaddr_storage address;
        struct conform_error error;
        char text[CONFORM__ADDRESS_TEXT];
        assert_true(conform__address_parse(rows[i][0], &address, &error));
        conform__address_make_reachable(&address);
        conform__address_format((struct sockaddr *)&address, text);
        assert_string_equal(text, rows[i][1]);
    }
}

static void test_book_forgets_old_disposed_sessions_only(void **state)
{
    (void)state;
    struct conform__book book = {0};
    uint8_t id[SIPC_SESSION_ID_SIZE] = {0};
    conform__book_note(&book, id, 1, false, SIPC_OPENED); /* the only one that is held */
    for (uint32_t i = 1; i < 40000; i++) {
        memcpy(id, &i, sizeof i);
        conform__book_note(&book, id, 1, false, SIPC_DISPOSED);
    }
    assert_true(book.known_count < 3 * CONFORM__DISPOSED_MAX);
    assert_int_equal(book.known[0].state, SIPC_OPENED);
    assert_memory_equal(book.known[book.known_count - 1].id, id, sizeof id);
    conform__book_clear(&book);
}

static void test_book_tells_sessions_of_two_peers_apart_but_not_on_streams(void **state)
{
    (void)state;
    struct conform__book book = {0};
    uint8_t id[SIPC_SESSION_ID_SIZE] = {5};
    conform__book_note(&book, id, 1, false, SIPC_OPENED);
    conform__book_note(&book, id, 2, false, SIPC_OPENED);
    assert_int_equal(book.known_count, 2);
    conform__book_note(&book, id, 3, true, SIPC_CLOSING);
    assert_int_equal(book.known_count, 2);
    assert_int_equal(book.known[1].remote, 3);
    conform__book_clear(&book);
}

/* A timer that is due before the loop waits fires before it; the wait must end all the same. */
static void test_loop_wait_ends_where_its_time_is_over_before_it_begins(void **state)
{
    (void)state;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_async_t other; /* what else the loop waits for, and never comes */
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    uv_async_init(&loop, &other, NULL);
    alarm(60); /* ends a test that hangs */
    conform__loop_wait(&loop, &timer, 0);
    conform__loop_wait(&loop, &timer, 1);
    alarm(0);
    assert_false(uv_is_active((uv_handle_t *)&timer));
    conform__loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_come_whole_however_they_are_cut),
        cmocka_unit_test(test_frames_of_impossible_length_are_bad),
        cmocka_unit_test(test_lines_come_whole_however_they_are_cut),
        cmocka_unit_test(test_addresses_are_parsed_and_printed),
        cmocka_unit_test(test_unspecified_address_becomes_reachable),
        cmocka_unit_test(test_book_forgets_old_disposed_sessions_only),
        cmocka_unit_test(test_book_tells_sessions_of_two_peers_apart_but_not_on_streams),
        cmocka_unit_test(test_loop_wait_ends_where_its_time_is_over_before_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
