/* The search: breadth first, level by level, every state once.
 *
 * What is explored. Two endpoints of the engine, all of their state, and the PDUs between them. In
 * each state everything is tried that can come next: any PDU under way arrives, so that all orders
 * come about; it is lost, or arrives and stays; the deadline that is first passes; an application
 * gives its next command; an aftermath comes; a host crashes; a foreign PDU arrives. The bounds of
 * the world (faults, PDUs under way, plans) make that finite.
 *
 * Time is that of the engines, taken from deadline to deadline: between two deadlines nothing
 * depends on when a thing happens but the deadlines that are set by it, so things are taken to
 * happen at the moment of the last deadline. A PDU arrives within its life: no deadline passes
 * while one is under way that would be too old by then. Not seen are hence races that need a thing
 * to happen at a particular moment between two deadlines.
 *
 * When two states are one. An engine's state holds the time, tokens and counters that tell two
 * equal situations apart. After each action both engines are taken to the same moment and numbered
 * anew (sipc_endpoint_rebase: they do the same as if left alone, which the engine's tests show), so
 * that equal situations are equal bytes. PDUs under way are a sorted list, with what is left of
 * their lives. Beside these the state has what the checks remember, and how many faults there were.
 * States are told apart by XXH3-128 of all that; states are kept only from one level to the next,
 * of those before only hash and parent. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_STATES = 1 << 16 };

static void explore_init(struct explorer *x, const struct simnet_explore_world *world,
                         const struct simnet_explore_options *options,
                         struct simnet_explore_result *result)
{
    const char *field;

    memset(result, 0, sizeof *result);
    x->world = world;
    x->options = *options;
    x->result = result;
    x->engine = options->engine != NULL ? options->engine : &simnet_explore_engine;
    x->config = world->settings;
    x->wire_limit = world->in_flight;
    enum sipc_status status = x->engine->config_check(&x->config, &field);
    SIPC_ASSERT(status == SIPC_OK);
    for (size_t i = 0; i < sizeof x->pattern; i++)
        x->pattern[i] = (uint8_t)(i % PATTERN_PERIOD);
    explore_state_init(x);
    explore_visited_init(&x->visited);
}

static void explore_fini(struct explorer *x)
{
    explore_state_fini(x);
    explore_visited_fini(&x->visited);
    explore_pdus_fini(&x->pdus);
    free(x->frontier[0].bytes);
    free(x->frontier[1].bytes);
}

/* ---- one state ---- */

/* The outcome of an action: its node. */
static uint32_t explore_enter(struct explorer *x, uint32_t parent, uint32_t action)
{
    uint64_t hash[2];
    bool is_new;

    explore_state_hash(x, hash);
    uint32_t node = explore_visited_add(&x->visited, hash, parent, action, &is_new);
    if (is_new) {
        if (!x->options.engine_unchecked)
            explore_check_engines(x);
        explore_state_write(x, &x->frontier[1]);
    }
    return node;
}

static void explore_mark(struct explorer *x, uint32_t action)
{
    static const uint8_t neither[] = {
        [ACTION_DROP] = 1, [ACTION_DELIVER] = 1, [ACTION_DUPLICATE] = 1, [ACTION_PROBE] = 0};
    uint32_t side = action >> 4 & 1;

    if (neither[action & 15])
        side = x->pdus.items[x->base.outside.wire[action >> 8].pdu].to;
    unsigned stand = x->base.outside.stand[side];
    x->result->marks[stand][explore_step_event(x, action)]++;
}

/* Everything that can be done in a state. */
static void explore_expand(struct explorer *x, uint32_t node)
{
    uint32_t actions[ACTIONS_MAX];
    size_t count = explore_step_actions(x, actions);
    uint32_t first = ACTION_CRASH, heal = HEAL_UNKNOWN;
    bool decided = false;

    for (size_t i = 0; i < count && !x->broken; i++) {
        enum step step = explore_step_do(x, actions[i]);
        if (step == STEP_NONE)
            continue;
        x->result->transitions++;
        x->result->cut += step == STEP_CUT;
        explore_mark(x, actions[i]);
        uint32_t next = HEAL_UNKNOWN;
        if (x->broken)
            x->tail[x->tail_count++] = actions[i];
        else if (step == STEP_DONE)
            next = explore_enter(x, node, actions[i]);
        if (x->broken && x->tail_count == 0)
            x->tail[x->tail_count++] = actions[i];
        if (!decided && (actions[i] & 15) < ACTION_DROP) {
            decided = true;
            first = actions[i];
            heal = next;
        }
    }
    if (x->broken || x->options.unhealed)
        return;
    if (explore_heal_is_terminal(x, first)) {
        x->visited.nodes[node].heal = HEAL_TERMINAL;
        explore_heal_check_terminal(x);
    } else if (heal != HEAL_UNKNOWN) {
        x->visited.nodes[node].heal = heal;
    } else {
        explore_heal_run(x);
    }
}

/* ---- levels ---- */

static uint64_t explore_memory(const struct explorer *x)
{
    return explore_visited_memory(&x->visited) + x->frontier[0].capacity + x->frontier[1].capacity;
}

/* Whether the options say stop; called between states. */
static bool explore_is_over(struct explorer *x, uint32_t depth)
{
    const struct simnet_explore_options *options = &x->options;
    uint64_t states_max = options->states_max > 0 ? options->states_max : UINT32_MAX - 64;
    uint64_t memory = explore_memory(x);

    if (memory > x->result->memory)
        x->result->memory = memory;
    if (options->depth_max > 0 && depth >= options->depth_max)
        x->result->end = SIMNET_EXPLORE_DEPTH;
    else if (x->visited.count >= states_max)
        x->result->end = SIMNET_EXPLORE_STATES;
    else if (options->memory_max > 0 && memory > options->memory_max)
        x->result->end = SIMNET_EXPLORE_MEMORY;
    else
        return false;
    return true;
}

static void explore_progress(const struct explorer *x, uint32_t depth, uint32_t node)
{
    struct simnet_explore_progress progress = {
        .states = x->visited.count,
        .transitions = x->result->transitions,
        .frontier = x->visited.count - node,
        .memory = explore_memory(x),
        .depth = depth,
    };

    if (x->options.progress != NULL && node % PROGRESS_STATES == 0)
        x->options.progress(x->options.ctx, &progress);
}

static uint32_t record_size(const uint8_t *record)
{
    uint32_t size;

    memcpy(&size, record, sizeof size);
    return size;
}

/* States whose successors were not looked at heal all the same. */
static uint32_t explore_heal_rest(struct explorer *x, uint32_t node, size_t at)
{
    for (int level = 0; level < 2; level++) {
        const struct buffer *buffer = &x->frontier[level];
        for (; at < buffer->size; at += record_size(buffer->bytes + at), node++) {
            explore_state_unpack(x, buffer->bytes + at);
            explore_heal_run(x);
            if (x->broken)
                return node;
            x->tail_count = 0;
        }
        at = 0;
    }
    return UINT32_MAX;
}

/* Returns the node at which it broke, or UINT32_MAX. */
static uint32_t explore_search(struct explorer *x)
{
    struct buffer *now = &x->frontier[0], *next = &x->frontier[1];
    uint32_t node = 0, depth = 0;
    size_t at = 0;

    explore_step_begin(x);
    explore_enter(x, 0, 0);
    while (next->size > 0 || at < now->size) {
        if (at == now->size) {
            struct buffer empty = *now;
            empty.size = 0;
            *now = *next;
            *next = empty;
            at = 0;
            depth += node > 0;
        }
        x->result->depth = depth;
        if (explore_is_over(x, depth))
            break;
        explore_state_unpack(x, now->bytes + at);
        x->tail_count = 0;
        explore_progress(x, depth, node);
        explore_expand(x, node);
        if (x->broken)
            break;
        at += record_size(now->bytes + at);
        node++;
    }
    x->result->frontier = x->visited.count - node;
    if (x->broken || x->options.unhealed)
        return x->broken ? node : UINT32_MAX;
    return explore_heal_rest(x, node, at);
}

static uint32_t explore_log2(uint64_t n)
{
    uint32_t log = 0;

    while (log < 63 && UINT64_C(1) << log < n)
        log++;
    return log;
}

void simnet_explore(const struct simnet_explore_world *world,
                    const struct simnet_explore_options *options,
                    struct simnet_explore_result *result)
{
    struct explorer *x = calloc(1, sizeof *x);

    if (x == NULL)
        abort();
    explore_init(x, world, options, result);
    uint32_t broken_at = explore_search(x);
    if (broken_at == UINT32_MAX && !options->unhealed) {
        x->tail_count = 0;
        broken_at = explore_heal_find_circle(x);
        if (broken_at != UINT32_MAX)
            explore_check_fail(
                x, "livelock", SIPC_RULE_SND_11, 0,
                "this state comes round to itself though nothing goes wrong any more");
    }
    if (x->broken) {
        result->end = SIMNET_EXPLORE_BROKEN;
        explore_trace_tell(x, broken_at);
    }
    result->states = x->visited.count;
    result->pdus = x->pdus.count;
    result->collisions_log2 = 129 - 2 * explore_log2(result->states);
    explore_fini(x);
    free(x);
}
