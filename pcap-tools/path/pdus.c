/* ScalableIPC over UDP seen at one place: a data PDU that is sent again, though no ack of its
 * window reached so far, was lost; one that was acked is sent again because a retry begins with the
 * window's first PDU (SIPC_RULE_RTY_1). Round trips as for TCP. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "path.h"

struct pdus_sent {
    uint64_t session, at_ns;
    int64_t window_id;
    int32_t seq_nr;
    size_t record;
    uint8_t back;
    bool used, again, arrived; /* again: it was sent more than once */
    size_t lost;               /* 1 + record that is thought lost, for as long as that may change */
};
struct pdus_window {
    uint64_t session;
    int64_t id;
    int32_t acked;
    uint8_t back;
    bool used, again, full;
};
struct pdus {
    struct path *path;
    struct path_record *records;
    int ways[2];
    uint64_t trip_min_ns[2];
    struct pdus_sent *sent;
    struct pdus_window *windows;
    size_t mask;
};

static size_t pdus_hash(const struct path_record *record, uint8_t back, int64_t seq_nr)
{
    uint64_t hash = record->session ^ (uint64_t)record->window_id * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (uint64_t)seq_nr * 2 ^ back) * UINT64_C(0xbf58476d1ce4e5b9);
    return (size_t)(hash ^ hash >> 31);
}

static struct pdus_sent *pdus_sent(struct pdus *pdus, const struct path_record *record,
                                   uint8_t back)
{
    size_t at = pdus_hash(record, back, record->seq_nr) & pdus->mask;
    for (;; at = (at + 1) & pdus->mask) {
        struct pdus_sent *sent = &pdus->sent[at];
        if (!sent->used ||
            (sent->session == record->session && sent->window_id == record->window_id &&
             sent->seq_nr == record->seq_nr && sent->back == back))
            return sent;
    }
}

static struct pdus_window *pdus_window(struct pdus *pdus, const struct path_record *record,
                                       uint8_t back)
{
    size_t at = pdus_hash(record, back, -1) & pdus->mask;
    for (;; at = (at + 1) & pdus->mask) {
        struct pdus_window *window = &pdus->windows[at];
        if (!window->used || (window->session == record->session &&
                              window->id == record->window_id && window->back == back))
            break;
    }
    if (!pdus->windows[at].used)
        pdus->windows[at] =
            (struct pdus_window){record->session, record->window_id, -1, back, .used = true};
    return &pdus->windows[at];
}

static void pdus_data(struct pdus *pdus, size_t place)
{
    struct path_record *record = &pdus->records[place];
    struct path_counts *counts = &pdus->path->ways[pdus->ways[record->back]].counts;
    struct pdus_window *window = pdus_window(pdus, record, record->back);
    struct pdus_sent *sent = pdus_sent(pdus, record, record->back);

    counts->data++;
    if (sent->used) {
        counts->resent++;
        window->again = sent->again = true;
        sent->lost = 0;
        if (window->acked >= record->seq_nr) {
            counts->spurious[PATH_BY_ACK]++;
        } else {
            pdus->records[sent->record].lost = true;
            counts->lost_behind++;
            sent->lost = 1 + sent->record;
        }
    }
    *sent = (struct pdus_sent){
        record->session, record->at_ns, record->window_id,    record->seq_nr,    place,
        record->back,    .used = true,  .again = sent->again, .lost = sent->lost};
}

static void pdus_ack(struct pdus *pdus, const struct path_record *ack)
{
    const uint8_t side = !ack->back;
    struct path_way *way = &pdus->path->ways[pdus->ways[side]];
    struct pdus_window *window = pdus_window(pdus, ack, side);
    struct pdus_sent *sent = pdus_sent(pdus, ack, side);

    if (ack->seq_nr <= window->acked && ack->full == window->full) {
        way->counts.duplicate_acks++;
        return;
    }
    window->full = ack->full;
    window->acked = ack->seq_nr > window->acked ? ack->seq_nr : window->acked;
    if (!sent->used) {
        way->counts.holes++;
        return;
    }
    if (ack->at_ns < sent->at_ns)
        return; /* a capture whose clock was set */
    const uint64_t ns = ack->at_ns - sent->at_ns;
    if (!window->again) {
        path_sample_add(&way->trips, sent->at_ns, ns);
        if (pdus->trip_min_ns[side] == 0 || ns < pdus->trip_min_ns[side])
            pdus->trip_min_ns[side] = ns;
        return;
    }
    way->counts.ambiguous++;
    if (sent->lost > 0 && ns < pdus->trip_min_ns[side] / 2) { /* it is of the first one */
        pdus->records[sent->lost - 1].lost = false;
        way->counts.lost_behind--;
        way->counts.spurious[PATH_BY_TIME]++;
        sent->lost = 0;
    }
}

void path_pdus(struct path *path, struct path_capture *capture, const size_t *places, size_t count,
               bool swapped)
{
    struct pdus pdus = {
        .path = path, .records = capture->records, .ways = {swapped, !swapped}, .mask = 63};

    while (pdus.mask < count * 4)
        pdus.mask = pdus.mask * 2 + 1;
    pdus.sent = calloc(pdus.mask + 1, sizeof *pdus.sent);
    pdus.windows = calloc(pdus.mask + 1, sizeof *pdus.windows);
    if (pdus.sent == NULL || pdus.windows == NULL) /* no memory */
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct path_record *record = &capture->records[places[i]];
        if (record->kind != PATH_PDU)
            continue;
        if (record->opcode == SIPC_DATA || record->opcode == SIPC_CLOSE)
            pdus_data(&pdus, places[i]);
        else if (record->opcode == SIPC_DATA_ACK || record->opcode == SIPC_CLOSE_ACK)
            pdus_ack(&pdus, record);
    }
    free(pdus.sent);
    free(pdus.windows);
}
