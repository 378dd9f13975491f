/* The walker of pcapng blocks, the mirror of the writer: private to the source. */
#ifndef PCAPT_READ_BLOCKS_H
#define PCAPT_READ_BLOCKS_H

#include "pcapt/source.h"

struct blocks_interface {
    char *name, *description;
    uint32_t link_type, snap_length;
    uint8_t resolution; /* as the block has it: 10^-n, or 2^-n with the top bit set */
    uint64_t offset_s;  /* added to times */
    uint64_t drops;     /* by its statistics */
};

struct blocks {
    FILE *file;      /* borrowed */
    uint64_t offset; /* of what is read next */
    bool swapped;    /* the section has the other byte order */
    bool in_section;
    struct blocks_interface *interfaces; /* of the section */
    uint32_t count, capacity;
    uint32_t base;               /* interfaces of the sections before */
    uint64_t drops;              /* of the sections before */
    uint64_t last_ns;            /* of the packet before: simple packets have no time */
    char *application, *comment; /* of the section */
    uint8_t *body;
    size_t body_capacity;
    char *text; /* comments of the packet */
    size_t text_capacity;
    uint64_t number;
    struct pcapt_flaw flaw;
};

void blocks_init(struct blocks *blocks, FILE *file);
void blocks_fini(struct blocks *blocks);
enum pcapt_status blocks_next(struct blocks *blocks, struct pcapt_frame *frame);

#endif
