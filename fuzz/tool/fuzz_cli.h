/* The command `sipc fuzz`: inputs of the fuzz targets as scripts, and back.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_CLI_H
#define FUZZ_CLI_H

/* argv[0] is the command's own name; the exit code. */
int fuzz_cmd_show(int argc, char **argv);
int fuzz_cmd_seed(int argc, char **argv);
int fuzz_cmd_case(int argc, char **argv);

#endif
