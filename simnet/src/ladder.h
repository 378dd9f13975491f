/* What a ladder diagram of a world is made of, between collecting it (ladder.c) and drawing it
 * (ladder_draw.c). */
#ifndef SIMNET_SRC_LADDER_H
#define SIMNET_SRC_LADDER_H

#include "containers.h"
#include "export.h"

enum ladder_kind {
    LADDER_NOTE,     /* of a host, beside its lifeline: `label` in `class` */
    LADDER_BANNER,   /* of the network, across all lifelines */
    LADDER_DATAGRAM, /* from `host` to `to` */
};
enum ladder_fate { LADDER_IN_FLIGHT, LADDER_ARRIVED, LADDER_DROPPED };

/* When something happened. Two points of one moment are told apart by their order. */
struct ladder_point {
    uint64_t order; /* counts the events that were seen, from 1 */
    sipc_time time_ns;
};

struct ladder_item {
    enum ladder_kind kind;
    simnet_host host, to;
    const char *class;              /* of ladder.css; NULL: plain */
    char *label, *tip;              /* tip: the tooltip, NULL: none */
    struct ladder_point start, end; /* end: of datagrams that arrived or were dropped */
    /* datagrams */
    uint64_t number;
    simnet_link link;
    struct simnet_pdu_key key;
    enum ladder_fate fate;
    enum simnet_stage stage; /* that dropped it */
    char harm[96];           /* what befell it on the way */
    const char *why;
    int y1, y2; /* drawing */
};

struct ladder {
    struct ladder_item *head, *tail; /* the first of the run; the last, a ring */
    size_t head_count, head_max, tail_first, tail_count, tail_max;
    uint64_t order;
    uint64_t forgotten;       /* items that are in neither any more */
    uint64_t forgotten_order; /* of the last of them */
    sipc_time forgotten_from_ns, forgotten_to_ns;
    uint64_t failures;
    struct simnet_map places; /* of datagrams by number: 1 + place, head first, then tail */
};

/* The items in order of their start. */
size_t ladder_count(const struct ladder *ladder);
struct ladder_item *ladder_at(const struct ladder *ladder, size_t index);

/* Writes the diagram, alone or in a page. */
void ladder_draw(struct simnet_export *export, struct ladder *ladder);

#endif
