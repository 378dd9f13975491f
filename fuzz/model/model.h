/* Two small models, written from RULES.md alone: what a receiver says and hands over, and what a
 * sender puts out. They know one session, opened, with the usual settings of inputs, and only what
 * the rules leave no choice about; they share the codec with nobody's state machine.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MODEL_WINDOW = 4,   /* max_window_size */
    MODEL_GROUP = 2048, /* group_bytes_max */
    MODEL_STEP = 100,
    MODEL_RETRIES = 2,
    MODEL_PDUS = 64, /* of a message */
};
#define MODEL_HIGHEST INT64_C(9000000000000000)

/* ---- receiver: WID-3 to 7, SEQ-1, RCV, ACK, GRP-1 ---- */

struct model_pdu { /* a data PDU that came */
    int64_t window_id;
    uint32_t seq_nr;
    bool first, last, last_of_group;
    uint32_t size; /* of its data: byte i is (from + i) mod 251 */
    uint8_t from;
};
struct model_ack {
    bool there;
    int64_t window_id;
    uint32_t seq_nr;
    bool full;
    int error; /* 0: none */
};
struct model_receiver {
    int64_t min;
    bool processed;
    struct model_ack last; /* of the window processed last */
    int64_t current;       /* id of the buffered window; -1: none */
    struct {
        bool held, last, last_of_group, first;
        uint32_t size;
        uint8_t from;
    } window[MODEL_WINDOW];
    bool group; /* has windows */
    uint8_t data[2 * MODEL_GROUP];
    uint32_t data_size;
};
void model_receiver_begin(struct model_receiver *receiver);
/* The ack that must come, and whether a group is handed over: its data is in `delivered`. */
struct model_ack model_receive(struct model_receiver *receiver, const struct model_pdu *pdu,
                               bool *delivers, uint8_t *delivered, uint32_t *size);

/* ---- sender: SND, RTY, PRT, SEQ-2, WID-9 ---- */

/* One message of `pdus` PDUs in one group, sent with skip, aftermaths at once. */
struct model_sender {
    int64_t id, acked;      /* newest used; newest acked */
    uint32_t window;        /* how many PDUs a window may have: own size, and what the peer told */
    uint32_t pdus, done;    /* of the message; those in windows that were taken */
    uint32_t first, length; /* of the current window */
    uint32_t prospective;   /* end of the prospective window */
    uint32_t sent;
    uint32_t retries;
    bool one_at_a_time;
    uint32_t next;
    uint64_t timer_ms; /* when it runs out */
    bool busy;
    int outcome; /* once not busy: 0 ok, -3, or the peer's code */
};
struct model_tx {
    int64_t window_id;
    uint32_t seq_nr;
    bool last;
    bool last_of_group;
    bool first_of_group;
};
/* Each gives what must go out now, in room for MODEL_PDUS; the count. */
size_t model_send(struct model_sender *sender, uint64_t now_ms, uint32_t pdus,
                  struct model_tx *out);
size_t model_acked(struct model_sender *sender, uint64_t now_ms, int64_t window_id, uint32_t seq_nr,
                   bool full, int error, uint32_t size, struct model_tx *out);
size_t model_time(struct model_sender *sender, uint64_t now_ms, struct model_tx *out);

#endif
