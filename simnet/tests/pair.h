/* Two engine hosts, a link each way and a session between them, for tests; what their applications
 * see is kept. */
#ifndef SIMNET_TESTS_PAIR_H
#define SIMNET_TESTS_PAIR_H

#include "simnet/world.h"

enum { PAIR_EVENTS_MAX = 4096 };

struct pair {
    struct simnet_world *world;
    simnet_host a, b;
    simnet_link ab, ba;
    simnet_session session;
    struct simnet_event events[PAIR_EVENTS_MAX]; /* application and changes; pointers are void */
    size_t count;
};

/* Each argument may be NULL: defaults. Both hosts have the settings, both ways the link. */
struct pair *pair_new(const struct simnet_config *config, const struct sipc_config *settings,
                      const struct simnet_link_config *link);
void pair_free(struct pair *pair);
/* a opens the session at 0 and sends `count` messages of `size` bytes, then closes if told. */
void pair_traffic(struct pair *pair, uint64_t count, uint64_t size, bool close);
void pair_change(struct pair *pair, sipc_time at_ns, enum simnet_change_kind kind, uint32_t target,
                 uint64_t value);
uint64_t pair_send(struct pair *pair, sipc_time at_ns, simnet_host host, uint64_t size, bool skip);
void pair_open(struct pair *pair, sipc_time at_ns, simnet_host host);
/* Runs to the end; fails the test unless it ends drained. */
void pair_run(struct pair *pair);
/* Events of this kind at this host; *first the first of them, NULL allowed. */
size_t pair_count(const struct pair *pair, enum simnet_event_kind kind, simnet_host host,
                  const struct simnet_event **first);

#endif
