/* Fuzz target: window ids of a receiver and a sender, against sets and lists. The receiver's oracle
 * writes down the set of valid ids, as WID-1 to WID-6 name them, and asks for membership; the
 * sender's keeps all ids in order of use. Worlds are small rings, so that wraps are near, and the
 * protocol's own.
 *
 * An input is a program: the world, then steps of two bytes. Only window_id.c of the engine takes
 * part; what its callers do with the answers is done here. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "../../engine/src/state.h"
#include "targets/take.h"
#include "targets/target.h"

const uint32_t target_ops = 0;

enum { STEP_MAX = 100, USED_MAX = 512, STEPS_MAX = 64 };

struct world {
    struct sipc_config config;
    int64_t step, max;
    struct receiver rx;
    bool above[STEP_MAX + 1], low[STEP_MAX + 1]; /* whether the peer may use min + i, and i */
    int64_t above_to, low_to;                    /* up to which i; -1: none */
    size_t valid_count;
    struct sender tx;
    int64_t used[USED_MAX]; /* own ids, in order of use */
    int64_t newest;         /* the last of them */
    int used_count, acked;  /* index of WID-10's *a* in `used`; -1 */
    int begin;              /* index behind the last wrap before *a* */
    int64_t below;          /* own ids below this were used before `used` begins */
};

/* ---- receiver ---- */

/* Writes the set down anew, up to `to`, where it is another one. */
static void receiver_fill(bool *set, int64_t *now, int64_t to)
{
    if (*now == to)
        return;
    memset(set, false, STEP_MAX + 1);
    memset(set, true, (size_t)(to + 1));
    *now = to;
}

static void receiver_set(struct world *w)
{
    int64_t min = w->rx.min_window_id;
    int64_t room = w->max - min < w->step ? w->max - min : w->step;

    receiver_fill(w->above, &w->above_to, min >= 0 ? room : -1);                /* WID-3, WID-2a */
    receiver_fill(w->low, &w->low_to, min < 0 || min == w->max ? w->step : -1); /* WID-1, WID-6 */
    if (min >= 0)
        w->above[0] = !w->rx.min_processed; /* WID-5 */
    w->valid_count = (size_t)(w->above_to + w->low_to + 2) - (min >= 0 && !w->above[0]);
}

static bool receiver_may(const struct world *w, int64_t id)
{
    int64_t min = w->rx.min_window_id;

    return (id >= 0 && id <= STEP_MAX && w->low[id]) ||
           (min >= 0 && id >= min && id - min <= STEP_MAX && w->above[id - min]);
}

/* Number `n` of the set. */
static int64_t receiver_member(const struct world *w, size_t n)
{
    size_t low = w->low[0] ? (size_t)w->step + 1 : 0, above = w->valid_count - low;

    return n < above ? w->rx.min_window_id + !w->above[0] + (int64_t)n : (int64_t)(n - above);
}

/* Which rule says what becomes of the id. */
static enum sipc_rule receiver_rule(const struct world *w, int64_t id, bool valid)
{
    int64_t min = w->rx.min_window_id;

    if (!valid) /* neither ought to be, nor was taken for it */
        return SIPC_RULE_WID_7;
    if (min < 0)
        return SIPC_RULE_WID_1;
    if (id > w->max)
        return SIPC_RULE_WID_2a;
    if (min == w->max && id < min)
        return SIPC_RULE_WID_6;
    return id == min && w->rx.min_processed ? SIPC_RULE_WID_5 : SIPC_RULE_WID_3;
}

static enum window_id_verdict receiver_check(const struct world *w, int64_t id)
{
    static const char *const words[] = {"valid", "a repeat", "invalid"};
    enum window_id_verdict found = sipc__window_id_check(&w->config, &w->rx, id);
    enum window_id_verdict expected = receiver_may(w, id)          ? WINDOW_ID_VALID
                                      : id == w->rx.last.window_id ? WINDOW_ID_REPEAT
                                                                   : WINDOW_ID_INVALID;

    FUZZ_CHECK_RULE(SIPC_RULE_WID_1,
                    sipc__window_id_is_first(&w->config, id) == (id >= 0 && id <= w->step),
                    "the first ids are 0 to the step");
    if (found != expected)
        target_break(receiver_rule(w, id, expected == WINDOW_ID_VALID || found == WINDOW_ID_VALID),
                     "step %" PRId64 ", max %" PRId64 ", min %" PRId64 "%s, last %" PRId64
                     ": expected %" PRId64 " to be %s, found %s",
                     w->step, w->max, w->rx.min_window_id, w->rx.min_processed ? " processed" : "",
                     w->rx.last.window_id, id, words[expected], words[found]);
    return expected;
}

/* Ids on both sides of every boundary there is. */
static void receiver_probe(const struct world *w)
{
    const int64_t min = w->rx.min_window_id;
    const int64_t places[] = {min, min + w->step, 0, w->step, w->max, w->rx.last.window_id};
    const size_t count = sizeof places / sizeof places[0] - (w->rx.last.window_id == min);

    for (size_t i = 0; i < count; i++)
        for (int64_t by = -1; by <= 1; by++)
            if (places[i] + by >= 0)
                receiver_check(w, places[i] + by);
}

/* A PDU with this id comes; `ends`: it ends its window. */
static void receiver_take(struct world *w, int64_t id, bool ends)
{
    if (receiver_check(w, id) != WINDOW_ID_VALID)
        return;
    if (w->rx.min_window_id != id)
        w->rx.min_processed = false;
    w->rx.min_window_id = id; /* WID-4 */
    if (ends) {
        w->rx.min_processed = true;
        w->rx.last.window_id = id;
    }
    receiver_set(w);
    receiver_probe(w);
}

/* ---- sender ---- */

static int64_t sender_acked(const struct world *w)
{
    return w->acked >= 0 ? w->used[w->acked] : w->below - 1;
}

/* The largest of the ids that may be used now (WID-10). */
static int64_t sender_top(const struct world *w, int64_t acked)
{
    if (acked < 0 || acked == w->max)
        return w->step;
    return w->max - acked < w->step ? w->max : acked + w->step;
}

/* The id behind the newest; -1: none, as the highest was used and is not acked (WID-10). */
static int64_t sender_next(const struct world *w)
{
    if (w->newest != w->max)
        return w->newest + 1;
    return w->acked == w->used_count - 1 ? 0 : -1;
}

static void sender_check(const struct world *w)
{
    int64_t next = sender_next(w), acked = sender_acked(w), top = sender_top(w, acked);
    int64_t found = sipc__window_id_next(&w->config, &w->tx);
    int64_t found_top = sipc__window_id_top(&w->config, &w->tx);
    bool wraps = w->newest == w->max;

    if (w->tx.acked_id != acked)
        target_break(SIPC_RULE_WID_10,
                     "expected %" PRId64 " to be the newest acked, found %" PRId64, acked,
                     w->tx.acked_id);
    if (found_top != top)
        target_break(SIPC_RULE_WID_10,
                     "max %" PRId64 ", acked %" PRId64 ": expected top %" PRId64 ", found %" PRId64,
                     w->max, acked, top, found_top);
    if (next >= 0 && found != next)
        target_break(wraps ? SIPC_RULE_WID_6 : SIPC_RULE_WID_9,
                     "max %" PRId64 ": expected %" PRId64 " after %" PRId64 ", found %" PRId64,
                     w->max, next, w->newest, found);
    FUZZ_CHECK_RULE(wraps ? SIPC_RULE_WID_6 : SIPC_RULE_WID_10,
                    sipc__window_id_exhausted(&w->config, &w->tx) == (next < 0 || next >= top),
                    "a window needs an id below top");
}

static void sender_use(struct world *w)
{
    int64_t next = sender_next(w), top = sender_top(w, sender_acked(w)), id = top;

    if (w->used_count == USED_MAX)
        return;
    if (next >= 0 && next < top) {
        id = sipc__window_id_take(&w->config, &w->tx);
        if (id != next)
            target_break(SIPC_RULE_WID_9, "expected to take %" PRId64 ", found %" PRId64, next, id);
        FUZZ_CHECK_RULE(SIPC_RULE_WID_2, id <= w->max, "no id is above the highest");
    } else {
        w->tx.last_id = top; /* the resync PDU, as often as it is needed (WID-11) */
        if (w->newest == top)
            return;
    }
    w->used[w->used_count++] = w->newest = id;
}

/* An index that no use of the id has is -1; -2: it was used before the list begins. */
static int sender_find(const struct world *w, int64_t id)
{
    for (int i = w->used_count - 1; i >= 0; i--)
        if (w->used[i] == id)
            return i;
    return id >= 0 && id < w->below ? -2 : -1;
}

static void sender_take_ack(struct world *w, int64_t id, int32_t code)
{
    int index = sender_find(w, id);

    if (code != SIPC_ERROR_TWO_WAY_WHILE_OPENING && index > w->acked) {
        for (int i = w->acked < 0 ? 0 : w->acked; i < index; i++)
            if (w->used[i] == w->max)
                w->begin = i + 1;
        w->acked = index;
    }
    bool known = sipc__window_id_acked(&w->config, &w->tx, id, code);
    sender_check(w);
    FUZZ_CHECK_RULE(SIPC_RULE_WID_10,
                    known == (index >= w->begin || (w->begin == 0 && id < w->below)),
                    "an ack is of an id that was used this side of the last wrap that was acked");
}

/* ---- the program ---- */

static void world_init(struct world *w, struct take *take)
{
    static const int64_t steps[] = {2, 3, 5, STEP_MAX};
    unsigned kind = take_byte(take), room = take_byte(take), start = take_byte(take);
    bool protocol = (kind & 4) != 0;

    sipc_config_default(&w->config);
    w->step = w->config.window_id_step = protocol ? STEP_MAX : steps[kind & 3];
    w->max = protocol ? SIPC_WINDOW_ID_MAX : 3 * w->step + room % 64;
    w->config.window_id_max = w->max;
    w->rx.min_window_id = w->rx.last.window_id = -1;
    w->tx.last_id = w->tx.acked_id = -1;
    w->used_count = 0;
    w->acked = -1;
    w->begin = 0;
    w->below = 0;
    w->rx.min_processed = false;
    w->above_to = w->low_to = -2;      /* what is there is of the input before */
    if (protocol && (kind & 8) != 0) { /* as a preset does */
        w->rx.min_window_id = w->max - start;
        w->below = w->max - start + (start > 0);
        w->tx.last_id = w->tx.acked_id = w->below - 1;
        w->rx.min_processed = (kind & 16) != 0;
    }
    w->newest = w->below - 1;
    receiver_set(w);
    receiver_probe(w);
    sender_check(w);
}

/* Ids near all that matters. */
static int64_t world_id(const struct world *w, unsigned from, int8_t by)
{
    if (from == 8)
        return INT64_MAX - (uint8_t)by;
    switch (from & 7) {
    case 0:
        return w->rx.min_window_id + by;
    case 1:
        return w->rx.min_window_id + w->step + by;
    case 2:
        return by;
    case 3:
        return w->step + by;
    case 4:
        return w->max + by;
    case 5:
        return w->rx.last.window_id + by;
    case 6:
        return w->newest + by;
    default:
        return sender_acked(w) + by;
    }
}

static void world_step(struct world *w, unsigned op, int8_t by)
{
    int64_t id = world_id(w, op >> 4, by);

    id = id < 0 ? 0 : id; /* the wire has no others (WIRE-4) */
    switch (op & 7) {
    case 0:
        receiver_take(w, id, (op & 8) != 0);
        break;
    case 1:
        receiver_check(w, id);
        break;
    case 2:
        for (int i = 0; i < 1 + (uint8_t)by % 8; i++) {
            sender_use(w);
            sender_check(w);
        }
        break;
    case 3:
        sender_take_ack(w, id, (op & 8) != 0 ? SIPC_ERROR_TWO_WAY_WHILE_OPENING : 0);
        break;
    case 4:
        sender_take_ack(w, w->newest, 0);
        break;
    case 5: /* the newest valid one, and its window ends */
        receiver_take(w, w->valid_count > 0 ? receiver_member(w, w->valid_count - 1) : 0, true);
        break;
    case 6:
        if (w->valid_count > 0)
            receiver_check(w, receiver_member(w, (uint8_t)by % w->valid_count) + (op >> 4) % 3);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct take take = {data, size};

    world_init(&w, &take);
    for (int i = 0; i < STEPS_MAX && take.left > 0; i++) {
        unsigned op = take_byte(&take);
        world_step(&w, op, (int8_t)take_byte(&take));
    }
    target_note((uint64_t)w.rx.min_window_id << 20 ^ (uint64_t)w.tx.last_id);
    return 0;
}
