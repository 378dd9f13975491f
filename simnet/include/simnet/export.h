/* Traces of a world, written while it runs, for people and other programs. TRACES.md documents what
 * is in them.
 *
 *   pcapng  .pcapng          datagrams, for Wireshark, tshark, Scapy
 *   qlog    .qlog .sqlog     JSON-SEQ of qlog's main schema, events of `scalableipc`
 *   ndjson  .ndjson .jsonl   one struct simnet_event a line
 *   ladder  .svg .html       a ladder diagram, alone or in a page
 *
 * For `--trace FILE` of a command (link sipc_simnet_export), after the world was made and before it
 * runs:
 *
 *   struct simnet_error error;
 *   struct simnet_export *trace =
 *       simnet_export_open(world, path, &(struct simnet_export_options){.scenario = name}, &error);
 *   if (trace == NULL)
 *       ... error.text names the file: usage error
 *   ... simnet_world_run
 *   if (!simnet_export_close(trace, &error))
 *       ... error.text: the file is not whole
 *   simnet_world_free(world)
 *
 * A writer is an observer: it changes nothing of what happens, and the trace hash stays the same.
 * Memory does not grow with the run. The same run gives the same bytes.
 * SPDX-License-Identifier: MIT */
#ifndef SIMNET_EXPORT_H
#define SIMNET_EXPORT_H

#include <stdio.h>

#include "simnet/world.h"

#ifdef __cplusplus
extern "C" {
#endif

enum simnet_export_kind {
    SIMNET_EXPORT_PCAPNG,
    SIMNET_EXPORT_QLOG,
    SIMNET_EXPORT_NDJSON,
    SIMNET_EXPORT_SVG,
    SIMNET_EXPORT_HTML,
    SIMNET_EXPORT_KIND_COUNT
};

/* All zero: the defaults. Strings are borrowed until close. */
struct simnet_export_options {
    const char *scenario;     /* its name, for headings; NULL: none */
    const char *command;      /* what shows this run again; NULL: none */
    sipc_time from_ns, to_ns; /* only what happens in from..to; to 0: to the end */
    bool user0;    /* PCAPNG: PDUs as link type USER0, without IPv4 and UDP before them */
    bool bytes;    /* QLOG, NDJSON: bytes of datagrams and deliveries too, as hexadecimal */
    bool passes;   /* NDJSON: also what passes a stage between ENTER and ARRIVE */
    uint32_t rows; /* SVG, HTML: datagrams and notes drawn, half of them the first, half the last
                      of the run; 0: 400 */
};

/* The kind for a file of this name, by its suffix. false: *error names the suffixes there are. */
bool simnet_export_kind_of(const char *path, enum simnet_export_kind *kind,
                           struct simnet_error *error);

/* Makes (or empties) the file, of the kind its suffix says, and observes `world` from now on. NULL:
 * *error says why not. `options` NULL: the defaults. */
struct simnet_export *simnet_export_open(struct simnet_world *world, const char *path,
                                         const struct simnet_export_options *options,
                                         struct simnet_error *error);
/* The same, to a file that stays the caller's: never seeked or closed. `name` is for errors. */
struct simnet_export *simnet_export_to(struct simnet_world *world, enum simnet_export_kind kind,
                                       FILE *file, const char *name,
                                       const struct simnet_export_options *options);

/* Writes what is left (the ladder: all of it), ends the observing and frees the writer. false:
 * something could not be written, at any time before too; *error names the file and the first
 * reason. To be called before the world is freed, and not from an observer. NULL: true. */
bool simnet_export_close(struct simnet_export *export, struct simnet_error *error);

#ifdef __cplusplus
}
#endif
#endif
