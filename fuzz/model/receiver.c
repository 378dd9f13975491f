/* See model.h: a receiver in the words of the rules, one after the other, without cleverness.
 * SPDX-License-Identifier: MIT */
#include "model/model.h"

#include <string.h>

void model_receiver_begin(struct model_receiver *receiver)
{
    memset(receiver, 0, sizeof *receiver);
    receiver->min = -1;
    receiver->current = -1;
    receiver->last.window_id = -1;
}

static bool is_valid(const struct model_receiver *r, int64_t id)
{
    if (id > MODEL_HIGHEST) /* WID-2 */
        return false;
    if (r->min < 0)
        return id >= 0 && id <= MODEL_STEP; /* WID-1 */
    if (r->min == MODEL_HIGHEST && id >= 0 && id <= MODEL_STEP)
        return true; /* WID-6 */
    if (id < r->min || id > r->min + MODEL_STEP)
        return false;                       /* WID-3 */
    return !(id == r->min && r->processed); /* WID-5 */
}

static void clear_window(struct model_receiver *r)
{
    memset(r->window, 0, sizeof r->window);
    r->current = -1;
}

static void clear_group(struct model_receiver *r)
{
    r->group = false;
    r->data_size = 0;
}

static struct model_ack finish(struct model_receiver *r, int64_t id, uint32_t seq_nr, int error)
{
    r->last = (struct model_ack){true, id, seq_nr, error == 0, error};
    r->processed = true;
    clear_window(r);
    if (error != 0) /* ACK-3a */
        clear_group(r);
    return r->last;
}

static uint32_t window_bytes(const struct model_receiver *r)
{
    uint32_t sum = 0;

    for (int i = 0; i < MODEL_WINDOW; i++)
        sum += r->window[i].held ? r->window[i].size : 0;
    return sum;
}

/* RCV-3 */
static void clear_for_last(struct model_receiver *r, uint32_t seq_nr)
{
    for (uint32_t i = 0; i < MODEL_WINDOW; i++)
        if (i > seq_nr || (i != seq_nr && r->window[i].last))
            memset(&r->window[i], 0, sizeof r->window[i]);
}

static void join(struct model_receiver *r, uint32_t run)
{
    for (uint32_t i = 0; i < run; i++)
        for (uint32_t k = 0; k < r->window[i].size; k++)
            r->data[r->data_size++] = (uint8_t)((r->window[i].from + k) % 251);
    r->group = true;
}

static struct model_ack full(struct model_receiver *r, uint32_t run, bool *delivers,
                             uint8_t *delivered, uint32_t *size)
{
    int64_t id = r->current;
    bool ends = r->window[run - 1].last && r->window[run - 1].last_of_group; /* RCV-7 */

    if (!r->group && !r->window[0].first) /* RCV-11 */
        return finish(r, id, run - 1, 254);
    join(r, run);
    if (ends) { /* RCV-8 */
        *delivers = true;
        *size = r->data_size;
        memcpy(delivered, r->data, r->data_size);
        clear_group(r);
    }
    return finish(r, id, run - 1, 0);
}

struct model_ack model_receive(struct model_receiver *r, const struct model_pdu *pdu,
                               bool *delivers, uint8_t *delivered, uint32_t *size)
{
    struct model_ack none = {.there = false};

    *delivers = false;
    if (!is_valid(r, pdu->window_id)) /* WID-7, SEQ-3 */
        return pdu->window_id == r->last.window_id ? r->last : none;
    if (pdu->seq_nr >= MODEL_WINDOW) /* SEQ-1 */
        return none;
    if (pdu->window_id != r->min) /* WID-4 */
        r->processed = false;
    r->min = pdu->window_id;
    if (pdu->window_id != r->current) /* RCV-1 */
        clear_window(r);
    r->current = pdu->window_id;
    if (pdu->first) /* RCV-2 */
        clear_group(r);
    if (pdu->last)
        clear_for_last(r, pdu->seq_nr);
    memset(&r->window[pdu->seq_nr], 0, sizeof r->window[0]);      /* RCV-4 */
    if (r->data_size + window_bytes(r) + pdu->size > MODEL_GROUP) /* GRP-1 */
        return finish(r, pdu->window_id, pdu->seq_nr, 250);
    r->window[pdu->seq_nr].held = true;
    r->window[pdu->seq_nr].last = pdu->last;
    r->window[pdu->seq_nr].last_of_group = pdu->last_of_group;
    r->window[pdu->seq_nr].first = pdu->first;
    r->window[pdu->seq_nr].size = pdu->size;
    r->window[pdu->seq_nr].from = pdu->from;
    uint32_t run = 0;
    bool end = false;
    while (run < MODEL_WINDOW && r->window[run].held && !end) /* RCV-5 */
        end = r->window[run++].last;
    if (run == 0)
        return none;                /* ACK-1 */
    if (end || run == MODEL_WINDOW) /* RCV-6 */
        return full(r, run, delivers, delivered, size);
    return (struct model_ack){true, pdu->window_id, run - 1, false, 0};
}
