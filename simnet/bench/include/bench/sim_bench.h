/* The command `sipc bench sim`.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_SIM_BENCH_H
#define BENCH_SIM_BENCH_H

/* argv[0] is the command's own name. Returns the exit code: 0, 2 for wrong usage, 4 if a
 * measurement failed: a world whose checks fail has no figures. */
int simnet_cmd_bench(int argc, char **argv);

#endif
