/* What an endpoint does behind any way to attach: settings, reset, a first PDU, a first message.
 * Not conformance, only whether the adapter passes on what the endpoint needs and says.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "check.h"
#include "json_bytes.h"

enum {
    WORK_ACK_TIMEOUT_MS = 200,
    WORK_PATIENCE_MS = 5000, /* longer than max_retry_count + 1 of those, with the wall clock too */
    WORK_PDU_MAX = 512,
};

struct work {
    struct conform__check *check;
    struct conform_sut *sut;
    struct conform_response seen; /* outputs since work_forget */
    uint8_t session[SIPC_SESSION_ID_SIZE];
    uint64_t first_token; /* of the first PDU after reset */
};

/* ---- asking ---- */

static void work_forget(struct work *work)
{
    conform_response_clear(&work->seen);
}

static void work_keep(struct work *work, struct conform_response *response)
{
    for (size_t i = 0; i < response->out_count; i++) {
        *conform_response_add(&work->seen) = response->outs[i];
    }
    response->out_count = 0; /* moved */
}

/* One request. A SUT that is lost is told; *response is the caller's. */
static bool work_ask(struct work *work, const char *what, const struct conform_request *request,
                     struct conform_response *response)
{
    struct conform_error error;
    uint64_t start = uv_hrtime();
    enum conform_sut_status status = conform_sut_call(work->sut, request, response, &error);
    uint64_t took = uv_hrtime() - start;
    if (status != CONFORM_SUT_OK) {
        conform__check_fail(work->check, what, "see SUT-CONTRACT.md for what a response must be",
                            "%s", error.text);
        return false;
    }
    if (took > work->check->slowest_ns) {
        work->check->slowest_ns = took;
        work->check->slowest_what = conform_op_name(request->op);
    }
    work_keep(work, response);
    return true;
}

/* A request that must succeed. */
static bool work_do(struct work *work, const char *what, const struct conform_request *request)
{
    struct conform_response response;
    if (!work_ask(work, what, request, &response)) {
        return false;
    }
    bool ok = response.ok;
    if (!ok) {
        conform__check_fail(work->check, what, "this must succeed here", "`%s` was refused: %s",
                            conform_op_name(request->op), response.error);
    }
    conform_response_clear(&response);
    return ok;
}

/* A request that must fail, but is not unknown. */
static bool work_refused(struct work *work, const char *what, const struct conform_request *request,
                         const char *advice)
{
    struct conform_response response;
    if (!work_ask(work, what, request, &response)) {
        return false;
    }
    bool refused = !response.ok && !response.unsupported;
    if (!refused) {
        conform__check_fail(work->check, what, advice, "`%s` was answered with %s",
                            conform_op_name(request->op), response.ok ? "ok" : "unsupported");
    }
    conform_response_clear(&response);
    return refused;
}

static bool work_reset(struct work *work, const char *what)
{
    bool ok = work_do(work, what, &(struct conform_request){.op = CONFORM_RESET});
    work_forget(work); /* on a real network something old may still come along */
    return ok;
}

static const struct conform_out *work_find(const struct work *work, enum conform_out_kind kind)
{
    for (size_t i = 0; i < work->seen.out_count; i++) {
        if (work->seen.outs[i].kind == kind) {
            return &work->seen.outs[i];
        }
    }
    return NULL;
}

/* Lets time pass until an output of this kind is there, or for `ms`. */
static const struct conform_out *work_wait(struct work *work, const char *what,
                                           enum conform_out_kind kind, unsigned ms, bool *lost)
{
    uint64_t until = conform_sut_now(work->sut) + ms * SIPC_NS_PER_MS;
    *lost = false;
    while (!work_find(work, kind) && conform_sut_now(work->sut) < until) {
        struct conform_response response;
        struct conform_error error;
        if (conform_sut_step(work->sut, until, &response, &error) != CONFORM_SUT_OK) {
            conform__check_fail(work->check, what,
                                "see SUT-CONTRACT.md for `advance` and deadlines", "%s",
                                error.text);
            *lost = true;
            return NULL;
        }
        work_keep(work, &response);
        conform_response_clear(&response);
    }
    return work_find(work, kind);
}

/* ---- the checks; each returns false when the SUT is lost ---- */

static bool work_configure(struct work *work)
{
    static const char what[] = "configure";
    static const struct conform_setting settings[] = {
        {"ack_timeout_ms", WORK_ACK_TIMEOUT_MS, NULL, false},
        {"is_this_setting_unknown", 1, NULL, false},
    };
    const struct conform_request request = {
        .op = CONFORM_CONFIGURE, .settings = settings, .setting_count = 2};
    struct conform_response response;
    if (!work_ask(work, what, &request, &response)) {
        return false;
    }
    bool told = false, timeout = true;
    for (size_t i = 0; i < response.refused_count; i++) {
        told = told || strcmp(response.refused[i], settings[1].name) == 0;
        timeout = timeout && strcmp(response.refused[i], settings[0].name) != 0;
    }
    if (!response.ok) {
        conform__check_fail(work->check, what,
                            "take `configure`, and list in `refused` what cannot "
                            "be set",
                            "%s", response.error);
    } else if (!told) {
        conform__check_fail(work->check, what,
                            "list in `refused` what you do not know: cases that need it are then "
                            "unsupported instead of failed",
                            "a made-up setting was not listed in `refused`");
    } else if (!timeout && conform_sut_has_control(work->sut)) {
        conform__check_ok(work->check, what,
                          "taken, but ack_timeout_ms was refused: few cases of time can run");
    } else {
        conform__check_ok(work->check, what, "taken; a made-up setting is listed in `refused`");
    }
    conform_response_clear(&response);
    return true;
}

static bool work_garbage(struct work *work)
{
    static const char what[] = "garbage";
    static const uint8_t zeros[100];
    static const size_t sizes[] = {0, 1, 56, 57, 100};
    /* on a byte stream garbage ends the connection, which is another matter */
    bool stream = conform_sut_is_stream(work->sut);
    if (stream) {
        conform__check_skip(work->check, what, "on a byte stream it closes the connection");
        return true;
    }
    if (!work_reset(work, what)) {
        return true;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct conform_request rx = {.op = CONFORM_RX, .from = "P", .pdu = {zeros, sizes[i]}};
        if (!work_do(work, what, &rx)) {
            return true;
        }
    }
    bool lost;
    const struct conform_out *tx =
        work_wait(work, what, CONFORM_OUT_TX, WORK_ACK_TIMEOUT_MS, &lost);
    if (tx || work_find(work, CONFORM_OUT_DELIVER) || work_find(work, CONFORM_OUT_STATE)) {
        conform__check_fail(work->check, what,
                            "`rx` takes any bytes; what is no PDU is discarded without a word, at "
                            "most a `discard` is put out",
                            "bytes that are no PDU made it send, deliver or change a state");
    } else if (!lost) {
        conform__check_ok(work->check, what, "discarded in silence");
    }
    return !lost;
}

/* A group of one window of one PDU, with skip: the shortest way from nothing to a delivery. */
static size_t work_first_pdu(const struct work *work, uint8_t out[WORK_PDU_MAX])
{
    static const enum sipc_option_id framing[] = {SIPC_OPT_FIRST_IN_WINDOW_GROUP,
                                                  SIPC_OPT_LAST_IN_WINDOW,
                                                  SIPC_OPT_LAST_IN_WINDOW_GROUP, SIPC_OPT_SKIP};
    uint8_t options[128];
    size_t size = 0, used = 0;
    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++) {
        enum sipc_status status =
            sipc_option_encode_bool(framing[i], true, options, sizeof options, &size);
        SIPC_ASSERT(status == SIPC_OK);
    }
    const struct sipc_pdu_parts parts = {
        .session_id = work->session,
        .opcode = SIPC_DATA,
        .options = {options, size},
        .data = {(const uint8_t *)"hello", 5},
    };
    enum sipc_status status = sipc_pdu_encode(&parts, out, WORK_PDU_MAX, &used);
    SIPC_ASSERT(status == SIPC_OK);
    return used;
}

/* Whether `deliver` is what the first PDU brings, told if not. */
static bool work_check_deliver(struct work *work, const char *what)
{
    const struct conform_out *deliver = work_find(work, CONFORM_OUT_DELIVER);
    const char *advice =
        "put out `deliver` with the session, the data in base64 and the attributes";
    if (!deliver) {
        conform__check_fail(work->check, what, advice,
                            "the PDU was acked, but nothing was delivered");
    } else if (memcmp(deliver->session, work->session, sizeof work->session) != 0) {
        conform__check_fail(work->check, what, advice, "`deliver` names another session");
    } else if (deliver->size != 5 || memcmp(deliver->bytes, "hello", 5) != 0) {
        conform__check_fail(work->check, what, advice,
                            "`deliver` holds %zu bytes, not the 5 of \"hello\"", deliver->size);
    } else {
        return true;
    }
    return false;
}

/* Sends the first PDU and looks at what it brings. */
static bool work_receive(struct work *work, const char *what, bool *good)
{
    uint8_t pdu[WORK_PDU_MAX];
    size_t size = work_first_pdu(work, pdu);
    const struct conform_request rx = {.op = CONFORM_RX, .from = "P", .pdu = {pdu, size}};
    bool lost;
    *good = false;
    if (!work_do(work, what, &rx)) {
        return true;
    }
    const struct conform_out *tx = work_wait(work, what, CONFORM_OUT_TX, WORK_PATIENCE_MS, &lost);
    if (lost) {
        return false;
    }
    struct sipc_pdu ack;
    if (!tx) {
        conform__check_fail(
            work->check, what,
            "pass the bytes of `rx` to your endpoint, and what it sends out as `tx`",
            "a valid first data PDU was not acked");
    } else if (sipc_pdu_decode((struct sipc_span){tx->bytes, tx->size}, &ack) !=
                   SIPC_DISCARD_NONE ||
               ack.opcode != SIPC_DATA_ACK) {
        conform__check_fail(work->check, what, "`tx` holds one whole PDU in hex",
                            "what it sent back, %zu bytes, is no data_ack PDU", tx->size);
    } else if (!tx->remote || strcmp(tx->remote, "P") != 0) {
        conform__check_fail(work->check, what, "`to` of `tx` is the name that `from` of `rx` had",
                            "the ack went to \"%s\", not to \"P\"", tx->remote ? tx->remote : "");
    } else {
        *good = true;
        work->first_token = tx->token;
    }
    if (*good && conform_sut_has_control(work->sut)) {
        work_wait(work, what, CONFORM_OUT_DELIVER, WORK_ACK_TIMEOUT_MS, &lost);
        *good = !lost && work_check_deliver(work, what);
    }
    return !lost;
}

static bool work_first(struct work *work)
{
    static const char what[] = "first PDU";
    bool good;
    if (!work_reset(work, what)) {
        return true;
    }
    bool alive = work_receive(work, what, &good);
    if (good) {
        conform__check_ok(work->check, what, "acked%s",
                          conform_sut_has_control(work->sut) ? " and delivered" : "");
    }
    return alive;
}

/* The same PDU after a reset: a session that was remembered would only repeat its ack. */
static bool work_fresh(struct work *work)
{
    static const char what[] = "reset";
    if (!conform_sut_has_control(work->sut)) {
        conform__check_skip(work->check, what, "a bare peer cannot be reset");
        return true;
    }
    uint64_t token = work->first_token;
    bool good;
    if (!work_reset(work, what)) {
        return true;
    }
    if (conform_sut_has(work->sut, "state")) {
        const struct conform_request state = {.op = CONFORM_STATE, .session = work->session};
        if (!work_refused(work, what, &state,
                          "after `reset` no session was ever heard of: `state` fails")) {
            return true;
        }
    }
    bool alive = work_receive(work, what, &good);
    if (good && conform_sut_is_virtual(work->sut) && work->first_token != token) {
        conform__check_fail(work->check, what, "tokens restart at `reset`",
                            "the first token was %llu, after `reset` it is %llu",
                            (unsigned long long)token, (unsigned long long)work->first_token);
    } else if (good) {
        conform__check_ok(work->check, what, "forgets everything: the same PDU is delivered anew");
    }
    return alive;
}

static bool work_open(struct work *work, const char *what)
{
    const struct conform_request open = {
        .op = CONFORM_OPEN, .session = work->session, .remote = "P"};
    return work_reset(work, what) && work_do(work, what, &open);
}

static bool work_check_result(struct work *work, const char *what, const struct conform_out *result)
{
    if (!result) {
        conform__check_fail(work->check, what,
                            "run the timers of your endpoint by the time that `advance` says, and "
                            "put out `result`",
                            "a message that nobody acked had no result for %d s",
                            WORK_PATIENCE_MS / 1000);
    } else if (strcmp(result->label, "first") != 0) {
        conform__check_fail(work->check, what, "`label` of `result` is that of the `send`",
                            "the result is labelled \"%s\", not \"first\"", result->label);
    } else if (strcmp(result->word, "timeout") != 0) {
        conform__check_fail(work->check, what,
                            "a message that nobody acks ends with the outcome `timeout`",
                            "its outcome is \"%s\"", result->word);
    } else {
        return true;
    }
    return false;
}

/* A message to nobody: it leaves, is retried, and its time runs out. */
static bool work_send(struct work *work)
{
    static const char what[] = "send";
    if (!conform_sut_has(work->sut, "send")) {
        conform__check_skip(work->check, what, "no capability `send`");
        return true;
    }
    const struct conform_request send = {.op = CONFORM_SEND,
                                         .session = work->session,
                                         .label = "first",
                                         .data = {(const uint8_t *)"hello", 5},
                                         .skip = true};
    bool lost;
    if (!work_open(work, what) || !work_do(work, what, &send)) {
        return true;
    }
    const struct conform_out *tx = work_wait(work, what, CONFORM_OUT_TX, WORK_PATIENCE_MS, &lost);
    struct sipc_pdu pdu;
    if (lost) {
        return false;
    }
    if (!tx ||
        sipc_pdu_decode((struct sipc_span){tx->bytes, tx->size}, &pdu) != SIPC_DISCARD_NONE ||
        pdu.opcode != SIPC_DATA || memcmp(pdu.session_id, work->session, sizeof work->session)) {
        conform__check_fail(work->check, what,
                            "with aftermath `auto` the first PDU is in `out` of the response",
                            "no data PDU of the session left");
        return true;
    }
    const struct conform_out *result =
        work_wait(work, what, CONFORM_OUT_RESULT, WORK_PATIENCE_MS, &lost);
    if (!lost && work_check_result(work, what, result)) {
        conform__check_ok(work->check, what, "left, and timed out as it should");
    }
    return !lost;
}

static bool work_failures(struct work *work)
{
    static const char what[] = "requests that fail";
    static const uint8_t nobody[SIPC_SESSION_ID_SIZE] = {1};
    const struct conform_request open = {
        .op = CONFORM_OPEN, .session = work->session, .remote = "P"};
    const struct conform_request unheard = {.op = CONFORM_STATE, .session = nobody};
    const struct conform_request state = {.op = CONFORM_STATE, .session = work->session};
    if (!conform_sut_has(work->sut, "send") || !conform_sut_has(work->sut, "state")) {
        conform__check_skip(work->check, what, "no capabilities `send` and `state`");
        return true;
    }
    if (!work_open(work, what)) {
        return true;
    }
    work_forget(work);
    if (!work_refused(work, what, &open, "a session that is held already cannot be opened") ||
        !work_refused(work, what, &unheard, "a session never heard of has no state")) {
        return true;
    }
    struct conform_response response;
    if (!work_ask(work, what, &state, &response)) {
        return false;
    }
    bool opening = response.ok && strcmp(response.state, "opening") == 0;
    conform_response_clear(&response);
    if (work_find(work, CONFORM_OUT_TX) || work_find(work, CONFORM_OUT_DELIVER) || !opening) {
        conform__check_fail(work->check, what, "a request that fails changes nothing",
                            opening ? "one that failed put something out"
                                    : "after one that failed the session is no longer in opening");
    } else {
        conform__check_ok(work->check, what, "change nothing");
    }
    return true;
}

/* With aftermath manual the endpoint waits for `sent`. */
static bool work_aftermath(struct work *work)
{
    static const char what[] = "aftermath";
    static const struct conform_setting manual = {"aftermath", 0, "manual", false};
    if (!conform_sut_has(work->sut, "aftermath")) {
        conform__check_skip(work->check, what, "no capability `aftermath`");
        return true;
    }
    const struct conform_request configure = {
        .op = CONFORM_CONFIGURE, .settings = &manual, .setting_count = 1};
    const struct conform_request send = {
        .op = CONFORM_SEND_UNRELIABLE, .session = work->session, .label = "first", .skip = true};
    bool unreliable = conform_sut_has(work->sut, "send_unreliable");
    if (!work_do(work, what, &configure) || !work_open(work, what) || !unreliable ||
        !work_do(work, what, &send)) {
        return true;
    }
    const struct conform_out *tx = work_find(work, CONFORM_OUT_TX);
    if (!tx || work_find(work, CONFORM_OUT_RESULT)) {
        conform__check_fail(work->check, what,
                            "with aftermath `manual` a fire-and-forget message ends when `sent` "
                            "comes for its PDU",
                            tx ? "its result came before `sent`" : "its PDU did not leave");
        return true;
    }
    const struct conform_request made_up = {
        .op = CONFORM_SENT, .token = tx->token + 1000, .success = true};
    const struct conform_request sent = {.op = CONFORM_SENT, .token = tx->token, .success = true};
    if (!work_refused(work, what, &made_up, "a token that was never given is refused") ||
        !work_do(work, what, &sent)) {
        return true;
    }
    const struct conform_out *result = work_find(work, CONFORM_OUT_RESULT);
    if (!result || strcmp(result->word, "ok") != 0) {
        conform__check_fail(work->check, what, "`sent` with success ends it with the outcome `ok`",
                            "no result `ok` came with `sent`");
    } else {
        conform__check_ok(work->check, what, "`sent` is awaited, a made-up token refused");
    }
    return true;
}

bool conform__check_work(struct conform__check *check, const char *spec)
{
    static bool (*const checks[])(struct work *) = {
        work_configure, work_garbage,  work_first,     work_fresh,
        work_send,      work_failures, work_aftermath,
    };
    struct work work = {.check = check};
    /* new to a peer that cannot be reset */
    int drawn = uv_random(NULL, NULL, work.session, sizeof work.session, 0, NULL);
    SIPC_ASSERT(drawn == 0);
    const struct conform_sut_options options = {.response_limit_ms = check->limit_ms};
    struct conform_error error;
    if (conform_sut_attach(spec, &options, &work.sut, &error) != CONFORM_SUT_OK) {
        conform__check_fail(check, "attach", "see SUT-CONTRACT.md", "%s", error.text);
        return false;
    }
    const struct conform_response *hello = conform_sut_hello(work.sut);
    conform__check_ok(check, "attach", "%s %s, %s clock%s", hello->name, hello->version,
                      hello->clock,
                      conform_sut_has_control(work.sut) ? "" : ", without a control channel");
    for (size_t i = 0; i < sizeof checks / sizeof *checks && checks[i](&work); i++) {
    }
    work_forget(&work);
    conform_sut_detach(work.sut);
    return true;
}
