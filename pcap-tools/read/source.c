/* Packets of a pcap file, by libpcap, and of a pcapng file, by the walker of blocks. Which it is
 * shows in the first byte: only pcapng begins with 0x0a. Interfaces are in live.c. */
#include "pcapt/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"

enum {
    SOURCE_PCAP_HEAD = 24,
    SOURCE_RECORD_HEAD = 16,
    SOURCE_PCAPNG = 0x0a,
};

struct pcapt_source *origin_new(FILE *file, bool owned)
{
    struct pcapt_source *source = calloc(1, sizeof *source);
    if (source == NULL) /* no memory */
        abort();
    source->file = file;
    source->owned = owned;
    return source;
}

void origin_flaw(struct pcapt_flaw *flaw, uint64_t offset, const char *reason)
{
    flaw->offset = offset;
    snprintf(flaw->reason, sizeof flaw->reason, "%s", reason);
}

/* libpcap has numbers of its own for two link types. */
uint32_t origin_link_type(pcap_t *pcap)
{
    const int type = pcap_datalink(pcap);
    return type == DLT_RAW ? PCAPT_LINK_RAW : (uint32_t)type;
}

/* ---- packets ---- */

enum pcapt_status origin_packet(struct pcapt_source *source, int said,
                                const struct pcap_pkthdr *head, const uint8_t *data,
                                uint32_t fraction_ns, struct pcapt_frame *frame)
{
    if (said == PCAP_ERROR_BREAK)
        return PCAPT_END;
    if (said < 0) {
        origin_flaw(&source->flaw, source->offset, pcap_geterr(source->pcap));
        return PCAPT_BROKEN;
    }
    *frame = (struct pcapt_frame){
        .number = ++source->number,
        .offset = source->offset,
        .at_ns = (uint64_t)head->ts.tv_sec * 1000000000 + (uint64_t)head->ts.tv_usec * fraction_ns,
        .link_type = source->link_type,
        .data = data,
        .size = head->caplen,
        .wire_size = head->len > head->caplen ? head->len : head->caplen,
    };
    return PCAPT_OK;
}

static enum pcapt_status source_next_pcap(struct pcapt_source *source, struct pcapt_frame *frame)
{
    struct pcap_pkthdr *head = NULL;
    const uint8_t *data = NULL;
    const int said = pcap_next_ex(source->pcap, &head, &data);
    const enum pcapt_status status = origin_packet(source, said, head, data, 1, frame);

    if (status == PCAPT_OK)
        source->offset += SOURCE_RECORD_HEAD + frame->size;
    return status;
}

static enum pcapt_status source_next_block(struct pcapt_source *source, struct pcapt_frame *frame)
{
    const enum pcapt_status status = blocks_next(&source->blocks, frame);
    if (status == PCAPT_BROKEN)
        source->flaw = source->blocks.flaw;
    return status;
}

static uint64_t source_drops(const struct pcapt_source *source)
{
    uint64_t drops = source->blocks.drops;
    for (uint32_t i = 0; i < source->blocks.count; i++)
        drops += source->blocks.interfaces[i].drops;
    return drops;
}

/* ---- opening, closing ---- */

static bool source_begin(struct pcapt_source *source)
{
    char error[PCAP_ERRBUF_SIZE];
    const int first = getc(source->file);

    source->drops = source_drops;
    if (first == EOF) {
        origin_flaw(&source->flaw, 0,
                    ferror(source->file) ? strerror(errno) : "empty: no capture begins here");
        return false;
    }
    ungetc(first, source->file);
    if (first == SOURCE_PCAPNG) {
        blocks_init(&source->blocks, source->file);
        source->next = source_next_block;
        return true;
    }
    source->pcap =
        pcap_fopen_offline_with_tstamp_precision(source->file, PCAP_TSTAMP_PRECISION_NANO, error);
    if (source->pcap == NULL) {
        origin_flaw(&source->flaw, 0, error);
        return false;
    }
    source->owned = false; /* pcap_close closes it */
    source->next = source_next_pcap;
    source->link_type = origin_link_type(source->pcap);
    source->offset = SOURCE_PCAP_HEAD;
    return true;
}

static struct pcapt_source *source_open(FILE *file, bool owned, struct pcapt_flaw *flaw)
{
    struct pcapt_source *source = origin_new(file, owned);

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
        origin_flaw(flaw, 0, strerror(errno));
        return NULL;
    }
    setvbuf(file, NULL, _IOFBF, 1 << 16);
    return source_open(file, true, flaw);
}

struct pcapt_source *pcapt_source_of(FILE *file, struct pcapt_flaw *flaw)
{
    return source_open(file, file != stdin, flaw);
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

/* ---- what is offered ---- */

enum pcapt_status pcapt_source_next(struct pcapt_source *source, struct pcapt_frame *frame)
{
    return source->next(source, frame);
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
    return source->drops(source);
}
