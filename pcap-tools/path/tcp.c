/* TCP seen at one place: what was lost before it and behind it, what was sent again for nothing,
 * and how long the way to each end and back takes.
 *
 * Data that was here before is sent again: the packet before was lost behind this place, unless it
 * arrived all the same. That is known if an ack for it had come before; if the ack comes sooner
 * than half of the shortest round trip; if the receiver says it got it twice (D-SACK, RFC 2883); or
 * if the ack echoes the timestamp of the first one (Eifel, RFC 3522). Data that should have come
 * here and comes later was lost before this place, or reordered if it comes too soon for that. What
 * is acked and never came is the capture's loss. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "path.h"

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_ACK = 16, TCP_DECIDED = 64, TCP_FAST_ACKS = 2 };
#define TCP_LATE_NS UINT64_C(3000000) /* nothing is sent again so soon */
#define TCP_FAST_NS UINT64_C(20000000)

struct tcp_sent { /* not acked yet */
    uint32_t start, end, stamp;
    uint64_t at_ns;
    size_t record;
    bool again, has_stamp;
};
struct tcp_hole { /* jumped over by `record` */
    uint32_t start, end;
    uint64_t at_ns;
    size_t record;
};
struct tcp_again { /* sent again: was the one before, `record`, lost? */
    uint32_t start, end, stamp, first_stamp;
    uint64_t at_ns;
    size_t record;
    bool has_stamps, decided;
};
struct tcp_side { /* what one end sent */
    bool begun, has_ack;
    uint32_t next, acked; /* behind all that was sent; what the other end acked */
    struct tcp_sent *sent;
    size_t sent_count, sent_capacity;
    struct tcp_hole *holes;
    size_t hole_count, hole_capacity;
    struct tcp_again *again;
    size_t again_count, again_capacity;
    unsigned duplicate_acks; /* in a row */
    uint64_t duplicate_at_ns, trip_min_ns;
};
struct tcp {
    struct path *path;
    struct path_record *records;
    struct tcp_side sides[2];
    int ways[2]; /* of the path, by side */
};

static int32_t tcp_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static struct path_counts *tcp_counts(struct tcp *tcp, int side)
{
    return &tcp->path->ways[tcp->ways[side]].counts;
}

/* ---- what was sent again ---- */

static void tcp_spurious(struct tcp *tcp, int side, enum path_proof proof)
{
    tcp_counts(tcp, side)->spurious[proof]++;
}

/* An ack covers it: was it the first or the second that arrived? */
static void tcp_decide(struct tcp *tcp, int side, struct tcp_again *again,
                       const struct path_record *ack)
{
    const uint64_t least = tcp->sides[side].trip_min_ns;

    again->decided = true;
    if (least > 0 && ack->at_ns < again->at_ns + least / 2) {
        tcp_spurious(tcp, side, PATH_BY_TIME);
    } else if (again->has_stamps && ack->has_stamps && again->first_stamp != again->stamp &&
               tcp_after(ack->echo, again->stamp) < 0) {
        tcp_spurious(tcp, side, PATH_BY_STAMP);
    } else {
        tcp->records[again->record].lost = true;
        tcp_counts(tcp, side)->lost_behind++;
    }
}

/* The receiver has it twice: not lost, whatever was thought. */
static void tcp_block(struct tcp *tcp, int side, const struct path_record *ack)
{
    struct tcp_side *sender = &tcp->sides[side];

    if (!ack->has_block || tcp_after(ack->block_end, ack->ack) > 0)
        return;
    for (size_t i = sender->again_count; i-- > 0;) {
        struct tcp_again *again = &sender->again[i];
        if (tcp_after(ack->block_start, again->start) > 0 ||
            tcp_after(ack->block_end, again->start) <= 0)
            continue;
        if (again->decided && !tcp->records[again->record].lost)
            return;
        if (again->decided) {
            tcp->records[again->record].lost = false;
            tcp_counts(tcp, side)->lost_behind--;
        }
        again->decided = true;
        tcp_spurious(tcp, side, PATH_BY_SACK);
        return;
    }
}

static void tcp_forget_decided(struct tcp_side *side)
{
    size_t kept = 0;

    if (side->again_count <= TCP_DECIDED)
        return;
    for (size_t i = 0; i < side->again_count; i++)
        if (!side->again[i].decided || i + TCP_DECIDED / 2 >= side->again_count)
            side->again[kept++] = side->again[i];
    side->again_count = kept;
}

static void tcp_sent_again(struct tcp *tcp, int side, size_t place, uint32_t end)
{
    struct tcp_side *sender = &tcp->sides[side];
    struct path_record *record = &tcp->records[place];
    struct path_counts *counts = tcp_counts(tcp, side);

    counts->resent++;
    counts->fast += sender->has_ack && record->seq == sender->acked &&
                    sender->duplicate_acks >= TCP_FAST_ACKS &&
                    record->at_ns < sender->duplicate_at_ns + TCP_FAST_NS;
    if (sender->has_ack && tcp_after(end, sender->acked) <= 0) {
        tcp_spurious(tcp, side, PATH_BY_ACK);
        return;
    }
    struct tcp_sent *first = NULL;
    for (size_t i = 0; i < sender->sent_count; i++) {
        struct tcp_sent *sent = &sender->sent[i];
        if (tcp_after(sent->end, record->seq) <= 0 || tcp_after(sent->start, end) >= 0)
            continue;
        sent->again = true;
        if (first == NULL)
            first = sent;
    }
    if (first == NULL)
        return;
    tcp_forget_decided(sender);
    sender->again = path_grow(sender->again, sender->again_count, &sender->again_capacity,
                              sizeof *sender->again);
    sender->again[sender->again_count++] = (struct tcp_again){.start = record->seq,
                                                              .end = end,
                                                              .stamp = record->stamp,
                                                              .first_stamp = first->stamp,
                                                              .at_ns = record->at_ns,
                                                              .record = first->record,
                                                              .has_stamps = first->has_stamp};
    first->record = place;
    first->at_ns = record->at_ns;
    first->stamp = record->stamp;
}

/* ---- data ---- */

/* It closes a hole, or part of one. false: there is none there. */
static bool tcp_fills(struct tcp *tcp, int side, struct path_record *record, uint32_t end)
{
    struct tcp_side *sender = &tcp->sides[side];
    const uint64_t back = tcp->sides[!side].trip_min_ns / 2; /* to the sender and here again */

    for (size_t i = 0; i < sender->hole_count; i++) {
        struct tcp_hole *hole = &sender->holes[i];
        if (tcp_after(hole->end, record->seq) <= 0 || tcp_after(hole->start, end) >= 0)
            continue;
        if (record->at_ns < hole->at_ns + (back > TCP_LATE_NS ? back : TCP_LATE_NS)) {
            record->late = true;
            tcp_counts(tcp, side)->late++;
        } else {
            tcp->records[hole->record].before++;
            tcp_counts(tcp, side)->lost_before++;
        }
        if (tcp_after(record->seq, hole->start) > 0)
            hole->end = record->seq; /* what is left behind it, if anything, counts no more */
        else if (tcp_after(end, hole->end) < 0)
            hole->start = end;
        else
            *hole = sender->holes[--sender->hole_count];
        return true;
    }
    return false;
}

static void tcp_new(struct tcp *tcp, int side, size_t place, uint32_t end)
{
    struct tcp_side *sender = &tcp->sides[side];
    const struct path_record *record = &tcp->records[place];

    if (tcp_after(record->seq, sender->next) > 0) {
        sender->holes = path_grow(sender->holes, sender->hole_count, &sender->hole_capacity,
                                  sizeof *sender->holes);
        sender->holes[sender->hole_count++] =
            (struct tcp_hole){sender->next, record->seq, record->at_ns, place};
    }
    sender->sent =
        path_grow(sender->sent, sender->sent_count, &sender->sent_capacity, sizeof *sender->sent);
    sender->sent[sender->sent_count++] = (struct tcp_sent){.start = record->seq,
                                                           .end = end,
                                                           .stamp = record->stamp,
                                                           .at_ns = record->at_ns,
                                                           .record = place,
                                                           .has_stamp = record->has_stamps};
    sender->next = end;
}

static void tcp_data(struct tcp *tcp, int side, size_t place)
{
    struct tcp_side *sender = &tcp->sides[side];
    struct path_record *record = &tcp->records[place];
    const uint32_t end =
        record->seq + record->size + !!(record->flags & TCP_SYN) + !!(record->flags & TCP_FIN);

    if (end == record->seq)
        return;
    if (!sender->begun) {
        sender->begun = true;
        sender->next = record->seq;
    }
    tcp_counts(tcp, side)->data += record->size > 0;
    if (tcp_after(end, sender->next) > 0 && tcp_after(record->seq, sender->next) >= 0)
        tcp_new(tcp, side, place, end);
    else if (tcp_fills(tcp, side, record, end))
        return;
    else if (record->size == 1 && end == sender->next && sender->has_ack &&
             record->seq + 1 == sender->acked)
        return; /* a probe that keeps alive */
    else if (record->size > 0)
        tcp_sent_again(tcp, side, place, end);
    else if (sender->sent_count > 0) /* SYN or FIN again: no round trip of it */
        sender->sent[sender->sent_count - 1].again = true;
    if (tcp_after(end, sender->next) > 0) /* some of it is new */
        sender->next = end;
}

/* ---- acks ---- */

static void tcp_never_seen(struct tcp *tcp, int side, uint32_t acked)
{
    struct tcp_side *sender = &tcp->sides[side];
    struct path_counts *counts = tcp_counts(tcp, side);

    for (size_t i = 0; i < sender->hole_count;) {
        const struct tcp_hole *hole = &sender->holes[i];
        if (tcp_after(hole->end, acked) > 0) {
            i++;
            continue;
        }
        counts->holes++;
        counts->hole_bytes += hole->end - hole->start;
        sender->holes[i] = sender->holes[--sender->hole_count];
    }
    if (sender->begun && tcp_after(acked, sender->next) > 0) {
        counts->holes++;
        counts->hole_bytes += acked - sender->next;
        sender->next = acked;
    }
}

/* A round trip if nothing that this ack is of was sent twice (Karn). */
static void tcp_trip(struct tcp *tcp, int side, const struct path_record *ack)
{
    struct tcp_side *sender = &tcp->sides[side];
    size_t count = 0;
    bool again = false;

    while (count < sender->sent_count && tcp_after(sender->sent[count].end, ack->ack) <= 0)
        again |= sender->sent[count++].again;
    if (count == 0)
        return;
    const struct tcp_sent *last = &sender->sent[count - 1];
    const bool backwards = ack->at_ns < last->at_ns; /* a capture whose clock was set */
    const uint64_t ns = backwards ? 0 : ack->at_ns - last->at_ns;
    if (again || backwards) {
        tcp_counts(tcp, side)->ambiguous++;
    } else {
        path_sample_add(&tcp->path->ways[tcp->ways[side]].trips, last->at_ns, ns);
        if (sender->trip_min_ns == 0 || ns < sender->trip_min_ns)
            sender->trip_min_ns = ns;
    }
    sender->sent_count -= count;
    for (size_t i = 0; i < sender->sent_count; i++)
        sender->sent[i] = sender->sent[i + count];
}

/* `side`: whose data it is for. */
static void tcp_ack(struct tcp *tcp, int side, const struct path_record *ack)
{
    struct tcp_side *sender = &tcp->sides[side];

    tcp_block(tcp, side, ack);
    if (sender->has_ack && tcp_after(ack->ack, sender->acked) <= 0) {
        if (ack->ack == sender->acked && ack->size == 0 && sender->sent_count > 0 &&
            !(ack->flags & (TCP_SYN | TCP_FIN))) {
            tcp_counts(tcp, side)->duplicate_acks++;
            sender->duplicate_acks++;
            sender->duplicate_at_ns = ack->at_ns;
        }
        return;
    }
    sender->has_ack = true;
    sender->acked = ack->ack;
    sender->duplicate_acks = 0;
    for (size_t i = 0; i < sender->again_count; i++)
        if (!sender->again[i].decided && tcp_after(sender->again[i].end, ack->ack) <= 0)
            tcp_decide(tcp, side, &sender->again[i], ack);
    tcp_never_seen(tcp, side, ack->ack);
    tcp_trip(tcp, side, ack);
}

/* Nothing ever acked it: both were lost, or the capture ended too soon. */
static void tcp_end(struct tcp *tcp, int side)
{
    struct tcp_side *sender = &tcp->sides[side];

    for (size_t i = 0; i < sender->again_count; i++)
        if (!sender->again[i].decided) {
            tcp->records[sender->again[i].record].lost = true;
            tcp_counts(tcp, side)->lost_behind++;
            tcp_counts(tcp, side)->unsure++;
        }
    free(sender->sent);
    free(sender->holes);
    free(sender->again);
}

void path_tcp(struct path *path, struct path_capture *capture, const size_t *places, size_t count,
              bool swapped)
{
    struct tcp tcp = {.path = path, .records = capture->records, .ways = {swapped, !swapped}};

    for (size_t i = 0; i < count; i++) {
        const struct path_record *record = &capture->records[places[i]];
        tcp_data(&tcp, record->back, places[i]);
        if (record->flags & TCP_ACK)
            tcp_ack(&tcp, !record->back, record);
    }
    tcp_end(&tcp, 0);
    tcp_end(&tcp, 1);
}
