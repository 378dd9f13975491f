/* What the engine as a SUT must remember beside the engine itself: peers' names, the sessions heard
 * of, messages until their results, labels, tokens. Knows nothing of requests or the protocol.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_ENGINE_BOOK_H
#define CONFORM_SUT_ENGINE_BOOK_H

#include "conform/message.h"

/* A session heard of since reset, its last state. */
struct conform__known {
    uint8_t id[SIPC_SESSION_ID_SIZE];
    sipc_peer remote;
    enum sipc_state state;
};

/* A message or close in progress. Its payload is `data`, or byte i = i mod 251 where that is NULL.
 */
struct conform__message {
    struct conform__message *next;
    uint64_t handle;
    char *label;
    uint8_t session[SIPC_SESSION_ID_SIZE];
    uint8_t *data;
    uint64_t size;
};

/* A transmission whose aftermath has not been given. */
struct conform__transmission {
    uint64_t number; /* the contract's token */
    uint64_t token;  /* the engine's */
    bool owed;
};

struct conform__book {
    char **peers; /* number - 1 is the index */
    size_t peer_count;
    struct conform__known *known;
    size_t known_count, known_room;
    struct conform__message *messages;
    uint64_t handle_last;
    void *labels;                                /* tsearch tree */
    struct conform__transmission *transmissions; /* oldest first */
    size_t transmission_count, transmission_room;
    uint64_t transmission_last;
};

enum {
    CONFORM__PEERS_MAX = 65536,
    CONFORM__DISPOSED_MAX = 4096 /* how many disposed sessions are remembered */
};

void conform__book_clear(struct conform__book *book);

/* The number of a peer, new or not; 0 when there are CONFORM__PEERS_MAX already. */
sipc_peer conform__book_peer(struct conform__book *book, const char *name);
sipc_peer conform__book_find_peer(const struct conform__book *book, const char *name);
const char *conform__book_peer_name(const struct conform__book *book, sipc_peer peer);

/* Records a state; on streams (`any_remote`) a session is known by its id alone. */
void conform__book_note(struct conform__book *book, const uint8_t *id, sipc_peer remote,
                        bool any_remote, enum sipc_state state);

/* A new message with a new handle. NULL if the label was used before; a NULL label is never. */
struct conform__message *conform__book_message(struct conform__book *book, const uint8_t *session,
                                               const char *label);
struct conform__message *conform__book_find_message(struct conform__book *book, uint64_t handle);
void conform__book_drop_message(struct conform__book *book, struct conform__message *message);

/* The contract's token of a new transmission. */
uint64_t conform__book_transmit(struct conform__book *book, uint64_t token, bool owed);
/* Takes it out; false if that token was never given or has had its aftermath. */
bool conform__book_sent(struct conform__book *book, uint64_t number,
                        struct conform__transmission *out);
/* Takes the oldest owed one out, and those before it, which nobody waits for. */
bool conform__book_next_owed(struct conform__book *book, struct conform__transmission *out);

#endif
