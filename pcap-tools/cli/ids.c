/* PDUs under other names: their session and window id in place, and names made by a hash; and the
 * attributes that options carry. Of a PDU it needs what the codec read.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "pcap_cli.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { IDS_PREFIX = 8, IDS_SESSION_AT = 2, IDS_WINDOW_AT = 34 };

void pcap_put_session(uint8_t *bytes, const struct sipc_pdu *pdu, size_t size, const uint8_t *id)
{
    memcpy(bytes + IDS_SESSION_AT, id, SIPC_SESSION_ID_SIZE);
    memcpy(bytes + (size - pdu->data.size) - IDS_PREFIX, id, IDS_PREFIX);
}

void pcap_put_window(uint8_t *bytes, int64_t window_id)
{
    for (int i = 0; i < 8; i++)
        bytes[IDS_WINDOW_AT + i] = (uint8_t)((uint64_t)window_id >> (56 - 8 * i));
}

void pcap_other_session(uint64_t seed, const uint8_t *old, uint8_t *out)
{
    uint8_t id[SIPC_SESSION_ID_SIZE];

    for (size_t i = 0; i < SIPC_SESSION_ID_SIZE; i += 8) {
        const uint64_t hash = XXH3_64bits_withSeed(old, SIPC_SESSION_ID_SIZE, seed + 1000 + i);
        memcpy(id + i, &hash, 8);
    }
    memcpy(out, id, sizeof id);
}

/* ---- attributes ---- */

/* The first long attribute's pieces, joined and split (OPT-7); false: they cannot be. */
static bool ids_long(struct sipc_span options, struct sipc_span key, pcap_attribute_found *found,
                     void *ctx)
{
    struct sipc_span rest = options, name, value;
    struct sipc_option option;
    uint8_t *joined = malloc(options.size + 1);
    size_t used = 0;
    bool ok = true;

    SIPC_ASSERT(joined != NULL);
    while (ok && sipc_option_next(&rest, &option))
        if (option.id == SIPC_OPT_LONG_ATTRIBUTE && option.name.size == key.size &&
            memcmp(option.name.data, key.data, key.size) == 0)
            ok = sipc_long_attribute_join(option.value, joined, options.size, &used);
    ok = ok && sipc_long_attribute_split((struct sipc_span){joined, used}, &name, &value);
    if (ok)
        found(ctx, name, value);
    free(joined);
    return ok;
}

/* Whether the name was there before `end`. */
static bool ids_again(struct sipc_span options, const uint8_t *end, struct sipc_span name)
{
    struct sipc_span rest = options;
    struct sipc_option option;
    while (sipc_option_next(&rest, &option) && option.name.data < end)
        if (option.name.size == name.size && memcmp(option.name.data, name.data, name.size) == 0)
            return true;
    return false;
}

void pcap_attributes(struct sipc_span options, pcap_attribute_found *found, void *ctx)
{
    struct sipc_span rest = options;
    struct sipc_option option;

    while (sipc_option_next(&rest, &option)) {
        if (option.id & SIPC_OPT_FRAMING)
            continue;
        if (option.id == SIPC_OPT_LONG_ATTRIBUTE &&
            (ids_again(options, option.name.data, option.name) ||
             ids_long(options, option.name, found, ctx)))
            continue;
        found(ctx, option.name, option.value);
    }
}
