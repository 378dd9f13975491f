/* The reference SUT's side of the network: one address it listens on, peers named by theirs. A name
 * is "udp:IP:PORT", "tcp:IP:PORT", "unix:PATH" or, for one that dialed a Unix socket, "unix:#N".
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_SERVE_NET_H
#define CONFORM_SUT_SERVE_NET_H

#include "live_net.h"

struct conform__serve_net;

struct conform__serve_net_options {
    enum conform__net_kind kind;
    const char *address;
    void (*on_pdu)(void *ctx, const char *from, struct sipc_span pdu);
    /* The aftermath of a send. Called from the loop, or within conform__serve_net_send. */
    void (*on_sent)(void *ctx, uint64_t token, bool success);
    void *ctx;
};

/* False and *error if it cannot listen there; *out is to be freed all the same. */
bool conform__serve_net_new(uv_loop_t *loop, const struct conform__serve_net_options *options,
                            struct conform__serve_net **out, struct conform_error *error);
/* "udp:127.0.0.1:40001", with the port it got. */
const char *conform__serve_net_address(const struct conform__serve_net *net);
void conform__serve_net_send(struct conform__serve_net *net, const char *to, struct sipc_span pdu,
                             uint64_t token);
/* Lets all connections go, and forgets what is on its way: no on_sent comes for it. */
void conform__serve_net_reset(struct conform__serve_net *net);
/* After conform__loop_close. NULL is allowed. */
void conform__serve_net_free(struct conform__serve_net *net);

#endif
