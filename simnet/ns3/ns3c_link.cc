/* Nodes, links of ns-3's own devices, addresses, routes and losses of ns3c.h.
 * SPDX-License-Identifier: MIT */
#include "ns3c_frames.h"
#include "ns3c_internal.h"

#include <ns3/boolean.h>
#include <ns3/csma-channel.h>
#include <ns3/csma-helper.h>
#include <ns3/csma-net-device.h>
#include <ns3/data-rate.h>
#include <ns3/error-model.h>
#include <ns3/icmpv6-l4-protocol.h>
#include <ns3/ipv4-static-routing-helper.h>
#include <ns3/ipv4.h>
#include <ns3/ipv6-static-routing-helper.h>
#include <ns3/ipv6.h>
#include <ns3/point-to-point-channel.h>
#include <ns3/point-to-point-helper.h>
#include <ns3/point-to-point-net-device.h>
#include <ns3/pointer.h>
#include <ns3/queue-size.h>
#include <ns3/random-variable-stream.h>
#include <ns3/red-queue-disc.h>
#include <ns3/cobalt-queue-disc.h>
#include <ns3/pie-queue-disc.h>
#include <ns3/traffic-control-helper.h>

#include <cinttypes>
#include <cstring>
#include <list>

using namespace ns3c_own;

namespace {

constexpr uint32_t MTU_DEFAULT = 1500;
constexpr uint32_t PPB = 1000000000;

// Those that stand alone, and whose randomness can be given a stream of its own.
const char *const QUEUE_DISCS[] = {"FifoQueueDisc",  "PfifoFastQueueDisc", "RedQueueDisc",
                                   "CoDelQueueDisc", "FqCoDelQueueDisc",   "PieQueueDisc",
                                   "CobaltQueueDisc"};

ns3::QueueSize Limit(uint32_t limit, enum ns3c_unit unit)
{
    return limit == 0 ? ns3::QueueSize(ns3::PACKETS, QUEUE_DEFAULT_PACKETS)
                      : ns3::QueueSize(unit == NS3C_BYTES ? ns3::BYTES : ns3::PACKETS, limit);
}

enum ns3c_status CheckDisc(const char *name)
{
    const char *bare = std::strncmp(name, "ns3::", 5) == 0 ? name + 5 : name;

    for (const char *disc : QUEUE_DISCS) {
        if (std::strcmp(bare, disc) == 0) {
            return NS3C_OK;
        }
    }
    return Fail(
        NS3C_NOT_FOUND,
        "traffic_control: expected FifoQueueDisc, PfifoFastQueueDisc, RedQueueDisc, "
        "CoDelQueueDisc, FqCoDelQueueDisc, PieQueueDisc or CobaltQueueDisc, found \"%.60s\"",
        name);
}

enum ns3c_status CheckLink(const struct ns3c_link_config *config, const void *out)
{
    if (config == nullptr || out == nullptr) {
        return Fail(NS3C_INVALID, "a link without configuration, or nowhere to put its number");
    }
    if (config->rate_bps == 0) {
        return Fail(NS3C_INVALID, "rate_bps: expected more than 0");
    }
    if (config->delay_ns >= TIME_MAX_NS) {
        return Fail(NS3C_INVALID, "delay_ns: expected less than 2^62, found %" PRIu64,
                    config->delay_ns);
    }
    if (config->mtu != 0 && (config->mtu < 68 || config->mtu > 65535)) {
        return Fail(NS3C_INVALID, "mtu: expected 68 to 65535, found %" PRIu32, config->mtu);
    }
    if (unsigned(config->queue_unit) > NS3C_BYTES) {
        return Fail(NS3C_INVALID, "queue_unit: %d is none", int(config->queue_unit));
    }
    return config->traffic_control ? CheckDisc(config->traffic_control) : NS3C_OK;
}

template <class Disc> bool GiveStream(ns3::Ptr<ns3::QueueDisc> disc, int64_t stream)
{
    ns3::Ptr<Disc> it = ns3::DynamicCast<Disc>(disc);

    if (it != nullptr) {
        it->AssignStreams(stream);
    }
    return it != nullptr;
}

void InstallDisc(struct ns3c *ns, const char *name, const ns3::NetDeviceContainer &devices)
{
    const std::string given = name;
    ns3::TrafficControlHelper helper;

    helper.SetRootQueueDisc(given.compare(0, 5, "ns3::") == 0 ? given : "ns3::" + given);
    ns3::QueueDiscContainer discs = helper.Install(devices);
    for (uint32_t i = 0; i < discs.GetN(); i++) {
        int64_t stream = ns->next_stream++;
        if (!GiveStream<ns3::RedQueueDisc>(discs.Get(i), stream) &&
            !GiveStream<ns3::PieQueueDisc>(discs.Get(i), stream)) {
            GiveStream<ns3::CobaltQueueDisc>(discs.Get(i), stream);
        }
    }
}

template <class Device> void Record(Link *link, const ns3::NetDeviceContainer &devices)
{
    for (uint32_t i = 0; i < devices.GetN(); i++) {
        link->devices.push_back(devices.Get(i));
        link->queues.push_back(ns3::DynamicCast<Device>(devices.Get(i))->GetQueue());
    }
    link->channel = devices.Get(0)->GetChannel();
}

void Finish(struct ns3c *ns, const struct ns3c_link_config *config,
            const ns3::NetDeviceContainer &devices, Link link, ns3c_link *out)
{
    for (uint32_t i = 0; i < devices.GetN(); i++) {
        devices.Get(i)->SetMtu(uint16_t(config->mtu ? config->mtu : MTU_DEFAULT));
    }
    if (config->traffic_control != nullptr) {
        InstallDisc(ns, config->traffic_control, devices);
    }
    *out = ns3c_link(ns->links.size());
    ns->links.push_back(std::move(link));
}

} // namespace

enum ns3c_status ns3c_node_add(struct ns3c *ns, ns3c_node *out)
{
    return Guarded(ns, [&]() {
        if (out == nullptr) {
            return Fail(NS3C_INVALID, "nowhere to put the node's number");
        }
        ns3::Ptr<ns3::Node> node = ns3::CreateObject<ns3::Node>();
        ns3::InternetStackHelper stack;
        stack.Install(node);
        ns->next_stream += stack.AssignStreams(ns3::NodeContainer(node), ns->next_stream);
        node->GetObject<ns3::Icmpv6L4Protocol>()->SetAttributeFailSafe("DAD",
                                                                       ns3::BooleanValue(false));
        *out = ns3c_node(ns->nodes.size());
        ns->nodes.push_back(node);
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_link_point_to_point(struct ns3c *ns, ns3c_node a, ns3c_node b,
                                          const struct ns3c_link_config *config, ns3c_link *out)
{
    return Guarded(ns, [&]() {
        enum ns3c_status status = CheckLink(config, out);
        if (status != NS3C_OK || (status = CheckNode(ns, a)) != NS3C_OK ||
            (status = CheckNode(ns, b)) != NS3C_OK) {
            return status;
        }
        if (a == b) {
            return Fail(NS3C_INVALID, "a link from node %" PRIu32 " to itself", a);
        }
        ns3::PointToPointHelper helper;
        helper.SetDeviceAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(config->rate_bps)));
        helper.SetChannelAttribute("Delay", ns3::TimeValue(Ns(config->delay_ns)));
        helper.SetQueue("ns3::DropTailQueue<Packet>", "MaxSize",
                        ns3::QueueSizeValue(Limit(config->queue_limit, config->queue_unit)));
        if (config->traffic_control == nullptr) {
            helper.DisableFlowControl();
        }
        ns3::NetDeviceContainer devices = helper.Install(ns->nodes[a], ns->nodes[b]);
        Link link = {};
        link.kind = LinkKind::PointToPoint;
        link.nodes = {a, b};
        Record<ns3::PointToPointNetDevice>(&link, devices);
        Finish(ns, config, devices, std::move(link), out);
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_link_csma(struct ns3c *ns, const ns3c_node *nodes, size_t count,
                                const struct ns3c_link_config *config, ns3c_link *out)
{
    return Guarded(ns, [&]() {
        enum ns3c_status status = CheckLink(config, out);
        ns3::NodeContainer members;
        if (status == NS3C_OK && (nodes == nullptr || count < 2)) {
            return Fail(NS3C_INVALID, "a bus has at least 2 nodes");
        }
        for (size_t i = 0; status == NS3C_OK && i < count; i++) {
            status = CheckNode(ns, nodes[i]);
            for (size_t k = 0; status == NS3C_OK && k < i; k++) {
                if (nodes[k] == nodes[i]) {
                    return Fail(NS3C_INVALID, "node %" PRIu32 " is there twice", nodes[i]);
                }
            }
            if (status == NS3C_OK) {
                members.Add(ns->nodes[nodes[i]]);
            }
        }
        if (status != NS3C_OK) {
            return status;
        }
        ns3::CsmaHelper helper;
        helper.SetChannelAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(config->rate_bps)));
        helper.SetChannelAttribute("Delay", ns3::TimeValue(Ns(config->delay_ns)));
        helper.SetQueue("ns3::DropTailQueue<Packet>", "MaxSize",
                        ns3::QueueSizeValue(Limit(config->queue_limit, config->queue_unit)));
        if (config->traffic_control == nullptr) {
            helper.DisableFlowControl();
        }
        ns3::NetDeviceContainer devices = helper.Install(members);
        ns->next_stream += helper.AssignStreams(devices, ns->next_stream);
        Link link = {};
        link.kind = LinkKind::Csma;
        link.nodes.assign(nodes, nodes + count);
        Record<ns3::CsmaNetDevice>(&link, devices);
        Finish(ns, config, devices, std::move(link), out);
        return NS3C_OK;
    });
}

/* ---- changes ---- */

namespace {

enum ns3c_status CheckNumber(const struct ns3c *ns, ns3c_link link)
{
    if (link < ns->links.size()) {
        return NS3C_OK;
    }
    return Fail(NS3C_INVALID, "there is no link %" PRIu32 ", only %zu", link, ns->links.size());
}

} // namespace

enum ns3c_status ns3c_link_set_rate(struct ns3c *ns, ns3c_link link, uint64_t rate_bps)
{
    return Guarded(ns, [&]() {
        enum ns3c_status status = CheckNumber(ns, link);
        if (status != NS3C_OK) {
            return status;
        }
        Link &it = ns->links[link];
        if (rate_bps == 0 && it.kind != LinkKind::Frames) {
            return Fail(NS3C_INVALID, "rate_bps: expected more than 0");
        }
        const ns3::DataRateValue rate{ns3::DataRate(rate_bps)};
        bool taken = true;
        if (it.kind == LinkKind::Csma) {
            taken = it.channel->SetAttributeFailSafe("DataRate", rate);
        } else {
            for (auto &device : it.devices) {
                taken = device->SetAttributeFailSafe("DataRate", rate) && taken;
            }
        }
        return taken ? NS3C_OK : Fail(NS3C_REFUSED, "ns-3 does not take this rate");
    });
}

enum ns3c_status ns3c_link_set_delay(struct ns3c *ns, ns3c_link link, uint64_t delay_ns)
{
    return Guarded(ns, [&]() {
        enum ns3c_status status = CheckNumber(ns, link);
        if (status == NS3C_OK && delay_ns >= TIME_MAX_NS) {
            return Fail(NS3C_INVALID, "delay_ns: expected less than 2^62, found %" PRIu64,
                        delay_ns);
        }
        if (status == NS3C_OK &&
            !ns->links[link].channel->SetAttributeFailSafe("Delay", ns3::TimeValue(Ns(delay_ns)))) {
            return Fail(NS3C_REFUSED, "ns-3 does not take this delay");
        }
        return status;
    });
}

enum ns3c_status ns3c_link_set_queue(struct ns3c *ns, ns3c_link link, uint32_t limit,
                                     enum ns3c_unit unit)
{
    return Guarded(ns, [&]() {
        enum ns3c_status status = CheckNumber(ns, link);
        if (status != NS3C_OK) {
            return status;
        }
        if (unsigned(unit) > NS3C_BYTES || limit == 0) {
            return Fail(NS3C_INVALID, "a queue of %" PRIu32 " in unit %d", limit, int(unit));
        }
        for (auto &queue : ns->links[link].queues) {
            uint32_t waits = unit == NS3C_BYTES ? queue->GetNBytes() : queue->GetNPackets();
            if (waits > limit) {
                return Fail(NS3C_STATE, "%" PRIu32 " wait, more than the new limit of %" PRIu32,
                            waits, limit);
            }
        }
        for (auto &queue : ns->links[link].queues) {
            queue->SetMaxSize(Limit(limit, unit));
        }
        return NS3C_OK;
    });
}

/* ---- losses ---- */

namespace {

template <class Make>
enum ns3c_status SetError(struct ns3c *ns, ns3c_link link, ns3c_node node, Make make)
{
    return Guarded(ns, [&]() {
        size_t place;
        enum ns3c_status status = FindEnd(ns, link, node, &place);
        if (status != NS3C_OK) {
            return status;
        }
        ns3::Ptr<ns3::ErrorModel> model = make();
        if (!ns->links[link].devices[place]->SetAttributeFailSafe("ReceiveErrorModel",
                                                                  ns3::PointerValue(model))) {
            return Fail(NS3C_REFUSED, "ns-3 does not take this error model");
        }
        return NS3C_OK;
    });
}

enum ns3c_status CheckPpb(uint32_t rate_ppb)
{
    if (rate_ppb <= PPB) {
        return NS3C_OK;
    }
    return Fail(NS3C_INVALID, "rate_ppb: expected at most 1000000000, found %" PRIu32, rate_ppb);
}

} // namespace

enum ns3c_status ns3c_error_rate(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                 enum ns3c_error_unit unit, uint32_t rate_ppb)
{
    static const ns3::RateErrorModel::ErrorUnit units[] = {ns3::RateErrorModel::ERROR_UNIT_PACKET,
                                                           ns3::RateErrorModel::ERROR_UNIT_BYTE,
                                                           ns3::RateErrorModel::ERROR_UNIT_BIT};
    enum ns3c_status status = CheckPpb(rate_ppb);

    if (status == NS3C_OK && unsigned(unit) > NS3C_ERROR_BIT) {
        status = Fail(NS3C_INVALID, "unit: %d is none", int(unit));
    }
    if (status != NS3C_OK) {
        return status;
    }
    return SetError(ns, link, node, [&]() -> ns3::Ptr<ns3::ErrorModel> {
        auto model = ns3::CreateObject<ns3::RateErrorModel>();
        model->SetUnit(units[unit]);
        model->SetRate(double(rate_ppb) / PPB);
        ns->next_stream += model->AssignStreams(ns->next_stream);
        return model;
    });
}

enum ns3c_status ns3c_error_burst(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                  uint32_t rate_ppb, uint32_t burst_min, uint32_t burst_max)
{
    enum ns3c_status status = CheckPpb(rate_ppb);

    if (status == NS3C_OK && (burst_min == 0 || burst_max < burst_min)) {
        status = Fail(NS3C_INVALID, "a burst of %" PRIu32 " to %" PRIu32 " packets", burst_min,
                      burst_max);
    }
    if (status != NS3C_OK) {
        return status;
    }
    return SetError(ns, link, node, [&]() -> ns3::Ptr<ns3::ErrorModel> {
        auto size = ns3::CreateObject<ns3::UniformRandomVariable>();
        size->SetAttributeFailSafe("Min", ns3::DoubleValue(burst_min));
        size->SetAttributeFailSafe("Max", ns3::DoubleValue(double(burst_max) + 1)); // not reached
        auto model = ns3::CreateObject<ns3::BurstErrorModel>();
        model->SetRandomBurstSize(size);
        model->SetBurstRate(double(rate_ppb) / PPB);
        ns->next_stream += model->AssignStreams(ns->next_stream);
        return model;
    });
}

enum ns3c_status ns3c_error_list(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                 const uint32_t *packets, size_t count)
{
    if (count > 0 && packets == nullptr) {
        return Fail(NS3C_INVALID, "a list without packets");
    }
    return SetError(ns, link, node, [&]() -> ns3::Ptr<ns3::ErrorModel> {
        auto model = ns3::CreateObject<ns3::ReceiveListErrorModel>();
        model->SetList(std::list<uint32_t>(packets, packets + count));
        return model;
    });
}

/* ---- addresses and routes ---- */

namespace {

bool IsTaken(const struct ns3c *ns, ns3c_link link, const struct ns3c_address &address)
{
    for (const Given &given : ns->addresses) {
        if (given.link == link && given.Is(address)) {
            return true;
        }
    }
    return false;
}

void AddAddress4(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device,
                 const struct ns3c_address &address, unsigned prefix)
{
    ns3::Ptr<ns3::Ipv4> ip = node->GetObject<ns3::Ipv4>();
    int32_t interface = ip->GetInterfaceForDevice(device);
    const ns3::Ipv4Mask mask(uint32_t(uint64_t(0xffffffff) << (32 - prefix)));

    if (interface < 0) {
        interface = int32_t(ip->AddInterface(device));
    }
    ip->AddAddress(uint32_t(interface),
                   ns3::Ipv4InterfaceAddress(ns3::Ipv4Address::Deserialize(address.bytes), mask));
    ip->SetMetric(uint32_t(interface), 1);
    ip->SetUp(uint32_t(interface));
}

void AddAddress6(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device,
                 const struct ns3c_address &address, unsigned prefix)
{
    ns3::Ptr<ns3::Ipv6> ip = node->GetObject<ns3::Ipv6>();
    int32_t interface = ip->GetInterfaceForDevice(device);

    if (interface < 0) {
        interface = int32_t(ip->AddInterface(device));
    }
    ip->SetMetric(uint32_t(interface), 1);
    ip->SetUp(uint32_t(interface));
    ip->SetForwarding(uint32_t(interface), true);
    ip->AddAddress(uint32_t(interface),
                   ns3::Ipv6InterfaceAddress(ns3::Ipv6Address::Deserialize(address.bytes),
                                             ns3::Ipv6Prefix(uint8_t(prefix))));
}

} // namespace

enum ns3c_status ns3c_address_add(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                  const struct ns3c_address *address, unsigned prefix)
{
    return Guarded(ns, [&]() {
        size_t place;
        enum ns3c_status status = FindEnd(ns, link, node, &place);
        if (status != NS3C_OK || (status = CheckAddress(address)) != NS3C_OK) {
            return status;
        }
        const unsigned bits = address->family == NS3C_IPV6 ? 128 : 32;
        if (prefix == 0 || prefix > bits) {
            return Fail(NS3C_INVALID, "prefix: expected 1 to %u, found %u", bits, prefix);
        }
        if (IsTaken(ns, link, *address)) {
            return Fail(NS3C_BUSY, "the address is given on this link already");
        }
        if (address->family == NS3C_IPV6) {
            AddAddress6(ns->nodes[node], ns->links[link].devices[place], *address, prefix);
        } else {
            AddAddress4(ns->nodes[node], ns->links[link].devices[place], *address, prefix);
        }
        ns->addresses.push_back(Given{link, node, *address});
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_route_default(struct ns3c *ns, ns3c_link link, ns3c_node node,
                                    const struct ns3c_address *gateway)
{
    return Guarded(ns, [&]() {
        size_t place;
        enum ns3c_status status = FindEnd(ns, link, node, &place);
        if (status != NS3C_OK || (status = CheckAddress(gateway)) != NS3C_OK) {
            return status;
        }
        ns3::Ptr<ns3::NetDevice> device = ns->links[link].devices[place];
        ns3::Ptr<ns3::Ipv4> ip4 = ns->nodes[node]->GetObject<ns3::Ipv4>();
        ns3::Ptr<ns3::Ipv6> ip6 = ns->nodes[node]->GetObject<ns3::Ipv6>();
        const bool six = gateway->family == NS3C_IPV6;
        int32_t interface =
            six ? ip6->GetInterfaceForDevice(device) : ip4->GetInterfaceForDevice(device);
        if (interface < 0) {
            return Fail(NS3C_STATE, "node %" PRIu32 " has no address of this family on the link",
                        node);
        }
        if (six) {
            ns3::Ipv6StaticRoutingHelper().GetStaticRouting(ip6)->SetDefaultRoute(
                ns3::Ipv6Address::Deserialize(gateway->bytes), uint32_t(interface));
        } else {
            ns3::Ipv4StaticRoutingHelper().GetStaticRouting(ip4)->SetDefaultRoute(
                ns3::Ipv4Address::Deserialize(gateway->bytes), uint32_t(interface));
        }
        return NS3C_OK;
    });
}
