"""Speak to ZynAddSubFX, started with `-P PORT`: instruments are loaded by file and read back by name.

Addresses as in its MiddleWare.cpp: `/load_xiz i:part s:path`, `/save_xiz i:part s:path`, `/partN/Pname` and `Penabled`.
It answers in the order in which it was asked.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    Here,
    HostEvent,
    Reach,
    Step,
    Told,
    Track,
    numbered_track,
)
from bridge.daws.otherwise import otherwise
from bridge.daws.wire import host_messages, osc
from library.sounds import MidiProgram, Sound

__all__ = ["ZynAdapter"]

PARTS = 16
_LOAD_ASKS = 100
"""Questions after a load: a patch with PADsynth is made in seconds, and the name is asked for every tenth of one."""

_SAVED = 64
"""Files that are kept; twice as many as choices that can be undone."""

_SAVED_AS = "file"
_NAME = re.compile(r"/part(\d{1,2})/Pname")
_ENABLED = re.compile(r"/part(\d{1,2})/Penabled")


class ZynAdapter:
    """Load `.xiz` instruments into a part; the part's own instrument is saved first, so that it can come back.

    Args:
        reach: Where it listens; ZynAddSubFX has no usual port, 12345 is the one that its manual shows.
        scratch: Folder for instruments that a choice replaced; None = they can't be brought back.
    """

    name = "zynaddsubfx"
    doc = "ZynAddSubFX loads .xiz instruments; its track is the part 1-16"
    can: frozenset[Capability] = frozenset({"file", "events"})
    connect = (
        "start it with an OSC port: zynaddsubfx -P 12345",
        "timbrel run --adapter zynaddsubfx:127.0.0.1:12345 --library a library that was built from its banks",
    )

    def __init__(self, reach: Reach | None = None, scratch: Path | None = None) -> None:
        self.reach = reach or Reach("osc", 12345)
        self._scratch = scratch
        self._names = itertools.cycle(range(_SAVED))

    def probe(self) -> tuple[bytes, ...]:
        """Ask for the name of the first part."""
        return (osc("/part0/Pname"),)

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand names of parts; whatever else it says shows that it is there."""
        events: list[HostEvent] = []
        for one in host_messages(payload):
            events.append(Here())
            found = _NAME.fullmatch(one.address)
            if found and one.types == "s":
                events.append(Told(f"part {int(found[1])}", str(one.args[0])))
            elif found := _ENABLED.fullmatch(one.address):
                events.append(Told(f"enabled {int(found[1])}", ""))
        return tuple(events)

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:  # noqa: ARG002 - part of the Protocol
        """Read the number of a part."""
        return numbered_track(text, PARTS, "part")

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to load an instrument's file; other sounds by their program, where they have one."""
        if not sound.path.lower().endswith(".xiz"):
            return otherwise(self.name, sound, program)
        part = _part(track)
        name = osc(f"/part{part}/Pname")
        keeps = {} if self._scratch is None else {_SAVED_AS: str(self._scratch / f"replaced-{next(self._names)}.xiz")}
        steps = (
            Step(name, answer=f"part {part}", keep=True),
            *(Step(osc("/save_xiz", "is", part, file)) for file in keeps.values()),
            *_loaded(part, sound.path),
            # A file that it can't load leaves the part empty, without a name.
            Step(name, answer=f"part {part}", not_value="", wait_s=1.0, patience=_LOAD_ASKS),
        )
        detail = f"{sound.name} in part {part + 1}"
        return Delivery(self.name, "file", (), (), detail, steps, f"part {part}", keeps)

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Load what was saved before the choice."""
        part = _part(track)
        file, held = before.kept.get(_SAVED_AS), before.kept.get(f"part {part}")
        if file is None or held is None:
            return None
        steps = (
            *_loaded(part, file),
            Step(osc(f"/part{part}/Pname"), f"part {part}", held, wait_s=1.0, patience=_LOAD_ASKS),
        )
        what = held or "the instrument before"
        return Delivery(self.name, "file", (), (), f"{what} back in part {part + 1}", steps, f"part {part}")


def _loaded(part: int, file: str) -> tuple[Step, ...]:
    """Load a file and ask for something else than the name: what answers for names are still under way come before."""
    asked = osc(f"/part{part}/Penabled")
    return (
        Step(osc("/load_xiz", "is", part, file)),
        Step(asked, answer=f"enabled {part}", wait_s=1.0, patience=_LOAD_ASKS),
    )


def _part(track: Track | None) -> int:
    return track.index - 1 if track else 0
