/* Sessions of an endpoint: the commands an application gives. See endpoint.h for the loop they are
 * part of; each is an event in (SIPC_E_PENDING while actions wait, `now` never goes back).
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_SESSION_H
#define SIPC_SESSION_H

#include "sipc/endpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a session locally, in opening; no PDU leaves. `idle_timeout_ns` overrides the endpoint's
 * (INT64_MIN: no override). SIPC_E_EXISTS: held already or lingering (END-3). SIPC_E_NO_SPACE: the
 * endpoint is full and nothing may be evicted (END-5). SIPC_E_STATE: shutting down (END-4). */
enum sipc_status sipc_session_open(struct sipc_endpoint *ep, sipc_time now, sipc_peer remote,
                                   const uint8_t session_id[SIPC_SESSION_ID_SIZE],
                                   int64_t idle_timeout_ns, sipc_session *out) SIPC_MUST_USE;

/* The session held for (remote, session id); on stream networks `remote` is not looked at (END-1a).
 * 0 if none. Disposed ones are not held. */
sipc_session sipc_session_find(const struct sipc_endpoint *ep, sipc_peer remote,
                               const uint8_t session_id[SIPC_SESSION_ID_SIZE]);

/* Its state; SIPC_DISPOSED also for one that was, or never was. */
enum sipc_state sipc_session_state(const struct sipc_endpoint *ep, sipc_session session);

/* Puts the window ids of a fresh session (opening, nothing sent or received) anywhere: 9E15 is out
 * of reach otherwise. -1 stands for none. SIPC_E_STATE if it is not fresh, SIPC_E_INVALID if the
 * ids are out of range or break WID-9 or WID-10. */
struct sipc_preset {
    int64_t next_window_id;  /* the next id this side uses */
    int64_t acked_window_id; /* newest own id acked (WID-10) */
    int64_t min_window_id;   /* the peer's last applied (WID-3) */
    bool processed;          /* min counts as processed, with no ack to repeat */
};
enum sipc_status sipc_session_preset(struct sipc_endpoint *ep, sipc_time now, sipc_session session,
                                     const struct sipc_preset *preset) SIPC_MUST_USE;

struct sipc_attribute {
    struct sipc_span name;
    struct sipc_span value;
};

/* A message. Its bytes stay with the caller, who keeps them until the RESULT action with `handle`;
 * transmit actions refer to them by handle and offset. Attributes are copied. */
struct sipc_message {
    uint64_t handle;
    uint64_t size; /* bytes */
    const struct sipc_attribute *attributes;
    size_t attribute_count;
    bool skip; /* s_03, OPN-4 */
};

/* Starts a send operation. SIPC_OK: it ends with one RESULT action. Refused, nothing sent and no
 * RESULT: SIPC_E_BUSY (SND-1a), SIPC_E_STATE (from closing on), SIPC_E_OPENING (receiving while
 * opening, OPN-2), SIPC_E_ATTRIBUTES (SND-3, SND-4), SIPC_E_UNKNOWN (no such session). */
enum sipc_status sipc_session_send(struct sipc_endpoint *ep, sipc_time now, sipc_session session,
                                   const struct sipc_message *message) SIPC_MUST_USE;

/* Fire and forget (FAF): SIPC_OK: one RESULT, ok at its aftermath or not sent. Refused besides as
 * above: SIPC_E_SIZE (FAF-3), SIPC_E_OPENING (in opening without skip, FAF-2a). A full queue or a
 * missing window id (WID-11) is a RESULT not sent. */
enum sipc_status sipc_session_send_unreliable(struct sipc_endpoint *ep, sipc_time now,
                                              sipc_session session,
                                              const struct sipc_message *message) SIPC_MUST_USE;

/* Closes with `code` 1..99: 1 graciously (CLS-1), any other forced (CLS-2). One RESULT with
 * `handle` when awaiting_disposal is reached; at once if it is already. SIPC_E_BUSY: a gracious
 * close while a send operation runs (SND-1). SIPC_E_INVALID: code. SIPC_E_NO_SPACE: eight close
 * requests wait for the same close already. */
enum sipc_status sipc_session_close(struct sipc_endpoint *ep, sipc_time now, sipc_session session,
                                    int32_t code, uint64_t handle) SIPC_MUST_USE;

/* Final dispose (STM-6), in any state: what is pending ends with `code`; the id lingers (END-3). */
enum sipc_status sipc_session_dispose(struct sipc_endpoint *ep, sipc_time now,
                                      sipc_session session, int32_t code) SIPC_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
