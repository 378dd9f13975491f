/* Random delays without floating point: a draw picks an entry of the table, which is the mean of
 * its part of the distribution, and its other bits move evenly about that by the slope of the
 * table. The mean stays exact; the tail ends with the last entry and its slope. */
#include "delay.h"

#include "internal.h"

enum { PLACE_BITS = 32 }; /* of the draw, for the place within an entry */

static int64_t delay_scale(int64_t value, sipc_time spread_ns)
{
    /* value < 2^26 and spread <= 3.6 * 10^12 < 2^42: the product is below 2^63 only after a
     * split. */
    int64_t high = (int64_t)(spread_ns >> DELAY_FRACTION_BITS);
    int64_t low = (int64_t)(spread_ns & ((UINT64_C(1) << DELAY_FRACTION_BITS) - 1));
    int64_t rest = value * low;

    return value * high +
           (rest >= 0 ? rest >> DELAY_FRACTION_BITS : -(-rest >> DELAY_FRACTION_BITS));
}

static int64_t delay_from_table(const int32_t *table, uint64_t draw, bool positive)
{
    size_t entry = draw >> (64 - DELAY_ENTRY_BITS);
    int64_t place = (int64_t)(draw >> (64 - DELAY_ENTRY_BITS - PLACE_BITS) & UINT32_MAX);
    size_t left = entry > 0 ? entry - 1 : 0;
    size_t right = entry < DELAY_ENTRIES - 1 ? entry + 1 : entry;
    int64_t slope = (table[right] - table[left]) / (int64_t)(right - left);
    /* -1/2 .. 1/2 of the slope, as odd multiples of 2^-33: the two halves cancel out. */
    int64_t about = slope * (2 * place + 1 - (INT64_C(1) << PLACE_BITS));
    int64_t value =
        table[entry] + (about >= 0 ? about >> (PLACE_BITS + 1) : -(-about >> (PLACE_BITS + 1)));

    return positive && value < 0 ? 0 : value;
}

int64_t delay_sample(enum simnet_delay_kind kind, uint64_t draw, sipc_time spread_ns)
{
    switch (kind) {
    case SIMNET_DELAY_UNIFORM:
        return (int64_t)simnet_scale(draw, spread_ns + 1);
    case SIMNET_DELAY_EXPONENTIAL:
        return delay_scale(delay_from_table(delay_table_exponential, draw, true), spread_ns);
    case SIMNET_DELAY_NORMAL:
        return delay_scale(delay_from_table(delay_table_normal, draw, false), spread_ns);
    case SIMNET_DELAY_PARETO:
        return delay_scale(delay_from_table(delay_table_pareto, draw, true), spread_ns);
    default:
        return 0;
    }
}
