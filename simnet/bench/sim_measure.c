/* Measuring one row: the simulator and ns-3 in turn, so that what disturbs the machine disturbs
 * both. */
#include <inttypes.h>
#include <stdio.h>

#include "sim_rows.h"

enum { MEASURE_FIRST_UNITS = 1000, COUNT_UNITS = 100000, NS3_UNITS_MIN = 1000 };

/* Not inlined: callgrind counts what happens in here. */
__attribute__((noinline)) bool sim_timed_work(const struct sim_kind *kind, void *self,
                                              uint64_t units, struct sim_done *done);
bool sim_timed_work(const struct sim_kind *kind, void *self, uint64_t units, struct sim_done *done)
{
    return kind->work(self, units, done);
}

/* The time is at least 1. */
static bool measure_pass(const struct sim_row *row, void *self, uint64_t units,
                         struct sim_done *done, uint64_t *ns)
{
    uint64_t start = bench_cpu_ns();
    bool good = sim_timed_work(row->kind, self, units, done);

    *ns = bench_cpu_ns() - start + 1 + (good ? done->workers_ns : 0);
    return good;
}

/* How many units the time of a repetition has room for, about; 0: failed. */
static uint64_t measure_calibrate(const struct sim_row *row, void *self, uint64_t repetition_ns)
{
    struct sim_done done;
    uint64_t units = row->of_size != NULL ? MEASURE_FIRST_UNITS : row->round, ns;

    for (;;) {
        if (!measure_pass(row, self, units, &done, &ns))
            return 0;
        if (ns >= repetition_ns / 4)
            break;
        units *= 2;
    }
    units = (uint64_t)((double)done.units * (double)repetition_ns / (double)ns);
    return units > 0 ? units : 1;
}

struct measured {
    double per_s[BENCH_REPETITIONS_MAX], pace[BENCH_REPETITIONS_MAX];
    double ns3_per_s[SIM_SCHEDULERS][BENCH_REPETITIONS_MAX];
    double ratio[SIM_SCHEDULERS][BENCH_REPETITIONS_MAX];
    double beside[SIM_BESIDE_MAX][BENCH_REPETITIONS_MAX];
    struct sim_done total;
};

static bool measure_ns3(const struct sim_figures *out, uint64_t units, struct measured *m,
                        uint32_t repetition)
{
    units /= out->row->ns3_share;
    for (int i = 0; i < SIM_SCHEDULERS; i++) {
        double *per_s = &m->ns3_per_s[i][repetition];
        if (!sim_ns3_run(out->row, out->size, (enum sim_scheduler)i,
                         units > NS3_UNITS_MIN ? units : NS3_UNITS_MIN, per_s))
            return false;
        m->ratio[i][repetition] = m->per_s[repetition] / *per_s;
    }
    return true;
}

static bool measure_repetitions(const struct sim_plan *plan, void *self, struct sim_figures *out)
{
    const struct sim_row *row = out->row;
    uint64_t units = plan->units ? plan->units : measure_calibrate(row, self, plan->repetition_ns);
    struct measured m = {0};
    struct sim_done done;
    uint64_t ns;

    if (units == 0)
        return false;
    for (uint32_t i = 0; i < plan->repetitions; i++) {
        /* While ns-3 ran, the kernel may have taken memory for unused. */
        if (out->has_ns3 && !plan->small && !row->kind->work(self, row->round, &done))
            return false;
        if (!measure_pass(row, self, units, &done, &ns))
            return false;
        m.total.units += done.units;
        m.total.simulated_ns += done.simulated_ns;
        m.total.busy_ns += done.busy_ns;
        m.per_s[i] = (double)done.units * 1e9 / (double)ns;
        m.pace[i] = (double)done.simulated_ns / (double)ns;
        for (int k = 0; k < SIM_BESIDE_MAX; k++)
            m.beside[k][i] = done.beside[k].value;
        if (out->has_ns3 && !measure_ns3(out, units, &m, i))
            return false;
    }
    out->units = m.total.units;
    out->per_s = bench_stat_of(m.per_s, plan->repetitions);
    out->pace = bench_stat_of(m.pace, plan->repetitions);
    if (m.total.simulated_ns > 0)
        out->filled = (double)m.total.busy_ns / (double)m.total.simulated_ns;
    for (int k = 0; k < SIM_BESIDE_MAX; k++)
        out->beside[k] = (struct sim_beside){done.beside[k].name,
                                             bench_stat_of(m.beside[k], plan->repetitions).median};
    for (int i = 0; i < SIM_SCHEDULERS && out->has_ns3; i++) {
        out->ns3_per_s[i] = bench_stat_of(m.ns3_per_s[i], plan->repetitions);
        out->ratio[i] = bench_stat_of(m.ratio[i], plan->repetitions);
    }
    return true;
}

static bool measure_instructions(const struct sim_plan *plan, struct sim_figures *out)
{
    char units[32];
    struct bench_count count;
    const char *const arguments[] = {"--json",  "--no-ns3", "--repetitions",
                                     "1",       "--row",    out->row->name,
                                     "--units", units,      plan->small ? "--small" : NULL,
                                     NULL};

    snprintf(units, sizeof units, "%d", COUNT_UNITS);
    bool good = bench_callgrind("sim", "sim_timed_work", arguments, &count);
    json_t *row = json_array_get(json_object_get(count.report, "rows"), 0);
    json_int_t done = json_integer_value(json_object_get(row, "units"));
    json_decref(count.report);
    if (!good || done <= 0)
        return false;
    out->instructions = (double)count.instructions / (double)done;
    return true;
}

bool sim_measure(const struct sim_plan *plan, const struct sim_row *row, struct sim_figures *out)
{
    *out = (struct sim_figures){.row = row, .size = plan->small ? row->small_size : row->size};
    out->has_ns3 = plan->ns3 && row->ns3_share > 0 && sim_ns3_is_there();
    void *self = row->kind->open(out->size);
    if (self == NULL) {
        fprintf(stderr, "sipc bench sim: row %s could not be set up\n", row->name);
        return false;
    }
    bool good = measure_repetitions(plan, self, out);
    row->kind->close(self);
    if (good && plan->instructions && row->of_size != NULL)
        good = measure_instructions(plan, out);
    return good;
}
