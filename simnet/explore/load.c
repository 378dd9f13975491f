/* Engines from shared objects. */
#include "simnet/explore.h"

#include <dlfcn.h>

const struct simnet_explore_engine *simnet_explore_engine_load(const char *path, char *error,
                                                               size_t error_size)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct simnet_explore_engine *engine;

    if (object == NULL) {
        snprintf(error, error_size, "%s", dlerror());
        return NULL;
    }
    engine = dlsym(object, "simnet_explore_engine");
    if (engine == NULL)
        snprintf(error, error_size, "%s: exports no simnet_explore_engine", path);
    else if (engine->version != SIMNET_EXPLORE_ENGINE_VERSION)
        snprintf(error, error_size, "%s: an engine for version %u of the explorer, expected %d",
                 path, engine->version, SIMNET_EXPLORE_ENGINE_VERSION);
    else
        return engine;
    dlclose(object);
    return NULL;
}
