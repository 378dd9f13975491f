/* Ladder diagrams as SVG: lifelines side by side, time running down, arrows between them. This
 * draws; the caller knows what is where. Needs nothing but libc.
 *
 * Coordinates are pixels. Everything takes the colour of the group it is in (`currentColor`):
 * classes `odd` and `bad` are red, `warn` amber, `good` green, `app` blue, `soft` grey. Times and
 * other small print are class `t`. Lines of class `app` and `copy` are dashed.
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_LADDER_H
#define PCAPT_LADDER_H

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PCAPT_LADDER_HEAD = 28,  /* height of the boxes with the names of the lifelines */
    PCAPT_LADDER_BOX = 96,   /* their width */
    PCAPT_LADDER_GLYPH = 74, /* tenths of a pixel that a character of a text takes */
};

/* The style of diagrams, and the palette (`--ink`, `--soft`, `--line`, `--paper`, ... light and
 * dark), as CSS for the page they are in. */
void pcapt_ladder_style(FILE *out);

/* `alone`: a file of its own, which brings its style. The title is the tooltip of what has none. */
void pcapt_ladder_begin(FILE *out, int width, int height, const char *title, bool alone);
void pcapt_ladder_end(FILE *out);

void pcapt_ladder_lifeline(FILE *out, int x, int bottom, const char *name);

struct pcapt_ladder_text {
    int x, y;
    int pixels;         /* room: what does not fit is cut, and a tooltip has it; 0: no limit */
    const char *anchor; /* "start", "middle", "end": which part of the text is at x */
    const char *class;  /* NULL: none */
    const char *text;
};
void pcapt_ladder_text(FILE *out, const struct pcapt_ladder_text *text);

/* A line with a head at its end; `head` false, or no length: without. `class` NULL: none. */
void pcapt_ladder_arrow(FILE *out, int x1, int y1, int x2, int y2, const char *class, bool head);
/* What ends on the way. */
void pcapt_ladder_cross(FILE *out, int x, int y);

#ifdef __cplusplus
}
#endif
#endif
