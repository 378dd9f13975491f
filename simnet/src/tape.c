/* Tapes, the names of stages and verdicts, and the index a replay asks. */
#include "internal.h"

#include <stdlib.h>
#include <xxhash.h>

uint64_t simnet_session_key(const uint8_t session_id[SIPC_SESSION_ID_SIZE])
{
    return XXH3_64bits(session_id, SIPC_SESSION_ID_SIZE);
}

const char *simnet_stage_name(enum simnet_stage stage)
{
    static const char *const names[SIMNET_STAGE_COUNT] = {
        "enter",   "mtu",       "queue",   "serialise", "loss",  "duplicate",
        "corrupt", "propagate", "reorder", "up_down",   "arrive"};

    return (unsigned)stage < SIMNET_STAGE_COUNT ? names[stage] : "?";
}

const char *simnet_verdict_name(enum simnet_verdict verdict)
{
    static const char *const names[SIMNET_VERDICT_COUNT] = {
        "pass", "drop", "copies", "flip", "truncate", "extend", "delay", "swap", "jump"};

    return (unsigned)verdict < SIMNET_VERDICT_COUNT ? names[verdict] : "?";
}

void simnet_tape_add(struct simnet_tape *tape, const struct simnet_fault *fault)
{
    tape->faults = simnet_grow(tape->faults, tape->count, &tape->capacity, sizeof *tape->faults);
    tape->faults[tape->count++] = *fault;
}

void simnet_tape_clear(struct simnet_tape *tape)
{
    free(tape->faults);
    *tape = (struct simnet_tape){0};
}

/* ---- what a fault may be ---- */

enum { FAULT_COPIES_MAX = 16, FAULT_BITS_MAX = 32, FAULT_EXTEND_MAX = 1024, FAULT_JUMP_MAX = 1024 };
#define FAULT_DELAY_MAX (UINT64_C(24) * 3600 * 1000 * SIPC_NS_PER_MS)

static bool fault_stage_fits(const struct simnet_fault *fault)
{
    switch (fault->verdict) {
    case SIMNET_DROP:
        return fault->stage == SIMNET_STAGE_LOSS || fault->stage == SIMNET_STAGE_QUEUE;
    case SIMNET_COPIES:
        return fault->stage == SIMNET_STAGE_DUPLICATE;
    case SIMNET_FLIP:
    case SIMNET_TRUNCATE:
    case SIMNET_EXTEND:
        return fault->stage == SIMNET_STAGE_CORRUPT;
    case SIMNET_DELAY:
        return fault->stage == SIMNET_STAGE_PROPAGATE;
    case SIMNET_SWAP:
    case SIMNET_JUMP:
        return fault->stage == SIMNET_STAGE_REORDER;
    default:
        return false;
    }
}

const char *simnet_fault_check(const struct simnet_fault *fault)
{
    if (!fault_stage_fits(fault))
        return "this stage cannot give this verdict";
    if (fault->key.xmit == 0)
        return "transmissions are counted from 1";
    if (fault->key.copy > FAULT_COPIES_MAX)
        return "a datagram has at most 16 copies";
    switch (fault->verdict) {
    case SIMNET_COPIES:
        return fault->value >= 1 && fault->value <= FAULT_COPIES_MAX ? NULL
                                                                     : "copies: 1 to 16 expected";
    case SIMNET_FLIP:
        if (fault->extra < 1 || fault->extra > FAULT_BITS_MAX)
            return "flip: 1 to 32 bits expected";
        return fault->value < UINT64_C(8) * SIPC_PDU_SIZE_MAX ? NULL
                                                              : "flip: the bit is behind any PDU";
    case SIMNET_TRUNCATE:
        return fault->value <= SIPC_PDU_SIZE_MAX ? NULL : "truncate: longer than any PDU";
    case SIMNET_EXTEND:
        return fault->value >= 1 && fault->value <= FAULT_EXTEND_MAX
                   ? NULL
                   : "extend: 1 to 1,024 bytes expected";
    case SIMNET_DELAY:
        return fault->value <= FAULT_DELAY_MAX ? NULL : "delay: at most a day";
    case SIMNET_SWAP:
    case SIMNET_JUMP:
        return fault->value >= 1 && fault->value <= FAULT_JUMP_MAX ? NULL
                                                                   : "1 to 1,024 places expected";
    default:
        return NULL;
    }
}

/* ---- replay ---- */

/* Faults with the same hash are found one after the other: equal keys cannot be (at most one a
 * stage), different ones are told apart by comparing. */
static uint64_t tape_hash(simnet_link link, enum simnet_stage stage,
                          const struct simnet_pdu_key *key, uint64_t probe)
{
    uint64_t hash = simnet_draw(key->session, (uint64_t)key->window_id);

    hash = simnet_draw(hash, (uint64_t)(uint32_t)key->seq_nr << 32 | key->xmit);
    hash = simnet_draw(hash, (uint64_t)link << 24 | (uint64_t)stage << 16 |
                                 (uint64_t)key->opcode << 8 | key->copy);
    hash += probe;
    return hash ? hash : 1;
}

static bool tape_matches(const struct simnet_fault *fault, simnet_link link,
                         enum simnet_stage stage, const struct simnet_pdu_key *key)
{
    const struct simnet_pdu_key *own = &fault->key;

    return fault->link == link && fault->stage == stage && own->session == key->session &&
           own->window_id == key->window_id && own->seq_nr == key->seq_nr &&
           own->xmit == key->xmit && own->opcode == key->opcode && own->copy == key->copy;
}

void tape_index_init(struct tape_index *index, const struct simnet_tape *tape)
{
    *index = (struct tape_index){0};
    for (size_t i = 0; i < tape->count; i++) {
        const struct simnet_fault *fault = &tape->faults[i];
        uint64_t probe = 0, *place;
        SIPC_ASSERT(simnet_fault_check(fault) == NULL);
        simnet_tape_add(&index->faults, fault);
        do
            place = simnet_map_insert(&index->places,
                                      tape_hash(fault->link, fault->stage, &fault->key, probe++));
        while (*place != 0);
        *place = i + 1;
    }
    index->used = simnet_allocate(tape->count, 1);
}

void tape_index_fini(struct tape_index *index)
{
    simnet_map_fini(&index->places);
    simnet_tape_clear(&index->faults);
    free(index->used);
}

const struct simnet_fault *tape_index_find(struct tape_index *index, simnet_link link,
                                           enum simnet_stage stage,
                                           const struct simnet_pdu_key *key)
{
    for (uint64_t probe = 0;; probe++) {
        const uint64_t *place = simnet_map_find(&index->places, tape_hash(link, stage, key, probe));
        if (place == NULL)
            return NULL;
        const struct simnet_fault *fault = &index->faults.faults[*place - 1];
        if (!tape_matches(fault, link, stage, key))
            continue;
        index->used_count += !index->used[*place - 1];
        index->used[*place - 1] = 1;
        return fault;
    }
}
