/* Commands that are refused, and those that have to be: SND-1, SND-3a, SND-4, SND-5a, FAF-2a,
 * FAF-3, OPN-4 to OPN-6. An endpoint may have reasons of its own to refuse, and need not tell them:
 * so a refusal is blamed only of a message that asks nothing of it, where a rule says that this
 * moment or this message is none to refuse. SPDX-License-Identifier: MIT */
#include <string.h>

#include "internal.h"

enum {
    REFUSE_OPTION_SIZE = 5,   /* of an option beside name and value (OPT-1) */
    REFUSE_FRAMING_SIZE = 13, /* of a boolean option, as s_00 */
};
#define REFUSE_NOTHING JUDGE_CHECK_COUNT

struct refuse_message {
    bool forbidden; /* names that SND-4 does not allow */
    bool plain;     /* text that any endpoint can send, in values that it can have */
    bool known;     /* names of the protocol that SND-4 allows */
    size_t encoded; /* bytes of options, at least */
};

/* Both halves of the session are seen, and it says of no other state than is known of it. */
static bool refuse_certain(const struct judge *j, const struct judge_session *s)
{
    return (s->told == 0 || (s->told & s->states) != 0) && s->out.known && s->in.known &&
           !s->operations_lost && !s->close_asked && !j->shutting_down &&
           judge_knows(j, JUDGE_NEEDS_SYNC | JUDGE_NEEDS_EVENTS | JUDGE_NEEDS_COMMANDS);
}

static bool refuse_is_text(struct sipc_span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == 0 || text.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool refuse_is_value(uint32_t id, struct sipc_span value)
{
    int32_t number;
    bool flag;

    return id == SIPC_OPT_IDLE_TIMEOUT
               ? sipc_option_parse_int(value, &number)
               : id != SIPC_OPT_SKIP || sipc_option_parse_bool(value, &flag);
}

static struct refuse_message refuse_read(const struct judge_event *event)
{
    const uint32_t forbidden =
        (SIPC_OPT_FRAMING & ~(uint32_t)SIPC_OPT_SKIP) | SIPC_OPT_LONG_ATTRIBUTE;
    struct refuse_message message = {.plain = event->attributes != NULL};

    for (size_t i = 0; i < event->attribute_count; i++) {
        const struct judge_attribute *a = &event->attributes[i];
        const uint32_t id = sipc_option_find(a->name);
        bool nul = a->name.size > 0 && memchr(a->name.data, 0, a->name.size) != NULL;
        message.forbidden |= (id & forbidden) != 0 || nul;
        message.known |= id != 0 && (id & forbidden) == 0;
        message.plain &=
            refuse_is_text(a->name) && refuse_is_text(a->value) && refuse_is_value(id, a->value);
        message.encoded +=
            id == SIPC_OPT_SKIP ? 0 : REFUSE_OPTION_SIZE + a->name.size + a->value.size;
    }
    return message;
}

/* FAF-1, FAF-3: what the one PDU of a fire-and-forget has at least. */
static uint64_t refuse_pdu_size(const struct judge_operation *operation,
                                const struct refuse_message *message)
{
    return SIPC_PDU_SIZE_MIN + (operation->skip ? 4u : 3u) * REFUSE_FRAMING_SIZE +
           message->encoded + operation->size;
}

/* ---- what has to be refused ---- */

static enum judge_check refuse_must(const struct judge *j, struct judge_session *s,
                                    const struct judge_operation *operation,
                                    const struct refuse_message *message)
{
    const struct judge_config *config = &j->config;

    if (!refuse_certain(j, s) || !judge_must(s, JUDGE_IN_LIVING)) {
        return REFUSE_NOTHING;
    }
    if (operation->kind == JUDGE_CLOSE) {
        bool beside = judge_must(s, JUDGE_IN_OPENED) && judge_sending(s) != NULL;
        return beside && operation->code == SIPC_ABORT_NORMAL ? JUDGE_CLOSE_BESIDE_SEND
                                                              : REFUSE_NOTHING;
    }
    if (message->forbidden) {
        return JUDGE_NAME_TAKEN;
    }
    if (config->attribute_limit >= 0 && message->encoded > (uint64_t)config->attribute_limit) {
        return JUDGE_ATTRIBUTES_TAKEN;
    }
    if (operation->kind != JUDGE_SEND_UNRELIABLE) {
        return REFUSE_NOTHING;
    }
    if (config->mtu >= 0 && refuse_pdu_size(operation, message) > (uint64_t)config->mtu) {
        return JUDGE_UNRELIABLE_TOO_LARGE;
    }
    bool bound = judge_must(s, JUDGE_IN_OPENING) || (judge_must(s, JUDGE_IN_OPENED) && !s->unbound);
    return bound && !operation->skip ? JUDGE_UNRELIABLE_EARLY : REFUSE_NOTHING;
}

/* ---- what must not be ---- */

/* Nothing about the message itself is a reason. */
static bool refuse_is_plain(const struct judge *j, const struct judge_operation *operation,
                            const struct refuse_message *message)
{
    const struct judge_config *config = &j->config;
    const int64_t room =
        config->mtu < config->group_bytes_max ? config->mtu : config->group_bytes_max;

    return message->plain && !message->forbidden && operation->number != 0 && room > 0 &&
           config->attribute_limit >= 0 && message->encoded <= (uint64_t)config->attribute_limit &&
           SIPC_PDU_SIZE_MIN + 4 * REFUSE_FRAMING_SIZE + message->encoded + 1 <= (uint64_t)room &&
           (operation->kind == JUDGE_SEND || refuse_pdu_size(operation, message) <= (uint64_t)room);
}

/* By what the message is; a message like any other: nothing. */
static enum judge_check refuse_by_message(const struct judge_operation *operation,
                                          const struct refuse_message *message)
{
    if (message->known) {
        return JUDGE_NAME_REFUSED;
    }
    return operation->size == 0 ? JUDGE_EMPTY_REFUSED : REFUSE_NOTHING;
}

static enum judge_check refuse_send(const struct judge *j, struct judge_session *s,
                                    const struct judge_operation *operation,
                                    const struct refuse_message *message)
{
    if (judge_sending(s) != NULL) {
        return REFUSE_NOTHING;
    }
    if (judge_must(s, JUDGE_IN_OPENING) && s->in.receiving) {
        const uint64_t turns = (uint64_t)j->config.max_retry_count + 1;
        const uint64_t span = judge_ms(j->config.ack_timeout_ms) * turns;
        bool silent =
            j->config.ack_timeout_ms > 0 && j->config.max_retry_count >= 0 &&
            judge_after(judge_after(s->in.applied_ns, span), j->config.late_ns) < j->now_ns;
        return operation->skip ? JUDGE_SKIP_REFUSED
               : silent        ? JUDGE_SILENT_PEER_AWAITED
                               : REFUSE_NOTHING;
    }
    if (judge_must(s, JUDGE_IN_OPENING) && s->in.refused && !operation->skip) {
        return JUDGE_SEND_STILL_REFUSED;
    }
    return refuse_by_message(operation, message);
}

static enum judge_check refuse_unreliable(const struct judge *j, struct judge_session *s,
                                          const struct judge_operation *operation,
                                          const struct refuse_message *message)
{
    bool free = judge_must(s, JUDGE_IN_OPENED) && s->unbound != 0;

    for (size_t i = 0; i < s->operation_count; i++) {
        if (s->operations[i].kind == JUDGE_SEND_UNRELIABLE) {
            return REFUSE_NOTHING; /* the queue may be full */
        }
    }
    if (j->config.unreliable_queue <= 0 || (!operation->skip && !free)) {
        return REFUSE_NOTHING;
    }
    if (message->known) {
        return JUDGE_NAME_REFUSED;
    }
    return operation->skip ? JUDGE_UNRELIABLE_REFUSED : JUDGE_RESTRICTION_KEPT;
}

static enum judge_check refuse_must_not(const struct judge *j, struct judge_session *s,
                                        const struct judge_operation *operation,
                                        const struct refuse_message *message)
{
    if (!refuse_certain(j, s) || !refuse_is_plain(j, operation, message) ||
        (!judge_must(s, JUDGE_IN_OPENING) && !judge_must(s, JUDGE_IN_OPENED))) {
        return REFUSE_NOTHING;
    }
    return operation->kind == JUDGE_SEND ? refuse_send(j, s, operation, message)
                                         : refuse_unreliable(j, s, operation, message);
}

/* ---- a command, and how it ends ---- */

void judge_refuse_begin(struct judge *j, struct judge_session *s, const struct judge_event *event,
                        struct judge_operation *operation)
{
    const struct refuse_message message = refuse_read(event);

    operation->taken = refuse_must(j, s, operation, &message);
    operation->refused = operation->taken != REFUSE_NOTHING || operation->kind == JUDGE_CLOSE
                             ? REFUSE_NOTHING
                             : refuse_must_not(j, s, operation, &message);
    if (operation->taken != REFUSE_NOTHING) {
        judge_saw(j, operation->taken);
        j->commanded = s;
        j->commanded_operation = operation->number;
    }
    if (operation->refused != REFUSE_NOTHING) {
        judge_saw(j, operation->refused);
    }
}

static void refuse_blame_taken(struct judge *j, struct judge_session *s,
                               struct judge_operation *operation)
{
    if (operation->taken != REFUSE_NOTHING) {
        judge_blame(j, s, operation->taken,
                    operation->taken == JUDGE_NAME_TAKEN
                        ? "a message with a name of the protocol, or a NUL, to be refused"
                    : operation->taken == JUDGE_ATTRIBUTES_TAKEN
                        ? judge_text(j, "attributes of more than %lld bytes to be refused",
                                     (long long)j->config.attribute_limit)
                    : operation->taken == JUDGE_UNRELIABLE_TOO_LARGE
                        ? "a fire-and-forget that fits no PDU to be refused"
                    : operation->taken == JUDGE_UNRELIABLE_EARLY
                        ? "a fire-and-forget without skip to be refused"
                        : "a close beside a send to be refused",
                    "it was taken");
        operation->taken = REFUSE_NOTHING;
    }
}

void judge_refuse_settle(struct judge *j)
{
    struct judge_session *s = j->commanded;
    size_t at;

    j->commanded = NULL;
    if (s != NULL && judge_operation_find(s, j->commanded_operation, &at)) {
        refuse_blame_taken(j, s, &s->operations[at]);
    }
}

/* SND-1: a close that was to wait for the send, or to be refused, ends it. */
static bool refuse_send_harmed(const struct judge *j, const struct judge_session *s,
                               const struct judge_event *event)
{
    bool beside = false;

    for (size_t i = 0; i < s->operation_count; i++) {
        const struct judge_operation *close = &s->operations[i];
        if (close->kind == JUDGE_CLOSE) {
            if (close->code != SIPC_ABORT_NORMAL) {
                return false;
            }
            beside |= close->taken == JUDGE_CLOSE_BESIDE_SEND;
        }
    }
    return beside && event->outcome == JUDGE_OUTCOME_CLOSED && event->code == SIPC_ABORT_NORMAL &&
           !s->closed_by_peer && !s->nacked && !j->shutting_down && !j->flooded &&
           !judge_may(s, JUDGE_IN_DISPOSED);
}

void judge_refuse_result(struct judge *j, struct judge_session *s,
                         const struct judge_operation *operation, const struct judge_event *event)
{
    struct judge_operation ended = *operation;

    if (event->outcome != JUDGE_OUTCOME_REFUSED) {
        if (operation->kind == JUDGE_SEND && refuse_send_harmed(j, s, event)) {
            judge_blame(j, s, JUDGE_SEND_HARMED,
                        "the send to go on beside a close that comes later",
                        "it ended by that close");
        }
        if (j->commanded == s && j->commanded_operation == operation->number) {
            j->commanded = NULL;
            refuse_blame_taken(j, s, &ended);
        }
        return;
    }
    if (j->commanded == s && j->commanded_operation == operation->number) {
        j->commanded = NULL;
    }
    if (operation->refused != REFUSE_NOTHING && operation->event + 1 == j->event) {
        judge_blame(j, s, operation->refused,
                    judge_text(j, "that %s", judge_check_info(operation->refused)->sees),
                    "it was refused");
    }
}
