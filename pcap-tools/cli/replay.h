/* A capture played again: private to the command.
 *
 * load    the PDUs of a capture, in memory, and the endpoints they are of
 * plan    what one endpoint got, sent and must have been told to do: messages put together again
 *         from its windows, and the settings it shows
 * engine  a SUT in that endpoint's place, by the capture's clock, and what it does otherwise
 * live    that endpoint's PDUs to a peer on a real network
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_REPLAY_H
#define PCAPT_REPLAY_H

#include "conform/sut.h"
#include "pcap_cli.h"

enum {
    REPLAY_ENDPOINTS_MAX = 1024,
    REPLAY_BYTES_MAX = 1 << 30, /* of PDUs in memory */
    REPLAY_SETTINGS_MAX = 32,
};

/* ---- load (replay_load.c) ---- */

struct replay_pdu {
    uint64_t at_ns; /* since the first; never goes back */
    uint64_t frame;
    const uint8_t *bytes;
    uint32_t size;
    uint16_t source, destination; /* endpoints */
    enum pcapt_direction direction;
    bool decoded; /* by the codec: it is a PDU */
};
struct replay_endpoint {
    struct pcapt_address address;
    enum pcapt_transport transport;
    bool local; /* the capture was made there, as direction flags say */
    uint64_t sent, got;
};
struct replay_capture {
    struct replay_pdu *pdus;
    size_t count, room;
    struct replay_endpoint endpoints[REPLAY_ENDPOINTS_MAX];
    size_t endpoint_count;
    uint64_t last_ns, gaps;
    uint64_t bytes;
    uint64_t left_out; /* PDUs the capture cut, or of endpoints there was no room for */
    struct replay_block *blocks;
};
/* Reads all there is. false: it is too much, which was told. */
bool replay_load(struct replay_capture *capture, struct pcap_input *input);
void replay_clear(struct replay_capture *capture);
struct sipc_pdu replay_decoded(const struct replay_pdu *pdu);

/* ---- plan (replay_plan.c) ---- */

struct replay_window {
    int64_t id;
    uint32_t *pdus; /* by seq_nr: 1 + the index of its first copy; 0: not captured */
    size_t count, room;
    size_t taken; /* PDUs that a full ack says were taken; 0: there was none */
    uint32_t tries;
    uint64_t first_try_ns; /* of its last PDU */
    bool acked, refused;   /* in any way; with an error */
};
enum replay_kind { REPLAY_SEND, REPLAY_SEND_UNRELIABLE, REPLAY_CLOSE };
/* What its application asked for: a window group is taken for a message, since where messages of
 * several groups end is not on the wire. */
struct replay_op {
    enum replay_kind kind;
    int32_t code;         /* close */
    uint32_t begin, last; /* indices of its first and last PDU */
    struct replay_window *windows;
    size_t window_count, window_room;
    bool skip;
    bool failed; /* the network refused its last PDU: it ended with it */
    bool whole;  /* to the end of the group */
    bool holed;  /* PDUs of it were not captured: it cannot be put together */
    bool cut;    /* whoever plays cuts it into other PDUs */
    size_t used; /* windows that were begun again */
};
struct replay_session {
    struct replay_session *chain;
    size_t number; /* from 0 */
    uint8_t id[SIPC_SESSION_ID_SIZE];
    uint16_t peer;
    uint32_t begin; /* index of its first PDU */
    bool opens;     /* the endpoint sent first */
    bool fresh;     /* the capture has its beginning */
    uint32_t *sent; /* indices of what the endpoint sent */
    size_t sent_count, sent_room, got_count;
    struct replay_op *ops;
    size_t op_count, op_room;
    int64_t *resyncs; /* ids of resync PDUs (WID-11) */
    size_t resync_count, resync_room;
    int64_t *windows_got; /* ids of the peer's data windows as they came */
    size_t window_got_count, window_got_room;
    int64_t newest_id; /* of own data and close PDUs */
    bool first_alone;  /* the first group is one window without skip: it opens no session ... */
    int64_t first_id;  /* ... unless this, from there, */
    bool first_sent;   /* was refused, */
    bool first_judged; /* of which no ack was seen yet */
    int64_t blind_id;  /* window of the peer that began before the capture; -1: none */
};
struct replay_event {
    uint32_t pdu;
    struct replay_session *session; /* NULL: what was got was no PDU */
    bool sent;
};
enum replay_mark { REPLAY_WANTED, REPLAY_IGNORED, REPLAY_FOUND };
enum { REPLAY_BUCKETS = 4096 };
struct replay_plan {
    const struct replay_capture *capture;
    uint16_t endpoint;
    struct replay_event *events;
    size_t event_count, event_room;
    struct replay_session **sessions;
    size_t session_count, session_room;
    struct replay_session *buckets[REPLAY_BUCKETS];
    uint8_t *marks; /* enum replay_mark of each PDU of the capture */
    uint64_t link_pdus, no_pdus;
    /* what the endpoint shows of its settings; -1: nothing */
    int64_t mtu, max_window_size, ack_timeout_ms, max_retry_count, gave_up_after;
    bool one_sided; /* nothing that it got, or nothing that it sent, is there */
    bool midst;     /* a session began before the capture */
};
struct replay_plan *replay_plan_new(const struct replay_capture *capture, uint16_t endpoint);
void replay_plan_free(struct replay_plan *plan);
/* NULL: it has none of that name. `any_peer`: on streams (END-1a). */
struct replay_session *replay_session(struct replay_plan *plan, const uint8_t *id, uint16_t peer,
                                      bool any_peer);

/* An empty message with skip, which opens a session for either side (STM-1, OPN-6): what is put in
 * for the beginning of a session that was not captured. Returns its size; 114 bytes are enough. */
size_t replay_opener(const uint8_t *session, int64_t window_id, uint8_t *out, size_t size);

/* ---- pace (replay_pace.c) ---- */

struct replay_pace {
    enum { REPLAY_SCALED, REPLAY_RATED, REPLAY_FASTEST } kind;
    uint64_t speed_milli; /* 1000: as captured */
    uint64_t rate;        /* PDUs a second */
};
/* When PDU `index` is due, after the first: from its own number and time alone, so that no error
 * adds up. Never later for an earlier one. */
uint64_t replay_due(const struct replay_pace *pace, uint64_t index, uint64_t since_ns);

/* ---- engine (replay_engine.c, replay_differ.c) ---- */

struct replay_difference {
    enum sipc_rule rule;
    uint64_t at_ns, frame; /* frame 0: of what was not captured */
    const struct replay_session *session;
    char *played, *captured; /* NULL: nothing */
};
struct replay_result {
    uint64_t played, same, compared, not_judged; /* PDUs */
    uint64_t messages, closes, delivered, waited;
    uint64_t refused;                    /* bit i: setting i of replay_settings was not taken */
    uint64_t apart_max_ns, apart_sum_ns; /* between a PDU and its like in the capture */
    struct replay_difference *differences;
    size_t difference_count, difference_room;
};
struct replay_engine_options {
    const struct conform_setting *settings; /* asked for */
    size_t setting_count;
    uint64_t tolerance_ns;
};
/* The settings a SUT gets: those asked for, then what the capture shows or leaves open. Returns how
 * many. */
enum { REPLAY_SETTINGS_MORE = 16 };
size_t replay_settings(const struct replay_plan *plan, const struct replay_engine_options *options,
                       struct conform_setting out[REPLAY_SETTINGS_MAX + REPLAY_SETTINGS_MORE]);
enum conform_sut_status replay_engine(struct replay_plan *plan, struct conform_sut *sut,
                                      const struct replay_engine_options *options,
                                      struct replay_result *result, struct conform_error *error);
void replay_result_clear(struct replay_result *result);

/* Whether it is a resync PDU (WID-11): data, seq_nr 0, no options, no bytes. */
bool replay_is_resync(const struct sipc_pdu *pdu);
/* The same PDU but for its session's name; `id` stands for the first one's window id. What is
 * written in several ways (letter case, false or absent) is the same. */
bool replay_same(const struct sipc_pdu *played, int64_t id, const struct sipc_pdu *captured);
/* The rule that is about what differs; one of them may be NULL. `again`: it was seen before. */
enum sipc_rule replay_rule(const struct sipc_pdu *played, const struct sipc_pdu *captured,
                           bool again);
void *replay_grow(void *items, size_t count, size_t *room, size_t size);

/* ---- live (replay_live.c) ---- */

struct replay_live_options {
    struct replay_pace pace;
    bool keep_ids, await_acks;
    uint64_t await_ns;
    uint64_t seed; /* of session ids */
};
struct replay_live_result {
    uint64_t sent, bytes, skipped, unanswered, got, windows, acked, refused, in_part;
    uint64_t late_max_ns, late_first_ns, late_last_ns, took_ns, planned_ns;
};
enum conform_sut_status replay_live(struct replay_plan *plan, struct conform_sut *sut,
                                    const struct replay_live_options *options,
                                    struct replay_live_result *result, struct conform_error *error);

#endif
