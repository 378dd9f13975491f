/* An example of ns3c.h: three ways of TCP on the same link, each alone, and what they carried after
 * each second. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "ns3c.h"

static enum ns3c_status run(const char *control)
{
    const struct ns3c_tcp_path_config config = {
        .link = {.rate_bps = 20000000, .delay_ns = 40000000, .queue_limit = 50},
        .tcp = {.congestion_control = control},
        .loss_ppb = 500000, /* 0.05 % */
    };
    struct ns3c *ns;
    struct ns3c_tcp_path path;
    struct ns3c_tcp_stats stats;
    enum ns3c_status status = ns3c_create(NULL, &ns);

    if (status == NS3C_OK)
        status = ns3c_tcp_path(ns, &config, &path);
    printf("%-8s", control);
    for (uint64_t second = 1; status == NS3C_OK && second <= 5; second++) {
        status = ns3c_run(ns, second * 1000000000, NULL);
        if (status == NS3C_OK)
            status = ns3c_tcp_stats(ns, path.flow, &stats);
        if (status == NS3C_OK)
            printf("%10" PRIu64, stats.bytes_received);
    }
    putchar('\n');
    ns3c_free(ns);
    return status;
}

int main(void)
{
    static const char *const controls[] = {"newreno", "cubic", "bbr"};

    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        if (run(controls[i]) != NS3C_OK) {
            fprintf(stderr, "%s: %s\n", controls[i], ns3c_message());
            return 1;
        }
    }
    return 0;
}
