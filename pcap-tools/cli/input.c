/* The capture a command reads: its options, its progress and how it ended. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pcap_cli.h"

enum { INPUT_PROGRESS_BYTES = 16 << 20 };

void pcap_input_init(struct pcap_input *input, const struct cli_command *command)
{
    *input = (struct pcap_input){.command = command};
    pcap_filter_init(&input->filter);
}

/* ---- options ---- */

static bool input_text(const char *name, const char *list[PCAP_TEXTS_MAX], size_t *count,
                       const char *value)
{
    if (*count < PCAP_TEXTS_MAX) {
        list[(*count)++] = value;
        return true;
    }
    fprintf(stderr, "sipc: --%s: at most %d of them\n", name, (int)PCAP_TEXTS_MAX);
    return false;
}

static bool input_session(struct pcap_filter *filter, const char *value)
{
    const size_t size = strlen(value);
    if (size == 0 || size > 64 || strspn(value, "0123456789abcdef") != size) {
        fprintf(stderr, "sipc: --session %s: expected 1 to 64 hexadecimal digits (0-9, a-f)\n",
                value);
        return false;
    }
    return input_text("session", filter->sessions, &filter->session_count, value);
}

/* "A" or "A..B". */
static bool input_range(const char *option, const char *value, struct pcap_range *range)
{
    char first[32];
    const char *dots = strstr(value, "..");
    const size_t size = dots != NULL ? (size_t)(dots - value) : strlen(value);
    uint64_t min, max;

    if (size >= sizeof first) {
        fprintf(stderr, "sipc: %s %s: expected A or A..B\n", option, value);
        return false;
    }
    memcpy(first, value, size);
    first[size] = '\0';
    if (!cli_number(option, first, 0, INT64_MAX, &min))
        return false;
    max = min;
    if (dots != NULL && !cli_number(option, dots + 2, min, INT64_MAX, &max))
        return false;
    *range = (struct pcap_range){true, (int64_t)min, (int64_t)max};
    return true;
}

static bool input_opcode(struct pcap_filter *filter, const char *value)
{
    for (int opcode = SIPC_DATA; opcode <= SIPC_ENQUIRE_LINK_ACK; opcode++)
        if (strcmp(sipc_opcode_name(opcode), value) == 0) {
            filter->opcodes |= (uint8_t)(1u << opcode);
            return true;
        }
    fprintf(stderr,
            "sipc: --opcode %s: expected data, data_ack, close, close_ack, enquire_link or "
            "enquire_link_ack\n",
            value);
    return false;
}

static bool input_address(const char *option, const char *value, struct pcapt_address *out,
                          bool *has)
{
    *has = pcapt_address_parse(value, out);
    if (!*has)
        fprintf(stderr, "sipc: %s %s: expected ADDRESS or ADDRESS:PORT, IPv6 as [ADDRESS]:PORT\n",
                option, value);
    return *has;
}

static bool input_seconds(const char *option, const char *value, uint64_t *ns)
{
    char *end;
    const uint64_t seconds = strtoull(value, &end, 10);
    uint64_t part = 0, scale = 100000000;

    if (*end == '.' && end != value)
        for (end++; *end >= '0' && *end <= '9'; end++, scale /= 10)
            part += (uint64_t)(*end - '0') * scale;
    *ns = seconds * 1000000000 + part;
    if (*value >= '0' && *value <= '9' && *end == '\0' && seconds < UINT64_MAX / 1000000000)
        return true;
    fprintf(stderr, "sipc: %s %s: expected seconds, as 1.5\n", option, value);
    return false;
}

static bool input_port(struct pcap_input *input, const char *value)
{
    uint64_t port;
    if (!cli_number("--port", value, 1, UINT16_MAX, &port))
        return false;
    if (input->options.port_count == PCAPT_PORTS_MAX) {
        fprintf(stderr, "sipc: --port: at most %d of them\n", (int)PCAPT_PORTS_MAX);
        return false;
    }
    input->options.ports[input->options.port_count++] = (uint16_t)port;
    return true;
}

static bool input_link(struct pcap_input *input, const char *value)
{
    uint64_t link_type;
    if (!cli_number("--user-link", value, PCAPT_LINK_USER0, PCAPT_LINK_USER0 + 15, &link_type))
        return false;
    input->options.link_type = (uint32_t)link_type;
    return true;
}

static bool input_direction(struct pcap_filter *filter, const char *value)
{
    filter->has_direction = true;
    filter->direction = strcmp(value, "in") == 0 ? PCAPT_INBOUND : PCAPT_OUTBOUND;
    if (strcmp(value, "in") == 0 || strcmp(value, "out") == 0)
        return true;
    fprintf(stderr, "sipc: --direction %s: expected in or out\n", value);
    return false;
}

bool pcap_input_take(struct pcap_input *input, int id, const char *value)
{
    struct pcap_filter *filter = &input->filter;

    switch (id) {
    case PCAP_PORT:
        return input_port(input, value);
    case PCAP_LINK:
        return input_link(input, value);
    case PCAP_SESSION:
        return input_session(filter, value);
    case PCAP_WINDOW:
        return input_range("--window", value, &filter->window_id);
    case PCAP_SEQ:
        return input_range("--seq", value, &filter->seq_nr);
    case PCAP_OPCODE:
        return input_opcode(filter, value);
    case PCAP_OPTION:
        return input_text("option", filter->options, &filter->option_count, value);
    case PCAP_FROM:
        return input_address("--from", value, &filter->from, &filter->has_from);
    case PCAP_TO:
        return input_address("--to", value, &filter->to, &filter->has_to);
    case PCAP_WITH:
        return input_address("--with", value, &filter->with, &filter->has_with);
    case PCAP_DIRECTION:
        return input_direction(filter, value);
    case PCAP_SINCE:
        return input_seconds("--since", value, &filter->since_ns);
    case PCAP_UNTIL:
        return input_seconds("--until", value, &filter->until_ns);
    case PCAP_NO_COPIES:
        return filter->no_copies = true;
    default:
        return false;
    }
}

/* ---- reading ---- */

int pcap_input_open(struct pcap_input *input, int count, char **paths)
{
    struct pcapt_flaw flaw;
    struct stat info;

    if (count != 1)
        return cli_usage(input->command, count == 0 ? "no capture: name a file, or - for standard "
                                                      "input"
                                                    : "one capture at a time");
    input->path = paths[0];
    input->source = pcapt_source_open(input->path, &flaw);
    if (input->source == NULL) {
        fprintf(stderr, "%s: %s: %s\n", input->command->name, input->path, flaw.reason);
        return CLI_HARNESS;
    }
    if (stat(input->path, &info) == 0 && S_ISREG(info.st_mode))
        input->size = (uint64_t)info.st_size;
    input->progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
    input->reader = pcapt_reader_new(input->source, &input->options);
    return -1;
}

static void input_progress(struct pcap_input *input)
{
    const uint64_t offset = pcapt_source_offset(input->source);

    if (offset < input->next_progress)
        return;
    input->next_progress = offset + INPUT_PROGRESS_BYTES;
    fprintf(stderr, "\r%s: %" PRIu64 " MB", input->path, offset >> 20);
    if (input->size > 0)
        fprintf(stderr, " of %" PRIu64, input->size >> 20);
    fprintf(stderr, ", %" PRIu64 " PDUs", pcapt_reader_counts(input->reader)->pdus);
}

const struct pcapt_item *pcap_input_next(struct pcap_input *input)
{
    const struct pcapt_item *item;

    for (;;) {
        input->status = pcapt_reader_next(input->reader, &item);
        if (input->status != PCAPT_OK)
            return NULL;
        if (input->progress)
            input_progress(input);
        if (pcap_filter_fits(&input->filter, item, pcapt_reader_counts(input->reader)->first_ns)) {
            input->shown++;
            return item;
        }
    }
}

static void input_tell(const struct pcap_input *input, uint64_t count, const char *what)
{
    if (count > 0)
        fprintf(stderr, "%s: %" PRIu64 " %s\n", input->path, count, what);
}

int pcap_input_close(struct pcap_input *input)
{
    const struct pcapt_counts *counts = pcapt_reader_counts(input->reader);
    int exit_code = input->shown > 0 || input->any ? CLI_OK : CLI_UNDECIDED;

    if (input->progress)
        fprintf(stderr, "\r\033[K");
    input_tell(input, counts->cut, "frames were cut by the capture (its snap length)");
    input_tell(input, counts->malformed, "frames with headers that contradict themselves");
    input_tell(input, counts->copies, "frames are copies of others that the capture made");
    input_tell(input, counts->backwards, "frames are earlier than the one before");
    input_tell(input, counts->fragments_lost, "fragmented packets never became whole");
    input_tell(input, counts->gap_bytes, "bytes of TCP streams are missing in the capture");
    input_tell(input, counts->forgotten, "streams or fragments were given up for want of room");
    input_tell(input, pcapt_source_drops(input->source), "packets were lost by the capture");
    if (!input->any && counts->pdus + counts->not_pdus == 0)
        fprintf(stderr, "%s: no ScalableIPC in %" PRIu64 " frames\n", input->path, counts->frames);
    else if (!input->any && input->shown == 0)
        fprintf(stderr, "%s: none of %" PRIu64 " PDUs fits\n", input->path,
                counts->pdus + counts->not_pdus);
    if (input->status == PCAPT_BROKEN) {
        const struct pcapt_flaw *flaw = pcapt_source_flaw(input->source);
        fprintf(stderr, "%s: broken at byte %" PRIu64 ", behind frame %" PRIu64 ": %s\n",
                input->path, flaw->offset, counts->frames, flaw->reason);
        exit_code = CLI_HARNESS;
    }
    pcapt_reader_free(input->reader);
    pcapt_source_close(input->source);
    return exit_code;
}
