/* TCP flows: see ns3c_flow.cc. SPDX-License-Identifier: MIT */
#ifndef NS3C_FLOW_H
#define NS3C_FLOW_H

#include "ns3c_internal.h"

#include <ns3/tcp-header.h>
#include <ns3/tcp-socket-base.h>

namespace ns3c_own {

class Flow {
  public:
    Flow(ns3::Ptr<ns3::Socket> sender, ns3::Ptr<ns3::Socket> listener, const ns3::Address &peer,
         const struct ns3c_tcp_config &config);

    void Start();

    struct ns3c_tcp_stats m_stats = {};

  private:
    void Connected(ns3::Ptr<ns3::Socket> socket);
    void CanSend(ns3::Ptr<ns3::Socket> socket, uint32_t available);
    void Accepted(ns3::Ptr<ns3::Socket> socket, const ns3::Address &from);
    void Received(ns3::Ptr<ns3::Socket> socket);
    void Sent(ns3::Ptr<const ns3::Packet> packet, const ns3::TcpHeader &header,
              ns3::Ptr<const ns3::TcpSocketBase> socket);
    void WindowChanged(uint32_t before, uint32_t now);
    void RttChanged(ns3::Time before, ns3::Time now);

    ns3::Ptr<ns3::Socket> m_sender, m_listener, m_receiver;
    ns3::Address m_peer;
    uint64_t m_bytes;
    uint32_t m_segment;
    ns3::SequenceNumber32 m_highest{0}; // the byte behind the last that was sent
};

} // namespace ns3c_own

#endif
