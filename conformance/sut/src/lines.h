/* Lines out of a byte stream, newline included.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_LINES_H
#define CONFORM_SUT_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct conform__lines {
    char *data;
    size_t size, room;
    size_t start;   /* of the line that comes next */
    size_t scanned; /* no newline before this */
};

void conform__lines_push(struct conform__lines *lines, const char *data, size_t size);
/* The next whole line, valid until the next push. */
bool conform__lines_next(struct conform__lines *lines, const char **line, size_t *size);
/* What waits and is no whole line yet. */
size_t conform__lines_rest(const struct conform__lines *lines, const char **rest);
/* For people: the line without its newline, what cannot be printed as \xHH, cut to `room`. */
void conform__line_quote(const char *line, size_t size, char *out, size_t room);
void conform__lines_free(struct conform__lines *lines);

#endif
