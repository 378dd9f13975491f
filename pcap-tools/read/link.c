/* The link layer: everything between the frame's first byte and the IP header. Numbers are those
 * of tcpdump.org/linktypes.html and of IEEE 802 EtherTypes. */
#include "packet.h"

enum {
    LINK_NULL = 0,
    LINK_PPPOE = 51,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_USER15 = 162,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
    LINK_RAW_BSD = 12, /* DLT_RAW of other systems, in files of old programs */
    LINK_RAW_OPENBSD = 14,

    ETHER_IPV4 = 0x0800,
    ETHER_IPV6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100,
    ETHER_PPPOE = 0x8864,
    PPP_IPV4 = 0x21,
    PPP_IPV6 = 0x57,

    SLL_INCOMING = 0,
    SLL_OUTGOING = 4,
};

/* Behind PPPoE's head and the PPP protocol, which may be one byte or two. */
static enum packet_kind link_pppoe(struct packet_rest *rest)
{
    const uint32_t length = rest->size >= 6 ? packet_u16(rest->at + 4) : 0;
    if (!packet_skip(rest, 6) || rest->size < 2)
        return PACKET_CUT;
    if (length >= 2 && length < rest->wire) {
        rest->bounded = true;
        rest->wire = length;
        rest->size = rest->size < length ? rest->size : length;
    }
    const bool brief = rest->at[0] & 1;
    const uint32_t protocol = brief ? rest->at[0] : packet_u16(rest->at);
    packet_skip(rest, brief ? 1 : 2);
    return protocol == PPP_IPV4 || protocol == PPP_IPV6 ? PACKET_DATAGRAM : PACKET_OTHER;
}

static enum packet_kind link_ether(uint32_t type, struct packet_rest *rest)
{
    while (type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD) {
        if (rest->size < 4)
            return PACKET_CUT;
        type = packet_u16(rest->at + 2);
        packet_skip(rest, 4);
    }
    if (type == ETHER_PPPOE)
        return link_pppoe(rest);
    return type == ETHER_IPV4 || type == ETHER_IPV6 ? PACKET_DATAGRAM : PACKET_OTHER;
}

/* The address family of the null link type is in the byte order of the machine that captured. */
static enum packet_kind link_null(struct packet_rest *rest)
{
    if (rest->size < 4)
        return PACKET_CUT;
    const uint8_t family = rest->at[0] != 0 ? rest->at[0] : rest->at[3];
    packet_skip(rest, 4);
    /* AF_INET, and AF_INET6 of Linux, NetBSD, FreeBSD, macOS */
    return family == 2 || family == 10 || family == 24 || family == 28 || family == 30
               ? PACKET_DATAGRAM
               : PACKET_OTHER;
}

static enum packet_kind link_cooked(uint32_t link_type, struct packet_rest *rest,
                                    enum pcapt_direction *direction)
{
    const bool second = link_type == LINK_SLL2;
    const uint32_t size = second ? 20 : 16;
    if (rest->size < size)
        return PACKET_CUT;
    const uint32_t protocol = packet_u16(rest->at + (second ? 0 : 14));
    const uint32_t way = second ? rest->at[10] : packet_u16(rest->at);
    if (*direction == PCAPT_DIRECTION_UNKNOWN && (way == SLL_INCOMING || way == SLL_OUTGOING))
        *direction = way == SLL_OUTGOING ? PCAPT_OUTBOUND : PCAPT_INBOUND;
    packet_skip(rest, size);
    return link_ether(protocol, rest);
}

enum packet_kind packet_link(const struct pcapt_frame *frame, uint32_t user_link_type,
                             struct packet_rest *rest, enum packet_network *network,
                             enum pcapt_direction *direction)
{
    *rest = (struct packet_rest){frame->data, frame->size, frame->wire_size, false};
    *network = PACKET_NETWORK_IP;
    *direction = frame->direction;
    switch (frame->link_type) {
    case PCAPT_LINK_ETHERNET:
        if (rest->size < 14)
            return PACKET_CUT;
        packet_skip(rest, 14);
        return link_ether(packet_u16(rest->at - 2), rest);
    case LINK_SLL:
    case LINK_SLL2:
        return link_cooked(frame->link_type, rest, direction);
    case LINK_NULL:
    case LINK_LOOP:
        return link_null(rest);
    case LINK_PPPOE:
        return link_pppoe(rest);
    case PCAPT_LINK_RAW:
    case PCAPT_LINK_IPV4:
    case LINK_IPV6:
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
        return PACKET_DATAGRAM;
    default:
        break;
    }
    if (frame->link_type >= PCAPT_LINK_USER0 && frame->link_type <= LINK_USER15 &&
        frame->link_type == user_link_type) {
        *network = PACKET_NETWORK_PDU;
        return PACKET_DATAGRAM;
    }
    return PACKET_OTHER;
}
