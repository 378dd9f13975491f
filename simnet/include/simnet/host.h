/* Hosts: an endpoint with an address, a clock and applications. The engine host runs the real
 * engine; the scripted host sends given bytes at given times; any other endpoint is attached as a
 * driver.
 *
 * Applications act by operations, each at a time of the timeline; the world keeps their messages
 * and watches over them (world.h: checks).
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_HOST_H
#define SIMNET_HOST_H

#include "sipc/session.h"
#include "simnet/observer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- drivers: what a host runs ---- */

/* A message as a driver sees it: bytes of message `handle` (never 0) stay with the world until the
 * driver reported the result of the operation with that handle. */
struct simnet_driver_message {
    uint64_t handle; /* also the operation's number */
    uint64_t size;
    const struct sipc_attribute *attributes; /* live during the call */
    size_t attribute_count;
    bool skip;
};

/* The endpoint of a host. `now` is the host's own clock, which never goes back within one life.
 * After each of the calls with `now` the world calls `drain`, and there, nowhere else, the driver
 * reports by simnet_port_* what the call brought about. (A host whose endpoint is driven from
 * outside may transmit between two runs, too.) Operations return SIPC_OK when they began
 * (the end of send and close is reported by simnet_port_result), else why not, and then nothing
 * happened. What is NULL: operations: SIPC_E_INVALID; events: nothing happens; deadline:
 * SIPC_NEVER. */
struct simnet_driver {
    /* A new life, at the beginning and at each restart. SIPC_OK or the run fails. */
    enum sipc_status (*start)(void *self, struct simnet_world *world, simnet_host host,
                              sipc_time now);
    void (*stop)(void *self); /* the life ends without another word; before `fini` too */
    void (*drain)(void *self);
    void (*receive)(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes);
    void (*sent)(void *self, sipc_time now, uint64_t token, bool ok);
    void (*advance)(void *self, sipc_time now);
    sipc_time (*deadline)(const void *self); /* by the host's clock; SIPC_NEVER: none */
    enum sipc_status (*open)(void *self, sipc_time now, simnet_session session, sipc_peer remote,
                             const uint8_t session_id[SIPC_SESSION_ID_SIZE],
                             int64_t idle_timeout_ns);
    enum sipc_status (*send)(void *self, sipc_time now, simnet_session session, bool unreliable,
                             const struct simnet_driver_message *message);
    enum sipc_status (*close)(void *self, sipc_time now, simnet_session session, int32_t code,
                              uint64_t handle);
    enum sipc_status (*dispose)(void *self, sipc_time now, simnet_session session, int32_t code);
    enum sipc_status (*shutdown)(void *self, sipc_time now, sipc_time grace_ns);
    const char *(*check)(const void *self); /* NULL, or which invariant of its state is broken */
    void (*fini)(void *self);               /* the world ends: frees self */
};

/* What a driver reports, from within its `drain`. */

/* One datagram: `head`, then payload_size bytes of message `message` from payload_offset (both
 * ignored if payload_size is 0). Bytes of head are copied. `owed`: `sent` will tell of the token.
 */
struct simnet_transmit {
    sipc_peer to;
    struct sipc_span head;
    uint64_t message, payload_offset;
    uint32_t payload_size;
    uint64_t token;
    bool owed;
};
void simnet_port_transmit(struct simnet_world *world, simnet_host host,
                          const struct simnet_transmit *transmit);
void simnet_port_deliver(struct simnet_world *world, simnet_host host, sipc_peer remote,
                         const uint8_t *session_id, struct sipc_span data,
                         struct sipc_span attributes);
void simnet_port_result(struct simnet_world *world, simnet_host host, uint64_t handle,
                        enum sipc_outcome outcome, int32_t code);
void simnet_port_state(struct simnet_world *world, simnet_host host, sipc_peer remote,
                       const uint8_t *session_id, enum sipc_state state, int32_t cause);
void simnet_port_discard(struct simnet_world *world, simnet_host host, sipc_peer remote,
                         const uint8_t *session_id, enum sipc_discard reason, enum sipc_rule rule);
/* The session added with this id; SIMNET_NONE if none was. */
simnet_session simnet_session_find(const struct simnet_world *world,
                                   const uint8_t session_id[SIPC_SESSION_ID_SIZE]);
/* The bytes offset..offset+size-1 of a message, size <= SIPC_PDU_SIZE_MAX. */
struct sipc_span simnet_message_bytes(const struct simnet_world *world, uint64_t handle,
                                      uint64_t offset, uint32_t size);

/* ---- hosts ---- */

struct simnet_host_config {
    const char *name;   /* borrowed; NULL: "hostN" */
    int32_t clock_ppm;  /* its clock runs so much fast (> 0) or slow; |ppm| <= 500,000 */
    sipc_time clock_ns; /* what its clock shows at virtual time 0 */
};

/* Each adds a host and gives it an address of its own. `config` may be NULL; `driver` is borrowed:
 * all hosts of a kind share one. */
simnet_host simnet_host_add(struct simnet_world *world, const struct simnet_host_config *config,
                            const struct simnet_driver *driver, void *self);

/* Puts another driver before the one of a host that has not begun: `wrap` gets each call instead,
 * and passes it on to *inner with *inner_self (its fini too). Like the one it is put before, it has
 * a deadline or none. simnet_host_engine does not see through it. */
void simnet_host_wrap(struct simnet_world *world, simnet_host host,
                      const struct simnet_driver *wrap, void *self,
                      const struct simnet_driver **inner, void **inner_self);

/* A host that runs the engine. false: *error names the setting that makes no sense. What liveness
 * may be expected (world.h) comes from its settings. */
bool simnet_host_add_engine(struct simnet_world *world, const struct simnet_host_config *config,
                            const struct sipc_config *settings, simnet_host *out,
                            struct simnet_error *error);
/* The engine of such a host, to be read; NULL for others, and while it is down. */
const struct sipc_endpoint *simnet_host_engine(const struct simnet_world *world, simnet_host host);

/* A host that sends given bytes, and may answer. Times are of the host's clock since its start; the
 * steps are sorted by time and borrowed. `receive` (may be NULL) may call simnet_port_transmit.
 * Deliveries in sessions with such a host are not checked. */
struct simnet_script_step {
    sipc_time at_ns;
    simnet_host to;
    struct sipc_span bytes;
};
struct simnet_script {
    const struct simnet_script_step *steps;
    size_t step_count;
    void *ctx;
    void (*receive)(void *ctx, struct simnet_world *world, simnet_host host, sipc_time now,
                    sipc_peer from, struct sipc_span bytes);
};
simnet_host simnet_host_add_script(struct simnet_world *world,
                                   const struct simnet_host_config *config,
                                   const struct simnet_script *script);

sipc_peer simnet_host_address(const struct simnet_world *world, simnet_host host);
/* The host that has, or last had, this address; SIMNET_NONE if none ever had. */
simnet_host simnet_host_of_address(const struct simnet_world *world, sipc_peer address);
const char *simnet_host_name(const struct simnet_world *world, simnet_host host);
size_t simnet_host_count(const struct simnet_world *world);
bool simnet_host_is_up(const struct simnet_world *world, simnet_host host);
/* What the host's clock shows now. */
sipc_time simnet_host_clock(const struct simnet_world *world, simnet_host host);

/* ---- sessions, operations, traffic ---- */

/* A conversation between two hosts that may or may not come about; either may open it and send.
 * `id` NULL: one made of the world's seed and the index. An id of a session there already: false.
 */
bool simnet_session_add(struct simnet_world *world, simnet_host a, simnet_host b, const uint8_t *id,
                        simnet_session *out);
const uint8_t *simnet_session_id(const struct simnet_world *world, simnet_session session);
/* The other host of a session that `host` takes part in. */
simnet_host simnet_session_other(const struct simnet_world *world, simnet_session session,
                                 simnet_host host);
/* Where the session stands at `host`, by what the host reported; SIPC_DISPOSED also before. */
enum sipc_state simnet_session_state(const struct simnet_world *world, simnet_session session,
                                     simnet_host host);
size_t simnet_session_count(const struct simnet_world *world);

/* A command of the application of `host`. */
struct simnet_operation {
    enum simnet_command command;
    simnet_host host;
    simnet_session session;                  /* SHUTDOWN: not looked at */
    const uint8_t *data;                     /* SEND*: copied; NULL: byte i is (from + i) mod 251 */
    uint64_t size;                           /* SEND*: up to 1 GiB without data, 16 MiB with */
    uint32_t from;                           /* SEND* */
    const struct sipc_attribute *attributes; /* SEND*: copied */
    size_t attribute_count;
    bool skip;               /* SEND* */
    int32_t code;            /* CLOSE: 1..99; DISPOSE */
    int64_t idle_timeout_ns; /* OPEN; INT64_MIN: no override */
    sipc_time grace_ns;      /* SHUTDOWN */
};
/* Has it done at `at_ns` (now or later); returns its number, from 1. It is refused, not queued, if
 * the host is down then. Deliveries are checked by content and order: messages of one direction of
 * a session are best told apart, by `from` for instance, where some of them may fail. */
uint64_t simnet_operation_at(struct simnet_world *world, sipc_time at_ns,
                             const struct simnet_operation *operation);

/* Messages of one direction of a session, one after the other: the next is sent `gap_ns` after the
 * end of the one before, whatever its outcome. Message n has from = 16 n mod 251. Refused because
 * the session is busy, opening or not there yet: tried again after `again_ns`. */
struct simnet_traffic {
    simnet_host host;
    simnet_session session;
    sipc_time start_ns;
    bool open;       /* opens the session at start_ns; else it waits until it is there */
    bool unreliable; /* fire and forget */
    bool skip;
    uint64_t count;              /* messages */
    uint64_t size_min, size_max; /* drawn evenly for each */
    sipc_time gap_ns;
    sipc_time again_ns; /* 0: 10 ms */
    int32_t close_code; /* closes so after the last; 0: not */
};
void simnet_traffic_add(struct simnet_world *world, const struct simnet_traffic *traffic);

/* How operations ended so far, of all hosts. */
struct simnet_operation_stats {
    uint64_t begun, refused, pending;
    uint64_t ended[SIPC_OUTCOME_CLOSED + 1]; /* by outcome */
    uint64_t crashed;                        /* ended by a crash of their host */
    uint64_t groups_delivered, bytes_delivered;
};
void simnet_operation_stats(const struct simnet_world *world, struct simnet_operation_stats *out);

#ifdef __cplusplus
}
#endif
#endif
