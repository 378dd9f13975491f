/* The C bindings of ns-3: times of arrival that can be reckoned by hand, losses that are told where
 * they fall, flows, and a status for each thing that ns-3 itself would end the process for. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ns3c.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

#define OK(call) assert_int_equal(call, NS3C_OK)
/* It fails with this status, and the message says this. */
#define FAILS(call, status, part)                                                                  \
    do {                                                                                           \
        assert_int_equal(call, status);                                                            \
        assert_non_null(strstr(ns3c_message(), part));                                             \
    } while (0)

static struct ns3c *new_ns(void)
{
    struct ns3c *ns;

    OK(ns3c_create(NULL, &ns));
    return ns;
}

/* ---- the simulator ---- */

struct ticks {
    struct ns3c *ns;
    uint64_t times[8];
    size_t count;
};

static void tick(void *ctx)
{
    struct ticks *ticks = ctx;

    ticks->times[ticks->count++] = ns3c_now(ticks->ns);
}

static void tick_and_again(void *ctx)
{
    struct ticks *ticks = ctx;

    tick(ctx);
    if (ticks->count < 4)
        OK(ns3c_schedule(ticks->ns, 0, tick_and_again, ctx, NULL));
}

static void tick_and_stop(void *ctx)
{
    tick(ctx);
    ns3c_stop(((struct ticks *)ctx)->ns);
}

static void test_a_run_ends_where_it_is_told_to(void **state)
{
    (void)state;
    struct ns3c *ns = new_ns();
    struct ticks ticks = {.ns = ns};
    enum ns3c_end end;
    uint64_t id;

    OK(ns3c_schedule(ns, 10, tick, &ticks, NULL));
    OK(ns3c_schedule(ns, 20, tick_and_stop, &ticks, NULL));
    OK(ns3c_schedule(ns, 30, tick, &ticks, &id));
    OK(ns3c_schedule(ns, 40, tick_and_again, &ticks, NULL));
    OK(ns3c_run(ns, 15, &end));
    assert_int_equal(end, NS3C_END_UNTIL);
    assert_int_equal(ns3c_now(ns), 15);
    assert_int_equal(ticks.count, 1);
    OK(ns3c_run(ns, 35, &end));
    assert_int_equal(end, NS3C_END_STOPPED);
    assert_int_equal(ns3c_now(ns), 20);
    OK(ns3c_cancel(ns, id));
    FAILS(ns3c_cancel(ns, id), NS3C_INVALID, "none that waits");
    OK(ns3c_run(ns, 40, &end)); /* also what is scheduled for 40 at 40 */
    assert_int_equal(end, NS3C_END_UNTIL);
    assert_int_equal(ticks.count, 4);
    OK(ns3c_run(ns, NS3C_NEVER, &end));
    assert_int_equal(end, NS3C_END_EMPTY);
    assert_true(ns3c_events(ns) >= 5);
    FAILS(ns3c_run(ns, 39, NULL), NS3C_INVALID, "or later, found 39");
    FAILS(ns3c_schedule(ns, UINT64_MAX, tick, &ticks, NULL), NS3C_INVALID, "too far");
    FAILS(ns3c_schedule(ns, 1, NULL, NULL, NULL), NS3C_INVALID, "without a function");
    ns3c_free(ns);
}

static void run_within(void *ctx)
{
    struct ns3c *ns = ctx;

    FAILS(ns3c_run(ns, NS3C_NEVER, NULL), NS3C_STATE, "callbacks");
    ns3c_free(ns); /* does nothing */
}

static void test_there_is_one_simulator_at_a_time(void **state)
{
    (void)state;
    static const struct {
        struct ns3c_config config;
        enum ns3c_status status;
        const char *part;
    } bad[] = {
        {{.scheduler = "NoSuchScheduler"}, NS3C_NOT_FOUND, "no type \"ns3::NoSuchScheduler\""},
        {{.scheduler = "ns3::Node"}, NS3C_NOT_FOUND, "is no scheduler"},
        {{.scheduler = "Scheduler"}, NS3C_NOT_FOUND, "is no scheduler"},
        {{.seed = 4294944443u}, NS3C_INVALID, "seed"},
    };
    struct ns3c *ns, *second;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FAILS(ns3c_create(&bad[i].config, &ns), bad[i].status, bad[i].part);
        assert_null(ns);
    }
    OK(ns3c_create(&(struct ns3c_config){.scheduler = "ns3::HeapScheduler", .seed = 7}, &ns));
    FAILS(ns3c_create(NULL, &second), NS3C_BUSY, "already");
    OK(ns3c_schedule(ns, 1, run_within, ns, NULL));
    OK(ns3c_run(ns, NS3C_NEVER, NULL));
    ns3c_free(ns);
    FAILS(ns3c_run(ns, 5, NULL), NS3C_INVALID, "no such simulator");
    assert_int_equal(ns3c_now(ns), 0);
    ns3c_free(ns);
    ns3c_free(NULL);
    OK(ns3c_create(NULL, &second));
    ns3c_free(second);
}

/* ---- UDP over links ---- */

struct inbox {
    struct ns3c *ns;
    uint64_t times[64];
    size_t sizes[64], count;
    struct ns3c_address from;
    uint8_t first;
    bool echoes;
};

static void receive(void *ctx, ns3c_udp socket, const struct ns3c_address *from,
                    const uint8_t *data, size_t size)
{
    struct inbox *inbox = ctx;

    inbox->times[inbox->count] = ns3c_now(inbox->ns);
    inbox->sizes[inbox->count++] = size;
    inbox->from = *from;
    inbox->first = size > 0 ? data[0] : 0;
    if (inbox->echoes)
        OK(ns3c_udp_send(inbox->ns, socket, from, data, size));
}

struct pair {
    struct ns3c *ns;
    ns3c_node nodes[2];
    ns3c_link link;
    struct ns3c_address to;
    ns3c_udp sockets[2];
    struct inbox inboxes[2];
};

static void pair_join(struct pair *pair, const char *const addresses[2], unsigned prefix)
{
    struct ns3c_address address;

    for (int i = 0; i < 2; i++) {
        OK(ns3c_address_parse(addresses[i], 9000, &address));
        OK(ns3c_address_add(pair->ns, pair->link, pair->nodes[i], &address, prefix));
        pair->inboxes[i].ns = pair->ns;
        OK(ns3c_udp_open(pair->ns, pair->nodes[i], address.family, i == 1 ? 9000 : 0, receive,
                         &pair->inboxes[i], &pair->sockets[i]));
    }
    pair->to = address;
}

static void pair_new(struct pair *pair, const struct ns3c_link_config *config, bool csma, bool ipv6)
{
    static const char *const four[2] = {"10.1.0.1", "10.1.0.2"};
    static const char *const six[2] = {"2001:db8::1", "2001:db8::2"};

    memset(pair, 0, sizeof *pair);
    pair->ns = new_ns();
    OK(ns3c_node_add(pair->ns, &pair->nodes[0]));
    OK(ns3c_node_add(pair->ns, &pair->nodes[1]));
    if (csma)
        OK(ns3c_link_csma(pair->ns, pair->nodes, 2, config, &pair->link));
    else
        OK(ns3c_link_point_to_point(pair->ns, pair->nodes[0], pair->nodes[1], config, &pair->link));
    pair_join(pair, ipv6 ? six : four, ipv6 ? 64 : 24);
}

static void pair_send(struct pair *pair, size_t size)
{
    OK(ns3c_udp_send(pair->ns, pair->sockets[0], &pair->to, NULL, size));
}

static void test_udp_arrives_when_rate_and_delay_say(void **state)
{
    (void)state;
    struct pair pair;
    uint8_t byte = 42;
    uint16_t port;

    pair_new(&pair, &(struct ns3c_link_config){.rate_bps = 8000000, .delay_ns = 5 * MS}, false,
             false);
    pair.inboxes[1].echoes = true;
    OK(ns3c_udp_send(pair.ns, pair.sockets[0], &pair.to, &byte, 1));
    pair_send(&pair, 1000);
    OK(ns3c_run(pair.ns, NS3C_NEVER, NULL));
    /* 8 Mbit/s is a byte a us; 30 bytes of UDP, IPv4 and PPP are with each. */
    assert_int_equal(pair.inboxes[1].count, 2);
    assert_int_equal(pair.inboxes[1].times[0], 31000 + 5 * MS);
    assert_int_equal(pair.inboxes[1].times[1], 31000 + 1030000 + 5 * MS);
    assert_int_equal(pair.inboxes[0].count, 2);
    assert_int_equal(pair.inboxes[0].times[0], 2 * 31000 + 10 * MS);
    assert_int_equal(pair.inboxes[0].sizes[1], 1000);
    OK(ns3c_udp_port(pair.ns, pair.sockets[0], &port));
    assert_int_equal(pair.inboxes[1].from.port, port);
    assert_memory_equal(pair.inboxes[1].from.bytes, "\x0a\x01\x00\x01", 4);
    ns3c_free(pair.ns);
}

static void test_udp_over_ipv6_and_csma(void **state)
{
    (void)state;
    struct pair pair;
    char text[46];

    pair_new(&pair, &(struct ns3c_link_config){.rate_bps = 100000000, .delay_ns = 1000}, true,
             true);
    pair.inboxes[1].echoes = true;
    pair_send(&pair, 700);
    OK(ns3c_run(pair.ns, 5 * S, NULL));
    assert_int_equal(pair.inboxes[1].count, 1);
    assert_int_equal(pair.inboxes[0].count, 1);
    ns3c_address_print(&pair.inboxes[1].from, text, sizeof text);
    assert_string_equal(text, "2001:db8::1");
    ns3c_free(pair.ns);
}

static void test_a_full_queue_drops_what_comes_last(void **state)
{
    (void)state;
    struct pair pair;

    pair_new(&pair,
             &(struct ns3c_link_config){.rate_bps = 8000000, .delay_ns = MS, .queue_limit = 3},
             false, false);
    for (size_t i = 0; i < 10; i++)
        pair_send(&pair, 100 + i);
    OK(ns3c_run(pair.ns, NS3C_NEVER, NULL));
    assert_int_equal(pair.inboxes[1].count, 4); /* one on the wire, three that wait */
    assert_int_equal(pair.inboxes[1].sizes[3], 103);
    ns3c_free(pair.ns);
}

static void test_a_change_of_rate_delay_and_queue_is_felt(void **state)
{
    (void)state;
    struct pair pair;

    pair_new(&pair, &(struct ns3c_link_config){.rate_bps = 8000000, .delay_ns = MS}, false, false);
    OK(ns3c_link_set_rate(pair.ns, pair.link, 80000000));
    OK(ns3c_link_set_delay(pair.ns, pair.link, 2 * MS));
    OK(ns3c_link_set_queue(pair.ns, pair.link, 500, NS3C_BYTES));
    pair_send(&pair, 70);
    pair_send(&pair, 450);
    pair_send(&pair, 450);
    OK(ns3c_run(pair.ns, NS3C_NEVER, NULL));
    assert_int_equal(pair.inboxes[1].count, 2);
    assert_int_equal(pair.inboxes[1].times[0], 10000 + 2 * MS);
    FAILS(ns3c_link_set_rate(pair.ns, pair.link, 0), NS3C_INVALID, "more than 0");
    FAILS(ns3c_link_set_delay(pair.ns, 9, 0), NS3C_INVALID, "no link 9");
    FAILS(ns3c_link_set_queue(pair.ns, pair.link, 0, NS3C_BYTES), NS3C_INVALID, "queue of 0");
    for (size_t i = 0; i < 3; i++)
        pair_send(&pair, 100);
    FAILS(ns3c_link_set_queue(pair.ns, pair.link, 1, NS3C_PACKETS), NS3C_STATE, "2 wait");
    ns3c_free(pair.ns);
}

/* ---- losses ---- */

static void test_losses_fall_where_they_are_told_to(void **state)
{
    (void)state;
    static const uint32_t lost[] = {0, 2, 3};
    struct pair pair;

    pair_new(&pair, &(struct ns3c_link_config){.rate_bps = 8000000}, false, false);
    OK(ns3c_error_list(pair.ns, pair.link, pair.nodes[1], lost, 3));
    for (size_t i = 0; i < 6; i++)
        pair_send(&pair, 100 + i);
    OK(ns3c_run(pair.ns, NS3C_NEVER, NULL));
    assert_int_equal(pair.inboxes[1].count, 3);
    assert_int_equal(pair.inboxes[1].sizes[0], 101);
    assert_int_equal(pair.inboxes[1].sizes[1], 104);
    OK(ns3c_error_list(pair.ns, pair.link, pair.nodes[1], NULL, 0));
    pair_send(&pair, 1);
    OK(ns3c_run(pair.ns, NS3C_NEVER, NULL));
    assert_int_equal(pair.inboxes[1].count, 4);
    OK(ns3c_error_rate(pair.ns, pair.link, pair.nodes[1], NS3C_ERROR_PACKET, 1000000000));
    pair_send(&pair, 1);
    OK(ns3c_run(pair.ns, NS3C_NEVER, NULL));
    assert_int_equal(pair.inboxes[1].count, 4);
    FAILS(ns3c_error_rate(pair.ns, pair.link, pair.nodes[1], NS3C_ERROR_BIT, 1000000001),
          NS3C_INVALID, "at most 1000000000");
    FAILS(ns3c_error_burst(pair.ns, pair.link, pair.nodes[1], 1, 3, 2), NS3C_INVALID, "3 to 2");
    FAILS(ns3c_error_burst(pair.ns, pair.link, 7, 1, 1, 2), NS3C_INVALID, "no end at a node 7");
    ns3c_free(pair.ns);
}

/* Which of 60 packets arrive, as bits. */
static uint64_t losses_of(bool bursts)
{
    struct pair pair;
    uint64_t arrived = 0;

    pair_new(&pair, &(struct ns3c_link_config){.rate_bps = 8000000}, false, false);
    if (bursts)
        OK(ns3c_error_burst(pair.ns, pair.link, pair.nodes[1], 100000000, 2, 5));
    else
        OK(ns3c_error_rate(pair.ns, pair.link, pair.nodes[1], NS3C_ERROR_PACKET, 300000000));
    for (size_t i = 0; i < 60; i++)
        pair_send(&pair, i);
    OK(ns3c_run(pair.ns, NS3C_NEVER, NULL));
    for (size_t i = 0; i < pair.inboxes[1].count; i++)
        arrived |= UINT64_C(1) << pair.inboxes[1].sizes[i];
    ns3c_free(pair.ns);
    return arrived;
}

static void test_random_losses_are_the_same_each_time(void **state)
{
    (void)state;
    uint64_t rate = losses_of(false), bursts = losses_of(true);
    int arrived = __builtin_popcountll(rate);

    assert_in_range(arrived, 30, 54); /* 42 expected; the seed is fixed */
    assert_int_not_equal(rate, bursts);
    assert_true(bursts == losses_of(true));
    assert_true(rate == losses_of(false));
}

/* ---- what ns-3 would not survive ---- */

static void test_bad_arguments_give_a_status(void **state)
{
    (void)state;
    struct ns3c *ns = new_ns();
    const struct ns3c_link_config good = {.rate_bps = 1000};
    static const struct {
        struct ns3c_link_config config;
        enum ns3c_status status;
        const char *part;
    } links[] = {
        {{.rate_bps = 0}, NS3C_INVALID, "rate_bps"},
        {{.rate_bps = 1, .delay_ns = UINT64_MAX}, NS3C_INVALID, "delay_ns"},
        {{.rate_bps = 1, .mtu = 67}, NS3C_INVALID, "mtu"},
        {{.rate_bps = 1, .mtu = 65536}, NS3C_INVALID, "mtu"},
        {{.rate_bps = 1, .queue_unit = 9}, NS3C_INVALID, "queue_unit"},
        {{.rate_bps = 1, .traffic_control = "Leaky"}, NS3C_NOT_FOUND, "traffic_control"},
        {{.rate_bps = 1, .traffic_control = "MqQueueDisc"}, NS3C_NOT_FOUND, "traffic_control"},
    };
    ns3c_node nodes[2];
    ns3c_link link;
    ns3c_udp socket;
    struct ns3c_address address;

    OK(ns3c_node_add(ns, &nodes[0]));
    OK(ns3c_node_add(ns, &nodes[1]));
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        FAILS(ns3c_link_point_to_point(ns, 0, 1, &links[i].config, &link), links[i].status,
              links[i].part);
        FAILS(ns3c_link_csma(ns, nodes, 2, &links[i].config, &link), links[i].status,
              links[i].part);
    }
    FAILS(ns3c_link_point_to_point(ns, 0, 2, &good, &link), NS3C_INVALID, "no node 2, only 2");
    FAILS(ns3c_link_point_to_point(ns, 1, 1, &good, &link), NS3C_INVALID, "to itself");
    FAILS(ns3c_link_csma(ns, nodes, 1, &good, &link), NS3C_INVALID, "at least 2");
    FAILS(ns3c_link_csma(ns, (ns3c_node[]){1, 1}, 2, &good, &link), NS3C_INVALID, "twice");
    OK(ns3c_link_point_to_point(ns, 0, 1, &good, &link));
    FAILS(ns3c_address_parse("10.0.0.256", 1, &address), NS3C_INVALID, "10.0.0.256");
    OK(ns3c_address_parse("10.0.0.1", 1, &address));
    FAILS(ns3c_address_add(ns, link, 0, &address, 33), NS3C_INVALID, "1 to 32");
    FAILS(ns3c_route_default(ns, link, 0, &address), NS3C_STATE, "no address of this family");
    OK(ns3c_address_add(ns, link, 0, &address, 32));
    FAILS(ns3c_address_add(ns, link, 1, &address, 24), NS3C_BUSY, "already");
    OK(ns3c_udp_open(ns, 0, NS3C_IPV4, 53, NULL, NULL, &socket));
    FAILS(ns3c_udp_open(ns, 0, NS3C_IPV4, 53, NULL, NULL, &socket), NS3C_BUSY, "port 53");
    FAILS(ns3c_udp_open(ns, 0, (enum ns3c_family)5, 53, NULL, NULL, &socket), NS3C_INVALID,
          "4 or 6");
    FAILS(ns3c_udp_send(ns, 3, &address, NULL, 1), NS3C_INVALID, "no socket 3");
    FAILS(ns3c_udp_send(ns, socket, &address, NULL, 65508), NS3C_INVALID, "65508");
    OK(ns3c_address_parse("192.168.7.7", 1, &address));
    FAILS(ns3c_udp_send(ns, socket, &address, NULL, 1), NS3C_REFUSED, "no route");
    FAILS(ns3c_pcap(ns, link, 0, "/no/such/folder/x.pcap"), NS3C_FILE, "/no/such/folder");
    FAILS(ns3c_monitor_save(ns, "x.xml"), NS3C_STATE, "no flow monitor");
    assert_string_equal(ns3c_status_name(NS3C_FAILED), "failed");
    assert_string_equal(ns3c_status_name(NS3C_STATUS_COUNT), "?");
    assert_non_null(strchr(ns3c_version(), '.'));
    ns3c_free(ns);
}

/* ---- TCP ---- */

static void test_a_flow_of_each_control_fills_the_link(void **state)
{
    (void)state;
    static const char *const controls[] = {"newreno", "cubic", "bbr", "ns3::TcpVegas"};
    struct ns3c_tcp_path_config config = {.link = {.rate_bps = 10000000, .delay_ns = 10 * MS},
                                          .tcp = {.bytes = 2000000}};

    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        struct ns3c *ns = new_ns();
        struct ns3c_tcp_path path;
        struct ns3c_tcp_stats early, late;

        config.tcp.congestion_control = controls[i];
        OK(ns3c_tcp_path(ns, &config, &path));
        OK(ns3c_run(ns, 500 * MS, NULL));
        OK(ns3c_tcp_stats(ns, path.flow, &early));
        OK(ns3c_run(ns, 10 * S, NULL));
        OK(ns3c_tcp_stats(ns, path.flow, &late));
        assert_true(early.connected && early.bytes_received > 0 && !early.completed);
        assert_true(early.rtt_ns >= 20 * MS && early.window_bytes > 0);
        assert_true(late.completed && late.bytes_received == 2000000);
        /* The wire needs 1.66 s. */
        assert_in_range(late.last_ns, 1600 * MS, 2500 * MS);
        ns3c_free(ns);
    }
}

static void test_a_flow_recovers_from_losses(void **state)
{
    (void)state;
    struct ns3c *ns = new_ns();
    struct ns3c_tcp_path path;
    struct ns3c_tcp_stats stats;
    const struct ns3c_tcp_path_config config = {.link = {.rate_bps = 10000000, .delay_ns = MS},
                                                .tcp = {.bytes = 500000},
                                                .loss_ppb = 20000000};

    OK(ns3c_tcp_path(ns, &config, &path));
    OK(ns3c_run(ns, NS3C_NEVER, NULL));
    OK(ns3c_tcp_stats(ns, path.flow, &stats));
    assert_true(stats.completed && stats.retransmissions > 0);
    ns3c_free(ns);
}

static void test_two_flows_share_a_path_behind_a_queue_disc(void **state)
{
    (void)state;
    struct ns3c *ns = new_ns();
    struct ns3c_tcp_path path;
    struct ns3c_tcp_stats stats[2];
    ns3c_flow second;
    const struct ns3c_tcp_path_config config = {
        .link = {.rate_bps = 10000000, .delay_ns = 10 * MS, .traffic_control = "FqCoDelQueueDisc"}};

    OK(ns3c_tcp_path(ns, &config, &path));
    FAILS(ns3c_tcp_flow(ns, path.from, path.to, &path.address, &config.tcp, &second), NS3C_BUSY,
          "port 5000");
    path.address.port = 0;
    FAILS(ns3c_tcp_flow(ns, path.from, path.to, &path.address, &config.tcp, &second), NS3C_INVALID,
          "port other than 0");
    path.address.port = 5001;
    FAILS(ns3c_tcp_flow(ns, path.to, path.from, &path.address, &config.tcp, &second), NS3C_INVALID,
          "does not have this address");
    OK(ns3c_tcp_flow(ns, path.from, path.to, &path.address, &config.tcp, &second));
    OK(ns3c_run(ns, 10 * S, NULL));
    OK(ns3c_tcp_stats(ns, path.flow, &stats[0]));
    OK(ns3c_tcp_stats(ns, second, &stats[1]));
    /* Fair shares: within a tenth of each other, and together nearly all. */
    assert_in_range(stats[0].bytes_received * 100 / stats[1].bytes_received, 90, 110);
    assert_in_range(stats[0].bytes_received + stats[1].bytes_received, 10500000, 12500000);
    ns3c_free(ns);
}

static void test_bad_flows_give_a_status(void **state)
{
    (void)state;
    static const struct {
        struct ns3c_tcp_config tcp;
        enum ns3c_status status;
        const char *part;
    } bad[] = {
        {{.congestion_control = "warp"}, NS3C_NOT_FOUND, "ns3::warp"},
        {{.congestion_control = "Node"}, NS3C_NOT_FOUND, "is no congestion control"},
        {{.segment_bytes = 65001}, NS3C_INVALID, "segment_bytes"},
        {{.buffer_bytes = 1u << 31}, NS3C_INVALID, "buffer_bytes"},
        {{.initial_window = 65536}, NS3C_INVALID, "initial_window"},
        {{.start_ns = UINT64_MAX}, NS3C_INVALID, "start_ns"},
    };
    struct ns3c *ns = new_ns();
    struct ns3c_tcp_path path;
    struct ns3c_tcp_stats stats;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ns3c_tcp_path_config config = {.link = {.rate_bps = 1000}, .tcp = bad[i].tcp};
        FAILS(ns3c_tcp_path(ns, &config, &path), bad[i].status, bad[i].part);
    }
    FAILS(ns3c_tcp_path(ns, &(struct ns3c_tcp_path_config){.link = {.rate_bps = 0}}, &path),
          NS3C_INVALID, "rate_bps");
    FAILS(ns3c_tcp_stats(ns, 0, &stats), NS3C_INVALID, "no flow 0");
    ns3c_free(ns);
}

/* ---- frame links ---- */

struct frames {
    struct ns3c *ns;
    ns3c_link link;
    uint64_t left[8], arrived[8], numbers[8];
    size_t left_count, arrived_count;
};

static void frame_left(void *ctx, ns3c_link link, uint64_t number)
{
    struct frames *frames = ctx;

    frames->left[frames->left_count++] = ns3c_now(frames->ns);
    if (number == 1) /* lost */
        return;
    OK(ns3c_frame_fly(frames->ns, link, 100, number, NS3C_NEVER));
    if (number == 2) /* and a copy */
        OK(ns3c_frame_fly(frames->ns, link, 100, number, 7));
}

static void frame_arrived(void *ctx, ns3c_link link, uint64_t number)
{
    struct frames *frames = ctx;

    assert_int_equal(link, frames->link);
    frames->numbers[frames->arrived_count] = number;
    frames->arrived[frames->arrived_count++] = ns3c_now(frames->ns);
}

static void test_frames_fly_as_they_are_told_to(void **state)
{
    (void)state;
    struct frames frames = {.ns = new_ns()};
    const struct ns3c_frame_calls calls = {frame_left, frame_arrived, &frames};

    OK(ns3c_link_frames(
        frames.ns,
        &(struct ns3c_link_config){.rate_bps = 8000000, .delay_ns = MS, .queue_limit = 2}, &calls,
        &frames.link));
    for (uint64_t i = 0; i < 3; i++)
        OK(ns3c_frame_send(frames.ns, frames.link, 100, i));
    FAILS(ns3c_frame_send(frames.ns, frames.link, 100, 9), NS3C_REFUSED, "full");
    FAILS(ns3c_frame_send(frames.ns, frames.link, 65536, 9), NS3C_INVALID, "65536");
    FAILS(ns3c_frame_send(frames.ns, 5, 1, 9), NS3C_INVALID, "no frame link");
    OK(ns3c_run(frames.ns, NS3C_NEVER, NULL));
    assert_int_equal(frames.left_count, 3);
    assert_int_equal(frames.left[2], 300000);
    assert_int_equal(frames.arrived_count, 3);
    assert_int_equal(frames.arrived[0], 300007); /* the copy */
    assert_int_equal(frames.arrived[1], 100000 + MS);
    assert_int_equal(frames.arrived[2], 300000 + MS);
    assert_int_equal(frames.numbers[2], 2);
    ns3c_free(frames.ns);
}

static void test_frames_fly_by_themselves(void **state)
{
    (void)state;
    struct frames frames = {.ns = new_ns()};
    const struct ns3c_frame_calls calls = {NULL, frame_arrived, &frames};

    OK(ns3c_link_frames(frames.ns, &(struct ns3c_link_config){.delay_ns = 5}, &calls,
                        &frames.link));
    OK(ns3c_frame_send(frames.ns, frames.link, 0, 1));
    OK(ns3c_frame_send(frames.ns, frames.link, 65535, 2));
    OK(ns3c_run(frames.ns, NS3C_NEVER, NULL));
    assert_int_equal(frames.arrived_count, 2); /* an infinite rate takes no time */
    assert_int_equal(frames.arrived[1], 5);
    FAILS(ns3c_pcap(frames.ns, frames.link, 0, "x"), NS3C_INVALID, "no end");
    FAILS(ns3c_link_frames(frames.ns, &(struct ns3c_link_config){.mtu = 100}, &calls, &frames.link),
          NS3C_INVALID, "no MTU");
    ns3c_free(frames.ns);
}

/* ---- watching ---- */

static void test_pcap_and_monitor_have_seen_the_packets(void **state)
{
    (void)state;
    char path[] = "/tmp/ns3c-XXXXXX";
    int file = mkstemp(path);
    struct pair pair;
    struct ns3c_monitor_flow flow;
    uint8_t head[24 + 16 + 2 + 28];

    assert_true(file >= 0);
    pair_new(&pair, &(struct ns3c_link_config){.rate_bps = 8000000, .delay_ns = MS}, false, false);
    assert_int_equal(ns3c_monitor_count(pair.ns), 0);
    OK(ns3c_pcap(pair.ns, pair.link, pair.nodes[1], path));
    OK(ns3c_monitor(pair.ns));
    FAILS(ns3c_monitor(pair.ns), NS3C_STATE, "already");
    pair_send(&pair, 100);
    pair_send(&pair, 100);
    OK(ns3c_run(pair.ns, S, NULL));
    assert_int_equal(ns3c_monitor_count(pair.ns), 1);
    OK(ns3c_monitor_flow(pair.ns, 0, &flow));
    assert_int_equal(flow.rx_packets, 2);
    assert_int_equal(flow.rx_bytes, 2 * 128);
    assert_int_equal(flow.protocol, 17);
    assert_int_equal(flow.to.port, 9000);
    assert_int_equal(flow.delay_sum_ns, 130000 + 260000 + 2 * MS);
    FAILS(ns3c_monitor_flow(pair.ns, 1, &flow), NS3C_INVALID, "no flow 1");
    ns3c_free(pair.ns);
    assert_int_equal(read(file, head, sizeof head), sizeof head);
    assert_memory_equal(head, "\xd4\xc3\xb2\xa1", 4);
    assert_int_equal(head[24 + 8], 130); /* captured: PPP, IPv4, UDP, 100 bytes */
    close(file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_ends_where_it_is_told_to),
        cmocka_unit_test(test_there_is_one_simulator_at_a_time),
        cmocka_unit_test(test_udp_arrives_when_rate_and_delay_say),
        cmocka_unit_test(test_udp_over_ipv6_and_csma),
        cmocka_unit_test(test_a_full_queue_drops_what_comes_last),
        cmocka_unit_test(test_a_change_of_rate_delay_and_queue_is_felt),
        cmocka_unit_test(test_losses_fall_where_they_are_told_to),
        cmocka_unit_test(test_random_losses_are_the_same_each_time),
        cmocka_unit_test(test_bad_arguments_give_a_status),
        cmocka_unit_test(test_a_flow_of_each_control_fills_the_link),
        cmocka_unit_test(test_a_flow_recovers_from_losses),
        cmocka_unit_test(test_two_flows_share_a_path_behind_a_queue_disc),
        cmocka_unit_test(test_bad_flows_give_a_status),
        cmocka_unit_test(test_frames_fly_as_they_are_told_to),
        cmocka_unit_test(test_frames_fly_by_themselves),
        cmocka_unit_test(test_pcap_and_monitor_have_seen_the_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
