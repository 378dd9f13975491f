/* What is measured, and what came out.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUITE_BENCH_H
#define CONFORM_SUITE_BENCH_H

#include "bench/common.h"
#include "cli.h"

enum { SUITE_ROWS_MAX = 16 };

struct suite_row {
    char *name, *spec;
    bool no_judge;
    bool sound; /* every case it can do must pass */
    /* of one repetition */
    size_t cases, passed, pdus;
    /* by repetition: CPU time of harness and SUT, and what the clock on the wall shows */
    double cpu_s[BENCH_REPETITIONS_MAX], wall_s[BENCH_REPETITIONS_MAX];
};

struct suite_plan {
    struct cli_suite suite;
    struct suite_row rows[SUITE_ROWS_MAX];
    uint32_t row_count;
    uint32_t repetitions;
    bool json;
};

/* ---- suite_report.c ---- */

void suite_print(const struct suite_plan *plan);
void suite_print_json(const struct suite_plan *plan);

#endif
