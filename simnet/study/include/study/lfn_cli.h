/* The command `sipc sim lfn`.
 * SPDX-License-Identifier: MIT */
#ifndef STUDY_LFN_CLI_H
#define STUDY_LFN_CLI_H

/* argv[0] is the command's own name; the exit code is returned. */
int sim_cmd_lfn(int argc, char **argv);

#endif
