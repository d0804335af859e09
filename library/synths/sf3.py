"""Say how large a compressed SoundFont (.sf3) is when it is decoded, before a synthesiser tries."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from library.errors import InputError
from library.synths.riff import riff_chunks

__all__ = ["check_size"]

MOST_FRAMES = 400_000_000
"""FluidSynth keeps 16 bits a frame: 800 MB; the largest free General MIDI font has a quarter of that."""

_VORBIS = 0x10
_SHDR = struct.Struct("<20s5IBbHH")
_MOST_TABLE_BYTES = 64 << 20


def check_size(path: Path) -> None:
    """Refuse a font whose Ogg Vorbis samples say that they are longer than memory has room for.

    Raises:
        InputError: They are.
        OSError: The file can't be read.
    """
    import soundfile

    headers = _headers(path)
    spans = [(row[1], row[2]) for row in _SHDR.iter_unpack(headers) if row[9] & _VORBIS]
    start = _smpl_start(path) if spans else 0
    frames = 0
    with path.open("rb") as file:
        for first, last in spans:
            file.seek(start + first)
            data = file.read(min(max(0, last - first), _MOST_TABLE_BYTES))
            try:
                info = soundfile.info(io.BytesIO(data))
            except (soundfile.LibsndfileError, RuntimeError):
                continue  # FluidSynth leaves such a sample silent
            frames += int(info.frames) * int(info.channels)
            if frames > MOST_FRAMES:
                rule = f"has more than {MOST_FRAMES} frames of samples when it is decoded"
                raise InputError(path, rule, "use the .sf2, or a smaller font")


def _headers(path: Path) -> bytes:
    for name, data in riff_chunks(path, b"sfbk", _MOST_TABLE_BYTES):
        at = data.find(b"shdr") if name == b"LIST" and data[:4] == b"pdta" else -1
        if at >= 0:
            table = data[at + 8 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]
            return table[: len(table) // _SHDR.size * _SHDR.size]
    return b""


def _smpl_start(path: Path) -> int:
    """Return where the samples begin in the file."""
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head[4:], "little")
            after = file.tell() + length + length % 2
            if head[:4] == b"LIST" and file.read(4) == b"sdta":
                return file.tell() + 8
            file.seek(after)
    return 0
