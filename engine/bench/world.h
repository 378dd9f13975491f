/* What both contenders have in common: the cell that is measured, the link, the messages, and the
 * check of what arrives.
 *
 * Side 0 sends, side 1 receives. Messages go round over all sessions, a bounded number of bytes
 * being under way at a time. Message k of session s is one of a few slices of random bytes, which
 * stay where they are: neither contender copies what it is asked to send. A message may be
 * delivered in pieces. Each is checked for its length and its order (first and last bytes), and
 * where `every_byte` is set for all its bytes. SPDX-License-Identifier: MIT */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "link.h"
#include "sipc/base.h"

enum { WORLD_SENDER = 0, WORLD_RECEIVER = 1, WORLD_SLICES = 61 };

struct bench_cell {
    uint32_t window; /* PDUs; both ends' max_window_size */
    uint32_t mtu;
    uint32_t message_size;
    uint32_t loss_percent;
    uint32_t sessions;
};

/* What came on a session: whole messages, and bytes of the next. */
struct bench_arrival {
    uint32_t messages, bytes;
};

struct bench_world {
    struct bench_cell cell;
    struct link link;
    uint8_t *source;                /* the slices */
    uint32_t *sent;                 /* messages by session */
    struct bench_arrival *received; /* by session */
    uint64_t in_flight_max;         /* messages */
    uint64_t goal;                  /* messages to have been carried when the work is done */
    uint64_t started;               /* handed to the contender */
    uint64_t finished;              /* known by the sender to have arrived */
    uint64_t delivered;
    bool every_byte;
    char error[200]; /* empty: none */
};

/* What is measured. A world begins with a struct bench_world. */
struct bench_contender {
    const char *name;
    /* Two endpoints with all sessions opened: by a first message, or a handshake. NULL: no memory.
     * The world's error tells where it failed otherwise. */
    struct bench_world *(*open)(const struct bench_cell *cell);
    /* Carries messages until world->goal are finished, or an error. */
    void (*work)(struct bench_world *world);
    void (*close)(struct bench_world *world);
};
extern const struct bench_contender bench_engine;
/* NULL where the program was built without it. */
extern const struct bench_contender *const bench_enet;

/* false: no memory. What was allocated is freed by world_fini all the same. */
bool world_init(struct bench_world *world, const struct bench_cell *cell);
void world_fini(struct bench_world *world);

/* The bytes of message `k` of a session. */
const uint8_t *world_message(const struct bench_world *world, uint32_t session, uint32_t k);
/* A message, or the next piece of one, arrived; `session` is the one it was sent on. */
void world_delivered(struct bench_world *world, uint32_t session, struct sipc_span data);
/* Sets the error, unless one is set already. */
void world_fail(struct bench_world *world, const char *format, ...) SIPC_PRINTF(2, 3);

static inline bool world_failed(const struct bench_world *world)
{
    return world->error[0] != '\0';
}

#endif
