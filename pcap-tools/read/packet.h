/* A frame on its way to a datagram or segment: private to the reader. */
#ifndef PCAPT_READ_PACKET_H
#define PCAPT_READ_PACKET_H

#include "pcapt/reader.h"

enum packet_kind {
    PACKET_DATAGRAM,  /* UDP, or a PDU alone */
    PACKET_SEGMENT,   /* TCP */
    PACKET_OTHER,     /* nothing of ours */
    PACKET_HELD,      /* a fragment: more must come */
    PACKET_CUT,       /* the capture cut it in the headers, or a fragment */
    PACKET_MALFORMED, /* the headers contradict themselves */
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct packet {
    struct pcapt_flow flow;
    const uint8_t *payload;
    uint32_t size, wire_size; /* captured; as sent */
    uint64_t first_frame;
    enum pcapt_direction direction;
    uint32_t seq, ack, tcp_head; /* TCP */
    uint8_t flags;
    uint32_t ip_id;
    bool has_ip_id, was_fragmented;
};

/* What is left of a frame: `size` bytes are there, `wire` were sent. */
struct packet_rest {
    const uint8_t *at;
    uint32_t size, wire;
    bool bounded; /* the link says where it ends; where IP says more, it counted padding */
};
static inline bool packet_skip(struct packet_rest *rest, uint32_t bytes)
{
    if (bytes > rest->size)
        return false;
    rest->at += bytes;
    rest->size -= bytes;
    rest->wire -= bytes;
    return true;
}
static inline uint32_t packet_u16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}
static inline uint32_t packet_u32(const uint8_t *at)
{
    return packet_u16(at) << 16 | packet_u16(at + 2);
}

enum packet_network { PACKET_NETWORK_IP, PACKET_NETWORK_NONE, PACKET_NETWORK_PDU };

/* link.c: strips the link layer. PACKET_DATAGRAM: *network says what `rest` is. */
enum packet_kind packet_link(const struct pcapt_frame *frame, uint32_t user_link_type,
                             struct packet_rest *rest, enum packet_network *network,
                             enum pcapt_direction *direction);

/* fragments.c: datagrams that came in pieces. */
struct fragments;
struct fragment {
    uint8_t source[16], destination[16];
    uint32_t id;
    uint8_t family, protocol;
    uint32_t offset; /* bytes */
    bool more;
    struct packet_rest bytes;
};
struct fragments *fragments_new(struct pcapt_counts *counts);
void fragments_free(struct fragments *fragments);
/* PACKET_DATAGRAM: it is whole, *whole views it until the next call, *first_frame began it. */
enum packet_kind fragments_add(struct fragments *fragments, const struct fragment *fragment,
                               const struct pcapt_frame *frame, struct packet_rest *whole,
                               uint64_t *first_frame);

/* ip.c: from IP on. `fragments` NULL: none are put together. */
enum packet_kind packet_ip(struct fragments *fragments, const struct pcapt_frame *frame,
                           struct packet_rest rest, struct packet *packet);

/* Adds 16-bit words (RFC 1071); up to 64 KiB do not overflow. */
uint32_t packet_sum(uint32_t sum, const uint8_t *bytes, size_t size);
/* Whether the checksum of a UDP datagram, whose head is before its payload, is there and wrong. */
bool packet_checksum_is_wrong(const struct pcapt_flow *flow, struct sipc_span payload);

/* stream.c: TCP in order. */
struct streams;
struct streams *streams_new(const struct pcapt_reader_options *options,
                            struct pcapt_counts *counts);
void streams_free(struct streams *streams);
/* Takes a segment. false: its connection has no PDUs. */
bool streams_segment(struct streams *streams, const struct packet *packet,
                     const struct pcapt_frame *frame);
/* The next PDU or gap of the stream that the last segment was of; fills kind, frames, time, flow,
 * bytes, wire_size, missing. false: none. */
bool streams_next(struct streams *streams, struct pcapt_item *item);
/* The capture is over: what waits behind a gap may be given out. false: nothing waits any more. */
bool streams_end(struct streams *streams);

/* Whether bytes look like a PDU from their head on: `size` are there, a stream may have more.
 * Returns the PDU's length; 0: no; SIZE_MAX: more bytes are needed to tell. */
size_t packet_pdu_size(const uint8_t *bytes, size_t size);

#endif
