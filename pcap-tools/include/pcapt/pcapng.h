/* Writes captures in the pcapng format (IETF draft-ietf-opsawg-pcapng), for every folder of the
 * project. Stands alone: needs nothing but libc.
 *
 * One section, any number of interfaces, then packets, each with nanosecond time stamps, the way
 * it went, and comments. Nothing is kept between calls but the number of interfaces: a capture cut
 * off at any packet is a readable capture. Blocks are written in the machine's byte order.
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_PCAPNG_H
#define PCAPT_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Link types of tcpdump.org/linktypes.html. */
enum pcapt_link_type {
    PCAPT_LINK_ETHERNET = 1,
    PCAPT_LINK_RAW = 101, /* each packet begins with its IPv4 or IPv6 header */
    PCAPT_LINK_USER0 = 147,
    PCAPT_LINK_IPV4 = 228, /* the same for IPv4 alone: libpcap reads several interfaces of it, which
                              it refuses to of RAW */
};

enum pcapt_direction { PCAPT_DIRECTION_UNKNOWN = 0, PCAPT_INBOUND = 1, PCAPT_OUTBOUND = 2 };

struct pcapt_pcapng {
    FILE *file;          /* borrowed; never closed here */
    uint32_t interfaces; /* described so far */
};

/* All strings UTF-8, NULL: not written. Those over 65,535 bytes are cut between characters. */
struct pcapt_section {
    const char *hardware, *os, *application, *comment;
};
struct pcapt_interface {
    const char *name, *description;
    uint16_t link_type;   /* enum pcapt_link_type */
    uint32_t snap_length; /* bytes kept of a packet; 0: no limit */
};
struct pcapt_packet {
    uint32_t interface; /* what pcapt_pcapng_interface gave */
    uint64_t at_ns;     /* since 1970, or since whatever zero the section's comment names */
    const uint8_t *data;
    uint32_t size;          /* bytes in `data` */
    uint32_t original_size; /* bytes on the wire; 0: size */
    enum pcapt_direction direction;
    const char *const *comments;
    size_t comment_count;
};

/* Each returns false if writing failed; errno then says why. */

/* Begins a capture on `file`, which should be empty and open in binary mode. */
bool pcapt_pcapng_begin(struct pcapt_pcapng *capture, FILE *file,
                        const struct pcapt_section *section);
/* Describes an interface; *number is what its packets name. */
bool pcapt_pcapng_interface(struct pcapt_pcapng *capture, const struct pcapt_interface *interface,
                            uint32_t *number);
/* A packet of an interface that was described (else false, errno EINVAL, nothing written). */
bool pcapt_pcapng_packet(struct pcapt_pcapng *capture, const struct pcapt_packet *packet);

/* ---- datagrams that never saw a network ---- */

enum {
    PCAPT_UDP_OVERHEAD = 28, /* IPv4 + UDP headers */
    PCAPT_UDP_PAYLOAD_MAX = 65535 - PCAPT_UDP_OVERHEAD,
};
struct pcapt_udp_flow {
    uint32_t source, destination; /* IPv4 addresses, host byte order: 0x0a000001 is 10.0.0.1 */
    uint16_t source_port, destination_port;
};

/* Puts `payload` into one IPv4/UDP packet for a PCAPT_LINK_RAW interface, both checksums right.
 * `out` takes PCAPT_UDP_OVERHEAD + size bytes; returns that length, or 0, nothing written, if it is
 * over `capacity` or the payload over PCAPT_UDP_PAYLOAD_MAX. */
size_t pcapt_wrap_udp(const struct pcapt_udp_flow *flow, const uint8_t *payload, size_t size,
                      uint8_t *out, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif
