/* The engine as a SUT: what each request of the contract does, and what is refused.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conform/sut.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SPAN(text)   ((struct sipc_span){(const uint8_t *)(text), sizeof(text) - 1})
#define MS           SIPC_NS_PER_MS

static const uint8_t one[SIPC_SESSION_ID_SIZE] = {1}, two[SIPC_SESSION_ID_SIZE] = {2};

static struct conform_engine_sut *sut;
static struct conform_response r; /* the last response */

static int engine_setup(void **state)
{
    (void)state;
    sut = conform_engine_sut_new(false);
    return 0;
}

static int engine_teardown(void **state)
{
    (void)state;
    conform_engine_sut_free(sut);
    conform_response_clear(&r);
    return 0;
}

static bool ask_of(struct conform_engine_sut *which, struct conform_request request)
{
    conform_response_clear(&r);
    conform_engine_sut_call(which, &request, &r);
    return r.ok;
}

#define ASK(...)       ask_of(sut, (struct conform_request){__VA_ARGS__})
#define ASK_OF(s, ...) ask_of(s, (struct conform_request){__VA_ARGS__})

/* The n-th output of a kind, NULL if there are fewer. */
static const struct conform_out *nth(enum conform_out_kind kind, size_t n)
{
    for (size_t i = 0; i < r.out_count; i++) {
        if (r.outs[i].kind == kind && n-- == 0) {
            return &r.outs[i];
        }
    }
    return NULL;
}

static const struct conform_out *first(enum conform_out_kind kind)
{
    return nth(kind, 0);
}

static void assert_result(const char *label, const char *outcome, const char *why, int64_t code)
{
    const struct conform_out *out = first(CONFORM_OUT_RESULT);
    assert_non_null(out);
    assert_string_equal(out->label, label);
    assert_string_equal(out->word, outcome);
    assert_true(out->has_code);
    assert_int_equal(out->code, code);
    if (why) {
        assert_string_equal(out->why, why);
    } else {
        assert_null(out->why);
    }
}

static void configure(const char *name, int64_t value, const char *word)
{
    const struct conform_setting setting = {name, value, word, false};
    assert_true(ASK(.op = CONFORM_CONFIGURE, .settings = &setting, .setting_count = 1));
    assert_int_equal(r.refused_count, 0);
    assert_true(ASK(.op = CONFORM_RESET));
}

/* A data PDU: one window, one group, with skip. */
static struct sipc_span data_pdu(const uint8_t *session, int64_t window_id, struct sipc_span data)
{
    static uint8_t pdu[2048];
    uint8_t options[128];
    size_t size = 0, used = 0;
    for (uint32_t id = SIPC_OPT_FIRST_IN_WINDOW_GROUP; id <= SIPC_OPT_SKIP; id <<= 1) {
        assert_int_equal(sipc_option_encode_bool(id, true, options, sizeof options, &size), 0);
    }
    const struct sipc_pdu_parts parts = {.session_id = session,
                                         .window_id = window_id,
                                         .opcode = SIPC_DATA,
                                         .options = {options, size},
                                         .data = data};
    assert_int_equal(sipc_pdu_encode(&parts, pdu, sizeof pdu, &used), 0);
    return (struct sipc_span){pdu, used};
}

/* The ack of a full window of one, in session `one`. */
static struct sipc_span ack_pdu(int64_t window_id)
{
    static uint8_t pdu[256];
    uint8_t options[64];
    size_t size = 0, used = 0;
    assert_int_equal(
        sipc_option_encode_bool(SIPC_OPT_IS_WINDOW_FULL, true, options, sizeof options, &size), 0);
    const struct sipc_pdu_parts parts = {.session_id = one,
                                         .window_id = window_id,
                                         .opcode = SIPC_DATA_ACK,
                                         .options = {options, size}};
    assert_int_equal(sipc_pdu_encode(&parts, pdu, sizeof pdu, &used), 0);
    return (struct sipc_span){pdu, used};
}

static struct sipc_pdu decoded(const struct conform_out *tx)
{
    struct sipc_pdu pdu;
    assert_non_null(tx);
    assert_int_equal(sipc_pdu_decode((struct sipc_span){tx->bytes, tx->size}, &pdu), 0);
    return pdu;
}

/* ---- order of requests ---- */

static void test_hello_wants_contract_and_clock(void **state)
{
    (void)state;
    assert_false(ASK(.op = CONFORM_HELLO, .contract = 2, .clock = "virtual"));
    assert_false(ASK(.op = CONFORM_HELLO, .contract = 1, .clock = "wall"));
    assert_non_null(strstr(r.error, "virtual clock"));
    assert_true(ASK(.op = CONFORM_HELLO, .contract = 1, .clock = "virtual"));
    assert_int_equal(r.contract, 1);
    assert_int_equal(r.tick_ns, 1);
    assert_int_equal(r.capability_count, 16);

    struct conform_engine_sut *live = conform_engine_sut_new(true);
    assert_true(ASK_OF(live, .op = CONFORM_HELLO, .contract = 1, .clock = "wall"));
    assert_int_equal(r.capability_count, 14); /* neither aftermath nor, on datagrams, stream */
    conform_engine_sut_free(live);
}

static void test_work_before_reset_is_refused(void **state)
{
    (void)state;
    assert_false(ASK(.op = CONFORM_RX, .from = "P"));
    assert_string_equal(r.error, "`rx` before the first reset");
    assert_false(r.unsupported);
    assert_false(ASK(.op = CONFORM_UNKNOWN, .op_name = "make_coffee"));
    assert_true(r.unsupported);
}

static void test_configure_refuses_what_cannot_be_set(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct conform_setting setting;
        bool taken;
    } rows[] = {
        {"mtu is clamped", {"mtu", 1, NULL, false}, true},
        {"mtu is clamped from far below", {"mtu", -5, NULL, false}, true},
        {"mtu is clamped from far above", {"mtu", INT64_C(1) << 52, NULL, false}, true},
        {"mtu is a number", {"mtu", 0, "large", false}, false},
        {"mtu is no boolean", {"mtu", 1, NULL, true}, false},
        {"max_window_size 0", {"max_window_size", 0, NULL, false}, false},
        {"max_window_size 1", {"max_window_size", 1, NULL, false}, true},
        {"max_window_size beyond 32 bits",
         {"max_window_size", INT64_C(1) << 32, NULL, false},
         false},
        {"ack_timeout 0", {"ack_timeout_ms", 0, NULL, false}, false},
        {"ack_timeout 1", {"ack_timeout_ms", 1, NULL, false}, true},
        {"ack_timeout beyond time", {"ack_timeout_ms", INT64_C(1) << 52, NULL, false}, false},
        {"open_timeout beyond time", {"open_timeout_ms", INT64_C(1) << 52, NULL, false}, true},
        {"open_timeout off", {"open_timeout_ms", 0, NULL, false}, true},
        {"open_timeout -1", {"open_timeout_ms", -1, NULL, false}, false},
        {"idle_timeout -1 is off", {"idle_timeout_ms", -1, NULL, false}, true},
        {"min_remote above max_remote", {"min_remote_idle_timeout_ms", 600001, NULL, false}, false},
        {"accept", {"accept", 0, NULL, true}, true},
        {"accept by number, as in the C ABI", {"accept", 1, NULL, false}, true},
        {"accept 2", {"accept", 2, NULL, false}, false},
        {"aftermath manual", {"aftermath", 0, "manual", false}, true},
        {"aftermath by chance", {"aftermath", 0, "by chance", false}, false},
        {"aftermath without a word", {"aftermath", 1, NULL, false}, false},
        {"network stream", {"network", 0, "stream", false}, true},
        {"network pigeon", {"network", 0, "pigeon", false}, false},
        {"window_id_step 5", {"window_id_step", 5, NULL, false}, true},
        {"window_id_max below three steps", {"window_id_max", 299, NULL, false}, false},
        {"no such setting", {"colour", 1, NULL, false}, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(ASK(.op = CONFORM_CONFIGURE, .settings = &rows[i].setting, .setting_count = 1));
        if (rows[i].taken != (r.refused_count == 0)) {
            fail_msg("%s: %s", rows[i].what, rows[i].taken ? "refused" : "taken");
        }
        if (r.refused_count) {
            assert_string_equal(r.refused[0], rows[i].setting.name);
        }
        assert_true(ASK(.op = CONFORM_RESET));
    }
}

static void test_configure_keeps_the_rest_where_one_is_refused(void **state)
{
    (void)state;
    const struct conform_setting settings[] = {
        {"window_id_step", 5, NULL, false},
        {"window_id_max", 14, NULL, false}, /* 15 is the least for steps of 5 */
        {"network", 0, "stream", false},
        {"max_retry_count", 0, NULL, false},
    };
    assert_true(ASK(.op = CONFORM_CONFIGURE, .settings = settings, .setting_count = 4));
    assert_int_equal(r.refused_count, 1);
    assert_string_equal(r.refused[0], "window_id_max");
    assert_true(ASK(.op = CONFORM_RESET));
    /* no retry: the message times out after one ack_timeout */
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "a"));
    assert_true(ASK(.op = CONFORM_ADVANCE, .to_ns = 1000 * MS));
    assert_result("a", "timeout", NULL, SIPC_LOCAL_SEND_TIMEOUT);
}

/* ---- receiving ---- */

static void test_rx_delivers_and_acks_and_reset_forgets(void **state)
{
    (void)state;
    for (int life = 0; life < 2; life++) {
        assert_true(ASK(.op = CONFORM_RESET));
        assert_false(ASK(.op = CONFORM_STATE, .session = one));
        assert_true(ASK(.op = CONFORM_RX, .from = "Q", .pdu = data_pdu(one, 7, SPAN("hello"))));
        const struct conform_out *deliver = first(CONFORM_OUT_DELIVER);
        assert_non_null(deliver);
        assert_memory_equal(deliver->bytes, "hello", 5);
        assert_string_equal(deliver->remote, "Q");
        assert_memory_equal(deliver->session, one, sizeof one);
        const struct conform_out *tx = first(CONFORM_OUT_TX);
        assert_string_equal(tx->remote, "Q");
        assert_int_equal(tx->token, 1);
        assert_int_equal(decoded(tx).opcode, SIPC_DATA_ACK);
        assert_string_equal(first(CONFORM_OUT_STATE)->word, "opening");
        assert_true(ASK(.op = CONFORM_STATE, .session = one));
        assert_string_equal(r.state, "opened");
    }
}

static void test_rx_of_garbage_is_one_discard(void **state)
{
    (void)state;
    assert_true(ASK(.op = CONFORM_RESET));
    assert_true(ASK(.op = CONFORM_RX, .from = "P", .pdu = SPAN("garbage")));
    assert_int_equal(r.out_count, 1);
    assert_string_equal(first(CONFORM_OUT_DISCARD)->word, "too_short");
    assert_false(first(CONFORM_OUT_DISCARD)->has_session);
    assert_true(r.deadline_ns == SIPC_NEVER);
}

static void test_session_id_of_two_peers_needs_a_remote(void **state)
{
    (void)state;
    assert_true(ASK(.op = CONFORM_RESET));
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_false(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "Q"));
    assert_false(ASK(.op = CONFORM_SEND, .session = one, .label = "a"));
    assert_non_null(strstr(r.error, "2 peers have a session of this id"));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .remote = "Q", .label = "a"));
    assert_string_equal(first(CONFORM_OUT_TX)->remote, "Q");
}

/* ---- sending ---- */

static void test_send_puts_bytes_of_the_pattern_on_the_wire(void **state)
{
    (void)state;
    configure("mtu", 512, NULL);
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "a", .has_size = true,
                    .size = 2000, .skip = true));
    size_t at = 0;
    for (size_t i = 0; nth(CONFORM_OUT_TX, i); i++) {
        struct sipc_pdu pdu = decoded(nth(CONFORM_OUT_TX, i));
        for (size_t k = 0; k < pdu.data.size; k++, at++) {
            assert_int_equal(pdu.data.data[k], at % 251);
        }
    }
    assert_int_equal(at, 2000);
}

static void test_send_times_out_step_by_step(void **state)
{
    (void)state;
    configure("ack_timeout_ms", 100, NULL);
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "a", .data = SPAN("x")));
    assert_non_null(first(CONFORM_OUT_TX));
    int sent = 0;
    uint64_t now = 0;
    while (!first(CONFORM_OUT_RESULT)) {
        assert_true(r.deadline_ns > now);
        assert_true(r.deadline_ns <= now + 100 * MS);
        now = r.deadline_ns;
        assert_true(ASK(.op = CONFORM_ADVANCE, .to_ns = now));
        sent += first(CONFORM_OUT_TX) != NULL;
    }
    assert_int_equal(sent, 3);
    assert_int_equal(now, 400 * MS);
    assert_result("a", "timeout", NULL, SIPC_LOCAL_SEND_TIMEOUT);
}

static void test_advance_neither_goes_back_nor_past_the_deadline(void **state)
{
    (void)state;
    assert_true(ASK(.op = CONFORM_RESET));
    assert_true(ASK(.op = CONFORM_ADVANCE, .to_ns = 500 * MS));
    assert_false(ASK(.op = CONFORM_ADVANCE, .to_ns = 499 * MS));
    assert_non_null(strstr(r.error, "never goes back"));
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_int_equal(r.deadline_ns, 10500 * MS);
    assert_false(ASK(.op = CONFORM_ADVANCE, .to_ns = 10500 * MS + 1));
    assert_int_equal(r.deadline_ns, 10500 * MS);
    assert_true(ASK(.op = CONFORM_ADVANCE, .to_ns = 10500 * MS));
    assert_string_equal(first(CONFORM_OUT_STATE)->word, "awaiting_disposal");
    assert_int_equal(first(CONFORM_OUT_STATE)->code, SIPC_LOCAL_OPEN_TIMEOUT);
}

static void test_operations_that_are_refused_say_why(void **state)
{
    (void)state;
    const struct conform_attribute framing = {SPAN("s_00"), SPAN("True")};
    assert_true(ASK(.op = CONFORM_RESET));
    assert_true(ASK(.op = CONFORM_SEND, .session = two, .label = "nowhere"));
    assert_result("nowhere", "refused", "state", 0);
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "framing", .attributes = &framing,
                    .attribute_count = 1));
    assert_result("framing", "refused", "attributes", 0);
    assert_true(ASK(.op = CONFORM_SEND_UNRELIABLE, .session = one, .label = "no skip"));
    assert_result("no skip", "refused", "opening", 0);
    assert_true(ASK(.op = CONFORM_SEND_UNRELIABLE, .session = one, .label = "large",
                    .has_size = true, .size = 70000, .skip = true));
    assert_result("large", "refused", "size", 0);
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "sending", .skip = true));
    assert_null(first(CONFORM_OUT_RESULT));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "second"));
    assert_result("second", "refused", "busy", 0);
    assert_false(ASK(.op = CONFORM_SEND, .session = one, .label = "second"));
    assert_string_equal(r.error, "the label \"second\" was used before");
    assert_false(ASK(.op = CONFORM_CLOSE, .session = one, .label = "odd", .code = 100));
    assert_string_equal(r.error, "the code of a close must be 1..99, is 100");
}

static void test_dispose_ends_what_runs_and_is_remembered(void **state)
{
    (void)state;
    assert_true(ASK(.op = CONFORM_RESET));
    assert_false(ASK(.op = CONFORM_DISPOSE, .session = one, .code = -2));
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "a"));
    assert_true(ASK(.op = CONFORM_DISPOSE, .session = one, .code = 42));
    assert_result("a", "closed", NULL, 42);
    assert_true(ASK(.op = CONFORM_STATE, .session = one));
    assert_string_equal(r.state, "disposed");
    assert_true(ASK(.op = CONFORM_DISPOSE, .session = one, .code = 42));
    assert_int_equal(r.out_count, 0);
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "late"));
    assert_result("late", "refused", "state", 0);
    assert_true(ASK(.op = CONFORM_CLOSE, .session = one, .label = "closed", .code = 1));
    assert_result("closed", "ok", NULL, 0);
    assert_false(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_non_null(strstr(r.error, "lingers"));
}

static void test_preset_puts_the_next_id(void **state)
{
    (void)state;
    assert_true(ASK(.op = CONFORM_RESET));
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_false(ASK(.op = CONFORM_PRESET, .session = one, .next_window_id = 500,
                     .acked_window_id = 5, .min_window_id = -1));
    assert_true(ASK(.op = CONFORM_PRESET, .session = one, .next_window_id = SIPC_WINDOW_ID_MAX - 1,
                    .acked_window_id = SIPC_WINDOW_ID_MAX - 2, .min_window_id = -1));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "a", .skip = true));
    assert_int_equal(decoded(first(CONFORM_OUT_TX)).window_id, SIPC_WINDOW_ID_MAX - 1);
    assert_false(ASK(.op = CONFORM_PRESET, .session = one, .next_window_id = 7,
                     .acked_window_id = 6, .min_window_id = -1));
    assert_string_equal(r.error, "only a fresh session can be preset");
}

/* ---- aftermath ---- */

static void test_aftermath_manual_waits_for_sent(void **state)
{
    (void)state;
    assert_true(ASK(.op = CONFORM_RESET));
    assert_false(ASK(.op = CONFORM_SENT, .token = 1, .success = true));
    assert_non_null(strstr(r.error, "aftermath = manual"));

    configure("aftermath", 0, "manual");
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK(.op = CONFORM_SEND_UNRELIABLE, .session = one, .label = "a", .skip = true));
    uint64_t token = first(CONFORM_OUT_TX)->token;
    assert_null(first(CONFORM_OUT_RESULT));
    assert_false(ASK(.op = CONFORM_SENT, .token = token + 1, .success = true));
    assert_true(ASK(.op = CONFORM_SENT, .token = token, .success = true));
    assert_result("a", "ok", NULL, 0);
    assert_false(ASK(.op = CONFORM_SENT, .token = token, .success = true));
    assert_non_null(strstr(r.error, "has had its aftermath"));

    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "b", .skip = true));
    assert_true(ASK(.op = CONFORM_SENT, .token = first(CONFORM_OUT_TX)->token, .success = false));
    assert_result("b", "network_error", NULL, SIPC_LOCAL_NETWORK_ERROR);
}

static void test_aftermath_of_an_ack_may_be_given(void **state)
{
    (void)state;
    configure("aftermath", 0, "manual");
    assert_true(ASK(.op = CONFORM_RX, .from = "P", .pdu = data_pdu(one, 0, SPAN("x"))));
    uint64_t token = first(CONFORM_OUT_TX)->token;
    assert_true(ASK(.op = CONFORM_SENT, .token = token, .success = false));
    assert_int_equal(r.out_count, 0);
}

/* ---- two of them ---- */

/* Carries PDUs between `sut` and `other` until neither has any; counts deliveries at `sut`, whose
 * data and one attribute are appended to `got`. */
static void carry(struct conform_engine_sut *other, char *got, size_t room)
{
    struct conform_response queue = r;
    memset(&r, 0, sizeof r);
    bool from_sut = true;
    while (queue.out_count) {
        struct conform_response answers = {0};
        for (size_t i = 0; i < queue.out_count; i++) {
            const struct conform_out *out = &queue.outs[i];
            if (out->kind == CONFORM_OUT_DELIVER && from_sut) {
                const struct conform_attribute *a = out->attributes;
                size_t used = strlen(got);
                snprintf(got + used, room - used, "%.*s{%.*s=%.*s} ", (int)out->size,
                         (const char *)out->bytes, a ? (int)a->name.size : 0,
                         a ? (const char *)a->name.data : "", a ? (int)a->value.size : 0,
                         a ? (const char *)a->value.data : "");
            }
            if (out->kind != CONFORM_OUT_TX) {
                continue;
            }
            assert_true(ASK_OF(from_sut ? other : sut, .op = CONFORM_RX, .from = "P",
                               .pdu = {out->bytes, out->size}));
            for (size_t k = 0; k < r.out_count; k++) {
                *conform_response_add(&answers) = r.outs[k];
            }
            r.out_count = 0;
        }
        conform_response_clear(&queue);
        queue = answers;
        from_sut = !from_sut;
    }
    conform_response_clear(&queue);
}

static void test_echo_sends_back_in_order_with_attributes(void **state)
{
    (void)state;
    struct conform_engine_sut *echo = conform_engine_sut_new(false);
    conform_engine_sut_set_echo(echo, true);
    const struct conform_attribute attribute = {SPAN("color"), SPAN("red")};
    char got[200] = "";
    assert_true(ASK_OF(echo, .op = CONFORM_RESET));
    assert_true(ASK(.op = CONFORM_RESET));
    assert_true(ASK(.op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK(.op = CONFORM_SEND, .session = one, .label = "a", .data = SPAN("first"),
                    .attributes = &attribute, .attribute_count = 1));
    carry(echo, got, sizeof got);
    assert_string_equal(got, "first{color=red} ");
    conform_engine_sut_free(echo);
}

static void test_echo_waits_while_its_session_is_busy(void **state)
{
    (void)state;
    conform_engine_sut_set_echo(sut, true);
    assert_true(ASK(.op = CONFORM_RESET));
    assert_true(ASK(.op = CONFORM_RX, .from = "P", .pdu = data_pdu(one, 0, SPAN("a"))));
    struct sipc_pdu sent = decoded(nth(CONFORM_OUT_TX, 1));
    assert_int_equal(sent.opcode, SIPC_DATA);
    int64_t window_id = sent.window_id;
    assert_true(ASK(.op = CONFORM_RX, .from = "P", .pdu = data_pdu(one, 1, SPAN("b"))));
    assert_null(nth(CONFORM_OUT_TX, 1)); /* the first echo is not acked yet */

    assert_true(ASK(.op = CONFORM_RX, .from = "P", .pdu = ack_pdu(window_id)));
    sent = decoded(first(CONFORM_OUT_TX));
    assert_int_equal(sent.data.size, 1);
    assert_int_equal(sent.data.data[0], 'b');
    assert_true(sent.window_id > window_id);
}

static void test_wall_clock_waits_for_the_driver(void **state)
{
    (void)state;
    struct conform_engine_sut *live = conform_engine_sut_new(true);
    assert_true(ASK_OF(live, .op = CONFORM_RESET));
    assert_true(ASK_OF(live, .op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(
        ASK_OF(live, .op = CONFORM_SEND_UNRELIABLE, .session = one, .label = "a", .skip = true));
    assert_null(first(CONFORM_OUT_RESULT));
    assert_true(ASK_OF(live, .op = CONFORM_SENT, .token = 1, .success = true));
    assert_result("a", "ok", NULL, 0);
    /* a driver that is late may go past a deadline */
    assert_true(ASK_OF(live, .op = CONFORM_ADVANCE, .to_ns = 60000 * MS));
    conform_engine_sut_free(live);
}

static void test_wall_clock_takes_what_came_before_what_is_due(void **state)
{
    (void)state;
    struct conform_engine_sut *live = conform_engine_sut_new(true);
    assert_true(ASK_OF(live, .op = CONFORM_RESET));
    assert_true(ASK_OF(live, .op = CONFORM_OPEN, .session = one, .remote = "P"));
    assert_true(ASK_OF(live, .op = CONFORM_SEND, .session = one, .label = "a", .skip = true));
    const int64_t window_id = decoded(first(CONFORM_OUT_TX)).window_id;
    assert_true(ASK_OF(live, .op = CONFORM_SENT, .token = 1, .success = true));
    /* the retry is due at 1,000 ms; nobody looked until 1,500 ms, and the ack is there */
    conform_engine_sut_set_now(live, 1500 * MS);
    assert_true(ASK_OF(live, .op = CONFORM_ADVANCE, .to_ns = 999 * MS));
    assert_null(first(CONFORM_OUT_TX));
    assert_true(ASK_OF(live, .op = CONFORM_RX, .from = "P", .pdu = ack_pdu(window_id)));
    assert_result("a", "ok", NULL, 0);
    assert_true(ASK_OF(live, .op = CONFORM_ADVANCE, .to_ns = 1500 * MS));
    assert_null(first(CONFORM_OUT_TX));
    assert_false(ASK_OF(live, .op = CONFORM_ADVANCE, .to_ns = 1499 * MS));
    /* where nothing came, what is due fires, late as it is */
    assert_true(ASK_OF(live, .op = CONFORM_SEND, .session = one, .label = "b"));
    const uint64_t token = first(CONFORM_OUT_TX)->token;
    assert_true(ASK_OF(live, .op = CONFORM_SENT, .token = token, .success = true));
    conform_engine_sut_set_now(live, 4000 * MS);
    assert_true(ASK_OF(live, .op = CONFORM_ADVANCE, .to_ns = 2499 * MS));
    assert_null(first(CONFORM_OUT_TX));
    assert_true(ASK_OF(live, .op = CONFORM_ADVANCE, .to_ns = 2500 * MS));
    assert_int_equal(decoded(first(CONFORM_OUT_TX)).opcode, SIPC_DATA);
    conform_engine_sut_free(live);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_hello_wants_contract_and_clock),
        TEST(test_work_before_reset_is_refused),
        TEST(test_configure_refuses_what_cannot_be_set),
        TEST(test_configure_keeps_the_rest_where_one_is_refused),
        TEST(test_rx_delivers_and_acks_and_reset_forgets),
        TEST(test_rx_of_garbage_is_one_discard),
        TEST(test_session_id_of_two_peers_needs_a_remote),
        TEST(test_send_puts_bytes_of_the_pattern_on_the_wire),
        TEST(test_send_times_out_step_by_step),
        TEST(test_advance_neither_goes_back_nor_past_the_deadline),
        TEST(test_operations_that_are_refused_say_why),
        TEST(test_dispose_ends_what_runs_and_is_remembered),
        TEST(test_preset_puts_the_next_id),
        TEST(test_aftermath_manual_waits_for_sent),
        TEST(test_aftermath_of_an_ack_may_be_given),
        TEST(test_echo_sends_back_in_order_with_attributes),
        TEST(test_echo_waits_while_its_session_is_busy),
        TEST(test_wall_clock_waits_for_the_driver),
        TEST(test_wall_clock_takes_what_came_before_what_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
