/* Frame links of ns3c.h: ns-3's SimpleNetDevice has queue and wire and adds no byte, its
 * SimpleChannel the delay. Between the two stands who made the link. A frame is a packet of ns-3
 * without bytes, tagged with its number. SPDX-License-Identifier: MIT */
#include "ns3c_frames.h"

#include <ns3/data-rate.h>
#include <ns3/drop-tail-queue.h>
#include <ns3/queue-size.h>
#include <ns3/simulator.h>
#include <ns3/tag.h>

#include <cinttypes>

namespace ns3c_own {

namespace {

constexpr uint16_t FRAME_PROTOCOL = 0x88b5; // for experiments (IEEE 802)
constexpr uint32_t FRAME_SIZE_MAX = 65535;

class NumberTag : public ns3::Tag {
  public:
    static ns3::TypeId GetTypeId()
    {
        static ns3::TypeId type = ns3::TypeId("ns3c::NumberTag")
                                      .SetParent<ns3::Tag>()
                                      .SetGroupName("ns3c")
                                      .AddConstructor<NumberTag>();
        return type;
    }
    ns3::TypeId GetInstanceTypeId() const override
    {
        return GetTypeId();
    }
    uint32_t GetSerializedSize() const override
    {
        return sizeof m_number;
    }
    void Serialize(ns3::TagBuffer at) const override
    {
        at.WriteU64(m_number);
    }
    void Deserialize(ns3::TagBuffer at) override
    {
        m_number = at.ReadU64();
    }
    void Print(std::ostream &out) const override
    {
        out << m_number;
    }

    uint64_t m_number = 0;
};

ns3::Ptr<ns3::Packet> MakeFrame(uint32_t size, uint64_t number)
{
    ns3::Ptr<ns3::Packet> packet = ns3::Create<ns3::Packet>(size);
    NumberTag tag;

    tag.m_number = number;
    packet->AddPacketTag(tag);
    return packet;
}

uint64_t NumberOf(ns3::Ptr<const ns3::Packet> packet)
{
    NumberTag tag;

    packet->PeekPacketTag(tag);
    return tag.m_number;
}

ns3::Ptr<ns3::SimpleNetDevice> MakeEnd(ns3::Ptr<FrameChannel> channel)
{
    ns3::Ptr<ns3::SimpleNetDevice> device = ns3::CreateObject<ns3::SimpleNetDevice>();

    device->SetAddress(ns3::Mac48Address::Allocate());
    device->SetMtu(FRAME_SIZE_MAX);
    device->SetChannel(channel);
    ns3::CreateObject<ns3::Node>()->AddDevice(device);
    return device;
}

} // namespace

void FrameChannel::Send(ns3::Ptr<ns3::Packet> packet, uint16_t protocol, ns3::Mac48Address to,
                        ns3::Mac48Address from, ns3::Ptr<ns3::SimpleNetDevice> sender)
{
    if (m_link->Left(packet)) {
        SimpleChannel::Send(packet, protocol, to, from, sender);
    }
}

FrameLink::FrameLink(const struct ns3c_link_config &config, const struct ns3c_frame_calls &calls,
                     ns3c_link number)
    : m_channel(ns3::CreateObject<FrameChannel>()), m_from(MakeEnd(m_channel)),
      m_to(MakeEnd(m_channel)), m_calls(calls), m_number(number)
{
    const uint32_t limit = config.queue_limit ? config.queue_limit : QUEUE_DEFAULT_PACKETS;
    const bool bytes = config.queue_limit && config.queue_unit == NS3C_BYTES;
    auto queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();

    queue->SetMaxSize(ns3::QueueSize(bytes ? ns3::BYTES : ns3::PACKETS, limit));
    m_from->SetQueue(queue);
    m_from->SetAttributeFailSafe("DataRate", ns3::DataRateValue(ns3::DataRate(config.rate_bps)));
    m_channel->SetAttributeFailSafe("Delay", ns3::TimeValue(Ns(config.delay_ns)));
    m_channel->m_link = this;
    m_to->SetReceiveCallback(ns3::MakeCallback(&FrameLink::Arrived, this));
}

bool FrameLink::Send(uint32_t size, uint64_t number)
{
    return m_from->Send(MakeFrame(size, number), m_to->GetAddress(), FRAME_PROTOCOL);
}

bool FrameLink::Left(ns3::Ptr<const ns3::Packet> packet)
{
    if (m_calls.left == nullptr) {
        return true;
    }
    m_calls.left(m_calls.ctx, m_number, NumberOf(packet));
    return false;
}

void FrameLink::Fly(uint32_t size, uint64_t number, uint64_t delayNs)
{
    const ns3::Mac48Address from = ns3::Mac48Address::ConvertFrom(m_from->GetAddress());
    const ns3::Mac48Address to = ns3::Mac48Address::ConvertFrom(m_to->GetAddress());
    ns3::Ptr<ns3::Packet> frame = MakeFrame(size, number);

    if (delayNs == NS3C_NEVER) {
        m_channel->SimpleChannel::Send(frame, FRAME_PROTOCOL, to, from, m_from);
    } else {
        ns3::Simulator::ScheduleWithContext(m_to->GetNode()->GetId(), Ns(delayNs),
                                            &ns3::SimpleNetDevice::Receive, m_to, frame,
                                            FRAME_PROTOCOL, to, from);
    }
}

bool FrameLink::Arrived(ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet, uint16_t,
                        const ns3::Address &)
{
    m_calls.arrived(m_calls.ctx, m_number, NumberOf(packet));
    return true;
}

} // namespace ns3c_own

using namespace ns3c_own;

namespace {

enum ns3c_status FindFrames(struct ns3c *ns, ns3c_link link, uint32_t size, FrameLink **out)
{
    if (link >= ns->links.size() || ns->links[link].kind != LinkKind::Frames) {
        return Fail(NS3C_INVALID, "link %" PRIu32 " is no frame link", link);
    }
    if (size > FRAME_SIZE_MAX) {
        return Fail(NS3C_INVALID, "a frame has at most 65535 bytes, found %" PRIu32, size);
    }
    *out = ns->links[link].frames.get();
    return NS3C_OK;
}

} // namespace

enum ns3c_status ns3c_link_frames(struct ns3c *ns, const struct ns3c_link_config *config,
                                  const struct ns3c_frame_calls *calls, ns3c_link *out)
{
    return Guarded(ns, [&]() {
        if (config == nullptr || out == nullptr || calls == nullptr || calls->arrived == nullptr) {
            return Fail(NS3C_INVALID, "a frame link without configuration, without `arrived`, or "
                                      "nowhere to put its number");
        }
        if (config->delay_ns >= TIME_MAX_NS || unsigned(config->queue_unit) > NS3C_BYTES) {
            return Fail(NS3C_INVALID, "a delay of %" PRIu64 " ns, queue_unit %d", config->delay_ns,
                        int(config->queue_unit));
        }
        if (config->mtu != 0 || config->traffic_control != nullptr) {
            return Fail(NS3C_INVALID, "a frame link has no MTU and no traffic control");
        }
        const ns3c_link number = ns3c_link(ns->links.size());
        Link link = {};
        link.kind = LinkKind::Frames;
        link.frames = std::make_shared<FrameLink>(*config, *calls, number);
        link.devices = {link.frames->m_from, link.frames->m_to};
        link.queues = {link.frames->m_from->GetQueue()};
        link.channel = link.frames->m_channel;
        ns->links.push_back(std::move(link));
        *out = number;
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_frame_send(struct ns3c *ns, ns3c_link link, uint32_t size, uint64_t number)
{
    return Guarded(ns, [&]() {
        FrameLink *frames = nullptr;
        enum ns3c_status status = FindFrames(ns, link, size, &frames);
        if (status == NS3C_OK && !frames->Send(size, number)) {
            return Fail(NS3C_REFUSED, "the queue is full");
        }
        return status;
    });
}

enum ns3c_status ns3c_frame_fly(struct ns3c *ns, ns3c_link link, uint32_t size, uint64_t number,
                                uint64_t delay_ns)
{
    return Guarded(ns, [&]() {
        FrameLink *frames = nullptr;
        enum ns3c_status status = FindFrames(ns, link, size, &frames);
        if (status == NS3C_OK && delay_ns != NS3C_NEVER && delay_ns >= TIME_MAX_NS) {
            return Fail(NS3C_INVALID, "delay: %" PRIu64 " ns is too long", delay_ns);
        }
        if (status == NS3C_OK) {
            frames->Fly(size, number, delay_ns);
        }
        return status;
    });
}
