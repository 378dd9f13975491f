/* A made-up run with one case of each kind, hostile texts among them: what the tests of reports
 * work on. SPDX-License-Identifier: MIT */
#ifndef CONFORM_REPORT_SAMPLE_H
#define CONFORM_REPORT_SAMPLE_H

#include "conform/report.h"

enum {
    SAMPLE_CASES = 10,
    SAMPLE_SELECTED = 11, /* one was not run */
    SAMPLE_IN_SUITE = 12,
};

/* Text that would become markup, break an attribute, an XML document or a terminal. */
#define SAMPLE_HOSTILE "<script>alert('x')</script> & \"q\" ]]> \x1b[31m \x01 \xff\xfe \xc2\x9b end"

/* What one passing case was run with. */
#define SAMPLE_SMALL_WORLD "window_id_step=5 (100)"

/* Makes the run; each line goes to `stream` (may be NULL). `error`: why it stopped early, or NULL.
 */
void sample_report(struct conform_report *report, FILE *stream, const char *error);

#endif
