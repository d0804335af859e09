"""Choose the set of sounds that explains what was heard over the last seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from library.index import Match

__all__ = ["Evidence", "Wish"]

TIME_CONSTANT_S = 32.0
"""A song holds its instruments for longer than a window; what a window confuses, others part."""

MEMORY_S = 32.0
STEP_S = 0.5
"""Windows nearer to each other than this say nearly the same: of those before the newest, one is kept."""

DOUBT_WINDOWS = 1.0
"""So many windows without a sound are added to those that speak for it, though no more than came before this one: what
is new has to be heard clearly, what the first window holds shows at once."""

SHARPNESS = 12.0
"""Of two sounds for one slot, one whose standing is .06 less counts half."""

RIVALS = 3
"""A sound's share is of the three best for a slot, not of all: in a large library many are nearly the same."""

LIKELY_COSINE, STEEPNESS = 0.3, 12.0
"""Cosine at which a nearest sound is as likely as not what is heard, and how fast that changes around it."""

LEAST_LIKELY = 0.5
"""A small library holds nothing close: the nearest is offered all the same, if it stays the nearest."""

REACH = 0.4
"""Standing below that of a track's best within which a sound may be what it plays."""

WELCOME = 0.25
"""Taste below that of the most welcome within which it may be: of a sound that is skipped now, older windows speak."""

CANDIDATES = 10
"""Sounds of a slot that are remembered, and of a track that are considered."""

NUMBERS_KEPT = 8192
"""Sounds that may have a number, more than all windows hold; beyond, those that no window holds lose theirs."""

EARLY, SETTLED_S = 0.7, 2.0
"""What has just entered needs this part of the evidence; all of it when it has been followed for so long."""

HELD = 1.25
"""A sound that shows counts as so much more: two that explain nearly as much don't take turns."""

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


@dataclass(frozen=True, slots=True)
class _Heard:
    """Hold the claims of one window's slots, one after the other: slot[n], sound[n] (its number), claim[n]."""

    time_s: float
    slots: int
    slot: NDArray[np.int64]
    sound: NDArray[np.int64]
    claim: NDArray[np.float64]


class Evidence:
    """Remember what single windows say for each sound, and choose few sounds that explain most of it.

    A slot of a window claims a sound by its presence, times the sound's share in the slot's best, times how likely a
    sound of this cosine is right; a window holds a sound as surely as at least one of its slots is it. Sounds are
    chosen one by one, each by the share of windows that hold it, slots that an earlier one claims more left out: a
    sound that is second best for what another explains adds nothing, and what the encoder confuses in one window it
    gets right in others.
    """

    def __init__(self, time_constant_s: float = TIME_CONSTANT_S) -> None:
        self._time_constant_s = time_constant_s
        self._windows: list[_Heard] = []
        self._numbers: dict[str, int] = {}

    def observe(self, slots: Sequence[tuple[float, tuple[Match, ...]]], time_s: float) -> None:
        """Take in one window: presence and matches, best first, of each of its slots."""
        windows = self._windows
        time_s = max(time_s, windows[-1].time_s) if windows else time_s
        if len(windows) > 1 and windows[-1].time_s - windows[-2].time_s < STEP_S - _TINY_S:
            windows.pop()
        claims = [_claims(presence, matches) for presence, matches in slots if matches]
        slot = np.repeat(np.arange(len(claims)), [len(row) for row in claims])
        sound = [self._numbers.setdefault(name, len(self._numbers)) for row in claims for name in row]
        claim = [value for row in claims for value in row.values()]
        windows.append(_Heard(time_s, max(1, len(claims)), slot, np.array(sound, np.int64), np.array(claim)))
        self._windows = [window for window in windows if window.time_s > time_s - MEMORY_S]
        if len(self._numbers) > NUMBERS_KEPT:
            self._renumber()

    def choose(
        self, wishes: Sequence[Wish], taken: Iterable[str], least: float, sustain: float
    ) -> tuple[Match | None, ...]:
        """Return the sound of each track, None where too little speaks for any that is left.

        Args:
            wishes: The tracks.
            taken: Sounds that show in any case: they explain their part first.
            least: Share of the windows that have to hold a track's sound: of those since the track began, or of all.
            sustain: Part of it that is enough for the sound that a track shows already.
        """
        chosen: list[Match | None] = [None] * len(wishes)
        taken = tuple(taken)
        names = list(dict.fromkeys([*taken, *(m.sound.id for wish in wishes for m in wish.matches[:CANDIDATES])]))
        if not wishes or not self._windows:
            return tuple(chosen)
        column = {name: number for number, name in enumerate(names)}
        claims, first_rows = self._table(column)
        weights, allowed, needed = self._asked(wishes, column, least, sustain)
        explained = claims[:, [column[name] for name in taken]].max(axis=1, initial=0.0)
        while len(claims) and (allowed > 0).any():
            open_claims = np.where(claims > explained[:, None], claims, 0.0)
            held = 1.0 - np.multiply.reduceat(1.0 - open_claims, first_rows, axis=0)  # [windows, sounds]
            shares = weights @ held  # of what was heard since each track began; in the last row of all
            gain = np.maximum(shares[:-1], shares[-1])
            worth = np.where(gain >= needed, gain * allowed, 0.0)
            track, sound = np.unravel_index(int(worth.argmax()), worth.shape)
            if worth[track, sound] <= 0.0:
                break
            matches = wishes[int(track)].matches
            chosen[int(track)] = next(match for match in matches if match.sound.id == names[int(sound)])
            explained = np.maximum(explained, claims[:, sound])
            allowed[track], allowed[:, sound] = 0.0, 0.0
        return tuple(chosen)

    def clear(self) -> None:
        """Forget everything."""
        self._windows.clear()
        self._numbers.clear()

    def _renumber(self) -> None:
        names = list(self._numbers)
        used = np.unique(np.concatenate([window.sound for window in self._windows]))
        place = np.zeros(len(names), np.int64)
        place[used] = np.arange(len(used))
        self._windows = [replace(window, sound=place[window.sound]) for window in self._windows]
        self._numbers = {names[old]: new for new, old in enumerate(used.tolist())}

    def _table(self, column: Mapping[str, int]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return claims[rows, sounds], one row a slot and at least one a window, and the first row of each window."""
        windows = self._windows
        first_rows = np.cumsum([0, *(window.slots for window in windows)])
        column_of = np.full(len(self._numbers), -1)
        for name in column.keys() & self._numbers.keys():
            column_of[self._numbers[name]] = column[name]
        rows = np.concatenate([window.slot + first for window, first in zip(windows, first_rows, strict=False)])
        columns = column_of[np.concatenate([window.sound for window in windows])]
        asked = columns >= 0
        claims = np.zeros((first_rows[-1], len(column)))
        claims[rows[asked], columns[asked]] = np.concatenate([window.claim for window in windows])[asked]
        return claims, first_rows[:-1]

    def _asked(
        self,
        wishes: Sequence[Wish],
        column: Mapping[str, int],
        least: float,
        sustain: float,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what each window weighs for each track, in the last row for none, and what a sound counts and needs.

        The weights of a row sum to less than 1 by the doubt; what counts 0 is not allowed.
        """
        now = self._windows[-1].time_s
        windows_s = np.array([window.time_s for window in self._windows])
        fades = np.exp((windows_s - now) / self._time_constant_s)
        weights = np.tile(fades, (len(wishes) + 1, 1))
        allowed, needed = np.zeros((len(wishes), len(column))), np.full((len(wishes), len(column)), least)
        for number, wish in enumerate(wishes):
            age_s = max(0.0, now - wish.first_s)
            bar = least * min(1.0, EARLY + (1.0 - EARLY) * age_s / SETTLED_S)
            weights[number] *= windows_s >= min(wish.first_s, now) - _TINY_S
            near = max(match.standing for match in wish.matches) - REACH
            welcome = max(match.taste for match in wish.matches) - WELCOME
            for match in wish.matches[:CANDIDATES]:
                if match.standing >= near and match.taste >= welcome:
                    is_held = match.sound.id == wish.held
                    allowed[number, column[match.sound.id]] = HELD if is_held else 1.0
                    needed[number, column[match.sound.id]] = bar * (sustain if is_held else 1.0)
        doubt = min(DOUBT_WINDOWS, len(windows_s) - 1.0)
        return weights / (weights.sum(axis=1, keepdims=True) + doubt), allowed, needed


def _claims(presence: float, matches: tuple[Match, ...]) -> dict[str, float]:
    """Return what one slot says for each of its best sounds."""
    best = matches[0]
    near = [math.exp(SHARPNESS * (match.standing - best.standing)) for match in matches[:CANDIDATES]]
    likely = 1.0 / (1.0 + math.exp(-STEEPNESS * (best.score - LIKELY_COSINE)))
    whole = min(1.0, presence) * max(LEAST_LIKELY, likely) / sum(near[:RIVALS])
    return {match.sound.id: whole * share for match, share in zip(matches, near, strict=False)}
