/* See model.h: a sender in the words of the rules.
 * SPDX-License-Identifier: MIT */
#include "model/model.h"

enum { T = 1000 }; /* ack_timeout in ms */

static struct model_tx tx(const struct model_sender *s, uint32_t seq_nr)
{
    uint32_t index = s->first + seq_nr;

    return (struct model_tx){.window_id = s->id,
                             .seq_nr = seq_nr,
                             .last = seq_nr + 1 == s->length, /* SND-5 */
                             .last_of_group = index + 1 == s->pdus,
                             .first_of_group = index == 0};
}

/* SND-6: a window that was not tried before, in succession. */
static size_t begin_window(struct model_sender *s, uint64_t now_ms, struct model_tx *out)
{
    uint32_t left = s->prospective - s->first;

    s->id++; /* WID-9 */
    s->length = left < s->window ? left : s->window;
    s->retries = 0;
    s->one_at_a_time = false;
    s->sent = s->length;
    s->timer_ms = now_ms + T; /* SND-7 */
    for (uint32_t i = 0; i < s->length; i++)
        out[i] = tx(s, i);
    return s->length;
}

/* PRT-2: what comes when a window was taken. */
static size_t go_on(struct model_sender *s, uint64_t now_ms, struct model_tx *out)
{
    if (s->first == s->pdus) {
        s->busy = false;
        s->outcome = 0;
        return 0;
    }
    if (s->first == s->prospective)
        s->prospective = s->first + s->window < s->pdus ? s->first + s->window : s->pdus;
    return begin_window(s, now_ms, out);
}

size_t model_send(struct model_sender *s, uint64_t now_ms, uint32_t pdus, struct model_tx *out)
{
    s->pdus = pdus;
    s->first = s->prospective = 0;
    s->busy = true;
    return go_on(s, now_ms, out);
}

size_t model_acked(struct model_sender *s, uint64_t now_ms, int64_t window_id, uint32_t seq_nr,
                   bool full, int error, uint32_t size, struct model_tx *out)
{
    uint32_t count = seq_nr + 1;
    bool admitted =
        s->one_at_a_time ? count >= s->sent && count <= s->length : count <= s->sent; /* SND-8 */

    bool current = s->busy && window_id == s->id && admitted;
    bool newer = window_id <= s->id && window_id > s->acked; /* WID-10 */

    if (newer)
        s->acked = window_id;
    if (size > 0 && (current || newer)) /* SND-12; never longer than the own size (SND-2a) */
        s->window = size < MODEL_WINDOW ? size : MODEL_WINDOW;
    if (!current)
        return 0;
    if (error != 0) {
        s->busy = false;
        s->outcome = error;
        return 0;
    }
    if (full) { /* PRT-1 */
        s->first += count;
        return go_on(s, now_ms, out);
    }
    if (count == s->length) /* SND-10 */
        return 0;
    if (!s->one_at_a_time)
        return 0;        /* covers not all that was sent (SND-9) */
    s->sent = count + 1; /* RTY-2 */
    s->timer_ms = now_ms + T;
    out[0] = tx(s, count);
    return 1;
}

size_t model_time(struct model_sender *s, uint64_t now_ms, struct model_tx *out)
{
    if (!s->busy || now_ms < s->timer_ms)
        return 0;
    if (s->retries == MODEL_RETRIES) { /* RTY-3 */
        s->busy = false;
        s->outcome = -3;
        return 0;
    }
    s->retries++;
    s->one_at_a_time = true; /* RTY-1 */
    s->sent = 1;
    s->timer_ms = now_ms + T;
    out[0] = tx(s, 0);
    return 1;
}
