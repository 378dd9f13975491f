/* Data PDUs that go out: which window they belong to, and whether it is framed, numbered and paced
 * as SEQ-2, SND-1, SND-2a, SND-5, SND-6, SND-12, GRP-2, OPN-2 to OPN-4, FAF-1 and FAF-2 say.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum {
    SEND_GROUP_FLAGS =
        SIPC_OPT_FIRST_IN_WINDOW_GROUP | SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP
};

static const char *send_text(struct judge *j, const struct sipc_pdu *pdu)
{
    return judge_text(j, "%s %lld:%ld with %zu bytes", sipc_opcode_name(pdu->opcode),
                      (long long)pdu->window_id, (long)pdu->seq_nr, pdu->data.size);
}

static bool send_certain(const struct judge *j, const struct judge_session *s)
{
    return s->out.known && !s->operations_lost &&
           judge_knows(j, JUDGE_NEEDS_SYNC | JUDGE_NEEDS_EVENTS | JUDGE_NEEDS_COMMANDS);
}

/* Eight bytes at a time: every PDU's data comes by here. Compared within one run alone. */
uint64_t judge_hash(struct sipc_span bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ bytes.size;

    for (size_t at = 0; at < bytes.size; at += sizeof hash) {
        const size_t left = bytes.size - at;
        uint64_t word = 0;
        if (left >= sizeof word)
            memcpy(&word, bytes.data + at, sizeof word);
        else
            memcpy(&word, bytes.data + at, left);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

uint64_t judge_hash_attribute(struct sipc_span name, struct sipc_span value)
{
    return judge_hash(name) * 31 + judge_hash(value);
}

/* ---- a window begins ---- */

void judge_window_begin(struct judge *j, struct judge_session *s, struct judge_own_window *window,
                        enum judge_own kind, const struct sipc_pdu *pdu,
                        const struct judge_event *event)
{
    struct judge_cut *cuts = window->cuts;
    size_t capacity = window->cut_capacity;

    judge_bytes_clear(j, &window->pieces);
    *window = (struct judge_own_window){.open = true,
                                        .kind = kind,
                                        .id = pdu->window_id,
                                        .length = -1,
                                        .next = -1,
                                        .next_early = -1,
                                        .refused_next = -1,
                                        .timer_ns = SIPC_NEVER,
                                        .moved_ns = SIPC_NEVER,
                                        .cuts = cuts,
                                        .cut_capacity = capacity};
    window->unsure = !s->out.known && s->out.highest < 0;
    if (kind != JUDGE_OWN_WINDOW) {
        window->length = 1; /* each of the others is a window of one */
    }
    judge_own_id(j, s, pdu->window_id, kind);
    judge_tx_window(j, s, window, pdu, event);
}

void judge_window_end(struct judge_session *s, struct judge_own_window *window, bool failed)
{
    (void)s;
    window->open = false;
    window->failed = failed;
    window->timer_ns = window->moved_ns = SIPC_NEVER;
    window->next = -1;
}

/* The window before was neither taken nor given up, but another begins. */
static void send_check_turn(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    const struct judge_own_window *window = &s->out.window;

    if (!send_certain(j, s)) {
        return;
    }
    judge_saw(j, JUDGE_TWO_SENDS);
    if (!window->open || window->done || window->failed) {
        return;
    }
    judge_blame(
        j, s,
        window->covered         ? JUDGE_COVERED_IS_FULL
        : window->refused_count ? JUDGE_MOVED_BY_STRANGE_ACK
                                : JUDGE_TWO_SENDS,
        judge_text(j, "window %lld to be taken in full or given up first", (long long)window->id),
        send_text(j, pdu));
}

/* PRT-1: the rest of a window begins with what was not taken. */
static void send_check_rest(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    const struct judge_own_window *window = &s->out.window;
    uint64_t hash = judge_hash(pdu->data);
    bool again = false;

    if (!window->open || !window->done || window->taken <= 0 ||
        (size_t)window->taken >= window->cut_count || pdu->data.size == 0) {
        return;
    }
    for (int32_t i = 0; i < window->taken; i++) {
        again |= window->cuts[i].hash == hash && window->cuts[i].size == pdu->data.size;
    }
    if (again && window->cuts[window->taken].hash != hash) {
        judge_blame(j, s, JUDGE_CUT_SENT_AGAIN, "a window of what was not taken",
                    "one that begins with what was");
    }
}

/* Whether a window that begins now begins a group; -1: nobody can tell. */
static int send_begins_group(const struct judge *j, struct judge_session *s,
                             struct judge_operation *operation)
{
    const struct judge_outbound *out = &s->out;

    if (!out->group_known) {
        return -1;
    }
    if (send_certain(j, s) && operation != NULL && !operation->started) {
        return 1;
    }
    if (!out->group_open) {
        return 1;
    }
    return send_certain(j, s) && out->window.done ? 0 : -1;
}

static void send_begin_group(struct judge *j, struct judge_session *s, int begins,
                             const struct sipc_pdu *pdu)
{
    bool flag = (pdu->flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP) != 0;
    struct judge_outbound *out = &s->out;

    judge_saw_rule(j, SIPC_RULE_SND_5);
    if (begins > 0 && !flag) {
        judge_blame(j, s, JUDGE_NO_BEGINNING, "first_in_window_group on the first PDU of a group",
                    send_text(j, pdu));
    } else if (begins == 0 && flag) {
        judge_blame(j, s, JUDGE_BEGINNING_INSIDE, "no first_in_window_group: the group goes on",
                    send_text(j, pdu));
    }
    if (begins != 0 || flag) {
        out->group_counted = out->group_wire = out->group_windows = 0;
        out->group_attributes = 0;
        judge_bytes_clear(j, &out->group_pieces);
        out->group_open = true;
        out->group_known |= flag;
    }
}

static void send_check_opening(struct judge *j, struct judge_session *s,
                               const struct judge_operation *operation, const struct sipc_pdu *pdu)
{
    uint64_t turn = judge_ms(j->config.ack_timeout_ms);

    if (!send_certain(j, s) || operation == NULL || j->config.max_retry_count < 0) {
        return;
    }
    if (operation->skip && !operation->started) {
        judge_saw(j, JUDGE_SKIP_MISSING);
        if (!(pdu->flags & SIPC_OPT_SKIP)) {
            judge_blame(j, s, JUDGE_SKIP_MISSING, "skip on seq_nr 0 of the first window",
                        send_text(j, pdu));
        }
    }
    uint64_t span = turn * ((uint64_t)j->config.max_retry_count + 1);
    if (judge_must(s, JUDGE_IN_OPENING) && !operation->skip && !operation->started && s->in.known &&
        s->in.receiving && judge_after(s->in.applied_ns, span) > j->now_ns) {
        /* How long a silent peer is believed to go on is advisory, but for the time of an answer.
         */
        bool talking = judge_after(s->in.applied_ns, turn) > j->now_ns;
        judge_blame(j, s, talking ? JUDGE_SENT_WHILE_RECEIVING : JUDGE_RECEIVING_CUT_SHORT,
                    "the send to be refused while opening and receiving", send_text(j, pdu));
    }
    if (s->in.known && s->in.receiving) {
        judge_saw(j, JUDGE_SENT_WHILE_RECEIVING);
    }
}

/* FAF-2: what waited when the group before was taken has left by now. */
static void send_check_waiting(struct judge *j, struct judge_session *s,
                               const struct judge_operation *sending)
{
    const uint64_t boundary = s->out.boundary;

    s->out.boundary = 0;
    if (boundary == 0 || sending == NULL || !sending->started || !send_certain(j, s) ||
        s->out.unreliable.aftermath_due) {
        return;
    }
    for (size_t i = 0; i < s->operation_count; i++) {
        const struct judge_operation *waits = &s->operations[i];
        if (waits->kind == JUDGE_SEND_UNRELIABLE && !waits->started && waits->event < boundary) {
            judge_blame(j, s, JUDGE_UNRELIABLE_KEPT,
                        "a fire-and-forget that waits to leave between the groups",
                        "the next group");
            return;
        }
    }
}

static void send_begin(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                       const struct judge_event *event)
{
    struct judge_operation *operation = judge_sending(s);

    send_check_turn(j, s, pdu);
    send_check_rest(j, s, pdu);
    send_check_waiting(j, s, operation);
    send_begin_group(j, s, send_begins_group(j, s, operation), pdu);
    send_check_opening(j, s, operation, pdu);
    if (send_certain(j, s) && operation == NULL) {
        judge_blame(j, s, JUDGE_SENT_UNASKED, "no data: no send operation is in progress",
                    send_text(j, pdu));
    }
    if (operation != NULL) {
        if (!operation->started) {
            s->out.message_bytes = 0;
        }
        operation->started = true;
    }
    judge_window_end(s, &s->out.resync,
                     false); /* a late ack of any id may have ended it (WID-11) */
    judge_window_begin(j, s, &s->out.window, JUDGE_OWN_WINDOW, pdu, event);
    s->out.window.maybe_unreliable =
        !send_certain(j, s) && (pdu->flags & SEND_GROUP_FLAGS) == SEND_GROUP_FLAGS;
}

/* ---- fire and forget ---- */

/* Where one may leave during a send (FAF-2). */
static bool send_between_groups(struct judge_session *s)
{
    const struct judge_operation *operation = judge_sending(s);

    return operation != NULL && operation->started && s->out.window.done && s->out.ended_group;
}

/* `only`: no other one could be meant. */
static bool send_unreliable_waits(struct judge_session *s, const struct sipc_pdu *pdu, size_t *at,
                                  bool *only)
{
    size_t count = 0;

    for (size_t i = 0; i < s->operation_count; i++) {
        const struct judge_operation *operation = &s->operations[i];
        if (operation->kind == JUDGE_SEND_UNRELIABLE && !operation->started &&
            operation->size == pdu->data.size && count++ == 0) {
            *at = i;
        }
    }
    *only = count == 1;
    return count > 0;
}

/* Whether a PDU with a new id is a fire-and-forget message. */
static bool send_is_unreliable(const struct judge *j, struct judge_session *s,
                               const struct sipc_pdu *pdu, size_t *at, bool *only)
{
    struct judge_operation *sending = judge_sending(s);
    bool alone = pdu->seq_nr == 0 && (pdu->flags & SEND_GROUP_FLAGS) == SEND_GROUP_FLAGS;

    if (!alone || !judge_knows(j, JUDGE_NEEDS_COMMANDS) || !s->out.known ||
        !send_unreliable_waits(s, pdu, at, only)) {
        return false;
    }
    /* A message of the same size, about to leave too: the one given first. */
    return sending == NULL || sending->started || sending->size != pdu->data.size ||
           sending->event > s->operations[*at].event;
}

/* A send and a fire-and-forget of one size are about to leave, and the one before of the latter has
 * not left yet, or the send asked for a resync PDU: which of the two goes first no rule says. */
static bool send_is_either(struct judge_session *s, const struct sipc_pdu *pdu)
{
    const struct judge_operation *sending = judge_sending(s);
    size_t at;
    bool only;

    return sending != NULL && !sending->started && sending->size == pdu->data.size &&
           ((s->out.unreliable.open && s->out.unreliable.aftermath_due) ||
            s->out.resync.asker == sending->event) &&
           send_unreliable_waits(s, pdu, &at, &only);
}

static void send_unreliable(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                            const struct judge_event *event, size_t at, bool alone)
{
    const struct judge_own_window *window = &s->out.window;
    bool open = window->open && !window->done && !window->failed;
    bool inside = s->out.group_known && s->out.group_open && window->done && !s->out.ended_group;

    if (send_certain(j, s)) {
        judge_saw(j, JUDGE_UNRELIABLE_INSIDE);
        if (judge_sending(s) != NULL && judge_sending(s)->started && (open || inside)) {
            judge_blame(j, s, JUDGE_UNRELIABLE_INSIDE,
                        "a fire-and-forget to leave between window groups", send_text(j, pdu));
        }
    }
    judge_saw_rule(j, SIPC_RULE_FAF_1);
    s->operations[at].started = true;
    s->out.boundary = 0;
    if (s->operations[at].begun_ns > s->active_ns) {
        s->active_ns = s->operations[at].begun_ns; /* IDL-1 */
    }
    judge_window_begin(j, s, &s->out.unreliable, JUDGE_OWN_UNRELIABLE, pdu, event);
    s->out.unreliable.timer_ns = SIPC_NEVER; /* nothing is awaited */
    s->out.unreliable.asker = alone ? s->operations[at].event : 0;
}

/* ---- PDUs of a window ---- */

static uint64_t send_hash_attributes(const struct sipc_pdu *pdu)
{
    struct sipc_span options = pdu->options;
    struct sipc_option option;
    uint64_t sum = 0;

    while (!judge_is_plain(pdu) && sipc_option_next(&options, &option)) {
        if (option.id != SIPC_OPT_LONG_ATTRIBUTE && !(option.id & SIPC_OPT_FRAMING)) {
            sum += judge_hash_attribute(option.name, option.value);
        }
    }
    return sum;
}

/* OPN-6: in opened, what the session was bound to as it opened. */
static void send_check_bound(struct judge *j, struct judge_session *s,
                             const struct judge_own_window *window,
                             const struct judge_operation *operation, const struct sipc_pdu *pdu)
{
    const uint32_t ends = SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP;
    bool whole = operation->attributes_known && operation->size == pdu->data.size &&
                 window->pieces.size == 0 && operation->attributes == send_hash_attributes(pdu);

    judge_saw_rule(j, SIPC_RULE_OPN_6);
    if (s->unbound == 0 && s->out.group_windows == 0 && (pdu->flags & ends) == ends) {
        judge_blame(j, s, JUDGE_SINGLE_TOO_SOON,
                    "two windows or more till a group was taken, or one received",
                    send_text(j, pdu));
    }
    if (s->unbound != 0 && s->unbound < operation->event && pdu->seq_nr == 0 && whole &&
        !window->retrying && (pdu->flags & ends) == SIPC_OPT_LAST_IN_WINDOW) {
        judge_blame(j, s, JUDGE_RESTRICTION_KEPT, "one window of all there is to send",
                    send_text(j, pdu));
    }
}

/* OPN-3, OPN-4, OPN-6: how many windows, and skip. */
static void send_check_restrictions(struct judge *j, struct judge_session *s,
                                    const struct judge_own_window *window,
                                    const struct sipc_pdu *pdu)
{
    const struct judge_operation *operation = judge_sending(s);
    bool skip = operation != NULL && operation->skip;
    bool first = s->out.message_bytes == 0 && s->out.group_windows == 0;

    if (skip && !(pdu->flags & SIPC_OPT_SKIP) &&
        (!first || pdu->seq_nr > 0 || window->retrying)) { /* else OPN-4 */
        judge_blame(j, s, JUDGE_SKIP_NOT_EVERYWHERE, "skip on every PDU of the message",
                    send_text(j, pdu));
    }
    if (skip) {
        judge_saw(j, JUDGE_SKIP_NOT_EVERYWHERE);
    }
    if (judge_must(s, JUDGE_IN_OPENING) && !s->skip_seen && s->out.group_known) {
        judge_saw_rule(j, SIPC_RULE_OPN_3);
        judge_saw_rule(j, SIPC_RULE_OPN_3a);
        if (!skip && s->out.group_windows == 0 && (pdu->flags & SIPC_OPT_LAST_IN_WINDOW_GROUP)) {
            judge_blame(j, s, JUDGE_SINGLE_SENT, "two windows or more while opening",
                        send_text(j, pdu));
        } else if (!skip && s->out.group_windows == 0 && pdu->seq_nr > 0) {
            judge_blame(j, s, JUDGE_OPENING_WINDOW_LONG, "a first window of one PDU while opening",
                        send_text(j, pdu));
        }
    }
    if (operation != NULL && !skip && s->out.group_known && judge_must(s, JUDGE_IN_OPENED) &&
        s->told != JUDGE_IN_OPENING) {
        send_check_bound(j, s, window, operation, pdu);
    }
}

static void send_check_flags(struct judge *j, struct judge_session *s,
                             struct judge_own_window *window, const struct sipc_pdu *pdu)
{
    uint32_t ends = SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP;

    if (window->kind == JUDGE_OWN_RESYNC) {
        return;
    }
    judge_saw_rule(j, SIPC_RULE_SND_5);
    if ((pdu->flags & ends) == SIPC_OPT_LAST_IN_WINDOW_GROUP) {
        judge_blame(j, s, JUDGE_GROUP_END_ALONE, "last_in_window beside last_in_window_group",
                    send_text(j, pdu));
    }
    if (pdu->seq_nr > 0 && (pdu->flags & SIPC_OPT_FIRST_IN_WINDOW_GROUP)) {
        judge_blame(j, s, JUDGE_BEGINNING_INSIDE, "first_in_window_group on a first PDU only",
                    send_text(j, pdu));
    }
    if (window->kind == JUDGE_OWN_WINDOW && send_certain(j, s)) {
        send_check_restrictions(j, s, window, pdu);
    }
}
static void send_check_bounds(struct judge *j, struct judge_session *s,
                              const struct judge_own_window *window, const struct sipc_pdu *pdu)
{
    if (s->out.known && window->window_bound_known) {
        judge_saw(j, JUDGE_PEERS_SIZE_IGNORED);
        if (judge_count(pdu) == window->window_bound) {
            judge_saw_rule(j, SIPC_RULE_SND_5a);
        }
        if (pdu->seq_nr >= window->window_bound) {
            judge_blame(j, s, JUDGE_PEERS_SIZE_IGNORED,
                        judge_text(j, "windows of at most %lld PDUs, as the peer's acks say",
                                   (long long)window->window_bound),
                        send_text(j, pdu));
        }
    }
    if (j->config.max_window_size >= 0) {
        judge_saw(j, JUDGE_OWN_SIZE_IGNORED);
        if (pdu->seq_nr >= j->config.max_window_size) {
            judge_blame(j, s, JUDGE_OWN_SIZE_IGNORED,
                        judge_text(j, "windows of at most the own max_window_size, %lld",
                                   (long long)j->config.max_window_size),
                        send_text(j, pdu));
        }
    }
}

/* Keeps the pieces of long attributes: only together do they say anything. */
static void send_keep_pieces(struct judge *j, struct judge_session *s,
                             struct judge_own_window *window, struct sipc_span options)
{
    struct sipc_option option;

    for (const uint8_t *at = options.data; sipc_option_next(&options, &option); at = options.data) {
        if (option.id == SIPC_OPT_LONG_ATTRIBUTE &&
            !judge_bytes_add(j, &window->pieces,
                             (struct sipc_span){at, (size_t)(options.data - at)})) {
            s->out.group_known = false;
        }
    }
}

/* Remembers what went out at a place, or compares with it. */
static void send_cut(struct judge *j, struct judge_session *s, struct judge_own_window *window,
                     const struct sipc_pdu *pdu, size_t wire)
{
    size_t at = (size_t)pdu->seq_nr;
    struct judge_cut cut = {.hash = judge_hash(pdu->data),
                            .size = (uint32_t)pdu->data.size,
                            .wire = (uint32_t)wire,
                            .counted =
                                judge_is_plain(pdu) ? 0 : (uint32_t)judge_counted(pdu->options, 0),
                            .attributes = send_hash_attributes(pdu),
                            .flags = pdu->flags};

    if (at < window->cut_count) {
        judge_saw_rule(j, SIPC_RULE_RTY_1);
        if (window->kind == JUDGE_OWN_WINDOW && (window->cuts[at].attributes != cut.attributes ||
                                                 window->cuts[at].counted != cut.counted)) {
            judge_blame(j, s, JUDGE_RETRY_LACKS_ATTRIBUTES,
                        "the attributes that the PDU had when it was first sent",
                        send_text(j, pdu));
        }
        if (window->cuts[at].hash != cut.hash || window->cuts[at].size != cut.size) {
            judge_blame(j, s, JUDGE_ID_USED_AGAIN,
                        "other data under an id of its own, or the same again", send_text(j, pdu));
            cut.pieces_end = window->cuts[at].pieces_end;
            window->cuts[at] = cut;
        }
        return;
    }
    if (at != window->cut_count || at >= JUDGE_CUT_MAX) {
        return;
    }
    if (at == window->cut_capacity) {
        size_t capacity = window->cut_capacity * 2 + 8;
        struct judge_cut *cuts = realloc(window->cuts, capacity * sizeof *cuts);
        if (cuts == NULL) {
            return;
        }
        window->cuts = cuts;
        window->cut_capacity = capacity;
    }
    if (!judge_is_plain(pdu)) {
        send_keep_pieces(j, s, window, pdu->options);
    }
    cut.pieces_end = window->pieces.size;
    window->cuts[window->cut_count++] = cut;
}

/* SND-3: what the application gave goes with each group, once; OPT-7: so that the pieces of what is
 * long give it again. */
static void send_check_attributes(struct judge *j, struct judge_session *s, uint64_t attributes,
                                  const struct judge_bytes *pieces)
{
    const struct judge_operation *operation = judge_sending(s);
    uint64_t long_attributes = 0;

    if (operation == NULL || !operation->attributes_known || !send_certain(j, s)) {
        return;
    }
    if (pieces->size > 0) {
        judge_saw(j, JUDGE_SENT_BAD_PIECES);
        if (!judge_hash_pieces((struct sipc_span){pieces->data, pieces->size}, &long_attributes) ||
            attributes + long_attributes != operation->attributes) {
            judge_blame(j, s, JUDGE_SENT_BAD_PIECES,
                        "pieces that give the long attributes of the message",
                        "pieces that give others, or none");
        }
        return;
    }
    judge_saw(j, JUDGE_GROUP_LACKS_ATTRIBUTES);
    if (attributes != operation->attributes) {
        judge_blame(j, s, JUDGE_GROUP_LACKS_ATTRIBUTES,
                    "all attributes of the message with each of its groups", "a group with others");
    }
}

static void send_check_pieces(struct judge *j, struct judge_session *s,
                              const struct judge_own_window *window, uint64_t attributes)
{
    struct judge_bytes all = {0};
    const struct judge_bytes *before = &s->out.group_pieces, *now = &window->pieces;

    if (judge_bytes_add(j, &all, (struct sipc_span){before->data, before->size}) &&
        judge_bytes_add(j, &all, (struct sipc_span){now->data, now->size})) {
        send_check_attributes(j, s, attributes, &all);
    }
    judge_bytes_clear(j, &all);
}

static void send_check_group(struct judge *j, struct judge_session *s,
                             const struct judge_own_window *window, const struct sipc_pdu *pdu)
{
    size_t counted = s->out.group_counted, wire = s->out.group_wire;
    uint64_t attributes = s->out.group_attributes;
    size_t limit = (size_t)j->config.group_bytes_max;

    if (window->kind != JUDGE_OWN_WINDOW || !s->out.group_known ||
        window->cut_count != (size_t)judge_count(pdu)) {
        return;
    }
    for (size_t i = 0; i < window->cut_count; i++) {
        counted += window->cuts[i].size + window->cuts[i].counted;
        wire += window->cuts[i].wire;
        attributes += window->cuts[i].attributes;
    }
    if ((pdu->flags & SIPC_OPT_LAST_IN_WINDOW_GROUP) != 0) {
        send_check_pieces(j, s, window, attributes);
    }
    judge_saw(j, JUDGE_GROUP_TOO_LARGE);
    judge_saw(j, JUDGE_GROUP_TOO_LARGE_ON_WIRE);
    if (counted > limit) {
        judge_blame(j, s, JUDGE_GROUP_TOO_LARGE, judge_text(j, "at most %zu bytes a group", limit),
                    judge_text(j, "%zu with %s", counted, send_text(j, pdu)));
    } else if (wire > limit) {
        judge_blame(j, s, JUDGE_GROUP_TOO_LARGE_ON_WIRE,
                    judge_text(j, "at most %zu bytes of PDUs a group", limit),
                    judge_text(j, "%zu with %s", wire, send_text(j, pdu)));
    }
}

/* In succession: each after the aftermath of the one before (SND-6), or on an ack (SND-9). */
static void send_in_succession(struct judge *j, struct judge_session *s,
                               struct judge_own_window *window, const struct sipc_pdu *pdu)
{
    if (pdu->seq_nr > 0) {
        judge_saw(j, JUDGE_AFTERMATH_NOT_AWAITED);
        if (window->aftermath_due && window->next != pdu->seq_nr) {
            judge_blame(j, s, JUDGE_AFTERMATH_NOT_AWAITED,
                        judge_text(j, "seq_nr %ld after the aftermath of the PDU before",
                                   (long)pdu->seq_nr),
                        "it was sent before");
        }
    }
    window->sent = judge_count(pdu);
}

/* The next of a retry, or something that is no next. */
static void send_one_at_a_time(struct judge *j, struct judge_session *s,
                               struct judge_own_window *window, const struct sipc_pdu *pdu)
{
    judge_saw(j, JUDGE_RETRY_WITHOUT_ACK);
    judge_saw(j, JUDGE_RETRY_BY_OLD_ACK);
    if (pdu->seq_nr == window->next) {
        window->tried = judge_count(pdu);
        return;
    }
    bool early = pdu->seq_nr == window->next_early;
    bool strange = pdu->seq_nr == window->refused_next;
    judge_blame(j, s,
                early     ? JUDGE_RETRY_BY_OLD_ACK
                : strange ? JUDGE_MOVED_BY_STRANGE_ACK
                          : JUDGE_RETRY_WITHOUT_ACK,
                window->next >= 0 ? judge_text(j, "seq_nr %ld, as the ack says", (long)window->next)
                                  : "one PDU at a time in a retry, each after an ack of the retry",
                send_text(j, pdu));
    window->tried = judge_count(pdu);
}

/* PRT-1: part of the window was taken; the rest goes on under another id. */
static bool send_keeps_cut_id(struct judge *j, struct judge_session *s,
                              struct judge_own_window *window, const struct sipc_pdu *pdu)
{
    if (!window->done || window->kind != JUDGE_OWN_WINDOW || window->taken == window->length ||
        !judge_knows(j, JUDGE_NEEDS_SYNC)) {
        return false;
    }
    judge_blame(j, s, JUDGE_CUT_KEEPS_ID,
                judge_text(j, "the rest of window %lld, of which %ld were taken, under a new id",
                           (long long)window->id, (long)window->taken),
                send_text(j, pdu));
    return true;
}

static void send_order(struct judge *j, struct judge_session *s, struct judge_own_window *window,
                       const struct sipc_pdu *pdu)
{
    bool sent_before = pdu->seq_nr < window->sent;

    if (window->unsure) {
        window->sent = sent_before ? window->sent : judge_count(pdu);
        return;
    }
    judge_saw(j, JUDGE_SEQ_NR_GAP);
    if (send_keeps_cut_id(j, s, window, pdu)) {
        return;
    }
    if (window->length >= 0 && pdu->seq_nr >= window->length) {
        judge_blame(j, s, JUDGE_PDU_BEHIND_LAST,
                    judge_text(j, "no PDU behind last_in_window, %ld", (long)window->length - 1),
                    send_text(j, pdu));
    } else if (pdu->seq_nr == 0 && window->sent > 0) {
        judge_retry_begin(j, s, window);
    } else if (window->retrying) {
        send_one_at_a_time(j, s, window, pdu);
    } else if (pdu->seq_nr == window->sent) {
        send_in_succession(j, s, window, pdu);
    } else {
        judge_blame(j, s, sent_before ? JUDGE_RETRY_NOT_FROM_FIRST : JUDGE_SEQ_NR_GAP,
                    judge_text(j, "seq_nr %ld", sent_before ? 0L : (long)window->sent),
                    send_text(j, pdu));
        window->sent = sent_before ? window->sent : judge_count(pdu);
    }
}

void judge_tx_window(struct judge *j, struct judge_session *s, struct judge_own_window *window,
                     const struct sipc_pdu *pdu, const struct judge_event *event)
{
    if (window->sent == 0) {
        window->window_bound = s->out.peer_window;
        window->window_bound_known = s->out.peer_window > 0;
    }
    send_order(j, s, window, pdu);
    if (window->kind != JUDGE_OWN_CLOSE) {
        send_check_flags(j, s, window, pdu);
        send_check_bounds(j, s, window, pdu);
    }
    send_cut(j, s, window, pdu, event->pdu.size);
    send_check_group(j, s, window, pdu);
    if (pdu->flags & SIPC_OPT_LAST_IN_WINDOW) {
        window->length = judge_count(pdu);
        if (!window->retrying && window->kind == JUDGE_OWN_WINDOW) {
            window->ends_group = (pdu->flags & SIPC_OPT_LAST_IN_WINDOW_GROUP) != 0;
        }
    }
    window->next = -1;
    window->refused_count = false;
    window->moved_ns = SIPC_NEVER;
    window->sent_ns = j->now_ns;
    window->token = event->token;
    window->aftermath_due = judge_knows(j, JUDGE_NEEDS_AFTERMATHS) && event->token != 0;
    window->timer_ns = SIPC_NEVER;
    if (!window->aftermath_due) {
        judge_timer_start(j, window);
    }
}

/* ---- data ---- */

static bool send_is_empty(const struct sipc_pdu *pdu)
{
    return pdu->opcode == SIPC_DATA && pdu->seq_nr == 0 && pdu->options.size == 0 &&
           pdu->data.size == 0;
}

/* A resync PDU leaves. Only those that one operation needs are tries of each other (RTY-3): what a
 * fire-and-forget sends is sent once, by itself or between the groups of a send (WID-11). */
static void send_resync(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                        const struct judge_event *event)
{
    struct judge_own_window *resync = &s->out.resync;
    const struct judge_operation *asker = judge_resync_asker(s);
    bool again = resync->open && resync->id == pdu->window_id && asker != NULL &&
                 asker->event == resync->asker;

    s->out.resync_ns = j->now_ns;
    resync->shared = again && (resync->shared || send_between_groups(s));
    if (again) {
        judge_tx_window(j, s, resync, pdu, event);
        return;
    }
    judge_window_begin(j, s, resync, JUDGE_OWN_RESYNC, pdu, event);
    resync->asker = asker != NULL ? asker->event : 0;
    resync->shared = send_between_groups(s);
}

static bool send_after_end(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu)
{
    judge_saw(j, JUDGE_DATA_AFTER_CLOSE);
    if (s->out.close_sent) {
        judge_blame(j, s, JUDGE_DATA_AFTER_CLOSE, "no data after the close PDU", send_text(j, pdu));
        return true;
    }
    if (s->closed_by_peer && judge_must(s, JUDGE_IN_AWAITING) && judge_knows(j, JUDGE_NEEDS_SYNC)) {
        judge_blame(j, s, JUDGE_DATA_AFTER_PEERS_CLOSE, "no data after the peer's close",
                    send_text(j, pdu));
        return true;
    }
    return false;
}

void judge_tx_data(struct judge *j, struct judge_session *s, const struct sipc_pdu *pdu,
                   const struct judge_event *event)
{
    struct judge_outbound *out = &s->out;
    bool only;
    size_t at;

    s->quiet_ns = j->now_ns;
    if (send_after_end(j, s, pdu)) {
        return;
    }
    if (out->window.open && out->window.id == pdu->window_id) {
        judge_tx_window(j, s, &out->window, pdu, event);
    } else if (out->unreliable.open && out->unreliable.id == pdu->window_id &&
               pdu->window_id <= out->highest && !judge_own_id_wraps(j, out, pdu->window_id)) {
        judge_blame(j, s, JUDGE_UNRELIABLE_AGAIN, "a fire-and-forget to be sent once",
                    send_text(j, pdu));
    } else if (send_is_empty(pdu)) {
        send_resync(j, s, pdu, event);
    } else if (send_is_either(s, pdu)) {
        judge_forget_outbound(j, s);
        send_begin(j, s, pdu, event);
    } else if (send_is_unreliable(j, s, pdu, &at, &only)) {
        send_unreliable(j, s, pdu, event, at, only);
    } else {
        send_begin(j, s, pdu, event);
    }
}
