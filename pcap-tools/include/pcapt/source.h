/* Where packets come from: a capture file or stream (pcap by libpcap; pcapng block by block, for
 * libpcap drops comments, directions and all but one link type), or a network interface.
 *
 * One packet at a time: memory does not grow with the capture. What is broken is told with its
 * offset and a reason, and ends the reading; all before it was given out. Nothing here knows what
 * packets hold. SPDX-License-Identifier: MIT */
#ifndef PCAPT_SOURCE_H
#define PCAPT_SOURCE_H

#include "pcapt/pcapng.h"

#ifdef __cplusplus
extern "C" {
#endif

/* More than a packet can be; what claims more is broken. */
enum { PCAPT_FRAME_SIZE_MAX = 262144 };

enum pcapt_status {
    PCAPT_OK,
    PCAPT_END,    /* nothing more comes */
    PCAPT_BROKEN, /* nor here: pcapt_source_flaw says why */
    PCAPT_WAIT,   /* an interface: nothing came within the time to wait */
};

struct pcapt_frame {
    uint64_t number;    /* from 1, over all sections */
    uint64_t offset;    /* of its record; 0: of an interface */
    uint64_t at_ns;     /* as the capture has it, in ns whatever its units */
    uint32_t link_type; /* LINKTYPE_... of tcpdump.org/linktypes.html */
    uint32_t interface; /* from 0, over all sections */
    const uint8_t *data;
    uint32_t size;      /* bytes in `data` */
    uint32_t wire_size; /* on the wire, never less: more where the capture cut it */
    enum pcapt_direction direction;
    const char *comment; /* comments, a line each; NULL: none */
};

struct pcapt_source_interface {
    const char *name, *description; /* NULL: not told */
    uint32_t link_type, snap_length;
};

struct pcapt_flaw {
    uint64_t offset; /* of the record, or block, that is broken */
    char reason[256];
};

struct pcapt_source;

/* Opens a file, "-": standard input. NULL: `flaw` says why. */
struct pcapt_source *pcapt_source_open(const char *path, struct pcapt_flaw *flaw);
/* The same of an open file, read from where it stands; it is closed with the source, also where
 * this fails, unless it is standard input. */
struct pcapt_source *pcapt_source_of(FILE *file, struct pcapt_flaw *flaw);
/* Opens a network interface, `expression` in libpcap's language (NULL: all packets), `snap_length`
 * 0: whole packets. pcapt_source_next waits up to `wait_ms`. NULL: `flaw` says why. */
struct pcapt_source *pcapt_source_live(const char *device, const char *expression,
                                       uint32_t snap_length, bool promiscuous, uint32_t wait_ms,
                                       struct pcapt_flaw *flaw);
void pcapt_source_close(struct pcapt_source *source);

/* The next packet; *frame and what it points to live until the next call. */
enum pcapt_status pcapt_source_next(struct pcapt_source *source, struct pcapt_frame *frame);
/* After PCAPT_BROKEN. */
const struct pcapt_flaw *pcapt_source_flaw(const struct pcapt_source *source);

/* Bytes read so far, to show progress. */
uint64_t pcapt_source_offset(const struct pcapt_source *source);
/* What is known of the current section; NULL: nothing. */
const char *pcapt_source_application(const struct pcapt_source *source);
const char *pcapt_source_comment(const struct pcapt_source *source);
/* Of an interface of the current section; false: there is none. */
bool pcapt_source_interface(const struct pcapt_source *source, uint32_t number,
                            struct pcapt_source_interface *out);
/* Packets that the capturing machine says it lost, as far as it told. */
uint64_t pcapt_source_drops(const struct pcapt_source *source);

#ifdef __cplusplus
}
#endif
#endif
