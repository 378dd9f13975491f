/* What the files of case_sx.h say to each other: case_sx (the reference, where they part, choice),
 * case_lines (lines of the script). */
#ifndef SIMNET_CASE_LINES_H
#define SIMNET_CASE_LINES_H

#include "case_sx.h"
#include "sipc/endpoint.h"

enum { CASE_IDS_MAX = 256, CASE_NAMES_MAX = 32 };

struct case_writer {
    const struct case_history *history;
    FILE *out;         /* NULL: only looking */
    bool manual;       /* aftermaths are told line by line */
    bool rounds;       /* times are brought to thousandths of T */
    sipc_time told_ns; /* up to where the script waited */
    sipc_time fed_ns;  /* the reference's time */
    struct sipc_config config;
    void *block;
    struct sipc_endpoint *ep; /* the reference */
    uint64_t *tokens;         /* the reference's, by number of the history's transmission */
    size_t token_count;
    int64_t ids[CASE_IDS_MAX];    /* own window ids of the reference, in order: $w0, $w1 ... */
    int64_t theirs[CASE_IDS_MAX]; /* the same of the history's endpoint */
    size_t told_ids, id_count, theirs_count;
    uint8_t sessions[CASE_NAMES_MAX][SIPC_SESSION_ID_SIZE]; /* S, S2 ... */
    sipc_peer peers[CASE_NAMES_MAX];                        /* P, P2 ... */
    size_t session_count, peer_count;
    bool overflows; /* some limit of this or of the language */
};

sipc_time case_grid(const struct case_writer *w); /* a thousandth of T */
/* The place of a thing in its list, where it is added if it is new. */
size_t case_session(struct case_writer *w, const uint8_t *id);
size_t case_peer(struct case_writer *w, sipc_peer peer);

/* With `out` each prints its lines; else only the lists grow. */
void case_line_wait(struct case_writer *w, sipc_time until);
void case_line_cause(struct case_writer *w, const struct case_entry *entry);
void case_line_expect(struct case_writer *w, const struct case_entry *effect);
void case_line_told(struct case_writer *w, uint64_t number, bool ok);

#endif
