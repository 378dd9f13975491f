/* What `sipc bench sim` measures beside the simulator: ns-3 at the same work, in a process of its
 * own, so that no other command loads its libraries. Set-up and the filling of the link are not
 * timed. Prints one line: units done, CPU time in ns, simulated time in ns.
 *
 *   baseline scheduler TYPE PENDING EVENTS        the bare scheduler: take the least off, put one
 * in baseline events TYPE PENDING EVENTS           events that schedule themselves again baseline
 * udp TYPE DELAY_NS REPLY_BYTES PACKETS UDP over a point-to-point link of 10 Gbit/s, filled;
 * REPLY_BYTES 0: no replies; all packets that arrive count TYPE is ns3::MapScheduler or another.
 * SPDX-License-Identifier: MIT */
#include <ns3/boolean.h>
#include <ns3/inet-socket-address.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-address-helper.h>
#include <ns3/make-event.h>
#include <ns3/node-container.h>
#include <ns3/object-factory.h>
#include <ns3/point-to-point-helper.h>
#include <ns3/scheduler.h>
#include <ns3/simulator.h>
#include <ns3/socket.h>
#include <ns3/string.h>
#include <ns3/uinteger.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

namespace {

constexpr uint64_t DELAY_MAX_NS = 1 << 20;
constexpr uint64_t LINK_BPS = 10000000000;
constexpr uint32_t PAYLOAD_BYTES = 1472;
constexpr uint32_t HEADER_BYTES = 30; // UDP, IPv4, PPP

uint64_t CpuNs()
{
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return uint64_t(now.tv_sec) * 1000000000 + uint64_t(now.tv_nsec);
}

// The delays of the hold model: even in 0..2^20-1 ns.
class Delays {
  public:
    uint64_t Next()
    {
        m_state ^= m_state << 13;
        m_state ^= m_state >> 7;
        m_state ^= m_state << 17;
        return m_state % DELAY_MAX_NS;
    }

  private:
    uint64_t m_state = 88172645463325252;
};

int Report(uint64_t units, uint64_t cpuNs, uint64_t simulatedNs)
{
    std::printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", units, cpuNs, simulatedNs);
    return 0;
}

ns3::ObjectFactory SchedulerType(const std::string &type)
{
    ns3::ObjectFactory factory;
    factory.SetTypeId(type);
    return factory;
}

int RunScheduler(const std::string &type, uint64_t pending, uint64_t events)
{
    ns3::Ptr<ns3::Scheduler> scheduler = SchedulerType(type).Create<ns3::Scheduler>();
    Delays delays;
    uint32_t uid = 0;
    auto insert = [&](uint64_t now) {
        ns3::Scheduler::Event event{nullptr, {now + delays.Next(), uid++, 0}};
        scheduler->Insert(event);
    };

    for (uint64_t i = 0; i < pending; i++) {
        insert(0);
    }
    uint64_t now = 0;
    uint64_t warmUp = pending;
    uint64_t start = 0;
    uint64_t begin = 0;
    for (uint64_t i = 0; i < warmUp + events; i++) {
        if (i == warmUp) {
            begin = now;
            start = CpuNs();
        }
        now = scheduler->RemoveNext().key.m_ts;
        insert(now);
    }
    return Report(events, CpuNs() - start, now - begin);
}

// Events through the simulator: a timer each.
class Timers {
  public:
    Timers(uint64_t pending, uint64_t events) : m_warmUp(pending), m_left(pending + events)
    {
        for (uint64_t i = 0; i < pending; i++) {
            Again();
        }
    }

    uint64_t m_start = 0;
    uint64_t m_beginNs = 0;

  private:
    void Again()
    {
        ns3::Simulator::Schedule(ns3::NanoSeconds(m_delays.Next()), &Timers::Fire, this);
    }

    void Fire()
    {
        if (m_warmUp > 0 && --m_warmUp == 0) {
            m_beginNs = uint64_t(ns3::Simulator::Now().GetNanoSeconds());
            m_start = CpuNs();
        }
        if (--m_left == 0) {
            ns3::Simulator::Stop();
            return;
        }
        Again();
    }

    Delays m_delays;
    uint64_t m_warmUp;
    uint64_t m_left;
};

int RunEvents(const std::string &type, uint64_t pending, uint64_t events)
{
    ns3::Simulator::SetScheduler(SchedulerType(type));
    Timers timers(pending, events);
    ns3::Simulator::Run();
    uint64_t end = CpuNs();
    return Report(events, end - timers.m_start,
                  uint64_t(ns3::Simulator::Now().GetNanoSeconds()) - timers.m_beginNs);
}

// One way at the rate of the link, and a short reply to each packet if wanted.
class Udp {
  public:
    Udp(uint64_t delayNs, uint32_t replyBytes, uint64_t packets)
        : m_replyBytes(replyBytes), m_fillNs(2 * delayNs), m_goal(packets)
    {
        ns3::NodeContainer nodes(2);
        ns3::PointToPointHelper link;
        link.SetDeviceAttribute("DataRate", ns3::StringValue("10Gbps"));
        link.SetChannelAttribute("Delay", ns3::StringValue(std::to_string(delayNs) + "ns"));
        ns3::NetDeviceContainer devices = link.Install(nodes);
        ns3::InternetStackHelper().Install(nodes);
        ns3::Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.0");
        ns3::Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
        ns3::TypeId udp = ns3::TypeId::LookupByName("ns3::UdpSocketFactory");
        m_sender = ns3::Socket::CreateSocket(nodes.Get(0), udp);
        m_receiver = ns3::Socket::CreateSocket(nodes.Get(1), udp);
        ns3::InetSocketAddress at(interfaces.GetAddress(1), PORT);
        m_receiver->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), PORT));
        m_sender->Bind();
        m_sender->Connect(at);
        m_receiver->SetRecvCallback(ns3::MakeCallback(&Udp::Arrived, this));
        m_sender->SetRecvCallback(ns3::MakeCallback(&Udp::Replied, this));
        ns3::Simulator::Schedule(ns3::NanoSeconds(1), &Udp::Send, this);
    }

    uint64_t m_start = 0;
    uint64_t m_beginNs = 0;
    uint64_t m_done = 0;

  private:
    static constexpr uint16_t PORT = 9000;

    void Send()
    {
        m_sender->Send(ns3::Create<ns3::Packet>(PAYLOAD_BYTES));
        uint64_t bits = uint64_t(PAYLOAD_BYTES + HEADER_BYTES) * 8;
        m_dueNs += bits * 1000000000 / LINK_BPS + 1; // so that the queue never drops one
        ns3::Simulator::Schedule(ns3::NanoSeconds(m_dueNs) - ns3::Simulator::Now(), &Udp::Send,
                                 this);
    }

    void Count()
    {
        uint64_t now = uint64_t(ns3::Simulator::Now().GetNanoSeconds());
        if (m_start == 0 && now >= m_fillNs) {
            m_beginNs = now;
            m_start = CpuNs();
        }
        if (m_start != 0 && ++m_done == m_goal) {
            ns3::Simulator::Stop();
        }
    }

    void Arrived(ns3::Ptr<ns3::Socket> socket)
    {
        ns3::Address from;
        while (ns3::Ptr<ns3::Packet> packet = socket->RecvFrom(from)) {
            Count();
            if (m_replyBytes > 0) {
                socket->SendTo(ns3::Create<ns3::Packet>(m_replyBytes), 0, from);
            }
        }
    }

    void Replied(ns3::Ptr<ns3::Socket> socket)
    {
        while (socket->Recv()) {
            Count();
        }
    }

    ns3::Ptr<ns3::Socket> m_sender;
    ns3::Ptr<ns3::Socket> m_receiver;
    uint32_t m_replyBytes;
    uint64_t m_fillNs;
    uint64_t m_goal;
    uint64_t m_dueNs = 1;
};

int RunUdp(const std::string &type, uint64_t delayNs, uint32_t replyBytes, uint64_t packets)
{
    ns3::Simulator::SetScheduler(SchedulerType(type));
    Udp udp(delayNs, replyBytes, packets);
    ns3::Simulator::Run();
    uint64_t end = CpuNs();
    return Report(udp.m_done, end - udp.m_start,
                  uint64_t(ns3::Simulator::Now().GetNanoSeconds()) - udp.m_beginNs);
}

uint64_t Number(const char *text)
{
    return std::strtoull(text, nullptr, 10);
}

} // namespace

int main(int argc, char **argv)
{
    const std::string what = argc > 1 ? argv[1] : "";

    if (what == "scheduler" && argc == 5) {
        return RunScheduler(argv[2], Number(argv[3]), Number(argv[4]));
    }
    if (what == "events" && argc == 5) {
        return RunEvents(argv[2], Number(argv[3]), Number(argv[4]));
    }
    if (what == "udp" && argc == 6) {
        return RunUdp(argv[2], Number(argv[3]), uint32_t(Number(argv[4])), Number(argv[5]));
    }
    std::fprintf(stderr, "usage: see the head of simnet/ns3/baseline.cc\n");
    return 2;
}
