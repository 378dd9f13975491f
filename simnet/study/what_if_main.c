/* `sipc sim lfn` with another engine: what each file of what_ifs/ is linked with.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "study/lfn_cli.h"

int main(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], "sim") != 0 || strcmp(argv[2], "lfn") != 0) {
        fprintf(stderr, "usage: %s sim lfn ...: as `sipc sim lfn`, with another engine\n", argv[0]);
        return CLI_USAGE;
    }
    cli_program = argv[0];
    return sim_cmd_lfn(argc - 2, argv + 2);
}
