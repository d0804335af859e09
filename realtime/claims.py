"""Remember what the slots of single windows say for each sound, and let sounds compete for them.

A slot claims several sounds, for the encoder confuses neighbours. Over a song those that are there are claimed again
and again, and what is confused with them now and then: a slot counts for each of its sounds by how much that one is
heard in all windows (expectation maximisation of the weights of a mixture, Dempster, Laird and Rubin, 1977).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.match import Found

__all__ = ["CANDIDATES", "Claimed", "Claims"]

SHARPNESS = 18.0
"""Of two sounds for one slot, one whose standing is .04 less counts half. (A slot and a sound of one instrument come as
close as .89 at most: see library.encoders.kinds.)"""

RIVALS = 3
"""A sound's share is of the three best for a slot, not of all: in a large library many are nearly the same."""

LIKELY_COSINE, STEEPNESS = 0.27, 13.5
"""Cosine at which a nearest sound is as likely as not what is heard, and how fast that changes around it."""

LEAST_LIKELY = 0.5
"""A small library holds nothing close: the nearest is offered all the same, if it stays the nearest."""

CANDIDATES = 10
"""Sounds of a slot that are remembered, and of a track that are considered."""

STEPS = 3
"""Times that claims are shared out; more change little."""

UNHEARD = 0.1
"""Share of the windows that every sound is taken to be heard in at least: what has just entered competes as well."""

CLOSEST = 4
"""How close a sound comes is the mean of so many windows in which it comes closest: one alone may be luck."""

NUMBERS_KEPT = 8192
"""Sounds that may have a number, more than all windows hold; beyond, those that no window holds lose theirs."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Hold what is claimed for the sounds that are asked for.

    Attributes:
        slot: [claims] which slot each is of, of so many ...
        slots: ... in all windows.
        place: [claims] the column of its sound times the number of windows, plus its window, from the oldest on.
        sound: [claims] the column of its sound.
        claim: [claims] what it comes to when those of a slot compete.
        closest: [sounds] how near to what is heard each comes where it comes nearest: a standing, 0 at least.
    """

    slot: NDArray[np.int64]
    slots: int
    place: NDArray[np.int64]
    sound: NDArray[np.int64]
    claim: NDArray[np.float32]
    closest: NDArray[np.float32]


class Claims:
    """Hold the claims of windows one after the other, in one piece of memory each kind.

    A slot claims a sound by its presence, times the sound's share in the slot's best, times how likely a sound of this
    cosine is right.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._times_s: list[float] = []
        self._slots: list[int] = []  # of each window, 1 at least
        self._counts: list[int] = []  # claims of each window
        self._slot = self._sound = np.zeros(0, np.int64)  # [claims] counted from the first slot kept; number of a sound
        self._claim = np.zeros(0)
        self._standing = np.zeros(0, np.float32)  # [claims] 0 where another slot of the window is nearer to the sound
        self._whole = np.zeros(0)  # [slots] what each has to give
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._times_s)

    @property
    def times_s(self) -> Sequence[float]:
        """End of each window, oldest first."""
        return self._times_s

    def put(self, presence: Sequence[float], found: Found, time_s: float) -> None:
        """Add a window: presence and matches of each of its slots."""
        found = found.part(slice(None), CANDIDATES)
        there = found.which >= 0
        named = np.flatnonzero(there.any(axis=1))
        claims = _claims(np.reshape(presence, len(found))[named], found.part(named))
        slot, which = np.nonzero(there[named])[0], found.which[there]
        standing = found.standing[there].astype(np.float32)
        numbers = self._numbers
        for number in np.unique(which).tolist():
            numbers.setdefault(found.sounds[number].id, len(numbers))
        sound = np.array([numbers.get(sound.id, -1) for sound in found.sounds], np.int64)[which]
        closest = np.zeros(len(numbers), np.float32)
        np.maximum.at(closest, sound, standing)
        self._slot = np.concatenate([self._slot, slot + len(self._whole)])
        self._sound = np.concatenate([self._sound, sound])
        self._claim = np.concatenate([self._claim, claims[there[named]]])
        self._standing = np.concatenate([self._standing, np.where(standing == closest[sound], standing, np.float32(0))])
        self._whole = np.concatenate([self._whole, claims[:, :RIVALS].sum(axis=1) if len(claims) else [0.0]])
        self._times_s.append(time_s)
        self._slots.append(max(1, len(claims)))
        self._counts.append(len(sound))
        if len(numbers) > NUMBERS_KEPT:
            self._renumber()

    def drop_newest(self) -> None:
        """Forget the newest window."""
        self._keep(slice(-self._counts[-1] or None), slice(-self._slots[-1]), slice(-1))

    def drop_until(self, time_s: float) -> None:
        """Forget windows that ended by then."""
        old = sum(time <= time_s for time in self._times_s)
        if old:
            self._keep(slice(sum(self._counts[:old]), None), slice(sum(self._slots[:old]), None), slice(old, None))

    def shared_out(
        self, column: Mapping[str, int], weights: NDArray[np.float32], without: Collection[str] = ()
    ) -> Claimed:
        """Return what is claimed for sounds when those of each slot compete.

        Args:
            column: Of each sound that is asked for, from 0 up.
            weights: [windows] how much each counts for how much a sound is heard.
            without: Sounds that don't compete; what they claim is left to others.
        """
        out = [self._numbers[name] for name in without if name in self._numbers]
        claim = self._competing(np.repeat(weights, self._counts), out)
        column_of = np.full(len(self._numbers), -1)
        for name in column.keys() & self._numbers.keys():
            column_of[self._numbers[name]] = column[name]
        columns = column_of.take(self._sound)
        asked = np.flatnonzero(columns >= 0)
        sound = columns[asked]
        windows = len(self._counts)
        place = windows * sound + np.repeat(np.arange(windows), self._counts)[asked]
        near, standing = np.zeros(len(column) * windows, np.float32), self._standing[asked]
        best = np.flatnonzero(standing)
        near[place[best]] = np.maximum(standing[best], np.float32(0.0))
        least = windows - min(CLOSEST, windows)
        closest = np.partition(near.reshape(-1, windows), least, axis=1)[:, least:].mean(axis=1)
        return Claimed(self._slot[asked], len(self._whole), place, sound, claim[asked].astype(np.float32), closest)

    def _competing(self, weights: NDArray[np.float32], out: list[int]) -> NDArray[np.float64]:
        """Return what each claim comes to when those of a slot compete; weights[claims] are those of its window."""
        claim = np.where(np.isin(self._sound, out), 0.0, self._claim) if out else self._claim
        shared = claim
        for _ in range(STEPS):
            heard = np.bincount(self._sound, weights * shared, minlength=len(self._numbers))
            shared = claim * (heard + UNHEARD).take(self._sound)
            given = np.bincount(self._slot, shared, minlength=len(self._whole))
            shared *= (self._whole / np.maximum(given, 1e-12)).take(self._slot)
        return shared

    def _keep(self, claims: slice, slots: slice, windows: slice) -> None:
        self._slot, self._sound, self._claim = self._slot[claims], self._sound[claims], self._claim[claims]
        self._standing = self._standing[claims]
        self._slot = self._slot - (slots.start or 0)
        self._whole = self._whole[slots]
        self._times_s, self._slots, self._counts = self._times_s[windows], self._slots[windows], self._counts[windows]

    def _renumber(self) -> None:
        names = list(self._numbers)
        used, self._sound = np.unique(self._sound, return_inverse=True)
        self._numbers = {names[old]: new for new, old in enumerate(used.tolist())}


def _claims(presence: NDArray[np.float64], found: Found) -> NDArray[np.float64]:
    """Return what slots of a presence[n] say for each of their matches [n, k], one each at least; 0 behind the last."""
    standing = found.standing
    near = np.where(found.which >= 0, np.exp(SHARPNESS * (standing - standing[:, :1])), 0.0)
    likely = 1.0 / (1.0 + np.exp(-STEEPNESS * (found.score[:, :1] - LIKELY_COSINE)))
    rivals = near[:, :RIVALS].sum(axis=1, keepdims=True)
    return np.asarray(np.minimum(1.0, presence)[:, None] * np.maximum(LEAST_LIKELY, likely) / rivals * near)
