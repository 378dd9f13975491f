/* One action upon a state: an event into an engine, and all that comes of it until nothing waits.
 * Where the world has no aftermaths of its own, each transmission is told at once to have been
 * made. */
#include "internal.h"

#include <string.h>

const uint8_t *simnet_explore_session_id(void)
{
    static const uint8_t id[SIPC_SESSION_ID_SIZE] = "the session that is explored...";

    return id;
}

uint32_t explore_step_number(uint32_t side, uint32_t slot)
{
    return slot == PROBE ? 2 * OPERATIONS + 1 + side : side * OPERATIONS + slot + 1;
}

struct sipc_span explore_step_message_bytes(const struct explorer *x, uint64_t number,
                                            uint64_t offset, size_t size)
{
    return (struct sipc_span){x->pattern + (PATTERN_FROM * number + offset) % PATTERN_PERIOD, size};
}

/* The engine of the outcome, made of that of the state where it is touched first. */
static struct sipc_endpoint *step_engine(struct explorer *x, uint32_t side)
{
    if (!x->touched[side]) {
        memcpy(x->work.engines[side].block, x->base.engines[side].block, x->snapshot_size);
        x->touched[side] = true;
    }
    return x->work.engines[side].block;
}

/* ---- what the engine wants done ---- */

static void step_wire_add(struct explorer *x, uint32_t pdu)
{
    struct outside *out = &x->work.outside;

    if (out->wire_count >= x->wire_limit) {
        x->cut = true;
        return;
    }
    out->wire[out->wire_count++] =
        (struct wire_entry){pdu, (uint32_t)(x->world->life_ns / SIPC_NS_PER_MS)};
}

static void step_transmit(struct explorer *x, uint32_t side, const struct sipc_action *action)
{
    struct outside *out = &x->work.outside;
    uint8_t bytes[SIPC_PDU_SIZE_MAX];
    size_t size = action->u.transmit.head.size;
    size_t payload = action->u.transmit.payload_size;

    memcpy(bytes, action->u.transmit.head.data, size);
    if (payload > 0)
        memcpy(bytes + size,
               explore_step_message_bytes(x, action->u.transmit.message,
                                          action->u.transmit.payload_offset, payload)
                   .data,
               payload);
    struct sipc_span pdu = {bytes, size + payload};
    step_wire_add(x, explore_pdus_number(&x->pdus, 1 - side, pdu));
    if (x->trace != NULL) {
        struct simnet_explore_entry *entry = explore_trace_add(x, SIMNET_EXPLORE_TRANSMITS, side);
        explore_trace_bytes(x, entry, pdu);
        if (action->u.transmit.owed) {
            entry->number = ++x->trace->transmissions;
            x->trace->tokens[side][entry->number % 64] = (uint32_t)action->u.transmit.token;
        }
    }
    if (action->u.transmit.owed) {
        SIPC_ASSERT(out->owed_count[side] < OWED_MAX);
        out->owed[side][out->owed_count[side]++] = (uint32_t)action->u.transmit.token;
    }
}

static void step_act(struct explorer *x, uint32_t side, const struct sipc_action *action)
{
    struct simnet_explore_entry *entry;

    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        step_transmit(x, side, action);
        break;
    case SIPC_ACTION_DELIVER:
        if ((entry = explore_trace_add(x, SIMNET_EXPLORE_HANDS_OVER, side)) != NULL)
            explore_trace_bytes(x, entry, action->u.deliver.data);
        explore_check_delivery(x, side, action->u.deliver.data);
        break;
    case SIPC_ACTION_RESULT:
        if ((entry = explore_trace_add(x, SIMNET_EXPLORE_ENDS, side)) != NULL) {
            entry->number = action->u.result.handle;
            entry->operation = action->u.result.operation;
            entry->outcome = action->u.result.outcome;
            entry->code = action->u.result.code;
        }
        explore_check_result(x, side, action);
        break;
    case SIPC_ACTION_STATE:
        if ((entry = explore_trace_add(x, SIMNET_EXPLORE_ENTERS, side)) != NULL) {
            entry->state = action->u.state.state;
            entry->code = action->u.state.cause;
        }
        explore_check_state(x, side, action->u.state.state, action->u.state.cause);
        break;
    case SIPC_ACTION_DISCARD:
        if ((entry = explore_trace_add(x, SIMNET_EXPLORE_DISCARDS, side)) != NULL)
            entry->discard = action->u.discard.reason;
        break;
    }
}

static void step_drain(struct explorer *x, uint32_t side)
{
    struct sipc_endpoint *ep = x->work.engines[side].block;
    struct sipc_action action;

    while (x->engine->next_action(ep, &action))
        step_act(x, side, &action);
}

/* `now` is the engine's. */
static void step_settle(struct explorer *x, uint32_t side, sipc_time now)
{
    struct outside *out = &x->work.outside;

    step_drain(x, side);
    while (!x->world->aftermaths && out->owed_count[side] > 0) {
        uint32_t token = out->owed[side][0];
        memmove(&out->owed[side][0], &out->owed[side][1], --out->owed_count[side] * sizeof token);
        out->owed[side][out->owed_count[side]] = 0;
        enum sipc_status status = x->engine->sent(x->work.engines[side].block, now, token, true);
        SIPC_ASSERT(status == SIPC_OK || status == SIPC_E_UNKNOWN);
        step_drain(x, side);
    }
}

/* ---- the outcome, in the one form it has ---- */

static void step_sort_owed(struct outside *out, uint32_t side)
{
    uint32_t *owed = out->owed[side];
    uint8_t kept = 0;

    for (uint8_t i = 0; i < out->owed_count[side]; i++) {
        uint32_t token = owed[i];
        uint8_t place = kept;
        if (token == 0)
            continue; /* nobody awaits it any more */
        for (; place > 0 && owed[place - 1] > token; place--)
            owed[place] = owed[place - 1];
        owed[place] = token;
        kept++;
    }
    memset(owed + kept, 0, (OWED_MAX - kept) * sizeof *owed);
    out->owed_count[side] = kept;
}

static void step_rebase(struct explorer *x, uint32_t side, sipc_time now)
{
    struct outside *out = &x->work.outside;
    uint64_t tokens[OWED_MAX];

    for (uint8_t i = 0; i < out->owed_count[side]; i++)
        tokens[i] = out->owed[side][i];
    x->engine->rebase(x->work.engines[side].block, now, EXPLORE_NOW, tokens, out->owed_count[side]);
    for (uint8_t i = 0; i < out->owed_count[side]; i++) {
        if (x->trace != NULL)
            for (int n = 0; n < 64; n++)
                if (x->trace->tokens[side][n] == out->owed[side][i])
                    x->trace->tokens[side][n] = (uint32_t)tokens[i] | 1u << 31;
        out->owed[side][i] = (uint32_t)tokens[i];
    }
    if (x->trace != NULL)
        for (int n = 0; n < 64; n++)
            x->trace->tokens[side][n] =
                x->trace->tokens[side][n] >> 31 ? x->trace->tokens[side][n] & ~(1u << 31) : 0;
    step_sort_owed(out, side);
}

static void step_sort_wire(struct outside *out)
{
    for (uint8_t i = 1; i < out->wire_count; i++) {
        struct wire_entry entry = out->wire[i];
        uint8_t place = i;
        for (; place > 0; place--) {
            const struct wire_entry *before = &out->wire[place - 1];
            if (before->pdu < entry.pdu ||
                (before->pdu == entry.pdu && before->left_ms <= entry.left_ms))
                break;
            out->wire[place] = *before;
        }
        out->wire[place] = entry;
    }
}

/* ---- actions ---- */

static void step_wire_remove(struct outside *out, uint32_t index)
{
    memmove(&out->wire[index], &out->wire[index + 1],
            (--out->wire_count - index) * sizeof out->wire[0]);
}

static void step_receive(struct explorer *x, uint32_t pdu, enum simnet_explore_what what)
{
    struct sipc_span bytes = explore_pdus_bytes(&x->pdus, pdu);
    uint32_t side = x->pdus.items[pdu].to;
    struct sipc_endpoint *ep = step_engine(x, side);

    explore_trace_bytes(x, explore_trace_add(x, what, side), bytes);
    enum sipc_status status = x->engine->receive(ep, EXPLORE_NOW, 2 - side, bytes);
    SIPC_ASSERT(status == SIPC_OK);
    step_settle(x, side, EXPLORE_NOW);
}

static void step_advance(struct explorer *x, uint32_t side)
{
    struct outside *out = &x->work.outside;
    sipc_time passed = x->deadlines[side] - EXPLORE_NOW;

    for (uint8_t i = 0; i < out->wire_count; i++)
        out->wire[i].left_ms -= (uint32_t)(passed / SIPC_NS_PER_MS);
    if (passed > 0 && out->wire_count > 0)
        out->rough = true;
    if (x->trace != NULL)
        x->trace->now += passed;
    explore_trace_add(x, SIMNET_EXPLORE_ADVANCES, side);
    enum sipc_status status = x->engine->advance(step_engine(x, side), EXPLORE_NOW + passed);
    SIPC_ASSERT(status == SIPC_OK);
    step_settle(x, side, EXPLORE_NOW + passed);
    step_rebase(x, side, EXPLORE_NOW + passed);
    if (passed > 0) {
        step_engine(x, 1 - side);
        step_rebase(x, 1 - side, EXPLORE_NOW + passed);
    }
}

static enum sipc_status step_give(struct explorer *x, uint32_t side, uint64_t number,
                                  const struct simnet_explore_operation *operation)
{
    struct sipc_endpoint *ep = x->work.engines[side].block;
    sipc_session session = x->engine->find(ep, 2 - side, simnet_explore_session_id());
    struct sipc_message message = {
        .handle = number, .size = operation->size, .skip = operation->skip};

    if (operation->kind == SIPC_OP_CLOSE)
        return x->engine->close(ep, EXPLORE_NOW, session, operation->code, number);
    return operation->kind == SIPC_OP_SEND
               ? x->engine->send(ep, EXPLORE_NOW, session, &message)
               : x->engine->send_unreliable(ep, EXPLORE_NOW, session, &message);
}

/* The operation of the plan that is next, or the probe, which is like the last send of it. */
static const struct simnet_explore_operation *step_planned(const struct explorer *x, uint32_t side,
                                                           uint32_t slot)
{
    const struct simnet_explore_side *plan = &x->world->sides[side];

    if (slot < OPERATIONS)
        return &plan->operations[slot];
    for (size_t i = plan->operation_count; i > 0; i--)
        if (plan->operations[i - 1].kind == SIPC_OP_SEND)
            return &plan->operations[i - 1];
    return NULL;
}

static bool step_operation(struct explorer *x, uint32_t side, uint32_t slot)
{
    const struct simnet_explore_operation *operation = step_planned(x, side, slot);
    struct outside *out = &x->work.outside;
    uint32_t number = explore_step_number(side, slot);

    step_engine(x, side);
    if (step_give(x, side, number, operation) != SIPC_OK)
        return false;
    struct simnet_explore_entry *entry = explore_trace_add(x, SIMNET_EXPLORE_COMMANDS, side);
    if (entry != NULL) {
        entry->number = number;
        entry->operation = operation->kind;
        entry->size = operation->size;
        entry->skip = operation->skip;
        entry->code = operation->code;
    }
    out->operations[side][slot] = OPERATION_PENDING;
    out->delivered[side][slot] = 0;
    step_settle(x, side, EXPLORE_NOW);
    return true;
}

static void step_tell(struct explorer *x, uint32_t side, uint32_t index, bool ok)
{
    struct outside *out = &x->work.outside;
    uint32_t token = out->owed[side][index];
    struct simnet_explore_entry *entry =
        explore_trace_add(x, ok ? SIMNET_EXPLORE_TELLS_SENT : SIMNET_EXPLORE_TELLS_NOT_SENT, side);

    for (uint64_t n = x->trace ? x->trace->transmissions : 0; n > 0 && entry != NULL; n--)
        if (x->trace->tokens[side][n % 64] == token) {
            entry->number = n;
            break;
        }
    memmove(&out->owed[side][index], &out->owed[side][index + 1],
            (--out->owed_count[side] - index) * sizeof token);
    out->owed[side][out->owed_count[side]] = 0;
    enum sipc_status status = x->engine->sent(step_engine(x, side), EXPLORE_NOW, token, ok);
    SIPC_ASSERT(status == SIPC_OK || status == SIPC_E_UNKNOWN);
    step_settle(x, side, EXPLORE_NOW);
}

static void step_crash(struct explorer *x, uint32_t side)
{
    struct outside *out = &x->work.outside;

    explore_trace_add(x, SIMNET_EXPLORE_CRASHES, side);
    step_engine(x, side);
    memcpy(x->work.engines[side].block, x->fresh, x->snapshot_size);
    for (int slot = 0; slot < SLOTS; slot++)
        if (out->operations[side][slot] == OPERATION_PENDING)
            out->operations[side][slot] = OPERATION_CRASHED;
    out->next[side] = (uint8_t)x->world->sides[side].operation_count;
    out->stand[side] = 0;
    out->flags[side] |= HOST_CRASHED;
    out->owed_count[side] = 0;
    memset(out->owed[side], 0, sizeof out->owed[side]);
}

static void step_fault(struct explorer *x, enum action_kind kind, uint32_t side, uint32_t index)
{
    struct outside *out = &x->work.outside;
    uint32_t pdu = out->wire[index].pdu;

    out->faults++;
    out->rough |= kind != ACTION_DUPLICATE && kind != ACTION_INJECT;
    if (kind == ACTION_DROP) {
        explore_trace_bytes(x, explore_trace_add(x, SIMNET_EXPLORE_DROPS, x->pdus.items[pdu].to),
                            explore_pdus_bytes(&x->pdus, pdu));
        step_wire_remove(out, index);
    } else if (kind == ACTION_DUPLICATE) {
        step_receive(x, pdu, SIMNET_EXPLORE_DUPLICATES);
    } else if (kind == ACTION_NOT_SENT) {
        step_tell(x, side, index, false);
    } else if (kind == ACTION_CRASH) {
        step_crash(x, side);
    } else {
        out->injected |= (uint8_t)(1u << index);
        step_receive(x, x->injections[index], SIMNET_EXPLORE_INJECTS);
    }
}

enum step explore_step_do(struct explorer *x, uint32_t action)
{
    enum action_kind kind = (enum action_kind)(action & 15);
    uint32_t side = action >> 4 & 1, index = action >> 8;
    struct outside *out = &x->work.outside;
    uint32_t pdu;

    x->touched[0] = false;
    x->touched[1] = false;
    x->cut = false;
    memcpy(out, &x->base.outside, sizeof *out);
    switch (kind) {
    case ACTION_SENT:
        step_tell(x, side, index, true);
        break;
    case ACTION_DELIVER:
        pdu = out->wire[index].pdu;
        step_wire_remove(out, index);
        step_receive(x, pdu, SIMNET_EXPLORE_DELIVERS);
        break;
    case ACTION_OPERATION:
        if (!step_operation(x, side, out->next[side]))
            return STEP_NONE;
        out->next[side]++;
        break;
    case ACTION_PROBE:
        if (!step_operation(x, side, PROBE))
            return STEP_NONE;
        break;
    case ACTION_ADVANCE:
        step_advance(x, side);
        break;
    default:
        step_fault(x, kind, side, index);
        break;
    }
    for (side = 0; side < 2 && kind != ACTION_ADVANCE; side++)
        if (x->touched[side])
            step_rebase(x, side, EXPLORE_NOW);
    step_sort_wire(out);
    return x->cut ? STEP_CUT : STEP_DONE;
}

/* ---- what can be done ---- */

/* Under way, the oldest first; of equal ones one. */
static size_t step_deliveries(const struct outside *out, uint32_t actions[WIRE_MAX])
{
    size_t count = 0;

    for (uint32_t i = 0; i < out->wire_count; i++) {
        const struct wire_entry *entry = &out->wire[i];
        size_t place = count;
        if (i > 0 && memcmp(entry, entry - 1, sizeof *entry) == 0)
            continue;
        for (; place > 0; place--) {
            uint32_t before = actions[place - 1] >> 8;
            if (out->wire[before].left_ms <= entry->left_ms)
                break;
            actions[place] = actions[place - 1];
        }
        actions[place] = action_of(ACTION_DELIVER, 0, i);
        count++;
    }
    return count;
}

static bool step_may_command(const struct explorer *x, uint32_t side)
{
    const struct outside *out = &x->base.outside;

    return out->next[side] < x->world->sides[side].operation_count && out->stand[side] != 0 &&
           out->stand[side] <= 1 + SIPC_CLOSING;
}

static bool step_may_pass(const struct explorer *x, uint32_t side)
{
    const struct outside *out = &x->base.outside;
    sipc_time deadline = x->deadlines[side];

    if (deadline == SIPC_NEVER || deadline > x->deadlines[1 - side])
        return false;
    for (uint8_t i = 0; i < out->wire_count; i++)
        if (out->wire[i].left_ms * SIPC_NS_PER_MS < deadline - EXPLORE_NOW)
            return false;
    return true;
}

static size_t step_faults(const struct explorer *x, const uint32_t *deliveries, size_t count,
                          uint32_t *actions)
{
    const struct outside *out = &x->base.outside;
    unsigned kinds = x->world->fault_kinds;
    size_t n = 0;

    if (out->faults >= x->world->faults)
        return 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = deliveries[i] >> 8;
        if (kinds & SIMNET_EXPLORE_DROP)
            actions[n++] = action_of(ACTION_DROP, 0, index);
        if (kinds & SIMNET_EXPLORE_DUPLICATE)
            actions[n++] = action_of(ACTION_DUPLICATE, 0, index);
    }
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < out->owed_count[side] && kinds & SIMNET_EXPLORE_NOT_SENT; i++)
            actions[n++] = action_of(ACTION_NOT_SENT, side, i);
        if (kinds & SIMNET_EXPLORE_CRASH)
            actions[n++] = action_of(ACTION_CRASH, side, 0);
    }
    for (uint32_t i = 0; i < x->world->injection_count; i++)
        if ((out->injected >> i & 1) == 0)
            actions[n++] = action_of(ACTION_INJECT, x->world->injections[i].to, i);
    return n;
}

size_t explore_step_actions(const struct explorer *x, uint32_t actions[ACTIONS_MAX])
{
    const struct outside *out = &x->base.outside;
    uint32_t deliveries[WIRE_MAX];
    size_t delivery_count = step_deliveries(out, deliveries);
    size_t count = 0;

    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < out->owed_count[side]; i++)
            actions[count++] = action_of(ACTION_SENT, side, i);
    for (size_t i = 0; i < delivery_count; i++)
        actions[count++] = deliveries[i];
    for (uint32_t side = 0; side < 2; side++)
        if (step_may_command(x, side))
            actions[count++] = action_of(ACTION_OPERATION, side, 0);
    for (uint32_t side = 0; side < 2; side++)
        if (step_may_pass(x, side))
            actions[count++] = action_of(ACTION_ADVANCE, side, 0);
    count += step_faults(x, deliveries, delivery_count, actions + count);
    SIPC_ASSERT(count <= ACTIONS_MAX);
    return count;
}

/* ---- the beginning ---- */

static uint32_t step_injection(struct explorer *x, const struct simnet_explore_injection *what)
{
    uint8_t id[SIPC_SESSION_ID_SIZE];
    uint8_t options[128], bytes[SIPC_PDU_SIZE_MAX];
    size_t options_size = 0, size;

    memcpy(id, simnet_explore_session_id(), sizeof id);
    id[0] ^= what->stranger;
    for (uint32_t bit = 1; bit <= SIPC_OPT_IS_WINDOW_FULL; bit <<= 1)
        if (what->flags & bit &&
            sipc_option_encode_bool(bit, true, options, sizeof options, &options_size) != SIPC_OK)
            SIPC_ASSERT(false);
    struct sipc_pdu_parts parts = {id,           what->window_id,         what->seq_nr,
                                   what->opcode, {options, options_size}, {x->pattern, what->size}};
    enum sipc_status status = sipc_pdu_encode(&parts, bytes, sizeof bytes, &size);
    SIPC_ASSERT(status == SIPC_OK);
    return explore_pdus_number(&x->pdus, what->to, (struct sipc_span){bytes, size});
}

void explore_step_begin(struct explorer *x)
{
    memset(&x->work.outside, 0, sizeof x->work.outside);
    for (size_t i = 0; i < x->world->injection_count; i++)
        x->injections[i] = step_injection(x, &x->world->injections[i]);
    for (uint32_t side = 0; side < 2; side++) {
        const struct simnet_explore_side *plan = &x->world->sides[side];
        struct sipc_endpoint *ep = x->work.engines[side].block;
        sipc_session session;

        memcpy(ep, x->fresh, x->snapshot_size);
        x->touched[side] = true;
        if (!plan->open)
            continue;
        explore_trace_add(x, SIMNET_EXPLORE_OPENS, side);
        enum sipc_status status = x->engine->open(ep, EXPLORE_NOW, 2 - side,
                                                  simnet_explore_session_id(), INT64_MIN, &session);
        SIPC_ASSERT(status == SIPC_OK);
        step_drain(x, side);
        if (plan->preset) {
            status = x->engine->preset(ep, EXPLORE_NOW, session, &plan->window_ids);
            SIPC_ASSERT(status == SIPC_OK);
            step_drain(x, side);
        }
        step_rebase(x, side, EXPLORE_NOW);
    }
}

unsigned explore_step_event(const struct explorer *x, uint32_t action)
{
    static const uint8_t events[] = {
        [ACTION_SENT] = 10, [ACTION_ADVANCE] = 6, [ACTION_NOT_SENT] = 11, [ACTION_CRASH] = 12};
    enum action_kind kind = (enum action_kind)(action & 15);
    const struct outside *out = &x->base.outside;
    uint32_t side = action >> 4 & 1, index = action >> 8;

    if (kind == ACTION_DROP)
        return 13;
    if (kind == ACTION_INJECT)
        return 14;
    if (kind == ACTION_DELIVER || kind == ACTION_DUPLICATE)
        return x->pdus.items[out->wire[index].pdu].opcode - 1u;
    if (kind == ACTION_OPERATION)
        return 7 + (unsigned)x->world->sides[side].operations[out->next[side]].kind;
    return events[kind];
}
