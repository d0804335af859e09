"""Limit how fast one sender is served."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

__all__ = ["RateLimit"]

MAX_SENDERS = 256
"""Senders that are remembered; the one not seen for longest is forgotten first (and then starts afresh)."""


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

    def allow(self, key: Hashable, now: float) -> bool:
        """Count one action at monotonic time `now`; False when it is one too many."""
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, now)
        self._buckets[key] = bucket
        if len(self._buckets) > MAX_SENDERS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + max(0.0, now - bucket.seen_at) * self._rate)
        bucket.seen_at = now
        if bucket.tokens < 1.0:
            return False
        bucket.tokens -= 1.0
        return True
