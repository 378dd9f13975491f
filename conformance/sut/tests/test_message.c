/* The messages of SUT contract 1 as JSON lines: round trips, and what wrong ones are told.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conform/message.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SPAN(text)   ((struct sipc_span){(const uint8_t *)(text), sizeof(text) - 1})
#define SESSION      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static uint8_t session_bytes[SIPC_SESSION_ID_SIZE];

static int message_setup(void **state)
{
    (void)state;
    for (int i = 0; i < SIPC_SESSION_ID_SIZE; i++) {
        session_bytes[i] = (uint8_t)i;
    }
    return 0;
}

/* ---- requests ---- */

struct decoded {
    struct conform_request request;
    struct conform_request_memory memory;
    char *id;
    struct conform_error error;
    bool ok;
};

static struct decoded decode(const char *line, size_t size)
{
    struct decoded d;
    memset(&d, 0, sizeof d);
    /* a copy of exactly this size: reading beyond it is seen by the sanitizer */
    char *copy = malloc(size ? size : 1);
    memcpy(copy, line, size);
    d.ok = conform_request_decode(copy, size, &d.request, &d.memory, &d.id, &d.error);
    free(copy);
    return d;
}

static void decoded_clear(struct decoded *d)
{
    conform_request_memory_clear(&d->memory);
    free(d->id);
}

static void test_request_encode_then_decode_gives_the_same(void **state)
{
    (void)state;
    const struct conform_setting settings[] = {
        {"mtu", 512, NULL, false}, {"accept", 0, NULL, true}, {"network", 0, "stream", false}};
    const struct conform_attribute attributes[] = {{SPAN("a"), SPAN("b\0c")},
                                                   {SPAN("\xff"), SPAN("")}};
    const struct conform_request requests[] = {
        {.op = CONFORM_HELLO, .contract = 1, .clock = "virtual"},
        {.op = CONFORM_CONFIGURE, .settings = settings, .setting_count = 3},
        {.op = CONFORM_RESET},
        {.op = CONFORM_OPEN, .session = session_bytes, .remote = "P"},
        {.op = CONFORM_OPEN,
         .session = session_bytes,
         .remote = "P",
         .has_idle_timeout = true,
         .idle_timeout_ms = -1},
        {.op = CONFORM_PRESET,
         .session = session_bytes,
         .next_window_id = SIPC_WINDOW_ID_MAX,
         .acked_window_id = 5,
         .min_window_id = -1,
         .processed = true},
        {.op = CONFORM_SEND,
         .session = session_bytes,
         .label = "x",
         .data = SPAN("\0hello"),
         .attributes = attributes,
         .attribute_count = 2,
         .skip = true},
        {.op = CONFORM_SEND, .session = session_bytes, .label = "x"},
        {.op = CONFORM_SEND_UNRELIABLE,
         .session = session_bytes,
         .remote = "Q",
         .label = "y",
         .has_size = true,
         .size = 100000},
        {.op = CONFORM_CLOSE, .session = session_bytes, .label = "z", .code = 1},
        {.op = CONFORM_DISPOSE, .session = session_bytes, .code = -2},
        {.op = CONFORM_SHUTDOWN, .grace_ms = 1000},
        {.op = CONFORM_RX, .from = "P", .pdu = SPAN("\x01\xfe")},
        {.op = CONFORM_RX, .from = "P"},
        {.op = CONFORM_SENT, .token = 7, .success = true},
        {.op = CONFORM_ADVANCE, .to_ns = (UINT64_C(1) << 53) - 1},
        {.op = CONFORM_STATE, .session = session_bytes},
        {.op = CONFORM_BYE},
        {.op = CONFORM_UNKNOWN, .op_name = "make_coffee"},
    };
    for (size_t i = 0; i < COUNT(requests); i++) {
        char *line = conform_request_encode(&requests[i], 42);
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_null(memchr(line, '\n', strlen(line) - 1));
        struct decoded d = decode(line, strlen(line));
        if (!d.ok) {
            fail_msg("%s: %s", line, d.error.text);
        }
        assert_string_equal(d.id, "42");
        assert_int_equal(d.request.op, requests[i].op);
        char *again = conform_request_encode(&d.request, 42);
        assert_string_equal(again, line);
        free(again);
        free(line);
        decoded_clear(&d);
    }
}

static void test_request_decode_bytes_and_defaults(void **state)
{
    (void)state;
    const char line[] =
        "{\"id\":\"a\\n\",\"op\":\"send\",\"later\":[1],\"session\":\"" SESSION
        "\",\"label\":\"L\",\"data\":\"AP/+\",\"attributes\":[[\"n\\u0000m\",{\"hex\":"
        "\"C0FF\"}]],\"skip\":null}";
    struct decoded d = decode(line, sizeof line - 1);
    assert_true(d.ok);
    assert_string_equal(d.id, "\"a\\n\"");
    assert_memory_equal(d.request.session, session_bytes, SIPC_SESSION_ID_SIZE);
    assert_int_equal(d.request.data.size, 3);
    assert_memory_equal(d.request.data.data, "\x00\xff\xfe", 3);
    assert_int_equal(d.request.attribute_count, 1);
    assert_int_equal(d.request.attributes[0].name.size, 3);
    assert_memory_equal(d.request.attributes[0].name.data, "n\0m", 3);
    assert_memory_equal(d.request.attributes[0].value.data, "\xc0\xff", 2);
    assert_false(d.request.skip);
    decoded_clear(&d);

    const char preset[] =
        "{\"id\":1,\"op\":\"preset\",\"session\":\"" SESSION "\",\"next_window_id\":9000}";
    d = decode(preset, sizeof preset - 1);
    assert_true(d.ok);
    assert_int_equal(d.request.acked_window_id, 8999);
    assert_int_equal(d.request.min_window_id, -1);
    decoded_clear(&d);

    const char dispose[] = "{\"id\":1,\"op\":\"dispose\",\"session\":\"" SESSION "\"}";
    d = decode(dispose, sizeof dispose - 1);
    assert_true(d.ok);
    assert_int_equal(d.request.code, SIPC_LOCAL_SHUTDOWN);
    decoded_clear(&d);
}

static void test_request_decode_tells_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *id, *error;
    } rows[] = {
        {"", "null", "not JSON"},
        {"hello\n", "null", "not JSON: invalid token near 'hello'"},
        {"[1]", "null", "a JSON object was expected, this is a list"},
        {"7", "null", "a JSON object was expected, this is an integer"},
        {"{\"op\":\"reset\"}", "null", "request: `id` must be a number or text, is missing"},
        {"{\"id\":[],\"op\":\"reset\"}", "null", "`id` must be a number or text, is a list"},
        {"{\"id\":1}", "1", "request: `op` is missing"},
        {"{\"id\":1,\"op\":5}", "1", "`op` must be text, is an integer"},
        {"{\"id\":1,\"op\":\"a\\u0000\"}", "1", "`op` must not hold a NUL"},
        {"{\"id\":2,\"op\":\"rx\",\"from\":\"P\"}", "2", "request `rx`: `pdu` is missing"},
        {"{\"id\":2,\"op\":\"rx\",\"from\":\"P\",\"pdu\":\"abc\"}", "2",
         "`pdu` is not hex: \"abc\""},
        {"{\"id\":2,\"op\":\"rx\",\"from\":\"P\",\"pdu\":\"0g\"}", "2", "`pdu` is not hex"},
        {"{\"id\":2,\"op\":\"rx\",\"from\":\"P\",\"pdu\":{}}", "2",
         "`pdu` must be hex text, is an object"},
        {"{\"id\":3,\"op\":\"advance\",\"to_ns\":1.5}", "3",
         "`to_ns` must be an integer, is a number with a fraction"},
        {"{\"id\":3,\"op\":\"advance\",\"to_ns\":-1}", "3", "`to_ns` must be 0..9007199254740991"},
        {"{\"id\":3,\"op\":\"advance\",\"to_ns\":9007199254740992}", "3", "is 9007199254740992"},
        {"{\"id\":3,\"op\":\"advance\",\"to_ns\":99999999999999999999}", "null", "too big integer"},
        {"{\"id\":4,\"op\":\"state\",\"session\":\"00\"}", "4",
         "`session` must be 64 hex digits, has 2"},
        {"{\"id\":4,\"op\":\"configure\",\"settings\":{\"mtu\":[1]}}", "4",
         "setting `mtu` must be an integer, true/false or text, is a list"},
        {"{\"id\":4,\"op\":\"configure\",\"settings\":3}", "4",
         "`settings` must be an object, is an integer"},
        {"{\"id\":5,\"op\":\"send\",\"session\":\"" SESSION "\"}", "5", "`label` is missing"},
        {"{\"id\":5,\"op\":\"send\",\"session\":\"" SESSION "\",\"label\":\"a\",\"data\":\"A\"}",
         "5", "`data` is not base64"},
        {"{\"id\":5,\"op\":\"send\",\"session\":\"" SESSION "\",\"label\":\"a\",\"data\":\"=AAA\"}",
         "5", "`data` is not base64"},
        {"{\"id\":5,\"op\":\"send\",\"session\":\"" SESSION
         "\",\"label\":\"a\",\"data\":\"AAAA\",\"size\":3}",
         "5", "`data` and `size` exclude each other"},
        {"{\"id\":5,\"op\":\"send\",\"session\":\"" SESSION
         "\",\"label\":\"a\",\"attributes\":[[\"a\"]]}",
         "5", "`attributes` item 0 must be [name, value]"},
        {"{\"id\":5,\"op\":\"send\",\"session\":\"" SESSION
         "\",\"label\":\"a\",\"attributes\":[[\"a\",\"b\"],[\"a\",{\"hex\":\"x\"}]]}",
         "5", "value of an attribute must be text or {\"hex\": ...}, is an object"},
        {"{\"id\":6,\"op\":\"sent\",\"token\":1,\"success\":1}", "6",
         "`success` must be true or false, is an integer"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct decoded d = decode(rows[i].line, strlen(rows[i].line));
        assert_false(d.ok);
        if (!strstr(d.error.text, rows[i].error)) {
            fail_msg("%s: told \"%s\", not \"%s\"", rows[i].line, d.error.text, rows[i].error);
        }
        assert_string_equal(d.id, rows[i].id);
        decoded_clear(&d);
    }
}

static void test_request_decode_limits_the_line_to_64_mib(void **state)
{
    (void)state;
    size_t size = (64u << 20) + 1;
    char *line = malloc(size);
    memset(line, ' ', size);
    memcpy(line, "{\"id\":1,\"op\":\"bye\"}", 19);
    struct decoded d = decode(line, size - 1);
    assert_true(d.ok);
    decoded_clear(&d);
    d = decode(line, size);
    assert_false(d.ok);
    assert_non_null(strstr(d.error.text, "longer than 64 MiB"));
    decoded_clear(&d);
    free(line);
}

static void test_request_decode_cut_anywhere_is_an_error(void **state)
{
    (void)state;
    const char line[] =
        "{\"id\":1,\"op\":\"send\",\"session\":\"" SESSION
        "\",\"label\":\"a\",\"data\":\"AAAA\",\"attributes\":[[\"a\",{\"hex\":\"00\"}]]}";
    for (size_t size = 0; size + 1 < sizeof line; size++) {
        struct decoded d = decode(line, size);
        assert_int_equal(d.ok, size == sizeof line - 1);
        decoded_clear(&d);
    }
}

/* ---- responses ---- */

static struct conform_out *add_out(struct conform_response *response, enum conform_out_kind kind)
{
    struct conform_out *out = conform_response_add(response);
    out->kind = kind;
    out->remote = strdup("P");
    if (kind != CONFORM_OUT_TX) {
        out->has_session = true;
        memcpy(out->session, session_bytes, SIPC_SESSION_ID_SIZE);
    }
    return out;
}

static uint8_t *copy(struct sipc_span span)
{
    return memcpy(malloc(span.size), span.data, span.size);
}

/* One output of each kind. */
static void fill_outs(struct conform_response *response)
{
    struct conform_out *out = add_out(response, CONFORM_OUT_TX);
    out->bytes = copy(SPAN("\x01\x02"));
    out->size = 2;
    out->token = 9;
    out = add_out(response, CONFORM_OUT_DELIVER);
    out->bytes = copy(SPAN("\0data"));
    out->size = 5;
    out->attributes = calloc(1, sizeof *out->attributes);
    out->attribute_count = 1;
    out->attributes[0] = (struct conform_attribute){{copy(SPAN("n")), 1}, {copy(SPAN("\xff")), 1}};
    out = add_out(response, CONFORM_OUT_RESULT);
    out->label = strdup("L");
    out->operation = strdup("send");
    out->word = strdup("refused");
    out->why = strdup("busy");
    out->has_code = true;
    out = add_out(response, CONFORM_OUT_STATE);
    out->word = strdup("awaiting_disposal");
    out->has_code = true;
    out->code = -4;
    out = add_out(response, CONFORM_OUT_STATE);
    out->word = strdup("disposed");
    out = add_out(response, CONFORM_OUT_DISCARD);
    out->has_session = false;
    out->word = strdup("too_short");
}

static void test_response_encode_then_decode_gives_the_same(void **state)
{
    (void)state;
    struct conform_response in = {.ok = true, .deadline_ns = 77};
    fill_outs(&in);
    char *line = conform_response_encode(&in, CONFORM_RX, "12", true);
    struct conform_response out = {0};
    struct conform_error error;
    assert_int_equal(
        conform_response_decode(line, strlen(line), CONFORM_RX, 12, true, 1234, &out, &error),
        CONFORM_LINE_RESPONSE);
    assert_true(out.ok);
    assert_int_equal(out.deadline_ns, 77);
    assert_int_equal(out.out_count, 6);
    for (size_t i = 0; i < out.out_count; i++) {
        assert_int_equal(out.outs[i].kind, in.outs[i].kind);
        assert_int_equal(out.outs[i].at_ns, 1234);
    }
    assert_int_equal(out.outs[1].attributes[0].value.size, 1);
    assert_int_equal(out.outs[1].attributes[0].value.data[0], 0xff);
    assert_int_equal(out.outs[3].code, -4);
    assert_false(out.outs[4].has_code);
    assert_false(out.outs[5].has_session);
    char *again = conform_response_encode(&out, CONFORM_RX, "12", true);
    assert_string_equal(again, line);
    free(again);
    free(line);
    conform_response_clear(&in);
    conform_response_clear(&out);
}

static void test_response_encode_hello_and_failure(void **state)
{
    (void)state;
    char *capabilities[] = {(char[]){"send"}, (char[]){"close"}};
    struct conform_response hello = {.ok = true,
                                     .name = (char[]){"n"},
                                     .version = (char[]){"v"},
                                     .clock = (char[]){"wall"},
                                     .listen = (char[]){"udp:127.0.0.1:1"},
                                     .contract = 1,
                                     .tick_ns = 1000,
                                     .capabilities = capabilities,
                                     .capability_count = 2};
    char *line = conform_response_encode(&hello, CONFORM_HELLO, "1", false);
    struct conform_response out = {0};
    struct conform_error error;
    assert_int_equal(
        conform_response_decode(line, strlen(line), CONFORM_HELLO, 1, false, 0, &out, &error),
        CONFORM_LINE_RESPONSE);
    assert_string_equal(out.listen, "udp:127.0.0.1:1");
    assert_int_equal(out.capability_count, 2);
    assert_string_equal(out.capabilities[1], "close");
    assert_int_equal(out.tick_ns, 1000);
    assert_true(out.deadline_ns == SIPC_NEVER);
    conform_response_clear(&out);
    free(line);

    struct conform_response failed = {
        .unsupported = true, .error = (char[]){"no such op"}, .deadline_ns = SIPC_NEVER};
    line = conform_response_encode(&failed, CONFORM_UNKNOWN, "\"q\"", true);
    assert_string_equal(line,
                        "{\"id\":\"q\",\"ok\":false,\"error\":\"no such op\",\"unsupported\":true,"
                        "\"out\":[],\"deadline_ns\":null}\n");
    free(line);
}

static void test_event_goes_both_ways_on_the_wall_clock_only(void **state)
{
    (void)state;
    struct conform_response in = {0};
    fill_outs(&in);
    for (size_t i = 0; i < in.out_count; i++) {
        char *line = conform_event_encode(&in.outs[i]);
        struct conform_response out = {0};
        struct conform_error error;
        bool tx = in.outs[i].kind == CONFORM_OUT_TX;
        assert_int_equal(
            conform_response_decode(line, strlen(line), CONFORM_RESET, 1, false, 5, &out, &error),
            tx ? CONFORM_LINE_BAD : CONFORM_LINE_EVENT);
        assert_int_equal(out.out_count, 1);
        conform_response_clear(&out);
        assert_int_equal(
            conform_response_decode(line, strlen(line), CONFORM_RESET, 1, true, 5, &out, &error),
            CONFORM_LINE_BAD);
        assert_non_null(strstr(error.text, "virtual clock"));
        conform_response_clear(&out);
        free(line);
    }
    conform_response_clear(&in);
}

static void test_response_decode_tells_what_is_wrong(void **state)
{
    (void)state;
#define REST "\"deadline_ns\":null"
    static const struct {
        enum conform_op op;
        const char *line, *error;
    } rows[] = {
        {CONFORM_RESET, "Listening...", "not JSON"},
        {CONFORM_RESET, "{\"ok\":true,\"out\":[]," REST "}",
         "response to `reset`: `id` must be 7, the request's, is missing"},
        {CONFORM_RESET, "{\"id\":8,\"ok\":true,\"out\":[]," REST "}", "is 8"},
        {CONFORM_RESET, "{\"id\":\"7\",\"ok\":true,\"out\":[]," REST "}", "is \"7\""},
        {CONFORM_RESET, "{\"id\":7,\"out\":[]," REST "}", "`ok` is missing"},
        {CONFORM_RESET, "{\"id\":7,\"ok\":1,\"out\":[]," REST "}",
         "`ok` must be true or false, is an integer"},
        {CONFORM_RESET, "{\"id\":7,\"ok\":false,\"out\":[]," REST "}", "`error` is missing"},
        {CONFORM_RESET, "{\"id\":7,\"ok\":true," REST "}", "`out` is missing"},
        {CONFORM_RESET, "{\"id\":7,\"ok\":true,\"out\":{}," REST "}",
         "`out` must be a list, is an object"},
        {CONFORM_RESET, "{\"id\":7,\"ok\":true,\"out\":[]}", "`deadline_ns` is missing"},
        {CONFORM_RESET, "{\"id\":7,\"ok\":true,\"out\":[],\"deadline_ns\":\"1\"}",
         "`deadline_ns` must be an integer, is text"},
        {CONFORM_RX, "{\"id\":7,\"ok\":true,\"out\":[3]," REST "}",
         "`out` item 0: output: none of tx, deliver, result, state, discard (an integer)"},
        {CONFORM_RX, "{\"id\":7,\"ok\":true,\"out\":[{\"tx\":\"00\",\"token\":1}]," REST "}",
         "`out` item 0: `tx`: `to` is missing"},
        {CONFORM_RX, "{\"id\":7,\"ok\":true,\"out\":[{\"deliver\":4}]," REST "}",
         "`deliver` must be an object, is an integer"},
        {CONFORM_RX,
         "{\"id\":7,\"ok\":true,\"out\":[{\"deliver\":{\"session\":\"" SESSION "\"}}]," REST "}",
         "`deliver`: `data` is missing"},
        {CONFORM_RX,
         "{\"id\":7,\"ok\":true,\"out\":[{\"result\":{\"session\":\"" SESSION
         "\",\"label\":\"a\",\"outcome\":\"fine\"}}]," REST "}",
         "`result`: `outcome` is not a word of the contract: \"fine\""},
        {CONFORM_RX,
         "{\"id\":7,\"ok\":true,\"out\":[{\"state\":{\"session\":\"" SESSION
         "\",\"state\":\"open\"}}]," REST "}",
         "`state` is not a word of the contract: \"open\""},
        {CONFORM_HELLO,
         "{\"id\":7,\"ok\":true,\"name\":\"n\",\"version\":\"v\",\"contract\":1,\"clock\":"
         "\"virtual\","
         "\"capabilities\":[1],\"out\":[]," REST "}",
         "`capabilities` must be a list of texts, item 0 is an integer"},
        {CONFORM_HELLO, "{\"id\":7,\"ok\":true,\"out\":[]," REST "}", "`name` is missing"},
        {CONFORM_CONFIGURE, "{\"id\":7,\"ok\":true,\"refused\":\"mtu\",\"out\":[]," REST "}",
         "`refused` must be a list of texts, is text"},
        {CONFORM_STATE, "{\"id\":7,\"ok\":true,\"out\":[]," REST "}", "`state` is missing"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conform_response out = {0};
        struct conform_error error = {""};
        assert_int_equal(conform_response_decode(rows[i].line, strlen(rows[i].line), rows[i].op, 7,
                                                 true, 0, &out, &error),
                         CONFORM_LINE_BAD);
        if (!strstr(error.text, rows[i].error)) {
            fail_msg("%s: told \"%s\", not \"%s\"", rows[i].line, error.text, rows[i].error);
        }
        conform_response_clear(&out);
    }
}

static void test_base64_of_every_length_round_trips(void **state)
{
    (void)state;
    uint8_t data[70];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 37 + 200);
    }
    for (size_t size = 1; size <= sizeof data; size++) {
        struct conform_request request = {
            .op = CONFORM_SEND, .session = session_bytes, .label = "a", .data = {data, size}};
        char *line = conform_request_encode(&request, 1);
        struct decoded d = decode(line, strlen(line));
        assert_true(d.ok);
        assert_int_equal(d.request.data.size, size);
        assert_memory_equal(d.request.data.data, data, size);
        decoded_clear(&d);
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_encode_then_decode_gives_the_same),
        cmocka_unit_test(test_request_decode_bytes_and_defaults),
        cmocka_unit_test(test_request_decode_tells_what_is_wrong),
        cmocka_unit_test(test_request_decode_limits_the_line_to_64_mib),
        cmocka_unit_test(test_request_decode_cut_anywhere_is_an_error),
        cmocka_unit_test(test_response_encode_then_decode_gives_the_same),
        cmocka_unit_test(test_response_encode_hello_and_failure),
        cmocka_unit_test(test_event_goes_both_ways_on_the_wall_clock_only),
        cmocka_unit_test(test_response_decode_tells_what_is_wrong),
        cmocka_unit_test(test_base64_of_every_length_round_trips),
    };
    return cmocka_run_group_tests(tests, message_setup, NULL);
}
