/* See json.h. Numbers are not printed by stdio: a trace is mostly numbers. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "containers.h"
#include "pcapt/text.h"

void json_fini(struct json *json)
{
    free(json->text);
    *json = (struct json){0};
}

static void json_grow(struct json *json, size_t size)
{
    while (json->capacity - json->used < size)
        json->capacity = json->capacity ? json->capacity * 2 : 1024;
    json->text = simnet_reallocate(json->text, json->capacity, 1);
}

static inline char *json_room(struct json *json, size_t size)
{
    if (json->capacity - json->used < size)
        json_grow(json, size);
    return json->text + json->used;
}

void json_raw(struct json *json, const char *text, size_t size)
{
    memcpy(json_room(json, size), text, size);
    json->used += size;
}

static inline void json_char(struct json *json, char c)
{
    *json_room(json, 1) = c;
    json->used++;
}

static void json_key(struct json *json, const char *key)
{
    size_t size = key ? strlen(key) : 0;
    char *out = json_room(json, size + 4);

    if (json->comma)
        *out++ = ',';
    json->comma = true;
    if (key != NULL) {
        *out++ = '"';
        memcpy(out, key, size);
        out += size;
        *out++ = '"';
        *out++ = ':';
    }
    json->used = (size_t)(out - json->text);
}

void json_open(struct json *json, const char *key, char bracket)
{
    json_key(json, key);
    json_char(json, bracket);
    json->comma = false;
}

void json_close(struct json *json, char bracket)
{
    json_char(json, bracket);
    json->comma = true;
}

static void json_digits(struct json *json, uint64_t value, unsigned at_least)
{
    char digits[20];
    unsigned at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 || sizeof digits - at < at_least);
    json_raw(json, digits + at, sizeof digits - at);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_digits(json, value, 1);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
    json_key(json, key);
    if (value < 0)
        json_char(json, '-');
    json_digits(json, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

void json_bool(struct json *json, const char *key, bool value)
{
    json_key(json, key);
    json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void json_decimal(struct json *json, const char *key, uint64_t value, unsigned decimals)
{
    uint64_t scale = 1;

    for (unsigned i = 0; i < decimals; i++)
        scale *= 10;
    json_key(json, key);
    json_digits(json, value / scale, 1);
    json_char(json, '.');
    json_digits(json, value % scale, decimals);
}

/* How many of the bytes stand for themselves. */
static size_t json_plain(const uint8_t *text, size_t size)
{
    size_t plain = 0;

    while (plain < size && text[plain] >= 0x20 && text[plain] < 0x7f && text[plain] != '"' &&
           text[plain] != '\\')
        plain++;
    return plain;
}

/* The first character, or byte that is none; returns its size. */
static size_t json_character(struct json *json, const uint8_t *text, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    size_t step = pcapt_utf8_size(text, size);
    char escaped[6] = {'\\', 'u', '0', '0', hex[*text >> 4], hex[*text & 15]};

    if (step > 1) {
        json_raw(json, (const char *)text, step);
    } else if (step == 0) {
        json_raw(json, PCAPT_UTF8_BAD, strlen(PCAPT_UTF8_BAD));
    } else if (*text == '"' || *text == '\\') {
        json_char(json, '\\');
        json_char(json, (char)*text);
    } else {
        json_raw(json, escaped, sizeof escaped);
    }
    return step ? step : 1;
}

void json_text_of(struct json *json, const char *key, const uint8_t *text, size_t size)
{
    json_key(json, key);
    json_char(json, '"');
    while (size > 0) {
        size_t step = json_plain(text, size);
        if (step > 0)
            json_raw(json, (const char *)text, step);
        else
            step = json_character(json, text, size);
        text += step;
        size -= step;
    }
    json_char(json, '"');
}

void json_text(struct json *json, const char *key, const char *text)
{
    if (text != NULL)
        json_text_of(json, key, (const uint8_t *)text, strlen(text));
}

void json_hex(struct json *json, const char *key, const uint8_t *data, size_t size)
{
    static const char hex[] = "0123456789abcdef";

    json_key(json, key);
    char *out = json_room(json, 2 * size + 2);
    *out++ = '"';
    for (size_t i = 0; i < size; i++) {
        *out++ = hex[data[i] >> 4];
        *out++ = hex[data[i] & 15];
    }
    *out = '"';
    json->used += 2 * size + 2;
}

void json_id(struct json *json, const char *key, uint64_t value)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    json_hex(json, key, bytes, sizeof bytes);
}
