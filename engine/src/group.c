/* A whole window group becomes a delivery: its data stands ready in the arena, its attributes are
 * decoded here, long ones joined from their pieces (OPT-7), into the endpoint's one buffer.
 *
 * Attributes in the buffer: u16 name size, u16 value size (of this machine's byte order), name,
 * value. None takes more than its options did, so the buffer of a group's size always suffices.
 * Pieces are sorted by their key to find those that belong together: n log n, whatever a peer
 * sends. */
#include "state.h"

enum { ATTRIBUTE_HEAD = 4 };

bool sipc_attribute_next(struct sipc_span *rest, struct sipc_span *name, struct sipc_span *value)
{
    uint16_t sizes[2];

    if (rest->size < ATTRIBUTE_HEAD)
        return false;
    memcpy(sizes, rest->data, sizeof sizes);
    name->data = rest->data + ATTRIBUTE_HEAD;
    name->size = sizes[0];
    value->data = name->data + sizes[0];
    value->size = sizes[1];
    rest->data = value->data + sizes[1];
    rest->size -= ATTRIBUTE_HEAD + (size_t)sizes[0] + sizes[1];
    return true;
}

static void group_write(uint8_t *out, size_t *used, struct sipc_span name, struct sipc_span value)
{
    uint16_t sizes[2] = {(uint16_t)name.size, (uint16_t)value.size};

    /* A long attribute is moved to the left, over the digits of its length: name first. */
    if (name.size > 0)
        memmove(out + *used + ATTRIBUTE_HEAD, name.data, name.size);
    if (value.size > 0)
        memmove(out + *used + ATTRIBUTE_HEAD + name.size, value.data, value.size);
    memcpy(out + *used, sizes, sizeof sizes);
    *used += ATTRIBUTE_HEAD + name.size + value.size;
}

enum sipc_status sipc_attribute_add(struct sipc_span name, struct sipc_span value, uint8_t *out,
                                    size_t size, size_t *used)
{
    if (name.size > UINT16_MAX || value.size > UINT16_MAX)
        return SIPC_E_SIZE;
    if (size - *used < ATTRIBUTE_HEAD + name.size + value.size)
        return SIPC_E_NO_SPACE;
    group_write(out, used, name, value);
    return SIPC_OK;
}

/* ---- pieces ---- */

/* The options of a group, and where in them the long pieces are. */
struct pieces {
    struct sipc_span options;
    uint32_t *offsets;
    uint32_t count;
};

static struct sipc_option pieces_option(const struct pieces *pieces, uint32_t offset)
{
    struct sipc_span rest = {pieces->options.data + offset, pieces->options.size - offset};
    struct sipc_option option;

    SIPC_ASSERT(sipc_option_next(&rest, &option));
    return option;
}

/* By key, then by place. */
static bool pieces_before(const struct pieces *pieces, uint32_t a, uint32_t b)
{
    struct sipc_span key_a = pieces_option(pieces, a).name;
    struct sipc_span key_b = pieces_option(pieces, b).name;
    int order;

    if (key_a.size != key_b.size)
        return key_a.size < key_b.size;
    order = memcmp(key_a.data, key_b.data, key_a.size);
    return order != 0 ? order < 0 : a < b;
}

static void pieces_sift(const struct pieces *pieces, uint32_t index, uint32_t count)
{
    uint32_t *offsets = pieces->offsets;
    uint32_t moved = offsets[index];

    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= count)
            break;
        if (child + 1 < count && pieces_before(pieces, offsets[child], offsets[child + 1]))
            child++;
        if (!pieces_before(pieces, moved, offsets[child]))
            break;
        offsets[index] = offsets[child];
        index = child;
    }
    offsets[index] = moved;
}

static void pieces_sort(const struct pieces *pieces)
{
    uint32_t *offsets = pieces->offsets;

    for (uint32_t i = pieces->count / 2; i > 0; i--)
        pieces_sift(pieces, i - 1, pieces->count);
    for (uint32_t end = pieces->count; end > 1; end--) {
        uint32_t last = offsets[end - 1];
        offsets[end - 1] = offsets[0];
        offsets[0] = last;
        pieces_sift(pieces, 0, end - 1);
    }
}

static void pieces_collect(struct pieces *pieces)
{
    struct sipc_span rest = pieces->options;
    struct sipc_option option;
    uint32_t offset = 0;

    pieces->count = 0;
    while (sipc_option_next(&rest, &option)) {
        if (option.id == SIPC_OPT_LONG_ATTRIBUTE)
            pieces->offsets[pieces->count++] = offset;
        offset = (uint32_t)(pieces->options.size - rest.size);
    }
    pieces_sort(pieces);
}

static uint32_t pieces_find(const struct pieces *pieces, uint32_t offset)
{
    uint32_t low = 0;
    uint32_t high = pieces->count;

    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        if (pieces_before(pieces, offset, pieces->offsets[middle]))
            high = middle;
        else
            low = middle;
    }
    SIPC_ASSERT(low < pieces->count && pieces->offsets[low] == offset);
    return low;
}

static bool pieces_same_key(const struct pieces *pieces, uint32_t i, uint32_t j)
{
    struct sipc_span a = pieces_option(pieces, pieces->offsets[i]).name;
    struct sipc_span b = pieces_option(pieces, pieces->offsets[j]).name;

    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* The piece at `offset`: where it is the first of its attribute, that is written, joined. false: it
 * cannot be decoded (OPT-8). */
static bool group_write_long(const struct pieces *pieces, uint32_t offset, uint8_t *out,
                             size_t size, size_t *used)
{
    uint32_t index = pieces_find(pieces, offset);
    uint8_t *text = out + *used + ATTRIBUTE_HEAD;
    size_t text_size = 0;
    struct sipc_span name, value;

    if (index > 0 && pieces_same_key(pieces, index - 1, index))
        return true;
    for (uint32_t i = index; i < pieces->count && pieces_same_key(pieces, index, i); i++)
        if (!sipc_long_attribute_join(pieces_option(pieces, pieces->offsets[i]).value, text,
                                      size - *used - ATTRIBUTE_HEAD, &text_size))
            return false;
    if (!sipc_long_attribute_split((struct sipc_span){text, text_size}, &name, &value))
        return false;
    if ((sipc_option_find(name) & SIPC_OPT_FRAMING) == 0) /* SIPC_RULE_RCV_8a */
        group_write(out, used, name, value);
    return true;
}

/* ---- groups ---- */

/* Values of one name stay in order, long and short ones alike (SIPC_RULE_OPT_9); pieces belong
 * together by the text of their key, whatever it is (SIPC_RULE_OPT_7a). */

static bool group_decode(struct sipc_endpoint *ep, struct pieces *pieces, size_t *used,
                         struct sipc_span *idle_timeout)
{
    uint8_t *out = block_at(ep, ep->attributes_offset);
    struct sipc_span rest = pieces->options;
    struct sipc_option option;
    uint32_t offset = 0;

    if (rest.size == 0) /* the usual case */
        return true;
    pieces_collect(pieces);
    while (sipc_option_next(&rest, &option)) {
        if (option.id == SIPC_OPT_LONG_ATTRIBUTE) {
            if (!group_write_long(pieces, offset, out, ep->config.group_bytes_max, used))
                return false;
        } else {
            group_write(out, used, option.name, option.value);
        }
        if (option.id == SIPC_OPT_IDLE_TIMEOUT)
            *idle_timeout = option.value;
        offset = (uint32_t)(pieces->options.size - rest.size);
    }
    return true;
}

/* IDL-2: the last value in the group counts. One that is no integer stood before a valid one in its
 * PDU (OPT-5) and cannot be the last. */
static void group_take_idle_timeout(struct sipc_endpoint *ep, struct session *s,
                                    struct sipc_span value)
{
    int32_t idle_timeout_ms;
    int64_t idle_timeout_ns;

    if (value.data == NULL)
        return;
    SIPC_ASSERT(sipc_option_parse_int(value, &idle_timeout_ms));
    idle_timeout_ns = idle_timeout_ms * (int64_t)SIPC_NS_PER_MS;
    s->idle_timeout_ns = s->local_idle_timeout_ns;
    if (idle_timeout_ns >= ep->config.min_remote_idle_timeout_ns &&
        idle_timeout_ns <= ep->config.max_remote_idle_timeout_ns)
        s->idle_timeout_ns = idle_timeout_ns; /* SIPC_RULE_IDL_2 */
}

void sipc__group_deliver_pdu(struct sipc_endpoint *ep, struct session *s,
                             const struct sipc_pdu *pdu)
{
    struct queued *q = sipc__action_push(ep, SIPC_ACTION_DELIVER, s); /* SIPC_RULE_RCV_8 */

    if (pdu->data.size > 0)
        memcpy(block_at(ep, ep->attributes_offset), pdu->data.data, pdu->data.size);
    q->payload_size = (uint32_t)pdu->data.size;
    q->pooled = true;
    s->rx.group_received = true; /* SIPC_RULE_OPN_6 */
}

bool sipc__group_deliver(struct sipc_endpoint *ep, struct session *s)
{
    struct pieces pieces = {
        .options = {arena_of(ep, s) + ep->config.group_bytes_max - s->rx.group_options,
                    s->rx.group_options},
        .offsets = block_at(ep, ep->pieces_offset),
    };
    struct sipc_span idle_timeout = {NULL, 0};
    struct queued *q;
    size_t used = 0;

    if (!group_decode(ep, &pieces, &used, &idle_timeout))
        return false;            /* SIPC_RULE_OPT_8 */
    sipc__session_opened(ep, s); /* SIPC_RULE_STM_1: before it is handed over */
    s->rx.group_received = true; /* SIPC_RULE_OPN_6 */
    group_take_idle_timeout(ep, s, idle_timeout);
    q = sipc__action_push(ep, SIPC_ACTION_DELIVER, s); /* SIPC_RULE_RCV_8 */
    q->option_size = (uint32_t)used;
    q->payload_size = s->rx.group_data;
    q->pooled = false;
    ep->delivered_slot = slot_of(ep, s); /* SIPC_RULE_RCV_9: cleared once it was taken out */
    return true;
}
