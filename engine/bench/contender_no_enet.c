/* In place of contender_enet.c where ENet is not installed. */
#include "world.h"

const struct bench_contender *const bench_enet = NULL;
