/* See bench/common.h; callgrind.c has the rest of it. */
#include "bench/common.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t bench_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- statistics ---- */

static int common_order(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

struct bench_stat bench_stat_of(const double *values, uint32_t count)
{
    double sorted[BENCH_REPETITIONS_MAX];

    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, common_order);
    return (struct bench_stat){
        .median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
        .min = sorted[0],
        .max = sorted[count - 1],
    };
}

json_t *bench_json_stat(const struct bench_stat *stat)
{
    return json_pack("{s:f, s:f, s:f}", "median", stat->median, "min", stat->min, "max", stat->max);
}

/* ---- numbers in options ---- */

bool bench_number(const char *command, const char *option, const char **text, uint64_t min,
                  uint64_t max, uint64_t *out)
{
    char *end;
    unsigned long long value = strtoull(*text, &end, 10);

    if (end == *text || (*end != '\0' && *end != ',') || **text < '0' || **text > '9' ||
        value < min || value > max) {
        fprintf(stderr,
                "sipc bench %s: --%s: expected a number in %" PRIu64 "..%" PRIu64 ", found '%s'\n",
                command, option, min, max, *text);
        return false;
    }
    *out = value;
    *text = end;
    return true;
}

bool bench_one_number(const char *command, const char *option, const char *text, uint64_t min,
                      uint64_t max, uint64_t *out)
{
    if (!bench_number(command, option, &text, min, max, out))
        return false;
    if (*text == '\0')
        return true;
    fprintf(stderr, "sipc bench %s: --%s takes one number\n", command, option);
    return false;
}

/* ---- who measured ---- */

void bench_processor(char *out, size_t size)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(out, size, "unknown processor");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(out, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    fclose(file);
}

const char *bench_build(void)
{
    return BENCH_BUILD;
}

const char *bench_sanitizers(void)
{
    return BENCH_SANITIZE;
}

bool bench_build_is_slow(void)
{
#ifdef __OPTIMIZE__
    return BENCH_SANITIZE[0] != '\0';
#else
    return true;
#endif
}

void bench_print_machine(void)
{
    char processor[128];

    bench_processor(processor, sizeof processor);
    printf("%s; %s%s%s", processor, BENCH_BUILD, BENCH_SANITIZE[0] != '\0' ? ", sanitizers: " : "",
           BENCH_SANITIZE);
}
