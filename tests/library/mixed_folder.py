"""Make a producer's sample folder: packs of one-shots, loops and stems in all formats, with what else lies there.

`python -m tests.library.mixed_folder DIR COUNT` writes one to build a library from.
"""

from __future__ import annotations

import io
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = ["MixedFolder", "write_mixed_folder"]

_FORMATS = (
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "PCM_24"),
    ("wav", "WAV", "FLOAT"),
    ("aif", "AIFF", "PCM_24"),
    ("flac", "FLAC", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
)
_RATES_HZ = (22_050, 44_100, 48_000, 96_000)
_NAMES = ("Bass", "Keys", "Pad", "Lead", "Guitar", "Brass", "Strings", "Pluck", "Flute", "Bell")
_LENGTHS_S = (0.3, 0.6, 1.2, 6.0)
_SHARES = (0.4, 0.35, 0.2, 0.05)


@dataclass(frozen=True, slots=True)
class MixedFolder:
    """Say what was written.

    Attributes:
        sounds: Names of the files that hold sound, copies included.
        copies: Pairs of files with the same bytes.
        broken: Files named like audio that hold none.
    """

    sounds: tuple[str, ...]
    copies: tuple[tuple[str, str], ...]
    broken: tuple[str, ...]


def write_mixed_folder(folder: Path, count: int, seed: int = 0) -> MixedFolder:
    """Write COUNT audio files in packs, and one other file for each twenty of them."""
    rng = np.random.default_rng(seed)
    sounds, copies, broken = [], [], []
    for number in range(count):
        name = _NAMES[rng.integers(len(_NAMES))]
        pack = folder / f"Pack {number % 17:02d}" / name / ("One Shots" if rng.random() < 0.7 else "Loops")
        pack.mkdir(parents=True, exist_ok=True)
        suffix, container, subtype = _FORMATS[rng.integers(len(_FORMATS))]
        path = pack / f"{name} {number:05d}.{suffix}"
        data = _encode(rng, container, subtype)
        match number % 20:
            case 7:
                (pack / f"readme {number:05d}.txt").write_text("Royalty free.\n")
            case 11:
                (pack / f"._{path.name}").write_bytes(b"\0\5\26\7" + bytes(60))  # what macOS leaves on foreign drives
            case 13 if number % 3 == 0:
                broken.append(str(path))
                path.write_bytes((b"", data[:20], b"<html>404</html>", bytes(5000))[len(broken) % 4])
                continue
            case 17:
                copy = path.with_stem(f"{path.stem} copy")
                copy.write_bytes(data)
                copies.append((str(path), str(copy)))
                sounds.append(str(copy))
        path.write_bytes(data)
        sounds.append(str(path))
    return MixedFolder(tuple(sorted(sounds)), tuple(copies), tuple(sorted(broken)))


def _encode(rng: np.random.Generator, container: str, subtype: str) -> bytes:
    rate_hz = 48_000 if subtype == "OPUS" else int(rng.choice(_RATES_HZ[:3] if container == "MP3" else _RATES_HZ))
    samples = _sound(rng, rate_hz)
    out = io.BytesIO()
    soundfile.write(out, samples, rate_hz, format=container, subtype=subtype)
    return out.getvalue()


def _sound(rng: np.random.Generator, rate_hz: int) -> NDArray[np.float32]:
    """Return a note of chance pitch, spectrum, envelope and vibrato, mono or stereo, [T] or [T, 2]."""
    length_s = float(rng.choice(_LENGTHS_S, p=_SHARES))
    time = np.arange(round(length_s * rate_hz)) / rate_hz
    pitch_hz = 55.0 * 2 ** rng.uniform(0, 4)
    phase = 2 * np.pi * pitch_hz * time + rng.uniform(0, 2) * np.sin(2 * np.pi * rng.uniform(3, 7) * time)
    slope = rng.uniform(0.5, 2.5)
    partials = [n for n in range(1, 13) if n * pitch_hz < 0.4 * rate_hz]
    tone = np.sum([rng.uniform(0.2, 1) * n**-slope * np.sin(n * phase) for n in partials], axis=0)
    tone += rng.uniform(0, 0.05) * rng.standard_normal(len(time))
    tone *= np.minimum(1, time / rng.uniform(0.002, 0.2)) * np.exp(-time / rng.uniform(0.2, 5))
    tone = np.asarray(0.5 * tone / np.abs(tone).max(), np.float32)
    return tone if rng.random() < 0.5 else np.stack([tone, 0.7 * tone], axis=-1)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    made = write_mixed_folder(target, int(sys.argv[2]))
    sys.stdout.write(f"{len(made.sounds)} sounds, {len(made.copies)} of them copies, {len(made.broken)} broken files\n")
