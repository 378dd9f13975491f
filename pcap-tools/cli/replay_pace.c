/* When PDUs of a replay are due: pure functions. See replay.h. */
#include "replay.h"

/* a * b / c, rounded down; b and c below 2^32. */
static uint64_t pace_scale(uint64_t a, uint64_t b, uint64_t c)
{
    return a / c * b + a % c * b / c;
}

uint64_t replay_due(const struct replay_pace *pace, uint64_t index, uint64_t since_ns)
{
    switch (pace->kind) {
    case REPLAY_SCALED:
        return pace_scale(since_ns, 1000, pace->speed_milli);
    case REPLAY_RATED:
        return pace_scale(index, 1000 * SIPC_NS_PER_MS, pace->rate);
    case REPLAY_FASTEST:
        break;
    }
    return 0;
}
