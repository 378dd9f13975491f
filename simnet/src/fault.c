/* The verdicts of chance. A draw is a function of seed, link, stage and what the PDU is called, so
 * that taking one fault away leaves the others where they fell; losses that count datagrams or have
 * a memory move with each datagram that comes by. With a tape nothing is drawn: what it says of a
 * PDU is done. */
#include "internal.h"

#include <string.h>

#include "sipc/pdu.h"

/* ---- what a datagram is called ---- */

enum { XMIT_GENERATION = 1 << 20 }; /* PDUs remembered at least, twice that at most */

static uint64_t fault_read(const uint8_t *bytes, int count)
{
    uint64_t value = 0;

    for (int i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Reads the fixed head (WIRE-1); false: no PDU by its head. */
static bool fault_read_head(const struct simnet_datagram *datagram, struct simnet_pdu_key *key)
{
    const uint8_t *head = datagram->head.data;

    if (datagram->size < SIPC_PDU_SIZE_MIN || datagram->head.size < SIPC_PDU_HEAD_SIZE ||
        fault_read(head, 2) != datagram->size)
        return false;
    uint64_t window_id = fault_read(head + 34, 8);
    uint64_t seq_nr = fault_read(head + 42, 4);
    if (window_id > INT64_MAX || seq_nr > INT32_MAX || head[46] < SIPC_DATA ||
        head[46] > SIPC_ENQUIRE_LINK_ACK)
        return false;
    key->session = simnet_session_key(head + 2);
    key->window_id = (int64_t)window_id;
    key->seq_nr = (int32_t)seq_nr;
    key->opcode = head[46];
    return true;
}

/* A number for the key, without copy; never 0. */
static uint64_t fault_hash(const struct simnet_pdu_key *key)
{
    uint64_t hash = simnet_draw(key->session, (uint64_t)key->window_id);

    hash = simnet_draw(hash, (uint64_t)key->seq_nr << 8 | key->opcode);
    hash = simnet_draw(hash, key->xmit);
    return hash ? hash : 1;
}

/* How often the link was given this PDU, this time counted. Two generations: a PDU not sent again
 * while two generations of others went by is forgotten. */
static uint32_t fault_count_xmit(struct xmit_counts *counts, uint64_t identity)
{
    uint64_t *young = simnet_map_find(&counts->young, identity);

    if (young == NULL) {
        const uint64_t *old = simnet_map_find(&counts->old, identity);
        uint64_t before = old ? *old : 0;
        if (counts->young.count >= XMIT_GENERATION) {
            struct simnet_map freed = counts->old;
            counts->old = counts->young;
            counts->young = freed;
            simnet_map_clear(&counts->young);
        }
        young = simnet_map_insert(&counts->young, identity);
        *young = before;
    }
    return (uint32_t)++ * young;
}

void fault_name(struct simnet_world *world, struct link *link, struct slot *slot)
{
    struct simnet_pdu_key *key = &slot->key;

    if (!link->chance && !world->replays && !(world->wants & SIMNET_WANT_VERDICTS))
        return;
    if (fault_read_head(&slot->datagram, key))
        key->xmit = fault_count_xmit(&link->xmits, fault_hash(key));
    else
        key->xmit = (uint32_t)++link->raw_count;
    slot->key_hash = fault_hash(key);
}

uint64_t fault_draw(const struct link *link, const struct slot *slot, enum simnet_stage stage)
{
    return simnet_draw(link->stage_seeds[stage] + slot->datagram.copy, slot->key_hash);
}

/* ---- loss ---- */

static bool loss_gilbert_elliott(const struct simnet_loss *loss, bool *bad, uint64_t draw)
{
    if (simnet_chance(simnet_draw(draw, 1), *bad ? loss->to_good_ppm : loss->to_bad_ppm))
        *bad = !*bad;
    return simnet_chance(simnet_draw(draw, 2), *bad ? loss->loss_bad_ppm : loss->loss_good_ppm);
}

static bool loss_in_list(const struct simnet_loss *loss, uint64_t number)
{
    size_t low = 0, high = loss->list_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (loss->list[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < loss->list_count && loss->list[low] == number;
}

static bool loss_by_predicate(const struct simnet_loss *loss, const struct simnet_pdu_key *key)
{
    for (size_t i = 0; i < loss->predicate_count; i++) {
        const struct simnet_predicate *p = &loss->predicates[i];
        if ((p->opcode == -1 || p->opcode == key->opcode) &&
            (p->window_id == -1 || p->window_id == key->window_id) &&
            (p->seq_nr == -1 || p->seq_nr == key->seq_nr) &&
            (p->xmit == -1 || p->xmit == (int64_t)key->xmit))
            return true;
    }
    return false;
}

/* The entry of a trace for the datagram `number` that comes now; NULL behind its end. */
static const uint64_t *trace_entry(const struct simnet_trace *trace, uint64_t number, sipc_time now)
{
    uint64_t place = trace->interval_ns ? now / trace->interval_ns : number;

    if (place >= trace->count && !trace->wrap)
        return NULL;
    return &trace->values[place % trace->count];
}

/* All models move, whoever loses it. */
static bool loss_rules(struct link *link, const struct slot *slot, sipc_time now)
{
    uint64_t draw = fault_draw(link, slot, SIMNET_STAGE_LOSS);
    uint64_t number = slot->ordinal;
    bool lost = false;

    for (size_t i = 0; i < SIMNET_LOSSES_MAX; i++) {
        const struct simnet_loss *loss = &link->config.losses[i];
        uint64_t mine = simnet_draw(draw, i);
        const uint64_t *entry;
        switch (loss->kind) {
        case SIMNET_LOSS_NONE:
            break;
        case SIMNET_LOSS_IID:
            lost |= simnet_chance(mine, loss->ppm);
            break;
        case SIMNET_LOSS_GILBERT_ELLIOTT:
            lost |= loss_gilbert_elliott(loss, &link->loss_bad[i], mine);
            break;
        case SIMNET_LOSS_PERIODIC:
            lost |= (number + loss->period - loss->first) % loss->period < loss->lost;
            break;
        case SIMNET_LOSS_MASK:
            lost |= loss->mask >> number % 64 & 1;
            break;
        case SIMNET_LOSS_LIST:
            lost |= loss_in_list(loss, number);
            break;
        case SIMNET_LOSS_PREDICATE:
            lost |= loss_by_predicate(loss, &slot->key);
            break;
        case SIMNET_LOSS_TRACE:
            entry = trace_entry(loss->trace, number, now);
            lost |= entry != NULL && *entry != 0;
            break;
        }
    }
    return lost;
}

/* ---- the other stages ---- */

static struct ruling duplicate_rules(const struct link *link, const struct slot *slot,
                                     sipc_time now)
{
    const struct simnet_duplicate_config *config = &link->config.duplicate;
    const uint64_t *entry =
        config->trace != NULL ? trace_entry(config->trace, slot->ordinal, now) : NULL;

    if (entry != NULL && *entry > 0)
        return (struct ruling){SIMNET_COPIES, *entry, 0};
    uint64_t draw = fault_draw(link, slot, SIMNET_STAGE_DUPLICATE);

    if (!simnet_chance(draw, config->ppm))
        return (struct ruling){0};
    uint64_t max = config->copies_max ? config->copies_max : 1;
    return (struct ruling){SIMNET_COPIES, simnet_scale_range(simnet_draw(draw, 1), 1, max), 0};
}

static struct ruling corrupt_rules(const struct link *link, const struct slot *slot)
{
    const struct simnet_corrupt_config *config = &link->config.corrupt;
    uint64_t draw = fault_draw(link, slot, SIMNET_STAGE_CORRUPT);
    uint64_t part = simnet_scale(draw, SIMNET_PPM);
    uint64_t where = simnet_draw(draw, 1), how = simnet_draw(draw, 2);
    uint32_t size = slot->datagram.size;

    if (part < config->flip_ppm) {
        uint32_t max = config->flip_bits_max ? config->flip_bits_max : 1;
        if (size == 0)
            return (struct ruling){0};
        return (struct ruling){SIMNET_FLIP, simnet_scale(where, (uint64_t)size * 8),
                               (uint32_t)simnet_scale_range(how, 1, max)};
    }
    part -= config->flip_ppm;
    if (part < config->truncate_ppm) {
        if (size == 0)
            return (struct ruling){0};
        return (struct ruling){SIMNET_TRUNCATE, simnet_scale(where, size), 0};
    }
    part -= config->truncate_ppm;
    if (part < config->extend_ppm) {
        uint32_t max = config->extend_bytes_max ? config->extend_bytes_max : 1;
        return (struct ruling){SIMNET_EXTEND, simnet_scale_range(how, 1, max), 0};
    }
    return (struct ruling){0};
}

/* The entry that chance picks for the datagram, or for the interval it comes in. */
static const uint64_t *trace_drawn(const struct link *link, const struct slot *slot, sipc_time now)
{
    const struct simnet_trace *trace = link->config.delay.trace;
    uint64_t draw = trace->interval_ns ? simnet_draw(link->stage_seeds[SIMNET_STAGE_PROPAGATE],
                                                     now / trace->interval_ns)
                                       : fault_draw(link, slot, SIMNET_STAGE_PROPAGATE);

    return &trace->values[simnet_scale(draw, trace->count)];
}

static struct ruling delay_rules(const struct link *link, const struct slot *slot, sipc_time now)
{
    const struct simnet_delay_config *config = &link->config.delay;
    int64_t above = 0;

    if (config->kind == SIMNET_DELAY_CONSTANT)
        return (struct ruling){0};
    if (config->kind == SIMNET_DELAY_TRACE) {
        const uint64_t *entry = config->trace->drawn
                                    ? trace_drawn(link, slot, now)
                                    : trace_entry(config->trace, slot->ordinal, now);
        above = entry ? (int64_t)*entry : 0;
    } else {
        uint64_t draw = fault_draw(link, slot, SIMNET_STAGE_PROPAGATE);
        above = delay_sample(config->kind, draw, config->spread_ns);
    }
    int64_t total = (int64_t)link->base_ns + above;
    if (total < 0)
        total = 0;
    if ((sipc_time)total == link->base_ns)
        return (struct ruling){0};
    return (struct ruling){SIMNET_DELAY, (uint64_t)total, 0};
}

static struct ruling reorder_rules(const struct link *link, const struct slot *slot)
{
    const struct simnet_reorder_config *config = &link->config.reorder;
    uint64_t draw = fault_draw(link, slot, SIMNET_STAGE_REORDER);

    if (simnet_chance(simnet_draw(draw, 1), config->swap_ppm))
        return (struct ruling){SIMNET_SWAP, config->swap_count ? config->swap_count : 1, 0};
    if (simnet_chance(simnet_draw(draw, 2), config->jump_ppm))
        return (struct ruling){SIMNET_JUMP, config->jump_count ? config->jump_count : 1, 0};
    return (struct ruling){0};
}

static struct ruling fault_compute(struct link *link, const struct slot *slot, sipc_time now,
                                   enum simnet_stage stage)
{
    bool drop;

    switch (stage) {
    case SIMNET_STAGE_QUEUE:
        drop = queue_red_drops(link, fault_draw(link, slot, stage));
        return (struct ruling){drop ? SIMNET_DROP : SIMNET_PASS, 0, 0};
    case SIMNET_STAGE_LOSS:
        drop = loss_rules(link, slot, now);
        return (struct ruling){drop ? SIMNET_DROP : SIMNET_PASS, 0, 0};
    case SIMNET_STAGE_DUPLICATE:
        return duplicate_rules(link, slot, now);
    case SIMNET_STAGE_CORRUPT:
        return corrupt_rules(link, slot);
    case SIMNET_STAGE_PROPAGATE:
        return delay_rules(link, slot, now);
    case SIMNET_STAGE_REORDER:
        return reorder_rules(link, slot);
    default:
        return (struct ruling){0};
    }
}

struct ruling fault_rule_now(struct simnet_world *world, struct link *link, struct slot *slot,
                             enum simnet_stage stage)
{
    struct ruling ruling = {0};

    if (!world->replays) {
        ruling = fault_compute(link, slot, world->now, stage);
    } else {
        const struct simnet_fault *fault =
            tape_index_find(&world->replay, link->index, stage, &slot->key);
        if (fault != NULL)
            ruling = (struct ruling){fault->verdict, fault->value, fault->extra};
    }
    if (ruling.verdict != SIMNET_PASS && world->config.record)
        simnet_tape_add(&world->tape,
                        &(struct simnet_fault){slot->key, ruling.value, ruling.extra, link->index,
                                               (uint8_t)stage, (uint8_t)ruling.verdict});
    return ruling;
}
