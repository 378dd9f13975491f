/* Client and server in one libuv loop: a poll handle for the socket and a timer for the deadline
 * each. After every callback the timer is set to the endpoint's new deadline. */
#include <uv.h>

#include "udp_host.h"

struct node {
    struct udp_host host;
    uv_poll_t readable;
    uv_timer_t timer;
};

static struct node client, server;
static bool done;

static void on_timer(uv_timer_t *timer);

static void node_rearm(struct node *node)
{
    int timeout_ms = udp_host_timeout_ms(&node->host);

    if (timeout_ms < 0)
        uv_timer_stop(&node->timer);
    else
        uv_timer_start(&node->timer, on_timer, (uint64_t)timeout_ms, 0);
}

static void node_finish(struct node *node)
{
    uv_close((uv_handle_t *)&node->readable, NULL);
    uv_close((uv_handle_t *)&node->timer, NULL);
}

static void after_event(struct node *node)
{
    if (done && !uv_is_closing((uv_handle_t *)&node->timer)) {
        node_finish(&client);
        node_finish(&server);
    } else if (!done) {
        node_rearm(node);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct node *node = timer->data;
    udp_host_advance(&node->host);
    after_event(node);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct node *node = poll->data;
    (void)events;
    if (status == 0)
        udp_host_readable(&node->host);
    after_event(node);
}

static void node_start(struct node *node)
{
    uv_poll_init(uv_default_loop(), &node->readable, node->host.fd);
    uv_timer_init(uv_default_loop(), &node->timer);
    node->readable.data = node;
    node->timer.data = node;
    uv_poll_start(&node->readable, UV_READABLE, on_readable);
    node_rearm(node);
}

int main(void)
{
    echo_start(&client.host, &server.host, &done);
    node_start(&client);
    node_start(&server);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    udp_host_close(&client.host);
    udp_host_close(&server.host);
    return uv_loop_close(uv_default_loop());
}
