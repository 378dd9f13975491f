/* Text for JSON, terminals and, by pcapt/text.h, XML and HTML. What a peer or a SUT sends may be
 * any bytes and ends up here: nothing of it may become markup, or a command to a terminal. */
#include "internal.h"

#include <string.h>

json_t *report__string_of(const char *text, size_t size)
{
    char *clean = malloc(3 * size + 1);
    SIPC_ASSERT(clean != NULL);
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        const size_t step = pcapt_utf8_size((const unsigned char *)text + at, size - at);
        if (step == 0 || text[at] == '\0') {
            memcpy(clean + used, PCAPT_UTF8_BAD, 3);
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

void report__escape(const char *text, enum report_escape how, FILE *out)
{
    const unsigned char *at = (const unsigned char *)text;
    if (how == REPORT_XML) {
        pcapt_xml_escape(text, out);
        return;
    }
    for (size_t left = strlen(text); left > 0;) {
        const size_t size = pcapt_utf8_size(at, left);
        if (size == 1)
            escape_terminal(*at, how == REPORT_TEXT, out);
        else if (size > 1 && !pcapt_utf8_is_bad(at, size))
            fwrite(at, size, 1, out);
        else
            fputs(PCAPT_UTF8_BAD, out);
        at += size == 0 ? 1 : size;
        left -= size == 0 ? 1 : size;
    }
}

void conform_report_print_text(const char *text, FILE *out)
{
    report__escape(text, REPORT_TEXT, out);
}
