"""The settings of an endpoint (rules, section 9), in nanoseconds where they are times."""

from __future__ import annotations

from dataclasses import dataclass

NS_PER_MS = 1_000_000
MTU_MIN, MTU_MAX = 512, 65_500  # SND-2a


@dataclass
class Settings:
    mtu: int = 1_400
    max_window_size: int = 16
    ack_timeout_ms: int = 1_000
    max_retry_count: int = 3
    open_timeout_ms: int = 10_000
    idle_timeout_ms: int = 0
    min_remote_idle_timeout_ms: int = 0
    max_remote_idle_timeout_ms: int = 600_000
    enquire_link_interval_ms: int = 0
    linger_ms: int | None = None  # None: END-3's default
    max_sessions: int = 1_024
    attribute_limit: int = 30_000
    accept: bool = True
    require_first_in_window_group: bool = True
    unreliable_queue: int = 64
    aftermath: str = "auto"
    network: str = "datagram"
    window_id_step: int = 100
    window_id_max: int = 9_000_000_000_000_000
    group_bytes_max: int = 65_500

    @property
    def ack_timeout(self) -> int:
        return self.ack_timeout_ms * NS_PER_MS

    @property
    def exchange_timeout(self) -> int:
        """How long a peer goes on with one window: OPN-5a, and half of END-3's linger."""
        return (self.max_retry_count + 1) * self.ack_timeout

    @property
    def linger(self) -> int:
        if self.linger_ms is None:
            return 2 * self.exchange_timeout  # END-3
        return self.linger_ms * NS_PER_MS

    @property
    def manual(self) -> bool:
        return self.aftermath == "manual"

    @property
    def stream(self) -> bool:
        return self.network == "stream"


LIMITS: dict[str, tuple[int, int]] = {
    "max_window_size": (1, 2**31 - 1),
    "ack_timeout_ms": (1, 2**40),  # SND-7
    "max_retry_count": (0, 2**31 - 1),
    "open_timeout_ms": (0, 2**40),
    "idle_timeout_ms": (-(2**40), 2**40),
    "min_remote_idle_timeout_ms": (-(2**40), 2**40),
    "max_remote_idle_timeout_ms": (-(2**40), 2**40),
    "enquire_link_interval_ms": (0, 2**40),
    "linger_ms": (0, 2**40),
    "max_sessions": (1, 2**31 - 1),
    "attribute_limit": (0, 65_535),
    "unreliable_queue": (0, 2**31 - 1),
    # With a step of 1 the next id is always *top*: WID-11 would resync for ever.
    "window_id_step": (2, 2**31 - 1),
    "window_id_max": (6, 9_000_000_000_000_000),
    "group_bytes_max": (MTU_MIN, 65_500),
}
WORDS = {"aftermath": ("auto", "manual"), "network": ("datagram", "stream")}


def from_request(wanted: dict[str, object]) -> tuple[Settings, list[str]]:
    """The settings that could be taken, over the defaults, and the names of those refused."""
    settings = Settings()
    refused = [name for name, value in wanted.items() if not _take(settings, name, value)]
    if settings.window_id_max < 3 * settings.window_id_step:  # section 9: three steps in a ring
        refused += [name for name in ("window_id_max", "window_id_step") if name in wanted]
        settings.window_id_max = Settings.window_id_max
        settings.window_id_step = Settings.window_id_step
    return settings, refused


def _take(settings: Settings, name: str, value: object) -> bool:
    if name in WORDS:
        valid = value in WORDS[name]
    elif name in ("accept", "require_first_in_window_group"):
        valid = isinstance(value, (bool, int)) and value in (0, 1)
        value = bool(value)
    elif isinstance(value, bool) or not isinstance(value, int):
        return False
    elif name == "mtu":
        valid, value = True, min(max(value, MTU_MIN), MTU_MAX)  # SND-2a
    else:
        low, high = LIMITS.get(name, (1, 0))
        valid = low <= value <= high
    if valid:
        setattr(settings, name, value)
    return valid
