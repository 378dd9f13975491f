/* What a replayer was doing when something ended it: a signal, an input without an end, or a SUT
 * loaded into this process that calls exit. SPDX-License-Identifier: MIT */
#ifndef FUZZ_WATCH_H
#define FUZZ_WATCH_H

#include <stddef.h>
#include <stdint.h>

/* From here on the end of the program is told, whatever ends it. An input may take so many seconds,
 * 0: any. */
void watch_begin(unsigned long seconds);
/* The file whose input is run, or in which one that was made is kept if it ends the program. Lives
 * as long as inputs are given. */
void watch_name(const char *path);

/* Gives the target an input; a made one is kept. */
void watch_give(const uint8_t *data, size_t size);
void watch_give_made(const uint8_t *data, size_t size);
/* The target did not come back, and the program goes on all the same. */
void watch_over(void);

#endif
