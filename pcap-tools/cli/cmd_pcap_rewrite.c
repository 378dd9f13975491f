/* sipc pcap rewrite and anonymize: a capture again with other addresses, ids, data. Lengths and
 * times stay, checksums are computed anew. PDUs are changed where a frame holds them whole: over
 * UDP, or alone. */
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "annotate.h"
#include "pcap_cli.h"
#include "pcapt/parts.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    REWRITE_WRITE = 3700,
    REWRITE_ADDRESS,
    REWRITE_PORT,
    REWRITE_SESSION,
    REWRITE_WINDOW,
    REWRITE_KEY,
    REWRITE_PAYLOAD,
    REWRITE_COMMENTS,
};

static const struct cli_option rewrite_options[] = {
    {'w', "write", "FILE", "where to write (pcapng)", REWRITE_WRITE},
    {0, "map-address", "OLD=NEW", "an address for another of its family, with or without ports",
     REWRITE_ADDRESS},
    {0, "map-port", "OLD=NEW", "a port, of UDP or TCP, for another", REWRITE_PORT},
    {0, "map-session", "OLD=NEW", "a session id for another, 64 hexadecimal digits",
     REWRITE_SESSION},
    {0, "window-add", "N", "add N to every window id", REWRITE_WINDOW},
    PCAP_READ_OPTIONS,
    {0, NULL, NULL, NULL, 0},
};
static const struct cli_option anonymize_options[] = {
    {'w', "write", "FILE", "where to write (pcapng)", REWRITE_WRITE},
    {'k', "key", "TEXT", "the same key gives the same names (without: of this run alone)",
     REWRITE_KEY},
    {0, "payload", "HOW", "data becomes: zero (the default), hash, cut, keep", REWRITE_PAYLOAD},
    {0, "keep-comments", NULL, "keep comments as they are", REWRITE_COMMENTS},
    PCAP_READ_OPTIONS,
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command rewrite_command = {
    .name = "sipc pcap rewrite",
    .usage = "[options] --write OUT FILE",
    .about = "Writes a capture again with other addresses, ports, session ids, window ids. Each\n"
             "option may be given up to 16 times; the first that fits counts.\n"
             "\n"
             "Exit status: 0 written, 2 bad options, 4 the capture is broken (what was before is\n"
             "written) or OUT cannot be written, 5 nothing was changed.",
    .examples =
        "sipc pcap rewrite --map-address 10.0.0.1=192.0.2.7 --map-port 40001=9000 -w b.pcapng "
        "a.pcapng\n"
        "sipc pcap rewrite --window-add 1000 -w b.pcapng a.pcapng",
    .options = rewrite_options,
};
static const struct cli_command anonymize_command = {
    .name = "sipc pcap anonymize",
    .usage = "[options] --write OUT FILE",
    .about =
        "Writes a capture again without what tells whose it is: addresses keep what prefixes\n"
        "they share, session ids and hardware addresses become others, values and names of the\n"
        "application's attributes x's, data zeros (or a repeated hash, which keeps equal what was\n"
        "equal; or it is cut off). The protocol's own options, lengths, times and ids stay;\n"
        "comments go. Data in streams, fragments and other protocols becomes zeros altogether.\n"
        "The hash is a fast one, not one of cryptography.\n"
        "\n"
        "Exit status: 0 written, 2 bad options, 4 the capture is broken (what was before is\n"
        "written) or OUT cannot be written, 5 nothing was changed.",
    .examples = "sipc pcap anonymize --key secret -w public.pcapng traffic.pcapng",
    .options = anonymize_options,
};

struct rewrite_pair {
    struct pcapt_address old, new;
};
struct rewrite {
    struct pcap_input input;
    const char *write, *key;
    bool anonymize, keep_comments;
    enum { REWRITE_ZERO, REWRITE_HASH, REWRITE_CUT, REWRITE_KEEP } payload;
    struct rewrite_pair addresses[PCAP_TEXTS_MAX];
    uint16_t ports[PCAP_TEXTS_MAX][2];
    uint8_t sessions[PCAP_TEXTS_MAX][2][SIPC_SESSION_ID_SIZE];
    size_t address_count, port_count, session_count;
    uint64_t window_add, seed, changed, written, out_of_range;
    struct annotate *out;
    uint8_t data[PCAPT_FRAME_SIZE_MAX];
};

/* ---- options ---- */

static bool rewrite_bad(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "sipc: %s %s: expected %s\n", option, value, expected);
    return false;
}

static bool rewrite_address(struct rewrite *rewrite, const char *value)
{
    char old[PCAPT_ADDRESS_TEXT];
    const size_t size = strcspn(value, "=");
    struct rewrite_pair *pair = &rewrite->addresses[rewrite->address_count];

    if (rewrite->address_count == PCAP_TEXTS_MAX || value[size] != '=' || size >= sizeof old)
        return rewrite_bad("--map-address", value, "OLD=NEW, up to 16 of them");
    memcpy(old, value, size);
    old[size] = '\0';
    if (!pcapt_address_parse(old, &pair->old) ||
        !pcapt_address_parse(value + size + 1, &pair->new) ||
        pair->old.family != pair->new.family || (pair->old.port == 0 && pair->new.port != 0))
        return rewrite_bad("--map-address", value, "two addresses of one family");
    rewrite->address_count++;
    return true;
}

static bool rewrite_port(struct rewrite *rewrite, const char *value)
{
    unsigned old, new;
    char end;

    if (rewrite->port_count == PCAP_TEXTS_MAX || sscanf(value, "%u=%u%c", &old, &new, &end) != 2 ||
        old > UINT16_MAX || new > UINT16_MAX)
        return rewrite_bad("--map-port", value, "OLD=NEW, up to 16 of them");
    rewrite->ports[rewrite->port_count][0] = (uint16_t)old;
    rewrite->ports[rewrite->port_count++][1] = (uint16_t) new;
    return true;
}

static bool rewrite_session(struct rewrite *rewrite, const char *value)
{
    const size_t digits = 2 * SIPC_SESSION_ID_SIZE;

    if (rewrite->session_count == PCAP_TEXTS_MAX || strlen(value) != 2 * digits + 1 ||
        strspn(value, "0123456789abcdef") != digits || value[digits] != '=' ||
        strspn(value + digits + 1, "0123456789abcdef") != digits)
        return rewrite_bad("--map-session", value, "OLD=NEW of 64 hexadecimal digits each");
    for (int which = 0; which < 2; which++)
        for (size_t i = 0; i < SIPC_SESSION_ID_SIZE; i++) {
            unsigned byte;
            sscanf(value + (size_t)which * (digits + 1) + 2 * i, "%2x", &byte);
            rewrite->sessions[rewrite->session_count][which][i] = (uint8_t)byte;
        }
    rewrite->session_count++;
    return true;
}

static bool rewrite_payload(struct rewrite *rewrite, const char *value)
{
    static const char *const words[] = {"zero", "hash", "cut", "keep"};
    for (int i = 0; i < 4; i++)
        if (strcmp(value, words[i]) == 0) {
            rewrite->payload = i;
            return true;
        }
    return rewrite_bad("--payload", value, "zero, hash, cut or keep");
}

static bool rewrite_take(void *ctx, int id, const char *value)
{
    struct rewrite *rewrite = ctx;

    switch (id) {
    case REWRITE_WRITE:
        rewrite->write = value;
        return true;
    case REWRITE_ADDRESS:
        return rewrite_address(rewrite, value);
    case REWRITE_PORT:
        return rewrite_port(rewrite, value);
    case REWRITE_SESSION:
        return rewrite_session(rewrite, value);
    case REWRITE_WINDOW:
        return cli_number("--window-add", value, 0, SIPC_WINDOW_ID_MAX, &rewrite->window_add);
    case REWRITE_KEY:
        rewrite->key = value;
        return true;
    case REWRITE_PAYLOAD:
        return rewrite_payload(rewrite, value);
    case REWRITE_COMMENTS:
        return rewrite->keep_comments = true;
    default:
        return pcap_input_take(&rewrite->input, id, value);
    }
}

/* ---- what becomes what ---- */

/* Keeps prefixes: bit i is turned or not by what is before it. Loopback and multicast stay. */
static void rewrite_hide_address(const struct rewrite *rewrite, uint8_t *bytes, size_t size)
{
    uint8_t before[16] = {0}, out[16];

    if ((size == 4 && (bytes[0] == 127 || bytes[0] >= 224)) || (size == 16 && bytes[0] == 0xff))
        return;
    memcpy(out, bytes, size);
    for (size_t i = 0; i < 8 * size; i++) {
        const uint8_t bit = (uint8_t)(0x80 >> i % 8);
        const uint64_t hash = XXH3_64bits_withSeed(before, size, rewrite->seed + i);
        out[i / 8] ^= hash & 1 ? bit : 0;
        before[i / 8] |= bytes[i / 8] & bit;
    }
    memcpy(bytes, out, size);
}

static void rewrite_hash_over(const struct rewrite *rewrite, uint8_t *bytes, size_t size)
{
    const uint64_t hash = XXH3_64bits_withSeed(bytes, size, rewrite->seed);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(hash >> 8 * (i % 8));
}

static void rewrite_end(const struct rewrite *rewrite, const struct pcapt_parts *parts,
                        uint8_t *address, uint8_t *port)
{
    const size_t size = parts->family == 4 ? 4 : 16;
    struct pcapt_address here = {.family = parts->family};

    if (rewrite->anonymize) {
        rewrite_hide_address(rewrite, address, size);
        return;
    }
    memcpy(here.bytes, address, size);
    if (port != NULL)
        here.port = (uint16_t)(port[0] << 8 | port[1]);
    uint16_t new_port = here.port;
    for (size_t i = rewrite->port_count; i-- > 0;)
        if (rewrite->ports[i][0] == here.port)
            new_port = rewrite->ports[i][1];
    for (size_t i = 0; i < rewrite->address_count; i++) {
        const struct rewrite_pair *pair = &rewrite->addresses[i];
        if (!pcap_address_fits(&pair->old, &here))
            continue;
        memcpy(address, pair->new.bytes, size);
        new_port = pair->new.port != 0 ? pair->new.port : new_port;
        break;
    }
    if (port != NULL) {
        port[0] = (uint8_t)(new_port >> 8);
        port[1] = (uint8_t)new_port;
    }
}

static void rewrite_text(uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) /* digits and colons: lengths of long attributes */
        if ((text[i] < '0' || text[i] > '9') && text[i] != ':')
            text[i] = 'x';
}

static void rewrite_hide_options(struct sipc_span options)
{
    struct sipc_span rest = options;
    struct sipc_option option;

    while (sipc_option_next(&rest, &option)) {
        if (option.id != 0 && (option.id & (SIPC_OPT_TRACE_ID | SIPC_OPT_LONG_ATTRIBUTE)) == 0)
            continue;
        rewrite_text((uint8_t *)(uintptr_t)option.value.data, option.value.size);
        if (option.id == 0)
            rewrite_text((uint8_t *)(uintptr_t)option.name.data, option.name.size);
    }
}

static void rewrite_new_session(const struct rewrite *rewrite, uint8_t *id)
{
    for (size_t i = 0; i < rewrite->session_count; i++)
        if (memcmp(id, rewrite->sessions[i][0], SIPC_SESSION_ID_SIZE) == 0) {
            memcpy(id, rewrite->sessions[i][1], SIPC_SESSION_ID_SIZE);
            return;
        }
    if (!rewrite->anonymize)
        return;
    pcap_other_session(rewrite->seed, id, id);
}

/* A PDU in place. What is none stays as it is, or is hidden whole. Returns the bytes to keep. */
static size_t rewrite_pdu(struct rewrite *rewrite, uint8_t *bytes, size_t size)
{
    struct sipc_pdu pdu;

    if (sipc_pdu_decode((struct sipc_span){bytes, size}, &pdu) != SIPC_DISCARD_NONE) {
        if (rewrite->anonymize)
            memset(bytes, 0, size);
        return size;
    }
    uint8_t *data = bytes + (size - pdu.data.size);
    if (rewrite->anonymize)
        rewrite_hide_options(pdu.options);
    uint8_t id[SIPC_SESSION_ID_SIZE];
    memcpy(id, pdu.session_id, sizeof id);
    rewrite_new_session(rewrite, id);
    pcap_put_session(bytes, &pdu, size, id);
    const uint64_t window_id = (uint64_t)pdu.window_id + rewrite->window_add;
    if (window_id > (uint64_t)SIPC_WINDOW_ID_MAX)
        rewrite->out_of_range++;
    else
        pcap_put_window(bytes, (int64_t)window_id);
    if (rewrite->anonymize && rewrite->payload == REWRITE_ZERO)
        memset(data, 0, pdu.data.size);
    else if (rewrite->anonymize && rewrite->payload == REWRITE_HASH)
        rewrite_hash_over(rewrite, data, pdu.data.size);
    return rewrite->anonymize && rewrite->payload == REWRITE_CUT ? size - pdu.data.size : size;
}

/* ---- frames ---- */

/* What stands before IP and names hardware. */
static void rewrite_hide_link(const struct rewrite *rewrite, const struct pcapt_frame *frame)
{
    uint8_t *data = (uint8_t *)(uintptr_t)frame->data;

    if (frame->link_type == PCAPT_LINK_ETHERNET && frame->size >= 12)
        for (int i = 0; i < 12; i += 6) {
            const uint64_t hash = XXH3_64bits_withSeed(data + i, 6, rewrite->seed);
            memcpy(data + i, &hash, 6);
            data[i] = (uint8_t)((data[i] & 0xfc) | 2); /* one host's, locally administered */
        }
    else if (frame->link_type == 113 && frame->size >= 14)
        memset(data + 6, 0, 8);
    else if (frame->link_type == 276 && frame->size >= 20)
        memset(data + 12, 0, 8);
}

static void rewrite_hide_rest(struct pcapt_frame *frame, const struct pcapt_parts *parts)
{
    uint8_t *data = (uint8_t *)(uintptr_t)frame->data;
    uint32_t from = parts->transport != 0 ? parts->payload : parts->network;

    if (parts->transport == 0 && parts->family != 0)
        from += parts->family == 4 ? 20 : 40;
    if (from < frame->size)
        memset(data + from, 0, frame->size - from);
}

static void rewrite_content(struct rewrite *rewrite, struct pcapt_frame *frame,
                            struct pcapt_parts *parts)
{
    const bool pdu = parts->payload != 0 ? parts->transport_kind == PCAPT_OVER_UDP
                                         : parts->family == 0 && parts->size > 0;
    if (!pdu) {
        if (rewrite->anonymize && rewrite->payload != REWRITE_KEEP)
            rewrite_hide_rest(frame, parts);
        return;
    }
    const size_t kept = rewrite_pdu(rewrite, rewrite->data + parts->payload, parts->size);
    if (kept < parts->size) {
        frame->size = parts->payload + (uint32_t)kept;
        parts->size = (uint32_t)kept;
        parts->whole = false;
    }
}

static void rewrite_frame(void *ctx, const struct pcapt_frame *old)
{
    struct rewrite *rewrite = ctx;
    struct pcapt_frame frame = *old;
    struct pcapt_parts parts;

    if (rewrite->out == NULL)
        return;
    memcpy(rewrite->data, old->data, old->size);
    frame.data = rewrite->data;
    const bool known = pcapt_frame_parts(&frame, rewrite->input.options.link_type, &parts);
    if (rewrite->anonymize)
        rewrite_hide_link(rewrite, &frame);
    if (known && parts.family != 0) {
        const uint32_t at = parts.network + (parts.family == 4 ? 12 : 8);
        uint8_t *ports = parts.transport != 0 ? rewrite->data + parts.transport : NULL;
        rewrite_end(rewrite, &parts, rewrite->data + at, ports);
        rewrite_end(rewrite, &parts, rewrite->data + at + (parts.family == 4 ? 4 : 16),
                    ports != NULL ? ports + 2 : NULL);
    }
    if (known)
        rewrite_content(rewrite, &frame, &parts);
    else if (rewrite->anonymize)
        rewrite_hide_rest(&frame, &(struct pcapt_parts){.network = frame.link_type == 1 ? 14 : 0});
    if (known && parts.family != 0 && memcmp(old->data, frame.data, frame.size) != 0)
        pcapt_frame_checksums(rewrite->data, &parts);
    rewrite->changed += frame.size != old->size || memcmp(old->data, frame.data, frame.size) != 0;
    rewrite->written++;
    annotate_frame(rewrite->out, &frame);
}

/* ---- the commands ---- */

static int rewrite_all(struct rewrite *rewrite)
{
    const struct pcapt_item *item;

    while ((item = pcap_input_next(&rewrite->input)) != NULL)
        continue;
    int exit_code = annotate_end(rewrite->out) ? CLI_OK : CLI_HARNESS;
    rewrite->out = NULL;
    printf("%" PRIu64 " of %" PRIu64 " frames changed\n", rewrite->changed, rewrite->written);
    if (rewrite->out_of_range > 0)
        printf("%" PRIu64 " window ids would be beyond 9E15 and were left\n",
               rewrite->out_of_range);
    if (exit_code == CLI_OK && rewrite->changed == 0)
        exit_code = CLI_UNDECIDED;
    const int read = pcap_input_close(&rewrite->input);
    return read == CLI_HARNESS ? read : exit_code;
}

static int rewrite_run(const struct cli_command *command, bool anonymize, int argc, char **argv)
{
    struct rewrite *rewrite = calloc(1, sizeof *rewrite);
    int first;

    SIPC_ASSERT(rewrite != NULL);
    rewrite->anonymize = anonymize;
    pcap_input_init(&rewrite->input, command);
    int exit_code = cli_parse(command, argc, argv, &first, rewrite_take, rewrite);
    if (exit_code < 0 && rewrite->write == NULL)
        exit_code = cli_usage(command, "no --write FILE");
    if (rewrite->input.options.link_type == 0)
        rewrite->input.options.link_type = PCAPT_LINK_USER0;
    rewrite->input.options.frame_done = rewrite_frame;
    rewrite->input.options.ctx = rewrite;
    if (rewrite->key != NULL)
        rewrite->seed = XXH3_64bits(rewrite->key, strlen(rewrite->key));
    else if (getrandom(&rewrite->seed, sizeof rewrite->seed, 0) < 0)
        exit_code = cli_usage(command, "no random number to be had: give a --key");
    if (exit_code < 0)
        exit_code = pcap_input_open(&rewrite->input, argc - first, argv + first);
    if (exit_code < 0) {
        rewrite->out = annotate_begin(rewrite->write, rewrite->input.source);
        if (rewrite->out == NULL)
            exit_code = CLI_HARNESS;
        else if (anonymize && !rewrite->keep_comments)
            annotate_silently(rewrite->out);
        if (exit_code < 0)
            exit_code = rewrite_all(rewrite);
        else
            pcap_input_close(&rewrite->input);
    }
    free(rewrite);
    return exit_code;
}

int pcap_cmd_rewrite(int argc, char **argv)
{
    return rewrite_run(&rewrite_command, false, argc, argv);
}

int pcap_cmd_anonymize(int argc, char **argv)
{
    return rewrite_run(&anonymize_command, true, argc, argv);
}
