/* Writes the trace of a small world, for tests that read it with other people's tools:
 *   export_sample WORLD FILE [user0] [bytes] [passes] [rows=N] [from=NS] [to=NS]
 * Exit 1: the file could not be written; 2: it makes no sense. */
#include <stdlib.h>
#include <string.h>

#include "export_worlds.h"
#include "simnet/export.h"

static bool sample_option(struct simnet_export_options *options, const char *text)
{
    if (strcmp(text, "user0") == 0)
        options->user0 = true;
    else if (strcmp(text, "bytes") == 0)
        options->bytes = true;
    else if (strcmp(text, "passes") == 0)
        options->passes = true;
    else if (strncmp(text, "rows=", 5) == 0)
        options->rows = (uint32_t)strtoul(text + 5, NULL, 10);
    else if (strncmp(text, "from=", 5) == 0)
        options->from_ns = strtoull(text + 5, NULL, 10);
    else if (strncmp(text, "to=", 3) == 0)
        options->to_ns = strtoull(text + 3, NULL, 10);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct simnet_export_options options = {.command = "sipc sim run sample.sx --seed 11"};
    struct simnet_error error;
    struct simnet_world *world = argc >= 3 ? export_world(argv[1]) : NULL;

    for (int i = 3; i < argc && world != NULL; i++)
        if (!sample_option(&options, argv[i]))
            return 2;
    if (world == NULL) {
        fprintf(stderr, "usage: export_sample WORLD FILE [OPTION]...\n");
        return 2;
    }
    options.scenario = argv[1];
    struct simnet_export *export = simnet_export_open(world, argv[2], &options, &error);
    if (export == NULL) {
        fprintf(stderr, "%s\n", error.text);
        simnet_world_free(world);
        return 2;
    }
    simnet_world_run(world, SIPC_NEVER);
    bool ok = simnet_export_close(export, &error);
    if (!ok)
        fprintf(stderr, "%s\n", error.text);
    simnet_world_free(world);
    return ok ? 0 : 1;
}
