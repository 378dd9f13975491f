/* JSON, one value at a time, into memory that is used again for the next line. Keys are literals;
 * text of any bytes becomes well-formed UTF-8. */
#ifndef SIMNET_SRC_JSON_H
#define SIMNET_SRC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    char *text;
    size_t used, capacity;
    bool comma; /* the next member needs one before it */
};

void json_fini(struct json *json);
/* Key NULL: an element of an array, or the whole. */
void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);                 /* '}' or ']' */
void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* A number with `decimals` (<= 9) places behind the point, of value / 10^decimals. */
void json_decimal(struct json *json, const char *key, uint64_t value, unsigned decimals);
void json_text(struct json *json, const char *key, const char *text); /* NULL: nothing */
void json_text_of(struct json *json, const char *key, const uint8_t *text, size_t size);
void json_hex(struct json *json, const char *key, const uint8_t *data, size_t size);
void json_id(struct json *json, const char *key, uint64_t value); /* "0123456789abcdef" */
void json_raw(struct json *json, const char *text, size_t size);  /* as it is */

#endif
