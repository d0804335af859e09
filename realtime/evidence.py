"""Choose the set of sounds that explains what was heard over the last seconds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.match import Found
from realtime.claims import CANDIDATES, Claimed, Claims

__all__ = ["Evidence", "Wish"]

TIME_CONSTANT_S = 32.0
"""A song holds its instruments for longer than a window; what a window confuses, others part."""

MEMORY_S = 32.0
STEP_S = 0.5
"""Windows nearer to each other than this say nearly the same: of those before the newest, one is kept."""

DOUBT_WINDOWS = 1.0
"""So many windows without a sound are added to those that speak for it, though no more than came before this one: what
is new has to be heard clearly, what the first window holds shows at once."""

REACH = 0.35
"""Standing below that of a track's best within which a sound may be what it plays."""

WELCOME = 0.25
"""Taste below that of the most welcome within which it may be: of a sound that is skipped now, older windows speak."""

ALIKE = 0.4
"""Of a slot, a sound that claims this part or more of what a chosen one does is like it, and has nothing left there."""

EARLY, SETTLED_S = 0.7, 2.0
"""What has just entered needs this part of the evidence; all of it when it has been followed for so long."""

HELD = 1.25
"""A sound that shows counts as so much more: two that explain nearly as much don't take turns."""

CLOSENESS, USUAL, CLOSE = 3.4, 0.22, 0.44
"""What is right comes closer than what is not: a standing of .1 more makes a sound count two fifths more, up to the
last; at the second it counts as much as it is heard. Where nothing comes so close, what comes closest does."""

SUREST = np.float32(1.0 - 1e-6)
"""A claim counts as this at most: its logarithm stays finite."""

_TINY_S = 1e-6


@dataclass(frozen=True, slots=True)
class Wish:
    """Ask for the sound of one track.

    Attributes:
        first_s: Since when what is heard counts for it.
        held: Id of the sound that it shows now, or "".
    """

    first_s: float
    held: str = ""


class Evidence:
    """Remember what single windows say for each sound, and choose few sounds that explain most of it.

    A window holds a sound as surely as at least one of its slots is it, and for each slot sounds compete (see
    realtime.claims): what the encoder confuses in one window it gets right in others. Sounds are chosen one by one,
    each by the share of windows that hold it and by how close it comes, slots in which an earlier one is like it left
    out: a copy of what is chosen adds nothing.
    """

    def __init__(self, time_constant_s: float = TIME_CONSTANT_S) -> None:
        self._time_constant_s = time_constant_s
        self._claims = Claims()

    def observe(self, presence: Sequence[float], found: Found, time_s: float) -> None:
        """Take in one window: presence and matches of each of its slots."""
        claims = self._claims
        before = claims.times_s
        time_s = max(time_s, before[-1]) if before else time_s
        if len(before) > 1 and before[-1] - before[-2] < STEP_S - _TINY_S:
            claims.drop_newest()
        claims.drop_until(time_s - MEMORY_S)
        claims.put(presence, found, time_s)

    def choose(
        self, wishes: Sequence[Wish], found: Found, taken: Iterable[str], least: float, sustain: float
    ) -> tuple[int | None, ...]:
        """Return the place of each track's sound among its matches, None where too little speaks for any that is left.

        Args:
            wishes: The tracks.
            found: What the vector of each is near to.
            taken: Sounds that show in any case: they explain their part first.
            least: Share of the windows that have to hold a track's sound of the usual closeness: of those since the
                track began, or of all.
            sustain: Part of it that is enough for the sound that a track shows already.
        """
        chosen: list[int | None] = [None] * len(wishes)
        asked = _Asked(found, tuple(taken))
        if not asked.there.any() or not len(self._claims):
            return tuple(chosen)
        weights = self._weights(wishes)
        allowed, needed = self._allowed(wishes, asked, least, sustain)
        claimed = self._claims.shared_out(asked.column, weights[-1], asked.unwelcome())
        closest = claimed.closest
        closeness = np.exp(CLOSENESS * (np.minimum(closest, CLOSE) - min(USUAL, closest.max())))
        allowed, needed = allowed * closeness, needed / closeness
        explained = _Explained(claimed)
        for name in asked.taken:
            explained.by(asked.column[name])
            allowed[:, asked.column[name]] = 0.0
        while True:
            shares = weights @ explained.held(weights.shape[1]).T  # since each track began; in the last row of all
            gain = np.maximum(shares[:-1], shares[-1])
            worth = np.where(gain >= needed, gain * allowed, 0.0)
            track, sound = divmod(int(worth.argmax()), len(asked.column))
            if worth[track, sound] <= 0.0:
                return tuple(chosen)
            chosen[track] = int(np.flatnonzero(asked.columns[track] == sound)[0])
            explained.by(sound)
            allowed[track], allowed[:, sound] = 0.0, 0.0

    def clear(self) -> None:
        """Forget everything."""
        self._claims.clear()

    def _weights(self, wishes: Sequence[Wish]) -> NDArray[np.float32]:
        """Return what each window weighs for each track, in the last row for none; rows sum to less than 1 by doubt."""
        windows_s = np.array(self._claims.times_s)
        now = float(windows_s[-1])
        fades = np.exp((windows_s - now) / self._time_constant_s).astype(np.float32)
        since_s = np.array([*(min(wish.first_s, now) for wish in wishes), -np.inf])
        weights = np.where(windows_s >= since_s[:, None] - _TINY_S, fades, np.float32(0.0))
        doubt = np.float32(min(DOUBT_WINDOWS, len(windows_s) - 1.0))
        return np.asarray(weights / (weights.sum(axis=1, keepdims=True) + doubt))

    def _allowed(
        self, wishes: Sequence[Wish], asked: _Asked, least: float, sustain: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what each sound counts for each track, 0 where it is not allowed, and what it needs."""
        allowed, needed = np.zeros((2, len(wishes), len(asked.column)))
        age_s = np.maximum(0.0, self._claims.times_s[-1] - np.array([wish.first_s for wish in wishes]))
        needed[:] = (least * np.minimum(1.0, EARLY + (1.0 - EARLY) * age_s / SETTLED_S))[:, None]
        tracks, places = np.nonzero(asked.welcome & (asked.standing >= asked.standing[:, :1] - REACH))
        allowed[tracks, asked.columns[tracks, places]] = 1.0
        for track, wish in enumerate(wishes):
            held = asked.column.get(wish.held)
            if held is not None and allowed[track, held]:
                allowed[track, held] = HELD
                needed[track, held] *= sustain
        return allowed, needed


class _Asked:
    """Hold what tracks ask for.

    Attributes:
        column: Of each sound that is asked for or taken, by its id.
        columns: [tracks, places] column of each candidate ...
        there: ... where there is one ...
        standing: ... how near it is ...
        welcome: ... and whether taste lets the track play it.
        taken: Sounds that show in any case.
    """

    def __init__(self, found: Found, taken: tuple[str, ...]) -> None:
        first = found.part(slice(None), CANDIDATES)
        self.taken, self.there, self.standing = taken, first.which >= 0, first.standing
        numbers = np.unique(first.which[self.there])
        names = [found.sounds[number].id for number in numbers.tolist()]
        self.column = {name: place for place, name in enumerate(dict.fromkeys([*names, *taken]))}
        self.columns = np.where(self.there, np.searchsorted(numbers, first.which), -1)
        least = found.taste.max(axis=1, initial=-np.inf, where=found.which >= 0, keepdims=True) - WELCOME
        self.welcome = self.there & (first.taste >= least)

    def unwelcome(self) -> Collection[str]:
        """Return the sounds that no track may play."""
        played = set(self.columns[self.welcome].tolist())
        return [name for name, place in self.column.items() if place not in played and name not in self.taken]


class _Explained:
    """Know what of each slot is explained by sounds that are chosen, and what speaks for others."""

    def __init__(self, claimed: Claimed) -> None:
        self._claimed = claimed
        self._by_slot = np.zeros(claimed.slots, np.float32)
        self._missed = np.log1p(-np.minimum(claimed.claim, SUREST))  # logarithm of how likely a slot is not its sound

    def by(self, sound: int) -> None:
        """Let a sound explain what it claims."""
        claimed = self._claimed
        claims = np.flatnonzero(claimed.sound == sound)  # one a slot
        slots = claimed.slot[claims]
        self._by_slot[slots] = np.maximum(self._by_slot[slots], claimed.claim[claims])

    def held(self, windows: int) -> NDArray[np.float32]:
        """Return how likely at least one slot of each window is each sound [sounds, windows], by what is left."""
        claim, explained = self._claimed.claim, self._by_slot.take(self._claimed.slot)
        alike = (claim <= explained) & (claim >= np.float32(ALIKE) * explained)
        sounds = len(self._claimed.closest)
        missed = np.bincount(self._claimed.place, np.where(alike, np.float32(0.0), self._missed), windows * sounds)
        return np.float32(1.0) - np.exp(missed.astype(np.float32)).reshape(sounds, windows)
