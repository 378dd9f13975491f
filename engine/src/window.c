/* The current window and the window group before it, in the session's arena.
 *
 *     arena: | group data | window data ->        free        <- group options | window options |
 *
 * Data grows from the front and options at the back, both always in sending order: a PDU that comes
 * out of order is moved into its place, so that a whole group needs no assembly. Framing options
 * are not stored (RCV-8a). What is stored of a PDU is never longer than the PDU, so a group that
 * keeps GRP-2a always fits, and one whose data, names and values pass the limit never does (GRP-1,
 * GRP-3). Bytes given back are zeroed: equal states are equal bytes. */
#include "state.h"

/* Bytes of the options that are stored. */
static uint32_t window_option_size(const struct sipc_pdu *pdu)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    size_t size = 0;

    if ((pdu->present & ~(uint32_t)SIPC_OPT_FRAMING) == 0)
        return 0;
    while (sipc_option_next(&rest, &option))
        if ((option.id & SIPC_OPT_FRAMING) == 0)
            size += sipc_option_size(option.name, option.value);
    return (uint32_t)size;
}

static void window_copy_options(const struct sipc_pdu *pdu, uint8_t *out, size_t size)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    size_t used = 0;

    while (sipc_option_next(&rest, &option))
        if ((option.id & SIPC_OPT_FRAMING) == 0)
            SIPC_ASSERT(sipc_option_encode(option.name, option.value, out, size, &used) == SIPC_OK);
}

/* Where the data and the options of position `index` begin, counted from the window's first byte.
 */
static void window_offsets(const struct sipc_endpoint *ep, const struct session *s, uint32_t index,
                           uint32_t *data, uint32_t *options)
{
    const struct position *positions = positions_of(ep, s);

    *data = s->rx.window_data;
    *options = s->rx.window_options;
    if (index >= s->rx.end) /* in order: the usual case */
        return;
    *data = 0;
    *options = 0;
    for (uint32_t i = 0; i < index; i++) {
        *data += positions[i].data_size;
        *options += positions[i].option_size;
    }
}

/* Takes `size` bytes out of the window's data at `offset`, closing the gap. */
static void window_cut_data(uint8_t *arena, struct receiver *rx, uint32_t offset, uint32_t size)
{
    uint8_t *window = arena + rx->group_data;

    memmove(window + offset, window + offset + size, rx->window_data - offset - size);
    rx->window_data -= size;
    memset(window + rx->window_data, 0, size);
}

static void window_cut_options(uint8_t *arena, uint32_t arena_size, struct receiver *rx,
                               uint32_t offset, uint32_t size)
{
    uint32_t before = rx->group_options + offset;
    uint8_t *start = arena + arena_size - rx->group_options - rx->window_options;

    memmove(start + size, start, before);
    memset(start, 0, size);
    rx->window_options -= size;
}

static void window_remove(struct sipc_endpoint *ep, struct session *s, uint32_t index)
{
    struct position *p = &positions_of(ep, s)[index];
    uint32_t data, options;

    if (p->held == 0)
        return;
    if (index + 1 >= s->rx.end) { /* the highest */
        data = s->rx.window_data - p->data_size;
        options = s->rx.window_options - p->option_size;
    } else {
        window_offsets(ep, s, index, &data, &options);
    }
    if (p->data_size > 0)
        window_cut_data(arena_of(ep, s), &s->rx, data, p->data_size);
    if (p->option_size > 0)
        window_cut_options(arena_of(ep, s), ep->config.group_bytes_max, &s->rx, options,
                           p->option_size);
    memset(p, 0, sizeof *p);
    if ((int32_t)index == s->rx.last_position)
        s->rx.last_position = -1;
    if (index < s->rx.run)
        s->rx.run = index;
}

static void window_insert(struct sipc_endpoint *ep, struct session *s, const struct sipc_pdu *pdu,
                          uint32_t option_size)
{
    struct receiver *rx = &s->rx;
    uint32_t index = (uint32_t)pdu->seq_nr;
    struct position *p = &positions_of(ep, s)[index];
    uint8_t *arena = arena_of(ep, s);
    uint8_t *window = arena + rx->group_data;
    uint32_t data_size = (uint32_t)pdu->data.size;
    uint32_t data, options;

    window_offsets(ep, s, index, &data, &options);
    if (data_size > 0) {
        if (data < rx->window_data)
            memmove(window + data + data_size, window + data, rx->window_data - data);
        memcpy(window + data, pdu->data.data, data_size);
        rx->window_data += data_size;
    }
    if (option_size > 0) {
        uint32_t before = rx->group_options + options;
        uint8_t *start =
            arena + ep->config.group_bytes_max - rx->group_options - rx->window_options;
        memmove(start - option_size, start, before);
        window_copy_options(pdu, start - option_size + before, option_size);
        rx->window_options += option_size;
    }
    p->data_size = data_size;
    p->option_size = option_size;
    p->flags = pdu->flags & SIPC_OPT_FRAMING;
    p->held = 1;
}

bool sipc__window_hold(struct sipc_endpoint *ep, struct session *s, const struct sipc_pdu *pdu)
{
    struct receiver *rx = &s->rx;
    const struct position *positions = positions_of(ep, s);
    uint32_t index = (uint32_t)pdu->seq_nr;
    uint32_t option_size = window_option_size(pdu);

    rx->window_id = pdu->window_id;
    if ((pdu->flags & SIPC_OPT_LAST_IN_WINDOW) != 0) { /* SIPC_RULE_RCV_3 */
        if (rx->last_position >= 0)
            window_remove(ep, s, (uint32_t)rx->last_position);
        while (rx->end > index + 1)
            window_remove(ep, s, --rx->end);
    }
    if (positions[index].held != 0)
        window_remove(ep, s, index); /* SIPC_RULE_RCV_4 */
    if ((uint64_t)rx->group_data + rx->window_data + rx->group_options + rx->window_options +
            pdu->data.size + option_size >
        ep->config.group_bytes_max)
        return false; /* SIPC_RULE_GRP_1 */
    window_insert(ep, s, pdu, option_size);
    if (index >= rx->end)
        rx->end = index + 1;
    if ((pdu->flags & SIPC_OPT_LAST_IN_WINDOW) != 0)
        rx->last_position = pdu->seq_nr;
    while (rx->run < rx->end && positions[rx->run].held != 0 &&
           (rx->last_position < 0 || rx->run <= (uint32_t)rx->last_position))
        rx->run++; /* SIPC_RULE_RCV_5 */
    return true;
}

bool sipc__window_is_full(const struct sipc_endpoint *ep, const struct session *s)
{
    return s->rx.run > 0 && (s->rx.run == ep->config.max_window_size ||
                             (int32_t)s->rx.run - 1 == s->rx.last_position); /* SIPC_RULE_RCV_6 */
}

static void window_forget_positions(struct sipc_endpoint *ep, struct session *s)
{
    memset(positions_of(ep, s), 0, s->rx.end * sizeof(struct position));
    s->rx.window_id = -1;
    s->rx.run = 0;
    s->rx.end = 0;
    s->rx.last_position = -1;
}

void sipc__window_clear(struct sipc_endpoint *ep, struct session *s)
{
    struct receiver *rx = &s->rx;
    uint8_t *arena = arena_of(ep, s);
    uint8_t *back = arena + ep->config.group_bytes_max;

    if (rx->window_id < 0) /* it is empty */
        return;
    memset(arena + rx->group_data, 0, rx->window_data);
    if (rx->window_options > 0) {
        uint32_t used = rx->group_options + rx->window_options;
        memmove(back - rx->group_options, back - used, rx->group_options);
        memset(back - used, 0, rx->window_options);
    }
    window_forget_positions(ep, s);
    rx->window_data = 0;
    rx->window_options = 0;
}

void sipc__window_join_group(struct sipc_endpoint *ep, struct session *s)
{
    struct receiver *rx = &s->rx;
    const struct position *positions = positions_of(ep, s);

    while (rx->end > rx->run) /* stray PDUs behind the end (RCV-5) */
        window_remove(ep, s, --rx->end);
    SIPC_ASSERT(positions[rx->run - 1].held != 0);
    rx->group_data += rx->window_data;
    rx->group_options += rx->window_options;
    rx->window_data = 0;
    rx->window_options = 0;
    rx->group_windows++;
    window_forget_positions(ep, s);
}

void sipc__group_clear(struct sipc_endpoint *ep, struct session *s)
{
    struct receiver *rx = &s->rx;
    uint8_t *arena = arena_of(ep, s);
    uint8_t *back = arena + ep->config.group_bytes_max;

    if (rx->group_data > 0) {
        if (rx->window_data > 0)
            memmove(arena, arena + rx->group_data, rx->window_data);
        memset(arena + rx->window_data, 0, rx->group_data);
    }
    if (rx->group_options > 0)
        memset(back - rx->group_options - rx->window_options, 0, rx->group_options);
    rx->group_data = 0;
    rx->group_options = 0;
    rx->group_windows = 0;
}
