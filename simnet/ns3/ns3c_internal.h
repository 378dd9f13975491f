/* What the files of ns3c say to each other: the simulator's record of what was made, failures with
 * their sentence, and the wall that no exception passes. C++, and nobody else's.
 * SPDX-License-Identifier: MIT */
#ifndef NS3C_INTERNAL_H
#define NS3C_INTERNAL_H

#include "ns3c.h"

#include <ns3/channel.h>
#include <ns3/event-id.h>
#include <ns3/flow-monitor-helper.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/nstime.h>
#include <ns3/packet.h>
#include <ns3/queue.h>
#include <ns3/socket.h>

#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ns3c_own {

enum class LinkKind { PointToPoint, Csma, Frames };

class FrameLink;
class Flow;

struct Link {
    LinkKind kind;
    std::vector<ns3c_node> nodes; // of devices, in the same order; frame links: none
    std::vector<ns3::Ptr<ns3::NetDevice>> devices;
    std::vector<ns3::Ptr<ns3::Queue<ns3::Packet>>> queues;
    ns3::Ptr<ns3::Channel> channel;
    std::shared_ptr<FrameLink> frames;
};

struct Udp {
    ns3::Ptr<ns3::Socket> socket;
    enum ns3c_family family;
    ns3c_udp_receive receive;
    void *ctx;
};

struct Given {
    ns3c_link link;
    ns3c_node node;
    struct ns3c_address address;

    bool Is(const struct ns3c_address &other) const
    {
        return address.family == other.family &&
               std::memcmp(address.bytes, other.bytes, sizeof address.bytes) == 0;
    }
};

struct Event {
    ns3::EventId id;
    ns3c_event call;
    void *ctx;
};

constexpr uint32_t QUEUE_DEFAULT_PACKETS = 100;
constexpr uint64_t TIME_MAX_NS = uint64_t(1) << 62;

// Sets ns3c_message; returns `status`.
enum ns3c_status Fail(enum ns3c_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool IsCurrent(const struct ns3c *ns);
struct ns3c *Current();

// Does it, on the simulator there is; exceptions end here.
template <class Call> enum ns3c_status Guarded(const struct ns3c *ns, Call call) noexcept
{
    if (!IsCurrent(ns)) {
        return Fail(NS3C_INVALID, "there is no such simulator: none was made, or it was freed");
    }
    try {
        return call();
    } catch (const std::exception &e) {
        return Fail(NS3C_FAILED, "ns-3: %s", e.what());
    } catch (...) {
        return Fail(NS3C_FAILED, "ns-3: an exception of no known kind");
    }
}

// A type of ns-3 that derives from `parent` and can be made. `kind` is for the message.
enum ns3c_status FindType(const char *name, ns3::TypeId parent, const char *kind, ns3::TypeId *out);
enum ns3c_status CheckNode(const struct ns3c *ns, ns3c_node node);
// The place of `node` in link.devices.
enum ns3c_status FindEnd(struct ns3c *ns, ns3c_link link, ns3c_node node, size_t *place);
enum ns3c_status CheckAddress(const struct ns3c_address *address);
ns3::Address SocketAddress(const struct ns3c_address &address);
struct ns3c_address FromSocketAddress(const ns3::Address &address);

inline ns3::Time Ns(uint64_t ns)
{
    return ns3::NanoSeconds(ns);
}

} // namespace ns3c_own

struct ns3c {
    std::vector<ns3::Ptr<ns3::Node>> nodes;
    std::vector<ns3c_own::Link> links;
    std::vector<std::unique_ptr<ns3c_own::Udp>> sockets;
    std::vector<std::unique_ptr<ns3c_own::Flow>> flows;
    std::map<uint64_t, ns3c_own::Event> events;
    std::vector<ns3c_own::Given> addresses;
    std::unique_ptr<ns3::FlowMonitorHelper> monitor;
    uint64_t next_event = 1;
    int64_t next_stream = 1; // of randomness: each user has its own, for ns-3 counts for ever
    uint32_t paths = 0;
    bool running = false;
    bool stopped = false;
};

#endif
