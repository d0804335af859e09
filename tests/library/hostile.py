"""Write files that a producer's disk may hold and a build must survive: damaged, lying, endless, badly named."""

from __future__ import annotations

import gzip
import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from library.audio import write_audio
from tests.library.sound_files import tone, write_soundfont, write_tone

__all__ = ["GOOD", "HOSTILE", "write_all"]

RATE_HZ = 16_000
_BOMB_BYTES = 1 << 30

Write = Callable[[Path], object]


def _wav_head(data_bytes: int, *, rate: int = RATE_HZ, channels: int = 1, bits: int = 16, code: int = 1) -> bytes:
    frame = max(1, channels * bits // 8)
    fmt = struct.pack("<HHIIHH", code, channels, rate, (rate * frame) & 0xFFFFFFFF, frame, bits)
    riff = min(0xFFFFFFFF, 36 + data_bytes)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt \x10\0\0\0" + fmt + b"data" + struct.pack("<I", data_bytes)


def _sparse_wav(path: Path, data_bytes: int) -> None:
    with path.open("wb") as file:
        file.write(_wav_head(data_bytes))
        file.write((12_000 * tone(220.0, 6.0)).astype("<i2").tobytes())
        file.truncate(44 + data_bytes)


def _cut(suffix: str, keep: float = 0.4) -> Write:
    def write(path: Path) -> None:
        whole = path.with_suffix(f".whole.{suffix}")
        if suffix == "sf2":
            write_soundfont(whole, {(0, 0): "Piano"})
        else:
            write_audio(whole, tone(220.0, 3.0), RATE_HZ if suffix != "mp3" else 44_100)
        data = whole.read_bytes()
        whole.unlink()
        path.write_bytes(data[: round(len(data) * keep)])

    return write


def _data(data: bytes) -> Write:
    return lambda path: path.write_bytes(data)


def _audio(frames: np.ndarray[tuple[int, ...], np.dtype[np.float32]], rate: int, subtype: str) -> Write:
    return lambda path: write_audio(path, frames, rate, subtype)


def _flac_of_billions(path: Path) -> None:
    write_audio(path, tone(220.0), RATE_HZ)
    data = bytearray(path.read_bytes())
    data[21:26] = bytes([data[21] | 0x0F, 0xFF, 0xFF, 0xFF, 0xFF])  # 36 bits of total samples in STREAMINFO
    path.write_bytes(data)


def _gzip_bomb(path: Path) -> None:
    pack = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 24)
    with path.open("wb") as file:
        file.write(pack.compress(b'<?xml version="1.0"?><ZynAddSubFX-data><INSTRUMENT>'))
        for _ in range(_BOMB_BYTES >> 24):
            file.write(pack.compress(block))
        file.write(pack.flush())


def _font_bomb(path: Path) -> None:
    """Make an .sf3 whose sample is an Ogg that says, with a right checksum, that it is days long."""
    write_soundfont(path, {(0, program): f"Piano {program}" for program in range(8)})
    ogg = path.with_suffix(".ogg")
    write_audio(ogg, tone(220.0, 3.0, 30), RATE_HZ)
    stream = bytearray(ogg.read_bytes())
    ogg.unlink()
    last = stream.rfind(b"OggS")
    struct.pack_into("<Q", stream, last + 6, 2**36)  # granule position: frames up to here
    struct.pack_into("<I", stream, last + 22, 0)
    struct.pack_into("<I", stream, last + 22, _ogg_crc(stream[last:]))
    data = bytearray(path.read_bytes())
    at, header = data.index(b"smpl") + 8, data.index(b"shdr") + 8
    assert at + len(stream) < data.index(b"pdta")
    data[at : at + len(stream)] = stream
    struct.pack_into("<II", data, header + 20, 0, len(stream))
    struct.pack_into("<H", data, header + 44, 0x11)  # mono, Ogg Vorbis
    path.write_bytes(data)


def _ogg_crc(page: bytes | bytearray) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x104C11DB7 if crc & 0x80000000 else 0)
    return crc


def _nksf(metadata: bytes) -> Write:
    def write(path: Path) -> None:
        data = b"\x01\0\0\0" + metadata
        chunk = b"NISI" + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
        path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"NIKS" + chunk)
        write_tone(path.with_name(f"{path.name}.ogg"), 330.0)

    return write


def _nested_json(path: Path) -> None:
    write_tone(path.parent / "audio" / "note.wav", 220.0)
    with path.open("w") as file:
        for _ in range(100):
            file.write('{"a":' * (1 << 18))


def _long_json(path: Path) -> None:
    write_tone(path.parent / "audio" / "note.wav", 220.0)
    path.write_text(json.dumps({"note": {"x": "y" * 1_000_000}}))


def _preset_bomb(path: Path) -> None:
    _gzip_bomb(path)
    write_tone(path.with_suffix(".wav"), 330.0)


def _loop(path: Path) -> None:
    path.mkdir()
    (path / "round.wav").symlink_to("round.wav")
    (path / "up").symlink_to(path)


def _unreadable(path: Path) -> None:
    write_tone(path, 220.0)
    path.chmod(0)


_NAN = tone(220.0)
_NAN[100] = np.nan
_INF = tone(220.0)
_INF[-1] = np.inf
_SIX = np.repeat(tone(220.0)[:, None], 6, axis=1)
_WIDE = np.asarray(np.random.default_rng(1).normal(0, 0.1, (96_000, 2)), np.float32)

GOOD: dict[str, Write] = {
    "one frame.wav": _audio(np.full(1, 0.9, np.float32), RATE_HZ, "PCM_16"),
    "deep.wav": _audio(_WIDE, 96_000, "PCM_24"),
    "surround.wav": _audio(_SIX, 48_000, "PCM_16"),
    "prime rate.wav": _audio(tone(220.0), 44_101, "PCM_16"),
    "an hour.wav": lambda path: _sparse_wav(path, 2 * RATE_HZ * 3600),
    "two GB.wav": lambda path: _sparse_wav(path, 2_000_000_000),
    "new\nline.wav": lambda path: write_tone(path, 220.0),
    "emoji \U0001f3b9\U0001f941.wav": lambda path: write_tone(path, 230.0),
    "\u202egnp.wav": lambda path: write_tone(path, 240.0),
    f"{'long ' * 48}.wav": lambda path: write_tone(path, 250.0),
    "an ogg.wav": lambda path: write_tone(path.with_suffix(".ogg"), 260.0).rename(path),
    "a flac.txt": lambda path: write_tone(path.with_suffix(".flac"), 270.0).rename(path),
    "an ogg.sfz": lambda path: write_tone(path.with_suffix(".ogg"), 280.0).rename(path),
    "128 channels.wav": _audio(np.repeat(tone(220.0)[:, None], 128, axis=1), 44_100, "PCM_16"),
    "bomb.adg": _preset_bomb,
}
"""Files that look bad and are rightly sounds (the preset by its preview)."""

HOSTILE: dict[str, Write] = {
    "empty.wav": _data(b""),
    "empty.sf2": _data(b""),
    "empty.sfz": _data(b""),
    "empty.xiz": _data(b""),
    "a byte.wav": _data(b"R"),
    "a byte.mp3": _data(b"\xff"),
    "a byte.flac": _data(b"f"),
    "a byte.xiz": _data(b"\x1f"),
    "text.wav": _data(b"this is no audio"),
    "cut.wav": _cut("wav"),
    "cut.flac": _cut("flac"),
    "cut.ogg": _cut("ogg", 0.02),
    "cut.aiff": _cut("aiff", 0.001),
    "cut.mp3": _cut("mp3", 0.005),
    "cut.sf2": _cut("sf2"),
    "cut.xiz": _data(gzip.compress(os.urandom(4000))[:900]),
    "no channel.wav": _data(_wav_head(2000, channels=0) + bytes(2000)),
    "no rate.wav": _data(_wav_head(2000, rate=0) + bytes(2000)),
    "fast.wav": _data(_wav_head(2000, rate=2**31 - 1) + bytes(2000)),
    "slow.wav": _data(_wav_head(2000, rate=1) + bytes(range(250)) * 8),
    "lying.wav": _data(_wav_head(2**31) + bytes(2000)),
    "odd code.wav": _data(_wav_head(2000, code=0x7777) + bytes(2000)),
    "header only.wav": _data(_wav_head(0)),
    "nan.wav": _audio(_NAN, RATE_HZ, "FLOAT"),
    "inf.wav": _audio(_INF, RATE_HZ, "FLOAT"),
    "silent.wav": _audio(np.zeros(RATE_HZ, np.float32), RATE_HZ, "PCM_16"),
    "billions.flac": _flac_of_billions,
    "noise.flac": _data(b"fLaC" + os.urandom(5000)),
    "noise.ogg": _data(b"OggS" + os.urandom(5000)),
    "noise.sf2": _data(b"RIFF" + struct.pack("<I", 5000) + b"sfbk" + os.urandom(4996)),
    "bomb.sf3": _font_bomb,
    "bomb.xiz": _gzip_bomb,
    "session.xiz": _data(gzip.compress(b"<ZynAddSubFX-data><MASTER></MASTER></ZynAddSubFX-data>")),
    "itself.sfz": _data(b'#include "itself.sfz"\n#include "itself.sfz"\n'),
    "million.sfz": _data(b"<region> sample=x.wav\n" * 1_000_000),
    "outside.sfz": _data(b'#include "../../../../etc/passwd"\n'),
    "defines.sfz": _data(b"#define $A $A$A$A$A$A$A$A$A\n<region> sample=$A\n" * 2_000),
    "device.sfz": _data(b"<region> sample=/dev/zero\n"),
    "one line.sfz": _data(b"<region> " * 1_000_000),
    "binary.sfz": _data(bytes(range(256)) * 10),
    "list.nksf": _nksf(b"\xdd\xff\xff\xff\xff"),
    "nested.nksf": _nksf(b"\x91" * 1_000_000),
    "nested/examples.json": _nested_json,
    "long/examples.json": _long_json,
    "pipe.wav": lambda path: os.mkfifo(path),
    "device.wav": lambda path: path.symlink_to("/dev/zero"),
    "nowhere.wav": lambda path: path.symlink_to("/nowhere/x.wav"),
}
"""Files that can't be sounds; each has to have its line in the errors."""

_ALSO: dict[str, Write] = {"loops": _loop, "._mac.wav": _data(b"\0\5\x16\7")}


def write_all(folder: Path) -> None:
    """Write all of them below a folder."""
    for name, write in (GOOD | HOSTILE | _ALSO).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    if os.geteuid() != 0:  # root reads everything
        _unreadable(folder / "unreadable.wav")
