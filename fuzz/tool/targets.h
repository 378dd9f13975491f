/* What the command knows of the targets: which there are, and what their inputs are.
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_TARGETS_H
#define FUZZ_TARGETS_H

#include <stdbool.h>
#include <stdio.h>

enum fuzz_inputs {
    FUZZ_OF_ENDPOINT, /* records that happen to one endpoint: a case says the same */
    FUZZ_OF_PAIR,     /* records that happen to two and a link: a scenario says the same */
    FUZZ_PDU,         /* the bytes of a PDU: so does a case that sends it */
    FUZZ_RECORDS,     /* records that are played in the target's own way: no script says that */
    FUZZ_BYTES,       /* anything else, nor that */
};

struct fuzz_target {
    const char *name;
    enum fuzz_inputs inputs;
};

/* NULL: told on stderr, with the names that there are. */
const struct fuzz_target *fuzz_target_find(const char *name);
/* Those whose inputs are said by scripts, or all, as "a, b, c". */
void fuzz_target_names(bool told, FILE *out);

#endif
