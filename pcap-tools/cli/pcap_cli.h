/* The commands of `sipc pcap`, and what they share: the input with its options and filters, the end
 * of a run, and words for PDUs. argv[0] is the command's own name; the exit code is returned.
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_PCAP_CLI_H
#define PCAPT_PCAP_CLI_H

#include "cli.h"
#include "pcapt/reader.h"

int pcap_cmd_show(int argc, char **argv);
int pcap_cmd_stats(int argc, char **argv);
int pcap_cmd_audit(int argc, char **argv);
int pcap_cmd_replay(int argc, char **argv);
int pcap_cmd_extract(int argc, char **argv);
int pcap_cmd_capture(int argc, char **argv);
int pcap_cmd_rewrite(int argc, char **argv);
int pcap_cmd_anonymize(int argc, char **argv);
int pcap_cmd_scenario(int argc, char **argv);
int pcap_cmd_bench(int argc, char **argv); /* sipc bench pcap */

/* ---- filters (filter.c) ---- */

enum { PCAP_TEXTS_MAX = 16 };
struct pcap_range {
    bool set;
    int64_t min, max;
};
/* What of a capture is wanted; all that is set must fit, of what repeats any one. */
struct pcap_filter {
    const char *sessions[PCAP_TEXTS_MAX]; /* beginnings of ids, hexadecimal */
    size_t session_count;
    struct pcap_range window_id, seq_nr;
    uint8_t opcodes;                     /* set of 1 << opcode; 0: all */
    const char *options[PCAP_TEXTS_MAX]; /* NAME or NAME=VALUE; all must be there */
    size_t option_count;
    struct pcapt_address from, to, with;
    bool has_from, has_to, has_with;
    bool has_direction;
    enum pcapt_direction direction;
    uint64_t since_ns, until_ns; /* after the first frame */
    bool no_copies;
};
void pcap_filter_init(struct pcap_filter *filter);
/* `first_ns`: time of the first frame. Items that are no PDU fit only what they show. */
bool pcap_filter_fits(const struct pcap_filter *filter, const struct pcapt_item *item,
                      uint64_t first_ns);
/* Whether an address is the one, or the host, that is meant. */
bool pcap_address_fits(const struct pcapt_address *wanted, const struct pcapt_address *address);

/* ---- the input (input.c) ---- */

struct pcap_input {
    const struct cli_command *command;
    const char *path;
    struct pcapt_reader_options options;
    struct pcap_filter filter;
    struct pcapt_source *source;
    struct pcapt_reader *reader;
    enum pcapt_status status;
    uint64_t size; /* of the file; 0: not known */
    uint64_t next_progress, shown;
    bool progress;
    bool any; /* packets of other protocols are wanted, too: no PDU is no fault */
};
enum {
    PCAP_PORT = 3000,
    PCAP_LINK,
    PCAP_SESSION,
    PCAP_WINDOW,
    PCAP_SEQ,
    PCAP_OPCODE,
    PCAP_OPTION,
    PCAP_FROM,
    PCAP_TO,
    PCAP_WITH,
    PCAP_DIRECTION,
    PCAP_SINCE,
    PCAP_UNTIL,
    PCAP_NO_COPIES,
};
#define PCAP_READ_OPTIONS                                                                          \
    {'p', "port", "N", "ScalableIPC is what uses this port, not what looks so (repeatable)",       \
     PCAP_PORT},                                                                                   \
    {                                                                                              \
        0, "user-link", "N", "link type of packets that are PDUs: 147..162 (147)", PCAP_LINK       \
    }
#define PCAP_FILTER_OPTIONS                                                                        \
    {'s', "session", "HEX", "sessions whose id begins so (repeatable)", PCAP_SESSION},             \
        {'w', "window", "A[..B]", "window ids in this range", PCAP_WINDOW},                        \
        {0, "seq", "A[..B]", "seq_nrs in this range", PCAP_SEQ},                                   \
        {'o', "opcode", "NAME", "data, data_ack, close ... (repeatable)", PCAP_OPCODE},            \
        {0, "option", "NAME[=VALUE]", "PDUs with this option (repeatable: all of them)",           \
         PCAP_OPTION},                                                                             \
        {0, "from", "ADDRESS", "sent from ADDRESS[:PORT]", PCAP_FROM},                             \
        {0, "to", "ADDRESS", "sent to ADDRESS[:PORT]", PCAP_TO},                                   \
        {0, "with", "ADDRESS", "sent from or to ADDRESS[:PORT]", PCAP_WITH},                       \
        {0, "direction", "in|out", "as the capture flags it", PCAP_DIRECTION},                     \
        {0, "since", "SECONDS", "from then on, after the first frame", PCAP_SINCE},                \
        {0, "until", "SECONDS", "up to then, after the first frame", PCAP_UNTIL},                  \
    {                                                                                              \
        0, "no-copies", NULL, "leave out frames that are the capture's copies of others",          \
            PCAP_NO_COPIES                                                                         \
    }

void pcap_input_init(struct pcap_input *input, const struct cli_command *command);
/* false: told what is wrong. */
bool pcap_input_take(struct pcap_input *input, int id, const char *value);
/* Opens the one path of the command line. -1: go on; else the exit code, all told. */
int pcap_input_open(struct pcap_input *input, int count, char **paths);
/* The next item that fits the filter. NULL: the end. */
const struct pcapt_item *pcap_input_next(struct pcap_input *input);
/* Tells on stderr what the capture lacked and how it ended, and closes it. CLI_OK; CLI_HARNESS: it
 * is broken; CLI_UNDECIDED: no PDU fitted. */
int pcap_input_close(struct pcap_input *input);

/* ---- other names, attributes (ids.c) ---- */

/* Puts another session id, or window id, into a PDU of `size` bytes that was decoded as `pdu`. */
void pcap_put_session(uint8_t *bytes, const struct sipc_pdu *pdu, size_t size, const uint8_t *id);
void pcap_put_window(uint8_t *bytes, int64_t window_id);
/* The id that stands for another under this seed. `out` may be `old`. */
void pcap_other_session(uint64_t seed, const uint8_t *old, uint8_t *out);
/* Tells each attribute among encoded options, long ones decoded where they can be (OPT-7); what it
 * is given lives during the call. */
typedef void pcap_attribute_found(void *ctx, struct sipc_span name, struct sipc_span value);
void pcap_attributes(struct sipc_span options, pcap_attribute_found *found, void *ctx);

/* ---- words (describe.c) ---- */

enum { PCAP_ID_TEXT = 65 };
/* The first `bytes` of a session id in hexadecimal. */
const char *pcap_id_text(const uint8_t *id, size_t bytes, char out[PCAP_ID_TEXT]);
/* "1.000000007". */
enum { PCAP_TIME_TEXT = 32 };
const char *pcap_time_text(uint64_t ns, char out[PCAP_TIME_TEXT]);
/* "data 1:3 {first_in_window_group last_in_window} 1330 B"; where it is no PDU, why. */
void pcap_describe(const struct pcapt_item *item, char *out, size_t size);
/* What is particular about the packet: "copy of frame 3, cut to 64 B, in frames 4-7"; "" if
 * nothing is. */
void pcap_describe_packet(const struct pcapt_item *item, char *out, size_t size);
/* Text where it is UTF-8, else {"hex": ...} (OPT-9); and the digits alone. New references. */
json_t *pcap_text_json(struct sipc_span text);
json_t *pcap_hex_json(struct sipc_span bytes);
/* Bytes for people: printable ones as they are, others as \xNN. */
void pcap_put_text(struct sipc_span text, FILE *out);

#endif
