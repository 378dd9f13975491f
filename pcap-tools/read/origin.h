/* What a source of packets is made of: private to source.c (files) and live.c (interfaces). */
#ifndef PCAPT_READ_ORIGIN_H
#define PCAPT_READ_ORIGIN_H

#include <pcap/pcap.h>

#include "blocks.h"

struct pcapt_source {
    FILE *file;
    bool owned;
    pcap_t *pcap; /* NULL: pcapng */
    enum pcapt_status (*next)(struct pcapt_source *source, struct pcapt_frame *frame);
    uint64_t (*drops)(const struct pcapt_source *source);
    uint32_t wait_ms; /* of an interface */
    uint32_t link_type;
    uint64_t number, offset; /* of an interface the offset stays 0 */
    struct blocks blocks;
    struct pcapt_flaw flaw;
};

struct pcapt_source *origin_new(FILE *file, bool owned);
void origin_flaw(struct pcapt_flaw *flaw, uint64_t offset, const char *reason);
/* LINKTYPE_... of what libpcap reads. */
uint32_t origin_link_type(pcap_t *pcap);
/* What pcap_next_ex said, and gave, as the next packet: not for 0. Its fractions of a second are
 * `fraction_ns` each. */
enum pcapt_status origin_packet(struct pcapt_source *source, int said,
                                const struct pcap_pkthdr *head, const uint8_t *data,
                                uint32_t fraction_ns, struct pcapt_frame *frame);

#endif
