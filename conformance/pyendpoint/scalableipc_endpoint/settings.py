"""The settings of an endpoint (rules, section 9): default, and what it may be."""

from types import SimpleNamespace

NS_PER_MS = 1_000_000
WHOLE, NATURAL, POSITIVE = range(-(2**40), 2**40), range(2**40), range(1, 2**40)
SETTINGS = {
    "mtu": (1_400, WHOLE),  # SND-2a: brought to the nearer end of 512..65,500
    "max_window_size": (16, POSITIVE),
    "ack_timeout_ms": (1_000, POSITIVE),  # SND-7
    "max_retry_count": (3, NATURAL),
    "open_timeout_ms": (10_000, NATURAL),
    "idle_timeout_ms": (0, WHOLE),
    "min_remote_idle_timeout_ms": (0, WHOLE),
    "max_remote_idle_timeout_ms": (600_000, WHOLE),
    "enquire_link_interval_ms": (0, NATURAL),
    "linger_ms": (None, NATURAL),  # None: END-3's default
    "max_sessions": (1_024, POSITIVE),
    "attribute_limit": (30_000, range(65_536)),
    "accept": (True, (False, True)),
    "require_first_in_window_group": (True, (False, True)),
    "unreliable_queue": (64, NATURAL),
    "aftermath": ("auto", ("auto", "manual")),
    "network": ("datagram", ("datagram", "stream")),
    "window_id_step": (100, range(2, 2**31)),  # with 1 the next id is always *top* (WID-11)
    "window_id_max": (9 * 10**15, range(6, 9 * 10**15 + 1)),
    "group_bytes_max": (65_500, range(512, 65_501)),
}


def settings_of(wanted):
    """The settings that could be taken, over the defaults, and the names of those refused. Beside
    each time in milliseconds stands one in nanoseconds, without the _ms."""
    taken = {name: default for name, (default, _) in SETTINGS.items()}
    refused = []
    for name, value in wanted.items():
        default, allowed = SETTINGS.get(name, (0, ()))
        if type(value) in (int, type(default)) and value in allowed:
            taken[name] = value
        else:
            refused.append(name)
    taken["mtu"] = min(max(taken["mtu"], 512), 65_500)
    if taken["window_id_max"] < 3 * taken["window_id_step"]:  # section 9: three steps in a ring
        refused += [name for name in ("window_id_max", "window_id_step") if name in wanted]
        taken |= {"window_id_max": 9 * 10**15, "window_id_step": 100}
    if taken["linger_ms"] is None:
        taken["linger_ms"] = 2 * (taken["max_retry_count"] + 1) * taken["ack_timeout_ms"]  # END-3
    for name in [name for name in taken if name.endswith("_ms")]:
        taken[name.removesuffix("_ms")] = taken[name] * NS_PER_MS
    return SimpleNamespace(**taken), refused
