/* The harness's own addresses on a real network, one per peer name: a UDP socket each, or on TCP
 * and Unix sockets connections to the SUT and a listener for those the SUT dials. PDUs in, PDUs
 * out; knows nothing of control channels or requests.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_LIVE_NET_H
#define CONFORM_SUT_LIVE_NET_H

#include <uv.h>

#include "conform/sut.h"

enum conform__net_kind { CONFORM__NET_UDP, CONFORM__NET_TCP, CONFORM__NET_UNIX };

struct conform__net;

struct conform__net_options {
    enum conform__net_kind kind;
    unsigned limit_ms; /* for the SUT to take what is written */
    /* A PDU or an EOF; the callee sets at_ns and leaves *out zeroed. */
    void (*on_out)(void *ctx, struct conform_out *out);
    /* The SUT cannot be reached any more (DEAD). */
    void (*on_fault)(void *ctx, const char *why);
    /* Something to tell beside the results. */
    void (*on_note)(void *ctx, const char *text);
    void *ctx;
};

/* "udp", "tcp", "unix". */
const char *conform__net_prefix(enum conform__net_kind kind);

/* `address`: HOST:PORT, or a path. Tries whether anybody listens there: NULL and *error if not. */
struct conform__net *conform__net_new(uv_loop_t *loop, const char *address,
                                      const struct conform__net_options *options,
                                      struct conform_error *error);
/* After conform__loop_close. NULL is allowed. */
void conform__net_free(struct conform__net *net);

/* Lets all sockets and connections go; peers get new addresses at next use. */
void conform__net_reset(struct conform__net *net);

/* Sends from the peer of this name. Runs the loop while the SUT does not take it. */
enum conform_sut_status conform__net_send(struct conform__net *net, const char *peer,
                                          struct sipc_span pdu, struct conform_error *error);
/* Where the SUT reaches this peer ("udp:127.0.0.1:40001"), NULL and *error if that cannot be made.
 */
const char *conform__net_address(struct conform__net *net, const char *peer,
                                 struct conform_error *error);
/* The peer that the SUT calls so, NULL if none. */
const char *conform__net_find(const struct conform__net *net, const char *address);
/* Bytes of unfinished frames. */
size_t conform__net_partial_bytes(const struct conform__net *net);

#endif
