/* Lines out of a byte stream; see lines.h.
 * SPDX-License-Identifier: MIT */
#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_bytes.h"

void conform__lines_push(struct conform__lines *lines, const char *data, size_t size)
{
    if (size == 0) {
        return;
    }
    if (lines->start) {
        lines->size -= lines->start;
        lines->scanned -= lines->start;
        memmove(lines->data, lines->data + lines->start, lines->size);
        lines->start = 0;
    }
    if (lines->size + size > lines->room) {
        lines->room = (lines->size + size) * 2;
        lines->data = conform__realloc(lines->data, lines->room);
    }
    memcpy(lines->data + lines->size, data, size);
    lines->size += size;
}

bool conform__lines_next(struct conform__lines *lines, const char **line, size_t *size)
{
    size_t unseen = lines->size - lines->scanned;
    const char *newline = unseen ? memchr(lines->data + lines->scanned, '\n', unseen) : NULL;
    if (!newline) {
        lines->scanned = lines->size;
        return false;
    }
    *line = lines->data + lines->start;
    *size = (size_t)(newline - *line) + 1;
    lines->start += *size;
    lines->scanned = lines->start;
    return true;
}

size_t conform__lines_rest(const struct conform__lines *lines, const char **rest)
{
    *rest = lines->size ? lines->data + lines->start : "";
    return lines->size - lines->start;
}

void conform__line_quote(const char *line, size_t size, char *out, size_t room)
{
    size_t used = 0;
    size_t length = size && line[size - 1] == '\n' ? size - 1 : size;
    size_t i = 0;
    for (; i < length && used + 12 < room; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c >= 0x20 && c < 0x7f) {
            out[used++] = (char)c;
        } else {
            used += (size_t)snprintf(out + used, room - used, "\\x%02x", c);
        }
    }
    snprintf(out + used, room - used, i < length ? " ..." : "");
}

void conform__lines_free(struct conform__lines *lines)
{
    free(lines->data);
    memset(lines, 0, sizeof *lines);
}
