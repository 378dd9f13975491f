/* What the fuzz targets share. An oracle that is broken stops the program, as libFuzzer and the
 * replayer both want it.
 * SPDX-License-Identifier: MIT */
#ifndef SIPC_FUZZ_H
#define SIPC_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition, what)                                                                \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: oracle broken: %s (%s)\n", __FILE__, __LINE__, what,           \
                    #condition);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
