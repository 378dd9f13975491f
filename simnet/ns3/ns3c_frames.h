/* Frame links: see ns3c_frames.cc. SPDX-License-Identifier: MIT */
#ifndef NS3C_FRAMES_H
#define NS3C_FRAMES_H

#include "ns3c_internal.h"

#include <ns3/simple-channel.h>
#include <ns3/simple-net-device.h>

namespace ns3c_own {

// The channel asks what becomes of a frame before it carries it.
class FrameChannel : public ns3::SimpleChannel {
  public:
    void Send(ns3::Ptr<ns3::Packet> packet, uint16_t protocol, ns3::Mac48Address to,
              ns3::Mac48Address from, ns3::Ptr<ns3::SimpleNetDevice> sender) override;

    FrameLink *m_link = nullptr;
};

class FrameLink {
  public:
    FrameLink(const struct ns3c_link_config &config, const struct ns3c_frame_calls &calls,
              ns3c_link number);

    bool Send(uint32_t size, uint64_t number);
    void Fly(uint32_t size, uint64_t number, uint64_t delayNs);
    bool Left(ns3::Ptr<const ns3::Packet> packet);

    ns3::Ptr<FrameChannel> m_channel;
    ns3::Ptr<ns3::SimpleNetDevice> m_from, m_to;

  private:
    bool Arrived(ns3::Ptr<ns3::NetDevice> device, ns3::Ptr<const ns3::Packet> packet,
                 uint16_t protocol, const ns3::Address &from);

    struct ns3c_frame_calls m_calls;
    ns3c_link m_number;
};

} // namespace ns3c_own

#endif
