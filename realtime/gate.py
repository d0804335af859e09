"""Decide whether a window holds something worth naming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.audio import level_db, power_db
from realtime.types import Skipped

__all__ = ["REST_S", "GateConfig", "Verdict", "judge"]

SILENCE_DB = -55.0
"""RMS under which a stretch counts as silent: 5 dB over the -60 dBFS of a noisy analogue input, far under any mix."""

MIN_ACTIVE = 0.1
"""Least part of a window that has to sound, half a second: of less, single notes are named wrongly more often. Isolated
hits of a drum kit and bursts of noise bring no name at half of that either."""

REST_S = 0.5
"""Silence at the end of a window that counts as one: shorter ones lie between notes."""

BLOCK_S = 0.05
"""Length of the stretches whose level is looked at: short enough for drum hits, long enough for a 20 Hz period."""

CLIP_LEVEL = 0.9995
"""Absolute sample from which a converter is taken to have clipped (full scale less a few 16 bit steps)."""

SAFE_PEAK = 1e4
"""Absolute sample beyond which float32 audio is broken, not loud (+80 dBFS): its power would overflow later on."""


@dataclass(frozen=True, slots=True)
class GateConfig:
    """Set the gate.

    Attributes:
        silence_db: RMS in dBFS under which a stretch is silent.
        min_active: Least active part of a window, 0..1.
    """

    silence_db: float = SILENCE_DB
    min_active: float = MIN_ACTIVE


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say what the gate found.

    Attributes:
        skipped: "silent" or "not-finite", or None when the window may pass.
        level_db: RMS of the window in dBFS, -200 for silence and for audio that is not finite.
        active: Part of the window that sounds, 0..1.
        clipped: Samples at or over full scale.
        rest_s: How long its end is silent.
    """

    skipped: Skipped | None
    level_db: float
    active: float
    clipped: int
    rest_s: float = 0.0


def judge(audio: NDArray[np.float32], sample_rate: int, config: GateConfig = GateConfig()) -> Verdict:
    """Judge audio[T] mono by its energy."""
    if not len(audio):
        return Verdict("silent", level_db(audio), 0.0, 0)
    lowest, highest = float(audio.min()), float(audio.max())
    # NaN fails the comparison as well as infinity does.
    if not (lowest > -SAFE_PEAK and highest < SAFE_PEAK):
        return Verdict("not-finite", level_db(audio[:0]), 0.0, 0)
    is_loud = max(-lowest, highest) >= CLIP_LEVEL
    clipped = int(np.count_nonzero(np.abs(audio) >= CLIP_LEVEL)) if is_loud else 0
    level = power_db(float(audio @ audio) / len(audio))
    sounds = _sounds(audio, round(BLOCK_S * sample_rate), config.silence_db)
    active, rest_s = float(np.mean(sounds)), BLOCK_S * int(np.argmax(sounds[::-1]))
    silent = level < config.silence_db or active < config.min_active
    return Verdict("silent" if silent else None, level, active, clipped, rest_s)


def _sounds(audio: NDArray[np.float32], block: int, silence_db: float) -> NDArray[np.bool_]:
    """Tell which blocks of audio[T] are over the silence level; what is shorter than a block is one."""
    blocks = len(audio) // block
    if blocks == 0:
        return np.array([level_db(audio) >= silence_db])
    parts = audio[: blocks * block].reshape(blocks, block)
    power = np.einsum("ij,ij->i", parts, parts) / block
    sounds: NDArray[np.bool_] = power >= 10.0 ** (silence_db / 10.0)
    return sounds
