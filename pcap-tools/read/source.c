/* Packets of a pcap file or an interface, by libpcap, and of a pcapng file, by the walker of
 * blocks. Which it is shows in the first byte: only pcapng begins with 0x0a. */
#include "pcapt/source.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"

enum {
    SOURCE_PCAP_HEAD = 24,
    SOURCE_RECORD_HEAD = 16,
    SOURCE_PCAPNG = 0x0a,
    SOURCE_LIVE_BYTES = 32 << 20, /* that the system keeps till they are read */
};

struct pcapt_source {
    FILE *file;
    bool owned;
    pcap_t *pcap; /* NULL: pcapng */
    bool live;
    uint32_t wait_ms; /* of an interface */
    uint32_t link_type;
    uint64_t number, offset;
    struct blocks blocks;
    struct pcapt_flaw flaw;
};

static struct pcapt_source *source_new(FILE *file, bool owned)
{
    struct pcapt_source *source = calloc(1, sizeof *source);
    if (source == NULL) /* no memory */
        abort();
    source->file = file;
    source->owned = owned;
    return source;
}

static void source_flaw(struct pcapt_flaw *flaw, uint64_t offset, const char *reason)
{
    flaw->offset = offset;
    snprintf(flaw->reason, sizeof flaw->reason, "%s", reason);
}

/* libpcap has numbers of its own for two link types. */
static uint32_t source_link_type(int dlt)
{
    return dlt == DLT_RAW ? PCAPT_LINK_RAW : (uint32_t)dlt;
}

static bool source_begin(struct pcapt_source *source)
{
    char error[PCAP_ERRBUF_SIZE];
    const int first = getc(source->file);

    if (first == EOF) {
        source_flaw(&source->flaw, 0,
                    ferror(source->file) ? strerror(errno) : "empty: no capture begins here");
        return false;
    }
    ungetc(first, source->file);
    if (first == SOURCE_PCAPNG) {
        blocks_init(&source->blocks, source->file);
        return true;
    }
    source->pcap =
        pcap_fopen_offline_with_tstamp_precision(source->file, PCAP_TSTAMP_PRECISION_NANO, error);
    if (source->pcap == NULL) {
        source_flaw(&source->flaw, 0, error);
        return false;
    }
    source->owned = false; /* pcap_close closes it */
    source->link_type = source_link_type(pcap_datalink(source->pcap));
    source->offset = SOURCE_PCAP_HEAD;
    return true;
}

static struct pcapt_source *source_open(FILE *file, bool owned, struct pcapt_flaw *flaw)
{
    struct pcapt_source *source = source_new(file, owned);

    if (source_begin(source))
        return source;
    *flaw = source->flaw;
    pcapt_source_close(source);
    return NULL;
}

struct pcapt_source *pcapt_source_open(const char *path, struct pcapt_flaw *flaw)
{
    if (strcmp(path, "-") == 0)
        return source_open(stdin, false, flaw);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        source_flaw(flaw, 0, strerror(errno));
        return NULL;
    }
    setvbuf(file, NULL, _IOFBF, 1 << 16);
    return source_open(file, true, flaw);
}

struct pcapt_source *pcapt_source_of(FILE *file, struct pcapt_flaw *flaw)
{
    return source_open(file, file != stdin, flaw);
}

/* ---- interfaces ---- */

static bool source_filter(struct pcapt_source *source, const char *expression)
{
    struct bpf_program program;

    if (expression == NULL)
        return true;
    if (pcap_compile(source->pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return false;
    const bool ok = pcap_setfilter(source->pcap, &program) == 0;
    pcap_freecode(&program);
    return ok;
}

struct pcapt_source *pcapt_source_live(const char *device, const char *expression,
                                       uint32_t snap_length, bool promiscuous, uint32_t wait_ms,
                                       struct pcapt_flaw *flaw)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct pcapt_source *source = source_new(NULL, false);

    source->live = true;
    source->wait_ms = wait_ms;
    source->pcap = pcap_create(device, error);
    if (source->pcap == NULL) {
        source_flaw(flaw, 0, error);
        pcapt_source_close(source);
        return NULL;
    }
    pcap_set_snaplen(source->pcap, snap_length != 0 ? (int)snap_length : PCAPT_FRAME_SIZE_MAX);
    pcap_set_promisc(source->pcap, promiscuous);
    pcap_set_buffer_size(source->pcap, SOURCE_LIVE_BYTES);
    pcap_set_timeout(source->pcap, (int)wait_ms);
    pcap_set_tstamp_precision(source->pcap, PCAP_TSTAMP_PRECISION_NANO);
    const int status = pcap_activate(source->pcap);
    if (status < 0 || !source_filter(source, expression) ||
        pcap_setnonblock(source->pcap, true, error) != 0) {
        const char *text = pcap_geterr(source->pcap);
        source_flaw(flaw, 0, *text != '\0' ? text : pcap_statustostr(status));
        pcapt_source_close(source);
        return NULL;
    }
    source->link_type = source_link_type(pcap_datalink(source->pcap));
    return source;
}

void pcapt_source_close(struct pcapt_source *source)
{
    if (source == NULL)
        return;
    blocks_fini(&source->blocks);
    if (source->pcap != NULL)
        pcap_close(source->pcap);
    if (source->owned)
        fclose(source->file);
    free(source);
}

/* ---- packets ---- */

/* As pcap_next_ex. The waiting is done here: libpcap's own lasts, on Linux, until a packet comes,
 * whatever time it was given and whatever signal arrives. */
static int source_pull(struct pcapt_source *source, struct pcap_pkthdr **head, const uint8_t **data)
{
    const int status = pcap_next_ex(source->pcap, head, data);

    if (status != 0 || !source->live)
        return status;
    struct pollfd ready = {.fd = pcap_get_selectable_fd(source->pcap), .events = POLLIN};
    return poll(&ready, 1, (int)source->wait_ms) > 0 ? pcap_next_ex(source->pcap, head, data) : 0;
}

static enum pcapt_status source_next_pcap(struct pcapt_source *source, struct pcapt_frame *frame)
{
    struct pcap_pkthdr *head;
    const uint8_t *data;
    const int status = source_pull(source, &head, &data);

    if (status == 0)
        return PCAPT_WAIT;
    if (status == PCAP_ERROR_BREAK)
        return PCAPT_END;
    if (status < 0) {
        source_flaw(&source->flaw, source->offset, pcap_geterr(source->pcap));
        return PCAPT_BROKEN;
    }
    uint64_t scale = 1;
    if (pcap_get_tstamp_precision(source->pcap) != PCAP_TSTAMP_PRECISION_NANO)
        scale = 1000;
    *frame = (struct pcapt_frame){
        .number = ++source->number,
        .offset = source->offset,
        .at_ns = (uint64_t)head->ts.tv_sec * 1000000000 + (uint64_t)head->ts.tv_usec * scale,
        .link_type = source->link_type,
        .data = data,
        .size = head->caplen,
        .wire_size = head->len > head->caplen ? head->len : head->caplen,
    };
    if (!source->live)
        source->offset += SOURCE_RECORD_HEAD + head->caplen;
    return PCAPT_OK;
}

enum pcapt_status pcapt_source_next(struct pcapt_source *source, struct pcapt_frame *frame)
{
    if (source->pcap != NULL)
        return source_next_pcap(source, frame);
    const enum pcapt_status status = blocks_next(&source->blocks, frame);
    if (status == PCAPT_BROKEN)
        source->flaw = source->blocks.flaw;
    return status;
}

const struct pcapt_flaw *pcapt_source_flaw(const struct pcapt_source *source)
{
    return &source->flaw;
}

uint64_t pcapt_source_offset(const struct pcapt_source *source)
{
    return source->pcap != NULL ? source->offset : source->blocks.offset;
}

const char *pcapt_source_application(const struct pcapt_source *source)
{
    return source->blocks.application;
}

const char *pcapt_source_comment(const struct pcapt_source *source)
{
    return source->blocks.comment;
}

bool pcapt_source_interface(const struct pcapt_source *source, uint32_t number,
                            struct pcapt_source_interface *out)
{
    const struct blocks *blocks = &source->blocks;

    if (source->pcap != NULL) {
        *out = (struct pcapt_source_interface){
            .link_type = source->link_type, .snap_length = (uint32_t)pcap_snapshot(source->pcap)};
        return number == 0;
    }
    if (number < blocks->base || number - blocks->base >= blocks->count)
        return false;
    const struct blocks_interface *interface = &blocks->interfaces[number - blocks->base];
    *out = (struct pcapt_source_interface){interface->name, interface->description,
                                           interface->link_type, interface->snap_length};
    return true;
}

uint64_t pcapt_source_drops(const struct pcapt_source *source)
{
    struct pcap_stat stat;

    if (source->live)
        return pcap_stats(source->pcap, &stat) == 0 ? (uint64_t)stat.ps_drop + stat.ps_ifdrop : 0;
    uint64_t drops = source->blocks.drops;
    for (uint32_t i = 0; i < source->blocks.count; i++)
        drops += source->blocks.interfaces[i].drops;
    return drops;
}
