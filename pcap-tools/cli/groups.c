/* See groups.h. */
#include "groups.h"

#include <string.h>

static void groups_add(struct groups_bytes *bytes, struct sipc_span more)
{
    if (bytes->size + more.size > bytes->capacity) {
        bytes->capacity = 2 * (bytes->size + more.size);
        bytes->data = realloc(bytes->data, bytes->capacity);
        SIPC_ASSERT(bytes->data != NULL);
    }
    if (more.size > 0)
        memcpy(bytes->data + bytes->size, more.data, more.size);
    bytes->size += more.size;
}

static struct sipc_span groups_span(const struct groups_bytes *bytes)
{
    return (struct sipc_span){bytes->data, bytes->size};
}

static void groups_clear(struct groups_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct groups_bytes){0};
}

struct groups *groups_new(const struct pcapt_item *item, uint64_t number)
{
    struct groups *groups = calloc(1, sizeof *groups);
    SIPC_ASSERT(groups != NULL);
    memcpy(groups->session, item->pdu.session_id, SIPC_SESSION_ID_SIZE);
    groups->flow = item->flow;
    groups->number = number;
    groups->window_id = groups->taken_id = -1;
    return groups;
}

static void groups_window_clear(struct groups *groups)
{
    for (size_t i = 0; i < groups->pdu_count; i++) {
        groups_clear(&groups->pdus[i].options);
        groups_clear(&groups->pdus[i].data);
    }
    groups->pdu_count = groups->window_bytes = 0;
    groups->window_id = -1;
}

static void groups_group_clear(struct groups *groups)
{
    groups->data.size = groups->options.size = 0;
    groups->begun = false;
}

void groups_free(struct groups *groups)
{
    groups_window_clear(groups);
    free(groups->pdus);
    groups_clear(&groups->data);
    groups_clear(&groups->options);
    free(groups);
}

static const struct groups_pdu *groups_find(const struct groups *groups, int32_t seq_nr)
{
    for (size_t i = 0; i < groups->pdu_count; i++)
        if (groups->pdus[i].seq_nr == seq_nr)
            return &groups->pdus[i];
    return NULL;
}

/* How many PDUs make the window where no ack says so; 0: it is not whole. */
static int32_t groups_length(const struct groups *groups)
{
    const struct groups_pdu *pdu;
    for (int32_t seq_nr = 0; (pdu = groups_find(groups, seq_nr)) != NULL; seq_nr++)
        if (pdu->flags & SIPC_OPT_LAST_IN_WINDOW)
            return seq_nr + 1;
    return 0;
}

/* Adds the window's first `length` PDUs to the group, and gives that out if it is whole. */
static void groups_take(struct groups *groups, int32_t length, bool acked, groups_found *found,
                        void *ctx)
{
    uint32_t flags = 0;
    bool whole = length > 0;

    groups->taken_id = groups->window_id;
    for (int32_t seq_nr = 0; seq_nr < length; seq_nr++) {
        const struct groups_pdu *pdu = groups_find(groups, seq_nr);
        whole = whole && pdu != NULL;
        if (pdu == NULL)
            break;
        if (pdu->flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP) {
            groups_group_clear(groups);
            groups->begun = groups->acked = true;
        }
        groups_add(&groups->options, groups_span(&pdu->options));
        groups_add(&groups->data, groups_span(&pdu->data));
        flags = pdu->flags;
    }
    groups_window_clear(groups);
    groups->acked = groups->acked && acked;
    if (!whole || groups->data.size + groups->options.size > GROUPS_BYTES_MAX) {
        groups->incomplete++;
        groups_group_clear(groups);
        return;
    }
    if ((flags & SIPC_OPT_LAST_IN_WINDOW) == 0 || (flags & SIPC_OPT_LAST_IN_WINDOW_GROUP) == 0)
        return;
    if (groups->begun) {
        groups->count++;
        found(ctx, groups);
    } else {
        groups->incomplete++; /* it began before the capture, or with what is missing */
    }
    groups_group_clear(groups);
}

static void groups_hold(struct groups *groups, const struct pcapt_item *item)
{
    const struct sipc_pdu *pdu = &item->pdu;

    if (groups_find(groups, pdu->seq_nr) != NULL || groups->pdu_count == GROUPS_PDUS_MAX ||
        groups->window_bytes + item->bytes.size > GROUPS_BYTES_MAX)
        return;
    if (groups->pdu_count == groups->pdu_capacity) {
        groups->pdu_capacity = 2 * groups->pdu_capacity + 16;
        groups->pdus = realloc(groups->pdus, groups->pdu_capacity * sizeof *groups->pdus);
        SIPC_ASSERT(groups->pdus != NULL);
    }
    struct groups_pdu *held = &groups->pdus[groups->pdu_count++];
    *held = (struct groups_pdu){.seq_nr = pdu->seq_nr, .flags = pdu->flags};
    groups_add(&held->options, pdu->options);
    groups_add(&held->data, pdu->data);
    groups->window_bytes += item->bytes.size;
}

/* Whether a window is behind `newest` (-1: there is none); ids wrap at 9E15. */
static bool groups_is_past(int64_t newest, int64_t window_id)
{
    return window_id <= newest && newest - window_id < SIPC_WINDOW_ID_MAX / 2;
}

void groups_data(struct groups *groups, const struct pcapt_item *item, groups_found *found,
                 void *ctx)
{
    const struct sipc_pdu *pdu = &item->pdu;

    if (groups_is_past(groups->taken_id, pdu->window_id) ||
        groups_is_past(groups->window_id - 1, pdu->window_id))
        return; /* a repeat, or late */
    if (groups->window_id >= 0 && groups->window_id != pdu->window_id) {
        groups_take(groups, groups_length(groups), false, found, ctx);
    }
    if (groups->window_id < 0 && !groups->begun)
        groups->first_frame = item->first_frame;
    groups->window_id = pdu->window_id;
    groups->last_frame = item->frame;
    groups->at_ns = item->at_ns;
    groups_hold(groups, item);
}

void groups_ack(struct groups *groups, const struct pcapt_item *item, groups_found *found,
                void *ctx)
{
    const struct sipc_pdu *pdu = &item->pdu;

    if (pdu->window_id != groups->window_id ||
        (pdu->error_code == 0 && (pdu->flags & SIPC_OPT_IS_WINDOW_FULL) == 0))
        return;
    if (pdu->error_code == 0) {
        groups_take(groups, pdu->seq_nr + 1, true, found, ctx);
        return;
    }
    if (pdu->error_code == SIPC_ERROR_TWO_WAY_WHILE_OPENING)
        return; /* it comes again */
    groups->taken_id = groups->window_id;
    groups_window_clear(groups);
    groups_group_clear(groups);
}

void groups_end(struct groups *groups, groups_found *found, void *ctx)
{
    if (groups->window_id >= 0)
        groups_take(groups, groups_length(groups), false, found, ctx);
    groups->incomplete += groups->begun;
}
