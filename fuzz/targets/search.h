/* A small fuzzer for a program that was built with any compiler: it knows what happened by the
 * marks (state, event, verdict) alone, not by the code. For implementations attached with --sut, of
 * which libFuzzer sees no more. SPDX-License-Identifier: MIT */
#ifndef FUZZ_SEARCH_H
#define FUZZ_SEARCH_H

/* `runs` inputs, each made of those before it; the same for the same seed. For targets of records.
 * Whether an oracle is broken is told by the target, which ends the program. */
void search_run(unsigned long runs, unsigned seed);

#endif
