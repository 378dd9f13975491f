/* Small worlds to write traces of: between them every kind of event is seen. */
#ifndef SIMNET_TESTS_EXPORT_WORLDS_H
#define SIMNET_TESTS_EXPORT_WORLDS_H

#include "simnet/world.h"

extern const char *const export_world_names[];
extern const size_t export_world_count;

/* Ready to run, to the end or to the failure; NULL: no world of this name. Never freed in part:
 * simnet_world_free takes it all. */
struct simnet_world *export_world(const char *name);

#endif
