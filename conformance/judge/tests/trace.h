/* Golden traces: scripts of the .sx language that are no cases but tell what an endpoint did. Each
 * line is fed to a judge as it stands: `->` went in, `<-` came out, `==` was told, `do` commanded,
 * `wait` and `quiet` let time pass.
 * SPDX-License-Identifier: MIT */
#ifndef JUDGE_TRACE_H
#define JUDGE_TRACE_H

#include "runner.h"

/* Plays a trace and returns the record with the findings (conform_record_clear). NULL in `error`:
 * it was played. */
struct trace_result {
    struct conform_record record;
    struct sx_script *script;
    const char *error;
};
/* `off`: as judge_config.off; `knows`: what the judge is told it will be fed, of all. */
void trace_play(const char *path, const bool *off, unsigned knows, struct trace_result *result);
void trace_clear(struct trace_result *result);
/* The names of all traces, ended by NULL, in order; free each and the list. */
char **trace_list(const char *folder);

#endif
