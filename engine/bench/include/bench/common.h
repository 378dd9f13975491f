/* What the benchmarks have in common: CPU time, statistics, numbers in options, who measured, and
 * instructions counted by callgrind. A benchmark is named by its command: "engine" stands for
 * `sipc bench engine` in what is told on stderr.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_REPETITIONS_MAX = 99 };

/* Of the repetitions. */
struct bench_stat {
    double median, min, max;
};

/* CPU time of this thread: others on the machine then cost less than on a wall clock, though still
 * their share of the caches. */
uint64_t bench_cpu_ns(void);
/* count: 1..BENCH_REPETITIONS_MAX */
struct bench_stat bench_stat_of(const double *values, uint32_t count);
json_t *bench_json_stat(const struct bench_stat *stat); /* a new reference */

/* A decimal number in min..max at the start of *text, which moves behind it, to the end or a comma.
 * false: told on stderr. */
bool bench_number(const char *command, const char *option, const char **text, uint64_t min,
                  uint64_t max, uint64_t *out);
/* The same, and nothing behind it. */
bool bench_one_number(const char *command, const char *option, const char *text, uint64_t min,
                      uint64_t max, uint64_t *out);

void bench_processor(char *out, size_t size);
const char *bench_build(void);      /* compiler and kind of build */
const char *bench_sanitizers(void); /* "": none */
bool bench_build_is_slow(void);     /* its figures say nothing */
/* The line about it in front of a table: processor, build, sanitizers; no newline. */
void bench_print_machine(void);

/* The processor's own counters are rarely open to a virtual machine, so callgrind counts: this
 * program runs itself once more, under valgrind, as `sipc bench COMMAND ARGUMENTS...`, where only
 * instructions within `function` count. */
struct bench_count {
    uint64_t instructions;
    json_t *report; /* what the run printed; to be freed */
};
/* `arguments` end with NULL and make the run print JSON. false: told on stderr. */
bool bench_callgrind(const char *command, const char *function, const char *const *arguments,
                     struct bench_count *out);

#endif
