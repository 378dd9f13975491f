/* sipc pcap capture: packets of an interface into pcapng files, one or a ring of them. */
#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "annotate.h"
#include "pcap_cli.h"

enum {
    CAPTURE_INTERFACE = 3600,
    CAPTURE_FILTER,
    CAPTURE_WRITE,
    CAPTURE_FILES,
    CAPTURE_MB,
    CAPTURE_COUNT,
    CAPTURE_SECONDS,
    CAPTURE_SNAP,
    CAPTURE_PROMISCUOUS,
    CAPTURE_LIST,
    CAPTURE_WAIT_MS = 100,
};

static const struct cli_option capture_options[] = {
    {'i', "interface", "NAME", "capture there (see --list)", CAPTURE_INTERFACE},
    {'f', "filter", "EXPRESSION", "packets wanted, in the language of tcpdump", CAPTURE_FILTER},
    {'w', "write", "FILE", "where to write (pcapng)", CAPTURE_WRITE},
    {0, "files", "N", "a ring: FILE.000001 and so on, the newest N are kept; needs --size",
     CAPTURE_FILES},
    {0, "size", "MB", "a new file after so many megabytes", CAPTURE_MB},
    {'n', "count", "N", "end after N packets", CAPTURE_COUNT},
    {0, "seconds", "N", "end after N seconds", CAPTURE_SECONDS},
    {0, "snap", "BYTES", "keep so many bytes of a packet (all)", CAPTURE_SNAP},
    {0, "promiscuous", NULL, "also packets for other hosts", CAPTURE_PROMISCUOUS},
    {'L', "list", NULL, "list the interfaces there are", CAPTURE_LIST},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command capture_command = {
    .name = "sipc pcap capture",
    .usage = "[options] --interface NAME --write FILE",
    .about = "Captures until it is told to stop (Ctrl-C) or has enough, and tells at the end how\n"
             "many packets the system dropped. Needs the rights that libpcap needs: root, or the\n"
             "capability CAP_NET_RAW.\n"
             "\n"
             "Exit status: 0 captured, 2 bad options, 4 the interface cannot be opened or a file\n"
             "not be written, 5 no packet came.",
    .examples = "sipc pcap capture -i lo -f 'udp port 40001' -w traffic.pcapng\n"
                "sipc pcap capture -i eth0 --size 100 --files 10 -w ring.pcapng\n"
                "sipc pcap capture --list",
    .options = capture_options,
};

struct capture {
    const char *interface, *filter, *write;
    uint64_t files, bytes, count, seconds, snap;
    bool promiscuous, list;
    struct pcapt_source *source;
    struct annotate *writer;
    char *path;
    uint64_t file_number, file_bytes, packets;
    bool failed;
};

static volatile sig_atomic_t capture_stop;

static void capture_signal(int number)
{
    (void)number;
    capture_stop = 1;
}

static bool capture_take(void *ctx, int id, const char *value)
{
    struct capture *capture = ctx;
    bool ok = true;

    switch (id) {
    case CAPTURE_INTERFACE:
        capture->interface = value;
        break;
    case CAPTURE_FILTER:
        capture->filter = value;
        break;
    case CAPTURE_WRITE:
        capture->write = value;
        break;
    case CAPTURE_FILES:
        return cli_number("--files", value, 1, 999999, &capture->files);
    case CAPTURE_MB:
        ok = cli_number("--size", value, 1, 1000000, &capture->bytes);
        capture->bytes *= 1000000;
        break;
    case CAPTURE_COUNT:
        return cli_number("--count", value, 1, UINT64_MAX, &capture->count);
    case CAPTURE_SECONDS:
        return cli_number("--seconds", value, 1, 1000000000, &capture->seconds);
    case CAPTURE_SNAP:
        return cli_number("--snap", value, 1, PCAPT_FRAME_SIZE_MAX, &capture->snap);
    case CAPTURE_PROMISCUOUS:
        return capture->promiscuous = true;
    default:
        return capture->list = true;
    }
    return ok;
}

static int capture_list(void)
{
    char error[PCAP_ERRBUF_SIZE];
    pcap_if_t *all;

    if (pcap_findalldevs(&all, error) != 0) {
        fprintf(stderr, "sipc pcap capture: %s\n", error);
        return CLI_HARNESS;
    }
    for (const pcap_if_t *at = all; at != NULL; at = at->next)
        printf("%-16s %s\n", at->name, at->description != NULL ? at->description : "");
    pcap_freealldevs(all);
    return CLI_OK;
}

/* ---- files ---- */

static char *capture_name(const struct capture *capture, uint64_t number)
{
    char *path;
    const int size = capture->bytes == 0 ? asprintf(&path, "%s", capture->write)
                                         : asprintf(&path, "%s.%06" PRIu64, capture->write, number);
    SIPC_ASSERT(size >= 0);
    return path;
}

static void capture_close(struct capture *capture)
{
    if (capture->writer != NULL)
        capture->failed |= !annotate_end(capture->writer);
    capture->writer = NULL;
    free(capture->path);
    capture->path = NULL;
}

static void capture_open(struct capture *capture)
{
    capture_close(capture);
    capture->path = capture_name(capture, ++capture->file_number);
    capture->writer = annotate_begin(capture->path, capture->source);
    capture->failed |= capture->writer == NULL;
    capture->file_bytes = 0;
    if (capture->files == 0 || capture->file_number <= capture->files)
        return;
    char *old = capture_name(capture, capture->file_number - capture->files);
    unlink(old);
    free(old);
}

static void capture_frame(struct capture *capture, const struct pcapt_frame *frame)
{
    if (capture->bytes > 0 && capture->file_bytes + frame->size > capture->bytes)
        capture_open(capture);
    if (capture->writer == NULL)
        return;
    annotate_frame(capture->writer, frame);
    capture->file_bytes += frame->size + 32; /* the block around it */
    capture->packets++;
}

/* ---- the command ---- */

static uint64_t capture_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static int capture_run(struct capture *capture)
{
    struct pcapt_frame frame;
    enum pcapt_status status = PCAPT_OK;
    const uint64_t begin = capture_now();
    const struct sigaction action = {.sa_handler = capture_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    capture_open(capture);
    fprintf(stderr, "capturing on %s\n", capture->interface);
    while (!capture_stop && !capture->failed &&
           (capture->count == 0 || capture->packets < capture->count) &&
           (capture->seconds == 0 || capture_now() - begin < capture->seconds)) {
        status = pcapt_source_next(capture->source, &frame);
        if (status == PCAPT_OK)
            capture_frame(capture, &frame);
        else if (status != PCAPT_WAIT)
            break;
    }
    capture_close(capture);
    printf("%" PRIu64 " packets in %" PRIu64 " file%s, %" PRIu64 " dropped by the system\n",
           capture->packets, capture->file_number, capture->file_number == 1 ? "" : "s",
           pcapt_source_drops(capture->source));
    if (status == PCAPT_BROKEN)
        fprintf(stderr, "sipc pcap capture: %s: %s\n", capture->interface,
                pcapt_source_flaw(capture->source)->reason);
    if (status == PCAPT_BROKEN || capture->failed)
        return CLI_HARNESS;
    return capture->packets > 0 ? CLI_OK : CLI_UNDECIDED;
}

int pcap_cmd_capture(int argc, char **argv)
{
    struct capture capture = {0};
    struct pcapt_flaw flaw;
    int first, exit_code = cli_parse(&capture_command, argc, argv, &first, capture_take, &capture);

    if (exit_code >= 0)
        return exit_code;
    if (capture.list)
        return capture_list();
    if (first < argc)
        return cli_usage(&capture_command, "no arguments expected, found '%s'", argv[first]);
    if (capture.interface == NULL || capture.write == NULL)
        return cli_usage(&capture_command, "no %s",
                         capture.interface == NULL ? "--interface NAME" : "--write FILE");
    if (capture.files > 0 && capture.bytes == 0)
        return cli_usage(&capture_command, "--files needs --size");
    capture.source = pcapt_source_live(capture.interface, capture.filter, (uint32_t)capture.snap,
                                       capture.promiscuous, CAPTURE_WAIT_MS, &flaw);
    if (capture.source == NULL) {
        fprintf(stderr, "sipc pcap capture: %s: %s\n", capture.interface, flaw.reason);
        return CLI_HARNESS;
    }
    exit_code = capture_run(&capture);
    pcapt_source_close(capture.source);
    return exit_code;
}
