"""Remember how well each sound has explained what was heard over the last seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from library.index import Match

__all__ = ["Evidence"]

TIME_CONSTANT_S = 8.0
"""A song holds its instruments for longer than a window; what a window confuses, others part."""

SHARPNESS = 24.0
"""Of two sounds for one slot, one that is .03 less similar counts half: so near-duplicates count alike."""

LIKELY_COSINE, STEEPNESS = 0.3, 12.0
"""Cosine at which a nearest sound is as likely as not what is heard, and how fast that changes around it."""

LEAST_LIKELY = 0.5
"""A small library holds nothing close: the nearest is offered all the same, if it stays the nearest."""

REACH = 0.25
"""Cosine below the closest within which a sound that is sure is taken for it."""

FIRST_STEP_S = 0.5
"""Time that the first window stands for: a usual hop."""

_FORGOTTEN = 1e-4
_PRIOR = 1e-3
"""Keeps the order of sounds for which nothing speaks yet."""


class Evidence:
    """Average, for each sound of the library, what single windows say for it.

    A window says of a sound: the presence of the slot that it explains best, times how near it is to that slot's
    nearest sound, times how likely a sound of this cosine is right. What the encoder confuses in one window it gets
    right in others: on songs of four instruments this finds more than an average of the slots' vectors does.

    How near counts with the producer's taste (see library.taste): where a sound is skipped, the next one gathers what
    speaks for it.
    """

    def __init__(self, time_constant_s: float = TIME_CONSTANT_S) -> None:
        self._time_constant_s = time_constant_s
        self._values: dict[str, float] = {}
        self._updated_s: float | None = None
        self._step_s = 0.0

    def observe(self, slots: Sequence[tuple[float, tuple[Match, ...]]], time_s: float) -> None:
        """Take in one window: presence and matches, best first, of each of its slots."""
        claims: dict[str, float] = {}
        for presence, matches in slots:
            for match in matches:
                doubt = 1.0 - min(1.0, presence) * _likeness(match, matches[0])
                claims[match.sound.id] = claims.get(match.sound.id, 1.0) * doubt
        kept = self._pass(time_s)
        values = {key: value * kept for key, value in self._values.items() if value * kept > _FORGOTTEN}
        for key, doubt in claims.items():
            values[key] = values.get(key, 0.0) + (1.0 - kept) * (1.0 - doubt)
        self._values = values

    def since(self, sound_id: str, first_s: float) -> float:
        """Return the mean of what windows said for a sound, 0..1, over the time since first_s."""
        if self._updated_s is None:
            return 0.0
        age_s = self._updated_s - first_s + self._step_s
        share = 1.0 - math.exp(-max(age_s, self._step_s) / self._time_constant_s)
        return min(1.0, self._values.get(sound_id, 0.0) / max(share, 1e-9))

    def rank(self, matches: tuple[Match, ...], first_s: float, sure: float) -> tuple[Match, ...]:
        """Order matches by standing (the cosine, with the producer's taste) and evidence together; scores stay cosines.

        Those with evidence of at least `sure` come first, where they are nearly as close as the closest, and nearly as
        welcome: one that was skipped a moment ago has still all the evidence from before.
        """
        near = max((match.standing for match in matches), default=0.0) - REACH
        welcome = max((match.taste for match in matches), default=0.0) - REACH

        def worth(match: Match) -> tuple[bool, float]:
            evidence = self.since(match.sound.id, first_s)
            is_sure = evidence >= sure and match.standing >= near and match.taste >= welcome
            return is_sure, SHARPNESS * match.standing + math.log(evidence + _PRIOR)

        return tuple(sorted(matches, key=worth, reverse=True))

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._updated_s = None

    def _pass(self, time_s: float) -> float:
        """Return what is left of the past at this time; a time that goes back counts as none."""
        if self._updated_s is None:
            self._step_s = self._step_s or FIRST_STEP_S
        else:
            self._step_s = max(0.0, time_s - self._updated_s)
        self._updated_s = time_s
        return math.exp(-self._step_s / self._time_constant_s)


def _likeness(match: Match, best: Match) -> float:
    likely = 1.0 / (1.0 + math.exp(-STEEPNESS * (match.score - LIKELY_COSINE)))
    return math.exp(SHARPNESS * (match.standing - best.standing)) * max(LEAST_LIKELY, likely)
