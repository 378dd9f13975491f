/* TCP in order, as far as PDUs need it: one direction of a connection is a stream; segments that
 * come early wait; what the capture lacks is a gap, which is told, and behind which the next PDU is
 * looked for by its looks.
 *
 * A gap is certain when the other side acknowledged what never came by, when the capture cut a
 * segment, when more waits behind it than there is room for, or at the end of the capture. Bytes
 * that come again are not compared: the first ones count. */
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "packet.h"

enum { STREAM_JUMP = 1 << 30 }; /* further away: another connection */

struct stream_held {
    struct stream_held *next;
    uint32_t seq, size, wire;
    uint64_t frame, at_ns;
    uint8_t bytes[];
};

enum stream_what { STREAM_UNDECIDED, STREAM_OURS, STREAM_FOREIGN };

struct stream {
    struct pcapt_flow flow;
    struct stream *chain;         /* of its bucket */
    struct stream *older, *newer; /* by use */
    enum stream_what what;
    bool begun;  /* `next` is known */
    bool synced; /* the first byte of `pending` begins a PDU */
    bool ended;  /* FIN or RST */
    uint32_t next;
    uint8_t *pending; /* in order, not given out */
    size_t start, end, capacity;
    uint64_t frame, first_frame, at_ns; /* that completed the bytes; that brought the first */
    struct stream_held *held;           /* by seq */
    size_t held_count, held_bytes;
    uint64_t searched, missing;
};

struct streams {
    const struct pcapt_reader_options *options;
    struct pcapt_counts *counts;
    struct stream **buckets; /* two for each that may be */
    struct stream *oldest, *newest;
    size_t count, held_bytes;
    struct stream *current[2]; /* what streams_next looks at */
};

struct streams *streams_new(const struct pcapt_reader_options *options, struct pcapt_counts *counts)
{
    struct streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL) /* no memory */
        abort();
    streams->options = options;
    streams->counts = counts;
    streams->buckets = calloc((size_t)2 * options->limits.streams, sizeof(struct stream *));
    if (streams->buckets == NULL) /* no memory */
        abort();
    return streams;
}

static void stream_drop_held(struct streams *streams, struct stream *stream)
{
    struct stream_held *held = stream->held;
    stream->held = held->next;
    stream->held_count--;
    stream->held_bytes -= held->size;
    streams->held_bytes -= held->size;
    free(held);
}

static void stream_clear(struct streams *streams, struct stream *stream)
{
    while (stream->held != NULL)
        stream_drop_held(streams, stream);
    free(stream->pending);
    stream->pending = NULL;
    stream->start = stream->end = stream->capacity = 0;
}

void streams_free(struct streams *streams)
{
    for (struct stream *stream = streams->oldest, *newer; stream != NULL; stream = newer) {
        newer = stream->newer;
        stream_clear(streams, stream);
        free(stream);
    }
    free(streams->buckets);
    free(streams);
}

/* ---- the table ---- */

static struct stream **streams_bucket(struct streams *streams, const struct pcapt_flow *flow)
{
    const size_t count = (size_t)2 * streams->options->limits.streams;
    return &streams->buckets[XXH3_64bits(flow, sizeof *flow) % count];
}

static void streams_unlink(struct streams *streams, struct stream *stream)
{
    *(stream->older != NULL ? &stream->older->newer : &streams->oldest) = stream->newer;
    *(stream->newer != NULL ? &stream->newer->older : &streams->newest) = stream->older;
}

static void streams_link(struct streams *streams, struct stream *stream)
{
    stream->newer = NULL;
    stream->older = streams->newest;
    *(streams->newest != NULL ? &streams->newest->newer : &streams->oldest) = stream;
    streams->newest = stream;
}

static struct stream *streams_find(struct streams *streams, const struct pcapt_flow *flow)
{
    struct stream *stream = *streams_bucket(streams, flow);
    while (stream != NULL && memcmp(&stream->flow, flow, sizeof *flow) != 0)
        stream = stream->chain;
    return stream;
}

static void streams_evict(struct streams *streams)
{
    struct stream *stream = streams->oldest;
    struct stream **at = streams_bucket(streams, &stream->flow);

    while (*at != stream)
        at = &(*at)->chain;
    *at = stream->chain;
    streams_unlink(streams, stream);
    if (stream->what == STREAM_OURS && !stream->ended)
        streams->counts->forgotten++;
    stream_clear(streams, stream);
    free(stream);
    streams->count--;
}

static struct stream *streams_get(struct streams *streams, const struct pcapt_flow *flow)
{
    struct stream *stream = streams_find(streams, flow);
    if (stream != NULL) {
        streams_unlink(streams, stream);
        streams_link(streams, stream);
        return stream;
    }
    if (streams->count == streams->options->limits.streams)
        streams_evict(streams);
    stream = calloc(1, sizeof *stream);
    if (stream == NULL) /* no memory */
        abort();
    stream->flow = *flow;
    struct stream **bucket = streams_bucket(streams, flow);
    stream->chain = *bucket;
    *bucket = stream;
    streams_link(streams, stream);
    streams->count++;
    return stream;
}

/* ---- bytes in order ---- */

static void stream_append(struct stream *stream, const uint8_t *bytes, size_t size, uint64_t frame,
                          uint64_t at_ns)
{
    if (stream->start == stream->end) {
        stream->start = stream->end = 0;
        stream->first_frame = frame;
    }
    if (stream->end + size > stream->capacity && stream->start > 0) {
        memmove(stream->pending, stream->pending + stream->start, stream->end - stream->start);
        stream->end -= stream->start;
        stream->start = 0;
    }
    if (stream->end + size > stream->capacity) {
        const size_t capacity = (stream->end + size) * 2;
        uint8_t *pending = realloc(stream->pending, capacity);
        if (pending == NULL) /* no memory */
            abort();
        stream->pending = pending;
        stream->capacity = capacity;
    }
    memcpy(stream->pending + stream->end, bytes, size);
    stream->end += size;
    /* bytes that waited are there when what they waited for is */
    stream->frame = frame > stream->frame ? frame : stream->frame;
    stream->at_ns = at_ns > stream->at_ns ? at_ns : stream->at_ns;
}

/* The next `bytes` will not come. What waited for them goes too. */
static void stream_gap(struct stream *stream, uint32_t bytes)
{
    stream->missing += bytes;
    stream->next += bytes;
}

static void stream_take(struct stream *stream, const uint8_t *bytes, uint32_t size, uint32_t wire,
                        uint64_t frame, uint64_t at_ns)
{
    if (size > 0)
        stream_append(stream, bytes, size, frame, at_ns);
    stream->next += size;
    if (wire > size)
        stream_gap(stream, wire - size);
}

static void stream_hold(struct streams *streams, struct stream *stream, const struct packet *packet,
                        const struct pcapt_frame *frame)
{
    struct stream_held **at = &stream->held;
    while (*at != NULL && (int32_t)((*at)->seq - packet->seq) < 0)
        at = &(*at)->next;
    if (*at != NULL && (*at)->seq == packet->seq && (*at)->wire >= packet->wire_size)
        return;
    struct stream_held *held = malloc(sizeof *held + packet->size);
    if (held == NULL) /* no memory */
        abort();
    *held = (struct stream_held){*at,           packet->seq, packet->size, packet->wire_size,
                                 frame->number, frame->at_ns};
    if (packet->size > 0)
        memcpy(held->bytes, packet->payload, packet->size);
    *at = held;
    stream->held_count++;
    stream->held_bytes += held->size;
    streams->held_bytes += held->size;
}

/* Takes the first that waits, if it is its turn or its time. What was missing was told. */
static bool stream_take_held(struct streams *streams, struct stream *stream)
{
    const struct pcapt_limits *limits = &streams->options->limits;
    struct stream_held *held = stream->held;

    if (held == NULL)
        return false;
    const int32_t ahead = (int32_t)(held->seq - stream->next);
    if (ahead > 0) {
        if (!stream->ended && stream->held_count <= limits->held_segments &&
            stream->held_bytes <= limits->held_bytes &&
            streams->held_bytes <= limits->all_held_bytes)
            return false;
        stream_gap(stream, (uint32_t)ahead);
        return true;
    }
    const uint32_t old = (uint32_t)-ahead;
    if (old < held->wire) {
        const uint32_t skip = old < held->size ? old : held->size;
        stream_take(stream, held->bytes + skip, held->size - skip,
                    held->wire - old > held->size - skip ? held->wire - old : held->size - skip,
                    held->frame, held->at_ns);
    }
    stream_drop_held(streams, stream);
    return true;
}

/* ---- segments ---- */

static bool streams_want(const struct streams *streams, const struct pcapt_flow *flow)
{
    const struct pcapt_reader_options *options = streams->options;
    for (size_t i = 0; i < options->port_count; i++)
        if (flow->source.port == options->ports[i] || flow->destination.port == options->ports[i])
            return true;
    return options->port_count == 0;
}

static void stream_begin(struct streams *streams, struct stream *stream, uint32_t next, bool synced)
{
    stream_clear(streams, stream);
    stream->what = streams->options->port_count > 0 ? STREAM_OURS : STREAM_UNDECIDED;
    stream->begun = true;
    stream->ended = false;
    stream->synced = synced;
    stream->next = next;
    stream->searched = stream->missing = 0;
}

/* What the other side has acknowledged and never came by is missing for good. A FIN counts one. */
static void streams_acknowledged(struct streams *streams, const struct packet *packet)
{
    const struct pcapt_flow back = {.source = packet->flow.destination,
                                    .destination = packet->flow.source,
                                    .transport = packet->flow.transport};
    struct stream *stream = streams_find(streams, &back);

    streams->current[1] = NULL;
    if (stream == NULL || stream->what == STREAM_FOREIGN || stream->ended)
        return;
    const int32_t ahead = (int32_t)(packet->ack - stream->next);
    if (ahead <= 1 || ahead >= STREAM_JUMP)
        return;
    uint32_t missing = (uint32_t)ahead;
    if (stream->held != NULL && (int32_t)(stream->held->seq - packet->ack) <= 0)
        missing = stream->held->seq - stream->next;
    stream_gap(stream, missing);
    streams->current[1] = stream;
}

static void stream_payload(struct streams *streams, struct stream *stream,
                           const struct packet *packet, const struct pcapt_frame *frame)
{
    const int32_t old = (int32_t)(stream->next - packet->seq);

    if (old >= STREAM_JUMP || old <= -STREAM_JUMP) {
        stream_begin(streams, stream, packet->seq, false);
        stream_payload(streams, stream, packet, frame);
    } else if (old < 0) {
        stream_hold(streams, stream, packet, frame);
    } else if ((uint32_t)old < packet->wire_size) {
        const uint32_t skip = (uint32_t)old < packet->size ? (uint32_t)old : packet->size;
        const uint32_t size = packet->size - skip;
        const uint32_t wire = packet->wire_size - (uint32_t)old;
        stream_take(stream, packet->payload + skip, size, wire > size ? wire : size, frame->number,
                    frame->at_ns);
    }
}

bool streams_segment(struct streams *streams, const struct packet *packet,
                     const struct pcapt_frame *frame)
{
    struct packet segment = *packet;

    streams->current[0] = streams->current[1] = NULL;
    if (!streams_want(streams, &packet->flow))
        return false;
    struct stream *stream = streams_get(streams, &packet->flow);
    if (packet->flags & TCP_SYN) {
        segment.seq++;
        if (!stream->begun || stream->next != segment.seq)
            stream_begin(streams, stream, segment.seq, true);
    } else if (!stream->begun) {
        stream_begin(streams, stream, segment.seq, false);
    }
    if (packet->flags & TCP_ACK)
        streams_acknowledged(streams, packet);
    if (stream->what == STREAM_FOREIGN)
        return streams->current[1] != NULL;
    if (segment.wire_size > 0)
        stream_payload(streams, stream, &segment, frame);
    stream->ended |= (packet->flags & (TCP_FIN | TCP_RST)) != 0;
    streams->current[0] = stream;
    return true;
}

bool streams_end(struct streams *streams)
{
    streams->current[1] = NULL;
    for (struct stream *stream = streams->oldest; stream != NULL; stream = stream->newer) {
        stream->ended = true;
        if (stream->what == STREAM_OURS && stream->held != NULL) {
            streams->current[0] = stream;
            return true;
        }
    }
    return false;
}

/* ---- PDUs ---- */

/* Drops bytes of `pending` until a PDU may begin there. */
static void stream_search(struct stream *stream)
{
    while (!stream->synced && stream->start < stream->end) {
        const size_t size =
            packet_pdu_size(stream->pending + stream->start, stream->end - stream->start);
        if (size == SIZE_MAX)
            return;
        stream->synced = size != 0;
        stream->start += size == 0;
        stream->searched += size == 0;
    }
}

static void stream_decide(struct streams *streams, struct stream *stream)
{
    if (stream->what != STREAM_UNDECIDED || stream->start == stream->end)
        return;
    const size_t size =
        packet_pdu_size(stream->pending + stream->start, stream->end - stream->start);
    if (size == SIZE_MAX && stream->searched <= streams->options->limits.search_bytes)
        return;
    stream->what = size == 0 || size == SIZE_MAX ? STREAM_FOREIGN : STREAM_OURS;
    if (stream->what == STREAM_FOREIGN)
        stream_clear(streams, stream);
}

static void stream_item(const struct stream *stream, struct pcapt_item *item)
{
    item->frame = stream->frame;
    item->first_frame = stream->first_frame;
    item->at_ns = stream->at_ns;
    item->flow = stream->flow;
}

/* The next whole frame; a length that no PDU has is given out with all there is: on a stream
 * nothing behind it can be believed (WIRE-3). */
static bool stream_pdu(struct streams *streams, struct stream *stream, struct pcapt_item *item)
{
    stream_search(stream);
    stream_decide(streams, stream);
    const size_t there = stream->end - stream->start;
    if (stream->what != STREAM_OURS || !stream->synced || there < 2)
        return false;
    const uint8_t *bytes = stream->pending + stream->start;
    const size_t length = packet_u16(bytes);
    const bool lost = length < SIPC_PDU_SIZE_MIN || length > SIPC_PDU_SIZE_MAX;
    if (!lost && there < length)
        return false;
    stream_item(stream, item);
    item->kind = PCAPT_ITEM_PDU;
    item->bytes = (struct sipc_span){bytes, lost ? there : length};
    item->wire_size = item->bytes.size;
    stream->start += item->bytes.size;
    stream->first_frame = stream->frame;
    stream->synced = !lost;
    return true;
}

static bool stream_told_gap(struct streams *streams, struct stream *stream, struct pcapt_item *item)
{
    const uint64_t missing = stream->missing;
    const bool ours = stream->what == STREAM_OURS;

    stream->missing = 0;
    stream->synced = false;
    stream->start = stream->end;
    if (!ours)
        return false;
    stream_item(stream, item);
    item->kind = PCAPT_ITEM_GAP;
    item->missing = missing;
    streams->counts->gaps++;
    streams->counts->gap_bytes += missing;
    return true;
}

bool streams_next(struct streams *streams, struct pcapt_item *item)
{
    for (int i = 1; i >= 0; i--) {
        struct stream *stream = streams->current[i];
        while (stream != NULL && stream->what != STREAM_FOREIGN) {
            if (stream_pdu(streams, stream, item))
                return true;
            if (stream->missing > 0 && stream_told_gap(streams, stream, item))
                return true;
            if (!stream_take_held(streams, stream))
                break;
        }
        streams->current[i] = NULL;
    }
    return false;
}
