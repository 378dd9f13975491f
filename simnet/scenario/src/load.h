/* What load.c and load_link.c share: a script being read. Functions return false after they told
 * why. SPDX-License-Identifier: MIT */
#ifndef SIMNET_SCENARIO_LOAD_H
#define SIMNET_SCENARIO_LOAD_H

#include "text.h"

struct scenario_load {
    struct simnet_scenario *scenario;
    const struct sx_script *script;
    size_t index;
    struct sx_env env;
    FILE *errors;
    const struct sx_statement *statement;
    sipc_time last_at_ns; /* of the timeline */
    bool timeline;
    uint64_t session_count; /* with those of groups */
};

bool scenario_load_fail(const struct scenario_load *load, const char *format, ...)
    SIPC_PRINTF(2, 3);
/* The number of a field that is given. */
bool scenario_load_number(const struct scenario_load *load, const struct sx_clause *clause,
                          int field, int64_t *out);
/* The same, 0 if it is not given. */
bool scenario_load_unsigned(const struct scenario_load *load, const struct sx_clause *clause,
                            int field, uint64_t *out);
/* What the rows have of the statement's clauses, into `base`. */
bool scenario_load_fields(const struct scenario_load *load, const struct scenario_field *fields,
                          void *base);
/* A text that lives as long as the scenario. */
const char *scenario_load_text(struct scenario_load *load, struct sipc_span bytes);

bool scenario_load_link(struct scenario_load *load);

#endif
