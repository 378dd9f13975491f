/* IPv4, IPv6 with its extension headers, UDP and TCP heads (RFC 791, 8200, 768, 9293). Checksums
 * decide nothing here: captures of the sending host have none yet. Lengths of 0 are those of
 * packets that the card is to cut (segmentation offload): the frame's own length counts then. */
#include <string.h>

#include "packet.h"
#include "pcapt/parts.h"

enum {
    IP_TCP = 6,
    IP_UDP = 17,
    IP_HOP_BY_HOP = 0,
    IP_ROUTING = 43,
    IP_FRAGMENT = 44,
    IP_AUTHENTICATION = 51,
    IP_DESTINATION = 60,
    IP_EXTENSIONS_MAX = 16,
};

uint32_t packet_sum(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += packet_u16(bytes + i);
    if (size % 2 != 0)
        sum += (uint32_t)bytes[size - 1] << 8;
    return (sum & 0xffff) + (sum >> 16);
}

bool packet_checksum_is_wrong(const struct pcapt_flow *flow, struct sipc_span payload)
{
    const uint8_t *udp = payload.data - 8;
    const size_t size = payload.size + 8, address = flow->source.family == 4 ? 4 : 16;
    uint32_t sum = IP_UDP + (uint32_t)size;

    if (packet_u16(udp + 6) == 0)
        return false; /* none */
    sum = packet_sum(sum, flow->source.bytes, address);
    sum = packet_sum(sum, flow->destination.bytes, address);
    sum = packet_sum(sum, udp, size);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum != 0xffff;
}

static enum packet_kind ip_udp(struct packet_rest rest, struct packet *packet)
{
    if (rest.size < 8)
        return rest.wire < 8 ? PACKET_MALFORMED : PACKET_CUT;
    const uint32_t length = packet_u16(rest.at + 4);
    if (length != 0 && (length < 8 || length > rest.wire))
        return PACKET_MALFORMED;
    packet->flow.source.port = (uint16_t)packet_u16(rest.at);
    packet->flow.destination.port = (uint16_t)packet_u16(rest.at + 2);
    packet->flow.transport = PCAPT_OVER_UDP;
    const uint32_t all = length != 0 ? length : rest.wire;
    packet->wire_size = all - 8;
    packet->size = (rest.size < all ? rest.size : all) - 8;
    packet->payload = rest.at + 8;
    return PACKET_DATAGRAM;
}

static enum packet_kind ip_tcp(struct packet_rest rest, struct packet *packet)
{
    if (rest.size < 20)
        return rest.wire < 20 ? PACKET_MALFORMED : PACKET_CUT;
    const uint32_t head = (uint32_t)(rest.at[12] >> 4) * 4;
    if (head < 20 || head > rest.wire)
        return PACKET_MALFORMED;
    if (head > rest.size)
        return PACKET_CUT;
    packet->flow.source.port = (uint16_t)packet_u16(rest.at);
    packet->flow.destination.port = (uint16_t)packet_u16(rest.at + 2);
    packet->flow.transport = PCAPT_OVER_TCP;
    packet->seq = packet_u32(rest.at + 4);
    packet->ack = packet_u32(rest.at + 8);
    packet->flags = rest.at[13];
    packet->tcp_head = head;
    packet_skip(&rest, head);
    packet->payload = rest.at;
    packet->size = rest.size;
    packet->wire_size = rest.wire;
    return PACKET_SEGMENT;
}

static enum packet_kind ip_transport(uint8_t protocol, struct packet_rest rest,
                                     struct packet *packet)
{
    if (protocol == IP_UDP)
        return ip_udp(rest, packet);
    return protocol == IP_TCP ? ip_tcp(rest, packet) : PACKET_OTHER;
}

static enum packet_kind ip_fragment(struct fragments *fragments, struct fragment *fragment,
                                    const struct pcapt_frame *frame, struct packet *packet)
{
    struct packet_rest whole;

    if (fragment->protocol != IP_UDP && fragment->protocol != IP_TCP)
        return PACKET_OTHER;
    packet->was_fragmented = true;
    if (fragments == NULL)
        return PACKET_HELD;
    memcpy(fragment->source, packet->flow.source.bytes, sizeof fragment->source);
    memcpy(fragment->destination, packet->flow.destination.bytes, sizeof fragment->destination);
    fragment->family = packet->flow.source.family;
    const enum packet_kind kind =
        fragments_add(fragments, fragment, frame, &whole, &packet->first_frame);
    return kind == PACKET_DATAGRAM ? ip_transport(fragment->protocol, whole, packet) : kind;
}

/* Cuts what is behind the IP packet, padding of the link. false: the length contradicts. */
static bool ip_trim(struct packet_rest *rest, uint32_t length)
{
    if (length > rest->wire)
        return rest->bounded;
    rest->wire = length;
    rest->size = rest->size < length ? rest->size : length;
    return true;
}

static enum packet_kind ip_v4(struct fragments *fragments, const struct pcapt_frame *frame,
                              struct packet_rest rest, struct packet *packet)
{
    if (rest.size < 20)
        return rest.wire < 20 ? PACKET_MALFORMED : PACKET_CUT;
    const uint8_t *at = rest.at;
    const uint32_t head = (uint32_t)(at[0] & 15) * 4, length = packet_u16(at + 2);
    if (head < 20 || (length != 0 && (length < head || !ip_trim(&rest, length))))
        return PACKET_MALFORMED;
    const uint32_t cut = packet_u16(at + 6);
    if (!packet_skip(&rest, head))
        return head > rest.wire ? PACKET_MALFORMED : PACKET_CUT;
    packet->flow.source.family = packet->flow.destination.family = 4;
    memcpy(packet->flow.source.bytes, at + 12, 4);
    memcpy(packet->flow.destination.bytes, at + 16, 4);
    packet->ip_id = packet_u16(at + 4);
    packet->has_ip_id = packet->ip_id != 0;
    if ((cut & 0x3fff) == 0)
        return ip_transport(at[9], rest, packet);
    struct fragment fragment = {.id = packet->ip_id,
                                .protocol = at[9],
                                .offset = (cut & 0x1fff) * 8,
                                .more = cut & 0x2000,
                                .bytes = rest};
    return ip_fragment(fragments, &fragment, frame, packet);
}

/* Passes over the extension headers; *next becomes the protocol behind them, or IP_FRAGMENT with
 * `rest` at that header. */
static enum packet_kind ip_extensions(struct packet_rest *rest, uint8_t *next)
{
    for (int i = 0; i < IP_EXTENSIONS_MAX; i++) {
        if (*next != IP_HOP_BY_HOP && *next != IP_ROUTING && *next != IP_DESTINATION &&
            *next != IP_AUTHENTICATION)
            return PACKET_DATAGRAM;
        if (rest->size < 8)
            return rest->wire < 8 ? PACKET_MALFORMED : PACKET_CUT;
        const uint32_t size = *next == IP_AUTHENTICATION ? ((uint32_t)rest->at[1] + 2) * 4
                                                         : ((uint32_t)rest->at[1] + 1) * 8;
        *next = rest->at[0];
        if (!packet_skip(rest, size))
            return size > rest->wire ? PACKET_MALFORMED : PACKET_CUT;
    }
    return PACKET_MALFORMED;
}

static enum packet_kind ip_v6(struct fragments *fragments, const struct pcapt_frame *frame,
                              struct packet_rest rest, struct packet *packet)
{
    if (rest.size < 40)
        return rest.wire < 40 ? PACKET_MALFORMED : PACKET_CUT;
    const uint8_t *at = rest.at;
    const uint32_t length = packet_u16(at + 4);
    uint8_t next = at[6];
    packet_skip(&rest, 40);
    if (length != 0 && !ip_trim(&rest, length))
        return PACKET_MALFORMED;
    packet->flow.source.family = packet->flow.destination.family = 6;
    memcpy(packet->flow.source.bytes, at + 8, 16);
    memcpy(packet->flow.destination.bytes, at + 24, 16);
    enum packet_kind kind = ip_extensions(&rest, &next);
    if (kind != PACKET_DATAGRAM || next != IP_FRAGMENT)
        return kind == PACKET_DATAGRAM ? ip_transport(next, rest, packet) : kind;
    if (rest.size < 8)
        return rest.wire < 8 ? PACKET_MALFORMED : PACKET_CUT;
    const uint32_t cut = packet_u16(rest.at + 2);
    struct fragment fragment = {.id = packet_u32(rest.at + 4),
                                .protocol = rest.at[0],
                                .offset = cut & 0xfff8,
                                .more = cut & 1};
    packet_skip(&rest, 8);
    if (fragment.offset == 0 && !fragment.more) /* whole in one (RFC 6946) */
        return ip_transport(fragment.protocol, rest, packet);
    fragment.bytes = rest;
    return ip_fragment(fragments, &fragment, frame, packet);
}

enum packet_kind packet_ip(struct fragments *fragments, const struct pcapt_frame *frame,
                           struct packet_rest rest, struct packet *packet)
{
    packet->first_frame = frame->number;
    if (rest.size == 0)
        return rest.wire == 0 ? PACKET_MALFORMED : PACKET_CUT;
    switch (rest.at[0] >> 4) {
    case 4:
        return ip_v4(fragments, frame, rest, packet);
    case 6:
        return ip_v6(fragments, frame, rest, packet);
    default:
        return PACKET_MALFORMED;
    }
}

bool pcapt_frame_parts(const struct pcapt_frame *frame, uint32_t user_link_type,
                       struct pcapt_parts *parts)
{
    struct packet packet = {0};
    struct packet_rest rest;
    enum packet_network network;

    *parts = (struct pcapt_parts){0};
    if (packet_link(frame, user_link_type, &rest, &network, &packet.direction) != PACKET_DATAGRAM)
        return false;
    parts->network = (uint32_t)(rest.at - frame->data);
    if (network == PACKET_NETWORK_PDU) {
        parts->payload = parts->network;
        parts->size = rest.size;
        return true;
    }
    const enum packet_kind kind = packet_ip(NULL, frame, rest, &packet);
    parts->family = packet.flow.source.family;
    parts->fragment = packet.was_fragmented;
    if (kind != PACKET_DATAGRAM && kind != PACKET_SEGMENT)
        return parts->family != 0;
    parts->transport_kind = packet.flow.transport;
    parts->payload = (uint32_t)(packet.payload - frame->data);
    parts->size = packet.size;
    parts->whole = packet.size == packet.wire_size;
    parts->transport =
        kind == PACKET_DATAGRAM ? parts->payload - 8 : parts->payload - packet.tcp_head;
    return true;
}

/* Puts the complement of a sum, which must be over zeros there, at `at`. */
static void ip_put_checksum(uint8_t *at, uint32_t sum, bool zero_is_none)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    sum = sum == 0 && zero_is_none ? 0xffff : sum;
    at[0] = (uint8_t)(sum >> 8);
    at[1] = (uint8_t)sum;
}

void pcapt_frame_checksums(uint8_t *data, const struct pcapt_parts *parts)
{
    uint8_t *ip = data + parts->network, *transport = data + parts->transport;
    const size_t address = parts->family == 4 ? 4 : 16;
    const bool udp = parts->transport_kind == PCAPT_OVER_UDP;

    if (parts->family == 4) {
        ip[10] = ip[11] = 0;
        ip_put_checksum(ip + 10, packet_sum(0, ip, (size_t)(ip[0] & 15) * 4), false);
    }
    if (parts->transport == 0 || (udp && packet_u16(transport + 6) == 0))
        return;
    uint8_t *at = transport + (udp ? 6 : 16);
    const size_t size = parts->payload - parts->transport + parts->size;
    at[0] = at[1] = 0;
    if (!parts->whole)
        return; /* nobody knows what it would be */
    uint32_t sum = (udp ? IP_UDP : IP_TCP) + (uint32_t)size;
    sum = packet_sum(sum, ip + (parts->family == 4 ? 12 : 8), 2 * address);
    ip_put_checksum(at, packet_sum(sum, transport, size), udp);
}
