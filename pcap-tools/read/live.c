/* Packets of a network interface, by libpcap. No bytes are parsed here, and nothing of this runs
 * without an interface: what is read of a capture is in source.c. */
#include <poll.h>

#include "origin.h"

enum { LIVE_BYTES = 32 << 20 }; /* that the system keeps till they are read */

static bool live_filter(struct pcapt_source *source, const char *expression)
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

/* As pcap_next_ex. The waiting is done here: libpcap's own lasts, on Linux, until a packet comes,
 * whatever time it was given and whatever signal arrives. */
static int live_pull(struct pcapt_source *source, struct pcap_pkthdr **head, const uint8_t **data)
{
    const int said = pcap_next_ex(source->pcap, head, data);

    if (said != 0)
        return said;
    struct pollfd ready = {.fd = pcap_get_selectable_fd(source->pcap), .events = POLLIN};
    return poll(&ready, 1, (int)source->wait_ms) > 0 ? pcap_next_ex(source->pcap, head, data) : 0;
}

static enum pcapt_status live_next(struct pcapt_source *source, struct pcapt_frame *frame)
{
    struct pcap_pkthdr *head = NULL;
    const uint8_t *data = NULL;
    const int said = live_pull(source, &head, &data);

    if (said == 0)
        return PCAPT_WAIT;
    const bool ns = pcap_get_tstamp_precision(source->pcap) == PCAP_TSTAMP_PRECISION_NANO;
    return origin_packet(source, said, head, data, ns ? 1 : 1000, frame);
}

static uint64_t live_drops(const struct pcapt_source *source)
{
    struct pcap_stat stat;
    return pcap_stats(source->pcap, &stat) == 0 ? (uint64_t)stat.ps_drop + stat.ps_ifdrop : 0;
}

struct pcapt_source *pcapt_source_live(const char *device, const char *expression,
                                       uint32_t snap_length, bool promiscuous, uint32_t wait_ms,
                                       struct pcapt_flaw *flaw)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct pcapt_source *source = origin_new(NULL, false);

    source->next = live_next;
    source->drops = live_drops;
    source->wait_ms = wait_ms;
    source->pcap = pcap_create(device, error);
    if (source->pcap == NULL) {
        origin_flaw(flaw, 0, error);
        pcapt_source_close(source);
        return NULL;
    }
    pcap_set_snaplen(source->pcap, snap_length != 0 ? (int)snap_length : PCAPT_FRAME_SIZE_MAX);
    pcap_set_promisc(source->pcap, promiscuous);
    pcap_set_buffer_size(source->pcap, LIVE_BYTES);
    pcap_set_timeout(source->pcap, (int)wait_ms);
    pcap_set_tstamp_precision(source->pcap, PCAP_TSTAMP_PRECISION_NANO);
    const int status = pcap_activate(source->pcap);
    if (status < 0 || !live_filter(source, expression) ||
        pcap_setnonblock(source->pcap, true, error) != 0) {
        const char *text = pcap_geterr(source->pcap);
        origin_flaw(flaw, 0, *text != '\0' ? text : pcap_statustostr(status));
        pcapt_source_close(source);
        return NULL;
    }
    source->link_type = origin_link_type(source->pcap);
    return source;
}
