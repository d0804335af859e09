"""Limit how fast senders are served."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "LONG_ANSWER", "MAX_SENDERS", "SENDER_BURST", "SENDER_RATE", "UNKNOWN_BURST", "UNKNOWN_RATE", "RateLimit",
    "Traffic",
]  # fmt: skip

MAX_SENDERS = 256
"""Senders that are remembered; the one not seen for longest is forgotten first (and then starts afresh)."""

SENDER_RATE = 500.0
"""Messages a second from one sender: eight faders that are moved at once send some 500, one sends about 100."""

SENDER_BURST = 1000.0
"""Messages at once after a pause: a surface that sends all its pages has some hundreds."""

UNKNOWN_RATE = 2000.0
"""Messages a second from all who are not subscribed together: a flood may come from a new port each time, and to read
so many takes a twentieth of a core. One sender that floods takes a quarter of it and leaves the rest to the others."""

UNKNOWN_BURST = 4000.0

RESERVE_RATE = 500.0
"""Messages a second that are kept for senders who were quiet before, when several others flood."""

LONG_ANSWER = 40
"""What a request costs that is answered with some forty messages: the table of addresses, or the full state."""


_ALL = "all"


@dataclass(slots=True)
class _Bucket:
    tokens: float
    seen_at: float


class RateLimit:
    """Allow `rate` actions a second for each key, and `burst` at once.

    Args:
        rate: Actions a second that are allowed for ever.
        burst: Actions that are allowed at once after a pause.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def has(self, key: Hashable, now: float) -> bool:
        """Say whether an action is allowed at monotonic time `now`, without counting it."""
        return self._refilled(key, now).tokens >= 1.0

    def is_rested(self, key: Hashable, now: float) -> bool:
        """Say whether a key has used less than a tenth of its burst."""
        return self._refilled(key, now).tokens >= self._burst * 0.9

    def spend(self, key: Hashable, now: float, count: float) -> None:
        """Count actions that were done; beyond what is allowed they are a debt, at most as large as the burst."""
        bucket = self._refilled(key, now)
        bucket.tokens = max(-self._burst, bucket.tokens - count)

    def allow(self, key: Hashable, now: float) -> bool:
        """Count one action at monotonic time `now`; False when it is one too many."""
        allowed = self.has(key, now)
        if allowed:
            self.spend(key, now, 1.0)
        return allowed

    def _refilled(self, key: Hashable, now: float) -> _Bucket:
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, now)
        self._buckets[key] = bucket
        if len(self._buckets) > MAX_SENDERS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + max(0.0, now - bucket.seen_at) * self._rate)
        bucket.seen_at = now
        return bucket


class Traffic:
    """Bound what senders cost: each by itself, and all who are not subscribed together.

    Overload policy: what comes too fast is dropped before it is read; subscribers have buckets of their own, so that
    strangers on new ports can't crowd them out.
    """

    def __init__(self) -> None:
        self._known = RateLimit(SENDER_RATE, SENDER_BURST)
        self._unknown = RateLimit(SENDER_RATE, SENDER_BURST)
        self._together = RateLimit(UNKNOWN_RATE, UNKNOWN_BURST)
        self._reserve = RateLimit(RESERVE_RATE, RESERVE_RATE)

    def look(self, sender: Hashable, is_known: bool, now: float) -> Literal["served", "too fast", "crowded"]:
        """Say whether a datagram is read: not when its sender is too fast, or all strangers together are."""
        own = self._known if is_known else self._unknown
        if not own.has(sender, now):
            return "too fast"
        if is_known or self._together.has(_ALL, now):
            return "served"
        if own.is_rested(sender, now) and self._reserve.has(_ALL, now):
            return "served"
        own.spend(sender, now, 1.0)  # who floods uses up its own, and can't pass for a quiet one
        return "crowded"

    def spend(self, sender: Hashable, is_known: bool, now: float, count: float) -> None:
        """Count messages that were read."""
        (self._known if is_known else self._unknown).spend(sender, now, count)
        if not is_known:
            (self._together if self._together.has(_ALL, now) else self._reserve).spend(_ALL, now, count)
