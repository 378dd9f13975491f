/* The rows of `sipc bench sim`: what is measured, and what comes out. A row is a kind of work and
 * a size; another row is one more entry of sim_rows. SPDX-License-Identifier: MIT */
#ifndef SIM_ROWS_H
#define SIM_ROWS_H

#include "bench/common.h"

enum { SIM_BESIDE_MAX = 3 };

/* A figure of its own beside those of a row. */
struct sim_beside {
    const char *name; /* static; NULL: none */
    double value;
};

/* What some work did. */
struct sim_done {
    uint64_t units;
    uint64_t workers_ns;                      /* CPU time of other processes that did it */
    struct sim_beside beside[SIM_BESIDE_MAX]; /* by unit, or of the last time it was done */
    uint64_t simulated_ns;
    uint64_t busy_ns; /* of these, so long was the link in use; 0 where there is none */
};

struct sim_kind {
    /* All there is before anything is timed: pending events, open sessions, a full link. NULL:
     * told on stderr. */
    void *(*open)(uint64_t size);
    /* At least `units` more. false: told on stderr. */
    bool (*work)(void *self, uint64_t units, struct sim_done *done);
    void (*close)(void *self); /* NULL is allowed */
    /* The same in ns-3: the words for simnet/ns3/baseline.cc, but for the units at the end. */
    int (*ns3)(uint64_t size, const char *scheduler, char *out, size_t out_size);
};
extern const struct sim_kind sim_queue;         /* size: events pending */
extern const struct sim_kind sim_timers;        /* size: hosts, a deadline each */
extern const struct sim_kind sim_link;          /* size: delay one way in microseconds */
extern const struct sim_kind sim_engines_short; /* size: sessions, over 0.5 ms one way */
extern const struct sim_kind sim_engines_long;  /* size: sessions, over a delay they just fill */
extern const struct sim_kind sim_swarm;
extern const struct sim_kind sim_explore_faf; /* size of these: states at most; 0: all */
extern const struct sim_kind sim_explore_close_race;
extern const struct sim_kind sim_explore_two_messages;
extern const struct sim_kind sim_shrink; /* size: PDUs, about, before the failure */

struct sim_row {
    const char *name;
    const char *unit;
    const char *of_size; /* what size counts; NULL: a search, in a table of its own,
                            without its size */
    const struct sim_kind *kind;
    uint64_t size, small_size;
    uint64_t round;     /* so many units touch all there is; of a search: to begin with */
    uint64_t ns3_share; /* ns-3 does this part of the units, as it takes longer; 0: not measured */
};
extern const struct sim_row sim_rows[];
extern const size_t sim_row_count;

/* ---- ns3.c ---- */

enum sim_scheduler { SIM_MAP, SIM_PRIORITY_QUEUE, SIM_SCHEDULERS };
extern const char *const sim_scheduler_names[SIM_SCHEDULERS];

/* Whether the program built of simnet/ns3 stands beside this one. */
bool sim_ns3_is_there(void);
/* Units by second of CPU time. false: told on stderr. */
bool sim_ns3_run(const struct sim_row *row, uint64_t size, enum sim_scheduler scheduler,
                 uint64_t units, double *per_s);

/* ---- sim_measure.c ---- */

enum { SIM_ROWS_MAX = 32 };

struct sim_plan {
    const struct sim_row *rows[SIM_ROWS_MAX];
    uint32_t row_count;
    uint32_t repetitions;
    uint64_t repetition_ns; /* of CPU time, about; not looked at where `units` is set */
    uint64_t units;         /* by repetition; 0: as many as repetition_ns takes */
    bool small;             /* small sizes */
    bool ns3;               /* measured beside, if it is there */
    bool instructions;      /* counted, in a run under callgrind */
    bool json;
};

struct sim_figures {
    const struct sim_row *row;
    uint64_t size;
    uint64_t units;          /* in all repetitions */
    struct bench_stat per_s; /* units by second of CPU time */
    struct bench_stat pace;  /* simulated seconds by second of CPU time */
    double filled;           /* the share of simulated time in which the link was in use; 0: none */
    double instructions;     /* by unit; 0: not counted */
    struct sim_beside beside[SIM_BESIDE_MAX]; /* medians of the repetitions */
    bool has_ns3;
    struct bench_stat ns3_per_s[SIM_SCHEDULERS];
    struct bench_stat ratio[SIM_SCHEDULERS]; /* over ns-3's, each repetition's own */
};

/* false: told on stderr. */
bool sim_measure(const struct sim_plan *plan, const struct sim_row *row, struct sim_figures *out);

/* ---- sim_report.c ---- */

void sim_print_head(const struct sim_plan *plan);
/* `before`: the row printed before; NULL: none. Searches have other columns. */
void sim_print_row(const struct sim_figures *figures, const struct sim_row *before);
json_t *sim_json_row(const struct sim_figures *figures); /* new references */
json_t *sim_json(const struct sim_plan *plan, json_t *rows);

#endif
