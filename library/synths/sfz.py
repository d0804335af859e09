"""Read SFZ instruments: which sample sounds at which key and velocity, and how (sfzformat.com; what matters of it).

Everything is bounded: what includes itself, or claims a million regions, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from library.errors import InputError
from library.synths.sfz_region import Region, is_known, make_region

__all__ = ["SfzInstrument", "read_sfz"]

MOST_BYTES = 16 << 20
MOST_REGIONS = 20_000
MOST_INCLUDES = 256
DEEPEST_INCLUDE = 8
MOST_DEFINES = 1_000
LONGEST_LINE = 1 << 16

_TOKEN = re.compile(r"<(\w+)>|(?<![^\s>])([A-Za-z_]\w*)=")
_INCLUDE = re.compile(r'\s*#include\s+"([^"]+)"')
_DEFINE = re.compile(r"\s*#define\s+(\$\w+)\s+(\S*)")
_LEVELS = ("global", "master", "group", "region")
_NEXT_STEP = "correct the file, or leave it out"


@dataclass(frozen=True, slots=True)
class SfzInstrument:
    """Hold the regions of an instrument that sound on an attack, and the names of the opcodes that are not played."""

    regions: tuple[Region, ...]
    unknown: tuple[str, ...]
    builtin: tuple[str, ...]


@dataclass(slots=True)
class _State:
    control: dict[str, str] = field(default_factory=dict)
    levels: dict[str, dict[str, str]] = field(default_factory=lambda: {level: {} for level in _LEVELS})
    header: str = ""
    regions: list[dict[str, str]] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


def read_sfz(path: Path) -> SfzInstrument:
    """Parse an SFZ file; no sample is opened.

    Raises:
        InputError: The file is no SFZ, or breaks a bound.
    """
    state = _State()
    for line in _Lines(path):
        _feed(path, state, line)
    _close_region(path, state)
    if not state.regions:
        raise InputError(path, "holds no <region>", _NEXT_STEP)
    controls = {name[6:]: value for name, value in state.control.items() if name.startswith("set_cc")}
    builtin: set[str] = set()
    regions: list[Region] = []
    for opcodes in state.regions:
        sample = opcodes.get("sample", "")
        if sample.startswith("*"):
            builtin.add(sample)
        elif sample and (region := make_region(opcodes, controls)) is not None:
            regions.append(region)
    return SfzInstrument(tuple(regions), tuple(sorted(state.unknown)), tuple(sorted(builtin)))


def _feed(path: Path, state: _State, line: str) -> None:
    found = list(_TOKEN.finditer(line))
    for number, token in enumerate(found):
        header, opcode = token.groups()
        if header:
            _close_region(path, state)
            state.header = header
            if header in _LEVELS:
                for level in _LEVELS[_LEVELS.index(header) :]:
                    state.levels[level] = {}
            continue
        end = found[number + 1].start() if number + 1 < len(found) else len(line)
        value = line[token.end() : end].strip()
        if state.header == "control":
            state.control[opcode] = value
        elif state.header in _LEVELS:
            state.levels[state.header][opcode] = value
        if state.header in (*_LEVELS, "control") and not is_known(opcode):
            state.unknown.add(opcode)


def _close_region(path: Path, state: _State) -> None:
    if state.header != "region":
        return
    if len(state.regions) >= MOST_REGIONS:
        raise InputError(path, f"has more than {MOST_REGIONS} regions", _NEXT_STEP)
    merged: dict[str, str] = {}
    for level in _LEVELS:
        merged |= state.levels[level]
    if "sample" in merged and not merged["sample"].startswith("*"):
        merged["sample"] = state.control.get("default_path", "") + merged["sample"]
    for name in ("note_offset", "octave_offset"):
        if name in state.control:
            merged[name] = state.control[name]
    state.regions.append(merged)


class _Lines:
    """Yield the lines of a file without comments, its includes in their place and its definitions replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._root = path.resolve().parent
        self._bytes_left = MOST_BYTES
        self._includes_left = MOST_INCLUDES
        self._defines: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return self._lines(self._path, 0)

    def _lines(self, path: Path, depth: int) -> Iterator[str]:
        for line in _without_comments(self._text(path)).splitlines():
            if match := _DEFINE.match(line):
                if len(self._defines) >= MOST_DEFINES:
                    raise InputError(self._path, f"has more than {MOST_DEFINES} #define", _NEXT_STEP)
                self._defines[match[1]] = match[2]
                self._defines = dict(sorted(self._defines.items(), key=lambda row: -len(row[0])))
                continue
            line = _replaced(line, self._defines)
            if match := _INCLUDE.match(line):
                yield from self._lines(self._included(match[1], depth), depth + 1)
                continue
            if len(line) > LONGEST_LINE:
                raise InputError(self._path, f"has a line of more than {LONGEST_LINE} characters", _NEXT_STEP)
            yield line

    def _included(self, name: str, depth: int) -> Path:
        self._includes_left -= 1
        if depth >= DEEPEST_INCLUDE or self._includes_left < 0:
            rule = f"includes more than {DEEPEST_INCLUDE} levels or {MOST_INCLUDES} files; maybe itself"
            raise InputError(self._path, rule, _NEXT_STEP)
        path = (self._root / name.replace("\\", "/")).resolve()
        if not path.is_relative_to(self._root):
            raise InputError(self._path, f'#include "{name}" lies outside its folder', "move it beside the SFZ")
        return path

    def _text(self, path: Path) -> str:
        if not path.is_file():
            raise InputError(self._path, f"includes {path.name}, which is no file", _NEXT_STEP)
        try:
            with path.open("rb") as file:
                data = file.read(self._bytes_left + 1)
        except OSError as error:
            raise InputError(path, f"can't be read ({error.strerror})", "check its permissions") from error
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise InputError(self._path, f"is larger than {MOST_BYTES >> 20} MiB with what it includes", _NEXT_STEP)
        if b"\0" in data:
            raise InputError(self._path, "is no text, so no SFZ", _NEXT_STEP)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")


def _replaced(line: str, defines: Mapping[str, str]) -> str:
    if "$" in line and len(line) <= LONGEST_LINE:
        for name, value in defines.items():
            line = line.replace(name, value)
            if len(line) > LONGEST_LINE:
                break
    return line


def _without_comments(text: str) -> str:
    parts: list[str] = []
    at = 0
    while (start := text.find("/*", at)) >= 0:
        parts.append(text[at:start])
        end = text.find("*/", start + 2)
        at = len(text) if end < 0 else end + 2
    parts.append(text[at:])
    return re.sub(r"//.*", "", "".join(parts))
