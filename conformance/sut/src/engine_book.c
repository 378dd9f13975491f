/* The memory of the engine as a SUT; see engine_book.h.
 * SPDX-License-Identifier: MIT */
#include "engine_book.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "json_bytes.h"

void conform__book_clear(struct conform__book *book)
{
    for (size_t i = 0; i < book->peer_count; i++) {
        free(book->peers[i]);
    }
    free(book->peers);
    free(book->known);
    while (book->messages) {
        conform__book_drop_message(book, book->messages);
    }
    tdestroy(book->labels, free);
    free(book->transmissions);
    memset(book, 0, sizeof *book);
}

/* ---- peers ---- */

sipc_peer conform__book_find_peer(const struct conform__book *book, const char *name)
{
    for (size_t i = 0; i < book->peer_count; i++) {
        if (strcmp(book->peers[i], name) == 0) {
            return i + 1;
        }
    }
    return 0;
}

sipc_peer conform__book_peer(struct conform__book *book, const char *name)
{
    sipc_peer peer = conform__book_find_peer(book, name);
    if (peer || book->peer_count == CONFORM__PEERS_MAX) {
        return peer;
    }
    book->peers = conform__realloc(book->peers, (book->peer_count + 1) * sizeof *book->peers);
    book->peers[book->peer_count++] = conform__strdup(name);
    return book->peer_count;
}

const char *conform__book_peer_name(const struct conform__book *book, sipc_peer peer)
{
    return peer >= 1 && peer <= book->peer_count ? book->peers[peer - 1] : NULL;
}

/* ---- sessions ---- */

/* Forgets the older half of the disposed sessions. */
static void book_forget(struct conform__book *book)
{
    size_t disposed = 0, kept = 0;
    for (size_t i = 0; i < book->known_count; i++) {
        disposed += book->known[i].state == SIPC_DISPOSED;
    }
    if (disposed < CONFORM__DISPOSED_MAX) {
        return;
    }
    size_t forget = disposed / 2;
    for (size_t i = 0; i < book->known_count; i++) {
        if (book->known[i].state == SIPC_DISPOSED && forget) {
            forget--;
        } else {
            book->known[kept++] = book->known[i];
        }
    }
    book->known_count = kept;
}

void conform__book_note(struct conform__book *book, const uint8_t *id, sipc_peer remote,
                        bool any_remote, enum sipc_state state)
{
    for (size_t i = book->known_count; i-- > 0;) {
        struct conform__known *known = &book->known[i];
        if (memcmp(known->id, id, sizeof known->id) == 0 &&
            (any_remote || known->remote == remote)) {
            known->remote = remote;
            known->state = state;
            return;
        }
    }
    if (book->known_count == book->known_room) {
        book_forget(book);
    }
    if (book->known_count == book->known_room) {
        book->known_room = book->known_room ? book->known_room * 2 : 16;
        book->known = conform__realloc(book->known, book->known_room * sizeof *book->known);
    }
    struct conform__known *known = &book->known[book->known_count++];
    memcpy(known->id, id, sizeof known->id);
    known->remote = remote;
    known->state = state;
}

/* ---- messages ---- */

static int book_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct conform__message *conform__book_message(struct conform__book *book, const uint8_t *session,
                                               const char *label)
{
    if (label) {
        if (tfind(label, &book->labels, book_compare)) {
            return NULL;
        }
        tsearch(conform__strdup(label), &book->labels, book_compare);
    }
    struct conform__message *message = conform__alloc(sizeof *message);
    message->handle = ++book->handle_last;
    message->label = conform__strdup(label);
    memcpy(message->session, session, sizeof message->session);
    message->next = book->messages;
    book->messages = message;
    return message;
}

struct conform__message *conform__book_find_message(struct conform__book *book, uint64_t handle)
{
    struct conform__message *message = book->messages;
    while (message && message->handle != handle) {
        message = message->next;
    }
    return message;
}

void conform__book_drop_message(struct conform__book *book, struct conform__message *message)
{
    struct conform__message **link = &book->messages;
    while (*link != message) {
        link = &(*link)->next;
    }
    *link = message->next;
    free(message->label);
    free(message->data);
    free(message);
}

/* ---- transmissions ---- */

uint64_t conform__book_transmit(struct conform__book *book, uint64_t token, bool owed)
{
    if (book->transmission_count == book->transmission_room) {
        book->transmission_room = book->transmission_room ? book->transmission_room * 2 : 16;
        book->transmissions = conform__realloc(
            book->transmissions, book->transmission_room * sizeof *book->transmissions);
    }
    uint64_t number = ++book->transmission_last;
    book->transmissions[book->transmission_count++] =
        (struct conform__transmission){number, token, owed};
    return number;
}

/* Removes the first `count` from position `at`. */
static void book_remove(struct conform__book *book, size_t at, size_t count)
{
    book->transmission_count -= count;
    memmove(book->transmissions + at, book->transmissions + at + count,
            (book->transmission_count - at) * sizeof *book->transmissions);
}

bool conform__book_sent(struct conform__book *book, uint64_t number,
                        struct conform__transmission *out)
{
    for (size_t i = 0; i < book->transmission_count; i++) {
        if (book->transmissions[i].number == number) {
            *out = book->transmissions[i];
            book_remove(book, i, 1);
            return true;
        }
    }
    return false;
}

bool conform__book_next_owed(struct conform__book *book, struct conform__transmission *out)
{
    for (size_t i = 0; i < book->transmission_count; i++) {
        if (book->transmissions[i].owed) {
            *out = book->transmissions[i];
            book_remove(book, 0, i + 1);
            return true;
        }
    }
    book->transmission_count = 0;
    return false;
}
