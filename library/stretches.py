"""Decode stretches of audio files, a block at a time: what is not asked for takes no memory."""

from __future__ import annotations

from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.audio import (
    SAMPLE_RATE_HZ,
    AudioInfo,
    audio_info,
    decoder,
    downmix,
    missing_frames,
    resample,
    truncated,
)
from library.errors import AudioFileError

__all__ = ["read_beginning", "read_windows"]

_BLOCK_VALUES = 1 << 22
"""Values that are decoded at once; a file may have 1024 channels."""

_EDGE_S = 0.02
"""What the resampling filter needs before and after a stretch."""


def read_windows(
    path: Path, window_s: float, most: int, sample_rate: int = SAMPLE_RATE_HZ
) -> tuple[NDArray[np.float32], ...]:
    """Decode what stands for a file: all of a file up to window_s as one stretch, windows spread over a longer one.

    Of a long file no more than its windows is decoded, a block at a time.

    Args:
        path: The file.
        window_s: Length of a window in seconds.
        most: Windows at most.
        sample_rate: Rate in Hz of what is returned.

    Returns:
        Stretches[T] float32 mono; at least one, all but a single one of exactly window_s.

    Raises:
        AudioFileError: The file can't be decoded, is empty, truncated or holds NaN or infinity.
    """
    info = audio_info(path)
    if missing := missing_frames(path, info, info.frames):
        raise truncated(path, missing)
    length = round(info.duration_s * sample_rate)
    window = round(window_s * sample_rate)
    with decoder(path) as file:
        if length <= window:
            mono = resample(_read_mono(path, file, info.frames, info.channels), info.sample_rate, sample_rate)
            return (mono[: max(1, length)],)
        count = min(most, -(-length // window))
        starts = np.linspace(0, length - window, count).round().astype(int)
        return tuple(_window(path, file, info, int(start), window, sample_rate) for start in starts)


def read_beginning(path: Path, frames: int) -> tuple[NDArray[np.float32], int]:
    """Decode the first frames of a file, at most that many.

    Returns:
        samples[T] float32 mono and the file's sample rate in Hz.

    Raises:
        AudioFileError: The file can't be decoded, is empty, truncated or holds NaN or infinity.
    """
    info = audio_info(path)
    with decoder(path) as file:
        return _read_mono(path, file, min(frames, info.frames), info.channels), info.sample_rate


def _window(
    path: Path, file: Any, info: AudioInfo, start: int, length: int, sample_rate: int
) -> NDArray[np.float32]:  # Any: soundfile has no types
    """Decode samples[length] from `start` on, both at sample_rate, with what the resampling filter needs around."""
    first_s, last_s = start / sample_rate - _EDGE_S, (start + length) / sample_rate + _EDGE_S
    # The stretch begins where both rates have a sample at the same time, so that windows are cut as from the whole.
    step = info.sample_rate // gcd(info.sample_rate, sample_rate)
    begin = max(0, int(first_s * info.sample_rate)) // step * step
    end = min(info.frames, round(last_s * info.sample_rate))
    if file.seek(begin) != begin:
        raise truncated(path, info.frames - begin)
    mono = resample(_read_mono(path, file, end - begin, info.channels), info.sample_rate, sample_rate)
    skip = start - begin * sample_rate // info.sample_rate
    cut = mono[skip : skip + length]
    return np.pad(cut, (0, length - len(cut)))


def _read_mono(path: Path, file: Any, frames: int, channels: int) -> NDArray[np.float32]:
    """Decode the next frames block by block as samples[frames]."""
    parts: list[NDArray[np.float32]] = []
    block = max(1, _BLOCK_VALUES // channels)
    missing = frames
    while missing > 0:
        part = file.read(min(block, missing), dtype="float32", always_2d=True)
        if not len(part):
            break
        if not np.isfinite(part).all():
            raise AudioFileError(path, "holds NaN or infinite samples", "export it again as 16 or 24 bit PCM")
        parts.append(downmix(part))
        missing -= len(part)
    if not parts:
        raise AudioFileError(path, "holds no audio frames", "export it again")
    if missing:
        raise truncated(path, missing)
    return np.concatenate(parts)
