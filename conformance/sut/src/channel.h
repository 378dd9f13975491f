/* A line of JSON there, a line of JSON back: the connection to a SUT that is a process of ours (its
 * stdin and stdout) or listens on TCP. Knows the contract's framing and who died of what; nothing
 * of PDUs or networks. Runs on the loop of its owner.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_CHANNEL_H
#define CONFORM_SUT_CHANNEL_H

#include <uv.h>

#include "conform/sut.h"

struct conform__channel;

/* How lines are read: with the wall clock events may come at any time. */
struct conform__channel_options {
    bool virtual_clock;
    bool verbose;      /* the process's stderr goes to ours as well */
    unsigned limit_ms; /* for one response */
    uint64_t (*now)(void *ctx);
    /* An event; *out is the callee's, which leaves it zeroed. NULL with the virtual clock. */
    void (*on_event)(void *ctx, struct conform_out *out);
    void *ctx;
};

/* Starts `sh -c command` in a process group of its own. False and *error if that cannot be done;
 * *out is to be freed all the same, after its loop is closed. */
bool conform__channel_exec(uv_loop_t *loop, const char *command,
                           const struct conform__channel_options *options,
                           struct conform__channel **out, struct conform_error *error);
/* Connects to "HOST:PORT"; retries shortly while nobody listens. Otherwise the same. */
bool conform__channel_tcp(uv_loop_t *loop, const char *address,
                          const struct conform__channel_options *options,
                          struct conform__channel **out, struct conform_error *error);

/* hello, and a made-up request that must be unsupported. Anything but OK is told. */
enum conform_sut_status conform__channel_hello(struct conform__channel *channel,
                                               struct conform_response *hello,
                                               struct conform_error *error);
/* One request, one response; events on the way go to on_event. Runs the loop. */
enum conform_sut_status conform__channel_call(struct conform__channel *channel,
                                              const struct conform_request *request,
                                              struct conform_response *response,
                                              struct conform_error *error);
/* One line of the caller's (with its newline), and the line that comes back, malloc'ed: for checks
 * that look at the text itself. */
enum conform_sut_status conform__channel_exchange(struct conform__channel *channel,
                                                  const char *line, char **answer,
                                                  struct conform_error *error);
/* Handles what came since the last call: OK, BROKEN or DEAD. */
enum conform_sut_status conform__channel_poll(struct conform__channel *channel,
                                              struct conform_error *error);

/* Ends it: with `polite` says bye and waits for the end shortly; what still lives is killed.
 * Returns the exit status after a polite end of a process, -1 for any other end. */
int conform__channel_end(struct conform__channel *channel, bool polite);
/* After conform__loop_close, which closes its handles. NULL is allowed. */
void conform__channel_free(struct conform__channel *channel);

/* stderr since the last call, malloc'ed; NULL if nothing. */
char *conform__channel_take_stderr(struct conform__channel *channel);

#endif
