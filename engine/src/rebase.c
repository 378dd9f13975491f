/* Equal situations as equal bytes, whenever they come about and whatever came before: for explorers
 * that compare states. All that tells two of them apart otherwise is when it is, what the next
 * token is, which life of its slot a session is, and how much was discarded. */
#include "state.h"

/* No token is greater than those handed out before, so each slot has room for its two. */
static uint64_t rebase_token(struct sipc_endpoint *ep, uint32_t slot, uint64_t which)
{
    return (2 * (uint64_t)slot + which) << ep->slot_bits | slot;
}

static void rebase_rename(uint64_t *held, uint64_t name, uint64_t *tokens, uint64_t *names,
                          size_t count)
{
    if (*held == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (tokens[i] == *held)
            names[i] = name;
    *held = name;
}

static sipc_time rebase_time(sipc_time at, sipc_time now, sipc_time base)
{
    return at == SIPC_NEVER ? SIPC_NEVER : at - now + base;
}

static void rebase_session(struct sipc_endpoint *ep, struct session *s, sipc_time now,
                           sipc_time base)
{
    s->generation = s->used ? 1 : 0;
    if (!s->used)
        return;
    s->deadline = rebase_time(s->deadline, now, base);
    for (int timer = 0; timer < TIMER_COUNT; timer++)
        s->timers[timer] = rebase_time(s->timers[timer], now, base);
    if (s->state >= SIPC_AWAITING_DISPOSAL)
        s->linger_until = rebase_time(s->linger_until, now, base);
    /* Older than this it forbids nothing any more (WID-11). */
    if (s->tx.resync_at != SIPC_NEVER && now - s->tx.resync_at >= ep->config.ack_timeout_ns)
        s->tx.resync_at = SIPC_NEVER;
    s->tx.resync_at = rebase_time(s->tx.resync_at, now, base);
}

void sipc_endpoint_rebase(struct sipc_endpoint *ep, sipc_time now, sipc_time base, uint64_t *tokens,
                          size_t count)
{
    uint64_t names[SIPC_REBASE_TOKENS_MAX] = {0};

    SIPC_ASSERT(ep->action_count == 0 && now >= ep->now && count <= SIPC_REBASE_TOKENS_MAX);
    for (uint32_t slot = 0; slot < ep->free_fresh; slot++) {
        struct session *s = session_at(ep, slot);
        rebase_session(ep, s, now, base);
        rebase_rename(&s->tx.op.token, rebase_token(ep, slot, 1), tokens, names, count);
        rebase_rename(&s->faf.token, rebase_token(ep, slot, 2), tokens, names, count);
    }
    if (count > 0)
        memcpy(tokens, names, count * sizeof *names);
    ep->transmissions = 2 * (uint64_t)ep->config.max_sessions << ep->slot_bits;
    ep->shutdown_at = rebase_time(ep->shutdown_at, now, base);
    ep->now = base;
    memset(ep->discards, 0, sizeof ep->discards);
}
