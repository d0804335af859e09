"""Make short seeded signals, an index that knows them, and an engine on top."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ
from realtime.engine import Engine, EngineConfig
from realtime.types import Analysis, Timing, Window
from tests.fakes import SpectrumEncoder, TableIndex

__all__ = ["TONES_HZ", "engine", "noise", "song", "tone", "untimed", "window"]

TONES_HZ = (110.0, 330.0, 990.0, 2970.0)


def tone(hz: float, seconds: float, rate: int = SAMPLE_RATE_HZ, amplitude: float = 0.3) -> NDArray[np.float32]:
    """Return samples[T] of a sine."""
    time_s = np.arange(round(seconds * rate), dtype=np.float64) / rate
    return (amplitude * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def noise(seconds: float, level_db: float, rate: int = SAMPLE_RATE_HZ) -> NDArray[np.float32]:
    """Return samples[T] of white noise with an RMS level in dBFS."""
    samples = np.random.default_rng(3).normal(0.0, 1.0, round(seconds * rate))
    quiet: NDArray[np.float32] = (samples * 10.0 ** (level_db / 20.0)).astype(np.float32)
    return quiet


def song(rate: int, channels: int) -> NDArray[np.float32]:
    """Return frames[T, channels] of 9 s: two tones one after the other, a little noise, unlike channels."""
    parts = np.concatenate([tone(330.0, 3.0, rate), tone(990.0, 6.0, rate)])
    rng = np.random.default_rng(7)
    return np.stack([parts + rng.normal(0, 0.01, len(parts)) for _ in range(channels)], axis=1).astype(np.float32)


def engine(config: EngineConfig | None = None) -> Engine:
    """Return an engine whose library holds the tones of TONES_HZ by name."""
    encoder = SpectrumEncoder()
    vectors = encoder.embed(np.stack([tone(hz, 5.0) for hz in TONES_HZ]))
    return Engine(encoder, TableIndex(vectors, [f"{hz:.0f} Hz" for hz in TONES_HZ]), config)


def window(audio: NDArray[np.float32], start_s: float = 0.0) -> Window:
    """Return a window over audio[T] at 16 kHz."""
    return Window(audio, SAMPLE_RATE_HZ, round(start_s * SAMPLE_RATE_HZ), 0.0, has_gap=False)


def untimed(analysis: Analysis) -> Analysis:
    """Return an Analysis without the times that differ from run to run."""
    return replace(analysis, timing=Timing())
