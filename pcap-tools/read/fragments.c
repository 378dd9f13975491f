/* IP datagrams that came in fragments (RFC 791, RFC 8200): a fixed number of them at a time, the
 * one that waited longest makes room. Fragments that overlap with other bytes make the datagram
 * malformed, as nobody can tell which of them the receiver took. */
#include <stdlib.h>
#include <string.h>

#include "packet.h"

enum {
    FRAGMENTS_SLOTS = 64,
    FRAGMENTS_BYTES = 65536,
    FRAGMENTS_UNIT = 8, /* offsets count these */
    FRAGMENTS_UNITS = FRAGMENTS_BYTES / FRAGMENTS_UNIT,
};
#define FRAGMENTS_WAIT_NS UINT64_C(60000000000)

struct fragments_slot {
    bool used, broken;
    uint8_t source[16], destination[16];
    uint32_t id;
    uint8_t family, protocol;
    uint64_t first_frame, at_ns;
    uint32_t total; /* 0: the last fragment is missing */
    uint32_t end;   /* behind the furthest byte */
    uint32_t units; /* held */
    uint8_t *bytes;
    uint8_t held[FRAGMENTS_UNITS / 8];
};

struct fragments {
    struct pcapt_counts *counts;
    struct fragments_slot slots[FRAGMENTS_SLOTS];
};

struct fragments *fragments_new(struct pcapt_counts *counts)
{
    struct fragments *fragments = calloc(1, sizeof *fragments);
    if (fragments == NULL) /* no memory */
        abort();
    fragments->counts = counts;
    return fragments;
}

void fragments_free(struct fragments *fragments)
{
    for (int i = 0; i < FRAGMENTS_SLOTS; i++)
        free(fragments->slots[i].bytes);
    free(fragments);
}

static bool fragments_are_of(const struct fragments_slot *slot, const struct fragment *fragment)
{
    return slot->used && slot->id == fragment->id && slot->family == fragment->family &&
           slot->protocol == fragment->protocol &&
           memcmp(slot->source, fragment->source, sizeof slot->source) == 0 &&
           memcmp(slot->destination, fragment->destination, sizeof slot->destination) == 0;
}

/* The datagram's slot, or a free one, or that of the datagram that began first. */
static struct fragments_slot *fragments_slot(struct fragments *fragments,
                                             const struct fragment *fragment, uint64_t at_ns)
{
    struct fragments_slot *slot = NULL;

    for (int i = 0; i < FRAGMENTS_SLOTS; i++) {
        struct fragments_slot *here = &fragments->slots[i];
        const bool old =
            here->used && at_ns > here->at_ns && at_ns - here->at_ns > FRAGMENTS_WAIT_NS;
        if (old) { /* its id may be used anew */
            here->used = false;
            fragments->counts->fragments_lost++;
        }
        if (fragments_are_of(here, fragment))
            return here;
        if (slot == NULL || (slot->used && (!here->used || here->at_ns < slot->at_ns)))
            slot = here;
    }
    if (slot->used) {
        fragments->counts->fragments_lost++;
        fragments->counts->forgotten++;
    }
    return slot;
}

static void fragments_begin(struct fragments_slot *slot, const struct fragment *fragment,
                            const struct pcapt_frame *frame)
{
    uint8_t *bytes = slot->bytes != NULL ? slot->bytes : malloc(FRAGMENTS_BYTES);
    if (bytes == NULL) /* no memory */
        abort();
    *slot = (struct fragments_slot){.used = true,
                                    .id = fragment->id,
                                    .family = fragment->family,
                                    .protocol = fragment->protocol,
                                    .first_frame = frame->number,
                                    .at_ns = frame->at_ns,
                                    .bytes = bytes};
    memcpy(slot->source, fragment->source, sizeof slot->source);
    memcpy(slot->destination, fragment->destination, sizeof slot->destination);
}

/* One unit of eight bytes (fewer at the very end). false: another was there. */
static bool fragments_put(struct fragments_slot *slot, uint32_t unit, const uint8_t *bytes,
                          uint32_t size)
{
    uint8_t *held = &slot->held[unit / 8];
    const uint8_t bit = (uint8_t)(1u << unit % 8);
    uint8_t *at = slot->bytes + (size_t)unit * FRAGMENTS_UNIT;

    if (*held & bit)
        return memcmp(at, bytes, size) == 0;
    *held |= bit;
    slot->units++;
    memcpy(at, bytes, size);
    return true;
}

static bool fragments_take(struct fragments_slot *slot, const struct fragment *fragment)
{
    const uint32_t size = fragment->bytes.size, end = fragment->offset + size;

    if (end > FRAGMENTS_BYTES - 1 || (fragment->more && size % FRAGMENTS_UNIT != 0) || size == 0)
        return false;
    if (!fragment->more && ((slot->total != 0 && slot->total != end) || slot->end > end))
        return false;
    if (fragment->more && slot->total != 0 && end > slot->total)
        return false;
    if (!fragment->more)
        slot->total = end;
    slot->end = end > slot->end ? end : slot->end;
    for (uint32_t at = 0; at < size; at += FRAGMENTS_UNIT) {
        const uint32_t part = size - at < FRAGMENTS_UNIT ? size - at : FRAGMENTS_UNIT;
        if (!fragments_put(slot, (fragment->offset + at) / FRAGMENTS_UNIT, fragment->bytes.at + at,
                           part))
            return false;
    }
    return true;
}

enum packet_kind fragments_add(struct fragments *fragments, const struct fragment *fragment,
                               const struct pcapt_frame *frame, struct packet_rest *whole,
                               uint64_t *first_frame)
{
    fragments->counts->fragments++;
    if (fragment->bytes.size < fragment->bytes.wire)
        return PACKET_CUT;
    struct fragments_slot *slot = fragments_slot(fragments, fragment, frame->at_ns);
    if (!fragments_are_of(slot, fragment))
        fragments_begin(slot, fragment, frame);
    if (slot->broken)
        return PACKET_MALFORMED;
    if (!fragments_take(slot, fragment)) {
        slot->broken = true; /* till its id may be used anew */
        return PACKET_MALFORMED;
    }
    if (slot->total == 0 || slot->units < (slot->total + FRAGMENTS_UNIT - 1) / FRAGMENTS_UNIT)
        return PACKET_HELD;
    *whole = (struct packet_rest){slot->bytes, slot->total, slot->total, false};
    *first_frame = slot->first_frame;
    slot->used = false;
    return PACKET_DATAGRAM;
}
