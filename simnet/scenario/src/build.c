/* A scenario becomes a world: everything is added in the scenario's order, so that hosts and links
 * have the same index in both. SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct build {
    const struct simnet_scenario *scenario;
    const struct simnet_scenario_options *options;
    struct simnet_scenario_run *run;
    struct simnet_error *error;
    int line;
    bool foreign;
};

static bool build_fail(struct build *build, int line, const char *format, ...) SIPC_PRINTF(3, 4);

static bool build_fail(struct build *build, int line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(build->error->text, sizeof build->error->text, format, arguments);
    va_end(arguments);
    build->line = line;
    return false;
}

/* The library below told why; here is where. */
static bool build_at(struct build *build, bool ok, int line)
{
    if (!ok)
        build->line = line;
    return ok;
}

static struct simnet_world *build_world(const struct build *build)
{
    const struct simnet_scenario *scenario = build->scenario;
    const struct simnet_scenario_options *options = build->options;
    struct simnet_config config;

    simnet_config_default(&config);
    config.seed = options->seed != NULL ? *options->seed : scenario->seed;
    config.ties = scenario->ties;
    config.heal_ns = scenario->heal_ns;
    config.event_max = scenario->event_max;
    config.time_max_ns = scenario->time_max_ns;
    config.moment_max = scenario->moment_max;
    config.deliveries_unchecked = scenario->deliveries_unchecked;
    config.hash_off = options->hash_off;
    config.record = options->record;
    config.replay = options->replay;
    config.carrier = options->carrier;
    config.rounds_each = options->rounds_each;
    if (config.replay == NULL && (scenario->chance_off || scenario->faults.count > 0))
        config.replay = &scenario->faults;
    return simnet_world_new(&config);
}

/* ---- hosts ---- */

static int build_by_time(const void *a, const void *b)
{
    const struct simnet_scenario_pdu *x = *(const struct simnet_scenario_pdu *const *)a;
    const struct simnet_scenario_pdu *y = *(const struct simnet_scenario_pdu *const *)b;

    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* The world borrows the steps: they live in the scenario's memory, once for each run. */
static void build_scripted(struct build *build, const struct simnet_host_config *config,
                           simnet_host index)
{
    const struct simnet_scenario *scenario = build->scenario;
    struct simnet_scenario_watch *watch = build->run->watch;
    size_t count = scenario->pdus.count, taken = 0;
    const struct simnet_scenario_pdu **order = scenario_watch_memory(watch, count, sizeof *order);
    struct simnet_script_step *steps = scenario_watch_memory(watch, count, sizeof *steps);

    for (size_t i = 0; i < count; i++)
        if (scenario->pdus.at[i].from == index)
            order[taken++] = &scenario->pdus.at[i];
    qsort(order, taken, sizeof *order, build_by_time);
    for (size_t i = 0; i < taken; i++)
        steps[i] = (struct simnet_script_step){
            .at_ns = order[i]->at_ns, .to = order[i]->to, .bytes = order[i]->bytes};
    simnet_host_add_script(build->run->world, config,
                           &(struct simnet_script){.steps = steps,
                                                   .step_count = taken,
                                                   .ctx = (void *)(uintptr_t)scenario,
                                                   .receive = scenario_react});
}

static bool build_is_scripted(const struct build *build, simnet_host host)
{
    const struct simnet_scenario *scenario = build->scenario;

    return host < scenario->hosts.count && scenario->hosts.at[host].kind == SIMNET_HOST_SCRIPTED;
}

/* What scripted hosts send and answer. */
static bool build_scripts(struct build *build)
{
    const struct simnet_scenario *scenario = build->scenario;

    for (size_t i = 0; i < scenario->pdus.count; i++) {
        const struct simnet_scenario_pdu *pdu = &scenario->pdus.at[i];
        if (!build_is_scripted(build, pdu->from) || pdu->to >= scenario->hosts.count)
            return build_fail(build, pdu->line,
                              "only scripted hosts send PDUs as written, to hosts");
        if (pdu->bytes.size > SIPC_PDU_SIZE_MAX)
            return build_fail(build, pdu->line, "a datagram has at most %d bytes, this has %zu",
                              SIPC_PDU_SIZE_MAX, pdu->bytes.size);
    }
    for (size_t i = 0; i < scenario->reactions.count; i++) {
        const struct simnet_scenario_reaction *reaction = &scenario->reactions.at[i];
        const char *why = scenario_reaction_check(reaction);
        if (!build_is_scripted(build, reaction->host))
            return build_fail(build, reaction->line, "only scripted hosts answer as written");
        if (why != NULL)
            return build_fail(build, reaction->line, "%s", why);
    }
    return true;
}

static bool build_hosts(struct build *build)
{
    const struct simnet_scenario *scenario = build->scenario;
    simnet_host index;

    for (size_t i = 0; i < scenario->hosts.count; i++) {
        const struct simnet_scenario_host *host = &scenario->hosts.at[i];
        struct simnet_host_config config = {
            .name = host->name, .clock_ppm = host->clock_ppm, .clock_ns = host->clock_ns};
        struct simnet_world *world = build->run->world;
        bool ok = true;
        if (host->clock_ppm < -500000 || host->clock_ppm > 500000)
            return build_fail(build, host->line,
                              "host %s: clock_ppm is %d, -500,000..500,000 expected", host->name,
                              host->clock_ppm);
        switch (host->kind) {
        case SIMNET_HOST_ENGINE:
            ok = simnet_host_add_engine(world, &config, &host->settings, &index, build->error);
            break;
        case SIMNET_HOST_FOREIGN:
            ok = scenario_add_foreign(build->run, host, build->options->foreigns, &config, &index,
                                      build->error);
            build->foreign = !ok;
            break;
        case SIMNET_HOST_SCRIPTED:
            build_scripted(build, &config, (simnet_host)i);
            break;
        }
        if (!build_at(build, ok, host->line))
            return false;
    }
    return build_scripts(build);
}

/* ---- links and routes ---- */

static bool build_route(struct build *build, simnet_host from, simnet_host to, simnet_link link,
                        int line)
{
    const struct simnet_scenario *scenario = build->scenario;

    if (from >= scenario->hosts.count || to >= scenario->hosts.count || from == to)
        return build_fail(build, line, "a route goes from one host to another");
    if (link >= scenario->links.count)
        return build_fail(build, line, "a route goes by a link");
    simnet_route(build->run->world, from, to, link);
    return true;
}

static bool build_links(struct build *build)
{
    const struct simnet_scenario *scenario = build->scenario;

    for (size_t i = 0; i < scenario->links.count; i++) {
        const struct simnet_scenario_link *link = &scenario->links.at[i];
        struct simnet_link_config config = link->config;
        char name[160];
        simnet_link index;
        if (link->from != SIMNET_NONE &&
            (link->from >= scenario->hosts.count || link->to >= scenario->hosts.count))
            return build_fail(build, link->line, "a link goes from one host to another");
        simnet_scenario_link_name(scenario, i, name, sizeof name);
        char *kept = scenario_watch_memory(build->run->watch, strlen(name) + 1, 1);
        config.name = memcpy(kept, name, strlen(name) + 1);
        if (!build_at(build, simnet_link_add(build->run->world, &config, &index, build->error),
                      link->line))
            return false;
    }
    for (size_t i = 0; i < scenario->links.count; i++) {
        const struct simnet_scenario_link *link = &scenario->links.at[i];
        if (link->from != SIMNET_NONE &&
            !build_route(build, link->from, link->to, (simnet_link)i, link->line))
            return false;
    }
    for (size_t i = 0; i < scenario->routes.count; i++) {
        const struct simnet_scenario_route *route = &scenario->routes.at[i];
        if (!build_route(build, route->from, route->to, route->link, route->line))
            return false;
    }
    return true;
}

/* ---- sessions and what happens in them ---- */

static bool build_sessions(struct build *build)
{
    const struct simnet_scenario *scenario = build->scenario;
    struct simnet_scenario_run *run = build->run;
    uint8_t id[SIPC_SESSION_ID_SIZE];
    simnet_session index;

    run->sessions =
        scenario_watch_memory(run->watch, scenario->sessions.count + 1, sizeof *run->sessions);
    for (size_t i = 0; i < scenario->sessions.count; i++) {
        const struct simnet_scenario_session *group = &scenario->sessions.at[i];
        if (group->a >= scenario->hosts.count || group->b >= scenario->hosts.count ||
            group->a == group->b || group->count == 0)
            return build_fail(build, group->line, "session %s: two hosts and a count expected",
                              group->name);
        run->sessions[i] = (simnet_session)simnet_session_count(run->world);
        for (uint32_t place = 0; place < group->count; place++) {
            simnet_scenario_session_id(group->name, place, id);
            if (!simnet_session_add(run->world, group->a, group->b, id, &index))
                return build_fail(build, group->line, "session %s is there twice", group->name);
        }
    }
    run->sessions[scenario->sessions.count] = (simnet_session)simnet_session_count(run->world);
    return true;
}

/* Whether `host` may act in the session group. */
static bool build_takes_part(const struct simnet_scenario *scenario, simnet_host host,
                             uint32_t session)
{
    return session < scenario->sessions.count &&
           (scenario->sessions.at[session].a == host || scenario->sessions.at[session].b == host);
}

static bool build_traffic(struct build *build)
{
    const struct simnet_scenario *scenario = build->scenario;

    for (size_t i = 0; i < scenario->traffic.count; i++) {
        const struct simnet_scenario_traffic *traffic = &scenario->traffic.at[i];
        struct simnet_traffic what = traffic->what;
        if (!build_takes_part(scenario, what.host, what.session))
            return build_fail(build, traffic->line,
                              "traffic is of a session and one of its two hosts");
        if (what.size_min > what.size_max || what.size_max > UINT64_C(1) << 30)
            return build_fail(build, traffic->line,
                              "the sizes of messages are a range up to 1 GiB");
        simnet_session first = build->run->sessions[traffic->what.session];
        for (uint32_t place = 0; place < scenario->sessions.at[traffic->what.session].count;
             place++) {
            what.session = first + place;
            simnet_traffic_add(build->run->world, &what);
            what.start_ns += traffic->stagger_ns;
        }
    }
    return true;
}

static bool build_operation(struct build *build, const struct simnet_scenario_operation *operation)
{
    const struct simnet_scenario *scenario = build->scenario;
    struct simnet_operation what = operation->what;

    if (what.host >= scenario->hosts.count)
        return build_fail(build, operation->line, "an operation is of a host");
    if (what.command == SIMNET_COMMAND_SHUTDOWN) {
        simnet_operation_at(build->run->world, operation->at_ns, &what);
        return true;
    }
    if (!build_takes_part(scenario, what.host, operation->what.session))
        return build_fail(build, operation->line,
                          "an operation is of a session and one of its two hosts");
    if (what.size > (what.data != NULL ? UINT64_C(16) << 20 : UINT64_C(1) << 30))
        return build_fail(build, operation->line, "a message has at most 1 GiB, 16 MiB with bytes");
    if (what.command == SIMNET_COMMAND_CLOSE && (what.code < 1 || what.code > 99))
        return build_fail(build, operation->line,
                          "a session is closed with a code of 1..99, not %d", (int)what.code);
    simnet_session first = build->run->sessions[operation->what.session];
    uint32_t count = scenario->sessions.at[operation->what.session].count;
    if (operation->place != SIMNET_NONE && operation->place >= count)
        return build_fail(build, operation->line, "session %s has the places 0..%u, not %u",
                          scenario->sessions.at[operation->what.session].name, count - 1,
                          operation->place);
    for (uint32_t place = 0; place < count; place++) {
        what.session = first + place;
        if (operation->place == SIMNET_NONE || operation->place == place)
            simnet_operation_at(build->run->world, operation->at_ns, &what);
    }
    return true;
}

static int build_operations_by_time(const void *a, const void *b)
{
    const struct simnet_scenario_operation *x = *(const struct simnet_scenario_operation *const *)a;
    const struct simnet_scenario_operation *y = *(const struct simnet_scenario_operation *const *)b;

    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return x < y ? -1 : x > y;
}

static bool build_timeline(struct build *build)
{
    const struct simnet_scenario *scenario = build->scenario;
    size_t count = scenario->operations.count;
    const struct simnet_scenario_operation **order =
        scenario_watch_memory(build->run->watch, count, sizeof *order);

    for (size_t i = 0; i < count; i++)
        order[i] = &scenario->operations.at[i];
    qsort(order, count, sizeof *order, build_operations_by_time); /* as the text has them */
    for (size_t i = 0; i < count; i++)
        if (!build_operation(build, order[i]))
            return false;
    for (size_t i = 0; i < scenario->changes.count; i++) {
        const struct simnet_scenario_change *change = &scenario->changes.at[i];
        if (!build_at(build, simnet_change_at(build->run->world, &change->what, build->error),
                      change->line))
            return false;
    }
    return true;
}

static bool build_faults(struct build *build)
{
    const struct simnet_scenario *scenario = build->scenario;

    for (size_t i = 0; i < scenario->faults.count; i++) {
        const char *why = simnet_fault_check(&scenario->faults.faults[i]);
        if (why != NULL)
            return build_fail(build, 0, "fault %zu: %s", i + 1, why);
    }
    return true;
}

bool simnet_scenario_build(const struct simnet_scenario *scenario,
                           const struct simnet_scenario_options *options,
                           struct simnet_scenario_run *out, struct simnet_error *error, int *line,
                           bool *foreign)
{
    static const struct simnet_scenario_options defaults;
    struct build build = {.scenario = scenario,
                          .options = options != NULL ? options : &defaults,
                          .run = out,
                          .error = error};
    bool ok = build_faults(&build);

    *out = (struct simnet_scenario_run){.scenario = scenario};
    if (ok) {
        out->world = build_world(&build);
        out->watch = scenario_watch_new(scenario);
        for (size_t i = 0; i < build.options->observer_count; i++)
            simnet_observe(out->world, &build.options->observers[i]);
        ok = build_hosts(&build) && build_links(&build) && build_sessions(&build) &&
             build_traffic(&build) && build_timeline(&build);
    }
    if (ok)
        scenario_watch_start(out);
    else
        simnet_scenario_run_fini(out);
    if (line != NULL)
        *line = build.line;
    if (foreign != NULL)
        *foreign = build.foreign;
    return ok;
}

void simnet_scenario_run_fini(struct simnet_scenario_run *run)
{
    simnet_world_free(run->world);
    scenario_watch_free(run->watch);
    *run = (struct simnet_scenario_run){0};
}

enum simnet_end simnet_scenario_go(struct simnet_scenario_run *run)
{
    return simnet_world_run(run->world, run->scenario->until_ns);
}
