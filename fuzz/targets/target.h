/* What the fuzz targets share. An oracle that is broken names its rule where it has one and stops
 * the program, as libFuzzer, AFL++ and the replayer all want it.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "sipc/rules.h"

/* ---- what a target is ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Takes the arguments that begin with two dashes: see target_help. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

extern const char target_help[]; /* those arguments, a line each */

/* Whether inputs are records (input/input.h), and which may be made anew: a set of enum sfz_op; 0:
 * the target's inputs are bytes. Each target has one. */
extern const uint32_t target_ops;

/* What the last input came to, for those who replay it: a target adds what it saw. */
void target_note(uint64_t hash);
uint64_t target_noted(void); /* and begins anew */

/* One input has begun; `refused`: nothing happens to it, for whoever is tested does not take its
 * settings. */
void target_begun(bool refused);
/* How many of those begun were refused. */
size_t target_refused(size_t *begun);

/* How many events the last input came to, of a target whose inputs are measured by those. */
void target_count(size_t events);
size_t target_counted(void);

/* ---- oracles ---- */

/* Ends the program: "oracle broken: WID-3 ...". */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void target_break(enum sipc_rule rule, const char *format, ...) SIPC_PRINTF(2, 3);

/* Or goes on there, for those who want to see all that is broken; NULL: ends the program. */
void target_go_on(jmp_buf *at);

#define FUZZ_CHECK_RULE(rule, condition, what)                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            target_break(rule, "%s:%d: %s (%s)", __FILE__, __LINE__, what, #condition);            \
    } while (0)
#define FUZZ_CHECK(condition, what) FUZZ_CHECK_RULE(SIPC_RULE_NONE, condition, what)

/* ---- what is tested ---- */

struct simnet_explore_engine;
struct fuzz_driver;

/* The engine: the shipping one, or --engine. */
const struct simnet_explore_engine *target_engine(void);
/* What inputs happen to: that engine, or --sut. */
const struct fuzz_driver *target_driver(void **self);
/* The same as one of two that talk to each other: 0 or 1. */
const struct fuzz_driver *target_side(int side, void **self);
/* Whether that is our own engine's code, which keeps the advisory rules, too. */
bool target_is_engine(void);
/* Checks of the judge switched off by --off; NULL: none. */
const bool *target_off(void);

#endif
