/* How many executions a second a target makes of inputs that are about as long as one another, by
 * CPU time: what other programs do meanwhile does not count. SPDX-License-Identifier: MIT */
#ifndef FUZZ_SPEED_H
#define FUZZ_SPEED_H

#include <stddef.h>
#include <stdint.h>

/* An input of the corpus is measured where it is short: at most 256 bytes, or 32 operations of a
 * target of records. Of a target that counts events it is mutated first, till it comes to 256 of
 * them or a few less; the same input, the same mutations. One that does not is left out. */
void speed_take(const uint8_t *data, size_t size);

/* Runs what was taken over and over, for some seconds, and prints a line. */
void speed_run(void);

#endif
