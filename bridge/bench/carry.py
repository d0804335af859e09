"""Carry buses in real time, more and more of them, until a hop is missed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Due", "Trial", "Work", "most_buses", "run_trial"]

MOST_AT_ONCE = 16
"""Windows that are taken together when several buses are due: one forward pass of the encoder."""

NEAR = 0.05
"""The search ends when the last number that missed a hop is so little above the most that missed none."""

_NAP_S = 0.0005


@dataclass(frozen=True, slots=True)
class Due:
    """Name one window that is due: which bus, which hop."""

    bus: int
    hop: int


Work = Callable[[Sequence[Due]], None]
"""Take some windows from the bus to their datagrams."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Hold one stretch of real time.

    Attributes:
        buses: How many were carried.
        windows: Windows that were heard.
        missed_hops: Hops that were passed over; the first ends the trial.
        p50_ms: Median from the moment a window is complete to its datagrams.
        p99_ms: 99th percentile.
    """

    buses: int
    windows: int
    missed_hops: int
    p50_ms: float
    p99_ms: float


def run_trial(work: Work, buses: int, hop_s: float, seconds: float, at_once: int = MOST_AT_ONCE) -> Trial:
    """Carry buses in real time; the newest window wins, as live, and a hop that it passes over ends the trial.

    Args:
        work: Takes windows that are due.
        buses: How many.
        hop_s: Time between two windows of a bus.
        seconds: Length of the trial.
        at_once: Most windows that `work` takes together.
    """
    begun = time.monotonic() + hop_s
    done_ms: list[float] = []
    next_hop = [0] * buses  # of each bus
    turn = 0  # the bus that is due next: they are due in their order, again and again
    while True:
        now = time.monotonic()
        taken: list[Due] = []
        while len(taken) < at_once:
            due_s = begun + (next_hop[turn] + turn / buses) * hop_s
            if due_s > now:
                break
            if now - due_s >= hop_s:
                return _trial(buses, done_ms, 1)
            taken.append(Due(turn, next_hop[turn]))
            next_hop[turn] += 1
            turn = (turn + 1) % buses
        if not taken:
            if now - begun > seconds:
                return _trial(buses, done_ms, 0)
            time.sleep(_NAP_S)
            continue
        work(taken)
        ended = time.monotonic()
        done_ms += [(ended - begun - (one.hop + one.bus / buses) * hop_s) * 1e3 for one in taken]


def most_buses(carries: Callable[[int], bool], guess: int) -> int:
    """Return the most buses that are carried: doubled from a guess until one is not, then halved in.

    Args:
        carries: Tries a number, from 1.
        guess: Where to begin, from 1.
    """
    low, high = 0, guess
    while carries(high):
        low, high = high, 2 * high
    while high - low > max(1, NEAR * low):
        middle = (low + high) // 2
        if carries(middle):
            low = middle
        else:
            high = middle
    return low


def _trial(buses: int, done_ms: Sequence[float], missed_hops: int) -> Trial:
    p50, p99 = np.percentile(done_ms, [50, 99]) if done_ms else (0.0, 0.0)
    return Trial(buses, len(done_ms), missed_hops, float(p50), float(p99))
