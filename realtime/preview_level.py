"""Bring a sound to the level, length and channels that previews have; pure functions of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.audio import downmix, resample

__all__ = [
    "LONGEST_S",
    "PEAK_DB",
    "TARGET_DB",
    "active_level_db",
    "fade_ends",
    "match_level",
    "shape_preview",
    "skip_silence",
]

LONGEST_S = 6.0
"""Longest preview: enough for a phrase, short enough to hear several in a row."""

TARGET_DB = -20.0
"""Active level that every preview is brought to, in dBFS: what K-20 metering calls 0, below most mixes."""

PEAK_DB = -1.0
"""Highest peak of a preview in dBFS: a drum may stay under the target, but never clips."""

MOST_GAIN_DB = 30.0
"""Most that a quiet sound is raised: beyond it its noise would be what is heard."""

FADE_IN_S, FADE_OUT_S = 0.001, 0.05
"""No click at either end, and attacks stay attacks."""

_BLOCK_S = 0.05
_ACTIVE_DB = 20.0
"""Blocks that far under the loudest are decay or pauses, and do not count."""

_SILENT_DB = -70.0
"""What stays under it is silence, as in ITU-R BS.1770's absolute gate."""

_LEAD_DB = 50.0
"""A sound begins where it is that near to its peak."""

_LEAD_S = 0.005
_FLOOR = 1e-20


def active_level_db(samples: NDArray[np.float32], rate: int) -> float:
    """Return the RMS level in dBFS of the stretches in which there is sound, averaged over channels.

    Args:
        samples: [T, C].
        rate: Hz.

    Returns:
        Level over blocks of 50 ms that are at most 20 dB below the loudest; -200 for silence.
    """
    power = np.mean(np.square(samples, dtype=np.float64), axis=1)
    block = max(1, round(_BLOCK_S * rate))
    starts = np.arange(0, len(power), block)
    if not len(starts):
        return -200.0
    means = np.add.reduceat(power, starts) / np.diff(np.append(starts, len(power)))
    loudest = float(means.max())
    if 10.0 * np.log10(max(loudest, _FLOOR)) < _SILENT_DB:
        return -200.0
    return float(10.0 * np.log10(means[means >= loudest * 10.0 ** (-_ACTIVE_DB / 10.0)].mean()))


def match_level(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Bring samples[T, C] to TARGET_DB, lower where the peak would pass PEAK_DB; silence stays as it is."""
    level_db = active_level_db(samples, rate)
    if level_db <= -200.0:
        return samples
    peak = float(np.abs(samples).max())
    gain_db = min(TARGET_DB - level_db, MOST_GAIN_DB, PEAK_DB - 20.0 * float(np.log10(peak)))
    return samples * np.float32(10.0 ** (gain_db / 20.0))


def skip_silence(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Leave out what lies before the first sound of samples[T, C]."""
    loudness = np.abs(samples).max(axis=1, initial=0.0)
    if not len(loudness) or loudness.max() <= 0.0:
        return samples
    first = int(np.argmax(loudness >= loudness.max() * 10.0 ** (-_LEAD_DB / 20.0)))
    return samples[max(0, first - round(_LEAD_S * rate)) :]


def fade_ends(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return samples[T, C] that begin and end at zero."""
    faded = samples.copy()
    for seconds, view in ((FADE_IN_S, faded), (FADE_OUT_S, faded[::-1])):
        count = min(round(seconds * rate), len(faded) // 2)
        view[:count] *= np.linspace(0.0, 1.0, count, endpoint=False, dtype=np.float32)[:, None]
    return faded


def shape_preview(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Make a preview: two channels from where the sound begins, at most LONGEST_S, level-matched, faded.

    Args:
        samples: [T] or [T, C], finite; more than two channels are averaged.
        from_hz: Their rate.
        to_hz: Rate of the output.

    Returns:
        samples[T, 2] float32, C-contiguous; all zeros where the sound is silent.
    """
    frames = samples[:, None] if samples.ndim == 1 else samples
    if frames.shape[1] > 2:
        frames = downmix(frames)[:, None]
    frames = skip_silence(frames, from_hz)[: round(LONGEST_S * from_hz)]
    sides = [resample(np.array(frames[:, side], np.float32), from_hz, to_hz) for side in range(frames.shape[1])]
    stereo = np.stack([sides[0], sides[-1]], axis=1)[: round(LONGEST_S * to_hz)]
    return np.ascontiguousarray(fade_ends(match_level(stereo, to_hz), to_hz))
