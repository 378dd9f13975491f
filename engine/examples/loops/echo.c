/* What both examples talk about: the client sends a line, waits for its echo, sends the next, and
 * closes. A new group may come before the result of the own send, so each side waits for both. */
#include <stdio.h>
#include <string.h>

#include "udp_host.h"

static const char *const lines[] = {"one", "two", "three"};
enum { LINE_COUNT = sizeof lines / sizeof lines[0] };

static struct {
    size_t line;
    bool echoed, sent; /* of the line on its way */
    bool *done;
    sipc_session session;
} talk;

static void client_next(struct udp_host *client)
{
    if (!talk.echoed || !talk.sent)
        return;
    talk.echoed = false;
    talk.sent = false;
    if (talk.line == LINE_COUNT)
        udp_host_finish(client, talk.session);
    else
        udp_host_send(client, talk.session, lines[talk.line], strlen(lines[talk.line]));
}

static void client_deliver(struct udp_host *client, sipc_session session, struct sipc_span data)
{
    (void)session;
    printf("%s: received \"%.*s\"\n", client->name, (int)data.size, (const char *)data.data);
    talk.echoed = true;
    talk.line++;
    client_next(client);
}

static void client_result(struct udp_host *client, sipc_session session,
                          enum sipc_operation operation, enum sipc_outcome outcome)
{
    (void)session;
    printf("%s: %s %s\n", client->name, operation == SIPC_OP_CLOSE ? "close" : "send",
           sipc_outcome_name(outcome));
    if (operation == SIPC_OP_CLOSE || outcome != SIPC_OUTCOME_OK) {
        *talk.done = true;
        return;
    }
    talk.sent = true;
    client_next(client);
}

static void server_deliver(struct udp_host *server, sipc_session session, struct sipc_span data)
{
    udp_host_send(server, session, data.data, data.size);
}

void echo_start(struct udp_host *client, struct udp_host *server, bool *done)
{
    udp_host_open(server, "server");
    udp_host_open(client, "client");
    server->on_deliver = server_deliver;
    client->on_deliver = client_deliver;
    client->on_result = client_result;
    talk.done = done;
    talk.echoed = true;
    talk.sent = true;
    talk.session = udp_host_connect(client, server->port);
    client_next(client);
}
