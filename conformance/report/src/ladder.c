/* The exchange of a case as a sequence diagram: the harness's peers on the left, the SUT, its
 * application on the right; time runs down. Red is what no line of the script took. */
#include "internal.h"

#include <string.h>

enum {
    LADDER_ROWS = 60, /* the last ones: what goes wrong goes wrong at the end */
    LADDER_PEERS = 8, /* with lifelines of their own; more share the last */
    LADDER_TOP = 44,
    LADDER_ROW = 30,
    LADDER_TIME = 84,  /* width of the times on the left */
    LADDER_PEER = 110, /* between peers */
    LADDER_WIRE = 520, /* between the only peer and the SUT; with more, room is made for them */
    LADDER_WIRE_MIN = 330,
    LADDER_APPLICATION = 280,
    LADDER_CHARACTER = 74, /* tenths of a pixel: 12px monospace and a little air */
};

struct ladder {
    FILE *out;
    const char *peers[LADDER_PEERS];
    size_t peer_count;
    bool application;
    int wire, sut, app, width, height;
};

static size_t ladder_peer(const struct ladder *ladder, const char *name)
{
    for (size_t i = 0; i < ladder->peer_count; i++)
        if (strcmp(ladder->peers[i], name) == 0)
            return i;
    return ladder->peer_count;
}

static int ladder_peer_x(size_t index)
{
    return LADDER_TIME + 44 + LADDER_PEER * (int)index;
}

static bool ladder_is_wire(const json_t *entry)
{
    const char direction = report__text(entry, "direction")[0];
    return direction == '>' || direction == '<';
}

static void ladder_measure(struct ladder *ladder, const json_t *trace, size_t first, bool earlier)
{
    for (size_t i = first; i < json_array_size(trace); i++) {
        const json_t *entry = json_array_get(trace, i);
        if (!ladder_is_wire(entry)) {
            ladder->application = true;
            continue;
        }
        const char *peer = report__text(entry, "peer");
        if (ladder_peer(ladder, peer) == ladder->peer_count && ladder->peer_count < LADDER_PEERS)
            ladder->peers[ladder->peer_count++] = peer;
    }
    if (ladder->peer_count == 0)
        ladder->peers[ladder->peer_count++] = "P";
    ladder->wire = LADDER_WIRE - 60 * (int)(ladder->peer_count - 1);
    if (ladder->wire < LADDER_WIRE_MIN)
        ladder->wire = LADDER_WIRE_MIN;
    ladder->sut = ladder_peer_x(ladder->peer_count - 1) + ladder->wire;
    ladder->app = ladder->sut + LADDER_APPLICATION;
    ladder->width = (ladder->application ? ladder->app : ladder->sut) + 52;
    const size_t rows = json_array_size(trace) - first + earlier;
    ladder->height = LADDER_TOP + LADDER_ROW * (int)rows + 18;
}

static void ladder_lifeline(const struct ladder *ladder, int x, const char *name)
{
    report__xml(ladder->out,
                "<line class=\"life\" x1=\"%d\" y1=\"28\" x2=\"%d\" y2=\"%d\"/>"
                "<rect class=\"box\" x=\"%d\" y=\"4\" width=\"88\" height=\"24\" rx=\"5\"/>"
                "<text class=\"h\" x=\"%d\" y=\"20\" text-anchor=\"middle\">%s</text>\n",
                x, x, ladder->height - 6, x - 44, x, name);
}

/* `text` cut to what fits `pixels`, with the whole of it as a tooltip. */
static void ladder_label(const struct ladder *ladder, const char *text, int x, int y, int pixels)
{
    const size_t fits = (size_t)(pixels * 10 / LADDER_CHARACTER);
    report__xml(ladder->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", x, y);
    if (report__width(text) <= fits) {
        report__xml(ladder->out, "%s</text>", text);
        return;
    }
    size_t bytes = 0;
    for (size_t width = 0; width < fits; width++) {
        bytes++;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80)
            bytes++;
    }
    char *cut = strndup(text, bytes);
    SIPC_ASSERT(cut != NULL);
    report__xml(ladder->out, "%s\xe2\x80\xa6<title>%s</title></text>", cut, text);
    free(cut);
}

static void ladder_arrow(const struct ladder *ladder, int from, int to, int y, const char *class)
{
    const int back = to > from ? -8 : 8;
    report__xml(ladder->out,
                "<line class=\"%s\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
                "<path class=\"%s\" d=\"M%d %dl%d -4v8z\"/>",
                class, from, y, to + back / 2, y, strcmp(class, "app") == 0 ? "app-head" : "head",
                to, y, back);
}

static void ladder_row(const struct ladder *ladder, const json_t *entry, int y)
{
    const char direction = report__text(entry, "direction")[0];
    const char *text = report__text(entry, "text");
    const bool odd = report__odd(entry);
    report__xml(ladder->out,
                "<g><text class=\"t\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%F s</text>",
                LADDER_TIME - 12, y + 4, (uint64_t)report__number(entry, "at_ns"));
    fputs(odd ? "<g class=\"odd\">" : "<g>", ladder->out);
    if (ladder_is_wire(entry)) {
        size_t peer = ladder_peer(ladder, report__text(entry, "peer"));
        if (peer == ladder->peer_count)
            peer = LADDER_PEERS - 1;
        const int x = ladder_peer_x(peer);
        const int last = ladder_peer_x(ladder->peer_count - 1);
        ladder_label(ladder, text, (last + ladder->sut) / 2, y - 5, ladder->wire - 20);
        if (direction == '>')
            ladder_arrow(ladder, x, ladder->sut, y, "wire");
        else
            ladder_arrow(ladder, ladder->sut, x, y, "wire");
    } else {
        ladder_label(ladder, text, (ladder->sut + ladder->app) / 2, y - 5, LADDER_APPLICATION - 16);
        if (direction == '=')
            ladder_arrow(ladder, ladder->sut, ladder->app, y, "app");
        else
            ladder_arrow(ladder, ladder->app, ladder->sut, y, "app");
    }
    fputs("</g></g>\n", ladder->out);
}

void report__ladder(const struct conform_report_case *entry, FILE *out)
{
    const json_t *trace = entry->trace;
    const size_t count = json_array_size(trace);
    const size_t first = count > LADDER_ROWS ? count - LADDER_ROWS : 0;
    const size_t earlier = first + entry->trace_dropped;
    struct ladder ladder = {.out = out};
    if (count == 0)
        return;
    ladder_measure(&ladder, trace, first, earlier > 0);

    report__xml(
        out,
        "<div class=\"scroll\"><svg class=\"ladder\" role=\"img\" width=\"%d\" height=\"%d\""
        " viewBox=\"0 0 %d %d\"><title>The exchange of %s</title>\n",
        ladder.width, ladder.height, ladder.width, ladder.height, entry->name);
    for (size_t i = 0; i < ladder.peer_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "peer %s", ladder.peers[i]);
        ladder_lifeline(&ladder, ladder_peer_x(i), name);
    }
    ladder_lifeline(&ladder, ladder.sut, "SUT");
    if (ladder.application)
        ladder_lifeline(&ladder, ladder.app, "application");
    int y = LADDER_TOP + LADDER_ROW / 2;
    if (earlier > 0) {
        report__xml(out,
                    "<text class=\"t\" x=\"%d\" y=\"%d\">%zu earlier ones are not drawn</text>\n",
                    4, y, earlier);
        y += LADDER_ROW;
    }
    for (size_t i = first; i < count; i++, y += LADDER_ROW)
        ladder_row(&ladder, json_array_get(trace, i), y);
    fputs("</svg></div>\n", out);
}
