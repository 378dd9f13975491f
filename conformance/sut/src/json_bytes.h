/* Bytes and text inside JSON, and reading fields with an error in plain words: what the two sides
 * of the message coding share. Strict base64 (RFC 4648, padded), hex of either case.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_JSON_BYTES_H
#define CONFORM_SUT_JSON_BYTES_H

#include <jansson.h>

#include "conform/message.h"

#define CONFORM__LINE_MAX    (UINT64_C(64) << 20) /* bytes of a line, newline included */
#define CONFORM__INTEGER_MAX ((INT64_C(1) << 53) - 1)

/* Allocation that aborts when out of memory; size 0 gives a pointer that may be freed. */
void *conform__alloc(size_t size);
void *conform__realloc(void *block, size_t size);
char *conform__strdup(const char *text);
uint8_t *conform__bytes_copy(const void *data, size_t size);

json_t *conform__json_hex(const uint8_t *data, size_t size);
json_t *conform__json_base64(const uint8_t *data, size_t size);
/* A string, or {"hex": ...} where the bytes are not UTF-8. */
json_t *conform__json_text(struct sipc_span text);
/* [[name, value], ...] */
json_t *conform__json_attributes(const struct conform_attribute *attributes, size_t count);
/* Compact text with a newline at its end, malloc'ed; takes over `json`. */
char *conform__json_line(json_t *json);

/* Decoders give malloc'ed bytes, or NULL where the text is not what it should be. */
uint8_t *conform__hex_decode(const char *text, size_t length, size_t *size);
uint8_t *conform__base64_decode(const char *text, size_t length, size_t *size);

/* Whether a text is a word of the contract for outcomes, or states. */
bool conform__is_outcome(const char *text);
bool conform__is_state(const char *text);

/* Parses one line; NULL and *error where it is not one JSON object of at most 64 MiB. */
json_t *conform__json_parse(const char *line, size_t size, struct conform_error *error);

/* Reads fields of one object. The first thing wrong is told in *error, naming `what`; from then on
 * `ok` is false and every read gives a neutral value. A field that is null counts as absent. */
struct conform__reader {
    const json_t *object;
    const char *what; /* "request `send`" */
    struct conform_error *error;
    bool ok;
};
void conform__reader_fail(struct conform__reader *reader, const char *format, ...)
    SIPC_PRINTF(2, 3);
/* "text", "an integer", ... : what a value is, for messages. */
const char *conform__json_kind(const json_t *value);
/* The field, or NULL if absent; `required`: absence is an error. */
json_t *conform__read(struct conform__reader *reader, const char *name, bool required);
/* Absent: `fallback`. Beyond min..max is an error. */
int64_t conform__read_integer(struct conform__reader *reader, const char *name, bool required,
                              int64_t fallback, int64_t min, int64_t max);
bool conform__read_bool(struct conform__reader *reader, const char *name, bool required,
                        bool fallback);
/* Text without NUL, borrowed from the object; absent: NULL. */
const char *conform__read_text(struct conform__reader *reader, const char *name, bool required);
/* Malloc'ed bytes; absent: NULL and size 0. */
uint8_t *conform__read_hex(struct conform__reader *reader, const char *name, bool required,
                           size_t *size);
uint8_t *conform__read_base64(struct conform__reader *reader, const char *name, bool required,
                              size_t *size);
/* 32 bytes into `out`; false if absent or wrong. */
bool conform__read_session(struct conform__reader *reader, bool required,
                           uint8_t out[SIPC_SESSION_ID_SIZE]);
/* The list `attributes`, malloc'ed array with malloc'ed names and values; absent: NULL. */
struct conform_attribute *conform__read_attributes(struct conform__reader *reader, size_t *count);
void conform__attributes_free(struct conform_attribute *attributes, size_t count);

#endif
