/* `sipc bench suite`: how long the suite takes.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_SUITE_BENCH_H
#define BENCH_SUITE_BENCH_H

/* argv[0] is the command's own name. The exit code: 0, 2 for wrong usage, 3 if a SUT does not
 * start, 4 if a measurement failed. */
int conform_cmd_bench(int argc, char **argv);

#endif
