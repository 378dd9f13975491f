/* Settings (RULES.md, section 9): defaults, ranges, and the layout of the block they lead to. */
#include "state.h"

void sipc_config_default(struct sipc_config *config)
{
    memset(config, 0, sizeof *config);
    config->mtu = 1400;
    config->max_window_size = 16;
    config->ack_timeout_ns = 1000 * SIPC_NS_PER_MS;
    config->max_retry_count = 3;
    config->open_timeout_ns = 10000 * SIPC_NS_PER_MS;
    config->max_remote_idle_timeout_ns = 600000 * (int64_t)SIPC_NS_PER_MS;
    config->linger_ns = SIPC_NEVER;
    config->attribute_limit = 30000;
    config->max_sessions = 1024;
    config->unreliable_queue = 64;
    config->accept = true;
    config->require_first_in_window_group = true;
    config->window_id_step = SIPC_WINDOW_ID_STEP;
    config->window_id_max = SIPC_WINDOW_ID_MAX;
    config->group_bytes_max = SIPC_GROUP_BYTES_MAX;
}

bool sipc_config_conformant(const struct sipc_config *config)
{
    return config->window_id_step == SIPC_WINDOW_ID_STEP &&
           config->window_id_max == SIPC_WINDOW_ID_MAX &&
           config->group_bytes_max == SIPC_GROUP_BYTES_MAX;
}

static const char *config_bad_field(const struct sipc_config *c)
{
    const sipc_time time_max = SIPC_NEVER / 1024; /* sums of a few never overflow */

    if (c->max_window_size < 1 || c->max_window_size > 65535)
        return "max_window_size";
    if (c->ack_timeout_ns < SIPC_NS_PER_MS || c->ack_timeout_ns > time_max)
        return "ack_timeout";
    if (c->max_retry_count > 1000000 ||
        2 * (c->max_retry_count + UINT64_C(1)) > time_max / c->ack_timeout_ns)
        return "max_retry_count";
    if (c->open_timeout_ns > time_max)
        return "open_timeout";
    if (c->min_remote_idle_timeout_ns > c->max_remote_idle_timeout_ns)
        return "min_remote_idle_timeout";
    if (c->enquire_link_interval_ns > time_max)
        return "enquire_link_interval";
    if (c->linger_ns != SIPC_NEVER && c->linger_ns > time_max)
        return "linger";
    if (c->attribute_limit > 65535)
        return "attribute_limit";
    if (c->max_sessions < 1 || c->max_sessions > 1u << 24)
        return "max_sessions";
    if (c->unreliable_queue > 65535)
        return "unreliable_queue";
    if (c->window_id_step < 2 || /* with 1 the next id is *top* for ever (WID-11) */
        c->window_id_step > SIPC_WINDOW_ID_MAX / 4)
        return "window_id_step";
    if (c->window_id_max < 3 * c->window_id_step || c->window_id_max > SIPC_WINDOW_ID_MAX)
        return "window_id_max";
    if (c->group_bytes_max > SIPC_GROUP_BYTES_MAX || c->group_bytes_max < SIPC_MTU_MIN / 4)
        return "group_bytes_max";
    return NULL;
}

enum sipc_status sipc_config_check(struct sipc_config *config, const char **field)
{
    const char *bad = config_bad_field(config);

    if (field != NULL)
        *field = bad;
    if (bad != NULL)
        return SIPC_E_INVALID;
    if (config->mtu < SIPC_MTU_MIN) /* SIPC_RULE_SND_2a */
        config->mtu = SIPC_MTU_MIN;
    if (config->mtu > SIPC_MTU_MAX)
        config->mtu = SIPC_MTU_MAX;
    if (config->linger_ns == SIPC_NEVER) /* SIPC_RULE_END_3 */
        config->linger_ns = 2 * (config->max_retry_count + UINT64_C(1)) * config->ack_timeout_ns;
    return SIPC_OK;
}

/* Takes `count` items of `size` bytes from the block, each part 16-byte aligned. */
static uint64_t layout_take(uint64_t *at, uint64_t count, uint64_t size)
{
    uint64_t offset = *at;

    *at = (offset + count * size + 15) & ~UINT64_C(15);
    return offset;
}

void sipc__config_layout(const struct sipc_config *c, struct sipc_endpoint *ep)
{
    uint64_t at = 0;
    uint64_t n = c->max_sessions;

    ep->table_size = 4;
    while (ep->table_size < 2 * n)
        ep->table_size *= 2;
    ep->slot_bits = (uint32_t)__builtin_ctz(ep->table_size) - 1;
    ep->action_capacity = c->unreliable_queue + ACTIONS_PER_EVENT;
    layout_take(&at, 1, sizeof *ep);
    ep->sessions_offset = layout_take(&at, n, sizeof(struct session));
    ep->table_offset = layout_take(&at, ep->table_size, sizeof(uint32_t));
    ep->heap_offset = layout_take(&at, n, sizeof(uint32_t));
    ep->positions_offset = layout_take(&at, n * c->max_window_size, sizeof(struct position));
    ep->arenas_offset = layout_take(&at, n * c->group_bytes_max, 1);
    ep->options_offset = layout_take(&at, n * c->attribute_limit, 1);
    ep->unreliable_offset = layout_take(&at, n * c->unreliable_queue, sizeof(struct unreliable));
    ep->pools_offset = layout_take(&at, n * c->attribute_limit, 1);
    ep->snapshot_size = at;
    ep->actions_offset = layout_take(&at, ep->action_capacity, sizeof(struct queued));
    ep->head_offset = layout_take(&at, c->mtu, 1);
    ep->attributes_offset = layout_take(&at, c->group_bytes_max, 1);
    ep->pieces_offset = layout_take(&at, c->group_bytes_max / 9 + 1, sizeof(uint32_t));
    ep->size = at;
}

size_t sipc_endpoint_size(const struct sipc_config *config)
{
    struct sipc_endpoint layout;
    struct sipc_config checked = *config;

    if (sipc_config_check(&checked, NULL) != SIPC_OK)
        return 0;
    sipc__config_layout(&checked, &layout);
    return layout.size > SIZE_MAX ? 0 : (size_t)layout.size;
}
