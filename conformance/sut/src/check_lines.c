/* The lines of an exec adapter: framing, ids, fields, failures, the end. Looks at the text itself,
 * for what the harness proper would only call broken.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "channel.h"
#include "check.h"
#include "json_bytes.h"
#include "lines.h"

struct lines_check {
    struct conform__check *check;
    uv_loop_t loop;
    struct conform__channel *channel;
    bool alive;    /* still answers */
    bool answered; /* once at least: it has started */
};

/* Sends one line and parses what comes back; NULL when that is told as a failure already. */
static json_t *lines_exchange(struct lines_check *lines, const char *what, const char *line)
{
    struct conform_error error;
    char *answer;
    uint64_t start = uv_hrtime();
    enum conform_sut_status status =
        conform__channel_exchange(lines->channel, line, &answer, &error);
    if (status != CONFORM_SUT_OK) {
        lines->alive = false;
        conform__check_fail(lines->check, what,
                            "answer every line of stdin with one line on stdout, and flush it; "
                            "logs belong on stderr",
                            "%s", error.text);
        return NULL;
    }
    uint64_t took = uv_hrtime() - start;
    const bool started = lines->answered; /* the first answer waits for the program itself */
    lines->answered = true;
    if (started && took > lines->check->slowest_ns) {
        lines->check->slowest_ns = took;
        lines->check->slowest_what = what;
    }
    json_t *json = conform__json_parse(answer, strlen(answer), &error);
    if (!json) {
        char quoted[200];
        conform__line_quote(answer, strlen(answer), quoted, sizeof quoted);
        conform__check_fail(lines->check, what,
                            "print nothing but one JSON object a line on stdout; logs belong on "
                            "stderr",
                            "%s: %s", error.text, quoted);
    }
    free(answer);
    return json;
}

/* What every response must have, whatever was asked; told once per exchange if it is not there. */
static bool lines_check_frame(struct lines_check *lines, const char *what, const json_t *json,
                              const json_t *id)
{
    struct conform_error error;
    struct conform__reader reader = {json, "the response", &error, true};
    if (!json_equal(json_object_get(json, "id"), id)) {
        char *wanted = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
        conform__check_fail(lines->check, what,
                            "copy `id` from the request as it is, number or text",
                            "`id` must be %s in the response", wanted);
        free(wanted);
        return false;
    }
    conform__read_bool(&reader, "ok", true, false);
    const json_t *outs = conform__read(&reader, "out", true);
    if (reader.ok && !json_is_array(outs)) {
        conform__reader_fail(&reader, "`out` must be a list, is %s", conform__json_kind(outs));
    }
    if (reader.ok && !json_object_get(json, "deadline_ns")) {
        conform__reader_fail(&reader, "`deadline_ns` is missing (null stands for none)");
    }
    conform__read_integer(&reader, "deadline_ns", false, 1, 1, CONFORM__INTEGER_MAX);
    if (reader.ok && !json_is_true(json_object_get(json, "ok"))) {
        conform__read_text(&reader, "error", true);
    }
    if (!reader.ok) {
        conform__check_fail(lines->check, what,
                            "give every response, failed ones too, `id`, `ok`, `out` and "
                            "`deadline_ns` (later than now, or null); failed ones `error` besides",
                            "%s", error.text);
    }
    return reader.ok;
}

/* An exchange whose response must be well-formed and have `ok` as expected. */
static json_t *lines_expect(struct lines_check *lines, const char *what, const char *line,
                            json_t *id, bool ok, const char *advice)
{
    json_t *json = lines_exchange(lines, what, line);
    bool good = json && lines_check_frame(lines, what, json, id);
    json_decref(id);
    if (good && json_is_true(json_object_get(json, "ok")) != ok) {
        const char *error = json_string_value(json_object_get(json, "error"));
        conform__check_fail(lines->check, what, advice, "`ok` must be %s%s%s",
                            ok ? "true" : "false", error ? ", but: " : "", error ? error : "");
        good = false;
    }
    if (!good) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool lines_hello(struct lines_check *lines)
{
    static const char what[] = "hello";
    json_t *json = lines_expect(
        lines, what, "{\"id\":1,\"op\":\"hello\",\"contract\":1,\"clock\":\"virtual\"}\n",
        json_integer(1), true, "take contract 1 with the clock \"virtual\"");
    if (!json) {
        return false;
    }
    char *text = json_dumps(json, JSON_COMPACT);
    struct conform_response hello = {0};
    struct conform_error error;
    bool good = conform_response_decode(text, strlen(text), CONFORM_HELLO, 1, true, 0, &hello,
                                        &error) == CONFORM_LINE_RESPONSE;
    if (!good) {
        conform__check_fail(lines->check, what,
                            "hello answers with name, version, contract, clock and capabilities",
                            "%s", error.text);
    } else if (hello.contract != 1 || strcmp(hello.clock, "virtual") != 0) {
        good = false;
        conform__check_fail(lines->check, what, "answer with the contract and clock asked for",
                            "contract %d with clock \"%s\" came back", hello.contract, hello.clock);
    } else {
        conform__check_ok(lines->check, what, "%s %s, %zu capabilities", hello.name, hello.version,
                          hello.capability_count);
    }
    free(text);
    conform_response_clear(&hello);
    json_decref(json);
    return good;
}

/* Exchanges that differ only in what is sent and whether it may succeed. */
struct lines_row {
    const char *what;
    const char *line;
    const char *id; /* as JSON */
    bool ok;
    int unsupported; /* 1: must be, 0: must not be, -1: does not matter */
    const char *advice;
    const char *found;
};

static const struct lines_row lines_rows[] = {
    {"hello of another contract",
     "{\"id\":2,\"op\":\"hello\",\"contract\":99,\"clock\":\"virtual\"}\n", "2", false, -1,
     "refuse a contract number you do not know", "refused"},
    {"hello with another clock",
     "{\"id\":3,\"op\":\"hello\",\"contract\":1,\"clock\":\"sundial\"}\n", "3", false, -1,
     "refuse a clock you do not have", "refused"},
    {"made-up request", "{\"id\":4,\"op\":\"make_coffee\"}\n", "4", false, 1,
     "answer a request you do not know with ok: false, unsupported: true: cases that need it are "
     "then counted as unsupported instead of failed",
     "unsupported"},
    {"configure", "{\"id\":5,\"op\":\"configure\",\"settings\":{}}\n", "5", true, -1,
     "take `configure` with any settings, and list in `refused` what cannot be set", "taken"},
    {"id that is text", "{\"id\":\"six\",\"op\":\"reset\"}\n", "\"six\"", true, -1,
     "copy `id` as it is", "echoed"},
    {"unknown fields", "{\"id\":7,\"op\":\"reset\",\"later\":{\"a\":[1]},\"remote\":\"P\"}\n", "7",
     true, -1, "ignore fields you do not know", "ignored"},
    {"line that is not JSON", "this is no request\n", "null", false, 0,
     "answer a line you cannot read with ok: false and id: null, and go on", "told, with id null"},
    {"request that lacks a field", "{\"id\":9,\"op\":\"rx\",\"from\":\"P\"}\n", "9", false, 0,
     "answer with ok: false and an `error` that names the field; it is not `unsupported`", "told"},
    {"request with a field of a wrong type",
     "{\"id\":10,\"op\":\"rx\",\"from\":\"P\",\"pdu\":17}\n", "10", false, 0,
     "answer with ok: false and an `error` that names the field; it is not `unsupported`", "told"},
    {"request after those that failed", "{\"id\":11,\"op\":\"rx\",\"from\":\"P\",\"pdu\":\"\"}\n",
     "11", true, -1, "a request that failed must leave everything as it was", "taken"},
};

static void lines_row(struct lines_check *lines, const struct lines_row *row)
{
    json_t *json = lines_expect(lines, row->what, row->line,
                                json_loads(row->id, JSON_DECODE_ANY, NULL), row->ok, row->advice);
    if (!json) {
        return;
    }
    bool unsupported = json_is_true(json_object_get(json, "unsupported"));
    if (row->unsupported >= 0 && unsupported != row->unsupported) {
        conform__check_fail(lines->check, row->what, row->advice, "`unsupported` must be %s",
                            row->unsupported ? "true" : "absent or false");
    } else {
        conform__check_ok(lines->check, row->what, "%s", row->found);
    }
    json_decref(json);
}

static void lines_bye(struct lines_check *lines)
{
    static const char what[] = "bye";
    int status = conform__channel_end(lines->channel, true);
    if (status == 0) {
        conform__check_ok(lines->check, what, "ended with status 0");
    } else if (status > 0) {
        conform__check_fail(lines->check, what, "end with status 0 after `bye`",
                            "ended with status %d", status);
    } else {
        conform__check_fail(lines->check, what,
                            "answer `bye`, then end with status 0 within a second",
                            "did not end by itself");
    }
}

bool conform__check_lines(struct conform__check *check, const char *command)
{
    struct lines_check lines = {.check = check};
    uv_loop_init(&lines.loop);
    const struct conform__channel_options options = {.virtual_clock = true,
                                                     .limit_ms = check->limit_ms};
    struct conform_error error;
    lines.alive = conform__channel_exec(&lines.loop, command, &options, &lines.channel, &error);
    if (!lines.alive) {
        conform__check_fail(check, "start", "is the command right?", "%s", error.text);
    }
    bool spoke = lines.alive && lines_hello(&lines);
    for (size_t i = 0; spoke && lines.alive && i < sizeof lines_rows / sizeof *lines_rows; i++) {
        lines_row(&lines, &lines_rows[i]);
    }
    if (spoke && lines.alive) {
        lines_bye(&lines);
    } else {
        conform__channel_end(lines.channel, false);
    }
    char *said = conform__channel_take_stderr(lines.channel);
    if (said && !lines.alive && !check->json) {
        printf("        its stderr: %.2000s\n", said);
    }
    free(said);
    conform__loop_close(&lines.loop);
    conform__channel_free(lines.channel);
    return spoke && lines.alive;
}
