/* What is taken away: things with all that hangs on them, one by one; and what stands in lists, in
 * chunks that become ever smaller, the last first, for what came after the failure goes at once.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "shrink.h"

/* ---- things ---- */

static bool cut_each(struct shrink *shrink, size_t (*count)(const struct simnet_scenario *),
                     void (*remove)(struct simnet_scenario *, size_t))
{
    bool any = false;

    for (size_t i = count(&shrink->best); i-- > 0;) {
        struct simnet_scenario candidate;
        simnet_scenario_copy(&shrink->best, &candidate);
        remove(&candidate, i);
        any |= shrink_try(shrink, &candidate);
    }
    return any;
}

static size_t cut_hosts(const struct simnet_scenario *scenario)
{
    return scenario->hosts.count;
}

static size_t cut_sessions(const struct simnet_scenario *scenario)
{
    return scenario->sessions.count;
}

static size_t cut_links(const struct simnet_scenario *scenario)
{
    return scenario->links.count;
}

bool cut_things(struct shrink *shrink)
{
    bool any = cut_each(shrink, cut_hosts, simnet_scenario_remove_host);

    any |= cut_each(shrink, cut_sessions, simnet_scenario_remove_session);
    any |= cut_each(shrink, cut_links, simnet_scenario_remove_link);
    return any;
}

/* ---- lists ---- */

enum cut_list {
    CUT_EXPECTATIONS,
    CUT_TRAFFIC,
    CUT_OPERATIONS,
    CUT_CHANGES,
    CUT_PDUS,
    CUT_REACTIONS,
    CUT_FAULTS,
    CUT_ROUTES,
    CUT_LISTS
};

static size_t *cut_list(struct simnet_scenario *scenario, enum cut_list list, void **at,
                        size_t *size)
{
#define CUT_OF(array)                                                                              \
    (*at = scenario->array.at, *size = sizeof *scenario->array.at, &scenario->array.count)
    switch (list) {
    case CUT_EXPECTATIONS:
        return CUT_OF(expectations);
    case CUT_TRAFFIC:
        return CUT_OF(traffic);
    case CUT_OPERATIONS:
        return CUT_OF(operations);
    case CUT_CHANGES:
        return CUT_OF(changes);
    case CUT_PDUS:
        return CUT_OF(pdus);
    case CUT_REACTIONS:
        return CUT_OF(reactions);
    case CUT_ROUTES:
        return CUT_OF(routes);
    default:
        *at = scenario->faults.faults;
        *size = sizeof *scenario->faults.faults;
        return &scenario->faults.count;
    }
#undef CUT_OF
}

/* The candidate without `count` of the list from `from` on. */
static bool cut_range(struct shrink *shrink, enum cut_list list, size_t from, size_t count)
{
    struct simnet_scenario candidate;
    void *at;
    size_t size;

    simnet_scenario_copy(&shrink->best, &candidate);
    size_t *length = cut_list(&candidate, list, &at, &size);
    char *hole = (char *)at + from * size;
    memmove(hole, hole + count * size, (*length - from - count) * size);
    *length -= count;
    return shrink_try(shrink, &candidate);
}

static size_t cut_length(struct shrink *shrink, enum cut_list list)
{
    void *at;
    size_t size;

    return *cut_list(&shrink->best, list, &at, &size);
}

static bool cut_one_list(struct shrink *shrink, enum cut_list list)
{
    bool any = false;

    for (size_t chunk = cut_length(shrink, list); chunk > 0; chunk /= 2) {
        size_t end = cut_length(shrink, list);
        while (end > 0 && !shrink_is_over(shrink)) {
            size_t count = end < chunk ? end : chunk;
            any |= cut_range(shrink, list, end - count, count);
            end -= count;
        }
    }
    return any;
}

bool cut_lists(struct shrink *shrink)
{
    bool any = false;

    for (unsigned list = 0; list < CUT_LISTS; list++)
        any |= cut_one_list(shrink, (enum cut_list)list);
    return any;
}
