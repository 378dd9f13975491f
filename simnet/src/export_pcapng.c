/* Datagrams as pcapng, by the project's one writer: an interface a link; each datagram outbound as
 * it enters, inbound as it arrives (corrupted, if it is), and without a direction where it is
 * dropped. Comments say what it is and what happened to it.
 *
 * What the receiver makes of an arrival comes right behind it: the arrival is kept back until
 * anything else is to be written, so that a discard can be told with it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "containers.h"
#include "export.h"
#include "pcapt/pcapng.h"

enum {
    PCAPNG_NET = 0x0a000000, /* host addresses count from 10.0.0.1 on */
    PCAPNG_HOSTS = 0xffffff,
    PCAPNG_PORT = 40001,
    PCAPNG_COMMENTS = 3,
};

struct pcapng_link {
    uint32_t interface; /* 1 + number; 0: not described yet */
    uint64_t newest;    /* datagram that arrived and was sent last */
};

struct pcapng {
    struct pcapt_pcapng writer;
    struct pcapng_link *links; /* [0]: no route, else 1 + link */
    size_t count, capacity;
    bool held; /* `packet` waits */
    simnet_host host;
    struct pcapt_packet packet;
    char comments[PCAPNG_COMMENTS][512];
    uint8_t frame[EXPORT_BYTES_MAX + PCAPT_UDP_OVERHEAD];
};

static void pcapng_begin(struct simnet_export *export)
{
    struct pcapng *pcapng = export->self;
    const char *scenario = export->options.scenario, *command = export->options.command;
    char comment[2048];

    snprintf(comment, sizeof comment,
             "ScalableIPC simulation%s%.400s, seed %" PRIu64 ".%s%.1000s%s Time is virtual. %s"
             " Outbound packets enter a link, inbound ones arrive, those without a direction are"
             " dropped; comments tell why.",
             scenario ? " of " : "", scenario ? scenario : "", simnet_world_seed(export->world),
             command ? " To see it again: " : "", command ? command : "", command ? "." : "",
             export->options.user0 ? "Packets are PDUs."
                                   : "Addresses stand for hosts: 10.0.0.1 is the first.");
    if (!pcapt_pcapng_begin(&pcapng->writer, export->file,
                            &(struct pcapt_section){.application = "sipc", .comment = comment}))
        export_failed(export);
}

static void pcapng_describe(struct simnet_export *export, struct pcapng_link *link,
                            const char *name)
{
    struct pcapng *pcapng = export->self;
    struct pcapt_interface interface = {
        .name = name, .link_type = export->options.user0 ? PCAPT_LINK_USER0 : PCAPT_LINK_IPV4};
    uint32_t number = 0;

    if (!pcapt_pcapng_interface(&pcapng->writer, &interface, &number))
        export_failed(export);
    link->interface = 1 + number;
}

/* Links are described in order, all there are so far, when one of them is first needed. */
static struct pcapng_link *pcapng_link(struct simnet_export *export, simnet_link index)
{
    struct pcapng *pcapng = export->self;
    size_t place = index == SIMNET_NONE ? 0 : (size_t)index + 1;

    if (pcapng->count <= place || pcapng->count == 0) {
        size_t all = simnet_link_count(export->world) + 1;
        pcapng->links = simnet_reallocate(pcapng->links, all, sizeof *pcapng->links);
        for (size_t i = pcapng->count; i < all; i++) {
            pcapng->links[i] = (struct pcapng_link){0};
            if (i > 0)
                pcapng_describe(export, &pcapng->links[i],
                                export_link_name(export, (simnet_link)(i - 1)));
        }
        pcapng->count = all;
    }
    if (pcapng->links[place].interface == 0)
        pcapng_describe(export, &pcapng->links[place], export_link_name(export, index));
    return &pcapng->links[place];
}

static void pcapng_flush(struct simnet_export *export)
{
    struct pcapng *pcapng = export->self;
    const char *comments[PCAPNG_COMMENTS];

    if (!pcapng->held)
        return;
    for (size_t i = 0; i < pcapng->packet.comment_count; i++)
        comments[i] = pcapng->comments[i];
    pcapng->packet.comments = comments;
    pcapng->held = false;
    if (!pcapt_pcapng_packet(&pcapng->writer, &pcapng->packet))
        export_failed(export);
}

static char *pcapng_comment(struct pcapng *pcapng)
{
    SIPC_ASSERT(pcapng->packet.comment_count < PCAPNG_COMMENTS);
    return pcapng->comments[pcapng->packet.comment_count++];
}

/* The frame of the datagram's bytes, and how long it would be if it fitted. */
static void pcapng_frame(struct simnet_export *export, const struct simnet_datagram *datagram)
{
    struct pcapng *pcapng = export->self;
    struct sipc_span bytes = export_bytes(export, datagram, false);
    struct pcapt_packet *packet = &pcapng->packet;

    packet->data = pcapng->frame;
    packet->original_size = (uint32_t)bytes.size;
    if (export->options.user0) {
        memcpy(pcapng->frame, bytes.data, bytes.size);
        packet->size = (uint32_t)bytes.size;
        return;
    }
    const struct pcapt_udp_flow flow = {
        .source = PCAPNG_NET + (uint32_t)(datagram->from_address & PCAPNG_HOSTS),
        .destination = PCAPNG_NET + (uint32_t)(datagram->to_address & PCAPNG_HOSTS),
        .source_port = PCAPNG_PORT,
        .destination_port = PCAPNG_PORT};
    size_t fits = bytes.size < PCAPT_UDP_PAYLOAD_MAX ? bytes.size : PCAPT_UDP_PAYLOAD_MAX;
    packet->size =
        (uint32_t)pcapt_wrap_udp(&flow, bytes.data, fits, pcapng->frame, sizeof pcapng->frame);
    packet->original_size += PCAPT_UDP_OVERHEAD;
}

static void pcapng_name(struct simnet_export *export, const struct simnet_event *event)
{
    struct pcapng *pcapng = export->self;
    char name[EXPORT_NAME_BYTES], harm[128];

    export_name_pdu(export, event->datagram, false, name, sizeof name);
    export_name_harm(event->datagram, harm, sizeof harm);
    snprintf(pcapng_comment(pcapng), sizeof pcapng->comments[0],
             "datagram %" PRIu64 ": %s, transmission %" PRIu32 "%s%s", event->datagram->number,
             name, event->key->xmit, *harm ? ", " : "", harm);
}

static void pcapng_arrival(struct simnet_export *export, const struct simnet_event *event,
                           struct pcapng_link *link)
{
    struct pcapng *pcapng = export->self;
    const struct simnet_datagram *datagram = event->datagram;
    sipc_time transit = event->time_ns - datagram->entered_ns;
    char *comment = pcapng_comment(pcapng);

    int used = snprintf(comment, sizeof pcapng->comments[0],
                        "arrives %" PRIu64 ".%09" PRIu64 " s after it was sent",
                        transit / 1000000000, transit % 1000000000);
    if (datagram->copy == 0 && datagram->number < link->newest)
        snprintf(comment + used, sizeof pcapng->comments[0] - (size_t)used,
                 ", out of order: datagram %" PRIu64 " passed it", link->newest);
    if (datagram->copy == 0 && datagram->number > link->newest)
        link->newest = datagram->number;
}

static void pcapng_stage(struct simnet_export *export, const struct simnet_event *event)
{
    struct pcapng *pcapng = export->self;
    bool dropped = event->verdict == SIMNET_DROP;

    if (!dropped && event->verdict != SIMNET_PASS)
        return; /* seen when it arrives */
    pcapng_flush(export);
    struct pcapng_link *link = pcapng_link(export, event->link);
    pcapng->packet =
        (struct pcapt_packet){.interface = link->interface - 1,
                              .at_ns = event->time_ns,
                              .direction = dropped ? PCAPT_DIRECTION_UNKNOWN
                                           : event->stage == SIMNET_STAGE_ARRIVE ? PCAPT_INBOUND
                                                                                 : PCAPT_OUTBOUND};
    pcapng_name(export, event);
    pcapng_frame(export, event->datagram);
    pcapng->held = true;
    pcapng->host = event->host;
    if (dropped)
        snprintf(pcapng_comment(pcapng), sizeof pcapng->comments[0], "dropped at %s: %s",
                 simnet_stage_name(event->stage), event->why);
    else if (event->stage == SIMNET_STAGE_ARRIVE)
        pcapng_arrival(export, event, link);
    if (event->stage != SIMNET_STAGE_ARRIVE || dropped)
        pcapng_flush(export);
}

/* Of the arrival right before it; a host that was paused discards later, and that is not told. */
static void pcapng_discard(struct simnet_export *export, const struct simnet_event *event)
{
    struct pcapng *pcapng = export->self;
    const char *rule = export_rule_name(event->rule);

    if (pcapng->held && pcapng->host == event->host && pcapng->packet.at_ns == event->time_ns &&
        pcapng->packet.comment_count < PCAPNG_COMMENTS)
        snprintf(pcapng_comment(pcapng), sizeof pcapng->comments[0], "discarded: %s (%s)",
                 sipc_discard_name(event->reason), rule ? rule : "no rule");
    pcapng_flush(export);
}

static void pcapng_event(struct simnet_export *export, const struct simnet_event *event)
{
    if (event->kind == SIMNET_EVENT_STAGE)
        pcapng_stage(export, event);
    else if (event->kind == SIMNET_EVENT_DISCARD)
        pcapng_discard(export, event);
    else
        pcapng_flush(export); /* a change: what comes is of another moment */
}

static void pcapng_fini(struct simnet_export *export)
{
    free(((struct pcapng *)export->self)->links);
}

const struct export_format export_pcapng = {
    .wants = SIMNET_WANT_VERDICTS | SIMNET_WANT_DISCARDS | SIMNET_WANT_CHANGES,
    .state_bytes = sizeof(struct pcapng),
    .begin = pcapng_begin,
    .event = pcapng_event,
    .end = pcapng_flush,
    .fini = pcapng_fini,
};
