"""Evaluate systems on the test instruments, from audio, by the paper's protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.data.clips import phrase_audio
from library.data.render import load_split
from library.data.scores import Split
from library.errors import InputError
from library.evaluation.protocols import mixture_scores, single_scores
from library.evaluation.systems import System

__all__ = ["evaluate"]

NOISE_SNR_DB = (40.0, 20.0)
MIXTURES = 600
THREES = 150
_COUNTS = (2, 9)
_SEED = 2023
_BATCH = 32


def evaluate(
    data: Path,
    systems: Sequence[System],
    progress: Callable[[str], None],
    split: Split = "test",
    mixtures: int = MIXTURES,
) -> dict[str, dict[str, float]]:
    """Return the figures of each system: single clips, clips with noise, mixtures of 2-9, mixtures of three.

    Raises:
        InputError: DATA holds no rendered instruments.
    """
    audio, label = _clips(data, split)
    mixes, truth, first = _mixtures(audio, label, mixtures, _COUNTS, np.random.default_rng(_SEED))
    threes, truth3, first3 = _mixtures(audio, label, THREES, (3, 3), np.random.default_rng(_SEED + 1))
    results: dict[str, dict[str, float]] = {}
    for system in systems:
        progress(f"{system.name}: single clips")
        vectors = _in_batches(system.embed, audio)
        row = single_scores(vectors, label, np.random.default_rng(_SEED))
        for snr_db in NOISE_SNR_DB:
            noisy = _in_batches(system.embed, _add_noise(audio, snr_db))
            scores = single_scores(vectors, label, np.random.default_rng(_SEED), noisy)
            row[f"top1_noise_{snr_db:.0f}dB"] = scores["top1"]
        progress(f"{system.name}: mixtures")
        heard = asdict(mixture_scores(*_encode(system, mixes), system.threshold, vectors[first], truth))
        three = mixture_scores(*_encode(system, threes), system.threshold, vectors[first3], truth3)
        heard.update(top1=three.top1, top5=three.top5)
        results[system.name] = row | {("three_" + key if key in ("top1", "top5") else key): heard[key] for key in heard}
    return results


def _clips(data: Path, split: Split) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    try:
        instruments = load_split(data)[split]
        clips = [phrase_audio(data, split, instrument) for instrument in instruments]
    except OSError as error:
        raise InputError(data, "holds no rendered instruments", f"run `timbrel data render --out {data}`") from error
    return np.concatenate(clips), np.repeat(np.arange(len(clips)), [len(part) for part in clips])


def _mixtures(
    audio: NDArray[np.float32], label: NDArray[np.int64], count: int, sources: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
    """Sum clips of different instruments, peak-normalised; a library clip of each instrument is never in a mixture.

    Returns:
        mixtures[M, T], truth[M, C], and the row of each instrument's library clip [C].
    """
    classes = int(label.max()) + 1
    rows = [np.flatnonzero(label == c) for c in range(classes)]
    mixes = np.zeros((count, audio.shape[1]), np.float32)
    truth = np.zeros((count, classes), bool)
    for m in range(count):
        for c in rng.choice(classes, int(rng.integers(sources[0], sources[1] + 1)), replace=False):
            mixes[m] += audio[rng.choice(rows[c][1:])]
            truth[m, c] = True
    mixes /= np.abs(mixes).max(axis=1, keepdims=True)
    return mixes, truth, np.array([found[0] for found in rows])


def _add_noise(audio: NDArray[np.float32], snr_db: float) -> NDArray[np.float32]:
    rng = np.random.default_rng(_SEED)
    level = np.sqrt(np.square(audio).mean(axis=1, keepdims=True)) * 10 ** (-snr_db / 20)
    noisy: NDArray[np.float32] = audio + level.astype(np.float32) * rng.standard_normal(audio.shape, np.float32)
    return noisy


def _in_batches(
    embed: Callable[[NDArray[np.float32]], NDArray[np.float32]], audio: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.concatenate([embed(audio[i : i + _BATCH]) for i in range(0, len(audio), _BATCH)])


def _encode(system: System, audio: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    parts = [system.encode(audio[i : i + _BATCH]) for i in range(0, len(audio), _BATCH)]
    return np.concatenate([part.vectors for part in parts]), np.concatenate([part.presence for part in parts])
