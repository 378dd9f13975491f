/* Draws the ladder diagram of a world: hosts side by side, time running down. Order is exact, time
 * is not to scale: each step down is the longer the more time passes, but by its logarithm, and
 * silence is cut short. Two passes over the points in their order: the first gives each its height,
 * the second draws. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ladder.h"
#include "pcapt/ladder.h"
#include "pcapt/text.h"

enum {
    DRAW_COLUMNS = 16, /* hosts with a lifeline */
    DRAW_TOP = 48,
    DRAW_TIME = 92,     /* width of the times on the left */
    DRAW_NOTES = 250,   /* of the margins beside the outer lifelines */
    DRAW_LABELLED = 18, /* below what stands above on the same side of the same lifeline */
    DRAW_ARRIVAL = 11,
    DRAW_NOTE = 17,
    DRAW_BANNER_LINE = 17,
    DRAW_SILENCE = 16, /* times the usual step: how long a silence is */
    DRAW_GLYPH = PCAPT_LADDER_GLYPH,
    PAGE_LINKS = 50, /* in the table */
};

extern const char simnet_page_css[]; /* page.css */
extern const size_t simnet_page_css_size;

struct draw_point {
    struct ladder_point when;
    struct ladder_item *item;
    bool end;
};
struct draw_mark { /* a time on the left, or a silence: of `ns` */
    int y;
    sipc_time ns;
    bool silence;
};

struct draw {
    FILE *out;
    struct simnet_export *export;
    struct ladder *ladder;
    simnet_host hosts[DRAW_COLUMNS];
    size_t columns, hidden_hosts;
    int x[DRAW_COLUMNS], gap, width, height;
    struct draw_point *points;
    size_t point_count;
    struct draw_mark *marks;
    size_t mark_count;
    sipc_time usual_ns; /* the median of the steps in time that are not 0 */
    /* while heights are given */
    int y;
    sipc_time time_ns;
    int wires[DRAW_COLUMNS], notes[DRAW_COLUMNS]; /* lowest that is taken */
    struct ladder_item forgotten;                 /* the banner that tells of them */
    char forgotten_label[160];
};

/* ---- text ---- */

/* Seconds, by microseconds where that is all. */
static void draw_time(sipc_time ns, char *out, size_t size)
{
    if (ns % 1000 == 0)
        snprintf(out, size, "%" PRIu64 ".%06" PRIu64, ns / 1000000000, ns % 1000000000 / 1000);
    else
        snprintf(out, size, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

static void draw_text(const struct draw *draw, int x, int y, int pixels, const char *anchor,
                      const char *class, const char *text)
{
    pcapt_ladder_text(draw->out, &(struct pcapt_ladder_text){x, y, pixels, anchor, class, text});
}

/* ---- columns ---- */

static size_t draw_column(const struct draw *draw, simnet_host host)
{
    size_t column = 0;

    while (column < draw->columns && draw->hosts[column] != host)
        column++;
    return column; /* draw->columns: none */
}

/* How many items each host is part of. */
static uint64_t *draw_count_hosts(const struct draw *draw, size_t count)
{
    uint64_t *items = simnet_allocate(count + 1, sizeof *items);

    for (size_t i = 0; i < ladder_count(draw->ladder); i++) {
        const struct ladder_item *item = ladder_at(draw->ladder, i);
        if (item->kind != LADDER_BANNER && item->host < count)
            items[item->host]++;
        if (item->kind == LADDER_DATAGRAM && item->to < count)
            items[item->to]++;
    }
    return items;
}

/* The hosts with most to show, in their order. */
static void draw_find_hosts(struct draw *draw)
{
    size_t count = simnet_host_count(draw->export->world);
    uint64_t *items = draw_count_hosts(draw, count);
    bool *chosen = simnet_allocate(count + 1, sizeof *chosen);

    for (size_t n = 0; n < DRAW_COLUMNS; n++) {
        size_t most = count; /* has 0 */
        for (size_t host = 0; host < count; host++)
            if (!chosen[host] && items[host] > items[most])
                most = host;
        chosen[most] = true;
    }
    for (simnet_host host = 0; host < count; host++) {
        if (chosen[host])
            draw->hosts[draw->columns++] = host;
        else
            draw->hidden_hosts += items[host] > 0;
    }
    free(items);
    free(chosen);
}

static void draw_find_columns(struct draw *draw)
{
    draw_find_hosts(draw);
    draw->gap = draw->columns <= 2 ? 540 : draw->columns == 3 ? 350 : 300;
    int x = DRAW_TIME + (draw->columns < 2 ? PCAPT_LADDER_BOX / 2 + 8 : DRAW_NOTES);
    for (size_t i = 0; i < draw->columns; i++, x += draw->gap)
        draw->x[i] = x;
    if (draw->columns == 0)
        x += draw->gap;
    draw->width = x - draw->gap + DRAW_NOTES + 20;
    if (draw->width < 720)
        draw->width = 720;
}

/* Whether it touches only hosts that have a column. */
static bool draw_shows(const struct draw *draw, const struct ladder_item *item)
{
    if (item->kind == LADDER_BANNER)
        return true;
    if (draw_column(draw, item->host) == draw->columns)
        return false;
    return item->kind == LADDER_NOTE || item->to == SIMNET_NONE ||
           draw_column(draw, item->to) < draw->columns;
}

static bool draw_notes_left(const struct draw *draw, size_t column)
{
    return column == 0 && draw->columns > 1;
}

/* ---- points in their order ---- */

static int draw_compare_points(const void *a, const void *b)
{
    const struct draw_point *p = a, *q = b;

    if (p->when.order != q->when.order)
        return p->when.order < q->when.order ? -1 : 1;
    return (p->item->key.copy > q->item->key.copy) - (p->item->key.copy < q->item->key.copy);
}

static int draw_compare_times(const void *a, const void *b)
{
    const sipc_time *p = a, *q = b;

    return (*p > *q) - (*p < *q);
}

/* A banner where the first of the run end and the last begin. */
static void draw_tell_forgotten(struct draw *draw)
{
    const struct ladder *ladder = draw->ladder;
    char from[32], to[32];

    if (ladder->forgotten == 0)
        return;
    draw_time(ladder->forgotten_from_ns, from, sizeof from);
    draw_time(ladder->forgotten_to_ns, to, sizeof to);
    snprintf(draw->forgotten_label, sizeof draw->forgotten_label,
             "%" PRIu64 " more datagrams and notes, from %s s to %s s, are not drawn",
             ladder->forgotten, from, to);
    draw->forgotten =
        (struct ladder_item){.kind = LADDER_BANNER,
                             .class = "soft",
                             .label = draw->forgotten_label,
                             .start = {ladder->forgotten_order, ladder->forgotten_to_ns}};
    draw->points[draw->point_count++] =
        (struct draw_point){draw->forgotten.start, &draw->forgotten, false};
}

static void draw_find_points(struct draw *draw)
{
    size_t count = ladder_count(draw->ladder), steps = 0;

    draw->points = simnet_allocate(2 * count + 2, sizeof *draw->points);
    draw->marks = simnet_allocate(4 * count + 4, sizeof *draw->marks);
    for (size_t i = 0; i < count; i++) {
        struct ladder_item *item = ladder_at(draw->ladder, i);
        if (!draw_shows(draw, item))
            continue;
        draw->points[draw->point_count++] = (struct draw_point){item->start, item, false};
        if (item->kind == LADDER_DATAGRAM && item->fate != LADDER_IN_FLIGHT)
            draw->points[draw->point_count++] = (struct draw_point){item->end, item, true};
    }
    draw_tell_forgotten(draw);
    qsort(draw->points, draw->point_count, sizeof *draw->points, draw_compare_points);

    sipc_time *times = simnet_allocate(draw->point_count + 1, sizeof *times);
    for (size_t i = 1; i < draw->point_count; i++) {
        sipc_time step = draw->points[i].when.time_ns - draw->points[i - 1].when.time_ns;
        if (step > 0)
            times[steps++] = step;
    }
    qsort(times, steps, sizeof *times, draw_compare_times);
    draw->usual_ns = steps > 3 ? times[steps / 2] : SIPC_NEVER / DRAW_SILENCE;
    free(times);
}

/* ---- heights ---- */

static int draw_bits(uint64_t value)
{
    int bits = 0;

    for (; value > 0; value >>= 1)
        bits++;
    return bits;
}

static void draw_mark(struct draw *draw, int y, sipc_time ns, bool silence)
{
    draw->marks[draw->mark_count++] = (struct draw_mark){y, ns, silence};
}

/* Time passes until the next point. */
static void draw_pass(struct draw *draw, sipc_time now)
{
    sipc_time step = now - draw->time_ns;

    if (step == 0)
        return;
    if (step > DRAW_SILENCE * draw->usual_ns) {
        draw->y += 30;
        draw_mark(draw, draw->y, step, true);
        draw->y += 24;
    } else {
        draw->y += 14 + 2 * draw_bits(step / 1000);
    }
    draw->time_ns = now;
}

static void draw_below(struct draw *draw, int *taken, int distance)
{
    if (draw->y < *taken + distance)
        draw->y = *taken + distance;
    *taken = draw->y;
}

/* Bytes of `text` that make one line of at most `fits` characters, broken at a blank if there is
 * one. */
static size_t draw_line_bytes(const char *text, size_t fits)
{
    size_t bytes = 0, blank = 0, width = 0;

    for (; text[bytes] != '\0'; bytes++) {
        width += ((unsigned char)text[bytes] & 0xc0) != 0x80;
        if (width > fits)
            return blank ? blank : bytes;
        if (text[bytes] == ' ')
            blank = bytes;
    }
    return bytes;
}

static size_t draw_banner_fits(const struct draw *draw)
{
    return (size_t)(draw->width - DRAW_TIME - 32) * 10 / DRAW_GLYPH;
}

static int draw_banner_lines(const struct draw *draw, const struct ladder_item *item)
{
    size_t fits = draw_banner_fits(draw);
    int lines = 0;

    for (const char *text = item->label; *text != '\0'; lines++) {
        text += draw_line_bytes(text, fits);
        text += *text == ' ';
    }
    return lines;
}

static void draw_put_banner(struct draw *draw, struct ladder_item *item)
{
    for (size_t i = 0; i < draw->columns; i++) {
        if (draw->y < draw->wires[i])
            draw->y = draw->wires[i];
        if (draw->y < draw->notes[i])
            draw->y = draw->notes[i];
    }
    draw->y += DRAW_NOTE;
    item->y1 = draw->y;
    draw->y += DRAW_BANNER_LINE * draw_banner_lines(draw, item);
}

static void draw_put(struct draw *draw, const struct draw_point *point)
{
    struct ladder_item *item = point->item;
    size_t column = draw_column(draw, item->host);

    if (item->kind == LADDER_BANNER) {
        draw_put_banner(draw, item);
        return;
    }
    if (item->kind == LADDER_NOTE) {
        if (column > 0 && column + 1 < draw->columns) /* it stands where labels do */
            draw_below(draw, &draw->wires[column], DRAW_LABELLED);
        draw_below(draw, &draw->notes[column], DRAW_NOTE);
        item->y1 = draw->y;
        draw->wires[column] += draw->wires[column] == draw->y ? 6 : 0; /* room for its text */
    } else if (!point->end) {
        if (item->key.copy == 0)
            draw_below(draw, &draw->wires[column], DRAW_LABELLED);
        item->y1 = draw->y; /* a copy: where the datagram itself is, right before it */
    } else {
        if (item->fate == LADDER_ARRIVED && item->to != SIMNET_NONE)
            draw_below(draw, &draw->wires[draw_column(draw, item->to)], DRAW_ARRIVAL);
        item->y2 = draw->y;
    }
}

static int draw_height(const struct draw_point *point)
{
    return point->end ? point->item->y2 : point->item->y1;
}

static void draw_heights(struct draw *draw)
{
    sipc_time marked_ns = SIPC_NEVER;

    for (size_t i = 0; i < draw->columns; i++)
        draw->wires[i] = draw->notes[i] = DRAW_TOP - DRAW_LABELLED;
    draw->y = DRAW_TOP;
    draw->time_ns = draw->point_count ? draw->points[0].when.time_ns : 0;
    for (size_t i = 0; i < draw->point_count; i++) {
        draw_pass(draw, draw->points[i].when.time_ns);
        draw_put(draw, &draw->points[i]);
        if (draw->time_ns != marked_ns)
            draw_mark(draw, draw_height(&draw->points[i]), draw->time_ns, false);
        marked_ns = draw->time_ns;
    }
    draw->height = draw->y + 40;
    for (size_t i = 0; i < draw->point_count; i++)
        if (draw->points[i].item->fate == LADDER_IN_FLIGHT)
            draw->points[i].item->y2 = draw->height - 12;
}

/* ---- drawing ---- */

static void draw_marks(const struct draw *draw)
{
    int left = draw->columns > 1 ? draw->x[0] : DRAW_TIME;
    int right = draw->columns > 1 ? draw->x[draw->columns - 1] : draw->width - 20;
    int middle = (left + right) / 2;

    for (size_t i = 0; i < draw->mark_count; i++) {
        const struct draw_mark *mark = &draw->marks[i];
        char text[64], label[96];
        if (!mark->silence) {
            draw_time(mark->ns, text, sizeof text);
            draw_text(draw, DRAW_TIME - 12, mark->y + 4, 0, "end", "t", text);
            fputc('\n', draw->out);
            continue;
        }
        export_name_span(mark->ns, text, sizeof text);
        snprintf(label, sizeof label, "%s of silence", text);
        draw_text(draw, middle, mark->y + 4, 0, "middle", "t over", label);
        fputs("<g class=\"soft\">", draw->out);
        pcapt_ladder_arrow(draw->out, left, mark->y, middle - 90, mark->y, "copy", false);
        pcapt_ladder_arrow(draw->out, middle + 90, mark->y, right, mark->y, "copy", false);
        fputs("</g>\n", draw->out);
    }
}

static void draw_tip(const struct draw *draw, const struct ladder_item *item)
{
    char start[32], end[32], span[32];

    draw_time(item->start.time_ns, start, sizeof start);
    draw_time(item->end.time_ns, end, sizeof end);
    export_name_span(item->end.time_ns - item->start.time_ns, span, sizeof span);
    pcapt_xml(draw->out, "<title>%s\n", item->tip);
    if (*item->harm)
        pcapt_xml(draw->out, "%s\n", item->harm);
    pcapt_xml(draw->out, "sent %s s, ", start);
    if (item->fate == LADDER_IN_FLIGHT)
        pcapt_xml(draw->out, "still on its way</title>");
    else if (item->fate == LADDER_ARRIVED)
        pcapt_xml(draw->out, "arrived %s s, %s later</title>", end, span);
    else
        pcapt_xml(draw->out, "dropped %s s at %s: %s</title>", end, simnet_stage_name(item->stage),
                  item->why);
}

/* Where an arrow to `to` leads: beside the sender if that is nobody. */
static int draw_target(const struct draw *draw, const struct ladder_item *item, size_t from)
{
    size_t to = draw_column(draw, item->to);

    if (to < draw->columns)
        return draw->x[to];
    return draw->x[from] + (from > 0 && from + 1 == draw->columns ? -draw->gap : draw->gap);
}

static void draw_way(const struct draw *draw, const struct ladder_item *item, int x1, int y1,
                     int x2)
{
    int way = x2 < x1 ? -1 : 1;
    bool routed = item->link != SIMNET_NONE;
    bool far = item->stage == SIMNET_STAGE_ARRIVE && item->to != SIMNET_NONE && routed;
    int x = far ? x2 - 14 * way : x1 + (routed ? x2 - x1 : draw->gap * way) * 62 / 100;
    char why[128];

    if (item->fate == LADDER_ARRIVED) {
        pcapt_ladder_arrow(draw->out, x1, y1, x2, item->y2, item->class, true);
        return;
    }
    if (item->fate == LADDER_IN_FLIGHT) {
        pcapt_ladder_arrow(draw->out, x1, y1, x1 + (x2 - x1) * 85 / 100, item->y2, "copy", false);
        return;
    }
    pcapt_ladder_arrow(draw->out, x1, y1, x, item->y2, item->class, false);
    snprintf(why, sizeof why, "%s", item->why);
    fputs("<g class=\"bad\">", draw->out);
    pcapt_ladder_cross(draw->out, x, item->y2);
    if (far)
        draw_text(draw, x - 12 * way, item->y2 + 15, draw->gap / 2, way > 0 ? "end" : "start",
                  "over", why);
    else
        draw_text(draw, x + 11 * way, item->y2 + 4, draw->gap * 35 / 100, way > 0 ? "start" : "end",
                  "over", why);
    fputs("</g>", draw->out);
}

static void draw_datagram(const struct draw *draw, const struct ladder_item *item)
{
    size_t from = draw_column(draw, item->host);
    int x1 = draw->x[from], x2 = draw_target(draw, item, from);
    int way = x2 < x1 ? -1 : 1;
    bool copy = item->key.copy > 0, lost = item->fate == LADDER_DROPPED;
    char label[EXPORT_NAME_BYTES + sizeof item->harm], number[32];

    pcapt_xml(draw->out, "<g class=\"pdu%s%s\">", lost || copy ? " soft" : "",
              item->class && strcmp(item->class, "warn") == 0 ? " warn" : "");
    draw_tip(draw, item);
    if (x1 == x2) { /* to itself: out and back */
        int turn = (item->y1 + item->y2) / 2;
        pcapt_ladder_arrow(draw->out, x1, item->y1, x1 + 60, turn, item->class, false);
        draw_way(draw, item, x1 + 60, turn, x2);
    } else {
        draw_way(draw, item, x1, item->y1, x2);
    }
    snprintf(label, sizeof label, "%s%s%s", item->label, *item->harm ? " \xe2\x80\xa2 " : "",
             item->harm);
    snprintf(number, sizeof number, "copy %u", item->key.copy);
    if (!copy)
        draw_text(draw, x1 + 10 * way, item->y1 - 4, draw->gap - 24, way > 0 ? "start" : "end",
                  "over", label);
    else if (item->fate == LADDER_ARRIVED)
        draw_text(draw, x2 - 14 * way, item->y2 - 5, 0, way > 0 ? "end" : "start", "over", number);
    fputs("</g>\n", draw->out);
}

static void draw_note(const struct draw *draw, const struct ladder_item *item)
{
    size_t column = draw_column(draw, item->host);
    bool left = draw_notes_left(draw, column);
    bool outer = left || column + 1 == draw->columns;
    int x = draw->x[column];

    pcapt_xml(draw->out, "<g class=\"note %s\"><circle cx=\"%d\" cy=\"%d\" r=\"3.2\"/>",
              item->class, x, item->y1);
    draw_text(draw, left ? x - 11 : x + 11, item->y1 + 4, outer ? DRAW_NOTES - 20 : draw->gap - 24,
              left ? "end" : "start", "over", item->label);
    fputs("</g>\n", draw->out);
}

static void draw_banner(const struct draw *draw, const struct ladder_item *item)
{
    size_t fits = draw_banner_fits(draw);
    int lines = draw_banner_lines(draw, item), y = item->y1 + 4;
    const char *text = item->label;

    pcapt_xml(draw->out,
              "<g class=\"banner %s\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\""
              "/>",
              item->class, DRAW_TIME, item->y1 - 11, draw->width - DRAW_TIME - 12,
              DRAW_BANNER_LINE * lines + 5);
    while (*text != '\0') {
        size_t bytes = draw_line_bytes(text, fits);
        char *line = strndup(text, bytes);
        SIPC_ASSERT(line != NULL);
        draw_text(draw, DRAW_TIME + 10, y, 0, "start", NULL, line);
        free(line);
        text += bytes;
        text += *text == ' ';
        y += DRAW_BANNER_LINE;
    }
    fputs("</g>\n", draw->out);
}

/* Arrows lie over banners, notes over arrows. */
static void draw_items(const struct draw *draw)
{
    for (size_t i = 0; i < draw->point_count; i++)
        if (draw->points[i].item->kind == LADDER_BANNER)
            draw_banner(draw, draw->points[i].item);
    for (size_t i = 0; i < draw->point_count; i++)
        if (!draw->points[i].end && draw->points[i].item->kind == LADDER_DATAGRAM)
            draw_datagram(draw, draw->points[i].item);
    for (size_t i = 0; i < draw->point_count; i++)
        if (draw->points[i].item->kind == LADDER_NOTE)
            draw_note(draw, draw->points[i].item);
}

static void draw_svg(const struct draw *draw, bool alone)
{
    char title[256];

    snprintf(title, sizeof title, "%s%sseed %" PRIu64,
             draw->export->options.scenario ? draw->export->options.scenario : "",
             draw->export->options.scenario ? ", " : "", simnet_world_seed(draw->export->world));
    pcapt_ladder_begin(draw->out, draw->width, draw->height, title, alone);
    for (size_t i = 0; i < draw->columns; i++)
        pcapt_ladder_lifeline(draw->out, draw->x[i], draw->height - 6,
                              export_host_name(draw->export, draw->hosts[i]));
    draw_marks(draw);
    draw_items(draw);
    if (draw->point_count == 0)
        draw_text(draw, DRAW_TIME, DRAW_TOP + 20, 0, "start", "t", "nothing happened");
    if (draw->hidden_hosts > 0) {
        snprintf(title, sizeof title, "%zu more hosts are not drawn", draw->hidden_hosts);
        draw_text(draw, draw->width - 12, 20, 0, "end", "t", title);
    }
    pcapt_ladder_end(draw->out);
}

/* ---- the page ---- */

static void page_head(const struct draw *draw)
{
    const struct simnet_export *export = draw->export;
    const char *name = export->options.scenario ? export->options.scenario : "A simulation";

    pcapt_xml(draw->out,
              "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<title>%s \xc2\xb7 simnet</title>\n<style>\n",
              name);
    pcapt_ladder_style(draw->out);
    fwrite(simnet_page_css, simnet_page_css_size, 1, draw->out);
    pcapt_xml(draw->out,
              "</style>\n</head>\n<body>\n<main>\n<div class=\"eyebrow\">ScalableIPC"
              " simulation</div>\n<h1>%s</h1>\n",
              name);
}

static void page_failure(const struct draw *draw)
{
    const struct simnet_failure *failure = simnet_world_failure(draw->export->world);
    char at[32];

    if (failure == NULL) {
        fputs("<div class=\"verdict pass\">\xe2\x9c\x93 no check failed</div>\n", draw->out);
        return;
    }
    const char *rule = export_rule_name(failure->rule);
    draw_time(failure->time_ns, at, sizeof at);
    pcapt_xml(draw->out,
              "<div class=\"verdict fail\">\xe2\x9c\x97 %s%s%s at %s s</div>\n<p"
              " class=\"alert\">%s</p>\n",
              failure->invariant, rule ? ", " : "", rule ? rule : "", at, failure->text);
}

static void page_about(const struct draw *draw)
{
    const struct simnet_world *world = draw->export->world;
    char seed[24], events[24], now[32];

    snprintf(seed, sizeof seed, "%" PRIu64, simnet_world_seed(world));
    snprintf(events, sizeof events, "%" PRIu64, simnet_world_events(world));
    draw_time(simnet_world_now(world), now, sizeof now);
    pcapt_xml(draw->out,
              "<dl><dt>seed</dt><dd>%s</dd><dt>virtual time</dt><dd>%s s</dd><dt>events"
              "</dt><dd>%s</dd>",
              seed, now, events);
    if (draw->export->options.command != NULL)
        pcapt_xml(draw->out, "<dt>to see it again</dt><dd><code>%s</code></dd>",
                  draw->export->options.command);
    fputs("</dl>\n", draw->out);
}

static void page_legend(const struct draw *draw)
{
    fputs("<p class=\"soft\">Time runs down. The order of events is exact; the scale is not:"
          " the steps grow with the logarithm of time, and silence is cut short. Times on the left"
          " are virtual seconds. Each arrow has a tooltip; "
          "<code>first</code>, <code>end</code>, <code>last</code> and <code>full</code> are the"
          " options first_in_window_group, last_in_window_group, last_in_window and"
          " is_window_full.</p>\n<p class=\"legend\">"
          "<span><b class=\"ink\">&#8594;</b> datagram</span>"
          "<span><b class=\"soft\">&#8674;</b> copy made by the network, or still on its way</span>"
          "<span><b class=\"warn\">&#8594;</b> corrupted</span>"
          "<span><b class=\"bad\">&#215;</b> dropped, and why</span>"
          "<span><b class=\"app\">&#9679;</b> application</span>"
          "<span><b class=\"soft\">&#9679;</b> state of the session</span>"
          "<span><b class=\"good\">&#9679;</b> ended well</span>"
          "<span><b class=\"bad\">&#9679;</b> failed</span></p>\n",
          draw->out);
}

static void page_links(const struct draw *draw)
{
    const struct simnet_world *world = draw->export->world;
    size_t count = simnet_link_count(world);

    fputs("<h2>Links</h2>\n<div class=\"scroll\"><table><tr><th>link</th><th>entered</th>"
          "<th>copies</th><th>arrived</th><th>dropped</th><th>where</th></tr>\n",
          draw->out);
    for (simnet_link i = 0; i < count && i < PAGE_LINKS; i++) {
        struct simnet_link_stats stats;
        bool first = true;
        simnet_link_stats(world, i, &stats);
        pcapt_xml(draw->out, "<tr><td><code>%s</code></td>", simnet_link_name(world, i));
        fprintf(draw->out,
                "<td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64
                "</td><td class=\"soft\">",
                stats.entered, stats.duplicated, stats.arrived, stats.dropped_total);
        for (int stage = 0; stage < SIMNET_STAGE_COUNT; stage++)
            if (stats.dropped[stage] > 0) {
                fprintf(draw->out, "%s%" PRIu64 " %s", first ? "" : ", ", stats.dropped[stage],
                        simnet_stage_name((enum simnet_stage)stage));
                first = false;
            }
        fputs("</td></tr>\n", draw->out);
    }
    if (count > PAGE_LINKS)
        pcapt_xml(draw->out, "<tr><td colspan=\"6\" class=\"soft\">%zu more links</td></tr>\n",
                  count - PAGE_LINKS);
    fputs("</table></div>\n", draw->out);
}

static void draw_page(const struct draw *draw)
{
    page_head(draw);
    page_failure(draw);
    page_about(draw);
    page_legend(draw);
    fputs("<div class=\"scroll\">\n", draw->out);
    draw_svg(draw, false);
    fputs("</div>\n", draw->out);
    page_links(draw);
    fputs("</main>\n</body>\n</html>\n", draw->out);
}

void ladder_draw(struct simnet_export *export, struct ladder *ladder)
{
    struct draw draw = {.out = export->file, .export = export, .ladder = ladder};

    draw_find_columns(&draw);
    draw_find_points(&draw);
    draw_heights(&draw);
    if (export->kind == SIMNET_EXPORT_SVG)
        draw_svg(&draw, true);
    else
        draw_page(&draw);
    free(draw.points);
    free(draw.marks);
}
