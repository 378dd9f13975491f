/* What watches in ns3c.h: pcap and the flow monitor. SPDX-License-Identifier: MIT */
#include "ns3c_internal.h"

#include <ns3/csma-helper.h>
#include <ns3/flow-monitor.h>
#include <ns3/ipv4-flow-classifier.h>
#include <ns3/ipv6-flow-classifier.h>
#include <ns3/point-to-point-helper.h>

#include <cinttypes>
#include <cstdio>
#include <set>
#include <sstream>

using namespace ns3c_own;

namespace {

// ns-3 ends the process where it cannot write.
enum ns3c_status CheckFile(const char *path)
{
    FILE *file = path ? std::fopen(path, "wb") : nullptr;

    if (file == nullptr) {
        return Fail(NS3C_FILE, "%.300s cannot be written", path ? path : "a file without a name");
    }
    std::fclose(file);
    return NS3C_OK;
}

// The numbers a classifier knows, out of its XML: it offers no list, and ends the process where it
// is asked for one that it has not.
std::set<ns3::FlowId> KnownFlows(ns3::Ptr<ns3::FlowClassifier> classifier)
{
    static const std::string key = "flowId=\"";
    std::ostringstream xml;
    std::set<ns3::FlowId> known;

    classifier->SerializeToXmlStream(xml, 0);
    const std::string text = xml.str();
    for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
        known.insert(ns3::FlowId(std::stoul(text.substr(at + key.size()))));
    }
    return known;
}

template <class Tuple> void SetEnds(const Tuple &tuple, struct ns3c_monitor_flow *out)
{
    tuple.sourceAddress.Serialize(out->from.bytes);
    tuple.destinationAddress.Serialize(out->to.bytes);
    out->from.port = tuple.sourcePort;
    out->to.port = tuple.destinationPort;
    out->protocol = tuple.protocol;
}

enum ns3c_status FindEnds(struct ns3c *ns, ns3::FlowId id, struct ns3c_monitor_flow *out)
{
    auto four = ns3::DynamicCast<ns3::Ipv4FlowClassifier>(ns->monitor->GetClassifier());
    auto six = ns3::DynamicCast<ns3::Ipv6FlowClassifier>(ns->monitor->GetClassifier6());
    const bool is_four = KnownFlows(four).count(id) > 0;
    const bool is_six = KnownFlows(six).count(id) > 0;

    if (is_four && is_six) {
        return Fail(NS3C_STATE,
                    "flow %" PRIu32 ": ns-3 has counted one of IPv4 and one of IPv6 "
                    "together",
                    id);
    }
    out->from.family = out->to.family = is_four ? NS3C_IPV4 : NS3C_IPV6;
    if (is_four) {
        SetEnds(four->FindFlow(id), out);
    } else if (is_six) {
        SetEnds(six->FindFlow(id), out);
    }
    return NS3C_OK;
}

uint64_t TimeOr(const ns3::Time &time, uint32_t packets)
{
    return packets > 0 ? uint64_t(time.GetNanoSeconds()) : NS3C_NEVER;
}

} // namespace

enum ns3c_status ns3c_pcap(struct ns3c *ns, ns3c_link link, ns3c_node node, const char *path)
{
    return Guarded(ns, [&]() {
        size_t place;
        enum ns3c_status status = FindEnd(ns, link, node, &place);
        if (status != NS3C_OK || (status = CheckFile(path)) != NS3C_OK) {
            return status;
        }
        ns3::Ptr<ns3::NetDevice> device = ns->links[link].devices[place];
        if (ns->links[link].kind == LinkKind::Csma) {
            ns3::CsmaHelper().EnablePcap(path, device, true, true);
        } else {
            ns3::PointToPointHelper().EnablePcap(path, device, true, true);
        }
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_monitor(struct ns3c *ns)
{
    return Guarded(ns, [&]() {
        if (ns->monitor) {
            return Fail(NS3C_STATE, "the flow monitor watches already");
        }
        if (ns->nodes.empty()) {
            return Fail(NS3C_STATE, "there are no nodes to watch");
        }
        ns3::NodeContainer nodes;
        for (const auto &node : ns->nodes) {
            nodes.Add(node);
        }
        ns->monitor.reset(new ns3::FlowMonitorHelper);
        ns->monitor->Install(nodes)->StartRightNow(); // else not before the next event
        return NS3C_OK;
    });
}

size_t ns3c_monitor_count(struct ns3c *ns)
{
    return IsCurrent(ns) && ns->monitor ? ns->monitor->GetMonitor()->GetFlowStats().size() : 0;
}

enum ns3c_status ns3c_monitor_flow(struct ns3c *ns, size_t index, struct ns3c_monitor_flow *out)
{
    return Guarded(ns, [&]() {
        if (index >= ns3c_monitor_count(ns) || out == nullptr) {
            return Fail(NS3C_INVALID, "the monitor has no flow %zu, only %zu", index,
                        ns3c_monitor_count(ns));
        }
        auto at = ns->monitor->GetMonitor()->GetFlowStats().begin();
        std::advance(at, index);
        const ns3::FlowMonitor::FlowStats &stats = at->second;
        struct ns3c_monitor_flow flow = {};
        enum ns3c_status status = FindEnds(ns, at->first, &flow);
        if (status != NS3C_OK) {
            return status;
        }
        flow.tx_bytes = stats.txBytes;
        flow.rx_bytes = stats.rxBytes;
        flow.tx_packets = stats.txPackets;
        flow.rx_packets = stats.rxPackets;
        flow.lost_packets = stats.lostPackets;
        flow.delay_sum_ns = uint64_t(stats.delaySum.GetNanoSeconds());
        flow.jitter_sum_ns = uint64_t(stats.jitterSum.GetNanoSeconds());
        flow.first_tx_ns = TimeOr(stats.timeFirstTxPacket, stats.txPackets);
        flow.last_rx_ns = TimeOr(stats.timeLastRxPacket, stats.rxPackets);
        *out = flow;
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_monitor_save(struct ns3c *ns, const char *path)
{
    return Guarded(ns, [&]() {
        if (!ns->monitor) {
            return Fail(NS3C_STATE, "no flow monitor watches");
        }
        enum ns3c_status status = CheckFile(path);
        if (status == NS3C_OK) {
            ns->monitor->GetMonitor()->SerializeToXmlFile(path, false, false);
        }
        return status;
    });
}
