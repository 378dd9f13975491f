/* sipc sim explore: every course a small world can take. */
#include "cli.h"
#include "sim_cli.h"
#include "simnet/explore.h"

enum { EXPLORE_LIST = 2000 };

static const struct cli_option explore_options[] = {
    {'l', "list", NULL, "the worlds there are", EXPLORE_LIST},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command explore_command = {
    .name = "sipc sim explore",
    .usage = "--list",
    .about = "Small worlds of two endpoints and a lossy wire.",
    .examples = "sipc sim explore --list",
    .options = explore_options,
};

static bool explore_take(void *ctx, int id, const char *value)
{
    (void)value;
    *(bool *)ctx = id == EXPLORE_LIST;
    return true;
}

static void explore_list(void)
{
    size_t count;
    const struct simnet_explore_world *worlds = simnet_explore_worlds(&count);

    for (size_t i = 0; i < count; i++)
        printf("%-16s %s\n", worlds[i].name, worlds[i].about);
}

int sim_cmd_explore(int argc, char **argv)
{
    bool list = false;
    int first;
    int exit_code = cli_parse(&explore_command, argc, argv, &first, explore_take, &list);

    if (exit_code >= 0)
        return exit_code;
    if (first < argc)
        return cli_usage(&explore_command, "unexpected '%s'", argv[first]);
    if (!list)
        return cli_usage(&explore_command, "say --list");
    explore_list();
    return CLI_OK;
}
