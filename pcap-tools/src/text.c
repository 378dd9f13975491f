/* UTF-8 and XML; see text.h. */
#include "pcapt/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

size_t pcapt_utf8_size(const unsigned char *text, size_t size)
{
    static const struct {
        unsigned char mask, lead, second_min, second_max;
        size_t size;
    } forms[] = {
        {0x80, 0x00, 0x00, 0x00, 1}, {0xe0, 0xc0, 0x80, 0xbf, 2}, {0xff, 0xe0, 0xa0, 0xbf, 3},
        {0xff, 0xed, 0x80, 0x9f, 3}, {0xf0, 0xe0, 0x80, 0xbf, 3}, {0xff, 0xf0, 0x90, 0xbf, 4},
        {0xff, 0xf4, 0x80, 0x8f, 4}, {0xfc, 0xf0, 0x80, 0xbf, 4},
    };
    if (text[0] == 0xc0 || text[0] == 0xc1)
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if ((text[0] & forms[i].mask) != forms[i].lead)
            continue;
        if (forms[i].size > size)
            return 0;
        if (forms[i].size > 1 && (text[1] < forms[i].second_min || text[1] > forms[i].second_max))
            return 0;
        for (size_t j = 2; j < forms[i].size; j++)
            if ((text[j] & 0xc0) != 0x80)
                return 0;
        return forms[i].size;
    }
    return 0;
}

bool pcapt_utf8_is_bad(const unsigned char *text, size_t size)
{
    return (size == 2 && text[0] == 0xc2 && text[1] < 0xa0) ||
           (size == 3 && text[0] == 0xef && text[1] == 0xbf && text[2] >= 0xbe);
}

size_t pcapt_text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void text_escape_byte(unsigned char c, FILE *out)
{
    switch (c) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    case '\'':
        fputs("&#39;", out);
        break;
    case '\t':
    case '\n':
        fputc(c, out);
        break;
    default:
        if (c < 0x20 || c == 0x7f)
            fputs(PCAPT_UTF8_BAD, out);
        else
            fputc(c, out);
    }
}

void pcapt_xml_escape(const char *text, FILE *out)
{
    const unsigned char *at = (const unsigned char *)text;
    for (size_t left = strlen(text); left > 0;) {
        const size_t size = pcapt_utf8_size(at, left);
        if (size == 1)
            text_escape_byte(*at, out);
        else if (size > 1 && !pcapt_utf8_is_bad(at, size))
            fwrite(at, size, 1, out);
        else
            fputs(PCAPT_UTF8_BAD, out);
        at += size == 0 ? 1 : size;
        left -= size == 0 ? 1 : size;
    }
}

static void text_seconds(uint64_t ns, FILE *out)
{
    const uint64_t ms = ns / 1000000;
    fprintf(out, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
}

void pcapt_xml(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%') {
            fputc(*at, out);
            continue;
        }
        switch (*++at) {
        case 's':
            pcapt_xml_escape(va_arg(args, const char *), out);
            break;
        case 'd':
            fprintf(out, "%d", va_arg(args, int));
            break;
        case 'u':
            fprintf(out, "%u", va_arg(args, unsigned));
            break;
        case 'z':
            if (*++at != 'u')
                abort();
            fprintf(out, "%zu", va_arg(args, size_t));
            break;
        case 'F':
            text_seconds(va_arg(args, uint64_t), out);
            break;
        case '%':
            fputc('%', out);
            break;
        default:
            abort(); /* a format this does not know is the programmer's error */
        }
    }
    va_end(args);
}
