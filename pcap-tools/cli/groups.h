/* Window groups put together from what went by: private to extract. A window is what a full ack
 * says was taken of it, else, where no ack was captured, what runs from its first PDU to the one
 * with last_in_window. */
#ifndef PCAPT_GROUPS_H
#define PCAPT_GROUPS_H

#include "pcap_cli.h"

enum { GROUPS_MAX = 4096, GROUPS_PDUS_MAX = 4096, GROUPS_BYTES_MAX = 4 << 20 };

struct groups_bytes {
    uint8_t *data;
    size_t size, capacity;
};
struct groups_pdu {
    int32_t seq_nr;
    uint32_t flags;
    struct groups_bytes options, data;
};
/* One direction of a session. */
struct groups {
    struct groups *next;
    uint8_t session[SIPC_SESSION_ID_SIZE];
    struct pcapt_flow flow;
    uint64_t number;         /* of the direction, from 1, in the order they began */
    int64_t window_id;       /* of the current window; -1: none */
    int64_t taken_id;        /* of the window taken last */
    struct groups_pdu *pdus; /* of the current window, in the order they came */
    size_t pdu_count, pdu_capacity, window_bytes;
    struct groups_bytes data, options; /* of the group */
    bool begun, acked;                 /* acked: all its windows were */
    uint64_t first_frame, last_frame, at_ns;
    uint64_t count, incomplete; /* groups given out; groups and windows that lack something */
};

/* Called with each group that is whole. */
typedef void groups_found(void *ctx, const struct groups *groups);

struct groups *groups_new(const struct pcapt_item *item, uint64_t number);
void groups_free(struct groups *groups);
/* A data PDU of it. */
void groups_data(struct groups *groups, const struct pcapt_item *item, groups_found *found,
                 void *ctx);
/* A data_ack for it. */
void groups_ack(struct groups *groups, const struct pcapt_item *item, groups_found *found,
                void *ctx);
void groups_end(struct groups *groups, groups_found *found, void *ctx);

#endif
