/* Window ids that go out: WID-1, WID-2, WID-9, WID-10, WID-11. What the peer acked is known only as
 * far as acks are known to have arrived.
 * SPDX-License-Identifier: MIT */
#include "internal.h"

int64_t judge_own_top(const struct judge *j, const struct judge_outbound *out)
{
    int64_t step = j->config.window_id_step, last = j->config.window_id_max;

    if (out->acked < 0 || out->acked == last) {
        return step;
    }
    return out->acked > last - step ? last : out->acked + step;
}

bool judge_own_id_wraps(const struct judge *j, const struct judge_outbound *out, int64_t id)
{
    return out->highest == j->config.window_id_max && id <= j->config.window_id_step;
}

static void own_id_record(struct judge_outbound *out, int64_t id)
{
    out->ids[out->id_count++ % JUDGE_OWN_IDS_MAX] = id;
    out->highest = id;
}

static void own_id_check_order(struct judge *j, struct judge_session *s, int64_t id,
                               enum judge_own kind)
{
    struct judge_outbound *out = &s->out;
    bool again = id == out->resync_id && (kind == JUDGE_OWN_RESYNC || kind == JUDGE_OWN_CLOSE);

    judge_saw(j, JUDGE_OWN_ID_GREATER);
    if (id > out->highest || again || judge_own_id_wraps(j, out, id)) {
        return;
    }
    judge_blame(
        j, s, JUDGE_OWN_ID_GREATER,
        judge_text(j, "a window id greater than %lld, the last one used", (long long)out->highest),
        judge_text(j, "%lld", (long long)id));
}

static void own_id_check_top(struct judge *j, struct judge_session *s, int64_t id,
                             enum judge_own kind)
{
    struct judge_outbound *out = &s->out;
    int64_t top = judge_own_top(j, out);
    bool wraps = judge_own_id_wraps(j, out, id);

    if (wraps && out->acked != j->config.window_id_max) {
        judge_blame(j, s, JUDGE_OWN_ID_WRAPS,
                    judge_text(j, "no id from 0 on before %lld was acked",
                               (long long)j->config.window_id_max),
                    judge_text(j, "window id %lld", (long long)id));
        return;
    }
    judge_saw(j, JUDGE_OWN_ID_TOP);
    if (id > j->config.window_id_max) {
        return; /* blamed already */
    }
    if (out->acked == j->config.window_id_max && id > j->config.window_id_step) {
        return; /* blamed as no greater id */
    }
    if (id > top) {
        judge_blame(j, s, JUDGE_OWN_ID_TOP,
                    judge_text(j, "no window id above %lld (the newest acked is %lld)",
                               (long long)top, (long long)out->acked),
                    judge_text(j, "%lld", (long long)id));
    } else if (id == top && kind != JUDGE_OWN_RESYNC && kind != JUDGE_OWN_CLOSE &&
               top != j->config.window_id_max) {
        judge_blame(j, s, JUDGE_OWN_ID_RESERVED,
                    judge_text(j, "%lld kept for the resync PDU", (long long)top),
                    judge_text(j, "a window with id %lld", (long long)id));
    }
}

void judge_own_id(struct judge *j, struct judge_session *s, int64_t id, enum judge_own kind)
{
    struct judge_outbound *out = &s->out;

    if (id > j->config.window_id_max) {
        judge_blame(j, s, JUDGE_OWN_ID_HIGHEST,
                    judge_text(j, "no id above %lld", (long long)j->config.window_id_max),
                    judge_text(j, "%lld", (long long)id));
    }
    judge_saw(j, JUDGE_OWN_ID_HIGHEST);
    if (out->known && out->highest < 0) {
        judge_saw(j, JUDGE_OWN_ID_FIRST);
        if (id > j->config.window_id_step) {
            judge_blame(
                j, s, JUDGE_OWN_ID_FIRST,
                judge_text(j, "a first window id of 0..%lld", (long long)j->config.window_id_step),
                judge_text(j, "%lld", (long long)id));
        }
        own_id_check_top(j, s, id < j->config.window_id_step ? id : 0, kind);
    } else if (out->known) {
        own_id_check_order(j, s, id, kind);
        own_id_check_top(j, s, id, kind);
    }
    if (kind == JUDGE_OWN_RESYNC) {
        judge_saw_rule(j, SIPC_RULE_WID_11);
        out->resync_id = id;
    }
    if (id != out->highest) {
        own_id_record(out, id);
    }
}

void judge_own_id_acked(struct judge *j, struct judge_session *s, int64_t id, int32_t error_code)
{
    struct judge_outbound *out = &s->out;
    size_t oldest = out->id_count > JUDGE_OWN_IDS_MAX ? out->id_count - JUDGE_OWN_IDS_MAX : 0;

    (void)j;
    if (error_code == SIPC_ERROR_TWO_WAY_WHILE_OPENING) {
        return;
    }
    for (size_t n = out->id_count; n > oldest && n > out->acked_at; n--) {
        if (out->ids[(n - 1) % JUDGE_OWN_IDS_MAX] == id) {
            out->acked_at = n;
            out->acked = id;
            return;
        }
    }
    if (id > out->acked && id < out->used_before && out->acked_at <= 1) {
        out->acked = id;
    }
}
