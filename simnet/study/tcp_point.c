/* One TCP flow of ns-3 on a link like those of the study, and its goodput as a line of JSON: what
 * the report draws beside the protocol. Knows only ns3c.h. Loss is that of the data's way alone.
 *
 *     sipc-tcp-point CONTROL RATE RTT_US LOSS_PPM SECONDS SEED
 *
 * Goodput is of the last three quarters of the time: the flow has found its window by then.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ns3c.h"

enum { TCP_RATE, TCP_RTT_US, TCP_LOSS_PPM, TCP_SECONDS, TCP_SEED, TCP_NUMBERS };
enum { TCP_PACKET = 1500, TCP_QUEUE_MIN = 100 };

static const struct {
    const char *name;
    uint64_t min, max;
} tcp_numbers[TCP_NUMBERS] = {
    {"RATE", 1000, UINT64_C(100000000000)},
    {"RTT_US", 0, 100000000},
    {"LOSS_PPM", 0, 500000},
    {"SECONDS", 4, 100000},
    {"SEED", 1, UINT32_MAX / 2},
};

#define TCP_S_NS UINT64_C(1000000000)

static bool tcp_parse(char **words, uint64_t *out)
{
    for (int i = 0; i < TCP_NUMBERS; i++) {
        char *end;
        out[i] = strtoull(words[i], &end, 10);
        if (words[i][0] < '0' || words[i][0] > '9' || *end != '\0' || out[i] < tcp_numbers[i].min ||
            out[i] > tcp_numbers[i].max) {
            fprintf(stderr, "sipc-tcp-point: %s: expected %" PRIu64 "..%" PRIu64 ", found '%s'\n",
                    tcp_numbers[i].name, tcp_numbers[i].min, tcp_numbers[i].max, words[i]);
            return false;
        }
    }
    return true;
}

/* What the flow had received at a quarter of the time, and at its end. */
static enum ns3c_status tcp_run(struct ns3c *ns, const char *control, const uint64_t *number,
                                struct ns3c_tcp_stats *early, struct ns3c_tcp_stats *late)
{
    /* Four times what the link holds: with less, ns-3's BBR loses much at its start, and stalls. */
    const uint64_t queue = number[TCP_RATE] / 1000 * number[TCP_RTT_US] / 1000 / 8 * 4 / TCP_PACKET;
    const struct ns3c_tcp_path_config config = {
        .link = {.rate_bps = number[TCP_RATE],
                 .delay_ns = number[TCP_RTT_US] * 1000 / 2,
                 .queue_limit = (uint32_t)(queue < TCP_QUEUE_MIN ? TCP_QUEUE_MIN : queue)},
        .tcp = {.congestion_control = control},
        .loss_ppb = (uint32_t)number[TCP_LOSS_PPM] * 1000};
    struct ns3c_tcp_path path;
    enum ns3c_status status = ns3c_tcp_path(ns, &config, &path);

    if (status == NS3C_OK)
        status = ns3c_run(ns, number[TCP_SECONDS] * TCP_S_NS / 4, NULL);
    if (status == NS3C_OK)
        status = ns3c_tcp_stats(ns, path.flow, early);
    if (status == NS3C_OK)
        status = ns3c_run(ns, number[TCP_SECONDS] * TCP_S_NS, NULL);
    return status == NS3C_OK ? ns3c_tcp_stats(ns, path.flow, late) : status;
}

int main(int argc, char **argv)
{
    uint64_t number[TCP_NUMBERS];
    struct ns3c_tcp_stats early, late;
    struct ns3c *ns = NULL;

    if (argc != 2 + TCP_NUMBERS) {
        fprintf(stderr, "usage: sipc-tcp-point CONTROL RATE RTT_US LOSS_PPM SECONDS SEED\n"
                        "example: sipc-tcp-point cubic 10000000 100000 1000 60 1\n");
        return 2;
    }
    if (!tcp_parse(argv + 2, number))
        return 2;
    enum ns3c_status status =
        ns3c_create(&(struct ns3c_config){.seed = (uint32_t)number[TCP_SEED]}, &ns);
    if (status == NS3C_OK)
        status = tcp_run(ns, argv[1], number, &early, &late);
    if (status != NS3C_OK)
        fprintf(stderr, "sipc-tcp-point: %s\n", ns3c_message());
    ns3c_free(ns);
    if (status != NS3C_OK)
        return status == NS3C_NOT_FOUND ? 2 : 1;
    printf("{\"goodput_bps\":%" PRIu64 ",\"retransmissions\":%" PRIu64 ",\"window_bytes\":%" PRIu64
           ",\"ns3\":\"%s\"}\n",
           (late.bytes_received - early.bytes_received) * 32 / (3 * number[TCP_SECONDS]),
           late.retransmissions, late.window_bytes, ns3c_version());
    return 0;
}
