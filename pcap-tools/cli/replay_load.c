/* The PDUs of a capture in memory. See replay.h. */
#include <string.h>

#include "replay.h"

enum { LOAD_BLOCK_SIZE = 1 << 20 };

struct replay_block {
    struct replay_block *next;
    size_t used;
    uint8_t bytes[LOAD_BLOCK_SIZE];
};

void *replay_grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 16 : 2 * *room;
    items = realloc(items, *room * size);
    SIPC_ASSERT(items != NULL);
    return items;
}

static const uint8_t *load_keep(struct replay_capture *capture, struct sipc_span bytes)
{
    struct replay_block *block = capture->blocks;

    if (block == NULL || block->used + bytes.size > LOAD_BLOCK_SIZE) {
        block = malloc(sizeof *block);
        SIPC_ASSERT(block != NULL);
        block->next = capture->blocks;
        block->used = 0;
        capture->blocks = block;
    }
    uint8_t *kept = block->bytes + block->used;
    if (bytes.size > 0)
        memcpy(kept, bytes.data, bytes.size);
    block->used += bytes.size;
    capture->bytes += bytes.size;
    return kept;
}

/* Its number, or that of the first there is no room for. */
static size_t load_endpoint(struct replay_capture *capture, const struct pcapt_address *address,
                            enum pcapt_transport transport)
{
    size_t i = 0;

    while (i < capture->endpoint_count &&
           (capture->endpoints[i].transport != transport ||
            memcmp(&capture->endpoints[i].address, address, sizeof *address) != 0))
        i++;
    if (i == capture->endpoint_count && i < REPLAY_ENDPOINTS_MAX)
        capture->endpoints[capture->endpoint_count++] =
            (struct replay_endpoint){.address = *address, .transport = transport};
    return i;
}

static void load_item(struct replay_capture *capture, const struct pcapt_item *item,
                      uint64_t first_ns)
{
    if (item->copy_of != 0 || item->dropped)
        return;
    if (item->kind == PCAPT_ITEM_GAP) {
        capture->gaps++;
        return;
    }
    const size_t source = load_endpoint(capture, &item->flow.source, item->flow.transport);
    const size_t destination =
        load_endpoint(capture, &item->flow.destination, item->flow.transport);
    const bool spoiled = item->corrupted && item->direction != PCAPT_OUTBOUND;
    if (source == REPLAY_ENDPOINTS_MAX || destination == REPLAY_ENDPOINTS_MAX ||
        item->bytes.size != item->wire_size || item->bytes.size > LOAD_BLOCK_SIZE || spoiled) {
        capture->left_out++;
        return;
    }
    capture->endpoints[source].local |= item->direction == PCAPT_OUTBOUND;
    capture->endpoints[source].sent++;
    capture->endpoints[destination].local |= item->direction == PCAPT_INBOUND;
    capture->endpoints[destination].got++;
    const uint64_t at_ns = item->at_ns > first_ns ? item->at_ns - first_ns : 0;
    capture->last_ns = at_ns > capture->last_ns ? at_ns : capture->last_ns;
    capture->pdus =
        replay_grow(capture->pdus, capture->count, &capture->room, sizeof *capture->pdus);
    capture->pdus[capture->count++] = (struct replay_pdu){
        .at_ns = capture->last_ns,
        .frame = item->frame,
        .bytes = load_keep(capture, item->bytes),
        .size = (uint32_t)item->bytes.size,
        .source = (uint16_t)source,
        .destination = (uint16_t)destination,
        .direction = item->direction,
        .decoded = item->discard == SIPC_DISCARD_NONE,
    };
}

bool replay_load(struct replay_capture *capture, struct pcap_input *input)
{
    const struct pcapt_item *item;
    uint64_t first_ns = 0;

    while ((item = pcap_input_next(input)) != NULL) {
        if (capture->count == 0 && capture->gaps == 0)
            first_ns = item->at_ns;
        load_item(capture, item, first_ns);
        if (capture->bytes <= REPLAY_BYTES_MAX && capture->count < UINT32_MAX - 1)
            continue;
        fprintf(stderr,
                "%s: more than %d MB of PDUs, which a replay holds in memory: take a part "
                "(--session, --since, --until)\n",
                input->path, (int)(REPLAY_BYTES_MAX >> 20));
        return false;
    }
    return true;
}

void replay_clear(struct replay_capture *capture)
{
    for (struct replay_block *block = capture->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(capture->pdus);
}

struct sipc_pdu replay_decoded(const struct replay_pdu *pdu)
{
    struct sipc_pdu decoded;
    const enum sipc_discard discard =
        sipc_pdu_decode((struct sipc_span){pdu->bytes, pdu->size}, &decoded);
    SIPC_ASSERT(discard == SIPC_DISCARD_NONE);
    return decoded;
}
