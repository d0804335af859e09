"""Speak to Bitwig Studio through DrivenByMoss' OSC extension: samples go into empty clip slots, presets by its browser.

Addresses as in its TrackModule, BrowserModule and TransportModule: `/track/n/clip/m/insertFile s`,
`/track/n/clip/m/remove`, `/browser/preset`, `/browser/result/+`, `/browser/commit`, `/refresh`. Texts are ASCII: names
that it tells have their umlauts written out, and everything else as a question mark.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    HostEvent,
    Reach,
    Step,
    Told,
    Track,
    named_track,
)
from bridge.daws.bitwig_mirror import SELECTED, Mirror, slot_key
from bridge.daws.otherwise import otherwise
from bridge.daws.wire import host_messages, osc
from library.sounds import MidiProgram, Sound

__all__ = ["BitwigAdapter", "as_ascii"]

_PRESET = ".bwpreset"
_CHANGED_S = 6.0
"""A change is told at once; should its datagram be lost, the next probe's answer tells it again."""

_TRACK, _SLOT = "track", "slot"
_WRITTEN_OUT = str.maketrans(
    {
        "Ä": "Ae",
        "ä": "ae",
        "Ö": "Oe",
        "Œ": "Oe",
        "ö": "oe",
        "œ": "oe",
        "Ü": "Ue",
        "ü": "ue",
        "ß": "ss",
        "é": "e",
        "ê": "e",
        "ī": "i",
        "ï": "i",
        "ā": "a",
        "♯": "#",
        "–": "-",
        "’": "'",
        "→": "->",
        "±": "+-",
    }
)


class BitwigAdapter:
    """Put samples into the first empty clip slot of a track, and choose presets in the open browser.

    Args:
        reach: Where DrivenByMoss receives, and where it sends to.
    """

    name = "bitwig"
    doc = "Bitwig puts samples into an empty clip slot of a track; its track is a name of the bank, else the selected"
    can: frozenset[Capability] = frozenset({"file", "preset", "transport", "tracks", "events"})
    connect = (
        "install DrivenByMoss: its .bwextension goes into Documents/Bitwig Studio/Extensions",
        "Bitwig: Dashboard > Settings > Controllers > Add Controller > Open Sound Control > OSC",
        "its settings: Port to receive on 8000, Host to send to 127.0.0.1, Port to send to 9000",
        "timbrel run --adapter bitwig --library a library that was built from samples",
        "for .bwpreset sounds: open the browser on a device so that the preset is listed, then choose",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        # An answer to /refresh is more than a thousand messages, so that it is asked for seldom.
        self.reach = reach or Reach("osc", 8000, reply_port=9000, probe_s=5.0)
        self._mirror = Mirror()

    def probe(self) -> tuple[bytes, ...]:
        """Have everything told."""
        return (osc("/refresh"),)

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand tracks, clip slots, the browser and the transport; all else shows that it is there."""
        events: list[HostEvent] = []
        for one in host_messages(payload):
            events += self._mirror.take(one)
            if one.address == "/play" and one.types == "i":
                events.append(Told("transport", "playing" if one.args[0] else "stopped"))
            elif one.address == "/tempo/raw" and one.types == "f":
                events.append(Told("tempo", f"{one.args[0]:g}"))
        return tuple(events)

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:
        """Find a track of the bank page by its name, written as DrivenByMoss writes it, or by its number."""
        return named_track(as_ascii(text), tracks)

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to insert a sample, or to choose a preset that the browser lists; else its program."""
        if sound.kind == "sample" and sound.path:
            plan = self._insert(sound, track)
        elif PurePath(sound.path).suffix.lower() == _PRESET:
            plan = self._browse(sound)
        else:
            return otherwise(self.name, sound, program)
        return otherwise(self.name, sound, program, plan) if isinstance(plan, str) else plan

    def restore(self, before: Before, track: Track | None) -> Delivery | None:  # noqa: ARG002 - kept says which track
        """Remove the clip that was inserted into an empty slot, if it is still there under its name.

        What a preset replaced is not told.
        """
        name, number = before.kept.get(_TRACK), before.kept.get(_SLOT, "")
        where = None if name is None else self._mirror.where(name)
        if name is None or where is None or not number.isdigit():
            return None
        slot = int(number)
        clip = next((value for key, value in before.kept.items() if key.endswith(slot_key("", slot, full=True))), None)
        if clip is None or clip != self._mirror.clip(where, slot):
            return None
        remove = osc(f"/track/{where}/clip/{slot}/remove")
        step = Step(remove, slot_key(where, slot, full=False), wait_s=_CHANGED_S)
        target = _target(name, slot)
        return Delivery(self.name, "file", (), (), f"{target} is empty again", (step,), target)

    def _insert(self, sound: Sound, track: Track | None) -> Delivery | str:
        """Plan to insert a file, else say why not."""
        where = str(track.index) if track else SELECTED
        name = self._mirror.name(where)
        if not name or (track and name != track.name):
            return "Bitwig told of no such track" if track else "no track is selected in Bitwig"
        if not self._mirror.holds_audio(where):
            return f"track {name} takes no audio clips"
        slot = self._mirror.empty_slot(where)
        if slot is None:
            return f"track {name} has no empty clip slot on the page that DrivenByMoss shows"
        if not sound.path.isascii() or not sound.path.isprintable():
            return "DrivenByMoss takes ASCII paths alone"
        try:
            payload = osc(f"/track/{where}/clip/{slot}/insertFile", "s", sound.path)
        except ValueError as error:
            return f"its path can't be sent: {error}"
        full = slot_key(where, slot, full=True)
        steps = (
            Step(payload, full, wait_s=_CHANGED_S),
            # Its name comes with the clip or a moment later: told anew, it is what undo looks for.
            Step(osc("/refresh"), full, keep=True, wait_s=_CHANGED_S),
        )
        target = _target(name, slot)
        detail = f"{sound.name} in {target}"
        return Delivery(self.name, "file", (), (), detail, steps, target, {_TRACK: name, _SLOT: str(slot)})

    def _browse(self, sound: Sound) -> Delivery | str:
        """Plan to choose a row of the open browser; where it is closed, to open it for the user."""
        if not self._mirror.browsing:
            opened = (Step(osc("/browser/preset"), "browser open", wait_s=_CHANGED_S),)
            why = "the browser is opened on the selected device: list the preset there, then choose it again"
            return replace(otherwise(self.name, sound, None, why), steps=opened)
        name = as_ascii(sound.name)
        rows = self._mirror.rows_to(name)
        if rows is None:
            return "the open browser does not list it: filter for it there, then choose it again"
        move = osc(f"/browser/result/{'+' if rows > 0 else '-'}")
        steps = [Step(move) for _ in range(abs(rows) - 1)]
        if rows:
            steps.append(Step(move, f"result {self._mirror.row + rows}", name, wait_s=_CHANGED_S))
        steps.append(Step(osc("/browser/commit"), "browser closed", wait_s=_CHANGED_S))
        return Delivery(self.name, "preset", (), (), f"{sound.name} chosen in the browser", tuple(steps), "browser")


def as_ascii(text: str) -> str:
    """Write a text as DrivenByMoss does."""
    return "".join(char if char.isascii() else "?" for char in text.translate(_WRITTEN_OUT))


def _target(track: str, slot: int) -> str:
    return f"clip slot {slot} of track {track}"
