"""Speak to Ableton Live through AbletonOSC, or through our own Remote Script, which answers the same and loads files.

Addresses as in AbletonOSC's application.py, song.py, view.py and manager.py; `/timbrel/live/...` is the Remote Script
examples/ableton/Timbrel. AbletonOSC reads its socket every 100 ms, and answers to port 11001 whoever asked.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

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
    Tracks,
    named_track,
)
from bridge.daws.otherwise import otherwise
from bridge.daws.wire import host_messages, osc
from bridge.osc.encode import clean, shorten
from bridge.osc.guard import Incoming
from library.sounds import MidiProgram, Sound

__all__ = ["AbletonAdapter"]

_LOADER_API = 1
_HELLO = "/timbrel/live/hello"
_VERSION = "/live/application/get/version"
_NAMES = "/live/song/get/track_names"
_SELECTED = "/live/view/get/selected_track"
_COUNT = "/live/song/get/num_tracks"
_TEMPO = "/live/song/get/tempo"
_SHOW = "/live/api/show_message"

_ANSWER_S = 8.0
"""The Remote Script gives up after five seconds, and says so."""

_REQUESTS = 64
_SHOWN_BYTES = 200
_SAMPLES = (".wav", ".aif", ".aiff", ".flac", ".ogg", ".mp3")
_PRESETS = (".adg", ".adv")
_WITHOUT = "to load files, put the Remote Script Timbrel into Live"


class AbletonAdapter:
    """Load samples and presets with our Remote Script; without it change programs by MIDI and show names.

    Args:
        reach: Where AbletonOSC listens, or our Remote Script (port 11002).
    """

    name = "ableton"
    doc = "Ableton Live by AbletonOSC, or our Remote Script, which loads files too; its track is the name of one"
    can: frozenset[Capability] = frozenset({"text", "program", "file", "preset", "tracks", "events"})
    connect = (
        "timbrel scripts --out DIR; put DIR/ableton/Timbrel into Remote Scripts of the User Library; restart Live",
        "Live: Settings (Preferences) > Link, Tempo & MIDI > Control Surface: Timbrel",
        "timbrel run --adapter ableton:127.0.0.1:11002",
        "or with AbletonOSC instead, which loads no files: Control Surface: AbletonOSC; timbrel run --adapter ableton",
        "for programs: Settings > Link, Tempo & MIDI > Input timbrel: Track on; the track's MIDI From: timbrel",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("osc", 11000, reply_port=11001)
        self._loads: bool | None = None  # None = not known yet
        self._numbers = itertools.cycle(range(1, _REQUESTS + 1))

    def probe(self) -> tuple[bytes, ...]:
        """Ask for the version, the tracks and the tempo, and whether files can be loaded."""
        # AbletonOSC writes each unknown address into its log, so it is asked once.
        hello = () if self._loads is False else (osc(_HELLO),)
        # Last, because it fails while a return track is selected, and then the rest would wait for the next tick.
        return (osc(_VERSION), osc(_NAMES), osc(_TEMPO), *hello, osc(_SELECTED))

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand answers; numbers may come as floats."""
        events: list[HostEvent] = []
        for one in host_messages(payload):
            events += self._about(one)
        return tuple(events)

    def _about(self, one: Incoming) -> list[HostEvent]:
        if one.address == _NAMES:
            names = [str(arg) for arg in one.args]
            return [Tracks(tuple(Track(at, name) for at, name in enumerate(names, 1)))]
        if one.address == "/live/startup":
            self._loads = None
            return [Here()]
        numbers = [arg for arg in one.args if isinstance(arg, (int, float))]
        texts = [arg for arg in one.args if isinstance(arg, str)]
        if one.address == "/live/error" and texts:
            if _HELLO in texts[0]:
                self._loads = False
                return [Here()]
            return [Told("error", texts[0], ok=False)]
        if not numbers:
            return []
        first = int(numbers[0])
        match one.address, len(numbers), len(texts):
            case "/live/application/get/version", 2, 0:
                return [Here(f"{first}.{int(numbers[1])}")]
            case "/live/song/get/num_tracks", 1, 0:
                return [Told("tracks", str(first))]
            case "/live/view/get/selected_track", 1, 0:
                return [Told("selected track", str(first + 1))]
            case "/live/song/get/tempo", 1, 0:
                return [Told("tempo", f"{numbers[0]:g}")]
            case "/timbrel/live/hello", 1, 1:
                self._loads = first == _LOADER_API
                return [Here(str(texts[0]))]
            case "/timbrel/live/loaded", 2, 1:
                return [Told(f"loaded {first}", str(texts[0]), ok=bool(numbers[1]))]
            case "/timbrel/live/before", 1, 1:
                return [Told(f"before {first}", str(texts[0]))]
        return []

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:
        """Find a track by its name or number (1 is the first); None for the one that is selected in Live."""
        return named_track(text, tracks)

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to load a sample or a preset of Live's by its file, else a program change by MIDI."""
        is_sample = sound.path.lower().endswith(_SAMPLES) and sound.kind != "preset"
        if not is_sample and not sound.path.lower().endswith(_PRESETS):
            return self._without_file(sound, program, "")
        if not self._loads:
            return self._without_file(sound, program, _WITHOUT)
        number = next(self._numbers)
        # The script looks the track up by its name: indices move.
        target = track.name if track else ""
        try:
            sound.path.encode()  # a file name that is no UTF-8
            payload = osc("/timbrel/live/load", "isss", number, target, sound.path, _shown(sound.name))
        except ValueError as error:
            return self._without_file(sound, program, f"its path can't be sent: {error}")
        steps = (
            _show(sound.name),
            Step(payload, f"loaded {number}", wait_s=_ANSWER_S),
            Step(osc("/timbrel/live/before", "i", number), f"before {number}", keep=True),
        )
        where = f"track {target}" if track else "the selected track"
        detail = f"{sound.name} loaded on {where}"
        return Delivery(self.name, "file" if is_sample else "preset", (), (), detail, steps, where)

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Bring back the sample that was there, else the program that was chosen before."""
        for key, token in before.kept.items():
            if key.startswith("before ") and token:
                number = next(self._numbers)
                try:
                    payload = osc("/timbrel/live/restore", "is", number, token)
                except ValueError:
                    return None
                where = f"track {track.name}" if track else "the selected track"
                steps = (Step(payload, f"loaded {number}", wait_s=_ANSWER_S),)
                return Delivery(self.name, "file", (), (), f"what was on {where} is back", steps, where)
        if before.sound is None or before.program is None:
            return None
        return self._without_file(before.sound, before.program, "")

    def _without_file(self, sound: Sound, program: MidiProgram | None, why: str) -> Delivery:
        """Plan a program change by MIDI, or the name alone; Live's status bar shows the name."""
        # Live does not answer to a text, so it is asked something after it that no probe asks.
        steps = (_show(sound.name), Step(osc(_COUNT), "tracks"))
        return replace(otherwise(self.name, sound, program, why), steps=steps)


def _shown(name: str) -> str:
    return shorten(clean(name), _SHOWN_BYTES)


def _show(name: str) -> Step:
    return Step(osc(_SHOW, "s", f"Timbrel: {_shown(name)}"))
