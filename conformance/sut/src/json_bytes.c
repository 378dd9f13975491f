/* Bytes and text inside JSON; see json_bytes.h.
 * SPDX-License-Identifier: MIT */
#include "json_bytes.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

void *conform__realloc(void *block, size_t size)
{
    void *result = realloc(block, size ? size : 1);
    if (!result) { /* no memory */
        abort();
    }
    return result;
}

void *conform__alloc(size_t size)
{
    return memset(conform__realloc(NULL, size), 0, size);
}

uint8_t *conform__bytes_copy(const void *data, size_t size)
{
    uint8_t *copy = conform__realloc(NULL, size);
    if (size) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *conform__strdup(const char *text)
{
    return text ? (char *)conform__bytes_copy(text, strlen(text) + 1) : NULL;
}

/* ---- to JSON ---- */

json_t *conform__json_hex(const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = conform__realloc(NULL, size * 2);
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    json_t *json = json_stringn_nocheck(text, size * 2);
    free(text);
    return json;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

json_t *conform__json_base64(const uint8_t *data, size_t size)
{
    size_t length = (size + 2) / 3 * 4;
    char *text = conform__realloc(NULL, length);
    char *out = text;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);
        *out++ = base64_digits[bits >> 18];
        *out++ = base64_digits[bits >> 12 & 63];
        *out++ = left > 1 ? base64_digits[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? base64_digits[bits & 63] : '=';
    }
    json_t *json = json_stringn_nocheck(text, length);
    free(text);
    return json;
}

json_t *conform__json_text(struct sipc_span text)
{
    json_t *json = json_stringn(text.size ? (const char *)text.data : "", text.size);
    return json ? json : json_pack("{s:o}", "hex", conform__json_hex(text.data, text.size));
}

json_t *conform__json_attributes(const struct conform_attribute *attributes, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_pack("[o,o]", conform__json_text(attributes[i].name),
                                              conform__json_text(attributes[i].value)));
    }
    return list;
}

char *conform__json_line(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text) { /* no memory */
        abort();
    }
    size_t length = strlen(text);
    text = conform__realloc(text, length + 2);
    text[length] = '\n';
    text[length + 1] = 0;
    return text;
}

/* ---- from JSON ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

uint8_t *conform__hex_decode(const char *text, size_t length, size_t *size)
{
    if (length % 2) {
        return NULL;
    }
    uint8_t *out = conform__realloc(NULL, length / 2);
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            free(out);
            return NULL;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    *size = length / 2;
    return out;
}

uint8_t *conform__base64_decode(const char *text, size_t length, size_t *size)
{
    if (length % 4) {
        return NULL;
    }
    size_t pad = length && text[length - 1] == '=' ? 1 + (text[length - 2] == '=') : 0;
    uint8_t *out = conform__realloc(NULL, length / 4 * 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] ? strchr(base64_digits, text[i]) : NULL;
        if (!digit && i < length - pad) {
            free(out);
            return NULL;
        }
        bits = bits << 6 | (digit ? (uint32_t)(digit - base64_digits) : 0);
        if (i % 4 == 3) {
            uint8_t *block = out + i / 4 * 3;
            block[0] = (uint8_t)(bits >> 16);
            block[1] = (uint8_t)(bits >> 8);
            block[2] = (uint8_t)bits;
        }
    }
    *size = length / 4 * 3 - pad;
    return out;
}

json_t *conform__json_parse(const char *line, size_t size, struct conform_error *error)
{
    if (size > CONFORM__LINE_MAX) {
        conform_error_set(error, "the line is longer than 64 MiB");
        return NULL;
    }
    json_error_t why;
    json_t *json = json_loadb(line, size, JSON_ALLOW_NUL | JSON_DECODE_ANY, &why);
    if (!json) {
        conform_error_set(error, "not JSON: %s (at byte %d)", why.text, why.position);
        return NULL;
    }
    if (json_typeof(json) != JSON_OBJECT) {
        conform_error_set(error, "a JSON object was expected, this is %s",
                          conform__json_kind(json));
        json_decref(json);
        return NULL;
    }
    return json;
}

/* ---- reading fields ---- */

void conform__reader_fail(struct conform__reader *reader, const char *format, ...)
{
    if (!reader->ok) {
        return;
    }
    reader->ok = false;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    conform_error_set(reader->error, "%s: %s", reader->what, text);
}

const char *conform__json_kind(const json_t *value)
{
    if (!value) {
        return "missing";
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction or exponent";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

json_t *conform__read(struct conform__reader *reader, const char *name, bool required)
{
    json_t *value = reader->ok ? json_object_get(reader->object, name) : NULL;
    if (json_is_null(value)) {
        value = NULL;
    }
    if (!value && required) {
        conform__reader_fail(reader, "`%s` is missing", name);
    }
    return value;
}

int64_t conform__read_integer(struct conform__reader *reader, const char *name, bool required,
                              int64_t fallback, int64_t min, int64_t max)
{
    const json_t *value = conform__read(reader, name, required);
    if (!value) {
        return fallback;
    }
    if (json_typeof(value) != JSON_INTEGER) {
        conform__reader_fail(reader, "`%s` must be an integer, is %s", name,
                             conform__json_kind(value));
        return fallback;
    }
    int64_t number = json_integer_value(value);
    if (number < min || number > max) {
        conform__reader_fail(reader, "`%s` must be %lld..%lld, is %lld", name, (long long)min,
                             (long long)max, (long long)number);
        return fallback;
    }
    return number;
}

bool conform__read_bool(struct conform__reader *reader, const char *name, bool required,
                        bool fallback)
{
    const json_t *value = conform__read(reader, name, required);
    if (!value) {
        return fallback;
    }
    bool yes = json_typeof(value) == JSON_TRUE;
    if (!yes && json_typeof(value) != JSON_FALSE) {
        conform__reader_fail(reader, "`%s` must be true or false, is %s", name,
                             conform__json_kind(value));
    }
    return yes;
}

const char *conform__read_text(struct conform__reader *reader, const char *name, bool required)
{
    const json_t *value = conform__read(reader, name, required);
    if (!value) {
        return NULL;
    }
    const char *text = json_string_value(value);
    if (!text) {
        conform__reader_fail(reader, "`%s` must be text, is %s", name, conform__json_kind(value));
    } else if (strlen(text) != json_string_length(value)) {
        conform__reader_fail(reader, "`%s` must not hold a NUL", name);
        text = NULL;
    }
    return text;
}

static uint8_t *reader_bytes(struct conform__reader *reader, const char *name, bool required,
                             size_t *size, bool hex)
{
    const json_t *value = conform__read(reader, name, required);
    *size = 0;
    if (!value) {
        return NULL;
    }
    if (json_typeof(value) != JSON_STRING) {
        conform__reader_fail(reader, "`%s` must be %s text, is %s", name, hex ? "hex" : "base64",
                             conform__json_kind(value));
        return NULL;
    }
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    uint8_t *bytes =
        hex ? conform__hex_decode(text, length, size) : conform__base64_decode(text, length, size);
    if (!bytes) {
        conform__reader_fail(reader, "`%s` is not %s: \"%.40s\"%s", name, hex ? "hex" : "base64",
                             text, length > 40 ? " ..." : "");
    }
    return bytes;
}

uint8_t *conform__read_hex(struct conform__reader *reader, const char *name, bool required,
                           size_t *size)
{
    return reader_bytes(reader, name, required, size, true);
}

uint8_t *conform__read_base64(struct conform__reader *reader, const char *name, bool required,
                              size_t *size)
{
    return reader_bytes(reader, name, required, size, false);
}

bool conform__read_session(struct conform__reader *reader, bool required,
                           uint8_t out[SIPC_SESSION_ID_SIZE])
{
    size_t size;
    uint8_t *bytes = conform__read_hex(reader, "session", required, &size);
    if (bytes && size != SIPC_SESSION_ID_SIZE) {
        conform__reader_fail(reader, "`session` must be 64 hex digits, has %zu", size * 2);
    }
    bool good = bytes && reader->ok;
    if (good) {
        memcpy(out, bytes, SIPC_SESSION_ID_SIZE);
    }
    free(bytes);
    return good;
}

/* Text, or {"hex": ...}, as malloc'ed bytes. */
static bool reader_text(struct conform__reader *reader, const json_t *value, const char *name,
                        struct sipc_span *out)
{
    if (json_typeof(value) == JSON_STRING) {
        out->size = json_string_length(value);
        out->data = conform__bytes_copy(json_string_value(value), out->size);
        return true;
    }
    const json_t *hex = json_object_get(value, "hex");
    if (json_is_string(hex)) {
        out->data =
            conform__hex_decode(json_string_value(hex), json_string_length(hex), &out->size);
    }
    if (!out->data) {
        conform__reader_fail(reader, "%s of an attribute must be text or {\"hex\": ...}, is %s",
                             name, conform__json_kind(value));
    }
    return out->data != NULL;
}

struct conform_attribute *conform__read_attributes(struct conform__reader *reader, size_t *count)
{
    *count = 0;
    const json_t *list = conform__read(reader, "attributes", false);
    if (!list) {
        return NULL;
    }
    if (json_typeof(list) != JSON_ARRAY) {
        conform__reader_fail(reader, "`attributes` must be a list of [name, value], is %s",
                             conform__json_kind(list));
        return NULL;
    }
    struct conform_attribute *out = conform__alloc(json_array_size(list) * sizeof *out);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        if (json_array_size(pair) != 2) { /* 0 of what is no list */
            conform__reader_fail(reader, "`attributes` item %zu must be [name, value]", i);
            break;
        }
        (*count)++; /* what is half read is freed too */
        if (!reader_text(reader, json_array_get(pair, 0), "name", &out[i].name) ||
            !reader_text(reader, json_array_get(pair, 1), "value", &out[i].value)) {
            break;
        }
    }
    if (!reader->ok) {
        conform__attributes_free(out, *count);
        *count = 0;
        return NULL;
    }
    return out;
}

/* The spans of attributes are const views; here, where they own their bytes, they are let go. */
static void attribute_bytes_free(const uint8_t *data)
{
    free((void *)(uintptr_t)data);
}

void conform__attributes_free(struct conform_attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        attribute_bytes_free(attributes[i].name.data);
        attribute_bytes_free(attributes[i].value.data);
    }
    free(attributes);
}
