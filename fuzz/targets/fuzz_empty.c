/* Fuzz target that does nothing: what fuzzing costs by itself.
 * SPDX-License-Identifier: MIT */
#include "targets/target.h"

const uint32_t target_ops = 0;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return 0;
}
