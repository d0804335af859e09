"""Define one region of an SFZ instrument, and make it from its opcodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

__all__ = ["Region", "is_known", "make_region", "sample_path"]

_PLAYED = frozenset({
    "sample", "default_path", "note_offset", "octave_offset", "lokey", "hikey", "key", "lovel", "hivel",
    "pitch_keycenter", "pitch_keytrack", "transpose", "tune", "pitch", "offset", "end", "loop_mode", "loopmode",
    "loop_start", "loopstart", "loop_end", "loopend", "ampeg_attack", "ampeg_hold", "ampeg_decay", "ampeg_sustain",
    "ampeg_release", "amp_veltrack", "volume", "trigger", "seq_length", "seq_position", "lorand", "hirand", "sw_last",
    "sw_default",
})  # fmt: skip
_WITHOUT_SOUND = frozenset({
    "pan", "position", "width", "group", "off_by", "off_mode", "polyphony", "sw_lokey", "sw_hikey", "sw_label",
    "region_label", "group_label", "master_label", "global_label", "hint_ram_based",
})  # fmt: skip
"""They change nothing in one mono voice a note, or are for the eye."""

_CONTROLLED = re.compile(r"(?:lo|hi|set_|label_)cc\d{1,3}")
_NOTE = re.compile(r"([a-gA-G])([#b♯♭]?)(-?\d)")
_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_LIMIT = 2**40


@dataclass(frozen=True, slots=True)
class Region:
    """Say when a sample sounds, and how; times in seconds, positions in frames of the sample.

    Attributes:
        sample: The file as the SFZ names it, with its default path.
        low: Lowest key.
        high: Highest key.
        low_velocity: 0..127.
        high_velocity: 0..127.
        center: Key at which the sample has its own pitch.
        keytrack_cents: Change of pitch from key to key.
        tune_cents: Change of pitch of all keys, transposition included.
        offset: First frame that is played.
        end: Frame after the last that is played, None for the sample's own end.
        loop: "no_loop", "one_shot", "loop_continuous", "loop_sustain" or "" for what the sample says.
        loop_start: First frame of the loop.
        loop_end: Frame after its last, None for the sample's end.
        attack_s: Linear rise.
        hold_s: Time at full level.
        decay_s: Time to the sustained level.
        sustain: 0..1.
        release_s: Time to silence after the key is let go.
        volume_db: Gain.
        veltrack: -1..1, how much velocity is heard.
    """

    sample: str
    low: int
    high: int
    low_velocity: int
    high_velocity: int
    center: int
    keytrack_cents: float
    tune_cents: float
    offset: int
    end: int | None
    loop: str
    loop_start: int
    loop_end: int | None
    attack_s: float
    hold_s: float
    decay_s: float
    sustain: float
    release_s: float
    volume_db: float
    veltrack: float


def is_known(opcode: str) -> bool:
    """Tell whether an opcode is played, or changes nothing that could be heard here."""
    return opcode in _PLAYED or opcode in _WITHOUT_SOUND or _CONTROLLED.fullmatch(opcode) is not None


def make_region(opcodes: Mapping[str, str], controls: Mapping[str, str]) -> Region | None:
    """Make a region; None for one that a plain key press does not sound: releases, other keyswitches, later takes."""
    get = _Opcodes(opcodes)
    shift = get.whole("note_offset", 0) + 12 * get.whole("octave_offset", 0)
    low, high = get.key("lokey", 0), get.key("hikey", 127)
    center = get.key("pitch_keycenter", 60)
    if "key" in opcodes:
        key = get.key("key", 60)
        low, high = get.key("lokey", key), get.key("hikey", key)
        center = get.key("pitch_keycenter", key)
    if not _sounds(get, controls) or low < 0 or high < low:
        return None
    end = get.whole("end", -2)
    if end == -1:  # how SFZ says that a region is off
        return None
    loop_end = get.whole("loop_end", get.whole("loopend", -1))
    return Region(
        sample=opcodes["sample"].replace("\\", "/"),
        low=low + shift,
        high=high + shift,
        low_velocity=get.whole("lovel", 0),
        high_velocity=get.whole("hivel", 127),
        center=center + shift,
        keytrack_cents=get.number("pitch_keytrack", 100.0, -1200, 1200),
        tune_cents=get.number("tune", get.number("pitch", 0.0, -9600, 9600), -9600, 9600)
        + 100.0 * get.number("transpose", 0.0, -127, 127),
        offset=max(0, get.whole("offset", 0)),
        end=end + 1 if end >= 0 else None,
        loop=opcodes.get("loop_mode", opcodes.get("loopmode", "")),
        loop_start=max(0, get.whole("loop_start", get.whole("loopstart", 0))),
        loop_end=loop_end + 1 if loop_end >= 0 else None,
        attack_s=get.number("ampeg_attack", 0.0, 0, 100),
        hold_s=get.number("ampeg_hold", 0.0, 0, 100),
        decay_s=get.number("ampeg_decay", 0.0, 0, 100),
        sustain=get.number("ampeg_sustain", 100.0, 0, 100) / 100.0,
        release_s=get.number("ampeg_release", 0.001, 0, 100),
        volume_db=get.number("volume", 0.0, -144, 48),
        veltrack=get.number("amp_veltrack", 100.0, -100, 100) / 100.0,
    )


def sample_path(sfz: Path, sample: str) -> Path:
    """Return where a sample lies; an SFZ from a system that takes no care of case is read as well."""
    path = sfz.parent / sample
    if path.exists():
        return path
    found = sfz.parent
    for part in Path(sample).parts:
        if not (found / part).exists() and found.is_dir():
            part = next((other.name for other in sorted(found.iterdir()) if other.name.lower() == part.lower()), part)
        found = found / part
    return found


def _sounds(get: _Opcodes, controls: Mapping[str, str]) -> bool:
    values = get.values
    if values.get("trigger", "attack") not in ("attack", "first"):
        return False
    if get.whole("seq_position", 1) != 1 or get.number("lorand", 0.0, 0, 1) > 0.0:
        return False
    if "sw_last" in values and values["sw_last"] != values.get("sw_default", ""):
        return False
    for name in values:
        if name[:4] in ("locc", "hicc") and _CONTROLLED.fullmatch(name):
            now = _number(controls.get(name[4:], "0"), 0.0)
            bound = get.number(name, now, 0, 127)
            if now < bound if name[0] == "l" else now > bound:
                return False
    return True


class _Opcodes:
    """Read values; what is no number counts as not given."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def number(self, name: str, default: float, low: float, high: float) -> float:
        return min(high, max(low, _number(self.values.get(name, ""), default)))

    def whole(self, name: str, default: int) -> int:
        return int(self.number(name, default, -_LIMIT, _LIMIT))

    def key(self, name: str, default: int) -> int:
        text = self.values.get(name, "")
        if match := _NOTE.fullmatch(text):
            sign = {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(match[2], 0)
            return _SEMITONES[match[1].lower()] + sign + 12 * (int(match[3]) + 1)
        return int(min(127.0, max(-1.0, _number(text, float(default)))))


def _number(text: str, default: float) -> float:
    try:
        value = float(text.split()[0])
    except (ValueError, IndexError):
        return default
    return value if isfinite(value) else default
