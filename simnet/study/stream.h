/* Windows in flight side by side, without touching the engine: one stream of messages over several
 * sessions, handed over in order. A driver in front of the sender's engine begins message i in
 * session i mod `in_flight`
 *   - when the one before has left: they follow each other on the wire as windows of one session
 *     would, and do not take turns;
 *   - when all up to i - in_flight have ended: no more than that many are under way.
 * What it is told by whoever observes the world; it acts in its drain alone.
 * SPDX-License-Identifier: MIT */
#ifndef STUDY_STREAM_H
#define STUDY_STREAM_H

#include "simnet/world.h"

struct study_stream;

/* Before the world has begun; the sessions are 0 .. in_flight - 1, each message one of `bytes`. */
struct study_stream *study_stream_new(struct simnet_world *world, simnet_host from,
                                      uint32_t in_flight, uint64_t bytes);
void study_stream_free(struct study_stream *stream); /* after the world; NULL is allowed */

/* All of the message that was begun last has entered the link. */
void study_stream_left(struct study_stream *stream);
/* The message of this session has ended, or was refused. */
void study_stream_ended(struct study_stream *stream, simnet_session session);
/* Bytes came out of this session; how many the stream hands over now, those that waited too. What
 * was never delivered in whole is passed over once it has ended. */
uint64_t study_stream_delivered(struct study_stream *stream, simnet_session session,
                                uint64_t bytes);
/* The most messages that have waited for one before. */
uint64_t study_stream_held_max(const struct study_stream *stream);

#endif
