/* See stream.h. SPDX-License-Identifier: MIT */
#include "stream.h"

#include <stdlib.h>

struct stream_slot {
    uint64_t came; /* bytes of its message */
    bool ended;    /* at the sender */
    bool whole;    /* at the receiver, or never will be */
};

struct study_stream {
    struct simnet_world *world;
    simnet_host from;
    const struct simnet_driver *inner;
    void *self;
    uint32_t in_flight;
    uint64_t bytes;
    uint64_t begun, done, handed; /* messages: of the two last, all below */
    bool leaves;                  /* the one that was begun last */
    uint64_t held_max;
    struct stream_slot slots[]; /* by message mod in_flight */
};

static struct stream_slot *stream_slot(struct study_stream *stream, uint64_t message)
{
    return &stream->slots[message % stream->in_flight];
}

/* ---- what happens ---- */

void study_stream_left(struct study_stream *stream)
{
    stream->leaves = false;
}

/* A slot is the next message's once it is done and handed over. */
static uint64_t stream_hand_over(struct study_stream *stream)
{
    uint64_t handed = 0, held = 0;

    while (stream->handed < stream->begun && stream_slot(stream, stream->handed)->whole) {
        struct stream_slot *slot = stream_slot(stream, stream->handed++);
        handed += slot->came;
        slot->came = 0;
        slot->whole = false;
    }
    for (uint64_t i = stream->handed; i < stream->begun; i++)
        held += stream_slot(stream, i)->whole;
    stream->held_max = held > stream->held_max ? held : stream->held_max;
    return handed;
}

void study_stream_ended(struct study_stream *stream, simnet_session session)
{
    uint64_t message =
        stream->done +
        (session + stream->in_flight - stream->done % stream->in_flight) % stream->in_flight;
    struct stream_slot *slot = &stream->slots[session];

    SIPC_ASSERT(message < stream->begun && !slot->ended);
    slot->ended = true;
    stream->leaves = stream->leaves && message + 1 != stream->begun;
    if (message >= stream->handed && !slot->whole) {
        slot->whole = true; /* no more of it comes */
        stream_hand_over(stream);
    }
    while (stream->done < stream->begun && stream_slot(stream, stream->done)->ended)
        stream_slot(stream, stream->done++)->ended = false;
}

uint64_t study_stream_delivered(struct study_stream *stream, simnet_session session, uint64_t bytes)
{
    struct stream_slot *slot = &stream->slots[session];

    slot->came += bytes;
    slot->whole = slot->came >= stream->bytes;
    return slot->whole ? stream_hand_over(stream) : 0;
}

uint64_t study_stream_held_max(const struct study_stream *stream)
{
    return stream->held_max;
}

/* ---- the driver: all but drain and start is the engine's ---- */

static void stream_begin(struct study_stream *stream)
{
    while (!stream->leaves && stream->begun < stream->done + stream->in_flight) {
        uint64_t message = stream->begun++;
        simnet_operation_at(
            stream->world, simnet_world_now(stream->world),
            &(struct simnet_operation){.command = SIMNET_COMMAND_SEND,
                                       .host = stream->from,
                                       .session = (simnet_session)(message % stream->in_flight),
                                       .size = stream->bytes,
                                       .from = (uint32_t)message});
        stream->leaves = true;
    }
}

static enum sipc_status stream_start(void *self, struct simnet_world *world, simnet_host host,
                                     sipc_time now)
{
    struct study_stream *stream = self;

    return stream->inner->start(stream->self, world, host, now);
}

static void stream_stop(void *self)
{
    struct study_stream *stream = self;

    stream->inner->stop(stream->self);
}

static void stream_drain(void *self)
{
    struct study_stream *stream = self;

    stream->inner->drain(stream->self);
    stream_begin(stream);
}

static void stream_receive(void *self, sipc_time now, sipc_peer from, struct sipc_span bytes)
{
    struct study_stream *stream = self;

    stream->inner->receive(stream->self, now, from, bytes);
}

static void stream_sent(void *self, sipc_time now, uint64_t token, bool ok)
{
    struct study_stream *stream = self;

    stream->inner->sent(stream->self, now, token, ok);
}

static void stream_advance(void *self, sipc_time now)
{
    struct study_stream *stream = self;

    stream->inner->advance(stream->self, now);
}

static sipc_time stream_deadline(const void *self)
{
    const struct study_stream *stream = self;

    return stream->inner->deadline(stream->self);
}

static enum sipc_status stream_open(void *self, sipc_time now, simnet_session session,
                                    sipc_peer remote, const uint8_t id[SIPC_SESSION_ID_SIZE],
                                    int64_t idle_timeout_ns)
{
    struct study_stream *stream = self;

    return stream->inner->open(stream->self, now, session, remote, id, idle_timeout_ns);
}

static enum sipc_status stream_send(void *self, sipc_time now, simnet_session session,
                                    bool unreliable, const struct simnet_driver_message *message)
{
    struct study_stream *stream = self;

    return stream->inner->send(stream->self, now, session, unreliable, message);
}

static const char *stream_check(const void *self)
{
    const struct study_stream *stream = self;

    return stream->inner->check(stream->self);
}

static void stream_fini(void *self)
{
    struct study_stream *stream = self;

    stream->inner->fini(stream->self);
}

static const struct simnet_driver stream_driver = {
    .start = stream_start,
    .stop = stream_stop,
    .drain = stream_drain,
    .receive = stream_receive,
    .sent = stream_sent,
    .advance = stream_advance,
    .deadline = stream_deadline,
    .open = stream_open,
    .send = stream_send,
    .check = stream_check,
    .fini = stream_fini,
};

struct study_stream *study_stream_new(struct simnet_world *world, simnet_host from,
                                      uint32_t in_flight, uint64_t bytes)
{
    struct study_stream *stream = calloc(1, sizeof *stream + in_flight * sizeof stream->slots[0]);

    SIPC_ASSERT(stream != NULL && in_flight > 0);
    stream->world = world;
    stream->from = from;
    stream->in_flight = in_flight;
    stream->bytes = bytes;
    for (simnet_session i = 0; i < in_flight; i++)
        simnet_operation_at(
            world, 0,
            &(struct simnet_operation){.command = SIMNET_COMMAND_OPEN, .host = from, .session = i});
    simnet_host_wrap(world, from, &stream_driver, stream, &stream->inner, &stream->self);
    return stream;
}

void study_stream_free(struct study_stream *stream)
{
    free(stream);
}
