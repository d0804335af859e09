"""Write the small sound files that library tests read."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import write_audio

__all__ = ["tone", "write_soundfont", "write_tone"]

RATE_HZ = 16_000
SF2_RATE_HZ = 32_000
_LOOP_PERIODS = 40
_GUARD_FRAMES = 46  # the specification asks for this much silence after each sample


def tone(pitch_hz: float, duration_s: float = 1.0, harmonics: int = 4) -> NDArray[np.float32]:
    """Return samples[T] of a harmonic tone at 16 kHz."""
    time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    parts = [np.sin(2 * np.pi * pitch_hz * n * time) / n for n in range(1, harmonics + 1)]
    return np.asarray(0.3 * np.sum(parts, axis=0), np.float32)


def write_tone(path: Path, pitch_hz: float, duration_s: float = 1.0, harmonics: int = 4) -> Path:
    """Write a tone; the suffix chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, tone(pitch_hz, duration_s, harmonics), RATE_HZ)
    return path


def write_soundfont(path: Path, names: Mapping[tuple[int, int], str]) -> Path:
    """Write a SoundFont 2.01 with one looped tone for each (bank, program): name."""
    order = sorted(names)
    pcm, headers, start = b"", b"", 0
    for number, key in enumerate(order):
        period = 64
        wave = np.sin(2 * np.pi * (1 + number % 4) * np.arange(period * _LOOP_PERIODS) / period)
        wave = np.sign(wave) * np.abs(wave) ** (1.0 / (1 + number))  # each preset another timbre
        data = (12_000 * wave).astype("<i2").tobytes() + bytes(2 * _GUARD_FRAMES)
        end = start + period * _LOOP_PERIODS
        headers += struct.pack(
            "<20s5IBbHH", _label(names[key]), start, end, start, end, SF2_RATE_HZ, 72 - 12 * (number % 2), 0, 0, 1
        )
        pcm += data
        start += len(data) // 2
    count = len(order)
    presets = b"".join(struct.pack("<20sHHH3I", _label(names[k]), k[1], k[0], i, 0, 0, 0) for i, k in enumerate(order))
    presets += struct.pack("<20sHHH3I", b"EOP", 0, 0, count, 0, 0, 0)
    instruments = b"".join(struct.pack("<20sH", _label(names[k]), i) for i, k in enumerate(order))
    instruments += struct.pack("<20sH", b"EOI", count)
    bags = b"".join(struct.pack("<HH", i, 0) for i in range(count + 1))
    instrument_bags = b"".join(struct.pack("<HH", 2 * i, 0) for i in range(count + 1))
    preset_gens = b"".join(struct.pack("<HH", 41, i) for i in range(count)) + bytes(4)
    instrument_gens = b"".join(struct.pack("<HHHH", 54, 1, 53, i) for i in range(count)) + bytes(4)
    headers += struct.pack("<20s5IBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    info = _chunk(b"ifil", struct.pack("<HH", 2, 1)) + _chunk(b"isng", b"EMU8000\0") + _chunk(b"INAM", b"Test font\0")
    tables = (
        _chunk(b"phdr", presets) + _chunk(b"pbag", bags) + _chunk(b"pmod", bytes(10)) + _chunk(b"pgen", preset_gens)
        + _chunk(b"inst", instruments) + _chunk(b"ibag", instrument_bags) + _chunk(b"imod", bytes(10))
        + _chunk(b"igen", instrument_gens) + _chunk(b"shdr", headers)
    )  # fmt: skip
    body = _list(b"INFO", info) + _list(b"sdta", _chunk(b"smpl", pcm)) + _list(b"pdta", tables)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_chunk(b"RIFF", b"sfbk" + body))
    return path


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _list(name: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", name + data)


def _label(name: str) -> bytes:
    return name.encode("ascii")[:19]
