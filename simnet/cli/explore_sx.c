/* The two sides of a counter-example as histories (case_sx.h). */
#include "explore_sx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "case_sx.h"

enum { PATTERN = 251, PEER = 1 };

static void explore_sx_command(struct case_history *history,
                               const struct simnet_explore_entry *entry, struct case_entry *out)
{
    out->command = (enum simnet_command)entry->operation;
    out->session_id = simnet_explore_session_id();
    out->number = entry->number;
    out->code = entry->code;
    out->skip = entry->skip;
    if (entry->operation == SIPC_OP_CLOSE)
        return;
    uint8_t *bytes = case_history_bytes(history, NULL, entry->size);
    for (uint32_t i = 0; i < entry->size; i++)
        bytes[i] = (uint8_t)((67 * entry->number + i) % PATTERN);
    out->bytes = (struct sipc_span){bytes, entry->size};
}

static void explore_sx_add(struct case_history *history, const struct simnet_explore_entry *entry,
                           uint64_t order, sipc_time base_ns)
{
    static const int whats[SIMNET_EXPLORE_WHAT_COUNT] = {
        [SIMNET_EXPLORE_DROPS] = -1,
        [SIMNET_EXPLORE_CRASHES] = -1,
        [SIMNET_EXPLORE_ENTERS] = -1,
        [SIMNET_EXPLORE_DISCARDS] = -1,
        [SIMNET_EXPLORE_DELIVERS] = CASE_RECEIVES,
        [SIMNET_EXPLORE_DUPLICATES] = CASE_RECEIVES,
        [SIMNET_EXPLORE_INJECTS] = CASE_RECEIVES,
        [SIMNET_EXPLORE_ADVANCES] = CASE_ADVANCES,
        [SIMNET_EXPLORE_OPENS] = CASE_COMMANDS,
        [SIMNET_EXPLORE_COMMANDS] = CASE_COMMANDS,
        [SIMNET_EXPLORE_TELLS_SENT] = CASE_TOLD,
        [SIMNET_EXPLORE_TELLS_NOT_SENT] = CASE_TOLD,
        [SIMNET_EXPLORE_TRANSMITS] = CASE_TRANSMITS,
        [SIMNET_EXPLORE_HANDS_OVER] = CASE_DELIVERS,
        [SIMNET_EXPLORE_ENDS] = CASE_ENDS,
    };

    if (whats[entry->what] < 0)
        return;
    struct case_entry *out =
        case_history_add(history, (enum case_what)whats[entry->what], entry->at_ns - base_ns);
    out->order = order;
    out->peer = PEER;
    if (entry->what == SIMNET_EXPLORE_COMMANDS) {
        explore_sx_command(history, entry, out);
        return;
    }
    out->command = SIMNET_COMMAND_OPEN;
    out->session_id = simnet_explore_session_id();
    out->bytes = entry->pdu;
    out->number = entry->number;
    out->outcome = entry->outcome;
    out->code = entry->code;
    out->ok = entry->what == SIMNET_EXPLORE_TELLS_SENT;
}

/* From its last crash on: then it began anew. */
static void explore_sx_history(const struct simnet_explore_world *world,
                               const struct simnet_explore_result *result, uint32_t side,
                               struct case_history *out)
{
    const struct simnet_explore_side *plan = &world->sides[side];
    size_t first = 0;

    *out = (struct case_history){
        .settings = world->settings,
        .manual = world->aftermaths,
        .preset = plan->preset ? &plan->window_ids : NULL,
        .stands_still = strcmp(result->failure.invariant, "stuck") == 0,
    };
    for (size_t i = 0; i < result->entry_count; i++)
        if (result->entries[i].what == SIMNET_EXPLORE_CRASHES && result->entries[i].side == side)
            first = i;
    for (size_t i = first; i < result->entry_count; i++)
        if (result->entries[i].side == side)
            explore_sx_add(out, &result->entries[i], i, result->entries[first].at_ns);
}

bool explore_sx_print(const struct simnet_explore_world *world,
                      const struct simnet_explore_result *result, const char *id, FILE *out)
{
    struct case_history histories[2];
    char story[400];

    snprintf(story, sizeof story,
             "Found by exploring the world %s, %" PRIu32 " actions from its beginning:\n%s: %s.\n",
             world->name, result->steps, result->failure.invariant, result->failure.text);
    for (uint32_t side = 0; side < 2; side++)
        explore_sx_history(world, result, side, &histories[side]);
    const char *why = case_sx_print(histories, 2,
                                    &(struct case_failure){.story = story,
                                                           .rule = result->failure.rule,
                                                           .blamed = result->failure.side,
                                                           .by_effect = true},
                                    id, out);
    if (why != NULL)
        fprintf(stderr, "%s.sx: no case can be made of it: %s\n", id, why);
    for (uint32_t side = 0; side < 2; side++)
        case_history_clear(&histories[side]);
    return why == NULL;
}
