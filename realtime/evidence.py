"""Choose the set of sounds that explains what was heard over the last seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.index import Match
from realtime.claims import CANDIDATES, Claims

__all__ = ["Evidence", "Wish"]

TIME_CONSTANT_S = 32.0
"""A song holds its instruments for longer than a window; what a window confuses, others part."""

MEMORY_S = 32.0
STEP_S = 0.5
"""Windows nearer to each other than this say nearly the same: of those before the newest, one is kept."""

DOUBT_WINDOWS = 1.0
"""So many windows without a sound are added to those that speak for it, though no more than came before this one: what
is new has to be heard clearly, what the first window holds shows at once."""

REACH = 0.4
"""Standing below that of a track's best within which a sound may be what it plays."""

WELCOME = 0.25
"""Taste below that of the most welcome within which it may be: of a sound that is skipped now, older windows speak."""

ALIKE = 0.4
"""Of a slot, a sound that claims this part or more of what a chosen one does is like it, and has nothing left there."""

EARLY, SETTLED_S = 0.7, 2.0
"""What has just entered needs this part of the evidence; all of it when it has been followed for so long."""

HELD = 1.25
"""A sound that shows counts as so much more: two that explain nearly as much don't take turns."""

CLOSENESS, USUAL, CLOSE = 3.0, 0.25, 0.5
"""What is right comes closer than what is not: a standing of .1 more makes a sound count a third more, up to the last;
at the second it counts as much as it is heard. Where nothing comes so close, what comes closest does."""

_TINY_S = 1e-6


@dataclass(frozen=True, slots=True)
class Wish:
    """Ask for the sound of one track.

    Attributes:
        first_s: Since when what is heard counts for it.
        matches: What its vector is near to, best first; one at least.
        held: Id of the sound that it shows now, or "".
    """

    first_s: float
    matches: tuple[Match, ...]
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

    def observe(self, slots: Sequence[tuple[float, tuple[Match, ...]]], time_s: float) -> None:
        """Take in one window: presence and matches, best first, of each of its slots."""
        claims = self._claims
        before = claims.times_s
        time_s = max(time_s, before[-1]) if before else time_s
        if len(before) > 1 and before[-1] - before[-2] < STEP_S - _TINY_S:
            claims.drop_newest()
        claims.drop_until(time_s - MEMORY_S)
        claims.put(slots, time_s)

    def choose(
        self, wishes: Sequence[Wish], taken: Iterable[str], least: float, sustain: float
    ) -> tuple[Match | None, ...]:
        """Return the sound of each track, None where too little speaks for any that is left.

        Args:
            wishes: The tracks.
            taken: Sounds that show in any case: they explain their part first.
            least: Share of the windows that have to hold a track's sound of the usual closeness: of those since the
                track began, or of all.
            sustain: Part of it that is enough for the sound that a track shows already.
        """
        chosen: list[Match | None] = [None] * len(wishes)
        taken = tuple(taken)
        names = list(dict.fromkeys([*taken, *(m.sound.id for wish in wishes for m in wish.matches[:CANDIDATES])]))
        if not wishes or not len(self._claims):
            return tuple(chosen)
        column = {name: number for number, name in enumerate(names)}
        weights, allowed, needed = self._asked(wishes, column, least, sustain)
        closest = self._claims.closest(column)
        closeness = np.exp(CLOSENESS * (np.minimum(closest, CLOSE) - min(USUAL, closest.max())))
        allowed, needed = allowed * closeness, needed / closeness
        claims, first_rows = self._claims.table(column, weights[-1], column.keys() - {*taken, *_welcome(wishes)})
        locked = [column[name] for name in taken]
        explained = claims[:, locked].max(axis=1, initial=0.0)
        closed = _closed(claims, explained)
        allowed[:, locked] = 0.0
        while len(claims) and (allowed > 0).any():
            held = 1.0 - np.multiply.reduceat(closed, first_rows, axis=0)  # [windows, sounds]
            shares = weights @ held  # of what was heard since each track began; in the last row of all
            gain = np.maximum(shares[:-1], shares[-1])
            worth = np.where(gain >= needed, gain * allowed, 0.0)
            track, sound = np.unravel_index(int(worth.argmax()), worth.shape)
            if worth[track, sound] <= 0.0:
                break
            matches = wishes[int(track)].matches
            chosen[int(track)] = next(match for match in matches if match.sound.id == names[int(sound)])
            rows = np.flatnonzero(claims[:, sound] > explained)
            explained[rows] = claims[rows, sound]
            closed[rows] = _closed(claims[rows], explained[rows])
            allowed[track], allowed[:, sound] = 0.0, 0.0
        return tuple(chosen)

    def clear(self) -> None:
        """Forget everything."""
        self._claims.clear()

    def _asked(
        self,
        wishes: Sequence[Wish],
        column: Mapping[str, int],
        least: float,
        sustain: float,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
        """Return what each window weighs for each track, in the last row for none, and what a sound counts and needs.

        The weights of a row sum to less than 1 by the doubt; what counts 0 is not allowed.
        """
        windows_s = np.array(self._claims.times_s)
        now = float(windows_s[-1])
        fades = np.exp((windows_s - now) / self._time_constant_s).astype(np.float32)
        weights = np.tile(fades, (len(wishes) + 1, 1))
        allowed, needed = np.zeros((len(wishes), len(column))), np.full((len(wishes), len(column)), least)
        for number, wish in enumerate(wishes):
            age_s = max(0.0, now - wish.first_s)
            bar = least * min(1.0, EARLY + (1.0 - EARLY) * age_s / SETTLED_S)
            weights[number] *= windows_s >= min(wish.first_s, now) - _TINY_S
            near = wish.matches[0].standing - REACH
            welcome = max(match.taste for match in wish.matches) - WELCOME
            for match in wish.matches[:CANDIDATES]:
                if match.taste >= welcome and match.standing >= near:
                    is_held = match.sound.id == wish.held
                    place = number, column[match.sound.id]
                    allowed[place] = HELD if is_held else 1.0
                    needed[place] = bar * (sustain if is_held else 1.0)
        doubt = min(DOUBT_WINDOWS, len(windows_s) - 1.0)
        return weights / (weights.sum(axis=1, keepdims=True) + np.float32(doubt)), allowed, needed


def _closed(claims: NDArray[np.float32], explained: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how likely a slot is not each sound [rows, sounds], where what explains it claims explained[rows]."""
    alike = (claims <= explained[:, None]) & (claims >= ALIKE * explained[:, None])
    return np.float32(1.0) - np.where(alike, np.float32(0.0), claims)


def _welcome(wishes: Sequence[Wish]) -> set[str]:
    """Return the sounds that taste lets at least one of the tracks play."""
    found: set[str] = set()
    for wish in wishes:
        least = max(match.taste for match in wish.matches) - WELCOME
        found.update(match.sound.id for match in wish.matches[:CANDIDATES] if match.taste >= least)
    return found
