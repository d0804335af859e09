"""Remember which instruments were heard when."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from sys import intern

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
        name: Of its best sound.
        family: Of that, "" when unknown.
        sound: Its id.
        from_s: Begin, in seconds since the session began.
        to_s: End; grows while it is open.
        presence: Its highest presence.
        is_open: It still goes on.
    """

    id: int
    slot: int
    name: str
    family: str
    sound: str
    from_s: float
    to_s: float
    presence: float
    is_open: bool = True

    def to_json(self) -> dict[str, object]:
        """Return the values of a span; an open one has no end, so that it does not change with every window."""
        return {
            "id": self.id,
            "slot": self.slot,
            "name": self.name,
            "family": self.family or "unknown",
            "sound": self.sound,
            "from": round(self.from_s, 2),
            "to": None if self.is_open else round(self.to_s, 2),
            "presence": round(self.presence, 1),
        }


class History:
    """Join windows into spans, of which at most MOST_SPANS are kept by whoever takes them: the oldest are dropped.

    Args:
        ids: Numbers of the spans; several histories that are shown together share them.
    """

    def __init__(self, ids: Iterator[int] | None = None) -> None:
        self._kept: deque[int] = deque()
        self._open: dict[int, Span] = {}
        self._ids = count(1) if ids is None else ids

    def observe(self, heard: Iterable[Heard], now_s: float) -> tuple[list[Span], list[int]]:
        """Take in one window.

        Args:
            heard: Its slots.
            now_s: Its time in seconds since the session began.

        Returns:
            The spans that are new or changed, and the numbers of those to drop.
        """
        named = {one.slot: one for one in heard}
        changed = []
        for slot, span in list(self._open.items()):
            same = slot in named and named[slot].sound.id == span.sound
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
            # A library that changes makes its sounds anew each time; thousands of spans then share their words.
            name, family, sound = (intern(word) for word in (one.sound.name, one.sound.family, one.sound.id))
            span = Span(next(self._ids), slot, name, family, sound, now_s, now_s, one.presence)
            self._open[slot] = span
            self._kept.append(span.id)
            changed.append(span)
        dropped = []
        while len(self._kept) > MOST_SPANS:
            dropped.append(self._kept.popleft())
        return changed, dropped
