/* From frames to PDUs: what is looked for where, what is a copy made by the capture, what counts.
 *
 * A datagram is taken for ScalableIPC if its first two bytes are its length, its ids are in range
 * and its opcode exists: by chance that happens once in some 10^10. Behind one such in a flow, all
 * datagrams of it are, so that broken ones are told and not passed over. */
#include "pcapt/reader.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "packet.h"

enum {
    READER_RECENT = 1 << 10, /* frames that a copy is looked for among */
    READER_COPY_BYTES = 128, /* of a payload that tell packets apart */
    READER_COPY_SHARE = 8,   /* a mirror copies more than every eighth packet; a network less */
};
#define READER_COPY_NS UINT64_C(1000000)

struct reader_flow {
    struct pcapt_flow flow;
    bool ours;
    uint32_t frames, repeats;
};
struct reader_recent {
    uint64_t hash, at_ns, frame;
};

struct pcapt_reader {
    struct pcapt_source *source;
    struct pcapt_reader_options options;
    struct pcapt_counts counts;
    struct fragments *fragments;
    struct streams *streams;
    struct pcapt_frame frame;
    enum pcapt_direction direction;
    enum pcapt_status ended; /* PCAPT_OK: not yet */
    bool has_frame;          /* and it was not said to be done */
    bool from_stream;        /* more PDUs may be in the last segment's stream */
    struct pcapt_item item;
    struct reader_flow *flows; /* a newer one takes an older one's place */
    struct reader_recent recent[READER_RECENT];
};

const char *pcapt_transport_name(enum pcapt_transport transport)
{
    static const char *const names[] = {"none", "udp", "tcp"};
    return names[transport];
}

const char *pcapt_address_text(const struct pcapt_address *address, char out[PCAPT_ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->family == 0)
        snprintf(out, PCAPT_ADDRESS_TEXT, "user0:%u", address->bytes[0]);
    else if (address->family == 4)
        snprintf(out, PCAPT_ADDRESS_TEXT, "%s:%u",
                 inet_ntop(AF_INET, address->bytes, host, sizeof host), address->port);
    else
        snprintf(out, PCAPT_ADDRESS_TEXT, "[%s]:%u",
                 inet_ntop(AF_INET6, address->bytes, host, sizeof host), address->port);
    return out;
}

static bool reader_port(const char *text, uint16_t *out)
{
    char *end;
    if (*text == '\0')
        return true;
    if (*text != ':' || text[1] < '0' || text[1] > '9')
        return false;
    const unsigned long port = strtoul(text + 1, &end, 10);
    *out = (uint16_t)port;
    return *end == '\0' && port <= UINT16_MAX;
}

bool pcapt_address_parse(const char *text, struct pcapt_address *out)
{
    char host[INET6_ADDRSTRLEN];
    const bool bracket = *text == '[';
    const char *end = bracket ? strchr(text, ']') : NULL;

    *out = (struct pcapt_address){.family = 4};
    if (strncmp(text, "user0:", 6) == 0 && (text[6] == '0' || text[6] == '1') && text[7] == '\0') {
        *out = (struct pcapt_address){.bytes = {(uint8_t)(text[6] - '0')}};
        return true;
    }
    if (bracket && end == NULL)
        return false;
    if (!bracket && strchr(text, ':') != NULL && strchr(text, ':') != strrchr(text, ':'))
        end = text + strlen(text); /* IPv6 without a port */
    out->family = end != NULL ? 6 : 4;
    if (end == NULL)
        end = text + strcspn(text, ":");
    text += bracket;
    if ((size_t)(end - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = '\0';
    return inet_pton(out->family == 6 ? AF_INET6 : AF_INET, host, out->bytes) == 1 &&
           reader_port(end + bracket, &out->port);
}

/* ---- what PDUs look like ---- */

static int64_t reader_i64(const uint8_t *at)
{
    return (int64_t)((uint64_t)packet_u32(at) << 32 | packet_u32(at + 4));
}

/* The head of a PDU of `length` bytes: ids in range, an opcode there is. WID-2a: some go a step
 * past the highest id. */
static bool reader_head_fits(const uint8_t *bytes)
{
    const int64_t window_id = reader_i64(bytes + 34);
    return window_id >= 0 && window_id < SIPC_WINDOW_ID_MAX + SIPC_WINDOW_ID_STEP &&
           (bytes[42] & 0x80) == 0 && bytes[46] >= SIPC_DATA && bytes[46] <= SIPC_ENQUIRE_LINK_ACK;
}

/* Whether the repeated prefix was reached and right: what is wrong behind it is told of a PDU. */
static bool reader_is_late(enum sipc_discard discard)
{
    return discard == SIPC_DISCARD_NONE || discard == SIPC_DISCARD_OPTION_VALUE ||
           discard == SIPC_DISCARD_ABORT_CODE || discard == SIPC_DISCARD_ACK_ERROR_CODE ||
           discard == SIPC_DISCARD_LINK_ERROR_CODE;
}

size_t packet_pdu_size(const uint8_t *bytes, size_t size)
{
    struct sipc_pdu pdu;

    if (size < 2)
        return SIZE_MAX;
    const size_t length = packet_u16(bytes);
    if (length < SIPC_PDU_SIZE_MIN || length > SIPC_PDU_SIZE_MAX ||
        (size >= SIPC_PDU_HEAD_SIZE && !reader_head_fits(bytes)))
        return 0;
    if (size < length)
        return SIZE_MAX;
    return reader_is_late(sipc_pdu_decode((struct sipc_span){bytes, length}, &pdu)) ? length : 0;
}

static bool reader_datagram_fits(const struct packet *packet)
{
    return packet->wire_size >= SIPC_PDU_SIZE_MIN && packet->wire_size <= SIPC_PDU_SIZE_MAX &&
           packet->size >= SIPC_PDU_HEAD_SIZE && packet_u16(packet->payload) == packet->wire_size &&
           reader_head_fits(packet->payload);
}

/* ---- flows, copies ---- */

static struct reader_flow *reader_flow(struct pcapt_reader *reader, const struct pcapt_flow *flow)
{
    const uint64_t hash = XXH3_64bits(flow, sizeof *flow);
    struct reader_flow *entry = &reader->flows[hash % reader->options.limits.flows];
    if (memcmp(&entry->flow, flow, sizeof *flow) != 0)
        *entry = (struct reader_flow){.flow = *flow};
    return entry;
}

static struct pcapt_flow reader_back(const struct pcapt_flow *flow)
{
    return (struct pcapt_flow){flow->destination, flow->source, flow->transport};
}

/* What makes packets the same but for the link they were seen on. */
static uint64_t reader_hash(const struct packet *packet)
{
    struct {
        struct pcapt_flow flow;
        uint32_t ip_id, seq, ack, wire, flags, direction;
    } key = {packet->flow,      packet->ip_id, packet->seq,      packet->ack,
             packet->wire_size, packet->flags, packet->direction};
    const uint64_t head = XXH3_64bits(&key, sizeof key);
    const size_t size = packet->size < READER_COPY_BYTES ? packet->size : (size_t)READER_COPY_BYTES;
    return XXH3_64bits_withSeed(packet->payload, size, head);
}

/* Our own programs write nothing twice, and say what was dropped: packets without a direction. */
static bool reader_is_ours(const struct pcapt_reader *reader)
{
    const char *application = pcapt_source_application(reader->source);
    return application != NULL && strcmp(application, "sipc") == 0;
}

/* The frame that this one is a mirror's copy of; 0: none, but *duplicate if it is a network's. Our
 * own programs write what they mean. */
static uint64_t reader_copy_of(struct pcapt_reader *reader, const struct packet *packet,
                               struct reader_flow *flow, bool *duplicate)
{
    const struct pcapt_frame *frame = &reader->frame;

    if (packet->was_fragmented || reader_is_ours(reader))
        return 0;
    if (packet->size == 0 && !packet->has_ip_id)
        return 0; /* an ack of TCP repeats, and nothing tells it from a copy */
    const uint64_t hash = reader_hash(packet);
    struct reader_recent *recent = &reader->recent[hash % READER_RECENT];
    const bool same = recent->hash == hash && recent->frame != 0 && frame->at_ns >= recent->at_ns &&
                      frame->at_ns - recent->at_ns <= READER_COPY_NS;
    flow->frames++;
    if (same) {
        flow->repeats++;
        *duplicate = flow->repeats * READER_COPY_SHARE < flow->frames;
        return *duplicate ? 0 : recent->frame;
    }
    *recent = (struct reader_recent){hash, frame->at_ns, frame->number};
    return 0;
}

/* ---- items ---- */

/* Decodes what the item has, and counts it. */
static const struct pcapt_item *reader_finish(struct pcapt_reader *reader)
{
    struct pcapt_item *item = &reader->item;

    item->interface = reader->frame.interface;
    item->link_type = reader->frame.link_type;
    item->direction = reader->direction;
    item->comment = reader->frame.comment;
    if (item->kind != PCAPT_ITEM_PDU)
        return item;
    item->discard = sipc_pdu_decode(item->bytes, &item->pdu);
    if (item->bytes.size < item->wire_size)
        item->discard = SIPC_DISCARD_NONE; /* the capture's fault: what is left tells nothing */
    item->corrupted = item->discard != SIPC_DISCARD_NONE &&
                      item->flow.transport == PCAPT_OVER_UDP &&
                      packet_checksum_is_wrong(&item->flow, item->bytes);
    item->number = reader->counts.pdus + reader->counts.not_pdus + 1;
    if (pcapt_item_is_pdu(item))
        reader->counts.pdus++;
    else
        reader->counts.not_pdus++;
    return item;
}

static bool reader_is_wanted(const struct pcapt_reader *reader, const struct packet *packet,
                             const struct reader_flow *flow)
{
    const struct pcapt_reader_options *options = &reader->options;

    if (packet->flow.transport == PCAPT_OVER_NOTHING)
        return true;
    if (options->port_count == 0)
        return flow->ours || reader_datagram_fits(packet);
    for (size_t i = 0; i < options->port_count; i++)
        if (packet->flow.source.port == options->ports[i] ||
            packet->flow.destination.port == options->ports[i])
            return true;
    return false;
}

static bool reader_datagram(struct pcapt_reader *reader, const struct packet *packet,
                            struct reader_flow *flow, uint64_t copy_of)
{
    if (!reader_is_wanted(reader, packet, flow)) {
        reader->counts.foreign++;
        return false;
    }
    if (!flow->ours) {
        const struct pcapt_flow back = reader_back(&packet->flow);
        flow->ours = true;
        reader_flow(reader, &back)->ours = true;
    }
    reader->item = (struct pcapt_item){.kind = PCAPT_ITEM_PDU,
                                       .frame = reader->frame.number,
                                       .first_frame = packet->first_frame,
                                       .at_ns = reader->frame.at_ns,
                                       .flow = packet->flow,
                                       .bytes = {packet->payload, packet->size},
                                       .wire_size = packet->wire_size,
                                       .copy_of = copy_of,
                                       .dropped = reader->direction == PCAPT_DIRECTION_UNKNOWN &&
                                                  reader_is_ours(reader)};
    return true;
}

/* The sides of a link without addresses. */
static void reader_user(struct packet *packet, const struct pcapt_frame *frame,
                        const struct packet_rest *rest)
{
    packet->payload = rest->at;
    packet->size = rest->size;
    packet->wire_size = rest->wire;
    packet->first_frame = frame->number;
    packet->flow.source.bytes[0] = frame->direction == PCAPT_INBOUND;
    packet->flow.destination.bytes[0] = frame->direction != PCAPT_INBOUND;
}

static void reader_tell(const struct pcapt_reader *reader, const struct packet *packet,
                        uint64_t copy_of, bool duplicate)
{
    const bool tcp = packet->flow.transport == PCAPT_OVER_TCP;
    const struct pcapt_seen seen = {
        .frame = &reader->frame,
        .flow = &packet->flow,
        .direction = reader->direction,
        .payload = {packet->payload, packet->size},
        .wire_size = packet->wire_size,
        .seq = packet->seq,
        .ack = packet->ack,
        .flags = packet->flags,
        .head = {tcp ? packet->payload - packet->tcp_head : NULL, packet->tcp_head},
        .ip_id = packet->has_ip_id ? packet->ip_id : 0,
        .copy_of = copy_of,
        .duplicate = duplicate,
        .dropped = reader->direction == PCAPT_DIRECTION_UNKNOWN && reader_is_ours(reader),
    };
    reader->options.packet(reader->options.ctx, &seen);
}

/* true: reader->item holds a PDU of this frame, or from_stream says where to look. */
static bool reader_frame(struct pcapt_reader *reader)
{
    struct packet packet = {.first_frame = 0};
    struct packet_rest rest;
    enum packet_network network;
    const struct pcapt_frame *frame = &reader->frame;
    enum packet_kind kind =
        packet_link(frame, reader->options.link_type, &rest, &network, &packet.direction);

    if (kind == PACKET_DATAGRAM && network == PACKET_NETWORK_PDU)
        reader_user(&packet, frame, &rest);
    else if (kind == PACKET_DATAGRAM)
        kind = packet_ip(reader->fragments, frame, rest, &packet);
    reader->direction = packet.direction;
    reader->counts.other += kind == PACKET_OTHER;
    reader->counts.malformed += kind == PACKET_MALFORMED;
    if (kind != PACKET_DATAGRAM && kind != PACKET_SEGMENT)
        return false;
    struct reader_flow *flow = reader_flow(reader, &packet.flow);
    bool duplicate = false;
    const uint64_t copy_of = reader_copy_of(reader, &packet, flow, &duplicate);
    reader->counts.copies += copy_of != 0;
    if (reader->options.packet != NULL)
        reader_tell(reader, &packet, copy_of, duplicate);
    if (kind == PACKET_DATAGRAM && reader_datagram(reader, &packet, flow, copy_of)) {
        reader->item.duplicate = duplicate;
        return true;
    }
    if (kind == PACKET_DATAGRAM)
        return false;
    reader->from_stream = streams_segment(reader->streams, &packet, frame);
    reader->counts.foreign += !reader->from_stream;
    return false;
}

static void reader_count(struct pcapt_reader *reader)
{
    struct pcapt_counts *counts = &reader->counts;
    const struct pcapt_frame *frame = &reader->frame;

    counts->backwards += counts->frames > 0 && frame->at_ns < counts->last_ns;
    if (counts->frames++ == 0)
        counts->first_ns = frame->at_ns;
    counts->last_ns = frame->at_ns;
    counts->bytes += frame->wire_size;
    counts->cut += frame->size < frame->wire_size;
}

/* ---- what is offered ---- */

static const struct pcapt_limits reader_limits = {.flows = 1 << 14,
                                                  .streams = 4096,
                                                  .held_segments = 256,
                                                  .held_bytes = 1 << 20,
                                                  .all_held_bytes = 64 << 20,
                                                  .search_bytes = 1 << 18};

struct pcapt_reader *pcapt_reader_new(struct pcapt_source *source,
                                      const struct pcapt_reader_options *options)
{
    struct pcapt_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) /* no memory */
        abort();
    reader->source = source;
    if (options != NULL)
        reader->options = *options;
    if (reader->options.limits.flows == 0)
        reader->options.limits = reader_limits;
    if (reader->options.link_type == 0)
        reader->options.link_type = PCAPT_LINK_USER0;
    reader->flows = calloc(reader->options.limits.flows, sizeof *reader->flows);
    if (reader->flows == NULL) /* no memory */
        abort();
    reader->fragments = fragments_new(&reader->counts);
    reader->streams = streams_new(&reader->options, &reader->counts);
    return reader;
}

void pcapt_reader_free(struct pcapt_reader *reader)
{
    if (reader == NULL)
        return;
    fragments_free(reader->fragments);
    streams_free(reader->streams);
    free(reader->flows);
    free(reader);
}

static void reader_done(struct pcapt_reader *reader)
{
    if (reader->options.frame_done != NULL && reader->has_frame)
        reader->options.frame_done(reader->options.ctx, &reader->frame);
    reader->has_frame = false;
}

enum pcapt_status pcapt_reader_next(struct pcapt_reader *reader, const struct pcapt_item **item)
{
    *item = NULL;
    for (;;) {
        if (reader->from_stream) {
            reader->item = (struct pcapt_item){0};
            if (streams_next(reader->streams, &reader->item)) {
                *item = reader_finish(reader);
                return PCAPT_OK;
            }
            reader->from_stream = false;
        }
        if (reader->ended == PCAPT_OK) {
            reader_done(reader);
            const enum pcapt_status status = pcapt_source_next(reader->source, &reader->frame);
            if (status == PCAPT_WAIT)
                return status;
            reader->ended = status;
        }
        if (reader->ended != PCAPT_OK) {
            reader->frame.comment = NULL;
            reader->from_stream = streams_end(reader->streams);
            if (!reader->from_stream)
                return reader->ended;
            continue;
        }
        reader_count(reader);
        reader->has_frame = true;
        if (reader_frame(reader)) {
            *item = reader_finish(reader);
            return PCAPT_OK;
        }
    }
}

const struct pcapt_counts *pcapt_reader_counts(const struct pcapt_reader *reader)
{
    return &reader->counts;
}

const struct pcapt_frame *pcapt_reader_frame(const struct pcapt_reader *reader)
{
    return reader->counts.frames > 0 ? &reader->frame : NULL;
}
