/* The simulator of ns3c.h: made, run, freed; and what all files of it share. See the head of ns3c.h
 * for what is looked at before ns-3 sees it. SPDX-License-Identifier: MIT */
#include "ns3c_flow.h"
#include "ns3c_internal.h"

#include <ns3/inet-socket-address.h>
#include <ns3/inet6-socket-address.h>
#include <ns3/object-factory.h>
#include <ns3/rng-seed-manager.h>
#include <ns3/scheduler.h>
#include <ns3/simulator.h>
#include <ns3/version-defines.h>

#include <arpa/inet.h>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace ns3c_own {

namespace {

#define TEXT_OF(x)    #x
#define VERSION_OF(x) TEXT_OF(x)

constexpr uint32_t SEED_MAX = 4294944442; // the lesser of the two moduli of MRG32k3a, less one

char message[400] = "";
struct ns3c *current = nullptr;

} // namespace

enum ns3c_status Fail(enum ns3c_status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    std::vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return status;
}

bool IsCurrent(const struct ns3c *ns)
{
    return ns != nullptr && ns == current;
}

struct ns3c *Current()
{
    return current;
}

enum ns3c_status FindType(const char *name, ns3::TypeId parent, const char *kind, ns3::TypeId *out)
{
    const std::string given = name;
    const std::string full = given.compare(0, 5, "ns3::") == 0 ? given : "ns3::" + given;

    if (!ns3::TypeId::LookupByNameFailSafe(full, out)) {
        return Fail(NS3C_NOT_FOUND, "ns-3 has no type \"%s\"", full.c_str());
    }
    if (!out->IsChildOf(parent) || !out->HasConstructor()) {
        return Fail(NS3C_NOT_FOUND, "\"%s\" is no %s", full.c_str(), kind);
    }
    return NS3C_OK;
}

enum ns3c_status CheckNode(const struct ns3c *ns, ns3c_node node)
{
    if (node < ns->nodes.size()) {
        return NS3C_OK;
    }
    return Fail(NS3C_INVALID, "there is no node %" PRIu32 ", only %zu", node, ns->nodes.size());
}

enum ns3c_status FindEnd(struct ns3c *ns, ns3c_link link, ns3c_node node, size_t *place)
{
    if (link >= ns->links.size()) {
        return Fail(NS3C_INVALID, "there is no link %" PRIu32 ", only %zu", link, ns->links.size());
    }
    const std::vector<ns3c_node> &nodes = ns->links[link].nodes;
    for (*place = 0; *place < nodes.size(); ++*place) {
        if (nodes[*place] == node) {
            return NS3C_OK;
        }
    }
    return Fail(NS3C_INVALID, "link %" PRIu32 " has no end at a node %" PRIu32, link, node);
}

/* ---- addresses ---- */

enum ns3c_status CheckAddress(const struct ns3c_address *address)
{
    if (address == nullptr) {
        return Fail(NS3C_INVALID, "an address is missing");
    }
    if (address->family != NS3C_IPV4 && address->family != NS3C_IPV6) {
        return Fail(NS3C_INVALID, "address family: expected 4 or 6, found %d",
                    int(address->family));
    }
    return NS3C_OK;
}

ns3::Address SocketAddress(const struct ns3c_address &address)
{
    if (address.family == NS3C_IPV6) {
        return ns3::Inet6SocketAddress(ns3::Ipv6Address::Deserialize(address.bytes), address.port);
    }
    return ns3::InetSocketAddress(ns3::Ipv4Address::Deserialize(address.bytes), address.port);
}

struct ns3c_address FromSocketAddress(const ns3::Address &address)
{
    struct ns3c_address out = {};

    if (ns3::Inet6SocketAddress::IsMatchingType(address)) {
        ns3::Inet6SocketAddress from = ns3::Inet6SocketAddress::ConvertFrom(address);
        out.family = NS3C_IPV6;
        out.port = from.GetPort();
        from.GetIpv6().Serialize(out.bytes);
    } else {
        ns3::InetSocketAddress from = ns3::InetSocketAddress::ConvertFrom(address);
        out.family = NS3C_IPV4;
        out.port = from.GetPort();
        from.GetIpv4().Serialize(out.bytes);
    }
    return out;
}

} // namespace ns3c_own

using namespace ns3c_own;

const char *ns3c_message(void)
{
    return message;
}

const char *ns3c_version(void)
{
    return VERSION_OF(NS3_VERSION_MAJOR) "." VERSION_OF(NS3_VERSION_MINOR);
}

const char *ns3c_status_name(enum ns3c_status status)
{
    static const char *const names[] = {"ok",    "invalid", "not found", "busy",
                                        "state", "refused", "file",      "failed"};
    static_assert(sizeof names / sizeof names[0] == NS3C_STATUS_COUNT, "one name a status");

    return unsigned(status) < NS3C_STATUS_COUNT ? names[status] : "?";
}

enum ns3c_status ns3c_address_parse(const char *text, uint16_t port, struct ns3c_address *out)
{
    struct ns3c_address address = {};

    if (text == nullptr || out == nullptr) {
        return Fail(NS3C_INVALID, "an address is missing");
    }
    address.port = port;
    if (inet_pton(AF_INET, text, address.bytes) == 1) {
        address.family = NS3C_IPV4;
    } else if (inet_pton(AF_INET6, text, address.bytes) == 1) {
        address.family = NS3C_IPV6;
    } else {
        return Fail(NS3C_INVALID, "expected an address of IPv4 or IPv6, found \"%.60s\"", text);
    }
    *out = address;
    return NS3C_OK;
}

void ns3c_address_print(const struct ns3c_address *address, char *out, size_t size)
{
    int family = address->family == NS3C_IPV6 ? AF_INET6 : AF_INET;

    if (size > 0 && inet_ntop(family, address->bytes, out, socklen_t(size)) == nullptr) {
        out[0] = '\0';
    }
}

/* ---- the simulator ---- */

namespace {

enum ns3c_status Create(const struct ns3c_config &config, struct ns3c **out)
{
    ns3::TypeId scheduler;
    enum ns3c_status status = FindType(config.scheduler ? config.scheduler : "MapScheduler",
                                       ns3::Scheduler::GetTypeId(), "scheduler", &scheduler);

    if (status != NS3C_OK) {
        return status;
    }
    if (config.seed > SEED_MAX) {
        return Fail(NS3C_INVALID, "seed: expected 1 to %" PRIu32 ", found %" PRIu32, SEED_MAX,
                    config.seed);
    }
    ns3::ObjectFactory factory;
    factory.SetTypeId(scheduler);
    ns3::Simulator::SetScheduler(factory);
    ns3::RngSeedManager::SetSeed(config.seed ? config.seed : 1);
    ns3::RngSeedManager::SetRun(config.run);
    current = new struct ns3c;
    *out = current;
    return NS3C_OK;
}

void FireEvent(struct ns3c *ns, uint64_t id)
{
    auto found = ns->events.find(id);
    Event event = found->second;

    ns->events.erase(found);
    event.call(event.ctx);
}

// The end of a run: not before what others schedule at this very moment has happened too.
class RunEnd {
  public:
    explicit RunEnd(struct ns3c *ns) : m_ns(ns)
    {
        ns->running = true;
        ns->stopped = false;
    }
    // Also where an exception ends the run: the event points to what is gone then.
    ~RunEnd()
    {
        m_ns->running = false;
        m_id.Cancel();
    }
    RunEnd(const RunEnd &) = delete;
    RunEnd &operator=(const RunEnd &) = delete;

    void Reached()
    {
        const uint64_t events = ns3::Simulator::GetEventCount();
        if (m_again && events == m_events + 1) {
            m_reached = true;
            ns3::Simulator::Stop();
            return;
        }
        m_again = true;
        m_events = events;
        m_id = ns3::Simulator::ScheduleNow(&RunEnd::Reached, this);
    }

    bool m_reached = false;
    ns3::EventId m_id;

  private:
    struct ns3c *m_ns;
    bool m_again = false;
    uint64_t m_events = 0;
};

} // namespace

enum ns3c_status ns3c_create(const struct ns3c_config *config, struct ns3c **out)
{
    if (out == nullptr) {
        return Fail(NS3C_INVALID, "nowhere to put the simulator");
    }
    *out = nullptr;
    if (current != nullptr) {
        return Fail(NS3C_BUSY, "there is a simulator already: ns-3 has one for the whole process");
    }
    try {
        return Create(config ? *config : ns3c_config(), out);
    } catch (const std::exception &e) {
        return Fail(NS3C_FAILED, "ns-3: %s", e.what());
    }
}

void ns3c_free(struct ns3c *ns)
{
    if (!IsCurrent(ns) || ns->running) {
        return;
    }
    ns->monitor.reset();
    ns3::Simulator::Destroy();
    delete ns;
    current = nullptr;
}

enum ns3c_status ns3c_schedule(struct ns3c *ns, uint64_t delay_ns, ns3c_event event, void *ctx,
                               uint64_t *id)
{
    return Guarded(ns, [&]() {
        if (event == nullptr) {
            return Fail(NS3C_INVALID, "an event without a function");
        }
        if (delay_ns >= TIME_MAX_NS || ns3c_now(ns) + delay_ns >= TIME_MAX_NS) {
            return Fail(NS3C_INVALID, "delay: %" PRIu64 " ns from now is too far away", delay_ns);
        }
        uint64_t number = ns->next_event++;
        ns3::EventId at = ns3::Simulator::Schedule(Ns(delay_ns), &FireEvent, ns, number);
        ns->events[number] = Event{at, event, ctx};
        if (id != nullptr) {
            *id = number;
        }
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_cancel(struct ns3c *ns, uint64_t id)
{
    return Guarded(ns, [&]() {
        auto found = ns->events.find(id);
        if (found == ns->events.end()) {
            return Fail(NS3C_INVALID, "event %" PRIu64 " is none that waits", id);
        }
        ns3::Simulator::Remove(found->second.id);
        ns->events.erase(found);
        return NS3C_OK;
    });
}

enum ns3c_status ns3c_run(struct ns3c *ns, uint64_t until_ns, enum ns3c_end *end)
{
    return Guarded(ns, [&]() {
        const uint64_t now = ns3c_now(ns);
        if (ns->running) {
            return Fail(NS3C_STATE, "a run goes on already: this is one of its callbacks");
        }
        if (until_ns != NS3C_NEVER && (until_ns < now || until_ns >= TIME_MAX_NS)) {
            return Fail(NS3C_INVALID,
                        "until: expected %" PRIu64 " ns, which is now, or later, found %" PRIu64,
                        now, until_ns);
        }
        RunEnd run_end(ns);
        if (until_ns != NS3C_NEVER) {
            run_end.m_id = ns3::Simulator::Schedule(Ns(until_ns - now), &RunEnd::Reached, &run_end);
        }
        ns3::Simulator::Run();
        if (end != nullptr) {
            *end = run_end.m_reached ? NS3C_END_UNTIL
                   : ns->stopped     ? NS3C_END_STOPPED
                                     : NS3C_END_EMPTY;
        }
        return NS3C_OK;
    });
}

void ns3c_stop(struct ns3c *ns)
{
    if (IsCurrent(ns) && ns->running) {
        ns->stopped = true;
        ns3::Simulator::Stop();
    }
}

uint64_t ns3c_now(const struct ns3c *ns)
{
    return IsCurrent(ns) ? uint64_t(ns3::Simulator::Now().GetNanoSeconds()) : 0;
}

uint64_t ns3c_events(const struct ns3c *ns)
{
    return IsCurrent(ns) ? ns3::Simulator::GetEventCount() : 0;
}
