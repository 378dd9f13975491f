/* The command `sipc bench engine`.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_ENGINE_BENCH_H
#define BENCH_ENGINE_BENCH_H

/* argv[0] is the command's own name. Returns the exit code: 0, 2 for wrong usage, 4 if a
 * measurement failed: a message lost, changed or out of order is a failure, not a figure. */
int engine_cmd_bench(int argc, char **argv);

#endif
