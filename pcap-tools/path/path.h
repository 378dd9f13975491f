/* What a path did to packets, as captures of its traffic show: private to `sipc pcap scenario`.
 *
 *   capture.c   a capture as records, one a packet, and the flows they are of
 *   tcp.c       TCP, by sequence numbers and acks
 *   pdus.c      ScalableIPC over UDP, by ids and acks
 *   rtp.c       RTP, by sequence numbers and timestamps
 *   tap.c       one capture, made anywhere on the path: these three put together
 *   ends.c      the same traffic captured at both ends: packets matched, clocks compared
 *   lists.c     what others measured: lists of numbers, irtt's JSON, Mahimahi's opportunities
 *   fit.c       models with a few numbers
 *   tell.c      all of it for people
 *   emit.c      all of it as scenarios of the simulator
 *
 * Everything is kept until the end: a path is as long as its traffic. Times are in ns.
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_PATH_H
#define PCAPT_PATH_H

#include "pcapt/reader.h"

/* ---- records (capture.c) ---- */

enum path_kind { PATH_OTHER, PATH_TCP, PATH_PDU, PATH_RTP };

struct path_record {
    uint64_t at_ns, frame;
    uint64_t content; /* a hash of what makes two packets the same */
    uint32_t flow;
    uint32_t size, wire; /* the payload's; with the headers of IP and above */
    uint8_t kind;        /* enum path_kind */
    uint8_t back;        /* sent by the flow's second end */
    uint8_t direction;   /* enum pcapt_direction */
    uint8_t flags;       /* TCP */
    bool copy, duplicate, dropped;
    bool has_stamps, has_block; /* TCP: timestamps; a SACK block, of which the first is kept */
    uint32_t seq, ack, stamp, echo, block_start, block_end; /* TCP */
    int64_t window_id;                                      /* PDU */
    int32_t seq_nr;
    uint8_t opcode;
    bool full;                                /* it acks all of its window */
    uint64_t session;                         /* a hash */
    uint32_t rtp_source, rtp_stamp, rtp_type; /* RTP, if it is that; the number is in seq */
    /* what trackers find out */
    bool lost;       /* behind the place of the capture */
    bool late;       /* it should have been here before the packet before it */
    uint32_t before; /* so many of its flow and way were lost before they came here */
};
struct path_flow {
    struct pcapt_address ends[2]; /* [0] sent the first packet seen */
    enum pcapt_transport transport;
    uint64_t packets;
};
struct path_capture {
    const char *path;
    struct path_record *records;
    size_t count, capacity;
    struct path_flow *flows;
    size_t flow_count, flow_capacity;
    uint32_t *buckets; /* of flows: 1 + index */
    size_t bucket_count;
    uint64_t frames, copies, cut;
};
/* For pcapt_reader_options.packet, ctx the capture. */
void path_capture_packet(void *ctx, const struct pcapt_seen *seen);
/* A PDU was found in the record added last. */
void path_capture_pdu(struct path_capture *capture, const struct pcapt_item *item);
void path_capture_free(struct path_capture *capture);

/* Makes room for one more; no memory: abort. */
void *path_grow(void *at, size_t count, size_t *capacity, size_t size);

/* ---- the path ---- */

enum path_source { PATH_OF_TAP, PATH_OF_STREAM, PATH_OF_ENDS, PATH_OF_LISTS, PATH_OF_RATES };

struct path_sample {
    uint64_t at_ns, ns;
};
struct path_samples {
    struct path_sample *at;
    size_t count, capacity;
};
void path_sample_add(struct path_samples *samples, uint64_t at_ns, uint64_t ns);
/* The value at `share`/1000 of all; 0: there are none. */
uint64_t path_sample_rank(const struct path_samples *samples, unsigned share);

struct path_step {            /* a packet on one way, in the order they were sent */
    uint64_t at_ns, delay_ns; /* delay of a lost one: that of the one before it */
    uint32_t size;
    uint8_t copies; /* network duplicates */
    bool lost, late;
};
struct path_counts {               /* of one way */
    uint64_t packets, bytes, data; /* data: with some of the flow's own, not only acks */
    uint64_t mirrored;             /* copies by the capture, beside `packets` */
    uint64_t duplicates;           /* by the network */
    uint64_t resent;               /* data that had passed before */
    uint64_t fast;                 /* of these: on duplicate acks */
    uint64_t spurious[4];          /* of these, though it had arrived; enum path_proof */
    uint64_t lost_behind;          /* lost behind the place of the capture */
    uint64_t lost_before;          /* before it */
    uint64_t unsure;               /* of lost_behind: nothing ever acked them */
    uint64_t late;                 /* reordered */
    uint64_t late_by_max;          /* packets that passed one */
    uint64_t duplicate_acks;       /* in the other way, of this one's data */
    uint64_t holes, hole_bytes;    /* acked and never captured: the capture's loss */
    uint64_t ambiguous;            /* acks that give no round trip (Karn) */
    uint64_t unmatched;            /* at the far end, of nothing seen here */
    uint64_t beyond;               /* sent while the other capture was not running */
    uint64_t jitter_ns;            /* RTP: RFC 3550 */
    uint32_t clock_hz;             /* RTP */
    uint64_t runs, run_max;        /* of losses */
};
enum path_proof { PATH_BY_ACK, PATH_BY_TIME, PATH_BY_SACK, PATH_BY_STAMP };
static inline uint64_t path_spurious(const struct path_counts *counts)
{
    return counts->spurious[0] + counts->spurious[1] + counts->spurious[2] + counts->spurious[3];
}

struct path_way {
    struct path_step *steps;
    size_t count, capacity;
    uint64_t every_ns; /* steps are so far apart, and hold until the next; 0: one for each packet */
    struct path_samples trips; /* from the capture to the receiver and back, of this way's data */
    struct path_counts counts;
    bool has_delays, has_losses;
    uint64_t *opportunities; /* PATH_OF_RATES: ms */
    size_t opportunity_count, opportunity_capacity;
};
struct path {
    enum path_source source;
    struct path_way ways[2]; /* there: sent by the host; back */
    struct pcapt_address host;
    uint64_t first_ns, last_ns, flows;
    bool clock_known;            /* ENDS of two files: both ways had packets */
    int64_t clock_ns, clock_ppb; /* the far clock is ahead by so much, and gains so much */
    uint64_t clock_error_ns;     /* at most */
    bool two_files;
};
static inline uint64_t path_span(const struct path *path)
{
    return path->last_ns > path->first_ns ? path->last_ns - path->first_ns : 0;
}
void path_free(struct path *path);

/* tap.c. `host`: one end of the path, family 0: the one with most packets; `peer`: the other
 * (family 0: anybody). false: nothing to infer from. */
bool path_of_tap(struct path *path, struct path_capture *capture, const struct pcapt_address *host,
                 const struct pcapt_address *peer);
/* Chooses the host where none was named. */
struct pcapt_address path_host(const struct path_capture *capture,
                               const struct pcapt_address *host);
/* Which way of the path the record is on: 0 there, 1 back, -1 neither. */
int path_way_of(const struct path_capture *capture, const struct path_record *record,
                const struct pcapt_address *host, const struct pcapt_address *peer);

/* ends.c. `far` NULL: `near` alone, if its flags show it was made at both ends. false: nothing
 * matches. */
bool path_of_ends(struct path *path, struct path_capture *near, struct path_capture *far,
                  const struct pcapt_address *host, const struct pcapt_address *peer);

/* The trackers: all records of a flow but copies and duplicates, `places` their indices, in
 * order. */
void path_tcp(struct path *path, struct path_capture *capture, const size_t *places, size_t count,
              bool swapped);
void path_pdus(struct path *path, struct path_capture *capture, const size_t *places, size_t count,
               bool swapped);
/* Appends steps to ways[way]; false: it is no RTP. */
bool path_rtp(struct path *path, struct path_capture *capture, const size_t *places, size_t count,
              int way);

/* ---- lists (lists.c) ---- */

struct path_list_options {
    const char *delays[2], *losses[2], *opportunities[2]; /* paths, NULL: none */
    uint64_t unit_ns, every_ns;
};
enum { PATH_ERROR_BYTES = 400 };
/* false: `error` says what is wrong, with file and line. */
bool path_of_lists(struct path *path, const struct path_list_options *options,
                   char error[PATH_ERROR_BYTES]);
bool path_of_irtt(struct path *path, const char *file, char error[PATH_ERROR_BYTES]);

/* ---- models (fit.c) ---- */

enum { PATH_QUANTILES = 100 };
struct path_fit {
    uint64_t sent, lost, runs;
    bool bursts; /* enough of them for a model of two states; else independent losses */
    uint32_t loss_ppm;
    uint32_t to_bad_ppm, to_good_ppm, lose_bad_ppm;
    uint32_t duplicate_ppm, copies_max;
    uint32_t late_ppm, late_by;
    uint64_t quantiles[PATH_QUANTILES]; /* of the delay */
    uint64_t hold_ns;  /* a delay is like the one before it for so long; 0: not so, or not known */
    uint64_t rate_bps; /* the most that came in 100 ms: what the path can do at least */
};
void path_fit(const struct path_way *way, struct path_fit *fit);

/* ---- telling (tell.c) ---- */

/* Lines of at most 98 columns. */
void path_tell(const struct path *path, FILE *out);
void path_tell_assumed(const struct path *path, FILE *out);

/* ---- writing (emit.c) ---- */

struct path_emit {
    const char *folder, *name;
    const char *from, *command; /* for the story: the input, the command line */
    const char *source;         /* where the input is from, and its licence; NULL: not told */
    bool mahimahi;              /* write opportunities of what passed, too */
    FILE *told;                 /* where the files of scenarios are told; NULL: nowhere */
};
/* false: told on stderr. */
bool path_emit(const struct path *path, const struct path_emit *emit);

#endif
