/* A payload as one IPv4/UDP packet, so that captures of PDUs that never saw a network open in any
 * tool. IPv4: RFC 791, UDP: RFC 768. Integers are big endian. */
#include "pcapt/pcapng.h"

#include <string.h>

enum { IPV4_HEADER = 20, UDP_HEADER = 8, PROTOCOL_UDP = 17, TTL = 64 };

static void wrap_put_u16(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static void wrap_put_u32(uint8_t *out, uint32_t value)
{
    wrap_put_u16(out, value >> 16);
    wrap_put_u16(out + 2, value & 0xffff);
}

/* Adds the 16-bit words of `data` to the internet checksum `sum` (RFC 1071), an odd last byte with
 * a zero behind it. 64 KiB of 0xffff do not overflow 32 bits. */
static uint32_t wrap_sum(uint32_t sum, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)data[i] << 8 | data[i + 1];
    if (size % 2 != 0)
        sum += (uint32_t)data[size - 1] << 8;
    return (sum & 0xffff) + (sum >> 16);
}

static uint32_t wrap_checksum(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

size_t pcapt_wrap_udp(const struct pcapt_udp_flow *flow, const uint8_t *payload, size_t size,
                      uint8_t *out, size_t capacity)
{
    if (size > PCAPT_UDP_PAYLOAD_MAX || size + PCAPT_UDP_OVERHEAD > capacity)
        return 0;
    uint8_t *udp = out + IPV4_HEADER;
    const uint32_t udp_size = (uint32_t)size + UDP_HEADER;

    memset(out, 0, PCAPT_UDP_OVERHEAD);
    out[0] = 0x45; /* version 4, header of five words */
    wrap_put_u16(out + 2, udp_size + IPV4_HEADER);
    out[6] = 0x40; /* do not fragment */
    out[8] = TTL;
    out[9] = PROTOCOL_UDP;
    wrap_put_u32(out + 12, flow->source);
    wrap_put_u32(out + 16, flow->destination);
    wrap_put_u16(out + 10, wrap_checksum(wrap_sum(0, out, IPV4_HEADER)));

    wrap_put_u16(udp, flow->source_port);
    wrap_put_u16(udp + 2, flow->destination_port);
    wrap_put_u16(udp + 4, udp_size);
    if (size > 0)
        memcpy(udp + UDP_HEADER, payload, size);
    /* The pseudo header is both addresses, the protocol and the length. */
    const uint32_t pseudo = wrap_sum(PROTOCOL_UDP + udp_size, out + 12, 8);
    const uint32_t checksum = wrap_checksum(wrap_sum(pseudo, udp, udp_size));
    wrap_put_u16(udp + 6, checksum == 0 ? 0xffff : checksum); /* 0 would mean "none" */
    return size + PCAPT_UDP_OVERHEAD;
}
