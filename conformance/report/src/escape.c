/* Text for XML, HTML and terminals. What a peer or a SUT sends may be any bytes and ends up here:
 * nothing of it may become markup, or a command to a terminal. */
#include "internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Length of the UTF-8 character at `text` (`size` bytes left), 0 if there is none. */
static size_t escape_character(const unsigned char *text, size_t size)
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

json_t *report__string_of(const char *text, size_t size)
{
    char *clean = malloc(3 * size + 1);
    SIPC_ASSERT(clean != NULL);
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        const size_t step = escape_character((const unsigned char *)text + at, size - at);
        if (step == 0 || text[at] == '\0') {
            memcpy(clean + used, "\xef\xbf\xbd", 3); /* U+FFFD */
            used += 3;
            at++;
        } else {
            memcpy(clean + used, text + at, step);
            used += step;
            at += step;
        }
    }
    json_t *string = json_stringn(clean, used);
    free(clean);
    return string;
}

json_t *report__string(const char *text)
{
    return text == NULL ? NULL : report__string_of(text, strlen(text));
}

static void escape_xml(unsigned char c, FILE *out)
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
            fputs("\xef\xbf\xbd", out);
        else
            fputc(c, out);
    }
}

static void escape_terminal(unsigned char c, bool newline_stays, FILE *out)
{
    if (c == '\n' && newline_stays)
        fputc('\n', out);
    else if (c == '\n')
        fputs("\\n", out);
    else if (c == '\t')
        fputc(' ', out);
    else if (c < 0x20 || c == 0x7f)
        fprintf(out, "\\x%02x", c);
    else
        fputc(c, out);
}

/* C1 controls (U+0080..U+009F) command terminals too; U+FFFE and U+FFFF are not XML. */
static bool escape_is_bad(const unsigned char *text, size_t size)
{
    return (size == 2 && text[0] == 0xc2 && text[1] < 0xa0) ||
           (size == 3 && text[0] == 0xef && text[1] == 0xbf && text[2] >= 0xbe);
}

void report__escape(const char *text, enum report_escape how, FILE *out)
{
    const unsigned char *at = (const unsigned char *)text;
    for (size_t left = strlen(text); left > 0;) {
        const size_t size = escape_character(at, left);
        if (size == 1 && how == REPORT_XML)
            escape_xml(*at, out);
        else if (size == 1)
            escape_terminal(*at, how == REPORT_TEXT, out);
        else if (size > 1 && !escape_is_bad(at, size))
            fwrite(at, size, 1, out);
        else
            fputs("\xef\xbf\xbd", out);
        at += size == 0 ? 1 : size;
        left -= size == 0 ? 1 : size;
    }
}

void conform_report_print_text(const char *text, FILE *out)
{
    report__escape(text, REPORT_TEXT, out);
}

size_t report__width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void report__seconds(uint64_t ns, FILE *out)
{
    const uint64_t ms = ns / SIPC_NS_PER_MS;
    fprintf(out, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
}

void report__xml(FILE *out, const char *format, ...)
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
            report__escape(va_arg(args, const char *), REPORT_XML, out);
            break;
        case 'd':
            fprintf(out, "%d", va_arg(args, int));
            break;
        case 'u':
            fprintf(out, "%u", va_arg(args, unsigned));
            break;
        case 'z':
            SIPC_ASSERT(*++at == 'u');
            fprintf(out, "%zu", va_arg(args, size_t));
            break;
        case 'F':
            report__seconds(va_arg(args, uint64_t), out);
            break;
        default:
            SIPC_ASSERT(*at == '%');
            fputc('%', out);
        }
    }
    va_end(args);
}
