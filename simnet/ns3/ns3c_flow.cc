/* TCP flows of ns3c.h. The sender's socket is kept full; the receiver reads at once whatever comes.
 * What is counted comes from ns-3's own trace sources. SPDX-License-Identifier: MIT */
#include "ns3c_flow.h"

#include <ns3/inet-socket-address.h>
#include <ns3/inet6-socket-address.h>
#include <ns3/simulator.h>
#include <ns3/tcp-congestion-ops.h>
#include <ns3/tcp-l4-protocol.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <cinttypes>
#include <cstring>

namespace ns3c_own {

namespace {

constexpr uint32_t SEGMENT_DEFAULT = 1448;
constexpr uint32_t SEGMENT_MAX = 65000;
constexpr uint32_t BUFFER_DEFAULT = 131072;
constexpr uint32_t BUFFER_MAX = uint32_t(1) << 30; // more no window scale can tell
constexpr uint32_t WINDOW_DEFAULT = 10;
constexpr uint32_t PATHS_MAX = uint32_t(1) << 22;
constexpr uint16_t PATH_PORT = 5000;
constexpr uint32_t HEADER_BYTES = 54; // TCP with timestamps, IPv4, PPP

uint64_t NowNs()
{
    return uint64_t(ns3::Simulator::Now().GetNanoSeconds());
}

} // namespace

Flow::Flow(ns3::Ptr<ns3::Socket> sender, ns3::Ptr<ns3::Socket> listener, const ns3::Address &peer,
           const struct ns3c_tcp_config &config)
    : m_sender(sender), m_listener(listener), m_peer(peer), m_bytes(config.bytes),
      m_segment(config.segment_bytes ? config.segment_bytes : SEGMENT_DEFAULT)
{
    m_stats.first_ns = m_stats.last_ns = NS3C_NEVER;
    m_sender->SetConnectCallback(ns3::MakeCallback(&Flow::Connected, this),
                                 ns3::MakeNullCallback<void, ns3::Ptr<ns3::Socket>>());
    m_sender->SetSendCallback(ns3::MakeCallback(&Flow::CanSend, this));
    m_sender->TraceConnectWithoutContext("Tx", ns3::MakeCallback(&Flow::Sent, this));
    m_sender->TraceConnectWithoutContext("CongestionWindow",
                                         ns3::MakeCallback(&Flow::WindowChanged, this));
    m_sender->TraceConnectWithoutContext("RTT", ns3::MakeCallback(&Flow::RttChanged, this));
    m_listener->SetAcceptCallback(
        ns3::MakeNullCallback<bool, ns3::Ptr<ns3::Socket>, const ns3::Address &>(),
        ns3::MakeCallback(&Flow::Accepted, this));
}

void Flow::Start()
{
    m_sender->Connect(m_peer);
}

void Flow::Connected(ns3::Ptr<ns3::Socket> socket)
{
    m_stats.connected = true;
    CanSend(socket, socket->GetTxAvailable());
}

// Whole segments, so that ns-3 need not cut them.
void Flow::CanSend(ns3::Ptr<ns3::Socket> socket, uint32_t)
{
    while (m_stats.connected && (m_bytes == 0 || m_stats.bytes_sent < m_bytes)) {
        uint64_t size = m_segment;
        if (m_bytes != 0) {
            size = std::min(size, m_bytes - m_stats.bytes_sent);
        }
        if (socket->GetTxAvailable() < size) {
            return;
        }
        const int sent = socket->Send(ns3::Create<ns3::Packet>(uint32_t(size)));
        if (sent <= 0) {
            return;
        }
        m_stats.bytes_sent += uint64_t(sent);
        if (m_bytes != 0 && m_stats.bytes_sent == m_bytes) {
            socket->Close();
        }
    }
}

void Flow::Accepted(ns3::Ptr<ns3::Socket> socket, const ns3::Address &)
{
    m_receiver = socket;
    m_receiver->SetRecvCallback(ns3::MakeCallback(&Flow::Received, this));
}

void Flow::Received(ns3::Ptr<ns3::Socket> socket)
{
    while (ns3::Ptr<ns3::Packet> packet = socket->Recv()) {
        if (packet->GetSize() == 0) {
            return; // the end of the stream
        }
        m_stats.bytes_received += packet->GetSize();
        m_stats.last_ns = NowNs();
        if (m_stats.first_ns == NS3C_NEVER) {
            m_stats.first_ns = m_stats.last_ns;
        }
        m_stats.completed = m_bytes != 0 && m_stats.bytes_received >= m_bytes;
    }
}

void Flow::Sent(ns3::Ptr<const ns3::Packet> packet, const ns3::TcpHeader &header,
                ns3::Ptr<const ns3::TcpSocketBase>)
{
    const ns3::SequenceNumber32 end = header.GetSequenceNumber() + packet->GetSize();

    if (packet->GetSize() == 0) {
        return;
    }
    if (header.GetSequenceNumber() < m_highest) {
        m_stats.retransmissions++;
    }
    m_highest = std::max(m_highest, end);
}

void Flow::WindowChanged(uint32_t, uint32_t now)
{
    m_stats.window_bytes = now;
}

void Flow::RttChanged(ns3::Time, ns3::Time now)
{
    m_stats.rtt_ns = uint64_t(now.GetNanoSeconds());
}

} // namespace ns3c_own

using namespace ns3c_own;

namespace {

// "cubic" and such, or a type of ns-3. TcpCubic is named here by its type too: ns-3 3.37 has it as
// a child of TcpSocketBase by mistake.
enum ns3c_status FindControl(const char *name, ns3::TypeId *out)
{
    static const struct {
        const char *name, *type;
    } known[] = {{"newreno", "ns3::TcpNewReno"},
                 {"cubic", "ns3::TcpCubic"},
                 {"bbr", "ns3::TcpBbr"},
                 {"TcpCubic", "ns3::TcpCubic"},
                 {"ns3::TcpCubic", "ns3::TcpCubic"}};

    name = name ? name : "newreno";
    for (const auto &it : known) {
        if (std::strcmp(name, it.name) == 0 && ns3::TypeId::LookupByNameFailSafe(it.type, out)) {
            return NS3C_OK;
        }
    }
    return FindType(name, ns3::TcpCongestionOps::GetTypeId(), "congestion control", out);
}

enum ns3c_status CheckTcp(const struct ns3c *ns, const struct ns3c_tcp_config &config)
{
    if (config.segment_bytes > SEGMENT_MAX) {
        return Fail(NS3C_INVALID, "segment_bytes: expected 1 to %" PRIu32 ", found %" PRIu32,
                    SEGMENT_MAX, config.segment_bytes);
    }
    if (config.buffer_bytes > BUFFER_MAX) {
        return Fail(NS3C_INVALID, "buffer_bytes: expected at most 2^30, found %" PRIu32,
                    config.buffer_bytes);
    }
    if (config.initial_window > 65535) {
        return Fail(NS3C_INVALID, "initial_window: expected at most 65535 segments, found %" PRIu32,
                    config.initial_window);
    }
    if (config.start_ns >= TIME_MAX_NS || ns3c_now(ns) + config.start_ns >= TIME_MAX_NS) {
        return Fail(NS3C_INVALID, "start_ns: %" PRIu64 " ns from now is too far away",
                    config.start_ns);
    }
    return NS3C_OK;
}

ns3::Ptr<ns3::Socket> MakeSocket(ns3::Ptr<ns3::Node> node, ns3::TypeId control,
                                 const struct ns3c_tcp_config &config)
{
    auto socket = node->GetObject<ns3::TcpL4Protocol>()->CreateSocket(control);
    const auto set = [&](const char *name, uint32_t value, uint32_t otherwise) {
        socket->SetAttributeFailSafe(name, ns3::UintegerValue(value ? value : otherwise));
    };

    set("SegmentSize", config.segment_bytes, SEGMENT_DEFAULT);
    set("SndBufSize", config.buffer_bytes, BUFFER_DEFAULT);
    set("RcvBufSize", config.buffer_bytes, BUFFER_DEFAULT);
    set("InitialCwnd", config.initial_window, WINDOW_DEFAULT);
    return socket;
}

bool HasAddress(const struct ns3c *ns, ns3c_node node, const struct ns3c_address &address)
{
    for (const Given &given : ns->addresses) {
        if (given.node == node && given.Is(address)) {
            return true;
        }
    }
    return false;
}

enum ns3c_status AddFlow(struct ns3c *ns, ns3c_node from, ns3c_node to,
                         const struct ns3c_address &address, const struct ns3c_tcp_config &config,
                         ns3c_flow *out)
{
    ns3::TypeId control;
    enum ns3c_status status = FindControl(config.congestion_control, &control);

    if (status != NS3C_OK || (status = CheckTcp(ns, config)) != NS3C_OK) {
        return status;
    }
    if (address.port == 0) {
        return Fail(NS3C_INVALID, "address: expected a port other than 0");
    }
    if (!HasAddress(ns, to, address)) {
        return Fail(NS3C_INVALID, "node %" PRIu32 " does not have this address", to);
    }
    ns3::Ptr<ns3::Socket> listener = MakeSocket(ns->nodes[to], control, config);
    if (listener->Bind(SocketAddress(address)) != 0 || listener->Listen() != 0) {
        return Fail(NS3C_BUSY, "port %d is taken at node %" PRIu32, address.port, to);
    }
    ns3::Ptr<ns3::Socket> sender = MakeSocket(ns->nodes[from], control, config);
    const int bound = address.family == NS3C_IPV6 ? sender->Bind6() : sender->Bind();
    if (bound != 0) {
        return Fail(NS3C_BUSY, "node %" PRIu32 " has no port left", from);
    }
    ns->flows.emplace_back(new Flow(sender, listener, SocketAddress(address), config));
    ns3::Simulator::ScheduleWithContext(ns->nodes[from]->GetId(), Ns(config.start_ns), &Flow::Start,
                                        ns->flows.back().get());
    *out = ns3c_flow(ns->flows.size() - 1);
    return NS3C_OK;
}

} // namespace

enum ns3c_status ns3c_tcp_flow(struct ns3c *ns, ns3c_node from, ns3c_node to,
                               const struct ns3c_address *address,
                               const struct ns3c_tcp_config *config, ns3c_flow *out)
{
    return Guarded(ns, [&]() {
        enum ns3c_status status = CheckAddress(address);
        if (status != NS3C_OK || (status = CheckNode(ns, from)) != NS3C_OK ||
            (status = CheckNode(ns, to)) != NS3C_OK) {
            return status;
        }
        if (config == nullptr || out == nullptr || from == to) {
            return Fail(NS3C_INVALID, "a flow needs two nodes, a configuration and somewhere to "
                                      "put its number");
        }
        return AddFlow(ns, from, to, *address, *config, out);
    });
}

enum ns3c_status ns3c_tcp_stats(struct ns3c *ns, ns3c_flow flow, struct ns3c_tcp_stats *out)
{
    return Guarded(ns, [&]() {
        if (flow >= ns->flows.size() || out == nullptr) {
            return Fail(NS3C_INVALID, "there is no flow %" PRIu32 ", only %zu", flow,
                        ns->flows.size());
        }
        *out = ns->flows[flow]->m_stats;
        return NS3C_OK;
    });
}

/* ---- a flow with everything it needs ---- */

namespace {

// Queue and buffers that do not bound the flow, where nothing was said.
void FillPath(struct ns3c_tcp_path_config *config)
{
    const uint32_t segment =
        config->tcp.segment_bytes ? config->tcp.segment_bytes : SEGMENT_DEFAULT;
    const uint32_t packet = segment + HEADER_BYTES;
    struct ns3c_link_config *link = &config->link;
    const double product = double(link->rate_bps) / 8 * 2 * double(link->delay_ns) / 1e9;

    if (link->mtu == 0) {
        link->mtu = std::min(packet + 10, uint32_t(65535)); // options of TCP
    }
    if (link->queue_limit == 0) {
        link->queue_unit = NS3C_PACKETS;
        link->queue_limit = uint32_t(std::min(std::max(product / packet, 100.0), 1e9));
    }
    if (config->tcp.buffer_bytes == 0) {
        const double queue =
            double(link->queue_limit) * (link->queue_unit == NS3C_PACKETS ? packet : 1);
        config->tcp.buffer_bytes = uint32_t(
            std::max(std::min(2 * (product + queue), double(BUFFER_MAX)), double(BUFFER_DEFAULT)));
    }
}

enum ns3c_status CheckPath(struct ns3c *ns, const struct ns3c_tcp_path_config &config)
{
    ns3::TypeId control;
    enum ns3c_status status = FindControl(config.tcp.congestion_control, &control);

    if (status != NS3C_OK || (status = CheckTcp(ns, config.tcp)) != NS3C_OK) {
        return status;
    }
    if (config.loss_ppb > 1000000000) {
        return Fail(NS3C_INVALID, "loss_ppb: expected at most 1000000000, found %" PRIu32,
                    config.loss_ppb);
    }
    if (config.burst_max < config.burst_min || (config.burst_max > 0 && config.burst_min == 0)) {
        return Fail(NS3C_INVALID, "a burst of %" PRIu32 " to %" PRIu32 " packets", config.burst_min,
                    config.burst_max);
    }
    if (ns->paths == PATHS_MAX) {
        return Fail(NS3C_BUSY, "no addresses are left for a path");
    }
    return NS3C_OK;
}

struct ns3c_address PathAddress(uint32_t path, uint32_t end)
{
    const uint32_t number = (uint32_t(10) << 24) + path * 4 + 1 + end;
    struct ns3c_address address = {};

    address.family = NS3C_IPV4;
    address.port = PATH_PORT;
    for (int i = 0; i < 4; i++) {
        address.bytes[i] = uint8_t(number >> (24 - 8 * i));
    }
    return address;
}

enum ns3c_status AddPath(struct ns3c *ns, const struct ns3c_tcp_path_config &config,
                         struct ns3c_tcp_path *out)
{
    enum ns3c_status status = ns3c_node_add(ns, &out->from);
    const uint32_t path = ns->paths++;
    const struct ns3c_address near = PathAddress(path, 0);

    out->address = PathAddress(path, 1);
    if (status == NS3C_OK) {
        status = ns3c_node_add(ns, &out->to);
    }
    if (status == NS3C_OK) {
        status = ns3c_link_point_to_point(ns, out->from, out->to, &config.link, &out->link);
    }
    if (status == NS3C_OK) {
        status = ns3c_address_add(ns, out->link, out->from, &near, 30);
    }
    if (status == NS3C_OK) {
        status = ns3c_address_add(ns, out->link, out->to, &out->address, 30);
    }
    if (status == NS3C_OK && config.loss_ppb > 0) {
        status = config.burst_max > 0
                     ? ns3c_error_burst(ns, out->link, out->to, config.loss_ppb, config.burst_min,
                                        config.burst_max)
                     : ns3c_error_rate(ns, out->link, out->to, NS3C_ERROR_PACKET, config.loss_ppb);
    }
    return status == NS3C_OK ? AddFlow(ns, out->from, out->to, out->address, config.tcp, &out->flow)
                             : status;
}

} // namespace

enum ns3c_status ns3c_tcp_path(struct ns3c *ns, const struct ns3c_tcp_path_config *config,
                               struct ns3c_tcp_path *out)
{
    return Guarded(ns, [&]() {
        if (config == nullptr || out == nullptr) {
            return Fail(NS3C_INVALID, "a path without configuration, or nowhere to put it");
        }
        struct ns3c_tcp_path_config filled = *config;
        FillPath(&filled);
        enum ns3c_status status = CheckPath(ns, filled);
        return status == NS3C_OK ? AddPath(ns, filled, out) : status;
    });
}
