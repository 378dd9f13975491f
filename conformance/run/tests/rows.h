/* Rows of the runner's tests: a script, what the SUT does, and how the case must end.
 * SPDX-License-Identifier: MIT */
#ifndef RUN_ROWS_H
#define RUN_ROWS_H

#include "fake_sut.h"

#define SEND "-> data 0:0 {first_in_window_group last_in_window last_in_window_group skip} \"a\"\n"
#define ACK  "<- data_ack 0:0 {is_window_full *}\n"

/* On the n-th datagram. */
#define ON_RX(n) .on = CONFORM_RX, .nth = (n)

enum { ROW_ACTS_MAX = 8 };

struct row {
    const char *name;
    const char *body; /* from line 5 */
    struct fake_act acts[ROW_ACTS_MAX];
    enum conform_verdict verdict;
    enum sipc_rule rule;
    int line;
    const char *reason; /* a part of it; NULL: none */
    size_t expectations;
    struct fake_sut fake;
    enum conform_sut_status status; /* of the whole run */
    unsigned attempts;              /* 0: 1 */
};

/* Runs all, tells each that does not hold, and fails the test then. */
void run_rows(const struct row *rows, size_t count);
#define RUN_ROWS(rows) run_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#endif
