/* The scripted host: sends given bytes at given times of its clock, and may answer what it gets.
 * For peers that no endpoint would be. */
#include "internal.h"

#include <stdlib.h>

struct script_host {
    struct simnet_script script;
    struct simnet_world *world;
    simnet_host host;
    sipc_time started_ns, now;
    size_t next;
};

static enum sipc_status script_start(void *self, struct simnet_world *world, simnet_host host,
                                     sipc_time now)
{
    struct script_host *script = self;

    script->world = world;
    script->host = host;
    script->started_ns = script->now = now;
    script->next = 0;
    return SIPC_OK;
}

static sipc_time script_deadline(const void *self)
{
    const struct script_host *script = self;

    return script->next < script->script.step_count
               ? script->started_ns + script->script.steps[script->next].at_ns
               : SIPC_NEVER;
}

static void script_advance(void *self, sipc_time now)
{
    ((struct script_host *)self)->now = now;
}

/* Sends what is due. */
static void script_drain(void *self)
{
    struct script_host *script = self;

    while (script_deadline(script) <= script->now) {
        const struct simnet_script_step *step = &script->script.steps[script->next++];
        struct simnet_transmit transmit = {.to = simnet_host_address(script->world, step->to),
                                           .head = step->bytes};
        simnet_port_transmit(script->world, script->host, &transmit);
    }
}

static void script_receive(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    struct script_host *script = self;

    script->now = now;
    if (script->script.receive != NULL)
        script->script.receive(script->script.ctx, script->world, script->host, now, from, bytes);
}

static void script_fini(void *self)
{
    free(self);
}

static const struct simnet_driver script_driver = {
    .start = script_start,
    .drain = script_drain,
    .receive = script_receive,
    .advance = script_advance,
    .deadline = script_deadline,
    .fini = script_fini,
};

simnet_host simnet_host_add_script(struct simnet_world *world,
                                   const struct simnet_host_config *config,
                                   const struct simnet_script *script)
{
    struct script_host *self = simnet_allocate(1, sizeof *self);

    self->script = *script;
    for (size_t i = 1; i < script->step_count; i++)
        SIPC_ASSERT(script->steps[i].at_ns >= script->steps[i - 1].at_ns);
    simnet_host host = simnet_host_add(world, config, &script_driver, self);
    world->hosts[host]->checked = false;
    return host;
}
