/* Responses and outputs of a SUT as JSON lines, both ways (SUT contract 1).
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "json_bytes.h"

/* ---- encoding ---- */

static void response_put_code(json_t *json, const char *name, const struct conform_out *out)
{
    json_object_set_new(json, name, out->has_code ? json_integer(out->code) : json_null());
}

static void response_put_text(json_t *json, const char *name, const char *text)
{
    if (text) {
        json_object_set_new(
            json, name,
            conform__json_text((struct sipc_span){(const uint8_t *)text, strlen(text)}));
    }
}

static json_t *response_out_json(const struct conform_out *out)
{
    if (out->kind == CONFORM_OUT_TX) {
        json_t *tx = json_pack("{s:o}", "tx", conform__json_hex(out->bytes, out->size));
        response_put_text(tx, "to", out->remote);
        json_object_set_new(tx, "token", json_integer((json_int_t)out->token));
        return tx;
    }
    json_t *body = json_object();
    json_object_set_new(body, "session",
                        out->has_session ? conform__json_hex(out->session, SIPC_SESSION_ID_SIZE)
                                         : json_null());
    response_put_text(body, "remote", out->remote);
    const char *kind = "discard";
    switch (out->kind) {
    case CONFORM_OUT_DELIVER:
        kind = "deliver";
        json_object_set_new(body, "data", conform__json_base64(out->bytes, out->size));
        json_object_set_new(body, "attributes",
                            conform__json_attributes(out->attributes, out->attribute_count));
        break;
    case CONFORM_OUT_RESULT:
        kind = "result";
        response_put_text(body, "label", out->label);
        response_put_text(body, "op", out->operation);
        response_put_text(body, "outcome", out->word);
        response_put_text(body, "why", out->why);
        response_put_code(body, "code", out);
        break;
    case CONFORM_OUT_STATE:
        kind = "state";
        response_put_text(body, "state", out->word);
        response_put_code(body, "cause", out);
        break;
    default:
        response_put_text(body, "reason", out->word);
        break;
    }
    return json_pack("{s:o}", kind, body);
}

static json_t *response_texts(char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(texts[i]));
    }
    return list;
}

static void response_put_rest(json_t *json, const struct conform_response *response,
                              enum conform_op op)
{
    if (op == CONFORM_HELLO) {
        response_put_text(json, "name", response->name);
        response_put_text(json, "version", response->version);
        json_object_set_new(json, "contract", json_integer(response->contract));
        response_put_text(json, "clock", response->clock);
        json_object_set_new(json, "capabilities",
                            response_texts(response->capabilities, response->capability_count));
        json_object_set_new(json, "tick_ns", json_integer((json_int_t)response->tick_ns));
        response_put_text(json, "listen", response->listen);
    } else if (op == CONFORM_CONFIGURE) {
        json_object_set_new(json, "refused",
                            response_texts(response->refused, response->refused_count));
    } else if (op == CONFORM_STATE) {
        response_put_text(json, "state", response->state);
    }
}

char *conform_response_encode(const struct conform_response *response, enum conform_op op,
                              const char *id_json, bool virtual_clock)
{
    json_t *json = json_object();
    json_t *id = json_loads(id_json, JSON_DECODE_ANY, NULL);
    json_object_set_new(json, "id", id ? id : json_null());
    json_object_set_new(json, "ok", json_boolean(response->ok));
    if (response->ok) {
        response_put_rest(json, response, op);
    } else {
        response_put_text(json, "error", response->error ? response->error : "refused");
        if (response->unsupported) {
            json_object_set_new(json, "unsupported", json_true());
        }
        if (response->broken) {
            json_object_set_new(json, "broken", json_true());
        }
    }
    if (virtual_clock) {
        json_t *outs = json_array();
        for (size_t i = 0; i < response->out_count; i++) {
            json_array_append_new(outs, response_out_json(&response->outs[i]));
        }
        json_object_set_new(json, "out", outs);
        uint64_t deadline = response->deadline_ns;
        bool never = deadline > (uint64_t)CONFORM__INTEGER_MAX;
        json_object_set_new(json, "deadline_ns",
                            never ? json_null() : json_integer((json_int_t)deadline));
    }
    return conform__json_line(json);
}

char *conform_event_encode(const struct conform_out *out)
{
    return conform__json_line(json_pack("{s:o}", "event", response_out_json(out)));
}

/* ---- decoding ---- */

static const char *const outcome_words[] = {"ok",      "timeout",  "peer_error", "network_error",
                                            "refused", "not_sent", "closed",     NULL};
static const char *const state_words[] = {"opening",           "opened",   "closing",
                                          "awaiting_disposal", "disposed", NULL};

static bool response_is_word(const char *text, const char *const *words)
{
    while (*words && strcmp(text, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

bool conform__is_outcome(const char *text)
{
    return response_is_word(text, outcome_words);
}

bool conform__is_state(const char *text)
{
    return response_is_word(text, state_words);
}

static char *response_take_text(struct conform__reader *reader, const char *name, bool required)
{
    return conform__strdup(conform__read_text(reader, name, required));
}

/* A text that must be one of `words`. */
static char *response_take_word(struct conform__reader *reader, const char *name,
                                const char *const *words)
{
    const char *text = conform__read_text(reader, name, true);
    if (text && !response_is_word(text, words)) {
        conform__reader_fail(reader, "`%s` is not a word of the contract: \"%.40s\"", name, text);
    }
    return conform__strdup(text);
}

static void response_take_code(struct conform__reader *reader, const char *name,
                               struct conform_out *out)
{
    out->has_code = conform__read(reader, name, false) != NULL;
    out->code = conform__read_integer(reader, name, false, 0, INT32_MIN, INT32_MAX);
}

static void response_take_tx(struct conform__reader *reader, bool virtual_clock,
                             struct conform_out *out)
{
    if (!virtual_clock) {
        conform__reader_fail(reader, "a live SUT sends PDUs on the network, not as `tx`");
        return;
    }
    reader->what = "`tx`";
    out->bytes = conform__read_hex(reader, "tx", true, &out->size);
    out->remote = response_take_text(reader, "to", true);
    out->token = (uint64_t)conform__read_integer(reader, "token", true, 0, 0, CONFORM__INTEGER_MAX);
}

static void response_take_body(struct conform__reader *reader, struct conform_out *out)
{
    bool required = out->kind != CONFORM_OUT_DISCARD;
    out->has_session = conform__read_session(reader, required, out->session);
    out->remote = response_take_text(reader, "remote", false);
    switch (out->kind) {
    case CONFORM_OUT_DELIVER:
        out->bytes = conform__read_base64(reader, "data", true, &out->size);
        out->attributes = conform__read_attributes(reader, &out->attribute_count);
        break;
    case CONFORM_OUT_RESULT:
        out->label = response_take_text(reader, "label", true);
        out->operation = response_take_text(reader, "op", false);
        out->word = response_take_word(reader, "outcome", outcome_words);
        out->why = response_take_text(reader, "why", false);
        response_take_code(reader, "code", out);
        break;
    case CONFORM_OUT_STATE:
        out->word = response_take_word(reader, "state", state_words);
        response_take_code(reader, "cause", out);
        break;
    default:
        out->word = response_take_text(reader, "reason", false);
        break;
    }
}

/* One output into *out; false and *error where it is wrong. */
static bool response_take_out(const json_t *json, bool virtual_clock, struct conform_out *out,
                              struct conform_error *error)
{
    static const struct {
        const char *name, *what;
        enum conform_out_kind kind;
    } kinds[] = {
        {"tx", "`tx`", CONFORM_OUT_TX},
        {"deliver", "`deliver`", CONFORM_OUT_DELIVER},
        {"result", "`result`", CONFORM_OUT_RESULT},
        {"state", "`state`", CONFORM_OUT_STATE},
        {"discard", "`discard`", CONFORM_OUT_DISCARD},
    };
    struct conform__reader reader = {json, "output", error, true};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const json_t *body = json_object_get(json, kinds[i].name);
        if (!body) {
            continue;
        }
        out->kind = kinds[i].kind;
        if (out->kind == CONFORM_OUT_TX) {
            response_take_tx(&reader, virtual_clock, out);
            return reader.ok;
        }
        if (json_typeof(body) != JSON_OBJECT) {
            conform__reader_fail(&reader, "`%s` must be an object, is %s", kinds[i].name,
                                 conform__json_kind(body));
            return false;
        }
        reader.object = body;
        reader.what = kinds[i].what;
        response_take_body(&reader, out);
        return reader.ok;
    }
    conform__reader_fail(&reader, "none of tx, deliver, result, state, discard (%s)",
                         conform__json_kind(json));
    return false;
}

static void response_take_outs(struct conform__reader *reader, bool virtual_clock, uint64_t now_ns,
                               struct conform_response *response)
{
    const json_t *list = conform__read(reader, "out", virtual_clock);
    if (list && json_typeof(list) != JSON_ARRAY) {
        conform__reader_fail(reader, "`out` must be a list, is %s", conform__json_kind(list));
        return;
    }
    for (size_t i = 0; i < json_array_size(list) && reader->ok; i++) {
        struct conform_out *out = conform_response_add(response);
        struct conform_error why;
        out->at_ns = now_ns;
        if (!response_take_out(json_array_get(list, i), virtual_clock, out, &why)) {
            conform__reader_fail(reader, "`out` item %zu: %s", i, why.text);
        }
    }
}

/* A list of texts; absent: empty. */
static char **response_take_texts(struct conform__reader *reader, const char *name, bool required,
                                  size_t *count)
{
    const json_t *list = conform__read(reader, name, required);
    if (list && json_typeof(list) != JSON_ARRAY) {
        conform__reader_fail(reader, "`%s` must be a list of texts, is %s", name,
                             conform__json_kind(list));
    }
    size_t size = json_array_size(list);
    char **texts = size ? conform__alloc(size * sizeof *texts) : NULL;
    for (size_t i = 0; i < size; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text) {
            conform__reader_fail(reader, "`%s` must be a list of texts, item %zu is %s", name, i,
                                 conform__json_kind(json_array_get(list, i)));
            break;
        }
        texts[(*count)++] = conform__strdup(text);
    }
    return texts;
}

static void response_take_rest(struct conform__reader *reader, enum conform_op op,
                               struct conform_response *response)
{
    if (op == CONFORM_HELLO) {
        response->name = response_take_text(reader, "name", true);
        response->version = response_take_text(reader, "version", true);
        response->contract = (int)conform__read_integer(reader, "contract", true, 0, 0, INT32_MAX);
        response->clock = response_take_text(reader, "clock", true);
        response->capabilities =
            response_take_texts(reader, "capabilities", true, &response->capability_count);
        response->tick_ns =
            (uint64_t)conform__read_integer(reader, "tick_ns", false, 1, 1, CONFORM__INTEGER_MAX);
        response->listen = response_take_text(reader, "listen", false);
    } else if (op == CONFORM_CONFIGURE) {
        response->refused = response_take_texts(reader, "refused", false, &response->refused_count);
    } else if (op == CONFORM_STATE) {
        response->state = response_take_word(reader, "state", state_words);
    }
}

static void response_check_id(struct conform__reader *reader, uint64_t id)
{
    const json_t *got = json_object_get(reader->object, "id");
    if (json_is_integer(got) && (uint64_t)json_integer_value(got) == id) {
        return;
    }
    char *text = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    conform__reader_fail(reader, "`id` must be %llu, the request's, is %.40s",
                         (unsigned long long)id, text ? text : "missing");
    free(text);
}

enum conform_line conform_response_decode(const char *line, size_t size, enum conform_op op,
                                          uint64_t id, bool virtual_clock, uint64_t now_ns,
                                          struct conform_response *response,
                                          struct conform_error *error)
{
    json_t *json = conform__json_parse(line, size, error);
    if (!json) {
        return CONFORM_LINE_BAD;
    }
    char what[48];
    snprintf(what, sizeof what, "response to `%s`", conform_op_name(op));
    struct conform__reader reader = {json, what, error, true};
    const json_t *event = json_object_get(json, "event");
    if (event) {
        struct conform_out *out = conform_response_add(response);
        out->at_ns = now_ns;
        if (virtual_clock) {
            conform_error_set(error, "an event came, but with the virtual clock all output "
                                     "belongs into `out` of a response");
            reader.ok = false;
        } else {
            reader.ok = response_take_out(event, false, out, error);
        }
        json_decref(json);
        return reader.ok ? CONFORM_LINE_EVENT : CONFORM_LINE_BAD;
    }
    response_check_id(&reader, id);
    response->ok = conform__read_bool(&reader, "ok", true, false);
    if (reader.ok && !response->ok) {
        response->error = response_take_text(&reader, "error", true);
        response->unsupported = conform__read_bool(&reader, "unsupported", false, false);
        response->broken = conform__read_bool(&reader, "broken", false, false);
    } else if (reader.ok) {
        response_take_rest(&reader, op, response);
    }
    response_take_outs(&reader, virtual_clock, now_ns, response);
    if (reader.ok && virtual_clock && !json_object_get(json, "deadline_ns")) {
        conform__reader_fail(&reader, "`deadline_ns` is missing (null stands for none)");
    }
    response->deadline_ns = (uint64_t)conform__read_integer(&reader, "deadline_ns", false,
                                                            INT64_MAX, 0, CONFORM__INTEGER_MAX);
    if (response->deadline_ns > (uint64_t)CONFORM__INTEGER_MAX) {
        response->deadline_ns = SIPC_NEVER;
    }
    json_decref(json);
    return reader.ok ? CONFORM_LINE_RESPONSE : CONFORM_LINE_BAD;
}
