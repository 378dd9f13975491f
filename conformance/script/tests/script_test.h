/* Shared by the tests of the .sx language: parsing a text with its errors caught, printing to a
 * string, and the frame that makes a script of a line.
 * SPDX-License-Identifier: MIT */
#ifndef SCRIPT_TEST_H
#define SCRIPT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conform/script.h"

/* Lines 1..14 of a script in which $n, $t, #out, #in and the operation m are known; the line under
 * test is TEST_LINE, `quiet` follows. */
enum { TEST_LINE = 15 };
#define TEST_FRAME                                                                                 \
    "sx 1\nid frame\nrules WID-3\nrole endpoint\nparam n in 1, 2\nparam t in x, y\n"               \
    "set aftermath = manual\nset idle_timeout_ms = 1000\n"                                         \
    "setup\ndo send $t as m\n-> data $n:0 #out\n<- data $w:0 #in\ncheck $w >= 0\ntest\n"

struct parsed {
    struct sx_script *script; /* NULL: errors */
    size_t error_count;
    char *errors;
};

static inline struct parsed parse_bytes(const char *path, const char *text, size_t size)
{
    struct parsed parsed = {0};
    size_t errors_size;
    FILE *errors = open_memstream(&parsed.errors, &errors_size);
    assert_non_null(errors);
    parsed.script = sx_parse(path, text, size, errors, &parsed.error_count);
    fclose(errors);
    assert_int_equal(parsed.script == NULL, parsed.error_count > 0);
    assert_int_equal(parsed.error_count > 0, parsed.errors[0] != '\0');
    return parsed;
}

static inline struct parsed parse_text(const char *text)
{
    return parse_bytes("frame.sx", text, strlen(text));
}

/* The frame with `line` (one or more lines) under test. */
static inline struct parsed parse_line(const char *line)
{
    char *text;
    assert_true(asprintf(&text, "%s%s\nquiet 1T\n", TEST_FRAME, line) > 0);
    struct parsed parsed = parse_text(text);
    free(text);
    return parsed;
}

static inline void parsed_free(struct parsed *parsed)
{
    sx_script_free(parsed->script);
    free(parsed->errors);
}

static inline char *print_script(const struct sx_script *script)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    sx_print(script, out);
    fclose(out);
    return text;
}

static inline char *read_text(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, SX_SCRIPT_BYTES_MAX + 1);
    assert_non_null(file);
    assert_non_null(text);
    *size = fread(text, 1, SX_SCRIPT_BYTES_MAX, file);
    fclose(file);
    return text;
}

/* Printing, parsing that and printing again gives the same text. */
static inline void assert_prints_the_same(const struct sx_script *script)
{
    char *first = print_script(script);
    struct parsed again = parse_bytes(script->path, first, strlen(first));
    if (again.script == NULL) {
        fail_msg("what was printed does not parse:\n%s\n%s", again.errors, first);
    }
    char *second = print_script(again.script);
    assert_string_equal(second, first);
    parsed_free(&again);
    free(first);
    free(second);
}

#endif
