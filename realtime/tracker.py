"""Keep suggestions stable from window to window."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from library.match import Found, Match
from realtime.evidence import Evidence, Wish
from realtime.ranking import dedupe, melodic, refresh
from realtime.types import Suggestion

__all__ = ["Tracker", "TrackerConfig", "untracked"]


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    """Set the tracker.

    Attributes:
        threshold: Presence from which a slot counts as heard (a hit).
        top_k: Sounds in a suggestion.
        trigger_hits: Hits that make a track appear ...
        trigger_windows: ... out of so many newest windows. What the first hit is worth, the evidence says.
        refractory_s: A track disappears when it was not heard for that long; shorter rests do not flicker.
        sustain_ratio: A track that shows is kept by a presence of this part of the threshold (hysteresis).
        match_cosine: Least cosine between a track and a slot that carries it on. Windows overlap by nine tenths, so the
            same instrument stays far above; different instruments of one family reach about this.
        average_s: Time constant of the exponential average of embeddings and presence.
        least_evidence: Share of the windows that have to hold a track's sound for it to show, a little less at first
            and where it comes close; see `realtime.evidence`. In a library of many that are alike a sound's share of a
            clear slot is a third.
            0 = each track shows its nearest.
        sustain_evidence: A sound that shows is kept by this part of least_evidence (hysteresis).
        switch_margin: Sounds below the best keep their order until another beats them by this cosine.
        merge: Without tracking, show slots that name the same best sound as one.
        max_tracks: Bound on tracks, shown or not; the weakest goes.
    """

    threshold: float
    top_k: int = 5
    trigger_hits: int = 1
    trigger_windows: int = 3
    refractory_s: float = 2.0
    sustain_ratio: float = 0.3
    match_cosine: float = 0.7
    average_s: float = 4.0
    least_evidence: float = 0.18
    sustain_evidence: float = 0.45
    switch_margin: float = 0.03
    merge: bool = True
    max_tracks: int = 18

    @property
    def sustain(self) -> float:
        """Presence that is enough for what shows."""
        return self.threshold * self.sustain_ratio

    def each_slot(self) -> TrackerConfig:
        """Return a configuration that shows every slot of every window, with stable numbers."""
        return replace(self, threshold=0.0, trigger_hits=1, refractory_s=0.0, least_evidence=0.0, merge=False)


@dataclass(slots=True, eq=False)  # two tracks are never the same one
class _Track:
    """Follow one instrument."""

    vector: NDArray[np.float32]  # [D] unit norm
    presence: float
    first_s: float
    since_s: float  # windows before say nothing for its sound
    heard_s: float  # end of the last window that carried it on
    updated_s: float
    hits: deque[bool]  # over the newest windows
    slot: int = 0  # 0 = does not show yet
    locked: bool = False
    matches: tuple[Match, ...] = field(default=())

    def hear(self, vector: NDArray[np.float32], presence: float, hit: bool, time_s: float, average_s: float) -> None:
        """Take in one slot of a window."""
        weight = 1.0 - math.exp((self.updated_s - time_s) / average_s)
        mean = np.float32(1.0 - weight) * self.vector + np.float32(weight) * vector
        self.vector = np.asarray(mean / max(math.sqrt(mean @ mean), 1e-9), np.float32)
        self.presence += weight * (presence - self.presence)
        self.heard_s = self.updated_s = time_s
        self.hits.append(hit)

    def lost(self, found: Found, query: int) -> bool:
        """Tell whether the sound that it shows was skipped, or is no longer among what it is near to."""
        held = self.matches[0] if self.slot else None
        place = found.place(query, held.sound.id) if held else None
        return held is not None and (place is None or float(found.taste[query, place]) < held.taste)

    def miss(self, time_s: float, average_s: float) -> None:
        """Take in a window in which it was not heard."""
        self.presence *= math.exp((self.updated_s - time_s) / average_s)
        self.updated_s = time_s
        self.hits.append(False)


class Tracker:
    """Match slots from window to window; driven by window times alone, without a clock or randomness.

    One window takes two calls, with the library looked up between them: `observe` hands out the averaged vectors,
    `settle` takes their matches. Not thread-safe; the engine holds a lock around it.
    """

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._tracks: list[_Track] = []
        self._asked: list[_Track] = []
        self._heard: list[float] = []
        self._evidence = Evidence()
        self._windows = 0
        self._time_s = 0.0

    def observe(
        self, vectors: NDArray[np.float32], presence: NDArray[np.float32], time_s: float
    ) -> NDArray[np.float32]:
        """Take in what one window held.

        Args:
            vectors: [K, D] float32, unit norm.
            presence: [K], 0..1.
            time_s: End of the window; must not go back.

        Returns:
            Vectors[N, D] to look up, for `settle`: averaged ones of tracks, then those of this window's slots.
        """
        config = self._config
        self._windows += 1
        self._time_s = time_s
        heard = np.flatnonzero(presence >= config.sustain)
        taken = self._assign(vectors[heard])
        for number, track in enumerate(self._tracks):
            if number in taken:
                slot = heard[taken[number]]
                hit = bool(presence[slot] >= config.threshold)
                track.hear(vectors[slot], float(presence[slot]), hit, time_s, config.average_s)
            else:
                track.miss(time_s, config.average_s)
        used = set(taken.values())
        for place, slot in enumerate(heard):
            if place not in used and presence[slot] >= config.threshold:
                self._tracks.append(self._new(vectors[slot], float(presence[slot])))
        self._expire()
        self._asked = [track for track in self._tracks if not track.locked and (track.slot or self._due(track))]
        self._heard = presence[heard].tolist()
        return np.concatenate(
            [np.reshape([track.vector for track in self._asked], (-1, vectors.shape[1])), vectors[heard]],
            dtype=np.float32,
        )

    def settle(self, found: Found) -> tuple[Suggestion, ...]:
        """Take the sounds near the vectors that `observe` handed out and return what is heard now, by slot."""
        config, found = self._config, melodic(found)
        asked, self._asked = self._asked, []
        self._evidence.observe(self._heard, found.part(slice(len(asked), None)), self._time_s)
        found = found.part(slice(len(asked)))
        for query, track in enumerate(asked):
            if track.lost(found, query):
                track.since_s = self._time_s
        if config.least_evidence:
            wishes = [Wish(track.since_s, _best_id(track) if track.slot else "") for track in asked]
            locked = [_best_id(track) for track in self._shown() if track.locked]
            chosen = self._evidence.choose(wishes, found, locked, config.least_evidence, config.sustain_evidence)
        else:
            chosen = tuple(None if found.best(query) is None else 0 for query in range(len(asked)))
        for query, (track, place) in enumerate(zip(asked, chosen, strict=True)):
            if place is None:
                track.slot = 0
                continue
            matches = found.row(query)
            matches = (matches[place], *matches[:place], *matches[place + 1 :])
            held = track.matches if track.slot and _best_id(track) == matches[0].sound.id else ()
            track.matches = refresh(held, matches, config.top_k, config.switch_margin)
            track.slot = track.slot or self._free_slot()
        self._share_presence(asked, found)
        return self.suggestions()

    def silence(self, time_s: float) -> tuple[Suggestion, ...]:
        """Take in a silent window: only locked tracks stay."""
        self._windows += 1
        self._time_s = time_s
        self._tracks = [track for track in self._tracks if track.locked]
        self._evidence.clear()
        for track in self._tracks:
            track.miss(time_s, self._config.average_s)
        return self.suggestions()

    def rest(self, time_s: float) -> tuple[Suggestion, ...]:
        """Let time pass over a window that says nothing, good or bad: tracks hold for the refractory time."""
        self._time_s = max(self._time_s, time_s)
        self._expire()
        return self.suggestions()

    def suggestions(self) -> tuple[Suggestion, ...]:
        """Return what shows now, by slot."""
        now = self._time_s
        return tuple(
            Suggestion(track.slot, track.matches, min(1.0, track.presence), now - track.first_s, track.locked)
            for track in self._shown()
        )

    def lock(self, slot: int, locked: bool = True) -> bool:
        """Keep a slot as it is, or let it go again; False when there is no such slot."""
        for track in self._shown():
            if track.slot == slot:
                track.locked = locked
                return True
        return False

    def reset(self) -> None:
        """Forget everything, locked slots included."""
        self._tracks.clear()
        self._asked.clear()
        self._evidence.clear()
        self._windows, self._time_s = 0, 0.0

    def _assign(self, vectors: NDArray[np.float32]) -> dict[int, int]:
        """Pair tracks with vectors[N, D] so that their cosines add up to the most; pairs too far apart stay single."""
        from scipy.optimize import linear_sum_assignment

        if not self._tracks or len(vectors) == 0:
            return {}
        cosine = np.stack([track.vector for track in self._tracks]) @ vectors.T
        near = cosine >= self._config.match_cosine
        # A pair that may not be made must not pull the others apart: it is worth nothing.
        rows, columns = linear_sum_assignment(np.where(near, cosine, 0.0), maximize=True)
        return {int(row): int(column) for row, column in zip(rows, columns, strict=True) if near[row, column]}

    def _new(self, vector: NDArray[np.float32], presence: float) -> _Track:
        now = self._time_s
        return _Track(vector.copy(), presence, now, now, now, now, deque([True], maxlen=self._config.trigger_windows))

    def _due(self, track: _Track) -> bool:
        """Tell whether a track has the hits to appear; the first windows after a start can't ask for more than all."""
        return sum(track.hits) >= min(self._config.trigger_hits, self._windows)

    def _expire(self) -> None:
        config, now = self._config, self._time_s
        kept = [
            track
            for track in self._tracks
            if track.locked or (now - track.heard_s <= config.refractory_s + 1e-6 if track.slot else any(track.hits))
        ]
        # Overload: the weakest track that does not show goes first, then the weakest that does.
        kept.sort(key=lambda track: (track.locked, track.slot > 0, track.presence))
        del kept[: -config.max_tracks]
        kept.sort(key=lambda track: (track.slot == 0, track.slot, track.first_s, -track.presence))
        self._tracks = kept

    def _shown(self) -> list[_Track]:
        return sorted((track for track in self._tracks if track.slot), key=lambda track: track.slot)

    def _share_presence(self, asked: list[_Track], found: Found) -> None:
        """Let what a hidden track hears count for the one that shows its sound: two slots may hold one instrument."""
        shown = {_best_id(track): track for track in self._shown()}
        for query, track in enumerate(asked):
            best = None if track.slot else found.best(query)
            other = None if best is None else shown.get(best.id)
            if other is not None and not other.locked:
                other.presence = max(other.presence, track.presence)

    def _free_slot(self) -> int:
        used = {track.slot for track in self._tracks}
        return next(slot for slot in range(1, len(used) + 2) if slot not in used)

    def configure(self, config: TrackerConfig) -> None:
        """Go on with other settings; tracks stay, and show as long as those let them."""
        self._config = config
        for track in self._tracks:
            track.hits = deque(track.hits, maxlen=config.trigger_windows)


def untracked(found: Found, presence: NDArray[np.float32], config: TrackerConfig) -> tuple[Suggestion, ...]:
    """Return what one window holds by itself, strongest first.

    Args:
        found: What each of the encoder's K slots is near to.
        presence: [K], 0..1.
        config: Its threshold, top_k and merge count.
    """
    order = sorted(range(len(presence)), key=lambda slot: (-float(presence[slot]), slot))
    found = melodic(found).part(slice(None), config.top_k)
    heard = [
        Suggestion(slot + 1, found.row(slot), float(presence[slot]), 0.0)
        for slot in order
        if presence[slot] >= config.threshold and found.best(slot) is not None
    ]
    return tuple(dedupe(heard) if config.merge else heard)


def _best_id(track: _Track) -> str:
    return track.matches[0].sound.id if track.matches else f"empty {track.slot}"
