/* Measuring one cell. Both contenders keep their world from one repetition to the next and take
 * turns, so that what disturbs the machine disturbs both. First comes a pass that checks every byte
 * delivered and warms up; the timed passes check lengths and order. */
#include <stdio.h>

#include "measure.h"

enum { MEASURE_FIRST_MESSAGES = 64 };

struct measured {
    const struct bench_contender *contender;
    struct bench_world *world;
    uint64_t pdus;
    double pdu_ns[BENCH_REPETITIONS_MAX];
    double messages_s[BENCH_REPETITIONS_MAX];
};

/* Not inlined: callgrind counts what happens in here. */
__attribute__((noinline)) void bench_timed_work(const struct bench_contender *contender,
                                                struct bench_world *world);
void bench_timed_work(const struct bench_contender *contender, struct bench_world *world)
{
    contender->work(world);
}

/* Carries `messages` more and gives the time that took, at least 1. */
static uint64_t measure_pass(struct measured *m, uint64_t messages)
{
    uint64_t start;

    m->world->goal += messages;
    start = bench_cpu_ns();
    bench_timed_work(m->contender, m->world);
    return bench_cpu_ns() - start + 1;
}

static bool measure_fine(const struct measured *m)
{
    const struct bench_cell *cell = &m->world->cell;

    if (!world_failed(m->world))
        return true;
    fprintf(stderr,
            "sipc bench engine: %s failed with window %u, MTU %u, messages of %u bytes, loss %u %%,"
            " sessions %u: %s\n",
            m->contender->name, cell->window, cell->mtu, cell->message_size, cell->loss_percent,
            cell->sessions, m->world->error);
    return false;
}

static bool measure_open(struct measured *m, const struct bench_contender *contender,
                         const struct bench_cell *cell, uint64_t messages)
{
    m->contender = contender;
    m->world = contender->open(cell);
    if (m->world == NULL) {
        fprintf(stderr, "sipc bench engine: no memory for %u sessions\n", cell->sessions);
        return false;
    }
    m->world->every_byte = true;
    m->world->goal += messages;
    if (!world_failed(m->world))
        contender->work(m->world);
    m->world->every_byte = false;
    return measure_fine(m);
}

static void measure_close(struct measured *m)
{
    if (m->world != NULL)
        m->contender->close(m->world);
}

/* How many messages the engine carries in the time of a repetition, about. */
static uint64_t measure_calibrate(struct measured *engine, uint64_t first, uint64_t repetition_ns)
{
    uint64_t messages = first;
    uint64_t ns = measure_pass(engine, messages);

    while (ns < repetition_ns / 4) {
        messages *= 2;
        ns = measure_pass(engine, messages);
    }
    messages = (uint64_t)((double)messages * (double)repetition_ns / (double)ns);
    return messages > 0 ? messages : 1;
}

static void measure_repetition(struct measured *m, uint32_t repetition, uint64_t messages)
{
    uint64_t pdus = m->world->link.sent;
    double ns = (double)measure_pass(m, messages);

    pdus = m->world->link.sent - pdus;
    m->pdus += pdus;
    m->pdu_ns[repetition] = ns / (double)pdus;
    m->messages_s[repetition] = (double)messages * 1e9 / ns;
}

static void measure_figures(const struct measured *m, const struct bench_plan *plan,
                            const struct bench_row *row, struct bench_figures *out)
{
    out->pdu_ns = bench_stat_of(m->pdu_ns, plan->repetitions);
    out->messages_s = bench_stat_of(m->messages_s, plan->repetitions);
    out->megabytes_s = out->messages_s.median * row->cell.message_size / 1e6;
    out->pdus_by_message = (double)m->pdus / ((double)row->messages * plan->repetitions);
}

static bool measure_repetitions(const struct bench_plan *plan, struct measured *engine,
                                struct measured *enet, struct bench_row *row)
{
    double ratios[BENCH_REPETITIONS_MAX];

    for (uint32_t i = 0; i < plan->repetitions; i++) {
        measure_repetition(engine, i, row->messages);
        if (row->has_enet) {
            measure_repetition(enet, i, row->messages);
            ratios[i] = engine->messages_s[i] / enet->messages_s[i];
        }
        if (!measure_fine(engine) || (row->has_enet && !measure_fine(enet)))
            return false;
    }
    row->pdus = engine->pdus;
    measure_figures(engine, plan, row, &row->engine);
    if (row->has_enet) {
        measure_figures(enet, plan, row, &row->enet);
        row->ratio = bench_stat_of(ratios, plan->repetitions);
    }
    return true;
}

bool bench_measure(const struct bench_plan *plan, const struct bench_cell *cell,
                   struct bench_row *row)
{
    struct measured engine = {0}, enet = {0};
    uint64_t first = plan->messages > 0 ? plan->messages : MEASURE_FIRST_MESSAGES;
    bool good;

    *row = (struct bench_row){.cell = *cell, .messages = first};
    row->has_enet = plan->enet && bench_enet != NULL;
    good = measure_open(&engine, &bench_engine, cell, first) &&
           (!row->has_enet || measure_open(&enet, bench_enet, cell, first));
    if (good && plan->messages == 0) {
        row->messages = measure_calibrate(&engine, first, plan->repetition_ns);
        good = measure_fine(&engine);
    }
    good = good && measure_repetitions(plan, &engine, &enet, row);
    measure_close(&engine);
    measure_close(&enet);
    if (good && plan->instructions)
        good = bench_count_instructions(cell, &row->instructions);
    return good;
}
