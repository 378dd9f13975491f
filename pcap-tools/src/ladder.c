/* Ladder diagrams; see ladder.h. Integers alone, so that the same run is the same file everywhere.
 */
#include "pcapt/ladder.h"

#include <stdlib.h>
#include <string.h>

#include "pcapt/text.h"

extern const char pcapt_ladder_css[]; /* ladder.css */
extern const size_t pcapt_ladder_css_size;

void pcapt_ladder_style(FILE *out)
{
    fwrite(pcapt_ladder_css, pcapt_ladder_css_size, 1, out);
}

void pcapt_ladder_begin(FILE *out, int width, int height, const char *title, bool alone)
{
    fputs(alone ? "<svg xmlns=\"http://www.w3.org/2000/svg\"" : "<svg", out);
    pcapt_xml(out,
              " class=\"ladder\" role=\"img\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">"
              "<title>%s</title>\n",
              width, height, width, height, title);
    if (!alone)
        return;
    fputs("<style>\n", out);
    pcapt_ladder_style(out);
    fputs("</style>\n<rect width=\"100%\" height=\"100%\" style=\"fill: var(--paper)\"/>\n", out);
}

void pcapt_ladder_end(FILE *out)
{
    fputs("</svg>\n", out);
}

void pcapt_ladder_lifeline(FILE *out, int x, int bottom, const char *name)
{
    const struct pcapt_ladder_text text = {
        .x = x, .y = 20, .pixels = PCAPT_LADDER_BOX - 4, "middle", "h", name};
    pcapt_xml(out,
              "<line class=\"life\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
              "<rect class=\"box\" x=\"%d\" y=\"4\" width=\"%d\" height=\"24\" rx=\"5\"/>",
              x, PCAPT_LADDER_HEAD, x, bottom, x - PCAPT_LADDER_BOX / 2, PCAPT_LADDER_BOX);
    pcapt_ladder_text(out, &text);
    fputc('\n', out);
}

/* Bytes of the first `characters` characters, of which there are more. */
static size_t ladder_cut(const char *text, size_t characters)
{
    size_t bytes = 0;
    for (size_t i = 0; i < characters; i++) {
        bytes++;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80)
            bytes++;
    }
    return bytes;
}

void pcapt_ladder_text(FILE *out, const struct pcapt_ladder_text *text)
{
    const size_t fits = (size_t)text->pixels * 10 / PCAPT_LADDER_GLYPH;
    pcapt_xml(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\"", text->x, text->y, text->anchor);
    if (text->class != NULL)
        pcapt_xml(out, " class=\"%s\"", text->class);
    if (text->pixels == 0 || pcapt_text_width(text->text) <= fits) {
        pcapt_xml(out, ">%s</text>", text->text);
        return;
    }
    char *cut = strndup(text->text, ladder_cut(text->text, fits > 0 ? fits - 1 : 0));
    if (cut == NULL)
        abort();
    pcapt_xml(out, ">%s\xe2\x80\xa6<title>%s</title></text>", cut, text->text);
    free(cut);
}

/* The root of a square, rounded down. */
static long long ladder_root(long long square)
{
    long long root = 0;
    for (long long bit = 1LL << 31; bit > 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= square)
            root += bit;
    return root;
}

/* Thousandths as a decimal number. */
static void ladder_thousandths(FILE *out, long long value)
{
    const long long size = value < 0 ? -value : value;
    fprintf(out, "%s%lld.%03lld ", value < 0 ? "-" : "", size / 1000, size % 1000);
}

static void ladder_head(FILE *out, int x, int y, long long dx, long long dy, const char *class)
{
    const long long length = ladder_root(dx * dx + dy * dy);
    if (length == 0)
        return;
    fputs("<path transform=\"matrix(", out);
    ladder_thousandths(out, dx * 1000 / length);
    ladder_thousandths(out, dy * 1000 / length);
    ladder_thousandths(out, -dy * 1000 / length);
    ladder_thousandths(out, dx * 1000 / length);
    pcapt_xml(out, "%d %d)\" class=\"head%s%s\" d=\"M0 0l-9 -4v8z\"/>", x, y, class ? " " : "",
              class ? class : "");
}

void pcapt_ladder_arrow(FILE *out, int x1, int y1, int x2, int y2, const char *class, bool head)
{
    pcapt_xml(out, "<path class=\"line%s%s\" d=\"M%d %dL%d %d\"/>", class ? " " : "",
              class ? class : "", x1, y1, x2, y2);
    if (head)
        ladder_head(out, x2, y2, x2 - x1, y2 - y1, class);
}

void pcapt_ladder_cross(FILE *out, int x, int y)
{
    pcapt_xml(out, "<path class=\"cross\" d=\"M%d %dl10 10m0 -10l-10 10\"/>", x - 5, y - 5);
}
