/* Traces of real links: one number a line. Whatever is wrong with one is told with its line. */
#include "simnet/link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "containers.h"

enum { TRACE_BYTES_MAX = 1 << 28, TRACE_SHOWN_MAX = 24 };
#define TRACE_NS_MAX       (UINT64_C(1) << 56) /* of a point in time: two years */
#define TRACE_DELAY_NS_MAX (UINT64_C(3600) * 1000 * SIPC_NS_PER_MS)

static bool trace_error(struct simnet_error *error, const char *path, size_t line,
                        const char *format, ...) SIPC_PRINTF(4, 5);
static bool trace_error(struct simnet_error *error, const char *path, size_t line,
                        const char *format, ...)
{
    va_list arguments;
    int used = snprintf(error->text, sizeof error->text, "%.160s:%zu: ", path, line);

    va_start(arguments, format);
    vsnprintf(error->text + used, sizeof error->text - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* One line without blanks at its ends; at most `max`. */
static bool trace_number(const char *path, size_t line, const char *text, size_t size, uint64_t max,
                         uint64_t *out, struct simnet_error *error)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return trace_error(error, path, line, "expected a number, found '%.*s'%s",
                               (int)(size < TRACE_SHOWN_MAX ? size : TRACE_SHOWN_MAX), text,
                               size > TRACE_SHOWN_MAX ? "..." : "");
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return trace_error(error, path, line, "expected at most %" PRIu64 ", found more", max);
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

struct trace_reader {
    const char *path;
    enum simnet_trace_kind kind;
    sipc_time unit_ns;
    uint64_t max; /* in units */
};

static bool trace_add(const struct trace_reader *reader, size_t line, const char *text, size_t size,
                      struct simnet_trace *out, size_t *capacity, struct simnet_error *error)
{
    uint64_t value = 0;

    if (!trace_number(reader->path, line, text, size, reader->max, &value, error))
        return false;
    value *= reader->unit_ns;
    if (reader->kind == SIMNET_TRACE_OPPORTUNITIES && out->count > 0 &&
        value < out->values[out->count - 1])
        return trace_error(error, reader->path, line,
                           "not sorted: %" PRIu64 " comes after %" PRIu64, value / reader->unit_ns,
                           out->values[out->count - 1] / reader->unit_ns);
    out->values = simnet_grow(out->values, out->count, capacity, sizeof *out->values);
    out->values[out->count++] = value;
    return true;
}

static bool trace_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool trace_lines(const struct trace_reader *reader, const char *text, size_t size,
                        struct simnet_trace *out, struct simnet_error *error)
{
    size_t line = 0, capacity = 0;

    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t end = newline ? (size_t)(newline - text) : size, next = end + 1;
        line++;
        while (at < end && trace_is_blank(text[at]))
            at++;
        while (end > at && trace_is_blank(text[end - 1]))
            end--;
        if (end > at && !trace_add(reader, line, text + at, end - at, out, &capacity, error))
            return false;
        at = next;
    }
    if (out->count == 0)
        return trace_error(error, reader->path, line ? line : 1,
                           "empty: expected a number a line, found no line with one");
    if (text[size - 1] != '\n')
        return trace_error(error, reader->path, line,
                           "cut: the last line has no newline, its number may lack digits");
    if (reader->kind == SIMNET_TRACE_OPPORTUNITIES && out->values[out->count - 1] == 0)
        return trace_error(error, reader->path, line,
                           "cut: expected the last opportunity later than 0 ms, found 0");
    return true;
}

bool simnet_trace_parse(const char *path, const char *text, size_t size,
                        enum simnet_trace_kind kind, sipc_time unit_ns, struct simnet_trace *out,
                        struct simnet_error *error)
{
    struct trace_reader reader = {.path = path, .kind = kind, .unit_ns = unit_ns};

    *out = (struct simnet_trace){.kind = kind, .wrap = true};
    if (kind == SIMNET_TRACE_LOSSES || kind == SIMNET_TRACE_COPIES || unit_ns == 0)
        reader.unit_ns = 1;
    if (kind == SIMNET_TRACE_OPPORTUNITIES)
        reader.unit_ns = SIPC_NS_PER_MS;
    reader.max = kind == SIMNET_TRACE_LOSSES   ? 1
                 : kind == SIMNET_TRACE_COPIES ? SIMNET_COPIES_MAX
                 : kind == SIMNET_TRACE_DELAYS ? TRACE_DELAY_NS_MAX / reader.unit_ns
                                               : TRACE_NS_MAX / reader.unit_ns;
    if (trace_lines(&reader, text, size, out, error))
        return true;
    simnet_trace_free(out);
    return false;
}

bool simnet_trace_load(const char *path, enum simnet_trace_kind kind, sipc_time unit_ns,
                       struct simnet_trace *out, struct simnet_error *error)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, got;

    *out = (struct simnet_trace){0};
    if (file == NULL) {
        snprintf(error->text, sizeof error->text, "%.200s: %s", path, strerror(errno));
        return false;
    }
    do {
        text = simnet_reallocate(text, size + 65536, 1);
        got = fread(text + size, 1, 65536, file);
        size += got;
    } while (got == 65536 && size < TRACE_BYTES_MAX);
    bool bad = ferror(file) != 0;
    int why = errno;
    fclose(file);
    bool ok = false;
    if (bad)
        snprintf(error->text, sizeof error->text, "%.200s: %s", path, strerror(why));
    else if (size >= TRACE_BYTES_MAX)
        snprintf(error->text, sizeof error->text, "%.200s: longer than %d bytes", path,
                 TRACE_BYTES_MAX);
    else
        ok = simnet_trace_parse(path, text, size, kind, unit_ns, out, error);
    free(text);
    return ok;
}

void simnet_trace_free(struct simnet_trace *trace)
{
    free(trace->values);
    trace->values = NULL;
    trace->count = 0;
}
