#!/usr/bin/env python3
"""An example of ns3c.h from Python, with nothing but ctypes: two datagrams over a link of 8 Mbit/s
and 5 ms.

    udp_from_python.py PATH/libns3c.so
"""

import ctypes
import sys


class Link(ctypes.Structure):
    """struct ns3c_link_config"""

    _fields_ = [("rate_bps", ctypes.c_uint64), ("delay_ns", ctypes.c_uint64),
                ("queue_limit", ctypes.c_uint32), ("queue_unit", ctypes.c_uint32),
                ("mtu", ctypes.c_uint32), ("traffic_control", ctypes.c_char_p)]


class Address(ctypes.Structure):
    """struct ns3c_address"""

    _fields_ = [("family", ctypes.c_uint32), ("bytes", ctypes.c_uint8 * 16),
                ("port", ctypes.c_uint16)]


RECEIVE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(Address),
                           ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t)
NEVER = ctypes.c_uint64(2**64 - 1)
IPV4 = 4


class Ns3:
    """One simulator. Each call that does not succeed raises what ns3c_message says."""

    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.ns3c_message.restype = ctypes.c_char_p
        self.lib.ns3c_status_name.restype = ctypes.c_char_p
        self.lib.ns3c_now.restype = ctypes.c_uint64
        self.lib.ns3c_now.argtypes = self.lib.ns3c_free.argtypes = [ctypes.c_void_p]
        self.ns = ctypes.c_void_p()
        self.check(self.lib.ns3c_create(None, ctypes.byref(self.ns)))

    def check(self, status):
        """Raises unless the status is NS3C_OK."""
        if status != 0:
            name = self.lib.ns3c_status_name(status).decode()
            raise RuntimeError(f"{name}: {self.lib.ns3c_message().decode()}")

    def make(self, call, *arguments):
        """A call that gives a number back, last."""
        number = ctypes.c_uint32()
        self.check(getattr(self.lib, call)(self.ns, *arguments, ctypes.byref(number)))
        return number

    def now(self):
        """Virtual ns."""
        return self.lib.ns3c_now(self.ns)

    def free(self):
        """Ends it."""
        self.lib.ns3c_free(self.ns)


def main():
    """See the head."""
    ns3 = Ns3(sys.argv[1])
    nodes = [ns3.make("ns3c_node_add") for _ in range(2)]
    link = ns3.make("ns3c_link_point_to_point", *nodes,
                    ctypes.byref(Link(rate_bps=8000000, delay_ns=5000000)))
    address = Address()
    for number, node in enumerate(nodes):
        text = f"10.0.0.{number + 1}".encode()
        ns3.check(ns3.lib.ns3c_address_parse(text, 9000, ctypes.byref(address)))
        ns3.check(ns3.lib.ns3c_address_add(ns3.ns, link, node, ctypes.byref(address), 24))

    @RECEIVE
    def received(_ctx, _socket, sender, _data, size):
        host = ".".join(str(byte) for byte in sender.contents.bytes[:4])
        print(f"{ns3.now() / 1e6:.3f} ms: {size} bytes from {host}")

    ns3.make("ns3c_udp_open", nodes[1], IPV4, 9000, received, None)
    sender = ns3.make("ns3c_udp_open", nodes[0], IPV4, 0, None, None)
    for size in (1, 1000):
        ns3.check(ns3.lib.ns3c_udp_send(ns3.ns, sender, ctypes.byref(address), None,
                                        ctypes.c_size_t(size)))
    ns3.check(ns3.lib.ns3c_run(ns3.ns, NEVER, None))
    try:
        ns3.check(ns3.lib.ns3c_address_parse(b"10.0.0.256", 9000, ctypes.byref(address)))
    except RuntimeError as error:
        print(error)
    ns3.free()


main()
