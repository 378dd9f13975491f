/* See pair.h. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void pair_event(void *ctx, const struct simnet_event *event)
{
    struct pair *pair = ctx;

    assert_true(pair->count < PAIR_EVENTS_MAX);
    pair->events[pair->count++] = *event;
}

struct pair *pair_new(const struct simnet_config *config, const struct sipc_config *settings,
                      const struct simnet_link_config *link)
{
    static const struct simnet_link_config no_link;
    struct pair *pair = calloc(1, sizeof *pair);
    struct simnet_config own_config;
    struct sipc_config own_settings;
    struct simnet_error error;

    assert_non_null(pair);
    simnet_config_default(&own_config);
    sipc_config_default(&own_settings);
    own_settings.max_sessions = 4;
    settings = settings ? settings : &own_settings;
    link = link ? link : &no_link;
    pair->world = simnet_world_new(config ? config : &own_config);
    if (!simnet_host_add_engine(pair->world, &(struct simnet_host_config){.name = "a"}, settings,
                                &pair->a, &error) ||
        !simnet_host_add_engine(pair->world, &(struct simnet_host_config){.name = "b"}, settings,
                                &pair->b, &error) ||
        !simnet_link_add(pair->world, link, &pair->ab, &error) ||
        !simnet_link_add(pair->world, link, &pair->ba, &error))
        fail_msg("%s", error.text);
    simnet_route(pair->world, pair->a, pair->b, pair->ab);
    simnet_route(pair->world, pair->b, pair->a, pair->ba);
    assert_true(simnet_session_add(pair->world, pair->a, pair->b, NULL, &pair->session));
    simnet_observe(pair->world,
                   &(struct simnet_observer){
                       pair, SIMNET_WANT_APPLICATION | SIMNET_WANT_CHANGES | SIMNET_WANT_FAILURES,
                       pair_event});
    return pair;
}

void pair_free(struct pair *pair)
{
    simnet_world_free(pair->world);
    free(pair);
}

void pair_traffic(struct pair *pair, uint64_t count, uint64_t size, bool close)
{
    simnet_traffic_add(pair->world, &(struct simnet_traffic){.host = pair->a,
                                                             .session = pair->session,
                                                             .open = true,
                                                             .count = count,
                                                             .size_min = size,
                                                             .size_max = size,
                                                             .close_code = close});
}

void pair_change(struct pair *pair, sipc_time at_ns, enum simnet_change_kind kind, uint32_t target,
                 uint64_t value)
{
    struct simnet_change change = {at_ns, kind, target, value};
    struct simnet_error error;

    if (!simnet_change_at(pair->world, &change, &error))
        fail_msg("%s", error.text);
}

void pair_open(struct pair *pair, sipc_time at_ns, simnet_host host)
{
    struct simnet_operation operation = {.command = SIMNET_COMMAND_OPEN,
                                         .host = host,
                                         .session = pair->session,
                                         .idle_timeout_ns = INT64_MIN};

    simnet_operation_at(pair->world, at_ns, &operation);
}

uint64_t pair_send(struct pair *pair, sipc_time at_ns, simnet_host host, uint64_t size, bool skip)
{
    struct simnet_operation operation = {.command = SIMNET_COMMAND_SEND,
                                         .host = host,
                                         .session = pair->session,
                                         .size = size,
                                         .from = (uint32_t)(at_ns % 251),
                                         .skip = skip};

    return simnet_operation_at(pair->world, at_ns, &operation);
}

void pair_run(struct pair *pair)
{
    char text[512];
    enum simnet_end end = simnet_world_run(pair->world, SIPC_NEVER);

    simnet_world_explain(pair->world, end, text, sizeof text);
    if (end != SIMNET_END_DRAINED)
        fail_msg("%s", text);
}

size_t pair_count(const struct pair *pair, enum simnet_event_kind kind, simnet_host host,
                  const struct simnet_event **first)
{
    size_t count = 0;

    for (size_t i = 0; i < pair->count; i++) {
        if (pair->events[i].kind != kind || pair->events[i].host != host)
            continue;
        if (count++ == 0 && first != NULL)
            *first = &pair->events[i];
    }
    return count;
}
