/* Texts of the runner: memory that aborts when it runs out, streams into memory, and how bytes,
 * times and steps read. Nothing here knows a case.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

char *run_printf(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    SIPC_ASSERT(length >= 0);
    return text;
}

char *run_strdup(const char *text)
{
    return run_printf("%s", text);
}

void *run_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    array = reallocarray(array, *capacity, size);
    SIPC_ASSERT(array != NULL);
    return array;
}

FILE *run_text_begin(struct run_text *text)
{
    *text = (struct run_text){0};
    text->out = open_memstream(&text->text, &text->size);
    SIPC_ASSERT(text->out != NULL);
    return text->out;
}

char *run_text_end(struct run_text *text)
{
    int failed = fclose(text->out);
    SIPC_ASSERT(failed == 0 && text->text != NULL);
    return text->text;
}

/* ---- bytes ---- */

void run_print_quoted(struct sipc_span bytes, FILE *out)
{
    size_t shown = bytes.size > RUN_TEXT_BYTES_MAX ? RUN_TEXT_BYTES_MAX : bytes.size;

    fputc('"', out);
    for (size_t i = 0; i < shown; i++) {
        uint8_t c = bytes.data[i];
        switch (c) {
        case '\n':
            fputs("\\n", out);
            break;
        case '\r':
            fputs("\\r", out);
            break;
        case '\t':
            fputs("\\t", out);
            break;
        case '\0':
            fputs("\\0", out);
            break;
        case '\\':
        case '"':
            fprintf(out, "\\%c", c);
            break;
        default:
            if (c >= 0x20 && c < 0x7f) {
                fputc(c, out);
            } else {
                fprintf(out, "\\x%02x", c);
            }
        }
    }
    fputs(shown < bytes.size ? "...\"" : "\"", out);
}

char *run_quoted(struct sipc_span bytes)
{
    struct run_text text;
    run_print_quoted(bytes, run_text_begin(&text));
    return run_text_end(&text);
}

char *run_data_text(struct sipc_span bytes)
{
    struct run_text text;

    if (bytes.size == 0) {
        return run_strdup("empty");
    }
    FILE *out = run_text_begin(&text);
    fprintf(out, "%zu byte%s ", bytes.size, bytes.size == 1 ? "" : "s");
    run_print_quoted(bytes, out);
    return run_text_end(&text);
}

/* ---- PDUs, steps, times ---- */

char *run_step_text(const struct sx_step *step)
{
    struct run_text text;
    sx_print_step(step, run_text_begin(&text));
    return run_text_end(&text);
}

const char *run_opcode_text(int opcode, char *buffer, size_t size)
{
    const char *name = sipc_opcode_name(opcode);
    if (name != NULL) {
        return name;
    }
    snprintf(buffer, size, "opcode(%d)", opcode);
    return buffer;
}

static void text_thousandths(int64_t thousandths, FILE *out)
{
    uint64_t size = thousandths < 0 ? 0 - (uint64_t)thousandths : (uint64_t)thousandths;
    int decimals = 3;

    fprintf(out, "%" PRIu64, size / 1000);
    size %= 1000;
    if (size == 0) {
        return;
    }
    for (; size % 10 == 0; size /= 10) {
        decimals--;
    }
    fprintf(out, ".%0*" PRIu64, decimals, size);
}

char *run_time_text(const struct sx_time *time)
{
    static const char *const units[SX_TIME_UNIT_COUNT] = {
        [SX_ACK_TIMEOUT] = "T",
        [SX_OPEN_TIMEOUT] = "*open_timeout",
        [SX_IDLE_TIMEOUT] = "*idle_timeout",
        [SX_ENQUIRE_LINK_INTERVAL] = "*enquire_link_interval",
        [SX_LINGER] = "*linger",
    };
    struct run_text text;
    FILE *out = run_text_begin(&text);

    for (size_t i = 0; i < time->count; i++) {
        const struct sx_time_term *term = &time->terms[i];
        if (i > 0 || term->thousandths < 0) {
            fputc(term->thousandths < 0 ? '-' : '+', out);
        }
        text_thousandths(term->thousandths, out);
        fputs(units[term->unit], out);
    }
    return run_text_end(&text);
}

char *run_ms_text(uint64_t ns)
{
    uint64_t fraction = ns % SIPC_NS_PER_MS;
    int decimals = 6;

    if (fraction == 0) {
        return run_printf("%" PRIu64 " ms", ns / SIPC_NS_PER_MS);
    }
    for (; fraction % 10 == 0; fraction /= 10) {
        decimals--;
    }
    return run_printf("%" PRIu64 ".%0*" PRIu64 " ms", ns / SIPC_NS_PER_MS, decimals, fraction);
}
