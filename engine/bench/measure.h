/* What the benchmark is asked to do, and what comes out.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench/common.h"
#include "world.h"

enum { BENCH_CELLS_MAX = 64 };

struct bench_plan {
    struct bench_cell cells[BENCH_CELLS_MAX];
    uint32_t cell_count;
    uint32_t repetitions;
    uint64_t repetition_ns; /* of CPU time, about; not looked at where `messages` is set */
    uint64_t messages;      /* by repetition; 0: as many as repetition_ns takes */
    bool enet;              /* measured beside, if it is there */
    bool instructions;      /* counted, in a run under callgrind */
    bool json;
};

struct bench_figures {
    struct bench_stat pdu_ns;     /* CPU time by PDU: both ends and the link */
    struct bench_stat messages_s; /* messages by second of CPU time */
    double megabytes_s;           /* of payload, median */
    double pdus_by_message;
};

struct bench_row {
    struct bench_cell cell;
    uint64_t messages; /* by repetition */
    uint64_t pdus;     /* of the engine, in all repetitions */
    struct bench_figures engine;
    struct bench_figures enet;
    struct bench_stat ratio; /* engine's messages by second over ENet's, each repetition's own */
    double instructions;     /* by PDU; 0: not counted */
    bool has_enet;
};

/* Measures one cell. false: told on stderr. */
bool bench_measure(const struct bench_plan *plan, const struct bench_cell *cell,
                   struct bench_row *row);

/* Instructions by PDU, counted by callgrind in a process of its own. false: told on stderr. */
bool bench_count_instructions(const struct bench_cell *cell, double *instructions);

/* The engine's memory, by the settings it depends on. */
struct bench_memory {
    double session;          /* a session's own state, its share of table and heap */
    double window_position;  /* and for each PDU of max_window_size, */
    double group_byte;       /* each byte of group_bytes_max, */
    double attribute_byte;   /* each byte of attribute_limit, */
    double unreliable_entry; /* and each place of unreliable_queue */
    double session_default;  /* all of it at the default settings */
    double resident_idle;    /* pages really used by a session that was opened and stayed idle */
};
/* false: no memory, told on stderr. */
bool bench_measure_memory(struct bench_memory *memory);

/* ---- report.c ---- */

void bench_print_head(const struct bench_plan *plan);
void bench_print_row(const struct bench_row *row);
void bench_print_memory(const struct bench_memory *memory);
/* A new reference. */
json_t *bench_json_row(const struct bench_row *row);
json_t *bench_json(const struct bench_plan *plan, json_t *rows, const struct bench_memory *memory);

#endif
