/* Requests to a SUT as JSON lines, both ways (SUT contract 1).
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "json_bytes.h"

/* ---- encoding ---- */

static void request_put_settings(json_t *json, const struct conform_request *request)
{
    json_t *settings = json_object();
    for (size_t i = 0; i < request->setting_count; i++) {
        const struct conform_setting *setting = &request->settings[i];
        json_t *value = setting->word      ? json_string(setting->word)
                        : setting->boolean ? json_boolean(setting->value)
                                           : json_integer(setting->value);
        json_object_set_new(settings, setting->name, value);
    }
    json_object_set_new(json, "settings", settings);
}

static void request_put_message(json_t *json, const struct conform_request *request)
{
    if (!request->data.data && request->has_size) {
        json_object_set_new(json, "size", json_integer((json_int_t)request->size));
    } else if (request->data.size) {
        json_object_set_new(json, "data",
                            conform__json_base64(request->data.data, request->data.size));
    }
    if (request->attribute_count) {
        json_object_set_new(
            json, "attributes",
            conform__json_attributes(request->attributes, request->attribute_count));
    }
    if (request->skip) {
        json_object_set_new(json, "skip", json_true());
    }
}

static void request_put_rest(json_t *json, const struct conform_request *request)
{
    switch (request->op) {
    case CONFORM_HELLO:
        json_object_set_new(json, "contract", json_integer(request->contract));
        json_object_set_new(json, "clock", json_string(request->clock));
        break;
    case CONFORM_CONFIGURE:
        request_put_settings(json, request);
        break;
    case CONFORM_OPEN:
        if (request->has_idle_timeout) {
            json_object_set_new(json, "idle_timeout_ms", json_integer(request->idle_timeout_ms));
        }
        break;
    case CONFORM_PRESET:
        json_object_set_new(json, "next_window_id", json_integer(request->next_window_id));
        json_object_set_new(json, "acked_window_id", json_integer(request->acked_window_id));
        json_object_set_new(json, "min_window_id", json_integer(request->min_window_id));
        json_object_set_new(json, "processed", json_boolean(request->processed));
        break;
    case CONFORM_SEND:
    case CONFORM_SEND_UNRELIABLE:
        request_put_message(json, request);
        break;
    case CONFORM_CLOSE:
    case CONFORM_DISPOSE:
        json_object_set_new(json, "code", json_integer(request->code));
        break;
    case CONFORM_SHUTDOWN:
        json_object_set_new(json, "grace_ms", json_integer(request->grace_ms));
        break;
    case CONFORM_RX:
        json_object_set_new(json, "from", json_string(request->from));
        json_object_set_new(json, "pdu", conform__json_hex(request->pdu.data, request->pdu.size));
        break;
    case CONFORM_SENT:
        json_object_set_new(json, "token", json_integer((json_int_t)request->token));
        json_object_set_new(json, "success", json_boolean(request->success));
        break;
    case CONFORM_ADVANCE:
        json_object_set_new(json, "to_ns", json_integer((json_int_t)request->to_ns));
        break;
    default:
        break;
    }
}

char *conform_request_encode(const struct conform_request *request, uint64_t id)
{
    const char *op = request->op == CONFORM_UNKNOWN && request->op_name
                         ? request->op_name
                         : conform_op_name(request->op);
    json_t *json = json_pack("{s:I,s:s}", "id", (json_int_t)id, "op", op);
    if (request->session) {
        json_object_set_new(json, "session",
                            conform__json_hex(request->session, SIPC_SESSION_ID_SIZE));
    }
    if (request->remote) {
        json_object_set_new(json, "remote", json_string(request->remote));
    }
    if (request->label) {
        json_object_set_new(json, "label", json_string(request->label));
    }
    request_put_rest(json, request);
    return conform__json_line(json);
}

/* ---- decoding ---- */

struct request_block {
    struct request_block *next;
    void *bytes;
    struct conform_attribute *attributes;
    size_t attribute_count;
};

static struct request_block *request_keep(struct conform_request_memory *memory, void *bytes)
{
    struct request_block *block = conform__alloc(sizeof *block);
    block->next = memory->blocks;
    block->bytes = bytes;
    memory->blocks = block;
    return block;
}

void conform_request_memory_clear(struct conform_request_memory *memory)
{
    struct request_block *block = memory->blocks;
    while (block) {
        struct request_block *next = block->next;
        free(block->bytes);
        conform__attributes_free(block->attributes, block->attribute_count);
        free(block);
        block = next;
    }
    json_decref(memory->json);
    memset(memory, 0, sizeof *memory);
}

static void request_take_settings(struct conform__reader *reader, struct conform_request *request,
                                  struct conform_request_memory *memory)
{
    json_t *settings = conform__read(reader, "settings", true);
    if (!settings) {
        return;
    }
    if (json_typeof(settings) != JSON_OBJECT) {
        conform__reader_fail(reader, "`settings` must be an object, is %s",
                             conform__json_kind(settings));
        return;
    }
    struct conform_setting *list = conform__alloc(json_object_size(settings) * sizeof *list);
    request_keep(memory, list);
    request->settings = list;
    const char *name;
    json_t *value;
    json_object_foreach(settings, name, value)
    {
        struct conform_setting *setting = &list[request->setting_count++];
        setting->name = name;
        setting->word = json_string_value(value);
        const json_type type = json_typeof(value);
        setting->boolean = type == JSON_TRUE || type == JSON_FALSE;
        setting->value = setting->boolean ? type == JSON_TRUE : json_integer_value(value);
        if (!setting->word && !setting->boolean && type != JSON_INTEGER) {
            conform__reader_fail(reader,
                                 "setting `%s` must be an integer, true/false or text, is %s", name,
                                 conform__json_kind(value));
        }
    }
}

static void request_take_message(struct conform__reader *reader, struct conform_request *request,
                                 struct conform_request_memory *memory)
{
    request->label = conform__read_text(reader, "label", true);
    uint8_t *data = conform__read_base64(reader, "data", false, &request->data.size);
    request->data.data = data;
    if (data) {
        request_keep(memory, data);
    }
    request->has_size = conform__read(reader, "size", false) != NULL;
    request->size =
        (uint64_t)conform__read_integer(reader, "size", false, 0, 0, CONFORM__INTEGER_MAX);
    if (data && request->has_size) {
        conform__reader_fail(reader, "`data` and `size` exclude each other");
    }
    struct request_block *block = request_keep(memory, NULL);
    block->attributes = conform__read_attributes(reader, &block->attribute_count);
    request->attributes = block->attributes;
    request->attribute_count = block->attribute_count;
    request->skip = conform__read_bool(reader, "skip", false, false);
}

static void request_take_preset(struct conform__reader *reader, struct conform_request *request)
{
    const int64_t max = CONFORM__INTEGER_MAX;
    request->next_window_id = conform__read_integer(reader, "next_window_id", true, 0, 0, max);
    request->acked_window_id = conform__read_integer(reader, "acked_window_id", false,
                                                     request->next_window_id - 1, -1, max);
    request->min_window_id = conform__read_integer(reader, "min_window_id", false, -1, -1, max);
    request->processed = conform__read_bool(reader, "processed", false, false);
}

static int32_t request_take_code(struct conform__reader *reader, bool required, int32_t fallback)
{
    return (int32_t)conform__read_integer(reader, "code", required, fallback, INT32_MIN, INT32_MAX);
}

static void request_take_rest(struct conform__reader *reader, struct conform_request *request,
                              struct conform_request_memory *memory)
{
    const int64_t max = CONFORM__INTEGER_MAX;
    switch (request->op) {
    case CONFORM_HELLO:
        request->contract = (int)conform__read_integer(reader, "contract", true, 0, 0, INT32_MAX);
        request->clock = conform__read_text(reader, "clock", true);
        break;
    case CONFORM_CONFIGURE:
        request_take_settings(reader, request, memory);
        break;
    case CONFORM_OPEN:
        request->has_idle_timeout = conform__read(reader, "idle_timeout_ms", false) != NULL;
        request->idle_timeout_ms =
            conform__read_integer(reader, "idle_timeout_ms", false, 0, -max, max);
        break;
    case CONFORM_PRESET:
        request_take_preset(reader, request);
        break;
    case CONFORM_SEND:
    case CONFORM_SEND_UNRELIABLE:
        request_take_message(reader, request, memory);
        break;
    case CONFORM_CLOSE:
        request->label = conform__read_text(reader, "label", true);
        request->code = request_take_code(reader, true, 0);
        break;
    case CONFORM_DISPOSE:
        request->code = request_take_code(reader, false, SIPC_LOCAL_SHUTDOWN);
        break;
    case CONFORM_SHUTDOWN:
        request->grace_ms = conform__read_integer(reader, "grace_ms", true, 0, 0, max);
        break;
    case CONFORM_RX: {
        request->from = conform__read_text(reader, "from", true);
        uint8_t *pdu = conform__read_hex(reader, "pdu", true, &request->pdu.size);
        request_keep(memory, pdu);
        request->pdu.data = pdu;
        break;
    }
    case CONFORM_SENT:
        request->token = (uint64_t)conform__read_integer(reader, "token", true, 0, 0, max);
        request->success = conform__read_bool(reader, "success", true, false);
        break;
    case CONFORM_ADVANCE:
        request->to_ns = (uint64_t)conform__read_integer(reader, "to_ns", true, 0, 0, max);
        break;
    default:
        break;
    }
}

static bool request_needs_session(enum conform_op op)
{
    switch (op) {
    case CONFORM_OPEN:
    case CONFORM_PRESET:
    case CONFORM_SEND:
    case CONFORM_SEND_UNRELIABLE:
    case CONFORM_CLOSE:
    case CONFORM_DISPOSE:
    case CONFORM_STATE:
        return true;
    default:
        return false;
    }
}

static enum conform_op request_find_op(const char *name)
{
    for (int op = 0; op < CONFORM_UNKNOWN; op++) {
        if (strcmp(name, conform_op_name((enum conform_op)op)) == 0) {
            return (enum conform_op)op;
        }
    }
    return CONFORM_UNKNOWN;
}

bool conform_request_decode(const char *line, size_t size, struct conform_request *request,
                            struct conform_request_memory *memory, char **id_json,
                            struct conform_error *error)
{
    memset(request, 0, sizeof *request);
    memset(memory, 0, sizeof *memory);
    json_t *json = conform__json_parse(line, size, error);
    memory->json = json;
    const json_t *id = json_object_get(json, "id");
    bool id_good = json_is_number(id) || json_is_string(id);
    *id_json = id_good ? json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT) : conform__strdup("null");
    if (!json) {
        return false;
    }
    struct conform__reader reader = {json, "request", error, true};
    if (!id_good) {
        conform__reader_fail(&reader, "`id` must be a number or text, is %s",
                             conform__json_kind(id));
    }
    request->op_name = conform__read_text(&reader, "op", true);
    if (!reader.ok) {
        return false;
    }
    request->op = request_find_op(request->op_name);
    if (request->op == CONFORM_UNKNOWN) {
        return true;
    }
    char what[32];
    snprintf(what, sizeof what, "request `%s`", conform_op_name(request->op));
    reader.what = what;
    if (request_needs_session(request->op)) {
        uint8_t *session = conform__alloc(SIPC_SESSION_ID_SIZE);
        request_keep(memory, session);
        conform__read_session(&reader, true, session);
        request->session = session;
        request->remote = conform__read_text(&reader, "remote", request->op == CONFORM_OPEN);
    }
    request_take_rest(&reader, request, memory);
    return reader.ok;
}
