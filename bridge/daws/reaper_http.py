"""Speak to the script `timbrel.lua` inside REAPER through the extended state that its web interface reads and writes.

Paths as in csurf_www.cpp: `/_/` and commands between semicolons, `SET/EXTSTATE/section/key/value`,
`GET/EXTSTATE/section/key`, `TRACK`, `NTRACK`. One command holds at most 1023 characters, so longer texts go in parts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from bridge.daws.base import (
    Before,
    Capability,
    Chose,
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
from bridge.daws.otherwise import by_program, by_text
from bridge.osc.encode import clean, shorten
from library.sounds import MidiProgram, Sound

__all__ = ["ReaperHttpAdapter"]

_SCRIPT_API = "1"
_SECTION = "EXTSTATE/timbrel"
_PART_CHARS = 900
"""Longest escaped part; with its command it stays under the 1023 characters that REAPER reads of one."""

_MOST_PARTS = 16
"""Enough for the longest path of any system, every byte of it escaped."""

_REQUESTS = 64
"""Numbers of requests; the script forgets answers that are older."""

_ASKS = 200
"""Questions for an answer, 50 ms apart: a large preset takes seconds."""

_SHOWN = 8
_TEXT_BYTES = 200
_NAME_BYTES = 100
"""Eight names in one request, every byte escaped, are shorter than the 4095 characters that REAPER reads of a line."""
_SAMPLES = (".wav", ".aif", ".aiff", ".flac", ".ogg", ".mp3")
_PRESET_FILES = (".vstpreset",)
_NUMBER = re.compile(r"[0-9]{1,9}")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t"}


class ReaperHttpAdapter:
    """Have the script load samples into ReaSamplOmatic5000, and presets into the instrument of a track.

    Args:
        reach: Where REAPER's web interface listens.
    """

    name = "reaper-http"
    doc = "REAPER's script timbrel.lua loads samples and presets, shows the list; its track is the name of one"
    can: frozenset[Capability] = frozenset({"text", "program", "file", "preset", "tracks", "events"})
    connect = (
        "REAPER: Options > Preferences > Control/OSC/web > Add; Control surface mode: Web browser interface; port 8080",
        "timbrel scripts --out DIR; Actions > Show action list > New action > Load ReaScript: DIR/reaper/timbrel.lua",
        "timbrel run --adapter reaper-http",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("http", 8080)
        self._numbers = itertools.cycle(range(1, _REQUESTS + 1))

    def probe(self) -> tuple[bytes, ...]:
        """List the tracks, and take the script's sign of life away: a script that runs renews it at once."""
        taken = (part for key in ("alive", "choice") for part in (_get(key), _set(key, "")))
        return (_path(*taken, "TRACK", "NTRACK"),)

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand lines of states and tracks."""
        events: list[HostEvent] = []
        tracks: list[Track] = []
        for line in payload.decode("utf-8", "replace").split("\n"):
            match line.split("\t"):
                case ["EXTSTATE", "timbrel", key, value]:
                    events += _state(key, _ESCAPED.sub(lambda m: _LETTERS.get(m[1], m[1]), value))
                case ["TRACK", number, name, *_] if number.isascii() and number.isdigit() and 0 < len(number) < 7:
                    if int(number):
                        tracks.append(Track(int(number), name or f"Track {int(number)}"))
                case ["NTRACK", count] if count == str(len(tracks)):
                    # A count that differs is an answer that was cut short.
                    events.append(Tracks(tuple(tracks)))
        return tuple(events)

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:
        """Find a track by its name or number; None for the one that is selected in REAPER."""
        return named_track(text, tracks)

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to load a sample's file, a preset, or a program; the script finds the track by its name."""
        suffix = "." + sound.path.lower().rpartition(".")[2]
        target = track.name if track else ""
        if suffix in _SAMPLES and sound.kind != "preset":
            method, fields = "sample", (target, sound.path)
        elif sound.kind == "preset":
            method, fields = "preset", (target, sound.path if suffix in _PRESET_FILES else sound.name)
        else:
            return self._program(sound, program)
        steps = self._request(method, *fields, shorten(clean(sound.name)), keep=True)
        if steps is None:
            plan = self._program(sound, program)
            return replace(plan, detail=f"{plan.detail}; its path can't be sent to REAPER")
        where = f"track {track.name}" if track else "the selected track"
        how = "into ReaSamplOmatic5000" if method == "sample" else "as a preset"
        detail = f"{sound.name} {how} on {where}"
        return Delivery(self.name, "file" if method == "sample" else "preset", (), (), detail, steps, where)

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Have the script put back what it replaced, else the program that was chosen before."""
        for key, token in before.kept.items():
            steps = self._request("restore", token, keep=False) if key.startswith("before.") and token else None
            if steps is not None:
                where = f"track {track.name}" if track else "the selected track"
                return Delivery(self.name, "preset", (), (), f"what was on {where} is back", steps, where)
        if before.sound is None or before.program is None:
            return None
        return self._program(before.sound, before.program)

    def show(self, names: Sequence[str], list_id: int) -> bytes:
        """Return the path that brings a list of up to eight names into the script's window.

        Args:
            names: Names of suggestions, the first is 1.
            list_id: Comes back with the user's choice.
        """
        shown = [shorten(clean(name), _NAME_BYTES) for name in names[:_SHOWN]]
        padded = [*shown, *[""] * (_SHOWN - len(shown))]
        return _path(*(_set(f"list.{at}", text) for at, text in enumerate([str(list_id), *padded])))

    def _program(self, sound: Sound, program: MidiProgram | None) -> Delivery:
        if program is None:
            shown = _path(_set("text", shorten(clean(sound.name), _TEXT_BYTES)), _get("text"))
            return replace(by_text(self.name, sound), steps=(Step(shown, "text"),))
        plan = by_program(self.name, sound, program)
        numbers = (program.channel or 0, program.bank_msb, program.bank_lsb, program.program)
        fields = (" ".join("-1" if number is None else str(number) for number in numbers), shorten(clean(sound.name)))
        steps = self._request("program", *fields, keep=False) or ()
        detail = f"{plan.detail} of the virtual keyboard: armed tracks that listen to it take it"
        return replace(plan, messages=(), packets=(), detail=detail, steps=steps)

    def _request(self, *fields: str, keep: bool) -> tuple[Step, ...] | None:
        """Put a request into the mailbox, part by part with read-back, and wait for its answer; None if it can't be."""
        if any("\n" in field or "\0" in field for field in fields):
            return None
        parts = _parts("\n".join(fields))
        if parts is None or len(parts) > _MOST_PARTS:
            return None
        number = next(self._numbers)
        answer = _get(f"answer.{number}")
        call = _set("request", f"{number} {len(parts)}")
        steps = [
            *(Step(_path(_set(f"part.{at}", p), _get(f"part.{at}")), f"part.{at}", p) for at, p in enumerate(parts, 1)),
            # The old answer goes in the same breath, between two turns of the script.
            Step(_path(_set(f"answer.{number}", ""), call, _get("request")), "request"),
            Step(_path(answer), f"answer.{number}", not_value="", patience=_ASKS),
            Step(_path(answer), f"done.{number}"),
        ]
        if keep:
            steps.append(Step(_path(answer), f"before.{number}", keep=True))
        return tuple(steps)


def _state(key: str, value: str) -> list[HostEvent]:
    if key == "alive":
        api, _, version = value.partition(" ")
        return [Here(version)] if api == _SCRIPT_API else []
    if key == "choice":
        list_id, _, index = value.partition(" ")
        return [Chose(int(index), int(list_id))] if _NUMBER.fullmatch(list_id) and _NUMBER.fullmatch(index) else []
    events: list[HostEvent] = [Told(key, value)]
    name, _, number = key.partition(".")
    if name == "answer" and value:
        result, detail, before = [*value.split("\n"), "", ""][:3]
        events += [Told(f"done.{number}", detail, ok=result == "ok"), Told(f"before.{number}", before)]
    return events


def _parts(text: str) -> list[str] | None:
    """Cut a text so that each part fits into a command; None where it holds what can't be sent."""
    parts, size = [""], 0
    for char in text:
        try:
            length = len(quote(char, safe=""))
        except UnicodeEncodeError:
            return None
        if size + length > _PART_CHARS:
            parts.append("")
            size = 0
        parts[-1] += char
        size += length
    return parts


def _get(key: str) -> str:
    return f"GET/{_SECTION}/{key}"


def _set(key: str, value: str) -> str:
    return f"SET/{_SECTION}/{key}/{quote(value, safe='')}"


def _path(*commands: str) -> bytes:
    return ("/_/" + ";".join(commands)).encode("ascii")
