"""Remember what DrivenByMoss told of Bitwig: tracks, clip slots, and the rows of the popup browser.

It sends all that it knows in bundles between `/update 1` and `/update 0`, later only what changed. Flags are ints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bridge.daws.base import Here, HostEvent, Told, Track, Tracks
from bridge.osc.guard import Incoming

__all__ = ["SELECTED", "Mirror", "slot_key"]

SELECTED = "selected"
"""Stands for a track's number in addresses of the selected one."""

_MOST = 200
"""Largest bank page that DrivenByMoss offers."""

_TRACK = re.compile(rf"/track/({SELECTED}|\d{{1,3}})/(exists|name|canHoldAudioData)")
_SLOT = re.compile(rf"/track/({SELECTED}|\d{{1,3}})/clip/(\d{{1,3}})/(name|hasContent)")
_ROW = re.compile(r"/browser/result/(\d{1,3})/(name|exists|isSelected)")


@dataclass
class _Strip:
    """Hold what is known of one track of the bank page."""

    exists: bool = False
    name: str = ""
    holds_audio: bool = False
    slots: dict[int, bool] = field(default_factory=dict)  # whether each holds a clip
    clips: dict[int, str] = field(default_factory=dict)  # names, empty for clips without


class Mirror:
    """Take in messages; answer what a load has to know."""

    def __init__(self) -> None:
        self._strips: dict[str, _Strip] = {}
        self._rows: dict[int, str] = {}
        self._row = 0
        self._browsing = False

    @property
    def browsing(self) -> bool:
        """Whether the popup browser is open."""
        return self._browsing

    @property
    def row(self) -> int:
        """Row of the browser that is selected, from 1; 0 for none."""
        return self._row

    def take(self, one: Incoming) -> tuple[HostEvent, ...]:
        """Take a message in; return what it means."""
        if len(one.args) != 1:
            return (Here(),)
        value = one.args[0]
        if one.address == "/update" and value == 0:
            return Here(), Tracks(self._tracks())
        if one.address == "/browser/isActive":
            return Here(), *self._browser(bool(value))
        if found := _SLOT.fullmatch(one.address):
            return Here(), *self._slot(found[1], int(found[2]), found[3], value)
        if found := _TRACK.fullmatch(one.address):
            return Here(), *self._strip(found[1], found[2], value)
        if found := _ROW.fullmatch(one.address):
            return Here(), *self._result(int(found[1]), found[2], value)
        return (Here(),)

    def where(self, name: str) -> str | None:
        """Return the number of the one track of that name; None where there is none or several."""
        found = [where for where, strip in self._strips.items() if strip.exists and strip.name == name]
        numbers = [where for where in found if where != SELECTED] or found
        return numbers[0] if len(numbers) == 1 else None

    def name(self, where: str) -> str:
        """Return the name of a track, empty where there is none."""
        strip = self._strips.get(where)
        return strip.name if strip is not None and strip.exists else ""

    def holds_audio(self, where: str) -> bool:
        """Tell whether clips of a track may be audio."""
        return where in self._strips and self._strips[where].holds_audio

    def empty_slot(self, where: str) -> int | None:
        """Return the first slot of a track that is known to be empty."""
        slots = self._strips[where].slots if where in self._strips else {}
        return next((slot for slot in sorted(slots) if not slots[slot]), None)

    def clip(self, where: str, slot: int) -> str | None:
        """Return the name of the clip in a slot, None where there is no clip."""
        strip = self._strips.get(where)
        return strip.clips.get(slot, "") if strip is not None and strip.slots.get(slot) else None

    def rows_to(self, name: str) -> int | None:
        """Return how many rows of the open browser lie between the selected one and that name; below is positive."""
        row = next((row for row, text in sorted(self._rows.items()) if text == name), None)
        return None if row is None or not self._browsing else row - self._row

    def _tracks(self) -> tuple[Track, ...]:
        numbers = sorted(int(where) for where, strip in self._strips.items() if where != SELECTED and strip.exists)
        return tuple(Track(number, self._strips[str(number)].name) for number in numbers)

    def _strip(self, where: str, what: str, value: object) -> tuple[HostEvent, ...]:
        strip = self._at(where)
        if strip is None:
            return ()
        if what == "name":
            strip.name = str(value)
        elif what == "exists":
            strip.exists = bool(value)
        else:
            strip.holds_audio = bool(value)
        return (Told("selected track", strip.name),) if where == SELECTED and what == "name" else ()

    def _slot(self, where: str, slot: int, what: str, value: object) -> tuple[HostEvent, ...]:
        strip = self._at(where)
        if strip is None or not 1 <= slot <= _MOST:
            return ()
        if what == "name":
            strip.clips[slot] = str(value)
            return ()
        strip.slots[slot] = bool(value)
        return (Told(slot_key(where, slot, full=bool(value)), strip.clips.get(slot, "")),)

    def _at(self, where: str) -> _Strip | None:
        if where != SELECTED:
            where = str(int(where))
            if not 1 <= int(where) <= _MOST:
                return None
        return self._strips.setdefault(where, _Strip())

    def _browser(self, active: bool) -> tuple[HostEvent, ...]:
        self._browsing = active
        if not active:
            self._rows, self._row = {}, 0
        return (Told(f"browser {'open' if active else 'closed'}", ""),)

    def _result(self, row: int, what: str, value: object) -> tuple[HostEvent, ...]:
        if not 1 <= row <= _MOST:
            return ()
        if what == "name":
            self._rows[row] = str(value)
        elif what == "exists" and not value:
            self._rows.pop(row, None)
        elif what == "isSelected" and value:
            self._row = row
            return (Told(f"result {row}", self._rows.get(row, "")),)
        return ()


def slot_key(where: str, slot: int, *, full: bool) -> str:
    """Return the key of the news that a slot holds a clip, or none."""
    return f"{where} slot {slot} {'full' if full else 'empty'}"
