/* Liveness. From every state there is one way on in which nothing goes wrong: of what can be done
 * the first that is no fault (explore_step_actions). It is explored like all others; where it leads
 * each state notes, so that what holds where it ends holds for all states on it, and a circle in it
 * is found at the end, when all is known. Where the bounds cut it off it is gone on its own. */
#include "internal.h"

enum { HEAL_STEPS_MAX = 2000, HEAL_PROBES = 3 };

static bool heal_is_pending(const struct outside *out)
{
    for (int side = 0; side < 2; side++)
        for (int slot = 0; slot < SLOTS; slot++)
            if (out->operations[side][slot] == OPERATION_PENDING)
                return true;
    return false;
}

bool explore_heal_is_terminal(const struct explorer *x, uint32_t first)
{
    const struct outside *out = &x->base.outside;
    enum action_kind kind = (enum action_kind)(first & 15);

    return out->wire_count == 0 && out->owed_count[0] + out->owed_count[1] == 0 &&
           kind != ACTION_OPERATION && !heal_is_pending(out) && out->stand[0] != 1 + SIPC_CLOSING &&
           out->stand[1] != 1 + SIPC_CLOSING;
}

/* Does what comes first; false if nothing can be done. The outcome is `work`. */
static bool heal_next(struct explorer *x, uint32_t *action)
{
    uint32_t actions[ACTIONS_MAX];
    size_t count = explore_step_actions(x, actions);

    *action = ACTION_CRASH;
    for (size_t i = 0; i < count && (actions[i] & 15) < ACTION_DROP; i++) {
        *action = actions[i];
        if (explore_step_do(x, *action) != STEP_NONE)
            return true;
    }
    return false;
}

static void heal_note(struct explorer *x, uint32_t action)
{
    SIPC_ASSERT(x->tail_count < sizeof x->tail / sizeof x->tail[0]);
    x->tail[x->tail_count++] = action;
}

void explore_heal_run(struct explorer *x)
{
    uint32_t action;

    x->wire_limit = WIRE_MAX;
    for (int steps = 0; !x->broken; steps++) {
        bool found = heal_next(x, &action);
        if (x->broken) {
            heal_note(x, action);
            break;
        }
        if (explore_heal_is_terminal(x, found ? action : ACTION_CRASH)) {
            explore_heal_check_terminal(x);
            break;
        }
        if (!found || steps == HEAL_STEPS_MAX) {
            explore_check_fail(
                x, "stuck", SIPC_RULE_SND_11, 0,
                found ? "it goes on for ever though nothing goes wrong any more"
                      : "an operation runs, or a PDU is under way, and nothing will happen");
            break;
        }
        heal_note(x, action);
        explore_state_adopt(x);
    }
    x->wire_limit = x->world->in_flight;
}

/* ---- when all is over ---- */

/* Without a loss, a late PDU or a crash no session stays behind, but one in opening: of its peer's
 * end it is told nothing (STM-2a). */
static void heal_check_half_open(struct explorer *x)
{
    const struct outside *out = &x->base.outside;

    for (uint32_t side = 0; side < 2; side++) {
        if (!out->rough && out->stand[side] == 1 + SIPC_OPENED &&
            out->flags[1 - side] & HOST_ENDED &&
            (out->stand[1 - side] == 0 || out->stand[1 - side] > 1 + SIPC_OPENED))
            explore_check_fail(x, "half-open", SIPC_RULE_FAF_2, side,
                               "the session stays, though the peer's has ended");
    }
}

static bool heal_has_sends(const struct explorer *x, uint32_t side)
{
    const struct simnet_explore_side *plan = &x->world->sides[side];

    for (size_t i = 0; i < plan->operation_count; i++)
        if (plan->operations[i].kind == SIPC_OP_SEND)
            return true;
    return false;
}

/* Both could know each other: nobody crashed, or has ended the session. */
static bool heal_can_be_tried(const struct explorer *x, uint32_t side)
{
    const struct outside *out = &x->base.outside;
    uint8_t own = out->stand[side], other = out->stand[1 - side];

    return heal_has_sends(x, side) && (out->flags[0] | out->flags[1]) == 0 &&
           (own == 1 + SIPC_OPENING || own == 1 + SIPC_OPENED) && (other <= 1 + SIPC_OPENED);
}

/* One message, and all that comes of it. false: it was not taken. */
static bool heal_probe(struct explorer *x, uint32_t side)
{
    uint32_t action = action_of(ACTION_PROBE, side, 0);

    while (explore_step_do(x, action) ==
           STEP_NONE) { /* it may have to wait for a deadline (OPN-5a) */
        uint32_t passes;
        if (!heal_next(x, &passes))
            return false;
        heal_note(x, passes);
        explore_state_adopt(x);
    }
    for (int steps = 0; steps < HEAL_STEPS_MAX; steps++) {
        heal_note(x, action);
        explore_state_adopt(x);
        if (x->broken || x->base.outside.operations[side][PROBE] != OPERATION_PENDING)
            return true;
        if (!heal_next(x, &action))
            break;
    }
    explore_check_fail(x, "stuck", SIPC_RULE_SND_11, side,
                       "a message that was sent later never ends");
    return true;
}

void explore_heal_check_terminal(struct explorer *x)
{
    x->result->terminal++;
    heal_check_half_open(x);
    x->wire_limit = WIRE_MAX;
    for (uint32_t side = 0; side < 2 && !x->broken; side++) {
        bool healed = !heal_can_be_tried(x, side);
        for (int i = 0; i < HEAL_PROBES && !healed && !x->broken; i++) {
            if (!heal_probe(x, side))
                break;
            healed = x->base.outside.operations[side][PROBE] == OPERATION_OK;
        }
        if (!healed)
            explore_check_fail(
                x, "heals", SIPC_RULE_SND_11, side,
                "nothing goes wrong any more and both sides hold the session, but no "
                "message gets through");
    }
    x->wire_limit = x->world->in_flight;
}

/* The state of a circle that is nearest to the beginning. */
static uint32_t heal_nearest(const struct node *nodes, uint32_t node)
{
    uint32_t nearest = node;

    for (uint32_t at = nodes[node].heal; at != node; at = nodes[at].heal)
        nearest = at < nearest ? at : nearest;
    return nearest;
}

uint32_t explore_heal_find_circle(struct explorer *x)
{
    struct node *nodes = x->visited.nodes;
    uint32_t nearest = UINT32_MAX;

    for (uint32_t start = 0; start < x->visited.count; start++) {
        uint32_t node = start;
        while (node < x->visited.count && nodes[node].walk == 0) {
            nodes[node].walk = start + 1;
            node = nodes[node].heal;
        }
        if (node < x->visited.count && nodes[node].walk == start + 1) {
            uint32_t found = heal_nearest(nodes, node);
            nearest = found < nearest ? found : nearest;
        }
    }
    return nearest;
}
