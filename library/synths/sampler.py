"""Play the regions of an SFZ instrument: pitch, loop, envelope, level; one mono voice for each region of a note."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ
from library.errors import InputError
from library.stretches import read_beginning
from library.synths.notes import Note
from library.synths.riff import sample_loop
from library.synths.sfz_region import Region, sample_path

__all__ = ["Sampler"]

MOST_FRAMES = 2_000_000
"""Frames of a sample that are decoded: 10 s at 192 kHz; a note lasts 5 s."""

MOST_LAYERS = 16
"""Regions that sound on one note."""

MOST_SAMPLES = 24
"""Samples that are kept decoded."""

_FARTHEST_CENTS = 4800.0
_FINEST_RATIO = 500
_LEAST_LOOP_FRAMES = 8


@dataclass(frozen=True, slots=True)
class _Sample:
    audio: NDArray[np.float32]  # [T] mono
    rate_hz: int
    loop: tuple[int, int] | None


class Sampler:
    """Play notes with regions.

    Args:
        sfz: The SFZ file; samples are named relative to it.
        regions: What sounds when.
    """

    def __init__(self, sfz: Path, regions: Sequence[Region]) -> None:
        self._sfz = sfz
        self._regions = regions
        self._samples: OrderedDict[str, _Sample | None] = OrderedDict()
        self.failed: dict[str, str] = {}

    def render(self, notes: Sequence[Note], duration_s: float) -> NDArray[np.float32]:
        """Render notes as samples[T] float32 mono at 16 kHz; samples that can't be read are named in `failed`."""
        total = round(duration_s * SAMPLE_RATE_HZ)
        out = np.zeros(total, np.float32)
        for note in notes:
            start = round(note.start_s * SAMPLE_RATE_HZ)
            for region in self._of(note):
                voice = self._voice(region, note, total - start)
                out[start : start + len(voice)] += voice
        return out

    def _of(self, note: Note) -> list[Region]:
        fitting = (
            region
            for region in self._regions
            if region.low <= note.pitch <= region.high and region.low_velocity <= note.velocity <= region.high_velocity
        )
        return [region for region, _ in zip(fitting, range(MOST_LAYERS), strict=False)]

    def _voice(self, region: Region, note: Note, most: int) -> NDArray[np.float32]:
        sample = self._sample(region.sample)
        if sample is None or most <= 0:
            return np.zeros(0, np.float32)
        cents = (note.pitch - region.center) * region.keytrack_cents + region.tune_cents
        speed = 2.0 ** (max(-_FARTHEST_CENTS, min(_FARTHEST_CENTS, cents)) / 1200.0)
        one_shot = region.loop == "one_shot"
        held = most if one_shot else round(note.duration_s * SAMPLE_RATE_HZ)
        length = min(most, held + round(region.release_s * SAMPLE_RATE_HZ))
        wanted = int(length / SAMPLE_RATE_HZ * sample.rate_hz * speed) + 64
        source = _played(sample, region, min(wanted, MOST_FRAMES))
        ratio = Fraction(SAMPLE_RATE_HZ / (sample.rate_hz * speed)).limit_denominator(_FINEST_RATIO)
        if not len(source) or ratio == 0:
            return np.zeros(0, np.float32)
        from scipy.signal import resample_poly

        voice = np.asarray(resample_poly(source, ratio.numerator, ratio.denominator), np.float32)[:length]
        gain = 10.0 ** (region.volume_db / 20.0) * _velocity_gain(note.velocity, region.veltrack)
        return np.asarray(voice * _envelope(region, len(voice), held) * gain, np.float32)

    def _sample(self, name: str) -> _Sample | None:
        if name not in self._samples:
            if len(self._samples) >= MOST_SAMPLES:
                self._samples.popitem(last=False)
            try:
                path = sample_path(self._sfz, name)
                audio, rate = read_beginning(path, MOST_FRAMES)
                self._samples[name] = _Sample(audio, rate, sample_loop(path))
            except (InputError, OSError, ValueError) as error:
                self.failed[name] = str(error)
                self._samples[name] = None
        return self._samples[name]


def _played(sample: _Sample, region: Region, frames: int) -> NDArray[np.float32]:
    """Return the frames that sound, looped as long as they are wanted."""
    end = min(len(sample.audio), region.end if region.end is not None else len(sample.audio))
    body = sample.audio[region.offset : end]
    own = sample.loop if not region.loop else None
    if own is None and region.loop not in ("loop_continuous", "loop_sustain"):
        return body[:frames]
    first, last = own or (region.loop_start, region.loop_end or end)
    if own is None and region.loop_end is None and sample.loop is not None:
        first, last = sample.loop
    first, last = max(0, first - region.offset), min(last - region.offset, len(body))
    if last - first < _LEAST_LOOP_FRAMES or last >= frames:
        return body[:frames]
    times = -(-(frames - last) // (last - first))
    return np.concatenate([body[:last], np.tile(body[first:last], times)])[:frames]


def _velocity_gain(velocity: int, track: float) -> float:
    full = (velocity / 127.0) ** 2
    return 1.0 - track * (1.0 - full) if track >= 0 else 1.0 + track * full


def _envelope(region: Region, length: int, held: int) -> NDArray[np.float64]:
    """Return the level[length] of a voice that is let go after `held` frames."""
    ends = np.cumsum([region.attack_s, region.hold_s, region.decay_s]) * SAMPLE_RATE_HZ
    at = np.arange(length, dtype=np.float64)
    points = np.maximum.accumulate(np.array([0.0, *ends]) + np.arange(4) * 1e-6)
    level = np.interp(np.minimum(at, held), points, [0.0 if region.attack_s else 1.0, 1.0, 1.0, region.sustain])
    release = max(1.0, region.release_s * SAMPLE_RATE_HZ)
    return np.asarray(level * np.clip(1.0 - (at - held) / release, 0.0, 1.0))
