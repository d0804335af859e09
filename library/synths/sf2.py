"""List the presets of a SoundFont (SoundFont Technical Specification 2.04, section 7.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from library.errors import InputError

__all__ = ["DRUM_BANK", "Preset", "presets"]

DRUM_BANK = 128
"""Bank in which SoundFonts keep percussion kits."""

_PHDR = struct.Struct("<20sHHHIII")


@dataclass(frozen=True, slots=True, order=True)
class Preset:
    """Name one preset: bank 0..128, program 0..127."""

    bank: int
    program: int
    name: str


def presets(path: Path) -> tuple[Preset, ...]:
    """Return the presets of a .sf2 or .sf3 file in the order of bank and program.

    Raises:
        InputError: The file is missing, is not a SoundFont or is truncated.
    """
    try:
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] != b"RIFF" or head[8:] != b"sfbk":
                raise _bad(path, "is not a SoundFont")
            size = path.stat().st_size
            while len(chunk := file.read(8)) == 8:
                length = int.from_bytes(chunk[4:], "little")
                if file.tell() + length > size:
                    raise _bad(path, "is truncated")
                if chunk[:4] == b"LIST" and file.read(4) == b"pdta":
                    return _read_phdr(path, file.read(length - 4))
                file.seek(length - 4 * (chunk[:4] == b"LIST") + length % 2, 1)
    except OSError as error:
        raise InputError(path, f"can't be read ({error.strerror})", "check the name and its permissions") from error
    raise _bad(path, "has no preset list")


def _read_phdr(path: Path, pdta: bytes) -> tuple[Preset, ...]:
    length = int.from_bytes(pdta[4:8], "little")
    if pdta[:4] != b"phdr" or length % _PHDR.size or length > len(pdta) - 8:
        raise _bad(path, "has a damaged preset list")
    rows = list(_PHDR.iter_unpack(pdta[8 : 8 + length]))[:-1]  # the last row is the terminal record
    found = {
        (bank, program): Preset(bank, program, name.split(b"\0")[0].decode("latin-1").strip())
        for name, program, bank, *_ in rows
        if bank <= DRUM_BANK and program <= 127
    }
    return tuple(sorted(found.values()))


def _bad(path: Path, rule: str) -> InputError:
    return InputError(path, rule, "give a .sf2 or .sf3 file, or download it again")
