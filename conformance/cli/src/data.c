/* Where the shipped suite and the rules document are. */
#include "cli.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#ifndef SIPC_DATA_SOURCE
#error "SIPC_DATA_SOURCE: the conformance folder of the source tree"
#endif

static char *data_join(const char *folder, const char *name)
{
    char *path;
    const int size = asprintf(&path, "%s/%s", folder, name);
    SIPC_ASSERT(size >= 0);
    return path;
}

static char *data_try(const char *folder, const char *name)
{
    char *path = data_join(folder, name);
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

/* PREFIX/share/sipc, of a program installed as PREFIX/bin/sipc. */
static char *data_installed(const char *name)
{
    char program[PATH_MAX];
    const ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    if (size <= 0)
        return NULL;
    program[size] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    char *folder = data_join(program, "../share/sipc");
    char *path = data_try(folder, name);
    free(folder);
    return path;
}

/* Paths below the working directory are told, and copied from reports, the short way. */
static char *data_shorten(char *path)
{
    char here[PATH_MAX];
    if (path == NULL || getcwd(here, sizeof here) == NULL)
        return path;
    const size_t size = strlen(here);
    if (strncmp(path, here, size) == 0 && path[size] == '/')
        memmove(path, path + size + 1, strlen(path + size + 1) + 1);
    return path;
}

char *cli_data(const char *name)
{
    const char *environment = getenv("SIPC_DATA_DIR");
    if (environment != NULL) {
        char *path = data_try(environment, name);
        if (path == NULL)
            fprintf(stderr, "sipc: no %s in SIPC_DATA_DIR=%s\n", name, environment);
        return path;
    }
    char *path = data_installed(name);
    if (path == NULL)
        path = data_try(SIPC_DATA_SOURCE, name);
    if (path == NULL)
        fprintf(stderr,
                "sipc: %s is neither in share/sipc beside the program nor in the source tree; set"
                " SIPC_DATA_DIR to the folder that holds it\n",
                name);
    return data_shorten(path);
}
