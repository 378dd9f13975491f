/* The window group: its limit (GRP-1, GRP-3), its long attributes (OPT-7, OPT-8), and what is
 * handed over of it (RCV-2, RCV-8, RCV-9, OPT-5, OPT-6). SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static bool group_is_framing(uint32_t id)
{
    return (id & SIPC_OPT_FRAMING) != 0;
}

size_t judge_counted(struct sipc_span options, size_t data_size)
{
    struct sipc_option option;
    size_t sum = data_size;

    while (sipc_option_next(&options, &option)) {
        if (!group_is_framing(option.id)) {
            sum += option.name.size + option.value.size;
        }
    }
    return sum;
}

/* Moves the first `count` PDUs of the current window to the group. false: out of memory. */
bool judge_group_take(struct judge *j, struct judge_session *s, size_t count, struct judge_due *ack)
{
    struct judge_group *group = &s->in.group;
    size_t taken = 0;

    (void)ack;
    for (size_t i = 0; i < s->in.held_count && taken < count; i++) {
        const struct judge_held *held = &s->in.held[i];
        if (held->ghost != JUDGE_CHECK_COUNT) {
            continue;
        }
        struct sipc_span options = {0}, data = {0};
        if (held->bytes.size > 0) {
            options = (struct sipc_span){held->bytes.data, held->options_size};
            data = (struct sipc_span){held->bytes.data + held->options_size,
                                      held->bytes.size - held->options_size};
        }
        if ((!held->plain && !judge_bytes_add(j, &group->options, options)) ||
            !judge_bytes_add(j, &group->data, data)) {
            return false;
        }
        group->counted += held->plain ? data.size : judge_counted(options, data.size);
        group->wire += held->wire_size;
        taken++;
    }
    group->windows++;
    group->doubtful |= s->in.doubtful;
    return true;
}

void judge_group_overflow(struct judge *j, struct judge_inbound *in)
{
    judge_group_clear(j, &in->old_group);
    in->old_group = in->group;
    in->group = (struct judge_group){0};
    in->old_overflowed = true;
}

/* ---- attributes as they must come out ---- */

struct group_list {
    struct judge_attribute *items;
    size_t count, capacity;
    struct judge_bytes *texts; /* decoded long ones */
    size_t text_count;
    unsigned long highest; /* of the numbers that are their keys */
    bool broken;           /* a long attribute that cannot be decoded */
    bool untested;
};

static bool group_list_add(struct group_list *list, struct sipc_span name, struct sipc_span value)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity * 2 + 8;
        struct judge_attribute *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL) {
            return false;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct judge_attribute){name, value};
    return true;
}

static void group_list_clear(struct group_list *list)
{
    for (size_t i = 0; i < list->text_count; i++) {
        free(list->texts[i].data);
    }
    free(list->texts);
    free(list->items);
}

static bool group_same(struct sipc_span a, struct sipc_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* The pieces of all options with this name, joined and split. */
static void group_join(struct group_list *list, struct sipc_span options, struct sipc_span key,
                       size_t size)
{
    struct judge_bytes *texts = realloc(list->texts, (list->text_count + 1) * sizeof *texts);
    struct sipc_option option;
    struct sipc_span name, value;
    uint8_t *text = malloc(size + 1);
    size_t used = 0;

    if (texts != NULL) {
        list->texts = texts;
    }
    if (texts == NULL || text == NULL) {
        free(text);
        list->untested = true;
        return;
    }
    list->texts[list->text_count++] = (struct judge_bytes){text, 0, 0};
    while (sipc_option_next(&options, &option)) {
        if (group_same(option.name, key) &&
            !sipc_long_attribute_join(option.value, text, size, &used)) {
            list->broken = true;
            return;
        }
    }
    if (!sipc_long_attribute_split((struct sipc_span){text, used}, &name, &value)) {
        list->broken = true;
    } else if (!group_is_framing(sipc_option_find(name)) && !group_list_add(list, name, value)) {
        list->untested = true;
    }
}

static bool group_piece_is_first(struct sipc_span options, const uint8_t *at, struct sipc_span name)
{
    struct sipc_option option;

    while (sipc_option_next(&options, &option) && option.name.data < at) {
        if (group_same(option.name, name)) {
            return false;
        }
    }
    return true;
}

static bool group_key_is_number(struct sipc_span name)
{
    for (size_t i = 4; i < name.size; i++) {
        if (name.data[i] < '0' || name.data[i] > '9') {
            return false;
        }
    }
    return name.size > 4 && name.size < 14;
}

static void group_key_count(struct group_list *list, struct sipc_span name)
{
    unsigned long number = 0;

    for (size_t i = 4; i < name.size && i < 14; i++) {
        number = number * 10 + (unsigned long)(name.data[i] - '0');
    }
    list->highest = number > list->highest ? number : list->highest;
}

static void group_read(struct group_list *list, struct sipc_span all)
{
    struct sipc_span rest = all;
    struct sipc_option option;

    while (sipc_option_next(&rest, &option)) {
        if (group_is_framing(option.id)) {
            continue;
        }
        if (option.id != SIPC_OPT_LONG_ATTRIBUTE) {
            list->untested |= !group_list_add(list, option.name, option.value);
            continue;
        }
        list->untested |= !group_key_is_number(option.name); /* OPT-7a */
        group_key_count(list, option.name);
        if (group_piece_is_first(all, option.name.data, option.name)) {
            group_join(list, all, option.name, all.size);
        }
    }
}

bool judge_hash_pieces(struct sipc_span pieces, uint64_t *sum)
{
    struct group_list list = {0};
    bool sound;

    group_read(&list, pieces);
    for (size_t i = 0; i < list.count; i++) {
        *sum += judge_hash_attribute(list.items[i].name, list.items[i].value);
    }
    /* OPT-7: n = 0, 1, ... */
    sound = !list.broken && !list.untested && list.highest + 1 == list.text_count;
    group_list_clear(&list);
    return sound;
}

/* ---- the end of a group ---- */

static enum judge_validity group_decodes(struct sipc_span options)
{
    struct group_list list = {0};
    enum judge_validity result;

    group_read(&list, options);
    result = list.untested ? JUDGE_UNTESTED : list.broken ? JUDGE_INVALID : JUDGE_VALID;
    group_list_clear(&list);
    return result;
}

/* The window that was just moved to the group ended it: what its ack must say, and what must be
 * handed over. `ack` may be NULL. */
void judge_group_ended(struct judge *j, struct judge_session *s, struct judge_due *ack)
{
    struct judge_group *group = &s->in.group;
    struct sipc_span options = {group->options.data, group->options.size};
    unsigned must = ack != NULL ? ack->must_fail : 0;

    switch (group_decodes(options)) {
    case JUDGE_INVALID:
        must |= JUDGE_E251;
        judge_saw_rule(j, SIPC_RULE_OPT_8);
        break;
    case JUDGE_UNTESTED:
        if (ack != NULL) {
            ack->may_fail |= JUDGE_E251;
        }
        group->doubtful = true;
        judge_saw_rule(j, SIPC_RULE_OPT_7a);
        break;
    default:
        break;
    }
    bool opening = judge_may(s, JUDGE_IN_OPENING) && !s->skip_seen;
    if (opening && group->windows == 1) {
        must |= judge_must(s, JUDGE_IN_OPENING) ? JUDGE_E253 : 0;
        if (ack != NULL) {
            ack->may_fail |= JUDGE_E253;
        }
    }
    if (ack != NULL) {
        ack->must_fail = must;
    }
    if (must == 0) {
        judge_saw(j, JUDGE_SINGLE_REFUSED);
        if (opening) {
            judge_saw_rule(j, SIPC_RULE_STM_1);
            judge_enter(j, s, JUDGE_STATE_OPENED);
        }
        struct judge_due *due = judge_owe(j, s, JUDGE_DUE_DELIVER, JUDGE_NOT_DELIVERED);
        if (due != NULL) {
            due->data = group->data;
            due->options = group->options;
            due->doubtful = group->doubtful;
            due->old = s->in.old_group.data;
            due->old_overflowed = s->in.old_overflowed;
            group->data = group->options = s->in.old_group.data = (struct judge_bytes){0};
        }
    }
}

/* ---- what the application got ---- */

/* The n-th attribute with this name in a list. */
static const struct judge_attribute *group_nth(const struct judge_attribute *items, size_t count,
                                               struct sipc_span name, size_t n)
{
    for (size_t i = 0; i < count; i++) {
        if (group_same(items[i].name, name) && n-- == 0) {
            return &items[i];
        }
    }
    return NULL;
}

static size_t group_place(const struct judge_attribute *items, size_t at)
{
    size_t n = 0;

    for (size_t i = 0; i < at; i++) {
        n += group_same(items[i].name, items[at].name);
    }
    return n;
}

static bool group_holds(const struct judge_attribute *items, size_t count,
                        const struct judge_attribute *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (group_same(items[i].name, wanted->name) && group_same(items[i].value, wanted->value)) {
            return true;
        }
    }
    return false;
}

/* An attribute that should be there is not, or not in its place. */
static bool group_blame_missing(struct judge *j, struct judge_session *s,
                                const struct group_list *list, const struct judge_event *event)
{
    for (size_t i = 0; i < list->count && list->count <= 1024; i++) {
        const struct judge_attribute *want = &list->items[i];
        const struct judge_attribute *got = group_nth(event->attributes, event->attribute_count,
                                                      want->name, group_place(list->items, i));
        if (got != NULL && group_same(got->value, want->value)) {
            continue;
        }
        bool there = group_holds(event->attributes, event->attribute_count, want);
        bool is_long = list->text_count > 0;
        judge_blame(j, s,
                    there     ? JUDGE_ATTRIBUTE_ORDER
                    : is_long ? JUDGE_ATTRIBUTE_LONG
                              : JUDGE_ATTRIBUTE_LOST,
                    judge_text(j, "the attribute \"%.*s\" with %zu bytes%s",
                               (int)(want->name.size < 40 ? want->name.size : 40),
                               (const char *)want->name.data, want->value.size,
                               there ? ", in the order they came" : ""),
                    got != NULL ? judge_text(j, "one with %zu bytes in its place", got->value.size)
                                : "none");
        return true;
    }
    return false;
}

/* An attribute too many. */
static void group_blame_extra(struct judge *j, struct judge_session *s,
                              const struct group_list *list, const struct judge_event *event)
{
    for (size_t i = 0; i < event->attribute_count && event->attribute_count <= 1024; i++) {
        const struct judge_attribute *got = &event->attributes[i];
        if (group_nth(list->items, list->count, got->name, group_place(event->attributes, i)) !=
            NULL) {
            continue;
        }
        bool framing = group_is_framing(sipc_option_find(got->name));
        judge_blame(j, s, framing ? JUDGE_FRAMING_DELIVERED : JUDGE_ATTRIBUTE_EXTRA,
                    framing ? "no framing option" : "the attributes that were sent",
                    judge_text(j, "\"%.*s\"", (int)(got->name.size < 40 ? got->name.size : 40),
                               (const char *)got->name.data));
        return;
    }
}

static void group_compare(struct judge *j, struct judge_session *s, const struct judge_due *due,
                          const struct judge_event *event)
{
    struct sipc_span data = {due->data.data, due->data.size};
    struct sipc_span old = {due->old.data, due->old.size};
    struct group_list list = {0};
    size_t at = 0;

    if (due->doubtful) {
        return;
    }
    judge_saw(j, JUDGE_DELIVERED_DATA);
    if (!group_same(data, event->data)) {
        bool old_too = old.size > 0 && event->data.size == old.size + data.size &&
                       memcmp(event->data.data, old.data, old.size) == 0;
        while (at < data.size && at < event->data.size && data.data[at] == event->data.data[at]) {
            at++;
        }
        judge_blame(j, s,
                    !old_too              ? JUDGE_DELIVERED_DATA
                    : due->old_overflowed ? JUDGE_OVERFLOW_KEPT
                                          : JUDGE_OLD_GROUP_DELIVERED,
                    judge_text(j, "%zu bytes", data.size),
                    judge_text(j, "%zu bytes, different from byte %zu on", event->data.size, at));
        return;
    }
    group_read(&list, (struct sipc_span){due->options.data, due->options.size});
    if (!list.untested) {
        judge_saw_rule(j, SIPC_RULE_RCV_8a);
        if (list.count > 0) {
            judge_saw_rule(j, SIPC_RULE_OPT_5);
            judge_saw_rule(j, SIPC_RULE_OPT_6);
            judge_saw_rule(j, SIPC_RULE_OPT_9);
        }
        if (list.text_count > 0) {
            judge_saw_rule(j, SIPC_RULE_OPT_7);
        }
        if (!group_blame_missing(j, s, &list, event)) {
            group_blame_extra(j, s, &list, event);
        }
    }
    group_list_clear(&list);
}

static void group_unexpected(struct judge *j, struct judge_session *s)
{
    const char *found = "a group handed over that was not complete, or for the second time";
    bool alone = false; /* last_in_window_group without last_in_window (RCV-7) */

    if ((!s->in.known && !judge_must(s, JUDGE_IN_DISPOSED)) || judge_blame_cause(j, s, found) ||
        !s->in.known ||
        judge_blame_refusal(j, s, JUDGE_E_ANY, "a group handed over that had to be refused")) {
        return;
    }
    for (size_t i = 0; i < s->in.held_count; i++) {
        uint32_t both = SIPC_OPT_LAST_IN_WINDOW | SIPC_OPT_LAST_IN_WINDOW_GROUP;
        alone |= (s->in.held[i].flags & both) == SIPC_OPT_LAST_IN_WINDOW_GROUP;
    }
    judge_blame(j, s, alone ? JUDGE_DELIVERED_IN_PART : JUDGE_DELIVERED_TWICE,
                alone ? "no end of the group without last_in_window" : "no group to be handed over",
                found);
    judge_forget_inbound(j, s);
}

void judge_deliver(struct judge *j, struct judge_session *s, const struct judge_event *event)
{
    if (s == NULL) {
        return;
    }
    s->unbound = s->unbound != 0 ? s->unbound : j->event; /* OPN-6 */
    for (size_t i = 0; i < s->due_count; i++) {
        if (s->dues[i].kind != JUDGE_DUE_DELIVER) {
            continue;
        }
        struct judge_due due = s->dues[i];
        s->dues[i].data = s->dues[i].options = s->dues[i].old = (struct judge_bytes){0};
        judge_due_drop(j, s, i);
        group_compare(j, s, &due, event);
        judge_idle_wish(j, s, (struct sipc_span){due.options.data, due.options.size}, due.doubtful);
        judge_bytes_clear(j, &due.data);
        judge_bytes_clear(j, &due.options);
        judge_bytes_clear(j, &due.old);
        judge_saw(j, JUDGE_DELIVERED_TWICE);
        judge_saw_rule(j, SIPC_RULE_RCV_8);
        return;
    }
    s->wish_ms = -1;
    group_unexpected(j, s);
}
