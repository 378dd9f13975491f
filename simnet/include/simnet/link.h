/* Links: what happens to datagrams between two hosts, in one direction. A link is a pipe with one
 * queue and one serialiser; routes (world.h) say who sends through which, so several pairs of hosts
 * may share a bottleneck.
 *
 *   mtu -> queue -> serialise -> loss -> duplicate -> corrupt -> propagate + jitter -> reorder
 *       -> up/down
 *
 * Each stage tells observers its verdict; what chance decided goes on the tape (tape.h).
 * All spans, lists and traces of a configuration are borrowed and must outlive the world.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_LINK_H
#define SIMNET_LINK_H

#include "simnet/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

struct simnet_world;

struct simnet_error {
    char text[320]; /* one line, without a stop or a newline */
};

/* ---- traces: one number a line ---- */

/* What a trace file is; decides what is wrong with one. */
enum simnet_trace_kind {
    SIMNET_TRACE_OPPORTUNITIES, /* ms of a delivery opportunity of 1,500 bytes; sorted; > 0 at end
                                 */
    SIMNET_TRACE_DELAYS,        /* a one-way delay, in units of `unit_ns` */
    SIMNET_TRACE_LOSSES,        /* 0: arrives, 1: lost */
    SIMNET_TRACE_COPIES,        /* how many times more it arrives, 0..16 */
};
enum { SIMNET_OPPORTUNITY_BYTES = 1500, SIMNET_COPIES_MAX = 16 };

struct simnet_trace {
    enum simnet_trace_kind kind;
    uint64_t *values; /* opportunities and delays in ns */
    size_t count;     /* >= 1 */
    bool wrap;  /* at the end start again; else stop: no opportunity more, base delay, no loss */
    bool drawn; /* delays: chance says which entry, for each datagram, or for each
                   interval: the file is a distribution. Wraps */
    sipc_time interval_ns; /* delays, losses, copies: entry i holds from i * interval to the next;
                              0: entry i is for the i-th datagram that comes to the stage LOSS, so
                              that what was recorded together stays together */
};
/* Reads `text` (not NUL-terminated) as a trace that wraps; `unit_ns` is of delays. Blank lines and
 * CR before LF are fine. false: *error names path and line, what was expected and what was found:
 * empty, not a number, out of range, unsorted, cut (the last line has no newline, or opportunities
 * end at 0 ms). */
bool simnet_trace_parse(const char *path, const char *text, size_t size,
                        enum simnet_trace_kind kind, sipc_time unit_ns, struct simnet_trace *out,
                        struct simnet_error *error);
bool simnet_trace_load(const char *path, enum simnet_trace_kind kind, sipc_time unit_ns,
                       struct simnet_trace *out, struct simnet_error *error);
void simnet_trace_free(struct simnet_trace *trace);

/* ---- stages ---- */

/* How much the queue holds beside the datagram on the wire. Without a limit it holds everything. */
enum simnet_queue_unit {
    SIMNET_QUEUE_UNLIMITED,
    SIMNET_QUEUE_BYTES,
    SIMNET_QUEUE_PACKETS,
    SIMNET_QUEUE_TIME, /* ns of the link's rate */
    SIMNET_QUEUE_BDP, /* thousandths of rate x 2 x base delay: the round trip of a symmetric path */
};
enum simnet_discipline { SIMNET_TAIL_DROP, SIMNET_RED, SIMNET_CODEL };

struct simnet_queue_config {
    enum simnet_queue_unit unit;
    uint64_t limit; /* > 0 unless UNLIMITED. TIME and BDP become bytes when the world starts, and
                       again at each step of rate or delay */
    enum simnet_discipline discipline;
    uint64_t red_min_bytes, red_max_bytes; /* RED: of the average; min < max */
    uint32_t red_max_ppm;                  /* drop probability at red_max_bytes, 1..1,000,000 */
    unsigned red_weight_log2;              /* average moves by 1/2^n; 1..16 */
    sipc_time codel_target_ns;             /* CoDel (RFC 8289): > 0; usual 5 ms */
    sipc_time codel_interval_ns;           /* >= target, <= 4 s; usual 100 ms */
};

enum simnet_loss_kind {
    SIMNET_LOSS_NONE,
    SIMNET_LOSS_IID, /* ppm */
    SIMNET_LOSS_GILBERT_ELLIOTT,
    SIMNET_LOSS_PERIODIC, /* `lost` of every `period`, the first of them at `first` */
    SIMNET_LOSS_MASK,     /* bit n loses the n-th of every 64 */
    SIMNET_LOSS_LIST,     /* these, counted from 0; sorted */
    SIMNET_LOSS_PREDICATE,
    SIMNET_LOSS_TRACE, /* SIMNET_TRACE_LOSSES */
};

/* PDUs by their fields; -1 is any. Raw datagrams match opcode 0 (and -1). */
struct simnet_predicate {
    int opcode;
    int64_t window_id;
    int64_t seq_nr;
    int64_t xmit; /* transmission number, from 1 */
};
#define SIMNET_PREDICATE_ANY ((struct simnet_predicate){-1, -1, -1, -1})

/* PERIODIC, MASK, LIST and TRACE count the datagrams that come to the stage, from 0. */
struct simnet_loss {
    enum simnet_loss_kind kind;
    uint32_t ppm;                         /* IID */
    uint32_t to_bad_ppm, to_good_ppm;     /* GILBERT_ELLIOTT: moves once a datagram, then loses; */
    uint32_t loss_good_ppm, loss_bad_ppm; /* starts in good */
    uint64_t lost, period, first;         /* PERIODIC: lost <= period, first < period */
    uint64_t mask;                        /* MASK */
    const uint64_t *list;                 /* LIST */
    size_t list_count;
    const struct simnet_predicate *predicates; /* PREDICATE: lost if one fits */
    size_t predicate_count;
    const struct simnet_trace *trace; /* TRACE */
};

enum simnet_delay_kind {
    SIMNET_DELAY_CONSTANT,    /* base */
    SIMNET_DELAY_UNIFORM,     /* base .. base + spread */
    SIMNET_DELAY_EXPONENTIAL, /* base + exponential of mean `spread` (cut near 9 means) */
    SIMNET_DELAY_NORMAL,      /* base + normal of standard deviation `spread`, not below 0 */
    SIMNET_DELAY_PARETO, /* base + Pareto II of shape 3 and mean `spread` (cut near 40 means) */
    SIMNET_DELAY_TRACE,  /* base + SIMNET_TRACE_DELAYS */
};

struct simnet_delay_config {
    enum simnet_delay_kind kind;
    sipc_time base_ns, spread_ns; /* <= 1 h each */
    const struct simnet_trace *trace;
    bool reorders; /* a datagram with a shorter delay overtakes; else it arrives with the one before
                      it at the earliest */
};

struct simnet_reorder_config {     /* not on links whose jitter reorders */
    uint32_t swap_ppm, swap_count; /* the next swap_count datagrams pass this one, if they leave
                                      before it has arrived */
    uint32_t jump_ppm, jump_count; /* it passes up to jump_count of those in flight. Each 1..1,024;
                                      0 is 1 */
};

struct simnet_duplicate_config {
    uint32_t ppm;
    uint32_t copies_max;              /* 1..16: one to so many copies, evenly; 0 counts as 1 */
    sipc_time delay_ns;               /* a copy leaves so much later than the one before it */
    const struct simnet_trace *trace; /* SIMNET_TRACE_COPIES; where it has 0, `ppm` decides */
};

struct simnet_corrupt_config {             /* at most one of them happens to a datagram */
    uint32_t flip_ppm, flip_bits_max;      /* a run of 1..max bits (1..32; 0 is 1) flipped */
    uint32_t truncate_ppm;                 /* to 0..size-1 bytes */
    uint32_t extend_ppm, extend_bytes_max; /* by 1..max bytes (1..1,024; 0 is 1) */
    bool checksum; /* the receiving host notices and drops it (ARRIVE); else it gets it, and with
                      flipped bits no delivery of the session can be checked any more */
};

/* What the sender is told of a datagram that never left: by default nothing, its aftermath is good
 * at once. A set: such drops give a failed aftermath. */
enum simnet_tell { SIMNET_TELL_MTU = 1, SIMNET_TELL_QUEUE = 2, SIMNET_TELL_DOWN = 4 };

enum { SIMNET_LOSSES_MAX = 4 };

/* All zero: unlimited rate, no delay, nothing lost. */
struct simnet_link_config {
    const char *name;        /* borrowed; "a>b"; NULL: "linkN" */
    uint64_t rate_bps;       /* 0: infinite; else up to 10^12, exact in the long run */
    uint32_t overhead_bytes; /* of each datagram: counts for rate and queue, not for the MTU; max
                                1,024 */
    uint32_t mtu;            /* longest datagram in bytes; 0: no limit */
    unsigned tells;          /* set of enum simnet_tell */
    struct simnet_queue_config queue;
    const struct simnet_trace
        *opportunities;  /* SIMNET_TRACE_OPPORTUNITIES instead of a rate: each
                            carries 1,500 bytes of what waits, unused ones pass */
    bool loss_at_sender; /* loss comes first: what is lost uses no queue and no capacity */
    struct simnet_loss losses[SIMNET_LOSSES_MAX]; /* lost if one of them says so */
    struct simnet_duplicate_config duplicate;
    struct simnet_corrupt_config corrupt;
    struct simnet_delay_config delay;
    struct simnet_reorder_config reorder;
};

typedef uint32_t simnet_link; /* index, from 0 in order of adding */
#define SIMNET_NONE UINT32_MAX

/* Adds a link. false: the configuration makes no sense; *error names the field and why. */
bool simnet_link_add(struct simnet_world *world, const struct simnet_link_config *config,
                     simnet_link *out, struct simnet_error *error);

/* The same checks alone. */
bool simnet_link_check(const struct simnet_link_config *config, struct simnet_error *error);

struct simnet_link_stats {
    uint64_t entered, duplicated, arrived;
    uint64_t dropped[SIMNET_STAGE_COUNT]; /* by stage */
    uint64_t dropped_total;
    uint64_t queued;                        /* waiting, or on the wire, right now */
    uint64_t in_flight;                     /* propagating, or held, right now */
    uint64_t bytes_entered, bytes_arrived;  /* without overhead */
    uint64_t queue_bytes, queue_bytes_peak; /* waiting, with overhead */
    sipc_time busy_ns;                      /* serialised for so long */
    sipc_time sojourn_max_ns;               /* longest from ENTER to the end of SERIALISE */
};
void simnet_link_stats(const struct simnet_world *world, simnet_link link,
                       struct simnet_link_stats *out);
const char *simnet_link_name(const struct simnet_world *world, simnet_link link);
size_t simnet_link_count(const struct simnet_world *world);

#ifdef __cplusplus
}
#endif
#endif
