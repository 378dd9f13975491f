/* A capture as records. What trackers need of each packet is taken from its headers here; nothing
 * is judged. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "path.h"

enum {
    CAPTURE_CONTENT_BYTES = 128, /* of a payload that tell packets apart */
    TCP_OPTION_SACK = 5,
    TCP_OPTION_STAMPS = 8,
    RTP_HEAD = 12,
};

void *path_grow(void *at, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return at;
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    at = realloc(at, *capacity * size);
    if (at == NULL) /* no memory */
        abort();
    return at;
}

static uint32_t capture_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- flows ---- */

static uint64_t capture_hash(const struct pcapt_flow *flow)
{
    const uint64_t a = XXH3_64bits(&flow->source, sizeof flow->source);
    const uint64_t b = XXH3_64bits(&flow->destination, sizeof flow->destination);
    return (a ^ b) + flow->transport; /* the same both ways */
}

static bool capture_same(const struct pcapt_address *a, const struct pcapt_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void capture_rehash(struct path_capture *capture)
{
    capture->bucket_count = capture->bucket_count == 0 ? 256 : capture->bucket_count * 4;
    free(capture->buckets);
    capture->buckets = calloc(capture->bucket_count, sizeof *capture->buckets);
    if (capture->buckets == NULL) /* no memory */
        abort();
    for (size_t i = 0; i < capture->flow_count; i++) {
        const struct path_flow *flow = &capture->flows[i];
        const struct pcapt_flow key = {flow->ends[0], flow->ends[1], flow->transport};
        size_t at = capture_hash(&key) % capture->bucket_count;
        while (capture->buckets[at] != 0)
            at = (at + 1) % capture->bucket_count;
        capture->buckets[at] = (uint32_t)i + 1;
    }
}

static uint32_t capture_flow(struct path_capture *capture, const struct pcapt_flow *flow,
                             uint8_t *back)
{
    if (capture->flow_count * 2 >= capture->bucket_count)
        capture_rehash(capture);
    size_t at = capture_hash(flow) % capture->bucket_count;
    for (; capture->buckets[at] != 0; at = (at + 1) % capture->bucket_count) {
        struct path_flow *known = &capture->flows[capture->buckets[at] - 1];
        *back = capture_same(&known->ends[1], &flow->source);
        if (known->transport == flow->transport &&
            capture_same(&known->ends[*back], &flow->source) &&
            capture_same(&known->ends[!*back], &flow->destination)) {
            known->packets++;
            return capture->buckets[at] - 1;
        }
    }
    *back = 0;
    capture->flows = path_grow(capture->flows, capture->flow_count, &capture->flow_capacity,
                               sizeof *capture->flows);
    capture->flows[capture->flow_count] =
        (struct path_flow){{flow->source, flow->destination}, flow->transport, 1};
    capture->buckets[at] = (uint32_t)++capture->flow_count;
    return (uint32_t)capture->flow_count - 1;
}

/* ---- packets ---- */

static void capture_option(struct path_record *record, const uint8_t *at, size_t size)
{
    if (at[0] == TCP_OPTION_STAMPS && size >= 10) {
        record->has_stamps = true;
        record->stamp = capture_u32(at + 2);
        record->echo = capture_u32(at + 6);
    }
    if (at[0] == TCP_OPTION_SACK && size >= 10) {
        record->has_block = true;
        record->block_start = capture_u32(at + 2);
        record->block_end = capture_u32(at + 6);
    }
}

static void capture_tcp(struct path_record *record, const struct pcapt_seen *seen)
{
    record->kind = PATH_TCP;
    record->seq = seen->seq;
    record->ack = seen->ack;
    record->flags = seen->flags;
    for (size_t at = 20; at < seen->head.size && seen->head.data[at] != 0;) {
        const size_t left = seen->head.size - at;
        if (seen->head.data[at] == 1) { /* padding */
            at++;
            continue;
        }
        const size_t size = left > 1 ? seen->head.data[at + 1] : 0;
        if (size < 2 || size > left)
            return;
        capture_option(record, seen->head.data + at, size);
        at += size;
    }
}

/* It may be RTP (RFC 3550) by its version and a type that is not of RTCP. */
static void capture_udp(struct path_record *record, const struct pcapt_seen *seen)
{
    const uint8_t *at = seen->payload.data;
    if (seen->payload.size < RTP_HEAD || at[0] >> 6 != 2 || (at[1] & 0x7f) / 8 == 9)
        return;
    record->kind = PATH_RTP;
    record->rtp_type = at[1] & 0x7f;
    record->seq = (uint32_t)at[2] << 8 | at[3];
    record->rtp_stamp = capture_u32(at + 4);
    record->rtp_source = capture_u32(at + 8);
}

static uint32_t capture_wire(const struct pcapt_seen *seen)
{
    const uint8_t family = seen->flow->source.family;
    const uint32_t ip = family == 0 ? 0 : family == 4 ? 20 : 40;
    const uint32_t head = seen->flow->transport == PCAPT_OVER_UDP ? 8 : (uint32_t)seen->head.size;
    return seen->wire_size + ip + head;
}

void path_capture_packet(void *ctx, const struct pcapt_seen *seen)
{
    struct path_capture *capture = ctx;
    struct path_record record = {.at_ns = seen->frame->at_ns,
                                 .frame = seen->frame->number,
                                 .size = seen->wire_size,
                                 .direction = (uint8_t)seen->direction,
                                 .copy = seen->copy_of != 0,
                                 .duplicate = seen->duplicate,
                                 .dropped = seen->dropped};
    const size_t size =
        seen->payload.size < CAPTURE_CONTENT_BYTES ? seen->payload.size : CAPTURE_CONTENT_BYTES;

    record.wire = capture_wire(seen);
    record.flow = capture_flow(capture, seen->flow, &record.back);
    if (seen->flow->transport == PCAPT_OVER_TCP)
        capture_tcp(&record, seen);
    else if (seen->flow->transport == PCAPT_OVER_UDP)
        capture_udp(&record, seen);
    const uint64_t key[] = {seen->ip_id,
                            record.seq,
                            record.ack,
                            record.flags,
                            record.size,
                            seen->flow->source.port,
                            seen->flow->destination.port};
    record.content = XXH3_64bits_withSeed(seen->payload.data, size, XXH3_64bits(key, sizeof key));
    capture->records =
        path_grow(capture->records, capture->count, &capture->capacity, sizeof *capture->records);
    capture->records[capture->count++] = record;
}

void path_capture_pdu(struct path_capture *capture, const struct pcapt_item *item)
{
    struct path_record *record = capture->count > 0 ? &capture->records[capture->count - 1] : NULL;

    if (record == NULL || record->frame != item->frame || !pcapt_item_is_pdu(item) ||
        item->flow.transport == PCAPT_OVER_TCP)
        return;
    record->kind = PATH_PDU;
    record->opcode = item->pdu.opcode;
    record->window_id = item->pdu.window_id;
    record->seq_nr = item->pdu.seq_nr;
    record->full =
        (item->pdu.flags & SIPC_OPT_IS_WINDOW_FULL) || item->pdu.opcode == SIPC_CLOSE_ACK;
    record->session = XXH3_64bits(item->pdu.session_id, SIPC_SESSION_ID_SIZE);
}

void path_capture_free(struct path_capture *capture)
{
    free(capture->records);
    free(capture->flows);
    free(capture->buckets);
}
