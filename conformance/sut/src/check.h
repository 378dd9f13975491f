/* Checks of an adapter: what the two halves, the text of lines and the work of an endpoint, share.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_CHECK_H
#define CONFORM_SUT_CHECK_H

#include <jansson.h>

#include "conform/sut.h"

struct conform__check {
    bool json;     /* print one JSON document at the end instead of lines */
    json_t *items; /* of that document */
    unsigned done, failed;
    unsigned limit_ms;
    uint64_t slowest_ns; /* response, and to what */
    const char *slowest_what;
};

/* One check: what it is about, and what was found. A failure brings advice. */
void conform__check_ok(struct conform__check *check, const char *what, const char *format, ...)
    SIPC_PRINTF(3, 4);
void conform__check_fail(struct conform__check *check, const char *what, const char *advice,
                         const char *format, ...) SIPC_PRINTF(4, 5);
/* Something that was not checked, and why. */
void conform__check_skip(struct conform__check *check, const char *what, const char *why);

/* The lines of an exec adapter, text in and text out. False: it cannot go on. */
bool conform__check_lines(struct conform__check *check, const char *command);
/* What an endpoint does behind any way to attach. False: it could not be attached at all. */
bool conform__check_work(struct conform__check *check, const char *spec);

#endif
