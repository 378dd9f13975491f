/* Scenarios: a world as data. Hosts, links, routes, sessions, traffic, operations, changes, faults
 * and what is expected of it all, in plain arrays that programs make, edit and copy; it is read
 * from and written as `.sx` text (conformance/script/SX.md), made into a world, run and judged.
 *
 * Things refer to each other by index into the arrays; hosts and links have the same index in the
 * world. Strings, bytes, lists and traces live in the scenario's memory, which all its copies share
 * and the last one frees: nothing there is ever changed.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_SCENARIO_H
#define SIMNET_SCENARIO_H

#include <stdio.h>

#include "sipc/rules.h"
#include "simnet/world.h"

#ifdef __cplusplus
extern "C" {
#endif

enum simnet_scenario_host_kind {
    SIMNET_HOST_ENGINE,   /* the engine, with `settings` */
    SIMNET_HOST_FOREIGN,  /* any other implementation: `sut`, "exec:..." or "so:..." */
    SIMNET_HOST_SCRIPTED, /* sends the `pdus` of the scenario whose `from` it is, and answers by its
                             `reactions` */
};
struct simnet_scenario_host {
    const char *name; /* letters, digits, _ */
    enum simnet_scenario_host_kind kind;
    struct sipc_config settings; /* of ENGINE and FOREIGN; sipc_config_default to begin with */
    const char *sut; /* FOREIGN; its paths are relative to the folder of the scenario's own path */
    int32_t clock_ppm;
    sipc_time clock_ns;
    int line; /* of the text it was read from, 0: none; so in all that follows */
};

/* Where a trace of a link's configuration was read from (simnet_scenario_load_trace), for the text.
 */
struct simnet_scenario_trace {
    const char *path; /* as the text has it; NULL: no such trace */
    sipc_time unit_ns;
};
struct simnet_scenario_link {
    simnet_host from, to; /* it is named "from>to" and is that pair's route; SIMNET_NONE: `name` */
    const char *name;
    struct simnet_link_config config; /* its name is set when the world is built */
    struct simnet_scenario_trace opportunities, delays, copies, losses[SIMNET_LOSSES_MAX];
    int line;
};

/* Routes beside those that links have by their name. */
struct simnet_scenario_route {
    simnet_host from, to;
    simnet_link link;
    int line;
};

/* `count` sessions between two hosts. The id of each is made of the name and its place alone, so
 * that what other sessions there are does not change what faults are called. */
struct simnet_scenario_session {
    const char *name;
    simnet_host a, b;
    uint32_t count; /* 1.. */
    int line;
};
void simnet_scenario_session_id(const char *name, uint32_t place, uint8_t id[SIPC_SESSION_ID_SIZE]);

struct simnet_scenario_traffic { /* in each session of its group, with draws of its own */
    struct simnet_traffic what;  /* session: index of the group */
    sipc_time stagger_ns;        /* the n-th session of the group starts n times so much later */
    int line;
};

struct simnet_scenario_operation {
    sipc_time at_ns;
    uint32_t place;               /* which session of the group; SIMNET_NONE: each */
    struct simnet_operation what; /* session: index of the group */
    int line;
};

struct simnet_scenario_change {
    struct simnet_change what;
    int line;
};

/* A datagram of a scripted host. Sorted by time when the world is built (stable). */
struct simnet_scenario_pdu {
    sipc_time at_ns; /* of its host's clock, since its start */
    simnet_host from, to;
    struct sipc_span bytes;
    int line;
};

/* What a scripted host answers, at once and to the address it came from. Of what comes each
 * reaction that fits answers, in their order. */
struct simnet_scenario_reaction {
    simnet_host host;
    struct simnet_predicate to; /* opcode -1: any PDU, 0: what is none; xmit: not looked at */
    struct sipc_span bytes;     /* of the answer */
    /* What it has from the PDU that came instead; then `to` is no raw, and `bytes` are a PDU. */
    bool takes_session, takes_window_id, takes_seq_nr;
    int line;
};

/* ---- expectations ---- */

/* What is looked at when the run is over. Selectors that are SIMNET_NONE (or -1) take all. */
enum simnet_metric {
    SIMNET_METRIC_END,   /* value: enum simnet_end */
    SIMNET_METRIC_FAILS, /* the run fails by `invariant`, and `rule` unless that is NONE */
    SIMNET_METRIC_BEGUN, /* operations accepted; command, host, session */
    SIMNET_METRIC_REFUSED,
    SIMNET_METRIC_PENDING,
    SIMNET_METRIC_CRASHED,
    SIMNET_METRIC_ENDED,   /* what: enum sipc_outcome; command, host, session */
    SIMNET_METRIC_GROUPS,  /* delivered; host, session */
    SIMNET_METRIC_BYTES,   /* delivered; host, session */
    SIMNET_METRIC_GOODPUT, /* bits/s: what was delivered, from the first operation begun to the last
                              delivery; host, session */
    SIMNET_METRIC_LINK,    /* what: enum simnet_link_counter; link (SIMNET_NONE: the sum; of peaks
                              and longest the largest), stage */
    SIMNET_METRIC_STATE,   /* value: enum sipc_state; session, host */
    SIMNET_METRIC_TIME,    /* virtual, ns, when the run ended */
    SIMNET_METRIC_EVENTS,
    SIMNET_METRIC_UNUSED, /* faults of the tape that fell on no PDU */
    SIMNET_METRIC_COUNT
};
enum simnet_link_counter {
    SIMNET_LINK_ENTERED,
    SIMNET_LINK_DUPLICATED,
    SIMNET_LINK_ARRIVED,
    SIMNET_LINK_DROPPED,    /* at `stage`, or at any */
    SIMNET_LINK_QUEUE_PEAK, /* bytes */
    SIMNET_LINK_SOJOURN,    /* longest from ENTER to the end of SERIALISE, ns */
    SIMNET_LINK_BYTES,      /* arrived */
    SIMNET_LINK_BUSY,       /* ppm of the time of the run its wire was busy */
    SIMNET_LINK_COUNTER_COUNT
};
enum simnet_compare { SIMNET_EQ, SIMNET_NE, SIMNET_LT, SIMNET_LE, SIMNET_GT, SIMNET_GE };

struct simnet_expectation {
    enum simnet_metric metric;
    enum simnet_compare compare; /* END, STATE: EQ or NE */
    uint64_t value;
    int what;
    simnet_host host;
    simnet_link link;
    uint32_t session, place; /* group, and which of it */
    int command;             /* enum simnet_command; -1 any */
    int stage;               /* enum simnet_stage; -1 any */
    const char *invariant;   /* FAILS */
    enum sipc_rule rule;     /* FAILS */
    int line;
};
#define SIMNET_EXPECTATION_ANY                                                                     \
    ((struct simnet_expectation){.host = SIMNET_NONE,                                              \
                                 .link = SIMNET_NONE,                                              \
                                 .session = SIMNET_NONE,                                           \
                                 .place = SIMNET_NONE,                                             \
                                 .command = -1,                                                    \
                                 .stage = -1})

/* ---- scenarios ---- */

#define SIMNET_ARRAY(type)                                                                         \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t count, capacity;                                                                    \
    }

struct simnet_scenario {
    const char *path;  /* it was read from; NULL: none */
    const char *id;    /* letters, digits, -, _ */
    const char *name;  /* of the case: id[param=value]; the id without parameters */
    const char *story; /* comment, newlines kept; "" if none */
    const enum sipc_rule *rules;
    size_t rule_count;
    uint64_t seed;
    enum simnet_ties ties;
    sipc_time heal_ns;  /* SIPC_NEVER: none */
    sipc_time until_ns; /* the run ends then; SIPC_NEVER: when nothing is left to happen */
    uint64_t event_max; /* 0: the default of a world; so the two others */
    sipc_time time_max_ns;
    uint32_t moment_max;
    bool deliveries_unchecked;
    bool
        chance_off; /* draw nothing: `faults` is the tape, also where it is empty. Implied by one */
    SIMNET_ARRAY(struct simnet_scenario_host) hosts;
    SIMNET_ARRAY(struct simnet_scenario_link) links;
    SIMNET_ARRAY(struct simnet_scenario_route) routes;
    SIMNET_ARRAY(struct simnet_scenario_session) sessions;
    SIMNET_ARRAY(struct simnet_scenario_traffic) traffic;
    SIMNET_ARRAY(struct simnet_scenario_operation) operations;
    SIMNET_ARRAY(struct simnet_scenario_change) changes;
    SIMNET_ARRAY(struct simnet_scenario_pdu) pdus;
    SIMNET_ARRAY(struct simnet_scenario_reaction) reactions;
    SIMNET_ARRAY(struct simnet_expectation) expectations;
    struct simnet_tape faults;
    struct simnet_scenario_memory *memory;
};

/* Empty, with the defaults: seed 1, no heal, no end. */
void simnet_scenario_init(struct simnet_scenario *scenario, const char *id);
void simnet_scenario_copy(const struct simnet_scenario *from, struct simnet_scenario *to);
void simnet_scenario_fini(struct simnet_scenario *scenario);

/* Appends *item to one of the arrays (hosts, links, ...): simnet_scenario_add(&s->hosts, &host). */
#define simnet_scenario_add(array, item)                                                           \
    do {                                                                                           \
        (array)->at = simnet_scenario_grow((array)->at, (array)->count, &(array)->capacity,        \
                                           sizeof *(array)->at);                                   \
        (array)->at[(array)->count++] = *(item);                                                   \
    } while (0)
void *simnet_scenario_grow(void *at, size_t count, size_t *capacity, size_t size);
/* Removes the item at `index`; the rest keeps its order. References are the caller's to mend. */
#define simnet_scenario_remove(array, index)                                                       \
    simnet_scenario_cut((array)->at, &(array)->count, index, sizeof *(array)->at)
void simnet_scenario_cut(void *at, size_t *count, size_t index, size_t size);

/* Copies into the scenario's memory, which is not for several threads at a time. */
const char *simnet_scenario_string(struct simnet_scenario *scenario, const char *text);
struct sipc_span simnet_scenario_bytes(struct simnet_scenario *scenario, const void *bytes,
                                       size_t size);

/* A trace read from `path`, which is relative to the folder of the scenario's own path; it lives in
 * the scenario's memory. NULL: *error says why. `wrap` and `interval_ns` are the caller's to set.
 */
struct simnet_trace *simnet_scenario_load_trace(struct simnet_scenario *scenario, const char *path,
                                                enum simnet_trace_kind kind, sipc_time unit_ns,
                                                struct simnet_error *error);

/* Removing a host also removes its links, routes, sessions, PDUs, reactions, changes and
 * expectations; a link
 * its routes, changes, faults and expectations; a session group its traffic, operations, faults and
 * expectations. What is left refers to the same things as before. */
void simnet_scenario_remove_host(struct simnet_scenario *scenario, size_t index);
void simnet_scenario_remove_link(struct simnet_scenario *scenario, size_t index);
void simnet_scenario_remove_session(struct simnet_scenario *scenario, size_t index);

/* The name of a link as text has it: "a>b" or its own. */
void simnet_scenario_link_name(const struct simnet_scenario *scenario, size_t index, char *out,
                               size_t size);

/* ---- text ---- */

struct sx_script;

/* Case `index` of a parsed script that has a world (conform/world.h). false: told to `errors` (may
 * be NULL) as "path:line: error: ...", and there is nothing to free. */
bool simnet_scenario_from_script(const struct sx_script *script, size_t index,
                                 struct simnet_scenario *out, FILE *errors);
/* The scenario as a script without parameters, to be freed by sx_script_free; it borrows from the
 * scenario. The timeline is sorted by time. PDUs of more than 1,900 bytes that are no pattern give
 * lines too long to be read back. */
struct sx_script *simnet_scenario_to_script(const struct simnet_scenario *scenario);
void simnet_scenario_print(const struct simnet_scenario *scenario, FILE *out);

/* ---- tapes as files ---- */

/* What a tape file says beside its faults. */
struct simnet_tape_head {
    char name[512]; /* of the case */
    uint64_t seed;
    uint64_t hash, events; /* of the run it was recorded from */
};
void simnet_tape_write(const struct simnet_scenario *scenario, const struct simnet_tape_head *head,
                       const struct simnet_tape *tape, FILE *out);
/* Reads a tape recorded from `scenario`. false: told to `errors` with the line: no tape, one of
 * another version, cut, of another case, or with names the scenario has not. */
bool simnet_tape_read(const struct simnet_scenario *scenario, const char *path,
                      struct simnet_tape_head *head, struct simnet_tape *out, FILE *errors);

/* ---- running ---- */

/* SUTs of foreign hosts that outlive a run: the next host with the same spec takes one over, resets
 * and configures it, instead of starting another. One that broke is not kept. For many runs in
 * which starting the program would take longest. */
struct simnet_foreigns;
struct simnet_foreigns *simnet_foreigns_new(void);
void simnet_foreigns_free(struct simnet_foreigns *foreigns); /* NULL is allowed */

struct simnet_scenario_options {
    const uint64_t *seed;             /* instead of the scenario's; NULL: its own */
    const struct simnet_tape *replay; /* instead of chance, or of the scenario's faults; NULL */
    bool record;                      /* keep the tape */
    bool hash_off;
    struct simnet_foreigns *foreigns;     /* kept from run to run; NULL: none is */
    const struct simnet_carrier *carrier; /* as in simnet_config; so the next */
    bool rounds_each;
    const struct simnet_observer *observers; /* added before anything happens */
    size_t observer_count;
};

/* A scenario that became a world. Hosts and links have the scenario's indices; session group g
 * begins at sessions[g]. The scenario must outlive it, unchanged. */
struct simnet_scenario_run {
    const struct simnet_scenario *scenario;
    struct simnet_world *world;
    simnet_session *sessions;
    struct simnet_scenario_watch *watch; /* what expectations count */
};
/* false: *error says what makes no sense and *line (may be NULL) where, 0 where that is not known;
 * nothing is left to free. A foreign host that cannot be started is such an error, and *foreign
 * (may be NULL) is set then. */
bool simnet_scenario_build(const struct simnet_scenario *scenario,
                           const struct simnet_scenario_options *options,
                           struct simnet_scenario_run *out, struct simnet_error *error, int *line,
                           bool *foreign);
void simnet_scenario_run_fini(struct simnet_scenario_run *run);

/* To the scenario's end: simnet_world_run until `until_ns`. Programs that need to look in between
 * call simnet_world_run themselves. */
enum simnet_end simnet_scenario_go(struct simnet_scenario_run *run);

/* What the metric of expectation `index` came to; FAILS and STATE: 0. */
uint64_t simnet_scenario_measure(const struct simnet_scenario_run *run, enum simnet_end end,
                                 size_t index);

/* What came of it. */
struct simnet_judgement {
    bool ok;
    const struct simnet_expectation *broken; /* the first that does not hold; NULL: none */
    const struct simnet_failure *failure;    /* of the world, if no expectation names it */
    char text[400];                          /* not ok: what was expected and what was found */
};
/* Without an expectation of the end, it must be DRAINED, or UNTIL where until_ns is set. A failure
 * of the world is one here too, unless an expectation FAILS names it. */
void simnet_scenario_judge(const struct simnet_scenario_run *run, enum simnet_end end,
                           struct simnet_judgement *out);

#ifdef __cplusplus
}
#endif
#endif
