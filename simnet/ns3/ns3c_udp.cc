/* UDP sockets of ns3c.h. SPDX-License-Identifier: MIT */
#include "ns3c_internal.h"

#include <ns3/udp-socket-factory.h>

#include <cinttypes>

using namespace ns3c_own;

namespace {

constexpr size_t UDP_SIZE_MAX = 65507;

void Receive(struct ns3c *ns, ns3c_udp number, ns3::Ptr<ns3::Socket> socket)
{
    const Udp &udp = *ns->sockets[number];
    std::vector<uint8_t> bytes;
    ns3::Address address;

    while (ns3::Ptr<ns3::Packet> packet = socket->RecvFrom(address)) {
        if (udp.receive == nullptr) {
            continue;
        }
        const struct ns3c_address from = FromSocketAddress(address);
        bytes.resize(packet->GetSize());
        packet->CopyData(bytes.data(), uint32_t(bytes.size()));
        udp.receive(udp.ctx, number, &from, bytes.data(), bytes.size());
    }
}

enum ns3c_status CheckSocket(const struct ns3c *ns, ns3c_udp socket)
{
    if (socket < ns->sockets.size()) {
        return NS3C_OK;
    }
    return Fail(NS3C_INVALID, "there is no socket %" PRIu32 ", only %zu", socket,
                ns->sockets.size());
}

} // namespace

enum ns3c_status ns3c_udp_open(struct ns3c *ns, ns3c_node node, enum ns3c_family family,
                               uint16_t port, ns3c_udp_receive receive, void *ctx, ns3c_udp *out)
{
    return Guarded(ns, [&]() {
        struct ns3c_address any = {family, {}, port};
        enum ns3c_status status = CheckNode(ns, node);
        if (status != NS3C_OK || (status = CheckAddress(&any)) != NS3C_OK) {
            return status;
        }
        if (out == nullptr) {
            return Fail(NS3C_INVALID, "nowhere to put the socket's number");
        }
        ns3::Ptr<ns3::Socket> socket =
            ns3::Socket::CreateSocket(ns->nodes[node], ns3::UdpSocketFactory::GetTypeId());
        if (socket->Bind(SocketAddress(any)) != 0) {
            return Fail(NS3C_BUSY, "port %d is taken at node %" PRIu32, port, node);
        }
        const ns3c_udp number = ns3c_udp(ns->sockets.size());
        ns->sockets.emplace_back(new Udp{socket, family, receive, ctx});
        socket->SetRecvCallback(ns3::MakeBoundCallback(&Receive, ns, number));
        *out = number;
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_udp_send(struct ns3c *ns, ns3c_udp socket, const struct ns3c_address *to,
                               const void *data, size_t size)
{
    return Guarded(ns, [&]() {
        enum ns3c_status status = CheckSocket(ns, socket);
        if (status != NS3C_OK || (status = CheckAddress(to)) != NS3C_OK) {
            return status;
        }
        const Udp &udp = *ns->sockets[socket];
        if (size > UDP_SIZE_MAX || to->family != udp.family || to->port == 0) {
            return Fail(NS3C_INVALID,
                        "expected at most 65507 bytes to a port of IPv%d, found %zu to IPv%d port "
                        "%d",
                        int(udp.family), size, int(to->family), to->port);
        }
        ns3::Ptr<ns3::Packet> packet =
            data ? ns3::Create<ns3::Packet>(static_cast<const uint8_t *>(data), uint32_t(size))
                 : ns3::Create<ns3::Packet>(uint32_t(size));
        if (udp.socket->SendTo(packet, 0, SocketAddress(*to)) < 0) {
            return Fail(NS3C_REFUSED, "there is no route to this address (errno %d of ns-3)",
                        int(udp.socket->GetErrno()));
        }
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_udp_port(struct ns3c *ns, ns3c_udp socket, uint16_t *port)
{
    return Guarded(ns, [&]() {
        ns3::Address address;
        enum ns3c_status status = CheckSocket(ns, socket);
        if (status == NS3C_OK && port == nullptr) {
            return Fail(NS3C_INVALID, "nowhere to put the port");
        }
        if (status == NS3C_OK) {
            ns->sockets[socket]->socket->GetSockName(address);
            *port = FromSocketAddress(address).port;
        }
        return status;
    });
}
