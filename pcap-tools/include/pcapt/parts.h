/* Where things are in a frame, for those who change it.
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_PARTS_H
#define PCAPT_PARTS_H

#include "pcapt/reader.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Offsets into the frame. */
struct pcapt_parts {
    uint8_t family;   /* 4, 6; 0: no IP, the payload is a PDU */
    bool fragment;    /* of IP: what it holds is not looked at */
    bool whole;       /* nothing of the payload was cut by the capture */
    uint32_t network; /* the IP header */
    enum pcapt_transport transport_kind;
    uint32_t transport; /* the UDP or TCP header; 0: there is none, or not to be found */
    uint32_t payload, size;
};
/* false: nothing of it is known; *parts is zeroed. `user_link_type`: as in pcapt_reader_options. */
bool pcapt_frame_parts(const struct pcapt_frame *frame, uint32_t user_link_type,
                       struct pcapt_parts *parts);
/* Computes the checksums of IP, UDP, TCP anew. Those that were not there stay so; those over bytes
 * that are not there become 0. */
void pcapt_frame_checksums(uint8_t *data, const struct pcapt_parts *parts);

#ifdef __cplusplus
}
#endif
#endif
