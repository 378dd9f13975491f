/* ns-3 for C: nodes, links, UDP sockets, TCP flows and what watches them, under ns-3's virtual
 * time. A library of its own (libns3c.so), with nothing of the rest of the project in it.
 *
 * Use: create, add nodes and links, give addresses, open sockets or flows, run, read, free.
 *
 * ns-3's simulator, its list of nodes and its randomness are one for the whole process. So there is
 * at most one `struct ns3c` at a time, and one thread uses it; a second gets NS3C_BUSY. When it was
 * freed another can be made, and the same calls then give the same history.
 *
 * Everything that can fail returns a status, and ns3c_message() says in one sentence what was
 * wrong; then nothing has changed. No C++ exception leaves the library. ns-3 itself ends the
 * process where it finds something wrong; so names, ranges, and the order of calls are looked at
 * before it sees them. What is left, and cannot be looked at before:
 *   - memory: ns-3 does not survive being without (std::bad_alloc inside of an event);
 *   - a file for pcap or flow monitor that could be opened, but whose disk becomes full;
 *   - a run of more than 2^32 events that wait at once, or 2^63 ns: the counters of ns-3;
 *   - NS_GLOBAL_VALUE and NS_LOG in the environment: ns-3 reads them, and ends the process if they
 *     make no sense.
 *
 * Times are ns of virtual time, rates bits/s, sizes bytes. Names of ns-3's types may be written
 * with or without "ns3::". Nodes, links, sockets and flows are numbers from 0, in order of adding;
 * each is valid until ns3c_free. Callbacks run within ns3c_run, and may call all but ns3c_run and
 * ns3c_free.
 * SPDX-License-Identifier: MIT */
#ifndef NS3C_H
#define NS3C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a caller in C gives may be out of range, which C++ has to be told that it may look at. */
#ifdef __cplusplus
#define NS3C_ENUM(name) enum name : unsigned
#else
#define NS3C_ENUM(name) enum name
#endif

NS3C_ENUM(ns3c_status){
    NS3C_OK,
    NS3C_INVALID,   /* an argument makes no sense: a number that is none, a value out of range */
    NS3C_NOT_FOUND, /* ns-3 has no type of this name, or it is of another kind */
    NS3C_BUSY,      /* there is a simulator already; a port or an address is taken */
    NS3C_STATE,     /* not now: within a callback, or before what it needs was done */
    NS3C_REFUSED,   /* ns-3 did not take it: the queue is full, there is no route */
    NS3C_FILE,      /* the file cannot be written */
    NS3C_FAILED,    /* an exception of C++; the message has its text */
    NS3C_STATUS_COUNT};
const char *ns3c_status_name(enum ns3c_status status);
/* What was wrong with the last call that did not return NS3C_OK; valid until the next call. */
const char *ns3c_message(void);
/* Of the ns-3 it was built with: "3.37". */
const char *ns3c_version(void);

/* ---- the simulator ---- */

#define NS3C_NEVER UINT64_MAX

struct ns3c;

/* All zero: ns-3's own scheduler, seed 1, run 0. */
struct ns3c_config {
    const char
        *scheduler; /* "MapScheduler" (NULL), "PriorityQueueScheduler", "HeapScheduler" ... */
    uint32_t seed;  /* 1..4294944442; 0: 1 */
    uint64_t run;   /* sub-stream of the randomness */
};
/* `config` NULL: all zero. */
enum ns3c_status ns3c_create(const struct ns3c_config *config, struct ns3c **out);
/* Ends everything; NULL is allowed. Within a callback: nothing happens. */
void ns3c_free(struct ns3c *ns);

typedef void (*ns3c_event)(void *ctx);
/* Calls event(ctx) `delay_ns` from now; behind what is due at that moment already. */
enum ns3c_status ns3c_schedule(struct ns3c *ns, uint64_t delay_ns, ns3c_event event, void *ctx,
                               uint64_t *id);
/* The event will not happen. One that has, or was cancelled, is NS3C_INVALID. `id` may be NULL in
 * ns3c_schedule. */
enum ns3c_status ns3c_cancel(struct ns3c *ns, uint64_t id);

enum ns3c_end {
    NS3C_END_UNTIL,   /* all up to and including until_ns has happened, and it is until_ns now */
    NS3C_END_STOPPED, /* by ns3c_stop; what else was due at that moment may be still to come */
    NS3C_END_EMPTY,   /* nothing is left to happen */
};
/* Runs up to and including `until_ns`, or with NS3C_NEVER until nothing is left. `end` may be NULL.
 */
enum ns3c_status ns3c_run(struct ns3c *ns, uint64_t until_ns, enum ns3c_end *end);
/* Makes the run that goes on return behind the event that happens now. */
void ns3c_stop(struct ns3c *ns);
uint64_t ns3c_now(const struct ns3c *ns);
uint64_t ns3c_events(const struct ns3c *ns); /* that happened so far */

/* ---- nodes and links ---- */

typedef uint32_t ns3c_node;
typedef uint32_t ns3c_link;

/* A node with IPv4, IPv6, UDP and TCP, without addresses. */
enum ns3c_status ns3c_node_add(struct ns3c *ns, ns3c_node *out);

NS3C_ENUM(ns3c_unit){NS3C_PACKETS, NS3C_BYTES};

/* All zero but the rate: no delay, a queue of 100 packets, MTU of 1,500 bytes, no traffic control.
 */
struct ns3c_link_config {
    uint64_t rate_bps;    /* > 0; a frame link: 0 is infinite */
    uint64_t delay_ns;    /* < 2^62 */
    uint32_t queue_limit; /* waiting, beside the one on the wire; drop-tail. 0: 100 packets */
    enum ns3c_unit queue_unit;
    uint32_t mtu;                /* 68..65535; 0: 1,500. Not of frame links */
    const char *traffic_control; /* of each device: "FqCoDelQueueDisc", "PfifoFastQueueDisc" ...;
                                    NULL: none, packets go straight to the queue. Not of frame
                                    links */
};

/* A wire between two nodes; each end has a queue. ns-3's frames have 2 bytes of PPP. */
enum ns3c_status ns3c_link_point_to_point(struct ns3c *ns, ns3c_node a, ns3c_node b,
                                          const struct ns3c_link_config *config, ns3c_link *out);
/* One bus for `count` nodes, 2 or more, each at most once. Frames have 18 bytes of Ethernet, and at
 * least 46 of data. */
enum ns3c_status ns3c_link_csma(struct ns3c *ns, const ns3c_node *nodes, size_t count,
                                const struct ns3c_link_config *config, ns3c_link *out);

/* From the next packet on, of both ends. */
enum ns3c_status ns3c_link_set_rate(struct ns3c *ns, ns3c_link link, uint64_t rate_bps);
/* A frame link: of what leaves from now on. Others: of what starts to be sent from now on. */
enum ns3c_status ns3c_link_set_delay(struct ns3c *ns, ns3c_link link, uint64_t delay_ns);
/* Not less than what waits. */
enum ns3c_status ns3c_link_set_queue(struct ns3c *ns, ns3c_link link, uint32_t limit,
                                     enum ns3c_unit unit);

/* ---- losses: what the device of `node` on `link` gets is dropped; not on frame links. One model a
 * device; a new one replaces it. NULL and count 0: none. ---- */

NS3C_ENUM(ns3c_error_unit){NS3C_ERROR_PACKET, NS3C_ERROR_BYTE, NS3C_ERROR_BIT};
/* Each unit is bad with a probability of `rate_ppb` in 10^9. */
enum ns3c_status ns3c_error_rate(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                 enum ns3c_error_unit unit, uint32_t rate_ppb);
/* A burst begins at a packet with this probability, and loses burst_min..burst_max packets. */
enum ns3c_status ns3c_error_burst(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                  uint32_t rate_ppb, uint32_t burst_min, uint32_t burst_max);
/* The packets of these numbers, in order of receipt, from 0. */
enum ns3c_status ns3c_error_list(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                 const uint32_t *packets, size_t count);

/* ---- addresses ---- */

NS3C_ENUM(ns3c_family){NS3C_IPV4 = 4, NS3C_IPV6 = 6};
struct ns3c_address {
    enum ns3c_family family;
    uint8_t bytes[16]; /* in network order; IPv4: the first four */
    uint16_t port;
};
/* "10.0.0.1" or "2001:db8::1" with a port. */
enum ns3c_status ns3c_address_parse(const char *text, uint16_t port, struct ns3c_address *out);
/* At least 46 bytes; always terminated. */
void ns3c_address_print(const struct ns3c_address *address, char *out, size_t size);

/* Gives `node` this address on `link`; `prefix` is the length of the network's part. An IPv6
 * address is usable at once, no duplicates are looked for. */
enum ns3c_status ns3c_address_add(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                  const struct ns3c_address *address, unsigned prefix);
/* Routes over several links: `node` sends everything it has no nearer way for to `gateway`, which
 * is a neighbour on `link`. Nodes forward. */
enum ns3c_status ns3c_route_default(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                    const struct ns3c_address *gateway);

/* ---- UDP ---- */

typedef uint32_t ns3c_udp;
/* `data` is valid until it returns. */
typedef void (*ns3c_udp_receive)(void *ctx, ns3c_udp socket, const struct ns3c_address *from,
                                 const uint8_t *data, size_t size);
/* Bound to `port` (0: any that is free) on all addresses of the node. `receive` may be NULL. */
enum ns3c_status ns3c_udp_open(struct ns3c *ns, ns3c_node node, enum ns3c_family family,
                               uint16_t port, ns3c_udp_receive receive, void *ctx, ns3c_udp *out);
/* Sends now; at most 65,507 bytes. `data` NULL: `size` zero bytes, which ns-3 does not store. OK
 * says that the node took it: a queue behind may still drop it. */
enum ns3c_status ns3c_udp_send(struct ns3c *ns, ns3c_udp socket, const struct ns3c_address *to,
                               const void *data, size_t size);
enum ns3c_status ns3c_udp_port(struct ns3c *ns, ns3c_udp socket, uint16_t *port);

/* ---- TCP flows: bytes as fast as congestion control lets them, one way ---- */

typedef uint32_t ns3c_flow;

/* All zero: NewReno, without end, segments of 1,448 bytes, buffers of 128 KiB, from now on. */
struct ns3c_tcp_config {
    const char *congestion_control; /* "cubic", "bbr", "newreno", or a type of ns-3: "TcpVegas" */
    uint64_t bytes;                 /* to send; 0: without end */
    uint32_t segment_bytes;         /* 1..65000; 0: 1,448 */
    uint32_t buffer_bytes;          /* of sender and receiver: bounds the window; 0: 131,072 */
    uint32_t initial_window;        /* segments; 0: 10 */
    uint64_t start_ns;              /* from now */
};
/* A flow from `from` to `to`, which has `address`; its port must be free there. `address` must be
 * reachable when the flow starts. */
enum ns3c_status ns3c_tcp_flow(struct ns3c *ns, ns3c_node from, ns3c_node to,
                               const struct ns3c_address *address,
                               const struct ns3c_tcp_config *config, ns3c_flow *out);

struct ns3c_tcp_stats {
    uint64_t bytes_sent;        /* taken by the sender's socket */
    uint64_t bytes_received;    /* in order, read by the receiver */
    bool connected, completed;  /* completed: all `bytes` were received */
    uint64_t first_ns, last_ns; /* first and last receipt; NS3C_NEVER: none */
    uint64_t window_bytes;      /* congestion window */
    uint64_t retransmissions;   /* segments sent again */
    uint64_t rtt_ns;            /* as last measured; 0: not yet */
};
/* At any time, also between two runs: for bytes over time, run in steps and read after each. */
enum ns3c_status ns3c_tcp_stats(struct ns3c *ns, ns3c_flow flow, struct ns3c_tcp_stats *out);

/* A flow with everything it needs: two new nodes, a point-to-point link, addresses. */
struct ns3c_tcp_path_config {
    struct ns3c_link_config link;  /* queue_limit 0: the bandwidth-delay product, at least 100
                                      packets */
    struct ns3c_tcp_config tcp;    /* buffer_bytes 0: so that they never bound the window: twice the
                                      bandwidth-delay product and the queue, at most 1 GiB */
    uint32_t loss_ppb;             /* of packets from sender to receiver, independent */
    uint32_t burst_min, burst_max; /* > 0: losses come in bursts of so many, begun with loss_ppb */
};
struct ns3c_tcp_path {
    ns3c_node from, to;
    ns3c_link link;
    ns3c_flow flow;
    struct ns3c_address address; /* of `to`; more flows to other ports of it may be added */
};
enum ns3c_status ns3c_tcp_path(struct ns3c *ns, const struct ns3c_tcp_path_config *config,
                               struct ns3c_tcp_path *out);

/* ---- frame links: a queue, a wire and a channel in one direction, without any protocol above.
 * For whoever has a protocol of his own, or wants to say himself what befalls a frame. Frames have
 * sizes and numbers, no bytes, and nothing is added to them. ----
 *
 *   ns3c_frame_send -> queue -> wire -> `left` -> ns3c_frame_fly -> channel -> `arrived`
 *
 * Without `left` each frame flies by itself when it has left the wire. With it none does: whoever
 * does not call ns3c_frame_fly has lost it, whoever calls it more than once has made copies. */
struct ns3c_frame_calls {
    void (*left)(void *ctx, ns3c_link link, uint64_t number); /* may be NULL */
    void (*arrived)(void *ctx, ns3c_link link, uint64_t number);
    void *ctx;
};
enum ns3c_status ns3c_link_frames(struct ns3c *ns, const struct ns3c_link_config *config,
                                  const struct ns3c_frame_calls *calls, ns3c_link *out);
/* 0..65,535 bytes. NS3C_REFUSED: the queue is full. */
enum ns3c_status ns3c_frame_send(struct ns3c *ns, ns3c_link link, uint32_t size, uint64_t number);
/* Puts a frame on the channel; NS3C_NEVER: with the delay of the link, else with this. */
enum ns3c_status ns3c_frame_fly(struct ns3c *ns, ns3c_link link, uint32_t size, uint64_t number,
                                uint64_t delay_ns);

/* ---- watching ---- */

/* What the device of `node` on `link` sends and gets, as pcap; not of frame links. */
enum ns3c_status ns3c_pcap(struct ns3c *ns, ns3c_link link, ns3c_node node, const char *path);

/* ns-3's flow monitor, on all nodes there are; once, after addresses were given. It looks for lost
 * packets each second, for ever: runs need an end. */
enum ns3c_status ns3c_monitor(struct ns3c *ns);
struct ns3c_monitor_flow {
    struct ns3c_address from, to;
    uint8_t protocol;            /* 6 TCP, 17 UDP */
    uint64_t tx_bytes, rx_bytes; /* with IP headers */
    uint32_t tx_packets, rx_packets, lost_packets;
    uint64_t delay_sum_ns, jitter_sum_ns;
    uint64_t first_tx_ns, last_rx_ns; /* NS3C_NEVER: none */
};
/* 0: without a monitor too. */
size_t ns3c_monitor_count(struct ns3c *ns);
/* In order of their first packet, IPv4 before IPv6. */
enum ns3c_status ns3c_monitor_flow(struct ns3c *ns, size_t index, struct ns3c_monitor_flow *out);
/* The monitor's own XML. */
enum ns3c_status ns3c_monitor_save(struct ns3c *ns, const char *path);

#ifdef __cplusplus
}
#endif
#endif
