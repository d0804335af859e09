"""Speak to Surge XT over OSC: patches are loaded by file, and the patch in use is read back.

Addresses as in its OpenSoundControl.cpp: `/patch/load s`, a path without `.fxp`, is answered with the same once the
patch is there, and with `/error s` where there is no such file; `/q/patch` is answered with `/patch s`, by older
versions with `/error s`. All numbers would have to be floats; here there are none.
"""

from __future__ import annotations

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    Here,
    HostEvent,
    Reach,
    Step,
    TargetError,
    Told,
    Track,
)
from bridge.daws.otherwise import otherwise
from bridge.daws.wire import host_messages, osc
from bridge.osc.guard import Incoming
from library.sounds import MidiProgram, Sound

__all__ = ["SurgeAdapter"]

_SUFFIX = ".fxp"
_PATCH = "patch"
_UNKNOWN = "<unknown patch>"
_NOT_FOUND = "File not found: "
_LOAD_S = 5.0
"""A patch with large wavetables is there in a second; it is loaded beside the audio thread."""


class SurgeAdapter:
    """Load patches; Surge XT has one at a time, so that there is no track to name.

    Args:
        reach: Where it listens, and where it sends to.
    """

    name = "surge"
    doc = "Surge XT loads .fxp patches; it has one patch, so its track is left empty"
    can: frozenset[Capability] = frozenset({"file", "events"})
    connect = (
        "Surge XT: Menu > OSC Settings > Show OSC Settings...",
        "OSC In: port 53280, on; OSC Out: 127.0.0.1, port 53281, on: without it Surge XT says nothing back",
        "timbrel run --adapter surge --library a library that was built from its patches with previews",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("osc", 53280, reply_port=53281)
        self._patch = ""

    def probe(self) -> tuple[bytes, ...]:
        """Ask for the patch in use; a version that can't tell it answers that it can't."""
        return (osc("/q/patch"),)

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand patches and missing files; whatever else it says shows that it is there."""
        return tuple(event for one in host_messages(payload) for event in (Here(), *self._about(one)))

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:  # noqa: ARG002 - part of the Protocol
        """Take the empty text alone.

        Raises:
            TargetError: A track is named.
        """
        if text:
            raise TargetError(f"track {text} must be empty: Surge XT has one patch")
        return None

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:  # noqa: ARG002
        """Plan to load a patch's file; other sounds by their program, where they have one."""
        if not sound.path.lower().endswith(_SUFFIX):
            return otherwise(self.name, sound, program)
        if not sound.path.endswith(_SUFFIX):
            return otherwise(self.name, sound, program, f"Surge XT loads names that end in {_SUFFIX}, in small letters")
        try:
            step = _load(sound.path.removesuffix(_SUFFIX))
        except ValueError as error:
            return otherwise(self.name, sound, program, f"its path can't be sent: {error}")
        keeps = {_PATCH: self._patch} if self._patch else {}
        return Delivery(self.name, "file", (), (), f"{sound.name} loaded", (step,), _PATCH, keeps)

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Load the patch that Surge XT told before the choice, else the one that was chosen before."""
        held = before.kept.get(_PATCH, "")
        if held:
            try:
                step = _load(held)
            except ValueError:
                return None
            return Delivery(self.name, "file", (), (), f"{_stem(held)} is back", (step,), _PATCH)
        if before.sound is None:
            return None
        return self.load(before.sound, before.program, track)

    def _about(self, one: Incoming) -> tuple[HostEvent, ...]:
        if one.types != "s":
            return ()
        text = str(one.args[0])
        if one.address in ("/patch", "/patch/load"):
            if text == _UNKNOWN:
                return ()
            self._patch = text.removesuffix(_SUFFIX)  # older versions tell it with the suffix
            return (Told(f"{_PATCH} {self._patch}", self._patch),)
        if one.address == "/error" and text.startswith(_NOT_FOUND):
            missing = text.removeprefix(_NOT_FOUND)
            return (Told(f"{_PATCH} {missing.removesuffix(_SUFFIX)}", f"there is no {missing}", ok=False),)
        return ()


def _load(path: str) -> Step:
    """Load a patch, and wait until it is told; the key names it, so that older news do not count."""
    return Step(osc("/patch/load", "s", path), f"{_PATCH} {path}", wait_s=_LOAD_S)


def _stem(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
