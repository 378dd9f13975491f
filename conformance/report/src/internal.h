/* Shared by the writers of reports: access to JSON that was checked when it came in, and escaping.
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_REPORT_INTERNAL_H
#define CONFORM_REPORT_INTERNAL_H

#include "conform/report.h"
#include "pcapt/text.h"

enum { REPORT_FORMAT = 1 }; /* of the JSON lines */

/* Makes the view of a case's JSON; false: *error says which member is missing or wrong. */
bool report__view(json_t *json, struct conform_report_case *entry, struct conform_error *error);
/* Makes report->rules of the first line. */
bool report__view_rules(struct conform_report *report, struct conform_error *error);
/* Takes a case's JSON (steals the reference) whose view was made. */
void report__append(struct conform_report *report, const struct conform_report_case *entry,
                    json_t *json);
/* The summary's counts, as they follow from the cases. */
json_t *report__counts_json(const struct conform_report *report);

/* Members of `object`; "" and 0 where they are missing. */
const char *report__text(const json_t *object, const char *key);
int64_t report__number(const json_t *object, const char *key);
/* Text of any bytes as a JSON string: what is not UTF-8, or NUL, becomes U+FFFD. NULL gives NULL.
 */
json_t *report__string(const char *text);
json_t *report__string_of(const char *text, size_t size);

/* The area of a case's id: what stands before the first '-'. malloc'ed. */
char *report__area(const char *id);

/* What failing cases of a script have in common, a list of {"id", "failing", "passing", "reasons":
 * [{"values": {name: text}, "cases", "or": [values that are in the same cases]}]}; a new reference.
 * Reasons are empty where all fail, or nothing sets those apart. As a sentence: malloc'ed. */
json_t *report__factors(const struct conform_report *report);
char *report__factor_text(const json_t *factor);

enum report_escape {
    REPORT_XML,  /* XML text and attributes: & < > " and what XML 1.0 cannot hold */
    REPORT_TEXT, /* terminals: control characters as \xHH, newlines stay */
    REPORT_LINE, /* the same on one line: newlines as \n */
};
void report__escape(const char *text, enum report_escape how, FILE *out);

/* conform_report_print_claim, with another separator between its sentences. */
void report__claim(const struct conform_report *report, const char *separator, FILE *out);

/* Whether the list of ids holds this one. */
bool report__has(const json_t *ids, const char *id);
/* Whether a line of the trace should have been taken by one of the script: a PDU, a delivery or a
 * result. (States and discards are there to be read; most scripts do not ask for them.) */
bool report__odd(const json_t *trace_entry);

/* The exchange of a case as a sequence diagram, SVG. */
void report__ladder(const struct conform_report_case *entry, FILE *out);

#endif
