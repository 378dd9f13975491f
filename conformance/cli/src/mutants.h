/* Mutants: broken SUTs, what their heads declare, and what the suite makes of them.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_CLI_MUTANTS_H
#define CONFORM_CLI_MUTANTS_H

#include "cli.h"

/* What became of one. Only the first two are as they should be. */
enum mutant_outcome {
    MUTANT_OWN, /* its own case failed, and the rule it breaks was blamed; a cheat: it is red */
    MUTANT_EQUIVALENT, /* declared so, and nothing noticed */
    MUTANT_BLAME,      /* its own case failed, but over something else */
    MUTANT_OTHER,      /* its own case did not fail, another one did */
    MUTANT_NOTHING,    /* no case failed */
    MUTANT_NOTICED,    /* declared equivalent, but a case failed */
    MUTANT_NOT_BUILT,  /* it could not be attached */
    MUTANT_OUTCOME_COUNT
};
const char *mutant_outcome_name(enum mutant_outcome outcome);

/* A broken SUT: what its head says, and what the suite made of it. */
struct mutant {
    char *name, *path;   /* of the file with the head */
    char *spec;          /* how it is attached */
    bool patch;          /* one fault in the engine; else a program that knows no protocol */
    char *what;          /* the head's first lines */
    enum sipc_rule rule; /* SIPC_RULE_NONE: a program that is no SUT at all (Exit: 3) */
    char *killer;        /* name or id of its own case; NULL if it has none */
    char *equivalent;    /* why nobody can tell; NULL */
    enum conform_verdict verdict; /* of its own case */

    enum mutant_outcome outcome;
    const struct cli_case *seen; /* the case that decided it, NULL */
    enum conform_verdict seen_verdict;
    enum sipc_rule seen_rule;
    char *reason;    /* what that case said, or why it could not be attached */
    size_t run, red; /* cases that were run; that failed */
};
bool mutant_is_green(const struct mutant *mutant);

struct mutants {
    struct mutant *items; /* by rule, then by name */
    size_t count;
};
/* Reads the heads of all mutants below `folder`, with their modules in `built`, and checks what
 * they declare against the suite. false: every error was told on stderr. */
bool mutants_read(struct mutants *mutants, const char *folder, const char *built,
                  const struct cli_suite *suite);
void mutants_clear(struct mutants *mutants);

/* Whether `entry` is the mutant's own case, or one of its script. */
bool mutant_is_own_case(const struct mutant *mutant, const struct cli_case *entry);

/* Attaches the mutant and runs cases until its outcome is known: its own first, then those about
 * its rule, then the rest; `full`: all of them. `killed` counts by case what failed. */
void mutant_run(struct mutant *mutant, const struct cli_suite *suite,
                const struct conform_run_options *options, bool full, size_t *killed);

#endif
