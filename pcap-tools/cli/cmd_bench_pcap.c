/* sipc bench pcap: how fast captures are read and judged, beside a bare loop of libpcap and beside
 * tshark, on a capture that the command makes itself. CPU time of one thread; what is compared is
 * run in turn, and the median of the ratios counts. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"

enum {
    BENCH_PACKETS = 3500,
    BENCH_REPETITIONS,
    BENCH_NO_TSHARK,
    BENCH_JSON,
    BENCH_REPETITIONS_MAX = 31,
    BENCH_SESSIONS = 8,
    BENCH_WINDOW = 4,      /* PDUs; each is acked */
    BENCH_DATA = 100,      /* bytes of a PDU */
    BENCH_TSHARK_PART = 20 /* tshark reads one packet of so many */
};

static const struct cli_option bench_options[] = {
    {'n', "packets", "N", "UDP packets, 1000..10000000 (1000000)", BENCH_PACKETS},
    {0, "repetitions", "N", "1..31 (5)", BENCH_REPETITIONS},
    {0, "no-tshark", NULL, "leave tshark out", BENCH_NO_TSHARK},
    {0, "json", NULL, "JSON in place of the table", BENCH_JSON},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command bench_command = {
    .name = "sipc bench pcap",
    .usage = "[options]",
    .about =
        "Makes a capture (pcapng, 8 sessions between two endpoints, windows of 4 PDUs with 100\n"
        "bytes, each acked) in a temporary file and reads it, by CPU time of one thread:\n"
        "  libpcap   pcap_next_ex, and nothing else\n"
        "  decode    the reader: IP, UDP, every PDU decoded, counted by opcode\n"
        "  audit     the same, and the judges of both endpoints fed with each\n"
        "  tshark    -T fields with the ports and the length, on a 20th of the packets\n"
        "\n"
        "Exit status: 0, 2 for wrong usage, 4 if a measurement failed.",
    .examples = "sipc bench pcap\n"
                "sipc bench pcap --packets 100000 --repetitions 3 --no-tshark",
    .options = bench_options,
};

enum { ROW_LIBPCAP, ROW_DECODE, ROW_AUDIT, ROW_TSHARK, ROW_COUNT };
static const char *const bench_rows[] = {"libpcap", "decode", "audit", "tshark"};

struct bench {
    uint64_t packets, repetitions;
    bool no_tshark, json;
    char path[256], part[256];
    uint64_t opcodes[SIPC_ENQUIRE_LINK_ACK + 1];
    uint64_t made[SIPC_ENQUIRE_LINK_ACK + 1];
    uint64_t findings;
    double rates[ROW_COUNT][BENCH_REPETITIONS_MAX]; /* packets a second */
};

static bool bench_take(void *ctx, int id, const char *value)
{
    struct bench *bench = ctx;
    switch (id) {
    case BENCH_PACKETS:
        return cli_number("--packets", value, 1000, 10000000, &bench->packets);
    case BENCH_REPETITIONS:
        return cli_number("--repetitions", value, 1, BENCH_REPETITIONS_MAX, &bench->repetitions);
    case BENCH_NO_TSHARK:
        return bench->no_tshark = true;
    default:
        return bench->json = true;
    }
}

/* ---- the capture ---- */

struct bench_writer {
    struct pcapt_pcapng pcapng;
    uint32_t interface;
    uint64_t at_ns;
    bool ok;
};

static void bench_pdu(struct bench_writer *writer, struct bench *bench, unsigned session,
                      int64_t window_id, int32_t seq_nr, bool ack)
{
    static const uint8_t data[BENCH_DATA];
    uint8_t id[SIPC_SESSION_ID_SIZE] = {1, 2, 3, (uint8_t)session}, options[128], pdu[512];
    uint8_t frame[512 + PCAPT_UDP_OVERHEAD];
    size_t used = 0, size = 0;
    bool ok = true;
    const struct pcapt_udp_flow flow =
        ack ? (struct pcapt_udp_flow){0x0a000002, 0x0a000001, 40001, 40001}
            : (struct pcapt_udp_flow){0x0a000001, 0x0a000002, 40001, 40001};
#define BENCH_FLAG(flag)                                                                           \
    ok = ok && sipc_option_encode_bool(flag, true, options, sizeof options, &used) == SIPC_OK
    if (ack && seq_nr == BENCH_WINDOW - 1)
        BENCH_FLAG(SIPC_OPT_IS_WINDOW_FULL);
    if (!ack && seq_nr == 0) {
        BENCH_FLAG(SIPC_OPT_FIRST_IN_WINDOW_GROUP);
        BENCH_FLAG(SIPC_OPT_SKIP);
    }
    if (!ack && seq_nr == BENCH_WINDOW - 1) {
        BENCH_FLAG(SIPC_OPT_LAST_IN_WINDOW);
        BENCH_FLAG(SIPC_OPT_LAST_IN_WINDOW_GROUP);
    }
#undef BENCH_FLAG
    const struct sipc_pdu_parts parts = {id,
                                         window_id,
                                         seq_nr,
                                         ack ? SIPC_DATA_ACK : SIPC_DATA,
                                         {options, used},
                                         {data, ack ? 0 : sizeof data}};
    ok = ok && sipc_pdu_encode(&parts, pdu, sizeof pdu, &size) == SIPC_OK;
    SIPC_ASSERT(ok);
    const size_t wire = pcapt_wrap_udp(&flow, pdu, size, frame, sizeof frame);
    writer->at_ns += 10000;
    writer->ok &=
        pcapt_pcapng_packet(&writer->pcapng, &(struct pcapt_packet){.interface = writer->interface,
                                                                    .at_ns = writer->at_ns,
                                                                    .data = frame,
                                                                    .size = (uint32_t)wire});
    bench->made[parts.opcode]++;
}

/* Makes the file; `path` is a template, and becomes its name. */
static bool bench_make(struct bench *bench, char *path, uint64_t packets)
{
    const int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    struct bench_writer writer = {.ok = file != NULL};

    memset(bench->made, 0, sizeof bench->made);
    if (file != NULL) {
        writer.ok =
            pcapt_pcapng_begin(&writer.pcapng, file, &(struct pcapt_section){.comment = NULL}) &&
            pcapt_pcapng_interface(&writer.pcapng,
                                   &(struct pcapt_interface){.link_type = PCAPT_LINK_IPV4},
                                   &writer.interface);
        for (uint64_t i = 0; i < packets && writer.ok; i++) {
            const uint64_t exchange = i / (2 * BENCH_WINDOW);
            bench_pdu(&writer, bench, exchange % BENCH_SESSIONS,
                      (int64_t)(exchange / BENCH_SESSIONS), i / 2 % BENCH_WINDOW, i % 2);
        }
        writer.ok &= fclose(file) == 0;
    }
    if (!writer.ok)
        fprintf(stderr, "sipc bench pcap: %s: %s\n", path, strerror(errno));
    return writer.ok;
}

/* ---- the rows ---- */

static double bench_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t bench_libpcap(const struct bench *bench)
{
    char error[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *head;
    const uint8_t *data;
    uint64_t count = 0;
    pcap_t *pcap =
        pcap_open_offline_with_tstamp_precision(bench->path, PCAP_TSTAMP_PRECISION_NANO, error);
    while (pcap != NULL && pcap_next_ex(pcap, &head, &data) == 1)
        count++;
    if (pcap != NULL)
        pcap_close(pcap);
    return count;
}

static void bench_found(void *ctx, const struct audit_finding *finding)
{
    (void)finding;
    ++*(uint64_t *)ctx;
}

static uint64_t bench_read(struct bench *bench, bool judge)
{
    struct pcapt_flaw flaw;
    struct judge_config config;
    const struct pcapt_item *item;
    uint64_t count = 0;
    struct pcapt_source *source = pcapt_source_open(bench->path, &flaw);

    if (source == NULL)
        return 0;
    judge_config_init(&config);
    struct pcapt_reader *reader = pcapt_reader_new(source, NULL);
    struct audit *audit = judge ? audit_new(&config, bench_found, &bench->findings) : NULL;
    memset(bench->opcodes, 0, sizeof bench->opcodes);
    bench->findings = 0;
    while (pcapt_reader_next(reader, &item) == PCAPT_OK) {
        bench->opcodes[pcapt_item_is_pdu(item) ? item->pdu.opcode : 0]++;
        if (judge)
            audit_item(audit, item);
        count++;
    }
    if (judge)
        audit_free(audit);
    pcapt_reader_free(reader);
    pcapt_source_close(source);
    return count;
}

/* CPU seconds that tshark took; negative: it cannot be run. */
static double bench_tshark(const char *path)
{
    struct rusage usage;
    int status;
    const pid_t child = fork();

    if (child == 0) {
        const int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execlp("tshark", "tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.number", "-e",
               "udp.srcport", "-e", "udp.dstport", "-e", "udp.length", (char *)NULL);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0)
        return -1;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static bool bench_right(const struct bench *bench, uint64_t count, const char *row)
{
    if (count == bench->packets &&
        (row == bench_rows[ROW_LIBPCAP] ||
         memcmp(bench->opcodes, bench->made, sizeof bench->made) == 0) &&
        bench->findings == 0)
        return true;
    fprintf(stderr, "sipc bench pcap: %s: expected %" PRIu64 " packets, found %" PRIu64 "\n", row,
            bench->packets, count);
    return false;
}

static bool bench_round(struct bench *bench, size_t round)
{
    for (int row = ROW_LIBPCAP; row <= ROW_AUDIT; row++) {
        const double begin = bench_seconds();
        const uint64_t count =
            row == ROW_LIBPCAP ? bench_libpcap(bench) : bench_read(bench, row == ROW_AUDIT);
        bench->rates[row][round] = (double)count / (bench_seconds() - begin);
        if (!bench_right(bench, count, bench_rows[row]))
            return false;
    }
    if (bench->no_tshark)
        return true;
    const double seconds = bench_tshark(bench->part);
    bench->no_tshark = seconds <= 0;
    if (seconds > 0)
        bench->rates[ROW_TSHARK][round] = (double)(bench->packets / BENCH_TSHARK_PART) / seconds;
    else
        fprintf(stderr, "sipc bench pcap: tshark is left out: it cannot be run\n");
    return true;
}

/* ---- the table ---- */

static int bench_compare(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The median of a row, or of its ratio to another. */
static double bench_median(const struct bench *bench, int row, int to)
{
    double values[BENCH_REPETITIONS_MAX];
    for (size_t i = 0; i < bench->repetitions; i++)
        values[i] = bench->rates[row][i] / (to < 0 ? 1 : bench->rates[to][i]);
    qsort(values, bench->repetitions, sizeof *values, bench_compare);
    return values[bench->repetitions / 2];
}

static void bench_report(const struct bench *bench)
{
    const int rows = bench->no_tshark ? ROW_TSHARK : ROW_COUNT;
    json_t *object = json_pack("{s:I, s:I}", "packets", (json_int_t)bench->packets, "repetitions",
                               (json_int_t)bench->repetitions);

    if (!bench->json)
        printf("%" PRIu64 " packets, median of %" PRIu64 "\n\n"
               "| row | M PDU/s | ns/PDU | x libpcap | x tshark |\n|---|---|---|---|---|\n",
               bench->packets, bench->repetitions);
    for (int row = 0; row < rows; row++) {
        const double rate = bench_median(bench, row, -1);
        const double pcap = bench_median(bench, row, ROW_LIBPCAP);
        const double tshark = bench->no_tshark ? 0 : bench_median(bench, row, ROW_TSHARK);
        json_object_set_new(
            object, bench_rows[row],
            json_pack("{s:f, s:f, s:f}", "pdu_s", rate, "of_libpcap", pcap, "of_tshark", tshark));
        if (bench->json)
            continue;
        printf("| %s | %.2f | %.0f | %.2f |", bench_rows[row], rate / 1e6, 1e9 / rate, pcap);
        if (bench->no_tshark)
            printf(" - |\n");
        else
            printf(" %.1f |\n", tshark);
    }
    if (bench->json) {
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(object);
}

static void bench_name(char *out, size_t size)
{
    const char *folder = getenv("TMPDIR");
    snprintf(out, size, "%s/sipc-bench-XXXXXX", folder != NULL ? folder : P_tmpdir);
}

int pcap_cmd_bench(int argc, char **argv)
{
    struct bench bench = {.packets = 1000000, .repetitions = 5};
    int first, exit_code = cli_parse(&bench_command, argc, argv, &first, bench_take, &bench);

    if (exit_code >= 0)
        return exit_code;
    if (first < argc)
        return cli_usage(&bench_command, "no arguments expected, found '%s'", argv[first]);
    bench_name(bench.path, sizeof bench.path);
    bench_name(bench.part, sizeof bench.part);
    bool ok = bench_make(&bench, bench.part, bench.packets / BENCH_TSHARK_PART) &&
              bench_make(&bench, bench.path, bench.packets);
    for (size_t round = 0; ok && round < bench.repetitions; round++)
        ok = bench_round(&bench, round);
    unlink(bench.part);
    unlink(bench.path);
    if (ok)
        bench_report(&bench);
    return ok ? CLI_OK : CLI_HARNESS;
}
