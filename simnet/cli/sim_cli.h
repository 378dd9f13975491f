/* The commands of `sipc sim`. argv[0] is the command's own name; the exit code is returned.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_SIM_CLI_H
#define SIMNET_SIM_CLI_H

int sim_cmd_run(int argc, char **argv);
int sim_cmd_replay(int argc, char **argv);
int sim_cmd_compare(int argc, char **argv);
int sim_cmd_explore(int argc, char **argv);
int sim_cmd_swarm(int argc, char **argv);
int sim_cmd_shrink(int argc, char **argv);

#endif
