/* Finds the shared object with ns-3 in it: beside the program's build, or where it was installed.
 * The program itself is not linked with ns-3, whose libraries take longer to load than most
 * commands run. SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "simnet/ns3.h"

enum { LOAD_PATH_MAX = 4096 };

static const struct simnet_ns3_library *load_object(const char *path, struct simnet_error *error)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct simnet_ns3_library *library;

    if (object == NULL) {
        snprintf(error->text, sizeof error->text, "ns-3: %s", dlerror());
        return NULL;
    }
    library = dlsym(object, "simnet_ns3_library");
    if (library != NULL && library->version == SIMNET_NS3_VERSION)
        return library; /* the object stays until the program ends */
    snprintf(error->text, sizeof error->text, "ns-3: %.200s is of another version of this program",
             path);
    dlclose(object);
    return NULL;
}

const struct simnet_ns3_library *simnet_ns3_load(struct simnet_error *error)
{
    static const struct simnet_ns3_library *library; /* one for all, as ns-3 is */
    static const char *const places[] = {"/../lib/libsimnet-ns3.so",
                                         "/../lib/sipc/libsimnet-ns3.so"};
    char path[LOAD_PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 64);

    path[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(path, '/');
    for (size_t i = 0; library == NULL && slash != NULL && i < sizeof places / sizeof *places;
         i++) {
        strcpy(slash, places[i]);
        if (access(path, R_OK) == 0) {
            library = load_object(path, error);
            return library;
        }
    }
    if (library == NULL)
        snprintf(error->text, sizeof error->text,
                 "this program was built without ns-3: apt-get install libns3-dev libgsl-dev g++, "
                 "then configure (with SIPC_NS3 on, as it is by default) and build again");
    return library;
}
