/* Client and server in one loop of plain poll(2). */
#include <poll.h>

#include "udp_host.h"

/* The shorter of two times to wait; -1 stands for ever. */
static int shorter(int a, int b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

int main(void)
{
    struct udp_host client = {.fd = -1}, server = {.fd = -1};
    bool done = false;

    echo_start(&client, &server, &done);
    while (!done) {
        struct pollfd fds[] = {{.fd = client.fd, .events = POLLIN},
                               {.fd = server.fd, .events = POLLIN}};
        poll(fds, 2, shorter(udp_host_timeout_ms(&client), udp_host_timeout_ms(&server)));
        if ((fds[0].revents & POLLIN) != 0)
            udp_host_readable(&client);
        if ((fds[1].revents & POLLIN) != 0)
            udp_host_readable(&server);
        udp_host_advance(&client);
        udp_host_advance(&server);
    }
    udp_host_close(&client);
    udp_host_close(&server);
    return 0;
}
