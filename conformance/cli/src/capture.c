/* The traffic of a run as pcapng: each PDU as a UDP packet between the SUT (10.0.0.1) and the
 * harness's peers (10.0.1.1, 10.0.1.2, ... in order of appearance), with the case as its comment,
 * whatever it really travelled on. Case after case, also where they ran side by side: then the wall
 * clock's time goes back between them. */
#include "cli.h"

#include <string.h>

#include "pcapt/pcapng.h"

enum {
    CAPTURE_SUT = 0x0a000001,
    CAPTURE_PEER = 0x0a000100, /* + number of the peer, from 1 */
    CAPTURE_SUT_PORT = 40001,
    CAPTURE_PEER_PORT = 40002,
    CAPTURE_PEERS_MAX = 0xfe00,
};

struct cli_capture {
    struct pcapt_pcapng writer;
    uint32_t interface;
    bool virtual_clock, failed;
    char **peers;
    size_t peer_count;
    char *case_name;     /* of the last PDU */
    uint64_t case_at_ns; /* its time within the case */
    uint64_t base_ns;    /* what the time within the case is added to */
    uint64_t last_ns;    /* time written last */
    uint8_t packet[PCAPT_UDP_PAYLOAD_MAX + PCAPT_UDP_OVERHEAD];
};

struct cli_capture *cli_capture_begin(FILE *file, const char *sut_spec, bool virtual_clock)
{
    struct cli_capture *capture = calloc(1, sizeof *capture);
    SIPC_ASSERT(capture != NULL);
    capture->virtual_clock = virtual_clock;
    char comment[1024];
    snprintf(comment, sizeof comment,
             "ScalableIPC conformance run of %s. Addresses stand for endpoints: 10.0.0.1 is the"
             " SUT, 10.0.1.n the harness's peers. %s",
             sut_spec,
             virtual_clock ? "Time is virtual: the cases one after another, from 0."
                           : "Time is the wall clock's; cases that ran side by side stand one"
                             " after another.");
    const struct pcapt_section section = {.application = "sipc", .comment = comment};
    const struct pcapt_interface interface = {
        .name = "sut", .description = "at the SUT", .link_type = PCAPT_LINK_RAW};
    capture->failed = !pcapt_pcapng_begin(&capture->writer, file, &section) ||
                      !pcapt_pcapng_interface(&capture->writer, &interface, &capture->interface);
    return capture;
}

static uint32_t capture_peer(struct cli_capture *capture, const char *name)
{
    for (size_t i = 0; i < capture->peer_count; i++)
        if (strcmp(capture->peers[i], name) == 0)
            return (uint32_t)i + 1;
    if (capture->peer_count == CAPTURE_PEERS_MAX)
        return CAPTURE_PEERS_MAX;
    capture->peers = realloc(capture->peers, (capture->peer_count + 1) * sizeof(char *));
    SIPC_ASSERT(capture->peers != NULL);
    capture->peers[capture->peer_count] = strdup(name);
    SIPC_ASSERT(capture->peers[capture->peer_count] != NULL);
    return (uint32_t)++capture->peer_count;
}

/* Time within a case begins at 0 again with each case, and where a case is run again. */
static uint64_t capture_time(struct cli_capture *capture, const struct cli_pdu *pdu,
                             const char *case_name)
{
    const bool same = capture->case_name != NULL && pdu->at_ns >= capture->case_at_ns &&
                      strcmp(capture->case_name, case_name) == 0;
    if (!same) {
        const uint64_t second = 1000 * SIPC_NS_PER_MS;
        if (!capture->virtual_clock)
            capture->base_ns = pdu->wall_ns - pdu->at_ns;
        else if (capture->case_name != NULL)
            capture->base_ns = (capture->last_ns / second + 1) * second;
        free(capture->case_name);
        capture->case_name = strdup(case_name);
        SIPC_ASSERT(capture->case_name != NULL);
    }
    capture->case_at_ns = pdu->at_ns;
    capture->last_ns = capture->base_ns + pdu->at_ns;
    return capture->last_ns;
}

void cli_capture_pdu(struct cli_capture *capture, const struct cli_pdu *pdu, const char *case_name)
{
    const uint32_t address = CAPTURE_PEER + capture_peer(capture, pdu->peer);
    const struct pcapt_udp_flow flow =
        pdu->from_sut
            ? (struct pcapt_udp_flow){CAPTURE_SUT, address, CAPTURE_SUT_PORT, CAPTURE_PEER_PORT}
            : (struct pcapt_udp_flow){address, CAPTURE_SUT, CAPTURE_PEER_PORT, CAPTURE_SUT_PORT};
    const bool cut = pdu->bytes.size > PCAPT_UDP_PAYLOAD_MAX;
    const size_t size =
        pcapt_wrap_udp(&flow, pdu->bytes.data, cut ? PCAPT_UDP_PAYLOAD_MAX : pdu->bytes.size,
                       capture->packet, sizeof capture->packet);
    const char *const comments[] = {case_name, "cut: longer than a UDP packet can be"};
    const struct pcapt_packet packet = {
        .interface = capture->interface,
        .at_ns = capture_time(capture, pdu, case_name),
        .data = capture->packet,
        .size = (uint32_t)size,
        .original_size = (uint32_t)(pdu->bytes.size + PCAPT_UDP_OVERHEAD),
        .direction = pdu->from_sut ? PCAPT_OUTBOUND : PCAPT_INBOUND,
        .comments = comments,
        .comment_count = cut ? 2 : 1,
    };
    capture->failed = !pcapt_pcapng_packet(&capture->writer, &packet) || capture->failed;
}

bool cli_capture_end(struct cli_capture *capture)
{
    const bool ok = !capture->failed;
    for (size_t i = 0; i < capture->peer_count; i++)
        free(capture->peers[i]);
    free(capture->peers);
    free(capture->case_name);
    free(capture);
    return ok;
}
