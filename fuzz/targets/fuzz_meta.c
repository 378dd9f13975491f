/* Fuzz target: what must not matter. An input and its like, in which something is changed that no
 * rule looks at, give the same but for that. Oracles, by turns:
 *   sessions have other names: the same comes out (END-1)
 *   all timeouts are twice as long, and so are the waits: the same, in twice the time (SND-7)
 *   window ids are shifted, in both directions: the same, shifted (WID-3, WID-9)
 *   9E15 lies just behind, in both directions: the same as at the beginning (WID-6)
 *   whatever was processed comes again at once: exactly its ack, and all else the same (WID-7)
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include <xxhash.h>

#include "targets/session.h"

const uint32_t target_ops = OPS(SFZ_OPEN) | OPS(SFZ_SEND) | OPS(SFZ_CLOSE) | OPS(SFZ_PDU) |
                            OPS(SFZ_SENT) | OPS(SFZ_WAIT) | OPS(SFZ_REPEAT) | OPS(SFZ_DISPOSE);

/* The other ids are of more than 32 bits, and the lower 32 of those behind it are negative. */
static const int64_t shift_from = 10000, shift_to = INT64_C(0x7107fffffff);

/* ---- what is compared: everything put out, in terms that should not change ---- */

struct view {
    uint64_t hash, outs;
    int64_t shift;   /* taken from window ids of data, close and their acks */
    unsigned rename; /* xor of the sessions' numbers */
    unsigned time_factor;
};

static void view_out(void *ctx, uint64_t now_ns, const struct fuzz_out *out)
{
    struct view *view = ctx;
    struct sipc_pdu pdu;
    int session = fuzz_session_of(out->session);
    uint64_t words[10] = {
        view->hash,           now_ns / view->time_factor,
        (uint64_t)out->kind,  out->peer,
        out->operation,       (uint64_t)out->outcome,
        (uint64_t)out->state, (uint64_t)out->has_code << 32 | (uint32_t)out->code};
    struct sipc_span rest = out->bytes;

    if (out->kind == JUDGE_GAP)
        return;
    if (out->kind == JUDGE_TX && sipc_pdu_decode(out->bytes, &pdu) == SIPC_DISCARD_NONE) {
        bool link = pdu.opcode == SIPC_ENQUIRE_LINK || pdu.opcode == SIPC_ENQUIRE_LINK_ACK;
        session = fuzz_session_of(pdu.session_id);
        words[8] = (uint64_t)(link ? pdu.window_id : pdu.window_id - view->shift);
        rest = pdu.options;
        view->hash = XXH3_64bits_withSeed(pdu.data.data, pdu.data.size, view->hash);
        words[0] = view->hash ^ (uint64_t)pdu.seq_nr << 8 ^ pdu.opcode;
    }
    words[9] = session < 0 ? 99 : (unsigned)session ^ view->rename;
    view->hash = XXH3_64bits_withSeed(words, sizeof words, 0);
    if (rest.size > 0)
        view->hash = XXH3_64bits_withSeed(rest.data, rest.size, view->hash);
    view->outs++;
}

static void view_record(void *ctx, uint64_t now_ns, const struct sfz_record *record,
                        uint64_t operation, struct sipc_span bytes)
{
    (void)ctx;
    (void)now_ns;
    (void)record;
    (void)operation;
    (void)bytes;
}

static struct view play(const struct fuzz_driver *driver, const struct sfz_input *input,
                        struct view view)
{
    static struct fuzz_engine *engine;
    struct fuzz_tap tap = {view_record, view_out, &view};
    struct fuzz_play_options options = {.no_judge = true, .tap = &tap};
    struct fuzz_played played;

    if (engine == NULL)
        engine = fuzz_engine_new(target_engine());
    fuzz_play(driver, engine, input, &options, &played);
    if (played.finding.found)
        target_break(played.finding.rule, "%s", played.finding.text);
    target_note(view.hash);
    return view;
}

static void must_be_alike(struct view a, struct view b, enum sipc_rule rule, const char *what)
{
    FUZZ_CHECK_RULE(rule, a.outs == b.outs && a.hash == b.hash, what);
}

/* ---- the relations ---- */

static const struct view plain = {.time_factor = 1};

static void rename_sessions(const struct sfz_input *input, struct view once,
                            struct sfz_input *other)
{
    struct view renamed = plain;

    *other = *input;
    for (size_t i = 0; i < other->count; i++)
        other->records[i].who ^= 1;
    renamed.rename = 1;
    must_be_alike(once, play(&fuzz_engine_driver, other, renamed), SIPC_RULE_END_1,
                  "sessions may have other names");
}

static void scale_time(const struct sfz_input *input, struct view once, struct sfz_input *other)
{
    static const enum sfz_setting times[] = {SFZ_ACK_TIMEOUT,
                                             SFZ_OPEN_TIMEOUT,
                                             SFZ_IDLE_TIMEOUT,
                                             SFZ_MIN_REMOTE_IDLE_TIMEOUT,
                                             SFZ_MAX_REMOTE_IDLE_TIMEOUT,
                                             SFZ_ENQUIRE_LINK_INTERVAL,
                                             SFZ_LINGER};
    struct view twice = plain;

    *other = *input;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        other->settings[times[i]] *= 2;
    for (size_t i = 0; i < other->count; i++) {
        struct sfz_record *record = &other->records[i];
        if (record->op == SFZ_OPEN)
            record->value *= 2;
        if (record->op == SFZ_PDU && record->opcode == SIPC_DATA && record->code != 0)
            return; /* times that PDUs and attributes name stay what they are */
        if (record->op == SFZ_SEND && record->kind == SFZ_WITH_IDLE)
            return;
    }
    twice.time_factor = 2;
    must_be_alike(once, play(&fuzz_engine_driver, other, twice), SIPC_RULE_SND_7,
                  "timeouts may be twice as long");
}

/* Ids count from `from`: sessions are preset there, and ids from 0 are moved; so are those behind
 * the newest that was sent where none was. */
static void shift_one(const struct sfz_input *input, struct sfz_input *other, int64_t from)
{
    unsigned numbered = 0; /* sessions that were sent a window id */

    other->count = 0;
    memcpy(other->settings, input->settings, sizeof other->settings);
    other->settings[SFZ_WINDOW_ID_STEP] = 100;
    other->settings[SFZ_WINDOW_ID_MAX] = SIPC_WINDOW_ID_MAX;
    for (size_t i = 0; i < input->count && other->count + 2 < SFZ_RECORDS_MAX; i++) {
        struct sfz_record record = input->records[i];
        unsigned bit = 1u << sfz_session(record.who);
        if (record.op == SFZ_PDU) {
            bool first = record.anchor == SFZ_FROM_OURS && (numbered & bit) == 0;
            record.id %= 200;
            if (first || record.anchor <= SFZ_FROM_HIGHEST) {
                record.anchor = SFZ_FROM_0;
                record.id += first ? from - 1 : from;
            }
            if (record.opcode == SIPC_DATA || record.opcode == SIPC_CLOSE)
                numbered |= bit;
        }
        if (record.op == SFZ_DISPOSE || (record.op == SFZ_PDU && other->count == 0))
            continue; /* what comes anew would begin at 0 */
        other->records[other->count++] = record;
        if (record.op == SFZ_OPEN)
            other->records[other->count++] =
                (struct sfz_record){.op = SFZ_PRESET, .who = record.who, .id = from, .id2 = from};
    }
}

static void shift_ids(const struct sfz_input *input, struct sfz_input *other)
{
    static struct sfz_input first;
    struct view near = {.time_factor = 1, .shift = shift_from};
    struct view far = {.time_factor = 1, .shift = shift_to};
    unsigned opened = 0;

    /* Of sessions that are opened first, and live until the end. */
    for (size_t i = 0; i < input->count; i++) {
        const struct sfz_record *record = &input->records[i];
        unsigned bit = 1u << sfz_session(record->who);
        if (record->op == SFZ_OPEN && (opened & bit) != 0)
            return;
        if (record->op == SFZ_OPEN)
            opened |= bit;
        else if (record->op == SFZ_PDU && (opened & bit) == 0)
            return;
        if (record->op == SFZ_PDU && record->anchor > SFZ_FROM_HIGHEST &&
            record->anchor != SFZ_FROM_OURS)
            return; /* before the first there is none to count from */
    }
    shift_one(input, &first, shift_from);
    shift_one(input, other, shift_to);
    must_be_alike(play(&fuzz_engine_driver, &first, near), play(&fuzz_engine_driver, other, far),
                  SIPC_RULE_WID_3, "window ids may be shifted");
}

/* ---- 9E15 just behind ---- */

static struct {
    struct sipc_preset behind;
    uint64_t peer;
    const uint8_t *session; /* was opened just now */
} wrapped;

static bool wrapped_open(void *self, uint64_t peer, const uint8_t *session, int64_t idle_ms)
{
    wrapped.peer = peer;
    wrapped.session = session;
    return fuzz_engine_driver.open(self, peer, session, idle_ms);
}

/* Once it is at rest the session is one whose peer has acked 9E15, and was acked it: both go on at
 * 0, as at the beginning. It is refused where the peer came first. */
static bool wrapped_next_out(void *self, struct fuzz_out *out)
{
    if (fuzz_engine_driver.next_out(self, out))
        return true;
    if (wrapped.session != NULL)
        fuzz_engine_driver.preset(self, wrapped.peer, wrapped.session, &wrapped.behind);
    wrapped.session = NULL;
    return false;
}

static void wrap_ids(const struct sfz_input *input, struct view once)
{
    struct fuzz_driver wrapping = fuzz_engine_driver;
    bool opens = false;

    for (size_t i = 0; i < input->count; i++) {
        const struct sfz_record *record = &input->records[i];
        bool data = record->opcode == SIPC_DATA || record->opcode == SIPC_CLOSE;
        opens |= record->op == SFZ_OPEN;
        if (record->op == SFZ_DISPOSE)
            return; /* ids used by a session that is gone were never used by the next one */
        if (record->op == SFZ_PDU && !data && (record->anchor != SFZ_FROM_SENT || record->id > 0))
            return; /* an ack of what was never used may be a late one, with 9E15 behind */
    }
    if (!opens)
        return;
    wrapped.session = NULL;
    wrapped.behind = (struct sipc_preset){.acked_window_id = input->settings[SFZ_WINDOW_ID_MAX],
                                          .min_window_id = input->settings[SFZ_WINDOW_ID_MAX],
                                          .processed = true};
    wrapping.open = wrapped_open;
    wrapping.next_out = wrapped_next_out;
    must_be_alike(once, play(&wrapping, input, plain), SIPC_RULE_WID_6,
                  "behind 9E15 window ids begin as they did at first");
}

/* ---- what was processed comes again ---- */

static struct {
    uint8_t ack[256];
    size_t size;
    uint64_t peer;
    uint8_t pdu[FUZZ_PDU_MAX];
    size_t pdu_size;
} again;

static bool again_receive(void *self, uint64_t peer, struct sipc_span pdu)
{
    again.peer = peer;
    again.size = 0;
    again.pdu_size = pdu.size;
    if (pdu.size > 0)
        memcpy(again.pdu, pdu.data, pdu.size);
    return fuzz_engine_driver.receive(self, peer, pdu);
}

/* The window's own ack, full: once all else has come, the PDU is given again. */
static bool again_next_out(void *self, struct fuzz_out *out)
{
    struct sipc_pdu pdu, gave;
    struct fuzz_out more;
    int count = 0;

    if (fuzz_engine_driver.next_out(self, out)) {
        if (out->kind == JUDGE_TX && again.pdu_size > 0 && out->bytes.size <= sizeof again.ack &&
            sipc_pdu_decode(out->bytes, &pdu) == SIPC_DISCARD_NONE &&
            (pdu.opcode == SIPC_DATA_ACK || pdu.opcode == SIPC_CLOSE_ACK) &&
            (pdu.flags & SIPC_OPT_IS_WINDOW_FULL) != 0 &&
            sipc_pdu_decode((struct sipc_span){again.pdu, again.pdu_size}, &gave) ==
                SIPC_DISCARD_NONE &&
            gave.window_id == pdu.window_id &&
            memcmp(gave.session_id, pdu.session_id, SIPC_SESSION_ID_SIZE) == 0) {
            again.size = out->bytes.size;
            memcpy(again.ack, out->bytes.data, out->bytes.size);
        }
        return true;
    }
    if (again.size == 0 || again.pdu_size == 0)
        return false;
    struct sipc_span bytes = {again.pdu, again.pdu_size};
    again.pdu_size = 0;
    fuzz_engine_driver.receive(self, again.peer, bytes);
    while (fuzz_engine_driver.next_out(self, &more)) {
        FUZZ_CHECK_RULE(SIPC_RULE_WID_7, more.kind == JUDGE_TX && count++ == 0,
                        "a PDU that was processed gets its ack again, and nothing else");
        FUZZ_CHECK_RULE(SIPC_RULE_WID_7,
                        more.bytes.size == again.size &&
                            memcmp(more.bytes.data, again.ack, again.size) == 0,
                        "exactly the ack it got");
    }
    FUZZ_CHECK_RULE(SIPC_RULE_WID_7, count == 1, "a PDU that was processed is answered");
    return false;
}

static void repeat_processed(const struct sfz_input *input, struct view once)
{
    struct fuzz_driver repeating = fuzz_engine_driver;

    if (input->settings[SFZ_MANUAL] != 0)
        return; /* acks have aftermaths then, and would be counted */
    if (input->settings[SFZ_LINGER] == 0)
        return; /* who closes is gone at once, and nobody is left to answer */
    repeating.receive = again_receive;
    repeating.next_out = again_next_out;
    again.size = again.pdu_size = 0;
    must_be_alike(once, play(&repeating, input, plain), SIPC_RULE_WID_7,
                  "a PDU that was processed changes nothing when it comes again");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfz_input input, other;

    session_decode(data, size, target_ops, &input);
    struct view once = play(&fuzz_engine_driver, &input, plain);
    rename_sessions(&input, once, &other);
    scale_time(&input, once, &other);
    shift_ids(&input, &other);
    wrap_ids(&input, once);
    repeat_processed(&input, once);
    return 0;
}
