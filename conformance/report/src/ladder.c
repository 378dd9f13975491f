/* The exchange of a case as a ladder diagram: the harness's peers on the left, the SUT, its
 * application on the right; time runs down. Red is what no line of the script took. */
#include "internal.h"

#include <string.h>

#include "pcapt/ladder.h"

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

/* What the link did to a datagram: in its place on the wire, without an arrow. */
static bool ladder_is_link(const json_t *entry)
{
    return report__text(entry, "direction")[0] == '~';
}

static void ladder_measure(struct ladder *ladder, const json_t *trace, size_t first, bool earlier)
{
    for (size_t i = first; i < json_array_size(trace); i++) {
        const json_t *entry = json_array_get(trace, i);
        if (!ladder_is_wire(entry)) {
            ladder->application |= !ladder_is_link(entry);
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

/* A label over an arrow. */
static void ladder_label(const struct ladder *ladder, const char *text, int x, int y, int pixels)
{
    pcapt_ladder_text(ladder->out,
                      &(struct pcapt_ladder_text){
                          .x = x, .y = y - 5, .pixels = pixels, .anchor = "middle", .text = text});
}

static void ladder_arrow(const struct ladder *ladder, int from, int to, int y, const char *class)
{
    pcapt_ladder_arrow(ladder->out, from, y, to, y, class, true);
}

static void ladder_row(const struct ladder *ladder, const json_t *entry, int y)
{
    const char direction = report__text(entry, "direction")[0];
    const char *text = report__text(entry, "text");
    const bool odd = report__odd(entry);
    pcapt_xml(ladder->out, "<g><text class=\"t\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%F s</text>",
              LADDER_TIME - 12, y + 4, (uint64_t)report__number(entry, "at_ns"));
    fputs(odd ? "<g class=\"odd\">" : "<g>", ladder->out);
    if (ladder_is_wire(entry)) {
        size_t peer = ladder_peer(ladder, report__text(entry, "peer"));
        if (peer == ladder->peer_count)
            peer = LADDER_PEERS - 1;
        const int x = ladder_peer_x(peer);
        const int last = ladder_peer_x(ladder->peer_count - 1);
        ladder_label(ladder, text, (last + ladder->sut) / 2, y, ladder->wire - 20);
        if (direction == '>')
            ladder_arrow(ladder, x, ladder->sut, y, NULL);
        else
            ladder_arrow(ladder, ladder->sut, x, y, NULL);
    } else if (ladder_is_link(entry)) {
        const int last = ladder_peer_x(ladder->peer_count - 1);
        ladder_label(ladder, text, (last + ladder->sut) / 2, y, ladder->wire - 20);
    } else {
        ladder_label(ladder, text, (ladder->sut + ladder->app) / 2, y, LADDER_APPLICATION - 16);
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

    char title[256];
    snprintf(title, sizeof title, "The exchange of %s", entry->name);
    fputs("<div class=\"scroll\">", out);
    pcapt_ladder_begin(out, ladder.width, ladder.height, title, false);
    for (size_t i = 0; i < ladder.peer_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "peer %s", ladder.peers[i]);
        pcapt_ladder_lifeline(out, ladder_peer_x(i), ladder.height - 6, name);
    }
    pcapt_ladder_lifeline(out, ladder.sut, ladder.height - 6, "SUT");
    if (ladder.application)
        pcapt_ladder_lifeline(out, ladder.app, ladder.height - 6, "application");
    int y = LADDER_TOP + LADDER_ROW / 2;
    if (earlier > 0) {
        pcapt_xml(out,
                  "<text class=\"t\" x=\"%d\" y=\"%d\">%zu earlier ones are not drawn</text>\n", 4,
                  y, earlier);
        y += LADDER_ROW;
    }
    for (size_t i = first; i < count; i++, y += LADDER_ROW)
        ladder_row(&ladder, json_array_get(trace, i), y);
    pcapt_ladder_end(out);
    fputs("</div>\n", out);
}
