/* Inverse distribution functions as integer tables (tables/make_delay_tables.py): entry i is the
 * mean between the quantiles i/2048 and (i+1)/2048, in units of 2^-20. */
#ifndef SIMNET_SRC_DELAY_H
#define SIMNET_SRC_DELAY_H

#include <stdint.h>

enum { DELAY_ENTRIES = 2048, DELAY_ENTRY_BITS = 11, DELAY_FRACTION_BITS = 20 };

extern const int32_t delay_table_exponential[DELAY_ENTRIES];
extern const int32_t delay_table_normal[DELAY_ENTRIES];
extern const int32_t delay_table_pareto[DELAY_ENTRIES];

#endif
