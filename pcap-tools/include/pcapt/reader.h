/* The ScalableIPC in a capture: every PDU in order, whatever carried it.
 *
 * Packets go through link layer, IP (fragments put together), and UDP or TCP (streams put in order,
 * what is missing told). PDUs are found by port or by what they look like: a right length, an
 * opcode, options that add up, and the repeated session prefix. State is bounded: tables have a
 * size, and what they have no room for any more is counted.
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_READER_H
#define PCAPT_READER_H

#include "pcapt/source.h"
#include "sipc/pdu.h"

#ifdef __cplusplus
extern "C" {
#endif

enum pcapt_transport { PCAPT_OVER_NOTHING, PCAPT_OVER_UDP, PCAPT_OVER_TCP };
const char *pcapt_transport_name(enum pcapt_transport transport);

/* Without padding, and zero where nothing is: two may be compared as bytes. */
struct pcapt_address {
    uint8_t bytes[16]; /* IPv4: the first four. No family: the first is the side of the link */
    uint16_t port;     /* host byte order */
    uint8_t family;    /* 4, 6; 0: the packets have no addresses (USER0) */
    uint8_t zero;
};
/* "10.0.0.1:40001", "[fe80::1]:40001", "user0:1". */
enum { PCAPT_ADDRESS_TEXT = 56 };
const char *pcapt_address_text(const struct pcapt_address *address, char out[PCAPT_ADDRESS_TEXT]);
/* Reads such a text; the port may be left out (0 then). */
bool pcapt_address_parse(const char *text, struct pcapt_address *out);

struct pcapt_flow {
    struct pcapt_address source, destination;
    enum pcapt_transport transport;
};

enum pcapt_item_kind {
    PCAPT_ITEM_PDU,
    PCAPT_ITEM_GAP, /* of a stream with PDUs: `missing` bytes are not in the capture */
};
struct pcapt_item {
    enum pcapt_item_kind kind;
    uint64_t number;             /* of the PDU, from 1 */
    uint64_t frame, first_frame; /* its last packet and its first; the same but for fragments and
                                    streams */
    uint64_t at_ns;              /* of `frame` */
    uint32_t interface, link_type;
    enum pcapt_direction direction;
    const char *comment; /* of `frame`; NULL: none */
    struct pcapt_flow flow;
    struct sipc_span bytes; /* as captured */
    size_t wire_size;       /* more than bytes.size: the capture cut it, and it was not decoded */
    enum sipc_discard discard; /* why it is no PDU though it should be; NONE: `pdu` is whole */
    struct sipc_pdu pdu;       /* what could be decoded of it: see sipc_pdu_decode */
    uint64_t copy_of; /* the frame that this one is a copy of, made by the capture (a port mirror,
                         two interfaces) and not the network; 0: none */
    bool duplicate;   /* the same IP packet was seen just before, and no capture made it: a network
                         did */
    bool corrupted;   /* it is no PDU, and its UDP checksum is wrong: not of its sender's making,
                         unless the capture was made there, before the card filled that in */
    bool dropped;     /* a simulator's capture says that it went no further */
    uint64_t missing; /* gaps */
};
/* Whether its session and numbers can be relied on. */
static inline bool pcapt_item_is_pdu(const struct pcapt_item *item)
{
    return item->kind == PCAPT_ITEM_PDU && item->discard == SIPC_DISCARD_NONE &&
           item->bytes.size == item->wire_size;
}

/* What was met on the way. */
struct pcapt_counts {
    uint64_t frames, bytes; /* of all kinds */
    uint64_t first_ns, last_ns;
    uint64_t backwards;       /* frames with a time before that of the frame before */
    uint64_t other;           /* no IP, or neither UDP nor TCP, or a link type not known */
    uint64_t foreign;         /* UDP datagrams and TCP segments without ScalableIPC */
    uint64_t malformed;       /* headers that contradict themselves */
    uint64_t cut;             /* frames the capture cut */
    uint64_t fragments;       /* IP fragments */
    uint64_t fragments_lost;  /* datagrams that never became whole */
    uint64_t copies;          /* frames that are copies made by the capture */
    uint64_t pdus, not_pdus;  /* given out: those decoded; those that could not be */
    uint64_t gaps, gap_bytes; /* in streams with PDUs */
    uint64_t forgotten;       /* streams and fragments given up for want of room */
};

/* A UDP datagram, TCP segment or PDU alone, of whatever protocol, as it was met. */
struct pcapt_seen {
    const struct pcapt_frame *frame; /* its last, if it came in fragments */
    const struct pcapt_flow *flow;
    enum pcapt_direction direction;
    struct sipc_span payload; /* as captured */
    uint32_t wire_size;       /* of the payload */
    uint32_t seq, ack;        /* TCP */
    uint8_t flags;            /* TCP: as the header has them */
    struct sipc_span head;    /* TCP: the header with its options */
    uint32_t ip_id;           /* 0: none */
    uint64_t copy_of;         /* as in an item */
    bool duplicate, dropped;  /* as in an item */
};

/* What is kept at most. Beyond it a flow or the oldest stream is forgotten, what is missing taken
 * for lost, a stream for none of ours. */
struct pcapt_limits {
    uint32_t flows;          /* of which it is known whether they hold PDUs; 16,384 as a rule */
    uint32_t streams;        /* TCP, each way of a connection: 4,096 */
    uint32_t held_segments;  /* of a stream, that came early: 256 */
    uint32_t held_bytes;     /* of these: 1 MiB */
    uint32_t all_held_bytes; /* of all streams: 64 MiB */
    uint32_t search_bytes;   /* of a stream, in which no PDU is found: 256 KiB */
};

enum { PCAPT_PORTS_MAX = 16 };
struct pcapt_reader_options {
    uint16_t ports[PCAPT_PORTS_MAX]; /* UDP and TCP: what goes there or comes from there is
                                        ScalableIPC; others are not looked at */
    size_t port_count;               /* 0: found by what it looks like */
    uint32_t link_type;              /* which USER0..USER15 (147..162) holds PDUs; 0: USER0 */
    struct pcapt_limits limits;      /* `flows` 0: all as is the rule */
    /* Called for each frame, of whatever kind, when all its PDUs were given out. NULL: nobody
     * wants it. */
    void (*frame_done)(void *ctx, const struct pcapt_frame *frame);
    /* Called for each packet, before its PDUs are given out. NULL: nobody wants it. */
    void (*packet)(void *ctx, const struct pcapt_seen *seen);
    void *ctx;
};

struct pcapt_reader;
/* `source` is borrowed, `options` copied (NULL: none). */
struct pcapt_reader *pcapt_reader_new(struct pcapt_source *source,
                                      const struct pcapt_reader_options *options);
void pcapt_reader_free(struct pcapt_reader *reader);

/* The next PDU or gap; *item and what it points to live until the next call. The status is that of
 * the source. At the end streams are told to be over first. */
enum pcapt_status pcapt_reader_next(struct pcapt_reader *reader, const struct pcapt_item **item);
const struct pcapt_counts *pcapt_reader_counts(const struct pcapt_reader *reader);
/* The frame that was read last; NULL before the first. */
const struct pcapt_frame *pcapt_reader_frame(const struct pcapt_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
