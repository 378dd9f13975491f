/* Scenarios as data (simnet/scenario.h): memory, copies, adding and removing.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- memory ---- */

enum { MODEL_CHUNK_BYTES = 4096, MODEL_ALIGNMENT = 16 };

struct model_chunk {
    struct model_chunk *next;
    size_t used, size;
    _Alignas(MODEL_ALIGNMENT) unsigned char bytes[];
};
struct model_trace {
    struct model_trace *next;
    struct simnet_trace trace;
};
struct simnet_scenario_memory {
    size_t references;
    struct model_chunk *chunks;
    struct model_trace *traces;
};

static void *model_checked(void *memory)
{
    if (memory == NULL) {
        fputs("sipc: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *scenario_allocate(struct simnet_scenario *scenario, size_t size)
{
    struct simnet_scenario_memory *memory = scenario->memory;
    struct model_chunk *chunk = memory->chunks;

    size = (size + MODEL_ALIGNMENT - 1) / MODEL_ALIGNMENT * MODEL_ALIGNMENT;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > MODEL_CHUNK_BYTES ? size : MODEL_CHUNK_BYTES;
        chunk = model_checked(calloc(1, sizeof *chunk + room));
        chunk->size = room;
        chunk->next = memory->chunks;
        memory->chunks = chunk;
    }
    void *taken = chunk->bytes + chunk->used;
    chunk->used += size;
    return taken;
}

static void model_release(struct simnet_scenario_memory *memory)
{
    if (--memory->references > 0)
        return;
    for (struct model_chunk *chunk = memory->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    for (struct model_trace *trace = memory->traces, *next; trace != NULL; trace = next) {
        next = trace->next;
        simnet_trace_free(&trace->trace);
        free(trace);
    }
    free(memory);
}

const char *simnet_scenario_string(struct simnet_scenario *scenario, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(scenario_allocate(scenario, size), text, size);
}

struct sipc_span simnet_scenario_bytes(struct simnet_scenario *scenario, const void *bytes,
                                       size_t size)
{
    uint8_t *copy = scenario_allocate(scenario, size + 1);

    if (size > 0)
        memcpy(copy, bytes, size);
    return (struct sipc_span){copy, size};
}

struct simnet_trace *simnet_scenario_load_trace(struct simnet_scenario *scenario, const char *path,
                                                enum simnet_trace_kind kind, sipc_time unit_ns,
                                                struct simnet_error *error)
{
    struct model_trace *trace = model_checked(calloc(1, sizeof *trace));
    const char *slash = scenario->path != NULL ? strrchr(scenario->path, '/') : NULL;
    char *full = NULL;

    if (path[0] != '/' && slash != NULL) {
        size_t folder = (size_t)(slash + 1 - scenario->path);
        full = model_checked(malloc(folder + strlen(path) + 1));
        memcpy(full, scenario->path, folder);
        memcpy(full + folder, path, strlen(path) + 1);
    }
    bool ok = simnet_trace_load(full ? full : path, kind, unit_ns, &trace->trace, error);
    free(full);
    if (!ok) {
        free(trace);
        return NULL;
    }
    trace->next = scenario->memory->traces;
    scenario->memory->traces = trace;
    return &trace->trace;
}

/* ---- life ---- */

void simnet_scenario_init(struct simnet_scenario *scenario, const char *id)
{
    struct simnet_scenario_memory *memory = model_checked(calloc(1, sizeof *memory));

    memory->references = 1;
    *scenario = (struct simnet_scenario){
        .seed = 1, .heal_ns = SIPC_NEVER, .until_ns = SIPC_NEVER, .story = "", .memory = memory};
    scenario->id = scenario->name = simnet_scenario_string(scenario, id);
}

void simnet_scenario_fini(struct simnet_scenario *scenario)
{
    free(scenario->hosts.at);
    free(scenario->links.at);
    free(scenario->routes.at);
    free(scenario->sessions.at);
    free(scenario->traffic.at);
    free(scenario->operations.at);
    free(scenario->changes.at);
    free(scenario->pdus.at);
    free(scenario->reactions.at);
    free(scenario->expectations.at);
    simnet_tape_clear(&scenario->faults);
    if (scenario->memory != NULL)
        model_release(scenario->memory);
    *scenario = (struct simnet_scenario){0};
}

static void *model_copy(const void *at, size_t count, size_t *capacity, size_t size)
{
    *capacity = count;
    if (count == 0)
        return NULL;
    return memcpy(model_checked(malloc(count * size)), at, count * size);
}

#define MODEL_COPY(array)                                                                          \
    to->array.at =                                                                                 \
        model_copy(to->array.at, to->array.count, &to->array.capacity, sizeof *to->array.at)

void simnet_scenario_copy(const struct simnet_scenario *from, struct simnet_scenario *to)
{
    *to = *from;
    to->memory->references++;
    MODEL_COPY(hosts);
    MODEL_COPY(links);
    MODEL_COPY(routes);
    MODEL_COPY(sessions);
    MODEL_COPY(traffic);
    MODEL_COPY(operations);
    MODEL_COPY(changes);
    MODEL_COPY(pdus);
    MODEL_COPY(reactions);
    MODEL_COPY(expectations);
    to->faults.faults = model_copy(from->faults.faults, from->faults.count, &to->faults.capacity,
                                   sizeof *from->faults.faults);
}

void *simnet_scenario_grow(void *at, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return at;
    *capacity = *capacity ? 2 * *capacity : 8;
    return model_checked(realloc(at, *capacity * size));
}

void simnet_scenario_cut(void *at, size_t *count, size_t index, size_t size)
{
    unsigned char *place = (unsigned char *)at + index * size;

    memmove(place, place + size, (--*count - index) * size);
}

/* ---- removing what others speak of ---- */

/* An index behind the one removed moves down. */
static void model_mend(uint32_t *index, size_t removed)
{
    *index -= *index != SIMNET_NONE && *index > removed;
}

/* Removes the items of `array` for which `condition` (of `item`) holds, mends the rest. */
#define MODEL_SIFT(array, condition, mend)                                                         \
    do {                                                                                           \
        for (size_t i_ = (array)->count; i_-- > 0;) {                                              \
            __typeof__((array)->at) item = &(array)->at[i_];                                       \
            if (condition)                                                                         \
                simnet_scenario_remove(array, i_);                                                 \
            else                                                                                   \
                mend;                                                                              \
        }                                                                                          \
    } while (0)

void simnet_scenario_remove_link(struct simnet_scenario *s, size_t index)
{
    size_t kept = 0;

    MODEL_SIFT(&s->routes, item->link == index, model_mend(&item->link, index));
    MODEL_SIFT(&s->changes, scenario_change_is_of_link(&item->what) && item->what.target == index,
               if (scenario_change_is_of_link(&item->what)) model_mend(&item->what.target, index));
    MODEL_SIFT(&s->expectations, item->link == index, model_mend(&item->link, index));
    for (size_t i = 0; i < s->faults.count; i++) {
        struct simnet_fault *fault = &s->faults.faults[i];
        if (fault->link == index)
            continue;
        model_mend(&fault->link, index);
        s->faults.faults[kept++] = *fault;
    }
    s->chance_off |= s->faults.count > 0;
    s->faults.count = kept;
    simnet_scenario_remove(&s->links, index);
}

void simnet_scenario_remove_session(struct simnet_scenario *s, size_t index)
{
    const struct simnet_scenario_session *group = &s->sessions.at[index];
    size_t kept = 0;

    for (size_t i = 0; i < s->faults.count; i++)
        if (!scenario_session_has_key(group, s->faults.faults[i].key.session, NULL))
            s->faults.faults[kept++] = s->faults.faults[i];
    s->chance_off |= s->faults.count > 0;
    s->faults.count = kept;
    MODEL_SIFT(&s->traffic, item->what.session == index, model_mend(&item->what.session, index));
    MODEL_SIFT(&s->operations,
               item->what.command != SIMNET_COMMAND_SHUTDOWN && item->what.session == index,
               model_mend(&item->what.session, index));
    MODEL_SIFT(&s->expectations, item->session == index, model_mend(&item->session, index));
    simnet_scenario_remove(&s->sessions, index);
}

void simnet_scenario_remove_host(struct simnet_scenario *s, size_t index)
{
    for (size_t i = s->links.count; i-- > 0;)
        if (s->links.at[i].from == index || s->links.at[i].to == index)
            simnet_scenario_remove_link(s, i);
    for (size_t i = s->sessions.count; i-- > 0;)
        if (s->sessions.at[i].a == index || s->sessions.at[i].b == index)
            simnet_scenario_remove_session(s, i);
    for (size_t i = 0; i < s->links.count; i++) {
        model_mend(&s->links.at[i].from, index);
        model_mend(&s->links.at[i].to, index);
    }
    for (size_t i = 0; i < s->sessions.count; i++) {
        model_mend(&s->sessions.at[i].a, index);
        model_mend(&s->sessions.at[i].b, index);
    }
    MODEL_SIFT(&s->routes, item->from == index || item->to == index,
               (model_mend(&item->from, index), model_mend(&item->to, index)));
    MODEL_SIFT(&s->pdus, item->from == index || item->to == index,
               (model_mend(&item->from, index), model_mend(&item->to, index)));
    MODEL_SIFT(&s->reactions, item->host == index, model_mend(&item->host, index));
    MODEL_SIFT(&s->operations, item->what.host == index, model_mend(&item->what.host, index));
    for (size_t i = 0; i < s->traffic.count; i++)
        model_mend(&s->traffic.at[i].what.host, index);
    MODEL_SIFT(&s->changes, !scenario_change_is_of_link(&item->what) && item->what.target == index,
               if (!scenario_change_is_of_link(&item->what)) model_mend(&item->what.target, index));
    MODEL_SIFT(&s->expectations, item->host == index, model_mend(&item->host, index));
    simnet_scenario_remove(&s->hosts, index);
}

/* ---- names ---- */

bool scenario_change_is_of_link(const struct simnet_change *change)
{
    return change->kind < SIMNET_HOST_CRASH;
}

void simnet_scenario_session_id(const char *name, uint32_t place, uint8_t id[SIPC_SESSION_ID_SIZE])
{
    uint64_t hash = 0;

    for (const char *c = name; *c != '\0'; c++)
        hash = simnet_draw(hash, (unsigned char)*c);
    hash = simnet_draw(hash, place);
    for (size_t i = 0; i < SIPC_SESSION_ID_SIZE; i++)
        id[i] = (uint8_t)(simnet_draw(hash, i / 8) >> i % 8 * 8);
}

bool scenario_session_has_key(const struct simnet_scenario_session *group, uint64_t key,
                              uint32_t *place)
{
    uint8_t id[SIPC_SESSION_ID_SIZE];

    for (uint32_t i = 0; i < group->count; i++) {
        simnet_scenario_session_id(group->name, i, id);
        if (simnet_session_key(id) == key) {
            if (place != NULL)
                *place = i;
            return true;
        }
    }
    return false;
}

void simnet_scenario_link_name(const struct simnet_scenario *scenario, size_t index, char *out,
                               size_t size)
{
    const struct simnet_scenario_link *link = &scenario->links.at[index];

    if (link->from != SIMNET_NONE)
        snprintf(out, size, "%s>%s", scenario->hosts.at[link->from].name,
                 scenario->hosts.at[link->to].name);
    else
        snprintf(out, size, "%s", link->name);
}
