/* Network addresses as the contract writes them, HOST:PORT and [v6]:PORT; waiting on a loop, and
 * closing one.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_ADDRESS_H
#define CONFORM_SUT_ADDRESS_H

#include <uv.h>

#include "conform/message.h"

enum { CONFORM__ADDRESS_TEXT = 64 };

/* Resolves `text`, names too. False and *error where it is no address, or nobody knows the name. */
bool conform__address_parse(const char *text, struct sockaddr_storage *out,
                            struct conform_error *error);
void conform__address_format(const struct sockaddr *address, char out[CONFORM__ADDRESS_TEXT]);
void conform__address_set_port(struct sockaddr_storage *address, uint16_t port);
/* 0.0.0.0 and :: (a listener on all addresses) become this host's own address. */
void conform__address_make_reachable(struct sockaddr_storage *address);

/* Connects a stream socket, IP or Unix. While nobody listens it tries again, for `retry_ms`; the
 * connection itself may take a second more. The descriptor, or a negative errno. */
int conform__dial(const struct sockaddr *address, unsigned retry_ms);

/* Runs the loop once, and waits `ms` at most. The timer is the caller's, not active. */
void conform__loop_wait(uv_loop_t *loop, uv_timer_t *timer, uint64_t ms);
/* Closes every handle of the loop, waits for that, and ends the loop. */
void conform__loop_close(uv_loop_t *loop);

#endif
