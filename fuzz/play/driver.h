/* An endpoint that inputs happen to: the engine in this process, another build of it, or any
 * implementation attached as the SUT contract says. A driver is told what to do and hands out, in
 * order, what came of it; it knows nothing of inputs or oracles.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include "conform/judge.h"
#include "conform/sut.h"
#include "input/input.h"
#include "simnet/explore.h"

/* What an endpoint puts out; spans and attributes live until the next call. */
struct fuzz_out {
    enum judge_event_kind kind; /* JUDGE_TX, DELIVER, RESULT, STATE; JUDGE_GAP: a PDU discarded */
    uint64_t peer;
    const uint8_t *session; /* NULL: not said */
    struct sipc_span bytes; /* TX, DELIVER */
    uint64_t token;         /* TX: the driver's own */
    const struct judge_attribute *attributes;
    size_t attribute_count;
    uint64_t operation;
    enum judge_outcome outcome;
    enum judge_state state;
    bool has_code;
    int32_t code;
    enum sipc_discard discard;
};

struct fuzz_message {
    enum judge_event_kind kind; /* JUDGE_SEND, SEND_UNRELIABLE, CLOSE */
    uint64_t peer;
    const uint8_t *session;
    uint64_t operation; /* 1.. */
    uint32_t size;
    uint8_t from; /* byte i is (from + i) mod 251 */
    bool skip;
    int32_t code;
    const struct judge_attribute *attributes;
    size_t attribute_count;
};

/* All but reset and deadline are followed by next_out until it says false. Where a call returns
 * false it was refused and changed nothing. */
struct fuzz_driver {
    bool (*reset)(void *self, const int64_t settings[SFZ_SETTING_COUNT]);
    /* Where it cannot be set, a setting becomes the protocol's own; NULL: all can be. Done before
     * the reset, and for all who have to know what it is. */
    void (*settle)(const void *self, int64_t settings[SFZ_SETTING_COUNT]);
    bool (*open)(void *self, uint64_t peer, const uint8_t *session, int64_t idle_ms);
    bool (*preset)(void *self, uint64_t peer, const uint8_t *session,
                   const struct sipc_preset *preset);
    bool (*begin)(void *self, const struct fuzz_message *message); /* a refusal is a RESULT, too */
    bool (*dispose)(void *self, uint64_t peer, const uint8_t *session, int32_t code);
    bool (*shutdown)(void *self, int64_t grace_ms);
    bool (*receive)(void *self, uint64_t peer, struct sipc_span pdu);
    bool (*sent)(void *self, uint64_t token, bool ok);
    bool (*advance)(void *self, uint64_t now_ns); /* never past the deadline */
    uint64_t (*deadline)(const void *self);
    bool (*next_out)(void *self, struct fuzz_out *out);
    /* What is wrong inside, with the rule behind it in brackets where there is one; NULL: nothing,
     * or it cannot be seen. `checks`: what is held against it, in a word. */
    const char *(*check)(void *self);
    const char *checks;
    /* Of the state, at rest; 0 where it cannot be seen. */
    uint64_t (*hash)(void *self);
};

/* The engine of a table (simnet/explore.h). `moves`: whenever it is at rest it goes on from a
 * snapshot of itself in another block. Made once and reset for every input. */
struct fuzz_engine;
extern const struct fuzz_driver fuzz_engine_driver;
struct fuzz_engine *fuzz_engine_new(const struct simnet_explore_engine *table);
void fuzz_engine_free(struct fuzz_engine *engine);
void fuzz_engine_moves(struct fuzz_engine *engine, bool moves);
/* Settings of an input as the engine's; false: they make no sense. */
bool fuzz_engine_config(const struct simnet_explore_engine *table,
                        const int64_t settings[SFZ_SETTING_COUNT], struct sipc_config *config);

/* Anything attached by a spec. */
struct fuzz_sut;
extern const struct fuzz_driver fuzz_sut_driver;
/* NULL: the error says why. */
struct fuzz_sut *fuzz_sut_new(const char *spec, struct conform_error *error);
void fuzz_sut_free(struct fuzz_sut *sut);

#endif
