/* CPU time of this process: what the two files of the comparison measure runs with.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_NS3_COMPARE_CLOCK_H
#define SIMNET_NS3_COMPARE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t compare_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
