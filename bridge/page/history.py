"""Remember which instruments were heard when."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

from library.sounds import Sound

__all__ = ["MOST_SPANS", "Heard", "History", "Span"]

MOST_SPANS = 2000
"""Spans that are kept, hours of music; the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Name what one slot holds in one window: its best sound and how present it is, 0..1."""

    slot: int
    sound: Sound
    presence: float


@dataclass(slots=True)
class Span:
    """Hold a stretch in which a slot had the same best sound.

    Attributes:
        id: Number, from 1.
        slot: Which slot.
        sound: Its best sound.
        from_s: Begin, in seconds since the session began.
        to_s: End; grows while it is open.
        presence: Its highest presence.
        is_open: It still goes on.
    """

    id: int
    slot: int
    sound: Sound
    from_s: float
    to_s: float
    presence: float
    is_open: bool = True

    def to_json(self) -> dict[str, object]:
        """Return the values of a span; an open one has no end, so that it does not change with every window."""
        return {
            "id": self.id,
            "slot": self.slot,
            "name": self.sound.name,
            "family": self.sound.family or "unknown",
            "sound": self.sound.id,
            "from": round(self.from_s, 2),
            "to": None if self.is_open else round(self.to_s, 2),
            "presence": round(self.presence, 1),
        }


class History:
    """Join windows into spans; holds at most MOST_SPANS, the oldest are dropped.

    Args:
        ids: Numbers of the spans; several histories that are shown together share them.
    """

    def __init__(self, ids: Iterator[int] | None = None) -> None:
        self._spans: deque[Span] = deque()
        self._open: dict[int, Span] = {}
        self._ids = count(1) if ids is None else ids

    @property
    def spans(self) -> tuple[Span, ...]:
        """All that is kept, in the order of their begins."""
        return tuple(self._spans)

    def observe(self, heard: Iterable[Heard], now_s: float) -> tuple[list[Span], list[Span]]:
        """Take in one window.

        Args:
            heard: Its slots.
            now_s: Its time in seconds since the session began.

        Returns:
            The spans that are new or changed, and those that were dropped.
        """
        named = {one.slot: one for one in heard}
        changed = []
        for slot, span in list(self._open.items()):
            same = slot in named and named[slot].sound.id == span.sound.id
            if not same:
                span.is_open = False
                del self._open[slot]
                changed.append(span)
            span.to_s = now_s
        for slot, one in named.items():
            known = self._open.get(slot)
            if known is not None:
                if one.presence > known.presence + 0.1:  # finer steps can't be seen on a strip
                    known.presence = one.presence
                    changed.append(known)
                continue
            span = Span(next(self._ids), slot, one.sound, now_s, now_s, one.presence)
            self._open[slot] = span
            self._spans.append(span)
            changed.append(span)
        dropped = []
        while len(self._spans) > MOST_SPANS:
            dropped.append(self._spans.popleft())
        return changed, dropped
