/* Writes the capture that test_pcapng_readers.py opens with tshark and capinfos: two interfaces,
 * packets either way, comments, an empty payload and the longest one there is. */
#include "pcapt/pcapng.h"

#include <stdlib.h>

static uint8_t sample_payload[PCAPT_UDP_PAYLOAD_MAX];
static uint8_t sample_wire[PCAPT_UDP_PAYLOAD_MAX + PCAPT_UDP_OVERHEAD];

static bool sample_packet(struct pcapt_pcapng *capture, uint32_t interface, uint64_t at_ns,
                          bool out, size_t size)
{
    static const char *const comments[] = {"WID-3-accepts[d=100]", "grüße"};
    struct pcapt_udp_flow flow = {0x0a000102, 0x0a000001, 40002, 40001};
    if (out)
        flow = (struct pcapt_udp_flow){0x0a000001, 0x0a000102, 40001, 40002};
    const size_t wire =
        pcapt_wrap_udp(&flow, sample_payload, size, sample_wire, sizeof sample_wire);
    return wire > 0 &&
           pcapt_pcapng_packet(
               capture, &(struct pcapt_packet){.interface = interface,
                                               .at_ns = at_ns,
                                               .data = sample_wire,
                                               .size = (uint32_t)wire,
                                               .direction = out ? PCAPT_OUTBOUND : PCAPT_INBOUND,
                                               .comments = comments,
                                               .comment_count = out ? 2 : 1});
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "wb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: pcapng_sample FILE\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof sample_payload; i++)
        sample_payload[i] = (uint8_t)(i % 251);

    struct pcapt_pcapng capture;
    uint32_t first, second;
    bool ok = pcapt_pcapng_begin(
        &capture, file, &(struct pcapt_section){"a machine", "an os", "a program", "a comment"});
    ok = ok && pcapt_pcapng_interface(
                   &capture, &(struct pcapt_interface){"first", "one", PCAPT_LINK_RAW, 0}, &first);
    ok = ok &&
         pcapt_pcapng_interface(
             &capture, &(struct pcapt_interface){"second", NULL, PCAPT_LINK_RAW, 65535}, &second);
    ok = ok && sample_packet(&capture, first, 1, false, 5);
    ok = ok && sample_packet(&capture, second, UINT64_C(5000000007), true, 0);
    ok = ok &&
         sample_packet(&capture, first, UINT64_C(1700000000123456789), true, PCAPT_UDP_PAYLOAD_MAX);
    ok = fclose(file) == 0 && ok;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
