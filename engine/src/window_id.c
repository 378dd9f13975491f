/* Window ids: which the peer may use (WID-1…7), which this side may use (WID-9…11).
 * Pure functions of the settings and a few numbers; knows nothing of sessions or PDUs. */
#include "state.h"

bool sipc__window_id_is_first(const struct sipc_config *config, int64_t window_id)
{
    return window_id >= 0 && window_id <= config->window_id_step; /* WID-1 */
}

static bool window_id_in_reach(const struct sipc_config *config, const struct receiver *rx,
                               int64_t window_id)
{
    if (rx->min_window_id < 0)
        return sipc__window_id_is_first(config, window_id); /* SIPC_RULE_WID_1 */
    if (rx->min_window_id == config->window_id_max &&
        sipc__window_id_is_first(config, window_id)) /* SIPC_RULE_WID_6 */
        return true;
    if (window_id > config->window_id_max) /* SIPC_RULE_WID_2, SIPC_RULE_WID_2a */
        return false;
    if (window_id < rx->min_window_id || window_id - rx->min_window_id > config->window_id_step)
        return false;                                            /* SIPC_RULE_WID_3 */
    return window_id != rx->min_window_id || !rx->min_processed; /* SIPC_RULE_WID_5 */
}

enum window_id_verdict sipc__window_id_check(const struct sipc_config *config,
                                             const struct receiver *rx, int64_t window_id)
{
    if (window_id_in_reach(config, rx, window_id))
        return WINDOW_ID_VALID;
    if (window_id == rx->last.window_id) /* SIPC_RULE_WID_7 */
        return WINDOW_ID_REPEAT;
    return WINDOW_ID_INVALID;
}

int64_t sipc__window_id_top(const struct sipc_config *config, const struct sender *tx)
{
    if (tx->acked_id < 0 || tx->acked_id == config->window_id_max)
        return config->window_id_step; /* SIPC_RULE_WID_10 */
    if (config->window_id_max - tx->acked_id < config->window_id_step)
        return config->window_id_max;
    return tx->acked_id + config->window_id_step;
}

int64_t sipc__window_id_next(const struct sipc_config *config, const struct sender *tx)
{
    if (tx->last_id == config->window_id_max && tx->acked_id == config->window_id_max)
        return 0; /* SIPC_RULE_WID_6, SIPC_RULE_WID_10: the wrap */
    return tx->last_id + 1;
}

bool sipc__window_id_exhausted(const struct sipc_config *config, const struct sender *tx)
{
    return sipc__window_id_next(config, tx) >= sipc__window_id_top(config, tx);
}

int64_t sipc__window_id_take(const struct sipc_config *config, struct sender *tx)
{
    tx->last_id = sipc__window_id_next(config, tx); /* SIPC_RULE_WID_9 */
    SIPC_ASSERT(tx->last_id <= sipc__window_id_top(config, tx));
    return tx->last_id;
}

bool sipc__window_id_acked(const struct sipc_config *config, struct sender *tx, int64_t window_id,
                           int32_t error_code)
{
    bool wrapped = tx->acked_id == config->window_id_max && tx->last_id < tx->acked_id;
    bool newer = window_id <= tx->last_id && (wrapped || window_id > tx->acked_id);

    if (newer && error_code != SIPC_ERROR_TWO_WAY_WHILE_OPENING)
        tx->acked_id = window_id; /* SIPC_RULE_WID_10 */
    return newer || window_id <= tx->acked_id;
}
