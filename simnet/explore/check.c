/* What the applications must and must not see. The same as in simnet's worlds (src/check.c), but
 * that what they remember is a part of the explored state: a few bytes, compared and copied with
 * it, where a world keeps lists of messages. Messages differ in content, by where their pattern
 * begins. */
#include "internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void explore_check_fail(struct explorer *x, const char *invariant, enum sipc_rule rule,
                        uint32_t side, const char *format, ...)
{
    struct simnet_explore_failure *failure = &x->result->failure;
    va_list arguments;

    if (x->broken)
        return;
    x->broken = true;
    *failure = (struct simnet_explore_failure){.invariant = invariant, .rule = rule, .side = side};
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
}

void explore_check_engines(struct explorer *x)
{
    for (uint32_t side = 0; side < 2; side++) {
        const char *broken =
            x->touched[side] ? x->engine->check(x->work.engines[side].block) : NULL;
        if (broken != NULL)
            explore_check_fail(x, "engine", SIPC_RULE_NONE, side, "broken: %s", broken);
    }
}

/* ---- deliveries ---- */

static const struct simnet_explore_operation *check_message(const struct explorer *x,
                                                            uint32_t sender, uint32_t slot)
{
    const struct simnet_explore_side *plan = &x->world->sides[sender];

    if (x->work.outside.operations[sender][slot] == OPERATION_TO_COME)
        return NULL;
    if (slot < OPERATIONS)
        return plan->operations[slot].kind == SIPC_OP_CLOSE ? NULL : &plan->operations[slot];
    for (size_t i = plan->operation_count; i > 0; i--)
        if (plan->operations[i - 1].kind == SIPC_OP_SEND)
            return &plan->operations[i - 1];
    return NULL;
}

/* Whether the group is what the message has from `offset` on. */
static bool check_fits(const struct explorer *x, uint32_t sender, uint32_t slot, uint64_t offset,
                       struct sipc_span data)
{
    const struct simnet_explore_operation *message = check_message(x, sender, slot);
    uint32_t number = explore_step_number(sender, slot);

    return message != NULL && data.size > 0 && offset + data.size <= message->size &&
           memcmp(explore_step_message_bytes(x, number, offset, data.size).data, data.data,
                  data.size) == 0;
}

static bool check_is_whole(const struct explorer *x, uint32_t sender, uint32_t slot, size_t size)
{
    return check_message(x, sender, slot)->kind == SIPC_OP_SEND ||
           check_message(x, sender, slot)->size == size;
}

/* The message that came up to here, in the order of those of its kind; SLOTS if there is none. */
static uint32_t check_find_next(const struct explorer *x, uint32_t sender, struct sipc_span data)
{
    const struct outside *out = &x->work.outside;

    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        bool next = check_fits(x, sender, slot, out->delivered[sender][slot], data) &&
                    check_is_whole(x, sender, slot, data.size);
        for (uint32_t later = slot + 1; next && later < SLOTS; later++) {
            const struct simnet_explore_operation *message = check_message(x, sender, later);
            next = message == NULL || message->kind != check_message(x, sender, slot)->kind ||
                   out->delivered[sender][later] == 0;
        }
        if (next)
            return slot;
    }
    return SLOTS;
}

/* To a host that crashed since, messages may come once more: it is another life (RCV-9). Worlds in
 * which hosts crash have messages of one group. */
static bool check_is_again(const struct explorer *x, uint32_t side, struct sipc_span data)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (x->work.outside.flags[side] & HOST_CRASHED && check_fits(x, 1 - side, slot, 0, data) &&
            check_message(x, 1 - side, slot)->size == data.size)
            return true;
    return false;
}

void explore_check_delivery(struct explorer *x, uint32_t side, struct sipc_span data)
{
    struct outside *out = &x->work.outside;
    uint32_t sender = 1 - side;
    uint32_t slot = check_find_next(x, sender, data);

    if (slot < SLOTS) {
        out->delivered[sender][slot] = (uint16_t)(out->delivered[sender][slot] + data.size);
        return;
    }
    if (check_is_again(x, side, data))
        return;
    for (slot = 0; slot < SLOTS; slot++) {
        uint32_t number = explore_step_number(sender, slot);
        if (check_fits(x, sender, slot, 0, data) && out->delivered[sender][slot] > 0)
            explore_check_fail(x, "delivered-once", SIPC_RULE_RCV_9, side,
                               "message %" PRIu32 " is handed over once more", number);
        else if (check_fits(x, sender, slot, out->delivered[sender][slot], data))
            explore_check_fail(x, "delivered-in-order", SIPC_RULE_RCV_9, side,
                               "message %" PRIu32 " is handed over after a later one", number);
    }
    explore_check_fail(x, "delivered-intact", SIPC_RULE_RCV_8, side,
                       "%zu bytes are handed over that are no message's next group", data.size);
}

/* ---- ends ---- */

static bool check_has_sends(const struct simnet_explore_side *plan)
{
    for (size_t i = 0; i < plan->operation_count; i++)
        if (plan->operations[i].kind == SIPC_OP_SEND)
            return true;
    return false;
}

/* Without a loss, a late PDU or a crash no send has a reason to fail but a close, or that both
 * sides send while they open the session (OPN-2). */
static bool check_may_fail(const struct explorer *x, uint32_t side,
                           const struct sipc_action *action)
{
    const struct outside *out = &x->work.outside;

    return out->rough || action->u.result.operation != SIPC_OP_SEND ||
           action->u.result.outcome == SIPC_OUTCOME_CLOSED ||
           action->u.result.code == SIPC_ERROR_TWO_WAY_WHILE_OPENING ||
           (out->stand[side] == 1 + SIPC_OPENING && check_has_sends(&x->world->sides[1 - side]));
}

void explore_check_result(struct explorer *x, uint32_t side, const struct sipc_action *action)
{
    struct outside *out = &x->work.outside;
    uint32_t number = (uint32_t)action->u.result.handle;
    uint32_t slot = number > 2 * OPERATIONS ? PROBE : (number - 1) % OPERATIONS;
    bool ok = action->u.result.outcome == SIPC_OUTCOME_OK;

    if (number == 0 || number > 2 * OPERATIONS + 2 ||
        out->operations[side][slot] != OPERATION_PENDING) {
        explore_check_fail(x, "ends-once", SIPC_RULE_SND_11, side,
                           "operation %" PRIu32 " ends, which does not run", number);
        return;
    }
    out->operations[side][slot] = ok ? OPERATION_OK : OPERATION_FAILED;
    if (!ok) {
        if (!check_may_fail(x, side, action))
            explore_check_fail(
                x, "unprovoked", SIPC_RULE_SND_11, side,
                "message %" PRIu32 " ends %s %" PRId32 " though nothing was lost or late", number,
                sipc_outcome_name(action->u.result.outcome), action->u.result.code);
        return;
    }
    if (action->u.result.operation != SIPC_OP_SEND)
        return;
    if (out->delivered[side][slot] != check_message(x, side, slot)->size)
        explore_check_fail(x, "ok-delivered", SIPC_RULE_SND_11, side,
                           "message %" PRIu32 " ends ok, %u of %" PRIu32 " bytes were handed over",
                           number, out->delivered[side][slot], check_message(x, side, slot)->size);
}

void explore_check_state(struct explorer *x, uint32_t side, enum sipc_state state, int32_t cause)
{
    struct outside *out = &x->work.outside;

    out->stand[side] = state == SIPC_DISPOSED ? 0 : (uint8_t)(1 + state);
    if (state < SIPC_CLOSING)
        return;
    if (cause == SIPC_LOCAL_RESTART && out->flags[1 - side] == 0)
        explore_check_fail(
            x, "killed", SIPC_RULE_LNK_4, side,
            "the session ends as the peer is said to have restarted, which it did not");
    out->flags[side] |= HOST_ENDED;
}
