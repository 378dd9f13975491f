/* One endpoint under test. Events go in as calls, PDUs as one line of text; the actions that come
 * out are kept as lines of the same words, so that a test reads as a conversation:
 *
 *     driver_rx(d, "data 0/0 first last end skip: hello");
 *     DRIVER_EXPECT(d, "state opening", "state opened", "deliver \"hello\"",
 *                   "tx data_ack 0/0 full size=16");
 *
 * The clock is virtual and moves only by driver_wait. After every event all actions are taken out
 * and the invariants of the endpoint's block are checked. A test that does not look at all lines
 * (driver_forget, where they are not its subject) fails in driver_fini.
 *
 * A PDU's line: [#N] [@P] opcode window_id/seq_nr words [: text]
 *     #N         session id driver_id(N), else 1        @P     peer P, else 1
 *     first last end skip full                          booleans s_00 s_01 s_02 s_03 s_10
 *     size=N error=N abort=N                            s_20, s_error_code, s_abort_code
 *     bytes=N                                           that many bytes of data: driver_byte(i)
 *     name=value                                        any other option
 * Actions:
 *     tx …, tx! …            a PDU; with "!" its aftermath is owed; m7[0,100): bytes of message 7
 *     deliver "text" name=value …    or (N bytes) where it is long; see `delivered`
 *     result HANDLE send|send_unreliable|close OUTCOME [CODE]
 *     state NAME [CAUSE]
 *     discard REASON
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_TESTS_DRIVER_H
#define SIPC_TESTS_DRIVER_H

#include "sipc/session.h"

#define DRIVER_MS SIPC_NS_PER_MS

struct driver {
    struct sipc_endpoint *ep;
    void *block;
    size_t block_size;
    sipc_time now;
    sipc_session session; /* that of driver_open, or of the first action about session id 1 */
    uint64_t token;       /* of the newest transmit action that is owed its aftermath */
    uint64_t ack_token;   /* of the newest that is not */
    char *lines;          /* actions since the last look, each ended by a newline */
    size_t lines_size;
    uint8_t *pdu; /* the newest transmit action, its payload as zeros */
    size_t pdu_size;
    uint64_t payload_offset;
    uint32_t payload_size;
    uint8_t *delivered; /* data of the newest delivery, its attributes behind it */
    size_t delivered_size;
    struct sipc_span attributes;
    uint32_t delivered_count;
    const char *note; /* told where an expectation fails: the row of a table, say */
};

/* The protocol's defaults with few sessions (4) and a short fire-and-forget queue (4). */
struct sipc_config driver_config(void);
/* NULL: driver_config. The clock starts at 0. */
void driver_init(struct driver *d, const struct sipc_config *config);
void driver_fini(struct driver *d);

const uint8_t *driver_id(unsigned n);
uint8_t driver_byte(size_t index);

/* ---- events ---- */

void driver_rx(struct driver *d, const char *format, ...) SIPC_PRINTF(2, 3);
void driver_rx_bytes(struct driver *d, sipc_peer from, struct sipc_span bytes);
/* Any options and data, for what a line cannot say; to session id 1 where parts->session_id is
 * NULL. */
void driver_rx_parts(struct driver *d, sipc_peer from, const struct sipc_pdu_parts *parts);
/* Lets the time pass, each deadline in between at its own moment. */
void driver_wait(struct driver *d, sipc_time ns);
/* The aftermath of the newest owed transmission; fails where none is awaited. */
void driver_sent(struct driver *d, bool success);
enum sipc_status driver_sent_token(struct driver *d, uint64_t token, bool success) SIPC_MUST_USE;

/* Session id 1 at peer 1; driver_open_id gives the session. */
void driver_open(struct driver *d);
sipc_session driver_open_id(struct driver *d, unsigned n, sipc_peer remote);
/* Of d->session. `words`: skip and name=value. */
enum sipc_status driver_try_send(struct driver *d, uint64_t handle, uint64_t size,
                                 const char *words) SIPC_MUST_USE;
enum sipc_status driver_try_unreliable(struct driver *d, uint64_t handle, uint64_t size,
                                       const char *words) SIPC_MUST_USE;
enum sipc_status driver_try_close(struct driver *d, int32_t code, uint64_t handle) SIPC_MUST_USE;
/* The same, and it must be accepted. */
void driver_send(struct driver *d, uint64_t handle, uint64_t size, const char *words);
void driver_unreliable(struct driver *d, uint64_t handle, uint64_t size, const char *words);
void driver_close(struct driver *d, int32_t code, uint64_t handle);
void driver_preset(struct driver *d, int64_t next, int64_t acked, int64_t min, bool processed);

/* After an event that a test gave by itself: takes all actions out, checks the block. */
void driver_drain(struct driver *d);

/* ---- looking ---- */

/* The actions since the last look were exactly these lines. */
#define DRIVER_EXPECT(d, ...)                                                                      \
    driver_expect((d), (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
#define DRIVER_QUIET(d) driver_expect((d), (const char *const[]){NULL}, __FILE__, __LINE__)
void driver_expect(struct driver *d, const char *const *lines, const char *file, int line);
void driver_forget(struct driver *d);

#endif
