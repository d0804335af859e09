"""Decide which windows are heard in full where hops are short.

A window moves on by a fiftieth of its length in a tenth of a second: hearing all of it again says nearly the same. What
may have changed is its newest part, and that is heard by itself, in a third of the time, as soon as enough is new.
"""

from __future__ import annotations

from realtime.gate import REST_S

__all__ = ["FULL_S", "GLANCE_S", "Pace"]

FULL_S = 0.5
"""Every window is heard in full that ends so long after the last that was."""

GLANCE_S = 0.25
"""The newest part is heard by itself in windows that end so long after the last that anything was heard in."""

_TINY_S = 1e-6


class Pace:
    """Remember when a window was last heard in full, and when its newest part was."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Hear the next window in full."""
        self._full_s = self._glanced_s = float("-inf")

    def is_due(self, time_s: float, rest_s: float = 0.0) -> bool:
        """Tell whether a window that ends then is heard in full whatever it holds.

        Args:
            time_s: Its end.
            rest_s: How long its end is silent. If all that sounds in it was heard in full, it says nothing new.
        """
        if rest_s >= REST_S and time_s - rest_s <= self._full_s + _TINY_S:
            return False
        return not 0.0 <= time_s - self._full_s < FULL_S - _TINY_S

    def heard(self, time_s: float) -> None:
        """Take in that a window that ends then was heard in full."""
        self._full_s = self._glanced_s = time_s

    def glance(self, time_s: float) -> bool:
        """Tell whether the newest part of a window that ends then is to be heard by itself, which counts as done."""
        if time_s - self._glanced_s < GLANCE_S - _TINY_S:
            return False
        self._glanced_s = time_s
        return True
