/* A shared object with the C ABI of conform/sut_abi.h, in this process: requests in, responses out.
 * What crashes or hangs in it crashes or hangs whoever calls, which is why `so:PATH` is attached as
 * a process of its own (sut_exec.c).
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_SO_HOST_H
#define CONFORM_SUT_SO_HOST_H

#include "conform/sut.h"

struct conform__so;

/* Nothing is loaded before `hello`, whose response says what is wrong with the object. */
struct conform__so *conform__so_new(const char *path);
/* `ctx` is the struct; the response is the caller's to clear. */
void conform__so_call(void *ctx, const struct conform_request *request,
                      struct conform_response *response);
void conform__so_free(struct conform__so *so);

#endif
