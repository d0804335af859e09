"""Decode, downmix and resample audio: the only place that knows file formats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from library.errors import AudioFileError

if TYPE_CHECKING:
    from library.resampler import Resampler

__all__ = [
    "SAMPLE_RATE_HZ",
    "AudioInfo",
    "audio_info",
    "decoder",
    "downmix",
    "level_db",
    "missing_frames",
    "read_audio",
    "read_frames",
    "resample",
    "resampling_ratio",
    "truncated",
    "write_audio",
]

SAMPLE_RATE_HZ = 16_000
"""Sample rate that every encoder hears (arXiv 2211.07951, section 3)."""

MAX_AUDIO_S = 2 * 3600.0
"""Longest stretch that is decoded into memory at once: two hours of 48 kHz stereo are 2.8 GB as float32."""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 1_536_000
"""Rates outside are nonsense in a header; DXD is 352,800 Hz, and some analysers write 1.5 MHz."""

_SILENCE_DB = -200.0
_FINEST_RATIO = 1000
"""Largest denominator of a resampling ratio, a millionth off: a filter for just 44,101 -> 16,000 Hz takes 2.8 GB."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """Describe an audio file without decoding it."""

    path: Path
    frames: int
    sample_rate: int
    channels: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


def audio_info(path: Path) -> AudioInfo:
    """Read the header of an audio file.

    Raises:
        AudioFileError: The file is missing, is not audio, or its header makes no sense.
    """
    _require_file(path)
    with decoder(path) as file:
        info = AudioInfo(path, int(file.frames), int(file.samplerate), int(file.channels))
    if info.channels < 1 or not LOWEST_RATE_HZ <= info.sample_rate <= HIGHEST_RATE_HZ:
        rule = f"has {info.channels} channels at {info.sample_rate} Hz, need at least 1 at {LOWEST_RATE_HZ} Hz or more"
        raise AudioFileError(path, rule, "export it again")
    return info


def read_audio(path: Path, sample_rate: int = SAMPLE_RATE_HZ) -> NDArray[np.float32]:
    """Decode a whole file to mono at the given rate.

    Returns:
        samples[T] float32.

    Raises:
        AudioFileError: The file can't be decoded, is empty, truncated or holds NaN or infinity.
    """
    frames, rate = read_frames(path)
    mono = resample(downmix(frames), rate, sample_rate)
    if mono.size == 0:
        raise AudioFileError(path, "holds no audio frames", "export it again")
    return mono


def read_frames(path: Path) -> tuple[NDArray[np.float32], int]:
    """Decode a whole file as it is.

    Returns:
        samples[T, channels] float32 and the sample rate in Hz.

    Raises:
        AudioFileError: The file can't be decoded, is empty, truncated or holds NaN or infinity.
    """
    info = audio_info(path)
    if info.duration_s > MAX_AUDIO_S:
        raise AudioFileError(
            path, f"is {info.duration_s / 3600:.1f} h long, at most {MAX_AUDIO_S / 3600:.0f} h are read", "split it"
        )
    with decoder(path) as file:
        samples = file.read(dtype="float32", always_2d=True)
    if len(samples) == 0:
        raise AudioFileError(path, "holds no audio frames", "export it again")
    missing = missing_frames(path, info, len(samples))
    if missing > 0:
        raise truncated(path, missing)
    if not np.isfinite(samples).all():
        raise AudioFileError(path, "holds NaN or infinite samples", "export it again as 16 or 24 bit PCM")
    return samples, info.sample_rate


def downmix(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average the channels of frames[T, C] into samples[T]."""
    if frames.ndim == 1:
        return frames
    mono = frames[:, 0].astype(np.float32)
    for channel in range(1, frames.shape[1]):  # numpy's mean over a short axis takes ten times as long
        mono += frames[:, channel]
    mono /= frames.shape[1]
    return mono


def resample(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Resample samples[T] with a windowed sinc of torchaudio (see library.resampler)."""
    if from_hz == to_hz or samples.size == 0:
        return samples
    import torch

    with torch.inference_mode():
        ratio = resampling_ratio(from_hz, to_hz)
        out: NDArray[np.float32] = _resampler(ratio.denominator, ratio.numerator)(torch.from_numpy(samples)).numpy()
    return out


def resampling_ratio(from_hz: int, to_hz: int) -> Fraction:
    """Return how many samples resample() makes of each: the ratio of the rates, or one next to it with small parts."""
    return Fraction(to_hz, from_hz).limit_denominator(_FINEST_RATIO)


def level_db(samples: NDArray[np.float32]) -> float:
    """Return the RMS level in dBFS, -200 for digital silence."""
    if samples.size == 0:
        return _SILENCE_DB
    return power_db(float(np.mean(np.square(samples, dtype=np.float64))))


def power_db(power: float) -> float:
    """Return a mean square as a level in dBFS, -200 for digital silence."""
    return max(_SILENCE_DB, 10.0 * float(np.log10(power))) if power > 0.0 else _SILENCE_DB


def write_audio(path: Path, samples: NDArray[np.float32], sample_rate: int, subtype: str | None = None) -> None:
    """Write samples[T] or samples[T, C]; the suffix of the path chooses the format."""
    import soundfile

    soundfile.write(str(path), samples, sample_rate, subtype=subtype)


@lru_cache(maxsize=16)
def _resampler(from_hz: int, to_hz: int) -> Resampler:
    from library.resampler import Resampler

    return Resampler(from_hz, to_hz)


@contextmanager
def decoder(path: Path) -> Iterator[Any]:  # Any: soundfile has no types
    """Open an audio file; what goes wrong in it while it is open becomes an AudioFileError.

    By its descriptor: given a path, libsndfile also reads the file `._NAME` beside it, which macOS leaves on foreign
    drives, and takes an MP3 for a Sound Designer II file then.
    """
    import soundfile

    try:
        with path.open("rb") as raw, soundfile.SoundFile(raw.fileno(), closefd=False) as file:
            yield file
    except (soundfile.LibsndfileError, RuntimeError, OSError, MemoryError) as error:
        raise _not_audio(path, error) from error


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise AudioFileError(
            path, "is a folder, not an audio file", "name a file in it, or use `timbrel library build`"
        )
    if not path.exists():
        raise AudioFileError(path, "no such file", "check the name")
    if path.is_file() and path.stat().st_size == 0:
        raise AudioFileError(path, "is empty", "copy or export it again")


def truncated(path: Path, missing: int) -> AudioFileError:
    """Return the error that says how much of a file is missing."""
    return AudioFileError(path, f"is truncated: {missing} frames are missing at its end", "copy or export it again")


def _not_audio(path: Path, error: Exception) -> AudioFileError:
    reason = str(error).splitlines()[-1].split(": ")[-1].rstrip(".") or type(error).__name__
    return AudioFileError(
        path, f"is not audio that can be read ({reason})", "give a WAV, AIFF, FLAC, Ogg, Opus or MP3 file"
    )


def missing_frames(path: Path, info: AudioInfo, decoded: int) -> int:
    """Count the frames that a RIFF header promises and the file lacks; libsndfile trims these silently."""
    if decoded < info.frames:
        return info.frames - decoded
    with path.open("rb") as file:
        head = file.read(28)
        if head[:4] == b"FORM" and head[12:16] == b"COMM" and head[8:12] == b"AIFF":
            return max(0, int.from_bytes(head[22:26], "big") - decoded)
        file.seek(12)
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return 0
        size = path.stat().st_size
        frame_bytes = 0
        while len(chunk := file.read(8)) == 8:
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"fmt ":
                frame_bytes = int.from_bytes(file.read(16)[12:14], "little")
                file.seek(length - 16 + length % 2, 1)
                continue
            if chunk[:4] == b"data":
                # 0xFFFFFFFF and 0 are what streaming writers leave when they can't seek back.
                lacking = file.tell() + length - size
                return lacking // max(1, frame_bytes) if length not in (0, 0xFFFFFFFF) and lacking > 0 else 0
            file.seek(length + length % 2, 1)
    return 0
