/* Actions: what the endpoint wants done, waiting until the driver takes them out. They
 * are all taken before the next event adds some, so they need no ring.
 *
 * A transmit waits as a few numbers and becomes bytes only when it is taken out: no event can come
 * in between, so the session still holds what it refers to. Payloads are never copied: the action
 * names the message by its handle. Knows the wire form through the codec only. */
#include "state.h"
#include "wire.h"

const char *sipc_outcome_name(enum sipc_outcome outcome)
{
    static const char *const names[] = {"ok",       "timeout", "peer_error", "network_error",
                                        "not_sent", "closed"};
    SIPC_ASSERT((unsigned)outcome < sizeof names / sizeof names[0]);
    return names[outcome];
}

static struct queued *actions_of(const struct sipc_endpoint *ep)
{
    return block_at(ep, ep->actions_offset);
}

/* Every PDU passes here: fields are set one by one, as compilers clear a structure of this size
 * with a string instruction, which takes longer than all the rest. */
struct queued *sipc__action_push(struct sipc_endpoint *ep, enum sipc_action_kind kind,
                                 const struct session *s)
{
    struct queued *q;

    SIPC_ASSERT(ep->action_count < ep->action_capacity);
    q = &actions_of(ep)[ep->action_count++];
    q->kind = (uint8_t)kind;
    q->detail = 0;
    q->outcome = 0;
    q->has_id = false;
    q->slot = SLOT_NONE;
    q->session = 0;
    q->remote = 0;
    q->handle = 0;
    q->code = 0;
    q->option_size = 0;
    if (s != NULL) {
        q->slot = slot_of(ep, s);
        q->session = handle_of(ep, s);
        q->remote = s->remote;
        q->has_id = true;
        memcpy(q->id, s->id, sizeof q->id);
    }
    return q;
}

struct queued *sipc__action_last(const struct sipc_endpoint *ep)
{
    SIPC_ASSERT(ep->action_count > 0);
    return &actions_of(ep)[ep->action_count - 1];
}

/* Tokens name the slot that waits for the aftermath, and count transmissions above it. Where many
 * slots leave little room for the count it begins again one day, but not with 0: that is none. */
static uint64_t actions_token(struct sipc_endpoint *ep, const struct session *s)
{
    const uint64_t step = UINT64_C(1) << ep->slot_bits;

    ep->transmissions += step;
    if (ep->transmissions == 0)
        ep->transmissions = step;
    return ep->transmissions | (s == NULL ? 0 : slot_of(ep, s));
}

uint64_t sipc__transmit(struct sipc_endpoint *ep, const struct session *s, enum sipc_opcode opcode,
                        int64_t window_id, int32_t seq_nr, uint32_t flags, int32_t code)
{
    struct queued *q = sipc__action_push(ep, SIPC_ACTION_TRANSMIT, s);

    q->detail = (uint8_t)opcode;
    q->window_id = window_id;
    q->seq_nr = seq_nr;
    q->flags = flags;
    q->code = code;
    q->handle = actions_token(ep, s);
    q->message = 0;
    q->payload_offset = 0;
    q->payload_size = 0;
    q->option_start = 0;
    q->pooled = false;
    q->owed = false;
    return q->handle;
}

void sipc__result(struct sipc_endpoint *ep, const struct session *s, enum sipc_operation operation,
                  uint64_t handle, enum sipc_outcome outcome, int32_t code)
{
    struct queued *q = sipc__action_push(ep, SIPC_ACTION_RESULT, s);

    q->detail = (uint8_t)operation;
    q->outcome = (uint8_t)outcome;
    q->handle = handle;
    q->code = code;
}

void sipc__discard(struct sipc_endpoint *ep, const struct session *s, const uint8_t *id,
                   sipc_peer remote, enum sipc_discard reason)
{
    struct queued *q = sipc__action_push(ep, SIPC_ACTION_DISCARD, s);

    ep->discards[reason]++; /* SIPC_RULE_WIRE_7 */
    q->detail = (uint8_t)reason;
    q->remote = remote;
    q->has_id = id != NULL;
    if (id != NULL)
        memcpy(q->id, id, sizeof q->id);
}

/* ---- taking out ---- */

void sipc__actions_release(struct sipc_endpoint *ep)
{
    if (!ep->delivered_taken)
        return;
    sipc__group_clear(ep, session_at(ep, ep->delivered_slot));
    ep->delivered_slot = SLOT_NONE;
    ep->delivered_taken = false;
}

void sipc__actions_prepare(struct sipc_endpoint *ep)
{
    for (uint32_t bit = 0; bit < BOOLEAN_OPTIONS; bit++) {
        size_t used = 0;
        SIPC_ASSERT(sipc_option_encode_bool(1u << bit, true, ep->true_options[bit],
                                            PREPARED_OPTION_SIZE, &used) == SIPC_OK &&
                    used == FRAMING_OPTION_SIZE);
    }
    SIPC_ASSERT(sipc_option_encode_int(SIPC_OPT_MAX_WINDOW_SIZE,
                                       (int32_t)ep->config.max_window_size, ep->window_size_option,
                                       PREPARED_OPTION_SIZE, &ep->window_size_used) == SIPC_OK);
}

/* Options that were prepared. Whole places are copied: what is too much of one lies where the next
 * option or the end of the head is written after it. */
static size_t encode_prepared(const struct sipc_endpoint *ep, uint32_t flags, uint8_t *out,
                              size_t size)
{
    size_t used = 0;

    SIPC_ASSERT(size >= (BOOLEAN_OPTIONS + 1) * PREPARED_OPTION_SIZE);
    for (uint32_t left = flags & BOOLEAN_OPTION_SET; left != 0; left &= left - 1) {
        memcpy(out + used, ep->true_options[__builtin_ctz(left)], PREPARED_OPTION_SIZE);
        used += FRAMING_OPTION_SIZE;
    }
    if ((flags & SIPC_OPT_MAX_WINDOW_SIZE) != 0) { /* SIPC_RULE_ACK_2a */
        memcpy(out + used, ep->window_size_option, PREPARED_OPTION_SIZE);
        used += ep->window_size_used;
    }
    return used;
}

/* The options of a PDU, in the order the original has them: framing, then attributes. */
static size_t encode_options(const struct sipc_endpoint *ep, const struct queued *q, uint8_t *out,
                             size_t size)
{
    size_t used = encode_prepared(ep, q->flags, out, size);

    if (q->code != 0) {
        uint32_t id = q->detail == SIPC_CLOSE ? SIPC_OPT_ABORT_CODE : SIPC_OPT_ERROR_CODE;
        SIPC_ASSERT(sipc_option_encode_int(id, q->code, out, size, &used) == SIPC_OK);
    }
    if (q->option_size > 0) {
        const struct session *s = session_at(ep, q->slot);
        const uint8_t *from = q->pooled != 0 ? pool_of(ep, s) : options_of(ep, s);
        SIPC_ASSERT(q->option_size <= size - used);
        memcpy(out + used, from + q->option_start, q->option_size);
        used += q->option_size;
    }
    return used;
}

/* Out of line: the actions that are no transmits, and the question whether there are any, are then
 * answered without saving registers. */
__attribute__((noinline)) static void
actions_encode(const struct sipc_endpoint *ep, const struct queued *q, struct sipc_action *action)
{
    uint8_t *head = block_at(ep, ep->head_offset);
    size_t room = ep->config.mtu - SIPC_PDU_SIZE_MIN;
    size_t options_size = encode_options(ep, q, head + SIPC_PDU_HEAD_SIZE, room);

    SIPC_ASSERT(options_size + q->payload_size <= room); /* SIPC_RULE_SND_2 */
    action->u.transmit.token = q->handle;
    action->u.transmit.head.data = head;
    action->u.transmit.head.size = sipc__write_head(head, q->id, q->window_id, q->seq_nr, q->detail,
                                                    options_size, q->payload_size);
    action->u.transmit.message = q->message;
    action->u.transmit.payload_offset = q->payload_offset;
    action->u.transmit.payload_size = q->payload_size;
    action->u.transmit.owed = q->owed != 0; /* SIPC_RULE_ACK_4: acks owe none */
}

static void actions_deliver(struct sipc_endpoint *ep, const struct queued *q,
                            struct sipc_action *action)
{
    const uint8_t *buffer = block_at(ep, ep->attributes_offset);

    ep->delivered_taken = !q->pooled;
    action->u.deliver.data.data = q->pooled ? buffer : arena_of(ep, session_at(ep, q->slot));
    action->u.deliver.data.size = q->payload_size;
    action->u.deliver.attributes.data = buffer;
    action->u.deliver.attributes.size = q->option_size;
}

bool sipc_endpoint_next_action(struct sipc_endpoint *ep, struct sipc_action *action)
{
    const struct queued *q;

    sipc__actions_release(ep);
    if (ep->action_count == 0)
        return false;
    q = &actions_of(ep)[ep->action_first++];
    if (ep->action_first == ep->action_count) { /* none waits any more */
        ep->action_first = 0;
        ep->action_count = 0;
    }
    action->kind = (enum sipc_action_kind)q->kind;
    action->session = q->session;
    action->session_id = q->has_id ? q->id : NULL;
    action->remote = q->remote;
    switch (action->kind) {
    case SIPC_ACTION_TRANSMIT:
        actions_encode(ep, q, action);
        break;
    case SIPC_ACTION_DELIVER:
        actions_deliver(ep, q, action);
        break;
    case SIPC_ACTION_RESULT:
        action->u.result.handle = q->handle;
        action->u.result.operation = (enum sipc_operation)q->detail;
        action->u.result.outcome = (enum sipc_outcome)q->outcome;
        action->u.result.code = q->code;
        break;
    case SIPC_ACTION_STATE:
        action->u.state.state = (enum sipc_state)q->detail;
        action->u.state.cause = q->code;
        break;
    default: /* SIPC_ACTION_DISCARD */
        action->u.discard.reason = (enum sipc_discard)q->detail;
        action->u.discard.rule = sipc_discard_rule(action->u.discard.reason);
        break;
    }
    return true;
}
