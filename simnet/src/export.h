/* What the writers of traces share. They are observers like any other: of the world they use what
 * its headers offer. */
#ifndef SIMNET_SRC_EXPORT_H
#define SIMNET_SRC_EXPORT_H

#include "json.h"
#include "simnet/export.h"

struct simnet_export;

struct export_format {
    unsigned wants;
    size_t state_bytes;                          /* of `self`, zeroed */
    void (*begin)(struct simnet_export *export); /* before the first event, or at close */
    void (*event)(struct simnet_export *export, const struct simnet_event *event);
    void (*end)(struct simnet_export *export);  /* writes what is left */
    void (*fini)(struct simnet_export *export); /* frees what self has */
};
extern const struct export_format export_pcapng, export_qlog, export_ndjson, export_ladder;

/* No PDU name is longer than this. */
enum { EXPORT_NAME_BYTES = 256, EXPORT_BYTES_MAX = SIMNET_DATAGRAM_SIZE_MAX };

struct simnet_export {
    struct simnet_world *world;
    const struct export_format *format;
    void *self;
    enum simnet_export_kind kind;
    struct simnet_export_options options;
    FILE *file;
    char *name, *buffer;
    bool owned, begun;
    int error; /* errno of the first write that failed; 0: none. Nothing is written after it */
    uint8_t bytes[EXPORT_BYTES_MAX]; /* of the datagram of the event, as it is now */
};

/* The first failure counts. */
void export_failed(struct simnet_export *export);
/* Writes the line there is in `json`, behind `before` and before a newline, and empties it. */
void export_line(struct simnet_export *export, struct json *json, const char *before);

/* The datagram's bytes into export->bytes, corrupted or as sent. */
struct sipc_span export_bytes(struct simnet_export *export, const struct simnet_datagram *datagram,
                              bool as_sent);

/* ---- names ---- */

const char *export_host_name(const struct simnet_export *export, simnet_host host);
const char *export_link_name(const struct simnet_export *export, simnet_link link);
/* NULL for SIPC_RULE_NONE. */
const char *export_rule_name(enum sipc_rule rule);
/* "data 100:0 {first_in_window_group} 1343 B" of a PDU as sent, by the rules' words or, `brief`, by
 * shorter ones; "raw, 20 B" where it is none. */
void export_name_pdu(struct simnet_export *export, const struct simnet_datagram *datagram,
                     bool brief, char *out, size_t size);
/* What befell the datagram: "3 bits flipped from bit 12, copy 1"; "" if nothing did. */
void export_name_harm(const struct simnet_datagram *datagram, char *out, size_t size);
/* A set of flags, between blanks: "first_in_window_group skip". */
void export_name_flags(uint32_t flags, bool brief, char *out, size_t size);
/* A span of time in the unit that suits it: "1.5 ms". */
void export_name_span(sipc_time ns, char *out, size_t size);

#endif
